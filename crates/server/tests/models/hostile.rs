//! Files as they come: every fault is one sentence with the lines, exit code 1, and no result.

use crate::{data, file, json, number, refused, run};

const PURCHASES: [&str; 6] = ["--customer", "customer", "--date", "date", "--amount", "amount"];

fn purchases(rows: &str) -> (tempfile::TempDir, String) {
    file("purchases.csv", format!("customer,date,amount\n{rows}"))
}

fn clv(rows: &str) -> String {
    let (_folder, path) = purchases(rows);
    refused(&[&["clv", &path], &PURCHASES[..]].concat())
}

#[test]
fn what_is_no_table() {
    for command in [
        "clv",
        "churn",
        "survival",
        "cluster",
        "basket",
        "sequence",
        "kano",
        "nps",
        "experiment",
        "attribution",
        "sem",
        "uplift",
        "recommend",
        "forecast",
    ] {
        let (_folder, empty) = file("empty.csv", "");
        assert!(refused(&[command, &empty]).contains("an empty file"), "{command}");
        let (_folder, head) = file("head.csv", "customer,date,amount\n");
        assert!(refused(&[command, &head]).contains("no row"), "{command}");
        let (_folder, binary) = file("rows.parquet", b"PAR1 and no more than that");
        assert!(refused(&[command, &binary]).contains("Parquet"), "{command}");
        assert!(refused(&[command, "/nowhere/rows.csv"]).contains("cannot be read"), "{command}");
        let (_folder, other) = file("other.csv", "colour,taste\nred,sweet\nblue,sour\n");
        let error = refused(&[command, &other]);
        assert!(error.contains("colour") || error.contains("taste") || error.contains("--"), "{command}: {error}");
    }
}

