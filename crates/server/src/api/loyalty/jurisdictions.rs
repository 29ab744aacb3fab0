//! Where the law says when points may lapse: whom it concerns, and what is given back that lapsed before it was known.

use std::collections::{BTreeMap, HashMap};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::{MemberId, WalletId};
use rapport_loyalty::records::jurisdictions::{self, Asked, GivenBack, Lapsed};
use rapport_loyalty::records::wallets;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::alone;
use super::members::number;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// Members looked at with one request.
const TOGETHER: u32 = 100;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(loyalty_jurisdictions)).routes(routes!(give_back_lapsed))
}

/// A jurisdiction of the programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyJurisdiction {
    key: String,
    name: String,
    /// How many members it concerns.
    members: i64,
}

/// Lists the jurisdictions of the programme and how many members each concerns.
#[utoipa::path(get, path = "/api/v1/loyalty/jurisdictions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_jurisdictions", responses((status = 200, body = Rows<LoyaltyJurisdiction>)))]
pub async fn loyalty_jurisdictions(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Rows<LoyaltyJurisdiction>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let counts = jurisdictions::counts(&mut db, caller.workspace).await?;
    let all = programs.latest().map_or(&[][..], |it| &it.program.jurisdictions);
    let row = |key: &str, name: &str| LoyaltyJurisdiction {
        key: key.to_owned(),
        name: name.to_owned(),
        members: counts.get(key).copied().unwrap_or(0),
    };
    Ok(Json(Rows { rows: all.iter().map(|it| row(&it.key, &it.name)).collect() }))
}

/// Which points are to be given back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveBackBody {
    /// What lapsed before stays lapsed.
    since: String,
    /// The `next` of the answer before, until it is null.
    #[serde(default)]
    after: Option<String>,
    /// Without it the answer only says what would be given back.
    #[serde(default)]
    confirmed: bool,
}

/// Points that lapsed though the law that is the member's now would not have let them.
#[derive(Debug, Serialize, ToSchema)]
pub struct LapsedPoints {
    member_id: String,
    wallet: Option<String>,
    points: i64,
    lapsed_at: String,
    /// The operation by which they lapsed.
    operation: i64,
}

/// What of it was found, for a part of the members.
#[derive(Debug, Serialize, ToSchema)]
pub struct LapsedPage {
    /// How many members were looked at.
    members: usize,
    /// What is to be given back, or was just now.
    rows: Vec<LapsedPoints>,
    /// Send it as `after`; null at the end.
    next: Option<String>,
}

impl LapsedPage {
    fn of(found: GivenBack, keys: &HashMap<WalletId, String>) -> Self {
        let row = |it: Lapsed| LapsedPoints {
            member_id: it.member.0.to_string(),
            wallet: keys.get(&it.wallet).cloned(),
            points: it.points,
            lapsed_at: time(it.at),
            operation: it.operation,
        };
        Self {
            members: found.members,
            rows: found.lapsed.into_iter().map(row).collect(),
            next: found.next.map(|it| it.0.to_string()),
        }
    }
}

/// Says what lapsed of the members whom a jurisdiction concerns though its law would not have let it, a hundred members at a time, and gives it back if that is confirmed. The same again gives nothing twice. More points of a wallet at once than your role may change alone are refused.
#[utoipa::path(post, path = "/api/v1/loyalty/jurisdictions/{key}/give-back", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "give_back_lapsed", params(("key" = String, Path)), request_body = GiveBackBody, responses((status = 200, body = LapsedPage), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn give_back_lapsed(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<GiveBackBody>,
) -> Result<Json<LapsedPage>, Problem> {
    caller.require(Permission::PostPoints)?;
    let since = Timestamp::parse(&body.since)
        .ok_or_else(|| Problem::invalid("since", "is a time such as 2027-01-31T00:00:00Z"))?;
    let after = body.after.as_deref().map_or(Ok(MemberId(i64::MIN)), number)?;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let program = programs.latest().map(|it| &it.program);
    let program = program.filter(|it| it.jurisdictions.iter().any(|law| law.key == key));
    let program = program.ok_or_else(|| Problem::not_found("jurisdiction"))?;
    let keys = wallets::keys(&mut db, caller.workspace).await?;
    let asked = Asked { jurisdiction: &key, since, after, most: TOGETHER };
    let found = if body.confirmed {
        let mut tx = app.installation.store.begin(Priority::Interactive).await?;
        let by = (caller.id().as_str(), app.now());
        let found = jurisdictions::give_back(&mut tx, caller.workspace, asked, by).await?;
        let mut sums: BTreeMap<WalletId, i64> = BTreeMap::new();
        for it in &found.lapsed {
            *sums.entry(it.wallet).or_default() += it.points;
        }
        // What somebody may not give alone is not committed.
        alone::check_each(&caller, program, &keys, &sums)?;
        tx.commit().await?;
        found
    } else {
        jurisdictions::lapsed(&mut db, caller.workspace, asked).await?
    };
    Ok(Json(LapsedPage::of(found, &keys)))
}
