//! Gift cards: issued, topped up, looked up, spent in parts, given back, taken into a member's wallet, replaced and taken back; and what all of them come to.
//!
//! Always holds: a code is in the answer to whoever makes it and nowhere else; whoever tries too many codes that there are not is refused for a while.

pub(super) mod acts;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Timestamp;
use rapport_domain::money::format_micros;
use rapport_loyalty::gift_cards::{CodeKey, Refusal};
use rapport_loyalty::ledger::{self, Balance};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::gift_cards::{self, Card, Issue, Move, Outcome};
use rapport_loyalty::records::redemptions::Scene;
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::members::number;
use super::redemptions::{Present, short};
use super::{alone, named};
use crate::api::members::instant;
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission, Role};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::points::gifts;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_gift_cards, issue_gift_cards))
        .routes(routes!(gift_card_sums))
        .routes(routes!(loyalty_gift_card))
        .routes(routes!(replace_gift_card))
        .routes(routes!(void_gift_card))
        .merge(acts::router())
}

/// Cards that are issued at once.
const MOST: u16 = 100;
/// What was done with a card is shown up to here.
const MOVES_SHOWN: u32 = 500;

/// A gift card.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyGiftCard {
    gift_card_id: String,
    /// The id that whoever issued it gave what they asked for.
    id: String,
    /// Which of those it is that were asked for together, from 1.
    number: i64,
    /// The last characters of its code; empty until somebody was told one.
    tail: String,
    wallet: String,
    /// In which its value is; null if it is points.
    currency: Option<String>,
    /// How much was put on it, with what was added later, in the currency's smallest units, or in points.
    amount: i64,
    /// How much is left.
    left: i64,
    /// `live`, `empty`, `expired`, `claimed` or `void`.
    state: String,
    reference: String,
    /// Why it was issued.
    reason: String,
    issued_at: String,
    issued_by: String,
    /// When its time is over.
    expires_at: Option<String>,
    /// The member who bought it, if that is known.
    buyer_member_id: Option<String>,
    /// Who took it into their wallet.
    member_id: Option<String>,
    /// When it was claimed or taken back.
    settled_at: Option<String>,
    /// Why it was taken back.
    void_reason: String,
}

/// How a card stands, with what is left on it.
fn stands(card: &Card, has: Balance, now: Timestamp) -> String {
    let state = match card.state.as_str() {
        "live" if has.available > 0 => "live",
        "live" if card.expires_at.is_some_and(|end| end <= now) => "expired",
        "live" => "empty",
        other => other,
    };
    state.to_owned()
}

impl LoyaltyGiftCard {
    fn of(card: Card, (program, users): (&Program, &Names), has: Balance, now: Timestamp) -> Self {
        Self {
            state: stands(&card, has, now),
            currency: card.currency(program).map(|it| it.as_str().to_owned()),
            left: has.available,
            gift_card_id: card.card,
            id: card.id,
            number: card.number,
            tail: card.tail,
            wallet: card.wallet,
            amount: card.amount,
            reference: card.reference,
            reason: card.reason,
            issued_at: time(card.issued_at),
            issued_by: named(users, &card.issued_by),
            expires_at: optional_time(card.expires_at),
            buyer_member_id: card.bought_by.map(|it| it.to_string()),
            member_id: card.claimed_by.map(|it| it.to_string()),
            settled_at: optional_time(card.settled_at),
            void_reason: card.void_reason,
        }
    }
}

/// A refusal with its code and status.
fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::Unknown | Refusal::SpendUnknown | Refusal::MemberUnknown => StatusCode::NOT_FOUND,
        Refusal::Mistyped | Refusal::OtherCurrency | Refusal::ReturnedMore => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Ledger(it) if !it.uses_up_the_id() || it == ledger::Refusal::EndsTooEarly => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => StatusCode::CONFLICT,
    };
    Problem::new(
        status,
        refusal.code(),
        super::sentence(refusal),
        "Nothing was done; the guide Gift cards says what each refusal means.",
    )
}

