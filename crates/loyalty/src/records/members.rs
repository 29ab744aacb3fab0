//! Whose account it is: the only place where a member's number meets a person.

use std::collections::HashMap;

use rapport_domain::{PersonId, Rng, Timestamp, WorkspaceId};
use rapport_store::{Queries, Tx, args, sql};

use crate::ledger::{MemberId, Standing};

/// Makes a person a member, if they are none yet; their number.
///
/// # Errors
/// The store's.
pub async fn enrol(
    tx: &mut Tx,
    workspace: WorkspaceId,
    person: PersonId,
    now: Timestamp,
    rng: &dyn Rng,
) -> rapport_store::Result<MemberId> {
    let add = sql!(
        "INSERT INTO loyalty_members (workspace, member, person, standing, enrolled_at) VALUES ($1, $2, $3, 'active', $4)
         ON CONFLICT DO NOTHING"
    );
    tx.execute(add, args![workspace, rng.next_positive_i64(), person, now]).await?;
    of(tx, workspace, person).await?.ok_or(rapport_store::Error::NotFound)
}

/// A person's number, if they are a member.
///
/// # Errors
/// The store's.
pub async fn of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
) -> rapport_store::Result<Option<MemberId>> {
    let find = sql!("SELECT member FROM loyalty_members WHERE person = $1 AND workspace = $2");
    let found: Option<(i64,)> = db.fetch_optional(find, args![person, workspace]).await?;
    Ok(found.map(|(member,)| MemberId(member)))
}

/// Sets what a member may do; whether there is such a member.
///
/// # Errors
/// The store's.
pub async fn set_standing(
    tx: &mut Tx,
    workspace: WorkspaceId,
    member: MemberId,
    standing: Standing,
) -> rapport_store::Result<bool> {
    let set = sql!("UPDATE loyalty_members SET standing = $3 WHERE member = $2 AND workspace = $1");
    Ok(tx.execute(set, args![workspace, member.0, standing.key()]).await? > 0)
}

/// What these members may do, and who they are; whoever is unknown is left out.
pub(super) async fn standings(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[i64],
) -> rapport_store::Result<HashMap<MemberId, (Standing, Option<PersonId>)>> {
    let find = sql!("SELECT member, standing, person FROM loyalty_members WHERE member IN ($2) AND workspace = $1");
    let rows: Vec<(i64, String, Option<PersonId>)> = db.fetch_all(find, args![workspace, members]).await?;
    let row = |(member, standing, person): (i64, String, _)| (MemberId(member), (Standing::read(&standing), person));
    Ok(rows.into_iter().map(row).collect())
}

impl Standing {
    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Closed => "closed",
        }
    }

    /// Reads [`Standing::key`]; what is not known may do nothing.
    pub fn read(key: &str) -> Self {
        [Self::Active, Self::Blocked, Self::Closed]
            .into_iter()
            .find(|standing| standing.key() == key)
            .unwrap_or_default()
    }
}
