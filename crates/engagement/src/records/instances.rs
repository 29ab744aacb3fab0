//! People on their way through journeys.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Sql, Tx, args, sql};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journey::{End, Instance};

/// A stored instance.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct InstanceRow {
    /// Its name.
    pub id: String,
    /// The journey's key.
    pub journey: String,
    /// The version it keeps to.
    pub version: i64,
    /// Who.
    pub person: PersonId,
    /// The identifier that came in.
    pub handle: Option<Handle>,
    /// The occasion.
    pub entry_key: String,
    /// When they came in.
    pub entered_at: Timestamp,
    /// Where they are; none at the end.
    pub node: Option<String>,
    /// Since when.
    pub arrived_at: Timestamp,
    /// How often they came to each node.
    pub visits: Json<BTreeMap<String, u32>>,
    /// What was heard when, in microseconds UTC.
    pub heard: Json<BTreeMap<String, i64>>,
    /// The nodes that they left.
    pub trail: Json<Vec<Left>>,
    /// The event that brought them in: `{"name", "occurred_at", "properties"}`.
    pub payload: Value,
    /// It is not looked at before memberships have heard of the log up to here.
    pub log_position: i64,
    /// When to look at it again.
    pub wake_at: Option<Timestamp>,
    /// When the goal was reached.
    pub goal_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub ended_why: Option<String>,
}

/// A node that somebody left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Which.
    pub node: String,
    /// When, in microseconds UTC.
    pub at: i64,
    /// By which way.
    pub way: String,
}

impl InstanceRow {
    /// A new one.
    pub fn new(instance: &Instance, payload: Value, log_position: i64) -> Self {
        let mut row = Self {
            id: instance.id.clone(),
            journey: instance.journey.clone(),
            version: instance.version,
            person: instance.person,
            handle: instance.handle,
            entry_key: instance.entry_key.clone(),
            entered_at: instance.entered_at,
            node: None,
            arrived_at: instance.arrived_at,
            visits: Json(BTreeMap::new()),
            heard: Json(BTreeMap::new()),
            trail: Json(Vec::new()),
            payload,
            log_position,
            wake_at: None,
            goal_at: None,
            ended_at: None,
            ended_why: None,
        };
        row.take(instance);
        row
    }

    /// The instance as rules see it.
    pub fn instance(&self) -> Instance {
        let ended = self.ended_at.zip(self.ended_why.as_deref().and_then(End::parse));
        Instance {
            id: self.id.clone(),
            journey: self.journey.clone(),
            version: self.version,
            person: self.person,
            handle: self.handle,
            entry_key: self.entry_key.clone(),
            entered_at: self.entered_at,
            node: self.node.clone(),
            arrived_at: self.arrived_at,
            visits: self.visits.0.clone(),
            heard: self.heard.0.iter().map(|(what, at)| (what.clone(), Timestamp(*at))).collect(),
            wake_at: self.wake_at,
            goal_at: self.goal_at,
            ended,
        }
    }

    /// What became of it.
    pub fn take(&mut self, instance: &Instance) {
        self.version = instance.version;
        self.node.clone_from(&instance.node);
        self.arrived_at = instance.arrived_at;
        self.visits = Json(instance.visits.clone());
        self.heard = Json(instance.heard.iter().map(|(what, at)| (what.clone(), at.0)).collect());
        self.wake_at = instance.wake_at;
        self.goal_at = instance.goal_at;
        self.ended_at = instance.ended.map(|(at, _)| at);
        self.ended_why = instance.ended.map(|(_, why)| why.word());
    }
}

const COLUMNS: &str = "id, journey, version, person, handle, entry_key, entered_at, node, arrived_at, visits, heard, trail, payload, log_position,
    wake_at, goal_at, ended_at, ended_why";

