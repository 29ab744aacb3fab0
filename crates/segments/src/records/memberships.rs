//! Who is and was in which segment, since when and until when, and since when that is known.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Priority, Queries, Record, Result, Sql, Store, Tx, args, sql};

/// A time in a segment.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct MembershipRow {
    /// Who.
    pub person: PersonId,
    /// Which segment.
    pub segment: i64,
    /// From when on.
    pub entered_at: Timestamp,
    /// Until before when; none while it lasts.
    pub exited_at: Option<Timestamp>,
    /// Since when we know.
    pub recorded_at: Timestamp,
}

/// What is held true of these persons now.
pub async fn of_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<MembershipRow>> {
    let text = sql!(
        "SELECT person, segment, entered_at, exited_at, recorded_at FROM memberships
         WHERE +workspace = $1 AND person IN ($2) AND replaced_at IS NULL ORDER BY person, segment, entered_at"
    );
    db.fetch_all(text, args![workspace, persons]).await
}

/// In which of some segments, by their keys, these persons are now.
pub async fn of_keys(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
    keys: &[String],
) -> Result<Vec<(PersonId, String)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let text = sql!(
        "SELECT m.person, s.key FROM segments s CROSS JOIN memberships m
         WHERE s.workspace = $1 AND s.key IN ($3) AND m.workspace = s.workspace AND m.segment = s.segment AND m.person IN ($2)
           AND m.exited_at IS NULL AND m.replaced_at IS NULL ORDER BY m.person, s.key"
    );
    db.fetch_all(text, args![workspace, persons, keys]).await
}

/// Members of a segment now whose numbers are above `after`, in their order.
pub async fn after(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    key: &str,
    after: PersonId,
    limit: i64,
) -> Result<Vec<(PersonId,)>> {
    let text = sql!(
        "SELECT m.person FROM segments s CROSS JOIN memberships m
         WHERE s.workspace = $1 AND s.key = $2 AND m.workspace = s.workspace AND m.segment = s.segment AND m.person > $3
           AND m.exited_at IS NULL AND m.replaced_at IS NULL ORDER BY m.person LIMIT $4"
    );
    db.fetch_all(text, args![workspace, key, after, limit]).await
}

/// What was held true of a person at `known_at`: the segments that they were in at `valid_at`, with since when.
pub async fn at(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    valid_at: Timestamp,
    known_at: Timestamp,
) -> Result<Vec<MembershipRow>> {
    let text = sql!(
        "SELECT person, segment, entered_at, CASE WHEN exit_recorded_at <= $4 THEN exited_at ELSE NULL END AS exited_at, recorded_at
         FROM memberships
         WHERE +workspace = $1 AND person = $2 AND entered_at <= $3 AND recorded_at <= $4
           AND (replaced_at IS NULL OR replaced_at > $4)
           AND (exited_at IS NULL OR exited_at > $3 OR exit_recorded_at > $4) ORDER BY segment, entered_at"
    );
    db.fetch_all(text, args![workspace, person, valid_at, known_at]).await
}

/// The members of a segment now, who came last first: (person, since when).
pub async fn members(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    segment: i64,
    offset: i64,
    limit: i64,
) -> Result<Vec<(PersonId, Timestamp)>> {
    let text = sql!(
        "SELECT person, entered_at FROM memberships
         WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND exited_at IS NULL
         ORDER BY entered_at DESC, person LIMIT $3 OFFSET $4"
    );
    db.fetch_all(text, args![workspace, segment, limit, offset]).await
}

/// Which end of a time in a segment is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Its beginning.
    Entered,
    /// Its end.
    Left,
}

/// Who came into a segment, or left it, since an instant, the latest first: (person, since when, until when).
pub async fn moved_since(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    segment: i64,
    (moved, since): (Moved, Timestamp),
    (offset, limit): (i64, i64),
) -> Result<Vec<(PersonId, Timestamp, Option<Timestamp>)>> {
    let text = match moved {
        Moved::Entered => sql!(
            "SELECT person, entered_at, exited_at FROM memberships
             WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND entered_at >= $3
             ORDER BY entered_at DESC, person LIMIT $4 OFFSET $5"
        ),
        Moved::Left => sql!(
            "SELECT person, entered_at, exited_at FROM memberships
             WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND exited_at >= $3
             ORDER BY exited_at DESC, person LIMIT $4 OFFSET $5"
        ),
    };
    db.fetch_all(text, args![workspace, segment, since, limit, offset]).await
}

