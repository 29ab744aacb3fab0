//! `/api/v1/loyalty`: the programme, its rules, its members, and the points ledger.

mod alone;
mod badges;
mod benefits;
mod bulks;
mod cards;
mod challenges;
mod changes;
mod checkouts;
mod code_lists;
mod documents;
mod effect;
mod gift_cards;
mod history;
mod household_acts;
pub(crate) mod households;
mod jurisdictions;
mod leaderboards;
mod liability;
mod member_challenges;
pub(crate) mod member_leaderboards;
mod members;
pub(crate) mod offered;
mod offers;
mod opening;
mod operations;
mod overview;
mod own_ids;
mod page_links;
mod partner_statements;
mod partners;
pub(crate) mod protected;
mod rating;
pub(crate) mod redemptions;
mod referral_programs;
mod referrals;
mod referrers;
mod rewards;
mod rules;
mod simulations;
pub(crate) mod square;
mod tiers;
mod till;
pub(crate) mod transfers;
mod vouchers;
mod what_if;
mod why;

use crate::http::route::routes;
use axum::extract::State;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::programs::{self, ProgramVersion};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::segments::{Names, user_names};
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_program, save_loyalty_program))
        .routes(routes!(loyalty_program_versions))
        .merge(rules::router())
        .merge(rating::router())
        .merge(offers::router())
        .merge(checkouts::router())
        .merge(members::router())
        .merge(page_links::router())
        .merge(cards::router())
        .merge(partners::router())
        .merge(partner_statements::router())
        .merge(gift_cards::router())
        .merge(history::router())
        .merge(jurisdictions::router())
        .merge(operations::router())
        .merge(rewards::router())
        .merge(redemptions::router())
        .merge(referral_programs::router())
        .merge(referrals::router())
        .merge(referrers::router())
        .merge(vouchers::router())
        .merge(code_lists::router())
        .merge(changes::router())
        .merge(bulks::router())
        .merge(opening::router())
        .merge(liability::router())
        .merge(overview::router())
        .merge(why::router())
        .merge(tiers::router())
        .merge(benefits::router())
        .merge(what_if::router())
        .merge(simulations::router())
        .merge(effect::router())
        .merge(challenges::router())
        .merge(member_challenges::router())
        .merge(badges::router())
        .merge(leaderboards::router())
        .merge(till::router())
        .merge(member_leaderboards::router())
        .merge(transfers::router())
        .merge(households::router())
        .merge(household_acts::router())
}

/// The programme as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyProgram {
    /// From 1: send it back when saving.
    version: i64,
    /// Name, zone, currency, wallets, who becomes a member, groups of rules; the guide Loyalty describes it.
    #[schema(value_type = Object)]
    program: Value,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
}

impl LoyaltyProgram {
    fn of(row: ProgramVersion, users: &Names) -> Result<Self, Problem> {
        Ok(Self {
            version: row.version,
            program: serde_json::to_value(row.program).map_err(Problem::internal)?,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
        })
    }
}

/// What a user is called; an API key, or whoever is gone, by their id.
fn named(users: &Names, id: &str) -> String {
    users.get(id).cloned().unwrap_or_else(|| id.to_owned())
}

/// The programme of a workspace, or that there is none.
fn missing() -> Problem {
    Problem::not_found("loyalty programme")
}

/// Words as a sentence: why something is refused.
fn sentence(words: impl std::fmt::Display) -> String {
    let mut text = format!("{words}.");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Reads the programme.
#[utoipa::path(get, path = "/api/v1/loyalty/program", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_program", responses((status = 200, body = LoyaltyProgram), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_program(State(app): State<App>, caller: Caller) -> Result<Json<LoyaltyProgram>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let versions = programs::versions(&mut app.installation.store.read(), caller.workspace).await?;
    let latest = versions.into_iter().next_back().ok_or_else(missing)?;
    Ok(Json(LoyaltyProgram::of(latest, &users)?))
}

/// Lists every version of the programme, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/program/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_program_versions", responses((status = 200, body = Rows<LoyaltyProgram>)))]
pub async fn loyalty_program_versions(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Rows<LoyaltyProgram>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let versions = programs::versions(&mut app.installation.store.read(), caller.workspace).await?;
    let rows = versions.into_iter().rev().map(|row| LoyaltyProgram::of(row, &users));
    Ok(Json(Rows { rows: rows.collect::<Result<_, _>>()? }))
}

/// A programme to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyProgramBody {
    /// The version that was looked at; 0 where there is none yet.
    version: i64,
    /// What it is to be.
    #[schema(value_type = Object)]
    program: Value,
}

/// Saves the programme as a new version: it counts from now on, and what happened before is judged by what was in force then. A wallet stays for ever, since
/// members may have something in it; what a live offer or reward goes by is not added to what no price may depend on.
#[utoipa::path(put, path = "/api/v1/loyalty/program", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_loyalty_program", request_body = LoyaltyProgramBody, responses((status = 200, body = LoyaltyProgram), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_loyalty_program(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<LoyaltyProgramBody>,
) -> Result<Json<LoyaltyProgram>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let program = Program::from_json(body.program)?;
    let now = app.now();
    let by = caller.id().as_str();
    let saved = Saved { in_force_from: now, at: now, by };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    protected::refuse_program(&mut tx, caller.workspace, &program).await?;
    programs::save(&mut tx, caller.workspace, &program, body.version, saved).await?;
    tx.commit().await?;
    let users = user_names(&app, caller.workspace).await?;
    let row = ProgramVersion {
        version: body.version + 1,
        program,
        in_force_from: now,
        saved_at: now,
        saved_by: by.to_owned(),
    };
    Ok(Json(LoyaltyProgram::of(row, &users)?))
}
