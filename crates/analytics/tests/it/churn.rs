//! Who will be lost, from what people did to scores and figures: features beside a slow second implementation, events that came late, a shop of which the truth is
//! known, hostile data, versions that did worse.

use proptest::prelude::*;
use rapport_analytics::churn::{
    self, Before, Content, Costed, Deed, Definition, Did, FEATURES, Happenings, Known, Learned, Looks, Rows, Run,
    STEPS, Settings, Written,
};
use rapport_analytics::value::{Bought, Buyer, Day};
use rapport_domain::PersonId;

use crate::chance::Chance;

/// The first day that is not known.
const END: i32 = 20_000;
const DAYS: i32 = 500;

fn deed(day: i32, did: Did, amount: f64) -> Deed {
    Deed { day, heard: day, did, amount, reduced: false, stands: true, reason: None }
}

/// A shop: what everybody did, and what they bought.
struct Shop {
    deeds: Vec<(PersonId, Vec<Deed>)>,
    bought: Bought,
}

/// People buy every 20 days or so and come by every 5; some complain, and half of those leave that day. Others leave some day.
fn shop(count: usize, seed: u64) -> Shop {
    let mut chance = Chance(seed);
    let (mut deeds, mut bought) = (Vec::new(), Bought::default());
    for person in 0..count {
        let first = f64::from(END - DAYS) + chance.next() * f64::from(DAYS - 10);
        let every = 10.0 + 20.0 * chance.next();
        let mut gone = first + chance.exponential(500.0);
        let complains = first + chance.exponential(250.0);
        let mut own: Vec<Deed> = Vec::new();
        if complains < gone.min(f64::from(END)) {
            own.push(deed(complains as i32, Did::Complained, f64::NAN));
            if chance.next() < 0.5 {
                gone = complains;
            }
        }
        let until = gone.max(first + 0.5).min(f64::from(END));
        for (did, every) in [(Did::Bought, every), (Did::Visited, 5.0)] {
            let mut at = first;
            while at < until {
                own.push(deed(at as i32, did, if did == Did::Bought { 20.0 + 40.0 * chance.next() } else { f64::NAN }));
                at += chance.exponential(every);
            }
        }
        own.sort_by_key(|it| it.day);
        let mut days: Vec<Day> = Vec::new();
        for it in own.iter().filter(|it| it.did == Did::Bought) {
            if days.last().is_none_or(|last| last.day < it.day) {
                days.push(Day { day: it.day, micros: Some((it.amount * 1e6) as i64) });
            }
        }
        deeds.push((PersonId(person as i64), own));
        bought.buyers.push(Buyer { person: PersonId(person as i64), days });
    }
    Shop { deeds, bought }
}

fn settings() -> Settings {
    Settings { horizon_weeks: Some(8), ..Settings::default() }
}

fn rows(shop: &Shop, looks: &Looks, kept: Option<&[f64]>) -> Rows {
    let mut rows = Rows::new(looks);
    shop.deeds.iter().for_each(|(person, deeds)| rows.add(*person, deeds, looks));
    rows.settle(kept);
    rows
}

fn happenings(shop: &Shop, definition: &Definition, looks: &Looks) -> Happenings {
    let mut all = Happenings::new(definition, looks, Written::default());
    shop.deeds.iter().for_each(|(person, deeds)| all.add(*person, deeds));
    all
}

fn looks(shop: &Shop, end: i32, more: &[i32]) -> (Definition, Looks) {
    let definition = Definition::of(&shop.bought, end, &settings()).unwrap();
    let looks = definition.looks((&shop.bought, None), end, more).unwrap();
    (definition, looks)
}

fn learned(shop: &Shop, end: i32, before: Option<&Before>) -> Learned {
    let (definition, looks) = looks(shop, end, &[]);
    let (rows, happenings) = (rows(shop, &looks, None), happenings(shop, &definition, &looks));
    churn::learn((&shop.bought, &rows, &happenings), definition, (end, before), &[], 1, &|_| ()).unwrap()
}

