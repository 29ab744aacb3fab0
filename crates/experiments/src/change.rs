//! What a change of a design does to those who are in already.
//!
//! Whoever was exposed keeps their variant by their stored exposure, so a change never moves them. What a change can do is make chances differ between
//! those before and those after it. Pooled, the two would favour a variant for the days on which it had more people (Simpson's paradox), so a new
//! *allocation* begins, and readouts are of those exposed since. More traffic, or more places of a group, adds people to all variants alike and is no
//! new allocation.
//!
//! Always holds: of two designs between which this finds nothing anew, both give every unit that they both take in the same variant.

use crate::design::{Design, Experiment, Kind, Place, State};
use crate::error::Error;
use crate::refusal::Refusal;

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing to who gets what, or it lets more or fewer in, in the same proportions.
    Same,
    /// Chances or what a variant gives change: a new allocation begins, and the readout with it.
    Anew,
}

/// What `new` does to an experiment.
///
/// # Errors
/// [`Error::Fixed`] where it would move people, or let somebody into two experiments that may not meet.
pub fn change(experiment: &Experiment, new: &Design) -> Result<Change, Error> {
    let old = &experiment.design;
    if experiment.state == State::Draft {
        return Ok(Change::Same);
    }
    let keep = |same: bool, field, problem| {
        if same { Ok(()) } else { Err(Error::Fixed { field, problem: Refusal::new(problem, []) }) }
    };
    let copy = "fixed";
    keep(old.kind == new.kind, "kind", copy)?;
    keep(old.unit == new.unit, "unit", copy)?;
    keep(old.salt == new.salt, "salt", copy)?;
    keep(old.subject == new.subject, "subject", copy)?;
    if experiment.state.is_over() {
        let same = (&old.variants, &old.rules, old.traffic, &old.group)
            == (&new.variants, &new.rules, new.traffic, &new.group);
        keep(same, "variants", "fixed_over")?;
        return Ok(Change::Same);
    }
    if old.kind == Kind::Flag {
        return Ok(Change::Same);
    }
    keep(grows(old.group.as_ref(), new.group.as_ref()), "group", "places_kept")?;
    let control = |design: &Design| design.control().map(|it| it.key.clone());
    keep(control(old) == control(new), "variants", "control_fixed")?;
    let kept = old.variants.iter().all(|it| new.variant(&it.key).is_some());
    keep(kept, "variants", "variants_kept")?;
    let is_open = |design: &Design| design.control().is_some_and(|it| it.weight > 0);
    keep(is_open(new) || !is_open(old), "variants", "control_closed")?;
    let same_values = old.variants.iter().all(|it| new.variant(&it.key).is_some_and(|other| other.value == it.value));
    Ok(if same_values && same_chances(old, new) { Change::Same } else { Change::Anew })
}

/// Whether the variants have the same parts, in the same order; those without weight have none.
fn same_chances(old: &Design, new: &Design) -> bool {
    let parts = |design: &Design| -> Vec<(String, u64)> {
        let open = design.variants.iter().filter(|it| it.weight > 0);
        open.map(|it| (it.key.clone(), u64::from(it.weight))).collect()
    };
    let (old, new) = (parts(old), parts(new));
    let total = |parts: &[(String, u64)]| parts.iter().map(|it| it.1).sum::<u64>();
    let (of_old, of_new) = (total(&old), total(&new));
    old.len() == new.len() && old.iter().zip(&new).all(|(a, b)| a.0 == b.0 && a.1 * of_new == b.1 * of_old)
}

fn grows(old: Option<&Place>, new: Option<&Place>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => old.group == new.group && new.from <= old.from && old.to <= new.to,
        _ => false,
    }
}
