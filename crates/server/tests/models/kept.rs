//! Models that are saved and loaded, and rows that are written.

use serde_json::Value;

use crate::{data, file, json, number, refused, text};

/// Saves with the first arguments, loads with the second, and gives both results.
pub fn there_and_back(fit: &[&str], again: &[&str]) -> (Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.json").display().to_string();
    let first = json(&[fit, &["--save", &path]].concat());
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((&saved["format"], &saved["version"]), (&"rapport-model".into(), &1.into()));
    assert_eq!(saved["data"]["fingerprint"], first["data"]["fingerprint"]);
    for key in ["model", "parameters", "columns", "fitted", "metrics"] {
        assert!(saved.get(key).is_some(), "{key}");
    }
    let second = json(&[again, &["--load", &path]].concat());
    assert!(second["notes"].to_string().contains("these same data"), "{}", second["notes"]);
    (first, second)
}

#[test]
fn buying_is_the_same_again() {
    let Some(file) = data("cdnow/CDNOW_sample.txt") else { return };
    let arguments =
        ["clv", &file, "--customer", "column_2", "--date", "column_3", "--amount", "column_5", "--until", "1997-09-30"];
    let (first, second) = there_and_back(&arguments, &arguments);
    for path in ["/log_likelihood", "/metrics/expected_purchases", "/metrics/expected_value", "/metrics/held_out_mae"] {
        let (a, b) = (number(&first, path), number(&second, path));
        assert!((a / b - 1.0).abs() < 1e-9, "{path}: {a} {b}");
    }
}

#[test]
fn learning_is_the_same_again() {
    let Some(file) = data("telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (a, b) = (out("a.csv"), out("b.csv"));
    let (first, second) =
        there_and_back(&["churn", &file, "--out", &a], &["churn", &file, "--label", "Churn", "--out", &b]);
    let said = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap();
        let line = |it: &str| {
            let (rest, reasons) = it.rsplit_once(',').unwrap();
            let (customer, probability) = rest.split_once(',').unwrap();
            (customer.to_owned(), probability.parse::<f64>().unwrap(), reasons.to_owned())
        };
        text.lines().skip(1).map(line).collect::<Vec<_>>()
    };
    let alike = |(a, b): (&(String, f64, String), &(String, f64, String))| {
        a.0 == b.0 && (a.1 - b.1).abs() < 1e-12 && a.2 == b.2
    };
    assert!(said(&a).iter().zip(&said(&b)).all(alike));
    // On the rows that it was fitted to it looks better than it is: what is told of a fit is of rows that it had not seen.
    assert!(number(&second, "/metrics/auc") > number(&first, "/metrics/auc"));
    let rows = std::fs::read_to_string(&a).unwrap();
    assert_eq!(rows.lines().count(), 7_044);
    assert!(rows.lines().nth(1).unwrap().contains("raises it"), "{rows:.300}");
}

/// Each customer with a probability.
fn probabilities(path: &str) -> Vec<(String, f64)> {
    let line = |it: &str| {
        let mut cells = it.split(',');
        (cells.next().unwrap().to_owned(), cells.next().unwrap().parse().unwrap())
    };
    std::fs::read_to_string(path).unwrap().lines().skip(1).map(line).collect()
}

/// A model of events knows its columns, its horizon and who is gone already; it says the same of the same customers, and is judged by what followed.
#[test]
fn what_is_learnt_of_events_is_the_same_again() {
    let (folder, path) = file("purchases.csv", crate::written::purchases());
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (a, b, kept) = (out("a.csv"), out("b.csv"), out("kept.json"));
    for model in ["churn", "propensity"] {
        let columns = ["--customer", "customer", "--date", "day", "--amount", "amount", "--horizon", "28d"];
        let known = [model, &path, "--dates", "days", "--until", "152"];
        let fit = [&known[..], &columns[..], &["--out", &a][..]].concat();
        let (first, second) = there_and_back(&fit, &[&known[..], &["--out", &b][..]].concat());
        assert_eq!(first["model"], second["model"]);
        assert_eq!(number(&second, "/metrics/horizon_days"), 28.0);
        let (told, again) = (probabilities(&a), probabilities(&b));
        assert!(told.len() > 50 && told.len() == again.len(), "{} {}", told.len(), again.len());
        let alike = |(a, b): (&(String, f64), &(String, f64))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9;
        assert!(told.iter().zip(&again).all(alike), "{model}");
        // The 28 days that followed are in the file: who of these came back in them, by hand.
        let text = crate::written::purchases();
        let came = |who: &str| {
            text.lines().skip(1).any(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                cells[0] == who && (153.0..181.0).contains(&cells[1].parse::<f64>().unwrap())
            })
        };
        let positive = again.iter().filter(|it| came(&it.0) == (model == "propensity")).count();
        assert_eq!(number(&second, "/metrics/rows"), again.len() as f64);
        assert_eq!(number(&second, "/metrics/positives"), positive as f64);
        assert!(number(&second, "/metrics/auc") > 0.5, "{second}");
        // Of the last day nothing is known that followed.
        let fit = [&known[..], &columns[..], &["--save", &kept][..]].concat();
        json(&fit);
        let last = json(&[model, &path, "--dates", "days", "--load", &kept]);
        assert!(last["metrics"].get("auc").is_none() && number(&last, "/metrics/mean_probability") > 0.0, "{last}");
    }
    let load = ["propensity", &path, "--dates", "days", "--load", &kept];
    assert!(refused(&[&load[..], &["--label", "amount"]].concat()).contains("was fitted to events"));
    for flag in ["--horizon", "--active"] {
        assert_eq!(crate::run(&[&load[..], &[flag, "30d"]].concat()).status.code(), Some(2), "{flag}");
    }
    let error = refused(&["churn", &path, "--dates", "days", "--load", &kept]);
    assert!(error.contains("`rapport models propensity`"), "{error}");
}

