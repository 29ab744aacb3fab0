//! `/api/v1/texts`: what customers wrote, as it was understood, without personal data; corrections, likeness, themes, and how well it is understood.
//!
//! Always holds: only what is shown leaves here, never what was hidden in it; a correction is noted with who made it and is learnt from within a minute.

mod of_topic;

use std::collections::{BTreeMap, BTreeSet};

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{EventId, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::verbatims::CLEAR;
use rapport_feedback::verbatims::records::readings::{self, ReadingRow};
use rapport_feedback::verbatims::records::{self, About, Correction, Filter, VerbatimRow};
use rapport_feedback::verbatims::search::Ranking;
use rapport_profiles::records::persons;
use rapport_store::Priority;
use rapport_text::feelings::learnt::Measured;
use rapport_text::feelings::{ALL, Feeling};
use rapport_text::similar::Shingles;
use rapport_text::themes::change::{self, Counts, Volume, changes};
use rapport_text::themes::{Wanted, themes};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use self::of_topic::{Looking, Sought};
use super::members::{given, instant};
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows, write_cursor};
use crate::installation::Installation;
use crate::problem::Problem;
use crate::searching;

/// So many of the newest texts are compared with one.
const COMPARED: i64 = 5_000;
/// What is less alike is not shown.
const ALIKE: f64 = 0.2;
const MOST_ALIKE: usize = 20;
/// Themes are made of so many of the newest texts of both periods.
const MOST_TEXTS: i64 = 20_000;
/// Alarms of themes that may be false.
const FALSE_ALARMS: f64 = 0.05;
const QUOTES: usize = 3;
/// So many texts are asked for by their ids at once.
const MOST_IDS: usize = 100;
/// So many texts that have the words are counted.
const MOST_COUNTED: usize = 10_000;
/// So many of the newest texts of a theme are named.
const MOST_OF_THEME: usize = 200;
/// Parts of both periods in which the course of a theme is told.
const PARTS: usize = 12;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(counts))
        .routes(routes!(correct, take_back))
        .routes(routes!(similar))
        .routes(routes!(theme_list))
        .routes(routes!(quality))
}

/// A feeling that a text shows.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeltShape {
    /// `anger`, `disappointment`, `anxiety`, `joy`, `gratitude`, `trust` or `urgency`.
    feeling: String,
    /// How strong it is: 0.5 to 1.
    strength: f64,
}

/// How a text was understood.
#[derive(Debug, Serialize, ToSchema)]
pub struct Understanding {
    /// By ISO 639-1; empty where it cannot be said.
    language: String,
    /// `negative`, `neutral` or `positive`.
    tone: String,
    /// From -1 to 1.
    sentiment: f64,
    /// What it shows, strongest first.
    feelings: Vec<FeltShape>,
    /// Whether something should happen soon.
    urgent: bool,
    /// When staff corrected it last.
    corrected_at: Option<String>,
}

impl Understanding {
    /// Of a stored verbatim.
    pub fn of(row: &VerbatimRow) -> Self {
        let felt = |(feeling, strength): (Feeling, i64)| FeltShape {
            feeling: feeling.name().to_owned(),
            strength: strength as f64 / 1_000.0,
        };
        Self {
            language: row.language.clone(),
            tone: tone(row.sentiment).to_owned(),
            sentiment: row.sentiment as f64 / 1_000.0,
            feelings: row.felt().into_iter().map(felt).collect(),
            urgent: row.urgency > 0,
            corrected_at: row.corrected_at.map(time),
        }
    }
}

fn tone(sentiment: i64) -> &'static str {
    if sentiment <= -CLEAR {
        "negative"
    } else if sentiment >= CLEAR {
        "positive"
    } else {
        "neutral"
    }
}

/// What somebody wrote.
#[derive(Debug, Serialize, ToSchema)]
pub struct TextShape {
    /// The event that brought it.
    event_id: String,
    /// Who wrote it; null where nobody knows.
    person_id: Option<String>,
    /// What they are called, if known.
    person_name: Option<String>,
    occurred_at: String,
    /// The event's name.
    event_name: String,
    /// The text without personal data.
    text: String,
    /// Their own stars, 1 to 5.
    rating: Option<f64>,
    /// Whom it is about: a competitor; null is the company itself.
    subject: Option<String>,
    understood: Understanding,
}

