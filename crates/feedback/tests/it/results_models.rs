//! Shares of choices, models of causes and styles of answering, on both engines, beside everybody gone through one by one.

use std::collections::BTreeMap;

use rapport_domain::{Handle, PersonId, Rng, SeededRng, Timestamp, WorkspaceId};
use rapport_feedback::records::counts::{Dimension, Which};
use rapport_feedback::records::responses::{COMPLETED, PARTIAL, ResponseRow};
use rapport_feedback::records::{answers, responses};
use rapport_feedback::results::loyalty::people::{Bound, within};
use rapport_feedback::results::loyalty::usual::{LeftOut, Usual, Why};
use rapport_feedback::results::loyalty::{Block, Drawn, Holds};
use rapport_feedback::results::styles::Styled;
use rapport_feedback::results::{Wanted, choices, numbers};
use rapport_feedback::survey::{Answers, Given, read};
use rapport_feedback::{Definition, MIGRATIONS};
use rapport_models::experiments::Better;
use rapport_models::structural;
use rapport_models::survey::paths::{Construct, Mode, Model, Scheme, Unfit};
use rapport_models::survey::style::contrasts;
use rapport_models::survey::{Confidence, Scale};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const DAY: i64 = Timestamp::DAY;
const SCALES: [&str; 6] =
    ["quality_all", "quality_fit", "satisfaction_all", "satisfaction_ideal", "loyalty_again", "loyalty_recommend"];

fn definition() -> Definition {
    let question = |key: &str, answer: Value| json!({"key": key, "text": {"en": key}, "answer": answer});
    let listed = |keys: &[&str]| keys.iter().map(|key| json!({"key": key, "text": {"en": key}})).collect::<Vec<_>>();
    let mut questions: Vec<Value> =
        SCALES.iter().map(|key| question(key, json!({"kind": "scale", "from": 1, "to": 10}))).collect();
    questions.push(question("which", json!({"kind": "single", "choices": listed(&["us", "them"]), "other": true})));
    questions.push(question("known", json!({"kind": "multiple", "choices": listed(&["us", "them", "those"])})));
    let matrix = json!({"kind": "matrix", "rows": listed(&["fair", "fast"]), "columns": listed(&["us", "them"])});
    questions.push(question("image", matrix));
    questions.push(question("order", json!({"kind": "ranking", "choices": listed(&["us", "them"])})));
    questions.push(question("again", json!({"kind": "consent"})));
    let form = json!({"title": {"en": "A survey"}, "default_language": "en", "pages": [{"questions": questions}]});
    Definition::from_json(&form).unwrap()
}

struct Person {
    row: ResponseRow,
    answers: Answers,
    at: Timestamp,
}

impl Person {
    fn number(&self, question: &str) -> Option<i64> {
        self.answers.get(question)?[0].number
    }

    fn counts(&self) -> bool {
        self.row.survey == 1 && self.row.state == COMPLETED
    }
}

fn below(rng: &SeededRng, n: i64) -> i64 {
    i64::try_from(rng.next_u64() % u64::try_from(n).unwrap()).unwrap()
}

fn chosen(part: &str, choice: &str) -> Given {
    Given { part: part.to_owned(), choice: Some(choice.to_owned()), ..Given::default() }
}

