//! What customers are worth, from their purchases to scores and figures: people drawn from a known model, hostile data, what came later, and the tables.

use std::collections::BTreeSet;

use rapport_analytics::scores::records::{ModelRow, ScoreRow, State, VersionRow, Wanted, models, scores, versions};
use rapport_analytics::scores::schema::{DATA_MAP, MIGRATIONS};
use rapport_analytics::value::{self, Before, Bought, Buyer, Day, Grouping, Learned, Run, STEPS, Settings};
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_store::testing::{TestDatabase, prepare_statements};
use rapport_store::{Priority, args, db_test, sql};
use serde_json::json;

use crate::chance::Chance;

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
/// The first day that is not known.
const END: i32 = 20_000;

impl Chance {
    /// A gamma distribution of a shape of 1/2 (half a chi-square) or, summed, of more halves.
    fn gamma(&mut self, halves: u32) -> f64 {
        (0..halves).map(|_| self.exponential(1.0) * (std::f64::consts::PI * self.next()).cos().powi(2)).sum()
    }
}

/// People who buy and leave as Pareto/NBD says with r = 1, alpha = 8 weeks, s = 1/2, beta = 12 weeks; each spends around an amount of their own.
fn people(count: usize, days: i32, seed: u64) -> Bought {
    let mut chance = Chance(seed);
    let mut bought = Bought::default();
    for person in 0..count {
        let (rate, leaving) = (chance.gamma(2) / (7.0 * 8.0), chance.gamma(1) / (7.0 * 12.0));
        let own = 20.0 + 40.0 * chance.exponential(1.0);
        let first = END - days + (chance.next() * f64::from(days - 1)) as i32;
        let gone = f64::from(first) + chance.exponential(1.0) / leaving;
        let mut at = f64::from(first);
        let mut on = Vec::new();
        while at < f64::from(END).min(gone.max(f64::from(first) + 0.5)) {
            let day = at as i32;
            let micros = (own * (0.5 + chance.next()) * 1e6) as i64;
            if on.last().is_none_or(|it: &Day| it.day < day) {
                on.push(Day { day, micros: Some(micros) });
            }
            at += chance.exponential(1.0) / rate;
        }
        bought.orders += on.len() as u64;
        bought.buyers.push(Buyer { person: PersonId(person as i64), days: on });
    }
    bought
}

fn learned(bought: &Bought, end: i32, before: Option<&Before>, groupings: &[Grouping]) -> Learned {
    let told = std::cell::RefCell::new(Vec::new());
    let step = |at| told.borrow_mut().push(at);
    let found = value::learn(bought, end, &Settings::default(), before, groupings, 1, &step).unwrap();
    assert_eq!(*told.borrow(), [1, 2, 3, 4, STEPS]);
    found
}

