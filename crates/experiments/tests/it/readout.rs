//! What is said in each case, word for word where it matters, and that nothing is said that the numbers do not bear.

use rapport_domain::Timestamp;
use rapport_experiments::attribution::incremental;
use rapport_experiments::design::{Direction, Form, Guardrail, Method, Metric, Plan, Scale, UnitKind};
use rapport_experiments::readout::{Counts, Data, Measured, Readout, Segment, Side, Sums, Tone, Verdict, readout};
use rapport_experiments::records::counts::DayRow;
use rapport_experiments::{Design, Experiment, Kind, State, Variant};
use rapport_models::experiments::{Moments, Paired, Undecidable};
use serde_json::json;

const DAY: i64 = 86_400;

fn metric(key: &str, form: Form) -> Metric {
    Metric { key: key.into(), name: key.into(), direction: Direction::Higher, form }
}

/// Two variants, started on day 10; metric: orders, a share; five per cent more would matter.
fn experiment() -> Experiment {
    let variant = |key: &str, name: &str, is_control| Variant {
        key: key.into(),
        name: name.into(),
        weight: 1,
        value: json!(key),
        is_control,
    };
    let base = json!({"name": "Headline", "kind": "experiment", "variants": []});
    let mut design: Design = serde_json::from_value(base).unwrap();
    design.variants = vec![variant("old", "Old", true), variant("new", "New", false)];
    design.primary = Some(metric("orders", Form::Share));
    design.plan = Some(Plan { effect: 0.05, power: 0.8, units: None });
    Experiment {
        number: 1,
        key: "headline".into(),
        state: State::Running,
        version: 2,
        allocation: 2,
        winner: None,
        started_at: Some(Timestamp::from_seconds(10 * DAY)),
        ended_at: None,
        design,
    }
}

/// Of so many people each, so many ordered; they came over ten days.
fn shares(n: [u64; 2], successes: [u64; 2]) -> Data {
    let sums = |at: usize| Sums::Share { successes: successes[at], n: n[at] };
    let a_day = n.iter().sum::<u64>() / 10;
    // Of the day that is not over there are few.
    let days = (10..20).map(|day| (day, a_day)).chain([(20, 3)]).collect();
    Data {
        counts: Counts { exposed: n.to_vec(), days, ..Counts::default() },
        metrics: vec![Measured { metric: "orders".into(), sums: vec![sums(0), sums(1)] }],
        segments: Vec::new(),
    }
}

fn on_day_20(experiment: &Experiment, data: &Data) -> Readout {
    readout(experiment, data, Timestamp::from_seconds(20 * DAY))
}

fn said<'r>(readout: &'r Readout, code: &str) -> Option<&'r str> {
    readout.sentences.iter().find(|it| it.code == code).map(|it| it.text.as_str())
}

fn codes(readout: &Readout) -> Vec<&'static str> {
    readout.sentences.iter().map(|it| it.code).collect()
}

#[test]
fn nobody_yet() {
    let found = on_day_20(&experiment(), &Data::default());
    assert_eq!((found.verdict.clone(), codes(&found)), (Verdict::TooEarly, vec!["nobody"]));
    assert_eq!(found.ratio, None);
}

#[test]
fn too_early() {
    let found = on_day_20(&experiment(), &shares([150, 99], [15, 30]));
    assert_eq!(found.verdict, Verdict::TooEarly);
    assert_eq!(
        said(&found, "too_early"),
        Some("It is too early: “New” has 99 people, and below 100 in a variant nothing can be relied on.")
    );
    assert!(said(&found, "win").is_none() && said(&found, "unclear").is_none());
    // Many exposed, few of whom it is known what they did.
    let mut data = shares([5_000, 5_000], [500, 900]);
    data.metrics[0].sums[1] = Sums::Share { successes: 20, n: 60 };
    let found = on_day_20(&experiment(), &data);
    assert!(said(&found, "too_early").unwrap().contains("“New” has 60 people"));
    assert_eq!(
        said(&found, "waiting"),
        Some("4,940 of those exposed are not counted yet, because their 336 hours are not over.")
    );
}

