//! Whose page it is: what a link stands for, with the survey, what was answered so far, and what may be put into its texts.
//!
//! Always holds: of a person no more is known to the page than the traits that the survey's texts name, and in the panel beside a page of the company's own
//! only while it is proven that they are there.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue, header};
use rapport_domain::language::best;
use rapport_domain::{Language, Timestamp, WorkspaceId};
use rapport_feedback::links::{Link, Links, Mode};
use rapport_feedback::records::answers;
use rapport_feedback::records::invitations::{self, INVITED, InvitationRow, UNASKED, UNDELIVERED};
use rapport_feedback::records::responses::{self, ResponseRow};
use rapport_feedback::records::surveys::{self, DRAFT, PAUSED, SurveyRow};
use rapport_feedback::survey::piping::{self, Piece, pieces};
use rapport_feedback::survey::{Answer, Answers, Definition, Words, read};
use rapport_privacy::records::secrets;
use rapport_profiles::records::facts;
use rapport_store::Queries;
use serde_json::Value;

use crate::app::App;
use crate::http::form::parameters;
use crate::problem::Result;
use crate::records::workspaces;

/// A visit of the panel beside a page of the company's own, by somebody who is known.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// Whether the company's server vouched for who is there.
    is_proven: bool,
    /// When it is over.
    until: Timestamp,
}

/// Whoever has a link open.
pub struct Reader {
    /// Where.
    pub workspace: WorkspaceId,
    /// Whose survey it is.
    pub company: String,
    /// The survey.
    pub survey: SurveyRow,
    /// The version that is answered.
    pub version: i64,
    /// What it asks.
    pub definition: Definition,
    /// Their invitation.
    pub invitation: Option<InvitationRow>,
    /// What was begun.
    pub response: Option<ResponseRow>,
    /// What was answered so far.
    pub answers: Answers,
    /// How an open link is used.
    pub mode: Option<Mode>,
    /// A visit of the panel beside a page of the company's own.
    pub visit: Option<Visit>,
    /// Where it hangs or stands.
    pub touchpoint: Option<String>,
    /// In which language they read.
    pub language: Language,
    /// Whether they chose it.
    pub has_chosen: bool,
    /// Where a device that stands somewhere begins anew.
    pub again: Option<String>,
    /// What the address brought along.
    brought: Vec<(String, String)>,
    traits: BTreeMap<String, String>,
}

impl Reader {
    /// `None` for a link that is none of ours, or of what is gone.
    pub async fn of(app: &App, text: &str, headers: &HeaderMap, query: &str) -> Result<Option<Self>> {
        let Some(workspace) = Links::workspace_of(text) else { return Ok(None) };
        let mut db = app.installation.store.snapshot().await?;
        let Some(secret) = secrets::find(&mut db, workspace).await? else { return Ok(None) };
        let links = Links::new(workspace, &secret);
        let Some(link) = links.open(text) else { return Ok(None) };
        let (mut invitation, mut response, mut touchpoint) = (None, None, None);
        let visit = match link {
            Link::Panel { is_proven, until, .. } => Some(Visit { is_proven, until }),
            _ => None,
        };
        let mut mode = visit.map(|_| Mode::Widget);
        let survey = match link {
            Link::Invitation { id } | Link::Panel { invitation: id, .. } => {
                let found = invitations::find(&mut db, workspace, &id).await?;
                // What was not sent to anybody opens nothing.
                let opens =
                    |state: &str| [INVITED, UNDELIVERED].contains(&state) || (visit.is_some() && state == UNASKED);
                let Some(row) = found.filter(|it| opens(&it.state)) else { return Ok(None) };
                response = responses::of_invitation(&mut db, workspace, &id).await?;
                let survey = row.survey;
                invitation = Some(row);
                survey
            }
            Link::Open { survey, mode: of, touchpoint: at } => {
                (mode, touchpoint) = (Some(of), at);
                survey
            }
            Link::Response { id, mode: of } => {
                let Some(row) = responses::find(&mut db, workspace, &id).await? else { return Ok(None) };
                mode = of;
                touchpoint.clone_from(&row.touchpoint);
                let survey = row.survey;
                response = Some(row);
                survey
            }
        };
        let Some(survey) = surveys::by_number(&mut db, workspace, survey).await? else { return Ok(None) };
        let begun = response.as_ref().map(|it| it.version);
        let Some(version) = begun.or(invitation.as_ref().and_then(|it| it.version)).or(survey.published) else {
            return Ok(None);
        };
        let Some(definition) = surveys::version(&mut db, workspace, survey.survey, version).await? else {
            return Ok(None);
        };
        let answers = match &response {
            Some(row) => answers::of(&mut db, workspace, &row.id).await?,
            None => Answers::new(),
        };
        let brought = parameters(query);
        let wanted = brought.iter().find(|(name, _)| name == "lang").and_then(|(_, tag)| Language::parse(tag));
        let known = response.as_ref().and_then(|it| Language::parse(&it.language));
        let language = language(&definition, [wanted.clone(), known], headers);
        let again = (mode == Some(Mode::Kiosk)).then(|| {
            links.make(&Link::Open { survey: survey.survey, mode: Mode::Kiosk, touchpoint: touchpoint.clone() })
        });
        let mut reader = Self {
            again,
            workspace,
            company: workspaces::find(&mut db, workspace).await?.map(|row| row.name).unwrap_or_default(),
            survey,
            version,
            definition,
            invitation,
            response,
            answers,
            mode,
            visit,
            touchpoint,
            language,
            has_chosen: wanted.is_some(),
            brought,
            traits: BTreeMap::new(),
        };
        reader.traits = reader.read_traits(&mut db, app.now()).await?;
        Ok(Some(reader))
    }

