//! The plain editor's text: paragraphs, line ends, `**bold**`, `*italic*`, `[links](https://...)`, lists and `>` quotes, as HTML and as
//! plain text with the links written out.
//!
//! Always holds: HTML in the text is a text; values are put in after the Markdown was read, so a star or bracket in a name is a star or
//! bracket. A line end in the text is a line end in the message.

use std::sync::Arc;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::builder::Builder;
use super::escape;
use super::expression::Spot;
use super::pattern::{Node, Url};
use super::scan::{next, scan};
use super::slots::{Slot, Slots};
use crate::Error;

/// A text in both forms.
pub(crate) struct Formatted {
    pub html: Vec<Node>,
    pub plain: Vec<Node>,
}

/// Formats parsed nodes.
///
/// # Errors
/// [`Error::Invalid`] when a condition or loop reaches across paragraphs or list items.
pub(crate) fn formatted(
    place: &Arc<str>,
    source: &str,
    nodes: Vec<Node>,
    links: &mut usize,
) -> Result<Formatted, Error> {
    let mut slots = Slots::new(source);
    let text = slots.flattened(nodes);
    let mut writer = Writer {
        place,
        slots: &mut slots,
        links,
        html: String::new(),
        plain: String::new(),
        stack: Vec::new(),
        paragraph: (0, 0),
    };
    for event in Parser::new_ext(&text, Options::empty()) {
        writer.event(event);
    }
    let Writer { html, plain, .. } = writer;
    let html = scan(place, &html, &slots, links)?.nodes;
    Ok(Formatted { html, plain: restored(place, plain.trim(), &slots)? })
}

fn restored(place: &Arc<str>, text: &str, slots: &Slots) -> Result<Vec<Node>, Error> {
    let mut builder = Builder::default();
    let mut rest = text;
    while let Some((range, slot)) = slots.find(rest) {
        builder.literal(&rest[..range.start]);
        match slot {
            Slot::Text(nodes) | Slot::Html(nodes) => builder.nodes(nodes.clone()),
            Slot::Url(url) => builder.nodes(vec![Node::Url(url.clone())]),
            tag => builder.tag(tag).ok_or_else(|| Error::invalid(&**place, "a condition or loop is cut apart"))?,
        }
        rest = &rest[range.end..];
    }
    builder.literal(rest);
    builder.finished().ok_or_else(|| Error::invalid(&**place, "a condition or loop is cut apart"))
}

