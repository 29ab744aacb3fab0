//! What is stored, on both engines: versions, whom to ask and why not, answers page by page, quotas, replays, erasure.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rapport_domain::{Handle, ManualClock, PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_feedback::advocacy::MIGRATIONS as ADVOCACY;
use rapport_feedback::asking::{Occasion, Settings, Situation, Suppression, is_sampled, judge};
use rapport_feedback::complaints::MIGRATIONS as COMPLAINTS;
use rapport_feedback::digest::MIGRATIONS as DIGEST;
use rapport_feedback::follow_ups::MIGRATIONS as FOLLOW_UPS;
use rapport_feedback::ideas::MIGRATIONS as IDEAS;
use rapport_feedback::improvements::MIGRATIONS as IMPROVEMENTS;
use rapport_feedback::intents::MIGRATIONS as INTENTS;
use rapport_feedback::notes::MIGRATIONS as NOTES;
use rapport_feedback::records::invitations::{self, INVITED, InvitationRow, SAMPLED_OUT, SUPPRESSED};
use rapport_feedback::records::responses::{self, COMPLETED, OVER_QUOTA, SCREENED, Source};
use rapport_feedback::records::surveys::{self, SurveyRow};
use rapport_feedback::records::{answers, quotas, rounds, settings};
use rapport_feedback::reviews::MIGRATIONS as REVIEWS;
use rapport_feedback::service::Author;
use rapport_feedback::service::answering::{self, ANSWERED, Beginning, Standing, begin, complete, keep};
use rapport_feedback::service::asking::{self, ASKED, About, Candidate, Known};
use rapport_feedback::service::editing::{Act, act, create, save};
use rapport_feedback::survey::{read, read_told};
use rapport_feedback::topics::MIGRATIONS as TOPICS;
use rapport_feedback::{DATA_MAP, Definition, Error, MIGRATIONS, gallery};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::{TestDatabase, assert_indexes_are_used, on_sqlite, prepare_statements};
use rapport_store::{Priority, Tx, db_test, outbox};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const DAY: i64 = Timestamp::DAY;

#[db_test(MIGRATIONS, REVIEWS, FOLLOW_UPS, IMPROVEMENTS, DIGEST, COMPLAINTS, TOPICS, NOTES, IDEAS, INTENTS, ADVOCACY)]
async fn every_statement_can_be_prepared(db: TestDatabase) {
    assert!(prepare_statements(&db).await > 30);
}

/// What a page or a batch of events reads may not grow with the number of customers.
#[test]
fn only_lists_of_everything_read_everything() {
    let all = vec![
        MIGRATIONS,
        REVIEWS,
        FOLLOW_UPS,
        IMPROVEMENTS,
        DIGEST,
        COMPLAINTS,
        TOPICS,
        NOTES,
        IDEAS,
        INTENTS,
        ADVOCACY,
    ];
    on_sqlite(all, |db: TestDatabase| async move {
        assert_indexes_are_used(&db, MEANT).await;
    });
}

/// What is small, or asked for as a whole.
const MEANT: &[&str] = &[
    // Some thousands of short texts; somebody says what one of them wants.
    "FROM intent_examples WHERE workspace = $1 AND text",
    "AND intent = (SELECT MIN(intent) FROM intent_examples",
    // Somebody merges topics: all passages are looked through.
    "SELECT topics FROM note_passages",
    // A company has few.
    "FROM surveys",
    "FROM benchmarks",
    // One row a workspace, and what is forgotten once an hour.
    "FROM verbatim_counters",
    "FROM verbatim_readings",
    "UPDATE verbatim_readings",
    "INTO verbatim_readings",
    // Counted once, by a reader, before all are read.
    "COUNT(*) FROM verbatims WHERE workspace = $1",
    "UPDATE verbatim_counters",
    "FROM verbatim_removals WHERE workspace = $1 AND removed_at",
    "FROM follow_up_rules",
    "FROM improvements",
    // One row a workspace; once a week all of a week.
    "FROM digest_settings",
    "FROM invitations\n         WHERE workspace = $1 AND invited_at",
    // One row a workspace.
    "FROM survey_settings",
    // Models learn from all of them, aside, when there are more.
    "COUNT(*) FROM verbatim_corrections",
    "FROM verbatim_corrections c",
    // Reviews by state and by product, of everything.
    "GROUP BY state",
    "GROUP BY product_id ORDER BY",
    // Complaints by state, of everything.
    "GROUP BY kind, subject, state",
    "FROM complaint_settings",
    "UPDATE complaint_settings",
    // What people put into topics, when it is learnt from.
    "FROM topic_examples WHERE workspace",
    // Quotes of notes by topic: a company has few notes.
    "FROM notes n JOIN note_passages",
    "FROM idea_settings",
    // Ideas and intents are few, and merging is rare.
    "UPDATE ideas SET merged_into = $2 WHERE",
    "FROM intent_examples WHERE workspace = $1 GROUP BY",
    "FROM intent_examples WHERE workspace = $1 ORDER BY intent, place",
    // One row is read.
    "SELECT event_id FROM reviews WHERE workspace = $1 LIMIT",
    "FROM topic_trees",
    // One row a workspace, and what was removed lately.
    "verbatim_counters",
    "DELETE FROM verbatim_removals",
];

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

