//! Placeholders: what of a template is put aside while Markdown or MJML around it becomes HTML, and put back at its place after it.
//!
//! Always holds: a placeholder is made of letters and digits alone, so every step on the way carries it through unchanged, and it does not
//! occur in what the author wrote. A value is never seen by the converters, hence never taken for markup.

use std::ops::Range;

use super::expression::Expression;
use super::pattern::{Loop, Node, Url};

/// What a placeholder stands for.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    /// A text whose literals are not escaped yet.
    Text(Vec<Node>),
    /// Nodes that are HTML already.
    Html(Vec<Node>),
    /// A URL.
    Url(Url),
    /// `{% if %}`.
    If(Expression),
    /// `{% elif %}`.
    Elif(Expression),
    /// `{% else %}`.
    Else,
    /// `{% for %}`; body and otherwise are empty.
    For(Box<Loop>),
    /// `{% endif %}`, `{% endfor %}`.
    End,
}

impl Slot {
    /// Whether it is a tag, which writes nothing itself.
    pub fn is_tag(&self) -> bool {
        matches!(self, Self::If(_) | Self::Elif(_) | Self::Else | Self::For(_) | Self::End)
    }
}

/// The slots of one text.
#[derive(Debug)]
pub(crate) struct Slots {
    mark: String,
    slots: Vec<Slot>,
}

impl Slots {
    /// Slots whose placeholders do not occur in the text.
    pub fn new(text: &str) -> Self {
        let mut mark = "zqslot".to_owned();
        while text.contains(&mark) {
            mark.push('q');
        }
        Self { mark: mark + "x", slots: Vec::new() }
    }

    /// Puts something aside and gives its placeholder.
    pub fn put(&mut self, slot: Slot) -> String {
        self.slots.push(slot);
        format!("{}{}z", self.mark, self.slots.len() - 1)
    }

    /// The first placeholder in a text: where it stands and what for.
    pub fn find(&self, text: &str) -> Option<(Range<usize>, &Slot)> {
        let start = text.find(&self.mark)?;
        let digits = &text[start + self.mark.len()..];
        let length = digits.find('z')?;
        let slot = self.slots.get(digits[..length].parse::<usize>().ok()?)?;
        Some((start..start + self.mark.len() + length + 1, slot))
    }

    /// Whether a text is made of tags and spaces alone, and has a tag.
    pub fn are_tags_only(&self, text: &str) -> bool {
        let mut rest = text;
        while let Some((range, slot)) = self.find(rest) {
            if !slot.is_tag() || !rest[..range.start].trim().is_empty() {
                return false;
            }
            rest = &rest[range.end..];
        }
        rest.trim().is_empty() && rest.len() < text.len()
    }

    /// The text of parsed nodes with placeholders for all but the literals.
    pub fn flattened(&mut self, nodes: Vec<Node>) -> String {
        let mut out = String::new();
        self.flatten(nodes, &mut out);
        out
    }

    fn flatten(&mut self, nodes: Vec<Node>, out: &mut String) {
        for node in nodes {
            match node {
                Node::Literal(text) => out.push_str(&text),
                Node::Print(expression) => out.push_str(&self.put(Slot::Text(vec![Node::Print(expression)]))),
                Node::Url(url) => out.push_str(&self.put(Slot::Url(url))),
                Node::If { branches, otherwise } => {
                    for (index, (test, nodes)) in branches.into_iter().enumerate() {
                        let slot = if index == 0 { Slot::If(test) } else { Slot::Elif(test) };
                        out.push_str(&self.put(slot));
                        self.flatten(nodes, out);
                    }
                    self.flatten_end(otherwise, out);
                }
                Node::For(mut repeated) => {
                    let body = std::mem::take(&mut repeated.body);
                    let otherwise = std::mem::take(&mut repeated.otherwise);
                    out.push_str(&self.put(Slot::For(repeated)));
                    self.flatten(body, out);
                    self.flatten_end(otherwise, out);
                }
            }
        }
    }

    fn flatten_end(&mut self, otherwise: Vec<Node>, out: &mut String) {
        if !otherwise.is_empty() {
            out.push_str(&self.put(Slot::Else));
            self.flatten(otherwise, out);
        }
        out.push_str(&self.put(Slot::End));
    }
}
