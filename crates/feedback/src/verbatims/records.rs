//! Stored verbatims and their corrections.

pub mod readings;

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Arg, Args, Queries, Record, Result, Sql, Tx, args, sql};
use rapport_text::feelings::{ALL, Feeling};

use super::search::Position;
use super::{CLEAR, Example, of_stars, stars};

/// A stored verbatim.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct VerbatimRow {
    /// The event that brought it.
    pub event_id: [u8; 16],
    /// The identifier.
    pub handle: Handle,
    /// Whose that is now.
    pub person: PersonId,
    /// When it was written.
    pub occurred_at: Timestamp,
    /// The event's name.
    pub event_name: String,
    /// By ISO 639-1; empty where it cannot be said.
    pub language: String,
    /// The text without personal data.
    pub shown: String,
    /// The person's own stars, in thousandths.
    pub rating: Option<i64>,
    /// -1,000 to 1,000, corrected where somebody did.
    pub sentiment: i64,
    /// Strength of anger, 500 to 1,000; 0 for none.
    pub anger: i64,
    /// The same of disappointment.
    pub disappointment: i64,
    /// Of anxiety.
    pub anxiety: i64,
    /// Of joy.
    pub joy: i64,
    /// Of gratitude.
    pub gratitude: i64,
    /// Of trust.
    pub trust: i64,
    /// Of urgency.
    pub urgency: i64,
    /// When staff corrected it last.
    pub corrected_at: Option<Timestamp>,
    /// Whom it is about: a competitor; empty is the company itself.
    pub subject: String,
}

impl VerbatimRow {
    /// Strengths in the order of [`ALL`].
    pub fn feelings(&self) -> [i64; ALL.len()] {
        [self.anger, self.disappointment, self.anxiety, self.joy, self.gratitude, self.trust, self.urgency]
    }

    /// The person's own stars, halves rounded up.
    pub fn stars(&self) -> Option<i64> {
        self.rating.map(|rating| (rating + 500) / 1_000)
    }

    /// The feelings that it shows, strongest first.
    pub fn felt(&self) -> Vec<(Feeling, i64)> {
        let mut felt: Vec<(Feeling, i64)> = ALL.into_iter().zip(self.feelings()).filter(|it| it.1 > 0).collect();
        felt.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        felt
    }
}

const COLUMNS: &str = "event_id, handle, person, occurred_at, event_name, language, shown, rating, sentiment, anger, disappointment, anxiety, joy, \
     gratitude, trust, urgency, corrected_at, subject";

/// The number of this transaction's change; whoever has it holds the workspace's counter until the commit, so that no smaller one comes later.
async fn number(tx: &mut Tx, workspace: WorkspaceId) -> Result<i64> {
    let text = sql!(
        "INSERT INTO verbatim_counters (workspace, number, forgotten) VALUES ($1, $2, $3)
         ON CONFLICT (workspace) DO UPDATE SET number = verbatim_counters.number + excluded.number RETURNING number"
    );
    let found: (i64,) = tx.fetch_one(text, args![workspace, 1_i64, 0_i64]).await?;
    Ok(found.0)
}

/// Keeps what was understood; what is there already stays.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, rows: &[VerbatimRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let changed = number(tx, workspace).await?;
    let text = sql!(
        "INSERT INTO verbatims (workspace, event_id, handle, person, occurred_at, event_name, language, shown, rating, sentiment, anger,
             disappointment, anxiety, joy, gratitude, trust, urgency, changed, subject) VALUES {rows}
         ON CONFLICT (event_id, workspace) DO NOTHING"
    );
    let row = |r: &VerbatimRow| {
        args![
            workspace,
            r.event_id,
            r.handle,
            r.person,
            r.occurred_at,
            &r.event_name,
            &r.language,
            &r.shown,
            r.rating,
            r.sentiment,
            r.anger,
            r.disappointment,
            r.anxiety,
            r.joy,
            r.gratitude,
            r.trust,
            r.urgency,
            changed,
            &r.subject
        ]
    };
    tx.execute_many(text, rows.iter().map(row)).await?;
    Ok(())
}

