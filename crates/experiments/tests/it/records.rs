//! What is stored, on both engines: versions and who made them, places of groups, exposures with merges and their undoing, counts, erasure.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Handle, PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_experiments::design::{Form, Metric, Place, UnitKind};
use rapport_experiments::readout::{Counts, Data, Measured, Sums, Verdict, readout};
use rapport_experiments::records::counts::{self, DayRow};
use rapport_experiments::records::exposures::{self, EXPOSED, Exposed, ExposureRow, Standing, Who, standings};
use rapport_experiments::records::{experiments, groups};
use rapport_experiments::service::{Act, Author, SAVED, act, create, create_group, save, taken};
use rapport_experiments::{
    Change, DATA_MAP, Design, Error, Exposure, Held, Kind, MIGRATIONS, Situation, State, Variant, evaluate,
};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::{TestDatabase, assert_indexes_are_used, on_sqlite, prepare_statements};
use rapport_store::{Priority, db_test, outbox};
use serde_json::json;

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const DAY: i64 = 86_400;

#[db_test(MIGRATIONS)]
async fn every_statement_can_be_prepared(db: TestDatabase) {
    assert!(prepare_statements(&db).await > 15);
}

/// What a request or a batch of events reads may not grow with the number of customers.
#[test]
fn only_lists_of_everything_read_everything() {
    on_sqlite(vec![MIGRATIONS], |db: TestDatabase| async move {
        assert_indexes_are_used(&db, MEANT).await;
    });
}

/// What is small, or asked for as a whole.
const MEANT: &[&str] = &[
    // A company has few.
    "FROM experiments",
    "FROM exclusion_groups",
    "FROM policies",
];

#[db_test(MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let found = rapport_store::data_map::differences(&db, &[rapport_store::DATA_MAP, DATA_MAP]).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(second)
}

fn ann(second: i64) -> Author<'static> {
    Author { by: "usr_ann", at: at(second) }
}

fn design(name: &str) -> Design {
    let variant = |key: &str, is_control| Variant {
        key: key.into(),
        name: key.into(),
        weight: 1,
        value: json!({"headline": key}),
        is_control,
    };
    let text = json!({"name": name, "kind": "experiment", "variants": []});
    let mut design: Design = serde_json::from_value(text).unwrap();
    design.variants = vec![variant("old", true), variant("new", false)];
    design.primary =
        Some(Metric { key: "orders".into(), name: "Orders".into(), direction: Default::default(), form: Form::Share });
    design
}

