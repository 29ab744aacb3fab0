//! Blocks as MJML with placeholders, and as plain text, in one walk: so both parts say the same, and a link has the same number in both.
//!
//! Always holds: nothing that the author wrote is in the MJML, only placeholders, numbers and colours. (mrml writes attributes with Rust's
//! escapes, which are not those of HTML.)

use std::fmt::Write;
use std::sync::Arc;

use super::block::{Block, Button, Columns, Group, Heading, Image, Products};
use super::expression::{Expression, Spot};
use super::limits::Limits;
use super::markdown::formatted;
use super::pattern::{Loop, Node, Url, parse};
use super::scan::next;
use super::slots::{Slot, Slots};
use super::theme::Theme;
use crate::Error;

/// The variable of a list of products.
const PRODUCT: &str = "product";

/// An e-mail in the making.
pub(crate) struct Draft<'a> {
    limits: &'a Limits,
    theme: &'a Theme,
    pub slots: Slots,
    pub links: usize,
    /// The body, between `<mj-body>` and its end.
    pub mjml: String,
    pub plain: Vec<Node>,
    /// Whether a section with one column is open.
    in_section: bool,
    blocks: usize,
}

impl<'a> Draft<'a> {
    pub fn new(limits: &'a Limits, theme: &'a Theme) -> Self {
        // The placeholders need not avoid any text: no text of the author is in the MJML.
        let slots = Slots::new("");
        Self { limits, theme, slots, links: 0, mjml: String::new(), plain: Vec::new(), in_section: false, blocks: 0 }
    }

    /// Writes the blocks of a body or a group.
    pub fn blocks(&mut self, place: &str, blocks: &[Block], depth: usize) -> Result<(), Error> {
        if depth > self.limits.depth {
            return Err(Error::TooLarge {
                place: place.to_owned(),
                what: "groups in one another",
                limit: self.limits.depth,
            });
        }
        for (index, block) in blocks.iter().enumerate() {
            let place = format!("{place}[{index}]");
            match block {
                Block::Products(products) => self.products(&format!("{place}.products"), products)?,
                Block::Columns(columns) => self.columns(&format!("{place}.columns"), columns)?,
                Block::Group(group) => self.group(&format!("{place}.group"), group, depth)?,
                simple => {
                    if !std::mem::replace(&mut self.in_section, true) {
                        self.mjml.push_str("<mj-section css-class=\"panel\"><mj-column>");
                    }
                    self.simple(&place, simple)?;
                }
            }
        }
        self.end_section();
        Ok(())
    }

    fn end_section(&mut self) {
        if std::mem::take(&mut self.in_section) {
            self.mjml.push_str("</mj-column></mj-section>");
        }
    }

    fn simple(&mut self, place: &str, block: &Block) -> Result<(), Error> {
        self.count(place)?;
        match block {
            Block::Heading(heading) => self.heading(&format!("{place}.heading"), heading),
            Block::Text(text) => self.text(&format!("{place}.text.text"), &text.text),
            Block::Button(button) => self.button(&format!("{place}.button"), button),
            Block::Image(image) => self.image(&format!("{place}.image"), image),
            Block::Divider(_) => {
                self.mjml.push_str("<mj-divider border-width=\"1px\" border-color=\"#9ca3af\" />");
                self.say("----\n\n");
                Ok(())
            }
            Block::Spacer(spacer) => {
                let _ = write!(self.mjml, "<mj-spacer height=\"{}px\" />", spacer.height.min(400));
                Ok(())
            }
            Block::Products(_) | Block::Columns(_) | Block::Group(_) => {
                Err(Error::invalid(place, "a column holds headings, texts, buttons, images, dividers and spacers only"))
            }
        }
    }

    fn count(&mut self, place: &str) -> Result<(), Error> {
        self.blocks += 1;
        if self.blocks > self.limits.blocks {
            return Err(Error::TooLarge { place: place.to_owned(), what: "blocks", limit: self.limits.blocks });
        }
        Ok(())
    }

    fn say(&mut self, text: &str) {
        self.plain.push(Node::Literal(text.to_owned()));
    }

    fn parsed(&self, place: &str, text: &str) -> Result<Vec<Node>, Error> {
        parse(&Arc::from(place), text, self.limits)
    }

    fn url(&mut self, place: &str, text: &str, is_link: bool) -> Result<Url, Error> {
        let place: Arc<str> = place.into();
        let nodes = parse(&place, text, self.limits)?;
        let link = is_link.then(|| next(&mut self.links));
        Ok(Url { link, spot: Spot { place, line: 1, column: 1 }, nodes })
    }

    fn heading(&mut self, place: &str, heading: &Heading) -> Result<(), Error> {
        let level = heading.level.clamp(1, 3);
        let size = [28, 22, 18][usize::from(level - 1)];
        let nodes = self.parsed(&format!("{place}.text"), &heading.text)?;
        self.plain.extend(nodes.clone());
        self.say("\n\n");
        let slot = self.slots.put(Slot::Text(nodes));
        let _ = write!(
            self.mjml,
            "<mj-text css-class=\"words\"><h{level} style=\"margin:0;font-size:{size}px;line-height:1.25;\">{slot}</h{level}></mj-text>"
        );
        Ok(())
    }

    fn text(&mut self, place: &str, text: &str) -> Result<(), Error> {
        let nodes = self.parsed(place, text)?;
        let formatted = formatted(&place.into(), text, nodes, &mut self.links)?;
        self.plain.extend(formatted.plain);
        self.say("\n\n");
        let slot = self.slots.put(Slot::Html(formatted.html));
        let _ = write!(self.mjml, "<mj-text css-class=\"words\">{slot}</mj-text>");
        Ok(())
    }

