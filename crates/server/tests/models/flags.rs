//! Flags that change a result: each as it is without, and as it follows by hand with it.

use serde_json::Value;

use crate::written::{answers, purchases};
use crate::{file, json, near, number, refused, text};

/// The patterns that are shown.
fn patterns(found: &Value) -> Vec<&str> {
    found["patterns"].as_array().unwrap().iter().map(|it| it["pattern"].as_str().unwrap()).collect()
}

/// Ten customers do a, ten days later b, and ten days later c.
#[test]
fn times_and_lengths_of_sequences() {
    let rows: String = (0..10).map(|at| format!("{at},2026-01-01,a\n{at},2026-01-11,b\n{at},2026-01-21,c\n")).collect();
    let (_folder, path) = file("events.csv", format!("customer,date,event\n{rows}"));
    let cases: [(&[&str], &[&str]); 8] = [
        (&[], &["a → b → c"]),
        (&["--all"], &["a", "b", "c", "a → b", "a → c", "b → c", "a → b → c"]),
        (&["--longest", "2"], &["a → b", "a → c", "b → c"]),
        (&["--longest-gap", "9d"], &["a", "b", "c"]),
        (&["--longest-gap", "10d"], &["a → b → c"]),
        // From a to c it is twenty days.
        (&["--longest-gap", "15d", "--all"], &["a", "b", "c", "a → b", "b → c", "a → b → c"]),
        (&["--window", "15d"], &["a → b", "b → c"]),
        (&["--window", "20d"], &["a → b → c"]),
    ];
    for (flags, wanted) in cases {
        let found = json(&[&["sequence", &path], flags].concat());
        assert_eq!(patterns(&found), wanted, "{flags:?}");
    }
}

/// The partial likelihood where several end at once, by hand at the estimate: Breslow leaves all of them at risk, Efron takes them out by parts.
#[test]
fn ties_of_lifetimes() {
    let rows = [
        (1, 1, 0),
        (1, 1, 1),
        (1, 1, 0),
        (2, 1, 1),
        (2, 1, 1),
        (3, 0, 0),
        (3, 1, 1),
        (4, 1, 0),
        (4, 0, 1),
        (5, 1, 0),
        (5, 1, 1),
    ];
    let text: String = rows.iter().map(|(time, ended, x)| format!("{time},{ended},{x}\n")).collect();
    let (_folder, path) = file("lives.csv", format!("duration,ended,x\n{text}"));
    let likelihood = |beta: f64, efron: bool| -> f64 {
        let risk = |it: &(i32, i32, i32)| (beta * f64::from(it.2)).exp();
        (1..=5)
            .map(|time| {
                let at_risk: f64 = rows.iter().filter(|it| it.0 >= time).map(risk).sum();
                let ended: Vec<_> = rows.iter().filter(|it| it.0 == time && it.1 == 1).collect();
                let tied: f64 = ended.iter().map(|it| risk(it)).sum();
                let out = |part: usize| if efron { part as f64 / ended.len() as f64 * tied } else { 0.0 };
                let of_all: f64 = (0..ended.len()).map(|part| (at_risk - out(part)).ln()).sum();
                ended.iter().map(|it| beta * f64::from(it.2)).sum::<f64>() - of_all
            })
            .sum()
    };
    let arguments = ["survival", &path, "--factors", "x"];
    for (flags, efron) in [(&[][..], true), (&["--ties", "efron"], true), (&["--ties", "breslow"], false)] {
        let found = json(&[&arguments[..], flags].concat());
        let beta = number(&found, "/parameters/x");
        near(number(&found, "/log_likelihood"), likelihood(beta, efron), 6);
        assert!(likelihood(beta, efron) >= likelihood(beta + 0.01, efron).max(likelihood(beta - 0.01, efron)));
    }
}

