//! What a survey's answers amount to, over the API: scores with intervals and blanks, groups, trends, the funnel, wishes, drivers; and what is refused.

use axum::http::{Method, StatusCode};
use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_feedback::Definition;
use rapport_feedback::records::responses::{COMPLETED, ResponseRow};
use rapport_feedback::records::{answers, responses};
use rapport_feedback::service::Author;
use rapport_feedback::service::editing::{Act, act, create};
use rapport_feedback::survey::{Answers, Given};
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_store::{Priority, Queries, Tx, args, sql};
use serde_json::{Value, json};

use crate::channels::{person, world};
use crate::engaging::{call, get, happen, only_person, track};
use crate::world::World;

fn definition() -> Definition {
    let question = |key: &str, answer: Value| json!({"key": key, "text": {"en": key}, "answer": answer});
    let form = json!({"title": {"en": "A survey"}, "default_language": "en", "pages": [{"questions": [
        question("recommend", json!({"kind": "nps"})),
        question("staff", json!({"kind": "scale", "from": 1, "to": 5, "no_opinion": true})),
        question("effort", json!({"kind": "ces", "points": 5, "direction": "down"})),
        question("gift", json!({"kind": "kano", "functional": {"en": "With?"}, "dysfunctional": {"en": "Without?"}})),
        question("why", json!({"kind": "text"})),
    ]}]});
    Definition::from_json(&form).unwrap()
}

fn number(part: &str, number: i64) -> Given {
    Given { part: part.to_owned(), number: Some(number), ..Given::default() }
}

/// A survey that takes answers; its number.
async fn opened(tx: &mut Tx, now: Timestamp) -> i64 {
    let author = Author { by: "usr_ann", at: now };
    create(tx, FIRST, ("shop", "The shop"), &definition(), author).await.unwrap();
    act(tx, FIRST, "shop", Act::Open, 1, author).await.unwrap().survey
}

/// Somebody's answers.
async fn answer(
    tx: &mut Tx,
    survey: i64,
    who: (i64, Option<PersonId>),
    touchpoint: &str,
    at: Timestamp,
    given: &Answers,
) {
    let row = ResponseRow {
        id: format!("rsp_{}", who.0),
        survey,
        version: 1,
        wave: 1,
        invitation: None,
        origin: Some(who.0.to_string()),
        source: "api".to_owned(),
        state: COMPLETED.to_owned(),
        handle: who.1.map(|it| Handle(it.0)),
        person: who.1,
        language: "en".to_owned(),
        channel: None,
        touchpoint: Some(touchpoint.to_owned()),
        product: None,
        agent: None,
        subject: None,
        page: 1,
        started_at: at,
        updated_at: at,
        completed_at: Some(at),
    };
    assert!(responses::insert(tx, FIRST, &row).await.unwrap());
    answers::write(tx, FIRST, &row, &definition(), given, at).await.unwrap();
}

