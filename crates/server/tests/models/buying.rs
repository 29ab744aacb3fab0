//! Models of buying by name: those of chances and contracts against published numbers, those of time against the library, and what files say that cannot be.

use rapport_models::buying::{
    BgBb, Chances, Explained, GGompertzNbd, Histories, History, ParetoNbd, Purchase, simulated_ggompertz_nbd,
    simulated_pareto_nbd,
};

use crate::kept::there_and_back;
use crate::{data, file, json, near, number, refused, run};

fn relative(found: f64, wanted: f64, within: f64) {
    assert!((found / wanted - 1.0).abs() < within, "{found} {wanted}");
}

/// Numbers from 0 up to 1, one after another.
fn chance(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Fader, Hardie and Shang 2010: 11,104 people who could give once a year for six years.
#[test]
fn donations() {
    let Some(path) = data("donations/donations_rf_matrix.csv") else { return };
    let columns = ["--frequency", "x", "--recency", "t.x", "--chances", "n.cal", "--count", "custs"];
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("rows.csv").display().to_string();
    let arguments = [&["clv", &path], &columns[..]].concat();
    let (found, again) = there_and_back(&[&arguments[..], &["--method", "bg-bb", "--out", &out]].concat(), &arguments);
    assert_eq!(found["model"], "BG/BB");
    assert!((number(&found, "/log_likelihood") + 33_225.581_3).abs() < 1e-3, "{found}");
    for (name, wanted) in [("alpha", 1.203_52), ("beta", 0.749_72), ("gamma", 0.656_72), ("delta", 2.783_44)] {
        relative(number(&found, &format!("/parameters/{name}")), wanted, 1e-4);
    }
    assert_eq!(number(&found, "/metrics/customers"), 11_104.0);
    near(number(&found, "/metrics/expected_purchases"), 12_884.2, 1);
    for metric in ["expected_purchases", "mean_p_alive", "expected_purchases_for_ever_discounted"] {
        let path = format!("/metrics/{metric}");
        relative(number(&again, &path), number(&found, &path), 1e-9);
    }
    // What people did beside what the model says that they do: their number is the same.
    let sum = |key: &str| found["taken"].as_array().unwrap().iter().map(|it| number(it, key)).sum::<f64>();
    assert_eq!(sum("/customers"), 11_104.0);
    near(sum("/by_the_model"), 11_104.0, 3);
    let rows = std::fs::read_to_string(&out).unwrap();
    let alive = |frequency: &str, recency: &str| {
        let own = |it: &&str| it.split(',').skip(2).take(2).eq([frequency, recency]);
        rows.lines().find(own).unwrap().split(',').nth(5).unwrap().parse::<f64>().unwrap()
    };
    // How many of the next five they take: chances add up to one, and their mean is what is expected.
    let header: Vec<&str> = rows.lines().next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|it| *it == name).unwrap();
    for line in rows.lines().skip(1) {
        let cell = |name: &str| line.split(',').nth(place(name)).unwrap().parse::<f64>().unwrap();
        let chances = ["p_0", "p_1", "p_2", "p_3", "p_4", "p_5"].map(cell);
        near(chances.iter().sum(), 1.0, 9);
        let mean: f64 = chances.iter().enumerate().map(|(count, it)| count as f64 * it).sum();
        near(mean, cell("expected_purchases"), 9);
        assert!(cell("expected_purchases_low") < mean && mean < cell("expected_purchases_high"), "{line}");
        assert!(cell("purchases_low") <= mean && cell("purchases_high") <= 5.0, "{line}");
    }
    let to_come = found["to_come"].as_array().unwrap();
    assert_eq!(to_come.len(), 6);
    let all: f64 = to_come.iter().map(|it| number(it, "/taken") * number(it, "/by_the_model")).sum();
    near(all, 12_884.2, 1);
    near(alive("0", "0"), 0.108, 3);
    near(alive("2", "4"), 0.590, 3);
    near(alive("6", "6"), 0.930, 3);
}

