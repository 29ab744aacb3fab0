//! Ladders against a second implementation that goes from quarter of a day to quarter of a day and reckons everything anew each time, and the cases that matter by hand.

mod oracle;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rapport_domain::Timestamp;
use rapport_loyalty::program::Program;
use rapport_loyalty::tiers::{Counted, Course, History, Kind, Ladder, Match, Outlook, Series, Standing, Why};
use serde_json::{Value, json};

fn t(text: &str) -> Timestamp {
    let text = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&text).unwrap()
}

fn ladder(change: Value) -> Ladder {
    let mut value = json!({
        "key": "club", "name": "Club", "measures": [{"key": "spend", "name": "Spent", "counts": {"kind": "spent"}}],
        "period": {"kind": "calendar", "months": 12},
        "tiers": [
            {"key": "base", "name": "Base"},
            {"key": "silver", "name": "Silver", "needs": {"measure": "spend", "at_least": "100"}},
            {"key": "gold", "name": "Gold", "needs": {"measure": "spend", "at_least": "300"}},
        ],
    });
    value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let program = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}], "ladders": [value]});
    let program = Program::from_json(program).unwrap();
    program.check().unwrap();
    program.ladders[0].clone()
}

fn spent(amounts: &[(&str, i64)]) -> History {
    let mut history = History::default();
    let amounts = amounts.iter().map(|(at, euros)| (t(at), euros * 1_000_000));
    history.put(Counted::Spent, Series::of_amounts(amounts.collect()));
    history
}

fn course<'a>(ladder: &'a Ladder, history: &'a History, matches: &'a [Match]) -> Course<'a> {
    Course {
        versions: vec![(t("2020-01-01"), ladder)],
        is_late: false,
        zone: TimeZone::UTC,
        counts_from: t("2020-01-01"),
        enrolled_at: t("2024-01-31T12:00:00Z"),
        history,
        matches,
    }
}

fn stand(ladder: &Ladder, amounts: &[(&str, i64)], now: &str) -> Standing {
    course(ladder, &spent(amounts), &[]).standing(t(now))
}

fn moves(standing: &Standing) -> Vec<(String, String, Kind, Why)> {
    let tier = |tier: &Option<String>| tier.clone().unwrap_or_default();
    let row = |it: &rapport_loyalty::tiers::Move| {
        let day = it.at.to_rfc3339()[..10].to_owned();
        (day, format!("{}>{}", tier(&it.from), tier(&it.to)), it.kind, it.why)
    };
    standing.moves.iter().map(row).collect()
}

fn mv(at: &str, what: &str, kind: Kind, why: Why) -> (String, String, Kind, Why) {
    (at.to_owned(), what.to_owned(), kind, why)
}

#[test]
fn a_tier_lasts_to_the_end_of_the_period_after_the_one_that_reached_it() {
    let calm = ladder(json!({}));
    let amounts = [("2024-03-05T10:00:00Z", 320), ("2025-06-01T10:00:00Z", 150)];
    let now = stand(&calm, &amounts, "2024-04-01");
    assert_eq!((now.tier.as_deref(), now.until), (Some("gold"), Some(t("2026-01-01"))), "{now:?}");
    let kept = stand(&calm, &amounts, "2025-01-01");
    assert_eq!(kept.moves.last().unwrap().kind, Kind::Kept);
    let later = stand(&calm, &amounts, "2027-02-01");
    assert_eq!(
        moves(&later),
        [
            mv("2024-03-05", "base>gold", Kind::Reached, Why::Counted),
            mv("2025-01-01", "gold>gold", Kind::Kept, Why::Counted),
            mv("2026-01-01", "gold>silver", Kind::Lost, Why::PeriodOver),
            mv("2027-01-01", "silver>base", Kind::Lost, Why::PeriodOver),
        ]
    );
    assert_eq!(later.due_at, None, "nothing can change by itself any more");
}

