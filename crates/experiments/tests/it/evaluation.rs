//! What a unit gets, against a slow second implementation that writes the rules down one after the other, and the promises about people who are in.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rapport_domain::assignment::{self, Unit};
use rapport_domain::{PersonId, Timestamp};
use rapport_experiments::design::{Form, Metric, Place, Rule, Serve, UnitKind};
use rapport_experiments::evaluate::Fault;
use rapport_experiments::open_feature::{self, Failure};
use rapport_experiments::{
    Change, Design, Experiment, Held, Kind, Reason, Situation, State, Variant, change, checks, evaluate, held_out,
};
use serde_json::json;

fn variant(key: &str, weight: u32, is_control: bool) -> Variant {
    Variant { key: key.into(), name: String::new(), weight, value: json!(key), is_control }
}

fn design(kind: Kind, weights: &[u32]) -> Design {
    let variants = weights.iter().enumerate().map(|(at, weight)| variant(&format!("v{at}"), *weight, at == 0));
    Design {
        name: "Headline".into(),
        hypothesis: String::new(),
        kind,
        unit: UnitKind::Person,
        salt: "salt".into(),
        variants: variants.collect(),
        rules: Vec::new(),
        traffic: 10_000,
        group: None,
        respects_global_holdout: true,
        subject: None,
        starts_at: None,
        ends_at: None,
        primary: Some(Metric {
            key: "orders".into(),
            name: "Orders".into(),
            direction: Default::default(),
            form: Form::Share,
        }),
        guardrails: Vec::new(),
        secondary: Vec::new(),
        conversion_hours: 24,
        reading: Default::default(),
        plan: None,
    }
}

fn running(number: i64, design: Design) -> Experiment {
    Experiment {
        number,
        key: format!("e{number}"),
        state: State::Running,
        version: 3,
        allocation: 2,
        winner: None,
        started_at: Some(Timestamp(1)),
        ended_at: None,
        design,
    }
}

/// A person of whom nothing is known; every condition whose key begins with `t` holds.
fn situation<'a>(person: i64, held: &'a BTreeMap<i64, Held>, holdouts: &'a [&'a Experiment]) -> Situation<'a> {
    Situation {
        now: Timestamp(1_000),
        person: Some(PersonId(person)),
        anonymous: None,
        truths: &|key| key.starts_with('t'),
        held,
        holdouts,
        subjects: &[],
    }
}

type Edits = dyn Fn(&mut Design);
type Edit<'a> = &'a Edits;

const NOBODY: &BTreeMap<i64, Held> = &BTreeMap::new();

