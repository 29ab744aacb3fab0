//! How the points of a redemption are taken and come back: the member's own, and what others of their household pay.
//!
//! Always holds: all parts of a price are taken or none; each part comes back into the lots that it came from, whoever left the household meanwhile. What came back to an account that was closed is gone
//! with it, and keeps nobody else's from coming back.

use rapport_domain::Timestamp;
use rapport_store::Tx;

use super::{Redemption, Scene, own_id};
use crate::Error;
use crate::households::SOURCE;
use crate::ledger::{self, Act, Answer, Command, MemberId, Portion, Shortage, Source, WalletId};
use crate::records::households::{self, Plan, Use};
use crate::records::{self, Memory, wallets};
use crate::rewards::Refusal;

/// How points come back.
pub(super) enum Back {
    /// They have come back by themselves.
    Came,
    /// They were set aside.
    Release,
    /// They were taken, by operations whose ids end so.
    Reverse {
        /// The end.
        step: String,
        /// Until when points may be spent whose lot has lapsed meanwhile.
        grace_until: Option<Timestamp>,
    },
}

impl Back {
    /// What undoes an operation.
    fn act(&self, id: String) -> Option<Act> {
        match self {
            Self::Came => None,
            Self::Release => Some(Act::Release { hold: id }),
            Self::Reverse { step, grace_until } => Some(Act::Reverse {
                of: format!("{id}{step}"),
                portion: Portion::Rest,
                shortage: Shortage::IntoArrears,
                grace_until: *grace_until,
            }),
        }
    }
}

/// Under which id the points of a part were taken or set aside.
fn part_id(row: &Redemption, part: i64) -> String {
    format!("{}:part-{part}", own_id(row))
}

async fn wallet(tx: &mut Tx, scene: Scene<'_>, row: &Redemption) -> Result<Result<WalletId, Refusal>, Error> {
    let numbers = wallets::numbers(tx, scene.workspace).await?;
    Ok(numbers.get(&row.wallet).copied().ok_or(Refusal::Ledger(ledger::Refusal::WalletUnknown)))
}

/// Who pays the price.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub(super) async fn plan(tx: &mut Tx, scene: Scene<'_>, row: &Redemption) -> Result<Result<Plan, Refusal>, Error> {
    if !row.is_household || row.points == 0 {
        return Ok(Ok(Plan { own: row.points, ..Plan::default() }));
    }
    let wallet = match wallet(tx, scene, row).await? {
        Ok(wallet) => wallet,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let plan = households::plan(tx, scene, row.member(), (&row.wallet, wallet), row.points).await?;
    Ok(plan.map_err(Refusal::Household))
}

/// What one member pays or gets back. Whoever pays in a household learns in which, and not for what.
fn command(
    row: &Redemption,
    wallet: WalletId,
    (member, id, act): (MemberId, String, Act),
    household: Option<&str>,
) -> Command {
    let by = row.redeemed_by.clone();
    let source = match household {
        None => Source {
            kind: "reward".to_owned(),
            reference: row.reward.clone(),
            by,
            reason: row.reason.clone(),
            asked: None,
        },
        Some(household) => Source { kind: SOURCE.to_owned(), reference: household.to_owned(), by, ..Source::default() },
    };
    Command { id, member, wallet, act, source }
}

