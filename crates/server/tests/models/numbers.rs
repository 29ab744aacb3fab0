//! Published and independently computed numbers (`models.md`, `reference-numbers.md`), through the command line.

use crate::{data, json, near, number};

const CDNOW: [&str; 8] =
    ["--customer", "column_2", "--date", "column_3", "--amount", "column_5", "--until", "1997-09-30"];

/// A method with its log-likelihood and parameters.
type Published<'a> = (&'a str, f64, &'a [(&'a str, f64)]);

/// Fader, Hardie and Lee 2005, CLVTools and BTYDplus; and 39 weeks that no fit saw.
#[test]
fn cdnow() {
    let Some(file) = data("cdnow/CDNOW_sample.txt") else { return };
    let of = |method: &str| json(&[&["clv", &file, "--method", method], &CDNOW[..]].concat());
    let fits: [Published; 3] = [
        ("pareto-nbd", -9_594.976_2, &[("r", 0.553_28), ("alpha", 10.577_68), ("s", 0.606_24), ("beta", 11.668_73)]),
        ("bg-nbd", -9_582.429_2, &[("r", 0.242_594_5), ("alpha", 4.413_601_9), ("a", 0.792_919_9), ("b", 2.425_888_1)]),
        ("mbg-nbd", -9_582.135_7, &[("r", 0.524_843), ("alpha", 6.183_085), ("a", 0.891_359), ("b", 1.614_002)]),
    ];
    for (method, log_likelihood, parameters) in fits {
        let found = of(method);
        assert!((number(&found, "/log_likelihood") - log_likelihood).abs() < 1e-3, "{found}");
        let spending: &[(&str, f64)] = &[("p", 6.249_6), ("q", 3.744_2), ("gamma", 15.443_5)];
        for (name, wanted) in parameters.iter().chain(spending) {
            let value = number(&found, &format!("/parameters/{name}"));
            assert!((value / wanted - 1.0).abs() < 1e-4, "{method} {name}: {value} {wanted}");
        }
        assert_eq!(number(&found, "/metrics/purchases_after_the_first"), 2_457.0);
        assert_eq!(number(&found, "/metrics/held_out_purchases"), 1_882.0);
        near(number(&found, "/metrics/gamma_gamma_log_likelihood"), -4_055.917_7, 3);
    }
    let found = of("pareto-nbd");
    near(number(&found, "/metrics/held_out_mae"), 0.754_5, 4);
    near(number(&found, "/metrics/held_out_rmse"), 1.602_8, 4);
    near(number(&found, "/metrics/held_out_bias"), -0.115, 3);
    near(number(&found, "/metrics/held_out_amount"), 70_976.39, 2);
    near(number(&found, "/metrics/held_out_amount_told"), 60_449.0, 0);
    assert!(number(&found, "/metrics/top_tenth_share_of_held_out_amount") >= 0.5035);
    near(number(&found, "/intervals/parameters/s/standard_error"), 0.187_26, 3);
    // All are compared and the choice is shown. Nobody buys by a clock there, and that is said.
    let found = json(&[&["clv", &file], &CDNOW[..]].concat());
    let compared: Vec<&str> =
        found["compared"].as_array().unwrap().iter().map(|it| it["model"].as_str().unwrap()).collect();
    assert_eq!(compared[..3], ["Pareto/NBD", "MBG/NBD", "BG/NBD"]);
    assert!(compared[3].starts_with("GGompertz/NBD"), "{compared:?}");
    assert!(compared[4].starts_with("Pareto/GGG: not tried, as purchases are no more regular"), "{compared:?}");
    // The same customers as a row each, with amounts.
    let Some(summary) = data("cdnow/cdnow_customers_summary_with_transactions.csv") else { return };
    let found = json(&[
        "clv",
        &summary,
        "--frequency",
        "x",
        "--recency",
        "t_x",
        "--age",
        "T",
        "--amount",
        "zbar",
        "--method",
        "bg-nbd",
    ]);
    near(number(&found, "/log_likelihood"), -9_582.43, 1);
    near(number(&found, "/parameters/r"), 0.243, 3);
}

