//! Who is invited to a household, and what they answer.
//!
//! Always holds: places are counted where they are taken; the same answer told again is the same.

use rapport_domain::Timestamp;
use rapport_store::Tx;

use super::acts::{Asker, Deed, note};
use super::{INVITED, Invitation, Membership, Outcome, find, fingerprint, is_id, join, joins_again, led, may_join};
use super::{members_of, open_of, own_id, rows, tell};
use crate::households::Refusal;
use crate::ledger::{MemberId, Standing};
use crate::records::redemptions::Scene;
use crate::records::{head, members};

/// Somebody to be invited.
#[derive(Clone, Copy, Debug)]
pub struct Invited<'a> {
    /// Whoever asks names it, so that it is done once. No personal data.
    pub id: &'a str,
    /// To which household.
    pub household: &'a str,
    /// Who.
    pub member: MemberId,
    /// The member who invites, if one does: they must lead it.
    pub by_member: Option<MemberId>,
    /// A user, a key; `member` by the member's own page.
    pub by: &'a str,
    /// Why, where no member invites.
    pub reason: &'a str,
}

/// Invites a member to a household.
///
/// # Errors
/// The store's.
pub async fn invite(tx: &mut Tx, scene: Scene<'_>, asked: Invited<'_>) -> Outcome<Invitation> {
    if !is_id(asked.id) {
        return Ok(Err(Refusal::IdMalformed));
    }
    let workspace = scene.workspace;
    let household = match led(tx, scene, asked.household, asked.by_member).await? {
        Ok(row) => row,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let fingerprint = fingerprint(&(asked.household, asked.member));
    if let Some(earlier) = rows::invitation_by_id(tx, workspace, asked.id).await? {
        return Ok(if earlier.fingerprint == fingerprint { Ok(earlier) } else { Err(Refusal::IdReused) });
    }
    let Some(rules) = &scene.program.households else { return Ok(Err(Refusal::Off)) };
    let Some(member) = members::find(tx, workspace, asked.member).await? else {
        return Ok(Err(Refusal::MemberUnknown));
    };
    // That somebody is blocked is none of the others' business: they cannot accept.
    if !matches!(member.standing, Standing::Active | Standing::Blocked) {
        return Ok(Err(Refusal::MemberClosed));
    }
    if open_of(tx, workspace, member.member).await?.is_some_and(|it| it.household == household.household) {
        return Ok(Err(Refusal::AlreadyIn));
    }
    let open = rows::invitations_of(tx, workspace, &household.household).await?;
    let open: Vec<Invitation> = open.into_iter().filter(|it| it.is_open(scene.now)).collect();
    if open.iter().any(|it| it.member() == member.member) {
        return Ok(Err(Refusal::Invited));
    }
    let there = members_of(tx, workspace, &household.household).await?;
    let there = there.iter().filter(|row| row.left_at.is_none()).count();
    if there + open.len() >= usize::from(rules.most_members) {
        return Ok(Err(Refusal::Full));
    }
    let row = Invitation {
        invitation: own_id(scene, "hsi"),
        id: asked.id.to_owned(),
        fingerprint,
        household: household.household,
        member: member.member.0,
        state: "open".to_owned(),
        made_at: scene.now,
        due_at: scene.now.plus(i64::from(rules.invitation_days) * Timestamp::DAY),
        settled_at: None,
        made_by: asked.by.to_owned(),
    };
    rows::save_invitation(tx, workspace, &row).await?;
    tell(tx, workspace, INVITED, member.member, (&row.household, "", scene.now)).await?;
    let asker = asked.by_member.map_or(Asker::Staff { by: asked.by, reason: asked.reason }, Asker::Member);
    note(tx, scene, asker, (Deed::Invited, &row.household, Some(member.member))).await?;
    Ok(Ok(row))
}

/// One that is to be answered by its member, or by staff; one of somebody else is unknown.
async fn asked(
    tx: &mut Tx,
    scene: Scene<'_>,
    invitation: &str,
    by: Option<MemberId>,
) -> rapport_store::Result<Result<Invitation, Refusal>> {
    head::lock(tx, scene.workspace).await?;
    let Some(row) = rows::invitation(tx, scene.workspace, invitation).await? else {
        return Ok(Err(Refusal::InvitationUnknown));
    };
    if let Some(by) = by
        && members::now(tx, scene.workspace, by).await? != row.member()
    {
        return Ok(Err(Refusal::InvitationUnknown));
    }
    Ok(Ok(row))
}

/// Whoever is invited joins, under a name of their own that is cleaned; the membership.
///
/// # Errors
/// The store's.
pub async fn accept(
    tx: &mut Tx,
    scene: Scene<'_>,
    invitation: &str,
    (name, asker): (&str, Asker<'_>),
) -> Outcome<Membership> {
    let row = match asked(tx, scene, invitation, asker.member()).await? {
        Ok(row) => row,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let workspace = scene.workspace;
    if row.state == "accepted"
        && let Some(there) = open_of(tx, workspace, row.member()).await?.filter(|it| it.household == row.household)
    {
        return Ok(Ok(there));
    }
    if !row.is_open(scene.now) {
        return Ok(Err(Refusal::InvitationOver));
    }
    let (rules, member) = match may_join(tx, scene, row.member()).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if find(tx, workspace, &row.household).await?.is_none_or(|it| it.ended_at.is_some()) {
        return Ok(Err(Refusal::Unknown));
    }
    let there = members_of(tx, workspace, &row.household).await?;
    if there.iter().filter(|it| it.left_at.is_none()).count() >= usize::from(rules.most_members) {
        return Ok(Err(Refusal::Full));
    }
    if let Err(refusal) = joins_again(tx, scene, rules, member.member).await? {
        return Ok(Err(refusal));
    }
    if rows::is_taken(tx, workspace, &row.household, (name, member.member)).await? {
        return Ok(Err(Refusal::NameTaken));
    }
    join(tx, scene, &row.household, &member, name).await?;
    note(tx, scene, asker, (Deed::Joined, &row.household, Some(member.member))).await?;
    settle(tx, scene, row, "accepted").await?;
    let there = open_of(tx, workspace, member.member).await?;
    Ok(there.ok_or(Refusal::NotIn))
}

/// Whoever is invited does not want to.
///
/// # Errors
/// The store's.
pub async fn decline(tx: &mut Tx, scene: Scene<'_>, invitation: &str, asker: Asker<'_>) -> Outcome<Invitation> {
    match asked(tx, scene, invitation, asker.member()).await? {
        Ok(row) => end(tx, scene, row, (Deed::Declined, asker)).await,
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// An invitation is called off; where a member asks, they must lead the household.
///
/// # Errors
/// The store's.
pub async fn withdraw(tx: &mut Tx, scene: Scene<'_>, invitation: &str, asker: Asker<'_>) -> Outcome<Invitation> {
    let row = match asked(tx, scene, invitation, None).await? {
        Ok(row) => row,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if asker.member().is_some()
        && let Err(refusal) = led(tx, scene, &row.household, asker.member()).await?
    {
        return Ok(Err(refusal));
    }
    end(tx, scene, row, (Deed::Withdrawn, asker)).await
}

/// Ends one without anybody joining; the deed's key is its state.
async fn end(tx: &mut Tx, scene: Scene<'_>, row: Invitation, (deed, asker): (Deed, Asker<'_>)) -> Outcome<Invitation> {
    match row.state.as_str() {
        "open" => {
            let row = settle(tx, scene, row, deed.key()).await?;
            note(tx, scene, asker, (deed, &row.household, Some(row.member()))).await?;
            Ok(Ok(row))
        }
        there if there == deed.key() => Ok(Ok(row)),
        _ => Ok(Err(Refusal::InvitationOver)),
    }
}

async fn settle(tx: &mut Tx, scene: Scene<'_>, row: Invitation, state: &str) -> rapport_store::Result<Invitation> {
    let row = Invitation { state: state.to_owned(), settled_at: Some(scene.now), ..row };
    rows::save_invitation(tx, scene.workspace, &row).await?;
    Ok(row)
}
