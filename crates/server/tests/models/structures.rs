//! Composites and the ready model of satisfaction and loyalty: against what SmartPLS printed, by hand, and on answers that cannot be.

use serde_json::Value;

use crate::kept::there_and_back;
use crate::{data, file, json, near, number, refused, run};

/// The parts of the European index in the survey of mobile telephony.
const PARTS: [(&str, &str); 7] = [
    ("image", "IMAG1,IMAG2,IMAG3,IMAG4,IMAG5"),
    ("expectation", "CUEX1,CUEX2,CUEX3"),
    ("quality", "PERQ1,PERQ2,PERQ3,PERQ4,PERQ5,PERQ6,PERQ7"),
    ("value", "PERV1,PERV2"),
    ("satisfaction", "CUSA1,CUSA2,CUSA3"),
    ("complaints", "CUSCO"),
    ("loyalty", "CUSL1,CUSL2,CUSL3"),
];

/// SmartPLS 2.0.M3, path weighting, as printed.
const PRINTED: [(&str, f64); 5] = [
    ("expectation~image", 0.504_91),
    ("quality~expectation", 0.556_75),
    ("satisfaction~quality", 0.512_02),
    ("loyalty~satisfaction", 0.485_48),
    ("complaints~satisfaction", 0.528_07),
];

fn flags(parts: &[(&str, &str)]) -> Vec<String> {
    parts.iter().flat_map(|(part, columns)| [format!("--{part}"), (*columns).to_owned()]).collect()
}

/// Both ways beside each other: composites as printed, covariances that can hardly tell parts apart and say so.
#[test]
fn mobile_telephony() {
    let Some(path) = data("sem/mobi.csv") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let (a, b) = (out("a.csv"), out("b.csv"));
    let flags = flags(&PARTS);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let ready = ["sem", &path, "--ready", "european", "--scale", "1,10", "--samples", "100", "--out", &a];
    let (found, again) = there_and_back(&[&ready[..], &flags].concat(), &["sem", &path, "--out", &b]);
    PRINTED.iter().for_each(|(path, wanted)| near(number(&found, &format!("/parameters/{path}")), *wanted, 5));
    assert_eq!(found["paths"].as_array().unwrap().len(), 12);
    near(number(&found, "/metrics/rmsea"), 0.075, 3);
    near(number(&found, "/metrics/cfi"), 0.88, 2);
    assert!(found["log_likelihood"].is_f64());
    assert!(found["notes"].to_string().contains("Warning, by covariances"), "{}", found["notes"]);
    // The formula of the American index: the mean of answers, weighted, from worst to best.
    let text = std::fs::read_to_string(&path).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let answers: Vec<Vec<f64>> =
        text.lines().skip(1).map(|line| line.split(',').map(|it| it.trim().parse().unwrap()).collect()).collect();
    let share = |it: &Value| {
        let at = names.iter().position(|name| it["question"] == **name).unwrap();
        number(it, "/share_of_the_index") * (answers.iter().map(|row| row[at]).sum::<f64>() / 250.0 - 1.0)
    };
    let questions = found["questions"].as_array().unwrap();
    assert_eq!(questions.len(), 24);
    let wanted: f64 = questions.iter().filter(|it| it["construct"] == "satisfaction").map(share).sum();
    near(number(&found, "/metrics/index:satisfaction"), wanted * 100.0 / 9.0, 6);
    let (low, high) = ("/intervals/metrics/index:satisfaction/low", "/intervals/metrics/index:satisfaction/high");
    let index = number(&found, "/metrics/index:satisfaction");
    assert!(number(&found, low) < index && index < number(&found, high));
    // Other rows are scored by the weights alone: these same ones have the same scores and indices.
    for (part, _) in PARTS {
        let path = format!("/metrics/index:{part}");
        near(number(&again, &path), number(&found, &path), 6);
    }
    let rows = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines()
            .skip(1)
            .flat_map(|it| it.split(',').skip(1).map(|it| it.parse().unwrap()).collect::<Vec<f64>>())
            .collect::<Vec<f64>>()
    };
    let (a, b) = (rows(&a), rows(&b));
    assert_eq!((a.len(), b.len()), (250 * 14, 250 * 14));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9));
    // The American one has no image.
    let some = crate::structures::flags(&PARTS[1..]);
    let some: Vec<&str> = some.iter().map(String::as_str).collect();
    let american = ["sem", &path, "--ready", "american", "--scale", "1,10", "--samples", "0"];
    let found = json(&[&american[..], &some].concat());
    assert_eq!(found["paths"].as_array().unwrap().len(), 9);
    assert!(found["how_sure"].as_str().unwrap().contains("no samples were drawn"), "{}", found["how_sure"]);
    assert!(found["intervals"]["parameters"].as_object().unwrap().is_empty(), "{}", found["intervals"]);
    let error = refused(&[&american[..], &flags].concat());
    assert!(error.contains("--image is a part of the European index only"), "{error}");
}