    /// Somebody of whom nothing is known, who has answered so far: for looking at what is not published, or not even saved.
    pub fn imagined(
        workspace: WorkspaceId,
        company: String,
        definition: Definition,
        seen: (Language, Answers),
    ) -> Self {
        let (language, answers) = seen;
        let nobody = Timestamp(0);
        let survey = SurveyRow {
            survey: 0,
            key: String::new(),
            name: String::new(),
            state: DRAFT.to_owned(),
            revision: 0,
            version: 0,
            published: None,
            wave: 1,
            kind: definition.asking.kind.as_str().to_owned(),
            created_at: nobody,
            updated_at: nobody,
            updated_by: String::new(),
            opened_at: None,
            closes_at: None,
            closed_at: None,
        };
        Self {
            workspace,
            company,
            survey,
            version: 0,
            definition,
            invitation: None,
            response: None,
            answers,
            mode: None,
            visit: None,
            touchpoint: None,
            language,
            has_chosen: true,
            again: None,
            brought: Vec::new(),
            traits: BTreeMap::new(),
        }
    }

    async fn read_traits(&self, db: &mut impl Queries, now: Timestamp) -> Result<BTreeMap<String, String>> {
        if self.visit.is_some_and(|it| !it.is_proven) || self.is_over(now) {
            return Ok(BTreeMap::new());
        }
        let person = self.response.as_ref().and_then(|it| it.person).or(self.invitation.as_ref().map(|it| it.person));
        let named: Vec<String> = self
            .definition
            .words()
            .iter()
            .flat_map(|(_, words)| words.0.values())
            .flat_map(|text| pieces(text).unwrap_or_default())
            .filter_map(|piece| match piece {
                Piece::Value { of: "profile", key, .. } => Some(format!("trait.{key}")),
                _ => None,
            })
            .collect();
        let (Some(person), false) = (person, named.is_empty()) else { return Ok(BTreeMap::new()) };
        let found = facts::current_keys_of(db, self.workspace, &[person], &named, now).await?;
        let text = |value: &str| match serde_json::from_str::<Value>(value).ok()? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let key = |key: &str| key.strip_prefix("trait.").unwrap_or(key).to_owned();
        Ok(found.into_iter().filter_map(|(_, name, value)| Some((key(&name), text(&value)?))).collect())
    }

