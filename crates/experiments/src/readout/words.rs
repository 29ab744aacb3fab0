//! What can and cannot be said: first whether the numbers can be believed, then whether it is time, then what they say.
//!
//! Always holds: nothing is called better or worse that the numbers do not call so; where no number can be believed none is repeated.

use rapport_models::experiments::{Undecidable, Verdict as Call};

use super::sentence::{Param, Params, Sentence, Tone};
use super::verdict::{fewest, is_small};
use super::{Comparison, Data, LEAST_UNITS, Part, Readout, Verdict, exposed, open};
use crate::design::{Direction, Experiment, Kind, Method, State};

/// All sentences, the most important first.
pub(super) fn sentences(experiment: &Experiment, data: &Data, readout: &Readout) -> Vec<Sentence> {
    let mut said = Said(Vec::new());
    if readout.progress.units == 0 {
        said.say("nobody", Tone::Cannot, []);
        left_out(&mut said, experiment, data);
        return said.0;
    }
    if readout.verdict == Verdict::Untrustworthy {
        ratio_is_broken(&mut said, readout);
        left_out(&mut said, experiment, data);
        return said.0;
    }
    time(&mut said, experiment, data, readout);
    let may_be_read = !matches!(readout.verdict, Verdict::TooEarly | Verdict::NotYet);
    if may_be_read {
        for comparison in &readout.comparisons {
            match comparison.part {
                Part::Primary => primary(&mut said, experiment, comparison),
                Part::Guardrail(margin) => guardrail(&mut said, comparison, margin),
                Part::Secondary => {}
            }
        }
        secondary(&mut said, experiment, readout);
        segments(&mut said, experiment, readout);
    }
    if experiment.design.primary.is_some() && readout.comparisons.iter().all(|it| it.part != Part::Primary) {
        said.say("no_sums", Tone::Cannot, []);
    }
    left(&mut said, experiment, readout);
    notes(&mut said, experiment, data, readout);
    left_out(&mut said, experiment, data);
    advice(&mut said, experiment, readout);
    said.0
}

struct Said(Vec<Sentence>);

impl Said {
    fn say<const N: usize>(&mut self, code: &'static str, tone: Tone, params: [(&'static str, Param); N]) {
        self.0.push(Sentence::new(code, tone, params));
    }
}

fn ratio_is_broken(said: &mut Said, readout: &Readout) {
    let Some(ratio) = &readout.ratio else { return };
    let params = [("came", Param::Shares(ratio.came.clone())), ("meant", Param::Shares(ratio.meant.clone()))];
    said.say("ratio_broken", Tone::Cannot, params);
    said.say("ratio_broken_do", Tone::Do, []);
}

fn time(said: &mut Said, experiment: &Experiment, data: &Data, readout: &Readout) {
    let units = Param::Count(readout.progress.units);
    if readout.verdict == Verdict::TooEarly {
        let (name, few) = fewest(experiment, data, &readout.comparisons).map_or(("", 0), |(it, few)| (it.shown(), few));
        let params = [("variant", Param::text(name)), ("few", Param::Count(few)), ("least", Param::Count(LEAST_UNITS))];
        said.say("too_early", Tone::Cannot, params);
        return;
    }
    match (experiment.design.reading.method, readout.progress.needed) {
        (Method::Once, Some(needed)) if readout.verdict == Verdict::NotYet => {
            said.say("not_yet", Tone::Cannot, [("needed", Param::Count(needed)), ("units", units)]);
        }
        (Method::Once, _) => said.say("read_once", Tone::Note, [("units", units)]),
        (Method::Always | Method::AlwaysNear(_), _) => said.say("peeking_allowed", Tone::Can, [("units", units)]),
    }
}

