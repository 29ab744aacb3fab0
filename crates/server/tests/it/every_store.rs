//! One person with a row in every table that the data map leads to them by, whatever tables there are: access shows each, erasure leaves nothing.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use rapport_domain::{Handle, PersonId};
use rapport_lake::{Budget, TableOptions};
use rapport_privacy::Tables;
use rapport_profiles::records::identifiers;
use rapport_server::auth::Role;
use rapport_server::installation::DATA_MAPS;
use rapport_server::records::workspaces::FIRST;
use rapport_store::data_map::{Declaration, Erasure, Way};
use rapport_store::{Priority, Queries, Sql, args};
use serde_json::json;

use crate::engaging::{call, happen, only_person, track};
use crate::world::World;

const ANN: &str = "ann@example.com";
/// Stands in every text of hers.
const MARK: &str = "zebrafish";

struct Column {
    name: String,
    kind: String,
    is_needed: bool,
}

async fn columns(world: &World, table: &str) -> Vec<Column> {
    let text = format!("SELECT name, type, \"notnull\" FROM pragma_table_info('{table}') ORDER BY cid");
    let rows: Vec<(String, String, i64)> =
        world.app.installation.store.read().fetch_all(Sql::assembled(text), args![]).await.unwrap();
    rows.into_iter().map(|(name, kind, needed)| Column { name, kind, is_needed: needed != 0 }).collect()
}

/// A value for a column that the person is not found by, which names the table and the column.
fn value(table: &str, column: &Column, number: i64) -> String {
    let mark = format!("{MARK}-{table}-{}", column.name);
    match column.kind.to_uppercase().as_str() {
        "INTEGER" | "INT" | "BIGINT" => number.to_string(),
        // The number of an event says nothing of her, and indices are told with it that she is gone.
        "BLOB" if column.name == "event_id" => format!("CAST('{number:0>16}' AS BLOB)"),
        "BLOB" => format!("CAST('{mark:0<32.32}' AS BLOB)"),
        "REAL" => "0.5".to_owned(),
        _ => format!("'\"{mark}\"'"),
    }
}

/// Puts a row of hers into each table.
async fn fill(world: &World, person: PersonId, handles: &[Handle]) -> BTreeSet<&'static str> {
    let mut tables: BTreeMap<&'static str, Way> = BTreeMap::new();
    for declaration in DATA_MAPS.iter().copied().flatten() {
        if matches!(declaration.person, Way::Person(_) | Way::Handles(_)) {
            tables.insert(declaration.table, declaration.person);
        }
    }
    let mut tx = world.app.installation.store.begin(Priority::Background).await.unwrap();
    for (number, (table, way)) in (700_000..).zip(&tables) {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in columns(world, table).await {
            let is_hers = match way {
                Way::Person(name) => (*name == column.name).then_some(person.0),
                Way::Handles(of) => {
                    of.iter().position(|name| *name == column.name).map(|at| handles[at % handles.len()].0)
                }
                _ => None,
            };
            let value = match (is_hers, column.name.as_str()) {
                (Some(number), _) => number.to_string(),
                (None, "workspace") => FIRST.0.to_string(),
                (None, _) => value(table, &column, number),
            };
            if is_hers.is_some() || column.is_needed || !value.contains("CAST") {
                names.push(format!("\"{}\"", column.name));
                values.push(value);
            }
        }
        // The person's and the identifiers' own rows are there already.
        let text = format!("INSERT OR IGNORE INTO \"{table}\" ({}) VALUES ({})", names.join(", "), values.join(", "));
        tx.execute(Sql::assembled(text), args![]).await.unwrap();
    }
    tx.commit().await.unwrap();
    tables.into_keys().collect()
}

/// Where a text stands: in any value of the database, as text or in bytes.
async fn stands_in(world: &World, text: &str) -> Vec<(String, String)> {
    let store = &world.app.installation.store;
    let tables = "SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table'";
    let tables: Vec<(String, String)> =
        store.read().fetch_all(Sql::assembled(tables.to_owned()), args![]).await.unwrap();
    let mut found = Vec::new();
    for (table, column) in tables {
        let look = format!("SELECT COUNT(*) FROM \"{table}\" WHERE lower(CAST(\"{column}\" AS TEXT)) LIKE '%{text}%'");
        let count: i64 = store.read().scalar(Sql::assembled(look), args![]).await.unwrap();
        if count > 0 {
            found.push((table, column));
        }
    }
    found
}

/// Files of the data folder in which a text stands as it is; not those of the intake log, whose day keys are destroyed later.
fn files_with(world: &World, text: &str) -> Vec<String> {
    let mut folders = vec![world.app.installation.folder.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path)
                .unwrap()
                .to_ascii_lowercase()
                .windows(text.len())
                .any(|it| it == text.as_bytes())
            {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// Every row of the lake, decoded: in the files themselves values are compressed.
async fn lake(world: &World) -> String {
    let lake = &world.app.installation.lake;
    let snapshot = lake.snapshot(FIRST).await.unwrap();
    let plan = snapshot.scan(TableOptions::default()).unwrap().build().unwrap();
    let budget = Budget { time: std::time::Duration::from_secs(60), memory: 1 << 28, rows: 100_000 };
    let (_, batches) = lake.query(budget).unwrap().collect(plan).await.unwrap();
    let rows =
        batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| format!("{:?}", batch.slice(row, 1))));
    rows.collect::<Vec<_>>().join("\n").to_lowercase()
}

