//! Puts a tree together again from a text whose tags are placeholders.

use super::expression::Expression;
use super::pattern::{Loop, Node};
use super::slots::Slot;

/// A tag that is open, as far as it has come.
enum Open {
    /// The branches before, and the test of the one that is being filled.
    If(Vec<(Expression, Vec<Node>)>, Expression),
    /// The branches; `{% else %}` is being filled.
    IfElse(Vec<(Expression, Vec<Node>)>),
    For(Box<Loop>),
    ForElse(Box<Loop>),
}

/// Nodes in the making.
#[derive(Default)]
pub(crate) struct Builder {
    /// Tags, each with the nodes before it.
    open: Vec<(Open, Vec<Node>)>,
    nodes: Vec<Node>,
}

impl Builder {
    /// Appends a literal.
    pub fn literal(&mut self, text: &str) {
        match self.nodes.last_mut() {
            _ if text.is_empty() => {}
            Some(Node::Literal(before)) => before.push_str(text),
            _ => self.nodes.push(Node::Literal(text.to_owned())),
        }
    }

    /// Appends nodes.
    pub fn nodes(&mut self, nodes: Vec<Node>) {
        for node in nodes {
            match node {
                Node::Literal(text) => self.literal(&text),
                other => self.nodes.push(other),
            }
        }
    }

    /// Opens, continues or closes a tag; `None` where it has no place.
    pub fn tag(&mut self, slot: &Slot) -> Option<()> {
        match slot {
            Slot::If(test) => self.push(Open::If(Vec::new(), test.clone())),
            Slot::For(repeated) => self.push(Open::For(repeated.clone())),
            Slot::Elif(_) | Slot::Else => self.otherwise(slot)?,
            Slot::End => self.end()?,
            Slot::Text(_) | Slot::Html(_) | Slot::Url(_) => return None,
        }
        Some(())
    }

    /// The tree; `None` while a tag is open.
    pub fn finished(self) -> Option<Vec<Node>> {
        self.open.is_empty().then_some(self.nodes)
    }

    fn push(&mut self, open: Open) {
        self.open.push((open, std::mem::take(&mut self.nodes)));
    }

    fn otherwise(&mut self, slot: &Slot) -> Option<()> {
        let (open, before) = self.open.pop()?;
        let filled = std::mem::replace(&mut self.nodes, before);
        let open = match (open, slot) {
            (Open::If(mut branches, test), _) => {
                branches.push((test, filled));
                match slot {
                    Slot::Elif(next) => Open::If(branches, next.clone()),
                    _ => Open::IfElse(branches),
                }
            }
            (Open::For(mut repeated), Slot::Else) => {
                repeated.body = filled;
                Open::ForElse(repeated)
            }
            _ => return None,
        };
        self.push(open);
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        let (open, before) = self.open.pop()?;
        let filled = std::mem::replace(&mut self.nodes, before);
        self.nodes.push(match open {
            Open::If(mut branches, test) => {
                branches.push((test, filled));
                Node::If { branches, otherwise: Vec::new() }
            }
            Open::IfElse(branches) => Node::If { branches, otherwise: filled },
            Open::For(mut repeated) => {
                repeated.body = filled;
                Node::For(repeated)
            }
            Open::ForElse(mut repeated) => {
                repeated.otherwise = filled;
                Node::For(repeated)
            }
        });
        Some(())
    }
}
