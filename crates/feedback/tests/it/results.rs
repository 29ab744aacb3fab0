//! What answers amount to, on both engines: every figure beside everybody counted one by one.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, Rng, SeededRng, Timestamp, WorkspaceId};
use rapport_feedback::records::counts::{self as counted, Dimension, Which};
use rapport_feedback::records::invitations::{self, FunnelRow, InvitationRow};
use rapport_feedback::records::responses::{COMPLETED, OVER_QUOTA, PARTIAL, ResponseRow, SCREENED};
use rapport_feedback::records::{answers, responses};
use rapport_feedback::results::segments;
use rapport_feedback::results::{
    Funnel, Spans, Stance, Wanted, When, behaviour, numbers, reweighted, scores, series_of, wishes,
};
use rapport_feedback::survey::{Answers, Given};
use rapport_feedback::{Definition, MIGRATIONS};
use rapport_models::survey::kano::{Category, Evaluation};
use rapport_models::survey::{Confidence, Scale};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const DAY: i64 = Timestamp::DAY;

/// A survey whose satisfaction is asked on so many points, and whose effort is good when it is little.
fn definition(points: u8) -> Definition {
    let question = |key: &str, answer: Value| json!({"key": key, "text": {"en": key}, "answer": answer});
    let form = json!({"title": {"en": "A survey"}, "default_language": "en", "pages": [{"questions": [
        question("recommend", json!({"kind": "nps"})),
        question("satisfied", json!({"kind": "csat", "points": points})),
        question("effort", json!({"kind": "ces", "points": 5, "direction": "down"})),
        question("staff", json!({"kind": "scale", "from": 1, "to": 5, "no_opinion": true})),
        question("gift", json!({"kind": "kano", "functional": {"en": "With?"}, "dysfunctional": {"en": "Without?"}})),
    ]}]});
    Definition::from_json(&form).unwrap()
}

/// Somebody who answered: the oracle counts these.
struct Person {
    row: ResponseRow,
    answers: Answers,
    at: Timestamp,
}

impl Person {
    fn number(&self, question: &str, part: &str) -> Option<i64> {
        self.answers.get(question)?.iter().find(|it| it.part == part)?.number
    }
}

fn number(part: &str, number: i64) -> Given {
    Given { part: part.to_owned(), number: Some(number), choice: None, text: None }
}

struct Chance(SeededRng);

impl Chance {
    fn below(&self, n: i64) -> i64 {
        i64::try_from(self.0.next_u64() % u64::try_from(n).unwrap()).unwrap()
    }

    fn of<'a>(&self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as i64)).unwrap()]
    }
}

/// Somebody at random. Who is asked in the shop is more satisfied; satisfaction goes with what is said of the staff.
fn person(at: usize, chance: &Chance) -> Person {
    let began = Timestamp::from_seconds(1_700_000_000).plus(chance.below(90) * DAY);
    let known = |it: &str| (!it.is_empty()).then(|| it.to_owned());
    let version = 1 + chance.below(2);
    let touchpoint = chance.of(&["shop", "shop", "delivery", ""]);
    let row = ResponseRow {
        id: format!("rsp_{at}"),
        survey: 1 + i64::from(chance.below(10) == 0),
        version,
        wave: 1 + chance.below(3),
        invitation: None,
        origin: Some(format!("o{at}")),
        source: chance.of(&["api", "link", "invitation"]).to_owned(),
        state: chance.of(&[COMPLETED, COMPLETED, COMPLETED, COMPLETED, PARTIAL, OVER_QUOTA, SCREENED]).to_owned(),
        handle: (chance.below(3) > 0).then_some(Handle(at as i64 + 1)),
        person: Some(PersonId(at as i64 + 1)),
        language: chance.of(&["en", "zh"]).to_owned(),
        channel: known(chance.of(&["email", "sms", ""])),
        touchpoint: known(touchpoint),
        product: known(chance.of(&["tea", "pot"])),
        agent: known(chance.of(&["ann", "bob", ""])),
        subject: None,
        page: 0,
        started_at: began,
        updated_at: began,
        completed_at: Some(began),
    };
    let staff = 1 + chance.below(5);
    let points = if version == 1 { 5 } else { 7 };
    let shop = i64::from(touchpoint == "shop");
    let mut answers = Answers::new();
    if chance.below(8) > 0 {
        answers.insert("recommend".to_owned(), vec![number("", (chance.below(9) + 4 * shop).min(10))]);
    }
    answers.insert("satisfied".to_owned(), vec![number("", (staff + chance.below(3) - 1).clamp(1, points))]);
    answers.insert("effort".to_owned(), vec![number("", 1 + chance.below(5))]);
    let no_opinion = Given { choice: Some("no_opinion".to_owned()), ..Given::default() };
    answers.insert("staff".to_owned(), vec![if chance.below(6) == 0 { no_opinion } else { number("", staff) }]);
    let mut gift = vec![number("functional", 1 + chance.below(3))];
    if chance.below(5) > 0 {
        gift.push(number("dysfunctional", 3 + chance.below(3)));
    }
    answers.insert("gift".to_owned(), gift);
    Person { row, answers, at: began.plus(chance.below(3_600) * Timestamp::SECOND) }
}