/// The ends of each row beside the library's own weighted draws and probabilities; and the number of chances that each takes.
#[test]
fn ends_of_rows() {
    use rapport_models::buying::Buying as _;
    let truth = ParetoNbd { r: 1.2, alpha: 6.0, s: 0.9, beta: 12.0 };
    let people = simulated_pareto_nbd(&truth, 800, (30.0, 60.0), 9);
    let row = |it: &History| format!("{},{},{}\n", it.frequency, it.recency, it.age);
    let (folder, path) = file("people.csv", format!("x,t_x,t\n{}", people.iter().map(row).collect::<String>()));
    let out = folder.path().join("rows.csv").display().to_string();
    let columns = ["--frequency", "x", "--recency", "t_x", "--age", "t", "--method", "pareto-nbd", "--out", &out];
    json(&[&["clv", &path], &columns[..]].concat());
    let histories = Histories::new(&people).unwrap();
    let fit = ParetoNbd::fit(&histories).unwrap();
    let draws = fit.posterior(histories.groups(), 2_000, 1).unwrap();
    let text = std::fs::read_to_string(&out).unwrap();
    for (line, history) in text.lines().skip(1).zip(&people).step_by(40) {
        let cells: Vec<f64> = line.split(',').skip(5).take(5).map(|it| it.parse().unwrap()).collect();
        let [expected, low, high, fewest, most] = cells[..] else { panic!("{line}") };
        relative(expected, fit.model.expected(history, 52.0), 1e-9);
        let wanted = draws.interval(|it| it.expected(history, 52.0));
        let off = (low / wanted.low).ln().abs().max((high / wanted.high).ln().abs());
        assert!(off < 0.25 * (wanted.high / wanted.low).ln(), "{line} {wanted:?}");
        let chances = fit.model.probabilities(history, 52.0, most as usize);
        let below = |count: f64| chances[..count as usize].iter().sum::<f64>();
        assert!(below(fewest) < 0.025 && below(fewest + 1.0) >= 0.025, "{line}");
        assert!(below(most) < 0.975 && chances.iter().sum::<f64>() >= 0.975, "{line}");
    }
}

/// Fader and Hardie 2007, table 1: what is left of 1,000 customers after each renewal; DERL at 10 % a period.
#[test]
fn two_kinds_of_contracts() {
    let regular = [1_000, 631, 468, 382, 326, 289, 262, 241];
    let high_end = [1_000, 869, 743, 653, 593, 551, 517, 491];
    let cases = [
        (regular, [0.704_08, 1.182_04], -1_680.265, 0.170_0, [2.964, 4.103, 4.870, 5.442]),
        (high_end, [0.668_09, 3.806_10], -1_611.158, 0.378_0, [5.414, 5.901, 6.294, 6.620]),
    ];
    for (survivors, [alpha, beta], log_likelihood, twelfth, derl) in cases {
        let rows: String = survivors.iter().enumerate().map(|(at, it)| format!("{at},{it}\n")).collect();
        let (_folder, path) = file("cohort.csv", format!("renewal,left\n{rows}"));
        let arguments = ["clv", &path, "--survivors", "left"];
        let (found, again) = there_and_back(&[&arguments[..], &["--method", "sbg"]].concat(), &arguments);
        assert_eq!((&found["model"], &again["model"]), (&"sBG".into(), &"sBG".into()));
        assert!((number(&found, "/log_likelihood") - log_likelihood).abs() < 1e-3, "{found}");
        relative(number(&found, "/parameters/alpha"), alpha, 1e-4);
        relative(number(&found, "/parameters/beta"), beta, 1e-4);
        near(number(&found, "/metrics/still_there_after_12_renewals"), twelfth, 4);
        assert!(number(&found, "/intervals/metrics/still_there_after_12_renewals/low") < twelfth);
        for (renewals, wanted) in derl.into_iter().enumerate() {
            near(number(&found, &format!("/survival/{renewals}/payments_to_come")), wanted, 3);
        }
        // As it was seen.
        near(number(&found, "/survival/7/still_there"), f64::from(survivors[7]) / 1_000.0, 9);
        // The same as a row a kind of contract, with what each pays.
        let mut rows = String::new();
        for at in 1..8 {
            rows += &format!("{at},yes,{},20\n", survivors[at - 1] - survivors[at]);
        }
        rows += &format!("7,no,{},20\n", survivors[7]);
        let (folder, path) = file("contracts.csv", format!("renewals,cancelled,customers,fee\n{rows}"));
        let columns = ["--renewals", "renewals", "--cancelled", "cancelled", "--count", "customers", "--amount", "fee"];
        let same = json(&[&["clv", &path], &columns[..]].concat());
        assert_eq!(same["parameters"], found["parameters"]);
        let out = folder.path().join("rows.csv").display().to_string();
        json(&[&["clv", &path, "--out", &out], &columns[..]].concat());
        let rows = std::fs::read_to_string(&out).unwrap();
        let header = "customer,customers,renewals,cancelled,p_renews,expected_payments,expected_payments_low,expected_payments_high,\
            residual,value,value_low,value_high";
        assert_eq!(rows.lines().next(), Some(header));
        // Who cancelled pays nothing more, which is sure; the others pay between the ends.
        let gone = rows.lines().find(|it| it.contains(",yes,")).unwrap();
        assert!(gone.ends_with(",0,0,0,0,0,0,0"), "{gone}");
        let kept: Vec<f64> = rows.lines().last().unwrap().split(',').skip(5).map(|it| it.parse().unwrap()).collect();
        assert!(kept[1] < kept[0] && kept[0] < kept[2] && kept[5] < kept[4] && kept[4] < kept[6], "{kept:?}");
        let payments = number(&same, "/metrics/expected_payments_for_ever_discounted");
        relative(number(&same, "/metrics/expected_value"), 20.0 * payments, 1e-12);
    }
}

