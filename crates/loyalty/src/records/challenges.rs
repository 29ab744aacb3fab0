//! Challenges in the product database: reckons how far members are, gives what they completed and takes back what turned out otherwise.
//!
//! Always holds: whoever reckons holds the workspace's head, so that two batches never give the same twice; what is given is the difference between what was completed, by
//! [`Course`], and what was given before. A completion has one command on the ledger, by an id of its own.
//!
//! Does not: judge conditions. What counts is written by whoever hears the events.

mod rows;

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::calendar::Interval;
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_store::outbox::Event;
use rapport_store::{Queries, Tx};
use serde_json::json;

pub use rows::{
    CompletionRow, CountRow, Figures, JoinRow, ProgressRow, completions_of, counted, counts_of, due, figures, joins,
    progress_of, replace, taking_part,
};
pub(super) use rows::{forget, merge};

use super::badges::{self, Whose};
use super::documents::Version;
use super::members::Member;
use super::{Memory, head, post, wallets};
use crate::Error;
use crate::challenges::{Challenge, Course, Done, Entry, Joins, Progress, Rollback};
use crate::ledger::{Act, Command, MemberId, Portion, Source, WalletId};
use crate::program::Program;

/// The domain event of somebody who joined a challenge.
pub const JOINED: &str = "challenge.joined";
/// Of one who completed a step that is not the last.
pub const PROGRESSED: &str = "challenge.progressed";
/// Of one who completed it.
pub const COMPLETED: &str = "challenge.completed";
/// Of one whose progress is gone because time passed: a streak was lost, or a period is over.
pub const LAPSED: &str = "challenge.lapsed";

/// What the ids of the ledger's operations begin with that are made here, and the causes of badges.
pub const OWN_IDS: &str = "challenge:";

/// What a completion has for an outcome that was given.
const GIVEN: &str = "given";

/// In which programme challenges are reckoned, and when.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Where.
    pub workspace: WorkspaceId,
    /// The programme as it is now.
    pub program: &'a Program,
    /// Its calendar.
    pub calendar: &'a Calendar,
    /// Challenges in all their versions, the oldest of each first.
    pub challenges: &'a [Version<Challenge>],
    /// The present.
    pub now: Timestamp,
}

impl<'a> Scene<'a> {
    /// The versions of each challenge.
    pub fn each(self) -> impl Iterator<Item = &'a [Version<Challenge>]> {
        self.challenges.chunk_by(|one, other| one.document.key == other.document.key)
    }

    /// How far a member is, by what counted of theirs; `None` of a challenge that they did not join.
    pub fn progress(self, versions: &[Version<Challenge>], member: &Member, own: &Own<'_>) -> Option<Progress> {
        let latest = &versions.last()?.document;
        let (from, until) = match latest.joins {
            Joins::ByDoing => (self.calendar.floor(member.enrolled_at, Interval::Day), None),
            Joins::OptIn => own.join.map(|join| (join.joined_at, join.left_at))?,
        };
        let entry = |row: &&CountRow| Entry { at: row.occurred_at, value: row.value.clone(), amount: row.remaining };
        let entries: Vec<Entry> = own.counts.iter().map(entry).collect();
        let versions = versions.iter().map(|it| (it.in_force_from, it.version, &it.document)).collect();
        Some(Course { versions, calendar: self.calendar, from, until, entries: &entries }.progress(self.now))
    }
}

/// What is kept of one member and one challenge.
#[derive(Debug, Default)]
pub struct Own<'a> {
    /// What counted.
    pub counts: Vec<&'a CountRow>,
    /// That they joined.
    pub join: Option<&'a JoinRow>,
    /// How far they were.
    pub progress: Option<&'a ProgressRow>,
    /// What they completed.
    pub completions: Vec<&'a CompletionRow>,
}

/// What is kept of some members.
#[derive(Debug, Default)]
pub struct Kept {
    counts: Vec<CountRow>,
    joins: Vec<JoinRow>,
    progress: Vec<ProgressRow>,
    completions: Vec<CompletionRow>,
}

