//! Whose account it is: the only place where a member's number meets a person.

use rapport_domain::{PersonId, Rng, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Tx, args, sql};

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

/// Makes many persons members at once, of whom none is one yet; their numbers, in the same order.
///
/// # Errors
/// The store's; that one of them is a member already too.
pub async fn enrol_all(
    tx: &mut Tx,
    workspace: WorkspaceId,
    persons: &[PersonId],
    now: Timestamp,
    rng: &dyn Rng,
) -> rapport_store::Result<Vec<MemberId>> {
    let numbers: Vec<MemberId> = persons.iter().map(|_| MemberId(rng.next_positive_i64())).collect();
    let add = sql!("INSERT INTO loyalty_members (workspace, member, person, standing, enrolled_at) VALUES {rows}");
    let active = Standing::Active.key();
    let row = |(person, member): (&PersonId, &MemberId)| args![workspace, member.0, *person, active, now];
    tx.execute_many(add, persons.iter().zip(&numbers).map(row)).await?;
    Ok(numbers)
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

/// A member and one of their accounts; without an account when nothing was ever posted.
#[derive(Debug, Record)]
pub(super) struct MemberRow {
    member: i64,
    pub standing: String,
    pub person: Option<PersonId>,
    pub wallet: Option<i64>,
    pub owed: Option<i64>,
    pub operation: Option<i64>,
}

impl MemberRow {
    pub(super) const fn member(&self) -> MemberId {
        MemberId(self.member)
    }
}

/// These members with all their accounts; whoever is unknown is left out.
pub(super) async fn with_balances(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[i64],
) -> rapport_store::Result<Vec<MemberRow>> {
    let find = sql!(
        "SELECT m.member, m.standing, m.person, b.wallet, b.owed, b.operation FROM loyalty_members m
         LEFT JOIN loyalty_balances b ON b.member = m.member AND b.workspace = m.workspace
         WHERE m.member IN ($2) AND m.workspace = $1"
    );
    db.fetch_all(find, args![workspace, members]).await
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
