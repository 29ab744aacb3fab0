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

/// Those of these persons who are members.
///
/// # Errors
/// The store's.
pub async fn among(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> rapport_store::Result<Vec<PersonId>> {
    let find = sql!("SELECT person FROM loyalty_members WHERE person IN ($2) AND workspace = $1 ORDER BY person");
    let found: Vec<(PersonId,)> = db.fetch_all(find, args![workspace, persons]).await?;
    Ok(found.into_iter().map(|(person,)| person).collect())
}

/// Whose number it is now: the member that it was merged into, or itself.
///
/// # Errors
/// The store's.
pub async fn now(db: &mut impl Queries, workspace: WorkspaceId, member: MemberId) -> rapport_store::Result<MemberId> {
    let find = sql!(
        "SELECT merged_into FROM loyalty_members WHERE member = $2 AND workspace = $1 AND standing = 'merged' AND merged_into IS NOT NULL"
    );
    let found: Option<(i64,)> = db.fetch_optional(find, args![workspace, member.0]).await?;
    Ok(found.map_or(member, |(heir,)| MemberId(heir)))
}

/// All numbers that a member has: their own, and those that were merged into it.
///
/// # Errors
/// The store's.
pub async fn numbers(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    member: MemberId,
) -> rapport_store::Result<Vec<MemberId>> {
    let find = sql!("SELECT member FROM loyalty_members WHERE merged_into = $2 AND workspace = $1 ORDER BY member");
    let merged: Vec<(i64,)> = db.fetch_all(find, args![workspace, member.0]).await?;
    Ok(std::iter::once(member).chain(merged.into_iter().map(|(number,)| MemberId(number))).collect())
}

/// Sets what a member may do; whether there is such a member. An old number means the member that it was merged into.
///
/// # Errors
/// The store's.
pub async fn set_standing(
    tx: &mut Tx,
    workspace: WorkspaceId,
    member: MemberId,
    standing: Standing,
) -> rapport_store::Result<bool> {
    let member = now(tx, workspace, member).await?;
    let set =
        sql!("UPDATE loyalty_members SET standing = $3 WHERE member = $2 AND workspace = $1 AND standing <> 'merged'");
    Ok(tx.execute(set, args![workspace, member.0, standing.key()]).await? > 0)
}

/// A member and one of their accounts; without an account when nothing was ever posted.
#[derive(Debug, Record)]
pub(super) struct MemberRow {
    member: i64,
    pub standing: String,
    pub person: Option<PersonId>,
    merged_into: Option<i64>,
    pub wallet: Option<i64>,
    pub owed: Option<i64>,
    pub operation: Option<i64>,
}

impl MemberRow {
    pub(super) const fn member(&self) -> MemberId {
        MemberId(self.member)
    }

    /// Whose number it is now, if it was merged. A closed one stays what it was, whoever it belonged to.
    pub(super) fn heir(&self) -> Option<MemberId> {
        self.merged_into.filter(|_| Standing::read(&self.standing) == Standing::Merged).map(MemberId)
    }
}

/// These members with all their accounts; whoever is unknown is left out.
pub(super) async fn with_balances(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: Vec<i64>,
) -> rapport_store::Result<Vec<MemberRow>> {
    let find = sql!(
        "SELECT m.member, m.standing, m.person, m.merged_into, b.wallet, b.owed, b.operation FROM loyalty_members m
         LEFT JOIN loyalty_balances b ON b.member = m.member AND b.workspace = m.workspace
         WHERE m.member IN ($2) AND m.workspace = $1"
    );
    db.fetch_all(find, args![workspace, &members]).await
}

impl Standing {
    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }

    /// Reads [`Standing::key`]; what is not known may do nothing.
    pub fn read(key: &str) -> Self {
        [Self::Active, Self::Blocked, Self::Closed, Self::Merged]
            .into_iter()
            .find(|standing| standing.key() == key)
            .unwrap_or_default()
    }
}
