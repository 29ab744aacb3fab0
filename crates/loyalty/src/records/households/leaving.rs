//! Who does not belong to a household any more: they left or were removed, their account was closed, they became one with somebody else, or were forgotten.
//!
//! Always holds: whoever belongs to it for longest leads it next; with the last member it ends, and nobody is invited to it any more.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::Tx;

use super::acts::{Asker, Deed, note};
use super::{Household, LEFT, Membership, Outcome, find, members_of, open_of, rows, tell};
use crate::households::Refusal;
use crate::ledger::MemberId;
use crate::records::redemptions::Scene;
use crate::records::{head, members};

type Result<T> = rapport_store::Result<T>;

/// Takes a member out of their household: they leave, or whoever leads it or staff remove them. Told again it is the same.
///
/// # Errors
/// The store's.
pub async fn leave(
    tx: &mut Tx,
    scene: Scene<'_>,
    household: &str,
    member: MemberId,
    asker: Asker<'_>,
) -> Outcome<Household> {
    let workspace = scene.workspace;
    head::lock(tx, workspace).await?;
    let Some(row) = find(tx, workspace, household).await? else { return Ok(Err(Refusal::Unknown)) };
    let member = members::now(tx, workspace, member).await?;
    let by = match asker.member() {
        Some(by) => Some(members::now(tx, workspace, by).await?),
        None => None,
    };
    if by.is_some_and(|by| by != member && by != row.head()) {
        return Ok(Err(Refusal::NotHead));
    }
    let all = members_of(tx, workspace, household).await?;
    let own = all.iter().filter(|it| it.member() == member);
    let Some(membership) = own.clone().find(|it| it.left_at.is_none()) else {
        return Ok(if own.count() > 0 { Ok(row) } else { Err(Refusal::NotIn) });
    };
    let how = if by == Some(member) { "left" } else { "removed" };
    end(tx, workspace, membership.clone(), (how, scene.now)).await?;
    note(tx, scene, asker, (Deed::Removed, household, Some(member))).await?;
    Ok(find(tx, workspace, household).await?.ok_or(Refusal::Unknown))
}

/// Ends a membership, and passes the household on.
pub(super) async fn end(
    tx: &mut Tx,
    workspace: WorkspaceId,
    membership: Membership,
    (how, now): (&str, Timestamp),
) -> Result<()> {
    let (household, member) = (membership.household.clone(), membership.member());
    rows::save_member(tx, workspace, &Membership { left_at: Some(now), left_how: how.to_owned(), ..membership })
        .await?;
    let Some(mut row) = find(tx, workspace, &household).await? else { return Ok(()) };
    let left = members_of(tx, workspace, &household).await?;
    let next = left.iter().find(|it| it.left_at.is_none()).map(|it| it.member);
    match next {
        None => {
            row.ended_at = Some(now);
            rows::withdraw_all(tx, workspace, &household, now).await?;
        }
        Some(next) if row.head == member.0 => row.head = next,
        Some(_) => {}
    }
    rows::save(tx, workspace, &row).await?;
    tell(tx, workspace, LEFT, member, (&household, how, now)).await
}

/// Takes a member out of their household whose account is closed.
///
/// # Errors
/// The store's.
pub async fn closed(tx: &mut Tx, workspace: WorkspaceId, member: MemberId, now: Timestamp) -> Result<()> {
    head::lock(tx, workspace).await?;
    if let Some(row) = open_of(tx, workspace, member).await? {
        end(tx, workspace, row, ("closed", now)).await?;
    }
    Ok(())
}

/// Where one belonged to, was invited or whose points they used, the other does who goes on for both. Who goes on stays where they are.
pub(in crate::records) async fn merge(
    tx: &mut Tx,
    workspace: WorkspaceId,
    from: MemberId,
    to: MemberId,
    now: Timestamp,
) -> Result<()> {
    if let Some(goes) = open_of(tx, workspace, from).await?
        && let Some(stays) = open_of(tx, workspace, to).await?
    {
        if stays.household == goes.household
            && let Some(row) = find(tx, workspace, &goes.household).await?.filter(|it| it.head() == from)
        {
            rows::save(tx, workspace, &Household { head: to.0, ..row }).await?;
        }
        end(tx, workspace, goes, ("merged", now)).await?;
    }
    rows::give(tx, workspace, from, to).await
}

/// Forgets as what somebody was known in households, and what they called one, and takes them out of theirs; how many rows there were. Before the link from the person to their number is broken.
///
/// # Errors
/// The store's.
pub async fn forget(tx: &mut Tx, workspace: WorkspaceId, person: PersonId, now: Timestamp) -> Result<u64> {
    let Some(member) = members::of(tx, workspace, person).await? else { return Ok(0) };
    head::lock(tx, workspace).await?;
    let numbers = members::as_rows(&members::numbers(tx, workspace, member).await?);
    if let Some(row) = open_of(tx, workspace, member).await? {
        end(tx, workspace, row, ("erased", now)).await?;
    }
    rows::forget(tx, workspace, &numbers, now).await
}
