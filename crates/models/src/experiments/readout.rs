//! Many comparisons at once: metrics, segments and treatments, with what of them is chance and what got worse.
//!
//! The goals of one readout are one family: the share of chance among those called better or worse is kept to alpha by Benjamini and Hochberg
//! ([`crate::adjusted`]), which holds for comparisons that are independent or move together (Benjamini and Yekutieli 2001); always valid probabilities
//! stay probabilities at whatever look one stops. A guardrail is a test of
//! non-inferiority: it is safe when even the bad end of its interval is no worse than the margin. As all guardrails have to be safe, none needs an
//! adjustment (the intersection-union test of Berger 1982).
//!
//! Does not do: decide. A guardrail that is unclear is not safe, and a goal that is unclear is not without effect.

use super::{Arm, Better, Effect, Estimand, Inference, Reading, Undecidable};
use crate::discovery::adjusted;

/// What a metric is watched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// It should get better.
    Goal,
    /// It must not get worse by more than `margin`, on the scale of the estimand: 0.01 of a relative one is one per cent.
    Guardrail {
        /// How much worse is still good enough; not negative.
        margin: f64,
    },
}

/// One comparison: of a metric, in a segment or in all, of a treatment with the control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// The arm with the treatment.
    pub treatment: Arm,
    /// The arm without.
    pub control: Arm,
    /// The scale of the effect.
    pub estimand: Estimand,
    /// Which direction is the good one.
    pub better: Better,
    /// What the metric is watched for.
    pub role: Role,
}

/// A comparison whose effect is measured, or the reason why it is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The effect.
    pub effect: Result<Effect, Undecidable>,
    /// Which direction is the good one.
    pub better: Better,
    /// What the metric is watched for.
    pub role: Role,
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The effect.
    pub effect: Effect,
    /// The effect with its interval and its own probability.
    pub reading: Reading,
    /// The false discovery rate at which this goal would just be called; `None` for a guardrail.
    pub q: Option<f64>,
    /// What to call it.
    pub verdict: Verdict,
}

/// What to call the answer to a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A goal that got better.
    Better,
    /// A goal that got worse.
    Worse,
    /// A guardrail that is no worse than its margin.
    Safe,
    /// A guardrail that is worse than its margin.
    Breached,
    /// Neither is sure.
    Unclear,
}

/// The answers to `questions`, in their order; a comparison that says nothing has its reason and is no part of the family.
pub fn readout(questions: &[Question], inference: &Inference) -> Vec<Result<Answer, Undecidable>> {
    let measured: Vec<Measured> = questions.iter().map(Question::measured).collect();
    readout_of(&measured, inference)
}

/// The same of effects that are measured already, such as [`super::PostStratified`].
pub fn readout_of(measured: &[Measured], inference: &Inference) -> Vec<Result<Answer, Undecidable>> {
    let read: Vec<_> = measured.iter().map(|it| it.effect.map(|effect| (effect, effect.read(inference)))).collect();
    let goals = measured.iter().zip(&read).filter(|(own, _)| own.role == Role::Goal);
    let family: Vec<f64> = goals.filter_map(|(_, read)| read.ok().map(|(_, reading)| reading.p)).collect();
    let mut rates = adjusted(&family).into_iter();
    let answer = |(own, read): (&Measured, Result<(Effect, Reading), Undecidable>)| {
        let (effect, reading) = read?;
        let (q, verdict) = match own.role {
            Role::Goal => {
                let q = rates.next();
                (q, own.called(&reading, q.is_some_and(|q| q <= inference.alpha())))
            }
            Role::Guardrail { margin } => (None, own.guarded(&reading, margin)),
        };
        Ok(Answer { effect, reading, q, verdict })
    };
    measured.iter().zip(read).map(answer).collect()
}

impl Question {
    fn measured(&self) -> Measured {
        let effect = Effect::between(&self.treatment, &self.control, self.estimand);
        Measured { effect, better: self.better, role: self.role }
    }
}