fn day(days: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).plus(days * DAY)
}

fn ann(days: i64) -> Author<'static> {
    Author { by: "usr_ann", at: day(days) }
}

fn definition(asking: Value) -> Definition {
    let mut it = gallery::ready("nps").unwrap().survey;
    it.asking = serde_json::from_value(asking).unwrap();
    it
}

async fn opened(tx: &mut Tx, key: &str, definition: &Definition) -> SurveyRow {
    create(tx, W, (key, "A survey"), definition, ann(0)).await.unwrap();
    act(tx, W, key, Act::Open, 1, ann(0)).await.unwrap()
}

#[db_test(MIGRATIONS)]
async fn what_people_answer_is_what_was_published(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let first = definition(json!({}));
    let made = create(&mut tx, W, ("nps", " Our\u{202E} survey "), &first, ann(1)).await.unwrap();
    assert_eq!((made.name.as_str(), made.revision, made.version, made.published), ("Our survey", 1, 1, None));
    assert_eq!(create(&mut tx, W, ("nps", "x"), &first, ann(1)).await.unwrap_err().code(), "survey_exists");
    assert_eq!(create(&mut tx, W, ("N P S", "x"), &first, ann(1)).await.unwrap_err().code(), "survey_invalid");
    create(&mut tx, OTHER, ("nps", "Another workspace's"), &first, ann(1)).await.unwrap();

    let opened = act(&mut tx, W, "nps", Act::Open, 1, ann(2)).await.unwrap();
    assert_eq!((opened.state.as_str(), opened.published, opened.opened_at), ("open", Some(1), Some(day(2))));
    // What is being written does not change what is answered.
    let second = definition(json!({"kind": "research", "sample_percent": 10.0}));
    let stale = save(&mut tx, W, "nps", ("x", None), &second, 1, ann(3)).await.unwrap_err();
    assert!(matches!(stale, Error::Stale { found: 2, .. }), "{stale}");
    let saved = save(&mut tx, W, "nps", ("New", Some(day(9))), &second, 2, ann(3)).await.unwrap();
    assert_eq!((saved.version, saved.published, saved.kind.as_str()), (2, Some(1), "touchpoint"));
    assert!(saved.takes_answers(day(8)) && !saved.takes_answers(day(9)));
    let same = save(&mut tx, W, "nps", ("New name", None), &second, 3, ann(3)).await.unwrap();
    assert_eq!((same.revision, same.version), (4, 2), "nothing new is asked");
    let mut wrong = second.clone();
    wrong.pages.clear();
    save(&mut tx, W, "nps", ("New", None), &wrong, 4, ann(4)).await.unwrap();
    let Err(Error::Unready(findings)) = act(&mut tx, W, "nps", Act::Publish, 5, ann(4)).await else {
        panic!("it opened")
    };
    assert_eq!(findings[0].code, "empty");
    save(&mut tx, W, "nps", ("New", None), &second, 5, ann(4)).await.unwrap();
    let published = act(&mut tx, W, "nps", Act::Publish, 6, ann(5)).await.unwrap();
    assert_eq!((published.version, published.published, published.kind.as_str()), (4, Some(4), "research"));
    let paused = act(&mut tx, W, "nps", Act::Pause, 7, ann(6)).await.unwrap();
    assert!(!paused.takes_answers(day(6)));
    assert_eq!(act(&mut tx, W, "nps", Act::Wave, 8, ann(6)).await.unwrap().wave, 2);
    let closed = act(&mut tx, W, "nps", Act::Close, 9, ann(7)).await.unwrap();
    assert_eq!((closed.state.as_str(), closed.closed_at), ("closed", Some(day(7))));
    for it in [Act::Open, Act::Pause, Act::Publish, Act::Wave, Act::Close] {
        assert_eq!(act(&mut tx, W, "nps", it, 10, ann(8)).await.unwrap_err().code(), "survey_transition");
    }
    assert_eq!(save(&mut tx, W, "nps", ("x", None), &first, 10, ann(8)).await.unwrap_err().code(), "survey_transition");
    tx.commit().await.unwrap();

    let mut db = db.read();
    let versions = surveys::versions(&mut db, W, closed.survey).await.unwrap();
    let seen: Vec<(i64, i64)> = versions.iter().map(|it| (it.version, it.saved_at.0)).collect();
    assert_eq!(seen, [(4, day(4).0), (3, day(4).0), (2, day(3).0), (1, day(1).0)]);
    assert_eq!(surveys::version(&mut db, W, closed.survey, 1).await.unwrap().unwrap(), first);
    assert_eq!(surveys::all(&mut db, W).await.unwrap(), std::slice::from_ref(&closed));
    assert_eq!(surveys::find(&mut db, W, "nps").await.unwrap(), Some(closed));
}

