//! `/api/v1/customers/{person_id}/consents`: what somebody agreed to and refused, and noting it for them.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use rapport_domain::{Channel, Handle, IdentifierKind, Purpose as UsedFor, Timestamp, WorkspaceId};
use rapport_engagement::records::addresses::{self, DeadRow};
use rapport_privacy::links::Purpose;
use rapport_privacy::records::{confirmations, consents, restrictions, topics, wishes};
use rapport_privacy::{Scope, Statement, Verdict, consent, told};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::customers::find;
use super::shapes::{mask, mask_email, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::own_events;
use crate::problem::Problem;
use crate::public_pages::preferences;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, note))
        .routes(routes!(link))
        .routes(routes!(confirmation))
        .routes(routes!(ask_again))
}

/// What holds about one thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingShape {
    /// What for: `marketing`, `sharing`, `analytics`.
    purpose: String,
    /// Which way; none for every one.
    channel: Option<String>,
    /// About what, by a topic's key; none for everything.
    topic: Option<String>,
    /// `granted`, `denied`, `pending` (not confirmed yet), `expired`, or `unknown`, which is not consent either.
    verdict: String,
    /// When that was said which decides.
    since: Option<String>,
}

/// What was said once.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementShape {
    at: String,
    recorded_at: String,
    purpose: String,
    channel: Option<String>,
    topic: Option<String>,
    /// `granted`, `pending`, `denied`, `withdrawn`.
    state: String,
    until: Option<String>,
    /// The text that was shown, and which version of it in which language.
    notice: Option<String>,
    notice_version: Option<i64>,
    locale: Option<String>,
    /// How it was said: `form`, `double_opt_in`, `one_click`, `preference_centre`, `api`, `import`, `gpc`.
    method: String,
    /// Who noted it: `person`, or the id of a user or key.
    actor: String,
    /// What else shows it.
    #[schema(value_type = Option<Object>)]
    evidence: Option<Value>,
}

/// What somebody agreed to and refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Consents {
    standings: Vec<StandingShape>,
    /// The latest first.
    statements: Vec<StatementShape>,
    /// Since when what is known of them is kept but not used (GDPR Article 18).
    restricted_since: Option<String>,
    /// How often they want to hear of us: `all`, `weekly`, `monthly`.
    frequency: Option<String>,
    /// In which language.
    language: Option<String>,
    /// Mails that asked to confirm (double opt-in).
    confirmations: Vec<ConfirmationShape>,
    /// Addresses that nothing is sent to.
    dead: Vec<DeadAddressShape>,
}

/// A mail that asked, or asks, to confirm.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfirmationShape {
    /// For which topic, by its key.
    topic: String,
    asked_at: String,
    /// How many mails went out since: the first, and a reminder.
    mails: i64,
    /// When the last one did.
    sent_at: Option<String>,
    /// When the next one goes out, if it still waits then.
    next_at: Option<String>,
}

/// An address that nothing is sent to.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadAddressShape {
    channel: String,
    address_masked: String,
    /// About what; none for everything.
    topic: Option<String>,
    /// `bounced`, `complained`, `unsubscribed` or `manual`.
    reason: String,
    since: String,
    /// What was heard.
    detail: String,
}

