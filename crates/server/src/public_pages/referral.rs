//! The page that a friend sees first: `/r/{code}`. Server-rendered, works without JavaScript, in English and Chinese.
//!
//! Always holds: looking changes nothing, and says nothing of whoever gave the code but what the programme's own words say; one answer for a code that nobody knows and for one that does not count, so
//! that nobody learns who is a member; whoever tries codes waits.
//!
//! Does not: bind the friend. The shop tells the code with what the friend does (`referral_code`).

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rapport_domain::WorkspaceId;
use rapport_loyalty::codes;
use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::records::members;
use rapport_loyalty::records::referrals::{codes as records, suspensions};
use rapport_loyalty::referrals::{Referral, Terms};

use super::referral_words::Words;
use super::survey::with_headers;
use crate::app::App;
use crate::http::form::parameter;
use crate::http::peer::From;
use crate::problem::{Problem, Result};
use crate::records::workspaces;

/// So many codes an hour from one network address that do not count.
const MOST_WRONG: u32 = 60;

/// The path of a code.
pub fn path(lookup: &str) -> String {
    format!("/r/{lookup}")
}

#[derive(Template)]
#[template(path = "referral.html")]
struct Invitation<'a> {
    words: &'static Words,
    company: String,
    is_gone: bool,
    /// The programme's own words, a paragraph each.
    said: Vec<&'a str>,
    /// What the friend gets, where the programme says nothing of its own.
    gets: Option<String>,
    code: String,
    onward: String,
}

/// An invitation that counts.
struct Open {
    workspace: WorkspaceId,
    lookup: String,
    terms: Referral,
    gets: Option<String>,
}

/// `GET /r/{code}`.
pub async fn show(
    State(app): State<App>,
    Path(code): Path<String>,
    RawQuery(query): RawQuery,
    from: From,
    headers: HeaderMap,
) -> Response {
    let words = Words::of(&headers, parameter(&query.unwrap_or_default(), "lang").as_deref());
    let shown = async {
        let Some(open) = find(&app, &code).await? else {
            app.throttle.count("referral", from.0, MOST_WRONG, app.now())?;
            return Ok(gone(words));
        };
        let found = workspaces::find(&mut app.installation.store.read(), open.workspace).await?;
        let own = open.terms.page.words(words.is_chinese());
        let invitation = Invitation {
            words,
            company: found.map(|row| row.name).unwrap_or_default(),
            is_gone: false,
            said: own.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
            gets: open.gets.clone(),
            code: codes::shown(&open.lookup),
            onward: open.terms.page.onward(&open.lookup),
        };
        Ok(with_headers(invitation.render(), StatusCode::OK, false))
    };
    shown.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

fn gone(words: &'static Words) -> Response {
    let invitation = Invitation {
        words,
        company: String::new(),
        is_gone: true,
        said: Vec::new(),
        gets: None,
        code: String::new(),
        onward: String::new(),
    };
    with_headers(invitation.render(), StatusCode::NOT_FOUND, false)
}

/// What a code stands for now; nothing where nobody who came by it would count.
async fn find(app: &App, code: &str) -> Result<Option<Open>> {
    let Some(lookup) = codes::lookup(code).filter(|lookup| codes::is_sound(lookup)) else { return Ok(None) };
    let mut db = app.installation.store.read();
    let Some(workspace) = records::workspace_of(&mut db, &lookup).await? else { return Ok(None) };
    let found = records::by_lookups(&mut db, workspace, std::slice::from_ref(&lookup)).await?;
    let Some(code) = found.into_iter().next().filter(|code| code.voided_at.is_none()) else { return Ok(None) };
    let Some(member) = members::find(&mut db, workspace, MemberId(code.member)).await? else { return Ok(None) };
    let numbers = members::numbers(&mut db, workspace, member.member).await?;
    let is_suspended = !suspensions::of_members(&mut db, workspace, &numbers).await?.is_empty();
    if member.person.is_none() || member.standing == Standing::Closed || is_suspended {
        return Ok(None);
    }
    let programs = app.installation.programs.get(&mut db, workspace).await?;
    let (Some(latest), now) = (programs.latest(), app.now()) else { return Ok(None) };
    let Terms::Live(terms) = programs.terms_at(&code.referral, now) else { return Ok(None) };
    let calendar = latest.program.calendar().map_err(Problem::internal)?;
    if !terms.window.holds(now, &calendar) {
        return Ok(None);
    }
    let gets = terms.for_friend(&latest.program).map(|(wallet, points)| {
        let name = latest.program.wallet(wallet).map_or("", |plan| plan.name.as_str());
        format!("{points} {name}")
    });
    Ok(Some(Open { workspace, lookup, terms: terms.clone(), gets }))
}
