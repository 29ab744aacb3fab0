//! Real surveys against their published results. The data is not part of the repository: without it each test says that it is skipped.

use rapport_models::survey::drivers::{Answers, Division};
use rapport_models::survey::{Confidence, Measure, Parts, Scale, Tally};

use crate::given;

fn data(name: &str) -> Option<String> {
    Some(String::from_utf8_lossy(&given::bytes(name)?).into_owned())
}

/// One column of a CSV file whose quotes, if any, hold commas alone.
fn column(text: &str, name: &str) -> Vec<String> {
    let fields = |line: &str| {
        let mut quoted = false;
        let parts = line.split(|it: char| {
            quoted ^= it == '"';
            it == ',' && !quoted
        });
        parts.map(|it| it.trim().trim_matches('"').to_string()).collect::<Vec<_>>()
    };
    let mut lines = text.lines().filter(|it| !it.is_empty());
    let place = fields(lines.next().unwrap()).iter().position(|it| it == name).unwrap();
    lines.map(|it| fields(it)[place].clone()).collect()
}

/// San Francisco airport's survey of 2017, whose questionnaire codes a blank as 11 and writes "Blank" elsewhere: 39.84 of 2,746, and 82.07 % satisfied.
/// Who reads 11 as a promoter gets 41.6.
#[test]
fn a_blank_is_no_promoter() {
    let Some(text) = data("sfo_survey/2017_SFO_Customer_Survey.csv") else { return };
    let counted =
        |name: &str| column(&text, name).into_iter().map(|it| (it.parse::<i64>().ok(), 1)).collect::<Vec<_>>();
    let near = |found: f64, wanted: f64, digits: i32| {
        assert!((found - wanted).abs() <= 0.5 * 10f64.powi(-digits), "{found} {wanted}");
    };
    let tally = Tally::new(Scale::NPS, counted("NETPRO"));
    assert_eq!(tally.blank().iter().map(|it| (*it.0, *it.1)).collect::<Vec<_>>(), [(None, 1), (Some(11), 84)]);
    let found = Measure::Nps.score(&tally.shares().unwrap(), Confidence::default()).unwrap();
    near(found.estimate, 39.84, 2);
    assert_eq!((found.answers, found.few), (2_746, false));
    assert!(41.6 < found.high && found.low < 39.84 && found.high - found.low < 6.0, "{found:?}");
    let parts = Parts::of(&tally.shares().unwrap(), Confidence::default()).unwrap();
    near(parts.promoters, 1_436.0 / 2_746.0, 12);
    // What it is to be told from: the 84 blanks as promoters.
    let misread = counted("NETPRO").into_iter().map(|(value, count)| (value.map(|it| it.min(10)), count));
    let wrong = Tally::new(Scale::NPS, misread).shares().unwrap();
    near(Measure::Nps.score(&wrong, Confidence::default()).unwrap().estimate, 41.6, 1);

    let tally = Tally::new(Scale::CSAT, counted("Q7ALL"));
    assert_eq!((tally.answers(), tally.blank()[&None]), (2_688, 143));
    near(100.0 * Measure::Top(2).score(&tally.shares().unwrap(), Confidence::default()).unwrap().estimate, 82.07, 2);
}

/// Airline passengers on fourteen services, 0 where one was not used: what went with satisfaction most was boarding online, in every sample.
#[test]
fn what_drives_the_satisfaction_of_passengers() {
    let Some(text) = data("airline_satisfaction/airline_passenger_satisfaction_test.csv.zst") else { return };
    let head: Vec<&str> = text.lines().next().unwrap().split(',').map(str::trim).collect();
    let from = head.iter().position(|it| it.to_lowercase().contains("wifi")).unwrap();
    let person = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let rating = |it: &&str| it.parse::<f64>().ok().filter(|it| (1.0..=5.0).contains(it));
        let satisfied = f64::from(u8::from(fields.last().unwrap().trim_matches('"') == "satisfied"));
        (Some(satisfied), fields[from..from + 14].iter().map(rating).collect::<Vec<_>>())
    };
    let answers = Answers::new(text.lines().skip(1).map(person));
    let found = answers.drivers(Confidence::default(), 20, 1).unwrap();
    assert_eq!(found.division, Division::Shapley);
    assert!((found.drivers.iter().map(|it| it.contribution).sum::<f64>() - found.r_squared).abs() < 1e-9);
    let first = found.drivers.iter().position(|it| it.rank == 1).unwrap();
    assert_eq!(head[from + first].to_lowercase().replace(['_', '-'], " "), "online boarding");
    assert_eq!((found.drivers[first].first, found.drivers[first].ranks), (1.0, (1, 1)));
    assert!(
        found.answers + found.incomplete == 25_976 && found.incomplete > 1_000,
        "{} {}",
        found.answers,
        found.incomplete
    );
}
