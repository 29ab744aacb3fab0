//! What can and cannot be said, in plain words: first whether the numbers can be believed, then whether it is time, then what they say.
//!
//! Always holds: a sentence has a stable code, so that others can put it into another language; nothing is called better or worse that the numbers do not
//! call so; where no number can be believed none is repeated.

use rapport_models::experiments::{Undecidable, Verdict as Call};

use super::figures::{between, count, effect, mean, percent, size};
use super::verdict::{fewest, is_small};
use super::{Comparison, Data, LEAST_UNITS, Part, Readout, Verdict, exposed, open};
use crate::design::{Direction, Experiment, Kind, Method, State};

/// Something that can or cannot be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What it is about: `win`, `too_early`.
    pub code: &'static str,
    /// How it is meant.
    pub tone: Tone,
    /// The sentence.
    pub text: String,
}

/// How a sentence is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// This can be said.
    Can,
    /// This cannot be said.
    Cannot,
    /// This is to be done.
    Do,
    /// This is good to know.
    Note,
}

/// All sentences, the most important first.
pub(super) fn sentences(experiment: &Experiment, data: &Data, readout: &Readout) -> Vec<Sentence> {
    let mut said = Said(Vec::new());
    if readout.progress.units == 0 {
        said.say("nobody", Tone::Cannot, "Nobody was exposed yet, so nothing can be said.".to_owned());
        left_out(&mut said, data);
        return said.0;
    }
    if readout.verdict == Verdict::Untrustworthy {
        ratio_is_broken(&mut said, readout);
        left_out(&mut said, data);
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
        said.say(
            "no_sums",
            Tone::Cannot,
            "The main metric was not summed up, so nothing can be said about it.".to_owned(),
        );
    }
    left(&mut said, experiment, readout);
    notes(&mut said, experiment, data, readout);
    left_out(&mut said, data);
    advice(&mut said, experiment, readout);
    said.0
}

struct Said(Vec<Sentence>);

impl Said {
    fn say(&mut self, code: &'static str, tone: Tone, text: String) {
        self.0.push(Sentence { code, tone, text });
    }
}

fn ratio_is_broken(said: &mut Said, readout: &Readout) {
    let Some(ratio) = &readout.ratio else { return };
    let shares = |shares: &[f64]| shares.iter().map(|it| format!("{} %", percent(*it))).collect::<Vec<_>>().join(" : ");
    said.say(
        "ratio_broken",
        Tone::Cannot,
        format!(
            "People did not arrive in the variants as meant: {} instead of {}. By chance this happens less than once in a thousand experiments, so no number here can be believed.",
            shares(&ratio.came),
            shares(&ratio.meant)
        ),
    );
    said.say(
        "ratio_broken_do",
        Tone::Do,
        "Look for what loses or adds people in one variant only: a redirect or a slow page before the exposure is noted, robots, an error, a condition that the variant itself can change. Repair it, then start a copy."
            .to_owned(),
    );
}

fn time(said: &mut Said, experiment: &Experiment, data: &Data, readout: &Readout) {
    let units = count(readout.progress.units);
    if readout.verdict == Verdict::TooEarly {
        let (name, few) = fewest(experiment, data, &readout.comparisons).map_or(("", 0), |(it, few)| (it.shown(), few));
        said.say(
            "too_early",
            Tone::Cannot,
            format!("It is too early: “{name}” has {} people, and below {LEAST_UNITS} in a variant nothing can be relied on.", count(few)),
        );
        return;
    }
    match (experiment.design.reading.method, readout.progress.needed) {
        (Method::Once, Some(needed)) if readout.verdict == Verdict::NotYet => {
            said.say(
                "not_yet",
                Tone::Cannot,
                format!(
                    "It is to be read once, at {} people, and has {units}. Who stops earlier because of what is seen finds differences that are not there.",
                    count(needed)
                ),
            );
        }
        (Method::Once, _) => said.say(
            "read_once",
            Tone::Note,
            format!("The planned number of people is there ({units}): this is the one look that counts, and later ones do not."),
        ),
        (Method::Always | Method::AlwaysNear(_), _) => said.say(
            "peeking_allowed",
            Tone::Can,
            format!("You may look at any time and end it when you like: what is said of {units} people holds at every look."),
        ),
    }
}