#[test]
fn cells_that_are_none() {
    let error = clv(
        "A,2026-01-01,1\nA,2026-01-99,2\n,2026-01-02,3\nB,2026-01-03,inf\nB,2026-01-04,1e300\nB,2026-01-05,NaN\nB,2026-01-06,ten\n",
    );
    for part in
        ["Line 3: date is no date", "Line 4: customer is not given", "Lines 5, 6: amount is infinite or beyond 10^15"]
    {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    assert!(error.contains("Line 7: amount is not given") && error.contains("Line 8: amount is no number"), "{error}");
    assert!(error.contains("--skip-bad"), "{error}");
    // Ragged lines, and a quote that is never closed.
    let error = clv("A,2026-01-01,1\nA,2026-01-02\nB,2026-01-03,1,2,3\nB,2026-01-04,1\n");
    assert!(error.contains("Lines 3, 4 of purchases.csv cannot be read"), "{error}");
}

/// What cannot be read is left out where that was asked for, and said.
#[test]
fn bad_rows_are_left_out_when_asked() {
    let good: String = (0..200).map(|at| format!("b{},item{}\n", at / 2, at % 5)).collect();
    let (_folder, path) = file("baskets.csv", format!("basket,item\n{good}only-one\n,item1\nb7,item2\n"));
    let arguments = ["basket", &path, "--basket", "basket", "--item", "item"];
    assert!(refused(&arguments).contains("Line 202 of baskets.csv cannot be read"));
    let found = json(&[&arguments[..], &["--skip-bad"]].concat());
    let notes = found["notes"].to_string();
    assert!(
        notes.contains("Line 202 of baskets.csv cannot be read") && notes.contains("Left out 1 of 202 rows"),
        "{notes}"
    );
    assert_eq!(number(&found, "/data/rows"), 201.0);
}

#[test]
fn too_little_to_learn_from() {
    assert!(clv("A,2026-01-01,1\nA,2026-02-01,2\nB,2026-01-05,3\n").contains("Too few"));
    let of = |rows: String, more: &[&str]| {
        let (_folder, path) = file("rows.csv", rows);
        refused(&[&["churn", &path][..], more].concat())
    };
    let one = |label: &str| {
        format!("customer,age,churn\n{}", (0..300).map(|at| format!("c{at},{at},{label}\n")).collect::<String>())
    };
    assert!(of(one("yes"), &[]).contains("churn is yes in all rows"));
    let few: String = (0..300).map(|at| format!("c{at},{at},{}\n", if at < 9 { "yes" } else { "no" })).collect();
    assert!(
        of(format!("customer,age,churn\n{few}"), &[]).contains("9 rows are those to be told, and it takes at least 50")
    );
    let three: String = (0..300).map(|at| format!("c{at},{at},{}\n", at % 3)).collect();
    assert!(of(format!("customer,age,churn\n{three}"), &[]).contains("--positive"));
    assert!(of(format!("customer,age,churn\n{three}"), &["--label", "churn", "--positive", "7"]).contains("nowhere 7"));
    let twice: String = (0..300).map(|at| format!("c{},{at},{}\n", at / 2, at % 2)).collect();
    assert!(of(format!("customer,age,churn\n{twice}"), &[]).contains("customer is there more than once"));
    let huge: String =
        (0..300).map(|at| format!("c{at},{},{}\n", if at == 8 { "1e99" } else { "1" }, at % 2)).collect();
    assert!(of(format!("customer,age,churn\n{huge}"), &[]).contains("Line 10: age is infinite or beyond 10^15"));
    let typo: String = (0..300)
        .map(|at| format!("c{at},{},{}\n", if at == 8 { "oops".into() } else { at.to_string() }, at % 2))
        .collect();
    assert!(
        of(format!("customer,age,churn\n{typo}"), &[])
            .contains("Line 10: age is no number, as it is in all other rows")
    );
}

/// A constant column is told; one that gives the answer away is warned of.
#[test]
fn columns_that_mislead() {
    let rows: String = (0..400).map(|at| format!("{},same,{},{}\n", at % 13, at % 2, at % 2)).collect();
    let (_folder, path) = file("rows.csv", format!("a,constant,known_afterwards,churn\n{rows}"));
    let found = json(&["churn", &path]);
    let notes = found["notes"].to_string();
    assert!(notes.contains("constant is the same in all rows"), "{notes}");
    assert!(notes.contains("known_afterwards alone gives the answer away"), "{notes}");
    let (_folder, path) = file("flat.csv", format!("a,b\n{}", "1,2\n".repeat(50)));
    assert!(refused(&["cluster", &path]).contains("is the same in all rows"));
}

#[test]
fn lifetimes_that_cannot_be() {
    let of = |rows: &str, more: &[&str]| {
        let (_folder, path) = file("rows.csv", format!("duration,ended,start,age\n{rows}"));
        refused(&[&["survival", &path][..], more].concat())
    };
    assert!(of("5,1,0,1\n-2,1,0,2\n", &[]).contains("Line 3: duration is below zero"));
    assert!(of("5,1,0,1\n2,maybe,0,2\n", &[]).contains("Line 3: ended is neither yes nor no"));
    assert!(of("5,0,0,1\n2,0,0,2\n", &[]).contains("nothing has ended"));
    let error = of("5,1,0,1\n2,1,3,2\n", &["--entry", "start"]);
    assert!(error.contains("Line 3: start is not before duration"), "{error}");
    let flat: String = (1..40).map(|at| format!("{at},1,0,7\n")).collect();
    assert!(of(&flat, &["--factors", "age"]).contains("age is the same in all rows"));
    assert!(of(&flat, &["--factors", "duration"]).contains("is no factor"));
}

#[test]
fn answers_and_groups_that_cannot_be() {
    let (_folder, path) = file("kano.csv", "x_f,x_d\n1,5\n9,5\nlike,perhaps\n");
    assert!(refused(&["kano", &path]).contains("Line 3: x_f is none of 1 to 5"));
    let (_folder, path) = file("nps.csv", "score,note\n9,a\n8.5,b\nten,c\n");
    assert!(refused(&["nps", &path]).contains("Lines 3, 4: score is no whole number"));
    assert!(refused(&["nps", &path, "--scale", "5..1"]).contains("is no scale"));
    let (_folder, path) = file("arms.csv", "variant,spend\na,1\na,2\na,3\n");
    assert!(refused(&["experiment", &path]).contains("variant is the same in all rows"));
    let (_folder, path) = file("arms.csv", "variant,spend\nred,1\nblue,2\nred,3\n");
    assert!(refused(&["experiment", &path]).contains("--control"));
    let rows: String =
        (0..3_000).map(|at| format!("{},{}\n", if at % 3 == 0 { "control" } else { "new" }, at % 7)).collect();
    let (_folder, path) = file("arms.csv", format!("variant,spend\n{rows}"));
    let found = json(&["experiment", &path]);
    assert!(found["notes"].to_string().contains("not as large as they were meant to be"), "{}", found["notes"]);
    assert!(!json(&["experiment", &path, "--split", "1,2"])["notes"].to_string().contains("not as large"));
}

#[test]
fn paths_and_sequences_that_cannot_be() {
    let (_folder, path) = file("paths.csv", "path,conversions,nulls\na > b,1,2\na > > b,1,0\n");
    assert!(refused(&["attribution", &path]).contains("Line 3: a path has a channel without a name"));
    let (_folder, path) = file("paths.csv", "path,conversions,nulls\na > b,1.5,2\nb,-1,0\n");
    assert!(refused(&["attribution", &path]).contains("Line 3: conversions is below zero"));
    let (_folder, path) = file("paths.csv", "path,conversions,nulls\na > b,0,2\nb,0,4\n");
    refused(&["attribution", &path]);
    let rows = "1,2026-01-01,a,yes\n1,2026-01-02,b,no\n";
    let (_folder, path) = file("events.csv", format!("customer,date,event,left\n{rows}"));
    let error = refused(&["sequence", &path, "--outcome", "left"]);
    assert!(error.contains("Line 3: left is another than in an earlier row"), "{error}");
    assert!(refused(&["sequence", &path, "--before", "nothing"]).contains("no such event"));
}

#[test]
fn models_that_cannot_be_read() {
    let rows: String = (0..50).map(|at| format!("{},{},{}\n", at % 7, at % 5, at % 3)).collect();
    let (_folder, path) = file("rows.csv", format!("a,b,c\n{rows}"));
    let of = |model: &str| refused(&["sem", &path, "--model", model]);
    assert!(refused(&["sem", &path]).contains("--model"));
    assert!(of("").contains("says nothing"));
    assert!(of("f =~ a + b + nothing").contains("nothing is neither a column"));
    assert!(of("a b c").contains("=~"));
    of("f =~ a + b; g =~ b + c; f ~ g; g ~ f; a ~~ b; b ~~ c; a ~~ c");
    let (_folder, path) = file("rows.csv", "a,b,c\n1,2,3\n2,,4\n3,x,5\n");
    let error = refused(&["sem", &path, "--model", "f =~ a + b + c"]);
    assert!(error.contains("Line 3: b is not given") && error.contains("Line 4: b is no number"), "{error}");
}

/// Half of a Parquet file is none, and a column that is not there is named.
#[test]
fn half_a_file() {
    let Some(sample) = data("cdnow/CDNOW_sample.txt") else { return };
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("rows.parquet");
    let arguments = ["clv", &sample, "--customer", "column_2", "--date", "column_3", "--out", whole.to_str().unwrap()];
    crate::text(&arguments);
    let bytes = std::fs::read(&whole).unwrap();
    let half = folder.path().join("half.parquet");
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    assert!(refused(&["cluster", half.to_str().unwrap()]).contains("Parquet"));
    let mut torn = bytes.clone();
    let middle = torn.len() / 3;
    torn[middle..middle + 400].fill(0xff);
    std::fs::write(&half, &torn).unwrap();
    refused(&["cluster", half.to_str().unwrap()]);
    let error = refused(&["cluster", whole.to_str().unwrap(), "--features", "nothing"]);
    assert!(error.contains("no column nothing (--features)") && error.contains("p_alive"), "{error}");
}

/// Latin letters of windows-1252 are read, and said.
#[test]
fn what_is_not_utf_8() {
    let mut bytes = b"basket,item\n".to_vec();
    (0..40).for_each(|at| bytes.extend(format!("b{},K", at / 2).bytes().chain(*b"\xe4se\n")));
    let (_folder, path) = file("baskets.csv", bytes);
    let found = json(&["basket", &path, "--basket", "basket", "--item", "item"]);
    assert_eq!(number(&found, "/metrics/items"), 1.0);
}

/// Flags that contradict each other or are no values end with the code of the command line's own.
#[test]
fn flags_that_are_none() {
    for arguments in [
        &["clv", "x.csv", "--horizon", "soon"][..],
        &["clv", "x.csv", "--method", "magic"],
        &["churn", "x.csv", "--cost", "5"],
        &["magic", "x.csv"],
        &["forecast", "x.csv", "--per", "day"],
        &["forecast", "x.csv", "--what-if", "a=1"],
        &["uplift", "x.csv", "--cost", "1"],
        &["cluster", "x.csv", "--save", "a", "--load", "b"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// A trial in which those below 40 gain .4.
pub fn trial(rows: usize) -> String {
    let mut state = 7_u64;
    let mut chance = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut text = "customer,age,channel,treatment,outcome\n".to_owned();
    for at in 0..rows {
        let (age, treated) = (20.0 + 40.0 * chance(), chance() < 0.5);
        let gain = if treated && age < 40.0 { 0.4 } else { 0.0 };
        let outcome = u8::from(chance() < 0.2 + gain);
        let channel = ["web", "shop", "phone"][at % 3];
        text += &format!("c{at},{age:.2},{channel},{},{outcome}\n", if treated { "mail" } else { "control" });
    }
    text
}

/// Customers of two kinds, each with a part of its half of the items.
pub fn pairs() -> String {
    let mut text = "customer,item\n".to_owned();
    for person in 0..80 {
        (0..24)
            .filter(|item| item % 2 == person % 2 && (item * 7 + person * 5) % 3 > 0)
            .for_each(|item| text += &format!("p{person},i{item}\n"));
    }
    text
}

#[test]
fn trials_that_cannot_be() {
    let of = |text: String, more: &[&str]| {
        let (_folder, path) = file("trial.csv", text);
        refused(&[&["uplift", &path, "--splits", "2"][..], more].concat())
    };
    assert!(of(trial(60), &[]).contains("Too few"));
    assert!(of(trial(400).replace(",mail,", ",control,"), &[]).contains("treatment is the same in all rows"));
    assert!(of(trial(400).replace(",control,", ",letter,"), &[]).contains("--control"));
    assert!(of(trial(400).replacen("\nc7,", "\nc6,", 1), &[]).contains("Line 9: customer is there more than once"));
    assert!(of(trial(400), &["--arm", "post"]).contains("--arm post: beside the control treatment is mail"));
    assert!(of(trial(400), &["--propensity", "age"]).contains("a chance to be treated is above 0 and below 1"));
    let alike: String = trial(400).lines().map(|it| format!("{},1\n", it.rsplit_once(',').unwrap().0)).collect();
    assert!(of(alike.replacen(",1", ",outcome", 1), &[]).contains("outcome is the same in all rows"));
    let text = trial(400).replacen("web,mail", "web,1e99", 1);
    assert!(of(text, &[]).contains("--arm"));
    let mut lines: Vec<String> = trial(400).lines().map(str::to_owned).collect();
    lines[4] = "c3,inf,web,mail,1".to_owned();
    assert!(of(lines.join("\n"), &[]).contains("Line 5: age is infinite or beyond 10^15"));
    // A column that is the same in all rows is left out and told.
    let same: String = trial(400).lines().map(|it| format!("{it},x\n")).collect();
    let (_folder, path) = file("trial.csv", same.replacen(",x", ",shop", 1));
    let found = json(&["uplift", &path, "--splits", "2", "--learner", "t"]);
    assert!(found["notes"].to_string().contains("all rows are the same: shop"), "{}", found["notes"]);
}

#[test]
fn pairs_that_cannot_be() {
    let of = |text: String, more: &[&str]| {
        let (_folder, path) = file("pairs.csv", text);
        refused(&[&["recommend", &path][..], more].concat())
    };
    assert!(of(pairs(), &["--for", "nobody"]).contains("there is no such customer"));
    assert!(of(pairs(), &["--limit", "0"]).contains("--limit"));
    assert!(of(pairs(), &["--penalty", "NaN"]).contains("--penalty"));
    assert!(of("customer,item\nA,x\nA,y\n".to_owned(), &[]).contains("Too few"));
    let weighed = "customer,item,stars\nA,x,3\nA,y,-1\nB,x,inf\n,y,2\n".to_owned();
    let error = of(weighed, &["--weight", "stars"]);
    for part in ["Line 3: stars is below zero", "Line 4: stars is infinite", "Line 5: customer is not given"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    // Everything on one day leaves nothing to be told of.
    let day: String = pairs().lines().map(|it| format!("{it},2026-01-01\n")).collect();
    assert!(of(day.replacen("2026-01-01", "day", 1), &["--date", "day"]).contains("Too few"));
}

#[test]
fn series_that_cannot_be() {
    let of = |rows: &str, more: &[&str]| {
        let (_folder, path) = file("series.csv", format!("date,value,price\n{rows}"));
        refused(&[&["forecast", &path][..], more].concat())
    };
    let days = |n: usize| -> Vec<String> {
        let day = |at: usize| {
            format!("2026-{:02}-{:02},{},{}\n", at / 28 + 1, at % 28 + 1, 50 + at % 7 * 3 + at * 5 % 4, 9 + at % 3)
        };
        (0..n).map(day).collect()
    };
    assert!(of(&days(12).concat(), &[]).contains("Too few values: 12"));
    let mut gap = days(28);
    gap.remove(9);
    assert!(of(&gap.concat(), &[]).contains("Line 11: steps are missing before it"), "--gaps zero");
    let mut turned = days(28);
    turned.swap(3, 4);
    assert!(of(&turned.concat(), &[]).contains("Line 6: date is before that of the row above"));
    let mut twice = days(28);
    twice[5] = twice[4].clone();
    assert!(of(&twice.concat(), &[]).contains("Line 7: date is there more than once"));
    let mut bad = days(28);
    bad[2] = "2026-01-03,inf,9\n".to_owned();
    bad[6] = "2026-01-07,,9\n".to_owned();
    let error = of(&bad.concat(), &[]);
    assert!(error.contains("Line 4: value is infinite") && error.contains("Line 8: value is not given"), "{error}");
    let same: String = (1..29).map(|at| format!("2026-01-{at:02},5,9\n")).collect();
    assert!(of(&same, &[]).contains("are all the same"));
    let flat: String = (1..29).map(|at| format!("2026-01-{at:02},{},9\n", at % 5)).collect();
    let error = of(&flat, &["--factors", "price", "--horizon", "1", "--method", "regression"]);
    assert!(error.contains("factors are known 0 steps ahead"), "{error}");
    let error = of(&(flat + "2026-01-29,,9\n"), &["--factors", "price", "--horizon", "1", "--method", "regression"]);
    assert!(error.contains("price is the same in all rows"), "{error}");
    assert!(of(&days(28).concat(), &["--horizon", "0"]).contains("--horizon"));
    assert!(of("2026-01-01,1,1\n", &["--per", "month", "--date", "date"]).contains("no whole months"));
}

/// Factors ahead are rows without a value, and what a change of them would do is told.
#[test]
fn factors_ahead() {
    let row = |at: usize| {
        let price = 9.0 + (at * 7 % 5) as f64 * 0.5;
        // Some are below zero, so that nothing is taken for a logarithm.
        let value = (at * 13 % 11) as f64 - 8.0 * (price - 10.0);
        let told = if at < 100 { format!("{value:.1}") } else { String::new() };
        format!("2026-{:02}-{:02},{told},{price}\n", at / 28 + 1, at % 28 + 1)
    };
    let rows: String = (0..112).filter(|at| at / 28 < 4).map(row).collect();
    // Months of 28 days leave gaps; days are counted instead.
    let plain: String =
        rows.lines().enumerate().map(|(at, it)| format!("{},{}\n", at + 1, it.split_once(',').unwrap().1)).collect();
    let (_folder, path) = file("series.csv", format!("step,value,price\n{plain}"));
    let arguments =
        ["forecast", &path, "--date", "step", "--factors", "price", "--horizon", "12", "--what-if", "price=8"];
    let found = json(&[&arguments[..], &["--method", "regression"]].concat());
    let (low, high) =
        (number(&found, "/intervals/parameters/price/low"), number(&found, "/intervals/parameters/price/high"));
    assert!(low < -8.0 && -8.0 < high && high < -4.0, "{low} {high}");
    assert!(number(&found, "/metrics/what_if_in_all") > 100.0, "{}", found["metrics"]);
    assert_eq!(found["forecast"][0]["step"], "101");
    assert!(refused(&[&arguments[..9], &["cost=8"]].concat()).contains("the factors are price"));
}