/// The rules of `evaluate`, one sentence after the other: (variant, word for why, variants of exposures by experiment).
fn slowly(e: &Experiment, s: &Situation<'_>) -> (String, &'static str, BTreeMap<i64, String>) {
    let d = &e.design;
    let control = d.variants.iter().find(|it| it.is_control).unwrap().key.clone();
    if e.state == State::Decided {
        return (e.winner.clone().unwrap_or(control), "static", BTreeMap::new());
    }
    let too_early = matches!(d.starts_at, Some(at) if s.now < at);
    let too_late = matches!(d.ends_at, Some(at) if s.now >= at);
    if e.state != State::Running || too_early || too_late {
        return (control, "disabled", BTreeMap::new());
    }
    let unit = match d.unit {
        UnitKind::Person => s.person.map(|it| Unit::Number(it.0)),
        UnitKind::Anonymous => s.anonymous.map(Unit::Text),
    };
    let Some(unit) = unit else { return (control, "unit", BTreeMap::new()) };
    let mut exposures = BTreeMap::new();
    let drawn = || {
        let mut tickets = Vec::new();
        for variant in &d.variants {
            tickets.extend(std::iter::repeat_n(variant.key.clone(), variant.weight as usize));
        }
        let at = assignment::point(&d.salt, unit) as f64 / 2f64.powi(64) * tickets.len() as f64;
        tickets[at as usize].clone()
    };
    let mut chosen: Option<(String, &'static str)> = None;
    if d.kind == Kind::Experiment && s.held.contains_key(&e.number) {
        let held = &s.held[&e.number].variant;
        if d.variants.iter().any(|it| &it.key == held && it.weight == 0) {
            return (control, "excluded", BTreeMap::new());
        }
        chosen = Some((held.clone(), "split"));
    }
    if chosen.is_none() {
        let mut serve = if d.rules.is_empty() { Some((Serve::Split, "")) } else { None };
        for rule in &d.rules {
            let place = assignment::bucket(&format!("{}/rule/{}", d.salt, rule.key), unit);
            let holds = match &rule.condition {
                None => true,
                Some(condition) => (s.truths)(condition),
            };
            if serve.is_none() && holds && place < rule.share {
                let why = match (&rule.condition, rule.share) {
                    (None, 10_000) => "static",
                    (Some(_), 10_000) => "match",
                    _ => "split",
                };
                serve = Some((rule.serve.clone(), why));
            }
        }
        let Some((serve, why)) = serve else { return (control, "default", BTreeMap::new()) };
        if let Some(place) = &d.group {
            let at = assignment::bucket(&format!("group/{}", place.group), unit);
            if at < place.from || at >= place.to {
                return (control, "excluded", BTreeMap::new());
            }
        }
        if assignment::bucket(&format!("{}/traffic", d.salt), unit) >= d.traffic {
            return (control, "excluded", BTreeMap::new());
        }
        chosen = Some(match serve {
            Serve::Variant(key) => (key, why),
            Serve::Split => {
                let key = drawn();
                let is_noted = d.kind == Kind::Holdout && s.held.get(&e.number).is_some_and(|it| it.allocation == 2);
                if d.kind != Kind::Flag && !is_noted {
                    exposures.insert(e.number, key.clone());
                }
                (key, "split")
            }
        });
    }
    let (key, why) = chosen.unwrap();
    let mut out = false;
    let mut of_holdouts = BTreeMap::new();
    if d.kind != Kind::Holdout {
        for holdout in s.holdouts {
            let about_this = match &holdout.design.subject {
                Some(subject) => s.subjects.iter().any(|it| it == subject),
                None => d.respects_global_holdout,
            };
            if about_this {
                let (arm, why, noted) = slowly(holdout, &Situation { holdouts: &[], ..*s });
                if why == "split" {
                    out |= arm == "v0";
                    of_holdouts.extend(noted);
                }
            }
        }
    }
    if out {
        return (control, "holdout", of_holdouts);
    }
    exposures.extend(of_holdouts);
    (key, why, exposures)
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Static => "static",
        Reason::TargetingMatch => "match",
        Reason::Split => "split",
        Reason::Disabled => "disabled",
        Reason::Default => "default",
        Reason::Holdout => "holdout",
        Reason::Excluded => "excluded",
        Reason::Error(Fault::UnitMissing) => "unit",
        Reason::Error(Fault::NothingToGive) => "nothing",
    }
}

fn any_rule() -> impl Strategy<Value = (Option<String>, u32, Serve)> {
    let condition = prop::sample::select(vec![None, Some("true".to_owned()), Some("false".to_owned())]);
    let serve = prop::sample::select(vec![Serve::Split, Serve::Variant("v0".into()), Serve::Variant("v1".into())]);
    (condition, prop::sample::select(vec![0, 2_500, 7_000, 10_000]), serve)
}

