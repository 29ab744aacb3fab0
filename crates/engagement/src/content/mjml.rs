//! MJML to HTML.
//!
//! Always holds: no file and no network is read, fonts of other hosts are not linked (each would tell its host who opens the message), the
//! HTML says its language, its direction and that it knows dark mode.

use std::fmt::Write;

use mrml::prelude::render::RenderOptions;

use super::language::Language;
use super::theme::Theme;
use crate::Error;

/// Elements within one another. The parser of MJML calls itself for each.
const DEPTH: usize = 60;
const META: &str = "<mj-raw><meta name=\"color-scheme\" content=\"light dark\" /><meta name=\"supported-color-schemes\" content=\"light dark\" /></mj-raw>";
const FONTS: &str = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', sans-serif";
const DARK: &str = ":root{color-scheme:light dark;supported-color-schemes:light dark}.words a{text-decoration:underline}@media (prefers-color-scheme:dark){body,.page{background-color:#111827 !important}.panel,.panel>table{background-color:#1f2937 !important}.words div,.words a{color:#f3f4f6 !important}}";

/// The document around the blocks of [`super::draft`]. Title and preheader are placeholders.
pub(crate) fn document(language: &Language, theme: &Theme, title: &str, preheader: Option<&str>, body: &str) -> String {
    let Theme { page, panel, ink, .. } = theme;
    let mut out = String::with_capacity(body.len() + 2_000);
    out.push_str("<mjml><mj-head>");
    let _ = write!(out, "<mj-title>{title}</mj-title>");
    let _ = write!(
        out,
        "<mj-attributes><mj-all font-family=\"{FONTS}\" /><mj-text color=\"{ink}\" font-size=\"16px\" line-height=\"1.5\" />\
         <mj-button font-size=\"16px\" border-radius=\"6px\" /><mj-section background-color=\"{panel}\" padding=\"8px 0\" /></mj-attributes>\
         <mj-style>{DARK}</mj-style></mj-head><mj-body css-class=\"page\" background-color=\"{page}\">{body}</mj-body></mjml>"
    );
    with_head(&out, language, preheader)
}

/// Adds language, direction, preheader and the mark of dark mode to a document.
pub(crate) fn with_head(mjml: &str, language: &Language, preheader: Option<&str>) -> String {
    let direction = if language.is_right_to_left() { "rtl" } else { "ltr" };
    let preview = preheader.map(|placeholder| format!("<mj-preview>{placeholder}</mj-preview>")).unwrap_or_default();
    let extra = format!("{preview}{META}");
    let mut out = mjml.trim_start_matches('\u{FEFF}').to_owned();
    if let Some(at) = out.find("<mj-head>") {
        out.insert_str(at + "<mj-head>".len(), &extra);
    } else if let Some(end) = out.find("<mjml").and_then(|at| out[at..].find('>').map(|end| at + end + 1)) {
        out.insert_str(end, &format!("<mj-head>{extra}</mj-head>"));
    }
    out.replacen("<mjml>", &format!("<mjml lang=\"{language}\" dir=\"{direction}\">"), 1)
}

/// The HTML of a document.
///
/// # Errors
/// [`Error::Invalid`] when it is not MJML, or asks for another file.
pub(crate) fn html(place: &str, mjml: &str) -> Result<String, Error> {
    if depth(mjml) > DEPTH {
        return Err(Error::TooLarge { place: place.to_owned(), what: "MJML elements in one another", limit: DEPTH });
    }
    let mjml = with_escaped_ends(mjml);
    // mrml's tokenizer panics at some unfinished comments (htmlparser 0.2.1: `<!--[if`). It owns all that it works on, so nothing is
    // left half done, and a slip of an author is an error as any other.
    let converted =
        std::panic::catch_unwind(|| converted(&mjml)).unwrap_or_else(|_| Err("a comment or tag has no end".to_owned()));
    converted.map_err(|problem| Error::invalid(place, format!("this is not MJML: {problem}")))
}

fn converted(mjml: &str) -> Result<String, String> {
    let parsed = mrml::parse(mjml).map_err(|error| error.to_string())?;
    let options = RenderOptions { disable_comments: true, fonts: Default::default(), ..RenderOptions::default() };
    parsed.element.render(&options).map_err(|error| error.to_string())
}

/// Writes `>` in texts as `&gt;` where a letter outside ASCII stands right before it: mrml's tokenizer (htmlparser 0.2.1) looks two bytes
/// back from there, and panics within a letter. Other texts stay as they are, because a style may hold `>`.
fn with_escaped_ends(mjml: &str) -> String {
    let mut out = String::with_capacity(mjml.len());
    let mut rest = mjml;
    while !rest.is_empty() {
        let text_end = rest.find('<').unwrap_or(rest.len());
        for (at, letter) in rest[..text_end].char_indices() {
            let is_within = letter == '>' && !rest.is_char_boundary(at.saturating_sub(2));
            out.push_str(if is_within { "&gt;" } else { &rest[at..at + letter.len_utf8()] });
        }
        rest = &rest[text_end..];
        let markup_end = end_of_markup(rest);
        out.push_str(&rest[..markup_end]);
        rest = &rest[markup_end..];
    }
    out
}

/// The length of the comment or tag at the beginning; `>` in quotes does not end a tag.
fn end_of_markup(text: &str) -> usize {
    if text.starts_with("<!--") {
        return text.find("-->").map_or(text.len(), |at| at + 3);
    }
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (letter, quote) {
            ('>', None) => return at + 1,
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(open)) if open == letter => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// The largest number of elements that are open at once; at least that, when the document is wrong.
fn depth(mjml: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    let mut rest = mjml;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap_or(rest.len());
        if rest.starts_with('/') {
            open = open.saturating_sub(1);
        } else if !rest[..end].ends_with('/') && rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            open += 1;
            most = most.max(open);
        }
    }
    most
}
