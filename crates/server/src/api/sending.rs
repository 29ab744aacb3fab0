//! `/api/v1/sending`: how a workspace sends, and how well it goes.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Channel, Id, Timestamp};
use rapport_engagement::journey::Class;
use rapport_engagement::records::messages::{self, MessageRow};
use rapport_engagement::records::{addresses, settings, templates};
use rapport_engagement::sending::Settings;
use rapport_experiments::global_holdout;
use rapport_experiments::service::Author;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::customers;
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;
use crate::sending::acts;
use crate::visitors::who;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, save))
        .routes(routes!(health))
        .routes(routes!(send_one))
        .routes(routes!(revive))
}

/// A way out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Way {
    channel: String,
    /// Whether something is set up to send by it.
    is_ready: bool,
}

/// What must be in the DNS so that mails are trusted.
#[derive(Debug, Serialize, ToSchema)]
pub struct DnsRecord {
    /// Its name.
    name: String,
    /// Its TXT value.
    value: String,
}

/// How a workspace sends.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendingSettings {
    /// Sender, quiet hours, caps and the rest.
    #[schema(value_type = Object)]
    settings: Value,
    ways: Vec<Way>,
    dns: Vec<DnsRecord>,
    /// What the requests of journeys to other programs are signed with (Standard Webhooks); shown to those who may change it.
    webhook_secret: Option<String>,
    /// What the company's own server vouches with for who is signed in on its pages (`userHash`); shown to those who may change it.
    visitor_secret: Option<String>,
}

async fn page(app: &App, caller: &Caller) -> Result<SendingSettings, Problem> {
    let settings = settings::read(&mut app.installation.store.read(), caller.workspace).await?;
    let ways = &app.sender.ways;
    let shown = [Channel::Email, Channel::Sms, Channel::Whatsapp, Channel::Push, Channel::InApp];
    let (webhook_secret, visitor_secret) = match caller.require(Permission::ManageSending) {
        Ok(()) => (
            Some(acts::webhook_secret(&app.installation, caller.workspace).await?),
            Some(who::secret(&app.installation, caller.workspace).await?),
        ),
        Err(_) => (None, None),
    };
    Ok(SendingSettings {
        settings: serde_json::to_value(&settings).map_err(Problem::internal)?,
        ways: shown
            .into_iter()
            .map(|channel| Way { channel: channel.as_str().to_owned(), is_ready: ways.can_send(channel) })
            .collect(),
        dns: ways
            .signers()
            .into_iter()
            .map(|signer| DnsRecord { name: signer.dns_name(), value: signer.dns_record() })
            .collect(),
        webhook_secret,
        visitor_secret,
    })
}

/// Shows how the workspace sends.
#[utoipa::path(get, path = "/api/v1/sending/settings", security(("caller" = ["view_reports"])), tag = "sending", operation_id = "sending_settings", responses((status = 200, body = SendingSettings)))]
pub async fn show(State(app): State<App>, caller: Caller) -> Result<Json<SendingSettings>, Problem> {
    caller.require(Permission::ViewReports)?;
    Ok(Json(page(&app, &caller).await?))
}

/// How it is to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsBody {
    /// What is not said is as by default.
    #[schema(value_type = Object)]
    settings: Value,
}

/// Changes how the workspace sends.
#[utoipa::path(put, path = "/api/v1/sending/settings", security(("caller" = ["manage_sending"])), tag = "sending", operation_id = "save_sending_settings", request_body = SettingsBody, responses((status = 200, body = SendingSettings), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SettingsBody>,
) -> Result<Json<SendingSettings>, Problem> {
    caller.require(Permission::ManageSending)?;
    let wanted = Settings::from_json(&body.settings).map_err(|error| Problem::invalid("settings", error))?;
    if !wanted.from.address.is_empty() && !rapport_channels::mail::address::is_address(&wanted.from.address) {
        return Err(Problem::invalid("settings.from.address", "it is no address such as news@example.org"));
    }
    let is_wrong = |address: &String| !rapport_channels::mail::address::is_address(address);
    if let Some(place) = wanted.seed_list.iter().position(is_wrong) {
        return Err(Problem::invalid(
            &format!("settings.seed_list[{place}]"),
            "it is no address such as ann@example.org",
        ));
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let author = Author { by: caller.id().as_str(), at: app.now() };
    settings::save(&mut tx, caller.workspace, &wanted, author.at, author.by).await?;
    global_holdout::set(&mut tx, caller.workspace, wanted.holdout_places(), author).await?;
    tx.commit().await?;
    app.installation.plans.forget(caller.workspace);
    app.installation.experiments.forget(caller.workspace);
    Ok(Json(page(&app, &caller).await?))
}

/// What became of the messages of one channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelHealth {
    channel: String,
    state: String,
    messages: i64,
    bounced: i64,
    complained: i64,
    unsubscribed: i64,
}

