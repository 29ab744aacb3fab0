//! Customers of Spanish banks, the example of R's plspm, with the numbers that its tests and those of plspm-python 0.5.7 hold (`satisfaction.effects.csv` and
//! `satisfaction.inner-summary.csv`): centroid scheme, answers as they are.
//!
//! plspm stops when weights change little, here after the fourth turn. Stopped there, ours are the same to all their digits; settled, within two units of the seventh.

use super::{Construct, Fit, Mode, Model, Scheme};
use crate::columns::Columns;

const IMAGE: usize = 0;
const EXPECTATION: usize = 1;
const QUALITY: usize = 2;
const VALUE: usize = 3;
const SATISFACTION: usize = 4;
const LOYALTY: usize = 5;

const PATHS: [(usize, usize, f64); 10] = [
    (IMAGE, EXPECTATION, 0.578_959_128_452_79),
    (IMAGE, SATISFACTION, 0.200_724_200_280_665),
    (IMAGE, LOYALTY, 0.275_149_575_748_467),
    (EXPECTATION, QUALITY, 0.848_344_408_379_6),
    (EXPECTATION, VALUE, 0.105_477_649_519_747),
    (EXPECTATION, SATISFACTION, -0.002_753_994_579_168_34),
    (QUALITY, VALUE, 0.676_655_529_105_984),
    (QUALITY, SATISFACTION, 0.122_144_565_609_107),
    (VALUE, SATISFACTION, 0.589_330_650_016_017),
    (SATISFACTION, LOYALTY, 0.495_479_322_090_817),
];

fn answers() -> Columns {
    let numbers = |line: &str| line.split(',').map(|it| it.parse().unwrap()).collect::<Vec<f64>>();
    let mut lines = include_str!("../../../tests/data/satisfaction.csv").lines().map(numbers);
    let sums = lines.next().unwrap();
    Columns::of_sums(250.0, &sums, &lines.collect::<Vec<_>>())
}

fn model() -> Model {
    let blocks = [0..5, 5..10, 10..15, 15..19, 19..23, 23..27];
    let construct = |it: std::ops::Range<usize>| Construct { indicators: it.collect(), mode: Mode::Reflective };
    let paths = PATHS.map(|(from, to, _)| (from, to));
    Model::new(blocks.map(construct).to_vec(), &paths).unwrap()
}

#[test]
fn satisfaction_with_banks() {
    let fitted =
        |settled| super::estimate::fit(&model().unstandardised(), &answers(), Scheme::Centroid, settled).unwrap();
    let off = |fit: &Fit| {
        let path = |(from, to, wanted): (usize, usize, f64)| (fit.coefficients[from][to] - wanted).abs();
        PATHS.map(path).into_iter().fold(0.0, f64::max)
    };
    let fourth = fitted(1e-5);
    assert!(off(&fourth) < 1e-12, "{}", off(&fourth));
    let explained = [
        (EXPECTATION, 0.335_193_672_418_813),
        (QUALITY, 0.719_688_235_228_933),
        (VALUE, 0.590_084_372_798_49),
        (SATISFACTION, 0.707_320_949_544_597),
        (LOYALTY, 0.509_922_562_050_087),
    ];
    for (construct, wanted) in explained {
        assert!((fourth.r_squared[construct].unwrap() - wanted).abs() < 1e-12);
    }
    for (from, to, wanted) in [
        (IMAGE, QUALITY, 0.491_156_739_303_251),
        (IMAGE, LOYALTY, 0.518_415_622_311_155),
        (QUALITY, LOYALTY, 0.258_104_299_865_63),
    ] {
        assert!((fourth.total_effects[from][to] - wanted).abs() < 1e-12);
    }
    // The mean of squared loadings.
    let extracted = [
        (IMAGE, 0.582_269_092_760_334),
        (EXPECTATION, 0.616_419_883_010_119),
        (QUALITY, 0.658_571_748_517_24),
        (VALUE, 0.664_415_566_458_83),
        (SATISFACTION, 0.758_890_727_363_71),
        (LOYALTY, 0.639_051_735_398_058),
    ];
    for (construct, wanted) in extracted {
        assert!((fourth.reliability(construct).unwrap().variance_extracted - wanted).abs() < 1e-12, "{construct}");
    }
    let settled = fitted(super::estimate::SETTLED);
    assert!(off(&settled) < 2e-7, "{}", off(&settled));
    // Standardised, it is another model.
    let standardised = super::estimate::fit(&model(), &answers(), Scheme::Centroid, super::estimate::SETTLED).unwrap();
    assert!(off(&standardised) > 0.01);
}