    /// Whether the visit that its link was for is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.visit.is_some_and(|it| now >= it.until)
    }

    /// Why it takes no answers, if so: `closed`, `paused`, `expired`, `not_open`.
    pub fn shut(&self, now: Timestamp) -> Option<&'static str> {
        let has_expired = |it: &InvitationRow| it.expires_at.is_some_and(|end| now >= end);
        if self.is_over(now) || self.invitation.as_ref().is_some_and(has_expired) {
            return Some("expired");
        }
        match self.survey.state.as_str() {
            _ if self.survey.takes_answers(now) => None,
            PAUSED => Some("paused"),
            DRAFT => Some("not_open"),
            _ => Some("closed"),
        }
    }

    /// A text with its values, for this reader.
    pub fn text(&self, words: &Words) -> String {
        let raw = words.of(&self.language, &self.definition.default_language);
        piping::fill(raw, &|of, key| match of {
            "profile" => self.traits.get(key).cloned(),
            "about" => self.invitation.as_ref().and_then(|it| it.product_name.clone()),
            _ => self.said(key),
        })
    }

    /// What was answered to a question, in words.
    fn said(&self, key: &str) -> Option<String> {
        let question = self.definition.question(key)?;
        let given = self.answers.get(key)?;
        let word = |it: &rapport_feedback::survey::Given| {
            if let Some(text) = &it.text {
                return Some(text.clone());
            }
            let choice = it.choice.as_deref()?;
            let found = question.answer.choices().iter().find(|own| own.key == choice);
            let label = |own: &rapport_feedback::survey::Choice| {
                own.text.of(&self.language, &self.definition.default_language).to_owned()
            };
            found.map(label)
        };
        let words: Vec<String> = given.iter().filter_map(word).collect();
        let number = || given.first().and_then(|it| it.number).map(|number| number.to_string());
        if words.is_empty() { number() } else { Some(words.join(", ")) }
    }

    /// What decides the order of choices: the same for all pages of an answer.
    pub fn seed(&self) -> Option<&str> {
        let of_response = || self.response.as_ref()?.origin.as_deref()?.split_once(':').map(|(_, start)| start);
        self.invitation.as_ref().map(|it| it.id.as_str()).or_else(of_response)
    }

    /// What the address brought along for hidden questions.
    pub fn hidden(&self) -> Answers {
        let mut answers = Answers::new();
        for question in self.definition.questions().filter(|it| matches!(it.answer, Answer::Hidden {})) {
            let Some((_, value)) = self.brought.iter().find(|(name, _)| *name == question.key) else { continue };
            if let Ok(given) = read(question, &Value::from(value.as_str())) {
                answers.insert(question.key.clone(), given);
            }
        }
        answers
    }

    /// What the address brought along and the next one needs: values of hidden questions, and the language if it was chosen.
    pub fn carried(&self) -> String {
        let is_hidden =
            |name: &str| self.definition.question(name).is_some_and(|it| matches!(it.answer, Answer::Hidden {}));
        let mut query = String::new();
        for (name, value) in self.brought.iter().filter(|(name, _)| is_hidden(name)) {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(name);
            query.push('=');
            query.extend(value.bytes().map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            }));
        }
        if self.has_chosen {
            query.push_str(if query.is_empty() { "?lang=" } else { "&lang=" });
            query.push_str(self.language.as_str());
        }
        query
    }

    /// The chosen language, to be carried on.
    pub fn language_parameter(&self) -> String {
        if self.has_chosen { format!("&lang={}", self.language) } else { String::new() }
    }

    fn cookie_name(&self) -> String {
        format!("rapport_survey_{}_{}_{}", self.workspace, self.survey.survey, self.survey.wave)
    }

    /// The link of what this browser answered already, where each answers once.
    pub fn own_cookie(&self, headers: &HeaderMap) -> Option<String> {
        if self.mode != Some(Mode::Once) {
            return None;
        }
        let name = self.cookie_name();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
        let link = pairs.find(|(own, _)| *own == name)?.1;
        let is_link = link.len() < 400 && link.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        is_link.then(|| link.to_owned())
    }

    /// Remembers in this browser that it answered, where each answers once.
    pub fn cookie(&self, link: &str) -> Option<HeaderValue> {
        if self.mode != Some(Mode::Once) {
            return None;
        }
        let text = format!("{}={link}; Path=/s/; Max-Age=31536000; HttpOnly; SameSite=Lax", self.cookie_name());
        HeaderValue::from_str(&text).ok()
    }
}

/// The language of a reader: the first that the survey has, of what they chose, read before, and what their browser asks for.
fn language(definition: &Definition, wanted: [Option<Language>; 2], headers: &HeaderMap) -> Language {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let of_browser = asked.split(',').take(20).filter_map(|it| Language::parse(it.split(';').next()?.trim()));
    let has: BTreeMap<Language, ()> = definition.languages().into_iter().map(|it| (it.clone(), ())).collect();
    let default = &definition.default_language;
    let find = |tag: Language| {
        let (found, ()) = best(&has, &tag, default)?;
        (found.primary() == tag.primary()).then(|| found.clone())
    };
    wanted.into_iter().flatten().chain(of_browser).find_map(find).unwrap_or_else(|| default.clone())
}
