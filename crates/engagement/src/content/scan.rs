//! Reads HTML with placeholders and finds out where each stands: that decides how its value is escaped, or that no value may stand there.
//!
//! Always holds: a value stands in the text of an element, in an attribute that is a text for people (`alt`, `title`, `aria-label`), or is
//! (part of) a URL in `href` or `src`; anywhere else the template is refused. A condition or loop begins and ends in the same element, so
//! whichever branch is taken the HTML stays well formed. Every `href` and `src` becomes a [`Url`], whether it holds a value or not.
//!
//! Does not do: correct HTML. What comes in was written by mrml or by [`super::markdown`].

use std::sync::Arc;

use super::builder::Builder;
use super::expression::Spot;
use super::pattern::{Node, Url, literals_as_html};
use super::slots::{Slot, Slots};
use crate::Error;

/// Attributes that hold a text for people.
const TEXT_ATTRIBUTES: &[&str] = &["alt", "title", "aria-label"];
/// Elements without an end (HTML standard, section 13.1.2).
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Elements whose content is no HTML.
const RAW: &[&str] = &["style", "script", "textarea", "noscript", "iframe", "xmp"];
/// Elements that no mail program runs, and that no page should take from a template.
const FORBIDDEN: &[&str] = &["script", "iframe", "object", "embed", "form", "base", "applet"];

/// What the HTML of a template is made of.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    pub nodes: Vec<Node>,
    /// Pictures without the attribute `alt`.
    pub images_without_alt: usize,
    /// Elements and attributes that run code, e.g. `script` or `onclick`.
    pub forbidden: Vec<String>,
}

/// Scans HTML.
///
/// # Errors
/// [`Error::Invalid`] where a value may not stand.
pub(crate) fn scan(place: &Arc<str>, html: &str, slots: &Slots, links: &mut usize) -> Result<Scanned, Error> {
    let mut scanner = Scanner {
        place,
        slots,
        links,
        builder: Builder::default(),
        elements: Vec::new(),
        tags: Vec::new(),
        out: Scanned::default(),
    };
    scanner.document(html)?;
    let Scanner { builder, mut out, .. } = scanner;
    out.nodes = builder.finished().ok_or_else(|| misplaced(place, "a condition or loop is not closed"))?;
    Ok(out)
}

fn misplaced(place: &str, what: &str) -> Error {
    Error::invalid(place, what)
}

struct Scanner<'a> {
    place: &'a Arc<str>,
    slots: &'a Slots,
    links: &'a mut usize,
    builder: Builder,
    /// Names of the elements that are open.
    elements: Vec<String>,
    /// For each open tag, how many elements were open at it; `usize::MAX` once one of these has been closed.
    tags: Vec<usize>,
    out: Scanned,
}

