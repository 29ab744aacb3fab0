//! Small files as people and programs really write them, and as nobody should: each goes through the whole import.

use std::io::Write;
use std::path::PathBuf;

use rapport_domain::money::micros_from_json;
use rapport_domain::{EventKind, Timestamp};
use rapport_imports::{Error, Field, Goal, Import, ImportedEvent, Mapping, Options, Output, Packing, Reject, Report};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

struct Imported {
    mapping: Mapping,
    events: Vec<ImportedEvent>,
    rejects: Vec<Reject>,
    report: Report,
}

fn run(paths: &[PathBuf], goal: Goal, corrections: &str, memory: usize) -> Result<Imported, Error> {
    let options = Options { imported_at: Timestamp::from_seconds(1_700_000_000), memory };
    let mut import = Import::open(paths, options)?;
    let mut mapping = import.propose(goal)?;
    mapping.correct(corrections)?;
    let mut stream = import.events(&mapping)?;
    let (mut events, mut rejects) = (Vec::new(), Vec::new());
    for output in &mut stream {
        match output? {
            Output::Event(event) => events.push(*event),
            Output::Reject(reject) => rejects.push(reject),
            Output::Progress(_) => {}
        }
    }
    let report = stream.report();
    let rejected: u64 = report.rejected.values().sum();
    assert_eq!(report.rows_read, report.rows_taken + report.rows_set_aside + rejected, "{report:#?}");
    assert_eq!(rejected, rejects.len() as u64);
    Ok(Imported { mapping, events, rejects, report })
}

fn import(content: impl AsRef<[u8]>) -> Imported {
    import_as(content, Goal::Orders, "")
}

fn import_as(content: impl AsRef<[u8]>, goal: Goal, corrections: &str) -> Imported {
    let folder = Folder::new();
    run(&[folder.file("export.csv", content)], goal, corrections, 1 << 20).unwrap()
}

impl Imported {
    fn orders(&self) -> Vec<&ImportedEvent> {
        self.events.iter().filter(|event| event.name == "Order Completed").collect()
    }

    fn codes(&self) -> Vec<(u64, &str)> {
        self.rejects.iter().map(|reject| (reject.row_number, reject.code.as_str())).collect()
    }

    fn rule(&self, name: &str) -> u64 {
        self.report.rules.iter().find(|rule| rule.rule == name).map_or(0, |rule| rule.count)
    }
}

fn revenue(event: &ImportedEvent) -> i64 {
    micros_from_json(&event.properties["revenue"]).unwrap()
}

#[test]
fn a_german_export() {
    let all = import(
        "\u{feff}Bestellnr.;Kunden-Nr;Bestelldatum;Artikel;Menge;Einzelpreis;Ort\r\n\
         A1;0012;31.12.2023 23:30;Lampe, rot;2;1.234,50 €;Köln\r\n\
         A1;0012;31.12.2023 23:31;\"Schirm; \"\"groß\"\"\";1;0,99 €;Köln\r\n\
         A2;0013;01.02.2024 08:00;Lampe, rot;1;1.234,50 €;Ulm\r\n",
    );
    assert_eq!((all.orders().len(), all.codes()), (2, vec![]));
    let order = all.orders()[0];
    assert_eq!((revenue(order), order.identifiers[0].value.as_str()), (2_469_990_000, "0012"));
    assert_eq!(order.occurred_at.to_rfc3339(), "2023-12-31T23:30:00Z");
    assert_eq!(order.properties["products"][1]["product_id"], "Schirm; \"groß\"");
    assert!(all.events.iter().any(|e| e.kind == EventKind::Identify && e.traits["city"] == "Köln"));
    assert_eq!(all.rule("several_times"), 1);
    let local = import_as(
        "id;kunde;datum;betrag\n1;a;1.7.2024 12:00;5\n2;b;13.7.2024 12:00;6\n",
        Goal::Orders,
        "time_zone = \"Europe/Berlin\"",
    );
    assert_eq!(local.orders()[0].occurred_at.to_rfc3339(), "2024-07-01T10:00:00Z");
}

