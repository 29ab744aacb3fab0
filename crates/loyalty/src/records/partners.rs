//! What partners tell: points that members earned or burned there, and what came back of it.
//!
//! Always holds: whoever tells holds the workspace's head from the first look to the last write, so that limits, budgets, points and the line are one step; a reference of a partner with the
//! same words is the same line, also one that was refused. Every point goes through the partner's own account in the ledger: what a member earns was issued to the partner and handed on, what
//! they burn is handed to the partner and spent there; so that what is settled can be proved from the ledger's chain alone.
//!
//! Does not: find out who a card belongs to, or move money.

mod lines;
mod statements;

use rapport_domain::Timestamp;
use rapport_store::Tx;
use rapport_store::outbox::Event;
use serde::Serialize;
use serde_json::json;

pub(super) use lines::merge;
pub use lines::{Line, by_reference, of_members, of_month};
pub use statements::{
    Closed, MONTH_CLOSED, Proof, Standing, close, closed, months, pay, proof, save, standing, statement,
};

use super::documents;
use super::redemptions::Scene;
use super::tallies::{self, Tally};
use super::{Memory, head, houses, members, wallets};
use crate::Error;
use crate::earning::CapPer;
use crate::ledger::{
    self, Act, Answer, Command, Expiry, MemberId, Portion, REFERENCE_MAX, Shortage, Source, WalletId, clawed,
};
use crate::partners::statement::Kind;
use crate::partners::{Partner, Refusal, Told, Way, money};

/// The domain event of points that were earned at a partner.
pub const GIVEN: &str = "partner.given";
/// Of points that were burned there.
pub const BURNED: &str = "partner.burned";
/// Of either that came back.
pub const RETURNED: &str = "partner.returned";

/// What the ids of the ledger's operations begin with that are made here.
pub const OWN_IDS: &str = "partner:";
/// What kind of house account a partner's is.
const HOUSE: &str = "partner";

/// What came of telling; the store's errors apart.
pub type Outcome = Result<Result<Line, Refusal>, Error>;

/// What a partner tells.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The partner's key.
    pub partner: &'a str,
    /// The partner's own reference: the same again is the same line. No personal data.
    pub reference: &'a str,
    /// Which way.
    pub way: Way,
    /// Whose; nobody, where whom the partner named is not known, or not any more.
    pub member: Option<MemberId>,
    /// How much.
    pub told: Told,
    /// When; now, unless said.
    pub occurred_at: Option<Timestamp>,
    /// Who told it: a user or a key.
    pub by: &'a str,
}

/// What comes back of a line.
#[derive(Clone, Copy, Debug)]
pub struct Return<'a> {
    /// The partner's key.
    pub partner: &'a str,
    /// The partner's own reference of what comes back.
    pub reference: &'a str,
    /// The reference of the line of which it comes back.
    pub of: &'a str,
    /// How much of it; what is left, unless said.
    pub told: Option<Told>,
    /// When; now, unless said.
    pub occurred_at: Option<Timestamp>,
    /// Who told it.
    pub by: &'a str,
}

/// What was asked for, in 128 bits; without the member, who may be another number by the time it is told again.
fn fingerprint(content: impl Serialize) -> [u8; 16] {
    let content = serde_json::to_vec(&content).expect("plain values become JSON");
    blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

fn parts(told: Told) -> (Option<i64>, Option<i64>) {
    match told {
        Told::Points(points) => (Some(points), None),
        Told::Amount(amount) => (None, Some(amount)),
    }
}

fn is_readable(reference: &str) -> bool {
    !reference.is_empty() && reference.len() <= REFERENCE_MAX && !reference.contains('\0')
}

/// Posts what a member earned or burned at a partner, or says why not.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn tell(tx: &mut Tx, scene: Scene<'_>, asked: Asked<'_>) -> Outcome {
    if !is_readable(asked.reference) {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::IdMalformed)));
    }
    head::lock(tx, scene.workspace).await?;
    let print = fingerprint((asked.way, parts(asked.told), asked.occurred_at));
    if let Some(earlier) = by_reference(tx, scene.workspace, asked.partner, asked.reference).await? {
        return same(tx, scene, earlier, print, asked.member).await;
    }
    let versions = documents::versions_of::<Partner>(tx, scene.workspace, asked.partner).await?;
    if versions.is_empty() {
        return Ok(Err(Refusal::PartnerUnknown));
    }
    let occurred_at = asked.occurred_at.unwrap_or(scene.now);
    let mut line = Line::asked(scene, (asked.partner, asked.reference, asked.by), Kind::of(asked.way), occurred_at);
    line.fingerprint = print;
    let Some(member) = asked.member else { return Ok(Err(Refusal::MemberUnknown)) };
    let Some(found) = members::find(tx, scene.workspace, member).await? else {
        return Ok(Err(Refusal::MemberUnknown));
    };
    let member = found.member;
    line.member = Some(member.0);
    let outcome = match documents::in_force(&versions, occurred_at).next() {
        None if occurred_at > scene.now => Err(Refusal::InTheFuture),
        None => Err(Refusal::NotActive),
        Some(version) => {
            line.version = version.version;
            told(tx, scene, (&version.document, asked), &mut line).await?
        }
    };
    finish(tx, scene, line, outcome).await
}

