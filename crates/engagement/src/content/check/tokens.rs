//! The tokens, loops and links of a variant.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use minijinja::value::Value;
use serde_json::{Map, Value as Json, json};

use super::super::escape;
use super::super::expression::Expression;
use super::super::filters::Reader;
use super::super::language::Language;
use super::super::locale::Locale;
use super::super::message::Recipient;
use super::super::pattern::{Loop, Node, Url};
use super::super::scope::{self, RESERVED};
use super::super::url::{self, UrlProblem, Use};
use super::{Findings, Severity, Token};

/// Loops in one another that still make a message people read.
const LOOPS: usize = 2;
/// Rounds of a loop over a list that the author wrote out.
const ROUNDS: usize = 100;

/// A walk through the nodes of a variant.
pub(super) struct Walk<'a> {
    tokens: &'a [Token],
    found: &'a mut Findings,
    /// Variables of the loops around a place, with the path of their list; `None` for a list that the author wrote out.
    variables: Vec<(Arc<str>, Option<String>)>,
    /// Paths that a condition around a place has found to be there.
    guarded: Vec<String>,
    in_link: bool,
    /// All tokens that are named.
    pub used: BTreeSet<String>,
    /// Those in the URLs of links.
    pub linked: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    pub fn new(tokens: &'a [Token], found: &'a mut Findings) -> Self {
        let (used, linked) = (BTreeSet::new(), BTreeSet::new());
        Self { tokens, found, variables: Vec::new(), guarded: Vec::new(), in_link: false, used, linked }
    }

    pub fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Literal(_) => {}
                Node::Print(expression) => self.expression(expression, true),
                Node::If { branches, otherwise } => {
                    for (test, nodes) in branches {
                        self.expression(test, false);
                        let guards = self.guarded.len();
                        if test.is_path {
                            self.guarded.extend(test.tokens.iter().cloned());
                        }
                        self.nodes(nodes);
                        self.guarded.truncate(guards);
                    }
                    self.nodes(otherwise);
                }
                Node::For(repeated) => self.repeated(repeated),
                Node::Url(url) => self.url(url),
            }
        }
    }

    /// Names the token behind a path: `product.name` in a loop over `cart.items` is `cart.items.name`.
    fn resolved(&self, path: &str) -> Option<String> {
        let (first, rest) = path.split_once('.').map_or((path, ""), |(first, rest)| (first, rest));
        if first == "loop" && !self.variables.is_empty() {
            return None;
        }
        match self.variables.iter().rev().find(|(name, _)| &**name == first) {
            None => Some(path.to_owned()),
            Some((_, list)) if rest.is_empty() => list.clone(),
            Some((_, list)) => list.as_ref().map(|list| format!("{list}.{rest}")),
        }
    }

    fn expression(&mut self, expression: &Expression, is_written: bool) {
        // An item is there in its loop, though its parts may not be.
        let mut there: Map<String, Json> =
            self.variables.iter().map(|(name, _)| (name.to_string(), json!({}))).collect();
        for path in &expression.tokens {
            let Some(token) = self.resolved(path) else {
                put(&mut there, path);
                continue;
            };
            self.used.insert(token.clone());
            if self.in_link {
                self.linked.insert(token.clone());
            }
            let declared: Vec<&Token> = self.tokens.iter().filter(|known| covers(&known.path, &token)).collect();
            let is_known = !declared.is_empty() || self.tokens.iter().any(|known| covers(&token, &known.path));
            let is_reserved = RESERVED.contains(&token.as_str());
            if !is_known && !is_reserved {
                let text = format!(
                    "`{token}` is no token that this message has. Choose one from the list, or correct its name."
                );
                self.found.add_at(Severity::Error, "unknown_token", &expression.spot, text);
            }
            if is_reserved || declared.iter().any(|known| known.always) || self.guarded.contains(path) || !is_known {
                put(&mut there, path);
            }
        }
        if expression.tokens.is_empty() {
            self.constant(expression, is_written);
        }
        let is_open = expression.tokens.iter().any(|path| !is_there(&there, path));
        if is_open && expression.can_miss(&scope::value(&Json::Object(there)), is_written) {
            let source = &expression.source;
            let text = format!(
                "Not everyone has a value for `{source}`. Give a fallback, e.g. `{source}|default(\"...\")`, or put it between {{% if %}} and {{% endif %}}."
            );
            self.found.add_at(Severity::Error, "no_fallback", &expression.spot, text);
        }
    }

    /// What depends on no data is the same for everybody: it can be tried.
    fn constant(&mut self, expression: &Expression, is_written: bool) {
        let Some(language) = Language::parse("en") else { return };
        let reader = Reader { locale: Locale::of(&language), zone: TimeZone::UTC };
        let nothing = scope::of_message(&json!({}), reader, &Recipient::new(&language, TimeZone::UTC));
        let tried = if is_written { expression.text(&nothing).map(drop) } else { expression.value(&nothing).map(drop) };
        if let Err(error) = tried {
            self.found.refused(&error);
        }
    }

    fn repeated(&mut self, repeated: &Loop) {
        let Loop { name, over, at_most, body, otherwise } = repeated;
        if over.tokens.is_empty() {
            self.constant(over, false);
        } else {
            self.expression(over, true);
        }
        self.size(over, *at_most);
        if self.variables.len() >= LOOPS {
            let text =
                "More than two loops in one another make a message too large. Prepare the list before it comes here.";
            self.found.add_at(Severity::Warning, "loops_nested", &over.spot, text);
        }
        let list = over.tokens.first().and_then(|path| self.resolved(path));
        self.variables.push((Arc::clone(name), list));
        self.nodes(body);
        self.variables.pop();
        self.nodes(otherwise);
    }

    fn size(&mut self, over: &Expression, at_most: usize) {
        if over.tokens.is_empty() {
            let length = over.value(&Value::UNDEFINED).ok().map(|list| list.len().unwrap_or(usize::MAX));
            if length.is_none_or(|length| length > ROUNDS) {
                let text = format!(
                    "This loop does not follow any list of the data and may run very long. Loop over a token, {ROUNDS} items at most."
                );
                self.found.add_at(Severity::Error, "loop_too_large", &over.spot, text);
            }
        } else if at_most == usize::MAX && !over.source.contains("|limit(") && !over.source.contains(':') {
            let text = format!("This loop writes the whole list, however long. Limit it: `{}|limit(10)`.", over.source);
            self.found.add_at(Severity::Hint, "loop_unlimited", &over.spot, text);
        }
    }

    pub fn url(&mut self, url: &Url) {
        let used = if url.link.is_some() { Use::Link } else { Use::Image };
        self.in_link = used == Use::Link;
        self.nodes(&url.nodes);
        self.in_link = false;
        let mut start = String::new();
        if let Some(Node::Literal(text)) = url.nodes.first() {
            escape::url(text.trim(), &mut start);
        }
        let problem = match url.nodes.as_slice() {
            [] => Some(UrlProblem::Empty),
            [Node::Literal(_)] => url::check(&start, used).err(),
            [Node::Literal(_), ..] if url::is_before_path(&start) => Some(UrlProblem::Host),
            // `mailto:` and `tel:` are empty so far, which the value will change.
            [Node::Literal(_), ..] => url::check(&start, used).err().filter(|problem| *problem != UrlProblem::Empty),
            _ => None,
        };
        let what = if used == Use::Link { "This link" } else { "This picture" };
        if let Some(problem) = problem {
            let text = format!("{what} would be left out: {}.", problem.as_str());
            self.found.add_at(Severity::Error, "url_not_allowed", &url.spot, text);
        } else if start.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://")) {
            let text = format!("{what} uses http. Write https, so that nobody on the way can read or change it.");
            self.found.add_at(Severity::Warning, "url_not_secure", &url.spot, text);
        }
    }
}

/// Whether `path` is `known` or below it.
fn covers(known: &str, path: &str) -> bool {
    path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_there(there: &Map<String, Json>, path: &str) -> bool {
    let pointer = path.split_once('.').map_or_else(String::new, |(_, rest)| format!("/{}", rest.replace('.', "/")));
    there.get(path.split('.').next().unwrap_or(path)).is_some_and(|value| value.pointer(&pointer).is_some())
}

/// Puts a value at a path. One suits numbers, dates and texts alike; it does not matter which, only that it is there.
fn put(there: &mut Map<String, Json>, path: &str) {
    match path.split_once('.') {
        None => {
            there.entry(path).or_insert(json!(1));
        }
        Some((first, rest)) => {
            let inner = there.entry(first).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest);
            }
        }
    }
}
