//! Databases for tests on a PostgreSQL server that someone else started.
//!
//! Always holds: the schema is migrated once into a template, from which each test's database is copied.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::{Migrations, Store, StoreConfig};

/// The administrator's database, e.g. `postgres://postgres@127.0.0.1:5499/postgres`.
const SERVER_VARIABLE: &str = "RAPPORT_TEST_POSTGRES";
/// When `1`, a test without a server fails.
const REQUIRE_VARIABLE: &str = "RAPPORT_REQUIRE_POSTGRES";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A server on which databases may be made.
pub(super) struct Server(PgConnectOptions);

impl Server {
    /// The server named by the environment; prints that the test is skipped, or panics when it must not be.
    pub(super) fn from_environment() -> Option<Self> {
        match std::env::var(SERVER_VARIABLE) {
            Ok(url) => Some(Self(url.parse().expect("RAPPORT_TEST_POSTGRES is a postgres:// URL"))),
            Err(_) if std::env::var(REQUIRE_VARIABLE).is_ok_and(|value| value == "1") => {
                panic!("{SERVER_VARIABLE} is not set, and {REQUIRE_VARIABLE}=1 forbids to skip the PostgreSQL half")
            }
            Err(_) => {
                eprintln!("NOT RUN on PostgreSQL: {SERVER_VARIABLE} is not set");
                None
            }
        }
    }

    pub(super) fn url_of(&self, database: &str) -> String {
        self.0.clone().database(database).to_url_lossy().to_string()
    }

    /// A new database with the schema of `migrations`; its name.
    pub(super) async fn create_database(&self, migrations: &[Migrations]) -> String {
        let mut admin = self.admin().await;
        let template = format!("rapport_template_{}", super::schema_name(migrations));
        // One process makes the template while the others wait.
        run(&mut admin, "SELECT pg_advisory_lock(5927119)".into()).await;
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
            .bind(&template)
            .fetch_one(&mut admin)
            .await
            .expect("pg_database can be read");
        if !exists {
            let draft = format!("{template}_draft");
            run(&mut admin, format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
            run(&mut admin, format!("CREATE DATABASE {draft} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")).await;
            let store = Store::open(StoreConfig::postgres(self.url_of(&draft)), migrations).await;
            store.expect("the migrations apply to an empty database").close().await;
            run(&mut admin, format!("ALTER DATABASE {draft} RENAME TO {template}")).await;
        }
        run(&mut admin, "SELECT pg_advisory_unlock(5927119)".into()).await;
        let name = format!("rapport_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        admin.close().await.expect("the connection closes");
        name
    }

    pub(super) async fn drop_database(&self, name: &str) {
        let mut admin = self.admin().await;
        run(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        admin.close().await.expect("the connection closes");
    }

    async fn admin(&self) -> PgConnection {
        self.0.connect().await.expect("the server of RAPPORT_TEST_POSTGRES answers")
    }
}

async fn run(admin: &mut PgConnection, text: String) {
    admin.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.expect("the administrator may make databases");
}