/// The same model on another scale: a loading is that of the marker's times the deviation of what is latent.
#[test]
fn the_unit_of_what_is_latent() {
    let (_folder, path) = file("answers.csv", answers());
    let arguments = ["sem", &path, "--model", "trust =~ t1 + t2 + t3; loyal =~ l1 + l2 + l3; loyal ~ trust"];
    let marker = json(&arguments);
    let unit = json(&[&arguments[..], &["--unit-variance"]].concat());
    let of = |found: &Value, name: &str| number(found, &format!("/parameters/{name}"));
    assert_eq!((of(&marker, "trust=~t1"), of(&unit, "trust~~trust")), (1.0, 1.0));
    let deviation = of(&marker, "trust~~trust").sqrt();
    assert!(deviation < 0.5);
    near(of(&unit, "trust=~t1"), deviation, 5);
    near(of(&unit, "trust=~t3"), deviation * of(&marker, "trust=~t3"), 5);
    near(number(&unit, "/log_likelihood"), number(&marker, "/log_likelihood"), 6);
}

/// Three expect it both ways and two can live with it both ways: indifferent in Kano's table, contradictions in Pouliot's.
#[test]
fn two_tables_of_wishes() {
    let rows = "2,2\n".repeat(3) + &"4,4\n".repeat(2) + "1,5\n";
    let (_folder, path) = file("kano.csv", format!("gift_f,gift_d\n{rows}"));
    let wish = |found: &Value| {
        let it = &found["wishes"][0];
        (it["category"].as_str().unwrap().to_owned(), number(it, "/i"), number(it, "/q"))
    };
    assert_eq!(wish(&json(&["kano", &path])), ("indifferent".to_owned(), 5.0, 0.0));
    assert_eq!(wish(&json(&["kano", &path, "--pouliot"])), ("questionable".to_owned(), 0.0, 5.0));
}

/// Of ten answers two are a 5, three a 4, four a 3 and one a 1.
#[test]
fn how_many_values_are_satisfied() {
    let rows = "5\n".repeat(2) + &"4\n".repeat(3) + &"3\n".repeat(4) + "1\n";
    let (_folder, path) = file("scores.csv", format!("score\n{rows}"));
    for (flags, wanted) in [(&[][..], 50.0), (&["--top", "1"], 20.0), (&["--top", "3"], 90.0)] {
        let found = json(&[&["nps", &path, "--scale", "csat"], flags].concat());
        near(number(&found, "/metrics/satisfied_percent"), wanted, 9);
    }
    assert!(refused(&["nps", &path, "--scale", "csat", "--top", "5"]).contains("--top 5"));
}

/// Five instead of four: one more, a quarter more, and worse where less is better.
#[test]
fn scales_and_directions_of_effects() {
    let rows = "control,2\ncontrol,6\ncontrol,4\ncontrol,4\n".repeat(20) + &"new,3\nnew,7\nnew,5\nnew,5\n".repeat(20);
    let (_folder, path) = file("arms.csv", format!("group,wait\n{rows}"));
    let arguments = ["experiment", &path, "--outcome", "wait"];
    let of = |flags: &[&str]| {
        let found = json(&[&arguments[..], flags].concat());
        let row = &found["comparisons"][0];
        (number(&found, "/parameters/wait:new"), row["effect"].clone(), row["verdict"].clone())
    };
    assert_eq!(of(&[]), (1.0, "1".into(), "better".into()));
    assert_eq!(of(&["--effect", "relative"]), (0.25, "25.0 %".into(), "better".into()));
    assert_eq!(of(&["--less-is-better", "wait"]), (1.0, "1".into(), "worse".into()));
}

