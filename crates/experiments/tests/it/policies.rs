//! Policies as they are kept and learn, on both engines: the best arm comes to be chosen by its chances, rewards are learnt once and in their time, decisions
//! follow people and go with them.

mod effects;
mod judging;
mod learner;

use std::collections::BTreeMap;

use rapport_domain::{Handle, PersonId, Rng as _, SeededRng, Timestamp, WorkspaceId};
use rapport_experiments::policies::decisions::{self, DecisionRow, OPEN, VOID};
use rapport_experiments::policies::design::{Arm, Cap, Cost, Decides, Design, Kind, Policy, Reward, State};
use rapport_experiments::policies::records;
use rapport_experiments::policies::service::{Act, act, create, save};
use rapport_experiments::policies::settling::{past, settle};
use rapport_experiments::service::Author;
use rapport_experiments::{DATA_MAP, Error, MIGRATIONS};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Json, Priority, db_test};

const W: WorkspaceId = WorkspaceId(1);
const DAY: i64 = 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn ann(second: i64) -> Author<'static> {
    Author { by: "usr_ann", at: at(second) }
}

fn design(arms: &[&str]) -> Design {
    let arm = |key: &&str| Arm { key: (*key).to_owned(), name: String::new(), cost: 0.0, cap: None };
    Design {
        name: "Which offer".into(),
        kind: Kind::Bandit,
        decides: Decides::Way,
        arms: arms.iter().map(arm).collect(),
        reward: Reward { metric: "conversion".into(), is_share: true, hours: 7 * 24, worth: 1.0, costs: Vec::new() },
        floor: 0.05,
        memory: 1.0,
        features: Vec::new(),
        experiment: None,
    }
}

async fn running(db: &TestDatabase, design: Design) -> Policy {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    create(&mut tx, W, "offer", design, ann(0)).await.unwrap();
    let row = act(&mut tx, W, "offer", Act::Start, 1, ann(0)).await.unwrap();
    tx.commit().await.unwrap();
    row.policy()
}

async fn now(db: &TestDatabase) -> Policy {
    records::find(&mut db.read(), W, "offer").await.unwrap().unwrap().policy()
}

/// A decision for a person of the same number as its identifier.
fn decision(policy: &Policy, person: i64, place: f64, second: i64) -> DecisionRow {
    let arms: Vec<String> = policy.design.arms.iter().map(|it| it.key.clone()).collect();
    let chances = policy.chances(Vec::new(), &arms).unwrap();
    let (arm, propensity) = chances.drawn(place).map(|(arm, chance)| (arm.to_owned(), chance)).unwrap();
    DecisionRow {
        policy: policy.number,
        epoch: policy.epoch,
        subject: "journey:welcome/split".into(),
        turn: format!("{person}:{second}"),
        handle: Handle(person),
        person: PersonId(person),
        arm,
        propensity,
        chances: Json(chances),
        decided_at: at(second),
        day: at(second).utc_day(),
        closes_at: at(second + 7 * DAY),
        state: OPEN.into(),
        reward: None,
    }
}

async fn decide(db: &TestDatabase, rows: &[DecisionRow]) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    decisions::insert(&mut tx, W, rows).await.unwrap();
    tx.commit().await.unwrap();
}

async fn settled(db: &TestDatabase, came: &[(DecisionRow, Option<f64>)], second: i64) -> usize {
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let count = settle(&mut tx, W, came[0].0.policy, came, at(second)).await.unwrap();
    tx.commit().await.unwrap();
    count
}