/// A model that was fitted without amounts does not look at those of another file.
#[test]
fn amounts_are_looked_at_as_before() {
    let with = crate::written::purchases();
    let without: String = with.lines().map(|it| it.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    let (folder, bare) = file("bare.csv", without);
    let (_other, path) = file("purchases.csv", with);
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (kept, a, b) = (out("kept.json"), out("a.csv"), out("b.csv"));
    let fit = ["churn", &bare, "--customer", "customer", "--date", "day", "--dates", "days", "--horizon", "28d"];
    json(&[&fit[..], &["--save", &kept, "--out", &a][..]].concat());
    json(&["churn", &path, "--dates", "days", "--load", &kept, "--out", &b]);
    let (told, again) = (probabilities(&a), probabilities(&b));
    assert!(told.len() > 30 && told.len() == again.len());
    assert!(told.iter().zip(&again).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9));
    let error = refused(&["churn", &path, "--dates", "days", "--load", &kept, "--amount", "amount"]);
    assert!(error.contains("fitted without amounts"), "{error}");
}

/// New customers have no label, and days may be among what is known of them: the file of the model says what its rows are.
#[test]
fn new_customers_need_no_label() {
    let mut next = crate::written::chance(4);
    let rows: Vec<(f64, f64)> = (0..400).map(|_| (next(), next())).collect();
    let lines = |label: bool| {
        let line = |(at, it): (usize, &(f64, f64))| {
            let left = if it.0 > 0.4 + 0.4 * it.1 { "yes" } else { "no" };
            let end = if label { format!(",{left}") } else { String::new() };
            format!("c{at},2026-01-{:02},{},{}{end}\n", 1 + at % 28, it.0, it.1)
        };
        rows.iter().enumerate().map(line).collect::<String>()
    };
    let (folder, old) = file("old.csv", format!("customer,date,late,orders,churn\n{}", lines(true)));
    let (_new, path) = file("new.csv", format!("customer,date,late,orders\n{}", lines(false)));
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (kept, a, b) = (out("kept.json"), out("a.csv"), out("b.csv"));
    json(&["churn", &old, "--label", "churn", "--save", &kept, "--out", &a]);
    json(&["churn", &path, "--load", &kept, "--out", &b]);
    let (told, again) = (probabilities(&a), probabilities(&b));
    assert_eq!((told.len(), again.len()), (400, 400));
    assert!(told.iter().zip(&again).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9));
    let error = refused(&["churn", &path, "--load", &kept, "--date", "date"]);
    assert!(error.contains("was fitted to a row a customer"), "{error}");
}

