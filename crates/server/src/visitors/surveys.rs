//! `POST /v1/survey-panel`: whether a survey opens beside a page of the company's own for whoever is there, and by which link; `/survey.js` asks it.
//!
//! Always holds: who it is stands in the body alone; the link that comes back says nothing to others, shows nothing of what is known of somebody who is not
//! proven to be there, and ends within a day. A proof that is wrong is refused, and nothing of it is kept. Whoever is not known, or whose browser asks not
//! to be told about, is nobody: that is no error. Why it does not open is not said.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use rapport_domain::Timestamp;
use rapport_feedback::links::{Link, Links, Mode};
use rapport_privacy::records::secrets;
use serde::Deserialize;
use serde_json::json;

use super::who::{self, Said};
use super::{answer, json as read};
use crate::app::App;
use crate::http::headers::privacy_signal;
use crate::problem::{Problem, Result};
use crate::public_pages::survey;
use crate::surveying::visiting::{self, Opens, Panel};

/// A link of the panel is for one visit.
const LASTS: i64 = Timestamp::DAY;

/// What the script says.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Asked {
    #[serde(flatten)]
    who: Said,
    /// The link of the page, without its address.
    survey: String,
    /// Whether the visitor opened it themselves.
    wished: bool,
}

/// Meets whoever is there.
pub async fn open(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response> {
    let said: Asked = read(&app, body).await?;
    let missing = || Problem::not_found("survey");
    let workspace = Links::workspace_of(&said.survey).ok_or_else(missing)?;
    let secret = secrets::find(&mut app.installation.store.read(), workspace).await?.ok_or_else(missing)?;
    let links = Links::new(workspace, &secret);
    let Some(Link::Open { survey, mode: Mode::Widget, touchpoint }) = links.open(&said.survey) else {
        return Err(missing());
    };
    let visitor = if privacy_signal(&headers) {
        None
    } else {
        match who::visitor_of(&app, workspace, &said.who).await {
            Ok(visitor) => Some(visitor),
            Err(problem) => match problem.status() {
                StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => None,
                // A browser that was somebody's once, who is not signed in now.
                StatusCode::FORBIDDEN if !said.who.names_somebody() => None,
                _ => return Err(problem),
            },
        }
    };
    let panel = Panel { survey, touchpoint: touchpoint.as_deref(), wished: said.wished };
    let opens = match &visitor {
        Some(visitor) => visiting::visit(&app.installation, visitor, panel).await?,
        None => Opens::Unknown,
    };
    let url = match opens {
        Opens::Not => None,
        Opens::Unknown => Some(survey::path(&said.survey)),
        Opens::Own(invitation) => {
            let is_proven = visitor.is_some_and(|it| it.is_proven);
            let until = app.now().plus(LASTS);
            Some(survey::path(&links.make(&Link::Panel { invitation, is_proven, until })))
        }
    };
    answer(&json!({ "url": url }))
}
