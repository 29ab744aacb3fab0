//! What other rules would give for what people did: asked for, watched, stopped, looked at again.

use std::collections::BTreeSet;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{PersonId, Timestamp, plain};
use rapport_loyalty::Document;
use rapport_loyalty::document::State as RuleState;
use rapport_loyalty::earning::Rule;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::{self, Version};
use rapport_loyalty::records::simulations::{self, SimulationRow};
use rapport_profiles::records::persons;
use rapport_segments::records::segments;
use rapport_store::jobs::NewJob;
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::rules::read;
use super::{missing, named};
use crate::api::members::instant;
use crate::api::segments::{Names, user_names};
use crate::api::shapes::{CustomerRow, time};
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;
use crate::simulating::plan::{Rules, Today, Who};
use crate::simulating::{self, Plan, SimulationResult};

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(simulate_loyalty, loyalty_simulations))
        .routes(routes!(loyalty_simulation, delete_loyalty_simulation))
        .routes(routes!(cancel_loyalty_simulation))
        .routes(routes!(loyalty_simulation_people))
        .routes(routes!(simulate_loyalty_rule))
}

/// People who are looked at unless said.
const USUAL_PEOPLE: usize = 20_000;
/// The most people who are looked at.
const MOST_PEOPLE: usize = 100_000;
/// Simulations that are listed.
const LISTED: u32 = 50;
/// The longest time that is looked at.
const LONGEST: i64 = 5 * 366 * Timestamp::DAY;

/// Over which time, and of whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationScope {
    /// What people call it.
    #[serde(default)]
    name: Option<String>,
    /// From when on what happened is told again: `2026-01-01T00:00:00Z`.
    from: String,
    /// Until before when; now, unless said.
    #[serde(default)]
    until: Option<String>,
    /// `members` (unless said), or `customers`: everybody, as if they were members.
    #[serde(default)]
    who: Option<String>,
    /// Only those who are in this segment now.
    #[serde(default)]
    segment: Option<String>,
    /// Of no more people than this, chosen by a hash; then all sums are estimates. 20,000 unless said, at most 100,000.
    #[serde(default)]
    people_max: Option<usize>,
    /// What it is compared with: `now` (unless said), the rules in force now for the whole time; `as_it_was`, those in force at each time, which is what was given.
    #[serde(default)]
    against: Option<String>,
}

/// What is tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationBody {
    /// Over which time, and of whom.
    scope: SimulationScope,
    /// Another programme; the present one, unless said.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    program: Option<Value>,
    /// Rules that take the place of those in force with their keys, or are new; each as it would be saved, with its key.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    rules: Vec<Value>,
    /// Keys of rules whose latest version is to hold, whatever its state: drafts.
    #[serde(default)]
    drafts: Vec<String>,
    /// Keys of rules that are not to hold.
    #[serde(default)]
    without: Vec<String>,
}

/// A simulation.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltySimulation {
    id: String,
    name: String,
    /// `queued`, `running`, `done`, `cancelled` or `failed`.
    state: String,
    from: String,
    until: String,
    /// `members` or `customers`.
    who: String,
    segment: Option<String>,
    /// `now` or `as_it_was`.
    against: String,
    /// Rules that differ between the two sides, by their keys.
    changed: Vec<String>,
    asked_at: String,
    asked_by: String,
    ended_at: Option<String>,
    /// How many people were looked at so far, and of how many.
    done: i64,
    total: Option<i64>,
    /// About how long it still takes; null when nobody knows yet.
    seconds_left: Option<i64>,
    /// What came of it; null in lists and before its end.
    result: Option<SimulationResult>,
}

impl LoyaltySimulation {
    async fn of(app: &App, row: SimulationRow, users: &Names, with_result: bool) -> Result<Self, Problem> {
        let plan: Plan = serde_json::from_value(row.plan).map_err(Problem::internal)?;
        let job = app.installation.store.jobs().status(&mut app.installation.store.read(), &row.job).await?;
        let state = match job.as_ref().map(|job| job.state.as_str()) {
            _ if row.result.is_some() => "done",
            _ if row.failure.is_some() => "failed",
            Some("queued") => "queued",
            Some("running") => "running",
            Some("cancelled") => "cancelled",
            _ => "failed",
        };
        let (done, total) = job.map_or((0, None), |job| (job.progress_done, job.progress_total));
        let took = row.began_at.map_or(0, |began| app.now().0 - began.0);
        let left = total.filter(|_| done > 0 && state == "running").map(|total| {
            let left = i128::from(took) * i128::from(total - done) / i128::from(done) / i128::from(Timestamp::SECOND);
            i64::try_from(left).unwrap_or(i64::MAX)
        });
        let result = row.result.filter(|_| with_result).map(serde_json::from_value).transpose();
        Ok(Self {
            id: row.id.to_string(),
            name: row.name,
            state: state.to_owned(),
            from: time(plan.from),
            until: time(plan.until),
            who: (if plan.who == Who::Members { "members" } else { "customers" }).to_owned(),
            against: (if plan.today == Today::AsItWas { "as_it_was" } else { "now" }).to_owned(),
            changed: changed(&plan),
            segment: plan.segment,
            asked_at: time(row.asked_at),
            asked_by: named(users, &row.asked_by),
            ended_at: optional_time(row.ended_at),
            done,
            total,
            seconds_left: left,
            result: result.map_err(Problem::internal)?,
        })
    }
}