/// The same model as a text, by all three schemes; a construct that its columns make up has no reliability.
#[test]
fn composites_as_a_text() {
    let Some(path) = data("sem/mobi.csv") else { return };
    let mut text: String =
        PARTS.iter().map(|(part, columns)| format!("{part} =~ {}\n", columns.replace(',', " + "))).collect();
    text += "expectation ~ image\nquality ~ expectation\nvalue ~ expectation + quality\n\
        satisfaction ~ image + expectation + quality + value\ncomplaints ~ satisfaction\nloyalty ~ image + satisfaction + complaints\n";
    let (_folder, model) = file("model.txt", &text);
    let arguments = ["sem", &path, "--method", "pls", "--model-file", &model, "--samples", "40"];
    let found = json(&[&arguments[..], &["--scale", "1,10", "--scale", "complaints=10..1"]].concat());
    assert_eq!(found["model"], "path model of composites (PLS)");
    assert!(found["log_likelihood"].is_null());
    PRINTED.iter().for_each(|(path, wanted)| near(number(&found, &format!("/parameters/{path}")), *wanted, 5));
    let turned = number(&found, "/metrics/index:complaints");
    let plain = json(&[&arguments[..], &["--scale", "1,10"]].concat());
    near(turned + number(&plain, "/metrics/index:complaints"), 100.0, 6);
    assert_eq!(found["reliability"].as_array().unwrap().len(), 6, "a single question has none");
    let bare = json(&[&arguments[..], &["--scheme", "centroid"]].concat());
    assert!(bare["metrics"].get("index:image").is_none());
    assert!((number(&bare, "/parameters/expectation~image") - PRINTED[0].1).abs() > 1e-5);
    // What values make up, instead of showing.
    let (_folder, model) = file("model.txt", text.replace("value =~", "value <~"));
    let formative = json(&["sem", &path, "--method", "pls", "--model-file", &model, "--samples", "0"]);
    let has = |key: &str| formative[key].to_string().contains("value");
    assert!(!has("reliability") && !has("apart") && has("questions"), "{formative}");
}

