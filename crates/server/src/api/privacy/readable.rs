//! What is kept of somebody as a page for people: no script, nothing loaded from anywhere, so that it can be kept and sent as a file.

mod words;

use askama::Template;
use rapport_domain::Timestamp;
use serde_json::Value;

use words::Words;

/// What the page may do where it is shown and not kept: its own style, and the form that keeps a copy.
pub const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page of a pack that [`crate::erasing::access`] made, in a language. `copy` is where a form gets the same as a file.
///
/// # Errors
/// The template's.
pub fn page(company: &str, pack: &Value, language: &str, copy: Option<&str>) -> askama::Result<String> {
    let words = Words::of(language);
    let purposes = &pack["purposes"];
    let tables = pack["tables"].as_object().into_iter().flatten().map(|(name, rows)| {
        let rows: Vec<&serde_json::Map<String, Value>> =
            rows.as_array().into_iter().flatten().filter_map(Value::as_object).collect();
        let mut columns: Vec<&str> = rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
        columns.sort_unstable();
        columns.dedup();
        let cells = |row: &&serde_json::Map<String, Value>| {
            columns.iter().map(|column| cell(column, row.get(*column))).collect()
        };
        Table {
            rows: rows.iter().map(cells).collect(),
            used_for: words.purposes(&purposes[name]["used_for"]),
            kept: words.kept(&text(Some(&purposes[name]["kept"]))),
            label: words.table(name),
            name,
            columns,
        }
    });
    let events = pack["events"].as_array().into_iter().flatten().map(|event| Event {
        at: text(event.get("occurred_at")),
        name: text(event.get("name")),
        details: text(event.get("properties")),
    });
    let page = Page {
        words,
        copy,
        company,
        made_at: text(pack.get("made_at")),
        tables: tables.collect(),
        events: events.collect(),
    };
    page.render()
}

#[derive(Template)]
#[template(path = "access.html")]
struct Page<'a> {
    words: &'static Words,
    copy: Option<&'a str>,
    company: &'a str,
    made_at: String,
    tables: Vec<Table<'a>>,
    events: Vec<Event>,
}

struct Table<'a> {
    name: &'a str,
    /// What people call it; as it is called where there is no better word.
    label: &'a str,
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

/// A value of a column: instants are kept as microseconds, and shown as dates.
fn cell(column: &str, value: Option<&Value>) -> String {
    let shown = text(value);
    let is_instant = column.ends_with("_at") || ["since", "valid_from"].contains(&column);
    match shown.parse::<i64>() {
        Ok(micros) if is_instant => Timestamp(micros).to_rfc3339(),
        _ => shown,
    }
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
        let chinese = page("Rock & Roll", &pack, "zh-CN", Some("/my-data/x")).unwrap();
        assert!(chinese.contains("您写的内容") && chinese.contains("action=\"/my-data/x\""), "{chinese}");
        let page = page("Rock & Roll", &pack, "en", None).unwrap();
        assert!(page.contains("What you wrote") && !page.contains("<form"), "{page}");
        assert!(page.contains("<td>1970-01-01T00:00:00.000005Z</td>"), "instants are dates: {page}");
        assert!(!page.contains("<script") && page.contains("&#60;script&#62;"), "{page}");
        assert!(page.contains("service, support") && page.contains("revenue: 30.00"), "{page}");
        assert!(page.contains("Rock &#38; Roll"), "{page}");
    }
}
