//! The addresses of a template: where its links lead and its pictures lie, as far as they are the same for everybody.
//!
//! Always holds: an address with a value in it is left out: it is another one for each reader, and would tell a stranger who they are.

use std::collections::BTreeSet;

use super::limits::Limits;
use super::pattern::{Node, Url};
use super::prepare::{PreparedNote, Variant};
use super::template::Template;

/// An address in a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The field.
    pub place: String,
    /// In the field, from 1.
    pub line: usize,
    /// In letters, from 1.
    pub column: usize,
    /// Whether a picture lies there; else it is a link.
    pub is_picture: bool,
    /// It.
    pub url: String,
}

/// All addresses of the web in a template, in all its languages; those of a variant that cannot be prepared are left out.
pub fn addresses(template: &Template, limits: Limits) -> Vec<Address> {
    let mut found = BTreeSet::new();
    for language in template.content.languages() {
        match Variant::new(&template.content, language, &limits) {
            Ok(Variant::Email(email)) => {
                walk(&email.html.nodes, &mut found);
                walk(email.text.as_deref().unwrap_or_default(), &mut found);
            }
            Ok(Variant::Note(note)) => of_note(&note, &mut found),
            Err(_) => {}
        }
    }
    found.into_iter().collect()
}

fn of_note(note: &PreparedNote, found: &mut BTreeSet<Address>) {
    walk(&note.body, found);
    for url in [&note.url, &note.image_url].into_iter().flatten() {
        add(url, found);
    }
}

fn walk(nodes: &[Node], found: &mut BTreeSet<Address>) {
    for node in nodes {
        match node {
            Node::Literal(_) | Node::Print(_) => {}
            Node::If { branches, otherwise } => {
                branches.iter().for_each(|(_, nodes)| walk(nodes, found));
                walk(otherwise, found);
            }
            Node::For(it) => {
                walk(&it.body, found);
                walk(&it.otherwise, found);
            }
            Node::Url(url) => add(url, found),
        }
    }
}

fn add(url: &Url, found: &mut BTreeSet<Address>) {
    let mut text = String::new();
    for node in &url.nodes {
        let Node::Literal(literal) = node else { return };
        text.push_str(literal);
    }
    let text = text.trim();
    if ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme)))
    {
        let (place, line, column) = (url.spot.place.to_string(), url.spot.line, url.spot.column);
        found.insert(Address { place, line, column, is_picture: url.link.is_none(), url: text.to_owned() });
    }
}
