//! Complaints and mentions as they are stored, and their steps.

use std::collections::BTreeMap;

use rapport_domain::{Handle, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Sql, Tx, args, sql};

use super::course::{Happened, course};
use super::figures::Observed;
use super::settings::Settings;
use super::{Channel, Kind, State, Step};

/// The person or identifier that is nobody's.
const NOBODY: i64 = 0;

/// A stored complaint or mention, with what was understood of its text.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ComplaintRow {
    /// The event that told it; its text is kept under it.
    pub event_id: [u8; 16],
    /// Where it came from.
    pub source: SourceId,
    /// What it is called there.
    pub complaint_key: String,
    /// Under which identifier; nobody's is 0.
    pub handle: Handle,
    /// Whose that is now; nobody's is 0.
    pub person: PersonId,
    /// A word of [`Kind`].
    pub kind: String,
    /// Whom it is about; empty is us.
    pub subject: String,
    /// A word of [`Channel`].
    pub channel: String,
    /// Whether others can read it.
    pub is_public: bool,
    /// Where.
    pub url: Option<String>,
    /// What its writer is called there.
    pub author: Option<String>,
    /// How many people may have read it.
    pub reach: Option<i64>,
    /// Stars, 1 to 5.
    pub rating: Option<i64>,
    /// What it is about.
    pub category: Option<String>,
    /// Why it came about.
    pub root_cause: Option<String>,
    /// Where the company was met.
    pub touchpoint: Option<String>,
    /// 1 to 4.
    pub severity: i64,
    /// Of which product.
    pub product_id: Option<String>,
    /// Of which order.
    pub order_id: Option<String>,
    /// What it cost, in millionths.
    pub cost: Option<i64>,
    /// Of this currency.
    pub currency: Option<String>,
    /// When it was written.
    pub opened_at: Timestamp,
    /// When it was heard of.
    pub recorded_at: Timestamp,
    /// A word of [`State`].
    pub state: String,
    /// When the company answered first.
    pub first_answer_at: Option<Timestamp>,
    /// When it did so in public.
    pub public_answer_at: Option<Timestamp>,
    /// When it was resolved first.
    pub first_resolved_at: Option<Timestamp>,
    /// When it was resolved, if it is.
    pub resolved_at: Option<Timestamp>,
    /// How often it was opened again.
    pub reopened: i64,
    /// Its text without personal data, where it has one.
    pub shown: Option<String>,
    /// The text's language.
    pub language: Option<String>,
    /// Its sentiment in thousandths.
    pub sentiment: Option<i64>,
    /// How urgent it is, 500 to 1,000; 0 where it is not.
    pub urgency: Option<i64>,
}

const COLUMNS: &str = "c.event_id, c.source, c.complaint_key, c.handle, c.person, c.kind, c.subject, c.channel, c.is_public, c.url, c.author, c.reach,
    c.rating, c.category, c.root_cause, c.touchpoint, c.severity, c.product_id, c.order_id, c.cost, c.currency, c.opened_at, c.recorded_at, c.state,
    c.first_answer_at, c.public_answer_at, c.first_resolved_at, c.resolved_at, c.reopened, v.shown, v.language, v.sentiment, v.urgency";
const FROM: &str = "complaints c LEFT JOIN verbatims v ON v.event_id = c.event_id AND v.workspace = c.workspace";

/// What staff say of one, and can change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// What it is about.
    pub category: Option<String>,
    /// Why it came about.
    pub root_cause: Option<String>,
    /// Where the company was met.
    pub touchpoint: Option<String>,
    /// 1 to 4.
    pub severity: i64,
    /// What it cost: a currency and millionths.
    pub cost: Option<(String, i64)>,
}

/// A complaint or mention that is told.
#[derive(Clone, Debug, PartialEq)]
pub struct NewComplaint {
    /// The event, or what stands for one.
    pub event_id: [u8; 16],
    /// Where it came from.
    pub source: SourceId,
    /// What it is called there.
    pub complaint_key: String,
    /// By whom; nobody's are 0.
    pub who: (Handle, PersonId),
    /// What it is.
    pub kind: Kind,
    /// Whom it is about; empty is us.
    pub subject: String,
    /// How it came.
    pub channel: Channel,
    /// Whether others can read it.
    pub is_public: bool,
    /// Where.
    pub url: Option<String>,
    /// What its writer is called there.
    pub author: Option<String>,
    /// How many people may have read it.
    pub reach: Option<i64>,
    /// Stars, 1 to 5.
    pub rating: Option<i64>,
    /// What staff or whoever tells it say of it.
    pub sorted: Sorted,
    /// Of which product.
    pub product_id: Option<String>,
    /// Of which order.
    pub order_id: Option<String>,
    /// When it was written.
    pub opened_at: Timestamp,
}

