//! Whom to ask, over years of a small town: what is decided, row by row, is what somebody would decide who reads the rules aloud and keeps a diary.

use std::collections::BTreeMap;

use rapport_domain::{Handle, ManualClock, PersonId, Rng, SeededRng, Timestamp, WorkspaceId};
use rapport_feedback::asking::is_sampled;
use rapport_feedback::records::invitations::{self, InvitationRow, SAMPLED_OUT};
use rapport_feedback::records::surveys::SurveyRow;
use rapport_feedback::service::Author;
use rapport_feedback::service::asking::{self, About, Candidate, Known};
use rapport_feedback::service::editing::{Act, act, create};
use rapport_feedback::{Definition, MIGRATIONS, gallery};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);
const DAY: i64 = Timestamp::DAY;
const PEOPLE: i64 = 12;
const STEPS: i64 = 240;

/// Key, rules of asking, floor in days by its kind, delay in days.
fn surveys() -> [(&'static str, Value, i64, i64); 3] {
    let event = |after: &str| json!({"event": {"name": "Order Delivered", "key": "order_id", "after": after}});
    [
        (
            "delivery",
            json!({"kind": "touchpoint", "sample_percent": 70.0, "when": event("2d"), "valid_days": 9}),
            30,
            2,
        ),
        ("relation", json!({"kind": "relationship", "when": event("1d"), "valid_days": 20}), 90, 1),
        ("leaving", json!({"kind": "exit", "when": {"event": {"name": "Gone", "key": "id"}}, "valid_days": 5}), 0, 0),
    ]
}

/// An entry of the diary: somebody was asked.
struct Asked {
    person: i64,
    survey: i64,
    kind: String,
    occasion: String,
    at: Timestamp,
    expires: Timestamp,
    id: String,
    is_answered: bool,
}

/// What the rules say, read aloud: `Ok(None)` is to wait.
fn aloud(
    row: &InvitationRow,
    known: Option<&Known>,
    diary: &[Asked],
    now: Timestamp,
) -> Result<Option<()>, &'static str> {
    let rules = surveys();
    let (_, _, floor, delay) = &rules[usize::try_from(row.survey - 1).unwrap()];
    let days = |days: i64| days * DAY;
    let Some(known) = known else { return Err("gone") };
    if known.is_gone {
        return Err("gone");
    }
    if known.is_restricted {
        return Err("restricted");
    }
    if known.lacks_consent {
        return Err("no_consent");
    }
    if known.is_held_out {
        return Err("held_out");
    }
    if known.channel.is_none() {
        return Err("unreachable");
    }
    if known.is_troubled {
        return Err("trouble");
    }
    if known.has_nothing {
        return Err("nothing_left");
    }
    let mut own = Vec::new();
    for entry in diary {
        if entry.person == row.person.0 {
            own.push(entry);
        }
    }
    for entry in &own {
        if entry.survey == row.survey && ((!entry.is_answered && now < entry.expires) || entry.occasion == row.occasion)
        {
            return Err("asked");
        }
    }
    for entry in &own {
        if entry.survey == row.survey && now.0 - entry.at.0 < days(*floor) {
            return Err("floor");
        }
    }
    for entry in &own {
        if entry.kind == row.kind && now.0 - entry.at.0 < days(*floor) {
            return Err("kind_floor");
        }
    }
    for entry in &own {
        if row.kind != "exit" && now.0 - entry.at.0 < days(30) {
            return Err("quarantine");
        }
    }
    if now.0 - row.occasioned_at.0 >= days(*delay) + days(14) {
        return Err("late");
    }
    match known.not_before {
        Some(until) if until > now => Ok(None),
        _ => Ok(Some(())),
    }
}

struct Town {
    rng: SeededRng,
    open: Vec<(SurveyRow, Definition)>,
    diary: Vec<Asked>,
    noted: usize,
    asked: usize,
    reasons: BTreeMap<&'static str, usize>,
    waited: usize,
}

impl Town {
    fn chance(&self, percent: u64) -> bool {
        self.rng.next_u64() % 100 < percent
    }

    fn known(&self, now: Timestamp) -> Known {
        Known {
            is_gone: self.chance(2),
            is_restricted: self.chance(2),
            lacks_consent: self.chance(3),
            is_held_out: self.chance(3),
            is_troubled: self.chance(6),
            has_nothing: self.chance(3),
            channel: (!self.chance(4)).then(|| "email".to_owned()),
            not_before: self.chance(25).then(|| now.plus(DAY / 2)),
        }
    }

    fn candidates(&self, step: i64, now: Timestamp, survey: usize) -> Vec<Candidate> {
        let delay = surveys()[survey].3 * DAY;
        (1..=PEOPLE)
            .filter(|_| self.chance(4))
            .map(|person| {
                // Of some we hear late.
                let at = now.plus(-if self.chance(8) { 16 * DAY } else { 0 });
                let occasion = if self.chance(10) { "again".to_owned() } else { format!("o{step}") };
                let who = (Handle(person * 10), PersonId(person));
                Candidate { who, occasion, at, due_at: at.plus(delay), about: About::default() }
            })
            .collect()
    }
}

