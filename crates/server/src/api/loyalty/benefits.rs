//! What tiers are worth having for: who may use what, what was used, and what it cost.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Timestamp;
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::earning;
use rapport_loyalty::ledger::Standing;
use rapport_loyalty::records::benefits::{self, Recorded, UseRow};
use rapport_loyalty::tiers::{Benefit, Ladder};
use rapport_segments::{EventView, Moment, evaluate};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::find;
use super::tiers::life;
use super::{missing, named};
use crate::api::members::instant;
use crate::api::segments::user_names;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::knowing::Known;
use crate::problem::Problem;
use crate::tiers::{Ladders, Life};

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(benefit_totals))
        .routes(routes!(member_benefits))
        .routes(routes!(use_benefit))
        .routes(routes!(benefit_uses))
}

const ID_MAX: usize = 255;
const REFERENCE_MAX: usize = 200;

/// A benefit as a member has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberBenefit {
    ladder: String,
    benefit: String,
    name: String,
    /// `service`, `access`, `discount`, `early_access`, `content` or `charity`.
    kind: String,
    words: String,
    /// Whether they may use it now.
    may_use: bool,
    /// Why not: `tier`, `condition`, `used_up` or `blocked`.
    why_not: Option<String>,
    /// How often it was used in this period.
    used: i64,
    /// How often it can be; null when as often as they like.
    most: Option<u32>,
    /// In which period: `day`, `week`, `month`, `year` or `ever`.
    every: Option<String>,
}

/// What is known of a member and a benefit.
struct Look<'a> {
    ladder: &'a Ladder,
    benefit: &'a Benefit,
    /// On which tier they are, where it gives the benefit.
    tier: Option<String>,
    period: String,
    used: i64,
    why_not: Option<&'static str>,
}

/// Looks whether a member may use something now.
async fn look<'a>(
    app: &App,
    caller: &Caller,
    ladders: &Ladders<'a>,
    life: &Life,
    (ladder, benefit): (&'a Ladder, &'a Benefit),
) -> Result<Look<'a>, Problem> {
    let now = app.now();
    let mut db = app.installation.store.read();
    let tier = ladders.course(&ladder.key, life).and_then(|course| course.standing(now).tier);
    let tier = tier.filter(|tier| benefit.tiers.contains(tier));
    let every = benefit.times.map_or(earning::Every::Ever, |times| times.every);
    let period = earning::Period::of(every, now, &ladders.calendar).key();
    let used = benefits::used(&mut db, caller.workspace, life.member.member, &benefit.key, &period).await?;
    let people: Vec<_> = life.member.person.into_iter().collect();
    let known = Known::read(&mut db, caller.workspace, &[&benefit.when], &people).await?;
    let moment = Moment { now, calendar: &ladders.calendar };
    let holds = life.member.person.is_some_and(|person| {
        let nothing = EventView::new("", now, &[]);
        known.with(person, nothing, |subject| evaluate::holds(&benefit.when, subject, moment))
    });
    let why_not = match () {
        () if life.member.standing != Standing::Active => Some("blocked"),
        () if tier.is_none() => Some("tier"),
        () if !holds => Some("condition"),
        () if benefit.times.is_some_and(|times| used >= i64::from(times.most)) => Some("used_up"),
        () => None,
    };
    Ok(Look { ladder, benefit, tier, period, used, why_not })
}

impl From<Look<'_>> for MemberBenefit {
    fn from(it: Look<'_>) -> Self {
        Self {
            ladder: it.ladder.key.clone(),
            benefit: it.benefit.key.clone(),
            name: it.benefit.name.clone(),
            kind: it.benefit.kind.key().to_owned(),
            words: it.benefit.words.clone(),
            may_use: it.why_not.is_none(),
            why_not: it.why_not.map(str::to_owned),
            used: it.used,
            most: it.benefit.times.map(|times| times.most),
            every: it.benefit.times.map(|times| times.every.key().to_owned()),
        }
    }
}