/// What was answered before, or that the reference stands for something else.
async fn same(tx: &mut Tx, scene: Scene<'_>, earlier: Line, print: [u8; 16], member: Option<MemberId>) -> Outcome {
    let is_other = match (member, earlier.member) {
        (Some(member), Some(whose)) => members::now(tx, scene.workspace, member).await? != MemberId(whose),
        // A card that was void meanwhile leads to nobody, and the words are the same nevertheless.
        _ => false,
    };
    if is_other || earlier.fingerprint != print {
        return Ok(Err(Refusal::ReferenceReused));
    }
    Ok(match earlier.refused.as_deref() {
        None => Ok(earlier),
        Some(code) => Err(Refusal::read(code).unwrap_or(Refusal::NotActive)),
    })
}

/// Writes the line down, or that it was refused.
async fn finish(tx: &mut Tx, scene: Scene<'_>, line: Line, outcome: Result<(), Refusal>) -> Outcome {
    let month = statements::open_month(tx, scene.workspace, &line.partner, line.own_month).await?;
    let line = Line { month, ..line };
    let Err(refusal) = outcome else {
        line.write(tx, scene.workspace).await?;
        announce(tx, scene, &line).await?;
        return Ok(Ok(line));
    };
    if refusal.uses_up_the_reference() {
        let (points, short, price, money) = (0, 0, 0, 0);
        let refused = Some(refusal.code().to_owned());
        let line = Line { points, short, price, money, refused, operation: None, ..line };
        line.write(tx, scene.workspace).await?;
    }
    Ok(Err(refusal))
}

/// Looks at limits and budgets, and posts.
async fn told(
    tx: &mut Tx,
    scene: Scene<'_>,
    (partner, asked): (&Partner, Asked<'_>),
    line: &mut Line,
) -> Result<Result<(), Refusal>, Error> {
    let at = line.occurred_at;
    if at > scene.now {
        return Ok(Err(Refusal::InTheFuture));
    }
    if at < scene.now.plus(-i64::from(partner.late_days) * Timestamp::DAY) {
        return Ok(Err(Refusal::TooLate));
    }
    let reckoned = partner.points(asked.way, asked.told).and_then(|points| {
        let price = partner.price(asked.way)?.micros();
        Ok((points, price, money(points, price)?))
    });
    match reckoned {
        Err(refusal) => return Ok(Err(refusal)),
        Ok((points, price, money)) => (line.points, line.price, line.money) = (points, price, money),
    }
    line.amount = parts(asked.told).1;
    partner.wallet(scene.program).clone_into(&mut line.wallet);
    let what = tally(&partner.key, asked.way);
    let member = line.member();
    let tally = Tally { what: &what, member, at, calendar: scene.calendar };
    let counted = tallies::read(tx, scene.workspace, tally).await?;
    let given = |per, every| counted.given(per == CapPer::Member, every, at, scene.calendar);
    if let Err(refusal) = partner.room(asked.way, line.points, given) {
        return Ok(Err(refusal));
    }
    match post(tx, scene, line, asked.way).await? {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(answers) => line.operation = answers.first().and_then(|answer| answer.operation),
    }
    tallies::add(tx, scene.workspace, tally, line.points);
    Ok(Ok(()))
}

fn tally(partner: &str, way: Way) -> String {
    format!("partner:{}:{partner}", way.key())
}

/// The two sides of it: the partner's account and the member's.
async fn post(tx: &mut Tx, scene: Scene<'_>, line: &Line, way: Way) -> Result<Result<Vec<Answer>, Refusal>, Error> {
    let plan = scene.program.wallet(&line.wallet);
    let (Some(plan), Some(member)) = (plan, line.member()) else {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::WalletUnknown)));
    };
    let partner = houses::open(tx, scene.workspace, (HOUSE, &line.partner), scene.now, scene.rng).await?;
    let (amount, at) = (line.points, line.occurred_at);
    let steps = match way {
        Way::Given => {
            let bought = Act::Earn { amount, earned_at: Some(at), active_from: None, expires_at: None };
            let expiry = Expiry::Reset { expires_at: plan.expiry.end(at, &scene.calendar.zone) };
            [(SETTLED, partner, bought), ("", partner, Act::Transfer { to: member, amount, expiry })]
        }
        // At the partner's nothing lapses, so that what comes back is there to be handed back.
        Way::Burned => {
            let handed = Act::Transfer { to: partner, amount, expiry: Expiry::Reset { expires_at: None } };
            [("", member, handed), (SETTLED, partner, Act::Spend { amount })]
        }
    };
    posted(tx, scene, line, steps).await
}

