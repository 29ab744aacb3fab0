//! Follow-ups in JSON.

use std::collections::BTreeMap;

use rapport_domain::{EventId, PersonId, Timestamp};
use rapport_feedback::follow_ups::records::log::LogRow;
use rapport_feedback::follow_ups::records::reasons::{self, ReasonRow};
use rapport_feedback::follow_ups::records::{self, FollowUpRow, log, rules};
use rapport_feedback::follow_ups::work::{ITSELF, last_undoable};
use rapport_feedback::verbatims::records::{self as verbatims, VerbatimRow};
use rapport_profiles::records::persons;
use serde::Serialize;
use utoipa::ToSchema;

use super::named;
use crate::api::segments::{Names, user_names};
use crate::api::shapes::{display_name, time};
use crate::api::texts::Understanding;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::Problem;

/// Something that a customer said.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpReason {
    /// The event; its text is under this id too.
    event_id: String,
    /// `Survey Answered`, `Product Reviewed` ...
    event_name: String,
    occurred_at: String,
    /// A score or stars, where there is one.
    number: Option<f64>,
    /// The survey's key, or the product.
    subject: Option<String>,
    /// Their words without personal data.
    quote: Option<String>,
    /// How the words were understood.
    understood: Option<Understanding>,
    /// When another event replaced it: then it is no reason any more.
    taken_back_at: Option<String>,
}

impl FollowUpReason {
    fn of(row: ReasonRow, text: Option<&VerbatimRow>) -> Self {
        Self {
            event_id: EventId(row.event_id).to_hex(),
            event_name: row.event_name,
            occurred_at: time(row.occurred_at),
            number: row.number,
            subject: row.subject,
            quote: text.map(|it| it.shown.clone()),
            understood: text.map(Understanding::of),
            taken_back_at: optional_time(row.taken_back_at),
        }
    }
}

/// A follow-up.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUp {
    id: String,
    person_id: String,
    /// What to call them.
    person_name: Option<String>,
    /// The rule that opened it, or `by_hand`.
    rule: String,
    /// What the rule is called.
    rule_name: Option<String>,
    /// `open`, `in_progress`, `waiting` or `done`.
    state: String,
    /// `recovered`, `not_recovered`, `not_reached` or `no_action_needed`.
    outcome: Option<String>,
    /// The id of a user.
    owner: Option<String>,
    owner_name: Option<String>,
    opened_at: String,
    /// By when they are to be spoken with.
    due_at: String,
    /// They should have been spoken with by now.
    late: bool,
    contacted_at: Option<String>,
    snoozed_until: Option<String>,
    closed_at: Option<String>,
    /// The latest reason.
    reason: Option<FollowUpReason>,
    /// How many reasons there are.
    reasons: u64,
    revision: i64,
}

/// A line of what was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpLine {
    number: i64,
    at: String,
    /// By whom; none is the program itself.
    by_name: Option<String>,
    /// `opened`, `reason` (one more came), `started`, `assigned`, `contacted`, `waiting`, `heard` (they said something), `noted`, `snoozed`, `closed`, `reopened`,
    /// `undone`, `taken_back` (what opened it is not so any more), `united` (with another one of the same customer).
    act: String,
    channel: Option<String>,
    text: Option<String>,
    /// The new owner's name, the outcome, until when, or the event's name.
    detail: Option<String>,
    /// It was taken back.
    undone: bool,
    /// The line that it takes back.
    undoes: Option<i64>,
}

/// A follow-up with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpDetail {
    #[serde(flatten)]
    follow_up: FollowUp,
    /// Why it was opened, and what came since.
    why: Vec<FollowUpReason>,
    /// What they said after they were spoken with.
    later: Vec<FollowUpReason>,
    /// What was done, the oldest first.
    log: Vec<FollowUpLine>,
    /// What `undo` would take back: the act of a line.
    can_undo: Option<String>,
}

/// How many follow-ups of an owner are in a state.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpCount {
    /// `open`, `in_progress` or `waiting`.
    state: String,
    owner: Option<String>,
    owner_name: Option<String>,
    follow_ups: i64,
    /// Whose customer should have been spoken with by now.
    late: i64,
    /// Put aside.
    snoozed: i64,
}

/// What is known around follow-ups.
pub struct Around {
    people: BTreeMap<PersonId, String>,
    users: Names,
    rules: BTreeMap<String, String>,
    reasons: BTreeMap<String, Vec<ReasonRow>>,
    texts: BTreeMap<[u8; 16], VerbatimRow>,
    now: Timestamp,
}

