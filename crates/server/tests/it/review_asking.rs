//! Buyers are asked for a review of what they bought, when they have had it for a while, by its name, and of nothing twice.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::reviewing;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, link, settle, text_of, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

const SURVEYS: &str = "/api/v1/surveys";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn opened(world: &World, owner: &Browser) {
    let mut definition = get(world, owner, "/api/v1/survey-templates/product_review").await["definition"].clone();
    definition["asking"]["when"] = json!({"event": {"name": "Order Delivered", "key": "order_id", "after": "14d"}});
    let made = json!({"key": "review", "name": "Review", "definition": definition});
    let made = call(world, owner, Method::POST, SURVEYS, made).await;
    assert_eq!((made.status, made.json()["findings"].clone()), (StatusCode::OK, json!([])), "{}", made.text());
    let act = json!({"act": "open", "revision": 1});
    assert_eq!(call(world, owner, Method::POST, &format!("{SURVEYS}/review/act"), act).await.status, StatusCode::OK);
}

fn bought(order: &str, products: Value) -> Vec<Value> {
    vec![
        track(
            &format!("o{order}"),
            "u1",
            "Order Completed",
            json!({"order_id": order, "revenue": 130, "products": products}),
        ),
        track(&format!("d{order}"), "u1", "Order Delivered", json!({"order_id": order})),
    ]
}

/// What became of each order's question: state, reason, product.
async fn fates(world: &World, owner: &Browser) -> Vec<String> {
    let rows = get(world, owner, &format!("{SURVEYS}/review/invitations")).await["rows"].as_array().unwrap().clone();
    let word = |row: &Value, field: &str| row[field].as_str().unwrap_or("-").to_owned();
    let all =
        rows.iter().map(|row| ["subject_id", "state", "reason", "product_id"].map(|field| word(row, field)).join(" "));
    let mut all: Vec<String> = all.collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buyers_are_asked_about_the_dearest_thing_that_they_have_not_reviewed() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    opened(&world, &owner).await;
    happen(&world, &key, crate::engaging::person(1, "ann@example.com")).await;
    let lamp = json!({"product_id": "lamp", "name": "Desk lamp", "price": 30, "quantity": 1});
    let desk = json!({"product_id": "desk", "name": "Oak desk \u{202e}<b>", "price": "50", "quantity": 2});
    let vase = json!({"product_id": "vase", "name": "Vase", "price": 90});
    happen(&world, &key, bought("A", json!([lamp, desk, vase]))).await;
    world.clock.advance(13 * Timestamp::DAY);
    settle(&world).await;
    assert_eq!((fates(&world, &owner).await, sink.kept().len()), (vec!["A waiting - -".to_owned()], 0));
    world.clock.advance(Timestamp::DAY + Timestamp::HOUR);
    settle(&world).await;
    settle(&world).await;
    assert_eq!(fates(&world, &owner).await, ["A invited - desk"]);
    let mail = text_of(&sink.kept()[0].bytes);
    assert!(mail.contains("How is Oak desk"), "{mail}");
    let page = world.get(&link(&mail, "c"), &[]).await.header("location").to_owned();
    let page = page.strip_prefix("https://shop.example").unwrap().split('?').next().unwrap().to_owned();
    let html = world.get(&page, &[]).await.text();
    assert!(html.contains("How is Oak desk &#60;b&#62;?") && !html.contains("<b>"), "{html}");
    let form = "page=0&shown=stars&shown=words&q.stars=5&q.words=Stands+well&act=next";
    assert_eq!(world.request(Method::POST, &page, &[FORM], form).await.status, StatusCode::SEE_OTHER);
    settle(&world).await;
    while reviewing::judge_due(&world.app.installation).await.unwrap() {}
    let reviews = get(&world, &owner, "/api/v1/reviews?product=desk").await;
    assert_eq!(
        (&reviews["rows"][0]["rating"], &reviews["rows"][0]["purchase"]),
        (&json!(5), &json!("verified")),
        "{reviews}"
    );

    // The next parcels: what was reviewed, and what they told of by themselves, is not asked about again.
    let told = json!({"review_id": "r1", "product_id": "vase", "rating": 4});
    happen(&world, &key, vec![track("r1", "u1", "Product Reviewed", told)]).await;
    for (order, products) in [
        ("B", json!([desk, vase, lamp])),
        // They were asked about the lamp, and said nothing.
        ("C", json!([lamp, desk])),
        ("D", json!([{"product_id": "mug", "name": "Mug", "price": 5}])),
    ] {
        world.clock.advance(60 * Timestamp::DAY);
        happen(&world, &key, bought(order, products)).await;
        world.clock.advance(14 * Timestamp::DAY + Timestamp::HOUR);
        settle(&world).await;
    }
    let unknown = track("dX", "u1", "Order Delivered", json!({"order_id": "X"}));
    world.clock.advance(60 * Timestamp::DAY);
    happen(&world, &key, vec![unknown]).await;
    world.clock.advance(14 * Timestamp::DAY + Timestamp::HOUR);
    settle(&world).await;
    assert_eq!(
        fates(&world, &owner).await,
        [
            "A invited - desk",
            "B invited - lamp",
            "C suppressed nothing_left -",
            "D invited - mug",
            "X suppressed nothing_left -"
        ]
    );
    let funnel = get(&world, &owner, &format!("{SURVEYS}/review/funnel")).await;
    assert!(funnel["suppressed"].to_string().contains("nothing_left"), "{funnel}");
}
