//! `rapport import FILE...`: files into a data folder that no server holds.
//!
//! Always holds: `--dry-run` writes nothing; what was imported before is not imported twice; an interrupted import is run again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rapport_domain::{Id, SourceId, WorkspaceId};
use rapport_imports::{Goal, Import, Mapping, Options};
use rapport_store::{Json, Priority};

use crate::cli::profile_view;
use crate::importing::records::{self, ImportRow};
use crate::importing::{self, Outcome, Task, runs};
use crate::installation::{Installation, Places};
use crate::pipeline::{Pipeline, caretaker};
use crate::records::sources;

/// Reads files of any shape and makes customers of them.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    /// The files: CSV, TSV, columns of white space, JSON Lines or Parquet, plain, gzip or zstd. Related files go together.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The data folder.
    #[arg(long, default_value = "rapport-data")]
    data: PathBuf,
    /// What the files are: orders, customers or events.
    #[arg(long = "as", default_value = "orders")]
    goal: String,
    /// What the columns mean, as printed by --dry-run; without it the proposal is used.
    #[arg(long)]
    map: Option<PathBuf>,
    /// The source the rows belong to: importing again into the same source adds only what is new.
    #[arg(long)]
    source: Option<String>,
    /// Shows what is in the files and what would be done; writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints one JSON document instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: ImportArgs) -> Result<()> {
    let goal =
        Goal::parse(&args.goal).with_context(|| format!("--as {}: it is orders, customers or events", args.goal))?;
    let mapping_file = args.map.as_ref().map(|path| {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str::<Mapping>(&text).with_context(|| format!("{} is no mapping", path.display()))
    });
    let given = mapping_file.transpose()?;
    let needs_profile = args.dry_run || given.is_none();
    let files = args.files.clone();
    let now = rapport_domain::Clock::now(&rapport_domain::SystemClock);
    let quiet = args.json;
    let looked = tokio::task::spawn_blocking(move || look(&files, goal, given, needs_profile, now, quiet)).await??;
    if args.dry_run {
        return show(&args, &looked);
    }
    let installation = Arc::new(Installation::open(&Places::folder(&args.data)).await?);
    let outcome = import(&installation, &args, looked).await?;
    if args.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        print!("{}", profile_view::outcome(&outcome));
        println!("\nLook at it: rapport serve --data {}", args.data.display());
    }
    Ok(())
}

/// What is in the files and how they would be taken.
struct Looked {
    /// By which the mapping knows the files, in their order.
    names: Vec<String>,
    profiles: Vec<rapport_imports::FileProfile>,
    mapping: Mapping,
}

fn look(
    files: &[PathBuf],
    goal: Goal,
    given: Option<Mapping>,
    profile: bool,
    now: rapport_domain::Timestamp,
    quiet: bool,
) -> Result<Looked> {
    let mut import = Import::open(files, Options::at(now))?;
    let bar = bar(quiet, "Looking");
    let mut profiles = Vec::new();
    if profile {
        profiles = import.profile(&mut |at| {
            bar.set_length(at.bytes_total);
            bar.set_position(at.bytes_read);
        })?;
    }
    bar.finish_and_clear();
    let mapping = match given {
        Some(mapping) => mapping,
        None => import.propose(goal)?,
    };
    let names = import.formats().map(|(name, _)| name.to_owned()).collect();
    Ok(Looked { names, profiles, mapping })
}

fn show(args: &ImportArgs, looked: &Looked) -> Result<()> {
    if args.json {
        let document = serde_json::json!({"profiles": looked.profiles, "mapping": looked.mapping});
        println!("{document}");
        return Ok(());
    }
    print!("{}", profile_view::profiles(&looked.profiles));
    println!("\n# The mapping; save it, correct it, and give it with --map FILE.toml\n\n{}", looked.mapping.to_toml());
    Ok(())
}

/// Imports into an opened installation, applying events while the files are still being read.
async fn import(installation: &Arc<Installation>, args: &ImportArgs, looked: Looked) -> Result<Outcome> {
    let workspace = WorkspaceId(1);
    let task = begin(installation, args, workspace, looked).await?;
    let pipeline = Pipeline::open(Arc::clone(installation)).await?;
    let bar = bar(args.json, "Reading");
    let reading = tokio::task::spawn_blocking({
        let (installation, task) = (Arc::clone(installation), task.clone());
        move || {
            importing::run(&installation, &task, &AtomicBool::new(false), |at, _| {
                bar.set_length(at.bytes_total);
                bar.set_position(at.bytes_read);
                bar.set_message(format!("{} rows", at.rows_read));
            })
        }
    });
    let outcome = pipeline.apply_beside(async { Ok(reading.await?) }).await?;
    caretaker::settle(installation, workspace).await?;
    crate::scoring::refresh(installation, workspace).await?;
    crate::scoring::refresh_standing(installation, workspace).await?;
    importing::finish(installation, &task, &outcome).await?;
    outcome
}

async fn begin(installation: &Installation, args: &ImportArgs, workspace: WorkspaceId, looked: Looked) -> Result<Task> {
    let mapping = &looked.mapping;
    let name = args.source.clone().or_else(|| mapping.source.clone()).unwrap_or_else(|| "Imported files".to_owned());
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let source: SourceId = sources::ensure(&mut tx, workspace, &name, "file", installation.clock.now()).await?;
    let row = ImportRow {
        id: Id::new("imp", &*installation.clock, &*installation.rng),
        name,
        source,
        state: "running".to_owned(),
        files: Json(args.files.iter().map(|path| path.display().to_string()).zip(looked.names).collect()),
        profiles: Json(serde_json::Value::Array(Vec::new())),
        mapping: Json(serde_json::to_value(mapping)?),
        outcome: None,
        error: None,
        created_at: installation.clock.now(),
        ended_at: None,
    };
    records::save(&mut tx, workspace, &row).await?;
    tx.commit().await?;
    runs::task(workspace, &row)
}

/// A progress bar with rate and time left on a terminal; nothing elsewhere.
fn bar(quiet: bool, what: &'static str) -> ProgressBar {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(1) };
    let template = "{prefix} {bar:30} {percent:>3} %  {bytes_per_sec}  {eta} left  {msg}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
