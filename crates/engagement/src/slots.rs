//! Slots: places on the company's own pages and in its apps whose content is chosen for whoever is there.
//!
//! Always holds: variants are tried in their order, so that the order is their priority; only the last may be without a segment, and it is what everybody
//! gets who is not to be treated by what is known of them. With a policy those that are its arms have no priority: of those that fit somebody it chooses one.

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
    /// The first that fits is shown, or the policy's choice of those that do.
    pub variants: Vec<Variant>,
    /// The key of a policy that chooses among the variants that are its arms, and learns what they bring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
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
    /// The policy's arm that it is; none: the policy does not choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
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
            if variant.segment.is_none() && variant.arm.is_none() && at + 1 < it.variants.len() {
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
        it.check_arms()?;
        if !(0.0..=100.0).contains(&it.holdout_percent) {
            return Err(Error::invalid("definition.holdout_percent", "0 to 100"));
        }
        if it.cap.is_some_and(|cap| cap.most == 0) {
            return Err(Error::invalid("definition.cap.most", "at least 1; a slot that shows nothing is deleted"));
        }
        Ok(it)
    }

    fn check_arms(&self) -> Result<(), Error> {
        let mut arms = BTreeSet::new();
        for (at, variant) in self.variants.iter().enumerate() {
            let Some(arm) = &variant.arm else { continue };
            let place = format!("definition.variants[{at}].arm");
            if self.policy.is_none() {
                return Err(Error::invalid(place, "name the policy whose arm it is"));
            }
            if !arms.insert(arm) {
                return Err(Error::invalid(place, "another variant is this arm already"));
            }
        }
        if self.policy.is_some() && arms.len() < 2 {
            return Err(Error::invalid("definition.policy", "at least two variants must be arms of the policy"));
        }
        Ok(())
    }

    /// The segments that it asks for.
    pub fn segments(&self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.variants.iter().filter_map(|variant| variant.segment.as_ref()).collect();
        keys.into_iter().cloned().collect()
    }

    /// The places of what the policy can choose among for a member of these segments, with the arms that they are.
    pub fn arms(&self, members: &BTreeSet<String>) -> Vec<(usize, String)> {
        let fits = |it: &Variant| it.segment.as_ref().is_none_or(|key| members.contains(key));
        let arms = self.variants.iter().enumerate().filter(|(_, it)| self.policy.is_some() && fits(it));
        arms.filter_map(|(at, it)| Some((at, it.arm.clone()?))).collect()
    }

    /// The place of what is chosen for a member of these segments; `None` when only what everybody gets fits. With a policy the first that it can choose.
    pub fn chosen(&self, members: &BTreeSet<String>) -> Option<usize> {
        if self.policy.is_some() {
            return self.arms(members).first().map(|(at, _)| *at);
        }
        self.variants.iter().position(|variant| variant.segment.as_ref().is_some_and(|key| members.contains(key)))
    }

    /// The place of what everybody gets.
    pub fn usual(&self) -> Option<usize> {
        self.variants.iter().position(|variant| variant.segment.is_none() && variant.arm.is_none())
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
    fn a_policy_chooses_among_the_arms_that_fit() {
        let arm = |segment: Option<&str>, key: &str| {
            let mut form = template(segment, key);
            form["arm"] = json!(key);
            form
        };
        let of = |variants: Value, policy: Option<&str>| {
            Definition::from_json(&json!({"variants": variants, "policy": policy}))
        };
        let slot = of(json!([arm(None, "a"), arm(Some("vip"), "b"), template(None, "c")]), Some("p")).unwrap();
        let members = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<String>>();
        let places = |keys: &[&str]| slot.arms(&members(keys)).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!((places(&[]), places(&["vip"])), (vec![0], vec![0, 1]));
        assert_eq!((slot.usual(), slot.chosen(&members(&[]))), (Some(2), Some(0)));
        let without = of(json!([arm(None, "a"), arm(None, "b")]), Some("p")).unwrap();
        assert_eq!((without.usual(), without.arms(&members(&[])).len()), (None, 2));
        for (variants, policy, word) in [
            (json!([arm(None, "a"), arm(Some("vip"), "b")]), None, "variants[0].arm"),
            (json!([arm(None, "a"), arm(Some("vip"), "a")]), Some("p"), "variants[1].arm"),
            (json!([arm(None, "a"), template(None, "b")]), Some("p"), "definition.policy"),
            (json!([template(None, "a"), arm(None, "b"), arm(None, "c")]), Some("p"), "variants[0]"),
        ] {
            let refusal = of(variants, policy).unwrap_err().to_string();
            assert!(refusal.contains(word), "{word}: {refusal}");
        }
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
