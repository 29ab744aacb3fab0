//! What is said about a template that need not be saved: its findings, how it looks for somebody, the ready ones, and the tokens that it can name.
//!
//! Always holds: a mistake in a template is an answer that names the place, not an error; a preview shows addresses and numbers of a person
//! no more than lists of customers do, and their own links only to whoever may note consents for them.
//!
//! Does not do: save (see [`super::message_templates`]), send.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use rapport_domain::Channel;
use rapport_engagement::Error;
use rapport_engagement::content::message::{Dropped, Link};
use rapport_engagement::content::{
    Finding, Language, Limits, Message, Prepared, Recipient, Severity, Template, Token, check, gallery, known, sms,
};
use rapport_engagement::records::templates;
use rapport_profiles::records::facts;
use rapport_store::Queries;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::customers;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::messages::company::Company;
use crate::messages::given;
use crate::messages::scope::{self, Wanted};
use crate::problem::Problem;
use crate::recommending;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ready))
        .routes(routes!(list_tokens))
        .routes(routes!(look_over))
        .routes(routes!(preview))
        .routes(routes!(preview_for))
}

/// Where the links of a preview lead that are nobody's own.
const SAMPLE_LINK: &str = "https://example.com/sample";

/// A template that cannot be accepted.
pub fn refused(error: &Error) -> Problem {
    let what = "Correct the template at this place; the guide Messages describes it.";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.code(), error.to_string(), what)
}

/// A ready template.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyTemplate {
    key: String,
    #[schema(value_type = Object)]
    template: Value,
    /// What must start its messages, so that it has what it names: `cart`, `order`, `points` ...
    needs: Vec<String>,
}

/// Lists ready templates to begin with.
#[utoipa::path(get, path = "/api/v1/message-gallery", security(("caller" = ["view_people"])), tag = "messages", responses((status = 200, body = Rows<ReadyTemplate>)))]
pub async fn ready(caller: Caller) -> Result<Json<Rows<ReadyTemplate>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = |key: &str| {
        let ready = gallery::ready(key).map_err(Problem::internal)?;
        let needs = needs(&ready.template);
        Ok(ReadyTemplate { key: key.to_owned(), template: ready.template.to_json(), needs })
    };
    Ok(Json(Rows { rows: gallery::keys().map(row).collect::<Result<_, Problem>>()? }))
}

fn needs(template: &Template) -> Vec<String> {
    known::needs(template, Limits::default()).into_iter().map(|group| group.as_str().to_owned()).collect()
}

/// A value that templates can name.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenShape {
    path: String,
    /// What it comes with: `person`, `traits`, `scores`, `company`, `links`, `event`, `cart`, `order` ...
    group: String,
    /// Whether it is there wherever its group is, so that it needs no fallback.
    always: bool,
    /// Whether every message has its group.
    everyone: bool,
    /// What it is, by language; nothing for traits that senders of events made up.
    meaning: BTreeMap<String, String>,
    /// A value as it could be.
    #[schema(value_type = Option<Object>)]
    example: Value,
}

/// Lists the values that templates can name: those that every workspace has, and the traits of this one's customers.
#[utoipa::path(get, path = "/api/v1/message-tokens", security(("caller" = ["view_people"])), tag = "messages", responses((status = 200, body = Rows<TokenShape>)))]
pub async fn list_tokens(State(app): State<App>, caller: Caller) -> Result<Json<Rows<TokenShape>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut rows: Vec<TokenShape> = known::known()
        .iter()
        .map(|token| TokenShape {
            path: token.path.clone(),
            group: token.group.as_str().to_owned(),
            always: token.always,
            everyone: token.group.comes_with_everyone(),
            meaning: token.meaning.clone(),
            example: token.example.clone(),
        })
        .collect();
    for path in traits(&mut app.installation.store.read(), &caller).await? {
        let (group, meaning) = ("traits".to_owned(), BTreeMap::new());
        rows.push(TokenShape { path, group, always: false, everyone: true, meaning, example: Value::Null });
    }
    Ok(Json(Rows { rows }))
}

