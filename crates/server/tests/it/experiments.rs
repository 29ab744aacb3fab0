//! Experiments from outside: defined, started, asked for by a site (OFREP), shown, read out in words; in journeys; by hostile people and wrong roles.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, Timestamp};
use rapport_engagement::journey::Definition;
use rapport_engagement::records::instances;
use rapport_engagement::records::journeys::{self, JourneyRow};
use rapport_engagement::service::entering::{self, Occasion};
use rapport_engagement::service::launching;
use rapport_server::auth::{Role, Scope};
use rapport_server::records::workspaces::FIRST;
use rapport_server::{engaging, housekeeping, keeper};
use rapport_store::Priority;
use serde_json::{Value, json};

use crate::world::{Answer, Browser, World};

const EXPERIMENTS: &str = "/api/v1/experiments";
const FLAGS: &str = "/ofrep/v1/evaluate/flags";

async fn call(world: &World, browser: &Browser, method: Method, path: &str, body: &Value) -> Answer {
    world.clock.advance(Timestamp::SECOND);
    let [cookie, token] = browser.writes();
    world.request(method, path, &[cookie, token, ("content-type", "application/json")], body.to_string()).await
}

async fn ok(world: &World, browser: &Browser, method: Method, path: &str, body: Value) -> Value {
    let answer = call(world, browser, method, path, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn get(world: &World, browser: &Browser, path: &str) -> Value {
    let answer = world.get(path, &browser.reads()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn send(world: &World, key: &str, calls: Vec<Value>) {
    for calls in calls.chunks(200) {
        let answer = world.collect("/v1/batch", key, json!({ "batch": calls }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    world.app.pipeline.drain().await.unwrap();
}

/// So many customers, u0 on, with a country by turns.
async fn customers(world: &World, key: &str, count: usize) {
    let one = |number: usize| {
        let country = if number.is_multiple_of(3) { "SE" } else { "DE" };
        json!({"type": "identify", "userId": format!("u{number}"), "messageId": format!("i{number}"), "traits": {"country": country},
            "timestamp": world.clock_now().plus(-Timestamp::HOUR).to_rfc3339()})
    };
    send(world, key, (0..count).map(one).collect()).await;
}

fn design() -> Value {
    json!({"name": "Headline", "hypothesis": "A promise makes more people buy", "kind": "experiment",
        "variants": [{"key": "old", "weight": 1, "value": "Check out", "is_control": true},
                     {"key": "new", "name": "Promise", "weight": 1, "value": "At your door tomorrow"}],
        "primary": {"key": "conversion", "name": "buyers"},
        "guardrails": [{"metric": {"key": "refunds", "name": "refunds", "direction": "lower"}, "margin": 0.5}],
        "plan": {"effect": 0.5, "power": 0.8}})
}

async fn started(world: &World, browser: &Browser, key: &str, design: Value) -> Value {
    ok(world, browser, Method::POST, EXPERIMENTS, json!({"key": key, "design": design})).await;
    let path = format!("{EXPERIMENTS}/{key}/act");
    ok(world, browser, Method::POST, &path, json!({"act": "start", "version": 1})).await
}

async fn flag(world: &World, key: &str, flag: &str, unit: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    let body = json!({"context": {"targetingKey": unit}}).to_string();
    world.request(Method::POST, &format!("{FLAGS}/{flag}"), &[("authorization", &bearer)], body).await
}

async fn variant(world: &World, key: &str, name: &str, unit: &str) -> String {
    let answer = flag(world, key, name, unit).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["variant"].as_str().unwrap().to_owned()
}

/// Lets what was decided be told and applied.
async fn settle(world: &World) {
    world.clock.advance(Timestamp::SECOND);
    let app = &world.app;
    app.pipeline.drain().await.unwrap();
    while engaging::look(&app.installation, app.pipeline.observed(), true).await.unwrap() {
        app.pipeline.drain().await.unwrap();
    }
    app.pipeline.drain().await.unwrap();
}

async fn exposed(world: &World, browser: &Browser, key: &str) -> BTreeMap<String, u64> {
    let shown = get(world, browser, &format!("{EXPERIMENTS}/{key}")).await;
    let variants = shown["summary"]["variants"].as_array().unwrap();
    let count = |it: &Value| (it["key"].as_str().unwrap().to_owned(), it["exposed"].as_u64().unwrap());
    variants.iter().map(count).collect()
}

#[tokio::test]
async fn an_experiment_lives_from_a_draft_to_a_verdict() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    customers(&world, &key, 500).await;
    let made = ok(&world, &owner, Method::POST, EXPERIMENTS, json!({"key": "headline", "design": design()})).await;
    assert_eq!((&made["summary"]["state"], &made["summary"]["version"]), (&json!("draft"), &json!(1)));
    assert_eq!(made["design"]["primary"]["form"], "share", "the form follows from the metric");
    assert_eq!(flag(&world, &key, "headline", "u1").await.status, StatusCode::NOT_FOUND, "a draft is nothing yet");
    let path = format!("{EXPERIMENTS}/headline/act");
    let begun = ok(&world, &owner, Method::POST, &path, json!({"act": "start", "version": 1})).await;
    assert_eq!((&begun["summary"]["state"], &begun["summary"]["allocation"]), (&json!("running"), &json!(2)));
    let nothing = get(&world, &owner, &format!("{EXPERIMENTS}/headline/readout")).await;
    assert_eq!(nothing["sentences"][0]["code"], "nobody");

    let mut arms: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for number in 0..500 {
        arms.entry(variant(&world, &key, "headline", &format!("u{number}")).await).or_default().push(number);
    }
    assert_eq!(exposed(&world, &owner, "headline").await["new"], arms["new"].len() as u64, "noted before the answer");
    assert!(arms["old"].len() > 200 && arms["new"].len() > 200, "{}", arms["old"].len());
    for number in [3, 77, 401] {
        let again = variant(&world, &key, "headline", &format!("u{number}")).await;
        assert!(arms[&again].contains(&number), "the same again");
    }
    settle(&world).await;
    world.clock.advance(Timestamp::HOUR);
    let buys = |(at, number): (usize, &usize), share: usize| {
        (at % 10 < share).then(|| {
            json!({"type": "track", "event": "Order Completed", "userId": format!("u{number}"), "messageId": format!("o{number}"),
                "timestamp": world.clock_now().to_rfc3339(),
                "properties": {"order_id": format!("o{number}"), "revenue": 20 + number % 7, "currency": "EUR"}})
        })
    };
    let mut orders: Vec<Value> = arms["old"].iter().enumerate().filter_map(|it| buys(it, 1)).collect();
    orders.extend(arms["new"].iter().enumerate().filter_map(|it| buys(it, 5)));
    send(&world, &key, orders).await;
    settle(&world).await;
    let read = get(&world, &owner, &format!("{EXPERIMENTS}/headline/readout?by=country")).await;
    assert_eq!(read["verdict"], json!({"word": "better", "variant": "new"}), "{read}");
    let win = read["sentences"].as_array().unwrap().iter().find(|it| it["code"] == "win").unwrap();
    assert!(win["text"].as_str().unwrap().starts_with("“Promise” is better on buyers: +"), "{win}");
    // The same for readers of other languages.
    let params = &win["params"];
    assert_eq!(params["metric"], json!({"kind": "metric", "key": "conversion", "name": "buyers"}));
    assert_eq!(params["sure"], json!({"kind": "share", "value": 0.95}));
    let estimate = &params["estimate"];
    assert_eq!(
        (&estimate["kind"], &estimate["form"], &estimate["scale"]),
        (&json!("effect"), &json!("share"), &json!("relative"))
    );
    let primary = &read["comparisons"][0];
    assert_eq!(estimate["value"], primary["effect"]["estimate"]);
    assert_eq!((&primary["part"], &primary["effect"]["call"]), (&json!("primary"), &json!("better")));
    assert_eq!(primary["treatment"]["units"], json!(arms["new"].len()));
    let keys: Vec<_> = read["comparisons"].as_array().unwrap().iter().map(|it| it["metric"]["key"].clone()).collect();
    assert_eq!(keys, ["conversion", "refunds", "revenue", "orders"], "the usual ones are there too");
    assert_eq!(read["comparisons"][2]["metric"]["currency"], "EUR");
    let segments: Vec<_> = read["segments"].as_array().unwrap().iter().map(|it| it["segment"].clone()).collect();
    assert!(segments.contains(&json!("SE")) && segments.contains(&json!("DE")), "{segments:?}");
    assert_eq!(read["immature"], 500, "their two weeks are not over, and it is said");
    let people = get(&world, &owner, &format!("{EXPERIMENTS}/headline/people?variant=new")).await;
    assert_eq!(people["rows"].as_array().unwrap().len(), 50);
    let next = people["next"].as_str().unwrap();
    let more = get(&world, &owner, &format!("{EXPERIMENTS}/headline/people?variant=new&cursor={next}")).await;
    assert_ne!(more["rows"][0]["customer"]["person_id"], people["rows"][0]["customer"]["person_id"]);
    let days = get(&world, &owner, &format!("{EXPERIMENTS}/headline/days")).await;
    let sum: i64 = days["rows"].as_array().unwrap().iter().map(|it| it["exposed"].as_i64().unwrap()).sum();
    assert_eq!(sum, 500);

    let decided =
        ok(&world, &owner, Method::POST, &path, json!({"act": "decide", "variant": "new", "version": 2})).await;
    assert_eq!((&decided["summary"]["state"], &decided["summary"]["winner"]), (&json!("decided"), &json!("new")));
    let answer = flag(&world, &key, "headline", "u999").await;
    assert_eq!((answer.status, &answer.json()["reason"]), (StatusCode::OK, &json!("STATIC")), "{}", answer.text());
    assert_eq!(answer.json()["value"], "At your door tomorrow");
    let versions = get(&world, &owner, &format!("{EXPERIMENTS}/headline/versions")).await;
    let states: Vec<_> = versions["rows"].as_array().unwrap().iter().map(|it| it["state"].clone()).collect();
    assert_eq!(states, ["decided", "running", "draft"]);
    assert_eq!(versions["rows"][0]["saved_by"], "Test");
}

/// What sites say they have shown counts, once, and tears whoever saw something else; what we told ourselves is not heard again.
#[tokio::test]
async fn what_a_site_says_it_has_shown_is_an_exposure() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    customers(&world, &key, 20).await;
    started(&world, &owner, "headline", design()).await;
    world.clock.advance(Timestamp::MINUTE);
    let viewed = |user: &str, variant: &str, id: &str| {
        json!({"type": "track", "event": "Experiment Viewed", "userId": user, "messageId": id, "timestamp": world.clock_now().to_rfc3339(),
            "properties": {"experiment": "headline", "variant": variant}})
    };
    send(&world, &key, vec![viewed("u1", "new", "a"), viewed("u1", "new", "b"), viewed("u2", "old", "c")]).await;
    assert_eq!(exposed(&world, &owner, "headline").await, BTreeMap::from([("new".into(), 1), ("old".into(), 1)]));
    assert_eq!(variant(&world, &key, "headline", "u1").await, "new", "what was shown first holds");
    // Noted by us, told by us, and said by the site as well: still one.
    let third = variant(&world, &key, "headline", "u3").await;
    settle(&world).await;
    send(&world, &key, vec![viewed("u3", &third, "d")]).await;
    let mut wanted = BTreeMap::from([("new".to_owned(), 1), ("old".to_owned(), 1)]);
    *wanted.get_mut(&third).unwrap() += 1;
    assert_eq!(exposed(&world, &owner, "headline").await, wanted);
    // Somebody saw both.
    send(&world, &key, vec![viewed("u2", "new", "e")]).await;
    let shown = get(&world, &owner, &format!("{EXPERIMENTS}/headline")).await;
    assert_eq!(shown["summary"]["mixed"], 1, "{shown}");
    // No experiment, no variant, no text, before it began: nothing happens.
    let before = json!({"type": "track", "event": "Experiment Viewed", "userId": "u4", "messageId": "f",
        "timestamp": world.clock_now().plus(-Timestamp::DAY).to_rfc3339(), "properties": {"experiment": "headline", "variant": "new"}});
    let odd = |id: &str, properties: Value| json!({"type": "track", "event": "Experiment Viewed", "userId": "u4", "messageId": id, "properties": properties});
    let calls = vec![
        before,
        odd("g", json!({"experiment": "none", "variant": "new"})),
        odd("h", json!({"experiment": "headline", "variant": "None\u{1}"})),
        odd("i", json!({"experiment": {"a": 1}, "variant": 7})),
        odd("j", json!({})),
    ];
    let counted = exposed(&world, &owner, "headline").await;
    send(&world, &key, calls).await;
    assert_eq!(exposed(&world, &owner, "headline").await, counted);
}

#[tokio::test]
async fn devices_are_placed_before_anything_is_known_of_them() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    let mut design = design();
    design["unit"] = json!("anonymous");
    started(&world, &owner, "banner", design).await;
    let mut arms = BTreeMap::new();
    for number in 0..40 {
        let device = format!("device-{number}");
        let got = variant(&world, &key, "banner", &device).await;
        assert_eq!(variant(&world, &key, "banner", &device).await, got);
        *arms.entry(got).or_insert(0) += 1;
    }
    settle(&world).await;
    assert_eq!(exposed(&world, &owner, "banner").await, arms, "the log told of them, each once");
    // An experiment on persons does not take somebody who was never seen.
    started(&world, &owner, "persons", self::design()).await;
    let answer = flag(&world, &key, "persons", "nobody-yet").await;
    assert_eq!(
        (answer.status, &answer.json()["errorCode"]),
        (StatusCode::BAD_REQUEST, &json!("TARGETING_KEY_MISSING"))
    );
}

#[tokio::test]
async fn all_flags_have_a_tag_and_note_nothing() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    customers(&world, &key, 3).await;
    started(&world, &owner, "headline", design()).await;
    let dark = json!({"name": "Dark", "kind": "flag", "variants": [
        {"key": "on", "weight": 1, "value": true}, {"key": "off", "weight": 0, "value": false, "is_control": true}]});
    started(&world, &owner, "dark", dark).await;
    let body = json!({"context": {"targetingKey": "u1"}}).to_string();
    let api = world.api_key(&[Scope::Read], None).await;
    let ask = async |header: (&str, &str), more: Option<(&str, &str)>| {
        let headers: Vec<(&str, &str)> = [Some(header), more].into_iter().flatten().collect();
        world.request(Method::POST, FLAGS, &headers, body.clone()).await
    };
    let first = ask(("x-api-key", &key), None).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let flags = first.json()["flags"].as_array().unwrap().clone();
    let keys: Vec<_> = flags.iter().map(|it| it["key"].clone()).collect();
    assert_eq!(keys, ["dark", "headline"]);
    assert_eq!((&flags[0]["value"], &flags[0]["reason"]), (&json!(true), &json!("SPLIT")));
    assert_eq!(flags[1]["metadata"]["version"], 2);
    assert_eq!(first.header("access-control-allow-origin"), "*");
    let tag = first.header("etag").to_owned();
    let bearer = format!("Bearer {api}");
    let again = ask(("authorization", &bearer), Some(("if-none-match", &tag))).await;
    assert_eq!((again.status, again.header("etag")), (StatusCode::NOT_MODIFIED, tag.as_str()));
    assert_eq!(exposed(&world, &owner, "headline").await.values().sum::<u64>(), 0, "fetched in advance is not shown");
    let act = json!({"act": "pause", "version": 2});
    ok(&world, &owner, Method::POST, &format!("{EXPERIMENTS}/dark/act"), act).await;
    let changed = ask(("x-api-key", &key), Some(("if-none-match", &tag))).await;
    assert_eq!((changed.status, &changed.json()["flags"][0]["value"]), (StatusCode::OK, &json!(false)));
}

#[tokio::test]
async fn hostile_requests_for_flags_are_refused_in_the_protocols_words() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    started(&world, &owner, "headline", design()).await;
    let bearer = format!("Bearer {key}");
    let path = format!("{FLAGS}/headline");
    for (body, code) in [
        ("", "PARSE_ERROR"),
        ("{", "PARSE_ERROR"),
        ("\"x\"", "TARGETING_KEY_MISSING"),
        ("{}", "TARGETING_KEY_MISSING"),
        ("{\"context\": []}", "INVALID_CONTEXT"),
        ("{\"context\": {\"targetingKey\": 7}}", "INVALID_CONTEXT"),
        ("{\"context\": {\"targetingKey\": \"a\\u0000b\"}}", "INVALID_CONTEXT"),
        ("{\"context\": {\"targetingKey\": \"\"}}", "TARGETING_KEY_MISSING"),
    ] {
        for path in [path.as_str(), FLAGS] {
            let answer = world.request(Method::POST, path, &[("authorization", &bearer)], body).await;
            let found = answer.json()["errorCode"].clone();
            assert_eq!((answer.status, found), (StatusCode::BAD_REQUEST, json!(code)), "{path} {body}");
        }
    }
    let long = json!({"context": {"targetingKey": "x".repeat(70_000)}}).to_string();
    let answer = world.request(Method::POST, &path, &[("authorization", &bearer)], long).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    for name in ["none", "%00", "..%2F..", "x'--"] {
        let answer = flag(&world, &key, name, "u1").await;
        assert_eq!(
            (answer.status, &answer.json()["errorCode"]),
            (StatusCode::NOT_FOUND, &json!("FLAG_NOT_FOUND")),
            "{name}"
        );
    }
    let body = json!({"context": {"targetingKey": "u1"}}).to_string();
    let admin = format!("Bearer {}", world.api_key(&[Scope::Admin], None).await);
    for (headers, status) in [
        (vec![], StatusCode::UNAUTHORIZED),
        (vec![("authorization", "Bearer rw_wrong")], StatusCode::UNAUTHORIZED),
        (vec![("authorization", "Bearer rk_wrong")], StatusCode::UNAUTHORIZED),
        (vec![("x-api-key", "")], StatusCode::UNAUTHORIZED),
        (vec![("authorization", admin.as_str())], StatusCode::FORBIDDEN),
    ] {
        let answer = world.request(Method::POST, FLAGS, &headers, body.clone()).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
    }
    assert_eq!(world.get(FLAGS, &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.get("/ofrep/v1/nothing", &[]).await.json()["code"], "not_found");
}

#[tokio::test]
async fn who_looks_does_not_experiment_and_what_cannot_work_is_refused() {
    let world = World::new().await;
    let [owner, analyst, agent, viewer] =
        [Role::Owner, Role::Analyst, Role::Agent, Role::Viewer].map(|role| world.browser(role));
    let (owner, analyst, agent, viewer) = (owner.await, analyst.await, agent.await, viewer.await);
    let body = json!({"key": "headline", "design": design()});
    for browser in [&agent, &viewer] {
        assert_eq!(call(&world, browser, Method::POST, EXPERIMENTS, &body).await.status, StatusCode::FORBIDDEN);
    }
    ok(&world, &analyst, Method::POST, EXPERIMENTS, body.clone()).await;
    assert_eq!(get(&world, &viewer, &format!("{EXPERIMENTS}/headline")).await["summary"]["name"], "Headline");
    let answer = call(&world, &owner, Method::POST, EXPERIMENTS, &body).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::CONFLICT, &json!("experiment_exists")));
    let reason = json!({"field": null, "code": "exists", "params": {"key": answer.json()["reason"]["params"]["key"]}});
    assert_eq!(answer.json()["reason"], reason, "{}", answer.text());
    assert!(answer.json()["detail"].as_str().unwrap().contains("already; choose another key"));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut design = design();
        change(&mut design);
        json!({"key": "other", "design": design})
    };
    for (body, says) in [
        (json!({"key": "Other Key", "design": design()}), "key: "),
        (with(&|it| it["variants"] = json!([])), "variants: "),
        (with(&|it| it["surprise"] = json!(1)), "surprise"),
        (with(&|it| it["primary"]["key"] = json!("happiness")), "`happiness` is no metric"),
        (with(&|it| it["name"] = json!("a\u{0}b")), "NUL"),
        (with(&|it| it["rules"] = json!([{"key": "r", "condition": "nobody", "serve": "split"}])), "no such segment"),
        (with(&|it| it["rules"] = json!([{"key": "r", "condition": {"fact": 3}, "serve": "split"}])), ""),
        (with(&|it| *it = json!("design")), "design"),
        (with(&|it| it["name"] = json!("x".repeat(600_000))), "shorter than"),
        (with(&|it| it["kind"] = json!("holdout")), "settings of sending"),
    ] {
        let answer = call(&world, &owner, Method::POST, EXPERIMENTS, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{says}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().contains(says), "{says}: {}", answer.text());
    }
    let path = format!("{EXPERIMENTS}/headline");
    let answer = call(&world, &owner, Method::PUT, &path, &json!({"version": 7, "design": design()})).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::CONFLICT, &json!("experiment_stale")));
    for (act, status) in [
        (json!({"act": "pause", "version": 1}), StatusCode::CONFLICT),
        (json!({"act": "decide", "version": 1}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"act": "start", "variant": "new", "version": 1}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"act": "dance", "version": 1}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = call(&world, &owner, Method::POST, &format!("{path}/act"), &act).await;
        assert_eq!(answer.status, status, "{act}: {}", answer.text());
    }
    for missing in
        ["none", "none/readout", "none/versions", "none/days", "none/people?variant=a", "headline/people?variant=none"]
    {
        let answer = world.get(&format!("{EXPERIMENTS}/{missing}"), &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
    }
    // Weights of what runs: a new allocation; its salt: refused.
    ok(&world, &owner, Method::POST, &format!("{path}/act"), json!({"act": "start", "version": 1})).await;
    let mut changed = design();
    changed["variants"][1]["weight"] = json!(3);
    let saved = ok(&world, &owner, Method::PUT, &path, json!({"version": 2, "design": changed.clone()})).await;
    assert_eq!((&saved["change"], &saved["summary"]["allocation"]), (&json!("anew"), &json!(3)));
    changed["salt"] = json!("other");
    let answer = call(&world, &owner, Method::PUT, &path, &json!({"version": 3, "design": changed})).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::CONFLICT, &json!("experiment_fixed")));
    let reason = json!({"field": "salt", "code": "fixed", "params": {}});
    assert_eq!(answer.json()["reason"], reason, "{}", answer.text());
}