/// Who came into a segment, or left it, from an instant until before another, by their numbers, which are drawn by chance: (person, when).
pub async fn moved_between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    segment: i64,
    moved: Moved,
    (from, to): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<(PersonId, Timestamp)>> {
    let text = match moved {
        Moved::Entered => sql!(
            "SELECT person, entered_at FROM memberships
             WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND entered_at >= $3 AND entered_at < $4
             ORDER BY person, entered_at LIMIT $5"
        ),
        Moved::Left => sql!(
            "SELECT person, exited_at FROM memberships
             WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND exited_at >= $3 AND exited_at < $4
             ORDER BY person, exited_at LIMIT $5"
        ),
    };
    db.fetch_all(text, args![workspace, segment, from, to, limit]).await
}

/// How many came into a segment, or left it, from an instant until before another: (people, times).
pub async fn count_moved(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    segment: i64,
    moved: Moved,
    (from, to): (Timestamp, Timestamp),
) -> Result<(i64, i64)> {
    let text = match moved {
        Moved::Entered => sql!(
            "SELECT COUNT(DISTINCT person), COUNT(*) FROM memberships
             WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND entered_at >= $3 AND entered_at < $4"
        ),
        Moved::Left => sql!(
            "SELECT COUNT(DISTINCT person), COUNT(*) FROM memberships
             WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND exited_at >= $3 AND exited_at < $4"
        ),
    };
    db.fetch_one(text, args![workspace, segment, from, to]).await
}

/// How many were in a segment at an instant.
pub async fn count_at(db: &mut impl Queries, workspace: WorkspaceId, segment: i64, at: Timestamp) -> Result<i64> {
    let text = sql!(
        "SELECT COUNT(DISTINCT person) FROM memberships
         WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND entered_at <= $3 AND (exited_at IS NULL OR exited_at > $3)"
    );
    db.scalar(text, args![workspace, segment, at]).await
}

/// Who was in a segment at an instant, by their numbers: the first so many are as good as any.
pub async fn some_at(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    segment: i64,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<(PersonId,)>> {
    let text = sql!(
        "SELECT DISTINCT person FROM memberships
         WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND entered_at <= $3 AND (exited_at IS NULL OR exited_at > $3)
         ORDER BY person LIMIT $4"
    );
    db.fetch_all(text, args![workspace, segment, at, limit]).await
}

/// Members of a segment now by their numbers, which are drawn by chance: the first so many are as good as any.
pub async fn some(db: &mut impl Queries, workspace: WorkspaceId, segment: i64, limit: i64) -> Result<Vec<(PersonId,)>> {
    let text = sql!(
        "SELECT DISTINCT person FROM memberships
         WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND exited_at IS NULL ORDER BY person LIMIT $3"
    );
    db.fetch_all(text, args![workspace, segment, limit]).await
}

/// How many are in exactly which of these segments now, by a number that has bit `i` for the `i`-th of them. At most [`MOST_INTERSECTED`].
pub async fn intersections(db: &mut impl Queries, workspace: WorkspaceId, segments: &[i64]) -> Result<Vec<(i64, i64)>> {
    let segments = &segments[..segments.len().min(MOST_INTERSECTED)];
    let bit = |place: usize| format!("WHEN ${} THEN {}", place + 2, 1 << place);
    let bits: Vec<String> = (0..segments.len()).map(bit).collect();
    let among: Vec<String> = (0..segments.len()).map(|place| format!("${}", place + 2)).collect();
    let text = format!(
        "SELECT bits, COUNT(*) FROM (
           SELECT person, CAST(SUM(CASE segment {} ELSE 0 END) AS BIGINT) AS bits FROM memberships
           WHERE +workspace = $1 AND segment IN ({}) AND replaced_at IS NULL AND exited_at IS NULL GROUP BY person) people
         GROUP BY bits ORDER BY COUNT(*) DESC, bits",
        bits.join(" "),
        among.join(", ")
    );
    let mut args = args![workspace];
    args.0.extend(segments.iter().map(|segment| (*segment).into()));
    db.fetch_all(Sql::assembled(text), args).await
}

/// So many segments are intersected at once.
pub const MOST_INTERSECTED: usize = 8;

