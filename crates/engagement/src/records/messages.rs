//! Messages: what goes out to whom, what became of it, and why something did not go out.
//!
//! Always holds: a row with `due_at` is still to be worked on; whoever works on one has taken it ([`take`]) by moving that instant on.

use rapport_domain::{Channel, Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};
use serde_json::{Value, json};

use crate::journey::Class;
use crate::sending::policy;

/// To be sent.
pub const QUEUED: &str = "queued";
/// To be sent once its journey goes on, which was paused.
pub const HELD: &str = "held";
/// Being handed over: whether the other side has it is not known yet.
pub const SENDING: &str = "sending";
/// Handed over.
pub const SENT: &str = "sent";
/// It arrived.
pub const DELIVERED: &str = "delivered";
/// It came back.
pub const BOUNCED: &str = "bounced";
/// Its reader complained.
pub const COMPLAINED: &str = "complained";
/// It was not sent, for the reason that is noted.
pub const SKIPPED: &str = "skipped";
/// It could not be sent, and is not tried again by itself.
pub const FAILED: &str = "failed";

/// A stored message.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct MessageRow {
    /// Its name.
    pub id: String,
    /// To whom.
    pub person: PersonId,
    /// The identifier whose address it goes to.
    pub handle: Option<Handle>,
    /// By which channel.
    pub channel: String,
    /// As [`Class::as_str`].
    pub class: String,
    /// About what.
    pub topic: Option<String>,
    /// The journey that sends it.
    pub journey: Option<String>,
    /// Its version.
    pub version: i64,
    /// The instance.
    pub instance: Option<String>,
    /// The node.
    pub node: String,
    /// Which time at it.
    pub visit: i64,
    /// Its template.
    pub template: String,
    /// Of which version, once it was written.
    pub template_version: Option<i64>,
    /// What became of it.
    pub state: String,
    /// Why it was not sent.
    pub reason: Option<String>,
    /// Whether it counts for caps.
    pub capped: bool,
    /// What it is about: the event, `{"name", "occurred_at", "properties"}`.
    pub payload: Value,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When to work on it.
    pub due_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: i64,
    /// Its Message-ID, fixed before it is handed over.
    pub message_id: Option<String>,
    /// What the provider calls it.
    pub provider_id: Option<String>,
    /// What the other side answered last.
    pub response: Option<String>,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When it came back.
    pub bounced_at: Option<Timestamp>,
    /// When its reader complained.
    pub complained_at: Option<Timestamp>,
    /// When it was opened first, as far as that can be known.
    pub opened_at: Option<Timestamp>,
    /// When a human clicked in it first.
    pub clicked_at: Option<Timestamp>,
    /// When its reader unsubscribed by it.
    pub unsubscribed_at: Option<Timestamp>,
}

impl MessageRow {
    /// One that waits to be sent from now on, and has yet to be written: whoever makes it says what else is known of it.
    pub fn queued(id: String, person: PersonId, channel: Channel, class: Class, now: Timestamp) -> Self {
        Self {
            id,
            person,
            handle: None,
            channel: channel.as_str().to_owned(),
            class: class.as_str().to_owned(),
            topic: None,
            journey: None,
            version: 0,
            instance: None,
            node: String::new(),
            visit: 1,
            template: String::new(),
            template_version: None,
            state: QUEUED.to_owned(),
            reason: None,
            capped: class.is_optional() && policy::counts(channel),
            payload: json!({}),
            decided_at: now,
            due_at: Some(now),
            attempts: 0,
            message_id: None,
            provider_id: None,
            response: None,
            sent_at: None,
            delivered_at: None,
            bounced_at: None,
            complained_at: None,
            opened_at: None,
            clicked_at: None,
            unsubscribed_at: None,
        }
    }
}

const COLUMNS: &str = "id, person, handle, channel, class, topic, journey, version, instance, node, visit, template, template_version, state, reason,
    capped, payload, decided_at, due_at, attempts, message_id, provider_id, response, sent_at, delivered_at, bounced_at, complained_at, opened_at,
    clicked_at, unsubscribed_at";

