//! Codes that unlock offers: made, added, counted, and what came of those that a customer gave.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::{Rng, Timestamp};
use rapport_loyalty::offers::{Decision, Offer};
use rapport_loyalty::records::checkouts::UsedCode;
use rapport_loyalty::records::tries;
use rapport_loyalty::records::vouchers::{self, Owner, Refusal, Terms, Use};
use rapport_store::{Priority, Queries, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::super::documents;
use crate::api::members::instant;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::pricing::Customer;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(offer_codes, add_offer_codes))
}

/// What codes of an offer belong to.
const KIND: &str = "offer";
/// The most codes of a cart.
const CODES_MAX: usize = 10;
/// The most codes made or added at once.
const ADDED_MAX: usize = 10_000;

/// What came of a code.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeLine {
    /// As it was given.
    code: String,
    /// The offer that it unlocks; null of one that was refused.
    offer: Option<String>,
    /// Why it was refused: `code_mistyped`, `code_unknown`, `code_expired`, `code_used` and the like.
    refused: Option<String>,
    /// The same in a sentence.
    detail: Option<String>,
}

impl CodeLine {
    /// One that a checkout uses.
    pub fn used(it: &UsedCode) -> Self {
        Self { code: it.code.clone(), offer: Some(it.offer.clone()), refused: None, detail: None }
    }
}

/// The codes of a cart.
pub struct Codes {
    pub lines: Vec<CodeLine>,
    guesses: usize,
}

impl Codes {
    /// Looks at codes that a customer gave at a place.
    ///
    /// # Errors
    /// That they are too many, or that too many wrong ones were tried there; the store's.
    pub async fn read(
        db: &mut impl Queries,
        caller: &Caller,
        (texts, place): (&[String], &str),
        customer: &Customer,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let mut codes = Self { lines: Vec::new(), guesses: 0 };
        if texts.is_empty() {
            return Ok(codes);
        }
        if texts.len() > CODES_MAX {
            return Err(Problem::invalid("codes", format!("at most {CODES_MAX}")));
        }
        let by = caller.id();
        if let Some(until) = tries::closed_until(db, caller.workspace, by.as_str(), place, now).await? {
            let seconds = u32::try_from((until.0 - now.0) / Timestamp::SECOND + 1).unwrap_or(1);
            let text = "Too many wrong codes were tried here.";
            return Err(Problem::later(StatusCode::TOO_MANY_REQUESTS, "too_many_codes", text, seconds));
        }
        for (at, text) in texts.iter().enumerate() {
            if texts[..at].contains(text) {
                return Err(Problem::invalid("codes", "has a code twice"));
            }
            let found = vouchers::check(db, caller.workspace, text, customer.member, now).await?;
            codes.push(
                text,
                found.and_then(
                    |voucher| {
                        if voucher.owner_kind == KIND { Ok(voucher.owner) } else { Err(Refusal::Unknown) }
                    },
                ),
            );
        }
        Ok(codes)
    }

    fn push(&mut self, code: &str, found: Result<String, Refusal>) {
        let (offer, refusal) = match found {
            Ok(offer) => (Some(offer), None),
            Err(refusal) => (None, Some(refusal)),
        };
        self.guesses += usize::from(refusal.is_some_and(Refusal::is_a_guess));
        self.lines.push(CodeLine {
            code: code.to_owned(),
            offer,
            refused: refusal.map(|it| it.code().to_owned()),
            detail: refusal.map(|it| it.sentence().to_owned()),
        });
    }

    /// Which offers they unlock.
    pub fn unlocked(&self) -> Vec<String> {
        self.lines.iter().filter_map(|line| line.offer.clone()).collect()
    }

    /// Whether some may have been tried at random.
    pub const fn is_guessed(&self) -> bool {
        self.guesses > 0
    }

    /// Notes how many were wrong.
    ///
    /// # Errors
    /// The store's.
    pub async fn note(&self, tx: &mut Tx, caller: &Caller, place: &str, now: Timestamp) -> Result<(), Problem> {
        for _ in 0..self.guesses {
            tries::note(tx, caller.workspace, caller.id().as_str(), place, now).await?;
        }
        Ok(())
    }

