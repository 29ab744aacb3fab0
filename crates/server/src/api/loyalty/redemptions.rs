//! Rewards that members redeem, and what becomes of them.

use std::sync::Arc;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents as versions;
use rapport_loyalty::records::programs::Programs;
use rapport_loyalty::records::redemptions::{self, Asked, Filter, Scene};
use rapport_loyalty::records::vouchers;
use rapport_loyalty::records::{challenges, gift_cards, households, leaderboards};
use rapport_loyalty::rewards::{Refusal, Reward, Wish};
use rapport_segments::{Condition, Moment};
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::gift_cards::acts::{PresentedGiftCard, presented};
use super::members::{find, number};
use super::{missing, own_ids};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::knowing::Known;
use crate::points::gifts;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_redemptions, redeem_reward))
        .routes(routes!(loyalty_redemption))
        .routes(routes!(pay_redemption))
        .routes(routes!(fulfil_redemption))
        .routes(routes!(fail_redemption))
        .routes(routes!(cancel_redemption))
        .routes(routes!(member_redemptions))
        .routes(routes!(loyalty_donations))
}

/// The programme as of now, for whoever writes.
pub(crate) struct Present {
    pub(crate) programs: Arc<Programs>,
    pub(crate) calendar: Calendar,
    now: Timestamp,
}

impl Present {
    pub(crate) async fn read(app: &App, workspace: WorkspaceId) -> Result<Self, Problem> {
        let programs = app.installation.programs.get(&mut app.installation.store.read(), workspace).await?;
        let calendar = programs.latest().ok_or_else(missing)?.program.calendar()?;
        Ok(Self { programs, calendar, now: app.now() })
    }

    pub(crate) fn program(&self) -> Result<&Program, Problem> {
        self.programs.latest().map(|latest| &latest.program).ok_or_else(missing)
    }

    pub(super) const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    pub(crate) fn challenges(&self, workspace: WorkspaceId) -> Result<challenges::Scene<'_>, Problem> {
        let (program, calendar, challenges) = (self.program()?, &self.calendar, &self.programs.challenges);
        Ok(challenges::Scene { workspace, program, calendar, challenges, now: self.now })
    }

    pub(crate) fn leaderboards(&self, workspace: WorkspaceId) -> Result<leaderboards::Scene<'_>, Problem> {
        let (leaderboards, challenges) = (&self.programs.leaderboards, &self.programs.challenges);
        let (program, calendar, now) = (self.program()?, &self.calendar, self.now);
        Ok(leaderboards::Scene { workspace, program, calendar, leaderboards, challenges, now })
    }

    pub(crate) fn scene<'a>(&'a self, app: &'a App, workspace: WorkspaceId) -> Result<Scene<'a>, Problem> {
        let (calendar, now, rng) = (&self.calendar, self.now, &*app.installation.rng);
        Ok(Scene { workspace, program: self.program()?, calendar, now, rng })
    }
}

/// A redemption.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyRedemption {
    redemption_id: String,
    /// The id that whoever asked gave it.
    id: String,
    member_id: String,
    reward: String,
    /// The reward's version that was in force.
    version: i64,
    /// `pool`, `code`, `discount`, `delivered`, `donation` or `gift_card`.
    kind: String,
    /// `requested`: not paid or not delivered yet; `fulfilled`, `used`, `failed`, `cancelled`, `expired`, `refused`.
    state: String,
    /// Why it was refused.
    refused: Option<String>,
    wallet: Option<String>,
    points: i64,
    /// The money part, in the programme's currency.
    #[schema(value_type = Option<String>)]
    money: Option<Decimal>,
    /// Whether it was given for nothing.
    is_surprise: bool,
    /// Whether what the member's own points did not pay may come from their household.
    household: bool,
    /// How many points the household was short of, if it was refused for that.
    missing: Option<i64>,
    requested_at: String,
    /// When it lapses unless it is paid, delivered or used before.
    due_at: Option<String>,
    /// Until before when the member may call it off.
    cancel_until: Option<String>,
    paid_at: Option<String>,
    settled_at: Option<String>,
    reference: String,
    reason: String,
    redeemed_by: String,
    /// Its codes, once it is the member's; only where one redemption is answered. The code of a gift card is in the answer to whoever makes it the member's, and nowhere else.
    codes: Vec<String>,
    /// The gift card that it is, once it is the member's; only where one redemption is answered.
    gift_card: Option<PresentedGiftCard>,
    /// What others of the household paid of its points; only where one redemption is answered.
    paid_by_others: Vec<PaidByOther>,
}