#[test]
fn the_ratio_is_broken() {
    let found = on_day_20(&experiment(), &shares([12_000, 10_000], [1_200, 1_500]));
    assert_eq!(
        (found.verdict.clone(), codes(&found)),
        (Verdict::Untrustworthy, vec!["ratio_broken", "ratio_broken_do"])
    );
    assert_eq!(
        said(&found, "ratio_broken"),
        Some(
            "People did not arrive in the variants as meant: 54.5 % : 45.5 % instead of 50 % : 50 %. By chance this happens less than once in a \
             thousand experiments, so no number here can be believed."
        )
    );
    let ratio = found.ratio.unwrap();
    assert!(ratio.broken && ratio.p < 1e-9, "{ratio:?}");
    // Meant so, it is no fault.
    let mut six_to_five = experiment();
    six_to_five.design.variants[0].weight = 6;
    six_to_five.design.variants[1].weight = 5;
    let found = on_day_20(&six_to_five, &shares([12_000, 10_000], [1_200, 1_500]));
    assert_eq!(found.verdict, Verdict::Better("new".into()));
}

#[test]
fn a_clear_win() {
    let found = on_day_20(&experiment(), &shares([20_000, 20_000], [1_000, 1_300]));
    assert_eq!(found.verdict, Verdict::Better("new".into()));
    assert_eq!(
        said(&found, "win"),
        Some(
            "“New” is better on orders: +30 %, from 5.00 % to 6.50 %. The truth is between +12.9 % and +47.1 % (with 95 % certainty)."
        )
    );
    assert_eq!(said(&found, "do_give"), Some("Give everybody “New”."));
    assert_eq!(
        said(&found, "peeking_allowed"),
        Some("You may look at any time and end it when you like: what is said of 40,000 people holds at every look.")
    );
    assert_eq!((said(&found, "short"), said(&found, "days_left")), (None, None));
    let primary = &found.comparisons[0];
    let side = |mean| Some(Side { units: 20_000, mean });
    assert_eq!((primary.control, primary.treatment), (side(0.05), side(0.065)));
    assert!((primary.other.unwrap().reading.estimate - 0.015).abs() < 1e-12);
}

#[test]
fn a_clear_loss() {
    let found = on_day_20(&experiment(), &shares([20_000, 20_000], [1_300, 1_000]));
    assert_eq!(found.verdict, Verdict::Worse);
    assert!(said(&found, "loss").unwrap().starts_with("“New” is worse on orders: −23.1 %, from 6.50 % to 5.00 %."));
    assert_eq!(said(&found, "do_keep"), Some("Keep what people have without it."));
    // Of a metric of which less is better it is a win.
    let mut lower = experiment();
    lower.design.primary.as_mut().unwrap().direction = Direction::Lower;
    let found = on_day_20(&lower, &shares([20_000, 20_000], [1_300, 1_000]));
    assert_eq!(found.verdict, Verdict::Better("new".into()));
    assert!(said(&found, "win").is_some() && said(&found, "lower_is_better").is_some());
}

#[test]
fn no_difference_that_would_matter() {
    let found = on_day_20(&experiment(), &shares([400_000, 400_000], [40_000, 40_100]));
    assert_eq!(found.verdict, Verdict::NoDifference);
    let text = said(&found, "no_difference").unwrap();
    assert!(text.starts_with("If “New” changes orders at all, then by less than 5 %: between −2"), "{text}");
    assert!(said(&found, "do_choose").is_some() && said(&found, "unclear").is_none());
    // Without a plan nothing says what would matter.
    let mut unplanned = experiment();
    unplanned.design.plan = None;
    let found = on_day_20(&unplanned, &shares([400_000, 400_000], [40_000, 40_100]));
    assert_eq!(found.verdict, Verdict::Unclear);
    assert!(said(&found, "unclear").unwrap().contains("A difference larger than 2"));
}

#[test]
fn unclear_with_the_days_it_takes() {
    let found = on_day_20(&experiment(), &shares([5_000, 5_000], [500, 505]));
    assert_eq!(found.verdict, Verdict::Unclear);
    let text = said(&found, "unclear").unwrap();
    assert!(text.starts_with("It cannot be said whether “New” changes orders: between −"), "{text}");
    assert!(text.ends_with("this is no proof that there is none."), "{text}");
    let progress = found.progress;
    assert_eq!((progress.units, progress.a_day, progress.ran_days), (10_000, Some(1_000.0), 10));
    let needed = progress.needed.unwrap();
    assert_eq!(progress.days_left, Some((needed - 10_000).div_ceil(1_000)));
    // The plan and the readout speak of the same: with the needed units the detectable effect is the planned one.
    let there = on_day_20(&experiment(), &shares([needed / 2, needed / 2], [needed / 20, needed / 20]));
    assert!((there.progress.detectable.unwrap() - 0.05).abs() < 0.0005, "{:?}", there.progress);
    assert!(said(&found, "days_left").unwrap().contains("at 1,000 a day"));
    // A hundredth of the people a day: it would take years.
    let mut slow = shares([5_000, 5_000], [500, 505]);
    slow.counts.days = vec![(10, 9_970), (19, 30)];
    let found = on_day_20(&experiment(), &slow);
    assert!(said(&found, "few_exposures").is_some() && found.progress.days_left.unwrap() > 90);
}

