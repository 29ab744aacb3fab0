//! Redemptions: a reward is given for points, whole or not at all.
//!
//! Always holds: whoever redeems holds the workspace's head from the first look to the last write, so that limits, stock, points, code and row are one step that nobody is in the midst of;
//! the same id with the same wish is the same redemption, also one that was refused. Points come back into the lots that they came from, stock and limits have room again, and a code that
//! nobody has seen can be given to somebody else. Where a [household](super::households) pays, each pays out of their own account, all or none, and gets back what was theirs.
//!
//! Does not: judge conditions (whoever calls says whether they hold), or deliver anything.

mod read;
mod settle;
mod taking;

use rapport_domain::{Calendar, PersonId, Rng, Timestamp, WorkspaceId};
use rapport_segments::Condition;
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Tx, args, sql};
use serde_json::json;

pub use read::{Filter, by_id, find, gifts, list, of_members, search};
pub use settle::{are_due, cancel, expire, fail, fulfil, paid, reopen, used, withdraw};

use super::documents::{self, Version};
use super::members::Member;
use super::tallies::{self, Tally};
use super::vouchers::{self, Given, Owner, Voucher};
use super::{Memory, gift_cards, head, members};
use crate::Error;
use crate::earning::CapPer;
use crate::households;
use crate::ledger::{self, Command, MemberId, Standing};
use crate::program::Program;
use crate::rewards::{Gives, Price, Refusal, Reward, Wish};

/// The domain event of a reward that was redeemed.
pub const REDEEMED: &str = "reward.redeemed";
/// Of one that was delivered.
pub const FULFILLED: &str = "redemption.fulfilled";
/// Of one that was called off, could not be delivered, or was not paid or delivered in time.
pub const CANCELLED: &str = "redemption.cancelled";
/// Of a code that was used.
pub const VOUCHER_USED: &str = "voucher.used";

/// What the ids of the ledger's operations begin with that are made here.
pub const OWN_IDS: &str = "redemption:";
/// Redemptions whose time is over, settled before somebody redeems: usually none, since they are settled every second.
const DUE_BEFORE: u32 = 50;

/// What came of asking; the store's errors apart.
pub type Outcome = Result<Result<Redemption, Refusal>, Error>;

/// A redemption.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Redemption {
    /// Its own id.
    pub redemption: String,
    /// The id that whoever asked gave it.
    pub id: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// Who redeemed.
    pub member: i64,
    /// What.
    pub reward: String,
    /// In which version.
    pub version: i64,
    /// What kind of thing it is.
    pub kind: String,
    /// `requested`, `fulfilled`, `used`, `failed`, `cancelled`, `expired` or `refused`.
    pub state: String,
    /// Why it was refused.
    pub refused: Option<String>,
    /// What the points were taken from.
    pub wallet: String,
    /// How many.
    pub points: i64,
    /// Where they are: `none`, `held`, `spent`, `captured` or `returned`.
    pub taken: String,
    /// The money part of the price, in millionths.
    pub money: Option<i64>,
    /// To whom it is given, if it is a donation.
    pub charity: String,
    /// How much the programme gives, in millionths.
    pub amount: i64,
    /// Whether it was given for nothing.
    pub is_surprise: bool,
    /// Whether what the member's own points did not pay may come from their household.
    pub is_household: bool,
    /// How many points the household was short of, if it was refused for that.
    pub missing: Option<i64>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it lapses, if nothing happens before: unpaid, not delivered, or not used.
    pub due_at: Option<Timestamp>,
    /// Until before when the member may call it off.
    pub cancel_until: Option<Timestamp>,
    /// When the money came.
    pub paid_at: Option<Timestamp>,
    /// When it came to where it stands.
    pub settled_at: Option<Timestamp>,
    /// What whoever delivers knows it by.
    pub reference: String,
    /// Why, in somebody's words.
    pub reason: String,
    /// A user, a key, a journey; `member` by the member's own page.
    pub redeemed_by: String,
}

/// How far a redemption is, for whoever only asks whether the reward is still to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its points are taken, and the reward is still to be had.
    Promised,
    /// The member had it.
    Had,
    /// It is not to be had any more: called off, not delivered, or over.
    Gone,
}

impl Stage {
    /// A stable word, the one that queries make of a row.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Promised => "promised",
            Self::Had => "had",
            Self::Gone => "gone",
        }
    }
}

