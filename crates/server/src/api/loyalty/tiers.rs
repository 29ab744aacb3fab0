//! Where members stand on the programme's ladders, what is missing, and the tiers that staff give.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_domain::calendar::Interval;
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::tiers::{self, MatchRow};
use rapport_loyalty::tiers::{Ladder, Move, Next, Progress, Standing};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::find;
use super::{missing, named};
use crate::api::members::instant_of;
use crate::api::segments::user_names;
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;
use crate::tiers::{Ladders, Life, Lives, review};

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_tiers))
        .routes(routes!(tier_members))
        .routes(routes!(member_tiers))
        .routes(routes!(match_tier, end_tier_match))
}

const REASON_MAX: usize = 500;

/// How far somebody is with something that a tier needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierProgress {
    measure: String,
    #[schema(value_type = String)]
    have: Decimal,
    #[schema(value_type = String)]
    at_least: Decimal,
    #[schema(value_type = String)]
    missing: Decimal,
}

impl From<Progress> for TierProgress {
    fn from(it: Progress) -> Self {
        Self { measure: it.measure, have: it.have, at_least: it.at_least, missing: it.missing }
    }
}

/// What can be said of when the next tier is reached.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierForecast {
    /// `reached`: at this pace, at `at`; `not_reached`: at this pace not before what was done stops counting; `too_early`: there is too little to say; `condition`: it needs one, which has no pace.
    outlook: String,
    at: Option<String>,
}

/// The next tier.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextTier {
    tier: String,
    name: String,
    /// Each thing that it needs.
    progress: Vec<TierProgress>,
    /// What is missing on the shortest way: of `any` what they are furthest with, of `all` what holds them up.
    missing: Option<TierProgress>,
    forecast: TierForecast,
}

impl NextTier {
    fn of(ladder: &Ladder, next: Next) -> Self {
        Self {
            name: name(ladder, Some(&next.tier)).unwrap_or_default(),
            tier: next.tier,
            progress: next.progress.into_iter().map(TierProgress::from).collect(),
            missing: next.missing.map(TierProgress::from),
            forecast: TierForecast {
                outlook: next.forecast.outlook.key().to_owned(),
                at: optional_time(next.forecast.at),
            },
        }
    }
}

/// Something that happened to a tier.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierMove {
    at: String,
    from: Option<String>,
    to: Option<String>,
    /// `reached`, `lost` or `kept`.
    kind: String,
    /// `counted`, `period_over`, `lapsed`, `grace_over`, `ladder_changed`, `matched` or `match_over`.
    why: String,
    /// When it turned out not to be so, because something went back or was heard of late.
    restated_at: Option<String>,
}

impl From<Move> for TierMove {
    fn from(it: Move) -> Self {
        let (kind, why) = (it.kind.key().to_owned(), it.why.key().to_owned());
        Self { at: time(it.at), from: it.from, to: it.to, kind, why, restated_at: None }
    }
}

impl From<tiers::MoveRow> for TierMove {
    fn from(row: tiers::MoveRow) -> Self {
        let tiers::MoveRow { kind, why, from_tier, to_tier, moved_at, restated_at, .. } = row;
        Self { at: time(moved_at), from: from_tier, to: to_tier, kind, why, restated_at: optional_time(restated_at) }
    }
}

/// A tier that staff gave.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierMatch {
    tier: String,
    from: String,
    until: String,
    reason: String,
    given_by: String,
    /// Who ended it early.
    ended_by: Option<String>,
}

/// How much there is of something that a ladder counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierMeasure {
    measure: String,
    name: String,
    #[schema(value_type = String)]
    have: Decimal,
}

