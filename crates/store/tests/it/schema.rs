//! The store's own schema: its statements prepare on both engines, its columns are declared, its tables check their types.

use rapport_store::data_map::{Category, Declaration, differences, lax_tables};
use rapport_store::testing::{TestDatabase, prepare_statements};
use rapport_store::{DATA_MAP, Migration, Migrations, db_test};

const LAX: Migrations = Migrations {
    namespace: "lax",
    list: &[Migration { number: 1, name: "lax", sql: "CREATE TABLE lax (a {int}, b TEXT)" }],
};

#[db_test]
async fn every_statement_prepares(db: TestDatabase) {
    let count = prepare_statements(&db).await;
    assert!(count >= 20, "only {count} statements were found");
}

#[db_test]
async fn every_column_is_declared(db: TestDatabase) {
    assert_eq!(differences(&db, &[DATA_MAP]).await.unwrap(), Vec::<String>::new());
    assert_eq!(lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

#[db_test(LAX)]
async fn what_is_not_declared_is_found(db: TestDatabase) {
    let declared = [
        Declaration::technical("lax", &["a", "gone"]),
        Declaration::technical("lax", &["a"]),
        Declaration { category: Category::Contact, ..Declaration::technical("job", &[]) },
    ];
    let found = differences(&db, &[DATA_MAP, &declared]).await.unwrap();
    assert_eq!(
        found,
        [
            "job []: category, purposes, person and erasure disagree",
            "lax.a is declared 2 times",
            "lax.b is not declared in the data map",
            "lax.gone is declared but does not exist",
        ]
    );
    let lax = lax_tables(&db).await.unwrap();
    assert!(db.engine() == rapport_store::Engine::Postgres || lax == ["lax"], "{lax:?}");
}