impl Redemption {
    /// Who redeemed.
    pub const fn member(&self) -> MemberId {
        MemberId(self.member)
    }

    /// How far it is: a code waits until it is used, what is delivered or given away is had at once.
    pub fn stage(&self) -> Stage {
        match self.state.as_str() {
            "requested" => Stage::Promised,
            "fulfilled" if !matches!(self.kind.as_str(), "delivered" | "donation" | "gift_card") => Stage::Promised,
            "fulfilled" | "used" => Stage::Had,
            _ => Stage::Gone,
        }
    }
}

/// Where and when, and by which programme.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Where.
    pub workspace: WorkspaceId,
    /// The programme in force.
    pub program: &'a Program,
    /// Its calendar.
    pub calendar: &'a Calendar,
    /// When.
    pub now: Timestamp,
    /// For codes and ids.
    pub rng: &'a dyn Rng,
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// For whom.
    pub member: MemberId,
    /// A reward's key.
    pub reward: &'a str,
    /// What they want to pay.
    pub wish: Wish<'a>,
    /// Whether it is given for nothing, out of the budget for surprises.
    pub is_surprise: bool,
    /// Whether what the member's own points do not pay may come from their household.
    pub with_household: bool,
    /// A user, a key, a journey; `member` by the member's own page.
    pub by: &'a str,
    /// Why, in their words.
    pub reason: &'a str,
}

impl Asked<'_> {
    fn fingerprint(&self) -> [u8; 16] {
        let Wish { wallet, points, money } = self.wish;
        let content = (self.member, self.reward, wallet, points, money, self.is_surprise, self.reason);
        let mut content = serde_json::to_vec(&content).expect("plain values become JSON");
        // What was asked before there were households is the same as ever.
        content.extend(self.with_household.then_some(b'h'));
        blake3::hash(&content).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
    }

    fn is_readable(&self) -> bool {
        let is_short = |text: &str| text.len() <= ledger::REFERENCE_MAX && !text.contains('\0');
        !self.id.is_empty() && [self.id, self.by, self.reason].into_iter().all(is_short)
    }
}

/// What is decided before anything is written.
struct Decision<'a> {
    member: Member,
    version: i64,
    reward: &'a Reward,
    price: Option<&'a Price>,
}

/// Redeems a reward, or says why not; `holds` says whether a condition holds for the member.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn redeem(tx: &mut Tx, scene: Scene<'_>, asked: Asked<'_>, holds: impl Fn(&Condition) -> bool) -> Outcome {
    if !asked.is_readable() {
        return Ok(Err(Refusal::Ledger(ledger::Refusal::IdMalformed)));
    }
    // From here on nobody else redeems or posts.
    head::lock(tx, scene.workspace).await?;
    if let Some(earlier) = by_id(tx, scene.workspace, asked.id).await? {
        return Ok(answer(earlier, asked.fingerprint()));
    }
    settle::expire_locked(tx, scene, DUE_BEFORE).await?;
    let versions = documents::versions_of::<Reward>(tx, scene.workspace, asked.reward).await?;
    let mut row = asked_row(scene, asked);
    let refusal = match decide(tx, scene, asked, &versions, holds).await? {
        Ok(decision) => match give(tx, scene, &mut row, &decision).await? {
            Ok(()) => return Ok(Ok(row)),
            Err(refusal) => refusal,
        },
        Err(refusal) => refusal,
    };
    if refusal.uses_up_the_id() && !matches!(refusal, Refusal::Ledger(it) if !it.uses_up_the_id()) {
        let missing = match refusal {
            Refusal::Household(households::Refusal::Short { missing }) => Some(missing),
            _ => None,
        };
        let row = Redemption { refused: Some(refusal.code().to_owned()), missing, ..asked_row(scene, asked) };
        write(tx, scene.workspace, &row);
    }
    Ok(Err(refusal))
}

/// What was answered before, or that the id stands for something else.
fn answer(earlier: Redemption, fingerprint: [u8; 16]) -> Result<Redemption, Refusal> {
    if earlier.fingerprint != fingerprint {
        return Err(Refusal::IdReused);
    }
    let Some(code) = earlier.refused.as_deref() else { return Ok(earlier) };
    Err(match (Refusal::read(code), earlier.missing) {
        (_, Some(missing)) => Refusal::Household(households::Refusal::Short { missing }),
        (found, None) => found.unwrap_or(Refusal::NotOffered),
    })
}