/// Shows what somebody agreed to and refused, with all that proves it.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/consents", security(("caller" = ["view_people"])), tag = "privacy", operation_id = "consents_of_customer", params(("person_id" = String, Path)), responses((status = 200, body = Consents)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Json<Consents>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = find(&app, caller.workspace, &person).await?.person;
    let mut db = app.installation.store.snapshot().await?;
    let names = identifiers::by_persons(&mut db, caller.workspace, &[person]).await?;
    let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
    let rows = consents::of_handles(&mut db, caller.workspace, &handles).await?;
    let said: Vec<Statement> = rows.iter().filter_map(consents::ConsentRow::statement).collect();
    let now = app.now();
    let standings = asked(&topics::all(&mut db, caller.workspace).await?, &said);
    let standings = standings.into_iter().map(|scope| {
        let standing = consent::standing(&said, &scope, now);
        StandingShape {
            purpose: scope.purpose.as_str().to_owned(),
            channel: scope.channel.map(|channel| channel.as_str().to_owned()),
            topic: scope.topic,
            verdict: standing.verdict.as_str().to_owned(),
            since: standing.since.map(time),
        }
    });
    let mails = confirmations::of_handles(&mut db, caller.workspace, &handles).await?;
    let mails = mails.into_iter().map(|row| ConfirmationShape {
        topic: row.topic,
        asked_at: time(row.asked_at),
        mails: row.sent,
        sent_at: row.sent_at.map(time),
        next_at: row.due_at.map(time),
    });
    let dead = addresses::of_handles(&mut db, caller.workspace, &handles).await?;
    let dead = dead.into_iter().map(|row| dead_address(row, &names));
    let wished = wishes::of_handles(&mut db, caller.workspace, &handles).await?;
    let wish = |key: &str| wished.iter().find(|(known, ..)| known == key).map(|(_, value, _)| value.clone());
    let mut statements: Vec<StatementShape> = Vec::new();
    // Each is noted for every identifier of theirs.
    let mut last = None;
    for row in rows {
        if last.replace(row.event_id) != Some(row.event_id) {
            statements.push(statement(row));
        }
    }
    Ok(Json(Consents {
        standings: standings.collect(),
        statements,
        restricted_since: restrictions::since(&mut db, caller.workspace, &handles).await?.map(time),
        frequency: wish(wishes::FREQUENCY),
        language: wish(wishes::LANGUAGE),
        confirmations: mails.collect(),
        dead: dead.collect(),
    }))
}

fn dead_address(row: DeadRow, names: &[IdentifierRow]) -> DeadAddressShape {
    let name = names.iter().find(|name| name.handle == row.handle);
    DeadAddressShape {
        address_masked: name.map(|name| shown(&name.value)).unwrap_or_default(),
        channel: row.channel,
        topic: Some(row.topic).filter(|topic| !topic.is_empty()),
        reason: row.reason,
        since: time(row.since),
        detail: row.detail,
    }
}

fn shown(value: &str) -> String {
    if value.contains('@') { mask_email(value) } else { mask(value) }
}

/// What is worth showing: messages by each channel, each topic by its channels, sharing, and whatever else was spoken of.
fn asked(topics: &[topics::TopicRow], said: &[Statement]) -> Vec<Scope> {
    let mut all: Vec<Scope> = Channel::ALL.into_iter().map(Scope::marketing).collect();
    for topic in topics.iter().filter(|topic| topic.archived_at.is_none()) {
        let channels = topic.channels.0.iter().filter_map(|word| Channel::parse(word));
        all.extend(channels.map(|channel| Scope::marketing(channel).about(&topic.key)));
    }
    all.push(Scope { purpose: UsedFor::Sharing, channel: None, topic: None });
    for statement in said {
        if !all.contains(&statement.scope) {
            all.push(statement.scope.clone());
        }
    }
    all
}

fn statement(row: consents::ConsentRow) -> StatementShape {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    StatementShape {
        at: time(row.occurred_at),
        recorded_at: time(row.recorded_at),
        purpose: row.purpose,
        channel: some(row.channel),
        topic: some(row.topic),
        state: row.state,
        until: row.until_at.map(time),
        notice: row.notice,
        notice_version: row.notice_version,
        locale: row.locale,
        method: row.method,
        actor: row.actor,
        evidence: row.evidence,
    }
}

/// What somebody said, to be noted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentBody {
    /// `granted`, `denied` or `withdrawn`.
    state: String,
    /// `email`, `sms`, `whatsapp`, `push`, `in_app`, `phone`, `post`, `ads`, or `any`.
    channel: String,
    /// `marketing` (if nothing is said), `sharing`, `analytics`, `service`, `support`.
    purpose: Option<String>,
    /// A topic's key; everything if nothing is said.
    topic: Option<String>,
    /// Until when an agreement holds.
    until: Option<String>,
    /// The key of the text that was shown.
    notice: Option<String>,
    /// Its version.
    notice_version: Option<i64>,
    /// The language it was shown in.
    locale: Option<String>,
    /// How it was said: `form`, `phone`, `paper` and the like.
    method: Option<String>,
    /// What else shows it.
    #[schema(value_type = Option<Object>)]
    evidence: Option<Map<String, Value>>,
}

