//! Surveys from outside: written, opened, answered page by page by people who come back, send twice, or mean harm; and taken in by the API.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_feedback::records::invitations;
use rapport_server::auth::{Role, Scope};
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::world::{Answer, Browser, World};

const SURVEYS: &str = "/api/v1/surveys";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn call(world: &World, browser: &Browser, method: Method, path: &str, body: Value) -> Answer {
    world.clock.advance(Timestamp::SECOND);
    let [cookie, token] = browser.writes();
    world.request(method, path, &[cookie, token, ("content-type", "application/json")], body.to_string()).await
}

async fn ok(world: &World, browser: &Browser, method: Method, path: &str, body: Value) -> Value {
    let answer = call(world, browser, method, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn get(world: &World, browser: &Browser, path: &str) -> Value {
    let answer = world.get(path, &browser.reads()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

/// A survey of a ready one, open.
async fn opened(world: &World, browser: &Browser, key: &str, change: impl FnOnce(&mut Value)) {
    let mut definition = get(world, browser, "/api/v1/survey-templates/nps").await["definition"].clone();
    change(&mut definition);
    let body = json!({"key": key, "name": "Recommendation", "definition": definition});
    ok(world, browser, Method::POST, SURVEYS, body).await;
    ok(world, browser, Method::POST, &format!("{SURVEYS}/{key}/act"), json!({"act": "open", "revision": 1})).await;
}

/// A customer, by the number that the API knows them by.
async fn customer(world: &World, browser: &Browser, first_name: &str) -> String {
    let (key, _) = world.write_key("shop", None).await;
    let identify = json!({"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"first_name": first_name}});
    world.collect("/v1/batch", &key, json!({"batch": [identify]}).to_string()).await;
    world.app.pipeline.drain().await.unwrap();
    let found = get(world, browser, "/api/v1/customers?limit=5").await;
    found["rows"][0]["person_id"].as_str().unwrap().to_owned()
}

/// The path of an address.
fn path(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url[url.find("/s/").unwrap()..].to_owned()
}

/// Sends a page; where it leads to.
async fn send(world: &World, path: &str, form: &str) -> String {
    let answer = world.request(Method::POST, path, &[FORM], form.to_owned()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{form}: {}", answer.text());
    answer.header("location").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_is_written_checked_and_opened() {
    let world = World::new().await;
    let ann = world.browser(Role::Analyst).await;
    let templates = get(&world, &ann, "/api/v1/survey-templates").await;
    assert!(templates["rows"].as_array().unwrap().len() >= 14 && templates["rows"][0]["definition"].is_null());
    let whole = get(&world, &ann, "/api/v1/survey-templates/kano").await;
    let made = ok(
        &world,
        &ann,
        Method::POST,
        SURVEYS,
        json!({"key": "kano", "name": "Features", "definition": whole["definition"]}),
    )
    .await;
    assert_eq!((&made["summary"]["state"], &made["findings"]), (&json!("draft"), &json!([])));
    let twice = call(
        &world,
        &ann,
        Method::POST,
        SURVEYS,
        json!({"key": "kano", "name": "x", "definition": whole["definition"]}),
    )
    .await;
    assert_eq!((twice.status, twice.json()["code"].as_str()), (StatusCode::CONFLICT, Some("survey_exists")));
    let unknown = json!({"key": "a", "name": "a", "definition": {"title": {}, "pages": [], "default_language": "en", "colour": 1}});
    let refused = call(&world, &ann, Method::POST, SURVEYS, unknown).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("colour"), "{}", refused.text());

    let mut empty = whole["definition"].clone();
    empty["pages"] = json!([]);
    let found = ok(&world, &ann, Method::POST, "/api/v1/survey-check", json!({"definition": empty})).await;
    assert_eq!((&found["rows"][0]["code"], &found["rows"][0]["severity"]), (&json!("empty"), &json!("error")));
    let at = format!("{SURVEYS}/kano");
    let body = json!({"revision": 1, "name": "Features", "definition": empty, "closes_at": "2035-01-31T00:00:00Z"});
    let saved = ok(&world, &ann, Method::PUT, &at, body.clone()).await;
    assert_eq!((&saved["summary"]["version"], &saved["findings"][0]["code"]), (&json!(2), &json!("empty")));
    assert_eq!(call(&world, &ann, Method::PUT, &at, body).await.status, StatusCode::CONFLICT);
    let act = format!("{at}/act");
    let unready = call(&world, &ann, Method::POST, &act, json!({"act": "open", "revision": 2})).await;
    assert_eq!(
        (unready.status, unready.json()["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("survey_unready"))
    );
    let body = json!({"revision": 2, "name": "Features", "definition": whole["definition"]});
    ok(&world, &ann, Method::PUT, &at, body).await;
    let open = ok(&world, &ann, Method::POST, &act, json!({"act": "open", "revision": 3})).await;
    assert_eq!((&open["summary"]["published"], open["versions"].as_array().unwrap().len()), (&json!(3), 3));
    assert_eq!(get(&world, &ann, SURVEYS).await["rows"][0]["state"], "open");

    // How often people are asked is for those who manage sending.
    let mut settings = get(&world, &ann, "/api/v1/survey-settings").await;
    assert_eq!((&settings["quarantine_days"], &settings["floor_days"]["relationship"]), (&json!(30), &json!(90)));
    settings["quarantine_days"] = json!(14);
    assert_eq!(
        call(&world, &ann, Method::PUT, "/api/v1/survey-settings", settings.clone()).await.status,
        StatusCode::FORBIDDEN
    );
    let owner = world.browser(Role::Owner).await;
    ok(&world, &owner, Method::PUT, "/api/v1/survey-settings", settings.clone()).await;
    assert_eq!(get(&world, &ann, "/api/v1/survey-settings").await["quarantine_days"], 14);
    settings["floor_days"] = json!({"sometimes": 3});
    assert_eq!(
        call(&world, &owner, Method::PUT, "/api/v1/survey-settings", settings).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_answers_by_their_own_link() {
    let world = World::new().await;
    let ann = world.browser(Role::Owner).await;
    opened(&world, &ann, "nps", |survey| {
        survey["pages"][1]["questions"][0]["text"]["en"] =
            json!("What should be better, {{ profile.first_name|default(\"you\") }}?");
    })
    .await;
    let person = customer(&world, &ann, "<b>Mei</b>").await;
    let invited = ok(
        &world,
        &ann,
        Method::POST,
        &format!("{SURVEYS}/nps/invitations"),
        json!({"person_id": person, "channel": "letter"}),
    )
    .await;
    let link = path(&invited["url"]);
    // How many were asked, opened it, and answered.
    let funnel = async || {
        let rows = invitations::funnel(&mut world.app.installation.store.read(), FIRST, 1).await.unwrap();
        assert_eq!((rows.len(), rows[0].state.as_str()), (1, invitations::INVITED));
        (rows[0].occasions, rows[0].opened, rows[0].answered)
    };
    assert_eq!(funnel().await, (1, 0, 0));

    // Looking changes nothing but that it was opened.
    for _ in 0..3 {
        let page = world.get(&link, &[]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains("How likely are you to recommend us") && !page.text().contains("<script"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    }
    assert_eq!(funnel().await, (1, 1, 0));
    let responses = format!("{SURVEYS}/nps/responses");
    assert_eq!(get(&world, &ann, &responses).await["rows"], json!([]));
    let chinese = world.get(&link, &[("accept-language", "zh-CN,en;q=0.5")]).await.text();
    assert!(chinese.contains("lang=\"zh\"") && chinese.contains("推荐给朋友"), "{chinese}");

    // Not an answer, and none at all.
    for (form, says) in
        [("page=0&shown=nps&q.nps=11", "The most is 10."), ("page=0&shown=nps", "Please answer this question.")]
    {
        let again = world.request(Method::POST, &link, &[FORM], form.to_owned()).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(again.text().contains(says), "{form}: {}", again.text());
    }
    let next = send(&world, &link, "page=0&shown=nps&q.nps=3&act=next").await;
    let page = world.get(&next, &[]).await.text();
    assert!(page.contains("What should be better, &#60;b&#62;Mei") && !page.contains("<b>Mei"), "{page}");
    // The connection broke: the link itself goes on where they were.
    assert!(world.get(&link, &[]).await.text().contains("What should be better"));
    let kept = get(&world, &ann, &responses).await;
    assert_eq!((&kept["rows"][0]["state"], &kept["rows"][0]["answers"][0]["number"]), (&json!("partial"), &json!(3)));
    // They go back, and what they said is there.
    let back = send(&world, &link, "page=1&shown=improve&shown=contact&q.improve=%3Cscript%3E&act=back").await;
    assert!(world.get(&back, &[]).await.text().contains("value=\"3\" checked"));
    let forward = send(&world, &link, "page=0&shown=nps&q.nps=3&act=next").await;
    assert!(world.get(&forward, &[]).await.text().contains("&#60;script&#62;"));
    let last = "page=1&shown=improve&shown=contact&q.improve=The+lid&q.contact=yes&act=next";
    let end = send(&world, &link, last).await;
    let thanks = world.get(&end, &[]).await.text();
    assert!(thanks.contains("Thank you for being frank"), "{thanks}");
    // The same form once more, and another: nothing more happens, and nothing of it is shown.
    send(&world, &link, last).await;
    send(&world, &link, "page=0&shown=nps&q.nps=10&act=next").await;
    assert!(!world.get(&link, &[]).await.text().contains("The lid"));
    let kept = get(&world, &ann, &responses).await;
    let row = &kept["rows"][0];
    assert_eq!(
        (kept["rows"].as_array().unwrap().len(), &row["state"], &row["channel"]),
        (1, &json!("completed"), &json!("letter"))
    );
    let said: Vec<(&str, &Value)> =
        row["answers"].as_array().unwrap().iter().map(|it| (it["question"].as_str().unwrap(), &it["text"])).collect();
    assert_eq!(said, [("contact", &Value::Null), ("improve", &json!("The lid")), ("nps", &Value::Null)]);
    let of_them = get(&world, &ann, &format!("/api/v1/customers/{person}/responses")).await;
    assert_eq!((&of_them["rows"][0]["survey"], &of_them["rows"][0]["person_id"]), (&json!("nps"), &json!(person)));
    assert_eq!(funnel().await, (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_too_large_or_too_late_is_refused_with_a_reason() {
    let world = World::new().await;
    let ann = world.browser(Role::Owner).await;
    opened(&world, &ann, "nps", |_| ()).await;
    let person = customer(&world, &ann, "Mei").await;
    let invite = format!("{SURVEYS}/nps/invitations");
    let link = path(&ok(&world, &ann, Method::POST, &invite, json!({"person_id": person})).await["url"]);
    let mut forged = link.clone().into_bytes();
    let last = forged.len() - 3;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    for wrong in [String::from_utf8(forged).unwrap(), "/s/x".into(), format!("{link}A"), "/s/%00".into()] {
        let page = world.get(&wrong, &[]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
        assert_eq!(
            world.request(Method::POST, &wrong, &[FORM], "page=0").await.status,
            StatusCode::NOT_FOUND,
            "{wrong}"
        );
    }
    let large = format!("page=0&shown=nps&q.nps={}", "9".repeat(1 << 20));
    assert_eq!(world.request(Method::POST, &link, &[FORM], large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let file =
        world.request(Method::POST, &link, &[("content-type", "multipart/form-data; boundary=x")], "--x--").await;
    assert_eq!((file.status, file.json()["code"].as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some("no_form")));
    let foreign =
        world.request(Method::POST, &link, &[FORM, ("sec-fetch-site", "cross-site")], "page=0&shown=nps&q.nps=0").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    // A page that is not reached yet is not answered: what was sent counts for the page they are on, and its question is still open.
    let ahead = world.request(Method::POST, &link, &[FORM], "page=1&shown=contact&q.contact=yes").await;
    assert_ne!(ahead.status, StatusCode::SEE_OTHER);
    let kept = get(&world, &ann, &format!("{SURVEYS}/nps/responses")).await;
    assert_eq!(kept["rows"], json!([]), "what takes nothing begins nothing");

    let act = format!("{SURVEYS}/nps/act");
    ok(&world, &ann, Method::POST, &act, json!({"act": "pause", "revision": 2})).await;
    let paused = world.get(&link, &[]).await;
    assert_eq!(paused.status, StatusCode::GONE);
    assert!(paused.text().contains("takes a break"));
    ok(&world, &ann, Method::POST, &act, json!({"act": "close", "revision": 3})).await;
    let late = world.request(Method::POST, &link, &[FORM], "page=0&shown=nps&q.nps=0").await;
    assert_eq!(late.status, StatusCode::GONE);
    assert!(late.text().contains("This survey is over"));
    let none = call(&world, &ann, Method::POST, &invite, json!({"person_id": person, "occasion": "x"})).await;
    assert_eq!((none.status, none.json()["code"].as_str()), (StatusCode::CONFLICT, Some("survey_not_open")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_answers_by_an_open_link() {
    let world = World::new().await;
    let ann = world.browser(Role::Owner).await;
    opened(&world, &ann, "nps", |survey| {
        let hidden = json!({"key": "campaign", "answer": {"kind": "hidden"}});
        survey["pages"][0]["questions"].as_array_mut().unwrap().push(hidden);
        // On one page: the answer leads to a question on it.
        let more = survey["pages"][1]["questions"].as_array().unwrap().clone();
        survey["pages"][0]["questions"].as_array_mut().unwrap().extend(more);
        survey["pages"].as_array_mut().unwrap().truncate(1);
    })
    .await;
    let links = format!("{SURVEYS}/nps/links");
    let link = async |mode: &str| {
        path(&ok(&world, &ann, Method::POST, &links, json!({"mode": mode, "touchpoint": "poster"})).await["url"])
    };
    let many = link("many").await + "?campaign=spring%20sale";
    let page = world.get(&many, &[]).await.text();
    let start = page.split("name=\"start\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let first = format!("page=0&start={start}&shown=nps&shown=contact&q.nps=10&act=next");
    let more = world.request(Method::POST, &many, &[FORM], first.clone()).await;
    assert_eq!(more.status, StatusCode::OK, "no answer was wrong, there is one more question");
    assert!(more.text().contains("What do you like best") && more.text().contains("value=\"10\" checked"));
    // Sent twice, it is one response.
    world.request(Method::POST, &many, &[FORM], first).await;
    let own = more.text().split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let end = send(&world, &own, "page=0&shown=nps&shown=like&shown=contact&q.nps=10&q.like=all&act=next").await;
    assert!(world.get(&end, &[]).await.text().contains("We read every answer"));
    let kept = get(&world, &ann, &format!("{SURVEYS}/nps/responses")).await;
    let row = &kept["rows"][0];
    assert_eq!(kept["rows"].as_array().unwrap().len(), 1, "{kept}");
    assert_eq!(
        (&row["source"], &row["touchpoint"], &row["person_id"]),
        (&json!("link"), &json!("poster"), &Value::Null)
    );
    assert_eq!(
        (&row["answers"][0]["question"], &row["answers"][0]["text"]),
        (&json!("campaign"), &json!("spring sale"))
    );

    // Once by each browser.
    let once = link("once").await;
    let start = "page=0&start=abc1&shown=nps&shown=like&shown=contact&q.nps=10&act=next";
    let answer = world.request(Method::POST, &once, &[FORM], start).await;
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let again = world.get(&once, &[("cookie", &cookie)]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    assert!(world.get(again.header("location"), &[]).await.text().contains("We read every answer"));
    // A device that stands somewhere begins anew.
    let kiosk = link("kiosk").await;
    let answer = world.request(Method::POST, &kiosk, &[FORM], start).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::SEE_OTHER, ""));
    let end = world.get(answer.header("location"), &[]).await.text();
    assert!(end.contains(&format!("http-equiv=\"refresh\" content=\"12;url={kiosk}\"")), "{end}");
    let script = world.get("/survey.js", &[("origin", "https://shop.example")]).await;
    assert_eq!(
        (script.status, script.header("cross-origin-resource-policy"), script.header("content-type")),
        (StatusCode::OK, "cross-origin", "text/javascript; charset=utf-8")
    );
    // In a page of the company's own.
    let widget = world.get(&link("widget").await, &[]).await;
    assert!(widget.header("content-security-policy").contains("frame-ancestors https: http:"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_from_elsewhere_are_taken_once() {
    let world = World::new().await;
    let ann = world.browser(Role::Owner).await;
    opened(&world, &ann, "nps", |_| ()).await;
    let path = format!("{SURVEYS}/nps/responses");
    let key = format!("Bearer {}", world.api_key(&[Scope::Write], None).await);
    let take = async |body: Value| {
        let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
        world.request(Method::POST, &path, &headers, body.to_string()).await
    };
    let body = json!({"id": "paper-17", "answers": {"nps": 2, "improve": "The \u{202E}lid"}, "answered_at": "2020-05-01T00:00:00Z", "agent_id": "a7"});
    let taken = take(body.clone()).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
    assert_eq!(
        (&taken.json()["completed_at"], &taken.json()["source"]),
        (&json!("2020-05-01T00:00:00Z"), &json!("api"))
    );
    assert_eq!(taken.json()["answers"][0]["text"], "The lid");
    let again = take(body).await;
    assert_eq!((again.status, again.json()["code"].as_str()), (StatusCode::CONFLICT, Some("survey_answered")));
    for (answers, code) in [
        (json!({"nps": 11}), "answers_refused"),
        (json!({"shoe_size": 41}), "invalid_value"),
        (json!({"improve": "only words"}), "answers_refused"),
        (json!({"nps": 2, "improve": {"file": "x"}}), "answers_refused"),
        (json!({"nps": 2, "improve": "x".repeat(9_000)}), "answers_refused"),
    ] {
        let refused = take(json!({"id": "paper-18", "answers": answers})).await;
        assert_eq!(
            (refused.status, refused.json()["code"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(code)),
            "{answers}"
        );
    }
    let late = take(json!({"id": "paper-18", "answers": {"nps": 2}, "answered_at": "2999-01-01T00:00:00Z"})).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(get(&world, &ann, &path).await["rows"].as_array().unwrap().len(), 1, "nothing of a refused one stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_is_looked_at_before_it_is_saved() {
    let world = World::new().await;
    let ann = world.browser(Role::Viewer).await;
    let mut definition = get(&world, &ann, "/api/v1/survey-templates/nps").await["definition"].clone();
    definition["title"]["en"] = json!("<script>alert(1)</script>");
    let look = async |change: Value| {
        let mut body = json!({"definition": definition});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        ok(&world, &ann, Method::POST, "/api/v1/survey-preview", body).await
    };
    let first = look(json!({})).await;
    let html = first["html"].as_str().unwrap();
    assert!(html.contains("How likely are you") && html.contains("&#60;script&#62;") && !html.contains("<script"));
    assert!(first["style"].as_str().unwrap().contains(".question"));
    // Without an answer the second page asks what everybody is asked; what a detractor is asked depends on the answer.
    let asks = async |page: usize, nps: Option<i64>| {
        let answers = nps.map_or(json!({}), |nps| json!({"nps": nps, "gone": 1}));
        let seen = look(json!({"page": page, "answers": answers, "language": "zh"})).await;
        assert_eq!(seen["is_reached"], true);
        seen["html"].as_str().unwrap().to_owned()
    };
    assert!(asks(1, Some(2)).await.contains("我们需要改进什么"));
    assert!(!asks(1, Some(10)).await.contains("我们需要改进什么"));
    assert!(asks(2, Some(2)).await.contains("感谢您的坦诚"));
    assert!(asks(99, Some(9)).await.contains("谢谢"));
    let refused = json!({"definition": definition, "answers": {"nps": 11}});
    let refused = call(&world, &ann, Method::POST, "/api/v1/survey-preview", refused).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(get(&world, &ann, SURVEYS).await["rows"], json!([]), "nothing is kept");

    let owner = world.browser(Role::Owner).await;
    opened(&world, &owner, "nps", |_| ()).await;
    let body = json!({"revision": 2, "name": "x", "definition": definition});
    ok(&world, &owner, Method::PUT, &format!("{SURVEYS}/nps"), body).await;
    let title = async |version: i64| {
        get(&world, &ann, &format!("{SURVEYS}/nps/versions/{version}")).await["definition"]["title"]["en"].clone()
    };
    assert_eq!((title(1).await, title(2).await), (json!("One question for you"), definition["title"]["en"].clone()));
    let missing = world.get(&format!("{SURVEYS}/nps/versions/3"), &ann.reads()).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
