//! Who could not be sent what a plan sends, as they are now: asked before a launch, so that nobody is surprised by how few get it.
//!
//! Always holds: whether somebody may be written to is the engine's rule ([`policy::forbidden`]), and whether a template can be written is found by writing
//! it. Of more people than are looked at a sample is taken, by chance. Nothing is written, nothing is sent.
//!
//! Does not do: follow anybody's way: each message is looked at for each person, though branches may lead some past it.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Channel, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::journey::definition::{Entry, Step};
use rapport_engagement::journey::{Definition, Situation};
use rapport_engagement::records::settings;
use rapport_engagement::sending::{Ask, Reason, Settings, policy};
use rapport_engagement::situations;
use rapport_profiles::records::persons;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::dry_run::Begun;
use super::dry_run::comings::{Comings, Ground, length};
use super::refused;
use crate::api::shapes::CustomerRow;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(reachability))
}

/// Where people come in now and then, it is looked at those of so long.
const WEEK: i64 = 7 * Timestamp::DAY;
/// So many people's rows are read at once.
const CHUNK: usize = 500;

/// Which plan.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachabilityBody {
    /// The plan; the draft if nothing is said.
    #[schema(value_type = Option<Object>)]
    definition: Option<Value>,
}

/// A message that some could not be sent, for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unreached {
    node: String,
    channel: String,
    template: String,
    /// A stable word.
    reason: String,
    /// In a sentence.
    sentence: String,
    /// What has no value, as the template says it: `profile.first_name`.
    missing: Option<String>,
    people: i64,
}

/// Somebody who could not be sent something.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreachedPerson {
    person_id: String,
    customer: Option<CustomerRow>,
    /// Which of the messages: places in the list of them.
    of: Vec<usize>,
}

/// Who could not be sent what a plan sends.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reachability {
    /// Who was looked at: `members` (those of its segment or audience now), `came` (who came in, or would have, within seven days), `soon` (whose day comes within
    /// seven days) or `unknown` (nobody: a program brings people in).
    basis: String,
    /// How many there are.
    people: i64,
    is_estimate: bool,
    /// How many of them were looked at: the rest is of these.
    looked_at: i64,
    /// How many of them could not be sent at least one of the messages.
    unreached: i64,
    /// The most people first.
    messages: Vec<Unreached>,
    rows: Vec<UnreachedPerson>,
}

/// A message of the plan.
struct Letter<'a> {
    node: &'a str,
    channel: Channel,
    template: &'a str,
}

/// Why somebody cannot be sent a message.
type Because = (usize, Reason, Option<String>);

/// Says how many of those who come in could not be sent the messages of a plan as things are now: no address, no consent, or a value that a template needs and they
/// have not. Nothing is sent, nothing is stored.
#[utoipa::path(post, path = "/api/v1/journeys/{key}/reachability", security(("caller" = ["view_people"])), tag = "journeys", operation_id = "journey_reachability", params(("key" = String, Path)), request_body = ReachabilityBody, responses((status = 200, body = Reachability), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn reachability(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ReachabilityBody>,
) -> Result<Json<Reachability>, Problem> {
    let begun = Begun::read(&app, &caller, &key, body.definition.as_ref()).await?;
    let (workspace, plan) = (caller.workspace, &begun.definition);
    let ground = begun.ground(&app, workspace);
    let (basis, came) = who(&ground, plan).await?;
    let events = events(&ground, plan, &came).await?;
    let settings = settings::read(&mut app.installation.store.read(), workspace).await?;
    let found = look(&app, workspace, &ground, plan, &settings, &events).await?;
    let rows = rows(&app, workspace, &found).await?;
    Ok(Json(Reachability {
        basis: basis.to_owned(),
        people: came.people,
        is_estimate: came.is_estimate,
        looked_at: length(events.len()),
        unreached: length(rows.len()),
        messages: found.messages,
        rows,
    }))
}

/// Who comes in, as far as that can be told.
async fn who(ground: &Ground<'_>, plan: &Definition) -> Result<(&'static str, Comings), Problem> {
    let within = (ground.now.plus(-WEEK), ground.now);
    let members = match (&plan.entry, &plan.audience) {
        (Entry::SegmentEntered { when, .. }, _) | (Entry::Schedule(_) | Entry::Api {}, Some(when)) => when,
        (Entry::Schedule(_) | Entry::Api {}, None) => return Ok(("unknown", Comings::default())),
        (Entry::Date { .. }, _) => {
            return Ok(("soon", ground.comings(plan, (ground.now, ground.now.plus(WEEK))).await?));
        }
        (Entry::Event { .. } | Entry::SegmentLeft { .. }, _) => {
            return Ok(("came", ground.comings(plan, within).await?));
        }
    };
    let (people, some) = ground.members_at(members, ground.now).await?;
    let of = some.into_iter().map(|person| (person, Vec::new())).collect();
    Ok(("members", Comings { people, times: people, of, ..Comings::default() }))
}