fn primary(said: &mut Said, experiment: &Experiment, it: &Comparison) {
    let answer = match &it.answer {
        Ok(answer) => answer,
        Err(reason) => return undecidable(said, it, *reason),
    };
    let (form, reading) = (&it.metric.form, &answer.reading);
    let effect = |value: f64| Param::Effect(form.clone(), it.decides, value);
    let size = |value: f64| Param::Size(form.clone(), it.decides, value);
    let [variant, metric] = about(it);
    let (low, high) = (("low", effect(reading.low)), ("high", effect(reading.high)));
    let sure = ("sure", Param::Share(1.0 - experiment.design.reading.alpha));
    let called = match answer.verdict {
        Call::Better => Some("win"),
        Call::Worse => Some("loss"),
        _ => None,
    };
    if let (Some(code), Some(from), Some(to)) = (called, it.control, it.treatment) {
        let mean = |value: f64| Param::Mean(form.clone(), value);
        let seen = [("estimate", effect(reading.estimate)), ("from", mean(from.mean)), ("to", mean(to.mean))];
        let [estimate, from, to] = seen;
        said.say(code, Tone::Can, [variant, metric, estimate, from, to, low, high, sure]);
    } else if is_small(experiment, it) {
        let matters = ("matters", size(experiment.design.plan.map_or(0.0, |it| it.effect)));
        said.say("no_difference", Tone::Can, [variant, metric, matters, low, high, sure]);
    } else if reading.low > 0.0 || reading.high < 0.0 {
        said.say("unclear_of_many", Tone::Cannot, [variant, metric, low, high]);
    } else {
        let largest = ("largest", size(reading.low.abs().max(reading.high.abs())));
        said.say("unclear", Tone::Cannot, [variant, metric, low, high, largest]);
    }
}

/// Which variant and which metric a sentence is about.
fn about(it: &Comparison) -> [(&'static str, Param); 2] {
    [("variant", Param::text(&it.variant_name)), ("metric", Param::metric(&it.metric))]
}

fn undecidable(said: &mut Said, it: &Comparison, reason: Undecidable) {
    let [variant, metric] = about(it);
    said.say("undecidable", Tone::Cannot, [variant, metric, ("reason", Param::Reason(reason))]);
}

fn guardrail(said: &mut Said, it: &Comparison, margin: f64) {
    let answer = match &it.answer {
        Ok(answer) => answer,
        Err(reason) => return undecidable(said, it, *reason),
    };
    let form = &it.metric.form;
    let effect = |value: f64| Param::Effect(form.clone(), it.decides, value);
    let (code, tone) = match answer.verdict {
        Call::Breached => ("guardrail_harmed", Tone::Can),
        Call::Safe => ("guardrail_safe", Tone::Can),
        _ => ("guardrail_unclear", Tone::Cannot),
    };
    let [variant, metric] = about(it);
    let margin = ("margin", Param::Size(form.clone(), it.decides, margin));
    let (low, high) = (("low", effect(answer.reading.low)), ("high", effect(answer.reading.high)));
    said.say(code, tone, [variant, metric, margin, low, high]);
}

/// The comparisons that are called so, each with its effect.
fn called<'c>(all: impl Iterator<Item = &'c Comparison>, call: Call) -> Vec<Params> {
    let item = |it: &Comparison| {
        let answer = it.answer.as_ref().ok().filter(|answer| answer.verdict == call)?;
        let effect = Param::Effect(it.metric.form.clone(), it.decides, answer.reading.estimate);
        let mut params = Params::from(about(it));
        params.insert("effect", effect);
        if let Some(segment) = &it.segment {
            params.insert("segment", Param::text(segment));
        }
        Some(params)
    };
    all.filter_map(item).collect()
}

fn secondary(said: &mut Said, experiment: &Experiment, readout: &Readout) {
    let own = || readout.comparisons.iter().filter(|it| it.part == Part::Secondary);
    for (code, call) in [("secondary_better", Call::Better), ("secondary_worse", Call::Worse)] {
        let found = called(own(), call);
        if !found.is_empty() {
            let many = ("many", Param::Count(own().count() as u64));
            let alpha = ("alpha", Param::Share(experiment.design.reading.alpha));
            said.say(code, Tone::Can, [many, ("found", Param::Items(found)), alpha]);
        }
    }
}

fn segments(said: &mut Said, experiment: &Experiment, readout: &Readout) {
    let all = || readout.segments.iter();
    if all().next().is_none() {
        return;
    }
    let mut found = called(all(), Call::Better);
    found.extend(called(all(), Call::Worse));
    let many = ("many", Param::Count(all().count() as u64));
    if found.is_empty() {
        said.say("segments_unclear", Tone::Cannot, [many]);
    } else {
        let alpha = ("alpha", Param::Share(experiment.design.reading.alpha));
        said.say("segments_clear", Tone::Can, [("found", Param::Items(found)), many, alpha]);
    }
}

