//! `/api/v1/slots`: what the places on the company's own site show to whom.

use axum::extract::State;
use rapport_domain::{Channel, IdentifierKind};
use rapport_engagement::content::Template;
use rapport_engagement::records::slots::{self, SlotRow};
use rapport_engagement::records::templates;
use rapport_engagement::slots::{Definition, Show};
use rapport_profiles::records::identifiers;
use rapport_segments::records::segments;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::Problem;
use crate::visitors::who::Visitor;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_slots)).routes(routes!(save_slot, delete_slot)).routes(routes!(would_show))
}

/// A slot.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotShape {
    /// Its name in addresses.
    key: String,
    name: String,
    /// What it shows to whom: variants in order, holdout, cap.
    #[schema(value_type = Object)]
    definition: Value,
    version: i64,
    updated_at: String,
}

impl From<SlotRow> for SlotShape {
    fn from(row: SlotRow) -> Self {
        let SlotRow { key, name, definition, version, updated_at, .. } = row;
        Self { key, name, definition, version, updated_at: time(updated_at) }
    }
}

/// Lists the slots.
#[utoipa::path(get, path = "/api/v1/slots", security(("caller" = ["view_reports"])), tag = "messages", operation_id = "slots", responses((status = 200, body = Rows<SlotShape>)))]
pub async fn list_slots(State(app): State<App>, caller: Caller) -> Result<Json<Rows<SlotShape>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = slots::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(SlotShape::from).collect() }))
}

/// What a slot is to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotBody {
    name: String,
    #[schema(value_type = Object)]
    definition: Value,
}

/// Makes a slot, or changes it.
#[utoipa::path(put, path = "/api/v1/slots/{key}", security(("caller" = ["edit_content"])), tag = "messages", operation_id = "save_slot", params(("key" = String, Path)), request_body = SlotBody, responses((status = 200, body = SlotShape), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_slot(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<SlotBody>,
) -> Result<Json<SlotShape>, Problem> {
    caller.require(Permission::EditContent)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if key.is_empty() || key.len() > 60 || !key.bytes().all(plain) {
        return Err(Problem::invalid("key", "1 to 60 small letters, digits, - and _"));
    }
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::invalid("name", "1 to 200 letters"));
    }
    let definition = Definition::from_json(&body.definition).map_err(|error| Problem::invalid("definition", error))?;
    let now = app.now();
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    for (at, variant) in definition.variants.iter().enumerate() {
        if let Some(segment) = &variant.segment
            && segments::by_key(&mut tx, caller.workspace, segment).await?.is_none()
        {
            return Err(Problem::invalid(&format!("definition.variants[{at}].segment"), "there is no such segment"));
        }
        if let Show::Template(template) = &variant.show {
            let place = format!("definition.variants[{at}].show.template");
            let row = templates::find(&mut tx, caller.workspace, template).await?;
            let row = row.ok_or_else(|| Problem::invalid(&place, "there is no such template"))?;
            let version = templates::version(&mut tx, caller.workspace, template, row.version).await?;
            let form = version.and_then(|version| serde_json::from_str(&version.content).ok());
            let serves = form
                .and_then(|form| Template::from_json(form).ok())
                .is_some_and(|template| template.content.serves(Channel::InApp));
            if !serves {
                return Err(Problem::invalid(&place, "it is a template for another channel"));
            }
        }
    }
    let row = SlotRow {
        key: key.clone(),
        name: name.to_owned(),
        definition: serde_json::to_value(&definition).map_err(Problem::internal)?,
        version: 1,
        updated_at: now,
        updated_by: caller.id().as_str().to_owned(),
    };
    slots::save(&mut tx, caller.workspace, &row).await?;
    let saved = slots::all(&mut tx, caller.workspace).await?.into_iter().find(|row| row.key == key);
    tx.commit().await?;
    app.slots.forget(caller.workspace);
    Ok(Json(saved.ok_or_else(|| Problem::not_found("slot"))?.into()))
}

/// Deletes a slot; pages that ask for it get a 404.
#[utoipa::path(delete, path = "/api/v1/slots/{key}", security(("caller" = ["edit_content"])), tag = "messages", operation_id = "delete_slot", params(("key" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete_slot(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<axum::http::StatusCode, Problem> {
    caller.require(Permission::EditContent)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let deleted = slots::delete(&mut tx, caller.workspace, &key).await?;
    tx.commit().await?;
    app.slots.forget(caller.workspace);
    if deleted { Ok(axum::http::StatusCode::NO_CONTENT) } else { Err(Problem::not_found("slot")) }
}

/// What a slot would show to a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct WouldShow {
    slot: String,
    /// The place of the variant; none when the page has what it has by itself.
    variant: Option<usize>,
    /// `chosen`, or why they get what everybody gets: `no_member`, `restricted`, `not_agreed`, `held_out`, `seen_enough`.
    reason: String,
    /// What that variant shows.
    #[schema(value_type = Object)]
    show: Value,
}

/// Says what a slot would show to a customer who is proven to be there, and why. Nothing is noted of it.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/slots/{key}", security(("caller" = ["view_people"])), tag = "messages", operation_id = "slot_for_customer", params(("person_id" = String, Path), ("key" = String, Path)), responses((status = 200, body = WouldShow), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn would_show(
    State(app): State<App>,
    caller: Caller,
    Path((person, key)): Path<(String, String)>,
) -> Result<Json<WouldShow>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let person = super::customers::find(&app, caller.workspace, &person).await?.person;
    let names = identifiers::by_persons(&mut app.installation.store.read(), caller.workspace, &[person]).await?;
    // Signed in, they are there with their user id.
    let name = names.iter().find(|name| name.kind == IdentifierKind::UserId.as_str()).or_else(|| names.first());
    let handle = name.ok_or_else(|| Problem::not_found("customer"))?.handle;
    let handles = names.iter().map(|name| name.handle).collect();
    let visitor = Visitor { workspace: caller.workspace, handle, person, handles, is_proven: true };
    let shown = crate::slots::would_show(&app, &key, &visitor).await?;
    let (why, variant, show) = shown.ok_or_else(|| Problem::not_found("slot"))?;
    let show = serde_json::to_value(show).map_err(Problem::internal)?;
    Ok(Json(WouldShow { slot: key, variant, reason: why.as_str().to_owned(), show }))
}
