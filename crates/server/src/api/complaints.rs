//! `/api/v1/complaints`: complaints and mentions, how they are sorted, what is done about them.
//!
//! Always holds: what leaves here of a text has no personal data in it; a key of a list is one that the workspace has; whoever acts is noted.

mod figures;
mod files;
mod holidays;
mod settings;

pub(crate) use self::figures::ShareShape;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{EventId, Identifier, IdentifierKind, PersonId, Timestamp, money, plain};
use rapport_feedback::complaints::records::{self, ComplaintRow, Filter, Sorted, StepRow};
use rapport_feedback::complaints::settings::Settings;
use rapport_feedback::complaints::{
    Channel, Kind, SEVERITIES, State as Standing, Step, USUAL_SEVERITY, severity, severity_word,
};
use rapport_feedback::verbatims::CLEAR;
use rapport_profiles::records::{identifiers, persons};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::{given, instant};
use super::segments::{Names, user_names};
use super::shapes::{Amount, display_name, time};
use super::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::complaining::{self, LONGEST_TEXT, LONGEST_WORD, Said, StepSaid};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;

/// The longest answer or note, in characters.
const LONGEST_ANSWER: usize = 4_000;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_complaints, take_complaint))
        .routes(routes!(complaint_states))
        .routes(routes!(show_complaint, sort_complaint))
        .routes(routes!(act_on_complaint))
        .merge(figures::router())
        .merge(settings::router())
        .merge(holidays::router())
        .merge(files::router())
}

/// A complaint, or a mention.
#[derive(Debug, Serialize, ToSchema)]
pub struct Complaint {
    id: String,
    /// `complaint`, or `mention`: what somebody wrote in public.
    kind: String,
    /// Whom it is about: a competitor; null is the company itself.
    subject: Option<String>,
    /// `form`, `email`, `phone`, `store`, `chat`, `letter`, `social`, `review_site` or `other`.
    channel: String,
    /// What they wrote, without personal data.
    text: Option<String>,
    language: Option<String>,
    /// `negative`, `neutral` or `positive`.
    tone: Option<String>,
    is_urgent: bool,
    /// Who complained; null where nobody knows, or when they were forgotten.
    person_id: Option<String>,
    person_name: Option<String>,
    /// Whether others can read it.
    is_public: bool,
    /// Where.
    url: Option<String>,
    /// What its writer is called there.
    author: Option<String>,
    /// How many people may have read it.
    reach: Option<i64>,
    /// Stars of its writer, 1 to 5.
    rating: Option<i64>,
    category: Option<String>,
    root_cause: Option<String>,
    touchpoint: Option<String>,
    /// `low`, `normal`, `high` or `critical`.
    severity: String,
    product_id: Option<String>,
    order_id: Option<String>,
    cost: Option<Amount>,
    opened_at: String,
    /// `open`, `answered`, `resolved` or `reopened`.
    state: String,
    first_answer_at: Option<String>,
    public_answer_at: Option<String>,
    first_resolved_at: Option<String>,
    resolved_at: Option<String>,
    /// How often it was opened again.
    reopened: i64,
}

/// What happened to one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComplaintStep {
    at: String,
    /// `answered`, `resolved`, `reopened`, `continued` (whoever complained wrote again) or `noted`.
    step: String,
    /// Whether others can read it.
    is_public: bool,
    /// Who did it; null where another program or the customer did.
    by: Option<String>,
    text: Option<String>,
}

/// A complaint with what happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComplaintDetail {
    #[serde(flatten)]
    complaint: Complaint,
    steps: Vec<ComplaintStep>,
    /// The business time in which it was open so far, in seconds.
    open_seconds: i64,
    /// By when it should be answered and resolved, by the working hours; null when it is.
    answer_due_at: Option<String>,
    resolution_due_at: Option<String>,
}