/// Where a member stands on a ladder, as of now.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberTier {
    ladder: String,
    name: String,
    tier: Option<String>,
    tier_name: Option<String>,
    /// The tier by what they did, where staff gave a higher one.
    earned: Option<String>,
    /// Since when they have it; null without one.
    since: Option<String>,
    /// When it goes if nothing more happens; null when it does not.
    until: Option<String>,
    /// Until when they may still catch up.
    grace_until: Option<String>,
    /// From when on what they do counts; null when all of time does.
    counts_from: Option<String>,
    /// When that begins anew.
    period_end: Option<String>,
    /// What counts, within the period.
    measures: Vec<TierMeasure>,
    /// Null at the top.
    next: Option<NextTier>,
    /// The latest first.
    moves: Vec<TierMove>,
    /// What staff gave, the latest first.
    matches: Vec<TierMatch>,
}

fn name(ladder: &Ladder, tier: Option<&str>) -> Option<String> {
    ladder.place(tier?).map(|place| ladder.tiers[place].name.clone())
}

impl MemberTier {
    fn of(ladder: &Ladder, standing: Standing, next: Option<Next>) -> Self {
        let measure = |(key, have): (String, i64)| TierMeasure {
            name: ladder.measure(&key).map_or_else(String::new, |it| it.name.clone()),
            measure: key,
            have: Decimal::from_micros(have),
        };
        Self {
            ladder: ladder.key.clone(),
            name: ladder.name.clone(),
            tier_name: name(ladder, standing.tier.as_deref()),
            since: standing.tier.as_ref().map(|_| time(standing.since)),
            tier: standing.tier,
            earned: standing.earned,
            until: optional_time(standing.until),
            grace_until: optional_time(standing.grace_until),
            counts_from: Some(standing.counts_from).filter(|at| *at > Timestamp(i64::MIN)).map(time),
            period_end: optional_time(standing.period_end),
            measures: standing.have.into_iter().map(measure).collect(),
            next: next.map(|next| NextTier::of(ladder, next)),
            moves: standing.moves.into_iter().rev().map(TierMove::from).collect(),
            matches: Vec::new(),
        }
    }
}

/// What is known of a member for all ladders.
pub(super) async fn life(app: &App, caller: &Caller, ladders: &Ladders<'_>, id: &str) -> Result<Life, Problem> {
    let member = find(app, caller, id).await?;
    let mut db = app.installation.store.read();
    let lives = Lives::read(ladders, &mut db, caller.workspace, vec![member]).await.map_err(Problem::internal)?;
    lives.list.into_iter().next().ok_or_else(|| Problem::not_found("member"))
}

/// Says where a member stands on each ladder as of now, what is missing to the next tier, and when it is reached at this pace.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/tiers", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_tiers", params(("member_id" = String, Path)), responses((status = 200, body = Rows<MemberTier>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_tiers(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<Rows<MemberTier>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let users = user_names(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let Some(ladders) = Ladders::of(&programs).map_err(Problem::internal)? else {
        find(&app, &caller, &member_id).await?;
        return Ok(Json(Rows { rows: Vec::new() }));
    };
    let life = life(&app, &caller, &ladders, &member_id).await?;
    let now = app.now();
    let given = tiers::matches(&mut db, caller.workspace, &[life.member.member]).await?;
    let mut rows = Vec::new();
    for ladder in &ladders.program.ladders {
        let Some(course) = ladders.course(&ladder.key, &life) else { continue };
        let standing = course.standing(now);
        let next = course.next(&standing, now);
        let mut row = MemberTier::of(ladder, standing, next);
        let kept = tiers::moves(&mut db, caller.workspace, life.member.member, &ladder.key).await?;
        row.moves.extend(kept.into_iter().filter(|it| it.restated_at.is_some()).map(TierMove::from));
        row.moves.sort_by(|one, other| other.at.cmp(&one.at));
        let own = given.iter().rev().filter(|it| it.ladder == ladder.key);
        row.matches = own.map(|it| matched(it, |id| named(&users, id))).collect();
        rows.push(row);
    }
    Ok(Json(Rows { rows }))
}

fn matched(row: &MatchRow, named: impl Fn(&str) -> String) -> TierMatch {
    TierMatch {
        tier: row.tier.clone(),
        from: time(row.given_at),
        until: time(row.until),
        reason: row.reason.clone(),
        given_by: named(&row.given_by),
        ended_by: row.ended_by.as_deref().map(named),
    }
}

