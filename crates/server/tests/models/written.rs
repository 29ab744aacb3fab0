//! The rows that each command writes with `--out`, and the picture that it shows.

use crate::{file, refused, text};

/// A command on a file: the header of its rows, how many there are, and a sign of its picture.
struct Case {
    model: &'static str,
    rows: String,
    flags: &'static [&'static str],
    header: &'static str,
    written: usize,
    picture: &'static str,
}

/// Numbers from 0 up to 1, one after another.
pub fn chance(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Half a year of 250 customers: who, on which day, and for how much.
pub fn purchases() -> String {
    let mut next = chance(11);
    let mut text = "customer,day,amount\n".to_owned();
    for customer in 0..250 {
        let (buys, leaves, spends) = (0.1 + 0.7 * next(), 0.02 + 0.15 * next(), 5.0 + 60.0 * next() * next());
        let mut week = (next() * 4.0).floor();
        let mut first = true;
        while week < 26.0 {
            if first || next() < buys {
                let (day, amount) = (7.0 * week + (6.0 * next()).floor(), (spends * (0.4 + 1.2 * next())).round());
                text += &format!("c{customer},{day},{}\n", amount.max(1.0));
                first = false;
            }
            week += 1.0;
            if next() < leaves {
                break;
            }
        }
    }
    text
}

/// Answers of 200 people to three questions on trust and three on loyalty, which follows from it.
pub fn answers() -> String {
    let mut next = chance(3);
    let mut text = "person,t1,t2,t3,l1,l2,l3\n".to_owned();
    for person in 0..200 {
        let trust = next() + next();
        let loyal = 0.6 * trust + next() + next();
        text += &format!("p{person}");
        [trust, trust, trust, loyal, loyal, loyal].iter().for_each(|it| text += &format!(",{:.3}", it + 0.8 * next()));
        text.push('\n');
    }
    text
}

/// A file of as many rows, each of its place.
fn lines(header: &str, rows: usize, row: impl Fn(usize) -> String) -> String {
    format!("{header}\n{}", (0..rows).map(|at| row(at) + "\n").collect::<String>())
}

/// Twenty customers complain and leave, twenty do not.
fn events() -> String {
    lines("customer,date,event", 40, |at| {
        let here = format!("{at},2026-01-01,visit\n{at},2026-01-03,basket");
        if at < 20 { format!("{here}\n{at},2026-01-20,complaint\n{at},2026-02-09,leave") } else { here }
    })
}

fn labels() -> String {
    let left = |at: usize| u8::from(at % 13 + at * 11 % 10 > 11);
    lines("customer,orders,visits,left", 400, |at| format!("c{at},{},{},{}", at % 13, at * 7 % 10, left(at)))
}

fn lives() -> String {
    let row = |at: usize| format!("c{at},{},{},{}", 1 + at * 7 % 23, u8::from(!at.is_multiple_of(4)), at * 5 % 9);
    lines("customer,duration,ended,orders", 80, row)
}

fn kinds() -> String {
    lines("customer,a,b", 60, |at| format!("c{at},{},{}", at % 7, if at < 30 { at } else { at + 100 }))
}

/// What is asked and answered, told, and chosen.
fn asked() -> Vec<Case> {
    let region = |at: usize| ["north", "south", "west"][at % 3];
    let arm = |at: usize| ["control", "blue", "red"][at % 3];
    vec![
        Case {
            model: "kano",
            rows: format!("gift_f,gift_d,post_f,post_d\n{}{}", "1,5,1,3\n".repeat(8), "2,5,3,3\n".repeat(4)),
            flags: &[],
            header: "wish,category,better,worse",
            written: 2,
            picture: "█",
        },
        Case {
            model: "nps",
            rows: lines("score,region", 90, |at| format!("{},{}", at % 11, region(at))),
            flags: &["--by", "region"],
            header: "group,answers,score,low,high",
            written: 3,
            picture: "█",
        },
        Case {
            model: "experiment",
            rows: lines("variant,spend,visit", 300, |at| {
                format!("{},{},{}", arm(at), at * 7 % 5, u8::from(at * 7 % 11 < 4))
            }),
            flags: &["--outcome", "spend,visit"],
            header: "outcome,group,effect,low,high,p,q,chance_to_win,expected_loss,expected_loss_of_control",
            written: 4,
            picture: "█",
        },
        Case {
            model: "uplift",
            rows: crate::hostile::trial(800),
            flags: &["--learner", "t", "--splits", "2"],
            header: "customer,effect",
            written: 800,
            picture: "•",
        },
        Case {
            model: "sem",
            rows: answers(),
            flags: &["--customer", "person", "--model", "trust =~ t1 + t2 + t3; loyal =~ l1 + l2 + l3; loyal ~ trust"],
            header: "customer,trust,loyal",
            written: 200,
            picture: "█",
        },
        Case {
            model: "attribution",
            rows: "path,conversions,value,nulls\nads > mail,3,30,2\nmail,2,10,5\nshop > ads,1,9,4\n".to_owned(),
            flags: &["--samples", "0"],
            header: "channel,markov_conversions,markov_value,shapley_conversions,shapley_value,first_conversions,first_value,\
                last_conversions,last_value,linear_conversions,linear_value",
            written: 3,
            picture: "█",
        },
    ]
}

/// What customers do.
fn done() -> Vec<Case> {
    let bought = |at: usize| format!("b{at},tea\nb{at},{}", if at.is_multiple_of(2) { "milk" } else { "jam" });
    vec![
        Case {
            model: "basket",
            rows: lines("basket,item", 40, bought),
            flags: &[],
            header: "antecedent,consequent,baskets,support,confidence,lift,lift_low,lift_high,leverage,conviction,zhang,kulczynski,\
                cosine,q",
            // Milk and jam go with tea, and tea with either.
            written: 4,
            picture: "█",
        },
        Case {
            model: "sequence",
            rows: events(),
            flags: &[],
            header: "pattern,customers,share",
            // What all do, and what those do who leave.
            written: 2,
            picture: "█",
        },
        Case {
            model: "sequence",
            rows: events(),
            flags: &["--before", "leave"],
            header: "pattern,customers,with_outcome,odds_ratio,low,high,q",
            // Every choice of the three events that come before.
            written: 7,
            // A table alone.
            picture: "complaint",
        },
        Case {
            model: "recommend",
            rows: crate::hostile::pairs(),
            flags: &["--method", "neighbours", "--limit", "2"],
            header: "customer,rank,item,score",
            written: 160,
            picture: "█",
        },
        Case {
            model: "clv",
            rows: purchases(),
            flags: &["--dates", "days", "--method", "mbg-nbd"],
            header: "customer,frequency,recency,age,p_alive,expected_purchases,expected_purchases_low,expected_purchases_high,\
                purchases_low,purchases_high,expected_spend,value,value_low,value_high",
            written: 250,
            picture: "█",
        },
        Case {
            model: "forecast",
            rows: lines("day,value", 60, |at| format!("{},{}", at + 1, 50 + at % 7 * 3 + at * 5 % 4)),
            flags: &["--date", "day", "--horizon", "5"],
            header: "step,value,low,high",
            written: 5,
            picture: "•",
        },
    ]
}

/// What becomes of customers, and what they are.
fn become_of() -> Vec<Case> {
    let outcome = |model: &'static str| Case {
        model,
        rows: labels(),
        flags: &["--label", "left"],
        header: "customer,probability,reasons",
        written: 400,
        picture: "•",
    };
    let lifetimes = |flags: &'static [&'static str], header: &'static str, written: usize| Case {
        model: "survival",
        rows: lives(),
        flags,
        header,
        written,
        picture: "•",
    };
    let grouped = |flags: &'static [&'static str], header: &'static str| Case {
        model: "cluster",
        rows: kinds(),
        flags,
        header,
        written: 60,
        picture: "█",
    };
    vec![
        outcome("churn"),
        outcome("propensity"),
        lifetimes(&[], "group,time,at_risk,ended,censored,survival,low,high", 23),
        lifetimes(&["--factors", "orders"], "customer,times_the_risk,survival_at_horizon,low,high,median", 80),
        lifetimes(
            &["--factors", "orders", "--method", "weibull"],
            "customer,survival_at_horizon,median,median_low,median_high,mean",
            80,
        ),
        grouped(&["--groups", "2"], "customer,group"),
        grouped(&["--groups", "2", "--method", "mixture"], "customer,group,probability"),
        grouped(&["--method", "density"], "customer,group,strength"),
    ]
}