/// lifelines 0.30.3.
#[test]
fn rossi_and_waltons() {
    let Some(file) = data("survival/rossi.csv") else { return };
    let factors = ["--factors", "fin,age,race,wexp,mar,paro,prio"];
    let found = json(
        &[&["survival", &file, "--duration", "week", "--ended", "arrest", "--horizon", "20"], &factors[..]].concat(),
    );
    near(number(&found, "/log_likelihood"), -658.747_66, 5);
    let wanted = [
        ("fin", -0.379_422),
        ("age", -0.057_438),
        ("race", 0.313_9),
        ("wexp", -0.149_796),
        ("mar", -0.433_704),
        ("paro", -0.084_871),
        ("prio", 0.091_497),
    ];
    wanted.iter().for_each(|(name, wanted)| near(number(&found, &format!("/parameters/{name}")), *wanted, 6));
    near(number(&found, "/metrics/likelihood_ratio_statistic"), 33.265_9, 4);
    near(number(&found, "/metrics/concordance"), 0.640_329, 6);
    near(number(&found, "/metrics/survival_at_horizon"), 0.907_407, 6);
    let found = json(&[&["survival", &file, "--method", "weibull"], &factors[..]].concat());
    near(number(&found, "/log_likelihood"), -679.916_56, 4);
    let Some(file) = data("survival/waltons_dataset.csv") else { return };
    let found = json(&["survival", &file, "--duration", "T", "--ended", "E", "--group", "group"]);
    near(number(&found, "/metrics/log_rank_statistic"), 122.249_1, 4);
    near(number(&found, "/parameters/scale"), 55.733_1, 4);
    near(number(&found, "/parameters/shape"), 3.450_51, 5);
    near(number(&found, "/log_likelihood"), -672.062_2, 4);
    let medians: Vec<f64> = found["groups"].as_array().unwrap().iter().map(|it| number(it, "/median")).collect();
    assert_eq!(medians, [26.0, 58.0]);
}

/// The counts of arules: confidence compared in whole numbers.
#[test]
fn groceries() {
    let Some(file) = data("groceries/groceries.csv") else { return };
    let found = json(&["basket", &file, "--support", "0.001", "--confidence", "0.8"]);
    assert_eq!((number(&found, "/metrics/item_sets"), number(&found, "/metrics/rules")), (13_492.0, 410.0));
    assert_eq!(found["rules"].as_array().unwrap().len(), 410);
    let found = json(&["basket", &file, "--support", "1%", "--confidence", "50%"]);
    assert_eq!((number(&found, "/metrics/item_sets"), number(&found, "/metrics/rules")), (333.0, 15.0));
    assert_eq!(number(&found, "/metrics/baskets"), 9_835.0);
}

/// Exact effects of removal, and rules whose credits add up.
#[test]
fn channels() {
    let Some(file) = data("attribution/PathData.csv") else { return };
    let found = json(&["attribution", &file, "--samples", "20"]);
    near(number(&found, "/metrics/conversion_rate"), 0.223_845_1, 7);
    near(number(&found, "/metrics/value"), 74_802.97, 2);
    for (channel, effect) in
        [("alpha", 0.558_399), ("iota", 0.405_835), ("eta", 0.349_026), ("delta", 0.000_482), ("mi", 0.000_18)]
    {
        near(number(&found, &format!("/parameters/removal_effect:{channel}")), effect, 6);
    }
    let credits = found["credits"].as_array().unwrap();
    for rule in ["markov", "shapley", "first", "last", "linear"] {
        let sum: f64 = credits.iter().map(|it| number(it, &format!("/{rule}"))).sum();
        assert!((sum - 19_785.0).abs() < 0.2, "{rule} {sum}");
    }
    let alpha = credits.iter().find(|it| it["channel"] == "alpha").unwrap();
    assert_eq!(
        (number(alpha, "/first"), number(alpha, "/last"), number(alpha, "/linear")),
        (6_308.0, 8_447.0, 7_574.72)
    );
}