impl Kept {
    /// Reads it.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(
        db: &mut impl Queries,
        workspace: WorkspaceId,
        members: &[MemberId],
    ) -> rapport_store::Result<Self> {
        Ok(Self {
            counts: counts_of(db, workspace, members).await?,
            joins: joins(db, workspace, members).await?,
            progress: progress_of(db, workspace, members).await?,
            completions: completions_of(db, workspace, members).await?,
        })
    }

    /// By member and challenge.
    pub fn by_challenge(&self) -> BTreeMap<(i64, &str), Own<'_>> {
        let mut all: BTreeMap<(i64, &str), Own<'_>> = BTreeMap::new();
        for row in &self.counts {
            all.entry((row.member, &row.challenge)).or_default().counts.push(row);
        }
        for row in &self.joins {
            all.entry((row.member, &row.challenge)).or_default().join = Some(row);
        }
        for row in &self.progress {
            all.entry((row.member, &row.challenge)).or_default().progress = Some(row);
        }
        for row in &self.completions {
            all.entry((row.member, &row.challenge)).or_default().completions.push(row);
        }
        all
    }
}

/// Reckons how far these members are, gives what they completed, takes back what they did not, and tells it; also that progress is gone, where that is by time alone.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn review(tx: &mut Tx, scene: Scene<'_>, found: &[Member], is_by_time: bool) -> Result<(), Error> {
    if found.is_empty() || scene.challenges.is_empty() {
        return Ok(());
    }
    // From here on nobody else gives anything, so that what is read stays true.
    head::lock(tx, scene.workspace).await?;
    let numbers: Vec<MemberId> = found.iter().map(|it| it.member).collect();
    let kept = Kept::read(tx, scene.workspace, &numbers).await?;
    let all = kept.by_challenge();
    let wallets = wallets::numbers(tx, scene.workspace).await?;
    let mut plan = Plan { scene, wallets, given: Vec::new(), taken: Vec::new(), progress: Vec::new() };
    for member in found {
        // Of whoever was forgotten nothing is reckoned.
        let Some(person) = member.person else { continue };
        for versions in scene.each() {
            let Some(own) = all.get(&(member.member.0, versions[0].document.key.as_str())) else { continue };
            let Some(progress) = scene.progress(versions, member, own) else { continue };
            plan.compare(versions, (member, person), own, &progress);
            plan.note(tx, versions, (member, person), own, (&progress, is_by_time));
        }
    }
    plan.carry_out(tx).await
}

/// What is to be done.
struct Plan<'a> {
    scene: Scene<'a>,
    wallets: std::collections::HashMap<String, WalletId>,
    given: Vec<(CompletionRow, Giving<'a>)>,
    taken: Vec<(CompletionRow, PersonId)>,
    progress: Vec<ProgressRow>,
}

struct Giving<'a> {
    person: PersonId,
    name: &'a str,
    is_last: bool,
}

impl<'a> Plan<'a> {
    /// Finds what was completed and not given, and what was given and not completed.
    fn compare(
        &mut self,
        versions: &'a [Version<Challenge>],
        (member, person): (&Member, PersonId),
        own: &Own<'_>,
        progress: &Progress,
    ) {
        let known: BTreeMap<_, &CompletionRow> = own.completions.iter().map(|row| (row.place(), *row)).collect();
        let mut stands = BTreeSet::new();
        for done in &progress.done {
            let place = (done.period.clone(), i64::from(done.round), place(done.step));
            let before = known.get(&place).copied();
            stands.insert(place);
            if before.is_some_and(|row| row.taken_back_at.is_none()) {
                continue;
            }
            let Some(version) = versions.iter().find(|it| it.version == done.version) else { continue };
            let revision = before.map_or(0, |row| row.revision) + 1;
            let row = self.row(&version.document, member.member, done, revision);
            self.given.push((row, Giving { person, name: &version.document.name, is_last: done.is_last }));
        }
        if versions[versions.len() - 1].document.rollback == Rollback::Keep {
            return;
        }
        let open = own.completions.iter().filter(|row| row.taken_back_at.is_none() && !stands.contains(&row.place()));
        self.taken.extend(open.map(|row| ((*row).clone(), person)));
    }

