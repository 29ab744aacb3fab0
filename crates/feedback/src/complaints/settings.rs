//! How a workspace sorts its complaints: lists that it edits, working hours, within which time what should happen, and its page.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::business_hours::Plan;
use rapport_domain::{BusinessHours, Language};
use serde::{Deserialize, Serialize};

use super::figures::Targets;
use crate::survey::words::Words;

/// Entries of a list, at most.
const MOST: usize = 100;
/// Letters of a key.
const LONGEST_KEY: usize = 40;
/// Letters of a name.
const LONGEST_NAME: usize = 80;
/// Letters of the text of the page.
const LONGEST_TEXT: usize = 2_000;
/// A year of minutes.
const LONGEST_TARGET: i64 = 366 * 24 * 60;

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// By which it is stored.
    pub key: String,
    /// What it is called, by language.
    pub name: Words,
    /// Whether it is no longer offered; what has it keeps it.
    #[serde(default)]
    pub is_retired: bool,
}

/// The page on which people complain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    /// Whether it takes complaints.
    pub is_open: bool,
    /// What stands above the form, by language.
    pub text: Words,
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What complaints are about.
    pub categories: Vec<Choice>,
    /// Why they came about.
    pub root_causes: Vec<Choice>,
    /// Where people met the company.
    pub touchpoints: Vec<Choice>,
    /// When somebody is there to answer.
    pub hours: Plan,
    /// Within which business time what should happen.
    pub targets: Targets,
    /// The page.
    pub page: Page,
}

fn choices(of: &[(&str, &str, &str)]) -> Vec<Choice> {
    let name = |language: &str, text: &str| Some((Language::parse(language)?, text.to_owned()));
    of.iter()
        .map(|(key, en, zh)| Choice {
            key: (*key).to_owned(),
            name: Words([name("en", en), name("zh", zh)].into_iter().flatten().collect::<BTreeMap<_, _>>()),
            is_retired: false,
        })
        .collect()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            categories: choices(&[
                ("product", "Product", "商品"),
                ("delivery", "Delivery", "配送"),
                ("service", "Service", "服务"),
                ("price", "Price and billing", "价格与账单"),
                ("returns", "Returns and refunds", "退换与退款"),
                ("website", "Website and app", "网站与应用"),
                ("privacy", "Privacy", "隐私"),
                ("other", "Something else", "其他"),
            ]),
            root_causes: choices(&[
                ("defect", "Defect", "质量缺陷"),
                ("wrong_item", "Wrong or missing item", "错发或漏发"),
                ("carrier", "Carrier", "承运商"),
                ("stock", "Out of stock", "缺货"),
                ("expectation", "Promised otherwise", "与承诺不符"),
                ("process", "Our process", "内部流程"),
                ("staff", "Staff", "员工"),
                ("system", "System failure", "系统故障"),
                ("customer", "Misunderstanding", "误解"),
                ("unknown", "Not known", "原因不明"),
            ]),
            touchpoints: choices(&[
                ("shop", "Online shop", "网店"),
                ("checkout", "Checkout", "结账"),
                ("delivery", "Delivery", "配送"),
                ("use", "Use of the product", "商品使用"),
                ("support", "Support", "客服"),
                ("store", "Store", "门店"),
                ("returns", "Returns", "退换货"),
            ]),
            hours: Plan::usual("UTC"),
            targets: Targets::default(),
            page: Page::default(),
        }
    }
}

impl Settings {
    /// The working hours.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn hours(&self) -> Result<BusinessHours, (String, &'static str)> {
        BusinessHours::new(&self.hours).map_err(|(field, why)| (format!("hours.{field}"), why))
    }

    /// What is wrong with them, if anything: the field and why.
    ///
    /// # Errors
    /// That.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        self.hours()?;
        for (field, list) in
            [("categories", &self.categories), ("root_causes", &self.root_causes), ("touchpoints", &self.touchpoints)]
        {
            check_list(list)
                .map_err(|(at, why)| (at.map_or_else(|| field.to_owned(), |at| format!("{field}[{at}]")), why))?;
        }
        let minutes = self.targets.first_answer_minutes.iter().chain(&self.targets.resolution_minutes);
        if minutes.clone().any(|it| !(1..=LONGEST_TARGET).contains(it)) {
            return Err(("targets".to_owned(), "a target has 1 to 527040 minutes"));
        }
        if self.page.text.0.values().any(|text| text.chars().count() > LONGEST_TEXT) {
            return Err(("page.text".to_owned(), "has at most 2000 characters"));
        }
        Ok(())
    }

    /// Whether a list has a key: what is no longer offered is known still.
    pub fn has(list: &[Choice], key: &str) -> bool {
        list.iter().any(|it| it.key == key)
    }
}

fn check_list(list: &[Choice]) -> Result<(), (Option<usize>, &'static str)> {
    if list.len() > MOST {
        return Err((None, "has at most 100 entries"));
    }
    let mut seen = BTreeSet::new();
    for (at, choice) in list.iter().enumerate() {
        let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_key = (1..=LONGEST_KEY).contains(&choice.key.len()) && choice.key.chars().all(is_letter);
        if !is_key {
            return Err((Some(at), "a key has 1 to 40 of a-z, 0-9 and _"));
        }
        if !seen.insert(choice.key.as_str()) {
            return Err((Some(at), "its key is there already"));
        }
        let is_name = |text: &String| (1..=LONGEST_NAME).contains(&text.trim().chars().count());
        if choice.name.0.is_empty() || !choice.name.0.values().all(is_name) {
            return Err((Some(at), "a name has 1 to 80 characters in at least one language"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ones_are_right_and_wrong_ones_are_named() {
        let usual = Settings::default();
        assert_eq!(usual.check(), Ok(()));
        assert!(Settings::has(&usual.categories, "delivery") && !Settings::has(&usual.categories, "Delivery"));
        let wrong = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().0
        };
        assert_eq!(wrong(|it| it.hours.zone = "here".to_owned()), "hours.zone");
        assert_eq!(wrong(|it| it.categories[1].key = "product".to_owned()), "categories[1]");
        assert_eq!(wrong(|it| it.root_causes[0].key = "A b".to_owned()), "root_causes[0]");
        assert_eq!(wrong(|it| it.touchpoints[0].name.0.clear()), "touchpoints[0]");
        assert_eq!(wrong(|it| it.touchpoints = vec![it.touchpoints[0].clone(); 101]), "touchpoints");
        assert_eq!(wrong(|it| it.targets.first_answer_minutes[3] = 0), "targets");
    }
}