/// 11 is how the questionnaire codes blank: reading it as a promoter gives 41.6.
#[test]
fn passengers() {
    let Some(file) = data("sfo_survey/2017_SFO_Customer_Survey.csv") else { return };
    let found = json(&["nps", &file, "--score", "NETPRO", "--by", "BAREA"]);
    near(number(&found, "/metrics/nps"), 39.84, 2);
    assert_eq!(number(&found, "/metrics/answers"), 2_746.0);
    assert!(found["notes"].to_string().contains("11 (84 times)"), "{}", found["notes"]);
    let found = json(&["nps", &file, "--score", "Q7ALL", "--scale", "csat", "--skip-bad"]);
    near(number(&found, "/metrics/satisfied_percent"), 82.07, 2);
}

/// Against no e-mail, as computed elsewhere; and a metric of two that is called.
#[test]
fn e_mails_and_gates() {
    let Some(file) = data("hillstrom/hillstrom.csv.zst") else { return };
    let found = json(&["experiment", &file, "--treatment", "segment", "--outcome", "visit,conversion,spend"]);
    near(number(&found, "/parameters/visit:Mens E-Mail"), 0.076_59, 5);
    near(number(&found, "/parameters/visit:Womens E-Mail"), 0.045_23, 5);
    near(number(&found, "/parameters/conversion:Mens E-Mail"), 0.006_81, 5);
    near(number(&found, "/parameters/spend:Mens E-Mail"), 0.770, 3);
    near(number(&found, "/intervals/parameters/spend:Womens E-Mail/standard_error"), 0.130, 3);
    let Some(file) = data("cookie_cats/cookie_cats.csv.zst") else { return };
    let found = json(&[
        "experiment",
        &file,
        "--treatment",
        "test_version",
        "--control",
        "gate_30",
        "--outcome",
        "retention_1,retention_7",
    ]);
    let rows = found["comparisons"].as_array().unwrap();
    let verdict = |at: usize| rows[at]["verdict"].as_str().unwrap();
    assert_eq!((verdict(0), verdict(1)), ("not sure", "worse"), "{rows:?}");
    near(number(&found, "/metrics/retention_7:gate_40:p"), 0.001_55, 4);
}

/// A plain logistic regression has AUC .8455 in ten folds.
#[test]
fn telecommunications() {
    let Some(file) = data("telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv") else { return };
    let found = json(&["churn", &file]);
    assert!(
        number(&found, "/metrics/auc") >= 0.846 && number(&found, "/metrics/brier") <= 0.1355,
        "{}",
        found["metrics"]
    );
    assert!(number(&found, "/metrics/calibration_error") < 0.02);
    assert_eq!((number(&found, "/metrics/rows"), number(&found, "/metrics/positives")), (7_043.0, 1_869.0));
    assert!(found["importance"]["Contract"].as_f64().unwrap() > found["importance"]["gender"].as_f64().unwrap());
    assert!(found["importance"].get("customerID").is_none());
}

/// Events become rows that know only what was known; the last moment is told by what was learnt from earlier ones.
#[test]
fn buyers_that_come_back() {
    let Some(file) = data("cdnow/CDNOW_sample.txt") else { return };
    let asked = |model| {
        let columns = ["--customer", "column_2", "--date", "column_3", "--amount", "column_5"];
        json(&[&[model, &*file], &columns[..], &["--horizon", "90d"]].concat())
    };
    let found = asked("propensity");
    assert!(number(&found, "/metrics/forward_auc") > 0.65, "{}", found["metrics"]);
    assert_eq!(number(&found, "/metrics/horizon_days"), 90.0);
    let left = asked("churn");
    // The one is the other's opposite.
    let positives = |it: &serde_json::Value| number(it, "/metrics/positives");
    assert_eq!(positives(&found) + positives(&left), number(&found, "/metrics/rows"));
}

