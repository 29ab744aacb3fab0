//! People who become one, and one who becomes two.

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::records::messages::{self, ClickRow};
use rapport_engagement::sending::Settings;
use rapport_engagement::service::entering;
use rapport_engagement::{DATA_MAP, MIGRATIONS};
use rapport_privacy::{MIGRATIONS as PRIVACY, Subject, Tables};
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_segments::MIGRATIONS as SEGMENTS;
use rapport_store::testing::TestDatabase;
use rapport_store::{Queries, Sql, args, db_test};
use serde_json::{Value, json};

use crate::town::{Town, W, but, later, mail};

const HOUR: i64 = Timestamp::HOUR;

fn api() -> Value {
    json!({"api": {}})
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn of_two_on_one_way_the_younger_is_over(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.launch("j", later(api())).await;
    for number in 1..=4 {
        town.willing(number).await;
    }
    for (number, wait) in [(1, 1), (2, 1), (4, 1), (3, 1)] {
        town.enter("j", number, "").await;
        town.later(wait).await;
    }
    // The older was the other's; and the older was one's own.
    town.give(&[2], 2, 1).await;
    town.give(&[4], 4, 3).await;
    assert_eq!((town.ends(1).await, town.ends(2).await), (vec!["-".to_owned(), "merged".to_owned()], vec![]));
    assert_eq!((town.ends(3).await, town.ends(4).await), (vec!["-".to_owned(), "merged".to_owned()], vec![]));
    town.later(HOUR).await;
    assert_eq!((town.told(1).await, town.told(3).await), (vec!["m:queued".to_owned()], vec!["m:queued".to_owned()]));
    let flows = town.flows("j").await;
    assert_eq!((flows[">in"], flows[">out:merged"], flows[">out:completed"]), (4, 2, 2));
}

/// A batch may move an identifier twice, by way of somebody of whom nothing is kept.
#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_moves_on_within_a_batch_is_not_left_behind(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.launch("j", later(api())).await;
    for number in 1..=3 {
        town.willing(number).await;
    }
    town.enter("j", 1, "").await;
    town.later(1).await;
    town.moves(&[(1, 1, 2), (1, 2, 3)]).await;
    assert_eq!((town.instances(2).await.len(), town.instances(3).await.len()), (0, 1));
    town.later(HOUR).await;
    assert_eq!((town.told(2).await, town.told(3).await), (vec![], vec!["m:queued".to_owned()]));
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn one_who_may_be_in_once_is_in_once_whatever_brought_them(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let fans = json!({"segment": {"key": "fans"}});
    town.willing(1).await;
    town.willing(2).await;
    town.member("fans", &[1], true).await;
    town.launch("j", later(json!({"segment_entered": {"when": fans, "members_at_launch": true}}))).await;
    town.later(0).await;
    town.member("fans", &[2], true).await;
    town.later(1).await;
    assert_ne!(town.instances(1).await[0].entry_key, town.instances(2).await[0].entry_key);
    town.give(&[2], 2, 1).await;
    town.later(HOUR).await;
    assert_eq!(town.told(1).await, ["m:queued"]);
    // Different carts of one person are two occasions.
    town.launch("cart", later(json!({"event": {"name": "cart", "key": "id"}}))).await;
    town.willing(5).await;
    town.willing(6).await;
    town.hear(&[(5, "cart", 0, json!({"id": "a"})), (6, "cart", 0, json!({"id": "b"}))]).await;
    town.run().await;
    town.give(&[6], 6, 5).await;
    town.later(HOUR).await;
    assert_eq!(town.told(5).await, ["m:queued", "m:queued"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_is_over_moves_too_and_a_split_gives_it_back(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.launch("j", mail(api())).await;
    town.willing(1).await;
    town.willing(2).await;
    town.enter("j", 2, "").await;
    town.later(1).await;
    assert_eq!(town.told(2).await, ["m:queued"]);
    let click = ClickRow {
        message: town.messages(2).await[0].id.clone(),
        kind: "click".into(),
        link: 0,
        at: town.now(),
        person: PersonId(2),
        bot_score: 0,
        signs: String::new(),
    };
    let mut tx = town.tx().await;
    messages::insert_click(&mut tx, W, &click).await.unwrap();
    tx.commit().await.unwrap();
    town.give(&[2], 2, 1).await;
    // Whoever was in it as either of them does not come in again.
    assert_eq!(town.enter("j", 1, "").await, 0);
    let clicks = messages::clicks_of(&mut town.store.read(), W, &click.message).await.unwrap();
    assert_eq!((clicks[0].person, town.told(1).await.len(), town.ends(1).await.len()), (PersonId(1), 1, 1));
    town.give(&[2], 1, 2).await;
    assert_eq!((town.ends(1).await.len(), town.ends(2).await.len(), town.told(2).await.len()), (0, 1, 1));
    assert_eq!(town.enter("j", 1, "").await, 1);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_split_takes_along_what_its_identifier_brought(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.launch("j", later(json!({"event": {"name": "cart", "key": "id"}}))).await;
    town.willing(1).await;
    town.identifier(1, 11, "user_id").await;
    town.hear(&[(1, "cart", 0, json!({"id": "a"}))]).await;
    town.run().await;
    // The other identifier goes: it brought nothing.
    town.give(&[11], 1, 3).await;
    assert_eq!((town.ends(1).await, town.ends(3).await), (vec!["-".to_owned()], vec![]));
    town.give(&[1], 1, 4).await;
    town.later(HOUR).await;
    assert_eq!((town.ends(1).await, town.told(4).await), (vec![], vec!["m:queued".to_owned()]));
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn caps_count_what_both_got(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let settings = json!({"quiet": null, "caps": [{"most": 1, "window": "day"}]});
    town.set(rapport_engagement::sending::Settings::from_json(&settings).unwrap()).await;
    town.launch("a", mail(api())).await;
    town.launch("b", mail(api())).await;
    town.willing(1).await;
    town.willing(2).await;
    town.enter("a", 2, "").await;
    town.later(1).await;
    town.give(&[2], 2, 1).await;
    town.enter("b", 1, "").await;
    town.later(1).await;
    assert_eq!(town.told(1).await, ["m:queued", "m:capped"]);
}

/// Every row of a table that is somebody's.
async fn counts(town: &Town) -> Vec<(&'static str, i64)> {
    let mut counts = Vec::new();
    for table in ["journey_instances", "journey_acts", "messages", "message_clicks", "dead_addresses"] {
        let text = Sql::assembled(format!("SELECT COUNT(*) FROM {table}"));
        counts.push((table, town.store.read().scalar(text, args![]).await.unwrap()));
    }
    counts
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn erasure_takes_all_of_one_and_nothing_of_others(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let form = json!({"entry": {"api": {}}, "start": "m", "nodes": [
        {"id": "m", "step": {"message": {"channel": "email", "template": "t", "next": "x"}}},
        {"id": "x", "step": {"set_trait": {"name": "x", "value": 1, "next": null}}}]});
    town.launch("j", but(form, json!({"reentry": "after_exit"}))).await;
    for number in 1..=3 {
        town.willing(number).await;
        town.enter("j", number, "").await;
        town.later(1).await;
        let id = town.messages(number).await[0].id.clone();
        let mut tx = town.tx().await;
        let click = ClickRow {
            message: id,
            kind: "open".into(),
            link: 0,
            at: town.now(),
            person: PersonId(number),
            bot_score: 0,
            signs: String::new(),
        };
        messages::insert_click(&mut tx, W, &click).await.unwrap();
        let dead = rapport_engagement::records::addresses::DeadRow {
            handle: Handle(number),
            channel: "email".into(),
            topic: String::new(),
            reason: "bounced".into(),
            since: town.now(),
            detail: "550".into(),
        };
        rapport_engagement::records::addresses::insert(&mut tx, W, &dead).await.unwrap();
        tx.commit().await.unwrap();
        town.enter("j", number, "").await;
    }
    // One of them was two before.
    town.give(&[2], 2, 1).await;
    let before = counts(&town).await;
    assert_eq!(
        before,
        [("journey_instances", 6), ("journey_acts", 5), ("messages", 5), ("message_clicks", 3), ("dead_addresses", 3)]
    );
    let tables = Tables::of(&[DATA_MAP]).unwrap();
    let subject = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(1), Handle(2)] };
    let mut tx = town.tx().await;
    tables.erase(&mut tx, &Subject { workspace: WorkspaceId(2), ..subject.clone() }).await.unwrap();
    tables.erase(&mut tx, &subject).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        counts(&town).await,
        [("journey_instances", 2), ("journey_acts", 1), ("messages", 1), ("message_clicks", 1), ("dead_addresses", 1)]
    );
    assert_eq!((town.ends(3).await.len(), town.told(3).await.len()), (2, 1));
    assert_eq!(tables.read(&mut town.store.read(), &subject).await.unwrap(), []);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_is_gone_is_out(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.launch("j", later(api())).await;
    town.willing(1).await;
    town.enter("j", 1, "").await;
    town.run().await;
    let mut tx = town.tx().await;
    tx.execute(Sql::assembled("DELETE FROM identifiers WHERE person = 1".to_owned()), args![]).await.unwrap();
    tx.commit().await.unwrap();
    town.later(HOUR).await;
    assert_eq!((town.ends(1).await, town.told(1).await), (vec!["gone".to_owned()], vec![]));
}

/// Nine in the morning in Auckland is ten hours before that in Berlin. Whoever turns out to live by that clock is looked at by it.
#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_lives_by_another_clock_waits_by_it(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let how = json!({"day": {"days": 1, "at": "09:00"}});
    let mut plan = later(api());
    plan["nodes"][0]["step"]["wait"]["how"] = how;
    town.set(Settings::from_json(&json!({"quiet": null, "caps": []})).unwrap()).await;
    town.launch("j", plan).await;
    for number in 1..=4 {
        town.willing(number).await;
    }
    // What the newest identifier says is where they are.
    town.identifier(2, 12, "phone").await;
    town.identifier(9, 11, "phone").await;
    let places = [(1, "Europe/Berlin"), (2, "Pacific/Auckland"), (3, "Europe/Berlin"), (4, "Europe/Berlin")];
    for (handle, zone) in [(11, "Pacific/Auckland"), (12, "Europe/Berlin")].into_iter().chain(places) {
        town.fact(handle, "trait.timezone", json!(zone)).await;
    }
    for number in 1..=4 {
        town.enter("j", number, "").await;
    }
    town.run().await;
    town.later(Timestamp::MINUTE).await;
    // One gets an identifier, one loses one, one tells it themselves.
    town.moves(&[(11, 9, 1), (12, 2, 9)]).await;
    town.fact(3, "trait.timezone", json!("Pacific/Auckland")).await;
    let mut tx = town.tx().await;
    let told = [(PersonId(3), "trait.timezone"), (PersonId(4), "trait.name")];
    entering::hear_facts(&mut tx, town.with(), told.into_iter()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(town.run().await.looked_at, 3, "nobody else is looked at");
    town.later(11 * HOUR).await;
    for number in 1..=3 {
        assert_eq!(town.told(number).await, ["m:queued"], "{number}");
    }
    assert_eq!(town.told(4).await, Vec::<String>::new());
    town.later(10 * HOUR).await;
    assert_eq!(town.told(4).await, ["m:queued"]);
}
