//! Households: who belongs to one, who is invited, and whose points others used.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Timestamp;
use rapport_loyalty::households::{Refusal, name, own_limit};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::households::{
    self, Asker, Founded, Household, Invitation, Invited, Membership, Own, Use,
};
use rapport_loyalty::records::redemptions::Scene;
use rapport_loyalty::records::{read, wallets};
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::{find, number};
use super::own_ids;
use super::redemptions::{Present, short};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_households, found_household))
        .routes(routes!(loyalty_household, rename_household))
        .routes(routes!(household_uses))
        .routes(routes!(invite_to_household))
        .routes(routes!(accept_household_invitation))
        .routes(routes!(decline_household_invitation))
        .routes(routes!(withdraw_household_invitation))
        .routes(routes!(set_household_member))
        .routes(routes!(leave_household))
        .routes(routes!(member_household))
}

/// A household.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyHousehold {
    household_id: String,
    /// The id that whoever asked gave it.
    id: String,
    /// As its head calls it; empty once whoever chose it was forgotten.
    name: String,
    /// Who leads it, or led it last.
    head_member_id: String,
    created_at: String,
    /// When the last member left.
    ended_at: Option<String>,
}

impl From<Household> for LoyaltyHousehold {
    fn from(row: Household) -> Self {
        Self {
            household_id: row.household,
            id: row.id,
            name: row.name,
            head_member_id: row.head.to_string(),
            created_at: time(row.created_at),
            ended_at: optional_time(row.ended_at),
        }
    }
}

/// Somebody who belongs to a household.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdMember {
    household_id: String,
    member_id: String,
    /// As what the others know them.
    name: String,
    is_head: bool,
    /// The most of their points that others may use in a month, as they say themselves.
    limit: Option<i64>,
    joined_at: String,
}

fn member(row: Membership, head: MemberId) -> HouseholdMember {
    HouseholdMember {
        is_head: row.member() == head,
        household_id: row.household,
        member_id: row.member.to_string(),
        name: row.name,
        limit: row.own_limit,
        joined_at: time(row.joined_at),
    }
}

/// An invitation to a household.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdInvitation {
    invitation_id: String,
    /// The id that whoever asked gave it.
    id: String,
    household_id: String,
    /// Who is invited.
    member_id: String,
    /// `open`, `accepted`, `declined`, `withdrawn` or `expired`.
    state: String,
    made_at: String,
    /// Until before when it can be accepted.
    due_at: String,
    settled_at: Option<String>,
}

fn invitation(row: Invitation, now: Timestamp) -> HouseholdInvitation {
    HouseholdInvitation {
        state: row.stands(now).to_owned(),
        invitation_id: row.invitation,
        id: row.id,
        household_id: row.household,
        member_id: row.member.to_string(),
        made_at: time(row.made_at),
        due_at: time(row.due_at),
        settled_at: optional_time(row.settled_at),
    }
}

/// That a member's points were used for what another of the household redeemed.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdUse {
    redemption_id: String,
    household_id: String,
    /// Whose points.
    member_id: String,
    /// Who redeemed.
    by_member_id: String,
    wallet: String,
    points: i64,
    /// How many of them went back.
    returned: i64,
    used_at: String,
    returned_at: Option<String>,
}

impl From<Use> for HouseholdUse {
    fn from(row: Use) -> Self {
        Self {
            redemption_id: row.redemption,
            household_id: row.household,
            member_id: row.giver.to_string(),
            by_member_id: row.taker.to_string(),
            wallet: row.wallet,
            points: row.points,
            returned: row.returned,
            used_at: time(row.used_at),
            returned_at: optional_time(row.returned_at),
        }
    }
}

/// What a household has together in a wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdSum {
    wallet: String,
    /// What its members can spend, all in all; what each lets others use may be less.
    available: i64,
}

/// A household with everybody who belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdShown {
    household: LoyaltyHousehold,
    /// Whoever joined first before the others.
    members: Vec<HouseholdMember>,
    /// Of the wallets whose points are shared.
    sums: Vec<HouseholdSum>,
    /// Who is invited and has not answered.
    invitations: Vec<HouseholdInvitation>,
}

/// A member's household and what they are invited to.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberHousehold {
    /// The one that they belong to.
    household: Option<HouseholdShown>,
    /// What they are invited to and have not answered.
    invitations: Vec<HouseholdInvitation>,
}

