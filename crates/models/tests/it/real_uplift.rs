//! Hillstrom's mailing (2008): 64,000 customers, a third with a mailing of men's goods, a third of women's, a third without. The data is not part of the
//! repository: without it each test says that it is skipped.

use rapport_models::learn::{Feature, Outcome, Table};
use rapport_models::uplift::{
    Base, Chances, Comparison, Effects, Evaluation, Learner, Options, Splits, Trial, Verdict, adjusted_effect,
    average_effect,
};

use crate::given;

struct Hillstrom {
    table: Table,
    arms: Vec<usize>,
    visit: Vec<bool>,
    conversion: Vec<bool>,
    spend: Vec<f64>,
}

fn hillstrom() -> Option<Hillstrom> {
    let text = String::from_utf8(given::bytes("hillstrom/hillstrom.csv.zst")?).unwrap();
    // One column, a history in bands that repeats the next one, has commas in it: it is left out, with what is counted from behind.
    fn fields(line: &str) -> Vec<&str> {
        let all: Vec<&str> = line.split(',').collect();
        all[..2].iter().chain(&all[all.len() - 10..]).copied().collect()
    }
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(fields).collect();
    let numbers = |at: usize| rows.iter().map(|it| it[at].parse().unwrap()).collect::<Vec<f64>>();
    let names = |at: usize| rows.iter().map(|it| it[at]).collect::<Vec<_>>();
    let table = Table::new(vec![
        Feature::numbers("recency", numbers(0)),
        Feature::numbers("history", numbers(2)),
        Feature::numbers("mens", numbers(3)),
        Feature::numbers("womens", numbers(4)),
        Feature::categories("zip_code", &names(5)),
        Feature::numbers("newbie", numbers(6)),
        Feature::categories("channel", &names(7)),
    ]);
    let arm = |it: &str| ["No E-Mail", "Mens E-Mail", "Womens E-Mail"].iter().position(|own| *own == it).unwrap();
    Some(Hillstrom {
        table: table.unwrap(),
        arms: names(8).into_iter().map(arm).collect(),
        visit: numbers(9).into_iter().map(|it| it == 1.0).collect(),
        conversion: numbers(10).into_iter().map(|it| it == 1.0).collect(),
        spend: numbers(11),
    })
}

impl Hillstrom {
    fn trial(&self, outcome: Outcome) -> Trial {
        Trial::new(self.table.clone(), &self.arms, outcome, Chances::Shares).unwrap()
    }

    fn against(&self, arm: usize, outcome: Outcome) -> (Table, Comparison) {
        self.trial(outcome).against_control(arm).unwrap()
    }
}

fn near(found: f64, wanted: f64, digit: f64) {
    assert!((found - wanted).abs() <= digit / 2.0 + 1e-12, "{found} {wanted}");
}

/// Average effects against no mailing as counted from the file: on visits 7.659 points (z 22.6) and 4.523 (14.0), on conversions .681 (7.4) and .311 (3.8), on
/// spend .770 a head (standard error .145) and .424 (.130).
#[test]
fn average_effects_of_both_mailings() {
    let Some(data) = hillstrom() else { return };
    assert_eq!(data.arms.iter().filter(|it| **it == 1).count(), 21_307);
    let wanted = [(1, [0.07659, 22.6, 0.00681, 7.4, 0.770, 0.145]), (2, [0.04523, 14.0, 0.00311, 3.8, 0.424, 0.130])];
    for (arm, wanted) in wanted {
        let of = |outcome| average_effect(&data.against(arm, outcome).1).unwrap();
        let (visit, conversion) = (of(Outcome::Class(&data.visit)), of(Outcome::Class(&data.conversion)));
        let spend = of(Outcome::Number(&data.spend));
        near(visit.value, wanted[0], 1e-5);
        near(visit.value / visit.standard_error.unwrap(), wanted[1], 0.1);
        near(conversion.value, wanted[2], 1e-5);
        near(conversion.value / conversion.standard_error.unwrap(), wanted[3], 0.1);
        near(spend.value, wanted[4], 1e-3);
        near(spend.standard_error.unwrap(), wanted[5], 1e-3);
        // Adjusted by features it is about the same, and no less sure.
        let (table, comparison) = data.against(arm, Outcome::Class(&data.visit));
        let adjusted = adjusted_effect(&table, &comparison, &regression()).unwrap();
        assert!((adjusted.value - visit.value).abs() < 0.002, "{adjusted:?}");
        assert!(adjusted.standard_error < visit.standard_error);
    }
}