/// Somebody at random: quality makes satisfied, satisfaction makes loyal; who answers in Chinese likes the ends of a scale.
fn person(at: usize, rng: &SeededRng) -> Person {
    let language = if below(rng, 3) == 0 { "zh" } else { "en" };
    let mut answers = Answers::new();
    let quality = 3 + below(rng, 6);
    let satisfied = (quality + below(rng, 4) - 2).clamp(1, 10);
    let loyal = (satisfied + below(rng, 4) - 1).clamp(1, 10);
    for (key, level) in SCALES.iter().zip([quality, quality, satisfied, satisfied, loyal, loyal]) {
        let own = (level + below(rng, 3) - 1).clamp(1, 10);
        let own = match language {
            "zh" if own <= 4 => 1,
            "zh" if own >= 7 => 10,
            _ => own,
        };
        // One in twenty leaves something out.
        if below(rng, 20) > 0 {
            answers.insert((*key).to_owned(), vec![Given { number: Some(own), ..Given::default() }]);
        }
    }
    if below(rng, 5) > 0 {
        answers.insert("which".to_owned(), vec![chosen("", ["us", "them", "other"][below(rng, 3) as usize])]);
    }
    let known: Vec<Given> =
        ["us", "them", "those"].into_iter().filter(|_| below(rng, 2) == 0).map(|it| chosen(it, it)).collect();
    if !known.is_empty() {
        answers.insert("known".to_owned(), known);
    }
    let image: Vec<Given> = ["fair", "fast"]
        .into_iter()
        .filter(|_| below(rng, 4) > 0)
        .map(|row| chosen(row, ["us", "them"][below(rng, 2) as usize]))
        .collect();
    if !image.is_empty() {
        answers.insert("image".to_owned(), image);
    }
    let first = below(rng, 2);
    let rank = |part: &str, number: i64| Given { part: part.to_owned(), number: Some(number), ..Given::default() };
    answers.insert("order".to_owned(), vec![rank("us", 1 + first), rank("them", 2 - first)]);
    answers.insert("again".to_owned(), vec![chosen("", ["yes", "no"][below(rng, 2) as usize])]);
    let at_time = Timestamp::from_seconds(1_700_000_000).plus(below(rng, 60) * DAY);
    let row = ResponseRow {
        id: format!("rsp_{at}"),
        survey: 1 + i64::from(below(rng, 12) == 0),
        version: 1,
        wave: 1 + below(rng, 3),
        invitation: None,
        origin: Some(format!("o{at}")),
        source: "api".to_owned(),
        state: if below(rng, 8) == 0 { PARTIAL } else { COMPLETED }.to_owned(),
        handle: Some(Handle(at as i64 + 1)),
        person: Some(PersonId(at as i64 + 1)),
        language: language.to_owned(),
        channel: None,
        touchpoint: None,
        product: None,
        agent: None,
        subject: None,
        page: 0,
        started_at: at_time,
        updated_at: at_time,
        completed_at: Some(at_time),
    };
    Person { row, answers, at: at_time }
}

