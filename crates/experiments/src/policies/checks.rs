//! What a policy's design must be to work at all.
//!
//! Always holds: text from outside is bounded in number, length and signs; what passes can decide and learn.

use std::collections::BTreeSet;

use super::design::{Decides, Design, Kind};
use crate::checks::{KEY_MAX, is_key};
use crate::error::Error;

const NAME_MAX: usize = 200;
const ARMS_MAX: usize = 20;
const FEATURES_MAX: usize = 20;
const COSTS_MAX: usize = 10;
/// 92 days: no cap looks further back.
const HOURS_MAX: u32 = 92 * 24;
/// The least chance that can be asked for.
const FLOOR_MIN: f64 = 0.001;

/// Refuses what cannot be saved.
///
/// # Errors
/// [`Error::Invalid`] with the first field that is wrong.
pub fn check(design: &Design) -> Result<(), Error> {
    text("name", &design.name, 1)?;
    arms(design)?;
    reward(design)?;
    let most = 1.0 / design.arms.len() as f64;
    if !(FLOOR_MIN..=most).contains(&design.floor) {
        let params = [("least", FLOOR_MIN.to_string()), ("most", format!("{most:.3}"))];
        return Err(Error::invalid("floor", "number_range", params));
    }
    if !(0.9..=1.0).contains(&design.memory) {
        let params = [("least", 0.9.to_string()), ("most", 1.to_string())];
        return Err(Error::invalid("memory", "number_range", params));
    }
    features(design)?;
    match (design.kind, &design.experiment) {
        (Kind::Uplift, None) => Err(Error::invalid("experiment", "policy_experiment_missing", [])),
        (Kind::Uplift, Some(key)) if !is_key(key) => {
            Err(Error::invalid("experiment", "key_form", [("most", KEY_MAX.to_string())]))
        }
        (Kind::Bandit | Kind::Contextual, Some(_)) => {
            Err(Error::invalid("experiment", "policy_experiment_elsewhere", []))
        }
        _ => Ok(()),
    }
}

fn arms(design: &Design) -> Result<(), Error> {
    if !(2..=ARMS_MAX).contains(&design.arms.len()) {
        let params = [("least", 2.to_string()), ("most", ARMS_MAX.to_string())];
        return Err(Error::invalid("arms", "variants_number", params));
    }
    if design.kind == Kind::Uplift && design.arms.len() != 2 {
        return Err(Error::invalid("arms", "policy_two_arms", []));
    }
    let mut keys = BTreeSet::new();
    for (at, arm) in design.arms.iter().enumerate() {
        let field = |name: &str| format!("arms[{at}].{name}");
        // Named as the ways of a split are, which are written as people like.
        text(&field("key"), &arm.key, 1)?;
        text(&field("name"), &arm.name, 0)?;
        if !keys.insert(&arm.key) {
            return Err(Error::invalid(field("key"), "policy_arm_twice", []));
        }
        number(&field("cost"), arm.cost)?;
        match (design.decides, arm.cap) {
            (Decides::Frequency, None) => return Err(Error::invalid(field("cap"), "policy_cap_missing", [])),
            (Decides::Way, Some(_)) => return Err(Error::invalid(field("cap"), "policy_cap_elsewhere", [])),
            (Decides::Frequency, Some(cap)) => hours(&field("cap.hours"), cap.hours)?,
            (Decides::Way, None) => {}
        }
    }
    Ok(())
}

fn reward(design: &Design) -> Result<(), Error> {
    let reward = &design.reward;
    text("reward.metric", &reward.metric, 1)?;
    hours("reward.hours", reward.hours)?;
    number("reward.worth", reward.worth)?;
    if reward.worth <= 0.0 {
        return Err(Error::invalid("reward.worth", "policy_worth", []));
    }
    if reward.costs.len() > COSTS_MAX {
        return Err(Error::invalid("reward.costs", "rules_number", [("most", COSTS_MAX.to_string())]));
    }
    for (at, cost) in reward.costs.iter().enumerate() {
        text(&format!("reward.costs[{at}].event"), &cost.event, 1)?;
        number(&format!("reward.costs[{at}].cost"), cost.cost)?;
    }
    Ok(())
}

fn features(design: &Design) -> Result<(), Error> {
    if design.kind == Kind::Bandit && !design.features.is_empty() {
        return Err(Error::invalid("features", "policy_features_elsewhere", []));
    }
    if design.kind != Kind::Bandit && !(1..=FEATURES_MAX).contains(&design.features.len()) {
        let params = [("least", 1.to_string()), ("most", FEATURES_MAX.to_string())];
        return Err(Error::invalid("features", "variants_number", params));
    }
    let mut keys = BTreeSet::new();
    for (at, key) in design.features.iter().enumerate() {
        text(&format!("features[{at}]"), key, 1)?;
        if !keys.insert(key) {
            return Err(Error::invalid(format!("features[{at}]"), "policy_feature_twice", []));
        }
    }
    Ok(())
}

fn hours(field: &str, hours: u32) -> Result<(), Error> {
    if (1..=HOURS_MAX).contains(&hours) {
        Ok(())
    } else {
        Err(Error::invalid(field, "hours_range", [("most", HOURS_MAX.to_string())]))
    }
}

fn number(field: &str, it: f64) -> Result<(), Error> {
    if it.abs() <= 1e9 {
        Ok(())
    } else {
        Err(Error::invalid(field, "number_range", [("least", "-1000000000".into()), ("most", "1000000000".into())]))
    }
}

fn text(field: &str, text: &str, least: usize) -> Result<(), Error> {
    let is_plain = text.trim() == text && !text.chars().any(char::is_control);
    if is_plain && (least..=NAME_MAX).contains(&text.len()) { Ok(()) } else { Err(length(field, least)) }
}

fn length(field: &str, least: usize) -> Error {
    Error::invalid(field, "policy_text", [("least", least.to_string()), ("most", NAME_MAX.to_string())])
}