/// Adds messages; how many there were not yet.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[MessageRow]) -> Result<u64> {
    let text = sql!(
        "INSERT INTO messages (id, workspace, person, handle, channel, class, topic, journey, version, instance, node, visit, template,
           template_version, state, reason, capped, payload, decided_at, due_at, attempts, message_id)
         VALUES {rows} ON CONFLICT DO NOTHING"
    );
    let rows = rows.iter().map(|r| {
        args![
            &r.id,
            workspace,
            r.person,
            r.handle,
            &r.channel,
            &r.class,
            r.topic.as_deref(),
            r.journey.as_deref(),
            r.version,
            r.instance.as_deref(),
            &r.node,
            r.visit,
            &r.template,
            r.template_version,
            &r.state,
            r.reason.as_deref(),
            r.capped,
            r.payload.clone(),
            r.decided_at,
            r.due_at,
            r.attempts,
            r.message_id.as_deref()
        ]
    });
    tx.execute_many(text, rows).await
}

/// Those of a workspace, a channel and a class to be worked on by now, the longest waiting first.
pub async fn due(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (channel, class): (Channel, &str),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>> {
    let text = sql!(
        "SELECT id FROM messages WHERE workspace = $1 AND channel = $2 AND class = $3 AND due_at IS NOT NULL AND due_at <= $4
           AND state IN ('queued', 'sending') ORDER BY due_at, id LIMIT $5"
    );
    let found: Vec<(String,)> = db.fetch_all(text, args![workspace, channel.as_str(), class, now, limit]).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// Some by their names.
pub async fn by_ids(db: &mut impl Queries, workspace: WorkspaceId, ids: &[String]) -> Result<Vec<MessageRow>> {
    let text =
        Sql::assembled(format!("SELECT {COLUMNS} FROM messages WHERE +workspace = $1 AND id IN ($2) ORDER BY id"));
    db.fetch_all(text, args![workspace, ids]).await
}

/// One by its name.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<MessageRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM messages WHERE +workspace = $1 AND id = $2"));
    db.fetch_optional(text, args![workspace, id]).await
}

/// One by what the provider calls it, or by its Message-ID: with its workspace.
pub async fn by_provider_id(db: &mut impl Queries, id: &str) -> Result<Option<(WorkspaceId, String)>> {
    let text = sql!("SELECT workspace, id FROM messages WHERE provider_id = $1");
    db.fetch_optional(text, args![id]).await
}

/// The workspace of a message.
pub async fn workspace_of(db: &mut impl Queries, id: &str) -> Result<Option<WorkspaceId>> {
    let found: Option<(WorkspaceId,)> =
        db.fetch_optional(sql!("SELECT workspace FROM messages WHERE id = $1"), args![id]).await?;
    Ok(found.map(|(workspace,)| workspace))
}

/// Takes a message to hand it over: it is being sent until `again`, when somebody else may look what became of it. Until something is noted it has no
/// answer: by that [`let_go`] tells it from one that waits because nobody knows what became of it. It counts for caps from then on as it says.
pub async fn take(tx: &mut Tx, row: &MessageRow, message_id: &str, again: Timestamp) -> Result<bool> {
    let text = sql!(
        "UPDATE messages SET state = 'sending', message_id = COALESCE(message_id, $3), due_at = $4, attempts = attempts + 1,
           response = NULL, capped = $5
         WHERE id = $1 AND state = $2"
    );
    Ok(tx.execute(text, args![&row.id, &row.state, message_id, again, row.capped]).await? > 0)
}

/// Holds one message back, whose journey was paused.
pub async fn hold(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute(sql!("UPDATE messages SET state = 'held', due_at = NULL WHERE id = $1 AND state = 'queued'"), args![id])
        .await?;
    Ok(())
}

/// Makes due what a process took that is no more, so that nobody waits for it until its time is over; how many it were. Only for whoever knows that no
/// other process works on this database: what another one holds would go out twice.
pub async fn let_go(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let text = sql!(
        "UPDATE messages SET due_at = $1 WHERE due_at IS NOT NULL AND due_at > $1 AND state = 'sending' AND response IS NULL"
    );
    tx.execute(text, args![now]).await
}

/// Gives a message back that was taken and not tried: in `state`, until its turn comes.
pub async fn give_back(tx: &mut Tx, id: &str, state: &str, until: Timestamp) -> Result<()> {
    let text = sql!("UPDATE messages SET state = $2, due_at = $3, attempts = attempts - 1 WHERE id = $1");
    tx.execute(text, args![id, state, until]).await?;
    Ok(())
}

/// Lets a message wait that is to be worked on.
pub async fn wait(tx: &mut Tx, id: &str, until: Timestamp) -> Result<()> {
    tx.execute(sql!("UPDATE messages SET due_at = $2 WHERE id = $1"), args![id, until]).await?;
    Ok(())
}

/// What became of a message that was handed over, or could not be.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<'a> {
    /// Its state now.
    pub state: &'a str,
    /// Why it was not sent.
    pub reason: Option<&'a str>,
    /// When to work on it again.
    pub due_at: Option<Timestamp>,
    /// What the other side answered.
    pub response: Option<&'a str>,
    /// What the provider calls it.
    pub provider_id: Option<&'a str>,
    /// When it was handed over.
    pub sent_at: Option<Timestamp>,
    /// The version of the template it was written with.
    pub template_version: Option<i64>,
}

