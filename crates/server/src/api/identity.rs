//! `/api/v1/customers/{person_id}/identity`: why identifiers are one person, and taking it back.

use axum::extract::State;
use rapport_domain::{Handle, Id, PersonId, WorkspaceId};
use rapport_engagement::records::audiences;
use rapport_experiments::policies::decisions;
use rapport_experiments::records::exposures;
use rapport_feedback::follow_ups::service as follow_ups;
use rapport_feedback::records::invitations;
use rapport_feedback::verbatims::records as verbatims;
use rapport_lake::{Move, record_moves};
use rapport_profiles::identity::undo::set_undone;
use rapport_profiles::records::identifiers::IdentifierRow;
use rapport_profiles::records::{evidence, identifiers};
use rapport_segments::live::Observed;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

use super::customers::{IdentifierShape, find, identifier, name_of, standing};
use super::shapes::{mask, mask_email, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::engaging::listening;
use crate::erasing;
use crate::http::extract::{Json, Path};
use crate::http::route::routes;
use crate::points;
use crate::problem::Problem;
use crate::records::sources;
use crate::referring;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(undo)).routes(routes!(redo))
}

/// One end of a piece of evidence.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EvidenceEnd {
    handle: String,
    kind: String,
    value_masked: String,
    /// Whose it is now.
    person_id: String,
}

/// Why two identifiers are one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceShape {
    id: String,
    left: EvidenceEnd,
    right: EvidenceEnd,
    rule: String,
    rule_text: String,
    event_id: String,
    occurred_at: String,
    recorded_at: String,
    /// A limit keeps it from counting (a shared device, say).
    set_aside: bool,
    undone_at: Option<String>,
    undone_by: Option<String>,
    reason: Option<String>,
}

/// Why a person is one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Identity {
    sentence: String,
    identifiers: Vec<IdentifierShape>,
    evidence: Vec<EvidenceShape>,
}

/// Why it is taken back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UndoBody {
    /// In words, for whoever looks later.
    #[serde(default)]
    reason: String,
}

/// Shows why a person's identifiers are one person.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/identity", security(("caller" = ["view_people"])), tag = "customers", params(("person_id" = String, Path)),
    responses((status = 200, body = Identity)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Json<Identity>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &person).await?;
    explain(&app, caller.workspace, row.person).await.map(Json)
}

/// Takes a piece of evidence back: its identifiers part, with everything they did.
#[utoipa::path(post, path = "/api/v1/identity/evidence/{id}/undo", security(("caller" = ["edit_identity"])), tag = "customers", params(("id" = String, Path)),
    request_body = UndoBody, responses((status = 200, body = Identity)))]
pub async fn undo(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<UndoBody>,
) -> Result<Json<Identity>, Problem> {
    change(&app, &caller, Id(id), true, &body.reason).await
}

