//! How a journey goes: who came in, where they are, how they left each node, what became of its messages, and who they are.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::PersonId;
use rapport_engagement::journey::End;
use rapport_engagement::records::instances::{self, InstanceRow};
use rapport_engagement::records::{acts, journeys, messages, runs};
use rapport_engagement::sending::Reason;
use rapport_profiles::records::persons;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::find;
use crate::api::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(report)).routes(routes!(people))
}

/// So many people of a node are shown.
const MOST: i64 = 100;

/// How many left by one way.
#[derive(Debug, Serialize, ToSchema)]
pub struct WayCount {
    /// `path:0`, `timed_out`, `arm:name`, `sent`, `skipped` ...
    way: String,
    people: i64,
}

/// How many are not sent a message for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonCount {
    /// A stable word.
    reason: String,
    /// In a sentence.
    sentence: String,
    people: i64,
}

/// How a node goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeReport {
    node: String,
    /// How many came to it: as often as they did.
    entered: i64,
    /// How many are at it now.
    waiting: i64,
    /// How many left it.
    left: i64,
    ways: Vec<WayCount>,
    /// Of a message: how many were handed over, and what became of them.
    messages: MessageCounts,
    /// How many were not sent it, and why.
    skipped: Vec<ReasonCount>,
    /// How many acts or messages failed for good.
    failed: i64,
}

/// What became of messages.
#[derive(Debug, Default, Clone, Serialize, ToSchema)]
pub struct MessageCounts {
    /// To be sent.
    queued: i64,
    /// Handed over.
    sent: i64,
    delivered: i64,
    bounced: i64,
    complained: i64,
    unsubscribed: i64,
    /// Opened, as far as that can be known; mail programs load pictures by themselves.
    opened: i64,
    /// In how many a human clicked.
    clicked: i64,
    skipped: i64,
    failed: i64,
}

/// How people came out.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndCount {
    /// `completed`, `goal`, `out_of_audience`, `consent_gone`, `held_out` ...
    why: String,
    people: i64,
}

/// A time at which it went out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    run: String,
    /// `planned`, `running`, `done` or `cancelled`.
    state: String,
    planned_at: String,
    next_at: Option<String>,
    entered: i64,
    finished_at: Option<String>,
}

/// How a journey goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct JourneyReport {
    entered: i64,
    held_out: i64,
    active: i64,
    reached_goal: i64,
    messages: MessageCounts,
    ends: Vec<EndCount>,
    nodes: Vec<NodeReport>,
    /// The latest first.
    runs: Vec<Run>,
}

/// Says how a journey goes, node by node.
#[utoipa::path(get, path = "/api/v1/journeys/{key}/report", security(("caller" = ["view_reports"])), tag = "journeys", operation_id = "journey_report", params(("key" = String, Path)), responses((status = 200, body = JourneyReport)))]
pub async fn report(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<JourneyReport>, Problem> {
    caller.require(Permission::ViewReports)?;
    find(&app, caller.workspace, &key).await?;
    let workspace = caller.workspace;
    let mut db = app.installation.store.snapshot().await?;
    let flows = journeys::flows(&mut db, workspace, &key).await?;
    let waiting = instances::waiting(&mut db, workspace, &key).await?;
    let tally = messages::tally(&mut db, workspace, &key).await?;
    let failed = acts::failed(&mut db, workspace, &key).await?;
    let runs = runs::of_journey(&mut db, workspace, &key).await?;
    let whole = |wanted: &str| flows.iter().filter(|it| it.1.is_empty() && it.2 == wanted).map(|it| it.3).sum();
    let mut nodes: BTreeMap<String, NodeReport> = BTreeMap::new();
    let blank = |node: &str| NodeReport {
        node: node.to_owned(),
        entered: 0,
        waiting: 0,
        left: 0,
        ways: Vec::new(),
        messages: MessageCounts::default(),
        skipped: Vec::new(),
        failed: 0,
    };
    for (_, node, way, people) in flows.iter().filter(|it| !it.1.is_empty() && !it.2.starts_with("message:")) {
        let it = nodes.entry(node.clone()).or_insert_with(|| blank(node));
        if way == journeys::CAME {
            it.entered += people;
            continue;
        }
        it.left += people;
        match it.ways.iter_mut().find(|known| known.way == *way) {
            Some(known) => known.people += people,
            None => it.ways.push(WayCount { way: way.clone(), people: *people }),
        }
    }
    for (_, node, people) in &waiting {
        if let Some(node) = node {
            nodes.entry(node.clone()).or_insert_with(|| blank(node)).waiting += people;
        }
    }
    let mut total = MessageCounts::default();
    for row in &tally {
        let it = nodes.entry(row.node.clone()).or_insert_with(|| blank(&row.node));
        add(&mut total, row);
        add(&mut it.messages, row);
        if row.state == messages::FAILED {
            it.failed += row.messages;
        }
        if let (messages::SKIPPED, Some(reason)) = (row.state.as_str(), &row.reason) {
            let sentence = Reason::parse(reason).map_or("", Reason::sentence).to_owned();
            it.skipped.push(ReasonCount { reason: reason.clone(), sentence, people: row.messages });
        }
    }
    for (node, count) in failed {
        nodes.entry(node.clone()).or_insert_with(|| blank(&node)).failed += count;
    }
    let mut ends: BTreeMap<String, i64> = BTreeMap::new();
    for (_, _, way, people) in flows.iter().filter(|it| it.1.is_empty()) {
        if let Some(why) = way.strip_prefix("out:") {
            *ends.entry(why.to_owned()).or_default() += people;
        }
    }
    Ok(Json(JourneyReport {
        entered: whole(journeys::CAME),
        held_out: whole("held_out"),
        active: waiting.iter().map(|it| it.2).sum(),
        reached_goal: whole("goal"),
        messages: total,
        ends: ends.into_iter().map(|(why, people)| EndCount { why, people }).collect(),
        nodes: nodes.into_values().collect(),
        runs: runs
            .into_iter()
            .map(|it| Run {
                run: it.run,
                state: it.state,
                planned_at: time(it.planned_at),
                next_at: it.next_at.map(time),
                entered: it.entered,
                finished_at: it.finished_at.map(time),
            })
            .collect(),
    }))
}

fn add(counts: &mut MessageCounts, row: &messages::Tally) {
    match row.state.as_str() {
        messages::SKIPPED => counts.skipped += row.messages,
        messages::FAILED => counts.failed += row.messages,
        messages::QUEUED | messages::HELD | messages::SENDING => counts.queued += row.messages,
        _ => counts.sent += row.messages,
    }
    counts.delivered += row.delivered;
    counts.bounced += row.bounced;
    counts.complained += row.complained;
    counts.unsubscribed += row.unsubscribed;
    counts.opened += row.opened;
    counts.clicked += row.clicked;
}

/// Which people.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PeopleQuery {
    /// At this node; anywhere if nothing is said.
    node: Option<String>,
}

