//! Experiments from outside: within strata, the chance to be better with what a wrong choice costs, and how many customers it takes.

use serde_json::Value;

use crate::{file, json, near, number, refused, run, text};

/// Market, group and what was spent; markets are far apart, and the groups are not parted alike among them.
fn markets() -> Vec<(&'static str, &'static str, f64)> {
    let row = |at: usize| {
        let south = at % 5 > 2;
        let treated = if south { at.is_multiple_of(3) } else { at.is_multiple_of(2) };
        let base = if south { 100.0 } else { 10.0 };
        let gain = if treated { 2.0 } else { 0.0 };
        let (market, group) = (if south { "south" } else { "north" }, if treated { "new" } else { "control" });
        (market, group, base + gain + (at * 7 % 11) as f64 + (at * 5 % 3) as f64)
    };
    (0..600).map(row).collect()
}

fn written(rows: &[(&str, &str, f64)]) -> (tempfile::TempDir, String) {
    let rows: String = rows.iter().map(|(market, group, spend)| format!("{market},{group},{spend}\n")).collect();
    file("experiment.csv", format!("market,group,spend\n{rows}"))
}

/// Oracle: the formula a row at a time.
#[test]
fn within_strata() {
    let rows = markets();
    let (_folder, path) = written(&rows);
    let (mut effect, mut squared, mut own) = (0.0, 0.0, Vec::new());
    for market in ["north", "south"] {
        let of = |group: &str| -> Vec<f64> {
            rows.iter().filter(|it| it.0 == market && it.1 == group).map(|it| it.2).collect()
        };
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let error = |of: &[f64]| {
            of.iter().map(|it| (it - mean(of)).powi(2)).sum::<f64>() / (of.len() - 1) as f64 / of.len() as f64
        };
        let (treatment, control) = (of("new"), of("control"));
        let share = (treatment.len() + control.len()) as f64 / rows.len() as f64;
        let difference = mean(&treatment) - mean(&control);
        effect += share * difference;
        squared += share * share * (error(&treatment) + error(&control));
        own.push((share, difference));
    }
    squared += own.iter().map(|it| it.0 * (it.1 - effect).powi(2)).sum::<f64>() / rows.len() as f64;
    // More of the control is in the dear market, which hides what the treatment does.
    let arguments = ["experiment", &path, "--outcome", "spend", "--split", "1,1"];
    let plain = json(&arguments);
    let found = json(&[&arguments[..], &["--strata", "market"]].concat());
    assert!(number(&plain, "/parameters/spend:new") < 0.0, "{plain}");
    near(number(&found, "/parameters/spend:new"), effect, 9);
    let error = "/intervals/parameters/spend:new/standard_error";
    near(number(&found, error), squared.sqrt(), 9);
    assert!(number(&found, error) < number(&plain, error) / 4.0, "{plain} {found}");
    let taken = 1.0 - (number(&found, error) / number(&plain, error)).powi(2);
    near(number(&found, "/metrics/spend:new:variance_taken_out"), taken, 9);
    assert_eq!(found["comparisons"][0]["verdict"], "better");
    assert!(found["notes"].to_string().contains("within 2 strata of market"), "{}", found["notes"]);
    // What is left within markets is what a plan reckons with.
    let noticed = "/metrics/spend:noticed_by_these";
    assert!(number(&found, noticed) < number(&plain, noticed) / 4.0, "{plain} {found}");
}