async fn shapes(app: &App, caller: &Caller, rows: Vec<VerbatimRow>) -> Result<Vec<TextShape>, Problem> {
    let people: BTreeSet<PersonId> = rows.iter().map(|row| row.person).collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let known = persons::by_ids(&mut app.installation.store.read(), caller.workspace, &people).await?;
    let names: BTreeMap<PersonId, String> = known.into_iter().filter_map(|it| Some((it.person, it.name?))).collect();
    let shape = |row: VerbatimRow| TextShape {
        event_id: EventId(row.event_id).to_hex(),
        person_id: Some(row.person).filter(|person| person.0 != 0).map(|person| person.to_string()),
        person_name: names.get(&row.person).cloned(),
        occurred_at: time(row.occurred_at),
        understood: Understanding::of(&row),
        subject: Some(row.subject.clone()).filter(|subject| !subject.is_empty()),
        event_name: row.event_name,
        text: row.shown,
        rating: row.rating.map(|rating| rating as f64 / 1_000.0),
    };
    Ok(rows.into_iter().map(shape).collect())
}

/// Which texts.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct TextsQuery {
    /// Of this customer.
    person_id: Option<String>,
    /// From this time on (RFC 3339).
    from: Option<String>,
    /// Before this time.
    to: Option<String>,
    /// In this language (`en`).
    language: Option<String>,
    /// Of events of this name.
    event_name: Option<String>,
    /// Showing this feeling.
    feeling: Option<String>,
    /// `negative`, `neutral` or `positive`.
    tone: Option<String>,
    /// With all these words in it, in any of their forms. `"..."` is a phrase, `-` before a word leaves out what has it, `*` behind one stands for any ending.
    words: Option<String>,
    /// With `words`: `newest` (unless said), or `best` for what speaks most of them.
    order: Option<String>,
    /// With so many stars, 1 to 5.
    stars: Option<i64>,
    /// Only these: at most 100 ids of events with commas between. All of them come at once, whatever else is asked for.
    ids: Option<String>,
    /// About this competitor; `*` is about anybody. Unless said, about the company itself.
    subject: Option<String>,
    /// About this topic that is kept, or one below it, by its key: as the figures of topics count them. A page may then have fewer rows than asked for; `next`
    /// says whether there may be more.
    topic: Option<String>,
}

impl TextsQuery {
    fn events(&self) -> Result<Option<Vec<[u8; 16]>>, Problem> {
        let Some(ids) = self.ids.as_deref().filter(|ids| !ids.is_empty()) else { return Ok(None) };
        let events: Option<Vec<[u8; 16]>> = ids.split(',').map(|id| EventId::from_hex(id).map(|it| it.0)).collect();
        let wrong = || Problem::invalid("ids", format_args!("at most {MOST_IDS} ids of events, with commas between"));
        events.filter(|events| events.len() <= MOST_IDS).map(Some).ok_or_else(wrong)
    }

    fn sought(&self) -> Option<String> {
        self.words.clone().filter(|it| !it.trim().is_empty())
    }

    fn is_best(&self) -> Result<bool, Problem> {
        match self.order.as_deref() {
            None | Some("" | "newest") => Ok(false),
            Some("best") => Ok(true),
            Some(_) => Err(Problem::invalid("order", "it is newest or best")),
        }
    }

    async fn of_topic(&self, app: &App, workspace: WorkspaceId) -> Result<Option<Sought>, Problem> {
        let Some(topic) = self.topic.as_deref().filter(|topic| !topic.is_empty()) else { return Ok(None) };
        Sought::named(app, workspace, topic).await.map(Some)
    }

