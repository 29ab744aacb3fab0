//! The texts of templates, parsed: literals, values `{{ path|filter }}`, conditions `{% if %}…{% elif %}…{% else %}…{% endif %}` and
//! loops `{% for item in list %}…{% else %}…{% endfor %}`; `{# a note #}` is left out, `{%-` and `-%}` trim the spaces beside them.
//!
//! Always holds: a template is a tree before any data is seen, so no value can become a part of it; an error names line, column, what
//! stands there and what was expected. There is no assignment, include, macro or block: nothing can grow but by loops over data.

use std::sync::Arc;

use super::expression::{Expression, Spot, quoted};
use super::limits::Limits;
use crate::Error;

/// A piece of a parsed text.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Written as it is.
    Literal(String),
    /// A value, escaped for where it stands.
    Print(Expression),
    /// The first branch whose condition holds.
    If { branches: Vec<(Expression, Vec<Node>)>, otherwise: Vec<Node> },
    /// Once for each item of a list.
    For(Box<Loop>),
    /// A URL. Made when a template is prepared, never by the parser.
    Url(Url),
}

/// A loop.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    /// What an item is called in the body.
    pub name: Arc<str>,
    pub over: Expression,
    /// The largest number of items; the rest is left out.
    pub at_most: usize,
    pub body: Vec<Node>,
    /// For an empty list.
    pub otherwise: Vec<Node>,
}

/// A URL of a link or an image.
#[derive(Clone, Debug)]
pub(crate) struct Url {
    /// The number of the link in its variant, the same in HTML and plain text; `None` for images.
    pub link: Option<usize>,
    pub spot: Spot,
    pub nodes: Vec<Node>,
}

/// Parses a field.
///
/// # Errors
/// [`Error::Syntax`]; [`Error::TooLarge`] for a field, an expression or a nesting beyond its limit.
pub(crate) fn parse(place: &Arc<str>, source: &str, limits: &Limits) -> Result<Vec<Node>, Error> {
    let too_large = |what, limit| Err(Error::TooLarge { place: place.to_string(), what, limit });
    if source.len() > limits.field_bytes {
        return too_large("bytes of one field", limits.field_bytes);
    }
    let mut parser = Parser { place, source, limits, at: 0, trims: false };
    let (nodes, closing) = parser.nodes(0)?;
    match closing {
        None => Ok(nodes),
        Some(tag) => Err(parser
            .spot(tag.at)
            .refused(format!("`{{% {} %}}`", tag.keyword), "no such tag here: nothing is open that it could close")),
    }
}

struct Parser<'a> {
    place: &'a Arc<str>,
    source: &'a str,
    limits: &'a Limits,
    at: usize,
    /// Whether the tag before asked to trim what follows it.
    trims: bool,
}

/// `{% keyword rest %}`.
#[derive(Clone, Copy)]
struct Tag<'a> {
    at: usize,
    keyword: &'a str,
    rest_at: usize,
    rest: &'a str,
}

