//! Referrals: who came by whom, how it stands and why; and what is suspicious, for somebody to decide.

use std::collections::{BTreeMap, HashMap};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::codes;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::referrals::{self, Filter, Row};
use rapport_loyalty::records::{documents, members};
use rapport_loyalty::referrals::signals::Signal;
use rapport_loyalty::referrals::{Level, Reason, Referral};
use rapport_profiles::records::{identifiers, persons};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::redemptions::short;
use super::{members as api_members, named};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::{display_name, time};
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;
use crate::referring;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_referrals))
        .routes(routes!(referrals_to_review))
        .routes(routes!(loyalty_referral))
        .routes(routes!(approve_referral))
        .routes(routes!(refuse_referral))
        .routes(routes!(member_referrals))
}

/// A member or a friend.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct ReferralPerson {
    /// Their number in the programme; null of whoever is no member.
    member_id: Option<String>,
    /// Who it is; null when they were forgotten, or when nobody knows the code.
    person_id: Option<String>,
    person_name: Option<String>,
}

/// A sign of fraud.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferralSignal {
    /// `same_device`, `same_payment`, `same_network`, `same_address`, `alias`, `closed_loop` or `burst`.
    code: String,
    /// What the programme does about it: `flag`, `block`, or `off` where it does not look at it any more.
    level: String,
    /// What it means.
    words: String,
}

/// What somebody of the staff decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferralDecision {
    /// `approved` or `refused`.
    decision: String,
    decided_at: Option<String>,
    decided_by: String,
    /// Why, in their words.
    reason: String,
}

/// What one of the two got.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReferralGiven {
    wallet: String,
    points: i64,
    /// `given`, or a code that says why not; null while nothing was decided, or where the programme gives nothing.
    outcome: Option<String>,
}

/// A friend who came by a member.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyReferral {
    referral_id: String,
    /// The programme's key; empty where nobody knows the code.
    program: String,
    /// The code, as people read it.
    code: String,
    referrer: ReferralPerson,
    friend: ReferralPerson,
    /// `joined`; `pending`: what the friend did must stand for a while; `review`: somebody must look at it; `rewarded`, `refused` or `taken_back`.
    state: String,
    /// Why it stands so; while it is `joined`: why what the friend did so far does not count. The guide Referrals has them all.
    reason: Option<String>,
    /// The reason in words.
    reason_words: Option<String>,
    joined_at: String,
    /// When the friend did what counts.
    qualified_at: Option<String>,
    /// When time alone changes something.
    due_at: Option<String>,
    given_at: Option<String>,
    taken_back_at: Option<String>,
    /// Which of the member's rewarded friends this one was.
    place: Option<i64>,
    for_referrer: ReferralGiven,
    for_friend: ReferralGiven,
    signals: Vec<ReferralSignal>,
    decision: Option<ReferralDecision>,
}

/// Whose names a list needs, read once.
struct People {
    friends: HashMap<Handle, PersonId>,
    referrers: BTreeMap<i64, (MemberId, Option<PersonId>)>,
    members: HashMap<PersonId, MemberId>,
    names: HashMap<PersonId, String>,
    programs: Vec<documents::Version<Referral>>,
    users: Names,
}

impl People {
    async fn read(app: &App, workspace: WorkspaceId, rows: &[Row]) -> Result<Self, Problem> {
        let users = user_names(app, workspace).await?;
        let mut db = app.installation.store.read();
        let handles: Vec<Handle> = rows.iter().filter_map(|row| row.handle).collect();
        let owners = identifiers::by_handles(&mut db, workspace, &handles).await?;
        let friends: HashMap<Handle, PersonId> = owners.into_iter().map(|row| (row.handle, row.person)).collect();
        let mut referrers = BTreeMap::new();
        for row in rows.iter().filter(|row| row.member != 0) {
            if referrers.contains_key(&row.member) {
                continue;
            }
            if let Some(found) = members::find(&mut db, workspace, MemberId(row.member)).await? {
                referrers.insert(row.member, (found.member, found.person));
            }
        }
        let mut people: Vec<PersonId> = friends.values().copied().collect();
        people.extend(referrers.values().filter_map(|(_, person)| *person));
        let names = persons::by_ids(&mut db, workspace, &people).await?;
        let names = names.iter().map(|row| (row.person, display_name(row))).collect();
        let members = members::of_persons(&mut db, workspace, &people).await?;
        let programs = documents::versions(&mut db, workspace).await?;
        Ok(Self { friends, referrers, members, names, programs, users })
    }

    fn friend(&self, row: &Row) -> ReferralPerson {
        let person = row.handle.and_then(|handle| self.friends.get(&handle)).copied();
        let member = person.and_then(|person| self.members.get(&person)).copied();
        self.person(person, member)
    }

