//! The one holdout of a workspace: the people who get no marketing at all, so that it can be said what all of it is worth.
//!
//! How many they are is set in one place, the settings of sending; [`set`] makes it an experiment, so that it is listed, noted and read out as others are.
//! Its lot is [`assignment::GLOBAL_HOLDOUT`], which journeys and slots ask too.
//!
//! Always holds: there is at most one; a share that grows takes people in and lets nobody go, one that shrinks the other way; its readout is of those who
//! were noted since the share is as it is.
//!
//! Does not do: hold anybody out of a single journey, campaign or slot. Each of those has a share of its own.

use rapport_domain::{WorkspaceId, assignment};
use rapport_store::Tx;
use serde_json::json;

use crate::checks::check;
use crate::design::{Design, Direction, Form, Kind, Metric, Reading, State, UnitKind, Variant, WHOLE};
use crate::error::Error;
use crate::records::experiments::{self, ExperimentRow};
use crate::service::{Author, saved};

/// Its key.
pub const KEY: &str = "global-holdout";
/// The variant of those who get nothing.
pub const HELD_OUT: &str = "holdout";
/// The variant of everybody else.
pub const TREATED: &str = "treated";
/// For so long people are followed: what marketing is worth shows in a quarter, not in a fortnight.
const HOURS: u32 = 90 * 24;

/// Its design, with `places` (hundredths of a per cent) held out.
fn design(places: u32) -> Design {
    let variant = |key: &str, name: &str, weight: u32, is_control: bool| Variant {
        key: key.to_owned(),
        name: name.to_owned(),
        weight,
        value: json!(!is_control),
        is_control,
    };
    let primary = Metric {
        key: "conversion".to_owned(),
        name: "buyers".to_owned(),
        direction: Direction::Higher,
        form: Form::Share,
    };
    Design {
        name: "Global holdout".to_owned(),
        hypothesis: "Marketing brings in what would not be there without it".to_owned(),
        kind: Kind::Holdout,
        unit: UnitKind::Person,
        salt: assignment::GLOBAL_HOLDOUT.to_owned(),
        variants: vec![
            variant(HELD_OUT, "No marketing", places, true),
            variant(TREATED, "Marketing", WHOLE - places, false),
        ],
        rules: Vec::new(),
        traffic: WHOLE,
        group: None,
        respects_global_holdout: false,
        subject: None,
        starts_at: None,
        ends_at: None,
        primary: Some(primary),
        guardrails: Vec::new(),
        secondary: Vec::new(),
        conversion_hours: HOURS,
        reading: Reading::default(),
        plan: None,
    }
}

/// How many places are held out now; none while nobody is.
pub fn places(row: &ExperimentRow) -> u32 {
    let is_running = State::parse(&row.state) == Some(State::Running);
    row.design.0.control().filter(|_| is_running).map_or(0, |it| it.weight)
}

/// Holds out so many hundredths of a per cent of all people, or nobody. Another share is a new allocation; the same as now changes nothing.
///
/// # Errors
/// [`Error::Exists`] when an experiment of another kind has the key; the store's.
pub async fn set(tx: &mut Tx, workspace: WorkspaceId, share: u32, author: Author<'_>) -> Result<(), Error> {
    let Some(old) = experiments::find(tx, workspace, KEY).await? else {
        return if share == 0 { Ok(()) } else { begin(tx, workspace, share, author).await };
    };
    if old.design.0.kind != Kind::Holdout {
        return Err(Error::Exists { key: old.key });
    }
    if places(&old) == share {
        return Ok(());
    }
    let version = old.version + 1;
    let mut row = ExperimentRow { version, updated_at: author.at, updated_by: author.by.to_owned(), ..old };
    if share == 0 {
        State::Paused.as_str().clone_into(&mut row.state);
    } else {
        State::Running.as_str().clone_into(&mut row.state);
        // While it was paused everybody got everything, so it begins anew also with the share it had.
        row.allocation = version;
        row.design.0.variants = design(share).variants;
    }
    check(&row.design.0)?;
    if !experiments::update(tx, workspace, &row).await? {
        return Err(Error::Stale { key: row.key, found: row.version });
    }
    tx.emit(saved(workspace, &row));
    Ok(())
}

async fn begin(tx: &mut Tx, workspace: WorkspaceId, share: u32, author: Author<'_>) -> Result<(), Error> {
    let design = design(share);
    check(&design)?;
    let number = experiments::next_number(tx, workspace).await?;
    let row = ExperimentRow {
        state: State::Running.as_str().to_owned(),
        started_at: Some(author.at),
        ..ExperimentRow::draft(number, KEY, design, author.at, author.by)
    };
    experiments::insert(tx, workspace, &row).await?;
    tx.emit(saved(workspace, &row));
    Ok(())
}
