//! Files of other shops through the binary: related tables, baskets without customers, overlapping months, corrections, interruptions.
//! Expected figures were counted from the same files by independent scripts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::main_job::{data, json};

fn import(files: &[&str], at: &Path, more: &[&str]) -> Value {
    let at = at.to_str().expect("a temporary folder's name is text");
    json(&[&["import"], files, &["--data", at, "--json"], more].concat())
}

fn ask(at: &Path, question: &[&str]) -> Value {
    let at = at.to_str().expect("a temporary folder's name is text");
    json(&[&["ask"], question, &["--data", at, "--json"]].concat())
}

/// The sum of the last column over all rows, in millionths where it is money.
fn total(answer: &Value) -> i64 {
    let last = |row: &Value| row.as_array().unwrap().last().unwrap().clone();
    let value = |cell: Value| {
        cell.as_i64().unwrap_or_else(|| rapport_domain::money::parse_micros(cell.as_str().unwrap()).unwrap())
    };
    answer["rows"].as_array().unwrap().iter().map(|row| value(last(row))).sum()
}

fn orders(at: &Path) -> i64 {
    total(&ask(at, &["trend", "--event", "Order Completed", "--interval", "year"]))
}

fn revenue(at: &Path) -> i64 {
    total(&ask(
        at,
        &["trend", "--event", "Order Completed", "--measure", "sum", "--property", "revenue", "--interval", "year"],
    ))
}

fn buyers(at: &Path) -> i64 {
    let rfm = ask(at, &["rfm"]);
    let people = rfm["columns"].as_array().unwrap().iter().position(|column| column["name"] == "people").unwrap();
    rfm["rows"].as_array().unwrap().iter().map(|row| row[people].as_i64().unwrap()).sum()
}

#[test]
fn the_tables_of_a_marketplace_become_persons_not_order_numbers() {
    let tables = ["olist_orders_dataset.csv.zst", "olist_order_items_dataset.csv.zst", "olist_customers_dataset.csv"];
    let more =
        ["olist_order_payments_dataset.csv", "olist_order_reviews_dataset.csv.zst", "olist_products_dataset.csv"];
    let names = [&tables[..], &more, &["product_category_name_translation.csv"]].concat();
    let Some(files) = names.iter().map(|name| data(&format!("olist_sample/{name}"))).collect::<Option<Vec<_>>>() else {
        return;
    };
    let files: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let report = import(&files, at, &[])["report"].clone();
    // 8,135 orders, 625 of them cancelled; every order has a customer number of its own, so persons are those of customer_unique_id.
    assert_eq!(orders(at), 7_510);
    assert_eq!(buyers(at), 7_408, "{report}");
    // The lines' prices of 6,899 orders, and the payments of the 611 that have no lines.
    assert_eq!(revenue(at), (99_802_908 + 12_525_408) * 10_000);
    assert_eq!(total(&ask(at, &["trend", "--event", "Product Reviewed", "--interval", "year"])), 8_225);
    assert_eq!(import(&files, at, &[])["added"], 0, "the same again adds nothing");
}

#[test]
fn baskets_without_customers_or_dates_are_taken_as_what_they_are() {
    let Some(file) = data("groceries/groceries.csv") else { return };
    let folder = tempfile::tempdir().unwrap();
    let outcome = import(&[file.to_str().unwrap()], folder.path(), &[]);
    let report = &outcome["report"];
    assert_eq!((&report["rows_read"], &report["orders"]), (&43_367.into(), &9_835.into()), "{report}");
    let rules: BTreeSet<&str> =
        report["rules"].as_array().unwrap().iter().filter_map(|rule| rule["rule"].as_str()).collect();
    assert!(rules.contains("anonymous_order") && rules.contains("assumed_date"), "{rules:?}");
    assert_eq!(orders(folder.path()), 9_835);
}

const HEAD: &str = "order_no,customer_id,order_date,sku,qty,unit_price\n";
const JANUARY: &[&str] =
    &["1,anna,2026-01-05,tent,1,100.00", "1,anna,2026-01-05,mat,2,20.00", "2,ben,2026-01-20,lamp,1,30.00"];
const FEBRUARY: &[&str] =
    &["2,ben,2026-01-20,lamp,1,30.00", "3,anna,2026-02-02,cup,3,5.00", "4,cleo,2026-02-10,tent,1,100.00"];

fn export(folder: &Path, name: &str, lines: &[&str]) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("{HEAD}{}\n", lines.join("\n"))).unwrap();
    path.display().to_string()
}

#[test]
fn next_months_overlapping_export_adds_what_is_new_and_changed_lines_supersede() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("data");
    let january = export(folder.path(), "january.csv", JANUARY);
    let february = export(folder.path(), "february.csv", FEBRUARY);
    assert_eq!(import(&[&january], &at, &["--source", "shop"])["added"], 2);
    assert_eq!(import(&[&february], &at, &["--source", "shop"])["added"], 2);
    assert_eq!((orders(&at), revenue(&at)), (4, 285_000_000));
    let who = r#"performed "Order Completed" at least 2 times and not performed "Order Completed" since 2027-01-01"#;
    let of_few = ask(&at, &["trend", "--event", "Order Completed", "--interval", "year", "--who", who]);
    assert_eq!(total(&of_few), 2, "Anna's two orders");
    // The lamp was cheaper, and Anna's mats came back into the list in another order of lines.
    let corrected: Vec<&str> = vec![JANUARY[1], JANUARY[0], "2,ben,2026-01-20,lamp,1,25.00"];
    let corrected = export(folder.path(), "january-again.csv", &corrected);
    assert_eq!(import(&[&corrected], &at, &["--source", "shop"])["added"], 1, "the corrected order, and nothing else");
    assert_eq!((orders(&at), revenue(&at), buyers(&at)), (4, 280_000_000, 3));
}

#[test]
fn rows_that_cannot_be_taken_are_counted_by_reason_and_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("data");
    let mut lines: Vec<String> = (1..=30).map(|n| format!("{n},c{},2026-01-{n:02},tent,1,10.00", n % 7)).collect();
    lines[10] = "11,ben,2026-13-45,lamp,1,30.00".to_owned();
    lines[20] = "21,cleo,2026-02-02,cup,three,5.00".to_owned();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let file = export(folder.path(), "orders.csv", &lines);
    let outcome = import(&[&file], &at, &[]);
    let report = &outcome["report"];
    assert_eq!((&report["rows_read"], &report["rows_taken"]), (&30.into(), &28.into()), "{outcome}");
    assert_eq!(report["rejected"], serde_json::json!({"bad_date": 1, "bad_number": 1}));
    assert_eq!(orders(&at), 28);
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_stopped() {
    let Some(file) = data("cdnow/CDNOW_sample.txt") else { return };
    let file = file.to_str().unwrap();
    let whole = tempfile::tempdir().unwrap();
    import(&[file], whole.path(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut killed = 0;
    for round in 1..=6_u64 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rapport"))
            .args(["import", file, "--json", "--data"])
            .arg(at)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(400 * round));
        child.kill().unwrap();
        killed += u64::from(child.wait().unwrap().code().is_none());
    }
    assert!(killed > 0, "every import ended before it could be killed");
    let outcome = import(&[file], at, &[]);
    assert_eq!(outcome["report"]["rows_read"], 6_919);
    assert_eq!((orders(at), revenue(at), buyers(at)), (orders(whole.path()), revenue(whole.path()), 2_357));
}