async fn shapes(app: &App, caller: &Caller, rows: Vec<ComplaintRow>) -> Result<Vec<Complaint>, Problem> {
    let people: Vec<PersonId> = rows.iter().map(|row| row.person).filter(|person| person.0 != 0).collect();
    let known = persons::by_ids(&mut app.installation.store.read(), caller.workspace, &people).await?;
    let shape = |row: ComplaintRow| {
        let person = known.iter().find(|it| it.person == row.person);
        let tone = |sentiment: i64| match sentiment {
            it if it <= -CLEAR => "negative",
            it if it >= CLEAR => "positive",
            _ => "neutral",
        };
        Complaint {
            id: EventId(row.event_id).to_hex(),
            kind: row.kind,
            subject: Some(row.subject).filter(|subject| !subject.is_empty()),
            channel: row.channel,
            text: row.shown,
            language: row.language.filter(|language| !language.is_empty()),
            tone: row.sentiment.map(|it| tone(it).to_owned()),
            is_urgent: row.urgency.is_some_and(|it| it > 0),
            person_id: Some(row.person).filter(|person| person.0 != 0).map(|person| person.to_string()),
            person_name: person.map(display_name),
            is_public: row.is_public,
            url: row.url,
            author: row.author,
            reach: row.reach,
            rating: row.rating,
            category: row.category,
            root_cause: row.root_cause,
            touchpoint: row.touchpoint,
            severity: severity_word(row.severity).to_owned(),
            product_id: row.product_id,
            order_id: row.order_id,
            cost: row.cost.zip(row.currency).map(|(micros, currency)| Amount::of(micros, &currency)),
            opened_at: time(row.opened_at),
            state: row.state,
            first_answer_at: optional_time(row.first_answer_at),
            public_answer_at: optional_time(row.public_answer_at),
            first_resolved_at: optional_time(row.first_resolved_at),
            resolved_at: optional_time(row.resolved_at),
            reopened: row.reopened,
        }
    };
    Ok(rows.into_iter().map(shape).collect())
}

/// Which ones.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ComplaintsQuery {
    /// `complaint` or `mention`.
    kind: Option<String>,
    /// About this competitor; `*` is about anybody. Unless said, about the company itself.
    subject: Option<String>,
    /// `open`, `answered`, `resolved` or `reopened`.
    state: Option<String>,
    /// Whether something is still to be done.
    is_open: Option<bool>,
    category: Option<String>,
    root_cause: Option<String>,
    touchpoint: Option<String>,
    /// `low`, `normal`, `high` or `critical`.
    severity: Option<String>,
    channel: Option<String>,
    /// Whether others can read it.
    is_public: Option<bool>,
    /// Of this customer.
    person_id: Option<String>,
    product_id: Option<String>,
    /// Opened from this time on (RFC 3339).
    from: Option<String>,
    /// Opened before this time.
    to: Option<String>,
}

fn one_of<T>(field: &str, text: Option<&str>, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    text.map(|text| parse(text).ok_or_else(|| Problem::invalid(field, "is none of the words that it can be")))
        .transpose()
}

impl ComplaintsQuery {
    fn filter(&self, after: Option<(i64, String)>) -> Result<Filter, Problem> {
        let word = |text: &Option<String>| given(text).map(str::to_owned);
        let after = after.map(|(at, id)| Ok::<_, Problem>((Timestamp(at), parse_id(&id)?)));
        let person = given(&self.person_id).map(|id| id.parse().map(PersonId));
        Ok(Filter {
            kind: one_of("kind", given(&self.kind), Kind::parse)?,
            subject: match self.subject.as_deref() {
                Some("*") => None,
                subject => Some(subject.unwrap_or_default().to_owned()),
            },
            state: one_of("state", given(&self.state), Standing::parse)?,
            is_open: self.is_open,
            category: word(&self.category),
            root_cause: word(&self.root_cause),
            touchpoint: word(&self.touchpoint),
            severity: one_of("severity", given(&self.severity), severity)?,
            channel: one_of("channel", given(&self.channel), Channel::parse)?,
            is_public: self.is_public,
            person: person.transpose().map_err(|_| Problem::not_found("customer"))?,
            product_id: word(&self.product_id),
            from: instant("from", given(&self.from))?,
            before: instant("to", given(&self.to))?,
            after: after.transpose()?,
        })
    }
}

