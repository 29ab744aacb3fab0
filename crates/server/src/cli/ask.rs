//! `rapport ask kpis|trend|funnel|retention|rfm`: questions from the terminal, of a data folder that no server holds or of a running
//! server.
//!
//! Always holds: the same question has the same answer here, over the API and in the console.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use rapport_analytics::Question;
use rapport_domain::WorkspaceId;
use rapport_segments::{Condition, Limits};
use serde_json::{Map, Value, json};

use crate::api::questions::context;
use crate::installation::{Installation, Places};
use crate::pipeline::Pipeline;

/// Asks a question.
#[derive(clap::Args, Debug)]
pub struct AskArgs {
    #[command(subcommand)]
    question: Kind,
}

#[derive(clap::Subcommand, Debug)]
enum Kind {
    /// The key figures of a period.
    Kpis(Where),
    /// How many, over time.
    Trend {
        /// The event; `*` is any.
        #[arg(long, default_value = "Order Completed")]
        event: String,
        /// count, people, sum, average, minimum, maximum or median.
        #[arg(long, default_value = "count")]
        measure: String,
        /// What to sum or average, e.g. revenue.
        #[arg(long)]
        property: Option<String>,
        /// hour, day, week, month, quarter or year.
        #[arg(long, default_value = "month")]
        interval: String,
        /// Splits by a property of the event.
        #[arg(long)]
        by: Option<String>,
        #[command(flatten)]
        place: Where,
    },
    /// How many go from step to step.
    Funnel {
        /// An event, in order; repeat it for each step.
        #[arg(long = "step", required = true)]
        steps: Vec<String>,
        /// All steps within so long of the first: 30m, 12h, 14d.
        #[arg(long, default_value = "14d")]
        window: String,
        /// ordered, strict or any.
        #[arg(long, default_value = "ordered")]
        order: String,
        #[command(flatten)]
        place: Where,
    },
    /// Who comes back.
    Retention {
        /// What makes a person start.
        #[arg(long, default_value = "Order Completed")]
        event: String,
        /// What counts as coming back; the same event unless told.
        #[arg(long)]
        back: Option<String>,
        /// hour, day, week, month, quarter or year.
        #[arg(long, default_value = "month")]
        interval: String,
        /// A person starts with their first event ever.
        #[arg(long)]
        first_time: bool,
        /// How many intervals to follow.
        #[arg(long, default_value_t = 12)]
        intervals: usize,
        #[command(flatten)]
        place: Where,
    },
    /// Groups of customers by recency, frequency and money.
    Rfm(Where),
}

/// Of which data, for which time, in which form.
#[derive(clap::Args, Debug)]
struct Where {
    /// The data folder.
    #[arg(long, default_value = "rapport-data")]
    data: PathBuf,
    /// A running server instead, e.g. http://127.0.0.1:8480.
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// An API key of that server.
    #[arg(long, env = "RAPPORT_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Only so long up to now: 30d, 12w.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    last: Option<String>,
    /// From this day.
    #[arg(long)]
    from: Option<String>,
    /// Up to this day.
    #[arg(long)]
    to: Option<String>,
    /// Only of these people, e.g. 'performed "Order Completed" at least 3 times in the last 90 days and trait country in (DE, AT)'.
    #[arg(long, value_name = "CONDITION")]
    who: Option<String>,
    /// Prints {"columns": [...], "rows": [[...]]}.
    #[arg(long)]
    json: bool,
}

impl Where {
    fn period(&self) -> Value {
        match (&self.last, &self.from, &self.to) {
            (Some(last), ..) => json!({"last": last}),
            (None, None, None) => json!({"all": true}),
            (None, from, to) => {
                let mut period = Map::new();
                period.extend(from.clone().map(|from| ("from".to_owned(), Value::String(from))));
                period.extend(to.clone().map(|to| ("to".to_owned(), Value::String(to))));
                Value::Object(period)
            }
        }
    }
}

/// Runs the command.
pub async fn run(args: AskArgs) -> Result<()> {
    let (mut question, place) = question(args.question);
    if let Some(who) = &place.who {
        question["who"] = Condition::from_text(who, Limits::default()).context("--who")?.to_json();
    }
    let answer = match (&place.url, &place.key) {
        (Some(url), Some(key)) => crate::cli::remote::ask(url, key, &question).await?,
        _ => local(&place, question).await?,
    };
    if place.json {
        println!("{}", json!({"columns": answer["columns"], "rows": answer["rows"]}));
    } else {
        print!("{}", show(&answer));
    }
    Ok(())
}