fn primary(said: &mut Said, experiment: &Experiment, it: &Comparison) {
    let (metric, variant, form) = (&it.metric.name, &it.variant_name, &it.metric.form);
    let answer = match &it.answer {
        Ok(answer) => answer,
        Err(reason) => return undecidable(said, it, *reason),
    };
    let reading = &answer.reading;
    let from_to = match (it.control, it.treatment) {
        (Some(from), Some(to)) => format!(", from {} to {}", mean(form, from.mean), mean(form, to.mean)),
        _ => String::new(),
    };
    let range = between(form, it.decides, reading);
    let estimate = effect(form, it.decides, reading.estimate);
    let sure = percent(1.0 - experiment.design.reading.alpha);
    match answer.verdict {
        Call::Better => said.say(
            "win",
            Tone::Can,
            format!("“{variant}” is better on {metric}: {estimate}{from_to}. The truth is {range} (with {sure} % certainty)."),
        ),
        Call::Worse => said.say(
            "loss",
            Tone::Can,
            format!("“{variant}” is worse on {metric}: {estimate}{from_to}. The truth is {range} (with {sure} % certainty)."),
        ),
        _ if is_small(experiment, it) => {
            let matters = experiment.design.plan.map_or(0.0, |it| it.effect);
            said.say(
                "no_difference",
                Tone::Can,
                format!(
                    "If “{variant}” changes {metric} at all, then by less than {}: {range} (with {sure} % certainty). That was planned to be too little to matter.",
                    size(form, it.decides, matters)
                ),
            );
        }
        _ if reading.low > 0.0 || reading.high < 0.0 => said.say(
            "unclear_of_many",
            Tone::Cannot,
            format!(
                "By itself “{variant}” looks different on {metric} ({range}), but of several variants one looks so by chance: it cannot be said yet."
            ),
        ),
        _ => {
            let largest = reading.low.abs().max(reading.high.abs());
            said.say(
                "unclear",
                Tone::Cannot,
                format!(
                    "It cannot be said whether “{variant}” changes {metric}: {range} all fits what was seen. A difference larger than {} is ruled out, a smaller one is not; this is no proof that there is none.",
                    size(form, it.decides, largest)
                ),
            );
        }
    }
}

fn undecidable(said: &mut Said, it: &Comparison, reason: Undecidable) {
    let (metric, variant) = (&it.metric.name, &it.variant_name);
    said.say("undecidable", Tone::Cannot, format!("Nothing can be said about {metric} of “{variant}”: {reason}."));
}

fn guardrail(said: &mut Said, it: &Comparison, margin: f64) {
    let (metric, variant, form) = (&it.metric.name, &it.variant_name, &it.metric.form);
    let margin = size(form, it.decides, margin);
    let answer = match &it.answer {
        Ok(answer) => answer,
        Err(reason) => return undecidable(said, it, *reason),
    };
    let range = between(form, it.decides, &answer.reading);
    match answer.verdict {
        Call::Breached => {
            said.say(
                "guardrail_harmed",
                Tone::Can,
                format!("“{variant}” harms {metric}, which must not get worse by more than {margin}: {range}."),
            );
        }
        Call::Safe => said.say(
            "guardrail_safe",
            Tone::Can,
            format!("{metric} of “{variant}” is not worse by more than {margin}: {range}."),
        ),
        _ => said.say(
            "guardrail_unclear",
            Tone::Cannot,
            format!("It cannot be said yet whether “{variant}” keeps {metric} within {margin}: {range}."),
        ),
    }
}

/// The names of comparisons that are called so, with their effects.
fn called<'c>(
    all: impl Iterator<Item = &'c Comparison>,
    call: Call,
    name: impl Fn(&Comparison) -> String,
) -> Vec<String> {
    let own =
        all.filter_map(|it| it.answer.as_ref().ok().filter(|answer| answer.verdict == call).map(|answer| (it, answer)));
    own.map(|(it, answer)| format!("{} ({})", name(it), effect(&it.metric.form, it.decides, answer.reading.estimate)))
        .collect()
}

fn secondary(said: &mut Said, experiment: &Experiment, readout: &Readout) {
    let own = || readout.comparisons.iter().filter(|it| it.part == Part::Secondary);
    if own().next().is_none() {
        return;
    }
    let name = |it: &Comparison| format!("{} of “{}”", it.metric.name, it.variant_name);
    let alpha = percent(experiment.design.reading.alpha);
    let many = own().count();
    for (code, call, word) in [("secondary_better", Call::Better, "better"), ("secondary_worse", Call::Worse, "worse")]
    {
        let found = called(own(), call, name);
        if !found.is_empty() {
            said.say(
                code,
                Tone::Can,
                format!(
                    "Of {many} further comparisons these are {word}: {}. Of such calls at most {alpha} % are chance.",
                    found.join(", ")
                ),
            );
        }
    }
}