    fn filter(self) -> Result<Filter, Problem> {
        let person = self.person_id.map(|id| id.parse().map(PersonId));
        let named =
            |name: String| Feeling::named(&name).ok_or_else(|| Problem::invalid("feeling", "there is no such feeling"));
        let (least, most) = match self.tone.as_deref() {
            None | Some("") => (None, None),
            Some("negative") => (None, Some(-CLEAR)),
            Some("neutral") => (Some(1 - CLEAR), Some(CLEAR - 1)),
            Some("positive") => (Some(CLEAR), None),
            Some(_) => return Err(Problem::invalid("tone", "it is negative, neutral or positive")),
        };
        Ok(Filter {
            person: person.transpose().map_err(|_| Problem::not_found("customer"))?,
            from: instant("from", given(&self.from))?.unwrap_or(Timestamp(i64::MIN)),
            before: instant("to", given(&self.to))?,
            behind: None,
            language: self.language.unwrap_or_default(),
            event_name: self.event_name.unwrap_or_default(),
            feeling: self.feeling.filter(|it| !it.is_empty()).map(named).transpose()?,
            least,
            most,
            stars: self.stars,
            about: match self.subject {
                None => About::Us,
                Some(all) if all == "*" => About::All,
                Some(name) if name.is_empty() => About::Us,
                Some(name) => About::Them(name),
            },
        })
    }
}

/// Lists what customers wrote, newest first, or finds it by its words.
#[utoipa::path(get, path = "/api/v1/texts", security(("caller" = ["view_people"])), tag = "texts", operation_id = "texts", params(TextsQuery, PageQuery), responses((status = 200, body = Page<TextShape>), (status = 422, body = crate::problem::ProblemBody), (status = 503, body = crate::problem::ProblemBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TextsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<TextShape>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    if let Some(events) = query.events()? {
        let mut rows = records::by_ids(&mut app.installation.store.read(), caller.workspace, &events).await?;
        rows.sort_by(|a, b| b.occurred_at.cmp(&a.occurred_at).then(a.event_id.cmp(&b.event_id)));
        return Ok(Json(Page { rows: shapes(&app, &caller, rows).await?, next: None, total: None }));
    }
    if let Some(sought) = query.of_topic(&app, caller.workspace).await? {
        let (is_best, words) = (query.is_best()?, query.sought());
        let from = Looking { app: &app, workspace: caller.workspace, sought, words, filter: query.filter()?, is_best };
        let found = from.page(page.position()?, page.limit() as usize).await?;
        let next = found.next.as_ref().map(write_cursor);
        return Ok(Json(Page { rows: shapes(&app, &caller, found.rows).await?, next, total: None }));
    }
    if let Some(words) = query.sought() {
        return search(&app, &caller, (words, query), &page).await.map(Json);
    }
    let mut filter = query.filter()?;
    filter.behind = page.position::<(i64, [u8; 16])>()?.map(|(at, event)| (Timestamp(at), event));
    let limit = page.limit();
    let rows =
        records::list(&mut app.installation.store.read(), caller.workspace, &filter, i64::from(limit) + 1).await?;
    let page = Page::cut(rows, limit, |row| (row.occurred_at.0, row.event_id));
    let (next, total) = (page.next, page.total);
    Ok(Json(Page { rows: shapes(&app, &caller, page.rows).await?, next, total }))
}

/// A page of what has the words.
async fn search(
    app: &App,
    caller: &Caller,
    (words, query): (String, TextsQuery),
    page: &PageQuery,
) -> Result<Page<TextShape>, Problem> {
    let is_best = query.is_best()?;
    let mut filter = query.filter()?;
    let limit = page.limit() as usize;
    let ranking = if is_best {
        Ranking::Best(page.position::<usize>()?.unwrap_or_default())
    } else {
        filter.behind = page.position::<(i64, [u8; 16])>()?.map(|(at, event)| (Timestamp(at), event));
        Ranking::Newest
    };
    let found = searching::find(&app.installation, caller.workspace, words, filter, (ranking, limit + 1)).await;
    let mut found = found.map_err(Problem::internal)?.ok_or_else(search_behind)?;
    let more = found.events.len() > limit;
    found.events.truncate(limit);
    let next = found.events.last().filter(|_| more).map(|(at, event)| match ranking {
        Ranking::Best(behind) => write_cursor(&(behind + limit)),
        Ranking::Newest => write_cursor(&(at.0, event)),
    });
    // What is gone by now is found no more, whatever the index still says.
    let events: Vec<[u8; 16]> = found.events.iter().map(|it| it.1).collect();
    let rows = records::by_ids(&mut app.installation.store.read(), caller.workspace, &events).await?;
    Ok(Page { rows: shapes(app, caller, rows).await?, next, total: i64::try_from(found.total).ok() })
}