/// The most bytes of evidence.
const EVIDENCE: usize = 4 << 10;

impl ConsentBody {
    /// The event that says it.
    fn event(self, known: &[topics::TopicRow], actor: &str) -> Result<(&'static str, Map<String, Value>), Problem> {
        let name = match self.state.as_str() {
            "granted" => told::GRANTED,
            "denied" => told::DENIED,
            "withdrawn" => told::WITHDRAWN,
            _ => return Err(Problem::invalid("state", "say granted, denied or withdrawn")),
        };
        if self.channel != "any" && Channel::parse(&self.channel).is_none() {
            let words = Channel::ALL.map(Channel::as_str).join(", ");
            return Err(Problem::invalid("channel", format!("name one of {words}, or any")));
        }
        let purpose = self.purpose.unwrap_or_else(|| UsedFor::Marketing.as_str().to_owned());
        if UsedFor::parse(&purpose).is_none_or(|purpose| purpose == UsedFor::Administration) {
            let words = "marketing, sharing, analytics, service or support";
            return Err(Problem::invalid("purpose", format!("name {words}")));
        }
        if let Some(topic) = &self.topic
            && !known.iter().any(|row| row.key == *topic)
        {
            return Err(Problem::invalid("topic", "there is no topic of this key"));
        }
        if self.until.as_deref().is_some_and(|until| Timestamp::parse(until).is_none()) {
            return Err(Problem::invalid("until", "write a time as 2027-01-31T00:00:00Z"));
        }
        if self.evidence.as_ref().is_some_and(|evidence| json!(evidence).to_string().len() > EVIDENCE) {
            return Err(Problem::invalid("evidence", "evidence has at most 4 kB"));
        }
        if self.method.as_deref() == Some(told::CONFIRMED) {
            return Err(Problem::invalid("method", "only the person confirms, by the link that they get"));
        }
        let said = json!({
            "purpose": purpose, "channel": self.channel, "topic": self.topic, "until": self.until, "notice": self.notice,
            "notice_version": self.notice_version, "locale": self.locale, "evidence": self.evidence,
            "method": self.method.unwrap_or_else(|| "api".to_owned()), "actor": actor,
        });
        let Value::Object(mut said) = said else { return Ok((name, Map::new())) };
        said.retain(|_, value| !value.is_null());
        Ok((name, said))
    }
}

/// What a person was first known by: whatever is said under it is said for all their identifiers.
async fn first_identifier(app: &App, workspace: WorkspaceId, person: &str) -> Result<IdentifierRow, Problem> {
    let person = find(app, workspace, person).await?.person;
    let names = identifiers::by_persons(&mut app.installation.store.read(), workspace, &[person]).await?;
    names.into_iter().next().ok_or_else(|| Problem::not_found("customer"))
}

/// Notes what somebody said. It holds within a second.
#[utoipa::path(post, path = "/api/v1/customers/{person_id}/consents", security(("caller" = ["edit_consents"])), tag = "privacy", operation_id = "note_consent", params(("person_id" = String, Path)), request_body = ConsentBody, responses((status = 202, description = "Noted"), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn note(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
    Json(body): Json<ConsentBody>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditConsents)?;
    let who = first_identifier(&app, caller.workspace, &person).await?.identifier();
    let known = topics::all(&mut app.installation.store.read(), caller.workspace).await?;
    let (name, said) = body.event(&known, caller.id().as_str())?;
    own_events::tell(&app.installation, caller.workspace, who, name, said).await.map_err(Problem::internal)?;
    Ok(StatusCode::ACCEPTED)
}

/// Where somebody sees and changes their own preferences.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreferenceLink {
    /// Works without signing in, again and again: give it to nobody else.
    url: String,
}