/// How many members have a tier, and how many came and went this month.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierCount {
    tier: String,
    name: String,
    members: i64,
    /// Who reached it this month.
    reached: i64,
    /// Who lost it this month.
    lost: i64,
    /// Who was found to hold it this month.
    kept: i64,
}

/// A ladder and who stands on it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LadderCounts {
    ladder: String,
    name: String,
    /// From the lowest to the highest.
    tiers: Vec<TierCount>,
    /// Members below the first tier.
    none: i64,
    /// Since when this month is.
    month_from: String,
}

/// Says how many members stand on each tier, and how many came and went this month.
#[utoipa::path(get, path = "/api/v1/loyalty/tiers", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_tiers", responses((status = 200, body = Rows<LadderCounts>)))]
pub async fn loyalty_tiers(State(app): State<App>, caller: Caller) -> Result<Json<Rows<LadderCounts>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let Some(ladders) = Ladders::of(&programs).map_err(Problem::internal)? else {
        return Ok(Json(Rows { rows: Vec::new() }));
    };
    let now = app.now();
    let from = ladders.calendar.floor(now, Interval::Month);
    let mut rows = Vec::new();
    for ladder in &ladders.program.ladders {
        let counts = tiers::members_per_tier(&mut db, caller.workspace, &ladder.key).await?;
        let counts: BTreeMap<Option<String>, i64> = counts.into_iter().collect();
        let moves = tiers::moves_between(&mut db, caller.workspace, &ladder.key, (from, now.plus(1))).await?;
        let sum = |tier: &str, kind: &str, lost: bool| {
            let of = |it: &&(Option<String>, Option<String>, String, i64)| {
                let which = if lost { it.0.as_deref() } else { it.1.as_deref() };
                which == Some(tier) && it.2 == kind
            };
            moves.iter().filter(of).map(|it| it.3).sum()
        };
        let count = |tier: &rapport_loyalty::tiers::Tier| TierCount {
            tier: tier.key.clone(),
            name: tier.name.clone(),
            members: counts.get(&Some(tier.key.clone())).copied().unwrap_or(0),
            reached: sum(&tier.key, "reached", false),
            lost: sum(&tier.key, "lost", true),
            kept: sum(&tier.key, "kept", false),
        };
        rows.push(LadderCounts {
            ladder: ladder.key.clone(),
            name: ladder.name.clone(),
            tiers: ladder.tiers.iter().map(count).collect(),
            none: counts.get(&None).copied().unwrap_or(0),
            month_from: time(from),
        });
    }
    Ok(Json(Rows { rows }))
}

/// A member of a tier.
#[derive(Debug, Serialize, ToSchema)]
pub struct TierMember {
    member_id: String,
    since: String,
    until: Option<String>,
    next_tier: Option<String>,
    /// How much is missing to it on the shortest way.
    #[schema(value_type = Option<String>)]
    missing: Option<Decimal>,
    missing_of: Option<String>,
}

/// Lists who stands on a tier, as it was last reckoned.
#[utoipa::path(get, path = "/api/v1/loyalty/tiers/{ladder}/{tier}/members", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "tier_members", params(("ladder" = String, Path), ("tier" = String, Path), PageQuery), responses((status = 200, body = Page<TierMember>)))]
pub async fn tier_members(
    State(app): State<App>,
    caller: Caller,
    Path((ladder, tier)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<TierMember>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let rows = tiers::on_tier(&mut db, caller.workspace, (&ladder, &tier), page.position()?, page.limit() + 1).await?;
    let page = Page::cut(rows, page.limit(), |it| it.member);
    Ok(Json(page.map(|it| TierMember {
        member_id: it.member.to_string(),
        since: time(it.since),
        until: optional_time(it.until),
        next_tier: it.next_tier,
        missing: it.missing.map(Decimal::from_micros),
        missing_of: it.missing_of,
    })))
}

/// A tier to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierMatchBody {
    tier: String,
    /// Until when: a time to come, at most five years away.
    until: String,
    /// Why: "holds the other club's gold card". Up to 500 characters.
    reason: String,
}

