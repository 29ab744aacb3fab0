//! Who belongs to the programme, and what they have.

use std::collections::{BTreeMap, HashMap};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{Account, AccountKey, MemberId, Standing, WalletId};
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::referrals::codes;
use rapport_loyalty::records::{households, read, wallets};
use rapport_profiles::fold::fold;
use rapport_profiles::records::persons::{self, Filter, SortBy};
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::api::members::given;
use crate::api::shapes::{display_name, time};
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(loyalty_members, enrol_member)).routes(routes!(loyalty_member, change_member))
}

/// What a member has in a wallet, as of now.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletBalance {
    /// The wallet's key.
    wallet: String,
    /// Earned, not yet to be spent.
    pending: i64,
    /// To be spent.
    available: i64,
    /// Set aside for something that is not settled yet.
    held: i64,
    /// What the member owes.
    owed: i64,
    /// When the next of the available points lapse; null when none do.
    expires_at: Option<String>,
    /// How many lapse then.
    expiring: i64,
}

impl WalletBalance {
    fn of(wallet: String, account: &Account) -> Self {
        let balance = account.balance();
        let next = account.next_to_lapse();
        Self {
            wallet,
            pending: balance.pending,
            available: balance.available,
            held: balance.held,
            owed: balance.owed,
            expires_at: optional_time(next.map(|(at, _)| at)),
            expiring: next.map_or(0, |(_, points)| points),
        }
    }
}

/// A member of the programme.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyMember {
    member_id: String,
    /// Who it is; null when they were forgotten.
    person_id: Option<String>,
    person_name: Option<String>,
    /// `active`; `blocked`: may earn, but not spend; `closed`: nothing can be posted.
    standing: String,
    enrolled_at: String,
    /// One for each wallet in which there ever was anything.
    wallets: Vec<WalletBalance>,
}

async fn shapes(app: &App, workspace: WorkspaceId, found: Vec<Member>) -> Result<Vec<LoyaltyMember>, Problem> {
    let mut db = app.installation.store.read();
    let numbers: Vec<MemberId> = found.iter().map(|it| it.member).collect();
    let accounts = read::accounts(&mut db, workspace, &numbers, app.now()).await?;
    let keys = wallets::keys(&mut db, workspace).await?;
    let people: Vec<PersonId> = found.iter().filter_map(|it| it.person).collect();
    let people = persons::by_ids(&mut db, workspace, &people).await?;
    let names: HashMap<PersonId, String> = people.iter().map(|row| (row.person, display_name(row))).collect();
    let shape = |it: Member| LoyaltyMember {
        member_id: it.member.0.to_string(),
        person_id: it.person.map(|person| person.to_string()),
        person_name: it.person.and_then(|person| names.get(&person).cloned()),
        standing: it.standing.key().to_owned(),
        enrolled_at: time(it.enrolled_at),
        wallets: balances(&accounts, it.member, &keys),
    };
    Ok(found.into_iter().map(shape).collect())
}

/// What members are called, by their numbers; nothing of whoever was forgotten.
pub(super) async fn names_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    numbers: &[MemberId],
) -> Result<HashMap<i64, String>, Problem> {
    let found = members::by_numbers(db, workspace, numbers).await?;
    let people: Vec<PersonId> = found.iter().filter_map(|it| it.person).collect();
    let people = persons::by_ids(db, workspace, &people).await?;
    let names: HashMap<PersonId, String> = people.iter().map(|row| (row.person, display_name(row))).collect();
    Ok(found.iter().filter_map(|it| Some((it.member.0, names.get(&it.person?)?.clone()))).collect())
}

fn balances(
    accounts: &BTreeMap<AccountKey, Account>,
    member: MemberId,
    keys: &HashMap<WalletId, String>,
) -> Vec<WalletBalance> {
    let own = accounts.range((member, WalletId(i64::MIN))..=(member, WalletId(i64::MAX)));
    own.filter_map(|((_, wallet), account)| Some(WalletBalance::of(keys.get(wallet)?.clone(), account))).collect()
}

/// A member's number in an address.
pub(super) fn number(text: &str) -> Result<MemberId, Problem> {
    text.parse().map(MemberId).map_err(|_| Problem::not_found("member"))
}

/// A customer of this workspace.
pub(super) async fn customer(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<PersonId, Problem> {
    let unknown = || Problem::not_found("customer");
    let person = PersonId(id.parse().map_err(|_| unknown())?);
    persons::find(db, workspace, person).await?.ok_or_else(unknown)?;
    Ok(person)
}

/// A member of this workspace.
pub(super) async fn find(app: &App, caller: &Caller, id: &str) -> Result<Member, Problem> {
    let found = members::find(&mut app.installation.store.read(), caller.workspace, number(id)?).await?;
    found.ok_or_else(|| Problem::not_found("member"))
}

/// Which members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MembersQuery {
    /// The name of a customer, an address or number of theirs, or a part of one; or a member's number. The answer is one page then.
    #[serde(default)]
    search: String,
    /// Only this customer.
    person_id: Option<String>,
    /// `active`, `blocked` or `closed`.
    standing: Option<String>,
}

/// Members who were looked for are found among so many customers.
const FOUND: i64 = 500;

impl MembersQuery {
    fn standing(&self) -> Result<Option<Standing>, Problem> {
        let Some(word) = given(&self.standing) else { return Ok(None) };
        let known = Some(Standing::read(word))
            .filter(|it| [Standing::Active, Standing::Blocked, Standing::Closed].contains(it));
        known.map(Some).ok_or_else(|| Problem::invalid("standing", "is one of active, blocked, closed"))
    }