/// How long it takes.
fn left(said: &mut Said, experiment: &Experiment, readout: &Readout) {
    let progress = &readout.progress;
    let is_open = matches!(readout.verdict, Verdict::TooEarly | Verdict::NotYet | Verdict::Unclear);
    let (Some(plan), Some(primary)) = (experiment.design.plan, &experiment.design.primary) else { return };
    if !is_open || experiment.state.is_over() {
        return;
    }
    let scale = super::estimand(experiment.design.reading.scale);
    let matters = ("matters", Param::Size(primary.form.clone(), scale, plan.effect));
    let power = ("power", Param::Share(plan.power));
    let needed = progress.needed.map(|it| ("needed", Param::Count(it)));
    match (needed, progress.days_left) {
        (Some(needed), Some(0)) => said.say("enough", Tone::Note, [needed, matters, power]),
        (Some(needed), Some(days)) => {
            let rate = ("rate", Param::Count(progress.a_day.map_or(0, |it| it.round() as u64)));
            said.say("days_left", Tone::Note, [matters, power, needed, rate, ("days", Param::Count(days))]);
            if days > 90 {
                said.say("few_exposures", Tone::Do, []);
            }
        }
        (Some(needed), None) => said.say("rate_unknown", Tone::Note, [matters, power, needed]),
        (None, _) => said.say("never", Tone::Cannot, [matters]),
    }
}

fn notes(said: &mut Said, experiment: &Experiment, data: &Data, readout: &Readout) {
    if readout.progress.ran_days < 7 && experiment.design.kind != Kind::Holdout {
        let days = u64::try_from(readout.progress.ran_days).unwrap_or(0);
        said.say("short", Tone::Note, [("days", Param::Count(days))]);
    }
    if let Some(taken) =
        readout.comparisons.iter().find(|it| it.part == Part::Primary).and_then(|it| it.noise_taken_out)
    {
        said.say("noise_taken_out", Tone::Note, [("share", Param::Share(taken))]);
    }
    let measured = readout.comparisons.iter().find(|it| it.part == Part::Primary && it.control.is_some());
    let counted: u64 = measured.iter().filter_map(|it| Some(it.control?.units + it.treatment?.units)).sum();
    let variants = open(experiment).filter(|(_, it)| it.is_control || measured.is_some_and(|m| m.variant == it.key));
    let shown: u64 = variants.map(|(at, _)| exposed(data, at)).sum();
    if measured.is_some() && counted < shown {
        let hours = u64::from(experiment.design.conversion_hours);
        let params = [("waiting", Param::Count(shown - counted)), ("hours", Param::Count(hours))];
        said.say("waiting", Tone::Note, params);
    }
}

fn left_out(said: &mut Said, experiment: &Experiment, data: &Data) {
    if data.counts.mixed > 0 {
        said.say("mixed", Tone::Note, [("people", Param::Count(data.counts.mixed))]);
    }
    if data.counts.earlier > 0 {
        let is_holdout = experiment.design.kind == Kind::Holdout;
        let code = if is_holdout { "earlier_share" } else { "earlier" };
        said.say(code, Tone::Note, [("people", Param::Count(data.counts.earlier))]);
    }
}

/// What to do now. Of a holdout nothing: it says what something is worth, and nobody chooses between its sides.
fn advice(said: &mut Said, experiment: &Experiment, readout: &Readout) {
    if experiment.design.kind == Kind::Holdout {
        return;
    }
    let name = |key: &str| ("variant", Param::text(experiment.design.variant(key).map_or(key, |it| it.shown())));
    let over = experiment.state == State::Decided;
    match &readout.verdict {
        Verdict::Better(variant) if !over => {
            let unclear = readout.comparisons.iter().filter(|it| {
                let is_unclear = it.answer.as_ref().map_or(true, |it| it.verdict == Call::Unclear);
                matches!(it.part, Part::Guardrail(_)) && it.variant == *variant && is_unclear
            });
            let unclear: Vec<Params> =
                unclear.map(|it| Params::from([("metric", Param::metric(&it.metric))])).collect();
            if unclear.is_empty() {
                said.say("do_give", Tone::Do, [name(variant)]);
            } else {
                said.say("do_wait", Tone::Do, [name(variant), ("found", Param::Items(unclear))]);
            }
        }
        Verdict::Harmful(variant) => said.say("do_close", Tone::Do, [name(variant)]),
        Verdict::Worse => said.say("do_keep", Tone::Do, []),
        Verdict::NoDifference => said.say("do_choose", Tone::Do, []),
        _ => {}
    }
    let lower = experiment.design.primary.as_ref().is_some_and(|it| it.direction == Direction::Lower);
    let called = matches!(readout.verdict, Verdict::Better(_) | Verdict::Worse | Verdict::Harmful(_));
    if lower && called {
        said.say("lower_is_better", Tone::Note, []);
    }
}