/// Stands by a piece of evidence again.
#[utoipa::path(post, path = "/api/v1/identity/evidence/{id}/redo", security(("caller" = ["edit_identity"])), tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = Identity)))]
pub async fn redo(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Identity>, Problem> {
    change(&app, &caller, Id(id), false, "").await
}

async fn change(app: &App, caller: &Caller, id: Id, undone: bool, reason: &str) -> Result<Json<Identity>, Problem> {
    caller.require(Permission::EditIdentity)?;
    let installation = &app.installation;
    let workspace = caller.workspace;
    let missing = || Problem::not_found("evidence");
    // The pipeline must not apply events between our commit and what the lake hears of it.
    let _standing = app.pipeline.pause().await;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let row = evidence::by_id(&mut tx, workspace, &id).await?.ok_or_else(missing)?;
    let by = caller.id().as_str();
    let changed =
        set_undone(&mut tx, &installation.profiles, workspace, &id, undone, by, reason).await?.ok_or_else(missing)?;
    let moves: Vec<Move> =
        changed.moved.iter().map(|m| Move { handle: m.handle, from: m.from, to: Some(m.to) }).collect();
    let ticket = if moves.is_empty() { None } else { Some(record_moves(&mut tx, workspace, &moves).await?) };
    let handed: Vec<_> = changed.moved.iter().map(|m| (m.handle, m.from, m.to)).collect();
    exposures::follow(&mut tx, workspace, &handed).await?;
    decisions::follow(&mut tx, workspace, &handed).await?;
    invitations::follow(&mut tx, workspace, &handed).await?;
    points::identity::follow(&mut tx, workspace, &handed, app.now()).await.map_err(Problem::internal)?;
    verbatims::follow(&mut tx, workspace, &handed).await?;
    follow_ups::follow(&mut tx, workspace, &handed, app.now()).await?;
    let touched: Vec<PersonId> = changed.moved.iter().flat_map(|m| [m.from, m.to]).collect();
    audiences::doubt(&mut tx, workspace, &touched, app.now()).await?;
    referring::follow(&mut tx, workspace, &touched, app.now()).await.map_err(Problem::internal)?;
    referring::review(installation, &mut tx, workspace, &touched, app.now()).await.map_err(Problem::internal)?;
    let placed = points::identity::stand_anew(installation, &mut tx, workspace, &changed.moved).await;
    placed.map_err(Problem::internal)?;
    listening::follow(installation, &mut tx, workspace, &handed).await.map_err(Problem::internal)?;
    erasing::follow(&mut tx, workspace, &handed).await?;
    tx.commit().await?;
    installation.profiles.forget();
    if let Some(ticket) = ticket {
        installation.lake.publish(ticket).await?;
    }
    let observed = Observed { changed: &changed.touched, ..Observed::default() };
    installation.memberships.observe(workspace, observed).await?;
    let left = identifiers::by_handles(&mut installation.store.read(), workspace, &[row.left_handle]).await?;
    let person = left.first().ok_or_else(missing)?.person;
    explain(app, workspace, person).await.map(Json)
}

async fn explain(app: &App, workspace: WorkspaceId, person: PersonId) -> Result<Identity, Problem> {
    let mut db = app.installation.store.read();
    let own = identifiers::by_persons(&mut db, workspace, &[person]).await?;
    let handles: Vec<Handle> = own.iter().map(|row| row.handle).collect();
    let rows = evidence::touching(&mut db, workspace, &handles).await?;
    let ends: Vec<Handle> = rows.iter().flat_map(|row| [row.left_handle, row.right_handle]).collect();
    let named: HashMap<Handle, IdentifierRow> =
        identifiers::by_handles(&mut db, workspace, &ends).await?.into_iter().map(|row| (row.handle, row)).collect();
    let evidence: Vec<EvidenceShape> = rows
        .iter()
        .filter_map(|row| {
            Some(EvidenceShape {
                id: row.id.to_string(),
                left: end(named.get(&row.left_handle)?),
                right: end(named.get(&row.right_handle)?),
                rule: row.rule.clone(),
                rule_text: rule_text(&row.rule).to_owned(),
                event_id: row.event().to_hex(),
                occurred_at: time(row.occurred_at),
                recorded_at: time(row.recorded_at),
                set_aside: row.set_aside,
                undone_at: row.undone_at.map(time),
                undone_by: row.undone_by.clone(),
                reason: row.reason.clone(),
            })
        })
        .collect();
    let why = standing(rows);
    let sentence = match own.len() {
        1 => "This person has one identifier, so nothing had to be joined.".to_owned(),
        n => format!("{n} identifiers are one person because of {} pieces of evidence.", why.len()),
    };
    let sources = sources::all(&mut db, workspace).await?;
    let identifiers = own.iter().map(|row| identifier(row, &why, name_of(&sources, row.source))).collect();
    Ok(Identity { sentence, identifiers, evidence })
}

fn end(row: &IdentifierRow) -> EvidenceEnd {
    let value_masked = match row.kind.as_str() {
        "email" => mask_email(&row.value),
        "user_id" => row.value.clone(),
        _ => mask(&row.value),
    };
    EvidenceEnd {
        handle: row.handle.to_string(),
        kind: row.kind.clone(),
        value_masked,
        person_id: row.person.to_string(),
    }
}

fn rule_text(rule: &str) -> &'static str {
    match rule {
        "by_hand" => "somebody of your team said so",
        "alias" => "the sender said that one is the other's new name",
        _ => "both were named in one call: signed in on that device, or gave that address",
    }
}