/// A shop's purchases as chances of a week each: the likelihood is the library's, and what followed is judged.
#[test]
fn purchases_as_chances() {
    let mut next = chance(11);
    // The first day and the last make all weeks whole.
    let mut rows = "c0,0,1\nc0,181,1\n".to_owned();
    let mut purchases = [0.0, 181.0].map(|time| Purchase { customer: 0, time, amount: 1.0 }).to_vec();
    for customer in 0..300_u32 {
        let (buys, leaves, spends) = (0.1 + 0.7 * next(), 0.02 + 0.15 * next(), 5.0 + 60.0 * next() * next());
        let mut week = (next() * 4.0).floor();
        let mut first = true;
        while week < 26.0 {
            if first || next() < buys {
                let (day, amount) = (7.0 * week + (6.0 * next()).floor(), (spends * (0.4 + 1.2 * next())).round());
                rows += &format!("c{customer},{day},{amount}\n");
                purchases.push(Purchase { customer, time: day, amount });
                first = false;
            }
            week += 1.0;
            if next() < leaves {
                break;
            }
        }
    }
    let (_folder, path) = file("purchases.csv", format!("customer,day,amount\n{rows}"));
    let columns = ["--customer", "customer", "--date", "day", "--amount", "amount", "--dates", "days"];
    let until = ["--period", "7d", "--until", "125", "--ahead", "8"];
    let arguments = [&["clv", &path], &columns[..], &until[..]].concat();
    let again = [&["clv", &path], &columns[..], &until[2..]].concat();
    let (found, again) = there_and_back(&arguments, &again);
    assert_eq!(found["model"], "BG/BB with Gamma-Gamma");
    let known = Chances::of(&purchases, 7.0, (0.0, 126.0)).unwrap();
    let known: Vec<Chances> = known.into_iter().flatten().collect();
    let fit = BgBb::fit(&known).unwrap();
    near(number(&found, "/log_likelihood"), fit.log_likelihood, 6);
    // Both models have a parameter of this name.
    relative(number(&found, "/parameters/gamma"), fit.model.gamma, 1e-9);
    assert!(number(&found, "/parameters/spending:gamma") > 0.0);
    let wanted: f64 = known.iter().map(|it| fit.model.expected(it, 8)).sum();
    near(number(&found, "/metrics/expected_purchases"), wanted, 4);
    assert!(number(&found, "/metrics/expected_value") > 0.0);
    // Of 18 weeks until day 125 those who are known have eight left, in which they came so often.
    assert_eq!(number(&found, "/metrics/held_out_chances"), 8.0);
    let mut later: Vec<(u32, u32)> = purchases
        .iter()
        .filter(|it| it.time >= 126.0 && it.time < 182.0)
        .map(|it| (it.customer, (it.time / 7.0) as u32))
        .collect();
    later.sort_unstable();
    later.dedup();
    assert_eq!(number(&found, "/metrics/held_out_purchases"), later.len() as f64);
    relative(number(&again, "/metrics/expected_value"), number(&found, "/metrics/expected_value"), 1e-9);
}