fn parse_id(text: &str) -> Result<[u8; 16], Problem> {
    EventId::from_hex(text).map(|id| id.0).ok_or_else(|| Problem::not_found("complaint"))
}

/// Lists complaints and mentions, the newest first.
#[utoipa::path(get, path = "/api/v1/complaints", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "list_complaints", params(ComplaintsQuery, PageQuery), responses((status = 200, body = Page<Complaint>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn list_complaints(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ComplaintsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Complaint>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let limit = page.limit();
    let filter = query.filter(page.position()?)?;
    let mut db = app.installation.store.read();
    let rows = records::list(&mut db, caller.workspace, &filter, i64::from(limit) + 1).await?;
    let cut = Page::cut(rows, limit, |row| (row.opened_at.0, EventId(row.event_id).to_hex()));
    Ok(Json(Page { rows: shapes(&app, &caller, cut.rows).await?, next: cut.next, total: cut.total }))
}

/// How many there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComplaintCount {
    /// `complaint` or `mention`.
    kind: String,
    /// Whom they are about: a competitor; null is the company itself.
    subject: Option<String>,
    /// `open`, `answered`, `resolved` or `reopened`.
    state: String,
    complaints: i64,
}

/// Says how many complaints and mentions there are about whom, and where they stand.
#[utoipa::path(get, path = "/api/v1/complaints/states", security(("caller" = ["view_reports"])), tag = "feedback", operation_id = "complaint_states", responses((status = 200, body = Rows<ComplaintCount>)))]
pub async fn complaint_states(State(app): State<App>, caller: Caller) -> Result<Json<Rows<ComplaintCount>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let counted = records::states(&mut app.installation.store.read(), caller.workspace).await?;
    let rows = counted.into_iter().map(|(kind, subject, state, complaints)| ComplaintCount {
        kind,
        subject: Some(subject).filter(|subject| !subject.is_empty()),
        state,
        complaints,
    });
    Ok(Json(Rows { rows: rows.collect() }))
}

/// An amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CostBody {
    /// Exact decimal: `12.50`.
    amount: String,
    /// Three letters.
    currency: String,
}

/// How one is sorted; what is left out is not known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SortBody {
    /// A key of the workspace's list.
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    root_cause: Option<String>,
    #[serde(default)]
    touchpoint: Option<String>,
    /// `low`, `normal`, `high` or `critical`; `normal` unless said.
    #[serde(default)]
    severity: Option<String>,
    /// What it cost the company: goods, postage, goodwill.
    #[serde(default)]
    cost: Option<CostBody>,
}

impl SortBody {
    fn read(&self, settings: &Settings) -> Result<Sorted, Problem> {
        let key = |field: &str, list: &[_], key: &Option<String>| match given(key) {
            None => Ok(None),
            Some(key) if Settings::has(list, key) => Ok(Some(key.to_owned())),
            Some(_) => Err(Problem::invalid(field, "is no key of this workspace's list")),
        };
        let severity = match given(&self.severity) {
            None => USUAL_SEVERITY,
            Some(text) => severity(text)
                .ok_or_else(|| Problem::invalid("severity", format_args!("is one of {}", SEVERITIES.join(", "))))?,
        };
        Ok(Sorted {
            category: key("category", &settings.categories, &self.category)?,
            root_cause: key("root_cause", &settings.root_causes, &self.root_cause)?,
            touchpoint: key("touchpoint", &settings.touchpoints, &self.touchpoint)?,
            severity,
            cost: self.cost.as_ref().map(cost).transpose()?,
        })
    }
}

