//! Somebody else leads a household, or it is closed.
//!
//! Always holds: whoever leads one belongs to it; closing gives nothing away, as leaving does not.

use rapport_domain::WorkspaceId;
use rapport_store::Tx;

use super::acts::{Asker, Deed, note};
use super::leaving::end;
use super::{Household, Outcome, active, find, led, members_of, open_of, rows};
use crate::households::Refusal;
use crate::ledger::MemberId;
use crate::records::redemptions::Scene;
use crate::records::{head, members};

/// Passes a household on to one of its members; whoever led it stays in it. Told again it is the same.
///
/// # Errors
/// The store's.
pub async fn hand_over(
    tx: &mut Tx,
    scene: Scene<'_>,
    household: &str,
    to: MemberId,
    asker: Asker<'_>,
) -> Outcome<Household> {
    let workspace = scene.workspace;
    head::lock(tx, workspace).await?;
    let next = match active(tx, workspace, to).await? {
        Ok(member) => member.member,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let there = find(tx, workspace, household).await?.filter(|row| row.ended_at.is_none() && row.head() == next);
    if let Some(row) = there {
        // Whoever led it before asks once more.
        let may = match asker.member() {
            Some(member) => belongs(tx, workspace, (household, member)).await?,
            None => true,
        };
        return Ok(if may { Ok(row) } else { Err(Refusal::NotHead) });
    }
    let mut row = match led(tx, scene, household, asker.member()).await? {
        Ok(row) => row,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if !belongs(tx, workspace, (household, next)).await? {
        return Ok(Err(Refusal::NotIn));
    }
    row.head = next.0;
    rows::save(tx, workspace, &row).await?;
    note(tx, scene, asker, (Deed::HandedOver, household, Some(next))).await?;
    Ok(Ok(row))
}

async fn belongs(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (household, member): (&str, MemberId),
) -> rapport_store::Result<bool> {
    let member = members::now(tx, workspace, member).await?;
    Ok(open_of(tx, workspace, member).await?.is_some_and(|it| it.household == household))
}

/// Closes a household: everybody leaves it with what is theirs, and nobody is invited any more. Told again it is the same.
///
/// # Errors
/// The store's.
pub async fn close(tx: &mut Tx, scene: Scene<'_>, household: &str, asker: Asker<'_>) -> Outcome<Household> {
    let workspace = scene.workspace;
    head::lock(tx, workspace).await?;
    let Some(row) = find(tx, workspace, household).await? else { return Ok(Err(Refusal::Unknown)) };
    if let Some(by) = asker.member()
        && members::now(tx, workspace, by).await? != row.head()
    {
        return Ok(Err(Refusal::NotHead));
    }
    if row.ended_at.is_some() {
        return Ok(Ok(row));
    }
    let mut there = members_of(tx, workspace, household).await?;
    there.retain(|it| it.left_at.is_none());
    // Whoever leads it goes last, so that it is nobody else's in between.
    there.sort_by_key(|it| it.member() == row.head());
    for membership in there {
        end(tx, workspace, membership, ("ended", scene.now)).await?;
    }
    note(tx, scene, asker, (Deed::Closed, household, None)).await?;
    Ok(find(tx, workspace, household).await?.ok_or(Refusal::Unknown))
}