    /// Sets the codes aside that the offers of a decision rest on: of several for one offer the first.
    ///
    /// # Errors
    /// That one cannot be had after all; the store's.
    pub async fn lock(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        (decision, customer): (&Decision, &Customer),
        (until, now): (Timestamp, Timestamp),
        rng: &dyn Rng,
    ) -> Result<Vec<UsedCode>, Problem> {
        let mut locked = Vec::new();
        for line in decision.taken() {
            let Some(given) = self.lines.iter().find(|it| it.offer.as_deref() == Some(&line.offer)) else { continue };
            let use_id = format!("checkout:{:016x}{:016x}", rng.next_u64(), rng.next_u64());
            let used = Use { id: &use_id, by: caller.id().as_str(), reference: "", holder: customer.member };
            match vouchers::lock(tx, caller.workspace, &given.code, used, until, now).await? {
                Ok(_) => locked.push(UsedCode { code: given.code.clone(), offer: line.offer.clone(), use_id }),
                // Between looking at it and here somebody else took it.
                Err(refusal) => {
                    let what = "Price the cart again without this code.";
                    return Err(Problem::conflict(refusal.code(), refusal.sentence(), what));
                }
            }
        }
        Ok(locked)
    }
}

/// How many codes of an offer stand how.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferCodes {
    /// `live`, `used`, `expired` or `void`.
    state: String,
    count: i64,
}

/// Counts the codes of an offer. They are shown only when they are made.
#[utoipa::path(get, path = "/api/v1/loyalty/offers/{key}/codes", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "offer_codes", params(("key" = String, Path)), responses((status = 200, body = Rows<OfferCodes>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn offer_codes(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<OfferCodes>>, Problem> {
    caller.require(Permission::ViewReports)?;
    documents::versions::<Offer>(&app, &caller, &key).await?;
    let owner = Owner { kind: KIND, key: &key };
    let counts = vouchers::counts(&mut app.installation.store.read(), caller.workspace, owner, app.now()).await?;
    Ok(Json(Rows { rows: counts.into_iter().map(|(state, count)| OfferCodes { state, count }).collect() }))
}

/// Codes to make or to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferCodesBody {
    /// Your own: `SUMMER`.
    #[serde(default)]
    codes: Vec<String>,
    /// How many to make.
    #[serde(default)]
    count: usize,
    /// How often each can be used; once, unless said; null for as often as anybody likes.
    #[serde(default = "once")]
    uses: Option<i64>,
    /// Until before when.
    #[serde(default)]
    valid_until: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the default of a field that may be null")]
const fn once() -> Option<i64> {
    Some(1)
}

/// A code that was not added.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotAdded {
    code: String,
    /// `code_malformed`, `code_looks_generated`, `code_twice` or `code_known`.
    why: String,
}

/// What was added.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedCodes {
    /// How many.
    added: usize,
    /// Those that were made; they are not shown again.
    made: Vec<String>,
    not_added: Vec<NotAdded>,
}

/// Adds codes of your own to an offer, or makes new ones that nobody guesses and in which a typo is found at once.
#[utoipa::path(post, path = "/api/v1/loyalty/offers/{key}/codes", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "add_offer_codes", params(("key" = String, Path)), request_body = OfferCodesBody, responses((status = 200, body = AddedCodes), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn add_offer_codes(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<OfferCodesBody>,
) -> Result<Json<AddedCodes>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    documents::versions::<Offer>(&app, &caller, &key).await?;
    let wanted = body.codes.len().saturating_add(body.count);
    if wanted == 0 || wanted > ADDED_MAX {
        return Err(Problem::invalid("count", format!("1 to {ADDED_MAX} codes at once")));
    }
    if body.uses.is_some_and(|uses| !(1..=1_000_000_000).contains(&uses)) {
        return Err(Problem::invalid("uses", "1 to 1000000000, or null"));
    }
    let (now, rng) = (app.now(), &*app.installation.rng);
    let valid_until = instant("valid_until", body.valid_until.as_deref())?;
    let terms = Terms { is_live: true, uses: body.uses, valid_until };
    let owner = Owner { kind: KIND, key: &key };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let refused = vouchers::add(&mut tx, caller.workspace, owner, &body.codes, terms, now).await?;
    let made = vouchers::generate(&mut tx, caller.workspace, owner, body.count, terms, (now, rng)).await?;
    tx.commit().await?;
    let added = wanted - refused.len();
    let not_added =
        refused.into_iter().map(|(at, why)| NotAdded { code: body.codes[at].clone(), why: why.code().to_owned() });
    Ok(Json(AddedCodes { added, made, not_added: not_added.collect() }))
}
