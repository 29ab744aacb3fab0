//! Who will do something, from what people did to scores and figures: a shop of which the truth is known, late events, categories, conditions that people come to fulfil,
//! audiences, hostile data.

use rapport_analytics::foretelling::{Deed, Did, FEATURES, Foretold as _, Known, Looks, Rows, STEPS};
use rapport_analytics::propensity::{self, Before, Content, Definition, Label, Learned, Run, Spans, Truth};
use rapport_analytics::scores::Verdict;
use rapport_analytics::value::{Bought, Buyer, Day};
use rapport_domain::PersonId;

use crate::chance::Chance;

/// The first day that is not known.
const END: i32 = 20_000;
const DAYS: i32 = 400;
const FIRST: i32 = END - DAYS;

fn deed(day: i32, did: Did) -> Deed {
    let amount = if did == Did::Bought { 30.0 } else { f64::NAN };
    Deed { day, heard: day, did, amount, reduced: false, stands: true, reason: None }
}

/// A shop: what everybody did, what they bought, and since when they are on the dear plan.
struct Shop {
    deeds: Vec<(PersonId, Vec<Deed>)>,
    bought: Bought,
    plans: Spans,
}

/// Each person comes by, buys and clicks at a rate of their own (clicks go with visits); whoever comes by often goes to the dear plan sooner.
fn shop(count: usize, seed: u64) -> Shop {
    let mut chance = Chance(seed);
    let (mut deeds, mut bought, mut plans) = (Vec::new(), Bought::default(), Spans::new());
    for number in 0..count {
        let person = PersonId(number as i64);
        let eager = chance.next();
        let mut own: Vec<Deed> = Vec::new();
        let mut days: Vec<Day> = Vec::new();
        for day in FIRST + (200.0 * chance.next()) as i32..END {
            if chance.next() < 0.02 + 0.2 * eager {
                own.push(deed(day, Did::Visited));
            }
            if chance.next() < 0.003 + 0.03 * eager {
                own.push(deed(day, Did::Bought));
                days.push(Day { day, micros: Some(30_000_000) });
            }
            if chance.next() < 0.001 + 0.02 * eager * eager {
                own.push(deed(day, Did::Own));
            }
            if !plans.contains_key(&person) && chance.next() < 0.0002 + 0.012 * eager * eager {
                plans.insert(person, vec![(day, i32::MAX)]);
            }
        }
        if !days.is_empty() {
            bought.buyers.push(Buyer { person, days });
        }
        own.sort_by_key(|it| it.day);
        deeds.push((person, own));
    }
    Shop { deeds, bought, plans }
}

fn definition(label: Label) -> Definition {
    Definition { label, horizon_weeks: 4, audience: None, active_weeks: 26 }
}

fn clicks() -> Definition {
    definition(Label::Event { event: "Message Clicked".to_owned(), filter: None })
}

fn upgrade() -> Definition {
    let plan = serde_json::json!({"fact": {"key": "trait.plan", "op": "equals", "value": "pro"}});
    definition(Label::Condition { condition: serde_json::from_value(plan).unwrap() })
}

fn rows(shop: &Shop, looks: &Looks, kept: Option<&[f64]>) -> (Rows, Truth) {
    let (mut rows, mut truth) = (Rows::new(looks), Truth::default());
    for (person, deeds) in &shop.deeds {
        rows.add(*person, deeds, looks);
        truth.add(*person, deeds);
    }
    rows.settle(kept);
    (rows, truth)
}

fn learn(shop: &Shop, definition: &Definition, end: i32, before: Option<&Before>) -> Result<Learned, Verdict> {
    let looks = propensity::looks(definition, FIRST, end, &[])?;
    let (rows, mut truth) = rows(shop, &looks, None);
    if definition.label.condition().is_some() {
        truth.fulfils = shop.plans.clone();
    }
    let told = std::cell::RefCell::new(Vec::new());
    let step = |at| told.borrow_mut().push(at);
    let known = (&shop.bought, &rows, &truth);
    let learned = propensity::learn(known, definition.clone(), (FIRST, end, before), &[], 1, &step)?;
    assert_eq!(*told.borrow(), [1, 2, 3, STEPS]);
    Ok(learned)
}

fn run(shop: &Shop, content: &Content, truth: &Truth) -> Run {
    let active = content.definition.active_days();
    let looks = Looks { days: vec![END], is_present: true, active, anybody: true, most: usize::MAX };
    let now = rows(shop, &looks, Some(content.buying.as_deref().unwrap_or_default())).0;
    Run::new(content.clone(), now, truth).unwrap()
}