fn candidate(person: i64, occasion: &str, at: i64) -> Candidate {
    Candidate {
        who: (Handle(person * 10), PersonId(person)),
        occasion: occasion.into(),
        at: day(at),
        due_at: day(at),
        about: About { subject: Some(occasion.into()), ..About::default() },
    }
}

fn well() -> Known {
    Known { channel: Some("email".into()), ..Known::default() }
}

/// What was decided: who (person, occasion) is asked, and who is not for which reason.
type Outcome = (Vec<(i64, String)>, Vec<(i64, &'static str)>);

/// What is known of people in all surveys alike.
fn everywhere(known: &BTreeMap<PersonId, Known>, due: &[InvitationRow]) -> BTreeMap<(i64, PersonId), Known> {
    due.iter().filter_map(|row| Some(((row.survey, row.person), known.get(&row.person)?.clone()))).collect()
}

async fn decide(tx: &mut Tx, known: &BTreeMap<PersonId, Known>, now: Timestamp) -> Outcome {
    let due = invitations::due(tx, W, now, 100).await.unwrap();
    let decided = asking::decide(tx, W, &due, &everywhere(known, &due), now).await.unwrap();
    let mut invited: Vec<_> = decided.invited.iter().map(|it| (it.person.0, it.occasion.clone())).collect();
    invited.sort();
    (invited, decided.suppressed.iter().map(|(row, why)| (row.person.0, why.as_str())).collect())
}

#[db_test(MIGRATIONS)]
async fn nobody_is_asked_too_often_and_who_is_not_is_counted(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(0)), SeededRng::new(3));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let delivery = definition(json!({"kind": "touchpoint", "touchpoint": "delivery"}));
    let relation = definition(json!({"kind": "relationship"}));
    let one = opened(&mut tx, "delivery", &delivery).await;
    let two = opened(&mut tx, "relation", &relation).await;
    let mut known: BTreeMap<PersonId, Known> = (1..=5).map(|person| (PersonId(person), well())).collect();
    known.get_mut(&PersonId(2)).unwrap().is_troubled = true;
    known.get_mut(&PersonId(3)).unwrap().channel = None;
    known.get_mut(&PersonId(4)).unwrap().is_gone = true;

    let all: Vec<Candidate> = (1..=6).map(|person| candidate(person, "o1", 0)).collect();
    assert_eq!(asking::note(&mut tx, W, &one, &delivery, &all, (&clock, &rng)).await.unwrap(), 6);
    assert_eq!(asking::note(&mut tx, W, &one, &delivery, &all, (&clock, &rng)).await.unwrap(), 0, "heard again");
    let (invited, not) = decide(&mut tx, &known, day(0)).await;
    assert_eq!(invited, [(1, "o1".to_owned()), (5, "o1".to_owned())]);
    assert_eq!(
        BTreeSet::from_iter(not),
        BTreeSet::from([(2, "trouble"), (3, "unreachable"), (4, "gone"), (6, "gone")])
    );
    assert!(invitations::due(&mut tx, W, day(9), 9).await.unwrap().is_empty(), "each is decided once");

    // Another order, another survey: the quarantine is one.
    asking::note(&mut tx, W, &one, &delivery, &[candidate(1, "o2", 10)], (&clock, &rng)).await.unwrap();
    asking::note(&mut tx, W, &two, &relation, &[candidate(1, "", 10)], (&clock, &rng)).await.unwrap();
    let (invited, not) = decide(&mut tx, &known, day(10)).await;
    assert_eq!((invited.len(), BTreeSet::from_iter(not)), (0, BTreeSet::from([(1, "asked"), (1, "quarantine")])));
    // It is over, and of two at once one is asked.
    asking::note(&mut tx, W, &two, &relation, &[candidate(1, "x", 31)], (&clock, &rng)).await.unwrap();
    asking::note(&mut tx, W, &one, &delivery, &[candidate(1, "o3", 31)], (&clock, &rng)).await.unwrap();
    let (invited, not) = decide(&mut tx, &known, day(31)).await;
    assert_eq!((invited.len(), not.len()), (1, 1));
    assert_eq!(not[0], (1, "quarantine"));
    // The relationship has a floor of its own, which is longer.
    asking::note(&mut tx, W, &two, &relation, &[candidate(5, "a", 40)], (&clock, &rng)).await.unwrap();
    assert_eq!(decide(&mut tx, &known, day(40)).await.0.len(), 1);
    asking::note(&mut tx, W, &two, &relation, &[candidate(5, "b", 100)], (&clock, &rng)).await.unwrap();
    assert_eq!(decide(&mut tx, &known, day(100)).await.1, [(5, "floor")]);
    // An occasion that was long ago is not asked about any more.
    asking::note(&mut tx, W, &one, &delivery, &[candidate(5, "c", 150)], (&clock, &rng)).await.unwrap();
    assert_eq!(decide(&mut tx, &known, day(164)).await.1, [(5, "late")]);
    // A closed survey asks nobody.
    asking::note(&mut tx, W, &one, &delivery, &[candidate(5, "d", 200)], (&clock, &rng)).await.unwrap();
    act(&mut tx, W, "delivery", Act::Pause, 2, ann(200)).await.unwrap();
    assert_eq!(decide(&mut tx, &known, day(200)).await.1, [(5, "closed")]);
    tx.commit().await.unwrap();

    let funnel = invitations::funnel(&mut db.read(), W, one.survey).await.unwrap();
    let asked: i64 = funnel.iter().filter(|it| it.state == INVITED).map(|it| it.occasions).sum();
    let not: i64 = funnel.iter().filter(|it| it.state == SUPPRESSED).map(|it| it.occasions).sum();
    assert_eq!(asked + not, 10, "everybody who could have been asked is counted: {funnel:?}");
    assert!(funnel.iter().all(|it| it.state != SUPPRESSED || it.reason.is_some()));
    let events = outbox::batch(&mut db.read(), W, "test", 100).await.unwrap().events;
    let told = events.iter().filter(|it| it.name == ASKED && it.payload["survey_id"] == "delivery").count();
    assert_eq!(i64::try_from(told).unwrap(), asked);
}

