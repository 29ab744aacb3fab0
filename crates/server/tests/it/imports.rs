//! Files dropped into the console, over the API.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::world::{Browser, World};

const HEAD: &str = "order_no,customer_id,order_date,sku,qty,unit_price\n";

fn export(from: u32, bad: bool) -> String {
    let lines: Vec<String> =
        (from..from + 28).map(|n| format!("{n},c{},2026-03-{:02},tent,1,10.00", n % 7, n % 28 + 1)).collect();
    let wrong = if bad { "\n999,c1,2026-13-45,tent,1,10.00" } else { "" };
    format!("{HEAD}{}{wrong}\n", lines.join("\n"))
}

async fn upload(world: &World, browser: &Browser, query: &str, name: &str, body: String) -> Value {
    let [cookie, token] = browser.writes();
    let headers = [cookie, token, ("x-file-name", name)];
    let answer = world.request(Method::POST, &format!("/api/v1/imports/upload{query}"), &headers, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_files_of_one_name_are_mapped_started_and_reported() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let first = upload(&world, &browser, "", "orders.csv", export(1, true)).await;
    let id = first["id"].as_str().unwrap();
    let both = upload(&world, &browser, &format!("?import={id}"), "orders.csv", export(101, false)).await;
    assert_eq!(both["file_names"], json!(["orders.csv", "orders.csv (2)"]));

    // What the console sends back after a correction: the same mapping with a currency.
    let mut mapping = both["mapping"].clone();
    mapping["currency"] = "EUR".into();
    let path = format!("/api/v1/imports/{id}");
    let [cookie, token] = browser.writes();
    let headers = [cookie, token, ("content-type", "application/json")];
    let kept = world.request(Method::PUT, &format!("{path}/mapping"), &headers, mapping.to_string()).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text());
    let started = world.request(Method::POST, &format!("{path}/start"), &headers, "").await;
    assert_eq!((started.status, started.json()["state"].clone()), (StatusCode::OK, json!("running")));

    let mut now = started.json();
    for _ in 0..200 {
        if now["state"] != "running" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        now = world.get(&path, &browser.reads()).await.json();
    }
    assert_eq!((&now["state"], &now["error"]), (&json!("done"), &Value::Null), "{now}");
    let report = &now["report"];
    assert_eq!((&report["rows_read"], &report["orders"]), (&json!(57), &json!(56)));
    assert_eq!((&report["rejected"], &report["revenue"]), (&json!({"bad_date": 1}), &json!({"EUR": "560.00"})));
    let rejects = world.get(&format!("{path}/rejects.csv"), &browser.reads()).await.text();
    assert!(rejects.contains(r#""orders.csv","29","bad_date""#), "{rejects}");
    world.app.pipeline.drain().await.unwrap();
    let people = world.get("/api/v1/customers", &browser.reads()).await.json();
    assert_eq!(people["total"], 7);
    let found = world.get("/api/v1/search?q=orders.csv", &browser.reads()).await.json();
    assert_eq!(found["rows"][0]["kind"], "import", "{found}");
}