/// Of each of them who is of the audience the event by which they came in last; null for none.
async fn events(ground: &Ground<'_>, plan: &Definition, came: &Comings) -> Result<BTreeMap<PersonId, Value>, Problem> {
    let mut events: BTreeMap<PersonId, Value> = came.of.keys().map(|person| (*person, json!(null))).collect();
    if matches!(plan.entry, Entry::Event { .. }) {
        let within = (ground.now.plus(-WEEK), ground.now);
        for (person, (_, comings)) in ground.deeds_of(plan, came, within).await? {
            // Whose events lack what tells them apart do not come in.
            match comings.into_iter().next_back() {
                Some(last) => drop(events.insert(person, last.payload)),
                None => drop(events.remove(&person)),
            }
        }
    }
    if let Some(audience) = &plan.audience {
        let persons: Vec<PersonId> = events.keys().copied().collect();
        let live = &ground.installation.memberships;
        let asked = (ground.segments, std::slice::from_ref(&audience.0));
        let turns = live.turns(ground.workspace, asked, ground.calendar, &persons, ground.now).await?;
        let is_in = |person: &PersonId| turns.get(person).and_then(|own| own.last()).is_some_and(|last| last.entered);
        events.retain(|person, _| is_in(person));
    }
    Ok(events)
}

#[derive(Default)]
struct Found {
    messages: Vec<Unreached>,
    /// Of each person, places in `messages`.
    of: BTreeMap<PersonId, Vec<usize>>,
}

async fn look(
    app: &App,
    workspace: WorkspaceId,
    ground: &Ground<'_>,
    plan: &Definition,
    settings: &Settings,
    events: &BTreeMap<PersonId, Value>,
) -> Result<Found, Problem> {
    let letters: Vec<Letter<'_>> = plan
        .nodes
        .iter()
        .filter_map(|node| match &node.step {
            Step::Message { channel, template, .. } => Some(Letter { node: &node.id, channel: *channel, template }),
            _ => None,
        })
        .collect();
    let mut trial = app.sender.trial(workspace, plan.topic.as_deref());
    let mut because: BTreeMap<Because, BTreeSet<PersonId>> = BTreeMap::new();
    let persons: Vec<PersonId> = events.keys().copied().collect();
    for chunk in persons.chunks(CHUNK) {
        let mut db = ground.installation.store.snapshot().await?;
        let people = situations::load(&mut db, workspace, ground.plans, chunk, ground.now).await.map_err(refused)?;
        drop(db);
        for (person, mut situation) in people {
            // What passes or is meant to be so is no reason to look at the plan again.
            (situation.is_troubled, situation.is_held_out) = (false, false);
            let mut open: Vec<usize> = Vec::new();
            for (place, letter) in letters.iter().enumerate() {
                match forbidden(plan, letter, &situation, settings, ground.now) {
                    Some(reason) => drop(because.entry((place, reason, None)).or_default().insert(person)),
                    None => open.push(place),
                }
            }
            let messages: Vec<(Channel, &str)> =
                open.iter().map(|place| (letters[*place].channel, letters[*place].template)).collect();
            let problems = trial.of(person, &events[&person], &messages).await?;
            for (place, problem) in open.into_iter().zip(problems) {
                if let Some(problem) = problem {
                    because.entry((place, problem.reason, problem.missing)).or_default().insert(person);
                }
            }
        }
    }
    Ok(summed(&letters, because))
}

fn forbidden(
    plan: &Definition,
    letter: &Letter<'_>,
    person: &Situation,
    settings: &Settings,
    now: Timestamp,
) -> Option<Reason> {
    let ask = Ask {
        channel: letter.channel,
        topic: plan.topic.as_deref(),
        class: plan.class,
        priority: plan.priority,
        quiet: None,
        chance: 0,
        since: now,
        drop_after: 0,
    };
    policy::forbidden(&ask, person, settings, now)
}

fn summed(letters: &[Letter<'_>], because: BTreeMap<Because, BTreeSet<PersonId>>) -> Found {
    let mut all: Vec<(Because, BTreeSet<PersonId>)> = because.into_iter().collect();
    all.sort_by_key(|(because, people)| (std::cmp::Reverse(people.len()), because.0));
    let mut found = Found::default();
    for ((place, reason, missing), people) in all {
        for person in &people {
            found.of.entry(*person).or_default().push(found.messages.len());
        }
        let letter = &letters[place];
        found.messages.push(Unreached {
            node: letter.node.to_owned(),
            channel: letter.channel.as_str().to_owned(),
            template: letter.template.to_owned(),
            reason: reason.as_str().to_owned(),
            sentence: reason.sentence().to_owned(),
            missing,
            people: length(people.len()),
        });
    }
    found
}

async fn rows(app: &App, workspace: WorkspaceId, found: &Found) -> Result<Vec<UnreachedPerson>, Problem> {
    let ids: Vec<PersonId> = found.of.keys().copied().collect();
    let known = persons::by_ids(&mut app.installation.store.read(), workspace, &ids).await?;
    let mut known: BTreeMap<PersonId, CustomerRow> =
        known.iter().map(|row| (row.person, CustomerRow::of(row))).collect();
    let row = |(person, of): (&PersonId, &Vec<usize>)| UnreachedPerson {
        person_id: person.to_string(),
        customer: known.remove(person),
        of: of.clone(),
    };
    Ok(found.of.iter().map(row).collect())
}