/// Four hundred people, and as many of another company who must not count.
async fn asked(db: &TestDatabase) -> Vec<Person> {
    let chance = Chance(SeededRng::new(7));
    let people: Vec<Person> = (0..400).map(|at| person(at, &chance)).collect();
    let strangers: Vec<Person> = (0..50).map(|at| person(at, &chance)).collect();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for (workspace, people) in [(W, &people), (OTHER, &strangers)] {
        for it in people {
            assert!(responses::insert(&mut tx, workspace, &it.row).await.unwrap());
            let points = if it.row.version == 1 { 5 } else { 7 };
            answers::write(&mut tx, workspace, &it.row, &definition(points), &it.answers, it.at).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    people
}

fn start() -> Timestamp {
    Timestamp::from_seconds(1_700_000_000)
}

fn which(question: &str) -> Which<'_> {
    Which { survey: 1, question, from: start(), to: start().plus(200 * DAY), partial: false, invited: false }
}

fn wanted(question: &str, by: Option<Dimension>, periods: Vec<Timestamp>) -> Wanted<'_> {
    Wanted { which: which(question), by, periods, confidence: Confidence::default() }
}

/// Who counts.
fn counts(it: &Person) -> bool {
    it.row.survey == 1 && it.row.state == COMPLETED
}

fn dimension(it: &Person, by: Dimension) -> Option<String> {
    match by {
        Dimension::Channel => it.row.channel.clone(),
        Dimension::Touchpoint => it.row.touchpoint.clone(),
        Dimension::Product => it.row.product.clone(),
        Dimension::Agent => it.row.agent.clone(),
        Dimension::Version => Some(it.row.version.to_string()),
        Dimension::Wave => Some(it.row.wave.to_string()),
        Dimension::Source => Some(it.row.source.clone()),
        Dimension::Language => Some(it.row.language.clone()),
    }
}

/// Promoters less detractors of some people, in points, and how many answered.
fn nps<'a>(people: impl Iterator<Item = &'a Person>) -> (f64, u64) {
    let given: Vec<i64> = people.filter_map(|it| it.number("recommend", "")).collect();
    let net: i64 = given
        .iter()
        .map(|it| {
            if *it >= 9 {
                1
            } else if *it <= 6 {
                -1
            } else {
                0
            }
        })
        .sum();
    (100.0 * net as f64 / given.len() as f64, given.len() as u64)
}