/// The traits of this workspace's customers that a template can name and that are not in the list of all workspaces.
async fn traits(db: &mut impl Queries, caller: &Caller) -> Result<Vec<String>, Problem> {
    let is_word = |part: &str| {
        !part.starts_with(|c: char| c.is_ascii_digit())
            && !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let keys = facts::keys(db, caller.workspace).await?;
    let paths = keys
        .iter()
        .filter_map(|(key, _)| key.strip_prefix("trait."))
        .filter(|key| key.split('.').all(is_word) && scope::is_within_reach(key));
    let paths = paths.map(|key| format!("profile.{key}"));
    Ok(paths.filter(|path| known::known().iter().all(|token| token.path != *path)).collect())
}

/// Something found in a template.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingShape {
    /// `error`: it must not be sent like this; `warning`; `hint`.
    severity: String,
    /// A stable word for its kind.
    code: String,
    /// The field, e.g. `content.email.en.blocks[2].button.url`.
    place: String,
    /// In the field, from 1.
    line: Option<usize>,
    /// In letters, from 1.
    column: Option<usize>,
    /// What it is and what to do.
    text: String,
}

impl FindingShape {
    /// As the API shows it.
    pub fn of(finding: Finding) -> Self {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        let Finding { code, place, line, column, text, .. } = finding;
        Self { severity: severity.to_owned(), code: code.to_owned(), place, line, column, text }
    }

    fn of_error(error: &Error) -> Self {
        Self::of(Finding::of_error(error))
    }
}

/// A template to look over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    #[schema(value_type = Object)]
    template: Value,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookedOver {
    /// Errors first.
    findings: Vec<FindingShape>,
    /// Whether it could be sent: no errors.
    can_be_sent: bool,
    /// The tokens that it names.
    uses: Vec<String>,
    /// What must start its messages: `cart`, `order`, `points` ...
    needs: Vec<String>,
}

/// Looks over a template that need not be saved.
#[utoipa::path(post, path = "/api/v1/message-check", security(("caller" = ["view_people"])), tag = "messages", request_body = Draft, responses((status = 200, body = LookedOver)))]
pub async fn look_over(
    State(app): State<App>,
    caller: Caller,
    Json(draft): Json<Draft>,
) -> Result<Json<LookedOver>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let template = match Template::from_json(draft.template) {
        Ok(template) => template,
        Err(error) => {
            let findings = vec![FindingShape::of_error(&error)];
            return Ok(Json(LookedOver { findings, can_be_sent: false, uses: Vec::new(), needs: Vec::new() }));
        }
    };
    let mut db = app.installation.store.read();
    let company = Company::read(&mut db, caller.workspace).await?;
    let mut tokens = known::tokens();
    tokens.extend(traits(&mut db, &caller).await?.into_iter().map(|path| Token { path, always: false }));
    let place = format!("content.{}.{}", template.content.word(), template.default_language);
    let (found, uses, needs) = on_thread(move || {
        let found = check(&template, &tokens, Limits::default());
        (found, check::used(&template, Limits::default()), needs(&template))
    })
    .await?;
    let mut findings: Vec<FindingShape> = company.lacking(&uses).into_iter().map(|key| lacking(key, &place)).collect();
    findings.extend(found.into_iter().map(FindingShape::of));
    Ok(Json(LookedOver {
        can_be_sent: findings.iter().all(|finding| finding.severity != "error"),
        findings,
        needs,
        uses: uses.into_iter().collect(),
    }))
}

fn lacking(key: &str, place: &str) -> FindingShape {
    FindingShape {
        severity: "error".to_owned(),
        code: "letterhead_incomplete".to_owned(),
        place: place.to_owned(),
        line: None,
        column: None,
        text: format!("The template names `company.{key}`, and the letterhead has none. Fill it in."),
    }
}

/// Templates come from outside, and their work is bounded but not nothing: it is done where it delays nobody.
pub async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

/// What to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    /// A template that need not be saved; or
    #[schema(value_type = Option<Object>)]
    template: Option<Value>,
    /// the key of a saved one.
    key: Option<String>,
    /// A version of it; the latest unless said.
    version: Option<i64>,
    /// The language that the reader reads; their own, or the template's default unless said.
    language: Option<String>,
    /// The event that starts the message: `{"name", "occurred_at", "properties"}`. Examples stand in for what it does not give.
    #[schema(value_type = Option<Object>)]
    event: Option<Value>,
}

/// How a text message is sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SmsParts {
    /// In so many messages; each is paid for.
    parts: usize,
    /// Units it takes.
    units: usize,
    /// So many units more fit into the last message.
    left: usize,
    /// Whether the short alphabet has all its letters.
    is_seven_bit: bool,
    /// Some letters that are not in it.
    others: Vec<String>,
}

/// A link of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkShape {
    /// `content`, `unsubscribe`, `preferences`, `view` or `contact`.
    #[schema(value_type = String)]
    kind: rapport_engagement::content::message::LinkKind,
    url: String,
}

