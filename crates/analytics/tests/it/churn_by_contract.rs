//! Who will be lost where customers have subscriptions: labels beside a slow second implementation, a service of which the truth is known, and what was heard of late.

use proptest::prelude::*;
use rapport_analytics::churn::{
    self, Contract, Deed, Definition, Did, Happenings, Learned, Looks, Rows, Run, Settings, Sign, Subscriptions,
    Written,
};
use rapport_analytics::value::Bought;
use rapport_domain::PersonId;

use crate::chance::Chance;

/// The first day that is not known.
const END: i32 = 20_000;
const DAYS: i32 = 400;

fn sign(day: i32, heard: i32, subscription: &str, ends: bool) -> Sign {
    Sign { day, heard, subscription: subscription.into(), ends }
}

/// Whether there is a subscription at the end of a day: of each of its names, by the last of its signs, as far as they pass.
fn has(signs: &[Sign], day: i32, passes: impl Fn(&Sign) -> bool) -> bool {
    ["", "a", "b"].iter().any(|name| {
        let last = signs.iter().rfind(|it| &*it.subscription == *name && it.day <= day && passes(it));
        last.is_some_and(|it| !it.ends)
    })
}

fn signs() -> impl Strategy<Value = Vec<Sign>> {
    let one = (0..30i32, 0..12i32, prop::sample::select(vec!["", "a", "b"]), any::<bool>());
    prop::collection::vec(one, 0..12).prop_map(|all| {
        let mut signs: Vec<Sign> =
            all.into_iter().map(|(day, late, name, ends)| sign(day, day + late, name, ends)).collect();
        signs.sort_by_key(|it| it.day);
        signs
    })
}

proptest! {
    #[test]
    fn labels_are_those_of_a_slow_second_implementation(signs in signs(), moment in 1..35i32, horizon in 1..15i32) {
        let all = Subscriptions::new([(PersonId(1), signs.clone())]);
        let heard = |it: &Sign| it.heard < moment;
        let since = has(&signs, moment - 1, heard).then(|| {
            (0..moment).rev().take_while(|day| has(&signs, *day, heard)).last().unwrap()
        });
        prop_assert_eq!(all.since(PersonId(1), moment, moment), since);
        let lost = (moment - 1..moment + horizon).any(|day| !has(&signs, day, |_| true));
        prop_assert_eq!(all.is_lost(PersonId(1), moment, moment + horizon), lost);
    }
}

/// A service: what everybody did, and their subscriptions.
struct Service {
    deeds: Vec<(PersonId, Vec<Deed>)>,
    signs: Vec<(PersonId, Vec<Sign>)>,
}

fn deed(day: i32, did: Did) -> Deed {
    Deed { day, heard: day, did, amount: f64::NAN, reduced: false, stands: true, reason: None }
}

/// People subscribe some day and come by every four days; half of them some day come by no more, and end it a month later or so. Hardly anybody else does.
fn service(count: usize, seed: u64) -> Service {
    let mut chance = Chance(seed);
    let (mut deeds, mut signs) = (Vec::new(), Vec::new());
    for person in 0..count {
        let first = f64::from(END - DAYS) + chance.next() * f64::from(DAYS - 30);
        let tires = if chance.next() < 0.5 { first + chance.exponential(150.0) } else { f64::INFINITY };
        let ends = (tires + 21.0 + 14.0 * chance.next()).min(first + chance.exponential(9_000.0));
        let mut own = vec![deed(first as i32, Did::Subscribed)];
        let mut signed = vec![sign(first as i32, first as i32, "", false)];
        let mut at = first;
        while at < tires.min(ends).min(f64::from(END)) {
            own.push(deed(at as i32, Did::Visited));
            at += chance.exponential(4.0);
        }
        if ends < f64::from(END) {
            own.push(deed(ends as i32, Did::Subscribed));
            signed.push(sign(ends as i32, ends as i32, "", true));
        }
        own.sort_by_key(|it| it.day);
        deeds.push((PersonId(person as i64), own));
        signs.push((PersonId(person as i64), signed));
    }
    Service { deeds, signs }
}

fn settings() -> Settings {
    Settings { contract: Some(Contract::default()), ..Settings::default() }
}

/// What is learnt from, and the subscriptions.
fn known(service: &Service) -> (Definition, Looks, Rows, Happenings, std::sync::Arc<Subscriptions>) {
    let subscriptions = std::sync::Arc::new(Subscriptions::new(service.signs.clone()));
    let definition = Definition::by_contract(&Contract::default(), &subscriptions, &settings()).unwrap();
    let looks = definition.looks((&Bought::default(), Some(&subscriptions)), END, &[]).unwrap();
    let rows = rows(service, &looks, &subscriptions, None);
    let mut happenings =
        Happenings::new(&definition, &looks, Written::default()).of_subscribers(Some(subscriptions.clone()));
    service.deeds.iter().for_each(|(person, deeds)| happenings.add(*person, deeds));
    (definition, looks, rows, happenings, subscriptions)
}

