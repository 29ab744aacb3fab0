//! Structural models against cases with known answers, and what is refused.

use proptest::prelude::*;

use super::likelihood::{State, Target, turned};
use super::*;
use crate::fault::Fault;
use crate::resampling::Draws;

const COLUMNS: [&str; 8] = ["x1", "x2", "x3", "y1", "y2", "y3", "z", "w"];
const MODEL: &str = "f =~ x1 + x2 + x3\ng =~ y1 + y2 + y3\ng ~ f + z\ny1 ~~ x1";

fn normal(draws: &mut Draws) -> f64 {
    let uniform = |draws: &mut Draws| (draws.next() >> 11) as f64 / (1u64 << 53) as f64 + 1e-17;
    let (a, b) = (uniform(draws), uniform(draws));
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// Rows of the eight columns: f leads to g, z too, and w is chance.
fn rows(n: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut draws = Draws::new(seed);
    let mut columns = vec![Vec::new(); 8];
    for _ in 0..n {
        let mut chance = || normal(&mut draws);
        let (f, z) = (chance(), chance());
        let g = 0.6 * f + 0.3 * z + 0.7 * chance();
        let row = [
            f + 0.6 * chance(),
            0.8 * f + 0.7 * chance(),
            1.2 * f + 0.5 * chance(),
            g + 0.5 * chance(),
            0.9 * g + 0.6 * chance(),
            0.7 * g + 0.8 * chance(),
            z,
            chance(),
        ];
        columns.iter_mut().zip(row).for_each(|(column, it)| column.push(it));
    }
    columns
}

fn read(text: &str) -> Model {
    Model::read(text, &COLUMNS, Scale::Marker).unwrap()
}

fn fit(text: &str, seed: u64) -> Fit {
    read(text).fit(&rows(300, seed), Divisor::N).unwrap()
}

#[test]
fn texts_that_say_nothing_are_refused_with_their_line() {
    let said = |text: &str| Model::read(text, &COLUMNS, Scale::Marker).unwrap_err().to_string();
    assert_eq!(said("  # nothing"), "the model says nothing.");
    assert_eq!(
        said("f =~ x1\nx2 + x3"),
        "Line 2: there is no =~ (measured by), ~ (depends on) or ~~ (goes together with)."
    );
    assert_eq!(said("f =~ x1 + x9"), "Line 1: x9 is neither a column nor measured by =~.");
    assert_eq!(said("x1 =~ x2"), "Line 1: x1 is a column already, so it cannot be measured by others.");
    assert_eq!(said("x1 ~ x1"), "Line 1: x1 cannot measure or depend on itself.");
    assert_eq!(said("x1 ~ x2; x1 ~ z + x2"), "Line 1: What is between x1 and x2 is said twice.");
    assert_eq!(said("x1 ~~ x2\nx2 ~~ x1"), "Line 2: What is between x2 and x1 is said twice.");
    assert_eq!(said("x1 ~ + x2"), "Line 1: a name is missing.");
    assert_eq!(
        said("x1 ~ 2x"),
        "Line 1: \"2x\" is no name: names are letters, digits, _ and ., and begin with a letter."
    );
    assert_eq!(said("x1 ~ 1"), "Line 1: a mean (~ 1): means are the sample's is not known here.");
    assert_eq!(said("a := b"), "Line 1: a defined parameter (:=) is not known here.");
    assert_eq!(said("x1 ~ start(1)*x2"), "Line 1: start(1) before a name is not known here.");
    assert_eq!(said("x1 ~ inf*x2"), "Line 1: inf is not a finite number.");
    assert_eq!(said("f =~ g\ng =~ f"), "what measures f is measured by it.");
    assert!(said("x1 ~ a*b*x2").contains("more than one thing"));
}

#[test]
fn what_a_text_leaves_open_is_free_where_it_should_be() {
    let model = read(MODEL);
    assert_eq!(model.latent(), ["f", "g"]);
    // 4 loadings, 2 paths, 1 covariance said, 6 + 1 + 2 variances, f with z.
    assert_eq!((model.parameters(), model.degrees_of_freedom()), (17, 28 - 17));
    assert_eq!(Model::read(MODEL, &COLUMNS, Scale::Variance).unwrap().parameters(), 17);
    // A single column is its latent variable.
    let single = fit("f =~ x1 + x2 + x3; h =~ z; f ~ h", 1);
    let left = single.relation("z", Kind::Variance, "z").unwrap();
    assert_eq!((left.free, left.estimate.value), (false, 0.0));
    // What is left over of the two outcomes goes together, but where it is said not to.
    assert_eq!(read("y1 + y2 ~ z").degrees_of_freedom(), 0);
    assert_eq!(read("y1 + y2 ~ z; y1 ~~ 0*y2").degrees_of_freedom(), 1);
}

/// Σ by its definition for paths that do not lead in circles: covariances of all sums of chains of paths.
#[test]
fn implied_covariances_are_sums_over_chains_of_paths() {
    let fit = fit(MODEL, 3);
    let m = fit.model.names.len();
    let (mut paths, mut left) = (vec![0.0; m * m], vec![0.0; m * m]);
    for cell in &fit.model.cells {
        let value = super::likelihood::held(cell, &fit.parameters);
        if cell.directed() {
            paths[cell.to * m + cell.from] = value;
        } else {
            (left[cell.to * m + cell.from], left[cell.from * m + cell.to]) = (value, value);
        }
    }
    let times = |a: &[f64], b: &[f64]| -> Vec<f64> {
        (0..m * m).map(|at| (0..m).map(|k| a[at / m * m + k] * b[k * m + at % m]).sum()).collect()
    };
    let mut chains: Vec<f64> = (0..m * m).map(|at| f64::from(u8::from(at / m == at % m))).collect();
    let mut all = chains.clone();
    for _ in 0..m {
        chains = times(&chains, &paths);
        all.iter_mut().zip(&chains).for_each(|(sum, it)| *sum += it);
    }
    let wanted = times(&times(&all, &left), &turned(&all, m, m));
    for (found, wanted) in fit.state.covariance.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
    }
}