impl Measured {
    fn called(&self, reading: &Reading, sure: bool) -> Verdict {
        match (sure, reading.estimate * self.better.sign() > 0.0) {
            (true, true) => Verdict::Better,
            (true, false) => Verdict::Worse,
            (false, _) => Verdict::Unclear,
        }
    }

    fn guarded(&self, reading: &Reading, margin: f64) -> Verdict {
        let (worst, best) = match self.better {
            Better::Higher => (reading.low, reading.high),
            Better::Lower => (-reading.high, -reading.low),
        };
        if worst > -margin {
            Verdict::Safe
        } else if best < -margin {
            Verdict::Breached
        } else {
            Verdict::Unclear
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(successes: u64, role: Role) -> Question {
        Question {
            treatment: Arm::proportion(successes, 10_000).unwrap(),
            control: Arm::proportion(1_000, 10_000).unwrap(),
            estimand: Estimand::Absolute,
            better: Better::Higher,
            role,
        }
    }

    fn verdicts(questions: &[Question]) -> Vec<Verdict> {
        let answers = readout(questions, &Inference::fixed(0.05).unwrap());
        answers.into_iter().map(|answer| answer.unwrap().verdict).collect()
    }

    #[test]
    fn goals_get_better_or_worse_in_their_own_direction() {
        let [more, same, less] = [1_200, 1_010, 800].map(|it| question(it, Role::Goal));
        assert_eq!(verdicts(&[more, same, less]), [Verdict::Better, Verdict::Unclear, Verdict::Worse]);
        let fewer_is_better = |it: Question| Question { better: Better::Lower, ..it };
        assert_eq!(
            verdicts(&[more, same, less].map(fewer_is_better)),
            [Verdict::Worse, Verdict::Unclear, Verdict::Better]
        );
    }

    /// 1,090 against 1,000 of 10,000 has a p of 0.037: a discovery alone, and none among ten goals of which the others show nothing.
    #[test]
    fn one_of_many_goals_has_to_be_surer() {
        let small = question(1_090, Role::Goal);
        assert_eq!(verdicts(&[small]), [Verdict::Better]);
        let mut many = vec![question(1_001, Role::Goal); 9];
        many.push(small);
        assert!(verdicts(&many).iter().all(|it| *it == Verdict::Unclear));
        // Guardrails, and what says nothing, do not make it harder.
        let guardrail = question(1_001, Role::Guardrail { margin: 0.02 });
        let nothing = question(0, Role::Goal);
        let mut few = vec![guardrail; 9];
        few.extend([nothing, small]);
        let answers = readout(&few, &Inference::fixed(0.05).unwrap());
        assert_eq!(answers[9], Err(Undecidable::NoVariance));
        let last = answers[10].unwrap();
        assert_eq!((last.verdict, last.q), (Verdict::Better, Some(last.reading.p)));
    }

    /// The standard error is 0.0042, so the interval reaches 0.0083 to either side.
    #[test]
    fn a_guardrail_is_safe_when_even_the_bad_end_is_within_its_margin() {
        let guarded = |successes, better| Question { better, ..question(successes, Role::Guardrail { margin: 0.01 }) };
        let found = [
            (1_000, Better::Higher),
            (950, Better::Higher),
            (800, Better::Higher),
            (1_000, Better::Lower),
            (1_200, Better::Lower),
            (800, Better::Lower),
        ]
        .map(|(successes, better)| guarded(successes, better));
        use Verdict::{Breached, Safe, Unclear};
        assert_eq!(verdicts(&found), [Safe, Unclear, Breached, Safe, Breached, Safe]);
        // Looking always has a wider interval: what was safe at the end is not yet.
        let always = readout(&found[..1], &Inference::always_valid_near(0.05, 1_000.0).unwrap());
        assert_eq!(always[0].unwrap().verdict, Unclear);
    }
}