#[db_test(MIGRATIONS)]
async fn a_score_counts_everybody_once_in_all_by_group_and_over_time(db: TestDatabase) {
    let people = asked(&db).await;
    let mut db = db.read();
    let ends: Vec<Timestamp> = (0..=4).map(|month| start().plus(month * 30 * DAY)).collect();
    for by in Dimension::ALL {
        let found = scores(&mut db, W, &wanted("recommend", Some(by), ends.clone())).await.unwrap();
        let [series] = &found[..] else { panic!("{found:?}") };
        assert_eq!((series.part.as_str(), series.kind.as_str(), series.scale), ("", "nps", Scale::NPS));
        let (name, score) = series.total.scores[0];
        let (wanted, n) = nps(people.iter().filter(|it| counts(it)));
        assert!(name == "nps" && (score.estimate - wanted).abs() < 1e-9 && score.answers == n, "{score:?} {wanted}");

        let groups: BTreeSet<Option<String>> =
            people.iter().filter(|it| counts(it)).map(|it| dimension(it, by)).collect();
        assert_eq!(series.groups.iter().map(|it| it.key.clone()).collect::<BTreeSet<_>>(), groups, "{by:?}");
        for group in &series.groups {
            let (wanted, n) = nps(people.iter().filter(|it| counts(it) && dimension(it, by) == group.key));
            let (_, score) = group.cell.scores[0];
            assert!((score.estimate - wanted).abs() < 1e-9 && score.answers == n, "{by:?} {:?} {score:?}", group.key);
            let (others, _) = nps(people.iter().filter(|it| counts(it) && dimension(it, by) != group.key));
            let apart = group.against_others.unwrap().difference.estimate;
            assert!((apart - (wanted - others)).abs() < 1e-9, "{by:?} {:?}", group.key);
        }
        assert!(
            series.groups.is_sorted_by_key(|it| std::cmp::Reverse(it.cell.tally.answers())) && series.more_groups == 0
        );
        if by == Dimension::Touchpoint {
            let shop = series.groups.iter().find(|it| it.key.as_deref() == Some("shop")).unwrap();
            assert!(shop.against_others.unwrap().q < 0.01, "{shop:?}");
        }

        for (at, period) in series.periods.iter().enumerate() {
            let inside = |it: &&Person| counts(it) && (ends[at]..ends[at + 1]).contains(&it.at);
            let (wanted, n) = nps(people.iter().filter(inside));
            assert_eq!((period.from, period.to, period.cell.tally.answers()), (ends[at], ends[at + 1], n));
            if n > 0 {
                assert!((period.cell.scores[0].1.estimate - wanted).abs() < 1e-9);
            }
            assert_eq!(period.change.is_some(), (1..3).contains(&at), "{at}");
        }
        assert!(series.periods.iter().map(|it| it.cell.tally.answers()).sum::<u64>() == n && series.periods.len() == 4);
    }
    let partial =
        Wanted { which: Which { partial: true, ..which("recommend") }, ..wanted("recommend", None, Vec::new()) };
    let found = scores(&mut db, W, &partial).await.unwrap();
    let counts = |it: &&Person| it.row.survey == 1 && (it.row.state == COMPLETED || it.row.state == PARTIAL);
    let n = nps(people.iter().filter(counts)).1;
    assert_eq!((found[0].total.tally.answers(), found[0].groups.len(), found[0].periods.len()), (n, 0, 0));
    assert_eq!(scores(&mut db, W, &wanted("nothing", None, Vec::new())).await.unwrap(), []);
    assert_eq!(scores(&mut db, WorkspaceId(3), &wanted("recommend", None, Vec::new())).await.unwrap(), []);
}

/// What was asked on five points stands beside what was asked on seven; little effort is good; who has no opinion is blank.
#[db_test(MIGRATIONS)]
async fn scales_are_kept_apart_and_turned_and_blanks_are_counted(db: TestDatabase) {
    let people = asked(&db).await;
    let mut db = db.read();
    let given = |question: &'static str, version: Option<i64>| {
        let own = people.iter().filter(move |it| counts(it) && version.is_none_or(|own| it.row.version == own));
        own.filter_map(move |it| it.number(question, "")).collect::<Vec<i64>>()
    };
    let found = scores(&mut db, W, &wanted("satisfied", None, Vec::new())).await.unwrap();
    assert_eq!(found.iter().map(|it| *it.scale.values().end()).collect::<Vec<_>>(), [5, 7]);
    for (series, version) in found.iter().zip([1, 2]) {
        let own = given("satisfied", Some(version));
        let top = own.iter().filter(|it| **it >= i64::from(*series.scale.values().end()) - 1).count();
        let (name, score) = series.total.scores[0];
        assert!(name == "top_two" && (score.estimate - top as f64 / own.len() as f64).abs() < 1e-9, "{score:?}");
        assert_eq!(score.answers, own.len() as u64);
    }
    let found = scores(&mut db, W, &wanted("effort", None, Vec::new())).await.unwrap();
    let own = given("effort", None);
    let mean = own.iter().map(|it| 6 - it).sum::<i64>() as f64 / own.len() as f64;
    let easy = own.iter().filter(|it| **it <= 2).count() as f64 / own.len() as f64;
    let names: Vec<(&str, f64)> = found[0].total.scores.iter().map(|(name, score)| (*name, score.estimate)).collect();
    assert!(
        names[0].0 == "mean"
            && (names[0].1 - mean).abs() < 1e-9
            && names[1].0 == "easy"
            && (names[1].1 - easy).abs() < 1e-9
    );
    let found = scores(&mut db, W, &wanted("staff", None, Vec::new())).await.unwrap();
    let blank = people.iter().filter(|it| counts(it) && it.number("staff", "").is_none()).count() as u64;
    assert_eq!(found[0].total.tally.blank(), &BTreeMap::from([(None, blank)]));
    assert_eq!(found[0].total.tally.answers(), given("staff", None).len() as u64);
}

