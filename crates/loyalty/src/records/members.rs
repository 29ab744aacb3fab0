//! Whose account it is: the only place where a member's number meets a person.

use std::collections::HashMap;

use rapport_domain::{PersonId, Rng, Timestamp, WorkspaceId};
use rapport_store::outbox::{Event, Written};
use rapport_store::{Queries, Record, Tx, args, sql};
use serde_json::json;

use super::head;
use crate::ledger::{MemberId, Standing};

/// The domain event of somebody who became a member.
pub const ENROLLED: &str = "member.enrolled";
/// Of one whose standing changed.
pub const CHANGED: &str = "member.changed";
/// Of one who goes on for another, too.
pub const MERGED: &str = "member.merged";

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
    let is_new = tx.execute(add, args![workspace, rng.next_positive_i64(), person, now]).await? > 0;
    let member = of(tx, workspace, person).await?.ok_or(rapport_store::Error::NotFound)?;
    if is_new {
        tx.emit(Event::new(workspace, ENROLLED, told(member, now)).about(person));
    }
    Ok(member)
}

/// What is told of somebody who became a member.
fn told(member: MemberId, now: Timestamp) -> serde_json::Value {
    json!({ "member": member.0.to_string(), "at": now.to_rfc3339() })
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

/// Who the events of the ledger are about, which say a member's number only: whoever the member is by now, and nobody after an erasure.
///
/// # Errors
/// The store's.
pub async fn name_people(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    events: &mut [Written],
) -> rapport_store::Result<()> {
    let number = |event: &Written| event.payload["member"].as_str()?.parse::<i64>().ok();
    let nameless = |event: &Written| event.person.is_none() && event.name.starts_with("points.");
    let numbers: Vec<i64> = events.iter().filter(|event| nameless(event)).filter_map(number).collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let find = sql!(
        "SELECT m.member, COALESCE(h.person, m.person) FROM loyalty_members m
         LEFT JOIN loyalty_members h ON h.member = m.merged_into AND h.workspace = m.workspace
         WHERE m.member IN ($2) AND m.workspace = $1"
    );
    let found: Vec<(i64, Option<PersonId>)> = db.fetch_all(find, args![workspace, &numbers]).await?;
    let people: HashMap<i64, Option<PersonId>> = found.into_iter().collect();
    for event in events.iter_mut().filter(|event| nameless(event)) {
        event.person = number(event).and_then(|number| people.get(&number).copied().flatten());
    }
    Ok(())
}

/// Their numbers as rows have them.
pub(super) fn as_rows(members: &[MemberId]) -> Vec<i64> {
    members.iter().map(|member| member.0).collect()
}

/// Somebody who belongs to the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Their number.
    pub member: MemberId,
    /// Who it is; nobody any more after an erasure.
    pub person: Option<PersonId>,
    /// What they may do.
    pub standing: Standing,
    /// Since when.
    pub enrolled_at: Timestamp,
}

type MemberParts = (i64, Option<PersonId>, String, Timestamp);

fn member((member, person, standing, enrolled_at): MemberParts) -> Member {
    Member { member: MemberId(member), person, standing: Standing::read(&standing), enrolled_at }
}

/// A member by their number, or by one that was merged into theirs.
///
/// # Errors
/// The store's.
pub async fn find(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    number: MemberId,
) -> rapport_store::Result<Option<Member>> {
    let find = sql!(
        "SELECT h.member, h.person, h.standing, h.enrolled_at FROM loyalty_members m JOIN loyalty_members h
             ON h.member = CASE WHEN m.standing = 'merged' AND m.merged_into IS NOT NULL THEN m.merged_into ELSE m.member END AND h.workspace = m.workspace
         WHERE m.member = $2 AND m.workspace = $1"
    );
    let found: Option<MemberParts> = db.fetch_optional(find, args![workspace, number.0]).await?;
    Ok(found.map(member))
}

/// How many members there are, or came from one instant on and before another; whoever was merged into another is none.
///
/// # Errors
/// The store's.
pub async fn count(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    span: Option<(Timestamp, Timestamp)>,
) -> rapport_store::Result<i64> {
    if let Some((from, to)) = span {
        let count = sql!(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM loyalty_members WHERE workspace = $1 AND enrolled_at >= $2 AND enrolled_at < $3 AND standing <> 'merged'"
        );
        return db.scalar(count, args![workspace, from, to]).await;
    }
    let all = sql!("SELECT CAST(COUNT(*) AS BIGINT) FROM loyalty_members WHERE workspace = $1");
    let merged = sql!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM loyalty_members WHERE workspace = $1 AND merged_into IS NOT NULL AND standing = 'merged'"
    );
    let all: i64 = db.scalar(all, args![workspace]).await?;
    let merged: i64 = db.scalar(merged, args![workspace]).await?;
    Ok(all - merged)
}

