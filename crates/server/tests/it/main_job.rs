//! The main job, as a person does it: a shop's export goes in, its customers come out. The figures are those of
//! `reference-numbers.md`, computed from the same files by independent scripts.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Real data lies beside the repository; it may not be part of it. Where it is absent, a test says so.
pub fn data(file: &str) -> Option<PathBuf> {
    let beside = || Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../../shared/data");
    let folder = std::env::var_os("RAPPORT_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("NOT RUN: {} is not here", path.display());
    None
}

/// Runs the binary; its standard output.
pub fn rapport(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rapport")).args(arguments).output().expect("the binary starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "rapport {arguments:?} failed: {error}");
    String::from_utf8(output.stdout).expect("output is text")
}

pub fn json(arguments: &[&str]) -> Value {
    let output = rapport(arguments);
    serde_json::from_str(&output).unwrap_or_else(|error| panic!("{arguments:?} printed no JSON ({error}): {output}"))
}

fn cell(answer: &Value, row: usize, column: &str) -> Value {
    let columns = answer["columns"].as_array().expect("columns");
    let index =
        columns.iter().position(|c| c["name"] == column).unwrap_or_else(|| panic!("no column {column} in {columns:?}"));
    answer["rows"][row][index].clone()
}

#[test]
fn online_retail_comes_out_to_the_penny() {
    let Some(file) = data("online_retail/online_retail.csv.zst") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, at) = (file.to_str().unwrap(), folder.path().to_str().unwrap());
    let outcome = json(&["import", file, "--data", at, "--as", "orders", "--json"]);
    let report = &outcome["report"];
    assert_eq!(report["rows_read"], 541_909);
    assert_eq!(
        (&report["orders"], &report["customers"], &report["order_lines"]),
        (&18_532.into(), &4_338.into(), &397_884.into())
    );
    assert_eq!(report["revenue"].as_object().unwrap().values().next().unwrap(), "8911407.904");

    // The answers come from the lake, through identity, log and files.
    let orders = json(&["ask", "trend", "--event", "Order Completed", "--interval", "year", "--data", at, "--json"]);
    let total: i64 = orders["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().last().unwrap().as_i64().unwrap())
        .sum();
    assert_eq!(total, 18_532);
    let revenue = json(&[
        "ask",
        "trend",
        "--measure",
        "sum",
        "--property",
        "revenue",
        "--interval",
        "year",
        "--data",
        at,
        "--json",
    ]);
    let micros: i64 = revenue["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            rapport_domain::money::parse_micros(row.as_array().unwrap().last().unwrap().as_str().unwrap()).unwrap()
        })
        .sum();
    assert_eq!(micros, 8_911_407_904_000);

    let retention = json(&[
        "ask",
        "retention",
        "--event",
        "Order Completed",
        "--interval",
        "month",
        "--first-time",
        "--data",
        at,
        "--json",
    ]);
    let sizes: Vec<i64> = (0..13).map(|row| cell(&retention, row, "size").as_i64().unwrap()).collect();
    assert_eq!(sizes, [885, 417, 380, 452, 300, 284, 242, 188, 169, 299, 358, 323, 41]);
    let december = retention["rows"][0].as_array().unwrap();
    let returns: Vec<i64> = december[december.len() - 12..].iter().map(|cell| cell.as_i64().unwrap()).collect();
    assert_eq!(returns, [324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445, 235]);

    // The same file again adds nothing.
    let again = json(&["import", file, "--data", at, "--as", "orders", "--json"]);
    assert_eq!(again["added"], 0);
    let rfm = json(&["ask", "rfm", "--data", at, "--json"]);
    let people: i64 =
        (0..rfm["rows"].as_array().unwrap().len()).map(|row| cell(&rfm, row, "people").as_i64().unwrap()).sum();
    assert_eq!(people, 4_338);
}

#[test]
fn cdnow_with_and_without_header() {
    let Some(master) = data("cdnow/CDNOW_master.txt.zst") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let outcome = json(&["import", master.to_str().unwrap(), "--data", at, "--json"]);
    assert_eq!((&outcome["report"]["rows_read"], &outcome["report"]["customers"]), (&69_659.into(), &23_570.into()));
    let sample = data("cdnow/CDNOW_sample.txt").expect("it lies beside the master");
    let other = tempfile::tempdir().unwrap();
    let outcome = json(&["import", sample.to_str().unwrap(), "--data", other.path().to_str().unwrap(), "--json"]);
    assert_eq!((&outcome["report"]["rows_read"], &outcome["report"]["customers"]), (&6_919.into(), &2_357.into()));
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.csv");
    std::fs::write(&file, "client_id;order_no;date;UnitPrice;qty\n7;1;03.04.2026;9,50;2\n8;2;13.04.2026;1,00;1\n")
        .unwrap();
    let at = folder.path().join("data");
    let shown = rapport(&["import", file.to_str().unwrap(), "--data", at.to_str().unwrap(), "--dry-run"]);
    assert!(shown.contains("client_id") && shown.contains("[[files"), "{shown}");
    assert!(!at.exists());
    let outcome = json(&["import", file.to_str().unwrap(), "--data", at.to_str().unwrap(), "--json"]);
    assert_eq!(outcome["report"]["revenue"].as_object().unwrap().values().next().unwrap(), "20.00");
}

#[test]
fn what_is_no_table_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.pdf");
    std::fs::write(&file, b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n").unwrap();
    let at = folder.path().join("data");
    let output = Command::new(env!("CARGO_BIN_EXE_rapport"))
        .args(["import", file.to_str().unwrap(), "--data", at.to_str().unwrap()])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("PDF"), "{error}");
    assert!(!at.exists(), "nothing is made for a file that cannot be imported");
}