/// Adds instances; how many there were not yet: of one person, journey and occasion only one is under way.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[InstanceRow]) -> Result<u64> {
    let text = sql!(
        "INSERT INTO journey_instances (id, workspace, journey, version, person, handle, entry_key, entered_at, node, arrived_at, visits,
           heard, trail, payload, log_position, wake_at, goal_at, ended_at, ended_why)
         VALUES {rows} ON CONFLICT DO NOTHING"
    );
    let rows = rows.iter().map(|r| {
        args![
            &r.id,
            workspace,
            &r.journey,
            r.version,
            r.person,
            r.handle,
            &r.entry_key,
            r.entered_at,
            r.node.as_deref(),
            r.arrived_at,
            Json(&r.visits.0),
            Json(&r.heard.0),
            Json(&r.trail.0),
            r.payload.clone(),
            r.log_position,
            r.wake_at,
            r.goal_at,
            r.ended_at,
            r.ended_why.as_deref()
        ]
    });
    tx.execute_many(text, rows).await
}

/// Writes what became of an instance.
pub async fn update(tx: &mut Tx, row: &InstanceRow) -> Result<()> {
    let text = sql!(
        "UPDATE journey_instances SET version = $2, node = $3, arrived_at = $4, visits = $5, heard = $6, trail = $7, wake_at = $8,
           goal_at = $9, ended_at = $10, ended_why = $11 WHERE id = $1"
    );
    let values = args![
        &row.id,
        row.version,
        row.node.as_deref(),
        row.arrived_at,
        Json(&row.visits.0),
        Json(&row.heard.0),
        Json(&row.trail.0),
        row.wake_at,
        row.goal_at,
        row.ended_at,
        row.ended_why.as_deref()
    ];
    tx.execute(text, values).await?;
    Ok(())
}

/// Lets memberships hear of the log up to a position before it is looked at.
pub async fn hold_until(tx: &mut Tx, id: &str, log_position: i64) -> Result<()> {
    let text = sql!("UPDATE journey_instances SET log_position = $2 WHERE id = $1");
    tx.execute(text, args![id, log_position]).await?;
    Ok(())
}

/// Takes away somebody who wanted to come in, and may not.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute(sql!("DELETE FROM journey_instances WHERE id = $1"), args![id]).await?;
    Ok(())
}

/// Those to be looked at by now, of journeys that go on, the longest waiting first.
pub async fn due(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    now: Timestamp,
    log_position: i64,
    limit: i64,
) -> Result<Vec<InstanceRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_instances i
         WHERE i.wake_at IS NOT NULL AND i.wake_at <= $2 AND +i.workspace = $1 AND i.log_position <= $3
           AND EXISTS (SELECT j.key FROM journeys j WHERE j.key = i.journey AND j.workspace = i.workspace AND j.state IN ('live', 'ending'))
         ORDER BY i.wake_at, i.id LIMIT $4"
    ));
    db.fetch_all(text, args![workspace, now, log_position, limit]).await
}

/// When the next one is due, as far as its journey goes on.
pub async fn next_due(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<Timestamp>> {
    let text = sql!(
        "SELECT MIN(wake_at) FROM (SELECT i.wake_at AS wake_at FROM journey_instances i WHERE +i.workspace = $1 AND i.wake_at IS NOT NULL
           AND EXISTS (SELECT j.key FROM journeys j WHERE j.key = i.journey AND j.workspace = i.workspace AND j.state IN ('live', 'ending'))
           ORDER BY i.wake_at LIMIT 1) first"
    );
    db.scalar(text, args![workspace]).await
}

/// One by its name.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<InstanceRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM journey_instances WHERE id = $2 AND workspace = $1"));
    db.fetch_optional(text, args![workspace, id]).await
}

/// Those of some people that are not over.
pub async fn active_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<InstanceRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_instances WHERE +workspace = $1 AND person IN ($2) AND ended_at IS NULL ORDER BY id"
    ));
    db.fetch_all(text, args![workspace, persons]).await
}

/// All of a person, the latest first.
pub async fn of_person(db: &mut impl Queries, workspace: WorkspaceId, person: PersonId) -> Result<Vec<InstanceRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_instances WHERE +workspace = $1 AND person = $2 ORDER BY entered_at DESC, id"
    ));
    db.fetch_all(text, args![workspace, person]).await
}

