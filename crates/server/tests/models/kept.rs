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