#[test]
fn strata_with_too_few_are_merged_and_named() {
    let mut rows = markets();
    rows.extend((0..20).map(|at| ("island", if at < 3 { "new" } else { "control" }, f64::from(at % 4))));
    rows.extend((0..20).map(|at| ("ship", if at < 17 { "new" } else { "control" }, f64::from(at % 4))));
    let (_folder, path) = written(&rows);
    let arguments = ["experiment", &path, "--outcome", "spend"];
    let found = json(&[&arguments[..], &["--strata", "market"]].concat());
    let notes = found["notes"].to_string();
    assert!(notes.contains("within 3 strata of market; merged into one are island, ship"), "{notes}");
    assert!(notes.contains("fewer than 10 customers"), "{notes}");
    // Where each customer is a stratum, what is left is the plain difference, and that is said.
    let alone: String =
        rows.iter().enumerate().map(|(at, (_, group, spend))| format!("m{at},{group},{spend}\n")).collect();
    let (_folder, path) = file("alone.csv", format!("market,group,spend\n{alone}"));
    let arguments = ["experiment", &path, "--outcome", "spend"];
    let (plain, found) = (json(&arguments), json(&[&arguments[..], &["--strata", "market"]].concat()));
    near(number(&found, "/parameters/spend:new"), number(&plain, "/parameters/spend:new"), 9);
    let error = "/intervals/parameters/spend:new/standard_error";
    near(number(&found, error), number(&plain, error), 9);
    let notes = found["notes"].to_string();
    assert!(notes.contains("Warning: no stratum of market stands for itself") && notes.contains("more, as"), "{notes}");
}

#[test]
fn strata_that_cannot_be() {
    let (_folder, path) =
        file("arms.csv", "market,group,spend\nnorth,control,1\n,new,2\nsouth,new,3\nsouth,control,4\n");
    let of = |more: &[&str]| refused(&[&["experiment", &path, "--outcome", "spend"], more].concat());
    assert!(of(&["--strata", "nothing"]).contains("no column nothing (--strata)"));
    assert!(of(&["--strata", "group"]).contains("known before the experiment"));
    assert!(of(&["--strata", "spend"]).contains("known before the experiment"));
    assert!(of(&["--strata", "market"]).contains("Line 3: market is not given"));
    let (_folder, same) =
        file("same.csv", "market,group,spend\nnorth,control,1\nnorth,new,2\nnorth,new,3\nnorth,control,4\n");
    let error = refused(&["experiment", &same, "--outcome", "spend", "--strata", "market"]);
    assert!(error.contains("market is the same in all rows"), "{error}");
    let both = ["experiment", &path, "--outcome", "spend", "--strata", "market", "--covariate", "spend"];
    assert_eq!(run(&both).status.code(), Some(2));
}

/// Shares of a group who did it, a row a customer.
fn shares(control: (usize, usize), new: (usize, usize)) -> String {
    let rows = |name: &str, (those, of): (usize, usize)| -> String {
        (0..of).map(|at| format!("{name},{},{}\n", u8::from(at < those), at / 5)).collect()
    };
    format!("group,bought,day\n{}{}", rows("control", control), rows("new", new))
}