impl<'a> Outcome<'a> {
    /// A state of which nothing else is to be said.
    pub const fn of(state: &'a str) -> Self {
        Self {
            state,
            reason: None,
            due_at: None,
            response: None,
            provider_id: None,
            sent_at: None,
            template_version: None,
        }
    }
}

/// Notes what became of it. What was heard of it before that stays: a provider may tell sooner that it came back, or was lost, than that it was taken.
/// What was not sent gives its place in caps to others; what may have arrived keeps it.
pub async fn note(tx: &mut Tx, id: &str, outcome: &Outcome<'_>) -> Result<()> {
    let text = sql!(
        "UPDATE messages SET state = CASE WHEN $2 <> 'sent' THEN $2 WHEN complained_at IS NOT NULL THEN 'complained'
             WHEN bounced_at IS NOT NULL THEN 'bounced' WHEN delivered_at IS NOT NULL THEN 'delivered'
             WHEN state = 'failed' THEN 'failed' ELSE $2 END,
           reason = CASE WHEN $2 = 'sent' AND state = 'failed' THEN reason ELSE $3 END, due_at = $4,
           response = CASE WHEN $2 = 'sent' AND state = 'failed' THEN response ELSE COALESCE($5, response) END,
           provider_id = COALESCE($6, provider_id), sent_at = COALESCE($7, sent_at),
           template_version = COALESCE($8, template_version),
           capped = CASE WHEN $2 = 'skipped' OR ($2 = 'failed' AND COALESCE($3, '') <> 'maybe_sent') THEN $9 ELSE capped END
         WHERE id = $1"
    );
    let Outcome { state, reason, due_at, response, provider_id, sent_at, template_version } = outcome;
    let values = args![id, *state, *reason, *due_at, *response, *provider_id, *sent_at, *template_version, false];
    tx.execute(text, values).await?;
    Ok(())
}

/// What is heard of a message later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It arrived.
    Delivered,
    /// It came back for good.
    Bounced,
    /// Its reader complained.
    Complained,
    /// It was opened.
    Opened,
    /// A human clicked in it.
    Clicked,
    /// Its reader unsubscribed by it.
    Unsubscribed,
}