    fn row(&self, challenge: &Challenge, member: MemberId, done: &Done, revision: i64) -> CompletionRow {
        let step = &challenge.steps[done.step];
        let name = format!("{}:{}:{}:{}", challenge.key, done.period, done.round, done.step);
        CompletionRow {
            member: member.0,
            challenge: challenge.key.clone(),
            period: done.period.clone(),
            round: i64::from(done.round),
            step: place(done.step),
            revision,
            version: done.version,
            wallet: if step.points.is_some() { step.wallet(self.scene.program).to_owned() } else { String::new() },
            points: step.points.unwrap_or(0),
            badge: step.badge.clone(),
            command: format!("{OWN_IDS}{name}:{}:{revision}", member.0),
            outcome: GIVEN.to_owned(),
            completed_at: done.at,
            recorded_at: self.scene.now,
            taken_back_at: None,
        }
    }

    /// Notes how far somebody is.
    fn note(
        &mut self,
        tx: &mut Tx,
        versions: &[Version<Challenge>],
        (member, person): (&Member, PersonId),
        own: &Own<'_>,
        (progress, is_by_time): (&Progress, bool),
    ) {
        let challenge = &versions[versions.len() - 1].document;
        let row = progress_row(challenge, member.member, progress);
        if own.progress == Some(&row) {
            return;
        }
        let is_less = own.progress.is_some_and(|it| row.have < it.have || row.streak < it.streak);
        if is_by_time && is_less {
            let was = own.progress.map_or(0, |it| it.streak);
            let payload = json!({
                "member": row.member.to_string(), "challenge": row.challenge, "why": if row.streak < was { "streak_lost" } else { "period_over" },
                "streak": was, "at": self.scene.now.to_rfc3339(),
            });
            tx.emit(Event::new(self.scene.workspace, LAPSED, payload).about(person));
        }
        self.progress.push(row);
    }

    async fn carry_out(mut self, tx: &mut Tx) -> Result<(), Error> {
        let Scene { workspace, now, .. } = self.scene;
        let reversals: Vec<Vec<Command>> =
            self.taken.iter().filter_map(|(row, _)| Some(vec![self.reversal(row)?])).collect();
        let earns: Vec<Vec<Command>> =
            self.given.iter().filter_map(|(row, it)| Some(vec![self.earn(row, it.name)?])).collect();
        let lists = [reversals, earns].concat();
        if !lists.is_empty() {
            // Nothing of it may be remembered before the caller commits.
            let answers = post(tx, &mut Memory::default(), workspace, &lists, now).await?;
            let refused: BTreeMap<&str, &'static str> = lists
                .iter()
                .zip(&answers)
                .filter_map(|(list, answers)| Some((list[0].id.as_str(), answers[0].refused?.code())))
                .collect();
            for (row, _) in &mut self.given {
                if let Some(code) = refused.get(row.command.as_str()) {
                    (row.outcome, row.points) = ((*code).to_owned(), 0);
                }
            }
        }
        let mut rows = Vec::new();
        for (row, person) in &self.taken {
            if let Some(badge) = &row.badge {
                let whose = Whose { member: MemberId(row.member), person: *person, badge, cause: &row.command };
                badges::take(tx, workspace, whose, badges::Act { at: now, now, by: "", reason: "" }).await?;
            }
            rows.push(CompletionRow { taken_back_at: Some(now), ..row.clone() });
        }
        for (row, giving) in &self.given {
            if let Some(badge) = &row.badge {
                let whose = Whose { member: MemberId(row.member), person: giving.person, badge, cause: &row.command };
                let act = badges::Act { at: row.completed_at, now, by: "", reason: "" };
                badges::give(tx, workspace, whose, act).await?;
            }
            tell(tx, workspace, row, giving);
        }
        rows.extend(self.given.into_iter().map(|(row, _)| row));
        rows::save_completions(tx, workspace, &rows).await?;
        rows::save_progress(tx, workspace, &self.progress).await?;
        Ok(())
    }

    fn earn(&self, row: &CompletionRow, name: &str) -> Option<Command> {
        if row.points <= 0 {
            return None;
        }
        let plan = self.scene.program.wallet(&row.wallet)?;
        let zone = &self.scene.calendar.zone;
        let act = Act::Earn {
            amount: row.points,
            earned_at: Some(row.completed_at),
            active_from: plan.pending.end(row.completed_at, zone),
            expires_at: plan.expiry.end(row.completed_at, zone),
        };
        self.command(row, row.command.clone(), act, name)
    }