fn regression() -> Options {
    Options { base: Base::Regression, ..Options::default() }
}

fn tried(data: &Hillstrom, arm: usize, learners: &[Learner], options: &Options, splits: Splits) -> Evaluation {
    let (table, comparison) = data.against(arm, Outcome::Class(&data.visit));
    let found = Evaluation::of(&table, &comparison, learners, options, &splits).unwrap();
    found.learners.iter().for_each(|it| {
        println!(
            "{:?} {:.4} [{:.4}, {:.4}]: {it}",
            it.learner, it.coefficient.value, it.coefficient.low, it.coefficient.high
        );
    });
    found
}

/// Women's mailing, visits, Qini as scikit-uplift has it, 20 splits of 70 and 30 %: class transformation has .062 or more, and is surely better than the
/// response model. With small boosting of a peer five splits had .063 for class transformation, .062 for T and .042 for the response model.
#[test]
fn the_womens_mailing_is_ordered_better_than_by_response() {
    let Some(data) = hillstrom() else { return };
    let found = tried(&data, 2, &[Learner::ClassTransformation], &Options::default(), Splits::default());
    let best = &found.learners[1];
    assert!(best.coefficient.value >= 0.062 && best.verdict == Verdict::Better && found.best == best.learner);
    assert!(found.warnings().is_empty());
}

/// Men's mailing: learners of effects have .011 or less at a peer, the response model .031. Each that is below it says so.
#[test]
fn the_mens_mailing_is_ordered_better_by_response_and_that_is_said() {
    let Some(data) = hillstrom() else { return };
    let learners = [Learner::T, Learner::X, Learner::DoublyRobust, Learner::ClassTransformation, Learner::Tree];
    let found = tried(&data, 1, &learners, &regression(), Splits::default());
    let response = found.learners[0].coefficient.value;
    for it in &found.learners[1..] {
        let lower = it.coefficient.value < response;
        assert_eq!(lower, matches!(it.verdict, Verdict::Worse | Verdict::NotSurelyWorse));
        assert_eq!(lower, found.warnings().contains(&it.to_string()));
    }
    assert_eq!(found.best, Learner::Response);
    assert!(found.warnings().len() > 1);
}

/// Spend is a number, and there are two mailings: who gets which, and what that brings beside giving everybody the men's.
#[test]
fn several_arms_and_numbers() {
    let Some(data) = hillstrom() else { return };
    let trial = data.trial(Outcome::Number(&data.spend));
    let effects = Effects::fit(&trial, Learner::DoublyRobust, &regression()).unwrap();
    let costs = [0.0, 0.1, 0.1];
    let chosen = effects.chosen(&data.table, &costs).unwrap();
    let (own, mens) = (trial.value(&chosen, &costs).unwrap(), trial.value(&vec![1; 64_000], &costs).unwrap());
    near(mens.reward.value, 1.422617 - 0.1, 1e-5);
    println!("{own:?} {mens:?}");
    assert!(own.reward.interval().holds(mens.reward.value) || own.reward.value > mens.reward.value);
    let (table, comparison) = trial.against_control(2).unwrap();
    let splits = Splits { count: 5, ..Splits::default() };
    let found = Evaluation::of(&table, &comparison, &[Learner::T, Learner::Tree], &regression(), &splits).unwrap();
    assert!(found.learners.iter().all(|it| it.coefficient.value.is_finite() && it.coefficients.len() == 5));
}

/// All learners with boosting, both mailings: the table of the guide.
#[test]
#[ignore = "minutes of one core: run it with --ignored --nocapture"]
fn all_learners_on_both_mailings() {
    let Some(data) = hillstrom() else { return };
    for arm in [2, 1] {
        tried(&data, arm, &Learner::ALL, &Options::default(), Splits::default());
    }
}
