//! What staff did with households, and why: the trail of what members did not do themselves.
//!
//! Always holds: written in the transaction of what was done; what changed nothing is not written, so the same asked twice is there once. What members do themselves stands in their memberships and
//! invitations, and is not written here.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

use super::{HouseholdAct, own_id};
use crate::ledger::MemberId;
use crate::records::members::as_rows;
use crate::records::redemptions::Scene;

/// Who asks for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker<'a> {
    /// A member: only what they may do is done.
    Member(MemberId),
    /// Staff or your own program, who answer for it.
    Staff {
        /// A user, a key.
        by: &'a str,
        /// Why; empty if they say nothing.
        reason: &'a str,
    },
}

impl Asker<'_> {
    /// The member who asks, if one does.
    pub const fn member(self) -> Option<MemberId> {
        match self {
            Self::Member(member) => Some(member),
            Self::Staff { .. } => None,
        }
    }
}

/// What is done with a household.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was founded for somebody.
    Founded,
    /// Somebody was invited.
    Invited,
    /// An invitation was accepted for somebody.
    Joined,
    /// An invitation was declined for somebody.
    Declined,
    /// An invitation was called off.
    Withdrawn,
    /// It is called otherwise.
    Renamed,
    /// A name in it, or how many points of somebody others may use.
    Set,
    /// Somebody was taken out of it.
    Removed,
    /// Somebody else leads it.
    HandedOver,
    /// It was closed.
    Closed,
}

impl Deed {
    /// A stable word.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Founded => "founded",
            Self::Invited => "invited",
            Self::Joined => "joined",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Renamed => "renamed",
            Self::Set => "set",
            Self::Removed => "removed",
            Self::HandedOver => "handed_over",
            Self::Closed => "closed",
        }
    }
}

/// Writes down what staff did; nothing of what a member did.
pub(super) async fn note(
    tx: &mut Tx,
    scene: Scene<'_>,
    asker: Asker<'_>,
    (deed, household, member): (Deed, &str, Option<MemberId>),
) -> Result<()> {
    let Asker::Staff { by, reason } = asker else { return Ok(()) };
    let insert = sql!(
        "INSERT INTO loyalty_household_acts (workspace, act, household, what, member, reason, done_at, done_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    let member = member.map(|it| it.0);
    let act = own_id(scene, "hsa");
    tx.execute(insert, args![scene.workspace, act, household, deed.key(), member, reason, scene.now, by])
        .await
        .map(drop)
}

/// What staff did with a household, the newest first, from behind one of them on.
///
/// # Errors
/// The store's.
pub async fn acts(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    household: &str,
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<HouseholdAct>> {
    let (at, act) = after.unwrap_or((Timestamp(i64::MAX), String::new()));
    let list = sql!(
        "SELECT * FROM loyalty_household_acts WHERE household = $2 AND workspace = $1 AND (done_at, act) < ($3, $4)
         ORDER BY done_at DESC, act DESC LIMIT $5"
    );
    db.fetch_all(list, args![workspace, household, at, act, limit]).await
}

/// What staff did about some members, the newest last.
///
/// # Errors
/// The store's.
pub async fn acts_about(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> Result<Vec<HouseholdAct>> {
    let list =
        sql!("SELECT * FROM loyalty_household_acts WHERE member IN ($2) AND workspace = $1 ORDER BY done_at, act");
    db.fetch_all(list, args![workspace, &as_rows(members)]).await
}
