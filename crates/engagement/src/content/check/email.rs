//! Subject, pictures and size of an e-mail.

use super::super::block::{Block, Image};
use super::super::limits::Limits;
use super::super::pattern::Node;
use super::super::prepare::PreparedEmail;
use super::super::template::Email;
use super::{Findings, Severity, literal, words};

/// Gmail shows no more than 102 kB of an e-mail's HTML and hides the rest behind a link, with it the way out at its end.
const GMAIL_BYTES: usize = 102 * 1024;
/// Telephones show about so many letters of a subject.
const SHOWN_LETTERS: usize = 60;
/// Larger pictures come late on a telephone.
const IMAGE_BYTES: u64 = 200_000;
/// How many rounds of a loop the size is reckoned with, where it has no limit of its own.
const ROUNDS: usize = 10;

pub(super) fn check(place: &str, email: &Email, prepared: &PreparedEmail, limits: &Limits, found: &mut Findings) {
    subject(&format!("{place}.subject"), &prepared.subject, limits, found);
    if email.preheader.trim().is_empty() {
        let text = "Mail programs will show the first words of the e-mail beside the subject. Write a preheader of one sentence.";
        found.add(Severity::Hint, "no_preheader", &format!("{place}.preheader"), text);
    }
    if prepared.text.is_none() {
        let text = "There is no plain text part; filters distrust such e-mails. Write one in `text`.";
        found.add(Severity::Warning, "no_plain_text", place, text);
    }
    images(&format!("{place}.blocks"), &email.blocks, found);
    let html = &prepared.html;
    if html.images_without_alt > 0 && email.mjml.is_some() {
        let text = format!(
            "{} pictures have no `alt`. Say what each shows; leave it empty for decoration.",
            html.images_without_alt
        );
        found.add(Severity::Warning, "image_without_alt", &format!("{place}.mjml"), text);
    }
    for what in &html.forbidden {
        let text = format!("Mail programs remove `{what}`. Take it out.");
        found.add(Severity::Error, "code_in_html", &format!("{place}.mjml"), text);
    }
    let bytes = size(&html.nodes);
    if bytes > GMAIL_BYTES {
        let text = format!(
            "The HTML is about {} kB; Gmail cuts e-mails off at 102 kB. Shorten it or show fewer items.",
            bytes / 1024
        );
        found.add(Severity::Warning, "html_too_large", place, text);
    }
}

fn subject(place: &str, nodes: &[Node], limits: &Limits, found: &mut Findings) {
    let text = literal(nodes);
    let letters = text.chars().count();
    if text.trim().is_empty() {
        found.add(Severity::Error, "subject_empty", place, "The subject is empty. Write one.");
    } else if letters > limits.subject_letters {
        let text = format!("The subject will be cut at {} letters. Shorten it.", limits.subject_letters);
        found.add(Severity::Warning, "subject_cut", place, text);
    } else if letters > SHOWN_LETTERS {
        let text = format!("Telephones show about {SHOWN_LETTERS} letters of a subject. Put what matters first.");
        found.add(Severity::Hint, "subject_long", place, text);
    }
    let own: String =
        nodes.iter().filter_map(|n| if let Node::Literal(text) = n { Some(text.as_str()) } else { None }).collect();
    let cased = own.chars().filter(|c| c.is_lowercase() || c.is_uppercase()).count();
    if cased > 5 && !own.chars().any(char::is_lowercase) {
        found.add(
            Severity::Hint,
            "subject_capitals",
            place,
            "A subject in capitals looks like shouting. Write it as a sentence.",
        );
    }
    if own.chars().filter(|c| matches!(c, '!' | '！')).count() > 1 {
        found.add(
            Severity::Hint,
            "subject_exclamation",
            place,
            "Several exclamation marks look like spam. One is enough.",
        );
    }
    let suspicious = words::suspicious(&own);
    if !suspicious.is_empty() {
        let text =
            format!("Filters and readers often distrust: {}. Say it in other words if you can.", suspicious.join(", "));
        found.add(Severity::Hint, "subject_words", place, text);
    }
}

fn images(place: &str, blocks: &[Block], found: &mut Findings) {
    for (index, block) in blocks.iter().enumerate() {
        let place = format!("{place}[{index}]");
        match block {
            Block::Image(picture) => image(&format!("{place}.image"), picture, found),
            Block::Group(group) => images(&format!("{place}.group.blocks"), &group.blocks, found),
            Block::Columns(columns) => {
                for (column, blocks) in columns.columns.iter().enumerate() {
                    images(&format!("{place}.columns.columns[{column}]"), blocks, found);
                }
            }
            _ => {}
        }
    }
}

fn image(place: &str, picture: &Image, found: &mut Findings) {
    if picture.alt.trim().is_empty() {
        let text = "Many people do not see pictures. Say in `alt` what this one shows.";
        found.add(Severity::Warning, "image_without_alt", place, text);
    }
    if let Some(bytes) = picture.bytes.filter(|bytes| *bytes > IMAGE_BYTES) {
        let text = format!(
            "This picture has {} kB and comes late on a telephone. Make it smaller than {} kB.",
            bytes / 1000,
            IMAGE_BYTES / 1000
        );
        found.add(Severity::Warning, "image_too_large", place, text);
    }
}

/// The bytes of the literals; the larger branch of each condition, each loop as often as it may run.
fn size(nodes: &[Node]) -> usize {
    let one = |node: &Node| match node {
        Node::Literal(text) => text.len(),
        Node::Print(_) => 0,
        Node::Url(url) => size(&url.nodes),
        Node::If { branches, otherwise } => {
            branches.iter().map(|(_, nodes)| size(nodes)).chain([size(otherwise)]).max().unwrap_or(0)
        }
        Node::For(it) => {
            let rounds = if it.at_most == usize::MAX { ROUNDS } else { it.at_most };
            size(&it.body).saturating_mul(rounds).max(size(&it.otherwise))
        }
    };
    nodes.iter().map(one).fold(0, usize::saturating_add)
}
