//! Whose points are used for what a member of a household redeems.
//!
//! Always holds: their own first; then, over all the others, what lapses soonest, as far as each lets others use them this month. What one gives is the beginning of what they would spend themselves, so
//! that the ledger takes the very lots that were looked at.

use std::collections::BTreeMap;

use rapport_domain::{Interval, Timestamp};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Tx};
use serde_json::json;

use super::{Household, Membership, SHARED, Use, find, members_of, open_of, rows};
use crate::Error;
use crate::households::{Households, Refusal, WhoSpends};
use crate::ledger::{Account, AccountKey, MemberId, Standing, WalletId};
use crate::records::redemptions::{Redemption, Scene};
use crate::records::{members, read};

/// Who pays how much of a price.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// How much is the member's own.
    pub own: i64,
    /// In which household; empty where nobody else pays.
    pub household: String,
    /// Who else pays how much, in the order in which they are first needed.
    pub parts: Vec<(MemberId, i64)>,
}

/// Says who pays for what a member wants, or why it cannot be paid.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn plan(
    db: &mut impl Queries,
    scene: Scene<'_>,
    member: MemberId,
    (key, wallet): (&str, WalletId),
    points: i64,
) -> Result<Result<Plan, Refusal>, Error> {
    let own = read::accounts(db, scene.workspace, &[member], scene.now).await?;
    let own = own.get(&(member, wallet)).map_or(0, |account| account.balance().available);
    let missing = points - own;
    if missing <= 0 {
        return Ok(Ok(Plan { own: points, ..Plan::default() }));
    }
    let (rules, household, others) = match others(db, scene, member, key).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let numbers: Vec<MemberId> = others.iter().map(Membership::member).collect();
    let accounts = read::accounts(db, scene.workspace, &numbers, scene.now).await?;
    let used = used(db, scene, &numbers, key).await?;
    let rooms = others.iter().map(|it| {
        let used = used.get(&it.member()).copied().unwrap_or(0);
        (it.member(), rules.room(it.own_limit, used).unwrap_or(i64::MAX))
    });
    let (parts, missing) = divide(&accounts, wallet, rooms.collect(), missing);
    if missing > 0 {
        return Ok(Err(Refusal::Short { missing }));
    }
    Ok(Ok(Plan { own, household: household.household, parts }))
}

/// The rules, the member's household, and whoever else of it may pay.
async fn others<'a>(
    db: &mut impl Queries,
    scene: Scene<'a>,
    member: MemberId,
    wallet: &str,
) -> rapport_store::Result<Result<(&'a Households, Household, Vec<Membership>), Refusal>> {
    let Some(rules) = &scene.program.households else { return Ok(Err(Refusal::Off)) };
    if !rules.wallets.iter().any(|it| it == wallet) {
        return Ok(Err(Refusal::WalletNotShared));
    }
    let Some(own) = open_of(db, scene.workspace, member).await? else { return Ok(Err(Refusal::NotIn)) };
    let Some(household) = find(db, scene.workspace, &own.household).await? else { return Ok(Err(Refusal::NotIn)) };
    if rules.who_spends == WhoSpends::Head && household.head() != member {
        return Ok(Err(Refusal::NotHead));
    }
    let all = members_of(db, scene.workspace, &own.household).await?;
    let all: Vec<Membership> = all.into_iter().filter(|it| it.left_at.is_none() && it.member() != member).collect();
    let numbers: Vec<MemberId> = all.iter().map(Membership::member).collect();
    let found = members::by_numbers(db, scene.workspace, &numbers).await?;
    let is_active = |it: &Membership| {
        found.iter().any(|member| member.member == it.member() && member.standing == Standing::Active)
    };
    Ok(Ok((rules, household, all.into_iter().filter(is_active).collect())))
}

/// How many points of these members others used this month.
async fn used(
    db: &mut impl Queries,
    scene: Scene<'_>,
    givers: &[MemberId],
    wallet: &str,
) -> rapport_store::Result<BTreeMap<MemberId, i64>> {
    let begins = scene.calendar.floor(scene.now, Interval::Month);
    let ends = scene.calendar.next(begins, Interval::Month);
    rows::used(db, scene.workspace, (givers, wallet), (begins, ends)).await
}

/// Divides what is missing over lots in the order in which they lapse; who gives how much, and what is missing still.
fn divide(
    accounts: &BTreeMap<AccountKey, Account>,
    wallet: WalletId,
    mut rooms: BTreeMap<MemberId, i64>,
    mut missing: i64,
) -> (Vec<(MemberId, i64)>, i64) {
    let of_wallet = accounts.iter().filter(|((_, of), _)| *of == wallet);
    let mut lots: Vec<_> = of_wallet
        .flat_map(|((member, _), account)| account.turns().map(|lot| (*member, lot)))
        .map(|(member, lot)| {
            (lot.expires_at.unwrap_or(Timestamp(i64::MAX)), lot.earned_at, lot.id, member, lot.available)
        })
        .collect();
    lots.sort();
    let mut parts: Vec<(MemberId, i64)> = Vec::new();
    for (.., member, available) in lots {
        let Some(room) = rooms.get_mut(&member) else { continue };
        let part = available.min(*room).min(missing);
        if part == 0 {
            continue;
        }
        *room -= part;
        missing -= part;
        match parts.iter_mut().find(|(of, _)| *of == member) {
            Some((_, sum)) => *sum += part,
            None => parts.push((member, part)),
        }
    }
    (parts, missing)
}

/// Writes down whose points were used, and tells each of them.
pub(in crate::records) async fn note_uses(
    tx: &mut Tx,
    scene: Scene<'_>,
    row: &Redemption,
    (plan, wallet): (&Plan, WalletId),
) -> rapport_store::Result<()> {
    for (part, (giver, points)) in (1_i64..).zip(&plan.parts) {
        let used = Use {
            redemption: row.redemption.clone(),
            part,
            household: plan.household.clone(),
            giver: giver.0,
            taker: row.member,
            wallet: row.wallet.clone(),
            points: *points,
            returned: 0,
            used_at: scene.now,
            returned_at: None,
        };
        rows::save_use(tx, scene.workspace, &used).await?;
        let person = members::find(tx, scene.workspace, *giver).await?.and_then(|it| it.person);
        let payload = json!({
            "member": giver.0.to_string(), "household": plan.household, "wallet": wallet.0, "amount": points, "at": scene.now.to_rfc3339(),
        });
        let event = Event::new(scene.workspace, SHARED, payload);
        tx.emit(match person {
            Some(person) => event.about(person),
            None => event,
        });
    }
    Ok(())
}

/// Writes down how many points of a part went back.
pub(in crate::records) async fn given_back(
    tx: &mut Tx,
    scene: Scene<'_>,
    used: &Use,
    returned: i64,
) -> rapport_store::Result<()> {
    let used = Use { returned, returned_at: Some(scene.now), ..used.clone() };
    rows::save_use(tx, scene.workspace, &used).await
}