#[test]
fn a_harmed_guardrail_spoils_a_win() {
    let mut experiment = experiment();
    let refunds = Metric { direction: Direction::Lower, ..metric("refunds", Form::Share) };
    experiment.design.guardrails = vec![Guardrail { metric: refunds, margin: 0.02 }];
    let with = |refunds: [u64; 2]| {
        let mut data = shares([20_000, 20_000], [1_000, 1_300]);
        let sums = refunds.map(|successes| Sums::Share { successes, n: 20_000 }).to_vec();
        data.metrics.push(Measured { metric: "refunds".into(), sums });
        data
    };
    let harmed = on_day_20(&experiment, &with([1_000, 1_500]));
    assert_eq!(harmed.verdict, Verdict::Harmful("new".into()));
    let text = said(&harmed, "guardrail_harmed").unwrap();
    assert!(text.starts_with("“New” harms refunds, which must not get worse by more than 2 %: between +"), "{text}");
    assert_eq!(said(&harmed, "do_close"), Some("Take “New” away, whatever else it brings."));
    assert_eq!(said(&harmed, "do_give"), None);
    let unclear = on_day_20(&experiment, &with([1_000, 1_010]));
    assert_eq!(unclear.verdict, Verdict::Better("new".into()));
    assert!(
        said(&unclear, "guardrail_unclear")
            .unwrap()
            .starts_with("It cannot be said yet whether “New” keeps refunds within 2 %")
    );
    assert_eq!(
        (said(&unclear, "do_give"), said(&unclear, "do_wait")),
        (None, Some("Before you give everybody “New”, wait until it can be said what becomes of refunds."))
    );
    let safe = on_day_20(&experiment, &with([1_000, 700]));
    assert!(said(&safe, "do_give").is_some());
    assert!(said(&safe, "guardrail_safe").is_some() && said(&safe, "guardrail_unclear").is_none());
}

#[test]
fn reading_once_waits_for_its_number() {
    let mut once = experiment();
    once.design.reading.method = Method::Once;
    once.design.plan = Some(Plan { effect: 0.05, power: 0.8, units: Some(50_000) });
    let found = on_day_20(&once, &shares([20_000, 20_000], [1_000, 1_300]));
    assert_eq!(found.verdict, Verdict::NotYet);
    assert_eq!(
        said(&found, "not_yet"),
        Some(
            "It is to be read once, at 50,000 people, and has 40,000. Who stops earlier because of what is seen finds differences that are not there."
        )
    );
    assert!(
        said(&found, "win").is_none() && said(&found, "do_give").is_none() && said(&found, "peeking_allowed").is_none()
    );
    let found = on_day_20(&once, &shares([25_000, 25_000], [1_250, 1_625]));
    assert_eq!(found.verdict, Verdict::Better("new".into()));
    assert!(said(&found, "read_once").is_some() && said(&found, "not_yet").is_none());
}

#[test]
fn who_is_left_out_is_said() {
    let mut data = shares([20_000, 20_000], [1_000, 1_300]);
    (data.counts.mixed, data.counts.earlier) = (37, 1_200);
    let found = on_day_20(&experiment(), &data);
    assert!(said(&found, "mixed").unwrap().starts_with("37 people had more than one variant"));
    assert!(said(&found, "earlier").unwrap().starts_with("1,200 people were exposed before the weights"));
    let soon = readout(&experiment(), &data, Timestamp::from_seconds(13 * DAY + 5));
    assert!(said(&soon, "short").unwrap().starts_with("It has run for 3 whole days."));
}