/// Half of an amount that is earned is worth half; the longer waiting costs, the less; the purchases that come are the same.
#[test]
fn what_is_earned_and_what_waiting_costs() {
    let (_folder, path) = file("purchases.csv", purchases());
    let of = |flags: &[&str]| {
        let found = json(&[&["clv", &path, "--dates", "days", "--method", "mbg-nbd"], flags].concat());
        (number(&found, "/metrics/expected_value"), number(&found, "/metrics/expected_purchases"))
    };
    let (plain, half, free, dear) =
        (of(&[]), of(&["--margin", "0.5"]), of(&["--discount", "0"]), of(&["--discount", "1"]));
    assert!((half.0 / plain.0 - 0.5).abs() < 1e-9, "{plain:?} {half:?}");
    assert!(free.0 > plain.0 * 1.02 && plain.0 > dear.0 * 1.1, "{free:?} {plain:?} {dear:?}");
    // Within a year nobody waits longer than one: at 100 % no value is less than halved.
    assert!(dear.0 > free.0 / 2.0, "{free:?} {dear:?}");
    assert!([half, free, dear].iter().all(|it| it.1 == plain.1));
}

/// Who did nothing for three weeks is not looked at: fewer rows than with the eight weeks that four ahead would give.
#[test]
fn who_is_active() {
    let (_folder, path) = file("purchases.csv", purchases());
    for model in ["churn", "propensity"] {
        let columns = [model, &path, "--date", "day", "--dates", "days", "--horizon", "28d"];
        let rows = |flags: &[&str]| number(&json(&[&columns[..], flags].concat()), "/metrics/rows");
        let plain = rows(&[]);
        assert_eq!(rows(&["--active", "56d"]), plain, "{model}");
        assert!(rows(&["--active", "21d"]) < plain * 0.8 && rows(&["--active", "60d"]) > plain, "{model} {plain}");
    }
}

/// Ads sixty days before, a mail ten days before, and the shop, where it was bought.
#[test]
fn how_far_back_touches_count() {
    let rows = "1,2026-01-01,ads,0\n1,2026-02-20,mail,0\n1,2026-03-01,shop,1\n2,2026-01-05,ads,0\n";
    let (_folder, path) = file("touches.csv", format!("customer,date,channel,converted\n{rows}"));
    let arguments = ["attribution", &path, "--channel", "channel", "--converted", "converted", "--samples", "0"];
    let first = |flags: &[&str]| {
        let found = json(&[&arguments[..], flags].concat());
        let credits = found["credits"].as_array().unwrap().clone();
        let own = credits.iter().find(|it| it["first"] == 1.0).unwrap();
        own["channel"].as_str().unwrap().to_owned()
    };
    assert_eq!(first(&[]), "ads");
    assert_eq!(first(&["--lookback", "30d"]), "mail");
    assert_eq!(first(&["--lookback", "5d"]), "shop");
}

/// Columns that would be guessed stand beside those that are named, so that what is said decides.
#[test]
fn which_columns_hold_paths() {
    let rows = "way,path,won,conversions,lost,nulls\nads|mail,a,2,9,3,1\nmail,b,1,9,0,1\n";
    let (_folder, path) = file("paths.csv", rows);
    let all = ["--path", "way", "--separator", "|", "--conversions", "won", "--nulls", "lost"];
    let of = |left_out: &str| {
        let said = all.chunks(2).filter(|it| it[0] != left_out).flatten().copied();
        let arguments: Vec<&str> = ["attribution", &path, "--samples", "0"].into_iter().chain(said).collect();
        let found = json(&arguments);
        let credits = found["credits"].as_array().unwrap();
        let mut last: Vec<(String, f64)> =
            credits.iter().map(|it| (it["channel"].as_str().unwrap().to_owned(), number(it, "/last"))).collect();
        last.sort_by(|a, b| a.0.cmp(&b.0));
        (last, number(&found, "/metrics/nulls"))
    };
    let named = |pairs: [(&str, f64); 2]| pairs.map(|(name, last)| (name.to_owned(), last)).to_vec();
    assert_eq!(of(""), (named([("ads", 0.0), ("mail", 3.0)]), 3.0));
    assert_eq!(of("--path"), (named([("a", 2.0), ("b", 1.0)]), 3.0));
    assert_eq!(of("--separator"), (named([("ads|mail", 2.0), ("mail", 1.0)]), 3.0));
    assert_eq!(of("--conversions"), (named([("ads", 0.0), ("mail", 18.0)]), 3.0));
    assert_eq!(of("--nulls"), (named([("ads", 0.0), ("mail", 3.0)]), 2.0));
}

