//! What a design must be to work at all, and what more it must have to start.
//!
//! Always holds: text from outside is bounded in number, length and signs; what passes can be evaluated and read.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::design::{Design, Guardrail, Kind, Method, Metric, Serve, State, WHOLE};
use crate::error::Error;

/// The longest key.
pub const KEY_MAX: usize = 64;
const TEXT_MAX: usize = 2_000;
const VALUE_MAX: usize = 16_384;
const VARIANTS_MAX: usize = 20;
const RULES_MAX: usize = 50;
const METRICS_MAX: usize = 50;
/// 400 days.
const HOURS_MAX: u32 = 9_600;

/// Whether a text can be a key: small letters, digits, `-`, `_` and `.`.
pub fn is_key(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= KEY_MAX && text.bytes().all(known)
}

/// Refuses what cannot be saved.
///
/// # Errors
/// [`Error::Invalid`] with the first field that is wrong.
pub fn check(design: &Design) -> Result<(), Error> {
    text("name", &design.name, 1)?;
    text("hypothesis", &design.hypothesis, 0)?;
    text("salt", &design.salt, 0)?;
    variants(design)?;
    rules(design)?;
    share("traffic", design.traffic)?;
    if let Some(place) = &design.group {
        key("group.group", &place.group)?;
        share("group.to", place.to)?;
        if place.from >= place.to {
            return Err(Error::invalid("group.from", "group_order", []));
        }
    }
    if let (Some(from), Some(to)) = (design.starts_at, design.ends_at)
        && from >= to
    {
        return Err(Error::invalid("ends_at", "times_order", []));
    }
    if !(1..=HOURS_MAX).contains(&design.conversion_hours) {
        return Err(Error::invalid("conversion_hours", "hours_range", [("most", HOURS_MAX.to_string())]));
    }
    metrics(design)?;
    reading(design)?;
    holdout(design)
}

/// Refuses to start what could not be read afterwards.
///
/// # Errors
/// [`Error::Invalid`] with the field that is missing.
pub fn can_start(design: &Design) -> Result<(), Error> {
    if design.kind != Kind::Flag && design.primary.is_none() {
        return Err(Error::invalid("primary", "primary_missing", []));
    }
    if design.kind == Kind::Experiment && design.weights().iter().filter(|weight| **weight > 0).count() < 2 {
        return Err(Error::invalid("variants", "nothing_to_compare", []));
    }
    Ok(())
}

/// Refuses a winner that there is none of.
pub(crate) fn winner(design: &Design, state: State, key: Option<&str>) -> Result<(), Error> {
    match key {
        Some(key) if design.variant(key).is_none() => {
            Err(Error::invalid("winner", "variant_unknown", [("variant", key.to_owned())]))
        }
        None if state == State::Decided => Err(Error::invalid("winner", "winner_missing", [])),
        _ => Ok(()),
    }
}

fn variants(design: &Design) -> Result<(), Error> {
    let variants = &design.variants;
    let least = if design.kind == Kind::Flag { 1 } else { 2 };
    if !(least..=VARIANTS_MAX).contains(&variants.len()) {
        return Err(Error::invalid(
            "variants",
            "variants_number",
            [("least", least.to_string()), ("most", VARIANTS_MAX.to_string())],
        ));
    }
    let mut keys = BTreeSet::new();
    for (at, variant) in variants.iter().enumerate() {
        let field = |name: &str| format!("variants[{at}].{name}");
        key(field("key"), &variant.key)?;
        text(field("name"), &variant.name, 0)?;
        if !keys.insert(&variant.key) {
            return Err(Error::invalid(field("key"), "variant_twice", []));
        }
        if variant.weight > 1_000_000 {
            return Err(Error::invalid(field("weight"), "weight_range", []));
        }
        if matches!(variant.value, Value::Null | Value::Array(_)) {
            return Err(Error::invalid(field("value"), "value_type", []));
        }
        if std::mem::discriminant(&variant.value) != std::mem::discriminant(&variants[0].value) {
            return Err(Error::invalid(field("value"), "value_other_type", []));
        }
        let value = variant.value.to_string();
        if value.len() > VALUE_MAX || holds_nul(&value) {
            return Err(Error::invalid(field("value"), "value_long", [("most", VALUE_MAX.to_string())]));
        }
    }
    if variants.iter().filter(|it| it.is_control).count() != 1 {
        return Err(Error::invalid("variants", "one_control", []));
    }
    if variants.iter().all(|it| it.weight == 0) {
        return Err(Error::invalid("variants", "weight_missing", []));
    }
    Ok(())
}

