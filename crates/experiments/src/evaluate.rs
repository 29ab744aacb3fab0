//! What one unit gets, and which exposures that is.
//!
//! The order: what is decided gives its winner, and what does not run its control. Whoever was exposed keeps their variant. Of the others, the first rule
//! that applies takes them; then they must be in the experiment's places of its group, and in its traffic. Whoever would now get something goes past
//! the holdouts: held out, they get the control. Only then is the variant theirs. In a holdout the lot alone decides, whoever was noted before: its share
//! grows and shrinks by the places of people, so that whatever else asks the same lot agrees.
//!
//! Always holds: the same situation gives the same decision; a unit is exposed to a holdout exactly when it would otherwise get something, in both of
//! the holdout's arms, so that these can be compared.
//!
//! Does not do: note exposures. Whoever acts on a decision notes them before, with [`crate::records::exposures::expose`], and acts on what that returns.

use std::collections::BTreeMap;

use rapport_domain::assignment::{self, Unit};
use rapport_domain::{PersonId, Timestamp};

use crate::design::{Experiment, Kind, Serve, State, UnitKind, Variant, WHOLE};

/// For whom, when, and what is known of them.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// The present.
    pub now: Timestamp,
    /// Who, if that is known.
    pub person: Option<PersonId>,
    /// The text of the device's identifier, if there is one.
    pub anonymous: Option<&'a str>,
    /// Whether a condition holds for them, by its key; not where there is no such condition.
    pub truths: &'a dyn Fn(&str) -> bool,
    /// What they were exposed to before, by the experiment's number.
    pub held: &'a BTreeMap<i64, Held>,
    /// All holdouts of the workspace; those that do not apply are passed over.
    pub holdouts: &'a [&'a Experiment],
    /// What this is part of, for holdouts of it: `journey:jrn_...`, `slot:home`.
    pub subjects: &'a [&'a str],
}

/// What a unit was exposed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The variant's key.
    pub variant: String,
    /// The version since which chances were as they were then.
    pub allocation: i64,
}

/// What a unit gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<'e> {
    /// The variant with its value; none where the experiment has none at all.
    pub variant: Option<&'e Variant>,
    /// Why.
    pub reason: Reason,
    /// The unit's place in the experiment, 0 to 9,999, if it was asked for.
    pub bucket: Option<u32>,
    /// What is to be noted before anybody acts on this: exposures that were not noted before.
    pub exposures: Vec<Exposure>,
}

/// Why a unit gets what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Everybody gets it.
    Static,
    /// A rule with a condition gives it.
    TargetingMatch,
    /// Chance gives it, or gave it earlier.
    Split,
    /// Nothing runs: the control.
    Disabled,
    /// No rule applies: the control.
    Default,
    /// Held out: the control.
    Holdout,
    /// Not in the traffic or the group's places, or in a variant that was closed: the control.
    Excluded,
    /// It could not be decided: the control.
    Error(Fault),
}

/// Why it could not be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing says who or which device it is for.
    UnitMissing,
    /// The design has nothing to give.
    NothingToGive,
}

/// That a unit was exposed to a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The experiment's number.
    pub experiment: i64,
    /// Its key.
    pub key: String,
    /// The version since which its chances are as they are.
    pub allocation: i64,
    /// The variant's key.
    pub variant: String,
    /// What was assigned.
    pub unit: UnitKind,
    /// Where: what it was part of; may be empty.
    pub subject: String,
    /// Whether it takes the place of one under an earlier allocation: in a holdout the lot alone decides, so its readout begins anew with its share.
    pub renews: bool,
}

/// Whether somebody is held out of what they would get, and what is to be noted of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldOut {
    /// Whether they get nothing.
    pub out: bool,
    /// Exposures to holdouts that were not noted before.
    pub exposures: Vec<Exposure>,
}