/// Irises as scikit-learn 1.9.1 groups them; and customers whose two groups come again.
#[test]
fn groups() {
    let iris = include_str!("../../../models/tests/data/iris.csv");
    let (_folder, file) = crate::file("iris.csv", iris);
    let plain = ["cluster", &file, "--ignore", "column_5", "--scale", "none"];
    let found = json(&[&plain[..], &["--groups", "3"]].concat());
    near(number(&found, "/metrics/inertia"), 78.851_4, 4);
    let found = json(&[&plain[..], &["--groups", "3", "--method", "mixture"]].concat());
    near(number(&found, "/log_likelihood"), -180.185_5, 3);
    near(number(&found, "/metrics/bic"), 580.839, 2);
    let Some(file) = data("wholesale_customers/wholesale_customers.csv") else { return };
    let found = json(&["cluster", &file, "--ignore", "Channel,Region", "--scale", "log"]);
    assert_eq!(number(&found, "/metrics/groups"), 2.0);
    assert!(number(&found, "/metrics/least_coming_again") > 0.9);
    let found = json(&[
        "cluster",
        &file,
        "--ignore",
        "Channel,Region",
        "--scale",
        "log",
        "--method",
        "mixture",
        "--groups",
        "2",
    ]);
    assert!(found["log_likelihood"].is_f64() && number(&found, "/metrics/bic") > 0.0);
    json(&["cluster", &file, "--ignore", "Channel,Region", "--scale", "log", "--method", "density"]);
}

/// Cases of a help desk: how often one activity follows another at any distance was counted by hand below.
#[test]
fn help_desk() {
    let Some(file) = data("helpdesk/helpdesk_3804.csv") else { return };
    let found = json(&["sequence", &file, "--support", "1%"]);
    assert_eq!((number(&found, "/metrics/customers"), number(&found, "/metrics/events")), (3_804.0, 13_710.0));
    let text = std::fs::read_to_string(&file).unwrap();
    let mut cases = std::collections::BTreeMap::<&str, Vec<(&str, &str)>>::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        cases.entry(fields[0]).or_default().push((fields[2], fields[1]));
    }
    let shows = |events: &Vec<(&str, &str)>| {
        let first = events.iter().filter(|it| it.1 == "9").map(|it| it.0).min();
        first.is_some_and(|first| events.iter().any(|it| it.1 == "6" && it.0 > first))
    };
    let wanted = cases.values().filter(|it| shows(it)).count();
    let patterns = found["patterns"].as_array().unwrap();
    let own = patterns.iter().find(|it| it["pattern"] == "9 → 6").unwrap();
    assert_eq!(own["customers"], wanted);
}

/// lavaan's tutorial: abilities and democracies.
#[test]
fn structures() {
    let Some(file) = data("sem/HolzingerSwineford1939.csv") else { return };
    let abilities = "visual =~ x1 + x2 + x3; textual =~ x4 + x5 + x6; speed =~ x7 + x8 + x9";
    let found = json(&["sem", &file, "--model", abilities]);
    near(number(&found, "/log_likelihood"), -3_737.744_9, 4);
    let wanted = [
        ("chi_square", 85.305_5, 4),
        ("cfi", 0.930_6, 4),
        ("tli", 0.895_8, 4),
        ("rmsea", 0.092_1, 4),
        ("srmr", 0.065_2, 4),
    ];
    wanted
        .iter()
        .for_each(|(name, wanted, digits)| near(number(&found, &format!("/metrics/{name}")), *wanted, *digits));
    near(number(&found, "/metrics/bic"), 7_595.339, 3);
    near(number(&found, "/parameters/visual=~x3"), 0.729, 3);
    assert_eq!(found["reliability"].as_array().unwrap().len(), 3);
    let Some(file) = data("sem/PoliticalDemocracy.csv") else { return };
    let (_folder, model) = crate::file(
        "model.txt",
        "ind60 =~ x1 + x2 + x3\ndem60 =~ y1 + y2 + y3 + y4\ndem65 =~ y5 + y6 + y7 + y8\ndem60 ~ ind60\ndem65 ~ ind60 + dem60\n\
         y1 ~~ y5\ny2 ~~ y4 + y6\ny3 ~~ y7\ny4 ~~ y8\ny6 ~~ y8\n",
    );
    let found = json(&["sem", &file, "--model-file", &model]);
    near(number(&found, "/metrics/chi_square"), 38.125, 3);
    near(number(&found, "/log_likelihood"), -1_547.791, 3);
    near(number(&found, "/parameters/dem65~dem60"), 0.837, 3);
    let less = json(&["sem", &file, "--model-file", &model, "--less-one"]);
    near(number(&less, "/metrics/chi_square"), 37.617, 3);
}