/// Forty who were asked in the shop and recommend it, then forty at home who do not; the last ten have no opinion of the staff.
async fn answered(world: &World) {
    let now = world.clock_now();
    let mut tx = world.app.installation.store.begin(Priority::Interactive).await.unwrap();
    let survey = opened(&mut tx, now).await;
    let no_opinion = Given { choice: Some("no_opinion".to_owned()), ..Given::default() };
    for at in 0..80_i64 {
        let in_shop = at < 40;
        let began = now.plus(-(if in_shop { 45 } else { 5 }) * Timestamp::DAY);
        let functional = number("functional", if in_shop { 1 } else { 3 });
        let given = Answers::from([
            ("recommend".to_owned(), vec![number("", if in_shop { 9 + at % 2 } else { 2 + at % 5 })]),
            ("staff".to_owned(), vec![if at < 70 { number("", 1 + at % 5) } else { no_opinion.clone() }]),
            ("effort".to_owned(), vec![number("", 1 + (at / 5) % 3)]),
            ("gift".to_owned(), vec![functional, number("dysfunctional", 5)]),
        ]);
        answer(&mut tx, survey, (at, None), if in_shop { "shop" } else { "home" }, began, &given).await;
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scores_have_intervals_groups_and_trends() {
    let world = World::new().await;
    answered(&world).await;
    let viewer = world.browser(Role::Viewer).await;
    let found = get(&world, &viewer, "/api/v1/surveys/shop/results?by=touchpoint&interval=month").await;
    let rows = found["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|it| it["question"].as_str().unwrap()).collect();
    assert_eq!(names, ["recommend", "staff", "effort"]);

    // 40 promoters of 80 and 40 detractors.
    let recommend = &rows[0];
    let score = &recommend["total"]["scores"][0];
    assert_eq!((&score["measure"], &score["estimate"], &score["few"]), (&json!("nps"), &json!(0.0), &json!(false)));
    assert!(score["low"].as_f64().unwrap() < -15.0 && score["high"].as_f64().unwrap() > 15.0, "{score}");
    let groups = recommend["groups"].as_array().unwrap();
    assert_eq!(
        groups.iter().map(|it| &it["scores"][0]["estimate"]).collect::<Vec<_>>(),
        [&json!(-100.0), &json!(100.0)]
    );
    assert_eq!((&groups[0]["key"], &groups[0]["against_others"]["estimate"]), (&json!("home"), &json!(-200.0)));
    assert!(groups[0]["against_others"]["q"].as_f64().unwrap() < 1e-9);
    let periods = recommend["periods"].as_array().unwrap();
    let counted: u64 = periods.iter().map(|it| it["answers"].as_u64().unwrap()).sum();
    assert!(periods.len() >= 12 && counted == 80, "{periods:?}");
    assert!(periods.iter().any(|it| it["change"]["estimate"] == json!(-200.0)), "{periods:?}");

    assert_eq!(rows[1]["total"]["blank"], json!([{"value": null, "answers": 10}]));
    assert_eq!((&rows[1]["total"]["answers"], &rows[2]["direction"]), (&json!(70), &json!("down")));
    assert_eq!(rows[2]["total"]["scores"][0]["measure"], "mean");
    assert!(rows[2]["total"]["scores"][0]["estimate"].as_f64().unwrap() > 3.5, "little effort is good");

    let path = "/api/v1/surveys/shop/results?question=staff&confidence=0.9";
    let one = get(&world, &viewer, path).await;
    assert_eq!((one["rows"].as_array().unwrap().len(), &one["rows"][0]["groups"]), (1, &json!([])));
    for (path, status) in [
        ("other/results", StatusCode::NOT_FOUND),
        ("shop/results?by=name", StatusCode::UNPROCESSABLE_ENTITY),
        ("shop/results?interval=fortnight", StatusCode::UNPROCESSABLE_ENTITY),
        ("shop/results?interval=day&from=2001-01-01T00:00:00Z", StatusCode::UNPROCESSABLE_ENTITY),
        ("shop/results?confidence=1", StatusCode::UNPROCESSABLE_ENTITY),
        ("shop/results?from=yesterday", StatusCode::UNPROCESSABLE_ENTITY),
        ("shop/wishes?table=none", StatusCode::UNPROCESSABLE_ENTITY),
        ("shop/drivers?score=why", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = world.get(&format!("/api/v1/surveys/{path}"), &viewer.reads()).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
}

/// As many rows as the page of the filtered list has, over all its pages.
async fn listed(world: &World, viewer: &crate::world::Browser, query: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(world, viewer, &format!("/api/v1/surveys/shop/responses?limit=7&cursor={cursor}&{query}")).await;
        rows.extend(page["rows"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return rows,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_score_leads_to_the_answers_behind_it() {
    let world = World::new().await;
    answered(&world).await;
    let viewer = world.browser(Role::Viewer).await;
    let at = |days: i64| world.clock_now().plus(-days * Timestamp::DAY).to_rfc3339().replace('+', "%2B");
    for (query, many) in [
        ("".to_owned(), 80),
        ("state=completed".to_owned(), 80),
        ("state=partial".to_owned(), 0),
        ("by=touchpoint&group=home".to_owned(), 40),
        ("by=touchpoint&group=".to_owned(), 0),
        ("by=channel&group=".to_owned(), 80),
        ("by=version&group=1".to_owned(), 80),
        ("question=recommend&at_least=9".to_owned(), 40),
        ("question=recommend&at_least=2&at_most=2&by=touchpoint&group=home".to_owned(), 8),
        ("question=recommend&at_least=2&at_most=2&by=touchpoint&group=shop".to_owned(), 0),
        ("question=staff&choice=no_opinion".to_owned(), 10),
        ("question=gift&part=functional&at_most=1".to_owned(), 40),
        ("question=why".to_owned(), 0),
        (format!("from={}", at(10)), 40),
        (format!("question=recommend&to={}", at(10)), 40),
        (format!("question=recommend&from={}&to={}", at(40), at(10)), 0),
    ] {
        let rows = listed(&world, &viewer, &query).await;
        assert_eq!(rows.len(), many, "{query}");
        let ids: std::collections::BTreeSet<&str> = rows.iter().map(|it| it["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), many, "{query}: a row came twice");
    }
    for query in ["state=lost", "by=name&group=x", "at_least=3", "from=yesterday", "by=segment&group=nobody"] {
        let answer = world.get(&format!("/api/v1/surveys/shop/responses?{query}"), &viewer.reads()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_drivers_and_the_funnel_have_their_figures() {
    let world = World::new().await;
    answered(&world).await;
    let viewer = world.browser(Role::Viewer).await;
    let wishes = get(&world, &viewer, "/api/v1/surveys/shop/wishes?by=touchpoint").await;
    let gift = &wishes["rows"][0];
    // In the shop it pays, at home it is expected: equally many, of which the must-be hurts most.
    assert_eq!((&gift["question"], &gift["all"]["category"]), (&json!("gift"), &json!("must_be")));
    assert_eq!((&gift["all"]["worse"]["estimate"], &gift["all"]["better"]["estimate"]), (&json!(-1.0), &json!(0.5)));
    assert_eq!((&gift["all"]["significant"], &gift["all"]["total_strength"]), (&json!(false), &json!(1.0)));
    let kinds: Vec<&Value> = gift["groups"].as_array().unwrap().iter().map(|it| &it["category"]).collect();
    assert_eq!(kinds, [&json!("must_be"), &json!("one_dimensional")]);
    assert!(gift["p"].as_f64().unwrap() < 1e-9);

    let drivers = get(&world, &viewer, "/api/v1/surveys/shop/drivers").await;
    assert_eq!(
        (&drivers["score"], &drivers["answers"], &drivers["incomplete"]),
        (&json!("recommend"), &json!(70), &json!(10))
    );
    let rows = drivers["drivers"].as_array().unwrap();
    let questions: Vec<&Value> = rows.iter().map(|it| &it["question"]).collect();
    assert_eq!(questions, [&json!("staff"), &json!("effort")]);
    let parts: f64 = rows.iter().map(|it| it["contribution"].as_f64().unwrap()).sum();
    assert!((parts - drivers["r_squared"].as_f64().unwrap()).abs() < 1e-9);
    // Nobody was invited: there is nothing to weigh by.
    assert_eq!(get(&world, &viewer, "/api/v1/surveys/shop/weighted").await["rows"], json!([]));
    let wrong = world.get("/api/v1/surveys/shop/weighted?by=language", &viewer.reads()).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let funnel = get(&world, &viewer, "/api/v1/surveys/shop/funnel").await;
    assert_eq!((&funnel["occasions"], &funnel["response_rate"]), (&json!(0), &Value::Null));
}

/// Two who recommend the shop and bought the day after they said so, and two who do neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_a_segment_and_what_people_then_spent() {
    let (world, owner, key) = world(&[]).await;
    let segment = json!({"key": "buyers", "name": "Buyers", "condition": {"performed": {"event": "Order Completed"}}});
    let made = call(&world, &owner, Method::POST, "/api/v1/segments", segment).await;
    assert!(made.status.is_success(), "{}", made.text());
    let answered_at = world.clock_now().plus(-2 * Timestamp::DAY);
    for it in 1..=4 {
        happen(&world, &key, person(it, "in_app", json!({"firstName": format!("Name{it}")}))).await;
    }
    for it in 1..=2 {
        let mut order =
            track(&format!("o{it}"), &format!("u{it}"), "Order Completed", json!({"order_id": it, "revenue": 10}));
        order["timestamp"] = json!(answered_at.plus(Timestamp::HOUR).to_rfc3339());
        happen(&world, &key, vec![order]).await;
    }
    let mut people = Vec::new();
    for it in 1..=4 {
        people.push(PersonId(only_person(&world, &owner, &format!("u{it}")).await.parse().unwrap()));
    }
    let mut tx = world.app.installation.store.begin(Priority::Interactive).await.unwrap();
    let survey = opened(&mut tx, answered_at).await;
    for (at, person) in (1..).zip(people) {
        let given = Answers::from([("recommend".to_owned(), vec![number("", if at <= 2 { 10 } else { 0 })])]);
        answer(&mut tx, survey, (at, Some(person)), "shop", answered_at, &given).await;
    }
    tx.commit().await.unwrap();

    let path = "/api/v1/surveys/shop/results?by=segment&segments=buyers";
    let found = get(&world, &owner, path).await;
    let recommend = &found["rows"][0];
    assert_eq!((&recommend["total"]["answers"], &recommend["total"]["scores"][0]["few"]), (&json!(4), &json!(true)));
    let group = &recommend["groups"][0];
    assert_eq!(
        (&group["key"], &group["answers"], &group["scores"][0]["estimate"]),
        (&json!("buyers"), &json!(2), &json!(100.0))
    );
    assert_eq!((&group["against_others"]["estimate"], &group["against_others"]["few"]), (&json!(200.0), &json!(true)));
    // When they answered they had bought nothing.
    let then = get(&world, &owner, &format!("{path}&as_answered=true")).await;
    assert_eq!(then["rows"][0]["groups"], json!([]));
    let unknown = world.get("/api/v1/surveys/shop/results?by=segment&segments=nobody", &owner.reads()).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);

    // The way to them, with their names; when they answered they had bought nothing.
    let members = "/api/v1/surveys/shop/responses?by=segment&group=buyers";
    let behind = get(&world, &owner, &format!("{members}&limit=1")).await;
    let name = behind["rows"][0]["customer"]["name"].as_str().unwrap();
    assert!(name == "Name1" || name == "Name2", "{name}");
    let next = behind["next"].as_str().expect("there is another one");
    let rest = get(&world, &owner, &format!("{members}&limit=1&cursor={next}")).await;
    assert_eq!((rest["rows"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert_ne!(behind["rows"][0]["id"], rest["rows"][0]["id"]);
    assert_eq!(get(&world, &owner, &format!("{members}&as_answered=true")).await["rows"], json!([]));

    let found = get(&world, &owner, "/api/v1/surveys/shop/behaviour?days=1").await;
    let spending = found["spending"].as_array().unwrap();
    let figures: Vec<(&Value, &Value, &Value)> =
        spending.iter().map(|it| (&it["stance"], &it["people"], &it["mean"])).collect();
    assert_eq!(figures[0], (&json!("promoter"), &json!(2), &json!(10.0)));
    assert_eq!(figures[1], (&json!("passive"), &json!(0), &Value::Null));
    assert_eq!(figures[2], (&json!("detractor"), &json!(2), &json!(0.0)));
    assert_eq!((&spending[0]["bought"]["estimate"], &found["too_recent"]), (&json!(1.0), &json!(0)));
    // Two who spent the same say nothing of how far chance goes.
    assert_eq!(spending[0]["more_than_detractors"], Value::Null);
    let early = get(&world, &owner, "/api/v1/surveys/shop/behaviour?days=90").await;
    assert_eq!((&early["too_recent"], &early["spending"][0]["people"]), (&json!(4), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_scores_stand_beside_ones_own_with_source_and_day() {
    let world = World::new().await;
    answered(&world).await;
    let owner = world.browser(Role::Owner).await;
    let enter = async |body: Value| call(&world, &owner, Method::POST, "/api/v1/benchmarks", body).await;
    let body = |name: &str, measure: &str, score: f64| json!({"name": name, "measure": measure, "score": score, "source": "Trade report 2026, p. 4", "as_of": "2026-03-31"});
    let far = enter(body("Retail", "nps", 45.0)).await;
    assert_eq!(far.status, StatusCode::OK, "{}", far.text());
    let id = far.json()["id"].as_str().unwrap().to_owned();
    assert!(enter(body("Corner shop", "nps", 5.0)).await.status.is_success());
    let mut mean = body("Corner shop", "mean", 3.0);
    (mean["low"], mean["high"]) = (json!(1), json!(5));
    assert!(enter(mean.clone()).await.status.is_success());
    (mean["low"], mean["high"]) = (json!(1), json!(7));
    assert!(enter(mean).await.status.is_success());
    for wrong in [
        body("", "nps", 5.0),
        body("x", "stars", 5.0),
        body("x", "nps", 101.0),
        body("x", "top_two", 82.0),
        body("x", "mean", 3.0),
        json!({"name": "x", "measure": "nps", "score": 5, "source": "", "as_of": "2026-03-31"}),
        json!({"name": "x", "measure": "nps", "score": 5, "source": "y", "as_of": "yesterday"}),
        json!({"name": "x", "measure": "nps", "score": 5, "source": "y", "as_of": "2026-03-31", "margin": -1}),
        json!({"name": "x", "measure": "nps", "score": 5, "source": "y", "as_of": "2026-03-31", "low": 0, "high": 10}),
    ] {
        let answer = enter(wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {}", answer.text());
    }

    let gaps =
        async || get(&world, &owner, "/api/v1/surveys/shop/benchmarks").await["rows"].as_array().unwrap().clone();
    let found = gaps().await;
    let seen: Vec<(&str, &str, &str, &str)> = found
        .iter()
        .map(|it| {
            let word = |it: &'_ Value| it.as_str().unwrap().to_owned().leak() as &str;
            (
                word(&it["question"]),
                word(&it["benchmark"]["name"]),
                word(&it["benchmark"]["measure"]),
                word(&it["verdict"]),
            )
        })
        .collect();
    // The own score is 0 and somewhere about 20 to either side; the scale to 7 has no question.
    assert!(seen.contains(&("recommend", "Retail", "nps", "below")), "{seen:?}");
    assert!(seen.contains(&("recommend", "Corner shop", "nps", "unclear")), "{seen:?}");
    assert!(seen.iter().any(|it| (it.0, it.2) == ("staff", "mean")) && seen.len() == 4, "{seen:?}");
    let far = found.iter().find(|it| it["benchmark"]["id"] == json!(id)).unwrap();
    assert_eq!((&far["gap"], &far["benchmark"]["source"]), (&json!(-45.0), &json!("Trade report 2026, p. 4")));
    let own = (far["gap_low"].as_f64().unwrap() + 45.0, far["gap_high"].as_f64().unwrap() + 45.0);
    assert!(
        (own.0 - far["low"].as_f64().unwrap()).abs() < 1e-9 && (own.1 - far["high"].as_f64().unwrap()).abs() < 1e-9
    );

    // What the source itself is not sure of makes the gap unclear.
    let mut unsure = body("Retail", "nps", 45.0);
    unsure["margin"] = json!(60);
    let path = format!("/api/v1/benchmarks/{id}");
    let saved = call(&world, &owner, Method::PUT, &path, unsure.clone()).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let found = gaps().await;
    assert_eq!(found.iter().find(|it| it["benchmark"]["id"] == json!(id)).unwrap()["verdict"], "unclear");
    assert_eq!(call(&world, &owner, Method::DELETE, &path, json!({})).await.status, StatusCode::NO_CONTENT);
    for method in [Method::DELETE, Method::PUT] {
        assert_eq!(call(&world, &owner, method, &path, unsure.clone()).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(gaps().await.len(), 3);
}

const KEYS: [&str; 6] =
    ["quality_all", "quality_fit", "satisfaction_all", "satisfaction_ideal", "loyalty_again", "loyalty_price"];

#[tokio::test]
async fn choices_models_and_styles_have_their_figures_and_wrong_ones_their_reasons() {
    let world = World::new().await;
    let now = world.clock_now();
    let viewer = world.browser(Role::Viewer).await;
    let scale = |key: &str| json!({"key": key, "text": {"en": key}, "answer": {"kind": "scale", "from": 1, "to": 10}});
    let choices = json!([{"key": "us", "text": {"en": "Us"}}, {"key": "them", "text": {"en": "Them"}}]);
    let mut questions: Vec<Value> = KEYS.map(scale).to_vec();
    questions.push(json!({"key": "which", "text": {"en": "Which?"}, "answer": {"kind": "single", "choices": choices}}));
    let complained =
        json!([{"key": "no", "text": {"en": "No"}, "value": 0}, {"key": "yes", "text": {"en": "Yes"}, "value": 1}]);
    questions.push(
        json!({"key": "complained", "text": {"en": "Did you?"}, "answer": {"kind": "single", "choices": complained}}),
    );
    let mut handled = scale("complaint_handled");
    handled["show_if"] = json!({"question": "complained", "is": ["yes"]});
    questions.push(handled);
    let form = json!({"title": {"en": "Us"}, "default_language": "en", "pages": [{"questions": questions}]});
    let definition = Definition::from_json(&form).unwrap();
    let mut tx = world.app.installation.store.begin(Priority::Interactive).await.unwrap();
    let author = Author { by: "usr_ann", at: now };
    create(&mut tx, FIRST, ("shop", "The shop"), &definition, author).await.unwrap();
    let survey = act(&mut tx, FIRST, "shop", Act::Open, 1, author).await.unwrap().survey;
    tx.commit().await.unwrap();
    // Every other one is known.
    let (key, _) = world.write_key("site", None).await;
    let visits = (0..30).map(|n| track(&format!("v{n}"), &format!("u{n}"), "Signed In", json!({}))).collect();
    happen(&world, &key, visits).await;
    let text = sql!("SELECT handle, person FROM identifiers WHERE kind = 'user_id' ORDER BY value");
    let known: Vec<(Handle, PersonId)> = world.app.installation.store.read().fetch_all(text, args![]).await.unwrap();
    assert_eq!(known.len(), 30);
    let mut tx = world.app.installation.store.begin(Priority::Interactive).await.unwrap();
    for at in 0..60_i64 {
        let level = 2 + at % 7;
        let mut given = Answers::new();
        for (place, key) in KEYS.into_iter().enumerate() {
            given.insert(key.to_owned(), vec![number("", level + (at * (place as i64 + 3)) % 3)]);
        }
        let us = Given { choice: Some(if at % 4 == 0 { "them" } else { "us" }.to_owned()), ..Given::default() };
        given.insert("which".to_owned(), vec![us]);
        let (did, word) = if at % 5 == 0 { (1, "yes") } else { (0, "no") };
        let complained = Given { choice: Some(word.to_owned()), ..number("", did) };
        given.insert("complained".to_owned(), vec![complained]);
        if did == 1 {
            given.insert("complaint_handled".to_owned(), vec![number("", 1 + at % 10)]);
        }
        let row = ResponseRow {
            id: format!("rsp_{at}"),
            survey,
            version: 1,
            wave: 1,
            invitation: None,
            origin: Some(at.to_string()),
            source: "api".to_owned(),
            state: COMPLETED.to_owned(),
            handle: (at % 2 == 1).then(|| known[(at / 2) as usize].0),
            person: (at % 2 == 1).then(|| known[(at / 2) as usize].1),
            language: if at % 2 == 0 { "en" } else { "zh" }.to_owned(),
            channel: None,
            touchpoint: None,
            product: None,
            agent: None,
            subject: None,
            page: 0,
            started_at: now,
            updated_at: now,
            completed_at: Some(now),
        };
        assert!(responses::insert(&mut tx, FIRST, &row).await.unwrap());
        answers::write(&mut tx, FIRST, &row, &definition, &given, now).await.unwrap();
    }
    tx.commit().await.unwrap();

    let results = get(&world, &viewer, "/api/v1/surveys/shop/results?by=language").await;
    let row = |part: &str| {
        let rows = results["rows"].as_array().unwrap();
        rows.iter().find(|it| it["question"] == "which" && it["part"] == part).unwrap().clone()
    };
    assert_eq!((&row("us")["kind"], &row("us")["total"]["scores"][0]["estimate"]), (&json!("choice"), &json!(0.75)));
    assert_eq!(row("them")["groups"].as_array().unwrap().len(), 2);

    let model = call(&world, &viewer, Method::POST, "/api/v1/surveys/shop/model", json!({})).await;
    assert_eq!(model.status, StatusCode::OK, "{}", model.text());
    let model = model.json();
    assert_eq!((&model["answers"], &model["blocks"][0]["key"]), (&json!(60), &json!("quality")));
    let path = &model["paths"][0];
    assert_eq!((&path["from"], &path["to"]), (&json!("quality"), &json!("satisfaction")), "{model}");
    assert!(
        path["path"]["low"].as_f64() < path["path"]["estimate"].as_f64()
            && path["path"]["estimate"].as_f64() > Some(0.5)
    );
    let index = &model["blocks"][3]["index"];
    assert!(index["low"].as_f64() < index["estimate"].as_f64() && index["estimate"].as_f64() < Some(100.0));
    assert!(model["blocks"][0]["compared"].is_null() && model["apart"].as_array().unwrap().len() == 6);
    let complaints = &model["blocks"][2];
    assert_eq!((&complaints["key"], &complaints["questions"][0]["answered"]), (&json!("complaint"), &json!(60)));
    assert!(
        (complaints["index"]["estimate"].as_f64().unwrap() - 20.0).abs() < 1e-9,
        "a fifth complained: {complaints}"
    );
    // Some questions were answered exactly alike: composites do not mind, covariances cannot tell them apart.
    assert!(model["whole"].is_null() && path["by_covariances"].is_null(), "{model}");
    assert!(model["whole_fault"].as_str().unwrap().contains("one of them follows from the others"), "{model}");
    // From a block to the people.
    let behind = async |bounds: Value| {
        let body = json!({"bounds": bounds, "limit": 200});
        call(&world, &viewer, Method::POST, "/api/v1/surveys/shop/model/people", body).await
    };
    let everybody = behind(json!([{"block": "satisfaction", "from": 0}])).await;
    assert_eq!(everybody.status, StatusCode::OK, "{}", everybody.text());
    let everybody = everybody.json();
    assert_eq!(everybody["answers"], json!(60));
    assert_eq!((&everybody["total"], &everybody["anonymous"]), (&json!(30), &json!(30)), "{everybody}");
    let of = |row: &Value, block: &str| {
        row["indices"].as_array().unwrap().iter().find(|it| it["block"] == block).unwrap()["index"].as_f64().unwrap()
    };
    let torn = json!([{"block": "satisfaction", "from": 50}, {"block": "loyalty", "to": 60}]);
    let torn = behind(torn).await.json();
    let wanted = everybody["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| of(it, "satisfaction") >= 50.0 && of(it, "loyalty") < 60.0);
    assert_eq!(torn["total"], json!(wanted.count()), "{torn}");
    for (bounds, says) in [
        (json!([]), "1 to 20"),
        (json!([{"block": "moon"}]), "`moon`, which is no block"),
        (json!([{"block": "loyalty", "from": 101}]), "from 0 to 100"),
    ] {
        let refused = behind(bounds).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains(says), "{says}: {}", refused.text());
    }
    let handled = json!([{"question": "complaint_handled", "block": "complaint", "answered": 12, "people": 60, "why": "asked_of_some"}]);
    assert_eq!(model["left_out"], handled);
    let compared = json!({"by": "language", "group": "zh", "scheme": "centroid"});
    let compared = call(&world, &viewer, Method::POST, "/api/v1/surveys/shop/model", compared).await.json();
    assert!(compared["blocks"][0]["compared"]["correlation"].is_number(), "{compared}");
    let own = |blocks: Value, paths: Value| json!({"blocks": blocks, "paths": paths});
    let [q, l] =
        [json!({"key": "q", "questions": ["quality_all"]}), json!({"key": "l", "questions": ["loyalty_again"]})];
    let drawn = own(json!([q, l]), json!([{"from": "q", "to": "l"}]));
    let drawn = call(&world, &viewer, Method::POST, "/api/v1/surveys/shop/model", drawn).await.json();
    assert!(drawn["paths"].as_array().unwrap().len() == 1 && drawn["blocks"][0]["alpha"].is_null(), "{drawn}");
    let [c, h] =
        [json!({"key": "c", "questions": ["complained"]}), json!({"key": "h", "questions": ["complaint_handled"]})];
    let three = json!({"key": "t", "questions": ["quality_all", "quality_fit", "satisfaction_all"]});
    let tested = own(json!([three, c]), json!([{"from": "t", "to": "c"}]));
    let tested = call(&world, &viewer, Method::POST, "/api/v1/surveys/shop/model", tested).await.json();
    let (whole, path) = (&tested["whole"], &tested["paths"][0]);
    assert!(["well", "fairly", "no"].contains(&whole["holds"].as_str().unwrap()), "{tested}");
    assert!(whole["cfi"].is_number() && whole["rmsea"]["estimate"].is_number(), "{whole}");
    assert!(path["by_covariances"]["estimate"].is_number() && path["hardly_apart"] == json!(false), "{path}");
    let few = own(json!([q, c]), json!([{"from": "q", "to": "c"}]));
    let few = call(&world, &viewer, Method::POST, "/api/v1/surveys/shop/model", few).await.json();
    assert_eq!((&few["answers"], &few["left_out"]), (&json!(60), &json!([])), "{few}");
    let few = own(json!([q, h]), json!([{"from": "q", "to": "h"}]));
    let few = call(&world, &viewer, Method::POST, "/api/v1/surveys/shop/model", few).await.json();
    assert_eq!((&few["answers"], &few["incomplete"], &few["left_out"]), (&json!(12), &json!(48), &json!([])), "{few}");
    assert_eq!(few["blocks"][1]["questions"][0]["answered"], 12);
    let circle = json!([{"from": "q", "to": "l"}, {"from": "l", "to": "q"}]);
    for (body, says) in [
        (own(json!([q, l]), circle), "in a circle"),
        (own(json!([q, l]), json!([])), "`q` on no path"),
        (own(json!([q, q]), json!([{"from": "q", "to": "q"}])), "`quality_all` in two blocks"),
        (own(json!([q]), json!([{"from": "q", "to": "x"}])), "`x`, which is no block"),
        (own(json!([{"key": "w", "questions": ["which"]}]), json!([])), "`which`, which is no question on a scale"),
        (json!({"from": "2040-01-01T00:00:00Z"}), "not more complete answers"),
        (json!({"by": "language"}), "both or neither"),
        (json!({"by": "weather", "group": "zh"}), "is one of channel"),
        (json!({"scheme": "magic"}), "centroid or factorial"),
    ] {
        let refused = call(&world, &viewer, Method::POST, "/api/v1/surveys/shop/model", body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(refused.text().contains(says), "{says}: {}", refused.text());
    }

    let styles = get(&world, &viewer, "/api/v1/surveys/shop/styles").await;
    assert_eq!(
        (&styles["low"], &styles["high"], styles["questions"].as_array().unwrap().len()),
        (&json!(1), &json!(10), 7)
    );
    let group = &styles["groups"][0];
    assert_eq!((&group["people"], group["styles"].as_array().unwrap().len()), (&json!(30), 4));
    assert_eq!(group["comparable"], json!(true), "{styles}");
    let wrong = world.get("/api/v1/surveys/shop/styles?by=weather", &viewer.reads()).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let other = world.get("/api/v1/surveys/none/styles", &viewer.reads()).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}