#[db_test(MIGRATIONS)]
async fn a_sample_stays_the_same_people(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(0)), SeededRng::new(3));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let tenth = definition(json!({"sample_percent": 10.0}));
    let survey = opened(&mut tx, "tenth", &tenth).await;
    for occasion in ["a", "b", "c", "d"] {
        let all: Vec<Candidate> = (1..=500).map(|person| candidate(person, occasion, 0)).collect();
        asking::note(&mut tx, W, &survey, &tenth, &all, (&clock, &rng)).await.unwrap();
    }
    let rows = invitations::of_persons(&mut tx, W, &(1..=500).map(PersonId).collect::<Vec<_>>()).await.unwrap();
    let sampled: BTreeSet<i64> = rows.iter().filter(|it| it.state != SAMPLED_OUT).map(|it| it.person.0).collect();
    assert_eq!(rows.len(), 2_000);
    assert!((30..=75).contains(&sampled.len()), "{}", sampled.len());
    assert_eq!(rows.iter().filter(|it| it.state != SAMPLED_OUT).count(), 4 * sampled.len(), "always the same tenth");
    let half = definition(json!({"sample_percent": 50.0}));
    assert!(sampled.iter().all(|person| is_sampled(survey.survey, 1, PersonId(*person), &half)), "more are added");
    let next: BTreeSet<i64> = (1..=500).filter(|it| is_sampled(survey.survey, 2, PersonId(*it), &tenth)).collect();
    assert_ne!(next, sampled, "the next wave asks others");
}