/// Which rules differ; of versions as they were nobody says it in short.
fn changed(plan: &Plan) -> Vec<String> {
    let Today::Now(now) = &plan.today else { return Vec::new() };
    let (one, other) = (&now.rules, &plan.others.rules);
    let differs = |rule: &Rule, among: &[(Rule, i64)]| !among.iter().any(|(it, _)| it == rule);
    let keys = one.iter().filter(|(rule, _)| differs(rule, other));
    let keys = keys.chain(other.iter().filter(|(rule, _)| differs(rule, one)));
    keys.map(|(rule, _)| rule.key.clone()).collect::<BTreeSet<String>>().into_iter().collect()
}

/// What is tried, read against what is there.
async fn plan(app: &App, caller: &Caller, body: SimulationBody) -> Result<Plan, Problem> {
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let present = programs.latest().map(|latest| latest.program.clone());
    let program = match body.program {
        None => present.clone().ok_or_else(missing)?,
        Some(form) => {
            let program = Program::from_json(form)?;
            program.check()?;
            program
        }
    };
    let latest = documents::latest_of_each(programs.rules.clone());
    let mut now: Vec<(Rule, i64)> = latest.iter().filter(|it| it.state == RuleState::Live).map(versioned).collect();
    now.sort_by(|one, other| (one.0.place, &one.0.key).cmp(&(other.0.place, &other.0.key)));
    let mut others = now.clone();
    for key in &body.drafts {
        let found = latest.iter().find(|it| it.document.key == *key).ok_or_else(|| Problem::not_found("rule"))?;
        put(&mut others, versioned(found));
    }
    for form in body.rules {
        let key = form.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        put(&mut others, (read(&key, form, None)?, 0));
    }
    others.retain(|(rule, _)| !body.without.contains(&rule.key));
    for (rule, _) in &others {
        rule.check(&program)?;
    }
    if others.len() > Rule::MOST {
        return Err(Problem::invalid("rules", format!("a programme has at most {} rules", Rule::MOST)));
    }
    let scope = body.scope;
    let today = match scope.against.as_deref() {
        None | Some("now") => {
            let program = present.unwrap_or_else(|| program.clone());
            Today::Now(Box::new(Rules { program, rules: now }))
        }
        Some("as_it_was") if present.is_some() => Today::AsItWas,
        Some("as_it_was") => return Err(missing()),
        Some(_) => return Err(Problem::invalid("scope.against", "expected now or as_it_was")),
    };
    scoped(app, caller, scope, today, Rules { program, rules: others }).await
}

async fn scoped(
    app: &App,
    caller: &Caller,
    scope: SimulationScope,
    today: Today,
    others: Rules,
) -> Result<Plan, Problem> {
    let now = app.now();
    let from = instant("scope.from", Some(&scope.from))?
        .ok_or_else(|| Problem::invalid("scope.from", "from when on what happened is told again"))?;
    let until = instant("scope.until", scope.until.as_deref())?.unwrap_or(now).min(now);
    if from >= until || until.0 - from.0 > LONGEST {
        return Err(Problem::invalid("scope.from", "must be before `until` and the present, by at most five years"));
    }
    let who = match scope.who.as_deref() {
        None | Some("members") => Who::Members,
        Some("customers") => Who::Customers,
        Some(_) => return Err(Problem::invalid("scope.who", "expected members or customers")),
    };
    let people_max = scope.people_max.unwrap_or(USUAL_PEOPLE);
    if !(1..=MOST_PEOPLE).contains(&people_max) {
        return Err(Problem::invalid("scope.people_max", format!("1 to {MOST_PEOPLE}")));
    }
    if let Some(key) = &scope.segment {
        let found = segments::by_key(&mut app.installation.store.read(), caller.workspace, key).await?;
        found.ok_or_else(|| Problem::not_found("segment"))?;
    }
    Ok(Plan { from, until, who, segment: scope.segment, people_max, today, others })
}

fn versioned(version: &Version<Rule>) -> (Rule, i64) {
    (version.document.clone(), version.version)
}

/// Puts a rule in the place of the one with its key.
fn put(rules: &mut Vec<(Rule, i64)>, rule: (Rule, i64)) {
    match rules.iter_mut().find(|(it, _)| it.key == rule.0.key) {
        Some(place) => *place = rule,
        None => rules.push(rule),
    }
}