#[db_test(MIGRATIONS)]
async fn every_change_is_kept_with_who_made_it(db: TestDatabase) {
    let rng = SeededRng::new(5);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let made = create(&mut tx, W, "headline", design("Headline"), ann(1), &rng).await.unwrap();
    let exists = create(&mut tx, W, "headline", design("Other"), ann(1), &rng).await.unwrap_err();
    create(&mut tx, OTHER, "headline", design("Another workspace's"), ann(1), &rng).await.unwrap();
    assert_eq!((exists.code(), made.version, made.allocation), ("experiment_exists", 1, 1));
    assert!(made.design.0.salt.starts_with("headline-"));

    // A draft may change in any way.
    let mut other = design("Headline of the shop");
    other.variants[1].weight = 3;
    let (saved, change) = save(&mut tx, W, "headline", other.clone(), 1, ann(2)).await.unwrap();
    assert_eq!((saved.version, saved.allocation, change), (2, 1, Change::Same));
    assert_eq!(saved.design.0.salt, made.design.0.salt);
    let stale = save(&mut tx, W, "headline", other.clone(), 1, ann(3)).await.unwrap_err();
    assert!(matches!(stale, Error::Stale { found: 2, .. }), "{stale}");

    let running = act(&mut tx, W, "headline", Act::Start, 2, ann(4)).await.unwrap();
    assert_eq!((running.state.as_str(), running.started_at, running.allocation), ("running", Some(at(4)), 3));
    let more = Design { traffic: 5_000, ..other.clone() };
    let (ramped, change) = save(&mut tx, W, "headline", more, 3, ann(5)).await.unwrap();
    assert_eq!((ramped.version, ramped.allocation, change), (4, 3, Change::Same));
    other.variants[1].weight = 1;
    let (reweighed, change) = save(&mut tx, W, "headline", other.clone(), 4, ann(6)).await.unwrap();
    assert_eq!((reweighed.version, reweighed.allocation, change), (5, 5, Change::Anew));
    let fixed = Design { unit: UnitKind::Anonymous, ..other };
    assert_eq!(save(&mut tx, W, "headline", fixed, 5, ann(7)).await.unwrap_err().code(), "experiment_fixed");

    assert_eq!(act(&mut tx, W, "headline", Act::Start, 5, ann(8)).await.unwrap_err().code(), "experiment_transition");
    act(&mut tx, W, "headline", Act::Pause, 5, ann(8)).await.unwrap();
    let again = act(&mut tx, W, "headline", Act::Start, 6, ann(9)).await.unwrap();
    assert_eq!((again.started_at, again.allocation), (Some(at(4)), 5));
    let nobody = act(&mut tx, W, "headline", Act::Decide("third"), 7, ann(10)).await.unwrap_err();
    assert_eq!(nobody.code(), "experiment_invalid");
    let decided = act(&mut tx, W, "headline", Act::Decide("new"), 7, ann(10)).await.unwrap();
    assert_eq!(
        (decided.state.as_str(), decided.ended_at, decided.winner.as_deref()),
        ("decided", Some(at(10)), Some("new"))
    );
    assert_eq!(act(&mut tx, W, "headline", Act::Start, 8, ann(11)).await.unwrap_err().code(), "experiment_transition");
    tx.commit().await.unwrap();

    let mut db_read = db.read();
    let found = experiments::find(&mut db_read, W, "headline").await.unwrap().unwrap();
    assert_eq!((found.clone(), found.experiment().state), (decided, State::Decided));
    assert_eq!(experiments::all(&mut db_read, W).await.unwrap().len(), 1);
    assert_eq!(experiments::allocation_began(&mut db_read, W, &found).await.unwrap(), at(6));
    let versions = experiments::versions(&mut db_read, W, found.experiment).await.unwrap();
    let seen: Vec<(i64, &str, i64)> =
        versions.iter().map(|it| (it.version, it.state.as_str(), it.saved_at.0)).collect();
    assert_eq!(seen.len(), 8);
    assert_eq!((seen[0].1, seen[7]), ("decided", (1, "draft", at(1).0)));
    assert_eq!((versions[4].design.0.traffic, versions[3].design.0.traffic), (5_000, 10_000));
    let events = outbox::batch(&mut db_read, W, "test", 100).await.unwrap().events;
    assert_eq!(events.iter().filter(|it| it.name == SAVED).count(), 8);
}