impl Scanner<'_> {
    fn document(&mut self, html: &str) -> Result<(), Error> {
        let mut rest = html;
        while !rest.is_empty() {
            let until = rest.find('<').unwrap_or(rest.len());
            self.text(&rest[..until])?;
            rest = &rest[until..];
            let length = self.markup(rest)?;
            rest = &rest[length..];
        }
        Ok(())
    }

    /// A comment, a declaration, an end or a start of an element; its length.
    fn markup(&mut self, rest: &str) -> Result<usize, Error> {
        let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
        if rest.is_empty() {
            return Ok(0);
        }
        let is_element = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic());
        if is_element {
            return self.start(rest);
        }
        let length = if rest.starts_with("<!--") { until("-->") } else { until(">") };
        self.literal_only(&rest[..length], "a comment")?;
        if rest.starts_with("</") {
            self.end(rest[2..length].trim_end_matches('>').trim());
        }
        Ok(length)
    }

    fn literal_only(&mut self, text: &str, what: &str) -> Result<(), Error> {
        if self.slots.find(text).is_some() {
            return Err(misplaced(self.place, &format!("a value or tag may not stand in {what}; put it into a text")));
        }
        self.builder.literal(text);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        let mut rest = text;
        while let Some((range, slot)) = self.slots.find(rest) {
            self.builder.literal(&rest[..range.start]);
            match slot {
                Slot::Text(nodes) => self.builder.nodes(as_html(nodes)),
                Slot::Html(nodes) => self.builder.nodes(nodes.clone()),
                Slot::Url(url) => self.builder.nodes(vec![Node::Url(url.clone())]),
                tag => self.tag(tag)?,
            }
            rest = &rest[range.end..];
        }
        self.builder.literal(rest);
        Ok(())
    }

    /// A condition or loop, which must end in the element in which it began.
    fn tag(&mut self, slot: &Slot) -> Result<(), Error> {
        let across = "a condition or loop begins in one element and ends in another; keep each within one paragraph, or put its tags into paragraphs of their own";
        match slot {
            Slot::If(_) | Slot::For(_) => self.tags.push(self.elements.len()),
            Slot::End if self.tags.pop() == Some(self.elements.len()) => {}
            Slot::Elif(_) | Slot::Else if self.tags.last() == Some(&self.elements.len()) => {}
            _ => return Err(misplaced(self.place, across)),
        }
        self.builder.tag(slot).ok_or_else(|| misplaced(self.place, across))
    }

    /// The end of an element. A tag that was opened within it can no longer end where it began.
    fn end(&mut self, name: &str) {
        if self.elements.last().is_some_and(|open| open.eq_ignore_ascii_case(name)) {
            self.elements.pop();
            for depth in &mut self.tags {
                if *depth > self.elements.len() {
                    *depth = usize::MAX;
                }
            }
        }
    }

    /// `<name attribute="value" ...>`, and the content of elements whose content is no HTML; its length.
    fn start(&mut self, rest: &str) -> Result<usize, Error> {
        let name_length =
            rest[1..].find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').unwrap_or(rest.len() - 1);
        let name = rest[1..=name_length].to_ascii_lowercase();
        self.literal_only(&rest[..=name_length], "the name of an element")?;
        if FORBIDDEN.contains(&name.as_str()) {
            self.out.forbidden.push(format!("<{name}>"));
        }
        let mut at = name_length + 1;
        let mut has_alt = false;
        loop {
            let gap = rest[at..].find(|c: char| !c.is_ascii_whitespace() && c != '/').unwrap_or(rest.len() - at);
            self.builder.literal(&rest[at..at + gap]);
            at += gap;
            if at >= rest.len() || rest[at..].starts_with('>') {
                break;
            }
            let (attribute, length) = self.attribute(&name, &rest[at..])?;
            has_alt |= attribute == "alt";
            at += length;
        }
        if name == "img" && !has_alt {
            self.out.images_without_alt += 1;
        }
        let closes_itself = rest[..at].ends_with('/');
        let end = (at + 1).min(rest.len());
        self.builder.literal(&rest[at..end]);
        if closes_itself || VOID.contains(&name.as_str()) {
            return Ok(end);
        }
        if RAW.contains(&name.as_str()) {
            return self.raw(&name, rest, end);
        }
        self.elements.push(name);
        Ok(end)
    }

    /// From the content of an element to its end.
    fn raw(&mut self, name: &str, rest: &str, from: usize) -> Result<usize, Error> {
        let is_end =
            |at: usize| rest.get(at + 2..at + 2 + name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name));
        let end =
            rest[from..].match_indices("</").map(|(at, _)| from + at).find(|at| is_end(*at)).unwrap_or(rest.len());
        let end = rest[end..].find('>').map_or(rest.len(), |at| end + at + 1);
        self.literal_only(&rest[from..end], &format!("<{name}>"))?;
        Ok(end)
    }

    /// One attribute; its name and length.
    fn attribute(&mut self, element: &str, rest: &str) -> Result<(String, usize), Error> {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
        let name_length = rest[first..].find(is_end).map_or(rest.len(), |at| first + at);
        let name = rest[..name_length].to_ascii_lowercase();
        self.literal_only(&rest[..name_length], "the name of an attribute")?;
        if name.starts_with("on") || name == "srcdoc" {
            self.out.forbidden.push(name.clone());
        }
        let after = &rest[name_length..];
        let Some(value) = after.strip_prefix('=') else { return Ok((name, name_length)) };
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            let length = value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len());
            self.literal_only(&after[..=length], &format!("`{name}` without quotes"))?;
            return Ok((name, name_length + 1 + length));
        };
        let length =
            value[1..].find(quote).ok_or_else(|| misplaced(self.place, &format!("`{name}` has no closing quote")))?;
        self.builder.literal(&after[..2]);
        self.value(element, &name, &value[1..=length])?;
        self.builder.literal(&value[length + 1..length + 2]);
        Ok((name, name_length + length + 3))
    }

    fn value(&mut self, element: &str, name: &str, value: &str) -> Result<(), Error> {
        let link = match (element, name) {
            ("a" | "area", "href") => true,
            ("img", "src") => false,
            _ if TEXT_ATTRIBUTES.contains(&name) => {
                let nodes = self.nodes_of(value, true)?;
                self.builder.nodes(nodes);
                return Ok(());
            }
            _ => return self.literal_only(value, &format!("`{name}` of <{element}>")),
        };
        if value.starts_with('#') {
            self.builder.literal(value);
            return Ok(());
        }
        let nodes = self.nodes_of(value, false)?;
        let url = match <[Node; 1]>::try_from(nodes) {
            // A block's or Markdown's URL knows its place and its number.
            Ok([Node::Url(url)]) => url,
            nodes => {
                let nodes = nodes.map_or_else(|nodes| nodes, Vec::from);
                let spot = Spot { place: Arc::clone(self.place), line: 1, column: 1 };
                Url { link: link.then(|| next(self.links)), spot: first_spot(&nodes).unwrap_or(spot), nodes }
            }
        };
        self.builder.nodes(vec![Node::Url(url)]);
        Ok(())
    }

    /// What an attribute holds. The literals of a text for people stay HTML; those of a URL become plain.
    fn nodes_of(&self, value: &str, html: bool) -> Result<Vec<Node>, Error> {
        let mut builder = Builder::default();
        let mut rest = value;
        let plain = |text: &str| if html { text.to_owned() } else { text.replace("&amp;", "&") };
        while let Some((range, slot)) = self.slots.find(rest) {
            builder.literal(&plain(&rest[..range.start]));
            match slot {
                Slot::Text(nodes) if html => builder.nodes(as_html(nodes)),
                Slot::Text(nodes) => builder.nodes(nodes.clone()),
                Slot::Url(url) => builder.nodes(vec![Node::Url(url.clone())]),
                Slot::Html(_) => return Err(misplaced(self.place, "a formatted text may not stand in an attribute")),
                tag => builder.tag(tag).ok_or_else(|| {
                    misplaced(self.place, "a condition or loop begins or ends within an attribute; put it whole into the attribute or around the element")
                })?,
            }
            rest = &rest[range.end..];
        }
        builder.literal(&plain(rest));
        builder.finished().ok_or_else(|| {
            misplaced(self.place, "a condition or loop begins within an attribute and ends outside; put it whole into the attribute or around the element")
        })
    }
}

fn as_html(nodes: &[Node]) -> Vec<Node> {
    let mut nodes = nodes.to_vec();
    literals_as_html(&mut nodes);
    nodes
}

/// The next number of a link.
pub(crate) fn next(links: &mut usize) -> usize {
    *links += 1;
    *links - 1
}

fn first_spot(nodes: &[Node]) -> Option<Spot> {
    nodes.iter().find_map(|node| match node {
        Node::Print(expression) => Some(expression.spot.clone()),
        Node::Url(url) => Some(url.spot.clone()),
        Node::If { branches, .. } => branches.first().map(|(test, _)| test.spot.clone()),
        Node::For(repeated) => Some(repeated.over.spot.clone()),
        Node::Literal(_) => None,
    })
}