/// Somebody on the way.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonOnTheWay {
    customer: CustomerRow,
    instance: InstanceShape,
}

/// Where somebody is, or was.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceShape {
    id: String,
    journey: String,
    version: i64,
    entered_at: String,
    /// Where they are; none when it is over.
    node: Option<String>,
    arrived_at: String,
    /// When they go on, if nothing happens before.
    wakes_at: Option<String>,
    goal_at: Option<String>,
    ended_at: Option<String>,
    /// Why it is over.
    ended_why: Option<String>,
    /// The nodes that they left, in order.
    trail: Vec<LeftShape>,
}

/// A node that somebody left.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftShape {
    node: String,
    at: String,
    way: String,
}

impl From<InstanceRow> for InstanceShape {
    fn from(row: InstanceRow) -> Self {
        let trail = row.trail.0.into_iter();
        Self {
            id: row.id,
            journey: row.journey,
            version: row.version,
            entered_at: time(row.entered_at),
            node: row.node.filter(|_| row.ended_at.is_none()),
            arrived_at: time(row.arrived_at),
            wakes_at: row.wake_at.map(time),
            goal_at: row.goal_at.map(time),
            ended_at: row.ended_at.map(time),
            ended_why: row.ended_why.as_deref().and_then(End::parse).map(End::word),
            trail: trail
                .map(|left| LeftShape { node: left.node, at: time(rapport_domain::Timestamp(left.at)), way: left.way })
                .collect(),
        }
    }
}

/// Who is on the way.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeopleOnTheWay {
    rows: Vec<PersonOnTheWay>,
}

/// Lists some of the people who are in a journey now, the latest at their node first.
#[utoipa::path(get, path = "/api/v1/journeys/{key}/people", security(("caller" = ["view_people"])), tag = "journeys", operation_id = "journey_people", params(("key" = String, Path), ("node" = Option<String>, Query)), responses((status = 200, body = PeopleOnTheWay)))]
pub async fn people(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<PeopleOnTheWay>, Problem> {
    caller.require(Permission::ViewPeople)?;
    find(&app, caller.workspace, &key).await?;
    let mut db = app.installation.store.read();
    let found = instances::at_node(&mut db, caller.workspace, &key, query.node.as_deref(), MOST).await?;
    let ids: Vec<PersonId> = found.iter().map(|row| row.person).collect();
    let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let rows = found.into_iter().filter_map(|row| {
        let customer = CustomerRow::of(known.iter().find(|it| it.person == row.person)?);
        Some(PersonOnTheWay { customer, instance: row.into() })
    });
    Ok(Json(PeopleOnTheWay { rows: rows.collect() }))
}
