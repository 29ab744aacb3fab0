//! Partners: their documents, and what they tell of members.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Timestamp;
use rapport_loyalty::Document;
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::document::State as DocumentState;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::partners::{Partner, Refusal, Told, Way};
use rapport_loyalty::records::cards;
use rapport_loyalty::records::documents as versions;
use rapport_loyalty::records::documents::{Saved, Version};
use rapport_loyalty::records::partners::{self, Asked, Line, Return};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::liability::month_word;
use super::members::number;
use super::redemptions::{Present, short};
use super::{documents, named};
use crate::api::members::instant_of;
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_partners))
        .routes(routes!(save_loyalty_partner))
        .routes(routes!(loyalty_partner_versions))
        .routes(routes!(earn_at_partner))
        .routes(routes!(burn_at_partner))
        .routes(routes!(return_at_partner))
}

/// A partner as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyPartner {
    key: String,
    /// From 1: send it back when saving.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`; only a live one is active.
    state: String,
    /// What it says; the guide Partners describes it.
    #[schema(value_type = Object)]
    partner: Value,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
    /// In the list: what the partner owes now, over all months; below 0 it is owed that.
    balance: Option<String>,
    /// In the list: the first month that is over and can be closed, `2026-05`; null when none waits.
    to_close: Option<String>,
}

impl LoyaltyPartner {
    fn of(row: Version<Partner>, users: &Names) -> Result<Self, Problem> {
        Ok(Self {
            key: row.document.key.clone(),
            version: row.version,
            state: row.state.key().to_owned(),
            partner: serde_json::to_value(row.document).map_err(Problem::internal)?,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
            balance: None,
            to_close: None,
        })
    }
}

/// Which partners.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LoyaltyPartnersQuery {
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// Lists the partners, with what each owes.
#[utoipa::path(get, path = "/api/v1/loyalty/partners", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_partners", params(LoyaltyPartnersQuery), responses((status = 200, body = Rows<LoyaltyPartner>)))]
pub async fn loyalty_partners(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LoyaltyPartnersQuery>,
) -> Result<Json<Rows<LoyaltyPartner>>, Problem> {
    let rows = documents::list(&app, &caller, query.ended).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<Vec<_>, Problem> = rows.into_iter().map(|row| LoyaltyPartner::of(row, &users)).collect();
    let mut rows = rows?;
    if !rows.is_empty() {
        let present = Present::read(&app, caller.workspace).await?;
        let scene = present.scene(&app, caller.workspace)?;
        let mut db = app.installation.store.snapshot().await?;
        for row in &mut rows {
            let standing = partners::standing(&mut db, scene, &row.key).await?;
            row.balance = Some(decimal(standing.balance));
            row.to_close = standing.to_close.map(month_word);
        }
    }
    Ok(Json(Rows { rows }))
}

/// Lists every version of a partner, the latest first: which prices were in force when.
#[utoipa::path(get, path = "/api/v1/loyalty/partners/{key}/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_partner_versions", params(("key" = String, Path)), responses((status = 200, body = Rows<LoyaltyPartner>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_partner_versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<LoyaltyPartner>>, Problem> {
    let rows = documents::versions(&app, &caller, &key).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyPartner::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// A partner to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyPartnerBody {
    /// The version that was looked at; 0 of a new one.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says, without its key.
    #[schema(value_type = Object)]
    partner: Value,
    /// From when on it holds: now, unless said, and never before now. A contract's next prices can be saved before they begin.
    #[serde(default)]
    in_force_from: Option<String>,
}

/// Saves a partner as a new version. What happened before it holds is settled by the prices of that time.
#[utoipa::path(put, path = "/api/v1/loyalty/partners/{key}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_loyalty_partner", params(("key" = String, Path)), request_body = LoyaltyPartnerBody, responses((status = 200, body = LoyaltyPartner), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_loyalty_partner(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<LoyaltyPartnerBody>,
) -> Result<Json<LoyaltyPartner>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let document = Partner::from_json(documents::complete("partner", &key, body.partner, None)?)?;
    let wrong = || Problem::invalid("state", "is one of draft, live, paused, ended");
    let state = DocumentState::read(&body.state).ok_or_else(wrong)?;
    let now = app.now();
    let from = body.in_force_from.as_deref().map(|text| instant_of("in_force_from", text)).transpose()?.unwrap_or(now);
    if from < now {
        return Err(Problem::invalid(
            "in_force_from",
            "must not be in the past: what happened was settled by what held then",
        ));
    }
    let by = caller.id().as_str();
    let saved = Saved { in_force_from: from, at: now, by };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    partners::save(&mut tx, caller.workspace, (&document, state), body.version, saved).await?;
    tx.commit().await?;
    let row = Version {
        version: body.version + 1,
        state,
        document,
        in_force_from: from,
        saved_at: now,
        saved_by: by.to_owned(),
    };
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(LoyaltyPartner::of(row, &users)?))
}