#[db_test(MIGRATIONS)]
async fn places_of_a_group_are_given_once(db: TestDatabase) {
    let rng = SeededRng::new(5);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    create_group(&mut tx, W, ("checkout", "Checkout", UnitKind::Person), ann(1)).await.unwrap();
    let twice = create_group(&mut tx, W, ("checkout", "Checkout", UnitKind::Person), ann(1)).await.unwrap_err();
    assert_eq!(twice.code(), "experiment_exists");
    let within =
        |from, to| Design { group: Some(Place { group: "checkout".into(), from, to }), ..design("In a group") };
    let one = create(&mut tx, W, "one", within(0, 4_000), ann(2), &rng).await.unwrap();
    let refused = create(&mut tx, W, "two", within(3_999, 5_000), ann(2), &rng).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "places 3999 to 5000 of the group `checkout` overlap those of `one`; free are 4000 to 10000"
    );
    create(&mut tx, W, "two", within(4_000, 5_000), ann(2), &rng).await.unwrap();
    // Its own places are no hindrance, those of others are, also when it is changed.
    save(&mut tx, W, "one", within(1_000, 4_000), 1, ann(3)).await.unwrap();
    assert_eq!(
        save(&mut tx, W, "one", within(1_000, 4_001), 2, ann(3)).await.unwrap_err().code(),
        "experiment_overlap"
    );
    let devices = Design { unit: UnitKind::Anonymous, ..within(9_000, 9_001) };
    assert_eq!(create(&mut tx, W, "three", devices, ann(3), &rng).await.unwrap_err().code(), "experiment_invalid");
    let nowhere = Design { group: Some(Place { group: "none".into(), from: 0, to: 1 }), ..design("Nowhere") };
    assert_eq!(create(&mut tx, W, "three", nowhere, ann(3), &rng).await.unwrap_err().code(), "experiment_not_found");
    // What is over frees its places.
    act(&mut tx, W, "one", Act::Start, 2, ann(4)).await.unwrap();
    act(&mut tx, W, "one", Act::Stop, 3, ann(5)).await.unwrap();
    assert_eq!(taken(&mut tx, W, "checkout", 0).await.unwrap().len(), 1);
    create(&mut tx, W, "three", within(0, 4_000), ann(6), &rng).await.unwrap();
    // And once somebody has them it cannot come back to them.
    let back = save(&mut tx, W, "one", within(1_000, 4_000), 4, ann(7)).await.unwrap();
    assert_eq!((back.0.state.as_str(), one.experiment), ("stopped", 1));
    tx.commit().await.unwrap();
    let group = groups::all(&mut db.read(), W).await.unwrap().remove(0);
    assert_eq!((group.unit.as_str(), group.created_by.as_str()), ("person", "usr_ann"));
    assert_eq!(groups::all(&mut db.read(), OTHER).await.unwrap(), []);
}

fn exposure(experiment: i64, variant: &str, unit: UnitKind) -> Exposure {
    Exposure {
        experiment,
        key: format!("e{experiment}"),
        allocation: 3,
        variant: variant.into(),
        unit,
        subject: "slot:home".into(),
        renews: false,
    }
}

fn who(person: i64, handle: i64) -> Who {
    Who { person: PersonId(person), handle: Handle(handle) }
}

fn first(variant: &str) -> Exposed {
    Exposed { variant: variant.into(), is_new: true }
}

fn kept(variant: &str) -> Exposed {
    Exposed { variant: variant.into(), is_new: false }
}

/// (variant, day, units, mixed) of an experiment.
async fn counted(db: &TestDatabase, experiment: i64) -> Vec<(String, i64, i64, i64)> {
    let rows = counts::of(&mut db.read(), W, experiment).await.unwrap();
    rows.into_iter().map(|it| (it.variant, it.day, it.units, it.mixed)).collect()
}

