//! Questions by what models say of people.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::engaging::call;
use crate::world::{Browser, World};

/// How many people did anything, by what a fact of theirs is now; `who` narrows them.
pub async fn people_by(world: &World, owner: &Browser, fact: &str, who: Value) -> BTreeMap<String, u64> {
    let question = json!({"kind": "trend", "interval": "year", "series": [{"event": "*", "measure": "people"}],
        "breakdown": {"fact": fact}, "breakdown_limit": 50, "who": who});
    let answer = call(world, owner, Method::POST, "/api/v1/questions/ask", question).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let answer = answer.json();
    let line = |it: &Value| (it["breakdown"].as_str().unwrap().to_owned(), it["total"].as_u64().unwrap());
    answer["detail"]["series"].as_array().unwrap().iter().map(line).filter(|it| it.1 > 0).collect()
}
