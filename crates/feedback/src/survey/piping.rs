//! What is known of somebody, put into the texts that they read: `{{ profile.first_name|default("there") }}`, `{{ answers.shop|default("the shop") }}`,
//! `{{ about.product|default("it") }}`.
//!
//! Always holds: every place has a fallback, because a link can be opened by somebody of whom nothing is known; a value is one plain line, cut to
//! [`MOST_LETTERS`], and never read as a text with places of its own.
//!
//! Does not do: escape for HTML; whoever shows the text does.

use rapport_domain::plain::one_line;

/// Letters of a value that are shown.
pub const MOST_LETTERS: usize = 100;

/// What the product is called that they are asked about.
pub const ABOUT_PRODUCT: (&str, &str) = ("about", "product");

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// A value.
    Value {
        /// Of what: `profile`, `answers` or `about`.
        of: &'a str,
        /// Which.
        key: &'a str,
        /// What stands there otherwise.
        fallback: Option<&'a str>,
    },
}

/// The pieces of a text; an error is the place that cannot be read.
///
/// # Errors
/// What stands between the braces.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else {
            return Err(rest[start..].chars().take(40).collect());
        };
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let inner = &rest[start + 2..start + length];
        pieces.push(value(inner).ok_or_else(|| inner.trim().chars().take(80).collect::<String>())?);
        rest = &rest[start + length + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

fn value(inner: &str) -> Option<Piece<'_>> {
    let (path, filter) = match inner.split_once('|') {
        Some((path, filter)) => (path, Some(filter)),
        None => (inner, None),
    };
    let (of, key) = path.trim().split_once('.')?;
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let is_known = ["profile", "answers"].contains(&of) || (of, key) == ABOUT_PRODUCT;
    if !is_known || !is_name(key) {
        return None;
    }
    let fallback = match filter {
        None => None,
        Some(filter) => {
            let inner = filter.trim().strip_prefix("default(")?.strip_suffix(')')?.trim();
            let quoted = |quote: char| inner.strip_prefix(quote)?.strip_suffix(quote).filter(|it| !it.contains(quote));
            Some(quoted('"').or_else(|| quoted('\''))?)
        }
    };
    Some(Piece::Value { of, key, fallback })
}

/// A text with its values: `known` says what is known under (`profile`, `answers` or `about`, key). What cannot be read stays out.
pub fn fill(text: &str, known: &dyn Fn(&str, &str) -> Option<String>) -> String {
    let Ok(pieces) = pieces(text) else { return String::new() };
    let mut out = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Value { of, key, fallback } => {
                let found = known(of, key).map(|value| one_line(&value, MOST_LETTERS)).filter(|line| !line.is_empty());
                out.push_str(found.as_deref().or(fallback).unwrap_or_default());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_plain_and_have_fallbacks() {
        let text = r#"Hello {{ profile.first_name|default("there") }}, why {{answers.shop | default('that shop')}}?"#;
        let known = |of: &str, key: &str| {
            ((of, key) == ("profile", "first_name")).then(|| "<b>Ann\u{202E}\r\n{{ profile.x }}</b>".to_owned())
        };
        assert_eq!(fill(text, &known), "Hello <b>Ann {{ profile.x }}</b>, why that shop?");
        assert_eq!(fill(text, &|_, _| None), "Hello there, why that shop?");
        let of_product = |of: &str, key: &str| ((of, key) == ABOUT_PRODUCT).then(|| "Lamp".to_owned());
        assert_eq!(fill("How is {{ about.product|default('it') }}?", &of_product), "How is Lamp?");
        let long = fill("{{ profile.name|default('x') }}", &|_, _| Some("ü".repeat(500)));
        assert_eq!(long.chars().count(), MOST_LETTERS);
        assert_eq!(fill("{{ profile.name|default('x') }}", &|_, _| Some(" \u{0} ".into())), "x");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for wrong in [
            "{{",
            "a {{ b",
            "{{ profile.name|upper }}",
            "{{ event.x|default('a') }}",
            "{{ about.order|default('a') }}",
            "{{ profile.a b|default('c') }}",
            "{{ profile.x|default('a' ~ 'b') }}",
            "{{ profile.x|default(a) }}",
            "{{}}",
        ] {
            assert!(pieces(wrong).is_err(), "{wrong}");
        }
        assert_eq!(pieces("a } b {c}").unwrap(), vec![Piece::Text("a } b {c}")]);
        let none = Piece::Value { of: "profile", key: "x", fallback: None };
        assert_eq!(pieces("{{profile.x}}").unwrap(), vec![none]);
    }
}