    fn referrer(&self, row: &Row) -> ReferralPerson {
        let found = self.referrers.get(&row.member).copied();
        self.person(found.and_then(|(_, person)| person), found.map(|(member, _)| member))
    }

    fn person(&self, person: Option<PersonId>, member: Option<MemberId>) -> ReferralPerson {
        ReferralPerson {
            member_id: member.map(|member| member.0.to_string()),
            person_id: person.map(|person| person.to_string()),
            person_name: person.and_then(|person| self.names.get(&person).cloned()),
        }
    }

    fn signals(&self, row: &Row) -> Vec<ReferralSignal> {
        let of_it =
            |it: &&documents::Version<Referral>| it.document.key == row.referral && it.in_force_from <= row.joined_at;
        let terms = self.programs.iter().rfind(of_it).map(|it| &it.document);
        let level = |signal| terms.map_or(Level::Off, |terms| terms.fraud.level(signal)).key().to_owned();
        let shape = |signal: Signal| ReferralSignal {
            code: signal.code().to_owned(),
            level: level(signal),
            words: signal.sentence().to_owned(),
        };
        row.signals().into_iter().map(shape).collect()
    }
}

impl LoyaltyReferral {
    fn of(row: Row, people: &People) -> Self {
        let reason = Reason::read(&row.reason);
        let outcome = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let decision = (!row.decision.is_empty()).then(|| ReferralDecision {
            decision: row.decision.clone(),
            decided_at: optional_time(row.decided_at),
            decided_by: named(&people.users, &row.decided_by),
            reason: row.decision_reason.clone().unwrap_or_default(),
        });
        Self {
            referrer: people.referrer(&row),
            friend: people.friend(&row),
            signals: people.signals(&row),
            decision,
            code: codes::shown(&row.lookup),
            reason: reason.map(|it| it.code().to_owned()),
            reason_words: reason.map(|it| it.sentence().to_owned()),
            joined_at: time(row.joined_at),
            qualified_at: optional_time(row.qualified_at),
            due_at: optional_time(row.due_at),
            given_at: optional_time(row.given_at),
            taken_back_at: optional_time(row.taken_back_at),
            place: Some(row.place).filter(|place| *place > 0),
            for_referrer: ReferralGiven {
                outcome: outcome(&row.referrer_outcome),
                wallet: row.referrer_wallet,
                points: row.referrer_points,
            },
            for_friend: ReferralGiven {
                outcome: outcome(&row.friend_outcome),
                wallet: row.friend_wallet,
                points: row.friend_points,
            },
            referral_id: row.referral_id,
            program: row.referral,
            state: row.state,
        }
    }
}

async fn shapes(app: &App, workspace: WorkspaceId, rows: Vec<Row>) -> Result<Vec<LoyaltyReferral>, Problem> {
    let people = People::read(app, workspace, &rows).await?;
    Ok(rows.into_iter().map(|row| LoyaltyReferral::of(row, &people)).collect())
}

/// Where a list of referrals goes on.
fn position(page: &PageQuery) -> Result<Option<(Timestamp, String)>, Problem> {
    let after: Option<(i64, String)> = page.position()?;
    Ok(after.map(|(at, id)| (Timestamp(at), id)))
}

async fn cut(
    app: &App,
    workspace: WorkspaceId,
    rows: Vec<Row>,
    page: &PageQuery,
) -> Result<Json<Page<LoyaltyReferral>>, Problem> {
    let place = |row: &Row| (row.joined_at.0, row.referral_id.clone());
    let Page { rows, next, total } = Page::cut(rows, page.limit(), place);
    Ok(Json(Page { rows: shapes(app, workspace, rows).await?, next, total }))
}

/// Which referrals.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ReferralsQuery {
    /// In this state only.
    #[serde(default)]
    state: String,
    /// Of this programme only.
    #[serde(default)]
    program: String,
}

/// Lists friends who came by members, the newest first, with what was refused.
#[utoipa::path(get, path = "/api/v1/loyalty/referrals", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_referrals", params(ReferralsQuery, PageQuery), responses((status = 200, body = Page<LoyaltyReferral>)))]
pub async fn loyalty_referrals(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ReferralsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyReferral>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let filter = Filter { state: &query.state, referral: &query.program };
    let mut db = app.installation.store.read();
    let rows = referrals::list(&mut db, caller.workspace, filter, position(&page)?, page.limit() + 1).await?;
    cut(&app, caller.workspace, rows, &page).await
}

