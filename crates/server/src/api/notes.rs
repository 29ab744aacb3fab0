//! `/api/v1/notes`: interviews, focus groups, observations and mystery visits, coded by hand with the workspace's topics.
//!
//! Always holds: a passage is kept without personal data; it is linked to a person only with how they agreed to it, and never to one whose data is
//! restricted.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Handle, Id, PersonId, Timestamp, plain};
use rapport_feedback::notes::Kind;
use rapport_feedback::notes::records::{self, NoteRow, PassageRow};
use rapport_privacy::records::restrictions;
use rapport_profiles::records::{identifiers, persons};
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::instant;
use super::segments::user_names;
use super::shapes::{display_name, time};
use super::wire::name;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;
use crate::topics::{self, Topics};

/// Passages of a note, at most.
const MOST_PASSAGES: usize = 1_000;
/// Letters of a passage.
const LONGEST: usize = 10_000;
/// Letters of how somebody agreed.
const LONGEST_CONSENT: usize = 200;
/// Topics of a passage.
const MOST_TOPICS: usize = 20;
/// Quotes of a topic that are listed.
const QUOTES: i64 = 200;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_notes, write_note)).routes(routes!(note_quotes)).routes(routes!(
        show_note,
        save_note,
        delete_note
    ))
}

/// A note in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteSummary {
    id: String,
    /// `interview`, `focus_group`, `observation`, `mystery_visit` or `other`.
    kind: String,
    title: String,
    held_at: String,
    revision: i64,
    updated_at: String,
    updated_by: String,
}

/// A passage of a note.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotePassage {
    /// The words without personal data.
    text: String,
    /// Keys of the topics that it was put into.
    topics: Vec<String>,
    /// Keys of topics that it could be put into.
    suggested: Vec<String>,
    /// Whose words they are, where they agreed to that.
    person_id: Option<String>,
    person_name: Option<String>,
    /// How they agreed.
    consent: Option<String>,
}

/// A note.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteDetail {
    #[serde(flatten)]
    note: NoteSummary,
    passages: Vec<NotePassage>,
}

async fn summaries(app: &App, caller: &Caller, rows: Vec<NoteRow>) -> Result<Vec<NoteSummary>, Problem> {
    let names = user_names(app, caller.workspace).await?;
    let shape = |row: NoteRow| NoteSummary {
        id: row.id,
        kind: row.kind,
        title: row.title,
        held_at: time(row.held_at),
        revision: row.revision,
        updated_at: time(row.updated_at),
        updated_by: names.get(&row.updated_by).cloned().unwrap_or(row.updated_by),
    };
    Ok(rows.into_iter().map(shape).collect())
}

/// Whose words passages are: by identifier, who that is and what they are called.
async fn people(
    db: &mut impl Queries,
    caller: &Caller,
    rows: &[PassageRow],
) -> Result<BTreeMap<Handle, (PersonId, String)>, Problem> {
    let handles: Vec<Handle> = rows.iter().map(|row| row.handle).filter(|handle| handle.0 != 0).collect();
    let owners = identifiers::by_handles(db, caller.workspace, &handles).await?;
    let ids: Vec<PersonId> = owners.iter().map(|row| row.person).collect();
    let known = persons::by_ids(db, caller.workspace, &ids).await?;
    let of = |person: PersonId| known.iter().find(|row| row.person == person).map(display_name);
    Ok(owners.iter().filter_map(|row| Some((row.handle, (row.person, of(row.person)?)))).collect())
}

fn passage(row: PassageRow, people: &BTreeMap<Handle, (PersonId, String)>, topics: &Topics) -> NotePassage {
    // A topic that was merged since goes by the other's key.
    let now: BTreeSet<&str> = row.topics().map(|key| topics.sorter.tree.now(key).unwrap_or(key)).collect();
    let own: Vec<String> = now.into_iter().map(str::to_owned).collect();
    let found: BTreeSet<&str> = topics.sorter.taxonomy.assign(&row.text).into_iter().map(|it| it.topic).collect();
    let person = people.get(&row.handle);
    NotePassage {
        suggested: found.into_iter().filter(|key| !own.iter().any(|it| it == key)).map(str::to_owned).collect(),
        topics: own,
        text: row.text,
        person_id: person.map(|it| it.0.to_string()),
        person_name: person.map(|it| it.1.clone()),
        consent: Some(row.consent).filter(|text| !text.is_empty()),
    }
}