/// Gives the address of somebody's own preference centre.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/preference-link", security(("caller" = ["edit_consents"])), tag = "privacy", operation_id = "preference_link", params(("person_id" = String, Path)), responses((status = 200, body = PreferenceLink)))]
pub async fn link(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(person): Path<String>,
) -> Result<Json<PreferenceLink>, Problem> {
    caller.require(Permission::EditConsents)?;
    let handle = first_identifier(&app, caller.workspace, &person).await?.handle;
    let text = preferences::links(&app, caller.workspace).await?.make(Purpose::Preferences, handle, None, None);
    Ok(Json(PreferenceLink { url: address(&app, &headers, "preferences", &text) }))
}

fn address(app: &App, headers: &HeaderMap, page: &str, text: &str) -> String {
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    format!("{}/{page}/{text}", app.public_url(host))
}

/// What is to be confirmed.
#[derive(Debug, Deserialize)]
pub struct ConfirmationQuery {
    channel: String,
    topic: Option<String>,
}

/// Where somebody confirms what they asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfirmationLink {
    /// Send it to the very address that is to be confirmed, and show it nowhere else.
    url: String,
}

/// Gives the address by which somebody confirms what they asked for (double opt-in), for a message that is sent to them.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/confirmation-link", security(("caller" = ["edit_consents"])), tag = "privacy", operation_id = "confirmation_link", params(("person_id" = String, Path), ("channel" = String, Query), ("topic" = Option<String>, Query)), responses((status = 200, body = ConfirmationLink), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn confirmation(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(person): Path<String>,
    Query(asked): Query<ConfirmationQuery>,
) -> Result<Json<ConfirmationLink>, Problem> {
    caller.require(Permission::EditConsents)?;
    let handle = first_identifier(&app, caller.workspace, &person).await?.handle;
    let channel = Channel::parse(&asked.channel).ok_or_else(|| Problem::invalid("channel", "name one channel"))?;
    let links = preferences::links(&app, caller.workspace).await?;
    let text = links.make(Purpose::Confirmation, handle, Some(channel), asked.topic.as_deref());
    Ok(Json(ConfirmationLink { url: address(&app, &headers, "confirm", &text) }))
}

/// What to ask for again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskAgainBody {
    /// The topic's key.
    topic: String,
}

/// Sends the mail that asks to confirm once more, for a topic that waits for it; no sooner than a day after the last one.
#[utoipa::path(post, path = "/api/v1/customers/{person_id}/confirmation-mail", security(("caller" = ["edit_consents"])), tag = "privacy", operation_id = "ask_to_confirm", params(("person_id" = String, Path)), request_body = AskAgainBody, responses((status = 202, description = "It goes out"), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn ask_again(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
    Json(body): Json<AskAgainBody>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditConsents)?;
    let person = find(&app, caller.workspace, &person).await?.person;
    let installation = &app.installation;
    if !installation.plans.get(installation, caller.workspace).await?.settings.confirmation_mails {
        let detail = "mails that ask to confirm are switched off";
        return Err(Problem::conflict("confirmation_mails_off", detail, "Switch them on in the settings of sending."));
    }
    let now = app.now();
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let names = identifiers::by_persons(&mut tx, caller.workspace, &[person]).await?;
    let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
    let said = consents::of_handles(&mut tx, caller.workspace, &handles).await?;
    let said: Vec<Statement> = said.iter().filter_map(consents::ConsentRow::statement).collect();
    let asked = Scope::marketing(Channel::Email).about(&body.topic);
    if consent::standing(&said, &asked, now).verdict != Verdict::Pending {
        return Err(Problem::invalid("topic", "nothing of it waits to be confirmed"));
    }
    let rows = confirmations::of_handles(&mut tx, caller.workspace, &handles).await?;
    let before = rows.iter().find(|row| row.topic == body.topic);
    let mut mails = names.iter().filter(|row| row.kind == IdentifierKind::Email.as_str());
    let Some(handle) = before.map(|row| row.handle).or_else(|| mails.next().map(|row| row.handle)) else {
        return Err(Problem::invalid("topic", "no e-mail address of theirs is known"));
    };
    let language = before.map_or("", |row| row.language.as_str());
    if !confirmations::ask(&mut tx, caller.workspace, (handle, &body.topic), language, now).await? {
        let detail = "a mail is on its way, or went out less than a day ago";
        return Err(Problem::conflict("confirmation_mail_sent", detail, "Wait a day before the next one."));
    }
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}