#[test]
fn soft_landing_floors_lifetime_and_grace() {
    let amounts = [("2024-03-05T10:00:00Z", 320)];
    let soft = ladder(json!({"downgrade": "one_level"}));
    let at = |ladder: &Ladder, now: &str| stand(ladder, &amounts, now).tier.unwrap();
    let years = ["2025-12-31", "2026-01-01", "2027-01-01"];
    assert_eq!(years.map(|now| at(&soft, now)), ["gold", "silver", "base"]);
    assert_eq!(years.map(|now| at(&ladder(json!({"downgrade": "never"})), now)), ["gold"; 3]);
    let mut floor = ladder(json!({}));
    floor.tiers[1].never_below = true;
    assert_eq!(years.map(|now| at(&floor, now)), ["gold", "silver", "silver"], "also of whoever jumped over it");
    let mut life = ladder(json!({}));
    life.tiers[2].for_life = serde_json::from_value(json!({"measure": "spend", "at_least": "320"})).unwrap();
    assert_eq!(years.map(|now| at(&life, now)), ["gold"; 3]);

    let grace = ladder(json!({"grace": {"count": 1, "unit": "months"}}));
    let waiting = stand(&grace, &amounts, "2026-01-20");
    assert_eq!((waiting.tier.as_deref(), waiting.grace_until), (Some("gold"), Some(t("2026-02-01"))));
    assert_eq!(stand(&grace, &amounts, "2025-06-01").until, Some(t("2026-02-01")));
    assert_eq!(at(&grace, "2026-01-31T23:59:59Z"), "gold");
    assert_eq!(at(&grace, "2026-02-01"), "base");
    // What is done in the grace and in the year before it is enough together.
    let caught_up = [amounts[0], ("2025-11-01T00:00:00Z", 200), ("2026-01-31T10:00:00Z", 100)];
    assert_eq!(
        moves(&stand(&grace, &caught_up, "2026-03-01")).last().unwrap(),
        &mv("2026-01-31", "gold>gold", Kind::Kept, Why::Counted)
    );
}

#[test]
fn rolling_windows_and_anniversaries() {
    let rolling = ladder(json!({"period": {"kind": "rolling", "count": 12, "unit": "months"}}));
    let amounts = [("2024-02-29T10:00:00Z", 250), ("2024-05-01T10:00:00Z", 60)];
    let now = stand(&rolling, &amounts, "2024-06-01");
    assert_eq!((now.tier.as_deref(), now.until), (Some("gold"), Some(t("2025-03-01"))), "to the end of 28 February");
    assert_eq!(stand(&rolling, &amounts, "2025-02-28T23:00:00Z").tier.as_deref(), Some("gold"));
    assert_eq!(stand(&rolling, &amounts, "2025-03-01").tier.as_deref(), Some("base"));

    let own = ladder(json!({"period": {"kind": "anniversary", "count": 1, "unit": "months"}}));
    // Enrolled on 31 January 2024.
    let bounds = |now: &str| {
        let it = stand(&own, &[("2024-01-31T13:00:00Z", 1)], now);
        (it.counts_from.to_rfc3339()[..10].to_owned(), it.period_end.unwrap().to_rfc3339()[..10].to_owned())
    };
    let pair = |from: &str, end: &str| (from.to_owned(), end.to_owned());
    assert_eq!(bounds("2024-02-28T12:00:00Z"), pair("2024-01-31", "2024-02-29"));
    assert_eq!(bounds("2024-02-29T00:00:00Z"), pair("2024-02-29", "2024-03-31"));

    let from_tier = ladder(json!({"period": {"kind": "anniversary", "count": 1, "unit": "years", "of": "tier"}}));
    let amounts = [("2024-03-05T10:00:00Z", 120), ("2024-09-01T10:00:00Z", 250), ("2025-02-01T10:00:00Z", 60)];
    let now = stand(&from_tier, &amounts, "2024-10-01");
    assert_eq!(
        (now.tier.as_deref(), now.period_end),
        (Some("silver"), Some(t("2025-03-05"))),
        "what reached silver does not count for gold"
    );
    assert_eq!(
        moves(&stand(&from_tier, &amounts, "2026-04-01"))[1..],
        [
            mv("2025-02-01", "silver>gold", Kind::Reached, Why::Counted),
            mv("2026-02-01", "gold>base", Kind::Lost, Why::PeriodOver),
        ]
    );
}

#[test]
fn what_went_back_never_counted_and_late_is_as_in_time() {
    let calm = ladder(json!({}));
    let whole = stand(&calm, &[("2024-03-05T10:00:00Z", 320)], "2024-05-01");
    let back = stand(&calm, &[("2024-03-05T10:00:00Z", 50)], "2024-05-01");
    assert_eq!((whole.tier.as_deref(), back.tier.as_deref()), (Some("gold"), Some("base")));
    assert_eq!(back.moves, []);
}