/// GrowthBook's Bayesian engine gives 490 and 510 of 1,000 a chance to win of 0.80963 on the relative scale.
#[test]
fn which_one_to_take() {
    let (_folder, path) = file("arms.csv", shares((490, 1_000), (510, 1_000)));
    let arguments = ["experiment", &path, "--outcome", "bought"];
    let of = |found: &Value, name: &str| number(found, &format!("/metrics/bought:new:{name}"));
    let relative = json(&[&arguments[..], &["--effect", "relative"]].concat());
    near(of(&relative, "chance_to_win"), 0.809_63, 5);
    let found = json(&arguments);
    let (loss, kept) = (of(&found, "expected_loss"), of(&found, "expected_loss_of_control"));
    // The two differ by the effect; by hand, s (φ(z) − z Φ(−z)) with s = 0.022356 and z = 0.89461.
    near(kept - loss, 0.02, 9);
    near(loss, 0.002_268, 6);
    let less = json(&[&arguments[..], &["--less-is-better", "bought"]].concat());
    near(of(&less, "chance_to_win") + of(&found, "chance_to_win"), 1.0, 9);
    near(of(&less, "expected_loss"), kept, 9);
    assert_eq!(number(&found["posterior"][0], "/probability_to_be_better"), of(&found, "chance_to_win"));
    let shown = text(&arguments);
    for part in ["Which one to take", "Expected loss if taken", "Probability to be better than the control", "█"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
}

/// Chow, Shao and Wang (2008), section 4.2.1: shares of 0.65 and 0.85 need 70 an arm for a power of 80 %.
#[test]
fn how_many_it_takes() {
    let (_folder, path) = file("arms.csv", shares((65, 100), (70, 100)));
    let arguments = ["experiment", &path, "--outcome", "bought", "--smallest-effect", "0.2"];
    let of = |more: &[&str]| json(&[&arguments[..], more].concat());
    let needed = |found: &Value| number(found, "/metrics/bought:customers_needed");
    let found = of(&[]);
    assert_eq!(needed(&found), 140.0);
    let plan = &found["plan"][0];
    assert_eq!((&plan["in_the_control"], &plan["in_each_other_group"]), (&70.into(), &70.into()));
    assert_eq!((&plan["still_to_come"], &plan["days_in_all"]), (&0.into(), &Value::Null));
    // By hand: 10.507 · 0.355 / 0.04 = 93.25 an arm; downwards 7.849 · 0.475 / 0.04 = 93.2.
    let surer = of(&["--power", "0.9"]);
    assert_eq!(needed(&surer), 188.0);
    assert_eq!(needed(&of(&["--less-is-better", "bought"])), 188.0);
    let noticed = |found: &Value| number(found, "/metrics/bought:noticed_by_these");
    assert!(0.1 < noticed(&found) && noticed(&found) < noticed(&surer) && noticed(&surer) < 0.2, "{found} {surer}");
    // A fifth of 0.65, on the scale of a share of the control.
    let relative = of(&["--effect", "relative"]);
    assert!(needed(&relative) > 140.0, "{relative}");
    // Ten a day, said or taken from the file.
    let days = |found: &Value| number(found, "/metrics/bought:days_needed");
    assert_eq!(days(&of(&["--per-day", "10"])), 14.0);
    assert_eq!(days(&of(&["--per-day", "9.5"])), 15.0);
    let dated = of(&["--date", "day", "--dates", "days"]);
    assert_eq!((number(&dated, "/metrics/customers_a_day"), days(&dated)), (10.0, 14.0));
    let shown = text(&[&arguments[..], &["--per-day", "10"]].concat());
    assert!(shown.contains("with a power of 80.0 %") && shown.contains("Days in all"), "{shown}");
    // Without an effect that matters it says what these notice alone.
    let bare = json(&arguments[..4]);
    assert_eq!(noticed(&bare), noticed(&found));
    assert!(bare["metrics"].get("bought:customers_needed").is_none() && bare["plan"][0].get("days_in_all").is_none());
}

#[test]
fn plans_that_cannot_be() {
    let (_folder, path) = file("arms.csv", shares((65, 100), (70, 100)));
    let arguments = ["experiment", &path, "--outcome", "bought"];
    let of = |more: &[&str]| refused(&[&arguments[..], more].concat());
    for power in ["0", "1", "80", "NaN"] {
        assert!(of(&["--power", power]).contains("--power must be above 0 and below 1"), "{power}");
    }
    assert!(of(&["--smallest-effect", "0"]).contains("--smallest-effect must be above 0"));
    assert!(of(&["--smallest-effect", "0.1", "--per-day", "0"]).contains("--per-day must be above 0"));
    assert!(of(&["--smallest-effect", "0.1", "--date", "when"]).contains("no column when (--date)"));
    for more in [&["--per-day", "5"][..], &["--date", "day"], &["--smallest-effect", "much"]] {
        assert_eq!(run(&[&arguments[..], more].concat()).status.code(), Some(2), "{more:?}");
    }
    // No number of customers notices what cannot be: 0.65 cannot rise by a half.
    let found = json(&[&arguments[..], &["--smallest-effect", "0.5"]].concat());
    assert!(found["metrics"]["bought:customers_needed"].is_null(), "{}", found["metrics"]);
}
