//! What the programme amounts to, and why a member has what they have: figures that are sums of the ledger, and the sample shop's club.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::records::books::{self, Months};
use rapport_loyalty::verify::verify;
use rapport_server::auth::Role;
use rapport_server::engaging::telling;
use rapport_server::points::sample as club;
use rapport_server::records::workspaces::FIRST;
use rapport_store::Priority;
use serde_json::{Value, json};

use crate::engaging::{call, get};
use crate::world::{Browser, World};

const DAY: i64 = Timestamp::DAY;

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn rows(value: &Value) -> &[Value] {
    value["rows"].as_array().unwrap_or_else(|| panic!("no rows: {value}"))
}

async fn club_of(customers: u32) -> (World, Browser) {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (source, filled) = world.fill(customers, 7).await;
    let installation = &world.app.installation;
    club::run(installation, (FIRST, source), &filled.rewarded, world.clock_now(), "demo").await.unwrap();
    (world, owner)
}

/// Everything that is told of what is known already changes nothing.
async fn told(world: &World) {
    telling::tell(&world.app.installation, FIRST).await.unwrap();
    world.app.pipeline.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_shops_club_was_lived_in_the_order_of_time_and_its_figures_are_sums_of_the_ledger() {
    let (world, owner) = club_of(400).await;
    told(&world).await;
    let installation = &world.app.installation;
    assert_eq!(verify(&mut installation.store.read(), FIRST).await.unwrap().findings, []);
    books_are_kept(&world).await;

    let overview = get(&world, &owner, "/api/v1/loyalty/overview").await;
    let points = &overview["wallets"][0];
    for flow in ["issued", "taken_back", "redeemed", "lapsed"] {
        assert!(number(&points["ever"][flow]) > 0, "{flow}: {points}");
    }
    assert!(number(&overview["members"]) > 200 && number(&overview["joined_before"]) > 0, "{overview}");
    assert!(number(&overview["earning"]) > 50 && number(&overview["earning"]) <= number(&overview["members"]));
    assert_eq!(overview["wallets"].as_array().unwrap().len(), 3);
    let periods = points["periods"].as_array().unwrap();
    // It is spread over the year, and what members had at the end of each period is what they had before, and what came and went.
    let spent = periods.iter().filter(|it| number(&it["redeemed"]) > 0).count();
    assert!(spent > 8, "{points}");
    for two in periods.windows(2) {
        let flow = |name: &str| number(&two[1][name]);
        let moved = flow("issued") + flow("adjusted") - flow("taken_back") - flow("redeemed") - flow("lapsed");
        assert_eq!(number(&two[1]["outstanding"]) - number(&two[0]["outstanding"]), moved, "{points}");
    }
    let has = number(&points["pending"]) + number(&points["available"]) + number(&points["held"]);
    assert_eq!(number(&periods.last().unwrap()["outstanding"]), has - number(&points["owed"]));

    what_it_comes_to_is_what_the_books_say(&world, &owner, &overview).await;

    // The schedule sums to what there is.
    let lapsing = get(&world, &owner, "/api/v1/loyalty/lapsing").await;
    let months = lapsing["months"].as_array().unwrap();
    assert_eq!((number(&lapsing["points"]), months.iter().map(|it| number(&it["points"])).sum::<i64>()), (has, has));
    assert!(months.len() > 6 && months.iter().all(|it| it["from"].is_string()), "{lapsing}");
    let stamps = get(&world, &owner, "/api/v1/loyalty/lapsing?wallet=stamps").await;
    assert_eq!(stamps["months"].as_array().unwrap().len(), 1, "they never lapse: {stamps}");
    assert_eq!(stamps["months"][0]["from"], Value::Null);

    // What rules gave in the last year is what was issued in their wallet, less what was taken back; welcome is ended and still told of.
    let figures = get(&world, &owner, "/api/v1/loyalty/rules/figures").await;
    let given = |rule: &str| -> i64 {
        let found = rows(&figures).iter().find(|it| it["rule"] == rule).unwrap_or_else(|| panic!("{rule}: {figures}"));
        found["months"].as_array().unwrap().iter().map(|it| number(&it["points"])).sum()
    };
    assert!(given("euro") > given("camping") && given("camping") > 0 && given("northern-lights") > 0, "{figures}");
    let rules = get(&world, &owner, "/api/v1/loyalty/rules?ended=true").await;
    let mut states: Vec<&str> = rows(&rules).iter().filter_map(|it| it["state"].as_str()).collect();
    states.sort_unstable();
    states.dedup();
    assert_eq!(states, ["draft", "ended", "live", "paused"]);

    rules_are_tried_on_the_latest_orders(&world, &owner).await;
    members_are_found(&world, &owner).await;
    why_everybody_has_what_they_have(&world, &owner).await;
    crate::loyalty_sample::pages_are_not_empty(&world, &owner).await;
}

/// Keeps the books as the server does by itself, up to near the ledger's end.
async fn books_are_kept(world: &World) {
    let installation = &world.app.installation;
    let programs = installation.programs.get(&mut installation.store.read(), FIRST).await.unwrap();
    let program = &programs.latest().unwrap().program;
    let months = Months::of(&program.calendar().unwrap(), &program.zone);
    loop {
        let step = books::next(&mut installation.store.read(), FIRST, &months, books::STEP).await.unwrap();
        let Some(step) = step else { break };
        let mut tx = installation.store.begin(Priority::Background).await.unwrap();
        books::keep(&mut tx, FIRST, &months, step).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// The books say here what they say on their own page; and a rule that holds somebody out can be measured.
async fn what_it_comes_to_is_what_the_books_say(world: &World, owner: &Browser, overview: &Value) {
    for wallet in overview["wallets"].as_array().unwrap() {
        let (key, found) = (wallet["wallet"].as_str().unwrap(), &wallet["books"]);
        let page = get(world, owner, &format!("/api/v1/loyalty/liability?wallet={key}")).await;
        assert_eq!(found["redemption_by"], page["redemption_by"], "{wallet}: {page}");
        let liability = if page["worth"].is_null() { &Value::Null } else { &page["liability"] };
        assert_eq!(&found["liability"]["amount"], liability, "{wallet}: {page}");
        let breakage = 1.0 - page["expected_redemption"].as_f64().unwrap();
        let expected = Some(breakage).filter(|_| page["redemption_by"] != "all");
        let millionths = |share: Option<f64>| share.map(|it| (it * 1e6).round() as i64);
        assert_eq!(millionths(found["expected_breakage"].as_f64()), millionths(expected), "{wallet}: {page}");
    }
    let points = &overview["wallets"][0]["books"];
    assert!(points["liability"]["amount"].is_string(), "{points}");
    let rules = get(world, owner, "/api/v1/loyalty/rules").await;
    let live: Vec<&Value> = rows(&rules).iter().filter(|it| it["state"] == "live").collect();
    let held = live.iter().filter(|it| it["rule"]["holdout_percent"].as_i64().is_some_and(|percent| percent > 0));
    assert_eq!((&overview["live_rules"], &overview["measured_rules"]), (&json!(live.len()), &json!(held.count())));
}

async fn rules_are_tried_on_the_latest_orders(world: &World, owner: &Browser) {
    let orders = get(world, owner, "/api/v1/loyalty/occasions?event=order_completed").await;
    assert_eq!(rows(&orders).len(), 12, "{orders}");
    for order in rows(&orders) {
        let ask =
            json!({"event": "Order Completed", "properties": order["properties"], "person_id": order["person_id"]});
        let rated = call(world, owner, Method::POST, "/api/v1/loyalty/ratings", ask).await.json();
        let euro = rated["lines"].as_array().unwrap().iter().find(|it| it["rule"] == "euro").unwrap();
        let paid = order["properties"]["subtotal"].as_f64().unwrap();
        assert_eq!(number(&euro["points"]), paid.floor() as i64, "{order}: {rated}");
    }
    let none = get(world, owner, "/api/v1/loyalty/occasions?event=Signed%20Up").await;
    assert_eq!(none["rows"], json!([]));
}

async fn members_are_found(world: &World, owner: &Browser) {
    let some = get(world, owner, "/api/v1/loyalty/members?limit=3").await;
    let member = &rows(&some)[1];
    let (id, person) = (member["member_id"].as_str().unwrap(), member["person_id"].as_str().unwrap());
    let name = member["person_name"].as_str().unwrap().replace(' ', "%20");
    for query in [format!("person_id={person}"), format!("search={id}"), format!("search={name}")] {
        let found = get(world, owner, &format!("/api/v1/loyalty/members?{query}")).await;
        assert!(rows(&found).iter().any(|it| it["member_id"] == id), "{query}: {found}");
        assert_eq!(found["next"], Value::Null);
    }
    let blocked = get(world, owner, "/api/v1/loyalty/members?standing=blocked").await;
    assert_eq!(rows(&blocked).len(), 1, "{blocked}");
    let none = get(world, owner, &format!("/api/v1/loyalty/members?standing=closed&search={id}")).await;
    assert_eq!(none["rows"], json!([]));
}

async fn why_everybody_has_what_they_have(world: &World, owner: &Browser) {
    let members = get(world, owner, "/api/v1/loyalty/members?limit=200").await;
    let mut debts = 0;
    for member in &rows(&members)[..60] {
        let path = format!("/api/v1/loyalty/members/{}", member["member_id"].as_str().unwrap());
        let why = get(world, owner, &format!("{path}/why")).await;
        let lots = why["lots"].as_array().unwrap();
        for part in ["pending", "available", "held"] {
            assert_eq!(lots.iter().map(|it| number(&it[part])).sum::<i64>(), number(&why[part]), "{part}: {why}");
        }
        let now = member["wallets"].as_array().unwrap().iter().find(|it| it["wallet"] == "points");
        assert_eq!(now.map_or(0, |it| number(&it["available"])), number(&why["available"]), "{member}: {why}");
        debts += why["debts"].as_array().unwrap().len();
        // Half a year ago, by what was known then: nothing that was written down later.
        let then = world.clock_now().plus(-180 * DAY).to_rfc3339();
        let past = get(world, owner, &format!("{path}/why?at={then}&known_at={then}")).await;
        let moved = past["lots"].as_array().unwrap().iter().flat_map(|it| it["movements"].as_array().unwrap());
        for movement in moved {
            assert!(movement["recorded_at"].as_str().unwrap() <= then.as_str(), "{movement}");
            assert!(movement["effective_at"].as_str().unwrap() <= then.as_str(), "{movement}");
        }
    }
    assert!(debts < 200, "debts are the exception");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_programme_there_is_nothing_to_tell_and_wrong_times_are_refused() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let status = async |path: &str| call(&world, &owner, Method::GET, path, Value::Null).await.status;
    for path in ["/api/v1/loyalty/overview", "/api/v1/loyalty/lapsing"] {
        assert_eq!(status(path).await, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(get(&world, &owner, "/api/v1/loyalty/rules/figures").await["rows"], json!([]));
    let program = json!({"name": "Club", "zone": "Asia/Kolkata", "currency": "INR", "wallets": [{"key": "points", "name": "Points"}]});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", json!({"version": 0, "program": program}));
    assert_eq!(saved.await.status, StatusCode::OK);
    let overview =
        get(&world, &owner, "/api/v1/loyalty/overview?interval=day&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z")
            .await;
    assert_eq!((&overview["members"], &overview["earning"]), (&json!(0), &json!(0)));
    assert_eq!(overview["wallets"][0]["redemption_rate"], Value::Null);
    let nothing = json!({"liability": null, "redemption_by": "all", "expected_breakage": null});
    assert_eq!(overview["wallets"][0]["books"], nothing, "there is nothing to keep, and no point is worth anything");
    assert_eq!((&overview["live_rules"], &overview["measured_rules"]), (&json!(0), &json!(0)));
    // Days of a zone that is half an hour off.
    assert_eq!(overview["periods"].as_array().unwrap().len(), 3, "{overview}");
    assert_eq!(overview["periods"][1]["from"], "2026-01-01T18:30:00Z");
    assert_eq!(status("/api/v1/loyalty/members?standing=great").await, StatusCode::UNPROCESSABLE_ENTITY);
    for wrong in [
        "interval=minute",
        "from=yesterday",
        "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z",
        "interval=day&from=2020-01-01T00:00:00Z",
    ] {
        assert_eq!(
            status(&format!("/api/v1/loyalty/overview?{wrong}")).await,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
    assert_eq!(status("/api/v1/loyalty/lapsing?wallet=none").await, StatusCode::NOT_FOUND);
    assert_eq!(status("/api/v1/loyalty/members/1/why").await, StatusCode::NOT_FOUND);
}