/// Slopes against differences of F; where the sample is what the model implies, second differences are the expected information.
#[test]
fn slopes_and_information_are_those_of_differences() {
    let fit = fit("f =~ x1 + a*x2 + x3; g =~ y1 + y2 + a*y3; g ~ f + z; z ~ g; z ~~ 0.1*f; g ~~ 0*z", 5);
    let model = &fit.model;
    let at: Vec<f64> = fit.parameters.iter().enumerate().map(|(i, it)| it + 0.03 * (i % 3) as f64).collect();
    let value =
        |target: &Target, place: &[f64]| target.weight / 2.0 * State::at(model, place, target).unwrap().discrepancy;
    let moved = |by: &[(usize, f64)]| {
        let mut place = at.clone();
        by.iter().for_each(|(i, by)| place[*i] += by);
        place
    };
    let state = State::at(model, &at, &fit.target).unwrap();
    let slopes = state.products(model, &fit.target).slopes(model, fit.target.weight);
    for (i, slope) in slopes.iter().enumerate() {
        let wanted = (value(&fit.target, &moved(&[(i, 1e-5)])) - value(&fit.target, &moved(&[(i, -1e-5)]))) / 2e-5;
        assert!((slope - wanted).abs() < 1e-4 * (1.0 + wanted.abs()), "{i}: {slope} {wanted}");
    }
    let own = Target::of(state.implied.clone(), model.observed(), 300.0).unwrap();
    let information = state.products(model, &own).informations(model, 300.0);
    let h = 1e-3;
    for i in 0..model.free {
        for j in 0..model.free {
            let part = |a: f64, b: f64| value(&own, &moved(&[(i, a), (j, b)]));
            let wanted = (part(h, h) - part(h, -h) - part(-h, h) + part(-h, -h)) / (4.0 * h * h);
            let found = information[i * model.free + j];
            assert!((found - wanted).abs() < 2e-3 * (1.0 + wanted.abs()) + 0.1, "{i} {j}: {found} {wanted}");
        }
    }
}

