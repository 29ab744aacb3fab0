//! Shows what is in files, and what an import did, on a terminal.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use rapport_imports::FileProfile;

use crate::importing::Outcome;

/// One table a file: its columns, what is in them, what is odd.
pub fn profiles(profiles: &[FileProfile]) -> String {
    let mut text = String::new();
    for file in profiles {
        let _ = writeln!(
            text,
            "\n{}: {} rows, {} repeated, {} unreadable",
            file.file, file.rows, file.repeated_rows, file.bad_rows
        );
        let mut table = Table::new();
        table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["Column", "Type", "Blank", "Different", "From", "To"]);
        for column in &file.columns {
            let json = serde_json::to_value(column).unwrap_or_default();
            let shown = |key: &str| match &json[key] {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            table.add_row([
                shown("name"),
                shown("kind"),
                shown("blanks"),
                shown("distinct"),
                shown("minimum"),
                shown("maximum"),
            ]);
        }
        let _ = writeln!(text, "{table}");
        for note in &file.notes {
            let _ = writeln!(text, "  ! {note}");
        }
    }
    text
}

/// What an import did, rule by rule.
pub fn outcome(outcome: &Outcome) -> String {
    let report = &outcome.report;
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["", "Count", ""]);
    let mut row = |name: &str, count: String, why: &str| {
        table.add_row([name, &count, why]);
    };
    row("Rows read", report.rows_read.to_string(), "");
    row("Rows taken", report.rows_taken.to_string(), "");
    row("Set aside", report.rows_set_aside.to_string(), "");
    row("Rejected", report.rejected.values().sum::<u64>().to_string(), "");
    row("Orders", report.orders.to_string(), "");
    row("Order lines", report.order_lines.to_string(), "");
    row("Customers", report.customers.to_string(), "");
    for (currency, amount) in &report.revenue {
        row("Revenue", amount.clone(), currency);
    }
    for (currency, amount) in &report.refunds {
        row("Refunds", amount.clone(), currency);
    }
    row("New events", outcome.added.to_string(), "");
    row("Known before", outcome.known.to_string(), "");
    for rule in &report.rules {
        row(&rule.rule, rule.count.to_string(), &rule.explanation);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!("{table}\n");
    for warning in &report.warnings {
        let _ = writeln!(text, "  ! {warning}");
    }
    text
}
