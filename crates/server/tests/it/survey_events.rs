//! Surveys that are asked and answered elsewhere: what clients tell of them counts like what is answered here; and what was answered becomes known.

use axum::http::{Method, StatusCode};
use rapport_domain::{IdentifierKind, Timestamp};
use rapport_profiles::records::{facts, identifiers};
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::{engaging, surveying};
use serde_json::{Value, json};

use crate::engaging::{call, get};
use crate::world::{Browser, World};

const SURVEYS: &str = "/api/v1/surveys";

async fn opened(world: &World, owner: &Browser, key: &str, ready: &str) {
    let definition = get(world, owner, &format!("/api/v1/survey-templates/{ready}")).await["definition"].clone();
    let body = json!({"key": key, "name": "A survey", "definition": definition});
    let made = call(world, owner, Method::POST, SURVEYS, body).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let act = json!({"act": "open", "revision": 1});
    let opened = call(world, owner, Method::POST, &format!("{SURVEYS}/{key}/act"), act).await;
    assert_eq!(opened.status, StatusCode::OK, "{}", opened.text());
}

async fn send(world: &World, key: &str, events: Vec<Value>) {
    let answer = world.collect("/v1/batch", key, json!({ "batch": events }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(Timestamp::SECOND);
}

fn track(id: &str, event: &str, at: &str, properties: Value) -> Value {
    json!({"type": "track", "userId": "u1", "messageId": id, "event": event, "timestamp": at, "properties": properties})
}

/// What is known of the only customer now.
async fn known(world: &World, key: &str) -> Option<Value> {
    let mut db = world.app.installation.store.read();
    let names = ["u1".to_owned()];
    let found = identifiers::by_values(&mut db, FIRST, IdentifierKind::UserId, &names).await.unwrap();
    let person = found[0].person;
    let keys = [key.to_owned()];
    let found = facts::current_keys_of(&mut db, FIRST, &[person], &keys, world.clock_now()).await.unwrap();
    found.first().map(|it| serde_json::from_str(&it.2).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_tell_of_surveys_counts_once_and_what_is_wrong_is_said() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    opened(&world, &owner, "delivery", "delivery").await;
    let (key, _) = world.write_key("shop", None).await;
    let day = |day: i64| world.clock_now().plus(-day * Timestamp::DAY).to_rfc3339();
    let (asked, said) = (day(3), day(2));
    send(
        &world,
        &key,
        vec![
            track("s1", "Survey Sent", &asked, json!({"survey_id": "delivery", "order_id": "A-1", "channel": "email"})),
            track("s2", "Survey Sent", &asked, json!({"survey_id": "delivery", "order_id": "A-2", "channel": "sms"})),
            track("a0", "Survey Answered", &said, json!({"survey_id": "nobody-wrote-it", "csat": 3})),
            track(
                "a1",
                "Survey Answered",
                &said,
                json!({"survey_id": "delivery", "order_id": "A-2", "csat": 4, "comment": "Ask\u{202E} Ann", "language": "zh",
                    "answers": {"parts": {"time": "good"}, "nps": 11, "return": "soon", "shoe_size": 41}}),
            ),
        ],
    )
    .await;
    let responses = get(&world, &owner, &format!("{SURVEYS}/delivery/responses")).await;
    let rows = responses["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{responses}");
    let row = &rows[0];
    for (field, value) in [
        ("source", json!("event")),
        ("state", json!("completed")),
        ("channel", json!("sms")),
        ("touchpoint", json!("delivery")),
        ("subject_id", json!("A-2")),
        ("language", json!("zh")),
    ] {
        assert_eq!(row[field], value, "{field}: {row}");
    }
    assert_eq!(&row["completed_at"].as_str().unwrap()[..16], &said[..16]);
    let given: Vec<(&str, &Value, &Value, &Value)> = row["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["question"].as_str().unwrap(), &it["number"], &it["choice"], &it["text"]))
        .collect();
    let null = Value::Null;
    let (four, eleven, good, words) = (json!(4), json!(11), json!("good"), json!("Ask Ann"));
    assert_eq!(
        given,
        [
            ("comment", &null, &null, &words),
            ("csat", &four, &null, &null),
            // Beside its scale: kept as it came, and counted as blank.
            ("nps", &eleven, &null, &null),
            ("parts", &four, &good, &null),
        ]
    );
    let results = get(&world, &owner, &format!("{SURVEYS}/delivery/results?question=nps")).await;
    assert_eq!(results["rows"][0]["total"]["blank"], json!([{"value": 11, "answers": 1}]), "{results}");
    let rejects = get(&world, &owner, "/api/v1/rejects").await;
    let mut why: Vec<&str> =
        rejects["rows"].as_array().unwrap().iter().map(|it| it["message"].as_str().unwrap()).collect();
    why.sort_unstable();
    assert_eq!(why, ["return: the answer must be a whole number", "shoe_size: there is no such question"]);
    assert!(!rejects.to_string().contains("soon"), "what was said is not repeated");
    // Who was asked and who answered.
    let funnel = get(&world, &owner, &format!("{SURVEYS}/delivery/funnel")).await;
    assert_eq!((&funnel["invited"], &funnel["answered"]), (&json!(2), &json!(1)), "{funnel}");
    assert_eq!(known(&world, "csat.last").await, Some(json!(4)));
    assert_eq!(known(&world, "nps.last").await, None, "11 is no score");
    assert_eq!(&known(&world, "survey.last_answered_at").await.unwrap().as_str().unwrap()[..16], &said[..16]);

    // The same invitation is answered once, whatever else comes.
    let again = json!({"survey_id": "delivery", "order_id": "A-2", "csat": 1});
    send(&world, &key, vec![track("a2", "Survey Answered", &day(1), again)]).await;
    let responses = get(&world, &owner, &format!("{SURVEYS}/delivery/responses")).await;
    assert_eq!(responses["rows"].as_array().unwrap().len(), 1, "{responses}");
    // `score` says what it is of.
    send(&world, &key, vec![track("a3", "Survey Answered", &day(0), json!({"type": "csat", "score": 5}))]).await;
    assert_eq!(known(&world, "csat.last").await, Some(json!(5)));
    send(&world, &key, vec![track("a4", "Survey Answered", &day(0), json!({"score": 3}))]).await;
    assert_eq!(known(&world, "nps.last").await, Some(json!(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_here_is_told_once_and_its_words_are_understood_without_leaving() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    opened(&world, &owner, "nps", "nps").await;
    let (key, _) = world.write_key("shop", None).await;
    let person = json!({"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"firstName": "Mei"}});
    send(&world, &key, vec![person]).await;
    let customer = get(&world, &owner, "/api/v1/customers?limit=5").await["rows"][0]["person_id"].clone();
    let body = json!({"id": "p1", "person_id": customer, "answers": {"nps": 2, "improve": "I am furious, the parcel is still not here! Write to mei@example.com"}});
    let taken = call(&world, &owner, Method::POST, &format!("{SURVEYS}/nps/responses"), body).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
    engaging::telling::tell(&world.app.installation, FIRST).await.unwrap();
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(Timestamp::SECOND);
    let responses = get(&world, &owner, &format!("{SURVEYS}/nps/responses")).await;
    assert_eq!(responses["rows"].as_array().unwrap().len(), 1, "{responses}");
    assert_eq!(known(&world, "nps.last").await, Some(json!(2)));
    let texts = get(&world, &owner, "/api/v1/texts").await;
    let text = &texts["rows"][0];
    assert!(text["text"].as_str().unwrap().contains("furious"), "{texts}");
    assert!(!texts.to_string().contains("mei@example.com"), "{texts}");
    // The event that is told, and the lake, have none of the words.
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{}/timeline", customer.as_str().unwrap())).await;
    assert!(
        timeline.to_string().contains("Survey Answered") && !timeline.to_string().contains("furious"),
        "{timeline}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_figure_of_the_sample_shops_surveys_has_people_behind_it() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let installation = world.app.installation.clone();
    let now = world.clock_now();
    surveying::sample::begin(&installation, FIRST, now, "demo").await.unwrap();
    let (_, filled) = world.fill(500, 5).await;
    surveying::sample::run(&installation, FIRST, &filled.asked, "demo").await.unwrap();
    engaging::telling::tell(&installation, FIRST).await.unwrap();
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(Timestamp::SECOND);
    for key in ["recommend-after-delivery", "delivery", "support", "loyalty", "wishes", "brand"] {
        let funnel = get(&world, &owner, &format!("{SURVEYS}/{key}/funnel")).await;
        let count = |field: &str| funnel[field].as_i64().unwrap();
        assert!(count("invited") > count("opened") && count("opened") >= count("answered"), "{key}: {funnel}");
        assert!(count("answered") > if key == "support" { 2 } else { 10 }, "{key}: {funnel}");
        if key == "delivery" {
            assert!(count("sampled_out") > 0 && funnel["suppressed"].to_string().contains("quarantine"), "{funnel}");
        }
    }
    let results = get(&world, &owner, &format!("{SURVEYS}/recommend-after-delivery/results")).await;
    assert_eq!(results["rows"][0]["total"]["scores"][0]["measure"], "nps", "{results}");
    let wishes = get(&world, &owner, &format!("{SURVEYS}/wishes/wishes")).await;
    assert_eq!(wishes["rows"].as_array().unwrap().len(), 3, "{wishes}");
    let drivers = get(&world, &owner, &format!("{SURVEYS}/delivery/drivers?score=csat")).await;
    assert!(!drivers["drivers"].as_array().unwrap().is_empty(), "{drivers}");
    assert_eq!(get(&world, &owner, &format!("{SURVEYS}/brand")).await["summary"]["wave"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_answers_is_looked_at_taken_once_and_what_is_wrong_is_said() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    opened(&world, &owner, "delivery", "delivery").await;
    let (key, _) = world.write_key("shop", None).await;
    let person = json!({"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"email": "mei@example.com"}});
    send(&world, &key, vec![person]).await;
    let text = "\u{FEFF}E-Mail;How satisfied are you with the delivery?;On the promised day;nps;Date;Remarks\n\
        mei@example.com;4;Satisfied;9;2024-05-01 12:30;\"Fine;\nthanks\"\n\
        who@example.com;5.0;Very satisfied;11;2024-05-02;\n\
        ;7;;;;\n\
        ;3;sometimes;;;\n\
        ;3;;;2999-01-01;\n\
        ;;;;2024-05-02;x\n\
        ;2;;;;\n\
        ;2;;;;\n";
    let path = format!("{SURVEYS}/delivery/response-file");
    let take = async |body: Value| {
        let answer = call(&world, &owner, Method::POST, &path, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    };
    let look = take(json!({"text": text, "only_look": true})).await;
    let meanings: Vec<&Value> = look["columns"].as_array().unwrap().iter().map(|it| &it["meaning"]).collect();
    assert_eq!(
        meanings,
        [&json!(":email"), &json!("csat"), &json!("parts.time"), &json!("nps"), &json!(":answered_at"), &Value::Null]
    );
    let mut mapping: serde_json::Map<String, Value> = serde_json::Map::new();
    for column in look["columns"].as_array().unwrap() {
        mapping.insert(column["name"].as_str().unwrap().to_owned(), column["meaning"].clone());
    }
    mapping.insert("Remarks".to_owned(), json!("comment"));
    let look = take(json!({"text": text, "mapping": mapping, "only_look": true})).await;
    assert_eq!(
        (&look["rows"], &look["added"], &look["known"], &look["people"], &look["refused"]),
        (&json!(8), &json!(6), &json!(0), &json!(1), &json!(2)),
        "{look}"
    );
    assert_eq!(
        look["refusals"],
        json!([{"line": 6, "column": "On the promised day", "why": "there is no such choice"}, {"line": 7, "column": "Date", "why": "lies in the future"}])
    );
    assert_eq!(
        look["first"][0],
        json!({"line": 2, "answers": {"comment": "Fine;\nthanks", "csat": 4, "nps": 9, "parts": {"time": "good"}}})
    );
    assert_eq!(
        get(&world, &owner, &format!("{SURVEYS}/delivery/responses")).await["rows"],
        json!([]),
        "only looked at"
    );
    let body = json!({"text": text, "mapping": mapping});
    assert_eq!(take(body.clone()).await["added"], 6);
    let again = take(body).await;
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(6)), "the same file again adds nothing");
    let responses = get(&world, &owner, &format!("{SURVEYS}/delivery/responses")).await;
    let rows = responses["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6, "two rows that say the same are two: {responses}");
    let mei = rows.iter().find(|row| !row["person_id"].is_null()).unwrap();
    assert_eq!((&mei["source"], &mei["completed_at"]), (&json!("import"), &json!("2024-05-01T12:30:00Z")));
    // Beside their scales: blank, and no score.
    let results = get(&world, &owner, &format!("{SURVEYS}/delivery/results?question=csat")).await;
    assert_eq!(results["rows"][0]["total"]["blank"], json!([{"value": 7, "answers": 1}]), "{results}");
    engaging::telling::tell(&world.app.installation, FIRST).await.unwrap();
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(Timestamp::SECOND);
    assert_eq!(known(&world, "nps.last").await, Some(json!(9)));
    let wrong = call(&world, &owner, Method::POST, &path, json!({"text": text, "mapping": {"nps": "shoe_size"}})).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let agent = world.browser(Role::Agent).await;
    let refused = call(&world, &agent, Method::POST, &path, json!({"text": text, "only_look": true})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

/// A survey with a question of every kind, some of whose keys are those of columns beside answers.
fn every_kind() -> Value {
    let choices = json!([{"key": "a", "text": {"en": "b"}}, {"key": "b", "text": {"en": "a"}}, {"key": "c-1", "text": {"en": "C"}}]);
    let question =
        |key: &str, answer: Value| json!({"key": key, "text": {"en": format!("What of {key}?")}, "answer": answer});
    let questions = json!([
        question("id", json!({"kind": "nps"})),
        question("email", json!({"kind": "csat"})),
        question("ease", json!({"kind": "ces"})),
        question("points", json!({"kind": "scale", "from": -5, "to": 5, "no_opinion": true})),
        question("wrap", json!({"kind": "kano", "functional": {"en": "With?"}, "dysfunctional": {"en": "Without?"}})),
        question("state", json!({"kind": "single", "choices": choices, "other": true})),
        question("several", json!({"kind": "multiple", "choices": choices, "other": true})),
        question("table", json!({"kind": "matrix", "rows": choices, "columns": choices})),
        question("order", json!({"kind": "ranking", "choices": choices})),
        question("words", json!({"kind": "text", "long": true})),
        question("price", json!({"kind": "number", "from": -100, "to": 100})),
        question("day", json!({"kind": "date"})),
        question("from", json!({"kind": "hidden"})),
        question("may", json!({"kind": "consent"})),
    ]);
    json!({"title": {"en": "All"}, "default_language": "en", "pages": [{"questions": questions}]})
}

/// Reads a CSV file: each line by its columns.
fn table(text: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_a_file_that_comes_back_as_it_was() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    for key in ["first", "second"] {
        let body = json!({"key": key, "name": "All", "definition": every_kind()});
        let made = call(&world, &owner, Method::POST, SURVEYS, body).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text());
        let act = json!({"act": "open", "revision": 1});
        let opened = call(&world, &owner, Method::POST, &format!("{SURVEYS}/{key}/act"), act).await;
        assert_eq!(opened.status, StatusCode::OK, "{}", opened.text());
    }
    let (key, _) = world.write_key("shop", None).await;
    let traits = json!({"email": "mei@example.com", "name": "Mei"});
    send(&world, &key, vec![json!({"type": "identify", "userId": "=u1", "messageId": "i1", "traits": traits})]).await;
    let person = get(&world, &owner, "/api/v1/customers").await["rows"][0]["person_id"].clone();
    let given = [
        json!({"id": 9, "email": 5, "ease": 7, "points": -5, "wrap": {"functional": "like", "dysfunctional": "dislike"},
            "state": {"choice": "other", "text": "a"}, "several": ["a", "c-1", {"choice": "other", "text": "=1+1|b, \"c\""}],
            "table": {"a": "b", "c-1": "a"}, "order": ["c-1", "a", "b"], "words": "=HYPERLINK(\"x\")\nand, more", "price": -3,
            "day": "2027-01-31", "from": "-5", "may": true}),
        json!({"points": "no_opinion", "state": "b", "several": ["other"], "words": "12", "from": "'=x", "may": "no"}),
        json!({"id": 0, "state": {"choice": "other"}, "words": "很好"}),
        json!({"several": "b", "words": "'quoted'"}),
    ];
    for (number, answers) in given.iter().enumerate() {
        let mut body = json!({"id": format!("r{number}"), "answers": answers, "language": "en", "touchpoint": "store", "agent_id": "@kim"});
        if number == 0 {
            body["person_id"] = person.clone();
        }
        let taken = call(&world, &owner, Method::POST, &format!("{SURVEYS}/first/responses"), body).await;
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
        world.clock.advance(Timestamp::MINUTE);
    }
    let written = world.get(&format!("{SURVEYS}/first/responses.csv"), &owner.reads()).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.text());
    let text = written.text();
    let head = text.lines().next().unwrap();
    assert!(head.starts_with(":id,:person_id,:user_id,:email,:started_at,:answered_at,:state,"), "{head}");
    assert!(head.ends_with(
        ",id,email,ease,points,wrap.functional,wrap.dysfunctional,state,state.other,several,several.other,table.a,table.b,table.c-1,order,words,price,day,from,may"
    ), "{head}");
    let rows = table(&text);
    assert_eq!(rows.len(), 4);
    let first = rows.last().unwrap();
    let of = |column: &str| first[column].as_str();
    assert_eq!(
        (of(":user_id"), of(":email"), of(":agent_id"), of("words")),
        ("'=u1", "mei@example.com", "'@kim", "'=HYPERLINK(\"x\")\nand, more")
    );
    assert_eq!(
        (of("points"), of("price"), of("from"), of("order"), of("several")),
        ("-5", "-3", "'-5", "c-1|a|b", "a|c-1|other")
    );
    let formula = |cell: &String| cell.starts_with(['=', '+', '-', '@']) && cell.parse::<i64>().is_err();
    assert!(!rows.iter().flat_map(|row| row.values()).any(formula), "{text}");

    // All of it is read again, by what its columns are called.
    let body = json!({"text": text});
    let taken = call(&world, &owner, Method::POST, &format!("{SURVEYS}/second/response-file"), body).await.json();
    assert_eq!((&taken["added"], &taken["refused"], &taken["people"]), (&json!(4), &json!(0), &json!(1)), "{taken}");
    let answers = async |key: &str| {
        let all = get(&world, &owner, &format!("{SURVEYS}/{key}/responses")).await;
        let row = |it: &Value| {
            let same = ["person_id", "language", "touchpoint", "agent_id", "completed_at", "answers"];
            Value::Array(same.map(|name| it[name].clone()).to_vec())
        };
        let mut rows: Vec<Value> = all["rows"].as_array().unwrap().iter().map(row).collect();
        rows.sort_by_key(Value::to_string);
        rows
    };
    assert_eq!(answers("second").await, answers("first").await);

    // The list's filters hold, what is wrong is said, and who may not see people gets none of it.
    let path = |query: &str| format!("{SURVEYS}/first/responses.csv?{query}");
    for (query, lines) in [
        ("question=id&at_least=9", 1),
        ("state=partial", 0),
        ("by=language&group=en", 4),
        ("question=several&choice=b", 1),
    ] {
        assert_eq!(table(&world.get(&path(query), &owner.reads()).await.text()).len(), lines, "{query}");
    }
    assert_eq!(world.get(&path("state=none"), &owner.reads()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let agent = world.browser(Role::Agent).await;
    assert_eq!(world.get(&path(""), &agent.reads()).await.status, StatusCode::FORBIDDEN);
    let unknown = world.get(&format!("{SURVEYS}/nothing/responses.csv"), &owner.reads()).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_may_have_a_column_for_each_choice() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let body = json!({"key": "first", "name": "All", "definition": every_kind()});
    call(&world, &owner, Method::POST, SURVEYS, body).await;
    let act = json!({"act": "open", "revision": 1});
    call(&world, &owner, Method::POST, &format!("{SURVEYS}/first/act"), act).await;
    let text = "several.a,several.b,several.other,words\n1,0,in a box,x\nno,yes,,y\n,,,z\n";
    let taken =
        call(&world, &owner, Method::POST, &format!("{SURVEYS}/first/response-file"), json!({"text": text})).await;
    let first = taken.json()["first"].clone();
    assert_eq!(first[0]["answers"]["several"], json!({"a": "a", "other": "in a box"}), "{}", taken.text());
    assert_eq!((&first[1]["answers"]["several"], &first[2]["answers"]), (&json!({"b": "b"}), &json!({"words": "z"})));
}