/// What is said while the index of words is far behind.
fn search_behind() -> Problem {
    Problem::later(StatusCode::SERVICE_UNAVAILABLE, "search_behind", "Texts are being indexed.", 10)
}

/// How many texts are alike in what can be chosen among them.
#[derive(Debug, Serialize, ToSchema)]
pub struct TextCount {
    /// By ISO 639-1; empty where it cannot be said.
    language: String,
    event_name: String,
    /// `negative`, `neutral` or `positive`.
    tone: String,
    /// Their own stars, 1 to 5.
    stars: Option<i64>,
    texts: i64,
    /// How many of them show each feeling.
    feelings: BTreeMap<String, i64>,
}

/// Counts texts by language, event, tone and stars, with how many show each feeling: so it is known what a further choice would leave. With `words` it counts
/// the newest 10,000 that have them, with `topic` those about it among the newest 20,000.
#[utoipa::path(get, path = "/api/v1/texts/counts", security(("caller" = ["view_people"])), tag = "texts", operation_id = "text_counts", params(TextsQuery), responses((status = 200, body = Rows<TextCount>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn counts(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TextsQuery>,
) -> Result<Json<Rows<TextCount>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let (words, sought) = (query.sought(), query.of_topic(&app, caller.workspace).await?);
    let filter = query.filter()?;
    let only: Option<Vec<[u8; 16]>> = match (words, sought) {
        (None, None) => None,
        (words, Some(sought)) => {
            let of = filter.clone();
            let from = Looking { app: &app, workspace: caller.workspace, sought, words, filter: of, is_best: false };
            Some(from.page(None, usize::MAX).await?.rows.into_iter().map(|row| row.event_id).collect())
        }
        (Some(words), None) => {
            let wanted = (Ranking::Newest, MOST_COUNTED);
            let found = searching::find(&app.installation, caller.workspace, words, filter.clone(), wanted).await;
            let found = found.map_err(Problem::internal)?.ok_or_else(search_behind)?;
            Some(found.events.into_iter().map(|it| it.1).collect())
        }
    };
    let mut db = app.installation.store.read();
    let cells = records::counted(&mut db, caller.workspace, &filter, only.as_deref()).await?;
    let shape = |it: records::Cell| TextCount {
        tone: tone(it.tone * CLEAR).to_owned(),
        stars: Some(it.stars).filter(|stars| *stars > 0),
        texts: it.texts,
        feelings: ALL.into_iter().map(|of| (of.name().to_owned(), it.of(of))).collect(),
        language: it.language,
        event_name: it.event_name,
    };
    Ok(Json(Rows { rows: cells.into_iter().map(shape).collect() }))
}

/// A word that decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct WordShape {
    /// Where it begins in the text, in characters.
    start: usize,
    /// Where it ends.
    end: usize,
    word: String,
    /// What it speaks for: `sentiment` or a feeling.
    of: String,
    /// How far it moves the sentiment, and which way; of feelings their strength.
    weight: f64,
}

/// A text with the words that decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct TextDetail {
    #[serde(flatten)]
    text: TextShape,
    /// Words that decided, by what they speak for.
    reasons: Vec<WordShape>,
}