/// A message as somebody would get it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Preview {
    /// The language of the variant.
    language: Option<String>,
    subject: Option<String>,
    preheader: Option<String>,
    /// The HTML part. Show it in a sandboxed frame only.
    html: Option<String>,
    /// The plain text part of an e-mail, or the text of another message.
    text: Option<String>,
    title: Option<String>,
    url: Option<String>,
    image_url: Option<String>,
    label: Option<String>,
    links: Vec<LinkShape>,
    /// Bytes of the HTML, or of the text where there is none.
    bytes: usize,
    /// Of a text message.
    sms: Option<SmsParts>,
    /// What fills the approved text that WhatsApp gets after 24 hours, in the order of its gaps.
    approved: Option<Vec<String>>,
    /// What had to be left out.
    warnings: Vec<FindingShape>,
    /// Why there is no message: this person would not get one.
    error: Option<FindingShape>,
    /// For whom: nothing when it is an example.
    person_id: Option<String>,
    /// Whether the links are examples.
    sample_links: bool,
}

/// Shows a template with examples for everything that it names.
#[utoipa::path(post, path = "/api/v1/message-preview", security(("caller" = ["view_people"])), tag = "messages", request_body = PreviewBody, responses((status = 200, body = Preview), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PreviewBody>,
) -> Result<Json<Preview>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let company = Company::read(&mut app.installation.store.read(), caller.workspace).await?;
    let mut data = known::sample();
    lay_over(&mut data, "company", company.token());
    if let Some(event) = &body.event {
        for (key, value) in given::tokens(event, &data["company"]) {
            lay_over(&mut data, &key, value);
        }
    }
    let language = wanted_language(&body)?;
    let template = match template_of(&app, &caller, body).await? {
        Ok(template) => template,
        Err(error) => return Ok(Json(failed(&error))),
    };
    let language = language.unwrap_or_else(|| template.default_language.clone());
    let zone = company.calendar.zone;
    let sample = move |template: Template| {
        let (unsubscribe, preferences, view) = sample_links();
        let recipient = Recipient {
            unsubscribe_url: Some(&unsubscribe),
            preferences_url: Some(&preferences),
            view_url: Some(&view),
            ..Recipient::new(&language, zone)
        };
        rendered(&template, &data, &recipient)
    };
    let shown = on_thread(move || sample(template)).await?;
    Ok(Json(Preview { sample_links: true, ..shown }))
}

fn sample_links() -> (String, String, String) {
    let of = |word: &str| format!("{SAMPLE_LINK}/{word}");
    (of("unsubscribe"), of("preferences"), of("view"))
}

/// Members of `over` take the place of those of the example.
fn lay_over(data: &mut Value, key: &str, over: Value) {
    match (data.get_mut(key), over) {
        (Some(Value::Object(inner)), Value::Object(over)) => inner.extend(over),
        (_, over) => data[key] = over,
    }
}

/// Shows a template as one customer would get it. What no event or other part of the product gives yet is shown by examples.
#[utoipa::path(post, path = "/api/v1/customers/{person_id}/message-preview", security(("caller" = ["view_people"])), tag = "messages", params(("person_id" = String, Path)), request_body = PreviewBody, responses((status = 200, body = Preview), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn preview_for(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(person): Path<String>,
    Json(body): Json<PreviewBody>,
) -> Result<Json<Preview>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = customers::find(&app, caller.workspace, &person).await?;
    let language = wanted_language(&body)?;
    let event = body.event.clone();
    let template = match template_of(&app, &caller, body).await? {
        Ok(template) => template,
        Err(error) => return Ok(Json(failed(&error))),
    };
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    let public_url = app.public_url(host);
    let mut given = Map::new();
    if recommending::is_asked_for(&template)
        && let Some(products) = recommending::token(&app.installation, caller.workspace, row.person).await?
    {
        given.insert(recommending::TOKEN.to_owned(), products);
    }
    let wanted = Wanted {
        workspace: caller.workspace,
        person: row.person,
        channel: Channel::ALL.into_iter().find(|it| template.content.serves(*it)).unwrap_or(Channel::Email),
        topic: None,
        message: None,
        event: event.as_ref(),
        given: Some(&given),
        public_url: &public_url,
    };
    let found = scope::scope(&app.installation, &wanted).await?;
    let mut scope = found.ok_or_else(|| Problem::not_found("customer"))?;
    scope.mask();
    let shows_links = caller.may(Permission::EditConsents);
    let (unsubscribe, preferences, view) = sample_links();
    if !shows_links {
        (scope.unsubscribe_url, scope.preferences_url) = (unsubscribe, preferences);
    }
    if let Some(language) = language {
        scope.language = language;
    }
    fill_with_examples(&mut scope.data);
    let work = move || {
        let recipient = Recipient { view_url: Some(&view), ..scope.recipient() };
        rendered(&template, &scope.data, &recipient)
    };
    let shown = on_thread(work).await?;
    Ok(Json(Preview { person_id: Some(row.person.to_string()), sample_links: !shows_links, ..shown }))
}