/// What another of the household paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaidByOther {
    member_id: String,
    points: i64,
    /// How many of them went back.
    returned: i64,
}

impl From<redemptions::Redemption> for LoyaltyRedemption {
    fn from(row: redemptions::Redemption) -> Self {
        Self {
            redemption_id: row.redemption,
            id: row.id,
            member_id: row.member.to_string(),
            reward: row.reward,
            version: row.version,
            kind: row.kind,
            state: row.state,
            refused: row.refused,
            wallet: Some(row.wallet).filter(|wallet| !wallet.is_empty()),
            points: row.points,
            money: row.money.map(Decimal::from_micros),
            is_surprise: row.is_surprise,
            household: row.is_household,
            missing: row.missing,
            requested_at: time(row.requested_at),
            due_at: optional_time(row.due_at),
            cancel_until: optional_time(row.cancel_until),
            paid_at: optional_time(row.paid_at),
            settled_at: optional_time(row.settled_at),
            reference: row.reference,
            reason: row.reason,
            redeemed_by: row.redeemed_by,
            codes: Vec::new(),
            gift_card: None,
            paid_by_others: Vec::new(),
        }
    }
}

/// A refusal with its code and status.
pub(super) fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::RewardUnknown | Refusal::MemberUnknown | Refusal::RedemptionUnknown | Refusal::ChangeUnknown => {
            StatusCode::NOT_FOUND
        }
        Refusal::Voucher(vouchers::Refusal::Unknown | vouchers::Refusal::UseUnknown) => StatusCode::NOT_FOUND,
        Refusal::Voucher(vouchers::Refusal::Mistyped) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Ledger(it) if !it.uses_up_the_id() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    };
    Problem::new(
        status,
        refusal.code(),
        super::sentence(refusal),
        "Nothing was done; the guide Rewards says what each refusal means.",
    )
}

/// Commits what was done, refusals included, and answers with the codes.
async fn answered(
    app: &App,
    workspace: WorkspaceId,
    tx: Tx,
    outcome: Result<redemptions::Redemption, Refusal>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    tx.commit().await?;
    Ok(Json(told(app, workspace, outcome.map_err(refused)?).await?))
}