/// Shows a text, and why it was understood so.
#[utoipa::path(get, path = "/api/v1/texts/{event_id}", security(("caller" = ["view_people"])), tag = "texts", operation_id = "text", params(("event_id" = String, Path)), responses((status = 200, body = TextDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<String>,
) -> Result<Json<TextDetail>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, &caller, &event).await?;
    let shown = row.shown.clone();
    let reasons = app.installation.readers.of(caller.workspace).reasons(&shown);
    let word = |range: &std::ops::Range<usize>, of: &str, weight: f64| WordShape {
        start: shown[..range.start].chars().count(),
        end: shown[..range.end].chars().count(),
        word: shown[range.clone()].to_owned(),
        of: of.to_owned(),
        weight,
    };
    let mut words: Vec<WordShape> =
        reasons.sentiment.iter().map(|it| word(&it.range, "sentiment", it.valence)).collect();
    for felt in &reasons.feelings {
        words.extend(felt.reasons.iter().map(|range| word(range, felt.feeling.name(), felt.strength)));
    }
    let text = shapes(&app, &caller, vec![row]).await?.pop().ok_or_else(|| Problem::not_found("text"))?;
    Ok(Json(TextDetail { text, reasons: words }))
}

async fn find(app: &App, caller: &Caller, event: &str) -> Result<VerbatimRow, Problem> {
    let missing = || Problem::not_found("text");
    let event = EventId::from_hex(event).ok_or_else(missing)?;
    let mut db = app.installation.store.read();
    records::find(&mut db, caller.workspace, event.0).await?.ok_or_else(missing)
}

/// What a text says, by somebody who read it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionBody {
    /// From -1 to 1; left out, it stays.
    sentiment: Option<f64>,
    /// All feelings that it shows, or none; left out, they stay.
    feelings: Option<Vec<String>>,
}

/// Corrects how a text was understood. It counts at once, and models learn from it.
#[utoipa::path(post, path = "/api/v1/texts/{event_id}/correction", security(("caller" = ["answer_feedback"])), tag = "texts", operation_id = "correct_text", params(("event_id" = String, Path)), request_body = CorrectionBody, responses((status = 200, body = TextShape), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn correct(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<String>,
    Json(body): Json<CorrectionBody>,
) -> Result<Json<TextShape>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let row = find(&app, &caller, &event).await?;
    let sentiment = match body.sentiment {
        Some(it) if !(-1.0..=1.0).contains(&it) => return Err(Problem::invalid("sentiment", "it is from -1 to 1")),
        other => other.map(|it| (it * 1_000.0).round() as i64),
    };
    let named =
        |name: &String| Feeling::named(name).ok_or_else(|| Problem::invalid("feelings", "there is no such feeling"));
    let feelings: Option<BTreeSet<Feeling>> =
        body.feelings.map(|names| names.iter().map(named).collect::<Result<_, _>>()).transpose()?;
    if sentiment.is_none() && feelings.is_none() {
        return Err(Problem::invalid("sentiment", "say a sentiment, feelings, or both"));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let by = (caller.id().as_str(), app.now());
    records::correct(&mut tx, caller.workspace, &row, &Correction { sentiment, feelings }, by).await?;
    let row = records::find(&mut tx, caller.workspace, row.event_id).await?;
    tx.commit().await?;
    let rows = shapes(&app, &caller, row.into_iter().collect()).await?;
    rows.into_iter().next().map(Json).ok_or_else(|| Problem::not_found("text"))
}

/// Takes the newest correction of a text back: what was said before it counts again, otherwise what is understood now. One without stays as it is.
#[utoipa::path(delete, path = "/api/v1/texts/{event_id}/correction", security(("caller" = ["answer_feedback"])), tag = "texts", operation_id = "take_back_text_correction", params(("event_id" = String, Path)), responses((status = 200, body = TextShape), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn take_back(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<String>,
) -> Result<Json<TextShape>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let row = find(&app, &caller, &event).await?;
    let read = app.installation.readers.of(caller.workspace).read(&row.shown, []);
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    records::take_back(&mut tx, caller.workspace, row.event_id, (read.sentiment, read.feelings)).await?;
    let row = records::find(&mut tx, caller.workspace, row.event_id).await?;
    tx.commit().await?;
    let rows = shapes(&app, &caller, row.into_iter().collect()).await?;
    rows.into_iter().next().map(Json).ok_or_else(|| Problem::not_found("text"))
}