/// Forgets what an event brought that a newer one replaces.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, event_id: [u8; 16], at: Timestamp) -> Result<()> {
    let text = sql!("DELETE FROM verbatims WHERE event_id = $2 AND workspace = $1");
    if tx.execute(text, args![workspace, event_id]).await? > 0 {
        let number = number(tx, workspace).await?;
        let text =
            sql!("INSERT INTO verbatim_removals (workspace, number, event_id, removed_at) VALUES ($1, $2, $3, $4)");
        tx.execute(text, args![workspace, number, event_id, at]).await?;
    }
    let text = sql!("DELETE FROM verbatim_corrections WHERE event_id = $2 AND workspace = $1");
    tx.execute(text, args![workspace, event_id]).await?;
    Ok(())
}

/// Says of all that a person wrote that it will be gone; the rows themselves go by the data map.
pub async fn remove_of(tx: &mut Tx, workspace: WorkspaceId, person: PersonId, at: Timestamp) -> Result<()> {
    let number = number(tx, workspace).await?;
    let text = sql!(
        "INSERT INTO verbatim_removals (workspace, number, event_id, removed_at)
         SELECT workspace, CAST($3 AS BIGINT), event_id, CAST($4 AS BIGINT) FROM verbatims WHERE person = $2 AND workspace = $1"
    );
    tx.execute(text, args![workspace, person, number, at]).await?;
    Ok(())
}

/// Follows identifiers to the persons that they belong to now: (identifier, from, to).
pub async fn follow(tx: &mut Tx, workspace: WorkspaceId, moved: &[(Handle, PersonId, PersonId)]) -> Result<()> {
    let mut to: BTreeMap<(PersonId, PersonId), Vec<Handle>> = BTreeMap::new();
    for (handle, from, into) in moved {
        to.entry((*from, *into)).or_default().push(*handle);
    }
    for ((from, into), handles) in to {
        let text = sql!(
            "UPDATE verbatim_corrections SET person = $3 WHERE person = $2 AND workspace = $1 AND event_id IN
             (SELECT event_id FROM verbatims WHERE person = $2 AND workspace = $1 AND handle IN ($4))"
        );
        tx.execute(text, args![workspace, from, into, handles.as_slice()]).await?;
        let number = number(tx, workspace).await?;
        let text = sql!(
            "UPDATE verbatims SET person = $3, changed = $5 WHERE person = $2 AND workspace = $1 AND handle IN ($4)"
        );
        tx.execute(text, args![workspace, from, into, handles.as_slice(), number]).await?;
    }
    Ok(())
}

/// Whom texts are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum About {
    /// The company itself.
    #[default]
    Us,
    /// A competitor.
    Them(String),
    /// Anybody.
    All,
}

/// Which verbatims a list shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Of this person.
    pub person: Option<PersonId>,
    /// From then on.
    pub from: Timestamp,
    /// Before then.
    pub before: Option<Timestamp>,
    /// Behind this one: a page goes on where the last ended.
    pub behind: Option<(Timestamp, [u8; 16])>,
    /// In this language; empty is any.
    pub language: String,
    /// Of events of this name; empty is any.
    pub event_name: String,
    /// Showing this feeling.
    pub feeling: Option<Feeling>,
    /// At least so positive.
    pub least: Option<i64>,
    /// At most so positive.
    pub most: Option<i64>,
    /// With so many stars, halves rounded up.
    pub stars: Option<i64>,
    /// Whom they are about.
    pub about: About,
}