/// Does something with a redemption that there is, and answers as [`answered`].
pub(super) async fn settled(
    app: &App,
    caller: &Caller,
    act: impl AsyncFnOnce(&mut Tx, Scene<'_>) -> redemptions::Outcome,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    let present = Present::read(app, caller.workspace).await?;
    let scene = present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = act(&mut tx, scene).await?;
    answered(app, caller.workspace, tx, outcome).await
}

/// A redemption with its codes, for whoever made it the member's: the first code of a gift card is made now, and told this once.
pub(super) async fn told(
    app: &App,
    workspace: WorkspaceId,
    row: redemptions::Redemption,
) -> Result<LoyaltyRedemption, Problem> {
    if row.kind != "gift_card" || row.state != "fulfilled" {
        return with_codes(app, workspace, row).await;
    }
    let present = Present::read(app, workspace).await?;
    let scene = present.scene(app, workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let key = gifts::card_key(&app.installation, &mut tx, workspace).await?;
    let code = gift_cards::first_code(&mut tx, scene, key, &row.redemption).await?;
    tx.commit().await?;
    let mut shown = with_codes(app, workspace, row).await?;
    shown.codes.extend(code);
    Ok(shown)
}

async fn with_codes(
    app: &App,
    workspace: WorkspaceId,
    row: redemptions::Redemption,
) -> Result<LoyaltyRedemption, Problem> {
    let mut db = app.installation.store.read();
    let given = vouchers::given_for(&mut db, workspace, &row.redemption).await?;
    let is_theirs = row.state != "requested";
    let codes = given.into_iter().filter(|_| is_theirs).map(|voucher| voucher.code).collect();
    let uses =
        if row.is_household { households::uses_of(&mut db, workspace, &row.redemption).await? } else { Vec::new() };
    let paid = uses.into_iter().map(|it| PaidByOther {
        member_id: it.giver.to_string(),
        points: it.points,
        returned: it.returned,
    });
    let paid_by_others = paid.collect();
    let card = match row.kind.as_str() {
        "gift_card" => gift_cards::for_redemption(&mut db, workspace, &row.redemption).await?,
        _ => None,
    };
    let gift_card = match card {
        Some(card) => Some(presented(app, workspace, card).await?),
        None => None,
    };
    Ok(LoyaltyRedemption { codes, gift_card, paid_by_others, ..LoyaltyRedemption::from(row) })
}

/// What is to be redeemed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemRewardBody {
    /// Your own name for it, up to 255 bytes and without personal data: the same again is answered the same, for ever, and done once.
    id: String,
    member_id: String,
    /// The reward's key.
    reward: String,
    /// The wallet to pay from; whichever price comes first, unless said.
    #[serde(default)]
    wallet: Option<String>,
    /// The points that the member was shown: another price is refused.
    #[serde(default)]
    points: Option<i64>,
    /// The money part that the member was shown.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    money: Option<Decimal>,
    /// For nothing, out of the reward's budget for surprises. Needs a reason.
    #[serde(default)]
    is_surprise: bool,
    /// Whether what the member's own points do not pay may come from their household, as the programme and its members let.
    #[serde(default)]
    household: bool,
    /// Why, in a few words; the member can see it.
    #[serde(default)]
    reason: String,
}

/// Redeems a reward for a member, whole or not at all; it answers when it is on the disk. An id answers for ever, also one that was refused.
#[utoipa::path(post, path = "/api/v1/loyalty/redemptions", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "redeem_reward", request_body = RedeemRewardBody, responses((status = 200, body = LoyaltyRedemption), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn redeem_reward(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RedeemRewardBody>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    caller.require(Permission::ServeMembers)?;
    if body.is_surprise && body.reason.trim().is_empty() {
        return Err(Problem::invalid("reason", "says why something is given for nothing"));
    }
    own_ids::refuse("id", &body.id, own_ids::REQUESTS)?;
    let asked = Asked {
        id: &body.id,
        member: number(&body.member_id).map_err(|_| refused(Refusal::MemberUnknown))?,
        reward: &body.reward,
        wish: Wish { wallet: body.wallet.as_deref(), points: body.points, money: body.money },
        is_surprise: body.is_surprise,
        with_household: body.household,
        by: caller.id().as_str(),
        reason: &body.reason,
    };
    let outcome = redeem(&app, caller.workspace, asked).await?;
    Ok(Json(told(&app, caller.workspace, outcome.map_err(refused)?).await?))
}

/// What is known of a member for whom conditions of rewards are asked.
pub(crate) struct Entitled {
    person: PersonId,
    known: Known,
}

impl Entitled {
    async fn read(app: &App, workspace: WorkspaceId, member: MemberId, reward: &str) -> Result<Self, Problem> {
        let mut db = app.installation.store.read();
        let found = rapport_loyalty::records::members::find(&mut db, workspace, member).await?;
        let all = versions::versions_of::<Reward>(&mut db, workspace, reward).await?;
        Self::of(app, workspace, found.and_then(|it| it.person), all.iter().map(|it| &it.document)).await
    }

    /// What these rewards ask of a person.
    pub(crate) async fn of<'a>(
        app: &App,
        workspace: WorkspaceId,
        person: Option<PersonId>,
        rewards: impl Iterator<Item = &'a Reward>,
    ) -> Result<Self, Problem> {
        let asked = rewards
            .flat_map(|reward| std::iter::once(&reward.when).chain(reward.prices.iter().map(|price| &price.when)));
        let conditions: Vec<&Condition> = asked.collect();
        let people: Vec<PersonId> = person.into_iter().collect();
        let known = Known::read(&mut app.installation.store.read(), workspace, &conditions, &people).await?;
        Ok(Self { person: person.unwrap_or(PersonId(0)), known })
    }

    /// Whether a condition holds for them.
    pub(crate) fn holds(&self, condition: &Condition, scene: Scene<'_>) -> bool {
        let moment = Moment { now: scene.now, calendar: scene.calendar };
        self.known.about(self.person, |subject| rapport_segments::evaluate::holds(condition, subject, moment))
    }
}

