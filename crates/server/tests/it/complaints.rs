//! Complaints from outside: by the API, the page, letters, files and events; what is done about them, what follows for whoever complained, and what they
//! amount to.

use axum::http::{Method, StatusCode};
use rapport_channels::letters;
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::complaining::mail::take_letter;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, settle, track};
use crate::world::{Answer, Browser, World};

const COMPLAINTS: &str = "/api/v1/complaints";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn take(world: &World, browser: &Browser, body: Value) -> Value {
    let applying = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        world.app.pipeline.drain().await.unwrap();
    };
    let (answer, ()) = tokio::join!(call(world, browser, Method::POST, COMPLAINTS, body), applying);
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    settle(world).await;
    answer.json()
}

async fn act(world: &World, browser: &Browser, id: &Value, body: Value) -> Answer {
    let answer = call(world, browser, Method::POST, &format!("{COMPLAINTS}/{}/act", id.as_str().unwrap()), body).await;
    settle(world).await;
    answer
}

async fn list(world: &World, browser: &Browser, query: &str) -> Vec<Value> {
    get(world, browser, &format!("{COMPLAINTS}?{query}")).await["rows"].as_array().unwrap().clone()
}

/// How many complaints of a customer are open, as conditions see it.
async fn open(world: &World, browser: &Browser, user: &str) -> i64 {
    let person = only_person(world, browser, user).await;
    let person = rapport_domain::PersonId(person.parse().unwrap());
    let mut db = world.app.installation.store.read();
    let keys = ["complaint.open".to_owned()];
    let now = world.clock_now();
    let facts = rapport_profiles::records::facts::current_keys_of(&mut db, FIRST, &[person], &keys, now).await.unwrap();
    facts.first().map_or(-1, |it| it.2.parse().unwrap())
}