const FARTHEST: i64 = 5 * 366 * Timestamp::DAY;

/// Gives a member a tier until a time, whatever they did. What they earn meanwhile counts; who gave it and why is kept and shown.
#[utoipa::path(put, path = "/api/v1/loyalty/members/{member_id}/tiers/{ladder}/match", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "match_tier", params(("member_id" = String, Path), ("ladder" = String, Path)), request_body = TierMatchBody, responses((status = 200, body = Rows<MemberTier>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn match_tier(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, ladder)): Path<(String, String)>,
    Json(body): Json<TierMatchBody>,
) -> Result<Json<Rows<MemberTier>>, Problem> {
    caller.require(Permission::PostPoints)?;
    let now = app.now();
    let until = instant_of("until", &body.until)?;
    if until <= now || until > now.plus(FARTHEST) {
        return Err(Problem::invalid("until", "is a time to come, at most five years away"));
    }
    let reason = body.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX || reason.contains('\0') {
        return Err(Problem::invalid("reason", "says why, in up to 500 characters"));
    }
    let row = |member: MemberId| MatchRow {
        member: member.0,
        number: 0,
        ladder: ladder.clone(),
        tier: body.tier.clone(),
        given_at: now,
        until,
        reason: reason.to_owned(),
        given_by: caller.id().as_str().to_owned(),
        ended_by: None,
    };
    change(&app, &caller, (&member_id, &ladder), Some(&body.tier), row).await?;
    member_tiers(State(app), caller, Path(member_id)).await
}

/// Takes back the tier that staff gave a member on a ladder.
#[utoipa::path(delete, path = "/api/v1/loyalty/members/{member_id}/tiers/{ladder}/match", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "end_tier_match", params(("member_id" = String, Path), ("ladder" = String, Path)), responses((status = 200, body = Rows<MemberTier>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn end_tier_match(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, ladder)): Path<(String, String)>,
) -> Result<Json<Rows<MemberTier>>, Problem> {
    caller.require(Permission::PostPoints)?;
    let by = caller.id().as_str().to_owned();
    let now = app.now();
    let row = |member: MemberId| MatchRow {
        member: member.0,
        number: 0,
        ladder: ladder.clone(),
        tier: String::new(),
        given_at: now,
        until: now,
        reason: String::new(),
        given_by: by.clone(),
        ended_by: None,
    };
    change(&app, &caller, (&member_id, &ladder), None, row).await?;
    member_tiers(State(app), caller, Path(member_id)).await
}

/// Gives a tier, or ends what was given, and reckons anew where the member stands.
async fn change(
    app: &App,
    caller: &Caller,
    (member_id, ladder): (&str, &str),
    tier: Option<&str>,
    row: impl Fn(MemberId) -> MatchRow,
) -> Result<(), Problem> {
    let installation = &app.installation;
    let programs = installation.programs.get(&mut installation.store.read(), caller.workspace).await?;
    let ladders = Ladders::of(&programs).map_err(Problem::internal)?.ok_or_else(missing)?;
    let plan = ladders.program.ladder(ladder).ok_or_else(|| Problem::not_found("ladder"))?;
    if let Some(tier) = tier
        && plan.place(tier).is_none()
    {
        return Err(Problem::invalid("tier", "is one of the ladder's tiers"));
    }
    let member = find(app, caller, member_id).await?;
    let row = row(member.member);
    let now = row.given_at;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    if tier.is_some() {
        tiers::give(&mut tx, caller.workspace, &row).await?;
    } else if !tiers::end(&mut tx, caller.workspace, member.member, ladder, now, &row.given_by).await? {
        return Err(Problem::not_found("status match"));
    }
    review(&ladders, &mut tx, caller.workspace, vec![member], (now, false)).await.map_err(Problem::internal)?;
    tx.commit().await?;
    Ok(())
}