fn declared(table: &str, column: &str) -> Option<&'static Declaration> {
    DATA_MAPS.iter().copied().flatten().find(|it| it.table == table && it.columns.contains(&column))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_and_what_is_erased_is_all_there_is() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let (key, _) = world.write_key("Web", None).await;
    let identify = json!({"type": "identify", "userId": "u1", "anonymousId": "d1", "messageId": "i1",
        "traits": {"email": ANN, "name": "Ann Example", "phone": "+46 70 555 01 23"}});
    let order = json!({"order_id": "o-1", "revenue": 30, "currency": "EUR", "coupon": "zebrafishcoupon"});
    happen(&world, &key, vec![identify, track("o1", "u1", "Order Completed", order)]).await;
    happen(&world, &key, vec![track("b1", "bob", "Page Viewed", json!({"coupon": "bobscoupon"}))]).await;
    world.app.installation.lake.flush(FIRST).await.unwrap();
    happen(
        &world,
        &key,
        vec![track("r1", "u1", "Product Reviewed", json!({"text": "Zebrafish love it", "rating": 5}))],
    )
    .await;
    let who = only_person(&world, &owner, "ann").await;
    let person = PersonId(who.parse().unwrap());
    let store = &world.app.installation.store;
    let names = identifiers::by_persons(&mut store.read(), FIRST, &[person]).await.unwrap();
    let handles: Vec<Handle> = names.iter().map(|row| row.handle).collect();
    assert!(handles.len() >= 3);
    let tables = fill(&world, person, &handles).await;
    assert!(tables.len() > 20, "{tables:?}");
    assert!(lake(&world).await.contains("zebrafishcoupon"));

    let pack = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{who}/access"), json!(null)).await;
    assert_eq!(pack.status, StatusCode::OK, "{}", pack.text());
    let pack = pack.json();
    for table in &tables {
        let rows = pack["tables"][table].as_array().unwrap_or_else(|| panic!("{table} is not shown"));
        let shown: BTreeSet<&String> =
            rows.iter().filter_map(|row| row.as_object()).flat_map(|row| row.keys()).collect();
        for column in columns(&world, table).await.iter().filter(|it| it.is_needed && it.name != "workspace") {
            assert!(shown.contains(&column.name), "{table}.{} is not shown", column.name);
        }
        assert!(pack["purposes"][table]["used_for"].is_array(), "what {table} is used for");
    }
    let others: Vec<&str> = Tables::elsewhere(DATA_MAPS).into_keys().collect();
    assert_eq!(
        others,
        [
            "device_clocks",
            "import_rejects",
            "imports",
            "loyalty_badges",
            "loyalty_balances",
            "loyalty_benefit_uses",
            "loyalty_bulk_members",
            "loyalty_cards",
            "loyalty_challenge_completions",
            "loyalty_challenge_joins",
            "loyalty_challenge_progress",
            "loyalty_changes",
            "loyalty_gift_cards",
            "loyalty_holds",
            "loyalty_household_acts",
            "loyalty_household_invitations",
            "loyalty_household_members",
            "loyalty_household_uses",
            "loyalty_households",
            "loyalty_leaderboard_joins",
            "loyalty_leaderboard_scores",
            "loyalty_leaderboard_winners",
            "loyalty_lots",
            "loyalty_notices",
            "loyalty_open_lots",
            "loyalty_operations",
            "loyalty_partner_lines",
            "loyalty_payment_returns",
            "loyalty_payments",
            "loyalty_phones",
            "loyalty_postings",
            "loyalty_receipts",
            "loyalty_redemptions",
            "loyalty_referral_codes",
            "loyalty_referral_suspensions",
            "loyalty_tallies",
            "loyalty_tier_matches",
            "loyalty_tier_moves",
            "loyalty_tiers",
            "loyalty_trails",
            "loyalty_transfers",
            "loyalty_usage",
            "loyalty_voucher_uses",
            "loyalty_vouchers"
        ],
        "erased by other means, which privacy.rs, points.rs and the tests of loyalty look at"
    );

    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{who}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let erased = erased.json();
    for table in &tables {
        assert!(erased["report"]["tables"][table].as_u64() >= Some(1), "{table} was not erased: {erased}");
    }
    // Nothing stands there but what the law says must be kept, without her.
    for (table, column) in stands_in(&world, MARK).await {
        let declaration = declared(&table, &column).unwrap_or_else(|| panic!("{table}.{column}"));
        let is_kept = matches!(declaration.erasure, Erasure::Keep(_) | Erasure::Nothing);
        let of_table = DATA_MAPS.iter().copied().flatten().filter(|it| it.table == table);
        let keeps_rows = of_table.clone().any(|it| matches!(it.erasure, Erasure::Keep(_)));
        assert!(is_kept && keeps_rows, "{table}.{column} still has her");
    }
    for text in [ANN, "ann example", "555 01 23", "love it"] {
        assert_eq!(stands_in(&world, text).await, Vec::new(), "{text}");
        assert_eq!(files_with(&world, text), Vec::<String>::new(), "{text}");
    }
    for (number, name) in [(person.0, "her number")].into_iter().chain(handles.iter().map(|it| (it.0, "a handle"))) {
        let left: Vec<(String, String)> = stands_in(&world, &number.to_string()).await;
        // Whoever was told of her is told that she is forgotten, by her number; the lake knows which handles are nobody's. Who looked at her is kept, as
        // the data map says; it is written within a second, so it is there or not yet.
        let left: Vec<_> = left
            .into_iter()
            .filter(|(table, _)| !["outbox_event", "lake_moves", "lake_handles", "audit"].contains(&table.as_str()))
            .collect();
        assert_eq!(left, Vec::new(), "{name}");
    }
    let rest = lake(&world).await;
    assert!(rest.contains("bobscoupon") && !rest.contains("zebrafish"), "{rest}");
    let again = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{who}/access"), json!(null)).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}
