//! Languages by their BCP 47 tags, and which variant of a template suits a person.
//!
//! Does not do: know all subtags of the registry. A tag is checked for its form only.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A BCP 47 tag in its canonical case (`en`, `pt-BR`, `zh-Hant-TW`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

impl Language {
    /// Reads a tag in any case, with `-` or `_`: two or three letters, then subtags of two to eight letters or digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(['-', '_']);
        let first =
            parts.next().filter(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()))?;
        let mut tag = first.to_ascii_lowercase();
        for part in parts {
            if !(2..=8).contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return None;
            }
            tag.push('-');
            tag.push_str(&in_case(part));
        }
        (tag.len() <= 35).then_some(Self(tag))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without script and region.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// Whether it is written from right to left, by its script or by the usual script of the language.
    pub fn is_right_to_left(&self) -> bool {
        match self.script() {
            Some(script) => ["Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm"].contains(&script),
            None => ["ar", "fa", "he", "ur", "yi", "ps", "sd", "ug", "dv", "ckb"].contains(&self.primary()),
        }
    }

    fn script(&self) -> Option<&str> {
        self.0.split('-').skip(1).find(|part| part.len() == 4 && part.bytes().all(|b| b.is_ascii_alphabetic()))
    }

    /// The tag with the script that is meant. Chinese is the language in which the region decides it for everyone.
    fn with_script(&self) -> Self {
        if self.primary() != "zh" || self.script().is_some() {
            return self.clone();
        }
        let traditional = self.0.split('-').skip(1).any(|part| ["TW", "HK", "MO"].contains(&part));
        Self(self.0.replacen("zh", if traditional { "zh-Hant" } else { "zh-Hans" }, 1))
    }
}

/// Scripts are written Xxxx, regions XX, the rest in small letters (RFC 5646, section 2.1.1).
fn in_case(part: &str) -> String {
    let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
    match part.len() {
        2 => part.to_ascii_uppercase(),
        4 if letters => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
        _ => part.to_ascii_lowercase(),
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a language is a BCP 47 tag, e.g. en or zh-Hans"))
    }
}

/// The variant for a person: the tag itself, then its shorter forms (RFC 4647, section 3.4 "lookup"), then one of the same
/// language, then the template's default. `None` only where even the default is missing.
pub fn best<'a, V>(
    variants: &'a BTreeMap<Language, V>,
    wanted: &Language,
    default: &Language,
) -> Option<(&'a Language, &'a V)> {
    [wanted.clone(), wanted.with_script()]
        .iter()
        .find_map(|tag| look_up(variants, tag))
        .or_else(|| variants.iter().find(|(tag, _)| tag.with_script().as_str() == wanted.with_script().as_str()))
        .or_else(|| variants.iter().find(|(tag, _)| tag.primary() == wanted.primary()))
        .or_else(|| variants.get_key_value(default))
}

fn look_up<'a, V>(variants: &'a BTreeMap<Language, V>, tag: &Language) -> Option<(&'a Language, &'a V)> {
    let mut tag = tag.clone();
    loop {
        if let Some(found) = variants.get_key_value(&tag) {
            return Some(found);
        }
        let end = tag.0.rfind('-')?;
        tag.0.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variants: &[&str], wanted: &str) -> String {
        let language = |tag: &str| Language::parse(tag).unwrap();
        let map = variants.iter().map(|tag| (language(tag), ())).collect::<BTreeMap<_, _>>();
        best(&map, &language(wanted), &language(variants[0])).unwrap().0.to_string()
    }

    #[test]
    fn tags_are_read_in_any_case() {
        for (text, tag) in [("EN", "en"), ("pt_br", "pt-BR"), ("ZH-hant-tw", "zh-Hant-TW"), ("de-1996", "de-1996")] {
            assert_eq!(Language::parse(text).unwrap().as_str(), tag);
        }
        for text in ["", "e", "engl", "en-", "en-x y", "en-\u{e9}\u{e9}", "../en", "en-abcdefghi"] {
            assert_eq!(Language::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_best_variant_is_chosen() {
        for (variants, wanted, expected) in [
            (&["en", "zh", "de"][..], "zh-CN", "zh"),
            (&["en", "zh-Hans", "zh-Hant"], "zh-CN", "zh-Hans"),
            (&["en", "zh-Hans", "zh-Hant"], "zh-HK", "zh-Hant"),
            (&["en", "zh-Hans", "zh-Hant"], "zh", "zh-Hans"),
            (&["en", "zh-Hant"], "zh-CN", "zh-Hant"),
            (&["en", "pt-BR"], "pt-PT", "pt-BR"),
            (&["en", "de", "de-AT"], "de-AT", "de-AT"),
            (&["en", "de", "de-AT"], "de-CH", "de"),
            (&["de", "en"], "fr", "de"),
        ] {
            assert_eq!(chosen(variants, wanted), expected, "{wanted} of {variants:?}");
        }
    }

    #[test]
    fn the_direction_of_writing() {
        for (tag, expected) in [("ar", true), ("he-IL", true), ("az-Arab", true), ("ar-Latn", false), ("en", false)] {
            assert_eq!(Language::parse(tag).unwrap().is_right_to_left(), expected, "{tag}");
        }
    }
}