/// The times of everybody who is or was in a segment, as they are held true now.
pub async fn spans_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    segment: i64,
) -> Result<BTreeMap<PersonId, Vec<(Timestamp, Option<Timestamp>)>>> {
    let text = sql!(
        "SELECT person, entered_at, exited_at FROM memberships WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL"
    );
    let rows: Vec<(PersonId, Timestamp, Option<Timestamp>)> = db.fetch_all(text, args![workspace, segment]).await?;
    let mut spans: BTreeMap<PersonId, Vec<_>> = BTreeMap::new();
    for (person, entered, left) in rows {
        spans.entry(person).or_default().push((entered, left));
    }
    Ok(spans)
}

/// How many are in each segment now.
pub async fn sizes(db: &mut impl Queries, workspace: WorkspaceId) -> Result<BTreeMap<i64, i64>> {
    // `+`: all of this small table.
    let text = sql!("SELECT segment, members FROM segment_sizes WHERE +workspace = $1");
    let rows: Vec<(i64, i64)> = db.fetch_all(text, args![workspace]).await?;
    Ok(rows.into_iter().collect())
}

/// How many came and went on each day (of UTC, as days since 1970), ascending: (day, entered, exited).
pub async fn flows(db: &mut impl Queries, workspace: WorkspaceId, segment: i64) -> Result<Vec<(i64, i64, i64)>> {
    let text =
        sql!("SELECT day, entered, exited FROM segment_flows WHERE workspace = $1 AND segment = $2 ORDER BY day");
    db.fetch_all(text, args![workspace, segment]).await
}

