//! Somebody's own preferences, by a link that needs no sign-in: what they hear about, by which way, how often; and leaving with one click (RFC 8058).
//!
//! Always holds: only a POST changes anything, so a program that follows every link in a mail changes nothing; the same POST again changes nothing
//! more; the last word of the person counts, though what was said before it is not applied yet; a page shows no more of the person than whoever wrote to them knew, because links are passed on.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rapport_domain::{Channel, Handle, Identifier, IdentifierKind, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::records::messages::Heard;
use rapport_privacy::links::Purpose;
use rapport_privacy::records::topics::{self, TopicRow};
use rapport_privacy::records::{confirmations, consents, secrets, wishes};
use rapport_privacy::{Link, Links, Scope, Statement, Verdict, consent, told};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::Priority;
use serde_json::{Map, Value, json};

use super::page;
use super::preference_words::Words;
use super::sign_in::read_form;
use crate::api::shapes::mask_email;
use crate::app::App;
use crate::http::form::{parameter, parameters};
use crate::messages;
use crate::own_data::{self, Asked};
use crate::own_events;
use crate::problem::{Problem, Result};
use crate::records::workspaces;
use crate::sending::outcomes;

/// The links of a workspace, whose secret is made at first use.
///
/// # Errors
/// The store's.
pub async fn links(app: &App, workspace: WorkspaceId) -> Result<Links> {
    Ok(messages::links(&app.installation, workspace).await?)
}

/// Whose page it is.
struct Visitor {
    link: Link,
    person: PersonId,
    names: Vec<IdentifierRow>,
    topics: Vec<TopicRow>,
    said: Vec<Statement>,
    wishes: Vec<(String, String, Timestamp)>,
    company: String,
}

impl Visitor {
    /// `None` for a link that is none of ours, or of somebody who was forgotten.
    async fn of(app: &App, text: &str) -> Result<Option<Self>> {
        Self::with(app, text, Purpose::Preferences).await
    }

    async fn with(app: &App, text: &str, purpose: Purpose) -> Result<Option<Self>> {
        let Some(workspace) = Links::workspace_of(text) else { return Ok(None) };
        let mut db = app.installation.store.snapshot().await?;
        let Some(secret) = secrets::find(&mut db, workspace).await? else { return Ok(None) };
        let link = Links::new(workspace, &secret).open(text).filter(|link| link.purpose == purpose);
        let Some(link) = link else { return Ok(None) };
        let found = identifiers::by_handles(&mut db, workspace, &[link.handle]).await?;
        let Some(person) = found.first().map(|row| row.person) else { return Ok(None) };
        let names = identifiers::by_persons(&mut db, workspace, &[person]).await?;
        let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
        let said = consents::of_handles(&mut db, workspace, &handles).await?;
        let topics = topics::all(&mut db, workspace).await?;
        let company = workspaces::find(&mut db, workspace).await?.map(|row| row.name).unwrap_or_default();
        Ok(Some(Self {
            said: said.iter().filter_map(consents::ConsentRow::statement).collect(),
            wishes: wishes::of_handles(&mut db, workspace, &handles).await?,
            topics: topics.into_iter().filter(|topic| topic.shown && topic.archived_at.is_none()).collect(),
            link,
            person,
            names,
            company,
        }))
    }

    fn wish(&self, key: &str) -> Option<&str> {
        self.wishes.iter().find(|(known, ..)| known == key).map(|(_, value, _)| value.as_str())
    }

    /// The identifier that the link was made for.
    fn identifier(&self) -> Option<Identifier> {
        let own = self.names.iter().find(|row| row.handle == self.link.handle);
        own.or_else(|| self.names.first()).map(IdentifierRow::identifier)
    }

    fn email_masked(&self) -> Option<String> {
        self.names.iter().find(|row| row.kind == IdentifierKind::Email.as_str()).map(|row| mask_email(&row.value))
    }

    /// Everything that can be chosen: the topics by their channels, and messages by each of the usual channels.
    fn scopes(&self) -> Vec<Scope> {
        let of_topics = self.topics.iter().flat_map(|topic| {
            let channels = topic.channels.0.iter().filter_map(|word| Channel::parse(word));
            channels.map(|channel| Scope::marketing(channel).about(&topic.key))
        });
        let general =
            if self.topics.is_empty() { vec![Channel::Email, Channel::Sms, Channel::Push] } else { Vec::new() };
        of_topics.chain(general.into_iter().map(Scope::marketing)).collect()
    }