/// Forty people a day for sixty days; of those with the offers 5, 10 and 25 of a hundred order in the week after. What is drawn agrees with the chances that
/// were kept, and what was learnt is what came.
#[db_test(MIGRATIONS)]
async fn the_best_arm_comes_to_be_chosen(db: TestDatabase) {
    let rng = SeededRng::new(11);
    let uniform = || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    running(&db, design(&["none", "small", "large"])).await;
    let rates = BTreeMap::from([("none", 0.05), ("small", 0.1), ("large", 0.25)]);
    let (mut person, mut late, mut drawn) = (0, BTreeMap::<String, f64>::new(), BTreeMap::<String, [f64; 3]>::new());
    for day in 0..60 {
        let policy = now(&db).await;
        let due = decisions::due(&mut db.read(), W, policy.number, at(day * DAY), 1_000).await.unwrap();
        let came: Vec<_> = due
            .into_iter()
            .map(|row| {
                let reward = f64::from(u8::from(uniform() < rates[row.arm.as_str()]));
                (row, Some(reward))
            })
            .collect();
        if !came.is_empty() {
            assert_eq!(settled(&db, &came, day * DAY).await, came.len());
        }
        let policy = now(&db).await;
        let rows: Vec<DecisionRow> = (0..40)
            .map(|_| {
                person += 1;
                decision(&policy, person, uniform(), day * DAY)
            })
            .collect();
        for row in &rows {
            let sum: f64 = row.chances.0.arms.iter().map(|it| it.1).sum();
            assert!((sum - 1.0).abs() < 1e-9 && row.propensity >= 0.05 - 1e-12, "{row:?}");
            for (arm, chance) in &row.chances.0.arms {
                let own = drawn.entry(arm.clone()).or_default();
                own[0] += f64::from(u8::from(*arm == row.arm));
                own[1] += chance;
                own[2] += chance * (1.0 - chance);
            }
            if day >= 40 {
                *late.entry(row.arm.clone()).or_default() += 1.0 / 800.0;
            }
        }
        decide(&db, &rows).await;
    }
    assert!(late["large"] > 0.75, "{late:?}");
    // Within four standard deviations.
    assert!(
        drawn.values().all(|[taken, chances, variance]| (taken - chances).abs() < 4.0 * variance.sqrt()),
        "{drawn:?}"
    );
    let policy = now(&db).await;
    assert_eq!(past(&mut db.read(), W, &policy).await.unwrap().len(), 53 * 40);
    let days = decisions::days(&mut db.read(), W, (policy.number, policy.epoch)).await.unwrap();
    assert_eq!(days.iter().map(|it| it.decisions).sum::<i64>(), 2_400);
    assert_eq!(days.iter().map(|it| it.learnt).sum::<i64>(), 53 * 40);
}

/// A transaction that is given up between a reward and its commit leaves nothing, the same rewards again are learnt once, and none before its time.
#[db_test(MIGRATIONS)]
async fn a_reward_is_learnt_once_and_in_its_time(db: TestDatabase) {
    let policy = running(&db, design(&["none", "large"])).await;
    let rows: Vec<DecisionRow> = (1..=80).map(|it| decision(&policy, it, it as f64 / 80.5, 0)).collect();
    decide(&db, &rows).await;
    let came: Vec<_> = rows.iter().map(|row| (row.clone(), Some(f64::from(u8::from(row.arm == "large"))))).collect();

    assert!(decisions::due(&mut db.read(), W, policy.number, at(7 * DAY - 1), 100).await.unwrap().is_empty());
    assert_eq!(settled(&db, &came, 7 * DAY - 1).await, 0);

    let mut tx = db.begin(Priority::Background).await.unwrap();
    assert_eq!(settle(&mut tx, W, policy.number, &came, at(7 * DAY)).await.unwrap(), 80);
    drop(tx);
    assert_eq!((now(&db).await.learner, past(&mut db.read(), W, &policy).await.unwrap().len()), (None, 0));

    assert_eq!(settled(&db, &came[..30], 7 * DAY).await, 30);
    assert_eq!(settled(&db, &came, 7 * DAY).await, 50);
    let learner = now(&db).await.learner.unwrap();
    assert_eq!(settled(&db, &came, 8 * DAY).await, 0);
    assert_eq!(now(&db).await.learner.unwrap(), learner);
    // Made at once of all of them it knows the same.
    let all = past(&mut db.read(), W, &policy).await.unwrap();
    assert_eq!(all.len(), 80);
    assert!(now(&db).await.chances_of(&[], &[0, 1])[1] > 0.94);
}