enum Piece<'a> {
    Value { at: usize, text: &'a str },
    Tag(Tag<'a>),
}

impl<'a> Parser<'a> {
    fn spot(&self, at: usize) -> Spot {
        Spot::of(self.place, self.source, at)
    }

    fn expression(&self, at: usize, length: usize) -> Result<Expression, Error> {
        Expression::compile(self.place, self.source, at, length, self.limits)
    }

    /// Nodes up to a tag that belongs to the opener (`elif`, `else`, `endif`, `endfor`), or the end.
    fn nodes(&mut self, depth: usize) -> Result<(Vec<Node>, Option<Tag<'a>>), Error> {
        if depth > self.limits.depth {
            let (what, limit) = ("levels of conditions and loops", self.limits.depth);
            return Err(Error::TooLarge { place: self.place.to_string(), what, limit });
        }
        let mut nodes = Vec::new();
        while let Some(piece) = self.piece(&mut nodes)? {
            match piece {
                Piece::Value { at, text } => nodes.push(Node::Print(self.expression(at, text.len())?)),
                Piece::Tag(tag) => match tag.keyword {
                    "if" => nodes.push(self.condition(tag, depth)?),
                    "for" => nodes.push(self.repeated(tag, depth)?),
                    "elif" | "else" | "endif" | "endfor" => return Ok((nodes, Some(tag))),
                    other => {
                        let expected = "if, elif, else, endif, for or endfor";
                        return Err(self.spot(tag.at).refused(format!("the tag `{other}`"), expected));
                    }
                },
            }
        }
        Ok((nodes, None))
    }

    fn condition(&mut self, opener: Tag<'a>, depth: usize) -> Result<Node, Error> {
        let mut branches = Vec::new();
        let mut tag = opener;
        loop {
            let test = self.expression(tag.rest_at, tag.rest.len())?;
            let (nodes, next) = self.nodes(depth + 1)?;
            branches.push((test, nodes));
            tag = self.closing(next, opener, &["elif", "else", "endif"])?;
            match tag.keyword {
                "elif" => {}
                "else" => {
                    let (otherwise, next) = self.nodes(depth + 1)?;
                    self.closing(next, opener, &["endif"])?;
                    return Ok(Node::If { branches, otherwise });
                }
                _ => return Ok(Node::If { branches, otherwise: Vec::new() }),
            }
        }
    }

    fn repeated(&mut self, opener: Tag<'a>, depth: usize) -> Result<Node, Error> {
        let name = opener.rest.split_whitespace().next().unwrap_or_default();
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let after = &opener.rest[opener.rest.find(name).unwrap_or(0) + name.len()..];
        let list = after.trim_start().strip_prefix("in").filter(|rest| rest.starts_with(char::is_whitespace));
        let (true, Some(list)) = (is_name, list) else {
            return Err(self.spot(opener.at).refused(format!("`for {}`", opener.rest), "`for item in list`"));
        };
        let over = self.expression(opener.rest_at + opener.rest.len() - list.len(), list.len())?;
        let (body, next) = self.nodes(depth + 1)?;
        let tag = self.closing(next, opener, &["else", "endfor"])?;
        let mut otherwise = Vec::new();
        if tag.keyword == "else" {
            let next;
            (otherwise, next) = self.nodes(depth + 1)?;
            self.closing(next, opener, &["endfor"])?;
        }
        Ok(Node::For(Box::new(Loop { name: name.into(), over, at_most: usize::MAX, body, otherwise })))
    }

    fn closing(&self, tag: Option<Tag<'a>>, opener: Tag<'a>, expected: &[&str]) -> Result<Tag<'a>, Error> {
        let expected_text = || {
            let line = self.spot(opener.at).line;
            format!("`{}`, because `{}` of line {line} is open", expected.join("` or `"), opener.keyword)
        };
        match tag {
            None => Err(self.spot(self.source.len()).refused("the end of the text", expected_text())),
            Some(tag) if !expected.contains(&tag.keyword) => {
                Err(self.spot(tag.at).refused(format!("`{}`", tag.keyword), expected_text()))
            }
            Some(tag) => Ok(tag),
        }
    }

    /// The next value or tag; the literal before it is pushed.
    fn piece(&mut self, nodes: &mut Vec<Node>) -> Result<Option<Piece<'a>>, Error> {
        loop {
            let source = self.source;
            let start = self.at;
            let open = opening(source, start);
            let mut literal = &source[start..open.unwrap_or(source.len())];
            if std::mem::take(&mut self.trims) {
                literal = literal.trim_start();
            }
            if open.is_some_and(|at| source[at + 2..].starts_with('-')) {
                literal = literal.trim_end();
            }
            if !literal.is_empty() {
                nodes.push(Node::Literal(literal.to_owned()));
            }
            let Some(open) = open else {
                self.at = source.len();
                return Ok(None);
            };
            let end = self.end_of(open)?;
            let inside_at = open + 2 + usize::from(source[open + 2..end].starts_with('-'));
            let inside = &source[inside_at.min(end)..end];
            self.trims = inside.ends_with('-');
            let inside = inside.strip_suffix('-').unwrap_or(inside);
            self.at = end + 2;
            match &source[open..open + 2] {
                "{#" => {}
                "{{" => return Ok(Some(Piece::Value { at: inside_at, text: inside })),
                _ => return Ok(Some(Piece::Tag(tag(open, inside_at, inside)))),
            }
        }
    }

    /// Where `}}`, `%}` or `#}` stands; what is in quotes does not count.
    fn end_of(&self, open: usize) -> Result<usize, Error> {
        let close = match &self.source[open..open + 2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let mut at = open + 2;
        while let Some(letter) = self.source[at..].chars().next() {
            if self.source[at..].starts_with(close) {
                return Ok(at);
            }
            let is_quote = close != "#}" && (letter == '"' || letter == '\'');
            at += if is_quote { quoted(&self.source[at..]).unwrap_or(1) } else { letter.len_utf8() };
        }
        let found = format!("`{}` without its end", &self.source[open..open + 2]);
        Err(self.spot(open).refused(found, format!("`{close}` after it")))
    }
}

