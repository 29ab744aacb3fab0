//! Dry runs of a journey: for one customer from now on, and for everybody who would have come in on a day that is over. Nothing is written, nothing is
//! sent, and nothing that falls by lot is noted.
//!
//! Always holds: the rules are the engine's ([`rapport_engagement::dry_run`]); what is not known is said to be assumed.

pub mod comings;
mod lives;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Calendar, Channel, Interval, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::dry_run::tally::{AtNode, Count, Tally};
use rapport_engagement::dry_run::{self, Coming, Did, Life, Outcome, Step, Trip};
use rapport_engagement::journey::Definition;
use rapport_engagement::journey::definition;
use rapport_engagement::journey::rules::{Plan, What};
use rapport_engagement::plans::Plans;
use rapport_engagement::records::settings;
use rapport_engagement::sending::Reason;
use rapport_engagement::timing;
use rapport_profiles::records::persons;
use rapport_segments::Condition;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::one::situation;
use super::{find, refused};
use crate::api::customers;
use crate::api::segments::surroundings;
use crate::api::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;
use comings::{Ground, Note};

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(dry_run)).routes(routes!(dry_run_day))
}

/// So long after now it is played on.
const HORIZON: i64 = 400 * Timestamp::DAY;
/// A day is so long ago at most.
const LONGEST_AGO: i64 = 400 * Timestamp::DAY;
/// So many people are looked at.
const MOST_PEOPLE: usize = 1_000;

/// Who tries it out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DryRunBody {
    /// The customer.
    person_id: String,
    /// The plan; the draft if nothing is said.
    #[schema(value_type = Option<Object>)]
    definition: Option<Value>,
    /// Events that happen on the way, with how many hours after coming in: what is waited for.
    #[serde(default)]
    events: Vec<DryEvent>,
}

/// An event on the way.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DryEvent {
    /// Its standard name.
    name: String,
    /// So many hours after coming in.
    hours: f64,
}

/// What would happen.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryStep {
    /// When.
    at: String,
    node: String,
    /// `sends`, `skips`, `waits`, `goes`, `does`, `ends` ...
    what: String,
    /// The way, the reason, the template, until when.
    detail: String,
    /// In a sentence, where there is one.
    sentence: String,
    /// Whether it is later than what is known, so that it is assumed that nothing else happens before.
    is_assumed: bool,
}

/// A dry run.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryRun {
    rows: Vec<DryStep>,
}

impl DryStep {
    /// `None` for what is no step to anybody.
    fn of(step: &Step, known_until: Timestamp) -> Option<Self> {
        let mut sentence = String::new();
        let (what, detail) = match &step.what {
            // What comes of it is told by the message.
            Did::Effect(What::Holdout | What::Paced) => return None,
            Did::Effect(What::Send { channel, template }) => ("sends", format!("{} {template}", channel.as_str())),
            Did::Effect(What::Skip { reason, .. }) => {
                reason.sentence().clone_into(&mut sentence);
                ("skips", reason.as_str().to_owned())
            }
            Did::Unwritten { reason, problem, .. } => {
                sentence = if problem.is_empty() { reason.sentence().to_owned() } else { problem.clone() };
                ("skips", reason.as_str().to_owned())
            }
            Did::Effect(What::Left(way)) => ("goes", way.clone()),
            Did::Effect(What::Goal) => ("reaches_goal", String::new()),
            Did::Effect(What::Exposed { arm, .. } | What::Chosen { arm, .. }) => ("draws", arm.clone()),
            Did::Effect(What::Trait(name, value)) => ("does", format!("{name} = {value}")),
            Did::Effect(What::List(list, on)) => ("does", format!("{} {list}", if *on { "on" } else { "off" })),
            Did::Effect(What::Webhook(url, _)) => ("does", url.clone()),
            Did::Effect(What::Act(action, _)) => ("does", action.clone()),
            Did::Waits(until) => ("waits", time(*until)),
            Did::Ends(why) => ("ends", why.word()),
        };
        Some(Self {
            at: time(step.at),
            node: step.node.clone(),
            what: what.to_owned(),
            detail,
            sentence,
            is_assumed: step.at > known_until,
        })
    }
}