#[db_test(MIGRATIONS)]
async fn what_was_decided_before_it_began_anew_teaches_nothing(db: TestDatabase) {
    let policy = running(&db, design(&["none", "large"])).await;
    let rows: Vec<DecisionRow> = (1..=70).map(|it| decision(&policy, it, it as f64 / 70.5, 0)).collect();
    decide(&db, &rows).await;
    let came: Vec<_> = rows.iter().map(|row| (row.clone(), Some(1.0))).collect();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    // Another name leaves all as it is; another arm begins anew.
    let named = Design { name: "Offers".into(), ..design(&["none", "large"]) };
    let (saved, anew) = save(&mut tx, W, "offer", named, 2, ann(DAY)).await.unwrap();
    assert_eq!((saved.version, saved.epoch, anew, saved.policy().state), (3, 1, false, State::Running));
    let (saved, anew) = save(&mut tx, W, "offer", design(&["none", "large", "huge"]), 3, ann(DAY)).await.unwrap();
    assert_eq!((saved.epoch, anew), (4, true));
    let stale = save(&mut tx, W, "offer", design(&["none", "large"]), 3, ann(DAY)).await.unwrap_err();
    assert!(matches!(stale, Error::Stale { found: 4, .. }), "{stale}");
    tx.commit().await.unwrap();
    assert_eq!(settled(&db, &came, 8 * DAY).await, 0);
    let mut rows = decisions::of_person(&mut db.read(), W, PersonId(1)).await.unwrap();
    let row = rows.remove(0);
    assert_eq!((row.state.as_str(), row.reward, now(&db).await.learner), (VOID, None, None));
}

/// Of whoever is restricted, or whose reward is absurd, nothing is learnt.
#[db_test(MIGRATIONS)]
async fn what_is_not_known_teaches_nothing(db: TestDatabase) {
    let policy = running(&db, design(&["none", "large"])).await;
    let rows = [decision(&policy, 1, 0.1, 0), decision(&policy, 2, 0.9, 0)];
    decide(&db, &rows).await;
    let came = [(rows[0].clone(), None), (rows[1].clone(), Some(f64::NAN))];
    assert_eq!(settled(&db, &came, 8 * DAY).await, 0);
    assert!(decisions::due(&mut db.read(), W, 1, at(9 * DAY), 9).await.unwrap().is_empty());
    assert_eq!(decisions::void(&mut db.read(), W, (1, 1)).await.unwrap(), 2);
}

#[db_test(MIGRATIONS)]
async fn decisions_follow_people_and_go_with_them(db: TestDatabase) {
    let policy = running(&db, design(&["none", "large"])).await;
    decide(&db, &[decision(&policy, 1, 0.1, 0), decision(&policy, 2, 0.9, 1)]).await;
    // The same decision again changes nothing.
    decide(&db, &[decision(&policy, 1, 0.9, 0)]).await;
    let of = async |person: i64| {
        let rows = decisions::of_person(&mut db.read(), W, PersonId(person)).await.unwrap();
        rows.into_iter().map(|row| (row.handle.0, row.arm)).collect::<Vec<_>>()
    };
    assert_eq!(of(1).await, [(1, "none".to_owned())]);
    let follow = async |moved: &[(Handle, PersonId, PersonId)]| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        decisions::follow(&mut tx, W, moved).await.unwrap();
        tx.commit().await.unwrap();
    };
    follow(&[(Handle(2), PersonId(2), PersonId(1))]).await;
    assert_eq!(of(1).await, [(2, "large".to_owned()), (1, "none".to_owned())]);
    let found = decisions::of_subject(&mut db.read(), W, (1, "journey:welcome/split"), &[PersonId(1)]).await.unwrap();
    assert_eq!(found.len(), 2);
    // Undone, they part again.
    follow(&[(Handle(2), PersonId(1), PersonId(2))]).await;
    assert_eq!((of(1).await.len(), of(2).await.len()), (1, 1));

    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let tables = Tables::of(&[DATA_MAP]).unwrap();
    let subject = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(1)] };
    let shown = tables.read(&mut tx, &subject).await.unwrap();
    assert_eq!((shown.len(), shown[0].table, shown[0].rows.len()), (1, "policy_decisions", 1));
    assert_eq!(tables.erase(&mut tx, &subject).await.unwrap(), BTreeMap::from([("policy_decisions", 1)]));
    tx.commit().await.unwrap();
    assert_eq!((of(1).await.len(), of(2).await.len()), (0, 1));
}

