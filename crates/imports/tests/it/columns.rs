//! A whole file as columns, numbers, times and ids, and results written as files, from outside.

use std::io::Write as _;
use std::path::Path;

use rapport_imports::columns::{BadLine, TextTable, Texts, Written, moment};
use rapport_imports::values::date::DateStyle;
use rapport_imports::written::{Column, Form, write};
use rapport_imports::{Error, Field};

fn table(bytes: &[u8]) -> Result<TextTable, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    TextTable::read(file.path())
}

#[test]
fn a_table_knows_its_cells_and_lines() {
    let found = table(b"Kunde;Betrag\nA;1,50\n\nB\nC;2,75\n").unwrap();
    assert_eq!(
        (found.names(), found.rows(), &found.lines[..]),
        (&["Kunde".into(), "Betrag".into()][..], 2, &[2, 5][..])
    );
    assert_eq!(found.bad, [BadLine { line: 4, message: "1 fields instead of 2".to_owned() }]);
    assert_eq!(found.column(1).iter().collect::<Vec<_>>(), ["1,50", "2,75"]);
    assert_eq!((found.place("betrag"), found.place("x"), found.named(Field::CustomerId)), (Some(1), None, Some(0)));
    assert_eq!(found.kept(&[1]).column(0).get(0), "C");
    // The same cells in another dialect are the same data.
    let comma = table(b"Kunde,Betrag\r\nA,\"1,50\"\r\nC,\"2,75\"\r\n").unwrap();
    assert_eq!(comma.fingerprint, found.fingerprint);
    assert_ne!(table(b"Kunde,Betrag\nA,\"1,50\"\nC,\"2,76\"\n").unwrap().fingerprint, found.fingerprint);
}

/// Lines are those that an editor shows: over blank lines, quotes over several lines, and rows that cannot be taken.
#[test]
fn rows_know_their_lines() {
    let found = table(b"a,b\r\n1,2\r\n\r\n\"two\r\nlines\",c\r\nd\ne,f\n\"g,h\r\ni,j\nk,l\nm,n\n").unwrap();
    assert_eq!(found.lines, [2, 4, 7, 9, 10, 11]);
    assert_eq!(found.bad.iter().map(|it| it.line).collect::<Vec<_>>(), [6, 8]);
}

#[test]
fn what_is_no_table_is_refused() {
    assert!(matches!(table(b""), Err(Error::NoTable { .. })));
    assert!(matches!(table(b"PAR1abcdefgh"), Err(Error::Parquet { .. })));
    assert_eq!(table(b"customer_id,date\n").unwrap().rows(), 0);
    let found = table(b"{\"a\":1,\"b\":\"x\"}\n{\"a\":2}\nno object\n").unwrap();
    assert_eq!((found.rows(), found.bad[0].line, found.column(1).get(1)), (2, 3, ""));
    assert_eq!(table(b"name,n\nM\xfcller,1\nK\xf6nig,2\n").unwrap().column(0).get(0), "Müller");
}

fn texts(cells: &[&str]) -> Texts {
    cells.iter().copied().collect()
}

#[test]
fn numbers_have_one_style_a_column() {
    let found = texts(&["1.5", "", "x", "NaN", "inf", "1e300", "-2"]).numbers();
    assert_eq!((found.blank, found.bad, found.absurd), (vec![1, 3], vec![2], vec![4, 5]));
    assert_eq!((found.values[0], found.values[6]), (1.5, -2.0));
    assert!(found.values[1].is_nan() && found.values[4].is_nan());
    assert_eq!(texts(&["1,50", "1.234,00 €"]).numbers().values, [1.5, 1_234.0]);
    assert_eq!(texts(&["1,234.50", "$7", "1e2"]).numbers().values, [1_234.5, 7.0, 100.0]);
}

#[test]
fn times_have_one_style_a_column() {
    let day = |cells: &[&str]| texts(cells).times(None);
    let found = day(&["19970101", "19970102"]);
    assert_eq!((found.days, found.written), (vec![9_862.0, 9_863.0], Written::Dates(DateStyle::Compact)));
    let found = day(&["01/02/2020", "25/02/2020"]);
    assert_eq!((found.written, found.ambiguous), (Written::Dates(DateStyle::DayMonthYear), false));
    assert!(day(&["01/02/2020", "03/04/2020"]).ambiguous);
    let found = day(&["2020-01-01 12:00:00", "", "30 February"]);
    assert_eq!((found.days[0], found.blank, found.bad), (18_262.5, vec![1], vec![2]));
    assert_eq!(day(&["1", "2.5"]).written, Written::Days);
    let style = Written::Dates(DateStyle::MonthDayYear);
    assert_eq!(texts(&["01/02/2020"]).times(Some(style)).days, [18_263.0]);
    assert_eq!(moment("2020-01-01", style), Some(18_262.0));
    assert_eq!(moment("soon", style), None);
}

#[test]
fn ids_of_spreadsheets() {
    assert_eq!(texts(&["17850.0", "", "7.0"]).ids(), [Some("17850"), None, Some("7")]);
    assert_eq!(texts(&["1.0", "A"]).ids(), [Some("1.0"), Some("A")]);
}

#[test]
fn what_is_written_is_read_again() {
    let columns = [
        Column::texts("customer", vec!["a, \"b\"".to_owned(), "c".to_owned(), String::new()]),
        Column::whole("orders", vec![1, -2, 3]),
        Column::numbers("value", vec![0.1, f64::NAN, 1e-7]),
    ];
    let folder = tempfile::tempdir().unwrap();
    for ending in ["csv", "jsonl", "parquet"] {
        let path = folder.path().join(format!("rows.{ending}"));
        write(&path, Form::of(&path).unwrap(), &columns).unwrap();
        let found = TextTable::read(&path).unwrap();
        assert_eq!(found.names(), ["customer", "orders", "value"], "{ending}");
        assert_eq!(found.column(0).iter().collect::<Vec<_>>(), ["a, \"b\"", "c", ""], "{ending}");
        assert_eq!(found.column(1).iter().collect::<Vec<_>>(), ["1", "-2", "3"], "{ending}");
        let values = found.column(2).numbers();
        assert_eq!((values.values[0], values.values[2], values.blank), (0.1, 1e-7, vec![1]), "{ending}");
    }
    assert_eq!(Form::of(Path::new("rows.txt")), None);
    assert!(write(Path::new("/nowhere/rows.csv"), Form::Csv, &columns).is_err());
}
