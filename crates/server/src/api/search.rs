//! `/api/v1/search`: one box for people, orders, questions and imports.

use axum::extract::State;
use rapport_profiles::fold::fold;
use rapport_profiles::records::persons::{Filter, SortBy};
use rapport_profiles::records::{identifiers, orders, persons};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::http::route::routes;
use crate::importing;
use crate::problem::Problem;
use crate::records::questions;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search))
}

const PEOPLE: i64 = 8;
const ORDERS: i64 = 5;
const OTHERS: usize = 5;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
pub struct SearchQuery {
    /// A name, an address, a number, or a part of one.
    #[serde(default)]
    q: String,
}

/// Something found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    /// person, order, question or import.
    kind: String,
    id: String,
    title: String,
    detail: String,
    /// Its page of the console.
    url: String,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundList {
    rows: Vec<Found>,
}

/// Looks for people, orders, saved questions and imports.
#[utoipa::path(get, path = "/api/v1/search", security(("caller" = ["view_people"])), tag = "search", params(SearchQuery), responses((status = 200, body = FoundList)))]
pub async fn search(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<SearchQuery>,
) -> Result<Json<FoundList>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let folded = fold(&query.q);
    if folded.is_empty() {
        return Ok(Json(FoundList { rows: Vec::new() }));
    }
    let mut db = app.installation.store.read();
    let filter = Filter { search: folded.clone(), sort: SortBy::LastSeen, limit: PEOPLE, ..Filter::default() };
    let people = persons::list(&mut db, caller.workspace, &filter).await?;
    let mut rows: Vec<Found> = people
        .iter()
        .map(|row| {
            let shown = CustomerRow::of(row);
            let detail = match shown.orders {
                0 => "no orders".to_owned(),
                1 => "1 order".to_owned(),
                n => format!("{n} orders"),
            };
            Found {
                kind: "person".into(),
                url: format!("/customers/{}", shown.person_id),
                id: shown.person_id,
                title: shown.name,
                detail,
            }
        })
        .collect();
    for (order_id, handle, placed_at) in
        orders::starting_with(&mut db, caller.workspace, query.q.trim(), ORDERS).await?
    {
        let owner = identifiers::by_handles(&mut db, caller.workspace, &[handle]).await?;
        let Some(owner) = owner.first() else { continue };
        rows.push(Found {
            kind: "order".into(),
            title: format!("Order {order_id}"),
            id: order_id,
            detail: time(placed_at),
            url: format!("/customers/{}", owner.person),
        });
    }
    if caller.may(Permission::ViewReports) {
        let saved = questions::all(&mut db, caller.workspace).await?;
        let named = saved.into_iter().filter(|row| fold(&row.name).contains(&folded)).take(OTHERS);
        rows.extend(named.map(|row| Found {
            kind: "question".into(),
            url: format!("/insights/{}", row.id),
            id: row.id.to_string(),
            title: row.name,
            detail: row.question.0["kind"].as_str().unwrap_or_default().to_owned(),
        }));
    }
    if caller.may(Permission::ViewData) {
        let imports = importing::records::all(&mut db, caller.workspace).await?;
        let named = imports.into_iter().filter(|row| fold(&row.name).contains(&folded)).take(OTHERS);
        rows.extend(named.map(|row| Found {
            kind: "import".into(),
            url: format!("/data/imports/{}", row.id),
            id: row.id.to_string(),
            title: row.name,
            detail: row.state,
        }));
    }
    Ok(Json(FoundList { rows }))
}