/// Lists referrals that somebody must look at, the newest first: with a sign of fraud, of a member who is suspended or blocked.
#[utoipa::path(get, path = "/api/v1/loyalty/referrals/review", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "referrals_to_review", params(PageQuery), responses((status = 200, body = Page<LoyaltyReferral>)))]
pub async fn referrals_to_review(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyReferral>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let rows = referrals::to_review(&mut db, caller.workspace, position(&page)?, page.limit() + 1).await?;
    cut(&app, caller.workspace, rows, &page).await
}

fn missing() -> Problem {
    Problem::not_found("referral")
}

async fn one(app: &App, workspace: WorkspaceId, referral_id: &str) -> Result<Json<LoyaltyReferral>, Problem> {
    let row = referrals::find(&mut app.installation.store.read(), workspace, referral_id).await?;
    let mut rows = shapes(app, workspace, vec![row.ok_or_else(missing)?]).await?;
    rows.pop().map(Json).ok_or_else(missing)
}

/// Reads a referral.
#[utoipa::path(get, path = "/api/v1/loyalty/referrals/{referral_id}", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_referral", params(("referral_id" = String, Path)), responses((status = 200, body = LoyaltyReferral), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_referral(
    State(app): State<App>,
    caller: Caller,
    Path(referral_id): Path<String>,
) -> Result<Json<LoyaltyReferral>, Problem> {
    caller.require(Permission::ViewPeople)?;
    one(&app, caller.workspace, &referral_id).await
}

/// Why somebody decided so.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferralReasonBody {
    /// In a few words, up to 255 bytes.
    reason: String,
}

impl ReferralReasonBody {
    /// The words, if there are any.
    pub(super) fn given(&self) -> Result<&str, Problem> {
        short("reason", &self.reason)?;
        let reason = self.reason.trim();
        if reason.is_empty() { Err(Problem::invalid("reason", "says why, in a few words")) } else { Ok(reason) }
    }
}

async fn decided(
    app: &App,
    caller: &Caller,
    referral_id: &str,
    is_approved: bool,
    body: &ReferralReasonBody,
) -> Result<Json<LoyaltyReferral>, Problem> {
    caller.require(Permission::PostPoints)?;
    let reason = body.given()?;
    let (workspace, now) = (caller.workspace, app.now());
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let why = (caller.id().as_str(), reason);
    if !referrals::decide(&mut tx, workspace, referral_id, is_approved, why, now).await? {
        return Err(missing());
    }
    let row = referrals::find(&mut tx, workspace, referral_id).await?.ok_or_else(missing)?;
    let handles: Vec<Handle> = row.handle.into_iter().collect();
    let people: Vec<PersonId> =
        identifiers::by_handles(&mut tx, workspace, &handles).await?.into_iter().map(|row| row.person).collect();
    referring::review(&app.installation, &mut tx, workspace, &people, now).await.map_err(Problem::internal)?;
    tx.commit().await?;
    one(app, workspace, referral_id).await
}

/// Approves a referral: its signs of fraud do not count any more. If it stood long enough, both get theirs at once.
#[utoipa::path(post, path = "/api/v1/loyalty/referrals/{referral_id}/approved", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "approve_referral", params(("referral_id" = String, Path)), request_body = ReferralReasonBody, responses((status = 200, body = LoyaltyReferral), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn approve_referral(
    State(app): State<App>,
    caller: Caller,
    Path(referral_id): Path<String>,
    Json(body): Json<ReferralReasonBody>,
) -> Result<Json<LoyaltyReferral>, Problem> {
    decided(&app, &caller, &referral_id, true, &body).await
}

/// Refuses a referral; what was given for it is taken back.
#[utoipa::path(post, path = "/api/v1/loyalty/referrals/{referral_id}/refused", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "refuse_referral", params(("referral_id" = String, Path)), request_body = ReferralReasonBody, responses((status = 200, body = LoyaltyReferral), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn refuse_referral(
    State(app): State<App>,
    caller: Caller,
    Path(referral_id): Path<String>,
    Json(body): Json<ReferralReasonBody>,
) -> Result<Json<LoyaltyReferral>, Problem> {
    decided(&app, &caller, &referral_id, false, &body).await
}

/// Lists friends who came by a member, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/referrals", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_referrals", params(("member_id" = String, Path), PageQuery), responses((status = 200, body = Page<LoyaltyReferral>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_referrals(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyReferral>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = api_members::find(&app, &caller, &member_id).await?.member;
    let mut db = app.installation.store.read();
    let numbers = members::numbers(&mut db, caller.workspace, member).await?;
    let rows = referrals::of_members(&mut db, caller.workspace, &numbers, position(&page)?, page.limit() + 1).await?;
    cut(&app, caller.workspace, rows, &page).await
}