fn any_experiment() -> impl Strategy<Value = Experiment> {
    let state =
        prop::sample::select(vec![State::Running, State::Running, State::Running, State::Paused, State::Decided]);
    let kind = prop::sample::select(vec![Kind::Experiment, Kind::Flag]);
    let group = prop::option::of((0u32..5_000, 1u32..5_000));
    let times = (prop::option::weighted(0.2, 900i64..1_100), prop::option::weighted(0.2, 900i64..1_100));
    (
        (state, kind, any::<bool>(), any::<bool>()),
        (prop::collection::vec(0u32..5, 2..4), prop::collection::vec(any_rule(), 0..4)),
        (prop::sample::select(vec![0, 5_000, 10_000]), group, times, prop::option::of(Just("v1".to_owned()))),
    )
        .prop_map(|((state, kind, by_person, respects), (mut weights, rules), (traffic, group, times, winner))| {
            weights[0] += 1;
            let mut design = design(kind, &weights);
            design.unit = if by_person { UnitKind::Person } else { UnitKind::Anonymous };
            design.respects_global_holdout = respects;
            let rule = |(at, (condition, share, serve))| Rule { key: format!("r{at}"), condition, share, serve };
            design.rules = rules.into_iter().enumerate().map(rule).collect();
            design.traffic = traffic;
            design.group = group.map(|(from, size)| Place { group: "g".into(), from, to: from + size });
            (design.starts_at, design.ends_at) = (times.0.map(Timestamp), times.1.map(Timestamp));
            Experiment { state, winner, ..running(1, design) }
        })
}