#[test]
fn answers_that_cannot_be() {
    // All follow one level from 0 to 4, more or less.
    let row = |at: usize| {
        let level = at % 5;
        let answer = |off: usize| 1 + (level + off).min(4);
        format!("{},{},{},{},5,x\n", answer(0), answer(at / 7 % 2), answer(at / 3 % 2), 1 + (3 * level + at % 4) / 4)
    };
    let rows: String = (0..60).map(row).collect();
    let head = "q1,q2,s1,s2,same,word\n";
    let (_folder, path) = file("answers.csv", format!("{head}{rows}"));
    let ready = ["sem", &path, "--ready", "european", "--samples", "0"];
    let of = |more: &[&str]| refused(&[&ready[..], more].concat());
    let two = ["--quality", "q1,q2", "--satisfaction", "s1,s2"];
    assert!(of(&two).contains("--scale"));
    assert!(of(&["--scale", "1,5"]).contains("two parts or more"));
    assert!(of(&["--scale", "1,5", "--quality", "q1,q2"]).contains("two parts or more"));
    assert!(of(&[&two[..], &["--scale", "5"]].concat()).contains("--scale 5 is no scale"));
    assert!(of(&[&two[..], &["--scale", "price=1,5"]].concat()).contains("there is no construct price"));
    assert!(
        of(&["--scale", "1,5", "--quality", "q1,q2", "--satisfaction", "s1,q1"])
            .contains("q1 is named by --quality and by --satisfaction")
    );
    assert!(
        of(&["--scale", "1,5", "--quality", "q1,q1", "--satisfaction", "s1"]).contains("a column belongs to one part")
    );
    assert!(
        of(&["--scale", "1,5", "--quality", "q1,nothing", "--satisfaction", "s1"])
            .contains("no column nothing (--quality)")
    );
    assert!(of(&["--scale", "1,5", "--quality", "q1,word", "--satisfaction", "s1"]).contains("word is no number"));
    assert!(
        of(&["--scale", "1,5", "--quality", "q1,same", "--satisfaction", "s1"])
            .contains("the column same is the same in all rows")
    );
    assert!(of(&["--scale", "1,5", "--image", "q1", "--complaints", "s1"]).contains("leads to nothing that was asked"));
    assert!(of(&[&two[..], &["--scale", "1,4"]].concat()).contains("is outside of its scale"));
    assert!(of(&[&two[..], &["--scale", "1,5", "--method", "pls"]].concat()).contains("fitted both ways"));
    let many = ["sem", &path, "--ready", "european", "--samples", "99999", "--scale", "1,5"];
    assert!(refused(&[&many[..], &two[..]].concat()).contains("--samples must be at most 10000"));
    // Codes for nothing are left out where that was asked for.
    let (_folder, odd) = file("answers.csv", format!("{head}{rows}99,1,1,1,5,x\n"));
    let columns = [&["sem", &odd, "--ready", "european", "--samples", "0", "--scale", "1,5"], &two[..]].concat();
    assert!(refused(&columns).contains("Line 62: q1 is outside of its scale"));
    assert_eq!(number(&json(&[&columns[..], &["--skip-bad"]].concat()), "/metrics/answers"), 60.0);
    let pls =
        |model: &str, more: &[&str]| refused(&[&["sem", &path, "--method", "pls", "--model", model], more].concat());
    assert!(pls("a =~ q1 + q2; b =~ s1 + s2; b ~ a; q1 ~~ q2", &[]).contains("not known here"));
    assert!(pls("a =~ q1 + q2; b =~ s1 + s2; b ~ a; a ~ b", &[]).contains("circle"));
    assert!(pls("a =~ q1 + q2; b =~ s1 + s2; c =~ same; b ~ a", &[]).contains("c leads nowhere"));
    assert!(pls("a =~ q1 + q2; b =~ s1 + same; b ~ a", &[]).contains("same is the same in all rows"));
    assert!(pls("a =~ q1 + q2; b =~ s1 + s2; b ~ a", &["--scale", "c=1,5"]).contains("there is no construct c"));
    let error = refused(&["sem", &path, "--model", "a =~ q1 + q2 + s1", "--scale", "1,5"]);
    assert!(error.contains("--method pls"), "{error}");
    let (_folder, few) = file("few.csv", format!("{head}{}", (0..4).map(row).collect::<String>()));
    let error = refused(&["sem", &few, "--method", "pls", "--model", "a =~ q1 + q2; b =~ s1 + s2; b ~ a"]);
    assert!(error.contains("not more complete answers than questions"), "{error}");
    for arguments in [
        &["sem", "x.csv", "--image", "a"][..],
        &["sem", "x.csv", "--ready", "asian"],
        &["sem", "x.csv", "--ready", "american", "--model", "a ~ b"],
        &["sem", "x.csv", "--load", "m.json", "--method", "pls"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
