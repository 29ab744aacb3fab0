//! The points ledger in a server that runs: what is due is posted by itself, erasing a person breaks their link and not the books, `rapport verify` says what
//! somebody changed.

use std::path::Path;
use std::process::{Command as Program, Output};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::ledger::{Act, Balance, Command, MemberId, Source, Wallet, WalletId};
use rapport_loyalty::records::{members, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_server::installation::{Installation, Places};
use rapport_server::points;
use rapport_server::records::workspaces::FIRST;
use rapport_store::{Priority, Queries, args, sql};
use serde_json::json;
use tokio::sync::watch;

use crate::crash::key;
use crate::engaging::{call, happen, only_person, person, world};
use crate::sink::{Manner, Sink};

async fn member(installation: &Installation, person: PersonId) -> (MemberId, WalletId) {
    let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
    let limits = Wallet { amount_max: 1_000, balance_max: None, arrears_max: 0 };
    let wallet = wallets::save(&mut tx, FIRST, "points", &limits).await.unwrap();
    let now = installation.clock.now();
    let member = members::enrol(&mut tx, FIRST, person, now, &*installation.rng).await.unwrap();
    tx.commit().await.unwrap();
    (member, wallet)
}

fn earn((member, wallet): (MemberId, WalletId), id: &str, expires_at: Option<Timestamp>) -> Command {
    let act = Act::Earn { amount: 10, earned_at: None, active_from: None, expires_at };
    Command { id: id.into(), member, wallet, act, source: Source::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_lapse_by_themselves_and_erasure_keeps_the_books() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, write_key) = world(&sink).await;
    happen(&world, &write_key, person(1, "ann@example.com")).await;
    let who = only_person(&world, &owner, "ann").await;
    let installation = &world.app.installation;
    let account = member(installation, PersonId(who.parse().unwrap())).await;
    let end = installation.clock.now().plus(Timestamp::HOUR);
    installation.points.post(FIRST, earn(account, "e1", Some(end))).await.unwrap();
    let source = Source {
        kind: "staff".into(),
        reference: "order-77".into(),
        by: "usr_1".into(),
        reason: "Ann Zebrafish was kind".into(),
        asked: None,
    };
    installation.points.post(FIRST, Command { source, ..earn(account, "e2", None) }).await.unwrap();
    // Too much: a refusal has no postings, and its reason names her too.
    let source = Source { reason: "Zebrafish asked".into(), ..Source::default() };
    let wanted = Command { act: Act::Spend { amount: 900 }, source, ..earn(account, "s1", None) };
    assert!(installation.points.post(FIRST, wanted).await.unwrap().refused.is_some());
    // Given by somebody else, who says why.
    let bob = member(installation, PersonId(7)).await;
    installation.points.post(FIRST, earn(bob, "b1", None)).await.unwrap();
    let source = Source { reason: "for my friend Zebrafish".into(), ..Source::default() };
    let act = Act::Transfer { to: account.0, amount: 4, expiry: Default::default() };
    installation.points.post(FIRST, Command { act, source, ..earn(bob, "t1", None) }).await.unwrap();
    world.clock.set(end);
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(points::run(installation.clone(), stopped));
    let everything = Timestamp(i64::MAX);
    let balance = async || {
        read::balance_as_of(&mut installation.store.read(), FIRST, account, everything, everything).await.unwrap()
    };
    for _ in 0..100 {
        if balance().await.available == 14 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let left = Balance { available: 14, ..Balance::default() };
    assert_eq!(balance().await, left);
    stop.send(true).unwrap();
    working.await.unwrap();

    let shown = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{who}/access"), json!(null)).await;
    assert_eq!(shown.json()["tables"]["loyalty_members"][0]["member"], account.0.0.to_string(), "{}", shown.text());
    let tables = shown.json()["tables"].clone();
    let operations: Vec<serde_json::Value> = tables["loyalty_operations"].as_array().unwrap().clone();
    let line = |it: &serde_json::Value| {
        format!(
            "{} {} {}",
            it["kind"].as_str().unwrap(),
            it["points"].as_str().unwrap(),
            it["source_reason"].as_str().unwrap()
        )
    };
    let lines: Vec<String> = operations.iter().map(line).collect();
    let expected =
        ["expire -10 ", "transfer 4 ", "spend 0 Zebrafish asked", "earn 10 Ann Zebrafish was kind", "earn 10 "];
    assert_eq!(lines, expected, "{tables}");
    assert!(operations[3]["source_reference"] == "order-77" && operations[3]["wallet"] == "points", "{tables}");
    assert!(operations[2]["refused"] == "insufficient_points", "{tables}");
    assert_eq!(tables["loyalty_lots"][0]["points"], "10", "{tables}");
    assert_eq!(tables["loyalty_lots"].as_array().unwrap().len(), 2, "{tables}");

    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{who}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    let mut db = installation.store.read();
    assert_eq!(members::of(&mut db, FIRST, PersonId(who.parse().unwrap())).await.unwrap(), None);
    assert_eq!(balance().await, left);
    let texts = sql!(
        "SELECT source_reference || source_reason FROM loyalty_operations WHERE workspace = $1 AND (source_reference <> '' OR source_reason <> '')"
    );
    assert_eq!(db.fetch_all::<(String,)>(texts, args![FIRST]).await.unwrap(), []);
    assert_eq!(erased.json()["report"]["tables"]["loyalty_operations"], 3, "{}", erased.text());
    assert_eq!(verify(&mut db, FIRST).await.unwrap().findings, []);
}

fn rapport_verify(data: &Path) -> Output {
    Program::new(env!("CARGO_BIN_EXE_rapport")).args(["verify", "--data"]).arg(data).output().unwrap()
}

#[test]
fn verify_names_the_first_record_that_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    // Founds the folder.
    key(data, &["--api", "--scope", "read"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let change = |text: Option<rapport_store::Sql>| {
        runtime.block_on(async {
            let places = Places { data: data.to_owned(), database: None, lake: None };
            let installation = Installation::open(&places).await.unwrap();
            let account = member(&installation, PersonId(7)).await;
            for number in 0..5 {
                installation.points.post(FIRST, earn(account, &format!("e{number}"), None)).await.unwrap();
            }
            if let Some(text) = text {
                let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
                tx.execute(text, args![]).await.unwrap();
                tx.commit().await.unwrap();
            }
            installation.store.close().await;
        });
    };
    change(None);
    let sound = rapport_verify(data);
    let said = String::from_utf8_lossy(&sound.stdout).into_owned();
    assert!(sound.status.success() && said.contains("ledger of workspace 1: 5 operations, 5 postings"), "{said}");
    change(Some(sql!("UPDATE loyalty_postings SET amount = 9 WHERE operation = 3")));
    let changed = rapport_verify(data);
    let said = String::from_utf8_lossy(&changed.stdout).into_owned();
    let first = said.lines().find(|line| line.starts_with("FAILED")).unwrap_or_default();
    assert!(!changed.status.success() && first.contains("operation 3: it is not what its checksum says"), "{said}");
}
