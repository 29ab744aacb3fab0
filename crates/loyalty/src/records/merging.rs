//! Members whose persons turned out to be one: one of them goes on with everything, the other becomes an old number of theirs.
//!
//! Always holds: in the caller's transaction, so that identity and points change together; whoever posts at the same time waits. Who goes on does not depend on the
//! order in which it became known: an open account before a closed one, then who has been a member for longer, then the lower number.
//!
//! What a closed account still has stays in it: merging is no way to have it opened.

use std::cmp::Ordering;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Record, Tx, args, sql};
use serde_json::json;

use super::{
    Memory, awards, badges, challenges, changes, gift_cards, head, households, leaderboards, load, members, partners,
    redemptions, tiers, transfers, vouchers, write,
};
use crate::Error;
use crate::ledger::{AccountKey, MemberId, Standing, WalletId};

/// A person's membership.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Membership {
    member: MemberId,
    standing: Standing,
    enrolled_at: Timestamp,
}

#[derive(Record)]
struct Row {
    member: i64,
    standing: String,
    enrolled_at: Timestamp,
}

/// Gives the membership of a person who is no person of their own any more to the one that they are now.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn follow(
    tx: &mut Tx,
    workspace: WorkspaceId,
    from: PersonId,
    to: PersonId,
    now: Timestamp,
) -> Result<(), Error> {
    if of(tx, workspace, from).await?.is_none() {
        return Ok(());
    }
    // From here on nobody posts, so that what is read stays true.
    let head = head::lock(tx, workspace).await?;
    head::people_changed(tx, workspace).await?;
    let Some(gone) = of(tx, workspace, from).await? else { return Ok(()) };
    let Some(there) = of(tx, workspace, to).await? else {
        belongs_to(tx, workspace, gone.member, Some(to)).await?;
        return Ok(());
    };
    let (stays, goes) = in_order(there, gone);
    // The number that goes lets go of its person first: a person has one.
    belongs_to(tx, workspace, goes.member, None).await?;
    belongs_to(tx, workspace, stays.member, Some(to)).await?;
    if goes.standing != Standing::Closed {
        let mut memory = Memory::default();
        let now = now.max(head.recorded_at);
        let accounts = accounts(tx, workspace, &stays, &goes).await?;
        load::accounts(tx, &mut memory, workspace, &head, &accounts).await?;
        memory.ledger.merge(goes.member, stays.member, now);
        write::done(tx, &mut memory, workspace, head)?;
        awards::merge_counts(tx, workspace, goes.member, stays.member).await?;
        tiers::merge(tx, workspace, goes.member, stays.member).await?;
        challenges::merge(tx, workspace, goes.member, stays.member).await?;
        badges::merge(tx, workspace, goes.member, stays.member).await?;
        leaderboards::merge(tx, workspace, goes.member, stays.member).await?;
    }
    changes::merge(tx, workspace, goes.member, stays.member).await?;
    redemptions::merge(tx, workspace, goes.member, stays.member).await?;
    transfers::merge(tx, workspace, goes.member, stays.member).await?;
    households::merge(tx, workspace, goes.member, stays.member, now).await?;
    vouchers::merge(tx, workspace, goes.member, stays.member).await?;
    partners::merge(tx, workspace, goes.member, stays.member).await?;
    gift_cards::merge(tx, workspace, goes.member, stays.member).await?;
    lead_on(tx, workspace, &stays, &goes).await?;
    let payload = json!({ "member": stays.member.0.to_string(), "merged": goes.member.0.to_string() });
    tx.emit(Event::new(workspace, members::MERGED, payload).about(to));
    Ok(())
}

/// The one who goes on, and the other.
fn in_order(one: Membership, other: Membership) -> (Membership, Membership) {
    let rank = |it: &Membership| (it.standing == Standing::Closed, it.enrolled_at, it.member);
    if rank(&one).cmp(&rank(&other)) == Ordering::Greater { (other, one) } else { (one, other) }
}