/// Notes what was heard, if it is the first time; whether it is.
pub async fn hear(tx: &mut Tx, id: &str, what: Heard, at: Timestamp) -> Result<bool> {
    let text = match what {
        Heard::Delivered => sql!(
            "UPDATE messages SET delivered_at = $2, state = CASE WHEN state = 'sent' AND bounced_at IS NULL AND complained_at IS NULL THEN 'delivered' ELSE state END
             WHERE id = $1 AND delivered_at IS NULL"
        ),
        Heard::Bounced => sql!(
            "UPDATE messages SET bounced_at = $2, state = CASE WHEN state IN ('sent', 'sending') THEN 'bounced' ELSE state END
             WHERE id = $1 AND bounced_at IS NULL"
        ),
        Heard::Complained => sql!(
            "UPDATE messages SET complained_at = $2, state = CASE WHEN state IN ('sending', 'sent', 'delivered') THEN 'complained' ELSE state END
             WHERE id = $1 AND complained_at IS NULL"
        ),
        Heard::Opened => sql!("UPDATE messages SET opened_at = $2 WHERE id = $1 AND opened_at IS NULL"),
        Heard::Clicked => sql!("UPDATE messages SET clicked_at = $2 WHERE id = $1 AND clicked_at IS NULL"),
        Heard::Unsubscribed => sql!("UPDATE messages SET unsubscribed_at = $2 WHERE id = $1 AND unsubscribed_at IS NULL"),
    };
    Ok(tx.execute(text, args![id, at]).await? > 0)
}

/// Leaves out what a journey that was stopped has not sent yet, at most so many; how many.
pub async fn drop_queued(tx: &mut Tx, workspace: WorkspaceId, journey: &str, limit: i64) -> Result<u64> {
    let text = sql!(
        "UPDATE messages SET state = 'skipped', reason = 'stopped', due_at = NULL, capped = $3 WHERE id IN
           (SELECT id FROM messages WHERE workspace = $1 AND journey = $2 AND state IN ('queued', 'held') LIMIT $4)"
    );
    tx.execute(text, args![workspace, journey, false, limit]).await
}

/// Leaves out what an instance that is over has not sent yet.
pub async fn drop_of_instance(tx: &mut Tx, workspace: WorkspaceId, instance: &str, reason: &str) -> Result<u64> {
    let text = sql!(
        "UPDATE messages SET state = 'skipped', reason = $3, due_at = NULL, capped = $4
         WHERE +workspace = $1 AND instance = $2 AND state IN ('queued', 'held')"
    );
    tx.execute(text, args![workspace, instance, reason, false]).await
}

/// Holds back what a journey that was paused has not sent yet, at most so many; how many.
pub async fn hold_queued(tx: &mut Tx, workspace: WorkspaceId, journey: &str, limit: i64) -> Result<u64> {
    let text = sql!(
        "UPDATE messages SET state = 'held', due_at = NULL WHERE id IN
           (SELECT id FROM messages WHERE workspace = $1 AND journey = $2 AND state = 'queued' LIMIT $3)"
    );
    tx.execute(text, args![workspace, journey, limit]).await
}

/// The journeys of which something is not where the journey stands: queued though it is paused, held back though it goes on, or either though it was
/// stopped.
pub async fn unsettled(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<String>> {
    let text = sql!(
        "SELECT j.key FROM journeys j WHERE +j.workspace = $1 AND (
             (j.state <> 'paused' AND EXISTS (SELECT m.id FROM messages m WHERE m.workspace = j.workspace AND m.journey = j.key AND m.state = 'held'))
             OR (j.state IN ('paused', 'stopped')
               AND EXISTS (SELECT m.id FROM messages m WHERE m.workspace = j.workspace AND m.journey = j.key AND m.state = 'queued')))
         ORDER BY j.key"
    );
    let found: Vec<(String,)> = db.fetch_all(text, args![workspace]).await?;
    Ok(found.into_iter().map(|(key,)| key).collect())
}

/// Lets what a journey held back go out from now on, at most so many; how many.
pub async fn let_go_held(
    tx: &mut Tx,
    workspace: WorkspaceId,
    journey: &str,
    now: Timestamp,
    limit: i64,
) -> Result<u64> {
    let text = sql!(
        "UPDATE messages SET state = 'queued', due_at = $3 WHERE id IN
           (SELECT id FROM messages WHERE workspace = $1 AND journey = $2 AND state = 'held' LIMIT $4)"
    );
    tx.execute(text, args![workspace, journey, now, limit]).await
}

