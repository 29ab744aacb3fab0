//! The sample shop's journeys: people at every step, each number true, and nothing that could ever be sent.

use rapport_domain::Timestamp;
use rapport_sample::SampleShop;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::{engaging, messages};
use serde_json::{Value, json};

use crate::engaging::get;
use crate::world::World;

fn sum(rows: &Value, what: &str) -> i64 {
    rows.as_array().unwrap().iter().map(|row| row[what].as_i64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_shops_journeys_have_people_at_every_step_and_send_nothing() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let installation = world.app.installation.clone();
    let now = world.clock_now();
    let (_, filled) = world.fill(200, 5).await;
    messages::sample::save(&installation.store, FIRST, SampleShop::NAME, now, "demo").await.unwrap();
    engaging::sample::save(&installation, FIRST, &filled.offered, &filled.lived, "demo").await.unwrap();
    world.clock.advance(Timestamp::SECOND);
    let listed = get(&world, &owner, "/api/v1/journeys").await;
    for key in ["welcome", "abandoned-cart", "order-news"] {
        let row = listed["rows"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
        let report = get(&world, &owner, &format!("/api/v1/journeys/{key}/report")).await;
        let (entered, active) = (row["entered"].as_i64().unwrap(), row["active"].as_i64().unwrap());
        assert!(entered > 3, "{key}: {row}");
        assert_eq!(entered, active + sum(&report["ends"], "people"), "{key}: {report}");
        assert_eq!(active, sum(&report["nodes"], "waiting"), "{key}: {report}");
        for node in report["nodes"].as_array().unwrap() {
            let figure = |name: &str| node[name].as_i64().unwrap();
            // Whoever reached the goal left from where they were.
            assert!(figure("entered") > 0 && figure("entered") >= figure("waiting") + figure("left"), "{key}: {node}");
        }
        for name in ["sent", "delivered", "clicked"] {
            assert_eq!(row[name], report["messages"][name], "{key}: {name}");
        }
        let sent = &report["messages"];
        assert_eq!((&sent["queued"], &sent["failed"]), (&json!(0), &json!(0)), "{report}");
        let arrived = if key == "order-news" { "sent" } else { "delivered" };
        assert!(sent[arrived].as_i64().unwrap() > 0, "{key}: {report}");
        let page = get(&world, &owner, &format!("/api/v1/journeys/{key}")).await;
        let findings = page["findings"].as_array().unwrap();
        assert!(findings.iter().all(|it| it["severity"] != "error"), "{page}");
    }
    // Whoever did not agree was not written to, and it says so.
    let report = get(&world, &owner, "/api/v1/journeys/abandoned-cart/report").await;
    assert!(report["messages"]["skipped"].as_i64().unwrap() > 0 && report.to_string().contains("consent"), "{report}");
    let due = rapport_engagement::records::messages::queue(&mut installation.store.read(), FIRST).await.unwrap();
    assert_eq!(due.0, 0, "nothing can go out");
    // There is something to choose, a text that was agreed to, and a place on the site that can be tried out.
    let topics = get(&world, &owner, "/api/v1/privacy/topics").await;
    let keys: Vec<&str> = topics["rows"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["news", "offers", "reminders"], "{topics}");
    let notices = get(&world, &owner, "/api/v1/privacy/notices").await;
    assert_eq!(notices["rows"][0]["key"], "newsletter", "{notices}");
    let slots = get(&world, &owner, "/api/v1/slots").await;
    assert_eq!((&slots["rows"][0]["key"], &slots["rows"][0]["views"]), (&json!("home-banner"), &json!(0)), "{slots}");
    // There is something in inboxes, on the list of an advertising platform, and among what people asked for.
    engaging::sample::asked::save(&installation, &world.app.pipeline, FIRST, (&filled.offered, &filled.lived), "demo")
        .await
        .unwrap();
    let inbox = get(&world, &owner, "/api/v1/inbox/figures").await;
    assert!(inbox["rows"][0]["messages"].as_i64().unwrap() > 3, "{inbox}");
    let audiences = get(&world, &owner, "/api/v1/audiences").await;
    assert_eq!((&audiences["rows"][0]["segment"], &audiences["rows"][0]["way"]), (&json!("frequent"), &json!("file")));
    let asked = get(&world, &owner, "/api/v1/privacy/requests").await;
    let mut kinds: Vec<(&str, &str)> = Vec::new();
    for row in asked["rows"].as_array().unwrap() {
        kinds.push((row["kind"].as_str().unwrap(), row["state"].as_str().unwrap()));
    }
    kinds.sort_unstable();
    assert_eq!(kinds, [("access", "done"), ("access", "received"), ("erasure", "done"), ("restriction", "done")]);
    // What went out is over.
    let campaign = get(&world, &owner, "/api/v1/journeys/free-shipping").await;
    assert_eq!(campaign["summary"]["state"], "finished", "{campaign}");
    // The campaign's split says what it brought in, although nobody was held out.
    let effect = get(&world, &owner, "/api/v1/journeys/free-shipping/effect").await;
    let found = &effect["holdout"];
    assert_eq!(found["by"], "split", "{effect}");
    let people = found["held_out"].as_i64().unwrap() + found["treated"].as_i64().unwrap();
    assert_eq!(people, i64::try_from(filled.offered.len()).unwrap());
    assert!(!found["metrics"][0]["sentences"][0]["text"].as_str().unwrap().is_empty());
    // The policy that goes on from its groups decided for all of them, and learnt of all but those who refused or were restricted.
    rapport_server::policies::sample::save(&installation, FIRST, &filled.offered, "demo").await.unwrap();
    let policy = get(&world, &owner, "/api/v1/policies/shipping-offer/readout").await;
    assert_eq!((sum(&policy["arms"], "decisions"), &policy["waiting"]), (people, &json!(0)), "{policy}");
    let learnt = sum(&policy["arms"], "learnt");
    assert_eq!(policy["rewards"], json!(learnt), "{policy}");
    assert!(learnt < people && 10 * learnt > 8 * people, "{policy}");
}