fn steps_of(trip: &Trip, known_until: Timestamp) -> Vec<DryStep> {
    if let Outcome::Refused | Outcome::HeldOut = trip.outcome {
        let is_out = trip.outcome == Outcome::Refused;
        let reason = if is_out { Reason::OutOfAudience } else { Reason::HeldOut };
        return vec![DryStep {
            at: time(trip.at),
            node: String::new(),
            what: trip.outcome.as_str().to_owned(),
            detail: String::new(),
            sentence: reason.sentence().to_owned(),
            is_assumed: false,
        }];
    }
    trip.steps.iter().filter_map(|step| DryStep::of(step, known_until)).collect()
}

/// Says what would happen to a customer in a journey from now on, as they are now. Nothing is sent, nothing is stored.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/dry-run", security(("caller" = ["view_people"])), tag = "journeys", operation_id = "dry_run_journey", params(("key" = String, Path)), request_body = DryRunBody, responses((status = 200, body = DryRun), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn dry_run(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<DryRunBody>,
) -> Result<Json<DryRun>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &key).await?;
    let person = customers::find(&app, caller.workspace, &body.person_id).await?.person;
    let definition = Definition::from_json(body.definition.as_ref().unwrap_or(&row.draft)).map_err(refused)?;
    let situation = situation(&app, caller.workspace, person, (&key, &definition)).await?;
    let settings = settings::read(&mut app.installation.store.read(), caller.workspace).await?;
    let plan = Plan { key: &key, definition: &definition, settings: &settings };
    let now = app.now();
    let mut heard: Vec<(Timestamp, String)> = Vec::new();
    for event in &body.events {
        #[expect(clippy::cast_possible_truncation, reason = "hours of a dry run")]
        let at = now.plus((event.hours.clamp(0.0, 24.0 * 400.0) * Timestamp::HOUR as f64) as i64);
        let meant = definition.listens().into_iter().filter(|(_, known)| known.name == event.name || known.name == "*");
        heard.extend(meant.map(|(what, _)| (at, what)));
    }
    heard.sort();
    let comings = vec![Coming { at: now, ..Coming::default() }];
    let life = Life { situation, turns: Vec::new(), heard, comings, before: Vec::new() };
    let trips = dry_run::play(plan, &[life], now.plus(HORIZON));
    let rows = trips.iter().flatten().flat_map(|trip| steps_of(trip, now)).collect();
    Ok(Json(DryRun { rows }))
}

/// Whose day.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DryDayBody {
    /// The plan; the draft if nothing is said.
    #[schema(value_type = Option<Object>)]
    definition: Option<Value>,
    /// `yesterday` (the last whole day where the workspace is, unless said), `last_24_hours`, or a day such as `2026-11-20`.
    when: Option<String>,
}

/// Something that has to be said about a dry run.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryNote {
    /// A stable word.
    code: String,
    number: Option<i64>,
    at: Option<String>,
    /// In a sentence.
    text: String,
}

/// How many.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryCount {
    /// A stable word: `in`, `held_out`, `refused`, `not_again`; why it ends; a way; a reason.
    what: String,
    /// A reason in a sentence; empty otherwise.
    sentence: String,
    people: i64,
    /// Of these, later than what is known: if nothing more happens.
    assumed: i64,
}

/// What would happen at a node.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryNode {
    node: String,
    /// How many come to it.
    came: i64,
    /// How many of them are there now.
    waiting: i64,
    /// By which ways it is left.
    ways: Vec<DryCount>,
    /// How many would be sent its message.
    sends: i64,
    /// Of these, later than what is known.
    sends_assumed: i64,
    /// How many would not, and why.
    skipped: Vec<DryCount>,
}