#[test]
fn who_will_be_lost_is_told_and_probabilities_mean_what_they_say() {
    let shop = shop(1_500, 3);
    let (definition, looks) = looks(&shop, END, &[]);
    assert_eq!((definition.horizon_weeks, definition.active_weeks, definition.is_proposed), (8, 16, false));
    assert_eq!(looks.days, (0..=6).rev().map(|n| END - n * 56).collect::<Vec<_>>());
    let (rows, happenings) = (rows(&shop, &looks, None), happenings(&shop, &definition, &looks));
    let known = (&shop.bought, &rows, &happenings);
    let told = std::cell::RefCell::new(Vec::new());
    let step = |at| told.borrow_mut().push(at);
    let found = churn::learn(known, definition.clone(), (END, None), &[], 1, &step).unwrap();
    assert_eq!(*told.borrow(), [1, 2, 3, STEPS]);
    let metrics = &found.content.metrics;
    assert_eq!((metrics.from, metrics.until), (END - 56, END));
    assert!(metrics.auc.unwrap().low > 0.75, "{:?}", metrics.auc);
    assert!(metrics.calibration_error.unwrap() < 0.06, "{:?}", metrics.calibration);
    assert!(metrics.bias.low < 0.15 && metrics.bias.high > -0.15, "{:?}", metrics.bias);
    assert_eq!(found.content.choice.tried.len(), 2);
    assert!(found.content.warnings.is_empty(), "{:?}", found.content.warnings);
    assert!(found.came > 100 && found.rows > 2_000 && found.moments == 6);
    // Half of those who complain leave that day, and nothing else happens before a loss.
    let triggers = found.content.triggers.as_ref().unwrap();
    let complained = triggers.found.iter().find(|it| it.key == "complained").unwrap_or_else(|| panic!("{triggers:?}"));
    assert!(complained.odds.low > 2.0 && complained.people >= 15, "{complained:?}");
    assert_eq!((triggers.window_days, &triggers.verdict), (56, &None));
    assert!(triggers.found[0].key.contains("complained"), "{triggers:?}");
    // What nobody did is no feature.
    for word in ["stars_last", "tickets_180", "messages_90", "reduced"] {
        assert!(!found.content.features.iter().any(|it| it == word), "{word}");
    }
    assert!(found.content.features.iter().any(|it| it == "complaints_180"));
    // What is kept is read back, also as text.
    let text = serde_json::to_string(&found.content).unwrap();
    let again: Content = serde_json::from_str(&text).unwrap();
    assert_eq!(again.features, found.content.features);
    let once_more = churn::learn(known, definition, (END, None), &[], 1, &|_| ()).unwrap();
    assert_eq!(once_more, found, "the same rows and seed");
    let card = found.card(&shop.bought).markdown(3);
    for part in ["version 3", "next 8 weeks", "What it cannot say", "Calibration", "complaints in 180 days"] {
        assert!(card.contains(part), "{part}: {card}");
    }
}

#[test]
fn what_then_happened_is_told_once_the_horizon_has_passed() {
    let shop = shop(1_500, 4);
    let before = learned(&shop, END - 60, None);
    let (_, looks) = looks(&shop, END, &[END - 60]);
    assert!(looks.days.contains(&(END - 60)));
    let rows = rows(&shop, &looks, None);
    let came = churn::came((&shop.bought, &rows, None), &before.content, END).unwrap();
    assert!(came.bias.low < 0.2 && came.bias.high > -0.2 && came.came > 30.0, "{came:?}");
    assert_eq!(churn::came((&shop.bought, &rows, None), &before.content, END - 10), None, "too early to tell");
}

