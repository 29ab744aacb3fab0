//! `rapport key`: write keys and API keys of a data folder that no server holds. A running server's keys are made in its console.

use anyhow::{Context, Result, bail};
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use rapport_domain::{Id, Timestamp};
use rapport_store::{Priority, Store};

use super::flags::Flags;
use super::open_store;
use crate::auth::Scope;
use crate::auth::issue::{self, Doors};
use crate::records::workspaces::FIRST;
use crate::records::{api_keys, sources, write_keys};

/// Write keys and API keys.
#[derive(Debug, clap::Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key and print it; it is never shown again.
    Create {
        /// A write key of this source, which is made if there is none.
        #[arg(long, required_unless_present = "api", conflicts_with = "api")]
        source: Option<String>,
        /// An API key.
        #[arg(long)]
        api: bool,
        /// What the API key may do: read, write, admin. Repeat for several.
        #[arg(long = "scope", value_parser = scope, requires = "api")]
        scopes: Vec<Scope>,
        /// What people call the API key.
        #[arg(long, default_value = "API key", requires = "api")]
        name: String,
        /// Days until it expires; never unless said.
        #[arg(long)]
        days: Option<u32>,
        #[command(flatten)]
        flags: Flags,
    },
    /// List all keys.
    List {
        #[command(flatten)]
        flags: Flags,
    },
    /// Revoke a key.
    Revoke {
        /// The key's id (see `rapport key list`).
        id: String,
        #[command(flatten)]
        flags: Flags,
    },
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::parse(word).ok_or_else(|| "a scope is read, write or admin".to_owned())
}

/// Runs the command.
pub async fn run(args: KeyArgs) -> Result<()> {
    match args.action {
        Action::Create { source, scopes, name, days, flags, .. } => {
            let store = open_store(&flags.settings(Vec::new())?.places()).await?;
            let expires_at = days.map(|days| store.clock().now().plus(i64::from(days) * Timestamp::DAY));
            println!("{}", create(&store, source.as_deref(), &scopes, &name, expires_at).await?);
            store.close().await;
        }
        Action::List { flags } => {
            let store = open_store(&flags.settings(Vec::new())?.places()).await?;
            println!("{}", list(&store).await?);
            store.close().await;
        }
        Action::Revoke { id, flags } => {
            let store = open_store(&flags.settings(Vec::new())?.places()).await?;
            let (now, id) = (store.clock().now(), Id(id));
            let mut tx = store.begin(Priority::Interactive).await?;
            let found = write_keys::revoke(&mut tx, FIRST, &id, now).await?
                || api_keys::revoke(&mut tx, FIRST, &id, now).await?;
            tx.commit().await?;
            store.close().await;
            if !found {
                bail!("there is no key {id}; `rapport key list` shows what there is");
            }
        }
    }
    Ok(())
}

async fn create(
    store: &Store,
    source: Option<&str>,
    scopes: &[Scope],
    name: &str,
    expires_at: Option<Timestamp>,
) -> Result<String> {
    let doors = Doors::of(store);
    let mut tx = store.begin(Priority::Interactive).await?;
    let key = match source.map(str::trim) {
        Some("") => bail!("--source needs a name"),
        Some(source) => {
            let source = sources::ensure(&mut tx, FIRST, source, "http", doors.clock.now()).await?;
            issue::write_key(&mut tx, doors, FIRST, source, expires_at).await?.1
        }
        None => {
            let scopes = if scopes.is_empty() { &[Scope::Read] } else { scopes };
            issue::api_key(&mut tx, doors, FIRST, name, scopes, expires_at).await?.1
        }
    };
    tx.commit().await.context("the key was not stored")?;
    Ok(key)
}

async fn list(store: &Store) -> Result<Table> {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["Id", "Key", "For", "Made", "Expires", "Revoked", "Last used"]);
    let time = |at: Option<Timestamp>| at.map_or_else(String::new, Timestamp::to_rfc3339);
    let mut db = store.read();
    for source in sources::all(&mut db, FIRST).await? {
        for key in write_keys::of_source(&mut db, FIRST, source.source).await? {
            table.add_row([
                key.id.0,
                format!("{}…", key.prefix),
                format!("source {}", source.name),
                key.created_at.to_rfc3339(),
                time(key.expires_at),
                time(key.revoked_at),
                time(key.last_used_at),
            ]);
        }
    }
    for key in api_keys::all(&mut db, FIRST).await? {
        table.add_row([
            key.id.0,
            format!("{}…", key.prefix),
            format!("{} ({})", key.name, key.scopes),
            key.created_at.to_rfc3339(),
            time(key.expires_at),
            time(key.revoked_at),
            time(key.last_used_at),
        ]);
    }
    Ok(table)
}
