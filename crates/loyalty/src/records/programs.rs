//! The programme and its rules: every version of each, and which was in force when.
//!
//! Always holds: a version is added with each change and never altered, so that what happened is judged by what was in force then.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Tx, args, sql};
use serde_json::Value;

use super::{head, wallets};
use crate::Error;
use crate::earning::{RULES_MAX, Rule};
use crate::program::Program;

/// Whether a rule gives anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleState {
    /// Being written.
    Draft,
    /// It gives.
    Live,
    /// It does not give for now.
    Paused,
    /// It does not give any more, and is out of sight.
    Ended,
}

impl RuleState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Live, Self::Paused, Self::Ended];

    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Live => "live",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// Reads [`RuleState::key`].
    pub fn read(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }
}

/// A version of the programme.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramVersion {
    /// From 1.
    pub version: i64,
    /// What it says.
    pub program: Program,
    /// From when on it holds.
    pub in_force_from: Timestamp,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// Who did.
    pub saved_by: String,
}

/// A version of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleVersion {
    /// From 1.
    pub version: i64,
    /// Whether it gives.
    pub state: RuleState,
    /// What it says.
    pub rule: Rule,
    /// From when on it holds.
    pub in_force_from: Timestamp,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// Who did.
    pub saved_by: String,
}

/// When something holds from, when it was saved, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    /// From when on it holds: the present, unless the past of a programme is being told.
    pub in_force_from: Timestamp,
    /// The present.
    pub at: Timestamp,
    /// A user's id.
    pub by: &'a str,
}

#[derive(Record)]
struct ProgramRow {
    version: i64,
    definition: Value,
    in_force_from: Timestamp,
    saved_at: Timestamp,
    saved_by: String,
}

#[derive(Record)]
struct RuleRow {
    version: i64,
    state: String,
    definition: Value,
    in_force_from: Timestamp,
    saved_at: Timestamp,
    saved_by: String,
}

fn unreadable(column: &str) -> rapport_store::Error {
    rapport_store::Error::Decode { column: column.into(), reason: "this program cannot read it".into() }
}