#[db_test(MIGRATIONS)]
async fn wishes_count_who_answered_both_halves(db: TestDatabase) {
    let people = asked(&db).await;
    let mut db = db.read();
    let with = (Evaluation::Kano, Confidence::default());
    let found = wishes(&mut db, W, which("gift"), Some(Dimension::Touchpoint), with).await.unwrap().unwrap();
    let both = |it: &&Person| counts(it) && it.number("gift", "dysfunctional").is_some();
    assert_eq!(found.all.answers, people.iter().filter(both).count() as u64);
    // Like and not dislike delights; not like and dislike is expected.
    let of = |functional: bool, dysfunctional: bool| {
        let same = |it: &&Person| {
            (it.number("gift", "functional") == Some(1)) == functional
                && (it.number("gift", "dysfunctional") == Some(5)) == dysfunctional
        };
        people.iter().filter(both).filter(same).count() as u64
    };
    let [m, o, a, i, r, q] = found.all.wish.counts;
    assert_eq!((m, o, a, i, r, q), (of(false, true), of(true, true), of(true, false), of(false, false), 0, 0));
    assert_eq!(found.all.wish.counts[Category::Indifferent as usize], i);
    assert_eq!(found.groups.iter().map(|it| it.answers).sum::<u64>(), found.all.answers);
    assert_eq!((found.groups.len(), found.groups[0].key.as_deref()), (3, Some("shop")));
    assert!(found.p.is_some_and(|p| (0.0..=1.0).contains(&p)));
    assert_eq!(wishes(&mut db, W, which("recommend"), None, with).await.unwrap(), None);
}

#[db_test(MIGRATIONS)]
async fn satisfaction_goes_with_what_is_said_of_the_staff(db: TestDatabase) {
    let people = asked(&db).await;
    let mut db = db.read();
    let span = (start(), start().plus(200 * DAY));
    let questions = || ["satisfied", "effort", "staff"].map(str::to_owned).to_vec();
    let read = numbers(&mut db, W, (1, questions()), span, None).await.unwrap();
    let found = read.drivers("satisfied", Confidence::default());
    let drivers = found.drivers.unwrap();
    let complete = people.iter().filter(|it| counts(it) && it.number("staff", "").is_some());
    assert_eq!((drivers.answers, found.latest_only), (complete.clone().count() as u64, false));
    let [effort, staff] = drivers.drivers[..] else { panic!("{drivers:?}") };
    assert!(staff.rank == 1 && staff.importance > 0.9 && staff.first > 0.99, "{drivers:?}");
    let places: Vec<f64> = complete.map(|it| 25.0 * (5 - it.number("effort", "").unwrap()) as f64).collect();
    assert!((effort.performance - places.iter().sum::<f64>() / places.len() as f64).abs() < 1e-9);
    let nobody = numbers(&mut db, W, (9, questions()), span, None).await.unwrap();
    assert_eq!(nobody.drivers("satisfied", Confidence::default()).drivers, None);
}

#[test]
fn the_response_rate_is_of_those_who_were_reached() {
    let row = |state: &str, reason: Option<&str>, occasions: i64, opened: i64, answered: i64| FunnelRow {
        wave: 1,
        state: state.to_owned(),
        reason: reason.map(str::to_owned),
        occasions,
        delivered: 0,
        opened,
        answered,
    };
    let rows = [
        row("waiting", None, 3, 0, 0),
        row("sampled_out", None, 800, 0, 0),
        row("suppressed", Some("quarantine"), 40, 0, 0),
        row("suppressed", Some("trouble"), 7, 0, 0),
        row("suppressed", Some("quarantine"), 2, 0, 0),
        row("invited", None, 100, 60, 25),
        row("undelivered", Some("bounced"), 20, 0, 0),
        // Nobody asked them, so they are not of those whose share is said.
        row("unasked", None, 9, 9, 8),
    ];
    let found = Funnel::of(&rows, Confidence::default());
    assert_eq!((found.occasions, found.waiting, found.sampled_out, found.invited), (972, 3, 800, 120));
    assert_eq!(found.suppressed, BTreeMap::from([("quarantine".to_owned(), 42), ("trouble".to_owned(), 7)]));
    assert_eq!((found.undelivered, found.delivered, found.opened, found.answered), (20, 100, 60, 25));
    assert_eq!((found.unasked, found.unasked_answered), (9, 8));
    let rate = found.response_rate.unwrap();
    // Wilson's interval of 25 of 100.
    assert!(
        (rate.estimate - 0.25).abs() < 1e-12 && (rate.low - 0.1755).abs() < 1e-4 && (rate.high - 0.3430).abs() < 1e-4
    );
    assert_eq!(Funnel::of([], Confidence::default()).response_rate, None);
}