fn segments(said: &mut Said, experiment: &Experiment, readout: &Readout) {
    let all = || readout.segments.iter();
    if all().next().is_none() {
        return;
    }
    let name =
        |it: &Comparison| format!("“{}” among {}", it.variant_name, it.segment.as_deref().unwrap_or("everybody"));
    let alpha = percent(experiment.design.reading.alpha);
    let mut found = called(all(), Call::Better, name);
    found.extend(called(all(), Call::Worse, name));
    let many = all().count();
    if found.is_empty() {
        said.say(
            "segments_unclear",
            Tone::Cannot,
            format!("In none of {many} comparisons within segments is there a clear difference. That is no proof that all segments are alike."),
        );
    } else {
        said.say(
            "segments_clear",
            Tone::Can,
            format!(
                "Within segments it is clear for {} (of {many} looked at; at most {alpha} % of such calls are chance). Where it is not clear there may be a difference all the same.",
                found.join(", ")
            ),
        );
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
    let matters = size(&primary.form, super::estimand(experiment.design.reading.scale), plan.effect);
    let power = percent(plan.power);
    match (progress.needed, progress.days_left) {
        (Some(needed), Some(0)) => said.say(
            "enough",
            Tone::Note,
            format!(
                "{} people were to be enough to notice {matters} with {power} % probability, and they are there: the effect is likely smaller than that, if there is one.",
                count(needed)
            ),
        ),
        (Some(needed), Some(days)) => {
            let rate = progress.a_day.map_or(0, |it| it.round() as u64);
            let text = format!(
                "To notice {matters} with {power} % probability it needs {} people; at {} a day that is {} more days.",
                count(needed),
                count(rate),
                count(days)
            );
            said.say("days_left", Tone::Note, text);
            if days > 90 {
                said.say(
                    "few_exposures",
                    Tone::Do,
                    "Too few people come past it. Let in more traffic, take away a variant, look for a larger effect, or choose a metric that happens more often."
                        .to_owned(),
                );
            }
        }
        (Some(needed), None) => said.say(
            "rate_unknown",
            Tone::Note,
            format!("To notice {matters} with {power} % probability it needs {} people; how long that takes is known after the first day.", count(needed)),
        ),
        (None, _) => said.say(
            "never",
            Tone::Cannot,
            format!("From these numbers no number of people can be said that would notice {matters}."),
        ),
    }
}

fn notes(said: &mut Said, experiment: &Experiment, data: &Data, readout: &Readout) {
    if readout.progress.ran_days < 7 && experiment.design.kind != Kind::Holdout {
        said.say(
            "short",
            Tone::Note,
            format!("It has run for {} whole days. People of other weekdays may behave differently: let it run for whole weeks.", readout.progress.ran_days),
        );
    }
    if let Some(taken) =
        readout.comparisons.iter().find(|it| it.part == Part::Primary).and_then(|it| it.noise_taken_out)
    {
        said.say(
            "noise_taken_out",
            Tone::Note,
            format!("What was known of people before took {} % of the noise out of the main metric.", percent(taken)),
        );
    }
    let measured = readout.comparisons.iter().find(|it| it.part == Part::Primary && it.control.is_some());
    let counted: u64 = measured.iter().filter_map(|it| Some(it.control?.units + it.treatment?.units)).sum();
    let variants = open(experiment).filter(|(_, it)| it.is_control || measured.is_some_and(|m| m.variant == it.key));
    let shown: u64 = variants.map(|(at, _)| exposed(data, at)).sum();
    if measured.is_some() && counted < shown {
        said.say(
            "waiting",
            Tone::Note,
            format!(
                "{} of those exposed are not counted yet, because their {} hours are not over.",
                count(shown - counted),
                experiment.design.conversion_hours
            ),
        );
    }
}

fn left_out(said: &mut Said, data: &Data) {
    if data.counts.mixed > 0 {
        said.say(
            "mixed",
            Tone::Note,
            format!(
                "{} people had more than one variant, because two histories turned out to be one person; they are left out.",
                count(data.counts.mixed)
            ),
        );
    }
    if data.counts.earlier > 0 {
        said.say(
            "earlier",
            Tone::Note,
            format!(
                "{} people were exposed before the weights or variants were changed; they keep what they have, and are left out.",
                count(data.counts.earlier)
            ),
        );
    }
}

/// What to do now.
fn advice(said: &mut Said, experiment: &Experiment, readout: &Readout) {
    let name = |key: &str| experiment.design.variant(key).map_or(key, |it| it.shown()).to_owned();
    let over = experiment.state == State::Decided;
    match &readout.verdict {
        Verdict::Better(variant) if !over => {
            let unclear = readout.comparisons.iter().filter(|it| {
                let is_unclear = it.answer.as_ref().map_or(true, |it| it.verdict == Call::Unclear);
                matches!(it.part, Part::Guardrail(_)) && it.variant == *variant && is_unclear
            });
            let unclear: Vec<&str> = unclear.map(|it| it.metric.name.as_str()).collect();
            if unclear.is_empty() {
                said.say("do_give", Tone::Do, format!("Give everybody “{}”.", name(variant)));
            } else {
                let text = format!(
                    "Before you give everybody “{}”, wait until it can be said what becomes of {}.",
                    name(variant),
                    unclear.join(", ")
                );
                said.say("do_wait", Tone::Do, text);
            }
        }
        Verdict::Harmful(variant) => {
            said.say("do_close", Tone::Do, format!("Take “{}” away, whatever else it brings.", name(variant)));
        }
        Verdict::Worse => said.say("do_keep", Tone::Do, "Keep what people have without it.".to_owned()),
        Verdict::NoDifference => said.say(
            "do_choose",
            Tone::Do,
            "Choose by other reasons, such as what is cheaper to keep; more people would not change this.".to_owned(),
        ),
        _ => {}
    }
    let lower = experiment.design.primary.as_ref().is_some_and(|it| it.direction == Direction::Lower);
    let called = matches!(readout.verdict, Verdict::Better(_) | Verdict::Worse | Verdict::Harmful(_));
    if lower && called {
        said.say("lower_is_better", Tone::Note, "Of the main metric less is better.".to_owned());
    }
}