/// A line of a partner.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerLine {
    line_id: String,
    /// The partner's own reference.
    reference: String,
    /// `given`, `burned`, `given_back`, `burned_back` or `payment`.
    kind: String,
    /// The reference of the line of which it comes back.
    of_reference: Option<String>,
    member_id: Option<String>,
    /// In the list: what the member is called; null when they were forgotten.
    member_name: Option<String>,
    wallet: String,
    /// How many points moved.
    points: i64,
    /// How many that were to come back were forgiven, by the wallet's policy.
    short: i64,
    /// What was told in money.
    amount: Option<String>,
    /// What a point costs, by the partner's version that was in force.
    price: String,
    /// What the points cost; of a payment what was paid, below 0 to the partner.
    money: String,
    currency: String,
    /// How many of its points are back or forgiven by now.
    returned: i64,
    occurred_at: String,
    recorded_at: String,
    /// The month of whose statement it is: `2026-05`.
    month: String,
    /// Whether it happened in an earlier month, which was closed when it was told.
    is_late: bool,
    /// The number of its first operation in the ledger.
    operation: Option<i64>,
    /// The partner's version that was in force.
    version: i64,
}

fn decimal(micros: i64) -> String {
    rapport_domain::money::format_micros(micros)
}

impl PartnerLine {
    /// With what the member is called.
    pub(super) fn named(self, member_name: Option<String>) -> Self {
        Self { member_name, ..self }
    }

    pub(super) fn of(it: Line, currency: &str) -> Self {
        Self {
            line_id: it.line,
            reference: it.reference,
            kind: it.kind,
            of_reference: Some(it.of_reference).filter(|of| !of.is_empty()),
            member_id: it.member.map(|member| member.to_string()),
            member_name: None,
            wallet: it.wallet,
            points: it.points,
            short: it.short,
            amount: it.amount.map(decimal),
            price: decimal(it.price),
            money: decimal(it.money),
            currency: currency.to_owned(),
            returned: it.returned,
            occurred_at: time(it.occurred_at),
            recorded_at: time(it.recorded_at),
            month: month_word(it.month),
            is_late: it.own_month < it.month,
            operation: it.operation,
            version: it.version,
        }
    }
}

/// A refusal with its code and status.
pub(super) fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::PartnerUnknown | Refusal::MemberUnknown | Refusal::ReferenceUnknown => StatusCode::NOT_FOUND,
        Refusal::NoAmount | Refusal::NoRate | Refusal::TooLittle | Refusal::TooMuch | Refusal::InTheFuture => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Refusal::Ledger(it) if !it.uses_up_the_id() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    };
    Problem::new(
        status,
        refusal.code(),
        super::sentence(refusal),
        "Nothing was done; the guide Partners says what each refusal means.",
    )
}

/// The partner as it is now.
pub(super) async fn partner(app: &App, caller: &Caller, key: &str) -> Result<Partner, Problem> {
    let found = versions::versions_of::<Partner>(&mut app.installation.store.read(), caller.workspace, key).await?;
    found.into_iter().next_back().map(|it| it.document).ok_or_else(|| refused(Refusal::PartnerUnknown))
}

/// The same, for whoever tells of members: a partner's own key opens only the door of the partner whose document names it.
async fn own(app: &App, caller: &Caller, key: &str) -> Result<Partner, Problem> {
    caller.require(Permission::TellPartners)?;
    let found = partner(app, caller, key).await?;
    if caller.may(Permission::ServeMembers) || found.keys.iter().any(|it| it == caller.id().as_str()) {
        return Ok(found);
    }
    Err(refused(Refusal::PartnerUnknown))
}

/// How much it is, of what was said.
fn told(points: Option<i64>, amount: Option<Decimal>) -> Result<Option<Told>, Problem> {
    match (points, amount) {
        (Some(_), Some(_)) => Err(Problem::invalid("amount", "is said in `points` or in `amount`, not in both")),
        (Some(points), None) => Ok(Some(Told::Points(points))),
        (None, Some(amount)) => Ok(Some(Told::Amount(amount.micros()))),
        (None, None) => Ok(None),
    }
}

/// What a member earned or burned at a partner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AtPartnerBody {
    /// The partner's own reference, up to 255 bytes and without personal data: the same again is answered the same, for ever, and done once.
    reference: String,
    /// Whose: a member's number.
    #[serde(default)]
    member_id: Option<String>,
    /// Or the card that they showed.
    #[serde(default)]
    card: Option<String>,
    /// How many points.
    #[serde(default)]
    points: Option<i64>,
    /// Or for how much money, in the partner's currency: its rate makes points of it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    amount: Option<Decimal>,
    /// When it happened; now, unless said.
    #[serde(default)]
    occurred_at: Option<String>,
}

