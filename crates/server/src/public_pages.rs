//! Pages rendered on the server, which work without JavaScript: signing in and out, choosing a password, one's own preferences and points, surveys.
//!
//! Always holds: a form that acts for who is signed in is taken from our own pages only; `next` leads to an address of ours only.

pub(crate) mod complaint;
mod complaint_words;
mod idea_words;
pub(crate) mod ideas;
pub(crate) mod member;
pub(crate) mod member_door;
mod own_data;
mod password;
pub(crate) mod preference_words;
pub mod preferences;
pub(crate) mod referral;
mod referral_words;
mod review_words;
pub(crate) mod reviews;
mod sign_in;
pub(crate) mod survey;
mod tracking;
mod words;

use askama::Template;
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::app::App;
use crate::http::headers::PAGE_POLICY;
use crate::http::route::handler;
use crate::problem::Problem;

/// What all of them look like.
const STYLE: &str = include_str!("public_pages/public.css");

/// The routes of this module.
pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(handler(sign_in::show)).post(handler(sign_in::enter)))
        .route("/sign-in/link", get(handler(sign_in::by_link)))
        .route("/sign-out", post(handler(sign_in::leave)))
        .route("/password", get(handler(password::show)).post(handler(password::choose)))
        .route("/preferences/{link}", get(handler(preferences::show)).post(handler(preferences::save)))
        .route("/unsubscribe/{link}", get(handler(preferences::confirm)).post(handler(preferences::unsubscribe)))
        .route("/confirm/{link}", get(handler(preferences::ask_to_confirm)).post(handler(preferences::confirm_it)))
        .route("/my-data/{link}", get(handler(own_data::ask)).post(handler(own_data::act)))
        .route("/s/{link}", get(handler(survey::show)).post(handler(survey::answer)))
        .route("/survey.css", get(handler(survey::style)))
        .route("/survey.js", get(handler(survey::script)))
        .merge(reviews::router())
        .route("/r/{key}", get(handler(referral::show)))
        .route("/ideas/{link}", get(handler(ideas::show)).post(handler(ideas::send)))
        .route("/complain/{link}", get(handler(complaint::show)).post(handler(complaint::send)))
        .route("/member/{link}", get(handler(member::show)).post(handler(member::act)))
        .route("/member.css", get(handler(member::style)))
        .route("/member-link/{door}", get(handler(member_door::show)).post(handler(member_door::ask)))
        .route("/c/{link}", get(handler(tracking::click)))
        .route("/o/{link}", get(handler(tracking::open)))
        .route("/m/{link}", get(handler(tracking::page)))
        .route("/.well-known/gpc.json", get(handler(privacy_signal)))
        .route("/public.css", get(handler(style)))
}

/// Says that the browser's signal is heard (Global Privacy Control, section "GPC support resource").
async fn privacy_signal() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], r#"{"gpc":true,"lastUpdate":"2026-11-27"}"#)
}

async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, STYLE)
}

/// A rendered page.
fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
            ];
            (status, headers, html).into_response()
        }
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// 303 to an address of ours, with a cookie.
fn see_other(location: &str, cookie: Option<HeaderValue>) -> Response {
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// An address of ours, or the first page: never another site, also not as `//host` or `/\host`.
fn local(next: Option<String>) -> String {
    next.filter(|next| {
        let mut bytes = next.bytes();
        bytes.next() == Some(b'/')
            && !matches!(bytes.next(), Some(b'/' | b'\\'))
            && next.bytes().all(|byte| byte.is_ascii_graphic())
    })
    .unwrap_or_else(|| "/".to_owned())
}

/// Whether a form comes from one of our own pages, as far as the browser tells.
fn is_own_form(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        // No browser sends a form without either header.
        _ => true,
    }
}

fn foreign_form() -> Problem {
    Problem::forbidden("foreign_form", "This form was sent from another site.", "Open the page here and send it again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours (WCAG 2.2, "contrast ratio").
    fn contrast(one: &str, other: &str) -> f64 {
        let light = |hex: &str| {
            let long =
                if hex.len() == 3 { hex.chars().flat_map(|digit| [digit, digit]).collect() } else { hex.to_owned() };
            let part = |at: usize| f64::from(u8::from_str_radix(&long[at..at + 2], 16).unwrap()) / 255.0;
            let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
            0.2126 * linear(part(0)) + 0.7152 * linear(part(2)) + 0.0722 * linear(part(4))
        };
        let (one, other) = (light(one), light(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// All text can be read, in the light and in the dark (WCAG 2.2 AA, 1.4.3).
    #[test]
    fn texts_stand_out() {
        let css = STYLE;
        let schemes: Vec<&str> = css.split(":root{").skip(1).collect();
        assert_eq!(schemes.len(), 2);
        for scheme in schemes {
            let colour = |name: &str| {
                let (_, rest) = scheme.split_once(&format!("--{name}:#")).unwrap();
                rest.split([';', '}']).next().unwrap()
            };
            for (text, ground) in [
                ("ink", "paper"),
                ("ink", "surface"),
                ("ink-2", "surface"),
                ("ink-3", "surface"),
                ("accent", "surface"),
                ("accent-ink", "accent"),
                ("surface", "bad"),
                ("bad", "bad-soft"),
            ] {
                let found = contrast(colour(text), colour(ground));
                assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
            }
        }
    }

    #[test]
    fn next_stays_here() {
        let of = |next: &str| local(Some(next.to_owned()));
        assert_eq!(of("/customers/5?tab=orders"), "/customers/5?tab=orders");
        for elsewhere in ["//evil.example", "/\\evil.example", "https://evil.example", "", "javascript:x", "/a\r\nb"] {
            assert_eq!(of(elsewhere), "/", "{elsewhere}");
        }
    }

    #[test]
    fn forms_of_other_sites_are_seen() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_own_form(&headers)
        };
        assert!(of(&[("sec-fetch-site", "same-origin")]) && of(&[]));
        assert!(of(&[("origin", "http://127.0.0.1:8480"), ("host", "127.0.0.1:8480")]));
        assert!(!of(&[("sec-fetch-site", "cross-site")]));
        assert!(!of(&[("origin", "https://evil.example"), ("host", "crm.example")]));
        assert!(!of(&[("origin", "null"), ("host", "crm.example")]));
    }
}
