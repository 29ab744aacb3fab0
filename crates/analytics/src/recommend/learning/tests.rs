//! Learning of recommendations on small shops: windows in time, what is chosen, what is refused.

use rapport_domain::Timestamp;

use super::content::{Against, Seen};
use super::windows::tests::{Happened, windows};
use super::*;

/// Four hundred people of two kinds, each kind with its half of forty items; a person takes a few of them, one after the other. `late` says what the last window is like.
fn two_kinds(late: impl Fn(i64, u32) -> u32) -> Vec<Happened> {
    let mut events = Vec::new();
    for person in 0..400_i64 {
        let mut state = (person as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for hour in [3, 8, 14, 19, 25, 33, 45, 52, 63, 71] {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let drawn = u32::try_from((state >> 33) % 20).unwrap();
            let item = 2 * drawn + u32::try_from(person % 2).unwrap();
            let item = if hour >= 60 { late(person, item) } else { item };
            events.push((person, item, hour, drawn % 3 > 0));
        }
    }
    events
}

fn learn(events: &[Happened], before: Option<&Before>) -> std::result::Result<Learned, Verdict> {
    Past(windows(events, 40, [20, 40, 60], 80)).learn(before, &KeptPlan::usual(50), 3, &|_| ())
}

#[test]
fn what_tells_kinds_apart_is_chosen_and_its_measures_are_above_what_is_popular() {
    let learned = learn(&two_kinds(|_, item| item), None).unwrap();
    let content = &learned.content;
    assert!(!matches!(content.plan, KeptPlan::Popular { .. }), "{}", content.plan.name());
    let metrics = &content.metrics;
    assert!(metrics.above_popular.low > 0.0, "{metrics:?}");
    assert!(
        metrics.chosen.ndcg.low <= metrics.chosen.ndcg.value && metrics.chosen.ndcg.value <= metrics.chosen.ndcg.high
    );
    assert!((0.0..=1.0).contains(&metrics.coverage) && metrics.coverage > metrics.coverage_popular);
    assert_eq!(content.tried.iter().filter(|it| it.is_best).count(), 1);
    assert!(content.tried[0].is_best && content.tried.iter().any(|it| it.way == "popular" && it.behind.is_some()));
    assert!(
        content.tried.iter().any(|it| it.name == "50 neighbours, the newer counting more"),
        "what was used before is tried too"
    );
    assert_eq!((content.seen.people, content.seen.items), (400, 40));
    assert_eq!(learned.card.measures[0].value, metrics.chosen.ndcg);
    let text = serde_json::to_string(content).unwrap();
    assert_eq!(serde_json::from_str::<Content>(&text).unwrap().plan.name(), content.plan.name());
}

/// The choice has not seen the last window: whatever happens there, the same plan is chosen by the same figures; only how good it was differs.
#[test]
fn the_last_window_is_no_part_of_the_choice() {
    let usual = learn(&two_kinds(|_, item| item), None).unwrap().content;
    let other = learn(&two_kinds(|_, item| item ^ 1), None).unwrap().content;
    assert_eq!((&usual.plan, &usual.tried), (&other.plan, &other.tried));
    assert!(other.metrics.chosen.ndcg.high < usual.metrics.chosen.ndcg.low, "everybody changed their mind");
    // The same again is the same.
    assert_eq!(learn(&two_kinds(|_, item| item), None).unwrap().content, usual);
}

#[test]
fn a_version_is_judged_beside_the_plan_before_and_held_when_it_is_worse() {
    let events = two_kinds(|_, item| item);
    let good = learn(&events, None).unwrap().content;
    let popular = Content { plan: KeptPlan::Popular { whether: true }, ..good.clone() };
    let before = Before { version: 3, content: popular };
    let against = learn(&events, Some(&before)).unwrap().content.against.unwrap();
    assert!(against.difference.low > 0.0 && against.version == 3);
    assert_eq!(against.holds(), Vec::new());
    let sure = |value: f64| Sure { value, low: value - 0.001, high: value + 0.001 };
    let codes = |it: Against| it.holds().into_iter().map(|hold| hold.code).collect::<Vec<_>>();
    assert_eq!(codes(Against { difference: sure(-0.01), ..against.clone() }), ["offers_worse"]);
    assert_eq!(codes(Against { difference: sure(-0.003), ..against.clone() }), Vec::<String>::new(), "too little");
    let wide = Sure { value: -0.1, low: -0.3, high: 0.01 };
    assert_eq!(codes(Against { difference: wide, ..against.clone() }), Vec::<String>::new(), "chance");
    assert_eq!(codes(Against { people: 79, people_before: 100, ..against.clone() }), ["people_missing"]);
    assert_eq!(codes(Against { items: 79, items_before: 100, ..against }), ["items_missing"]);
}

#[test]
fn too_little_is_a_sentence() {
    let code = |events: &[Happened], items: usize| {
        let past = Past(windows(events, items, [20, 40, 60], 80));
        past.learn(None, &KeptPlan::usual(50), 3, &|_| ()).unwrap_err().code
    };
    let few: Vec<Happened> = two_kinds(|_, item| item).into_iter().filter(|it| it.0 < 99).collect();
    assert_eq!(code(&few, 40), "too_few_people");
    let all = two_kinds(|_, item| item);
    let narrow: Vec<Happened> = all.iter().map(|it| (it.0, it.1 % 19, it.2, it.3)).collect();
    assert_eq!(code(&narrow, 19), "too_few_items");
    let seen: Vec<Happened> = all.iter().map(|it| (it.0, it.1, it.2, false)).collect();
    assert_eq!(code(&seen, 40), "too_few_taken");
    let week = |it: i64| Timestamp(it * 7 * Timestamp::DAY);
    let wishes = Wishes::default();
    assert_eq!(cuts(week(0), week(7), &wishes).unwrap_err().code, "too_little_time");
    // A third of the time at least comes before the first window, however long windows were wished for.
    for (weeks, held_weeks) in [(8, None), (8, Some(13)), (52, None), (52, Some(13)), (104, Some(1))] {
        let found = cuts(week(0), week(weeks), &Wishes { held_weeks, ..Wishes::default() }).unwrap();
        assert!(found[0] >= week(weeks / 3) && found.is_sorted() && found[2] < week(weeks), "{weeks} {found:?}");
        assert_eq!(found[1].0 - found[0].0, week(weeks).0 - found[2].0, "all of one length");
    }
    assert!(wishes.check().is_ok());
    assert_eq!(Wishes { held_weeks: Some(14), ..Wishes::default() }.check().unwrap_err().0, "held_weeks");
    assert_eq!(Wishes { fit_days: 0, ..Wishes::default() }.check().unwrap_err().0, "fit_days");
    assert!(serde_json::from_str::<Wishes>(r#"{"sql": 1}"#).is_err());
    let seen = Seen { from: 0, until: 0, people: 100, items: 20, orders: 0, restricted: 0 };
    assert!(enough(&seen).is_ok());
}