/// A text that is like another.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarShape {
    #[serde(flatten)]
    text: TextShape,
    /// The share of runs of five characters that both have: 1 for the same.
    likeness: f64,
}

/// Lists what is like a text among the newest five thousand of its language: duplicates and near ones first.
#[utoipa::path(get, path = "/api/v1/texts/{event_id}/similar", security(("caller" = ["view_people"])), tag = "texts", operation_id = "similar_texts", params(("event_id" = String, Path)), responses((status = 200, body = Rows<SimilarShape>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn similar(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<String>,
) -> Result<Json<Rows<SimilarShape>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, &caller, &event).await?;
    let filter = Filter { from: Timestamp(i64::MIN), language: row.language.clone(), ..Filter::default() };
    let others = records::list(&mut app.installation.store.read(), caller.workspace, &filter, COMPARED).await?;
    let found = tokio::task::spawn_blocking(move || {
        let own = Shingles::of(&row.shown);
        let like = |other: VerbatimRow| (own.similarity(&Shingles::of(&other.shown)), other);
        let mut found: Vec<(f64, VerbatimRow)> =
            others.into_iter().filter(|it| it.event_id != row.event_id).map(like).filter(|it| it.0 >= ALIKE).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.occurred_at.cmp(&a.1.occurred_at)));
        found.truncate(MOST_ALIKE);
        found
    });
    let (likenesses, rows): (Vec<f64>, Vec<VerbatimRow>) = found.await.map_err(Problem::internal)?.into_iter().unzip();
    let texts = shapes(&app, &caller, rows).await?;
    let rows = texts.into_iter().zip(likenesses).map(|(text, likeness)| SimilarShape { text, likeness }).collect();
    Ok(Json(Rows { rows }))
}

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ThemesQuery {
    /// From this time on (RFC 3339); 30 days ago unless said. What was written in as long a time before is compared with.
    from: Option<String>,
    /// Before this time; now unless said.
    to: Option<String>,
}

/// A theme of what customers wrote.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThemeShape {
    /// The words that set it apart.
    pub words: Vec<String>,
    /// Texts with it in the period.
    pub texts: u64,
    /// Texts with it in the period before.
    pub texts_before: u64,
    /// The share of its texts that are negative.
    pub negative_share: f64,
    /// The same before; null without texts.
    negative_share_before: Option<f64>,
    /// `new`, `growing`, `shrinking` or `steady`: against chance, with one in twenty alarms false in the mean.
    pub volume: String,
    /// `worse`, `better` or `steady`.
    pub feeling: String,
    /// By what its share of all texts was multiplied; null without a before.
    factor: Option<f64>,
    /// Between what that lies (95 %); null above is without end.
    factor_between: (f64, Option<f64>),
    /// How well its words go together: -1 to 1.
    coherence: f64,
    /// Its most typical texts.
    pub quotes: Vec<QuoteShape>,
    /// The mean sentiment of its texts in the period, -1 to 1; null without texts.
    sentiment: Option<f64>,
    /// How many people wrote them.
    people: usize,
    /// Texts in each twelfth of both periods, oldest first.
    course: Vec<u64>,
    /// Its texts of the period, newest first, at most 200.
    event_ids: Vec<String>,
}

/// A part of what somebody wrote.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuoteShape {
    event_id: String,
    /// Without personal data.
    pub text: String,
}

/// Themes with how far they can be relied on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThemesAnswer {
    /// Texts of the period.
    pub texts: usize,
    /// Texts of the period before.
    texts_before: usize,
    /// Whether only the newest were looked at.
    is_cut: bool,
    /// How far half of the texts gives the same themes: 1 for the same, 0 for what chance would give.
    stability: f64,
    /// Most texts first.
    pub rows: Vec<ThemeShape>,
}