/// A row a customer of people who leave sooner with time.
#[test]
fn lives_that_end_sooner_with_time() {
    let truth = GGompertzNbd { r: 1.5, alpha: 3.0, b: 0.1, s: 1.0, beta: 6.0 };
    let people = simulated_ggompertz_nbd(&truth, 500, (60.0, 60.0), 3);
    let row = |it: &History| format!("{},{},{}\n", it.frequency, it.recency, it.age);
    let (_folder, path) = file("people.csv", format!("x,t_x,t\n{}", people.iter().map(row).collect::<String>()));
    let columns = ["clv", &path, "--frequency", "x", "--recency", "t_x", "--age", "t"];
    let (found, again) = there_and_back(&[&columns[..], &["--method", "ggompertz-nbd"]].concat(), &columns);
    assert_eq!((&found["model"], &again["model"]), (&"GGompertz/NBD".into(), &"GGompertz/NBD".into()));
    let fit = GGompertzNbd::fit(&Histories::new(&people).unwrap()).unwrap();
    near(number(&found, "/log_likelihood"), fit.log_likelihood, 6);
    relative(number(&found, "/parameters/b"), fit.model.b, 1e-9);
    for path in ["/log_likelihood", "/metrics/expected_purchases", "/metrics/mean_p_alive"] {
        relative(number(&again, path), number(&found, path), 1e-9);
    }
    let (low, high) = ("/intervals/metrics/expected_purchases/low", "/intervals/metrics/expected_purchases/high");
    let expected = number(&found, "/metrics/expected_purchases");
    assert!(number(&found, low) < expected && expected < number(&found, high), "{found}");
    // Gaps are not in a row a customer.
    let error = refused(&[&columns[..], &["--method", "pareto-ggg"]].concat());
    assert!(error.contains("single purchases are not known"), "{error}");
}