/// NUL as JSON writes it; a backslash before it would be doubled, and is refused as well, which costs nobody anything.
fn holds_nul(json: &str) -> bool {
    json.contains("\\u0000")
}

fn rules(design: &Design) -> Result<(), Error> {
    if design.rules.len() > RULES_MAX {
        return Err(Error::invalid("rules", "rules_number", [("most", RULES_MAX.to_string())]));
    }
    let mut keys = BTreeSet::new();
    for (at, rule) in design.rules.iter().enumerate() {
        let field = |name: &str| format!("rules[{at}].{name}");
        key(field("key"), &rule.key)?;
        if !keys.insert(&rule.key) {
            return Err(Error::invalid(field("key"), "rule_twice", []));
        }
        if let Some(condition) = &rule.condition {
            text(field("condition"), condition, 1)?;
        }
        share(field("share"), rule.share)?;
        if let Serve::Variant(key) = &rule.serve
            && design.variant(key).is_none()
        {
            return Err(Error::invalid(field("serve"), "variant_unknown", [("variant", key.clone())]));
        }
    }
    Ok(())
}

fn metrics(design: &Design) -> Result<(), Error> {
    let guardrails = design.guardrails.iter().map(|it| &it.metric);
    let all: Vec<&Metric> = design.primary.iter().chain(guardrails).chain(&design.secondary).collect();
    if all.len() > METRICS_MAX {
        return Err(Error::invalid("secondary", "metrics_number", [("most", METRICS_MAX.to_string())]));
    }
    let mut keys = BTreeSet::new();
    for metric in all {
        text("metric key", &metric.key, 1)?;
        text("metric name", &metric.name, 1)?;
        if !keys.insert(&metric.key) {
            return Err(Error::invalid("metrics", "metric_twice", [("metric", metric.key.clone())]));
        }
    }
    let is_margin = |it: &Guardrail| it.margin.is_finite() && it.margin >= 0.0;
    if !design.guardrails.iter().all(is_margin) {
        return Err(Error::invalid("guardrails", "margin_range", []));
    }
    Ok(())
}

fn reading(design: &Design) -> Result<(), Error> {
    if !(design.reading.alpha >= 0.0001 && design.reading.alpha <= 0.5) || design.reading.inference().is_none() {
        return Err(Error::invalid("reading", "reading_range", []));
    }
    if let Some(plan) = design.plan {
        let possible = plan.effect.is_finite() && plan.effect > 0.0 && (0.5..1.0).contains(&plan.power);
        if !possible || plan.units == Some(0) {
            return Err(Error::invalid("plan", "plan_range", []));
        }
    }
    if design.reading.method == Method::Once && design.plan.and_then(|it| it.units).is_none() {
        return Err(Error::invalid("plan.units", "units_missing", []));
    }
    Ok(())
}

fn holdout(design: &Design) -> Result<(), Error> {
    if design.kind != Kind::Holdout {
        return match design.subject {
            Some(_) => Err(Error::invalid("subject", "subject_elsewhere", [])),
            None => Ok(()),
        };
    }
    let both = design.variants.len() == 2 && design.variants.iter().all(|it| it.weight > 0);
    if !both {
        return Err(Error::invalid("variants", "holdout_variants", []));
    }
    if design.group.is_some() || design.traffic != WHOLE {
        return Err(Error::invalid("traffic", "holdout_traffic", []));
    }
    if design.rules.iter().any(|it| it.serve != Serve::Split) {
        return Err(Error::invalid("rules", "holdout_rules", []));
    }
    if let Some(subject) = &design.subject {
        text("subject", subject, 1)?;
        if subject.split_once(':').is_none_or(|(kind, id)| !is_key(kind) || id.is_empty()) {
            return Err(Error::invalid("subject", "subject_form", []));
        }
    }
    Ok(())
}

fn key(field: impl Into<String>, it: &str) -> Result<(), Error> {
    if is_key(it) {
        return Ok(());
    }
    Err(Error::invalid(field, "key_form", [("most", KEY_MAX.to_string())]))
}

fn text(field: impl Into<String>, it: &str, least: usize) -> Result<(), Error> {
    if (least..=TEXT_MAX).contains(&it.trim().len()) && it.len() <= TEXT_MAX && !it.contains('\0') {
        return Ok(());
    }
    Err(Error::invalid(field, "text_length", [("least", least.to_string()), ("most", TEXT_MAX.to_string())]))
}

fn share(field: impl Into<String>, it: u32) -> Result<(), Error> {
    if it <= WHOLE { Ok(()) } else { Err(Error::invalid(field, "share_range", [])) }
}