/// Adds times in segments.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[MembershipRow]) -> Result<()> {
    let text = sql!(
        "INSERT INTO memberships (workspace, person, segment, entered_at, exited_at, recorded_at, exit_recorded_at, replaced_at)
         VALUES {rows} ON CONFLICT (workspace, person, segment, entered_at, recorded_at) DO UPDATE SET
           exited_at = excluded.exited_at, exit_recorded_at = excluded.exit_recorded_at, replaced_at = NULL"
    );
    let never: Option<Timestamp> = None;
    let rows = rows.iter().map(|r| {
        let exit_recorded_at = r.exited_at.map(|_| r.recorded_at);
        args![workspace, r.person, r.segment, r.entered_at, r.exited_at, r.recorded_at, exit_recorded_at, never]
    });
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Ends times that were open: (person, segment, entered at, exited at).
pub async fn end(
    tx: &mut Tx,
    workspace: WorkspaceId,
    ended: &[(PersonId, i64, Timestamp, Timestamp)],
    now: Timestamp,
) -> Result<()> {
    let text = sql!(
        "WITH ended (workspace, person, segment, entered_at, exited_at, recorded_at) AS (VALUES {rows})
         UPDATE memberships SET exited_at = ended.exited_at, exit_recorded_at = ended.recorded_at
         FROM ended WHERE memberships.workspace = ended.workspace AND memberships.person = ended.person
           AND memberships.segment = ended.segment AND memberships.entered_at = ended.entered_at
           AND memberships.replaced_at IS NULL AND memberships.exited_at IS NULL"
    );
    let rows = ended
        .iter()
        .map(|(person, segment, entered, exited)| args![workspace, *person, *segment, *entered, *exited, now]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Takes back what was held true: (person, segment, entered at).
pub async fn replace(
    tx: &mut Tx,
    workspace: WorkspaceId,
    replaced: &[(PersonId, i64, Timestamp)],
    now: Timestamp,
) -> Result<()> {
    let text = sql!(
        "WITH replaced (workspace, person, segment, entered_at, replaced_at) AS (VALUES {rows})
         UPDATE memberships SET replaced_at = replaced.replaced_at
         FROM replaced WHERE memberships.workspace = replaced.workspace AND memberships.person = replaced.person
           AND memberships.segment = replaced.segment AND memberships.entered_at = replaced.entered_at
           AND memberships.replaced_at IS NULL"
    );
    let rows = replaced.iter().map(|(person, segment, entered)| args![workspace, *person, *segment, *entered, now]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// So many rows are changed in one transaction where a whole segment is concerned: of large ones nobody else could write meanwhile.
const SLICE: i64 = 2_000;

/// The person up to whom the next rows of a segment are one slice; `None` at its end.
async fn slice(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    segment: i64,
    after: PersonId,
) -> Result<Option<PersonId>> {
    let text = sql!(
        "SELECT MAX(person) FROM (SELECT person FROM memberships
           WHERE segment = $2 AND workspace = $1 AND person > $3 ORDER BY person LIMIT $4) slice"
    );
    db.scalar(text, args![workspace, segment, after, SLICE]).await
}

/// Says of everything that is held true of a segment that it is not, in slices: what stopped on the way is done again.
pub async fn replace_all(store: &Store, workspace: WorkspaceId, segment: i64, now: Timestamp) -> Result<()> {
    let text = sql!(
        "UPDATE memberships SET replaced_at = $3
         WHERE segment = $2 AND workspace = $1 AND replaced_at IS NULL AND person > $4 AND person <= $5"
    );
    let mut after = PersonId(i64::MIN);
    while let Some(last) = slice(&mut store.read(), workspace, segment, after).await? {
        let mut tx = store.begin(Priority::Background).await?;
        tx.execute(text.clone(), args![workspace, segment, now, after, last]).await?;
        tx.commit().await?;
        after = last;
    }
    let mut tx = store.begin(Priority::Background).await?;
    for text in [
        sql!("DELETE FROM segment_flows WHERE workspace = $1 AND segment = $2"),
        sql!("DELETE FROM segment_sizes WHERE workspace = $1 AND segment = $2"),
    ] {
        tx.execute(text, args![workspace, segment]).await?;
    }
    tx.commit().await
}

/// Deletes what is known of who is and was in a segment, in slices.
pub async fn delete_all(store: &Store, workspace: WorkspaceId, segment: i64) -> Result<()> {
    let text = sql!("DELETE FROM memberships WHERE segment = $2 AND workspace = $1 AND person <= $3");
    while let Some(last) = slice(&mut store.read(), workspace, segment, PersonId(i64::MIN)).await? {
        let mut tx = store.begin(Priority::Background).await?;
        tx.execute(text.clone(), args![workspace, segment, last]).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Adds to the days, and so to the sizes: (segment, day) -> (entered, exited), which may be taken back.
pub async fn add_flows(tx: &mut Tx, workspace: WorkspaceId, flows: &BTreeMap<(i64, i64), (i64, i64)>) -> Result<()> {
    let text = sql!(
        "INSERT INTO segment_flows (workspace, segment, day, entered, exited) VALUES {rows}
         ON CONFLICT (workspace, segment, day) DO UPDATE SET
           entered = segment_flows.entered + excluded.entered, exited = segment_flows.exited + excluded.exited"
    );
    let rows =
        flows.iter().map(|((segment, day), (entered, exited))| args![workspace, *segment, *day, *entered, *exited]);
    tx.execute_many(text, rows).await?;
    let mut members: BTreeMap<i64, i64> = BTreeMap::new();
    for ((segment, _), (entered, exited)) in flows {
        *members.entry(*segment).or_default() += entered - exited;
    }
    let text = sql!(
        "INSERT INTO segment_sizes (workspace, segment, members) VALUES {rows}
         ON CONFLICT (workspace, segment) DO UPDATE SET members = segment_sizes.members + excluded.members"
    );
    tx.execute_many(text, members.iter().map(|(segment, more)| args![workspace, *segment, *more])).await?;
    Ok(())
}

/// Takes somebody out of the days and sizes, before their memberships are deleted: later nobody knows what they were counted in.
pub async fn uncount(tx: &mut Tx, workspace: WorkspaceId, person: PersonId) -> Result<()> {
    let mut flows: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
    for row in of_persons(tx, workspace, &[person]).await? {
        flows.entry((row.segment, row.entered_at.utc_day())).or_default().0 -= 1;
        if let Some(exited) = row.exited_at {
            flows.entry((row.segment, exited.utc_day())).or_default().1 -= 1;
        }
    }
    add_flows(tx, workspace, &flows).await
}

/// How many people are in both of two segments now: (one, other, people), one below the other; and each with itself.
pub async fn overlap(db: &mut impl Queries, workspace: WorkspaceId, segments: &[i64]) -> Result<Vec<(i64, i64, i64)>> {
    let text = sql!(
        "SELECT a.segment, b.segment, COUNT(*) FROM memberships a
         JOIN memberships b ON b.person = a.person AND b.workspace = a.workspace
         WHERE a.workspace = $1 AND a.segment IN ($2) AND b.segment IN ($2) AND a.segment <= b.segment
           AND a.replaced_at IS NULL AND a.exited_at IS NULL AND b.replaced_at IS NULL AND b.exited_at IS NULL
         GROUP BY a.segment, b.segment ORDER BY a.segment, b.segment"
    );
    db.fetch_all(text, args![workspace, segments]).await
}