/// Who is in a segment at which times, made up: every third person in the first half of the time, and every second of the others always.
fn in_segments(people: &[Person]) -> Vec<(String, Spans)> {
    let of = |own: &dyn Fn(usize) -> bool, to: Option<Timestamp>| {
        let spans = people.iter().enumerate().filter(|(at, _)| own(*at));
        spans.filter_map(|(_, it)| Some((it.row.person?, vec![(start(), to)]))).collect::<Spans>()
    };
    vec![
        ("early".to_owned(), of(&|at| at % 3 == 0, Some(start().plus(45 * DAY)))),
        ("half".to_owned(), of(&|at| at % 2 == 0, None)),
        ("nobody".to_owned(), Spans::new()),
    ]
}

#[db_test(MIGRATIONS)]
async fn a_segment_is_compared_with_who_is_not_in_it(db: TestDatabase) {
    let people = asked(&db).await;
    let mut db = db.read();
    let rows = counted::given(&mut db, W, which("recommend"), 10_000).await.unwrap();
    assert!(rows.is_sorted_by_key(|it| it.answered_at));
    assert_eq!(counted::given(&mut db, W, which("recommend"), 5).await.unwrap(), rows[rows.len() - 5..]);
    let known = in_segments(&people);
    let end = start().plus(200 * DAY);
    for when in [When::Answered, When::At(end), When::At(start())] {
        let total = segments::all(&rows);
        let found = series_of(&total, Some(&segments::counted(&rows, &known, when)), &[], Confidence::default());
        let [series] = &found[..] else { panic!("{found:?}") };
        assert_eq!(series.total.tally.answers(), nps(people.iter().filter(|it| counts(it))).1);
        for (key, spans) in &known {
            let is_in = |it: &&Person| {
                let at = match when {
                    When::Answered => it.at,
                    When::At(at) => at,
                };
                spans
                    .get(&it.row.person.unwrap())
                    .is_some_and(|it| it.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| at < to)))
            };
            let own: Vec<&Person> = people.iter().filter(|it| counts(it) && is_in(it)).collect();
            let Some(group) = series.groups.iter().find(|it| it.key.as_ref() == Some(key)) else {
                assert!(own.is_empty(), "{key} {when:?}");
                continue;
            };
            let (wanted, n) = nps(own.into_iter());
            let score = group.cell.scores[0].1;
            assert!((score.estimate - wanted).abs() < 1e-9 && score.answers == n, "{key} {when:?}");
            let (others, _) = nps(people.iter().filter(|it| counts(it) && !is_in(it)));
            let apart = group.against_others.unwrap().difference.estimate;
            assert!((apart - (wanted - others)).abs() < 1e-9, "{key} {when:?} {apart}");
        }
    }
}