/// What the id of the partner's own side ends with.
const SETTLED: &str = ":settled";

async fn posted(
    tx: &mut Tx,
    scene: Scene<'_>,
    line: &Line,
    steps: [(&str, MemberId, Act); 2],
) -> Result<Result<Vec<Answer>, Refusal>, Error> {
    let numbers = wallets::numbers(tx, scene.workspace).await?;
    let Some(wallet) = numbers.get(&line.wallet).copied() else {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::WalletUnknown)));
    };
    let command = |(step, member, act): (&str, MemberId, Act)| command(line, wallet, step, member, act);
    // Nothing of it may be remembered before the caller commits.
    let list = [steps.map(command).to_vec()];
    let answers = super::post(tx, &mut Memory::default(), scene.workspace, &list, scene.now).await?;
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    let linked = ledger::Refusal::LinkedRefused;
    let refused = answers.iter().filter_map(|answer| answer.refused).min_by_key(|refusal| *refusal == linked);
    Ok(match refused {
        Some(refusal) => Err(Refusal::Ledger(refusal)),
        None => Ok(answers),
    })
}

fn command(line: &Line, wallet: WalletId, step: &str, member: MemberId, act: Act) -> Command {
    let source = Source {
        kind: "partner".to_owned(),
        reference: line.partner.clone(),
        by: line.told_by.clone(),
        reason: String::new(),
        asked: None,
    };
    Command { id: format!("{OWN_IDS}{}{step}", line.line), member, wallet, act, source }
}

/// Takes back what was earned, or gives back what was burned, in whole or in part.
///
/// # Errors
/// As [`tell`].
pub async fn take_back(tx: &mut Tx, scene: Scene<'_>, asked: Return<'_>) -> Outcome {
    if !is_readable(asked.reference) {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::IdMalformed)));
    }
    head::lock(tx, scene.workspace).await?;
    let print = fingerprint(("return", asked.of, asked.told.map(parts), asked.occurred_at));
    if let Some(earlier) = by_reference(tx, scene.workspace, asked.partner, asked.reference).await? {
        return same(tx, scene, earlier, print, None).await;
    }
    if documents::versions_of::<Partner>(tx, scene.workspace, asked.partner).await?.is_empty() {
        return Ok(Err(Refusal::PartnerUnknown));
    }
    let Some(mut first) = by_reference(tx, scene.workspace, asked.partner, asked.of).await? else {
        return Ok(Err(Refusal::ReferenceUnknown));
    };
    let Some(way) = Way::read(&first.kind).filter(|_| first.refused.is_none()) else {
        return Ok(Err(Refusal::NotReturnable));
    };
    let occurred_at = asked.occurred_at.unwrap_or(scene.now);
    if occurred_at > scene.now {
        return Ok(Err(Refusal::InTheFuture));
    }
    let (wanted, amount) = match first.wanted(asked.told) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut line = Line::asked(scene, (asked.partner, asked.reference, asked.by), Kind::back(way), occurred_at);
    line.fingerprint = print;
    asked.of.clone_into(&mut line.of_reference);
    (line.member, line.version, line.price, line.amount) = (first.member, first.version, first.price, amount);
    line.wallet.clone_from(&first.wallet);
    let outcome = back(tx, scene, (&first, way, wanted), &mut line).await?;
    if outcome.is_ok() {
        first.returned += wanted;
        first.returned_amount += amount.unwrap_or(0);
        first.write(tx, scene.workspace).await?;
    }
    finish(tx, scene, line, outcome).await
}