    /// What the link's message was about.
    fn what(&self, words: &Words) -> String {
        let topic = self.topics.iter().find(|topic| Some(&topic.key) == self.link.topic.as_ref());
        let channel = words.channel(self.link.channel.unwrap_or(Channel::Email));
        format!("{} · {channel}", topic.map_or(words.everything, |topic| topic.name(words.tag)))
    }

    /// The same as a scope.
    fn scope(&self) -> Scope {
        let channel = self.link.channel.unwrap_or(Channel::Email);
        Scope { topic: self.link.topic.clone(), ..Scope::marketing(channel) }
    }

    fn holds(&self, scope: &Scope, now: Timestamp) -> bool {
        consent::standing(&self.said, scope, now).is_granted()
    }

    /// Whether some of what they want is still to be confirmed.
    fn waits(&self, now: Timestamp) -> bool {
        let is_pending = |scope: &Scope| consent::standing(&self.said, scope, now).verdict == Verdict::Pending;
        self.scopes().iter().any(is_pending)
    }

    async fn tell(&self, app: &App, name: &str, scope: &Scope, method: &str, locale: &str) -> Result<()> {
        let Some(who) = self.identifier() else { return Ok(()) };
        let mut said = Map::new();
        said.insert("purpose".to_owned(), json!(scope.purpose.as_str()));
        said.insert("channel".to_owned(), json!(scope.channel.map_or("any", Channel::as_str)));
        if let Some(topic) = &scope.topic {
            said.insert("topic".to_owned(), json!(topic));
        }
        for (key, value) in [("method", method), ("actor", "person"), ("locale", locale)] {
            said.insert(key.to_owned(), Value::from(value));
        }
        let (installation, workspace) = (&app.installation, self.link.workspace);
        own_events::tell(installation, workspace, who, name, said).await.map_err(Problem::internal)?;
        if let Some(message) = self.link.message.as_deref().filter(|_| name != told::GRANTED) {
            let heard = outcomes::hear(installation, workspace, message, Heard::Unsubscribed, ("", ""));
            heard.await.map_err(Problem::internal)?;
        }
        Ok(())
    }
}

/// One thing to choose.
struct Choice {
    name: String,
    label: String,
    description: String,
    is_on: bool,
}

/// A value, what it is called, whether it holds.
struct Choosable {
    value: &'static str,
    label: &'static str,
    is_on: bool,
}

#[derive(Template)]
#[template(path = "preferences.html")]
struct Preferences<'a> {
    words: &'static Words,
    company: &'a str,
    email: Option<String>,
    path: &'a str,
    choices: Vec<Choice>,
    frequencies: Vec<Choosable>,
    languages: Vec<Choosable>,
    message: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Unsubscribe<'a> {
    words: &'static Words,
    company: &'a str,
    email: Option<String>,
    what: String,
    path: &'a str,
    is_done: bool,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirmed<'a> {
    words: &'static Words,
    company: &'a str,
    what: String,
    path: &'a str,
    is_done: bool,
    preferences: String,
}

#[derive(Template)]
#[template(path = "preferences_gone.html")]
struct Gone {
    words: &'static Words,
    company: &'static str,
}

fn gone(headers: &HeaderMap) -> Response {
    page(StatusCode::NOT_FOUND, &Gone { words: Words::of(headers, None), company: "" })
}

/// `GET /preferences/{link}`: what somebody hears about.
pub async fn show(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    match Visitor::of(&app, &text).await {
        Ok(Some(visitor)) => shown(&app, &visitor, &text, &headers, None),
        Ok(None) => gone(&headers),
        Err(problem) => problem.into_response(),
    }
}

fn shown(app: &App, visitor: &Visitor, text: &str, headers: &HeaderMap, message: Option<&'static str>) -> Response {
    let words = Words::of(headers, visitor.wish(wishes::LANGUAGE));
    let now = app.now();
    let choices = visitor.scopes().into_iter().map(|scope| {
        let channel = scope.channel.map_or("", |channel| words.channel(channel));
        let topic = visitor.topics.iter().find(|topic| Some(&topic.key) == scope.topic.as_ref());
        Choice {
            name: field(&scope),
            is_on: visitor.holds(&scope, now),
            label: topic.map_or_else(|| channel.to_owned(), |topic| format!("{} · {channel}", topic.name(words.tag))),
            description: topic.map(|topic| topic.description(words.tag).to_owned()).unwrap_or_default(),
        }
    });
    let frequency = visitor.wish(wishes::FREQUENCY).unwrap_or(wishes::FREQUENCIES[0]);
    let frequencies = wishes::FREQUENCIES.iter().zip(words.frequencies);
    let template = Preferences {
        choices: choices.collect(),
        frequencies: frequencies.map(|(value, label)| Choosable { value, label, is_on: *value == frequency }).collect(),
        languages: Words::LANGUAGES
            .iter()
            .map(|(value, label)| Choosable { value, label, is_on: words.tag.starts_with(*value) })
            .collect(),
        company: &visitor.company,
        email: visitor.email_masked(),
        path: text,
        words,
        message,
    };
    page(StatusCode::OK, &template)
}