fn cost(body: &CostBody) -> Result<(String, i64), Problem> {
    let micros = money::parse_micros(body.amount.trim()).ok().filter(|micros| *micros >= 0);
    let micros = micros.ok_or_else(|| Problem::invalid("cost.amount", "is a decimal number from 0 on"))?;
    let currency = rapport_domain::Currency::parse(body.currency.trim());
    let currency = currency.ok_or_else(|| Problem::invalid("cost.currency", "has three capital letters"))?;
    Ok((currency.to_string(), micros))
}

/// Something to take in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComplaintBody {
    /// What was written or said; at most 10,000 characters.
    text: String,
    /// `complaint` unless said; `mention` is what somebody wrote in public.
    #[serde(default)]
    kind: Option<String>,
    /// Whom it is about: a competitor. Left out, the company itself.
    #[serde(default)]
    subject: Option<String>,
    /// How it came: `phone`, `store` ...; `other` unless said.
    #[serde(default)]
    channel: Option<String>,
    /// What its source calls it: the same is taken in once.
    #[serde(default)]
    origin: Option<String>,
    /// Whose it is: a customer, else their e-mail address, customer number or telephone number. Without any it is nobody's.
    #[serde(default)]
    person_id: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    /// Found only where exactly one customer is known to have it.
    #[serde(default)]
    phone: Option<String>,
    /// When it was written (RFC 3339); now unless said.
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    is_public: bool,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    reach: Option<i64>,
    #[serde(default)]
    rating: Option<i64>,
    #[serde(default)]
    product_id: Option<String>,
    #[serde(default)]
    order_id: Option<String>,
    /// A key of the workspace's list.
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    root_cause: Option<String>,
    #[serde(default)]
    touchpoint: Option<String>,
    /// `low`, `normal`, `high` or `critical`; `normal` unless said.
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    cost: Option<CostBody>,
}

/// What was taken in.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenComplaint {
    id: String,
    /// Whether it was not known before.
    is_new: bool,
}

/// Takes in a complaint or a mention, as somebody of the staff or another program tells it.
#[utoipa::path(post, path = "/api/v1/complaints", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "take_complaint", request_body = ComplaintBody,
    responses((status = 200, body = TakenComplaint), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn take_complaint(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ComplaintBody>,
) -> Result<Json<TakenComplaint>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let said = read(&app, &caller, body).await?;
    let taken = complaining::take_in(&app.installation, caller.workspace, &said).await?;
    app.pipeline.reached(app.installation.log.head()).await;
    Ok(Json(TakenComplaint { id: taken.event_id.to_hex(), is_new: taken.is_new }))
}

async fn read(app: &App, caller: &Caller, body: ComplaintBody) -> Result<Said, Problem> {
    let mut db = app.installation.store.read();
    let (settings, _) = complaining::settings(&mut db, caller.workspace).await?;
    let now = app.now();
    let text = body_text("text", &body.text, LONGEST_TEXT)?;
    let at = instant("at", given(&body.at))?.unwrap_or(now);
    if at > now {
        return Err(Problem::invalid("at", "lies in the future"));
    }
    let kind = one_of("kind", given(&body.kind), Kind::parse)?.unwrap_or(Kind::Complaint);
    let channel = one_of("channel", given(&body.channel), Channel::parse)?.unwrap_or(Channel::Other);
    let word = |text: &Option<String>| given(text).map(|text| plain::one_line(text, LONGEST_WORD));
    let url = word(&body.url);
    if url.as_deref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        return Err(Problem::invalid("url", "begins with https://"));
    }
    if body.rating.is_some_and(|stars| !(1..=5).contains(&stars)) {
        return Err(Problem::invalid("rating", "is from 1 to 5"));
    }
    if body.reach.is_some_and(|people| people < 0) {
        return Err(Problem::invalid("reach", "is 0 or more"));
    }
    let who = whose(app, caller, &body).await?;
    let sorted = SortBody {
        category: body.category,
        root_cause: body.root_cause,
        touchpoint: body.touchpoint,
        severity: body.severity,
        cost: body.cost,
    };
    Ok(Said {
        who,
        kind,
        subject: word(&body.subject).unwrap_or_default(),
        origin: word(&body.origin),
        is_public: body.is_public || kind == Kind::Mention,
        url,
        author: word(&body.author),
        reach: body.reach,
        rating: body.rating,
        sorted: sorted.read(&settings)?,
        product_id: word(&body.product_id),
        order_id: word(&body.order_id),
        ..Said::new(text, channel, at)
    })
}