/// Adds one; whether it is new. One that is there already and is nobody's becomes whose it is now known to be; nothing else of it is changed by telling
/// it again.
///
/// # Errors
/// The store's.
pub async fn tell(tx: &mut Tx, workspace: WorkspaceId, one: &NewComplaint, now: Timestamp) -> Result<bool> {
    let text = sql!(
        "INSERT INTO complaints (workspace, event_id, source, complaint_key, handle, person, kind, subject, channel, is_public, url, author, reach, rating,
           category, root_cause, touchpoint, severity, product_id, order_id, cost, currency, opened_at, recorded_at, state, reopened)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, 'open', $25)
         ON CONFLICT DO NOTHING"
    );
    let args = args![
        workspace,
        one.event_id,
        one.source,
        &one.complaint_key,
        one.who.0,
        one.who.1,
        one.kind.as_str(),
        &one.subject,
        one.channel.as_str(),
        one.is_public,
        one.url.as_deref(),
        one.author.as_deref(),
        one.reach,
        one.rating,
        one.sorted.category.as_deref(),
        one.sorted.root_cause.as_deref(),
        one.sorted.touchpoint.as_deref(),
        one.sorted.severity,
        one.product_id.as_deref(),
        one.order_id.as_deref(),
        one.sorted.cost.as_ref().map(|it| it.1),
        one.sorted.cost.as_ref().map(|it| it.0.as_str()),
        one.opened_at,
        now,
        0_i64
    ];
    if tx.execute(text, args).await? > 0 {
        return Ok(true);
    }
    if one.who.0.0 != NOBODY {
        let text = sql!(
            "UPDATE complaints SET handle = $3, person = $4 WHERE event_id = $2 AND workspace = $1 AND handle = $5"
        );
        if tx.execute(text, args![workspace, one.event_id, one.who.0, one.who.1, NOBODY]).await? > 0 {
            let text = sql!("UPDATE complaint_steps SET handle = $3 WHERE event_id = $2 AND workspace = $1");
            tx.execute(text, args![workspace, one.event_id, one.who.0]).await?;
        }
    }
    Ok(false)
}

/// A line of a file was corrected: what its event told is told by another one now.
///
/// # Errors
/// The store's.
pub async fn rename(tx: &mut Tx, workspace: WorkspaceId, old: [u8; 16], new: [u8; 16]) -> Result<()> {
    for text in [
        sql!("UPDATE complaint_steps SET event_id = $3 WHERE event_id = $2 AND workspace = $1"),
        sql!("UPDATE complaints SET event_id = $3 WHERE event_id = $2 AND workspace = $1"),
    ] {
        tx.execute(text, args![workspace, old, new]).await?;
    }
    Ok(())
}

/// One of them.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<Option<ComplaintRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM {FROM} WHERE c.event_id = $2 AND c.workspace = $1"));
    db.fetch_optional(text, args![workspace, event_id]).await
}

/// The one that its source calls so.
///
/// # Errors
/// The store's.
pub async fn named(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    source: SourceId,
    key: &str,
) -> Result<Option<[u8; 16]>> {
    let text = sql!("SELECT event_id FROM complaints WHERE complaint_key = $3 AND source = $2 AND workspace = $1");
    let found: Option<([u8; 16],)> = db.fetch_optional(text, args![workspace, source, key]).await?;
    Ok(found.map(|it| it.0))
}

/// Writes what staff say of one; whether there is such a one.
///
/// # Errors
/// The store's.
pub async fn sort(tx: &mut Tx, workspace: WorkspaceId, event_id: [u8; 16], sorted: &Sorted) -> Result<bool> {
    let text = sql!(
        "UPDATE complaints SET category = $3, root_cause = $4, touchpoint = $5, severity = $6, cost = $7, currency = $8
         WHERE event_id = $2 AND workspace = $1"
    );
    let args = args![
        workspace,
        event_id,
        sorted.category.as_deref(),
        sorted.root_cause.as_deref(),
        sorted.touchpoint.as_deref(),
        sorted.severity,
        sorted.cost.as_ref().map(|it| it.1),
        sorted.cost.as_ref().map(|it| it.0.as_str())
    ];
    Ok(tx.execute(text, args).await? > 0)
}

