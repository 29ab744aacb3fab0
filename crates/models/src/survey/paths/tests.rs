//! What published results, definitions and slow computations say of the path model.

use super::*;
use crate::resampling::Draws;
use crate::survey::Confidence;
use crate::symmetric::solved;
use proptest::prelude::*;

fn construct(indicators: &[usize]) -> Construct {
    Construct { indicators: indicators.to_vec(), mode: Mode::Reflective }
}

/// Image of three questions leads to satisfaction of two and to loyalty of two, satisfaction to loyalty.
fn model() -> Model {
    Model::new(vec![construct(&[0, 1, 2]), construct(&[3, 4]), construct(&[5, 6])], &[(0, 1), (0, 2), (1, 2)]).unwrap()
}

/// Answers from 1 to 10 in which image makes satisfaction, and both make loyalty.
fn persons(n: usize, seed: u64) -> Vec<Vec<Option<f64>>> {
    let mut draws = Draws::new(seed);
    let mut upto = |k: usize| draws.below(k) as f64;
    let person = |_| {
        let image = upto(5);
        let satisfaction = 0.6 * image + upto(3);
        let loyalty = 0.3 * image + 0.4 * satisfaction + upto(3);
        let latent = [image, image, image, satisfaction, satisfaction, loyalty, loyalty];
        latent.map(|it| Some((1.0 + it + upto(3)).round())).to_vec()
    };
    (0..n).map(person).collect()
}

/// Oracle: the algorithm as the textbooks print it, with the scores of everybody.
struct Scores {
    x: Vec<Vec<f64>>,
}

impl Scores {
    fn standardised(column: &[f64]) -> Vec<f64> {
        let n = column.len() as f64;
        let mean = column.iter().sum::<f64>() / n;
        let deviation = (column.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n).sqrt();
        column.iter().map(|it| (it - mean) / deviation).collect()
    }

    fn of(persons: &[Vec<Option<f64>>]) -> Self {
        let column = |at: usize| persons.iter().map(|row| row[at].unwrap()).collect::<Vec<_>>();
        Self { x: (0..persons[0].len()).map(|at| Self::standardised(&column(at))).collect() }
    }

    fn together(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / a.len() as f64
    }

    fn sum(columns: &[&Vec<f64>], weights: &[f64]) -> Vec<f64> {
        (0..columns[0].len()).map(|row| columns.iter().zip(weights).map(|(it, w)| it[row] * w).sum()).collect()
    }

    fn regression(before: &[&Vec<f64>], on: &[f64]) -> Vec<f64> {
        let matrix: Vec<Vec<f64>> =
            before.iter().map(|a| before.iter().map(|b| Self::together(a, b)).collect()).collect();
        solved(&matrix, &before.iter().map(|a| Self::together(a, on)).collect::<Vec<_>>())
    }

    /// The scores of the constructs.
    fn fitted(&self, model: &Model, scheme: Scheme) -> Vec<Vec<f64>> {
        let columns = |it: &Construct| it.indicators.iter().map(|at| &self.x[*at]).collect::<Vec<_>>();
        let mut y: Vec<Vec<f64>> = model
            .constructs
            .iter()
            .map(|it| Self::standardised(&Self::sum(&columns(it), &vec![1.0; it.indicators.len()])))
            .collect();
        for _ in 0..400 {
            let proxy = |at: usize| {
                let mut neighbours: Vec<(usize, f64)> = Vec::new();
                let weigh = |r: f64| if scheme == Scheme::Centroid { r.signum() } else { r };
                let before: Vec<&Vec<f64>> = model.before[at].iter().map(|it| &y[*it]).collect();
                match scheme {
                    Scheme::Path => {
                        neighbours.extend(model.before[at].iter().copied().zip(Self::regression(&before, &y[at])))
                    }
                    _ => neighbours
                        .extend(model.before[at].iter().map(|it| (*it, weigh(Self::together(&y[*it], &y[at]))))),
                }
                let after = (0..y.len()).filter(|it| model.before[*it].contains(&at));
                neighbours.extend(after.map(|it| (it, weigh(Self::together(&y[it], &y[at])))));
                let scores: Vec<&Vec<f64>> = neighbours.iter().map(|it| &y[it.0]).collect();
                Self::sum(&scores, &neighbours.iter().map(|it| it.1).collect::<Vec<_>>())
            };
            let turned = |(at, it): (usize, &Construct)| {
                let (columns, z) = (columns(it), proxy(at));
                let weights = match it.mode {
                    Mode::Reflective => columns.iter().map(|x| Self::together(x, &z)).collect::<Vec<_>>(),
                    Mode::Formative => Self::regression(&columns, &z),
                };
                Self::standardised(&Self::sum(&columns, &weights))
            };
            y = model.constructs.iter().enumerate().map(turned).collect();
        }
        y
    }
}

