//! `/api/v1/consents`: how many agreed and refused, by purpose, channel and topic, over time; and what was said last, by whom.
//!
//! Always holds: a number is of people, each counted by what holds for them as [`rapport_privacy::consent`] says it; what was said is shown without how to
//! reach whoever said it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Channel, Handle, PersonId, Purpose, Timestamp, WorkspaceId};
use rapport_privacy::Scope;
use rapport_privacy::overview::{Counts, Overview, Said};
use rapport_privacy::records::consents::{self, After, ConsentRow};
use rapport_privacy::records::{notices, topics};
use rapport_profiles::records::{identifiers, persons};
use rapport_store::Queries;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::segments::user_names;
use super::shapes::{display_name, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::http::paging::{Page, PageQuery, write_cursor};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(list))
}

/// People whose statements are read at once.
const SLICE: usize = 1_000;
/// So long an answer is kept: it reads all that was ever said.
const KEPT: i64 = Timestamp::MINUTE;
/// Points of the course.
const POINTS: i64 = 26;

/// An overview, and when it was made.
type Made = (Timestamp, Arc<ConsentOverview>);

/// Overviews that were made a moment ago, by workspace and days.
#[derive(Default)]
pub struct Overviews(Mutex<HashMap<(WorkspaceId, u32), Made>>);

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OverviewQuery {
    /// 7 to 1,100 days; 182 without it.
    days: Option<u32>,
}

/// How many people each verdict is of.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ConsentCounts {
    granted: u64,
    denied: u64,
    /// Asked for, and not confirmed (double opt-in).
    pending: u64,
    /// Agreed once, for a time that is over.
    expired: u64,
}

impl From<Counts> for ConsentCounts {
    fn from(it: Counts) -> Self {
        Self { granted: it.granted, denied: it.denied, pending: it.pending, expired: it.expired }
    }
}

/// What holds about one thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentScope {
    /// `marketing`, `sharing`, `analytics` ...
    purpose: String,
    /// Which way; none for every one.
    channel: Option<String>,
    /// About what, by a topic's key; none for everything.
    topic: Option<String>,
    /// Now. Whoever is in none of the counts was not asked, or never answered.
    now: ConsentCounts,
    /// At each of the times.
    course: Vec<ConsentCounts>,
}

/// A text that people agreed to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreedText {
    /// Its key.
    key: String,
    version: i64,
    /// In which languages it is kept; none when it was named and never kept.
    locales: Vec<String>,
    created_at: Option<String>,
    /// How many people's agreement rests on it.
    people: u64,
}

/// How many agreed and refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentOverview {
    /// All people that there are.
    people: i64,
    as_of: String,
    /// The times of each course, the last of them now.
    times: Vec<String>,
    scopes: Vec<ConsentScope>,
    texts: Vec<AgreedText>,
}

/// Says how many agreed and refused, by purpose, channel and topic. It is made anew once a minute.
#[utoipa::path(get, path = "/api/v1/consents/overview", security(("caller" = ["view_reports"])), tag = "privacy", operation_id = "consent_overview", params(OverviewQuery), responses((status = 200, body = ConsentOverview), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<OverviewQuery>,
) -> Result<Json<Arc<ConsentOverview>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let days = query.days.unwrap_or(182);
    if !(7..=1_100).contains(&days) {
        return Err(Problem::invalid("days", "is 7 to 1100"));
    }
    let now = app.now();
    let key = (caller.workspace, days);
    let known = app.overviews.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    if let Some((_, known)) = known.filter(|(at, _)| (0..KEPT).contains(&(now.0 - at.0))) {
        return Ok(Json(known));
    }
    let made = Arc::new(made(&app, caller.workspace, days, now).await?);
    let mut all = app.overviews.0.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|_, (at, _)| (0..KEPT).contains(&(now.0 - at.0)));
    all.insert(key, (now, Arc::clone(&made)));
    Ok(Json(made))
}