async fn ask(app: &App, caller: &Caller, body: SimulationBody) -> Result<Json<LoyaltySimulation>, Problem> {
    let name = plain::one_line(body.scope.name.as_deref().unwrap_or_default(), 100);
    let plan = plan(app, caller, body).await?;
    let name = if name.is_empty() { changed(&plan).join(", ") } else { name };
    let id = simulating::name(&app.installation);
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let job = NewJob::new(caller.workspace, simulating::KIND, json!({ "simulation": id.as_str() }));
    let job = app.installation.store.jobs().enqueue(&mut tx, job).await?;
    let job = job.ok_or_else(|| Problem::internal("a job without a unique key is always new"))?;
    let row = SimulationRow {
        id,
        job,
        name,
        plan: serde_json::to_value(&plan).map_err(Problem::internal)?,
        result: None,
        failure: None,
        asked_at: app.now(),
        asked_by: caller.id().as_str().to_owned(),
        began_at: None,
        ended_at: None,
    };
    simulations::insert(&mut tx, caller.workspace, &row).await?;
    tx.commit().await?;
    let users = user_names(app, caller.workspace).await?;
    Ok(Json(LoyaltySimulation::of(app, row, &users, true).await?))
}

/// Asks what other rules would have given for what people did in some time, against today's. It is done in the background; nothing is posted.
#[utoipa::path(post, path = "/api/v1/loyalty/simulations", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "simulate_loyalty", request_body = SimulationBody, responses((status = 200, body = LoyaltySimulation), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn simulate_loyalty(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SimulationBody>,
) -> Result<Json<LoyaltySimulation>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    ask(&app, &caller, body).await
}

/// Tries the latest version of one rule, a draft for example, on what people did: beside the rules in force, or in the place of the one in force.
#[utoipa::path(post, path = "/api/v1/loyalty/rules/{key}/simulations", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "simulate_loyalty_rule", params(("key" = String, Path)), request_body = SimulationScope, responses((status = 200, body = LoyaltySimulation), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn simulate_loyalty_rule(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(scope): Json<SimulationScope>,
) -> Result<Json<LoyaltySimulation>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let body = SimulationBody { scope, program: None, rules: Vec::new(), drafts: vec![key], without: Vec::new() };
    ask(&app, &caller, body).await
}

/// Lists the last simulations, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/simulations", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_simulations", responses((status = 200, body = Rows<LoyaltySimulation>)))]
pub async fn loyalty_simulations(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Rows<LoyaltySimulation>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let mut rows = Vec::new();
    for row in simulations::latest(&mut app.installation.store.read(), caller.workspace, LISTED).await? {
        rows.push(LoyaltySimulation::of(&app, row, &users, false).await?);
    }
    Ok(Json(Rows { rows }))
}

async fn find(db: &mut impl Queries, caller: &Caller, id: &str) -> Result<SimulationRow, Problem> {
    simulations::find(db, caller.workspace, id).await?.ok_or_else(|| Problem::not_found("simulation"))
}

/// Shows a simulation: how far it is, and what came of it.
#[utoipa::path(get, path = "/api/v1/loyalty/simulations/{id}", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_simulation", params(("id" = String, Path)), responses((status = 200, body = LoyaltySimulation), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_simulation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<LoyaltySimulation>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&mut app.installation.store.read(), &caller, &id).await?;
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(LoyaltySimulation::of(&app, row, &users, true).await?))
}

/// Stops a simulation that is under way.
#[utoipa::path(post, path = "/api/v1/loyalty/simulations/{id}/cancel", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "cancel_loyalty_simulation", params(("id" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn cancel_loyalty_simulation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = find(&mut tx, &caller, &id).await?;
    app.installation.store.jobs().cancel(&mut tx, &row.job).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets a simulation and stops it, if it is under way.
#[utoipa::path(delete, path = "/api/v1/loyalty/simulations/{id}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "delete_loyalty_simulation", params(("id" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete_loyalty_simulation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = find(&mut tx, &caller, &id).await?;
    app.installation.store.jobs().cancel(&mut tx, &row.job).await?;
    simulations::delete(&mut tx, caller.workspace, &id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// In which wallet.
#[derive(Debug, Deserialize, IntoParams)]
pub struct SimulationPeopleQuery {
    /// A wallet's key.
    wallet: String,
}

/// Somebody who gains or loses.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulatedPerson {
    customer: CustomerRow,
    before: i64,
    after: i64,
}

/// Lists who gains most and who loses most in a wallet, who gains most first.
#[utoipa::path(get, path = "/api/v1/loyalty/simulations/{id}/people", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_simulation_people", params(("id" = String, Path), SimulationPeopleQuery), responses((status = 200, body = Rows<SimulatedPerson>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_simulation_people(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<SimulationPeopleQuery>,
) -> Result<Json<Rows<SimulatedPerson>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    find(&mut db, &caller, &id).await?;
    let changes = simulations::people(&mut db, caller.workspace, &id, &query.wallet).await?;
    let ids: Vec<PersonId> = changes.iter().map(|change| change.person).collect();
    let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let rows = changes.into_iter().filter_map(|change| {
        let customer = CustomerRow::of(known.iter().find(|it| it.person == change.person)?);
        Some(SimulatedPerson { customer, before: change.before, after: change.after })
    });
    Ok(Json(Rows { rows: rows.collect() }))
}