#[test]
fn models_that_cannot_be_are_refused() {
    let two = || vec![construct(&[0]), construct(&[1, 2])];
    assert_eq!(Model::new(vec![construct(&[])], &[]), Err(Unfit::NoQuestion(0)));
    assert_eq!(Model::new(vec![construct(&[0]), construct(&[1, 0])], &[(0, 1)]), Err(Unfit::Shared(0)));
    assert_eq!(Model::new(two(), &[]), Err(Unfit::Alone(0)));
    assert_eq!(Model::new(two(), &[(0, 1), (1, 1)]), Err(Unfit::NoPath(1)));
    assert_eq!(Model::new(two(), &[(0, 2)]), Err(Unfit::NoPath(0)));
    assert_eq!(Model::new(two(), &[(0, 1), (1, 0)]), Err(Unfit::Circle));
    let three = || vec![construct(&[0]), construct(&[1]), construct(&[2])];
    assert_eq!(Model::new(three(), &[(0, 1), (1, 2), (2, 1)]), Err(Unfit::Circle));
    assert!(Model::new(three(), &[(2, 1), (1, 0), (2, 0)]).is_ok());
}

#[test]
fn answers_that_cannot_be_fitted_have_their_reason() {
    let fit = |persons: &[Vec<Option<f64>>]| model().fit(persons, Scheme::Path).err();
    assert_eq!(fit(&persons(7, 1)), Some(Unfit::TooFew));
    assert_eq!(fit(&[]), Some(Unfit::TooFew));
    let mut same = persons(40, 1);
    same.iter_mut().for_each(|it| it[3] = Some(4.0));
    assert_eq!(fit(&same), Some(Unfit::NoVariance(3)));
    let mut some = persons(40, 1);
    some[0][6] = None;
    some[1][2] = Some(f64::NAN);
    some[2].truncate(5);
    let found = model().fit(&some, Scheme::Path).unwrap();
    assert_eq!((found.answers, found.incomplete), (37, 3));
    // What the model does not ask for may be missing.
    some.iter_mut().for_each(|it| it.push(None));
    assert_eq!(model().fit(&some, Scheme::Path).unwrap().answers, 37);
}

#[test]
fn questions_that_were_turned_do_not_turn_the_construct() {
    let mut turned = persons(200, 5);
    turned.iter_mut().for_each(|it| it[2] = it[2].map(|it| 11.0 - it));
    let (plain, turned) =
        (model().fit(&persons(200, 5), Scheme::Path).unwrap(), model().fit(&turned, Scheme::Path).unwrap());
    assert!((plain.weights[0][2] + turned.weights[0][2]).abs() < 1e-9 && turned.weights[0][2] < 0.0);
    assert!((plain.coefficients[0][1] - turned.coefficients[0][1]).abs() < 1e-9 && plain.coefficients[0][1] > 0.5);
}