    fn button(&mut self, place: &str, button: &Button) -> Result<(), Error> {
        let label = self.parsed(&format!("{place}.label"), &button.label)?;
        let url = self.url(&format!("{place}.url"), &button.url, true)?;
        self.plain.extend(label.clone());
        self.say(": ");
        self.plain.push(Node::Url(url.clone()));
        self.say("\n\n");
        let (label, url) = (self.slots.put(Slot::Text(label)), self.slots.put(Slot::Url(url)));
        let (accent, ink) = (self.theme.accent, self.theme.accent.readable());
        let _ = write!(
            self.mjml,
            "<mj-button align=\"left\" href=\"{url}\" background-color=\"{accent}\" color=\"{ink}\">{label}</mj-button>"
        );
        Ok(())
    }

    fn image(&mut self, place: &str, image: &Image) -> Result<(), Error> {
        let alt = self.parsed(&format!("{place}.alt"), &image.alt)?;
        let source = self.url(&format!("{place}.url"), &image.url, false)?;
        let link = image.link.as_ref().map(|link| self.url(&format!("{place}.link"), link, true)).transpose()?;
        if !alt.is_empty() {
            self.plain.extend(alt.clone());
            if let Some(link) = &link {
                self.say(": ");
                self.plain.push(Node::Url(link.clone()));
            }
            self.say("\n\n");
        }
        let (alt, source) = (self.slots.put(Slot::Text(alt)), self.slots.put(Slot::Url(source)));
        let link = link.map(|link| format!(" href=\"{}\"", self.slots.put(Slot::Url(link)))).unwrap_or_default();
        let width = image.width.map(|width| format!(" width=\"{}px\"", width.clamp(1, 600))).unwrap_or_default();
        let _ = write!(self.mjml, "<mj-image alt=\"{alt}\" src=\"{source}\"{link}{width} />");
        Ok(())
    }

    fn columns(&mut self, place: &str, columns: &Columns) -> Result<(), Error> {
        if !(1..=4).contains(&columns.columns.len()) {
            return Err(Error::invalid(place, "one to four columns"));
        }
        self.end_section();
        self.mjml.push_str("<mj-section css-class=\"panel\">");
        for (index, blocks) in columns.columns.iter().enumerate() {
            self.mjml.push_str("<mj-column>");
            for (inner, block) in blocks.iter().enumerate() {
                self.simple(&format!("{place}.columns[{index}][{inner}]"), block)?;
            }
            self.mjml.push_str("</mj-column>");
        }
        self.mjml.push_str("</mj-section>");
        Ok(())
    }

    fn group(&mut self, place: &str, group: &Group, depth: usize) -> Result<(), Error> {
        self.count(place)?;
        self.end_section();
        let when = self.expression(&format!("{place}.when"), &group.when)?;
        self.tag(Slot::If(when.clone()));
        let before = std::mem::take(&mut self.plain);
        self.blocks(&format!("{place}.blocks"), &group.blocks, depth + 1)?;
        let inside = std::mem::replace(&mut self.plain, before);
        self.plain.push(Node::If { branches: vec![(when, inside)], otherwise: Vec::new() });
        self.tag(Slot::End);
        Ok(())
    }

    fn products(&mut self, place: &str, products: &Products) -> Result<(), Error> {
        self.count(place)?;
        self.end_section();
        let over = self.expression(&format!("{place}.each"), &products.each)?;
        let at_most = products.at_most;
        let empty = Loop { name: PRODUCT.into(), over, at_most, body: Vec::new(), otherwise: Vec::new() };
        self.tag(Slot::For(Box::new(empty.clone())));
        let before = std::mem::take(&mut self.plain);
        self.row(place, products)?;
        let body = std::mem::replace(&mut self.plain, before);
        self.plain.push(Node::For(Box::new(Loop { body, ..empty })));
        self.tag(Slot::End);
        Ok(())
    }

    fn row(&mut self, place: &str, products: &Products) -> Result<(), Error> {
        let title = self.parsed(&format!("{place}.title"), &products.title)?;
        let url = self.url(&format!("{place}.url"), &products.url, true)?;
        let image =
            products.image.as_ref().map(|image| self.url(&format!("{place}.image"), image, false)).transpose()?;
        let (title_slot, url_slot) =
            (self.slots.put(Slot::Text(title.clone())), self.slots.put(Slot::Url(url.clone())));
        self.mjml.push_str("<mj-section css-class=\"panel\">");
        if let Some(image) = image {
            let image = self.slots.put(Slot::Url(image));
            let _ = write!(
                self.mjml,
                "<mj-column width=\"33%\"><mj-image alt=\"{title_slot}\" src=\"{image}\" href=\"{url_slot}\" /></mj-column><mj-column width=\"67%\">"
            );
        } else {
            self.mjml.push_str("<mj-column>");
        }
        let _ = write!(
            self.mjml,
            "<mj-text css-class=\"words\"><a href=\"{url_slot}\" target=\"_blank\"><strong>{title_slot}</strong></a></mj-text>"
        );
        self.plain.extend(title);
        self.say("\n");
        if !products.text.is_empty() {
            self.text(&format!("{place}.text"), &products.text)?;
            self.plain.pop();
            self.say("\n");
        }
        self.plain.push(Node::Url(url));
        self.say("\n\n");
        self.mjml.push_str("</mj-column></mj-section>");
        Ok(())
    }

    fn expression(&self, place: &str, source: &str) -> Result<Expression, Error> {
        Expression::compile(&Arc::from(place), source, 0, source.len(), self.limits)
    }

    fn tag(&mut self, slot: Slot) {
        let placeholder = self.slots.put(slot);
        let _ = write!(self.mjml, "<mj-raw>{placeholder}</mj-raw>");
    }
}