#[db_test(MIGRATIONS)]
async fn what_is_decided_is_what_the_rules_say_read_aloud(db: TestDatabase) {
    let start = Timestamp::from_seconds(1_700_000_000);
    let clock = ManualClock::at(start);
    let rng = SeededRng::new(11);
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let mut town = Town {
        rng: SeededRng::new(5),
        open: Vec::new(),
        diary: Vec::new(),
        noted: 0,
        asked: 0,
        reasons: BTreeMap::new(),
        waited: 0,
    };
    for (key, asking, ..) in surveys() {
        let mut definition = gallery::ready("nps").unwrap().survey;
        definition.asking = serde_json::from_value(asking).unwrap();
        let author = Author { by: "usr_ann", at: start };
        create(&mut tx, W, (key, "A survey"), &definition, author).await.unwrap();
        let row = act(&mut tx, W, key, Act::Open, 1, author).await.unwrap();
        town.open.push((row, definition));
    }
    tx.commit().await.unwrap();
    for step in 0..STEPS {
        clock.advance(DAY / 2 + i64::try_from(town.rng.next_u64() % 5).unwrap() * DAY / 4);
        let now = rapport_domain::Clock::now(&clock);
        let mut tx = db.begin(Priority::Background).await.unwrap();
        for place in 0..town.open.len() {
            let candidates = town.candidates(step, now, place);
            let (row, definition) = &town.open[place];
            let noted = asking::note(&mut tx, W, row, definition, &candidates, (&clock, &rng)).await.unwrap();
            assert_eq!(asking::note(&mut tx, W, row, definition, &candidates, (&clock, &rng)).await.unwrap(), 0);
            town.noted += usize::try_from(noted).unwrap();
        }
        // Some answer what they were asked.
        let open: Vec<usize> = (0..town.diary.len())
            .filter(|at| !town.diary[*at].is_answered && now < town.diary[*at].expires && town.chance(20))
            .collect();
        for at in open {
            assert!(invitations::answer(&mut tx, W, &town.diary[at].id, now).await.unwrap());
            town.diary[at].is_answered = true;
        }
        let due = invitations::due(&mut tx, W, now, 1_000).await.unwrap();
        let mut known = BTreeMap::new();
        for row in &due {
            let said = town.known(now);
            known.entry((row.survey, row.person)).or_insert(said);
        }
        let decided = asking::decide(&mut tx, W, &due, &known, now).await.unwrap();
        tx.commit().await.unwrap();
        compare(&mut town, &due, &known, &decided, now);
    }
    let names: Vec<&str> = town.reasons.keys().copied().collect();
    for reason in [
        "asked",
        "floor",
        "gone",
        "held_out",
        "late",
        "no_consent",
        "quarantine",
        "restricted",
        "trouble",
        "unreachable",
    ] {
        assert!(names.contains(&reason), "{reason} never came up: {:?}", town.reasons);
    }
    assert!(town.asked > 40 && town.waited > 10, "{} asked, {} waited", town.asked, town.waited);

    // Everybody who could have been asked has a row; who is not of the sample always has that fate.
    let people: Vec<PersonId> = (1..=PEOPLE).map(PersonId).collect();
    let rows = invitations::of_persons(&mut db.read(), W, &people).await.unwrap();
    assert_eq!(rows.len(), town.noted);
    for row in &rows {
        let (survey, definition) = &town.open[usize::try_from(row.survey - 1).unwrap()];
        let is_sampled = is_sampled(survey.survey, 1, row.person, definition);
        assert_eq!(row.state == SAMPLED_OUT, !is_sampled, "{row:?}");
    }
}

/// Compares what was decided with the rules, in the order in which it was, and writes the diary.
fn compare(
    town: &mut Town,
    due: &[InvitationRow],
    known: &BTreeMap<(i64, PersonId), Known>,
    decided: &asking::Decided,
    now: Timestamp,
) {
    let mut count = 0;
    for row in due {
        let wanted = aloud(row, known.get(&(row.survey, row.person)), &town.diary, now);
        let invited = decided.invited.iter().find(|it| it.id == row.id);
        let reason = decided.suppressed.iter().find(|it| it.0.id == row.id).map(|it| it.1.as_str());
        let is_waiting = decided.waiting.iter().any(|it| it.id == row.id);
        count += 1;
        match wanted {
            Ok(Some(())) => {
                let asked = invited.unwrap_or_else(|| panic!("{row:?} should be asked; {reason:?} {is_waiting}"));
                town.asked += 1;
                town.diary.push(Asked {
                    person: row.person.0,
                    survey: row.survey,
                    kind: row.kind.clone(),
                    occasion: row.occasion.clone(),
                    at: now,
                    expires: asked.expires_at.unwrap(),
                    id: row.id.clone(),
                    is_answered: false,
                });
            }
            Ok(None) => {
                assert!(is_waiting, "{row:?} should wait; {reason:?}");
                town.waited += 1;
            }
            Err(wanted) => {
                assert_eq!(reason, Some(wanted), "{row:?}");
                *town.reasons.entry(wanted).or_default() += 1;
            }
        }
    }
    assert_eq!(count, decided.invited.len() + decided.suppressed.len() + decided.waiting.len());
}