#[db_test(MIGRATIONS)]
async fn what_cannot_work_is_refused(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let wrong = |change: fn(&mut Design)| {
        let mut it = design(&["none", "large"]);
        change(&mut it);
        it
    };
    type Change = fn(&mut Design);
    let cases: [(Change, &str); 13] = [
        (|it| it.name.clear(), "name"),
        (|it| it.arms.truncate(1), "arms"),
        (|it| it.arms[1].key = "none".into(), "arms[1].key"),
        (|it| it.arms[0].key = " none".into(), "arms[0].key"),
        (|it| it.arms[0].cost = f64::NAN, "arms[0].cost"),
        (|it| it.arms[0].cap = Some(Cap { most: 1, hours: 24 }), "arms[0].cap"),
        (|it| it.decides = Decides::Frequency, "arms[0].cap"),
        (|it| it.reward.hours = 0, "reward.hours"),
        (|it| it.reward.worth = 0.0, "reward.worth"),
        (|it| it.reward.costs = vec![Cost { event: String::new(), cost: 1.0 }], "reward.costs[0].event"),
        (|it| it.floor = 0.6, "floor"),
        (|it| it.features = vec!["value.expected".into()], "features"),
        (|it| it.kind = Kind::Uplift, "features"),
    ];
    for (change, field) in cases {
        let error = create(&mut tx, W, "offer", wrong(change), ann(0)).await.unwrap_err();
        assert!(error.to_string().starts_with(field), "{field}: {error}");
    }
    create(&mut tx, W, "offer", design(&["none", "large"]), ann(0)).await.unwrap();
    let again = create(&mut tx, W, "offer", design(&["none", "large"]), ann(0)).await.unwrap_err();
    assert_eq!(again.code(), "experiment_invalid");
    assert_eq!(act(&mut tx, W, "offer", Act::Pause, 1, ann(0)).await.unwrap_err().code(), "experiment_transition");
    assert_eq!(act(&mut tx, W, "offer", Act::Fix("huge"), 1, ann(0)).await.unwrap_err().code(), "experiment_invalid");
    let fixed = act(&mut tx, W, "offer", Act::Fix("large"), 1, ann(0)).await.unwrap();
    assert_eq!((fixed.state.as_str(), fixed.fixed_arm.as_deref()), ("fixed", Some("large")));
    assert_eq!(act(&mut tx, W, "none", Act::Start, 1, ann(0)).await.unwrap_err().code(), "experiment_not_found");
    // One at most says how often people are written to.
    let capped = |name: &str| {
        let mut it = Design { name: name.into(), decides: Decides::Frequency, ..design(&["never", "weekly"]) };
        it.arms[0].cap = Some(Cap { most: 0, hours: 168 });
        it.arms[1].cap = Some(Cap { most: 1, hours: 168 });
        it
    };
    for key in ["often", "seldom"] {
        create(&mut tx, W, key, capped(key), ann(0)).await.unwrap();
    }
    act(&mut tx, W, "often", Act::Start, 1, ann(0)).await.unwrap();
    let second = act(&mut tx, W, "seldom", Act::Start, 1, ann(0)).await.unwrap_err();
    assert!(second.to_string().contains("`often`"), "{second}");
}