/// Somebody's way.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryTrip {
    /// When they come in.
    at: String,
    /// The occasion, e.g. an order's number.
    occasion: String,
    /// `in`, `held_out`, `refused` (not of the audience) or `not_again`.
    outcome: String,
    /// Whether it goes on longer than is played.
    is_cut: bool,
    steps: Vec<DryStep>,
}

/// Somebody who would have come in.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryPerson {
    person_id: String,
    /// None for somebody of whom there is no summary yet.
    customer: Option<CustomerRow>,
    /// Where they are: their own clock.
    time_zone: Option<String>,
    trips: Vec<DryTrip>,
}

/// What is read before a plan is looked at for many people.
pub(super) struct Begun {
    pub(super) definition: Definition,
    pub(super) now: Timestamp,
    segments: Vec<(String, Condition)>,
    calendar: Calendar,
    plans: Arc<Plans>,
}

impl Begun {
    /// Of a journey: its draft, or another plan for it.
    pub(super) async fn read(app: &App, caller: &Caller, key: &str, other: Option<&Value>) -> Result<Self, Problem> {
        caller.require(Permission::ViewPeople)?;
        let (installation, workspace) = (&app.installation, caller.workspace);
        let row = find(app, workspace, key).await?;
        let definition = Definition::from_json(other.unwrap_or(&row.draft)).map_err(refused)?;
        let (segments, calendar) = surroundings(installation, workspace).await?;
        let plans = installation.plans.get(installation, workspace).await?;
        Ok(Self { definition, now: app.now(), segments, calendar, plans })
    }

    /// Where it is looked.
    pub(super) fn ground<'a>(&'a self, app: &'a App, workspace: WorkspaceId) -> Ground<'a> {
        Ground {
            installation: &app.installation,
            workspace,
            plans: &self.plans,
            segments: &self.segments,
            calendar: &self.calendar,
            now: self.now,
            most: MOST_PEOPLE,
        }
    }
}

/// What would have happened to everybody who would have come in on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryDay {
    /// From when.
    from: String,
    /// Until before when.
    to: String,
    /// Up to when it is known what happened.
    known_until: String,
    /// How many people would have come in.
    people: i64,
    /// How often, all together.
    times: i64,
    /// Whether these two are estimates.
    is_estimate: bool,
    /// How many of them were looked at: all that follows is of these.
    looked_at: i64,
    /// What came of coming in.
    outcomes: Vec<DryCount>,
    reached_goal: DryCount,
    /// How it ends.
    ends: Vec<DryCount>,
    /// How many go on longer than is played.
    cut: i64,
    nodes: Vec<DryNode>,
    notes: Vec<DryNote>,
    /// Who was looked at, with their ways.
    rows: Vec<DryPerson>,
}

/// Says what would have happened to everybody who would have come into a journey on a day: which way they take, what they are sent when, or why not. What
/// they did since is taken as it was; after that it is assumed that nothing more happens. Of many people a sample is looked at. Nothing is sent,
/// nothing is stored.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/dry-run/day", security(("caller" = ["view_people"])), tag = "journeys", operation_id = "dry_run_journey_day", params(("key" = String, Path)), request_body = DryDayBody, responses((status = 200, body = DryDay), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn dry_run_day(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<DryDayBody>,
) -> Result<Json<DryDay>, Problem> {
    let begun = Begun::read(&app, &caller, &key, body.definition.as_ref()).await?;
    let (workspace, now, definition) = (caller.workspace, begun.now, &begun.definition);
    let within = window(body.when.as_deref().unwrap_or("yesterday"), &begun.calendar, now)?;
    let ground = begun.ground(&app, workspace);
    let came = ground.comings(definition, within).await?;
    let lives = ground.lives(&key, definition, &came, within, now.plus(HORIZON)).await?;
    let settings = settings::read(&mut app.installation.store.read(), workspace).await?;
    let plan = Plan { key: &key, definition, settings: &settings };
    let mut trips = dry_run::play(plan, &lives, now.plus(HORIZON));
    try_templates(&app, workspace, definition, &lives, &mut trips).await?;
    let tally = Tally::of(trips.iter().flatten(), now);
    let mut notes = came.notes;
    notes.extend(said_of(definition, &lives, came.people, &tally));
    let rows = rows(&app, workspace, &lives, &trips, now).await?;
    Ok(Json(DryDay {
        from: time(within.0),
        to: time(within.1),
        known_until: time(now),
        people: came.people,
        times: came.times,
        is_estimate: came.is_estimate,
        looked_at: comings::length(lives.len()),
        outcomes: outcomes(&tally),
        reached_goal: count("goal", tally.goals),
        ends: tally.ends.iter().map(|(why, number)| count(why, *number)).collect(),
        cut: tally.cut,
        nodes: tally.nodes.iter().map(|(node, it)| node_of(node, it)).collect(),
        notes: notes.iter().map(note).collect(),
        rows,
    }))
}

