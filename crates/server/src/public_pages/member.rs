//! A member's own page, `/member/{link}`: what they have and when it lapses, their tier, what they can redeem, and what became of it.
//!
//! Always holds: only a POST changes anything; the same form again is the same redemption, at the price that was shown or not at all; the page shows nothing of the person but what
//! the programme keeps for their number, because links are passed on.
//!
//! Does not: decide anything; the same rules refuse here as over the API.

mod doings;
mod home;
mod home_words;
mod sending;
mod sending_words;
mod view;
mod words;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rapport_domain::WorkspaceId;
use rapport_domain::money::parse_micros;
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::records::members::Member;
use rapport_loyalty::records::redemptions::Asked;
use rapport_loyalty::rewards::{Refusal, Wish};

use super::sign_in::read_form;
use super::{foreign_form, ideas, is_own_form, page, see_other};
use crate::api::loyalty::redemptions::{call_off, card_code, redeem};
use crate::app::App;
use crate::http::form::parameter;
use crate::http::headers::PAGE_POLICY;
use crate::http::peer::From;
use crate::member_links;
use crate::problem::{Problem, Result};
use crate::records::workspaces;
use doings::Doings;
use home::Home;
use sending::Sending;
use sending_words::SendingWords;
use view::View;
use words::Words;

const STYLE: &str = include_str!("member/member.css");
/// Redemptions and cancellations in an hour from one network address.
const MOST_ACTS: u32 = 120;
/// Who redeemed, in the redemption's row.
const BY: &str = "member";
/// What the ids of what members ask for on their page begin with.
pub const OWN_IDS: &str = "page:";

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    words: &'static Words,
    company: String,
    action: String,
    other: String,
    view: View,
    doings: Doings,
    sending: Option<Sending>,
    home: Home,
    message: Option<&'static str>,
    is_refused: bool,
}

#[derive(Template)]
#[template(path = "member_gone.html")]
struct Gone {
    words: &'static Words,
    company: &'static str,
}

/// Whose page is looked at, and how.
struct Visit<'a> {
    workspace: WorkspaceId,
    member: Member,
    link: &'a str,
    words: &'static Words,
    /// In whose frame it may be shown.
    frame: Option<String>,
}

impl Visit<'_> {
    fn address(&self, tag: &str) -> String {
        format!("{}?lang={tag}", member_links::path(self.link))
    }

    async fn page(&self, app: &App, message: Option<&'static str>, refused: Option<StatusCode>) -> Result<Response> {
        self.page_with(app, message, (refused, None)).await
    }

    /// The page with the code of a gift card that they redeemed, which no other page shows.
    async fn page_with(
        &self,
        app: &App,
        message: Option<&'static str>,
        (refused, code): (Option<StatusCode>, Option<(&str, String)>),
    ) -> Result<Response> {
        let mut template = MemberPage {
            words: self.words,
            company: self.company(app).await?,
            action: self.address(self.words.tag),
            other: self.address(self.words.other.0),
            view: view::read(app, self.workspace, &self.member, self.words).await?,
            doings: doings::read(app, self.workspace, &self.member, self.words).await?,
            sending: sending::read(app, self).await?,
            home: home::read(app, self.workspace, &self.member, self.words).await?,
            message,
            is_refused: refused.is_some(),
        };
        if let Some((redemption, code)) = code
            && let Some(shown) = template.view.redeemed.iter_mut().find(|it| it.id == redemption)
        {
            shown.codes.push(code);
        }
        Ok(self.framed(page(refused.unwrap_or(StatusCode::OK), &template)))
    }

    /// Whose page it is.
    async fn company(&self, app: &App) -> Result<String> {
        let workspace = workspaces::find(&mut app.installation.store.read(), self.workspace).await?;
        Ok(workspace.map(|row| row.name).unwrap_or_default())
    }

    /// Lets the site show it in a frame whose server asked for the link.
    fn framed(&self, mut response: Response) -> Response {
        if let Some(frame) = &self.frame {
            let policy = PAGE_POLICY.replace("frame-ancestors 'none'", &format!("frame-ancestors {frame}"));
            let headers = response.headers_mut();
            if let Ok(policy) = HeaderValue::from_str(&policy) {
                headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            }
        }
        response
    }

    async fn refused(&self, app: &App, refusal: Refusal) -> Result<Response> {
        self.page(app, Some(self.words.refusal(refusal)), Some(StatusCode::CONFLICT)).await
    }
}

/// `GET /member.css`.
pub async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLE)
}

async fn visit<'a>(app: &App, link: &'a str, words: &'static Words) -> Result<Option<Visit<'a>>> {
    let opened = member_links::open(&app.installation, link).await?;
    Ok(opened.map(|it| Visit { workspace: it.workspace, member: it.member, link, words, frame: it.frame }))
}

/// Nobody else keeps the page, and no other site learns the address.
fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}