/// Does something with cards, and commits what came of it; of a refusal only what uses its id up.
async fn settled<T>(
    app: &App,
    caller: &Caller,
    act: impl AsyncFnOnce(&mut Tx, Scene<'_>, CodeKey) -> Outcome<T>,
) -> Result<Result<T, Refusal>, Problem> {
    let present = Present::read(app, caller.workspace).await?;
    let scene = present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let key = gifts::card_key(&app.installation, &mut tx, caller.workspace).await?;
    let outcome = act(&mut tx, scene, key).await?;
    if outcome.as_ref().map_or_else(|refusal| refusal.uses_up_the_id(), |_| true) {
        tx.commit().await?;
    }
    Ok(outcome)
}

/// Cards as they are shown, with what is left on them.
async fn shown(app: &App, caller: &Caller, cards: Vec<Card>) -> Result<Vec<LoyaltyGiftCard>, Problem> {
    let present = Present::read(app, caller.workspace).await?;
    let program = present.program()?;
    let users = user_names(app, caller.workspace).await?;
    let now = app.now();
    let has = gift_cards::balances(&mut app.installation.store.read(), caller.workspace, &cards, now).await?;
    let of = |card: Card| {
        let has = has.get(&card.house()).copied().unwrap_or_default();
        LoyaltyGiftCard::of(card, (program, &users), has, now)
    };
    Ok(cards.into_iter().map(of).collect())
}

async fn shown_one(app: &App, caller: &Caller, card: Card) -> Result<LoyaltyGiftCard, Problem> {
    shown(app, caller, vec![card]).await?.pop().ok_or_else(|| refused(Refusal::Unknown))
}

/// Gift cards to issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueGiftCardsBody {
    /// Your own name for it, up to 255 bytes and without personal data: the same again is answered the same, for ever, and done once; without the codes, which are told once.
    id: String,
    /// How many, alike: 1 to 100; one, unless said.
    #[serde(default)]
    count: Option<u16>,
    /// The wallet whose money or points it is; the first that keeps money, unless said.
    #[serde(default)]
    wallet: Option<String>,
    /// How much is on each, in the currency's smallest units (cents), or in points.
    amount: i64,
    /// When their time is over; as the wallet says, unless said.
    #[serde(default)]
    expires_at: Option<String>,
    /// What they were sold or given for: a line of an order. No personal data.
    #[serde(default)]
    reference: String,
    /// Why, in a few words.
    #[serde(default)]
    reason: String,
    /// The member who bought them, if one did.
    #[serde(default)]
    buyer_member_id: Option<String>,
}

/// A gift card with its code.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedGiftCard {
    gift_card: LoyaltyGiftCard,
    /// Its code, which is told this once and kept as a digest only; null where it was told before.
    code: Option<String>,
}

/// Issues gift cards, all or none, each with a code; users no more value at once than their role may give alone. Whoever asks again under the same id learns that they were issued, and no code: whoever lost an answer replaces the cards.
#[utoipa::path(post, path = "/api/v1/loyalty/gift-cards", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "issue_gift_cards", request_body = IssueGiftCardsBody, responses((status = 200, body = Rows<IssuedGiftCard>), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn issue_gift_cards(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<IssueGiftCardsBody>,
) -> Result<Json<Rows<IssuedGiftCard>>, Problem> {
    caller.require(Permission::PostPoints)?;
    let count = body.count.unwrap_or(1);
    if !(1..=MOST).contains(&count) {
        return Err(Problem::invalid("count", format!("is 1 to {MOST}")));
    }
    let buyer = body.buyer_member_id.as_deref().map(number).transpose();
    let bought_by = buyer.map_err(|_| refused(Refusal::MemberUnknown))?;
    let expires_at = instant("expires_at", body.expires_at.as_deref())?;
    let present = Present::read(&app, caller.workspace).await?;
    let meant = present.program()?.gift_card_wallet(body.wallet.as_deref());
    let wallet = meant.ok_or_else(|| Problem::invalid("wallet", "names a wallet of the programme"))?;
    alone::check(&caller, present.program()?, &wallet.key, body.amount.saturating_mul(i64::from(count)))?;
    let asked = Issue {
        id: &body.id,
        count,
        wallet,
        amount: body.amount,
        expires_at,
        reference: &body.reference,
        reason: &body.reason,
        bought_by,
        by: caller.id().as_str(),
    };
    let issue = async |tx: &mut Tx, scene: Scene<'_>, key| gift_cards::issue(tx, scene, key, asked).await;
    let issued = settled(&app, &caller, issue).await?.map_err(refused)?;
    let (cards, codes): (Vec<Card>, Vec<Option<String>>) = issued.into_iter().unzip();
    let cards = shown(&app, &caller, cards).await?;
    let rows = cards.into_iter().zip(codes).map(|(gift_card, code)| IssuedGiftCard { gift_card, code }).collect();
    Ok(Json(Rows { rows }))
}