/// The message that an API call with a key of its own made before.
pub async fn by_instance(db: &mut impl Queries, workspace: WorkspaceId, instance: &str) -> Result<Option<String>> {
    let text = sql!("SELECT id FROM messages WHERE +workspace = $1 AND instance = $2");
    let found: Option<(String,)> = db.fetch_optional(text, args![workspace, instance]).await?;
    Ok(found.map(|(id,)| id))
}

/// Whether there are messages or instances of anybody.
pub async fn any(db: &mut impl Queries, workspace: WorkspaceId) -> Result<bool> {
    let text = sql!(
        "SELECT CAST(CASE WHEN EXISTS (SELECT id FROM messages WHERE workspace = $1)
           OR EXISTS (SELECT id FROM journey_instances WHERE +workspace = $1) THEN 1 ELSE 0 END AS BIGINT)"
    );
    let found: i64 = db.scalar(text, args![workspace]).await?;
    Ok(found > 0)
}

/// The longest that a message of marketing is on its way before it counts no more.
const LONGEST_WAY: i64 = 31 * Timestamp::DAY;

/// Messages of marketing to some people that count for caps since an instant: (person, when it was sent, channel, topic). One that is on its way, or
/// waits for its journey to go on, has no instant: it may arrive at any time, so it counts at all times until it has.
pub async fn counted(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
    since: Timestamp,
) -> Result<Vec<(PersonId, Option<Timestamp>, String, Option<String>)>> {
    let text = sql!(
        "SELECT person, CASE WHEN state IN ('queued', 'held', 'sending') THEN NULL ELSE COALESCE(sent_at, decided_at) END, channel, topic
         FROM messages WHERE +workspace = $1 AND person IN ($2) AND decided_at >= $3 AND capped = $4 ORDER BY person, decided_at"
    );
    db.fetch_all(text, args![workspace, persons, since.plus(-LONGEST_WAY), true]).await
}

/// Those of them that a journey decided: (person, when, channel).
pub async fn counted_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    journey: &str,
    persons: &[PersonId],
    since: Timestamp,
) -> Result<Vec<(PersonId, Timestamp, String)>> {
    let text = sql!(
        "SELECT person, decided_at, channel FROM messages
         WHERE +workspace = $1 AND person IN ($2) AND decided_at >= $3 AND capped = $4 AND journey = $5 ORDER BY person, decided_at"
    );
    db.fetch_all(text, args![workspace, persons, since, true, journey]).await
}

/// Messages of journeys that went out to some people: (person, when, journey).
pub async fn touches(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
    since: Timestamp,
) -> Result<Vec<(PersonId, Timestamp, String)>> {
    let text = sql!(
        "SELECT person, sent_at, journey FROM messages
         WHERE +workspace = $1 AND person IN ($2) AND sent_at >= $3 AND journey IS NOT NULL ORDER BY person, sent_at, journey"
    );
    db.fetch_all(text, args![workspace, persons, since]).await
}

/// Messages that journeys decided for some people since, and that were handed over and did not come back, the first first.
pub async fn arrived(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
    since: Timestamp,
) -> Result<Vec<MessageRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM messages
         WHERE +workspace = $1 AND person IN ($2) AND decided_at >= $3 AND journey IS NOT NULL AND state IN ('sent', 'delivered')
           AND sent_at IS NOT NULL AND bounced_at IS NULL ORDER BY sent_at, id"
    ));
    db.fetch_all(text, args![workspace, persons, since]).await
}

/// The newest marketing that went to an identifier by a channel.
pub async fn newest_marketing(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handle: Handle,
    channel: Channel,
) -> Result<Option<String>> {
    let text = sql!(
        "SELECT id FROM messages WHERE +workspace = $1 AND handle = $2 AND channel = $3 AND class = 'marketing' AND sent_at IS NOT NULL
         ORDER BY sent_at DESC, id LIMIT 1"
    );
    let found: Option<(String,)> = db.fetch_optional(text, args![workspace, handle, channel.as_str()]).await?;
    Ok(found.map(|(id,)| id))
}