/// A stored step.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct StepRow {
    /// Of which complaint.
    pub event_id: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// A word of [`Step`].
    pub step: String,
    /// Whether others can read it.
    pub is_public: bool,
    /// Who did it: a user, a key, or empty where an event told it.
    pub told_by: String,
    /// What was said.
    pub text: Option<String>,
}

impl StepRow {
    /// As far as the course goes.
    pub fn happened(&self) -> Option<Happened> {
        Some(Happened { step: Step::parse(&self.step)?, at: self.at, is_public: self.is_public })
    }
}

/// The steps of one, in their order.
///
/// # Errors
/// The store's.
pub async fn steps(db: &mut impl Queries, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<Vec<StepRow>> {
    let text = sql!(
        "SELECT event_id, at, step, is_public, told_by, text FROM complaint_steps WHERE event_id = $2 AND workspace = $1 ORDER BY at, step"
    );
    db.fetch_all(text, args![workspace, event_id]).await
}

/// Adds a step and writes where the complaint stands because of it; whether it is new. `row` is the complaint, read in this transaction.
///
/// # Errors
/// The store's.
pub async fn step(tx: &mut Tx, workspace: WorkspaceId, row: &ComplaintRow, step: &StepRow) -> Result<bool> {
    let text = sql!(
        "INSERT INTO complaint_steps (workspace, event_id, at, step, handle, is_public, told_by, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT DO NOTHING"
    );
    let args = args![
        workspace,
        row.event_id,
        step.at,
        &step.step,
        row.handle,
        step.is_public,
        &step.told_by,
        step.text.as_deref()
    ];
    if tx.execute(text, args).await? == 0 {
        return Ok(false);
    }
    let happened: Vec<Happened> =
        steps(tx, workspace, row.event_id).await?.iter().filter_map(StepRow::happened).collect();
    let found = course(row.opened_at, &happened);
    let text = sql!(
        "UPDATE complaints SET state = $3, first_answer_at = $4, public_answer_at = $5, first_resolved_at = $6, resolved_at = $7, reopened = $8
         WHERE event_id = $2 AND workspace = $1"
    );
    let args = args![
        workspace,
        row.event_id,
        found.state.as_str(),
        found.first_answer_at,
        found.public_answer_at,
        found.first_resolved_at,
        found.resolved_at,
        found.reopened
    ];
    tx.execute(text, args).await?;
    Ok(true)
}

/// Follows identifiers to the persons that they belong to now: (identifier, from, to). Those of them that have complaints.
///
/// # Errors
/// The store's.
pub async fn follow(
    tx: &mut Tx,
    workspace: WorkspaceId,
    moved: &[(Handle, PersonId, PersonId)],
) -> Result<Vec<PersonId>> {
    let mut to: BTreeMap<(PersonId, PersonId), Vec<Handle>> = BTreeMap::new();
    for (handle, from, into) in moved {
        to.entry((*from, *into)).or_default().push(*handle);
    }
    let mut concerned = Vec::new();
    for ((from, into), handles) in to {
        let text = sql!("UPDATE complaints SET person = $3 WHERE handle IN ($4) AND person = $2 AND workspace = $1");
        if tx.execute(text, args![workspace, from, into, handles.as_slice()]).await? > 0 {
            concerned.extend([from, into]);
        }
    }
    concerned.sort_unstable();
    concerned.dedup();
    Ok(concerned)
}

/// When complaints of some people about us were open: (person, identifier, opened, its steps).
///
/// # Errors
/// The store's.
pub async fn of_persons(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<Vec<(PersonId, Handle, Timestamp, Vec<Happened>)>> {
    let text = sql!(
        "SELECT event_id, person, handle, opened_at FROM complaints
         WHERE person IN ($2) AND +workspace = $1 AND kind = 'complaint' AND subject = '' ORDER BY opened_at, event_id"
    );
    let complaints: Vec<([u8; 16], PersonId, Handle, Timestamp)> =
        db.fetch_all(text, args![workspace, persons]).await?;
    let text = sql!(
        "SELECT s.event_id, s.at, s.step, s.is_public, s.told_by, s.text FROM complaints c
         JOIN complaint_steps s ON s.event_id = c.event_id AND s.workspace = c.workspace
         WHERE c.person IN ($2) AND c.workspace = $1 ORDER BY s.at, s.step"
    );
    let mut steps: BTreeMap<[u8; 16], Vec<Happened>> = BTreeMap::new();
    for row in db.fetch_all::<StepRow>(text, args![workspace, persons]).await? {
        steps.entry(row.event_id).or_default().extend(row.happened());
    }
    let of = |(event_id, person, handle, at)| (person, handle, at, steps.remove(&event_id).unwrap_or_default());
    Ok(complaints.into_iter().map(of).collect())
}

/// Which ones are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Complaints or mentions.
    pub kind: Option<Kind>,
    /// About whom; empty is us.
    pub subject: Option<String>,
    /// Where they stand.
    pub state: Option<State>,
    /// Whether something is still to be done.
    pub is_open: Option<bool>,
    /// What they are about.
    pub category: Option<String>,
    /// Why they came about.
    pub root_cause: Option<String>,
    /// Where the company was met.
    pub touchpoint: Option<String>,
    /// 1 to 4.
    pub severity: Option<i64>,
    /// How they came.
    pub channel: Option<Channel>,
    /// Whether others can read them.
    pub is_public: Option<bool>,
    /// Whose.
    pub person: Option<PersonId>,
    /// Of which product.
    pub product_id: Option<String>,
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before then.
    pub before: Option<Timestamp>,
    /// Behind the last that was shown: (when, event).
    pub after: Option<(Timestamp, [u8; 16])>,
}

/// Complaints and mentions, the newest first.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<ComplaintRow>> {
    let mut text = format!("SELECT {COLUMNS} FROM {FROM} WHERE c.workspace = $1");
    let mut args = args![workspace];
    let mut also = |part: &str, arg: Option<rapport_store::Arg>| {
        if let Some(arg) = arg {
            args.0.push(arg);
            text.push_str(&part.replace('#', &format!("${}", args.0.len())));
        }
    };
    also(" AND c.kind = #", filter.kind.map(|it| it.as_str().into()));
    also(" AND c.subject = #", filter.subject.as_deref().map(Into::into));
    also(" AND c.state = #", filter.state.map(|it| it.as_str().into()));
    let resolved = || Some(State::Resolved.as_str().into());
    match filter.is_open {
        Some(true) => also(" AND c.state <> #", resolved()),
        Some(false) => also(" AND c.state = #", resolved()),
        None => {}
    }
    also(" AND c.category = #", filter.category.as_deref().map(Into::into));
    also(" AND c.root_cause = #", filter.root_cause.as_deref().map(Into::into));
    also(" AND c.touchpoint = #", filter.touchpoint.as_deref().map(Into::into));
    also(" AND c.severity = #", filter.severity.map(Into::into));
    also(" AND c.channel = #", filter.channel.map(|it| it.as_str().into()));
    also(" AND c.is_public = #", filter.is_public.map(Into::into));
    also(" AND c.person = #", filter.person.map(Into::into));
    also(" AND c.product_id = #", filter.product_id.as_deref().map(Into::into));
    also(" AND c.opened_at >= #", filter.from.map(Into::into));
    also(" AND c.opened_at < #", filter.before.map(Into::into));
    if let Some((at, event_id)) = filter.after {
        args.0.push(at.into());
        args.0.push(event_id.into());
        let (at, id) = (args.0.len() - 1, args.0.len());
        text.push_str(&format!(" AND (c.opened_at < ${at} OR (c.opened_at = ${at} AND c.event_id > ${id}))"));
    }
    args.0.push(limit.into());
    text.push_str(&format!(" ORDER BY c.opened_at DESC, c.event_id LIMIT ${}", args.0.len()));
    db.fetch_all(Sql::assembled(text), args).await
}

