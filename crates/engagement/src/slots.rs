//! Slots: places on the company's own pages and in its apps whose content is chosen for whoever is there.
//!
//! Always holds: variants are tried in their order, so that the order is their priority; only the last may be without a segment, and it is what everybody
//! gets who is not to be treated by what is known of them.

use std::collections::BTreeSet;

use rapport_segments::Duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// Most variants of a slot.
const MOST_VARIANTS: usize = 50;
/// Most products of a variant.
const MOST_PRODUCTS: usize = 24;

/// What a slot shows to whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The first that fits is shown.
    pub variants: Vec<Variant>,
    /// So many of a hundred see what everybody sees, to know what the choice is worth.
    #[serde(default)]
    pub holdout_percent: f64,
    /// How often somebody sees what was chosen for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Views>,
}

/// Some content and for whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The segment that it is for, by its key; everybody when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// What is shown.
    pub show: Show,
}

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// A template of the form `slot`, by its key.
    Template(String),
    /// A list of products.
    Products(Products),
    /// Nothing: what the page has by itself.
    Nothing,
}

/// A list of products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Products {
    /// How they are found.
    pub method: Method,
    /// How many at most.
    pub limit: usize,
}

/// How products are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// What most buy.
    Popular,
    /// What the person looked at or bought last; what most buy where nobody is known.
    Recent,
    /// What fits the person; what most buy where nobody is known.
    ForPerson,
}

/// At most so many views in a time, which begins with the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Views {
    /// How many.
    pub most: u32,
    /// In which time.
    pub within: Duration,
}

/// Why somebody is shown what they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was chosen for them.
    Chosen,
    /// Nobody is known to be there.
    NotKnown,
    /// It is not proven that they are who they say.
    NotProven,
    /// Their browser asks not to be told about (Global Privacy Control).
    PrivacySignal,
    /// They are in none of the segments.
    NoMember,
    /// The use of their data is restricted.
    Restricted,
    /// They did not agree to marketing by `in_app`.
    NotAgreed,
    /// They are held out, here or from everything.
    HeldOut,
    /// They saw what was chosen for them as often as they are to.
    SeenEnough,
}

impl Why {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::NotKnown => "not_known",
            Self::NotProven => "not_proven",
            Self::PrivacySignal => "privacy_signal",
            Self::NoMember => "no_member",
            Self::Restricted => "restricted",
            Self::NotAgreed => "not_agreed",
            Self::HeldOut => "held_out",
            Self::SeenEnough => "seen_enough",
        }
    }
}

impl Definition {
    /// Decodes and validates the JSON form.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn from_json(form: &Value) -> Result<Self, Error> {
        let it = Self::deserialize(form).map_err(|error| Error::invalid("definition", error.to_string()))?;
        if it.variants.is_empty() || it.variants.len() > MOST_VARIANTS {
            return Err(Error::invalid("definition.variants", format!("1 to {MOST_VARIANTS} variants")));
        }
        for (at, variant) in it.variants.iter().enumerate() {
            let place = format!("definition.variants[{at}]");
            if variant.segment.is_none() && at + 1 < it.variants.len() {
                return Err(Error::invalid(
                    place,
                    "without a segment it is for everybody, so nobody gets to the next one",
                ));
            }
            if let Show::Products(products) = &variant.show
                && !(1..=MOST_PRODUCTS).contains(&products.limit)
            {
                return Err(Error::invalid(format!("{place}.show.products.limit"), format!("1 to {MOST_PRODUCTS}")));
            }
        }
        if !(0.0..=100.0).contains(&it.holdout_percent) {
            return Err(Error::invalid("definition.holdout_percent", "0 to 100"));
        }
        if it.cap.is_some_and(|cap| cap.most == 0) {
            return Err(Error::invalid("definition.cap.most", "at least 1; a slot that shows nothing is deleted"));
        }
        Ok(it)
    }

    /// The segments that it asks for.
    pub fn segments(&self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.variants.iter().filter_map(|variant| variant.segment.as_ref()).collect();
        keys.into_iter().cloned().collect()
    }

    /// The place of what is chosen for a member of these segments; `None` when only what everybody gets fits.
    pub fn chosen(&self, members: &BTreeSet<String>) -> Option<usize> {
        self.variants.iter().position(|variant| variant.segment.as_ref().is_some_and(|key| members.contains(key)))
    }

    /// The place of what everybody gets.
    pub fn usual(&self) -> Option<usize> {
        self.variants.iter().position(|variant| variant.segment.is_none())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(segment: Option<&str>, key: &str) -> Value {
        match segment {
            Some(segment) => json!({"segment": segment, "show": {"template": key}}),
            None => json!({"show": {"template": key}}),
        }
    }

    #[test]
    fn the_first_that_fits_is_chosen() {
        let form = json!({"variants": [template(Some("vip"), "a"), template(Some("new"), "b"), template(None, "c")]});
        let slot = Definition::from_json(&form).unwrap();
        let of = |keys: &[&str]| slot.chosen(&keys.iter().map(|key| (*key).to_owned()).collect());
        assert_eq!((of(&["new", "vip"]), of(&["new"]), of(&["other"]), of(&[])), (Some(0), Some(1), None, None));
        assert_eq!((slot.usual(), slot.segments()), (Some(2), vec!["new".to_owned(), "vip".to_owned()]));
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_place() {
        let ok = || json!({"variants": [template(Some("vip"), "a")]});
        let with = |key: &str, value: Value| {
            let mut form = ok();
            form[key] = value;
            Definition::from_json(&form).unwrap_err().to_string()
        };
        assert!(Definition::from_json(&ok()).unwrap().usual().is_none());
        for (key, value, word) in [
            ("variants", json!([]), "definition.variants"),
            ("variants", json!([template(None, "a"), template(Some("x"), "b")]), "variants[0]"),
            ("variants", json!([{"show": {"products": {"method": "popular", "limit": 0}}}]), "limit"),
            ("variants", json!([{"show": {"products": {"method": "magic", "limit": 1}}}]), "magic"),
            ("holdout_percent", json!(101), "holdout_percent"),
            ("holdout_percent", json!(-1), "holdout_percent"),
            ("cap", json!({"most": 0, "within": "1d"}), "cap.most"),
            ("cap", json!({"most": 1, "within": "1y"}), "definition"),
            ("magic", json!(1), "magic"),
        ] {
            let refusal = with(key, value);
            assert!(refusal.contains(word), "{key}: {refusal}");
        }
    }
}