fn holdout(number: i64, subject: Option<&str>, held_out: u32, state: State) -> Experiment {
    let mut design = design(Kind::Holdout, &[held_out, 4]);
    design.salt = format!("holdout-{number}");
    design.subject = subject.map(str::to_owned);
    Experiment { state, ..running(number, design) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_slow_rules_say_the_same(
        experiment in any_experiment(),
        (person, anonymous) in (prop::option::weighted(0.9, 1i64..1_000_000), prop::option::weighted(0.9, "[a-z]{1,6}")),
        (of_own, of_global) in (prop::option::of(0usize..3), prop::option::weighted(0.6, (0usize..2, 1i64..3))),
        (global, local, other) in (1u32..6, 1u32..6, 1u32..6),
        paused: bool,
        subjects in prop::collection::vec(prop::sample::select(vec!["slot:home", "journey:a"]), 0..2),
    ) {
        let mut held = BTreeMap::new();
        let before = |at: usize, allocation| Held { variant: format!("v{at}"), allocation };
        held.extend(of_own.map(|at| (1, before(at, 2))).filter(|(_, it)| experiment.design.variant(&it.variant).is_some()));
        held.extend(of_global.map(|(at, allocation)| (2, before(at, allocation))));
        let holdouts = [
            holdout(2, None, global, State::Running),
            holdout(3, Some("slot:home"), local, if paused { State::Paused } else { State::Running }),
            holdout(4, Some("journey:a"), other, State::Running),
        ];
        let holdouts: Vec<&Experiment> = holdouts.iter().collect();
        let situation = Situation {
            person: person.map(PersonId),
            anonymous: anonymous.as_deref(),
            held: &held,
            holdouts: &holdouts,
            subjects: &subjects,
            ..situation(1, NOBODY, &[])
        };
        let found = evaluate(&experiment, &situation);
        let exposures: BTreeMap<i64, String> =
            found.exposures.iter().map(|it| (it.experiment, it.variant.clone())).collect();
        let wanted = slowly(&experiment, &situation);
        prop_assert_eq!((found.variant.unwrap().key.clone(), word(found.reason), exposures), wanted);
        prop_assert_eq!(&found, &evaluate(&experiment, &situation));
    }

    /// Whoever was exposed keeps their variant whatever the design becomes, as long as it runs and the variant is open; and of two designs of one
    /// allocation both draw the same for whoever is in both.
    #[test]
    fn changes_move_nobody(
        old in prop::collection::vec(0u32..5, 2..4),
        new in prop::collection::vec(0u32..5, 2..5),
        (factor, traffic, more) in (1u32..4, 0u32..=10_000, 0u32..=10_000),
        person in 1i64..1_000_000,
    ) {
        let mut before = design(Kind::Experiment, &old);
        before.variants[0].weight += 1;
        before.traffic = traffic;
        let mut after = design(Kind::Experiment, &new);
        after.variants[0].weight += 1;
        after.traffic = more;
        after.variants.iter_mut().for_each(|it| it.weight *= factor);
        let experiment = running(1, before);
        let first = evaluate(&experiment, &situation(person, NOBODY, &[]));
        let Ok(change) = change(&experiment, &after) else {
            prop_assert!(old.len() > new.len());
            return Ok(());
        };
        let later = running(1, after);
        if let Some(exposure) = first.exposures.first() {
            let held = BTreeMap::from([(1, Held { variant: exposure.variant.clone(), allocation: 2 })]);
            let again = evaluate(&later, &situation(person, &held, &[]));
            let is_open = later.design.variant(&exposure.variant).unwrap().weight > 0;
            let wanted = if is_open { exposure.variant.as_str() } else { "v0" };
            prop_assert_eq!((again.variant.unwrap().key.as_str(), again.exposures.len()), (wanted, 0));
            if change == Change::Same && traffic <= more {
                let fresh = evaluate(&later, &situation(person, NOBODY, &[]));
                prop_assert_eq!(&fresh.exposures[0].variant, &exposure.variant);
            }
        }
    }
}

#[test]
fn parts_come_out_as_large_as_meant() {
    let mut design = design(Kind::Experiment, &[1, 2, 1]);
    design.traffic = 4_000;
    let experiment = running(1, design);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for person in 1..=40_000 {
        for exposure in evaluate(&experiment, &situation(person, NOBODY, &[])).exposures {
            *counts.entry(exposure.variant).or_default() += 1;
        }
    }
    let counts: Vec<u32> = counts.into_values().collect();
    // Three standard deviations of a binomial about 4,000, 8,000 and 4,000.
    for (found, wanted, most) in [(counts[0], 4_000, 180), (counts[1], 8_000, 240), (counts[2], 4_000, 180)] {
        assert!(found.abs_diff(wanted) < most, "{counts:?}");
    }
}

/// Two experiments in one group never meet, and outside a group they meet as often as chance has it.
#[test]
fn experiments_of_a_group_never_meet() {
    let of_group = |number, salt: &str, place: Option<(u32, u32)>| {
        let mut design = design(Kind::Experiment, &[1, 1]);
        design.salt = salt.into();
        design.group = place.map(|(from, to)| Place { group: "checkout".into(), from, to });
        running(number, design)
    };
    let met = |a: &Experiment, b: &Experiment| {
        let is_in = |it, person| !evaluate(it, &situation(person, NOBODY, &[])).exposures.is_empty();
        (1..=5_000).filter(|person| is_in(a, *person) && is_in(b, *person)).count()
    };
    let [a, b] = [(1, "a", Some((0, 5_000))), (2, "b", Some((5_000, 10_000)))].map(|(n, s, p)| of_group(n, s, p));
    assert_eq!(met(&a, &b), 0);
    assert_eq!(met(&of_group(1, "a", None), &of_group(2, "b", None)), 5_000);
}

#[test]
fn a_holdout_gives_nothing_and_notes_both_of_its_arms() {
    let global = holdout(2, None, 1, State::Running);
    let journey = holdout(3, Some("journey:a"), 1, State::Running);
    let experiment = running(1, design(Kind::Experiment, &[1, 1]));
    let holdouts = [&global, &journey];
    let (mut out, mut treated) = (0, 0);
    for person in 1..=5_000 {
        let situation = Situation { subjects: &["journey:a"], ..situation(person, NOBODY, &holdouts) };
        let decision = evaluate(&experiment, &situation);
        let asked: BTreeSet<i64> = decision.exposures.iter().map(|it| it.experiment).collect();
        if decision.reason == Reason::Holdout {
            out += 1;
            assert_eq!((decision.variant.unwrap().key.as_str(), asked), ("v0", BTreeSet::from([2, 3])));
            assert!(decision.exposures.iter().any(|it| it.variant == "v0"));
        } else {
            treated += 1;
            assert_eq!(asked, BTreeSet::from([1, 2, 3]));
        }
        let of_journey = held_out(true, &situation);
        assert_eq!((of_journey.out, of_journey.exposures.len()), (decision.reason == Reason::Holdout, 2));
        assert!(decision.exposures.iter().all(|it| it.subject == "journey:a" && it.allocation == 2));
    }
    // One of five is held out of each: 1 - 0.8².
    assert!((out as f64 / 5_000.0 - 0.36).abs() < 0.025, "{out} {treated}");
    // Somewhere else the journey's holdout holds nobody out.
    let elsewhere = held_out(false, &situation(1, NOBODY, &holdouts));
    assert_eq!(elsewhere, Default::default());
}

#[test]
fn what_would_move_people_is_refused_and_the_rest_says_what_it_does() {
    let mut old = design(Kind::Experiment, &[1, 1]);
    old.group = Some(Place { group: "g".into(), from: 2_000, to: 4_000 });
    let experiment = running(1, old.clone());
    let with = |edit: &dyn Fn(&mut Design)| {
        let mut new = old.clone();
        edit(&mut new);
        change(&experiment, &new).map_err(|error| error.to_string())
    };
    assert_eq!(with(&|it| it.traffic = 500), Ok(Change::Same));
    assert_eq!(with(&|it| it.name = "Other".into()), Ok(Change::Same));
    assert_eq!(with(&|it| it.variants.iter_mut().for_each(|v| v.weight = 50)), Ok(Change::Same));
    assert_eq!(with(&|it| it.variants.push(variant("v2", 0, false))), Ok(Change::Same));
    assert_eq!(with(&|it| it.group = Some(Place { group: "g".into(), from: 1_000, to: 4_000 })), Ok(Change::Same));
    assert_eq!(with(&|it| it.variants[1].weight = 2), Ok(Change::Anew));
    assert_eq!(with(&|it| it.variants[1].weight = 0), Ok(Change::Anew));
    assert_eq!(with(&|it| it.variants[1].value = json!("new text")), Ok(Change::Anew));
    assert_eq!(with(&|it| it.variants.push(variant("v2", 1, false))), Ok(Change::Anew));
    let refused: [(Edit<'_>, &str); 8] = [
        (&|it| it.salt = "other".into(), "salt"),
        (&|it| it.unit = UnitKind::Anonymous, "unit"),
        (&|it| it.kind = Kind::Flag, "kind"),
        (&|it| it.group = None, "group"),
        (&|it| it.group = Some(Place { group: "g".into(), from: 2_000, to: 3_000 }), "group"),
        (&|it| it.variants.truncate(1), "variants"),
        (&|it| it.variants.iter_mut().for_each(|v| v.is_control = !v.is_control), "variants"),
        (&|it| it.variants[0].weight = 0, "variants"),
    ];
    for (edit, field) in refused {
        let error = with(edit).unwrap_err();
        assert!(error.starts_with(field), "{error}");
    }
    let draft = Experiment { state: State::Draft, ..experiment.clone() };
    assert_eq!(change(&draft, &design(Kind::Flag, &[1])).unwrap(), Change::Same);
    let over = Experiment { state: State::Stopped, ..experiment };
    let mut other = old.clone();
    other.traffic = 1;
    assert_eq!(change(&over, &other).unwrap_err().code(), "experiment_fixed");
}

#[test]
fn a_design_that_cannot_work_is_refused_with_its_field() {
    let refused: Vec<(&str, Box<Edits>)> = vec![
        ("name", Box::new(|it| it.name = " ".into())),
        ("hypothesis", Box::new(|it| it.hypothesis = "a\0b".into())),
        ("variants", Box::new(|it| it.variants.truncate(1))),
        ("variants", Box::new(|it| it.variants[1].is_control = true)),
        ("variants", Box::new(|it| it.variants.iter_mut().for_each(|v| v.weight = 0))),
        ("variants[1].key", Box::new(|it| it.variants[1].key = "V 1".into())),
        ("variants[1].key", Box::new(|it| it.variants[1].key = "v0".into())),
        ("variants[1].value", Box::new(|it| it.variants[1].value = json!(true))),
        ("variants[0].value", Box::new(|it| it.variants[0].value = json!(null))),
        ("variants[0].value", Box::new(|it| it.variants[0].value = json!("a\0"))),
        ("variants[0].value", Box::new(|it| it.variants[0].value = json!("x".repeat(20_000)))),
        ("traffic", Box::new(|it| it.traffic = 10_001)),
        ("group.from", Box::new(|it| it.group = Some(Place { group: "g".into(), from: 5, to: 5 }))),
        ("group.to", Box::new(|it| it.group = Some(Place { group: "g".into(), from: 5, to: 10_001 }))),
        ("ends_at", Box::new(|it| (it.starts_at, it.ends_at) = (Some(Timestamp(5)), Some(Timestamp(5))))),
        ("conversion_hours", Box::new(|it| it.conversion_hours = 0)),
        ("rules[0].serve", Box::new(|it| it.rules = vec![rule("a", Serve::Variant("v9".into()))])),
        ("rules[1].key", Box::new(|it| it.rules = vec![rule("a", Serve::Split), rule("a", Serve::Split)])),
        ("metrics", Box::new(|it| it.secondary = vec![it.primary.clone().unwrap()])),
        ("reading", Box::new(|it| it.reading.alpha = f64::NAN)),
        ("plan.units", Box::new(|it| it.reading.method = rapport_experiments::design::Method::Once)),
        ("subject", Box::new(|it| it.subject = Some("journey:a".into()))),
        ("traffic", Box::new(|it| (it.kind, it.traffic) = (Kind::Holdout, 1))),
        ("subject", Box::new(|it| (it.kind, it.subject) = (Kind::Holdout, Some("home".into())))),
    ];
    for (field, edit) in refused {
        let mut design = design(Kind::Experiment, &[1, 1]);
        assert!(checks::check(&design).is_ok());
        edit(&mut design);
        let error = checks::check(&design).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{field}:")), "{field}: {error}");
    }
    let mut without = design(Kind::Experiment, &[1, 1]);
    without.primary = None;
    assert!(checks::check(&without).is_ok() && checks::can_start(&without).is_err());
    without.kind = Kind::Flag;
    assert!(checks::can_start(&without).is_ok());
}

fn rule(key: &str, serve: Serve) -> Rule {
    Rule { key: key.into(), condition: None, share: 10_000, serve }
}

#[test]
fn the_stored_form_comes_back_and_knows_its_fields() {
    let mut full = design(Kind::Experiment, &[1, 1]);
    full.rules = vec![rule("a", Serve::Variant("v1".into()))];
    full.group = Some(Place { group: "g".into(), from: 0, to: 5 });
    full.plan = Some(rapport_experiments::design::Plan { effect: 0.05, power: 0.8, units: Some(1_000) });
    let text = serde_json::to_string(&full).unwrap();
    assert_eq!(serde_json::from_str::<Design>(&text).unwrap(), full);
    let least = r#"{"name":"N","kind":"flag","variants":[{"key":"off","weight":1,"value":false,"is_control":true}]}"#;
    let read: Design = serde_json::from_str(least).unwrap();
    assert_eq!((read.traffic, read.conversion_hours, read.reading.alpha), (10_000, 336, 0.05));
    let unknown = least.replace("\"name\"", "\"colour\":1,\"name\"");
    assert!(serde_json::from_str::<Design>(&unknown).unwrap_err().to_string().contains("colour"));
}

#[test]
fn the_guides_example_can_be_started() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/experiments.md");
    let text = std::fs::read_to_string(guide).unwrap();
    let example: String =
        text.lines().skip_while(|it| !it.starts_with("    {")).take_while(|it| it.starts_with("    ")).collect();
    let design: Design = serde_json::from_str(&example).unwrap();
    assert!(checks::check(&design).is_ok() && checks::can_start(&design).is_ok());
    assert_eq!((design.rules[0].serve.clone(), design.traffic), (Serve::Split, 2_000));
}

#[test]
fn the_site_gets_what_open_feature_wants() {
    let mut flag = design(Kind::Flag, &[0, 1]);
    flag.rules = vec![Rule { condition: Some("true".into()), ..rule("a", Serve::Variant("v1".into())) }];
    let flag = Experiment { key: "b".into(), ..running(7, flag) };
    let mut on_device = design(Kind::Experiment, &[1, 1]);
    on_device.unit = UnitKind::Anonymous;
    let on_device = Experiment { key: "a".into(), ..running(8, on_device) };
    let draft = Experiment { state: State::Draft, ..flag.clone() };
    let global = holdout(2, None, 1, State::Paused);
    let situation = situation(1, NOBODY, &[]);
    let all = open_feature::all([&flag, &on_device, &draft, &global], &situation);
    assert_eq!(all.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(all[0].outcome, Err(Failure::TargetingKeyMissing));
    let resolved = all[1].outcome.clone().unwrap();
    assert_eq!((resolved.value, resolved.reason, resolved.version), (json!("v1"), "TARGETING_MATCH", 2));
    let on = Situation { anonymous: Some("device-1"), ..situation };
    let one = open_feature::one(&on_device, &on);
    assert_eq!((one.outcome.unwrap().reason, one.exposures.len()), ("SPLIT", 1));

    let tag = open_feature::etag(&all);
    assert_eq!(tag, open_feature::etag(&all.clone()));
    assert_ne!(tag, open_feature::etag(&all[1..]));
    assert!(open_feature::not_modified(&format!("\"x\", W/{tag}"), &tag) && !open_feature::not_modified("\"x\"", &tag));

    assert_eq!(open_feature::targeting_key(&json!({"context": {"targetingKey": "ann", "plan": "pro"}})), Ok("ann"));
    for (body, failure) in [
        (json!({}), Failure::TargetingKeyMissing),
        (json!({"context": {"targetingKey": ""}}), Failure::TargetingKeyMissing),
        (json!({"context": []}), Failure::InvalidContext),
        (json!({"context": {"targetingKey": 7}}), Failure::InvalidContext),
        (json!({"context": {"targetingKey": "x".repeat(513)}}), Failure::InvalidContext),
    ] {
        assert_eq!(open_feature::targeting_key(&body), Err(failure));
    }
    assert_eq!((Failure::FlagNotFound.status(), Failure::Parse.status()), (404, 400));
}

/// The experiment and whoever asks the lot alone agree about everybody, at every share; and a share that grows lets nobody go.
#[test]
fn the_global_holdout_is_the_lot_that_others_ask() {
    for places in [1, 725, 3_000, 5_000] {
        let mut design = design(Kind::Holdout, &[places, 10_000 - places]);
        design.salt = assignment::GLOBAL_HOLDOUT.into();
        let holdout = running(1, design);
        let mut out = 0;
        for person in 1..=5_000 {
            // What was noted before does not count: the lot alone decides.
            let before = Held { variant: "v1".into(), allocation: 1 };
            let held = BTreeMap::from([(1, before)]);
            let decision = evaluate(&holdout, &situation(person, &held, &[]));
            let is_held = assignment::is_held_out(PersonId(person), places);
            assert_eq!(decision.variant.unwrap().is_control, is_held);
            assert!(!is_held || assignment::is_held_out(PersonId(person), places + 1));
            assert!(decision.exposures[0].renews);
            out += u32::from(is_held);
        }
        let wanted = f64::from(places) / 2.0;
        assert!((f64::from(out) - wanted).abs() <= 4.0 * wanted.sqrt() + 1.0, "{out} of {places}");
    }
}