async fn asked(db: &TestDatabase) -> Vec<Person> {
    let rng = SeededRng::new(11);
    let people: Vec<Person> = (0..500).map(|at| person(at, &rng)).collect();
    let strangers: Vec<Person> = (0..40).map(|at| person(at, &rng)).collect();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for (workspace, people) in [(W, &people), (OTHER, &strangers)] {
        for it in people {
            assert!(responses::insert(&mut tx, workspace, &it.row).await.unwrap());
            answers::write(&mut tx, workspace, &it.row, &definition(), &it.answers, it.at).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    people
}

const SPAN: (Timestamp, Timestamp) = (Timestamp(0), Timestamp(i64::MAX));

/// Oracle: of those who answered, how many chose it.
fn hits(people: &[&Person], question: &str, part: &str) -> (u64, u64) {
    let (mut hits, mut of) = (0, 0);
    for it in people {
        let Some(own) = it.answers.get(question) else { continue };
        let says = |choice: &str| own.iter().any(|it| it.choice.as_deref() == Some(choice));
        let (asked, chose) = match (question, part.split_once('/')) {
            (_, Some((row, choice))) => {
                let own = own.iter().find(|it| it.part == row);
                (own.is_some(), own.is_some_and(|it| it.choice.as_deref() == Some(choice)))
            }
            ("order", None) => (true, own.iter().any(|it| it.part == part && it.number == Some(1))),
            _ => (true, says(part)),
        };
        of += u64::from(asked);
        hits += u64::from(asked && chose);
    }
    (hits, of)
}

#[db_test(MIGRATIONS)]
async fn shares_of_choices_are_of_those_who_answered(db: TestDatabase) {
    let people = asked(&db).await;
    let own: Vec<&Person> = people.iter().filter(|it| it.counts()).collect();
    let mut db = db.read();
    let start = Timestamp::from_seconds(1_700_000_000);
    let periods = vec![start, start.plus(30 * DAY), start.plus(60 * DAY)];
    let mut seen = 0;
    for question in ["which", "known", "image", "order", "again"] {
        let which = Which { survey: 1, question, from: SPAN.0, to: SPAN.1, partial: false, invited: false };
        let wanted =
            Wanted { which, by: Some(Dimension::Wave), periods: periods.clone(), confidence: Confidence::default() };
        for series in choices(&mut db, W, &wanted).await.unwrap() {
            let share = |cell: &rapport_feedback::results::Cell| {
                let (name, score) = &cell.scores[0];
                assert_eq!(*name, "share");
                (score.estimate, score.answers)
            };
            let wanted = |people: &[&Person]| {
                let (hits, of) = hits(people, question, &series.part);
                (hits as f64 / of as f64, of)
            };
            let near = |a: (f64, u64), b: (f64, u64)| (a.0 - b.0).abs() < 1e-12 && a.1 == b.1;
            assert!(near(share(&series.total), wanted(&own)), "{question} {}", series.part);
            for group in &series.groups {
                let of: Vec<&Person> =
                    own.iter().copied().filter(|it| Some(it.row.wave.to_string()) == group.key).collect();
                assert!(near(share(&group.cell), wanted(&of)), "{question} {} {group:?}", series.part);
                assert!(group.against_others.is_some());
            }
            for period in &series.periods {
                let of: Vec<&Person> =
                    own.iter().copied().filter(|it| (period.from..period.to).contains(&it.at)).collect();
                assert!(near(share(&period.cell), wanted(&of)), "{question} {} {period:?}", series.part);
            }
            assert_eq!((series.groups.len(), series.periods.len()), (3, 2));
            seen += 1;
        }
    }
    // Three of one (with what is listed nowhere), three of several, two in two rows, two to be ranked, yes and no.
    assert_eq!(seen, 3 + 3 + 4 + 2 + 2);
    let nothing = Which { survey: 9, question: "which", from: SPAN.0, to: SPAN.1, partial: false, invited: false };
    let wanted = Wanted { which: nothing, by: None, periods: Vec::new(), confidence: Confidence::default() };
    assert_eq!(choices(&mut db, W, &wanted).await.unwrap(), []);
}

#[db_test(MIGRATIONS)]
async fn a_model_is_fitted_to_what_was_answered(db: TestDatabase) {
    let people = asked(&db).await;
    let drawn = Usual::of(&definition()).unwrap().without(&[]).unwrap();
    assert_eq!(drawn.questions(), SCALES);
    assert_eq!(drawn.paths, [(0, 1), (1, 2)]);
    assert_eq!(Usual::of(&rapport_feedback::gallery::ready("nps").unwrap().survey), None);
    let mut db = db.read();
    let read = numbers(&mut db, W, (1, drawn.questions()), SPAN, Some(Dimension::Language)).await.unwrap();
    let found = read.fitted(&drawn, Scheme::Path, Some("zh"), Confidence::default()).unwrap();

    let place = |it: i64| 100.0 * (it - 1) as f64 / 9.0;
    // In the order of their ids, as they are read; a sum of numbers depends on it in its last digits.
    let own: BTreeMap<&str, &Person> =
        people.iter().filter(|it| it.counts()).map(|it| (it.row.id.as_str(), it)).collect();
    let rows: Vec<Vec<Option<f64>>> =
        own.values().map(|it| SCALES.iter().map(|key| it.number(key).map(place)).collect()).collect();
    let construct = |at: usize| Construct { indicators: vec![2 * at, 2 * at + 1], mode: Mode::Reflective };
    let model = Model::new((0..3).map(construct).collect(), &[(0, 1), (1, 2)]).unwrap();
    let wanted = model.fit(&rows, Scheme::Path).unwrap();
    assert_eq!((found.fit.answers, found.fit.incomplete), (wanted.answers, wanted.incomplete));
    assert!((found.fit.coefficients[0][1] - wanted.coefficients[0][1]).abs() < 1e-9);
    assert!(found.fit.coefficients[0][1] > 0.6 && found.fit.coefficients[1][2] > 0.6, "{:?}", found.fit);
    let (low, high) = found.intervals.coefficients[0][1].unwrap();
    assert!(low < found.fit.coefficients[0][1] && found.fit.coefficients[0][1] < high);
    let index = found.fit.index(2, 0.0, 100.0).unwrap();
    let loyal: Vec<f64> = rows
        .iter()
        .filter(|it| it.iter().all(Option::is_some))
        .map(|it| (it[4].unwrap() + it[5].unwrap()) / 2.0)
        .collect();
    assert!(
        (index - loyal.iter().sum::<f64>() / loyal.len() as f64).abs() < 5.0,
        "an index is a weighted mean: {index}"
    );
    // Who likes the ends varies more: scores are not to be compared.
    let invariance = found.invariance.unwrap();
    assert!(invariance.len() == 3 && invariance.iter().all(|it| !it.full), "{invariance:?}");
    let nobody = numbers(&mut db, W, (9, drawn.questions()), SPAN, None).await.unwrap();
    assert_eq!(nobody.fitted(&drawn, Scheme::Path, None, Confidence::default()).unwrap_err(), Unfit::TooFew);
}

#[db_test(MIGRATIONS)]
async fn who_likes_the_ends_of_a_scale_is_told(db: TestDatabase) {
    let people = asked(&db).await;
    let mut db = db.read();
    let asked = SCALES.map(str::to_owned).to_vec();
    let read = numbers(&mut db, W, (1, asked.clone()), SPAN, Some(Dimension::Language)).await.unwrap();
    let styles = read.styles(Confidence::default()).unwrap();
    let scale = Scale::new(1, 10, Better::Higher).unwrap();
    assert_eq!((styles.scale, styles.questions.len(), styles.groups.len()), (scale, 6, 2));
    let own: BTreeMap<&str, &Person> =
        people.iter().filter(|it| it.counts()).map(|it| (it.row.id.as_str(), it)).collect();
    let side = |language: &str| -> Vec<Vec<Option<i64>>> {
        let of = own.values().filter(|it| it.row.language == language);
        let answers = of.map(|it| SCALES.iter().map(|key| it.number(key)).collect::<Vec<_>>());
        answers.filter(|it| it.iter().any(Option::is_some)).collect()
    };
    for (group, other) in [("zh", "en"), ("en", "zh")] {
        let found = styles.groups.iter().find(|it| it.key.as_deref() == Some(group)).unwrap();
        let wanted = contrasts(&side(group), &side(other), scale, Confidence::default());
        assert_eq!(found.people, side(group).len());
        for (a, b) in found.contrasts.iter().zip(&wanted) {
            assert!(a.style == b.style && (a.shares.0 - b.shares.0).abs() < 1e-12 && (a.size - b.size).abs() < 1e-9);
        }
        assert!(found.contrasts[2].differs && found.comparable() == Some(false), "{found:?}");
        // Where nothing differs it takes thirty on both sides to say so.
        let alike = |people, others| Styled { key: None, people, others, contrasts: Vec::new() }.comparable();
        assert_eq!([alike(30, 30), alike(29, 500), alike(500, 29)], [Some(true), None, None]);
    }
    let nobody = numbers(&mut db, W, (9, asked), SPAN, None).await.unwrap();
    assert_eq!(nobody.styles(Confidence::default()), None);
}

/// What somebody answers to the ready survey, by its keys: nearly everybody all of it, but a third cannot say what they expected to go wrong.
fn asked_for_loyalty(rng: &SeededRng, complain: i64) -> BTreeMap<&'static str, Value> {
    let quality = 3 + below(rng, 6);
    let has = below(rng, 100) < complain;
    let satisfied = quality - if has { 2 } else { 0 };
    let mut said = BTreeMap::from([("complained", json!(if has { "yes" } else { "no" }))]);
    for key in
        ["expectation_all", "expectation_fit", "expectation_wrong", "quality_all", "quality_fit", "quality_wrong"]
    {
        said.insert(key, json!((quality + below(rng, 4) - 1).clamp(1, 10)));
    }
    for key in ["value_quality", "value_price", "satisfaction_all", "satisfaction_expected", "satisfaction_ideal"] {
        said.insert(key, json!((satisfied + below(rng, 4) - 1).clamp(1, 10)));
    }
    for key in ["loyalty_again", "loyalty_price", "loyalty_recommend"] {
        said.insert(key, json!((satisfied + below(rng, 5) - 2).clamp(1, 10)));
    }
    if has {
        said.insert("complaint_handled", json!(1 + below(rng, 10)));
    }
    if below(rng, 3) > 0 {
        said.insert("expectation_wrong", json!("no_opinion"));
    }
    if below(rng, 20) == 0 {
        said.remove("value_price");
    }
    said
}

/// Everybody's answers to the ready survey in a survey of its own number.
async fn asked_all(db: &TestDatabase, survey: i64, complain: i64) -> Vec<BTreeMap<&'static str, Value>> {
    let definition = rapport_feedback::gallery::ready("satisfaction_loyalty").unwrap().survey;
    let rng = SeededRng::new(29);
    let mut people = Vec::new();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for at in 0..150 {
        let said = asked_for_loyalty(&rng, complain);
        let given = |(key, value): (&&str, &Value)| {
            let question = definition.question(key).unwrap();
            (question.key.clone(), read(question, value).unwrap())
        };
        let template = person(at, &rng).row;
        let row = ResponseRow {
            id: format!("rsp_{survey}_{at:03}"),
            survey,
            state: COMPLETED.to_owned(),
            origin: Some(format!("{survey}/{at}")),
            ..template
        };
        assert!(responses::insert(&mut tx, W, &row).await.unwrap());
        answers::write(&mut tx, W, &row, &definition, &said.iter().map(given).collect(), row.started_at).await.unwrap();
        people.push(said);
    }
    tx.commit().await.unwrap();
    people
}