/// The rows of a filter, as what stands behind WHERE, with its values.
fn narrowed(workspace: WorkspaceId, filter: &Filter) -> (String, Args) {
    let mut text = "workspace = $1 AND occurred_at >= $2".to_owned();
    let mut args = args![workspace, filter.from];
    let mut also = |part: &str, values: Vec<Arg>| {
        let mut part = format!(" AND {part}");
        for value in values {
            args.0.push(value);
            part = part.replacen('#', &format!("${}", args.0.len()), 1);
        }
        text.push_str(&part);
    };
    if let Some(person) = filter.person {
        also("person = #", vec![person.into()]);
    }
    if let Some(before) = filter.before {
        also("occurred_at < #", vec![before.into()]);
    }
    if let Some((at, event)) = filter.behind {
        also("(occurred_at < # OR (occurred_at = # AND event_id > #))", vec![at.into(), at.into(), event.into()]);
    }
    if !filter.language.is_empty() {
        also("language = #", vec![filter.language.as_str().into()]);
    }
    if !filter.event_name.is_empty() {
        also("event_name = #", vec![filter.event_name.as_str().into()]);
    }
    if let Some(feeling) = filter.feeling {
        // Names of columns are our own words, never the caller's.
        also(&format!("{} > #", feeling.name()), vec![0_i64.into()]);
    }
    if let Some(least) = filter.least {
        also("sentiment >= #", vec![least.into()]);
    }
    if let Some(most) = filter.most {
        also("sentiment <= #", vec![most.into()]);
    }
    if let Some(stars) = filter.stars {
        let from = stars * 1_000 - 500;
        also("rating >= # AND rating < #", vec![from.into(), (from + 1_000).into()]);
    }
    match &filter.about {
        About::Us => also("subject = #", vec!["".into()]),
        About::Them(name) => also("subject = #", vec![name.as_str().into()]),
        About::All => {}
    }
    (text, args)
}

/// A page of verbatims, newest first.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<VerbatimRow>> {
    let (where_, mut args) = narrowed(workspace, filter);
    args.0.push(limit.into());
    let text = format!(
        "SELECT {COLUMNS} FROM verbatims WHERE {where_} ORDER BY occurred_at DESC, event_id LIMIT ${}",
        args.0.len()
    );
    db.fetch_all(Sql::assembled(text), args).await
}

/// How many verbatims are alike in what can be chosen among them.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Cell {
    /// By ISO 639-1; empty where it cannot be said.
    pub language: String,
    /// The event's name.
    pub event_name: String,
    /// -1 where they are negative, 1 where positive, 0 between.
    pub tone: i64,
    /// The person's own stars, halves rounded up; 0 without.
    pub stars: i64,
    /// How many.
    pub texts: i64,
    /// How many of them show anger.
    pub anger: i64,
    /// The same of disappointment.
    pub disappointment: i64,
    /// Of anxiety.
    pub anxiety: i64,
    /// Of joy.
    pub joy: i64,
    /// Of gratitude.
    pub gratitude: i64,
    /// Of trust.
    pub trust: i64,
    /// Of urgency.
    pub urgency: i64,
}

impl Cell {
    /// How many of them show a feeling.
    pub fn of(&self, feeling: Feeling) -> i64 {
        match feeling {
            Feeling::Anger => self.anger,
            Feeling::Disappointment => self.disappointment,
            Feeling::Anxiety => self.anxiety,
            Feeling::Joy => self.joy,
            Feeling::Gratitude => self.gratitude,
            Feeling::Trust => self.trust,
            Feeling::Urgency => self.urgency,
        }
    }
}

/// Counts the verbatims of a filter, or `only` some of them, by language, event, tone and stars: enough to say how many each further choice would leave.
pub async fn counted(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: &Filter,
    only: Option<&[[u8; 16]]>,
) -> Result<Vec<Cell>> {
    let (mut where_, mut args) = narrowed(workspace, filter);
    if let Some(only) = only {
        args.0.push(only.into());
        where_.push_str(&format!(" AND event_id IN (${})", args.0.len()));
    }
    let known = args.0.len();
    args.0.extend(args![-CLEAR, CLEAR, -1_i64, 0_i64, 1_i64, 500_i64, 1_000_i64].0);
    let [low, high, less, none, one, half, whole] =
        std::array::from_fn(|at| format!("CAST(${} AS BIGINT)", known + 1 + at));
    let felt: Vec<String> = ALL
        .iter()
        .map(|it| format!("CAST(SUM(CASE WHEN {0} > {none} THEN {one} ELSE {none} END) AS BIGINT) AS {0}", it.name()))
        .collect();
    let text = format!(
        "SELECT language, event_name, tone, stars, COUNT(*) AS texts, {} FROM
           (SELECT language, event_name, CASE WHEN sentiment <= {low} THEN {less} WHEN sentiment >= {high} THEN {one} ELSE {none} END AS tone,
              CASE WHEN rating IS NULL THEN {none} ELSE (rating + {half}) / {whole} END AS stars,
              anger, disappointment, anxiety, joy, gratitude, trust, urgency FROM verbatims WHERE {where_}) AS v
         GROUP BY language, event_name, tone, stars ORDER BY language, event_name, tone, stars",
        felt.join(", ")
    );
    db.fetch_all(Sql::assembled(text), args).await
}