/// Whatever happens later, or is heard of later, no row of the past knows it.
#[test]
fn what_came_later_or_was_heard_of_later_changes_no_row_of_the_past() {
    let shop = shop(300, 5);
    let (definition, looks) = looks(&shop, END, &[]);
    let found = rows(&shop, &looks, None);
    let last = looks.days.len() - 2;
    let before = looks.days[last];
    let mut more = Shop { deeds: shop.deeds.clone(), bought: shop.bought.clone() };
    for (_, deeds) in &mut more.deeds {
        // Long ago, but heard of at the last moment or later.
        let late = [0, 3].map(|n| Deed { heard: before + n, ..deed(before - 40, Did::Complained, f64::NAN) });
        deeds.extend(late);
        deeds.push(deed(before, Did::Bought, 90.0));
        deeds.sort_by_key(|it| it.day);
    }
    let again = rows(&more, &looks, None);
    let past = |rows: &Rows| {
        let all = rows.rows.iter().filter(|it| it.look <= last);
        all.map(|it| format!("{it:?}")).collect::<Vec<String>>()
    };
    assert_eq!(past(&again), past(&found));
    let happened = |shop: &Shop| happenings(shop, &definition, &looks);
    assert!(happened(&shop).all.len() > 150 && happened(&more) == happened(&shop));
    assert_eq!(again.late, found.late + 600);
    // The present knows all of it.
    let complaints = FEATURES.iter().position(|it| it.0 == "complaints_180").unwrap();
    let now = again.rows.iter().filter(|it| it.look == last + 1);
    assert!(now.clone().count() > 200 && now.clone().all(|it| it.known.values[complaints] >= 2.0));
    // A shop that hears of everything half a year late knows of nobody then.
    for (_, deeds) in &mut more.deeds {
        deeds.iter_mut().for_each(|it| it.heard = it.day + 400);
    }
    let deaf = rows(&more, &looks, None);
    assert!(deaf.rows.iter().filter(|it| it.look <= last).count() < found.rows.len() / 10);
}

#[test]
fn data_that_do_not_carry_a_model_are_a_sentence() {
    let of = |shop: &Shop, settings: &Settings| {
        let definition = Definition::of(&shop.bought, END, settings)?;
        let looks = definition.looks((&shop.bought, None), END, &[])?;
        let (rows, happenings) = (rows(shop, &looks, None), happenings(shop, &definition, &looks));
        churn::learn((&shop.bought, &rows, &happenings), definition, (END, None), &[], 1, &|_| ())
    };
    let code = |shop: &Shop, settings: &Settings| of(shop, settings).unwrap_err().code;
    let few = of(&shop(99, 1), &settings()).unwrap_err();
    assert_eq!((few.code.as_str(), few.have, few.need), ("too_few_people", 99, 100));
    let full = shop(400, 1);
    assert_eq!(code(&full, &Settings { horizon_weeks: Some(30), ..settings() }), "too_little_time");
    let mut once = shop(400, 1);
    once.bought.buyers.iter_mut().for_each(|it| it.days.truncate(1));
    assert_eq!(code(&once, &Settings::default()), "no_horizon");
    // Everybody stays.
    let mut stays = shop(200, 1);
    for buyer in &mut stays.bought.buyers {
        buyer.days = (0..DAYS / 7).map(|n| Day { day: END - DAYS + 7 * n, micros: Some(1_000_000) }).collect();
    }
    for ((_, deeds), buyer) in stays.deeds.iter_mut().zip(&stays.bought.buyers) {
        *deeds = buyer.days.iter().map(|it| deed(it.day, Did::Bought, 1.0)).collect();
    }
    assert_eq!(code(&stays, &settings()), "too_few_lost");
    // Whether somebody buys is a coin that knows nobody.
    let mut coin = shop(800, 1);
    let mut chance = Chance(9);
    for ((_, deeds), buyer) in coin.deeds.iter_mut().zip(&mut coin.bought.buyers) {
        buyer.days = (0..DAYS / 28)
            .filter(|_| chance.next() < 0.5)
            .map(|n| Day { day: END - DAYS + 28 * n, micros: Some(1_000_000) })
            .collect();
        if buyer.days.is_empty() {
            buyer.days.push(Day { day: END - DAYS, micros: None });
        }
        *deeds = vec![
            deed(END - DAYS, Did::Bought, 1.0),
            deed(END - 57, Did::Bought, 1.0),
            deed(END - 170, Did::Bought, 1.0),
        ];
        deeds.extend([100, 225, 281, 337, 400].map(|ago| deed(END - ago, Did::Bought, 1.0)));
        deeds.extend((0..40).map(|_| deed(END - (500.0 * chance.next()) as i32 - 1, Did::Visited, f64::NAN)));
        deeds.sort_by_key(|it| it.day);
    }
    let verdict = of(&coin, &settings()).unwrap_err();
    assert_eq!(verdict.code, "tells_nothing", "{}", verdict.text);
}