/// Which gift cards.
#[derive(Debug, Deserialize, IntoParams)]
pub struct GiftCardsQuery {
    /// `live` (also empty and expired ones), `claimed` or `void` only.
    #[serde(default)]
    state: String,
    /// Those whose code ends so: the last four characters. At most 100, on one page.
    #[serde(default)]
    tail: String,
    /// Those that were issued under this id, on one page.
    #[serde(default)]
    id: String,
}

/// Lists gift cards, the newest first.
#[utoipa::path(get, path = "/api/v1/loyalty/gift-cards", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_gift_cards", params(GiftCardsQuery, PageQuery), responses((status = 200, body = Page<LoyaltyGiftCard>), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_gift_cards(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<GiftCardsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LoyaltyGiftCard>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    if !["", "live", "claimed", "void"].contains(&query.state.as_str()) {
        return Err(Problem::invalid("state", "is one of live, claimed, void"));
    }
    short("tail", &query.tail)?;
    short("id", &query.id)?;
    let mut db = app.installation.store.read();
    let is_meant = |card: &Card| query.state.is_empty() || card.state == query.state;
    let rows = if !query.tail.is_empty() || !query.id.is_empty() {
        let mut found = match query.tail.as_str() {
            "" => gift_cards::by_id(&mut db, caller.workspace, &query.id).await?,
            tail => gift_cards::by_tail(&mut db, caller.workspace, tail, u32::from(MOST)).await?,
        };
        found.retain(|card| is_meant(card) && (query.id.is_empty() || card.id == query.id));
        Page { rows: found, next: None, total: None }
    } else {
        let after: Option<(i64, String)> = page.position()?;
        let after = after.map(|(at, card)| (Timestamp(at), card));
        let rows = gift_cards::list(&mut db, caller.workspace, &query.state, after, page.limit() + 1).await?;
        Page::cut(rows, page.limit(), |card| (card.issued_at.0, card.card.clone()))
    };
    let Page { rows, next, total } = rows;
    Ok(Json(Page { rows: shown(&app, &caller, rows).await?, next, total }))
}

/// Something that was done with a gift card, or refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftCardMove {
    /// The id that whoever asked gave it.
    id: String,
    /// `top_up`, `spend`, `refund` or `claim`.
    kind: String,
    /// Of a refund: of which spend.
    of_id: Option<String>,
    amount: i64,
    /// Of a spend: how much of it came back.
    returned: i64,
    reference: String,
    /// Why it was refused.
    refused: Option<String>,
    moved_at: String,
    moved_by: String,
}

impl GiftCardMove {
    fn of(row: Move, users: &Names) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            of_id: Some(row.of_id).filter(|id| !id.is_empty()),
            amount: row.amount,
            returned: row.returned,
            reference: row.reference,
            refused: row.refused,
            moved_at: time(row.moved_at),
            moved_by: named(users, &row.moved_by),
        }
    }
}

/// A gift card with what was done with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftCardDetail {
    gift_card: LoyaltyGiftCard,
    /// The oldest first; the first 500.
    moves: Vec<GiftCardMove>,
}

/// Reads a gift card, with what was done with it.
#[utoipa::path(get, path = "/api/v1/loyalty/gift-cards/{gift_card_id}", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_gift_card", params(("gift_card_id" = String, Path)), responses((status = 200, body = GiftCardDetail), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_gift_card(
    State(app): State<App>,
    caller: Caller,
    Path(gift_card_id): Path<String>,
) -> Result<Json<GiftCardDetail>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let card = gift_cards::find(&mut db, caller.workspace, &gift_card_id).await?;
    let card = card.ok_or_else(|| refused(Refusal::Unknown))?;
    let moves = gift_cards::moves(&mut db, caller.workspace, &card.card, MOVES_SHOWN).await?;
    let users = user_names(&app, caller.workspace).await?;
    let gift_card = shown_one(&app, &caller, card).await?;
    let moves = moves.into_iter().map(|row| GiftCardMove::of(row, &users)).collect();
    Ok(Json(GiftCardDetail { gift_card, moves }))
}

