//! Going on: what is written together, turns, priorities, and what another part had not heard of yet.

use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_engagement::MIGRATIONS;
use rapport_engagement::plans::Plans;
use rapport_engagement::records::addresses::{self, DeadRow};
use rapport_engagement::records::{acts, instances, journeys, messages};
use rapport_engagement::sending::Settings;
use rapport_engagement::service::entering::{Occasion, With, enter};
use rapport_engagement::service::{launching, running};
use rapport_privacy::MIGRATIONS as PRIVACY;
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_segments::MIGRATIONS as SEGMENTS;
use rapport_store::testing::TestDatabase;
use rapport_store::{Queries, args, db_test, sql};
use serde_json::{Value, json};

use crate::town::{Town, W, but, later, mail};

const HOUR: i64 = Timestamp::HOUR;

fn api() -> Value {
    json!({"api": {}})
}

fn capped(most: u32) -> Settings {
    Settings::from_json(&json!({"quiet": null, "caps": [{"most": most, "window": "day"}]})).unwrap()
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_was_not_committed_is_done_again_once(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let form = json!({"entry": {"api": {}}, "start": "x", "nodes": [
        {"id": "x", "step": {"webhook": {"url": "https://a.example/", "next": "m"}}},
        {"id": "m", "step": {"message": {"channel": "email", "template": "t", "next": null}}}]});
    town.launch("j", form).await;
    town.willing(1).await;
    town.enter("j", 1, "").await;
    for _ in 0..3 {
        let mut tx = town.tx().await;
        let rows = instances::due(&mut tx, W, town.now(), 1, 100).await.unwrap();
        assert_eq!(rows.len(), 1);
        running::run(&mut tx, town.with(), rows, town.now()).await.unwrap();
        tx.rollback().await.unwrap();
    }
    assert_eq!((town.told(1).await, town.flows("j").await.len()), (vec![], 0));
    let ran = town.run().await;
    assert_eq!((ran.looked_at, ran.messages, ran.acts), (1, 1, 1));
    let due = acts::due_webhooks(&mut town.store.read(), town.now(), &[], 10).await.unwrap();
    assert_eq!((due.len(), due[0].kind.as_str(), due[0].person), (1, "webhook", PersonId(1)));
    // Stored twice it is there once: a message is one for its instance, node and visit.
    let row = messages::MessageRow { id: "msg_other".into(), ..town.messages(1).await[0].clone() };
    let mut tx = town.tx().await;
    assert_eq!(messages::insert(&mut tx, W, &[row]).await.unwrap(), 0);
    acts::insert(&mut tx, &[acts::ActRow { id: "act_other".into(), ..due[0].clone() }]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(acts::due_webhooks(&mut town.store.read(), town.now(), &[], 10).await.unwrap().len(), 1);
}

/// Two journeys of each person and room for one message: whoever looks second sees what the first one decided.
#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn two_who_look_at_once_do_not_both_pass_a_cap(db: TestDatabase) {
    const PEOPLE: i64 = 240;
    let mut town = Town::new(db).await;
    town.set(capped(1)).await;
    for journey in ["a", "b"] {
        town.launch(journey, mail(api())).await;
    }
    for number in 1..=PEOPLE {
        town.willing(number).await;
    }
    // One of the journeys is due first for all, so that two who look at once look at different ones.
    for journey in ["a", "b"] {
        for number in 1..=PEOPLE {
            assert_eq!(town.enter(journey, number, "").await, 1);
        }
        town.clock.advance(1);
    }
    let work = async || {
        let mut messages = 0;
        loop {
            let ran = running::run_due(&town.store, town.with(), 1).await.unwrap();
            if ran == running::Ran::default() {
                return messages;
            }
            messages += ran.messages;
        }
    };
    let (one, other, third) = tokio::join!(work(), work(), work());
    assert_eq!(one + other + third, usize::try_from(PEOPLE).unwrap());
    for number in 1..=PEOPLE {
        let mut told = town.told(number).await;
        told.sort();
        assert_eq!(told, ["m:capped", "m:queued"], "{number}");
    }
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn turns_are_given_over_transactions(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let form = json!({"entry": {"api": {}}, "start": "r", "nodes": [
        {"id": "r", "step": {"rate_limit": {"most": 3, "per": "10m", "next": "m"}}},
        {"id": "m", "step": {"message": {"channel": "email", "template": "t", "next": null}}}]});
    town.launch("j", form).await;
    for number in 1..=10 {
        town.willing(number).await;
        town.enter("j", number, "").await;
        town.run().await;
    }
    let mut passed = Vec::new();
    for _ in 0..5 {
        let mut done = 0;
        for number in 1..=10 {
            done += town.told(number).await.len();
        }
        passed.push(done);
        town.later(10 * Timestamp::MINUTE).await;
    }
    assert_eq!(passed, [3, 6, 9, 10, 10]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn parallel_journeys_cannot_both_pass_a_cap(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.set(capped(1)).await;
    town.willing(1).await;
    for (key, priority) in [("a", 1), ("b", 3), ("c", 2)] {
        town.launch(key, but(mail(api()), json!({"priority": priority}))).await;
        town.enter(key, 1, "").await;
    }
    town.run().await;
    let rows = town.messages(1).await;
    let mut told: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.journey.as_deref().unwrap(), row.reason.as_deref().unwrap_or("-")))
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["a capped", "b -", "c capped"], "the one that matters most goes out");
    // What was not sent leaves its place to others.
    let sent = rows.iter().find(|row| row.state == "queued").unwrap();
    let failed = messages::Outcome { reason: Some("unwritable"), ..messages::Outcome::of("failed") };
    let mut tx = town.tx().await;
    messages::note(&mut tx, &sent.id, &failed).await.unwrap();
    tx.commit().await.unwrap();
    town.launch("d", mail(api())).await;
    town.enter("d", 1, "").await;
    assert_eq!(town.later(1).await.messages, 1);
    // Tried again it has no place: whoever hands it over asks for one, as for what is decided anew.
    let mut tx = town.tx().await;
    assert_eq!(messages::replay(&mut tx, W, Some(&sent.id), town.now(), 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let counted = messages::counted(&mut town.store.read(), W, &[PersonId(1)], Timestamp(0)).await.unwrap();
    assert_eq!(counted.len(), 1);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_matters_more_and_has_written_leaves_the_rest(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.set(capped(2)).await;
    town.willing(1).await;
    // Looked at in one transaction: the first takes one of two places, and is not about to write any more when the other is asked.
    for (key, priority) in [("low", 0), ("high", 5)] {
        town.launch(key, but(later(api()), json!({"priority": priority}))).await;
        town.enter(key, 1, "").await;
    }
    town.run().await;
    town.later(HOUR).await;
    assert_eq!(town.told(1).await, ["m:queued", "m:queued"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn the_last_place_waits_for_who_matters_more(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.set(capped(1)).await;
    for number in 1..=3 {
        town.willing(number).await;
    }
    town.launch("low", but(mail(api()), json!({"priority": 0}))).await;
    town.launch("high", but(later(api()), json!({"priority": 5}))).await;
    town.launch("bill", but(later(api()), json!({"priority": 9, "class": "transactional"}))).await;
    town.enter("high", 1, "").await;
    town.enter("bill", 2, "").await;
    town.run().await;
    for number in 1..=3 {
        town.enter("low", number, "").await;
    }
    town.run().await;
    assert_eq!(town.told(1).await, ["m:yielded"]);
    assert_eq!(
        (town.told(2).await, town.told(3).await),
        (vec!["m:queued".to_owned()], vec!["m:queued".to_owned()]),
        "a bill takes no place"
    );
    town.later(HOUR).await;
    assert_eq!(town.told(1).await, ["m:yielded", "m:queued"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_is_not_let_in_keeps_no_place(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.set(capped(1)).await;
    town.willing(1).await;
    town.member("vip", &[2], true).await;
    let of_vips = json!({"priority": 5, "audience": {"segment": {"key": "vip"}}});
    for (key, with) in [("low", json!({"priority": 0})), ("high", of_vips)] {
        town.launch(key, but(mail(api()), with)).await;
        town.enter(key, 1, "").await;
    }
    // The one that matters more is looked at first, and refuses them: in the same transaction the other has the place.
    town.run().await;
    assert_eq!(town.told(1).await, ["m:queued"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_runs_with_old_plans_is_in_nobodys_way(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let empty = Plans::load(&mut town.store.read(), W, town.plans.calendar.clone()).await.unwrap();
    for number in 1..=3 {
        town.willing(number).await;
    }
    town.launch("j", mail(api())).await;
    for number in 1..=3 {
        town.enter("j", number, "").await;
    }
    let old = With { plans: &empty, ..town.with() };
    let ran = running::run_due(&town.store, old, 1).await.unwrap();
    assert_eq!((ran.looked_at, ran.unplanned), (0, 3), "it is told that there are plans it has not");
    assert_eq!(running::run_due(&town.store, old, 1).await.unwrap(), running::Ran::default());
    assert_eq!(town.later(10 * Timestamp::SECOND).await.messages, 3);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn nobody_begins_before_their_time(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.willing(1).await;
    town.launch(
        "j",
        but(mail(api()), json!({"audience": {"segment": {"key": "fans"}}, "goal": {"event": {"name": "buy"}}})),
    )
    .await;
    let mut tx = town.tx().await;
    let occasion = Occasion { from: town.now().plus(3 * HOUR), ..Occasion::now(PersonId(1), "", town.now()) };
    enter(&mut tx, town.with(), town.plans.open("j").unwrap(), vec![occasion]).await.unwrap();
    tx.commit().await.unwrap();
    // A membership, an event and a merge wake them; their time has not come. What they do before it is nothing to it.
    town.member("fans", &[1], true).await;
    town.hear(&[(1, "buy", 0, json!({}))]).await;
    town.later(HOUR).await;
    assert_eq!((town.ends(1).await, town.told(1).await), (vec!["-".to_owned()], vec![]));
    town.later(2 * HOUR - 1).await;
    assert_eq!(town.told(1).await, [""; 0]);
    town.later(1).await;
    assert_eq!(town.told(1).await, ["m:queued"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn of_several_addresses_one_that_lives_is_written_to(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.launch("j", but(mail(api()), json!({"reentry": "after_exit"}))).await;
    town.willing(1).await;
    town.identifier(1, 11, "email").await;
    let dead = async |town: &Town, handle, reason: &str| {
        let row = DeadRow {
            handle: Handle(handle),
            channel: "email".into(),
            topic: String::new(),
            reason: reason.into(),
            since: town.now(),
            detail: String::new(),
        };
        let mut tx = town.tx().await;
        addresses::insert(&mut tx, W, &row).await.unwrap();
        tx.commit().await.unwrap();
    };
    let next = async |town: &Town| {
        town.enter("j", 1, "").await;
        town.later(1).await;
        let row = town.messages(1).await.pop().unwrap();
        (row.handle.map(|handle| handle.0), row.reason)
    };
    assert_eq!(next(&town).await, (Some(1), None));
    dead(&town, 1, "bounced").await;
    assert_eq!(next(&town).await, (Some(11), None));
    // Who complained at one address is not written to at another.
    dead(&town, 1, "complained").await;
    dead(&town, 11, "complained").await;
    assert_eq!(next(&town).await.1.as_deref(), Some("suppressed"));
    town.willing(2).await;
    town.identifier(2, 22, "email").await;
    dead(&town, 22, "complained").await;
    town.enter("j", 2, "").await;
    town.later(1).await;
    assert_eq!(town.told(2).await, ["m:suppressed"]);
    town.willing(3).await;
    dead(&town, 3, "bounced").await;
    town.enter("j", 3, "").await;
    town.later(1).await;
    assert_eq!(town.told(3).await, ["m:suppressed"]);
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn what_a_stopped_journey_had_to_do_is_dropped(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let form = json!({"entry": {"api": {}}, "start": "x", "nodes": [
        {"id": "x", "step": {"webhook": {"url": "https://a.example/", "next": "t"}}},
        {"id": "t", "step": {"set_trait": {"name": "vip", "value": true, "next": null}}}]});
    for journey in ["j", "k"] {
        town.launch(journey, form.clone()).await;
    }
    town.willing(1).await;
    town.enter("j", 1, "").await;
    town.enter("k", 1, "").await;
    town.run().await;
    let due = async |town: &Town| {
        let mut all = acts::due_here(&mut town.store.read(), town.now(), 10).await.unwrap();
        all.extend(acts::due_webhooks(&mut town.store.read(), town.now(), &[], 10).await.unwrap());
        all
    };
    let before = due(&town).await;
    assert_eq!(before.len(), 4);
    let but = ["https://a.example/".to_owned()];
    assert_eq!(acts::due_webhooks(&mut town.store.read(), town.now(), &but, 10).await.unwrap(), []);
    rapport_engagement::service::launching::stop(&town.store, W, "j", town.now()).await.unwrap();
    assert!(due(&town).await.iter().all(|row| row.journey == "k"));
    assert_eq!(due(&town).await.len(), 2);
    // One was under way meanwhile: it does not come back when it failed, and is known as done when it was.
    let state = async |town: &Town, id: &str| -> (String, Option<String>) {
        let text = sql!("SELECT state, error FROM journey_acts WHERE id = $1");
        town.store.read().fetch_all(text, args![id]).await.unwrap().remove(0)
    };
    let under_way = before.iter().find(|row| row.journey == "j").unwrap().clone();
    let failed = acts::ActRow { due_at: Some(town.now()), error: Some("it answered 500".into()), ..under_way.clone() };
    let done = acts::ActRow { state: acts::DONE.into(), due_at: None, ..under_way.clone() };
    for (row, wanted) in [(failed, ("skipped", Some("stopped"))), (done, ("done", None))] {
        let mut tx = town.tx().await;
        acts::note(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(state(&town, &under_way.id).await, (wanted.0.to_owned(), wanted.1.map(str::to_owned)));
    }
    assert_eq!(due(&town).await.len(), 2);
}

/// What is on its way may arrive today: it takes a place each day until it is sent, and then that of the day on which it was.
#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_message_counts_on_the_day_on_which_it_goes_out(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.set(capped(1)).await;
    town.willing(1).await;
    town.launch("j", but(mail(api()), json!({"reentry": "after_exit"}))).await;
    let ask = async |town: &Town| {
        town.enter("j", 1, "").await;
        town.run().await;
        let rows = town.messages(1).await;
        let of_now = rows.into_iter().find(|row| row.decided_at == town.now()).unwrap();
        (of_now.id, of_now.reason.unwrap_or_default())
    };
    let (first, _) = ask(&town).await;
    town.later(Timestamp::DAY).await;
    assert_eq!(ask(&town).await.1, "capped", "the first one waits since yesterday");
    let sent = messages::Outcome { sent_at: Some(town.now()), ..messages::Outcome::of("sent") };
    let mut tx = town.tx().await;
    messages::note(&mut tx, &first, &sent).await.unwrap();
    tx.commit().await.unwrap();
    town.later(1).await;
    assert_eq!(ask(&town).await.1, "capped", "it went out today, whenever it was decided");
    town.later(Timestamp::DAY).await;
    let (held, reason) = ask(&town).await;
    assert_eq!(reason, "");
    // A pause keeps its place.
    let mut tx = town.tx().await;
    assert_eq!(messages::hold_queued(&mut tx, W, "j", 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
    town.later(Timestamp::DAY).await;
    assert_eq!(
        (town.messages(1).await.iter().find(|row| row.id == held).unwrap().state.as_str(), ask(&town).await.1.as_str()),
        ("held", "capped")
    );
}

#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn who_is_out_is_not_sent_what_was_queued_before(db: TestDatabase) {
    let mut town = Town::new(db).await;
    let form = json!({"entry": {"api": {}}, "start": "m", "goal": {"event": {"name": "bought"}}, "exits": {"at_goal": true}, "nodes": [
        {"id": "m", "step": {"message": {"channel": "email", "template": "t", "next": "w"}}},
        {"id": "w", "step": {"wait": {"how": {"for": "1d"}, "next": null}}}]});
    town.launch("j", form).await;
    for number in 1..=4 {
        town.willing(number).await;
        town.enter("j", number, "").await;
    }
    town.run().await;
    // One was handed over already; one reaches the goal, one is taken out by hand, one stays until the end.
    let sending = town.messages(2).await.remove(0);
    let mut tx = town.tx().await;
    messages::take(&mut tx, &sending, "<1@x>", town.now()).await.unwrap();
    assert_eq!(launching::take_out(&mut tx, W, "j", PersonId(3), town.now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    town.hear(&[(1, "bought", 0, json!({})), (2, "bought", 0, json!({}))]).await;
    town.run().await;
    assert_eq!(town.told(1).await, ["m:left_journey"]);
    assert_eq!(town.told(2).await, ["m:sending"], "it may have arrived");
    assert_eq!(town.told(3).await, ["m:left_journey"]);
    town.later(Timestamp::DAY).await;
    assert_eq!((town.told(4).await, town.ends(4).await), (vec!["m:queued".to_owned()], vec!["completed".to_owned()]));
    let counted =
        messages::counted(&mut town.store.read(), W, &[PersonId(1), PersonId(3)], Timestamp(0)).await.unwrap();
    assert_eq!(counted, [], "its place is free");
}

/// Whoever stops a journey while somebody looks at it waits, and ends what that look wrote.
#[db_test(PROFILES, SEGMENTS, PRIVACY, MIGRATIONS)]
async fn a_look_that_is_under_way_does_not_bring_back_who_is_stopped(db: TestDatabase) {
    let mut town = Town::new(db).await;
    town.launch("j", mail(api())).await;
    town.willing(1).await;
    town.enter("j", 1, "").await;
    let mut tx = town.tx().await;
    journeys::hold(&mut tx, W).await.unwrap();
    let rows = instances::due(&mut tx, W, town.now(), 1, 100).await.unwrap();
    assert_eq!(rows.len(), 1);
    let (store, now) = (town.store.clone(), town.now());
    let stopping = tokio::spawn(async move { launching::stop(&store, W, "j", now).await.unwrap() });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    running::run(&mut tx, town.with(), rows, now).await.unwrap();
    tx.commit().await.unwrap();
    stopping.await.unwrap();
    assert_eq!(town.told(1).await, ["m:stopped"]);
    assert!(town.instances(1).await.iter().all(|row| row.ended_at.is_some()));
}