#[test]
fn a_horizon_is_proposed_by_the_gaps_and_the_time_there_is() {
    let shop = shop(400, 6);
    let found = Definition::of(&shop.bought, END, &Settings::default()).unwrap();
    let mut gaps: Vec<i32> =
        shop.bought.buyers.iter().flat_map(|it| it.days.windows(2)).map(|pair| pair[1].day - pair[0].day).collect();
    gaps.sort_unstable();
    let within = gaps.iter().filter(|it| **it <= 7 * found.horizon_weeks).count() as f64 / gaps.len() as f64;
    assert!(found.is_proposed && (0.9..0.97).contains(&within), "{found:?} {within}");
    assert_eq!(found.active_weeks, 2 * found.horizon_weeks);
    let mut rare = shop;
    for buyer in &mut rare.bought.buyers {
        let first = buyer.days[0];
        buyer.days = vec![first, Day { day: first.day + 300, ..first }];
        buyer.days.retain(|it| it.day < END);
    }
    let found = Definition::of(&rare.bought, END, &Settings::default()).unwrap();
    assert_eq!(found.horizon_weeks, DAYS / 7 / 4, "there is time for no longer one");
}

#[test]
fn a_feature_that_gives_the_answer_away_is_told() {
    let shop = shop(900, 7);
    let (definition, looks) = looks(&shop, END, &[]);
    let mut rows = rows(&shop, &looks, None);
    let place = FEATURES.iter().position(|it| it.0 == "messages_90").unwrap();
    for row in &mut rows.rows {
        let (buyer, day) = (&shop.bought.buyers[row.person.0 as usize], rows.days[row.look]);
        row.known.values[place] = f64::from(u8::from(buyer.later(day, day + 56).0 == 0));
    }
    let known = (&shop.bought, &rows, &happenings(&shop, &definition, &looks));
    let found = churn::learn(known, definition, (END, None), &[], 1, &|_| ()).unwrap();
    assert_eq!(found.content.warnings[0].feature, "messages_90", "{:?}", found.content.warnings);
    assert!(found.card(&shop.bought).limits[0].contains("all but tells who is lost"));
}

#[test]
fn a_worse_version_is_held_and_one_as_good_is_not() {
    let shop = shop(1_500, 8);
    let good = learned(&shop, END - 7, None);
    let before = |it: &Learned| Before { version: 4, content: it.content.clone(), people: it.people as i64 };
    let next = learned(&shop, END, Some(&before(&good)));
    let against = next.content.against.unwrap();
    assert_eq!((against.version, against.holds()), (4, vec![]), "{against:?}");
    // What was known at the earlier moments is another's: an import gone wrong.
    let (definition, looks) = looks(&shop, END, &[]);
    let mut wrong = rows(&shop, &looks, None);
    let last = looks.days.len() - 2;
    let earlier: Vec<usize> =
        (0..wrong.rows.len()).filter(|at| wrong.rows[*at].look < last && wrong.rows[*at].person.0 % 10 < 8).collect();
    let kept: Vec<Known> = earlier.iter().map(|at| wrong.rows[*at].known.clone()).collect();
    for (n, at) in earlier.iter().enumerate() {
        wrong.rows[*at].known = kept[(n * 7 + 311) % kept.len()].clone();
    }
    let happenings = happenings(&shop, &definition, &looks);
    let known = (&shop.bought, &wrong, &happenings);
    let found = churn::learn(known, definition.clone(), (END, Some(&before(&good))), &[], 1, &|_| ()).unwrap();
    let codes: Vec<String> = found.content.against.unwrap().holds().into_iter().map(|it| it.code).collect();
    assert!(codes.iter().any(|it| it == "foretells_worse"), "{codes:?}");
    // What is known of people now is compared with how it was when the version before was fitted: a source of visits that stopped.
    let both = definition.looks((&shop.bought, None), END, &[END - 7]).unwrap();
    let mut now = rows(&shop, &both, None);
    let learn = |rows: &Rows| {
        let known = (&shop.bought, rows, &happenings);
        churn::learn(known, definition.clone(), (END, Some(&before(&good))), &[], 1, &|_| ()).unwrap()
    };
    let found = learn(&now);
    let drift = found.content.drift.as_ref().unwrap();
    assert!(drift.version == 4 && drift.moved.len() == found.content.features.len() && drift.meant.is_some());
    let visits = FEATURES.iter().position(|it| it.0 == "visits_30").unwrap();
    let present = both.days.len() - 1;
    now.rows.iter_mut().filter(|it| it.look == present).for_each(|it| it.known.values[visits] = 0.0);
    let found = learn(&now);
    let hold = found.content.holds().into_iter().find(|it| it.code == "features_moved").unwrap();
    assert!(hold.text.contains("days with visits in 30 days"), "{}", hold.text);
    let limits = found.card(&shop.bought).limits;
    assert!(limits.iter().any(|it| it.starts_with("Since version 4 this has moved")), "{limits:?}");
    assert!(limits.iter().any(|it| it.starts_with("Of the same people version 4 said")), "{limits:?}");
    // Lost means something else: there is nothing to compare.
    let other = Definition { active_weeks: 20, ..definition };
    let found = churn::learn(known, other, (END, Some(&before(&good))), &[], 1, &|_| ()).unwrap();
    assert_eq!(found.content.against, None);
}