#[test]
fn who_will_do_it_is_told_and_probabilities_mean_what_they_say() {
    let shop = shop(2_000, 3);
    for (definition, title) in [
        (clicks(), "Who does “Message Clicked” in the next 4 weeks"),
        (definition(Label::Purchase {}), "Who buys in the next 4 weeks"),
        (upgrade(), "Who comes to fulfil: trait plan = pro, in the next 4 weeks"),
    ] {
        let found = learn(&shop, &definition, END, None).unwrap();
        let metrics = &found.content.metrics;
        assert_eq!((metrics.from, metrics.until), (END - 28, END));
        assert!(metrics.auc.unwrap().low > 0.55, "{title}: {:?}", metrics.auc);
        assert!(metrics.calibration_error.unwrap() < 0.06, "{title}: {:?}", metrics.calibration);
        assert!(metrics.bias.low < 0.2 && metrics.bias.high > -0.2, "{title}: {:?}", metrics.bias);
        assert!(found.content.warnings.is_empty(), "{:?}", found.content.warnings);
        let text = serde_json::to_string(&found.content).unwrap();
        let again: Content = serde_json::from_str(&text).unwrap();
        assert_eq!(again.definition, definition);
        assert_eq!(learn(&shop, &definition, END, None).unwrap(), found, "the same rows and seed");
        let card = found.card(&shop.bought).markdown(3);
        for part in [title, "version 3", "What it cannot say", "Calibration", "nothing was heard for 26 weeks"] {
            assert!(card.contains(part), "{part}: {card}");
        }
    }
    // When somebody did it last is known of what people do, and nothing of it where it is something they become.
    let uses = |it: &Learned, word: &str| it.content.features.iter().any(|one| one == word);
    assert!(uses(&learn(&shop, &clicks(), END, None).unwrap(), "own_since"));
    let mut without = shop;
    without.deeds.iter_mut().for_each(|it| it.1.retain(|deed| deed.did != Did::Own));
    assert!(!uses(&learn(&without, &upgrade(), END, None).unwrap(), "own_since"));
}

/// Whoever is on the plan at a moment already is no row of it, and is not scored.
#[test]
fn who_is_so_already_is_not_asked() {
    let shop = shop(1_500, 5);
    let definition = upgrade();
    let found = learn(&shop, &definition, END, None).unwrap();
    let before = |day: i32| shop.plans.values().filter(|it| it[0].0 < day).count();
    let looks = propensity::looks(&definition, FIRST, END, &[]).unwrap();
    let all = &rows(&shop, &looks, None).0;
    let judged = END - 28;
    let days = &all.days;
    let there = |day: i32| all.rows.iter().filter(move |it| days[it.look] == day);
    let so =
        |day: i32| there(day).filter(|it| shop.plans.get(&it.person).is_some_and(|spans| spans[0].0 < day)).count();
    assert!(so(judged) > 100 && before(judged) >= so(judged));
    assert_eq!(found.content.metrics.people as usize, there(judged).count() - so(judged));
    let came = there(judged).filter(|it| shop.plans.get(&it.person).is_some_and(|it| (judged..END).contains(&it[0].0)));
    assert_eq!(found.content.metrics.came as usize, came.count());
    let truth = Truth { fulfils: shop.plans.clone(), ..Truth::default() };
    let run = run(&shop, &found.content, &truth);
    let figures = run.overview("EUR");
    assert_eq!(figures.already as usize, so(END));
    assert!(run.some(0, run.people()).iter().all(|it| !shop.plans.contains_key(&it.person)));
    // It is not that those who became so are told by what they did then: nothing of the horizon is known.
    assert!(found.content.metrics.auc.unwrap().high < 0.95);
}

#[test]
fn only_those_who_are_asked_about_are_learnt_from_and_scored() {
    let shop = shop(2_000, 6);
    let definition = clicks();
    let half = |person: PersonId| person.0 % 2 == 0;
    let audience: Spans =
        shop.deeds.iter().filter(|it| half(it.0)).map(|it| (it.0, vec![(FIRST - 1, i32::MAX)])).collect();
    let looks = propensity::looks(&definition, FIRST, END, &[]).unwrap();
    let (rows, mut truth) = rows(&shop, &looks, None);
    truth.audience = Some(audience.clone());
    let known = (&shop.bought, &rows, &truth);
    let found = propensity::learn(known, definition.clone(), (FIRST, END, None), &[], 1, &|_| ()).unwrap();
    assert!(found.people <= 1_000 && found.people > 900, "{}", found.people);
    let run = run(&shop, &found.content, &truth);
    let figures = run.overview("EUR");
    let all = run.some(0, run.people());
    assert!(all.iter().all(|it| half(it.person)));
    assert_eq!((figures.people, figures.others + figures.idle + figures.people), (all.len() as u64, 2_000));
    // Nobody is asked about who came into the audience too late.
    truth.audience = Some(audience.keys().map(|it| (*it, vec![(END, i32::MAX)])).collect());
    let known = (&shop.bought, &rows, &truth);
    let verdict = propensity::learn(known, definition, (FIRST, END, None), &[], 1, &|_| ()).unwrap_err();
    assert_eq!((verdict.code.as_str(), verdict.have, verdict.need), ("too_few_asked", 0, 100));
}

