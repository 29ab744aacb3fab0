//! Small files whose results follow by hand.

use crate::{file, json, number, text};

/// Berger's table: who likes it with and dislikes it without has a one-dimensional wish, and so on.
#[test]
fn wishes_by_hand() {
    // Eight say one-dimensional, one must-be, one attractive: better is 9 of 10, worse 9 of 10.
    let rows = "like,dislike\n".repeat(8) + "expect,dislike\n" + "like,neutral\n";
    let (_folder, path) = file("kano.csv", format!("delivery_f,delivery_d\n{rows}"));
    let found = json(&["kano", &path]);
    assert_eq!(found["wishes"][0]["category"], "one-dimensional");
    assert_eq!(
        (number(&found, "/parameters/delivery:better"), number(&found, "/parameters/delivery:worse")),
        (0.9, -0.9)
    );
    // The same as numbers, in the long form, with somebody who left one question out.
    let long = "delivery,1,5\n".repeat(8) + "delivery,2,5\ndelivery,1,3\ndelivery,1,\ngift,1,3\ngift,3,1\n";
    let (_folder, path) = file("long.csv", format!("wish,with,without\n{long}"));
    let arguments = ["kano", &path, "--feature", "wish", "--functional", "with", "--dysfunctional", "without"];
    let found = json(&arguments);
    assert_eq!(number(&found, "/parameters/delivery:better"), 0.9);
    assert_eq!(found["wishes"][1]["wish"], "gift");
    assert!(found["notes"].to_string().contains("1 of 11 did not answer both"), "{}", found["notes"]);
    let shown = text(&arguments);
    assert!(shown.contains("How sure is this:") && shown.contains("What this cannot say:"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "colour where there is no terminal");
}

/// 25 promoters, 15 passives, 10 detractors: 30 by Wald, 28.302 to 49.304 by the adjusted interval.
#[test]
fn recommendations_by_hand() {
    let rows = "10\n".repeat(25) + &"7\n".repeat(15) + &"3\n".repeat(10) + "\n11\n";
    let (_folder, path) = file("nps.csv", format!("score,note\n{}", rows.replace('\n', ",x\n")));
    let found = json(&["nps", &path, "--score", "score"]);
    assert_eq!((number(&found, "/metrics/nps"), number(&found, "/metrics/answers")), (30.0, 50.0));
    crate::near(number(&found, "/intervals/metrics/nps/low"), 7.299, 3);
    crate::near(number(&found, "/intervals/metrics/nps/high"), 49.304, 3);
    assert_eq!(number(&found, "/metrics/no_answers"), 2.0);
}

/// Touches become paths: a conversion ends one, what is left came to nothing.
#[test]
fn touches_become_paths() {
    let rows = "1,2026-01-03,mail,1,30\n1,2026-01-01,ads,0,0\n1,2026-02-01,ads,0,0\n2,2026-01-05,ads,0,0\n2,2026-01-06,mail,0,0\n";
    let (_folder, path) = file("touches.csv", format!("customer,date,channel,converted,worth\n{rows}"));
    let found = json(&[
        "attribution",
        &path,
        "--channel",
        "channel",
        "--converted",
        "converted",
        "--value",
        "worth",
        "--samples",
        "0",
    ]);
    let of = |name: &str| number(&found, &format!("/metrics/{name}"));
    assert_eq!((of("conversions"), of("nulls"), of("value")), (1.0, 2.0, 30.0));
    let credits = found["credits"].as_array().unwrap();
    let ads = credits.iter().find(|it| it["channel"] == "ads").unwrap();
    assert_eq!((number(ads, "/first"), number(ads, "/last"), number(ads, "/shapley")), (1.0, 0.0, 0.5));
}

/// What comes before an event: complaints before leaving.
#[test]
fn what_comes_before_leaving() {
    let mut rows = String::new();
    for customer in 0..40 {
        let left = customer < 20;
        rows += &format!("{customer},2026-01-01,visit\n");
        if left {
            rows +=
                &format!("{customer},2026-01-02,complaint\n{customer},2026-01-09,leave\n{customer},2026-01-10,visit\n");
        }
    }
    let (_folder, path) = file("events.csv", format!("customer_id,date,event\n{rows}"));
    let found = json(&["sequence", &path, "--before", "leave"]);
    assert_eq!((number(&found, "/metrics/with_outcome"), number(&found, "/metrics/customers")), (20.0, 40.0));
    let first = &found["contrasts"][0];
    assert!(
        first["pattern"].as_str().unwrap().contains("complaint") && number(first, "/odds_ratio") > 100.0,
        "{first}"
    );
    assert!(!found["contrasts"].to_string().contains("leave"), "what comes after is no reason");
}

/// Categories group beside numbers where they count enough.
#[test]
fn categories_group_too() {
    let row = |at: usize| {
        format!(
            "{},{},{}\n",
            at % 10 + if at < 120 { 6 } else { 0 },
            if at < 120 { "gold" } else { "plain" },
            if at < 120 { "shop" } else { "web" }
        )
    };
    let rows: String = (0..300).map(row).collect();
    let (_folder, path) = file("people.csv", format!("orders,plan,channel\n{rows}"));
    let columns = ["cluster", &path, "--categories", "plan,channel", "--groups", "2"];
    let found = json(&[&columns[..], &["--weight", "5"]].concat());
    assert_eq!(found["model"], "k-prototypes");
    let told: Vec<(&str, f64)> = found["categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["most_frequent"].as_str().unwrap(), number(it, "/share_of_the_group")))
        .collect();
    assert_eq!(told, [("plain", 1.0), ("web", 1.0), ("gold", 1.0), ("shop", 1.0)]);
    assert_eq!(number(&found["categories"][0], "/share_of_all"), 0.6);
    assert!(number(&found, "/metrics/least_coming_again") > 0.9, "{}", found["metrics"]);
    let error = crate::refused(&[&columns[..], &["--method", "mixture"]].concat());
    assert!(error.contains("--categories are those of --method kmeans"), "{error}");
}

/// A covariate takes out what was different before.
#[test]
fn what_was_known_before_is_taken_out() {
    let rows: String = (0..400)
        .map(|at| {
            let before = f64::from(at % 20);
            let after = before * 2.0 + f64::from(at * 7 % 5) + if at % 2 == 0 { 1.0 } else { 0.0 };
            format!("{},{before},{after}\n", if at % 2 == 0 { "new" } else { "control" })
        })
        .collect();
    let (_folder, path) = file("experiment.csv", format!("group,before,after\n{rows}"));
    let plain = json(&["experiment", &path, "--outcome", "after"]);
    let adjusted = json(&["experiment", &path, "--outcome", "after", "--covariate", "before"]);
    let error = |it| number(it, "/intervals/parameters/after:new/standard_error");
    assert!(error(&adjusted) < error(&plain) / 4.0, "{plain} {adjusted}");
    let always = json(&["experiment", &path, "--outcome", "after", "--always-valid"]);
    assert!(
        number(&always, "/intervals/parameters/after:new/high")
            > number(&plain, "/intervals/parameters/after:new/high")
    );
}

/// The same data in other dialects give the same result and the same fingerprint.
#[test]
fn any_dialect_is_the_same_data() {
    let rows = [
        ("A", "2026-01-05", "1.50"),
        ("A", "2026-02-25", "2.00"),
        ("B", "2026-01-13", "7.25"),
        ("B", "2026-03-01", "1.00"),
    ];
    let plain: String = rows.iter().map(|(a, b, c)| format!("{a},{b},{c}\n")).collect();
    let german: String = rows.iter().map(|(a, b, c)| format!("\"{a}\";{b};{c}\r\n")).collect();
    let lines: String =
        rows.iter().map(|(a, b, c)| format!("{{\"order\":\"{a}\",\"day\":\"{b}\",\"item\":\"{c}\"}}\n")).collect();
    let (_a, first) = file("a.csv", format!("order,day,item\n{plain}"));
    let (_b, second) = file("b.txt", format!("\u{feff}order;day;item\r\n{german}"));
    let (_c, third) = file("c.jsonl", lines);
    let of = |path: &str| json(&["basket", path, "--basket", "order", "--item", "item", "--support", "0.1"]);
    let (a, b, c) = (of(&first), of(&second), of(&third));
    assert_eq!(a["data"]["fingerprint"], b["data"]["fingerprint"]);
    assert_eq!(a["rules"], b["rules"]);
    assert_eq!(a["metrics"], c["metrics"]);
}