/// Whom the partner means; why nobody, where it is nobody.
async fn member(app: &App, caller: &Caller, body: &AtPartnerBody) -> Result<Result<MemberId, Problem>, Problem> {
    match (&body.member_id, &body.card) {
        (Some(id), None) => Ok(number(id).map_err(|_| refused(Refusal::MemberUnknown))),
        (None, Some(card)) => {
            let holder = cards::holder(&mut app.installation.store.read(), caller.workspace, card).await?;
            Ok(holder.map_err(super::cards::refused))
        }
        _ => Err(Problem::invalid("member_id", "say whose it is: `member_id` or `card`, one of them")),
    }
}

fn occurred(text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    text.map(|text| instant_of("occurred_at", text)).transpose()
}

async fn tell(
    app: &App,
    caller: &Caller,
    (key, way): (&str, Way),
    body: &AtPartnerBody,
) -> Result<Json<PartnerLine>, Problem> {
    let partner = own(app, caller, key).await?;
    short("reference", &body.reference)?;
    let told = told(body.points, body.amount)?;
    let told = told.ok_or_else(|| Problem::invalid("points", "say how much it is: `points` or `amount`"))?;
    let occurred_at = occurred(body.occurred_at.as_deref())?;
    let whose = member(app, caller, body).await?;
    let asked = Asked {
        partner: key,
        reference: &body.reference,
        way,
        member: whose.as_ref().ok().copied(),
        told,
        occurred_at,
        by: caller.id().as_str(),
    };
    let present = Present::read(app, caller.workspace).await?;
    let scene = present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = partners::tell(&mut tx, scene, asked).await?;
    tx.commit().await?;
    match (outcome, whose) {
        (Ok(line), _) => Ok(Json(PartnerLine::of(line, partner.currency.as_str()))),
        // What is wrong with the card says more.
        (Err(Refusal::MemberUnknown), Err(problem)) => Err(problem),
        (Err(refusal), _) => Err(refused(refusal)),
    }
}

/// Gives a member the points that they earned at a partner, at the price of the time when it happened. It answers when it is on the disk; a reference answers for ever.
#[utoipa::path(post, path = "/api/v1/loyalty/partners/{key}/earn", security(("caller" = ["tell_partners"])), tag = "loyalty", operation_id = "earn_at_partner", params(("key" = String, Path)), request_body = AtPartnerBody, responses((status = 200, body = PartnerLine), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn earn_at_partner(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<AtPartnerBody>,
) -> Result<Json<PartnerLine>, Problem> {
    tell(&app, &caller, (&key, Way::Given), &body).await
}

/// Takes the points that a member pays with at a partner. It answers when it is on the disk; a reference answers for ever, also one that was refused.
#[utoipa::path(post, path = "/api/v1/loyalty/partners/{key}/burn", security(("caller" = ["tell_partners"])), tag = "loyalty", operation_id = "burn_at_partner", params(("key" = String, Path)), request_body = AtPartnerBody, responses((status = 200, body = PartnerLine), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn burn_at_partner(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<AtPartnerBody>,
) -> Result<Json<PartnerLine>, Problem> {
    tell(&app, &caller, (&key, Way::Burned), &body).await
}

/// What comes back at a partner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnAtPartnerBody {
    /// The partner's own reference of what comes back: the same again is the same.
    reference: String,
    /// The reference under which it was earned or burned.
    of: String,
    /// How many of its points; all that are left, unless said.
    #[serde(default)]
    points: Option<i64>,
    /// Or for how much of its money, this time: parts come to the whole, to the point.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    amount: Option<Decimal>,
    /// When it happened; now, unless said.
    #[serde(default)]
    occurred_at: Option<String>,
}

/// Takes back what was earned at a partner, or gives back what was burned there, in whole or in parts.
#[utoipa::path(post, path = "/api/v1/loyalty/partners/{key}/returns", security(("caller" = ["tell_partners"])), tag = "loyalty", operation_id = "return_at_partner", params(("key" = String, Path)), request_body = ReturnAtPartnerBody, responses((status = 200, body = PartnerLine), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn return_at_partner(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ReturnAtPartnerBody>,
) -> Result<Json<PartnerLine>, Problem> {
    let partner = own(&app, &caller, &key).await?;
    short("reference", &body.reference)?;
    short("of", &body.of)?;
    let asked = Return {
        partner: &key,
        reference: &body.reference,
        of: &body.of,
        told: told(body.points, body.amount)?,
        occurred_at: occurred(body.occurred_at.as_deref())?,
        by: caller.id().as_str(),
    };
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = partners::take_back(&mut tx, scene, asked).await?;
    tx.commit().await?;
    Ok(Json(PartnerLine::of(outcome.map_err(refused)?, partner.currency.as_str())))
}