/// A text of at most so many characters, without what controls its reader.
fn body_text(field: &str, text: &str, longest: usize) -> Result<String, Problem> {
    let mut clean = String::new();
    plain::clean(text.trim(), &mut clean);
    if clean.is_empty() || clean.chars().count() > longest {
        return Err(Problem::invalid(field, format_args!("must have 1 to {longest} characters")));
    }
    Ok(clean)
}

async fn whose(app: &App, caller: &Caller, body: &ComplaintBody) -> Result<Option<Identifier>, Problem> {
    let mut db = app.installation.store.read();
    if let Some(id) = given(&body.person_id) {
        let missing = || Problem::not_found("customer");
        let person = PersonId(id.parse().map_err(|_| missing())?);
        let names = identifiers::by_persons(&mut db, caller.workspace, &[person]).await?;
        return names.first().map(|row| Some(row.identifier())).ok_or_else(missing);
    }
    if let Some(value) = given(&body.user_id) {
        return Ok(Some(Identifier { kind: IdentifierKind::UserId, value: plain::one_line(value, LONGEST_WORD) }));
    }
    if let Some(value) = given(&body.email) {
        let value = value.trim().to_lowercase();
        if !is_address(&value) {
            return Err(Problem::invalid("email", "is no e-mail address"));
        }
        return Ok(Some(Identifier { kind: IdentifierKind::Email, value }));
    }
    let Some(phone) = given(&body.phone) else { return Ok(None) };
    complaining::by_phone(&app.installation, &app.sender.ways, caller.workspace, phone).await.map_err(Into::into)
}

/// Whether a text can be an address; whether mail arrives there is not asked.
pub(crate) fn is_address(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()".contains(c))
    };
    text.len() <= 254 && text.rsplit_once('@').is_some_and(|(local, domain)| plain(local) && plain(domain))
}

/// Shows a complaint with what happened to it.
#[utoipa::path(get, path = "/api/v1/complaints/{complaint_id}", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "complaint", params(("complaint_id" = String, Path)), responses((status = 200, body = ComplaintDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn show_complaint(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ComplaintDetail>, Problem> {
    caller.require(Permission::ViewPeople)?;
    detail(&app, &caller, parse_id(&id)?).await.map(Json)
}

async fn detail(app: &App, caller: &Caller, id: [u8; 16]) -> Result<ComplaintDetail, Problem> {
    let missing = || Problem::not_found("complaint");
    let mut db = app.installation.store.read();
    let row = records::find(&mut db, caller.workspace, id).await?.ok_or_else(missing)?;
    let steps = records::steps(&mut db, caller.workspace, id).await?;
    let (settings, _) = complaining::settings(&mut db, caller.workspace).await?;
    let hours = settings.hours().map_err(|(field, why)| Problem::invalid(&field, why))?;
    let happened: Vec<_> = steps.iter().filter_map(StepRow::happened).collect();
    let course = rapport_feedback::complaints::course::course(row.opened_at, &happened);
    let target = |of: &[i64; 4]| {
        let minutes = usize::try_from(row.severity - 1).ok().and_then(|at| of.get(at)).copied().unwrap_or(of[1]);
        hours.deadline(row.opened_at, minutes.saturating_mul(Timestamp::MINUTE)).map(time)
    };
    let is_answered = course.first_answer_at.is_some() || course.first_resolved_at.is_some();
    let (answer_due_at, resolution_due_at) = (
        target(&settings.targets.first_answer_minutes).filter(|_| !is_answered),
        target(&settings.targets.resolution_minutes).filter(|_| course.first_resolved_at.is_none()),
    );
    let users: Names = user_names(app, caller.workspace).await?;
    let shape = |step: StepRow| ComplaintStep {
        at: time(step.at),
        step: step.step,
        is_public: step.is_public,
        by: Some(step.told_by).filter(|by| !by.is_empty()).map(|by| users.get(&by).cloned().unwrap_or(by)),
        text: step.text,
    };
    let steps = steps.into_iter().map(shape).collect();
    let open_seconds = course.open_for(&hours, app.now()) / Timestamp::SECOND;
    let complaint = shapes(app, caller, vec![row]).await?.pop().ok_or_else(missing)?;
    Ok(ComplaintDetail { complaint, steps, open_seconds, answer_due_at, resolution_due_at })
}