/// A refusal with its code and status.
pub(super) fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::Unknown | Refusal::MemberUnknown | Refusal::InvitationUnknown => StatusCode::NOT_FOUND,
        Refusal::IdMalformed => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    };
    Problem::new(
        status,
        refusal.code(),
        super::sentence(refusal),
        "Nothing was done; the guide Households says what each refusal means.",
    )
}

/// Does something with households, and commits what came of it.
///
/// # Errors
/// The store's, or that there is no programme.
pub(crate) async fn settled<T>(
    app: &App,
    workspace: rapport_domain::WorkspaceId,
    act: impl AsyncFnOnce(&mut Tx, Scene<'_>) -> households::Outcome<T>,
) -> Result<Result<T, Refusal>, Problem> {
    let present = Present::read(app, workspace).await?;
    let scene = present.scene(app, workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = act(&mut tx, scene).await?;
    if outcome.is_ok() {
        tx.commit().await?;
    }
    Ok(outcome)
}

/// The number of a member who is named in a body; an empty one is nobody's.
pub(super) fn named(text: &str) -> Result<MemberId, Problem> {
    number(text).map_err(|_| refused(Refusal::MemberUnknown))
}

fn asking(text: Option<&str>) -> Result<Option<MemberId>, Problem> {
    text.map(named).transpose()
}

/// Who asks: the member whom a request names, or whoever sends it, who say why.
pub(super) fn asker<'a>(member: Option<&str>, caller: &'a Caller, reason: &'a str) -> Result<Asker<'a>, Problem> {
    short("reason", reason)?;
    let staff = Asker::Staff { by: caller.id().as_str(), reason: reason.trim() };
    Ok(asking(member)?.map_or(staff, Asker::Member))
}

/// What the members of a household can spend together, of each wallet that is shared.
pub(crate) async fn sums(
    app: &App,
    workspace: rapport_domain::WorkspaceId,
    of: &[MemberId],
) -> Result<Vec<(String, i64)>, Problem> {
    let present = Present::read(app, workspace).await?;
    let Some(rules) = &present.program()?.households else { return Ok(Vec::new()) };
    let mut db = app.installation.store.read();
    let keys = wallets::keys(&mut db, workspace).await?;
    let mut sums: BTreeMap<&str, i64> = rules.wallets.iter().map(|key| (key.as_str(), 0)).collect();
    for ((_, wallet), account) in read::accounts(&mut db, workspace, of, app.now()).await? {
        if let Some(sum) = keys.get(&wallet).and_then(|key| sums.get_mut(key.as_str())) {
            *sum += account.balance().available;
        }
    }
    // In the order of the programme.
    Ok(rules.wallets.iter().map(|key| (key.clone(), sums[key.as_str()])).collect())
}

pub(super) async fn shown(app: &App, caller: &Caller, household: &str) -> Result<HouseholdShown, Problem> {
    let mut db = app.installation.store.read();
    let row = households::find(&mut db, caller.workspace, household).await?;
    let row = row.ok_or_else(|| refused(Refusal::Unknown))?;
    let all = households::members_of(&mut db, caller.workspace, household).await?;
    let there: Vec<Membership> = all.into_iter().filter(|it| it.left_at.is_none()).collect();
    let invited = households::invitations_of(&mut db, caller.workspace, household).await?;
    let numbers: Vec<MemberId> = there.iter().map(Membership::member).collect();
    let sums = sums(app, caller.workspace, &numbers).await?.into_iter();
    let (head, now) = (row.head(), app.now());
    Ok(HouseholdShown {
        household: row.into(),
        members: there.into_iter().map(|it| member(it, head)).collect(),
        sums: sums.map(|(wallet, available)| HouseholdSum { wallet, available }).collect(),
        invitations: invited.into_iter().filter(|it| it.is_open(now)).map(|it| invitation(it, now)).collect(),
    })
}

/// A household to be founded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundHouseholdBody {
    /// Your own name for it, up to 255 bytes and without personal data: the same again is answered the same, for ever, and done once.
    id: String,
    /// Who leads it.
    member_id: String,
    /// What it is called: 1 to 40 characters, no address.
    name: String,
    /// As what the others know its head: 1 to 40 characters, no address.
    member_name: String,
    /// Why, where no member asks; up to 255 bytes. Staff read it with the household.
    #[serde(default)]
    reason: String,
}

/// Founds a household with one member, who leads it and can invite others.
#[utoipa::path(post, path = "/api/v1/loyalty/households", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "found_household", request_body = FoundHouseholdBody, responses((status = 200, body = LoyaltyHousehold), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn found_household(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<FoundHouseholdBody>,
) -> Result<Json<LoyaltyHousehold>, Problem> {
    caller.require(Permission::ServeMembers)?;
    own_ids::refuse("id", &body.id, own_ids::REQUESTS)?;
    let (called, own_name) = (name("name", &body.name)?, name("member_name", &body.member_name)?);
    short("reason", &body.reason)?;
    let by = caller.id();
    let asked = Founded {
        id: &body.id,
        member: named(&body.member_id)?,
        name: &called,
        own_name: &own_name,
        by: by.as_str(),
        reason: Some(body.reason.trim()),
    };
    let found = async |tx: &mut Tx, scene: Scene<'_>| households::found(tx, scene, asked).await;
    Ok(Json(settled(&app, caller.workspace, found).await?.map_err(refused)?.into()))
}