#[db_test(MIGRATIONS)]
async fn who_may_not_be_written_to_yet_is_asked_later_and_reminded_once(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(0)), SeededRng::new(3));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let delivery = definition(json!({
        "when": {"event": {"name": "Order Delivered", "key": "order_id", "after": "2d"}}, "remind_after_days": 3, "valid_days": 5
    }));
    assert_eq!(delivery.asking.delay(), 2 * DAY);
    let survey = opened(&mut tx, "delivery", &delivery).await;
    let at = |person, occasion, at| Candidate { due_at: day(at + 2), ..candidate(person, occasion, at) };
    asking::note(&mut tx, W, &survey, &delivery, &[at(1, "o1", 0), at(2, "o2", 0)], (&clock, &rng)).await.unwrap();
    assert!(invitations::due(&mut tx, W, day(1), 9).await.unwrap().is_empty());
    let asleep = Known { not_before: Some(day(2).plus(1)), ..well() };
    let known = BTreeMap::from([(PersonId(1), asleep), (PersonId(2), well())]);
    let (invited, not) = decide(&mut tx, &known, day(2)).await;
    assert_eq!((invited, not), (vec![(2, "o2".to_owned())], vec![]));
    assert_eq!(invitations::due(&mut tx, W, day(2), 9).await.unwrap(), []);
    let waiting = invitations::due(&mut tx, W, day(3), 9).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].due_at, waiting[0].state.as_str()), (1, Some(day(2).plus(1)), "waiting"));
    // However often it is put off, it is late by when it was due first.
    let always = BTreeMap::from([(PersonId(1), Known { not_before: Some(day(99)), ..well() })]);
    assert_eq!(decide(&mut tx, &always, day(15)).await.0, []);
    assert_eq!(decide(&mut tx, &BTreeMap::from([(PersonId(1), well())]), day(99)).await.1, [(1, "late")]);

    let due = invitations::to_remind(&mut tx, W, day(5), 9).await.unwrap();
    assert_eq!((due.len(), due[0].person, due[0].remind_at), (1, PersonId(2), Some(day(5))));
    invitations::remind_later(&mut tx, W, &due[0].id, day(6)).await.unwrap();
    assert!(invitations::to_remind(&mut tx, W, day(5), 9).await.unwrap().is_empty());
    assert!(invitations::remind(&mut tx, W, &due[0].id, Some(day(6))).await.unwrap());
    assert!(!invitations::remind(&mut tx, W, &due[0].id, Some(day(7))).await.unwrap(), "once");
    invitations::remind_later(&mut tx, W, &due[0].id, day(8)).await.unwrap();
    assert!(invitations::to_remind(&mut tx, W, day(99), 9).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

#[db_test(MIGRATIONS)]
async fn a_round_gives_everybody_in_the_sample_a_turn_of_their_own(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(3)), SeededRng::new(3));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let asking = json!({"sample_percent": 50.0, "when": {"members": {"segment": "buyers", "per_day": 4}}});
    let definition = definition(asking);
    let survey = opened(&mut tx, "round", &definition).await;
    let place = (survey.survey, survey.wave);
    let people: Vec<(Handle, PersonId)> = (1..=40).map(|it| (Handle(it * 10), PersonId(it))).collect();
    let mut from = 0;
    while let Some(round) = rounds::open(&mut tx, W, place).await.unwrap() {
        assert_eq!(round.began_at, day(0), "when it was opened");
        let page: Vec<_> = people.iter().copied().filter(|it| it.1 > round.after_person).take(15).collect();
        let reached = page.last().map(|it| it.1).filter(|_| page.len() == 15);
        let of = (&survey, &definition);
        let noted = asking::go_round(&mut tx, W, of, (&round, 4), (&page, reached), (&clock, &rng)).await.unwrap();
        assert_eq!(noted, page.len() as u64);
        // From where it does not stand any more nobody goes on.
        assert_eq!(asking::go_round(&mut tx, W, of, (&round, 4), (&page, reached), (&clock, &rng)).await.unwrap(), 0);
        from += page.len();
    }
    assert_eq!(from, 40);
    let ids: Vec<PersonId> = people.iter().map(|it| it.1).collect();
    let mut rows = invitations::of_persons(&mut tx, W, &ids).await.unwrap();
    rows.sort_by_key(|row| row.person);
    let turns: Vec<Timestamp> = rows.iter().filter_map(|row| row.due_at).collect();
    let wanted: Vec<Timestamp> = (0..turns.len() as i64).map(|at| day(0).plus(at * DAY / 4)).collect();
    assert_eq!((rows.len(), &turns), (40, &wanted), "one after the other, evenly over the day");
    assert!((12..=28).contains(&turns.len()), "half of them: {}", turns.len());
    assert!(rows.iter().all(|row| (row.state == SAMPLED_OUT) == row.due_at.is_none()));
    // A wave has one round, and the next wave another one.
    act(&mut tx, W, "round", Act::Pause, 2, ann(4)).await.unwrap();
    act(&mut tx, W, "round", Act::Open, 3, ann(5)).await.unwrap();
    assert_eq!(rounds::open(&mut tx, W, place).await.unwrap(), None);
    act(&mut tx, W, "round", Act::Wave, 4, ann(6)).await.unwrap();
    let next = rounds::open(&mut tx, W, (survey.survey, 2)).await.unwrap().unwrap();
    assert_eq!((next.began_at, next.placed), (day(6), 0));
}

#[db_test(MIGRATIONS)]
async fn what_was_answered_elsewhere_is_taken_as_it_is(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(50)), SeededRng::new(3));
    let nps = definition(json!({"valid_days": 10}));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let survey = opened(&mut tx, "nps", &nps).await;
    let told = |key: &str, value: Value| read_told(nps.question(key).unwrap(), &value);
    assert_eq!(told("nps", json!("11")).unwrap()[0].number, Some(11), "kept, and counted as blank");
    assert!(told("nps", json!("many")).is_err() && told("contact", json!("maybe")).is_err());
    let mut start = beginning(&survey, None);
    (start.source, start.origin, start.at) = (Source::Event, Some("event:1".into()), Some(day(2)));
    start.who = Some((Handle(10), PersonId(1)));
    // Nothing of what is required, and a number beside its scale.
    let words = given(&nps, json!({"contact": "yes"}));
    let done = answering::take(&mut tx, W, &nps, &start, &words, (&clock, &rng)).await.unwrap();
    assert_eq!((done.state.as_str(), done.completed_at), (COMPLETED, Some(day(2))));
    let again = answering::take(&mut tx, W, &nps, &start, &words, (&clock, &rng)).await;
    assert_eq!(again.unwrap_err().code(), "survey_answered");
    // A file is told as an event, but a blank code is no score.
    (start.source, start.origin) = (Source::Import, Some("file:1".into()));
    let blank = std::iter::once(("nps".to_owned(), told("nps", json!(11)).unwrap())).collect();
    answering::take(&mut tx, W, &nps, &start, &blank, (&clock, &rng)).await.unwrap();
    // A corrected event takes the place of the older one.
    assert!(responses::forget(&mut tx, W, &[survey.survey], "event:1").await.unwrap());
    assert!(!responses::forget(&mut tx, W, &[survey.survey], "event:1").await.unwrap());
    assert_eq!(responses::of_person(&mut tx, W, PersonId(1)).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    let events = outbox::batch(&mut db.read(), W, "test", 100).await.unwrap().events;
    let told: Vec<&Value> = events.iter().filter(|it| it.name == ANSWERED).map(|it| &it.payload).collect();
    assert_eq!((told.len(), told[0].get("score"), told[0].get("answers")), (1, None, None), "{told:?}");
}