/// Addresses that nothing is sent to.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadAddresses {
    channel: String,
    /// `bounced`, `complained` or `unsubscribed`.
    reason: String,
    addresses: i64,
}

/// How sending goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendingHealth {
    /// How many wait.
    waiting: i64,
    /// Since when the longest does.
    waiting_since: Option<String>,
    /// What was decided in the last 30 days.
    channels: Vec<ChannelHealth>,
    dead: Vec<DeadAddresses>,
    /// What to look at, in words, the worst first.
    signs: Vec<String>,
}

/// So far back.
const DAYS: i64 = 30;

/// Says how sending goes: what waits, what failed, and what speaks for or against the sender's name.
#[utoipa::path(get, path = "/api/v1/sending/health", security(("caller" = ["view_reports"])), tag = "sending", operation_id = "sending_health", responses((status = 200, body = SendingHealth)))]
pub async fn health(State(app): State<App>, caller: Caller) -> Result<Json<SendingHealth>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let now = app.now();
    let rows = messages::health(&mut db, caller.workspace, now.plus(-DAYS * Timestamp::DAY)).await?;
    let (waiting, since) = messages::queue(&mut db, caller.workspace).await?;
    let dead = addresses::count(&mut db, caller.workspace).await?;
    let own = settings::read(&mut db, caller.workspace).await?;
    let channels: Vec<ChannelHealth> = rows
        .into_iter()
        .map(|(channel, state, messages, bounced, complained, unsubscribed)| ChannelHealth {
            channel,
            state,
            messages,
            bounced,
            complained,
            unsubscribed,
        })
        .collect();
    let mut signs = Vec::new();
    if own.paused {
        signs.push("All sending is paused.".to_owned());
    }
    if app.sender.ways.smtp().is_none() {
        signs.push("No mail server is set up, so no mail goes out.".to_owned());
    } else if own.from.address.is_empty() {
        signs.push("No sender's address is set, so no mail goes out.".to_owned());
    }
    if app.sender.ways.smtp().is_some() && app.sender.ways.signers().is_empty() {
        signs.push("Mails are not signed (DKIM): large mailbox providers may refuse them.".to_owned());
    }
    signs.extend(reputation(&channels));
    let late = since.filter(|since| now.0 - since.0 > Timestamp::HOUR);
    if let Some(late) = late {
        signs.push(format!("Messages wait since {}.", time(late)));
    }
    Ok(Json(SendingHealth {
        waiting,
        waiting_since: since.map(time),
        channels,
        dead: dead
            .into_iter()
            .map(|(channel, reason, addresses)| DeadAddresses { channel, reason, addresses })
            .collect(),
        signs,
    }))
}

/// Gmail and Yahoo ask senders to keep complaints below 0.3 %, and better below 0.1 % (Email sender guidelines, 2024).
fn reputation(channels: &[ChannelHealth]) -> Vec<String> {
    let of_mail = || channels.iter().filter(|it| it.channel == Channel::Email.as_str());
    let gone = |it: &&ChannelHealth| !["skipped", "queued", "held", "failed"].contains(&it.state.as_str());
    let sent: i64 = of_mail().filter(gone).map(|it| it.messages).sum();
    let failed: i64 = of_mail().filter(|it| it.state == messages::FAILED).map(|it| it.messages).sum();
    let (bounced, complained) = of_mail().fold((0, 0), |sum, it| (sum.0 + it.bounced, sum.1 + it.complained));
    let mut signs = Vec::new();
    if failed > 0 {
        signs.push(format!("{failed} mails could not be sent; look at them and try again."));
    }
    if sent < 100 {
        return signs;
    }
    let share = |count: i64| count as f64 / sent as f64 * 100.0;
    if share(complained) >= 0.1 {
        signs.push(format!(
            "{:.2} % of readers complained; above 0.3 % mailbox providers refuse mails.",
            share(complained)
        ));
    }
    if share(bounced) >= 2.0 {
        signs.push(format!(
            "{:.1} % of mails came back; above 2 % a list is thought to be old or bought.",
            share(bounced)
        ));
    }
    signs
}