#[db_test(MIGRATIONS)]
async fn the_first_exposure_holds_and_is_told_once(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let person = UnitKind::Person;
    assert_eq!(
        exposures::expose(&mut tx, W, who(1, 11), &exposure(1, "new", person), at(5)).await.unwrap(),
        first("new")
    );
    // The same again, another device, another variant: what holds stays.
    assert_eq!(
        exposures::expose(&mut tx, W, who(1, 11), &exposure(1, "new", person), at(6)).await.unwrap(),
        kept("new")
    );
    assert_eq!(
        exposures::expose(&mut tx, W, who(1, 12), &exposure(1, "old", person), at(7)).await.unwrap(),
        kept("new")
    );
    // Another experiment, person, workspace, device.
    assert_eq!(
        exposures::expose(&mut tx, W, who(1, 11), &exposure(2, "old", person), at(8)).await.unwrap(),
        first("old")
    );
    assert_eq!(
        exposures::expose(&mut tx, W, who(2, 21), &exposure(1, "old", person), at(DAY)).await.unwrap(),
        first("old")
    );
    assert_eq!(
        exposures::expose(&mut tx, OTHER, who(1, 11), &exposure(1, "old", person), at(8)).await.unwrap(),
        first("old")
    );
    let device = UnitKind::Anonymous;
    assert_eq!(exposures::expose(&mut tx, W, who(1, 11), &exposure(3, "a", device), at(8)).await.unwrap(), first("a"));
    assert_eq!(exposures::expose(&mut tx, W, who(1, 12), &exposure(3, "b", device), at(8)).await.unwrap(), first("b"));
    assert_eq!(exposures::expose(&mut tx, W, who(1, 12), &exposure(3, "a", device), at(9)).await.unwrap(), kept("b"));
    tx.commit().await.unwrap();

    let events = outbox::batch(&mut db.read(), W, "test", 100).await.unwrap().events;
    assert!(events.iter().all(|it| it.name == EXPOSED) && events.len() == 5, "{events:?}");
    assert_eq!(
        (events[0].person, &events[0].payload),
        (Some(PersonId(1)), &json!({"experiment": "e1", "variant": "new", "version": 3, "subject": "slot:home"}))
    );
    let held = exposures::held(&mut db.read(), W, PersonId(1), Some(Handle(12))).await.unwrap();
    let wanted = [(1, "new"), (2, "old"), (3, "b")]
        .map(|(number, key)| (number, Held { variant: key.to_owned(), allocation: 3 }));
    assert_eq!(held, BTreeMap::from(wanted));
    let held = exposures::held(&mut db.read(), W, PersonId(1), None).await.unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(counted(&db, 1).await, [("new".into(), 0, 1, 0), ("old".into(), 1, 1, 0)]);
    assert_eq!(counted(&db, 3).await, [("a".into(), 0, 1, 0), ("b".into(), 0, 1, 0)]);
}

/// An act that did not happen was no exposure, and nobody hears of it.
#[db_test(MIGRATIONS)]
async fn an_exposure_is_there_exactly_if_its_act_is(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    exposures::expose(&mut tx, W, who(1, 11), &exposure(1, "new", UnitKind::Person), at(5)).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(exposures::of_persons(&mut db.read(), W, &[PersonId(1)]).await.unwrap(), []);
    assert_eq!(counted(&db, 1).await, []);
    assert_eq!(outbox::batch(&mut db.read(), W, "test", 10).await.unwrap().events, []);
}