/// Answers as they come from a page.
fn given(definition: &Definition, form: Value) -> rapport_feedback::survey::Answers {
    let members = form.as_object().unwrap().iter();
    members.map(|(key, value)| (key.clone(), read(definition.question(key).unwrap(), value).unwrap())).collect()
}

fn beginning<'a>(survey: &'a SurveyRow, invitation: Option<&'a InvitationRow>) -> Beginning<'a> {
    Beginning {
        survey,
        version: survey.published.unwrap(),
        source: if invitation.is_some() { Source::Invitation } else { Source::Link },
        invitation,
        origin: None,
        who: None,
        language: "en",
        about: About::default(),
        at: None,
    }
}

#[db_test(MIGRATIONS)]
async fn what_was_given_stays_and_counts_once(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(0)), SeededRng::new(3));
    let nps = definition(json!({"touchpoint": "delivery", "valid_days": 10}));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let survey = opened(&mut tx, "nps", &nps).await;
    let mut who = candidate(1, "o1", 0);
    who.about.agent = Some("agent-7".into());
    let invitation = asking::hand_out(&mut tx, W, &survey, &who, Some("email"), (&clock, &rng)).await.unwrap();
    let again = asking::hand_out(&mut tx, W, &survey, &who, Some("email"), (&clock, &rng)).await.unwrap();
    assert_eq!(again.id, invitation.id);
    let start = beginning(&survey, Some(&invitation));
    let row = begin(&mut tx, W, &start, (&clock, &rng)).await.unwrap();
    assert_eq!(
        (row.person, row.touchpoint.as_deref(), row.agent.as_deref()),
        (Some(PersonId(1)), Some("delivery"), Some("agent-7"))
    );
    tx.commit().await.unwrap();

    // A page that was sent is kept, whatever comes after it.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let page = given(&nps, json!({"nps": 3}));
    keep(&mut tx, W, &survey, &nps, &row, (&page, 1), day(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let lost = given(&nps, json!({"improve": "the lid"}));
    keep(&mut tx, W, &survey, &nps, &row, (&lost, 2), day(1)).await.unwrap();
    drop(tx);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let found = begin(&mut tx, W, &start, (&clock, &rng)).await.unwrap();
    assert_eq!((found.id.as_str(), found.page, found.state.as_str()), (row.id.as_str(), 1, "partial"));
    let so_far = answers::of(&mut tx, W, &row.id).await.unwrap();
    assert_eq!(so_far, page);
    let stored = answers::of_responses(&mut tx, W, std::slice::from_ref(&row.id)).await.unwrap();
    assert_eq!((stored[0].low, stored[0].high, stored[0].direction.as_deref()), (Some(0), Some(10), Some("up")));

    // They go back and change it: what was said to a question that is no longer shown goes.
    keep(&mut tx, W, &survey, &nps, &found, (&given(&nps, json!({"improve": "the lid"})), 2), day(2)).await.unwrap();
    keep(&mut tx, W, &survey, &nps, &found, (&given(&nps, json!({"nps": "9", "like": ""})), 1), day(2)).await.unwrap();
    keep(&mut tx, W, &survey, &nps, &found, (&given(&nps, json!({"like": "all of it", "contact": "yes"})), 2), day(2))
        .await
        .unwrap();
    let done = complete(&mut tx, W, &survey, &nps, &found, day(2)).await.unwrap();
    assert_eq!((done.state.as_str(), done.completed_at), (COMPLETED, Some(day(2))));
    let kept = answers::of(&mut tx, W, &row.id).await.unwrap();
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["contact", "like", "nps"]);
    // The same form once more changes nothing.
    assert_eq!(begin(&mut tx, W, &start, (&clock, &rng)).await.unwrap_err().code(), "survey_answered");
    tx.commit().await.unwrap();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let replay = keep(&mut tx, W, &survey, &nps, &found, (&given(&nps, json!({"nps": 0})), 1), day(3)).await;
    assert_eq!(replay.unwrap_err().code(), "survey_answered");
    drop(tx);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert_eq!(complete(&mut tx, W, &survey, &nps, &found, day(3)).await.unwrap_err().code(), "survey_answered");
    drop(tx);

    let mut read_db = db.read();
    let invitation = invitations::find(&mut read_db, W, &invitation.id).await.unwrap().unwrap();
    assert_eq!((invitation.answered_at, invitation.opened_at), (Some(day(2)), Some(day(2))));
    let events = outbox::batch(&mut read_db, W, "test", 100).await.unwrap().events;
    let told: Vec<_> = events.iter().filter(|it| it.name == ANSWERED).collect();
    assert_eq!((told.len(), told[0].person), (1, Some(PersonId(1))));
    let payload = &told[0].payload;
    assert_eq!((&payload["type"], &payload["score"], &payload["survey_id"]), (&json!("nps"), &json!(9), &json!("nps")));
    assert_eq!(payload["answers"], json!({"nps": 9, "contact": "yes"}));
    assert!(!payload.to_string().contains("all of it"), "no words of theirs: {payload}");
}