/// What is known of how some people came into a journey before: (person, how often, when last, whether they are in it).
pub async fn entries(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    journey: &str,
    persons: &[PersonId],
) -> Result<Vec<Entered>> {
    let text = sql!(
        "SELECT person, entry_key, COUNT(*) AS times, MAX(entered_at) AS last_at, SUM(CASE WHEN ended_at IS NULL THEN 1 ELSE 0 END) AS active
         FROM journey_instances WHERE +workspace = $1 AND journey = $2 AND person IN ($3) AND (ended_why IS NULL OR ended_why <> 'late')
         GROUP BY person, entry_key"
    );
    db.fetch_all(text, args![workspace, journey, persons]).await
}

/// How some people came into a journey before an instant, and when that was over: (person, occasion, from, until).
pub async fn entered_before(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    journey: &str,
    persons: &[PersonId],
    before: Timestamp,
) -> Result<Vec<(PersonId, String, Timestamp, Option<Timestamp>)>> {
    let text = sql!(
        "SELECT person, entry_key, entered_at, ended_at FROM journey_instances
         WHERE +workspace = $1 AND journey = $2 AND person IN ($3) AND entered_at < $4 AND (ended_why IS NULL OR ended_why <> 'late')
         ORDER BY person, entered_at, id"
    );
    db.fetch_all(text, args![workspace, journey, persons, before]).await
}

/// How often somebody came in on one occasion.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Entered {
    /// Who.
    pub person: PersonId,
    /// The occasion.
    pub entry_key: String,
    /// How often.
    pub times: i64,
    /// When last.
    pub last_at: Timestamp,
    /// How many of them are not over.
    pub active: i64,
}

/// Looks at all of these people again, in journeys. `|| ''`: people are few, journeys' people are not.
pub async fn wake(
    tx: &mut Tx,
    workspace: WorkspaceId,
    persons: &[PersonId],
    journeys: &[String],
    now: Timestamp,
    log_position: i64,
) -> Result<u64> {
    let text = sql!(
        "UPDATE journey_instances SET wake_at = $4, log_position = CASE WHEN log_position < $5 THEN $5 ELSE log_position END
         WHERE +workspace = $1 AND person IN ($2) AND journey || '' IN ($3) AND ended_at IS NULL AND (wake_at IS NULL OR wake_at > $4)"
    );
    tx.execute(text, args![workspace, persons, journeys, now, log_position]).await
}

/// How many are at each node now: (version, node, people).
pub async fn waiting(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    journey: &str,
) -> Result<Vec<(i64, Option<String>, i64)>> {
    let text = sql!(
        "SELECT version, node, COUNT(*) FROM journey_instances WHERE journey = $2 AND ended_at IS NULL AND workspace = $1
         GROUP BY version, node ORDER BY version, node"
    );
    db.fetch_all(text, args![workspace, journey]).await
}

/// How many are in each journey now.
pub async fn active(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, i64)>> {
    let text = sql!(
        "SELECT journey, COUNT(*) FROM journey_instances WHERE ended_at IS NULL AND workspace = $1 GROUP BY journey ORDER BY journey"
    );
    db.fetch_all(text, args![workspace]).await
}

/// How each ended: (why, people); without a why those who are under way, last.
pub async fn ends(db: &mut impl Queries, workspace: WorkspaceId, journey: &str) -> Result<Vec<(Option<String>, i64)>> {
    let text = sql!(

        "SELECT ended_why, COUNT(*) AS people FROM journey_instances WHERE journey = $2 AND workspace = $1 AND ended_at IS NOT NULL
         GROUP BY ended_why
         UNION ALL SELECT CAST(NULL AS TEXT), COUNT(*) FROM journey_instances
         WHERE journey = $2 AND workspace = $1 AND ended_at IS NULL HAVING COUNT(*) > 0
         ORDER BY ended_why NULLS LAST"

    );
    db.fetch_all(text, args![workspace, journey]).await
}

/// Some of those at a node, or of all, the latest first.
pub async fn at_node(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    journey: &str,
    node: Option<&str>,
    limit: i64,
) -> Result<Vec<InstanceRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_instances WHERE workspace = $1 AND journey = $2 AND ended_at IS NULL
           AND (CAST($3 AS TEXT) IS NULL OR node = $3) ORDER BY arrived_at DESC, id LIMIT $4"
    ));
    db.fetch_all(text, args![workspace, journey, node, limit]).await
}