/// Lists households that there are, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/households", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_households", params(PageQuery), responses((status = 200, body = Page<LoyaltyHousehold>)))]
pub async fn loyalty_households(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyHousehold>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let after: Option<(i64, String)> = page.position()?;
    let after = after.map(|(at, household)| (Timestamp(at), household));
    let mut db = app.installation.store.read();
    let rows = households::list(&mut db, caller.workspace, after, page.limit() + 1).await?;
    let place = |row: &Household| (row.created_at.0, row.household.clone());
    Ok(Json(Page::cut(rows, page.limit(), place).map(LoyaltyHousehold::from)))
}

/// Shows a household: who belongs to it, what they can spend together, who is invited.
#[utoipa::path(get, path = "/api/v1/loyalty/households/{household_id}", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_household", params(("household_id" = String, Path)), responses((status = 200, body = HouseholdShown), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_household(
    State(app): State<App>,
    caller: Caller,
    Path(household_id): Path<String>,
) -> Result<Json<HouseholdShown>, Problem> {
    caller.require(Permission::ViewPeople)?;
    Ok(Json(shown(&app, &caller, &household_id).await?))
}

/// Another name of a household.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameHouseholdBody {
    /// 1 to 40 characters, no address.
    name: String,
    /// The member who asks, if one does: they must lead it.
    #[serde(default)]
    by_member_id: Option<String>,
    /// Why, where no member asks; up to 255 bytes. Staff read it with the household.
    #[serde(default)]
    reason: String,
}

/// Calls a household otherwise.
#[utoipa::path(patch, path = "/api/v1/loyalty/households/{household_id}", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "rename_household", params(("household_id" = String, Path)), request_body = RenameHouseholdBody, responses((status = 200, body = LoyaltyHousehold), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn rename_household(
    State(app): State<App>,
    caller: Caller,
    Path(household_id): Path<String>,
    Json(body): Json<RenameHouseholdBody>,
) -> Result<Json<LoyaltyHousehold>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let called = name("name", &body.name)?;
    let by = asker(body.by_member_id.as_deref(), &caller, &body.reason)?;
    let rename =
        async |tx: &mut Tx, scene: Scene<'_>| households::rename(tx, scene, &household_id, (&called, by)).await;
    Ok(Json(settled(&app, caller.workspace, rename).await?.map_err(refused)?.into()))
}

/// Lists whose points others of a household used, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/households/{household_id}/uses", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "household_uses", params(("household_id" = String, Path), PageQuery), responses((status = 200, body = Page<HouseholdUse>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn household_uses(
    State(app): State<App>,
    caller: Caller,
    Path(household_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<HouseholdUse>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let after: Option<(i64, String, i64)> = page.position()?;
    let after = after.map(|(at, redemption, part)| (Timestamp(at), redemption, part));
    let mut db = app.installation.store.read();
    let there = households::find(&mut db, caller.workspace, &household_id).await?;
    there.ok_or_else(|| refused(Refusal::Unknown))?;
    let rows = households::uses(&mut db, caller.workspace, &household_id, after, page.limit() + 1).await?;
    let place = |row: &Use| (row.used_at.0, row.redemption.clone(), row.part);
    Ok(Json(Page::cut(rows, page.limit(), place).map(HouseholdUse::from)))
}