fn question(kind: Kind) -> (Value, Where) {
    match kind {
        Kind::Kpis(place) => (json!({"kind": "kpis", "period": place.period()}), place),
        Kind::Rfm(place) => (json!({"kind": "rfm", "period": place.period()}), place),
        Kind::Trend { event, measure, property, interval, by, place } => {
            let mut series = json!({"event": event, "measure": measure});
            if let Some(property) = property {
                series["property"] = Value::String(property);
            }
            let mut trend =
                json!({"kind": "trend", "series": [series], "interval": interval, "period": place.period()});
            if let Some(by) = by {
                trend["breakdown"] = json!({"property": by});
            }
            (trend, place)
        }
        Kind::Funnel { steps, window, order, place } => {
            let steps: Vec<Value> = steps.iter().map(|step| json!({"event": step})).collect();
            (
                json!({"kind": "funnel", "steps": steps, "window": window, "order": order, "period": place.period()}),
                place,
            )
        }
        Kind::Retention { event, back, interval, first_time, intervals, place } => {
            let back = back.unwrap_or_else(|| event.clone());
            let question = json!({
                "kind": "retention", "start": {"event": event}, "back": {"event": back}, "interval": interval,
                "first_time": first_time, "intervals": intervals, "period": place.period(),
            });
            (question, place)
        }
    }
}

async fn local(place: &Where, question: Value) -> Result<Value> {
    if !place.data.join("rapport.db").exists() {
        bail!(
            "{} is no data folder; import something into it first, or name another with --data",
            place.data.display()
        );
    }
    let question = Question::from_json(question)?;
    let installation = Arc::new(Installation::open(&Places::folder(&place.data)).await?);
    // Events that a stopped server had accepted but not applied yet belong to the answer.
    Pipeline::open(Arc::clone(&installation)).await?.drain().await?;
    let workspace = WorkspaceId(1);
    let context = context(&installation, workspace).await.map_err(|problem| anyhow::anyhow!("{}", problem.detail()))?;
    let answer = installation.analytics.ask(workspace, &question, &context).await?;
    serde_json::to_value(answer).context("an answer has a JSON form")
}

/// The answer as a table, with a bar beside the numbers of a single series.
fn show(answer: &Value) -> String {
    let columns = answer["columns"].as_array().cloned().unwrap_or_default();
    let rows = answer["rows"].as_array().cloned().unwrap_or_default();
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    let mut header: Vec<String> = columns.iter().map(|column| text(&column["label"], "")).collect();
    let bars = bars(&columns, &rows);
    if bars.is_some() {
        header.push(String::new());
    }
    table.set_header(header);
    for (index, row) in rows.iter().enumerate() {
        let cells = row.as_array().cloned().unwrap_or_default();
        let kinds = columns.iter().map(|column| column["type"].as_str().unwrap_or_default());
        let mut shown: Vec<String> = cells.iter().zip(kinds).map(|(cell, kind)| text(cell, kind)).collect();
        shown.extend(bars.as_ref().map(|bars| bars[index].clone()));
        table.add_row(shown);
    }
    for (index, column) in columns.iter().enumerate() {
        let number = !matches!(column["type"].as_str(), Some("text" | "time"));
        if let Some(column) = table.column_mut(index).filter(|_| number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let notes = answer["notes"].as_array().cloned().unwrap_or_default();
    let notes: String = notes.iter().filter_map(Value::as_str).map(|note| format!("  {note}\n")).collect();
    format!("{table}\n{}\n{notes}", answer["sentence"].as_str().unwrap_or_default())
}

fn text(cell: &Value, kind: &str) -> String {
    match (cell, kind) {
        (Value::Null, _) => "–".to_owned(),
        (Value::String(text), "time") => text.trim_end_matches("T00:00:00Z").to_owned(),
        (Value::String(text), _) => text.clone(),
        (Value::Number(number), "ratio") => format!("{:.1} %", number.as_f64().unwrap_or(0.0) * 100.0),
        (Value::Number(number), "number") => format!("{:.2}", number.as_f64().unwrap_or(0.0)),
        (other, _) => other.to_string(),
    }
}

/// Bars for tables of one label and one number.
fn bars(columns: &[Value], rows: &[Value]) -> Option<Vec<String>> {
    const WIDTH: f64 = 40.0;
    let kind = columns.get(1)?["type"].as_str()?;
    if columns.len() != 2 || !matches!(kind, "integer" | "number" | "money") {
        return None;
    }
    let value = |row: &Value| match &row[1] {
        Value::Number(number) => number.as_f64().unwrap_or(0.0),
        Value::String(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    };
    let most = rows.iter().map(value).fold(0.0, f64::max);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the width")]
    let bar =
        |row: &Value| "█".repeat(if most > 0.0 { (value(row).max(0.0) / most * WIDTH).round() as usize } else { 0 });
    Some(rows.iter().map(bar).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_table_with_bars() {
        let answer = json!({
            "columns": [{"label": "Month", "type": "time"}, {"label": "Orders", "type": "integer"}],
            "rows": [["2011-01-01T00:00:00Z", 2], ["2011-02-01T00:00:00Z", 4]], "sentence": "Six orders.", "notes": ["So far."],
        });
        let shown = show(&answer);
        assert!(
            shown.contains("2011-02-01") && shown.contains(&"█".repeat(40)) && shown.contains("Six orders."),
            "{shown}"
        );
    }
}