/// Ends all that are under way in a journey, at most so many at once; the version of each, and whether it had begun.
pub async fn end_all(
    tx: &mut Tx,
    workspace: WorkspaceId,
    journey: &str,
    why: End,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(i64, bool)>> {
    let text = sql!(
        "UPDATE journey_instances SET ended_at = $4, ended_why = $3, wake_at = NULL WHERE id IN
           (SELECT id FROM journey_instances WHERE +workspace = $1 AND journey = $2 AND ended_at IS NULL
            ORDER BY version, node LIMIT $5)
         RETURNING version, visits"
    );
    let rows: Vec<(i64, Json<BTreeMap<String, u32>>)> =
        tx.fetch_all(text, args![workspace, journey, why.word(), now, limit]).await?;
    Ok(rows.into_iter().map(|(version, visits)| (version, !visits.0.is_empty())).collect())
}

/// Moves some who are under way from one version to another, and looks at them at once; how many.
pub async fn set_version(
    tx: &mut Tx,
    workspace: WorkspaceId,
    journey: &str,
    (from, to): (i64, i64),
    now: Timestamp,
    limit: i64,
) -> Result<u64> {
    let text = sql!(
        "UPDATE journey_instances SET version = $4, wake_at = $5 WHERE id IN
           (SELECT id FROM journey_instances WHERE workspace = $1 AND journey = $2 AND version = $3 AND ended_at IS NULL LIMIT $6)"
    );
    tx.execute(text, args![workspace, journey, from, to, now, limit]).await
}

/// Those of some people of whom anything is kept here: messages, acts, their way through journeys.
pub async fn holders(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<BTreeSet<PersonId>> {
    let text = sql!(
        "SELECT person FROM journey_instances WHERE +workspace = $1 AND person IN ($2)
         UNION SELECT person FROM messages WHERE +workspace = $1 AND person IN ($2)
         UNION SELECT person FROM journey_acts WHERE +workspace = $1 AND person IN ($2)"
    );
    let rows: Vec<(PersonId,)> = db.fetch_all(text, args![workspace, persons]).await?;
    Ok(rows.into_iter().map(|(person,)| person).collect())
}

/// Gives what an identifier brought in, and what is over of it, to the person it belongs to now: what is under way is given by [`give`].
pub async fn moved(tx: &mut Tx, workspace: WorkspaceId, handle: Handle, from: PersonId, to: PersonId) -> Result<()> {
    for text in [
        sql!(
            "UPDATE message_clicks SET person = $4 WHERE +workspace = $1 AND person = $3 AND message IN
               (SELECT id FROM messages WHERE +workspace = $1 AND handle = $2 AND person = $3)"
        ),
        sql!(
            "UPDATE inbox SET person = $4 WHERE +workspace = $1 AND person = $3 AND message IN
               (SELECT id FROM messages WHERE +workspace = $1 AND handle = $2 AND person = $3)"
        ),
        sql!("UPDATE messages SET person = $4 WHERE +workspace = $1 AND handle = $2 AND person = $3"),
        sql!("UPDATE journey_acts SET person = $4 WHERE +workspace = $1 AND handle = $2 AND person = $3"),
        sql!(
            "UPDATE journey_instances SET person = $4
             WHERE +workspace = $1 AND handle = $2 AND person = $3 AND ended_at IS NOT NULL"
        ),
    ] {
        tx.execute(text, args![workspace, handle, from, to]).await?;
    }
    Ok(())
}

/// Gives an instance to another person.
pub async fn give(tx: &mut Tx, id: &str, to: PersonId, now: Timestamp) -> Result<()> {
    let text = sql!(
        "UPDATE journey_instances SET person = $2, wake_at = CASE WHEN ended_at IS NULL THEN $3 ELSE wake_at END WHERE id = $1"
    );
    tx.execute(text, args![id, to, now]).await?;
    Ok(())
}

/// Those under way that an identifier brought in.
pub async fn active_of_handle(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handle: Handle,
) -> Result<Vec<InstanceRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_instances WHERE +workspace = $1 AND handle = $2 AND ended_at IS NULL ORDER BY entered_at, id"
    ));
    db.fetch_all(text, args![workspace, handle]).await
}
