//! Who comes in, how often, and what they did meanwhile.

use rapport_domain::{PersonId, Timestamp};
use rapport_engagement::MIGRATIONS;
use rapport_engagement::records::{instances, messages};
use rapport_engagement::service::launching;
use rapport_privacy::MIGRATIONS as PRIVACY;
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_segments::MIGRATIONS as SEGMENTS;
use rapport_store::db_test;
use rapport_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::town::{Town, W, but, later, mail};

const HOUR: i64 = Timestamp::HOUR;
const NOW: i64 = 0;

fn cart() -> Value {
    json!({"event": {"name": "cart_updated", "key": "cart_id", "not_older_than": "2h"}})
}

fn id(cart: &str) -> Value {
    json!({"cart_id": cart})
}

/// A list that is read page by page may name somebody whose identifiers have all gone to another person meanwhile.
#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_has_no_identifier_any_more_does_not_come_in(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.launch("j", mail(json!({"api": {}}))).await;
    for number in [1, 2] {
        town.willing(number).await;
    }
    town.give(&[2], 2, 1).await;
    assert_eq!((town.enter("j", 2, "").await, town.enter("j", 1, "").await), (0, 1));
    assert_eq!((town.instances(1).await.len(), town.instances(2).await.len()), (1, 0));
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn an_occasion_brings_somebody_in_once(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.launch("cart", later(cart())).await;
    town.hear(&[(1, "cart_updated", NOW, id("a")), (1, "cart_updated", NOW, id("a"))]).await;
    town.hear(&[(1, "cart_updated", NOW, id("a")), (1, "cart_updated", NOW, id("b"))]).await;
    // Without its key, or for another journey's event, nobody comes in.
    town.hear(&[
        (1, "cart_updated", NOW, json!({})),
        (1, "cart_updated", NOW, json!({"cart_id": true})),
        (1, "page", NOW, id("c")),
    ])
    .await;
    town.run().await;
    assert_eq!(town.ends(1).await, ["-", "-"]);
    town.later(HOUR).await;
    assert_eq!(town.told(1).await, ["m:queued", "m:queued"]);
    // Never again by the same cart.
    town.hear(&[(1, "cart_updated", NOW, id("a"))]).await;
    town.run().await;
    assert_eq!(town.ends(1).await, ["completed", "completed"]);
    let flows = town.flows("cart").await;
    assert_eq!((flows[">in"], flows[">out:completed"], flows["w>waited"], flows["m>message:sent"]), (2, 2, 2, 2));
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_is_late_or_imported_brings_nobody_in(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.launch("cart", later(json!({"event": {"name": "cart_updated", "not_older_than": "2h"}}))).await;
    town.hear_as(&[(1, "cart_updated", NOW, id("a"))], true).await;
    assert_eq!(town.ends(1).await, [""; 0]);
    town.hear(&[(1, "cart_updated", 2 * HOUR + 1, id("a")), (1, "cart_updated", 3 * HOUR, id("a"))]).await;
    assert_eq!(town.ends(1).await, ["late"], "it is noted once a batch");
    // What was late is in nobody's way: not in the same batch, not later.
    town.hear(&[(1, "cart_updated", 3 * HOUR, id("a")), (1, "cart_updated", 2 * HOUR, id("a"))]).await;
    town.run().await;
    let mut ends = town.ends(1).await;
    ends.sort_unstable();
    assert_eq!(ends, ["-", "late", "late"]);
    assert_eq!(town.flows("cart").await[">in"], 1);
}

fn ordered() -> Value {
    but(later(cart()), json!({"goal": {"event": {"name": "order_completed"}}}))
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_was_done_since_the_event_counts_however_it_was_heard(db: TestDatabase) {
    let mut town = Town::new(db).await;
    for number in 1..=5 {
        town.willing(number).await;
    }
    town.launch("cart", ordered()).await;
    // Both in one batch, the order later than the cart, in either order of arrival; and one from before the cart.
    town.hear(&[(1, "cart_updated", 2 * HOUR, id("a")), (1, "order_completed", HOUR, json!({}))]).await;
    town.hear(&[(2, "order_completed", HOUR, json!({})), (2, "cart_updated", 2 * HOUR, id("a"))]).await;
    town.hear(&[(3, "order_completed", 2 * HOUR, json!({})), (3, "cart_updated", HOUR, id("a"))]).await;
    // The order is heard before anybody looked, and happened before the cart was heard of.
    town.hear(&[(4, "cart_updated", 2 * HOUR, id("a"))]).await;
    town.clock.advance(Timestamp::SECOND);
    town.hear(&[(4, "order_completed", HOUR, json!({}))]).await;
    town.clock.advance(Timestamp::SECOND);
    // Another person's order says nothing.
    town.hear(&[(5, "cart_updated", 2 * HOUR, id("a")), (1, "order_completed", HOUR, json!({}))]).await;
    town.run().await;
    assert_eq!((town.ends(1).await, town.ends(2).await), (vec!["goal".to_owned()], vec!["goal".to_owned()]));
    assert_eq!(town.ends(4).await, ["goal"]);
    town.later(HOUR).await;
    assert_eq!((town.told(3).await, town.told(5).await), (vec!["m:queued".to_owned()], vec!["m:queued".to_owned()]));
    assert_eq!(town.flows("cart").await[">goal"], 3);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn an_event_does_not_end_the_journey_that_it_begins(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    let form = but(later(json!({"event": {"name": "visit"}})), json!({"goal": {"event": {"name": "visit"}}}));
    town.launch("visit", form).await;
    town.hear(&[(1, "visit", HOUR, json!({}))]).await;
    town.run().await;
    assert_eq!(town.ends(1).await, ["-"]);
    town.hear(&[(1, "visit", NOW, json!({}))]).await;
    town.run().await;
    assert_eq!(town.ends(1).await, ["goal"]);
}

async fn came_in_again(db: TestDatabase, reentry: Value) -> Vec<u64> {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.launch("j", but(later(json!({"api": {}})), json!({"reentry": reentry}))).await;
    let mut came = Vec::new();
    // While they are in, when they are out, a day after they came in, two days after that.
    for wait in [0, HOUR - 1, HOUR + 2, 23 * HOUR, 48 * HOUR, HOUR] {
        town.later(wait).await;
        came.push(town.enter("j", 1, "").await);
        town.run().await;
    }
    town.run().await;
    let active = instances::active_of(&mut town.store.read(), W, &[PersonId(1)]).await.unwrap();
    assert!(active.len() <= 1);
    came
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn never_again(db: TestDatabase) {
    assert_eq!(came_in_again(db, json!("never")).await, [1, 0, 0, 0, 0, 0]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn again_after_they_are_out(db: TestDatabase) {
    assert_eq!(came_in_again(db, json!("after_exit")).await, [1, 0, 1, 1, 1, 1]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn again_after_a_while(db: TestDatabase) {
    assert_eq!(came_in_again(db, json!({"after": "1d"})).await, [1, 0, 0, 1, 1, 0]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn so_many_times(db: TestDatabase) {
    assert_eq!(came_in_again(db, json!({"at_most": 2})).await, [1, 0, 1, 0, 0, 0]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_cool_down_is_the_persons_even_within_a_batch(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.launch("cart", but(later(cart()), json!({"reentry": {"after": "1d"}}))).await;
    town.hear(&[(1, "cart_updated", NOW, id("a")), (1, "cart_updated", NOW, id("b"))]).await;
    assert_eq!(town.ends(1).await.len(), 1);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn members_come_in_when_they_enter_or_leave(db: TestDatabase) {
    let mut town = Town::new(db).await;
    for number in 1..=3 {
        town.willing(number).await;
    }
    town.member("fans", &[1], true).await;
    let when = json!({"segment": {"key": "fans"}});
    town.launch("in", mail(json!({"segment_entered": {"when": when}}))).await;
    town.launch("out", mail(json!({"segment_left": {"when": when}}))).await;
    town.launch("all", mail(json!({"segment_entered": {"when": when, "members_at_launch": true}}))).await;
    town.member("fans", &[2], true).await;
    town.later(1).await;
    let journeys = |rows: Vec<rapport_engagement::records::instances::InstanceRow>| {
        let mut keys: Vec<String> = rows.into_iter().map(|row| row.journey).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(journeys(town.instances(1).await), ["all"]);
    assert_eq!(journeys(town.instances(2).await), ["all", "in"]);
    town.member("fans", &[1, 2], false).await;
    town.later(1).await;
    assert_eq!(journeys(town.instances(1).await), ["all", "out"]);
    // Flapping brings nobody in twice.
    for is_in in [true, false, true] {
        town.member("fans", &[2], is_in).await;
        town.later(1).await;
    }
    assert_eq!(journeys(town.instances(2).await), ["all", "in", "out"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn the_audience_is_asked_when_memberships_have_heard(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.willing(2).await;
    town.launch("cart", but(later(cart()), json!({"audience": {"segment": {"key": "fans"}}}))).await;
    town.hear(&[(1, "cart_updated", NOW, id("a")), (2, "cart_updated", NOW, id("a"))]).await;
    // The log is heard up to position 0: nobody is looked at yet.
    assert_eq!(rapport_engagement::service::running::run_due(&town.store, town.with(), 0).await.unwrap().looked_at, 0);
    town.member("fans", &[1], true).await;
    assert_eq!(rapport_engagement::service::running::run_due(&town.store, town.with(), 0).await.unwrap().looked_at, 0);
    town.run().await;
    assert_eq!(
        (town.ends(1).await, town.ends(2).await),
        (vec!["-".to_owned()], vec![]),
        "nothing is noted of who may not"
    );
    town.member("fans", &[1], false).await;
    town.run().await;
    assert_eq!(town.ends(1).await, ["out_of_audience"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_is_waited_for_is_heard_before_coming_there(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.willing(2).await;
    let form = json!({"entry": {"api": {}}, "start": "w", "nodes": [
        {"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "u"}}},
        {"id": "u", "step": {"wait_until": {"paths": [{"until": {"event": {"name": "buy"}}, "next": null}], "timeout": "1d", "timed_out": "m"}}},
        {"id": "m", "step": {"message": {"channel": "email", "template": "t", "next": null}}}]});
    town.launch("j", form).await;
    town.hear(&[(1, "buy", NOW, json!({}))]).await;
    town.clock.advance(1);
    for number in [1, 2] {
        town.enter("j", number, "").await;
    }
    town.run().await;
    town.clock.advance(HOUR / 2);
    town.hear(&[(1, "buy", HOUR, json!({})), (2, "buy", NOW, json!({}))]).await;
    town.run().await;
    town.later(HOUR / 2).await;
    assert_eq!((town.ends(1).await, town.ends(2).await), (vec!["-".to_owned()], vec!["completed".to_owned()]));
    town.later(24 * HOUR).await;
    assert_eq!((town.told(1).await, town.told(2).await), (vec!["m:queued".to_owned()], vec![]));
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn journeys_are_paused_run_out_and_stopped(db: TestDatabase) {
    let mut town = Town::new(db).await;
    for number in 1..=4 {
        town.willing(number).await;
    }
    town.launch("j", later(json!({"api": {}}))).await;
    town.enter("j", 1, "").await;
    town.run().await;
    let state = async |town: &mut Town, to| {
        let mut tx = town.tx().await;
        launching::change_state(&mut tx, W, "j", to).await.unwrap();
        tx.commit().await.unwrap();
        town.reload().await;
    };
    state(&mut town, "paused").await;
    assert!(town.plans.open("j").is_none());
    assert_eq!(
        instances::next_due(&mut town.store.read(), W).await.unwrap(),
        None,
        "nothing of a paused journey is due"
    );
    assert_eq!(town.later(HOUR).await.looked_at, 0);
    state(&mut town, "live").await;
    assert!(instances::next_due(&mut town.store.read(), W).await.unwrap().is_some());
    assert_eq!(town.later(0).await.messages, 1);
    town.enter("j", 2, "").await;
    town.enter("j", 3, "").await;
    town.run().await;
    state(&mut town, "ending").await;
    assert!(town.plans.open("j").is_none());
    let mut tx = town.tx().await;
    assert_eq!(launching::take_out(&mut tx, W, "j", PersonId(3), town.now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(launching::stop(&town.store, W, "j", town.now()).await.unwrap(), 1);
    assert!(launching::stop(&town.store, W, "j", town.now()).await.is_err());
    assert_eq!(town.told(1).await, ["m:stopped"], "what waits to be sent is not sent");
    assert_eq!((town.ends(2).await, town.ends(3).await), (vec!["stopped".to_owned()], vec!["manual".to_owned()]));
    let flows = town.flows("j").await;
    assert_eq!((flows[">in"], flows[">out:completed"], flows[">out:stopped"], flows[">out:manual"]), (3, 1, 1, 1));
    town.reload().await;
    assert!(town.plans.is_empty());
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn versions_are_kept_until_somebody_is_moved(db: TestDatabase) {
    let mut town = Town::new(db).await;
    for number in 1..=3 {
        town.willing(number).await;
    }
    assert_eq!(town.launch("j", later(json!({"api": {}}))).await, 1);
    town.enter("j", 1, "").await;
    town.enter("j", 2, "").await;
    town.run().await;
    let other = json!({"entry": {"api": {}}, "start": "x", "nodes": [
        {"id": "x", "step": {"wait": {"how": {"for": "2h"}, "next": null}}}]});
    assert_eq!(town.launch("j", other).await, 2);
    town.enter("j", 3, "").await;
    assert_eq!(town.plans.all().map(|one| (one.version, one.is_open)).collect::<Vec<_>>(), [(1, false), (2, true)]);
    town.later(HOUR).await;
    assert_eq!((town.told(1).await, town.ends(3).await), (vec!["m:queued".to_owned()], vec!["-".to_owned()]));
    // Who is at a node that the other version has not is out.
    town.willing(4).await;
    let mut tx = town.tx().await;
    let one = town.plans.get("j", 1).unwrap();
    let occasion = rapport_engagement::service::entering::Occasion::now(PersonId(4), "", town.now());
    rapport_engagement::service::entering::enter(&mut tx, town.with(), one, vec![occasion]).await.unwrap();
    tx.commit().await.unwrap();
    town.run().await;
    assert_eq!(launching::migrate(&town.store, W, "j", (1, 2), town.now()).await.unwrap(), 1);
    town.run().await;
    assert_eq!(town.ends(4).await, ["no_node"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn segments_are_kept_as_long_as_somebody_asks(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    let when = json!({"fact": {"key": "trait.level", "op": "equals", "value": "gold"}});
    let form = but(later(json!({"segment_entered": {"when": when}})), json!({"audience": when}));
    town.launch("j", form).await;
    let kept = || async {
        let rows = rapport_segments::records::segments::all(&mut town.store.read(), W).await.unwrap();
        rows.into_iter().filter(|row| row.key.starts_with("auto-")).count()
    };
    assert_eq!(kept().await, 1, "equal conditions are one segment");
    let let_go = || async {
        let asked = launching::asked(&mut town.store.read(), W).await.unwrap();
        rapport_segments::kept::let_go(&town.store, W, &asked, town.now().plus(1)).await.unwrap()
    };
    assert!(!let_go().await);
    launching::stop(&town.store, W, "j", town.now()).await.unwrap();
    assert!(let_go().await);
    assert_eq!(kept().await, 0);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_dry_run_can_tell_what_was_before_it_and_what_the_journey_itself_sent(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.willing(2).await;
    town.launch("cart", later(cart())).await;
    let began = town.now();
    town.hear(&[(1, "cart_updated", NOW, id("a"))]).await;
    town.run().await;
    town.later(HOUR).await;
    town.hear(&[(1, "cart_updated", NOW, id("b")), (2, "cart_updated", 3 * HOUR, id("c"))]).await;
    town.run().await;
    let persons = [PersonId(1), PersonId(2)];
    let db = &mut town.store.read();
    let before = instances::entered_before(db, W, "cart", &persons, began.plus(1)).await.unwrap();
    assert_eq!(before, [(PersonId(1), "a".to_owned(), began, Some(began.plus(HOUR)))]);
    let all = instances::entered_before(db, W, "cart", &persons, began.plus(2 * HOUR)).await.unwrap();
    let keys: Vec<(&str, bool)> = all.iter().map(|(_, key, _, until)| (key.as_str(), until.is_some())).collect();
    assert_eq!(keys, [("a", true), ("b", false)], "what was too late was nothing");
    assert_eq!(instances::entered_before(db, W, "other", &persons, began.plus(1)).await.unwrap(), []);
    let sent = messages::counted_of(db, W, "cart", &persons, began).await.unwrap();
    assert_eq!(sent, [(PersonId(1), began.plus(HOUR), "email".to_owned())]);
    assert_eq!(messages::counted_of(db, W, "other", &persons, began).await.unwrap(), []);
    assert_eq!(messages::counted_of(db, W, "cart", &persons, began.plus(HOUR + 1)).await.unwrap(), []);
}
