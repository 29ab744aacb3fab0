//! Real data sets through the whole import, against their known totals. The data is not part of the repository: without it each
//! test says that it is skipped.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use rapport_domain::Timestamp;
use rapport_domain::money::micros_from_json;
use rapport_imports::{Field, Goal, Import, ImportedEvent, Layout, Mapping, Options, Output, Report, Role};

fn data(names: &[&str]) -> Option<Vec<PathBuf>> {
    let beside =
        || PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../../shared/data");
    let root = std::env::var_os("RAPPORT_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let paths: Vec<PathBuf> = names.iter().map(|name| root.join(name)).collect();
    if paths.iter().all(|path| path.exists()) {
        return Some(paths);
    }
    eprintln!("skipped: {names:?} is not in {} (set RAPPORT_SHARED_DATA)", root.display());
    None
}

struct Imported {
    mapping: Mapping,
    events: Vec<ImportedEvent>,
    rejects: usize,
    report: Report,
}

fn import_with(paths: &[PathBuf], goal: Goal, change: impl Fn(&mut Mapping)) -> Imported {
    let mut import = Import::open(paths, Options::at(Timestamp::from_seconds(1_700_000_000))).unwrap();
    let mut mapping = import.propose(goal).unwrap();
    change(&mut mapping);
    let mut stream = import.events(&mapping).unwrap();
    let (mut events, mut rejects) = (Vec::new(), 0);
    for output in &mut stream {
        match output.unwrap() {
            Output::Event(event) => events.push(*event),
            Output::Reject(_) => rejects += 1,
            Output::Progress(_) => {}
        }
    }
    let report = stream.report();
    let rejected: u64 = report.rejected.values().sum();
    assert_eq!(
        report.rows_read,
        report.rows_taken + report.rows_set_aside + rejected,
        "every row is accounted for: {report:#?}"
    );
    Imported { mapping, events, rejects, report }
}

fn import(paths: &[PathBuf], goal: Goal) -> Imported {
    import_with(paths, goal, |_| {})
}

fn named<'a>(events: &'a [ImportedEvent], name: &'a str) -> impl Iterator<Item = &'a ImportedEvent> {
    events.iter().filter(move |event| event.name == name)
}

fn micros(event: &ImportedEvent, key: &str) -> i64 {
    micros_from_json(&event.properties[key]).unwrap()
}

fn rule(report: &Report, name: &str) -> u64 {
    report.rules.iter().find(|rule| rule.rule == name).map_or(0, |rule| rule.count)
}

/// (year, month) as a count of months.
fn month(at: Timestamp) -> i64 {
    let text = at.to_rfc3339();
    text[..4].parse::<i64>().unwrap() * 12 + text[5..7].parse::<i64>().unwrap()
}

#[test]
fn online_retail_meets_its_known_totals() {
    let Some(paths) = data(&["online_retail/online_retail.csv.zst"]) else { return };
    let all = import_with(&paths, Goal::Orders, |mapping| mapping.currency = rapport_domain::Currency::parse("GBP"));
    let meaning: BTreeMap<&str, Field> =
        all.mapping.files[0].columns.iter().map(|c| (c.column.as_str(), c.field)).collect();
    assert_eq!(
        meaning,
        BTreeMap::from([
            ("InvoiceNo", Field::OrderId),
            ("StockCode", Field::ProductId),
            ("Description", Field::ProductName),
            ("Quantity", Field::Quantity),
            ("InvoiceDate", Field::Date),
            ("UnitPrice", Field::Price),
            ("CustomerID", Field::CustomerId),
            ("Country", Field::Trait),
        ])
    );
    let report = &all.report;
    assert_eq!((report.rows_read, all.rejects), (541_909, 0));
    assert_eq!((report.orders, report.order_lines, report.customers), (18_532, 397_884, 4_338));
    assert_eq!(report.revenue["GBP"], "8911407.904");
    assert_eq!(rule(report, "without_customer"), 135_080);
    assert_eq!(rule(report, "point_zero"), 541_909 - 135_080);

    let orders: Vec<&ImportedEvent> = named(&all.events, "Order Completed").collect();
    assert_eq!(orders.iter().map(|order| micros(order, "revenue")).sum::<i64>(), 8_911_407_904_000);
    assert_eq!(
        orders.iter().map(|order| order.properties["products"].as_array().unwrap().len()).sum::<usize>(),
        397_884
    );
    let keys: BTreeSet<&str> = all.events.iter().map(|event| event.natural_key.0.as_str()).collect();
    assert_eq!(keys.len(), all.events.len(), "natural keys are unique");
    // Refunds carry the cancellation's own number and a positive amount.
    let refund = named(&all.events, "Order Refunded").find(|event| event.natural_key.0 == "order:C536379").unwrap();
    assert_eq!((micros(refund, "total"), refund.identifiers[0].value.as_str()), (27_500_000, "14527"));

    // The best customer, and what the best fifth brings: 74.6 %.
    let mut spent = HashMap::<&str, i64>::new();
    for order in &orders {
        *spent.entry(&order.identifiers[0].value).or_default() += micros(order, "revenue");
    }
    let mut spent: Vec<(i64, &str)> = spent.into_iter().map(|(customer, micros)| (micros, customer)).collect();
    spent.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(spent[0], (280_206_020_000, "14646"));
    let best: i64 = spent[..spent.len() / 5].iter().map(|it| it.0).sum();
    assert_eq!((1_000 * best + 8_911_407_904_000 / 2) / 8_911_407_904_000, 746);

    let mut months = HashMap::<&str, BTreeSet<i64>>::new();
    for order in &orders {
        months.entry(&order.identifiers[0].value).or_default().insert(month(order.occurred_at));
    }
    let mut cohorts = BTreeMap::<i64, u32>::new();
    months.values().for_each(|active| *cohorts.entry(*active.first().unwrap()).or_default() += 1);
    assert_eq!(
        cohorts.values().copied().collect::<Vec<_>>(),
        [885, 417, 380, 452, 300, 284, 242, 188, 169, 299, 358, 323, 41]
    );
    let first = *cohorts.keys().next().unwrap();
    let back =
        |after: i64| months.values().filter(|m| m.first() == Some(&first) && m.contains(&(first + after))).count();
    assert_eq!((1..12).map(back).collect::<Vec<_>>(), [324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445]);
    assert_eq!(back(12), 235);
}

#[test]
fn cdnow_with_a_header() {
    let Some(paths) = data(&["cdnow/CDNOW_master.txt.zst"]) else { return };
    let all = import(&paths, Goal::Orders);
    assert_eq!(
        (all.report.rows_read, all.rejects, all.report.orders, all.report.customers),
        (69_659, 0, 69_659, 23_570)
    );
    assert_eq!(all.report.revenue[""], "2500315.63");
    assert_eq!(rule(&all.report, "zero_order"), 80);
    let cds: i64 = all.events.iter().map(|event| micros(event, "quantity")).sum();
    assert_eq!(cds, 167_881 * 1_000_000);
    let days: BTreeSet<String> =
        all.events.iter().map(|event| event.occurred_at.to_rfc3339()[..10].to_owned()).collect();
    assert_eq!((days.first().unwrap().as_str(), days.last().unwrap().as_str()), ("1997-01-01", "1998-06-30"));
    let keys: BTreeSet<&str> = all.events.iter().map(|event| event.natural_key.0.as_str()).collect();
    assert_eq!(keys.len(), 69_659);
}

#[test]
fn cdnow_without_a_header() {
    let Some(paths) = data(&["cdnow/CDNOW_sample.txt"]) else { return };
    let import_ = Import::open(&paths, Options::at(Timestamp(0))).unwrap();
    let (_, format) = import_.formats().next().unwrap();
    assert_eq!((format.layout, format.header, format.line_ends.as_str()), (Layout::Blanks, false, "CRLF"));
    let all = import(&paths, Goal::Orders);
    assert_eq!((all.report.rows_read, all.report.orders, all.report.customers), (6_919, 6_919, 2_357));
    assert_eq!(all.report.revenue[""], "244091.94");
    assert_eq!(all.events[0].identifiers[0].value, "00004");
}

const OLIST: [&str; 8] = [
    "olist_sample/olist_orders_dataset.csv.zst",
    "olist_sample/olist_order_items_dataset.csv.zst",
    "olist_sample/olist_order_payments_dataset.csv",
    "olist_sample/olist_order_reviews_dataset.csv.zst",
    "olist_sample/olist_customers_dataset.csv",
    "olist_sample/olist_products_dataset.csv",
    "olist_sample/olist_sellers_dataset.csv",
    "olist_sample/product_category_name_translation.csv",
];

#[test]
fn olist_files_are_one_import() {
    let Some(paths) = data(&OLIST) else { return };
    let all = import(&paths, Goal::Orders);
    let roles: Vec<Role> = all.mapping.files.iter().map(|file| file.role).collect();
    use Role::*;
    assert_eq!(
        roles,
        [Orders, OrderItems, Payments, Reviews, Customers, Products, Ignored, Categories],
        "{:#?}",
        all.mapping
    );
    assert_eq!(all.rejects, 0);
    let person = all.mapping.files[4].column(Field::CustomerId).unwrap();
    assert_eq!(person.column, "customer_unique_id");
    assert!(
        all.mapping.joins.iter().all(|join| join.found > 0.95 || join.column == "product_category_name"),
        "{:#?}",
        all.mapping.joins
    );

    // The obvious second way: count in the customers' file itself.
    let text = std::fs::read_to_string(&paths[4]).unwrap();
    let people: BTreeSet<&str> = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    let known: BTreeSet<&str> = all.events.iter().map(|event| event.identifiers[0].value.as_str()).collect();
    assert_eq!(known, people);
    let order_events =
        ["Order Completed", "Order Cancelled"].iter().map(|name| named(&all.events, name).count()).sum::<usize>();
    assert_eq!(order_events, 8_135);
    assert_eq!(named(&all.events, "Product Reviewed").count(), 8_225);
    let items: usize =
        all.events.iter().filter_map(|event| event.properties.get("products")?.as_array()).map(Vec::len).sum();
    assert_eq!(items, 8_365);
    let payments: usize =
        all.events.iter().filter_map(|event| event.properties.get("payments")?.as_array()).map(Vec::len).sum();
    assert_eq!(payments, 8_924);
    let texts =
        named(&all.events, "Product Reviewed").filter(|event| event.properties.contains_key("review_body")).count();
    // 4,113 reviews have a message; four of these are blanks and line breaks only.
    assert_eq!(texts, 4_109);
    assert!(all.events.iter().any(|event| event.traits.contains_key("city")));
    let order = named(&all.events, "Order Completed")
        .find(|e| e.natural_key.0 == "order:0009792311464db532ff765bf7b182ae")
        .unwrap();
    assert_eq!(
        (micros(order, "revenue"), micros(order, "total"), micros(order, "paid")),
        (99_900_000, 127_550_000, 127_550_000)
    );
    assert!(order.properties["products"][0]["category"].is_string());
}

#[test]
fn groceries_are_anonymous_baskets() {
    let Some(paths) = data(&["groceries/groceries.csv", "groceries/groceries_items.csv"]) else { return };
    let all = import_with(&paths, Goal::Orders, |mapping| mapping.assumed_date = Some("2006-01-31".to_owned()));
    assert_eq!((all.report.orders, all.report.order_lines, all.report.customers), (9_835, 43_367, 0));
    assert!(all.mapping.notes.iter().any(|note| note.contains("neither customers nor dates")));
    assert_eq!(rule(&all.report, "anonymous_order"), 9_835);
    let milk = all
        .events
        .iter()
        .filter(|e| e.properties["products"].as_array().unwrap().iter().any(|p| p["name"] == "whole milk"))
        .count();
    assert_eq!(milk, 2_513);
    assert!(all.events.iter().all(|event| event.occurred_at.to_rfc3339() == "2006-01-31T00:00:00Z"));
    assert!(all.events[0].properties["products"][0].get("category").is_some());
}

#[test]
fn customers_and_events_of_other_sets() {
    if let Some(paths) = data(&["telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv"]) {
        let all = import(&paths, Goal::Customers);
        assert_eq!((all.events.len(), all.rejects), (7_043, 0));
        assert!(all.events[0].traits.contains_key("contract"));
    }
    if let Some(paths) = data(&["marketing_campaign/marketing_campaign.csv"]) {
        let all = import(&paths, Goal::Customers);
        assert_eq!(all.events[0].occurred_at.to_rfc3339(), "2012-09-04T00:00:00Z");
        assert_eq!(all.events.len(), 2_240);
    }
    if let Some(paths) = data(&["helpdesk/helpdesk_4580.csv"]) {
        let all = import_with(&paths, Goal::Events, |mapping| {
            mapping.correct("[columns]\ncase_id = \"customer_id\"").unwrap()
        });
        // Case 0 has five rows: 0 stands for nobody.
        assert_eq!(rule(&all.report, "without_customer"), 5);
        assert_eq!(all.report.rows_read, all.events.len() as u64 + 5);
    }
}

#[test]
fn the_rest_of_the_folder_can_be_looked_at() {
    let Some(folder) = data(&["README.md"]) else { return };
    let root = folder[0].parent().unwrap();
    let mut looked_at = 0;
    for folder in std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()) {
            let result = Import::open(std::slice::from_ref(&path), Options::at(Timestamp(0)));
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".pdf") || name.contains("README") {
                assert!(matches!(result, Err(rapport_imports::Error::NoTable { .. })), "{}", path.display());
                continue;
            }
            let mut import = result.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let size = std::fs::metadata(&path).unwrap().len();
            if size < 700_000 {
                let profiles = import.profile(&mut |_| {}).unwrap();
                assert!(profiles[0].rows > 0, "{}", path.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 60, "{looked_at}");
}