/// All to a person, the latest first.
pub async fn of_person(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    limit: i64,
) -> Result<Vec<MessageRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM messages WHERE +workspace = $1 AND person = $2 ORDER BY decided_at DESC, id LIMIT $3"
    ));
    db.fetch_all(text, args![workspace, person, limit]).await
}

/// The latest of a journey, of one node or all, in one state or all.
pub async fn latest(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    journey: Option<&str>,
    node: Option<&str>,
    state: Option<&str>,
    limit: i64,
) -> Result<Vec<MessageRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM messages WHERE workspace = $1 AND (CAST($2 AS TEXT) IS NULL OR journey = $2)
           AND (CAST($3 AS TEXT) IS NULL OR node = $3) AND (CAST($4 AS TEXT) IS NULL OR state = $4)
         ORDER BY decided_at DESC, id LIMIT $5"
    ));
    db.fetch_all(text, args![workspace, journey, node, state, limit]).await
}

/// A journey's messages counted.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Tally {
    /// Which node.
    pub node: String,
    /// What became of them.
    pub state: String,
    /// Why they were not sent.
    pub reason: Option<String>,
    /// How many.
    pub messages: i64,
    /// How many of them arrived, as far as we hear of it.
    pub delivered: i64,
    /// How many came back.
    pub bounced: i64,
    /// How many complained.
    pub complained: i64,
    /// How many were opened.
    pub opened: i64,
    /// In how many a human clicked.
    pub clicked: i64,
    /// By how many somebody unsubscribed.
    pub unsubscribed: i64,
}

/// Counts the messages of a journey by node, state and reason.
pub async fn tally(db: &mut impl Queries, workspace: WorkspaceId, journey: &str) -> Result<Vec<Tally>> {
    let text = sql!(
        "SELECT node, state, reason, COUNT(*) AS messages, COUNT(delivered_at) AS delivered, COUNT(bounced_at) AS bounced,
           COUNT(complained_at) AS complained, COUNT(opened_at) AS opened, COUNT(clicked_at) AS clicked,
           COUNT(unsubscribed_at) AS unsubscribed
         FROM messages WHERE workspace = $1 AND journey = $2 GROUP BY node, state, reason ORDER BY node, state, reason"
    );
    db.fetch_all(text, args![workspace, journey]).await
}

/// How many messages of each journey are in each state, and what was heard of them: (journey, state, messages, delivered, clicked by a human).
pub async fn sums(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, String, i64, i64, i64)>> {
    let text = sql!(
        "SELECT journey, state, COUNT(*), COUNT(delivered_at), COUNT(clicked_at) FROM messages
         WHERE workspace = $1 AND journey IS NOT NULL GROUP BY journey, state ORDER BY journey, state"
    );
    db.fetch_all(text, args![workspace]).await
}

/// How sending goes: (state, channel, messages, the longest waiting) of what was decided since.
pub async fn health(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    since: Timestamp,
) -> Result<Vec<(String, String, i64, i64, i64, i64)>> {
    let text = sql!(
        "SELECT channel, state, COUNT(*), COUNT(bounced_at), COUNT(complained_at), COUNT(unsubscribed_at)
         FROM messages WHERE workspace = $1 AND decided_at >= $2 GROUP BY channel, state ORDER BY channel, state"
    );
    db.fetch_all(text, args![workspace, since]).await
}

/// How many wait, and since when the longest does.
pub async fn queue(db: &mut impl Queries, workspace: WorkspaceId) -> Result<(i64, Option<Timestamp>)> {
    let text = sql!(
        "SELECT COUNT(*), MIN(decided_at) FROM messages WHERE +workspace = $1 AND due_at IS NOT NULL AND state IN ('queued', 'sending')"
    );
    Ok(db.fetch_optional(text, args![workspace]).await?.unwrap_or((0, None)))
}