/// A number with a gamma distribution of this shape (Marsaglia and Tsang 2000).
fn gamma(shape: f64, next: &mut impl FnMut() -> f64) -> f64 {
    if shape < 1.0 {
        let part = (1.0 - next()).powf(1.0 / shape);
        return gamma(shape + 1.0, next) * part;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let z = (-2.0 * (1.0 - next()).ln()).sqrt() * (2.0 * std::f64::consts::PI * next()).cos();
        let v = (1.0 + c * z).powi(3);
        if v > 0.0 && (1.0 - next()).ln() < 0.5 * z * z + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// Sixty weeks of people who buy by a clock, more or less: the model that looks at gaps foretells the rest best, and finds how they were made.
#[test]
fn who_buys_by_a_clock() {
    let truth = [("t", 4.0), ("gamma", 1.3), ("r", 1.5), ("alpha", 6.0), ("s", 0.8), ("beta", 20.0)];
    let mut next = chance(5);
    let mut rows = String::new();
    for customer in 0..250 {
        let regularity = (gamma(4.0, &mut next) / 1.3).max(0.05);
        let (rate, leaving) = (gamma(1.5, &mut next) / 42.0, gamma(0.8, &mut next) / 140.0);
        let (mut day, end) = (0.0_f64, f64::min(420.0, -(1.0 - next()).ln() / leaving));
        while day < end {
            rows += &format!("c{customer},{:.0}\n", day.floor());
            day += gamma(regularity, &mut next) / (regularity * rate);
        }
    }
    let (_folder, path) = file("purchases.csv", format!("customer,day\n{rows}c0,420\n"));
    let columns = ["clv", &path, "--customer", "customer", "--date", "day", "--dates", "days", "--horizon", "8w"];
    let found = json(&columns);
    let compared = found["compared"].as_array().unwrap();
    assert_eq!(compared.len(), 5, "{compared:?}");
    let score = |it: &serde_json::Value| it["log_score"].as_f64().unwrap_or(f64::NEG_INFINITY);
    let best = compared.iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
    assert_eq!((&best["model"], &found["model"]), (&"Pareto/GGG".into(), &"Pareto/GGG".into()));
    for (name, wanted) in truth {
        let end = |which: &str| number(&found, &format!("/intervals/parameters/{name}/{which}"));
        assert!(end("low") < wanted && wanted < end("high"), "{name}: {}", found["intervals"]);
    }
    let (found, again) = there_and_back(&[&columns[..], &["--method", "pareto-ggg"]].concat(), &columns);
    assert_eq!((&found["model"], &again["model"]), (&"Pareto/GGG".into(), &"Pareto/GGG".into()));
    for path in ["/log_likelihood", "/metrics/expected_purchases", "/metrics/mean_p_alive"] {
        relative(number(&again, path), number(&found, path), 1e-9);
    }
}

/// Two kinds of customers in a column of texts; those of the one buy twice as often.
#[test]
fn what_is_known_from_the_start() {
    let slow = ParetoNbd { r: 1.2, alpha: 6.0, s: 0.9, beta: 12.0 };
    let people = |alpha, seed| simulated_pareto_nbd(&ParetoNbd { alpha, ..slow }, 350, (30.0, 60.0), seed);
    let all = [people(6.0, 6), people(3.0, 7)].concat();
    let described: Vec<Vec<f64>> = (0..700).map(|at| vec![f64::from(u8::from(at < 350))]).collect();
    let row = |(at, it): (usize, &History)| {
        let source = if at < 350 { "ads" } else { "mail" };
        format!("{},{},{},{source},7\n", it.frequency, it.recency, it.age)
    };
    let rows: String = all.iter().enumerate().map(row).collect();
    let (_folder, path) = file("people.csv", format!("x,t_x,t,source,same\n{rows}"));
    let columns = ["clv", &path, "--frequency", "x", "--recency", "t_x", "--age", "t"];
    let fit = [&columns[..], &["--covariates", "source", "--method", "pareto-nbd"]].concat();
    let (found, again) = there_and_back(&fit, &columns);
    let oracle = Explained::<ParetoNbd>::fit(&all, &described).unwrap();
    near(number(&found, "/log_likelihood"), oracle.fit.log_likelihood, 6);
    relative(number(&found, "/parameters/buying:source=ads"), oracle.fit.model.buying[0], 1e-9);
    let half = 0.5_f64.sqrt();
    let (low, high) = ("/intervals/parameters/buying:source=ads/low", "/intervals/parameters/buying:source=ads/high");
    assert!(number(&found, low) < half && half < number(&found, high), "{}", found["intervals"]);
    let wanted: f64 = all
        .iter()
        .zip(&described)
        .map(|(it, own)| {
            use rapport_models::buying::Buying as _;
            oracle.of(own).expected(it, 52.0)
        })
        .sum();
    near(number(&found, "/metrics/expected_purchases"), wanted, 4);
    for path in ["/log_likelihood", "/metrics/expected_purchases", "/metrics/mean_p_alive"] {
        relative(number(&again, path), number(&found, path), 1e-9);
    }
    assert!(found["how_sure"].as_str().unwrap().contains("of a standard deviation"), "{}", found["how_sure"]);
    let error = |more: &[&str]| refused(&[&columns[..], more].concat());
    assert!(error(&["--covariates", "same"]).contains("same is the same for all customers"));
    assert!(error(&["--covariates", "source", "--method", "ggompertz-nbd"]).contains("--covariates go with"));
    assert!(error(&["--covariates", "nothing"]).contains("no column nothing (--covariates)"));
}

/// CDNOW with the number of CDs bought first: eight models, told by what followed; and a column that changes is none.
#[test]
fn first_purchases() {
    let Some(path) = data("cdnow/CDNOW_sample.txt") else { return };
    let text = std::fs::read_to_string(&path).unwrap();
    let mut first = std::collections::BTreeMap::new();
    let mut rows = String::new();
    for line in text.lines() {
        let it: Vec<&str> = line.split_whitespace().collect();
        let disks = *first.entry(it[1]).or_insert(it[3]);
        rows += &format!("{},{},{},{disks},{}\n", it[1], it[2], it[4], it[3]);
    }
    let (_folder, path) = file("cdnow.csv", format!("customer,date,amount,disks_first,disks\n{rows}"));
    let columns = ["clv", &path, "--customer", "customer", "--date", "date", "--amount", "amount"];
    let found = json(&[&columns[..], &["--until", "1997-09-30", "--covariates", "disks_first"]].concat());
    let compared = found["compared"].as_array().unwrap();
    assert_eq!(compared.len(), 8, "{compared:?}");
    assert!(compared.iter().any(|it| it["model"] == "MBG/NBD with covariates" && it["log_score"].is_f64()));
    let error = refused(&[&columns[..], &["--covariates", "disks"]].concat());
    assert!(error.contains("disks is another than in an earlier row of the same customer"), "{error}");
    let error = refused(&[&columns[..], &["--covariates", "all"]].concat());
    assert!(error.contains("say which columns"), "{error}");
}

#[test]
fn chances_and_contracts_that_cannot_be() {
    let of = |head: &str, rows: &str, arguments: &[&str]| {
        let (_folder, path) = file("rows.csv", format!("{head}\n{rows}"));
        refused(&[&["clv", &path], arguments].concat())
    };
    let chances = ["--frequency", "x", "--recency", "last", "--chances", "n"];
    let of_chances = |rows: &str, more: &[&str]| of("x,last,n,custs", rows, &[&chances[..], more].concat());
    assert!(of_chances("3,2,6,1\n1,1,6,1\n", &[]).contains("Line 2: n chances, of which x were taken and last was"));
    assert!(of_chances("1,7,6,1\n", &[]).contains("cannot be"));
    assert!(of_chances("0,2,6,1\n", &[]).contains("cannot be"));
    assert!(of_chances("1.5,2,6,1\n", &[]).contains("Line 2: x is no whole number of at most 10000"));
    assert!(of_chances("1,2,20000,1\n", &[]).contains("n is no whole number of at most 10000"));
    assert!(
        of_chances("1,2,6,1\n1,1,6,0\n", &["--count", "custs"]).contains("Line 3: custs is no number of customers")
    );
    assert!(of_chances("1,inf,6,1\n", &[]).contains("Line 2: last is infinite"));
    assert!(of_chances("1,2,6,1\n", &[]).contains("Too few"));
    assert!(of_chances("1,2,6,1\n", &["--covariates", "custs"]).contains("--covariates go with"));
    assert!(of_chances("1,2,6,1\n", &["--ahead", "0"]).contains("--ahead"));
    assert!(of_chances("1,2,6,1\n", &["--method", "sbg"]).contains("--chances and --period go with --method bg-bb"));
    let people = ["--frequency", "x", "--recency", "last"];
    let counted = [&people[..], &["--age", "n", "--count", "x"]].concat();
    assert!(of("x,last,n", "1,2,6\n", &counted).contains("--count goes with"));
    assert!(of("x,last,n", "1,2,6\n", &people).contains("--age"));
    assert!(of("x,last,n", "1,2,6\n", &[&people[..], &["--method", "bg-bb"]].concat()).contains("asks for --chances"));
    let purchases = ["--method", "bg-bb", "--customer", "c", "--date", "d", "--dates", "days"];
    let days: String = (0..60).map(|at| format!("c{},{}\n", at % 20, at)).collect();
    assert!(of("c,d", &days, &purchases).contains("--period TIME"));
    assert!(of("c,d", &days, &[&purchases[..], &["--period", "1y"]].concat()).contains("less than one period"));
    let contracts = ["--renewals", "n", "--cancelled", "gone"];
    let of_contracts = |rows: &str, more: &[&str]| of("n,gone,left", rows, &[&contracts[..], more].concat());
    assert!(of_contracts("0,yes,1\n2,no,1\n", &[]).contains("Line 2: cancelled without a renewal"));
    assert!(of_contracts("1,perhaps,1\n2,no,1\n", &[]).contains("Line 2: gone is neither yes nor no"));
    assert!(of_contracts("1,no,1\n2,no,1\n", &[]).contains("Too few customers who cancelled"));
    assert!(of_contracts("1,yes,1\n1,no,1\n", &[]).contains("Too few renewals"));
    assert!(of_contracts("-1,yes,1\n", &[]).contains("Line 2: n is below zero"));
    assert!(of_contracts("1,yes,1\n", &["--method", "bg-nbd"]).contains("go with --method sbg"));
    assert!(of("n,gone,left", "1,yes,9\n", &["--method", "sbg"]).contains("sBG asks for --renewals"));
    let cohort = ["--survivors", "left"];
    assert!(of("left", "1000\n700\n800\n", &cohort).contains("Line 4: left is more than in the row above"));
    assert!(of("left", "1000\n700\nmany\n", &cohort).contains("Line 4: left is no number"));
    // Flags that contradict each other.
    for arguments in [
        &["clv", "x.csv", "--renewals", "a"][..],
        &["clv", "x.csv", "--period", "soon"],
        &["clv", "x.csv", "--chances", "a"],
        &["clv", "x.csv", "--survivors", "a", "--date", "b"],
        &["clv", "x.csv", "--load", "m.json", "--method", "sbg"],
        &["clv", "x.csv", "--load", "m.json", "--covariates", "a"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// A model of one kind of rows does not take others, and a file that was made by hand no parameters that are none.
#[test]
fn models_of_other_rows() {
    let (folder, path) = file("cohort.csv", "left\n1000\n631\n468\n382\n326\n");
    let saved = folder.path().join("model.json").display().to_string();
    json(&["clv", &path, "--survivors", "left", "--save", &saved]);
    let error = refused(&["clv", &path, "--load", &saved]);
    assert!(error.contains("sBG asks for --renewals"), "{error}");
    let error = refused(&["clv", &path, "--load", &saved, "--period", "1w"]);
    assert!(error.contains("another model"), "{error}");
}