/// How a unit stands in an experiment that runs.
enum Standing<'e> {
    NoUnit,
    NoRule,
    Excluded,
    /// A rule names the variant.
    Given(&'e Variant, Reason),
    /// Chance names it; whether that was noted before.
    Drawn(&'e Variant, bool),
}

/// What `experiment` gives in a situation.
pub fn evaluate<'e>(experiment: &'e Experiment, situation: &Situation<'_>) -> Decision<'e> {
    let design = &experiment.design;
    let control = design.control();
    let plain = |variant, reason| Decision { variant, reason, bucket: None, exposures: Vec::new() };
    if control.is_none() {
        return plain(None, Reason::Error(Fault::NothingToGive));
    }
    if experiment.state == State::Decided {
        let winner = experiment.winner.as_deref().and_then(|key| design.variant(key));
        return plain(winner.or(control), Reason::Static);
    }
    if !experiment.runs(situation.now) {
        return plain(control, Reason::Disabled);
    }
    let bucket = unit(design.unit, situation).map(|unit| assignment::bucket(&design.salt, unit));
    let (variant, reason, own) = match standing(experiment, situation) {
        Standing::NoUnit => (control, Reason::Error(Fault::UnitMissing), None),
        Standing::NoRule => (control, Reason::Default, None),
        Standing::Excluded => (control, Reason::Excluded, None),
        Standing::Given(variant, reason) => (Some(variant), reason, None),
        Standing::Drawn(variant, noted) => {
            let is_new = !noted && design.kind != Kind::Flag;
            (Some(variant), Reason::Split, is_new.then(|| exposure(experiment, variant, situation)))
        }
    };
    let gets_nothing = matches!(reason, Reason::Error(_) | Reason::Default | Reason::Excluded);
    if gets_nothing || design.kind == Kind::Holdout {
        return Decision { variant, reason, bucket, exposures: own.into_iter().collect() };
    }
    let mut held = held_out(design.respects_global_holdout, situation);
    if held.out {
        return Decision { variant: control, reason: Reason::Holdout, bucket, exposures: held.exposures };
    }
    held.exposures.extend(own);
    Decision { variant, reason, bucket, exposures: held.exposures }
}

/// Whether a unit that would get something is held out of it: by holdouts of the situation's subjects, and by global ones where these are `respected`.
/// For journeys, campaigns and slots, which ask before they act.
pub fn held_out(respected: bool, situation: &Situation<'_>) -> HeldOut {
    let mut found = HeldOut::default();
    for holdout in situation.holdouts {
        let applies = match &holdout.design.subject {
            None => respected,
            Some(subject) => situation.subjects.contains(&subject.as_str()),
        };
        if holdout.design.kind != Kind::Holdout || !applies || !holdout.runs(situation.now) {
            continue;
        }
        if let Standing::Drawn(variant, noted) = standing(holdout, situation) {
            found.out |= variant.is_control;
            if !noted {
                found.exposures.push(exposure(holdout, variant, situation));
            }
        }
    }
    found
}

fn standing<'e>(experiment: &'e Experiment, situation: &Situation<'_>) -> Standing<'e> {
    let design = &experiment.design;
    let Some(unit) = unit(design.unit, situation) else { return Standing::NoUnit };
    let before = situation.held.get(&experiment.number);
    if design.kind == Kind::Experiment
        && let Some(held) = before.and_then(|it| design.variant(&it.variant))
    {
        // A variant without weight is closed, because it did harm: its people get the control, and still count as its own.
        return if held.weight == 0 { Standing::Excluded } else { Standing::Drawn(held, true) };
    }
    let salt = &design.salt;
    let within = |salt: &str, share: u32| share >= WHOLE || assignment::bucket(salt, unit) < share;
    let applies = |rule: &&crate::design::Rule| {
        rule.condition.as_deref().is_none_or(situation.truths)
            && within(&format!("{salt}/rule/{}", rule.key), rule.share)
    };
    let rule = design.rules.iter().find(applies);
    if rule.is_none() && !design.rules.is_empty() {
        return Standing::NoRule;
    }
    let in_group = design.group.as_ref().is_none_or(|place| {
        (place.from..place.to).contains(&assignment::bucket(&format!("group/{}", place.group), unit))
    });
    if !in_group || !within(&format!("{salt}/traffic"), design.traffic) {
        return Standing::Excluded;
    }
    if let Some(rule) = rule
        && let Serve::Variant(key) = &rule.serve
    {
        let reason = match (&rule.condition, rule.share < WHOLE) {
            (_, true) => Reason::Split,
            (Some(_), false) => Reason::TargetingMatch,
            (None, false) => Reason::Static,
        };
        return design.variant(key).map_or(Standing::NoRule, |variant| Standing::Given(variant, reason));
    }
    let drawn = assignment::split(salt, unit, &design.weights()).and_then(|at| design.variants.get(at));
    let is_noted = design.kind == Kind::Holdout && before.is_some_and(|it| it.allocation == experiment.allocation);
    drawn.map_or(Standing::Excluded, |variant| Standing::Drawn(variant, is_noted))
}

fn unit<'a>(kind: UnitKind, situation: &Situation<'a>) -> Option<Unit<'a>> {
    match kind {
        UnitKind::Person => situation.person.map(Unit::from),
        UnitKind::Anonymous => situation.anonymous.filter(|text| !text.is_empty()).map(Unit::from),
    }
}

fn exposure(experiment: &Experiment, variant: &Variant, situation: &Situation<'_>) -> Exposure {
    Exposure {
        experiment: experiment.number,
        key: experiment.key.clone(),
        allocation: experiment.allocation,
        variant: variant.key.clone(),
        unit: experiment.design.unit,
        subject: situation.subjects.first().copied().unwrap_or_default().to_owned(),
        renews: experiment.design.kind == Kind::Holdout,
    }
}

impl Reason {
    /// OpenFeature's word for it (specification 0.8, types, resolution reason).
    pub const fn open_feature(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split | Self::Holdout => "SPLIT",
            Self::Disabled => "DISABLED",
            Self::Default | Self::Excluded => "DEFAULT",
            Self::Error(_) => "ERROR",
        }
    }
}