#[test]
fn many_metrics_and_segments_are_kept_honest() {
    let mut experiment = experiment();
    experiment.design.secondary = (0..10).map(|at| metric(&format!("m{at}"), Form::Share)).collect();
    experiment.design.reading.method = Method::Once;
    experiment.design.plan = Some(Plan { effect: 0.05, power: 0.8, units: Some(20_000) });
    let with = |lucky: u64, sure: u64| {
        let mut data = shares([10_000, 10_000], [1_000, 1_000]);
        for at in 0..10 {
            let treated = match at {
                0 => lucky,
                1 => sure,
                _ => 1_002,
            };
            let sums = vec![Sums::Share { successes: 1_000, n: 10_000 }, Sums::Share { successes: treated, n: 10_000 }];
            data.metrics.push(Measured { metric: format!("m{at}"), sums: sums.clone() });
            data.segments.push(Segment { name: format!("part {at}"), sums });
        }
        data
    };
    // 1,090 has a p of 0.037 alone, and is nothing among ten; 1,300 is.
    let found = on_day_20(&experiment, &with(1_090, 1_001));
    assert_eq!((said(&found, "secondary_better"), said(&found, "secondary_worse")), (None, None));
    assert!(said(&found, "segments_unclear").unwrap().starts_with("In none of 10 comparisons"));
    let found = on_day_20(&experiment, &with(1_001, 1_300));
    let text = said(&found, "secondary_better").unwrap();
    assert!(text.starts_with("Of 10 further comparisons these are better: m1 of “New” (+30 %)."), "{text}");
    let text = said(&found, "segments_clear").unwrap();
    assert!(text.starts_with("Within segments it is clear for “New” among part 1 (+30 %) (of 10 looked at"), "{text}");
    // Neither touches what decides.
    assert_eq!(found.comparisons[0].answer.unwrap().q, Some(found.comparisons[0].answer.unwrap().reading.p));
    assert_eq!(found.verdict, Verdict::Unclear);
}

#[test]
fn of_three_variants_the_best_is_given() {
    let mut three = experiment();
    three.design.variants.push(Variant { key: "bold".into(), name: "Bold".into(), ..three.design.variants[1].clone() });
    let with = |orders: [u64; 3]| {
        let sums = orders.map(|successes| Sums::Share { successes, n: 20_000 }).to_vec();
        Data {
            counts: Counts { exposed: vec![20_000; 3], ..Counts::default() },
            metrics: vec![Measured { metric: "orders".into(), sums }],
            segments: Vec::new(),
        }
    };
    assert_eq!(on_day_20(&three, &with([1_000, 1_300, 1_500])).verdict, Verdict::Better("bold".into()));
    assert_eq!(on_day_20(&three, &with([1_500, 1_000, 1_100])).verdict, Verdict::Worse);
    assert_eq!(on_day_20(&three, &with([1_500, 1_000, 1_490])).verdict, Verdict::Unclear);
    // A closed variant is nobody's any more, and is not missed.
    three.design.variants[2].weight = 0;
    let mut data = with([1_000, 1_300, 0]);
    data.counts.exposed[2] = 0;
    data.metrics[0].sums[2] = Sums::Share { successes: 0, n: 0 };
    let found = on_day_20(&three, &data);
    assert_eq!((found.verdict, found.comparisons.len()), (Verdict::Better("new".into()), 1));
}

#[test]
fn what_cannot_be_compared_has_its_reason() {
    // Nobody of the control ordered: nothing is relative to that, and the difference decides.
    let found = on_day_20(&experiment(), &shares([1_000, 1_000], [0, 300]));
    assert_eq!(found.comparisons[0].answer, Err(Undecidable::NoVariance));
    assert!(said(&found, "undecidable").unwrap().contains("the units of an arm do not differ"));
    assert_eq!(found.verdict, Verdict::Unclear);
    let mut margin = experiment();
    margin.design.primary = Some(metric("margin", Form::Money("EUR".into())));
    let loss = |mean: f64| Moments { n: 5_000, sum: 5_000.0 * mean, squares: 5_000.0 * (mean * mean + 1.0) };
    let mut data = shares([5_000, 5_000], [0, 0]);
    data.metrics =
        vec![Measured { metric: "margin".into(), sums: vec![Sums::Mean(loss(-2.0)), Sums::Mean(loss(-1.0))] }];
    let found = on_day_20(&margin, &data);
    assert_eq!(found.verdict, Verdict::Better("new".into()));
    assert!(
        said(&found, "win").unwrap().starts_with("“New” is better on margin: +1.00 EUR, from −2.00 EUR to −1.00 EUR.")
    );
    // A metric that was not summed up.
    data.metrics.clear();
    let found = on_day_20(&margin, &data);
    assert!(said(&found, "no_sums").is_some());
    // Sums that belong to nothing, and fewer than there are variants.
    data.metrics = vec![Measured {
        metric: "margin".into(),
        sums: vec![Sums::Mean(Moments { n: 5, sum: f64::NAN, squares: 1.0 })],
    }];
    assert_eq!(on_day_20(&margin, &data).verdict, Verdict::TooEarly);
}