fn gone(words: &'static Words) -> Response {
    page(StatusCode::NOT_FOUND, &Gone { words, company: "" })
}

/// `GET /member/{link}`.
pub async fn show(
    State(app): State<App>,
    Path(link): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let words = Words::of(&headers, parameter(&query, "lang").as_deref());
    let shown = async {
        let Some(visit) = visit(&app, &link, words).await? else { return Ok(gone(words)) };
        let done = parameter(&query, "done").unwrap_or_default();
        let message = words.done(&done).or_else(|| SendingWords::of(words.tag).done(&done));
        visit.page(&app, message, None).await
    };
    private(shown.await.unwrap_or_else(|problem: Problem| problem.into_response()))
}

/// `POST /member/{link}`: redeems a reward or calls a redemption off, goes on a leaderboard or leaves it, gets a code for friends, gets the code of a gift card, sends points, claims a gift, shares points in a household.
pub async fn act(
    State(app): State<App>,
    Path(link): Path<String>,
    RawQuery(query): RawQuery,
    from: From,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let words = Words::of(&headers, parameter(query.as_deref().unwrap_or_default(), "lang").as_deref());
    let done = async {
        if !is_own_form(&headers) {
            return Err(foreign_form());
        }
        let form = read_form(&app, sent).await?;
        let Some(visit) = visit(&app, &link, words).await? else { return Ok(gone(words)) };
        if app.throttle.count("member", from.0, MOST_ACTS, app.now()).is_err() {
            return visit.page(&app, Some(words.too_often), Some(StatusCode::TOO_MANY_REQUESTS)).await;
        }
        let outcome = match parameter(&form, "act").as_deref() {
            Some("redeem") => redeemed(&app, &visit, &form).await?.map(|()| "redeemed"),
            Some("cancel") => {
                let redemption = parameter(&form, "redemption").unwrap_or_default();
                call_off(&app, visit.workspace, visit.member.member, &redemption).await?.map(|_| "cancelled")
            }
            Some("card_code") => {
                let redemption = parameter(&form, "redemption").unwrap_or_default();
                return match card_code(&app, visit.workspace, visit.member.member, &redemption).await? {
                    Some(code) => visit.page_with(&app, Some(words.gift.told), (None, Some((&redemption, code)))).await,
                    None => visit.refused(&app, Refusal::RedemptionUnknown).await,
                };
            }
            Some(act @ ("send" | "claim" | "call_back")) => return sending::act(&app, &visit, act, &form).await,
            Some(act @ ("join" | "leave" | "friends")) => {
                return match doings::act(&app, (visit.workspace, &visit.member), act, &form).await? {
                    Ok(()) => Ok(see_other(&format!("{}#{act}", visit.address(words.tag)), None)),
                    Err(why) => visit.page(&app, Some(words.doing(why)), Some(StatusCode::CONFLICT)).await,
                };
            }
            Some(act) if act.starts_with(home::ACTS) => {
                return match home::act(&app, (visit.workspace, &visit.member), act, &form).await? {
                    Ok(()) => Ok(see_other(&format!("{}#home", visit.address(words.tag)), None)),
                    Err(why) => visit.page(&app, Some(why.words(words)), Some(StatusCode::CONFLICT)).await,
                };
            }
            _ => return visit.page(&app, Some(words.nothing_done), Some(StatusCode::UNPROCESSABLE_ENTITY)).await,
        };
        match outcome {
            // What was done is looked at by an address of its own, so that looking again does nothing again.
            Ok(done) => Ok(see_other(&format!("{}&done={done}#redeemed", visit.address(words.tag)), None)),
            Err(refusal) => visit.refused(&app, refusal).await,
        }
    };
    private(done.await.unwrap_or_else(|problem: Problem| problem.into_response()))
}

/// A new word for a form.
fn word(app: &App) -> String {
    ideas::random(app)
}

async fn redeemed(app: &App, visit: &Visit<'_>, form: &str) -> Result<std::result::Result<(), Refusal>> {
    let of = |name: &str| parameter(form, name).unwrap_or_default();
    let sent = of("id");
    let is_word = sent.len() == 32 && sent.bytes().all(|byte| byte.is_ascii_hexdigit());
    // A form without a price could cost anything: it is none of ours.
    let Some(points) = of("points").parse().ok().filter(|_| is_word) else { return Ok(Err(Refusal::PriceChanged)) };
    let member = visit.member.member;
    let (id, reward, wallet) = (format!("{OWN_IDS}{}:{sent}", member.0), of("reward"), of("wallet"));
    let asked = Asked {
        id: &id,
        member,
        reward: &reward,
        wish: Wish {
            wallet: Some(&wallet),
            points: Some(points),
            money: parse_micros(&of("money")).ok().map(Decimal::from_micros),
        },
        is_surprise: false,
        with_household: of("household") == "1",
        by: BY,
        reason: "",
    };
    Ok(redeem(app, visit.workspace, asked).await?.map(drop))
}