    /// Whom it names, if it names somebody.
    async fn named(&self, app: &App, workspace: WorkspaceId) -> Result<Option<Vec<Member>>, Problem> {
        let mut db = app.installation.store.read();
        if let Some(id) = given(&self.person_id) {
            let person = PersonId(id.parse().map_err(|_| Problem::not_found("customer"))?);
            return Ok(Some(members::by_persons(&mut db, workspace, &[person]).await?));
        }
        let search = self.search.trim();
        if search.is_empty() {
            return Ok(None);
        }
        let filter = Filter {
            search: fold(search),
            rfm_group: String::new(),
            persons: None,
            sort: SortBy::LastSeen,
            ascending: false,
            offset: 0,
            limit: FOUND,
        };
        let people: Vec<PersonId> =
            persons::list(&mut db, workspace, &filter).await?.into_iter().map(|row| row.person).collect();
        let mut found = members::by_persons(&mut db, workspace, &people).await?;
        found.sort_by_key(|it| people.iter().position(|person| Some(*person) == it.person));
        if let Ok(member) = number(search) {
            found.extend(members::find(&mut db, workspace, member).await?);
        }
        Ok(Some(found))
    }
}

/// Lists the members, the newest first; those who were looked for in the order in which they were last seen.
#[utoipa::path(get, path = "/api/v1/loyalty/members", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_members", params(PageQuery, MembersQuery), responses((status = 200, body = Page<LoyaltyMember>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_members(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
    Query(query): Query<MembersQuery>,
) -> Result<Json<Page<LoyaltyMember>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let standing = query.standing()?;
    if let Some(mut found) = query.named(&app, caller.workspace).await? {
        found.retain(|it| standing.is_none_or(|standing| it.standing == standing));
        return Ok(Json(Page { rows: shapes(&app, caller.workspace, found).await?, next: None, total: None }));
    }
    let after: Option<(i64, i64)> = page.position()?;
    let after = after.map(|(at, number)| (Timestamp(at), number));
    let mut db = app.installation.store.read();
    let rows = members::list(&mut db, caller.workspace, standing, after, page.limit() + 1).await?;
    let Page { rows, next, total } = Page::cut(rows, page.limit(), |it| (it.enrolled_at.0, it.member.0));
    Ok(Json(Page { rows: shapes(&app, caller.workspace, rows).await?, next, total }))
}

/// Whom to enrol.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolBody {
    person_id: String,
}

/// Makes a customer a member; one who is a member already stays it.
#[utoipa::path(post, path = "/api/v1/loyalty/members", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "enrol_member", request_body = EnrolBody, responses((status = 200, body = LoyaltyMember), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn enrol_member(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<EnrolBody>,
) -> Result<Json<LoyaltyMember>, Problem> {
    caller.require(Permission::PostPoints)?;
    let installation = &app.installation;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let person = customer(&mut tx, caller.workspace, &body.person_id).await?;
    let member = members::enrol(&mut tx, caller.workspace, person, app.now(), &*installation.rng).await?;
    tx.commit().await?;
    one(&app, &caller, member).await
}

/// A member of this workspace with what they have.
pub(super) async fn one(app: &App, caller: &Caller, member: MemberId) -> Result<Json<LoyaltyMember>, Problem> {
    let found = find(app, caller, &member.0.to_string()).await?;
    let shape = shapes(app, caller.workspace, vec![found]).await?.pop();
    shape.map(Json).ok_or_else(|| Problem::not_found("member"))
}

/// Reads a member and what they have now.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_member", params(("member_id" = String, Path)), responses((status = 200, body = LoyaltyMember), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_member(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<LoyaltyMember>, Problem> {
    caller.require(Permission::ViewPeople)?;
    one(&app, &caller, number(&member_id)?).await
}

/// What changes of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberBody {
    /// `active` or `blocked`. To close an account post `forfeit` to each of its wallets first.
    standing: String,
}

/// Blocks a member, so that they may earn but not spend, or lifts the block; closes them, so that nothing can be posted any more.
#[utoipa::path(patch, path = "/api/v1/loyalty/members/{member_id}", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "change_member", params(("member_id" = String, Path)), request_body = MemberBody, responses((status = 200, body = LoyaltyMember), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change_member(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
    Json(body): Json<MemberBody>,
) -> Result<Json<LoyaltyMember>, Problem> {
    caller.require(Permission::PostPoints)?;
    let standing = Standing::read(&body.standing);
    if standing == Standing::Unknown {
        return Err(Problem::invalid("standing", "is one of active, blocked, closed"));
    }
    let member = find(&app, &caller, &member_id).await?.member;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if standing == Standing::Closed {
        let accounts = read::accounts(&mut tx, caller.workspace, &[member], app.now()).await?;
        let is_empty = |account: &Account| account.balance() == Default::default();
        if !accounts.values().all(is_empty) {
            let text = "The member still has points, or owes some.";
            return Err(Problem::conflict("member_not_empty", text, "Post `forfeit` to each wallet, then close."));
        }
    }
    if !members::set_standing(&mut tx, caller.workspace, member, standing).await? {
        return Err(Problem::not_found("member"));
    }
    if standing == Standing::Closed {
        let numbers = members::numbers(&mut tx, caller.workspace, member).await?;
        codes::void(&mut tx, caller.workspace, &numbers, app.now()).await?;
        households::closed(&mut tx, caller.workspace, member, app.now()).await?;
    }
    tx.commit().await?;
    one(&app, &caller, member).await
}