/// The name of a choice in the form.
fn field(scope: &Scope) -> String {
    format!("{}:{}", scope.channel.map_or("", Channel::as_str), scope.topic.as_deref().unwrap_or_default())
}

/// `POST /preferences/{link}`: the sent form.
pub async fn save(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap, sent: Body) -> Response {
    let saved = async {
        let form = read_form(&app, sent).await?;
        // What is compared with the form is what the person said last.
        app.pipeline.reached(app.installation.log.head()).await;
        let Some(visitor) = Visitor::of(&app, &text).await? else { return Ok(gone(&headers)) };
        let message = match parameter(&form, "act").as_deref() {
            Some(kind @ (own_data::ACCESS | own_data::ERASURE)) => Some(ask(&app, &visitor, kind, &headers).await?),
            Some("leave") => {
                leave(&app, &visitor, &headers).await?;
                None
            }
            Some("save") => {
                choose(&app, &visitor, &form, &headers).await?;
                None
            }
            // Nothing ticked is an answer, but only in a form that came whole.
            _ => Some(Words::of(&headers, visitor.wish(wishes::LANGUAGE)).unchanged),
        };
        app.pipeline.reached(app.installation.log.head()).await;
        let Some(visitor) = Visitor::of(&app, &text).await? else { return Ok(gone(&headers)) };
        let words = Words::of(&headers, visitor.wish(wishes::LANGUAGE));
        let saved = if visitor.waits(app.now()) { words.to_confirm } else { words.saved };
        let message = message.unwrap_or(saved);
        Ok(shown(&app, &visitor, &text, &headers, Some(message)))
    };
    saved.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

/// Notes what differs from what held before.
async fn choose(app: &App, visitor: &Visitor, form: &str, headers: &HeaderMap) -> Result<()> {
    let chosen: Vec<String> =
        parameters(form).into_iter().filter(|(name, _)| name == "choice").map(|(_, value)| value).collect();
    let locale = Words::of(headers, visitor.wish(wishes::LANGUAGE)).tag;
    for scope in visitor.scopes() {
        let is_wanted = chosen.contains(&field(&scope));
        if is_wanted != visitor.holds(&scope, app.now()) {
            let name = if is_wanted { told::GRANTED } else { told::WITHDRAWN };
            visitor.tell(app, name, &scope, "preference_centre", locale).await?;
        }
    }
    let mut wished = Vec::new();
    if let Some(frequency) = parameter(form, "frequency").filter(|it| wishes::FREQUENCIES.contains(&it.as_str())) {
        wished.push((wishes::FREQUENCY, frequency));
    }
    if let Some(language) = parameter(form, "language").filter(|it| Words::LANGUAGES.iter().any(|(tag, _)| tag == it)) {
        wished.push((wishes::LANGUAGE, language));
    }
    let now = app.now();
    let mut rows = Vec::new();
    for row in &visitor.names {
        for (key, value) in &wished {
            rows.push((row.handle, (*key).to_owned(), value.clone(), now));
        }
    }
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    wishes::save(&mut tx, visitor.link.workspace, &rows).await?;
    Ok(tx.commit().await?)
}

/// No messages any more, by no way.
async fn leave(app: &App, visitor: &Visitor, headers: &HeaderMap) -> Result<()> {
    let everything = Scope { channel: None, ..Scope::marketing(Channel::Email) };
    let locale = Words::of(headers, visitor.wish(wishes::LANGUAGE)).tag;
    visitor.tell(app, told::WITHDRAWN, &everything, "preference_centre", locale).await
}

/// Asks for one's data, or to be erased: whoever has the link may be somebody else, so that a mail asks, or the company does.
async fn ask(app: &App, visitor: &Visitor, kind: &str, headers: &HeaderMap) -> Result<&'static str> {
    let words = Words::of(headers, visitor.wish(wishes::LANGUAGE));
    let asked = own_data::ask(&app.sender, visitor.link.workspace, visitor.person, (kind, words.tag)).await;
    Ok(match asked.map_err(Problem::internal)? {
        Asked::Mailed => words.mailed,
        Asked::Company => words.asked,
    })
}