/// Takes the points of a price, or sets them aside until then; all or none.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub(super) async fn take(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &Redemption,
    (plan, until): (&Plan, Option<Timestamp>),
) -> Result<Result<(), Refusal>, Error> {
    let wallet = match wallet(tx, scene, row).await? {
        Ok(wallet) => wallet,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let act = |amount: i64| match until {
        Some(until) => Act::Hold { amount, until },
        None => Act::Spend { amount },
    };
    let mut list = Vec::new();
    if plan.own > 0 {
        list.push(command(row, wallet, (row.member(), own_id(row), act(plan.own)), None));
    }
    for (part, (giver, points)) in (1_i64..).zip(&plan.parts) {
        list.push(command(row, wallet, (*giver, part_id(row, part), act(*points)), Some(&plan.household)));
    }
    if let Err(refusal) = linked(tx, scene, list).await? {
        return Ok(Err(refusal));
    }
    households::note_uses(tx, scene, row, (plan, wallet)).await?;
    Ok(Ok(()))
}

/// How much of a price was the member's own.
fn own(row: &Redemption, uses: &[Use]) -> i64 {
    row.points - uses.iter().map(|it| it.points).sum::<i64>()
}

/// Takes what was set aside, all or nothing; the ids of the operations end with `step`.
///
/// # Errors
/// As [`take`].
pub(super) async fn capture(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &Redemption,
    step: &str,
) -> Result<Result<(), Refusal>, Error> {
    let wallet = match wallet(tx, scene, row).await? {
        Ok(wallet) => wallet,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let uses = uses(tx, scene, row).await?;
    let act = |hold: String| Act::Capture { hold, amount: None };
    let mut list = Vec::new();
    if own(row, &uses) > 0 {
        let id = own_id(row);
        list.push(command(row, wallet, (row.member(), format!("{id}{step}"), act(id)), None));
    }
    for used in &uses {
        let id = part_id(row, used.part);
        list.push(command(row, wallet, (used.giver(), format!("{id}{step}"), act(id)), Some(&used.household)));
    }
    linked(tx, scene, list).await
}

/// Whose points were used; only whoever asked for it has any.
async fn uses(tx: &mut Tx, scene: Scene<'_>, row: &Redemption) -> rapport_store::Result<Vec<Use>> {
    if !row.is_household {
        return Ok(Vec::new());
    }
    households::uses_of(tx, scene.workspace, &row.redemption).await
}

/// Gives everybody back what was theirs; the ids of the operations end with `step`.
///
/// # Errors
/// As [`take`].
pub(super) async fn give_back(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &Redemption,
    (step, back): (&str, &Back),
) -> Result<Result<(), Refusal>, Error> {
    let wallet = match wallet(tx, scene, row).await? {
        Ok(wallet) => wallet,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let uses = uses(tx, scene, row).await?;
    let id = own_id(row);
    if own(row, &uses) > 0
        && let Some(act) = back.act(id.clone())
    {
        let list = vec![command(row, wallet, (row.member(), format!("{id}{step}"), act), None)];
        match linked(tx, scene, list).await? {
            Ok(()) | Err(Refusal::Ledger(ledger::Refusal::HoldTimedOut)) => {}
            // The account of whoever redeemed is closed: what others paid goes back all the same.
            Err(Refusal::Ledger(ledger::Refusal::MemberClosed)) if !uses.is_empty() => {}
            Err(refusal) => return Ok(Err(refusal)),
        }
    }
    for used in &uses {
        let id = part_id(row, used.part);
        let returned = match back.act(id.clone()) {
            None => used.points,
            Some(act) => {
                let one = command(row, wallet, (used.giver(), format!("{id}{step}"), act), Some(&used.household));
                came_back(&posted(tx, scene, vec![one]).await?, used)
            }
        };
        households::given_back(tx, scene, used, returned).await?;
    }
    Ok(Ok(()))
}

/// How many points of a part came back: none into an account that was closed, where they lapsed.
fn came_back(answers: &[Answer], used: &Use) -> i64 {
    let Some(answer) = answers.first() else { return 0 };
    match answer.refused {
        None => answer.amount.min(used.points),
        Some(ledger::Refusal::HoldTimedOut) => used.points,
        Some(refusal) => {
            tracing::warn!(code = refusal.code(), "points that a household paid could not go back");
            0
        }
    }
}

/// Posts all of a list or nothing; why not.
async fn linked(tx: &mut Tx, scene: Scene<'_>, list: Vec<Command>) -> Result<Result<(), Refusal>, Error> {
    let answers = posted(tx, scene, list).await?;
    let mut refused = answers.into_iter().filter_map(|answer| answer.refused);
    let why = refused.find(|refusal| *refusal != ledger::Refusal::LinkedRefused);
    Ok(why.map_or(Ok(()), |refusal| Err(Refusal::Ledger(refusal))))
}

async fn posted(tx: &mut Tx, scene: Scene<'_>, list: Vec<Command>) -> Result<Vec<Answer>, Error> {
    // Nothing of it may be remembered before the caller commits.
    let answers = records::post(tx, &mut Memory::default(), scene.workspace, &[list], scene.now).await?;
    Ok(answers.into_iter().flatten().collect())
}