/// Asks for a reward, with what is known of the member now, and commits what came of it.
///
/// # Errors
/// The store's, or that there is no programme.
pub(crate) async fn redeem(
    app: &App,
    workspace: WorkspaceId,
    asked: Asked<'_>,
) -> Result<Result<redemptions::Redemption, Refusal>, Problem> {
    let present = Present::read(app, workspace).await?;
    let known = Entitled::read(app, workspace, asked.member, asked.reward).await?;
    let scene = present.scene(app, workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = redemptions::redeem(&mut tx, scene, asked, |condition| known.holds(condition, scene)).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Calls a redemption off because its member asks, and commits what came of it; one of somebody else is unknown.
///
/// # Errors
/// The store's, or that there is no programme.
pub(crate) async fn call_off(
    app: &App,
    workspace: WorkspaceId,
    member: MemberId,
    redemption: &str,
) -> Result<Result<redemptions::Redemption, Refusal>, Problem> {
    let present = Present::read(app, workspace).await?;
    let scene = present.scene(app, workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = redemptions::find(&mut tx, workspace, redemption).await?;
    if row.is_none_or(|row| row.member() != member) {
        return Ok(Err(Refusal::RedemptionUnknown));
    }
    let outcome = redemptions::cancel(&mut tx, scene, redemption, true, "").await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Makes a new code for the gift card of a redemption because its member asks; one that was told before does not count any more. Nothing for one of somebody else, and for a card that is gone.
///
/// # Errors
/// The store's, or that there is no programme.
pub(crate) async fn card_code(
    app: &App,
    workspace: WorkspaceId,
    member: MemberId,
    redemption: &str,
) -> Result<Option<String>, Problem> {
    let present = Present::read(app, workspace).await?;
    let scene = present.scene(app, workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = redemptions::find(&mut tx, workspace, redemption).await?;
    if row.is_none_or(|row| row.member() != member || row.state != "fulfilled") {
        return Ok(None);
    }
    let key = gifts::card_key(&app.installation, &mut tx, workspace).await?;
    let outcome = gift_cards::another_code(&mut tx, scene, key, redemption).await?;
    tx.commit().await?;
    Ok(outcome.ok().map(|(_, code)| code))
}

/// Says that the money part was paid: the points are taken, and what need not be delivered is the member's.
#[utoipa::path(post, path = "/api/v1/loyalty/redemptions/{redemption_id}/paid", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "pay_redemption", params(("redemption_id" = String, Path)), responses((status = 200, body = LoyaltyRedemption), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn pay_redemption(
    State(app): State<App>,
    caller: Caller,
    Path(redemption_id): Path<String>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    caller.require(Permission::ServeMembers)?;
    settled(&app, &caller, async |tx, scene| redemptions::paid(tx, scene, &redemption_id).await).await
}

/// What whoever delivers knows it by.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilBody {
    #[serde(default)]
    reference: String,
}

/// Says that it was delivered: the points that were set aside are taken.
#[utoipa::path(post, path = "/api/v1/loyalty/redemptions/{redemption_id}/fulfilled", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "fulfil_redemption", params(("redemption_id" = String, Path)), request_body = FulfilBody, responses((status = 200, body = LoyaltyRedemption), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn fulfil_redemption(
    State(app): State<App>,
    caller: Caller,
    Path(redemption_id): Path<String>,
    Json(body): Json<FulfilBody>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    caller.require(Permission::ServeMembers)?;
    short("reference", &body.reference)?;
    settled(&app, &caller, async |tx, scene| redemptions::fulfil(tx, scene, &redemption_id, &body.reference).await)
        .await
}

/// Refuses texts that are not kept.
pub(super) fn short(field: &str, text: &str) -> Result<(), Problem> {
    if text.len() > rapport_loyalty::ledger::REFERENCE_MAX || text.contains('\0') {
        return Err(Problem::invalid(field, "has at most 255 bytes, and no NUL"));
    }
    Ok(())
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRedemptionBody {
    #[serde(default)]
    reason: String,
    /// Of a cancellation: whether the member asks, who may within the reward's time; staff may until a code is used.
    #[serde(default)]
    by_member: bool,
}

/// Says that it cannot be delivered: points, stock and room come back. Points that lapsed meanwhile last another thirty days.
#[utoipa::path(post, path = "/api/v1/loyalty/redemptions/{redemption_id}/failed", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "fail_redemption", params(("redemption_id" = String, Path)), request_body = EndRedemptionBody, responses((status = 200, body = LoyaltyRedemption), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn fail_redemption(
    State(app): State<App>,
    caller: Caller,
    Path(redemption_id): Path<String>,
    Json(body): Json<EndRedemptionBody>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    caller.require(Permission::ServeMembers)?;
    short("reason", &body.reason)?;
    settled(&app, &caller, async |tx, scene| redemptions::fail(tx, scene, &redemption_id, &body.reason).await).await
}

/// Calls a redemption off: points come back into the lots they came from, stock and limits have room again, its codes do not count any more.
#[utoipa::path(post, path = "/api/v1/loyalty/redemptions/{redemption_id}/cancelled", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "cancel_redemption", params(("redemption_id" = String, Path)), request_body = EndRedemptionBody, responses((status = 200, body = LoyaltyRedemption), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn cancel_redemption(
    State(app): State<App>,
    caller: Caller,
    Path(redemption_id): Path<String>,
    Json(body): Json<EndRedemptionBody>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    caller.require(Permission::ServeMembers)?;
    short("reason", &body.reason)?;
    settled(&app, &caller, async |tx, scene| {
        redemptions::cancel(tx, scene, &redemption_id, body.by_member, &body.reason).await
    })
    .await
}

/// Which redemptions.
#[derive(Debug, Deserialize, IntoParams)]
pub struct RedemptionsQuery {
    /// In this state only.
    #[serde(default)]
    state: String,
    /// Of this reward only.
    #[serde(default)]
    reward: String,
}

/// Where a list of redemptions goes on.
fn position(page: &PageQuery) -> Result<Option<(Timestamp, String)>, Problem> {
    let after: Option<(i64, String)> = page.position()?;
    Ok(after.map(|(at, redemption)| (Timestamp(at), redemption)))
}

fn cut(rows: Vec<redemptions::Redemption>, page: &PageQuery) -> Page<LoyaltyRedemption> {
    let place = |row: &redemptions::Redemption| (row.requested_at.0, row.redemption.clone());
    Page::cut(rows, page.limit(), place).map(LoyaltyRedemption::from)
}

/// Lists what was redeemed, the newest first, with what was refused.
#[utoipa::path(get, path = "/api/v1/loyalty/redemptions", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_redemptions", params(RedemptionsQuery, PageQuery), responses((status = 200, body = Page<LoyaltyRedemption>)))]
pub async fn loyalty_redemptions(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<RedemptionsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyRedemption>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let filter = Filter { state: &query.state, reward: &query.reward };
    let rows = redemptions::list(&mut db, caller.workspace, filter, position(&page)?, page.limit() + 1).await?;
    Ok(Json(cut(rows, &page)))
}

/// Reads a redemption with its codes.
#[utoipa::path(get, path = "/api/v1/loyalty/redemptions/{redemption_id}", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "loyalty_redemption", params(("redemption_id" = String, Path)), responses((status = 200, body = LoyaltyRedemption), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_redemption(
    State(app): State<App>,
    caller: Caller,
    Path(redemption_id): Path<String>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let row = redemptions::find(&mut app.installation.store.read(), caller.workspace, &redemption_id).await?;
    let row = row.ok_or_else(|| refused(Refusal::RedemptionUnknown))?;
    Ok(Json(with_codes(&app, caller.workspace, row).await?))
}