/// A shop that sells a third less from the 71st day on: the day, both levels and by how much, beside what comes. A slope is no change, and chance none.
#[test]
fn levels_that_change() {
    let week = [0, 3, 5, 4, 8, 20, 15];
    let series = |level: &dyn Fn(usize) -> usize| {
        let rows: String = (0..120).map(|at| format!("{},{}\n", at + 1, level(at) + at * at * 7_919 % 11)).collect();
        file("series.csv", format!("day,value\n{rows}"))
    };
    let (_folder, path) = series(&|at| 95 + week[at % 7] - if at < 70 { 0 } else { 30 });
    let arguments = ["forecast", &path, "--date", "day", "--season", "7", "--horizon", "7"];
    let found = json(&arguments);
    let changes = found["changes"].as_array().unwrap();
    assert_eq!((changes.len(), &changes[0]["from"]), (1, &"71".into()), "{changes:?}");
    let level = |name: &str| number(&changes[0], name);
    assert!((level("/level_before") - 105.1).abs() < 0.1 && (level("/level_after") - 75.2).abs() < 0.1, "{changes:?}");
    assert!(level("/low") < 75.2 && 75.2 < level("/high"), "{changes:?}");
    near(level("/by"), level("/level_after") / level("/level_before") - 1.0, 9);
    let shown = text(&arguments);
    assert!(shown.contains("It changed once with 71: it is 75.18") && shown.contains("(-28.4 %)"), "{shown}");
    let (_folder, path) = series(&|at| 50 + 2 * at);
    let found = json(&["forecast", &path, "--date", "day", "--horizon", "7"]);
    assert_eq!(found["changes"], serde_json::json!([]));
    assert!((number(&found, "/metrics/slope_a_step") - 2.0).abs() < 0.05, "{}", found["metrics"]);
    let (_folder, path) = series(&|_| 50);
    let found = json(&["forecast", &path, "--date", "day", "--horizon", "7"]);
    assert!(found["changes"] == serde_json::json!([]) && found["metrics"].get("slope_a_step").is_none());
}

/// Values that come again every five steps are foretold by their season, and by their mean without it.
#[test]
fn seasons_and_gaps() {
    let row = |at: usize| format!("{},{}\n", at + 1, 50 + at % 5 * 9 + at * 7 % 4);
    let (_folder, path) = file("series.csv", format!("day,value\n{}", (0..60).map(row).collect::<String>()));
    let arguments = ["forecast", &path, "--date", "day", "--horizon", "5"];
    let (plain, seasonal) = (json(&arguments), json(&[&arguments[..], &["--season", "5"]].concat()));
    assert_eq!((number(&plain, "/metrics/season"), number(&seasonal, "/metrics/season")), (1.0, 5.0));
    let values = |found: &Value| -> Vec<f64> {
        found["forecast"].as_array().unwrap().iter().map(|it| number(it, "/value")).collect()
    };
    let wide = |of: &[f64]| of.iter().copied().fold(0.0, f64::max) - of.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(wide(&values(&plain)) < 1.0 && wide(&values(&seasonal)) > 30.0, "{plain} {seasonal}");
    // Two days without a row.
    let some: String = (0..60).filter(|at| ![20, 33].contains(at)).map(row).collect();
    let (_folder, path) = file("series.csv", format!("day,value\n{some}"));
    let arguments = ["forecast", &path, "--date", "day"];
    for flags in [&[][..], &["--gaps", "refused"]] {
        assert!(refused(&[&arguments[..], flags].concat()).contains("Lines 22, 34: steps are missing before it"));
    }
    assert_eq!(number(&json(&[&arguments[..], &["--gaps", "zero"]].concat()), "/metrics/values"), 60.0);
}