#[tokio::test]
async fn groups_have_places_and_plans_have_numbers() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let groups = "/api/v1/experiment-groups";
    ok(&world, &owner, Method::POST, groups, json!({"key": "checkout", "name": "Checkout", "unit": "person"})).await;
    let mut one = design();
    one["group"] = json!({"group": "checkout", "from": 0, "to": 4000});
    started(&world, &owner, "one", one.clone()).await;
    one["group"] = json!({"group": "checkout", "from": 3999, "to": 5000});
    let answer = call(&world, &owner, Method::POST, EXPERIMENTS, &json!({"key": "two", "design": one})).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.json()["detail"].as_str().unwrap().ends_with("free are 4000 to 10000"), "{}", answer.text());
    let places = get(&world, &owner, groups).await["rows"][0]["places"].clone();
    assert_eq!(
        places,
        json!([{"from": 0, "to": 4000, "experiment": "one"}, {"from": 4000, "to": 10000, "experiment": null}])
    );
    // Chow, Shao and Wang's formula for 5 % against 6 %, read once at 5 % with a power of 0.8: 8,155.05 in each, rounded up.
    let plan = |more: Value| {
        let mut body = json!({"share": 0.05, "effect": 0.01, "scale": "absolute", "method": "once", "per_day": 1000});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let found = ok(&world, &owner, Method::POST, "/api/v1/experiment-plan", plan(json!({}))).await;
    assert!((8_150..=8_160).contains(&found["treatment"].as_u64().unwrap()), "{found}");
    assert_eq!((&found["control"], &found["days"]), (&found["treatment"], &json!(17)));
    let always = ok(&world, &owner, Method::POST, "/api/v1/experiment-plan", plan(json!({"method": "always"}))).await;
    assert!(always["total"].as_u64() > found["total"].as_u64(), "looking every day costs people");
    let smallest: Vec<f64> =
        found["detectable"].as_array().unwrap().iter().filter_map(|it| it["effect"].as_f64()).collect();
    assert!(smallest.len() >= 4 && smallest.is_sorted_by(|a, b| a > b), "longer runs notice less: {smallest:?}");
    for wrong in [
        json!({"share": 1.5}),
        json!({"effect": 0.0}),
        json!({"effect": 2.0}),
        json!({"power": 0.2}),
        json!({"alpha": 0.0}),
        json!({"control": 1.0}),
        json!({"scale": "logarithmic"}),
        json!({"mean": 3.0, "deviation": 1.0}),
    ] {
        let answer = call(&world, &owner, Method::POST, "/api/v1/experiment-plan", &plan(wrong.clone())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", answer.text());
    }
    let metrics = get(&world, &owner, "/api/v1/experiment-metrics").await;
    assert_eq!((&metrics["rows"][1]["key"], &metrics["rows"][1]["form"]), (&json!("revenue"), &json!("money")));
}

/// A planner begins with what the workspace's own people did: those who came in a week, each for as long as they would be followed.
#[tokio::test]
async fn a_planner_begins_with_the_workspaces_own_figures() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    let baseline =
        async |metric: &str| get(&world, &owner, &format!("/api/v1/experiment-baseline?metric={metric}")).await;
    let nobody = baseline("conversion").await;
    assert_eq!((&nobody["people"], &nobody["share"]), (&json!(0), &Value::Null));
    let now = world.clock_now();
    let did = |user: usize, name: &str, days_ago: i64, properties: Value| {
        json!({"type": "track", "userId": format!("u{user}"), "messageId": format!("{user}-{name}-{days_ago}"), "event": name,
            "timestamp": now.plus(-days_ago * Timestamp::DAY).to_rfc3339(), "properties": properties})
    };
    let mut calls = Vec::new();
    for user in 0..120 {
        calls.push(did(user, "Product Viewed", 16, json!({"product_id": "p"})));
        if user % 4 == 0 {
            calls.push(did(
                user,
                "Order Completed",
                10,
                json!({"order_id": format!("o{user}"), "revenue": 40, "currency": "EUR"}),
            ));
        }
        if user == 1 {
            calls.push(did(user, "Order Completed", 1, json!({"order_id": "late", "revenue": 40, "currency": "EUR"})));
        }
    }
    // Too late to have had their time, too early for the week, or only written to.
    for (user, name, days_ago) in
        [(200, "Product Viewed", 2), (201, "Product Viewed", 40), (202, "Message Sent", 16), (203, "Product Viewed", 0)]
    {
        calls.push(did(user, name, days_ago, json!({})));
    }
    send(&world, &key, calls).await;
    let buyers = baseline("conversion").await;
    assert_eq!((&buyers["people"], &buyers["share"]), (&json!(120), &json!(0.25)), "{buyers}");
    assert_eq!((&buyers["per_day"], &buyers["mean"]), (&json!(17.1), &Value::Null));
    let revenue = baseline("revenue").await;
    let figure = |name: &str| revenue[name].as_f64().unwrap();
    // 30 of 120 spent 40: a mean of 10, a variance of 30/120 · 90/120 · 1600 · 120/119.
    assert!(
        (figure("mean") - 10.0).abs() < 1e-9 && (figure("deviation") - (300.0_f64 * 120.0 / 119.0).sqrt()).abs() < 1e-9,
        "{revenue}"
    );
    for wrong in ["metric=nonsense", "metric=conversion&hours=0", "metric=conversion&hours=100000"] {
        let answer = world.get(&format!("/api/v1/experiment-baseline?{wrong}"), &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn a_rules_condition_is_kept_as_a_segment_and_let_go_in_the_end() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    customers(&world, &key, 12).await;
    let mut flag_design = json!({"name": "Swedish", "kind": "flag", "variants": [
        {"key": "on", "weight": 1, "value": true}, {"key": "off", "weight": 0, "value": false, "is_control": true}]});
    let made = ok(
        &world,
        &owner,
        Method::POST,
        "/api/v1/segments",
        json!({"key": "swedes", "name": "Swedes", "text": "trait country = SE"}),
    )
    .await;
    flag_design["rules"] = json!([{"key": "se", "condition": made["condition"], "serve": {"variant": "on"}}]);
    let begun = started(&world, &owner, "swedish", flag_design.clone()).await;
    let kept = begun["design"]["rules"][0]["condition"].as_str().unwrap().to_owned();
    assert!(kept.starts_with("auto-"), "{kept}");
    assert_eq!(
        (&begun["conditions"][0]["text"], &begun["conditions"][0]["name"]),
        (&json!("trait country = SE"), &Value::Null)
    );
    assert_eq!(
        variant(&world, &key, "swedish", "u0").await,
        "off",
        "until it is known for whom it holds, it holds for nobody"
    );
    keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
    assert_eq!(variant(&world, &key, "swedish", "u0").await, "on");
    assert_eq!(flag(&world, &key, "swedish", "u0").await.json()["reason"], "TARGETING_MATCH");
    assert_eq!(flag(&world, &key, "swedish", "u1").await.json()["reason"], "DEFAULT");
    let shown = get(&world, &owner, "/api/v1/segments").await;
    assert_eq!(shown["rows"].as_array().unwrap().len(), 1, "what is kept for others is not listed");
    // With the condition gone the segment goes, but not while anybody may be about to ask for it.
    flag_design["rules"] = json!([{"key": "se", "condition": "swedes", "serve": {"variant": "on"}}]);
    let path = format!("{EXPERIMENTS}/swedish");
    ok(&world, &owner, Method::PUT, &path, json!({"version": 2, "design": flag_design})).await;
    assert!(!housekeeping::let_go(&world.app.installation).await.unwrap());
    world.clock.advance(2 * Timestamp::DAY);
    assert!(housekeeping::let_go(&world.app.installation).await.unwrap());
    let segments = rapport_segments::records::segments::all(&mut world.app.installation.store.read(), FIRST).await;
    assert!(segments.unwrap().iter().all(|row| row.key != kept));
    assert_eq!(variant(&world, &key, "swedish", "u0").await, "on", "the segment that people made takes its place");
}

/// Launches a journey; people come in by hand.
async fn journey(world: &World, key: &str, definition: Value) {
    let installation = &world.app.installation;
    let definition = Definition::from_json(&definition).unwrap();
    let now = world.clock_now();
    let mut row = JourneyRow {
        key: key.to_owned(),
        kind: "journey".to_owned(),
        name: key.to_owned(),
        description: String::new(),
        state: journeys::DRAFT.to_owned(),
        draft: definition.to_json(),
        live_version: 0,
        created_at: now,
        created_by: "usr_1".to_owned(),
        updated_at: now,
        updated_by: "usr_1".to_owned(),
        launched_at: None,
    };
    let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
    journeys::save(&mut tx, FIRST, &row).await.unwrap();
    launching::launch(&mut tx, FIRST, &mut row, &definition, (now, "usr_1")).await.unwrap();
    tx.commit().await.unwrap();
    settle(world).await;
}

/// The persons of u0 to u(count), in that order.
async fn persons(world: &World, count: usize) -> Vec<PersonId> {
    let mut db = world.app.installation.store.read();
    let mut found = Vec::new();
    for number in 0..count {
        let value = [format!("u{number}")];
        let kind = rapport_domain::IdentifierKind::UserId;
        let rows = rapport_profiles::records::identifiers::by_values(&mut db, FIRST, kind, &value).await.unwrap();
        found.push(rows[0].person);
    }
    found
}

async fn enter(world: &World, key: &str, people: &[PersonId]) {
    let installation = &world.app.installation;
    let plans = installation.plans.get(installation, FIRST).await.unwrap();
    let with = engaging::with(installation, FIRST, &plans);
    let now = world.clock_now();
    let occasions = people.iter().map(|person| Occasion::now(*person, "by hand", now)).collect();
    let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
    let one = plans.open(key).expect("it is live");
    assert_eq!(entering::enter(&mut tx, with, one, occasions).await.unwrap(), people.len() as u64);
    tx.commit().await.unwrap();
    settle(world).await;
}

/// The arm that each took at the split `s`.
async fn arms(world: &World, people: &[PersonId]) -> Vec<String> {
    let mut db = world.app.installation.store.read();
    let mut found = Vec::new();
    for person in people {
        let rows = instances::of_person(&mut db, FIRST, *person).await.unwrap();
        let left = rows[0].trail.0.iter().find(|it| it.node == "s").expect("passed the split");
        found.push(left.way.strip_prefix("arm:").unwrap().to_owned());
    }
    found
}

/// A journey and a site give the same person the same, whoever comes first, and whatever becomes of the weights.
#[tokio::test]
async fn a_journeys_split_is_the_experiments() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    customers(&world, &key, 60).await;
    started(&world, &owner, "headline", design()).await;
    let mut before = Vec::new();
    for number in 0..10 {
        before.push(variant(&world, &key, "headline", &format!("u{number}")).await);
    }
    // Everybody of those to come gets the new one; whoever was exposed keeps theirs.
    let mut changed = design();
    changed["variants"][0]["weight"] = json!(1);
    changed["variants"][1]["weight"] = json!(9);
    let path = format!("{EXPERIMENTS}/headline");
    ok(&world, &owner, Method::PUT, &path, json!({"version": 2, "design": changed})).await;
    let split = |arms: Value| json!({"entry": {"api": {}}, "start": "s", "nodes": [{"id": "s", "step": {"split": {"experiment": "headline", "arms": arms}}}]});
    let both = json!([{"name": "old", "percent": 50.0, "next": null}, {"name": "new", "percent": 50.0, "next": null}]);
    journey(&world, "welcome", split(both)).await;
    let people = persons(&world, 60).await;
    enter(&world, "welcome", &people).await;
    let drawn = arms(&world, &people).await;
    assert_eq!(drawn[..10], before[..], "who was exposed on the site keeps it in the journey");
    let new = drawn[10..].iter().filter(|arm| *arm == "new").count();
    assert!(new > 35, "the experiment's weights count, not the split's: {new} of 50");
    for (number, arm) in drawn.iter().enumerate() {
        assert_eq!(variant(&world, &key, "headline", &format!("u{number}")).await, *arm, "u{number}");
    }
    let shown = get(&world, &owner, &path).await;
    let counted = exposed(&world, &owner, "headline").await;
    assert_eq!((counted.values().sum::<u64>(), &shown["summary"]["earlier"]), (50, &json!(10)));
    let read = get(&world, &owner, &format!("{path}/readout")).await;
    let units: u64 =
        ["control", "treatment"].iter().map(|side| read["comparisons"][0][side]["units"].as_u64().unwrap()).sum();
    assert_eq!(units, 50, "told once each, and those of earlier chances are left out: {read}");
    // A split without a way for an arm: they go the first way, and nobody is noted who did not get it.
    started(&world, &owner, "other", design()).await;
    let mut lame = split(json!([{"name": "old", "percent": 100.0, "next": null}]));
    lame["nodes"][0]["step"]["split"]["experiment"] = json!("other");
    journey(&world, "lame", lame).await;
    enter(&world, "lame", &people[..20]).await;
    let counted = exposed(&world, &owner, "other").await;
    assert!(counted["new"] == 0 && counted["old"] > 0 && counted["old"] < 20, "{counted:?}");
}

#[tokio::test]
async fn a_split_with_a_way_that_writes_to_nobody_says_what_the_other_brought_in() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    customers(&world, &key, 400).await;
    let message =
        |id: &str| json!({"id": id, "step": {"message": {"channel": "email", "template": "t", "next": null}}});
    let definition = json!({"entry": {"api": {}}, "start": "s", "nodes": [
        {"id": "s", "step": {"split": {"experiment": "offer", "arms": [
            {"name": "quiet", "percent": 25.0, "next": "x"}, {"name": "loud", "percent": 75.0, "next": "w"}]}}},
        {"id": "x", "step": {"exit": {}}}, {"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "m"}}}, message("m")]});
    journey(&world, "sale", definition).await;
    let people = persons(&world, 400).await;
    enter(&world, "sale", &people).await;
    let drawn = arms(&world, &people).await;
    let loud = drawn.iter().filter(|arm| *arm == "loud").count();
    world.clock.advance(Timestamp::MINUTE);
    let buys =
        |number: &usize| if drawn[*number] == "loud" { number.is_multiple_of(2) } else { number.is_multiple_of(10) };
    let order = |number: usize| {
        json!({"type": "track", "event": "Order Completed", "userId": format!("u{number}"), "messageId": format!("o{number}"),
            "timestamp": world.clock_now().to_rfc3339(), "properties": {"order_id": format!("o{number}"), "revenue": 10, "currency": "EUR"}})
    };
    send(&world, &key, (0..400).filter(buys).map(order).collect()).await;
    settle(&world).await;
    let effect = get(&world, &owner, "/api/v1/journeys/sale/effect").await;
    let found = &effect["holdout"];
    assert_eq!(
        (&found["by"], &found["control"], &found["treatment"], &found["percent"], &found["treated"]),
        (&json!("split"), &json!("quiet"), &json!("loud"), &json!(25.0), &json!(loud)),
        "{effect}"
    );
    assert_eq!(effect["note"], Value::Null);
    let buyers = &found["metrics"][0];
    let (low, high) = (buyers["low"].as_f64().unwrap(), buyers["high"].as_f64().unwrap());
    let truth = loud as f64 * 0.4;
    assert!(low > 0.0 && low < truth && truth < high, "{low} to {high}, about {truth}");
    // Where both ways write, nothing can be said.
    let both = json!({"entry": {"api": {}}, "start": "s", "nodes": [
        {"id": "s", "step": {"split": {"arms": [
            {"name": "a", "percent": 50.0, "next": "m"}, {"name": "b", "percent": 50.0, "next": "n"}]}}}, message("m"), message("n")]});
    journey(&world, "both", both).await;
    let effect = get(&world, &owner, "/api/v1/journeys/both/effect").await;
    assert_eq!(effect["holdout"], Value::Null);
    assert!(effect["note"].as_str().unwrap().contains("cannot be said"));
}

#[tokio::test]
async fn a_journeys_effect_is_what_its_holdout_says() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Shop", None).await;
    customers(&world, &key, 400).await;
    let definition = json!({"entry": {"api": {}}, "holdout_percent": 40.0, "start": "x", "nodes": [{"id": "x", "step": {"exit": {}}}]});
    journey(&world, "welcome", definition).await;
    let people = persons(&world, 400).await;
    enter(&world, "welcome", &people).await;
    let mut db = world.app.installation.store.read();
    let mut treated = Vec::new();
    for (number, person) in people.iter().enumerate() {
        let rows = instances::of_person(&mut db, FIRST, *person).await.unwrap();
        if rows[0].ended_why.as_deref() != Some("held_out") {
            treated.push(number);
        }
    }
    assert!((180..300).contains(&treated.len()), "{}", treated.len());
    world.clock.advance(Timestamp::HOUR);
    // Of those who came in every second buys, of the others every tenth.
    let buys =
        |number: &usize| if treated.contains(number) { number.is_multiple_of(2) } else { number.is_multiple_of(10) };
    let order = |number: usize| {
        json!({"type": "track", "event": "Order Completed", "userId": format!("u{number}"), "messageId": format!("o{number}"),
            "timestamp": world.clock_now().to_rfc3339(), "properties": {"order_id": format!("o{number}"), "revenue": 10, "currency": "EUR"}})
    };
    let orders: Vec<Value> = (0..400).filter(buys).map(order).collect();
    let count = orders.len();
    send(&world, &key, orders).await;
    settle(&world).await;
    let effect = get(&world, &owner, "/api/v1/journeys/welcome/effect").await;
    let holdout = &effect["holdout"];
    assert_eq!((&holdout["percent"], &holdout["treated"]), (&json!(40.0), &json!(treated.len())), "{effect}");
    let buyers = &holdout["metrics"][0];
    let (low, high) = (buyers["low"].as_f64().unwrap(), buyers["high"].as_f64().unwrap());
    let truth = treated.len() as f64 * 0.4;
    assert!(low > 0.0 && low < truth && truth < high, "{low} to {high}, about {truth}");
    assert_eq!(buyers["sentences"][0]["code"], "brought_in");
    assert_eq!(holdout["metrics"][1]["metric"]["currency"], "EUR");
    // No message went out, so touches say nothing, with the warning.
    let touches = &effect["touches"];
    assert_eq!(touches["warning"]["code"], "touches");
    assert!(touches["warning"]["text"].as_str().unwrap().contains("Only a holdout"));
    assert_eq!(
        touches["rows"],
        json!([{"journey": null, "orders": count as f64, "revenue": format!("{}.00", count * 10)}]),
        "{touches}"
    );
    for wrong in ["days=0", "days=91", "rule=best"] {
        let path = format!("/api/v1/journeys/welcome/effect?{wrong}");
        assert_eq!(world.get(&path, &owner.reads()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    assert_eq!(world.get("/api/v1/journeys/none/effect", &owner.reads()).await.status, StatusCode::NOT_FOUND);
}