/// One verbatim.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, event_id: [u8; 16]) -> Result<Option<VerbatimRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM verbatims WHERE event_id = $2 AND workspace = $1"));
    db.fetch_optional(text, args![workspace, event_id]).await
}

/// Those of some events, in their order.
pub async fn by_ids(db: &mut impl Queries, workspace: WorkspaceId, events: &[[u8; 16]]) -> Result<Vec<VerbatimRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM verbatims WHERE event_id IN ($2) AND workspace = $1"));
    let found: Vec<VerbatimRow> = db.fetch_all(text, args![workspace, events]).await?;
    let mut known: BTreeMap<[u8; 16], VerbatimRow> = found.into_iter().map(|it| (it.event_id, it)).collect();
    Ok(events.iter().filter_map(|event| known.remove(event)).collect())
}

/// Those under some identifiers between two instants.
pub async fn of_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<VerbatimRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM verbatims WHERE handle IN ($2) AND workspace = $1 AND occurred_at >= $3 AND occurred_at <= $4
         ORDER BY occurred_at DESC, event_id LIMIT $5"
    ));
    db.fetch_all(text, args![workspace, handles, from, to, 2_000_i64]).await
}

/// Those of the reviews of a product that are shown, the newest first.
pub async fn of_reviews(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    product: &str,
    limit: i64,
) -> Result<Vec<VerbatimRow>> {
    let columns = COLUMNS.split(',').map(|column| format!("v.{}", column.trim())).collect::<Vec<_>>().join(", ");
    let text = Sql::assembled(format!(
        "SELECT {columns} FROM reviews r JOIN verbatims v ON v.event_id = r.event_id AND v.workspace = r.workspace
         WHERE r.product_id = $2 AND r.workspace = $1 AND r.state = 'shown' ORDER BY r.written_at DESC, r.event_id LIMIT $3"
    ));
    db.fetch_all(text, args![workspace, product, limit]).await
}

/// What staff say of a verbatim.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// -1,000 to 1,000; `None` leaves it.
    pub sentiment: Option<i64>,
    /// The feelings that it shows; `None` leaves them.
    pub feelings: Option<BTreeSet<Feeling>>,
}

/// Notes a correction and makes it count.
pub async fn correct(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &VerbatimRow,
    correction: &Correction,
    (by, at): (&str, Timestamp),
) -> Result<()> {
    let names = |of: &BTreeSet<Feeling>| of.iter().map(|it| it.name()).collect::<Vec<_>>().join(" ");
    let feelings = correction.feelings.as_ref().map(names);
    let text = sql!(
        "INSERT INTO verbatim_corrections (workspace, event_id, corrected_at, corrected_by, person, sentiment, feelings)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (event_id, corrected_at, workspace)
         DO UPDATE SET corrected_by = excluded.corrected_by, sentiment = excluded.sentiment, feelings = excluded.feelings"
    );
    tx.execute(text, args![workspace, row.event_id, at, by, row.person, correction.sentiment, feelings]).await?;
    let strengths = match &correction.feelings {
        None => row.feelings(),
        Some(found) => ALL.map(|it| if found.contains(&it) { 1_000 } else { 0 }),
    };
    let sentiment = correction.sentiment.unwrap_or(row.sentiment);
    note(tx, workspace, row.event_id, (sentiment, strengths), Some(at)).await
}

#[derive(Record)]
struct CorrectionRow {
    corrected_at: Timestamp,
    sentiment: Option<i64>,
    feelings: Option<String>,
}