#[db_test(MIGRATIONS)]
async fn many_are_exposed_at_once(db: TestDatabase) {
    let all: Vec<(Who, Exposure)> = (1..=3_000)
        .map(|n| (who(n, 10_000 + n), exposure(1, if n % 3 == 0 { "new" } else { "old" }, UnitKind::Person)))
        .collect();
    let mut tx = db.begin(Priority::Background).await.unwrap();
    exposures::expose(&mut tx, W, who(3, 10_003), &exposure(1, "old", UnitKind::Person), at(1)).await.unwrap();
    // Twice in one batch is once, and the order of answers is that of the questions.
    let mut twice = all.clone();
    twice.push(all[0].clone());
    let found = exposures::expose_all(&mut tx, W, &twice, at(2)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((found.len(), &found[0], &found[2], &found[3_000]), (3_001, &first("old"), &kept("old"), &kept("old")));
    assert_eq!(found.iter().filter(|it| it.is_new).count(), 2_999);
    assert_eq!(counted(&db, 1).await, [("new".into(), 0, 999, 0), ("old".into(), 0, 2_001, 0)]);
    let mut read = db.read();
    let (mut after, mut seen) = (Handle(0), 0);
    loop {
        let page = exposures::page(&mut read, W, 1, after, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        (after, seen) = (last.handle, seen + page.len());
    }
    assert_eq!(seen, 3_000);
}

#[db_test(MIGRATIONS)]
async fn merged_people_keep_the_first_and_two_arms_are_left_out(db: TestDatabase) {
    let person = UnitKind::Person;
    let mut tx = db.begin(Priority::Background).await.unwrap();
    for (who, variant, second) in
        [(who(1, 11), "new", 20), (who(2, 21), "old", 10), (who(3, 31), "old", 30), (who(4, 41), "old", DAY)]
    {
        exposures::expose(&mut tx, W, who, &exposure(1, variant, person), at(second)).await.unwrap();
    }
    exposures::expose(&mut tx, W, who(1, 11), &exposure(3, "a", UnitKind::Anonymous), at(20)).await.unwrap();
    exposures::expose(&mut tx, W, who(2, 21), &exposure(3, "b", UnitKind::Anonymous), at(20)).await.unwrap();
    tx.commit().await.unwrap();

    // 3 and 4 had the same variant: the first counts. 1 and 2 had both: they keep the earlier, which is that of 2, and are in no readout.
    let moves = [(Handle(41), PersonId(4), PersonId(3)), (Handle(21), PersonId(2), PersonId(1))];
    let mut tx = db.begin(Priority::Background).await.unwrap();
    exposures::follow(&mut tx, W, &moves).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counted(&db, 1).await, [("new".into(), 0, 0, 0), ("old".into(), 0, 1, 1), ("old".into(), 1, 0, 0)]);
    let held = exposures::held(&mut db.read(), W, PersonId(1), None).await.unwrap();
    assert_eq!(held[&1].variant, "old");
    // Devices stay what they were, whoever has them.
    assert_eq!(counted(&db, 3).await, [("a".into(), 0, 1, 0), ("b".into(), 0, 1, 0)]);
    assert_eq!(exposures::page(&mut db.read(), W, 1, Handle(0), 10).await.unwrap().len(), 1);

    // The merge was wrong: everybody is as before.
    let back = moves.map(|(handle, from, to)| (handle, to, from));
    let mut tx = db.begin(Priority::Background).await.unwrap();
    exposures::follow(&mut tx, W, &back).await.unwrap();
    // Of somebody who was exposed to nothing there is nothing to follow.
    exposures::follow(&mut tx, W, &[(Handle(99), PersonId(9), PersonId(1))]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counted(&db, 1).await, [("new".into(), 0, 1, 0), ("old".into(), 0, 2, 0), ("old".into(), 1, 1, 0)]);
    assert_eq!(exposures::held(&mut db.read(), W, PersonId(1), None).await.unwrap()[&1].variant, "new");
}

#[db_test(MIGRATIONS)]
async fn what_a_site_has_shown_counts_also_when_it_should_not_have(db: TestDatabase) {
    let person = UnitKind::Person;
    let mut tx = db.begin(Priority::Background).await.unwrap();
    let reported = exposures::report(&mut tx, W, who(1, 11), &exposure(1, "new", person), at(5)).await.unwrap();
    assert_eq!(reported, first("new"));
    // The same said again, and by another device of theirs.
    assert_eq!(
        exposures::report(&mut tx, W, who(1, 11), &exposure(1, "new", person), at(6)).await.unwrap(),
        kept("new")
    );
    assert_eq!(
        exposures::report(&mut tx, W, who(1, 12), &exposure(1, "new", person), at(4)).await.unwrap(),
        first("new")
    );
    // A site that showed the other variant, on the same device or on another.
    exposures::report(&mut tx, W, who(2, 21), &exposure(1, "new", person), at(5)).await.unwrap();
    assert_eq!(
        exposures::report(&mut tx, W, who(2, 21), &exposure(1, "old", person), at(6)).await.unwrap(),
        kept("new")
    );
    exposures::report(&mut tx, W, who(3, 31), &exposure(1, "new", person), at(5)).await.unwrap();
    assert_eq!(
        exposures::report(&mut tx, W, who(3, 32), &exposure(1, "old", person), at(4)).await.unwrap(),
        first("old")
    );
    tx.commit().await.unwrap();
    assert_eq!(counted(&db, 1).await, [("new".into(), 0, 1, 1), ("old".into(), 0, 0, 1)]);
    // What a site reports is in the log already.
    assert_eq!(outbox::batch(&mut db.read(), W, "test", 10).await.unwrap().events, []);
}

/// The counts are those of the rows, whatever happened in whatever order; and a merge that is undone leaves no trace.
#[db_test(MIGRATIONS)]
async fn counts_are_those_of_the_rows(db: TestDatabase) {
    let rng = SeededRng::new(17);
    let number = |below: u64| i64::try_from(rapport_domain::Rng::next_u64(&rng) % below).unwrap();
    let mut owner: BTreeMap<i64, i64> = (1..=24).map(|handle| (handle, handle)).collect();
    for step in 0..300 {
        let mut tx = db.begin(Priority::Background).await.unwrap();
        let handle = number(24) + 1;
        let who = who(owner[&handle], handle);
        let variant = if number(2) == 0 { "old" } else { "new" };
        let unit = if number(4) == 0 { UnitKind::Anonymous } else { UnitKind::Person };
        let experiment = if unit == UnitKind::Person { 1 } else { 2 };
        let exposure = exposure(experiment, variant, unit);
        let at = at(number(3) * DAY + step);
        match number(4) {
            0 => drop(exposures::expose(&mut tx, W, who, &exposure, at).await.unwrap()),
            1 => drop(exposures::report(&mut tx, W, who, &exposure, at).await.unwrap()),
            _ => {
                let to = number(6) + 1;
                let moved = (Handle(handle), who.person, PersonId(to));
                exposures::follow(&mut tx, W, &[moved]).await.unwrap();
                owner.insert(handle, to);
            }
        }
        tx.commit().await.unwrap();
    }
    let persons: BTreeSet<PersonId> = owner.values().map(|it| PersonId(*it)).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let rows = exposures::of_persons(&mut db.read(), W, &persons).await.unwrap();
    assert!(rows.len() > 20 && rows.iter().all(|it| owner[&it.handle.0] == it.person.0));
    let mut units: BTreeMap<(i64, i64, i64), Vec<ExposureRow>> = BTreeMap::new();
    for row in rows {
        let unit = if row.by_person { (row.experiment, row.person.0, 0) } else { (row.experiment, 0, row.handle.0) };
        units.entry(unit).or_default().push(row);
    }
    let mut wanted: BTreeMap<(i64, String, i64), (i64, i64)> = BTreeMap::new();
    for rows in units.values() {
        // Oracle: sort, look at the first, and at whether all are alike.
        let mut sorted = rows.clone();
        sorted.sort_by_key(|it| (it.exposed_at, it.handle));
        let mixed = sorted.iter().any(|it| it.variant != sorted[0].variant || it.torn);
        let count = wanted.entry((sorted[0].experiment, sorted[0].variant.clone(), sorted[0].exposed_at.utc_day()));
        let count = count.or_default();
        if mixed {
            count.1 += 1
        } else {
            count.0 += 1
        }
        let words: Vec<&str> = rows.iter().map(|it| it.standing.as_str()).collect();
        assert_eq!(words, standings(rows).into_iter().map(Standing::as_str).collect::<Vec<_>>());
    }
    let mut found = BTreeMap::new();
    for experiment in [1, 2] {
        for DayRow { variant, day, units, mixed, .. } in counts::of(&mut db.read(), W, experiment).await.unwrap() {
            if (units, mixed) != (0, 0) {
                found.insert((experiment, variant, day), (units, mixed));
            }
        }
    }
    assert_eq!(found, wanted);
    assert!(found.values().any(|it| it.0 > 0) && found.values().any(|it| it.1 > 0));
}

/// Two at a time, as on PostgreSQL: one is first, and both act on the same; also where both would have written the very same row.
#[db_test(MIGRATIONS)]
async fn two_at_once_agree(db: TestDatabase) {
    let one = async |experiment: i64, variant: &'static str| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let exposure = exposure(experiment, variant, UnitKind::Person);
        let found = exposures::expose(&mut tx, W, who(1, 11), &exposure, at(1)).await.unwrap();
        tx.commit().await.unwrap();
        found
    };
    for (experiment, variants) in [(1, ["new", "old"]), (2, ["new", "new"])] {
        let (a, b) = tokio::join!(one(experiment, variants[0]), one(experiment, variants[1]));
        assert!(a.is_new != b.is_new && a.variant == b.variant, "{a:?} {b:?}");
        let counted: i64 = counted(&db, experiment).await.iter().map(|it| it.2).sum();
        assert_eq!(counted, 1);
    }
}