/// The time that is meant, from when until before when.
fn window(when: &str, calendar: &Calendar, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
    let today = calendar.floor(now, Interval::Day);
    let (from, to) = match when {
        "yesterday" => (calendar.floor(today.plus(-1), Interval::Day), today),
        "last_24_hours" => (now.plus(-Timestamp::DAY), now),
        day => {
            let noon = timing::noon_of(day, &calendar.zone);
            let noon =
                noon.ok_or_else(|| Problem::invalid("when", "say yesterday, last_24_hours, or a day: 2026-11-20"))?;
            let from = calendar.floor(noon, Interval::Day);
            (from, calendar.next(from, Interval::Day).min(now))
        }
    };
    if from >= to {
        return Err(Problem::invalid("when", "that day has not begun yet"));
    }
    if now.0 - from.0 > LONGEST_AGO {
        return Err(Problem::invalid("when", "choose a day of the last 400 days"));
    }
    Ok((from, to))
}

/// Finds by writing them which messages could not be written, and says so in the place of sending them.
async fn try_templates(
    app: &App,
    workspace: WorkspaceId,
    definition: &Definition,
    lives: &[Life],
    trips: &mut [Vec<Trip>],
) -> Result<(), Problem> {
    let mut trial = app.sender.trial(workspace, definition.topic.as_deref());
    for (life, own) in lives.iter().zip(trips) {
        for trip in own {
            let sends: Vec<(usize, Channel, String)> = trip
                .steps
                .iter()
                .enumerate()
                .filter_map(|(place, step)| match &step.what {
                    Did::Effect(What::Send { channel, template }) => Some((place, *channel, template.clone())),
                    _ => None,
                })
                .collect();
            let messages: Vec<(Channel, &str)> =
                sends.iter().map(|(_, channel, template)| (*channel, template.as_str())).collect();
            let payload = &life.comings[trip.coming].payload;
            let problems = trial.of(life.situation.person, payload, &messages).await?;
            for ((place, channel, template), problem) in sends.into_iter().zip(problems) {
                if let Some(problem) = problem {
                    let (reason, problem) = (problem.reason, problem.problem);
                    trip.steps[place].what = Did::Unwritten { channel, template, reason, problem };
                }
            }
        }
    }
    Ok(())
}

/// What has to be said about what was played.
fn said_of(definition: &Definition, lives: &[Life], people: i64, tally: &Tally) -> Vec<Note> {
    let looked_at = comings::length(lives.len());
    let is_sample = looked_at < people;
    let mut notes = Vec::new();
    if is_sample {
        notes.push(Note::number("sampled", looked_at));
    }
    let is_limited = |node: &definition::Node| matches!(node.step, definition::Step::RateLimit { .. });
    if is_sample && definition.nodes.iter().any(is_limited) {
        notes.push(Note::plain("limits_of_sample"));
    }
    let counts = tally.nodes.values().flat_map(|it| it.ways.values().chain(it.skips.values()).chain([&it.sends]));
    if counts.chain(tally.ends.values()).any(|it| it.assumed > 0) || tally.cut > 0 {
        notes.push(Note::plain("nothing_more"));
    }
    if looked_at > 0 {
        notes.push(Note::plain("as_of_now"));
    }
    notes
}