async fn shop() -> (World, Browser, String) {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let identify = |user: &str, phone: &str| json!({"type": "identify", "userId": user, "messageId": format!("i{user}"), "traits": {"email": format!("{user}@example.org"), "firstName": "Ann", "lastName": "Weber", "phone": phone}});
    happen(&world, &key, vec![identify("ann", "+49 170 1234567"), identify("bob", "+49 170 7654321")]).await;
    (world, owner, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_is_taken_in_answered_resolved_and_opened_again() {
    let (world, owner, _) = shop().await;
    let agent = world.browser(Role::Agent).await;
    let text = "My lamp came broken, I am furious! Call me: +49 170 1234567";
    let body = json!({"text": text, "email": "Ann@Example.org", "channel": "phone", "category": "delivery", "severity": "critical",
        "order_id": "o-1", "origin": "call-1"});
    let taken = take(&world, &agent, body.clone()).await;
    assert_eq!(taken["is_new"], true);
    assert_eq!(take(&world, &agent, body).await, json!({"id": taken["id"], "is_new": false}));
    let rows = list(&world, &agent, "").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = &rows[0];
    assert_eq!(row["text"], "My lamp came broken, I am furious! Call me: [phone]");
    assert_eq!(
        (&row["person_name"], &row["tone"], &row["state"]),
        (&json!("Ann Weber"), &json!("negative"), &json!("open"))
    );
    assert_eq!(
        (&row["severity"], &row["channel"], &row["is_public"]),
        (&json!("critical"), &json!("phone"), &json!(false))
    );
    assert_eq!(open(&world, &owner, "ann").await, 1);
    assert_eq!(open(&world, &owner, "bob").await, -1, "of whoever never complained nothing is told");

    let id = &taken["id"];
    world.clock.advance(2 * Timestamp::HOUR);
    let answered = act(&world, &agent, id, json!({"act": "answer", "text": "We are sorry\u{202e}"})).await.json();
    assert_eq!((&answered["state"], &answered["steps"][0]["text"]), (&json!("answered"), &json!("We are sorry")));
    assert_eq!((&answered["steps"][0]["by"], &answered["answer_due_at"]), (&json!("Test"), &Value::Null));
    assert_eq!(open(&world, &owner, "ann").await, 1);
    let resolved = act(&world, &agent, id, json!({"act": "resolve"})).await.json();
    assert_eq!((&resolved["state"], &resolved["resolution_due_at"]), (&json!("resolved"), &Value::Null));
    assert_eq!(open(&world, &owner, "ann").await, 0);
    let again = act(&world, &agent, id, json!({"act": "resolve"})).await;
    assert_eq!((again.status, again.json()["code"].clone()), (StatusCode::CONFLICT, json!("complaint_transition")));
    world.clock.advance(Timestamp::HOUR);
    assert_eq!(act(&world, &agent, id, json!({"act": "reopen"})).await.json()["reopened"], 1);
    assert_eq!(open(&world, &owner, "ann").await, 1);

    let person = row["person_id"].as_str().unwrap();
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{person}/timeline?limit=20")).await.to_string();
    for name in ["Complaint Opened", "Complaint Answered", "Complaint Resolved", "Complaint Reopened"] {
        assert!(timeline.contains(name), "{name} is not in {timeline}");
    }
    let sorted = json!({"category": "product", "root_cause": "defect", "touchpoint": "use", "severity": "high", "cost": {"amount": "12.50", "currency": "EUR"}});
    let path = format!("{COMPLAINTS}/{}", id.as_str().unwrap());
    assert_eq!(call(&world, &agent, Method::PUT, &path, sorted).await.status, StatusCode::NO_CONTENT);
    let figures = get(&world, &owner, &format!("{COMPLAINTS}/figures?by=root_cause")).await;
    assert_eq!((&figures["all"]["complaints"], &figures["groups"][0]["group"]), (&json!(1), &json!("defect")));
    assert_eq!(figures["all"]["cost"][0], json!({"complaints": 1, "sum": {"amount": "12.50", "currency": "EUR"}}));
    // It is a Saturday: no minute of business time has passed.
    assert_eq!(
        (&figures["all"]["first_answer"]["done"], &figures["all"]["first_answer"]["median_seconds"]),
        (&json!(1), &json!(0))
    );
    assert_eq!((&figures["all"]["states"]["reopened"], &figures["all"]["public_answered"]), (&json!(1), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_refused_and_roles_are_kept() {
    let (world, owner, _) = shop().await;
    for (body, word) in [
        (json!({"text": "  "}), "text"),
        (json!({"text": "x".repeat(10_001)}), "text"),
        (json!({"text": "x", "category": "nothing"}), "category"),
        (json!({"text": "x", "severity": "5"}), "severity"),
        (json!({"text": "x", "channel": "smoke"}), "channel"),
        (json!({"text": "x", "email": "no address"}), "email"),
        (json!({"text": "x", "at": "2030-01-01T00:00:00Z"}), "at"),
        (json!({"text": "x", "url": "javascript:alert(1)"}), "url"),
        (json!({"text": "x", "rating": 6}), "rating"),
        (json!({"text": "x", "cost": {"amount": "-1", "currency": "EUR"}}), "cost.amount"),
    ] {
        let refused = call(&world, &owner, Method::POST, COMPLAINTS, body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{word} {}", refused.text());
        assert!(refused.json()["detail"].as_str().unwrap().starts_with(word), "{}", refused.text());
    }
    let unknown = call(&world, &owner, Method::POST, COMPLAINTS, json!({"text": "x", "person_id": "77"})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let nobodys = take(&world, &owner, json!({"text": "The shop is always shut", "phone": "0000"})).await;
    assert_eq!(list(&world, &owner, "").await[0]["person_id"], Value::Null);
    for body in [
        json!({"act": "note"}),
        json!({"act": "answer", "text": " "}),
        json!({"act": "delete"}),
        json!({"act": "resolve", "more": 1}),
    ] {
        assert!(act(&world, &owner, &nobodys["id"], body.clone()).await.status.is_client_error(), "{body}");
    }
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(act(&world, &viewer, &nobodys["id"], json!({"act": "resolve"})).await.status, StatusCode::FORBIDDEN);
    let refused = call(&world, &viewer, Method::POST, COMPLAINTS, json!({"text": "x"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let settings = get(&world, &viewer, "/api/v1/complaint-settings").await;
    let changed = json!({"settings": settings["settings"], "revision": 0});
    let refused = call(&world, &viewer, Method::PUT, "/api/v1/complaint-settings", changed.clone()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(
        call(&world, &owner, Method::PUT, "/api/v1/complaint-settings", changed.clone()).await.json()["revision"],
        1
    );
    assert_eq!(
        call(&world, &owner, Method::PUT, "/api/v1/complaint-settings", changed).await.status,
        StatusCode::CONFLICT
    );
    let mut wrong = settings["settings"].clone();
    wrong["hours"]["week"][0] = json!(["9-5"]);
    let refused =
        call(&world, &owner, Method::PUT, "/api/v1/complaint-settings", json!({"settings": wrong, "revision": 1}))
            .await;
    assert!(refused.json()["detail"].as_str().unwrap().contains("hours.week[0]"), "{}", refused.text());
    for id in ["zz", "00000000000000000000000000000000"] {
        assert_eq!(world.get(&format!("{COMPLAINTS}/{id}"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
    }
}

async fn page(world: &World, owner: &Browser, is_open: bool) -> String {
    let mut found = get(world, owner, "/api/v1/complaint-settings").await;
    found["settings"]["page"] = json!({"is_open": is_open, "text": {"en": "We <b>listen</b>."}});
    let body = json!({"settings": found["settings"], "revision": found["revision"]});
    let saved = call(world, owner, Method::PUT, "/api/v1/complaint-settings", body).await.json();
    let url = saved["page_url"].as_str().unwrap();
    url[url.find("/complain/").unwrap()..].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_takes_a_complaint_once_and_nothing_that_means_harm() {
    let (world, owner, _) = shop().await;
    let path = page(&world, &owner, true).await;
    let html = world.get(&path, &[]).await.text();
    assert!(html.contains("<form method=\"post\"") && !html.contains("<script"), "{html}");
    assert!(html.contains("We &#60;b&#62;listen") || html.contains("We &lt;b&gt;listen"), "{html}");
    assert!(world.get(&path, &[("accept-language", "zh-CN")]).await.text().contains("发生了什么"));
    let start = html.split("name=\"start\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let send = async |form: String| {
        let answer = world.request(Method::POST, &path, &[FORM], form).await;
        settle(&world).await;
        answer
    };
    let empty = send(format!("start={start}&text=+&email=ann%40example.org")).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.text().contains("ann@example.org") && empty.text().contains(&start), "what was filled in stays");
    let hostile = "text=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%00%E2%80%AE&email=%22%3E%3Cscript%3E";
    let refused = send(hostile.to_owned()).await;
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && !refused.text().contains("<script"),
        "{}",
        refused.text()
    );
    let form = format!("start={start}&text=It+never+came&order=o-7&email=ann%40example.org&category=delivery");
    for _ in 0..2 {
        let sent = send(form.clone()).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
        assert!(world.get(sent.header("location"), &[]).await.text().contains("Thank you"));
    }
    let rows = list(&world, &owner, "").await;
    assert_eq!(rows.len(), 1, "the same form twice is one: {rows:?}");
    assert_eq!(
        (&rows[0]["channel"], &rows[0]["category"], &rows[0]["order_id"]),
        (&json!("form"), &json!("delivery"), &json!("o-7"))
    );
    assert_eq!((&rows[0]["person_name"], open(&world, &owner, "ann").await), (&json!("Ann Weber"), 1));

    // A program that fills in everything, another site, no form, too much.
    send("text=buy&website=https%3A%2F%2Fspam.example".to_owned()).await;
    let foreign = world.request(Method::POST, &path, &[FORM, ("sec-fetch-site", "cross-site")], "text=x").await;
    let file = world.request(Method::POST, &path, &[("content-type", "multipart/form-data; boundary=x")], "x").await;
    let large = world.request(Method::POST, &path, &[FORM], format!("text={}", "x".repeat(300 << 10))).await;
    assert_eq!((foreign.status.as_u16(), file.status.as_u16(), large.status.as_u16()), (403, 415, 413));
    assert_eq!(list(&world, &owner, "").await.len(), 1);
    for number in 0..8 {
        send(format!("text=more+{number}&start=n{number}")).await;
    }
    let too_many = send("text=once+more&start=n9".to_owned()).await;
    assert_eq!(too_many.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(too_many.text().contains("once more"), "what was written is not lost");

    page(&world, &owner, false).await;
    assert_eq!(world.get(&path, &[]).await.status, StatusCode::GONE);
    world.clock.advance(2 * Timestamp::HOUR);
    assert_eq!(send("text=late".to_owned()).await.status, StatusCode::GONE);
    for other in ["/complain/x", "/complain/AAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA", &path[..path.len() - 2]] {
        assert_eq!(world.get(other, &[]).await.status, StatusCode::NOT_FOUND, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_at_length_is_taken_whole_and_what_was_changed_is_told_too() {
    let (world, owner, _) = shop().await;
    let path = page(&world, &owner, true).await;
    let send = async |start: &str, text: &str| {
        let answer = world.request(Method::POST, &path, &[FORM], format!("start={start}&text={text}")).await;
        settle(&world).await;
        answer
    };
    // As a browser writes it: nine bytes a letter, more than an address may have.
    let whole = "%E5%9D%8F".repeat(10_000);
    assert_eq!(send("a1", &whole).await.status, StatusCode::SEE_OTHER);
    let rows = list(&world, &owner, "").await;
    assert_eq!(rows[0]["text"], "坏".repeat(10_000));
    let refused = send("a2", &format!("{whole}%E5%9D%8F")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("10,000 letters"));
    assert_eq!(refused.text().matches('坏').count(), 10_001, "it is there to be shortened");
    assert_eq!(list(&world, &owner, "").await.len(), 1);
    // Sent, gone back to, and said more clearly: both are there.
    for text in ["It+broke", "It+broke", "It+broke+%E2%80%AEon+the+first%00+day%1B%5B31m", "It+broke"] {
        assert_eq!(send("a3", text).await.status, StatusCode::SEE_OTHER);
        world.clock.advance(Timestamp::SECOND);
    }
    let rows = list(&world, &owner, "").await;
    let texts: Vec<&str> = rows.iter().map(|row| row["text"].as_str().unwrap()).collect();
    assert_eq!(texts[..2], ["It broke on the first day[31m", "It broke"]);
    assert_eq!(texts.len(), 3);
}

/// Every figure as it is served, of a handful that can be counted by hand: working hours are 9 to 17 from Monday to Friday (UTC).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_figure_is_served_as_it_is_counted_by_hand() {
    let (world, owner, key) = shop().await;
    let at = |id: &str, user: &str, event: &str, at: &str, properties: Value| {
        let mut call = track(id, user, event, properties);
        call["timestamp"] = json!(format!("2026-11-{at}:00Z"));
        call
    };
    let opened = |id: &str, user: &str, time: &str, more: Value| {
        let mut properties = json!({"complaint_id": id, "text": format!("What went wrong with {id}")});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        at(&format!("o{id}"), user, "Complaint Opened", time, properties)
    };
    let step = |id: &str, user: &str, step: &str, time: &str, is_public: bool| {
        at(
            &format!("{step}{id}{time}"),
            user,
            &format!("Complaint {step}"),
            time,
            json!({"complaint_id": id, "is_public": is_public}),
        )
    };
    let sorted = |category: &str, severity: i64, cause: &str, touchpoint: &str, channel: &str, product: &str| json!({"category": category, "severity": severity, "root_cause": cause, "touchpoint": touchpoint, "channel": channel, "product_id": product});
    let mut paid = sorted("delivery", 2, "carrier", "delivery", "social", "lamp");
    for (name, value) in [("is_public", json!(true)), ("cost", json!("12.50")), ("currency", json!("EUR"))] {
        paid[name] = value;
    }
    let mut cheap = sorted("delivery", 2, "carrier", "support", "phone", "lamp");
    (cheap["cost"], cheap["currency"]) = (json!("0.75"), json!("EUR"));
    let calls = vec![
        // Monday, 10: answered in public at 12, resolved on Tuesday at 11, open again for an hour on Wednesday.
        opened("A", "ann", "16T10:00", paid),
        step("A", "ann", "Answered", "16T12:00", true),
        step("A", "ann", "Resolved", "17T11:00", false),
        step("A", "ann", "Reopened", "18T09:00", false),
        step("A", "ann", "Resolved", "18T10:00", false),
        // Tuesday, 16: answered on Wednesday at 10, waits.
        opened("B", "ann", "17T16:00", cheap),
        step("B", "ann", "Answered", "18T10:00", false),
        // Thursday, 9: resolved at 10 without an answer.
        opened("C", "bob", "19T09:00", sorted("price", 1, "process", "shop", "form", "mug")),
        step("C", "bob", "Resolved", "19T10:00", false),
        // Critical, Friday, 9: late with everything by now, which is eight hours of business time.
        opened("D", "bob", "20T09:00", sorted("price", 4, "process", "shop", "form", "mug")),
        // Before that time.
        opened("E", "ann", "02T09:00", sorted("other", 4, "staff", "store", "store", "vase")),
        // A mention is public, and no complaint.
        at("M", "bob", "Mention Published", "16T09:00", json!({"text": "Nice lamp", "channel": "social", "reach": 5})),
    ];
    happen(&world, &key, calls).await;
    let span = "from=2026-11-10T00:00:00Z&to=2026-11-21T00:00:00Z";
    let found = get(&world, &owner, &format!("{COMPLAINTS}/figures?{span}")).await;
    let all = &found["all"];
    let hours = |hours: i64| json!(hours * 3_600);
    let part = |hits: u64, of: u64| (json!(hits), json!(of), json!(hits as f64 / of as f64));
    let share = |it: &Value| (it["hits"].clone(), it["of"].clone(), it["share"].clone());
    for (name, value) in [
        ("complaints", 4),
        ("reopened", 1),
        ("resolved_unanswered", 1),
        ("public", 2),
        ("people", 2),
        ("repeat_people", 2),
        ("repeat_complaints", 4),
    ] {
        assert_eq!(all[name], json!(value), "{name}: {all}");
    }
    assert_eq!(all["states"], json!({"open": 1, "answered": 1, "resolved": 2, "reopened": 0}));
    let times = |it: &Value| {
        ["done", "waiting", "overdue", "median_seconds", "ninth_seconds", "mean_of_done_seconds"]
            .map(|name| it[name].clone())
    };
    let null = Value::Null;
    // Answers: A after 2 hours, B after 2; C was given up after 1, D waits for 8 where one is allowed.
    assert_eq!(times(&all["first_answer"]), [json!(2), json!(1), json!(1), hours(2), null.clone(), hours(2)], "{all}");
    assert_eq!(share(&all["first_answer"]["attained"]), part(2, 3));
    // Resolutions: A after 9 hours, C after 1; B waits for 25, D for 8, which is what it may.
    assert_eq!(
        times(&all["first_resolution"]),
        [json!(2), json!(2), json!(0), hours(9), null.clone(), hours(5)],
        "{all}"
    );
    assert_eq!(share(&all["first_resolution"]["attained"]), part(2, 2));
    // In all: A 9 and 1 more.
    assert_eq!(
        times(&all["resolution"]),
        [json!(2), json!(2), json!(0), hours(10), null.clone(), json!(5 * 3_600 + 1_800)],
        "{all}"
    );
    // In public: A after 2 hours; the mention waits since Monday.
    assert_eq!(share(&all["public_answered"]), part(1, 2));
    assert!(all["public_answered"]["low"].as_f64() < Some(0.5) && all["public_answered"]["high"].as_f64() > Some(0.5));
    assert_eq!(times(&all["public_answer"]), [json!(1), json!(1), json!(1), hours(2), null.clone(), hours(2)], "{all}");
    assert_eq!(all["cost"], json!([{"complaints": 2, "sum": {"amount": "13.25", "currency": "EUR"}}]));
    let groups = async |by: &str| {
        let found = get(&world, &owner, &format!("{COMPLAINTS}/figures?{span}&by={by}")).await;
        assert_eq!((&found["by"], &found["is_cut"]), (&json!(by), &json!(false)));
        let of = |it: &Value| (it["group"].as_str().map(str::to_owned), it["complaints"].as_i64().unwrap());
        let mut all: Vec<_> = found["groups"].as_array().unwrap().iter().map(of).filter(|it| it.1 > 0).collect();
        all.sort();
        all
    };
    let wanted = |all: &[(&str, i64)]| all.iter().map(|it| (Some(it.0.to_owned()), it.1)).collect::<Vec<_>>();
    assert_eq!(groups("category").await, wanted(&[("delivery", 2), ("price", 2)]));
    assert_eq!(groups("root_cause").await, wanted(&[("carrier", 2), ("process", 2)]));
    assert_eq!(groups("touchpoint").await, wanted(&[("delivery", 1), ("shop", 2), ("support", 1)]));
    assert_eq!(groups("channel").await, wanted(&[("form", 2), ("phone", 1), ("social", 1)]));
    assert_eq!(groups("product").await, wanted(&[("lamp", 2), ("mug", 2)]));
    assert_eq!(groups("severity").await.iter().map(|it| it.1).collect::<Vec<_>>(), [1, 1, 2]);
    // Of one group alone, what is its own.
    let found = get(&world, &owner, &format!("{COMPLAINTS}/figures?{span}&by=channel")).await;
    let phone = found["groups"].as_array().unwrap().iter().find(|it| it["group"] == "phone").unwrap();
    assert_eq!(
        (&phone["first_answer"]["median_seconds"], &phone["people"], &phone["repeat_people"]),
        (&hours(2), &json!(1), &json!(0))
    );
    for wrong in ["by=weather", "from=2026-11-21T00:00:00Z&to=2026-11-20T00:00:00Z", "from=soon"] {
        let refused = world.get(&format!("{COMPLAINTS}/figures?{wrong}"), &owner.reads()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_are_complaints_and_answers_go_on_with_them() {
    let (world, owner, _) = shop().await;
    let send = async |name: &str, from: &str, more: &str, text: &str| {
        let letter = format!(
            "From: {from}\r\nSubject: Broken lamp\r\nMessage-ID: <{name}@example.org>\r\n{more}Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n\r\n{text}\r\n"
        );
        let letter = letters::read(letter.as_bytes()).unwrap();
        let news =
            take_letter(&world.app.installation, FIRST, &format!("<{name}@example.org>"), &letter).await.unwrap();
        settle(&world).await;
        news
    };
    assert!(send("1", "Ann <ann@example.org>", "", "It does not work").await);
    assert!(!send("1", "Ann <ann@example.org>", "", "It does not work").await, "the same letter again");
    assert!(!send("2", "shop@list.example", "List-Unsubscribe: <https://x.example>\r\n", "Buy now").await);
    let rows = list(&world, &owner, "").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (&rows[0]["text"], &rows[0]["opened_at"]),
        (&json!("Broken lamp\n\nIt does not work"), &json!("2026-11-20T12:00:00Z"))
    );
    act(&world, &owner, &rows[0]["id"], json!({"act": "resolve"})).await;
    assert!(
        send(
            "3",
            "ann@example.org",
            "References: <0@x.example> <1@example.org>\r\n",
            "Still broken, call +49 170 1234567"
        )
        .await
    );
    let found = list(&world, &owner, "").await;
    assert_eq!((found.len(), &found[0]["state"]), (1, &json!("resolved")), "written before it was resolved");
    let detail = get(&world, &owner, &format!("{COMPLAINTS}/{}", found[0]["id"].as_str().unwrap())).await;
    assert!(detail["steps"][0]["text"].as_str().unwrap().contains("[phone]"), "{detail}");
    // Somebody else who names the thread has a complaint of their own.
    assert!(send("4", "eve@example.org", "In-Reply-To: <1@example.org>\r\n", "Mine too").await);
    assert_eq!(list(&world, &owner, "").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_come_in_by_file_ours_and_those_of_others() {
    let (world, owner, _) = shop().await;
    let csv = "brand;Body;Permalink;Followers;Stars;Date;Username;mood\n\
        ;Great lamp, thank you;https://x.example/1;1,200;;2026-11-01T10:00:00Z;ann99;up\n\
        Rival;Their lamp broke at once, terrible;https://x.example/2;;1;2026-11-02;bob77;\n\
        Rival;;https://x.example/3;;;2026-11-02;;\n\
        ;Late;https://x.example/4;;;soon;;\n\
        ;\"Mail me: ann@example.org\";;;7;2026-11-02;;\n";
    let import = async |query: &str, text: &str| {
        let [cookie, token] = owner.writes();
        let path = format!("/api/v1/mentions/import?{query}");
        world.request(Method::POST, &path, &[cookie, token, ("content-type", "text/csv")], text.to_owned()).await
    };
    let report = import("channel=review_site", csv).await.json();
    assert_eq!((&report["taken"], &report["known"], &report["refused"]), (&json!(2), &json!(0), &json!(3)), "{report}");
    assert_eq!(
        report["lines"][1],
        json!({"line": 5, "column": "at", "why": "is no time such as 2026-03-01T10:00:00Z"})
    );
    assert_eq!(report["ignored"], json!(["mood"]));
    assert_eq!(import("channel=review_site", csv).await.json()["known"], 2);
    let ours = list(&world, &owner, "kind=mention").await;
    assert_eq!((ours.len(), &ours[0]["reach"], &ours[0]["author"]), (1, &json!(1200), &json!("ann99")));
    let theirs = list(&world, &owner, "subject=Rival").await;
    assert_eq!(
        (&theirs[0]["rating"], &theirs[0]["tone"], &theirs[0]["is_public"]),
        (&json!(1), &json!("negative"), &json!(true))
    );
    // What is about others is in no list of ours, and can be asked for.
    let texts = async |query: &str| {
        get(&world, &owner, &format!("/api/v1/texts?{query}")).await["rows"].as_array().unwrap().len()
    };
    assert_eq!((texts("").await, texts("subject=Rival").await, texts("subject=*").await), (1, 1, 2));
    let figures = get(&world, &owner, &format!("{COMPLAINTS}/figures?from=2026-10-01T00:00:00Z")).await;
    assert_eq!((&figures["all"]["complaints"], &figures["all"]["public"]), (&json!(0), &json!(1)));
    for (text, word) in [("a,b\n1,2\n", "column `text`"), ("", "column `text`")] {
        let refused = import("", text).await;
        assert!(
            refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text().contains(word),
            "{}",
            refused.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_programs_tell_by_events_and_identities_take_theirs_along() {
    let (world, owner, key) = shop().await;
    let at = |hours: i64| world.clock_now().plus(-hours * Timestamp::HOUR).to_rfc3339();
    let told = |id: &str, event: &str, hours: i64, more: Value| {
        let mut properties =
            json!({"complaint_id": "T-1", "text": "Wrong size, once more", "category": "returns", "severity": 3});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut call = track(id, "bob", event, properties);
        call["timestamp"] = json!(at(hours));
        call
    };
    happen(&world, &key, vec![told("1", "Complaint Opened", 9, json!({}))]).await;
    assert_eq!(open(&world, &owner, "bob").await, 1);
    happen(&world, &key, vec![told("2", "Complaint Resolved", 3, json!({}))]).await;
    assert_eq!(open(&world, &owner, "bob").await, 0);
    // Another that was open all the time is heard of late, and one of a visitor who turns out to be bob.
    happen(&world, &key, vec![told("3", "Complaint Opened", 8, json!({"complaint_id": "T-2"}))]).await;
    assert_eq!(open(&world, &owner, "bob").await, 1);
    let visitor = json!({"type": "track", "anonymousId": "tablet", "messageId": "4", "event": "Complaint Opened", "properties": {"text": "Nobody answers"}});
    happen(&world, &key, vec![visitor]).await;
    let joined = json!({"type": "identify", "anonymousId": "tablet", "userId": "bob", "messageId": "5"});
    happen(&world, &key, vec![joined]).await;
    assert_eq!(open(&world, &owner, "bob").await, 2);
    let rows = list(&world, &owner, "is_open=true").await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["person_id"] == rows[0]["person_id"]), "{rows:?}");
    let figures = get(&world, &owner, &format!("{COMPLAINTS}/figures")).await;
    assert_eq!(
        (&figures["all"]["people"], &figures["all"]["repeat_people"], &figures["all"]["repeat_complaints"]),
        (&json!(1), &json!(1), &json!(3))
    );
    // Nobody can end somebody else's.
    let foreign = track("6", "ann", "Complaint Resolved", json!({"complaint_id": "T-2"}));
    happen(&world, &key, vec![foreign]).await;
    assert_eq!(open(&world, &owner, "bob").await, 2);

    let person = rows[0]["person_id"].as_str().unwrap();
    let erased =
        call(&world, &owner, Method::POST, &format!("/api/v1/customers/{person}/erasure"), json!({"suppress": true}))
            .await;
    assert!(erased.status.is_success(), "{}", erased.text());
    let left = list(&world, &owner, "").await;
    assert_eq!(left.len(), 3, "that there were complaints stays");
    assert!(left.iter().all(|row| row["person_id"].is_null() && row["text"].is_null()), "{left:?}");
}