#[db_test(MIGRATIONS)]
async fn of_an_erased_person_only_numbers_stay(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for n in [1, 2] {
        exposures::expose(&mut tx, W, who(n, 10 + n), &exposure(1, "new", UnitKind::Person), at(5)).await.unwrap();
    }
    let tables = Tables::of(&[DATA_MAP]).unwrap();
    let subject = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(11)] };
    let shown = tables.read(&mut tx, &subject).await.unwrap();
    assert_eq!((shown.len(), shown[0].table, shown[0].rows.len()), (1, "exposures", 1));
    assert_eq!(tables.erase(&mut tx, &subject).await.unwrap(), BTreeMap::from([("exposures", 1)]));
    tx.commit().await.unwrap();
    let left = exposures::of_persons(&mut db.read(), W, &[PersonId(1), PersonId(2)]).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(counted(&db, 1).await, [("new".into(), 0, 2, 0)]);
}

/// From a draft to a verdict: 12,000 people pass by, of the control every tenth orders, of the new headline three of twenty, and of a third that is no
/// different again every tenth.
#[db_test(MIGRATIONS)]
async fn the_whole_way(db: TestDatabase) {
    let rng = SeededRng::new(5);
    let mut three = design("Headline");
    three.variants.push(Variant { key: "same".into(), is_control: false, ..three.variants[0].clone() });
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    create(&mut tx, W, "headline", three, ann(1), &rng).await.unwrap();
    let running = act(&mut tx, W, "headline", Act::Start, 1, ann(2)).await.unwrap().experiment();
    tx.commit().await.unwrap();

    let held = BTreeMap::new();
    let mut orders = [[0_u64; 2]; 3];
    for day in 0..6 {
        let at = at(2 + day * DAY);
        let passing: Vec<(Who, Exposure)> = (day * 2_000..(day + 1) * 2_000)
            .flat_map(|n| {
                let situation = Situation {
                    now: at,
                    person: Some(PersonId(n)),
                    anonymous: None,
                    truths: &|_| false,
                    held: &held,
                    holdouts: &[],
                    subjects: &["slot:home"],
                };
                evaluate(&running, &situation).exposures.into_iter().map(move |it| (who(n, n), it))
            })
            .collect();
        let mut tx = db.begin(Priority::Background).await.unwrap();
        for exposed in exposures::expose_all(&mut tx, W, &passing, at).await.unwrap() {
            let arm = running.design.variants.iter().position(|it| it.key == exposed.variant).unwrap();
            let chance = if arm == 1 { 150 } else { 100 };
            orders[arm][0] += 1;
            orders[arm][1] += u64::from(rapport_domain::Rng::next_u64(&rng) % 1_000 < chance);
        }
        tx.commit().await.unwrap();
    }
    let counts = Counts::of(&running, &counts::of(&mut db.read(), W, running.number).await.unwrap());
    assert_eq!((counts.exposed.clone(), counts.days.len()), (orders.map(|it| it[0]).to_vec(), 6));
    let sums = orders.map(|[n, successes]| Sums::Share { successes, n }).to_vec();
    let metrics = vec![Measured { metric: "orders".into(), sums }];
    let found = readout(&running, &Data { counts, metrics, segments: Vec::new() }, at(6 * DAY));
    assert_eq!(found.verdict, Verdict::Better("new".into()));
    assert!(!found.ratio.unwrap().broken);
    let about_same = found.sentences.iter().find(|it| it.code == "unclear").unwrap();
    assert!(about_same.text.contains("“old”") && found.progress.a_day == Some(2_000.0), "{about_same:?}");
}

