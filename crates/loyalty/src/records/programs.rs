//! The programme: every version of it, and which was in force when; with its rules as [`documents`].
//!
//! Always holds: a version is added with each change and never altered, so that what happened is judged by what was in force then.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Tx, args, sql};
use serde_json::Value;

use super::documents::{self, Saved, Version, unreadable};
use super::{jurisdictions, wallets};
use crate::Error;
use crate::activity::Kept;
use crate::badges::Badge;
use crate::challenges::Challenge;
use crate::document::State;
use crate::earning::Rule;
use crate::jurisdictions::Law;
use crate::leaderboards::Leaderboard;
use crate::offers::Offer;
use crate::partners::Partner;
use crate::program::Program;
use crate::referrals::{Referral, Terms};
use crate::rewards::Reward;

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

#[derive(Record)]
struct ProgramRow {
    version: i64,
    definition: Value,
    in_force_from: Timestamp,
    saved_at: Timestamp,
    saved_by: String,
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
    if let Some(lost) = latest.and_then(|it| it.program.ladders.iter().find(|old| program.ladder(&old.key).is_none())) {
        let problem = format!(
            "the ladder `{}` is missing; a ladder stays, since members stand on it; say `\"ended\": true` to end it",
            lost.key
        );
        return Err(Error::invalid("ladders", problem));
    }
    documents::refuse_stranding::<Rule>(tx, workspace, program).await?;
    documents::refuse_stranding::<Offer>(tx, workspace, program).await?;
    documents::refuse_stranding::<Reward>(tx, workspace, program).await?;
    documents::refuse_stranding::<Challenge>(tx, workspace, program).await?;
    documents::refuse_stranding::<Leaderboard>(tx, workspace, program).await?;
    documents::refuse_stranding::<Referral>(tx, workspace, program).await?;
    documents::refuse_stranding::<Partner>(tx, workspace, program).await?;
    for plan in &program.wallets {
        wallets::save(tx, workspace, &plan.key, &plan.limits()).await?;
        wallets::save_kept(tx, workspace, &plan.key, Kept::of(program, plan)).await?;
        jurisdictions::save_laws(tx, workspace, &plan.key, &Law::of(program, plan)).await?;
    }
    let add = sql!(
        "INSERT INTO loyalty_programs (workspace, version, definition, in_force_from, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5, $6)"
    );
    let Saved { in_force_from, at, by } = saved;
    tx.execute(add, args![workspace, seen + 1, Json(program.clone()), in_force_from, at, by]).await?;
    Ok(())
}

/// The programme and its rules in all their versions.
#[derive(Debug, Default)]
pub struct Programs {
    /// Versions of the programme, the oldest first.
    pub programs: Vec<ProgramVersion>,
    /// Versions of all rules, the oldest of each first.
    pub rules: Vec<Version<Rule>>,
    /// Versions of all offers, the oldest of each first.
    pub offers: Vec<Version<Offer>>,
    /// Versions of all challenges, the oldest of each first.
    pub challenges: Vec<Version<Challenge>>,
    /// Versions of all leaderboards, the oldest of each first.
    pub leaderboards: Vec<Version<Leaderboard>>,
    /// Versions of all badges, the oldest of each first.
    pub badges: Vec<Version<Badge>>,
    /// Versions of all referral programmes, the oldest of each first.
    pub referrals: Vec<Version<Referral>>,
}

impl Programs {
    /// Reads them.
    ///
    /// # Errors
    /// As [`versions`] and [`documents::versions`].
    pub async fn read(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<Self> {
        let programs = versions(db, workspace).await?;
        if programs.is_empty() {
            return Ok(Self::default());
        }
        let rules = documents::versions(db, workspace).await?;
        let offers = documents::versions(db, workspace).await?;
        let challenges = documents::versions(db, workspace).await?;
        let leaderboards = documents::versions(db, workspace).await?;
        let badges = documents::versions(db, workspace).await?;
        let referrals = documents::versions(db, workspace).await?;
        Ok(Self { programs, rules, offers, challenges, leaderboards, badges, referrals })
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

    /// Whether any version of the programme knew a jurisdiction.
    pub fn knows_jurisdictions(&self) -> bool {
        self.programs.iter().any(|it| !it.program.jurisdictions.is_empty())
    }

    /// The rules in force at an instant.
    pub fn rules_at(&self, at: Timestamp) -> impl Iterator<Item = (&Rule, i64)> {
        documents::in_force(&self.rules, at).map(|it| (&it.document, it.version))
    }

    /// The offers in force at an instant.
    pub fn offers_at(&self, at: Timestamp) -> impl Iterator<Item = (&Offer, i64)> {
        documents::in_force(&self.offers, at).map(|it| (&it.document, it.version))
    }

    /// The referral programmes that somebody may have come by before an instant, as they were then: also those that take no new friends, since whoever came goes on.
    pub fn referrals_at(&self, at: Timestamp) -> impl Iterator<Item = &Referral> {
        let held = move |versions: &[Version<Referral>]| versions.iter().rposition(|it| it.in_force_from <= at);
        self.referrals
            .chunk_by(|one, other| one.document.key == other.document.key)
            .filter_map(move |versions| versions.get(held(versions)?))
            .filter(|version| version.state != State::Draft)
            .map(|version| &version.document)
    }

    /// What a referral programme stood for at an instant.
    pub fn terms_at(&self, key: &str, at: Timestamp) -> Terms<'_> {
        let of_it = |it: &&Version<Referral>| it.document.key == key && it.in_force_from <= at;
        match self.referrals.iter().rfind(of_it) {
            None => Terms::NotStarted,
            Some(version) => match version.state {
                State::Draft => Terms::NotStarted,
                State::Live => Terms::Live(&version.document),
                State::Paused => Terms::Paused,
                State::Ended => Terms::Ended,
            },
        }
    }
}