#[test]
fn a_match_counts_for_its_time_and_what_was_earned_meanwhile_stays() {
    let calm = ladder(json!({}));
    let given = [Match { tier: "gold".into(), from: t("2024-02-10"), until: t("2024-08-10") }];
    let history = spent(&[("2024-06-01", 120)]);
    let course = course(&calm, &history, &given);
    let now = course.standing(t("2024-07-01"));
    assert_eq!(
        (now.tier.as_deref(), now.earned.as_deref(), now.until),
        (Some("gold"), Some("silver"), Some(t("2024-08-10")))
    );
    assert_eq!(
        moves(&course.standing(t("2024-09-01"))),
        [
            mv("2024-02-10", "base>gold", Kind::Reached, Why::Matched),
            mv("2024-08-10", "gold>silver", Kind::Lost, Why::MatchOver),
        ]
    );
}

#[test]
fn a_changed_ladder_counts_from_then_on() {
    let (old, easy) = (ladder(json!({})), {
        let mut it = ladder(json!({}));
        it.tiers[2].needs = serde_json::from_value(json!({"measure": "spend", "at_least": "150"})).unwrap();
        it.tiers.remove(1);
        it
    });
    let history = spent(&[("2024-03-05T10:00:00Z", 160)]);
    let mut course = course(&old, &history, &[]);
    course.versions.push((t("2024-06-01"), &easy));
    assert_eq!(course.standing(t("2024-05-31")).tier.as_deref(), Some("silver"));
    let then = course.standing(t("2024-06-01"));
    assert_eq!(moves(&then).last().unwrap(), &mv("2024-06-01", "silver>gold", Kind::Reached, Why::Counted));
    assert_eq!(then.moves.iter().filter(|it| it.at == t("2024-06-01")).count(), 1, "one move");
    // A ladder that begins later begins with what its period counts.
    course.versions.remove(0);
    course.is_late = true;
    assert_eq!(moves(&course.standing(t("2024-07-01"))), [mv("2024-06-01", "base>gold", Kind::Reached, Why::Counted)]);
}

#[test]
fn needs_combine_and_progress_says_the_shortest_way() {
    let nights = json!({"kind": "events", "event": "Stay Completed", "property": "nights"});
    let combined = ladder(json!({
        "measures": [{"key": "spend", "name": "Spent", "counts": {"kind": "spent"}}, {"key": "nights", "name": "Nights", "counts": nights}],
        "tiers": [{"key": "base", "name": "Base"}, {"key": "gold", "name": "Gold",
            "needs": {"any": [{"measure": "nights", "at_least": 50}, {"measure": "spend", "at_least": "5000"}]}}],
    }));
    let mut history = spent(&[("2024-03-01", 2_000)]);
    let nights = &combined.measures[1].counts;
    let stays = ["2024-02-01", "2024-04-01"].map(|at| (t(at), 20_000_000));
    history.put(nights.clone(), Series::of_amounts(stays.to_vec()));
    let course = course(&combined, &history, &[]);
    let now = t("2024-06-30");
    let next = course.next(&course.standing(now), now).unwrap();
    let missing = next.missing.unwrap();
    assert_eq!((missing.measure.as_str(), missing.missing.micros()), ("nights", 10_000_000));
    // 40 nights since the first day of the year (31 January was the first of membership, but nothing says that nothing counted before): 10 more take a quarter of the time.
    assert_eq!(next.forecast.outlook, Outlook::Reached);
    let days = (next.forecast.at.unwrap().0 - now.0) / Timestamp::DAY;
    assert!((36..=46).contains(&days), "{days}");
    let done = [(t("2024-02-01"), 20_000_000), (t("2024-04-01"), 31_000_000)];
    let mut history = History::default();
    history.put(nights.clone(), Series::of_amounts(done.to_vec()));
    assert_eq!(Course { history: &history, ..course }.standing(now).tier.as_deref(), Some("gold"));
}