/// Members, or those of one standing, the newest first, from behind one of them on: (enrolled at, number).
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    standing: Option<Standing>,
    after: Option<(Timestamp, i64)>,
    limit: u32,
) -> rapport_store::Result<Vec<Member>> {
    let (at, number) = after.unwrap_or((Timestamp(i64::MAX), i64::MAX));
    let list = sql!(
        "SELECT member, person, standing, enrolled_at FROM loyalty_members
         WHERE workspace = $1 AND (enrolled_at, member) < ($2, $3) AND standing <> 'merged' AND ($5 = '' OR standing = $5)
         ORDER BY enrolled_at DESC, member DESC LIMIT $4"
    );
    let standing = standing.map_or("", Standing::key);
    let rows: Vec<MemberParts> = db.fetch_all(list, args![workspace, at, number, limit, standing]).await?;
    Ok(rows.into_iter().map(member).collect())
}

/// Persons who are members, by their numbers from behind one of them on: (who, their member's number, since when).
///
/// # Errors
/// The store's.
pub async fn persons_after(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    after: PersonId,
    limit: u32,
) -> rapport_store::Result<Vec<(PersonId, MemberId, Timestamp)>> {
    let find = sql!(
        "SELECT person, member, enrolled_at FROM loyalty_members WHERE person > $2 AND person IS NOT NULL AND +workspace = $1
         ORDER BY person LIMIT $3"
    );
    let rows: Vec<(PersonId, i64, Timestamp)> = db.fetch_all(find, args![workspace, after, limit]).await?;
    Ok(rows.into_iter().map(|(person, member, at)| (person, MemberId(member), at)).collect())
}

/// Those of these persons who are members.
///
/// # Errors
/// The store's.
pub async fn by_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> rapport_store::Result<Vec<Member>> {
    let find = sql!(
        "SELECT member, person, standing, enrolled_at FROM loyalty_members WHERE person IN ($2) AND workspace = $1 ORDER BY person"
    );
    let rows: Vec<MemberParts> = db.fetch_all(find, args![workspace, persons]).await?;
    Ok(rows.into_iter().map(member).collect())
}

/// Which of these persons are members, and under which number.
///
/// # Errors
/// The store's.
pub async fn of_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> rapport_store::Result<HashMap<PersonId, MemberId>> {
    let found = by_persons(db, workspace, persons).await?;
    Ok(found.into_iter().filter_map(|it| Some((it.person?, it.member))).collect())
}

/// Those of these members that there are.
///
/// # Errors
/// The store's.
pub async fn by_numbers(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    members: &[MemberId],
) -> rapport_store::Result<Vec<Member>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let find = sql!(
        "SELECT member, person, standing, enrolled_at FROM loyalty_members
         WHERE member IN ($2) AND workspace = $1 AND standing <> 'merged' ORDER BY member"
    );
    let rows: Vec<MemberParts> = db.fetch_all(find, args![workspace, &numbers]).await?;
    Ok(rows.into_iter().map(member).collect())
}

/// Members in the order of their numbers, which are drawn by chance, from behind one of them on; of whoever was forgotten there is nothing to know.
///
/// # Errors
/// The store's.
pub async fn by_number(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    after: Option<MemberId>,
    limit: u32,
) -> rapport_store::Result<Vec<Member>> {
    let after = after.map_or(i64::MIN, |member| member.0);
    let find = sql!(
        "SELECT member, person, standing, enrolled_at FROM loyalty_members
         WHERE member > $2 AND +workspace = $1 AND standing <> 'merged' AND person IS NOT NULL ORDER BY member LIMIT $3"
    );
    let rows: Vec<MemberParts> = db.fetch_all(find, args![workspace, after, limit]).await?;
    Ok(rows.into_iter().map(member).collect())
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
    head::people_changed(tx, workspace).await?;
    let set =
        sql!("UPDATE loyalty_members SET standing = $3 WHERE member = $2 AND workspace = $1 AND standing <> 'merged'");
    if tx.execute(set, args![workspace, member.0, standing.key()]).await? == 0 {
        return Ok(false);
    }
    if let Some(person) = find(tx, workspace, member).await?.and_then(|it| it.person) {
        let payload = json!({ "member": member.0.to_string(), "standing": standing.key() });
        tx.emit(Event::new(workspace, CHANGED, payload).about(person));
    }
    Ok(true)
}

/// A member and one of their accounts; without an account when nothing was ever posted.
#[derive(Debug, Record)]
pub(super) struct MemberRow {
    member: i64,
    pub standing: String,
    pub person: Option<PersonId>,
    merged_into: Option<i64>,
    pub jurisdiction: Option<String>,
    pub wallet: Option<i64>,
    pub owed: Option<i64>,
    pub operation: Option<i64>,
    pub due_at: Option<Timestamp>,
    pub active_at: Option<Timestamp>,
    pub trail: Option<String>,
    pub opened: Option<String>,
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
        "SELECT m.member, m.standing, m.person, m.merged_into, m.jurisdiction, b.wallet, b.owed, b.operation, b.due_at, b.active_at, b.trail, b.opened FROM loyalty_members m
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