impl Around {
    /// Reads it.
    pub async fn read(app: &App, caller: &Caller, rows: &[FollowUpRow]) -> Result<Self, Problem> {
        let mut db = app.installation.store.read();
        let people: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
        let people = persons::by_ids(&mut db, caller.workspace, &people).await?;
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut known: BTreeMap<String, Vec<ReasonRow>> = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for reason in reasons::of(&mut db, caller.workspace, &ids).await? {
            if let Some(text) = verbatims::find(&mut db, caller.workspace, reason.event_id).await? {
                texts.insert(reason.event_id, text);
            }
            known.entry(reason.follow_up.clone()).or_default().push(reason);
        }
        let rules = rules::all(&mut db, caller.workspace).await?;
        Ok(Self {
            people: people.iter().map(|row| (row.person, display_name(row))).collect(),
            users: user_names(app, caller.workspace).await?,
            rules: rules.into_iter().map(|it| (it.rule.key, it.rule.name)).collect(),
            reasons: known,
            texts,
            now: app.now(),
        })
    }

    fn said(&self, id: &str, role: &str) -> Vec<FollowUpReason> {
        let own = self.reasons.get(id).into_iter().flatten().filter(|it| it.role == role);
        own.map(|it| FollowUpReason::of(it.clone(), self.texts.get(&it.event_id))).collect()
    }

    /// A follow-up as it is shown.
    pub fn shape(&self, row: FollowUpRow) -> FollowUp {
        let why = self.reasons.get(&row.id).into_iter().flatten();
        let why: Vec<&ReasonRow> = why.filter(|it| it.role == reasons::REASON && it.taken_back_at.is_none()).collect();
        FollowUp {
            person_id: row.person.to_string(),
            person_name: self.people.get(&row.person).cloned(),
            rule_name: self.rules.get(&row.rule).cloned(),
            late: row.is_late(self.now),
            owner_name: named(&self.users, row.owner.as_ref()),
            reasons: why.len() as u64,
            reason: why.last().map(|it| FollowUpReason::of((*it).clone(), self.texts.get(&it.event_id))),
            id: row.id,
            rule: row.rule,
            state: row.state,
            outcome: row.outcome,
            owner: row.owner,
            opened_at: time(row.opened_at),
            due_at: time(row.due_at),
            contacted_at: optional_time(row.contacted_at),
            snoozed_until: optional_time(row.snoozed_until),
            closed_at: optional_time(row.closed_at),
            revision: row.revision,
        }
    }

    fn line(&self, line: &LogRow, all: &[LogRow]) -> FollowUpLine {
        let detail = match line.act.as_str() {
            "assigned" | "opened" => named(&self.users, line.detail.as_ref()),
            _ => line.detail.clone(),
        };
        FollowUpLine {
            number: line.number,
            at: time(line.at),
            by_name: named(&self.users, Some(&line.by).filter(|by| *by != ITSELF)),
            act: line.act.clone(),
            channel: line.channel.clone(),
            text: line.text.clone(),
            detail,
            undone: all.iter().any(|it| it.undoes == Some(line.number)),
            undoes: line.undoes,
        }
    }
}

/// A follow-up with all that is known of it.
pub async fn detail(app: &App, caller: &Caller, row: FollowUpRow) -> Result<FollowUpDetail, Problem> {
    let around = Around::read(app, caller, std::slice::from_ref(&row)).await?;
    let ids = [row.id.clone()];
    let lines = log::of(&mut app.installation.store.read(), caller.workspace, &ids).await?;
    Ok(FollowUpDetail {
        why: around.said(&row.id, reasons::REASON),
        later: around.said(&row.id, reasons::LATER),
        log: lines.iter().map(|line| around.line(line, &lines)).collect(),
        can_undo: last_undoable(&lines).map(|line| line.act.clone()),
        follow_up: around.shape(row),
    })
}

/// How many there are by state and owner.
pub async fn counts(app: &App, caller: &Caller) -> Result<Vec<FollowUpCount>, Problem> {
    let users = user_names(app, caller.workspace).await?;
    let found = records::counts(&mut app.installation.store.read(), caller.workspace, app.now()).await?;
    let shape = |(state, owner, follow_ups, late, snoozed): (String, Option<String>, i64, i64, i64)| FollowUpCount {
        state,
        owner_name: named(&users, owner.as_ref()),
        owner,
        follow_ups,
        late,
        snoozed,
    };
    Ok(found.into_iter().map(shape).collect())
}