/// An order that was called off since is none, though it was known as one then.
#[test]
fn what_does_not_stand_any_more_did_not_come_true() {
    let mut shop = shop(800, 8);
    for (_, deeds) in &mut shop.deeds {
        deeds.iter_mut().for_each(|it| it.stands = it.did != Did::Own || it.day < END - 28);
    }
    let verdict = learn(&shop, &clicks(), END, None).unwrap_err();
    assert_eq!((verdict.code.as_str(), verdict.have), ("too_few_did", 0), "{}", verdict.text);
}

#[test]
fn what_was_heard_of_later_changes_no_row_of_the_past() {
    let shop = shop(300, 9);
    let definition = clicks();
    let looks = propensity::looks(&definition, FIRST, END, &[]).unwrap();
    let (found, _) = rows(&shop, &looks, None);
    let (last, before) = (looks.days.len() - 2, looks.days[looks.days.len() - 2]);
    let mut more = Shop { deeds: shop.deeds.clone(), bought: shop.bought.clone(), plans: Spans::new() };
    for (_, deeds) in &mut more.deeds {
        deeds.push(Deed { heard: before, ..deed(before - 5, Did::Own) });
        deeds.push(deed(before, Did::Own));
        deeds.sort_by_key(|it| it.day);
    }
    let (again, truth) = rows(&more, &looks, None);
    let past = |rows: &Rows| {
        let all = rows.rows.iter().filter(|it| it.look <= last);
        all.map(|it| format!("{it:?}")).collect::<Vec<String>>()
    };
    assert_eq!(past(&again), past(&found));
    // But what came is what happened, whenever it was heard of.
    assert!(shop.deeds.iter().all(|it| truth.days[&it.0].contains(&before)));
    let own = FEATURES.iter().position(|it| it.0 == "own_90").unwrap();
    assert!(again.rows.iter().filter(|it| it.look == last + 1).all(|it| it.known.values[own] >= 2.0));
}

/// Whoever never bought is a row too, of whom nothing is known that only buyers have.
#[test]
fn who_never_bought_is_known_by_what_else_they_did() {
    let known = Known::at(&[deed(10, Did::Visited), deed(14, Did::Own)], 20, 20).unwrap();
    let of = |word: &str| known.values[FEATURES.iter().position(|it| it.0 == word).unwrap()];
    assert_eq!((known.since, known.history, known.seen), (None, None, 6));
    assert_eq!((of("visits_since"), of("own_since"), of("purchases"), of("spend_90")), (10.0, 6.0, 0.0, 0.0));
    for word in ["since", "tenure", "gap", "spend_mean", "reduced", "alive"] {
        assert!(of(word).is_nan(), "{word}");
    }
    assert_eq!(Known::at(&[deed(10, Did::Visited)], 10, 20), None, "nothing before the day");
    let looks = |anybody| Looks { days: vec![20], is_present: true, active: 7, anybody, most: 9 };
    for (anybody, many) in [(true, 1), (false, 0)] {
        let mut rows = Rows::new(&looks(anybody));
        rows.add(PersonId(1), &[deed(10, Did::Visited), deed(14, Did::Own)], &looks(anybody));
        assert_eq!((rows.rows.len(), rows.lost.len()), (many, 0), "{anybody}");
    }
}