/// The guide's table of Hillstrom's mailings: 20 splits, regression, Qini as scikit-uplift has it. The men's is ordered best by who buys anyway, and that is said.
#[test]
fn mailings_that_move() {
    let Some(file) = data("hillstrom/hillstrom.csv.zst") else { return };
    let of = |arm: &str, more: &[&str]| {
        let columns = ["uplift", &file, "--treatment", "segment", "--arm", arm, "--outcome", "visit"];
        let ignored = ["--ignore", "history_segment,conversion,spend", "--base", "regression"];
        json(&[&columns[..], &ignored[..], more].concat())
    };
    let found = of("Womens E-Mail", &["--learner", "t", "--splits", "20", "--cost", "0.1", "--worth", "10"]);
    near(number(&found, "/metrics/average_effect"), 0.045_23, 5);
    near(number(&found, "/metrics/qini_of_the_response_model"), 0.034, 3);
    near(number(&found, "/metrics/qini"), 0.060, 3);
    near(number(&found, "/intervals/metrics/qini/low"), 0.044, 3);
    near(number(&found, "/intervals/metrics/qini/high"), 0.076, 3);
    assert!(number(&found, "/intervals/metrics/qini_above_the_response_model/low") > 0.0);
    assert_eq!(found["fifths"].as_array().unwrap().len(), 5);
    assert!(number(&found, "/metrics/treat_share") > 0.5, "{}", found["metrics"]);
    assert!(found["notes"].to_string().contains("21307 rows of other treatments are left out"), "{}", found["notes"]);
    let found = of("Mens E-Mail", &["--splits", "4"]);
    near(number(&found, "/metrics/average_effect"), 0.076_59, 5);
    assert_eq!(found["model"], "uplift by the response model");
    let notes = found["notes"].to_string();
    assert!(
        notes.contains("its numbers are no effects") && notes.contains("surely better than the response"),
        "{notes}"
    );
}

/// MovieLens 100k, a quarter of every film's ratings left out: another split than the published one moves figures by about .005.
#[test]
fn films() {
    let Some(file) = data("movielens_100k/u.data.zst") else { return };
    let columns = ["recommend", &*file, "--customer", "column_1", "--item", "column_2"];
    let found = json(&[&columns[..], &["--method", "ease", "--for", "196"]].concat());
    assert_eq!((number(&found, "/metrics/customers"), number(&found, "/metrics/items")), (943.0, 1_682.0));
    for (name, published) in [("map", 0.148), ("ndcg", 0.4818), ("precision", 0.4182), ("recall", 0.2233)] {
        let value = number(&found, &format!("/metrics/{name}"));
        assert!((value - published).abs() < 0.01, "{name} {value}");
    }
    assert!(number(&found, "/intervals/metrics/ndcg_above_what_is_popular/low") > 0.15);
    let offers = found["offers"].as_array().unwrap();
    assert!(offers.len() == 10 && offers.iter().all(|it| it["because_of"].as_str().unwrap() != ""), "{offers:?}");
    // Told of what came last, everything is harder; and of who is new there is only what is popular.
    let last = json(&[&columns[..], &["--method", "popular", "--date", "column_4"]].concat());
    assert!(number(&last, "/metrics/ndcg") < number(&found, "/metrics/ndcg"));
    assert_eq!(last["by_history"][0]["items_known_of_them"], "nothing");
}