async fn detail(app: &App, caller: &Caller, id: &str) -> Result<NoteDetail, Problem> {
    let missing = || Problem::not_found("note");
    let mut db = app.installation.store.read();
    let row = records::find(&mut db, caller.workspace, id).await?.ok_or_else(missing)?;
    let rows = records::passages(&mut db, caller.workspace, id).await?;
    let people = people(&mut db, caller, &rows).await?;
    let topics = topics::of(&app.installation, caller.workspace).await?;
    let note = summaries(app, caller, vec![row]).await?.pop().ok_or_else(missing)?;
    Ok(NoteDetail { note, passages: rows.into_iter().map(|row| passage(row, &people, &topics)).collect() })
}

/// Lists notes, the latest first.
#[utoipa::path(get, path = "/api/v1/notes", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "list_notes", params(PageQuery), responses((status = 200, body = Page<NoteSummary>)))]
pub async fn list_notes(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<NoteSummary>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let limit = page.limit();
    let after = page.position::<(i64, String)>()?.map(|(at, id)| (Timestamp(at), id));
    let rows = records::list(&mut app.installation.store.read(), caller.workspace, after, i64::from(limit) + 1).await?;
    let cut = Page::cut(rows, limit, |row| (row.held_at.0, row.id.clone()));
    Ok(Json(Page { rows: summaries(&app, &caller, cut.rows).await?, next: cut.next, total: cut.total }))
}

/// Shows a note with its passages, and where they could belong.
#[utoipa::path(get, path = "/api/v1/notes/{note_id}", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "note", params(("note_id" = String, Path)), responses((status = 200, body = NoteDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show_note(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<NoteDetail>, Problem> {
    caller.require(Permission::ViewPeople)?;
    detail(&app, &caller, &id).await.map(Json)
}

/// A passage that is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PassageBody {
    /// At most 10,000 characters.
    text: String,
    /// Keys of topics that it is put into.
    #[serde(default)]
    topics: Vec<String>,
    /// Whose words they are.
    #[serde(default)]
    person_id: Option<String>,
    /// How they agreed to it; needed with a person.
    #[serde(default)]
    consent: Option<String>,
}

/// A note that is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    /// `interview`, `focus_group`, `observation`, `mystery_visit` or `other`.
    kind: String,
    title: String,
    /// When it was (RFC 3339); now unless said.
    #[serde(default)]
    held_at: Option<String>,
    passages: Vec<PassageBody>,
    /// The revision that was looked at; 0 for a new one.
    #[serde(default)]
    revision: i64,
}

async fn read(app: &App, caller: &Caller, id: &str, body: &NoteBody) -> Result<(NoteRow, Vec<PassageRow>), Problem> {
    let kind = Kind::parse(&body.kind).ok_or_else(|| {
        Problem::invalid("kind", "is one of interview, focus_group, observation, mystery_visit, other")
    })?;
    let now = app.now();
    let note = NoteRow {
        id: id.to_owned(),
        kind: kind.as_str().to_owned(),
        title: name("title", &body.title)?,
        held_at: instant("held_at", body.held_at.as_deref())?.unwrap_or(now),
        revision: body.revision + 1,
        created_at: now,
        updated_at: now,
        updated_by: caller.id().to_string(),
    };
    if body.passages.len() > MOST_PASSAGES {
        return Err(Problem::invalid("passages", "there are at most 1000"));
    }
    let topics = topics::of(&app.installation, caller.workspace).await?;
    let mut rows = Vec::with_capacity(body.passages.len());
    for (at, it) in body.passages.iter().enumerate() {
        let place = |field: &str| format!("passages[{at}].{field}");
        let mut text = String::new();
        plain::clean(it.text.trim(), &mut text);
        if text.is_empty() || text.chars().count() > LONGEST {
            return Err(Problem::invalid(&place("text"), format_args!("must have 1 to {LONGEST} characters")));
        }
        let keys: BTreeSet<&str> = it.topics.iter().map(String::as_str).collect();
        if keys.len() > MOST_TOPICS || keys.iter().any(|key| !topics.sorter.tree.has(key)) {
            return Err(Problem::invalid(&place("topics"), "there are at most 20, each a key of a topic"));
        }
        let (handle, known_as) = whose(app, caller, it, &place("person_id")).await?;
        let consent = plain::one_line(it.consent.as_deref().unwrap_or_default(), LONGEST_CONSENT);
        if handle.0 != 0 && consent.is_empty() {
            return Err(Problem::invalid(&place("consent"), "say how they agreed to be named with their words"));
        }
        let reader = app.installation.readers.of(caller.workspace);
        rows.push(PassageRow {
            note: id.to_owned(),
            place: at as i64,
            handle,
            consent: if handle.0 == 0 { String::new() } else { consent },
            text: reader.read(&text, known_as.as_deref()).shown,
            topics: keys.into_iter().collect::<Vec<_>>().join(" "),
        });
    }
    Ok((note, rows))
}