fn asked_row(scene: Scene<'_>, asked: Asked<'_>) -> Redemption {
    Redemption {
        redemption: format!("rdm_{:016x}{:016x}", scene.rng.next_u64(), scene.rng.next_u64()),
        id: asked.id.to_owned(),
        fingerprint: asked.fingerprint(),
        member: asked.member.0,
        reward: asked.reward.to_owned(),
        version: 0,
        kind: String::new(),
        state: "refused".to_owned(),
        refused: None,
        wallet: String::new(),
        points: 0,
        taken: "none".to_owned(),
        money: None,
        charity: String::new(),
        amount: 0,
        is_surprise: asked.is_surprise,
        is_household: asked.with_household,
        missing: None,
        requested_at: scene.now,
        due_at: None,
        cancel_until: None,
        paid_at: None,
        settled_at: None,
        reference: String::new(),
        reason: asked.reason.to_owned(),
        redeemed_by: asked.by.to_owned(),
    }
}

async fn decide<'a>(
    tx: &mut Tx,
    scene: Scene<'_>,
    asked: Asked<'_>,
    versions: &'a [Version<Reward>],
    holds: impl Fn(&Condition) -> bool,
) -> Result<Result<Decision<'a>, Refusal>, Error> {
    let Scene { workspace, program, calendar, now, .. } = scene;
    if versions.is_empty() {
        return Ok(Err(Refusal::RewardUnknown));
    }
    let Some(member) = members::find(tx, workspace, asked.member).await? else {
        return Ok(Err(Refusal::MemberUnknown));
    };
    match member.standing {
        Standing::Active => {}
        // Whoever may not spend may still be given something.
        Standing::Blocked if asked.is_surprise => {}
        Standing::Blocked => return Ok(Err(Refusal::MemberBlocked)),
        Standing::Unknown => return Ok(Err(Refusal::MemberUnknown)),
        Standing::Closed | Standing::Merged => return Ok(Err(Refusal::MemberClosed)),
    }
    let Some(version) = documents::in_force(versions, now).next() else { return Ok(Err(Refusal::NotOffered)) };
    let reward = &version.document;
    let price = if asked.is_surprise {
        None
    } else {
        match reward.price(program, asked.wish, holds, (now, calendar)) {
            Ok(price) => Some(price),
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
    if let Err(refusal) = room(tx, scene, reward, member.member).await? {
        return Ok(Err(refusal));
    }
    if asked.is_surprise {
        let what = surprise_tally(&reward.key);
        let counted = tallies::read(tx, workspace, Tally { what: &what, member: None, at: now, calendar }).await?;
        let has_room =
            |budget: crate::rewards::Surprises| counted.given(false, budget.every, now, calendar) < budget.most;
        if !reward.surprises.is_some_and(has_room) {
            return Ok(Err(Refusal::BudgetSpent));
        }
    }
    Ok(Ok(Decision { member, version: version.version, reward, price }))
}

/// Whether one more of a reward can be given to a member, or why not; codes of a pool are not counted.
///
/// # Errors
/// The store's.
pub async fn room(
    db: &mut impl Queries,
    scene: Scene<'_>,
    reward: &Reward,
    member: MemberId,
) -> rapport_store::Result<Result<(), Refusal>> {
    if reward.stock.is_none() && reward.limits.is_empty() {
        return Ok(Ok(()));
    }
    let Scene { workspace, calendar, now, .. } = scene;
    let what = reward_tally(&reward.key);
    let tally = Tally { what: &what, member: Some(member), at: now, calendar };
    let counted = tallies::read(db, workspace, tally).await?;
    Ok(reward.room(|per, every| counted.given(per == CapPer::Member, every, now, calendar)))
}

fn reward_tally(key: &str) -> String {
    format!("reward:{key}")
}

fn surprise_tally(key: &str) -> String {
    format!("surprise:{key}")
}

/// Takes the points, draws the code, counts, and writes the row.
async fn give(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &mut Redemption,
    decision: &Decision<'_>,
) -> Result<Result<(), Refusal>, Error> {
    let Scene { workspace, program, calendar, now, .. } = scene;
    let Decision { member, version, reward, price } = decision;
    (row.member, row.version, row.kind) = (member.member.0, *version, reward.gives.kind().to_owned());
    if let Some(price) = price {
        (row.points, row.money) = (price.points, price.money.map(|money| money.micros()));
        price.wallet(program).clone_into(&mut row.wallet);
    }
    if let Gives::Donation { charity, amount } = &reward.gives {
        (row.charity, row.amount) = (charity.clone(), amount.micros());
    }
    let is_open = row.money.is_some() || reward.gives.is_delivered();
    row.due_at = open_until(scene, row, reward);
    "requested".clone_into(&mut row.state);
    row.cancel_until = reward.cancel_within_hours.map(|hours| now.plus(i64::from(hours) * Timestamp::HOUR));
    if let Err(refusal) = gift_cards::could_reward(scene, reward) {
        return Ok(Err(refusal));
    }
    // Before the code, since whoever cannot pay draws none.
    let paid_by = match taking::plan(tx, scene, row).await? {
        Ok(plan) => plan,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let valid_until = reward.valid.end(now, &calendar.zone);
    let given = Given { holder: member.member, given_for: &row.redemption.clone(), valid_until };
    let voucher = match code(tx, scene, reward, given).await? {
        Ok(voucher) => voucher,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if row.points > 0 {
        let until = row.due_at.filter(|_| is_open);
        if let Err(refusal) = taking::take(tx, scene, row, (&paid_by, until)).await? {
            vouchers::take_back(tx, workspace, &row.redemption, false).await?;
            return Ok(Err(refusal));
        }
        let taken = if until.is_some() { "held" } else { "spent" };
        taken.clone_into(&mut row.taken);
    }
    if !is_open {
        "fulfilled".clone_into(&mut row.state);
        (row.settled_at, row.due_at) = (Some(now), voucher.and_then(|it| it.valid_until));
    }
    count(tx, scene, row, 1);
    write(tx, workspace, row);
    if !is_open {
        gift_cards::give_for(tx, scene, row, reward).await?;
    }
    tell(tx, scene, row, member.person, REDEEMED);
    if !is_open {
        tell(tx, scene, row, member.person, FULFILLED);
    }
    Ok(Ok(()))
}

/// Until when points are set aside.
fn open_until(scene: Scene<'_>, row: &Redemption, reward: &Reward) -> Option<Timestamp> {
    let minutes = i64::from(reward.pay_within_minutes) * Timestamp::MINUTE;
    let days = i64::from(reward.fulfil_within_days) * Timestamp::DAY;
    match (row.money.is_some(), reward.gives.is_delivered()) {
        (true, _) => Some(scene.now.plus(minutes)),
        (false, true) => Some(scene.now.plus(days)),
        (false, false) => None,
    }
}

/// The code that goes with a reward; before the points, because the ledger keeps what it refused.
async fn code(
    tx: &mut Tx,
    scene: Scene<'_>,
    reward: &Reward,
    given: Given<'_>,
) -> Result<Result<Option<Voucher>, Refusal>, Error> {
    let Scene { workspace, now, rng, .. } = scene;
    let own = Owner { kind: "reward", key: &reward.key };
    let uses = match &reward.gives {
        Gives::Pool { pool } => {
            let drawn = vouchers::draw(tx, workspace, Owner { kind: "pool", key: pool }, given, now).await?;
            return Ok(drawn.map(Some).ok_or(Refusal::NoCode));
        }
        Gives::Code { uses } => *uses,
        Gives::Discount { .. } => 1,
        Gives::Delivered {} | Gives::Donation { .. } | Gives::GiftCard { .. } => return Ok(Ok(None)),
    };
    let made = vouchers::make(tx, workspace, own, (given, Some(i64::from(uses))), (now, rng)).await?;
    Ok(Ok(Some(made)))
}

/// Under which id its points were taken or set aside.
fn own_id(row: &Redemption) -> String {
    format!("{OWN_IDS}{}", row.redemption)
}

/// Posts one command in this transaction.
pub(super) async fn posted(tx: &mut Tx, scene: Scene<'_>, command: Command) -> Result<Result<(), Refusal>, Error> {
    // Nothing of it may be remembered before the caller commits.
    let list = [vec![command]];
    let answers = super::post(tx, &mut Memory::default(), scene.workspace, &list, scene.now).await?;
    let refused = answers.into_iter().flatten().find_map(|answer| answer.refused);
    Ok(refused.map_or(Ok(()), |refusal| Err(Refusal::Ledger(refusal))))
}

/// Counts one more, or one less, in the periods in which it was asked for.
fn count(tx: &mut Tx, scene: Scene<'_>, row: &Redemption, more: i64) {
    let Scene { workspace, calendar, .. } = scene;
    let what = reward_tally(&row.reward);
    let tally = Tally { what: &what, member: Some(row.member()), at: row.requested_at, calendar };
    tallies::add(tx, workspace, tally, more);
    if row.is_surprise {
        let what = surprise_tally(&row.reward);
        tallies::add(tx, workspace, Tally { what: &what, member: None, ..tally }, more);
    }
}

/// Says what happened, without words or codes.
fn tell(tx: &mut Tx, scene: Scene<'_>, row: &Redemption, person: Option<PersonId>, name: &'static str) {
    let payload = json!({
        "redemption": row.redemption, "member": row.member.to_string(), "reward": row.reward, "kind": row.kind, "state": row.state,
        "wallet": row.wallet, "points": row.points, "is_surprise": row.is_surprise, "is_paid": row.paid_at.is_some(),
    });
    let event = Event::new(scene.workspace, name, payload);
    tx.emit(match person {
        Some(person) => event.about(person),
        None => event,
    });
}

/// Says what happened with a redemption of whoever its member is by now.
async fn tell_of(tx: &mut Tx, scene: Scene<'_>, row: &Redemption, name: &'static str) -> Result<(), Error> {
    let person = members::find(tx, scene.workspace, row.member()).await?.and_then(|it| it.person);
    tell(tx, scene, row, person, name);
    Ok(())
}

/// Writes a redemption down, with the transaction's next statement.
fn write(tx: &mut Tx, workspace: WorkspaceId, row: &Redemption) {
    let save = sql!(
        "INSERT INTO loyalty_redemptions (workspace, redemption, id, fingerprint, member, reward, version, kind, state, refused, wallet, points, taken, money,
             charity, amount, is_surprise, is_household, missing, requested_at, due_at, cancel_until, paid_at, settled_at, reference, reason, redeemed_by)
         VALUES {rows}
         ON CONFLICT (redemption, workspace) DO UPDATE SET state = EXCLUDED.state, taken = EXCLUDED.taken, due_at = EXCLUDED.due_at, paid_at = EXCLUDED.paid_at,
             settled_at = EXCLUDED.settled_at, reference = EXCLUDED.reference, reason = EXCLUDED.reason"
    );
    let values = args![
        workspace,
        &row.redemption,
        &row.id,
        row.fingerprint,
        row.member,
        &row.reward,
        row.version,
        &row.kind,
        &row.state,
        row.refused.clone(),
        &row.wallet,
        row.points,
        &row.taken,
        row.money,
        &row.charity,
        row.amount,
        row.is_surprise,
        row.is_household,
        row.missing,
        row.requested_at,
        row.due_at,
        row.cancel_until,
        row.paid_at,
        row.settled_at,
        &row.reference,
        &row.reason,
        &row.redeemed_by,
    ];
    tx.execute_later(save, [values]);
}

/// What one had redeemed, the other has, who goes on for both.
pub(super) async fn merge(
    tx: &mut Tx,
    workspace: WorkspaceId,
    from: MemberId,
    to: MemberId,
) -> rapport_store::Result<()> {
    let give = sql!("UPDATE loyalty_redemptions SET member = $3 WHERE member = $2 AND workspace = $1");
    tx.execute(give, args![workspace, from.0, to.0]).await?;
    tallies::merge(tx, workspace, from, to).await
}

/// Empties what staff and others wrote; how many there were.
pub(super) async fn forget(tx: &mut Tx, workspace: WorkspaceId, numbers: &[i64]) -> rapport_store::Result<u64> {
    let empty = sql!(
        "UPDATE loyalty_redemptions SET reference = '', reason = '' WHERE member IN ($2) AND workspace = $1 AND (reference <> '' OR reason <> '')"
    );
    tx.execute(empty, args![workspace, numbers]).await
}
