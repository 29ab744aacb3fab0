//! One month of a grocer (Hahsler, Hornik and Reutterer 2006, the data of R's `arules`) against the published numbers of sets and rules. The data is not part
//! of the repository: without it each test says that it is skipped.

use std::collections::HashMap;

use rapport_models::baskets::{Consequents, Counts, ItemSets, Limits, Share};

use crate::given;

fn data(name: &str) -> Option<String> {
    Some(String::from_utf8(given::bytes(name)?).unwrap())
}

/// Baskets of places in the names.
fn groceries() -> Option<(Vec<Vec<u32>>, Vec<String>)> {
    let text = data("groceries/groceries.csv")?;
    let (mut names, mut places, mut baskets) = (Vec::new(), HashMap::new(), Vec::<Vec<u32>>::new());
    let mut last = "";
    for line in text.lines().skip(1) {
        let (basket, item) = line.split_once(',').unwrap();
        if basket != last {
            baskets.push(Vec::new());
            last = basket;
        }
        let item = item.trim_matches('"').to_string();
        let place = *places.entry(item.clone()).or_insert_with(|| {
            names.push(item);
            names.len() as u32 - 1
        });
        baskets.last_mut().unwrap().push(place);
    }
    Some((baskets, names))
}

fn share(text: &str) -> Share {
    Share::decimal(text).unwrap()
}

#[test]
fn groceries_sets_as_in_arules() {
    let Some((baskets, names)) = groceries() else { return };
    assert_eq!((baskets.len(), names.len()), (9_835, 169));
    let items = baskets.iter().map(Vec::len).sum::<usize>() as f64;
    assert!((items / 9_835.0 - 4.409).abs() <= 0.000_5 && (items / 9_835.0 / 169.0 - 0.026_091_5).abs() <= 0.5e-7);
    let sizes = |support: &str| {
        let mut sizes = Vec::new();
        for (set, _) in ItemSets::mine(&baskets, &Limits::support(share(support))).unwrap().iter() {
            sizes.resize(sizes.len().max(set.len()), 0);
            sizes[set.len() - 1] += 1;
        }
        sizes
    };
    assert_eq!(sizes("0.01"), [88, 213, 32]);
    assert_eq!(sizes("0.006").iter().sum::<i32>(), 747);
    assert_eq!(sizes("0.001"), [157, 2_981, 6_831, 3_137, 376, 10]);
    let sets = ItemSets::mine(&baskets, &Limits::support(share("0.2"))).unwrap();
    assert_eq!(
        sets.iter().next().map(|(set, count)| (names[set[0] as usize].as_str(), count)),
        Some(("whole milk", 2_513))
    );
}

#[test]
fn groceries_rules_as_in_arules_and_mlxtend() {
    let Some((baskets, names)) = groceries() else { return };
    let wanted = [
        ("0.01", "0.5", 15, 15),
        ("0.006", "0.25", 467, 463),
        ("0.001", "0.5", 5_829, 5_668),
        ("0.001", "0.8", 413, 410),
    ];
    for (support, confidence, any, single) in wanted {
        let sets = ItemSets::mine(&baskets, &Limits::support(share(support))).unwrap();
        let rules = |class| sets.rules(share(confidence), class).rules.len();
        assert_eq!((rules(Consequents::Any), rules(Consequents::Single)), (any, single), "{support} {confidence}");
    }
    let sets = ItemSets::mine(&baskets, &Limits::support(share("0.001"))).unwrap();
    let rules = sets.rules(share("0.8"), Consequents::Single);
    let best = rules.rules.iter().max_by(|a, b| a.counts.lift().total_cmp(&b.counts.lift())).unwrap();
    let name = |items: &[u32]| {
        let mut names: Vec<&str> = items.iter().map(|it| names[*it as usize].as_str()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(name(&best.antecedent), ["liquor", "red/blush wine"]);
    assert_eq!(name(&best.consequent), ["bottled beer"]);
    assert!((best.counts.lift() - 11.235).abs() <= 0.0005);
    // Most of the rules that look so good rest on ten or twenty baskets; this one is no chance, some others may be.
    let q = rules.false_discovery();
    let at = rules.rules.iter().position(|it| it == best).unwrap();
    assert!(q[at] < 1e-6, "{}", q[at]);
    assert!(q.iter().all(|it| (0.0..=1.0).contains(it)));
}

/// The delta method's interval of lift holds the truth as often as it claims, in 200 samples of 2,000 baskets.
#[test]
fn intervals_of_lift_hold_the_truth() {
    let (a, b, both) = (0.2, 0.3, 0.1);
    let truth = both / (a * b);
    let mut state = 7u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut held = 0;
    for _ in 0..200 {
        let mut counts = Counts { both: 0, antecedent: 0, consequent: 0, baskets: 2_000 };
        for _ in 0..2_000 {
            let u = uniform();
            counts.both += u64::from(u < both);
            counts.antecedent += u64::from(u < a);
            counts.consequent += u64::from(u < both || (a..a + b - both).contains(&u));
        }
        let interval = counts.lift_interval(0.05);
        held += usize::from(interval.low <= truth && truth <= interval.high);
    }
    // All but 1 in 1,000 of binomials with 200 and .95.
    assert!((179..=198).contains(&held), "{held}");
}