/// How many stand where: (kind, whom they are about, state, how many).
///
/// # Errors
/// The store's.
pub async fn states(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, String, String, i64)>> {
    let text = sql!(
        "SELECT kind, subject, state, COUNT(*) FROM complaints WHERE workspace = $1 GROUP BY kind, subject, state ORDER BY kind, subject, state"
    );
    db.fetch_all(text, args![workspace]).await
}

/// By what figures are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// What they are about.
    Category,
    /// Why they came about.
    RootCause,
    /// Where the company was met.
    Touchpoint,
    /// How bad they are.
    Severity,
    /// How they came.
    Channel,
    /// Of which product.
    Product,
}

#[derive(Record)]
struct Counted {
    event_id: [u8; 16],
    kind: String,
    person: PersonId,
    is_public: bool,
    severity: i64,
    category: Option<String>,
    root_cause: Option<String>,
    touchpoint: Option<String>,
    channel: String,
    product_id: Option<String>,
    cost: Option<i64>,
    currency: Option<String>,
    opened_at: Timestamp,
}

impl Counted {
    fn group(&self, by: By) -> Option<String> {
        match by {
            By::Category => self.category.clone(),
            By::RootCause => self.root_cause.clone(),
            By::Touchpoint => self.touchpoint.clone(),
            By::Severity => Some(super::severity_word(self.severity).to_owned()),
            By::Channel => Some(self.channel.clone()),
            By::Product => self.product_id.clone(),
        }
    }
}