/// Lists the benefits of all ladders as a member has them now: which they may use, how often they did, and why not.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/benefits", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_benefits", params(("member_id" = String, Path)), responses((status = 200, body = Rows<MemberBenefit>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_benefits(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<Rows<MemberBenefit>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let programs = app.installation.programs.get(&mut app.installation.store.read(), caller.workspace).await?;
    let Some(ladders) = Ladders::of(&programs).map_err(Problem::internal)? else {
        find(&app, &caller, &member_id).await?;
        return Ok(Json(Rows { rows: Vec::new() }));
    };
    let life = life(&app, &caller, &ladders, &member_id).await?;
    let mut rows = Vec::new();
    for ladder in &ladders.program.ladders {
        for benefit in &ladder.benefits {
            rows.push(look(&app, &caller, &ladders, &life, (ladder, benefit)).await?.into());
        }
    }
    Ok(Json(Rows { rows }))
}

/// A use to be recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BenefitUseBody {
    /// Your own name for it, up to 255 bytes and without personal data: sent again it is answered the same and counted once.
    id: String,
    /// What it was used for: a number of the shop, up to 200 characters.
    #[serde(default)]
    reference: String,
}

/// A use of a benefit.
#[derive(Debug, Serialize, ToSchema)]
pub struct BenefitUse {
    id: String,
    ladder: String,
    benefit: String,
    /// On which tier they were.
    tier: String,
    /// In which period it counts.
    period: String,
    /// What it cost, in the programme's currency.
    #[schema(value_type = String)]
    cost: Decimal,
    reference: String,
    used_by: String,
    used_at: String,
}

impl BenefitUse {
    fn of(row: UseRow, named: impl Fn(&str) -> String) -> Self {
        Self {
            id: row.id,
            ladder: row.ladder,
            benefit: row.benefit,
            tier: row.tier,
            period: row.period,
            cost: Decimal::from_micros(row.cost),
            reference: row.reference,
            used_by: named(&row.used_by),
            used_at: time(row.used_at),
        }
    }
}

/// Records that a member used a benefit. Refused when they may not, also when the last use is asked for twice at the same time.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/benefits/{benefit}/uses", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "use_benefit", params(("member_id" = String, Path), ("benefit" = String, Path)), request_body = BenefitUseBody, responses((status = 200, body = BenefitUse), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn use_benefit(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, benefit)): Path<(String, String)>,
    Json(body): Json<BenefitUseBody>,
) -> Result<Json<BenefitUse>, Problem> {
    caller.require(Permission::PostPoints)?;
    if body.id.is_empty() || body.id.len() > ID_MAX || body.id.contains('\0') {
        return Err(Problem::invalid("id", "is a name of 1 to 255 bytes"));
    }
    if body.reference.chars().count() > REFERENCE_MAX || body.reference.contains('\0') {
        return Err(Problem::invalid("reference", "has at most 200 characters"));
    }
    let installation = &app.installation;
    let users = user_names(&app, caller.workspace).await?;
    let programs = installation.programs.get(&mut installation.store.read(), caller.workspace).await?;
    let ladders = Ladders::of(&programs).map_err(Problem::internal)?.ok_or_else(missing)?;
    let found = ladders.program.ladders.iter().find_map(|ladder| Some((ladder, ladder.benefit(&benefit)?)));
    let found = found.ok_or_else(|| Problem::not_found("benefit"))?;
    let life = life(&app, &caller, &ladders, &member_id).await?;
    let look = look(&app, &caller, &ladders, &life, found).await?;
    let row = UseRow {
        id: body.id,
        member: life.member.member.0,
        ladder: look.ladder.key.clone(),
        benefit: look.benefit.key.clone(),
        tier: look.tier.clone().unwrap_or_default(),
        period: look.period.clone(),
        cost: look.benefit.cost.map_or(0, Decimal::micros),
        reference: body.reference,
        used_by: caller.id().as_str().to_owned(),
        used_at: app.now(),
    };
    let may = look.why_not.is_none();
    // What was recorded before is answered the same, also to somebody who may not use it any more.
    let most = if may { look.benefit.times.map(|times| times.most) } else { Some(0) };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let recorded = benefits::record(&mut tx, caller.workspace, &row, most).await?;
    tx.commit().await?;
    let row = match recorded {
        Recorded::New => row,
        Recorded::Again(row) => row,
        Recorded::IdReused => {
            let text = "This id is that of another use.";
            return Err(Problem::conflict("id_reused", text, "Use an id of its own for each use."));
        }
        Recorded::UsedUp => return Err(refused(look.why_not)),
    };
    Ok(Json(BenefitUse::of(row, |id| named(&users, id))))
}