/// By hand: everybody at the ends, and the formula of the American index.
#[test]
fn indices_go_from_nothing_to_a_hundred() {
    let found = model().fit(&persons(300, 2), Scheme::Path).unwrap();
    assert!((found.index_of(1, &[1.0; 7], 1.0, 10.0).unwrap()).abs() < 1e-12);
    assert!((found.index_of(1, &[10.0; 7], 1.0, 10.0).unwrap() - 100.0).abs() < 1e-9);
    let raw = [found.weights[1][0] / found.deviations[3], found.weights[1][1] / found.deviations[4]];
    let wanted =
        100.0 * (raw[0] * (found.means[3] - 1.0) + raw[1] * (found.means[4] - 1.0)) / (9.0 * (raw[0] + raw[1]));
    assert!((found.index(1, 1.0, 10.0).unwrap() - wanted).abs() < 1e-9 && (10.0..90.0).contains(&wanted));
    assert_eq!(
        (found.index(9, 1.0, 10.0), found.index(1, 5.0, 5.0), found.index_of(2, &[3.0], 1.0, 10.0)),
        (None, None, None)
    );
}

/// Two questions that correlate by r: alpha 2r / (1 + r), loadings √((1 + r) / 2), and ρA like them, by their formulas.
#[test]
fn reliability_of_two_questions() {
    let found = model().fit(&persons(300, 2), Scheme::Path).unwrap();
    let r = found.questions[3][4];
    let it = found.reliability(1).unwrap();
    assert!((it.alpha - 2.0 * r / (1.0 + r)).abs() < 1e-12);
    let (a, b) = (found.loadings[3][1], found.loadings[4][1]);
    assert!((it.variance_extracted - (a * a + b * b) / 2.0).abs() < 1e-12);
    assert!((it.composite - (a + b).powi(2) / ((a + b).powi(2) + 2.0 - a * a - b * b)).abs() < 1e-12);
    let (v, w) = (found.weights[1][0], found.weights[1][1]);
    // (w'w)² · 2vwr / 2v²w²
    assert!((it.rho_a - (v * v + w * w).powi(2) * r / (v * w)).abs() < 1e-9);
    let apart = found.heterotrait_monotrait(1, 2).unwrap();
    let pair = |i: usize, j: usize| found.questions[i][j];
    let wanted = (pair(3, 5) + pair(3, 6) + pair(4, 5) + pair(4, 6)) / 4.0 / (pair(3, 4) * pair(5, 6)).sqrt();
    assert!((apart - wanted).abs() < 1e-12 && (apart - found.heterotrait_monotrait(2, 1).unwrap()).abs() < 1e-15);
    let single = Model::new(vec![construct(&[0, 1]), construct(&[3])], &[(0, 1)]).unwrap();
    assert_eq!(single.fit(&persons(50, 1), Scheme::Path).unwrap().reliability(1), None);
}

#[test]
fn intervals_hold_what_made_the_answers_and_follow_from_the_seed() {
    let sampled =
        |draws| model().fit_sampled(&persons(300, 9), Scheme::Path, (1.0, 10.0), Confidence::default(), draws).unwrap();
    let (fit, found) = sampled((200, 4));
    assert_eq!(found.fitted, 200);
    let inside =
        |it: Option<(f64, f64)>, value: f64| it.is_some_and(|(low, high)| low <= value && value <= high && low < high);
    for (from, to) in [(0, 1), (0, 2), (1, 2)] {
        assert!(inside(found.coefficients[from][to], fit.coefficients[from][to]), "{from} {to}");
        assert!(found.coefficients[from][to].unwrap().0 > 0.0, "{from} {to}");
    }
    assert!(inside(
        found.total_effects[0][2],
        fit.coefficients[0][2] + fit.coefficients[0][1] * fit.coefficients[1][2]
    ));
    assert!(inside(found.r_squared[2], fit.r_squared[2].unwrap()) && found.r_squared[0].is_none());
    assert!(inside(found.indices[1], fit.index(1, 1.0, 10.0).unwrap()));
    assert!(inside(found.heterotrait_monotrait[0][1], fit.heterotrait_monotrait(0, 1).unwrap()));
    assert_eq!(sampled((200, 4)).1, found);
    assert_ne!(sampled((200, 5)).1, found);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Oracle: scores of everybody, turn by turn.
    #[test]
    fn weights_and_paths_are_those_of_everybodys_scores(seed in 0u64..1_000, formative: bool, scheme in 0usize..3) {
        let scheme = [Scheme::Centroid, Scheme::Factorial, Scheme::Path][scheme];
        let mut model = model();
        if formative {
            model.constructs[0].mode = Mode::Formative;
        }
        let persons = persons(80, seed);
        let found = model.fit(&persons, scheme).unwrap();
        let scores = Scores::of(&persons);
        let y = scores.fitted(&model, scheme);
        for (at, row) in found.loadings.iter().enumerate() {
            for (it, loading) in row.iter().enumerate() {
                prop_assert!((Scores::together(&scores.x[at], &y[it]) - loading).abs() < 1e-6);
            }
        }
        let paths = Scores::regression(&[&y[0], &y[1]], &y[2]);
        prop_assert!((found.coefficients[0][2] - paths[0]).abs() < 1e-6 && (found.coefficients[1][2] - paths[1]).abs() < 1e-6);
        let left: f64 = (0..80).map(|row| (y[2][row] - paths[0] * y[0][row] - paths[1] * y[1][row]).powi(2)).sum::<f64>() / 80.0;
        prop_assert!((found.r_squared[2].unwrap() - (1.0 - left)).abs() < 1e-6);
    }
}

