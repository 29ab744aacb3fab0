//! The blocks that an e-mail is made of. Every text in them is a template text ([`super`] says what it may hold).

use serde::{Deserialize, Serialize};

/// A block. In JSON an object with one member: `{"button": {"label": "Shop", "url": "https://..."}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A heading.
    Heading(Heading),
    /// Paragraphs in the plain editor's form: `**bold**`, `*italic*`, `[links](https://...)`, lists. An e-mail of one such block is a plain one.
    Text(Text),
    /// A link that looks like a button.
    Button(Button),
    /// A picture.
    Image(Image),
    /// A row for each item of a list.
    Products(Products),
    /// Blocks beside each other, under each other on a telephone.
    Columns(Columns),
    /// A line.
    Divider(Divider),
    /// Room.
    Spacer(Spacer),
    /// Blocks that some people get.
    Group(Group),
}

/// See [`Block::Heading`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heading {
    /// The text.
    pub text: String,
    /// 1 (largest) to 3.
    #[serde(default = "one")]
    pub level: u8,
}

fn one() -> u8 {
    1
}

/// See [`Block::Text`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The text.
    pub text: String,
}

/// See [`Block::Button`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

/// See [`Block::Image`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Where it is.
    pub url: String,
    /// What it shows, for those who do not see it.
    #[serde(default)]
    pub alt: String,
    /// Where a click leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// In pixels; as wide as its place when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u16>,
    /// How large the file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// See [`Block::Products`]. In its texts, `product` is the item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Products {
    /// The list, e.g. `cart.items`.
    pub each: String,
    /// The largest number of rows; the rest of the list is left out.
    #[serde(default = "few")]
    pub at_most: usize,
    /// The URL of a picture beside the texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What it is called.
    pub title: String,
    /// What else there is to say, e.g. its price.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Where it is.
    pub url: String,
}

fn few() -> usize {
    6
}

/// See [`Block::Columns`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// One to four, each of headings, texts, buttons, pictures, dividers and spacers.
    pub columns: Vec<Vec<Block>>,
}

/// See [`Block::Divider`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divider {}

/// See [`Block::Spacer`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spacer {
    /// In pixels.
    pub height: u16,
}

/// See [`Block::Group`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The condition, e.g. `profile.is_vip` or `points >= 100`.
    pub when: String,
    /// The blocks.
    pub blocks: Vec<Block>,
}
