//! What is kept of somebody as a page for people: no script, nothing loaded from anywhere, so that it can be kept and sent as a file.

use askama::Template;
use serde_json::Value;

/// The page of a pack that [`crate::erasing::access`] made.
///
/// # Errors
/// The template's.
pub fn page(company: &str, pack: &Value) -> askama::Result<String> {
    let purposes = &pack["purposes"];
    let tables = pack["tables"].as_object().into_iter().flatten().map(|(name, rows)| {
        let rows: Vec<&serde_json::Map<String, Value>> =
            rows.as_array().into_iter().flatten().filter_map(Value::as_object).collect();
        let mut columns: Vec<&str> = rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
        columns.sort_unstable();
        columns.dedup();
        let cells =
            |row: &&serde_json::Map<String, Value>| columns.iter().map(|column| text(row.get(*column))).collect();
        Table {
            rows: rows.iter().map(cells).collect(),
            used_for: text(Some(&purposes[name]["used_for"])),
            kept: text(Some(&purposes[name]["kept"])),
            name,
            columns,
        }
    });
    let events = pack["events"].as_array().into_iter().flatten().map(|event| Event {
        at: text(event.get("occurred_at")),
        name: text(event.get("name")),
        details: text(event.get("properties")),
    });
    let page = Page { company, made_at: text(pack.get("made_at")), tables: tables.collect(), events: events.collect() };
    page.render()
}

#[derive(Template)]
#[template(path = "access.html")]
struct Page<'a> {
    company: &'a str,
    made_at: String,
    tables: Vec<Table<'a>>,
    events: Vec<Event>,
}

struct Table<'a> {
    name: &'a str,
    used_for: String,
    kept: String,
    columns: Vec<&'a str>,
    rows: Vec<Vec<String>>,
}

struct Event {
    at: String,
    name: String,
    details: String,
}

/// A value in words.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().map(text_of).collect::<Vec<_>>().join(", "),
        Some(Value::Object(map)) => {
            map.iter().map(|(key, it)| format!("{key}: {}", text_of(it))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

fn text_of(value: &Value) -> String {
    text(Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_wrote_is_shown_and_not_run() {
        let pack = json!({
            "made_at": "2026-11-21T12:00:00Z",
            "purposes": {"texts": {"used_for": ["service", "support"], "kept": "until you are erased"}},
            "tables": {"texts": [{"content": "<script>alert(1)</script>"}, {"content": "fine", "occurred_at": "5"}]},
            "events": [{"name": "Order \"Completed\"", "occurred_at": "2026-11-20T12:00:00Z", "properties": {"revenue": "30.00", "note": "<b>"}}],
        });
        let page = page("Rock & Roll", &pack).unwrap();
        assert!(!page.contains("<script") && page.contains("&#60;script&#62;"), "{page}");
        assert!(page.contains("service, support") && page.contains("revenue: 30.00"), "{page}");
        assert!(page.contains("Rock &#38; Roll"), "{page}");
    }
}