fn rows(service: &Service, looks: &Looks, subscriptions: &Subscriptions, kept: Option<&[f64]>) -> Rows {
    let mut rows = Rows::new(looks);
    service.deeds.iter().for_each(|(person, deeds)| rows.add(*person, deeds, looks));
    rows.settle(kept);
    subscriptions.keep(&mut rows, looks);
    rows
}

fn learned(service: &Service) -> Learned {
    let (definition, _, rows, happenings, _) = known(service);
    churn::learn((&Bought::default(), &rows, &happenings), definition, (END, None), &[], 1, &|_| ()).unwrap()
}

#[test]
fn whose_subscription_ends_is_told_of_those_who_have_one() {
    let service = service(1_500, 3);
    let (definition, looks, rows, _, subscriptions) = known(&service);
    assert_eq!((definition.horizon_weeks, definition.active_weeks, definition.is_proposed), (4, 0, false));
    assert_eq!(looks.days, (0..=6).rev().map(|n| END - n * 28).collect::<Vec<_>>());
    // Whoever has none at a moment is not in it, also where they come by again.
    for row in &rows.rows {
        let (day, signs) = (looks.days[row.look], &service.signs[row.person.0 as usize].1);
        assert!(has(signs, day - 1, |_| true), "{row:?}");
    }
    let there = |day: i32| service.signs.iter().filter(|it| has(&it.1, day - 1, |_| true)).count();
    for (look, day) in looks.days.iter().enumerate() {
        assert_eq!(rows.rows.iter().filter(|it| it.look == look).count(), there(*day));
    }
    let found = learned(&service);
    assert!(found.content.metrics.auc.unwrap().low > 0.75, "{:?}", found.content.metrics.auc);
    assert!(found.content.metrics.calibration_error.unwrap() < 0.06, "{:?}", found.content.metrics.calibration);
    for word in ["subscribed", "visits_since"] {
        assert!(found.content.features.iter().any(|it| it == word), "{word}");
    }
    let card = found.card(&Bought::default()).markdown(1);
    assert!(card.contains("Whose subscription ends in the next 4 weeks"), "{card}");
    assert!(card.contains("Whoever had no subscription"), "{card}");

    // Now: everybody who has one is spoken of, and nobody else is.
    let now = definition.now(END, usize::MAX);
    let scored = self::rows(&service, &now, &subscriptions, Some(&[]));
    let lately = Happenings::new(&definition, &now, Written::default()).of_subscribers(Some(subscriptions.clone()));
    let run = Run::new(found.content, scored, (&lately, &Bought::default()), &settings()).unwrap();
    assert_eq!(run.people(), there(END));
    let overview = run.overview(&settings(), "EUR");
    assert_eq!((overview.people, overview.lost, overview.when), (there(END) as u64, 0, None));
    assert_eq!(overview.definition.contract, Some(Contract::default()));
}

#[test]
fn an_end_that_was_heard_of_later_changes_no_row_of_the_past() {
    let service = service(400, 4);
    let (_, looks, rows, ..) = known(&service);
    let last = looks.days.len() - 2;
    let before = looks.days[last];
    // Everybody had ended it long ago, of which it was heard at the last moment.
    let mut more = Service { deeds: service.deeds.clone(), signs: service.signs.clone() };
    for (_, signs) in &mut more.signs {
        signs.push(sign(before - 1, before, "", true));
        signs.sort_by_key(|it| it.day);
    }
    let (_, _, again, _, subscriptions) = known(&more);
    let past = |rows: &Rows| {
        let all = rows.rows.iter().filter(|it| it.look <= last);
        all.map(|it| format!("{it:?}")).collect::<Vec<String>>()
    };
    assert_eq!(past(&again), past(&rows));
    // The label knows it: they had none when it was asked.
    assert!(again.rows.iter().filter(|it| it.look == last).all(|it| subscriptions.is_lost(
        it.person,
        before,
        before + 28
    )));
    assert!(again.rows.iter().filter(|it| it.look == last + 1).count() < rows.rows.len() / 20, "now it is known");
}

#[test]
fn too_few_subscriptions_are_a_sentence() {
    let few = Subscriptions::new(service(99, 1).signs);
    let verdict = Definition::by_contract(&Contract::default(), &few, &settings()).unwrap_err();
    assert_eq!((verdict.code.as_str(), verdict.have, verdict.need), ("too_few_subscribers", 99, 100));
}
