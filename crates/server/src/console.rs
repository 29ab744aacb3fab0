//! The console, embedded into the binary: every address that is not a file is its one page, and the browser draws the rest.
//!
//! Always holds: files whose names change with their content are kept by browsers for ever, all others are asked for each time and
//! answered 304 while they are the same; what was compressed at build time is sent compressed.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::headers::CONSOLE_POLICY;
use crate::problem::Problem;

/// An embedded file.
struct File {
    path: &'static str,
    etag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// Sorted by path.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// SvelteKit puts a hash of the content into these names.
const IMMUTABLE: &str = "/_app/immutable/";
const PAGE: &str = "/index.html";

/// What a debug build without the console shows.
const PLACEHOLDER: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Rapport</title>\
<p>This debug build has no console. Run <code>cargo xtask console</code>, then build again.</p></html>";

/// Whether the console is in this binary.
pub const fn is_embedded() -> bool {
    !FILES.is_empty()
}

/// Answers a file of the console, or its page.
pub fn serve(request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::not_found("address").into_response();
    }
    let path = request.uri().path();
    match find(path).or_else(|| if path.starts_with("/_app/") { None } else { find(PAGE) }) {
        Some(file) => file.answer(request.headers()),
        None if !is_embedded() => page(PLACEHOLDER).into_response(),
        None => Problem::not_found("file").into_response(),
    }
}

fn find(path: &str) -> Option<&'static File> {
    FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|at| &FILES[at])
}

impl File {
    fn answer(&self, asked: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        let cache = if self.path.starts_with(IMMUTABLE) { "public, max-age=31536000, immutable" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::ETAG, HeaderValue::from_static(self.etag));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        // Also with a 304: a browser renews what it has kept with the headers of that.
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONSOLE_POLICY));
        let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag)) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(self.path)));
        let (encoding, content) = match (self.brotli, self.gzip) {
            (Some(brotli), _) if accepts(asked, "br") => (Some("br"), brotli),
            (_, Some(gzip)) if accepts(asked, "gzip") => (Some("gzip"), gzip),
            _ => (None, self.plain),
        };
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        (headers, content).into_response()
    }
}

fn page(text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], text)
}

/// Whether `Accept-Encoding` names `encoding` with a quality above zero.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|part| {
        let mut words = part.split(';').map(str::trim);
        let named = words.next().is_some_and(|word| word.eq_ignore_ascii_case(encoding));
        let refused = words.any(|word| word.strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0)));
        named && !refused
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "webmanifest" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_read() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            headers
        };
        assert!(accepts(&of("gzip, deflate, br;q=0.5"), "br"));
        assert!(!accepts(&of("gzip, br;q=0"), "br"));
        assert!(!accepts(&of("brotli"), "br"));
    }

    #[test]
    fn a_file_is_sent_compressed_and_only_once() {
        const FILE: File =
            File { path: "/_app/immutable/a.js", etag: "\"1\"", plain: b"plain", brotli: Some(b"br"), gzip: None };
        let mut asked = HeaderMap::new();
        assert_eq!(FILE.answer(&asked).headers().get(header::CONTENT_ENCODING), None);
        asked.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"));
        let answer = FILE.answer(&asked);
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], "br");
        assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        asked.insert(header::IF_NONE_MATCH, HeaderValue::from_static("W/\"1\""));
        assert_eq!(FILE.answer(&asked).status(), StatusCode::NOT_MODIFIED);
    }
}
