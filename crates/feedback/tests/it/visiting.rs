//! A survey beside pages of the company's own, over a year of visits: what opens for whom is what somebody would say who reads the rules aloud and keeps a diary.

use std::collections::BTreeMap;

use rapport_domain::{Clock, Handle, ManualClock, PersonId, Rng, SeededRng, Timestamp, WorkspaceId};
use rapport_feedback::asking::is_sampled;
use rapport_feedback::records::invitations::{self, InvitationRow};
use rapport_feedback::records::surveys::SurveyRow;
use rapport_feedback::service::Author;
use rapport_feedback::service::asking::Known;
use rapport_feedback::service::editing::{Act, act, create};
use rapport_feedback::service::visiting::{self, Visit, Write};
use rapport_feedback::{Definition, MIGRATIONS, gallery};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);
const DAY: i64 = Timestamp::DAY;
const PEOPLE: i64 = 8;
const VISITS: usize = 900;

/// Key, rules of asking, and the floor in days that they come to.
fn surveys() -> [(&'static str, Value, i64); 3] {
    [
        ("relation", json!({"kind": "relationship", "valid_days": 20, "sample_percent": 50.0}), 90),
        ("delivery", json!({"kind": "touchpoint", "valid_days": 9, "floor_days": 14}), 14),
        ("leaving", json!({"kind": "exit", "valid_days": 5}), 0),
    ]
}

/// An entry of the diary: a survey opened for somebody.
struct Opened {
    id: String,
    person: i64,
    survey: i64,
    at: Timestamp,
    expires: Timestamp,
    answered: Option<Timestamp>,
    /// Whether somebody asked them.
    asked: bool,
}

impl Opened {
    fn is_open(&self, now: Timestamp) -> bool {
        self.answered.is_none() && now < self.expires
    }

    /// When it counts as having been asked.
    fn counts_at(&self) -> Option<Timestamp> {
        if self.asked { Some(self.at) } else { self.answered }
    }
}

/// What the rules say: the entry that is opened again, a new one, or why not.
#[derive(Debug, PartialEq)]
enum Said {
    Again(String),
    New,
    Spared(&'static str),
}

fn aloud(
    diary: &[Opened],
    (person, survey, wished): (i64, i64, bool),
    known: &Known,
    is_sampled: bool,
    now: Timestamp,
) -> Said {
    let (_, asking, floor) = &surveys()[usize::try_from(survey - 1).unwrap()];
    let within = |at: Option<Timestamp>, days: i64| at.is_some_and(|at| now.0 < at.0 + days * DAY);
    let own = || diary.iter().rev().filter(|it| it.person == person);
    if wished {
        let same = || own().filter(|it| it.survey == survey);
        let again = same().find(|it| it.is_open(now)).or_else(|| same().find(|it| within(it.answered, *floor)));
        return again.map_or(Said::New, |it| Said::Again(it.id.clone()));
    }
    if !is_sampled {
        return Said::Spared("sampled_out");
    }
    let last = |which: &dyn Fn(&&Opened) -> bool| own().filter(which).filter_map(Opened::counts_at).max();
    let rules = [
        ("restricted", known.is_restricted),
        ("no_consent", known.lacks_consent),
        ("trouble", known.is_troubled),
        ("asked", own().any(|it| it.survey == survey && it.asked && it.is_open(now))),
        ("floor", within(last(&|it| it.survey == survey), *floor)),
        // Each of these surveys is alone in its kind.
        ("quarantine", asking["kind"] != "exit" && within(last(&|_| true), 30)),
    ];
    rules.into_iter().find(|(_, holds)| *holds).map_or(Said::New, |(reason, _)| Said::Spared(reason))
}

async fn town(db: &TestDatabase, at: Timestamp) -> Vec<(SurveyRow, Definition)> {
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let mut all = Vec::new();
    for (key, asking, _) in surveys() {
        let mut definition = gallery::ready("nps").unwrap().survey;
        definition.asking = serde_json::from_value(asking).unwrap();
        let author = Author { by: "usr_ann", at };
        create(&mut tx, W, (key, "A survey"), &definition, author).await.unwrap();
        all.push((act(&mut tx, W, key, Act::Open, 1, author).await.unwrap(), definition));
    }
    tx.commit().await.unwrap();
    all
}

#[db_test(MIGRATIONS)]
async fn what_opens_is_what_the_rules_say_read_aloud(db: TestDatabase) {
    let start = Timestamp::from_seconds(1_700_000_000);
    let (clock, ids, dice) = (ManualClock::at(start), SeededRng::new(3), SeededRng::new(8));
    let surveys = town(&db, start).await;
    let throw = |sides: u64| dice.next_u64() % sides;
    let (mut diary, mut came) = (Vec::<Opened>::new(), BTreeMap::<String, usize>::new());
    for _ in 0..VISITS {
        clock.advance(i64::try_from(throw(20) + 1).unwrap() * DAY / 24);
        let now = clock.now();
        let mut tx = db.begin(Priority::Background).await.unwrap();
        for entry in diary.iter_mut().filter(|it| it.is_open(now)) {
            if throw(40) == 0 {
                assert!(invitations::answer(&mut tx, W, &entry.id, now).await.unwrap());
                entry.answered = Some(now);
            }
        }
        let person = i64::try_from(throw(PEOPLE.unsigned_abs())).unwrap() + 1;
        let (survey, definition) = &surveys[usize::try_from(throw(3)).unwrap()];
        let known = Known {
            is_restricted: throw(30) == 0,
            lacks_consent: throw(30) == 0,
            is_troubled: throw(30) == 0,
            ..Known::default()
        };
        let wished = throw(3) == 0;
        let who = (Handle(person), PersonId(person));
        let visit = Visit { survey, definition, who, touchpoint: None, known: &known, wished };
        let sampled = is_sampled(survey.survey, 1, PersonId(person), definition);
        let said = aloud(&diary, (person, survey.survey, wished), &known, sampled, now);
        let looked = visiting::look(&mut tx, W, &visit, (&clock, &ids)).await.unwrap();
        let met = visiting::visit(&mut tx, W, &visit, (&clock, &ids)).await.unwrap();
        assert_eq!((looked.opens, looked.write), (met.opens, met.write), "looking says what comes");
        check(&said, &met.row, met.opens, wished);
        match &said {
            Said::Again(id) => assert_eq!((&met.row.id, met.write), (id, Write::Nothing)),
            Said::New => {
                let expires = met.row.expires_at.unwrap();
                // Whatever opened opens again for who wishes it, and is no second one.
                let again = Visit { wished: true, ..visit };
                let again = visiting::visit(&mut tx, W, &again, (&clock, &ids)).await.unwrap();
                assert_eq!((again.row.id.as_str(), again.write), (met.row.id.as_str(), Write::Nothing));
                diary.push(Opened {
                    id: met.row.id.clone(),
                    person,
                    survey: survey.survey,
                    at: now,
                    expires,
                    answered: None,
                    asked: !wished,
                });
            }
            Said::Spared(reason) => *came.entry((*reason).to_owned()).or_default() += 1,
        }
        tx.commit().await.unwrap();
    }
    for reason in ["sampled_out", "restricted", "no_consent", "trouble", "asked", "floor", "quarantine"] {
        assert!(came.contains_key(reason), "{reason} never came up: {came:?}");
    }
    assert!(diary.len() > 40 && diary.iter().any(|it| it.asked) && diary.iter().any(|it| !it.asked));
    counted_once(&db, &diary, came.values().sum()).await;
}

fn check(said: &Said, row: &InvitationRow, opens: bool, wished: bool) {
    let expected = match said {
        Said::Again(_) => return assert!(opens),
        Said::New if wished => ("unasked", None),
        Said::New => ("invited", None),
        Said::Spared("sampled_out") => ("sampled_out", None),
        Said::Spared(reason) => ("suppressed", Some(*reason)),
    };
    assert_eq!((row.state.as_str(), row.reason.as_deref()), expected, "{row:?}");
    assert_eq!(opens, matches!(said, Said::New));
}

/// Whoever was spared has one row until they are asked, however often they came.
async fn counted_once(db: &TestDatabase, diary: &[Opened], spared: usize) {
    let people: Vec<PersonId> = (1..=PEOPLE).map(PersonId).collect();
    let rows = invitations::of_persons(&mut db.read(), W, &people).await.unwrap();
    let is_spared = |row: &&InvitationRow| ["suppressed", "sampled_out"].contains(&row.state.as_str());
    let kept = rows.iter().filter(is_spared).count();
    assert_eq!(rows.len(), kept + diary.len());
    assert!(
        kept <= 24 + diary.iter().filter(|it| it.asked).count() && kept * 3 < spared,
        "{kept} rows of {spared} times"
    );
    for row in rows.iter().filter(is_spared) {
        let later = rows.iter().filter(is_spared).filter(|it| {
            it.id != row.id
                && (it.person, it.survey) == (row.person, row.survey)
                && it.occasioned_at >= row.occasioned_at
        });
        for other in later {
            let between = diary.iter().any(|it| {
                it.asked
                    && (it.person, it.survey) == (row.person.0, row.survey)
                    && it.at >= row.occasioned_at
                    && it.at <= other.occasioned_at
            });
            assert!(between, "two rows of one time: {row:?} {other:?}");
        }
    }
}
