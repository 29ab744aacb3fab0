//! `rapport segment`: segments of a data folder that no server holds. A running server's segments are made in its console and over its API.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_segments::records::memberships;
use rapport_segments::records::segments::{self, SegmentRow};
use rapport_segments::{Condition, Limits, Scope};
use rapport_store::{Priority, Tx};
use serde_json::json;

use super::flags::Flags;
use crate::api::loyalty::protected::refuse_segment;
use crate::api::segments::{fits, is_key};
use crate::exporting;
use crate::installation::Installation;
use crate::keeper;
use crate::pipeline::Pipeline;
use crate::problem::Problem;
use crate::records::workspaces::FIRST;

/// Segments.
#[derive(Debug, clap::Args)]
pub struct SegmentArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List all segments with their sizes.
    List {
        #[command(flatten)]
        flags: Flags,
    },
    /// Make a segment and fill it.
    Create {
        /// Its name in conditions: small letters, digits, hyphens.
        key: String,
        /// Who belongs: performed "Order Completed" at least 3 times in the last 90 days.
        condition: String,
        /// What people call it; the key unless said.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        flags: Flags,
    },
    /// Print who is in a segment, as CSV: the number of the person, their name, and since when.
    Members {
        /// The segment's key.
        key: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Delete a segment.
    Delete {
        /// The segment's key.
        key: String,
        #[command(flatten)]
        flags: Flags,
    },
}

/// Runs the command.
pub async fn run(args: SegmentArgs) -> Result<()> {
    match args.action {
        Action::List { flags } => println!("{}", list(&*open(&flags).await?).await?),
        Action::Create { key, condition, name, flags } => {
            let installation = open(&flags).await?;
            create(&installation, &key, &condition, name.as_deref()).await?;
            println!("{}", list(&installation).await?);
        }
        Action::Members { key, json, flags } => members(&*open(&flags).await?, &key, json).await?,
        Action::Delete { key, flags } => {
            let installation = open(&flags).await?;
            let row = find(&installation, &key).await?;
            let mut tx = installation.store.begin(Priority::Interactive).await?;
            segments::delete(&mut tx, FIRST, row.segment).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Opens the folder with everything applied and all segments as they are now.
async fn open(flags: &Flags) -> Result<Arc<Installation>> {
    let installation = Arc::new(Installation::open(&flags.settings(Vec::new())?.places()).await?);
    Pipeline::open(Arc::clone(&installation)).await?.drain().await?;
    keeper::fill_workspace(&installation, FIRST).await?;
    Ok(installation)
}

async fn find(installation: &Installation, key: &str) -> Result<SegmentRow> {
    let row = segments::by_key(&mut installation.store.read(), FIRST, key).await?;
    row.with_context(|| format!("there is no segment {key}; `rapport segment list` shows what there is"))
}

async fn create(installation: &Installation, key: &str, text: &str, name: Option<&str>) -> Result<()> {
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    save(&mut tx, FIRST, (key, name.unwrap_or(key), ""), text, "command line", installation.clock.now()).await?;
    tx.commit().await?;
    keeper::fill_workspace(installation, FIRST).await?;
    Ok(())
}

/// Stores a new segment, with its key, name and description, to be filled.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (key, name, description): (&str, &str, &str),
    text: &str,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    let condition = Condition::from_text(text, Limits::DEFAULT)?;
    condition.validate(Scope::Person)?;
    if !is_key(key) {
        bail!("{key} is no key: 1 to 60 small letters, digits and hyphens, a letter first");
    }
    let known = segments::all(tx, workspace).await?;
    if known.iter().any(|row| row.key == key) {
        bail!("there is a segment {key} already");
    }
    let told = |problem: Problem| anyhow::anyhow!("{}", problem.detail());
    fits(&known, key, &condition).map_err(told)?;
    refuse_segment(tx, workspace, &known, (key, &condition)).await.map_err(told)?;
    let number = segments::next_number(tx, workspace).await?;
    let words = (name.to_owned(), description.to_owned());
    let row = SegmentRow::new(number, key.to_owned(), words, &condition, now, by);
    Ok(segments::save(tx, workspace, &row).await?)
}

async fn list(installation: &Installation) -> Result<Table> {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["Segment", "People", "State", "Who belongs"]);
    let mut db = installation.store.read();
    let sizes = memberships::sizes(&mut db, FIRST).await?;
    for row in segments::all(&mut db, FIRST).await? {
        let size = sizes.get(&row.segment).copied().unwrap_or(0).to_string();
        let text = Condition::parse(&row.condition).map(|it| it.to_text()).unwrap_or_default();
        table.add_row([row.key, size, row.state, text]);
    }
    Ok(table)
}

async fn members(installation: &Installation, key: &str, as_json: bool) -> Result<()> {
    let row = find(installation, key).await?;
    let found = exporting::members(installation, FIRST, row.segment).await?;
    let rows: Vec<(String, String, String)> = found
        .into_iter()
        .map(|it| (it.person.to_string(), it.name.unwrap_or_default(), it.since.to_rfc3339()))
        .collect();
    if as_json {
        let rows: Vec<_> = rows.iter().map(|(person, name, since)| json!([person, name, since])).collect();
        println!("{}", json!({"columns": ["person", "name", "since"], "rows": rows}));
        return Ok(());
    }
    let mut out = csv::Writer::from_writer(std::io::stdout().lock());
    out.write_record(["person", "name", "since"])?;
    for (person, name, since) in rows {
        out.write_record([person, name, since])?;
    }
    out.flush()?;
    Ok(())
}