#[test]
fn a_forecast_is_honest() {
    let calm = ladder(json!({}));
    let look = |amounts: &[(&str, i64)], now: &str| {
        let history = spent(amounts);
        let course = course(&calm, &history, &[]);
        course.next(&course.standing(t(now)), t(now)).unwrap().forecast.outlook
    };
    assert_eq!(look(&[("2024-02-01", 10)], "2024-02-20"), Outlook::TooEarly);
    assert_eq!(look(&[("2024-02-01", 10), ("2024-02-03", 10)], "2024-02-20"), Outlook::Reached);
    assert_eq!(
        look(&[("2024-02-01", 10), ("2024-09-03", 10)], "2024-10-20"),
        Outlook::NotReached,
        "the year is over before"
    );
    assert_eq!(look(&[("2024-02-01", 10)], "2025-03-20"), Outlook::NotReached, "nothing for a quarter of a year");
}

#[test]
fn a_condition_holds_while_it_holds() {
    let when = json!({"fact": {"key": "staff", "op": "is_true"}});
    let by_condition = ladder(json!({
        "period": {"kind": "ever"}, "grace": {"count": 10, "unit": "days"},
        "measures": [{"key": "staff", "name": "Staff", "counts": {"kind": "condition", "when": when}}],
        "tiers": [{"key": "staff", "name": "Staff", "needs": {"measure": "staff"}}],
    }));
    let mut history = History::default();
    let switches = vec![(t("2024-05-01"), false), (t("2024-03-01"), true)];
    history.put(by_condition.measures[0].counts.clone(), Series::of_switches(switches));
    let course = course(&by_condition, &history, &[]);
    let at = |now: &str| course.standing(t(now)).tier;
    assert_eq!(
        [at("2024-02-28"), at("2024-03-01"), at("2024-05-10"), at("2024-05-11")],
        [None, Some("staff".into()), Some("staff".into()), None]
    );
}

#[test]
fn what_cannot_be_reckoned_is_refused_with_its_place() {
    let refused = |change: Value| {
        let mut value = serde_json::to_value(ladder(json!({}))).unwrap();
        value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let program = json!({"name": "Club", "zone": "UTC", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}], "ladders": [value]});
        let error = Program::from_json(program).and_then(|it| it.check()).unwrap_err().to_string();
        error.split(": ").next().unwrap().to_owned()
    };
    let tiers = |needs: Value| json!({"tiers": [{"key": "a", "name": "A"}, {"key": "b", "name": "B", "needs": needs}]});
    for (change, place) in [
        (json!({"measures": []}), "ladders[0].measures"),
        (json!({"tiers": []}), "ladders[0].tiers"),
        (json!({"period": {"kind": "calendar", "months": 5}}), "ladders[0].period.months"),
        (json!({"period": {"kind": "calendar", "months": 12, "begins": [2, 30]}}), "ladders[0].period.begins"),
        (json!({"period": {"kind": "rolling", "count": 0, "unit": "days"}}), "ladders[0].period"),
        (json!({"period": {"kind": "ever"}, "downgrade": "one_level"}), "ladders[0].downgrade"),
        (json!({"grace": {"count": 11, "unit": "years"}}), "ladders[0].grace"),
        (tiers(json!({"all": []})), "ladders[0].tiers[1].needs"),
        (tiers(json!({"any": []})), "ladders[0].tiers[1].needs"),
        (tiers(json!({"measure": "nights"})), "ladders[0].tiers[1].needs"),
        (tiers(json!({"any": [{"measure": "spend", "at_least": 0}]})), "ladders[0].tiers[1].needs[0].at_least"),
        (
            json!({"measures": [{"key": "spend", "name": "S", "counts": {"kind": "points", "wallet": "none"}}]}),
            "ladders[0].measures[0].counts.wallet",
        ),
        (
            json!({"benefits": [{"key": "b", "name": "B", "kind": "service", "tiers": ["none"]}]}),
            "ladders[0].benefits[0].tiers",
        ),
    ] {
        assert_eq!(refused(change.clone()), place, "{change}");
    }
}

