//! A page of a survey as whoever answers will see it, of a definition that need not be saved.
//!
//! Always holds: it is drawn by the same templates as the page itself; nothing is kept, and nobody's data is in it.

use rapport_domain::{Language, WorkspaceId};
use rapport_feedback::Definition;
use rapport_feedback::survey::Answers;
use rapport_feedback::survey::shown::{on_page, page_from};

use super::reader::Reader;
use super::view::{self, Shown};
use crate::problem::{Problem, Result};

/// What is looked at.
pub struct Look {
    /// Which page, from 0; past the last one is the end.
    pub page: usize,
    /// In which language.
    pub language: Language,
    /// By somebody who has answered so.
    pub answers: Answers,
}

/// What there is to see.
pub struct Seen {
    /// The page.
    pub html: String,
    /// Its style.
    pub style: String,
    /// Whether somebody with these answers comes to this page.
    pub is_reached: bool,
    /// The page that comes after it; none when the end does.
    pub next: Option<usize>,
}

/// Draws a page.
///
/// # Errors
/// When the template fails.
pub fn draw(workspace: WorkspaceId, company: String, definition: Definition, look: Look) -> Result<Seen> {
    let Look { page, language, answers } = look;
    let is_end = page >= definition.pages.len();
    let next = page_from(&definition, page.saturating_add(1), &answers);
    let is_reached = is_end || !on_page(&definition, page, &answers).is_empty();
    let reader = Reader::imagined(workspace, company, definition, (language, answers));
    let html = if is_end {
        view::over_html(&reader, false, &reader.answers)
    } else {
        view::page_html(&reader, "preview", &Shown { start: "preview".to_owned(), ..Shown::of(page) })
    };
    let style = format!("{}\n{}", crate::public_pages::STYLE, super::STYLE);
    Ok(Seen { html: html.map_err(Problem::internal)?, style, is_reached, next })
}