#[db_test(MIGRATIONS)]
async fn who_comes_too_late_is_told_so(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(0)), SeededRng::new(3));
    let nps = definition(json!({"valid_days": 2}));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let survey = opened(&mut tx, "nps", &nps).await;
    let invitation = asking::hand_out(&mut tx, W, &survey, &candidate(1, "", 0), None, (&clock, &rng)).await.unwrap();
    let start = beginning(&survey, Some(&invitation));
    clock.advance(2 * DAY);
    assert_eq!(begin(&mut tx, W, &start, (&clock, &rng)).await.unwrap_err().code(), "survey_expired");
    let row = begin(&mut tx, W, &beginning(&survey, None), (&clock, &rng)).await.unwrap();
    let Err(Error::Refused(open)) = complete(&mut tx, W, &survey, &nps, &row, day(2)).await else { panic!("complete") };
    assert_eq!((open[0].question.as_str(), open[0].code), ("nps", "required"));
    let closed = act(&mut tx, W, "nps", Act::Close, 2, ann(3)).await.unwrap();
    for it in [&beginning(&closed, None), &beginning(&closed, Some(&invitation))] {
        assert_eq!(begin(&mut tx, W, it, (&clock, &rng)).await.unwrap_err().code(), "survey_not_open");
    }
    let page = given(&nps, json!({"nps": 3}));
    let late = keep(&mut tx, W, &closed, &nps, &row, (&page, 1), day(3)).await.unwrap_err();
    assert_eq!(late.code(), "survey_not_open");
    // What was answered elsewhere is taken in all the same, once.
    let import = Beginning {
        source: Source::Import,
        origin: Some("file:1".into()),
        at: Some(day(-9)),
        ..beginning(&closed, None)
    };
    let row = begin(&mut tx, W, &import, (&clock, &rng)).await.unwrap();
    answers::write(&mut tx, W, &row, &nps, &page, day(-9)).await.unwrap();
    let done = complete(&mut tx, W, &closed, &nps, &row, day(3)).await.unwrap();
    assert_eq!(done.completed_at, Some(day(-9)));
    assert_eq!(begin(&mut tx, W, &import, (&clock, &rng)).await.unwrap_err().code(), "survey_answered");
}

#[db_test(MIGRATIONS)]
async fn a_quota_takes_as_many_as_it_says(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(0)), SeededRng::new(3));
    let mut nps = definition(json!({}));
    nps.quotas = serde_json::from_value(json!([
        {"key": "detractors", "when": {"question": "nps", "at_most": 6}, "most": 2}, {"key": "all", "most": 4}
    ]))
    .unwrap();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let survey = opened(&mut tx, "nps", &nps).await;
    let mut begun = Vec::new();
    for _ in 0..7 {
        begun.push(begin(&mut tx, W, &beginning(&survey, None), (&clock, &rng)).await.unwrap());
    }
    let mut outcomes = Vec::new();
    // The third detractor began before the quota was full, and finishes after it was.
    let early = given(&nps, json!({"nps": 1}));
    assert_eq!(keep(&mut tx, W, &survey, &nps, &begun[6], (&early, 1), day(0)).await.unwrap(), Standing::Open);
    for (row, score) in begun[..5].iter().zip([0, 6, 5, 9, 10]) {
        let page = given(&nps, json!({"nps": score}));
        let standing = keep(&mut tx, W, &survey, &nps, row, (&page, 1), day(0)).await.unwrap();
        if standing == Standing::Screened {
            outcomes.push(SCREENED.to_owned());
        } else {
            outcomes.push(complete(&mut tx, W, &survey, &nps, row, day(0)).await.unwrap().state);
        }
    }
    assert_eq!(outcomes, [COMPLETED, COMPLETED, SCREENED, COMPLETED, COMPLETED]);
    let late = complete(&mut tx, W, &survey, &nps, &begun[6], day(0)).await.unwrap();
    assert_eq!(late.state, OVER_QUOTA);
    let filled = quotas::of(&mut tx, W, survey.survey, 1).await.unwrap();
    assert_eq!(filled, [("all".to_owned(), 4), ("detractors".to_owned(), 2)]);
    let counts = responses::counts(&mut tx, W, survey.survey).await.unwrap();
    let of = |state: &str| counts.iter().filter(|it| it.2 == state).map(|it| it.3).sum::<i64>();
    assert_eq!((of(COMPLETED), of(OVER_QUOTA), of(SCREENED), of("partial")), (4, 1, 1, 1));
    tx.commit().await.unwrap();
    let events = outbox::batch(&mut db.read(), W, "test", 100).await.unwrap().events;
    assert_eq!(events.iter().filter(|it| it.name == ANSWERED).count(), 4);
}