#[test]
fn groups_and_lifetimes_are_the_same_again() {
    if let Some(file) = data("wholesale_customers/wholesale_customers.csv") {
        let arguments = ["cluster", &file, "--ignore", "Channel,Region", "--scale", "log", "--groups", "2"];
        let (first, second) = there_and_back(&arguments, &["cluster", &file]);
        for name in ["1:Fresh", "2:Milk"] {
            let path = format!("/parameters/{name}");
            let (a, b) = (number(&first, &path), number(&second, &path));
            assert!((a / b - 1.0).abs() < 1e-9, "{path}: {a} {b}");
        }
        assert_eq!(first["profiles"], second["profiles"]);
        let arguments = [&arguments[..], &["--method", "mixture"]].concat();
        let (first, second) = there_and_back(&arguments, &["cluster", &file]);
        assert_eq!((&first["model"], &first["profiles"]), (&second["model"], &second["profiles"]));
        let path = "/metrics/mean_probability_of_the_group";
        assert!((number(&first, path) / number(&second, path) - 1.0).abs() < 1e-9);
        let error = refused(&["cluster", &file, "--method", "density", "--save", "groups.json"]);
        assert!(error.contains("are of these rows alone, and cannot be saved"), "{error}");
    }
    let Some(file) = data("survival/rossi.csv") else { return };
    let arguments = ["survival", &file, "--factors", "fin,age,prio"];
    let (first, second) = there_and_back(&arguments, &["survival", &file]);
    assert_eq!(first["parameters"], second["parameters"]);
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (a, b) = (out("a.csv"), out("b.csv"));
    let fit = [&arguments[..], &["--method", "weibull", "--horizon", "20", "--out", &a]].concat();
    let (first, second) = there_and_back(&fit, &["survival", &file, "--horizon", "20", "--out", &b]);
    assert_eq!(first["model"], second["model"]);
    for path in ["/log_likelihood", "/parameters/intercept", "/parameters/prio", "/parameters/shape"] {
        assert!((number(&first, path) / number(&second, path) - 1.0).abs() < 1e-9, "{path}");
    }
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let told = |path: &str| {
        let line = |it: &str| it.split(',').skip(1).map(|it| it.parse::<f64>().unwrap()).collect::<Vec<f64>>();
        read(path).lines().skip(1).flat_map(line).collect::<Vec<f64>>()
    };
    let (told_first, told_again) = (told(&a), told(&b));
    assert_eq!(told_first.len(), 432 * 5);
    assert!(told_first.iter().zip(&told_again).all(|(a, b)| (a / b - 1.0).abs() < 1e-9));
    // Without factors the rows are the curve: after the first week one of 432 is gone.
    text(&["survival", &file, "--out", &a]);
    let curve = read(&a);
    assert!(curve.starts_with("group,time,at_risk,ended,censored,survival,low,high\nall,1,432,1,0,"), "{curve:.200}");
    text(&["survival", &file, "--group", "fin", "--out", &a]);
    assert!(read(&a).lines().skip(1).all(|it| it.starts_with("0,") || it.starts_with("1,")));
}

/// Scores of a structural model, by its weights alone.
#[test]
fn scores_are_the_same_again() {
    let Some(file) = data("sem/HolzingerSwineford1939.csv") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (a, b) = (out("a.csv"), out("b.csv"));
    let model = "visual =~ x1 + x2 + x3; textual =~ x4 + x5 + x6";
    there_and_back(&["sem", &file, "--model", model, "--out", &a], &["sem", &file, "--out", &b]);
    let values = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap();
        let line = |it: &str| it.split(',').skip(1).map(|it| it.parse::<f64>().unwrap()).collect::<Vec<_>>();
        text.lines().skip(1).flat_map(line).collect::<Vec<f64>>()
    };
    let (a, b) = (values(&a), values(&b));
    assert_eq!((a.len(), b.len()), (602, 602));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9));
}

/// A row a customer has the ends of what is told of them, by a model that was fitted and by the same out of a file.
#[test]
fn ends_of_each_customer_are_the_same_again() {
    let (folder, path) = file("purchases.csv", crate::written::purchases());
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (a, b) = (out("a.csv"), out("b.csv"));
    let columns = ["clv", &path, "--dates", "days"];
    let (fit, again) = (["--method", "mbg-nbd", "--out", &a], ["--out", &b]);
    there_and_back(&[&columns[..], &fit[..]].concat(), &[&columns[..], &again[..]].concat());
    let read = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap();
        let line = |it: &str| it.split(',').skip(1).map(|it| it.parse().unwrap_or(f64::NAN)).collect::<Vec<f64>>();
        text.lines().skip(1).map(line).collect::<Vec<_>>()
    };
    let (first, second) = (read(&a), read(&b));
    assert_eq!((first.len(), second.len()), (250, 250));
    for (first, second) in first.iter().zip(&second) {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * (1.0 + a.abs());
        assert!(first.iter().zip(second).all(near), "{first:?} {second:?}");
        // Frequency, recency, age and whether they are there come before.
        let [expected, low, high, fewest, most, _, value, value_low, value_high] = first[4..] else {
            panic!("{first:?}")
        };
        assert!(0.0 < low && low < expected && expected < high, "{first:?}");
        assert!(value_low < value && value < value_high, "{first:?}");
        // What is unsure of amounts is unsure of values, too; and what one does varies more than what is expected of all like them.
        assert!(value_high / value_low > high / low, "{first:?}");
        assert!(fewest <= expected && fewest == fewest.trunc() && most == most.trunc(), "{first:?}");
    }
    let wider = first.iter().filter(|it| it[8] - it[7] > it[6] - it[5]).count();
    assert!(wider > 50, "{wider}");
}

