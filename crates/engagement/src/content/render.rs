//! Writes prepared nodes with a person's values.
//!
//! Always holds: each value is escaped for the mode it is written in; a part takes at most [`Limits::steps`] steps and
//! [`Limits::output_bytes`] bytes.

use minijinja::value::{Value, ValueKind};

use super::escape;
use super::expression::Expression;
use super::limits::Limits;
use super::message::{Dropped, Links};
use super::pattern::{Loop, Node, Url};
use super::scope;
use super::url::{UrlProblem, Use, check, is_before_path};
use crate::Error;

/// What takes the place of a URL that is not allowed.
const NOWHERE: &str = "#";

/// What is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Plain text, also subjects and titles before they are made one line.
    Plain,
    /// HTML, text and attributes in quotes. Literals are markup.
    Html,
    /// One URL.
    Url,
}

/// The writing of one message.
pub(crate) struct Writer<'a> {
    limits: &'a Limits,
    pub links: Links<'a>,
    pub dropped: Vec<Dropped>,
    steps: usize,
    /// Whether a value stood where it would choose the host of the URL that is being written.
    chose_host: bool,
}

impl<'a> Writer<'a> {
    pub fn new(limits: &'a Limits, links: Links<'a>) -> Self {
        Self { limits, links, dropped: Vec::new(), steps: 0, chose_host: false }
    }

    /// Writes one part of the message.
    pub fn part(&mut self, place: &str, nodes: &[Node], mode: Mode, scope: &Value) -> Result<String, Error> {
        self.steps = 0;
        let mut out = String::new();
        self.nodes(place, nodes, mode, scope, &mut out)?;
        Ok(out)
    }

    /// Writes one URL; `None`, and told in `dropped`, when it is not allowed.
    pub fn url(&mut self, url: &Url, scope: &Value) -> Result<Option<String>, Error> {
        let mut written = String::new();
        self.chose_host = false;
        self.nodes(&url.spot.place, &url.nodes, Mode::Url, scope, &mut written)?;
        let written = written.trim();
        let used = if url.link.is_some() { Use::Link } else { Use::Image };
        let problem = if self.chose_host { Err(UrlProblem::Host) } else { check(written, used) };
        if let Err(problem) = problem {
            let (place, line, column) = (url.spot.place.to_string(), url.spot.line, url.spot.column);
            let dropped = Dropped { place, line, column, problem };
            // HTML and plain text carry the same link.
            if !self.dropped.contains(&dropped) {
                self.dropped.push(dropped);
            }
            return Ok(None);
        }
        Ok(Some(match url.link {
            Some(number) => self.links.sent(number, written).to_owned(),
            None => written.to_owned(),
        }))
    }

    fn nodes(&mut self, place: &str, nodes: &[Node], mode: Mode, scope: &Value, out: &mut String) -> Result<(), Error> {
        for node in nodes {
            self.steps += 1;
            let too_much = |what, limit| Err(Error::TooMuch { place: place.to_owned(), what, limit });
            if self.steps > self.limits.steps {
                return too_much("steps", self.limits.steps);
            }
            match node {
                Node::Literal(text) if mode == Mode::Url => escape::url(text.trim(), out),
                Node::Literal(text) => out.push_str(text),
                Node::Print(expression) => self.print(expression, mode, scope, out)?,
                Node::If { branches, otherwise } => {
                    let chosen = chosen(branches, scope)?.unwrap_or(otherwise);
                    self.nodes(place, chosen, mode, scope, out)?;
                }
                Node::For(repeated) => self.repeat(place, repeated, mode, scope, out)?,
                Node::Url(url) => match (self.url(url, scope)?, mode) {
                    (Some(sent), Mode::Html) => escape::html(&sent, out),
                    (Some(sent), _) => out.push_str(&sent),
                    (None, _) => out.push_str(NOWHERE),
                },
            }
            if out.len() > self.limits.output_bytes {
                return too_much("bytes", self.limits.output_bytes);
            }
        }
        Ok(())
    }

    fn print(&mut self, expression: &Expression, mode: Mode, scope: &Value, out: &mut String) -> Result<(), Error> {
        let text = expression.text(scope)?;
        let mut value = String::with_capacity(text.len());
        escape::clean(&text, &mut value);
        match mode {
            Mode::Plain => out.push_str(&value),
            Mode::Html => escape::html(&value, out),
            // The first value may be a whole URL, which is checked as such; a later one is a part.
            Mode::Url if out.is_empty() => escape::url(value.trim(), out),
            Mode::Url => {
                self.chose_host |= is_before_path(out) && !value.is_empty();
                escape::url_part(&value, out);
            }
        }
        Ok(())
    }

    fn repeat(&mut self, place: &str, it: &Loop, mode: Mode, scope: &Value, out: &mut String) -> Result<(), Error> {
        let list = it.over.value(scope)?;
        if list.is_undefined() {
            return Err(it.over.missing());
        }
        if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
            return Err(it.over.unfit("a loop needs a list"));
        }
        let length = list.len().unwrap_or(usize::MAX).min(it.at_most);
        if length == 0 {
            return self.nodes(place, &it.otherwise, mode, scope, out);
        }
        let items = list.try_iter().map_err(|_| it.over.unfit("a loop needs a list"))?;
        for (index, item) in items.take(length).enumerate() {
            // A round costs a step even when its body is empty.
            self.steps += 1;
            let inner = scope::within(scope, &it.name, item, index + 1, index + 1 == length);
            self.nodes(place, &it.body, mode, &inner, out)?;
            if self.steps > self.limits.steps {
                return Err(Error::TooMuch { place: place.to_owned(), what: "steps", limit: self.limits.steps });
            }
        }
        Ok(())
    }
}

fn chosen<'n>(branches: &'n [(Expression, Vec<Node>)], scope: &Value) -> Result<Option<&'n Vec<Node>>, Error> {
    for (test, nodes) in branches {
        if test.value(scope)?.is_true() {
            return Ok(Some(nodes));
        }
    }
    Ok(None)
}