fn refused(why_not: Option<&str>) -> Problem {
    let (code, text, what_to_do) = match why_not {
        Some("blocked") => ("member_blocked", "The member is blocked or closed.", "Lift the block first."),
        Some("tier") => {
            ("benefit_not_of_tier", "The member's tier does not have this benefit.", "See which tiers have it.")
        }
        Some("condition") => (
            "benefit_not_eligible",
            "The benefit's condition does not hold of this member.",
            "See what the benefit asks for.",
        ),
        _ => (
            "benefit_used_up",
            "The benefit was used as often as it can be in this period.",
            "It can be used again in the next period.",
        ),
    };
    Problem::new(StatusCode::CONFLICT, code, text, what_to_do)
}

/// Lists what a member used, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/benefits/uses", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "benefit_uses", params(("member_id" = String, Path), PageQuery), responses((status = 200, body = Page<BenefitUse>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn benefit_uses(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<BenefitUse>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let users = user_names(&app, caller.workspace).await?;
    let member = find(&app, &caller, &member_id).await?.member;
    let after: Option<(i64, String)> = page.position()?;
    let after = after.map(|(at, id)| (Timestamp(at), id));
    let mut db = app.installation.store.read();
    let rows = benefits::of_member(&mut db, caller.workspace, member, after, page.limit() + 1).await?;
    let page = Page::cut(rows, page.limit(), |it| (it.used_at.0, it.id.clone()));
    Ok(Json(page.map(|it| BenefitUse::of(it, |id| named(&users, id)))))
}

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BenefitQuery {
    /// From then on; 30 days ago, unless said.
    from: Option<String>,
    /// Until before then; now, unless said.
    to: Option<String>,
}

/// What was used of a benefit.
#[derive(Debug, Serialize, ToSchema)]
pub struct BenefitTotal {
    ladder: String,
    benefit: String,
    name: String,
    kind: String,
    uses: i64,
    /// In the programme's currency.
    #[schema(value_type = String)]
    cost: Decimal,
    /// Uses by tier.
    by_tier: BTreeMap<String, i64>,
}

/// Says how often each benefit was used in a time, and what it cost.
#[utoipa::path(get, path = "/api/v1/loyalty/benefits", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "benefit_totals", params(BenefitQuery), responses((status = 200, body = Rows<BenefitTotal>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn benefit_totals(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<BenefitQuery>,
) -> Result<Json<Rows<BenefitTotal>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let now = app.now();
    let from = instant("from", query.from.as_deref())?.unwrap_or_else(|| now.plus(-30 * Timestamp::DAY));
    let to = instant("to", query.to.as_deref())?.unwrap_or_else(|| now.plus(1));
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let ladders = programs.latest().map_or(&[][..], |it| it.program.ladders.as_slice());
    let mut rows = Vec::new();
    for ladder in ladders {
        let totals = benefits::totals(&mut db, caller.workspace, &ladder.key, (from, to)).await?;
        let of = |benefit: &Benefit| {
            let own = || totals.iter().filter(|it| it.0 == benefit.key);
            BenefitTotal {
                ladder: ladder.key.clone(),
                benefit: benefit.key.clone(),
                name: benefit.name.clone(),
                kind: benefit.kind.key().to_owned(),
                uses: own().map(|it| it.2).sum(),
                cost: Decimal::from_micros(own().map(|it| it.3).fold(0, i64::saturating_add)),
                by_tier: own().map(|it| (it.1.clone(), it.2)).collect(),
            }
        };
        rows.extend(ladder.benefits.iter().map(of));
    }
    Ok(Json(Rows { rows }))
}