#[test]
fn what_a_version_says_holds_the_truth() {
    let bought = people(3_000, 500, 7);
    let found = learned(&bought, END, None, &[]);
    let content = &found.content;
    assert_eq!((found.people, content.choice.tried.len()), (3_000, 3));
    let metrics = &content.metrics;
    assert!(metrics.bias.low < 0.1 && metrics.bias.high > -0.1, "{:?}", metrics.bias);
    assert!(metrics.auc.unwrap().low > 0.6 && metrics.calibration_error.unwrap() < 0.05, "{metrics:?}");
    assert!(
        metrics.top_tenth.unwrap().value > 0.3 && metrics.top_tenth_best.unwrap() >= metrics.top_tenth.unwrap().value
    );
    if content.choice.best == "pareto_nbd" {
        for (it, truth) in content.model.parameters.iter().zip([1.0, 8.0, 0.5, 12.0]) {
            assert!(it.low < 1.1 * truth && truth * 0.9 < it.high, "{it:?} {truth}");
        }
    }
    assert_eq!(content.model.draws.len(), 40);
    assert!(content.worth.fault.is_none() && content.worth.correlation.unwrap().abs() < 0.2);
    // What was fitted to all but the last year foretells what came in it.
    let before = learned(&bought, END - 120, None, &[]);
    let came = value::came(&bought, &before.content, END).unwrap();
    assert!(came.bias.low < 0.1 && came.bias.high > -0.1 && came.came > 100.0, "{came:?}");
    assert_eq!(value::came(&bought, &before.content, END - 107), None, "too early to tell");
    let card = found.card(&bought, &Settings::default());
    let text = card.markdown(3);
    for part in ["version 3", "3000 people", "| r |", "What it cannot say", "Calibration", "| gamma |"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Whatever comes at or after the end, a version does not know it; what comes in the weeks held out, the fit that is judged does not.
#[test]
fn what_came_later_changes_nothing() {
    let mut bought = people(800, 400, 3);
    let found = learned(&bought, END, None, &[]);
    for (at, buyer) in bought.buyers.iter_mut().enumerate() {
        buyer.days.extend((0..at as i32 % 4).map(|n| Day { day: END + n, micros: Some(9_000_000) }));
    }
    let again = learned(&bought, END, None, &[]);
    assert_eq!(again.content, found.content);
    // More in the weeks held out: other measures, but what was tried foretells the same.
    let cut = found.content.metrics.from;
    for buyer in bought.buyers.iter_mut().filter(|it| it.days[0].day < cut && it.person.0 % 3 == 0) {
        buyer.days.retain(|it| it.day < cut);
        buyer.days.extend([cut + 9, cut + 33].map(|day| Day { day, micros: Some(1_000_000) }));
    }
    let other = learned(&bought, END, None, &[]);
    assert_eq!(other.content.metrics.from, cut);
    assert!(other.content.metrics.came > found.content.metrics.came + 100.0);
    // What was foretold of each model, from its bias and what came.
    let said = |it: &Learned| -> Vec<i64> {
        let came = it.content.metrics.came;
        let of = |bias: Option<f64>| ((1.0 + bias.unwrap_or(-1.0)) * came * 1e6).round() as i64;
        it.content.choice.tried.iter().map(|it| of(it.bias)).collect()
    };
    assert_eq!(said(&other), said(&found));
}

#[test]
fn data_that_do_not_carry_a_model_are_a_sentence() {
    let verdict =
        |bought: &Bought, end| value::learn(bought, end, &Settings::default(), None, &[], 1, &|_| ()).unwrap_err();
    assert_eq!(verdict(&Bought::default(), END).code, "too_few_people");
    let few = verdict(&people(99, 400, 1), END);
    assert_eq!((few.code.as_str(), few.have, few.need), ("too_few_people", 99, 100));
    assert!(few.text.contains("99"));
    assert_eq!(verdict(&people(500, 80, 1), END).code, "too_little_time");
    let mut once = people(500, 400, 1);
    once.buyers.iter_mut().for_each(|it| it.days.truncate(1));
    assert_eq!(verdict(&once, END).code, "too_few_again");
    let mut ended = people(500, 700, 1);
    ended.buyers.iter_mut().for_each(|it| it.days.retain(|day| day.day < END - 200 || it.person.0 == 0));
    ended.buyers.retain(|it| !it.days.is_empty());
    assert_eq!(verdict(&ended, END).code, "too_few_lately");
    // Everybody alike: no fit tells how people differ, or it is finite.
    let alike = |every: i32| Bought {
        buyers: (0..300)
            .map(|n| Buyer {
                person: PersonId(n),
                days: (0..400 / every).map(|at| Day { day: END - 400 + at * every, micros: Some(5_000_000) }).collect(),
            })
            .collect(),
        ..Bought::default()
    };
    match value::learn(&alike(20), END, &Settings::default(), None, &[], 1, &|_| ()) {
        Err(verdict) => assert_eq!(verdict.code, "not_identified"),
        Ok(found) => assert!(found.content.metrics.said.is_finite()),
    }
}

#[test]
fn a_worse_version_is_held_and_a_better_one_is_not() {
    let bought = people(1_500, 450, 5);
    let good = learned(&bought, END - 60, None, &[]);
    let before = |it: &Learned, people| Before { version: 4, content: it.content.clone(), people };
    let next = learned(&bought, END, Some(&before(&good, 1_300)), &[]);
    let against = next.content.against.as_ref().unwrap();
    assert_eq!((against.version, against.holds()), (4, vec![]), "{against:?}");
    // The one before is nonsense: no reason to hold the new one.
    let mut bad = good.clone();
    bad.content.model.parameters[0].value *= 20.0;
    let next = learned(&bought, END, Some(&before(&bad, 1_300)), &[]);
    assert!(next.content.against.as_ref().unwrap().difference.low > 0.0);
    assert!(next.content.against.unwrap().holds().is_empty());
    // Before the weeks held out many bought far more often than they really did: an import gone wrong.
    let mut wrong = bought.clone();
    let mut chance = Chance(1);
    for buyer in wrong.buyers.iter_mut().filter(|it| it.person.0 % 4 == 0) {
        let (mut at, every) = (f64::from(buyer.days[0].day), 4.0 + 30.0 * chance.next());
        loop {
            at += 1.0 + every * chance.exponential(1.0);
            if at >= f64::from(next.content.metrics.from) {
                break;
            }
            buyer.days.push(Day { day: at as i32, micros: Some(1_000_000) });
        }
        buyer.days.sort_by_key(|it| it.day);
        buyer.days.dedup_by_key(|it| it.day);
    }
    let next = learned(&wrong, END, Some(&before(&good, 1_300)), &[]);
    let codes: Vec<String> = next.content.against.unwrap().holds().into_iter().map(|it| it.code).collect();
    assert!(codes.iter().any(|it| it == "sum_far_off" || it == "foretells_worse"), "{codes:?}");
    let fewer = Bought { buyers: bought.buyers[..900].to_vec(), ..Bought::default() };
    let next = learned(&fewer, END, Some(&before(&good, 1_300)), &[]);
    let codes: Vec<String> = next.content.against.unwrap().holds().into_iter().map(|it| it.code).collect();
    assert!(codes.contains(&"people_missing".to_owned()), "{codes:?}");
}

#[test]
fn groups_that_are_off_are_marked_and_others_are_not() {
    let mut bought = people(2_000, 450, 11);
    let cut = learned(&bought, END, None, &[]).content.metrics.from;
    // A fifth moved away: they do not buy any more, which no model can know.
    let gone = |at: usize| at.is_multiple_of(5);
    for (at, buyer) in bought.buyers.iter_mut().enumerate() {
        if gone(at) && buyer.days[0].day < cut {
            buyer.days.retain(|it| it.day < cut);
        }
    }
    let of: Vec<Option<u32>> =
        (0..2_000).map(|at| Some(if gone(at) { 0 } else { 1 + u32::from(at % 2 == 0) })).collect();
    let names = ["Gone", "Odd", "Even"].map(str::to_owned).to_vec();
    let found = learned(&bought, END, None, &[Grouping { by: "market".into(), names, of }]);
    let group = |name: &str| found.content.groups.iter().find(|it| it.name == name).unwrap();
    assert!(group("Gone").is_off && group("Gone").came == 0.0, "{:?}", found.content.groups);
    assert!(group("Odd").bias.value < group("Even").bias.value + 0.4);
    assert!(found.card(&bought, &Settings::default()).limits.iter().any(|it| it.contains("Gone")));
}

#[test]
fn figures_are_sums_of_the_scores_that_people_get() {
    let mut bought = people(700, 450, 2);
    let found = learned(&bought, END, None, &[]);
    // Somebody who only ever paid in other money.
    bought.buyers[0].days.iter_mut().for_each(|it| it.micros = None);
    let settings = Settings { margin: 0.5, ..Settings::default() };
    let run = Run::new(found.content.clone(), bought.clone(), END, &settings).unwrap();
    let all = run.some(0, run.people());
    assert_eq!((all.len(), run.some(690, 500).len(), run.some(700, 9).len()), (700, 10, 0));
    for it in &all {
        let score = &it.score;
        assert!(score.low <= score.value && score.value <= score.high, "{it:?}");
        assert!((0.0..=1.0).contains(&score.detail.alive) && score.value.is_finite() && score.value >= 0.0);
        assert!(score.detail.purchases_low <= score.detail.purchases_high && !score.detail.reasons.is_empty());
    }
    let whole = Run::new(found.content.clone(), bought, END, &Settings::default()).unwrap().some(0, 700);
    let doubled = all.iter().zip(&whole).all(|(half, whole)| (2.0 * half.score.value - whole.score.value).abs() < 1e-9);
    assert!(doubled, "half of the margin is half of the value");
    let figures = run.overview(&settings, "EUR");
    let total: f64 = all.iter().map(|it| it.score.value).sum();
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6 * b.abs().max(1.0);
    assert!(near(figures.value.value, total) && figures.value.low < total && total < figures.value.high);
    assert!(near(figures.bands.iter().map(|it| it.value).sum(), total));
    assert!(near(figures.tenths.iter().map(|it| it.value).sum(), total));
    assert!(near(figures.matrix.iter().map(|it| it.value).sum(), total));
    assert!(near(figures.cohorts.iter().map(|it| it.value).sum(), total));
    assert!(near(figures.alive, all.iter().map(|it| it.score.detail.alive).sum()));
    let people: [u64; 4] = [
        figures.bands.iter().map(|it| it.people).sum(),
        figures.tenths.iter().map(|it| it.people).sum(),
        figures.matrix.iter().map(|it| it.people).sum(),
        figures.cohorts.iter().map(|it| it.people).sum(),
    ];
    assert_eq!(people, [700; 4]);
    let cell = figures.matrix.iter().max_by_key(|it| it.people).unwrap();
    assert_eq!(all.iter().filter(|it| it.part == cell.part).count() as u64, cell.people);
    assert!(figures.tenths.windows(2).all(|pair| pair[0].value >= pair[1].value));
    let weeks: Vec<u32> = figures.forecast.iter().map(|it| it.weeks).collect();
    assert_eq!(weeks, [4, 13, 26, 52]);
    assert!(figures.forecast.windows(2).all(|pair| pair[0].purchases.value < pair[1].purchases.value));
    let year = figures.forecast[3].purchases;
    assert!(near(year.value, all.iter().map(|it| it.score.detail.purchases).sum()), "{year:?}");
    assert!(figures.simple.unwrap().value > 0.0);
}

#[test]
fn restricted_people_are_not_learnt_from() {
    let calendar = rapport_domain::Calendar::new("UTC", rapport_domain::WeekStart::Monday).unwrap();
    let orders = (0..4).map(|n| (PersonId(n / 2), Timestamp(n * Timestamp::DAY), Some(1_000_000)));
    let found = Bought::of(orders, &calendar, &BTreeSet::from([PersonId(1)]));
    assert_eq!((found.buyers.len(), found.restricted, found.orders), (1, 1, 2));
}

#[db_test(rapport_profiles::MIGRATIONS, MIGRATIONS)]
async fn every_statement_can_be_prepared(db: TestDatabase) {
    assert!(prepare_statements(&db).await > 18);
}

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
}

fn version(number: i64, state: State) -> VersionRow {
    VersionRow {
        version: number,
        state: state.as_str().to_owned(),
        fitted_at: Timestamp(number),
        fitted_by: "schedule".to_owned(),
        as_of: Timestamp(number),
        people: 10,
        content: json!({"n": number}),
        card: json!({}),
        held: json!([]),
        came: None,
        decided_at: None,
        decided_by: None,
        decided_why: None,
    }
}

#[db_test(MIGRATIONS)]
async fn one_version_scores_and_who_decided_is_kept(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    models::ensure(&mut tx, W, "value", "value", json!({"a": 1})).await.unwrap();
    models::ensure(&mut tx, W, "value", "value", json!({"a": 2})).await.unwrap();
    for number in 1..=3 {
        assert_eq!(versions::next(&mut tx, W, "value").await.unwrap(), number);
        versions::retire(&mut tx, W, "value").await.unwrap();
        let state = if number == 3 { State::Held } else { State::Live };
        versions::insert(&mut tx, W, "value", &version(number, state)).await.unwrap();
    }
    models::judged(&mut tx, W, "value", Some(2), None).await.unwrap();
    models::judged(&mut tx, W, "value", None, Some(json!({"code": "too_few"}))).await.unwrap();
    tx.commit().await.unwrap();
    let row: ModelRow = models::find(&mut db.read(), W, "value").await.unwrap().unwrap();
    assert_eq!((row.settings, row.version, row.verdict), (json!({"a": 1}), Some(2), Some(json!({"code": "too_few"}))));
    assert!(models::find(&mut db.read(), OTHER, "value").await.unwrap().is_none());
    assert!(versions::find(&mut db.read(), OTHER, "value", 1).await.unwrap().is_none());
    assert_eq!(versions::next(&mut db.read(), OTHER, "value").await.unwrap(), 1);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    versions::retire(&mut tx, W, "value").await.unwrap();
    assert!(versions::make_live(&mut tx, W, "value", 3, ("usr_1", "it is fine", Timestamp(9))).await.unwrap());
    assert!(!versions::make_live(&mut tx, W, "value", 3, ("usr_1", "again", Timestamp(9))).await.unwrap());
    versions::came(&mut tx, W, "value", 1, json!({"said": 2})).await.unwrap();
    tx.commit().await.unwrap();
    let rows = versions::latest(&mut db.read(), W, "value", 9).await.unwrap();
    let states: Vec<(i64, &str)> = rows.iter().map(|it| (it.version, it.state.as_str())).collect();
    assert_eq!(states, [(3, "live"), (2, "retired"), (1, "retired")]);
    assert_eq!(rows[0].decided_why.as_deref(), Some("it is fine"));
    assert_eq!(rows[2].came, Some(json!({"said": 2})));
}

fn score(handle: i64, score: i64, at: i64) -> ScoreRow {
    ScoreRow {
        model: "value".to_owned(),
        handle: Handle(handle),
        version: 1,
        scored_at: Timestamp(at),
        score,
        low: 0,
        high: 2 * score,
        tenth: 1 + handle % 10,
        part: format!("f{}r0", handle % 2),
        cohort: "2025-Q1".to_owned(),
        detail: json!({"n": handle}),
    }
}

#[db_test(rapport_profiles::MIGRATIONS, MIGRATIONS)]
async fn scores_are_found_by_what_the_page_shows(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let rows: Vec<ScoreRow> = (0..40).map(|n| score(n, n * 10, 5)).collect();
    scores::put(&mut tx, W, &rows).await.unwrap();
    scores::put(&mut tx, W, &[score(3, 999, 6)]).await.unwrap();
    scores::put(&mut tx, OTHER, &[score(3, 5, 6)]).await.unwrap();
    for n in 0..40_i64 {
        let add = sql!(
            "INSERT INTO identifiers (workspace, kind, value, handle, person, source, first_seen_at, last_seen_at, events)
             VALUES ($1, 'user_id', $2, $3, $4, $5, $5, $5, $5)"
        );
        tx.execute(add, args![W, n.to_string(), n, n / 2, 0_i64]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut db_read = db.read();
    let page = async |wanted: Wanted| -> Vec<i64> {
        let found = scores::page(&mut db.read(), W, "value", &wanted).await.unwrap();
        let all = Wanted { limit: 1_000, offset: 0, ..wanted };
        let count = scores::count(&mut db.read(), W, "value", &all).await.unwrap();
        assert_eq!(count, scores::page(&mut db.read(), W, "value", &all).await.unwrap().len() as i64);
        found.into_iter().map(|it| it.handle.0).collect()
    };
    assert_eq!(page(Wanted { limit: 3, ..Wanted::default() }).await, [3, 39, 38]);
    assert_eq!(page(Wanted { limit: 2, offset: 1, ..Wanted::default() }).await, [39, 38]);
    assert_eq!(page(Wanted { limit: 2, ascending: true, ..Wanted::default() }).await, [0, 1]);
    assert_eq!(page(Wanted { from: 100, to: 130, ..Wanted::default() }).await, [12, 11, 10]);
    assert_eq!(page(Wanted { tenths: (10, 10), ..Wanted::default() }).await, [39, 29, 19, 9]);
    assert_eq!(page(Wanted { part: "f1r0".into(), limit: 2, ..Wanted::default() }).await, [3, 39]);
    assert_eq!(page(Wanted { cohort: "2024-Q1".into(), ..Wanted::default() }).await, Vec::<i64>::new());
    let of = scores::of_handles(&mut db_read, W, &[Handle(2), Handle(3)]).await.unwrap();
    assert_eq!(of.iter().map(|it| it.handle.0).collect::<Vec<_>>(), [3, 2], "the newest first");
    let everybody = scores::everybody(&mut db_read, W, "value").await.unwrap();
    assert_eq!((everybody.len(), everybody[2]), (40, (PersonId(1), 999)));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let old = scores::before(&mut tx, W, "value", Timestamp(6), 100).await.unwrap();
    assert_eq!(old.len(), 39);
    scores::forget(&mut tx, W, "value", &old).await.unwrap();
    assert!(scores::before(&mut tx, W, "value", Timestamp(6), 100).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert_eq!(scores::of_handles(&mut db_read, OTHER, &[Handle(3)]).await.unwrap()[0].detail, json!({"n": 3}));
}