fn note(note: &Note) -> DryNote {
    let number = note.number.unwrap_or_default();
    let at = note.at.map(time);
    let text = match note.code {
        "api_unknown" => "A program brings people in: who that will be cannot be known ahead.".to_owned(),
        "late" => format!("{number} events were heard of too late to bring anybody in."),
        "imported" => format!("{number} events came from files: the past brings nobody in."),
        "not_yet" => "The schedule's time of day has not come in this time.".to_owned(),
        "as_if_scheduled" => {
            format!("It is played as if it had gone out on {}, to everybody of its audience.", at.clone().unwrap_or_default())
        }
        "pace_not_played" => "Everybody comes in at once: ramp-up and the pace by the hour are not played.".to_owned(),
        "sampled" => format!("{number} people were looked at, chosen by chance; the figures are of them."),
        "limits_of_sample" => "Where only so many pass in so much time, only those looked at take turns.".to_owned(),
        "nothing_more" => {
            "What people did until now is known. After that it is assumed that nothing more happens: whoever waits for something waits in vain."
                .to_owned()
        }
        _ => "Addresses, values, restrictions, trouble and holdouts are taken as they are now.".to_owned(),
    };
    DryNote { code: note.code.to_owned(), number: note.number, at, text }
}

fn count(what: &str, Count { all, assumed }: Count) -> DryCount {
    DryCount { what: what.to_owned(), sentence: String::new(), people: all, assumed }
}

fn outcomes(tally: &Tally) -> Vec<DryCount> {
    let of = |outcome: Outcome| Count { all: tally.outcomes.get(&outcome).copied().unwrap_or_default(), assumed: 0 };
    Outcome::ALL.into_iter().map(|outcome| count(outcome.as_str(), of(outcome))).collect()
}

fn node_of(node: &str, it: &AtNode) -> DryNode {
    let reason = |(reason, number): (&Reason, &Count)| DryCount {
        sentence: reason.sentence().to_owned(),
        ..count(reason.as_str(), *number)
    };
    DryNode {
        node: node.to_owned(),
        came: it.came,
        waiting: it.stands,
        ways: it.ways.iter().map(|(way, number)| count(way, *number)).collect(),
        sends: it.sends.all,
        sends_assumed: it.sends.assumed,
        skipped: it.skips.iter().map(reason).collect(),
    }
}

async fn rows(
    app: &App,
    workspace: WorkspaceId,
    lives: &[Life],
    trips: &[Vec<Trip>],
    known_until: Timestamp,
) -> Result<Vec<DryPerson>, Problem> {
    let ids: Vec<PersonId> = lives.iter().map(|life| life.situation.person).collect();
    let known = persons::by_ids(&mut app.installation.store.read(), workspace, &ids).await?;
    let known: BTreeMap<PersonId, CustomerRow> = known.iter().map(|row| (row.person, CustomerRow::of(row))).collect();
    let mut known = known;
    let row = |(life, own): (&Life, &Vec<Trip>)| DryPerson {
        person_id: life.situation.person.to_string(),
        customer: known.remove(&life.situation.person),
        time_zone: life.situation.zone.iana_name().map(str::to_owned),
        trips: own
            .iter()
            .map(|trip| DryTrip {
                at: time(trip.at),
                occasion: life.comings[trip.coming].key.clone(),
                outcome: trip.outcome.as_str().to_owned(),
                is_cut: trip.is_cut,
                steps: steps_of(trip, known_until),
            })
            .collect(),
    };
    Ok(lives.iter().zip(trips).map(row).collect())
}