/// By which identifier a person is known, and what they are called; nobody's where none is named.
async fn whose(app: &App, caller: &Caller, it: &PassageBody, place: &str) -> Result<(Handle, Option<String>), Problem> {
    let Some(id) = it.person_id.as_deref().filter(|id| !id.is_empty()) else { return Ok((Handle(0), None)) };
    let missing = || Problem::not_found("customer");
    let person = PersonId(id.parse().map_err(|_| missing())?);
    let mut db = app.installation.store.read();
    let names = identifiers::by_persons(&mut db, caller.workspace, &[person]).await?;
    let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
    if !restrictions::restricted(&mut db, caller.workspace, &handles).await?.is_empty() {
        return Err(Problem::invalid(place, "their data is restricted"));
    }
    let known = persons::find(&mut db, caller.workspace, person).await?;
    let handle = *handles.first().ok_or_else(missing)?;
    Ok((handle, known.and_then(|row| row.name)))
}

async fn saved(app: &App, caller: &Caller, id: &str, body: &NoteBody) -> Result<Json<NoteDetail>, Problem> {
    let (note, passages) = read(app, caller, id, body).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !records::save(&mut tx, caller.workspace, &note, &passages).await? {
        return Err(Problem::conflict(
            "stale",
            "The note was saved by somebody else meanwhile.",
            "Read it again, then save again.",
        ));
    }
    tx.commit().await?;
    detail(app, caller, id).await.map(Json)
}

/// Writes a note.
#[utoipa::path(post, path = "/api/v1/notes", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "write_note", request_body = NoteBody,
    responses((status = 200, body = NoteDetail), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn write_note(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NoteBody>,
) -> Result<Json<NoteDetail>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let id = Id::new("nte", &*app.installation.clock, app.rng());
    saved(&app, &caller, id.as_str(), &NoteBody { revision: 0, ..body }).await
}

/// Saves a note: all of it.
#[utoipa::path(put, path = "/api/v1/notes/{note_id}", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "save_note", params(("note_id" = String, Path)), request_body = NoteBody,
    responses((status = 200, body = NoteDetail), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_note(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<NoteBody>,
) -> Result<Json<NoteDetail>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    if records::find(&mut app.installation.store.read(), caller.workspace, &id).await?.is_none() {
        return Err(Problem::not_found("note"));
    }
    if body.revision < 1 {
        return Err(Problem::invalid("revision", "is the revision that was looked at"));
    }
    saved(&app, &caller, &id, &body).await
}

/// Deletes a note.
#[utoipa::path(delete, path = "/api/v1/notes/{note_id}", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "delete_note", params(("note_id" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete_note(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !records::delete(&mut tx, caller.workspace, &id).await? {
        return Err(Problem::not_found("note"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Of which topic.
#[derive(Debug, Deserialize, IntoParams)]
pub struct QuotesQuery {
    /// Its key; topics below it count.
    topic: String,
}

/// A passage with the note that it stands in.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteQuote {
    note: NoteSummary,
    #[serde(flatten)]
    passage: NotePassage,
}

/// Lists what was said of a topic, and of what stands below it, in notes; the latest first.
#[utoipa::path(get, path = "/api/v1/notes/quotes", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "note_quotes", params(QuotesQuery), responses((status = 200, body = Rows<NoteQuote>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn note_quotes(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<QuotesQuery>,
) -> Result<Json<Rows<NoteQuote>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let topics = topics::of(&app.installation, caller.workspace).await?;
    let tree = &topics.sorter.tree;
    let topic = tree.now(&query.topic).ok_or_else(|| Problem::not_found("topic"))?;
    let keys: Vec<String> = tree.ever(&tree.below(topic)).into_iter().collect();
    let mut db = app.installation.store.read();
    let found = records::quotes(&mut db, caller.workspace, &keys, QUOTES).await?;
    let (notes, rows): (Vec<NoteRow>, Vec<PassageRow>) = found.into_iter().unzip();
    let people = people(&mut db, &caller, &rows).await?;
    let notes = summaries(&app, &caller, notes).await?;
    let passages = rows.into_iter().map(|row| passage(row, &people, &topics));
    let rows = notes.into_iter().zip(passages).map(|(note, passage)| NoteQuote { note, passage }).collect();
    Ok(Json(Rows { rows }))
}