#[test]
fn figures_are_sums_of_the_scores_that_people_get() {
    let shop = shop(1_000, 9);
    let found = learned(&shop, END, None);
    let active = 7 * found.content.definition.active_weeks;
    let looks = Looks { days: vec![END], is_present: true, active, anybody: false, most: usize::MAX };
    let lately = happenings(&shop, &found.content.definition, &looks);
    let now = rows(&shop, &looks, found.content.buying.as_deref());
    let settings = Settings { loss: Some(100.0), action: Some(9.0), ..settings() };
    let run = Run::new(found.content.clone(), now.clone(), (&lately, &shop.bought), &settings).unwrap();
    let all = run.some(0, run.people());
    assert_eq!((all.len(), run.some(995, 500).len()), (1_000, 5));
    let figures = run.overview(&settings, "EUR");
    assert!((figures.threshold.unwrap() - 0.3).abs() < 1e-12);
    assert_eq!(figures.people + figures.lost, 1_000);
    let (lost, still): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.detail.level == "lost");
    assert_eq!(lost.len() as u64, figures.lost);
    assert!(lost.iter().all(|it| it.risk == 1.0 && it.tenth == 0 && it.detail.days_since > 112));
    for it in &still {
        assert!(it.low <= it.risk && it.risk <= it.high && it.risk > 0.0 && it.risk < 1.0, "{it:?}");
        let level = if it.risk >= figures.threshold.unwrap() {
            "high"
        } else if it.risk >= 0.15 {
            "medium"
        } else {
            "low"
        };
        assert_eq!(it.detail.level, level);
        assert!((1..=10).contains(&it.tenth) && it.detail.because.len() <= 3);
    }
    let expected: f64 = still.iter().map(|it| it.risk).sum();
    assert!((figures.expected.value - expected).abs() < 1e-6);
    assert!(figures.expected.low <= expected && expected <= figures.expected.high);
    let complained = figures.triggers_now.iter().find(|it| it.trigger.key == "complained").unwrap();
    let has_lately = |it: &&&churn::Scored| {
        let deeds = &shop.deeds[it.person.0 as usize].1;
        deeds.iter().any(|deed| deed.did == Did::Complained && (END - 56..END).contains(&deed.day))
    };
    assert_eq!(complained.now, still.iter().filter(has_lately).count() as u64);
    assert!(complained.now > 0 && complained.condition.is_some());
    for it in &figures.triggers_now {
        let has = still.iter().filter(|own| own.detail.triggers.contains(&it.trigger.key)).count() as u64;
        assert_eq!(it.now, has, "{}", it.trigger.key);
    }
    for level in &figures.levels {
        assert_eq!(level.people, all.iter().filter(|it| it.detail.level == level.level).count() as u64);
    }
    assert_eq!(figures.bands.iter().map(|it| it.people).sum::<u64>(), figures.people);
    for cause in &figures.causes {
        assert_eq!(cause.people, still.iter().filter(|it| it.cause == cause.feature).count() as u64, "{cause:?}");
    }
    // Acting on everybody finds all, on fewer people fewer; what it brings is what is kept less what is spent.
    let (first, last) = (&figures.costs[0], &figures.costs[19]);
    let gain = |it: &Costed| it.gain.unwrap();
    assert!((first.reached.acted, first.reached.found) == (1.0, 1.0) && last.reached.acted < 0.5, "{first:?} {last:?}");
    assert!((gain(first) - 1_000.0 * (figures.base * 30.0 - 9.0)).abs() < 1e-6, "{first:?}");
    assert!(figures.costs.windows(2).all(|pair| pair[0].reached.found >= pair[1].reached.found));
    let best = figures.costs.iter().max_by(|a, b| gain(a).total_cmp(&gain(b))).unwrap();
    let own = &figures.costs[6];
    assert!(
        (own.reached.threshold - 0.3).abs() < 1e-12 && gain(own) >= 0.8 * gain(best),
        "the threshold is about the best: {own:?} {best:?}"
    );
    // Who has not come by for long is at a higher risk, and it is said so.
    let visits = figures.associated.iter().find(|it| it.feature == "visits_since").unwrap();
    assert!(visits.points[0].chance < visits.points[visits.points.len() - 1].chance, "{visits:?}");
    assert!(still.iter().filter(|it| it.risk > 0.5).all(|it| it.detail.because.iter().any(|why| why.raises)));
    // Acting that never pays leaves nobody high.
    let dear = Settings { action: Some(40.0), ..settings };
    let run = Run::new(found.content.clone(), now.clone(), (&lately, &shop.bought), &dear).unwrap();
    let figures = run.overview(&dear, "EUR");
    assert_eq!((figures.threshold, figures.levels[0].people), (None, 0));
    // Where nobody said what acting costs, high is whoever's odds are twice the usual, and what acting brings is not told.
    let unsaid = Settings { loss: Some(100.0), ..Settings::default() };
    let run = Run::new(found.content, now, (&lately, &shop.bought), &unsaid).unwrap();
    let figures = run.overview(&unsaid, "EUR");
    let (base, high) = (figures.base, figures.threshold.unwrap());
    assert!((high / (1.0 - high) - 2.0 * base / (1.0 - base)).abs() < 1e-9 && figures.medium == base);
    assert!(figures.action.is_none() && figures.costs.iter().all(|it| it.gain.is_none()));
    let some = figures.levels[0].people;
    assert!(some > 0 && some < figures.people / 2, "some are high, not most: {some} of {}", figures.people);
}