/// Examples of the groups that do not come with the person.
fn fill_with_examples(data: &mut Value) {
    let (Value::Object(data), Value::Object(sample)) = (data, known::sample()) else { return };
    for (key, value) in sample {
        data.entry(key).or_insert(value);
    }
}

fn wanted_language(body: &PreviewBody) -> Result<Option<Language>, Problem> {
    let wrong = || Problem::invalid("language", "is a BCP 47 tag, e.g. en or zh-Hans");
    body.language.as_deref().map(|tag| Language::parse(tag).ok_or_else(wrong)).transpose()
}

/// The template to show; a mistake in one that is not saved is told in the preview.
async fn template_of(app: &App, caller: &Caller, body: PreviewBody) -> Result<Result<Template, Error>, Problem> {
    let key = match (body.template, body.key) {
        (Some(template), None) => return Ok(Template::from_json(template)),
        (None, Some(key)) => key,
        _ => return Err(Problem::invalid("template", "give `template` or `key`, and not both")),
    };
    let missing = || Problem::not_found("template");
    let mut db = app.installation.store.read();
    let latest = templates::find(&mut db, caller.workspace, &key).await?.ok_or_else(missing)?.version;
    let row = templates::version(&mut db, caller.workspace, &key, body.version.unwrap_or(latest)).await?;
    let value = serde_json::from_str(&row.ok_or_else(missing)?.content).map_err(Problem::internal)?;
    Ok(Template::from_json(value))
}

fn failed(error: &Error) -> Preview {
    Preview { error: Some(FindingShape::of_error(error)), ..Preview::default() }
}

fn rendered(template: &Template, data: &Value, recipient: &Recipient<'_>) -> Preview {
    let message = Prepared::new(template, Limits::default())
        .and_then(|ready| Ok((ready.render(data, recipient)?, ready.approved(data, recipient)?)));
    match message {
        Err(error) => failed(&error),
        Ok((Message::Email(email), _)) => Preview {
            language: Some(email.language.to_string()),
            subject: Some(email.subject),
            preheader: Some(email.preheader),
            bytes: email.html.len(),
            html: Some(email.html),
            text: email.text,
            links: links(email.links),
            warnings: left_out(email.dropped),
            ..Preview::default()
        },
        Ok((Message::Note(note), approved)) => {
            // Gaps are numbered; as texts they would be sorted as 1, 10, 2.
            let filled = approved.map(|it| {
                let values = (1..=it.variables.len()).filter_map(|gap| it.variables.get(&gap.to_string()).cloned());
                values.collect()
            });
            let is_text = template.content.word() == "text";
            let whole = match &note.url {
                Some(url) => format!("{} {url}", note.body),
                None => note.body.clone(),
            };
            Preview {
                language: Some(note.language.to_string()),
                bytes: note.body.len(),
                sms: is_text.then(|| counted(&whole)),
                approved: filled,
                text: Some(note.body),
                title: note.title,
                url: note.url,
                image_url: note.image_url,
                label: note.label,
                links: links(note.links),
                warnings: left_out(note.dropped),
                ..Preview::default()
            }
        }
    }
}

fn counted(text: &str) -> SmsParts {
    let sms::Parts { is_seven_bit, units, parts, left, others } = sms::parts(text);
    SmsParts { parts, units, left, is_seven_bit, others: others.into_iter().map(String::from).collect() }
}

fn links(links: Vec<Link>) -> Vec<LinkShape> {
    links.into_iter().map(|link| LinkShape { kind: link.kind, url: link.url }).collect()
}

fn left_out(dropped: Vec<Dropped>) -> Vec<FindingShape> {
    let warning = |it: Dropped| FindingShape {
        severity: "warning".to_owned(),
        code: "url_left_out".to_owned(),
        place: it.place,
        line: Some(it.line),
        column: Some(it.column),
        text: format!("An address was left out: {}.", it.problem.as_str()),
    };
    dropped.into_iter().map(warning).collect()
}