/// Promoters buy far more often than others; some answered too lately.
#[db_test(MIGRATIONS)]
async fn what_people_spent_after_they_said_so(db: TestDatabase) {
    let people = asked(&db).await;
    let rows = counted::given(&mut db.read(), W, which("recommend"), 10_000).await.unwrap();
    let chance = Chance(SeededRng::new(3));
    let paid: Vec<(PersonId, Timestamp, i64)> = people
        .iter()
        .flat_map(|it| (0..3).map(|_| (it, chance.below(60), chance.below(100), chance.below(10))).collect::<Vec<_>>())
        .filter(|(it, _, _, luck)| *luck < if it.number("recommend", "").is_some_and(|it| it >= 9) { 9 } else { 1 })
        .map(|(it, day, micros, _)| (it.row.person.unwrap(), it.at.plus((day - 20) * DAY), micros * 1_000_000))
        .collect();
    let now = start().plus(80 * DAY);
    let found = behaviour(&rows, &paid, (30, now), Confidence::default());
    let asked = |it: &&Person| counts(it) && it.number("recommend", "").is_some();
    let late = people.iter().filter(asked).filter(|it| it.at.plus(30 * DAY) > now).count() as u64;
    assert!(found.too_recent == late && late > 20);
    let mut means = Vec::new();
    for (stance, values) in [(Stance::Promoter, 9..=10), (Stance::Passive, 7..=8), (Stance::Detractor, 0..=6)] {
        let own = people
            .iter()
            .filter(asked)
            .filter(|it| it.at.plus(30 * DAY) <= now && values.contains(&it.number("recommend", "").unwrap()));
        let spent: Vec<Vec<i64>> = own
            .map(|it| {
                let inside = |(who, at, _): &&(PersonId, Timestamp, i64)| {
                    Some(*who) == it.row.person && it.at <= *at && *at < it.at.plus(30 * DAY)
                };
                paid.iter().filter(inside).map(|it| it.2).collect()
            })
            .collect();
        let it = found.spending.iter().find(|it| it.stance == stance).unwrap();
        let mean = spent.iter().flatten().sum::<i64>() as f64 / spent.len() as f64;
        let bought = spent.iter().filter(|it| !it.is_empty()).count() as f64 / spent.len() as f64;
        assert!(it.people == spent.len() as u64 && (it.mean.unwrap() - mean).abs() < 1.0, "{it:?} {mean}");
        assert!((it.bought.unwrap().estimate - bought).abs() < 1e-12, "{it:?}");
        means.push(mean);
    }
    let more = found.spending[0].more_than_detractors.unwrap();
    assert!(
        (more.estimate - (means[0] - means[2])).abs() < 1.0
            && more.low > 0.0
            && found.spending[2].more_than_detractors.is_none()
    );
    assert_eq!(behaviour(&[], &paid, (30, now), Confidence::default()).spending[0].mean, None);
}

/// Of the shop three hundred were reached and of the delivery thirty, whoever answered; of the rest nobody knows where.
#[db_test(MIGRATIONS)]
async fn who_answered_less_counts_for_as_many_as_were_reached(db: TestDatabase) {
    let people = asked(&db).await;
    let sizes = [("shop", 300), ("delivery", 30), ("kiosk", 70)];
    let mut rows = Vec::new();
    for (touchpoint, size) in sizes {
        for at in 0..size + 5 {
            let who = (Handle(rows.len() as i64 + 1), PersonId(rows.len() as i64 + 1));
            let mut row = InvitationRow::waiting(format!("inv_{}", rows.len()), (1, 1), "touchpoint", who, start());
            row.touchpoint = Some(touchpoint.to_owned());
            (row.state, row.due_at) = (if at < size { "invited" } else { "undelivered" }.to_owned(), None);
            row.invited_at = Some(start().plus(DAY));
            rows.push(row);
        }
    }
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    invitations::insert(&mut tx, W, &rows).await.unwrap();
    tx.commit().await.unwrap();

    let wanted = wanted("recommend", None, Vec::new());
    let found = reweighted(&mut db.read(), W, &wanted, Dimension::Touchpoint).await.unwrap();
    let [found] = &found[..] else { panic!("{found:?}") };
    let reached: BTreeMap<Option<String>, u64> =
        sizes.iter().map(|(key, size)| (Some((*key).to_owned()), *size as u64)).collect();
    assert_eq!(found.reached, reached);
    let of = |touchpoint: &'static str| {
        let own = move |it: &&Person| {
            counts(it) && it.row.source == "invitation" && it.row.touchpoint.as_deref() == Some(touchpoint)
        };
        nps(people.iter().filter(own))
    };
    let (shop, delivery) = (of("shop"), of("delivery"));
    let (name, score) = found.scores[0];
    assert!(name == "nps" && (score.estimate - (300.0 * shop.0 + 30.0 * delivery.0) / 330.0).abs() < 1e-9, "{score:?}");
    // Nobody of the kiosk answered, and of whom it is not known where nobody was reached.
    assert!((found.weights.covered - 330.0 / 400.0).abs() < 1e-12);
    assert!(
        score.answers == shop.1 + delivery.1
            && score.effective < score.answers as f64
            && found.weights.design_effect > 1.0
    );
    let plain = nps(people.iter().filter(|it| counts(it) && it.row.source == "invitation"));
    assert!((found.plain.total.scores[0].1.estimate - plain.0).abs() < 1e-9);
    let by_language = reweighted(&mut db.read(), W, &wanted, Dimension::Language).await.unwrap();
    assert_eq!(by_language, [], "an invitation has no language of an answer");
}