/// What is known, once more: slow and obvious, over all deeds, day by day.
fn oracle(deeds: &[Deed], moment: i32) -> Option<Vec<f64>> {
    let known: Vec<Deed> = deeds.iter().filter(|it| it.day < moment && it.heard < moment).cloned().collect();
    let happened = |did: Did, day: i32| known.iter().any(|it| it.did == did && it.day == day);
    let days =
        |did: Did, from: i32, to: i32| (moment - from..moment - to).filter(|day| happened(did, *day)).count() as f64;
    known.first()?;
    let all: Vec<i32> = (0..moment).filter(|day| happened(Did::Bought, *day)).collect();
    let ago = |day: Option<&i32>| day.map_or(f64::NAN, |it| f64::from(moment - it));
    let paid = |within: i32| -> Vec<f64> {
        let fits = |it: &&Deed| it.did == Did::Bought && it.day >= moment - within && !it.amount.is_nan();
        known.iter().filter(fits).map(|it| it.amount).collect()
    };
    let count =
        |did: Did, within: i32| known.iter().filter(|it| it.did == did && it.day >= moment - within).count() as f64;
    let latest = |did: Did| {
        let mut own: Vec<&Deed> = known.iter().filter(|it| it.did == did && !it.amount.is_nan()).collect();
        own.sort_by_key(|it| it.day);
        own.last().map_or(f64::NAN, |it| it.amount)
    };
    let gaps: Vec<f64> = (1..all.len()).map(|at| f64::from(all[at] - all[at - 1])).collect();
    let mean = |of: &[f64]| if of.is_empty() { f64::NAN } else { of.iter().sum::<f64>() / of.len() as f64 };
    let gap = mean(&gaps);
    let spread = match gaps.len() {
        0 | 1 => f64::NAN,
        n => (gaps.iter().map(|it| (it - gap) * (it - gap)).sum::<f64>() / (n as f64 - 1.0)).sqrt() / gap,
    };
    let usual = mean(&paid(99_999));
    let visits: Vec<i32> = (0..moment).filter(|day| happened(Did::Visited, *day)).collect();
    let orders: Vec<&Deed> = known.iter().filter(|it| it.did == Did::Bought).collect();
    let since = ago(all.last());
    let own: Vec<i32> = (0..moment).filter(|day| happened(Did::Own, *day)).collect();
    Some(vec![
        since,
        ago(all.first()),
        all.len() as f64,
        gap,
        since / gap,
        spread,
        usual,
        latest(Did::Bought) / usual,
        days(Did::Bought, 90, 0),
        days(Did::Bought, 365, 0),
        paid(90).iter().sum(),
        paid(365).iter().sum(),
        days(Did::Bought, 90, 0) - days(Did::Bought, 180, 90),
        days(Did::Visited, 30, 0),
        days(Did::Visited, 30, 0) - days(Did::Visited, 60, 30),
        ago(visits.last()),
        orders.iter().filter(|it| it.reduced).count() as f64 / orders.len() as f64,
        count(Did::Refunded, 365) + count(Did::Cancelled, 365),
        count(Did::Complained, 180),
        count(Did::Asked, 180),
        latest(Did::Rated),
        latest(Did::Recommended),
        count(Did::Opened, 90),
        f64::NAN,
        ago(own.last()),
        count(Did::Own, 90),
        count(Did::Own, 365),
        f64::NAN,
        latest(Did::Satisfied),
        latest(Did::Eased),
        latest(Did::Felt),
    ])
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let did = prop::sample::select(vec![
        Did::Bought,
        Did::Bought,
        Did::Bought,
        Did::Visited,
        Did::Visited,
        Did::Refunded,
        Did::Cancelled,
        Did::Complained,
        Did::Asked,
        Did::Rated,
        Did::Recommended,
        Did::Opened,
        Did::Referred,
        Did::Own,
        Did::Satisfied,
        Did::Eased,
        Did::Felt,
    ]);
    let amount = prop::sample::select(vec![f64::NAN, 1.0, 3.0, 5.0]);
    (1i32..500, prop::sample::select(vec![0, 0, 0, 1, 30, 400]), did, amount, any::<bool>()).prop_map(
        |(day, late, did, amount, reduced)| Deed {
            day,
            heard: day + late,
            did,
            amount,
            reduced,
            stands: true,
            reason: None,
        },
    )
}

proptest! {
    /// Oracle: everything that is known of somebody, day by day.
    #[test]
    fn what_is_known_is_what_a_slow_look_finds(deeds in prop::collection::vec(any_deed(), 0..50), moment in 1i32..520) {
        let mut deeds = deeds;
        // One a kind and day, so that the last one is one.
        deeds.sort_by_key(|it| (it.day, it.did as u8));
        deeds.dedup_by_key(|it| (it.day, it.did as u8));
        let found = Known::at(&deeds, moment, moment);
        let slow = oracle(&deeds, moment);
        prop_assert_eq!(found.is_some(), slow.is_some());
        if let (Some(found), Some(slow)) = (found, slow) {
            for (at, slow) in slow.iter().enumerate() {
                let own = found.values[at];
                let alike = (own.is_nan() && !slow.is_finite()) || (own - slow).abs() < 1e-9;
                prop_assert!(alike, "{}: {own} {slow}", FEATURES[at].0);
            }
            let later: Vec<Deed> = deeds.iter().filter(|it| it.day < moment && it.heard < moment).cloned().collect();
            prop_assert_eq!(format!("{:?}", Known::at(&later, moment, i32::MAX)), format!("{:?}", Some(found)));
        }
    }
}