/// What was opened about us in `[from, to)`, for figures, with its group. At most so many, the newest; whether that cut some off.
///
/// # Errors
/// The store's.
pub async fn observed(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
    by: By,
    most: i64,
) -> Result<(Vec<(Option<String>, Observed)>, bool)> {
    let text = sql!(
        "SELECT event_id, kind, person, is_public, severity, category, root_cause, touchpoint, channel, product_id, cost, currency, opened_at
         FROM complaints WHERE workspace = $1 AND opened_at >= $2 AND opened_at < $3 AND subject = ''
         ORDER BY opened_at DESC, event_id LIMIT $4"
    );
    let mut rows: Vec<Counted> = db.fetch_all(text, args![workspace, from, to, most.saturating_add(1)]).await?;
    let is_cut = rows.len() as i64 > most;
    rows.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let text = sql!(
        "SELECT s.event_id, s.at, s.step, s.is_public, s.told_by, s.text FROM complaints c
         JOIN complaint_steps s ON s.event_id = c.event_id AND s.workspace = c.workspace
         WHERE c.workspace = $1 AND c.opened_at >= $2 AND c.opened_at < $3 AND c.subject = ''"
    );
    let mut steps: BTreeMap<[u8; 16], Vec<Happened>> = BTreeMap::new();
    for row in db.fetch_all::<StepRow>(text, args![workspace, from, to]).await? {
        steps.entry(row.event_id).or_default().extend(row.happened());
    }
    let of = |row: Counted| {
        let observed = Observed {
            is_complaint: row.kind == Kind::Complaint.as_str(),
            opened_at: row.opened_at,
            steps: steps.remove(&row.event_id).unwrap_or_default(),
            is_public: row.is_public,
            severity: row.severity,
            person: Some(row.person).filter(|it| it.0 != NOBODY),
            cost: row.currency.clone().zip(row.cost),
        };
        (row.group(by), observed)
    };
    Ok((rows.into_iter().map(of).collect(), is_cut))
}

/// A workspace's settings with the revision they are at; `None` where nothing was saved.
///
/// # Errors
/// The store's.
pub async fn settings(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<(Settings, i64)>> {
    let text = sql!("SELECT settings, revision FROM complaint_settings WHERE workspace = $1");
    let found: Option<(Json<Settings>, i64)> = db.fetch_optional(text, args![workspace]).await?;
    Ok(found.map(|it| (it.0.0, it.1)))
}

/// Saves them, if they are at `revision` still (0: nothing was saved); whether they were.
///
/// # Errors
/// The store's.
pub async fn save_settings(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (settings, revision): (&Settings, i64),
    (by, at): (&str, Timestamp),
) -> Result<bool> {
    let settings = Json(settings.clone());
    if revision == 0 {
        let text = sql!(
            "INSERT INTO complaint_settings (workspace, settings, revision, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (workspace) DO NOTHING"
        );
        return Ok(tx.execute(text, args![workspace, settings, 1_i64, at, by]).await? > 0);
    }
    let text = sql!(
        "UPDATE complaint_settings SET settings = $2, revision = revision + $6, updated_at = $4, updated_by = $5
         WHERE workspace = $1 AND revision = $3"
    );
    Ok(tx.execute(text, args![workspace, settings, revision, at, by, 1_i64]).await? > 0)
}
