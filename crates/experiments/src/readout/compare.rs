//! Each variant against the control, by families of comparisons.
//!
//! Always holds: what decides is on the design's scale, except that where the control's mean is not above zero nothing is relative to it, and the
//! difference decides; a guardrail's margin is on the design's scale and there is no other.

use rapport_models::experiments::{self, Answer, Arm, Estimand, Question, Role, Undecidable};

use super::{Comparison, Data, Part, Side, Sums, arms, control, estimand, open};
use crate::design::{Experiment, Metric};

/// What is to be compared, before it is.
struct Pair<'e> {
    metric: &'e Metric,
    part: Part,
    segment: Option<&'e str>,
    variant: (&'e str, &'e str),
    arms: Result<(Arm, Arm), Undecidable>,
    control: Option<Side>,
    treatment: Option<Side>,
    noise_taken_out: Option<f64>,
}

/// The main metric, guardrails and the others.
pub(super) fn all(experiment: &Experiment, data: &Data) -> Vec<Comparison> {
    let design = &experiment.design;
    let sums = |metric: &Metric| data.metrics.iter().find(|it| it.metric == metric.key).map(|it| it.sums.as_slice());
    let pairs = |metric, part| sums(metric).map_or_else(Vec::new, |sums| pairs(experiment, metric, part, None, sums));
    let primary: Vec<Pair<'_>> = design.primary.iter().flat_map(|it| pairs(it, Part::Primary)).collect();
    let guardrails = design.guardrails.iter().flat_map(|it| pairs(&it.metric, Part::Guardrail(it.margin)));
    let secondary: Vec<Pair<'_>> = design.secondary.iter().flat_map(|it| pairs(it, Part::Secondary)).collect();
    let mut found = family(experiment, primary);
    found.extend(family(experiment, guardrails.collect()));
    found.extend(family(experiment, secondary));
    found
}

/// The main metric within segments: one family.
pub(super) fn within_segments(experiment: &Experiment, data: &Data) -> Vec<Comparison> {
    let Some(primary) = &experiment.design.primary else { return Vec::new() };
    let pairs =
        data.segments.iter().flat_map(|it| pairs(experiment, primary, Part::Secondary, Some(&it.name), &it.sums));
    family(experiment, pairs.collect())
}

fn pairs<'e>(
    experiment: &'e Experiment,
    metric: &'e Metric,
    part: Part,
    segment: Option<&'e str>,
    sums: &[Sums],
) -> Vec<Pair<'e>> {
    let (arms, noise_taken_out) = arms(sums);
    let arm = |at: usize| arms.get(at).copied().unwrap_or(Err(Undecidable::TooFew));
    let seen = |at: usize| arm(at).ok().map(|it| Side { units: it.n(), mean: it.mean() });
    let base = control(experiment);
    let treatments = open(experiment).filter(|(at, _)| *at != base);
    let pair = |(at, variant): (usize, &'e crate::design::Variant)| Pair {
        metric,
        part,
        segment,
        variant: (&variant.key, variant.shown()),
        arms: arm(base).and_then(|control| Ok((control, arm(at)?))),
        control: seen(base),
        treatment: seen(at),
        noise_taken_out,
    };
    treatments.map(pair).collect()
}

fn family(experiment: &Experiment, pairs: Vec<Pair<'_>>) -> Vec<Comparison> {
    let scale = estimand(experiment.design.reading.scale);
    let decides: Vec<Estimand> = pairs
        .iter()
        .map(|pair| match (pair.part, &pair.arms) {
            (Part::Primary | Part::Secondary, Ok((control, _))) if control.mean() <= 0.0 => Estimand::Absolute,
            _ => scale,
        })
        .collect();
    let others: Vec<Estimand> = decides.iter().map(|it| other(*it)).collect();
    let answers = answers(experiment, &pairs, &decides);
    let beside = self::answers(experiment, &pairs, &others);
    let found = pairs.into_iter().zip(decides).zip(answers.into_iter().zip(beside));
    let comparison = |((pair, decides), (answer, other)): ((Pair<'_>, Estimand), _)| Comparison {
        metric: pair.metric.clone(),
        part: pair.part,
        segment: pair.segment.map(str::to_owned),
        variant: pair.variant.0.to_owned(),
        variant_name: pair.variant.1.to_owned(),
        control: pair.control,
        treatment: pair.treatment,
        decides,
        answer,
        other,
        noise_taken_out: pair.noise_taken_out,
    };
    found.map(comparison).collect()
}

fn other(scale: Estimand) -> Estimand {
    match scale {
        Estimand::Absolute => Estimand::Relative,
        Estimand::Relative => Estimand::Absolute,
    }
}

fn answers(experiment: &Experiment, pairs: &[Pair<'_>], scales: &[Estimand]) -> Vec<Result<Answer, Undecidable>> {
    let Some(inference) = experiment.design.reading.inference() else {
        return pairs.iter().map(|_| Err(Undecidable::Impossible)).collect();
    };
    let question = |(pair, scale): (&Pair<'_>, &Estimand)| {
        let (control, treatment) = pair.arms.ok()?;
        let role = match pair.part {
            Part::Guardrail(margin) => Role::Guardrail { margin },
            Part::Primary | Part::Secondary => Role::Goal,
        };
        Some(Question { treatment, control, estimand: *scale, better: pair.metric.direction.into(), role })
    };
    let questions: Vec<Option<Question>> = pairs.iter().zip(scales).map(question).collect();
    let asked: Vec<Question> = questions.iter().filter_map(|it| *it).collect();
    let mut found = experiments::readout(&asked, &inference).into_iter();
    let answer = |(pair, question): (&Pair<'_>, &Option<Question>)| match (&pair.arms, question) {
        (Err(reason), _) => Err(*reason),
        (Ok(_), _) => found.next().unwrap_or(Err(Undecidable::Impossible)),
    };
    pairs.iter().zip(&questions).map(answer).collect()
}