/// Takes the newest correction of a verbatim back: those before it count again, and where they say nothing, what is understood of it now. Whether there
/// was one.
pub async fn take_back(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event_id: [u8; 16],
    understood: (i64, [i64; ALL.len()]),
) -> Result<bool> {
    let text = sql!(
        "SELECT corrected_at, sentiment, feelings FROM verbatim_corrections WHERE event_id = $2 AND workspace = $1 ORDER BY corrected_at DESC"
    );
    let rows: Vec<CorrectionRow> = tx.fetch_all(text, args![workspace, event_id]).await?;
    let Some((newest, others)) = rows.split_first() else { return Ok(false) };
    let text = sql!("DELETE FROM verbatim_corrections WHERE event_id = $2 AND corrected_at = $3 AND workspace = $1");
    tx.execute(text, args![workspace, event_id, newest.corrected_at]).await?;
    let sentiment = others.iter().find_map(|it| it.sentiment).unwrap_or(understood.0);
    let strengths = match others.iter().find_map(|it| it.feelings.as_deref()) {
        None => understood.1,
        Some(names) => ALL.map(|it| if names.split(' ').any(|name| name == it.name()) { 1_000 } else { 0 }),
    };
    note(tx, workspace, event_id, (sentiment, strengths), others.first().map(|it| it.corrected_at)).await?;
    Ok(true)
}

/// Makes count what was said of a verbatim.
async fn note(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event_id: [u8; 16],
    (sentiment, strengths): (i64, [i64; ALL.len()]),
    at: Option<Timestamp>,
) -> Result<()> {
    let [anger, disappointment, anxiety, joy, gratitude, trust, urgency] = strengths;
    let text = sql!(
        "UPDATE verbatims SET sentiment = $3, anger = $4, disappointment = $5, anxiety = $6, joy = $7, gratitude = $8, trust = $9, urgency = $10,
             corrected_at = $11, changed = $12 WHERE event_id = $2 AND workspace = $1"
    );
    let number = number(tx, workspace).await?;
    let args = args![
        workspace,
        event_id,
        sentiment,
        anger,
        disappointment,
        anxiety,
        joy,
        gratitude,
        trust,
        urgency,
        at,
        number
    ];
    tx.execute(text, args).await?;
    Ok(())
}

/// How much there is to learn from: corrections, and texts with stars.
pub async fn lessons(db: &mut impl Queries, workspace: WorkspaceId) -> Result<(i64, i64)> {
    let text = sql!("SELECT COUNT(*) FROM verbatim_corrections WHERE workspace = $1");
    let corrections: Option<(i64,)> = db.fetch_optional(text, args![workspace]).await?;
    let text = sql!("SELECT COUNT(*) FROM verbatims WHERE workspace = $1 AND rating >= $2");
    let rated: Option<(i64,)> = db.fetch_optional(text, args![workspace, 0_i64]).await?;
    Ok((corrections.map_or(0, |it| it.0), rated.map_or(0, |it| it.0)))
}

#[derive(Record)]
struct Corrected {
    event_id: [u8; 16],
    shown: String,
    sentiment: Option<i64>,
    feelings: Option<String>,
}

#[derive(Record)]
struct Rated {
    event_id: [u8; 16],
    shown: String,
    rating: Option<i64>,
}