#[db_test(MIGRATIONS)]
async fn answers_go_with_the_person_and_away_with_them(db: TestDatabase) {
    let (clock, rng) = (ManualClock::at(day(0)), SeededRng::new(3));
    let nps = definition(json!({}));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let survey = opened(&mut tx, "nps", &nps).await;
    for person in [1, 2] {
        let invitation =
            asking::hand_out(&mut tx, W, &survey, &candidate(person, "", 0), None, (&clock, &rng)).await.unwrap();
        let row = begin(&mut tx, W, &beginning(&survey, Some(&invitation)), (&clock, &rng)).await.unwrap();
        let page = given(&nps, json!({"nps": 2, "improve": format!("words of {person}")}));
        keep(&mut tx, W, &survey, &nps, &row, (&page, 2), day(0)).await.unwrap();
        complete(&mut tx, W, &survey, &nps, &row, day(0)).await.unwrap();
    }
    // The second identifier turns out to be the first person's.
    invitations::follow(&mut tx, W, &[(Handle(20), PersonId(2), PersonId(1))]).await.unwrap();
    let of_first = responses::of_person(&mut tx, W, PersonId(1)).await.unwrap();
    assert_eq!((of_first.len(), responses::of_person(&mut tx, W, PersonId(2)).await.unwrap().len()), (2, 0));
    let tables = Tables::of(&[DATA_MAP]).unwrap();
    let subject = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(10), Handle(20)] };
    let shown = tables.read(&mut tx, &subject).await.unwrap();
    assert!(format!("{shown:?}").contains("words of 2"), "they see what they said");
    let erased = tables.erase(&mut tx, &subject).await.unwrap();
    assert_eq!(erased, BTreeMap::from([("answers", 4), ("invitations", 2), ("responses", 2)]));
    assert_eq!(tables.read(&mut tx, &subject).await.unwrap(), vec![]);
}

#[db_test(MIGRATIONS)]
async fn settings_are_those_that_were_saved(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    assert_eq!(settings::find(&mut tx, W).await.unwrap(), Settings::default());
    assert_eq!(settings::hold(&mut tx, W, day(0)).await.unwrap(), Settings::default());
    let mut changed = Settings { quarantine_days: 7, ..Settings::default() };
    settings::save(&mut tx, W, &changed, day(1), "usr_ann").await.unwrap();
    assert_eq!(settings::hold(&mut tx, W, day(2)).await.unwrap(), changed);
    assert_eq!(settings::find(&mut tx, OTHER).await.unwrap(), Settings::default());
    assert_eq!(changed.problem(), None);
    changed.late_days = 0;
    assert_eq!(changed.problem().unwrap().0, "late_days");
}

proptest! {
    /// Oracle: each reason by itself, from the days between.
    #[test]
    fn the_first_reason_that_holds_is_given(
        flags in prop::array::uniform9(prop::bool::weighted(0.3)),
        last in prop::array::uniform3(prop::option::of(0i64..120)),
        (kind, floor, late) in (0usize..4, prop::option::of(0u32..100), 0i64..30),
    ) {
        let words = ["relationship", "touchpoint", "research", "exit"];
        let mut form = json!({"kind": words[kind]});
        if let Some(floor) = floor {
            form["floor_days"] = json!(floor);
        }
        let definition = definition(form);
        let ago = |days: Option<i64>| days.map(|days| day(-days));
        let [is_gone, is_restricted, lacks_consent, is_held_out, is_unreachable, is_troubled, has_nothing, is_asked, is_shut] = flags;
        let (is_reachable, is_open) = (!is_unreachable, !is_shut);
        let who = Situation {
            is_gone, is_restricted, lacks_consent, is_held_out, is_reachable, is_troubled, has_nothing, is_asked,
            any_at: ago(last[0]), kind_at: ago(last[1]), survey_at: ago(last[2]),
        };
        let occasion = Occasion { at: day(-late), due_at: day(-late), is_open };
        let found = judge(&definition, &Settings::default(), occasion, &who, day(0));
        let of_kind = [90, 30, 60, 0][kind];
        let sooner = |last: Option<i64>, days: i64| last.is_some_and(|last| last < days);
        let expected = if !is_open { Some("closed") }
            else if is_gone { Some("gone") }
            else if is_restricted { Some("restricted") }
            else if lacks_consent { Some("no_consent") }
            else if is_held_out { Some("held_out") }
            else if !is_reachable { Some("unreachable") }
            else if is_troubled { Some("trouble") }
            else if has_nothing { Some("nothing_left") }
            else if is_asked { Some("asked") }
            else if sooner(last[2], floor.map_or(of_kind, i64::from)) { Some("floor") }
            else if floor.is_none() && sooner(last[1], of_kind) { Some("kind_floor") }
            else if kind != 3 && sooner(last[0], 30) { Some("quarantine") }
            else if late >= 14 { Some("late") }
            else { None };
        prop_assert_eq!(found.map(Suppression::as_str), expected);
    }
}