/// Sorts a complaint: what it is about, why it came about, how bad it is, what it cost.
#[utoipa::path(put, path = "/api/v1/complaints/{complaint_id}", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "sort_complaint", params(("complaint_id" = String, Path)), request_body = SortBody,
    responses((status = 204), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn sort_complaint(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<SortBody>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let (settings, _) = complaining::settings(&mut tx, caller.workspace).await?;
    if !records::sort(&mut tx, caller.workspace, parse_id(&id)?, &body.read(&settings)?).await? {
        return Err(Problem::not_found("complaint"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is done about one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActBody {
    /// `answer`: the company said something to whoever complained, or to everybody. `resolve`, `reopen`. `note`: for others of the staff.
    act: String,
    /// What was said or noted; at most 4,000 characters. An answer and a note need it. Nothing is sent: this says what was.
    #[serde(default)]
    text: Option<String>,
    /// Of an answer: whether everybody can read it.
    #[serde(default)]
    is_public: bool,
}

/// Notes what is done about a complaint: answered, resolved, opened again, or a note.
#[utoipa::path(post, path = "/api/v1/complaints/{complaint_id}/act", security(("caller" = ["answer_feedback"])), tag = "feedback", operation_id = "act_on_complaint", params(("complaint_id" = String, Path)), request_body = ActBody,
    responses((status = 200, body = ComplaintDetail), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn act_on_complaint(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<ActBody>,
) -> Result<Json<ComplaintDetail>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let id = parse_id(&id)?;
    let step = match body.act.as_str() {
        "answer" => Step::Answered,
        "resolve" => Step::Resolved,
        "reopen" => Step::Reopened,
        "note" => Step::Noted,
        _ => return Err(Problem::invalid("act", "is one of answer, resolve, reopen, note")),
    };
    let text = given(&body.text).map(|text| body_text("text", text, LONGEST_ANSWER)).transpose()?;
    if text.is_none() && [Step::Answered, Step::Noted].contains(&step) {
        return Err(Problem::invalid("text", "say what was answered or is to be noted"));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = records::find(&mut tx, caller.workspace, id).await?.ok_or_else(|| Problem::not_found("complaint"))?;
    let stands = Standing::parse(&row.state).unwrap_or(Standing::Open);
    let is_possible = match step {
        Step::Resolved => stands.is_open(),
        Step::Reopened => !stands.is_open(),
        _ => true,
    };
    if !is_possible {
        let detail = format!("It is {} already.", stands.as_str());
        return Err(Problem::conflict(
            "complaint_transition",
            detail,
            "Look at it again: somebody else may have been faster.",
        ));
    }
    let said = StepSaid {
        text: text.as_deref(),
        is_public: body.is_public && step == Step::Answered,
        by: caller.id().as_str(),
        at: app.now(),
    };
    complaining::step(&mut tx, caller.workspace, &row, step, &said).await?;
    tx.commit().await?;
    detail(&app, &caller, id).await.map(Json)
}