fn opening(source: &str, from: usize) -> Option<usize> {
    source
        .get(from..)?
        .match_indices('{')
        .map(|(at, _)| from + at)
        .find(|at| matches!(source.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#')))
}

fn tag(at: usize, inside_at: usize, inside: &str) -> Tag<'_> {
    let text = inside.trim_start();
    let keyword = &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())];
    let rest_at = inside_at + inside.len() - text.len() + keyword.len();
    Tag { at, keyword, rest_at, rest: &text[keyword.len()..] }
}

/// Escapes the literals of a plain text for HTML. Values are escaped when they are written.
pub(crate) fn literals_as_html(nodes: &mut [Node]) {
    for node in nodes {
        match node {
            Node::Literal(text) => {
                let mut escaped = String::with_capacity(text.len());
                super::escape::html(text, &mut escaped);
                *text = escaped;
            }
            Node::If { branches, otherwise } => {
                branches.iter_mut().for_each(|(_, nodes)| literals_as_html(nodes));
                literals_as_html(otherwise);
            }
            Node::For(repeated) => {
                literals_as_html(&mut repeated.body);
                literals_as_html(&mut repeated.otherwise);
            }
            // A URL's literals are escaped with the whole URL.
            Node::Print(_) | Node::Url(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(nodes: &[Node]) -> String {
        nodes
            .iter()
            .map(|node| match node {
                Node::Literal(text) => format!("'{text}'"),
                Node::Print(expression) => format!("<{}>", expression.source),
                Node::If { branches, otherwise } => {
                    let branches: String =
                        branches.iter().map(|(e, n)| format!("{}? {} ", e.source, shape(n))).collect();
                    format!("({branches}: {})", shape(otherwise))
                }
                Node::For(it) => {
                    format!("[{} of {}: {} / {}]", it.name, it.over.source, shape(&it.body), shape(&it.otherwise))
                }
                Node::Url(_) => "url".to_owned(),
            })
            .collect()
    }

    fn parsed(source: &str) -> Result<Vec<Node>, Error> {
        parse(&"field".into(), source, &Limits::default())
    }

    #[test]
    fn texts_become_trees() {
        for (source, expected) in [
            ("", ""),
            ("a { b } %} }}", "'a { b } %} }}'"),
            ("a{{ b }}c", "'a'<b>'c'"),
            ("{{ '}}' }}", "<'}}'>"),
            ("a {{- b -}} c", "'a'<b>'c'"),
            ("a{# note {{ x }} #}b", "'a''b'"),
            ("{% if a %}x{% elif b %}y{% else %}z{% endif %}", "(a? 'x' b? 'y' : 'z')"),
            ("{% for i in l %}{{ i }}{% else %}none{% endfor %}", "[i of l: <i> / 'none']"),
            ("{%- for index in list|default([]) -%} x {%- endfor %}", "[index of list|default([]): 'x' / ]"),
        ] {
            assert_eq!(shape(&parsed(source).unwrap()), expected, "{source}");
        }
    }

    #[test]
    fn mistakes_are_found_where_they_are() {
        for (source, line, column, found) in [
            ("ab\nä {{ x", 2, 3, "`{{` without its end"),
            ("{% if a %}\nx", 2, 2, "the end of the text"),
            ("{% if a %}{% endfor %}", 1, 11, "`endfor`"),
            ("x{% endif %}", 1, 2, "`{% endif %}`"),
            ("{% include 'x' %}", 1, 1, "the tag `include`"),
            ("{% set a = 1 %}", 1, 1, "the tag `set`"),
            ("{% autoescape false %}", 1, 1, "the tag `autoescape`"),
            ("{% raw %}", 1, 1, "the tag `raw`"),
            ("{% for x of y %}", 1, 1, "`for  x of y `"),
            ("{% for x in %}", 1, 13, "nothing"),
            ("日本 {{ a b }}", 1, 9, "a second value"),
            ("\n\n  {{ a|nix }}", 3, 8, "`nix`"),
        ] {
            match parsed(source) {
                Err(Error::Syntax { line: l, column: c, found: f, .. }) => {
                    assert!((l, c) == (line, column) && f.contains(found), "{source}: {l}:{c} {f}");
                }
                other => panic!("{source}: {other:?}"),
            }
        }
    }

    #[test]
    fn nesting_and_size_are_limited() {
        let nested = |n: usize| "{% if a %}".repeat(n) + &"{% endif %}".repeat(n);
        assert!(parsed(&nested(8)).is_ok());
        assert_eq!(parsed(&nested(9)).unwrap_err().code(), "template_too_large");
        assert_eq!(parsed(&nested(9_000)).unwrap_err().code(), "template_too_large");
        assert_eq!(parsed(&"x".repeat(100_001)).unwrap_err().code(), "template_too_large");
    }
}