/// Somebody to be invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteToHouseholdBody {
    /// Your own name for it, up to 255 bytes and without personal data: the same again is answered the same, for ever, and done once.
    id: String,
    /// Who is invited.
    member_id: String,
    /// The member who invites, if one does: they must lead it.
    #[serde(default)]
    by_member_id: Option<String>,
    /// Why, where no member asks; up to 255 bytes. Staff read it with the household.
    #[serde(default)]
    reason: String,
}

/// Invites a member to a household; they answer within the programme's days.
#[utoipa::path(post, path = "/api/v1/loyalty/households/{household_id}/invitations", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "invite_to_household", params(("household_id" = String, Path)), request_body = InviteToHouseholdBody, responses((status = 200, body = HouseholdInvitation), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn invite_to_household(
    State(app): State<App>,
    caller: Caller,
    Path(household_id): Path<String>,
    Json(body): Json<InviteToHouseholdBody>,
) -> Result<Json<HouseholdInvitation>, Problem> {
    caller.require(Permission::ServeMembers)?;
    own_ids::refuse("id", &body.id, own_ids::REQUESTS)?;
    short("reason", &body.reason)?;
    let by = caller.id();
    let asked = Invited {
        id: &body.id,
        household: &household_id,
        member: named(&body.member_id)?,
        by_member: asking(body.by_member_id.as_deref())?,
        by: by.as_str(),
        reason: body.reason.trim(),
    };
    let invite = async |tx: &mut Tx, scene: Scene<'_>| households::invite(tx, scene, asked).await;
    let row = settled(&app, caller.workspace, invite).await?.map_err(refused)?;
    Ok(Json(invitation(row, app.now())))
}

/// As what somebody joins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitationBody {
    /// As what the others know them: 1 to 40 characters, no address. Nobody else of the household has it.
    name: String,
    /// The member who answers, if one does: an invitation of somebody else is unknown to them.
    #[serde(default)]
    member_id: Option<String>,
    /// Why, where no member asks; up to 255 bytes. Staff read it with the household.
    #[serde(default)]
    reason: String,
}

/// Whoever is invited joins the household.
#[utoipa::path(post, path = "/api/v1/loyalty/households/invitations/{invitation_id}/accepted", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "accept_household_invitation", params(("invitation_id" = String, Path)), request_body = AcceptInvitationBody, responses((status = 200, body = HouseholdShown), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn accept_household_invitation(
    State(app): State<App>,
    caller: Caller,
    Path(invitation_id): Path<String>,
    Json(body): Json<AcceptInvitationBody>,
) -> Result<Json<HouseholdShown>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let called = name("name", &body.name)?;
    let by = asker(body.member_id.as_deref(), &caller, &body.reason)?;
    let accept =
        async |tx: &mut Tx, scene: Scene<'_>| households::accept(tx, scene, &invitation_id, (&called, by)).await;
    let row = settled(&app, caller.workspace, accept).await?.map_err(refused)?;
    Ok(Json(shown(&app, &caller, &row.household).await?))
}

/// Who answers or calls off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndInvitationBody {
    /// The member who asks, if one does: who declines is invited, who calls off leads the household.
    #[serde(default)]
    member_id: Option<String>,
    /// Why, where no member asks; up to 255 bytes. Staff read it with the household.
    #[serde(default)]
    reason: String,
}

/// Whoever is invited does not join.
#[utoipa::path(post, path = "/api/v1/loyalty/households/invitations/{invitation_id}/declined", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "decline_household_invitation", params(("invitation_id" = String, Path)), request_body = EndInvitationBody, responses((status = 200, body = HouseholdInvitation), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn decline_household_invitation(
    State(app): State<App>,
    caller: Caller,
    Path(invitation_id): Path<String>,
    Json(body): Json<EndInvitationBody>,
) -> Result<Json<HouseholdInvitation>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let by = asker(body.member_id.as_deref(), &caller, &body.reason)?;
    let decline = async |tx: &mut Tx, scene: Scene<'_>| households::decline(tx, scene, &invitation_id, by).await;
    let row = settled(&app, caller.workspace, decline).await?.map_err(refused)?;
    Ok(Json(invitation(row, app.now())))
}