#[test]
fn kinds_of_experiments_have_stable_words() {
    assert_eq!(serde_json::to_value(Kind::Holdout).unwrap(), "holdout");
    for state in [State::Draft, State::Running, State::Paused, State::Stopped, State::Decided] {
        assert_eq!(
            (State::parse(state.as_str()), serde_json::to_value(state).unwrap()),
            (Some(state), json!(state.as_str()))
        );
    }
}

/// The share of the global holdout changes: whoever is asked about again is noted anew, on the side that the lot says now, and counted there alone.
#[db_test(MIGRATIONS)]
async fn a_holdout_is_noted_anew_with_its_share(db: TestDatabase) {
    use rapport_experiments::global_holdout::{self, KEY};
    let of = |allocation: i64, variant: &str| Exposure {
        key: KEY.into(),
        allocation,
        renews: true,
        ..exposure(1, variant, UnitKind::Person)
    };
    let set = async |share: u32, at: i64| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        global_holdout::set(&mut tx, W, share, ann(at)).await.unwrap();
        tx.commit().await.unwrap();
        let row = rapport_experiments::records::experiments::find(&mut db.read(), W, KEY).await.unwrap();
        row.map(|row| (row.state.clone(), row.version, row.allocation, global_holdout::places(&row)))
    };
    let stands = |state: &str, version, allocation, share| Some((state.to_owned(), version, allocation, share));
    assert_eq!(set(0, 1).await, None, "nobody is held out, so there is nothing");
    assert_eq!(set(500, 2).await, stands("running", 1, 1, 500));
    assert_eq!(set(500, 3).await, stands("running", 1, 1, 500), "the same changes nothing");
    let note = async |all: &[(Who, Exposure)], day: i64| {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let found = exposures::expose_all(&mut tx, W, all, at(day * DAY)).await.unwrap();
        tx.commit().await.unwrap();
        found
    };
    let counted = async || {
        let rows = counts::of(&mut db.read(), W, 1).await.unwrap();
        let rows = rows.into_iter().filter(|row| (row.units, row.mixed) != (0, 0));
        rows.map(|row| (row.allocation, row.variant, row.units)).collect::<Vec<_>>()
    };
    let first_time = [(who(1, 10), of(1, "holdout")), (who(2, 20), of(1, "treated")), (who(3, 30), of(1, "treated"))];
    assert_eq!(note(&first_time, 1).await, [first("holdout"), first("treated"), first("treated")]);
    assert_eq!(note(&first_time[..1], 2).await, [kept("holdout")], "once is enough");
    // Two is held out now.
    assert_eq!(set(1_000, 4).await, stands("running", 2, 2, 1_000));
    let again = [(who(1, 10), of(2, "holdout")), (who(2, 20), of(2, "holdout"))];
    assert_eq!(note(&again, 3).await, [first("holdout"), first("holdout")]);
    assert_eq!(note(&again, 4).await, [kept("holdout"), kept("holdout")]);
    assert_eq!(counted().await, [(1, "treated".to_owned(), 1), (2, "holdout".to_owned(), 2)]);
    let rows = exposures::of_person(&mut db.read(), W, PersonId(2)).await.unwrap();
    assert_eq!((rows.len(), rows[0].allocation, rows[0].exposed_at), (1, 2, at(3 * DAY)));
    // After a pause everybody had everything meanwhile, so the same share begins anew too.
    assert_eq!(set(0, 5).await, stands("paused", 3, 2, 0));
    assert_eq!(set(1_000, 6).await, stands("running", 4, 4, 1_000));
    // Of one who has become another person meanwhile all earlier rows go.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    exposures::follow(&mut tx, W, &[(Handle(20), PersonId(2), PersonId(3))]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(note(&[(who(3, 20), of(4, "treated"))], 5).await, [first("treated")]);
    assert_eq!(exposures::of_person(&mut db.read(), W, PersonId(3)).await.unwrap().len(), 1);
    assert_eq!(counted().await, [(2, "holdout".to_owned(), 1), (4, "treated".to_owned(), 1)]);
    // An experiment of another kind that has the key is not touched.
    let rng = SeededRng::new(1);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    create(&mut tx, OTHER, KEY, design("Mine"), ann(1), &rng).await.unwrap();
    assert_eq!(global_holdout::set(&mut tx, OTHER, 100, ann(2)).await.unwrap_err().code(), "experiment_exists");
}