/// Tries failed ones again, one or all, at most so many; how many it were. Whoever takes them asks whether caps leave room for them: their places may be
/// taken. What may have arrived stays known as that, and keeps its place; where all are tried, such are not.
pub async fn replay(tx: &mut Tx, workspace: WorkspaceId, id: Option<&str>, now: Timestamp, limit: i64) -> Result<u64> {
    let text = sql!(
        "UPDATE messages SET state = CASE WHEN COALESCE(reason, '') = 'maybe_sent' THEN 'sending' ELSE 'queued' END, due_at = $3,
           attempts = 0, reason = NULL WHERE id IN
           (SELECT id FROM messages WHERE workspace = $1 AND state = 'failed' AND ((CAST($2 AS TEXT) IS NULL AND COALESCE(reason, '') <> 'maybe_sent') OR id = $2)
            ORDER BY decided_at LIMIT $4)"
    );
    tx.execute(text, args![workspace, id, now, limit]).await
}

/// A look at a message: a click or an opening.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct ClickRow {
    /// Which message.
    pub message: String,
    /// `click` or `open`.
    pub kind: String,
    /// Which link, from 0.
    pub link: i64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub person: PersonId,
    /// How likely it was a machine: 0 to 100, or [`UNJUDGED`].
    pub bot_score: i64,
    /// What speaks for a machine.
    pub signs: String,
}

/// Notes a look.
pub async fn insert_click(tx: &mut Tx, workspace: WorkspaceId, row: &ClickRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO message_clicks (message, kind, link, at, workspace, person, bot_score, signs) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT DO NOTHING"
    );
    let ClickRow { message, kind, link, at, person, bot_score, signs } = row;
    tx.execute(text, args![message, kind, *link, *at, workspace, *person, *bot_score, signs]).await?;
    Ok(())
}

/// The score of a look that was not judged yet.
pub const UNJUDGED: i64 = -1;

/// Looks before an instant that were not judged yet, with their workspaces.
pub async fn unjudged(db: &mut impl Queries, before: Timestamp, limit: i64) -> Result<Vec<(WorkspaceId, ClickRow)>> {
    let text = sql!(
        "SELECT workspace, message, kind, link, at, person, bot_score, signs FROM message_clicks WHERE bot_score = -1 AND at <= $1
         ORDER BY at, message LIMIT $2"
    );
    let rows: Vec<UnjudgedRow> = db.fetch_all(text, args![before, limit]).await?;
    Ok(rows.into_iter().map(UnjudgedRow::split).collect())
}

#[derive(Record)]
struct UnjudgedRow {
    workspace: WorkspaceId,
    message: String,
    kind: String,
    link: i64,
    at: Timestamp,
    person: PersonId,
    bot_score: i64,
    signs: String,
}

impl UnjudgedRow {
    fn split(self) -> (WorkspaceId, ClickRow) {
        let Self { workspace, message, kind, link, at, person, bot_score, signs } = self;
        (workspace, ClickRow { message, kind, link, at, person, bot_score, signs })
    }
}

/// Notes how a look was judged.
pub async fn judged(tx: &mut Tx, row: &ClickRow, score: i64, signs: &str) -> Result<()> {
    let text = sql!(
        "UPDATE message_clicks SET bot_score = $5, signs = $6 WHERE message = $1 AND kind = $2 AND link = $3 AND at = $4"
    );
    tx.execute(text, args![&row.message, &row.kind, row.link, row.at, score, signs]).await?;
    Ok(())
}

/// The looks at a message, in order.
pub async fn clicks_of(db: &mut impl Queries, workspace: WorkspaceId, message: &str) -> Result<Vec<ClickRow>> {
    let text = sql!(
        "SELECT message, kind, link, at, person, bot_score, signs FROM message_clicks WHERE message = $2 AND workspace = $1
         ORDER BY at, kind, link"
    );
    db.fetch_all(text, args![workspace, message]).await
}