struct Writer<'a> {
    place: &'a Arc<str>,
    slots: &'a mut Slots,
    links: &'a mut usize,
    html: String,
    plain: String,
    /// What closes the open elements in plain text: the URL of a link, the number of the next item.
    stack: Vec<String>,
    /// Where the open paragraph begins in both.
    paragraph: (usize, usize),
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::SoftBreak | Event::HardBreak => self.line_end(),
            Event::Rule => {
                self.html.push_str("<hr />");
                self.plain.push_str("---\n\n");
            }
            // Extensions that are not switched on.
            _ => {}
        }
    }

    fn line_end(&mut self) {
        self.html.push_str("<br />");
        self.plain.push('\n');
    }

    fn text(&mut self, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.line_end();
            }
            escape::html(line, &mut self.html);
            self.plain.push_str(line);
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            // People indent and write angle brackets for looks: neither makes code or HTML of a text.
            Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock => {
                self.paragraph = (self.html.len(), self.plain.len());
                self.html.push_str("<p style=\"margin:0 0 12px\">");
            }
            Tag::Strong => self.html.push_str("<strong>"),
            Tag::Emphasis => self.html.push_str("<em>"),
            Tag::BlockQuote(_) => self.html.push_str("<blockquote>"),
            Tag::List(first) => {
                self.html.push_str(if first.is_some() { "<ol>" } else { "<ul>" });
                if !self.plain.is_empty() && !self.plain.ends_with('\n') {
                    self.plain.push('\n');
                }
                self.stack.push(first.map_or_else(String::new, |n| n.to_string()));
            }
            Tag::Item => {
                self.html.push_str("<li>");
                let bullet =
                    self.stack.last().filter(|n| !n.is_empty()).map_or_else(|| "- ".to_owned(), |n| format!("{n}. "));
                self.plain.push_str(&bullet);
            }
            Tag::Link { dest_url, .. } => {
                let url = self.url(&dest_url);
                let placeholder = self.slots.put(Slot::Url(url));
                self.html.push_str(&format!("<a href=\"{placeholder}\" target=\"_blank\">"));
                self.stack.push(placeholder);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock => self.end_of_paragraph(),
            TagEnd::Strong => self.html.push_str("</strong>"),
            TagEnd::Emphasis => self.html.push_str("</em>"),
            TagEnd::BlockQuote(_) => self.html.push_str("</blockquote>"),
            TagEnd::List(ordered) => {
                self.html.push_str(if ordered { "</ol>" } else { "</ul>" });
                self.stack.pop();
                self.plain.push('\n');
            }
            TagEnd::Item => {
                self.html.push_str("</li>");
                if let Some(number) = self.stack.last_mut().filter(|n| !n.is_empty()) {
                    *number = (number.parse::<u64>().unwrap_or(0) + 1).to_string();
                }
                self.plain.truncate(self.plain.trim_end_matches('\n').len());
                self.plain.push('\n');
            }
            TagEnd::Link => {
                self.html.push_str("</a>");
                let placeholder = self.stack.pop().unwrap_or_default();
                self.plain.push_str(&format!(" ({placeholder})"));
            }
            _ => {}
        }
    }

    /// A paragraph of tags alone becomes no paragraph: what stands between such paragraphs is conditional or repeated as a whole.
    fn end_of_paragraph(&mut self) {
        let (html_at, plain_at) = self.paragraph;
        // Code and HTML come line by line, each with its end.
        self.html.truncate(self.html.trim_end_matches("<br />").len().max(html_at));
        self.plain.truncate(self.plain.trim_end_matches('\n').len().max(plain_at));
        let text = self.plain[plain_at..].to_owned();
        if self.slots.are_tags_only(&text) {
            self.html.truncate(html_at);
            self.html.push_str(text.trim());
            self.plain.truncate(plain_at);
            self.plain.push_str(text.trim());
        } else {
            self.html.push_str("</p>");
            self.plain.push_str("\n\n");
        }
    }

    fn url(&mut self, text: &str) -> Url {
        let spot = Spot { place: Arc::clone(self.place), line: 1, column: 1 };
        let nodes = restored(self.place, text, self.slots).unwrap_or_default();
        let spot =
            nodes.iter().find_map(|n| if let Node::Print(e) = n { Some(e.spot.clone()) } else { None }).unwrap_or(spot);
        Url { link: Some(next(self.links)), spot, nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::Limits;
    use super::super::pattern::parse;
    use super::*;

    /// Both forms, with `<...>` for values and URLs.
    fn both(source: &str) -> (String, String) {
        let place: Arc<str> = "f".into();
        let nodes = parse(&place, source, &Limits::default()).unwrap();
        let formatted = formatted(&place, source, nodes, &mut 0).unwrap();
        (shown(&formatted.html).replace(" style=\"margin:0 0 12px\"", ""), shown(&formatted.plain))
    }

    fn shown(nodes: &[Node]) -> String {
        let one = |node: &Node| match node {
            Node::Literal(text) => text.clone(),
            Node::Print(expression) => format!("<{}>", expression.source),
            Node::Url(url) => format!("<{}:{}>", url.link.unwrap(), shown(&url.nodes)),
            Node::If { branches, .. } => format!("(?{})", shown(&branches[0].1)),
            Node::For(repeated) => format!("(*{})", shown(&repeated.body)),
        };
        nodes.iter().map(one).collect()
    }

    #[test]
    fn both_forms() {
        for (source, html, plain) in [
            ("a\nb\n\nc", "<p>a<br />b</p><p>c</p>", "a\nb\n\nc"),
            ("**a** *{{ b }}*", "<p><strong>a</strong> <em><b></em></p>", "a <b>"),
            ("**{{ b }}**{{ c }}", "<p><strong><b></strong><c></p>", "<b><c>"),
            (
                "[a {{ b }}](https://x/{{ c }}) [d](mailto:e)",
                "<p><a href=\"<0:https://x/<c>>\" target=\"_blank\">a <b></a> <a href=\"<1:mailto:e>\" target=\"_blank\">d</a></p>",
                "a <b> (<0:https://x/<c>>) d (<1:mailto:e>)",
            ),
            ("- a\n- b\n\nc", "<ul><li>a</li><li>b</li></ul><p>c</p>", "- a\n- b\n\nc"),
            ("2. a\n3. b", "<ol><li>a</li><li>b</li></ol>", "2. a\n3. b"),
            ("<b>a</b> & <br>", "<p>&lt;b&gt;a&lt;/b&gt; &amp; &lt;br&gt;</p>", "<b>a</b> & <br>"),
            ("<div>\na\n</div>", "<p>&lt;div&gt;<br />a<br />&lt;/div&gt;</p>", "<div>\na\n</div>"),
            ("    a < b", "<p>a &lt; b</p>", "a < b"),
            ("1 * 2 _ 3 # 4", "<p>1 * 2 _ 3 # 4</p>", "1 * 2 _ 3 # 4"),
            ("a {% if b %}c{% endif %}", "<p>a (?c)</p>", "a (?c)"),
            ("{% if b %}\n\nc\n\n- d\n\n{% endif %}", "(?<p>c</p><ul><li>d</li></ul>)", "(?c\n\n- d\n\n)"),
            ("zqslotx0z {{ a }}", "<p>zqslotx0z <a></p>", "zqslotx0z <a>"),
        ] {
            assert_eq!(both(source), (html.to_owned(), plain.to_owned()), "{source}");
        }
    }
}