#[test]
fn every_way_to_write_a_date() {
    for (dates, expected) in [
        (["2024-01-05", "2024-01-25"], "2024-01-05"),
        (["20240105", "20240125"], "2024-01-05"),
        (["5/1/2024", "25/1/2024"], "2024-01-05"),
        (["1/5/2024", "1/25/2024"], "2024-01-05"),
        (["05-01-2024", "25-01-2024"], "2024-01-05"),
        (["5.1.24", "25.1.24"], "2024-01-05"),
        (["5-Jan-2024", "25-Jan-2024"], "2024-01-05"),
        (["Jan 5, 2024", "Jan 25, 2024"], "2024-01-05"),
        (["1704412800", "1706140800"], "2024-01-05"),
        (["2024-01-05T00:00:00.000Z", "2024-01-25T00:00:00.000Z"], "2024-01-05"),
    ] {
        let all = import(format!("order,customer,date,total\n1,a,\"{}\",10\n2,b,\"{}\",20\n", dates[0], dates[1]));
        assert_eq!(all.orders().len(), 2, "{dates:?} {:#?}", all.mapping);
        assert_eq!(&all.orders()[0].occurred_at.to_rfc3339()[..10], expected, "{dates:?}");
    }
}

#[test]
fn rows_that_cannot_be_taken_stop_nothing() {
    let all = import(
        "order_no,client_id,date,qty,price\n\
         1,a,2024-01-01,1,10\n\
         2,b,2024-01-02,1\n\
         3,c,2024-01-03,1,10,extra\n\
         4,d,2024-02-30,1,10\n\
         5,e,2024-01-05,one,10\n\
         6,\"f,2024-01-06,1,10\n\
         7,g,2024-01-07,1,10\n\
         8,,2024-01-08,3,10\n\
         9,h,,1,10\n\
         10,i,2024-01-10,1,10\n\
         11,j,2024-01-11,1,10\n12,j,2024-01-12,1,10\n13,j,2024-01-13,1,10\n14,j,2024-01-14,1,10\n15,j,2024-01-15,1,10\n16,j,2024-01-16,1,10\n\
         17,j,2024-01-17,1,10\n18,j,2024-01-18,1,10\n19,j,2024-01-19,1,10\n20,j,2024-01-20,1,10\n21,j,2024-01-21,1,10\n22,j,2024-01-22,1,10\n\
         23,j,2024-01-23,1,10\n24,j,2024-01-24,1,10\n25,j,2024-01-25,1,10\n26,j,2024-01-26,1,10\n27,j,2024-01-27,1,10\n28,j,2024-01-28,1,10\n",
    );
    let mut codes = all.codes();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            (2, "too_few_fields"),
            (3, "too_many_fields"),
            (4, "bad_date"),
            (5, "bad_number"),
            (6, "unclosed_quote"),
            (9, "no_date")
        ]
    );
    assert_eq!((all.orders().len(), all.rule("without_customer")), (21, 1));
    assert!(all.report.warnings.iter().any(|w| w.contains("30.00")), "{:?}", all.report.warnings);
}

#[test]
fn odd_bytes() {
    // U+0085 inside a value, NUL bytes, windows-1252 in the middle of UTF-8, mixed line ends, a name twice, a trailing blank in a name.
    let mut content =
        b"order ,customer,date,total,note,note\r\n1,a,2024-01-01,10,x\xc2\x85y,\n2,b\0,2024-01-02,20,caf\xe9,\r"
            .to_vec();
    content.extend("3,c,2024-01-03,30,naïve,z\n".as_bytes());
    let all = import(content);
    assert_eq!((all.orders().len(), all.codes()), (3, vec![]));
    assert_eq!(all.orders()[0].properties["note"], "x\u{85}y");
    assert_eq!(all.orders()[1].properties["note"], "café");
    assert_eq!(all.orders()[1].identifiers[0].value, "b");
    assert_eq!(all.orders()[2].properties["note_2"], "z");
    assert!(all.report.warnings.iter().any(|warning| warning.contains("windows-1252")));
}

#[test]
fn a_line_of_ten_megabytes() {
    let mut content = b"order,customer,date,total\n1,a,2024-01-01,10\n".to_vec();
    content.extend(std::iter::repeat_n(b'x', 10_000_000));
    content.extend(b"\n2,b,2024-01-02,20\n");
    let all = import(content);
    assert_eq!((all.orders().len(), all.codes()), (2, vec![(2, "line_too_long")]));
}