/// `GET /unsubscribe/{link}`: asks, and changes nothing.
pub async fn confirm(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    unsubscribe_page(&app, &text, &headers, false).await.unwrap_or_else(IntoResponse::into_response)
}

async fn unsubscribe_page(app: &App, text: &str, headers: &HeaderMap, is_done: bool) -> Result<Response> {
    let Some(visitor) = Visitor::of(app, text).await? else { return Ok(gone(headers)) };
    let words = Words::of(headers, visitor.wish(wishes::LANGUAGE));
    let what = visitor.what(words);
    let template =
        Unsubscribe { words, company: &visitor.company, email: visitor.email_masked(), what, path: text, is_done };
    Ok(page(StatusCode::OK, &template))
}

/// `POST /unsubscribe/{link}`: leaves at once. Mail programs send it without cookies, and expect no redirect (RFC 8058, section 3.1).
pub async fn unsubscribe(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap, sent: Body) -> Response {
    let left = async {
        let form = read_form(&app, sent).await?;
        let is_known = app.pipeline.applied() >= app.installation.log.head();
        let Some(visitor) = Visitor::of(&app, &text).await? else { return Ok(gone(&headers)) };
        let scope = visitor.scope();
        let one_click = parameter(&form, "List-Unsubscribe").as_deref() == Some("One-Click");
        let method = if one_click { "one_click" } else { "unsubscribe_page" };
        let locale = Words::of(&headers, visitor.wish(wishes::LANGUAGE)).tag;
        // Said already, it is not said again; unless an agreement may be on its way, which this comes after.
        if !is_known || consent::standing(&visitor.said, &scope, app.now()).verdict != Verdict::Denied {
            visitor.tell(&app, told::UNSUBSCRIBED, &scope, method, locale).await?;
        }
        unsubscribe_page(&app, &text, &headers, true).await
    };
    left.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

/// `GET /confirm/{link}`: asks, and confirms nothing: programs that look for viruses follow links.
pub async fn ask_to_confirm(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    confirm_page(&app, &text, &headers, false).await.unwrap_or_else(IntoResponse::into_response)
}

async fn confirm_page(app: &App, text: &str, headers: &HeaderMap, is_done: bool) -> Result<Response> {
    let Some(visitor) = Visitor::with(app, text, Purpose::Confirmation).await? else { return Ok(gone(headers)) };
    let words = Words::of(headers, visitor.wish(wishes::LANGUAGE));
    let links = links(app, visitor.link.workspace).await?;
    let template = Confirmed {
        preferences: links.make(Purpose::Preferences, visitor.link.handle, None, None),
        what: visitor.what(words),
        company: &visitor.company,
        path: text,
        words,
        is_done,
    };
    Ok(page(StatusCode::OK, &template))
}

/// `POST /confirm/{link}`: what was asked for is agreed to. Of what was not asked for, or refused since, nothing is confirmed.
pub async fn confirm_it(State(app): State<App>, Path(text): Path<String>, headers: HeaderMap) -> Response {
    let confirmed = async {
        let Some(visitor) = Visitor::with(&app, &text, Purpose::Confirmation).await? else { return Ok(gone(&headers)) };
        let scope = visitor.scope();
        let locale = Words::of(&headers, visitor.wish(wishes::LANGUAGE)).tag;
        let standing = consent::standing(&visitor.said, &scope, app.now());
        // What was asked for long ago may not be wanted any more.
        let is_late = standing.since.is_none_or(|since| app.now().0 - since.0 > confirmations::WORKS_FOR);
        match standing.verdict {
            Verdict::Pending if is_late => return Ok(gone(&headers)),
            Verdict::Pending => visitor.tell(&app, told::GRANTED, &scope, told::CONFIRMED, locale).await?,
            Verdict::Granted => {}
            Verdict::Unknown | Verdict::Expired | Verdict::Denied => return Ok(gone(&headers)),
        }
        confirm_page(&app, &text, &headers, true).await
    };
    confirmed.await.unwrap_or_else(|problem: Problem| problem.into_response())
}
