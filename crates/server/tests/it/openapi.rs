//! The document of the API: whole, and open to nobody by mistake.

use std::collections::BTreeSet;

use axum::http::Method;
use rapport_server::{api, openapi};
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&openapi::document()).unwrap()
}

/// Method, path and what is said of each operation.
fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase().parse().unwrap(), path.as_str(), operation));
        }
    }
    all
}

#[test]
fn every_operation_declares_its_permission() {
    let declared = openapi::permissions(&openapi::described(api::router()).into_openapi());
    let document = document();
    let all = operations(&document);
    assert!(all.len() > 500, "{}", all.len());
    for (method, path, _) in all {
        assert!(declared.contains_key(&(method.clone(), path.to_owned())), "{method} {path} is closed to everyone");
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (_, _, operation) in operations(&document) {
        assert!(seen.insert(operation["operationId"].as_str().unwrap()), "{}", operation["operationId"]);
    }
}

#[test]
fn what_is_referred_to_is_there() {
    let text = openapi::document();
    let document = document();
    let references = text.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next());
    let missing: Vec<&str> = references.filter(|place| document.pointer(place).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_document_is_openapi_3_1() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let me = &document["paths"]["/api/v1/me"]["get"];
    assert_eq!(me["security"][0]["session"][0], "enter");
    assert!(document["components"]["schemas"]["Problem"].is_object());
}