/// Of observed variables alone it is least squares, with its standard errors but for the degrees of freedom.
#[test]
fn a_regression_is_least_squares() {
    let columns = rows(200, 7);
    let fit = read("y1 ~ z + w").fit(&columns, Divisor::N).unwrap();
    let moments = Moments::of(&columns).unwrap();
    let s = |i: usize, j: usize| moments.covariance[i][j];
    let matrix = vec![vec![s(6, 6), s(6, 7)], vec![s(7, 6), s(7, 7)]];
    let wanted = crate::symmetric::solved(&matrix, &[s(6, 3), s(7, 3)]);
    for (name, wanted) in ["z", "w"].iter().zip(&wanted) {
        assert!((fit.relation("y1", Kind::Regression, name).unwrap().estimate.value - wanted).abs() < 1e-9);
    }
    let left = s(3, 3) - wanted[0] * s(6, 3) - wanted[1] * s(7, 3);
    let error = (left / 200.0 * s(7, 7) / (s(6, 6) * s(7, 7) - s(6, 7).powi(2))).sqrt();
    let found = fit.relation("y1", Kind::Regression, "z").unwrap().estimate.standard_error.unwrap();
    assert!((found - error).abs() < 1e-9, "{found} {error}");
    assert!((fit.explained()[0].1 - (1.0 - left / s(3, 3))).abs() < 1e-9);
    assert!(fit.measures.chi_square < 1e-8 && fit.measures.p.is_none() && fit.measures.rmsea.is_none());
    assert!(fit.warnings.contains(&Warning::Saturated));
    // z and w go together in the baseline as well.
    assert_eq!(fit.measures.baseline.1, 2);
}

#[test]
fn names_make_parameters_equal_and_numbers_fix_them() {
    let free = fit("f =~ x1 + x2 + x3; g =~ y1 + y2 + y3", 9);
    let equal = fit("f =~ x1 + a*x2 + x3; g =~ y1 + a*y2 + 0.75*y3", 9);
    assert_eq!(equal.measures.degrees_of_freedom, free.measures.degrees_of_freedom + 2);
    let value = |left: &str, right: &str| equal.relation(left, Kind::Loading, right).unwrap().estimate.value;
    assert_eq!(value("f", "x2"), value("g", "y2"));
    assert_eq!(value("g", "y3"), 0.75);
    assert!(equal.measures.chi_square > free.measures.chi_square);
    let apart = fit("f =~ x1 + x2 + x3; g =~ y1 + y2 + y3; f ~~ 0*g", 9);
    assert!(apart.measures.chi_square > free.measures.chi_square + 50.0);
    // A latent variable of latent variables; its chi-square is that of the three going together.
    let columns = rows(300, 9);
    let three = "f =~ x1 + x2 + x3; g =~ y1 + y2 + y3; h =~ z + w\nz ~~ v*z; w ~~ v*w\n";
    let together = read(three).fit(&columns, Divisor::N);
    let above = read(&format!("{three} top =~ f + g + h")).fit(&columns, Divisor::N);
    if let (Ok(together), Ok(above)) = (together, above) {
        assert!((together.measures.chi_square - above.measures.chi_square).abs() < 1e-6);
    }
}

#[test]
fn what_data_do_not_tell_is_said() {
    let columns = rows(100, 2);
    let fault = |text: &str| read(text).fit(&columns, Divisor::N).unwrap_err();
    assert!(matches!(fault("f =~ x1 + x2"), Fault::NotIdentified { .. }));
    assert!(matches!(fault("f =~ NA*x1 + x2 + x3 + y1"), Fault::NotIdentified { .. }));
    assert!(matches!(fault("y1 ~ z; z ~ y1; y1 ~~ z"), Fault::NotIdentified { .. }));
    let fit = |columns: &[Vec<f64>]| read("f =~ x1 + x2 + x3").fit(columns, Divisor::N).unwrap_err();
    let mut odd = columns.clone();
    odd[1] = odd[0].iter().map(|it| 2.0 * it).collect();
    assert!(matches!(fit(&odd), Fault::NotIdentified { .. }));
    odd[1] = vec![4.0; 100];
    assert_eq!(fit(&odd), Fault::Constant { column: 1 });
    odd[1] = columns[1].clone();
    odd[1][7] = f64::NAN;
    assert_eq!(fit(&odd), Fault::NotFinite { row: vec![7] });
    odd[1].truncate(50);
    assert!(matches!(fit(&odd), Fault::Shape { .. }));
    assert!(matches!(fit(&columns[..2]), Fault::Shape { .. }));
    let few: Vec<Vec<f64>> = columns.iter().map(|it| it[..3].to_vec()).collect();
    assert_eq!(fit(&few), Fault::TooFew { what: "rows", have: 3, need: 4 });
}