async fn of(db: &mut impl Queries, workspace: WorkspaceId, person: PersonId) -> Result<Option<Membership>, Error> {
    let find = sql!("SELECT member, standing, enrolled_at FROM loyalty_members WHERE person = $1 AND workspace = $2");
    let found: Option<Row> = db.fetch_optional(find, args![person, workspace]).await?;
    Ok(found.map(|row| Membership {
        member: MemberId(row.member),
        standing: Standing::read(&row.standing),
        enrolled_at: row.enrolled_at,
    }))
}

async fn belongs_to(
    tx: &mut Tx,
    workspace: WorkspaceId,
    member: MemberId,
    person: Option<PersonId>,
) -> Result<(), Error> {
    let set = sql!("UPDATE loyalty_members SET person = $3 WHERE member = $2 AND workspace = $1");
    tx.execute(set, args![workspace, member.0, person]).await?;
    Ok(())
}

/// Every account of the one that goes, and what it meets.
async fn accounts(
    tx: &mut Tx,
    workspace: WorkspaceId,
    stays: &Membership,
    goes: &Membership,
) -> Result<Vec<AccountKey>, Error> {
    let find = sql!("SELECT wallet FROM loyalty_balances WHERE member = $2 AND workspace = $1");
    let wallets: Vec<(i64,)> = tx.fetch_all(find, args![workspace, goes.member.0]).await?;
    let both = |(wallet,)| [(goes.member, WalletId(wallet)), (stays.member, WalletId(wallet))];
    Ok(wallets.into_iter().flat_map(both).collect())
}

/// Whoever names the old number means the one who goes on; who was blocked stays blocked.
async fn lead_on(tx: &mut Tx, workspace: WorkspaceId, stays: &Membership, goes: &Membership) -> Result<(), Error> {
    let lead = sql!("UPDATE loyalty_members SET merged_into = $3 WHERE merged_into = $2 AND workspace = $1");
    tx.execute(lead, args![workspace, goes.member.0, stays.member.0]).await?;
    let standing = if goes.standing == Standing::Closed { Standing::Closed } else { Standing::Merged };
    // Whose law it is now is judged anew; until then that of either of them holds.
    let law = sql!(
        "UPDATE loyalty_members SET judged = 0, jurisdiction = COALESCE(jurisdiction, (SELECT g.jurisdiction FROM loyalty_members g WHERE g.member = $3 AND g.workspace = $1))
         WHERE member = $2 AND workspace = $1"
    );
    tx.execute(law, args![workspace, stays.member.0, goes.member.0]).await?;
    let end = sql!("UPDATE loyalty_members SET merged_into = $3, standing = $4 WHERE member = $2 AND workspace = $1");
    tx.execute(end, args![workspace, goes.member.0, stays.member.0, standing.key()]).await?;
    if goes.standing == Standing::Blocked && stays.standing == Standing::Active {
        let block = sql!("UPDATE loyalty_members SET standing = 'blocked' WHERE member = $2 AND workspace = $1");
        tx.execute(block, args![workspace, stays.member.0]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_on_does_not_depend_on_the_order() {
        let member =
            |number, standing, at| Membership { member: MemberId(number), standing, enrolled_at: Timestamp(at) };
        let (open, closed) = (Standing::Active, Standing::Closed);
        let pairs = [
            (member(2, open, 1), member(1, open, 2)),
            (member(1, open, 1), member(2, open, 1)),
            (member(2, open, 9), member(1, closed, 1)),
            (member(2, Standing::Blocked, 1), member(1, open, 2)),
            (member(2, closed, 1), member(1, closed, 2)),
        ];
        for (stays, goes) in pairs {
            assert_eq!(in_order(stays.clone(), goes.clone()), (stays.clone(), goes.clone()));
            assert_eq!(in_order(goes.clone(), stays.clone()), (stays, goes));
        }
    }
}