/// Finds what customers write about in a period, how they feel about it, and what changed against the period before.
#[utoipa::path(get, path = "/api/v1/texts/themes", security(("caller" = ["view_people"])), tag = "texts", operation_id = "text_themes", params(ThemesQuery), responses((status = 200, body = ThemesAnswer), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn theme_list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ThemesQuery>,
) -> Result<Json<ThemesAnswer>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let to = instant("to", given(&query.to))?.unwrap_or_else(|| app.now().plus(1));
    let from = instant("from", given(&query.from))?.unwrap_or_else(|| to.plus(-30 * Timestamp::DAY));
    if from >= to {
        return Err(Problem::invalid("to", "it is after `from`"));
    }
    Ok(Json(themes_between(&app.installation, caller.workspace, (from, to)).await?))
}

/// The themes of a period, with what changed against as long a time before.
///
/// # Errors
/// The store's.
pub async fn themes_between(
    installation: &Installation,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
) -> anyhow::Result<ThemesAnswer> {
    let filter = Filter { from: from.plus(from.0.saturating_sub(to.0)), before: Some(to), ..Filter::default() };
    let rows = records::list(&mut installation.store.read(), workspace, &filter, MOST_TEXTS).await?;
    Ok(tokio::task::spawn_blocking(move || answer(&rows, from, to)).await?)
}

fn answer(rows: &[VerbatimRow], from: Timestamp, to: Timestamp) -> ThemesAnswer {
    let texts: Vec<&str> = rows.iter().map(|row| row.shown.as_str()).collect();
    let found = themes(&texts, Wanted { themes: None, words: 4 });
    let count = |places: &mut dyn Iterator<Item = usize>| {
        let mut counts = Counts::default();
        for row in places.collect::<BTreeSet<usize>>().into_iter().map(|at| &rows[at]) {
            let (all, negative) = if row.occurred_at >= from {
                (&mut counts.now, &mut counts.negative_now)
            } else {
                (&mut counts.before, &mut counts.negative_before)
            };
            *all += 1;
            *negative += u64::from(row.sentiment <= -CLEAR);
        }
        counts
    };
    let counts: Vec<Counts> =
        found.themes.iter().map(|it| count(&mut it.clauses.iter().map(|place| place.text))).collect();
    let now = rows.iter().filter(|row| row.occurred_at >= from).count();
    let changed = changes(&counts, (rows.len() - now) as u64, now as u64, FALSE_ALARMS);
    let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64);
    let mut shapes: Vec<ThemeShape> = Vec::new();
    for ((theme, counts), change) in found.themes.iter().zip(&counts).zip(changed) {
        let quote = |place: &rapport_text::themes::Place| QuoteShape {
            event_id: EventId(rows[place.text].event_id).to_hex(),
            text: rows[place.text].shown[place.range.clone()].trim().to_owned(),
        };
        // Rows are newest first, and so are these.
        let all: BTreeSet<usize> = theme.clauses.iter().map(|place| place.text).collect();
        let own: Vec<&VerbatimRow> = all.iter().map(|at| &rows[*at]).filter(|row| row.occurred_at >= from).collect();
        shapes.push(ThemeShape {
            words: theme.label.clone(),
            texts: counts.now,
            texts_before: counts.before,
            negative_share: share(counts.negative_now, counts.now).unwrap_or_default(),
            negative_share_before: share(counts.negative_before, counts.before),
            volume: match change.volume {
                Volume::New => "new",
                Volume::Growing => "growing",
                Volume::Shrinking => "shrinking",
                Volume::Steady => "steady",
            }
            .to_owned(),
            feeling: match change.feeling {
                change::Feeling::Worse => "worse",
                change::Feeling::Better => "better",
                change::Feeling::Steady => "steady",
            }
            .to_owned(),
            factor: change.factor,
            factor_between: (change.factor_between.0, Some(change.factor_between.1).filter(|it| it.is_finite())),
            coherence: theme.coherence,
            quotes: theme.clauses.iter().take(QUOTES).map(quote).collect(),
            sentiment: (!own.is_empty())
                .then(|| own.iter().map(|it| it.sentiment as f64 / 1_000.0).sum::<f64>() / own.len() as f64),
            people: own.iter().map(|it| it.person).collect::<BTreeSet<PersonId>>().len(),
            course: course(all.iter().map(|at| rows[*at].occurred_at), from, to),
            event_ids: own.iter().take(MOST_OF_THEME).map(|it| EventId(it.event_id).to_hex()).collect(),
        });
    }
    shapes.sort_by_key(|it| std::cmp::Reverse(it.texts));
    ThemesAnswer {
        texts: now,
        texts_before: rows.len() - now,
        is_cut: rows.len() as i64 == MOST_TEXTS,
        stability: found.stability,
        rows: shapes,
    }
}

