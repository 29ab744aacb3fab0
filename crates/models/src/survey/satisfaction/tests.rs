//! The satisfaction model on answers that were made by a known one, and bad input.

use super::*;
use crate::resampling::Draws;
use crate::survey::Confidence;

/// Answers from 1 to 10, three questions a part, each part following those before it.
fn persons(n: usize, seed: u64) -> Vec<Vec<Option<f64>>> {
    let mut draws = Draws::new(seed);
    let mut chance = move || (0..12).map(|_| draws.below(1 << 20) as f64 / f64::from(1 << 20)).sum::<f64>() - 6.0;
    let mut person = || {
        let image = chance();
        let expectation = 0.6 * image + 0.8 * chance();
        let quality = 0.7 * expectation + 0.7 * chance();
        let value = 0.2 * expectation + 0.6 * quality + 0.6 * chance();
        let satisfaction = 0.2 * image + 0.4 * quality + 0.3 * value + 0.5 * chance();
        let complaints = 0.5 * satisfaction + 0.8 * chance();
        let loyalty = 0.2 * image + 0.5 * satisfaction + 0.1 * complaints + 0.6 * chance();
        let mut answers = Vec::new();
        for part in [image, expectation, quality, value, satisfaction, complaints, loyalty] {
            for _ in 0..3 {
                answers.push(Some((6.5 + 1.5 * (part + 0.5 * chance())).clamp(1.0, 10.0)));
            }
        }
        answers
    };
    (0..n).map(|_| person()).collect()
}

fn asked() -> Vec<Asked> {
    let part =
        |(at, part): (usize, Part)| Asked { part, questions: (3 * at..3 * at + 3).collect(), scale: (1.0, 10.0) };
    Part::ALL.into_iter().enumerate().map(part).collect()
}

#[test]
fn the_paths_are_those_of_the_indices() {
    let european = Satisfaction::new(Form::European, &asked()).unwrap();
    assert_eq!((european.parts().len(), european.paths().len()), (7, 12));
    let american = Satisfaction::new(Form::American, &asked()).unwrap();
    assert_eq!((american.parts()[0], american.paths().len()), (Part::Expectation, 9));
    // What was not asked is left out with its paths.
    let some: Vec<Asked> = asked()
        .into_iter()
        .filter(|it| matches!(it.part, Part::Quality | Part::Satisfaction | Part::Loyalty))
        .collect();
    let small = Satisfaction::new(Form::European, &some).unwrap();
    assert_eq!(small.paths(), [(Part::Quality, Part::Satisfaction), (Part::Satisfaction, Part::Loyalty)]);
    assert!(
        small.text().contains("satisfaction =~ q12 + q13 + q14\n") && small.text().contains("loyalty ~ satisfaction\n")
    );
    assert_eq!(Satisfaction::new(Form::European, &some[..1]), Err(Unfit::Alone(0)));
    let mut twice = some.clone();
    twice.push(Asked { part: Part::Quality, questions: vec![20], scale: (1.0, 5.0) });
    assert_eq!(Satisfaction::new(Form::European, &twice), Err(Unfit::Shared(20)));
}

/// Both ways find what made the answers; covariances undo what questions measure badly, so their paths are the larger ones.
#[test]
fn both_fits_find_what_made_the_answers() {
    let mut answers = persons(600, 3);
    answers[0][4] = None;
    let model = Satisfaction::new(Form::European, &asked()).unwrap();
    let found = model.read(&answers, Confidence::default(), (100, 1)).unwrap();
    assert_eq!((found.answers, found.incomplete), (599, 1));
    let fit = found.covariances.as_ref().unwrap();
    assert!(fit.measures.rmsea.unwrap().value < 0.05 && fit.measures.cfi > 0.95, "{:?}", fit.measures);
    let path = |from, to| found.paths.iter().find(|it| it.from == from && it.to == to).unwrap();
    for (from, to) in
        [(Part::Image, Part::Expectation), (Part::Expectation, Part::Quality), (Part::Satisfaction, Part::Loyalty)]
    {
        let it = path(from, to);
        let other = it.covariances.unwrap();
        assert!(it.composites.low > 0.2 && other.low > 0.2 && other.value > it.composites.value, "{it:?}");
    }
    for it in &found.blocks {
        let index = it.index.unwrap();
        assert!(index.interval().holds(index.value) && (50.0..75.0).contains(&index.value), "{it:?}");
        assert!((it.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12 && it.reliability.unwrap().composite > 0.7);
        assert_eq!(it.explained.0.is_some(), it.part != Part::Image);
        assert_eq!(it.explained.1.is_some(), it.part != Part::Image);
    }
}

/// The formula of the American index by hand, on any scale: 100 Σ w (x̄ − worst) / ((best − worst) Σ w).
#[test]
fn indices_are_those_of_the_formula() {
    let answers = persons(200, 5);
    let found =
        Satisfaction::new(Form::European, &asked()).unwrap().read(&answers, Confidence::default(), (20, 1)).unwrap();
    let mean = |at: usize| answers.iter().map(|it| it[at].unwrap()).sum::<f64>() / 200.0;
    let weights = &found.blocks[4].weights;
    let wanted: f64 = (0..3).map(|at| weights[at] * (mean(12 + at) - 1.0)).sum::<f64>() * 100.0 / 9.0;
    assert!((found.index(Part::Satisfaction).unwrap().value - wanted).abs() < 1e-9);
    let of = |value: f64| found.indices_of(&vec![Some(value); 21]);
    assert!(
        of(1.0).iter().all(|it| it.unwrap().abs() < 1e-9)
            && of(10.0).iter().all(|it| (it.unwrap() - 100.0).abs() < 1e-9)
    );
    let mut some = vec![Some(5.5); 21];
    some[12] = None;
    let some = found.indices_of(&some);
    assert!(some[4].is_none() && (some[6].unwrap() - 50.0).abs() < 1e-9);
    // Turned round, where 10 is the worst: 100 less.
    let mut turned = asked();
    turned[4].scale = (10.0, 1.0);
    let turned =
        Satisfaction::new(Form::European, &turned).unwrap().read(&answers, Confidence::default(), (20, 1)).unwrap();
    let (a, b) = (turned.index(Part::Satisfaction).unwrap(), found.index(Part::Satisfaction).unwrap());
    assert!((a.value + b.value - 100.0).abs() < 1e-9 && a.low <= a.value && (a.low + b.high - 100.0).abs() < 1e-9);
}

#[test]
fn what_cannot_be_fitted_has_its_reason() {
    let model = Satisfaction::new(Form::European, &asked()).unwrap();
    let read = |it: &[Vec<Option<f64>>]| model.read(it, Confidence::default(), (10, 1)).err();
    assert_eq!(read(&[]), Some(Unfit::TooFew));
    assert_eq!(read(&persons(20, 1)), Some(Unfit::TooFew));
    // By composites there is an answer where covariances have none: two questions that say the same.
    let mut same = persons(100, 2);
    same.iter_mut().for_each(|it| it[1] = it[0]);
    let found = model.read(&same, Confidence::default(), (10, 1)).unwrap();
    assert!(matches!(found.covariances, Err(crate::fault::Fault::NotIdentified { .. })));
    assert!(found.paths.iter().all(|it| it.covariances.is_none()) && found.index(Part::Image).is_some());
}