/// Every version of the programme, the oldest first.
///
/// # Errors
/// The store's; that this program cannot read one.
pub async fn versions(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<Vec<ProgramVersion>> {
    let text = sql!(
        "SELECT version, definition, in_force_from, saved_at, saved_by FROM loyalty_programs WHERE workspace = $1 ORDER BY version"
    );
    let rows: Vec<ProgramRow> = db.fetch_all(text, args![workspace]).await?;
    let read = |row: ProgramRow| {
        let program = serde_json::from_value(row.definition).map_err(|_| unreadable("definition"))?;
        let ProgramRow { version, in_force_from, saved_at, saved_by, .. } = row;
        Ok(ProgramVersion { version, program, in_force_from, saved_at, saved_by })
    };
    rows.into_iter().map(read).collect()
}

/// Every version of every rule, the oldest of each first.
///
/// # Errors
/// The store's; that this program cannot read one.
pub async fn rules(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<Vec<RuleVersion>> {
    let text = sql!(
        "SELECT version, state, definition, in_force_from, saved_at, saved_by FROM loyalty_rules WHERE workspace = $1 ORDER BY key, version"
    );
    let rows: Vec<RuleRow> = db.fetch_all(text, args![workspace]).await?;
    let read = |row: RuleRow| {
        let rule = serde_json::from_value(row.definition).map_err(|_| unreadable("definition"))?;
        let state = RuleState::read(&row.state).ok_or_else(|| unreadable("state"))?;
        let RuleRow { version, in_force_from, saved_at, saved_by, .. } = row;
        Ok(RuleVersion { version, state, rule, in_force_from, saved_at, saved_by })
    };
    rows.into_iter().map(read).collect()
}

/// Saves the programme as the version behind `seen`, and what the ledger asks of its wallets.
///
/// # Errors
/// [`Error::Invalid`] when it cannot be reckoned with, loses a wallet or strands a rule, [`Error::Stale`] when somebody saved meanwhile; the store's.
pub async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    program: &Program,
    seen: i64,
    saved: Saved<'_>,
) -> Result<(), Error> {
    program.check()?;
    let versions = versions(tx, workspace).await?;
    let latest = versions.last();
    let found = latest.map_or(0, |latest| latest.version);
    if found != seen {
        return Err(Error::Stale { key: "program".to_owned(), found });
    }
    if let Some(lost) = latest.and_then(|it| it.program.wallets.iter().find(|old| program.wallet(&old.key).is_none())) {
        let problem =
            format!("the wallet `{}` is missing; a wallet stays, since members may have something in it", lost.key);
        return Err(Error::invalid("wallets", problem));
    }
    for version in latest_of_each(rules(tx, workspace).await?).iter().filter(|it| it.state != RuleState::Ended) {
        let Err(error) = version.rule.check(program) else { continue };
        return Err(Error::invalid(
            "program",
            format!("the rule `{}` could not be reckoned with any more: {error}", version.rule.key),
        ));
    }
    for plan in &program.wallets {
        wallets::save(tx, workspace, &plan.key, &plan.limits()).await?;
    }
    let add = sql!(
        "INSERT INTO loyalty_programs (workspace, version, definition, in_force_from, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5, $6)"
    );
    let Saved { in_force_from, at, by } = saved;
    tx.execute(add, args![workspace, seen + 1, Json(program.clone()), in_force_from, at, by]).await?;
    Ok(())
}

/// Saves a rule as the version behind `seen` (0 of a new one).
///
/// # Errors
/// [`Error::NotFound`] without a programme, [`Error::Invalid`] when it cannot be reckoned with or there are too many, [`Error::Stale`] when somebody
/// saved meanwhile; the store's.
pub async fn save_rule(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (rule, state): (&Rule, RuleState),
    seen: i64,
    saved: Saved<'_>,
) -> Result<(), Error> {
    let missing = || Error::NotFound { what: "programme", key: "program".to_owned() };
    let program = versions(tx, workspace).await?.pop().ok_or_else(missing)?.program;
    rule.check(&program)?;
    head::settings_changed(tx, workspace).await?;
    let all = latest_of_each(rules(tx, workspace).await?);
    let found = all.iter().find(|it| it.rule.key == rule.key).map_or(0, |it| it.version);
    if found != seen {
        return Err(Error::Stale { key: rule.key.clone(), found });
    }
    let others = all.iter().filter(|it| it.state != RuleState::Ended && it.rule.key != rule.key).count();
    if state != RuleState::Ended && others >= RULES_MAX {
        return Err(Error::invalid("key", format!("a programme has at most {RULES_MAX} rules; end one first")));
    }
    let add = sql!(
        "INSERT INTO loyalty_rules (workspace, key, version, state, definition, in_force_from, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    let Saved { in_force_from, at, by } = saved;
    let row = args![workspace, &rule.key, seen + 1, state.key(), Json(rule.clone()), in_force_from, at, by];
    tx.execute(add, row).await?;
    Ok(())
}

/// The latest version of each rule, in the order in which rules are looked at.
pub fn latest_of_each(versions: Vec<RuleVersion>) -> Vec<RuleVersion> {
    let latest: BTreeMap<String, RuleVersion> = versions.into_iter().map(|it| (it.rule.key.clone(), it)).collect();
    let mut latest: Vec<RuleVersion> = latest.into_values().collect();
    latest.sort_by(|one, other| (one.rule.place, &one.rule.key).cmp(&(other.rule.place, &other.rule.key)));
    latest
}

/// The programme and its rules in all their versions.
#[derive(Debug, Default)]
pub struct Programs {
    /// Versions of the programme, the oldest first.
    pub programs: Vec<ProgramVersion>,
    /// Versions of all rules, the oldest of each first.
    pub rules: Vec<RuleVersion>,
}

impl Programs {
    /// Reads them.
    ///
    /// # Errors
    /// As [`versions`] and [`rules`].
    pub async fn read(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<Self> {
        let programs = versions(db, workspace).await?;
        let rules = if programs.is_empty() { Vec::new() } else { rules(db, workspace).await? };
        Ok(Self { programs, rules })
    }

    /// The latest version of the programme.
    pub fn latest(&self) -> Option<&ProgramVersion> {
        self.programs.last()
    }

    /// The programme as of an instant; the first one where there was none yet, which counts only from its own instant on.
    pub fn at(&self, at: Timestamp) -> Option<&Program> {
        let held = self.programs.iter().rev().find(|it| it.in_force_from <= at);
        held.or_else(|| self.programs.first()).map(|it| &it.program)
    }

    /// From when on something counts.
    pub fn counts_from(&self) -> Option<Timestamp> {
        let latest = &self.latest()?.program;
        match latest.counts_from {
            None => Some(self.programs.first()?.in_force_from),
            Some(from) => Some(from.start(&latest.calendar().ok()?)),
        }
    }

    /// The rules in force at an instant.
    pub fn rules_at(&self, at: Timestamp) -> impl Iterator<Item = (&Rule, i64)> {
        let held = move |versions: &[RuleVersion]| versions.iter().rposition(|it| it.in_force_from <= at);
        self.rules
            .chunk_by(|one, other| one.rule.key == other.rule.key)
            .filter_map(move |versions| versions.get(held(versions)?))
            .filter(|version| version.state == RuleState::Live)
            .map(|version| (&version.rule, version.version))
    }
}