/// Gives a gift card a new code because the old one was lost, which does not count from now on. Value and time stay. Each call makes another.
#[utoipa::path(post, path = "/api/v1/loyalty/gift-cards/{gift_card_id}/replaced", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "replace_gift_card", params(("gift_card_id" = String, Path)), responses((status = 200, body = IssuedGiftCard), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn replace_gift_card(
    State(app): State<App>,
    caller: Caller,
    Path(gift_card_id): Path<String>,
) -> Result<Json<IssuedGiftCard>, Problem> {
    caller.require(Permission::PostPoints)?;
    let replace = async |tx: &mut Tx, scene: Scene<'_>, key| gift_cards::replace(tx, scene, key, &gift_card_id).await;
    let (card, code) = settled(&app, &caller, replace).await?.map_err(refused)?;
    let gift_card = shown_one(&app, &caller, card).await?;
    Ok(Json(IssuedGiftCard { gift_card, code: Some(code) }))
}

/// A gift card to take back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidGiftCardBody {
    /// Why.
    reason: String,
}

/// Takes a gift card back with all that is left on it; users no more than their role may take alone. Done twice it is done once.
#[utoipa::path(post, path = "/api/v1/loyalty/gift-cards/{gift_card_id}/voided", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "void_gift_card", params(("gift_card_id" = String, Path)), request_body = VoidGiftCardBody, responses((status = 200, body = LoyaltyGiftCard), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn void_gift_card(
    State(app): State<App>,
    caller: Caller,
    Path(gift_card_id): Path<String>,
    Json(body): Json<VoidGiftCardBody>,
) -> Result<Json<LoyaltyGiftCard>, Problem> {
    caller.require(Permission::PostPoints)?;
    short("reason", &body.reason)?;
    if body.reason.trim().is_empty() {
        return Err(Problem::invalid("reason", "says why it is taken back"));
    }
    let (why, role) = ((body.reason.as_str(), caller.id().as_str()), caller.role().map(Role::as_str));
    let void = async |tx: &mut Tx, scene: Scene<'_>, _| gift_cards::void(tx, scene, &gift_card_id, why, role).await;
    let card = settled(&app, &caller, void).await?.map_err(refused)?;
    Ok(Json(shown_one(&app, &caller, card).await?))
}

/// What the gift cards of a wallet come to, in its smallest units or in points.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftCardSums {
    wallet: String,
    currency: Option<String>,
    /// How many were issued.
    cards: i64,
    /// How much was put on them.
    issued: i64,
    /// How much was spent, less what came back.
    spent: i64,
    /// How much members took into their wallets.
    claimed: i64,
    /// How much was taken back.
    voided: i64,
    /// How much lapsed.
    lapsed: i64,
    /// issued − spent − claimed − voided − lapsed: what is still promised. It is part of what the wallet's books call outstanding.
    outstanding: i64,
    /// What that is worth in the programme's currency by the wallet's `worth`; null where it has none, and then nothing stands in the books.
    worth: Option<String>,
}

/// Says what gift cards come to, wallet by wallet: what was issued, what became of it, and what is still promised.
#[utoipa::path(get, path = "/api/v1/loyalty/gift-cards/sums", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "gift_card_sums", responses((status = 200, body = Rows<GiftCardSums>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn gift_card_sums(State(app): State<App>, caller: Caller) -> Result<Json<Rows<GiftCardSums>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let present = Present::read(&app, caller.workspace).await?;
    let program = present.program()?;
    let mut db = app.installation.store.snapshot().await?;
    let sums = gift_cards::outstanding(&mut db, caller.workspace).await?;
    let row = |(wallet, sum): (String, gift_cards::Outstanding)| {
        let plan = program.wallet(&wallet);
        let worth = plan.and_then(|it| {
            let micros = i128::from(sum.outstanding) * i128::from(it.worth?.micros());
            i64::try_from(micros).ok()
        });
        GiftCardSums {
            currency: plan.and_then(|it| it.unit.currency()).map(|it| it.as_str().to_owned()),
            wallet,
            cards: sum.cards,
            issued: sum.issued,
            spent: sum.spent,
            claimed: sum.claimed,
            voided: sum.voided,
            lapsed: sum.lapsed,
            outstanding: sum.outstanding,
            worth: worth.map(format_micros),
        }
    };
    Ok(Json(Rows { rows: sums.into_iter().map(row).collect() }))
}