fn check(cases: Vec<Case>) {
    for Case { model, rows, flags, header, written, picture } in cases {
        let (folder, path) = file("rows.csv", rows);
        let out = folder.path().join("out.csv").display().to_string();
        let shown = text(&[&[model, &path], flags, &["--out", &out]].concat());
        assert!(shown.contains(picture), "{model} {flags:?} shows no picture: {shown}");
        assert!(shown.contains("Rows written to"), "{model} {flags:?}: {shown}");
        let rows = std::fs::read_to_string(&out).unwrap();
        assert_eq!(rows.lines().next(), Some(header), "{model} {flags:?}");
        assert_eq!(rows.lines().count(), written + 1, "{model} {flags:?}: {rows:.300}");
        let width = header.split(',').count();
        assert!(rows.lines().all(|it| it.split(',').count() >= width), "{model} {flags:?}: {rows:.300}");
    }
}

#[test]
fn of_what_is_asked() {
    check(asked());
}

#[test]
fn of_what_is_done() {
    check(done());
}

#[test]
fn of_what_becomes_of_customers() {
    check(become_of());
}

/// A score alone has no rows, and nothing is written.
#[test]
fn nothing_to_write() {
    let (folder, path) = file("scores.csv", "score\n9\n10\n3\n");
    let out = folder.path().join("out.csv");
    let error = refused(&["nps", &path, "--out", out.to_str().unwrap()]);
    assert!(error.contains("no single rows to write with --out") && !out.exists(), "{error}");
}
