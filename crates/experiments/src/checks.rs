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
            return Err(Error::invalid("group.from", "must be below `to`: places are 0 to 10000"));
        }
    }
    if let (Some(from), Some(to)) = (design.starts_at, design.ends_at)
        && from >= to
    {
        return Err(Error::invalid("ends_at", "must be after `starts_at`"));
    }
    if !(1..=HOURS_MAX).contains(&design.conversion_hours) {
        return Err(Error::invalid("conversion_hours", format!("must be 1 to {HOURS_MAX}")));
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
        return Err(Error::invalid("primary", "choose the metric that decides before it starts; a flag needs none"));
    }
    if design.kind == Kind::Experiment && design.weights().iter().filter(|weight| **weight > 0).count() < 2 {
        return Err(Error::invalid("variants", "at least two need a weight, or there is nothing to compare"));
    }
    Ok(())
}

/// Refuses a winner that there is none of.
pub(crate) fn winner(design: &Design, state: State, key: Option<&str>) -> Result<(), Error> {
    match key {
        Some(key) if design.variant(key).is_none() => {
            Err(Error::invalid("winner", format!("there is no variant `{key}`")))
        }
        None if state == State::Decided => Err(Error::invalid("winner", "name the variant that everybody gets")),
        _ => Ok(()),
    }
}

fn variants(design: &Design) -> Result<(), Error> {
    let variants = &design.variants;
    let least = if design.kind == Kind::Flag { 1 } else { 2 };
    if !(least..=VARIANTS_MAX).contains(&variants.len()) {
        return Err(Error::invalid("variants", format!("must be {least} to {VARIANTS_MAX}")));
    }
    let mut keys = BTreeSet::new();
    for (at, variant) in variants.iter().enumerate() {
        let field = |name: &str| format!("variants[{at}].{name}");
        key(field("key"), &variant.key)?;
        text(field("name"), &variant.name, 0)?;
        if !keys.insert(&variant.key) {
            return Err(Error::invalid(field("key"), "is that of another variant already"));
        }
        if variant.weight > 1_000_000 {
            return Err(Error::invalid(field("weight"), "must be 0 to 1000000"));
        }
        if matches!(variant.value, Value::Null | Value::Array(_)) {
            return Err(Error::invalid(field("value"), "must be a boolean, a text, a number or an object"));
        }
        if std::mem::discriminant(&variant.value) != std::mem::discriminant(&variants[0].value) {
            return Err(Error::invalid(field("value"), "must be of the same type as that of the first variant"));
        }
        let value = variant.value.to_string();
        if value.len() > VALUE_MAX || holds_nul(&value) {
            return Err(Error::invalid(
                field("value"),
                format!("must be shorter than {VALUE_MAX} bytes, and without NUL"),
            ));
        }
    }
    if variants.iter().filter(|it| it.is_control).count() != 1 {
        return Err(Error::invalid("variants", "exactly one must be the control: what people get without it"));
    }
    if variants.iter().all(|it| it.weight == 0) {
        return Err(Error::invalid("variants", "at least one needs a weight"));
    }
    Ok(())
}

/// NUL as JSON writes it; a backslash before it would be doubled, and is refused as well, which costs nobody anything.
fn holds_nul(json: &str) -> bool {
    json.contains("\\u0000")
}

fn rules(design: &Design) -> Result<(), Error> {
    if design.rules.len() > RULES_MAX {
        return Err(Error::invalid("rules", format!("must be at most {RULES_MAX}")));
    }
    let mut keys = BTreeSet::new();
    for (at, rule) in design.rules.iter().enumerate() {
        let field = |name: &str| format!("rules[{at}].{name}");
        key(field("key"), &rule.key)?;
        if !keys.insert(&rule.key) {
            return Err(Error::invalid(field("key"), "is that of another rule already"));
        }
        if let Some(condition) = &rule.condition {
            text(field("condition"), condition, 1)?;
        }
        share(field("share"), rule.share)?;
        if let Serve::Variant(key) = &rule.serve
            && design.variant(key).is_none()
        {
            return Err(Error::invalid(field("serve"), format!("there is no variant `{key}`")));
        }
    }
    Ok(())
}