    fn reversal(&self, row: &CompletionRow) -> Option<Command> {
        if row.points <= 0 {
            return None;
        }
        let shortage = self.scene.program.wallet(&row.wallet)?.clawback;
        let act = Act::Reverse { of: row.command.clone(), portion: Portion::Rest, shortage, grace_until: None };
        self.command(row, format!("{}:back", row.command), act, "")
    }

    fn command(&self, row: &CompletionRow, id: String, act: Act, name: &str) -> Option<Command> {
        let wallet = *self.wallets.get(&row.wallet)?;
        let (kind, reference) = ("challenge".to_owned(), row.challenge.clone());
        let source = Source { kind, reference, reason: name.to_owned(), ..Source::default() };
        Some(Command { id, member: MemberId(row.member), wallet, act, source })
    }
}

fn place(step: usize) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

fn progress_row(challenge: &Challenge, member: MemberId, progress: &Progress) -> ProgressRow {
    let streak = progress.streak.unwrap_or_default();
    let next = challenge.steps.get(progress.steps).or(challenge.steps.last());
    ProgressRow {
        member: member.0,
        challenge: challenge.key.clone(),
        period: progress.period.clone(),
        rounds: i64::from(progress.rounds),
        have: progress.have,
        target: if progress.is_finished { challenge.round() } else { next.map_or(0, |step| step.target.micros()) },
        completed: place(progress.done.iter().filter(|done| done.is_last).count()),
        streak: streak.current,
        longest: streak.longest,
        ends_at: streak.ends_at,
        last_at: progress.last_at,
        due_at: progress.due_at,
    }
}

fn tell(tx: &mut Tx, workspace: WorkspaceId, row: &CompletionRow, giving: &Giving<'_>) {
    let payload = json!({
        "member": row.member.to_string(), "challenge": row.challenge, "step": row.step + 1, "period": row.period,
        "points": row.points, "badge": row.badge, "at": row.completed_at.to_rfc3339(),
    });
    let name = if giving.is_last { COMPLETED } else { PROGRESSED };
    tx.emit(Event::new(workspace, name, payload).about(giving.person));
}

/// Lets a member take part in a challenge that members join; whether they did not already. Who joins again goes on where they were.
///
/// # Errors
/// As [`review`].
pub async fn join(tx: &mut Tx, scene: Scene<'_>, member: &Member, challenge: &str) -> Result<bool, Error> {
    head::lock(tx, scene.workspace).await?;
    let known = joins(tx, scene.workspace, &[member.member]).await?.into_iter().find(|it| it.challenge == challenge);
    if known.as_ref().is_some_and(|it| it.left_at.is_none()) {
        return Ok(false);
    }
    let joined_at = known.map_or(scene.now, |it| it.joined_at);
    let row = JoinRow { member: member.member.0, challenge: challenge.to_owned(), joined_at, left_at: None };
    rows::save_join(tx, scene.workspace, &row).await?;
    if let Some(person) = member.person {
        let payload = json!({ "member": row.member.to_string(), "challenge": challenge, "at": scene.now.to_rfc3339() });
        tx.emit(Event::new(scene.workspace, JOINED, payload).about(person));
    }
    review(tx, scene, std::slice::from_ref(member), false).await?;
    Ok(true)
}

/// Lets a member leave; whether they took part. What they completed stays theirs.
///
/// # Errors
/// As [`review`].
pub async fn leave(tx: &mut Tx, scene: Scene<'_>, member: &Member, challenge: &str) -> Result<bool, Error> {
    head::lock(tx, scene.workspace).await?;
    let known = joins(tx, scene.workspace, &[member.member]).await?.into_iter().find(|it| it.challenge == challenge);
    let Some(row) = known.filter(|it| it.left_at.is_none()) else { return Ok(false) };
    rows::save_join(tx, scene.workspace, &JoinRow { left_at: Some(scene.now), ..row }).await?;
    review(tx, scene, std::slice::from_ref(member), false).await?;
    Ok(true)
}