/// Oracle: the place of an answer from 0 to 100, of yes and no too.
fn place(said: &BTreeMap<&'static str, Value>, key: &str) -> Option<f64> {
    match said.get(key)? {
        Value::String(word) => ["no", "yes"].iter().position(|it| it == word).map(|it| 100.0 * it as f64),
        number => number.as_i64().map(|it| 100.0 * (it - 1) as f64 / 9.0),
    }
}

const KEPT: [&str; 14] = [
    "expectation_all",
    "expectation_fit",
    "quality_all",
    "quality_fit",
    "quality_wrong",
    "value_quality",
    "value_price",
    "satisfaction_all",
    "satisfaction_expected",
    "satisfaction_ideal",
    "complained",
    "loyalty_again",
    "loyalty_price",
    "loyalty_recommend",
];
/// Where each block begins in it.
const BLOCKS: [(&str, usize, usize); 6] = [
    ("expectation", 0, 2),
    ("quality", 2, 5),
    ("value", 5, 7),
    ("satisfaction", 7, 10),
    ("complaint", 10, 11),
    ("loyalty", 11, 14),
];
const PATHS: [(usize, usize); 9] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (3, 4), (3, 5), (4, 5)];

#[db_test(MIGRATIONS)]
async fn what_only_some_were_asked_does_not_make_the_model_theirs(db: TestDatabase) {
    let people = asked_all(&db, 3, 15).await;
    let survey = rapport_feedback::gallery::ready("satisfaction_loyalty").unwrap().survey;
    let usual = Usual::of(&survey).unwrap();
    let mut reads = db.read();
    let read = numbers(&mut reads, W, (3, usual.questions()), SPAN, None).await.unwrap();
    let found = read.usual_fitted(&usual, Scheme::Path, None, Confidence::default()).unwrap();

    let said = |key: &str| people.iter().filter(|it| place(it, key).is_some()).count() as u64;
    let (blank, handled) = (said("expectation_wrong"), said("complaint_handled"));
    assert!(blank < 75 && (10..40).contains(&handled), "{blank} {handled}");
    let out = |question: &str, block, answered, why| LeftOut { question: question.to_owned(), block, answered, why };
    let wanted = [
        out("expectation_wrong", "expectation", blank, Why::LeftBlank),
        out("complaint_handled", "complaint", handled, Why::AskedOfSome),
    ];
    assert_eq!(found.left_out, wanted);
    assert_eq!((found.drawn.questions(), &found.drawn.paths[..]), (KEPT.map(str::to_owned).to_vec(), &PATHS[..]));
    let (answered, all) = read.answered();
    assert_eq!((answered["value_price"], answered["complained"], all), (said("value_price"), 150, 150));

    let rows: Vec<Vec<Option<f64>>> = people.iter().map(|it| KEPT.iter().map(|key| place(it, key)).collect()).collect();
    let whole = rows.iter().filter(|it| it.iter().all(Option::is_some)).count() as u64;
    assert_eq!((found.fitted.fit.answers, found.fitted.fit.incomplete), (whole, 150 - whole));
    assert!(whole > 130, "{whole}");
    let constructs = BLOCKS.map(|(_, from, to)| Construct { indicators: (from..to).collect(), mode: Mode::Reflective });
    let wanted = Model::new(constructs.to_vec(), &PATHS).unwrap().fit(&rows, Scheme::Path).unwrap();
    for (from, to) in PATHS {
        let (own, oracle) = (found.fitted.fit.coefficients[from][to], wanted.coefficients[from][to]);
        assert!((own - oracle).abs() < 1e-9, "{from} {to}: {own} {oracle}");
    }
    assert!(found.fitted.fit.coefficients[3][4] < -0.3, "who is satisfied complains less: {:?}", found.fitted.fit);
    let complained = rows.iter().filter(|it| it.iter().all(Option::is_some) && it[10] == Some(100.0)).count() as f64;
    let index = found.fitted.fit.index(4, 0.0, 100.0).unwrap();
    assert!((index - 100.0 * complained / whole as f64).abs() < 1e-9, "the share of those who complained: {index}");

    // The same by covariances, of the same people: as `structural` fits the text of it.
    let measured = |at: usize| (BLOCKS[at].1..BLOCKS[at].2).map(|it| format!("q{it}")).collect::<Vec<_>>().join(" + ");
    let mut text: String = (0..BLOCKS.len()).map(|at| format!("{} =~ {}\n", BLOCKS[at].0, measured(at))).collect();
    text.extend(PATHS.iter().map(|(from, to)| format!("{} ~ {}\n", BLOCKS[*to].0, BLOCKS[*from].0)));
    let columns: Vec<Vec<f64>> = (0..KEPT.len())
        .map(|at| rows.iter().filter(|it| it.iter().all(Option::is_some)).map(|it| it[at].unwrap()).collect())
        .collect();
    let names: Vec<String> = (0..KEPT.len()).map(|at| format!("q{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let oracle = structural::Model::read(&text, &names, structural::Scale::Marker).unwrap();
    match (&found.fitted.whole, oracle.fit(&columns, structural::Divisor::N)) {
        (Ok(whole), Ok(oracle)) => {
            assert_eq!(whole.measures, oracle.measures);
            assert_eq!((whole.paths.len(), whole.holds), (PATHS.len(), Holds::of(&oracle.measures)));
            let relations = oracle.relations(0.05);
            for ((from, to), path) in &whole.paths {
                let own = |it: &&structural::Relation| {
                    it.kind == structural::Kind::Regression && it.left == BLOCKS[*to].0 && it.right == BLOCKS[*from].0
                };
                assert_eq!(*path, relations.iter().find(own).unwrap().standardised);
            }
        }
        // What people expect and what they get is all but the same here: where that cannot be fitted, it is said why.
        (whole, oracle) => assert_eq!(whole.as_ref().err(), oracle.as_ref().err()),
    }

    // From a block to the people: the same indices, one by one.
    let drawn = read.usual_drawn(&usual, Scheme::Path).unwrap();
    assert_eq!(drawn, found.drawn);
    let answered = read.indices(&drawn, Scheme::Path).unwrap();
    assert_eq!(answered.len() as u64, whole_of(&rows));
    let mean = answered.iter().map(|it| it.indices[3].unwrap()).sum::<f64>() / answered.len() as f64;
    let all = found.fitted.fit.index(3, 0.0, 100.0).unwrap();
    assert!((mean - all).abs() < 1e-9, "the index of all is the mean of theirs: {mean} {all}");
    let bounds = [Bound { block: 3, from: 50.0, to: 101.0 }, Bound { block: 5, from: 0.0, to: 50.0 }];
    let behind: Vec<&str> = within(&answered, &bounds).map(|it| it.response.as_str()).collect();
    let slow: Vec<&str> = answered
        .iter()
        .filter(|it| it.indices[3].is_some_and(|it| it >= 50.0) && it.indices[5].is_some_and(|it| it < 50.0))
        .map(|it| it.response.as_str())
        .collect();
    assert_eq!(behind, slow);
    let nobody = [Bound { block: 3, from: 60.0, to: 60.0 }];
    assert_eq!(within(&answered, &nobody).count(), 0);

    // Whoever draws it with the question gets the model of those who answered it.
    let block = |key: &str, questions: &[&str]| Block {
        key: key.to_owned(),
        questions: questions.iter().map(|it| (*it).to_owned()).collect(),
        mode: Mode::Reflective,
    };
    let blocks = vec![block("s", &["satisfaction_all"]), block("h", &["complaint_handled"])];
    let drawn = Drawn { blocks, paths: vec![(0, 1)] };
    let own = read.fitted(&drawn, Scheme::Path, None, Confidence::default()).unwrap();
    assert_eq!((own.fit.answers, own.fit.incomplete), (handled, 150 - handled));
    let satisfied = block("s", &["satisfaction_all", "satisfaction_expected", "satisfaction_ideal"]);
    let loyal = block("l", &["loyalty_again", "loyalty_price", "loyalty_recommend"]);
    let two = Drawn { blocks: vec![satisfied, loyal], paths: vec![(0, 1)] };
    let whole = read.fitted(&two, Scheme::Path, None, Confidence::default()).unwrap().whole.unwrap();
    assert_eq!((whole.paths.len(), whole.paths[0].0, whole.measures.degrees_of_freedom), (1, (0, 1), 8));
    assert!(whole.paths[0].1.value > 0.5 && whole.holds != Holds::Untested, "{whole:?}");
    // One question each leaves nothing that could be tested, and a block that is made up by its questions cannot be at all.
    assert_eq!(own.whole.unwrap().holds, Holds::Untested);
    let mut made = drawn;
    made.blocks[0].mode = Mode::Formative;
    let made = read.fitted(&made, Scheme::Path, None, Confidence::default()).unwrap();
    assert!(made.whole.unwrap_err().to_string().contains("make up"));
}

fn whole_of(rows: &[Vec<Option<f64>>]) -> u64 {
    rows.iter().filter(|it| it.iter().all(Option::is_some)).count() as u64
}

#[db_test(MIGRATIONS)]
async fn nobody_complained_or_nearly_everybody_did(db: TestDatabase) {
    let survey = rapport_feedback::gallery::ready("satisfaction_loyalty").unwrap().survey;
    let usual = Usual::of(&survey).unwrap();
    asked_all(&db, 4, 0).await;
    let mut reads = db.read();
    let read = numbers(&mut reads, W, (4, usual.questions()), SPAN, None).await.unwrap();
    let found = read.usual_fitted(&usual, Scheme::Path, None, Confidence::default()).unwrap();
    let out = |it: &LeftOut| (it.question.clone(), it.answered, it.why);
    let left: Vec<_> = found.left_out.iter().map(out).collect();
    assert_eq!(
        left[1..],
        [("complaint_handled".to_owned(), 0, Why::AskedOfSome), ("complained".to_owned(), 150, Why::Alike)]
    );
    assert!(found.drawn.blocks.iter().all(|it| it.key != "complaint") && found.fitted.fit.answers > 130);
    assert_eq!(found.drawn.paths, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (3, 4)]);

    // Of a question that nine in ten were asked little is lost, so it stays.
    asked_all(&db, 5, 95).await;
    let read = numbers(&mut reads, W, (5, usual.questions()), SPAN, None).await.unwrap();
    let found = read.usual_fitted(&usual, Scheme::Path, None, Confidence::default()).unwrap();
    assert!(found.drawn.questions().contains(&"complaint_handled".to_owned()), "{:?}", found.left_out);
    // Those who answered it all complained.
    assert_eq!(found.left_out.iter().map(|it| it.why).collect::<Vec<_>>(), [Why::LeftBlank, Why::Alike]);
    let nobody = numbers(&mut reads, W, (9, usual.questions()), SPAN, None).await.unwrap();
    let nothing = nobody.usual_fitted(&usual, Scheme::Path, None, Confidence::default());
    assert_eq!(nothing.unwrap_err(), Unfit::TooFew);
}