/// The newest corrected and rated texts, at most so many of each; a correction of a text outweighs its stars.
pub async fn examples(db: &mut impl Queries, workspace: WorkspaceId, most: i64) -> Result<Vec<Example>> {
    let text = sql!(
        "SELECT c.event_id, v.shown, c.sentiment, c.feelings FROM verbatim_corrections c
         JOIN verbatims v ON v.event_id = c.event_id AND v.workspace = c.workspace
         WHERE c.workspace = $1 ORDER BY c.corrected_at DESC, c.event_id LIMIT $2"
    );
    let corrected: Vec<Corrected> = db.fetch_all(text, args![workspace, most]).await?;
    let text = sql!(
        "SELECT event_id, shown, rating FROM verbatims WHERE workspace = $1 AND rating >= $2
         ORDER BY occurred_at DESC, event_id LIMIT $3"
    );
    let rated: Vec<Rated> = db.fetch_all(text, args![workspace, 0_i64, most]).await?;
    let mut examples: BTreeMap<[u8; 16], Example> = BTreeMap::new();
    for it in corrected {
        let one = examples.entry(it.event_id).or_insert(Example { shown: it.shown, rating: None, feelings: None });
        // The newest come first: what one says is not changed by an older one.
        one.rating = one.rating.or(it.sentiment.map(stars));
        if one.feelings.is_none() {
            one.feelings = it.feelings.map(|names| names.split(' ').filter_map(Feeling::named).collect());
        }
    }
    for it in rated {
        let one = examples.entry(it.event_id).or_insert(Example { shown: it.shown, rating: None, feelings: None });
        one.rating = one.rating.or(it.rating.map(|rating| stars(of_stars(rating as f64 / 1_000.0))));
    }
    Ok(examples.into_values().collect())
}

/// What an index of words has to take up.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// Events that are gone.
    pub gone: Vec<[u8; 16]>,
    /// Verbatims that are new or different.
    pub changed: Vec<VerbatimRow>,
    /// Where the index stands with them.
    pub to: Position,
    /// Whether there are more.
    pub more: bool,
}

#[derive(Record)]
struct Removal {
    number: i64,
    event_id: [u8; 16],
}

/// What happened behind a position, at most about so much; `None` if that is not known any more, so that an index begins anew.
///
/// What is gone is read first: a verbatim that goes between the two is among the gone of the next time, and never comes back by that.
pub async fn changes(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    from: Position,
    most: i64,
) -> Result<Option<Changes>> {
    let text = sql!("SELECT number, forgotten FROM verbatim_counters WHERE workspace = $1");
    let (number, forgotten): (i64, i64) = db.fetch_optional(text, args![workspace]).await?.unwrap_or_default();
    // A number that was never given is of another database: one from a backup.
    if from.removed < forgotten && from != Position::default() || from.changed.0.max(from.removed) > number {
        return Ok(None);
    }
    let text = sql!(
        "SELECT number, event_id FROM verbatim_removals WHERE workspace = $1 AND number > $2 AND number <= COALESCE(
           (SELECT number FROM verbatim_removals WHERE workspace = $1 AND number > $2 ORDER BY number LIMIT 1 OFFSET $3), $4)
         ORDER BY number, event_id"
    );
    let gone: Vec<Removal> = db.fetch_all(text, args![workspace, from.removed, most, i64::MAX]).await?;
    let text = sql!(
        "SELECT changed, event_id FROM verbatims WHERE workspace = $1 AND changed >= $2 AND (changed > $2 OR event_id > $3)
         ORDER BY changed, event_id LIMIT $4"
    );
    let (changed, event) = from.changed;
    let rows: Vec<(i64, [u8; 16])> = db.fetch_all(text, args![workspace, changed, event, most]).await?;
    let more = rows.len() as i64 >= most || gone.len() as i64 >= most;
    let to = Position {
        changed: rows.last().copied().unwrap_or(from.changed),
        removed: gone.last().map_or(from.removed.max(forgotten), |it| it.number),
    };
    let events: Vec<[u8; 16]> = rows.into_iter().map(|it| it.1).collect();
    let changed = by_ids(db, workspace, &events).await?;
    Ok(Some(Changes { gone: gone.into_iter().map(|it| it.event_id).collect(), changed, to, more }))
}

/// Forgets what is gone for so long that every index has heard of it; one that has not begins anew.
pub async fn forget_removals(tx: &mut Tx, workspace: WorkspaceId, before: Timestamp) -> Result<()> {
    let text = sql!(
        "UPDATE verbatim_counters SET forgotten = COALESCE((SELECT MAX(number) FROM verbatim_removals
           WHERE workspace = $1 AND removed_at < $2), forgotten) WHERE workspace = $1"
    );
    tx.execute(text, args![workspace, before]).await?;
    let text = sql!("DELETE FROM verbatim_removals WHERE workspace = $1 AND removed_at < $2");
    tx.execute(text, args![workspace, before]).await?;
    Ok(())
}