/// How many of some moments are in each part of the period and of the one before.
fn course(moments: impl Iterator<Item = Timestamp>, from: Timestamp, to: Timestamp) -> Vec<u64> {
    let whole = i128::from(to.0 - from.0) * 2;
    let start = i128::from(to.0) - whole;
    let mut parts = vec![0; PARTS];
    for at in moments {
        let part = (i128::from(at.0) - start) * PARTS as i128 / whole;
        parts[usize::try_from(part).unwrap_or_default().min(PARTS - 1)] += 1;
    }
    parts
}

/// How well a feeling is found in texts that were not learnt from.
#[derive(Debug, Serialize, ToSchema)]
pub struct QualityShape {
    feeling: String,
    /// The share of those found that are right, by what was learnt; null if none was found.
    precision: Option<f64>,
    /// The share of those shown that were found.
    recall: Option<f64>,
    /// The same of the rules alone, on the same texts.
    rules_precision: Option<f64>,
    /// The same.
    rules_recall: Option<f64>,
    /// In how many corrected texts it is shown.
    shown: usize,
}

/// How well texts are understood.
#[derive(Debug, Serialize, ToSchema)]
pub struct QualityAnswer {
    /// Corrections so far.
    corrections: i64,
    /// Texts with stars.
    rated: i64,
    /// The share of rated texts, held back, that were put on the right side; null until enough were rated.
    sentiment_accuracy: Option<f64>,
    /// How far ratings and what was said of them go together (Pearson's r), on the same.
    sentiment_correlation: Option<f64>,
    /// Feelings that were learnt; the others go by the rules.
    feelings: Vec<QualityShape>,
    /// The latest time that texts from before were understood anew; null where that was never needed.
    reading: Option<ReadingShape>,
}

/// How far all texts were understood anew, by what was learnt since they came.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadingShape {
    begun_at: String,
    done_at: Option<String>,
    /// How many texts there were when it began.
    texts: i64,
    read: i64,
    /// How many of them are understood otherwise now. What staff corrected stays.
    altered: i64,
}

impl ReadingShape {
    fn of(row: ReadingRow) -> Self {
        Self {
            begun_at: time(row.begun_at),
            done_at: row.done_at.map(time),
            texts: row.texts,
            read: row.read,
            altered: row.altered,
        }
    }
}

/// Says how well texts are understood, measured on what was not learnt from.
#[utoipa::path(get, path = "/api/v1/texts/quality", security(("caller" = ["view_reports"])), tag = "texts", operation_id = "text_quality", responses((status = 200, body = QualityAnswer)))]
pub async fn quality(State(app): State<App>, caller: Caller) -> Result<Json<QualityAnswer>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let (corrections, rated) = records::lessons(&mut db, caller.workspace).await?;
    let reading = readings::find(&mut db, caller.workspace).await?;
    let reader = app.installation.readers.of(caller.workspace);
    let of = |it: rapport_text::feelings::learnt::Quality| QualityShape {
        feeling: it.feeling.name().to_owned(),
        precision: Measured::precision(&it.learnt),
        recall: it.learnt.recall(),
        rules_precision: it.rules.precision(),
        rules_recall: it.rules.recall(),
        shown: it.learnt.shown,
    };
    let sentiment = reader.sentiment_quality();
    Ok(Json(QualityAnswer {
        corrections,
        rated,
        sentiment_accuracy: sentiment.map(|it| it.accuracy),
        sentiment_correlation: sentiment.map(|it| it.correlation),
        feelings: reader.feelings_quality().into_iter().map(of).collect(),
        reading: reading.map(ReadingShape::of),
    }))
}