/// Calls an invitation off that nobody answered.
#[utoipa::path(post, path = "/api/v1/loyalty/households/invitations/{invitation_id}/withdrawn", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "withdraw_household_invitation", params(("invitation_id" = String, Path)), request_body = EndInvitationBody, responses((status = 200, body = HouseholdInvitation), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn withdraw_household_invitation(
    State(app): State<App>,
    caller: Caller,
    Path(invitation_id): Path<String>,
    Json(body): Json<EndInvitationBody>,
) -> Result<Json<HouseholdInvitation>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let by = asker(body.member_id.as_deref(), &caller, &body.reason)?;
    let withdraw = async |tx: &mut Tx, scene: Scene<'_>| households::withdraw(tx, scene, &invitation_id, by).await;
    let row = settled(&app, caller.workspace, withdraw).await?.map_err(refused)?;
    Ok(Json(invitation(row, app.now())))
}

/// What a member says of themselves in their household.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HouseholdMemberBody {
    /// As what the others know them; as before, unless said.
    #[serde(default)]
    name: Option<String>,
    /// The most of their points that others may use in a month; 0 is none. As much as the programme lets, unless said.
    #[serde(default)]
    limit: Option<i64>,
    /// Why, where no member asks; up to 255 bytes. Staff read it with the household.
    #[serde(default)]
    reason: String,
}

/// Changes as what a member is known in their household, and how many of their points others may use.
#[utoipa::path(put, path = "/api/v1/loyalty/households/{household_id}/members/{member_id}", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "set_household_member", params(("household_id" = String, Path), ("member_id" = String, Path)), request_body = HouseholdMemberBody, responses((status = 200, body = HouseholdShown), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn set_household_member(
    State(app): State<App>,
    caller: Caller,
    Path((household_id, member_id)): Path<(String, String)>,
    Json(body): Json<HouseholdMemberBody>,
) -> Result<Json<HouseholdShown>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let called = body.name.as_deref().map(|text| name("name", text)).transpose()?;
    let (member, limit) = (number(&member_id)?, own_limit(body.limit)?);
    let own = (Own { name: called.as_deref(), limit }, asker(None, &caller, &body.reason)?);
    let set = async |tx: &mut Tx, scene: Scene<'_>| households::set_own(tx, scene, &household_id, member, own).await;
    settled(&app, caller.workspace, set).await?.map_err(refused)?;
    Ok(Json(shown(&app, &caller, &household_id).await?))
}

/// Who takes a member out of a household.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaveHouseholdBody {
    /// The member who asks, if one does: they leave themselves, or lead the household.
    #[serde(default)]
    by_member_id: Option<String>,
    /// Why, where no member asks; up to 255 bytes. Staff read it with the household.
    #[serde(default)]
    reason: String,
}

/// Takes a member out of a household: they leave, or are removed. With the last one it ends.
#[utoipa::path(post, path = "/api/v1/loyalty/households/{household_id}/members/{member_id}/left", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "leave_household", params(("household_id" = String, Path), ("member_id" = String, Path)), request_body = LeaveHouseholdBody, responses((status = 200, body = HouseholdShown), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn leave_household(
    State(app): State<App>,
    caller: Caller,
    Path((household_id, member_id)): Path<(String, String)>,
    Json(body): Json<LeaveHouseholdBody>,
) -> Result<Json<HouseholdShown>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let member = number(&member_id)?;
    let by = asker(body.by_member_id.as_deref(), &caller, &body.reason)?;
    let leave = async |tx: &mut Tx, scene: Scene<'_>| households::leave(tx, scene, &household_id, member, by).await;
    settled(&app, caller.workspace, leave).await?.map_err(refused)?;
    Ok(Json(shown(&app, &caller, &household_id).await?))
}

/// Shows the household of a member, and what they are invited to.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/household", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_household", params(("member_id" = String, Path)), responses((status = 200, body = MemberHousehold), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_household(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<MemberHousehold>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let own = households::open_of(&mut db, caller.workspace, member).await?;
    let invited = households::invitations_to(&mut db, caller.workspace, &[member]).await?;
    let household = match own {
        Some(own) => Some(shown(&app, &caller, &own.household).await?),
        None => None,
    };
    let now = app.now();
    let invitations = invited.into_iter().filter(|it| it.is_open(now)).map(|it| invitation(it, now)).collect();
    Ok(Json(MemberHousehold { household, invitations }))
}