#[test]
fn data_that_do_not_carry_a_model_are_a_sentence() {
    let code = |shop: &Shop, definition: &Definition| learn(shop, definition, END, None).unwrap_err().code;
    assert_eq!(code(&shop(99, 1), &clicks()), "too_few_asked");
    let full = shop(400, 1);
    let long = Definition { horizon_weeks: 30, ..clicks() };
    assert_eq!(code(&full, &long), "too_little_time");
    let mut never = shop(400, 1);
    never.deeds.iter_mut().for_each(|it| it.1.retain(|deed| deed.did != Did::Own));
    assert_eq!(code(&never, &clicks()), "too_few_did");
    let mut always = shop(400, 1);
    for (_, deeds) in &mut always.deeds {
        deeds.extend((0..DAYS / 14).map(|n| deed(FIRST + 14 * n, Did::Own)));
        deeds.sort_by_key(|it| it.day);
    }
    assert_eq!(code(&always, &clicks()), "too_few_did_not");
    // A coin that knows nobody.
    let mut coin = shop(1_200, 1);
    let mut chance = Chance(4);
    for (_, deeds) in &mut coin.deeds {
        *deeds = (0..DAYS / 20).map(|n| deed(FIRST + 20 * n, Did::Visited)).collect();
        deeds.extend((0..DAYS / 28).filter(|_| chance.next() < 0.5).map(|n| deed(END - 28 * n - 1, Did::Complained)));
        deeds.sort_by_key(|it| it.day);
    }
    coin.bought = Bought::default();
    // Some never come to it.
    let day = |chance: &mut Chance| END + 300 - (680.0 * chance.next()) as i32;
    coin.plans = (0..1_200).map(|person| (PersonId(person), vec![(day(&mut chance), i32::MAX)])).collect();
    let verdict = learn(&coin, &upgrade(), END, None).unwrap_err();
    assert_eq!(verdict.code, "tells_nothing", "{}", verdict.text);
}

#[test]
fn a_version_is_compared_only_with_one_that_foretold_the_same() {
    let shop = shop(1_500, 10);
    let good = learn(&shop, &clicks(), END - 7, None).unwrap();
    let before = Before { version: 4, content: good.content, people: good.people as i64 };
    let next = learn(&shop, &clicks(), END, Some(&before)).unwrap();
    let against = next.content.against.unwrap();
    assert_eq!((against.version, against.holds()), (4, vec![]), "{against:?}");
    let other = Definition { horizon_weeks: 6, ..clicks() };
    assert!(!other.is_alike(&clicks()));
    assert_eq!(learn(&shop, &other, END, Some(&before)).unwrap().content.against, None);
}

#[test]
fn what_then_happened_is_told_once_the_horizon_has_passed() {
    let shop = shop(1_500, 11);
    let before = learn(&shop, &clicks(), END - 30, None).unwrap();
    let looks = propensity::looks(&clicks(), FIRST, END, &[END - 30]).unwrap();
    let (rows, truth) = rows(&shop, &looks, None);
    let came = propensity::came((&shop.bought, &rows, &truth), &before.content, END).unwrap();
    assert!(came.bias.low < 0.25 && came.bias.high > -0.25 && came.came > 30.0, "{came:?}");
    assert_eq!(propensity::came((&shop.bought, &rows, &truth), &before.content, END - 10), None, "too early to tell");
}

#[test]
fn figures_are_sums_of_the_scores_that_people_get() {
    let shop = shop(1_200, 12);
    let found = learn(&shop, &clicks(), END, None).unwrap();
    let run = run(&shop, &found.content, &Truth::default());
    let (all, figures) = (run.some(0, run.people()), run.overview("EUR"));
    assert_eq!((figures.people as usize, figures.others, figures.already), (all.len(), 0, 0));
    for it in &all {
        assert!(it.low <= it.chance && it.chance <= it.high && it.chance > 0.0 && it.chance < 1.0, "{it:?}");
        assert!((1..=10).contains(&it.tenth) && it.detail.because.len() <= 3);
        let level = if it.chance >= figures.high {
            "high"
        } else if it.chance >= figures.medium {
            "medium"
        } else {
            "low"
        };
        assert_eq!(it.detail.level, level);
    }
    let expected: f64 = all.iter().map(|it| it.chance).sum();
    assert!((figures.expected.value - expected).abs() < 1e-6);
    assert!(figures.expected.low <= expected && expected <= figures.expected.high);
    for level in &figures.levels {
        assert_eq!(level.people, all.iter().filter(|it| it.detail.level == level.level).count() as u64);
    }
    assert!(figures.levels[0].people > 0 && figures.levels[0].people < figures.people / 2);
    assert_eq!(figures.bands.iter().map(|it| it.people).sum::<u64>(), figures.people);
    for cause in &figures.causes {
        assert_eq!(cause.people, all.iter().filter(|it| it.cause == cause.feature).count() as u64, "{cause:?}");
    }
    let reached = &figures.reached;
    assert!((reached[0].acted, reached[0].found) == (1.0, 1.0));
    assert!(reached.windows(2).all(|pair| pair[0].found >= pair[1].found && pair[0].acted >= pair[1].acted));
    assert!(figures.worth > 0.0 && figures.said == "does “Message Clicked” in the next 4 weeks");
    assert!(run.some(all.len(), 5).is_empty());
}