/// A message to one customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBody {
    /// To whom.
    person_id: String,
    /// `email`, `sms` ...
    channel: String,
    /// The template's key.
    template: String,
    /// `marketing` (unless said), `service` or `transactional`.
    class: Option<String>,
    /// About what.
    topic: Option<String>,
    /// What it can say about it.
    #[serde(default)]
    #[schema(value_type = Object)]
    properties: serde_json::Map<String, Value>,
    /// The same again is not sent twice.
    idempotency_key: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendAnswer {
    /// The message, where its fate can be looked up.
    id: String,
    /// Whether it is new; with a key that was used before it is not.
    is_new: bool,
}

/// Sends one message to one customer: a test, or a transactional message of the company's own systems. Consent and the rest are asked when it goes out.
#[utoipa::path(post, path = "/api/v1/messages/send", security(("caller" = ["edit_journeys"])), tag = "messages", operation_id = "send_message", request_body = SendBody, responses((status = 200, body = SendAnswer), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn send_one(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SendBody>,
) -> Result<Json<SendAnswer>, Problem> {
    caller.require(Permission::EditJourneys)?;
    let person = customers::find(&app, caller.workspace, &body.person_id).await?.person;
    let channel =
        Channel::parse(&body.channel).ok_or_else(|| Problem::invalid("channel", "there is no such channel"))?;
    let class = body.class.as_deref().unwrap_or(Class::Marketing.as_str());
    let class =
        Class::parse(class).ok_or_else(|| Problem::invalid("class", "say marketing, service or transactional"))?;
    if !app.sender.ways.can_send(channel) {
        return Err(Problem::invalid("channel", "nothing is set up to send by it"));
    }
    if Value::Object(body.properties.clone()).to_string().len() > 32_768 {
        return Err(Problem::invalid("properties", "at most 32 KB"));
    }
    let installation = &app.installation;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    if templates::find(&mut tx, caller.workspace, &body.template).await?.is_none() {
        return Err(Problem::invalid("template", "there is no template of that key"));
    }
    let now = app.now();
    let plans = installation.plans.within(&mut tx, caller.workspace).await?;
    let people = rapport_engagement::situations::load(&mut tx, caller.workspace, &plans, &[person], now).await;
    let people = people.map_err(super::journeys::refused)?;
    let id = Id::new("msg", &*installation.clock, &*installation.rng).0;
    let key = body.idempotency_key.filter(|key| !key.is_empty());
    if key.as_ref().is_some_and(|key| key.len() > 200) {
        return Err(Problem::invalid("idempotency_key", "at most 200 bytes"));
    }
    let row = MessageRow {
        handle: people.get(&person).and_then(|it| it.reach.get(&channel)).copied(),
        topic: body.topic,
        // Of one workspace, so that two do not meet.
        instance: key.map(|key| format!("api:{}:{key}", caller.workspace)),
        template: body.template,
        payload: json!({"name": "", "occurred_at": now.to_rfc3339(), "properties": body.properties}),
        // Nobody asked yet whether caps leave room for it: whoever takes it does, one after the other, and two that are asked for at once cannot both
        // have the last place.
        capped: false,
        ..MessageRow::queued(id.clone(), person, channel, class, now)
    };
    let is_new = messages::insert(&mut tx, caller.workspace, std::slice::from_ref(&row)).await? > 0;
    let id = match (&row.instance, is_new) {
        (Some(instance), false) => messages::by_instance(&mut tx, caller.workspace, instance).await?.unwrap_or(id),
        _ => id,
    };
    tx.commit().await?;
    if !plans.keeps_people {
        installation.plans.forget(caller.workspace);
    }
    Ok(Json(SendAnswer { id, is_new }))
}

/// Which way.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReviveBody {
    /// `email`, `sms` ...
    channel: String,
}

/// Sends to a customer's address again that bounced or complained. Consent stays as it is.
#[utoipa::path(post, path = "/api/v1/customers/{id}/revive-address", security(("caller" = ["edit_consents"])), tag = "sending", operation_id = "revive_address", params(("id" = String, Path)), request_body = ReviveBody, responses((status = 200)))]
pub async fn revive(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<ReviveBody>,
) -> Result<Json<Value>, Problem> {
    caller.require(Permission::EditConsents)?;
    let person = customers::find(&app, caller.workspace, &id).await?.person;
    let channel =
        Channel::parse(&body.channel).ok_or_else(|| Problem::invalid("channel", "there is no such channel"))?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let names = rapport_profiles::records::identifiers::by_persons(&mut tx, caller.workspace, &[person]).await?;
    let handles: Vec<_> = names.iter().map(|row| row.handle).collect();
    let count = addresses::revive(&mut tx, caller.workspace, &handles, channel).await?;
    tx.commit().await?;
    Ok(Json(json!({"addresses": count})))
}