/// Lists what a member redeemed, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/redemptions", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_redemptions", params(("member_id" = String, Path), PageQuery), responses((status = 200, body = Page<LoyaltyRedemption>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_redemptions(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyRedemption>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let limit = page.limit() + 1;
    let rows = redemptions::of_members(&mut db, caller.workspace, &[member], position(&page)?, limit).await?;
    Ok(Json(cut(rows, &page)))
}

/// What members gave to a charity out of one wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyDonations {
    charity: String,
    wallet: String,
    /// How many times.
    count: i64,
    points: i64,
    /// What the programme gives for it, in its currency.
    #[schema(value_type = String)]
    amount: Decimal,
}

/// Adds up what was given to each charity.
#[utoipa::path(get, path = "/api/v1/loyalty/donations", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_donations", responses((status = 200, body = Rows<LoyaltyDonations>)))]
pub async fn loyalty_donations(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Rows<LoyaltyDonations>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = redemptions::gifts(&mut app.installation.store.read(), caller.workspace).await?;
    let row = |(charity, wallet, count, points, amount)| LoyaltyDonations {
        charity,
        wallet,
        count,
        points,
        amount: Decimal::from_micros(amount),
    };
    Ok(Json(Rows { rows: rows.into_iter().map(row).collect() }))
}