#[test]
fn groups_that_mean_the_same_and_groups_that_do_not() {
    let invariance = |these: &[Vec<Option<f64>>], those: &[Vec<Option<f64>>]| {
        model().invariance(these, those, Scheme::Path, 100, 3).unwrap()
    };
    let (these, those) = (persons(150, 21), persons(150, 22));
    let same = invariance(&these, &those);
    assert!(same.iter().all(|it| it.compositional && it.correlation > 0.98), "{same:?}");
    // Everybody of the second says two more of loyalty: it is made up alike, but its mean is another.
    let mut higher = those.clone();
    higher.iter_mut().for_each(|row| row[5..].iter_mut().for_each(|it| *it = it.map(|it| it + 2.0)));
    let found = invariance(&these, &higher);
    assert!(found[2].compositional && !found[2].full && found[2].means < found[2].means_between.0, "{found:?}");
    // In the second the first question of image has nothing to do with it.
    let mut other = those;
    let chance: Vec<Option<f64>> = other.iter().map(|it| it[0]).collect();
    let mut draws = Draws::new(1);
    other.iter_mut().for_each(|row| row[0] = chance[draws.below(150)]);
    let found = invariance(&these, &other);
    assert!(!found[0].compositional && !found[0].full && found[0].correlation < found[0].least, "{found:?}");
    assert_eq!(invariance(&these, &other), found);
    assert_eq!(model().invariance(&these, &other[..5], Scheme::Path, 10, 3), Err(Unfit::TooFew));
}

/// The scores of people are those of the textbooks' algorithm.
#[test]
fn scores_are_what_the_oracle_has() {
    let (model, persons) = (model(), persons(80, 4));
    let wanted = Scores::of(&persons).fitted(&model, Scheme::Path);
    let fit = model.fit(&persons, Scheme::Path).unwrap();
    for (row, person) in persons.iter().enumerate() {
        let answers: Vec<f64> = person.iter().flatten().copied().collect();
        let found = fit.scores(&answers);
        // Which way a construct points is not the oracle's to say; its deviations are divided by n, not by n − 1.
        let near = |(a, b): (&f64, &Vec<f64>)| (a.abs() - b[row].abs() * (79f64 / 80.0).sqrt()).abs() < 1e-6;
        assert!(found.iter().zip(&wanted).all(near), "{row} {found:?}");
        // Weights and means alone say the same.
        let by_weights = |own: &Vec<f64>| {
            let parts = own.iter().zip(&answers).zip(fit.means());
            parts.map(|((weight, answer), mean)| weight * (answer - mean)).sum::<f64>()
        };
        assert!(found.iter().zip(fit.score_weights()).all(|(score, own)| (score - by_weights(&own)).abs() < 1e-12));
    }
}