/// International airline passengers by month (Box and Jenkins 1976, series G). R's `forecast` prints AICc 1403.66 for ETS(M,A,M), without n (ln(2π / n) + 1).
#[test]
fn passengers_by_month() {
    let found = json(&["forecast", &months().1, "--method", "smoothing"]);
    assert_eq!(found["model"], "forecast by exponential smoothing ETS(M,A,M)");
    let left = 144.0 * ((2.0 * std::f64::consts::PI / 144.0).ln() + 1.0);
    let aicc = number(&found, "/metrics/aicc") - left;
    assert!((1_390.0..1_403.665).contains(&aicc), "{aicc}");
    assert_eq!(number(&found, "/metrics/season"), 12.0);
    let steps = found["forecast"].as_array().unwrap();
    assert_eq!((steps.len(), &steps[0]["step"], &steps[11]["step"]), (12, &"1961-01".into(), &"1961-12".into()));
    let peak = steps.iter().max_by(|a, b| number(a, "/value").total_cmp(&number(b, "/value"))).unwrap();
    assert_eq!(peak["step"], "1961-07");
    assert!(
        steps.iter().all(|it| number(it, "/low") < number(it, "/value") && number(it, "/value") < number(it, "/high"))
    );
    assert!(number(&found, "/metrics/backtest_mase") < 1.0, "{}", found["metrics"]);
    let found = json(&["forecast", &months().1]);
    assert!(found["how_sure"].as_str().unwrap().contains("was off by"), "{}", found["how_sure"]);
}

/// A file of the passengers, a month a row.
fn months() -> (tempfile::TempDir, String) {
    const PASSENGERS: &str = "112,118,132,129,121,135,148,148,136,119,104,118,115,126,141,135,125,149,170,170,158,133,114,140,145,150,178,163,\
        172,178,199,199,184,162,146,166,171,180,193,181,183,218,230,242,209,191,172,194,196,196,236,235,229,243,264,272,237,211,180,201,\
        204,188,235,227,234,264,302,293,259,229,203,229,242,233,267,269,270,315,364,347,312,274,237,278,284,277,317,313,318,374,413,405,\
        355,306,271,306,315,301,356,348,355,422,465,467,404,347,305,336,340,318,362,348,363,435,491,505,404,359,310,337,360,342,406,396,\
        420,472,548,559,463,407,362,405,417,391,419,461,472,535,622,606,508,461,390,432";
    let row = |(at, it): (usize, &str)| format!("{}-{:02}-01,{it}\n", 1949 + at / 12, at % 12 + 1);
    let rows: String = PASSENGERS.split(',').enumerate().map(row).collect();
    crate::file("passengers.csv", format!("month,value\n{rows}"))
}

/// A shop's purchases added up by week; the first week and the last are not whole.
#[test]
fn purchases_by_week() {
    let Some(file) = data("cdnow/CDNOW_sample.txt") else { return };
    let found = json(&["forecast", &file, "--date", "column_3", "--value", "column_5", "--per", "week"]);
    // 1997-01-06 is a Monday, 1998-06-28 a Sunday.
    assert_eq!(number(&found, "/metrics/values"), 77.0);
    let notes = found["notes"].to_string();
    assert!(
        notes.contains("first of the weeks is not whole") && notes.contains("last of the weeks is not over"),
        "{notes}"
    );
    let counted = json(&["forecast", &file, "--date", "column_3", "--per", "day", "--horizon", "7"]);
    assert_eq!((number(&counted, "/metrics/values"), number(&counted, "/metrics/season")), (546.0, 7.0));
    assert!(
        number(&counted, "/metrics/backtest_error") <= number(&counted, "/metrics/backtest_error_of_the_naive_one")
    );
}