async fn made(app: &App, workspace: WorkspaceId, days: u32, now: Timestamp) -> Result<ConsentOverview, Problem> {
    let step = i64::from(days) * Timestamp::DAY / (POINTS - 1);
    let times: Vec<Timestamp> = (0..POINTS).map(|at| now.plus(-(POINTS - 1 - at) * step)).collect();
    let mut db = app.installation.store.read();
    let mut overview = Overview::new(scopes(&mut db, workspace).await?, times);
    // Everybody who said something; what they said is noted for each of their identifiers.
    let mut people: BTreeMap<PersonId, Vec<Handle>> = BTreeMap::new();
    for slice in consents::handles(&mut db, workspace).await?.chunks(SLICE) {
        for row in identifiers::by_handles(&mut db, workspace, slice).await? {
            people.entry(row.person).or_default().push(row.handle);
        }
    }
    let people: Vec<Vec<Handle>> = people.into_values().collect();
    for slice in people.chunks(SLICE) {
        let handles = slice.concat();
        let mut said: HashMap<Handle, Vec<Said>> = HashMap::new();
        for row in consents::of_handles(&mut db, workspace, &handles).await? {
            let Some(statement) = row.statement() else { continue };
            let text = row.notice.zip(row.notice_version);
            said.entry(row.handle).or_default().push(Said { statement, text });
        }
        for own in slice {
            let own: Vec<Said> = own.iter().filter_map(|handle| said.remove(handle)).flatten().collect();
            overview.add(&own);
        }
    }
    let people = persons::count(&mut db, workspace, &persons::Filter::default()).await?;
    shape(&mut db, workspace, &overview, people, now).await
}

/// Messages by each channel, every topic by its channels, sharing and analytics.
async fn scopes(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<Scope>, Problem> {
    let mut all: Vec<Scope> = Channel::ALL.into_iter().map(Scope::marketing).collect();
    for topic in topics::all(db, workspace).await?.into_iter().filter(|topic| topic.archived_at.is_none()) {
        let channels = topic.channels.0.iter().filter_map(|word| Channel::parse(word));
        all.extend(channels.map(|channel| Scope::marketing(channel).about(&topic.key)));
    }
    for purpose in [Purpose::Sharing, Purpose::Analytics] {
        all.push(Scope { purpose, channel: None, topic: None });
    }
    Ok(all)
}

async fn shape(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    overview: &Overview,
    people: i64,
    now: Timestamp,
) -> Result<ConsentOverview, Problem> {
    let kept = notices::all(db, workspace).await?;
    let mut texts: BTreeMap<(String, i64), AgreedText> = BTreeMap::new();
    let unkept = |(key, version): &(String, i64)| AgreedText {
        key: key.clone(),
        version: *version,
        locales: Vec::new(),
        created_at: None,
        people: 0,
    };
    for row in kept {
        let id = (row.key, row.version);
        let text = texts.entry(id.clone()).or_insert_with(|| unkept(&id));
        text.locales.push(row.locale);
        text.created_at = Some(time(row.created_at));
    }
    for (id, people) in overview.texts() {
        texts.entry(id.clone()).or_insert_with(|| unkept(id)).people = *people;
    }
    let scope = |(scope, counts): (&Scope, &[Counts])| ConsentScope {
        purpose: scope.purpose.as_str().to_owned(),
        channel: scope.channel.map(|channel| channel.as_str().to_owned()),
        topic: scope.topic.clone(),
        now: counts.last().copied().unwrap_or_default().into(),
        course: counts.iter().map(|it| (*it).into()).collect(),
    };
    Ok(ConsentOverview {
        people,
        as_of: time(now),
        times: overview.times().iter().map(|at| time(*at)).collect(),
        scopes: overview.rows().map(scope).collect(),
        texts: texts.into_values().rev().collect(),
    })
}

/// Which statements.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct StatementsQuery {
    /// What for: `marketing`, `sharing` ...
    purpose: Option<String>,
    /// Which way: `email`, `sms` ... Statements about every channel name none.
    channel: Option<String>,
    /// `granted`, `pending`, `denied` or `withdrawn`.
    state: Option<String>,
    /// How it was said: `form`, `double_opt_in`, `one_click`, `preference_centre`, `api`, `import`, `gpc` ...
    method: Option<String>,
    /// The key of the text that was shown.
    notice: Option<String>,
}