impl Line {
    /// How many points are to come back, and for how much money, where it is told in money.
    fn wanted(&self, told: Option<Told>) -> Result<(i64, Option<i64>), Refusal> {
        let left = self.points - self.returned;
        let amount_left = self.amount.map(|amount| amount - self.returned_amount);
        match told {
            None if left == 0 && amount_left.unwrap_or(0) == 0 => Err(Refusal::ReturnedMore),
            None => Ok((left, amount_left)),
            Some(Told::Points(points)) => match points {
                0 => Err(Refusal::Ledger(ledger::Refusal::AmountZero)),
                ..0 => Err(Refusal::Ledger(ledger::Refusal::AmountNegative)),
                points if points > left => Err(Refusal::ReturnedMore),
                points => Ok((points, None)),
            },
            Some(Told::Amount(amount)) => {
                let (Some(all), Some(left_of_it)) = (self.amount, amount_left) else { return Err(Refusal::NoAmount) };
                match amount {
                    0 => Err(Refusal::Ledger(ledger::Refusal::AmountZero)),
                    ..0 => Err(Refusal::Ledger(ledger::Refusal::AmountNegative)),
                    amount if amount > left_of_it => Err(Refusal::ReturnedMore),
                    // Cumulative, so that the parts come to the whole.
                    amount => {
                        let due = clawed(self.points, self.returned_amount + amount, all) - self.returned;
                        Ok((due.clamp(0, left), Some(amount)))
                    }
                }
            }
        }
    }
}

/// Posts what comes back; what the wallet's policy does not take back is said.
async fn back(
    tx: &mut Tx,
    scene: Scene<'_>,
    (first, way, wanted): (&Line, Way, i64),
    line: &mut Line,
) -> Result<Result<(), Refusal>, Error> {
    if wanted > 0 {
        let answers = match undo(tx, scene, (first, way, wanted), line).await? {
            Ok(answers) => answers,
            Err(refusal) => return Ok(Err(refusal)),
        };
        line.operation = answers.first().and_then(|answer| answer.operation);
        line.points = answers.iter().map(|answer| answer.amount).min().unwrap_or(0);
        line.short = wanted - line.points;
    }
    line.money = match money(line.points, line.price) {
        Ok(money) => money,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let what = tally(&first.partner, way);
    let tally = Tally { what: &what, member: first.member(), at: first.occurred_at, calendar: scene.calendar };
    tallies::add(tx, scene.workspace, tally, -line.points);
    Ok(Ok(()))
}

async fn undo(
    tx: &mut Tx,
    scene: Scene<'_>,
    (first, way, wanted): (&Line, Way, i64),
    line: &Line,
) -> Result<Result<Vec<Answer>, Refusal>, Error> {
    let partner = houses::open(tx, scene.workspace, (HOUSE, &line.partner), scene.now, scene.rng).await?;
    let member = first.member().unwrap_or(partner);
    let reverse = |step: &str, shortage| Act::Reverse {
        of: format!("{OWN_IDS}{}{step}", first.line),
        portion: Portion::Points { amount: wanted },
        shortage,
        grace_until: None,
    };
    let steps = match way {
        Way::Given => {
            let shortage = scene.program.wallet(&line.wallet).map(|plan| plan.clawback).unwrap_or_default();
            // What the member gave back is all that the partner's side has.
            [("", partner, reverse("", shortage)), (SETTLED, partner, reverse(SETTLED, Shortage::WithinBalance))]
        }
        Way::Burned => {
            let all = Shortage::WithinBalance;
            [(SETTLED, partner, reverse(SETTLED, all)), ("", member, reverse("", all))]
        }
    };
    posted(tx, scene, line, steps).await
}

/// Says what happened, without references.
async fn announce(tx: &mut Tx, scene: Scene<'_>, line: &Line) -> Result<(), Error> {
    let name = match Kind::read(&line.kind) {
        Some(Kind::Given) => GIVEN,
        Some(Kind::Burned) => BURNED,
        Some(Kind::GivenBack | Kind::BurnedBack) => RETURNED,
        _ => return Ok(()),
    };
    let Some(member) = line.member() else { return Ok(()) };
    let person = members::find(tx, scene.workspace, member).await?.and_then(|it| it.person);
    let payload = json!({
        "partner": line.partner, "member": member.0.to_string(), "kind": line.kind, "wallet": line.wallet, "amount": line.points,
        "at": line.occurred_at.to_rfc3339(),
    });
    let event = Event::new(scene.workspace, name, payload);
    tx.emit(match person {
        Some(person) => event.about(person),
        None => event,
    });
    Ok(())
}
