//! What the sample shop's club has to show on the pages of challenges, badges, leaderboards, partners, transfers, friends and the counter.

use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::tills;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::get;
use crate::world::{Browser, World};

fn rows(value: &Value) -> &[Value] {
    value["rows"].as_array().unwrap_or_else(|| panic!("no rows: {value}"))
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// Each page has something on it.
pub(crate) async fn pages_are_not_empty(world: &World, owner: &Browser) {
    challenges_go_on(world, owner).await;
    a_month_of_the_leaderboard_was_won(world, owner).await;
    partners_have_months(world, owner).await;
    members_sent_and_brought(world, owner).await;
    the_counter_told_receipts(world, owner).await;
    a_household_and_gift_cards_are_there(world, owner).await;
}

async fn a_household_and_gift_cards_are_there(world: &World, owner: &Browser) {
    let households = get(world, owner, "/api/v1/loyalty/households").await;
    assert_eq!(rows(&households)[0]["name"], "Hillside 7", "{households}");
    let cards = get(world, owner, "/api/v1/loyalty/gift-cards").await;
    assert!(rows(&cards).len() > 1, "{cards}");
}

async fn challenges_go_on(world: &World, owner: &Browser) {
    let all = get(world, owner, "/api/v1/loyalty/challenges").await;
    let found = |key: &str| rows(&all).iter().find(|it| it["key"] == key).unwrap_or_else(|| panic!("{key}: {all}"));
    for key in ["monthly", "coffee-card", "season"] {
        let figures = &found(key)["figures"];
        assert!(number(&figures["members"]) > 5 && number(&figures["steps"][0]["times"]) > 0, "{key}: {figures}");
        assert!(number(&figures["steps"][0]["points"]) > 0, "{key}: {figures}");
        let members = get(world, owner, &format!("/api/v1/loyalty/challenges/{key}/members")).await;
        assert!(!rows(&members).is_empty(), "{key}");
    }
    assert_eq!(found("shelves")["state"], "draft");
    let completed: i64 = rows(&all).iter().map(|it| number(&it["figures"]["completed"])).sum();
    assert!(completed > 0, "{all}");
    for badge in ["pioneer", "walker-of-the-month"] {
        let held = get(world, owner, &format!("/api/v1/loyalty/badges/{badge}/members")).await;
        assert!(!rows(&held).is_empty(), "{badge}");
    }
}

async fn a_month_of_the_leaderboard_was_won(world: &World, owner: &Browser) {
    let periods = get(world, owner, "/api/v1/loyalty/leaderboards/walkers/periods").await;
    let over = rows(&periods).iter().find(|it| it["settled_at"].is_string()).unwrap_or_else(|| panic!("{periods}"));
    let name = over["period"].as_str().unwrap().replace(' ', "%20");
    let path = "/api/v1/loyalty/leaderboards/walkers/ranking";
    let ranking = get(world, owner, &format!("{path}?period={name}")).await;
    let first = &rows(&ranking)[0];
    assert_eq!((&first["outcome"], &first["points"]), (&json!("given"), &json!(300)), "{ranking}");
    assert_eq!(first["badge"], "walker-of-the-month");
    assert!(rows(&ranking).len() > 2 && rows(&ranking).iter().all(|it| !it["name"].as_str().unwrap().is_empty()));
    let present = get(world, owner, path).await;
    assert_eq!(present["is_settled"], json!(false), "{present}");
}

async fn partners_have_months(world: &World, owner: &Browser) {
    let all = get(world, owner, "/api/v1/loyalty/partners").await;
    assert_eq!(rows(&all).len(), 2, "{all}");
    for partner in ["nordwind", "leuchtturm"] {
        let path = format!("/api/v1/loyalty/partners/{partner}/months");
        let months = get(world, owner, &path).await;
        assert!(rows(&months).len() > 3, "{months}");
        let (mut given, mut burned) = (0, 0);
        for row in rows(&months) {
            let month = get(world, owner, &format!("{path}/{}", row["month"].as_str().unwrap())).await;
            given += number(&month["given"]);
            burned += number(&month["burned"]);
            assert_eq!(month["proof"]["holds"], json!(true), "{month}");
        }
        assert!(given > 0 && burned > 0, "{partner}: {given} {burned}");
    }
    let months = get(world, owner, "/api/v1/loyalty/partners/nordwind/months").await;
    let closed: Vec<&Value> = rows(&months).iter().filter(|it| it["is_closed"] == true).collect();
    let open = rows(&months).iter().filter(|it| it["is_closed"] == false).count();
    assert!(!closed.is_empty() && open > 0, "{months}");
    let month = closed[closed.len() - 1]["month"].as_str().unwrap();
    let closed = get(world, owner, &format!("/api/v1/loyalty/partners/nordwind/months/{month}")).await;
    assert!(closed["closed"]["closed_at"].is_string() && closed["owes"] != "nobody", "{closed}");
    // It was paid in the month behind it.
    let mut paid = 0;
    for row in rows(&months) {
        let path = format!("/api/v1/loyalty/partners/nordwind/months/{}", row["month"].as_str().unwrap());
        paid += i64::from(get(world, owner, &path).await["paid"] != "0.00");
    }
    assert!(paid > 0, "{months}");
}

async fn members_sent_and_brought(world: &World, owner: &Browser) {
    let all = get(world, owner, "/api/v1/loyalty/transfers").await;
    let of = |state: &str| rows(&all).iter().filter(|it| it["state"] == state).count();
    assert!(of("done") > 1 && of("claimed") > 0 && of("open") == 1 && of("refused") == 0, "{all}");
    let referrals = get(world, owner, "/api/v1/loyalty/referrals").await;
    assert!(rows(&referrals).iter().any(|it| it["state"] == "joined"), "{referrals}");
}

async fn the_counter_told_receipts(world: &World, owner: &Browser) {
    let members = get(world, owner, "/api/v1/loyalty/members?limit=200").await;
    let numbers = rows(&members).iter().map(|it| MemberId(it["member_id"].as_str().unwrap().parse().unwrap()));
    let numbers: Vec<MemberId> = numbers.collect();
    let told = tills::of_members(&mut world.app.installation.store.read(), FIRST, &numbers).await.unwrap();
    assert!(!told.is_empty(), "no receipts");
    for receipt in told {
        let awards = get(world, owner, &format!("/api/v1/loyalty/members/{}/awards", receipt.member)).await;
        let own = format!("till/hamburg/{}", receipt.receipt);
        assert!(awards.to_string().contains(&own), "{receipt:?}: {awards}");
    }
}
