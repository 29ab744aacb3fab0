//! The example paths of R's `ChannelAttribution` (Altomare and Loris). The data is not part of the repository: without it the test says that it is skipped.

use rapport_models::attribution::{Credit, Markov, Path, rules, shapley};

use crate::given;

fn data(name: &str) -> Option<String> {
    Some(String::from_utf8(given::bytes(name)?).unwrap())
}

fn near(found: f64, wanted: f64, digits: i32) {
    assert!((found - wanted).abs() <= 0.5 * 10f64.powi(-digits), "{found} {wanted}");
}

/// Its simulated effects come near these, which are exact; the simplest rules are as it prints them.
#[test]
fn paths_of_channel_attribution() {
    let Some(text) = data("attribution/PathData.csv") else { return };
    let mut names: Vec<String> = Vec::new();
    let mut paths = Vec::new();
    for line in text.lines().skip(1) {
        let mut cells = line.rsplit(',');
        let mut number = || cells.next().unwrap().parse::<f64>().unwrap();
        let (nulls, value, conversions) = (number() as u64, number(), number() as u64);
        let mut channels = Vec::new();
        for name in cells.next().unwrap().trim_matches('"').split(" > ") {
            let at = names.iter().position(|it| it == name).unwrap_or_else(|| {
                names.push(name.to_string());
                names.len() - 1
            });
            channels.push(at as u32);
        }
        paths.push(Path { channels, conversions, value, nulls });
    }
    let at = |name: &str| names.iter().position(|it| it == name).unwrap();
    assert_eq!((paths.len(), paths.iter().map(|it| it.conversions).sum::<u64>()), (10_000, 19_785));
    assert_eq!(paths.iter().map(|it| it.nulls).sum::<u64>(), 68_602);
    let start = std::time::Instant::now();
    let found = Markov::fit(&paths).unwrap();
    eprintln!("10,000 paths in {:?}", start.elapsed());
    near(found.conversion, 0.223_845_1, 7);
    let effects = [
        ("alpha", 0.558_399),
        ("iota", 0.405_835),
        ("eta", 0.349_026),
        ("beta", 0.264_039),
        ("theta", 0.206_010),
        ("lambda", 0.134_022),
        ("zeta", 0.039_811),
        ("epsilon", 0.062_639),
        ("kappa", 0.028_663),
        ("gamma", 0.017_880),
        ("delta", 0.000_482),
        ("mi", 0.000_180),
    ];
    for (name, effect) in effects {
        near(found.removal_effects[at(name)], effect, 6);
    }
    for (name, credit, digits) in [("delta", 4.61, 2), ("mi", 1.72, 2), ("alpha", 5_344.9, 1)] {
        near(found.credits[at(name)].conversions, credit, digits);
    }
    let rules = rules(&paths).unwrap();
    for (name, first, last, linear) in
        [("alpha", 6_308.0, 8_447.0, 7_574.718_6), ("eta", 3_164.0, 4_167.0, 3_539.951_2)]
    {
        near(rules.first[at(name)].conversions, first, 6);
        near(rules.last[at(name)].conversions, last, 6);
        near(rules.linear[at(name)].conversions, linear, 4);
    }
    let total = |credits: &[Credit]| {
        near(credits.iter().map(|it| it.conversions).sum(), 19_785.0, 6);
        near(credits.iter().map(|it| it.value).sum(), 74_802.972, 3);
    };
    for credits in [&found.credits, &shapley(&paths).unwrap(), &rules.first, &rules.last, &rules.linear] {
        total(credits);
    }
    let intervals = Markov::intervals(&paths, 60, 0.05, 5).unwrap();
    for (interval, credit) in intervals.iter().zip(&found.credits) {
        assert!(interval.low.conversions <= credit.conversions && credit.conversions <= interval.high.conversions);
    }
}