/// With a covariate that says most of the metric, the same people decide what they could not before.
#[test]
fn what_was_known_before_takes_noise_out() {
    let mut adjusted = experiment();
    adjusted.design.primary = Some(metric("visits", Form::Number));
    adjusted.design.reading.scale = Scale::Absolute;
    adjusted.design.plan = None;
    let arm = |shift: f64| {
        let units = (0..2_000).map(|it| {
            let before = f64::from(it % 40);
            (before + shift + f64::from(it % 3), before)
        });
        units.fold(Paired::default(), |sum, (y, x)| sum.merged(Paired { n: 1, y, yy: y * y, x, xx: x * x, xy: x * y }))
    };
    let data = |sums: Vec<Sums>| Data {
        counts: Counts { exposed: vec![2_000; 2], ..Counts::default() },
        metrics: vec![Measured { metric: "visits".into(), sums }],
        segments: Vec::new(),
    };
    let plain = |it: Paired| Sums::Mean(Moments { n: it.n, sum: it.y, squares: it.yy });
    let without = on_day_20(&adjusted, &data(vec![plain(arm(0.0)), plain(arm(0.5))]));
    let with = on_day_20(&adjusted, &data(vec![Sums::Adjusted(arm(0.0)), Sums::Adjusted(arm(0.5))]));
    assert_eq!((without.verdict, with.verdict.clone()), (Verdict::Unclear, Verdict::Better("new".into())));
    assert!(said(&with, "noise_taken_out").unwrap().contains("took 99.5 % of the noise"));
}

#[test]
fn counts_of_earlier_allocations_are_left_out() {
    let row = |allocation, variant: &str, day, units, mixed| DayRow {
        allocation,
        variant: variant.into(),
        day,
        units,
        mixed,
    };
    let rows = [
        row(1, "new", 9, 50, 1),
        row(2, "new", 10, 7, 0),
        row(2, "old", 10, 8, 2),
        row(2, "gone", 11, 1, 0),
        row(2, "old", 11, 4, 0),
    ];
    let counts = Counts::of(&experiment(), &rows);
    let wanted = Counts { exposed: vec![12, 7], mixed: 2, earlier: 51, days: vec![(10, 15), (11, 5)] };
    assert_eq!(counts, wanted);
}

#[test]
fn a_holdout_says_what_was_brought_in() {
    let mut holdout = experiment();
    holdout.design.kind = Kind::Holdout;
    holdout.design.unit = UnitKind::Person;
    holdout.design.variants[0].name = "Held out".into();
    (holdout.design.variants[0].weight, holdout.design.variants[1].weight) = (1, 9);
    let said = |held_out: u64, treated: u64, n: [u64; 2], form: Form| {
        let metric = metric("orders", form);
        let sums = vec![Sums::Share { successes: held_out, n: n[0] }, Sums::Share { successes: treated, n: n[1] }];
        let measured = Measured { metric: "orders".into(), sums };
        let counts = Counts { exposed: n.to_vec(), ..Counts::default() };
        incremental(&holdout, &counts, &metric, &measured)
    };
    let found = said(500, 6_300, [10_000, 90_000], Form::Share);
    let reading = found.brought_in.unwrap();
    // 7 % of 90,000 instead of 5 %.
    assert!((reading.estimate - 1_800.0).abs() < 1e-6 && reading.low > 0.0, "{reading:?}");
    let text = &found.sentences[0].text;
    assert!(
        text.starts_with(
            "It brought in about 1,800 orders from 90,000 people, of 6,300 that they came to in all: between 1,"
        ),
        "{text}"
    );
    assert_eq!(found.sentences[0].tone, Tone::Can);
    let found = said(500, 4_500, [10_000, 90_000], Form::Share);
    assert_eq!((found.sentences[0].code, found.sentences[0].tone), ("brought_in_unclear", Tone::Cannot));
    let found = said(900, 4_500, [10_000, 90_000], Form::Money("EUR".into()));
    assert!(found.sentences[0].text.starts_with("It cost about −3,600 EUR of orders"), "{:?}", found.sentences);
    let found = said(500, 6_300, [14_000, 90_000], Form::Share);
    assert_eq!((found.ratio_broken, found.sentences[0].code), (true, "brought_in_ratio_broken"));
    let found = said(0, 0, [0, 0], Form::Share);
    assert_eq!((found.sentences[0].code, found.total), ("brought_in_undecidable", None));
}