/// What effects are expected of each row; and which recommender was best.
#[test]
fn effects_and_offers_are_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (_folder, trial) = file("trial.csv", crate::hostile::trial(2_000));
    for learner in ["t", "forest", "mean"] {
        let (a, b) = (out("a.csv"), out("b.csv"));
        let fit = ["uplift", &trial, "--learner", learner, "--splits", "2", "--out", &a];
        let again = ["uplift", &trial, "--treatment", "treatment", "--outcome", "outcome", "--out", &b];
        let (first, second) = there_and_back(&fit, &again);
        assert_eq!(first["model"], second["model"]);
        let read = |path: &str| std::fs::read_to_string(path).unwrap();
        let effects = |path: &str| -> Vec<f64> {
            read(path).lines().skip(1).map(|it| it.rsplit_once(',').unwrap().1.parse().unwrap()).collect()
        };
        let (a, b) = (effects(&a), effects(&b));
        assert_eq!(a.len(), 2_000);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12), "{learner}");
        // Those below 40 gain: that was put into the file.
        assert!(second["fifths"][0]["effect_that_came"].as_f64() > second["fifths"][4]["effect_that_came"].as_f64());
    }
    let (_folder, pairs) = file("pairs.csv", crate::hostile::pairs());
    let (first, second) = there_and_back(&["recommend", &pairs], &["recommend", &pairs]);
    assert!(first["tried"].as_array().unwrap().len() > 5 && second.get("tried").is_none());
    assert_eq!(first["model"], second["model"]);
    for path in ["/metrics/ndcg", "/metrics/coverage", "/metrics/customers_judged"] {
        assert!((number(&first, path) - number(&second, path)).abs() < 1e-9, "{path}");
    }
}

/// Rows of customers as Parquet and JSON Lines, read again by the same program.
#[test]
fn rows_are_written_and_read() {
    let Some(file) = data("cdnow/CDNOW_sample.txt") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut means = Vec::new();
    for ending in ["parquet", "jsonl", "csv"] {
        let out = folder.path().join(format!("customers.{ending}")).display().to_string();
        text(&["clv", &file, "--customer", "column_2", "--date", "column_3", "--amount", "column_5", "--out", &out]);
        let found = json(&["cluster", &out, "--features", "p_alive,expected_purchases", "--groups", "3"]);
        assert_eq!(number(&found, "/data/rows"), 2_357.0, "{ending}");
        means.push(number(&found, "/metrics/inertia"));
    }
    assert!((means[0] - means[1]).abs() < 1e-9 && (means[0] - means[2]).abs() < 1e-9, "{means:?}");
    let error = refused(&["clv", &file, "--customer", "column_2", "--date", "column_3", "--out", "rows.xlsx"]);
    assert!(error.contains(".csv, .jsonl or .parquet"), "{error}");
}

/// Another format, another version, another command, other columns, and a file that somebody changed.
#[test]
fn what_does_not_fit_is_refused() {
    let rows: String = (0..60).map(|at| format!("{},{}\n", at % 7, if at < 30 { at } else { at + 100 })).collect();
    let (folder, file) = file("rows.csv", format!("a,b\n{rows}"));
    let path = folder.path().join("model.json").display().to_string();
    text(&["cluster", &file, "--groups", "2", "--save", &path]);
    let saved = std::fs::read_to_string(&path).unwrap();
    let with = |text: &str| {
        let other = folder.path().join("other.json").display().to_string();
        std::fs::write(&other, text).unwrap();
        refused(&["cluster", &file, "--load", &other])
    };
    assert!(with("{}").contains("no saved model"));
    assert!(with("a,b\n1,2\n").contains("no saved model"));
    assert!(with(&saved.replace("rapport-model", "other-model")).contains("no saved model"));
    assert!(with(&saved.replace("\"version\":1", "\"version\":2")).contains("version 2"));
    assert!(with(&saved.replacen("\"fitted\":{", "\"fitted\":{ ", 1)).contains("was changed"));
    assert!(with(&saved.replace("\"checksum\"", "\"other\"")).contains("damaged"));
    assert!(with(&saved[..saved.len() / 2]).contains("no saved model"));
    let error = refused(&["survival", &file, "--load", &path]);
    assert!(error.contains("`rapport models cluster`"), "{error}");
    let (_other, without) = crate::file("other.csv", "a,c\n1,2\n3,4\n");
    let error = refused(&["cluster", &without, "--load", &path]);
    assert!(error.contains("does not have: b"), "{error}");
    let error = refused(&["cluster", &file, "--load", "/nowhere/model.json"]);
    assert!(error.contains("cannot read"), "{error}");
}