#[test]
fn packed_and_cut_off() {
    let folder = Folder::new();
    let mut text = "order,customer,date,total\n".to_owned();
    for i in 0..50_000u64 {
        text.push_str(&format!("{i},c{},2024-01-{:02},{}.5\n", (i * 7_919) % 9_973, i % 28 + 1, (i * 31) % 997));
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    let whole = folder.file("whole.bin", &packed);
    let zstd = folder.file("zstd.bin", zstd::encode_all(text.as_bytes(), 1).unwrap());
    let cut = folder.file("cut.csv.gz", &packed[..packed.len() / 2]);
    let plain = run(&[folder.file("plain.csv", &text)], Goal::Orders, "", 1 << 26).unwrap();
    assert_eq!(plain.report.orders, 50_000);
    for (path, packing) in [(whole, Packing::Gzip), (zstd, Packing::Zstd)] {
        let import = Import::open(std::slice::from_ref(&path), Options::at(Timestamp(0))).unwrap();
        assert_eq!(import.formats().next().unwrap().1.packing, packing);
        // A small memory makes the rows go through temporary files: the same events, in another order.
        let all = run(&[path], Goal::Orders, "", 10_000).unwrap();
        assert_eq!(all.report.revenue, plain.report.revenue);
        let sorted = |events: &[ImportedEvent]| {
            let mut keys: Vec<_> = events.iter().map(|e| (e.natural_key.0.clone(), e.digest)).collect();
            keys.sort();
            keys
        };
        assert_eq!(sorted(&all.events), sorted(&plain.events));
    }
    let all = run(&[cut], Goal::Orders, "", 1 << 20).unwrap();
    assert_eq!(all.rejects.last().unwrap().code, "file_cut_short");
    assert!(all.report.orders > 10_000 && all.report.orders < 50_000);
}

#[test]
fn what_is_no_table_is_named() {
    let folder = Folder::new();
    for (content, word) in [
        (&b"%PDF-1.7\n%\xe2\xe3"[..], "PDF"),
        (b"PK\x03\x04\x14\0\0\0", "Excel"),
        (b"<html><body>sign in</body></html>", "HTML"),
        (b"[{\"a\":1}]", "JSON array"),
        (b"", "empty"),
        (
            b"Dear Sir or Madam,\nwe thank you for your letter of last week, which reached us today.\nIt was long.\n",
            "running text",
        ),
    ] {
        let error = Import::open(&[folder.file("x.csv", content)], Options::at(Timestamp(0))).err().unwrap();
        assert_eq!(error.code(), "file_no_table");
        assert!(error.to_string().contains(word), "{error}");
    }
    let missing = Import::open(&[folder.0.path().join("none.csv")], Options::at(Timestamp(0))).err().unwrap();
    assert_eq!(missing.code(), "file_unreadable");
}

#[test]
fn returns_gifts_adjustments_and_repeated_lines() {
    let all = import(
        "Invoice,Customer ID,InvoiceDate,StockCode,Quantity,UnitPrice\n\
         1,17850.0,2024-01-01 10:00,A,2,1.5\n\
         2,17850.0,2024-01-02 10:00,B,1,4\n\
         1,17850.0,2024-01-01 10:01,A,2,1.5\n\
         1,17850.0,2024-01-01 10:01,G,1,0\n\
         1,17850.0,2024-01-01 10:01,B,-1,4\n\
         C3,17850.0,2024-01-03 10:00,B,-1,4\n\
         4,17850.0,2024-01-04 10:00,G,1,0\n\
         5,17850.0,2024-01-05 10:00,X,1,-100\n\
         6,,2024-01-06 10:00,A,1,9\n",
    );
    let found: Vec<(&str, &str)> = all.events.iter().map(|e| (e.natural_key.0.as_str(), e.name.as_str())).collect();
    assert_eq!(
        found,
        [
            ("order:1:returns", "Order Refunded"),
            ("order:1", "Order Completed"),
            ("order:2", "Order Completed"),
            ("order:C3", "Order Refunded"),
            ("order:4", "Free Order Completed"),
            ("order:5:adjustment", "Order Adjusted"),
        ]
    );
    let order = &all.events[1];
    assert_eq!((revenue(order), order.identifiers[0].value.as_str()), (6_000_000, "17850"));
    let ids: Vec<&str> =
        order.properties["products"].as_array().unwrap().iter().map(|p| p["line_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["A#1", "A#2"]);
    assert_eq!(order.properties["free_products"][0]["product_id"], "G");
    assert_eq!(micros_from_json(&all.events[3].properties["total"]), Some(4_000_000));
    for rule in ["cancellation", "return_line", "adjustment", "free_order", "without_customer"] {
        assert_eq!(all.rule(rule), 1, "{rule}");
    }
    assert_eq!(
        (all.rule("free_line"), all.rule("point_zero"), all.report.orders, all.report.order_lines),
        (2, 8, 2, 3)
    );
}

#[test]
fn the_same_again_and_next_month() {
    let head = "order,customer,date,product,qty,price\n";
    let january = "1,a,2024-01-01,P,1,10\n1,a,2024-01-01,Q,1,5\n2,b,2024-01-20,P,1,10\n3,b,2024-01-25,P,1,10\n";
    // Overlapping, in another order of lines, and order 3 changed.
    let february = "3,b,2024-01-25,P,2,10\n1,a,2024-01-01,Q,1,5\n1,a,2024-01-01,P,1,10\n2,b,2024-01-20,P,1,10\n4,c,2024-02-02,P,1,10\n";
    let keys = |body: &str| -> std::collections::BTreeMap<String, [u8; 16]> {
        import(format!("{head}{body}")).events.into_iter().map(|e| (e.natural_key.0, e.digest)).collect()
    };
    let (first, again, next) = (keys(january), keys(january), keys(february));
    assert_eq!(first, again);
    let changed: Vec<&str> =
        next.iter().filter(|(key, digest)| first.get(*key) != Some(digest)).map(|(key, _)| key.as_str()).collect();
    assert_eq!(changed, ["order:3", "order:4"]);
}

#[test]
fn rows_without_numbers_are_numbered() {
    let all = import("cust,date,amount\n1,2024-01-01,5\n2,2024-01-01,5\n1,2024-01-01,5\n1,2024-01-02,0\n");
    assert_eq!(
        (all.orders().len(), all.rule("repeated_row"), all.rule("zero_order"), all.report.customers),
        (4, 1, 1, 2)
    );
    let keys: std::collections::BTreeSet<_> = all.events.iter().map(|e| &e.natural_key.0).collect();
    assert_eq!(keys.len(), 4);
}

#[test]
fn a_shop_that_fills_in_the_first_line_only() {
    let all = import(
        "Name,Email,Created at,Total,Lineitem quantity,Lineitem name,Lineitem price,Currency,Financial Status\n\
         #1001,ann@example.com,2024-01-01 10:00:00 +0100,25.00,1,Lamp,10.00,EUR,paid\n\
         #1001,,,,1,Chair,15.00,,\n\
         #1002,Bob@Example.com,2024-01-02 10:00:00 +0100,10.00,1,Lamp,10.00,EUR,paid\n",
    );
    assert_eq!((all.orders().len(), all.codes()), (2, vec![]), "{:#?}", all.mapping);
    let order = all.orders()[0];
    assert_eq!(revenue(order), 25_000_000);
    assert_eq!(order.properties["products"].as_array().unwrap().len(), 2);
    assert_eq!(order.occurred_at.to_rfc3339(), "2024-01-01T09:00:00Z");
    assert_eq!(all.orders()[1].identifiers[0].value, "bob@example.com");
    assert_eq!(all.report.revenue["EUR"], "35.00");
}

#[test]
fn messages_pass_through() {
    let all = import_as(
        concat!(
            "{\"type\":\"track\",\"event\":\"completed order\",\"userId\":\"u1\",\"messageId\":\"m1\",\"timestamp\":\"2024-01-01T10:00:00Z\",\"properties\":{\"revenue\":12.5}}\n",
            "{\"type\":\"identify\",\"anonymousId\":\"a1\",\"messageId\":\"m2\",\"timestamp\":\"2024-01-01T10:00:00Z\",\"traits\":{\"email\":\"X@Y.de\"}}\n",
            "{\"type\":\"track\",\"messageId\":\"m3\",\"userId\":\"u1\",\"timestamp\":\"2024-01-01T10:00:00Z\"}\n",
            "not json\n",
            "{\"type\":\"page\",\"name\":\"Home\",\"userId\":\"u1\",\"messageId\":\"m4\",\"timestamp\":\"2024-01-01T10:00:00Z\"}\n",
        ),
        Goal::Events,
        "",
    );
    let names: Vec<&str> = all.events.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["Order Completed", "Identify", "Page Viewed"]);
    assert_eq!(all.events[0].natural_key.0, "message:m1");
    assert_eq!(all.events[1].identifiers[1].value, "x@y.de");
    assert_eq!(all.events[2].properties["name"], "Home");
    assert_eq!(all.codes(), [(3, "bad_type"), (4, "not_json")]);
}

#[test]
fn json_lines_as_orders() {
    let all = import(
        "{\"order\":{\"id\":7,\"total\":12.5},\"customer\":{\"id\":\"c1\"},\"created_at\":\"2024-01-01T10:00:00Z\"}\n\
         {\"order\":{\"id\":8,\"total\":2.5},\"customer\":{\"id\":\"c2\"},\"created_at\":\"2024-01-02T10:00:00Z\"}\n",
    );
    assert_eq!(all.orders().len(), 2, "{:#?}", all.mapping);
    assert_eq!(all.report.revenue[""], "15.00");
}

#[test]
fn a_mapping_can_be_corrected_and_kept() {
    let content = "ref,who,wann,x\n1,a,03/04/2024,5\n2,b,05/04/2024,6\n";
    let corrections = "currency = \"EUR\"\ndate_style = \"day_month_year\"\n[columns]\nref = \"order_id\"\nwho = \"customer_id\"\nwann = \"date\"\nx = \"order_total\"\n";
    let all = import_as(content, Goal::Orders, corrections);
    assert_eq!(all.orders()[0].occurred_at.to_rfc3339(), "2024-04-03T00:00:00Z");
    assert_eq!(all.report.revenue["EUR"], "11.00");
    let again = import_as(content, Goal::Orders, &all.mapping.to_toml());
    assert_eq!(again.mapping, all.mapping);
    assert_eq!(again.events, all.events);
    let json = serde_json::to_string(&all.mapping).unwrap();
    assert_eq!(serde_json::from_str::<Mapping>(&json).unwrap(), all.mapping);
    let folder = Folder::new();
    for (wrong, word) in [
        ("[columns]\nnone = \"date\"", "no file has"),
        ("[columns]\nx = \"wealth\"", "no field"),
        ("time_zone = \"Mars\"", "no time zone"),
    ] {
        let error = run(&[folder.file("a.csv", content)], Goal::Orders, wrong, 1 << 20).err().unwrap();
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(all.mapping.files[0].column(Field::Date).unwrap().column, "wann");
}

#[test]
fn parquet_is_a_table_too() {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    use parquet::file::writer::SerializedFileWriter;

    let schema = "message shop { required int64 order_id; required binary customer (UTF8); \
                  required int64 created_at (TIMESTAMP(MILLIS,true)); required double total; }";
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, std::sync::Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut position = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        match position {
            0 => column.typed::<Int64Type>().write_batch(&[1, 2], None, None),
            1 => {
                let names = [ByteArray::from("a"), ByteArray::from("b")];
                column.typed::<ByteArrayType>().write_batch(&names, None, None)
            }
            2 => column.typed::<Int64Type>().write_batch(&[1_704_103_200_000, 1_704_189_600_500], None, None),
            _ => column.typed::<DoubleType>().write_batch(&[0.1, 12.34], None, None),
        }
        .unwrap();
        column.close().unwrap();
        position += 1;
    }
    group.close().unwrap();
    let all = import(writer.into_inner().unwrap());
    let found: Vec<_> = all.orders().iter().map(|order| (revenue(order), order.occurred_at.to_rfc3339())).collect();
    assert_eq!(
        found,
        [(100_000, "2024-01-01T10:00:00Z".to_owned()), (12_340_000, "2024-01-02T10:00:00.5Z".to_owned())]
    );
}