/// What somebody said.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementRow {
    person_id: String,
    /// What to call them.
    name: String,
    at: String,
    recorded_at: String,
    purpose: String,
    /// None for every channel.
    channel: Option<String>,
    topic: Option<String>,
    state: String,
    method: String,
    notice: Option<String>,
    notice_version: Option<i64>,
    locale: Option<String>,
    /// Who noted it: `person`, or the name of a user, or the id of a key.
    actor: String,
}

/// Lists what was said, what was recorded last first.
#[utoipa::path(get, path = "/api/v1/consents", security(("caller" = ["view_people"])), tag = "privacy", operation_id = "consent_statements", params(StatementsQuery, PageQuery), responses((status = 200, body = Page<StatementRow>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<StatementsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<StatementRow>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let filter = consents::Filter {
        purpose: query.purpose.unwrap_or_default(),
        channel: query.channel.unwrap_or_default(),
        state: query.state.unwrap_or_default(),
        method: query.method.unwrap_or_default(),
        notice: query.notice.unwrap_or_default(),
    };
    let mut db = app.installation.store.snapshot().await?;
    let limit = page.limit() as usize;
    let mut rows = distinct(&mut db, caller.workspace, &filter, page.position()?, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| write_cursor(&place(row)));
    let handles: Vec<Handle> = rows.iter().map(|row| row.handle).collect();
    let names = identifiers::by_handles(&mut db, caller.workspace, &handles).await?;
    let owner: HashMap<Handle, PersonId> = names.iter().map(|row| (row.handle, row.person)).collect();
    let ids: Vec<PersonId> = owner.values().copied().collect();
    let people = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let users = user_names(&app, caller.workspace).await?;
    let shape = |row: ConsentRow| {
        let person = owner.get(&row.handle)?;
        let known = people.iter().find(|it| it.person == *person)?;
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Some(StatementRow {
            person_id: person.to_string(),
            name: display_name(known),
            at: time(row.occurred_at),
            recorded_at: time(row.recorded_at),
            purpose: row.purpose,
            channel: some(row.channel),
            topic: some(row.topic),
            state: row.state,
            method: row.method,
            notice: row.notice,
            notice_version: row.notice_version,
            locale: row.locale,
            actor: users.get(&row.actor).cloned().unwrap_or(row.actor),
        })
    };
    Ok(Json(Page { rows: rows.into_iter().filter_map(shape).collect(), next, total: None }))
}

fn place(row: &ConsentRow) -> After {
    After {
        occurred_at: row.occurred_at.0,
        event_id: row.event_id,
        purpose: row.purpose.clone(),
        channel: row.channel.clone(),
        topic: row.topic.clone(),
    }
}

/// Statements, each once, although each is noted for every identifier of its person.
async fn distinct(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    filter: &consents::Filter,
    mut after: Option<After>,
    wanted: usize,
) -> Result<Vec<ConsentRow>, Problem> {
    const BATCH: i64 = 500;
    let mut found: Vec<ConsentRow> = Vec::new();
    loop {
        let rows = consents::latest(db, workspace, filter, after.as_ref(), BATCH).await?;
        let is_last = i64::try_from(rows.len()).unwrap_or(BATCH) < BATCH;
        for row in rows {
            if found.last().is_none_or(|last| place(last) != place(&row)) {
                if found.len() == wanted {
                    return Ok(found);
                }
                found.push(row);
            }
        }
        if is_last {
            return Ok(found);
        }
        after = found.last().map(place);
    }
}