fn metrics(design: &Design) -> Result<(), Error> {
    let guardrails = design.guardrails.iter().map(|it| &it.metric);
    let all: Vec<&Metric> = design.primary.iter().chain(guardrails).chain(&design.secondary).collect();
    if all.len() > METRICS_MAX {
        return Err(Error::invalid("secondary", format!("must be at most {METRICS_MAX} metrics in all")));
    }
    let mut keys = BTreeSet::new();
    for metric in all {
        text("metric key", &metric.key, 1)?;
        text("metric name", &metric.name, 1)?;
        if !keys.insert(&metric.key) {
            return Err(Error::invalid("metrics", format!("`{}` is there twice", metric.key)));
        }
    }
    let is_margin = |it: &Guardrail| it.margin.is_finite() && it.margin >= 0.0;
    if !design.guardrails.iter().all(is_margin) {
        return Err(Error::invalid("guardrails", "a margin must be a number that is not negative"));
    }
    Ok(())
}

fn reading(design: &Design) -> Result<(), Error> {
    if !(design.reading.alpha >= 0.0001 && design.reading.alpha <= 0.5) || design.reading.inference().is_none() {
        return Err(Error::invalid("reading", "alpha must be 0.0001 to 0.5, and the number of units positive"));
    }
    if let Some(plan) = design.plan {
        let possible = plan.effect.is_finite() && plan.effect > 0.0 && (0.5..1.0).contains(&plan.power);
        if !possible || plan.units == Some(0) {
            return Err(Error::invalid(
                "plan",
                "needs an effect above 0, a power of 0.5 to below 1, and units above 0",
            ));
        }
    }
    if design.reading.method == Method::Once && design.plan.and_then(|it| it.units).is_none() {
        return Err(Error::invalid("plan.units", "to read once, say at how many units; or read always"));
    }
    Ok(())
}

fn holdout(design: &Design) -> Result<(), Error> {
    if design.kind != Kind::Holdout {
        return match design.subject {
            Some(_) => Err(Error::invalid("subject", "is for holdouts only")),
            None => Ok(()),
        };
    }
    let both = design.variants.len() == 2 && design.variants.iter().all(|it| it.weight > 0);
    if !both {
        return Err(Error::invalid(
            "variants",
            "a holdout has two with a weight: the control, held out, and the others",
        ));
    }
    if design.group.is_some() || design.traffic != WHOLE {
        return Err(Error::invalid(
            "traffic",
            "a holdout has all the traffic and no group; its weights say how many are held out",
        ));
    }
    if design.rules.iter().any(|it| it.serve != Serve::Split) {
        return Err(Error::invalid("rules", "a holdout only splits"));
    }
    if let Some(subject) = &design.subject {
        text("subject", subject, 1)?;
        if subject.split_once(':').is_none_or(|(kind, id)| !is_key(kind) || id.is_empty()) {
            return Err(Error::invalid("subject", "is written as `journey:jrn_...`, `campaign:...` or `slot:...`"));
        }
    }
    Ok(())
}

fn key(field: impl Into<String>, it: &str) -> Result<(), Error> {
    if is_key(it) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be 1 to {KEY_MAX} small letters, digits, `-`, `_` or `.`")))
}

fn text(field: impl Into<String>, it: &str, least: usize) -> Result<(), Error> {
    if (least..=TEXT_MAX).contains(&it.trim().len()) && it.len() <= TEXT_MAX && !it.contains('\0') {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must have {least} to {TEXT_MAX} bytes, and no NUL")))
}

fn share(field: impl Into<String>, it: u32) -> Result<(), Error> {
    if it <= WHOLE { Ok(()) } else { Err(Error::invalid(field, "must be 0 to 10000, in hundredths of a per cent")) }
}