/// Correlations of .9, .9 and .5 leave less than nothing over: .9 × .9 / .5 is above 1.
#[test]
fn a_variance_below_zero_is_said_not_hidden() {
    let covariance = [vec![1.0, 0.85, 0.85], vec![0.85, 1.0, 0.55], vec![0.85, 0.55, 1.0]];
    let moments = Moments::given(200, &[0.0; 3], &covariance, Divisor::N).unwrap();
    let fit = read("f =~ x1 + x2 + x3").fit_moments(&moments, Divisor::N).unwrap();
    let wanted = 1.0 - 0.85 * 0.85 / 0.55;
    let Warning::NegativeVariance { variable, value } = &fit.warnings[0] else { panic!("{:?}", fit.warnings) };
    assert!(variable == "x1" && (value - wanted).abs() < 1e-6, "{value} {wanted}");
    assert!(fit.warnings[0].to_string().contains("below zero"));
    assert!(Moments::given(200, &[0.0; 2], &covariance, Divisor::N).is_err());
}

/// Scores are what a regression of the latent variables on the columns says, and go with what they stand for.
#[test]
fn scores_follow_the_latent_variables() {
    let columns = rows(500, 11);
    let fit = read("f =~ x1 + x2 + x3; g =~ y1 + y2 + y3; g ~ f").fit(&columns, Divisor::N).unwrap();
    let scores = fit.scores(&columns).unwrap();
    let sure = fit.determinacy();
    assert!(scores.len() == 2 && scores[0].len() == 500 && sure.iter().all(|it| (0.6..1.0).contains(it)), "{sure:?}");
    for (at, name) in ["f", "g"].iter().enumerate() {
        let mean: f64 = scores[at].iter().sum::<f64>() / 500.0;
        let variance: f64 = scores[at].iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 500.0;
        assert!(mean.abs() < 1e-9);
        let wanted = sure[at] * fit.covariance(name, name).unwrap();
        assert!((variance / wanted - 1.0).abs() < 0.1, "{variance} {wanted}");
    }
    let one: Vec<Vec<f64>> = columns.iter().map(|it| vec![it[3]]).collect();
    assert_eq!(fit.scores(&one).unwrap()[1][0], scores[1][3]);
    assert!(fit.scores(&columns[..3]).is_err());
    // With one column without error it is the column.
    let single = read("h =~ z; y1 ~ h").fit(&columns, Divisor::N).unwrap();
    assert!((single.determinacy()[0] - 1.0).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever comes in, there is a finite fit or a reason.
    #[test]
    fn absurd_columns_give_a_fit_or_a_reason(cells in prop::collection::vec(prop_oneof![
        4 => -3.0..3.0f64, 1 => Just(0.0), 1 => Just(1e150), 1 => Just(-1e-150), 1 => prop::num::f64::ANY,
    ], 8 * 12), whole: bool, scale: bool) {
        let columns: Vec<Vec<f64>> = cells.chunks(12).map(|it| it.iter().map(|it| if whole { it.clamp(-5.0, 5.0).round() } else { *it }).collect()).collect();
        let scale = if scale { Scale::Marker } else { Scale::Variance };
        for text in [MODEL, "f =~ x1 + x2 + x3", "y1 ~ z; z ~ w"] {
            if let Ok(fit) = Model::read(text, &COLUMNS, scale).unwrap().fit(&columns, Divisor::N) {
                for it in fit.relations(0.05) {
                    prop_assert!(it.estimate.value.is_finite() && it.standardised.value.is_finite() && it.standardised.low.is_finite());
                }
                prop_assert!(fit.measures.chi_square.is_finite() && fit.measures.cfi.is_finite() && fit.measures.tli.is_finite());
                prop_assert!(fit.modifications().iter().all(|it| it.index.is_finite()));
                prop_assert!(fit.reliability().iter().all(|it| it.omega.is_finite()));
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[xyzf1-3~=*+;# \n]{0,40}") {
        let _ = Model::read(&text, &COLUMNS, Scale::Marker);
    }
}