fn any_ladder() -> impl Strategy<Value = Ladder> {
    let period = prop_oneof![
        Just(json!({"kind": "ever"})),
        Just(json!({"kind": "calendar", "months": 1})),
        Just(json!({"kind": "calendar", "months": 3, "begins": [2, 29]})),
        Just(json!({"kind": "rolling", "count": 20, "unit": "days"})),
        Just(json!({"kind": "rolling", "count": 1, "unit": "months"})),
        Just(json!({"kind": "anniversary", "count": 1, "unit": "months"})),
    ];
    let grace = prop_oneof![
        Just(Value::Null),
        Just(json!({"count": 5, "unit": "days"})),
        Just(json!({"count": 1, "unit": "months"}))
    ];
    let downgrade = prop_oneof![Just("reassess"), Just("one_level"), Just("never")];
    (period, grace, downgrade, any::<bool>(), any::<bool>()).prop_filter_map("a soft landing needs a period", |(period, grace, downgrade, floor, life)| {
        if period["kind"] == "ever" && downgrade == "one_level" {
            return None;
        }
        let for_life = if life { json!({"measure": "spend", "at_least": "900"}) } else { Value::Null };
        Some(ladder(json!({
            "period": period, "grace": grace, "downgrade": downgrade,
            "tiers": [
                {"key": "base", "name": "Base"},
                {"key": "silver", "name": "Silver", "needs": {"measure": "spend", "at_least": "100"}, "never_below": floor},
                {"key": "gold", "name": "Gold", "needs": {"measure": "spend", "at_least": "200"}},
                {"key": "top", "name": "Top", "needs": {"measure": "spend", "at_least": "300"}, "for_life": for_life},
            ],
        })))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever the ladder and whatever was done: the same as step by step; the same whenever it is looked and in whatever order it was heard of.
    #[test]
    fn as_the_slow_one_says(
        ladder in any_ladder(),
        mut amounts in prop::collection::vec((0_i64..800, 10_i64..160), 0..14),
        given in prop::collection::vec((0_i64..800, 1_i64..200, 1_usize..4), 0..2),
        until in 1_i64..1_200,
        looked in prop::collection::vec(0_i64..1_200, 0..5),
        enrolled in 0_i64..200,
    ) {
        let begin = t("2024-01-01");
        let quarter = |ticks: i64| begin.plus(ticks * oracle::TICK);
        let series = |amounts: &[(i64, i64)]| {
            let mut history = History::default();
            history.put(Counted::Spent, Series::of_amounts(amounts.iter().map(|(at, euros)| (quarter(*at), euros * 1_000_000)).collect()));
            history
        };
        let matches: Vec<Match> = given
            .iter()
            .map(|(from, long, tier)| Match { tier: ladder.tiers[*tier].key.clone(), from: quarter(*from), until: quarter(from + long) })
            .collect();
        let now = quarter(until);
        let history = series(&amounts);
        let course = Course {
            versions: vec![(begin, &ladder)], is_late: false, zone: TimeZone::UTC, counts_from: begin, enrolled_at: quarter(enrolled), history: &history, matches: &matches,
        };
        let standing = course.standing(now);
        let slow = oracle::stand(&ladder, &amounts, &matches, (begin, quarter(enrolled)), now);
        prop_assert_eq!(&standing.tier, &slow.tier);
        prop_assert_eq!(&standing.moves, &slow.moves);
        // Never twice in one instant.
        prop_assert!(standing.moves.windows(2).all(|pair| pair[0].at < pair[1].at));
        // The order in which it was heard of does not matter.
        amounts.reverse();
        let other = series(&amounts);
        let reversed = Course { history: &other, ..course.clone() };
        prop_assert_eq!(&reversed.standing(now), &standing);
        // What was known before is the beginning of what is known now, and it is lost when it was said to be, unless something comes.
        for ticks in looked {
            let then = quarter(ticks);
            let before = course.standing(then);
            let same: Vec<_> = course.standing(now.max(then)).moves.into_iter().filter(|it| it.at <= then).collect();
            prop_assert_eq!(&before.moves, &same);
            let known: Vec<(i64, i64)> = amounts.iter().copied().filter(|(at, _)| quarter(*at) <= then).collect();
            let known = series(&known);
            let given: Vec<Match> = matches.iter().filter(|it| it.from <= then).cloned().collect();
            let alone = Course { history: &known, matches: &given, ..course.clone() };
            let said = alone.standing(then);
            if let Some(until) = said.until {
                prop_assert_eq!(alone.standing(until.plus(-1)).tier, said.tier.clone());
                let after = alone.standing(until);
                prop_assert!(after.moves.last().is_some_and(|it| it.kind == Kind::Lost && it.at == until));
            }
            // Nothing changes before it is due.
            if let Some(due) = said.due_at {
                prop_assert_eq!(&alone.standing(due.plus(-1)).moves, &said.moves);
            } else {
                prop_assert_eq!(&alone.standing(quarter(5_000)).moves, &said.moves);
            }
        }
    }
}
