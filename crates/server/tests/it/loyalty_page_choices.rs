//! A member's own page where a reward has several prices: which of them are there, and what each button takes.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Scope;
use serde_json::{Value, json};

use crate::engaging::{call, get, world};
use crate::loyalty_member_page::{available, earn, link, member, put, send};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

async fn founded(sink: &Sink) -> (World, Browser, String) {
    let (world, owner, key) = world(sink).await;
    let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR",
        "wallets": [{"key": "points", "name": "Points"}, {"key": "stars", "name": "Stars"}]});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    let prices =
        json!([{"points": 500}, {"points": 200, "money": "4.50"}, {"points": 2, "wallet": "stars"}, {"points": 450}]);
    let lamp = json!({"name": "A lamp", "gives": {"kind": "delivered"}, "prices": prices});
    put(&world, &owner, "/api/v1/loyalty/rewards/lamp", json!({"version": 0, "state": "live", "reward": lamp})).await;
    world.clock.advance(Timestamp::HOUR);
    let ann = member(&world, &owner, &key, 1, "ann@example.com").await;
    earn(&world, &owner, "e1", &ann, 800).await;
    (world, owner, ann)
}

/// The forms that have a hidden field with this value, each with its hidden fields as a browser sends them.
pub(crate) fn forms(html: &str, name: &str, value: &str) -> Vec<String> {
    let own = html.split("<form").skip(1).filter(|form| form.contains(&format!(r#"name="{name}" value="{value}""#)));
    let fields = |form: &str| {
        let form = form.split("</form>").next().unwrap().to_owned();
        let pairs = form.split(r#"<input type="hidden" name=""#).skip(1).map(|field| {
            let (name, rest) = field.split_once(r#"" value=""#).unwrap();
            format!("{name}={}", rest.split('"').next().unwrap())
        });
        pairs.collect::<Vec<_>>().join("&")
    };
    own.map(fields).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_choose_among_the_prices_of_a_reward() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ann) = founded(&sink).await;
    let path = link(&world, &owner, &ann).await;
    let html = world.get(&path, &[]).await.text();
    // In points, with money, and a wallet in which she has too few; the second price of a kind is nobody's.
    assert!(html.contains("500 Points") && html.contains("200 Points + 4.50 EUR"), "{html}");
    assert!(html.contains("2 Stars · 2 more needed") && !html.contains("450 Points"), "{html}");
    let own = forms(&html, "reward", "lamp");
    assert_eq!(own.len(), 2, "{html}");

    let with_money = own.iter().find(|form| form.contains("money=4.50")).unwrap();
    for _ in 0..2 {
        assert_eq!(send(&world, &path, with_money).await.status, StatusCode::SEE_OTHER);
        assert_eq!(available(&world, &owner, &ann).await, 600);
    }
    let plain = own.iter().find(|form| form.contains("points=500")).unwrap();
    // What is not on the page cannot be had by writing it into the form.
    let words = |points: &str, money: &str, id: char| {
        let id = id.to_string().repeat(32);
        format!("act=redeem&id={id}&reward=lamp&wallet=points&points={points}&money={money}")
    };
    for bad in [words("450", "", 'a'), words("200", "", 'b'), words("500", "4.50", 'c'), words("0", "0.01", 'd')] {
        let sent = send(&world, &path, &bad).await;
        assert_eq!(sent.status, StatusCode::CONFLICT, "{bad}: {}", sent.text());
        assert!(sent.text().contains("The price has changed"), "{bad}");
    }
    assert_eq!(available(&world, &owner, &ann).await, 600);
    assert_eq!(send(&world, &path, plain).await.status, StatusCode::SEE_OTHER);
    assert_eq!(available(&world, &owner, &ann).await, 100);
    let all = get(&world, &owner, &format!("/api/v1/loyalty/members/{ann}/redemptions")).await;
    let mut own: Vec<(i64, Value)> = all["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["refused"].is_null())
        .map(|it| (it["points"].as_i64().unwrap(), it["money"].clone()))
        .collect();
    own.sort_by_key(|it| it.0);
    assert_eq!(own, [(200, json!("4.50")), (500, Value::Null)], "{all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tills_and_the_api_offer_the_same_prices() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, ann) = founded(&sink).await;
    let till = world.api_key(&[Scope::Till], None).await;
    let card =
        call(&world, &owner, Method::POST, &format!("/api/v1/loyalty/members/{ann}/card"), json!(null)).await.json();
    let bearer = format!("Bearer {till}");
    let body = json!({"store": "mitte", "card": card["code"]}).to_string();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let found = world.request(Method::POST, "/api/v1/loyalty/till/lookup", &headers, body).await.json();
    let own: Vec<(i64, &str, &Value, i64)> = found["rewards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["points"].as_i64().unwrap(),
                it["wallet"].as_str().unwrap(),
                &it["money"],
                it["missing"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        own,
        [(500, "points", &Value::Null, 0), (200, "points", &json!("4.50"), 0), (2, "stars", &Value::Null, 2)],
        "{found}"
    );
}
