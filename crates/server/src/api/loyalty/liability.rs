//! What points are worth in the books: month by month, by vintage, and as a file for whoever audits them.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rapport_domain::WorkspaceId;
use rapport_domain::money::format_micros;
use rapport_loyalty::liability::books::{self, BookMonth, EVIDENCE_MONTHS, Month, Pricing};
use rapport_loyalty::liability::ladder::{self, Outlook, Vintage};
use rapport_loyalty::program::{Program, WalletPlan};
use rapport_loyalty::records::books::{Basis, Months, Sums, behind, end_before, read};
use rapport_loyalty::records::wallets;
use rapport_store::Queries;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::missing;
use crate::api::shapes::Amount;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_liability))
        .routes(routes!(loyalty_liability_csv))
        .routes(routes!(loyalty_vintages))
}

/// Months that are shown unless said.
const USUAL: Month = 24;
/// The most months that are shown.
const MOST: Month = 240;
/// How many months back the estimate is tried.
const TRIED: [usize; 4] = [1, 3, 6, 12];
/// Of a normal distribution 95 % lie within so many standard errors.
const NORMAL_95: f64 = 1.959_964;

/// Which books.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LiabilityQuery {
    /// A wallet's key; the programme's first, unless said.
    wallet: Option<String>,
    /// `recorded`: a movement belongs to the month in which it was written down, so that a month that is over never changes; `effective`: to the month in which it took effect.
    basis: Option<String>,
    /// The first month, `2026-01`; two years before the last, unless said.
    from: Option<String>,
    /// The last month; the present one, unless said.
    until: Option<String>,
}

/// Where the ledger ended: `rapport verify` follows the chain of hashes to here.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LedgerEnd {
    /// The number of the last operation.
    operation: i64,
    /// The hash of everything up to it, in hexadecimal.
    chain: String,
}

impl LedgerEnd {
    fn of((operation, chain): (i64, [u8; 32])) -> Self {
        Self { operation, chain: chain.iter().map(|byte| format!("{byte:02x}")).collect() }
    }
}

/// A month in money.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiabilityMoney {
    opening: String,
    /// Put off for points issued.
    deferred: String,
    /// Not put off any more, since points were taken back.
    taken_back: String,
    /// Put right, up or down.
    adjusted: String,
    /// Revenue: what redeemed points had put off.
    redeemed: String,
    /// Revenue: of points that are expected never to be redeemed, and of those that lapsed.
    breakage: String,
    closing: String,
}

/// A month of the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiabilityMonth {
    /// `2026-05`.
    month: String,
    /// What members had at its beginning, less what they owed.
    opening: i64,
    issued: i64,
    /// Redeemed, less what came back.
    redeemed: i64,
    lapsed: i64,
    /// Taken back, because what they were given for went back.
    taken_back: i64,
    /// Put right, up or down.
    adjusted: i64,
    /// opening + issued − redeemed − lapsed − taken back + adjusted.
    closing: i64,
    /// What members owe at its end; `closing` and this are what they have.
    owed: i64,
    /// What share of all points is expected to be redeemed, as estimated at its end.
    expected_redemption: f64,
    money: LiabilityMoney,
    /// Where the ledger ended with it; null by `effective`, since what is told late still changes it.
    ledger: Option<LedgerEnd>,
}

/// What a wallet's points are worth in the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyLiability {
    wallet: String,
    /// The programme's, in which all amounts are.
    currency: String,
    /// `recorded` or `effective`.
    basis: String,
    /// What one is worth when it is redeemed; null when the programme does not say, and then nothing is worth anything.
    worth: Option<String>,
    /// Whence the expected redemption comes: `set` in the programme, `estimated` from vintages, or `all`, since no vintage was watched for a year yet.
    redemption_by: String,
    /// What share is expected to be redeemed, as of now.
    expected_redemption: f64,
    /// What members have.
    outstanding: i64,
    /// What they owe.
    owed: i64,
    /// What is put off for what they have.
    liability: String,
    /// The oldest month first.
    months: Vec<LiabilityMonth>,
    /// Where the ledger ended when this was reckoned.
    ledger: Option<LedgerEnd>,
    recorded_at: Option<String>,
}

/// The books of a wallet, read.
struct Read {
    program: Program,
    plan: WalletPlan,
    basis: Basis,
    months: Months,
    sums: Sums,
    cells: Vec<books::Cell>,
    now: Month,
}

impl Read {
    async fn of(
        app: &App,
        db: &mut impl Queries,
        caller: &Caller,
        (wallet, basis): (Option<&str>, Basis),
    ) -> Result<Self, Problem> {
        let programs = app.installation.programs.get(db, caller.workspace).await?;
        let program = programs.latest().ok_or_else(missing)?.program.clone();
        let plan = program.wallet_meant(wallet);
        let plan = plan.ok_or_else(|| Problem::not_found("wallet"))?.clone();
        let numbers = wallets::numbers(db, caller.workspace).await?;
        let number = *numbers.get(&plan.key).ok_or_else(|| Problem::not_found("wallet"))?;
        let months = Months::of(&program.calendar()?, &program.zone);
        let sums = read(db, caller.workspace, &months).await?;
        let cells = sums.cells(number, basis)?;
        let now = months.month(app.now());
        Ok(Self { program, plan, basis, months, sums, cells, now })
    }

    fn pricing(&self) -> Pricing {
        self.plan.pricing()
    }
}

fn basis(word: Option<&str>, usual: Basis) -> Result<Basis, Problem> {
    match word {
        None => Ok(usual),
        Some("recorded") => Ok(Basis::Recorded),
        Some("effective") => Ok(Basis::Effective),
        Some(_) => Err(Problem::invalid("basis", "expected recorded or effective")),
    }
}

const fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::Recorded => "recorded",
        Basis::Effective => "effective",
    }
}

/// Reads `2026-05`.
pub(super) fn month(name: &'static str, word: &str) -> Result<Month, Problem> {
    let read = || {
        let (year, month) = word.split_once('-')?;
        let (year, month): (Month, Month) = (year.parse().ok()?, month.parse().ok()?);
        ((1990..=2100).contains(&year) && (1..=12).contains(&month)).then_some(year * 12 + month - 1)
    };
    read().ok_or_else(|| Problem::invalid(name, "expected a month: 2026-05"))
}

pub(super) fn month_word(month: Month) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

/// The first and the last month that are asked for.
fn window(query: &LiabilityQuery, now: Month) -> Result<(Month, Month), Problem> {
    let until = query.until.as_deref().map(|word| month("until", word)).transpose()?.unwrap_or(now).min(now);
    let from = query.from.as_deref().map(|word| month("from", word)).transpose()?.unwrap_or(until - USUAL + 1);
    if from > until {
        return Err(Problem::invalid("from", "must not be later than `until`, nor than the present month"));
    }
    if until - from >= MOST {
        return Err(Problem::invalid("from", format!("at most {MOST} months before `until`")));
    }
    Ok((from, until))
}

async fn reckon(app: &App, caller: &Caller, query: &LiabilityQuery) -> Result<LoyaltyLiability, Problem> {
    let basis = basis(query.basis.as_deref(), Basis::Recorded)?;
    let mut db = app.installation.store.snapshot().await?;
    let read = Read::of(app, &mut db, caller, (query.wallet.as_deref(), basis)).await?;
    let (from, until) = window(query, read.now)?;
    let pricing = read.pricing();
    let rows = books::books(&read.cells, &pricing, until);
    let last = rows.last().copied();
    let mut months = Vec::new();
    for row in rows.into_iter().filter(|row| row.month >= from) {
        let ledger = match read.basis {
            Basis::Recorded => end_before(&mut db, caller.workspace, read.months.start(row.month + 1)).await?,
            Basis::Effective => None,
        };
        months.push(shown(&row, ledger.map(LedgerEnd::of)));
    }
    let redemption_by = whence(&read.cells, &pricing, until);
    Ok(LoyaltyLiability {
        wallet: read.plan.key,
        currency: read.program.currency.to_string(),
        basis: basis_word(basis).to_owned(),
        worth: read.plan.worth.map(|worth| format_micros(worth.micros())),
        redemption_by: redemption_by.to_owned(),
        expected_redemption: last.map_or(1.0, |row| row.redemption),
        outstanding: last.map_or(0, |row| row.closing + row.owed),
        owed: last.map_or(0, |row| row.owed),
        liability: format_micros(last.map_or(0, |row| row.money.closing)),
        months,
        recorded_at: optional_time(read.sums.head.as_ref().map(|head| head.recorded_at)),
        ledger: read.sums.head.map(|head| LedgerEnd::of((head.operations, head.chain))),
    })
}

/// Whence the expected redemption comes.
fn whence(cells: &[books::Cell], pricing: &Pricing, until: Month) -> &'static str {
    let seen = || books::vintages(cells, until).first().map_or(0, |(_, oldest, _)| oldest.redeemed.len());
    match pricing.redemption {
        Some(_) => "set",
        None if seen() > EVIDENCE_MONTHS => "estimated",
        None => "all",
    }
}

/// What a wallet comes to in the books now.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletBooks {
    /// What is put off for what members have; null where the programme does not say what one is worth.
    liability: Option<Amount>,
    /// `set` in the programme, `estimated` from vintages, or `all`, since no vintage was watched for a year yet.
    redemption_by: String,
    /// What share of all points is expected never to be redeemed (breakage), 0 to 1; null as long as that is neither set nor estimated.
    expected_breakage: Option<f64>,
}

impl WalletBooks {
    fn of(plan: &WalletPlan, currency: &str, cells: &[books::Cell], now: Month) -> Self {
        let pricing = plan.pricing();
        let last = books::books(cells, &pricing, now).last().copied();
        let redemption_by = whence(cells, &pricing, now);
        let redemption = last.map(|row| row.redemption).or(pricing.redemption);
        Self {
            liability: plan.worth.map(|_| Amount::of(last.map_or(0, |row| row.money.closing), currency)),
            redemption_by: redemption_by.to_owned(),
            expected_breakage: redemption.filter(|_| redemption_by != "all").map(|share| 1.0 - share),
        }
    }
}

/// Whoever only looks at the books in passing does not wait until more operations than this are added up.
const NEAR: i64 = 10_000;

/// What the programme's wallets come to in the books, by their keys; of none as long as the books are not kept up to near the ledger's end.
pub(super) async fn in_passing(
    app: &App,
    workspace: WorkspaceId,
    program: &Program,
) -> Result<BTreeMap<String, WalletBooks>, Problem> {
    let mut found = BTreeMap::new();
    let months = Months::of(&program.calendar()?, &program.zone);
    let mut db = app.installation.store.snapshot().await?;
    if behind(&mut db, workspace, &months).await? > NEAR {
        return Ok(found);
    }
    let numbers = wallets::numbers(&mut db, workspace).await?;
    let sums = read(&mut db, workspace, &months).await?;
    let now = months.month(app.now());
    for plan in &program.wallets {
        let Some(number) = numbers.get(&plan.key) else { continue };
        let cells = sums.cells(*number, Basis::Recorded)?;
        found.insert(plan.key.clone(), WalletBooks::of(plan, program.currency.as_str(), &cells, now));
    }
    Ok(found)
}

fn shown(row: &BookMonth, ledger: Option<LedgerEnd>) -> LiabilityMonth {
    let BookMonth { month, opening, moves, closing, owed, redemption, money } = *row;
    LiabilityMonth {
        month: month_word(month),
        opening,
        issued: moves.issued,
        redeemed: moves.redeemed,
        lapsed: moves.lapsed,
        taken_back: moves.taken_back,
        adjusted: moves.adjusted,
        closing,
        owed,
        expected_redemption: redemption,
        money: LiabilityMoney {
            opening: format_micros(money.opening),
            deferred: format_micros(money.deferred),
            taken_back: format_micros(money.taken_back),
            adjusted: format_micros(money.adjusted),
            redeemed: format_micros(money.redeemed),
            breakage: format_micros(money.breakage),
            closing: format_micros(money.closing),
        },
        ledger,
    }
}

/// Says month by month what points were issued, redeemed, lapsed and taken back, what is put off for them, and what of it was earned.
#[utoipa::path(get, path = "/api/v1/loyalty/liability", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_liability", params(LiabilityQuery), responses((status = 200, body = LoyaltyLiability), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_liability(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LiabilityQuery>,
) -> Result<Json<LoyaltyLiability>, Problem> {
    caller.require(Permission::ViewReports)?;
    Ok(Json(reckon(&app, &caller, &query).await?))
}

const COLUMNS: [&str; 20] = [
    "month",
    "wallet",
    "opening_points",
    "issued",
    "redeemed",
    "lapsed",
    "taken_back",
    "adjusted",
    "closing_points",
    "owed",
    "expected_redemption",
    "currency",
    "opening",
    "deferred",
    "deferred_taken_back",
    "deferred_adjusted",
    "revenue_redeemed",
    "revenue_breakage",
    "closing",
    "ledger_end",
];

fn line(all: &LoyaltyLiability, row: &LiabilityMonth) -> [String; 20] {
    let money = &row.money;
    let ledger = row.ledger.as_ref().or(all.ledger.as_ref());
    [
        row.month.clone(),
        all.wallet.clone(),
        row.opening.to_string(),
        row.issued.to_string(),
        row.redeemed.to_string(),
        row.lapsed.to_string(),
        row.taken_back.to_string(),
        row.adjusted.to_string(),
        row.closing.to_string(),
        row.owed.to_string(),
        format!("{:.6}", row.expected_redemption),
        all.currency.clone(),
        money.opening.clone(),
        money.deferred.clone(),
        money.taken_back.clone(),
        money.adjusted.clone(),
        money.redeemed.clone(),
        money.breakage.clone(),
        money.closing.clone(),
        ledger.map_or_else(String::new, |end| format!("{}:{}", end.operation, end.chain)),
    ]
}

/// The same as a CSV file, a line a month; `ledger_end` is the last operation and the hash of the ledger's chain there, to which `rapport verify` comes too.
#[utoipa::path(get, path = "/api/v1/loyalty/liability.csv", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_liability_csv", params(LiabilityQuery), responses((status = 200, body = String, content_type = "text/csv"), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_liability_csv(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LiabilityQuery>,
) -> Result<Response, Problem> {
    caller.require(Permission::ViewReports)?;
    let all = reckon(&app, &caller, &query).await?;
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(COLUMNS).map_err(Problem::internal)?;
    for row in &all.months {
        out.write_record(line(&all, row)).map_err(Problem::internal)?;
    }
    let body = out.into_inner().map_err(|error| Problem::internal(error.into_error()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        // A key has letters, digits, hyphens and underscores only.
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"liability-{}.csv\"", all.wallet)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, body).into_response())
}

/// Which vintages.
#[derive(Debug, Deserialize, IntoParams)]
pub struct VintagesQuery {
    /// A wallet's key; the programme's first, unless said.
    wallet: Option<String>,
    /// `effective` unless said, or `recorded`.
    basis: Option<String>,
}

/// Points that were earned in one month, and what became of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsVintage {
    /// `2026-05`.
    month: String,
    issued: i64,
    taken_back: i64,
    adjusted: i64,
    redeemed: i64,
    lapsed: i64,
    /// Went to pay what a member owed.
    settled: i64,
    left: i64,
    /// Redeemed by the end of the month itself, of the next, and so on.
    redeemed_by_age: Vec<i64>,
    /// How many are expected to be redeemed in all; null while nothing can be said.
    expected: Option<f64>,
    /// Mack's standard error of it; null where too few older vintages say how much they differ.
    standard_error: Option<f64>,
    /// With 95 % between here and `high`.
    low: Option<f64>,
    high: Option<f64>,
}

/// How well the estimate would have done.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriedEstimate {
    /// So many months ago, for the months since.
    months: usize,
    vintages: usize,
    /// How many points were expected to be redeemed since then.
    foreseen: f64,
    /// How many were.
    came: f64,
}

/// What becomes of points, by the month in which they were earned.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointsVintages {
    wallet: String,
    basis: String,
    /// The oldest first.
    rows: Vec<PointsVintage>,
    /// What share of all points is expected never to be redeemed; null while nothing can be said.
    breakage: Option<f64>,
    breakage_low: Option<f64>,
    breakage_high: Option<f64>,
    /// By what redeemed points grow from one month of age to the next; null where none had been redeemed before.
    factors: Vec<Option<f64>>,
    /// Whether a vintage was watched for a year, so that the books go by this.
    enough: bool,
    tried: Vec<TriedEstimate>,
}

/// What lies within 95 %, between two bounds.
fn within(value: f64, error: Option<f64>, least: f64, most: f64) -> (Option<f64>, Option<f64>) {
    let apart = error.map(|error| NORMAL_95 * error);
    (apart.map(|apart| (value - apart).max(least)), apart.map(|apart| (value + apart).min(most)))
}

fn vintage(row: &(Month, Vintage, books::Moves), expected: Option<&ladder::Expected>) -> PointsVintage {
    let (month, vintage, all) = row;
    let most = (all.redeemed + all.left()) as f64;
    // Nothing is ahead of the oldest as far as the ladder reaches; that says nothing of how sure it is.
    let error = expected.and_then(|it| it.error).filter(|error| *error > 0.0);
    let (low, high) = expected.map_or((None, None), |it| within(it.redeemed, error, all.redeemed as f64, most));
    PointsVintage {
        month: month_word(*month),
        issued: all.issued,
        taken_back: all.taken_back,
        adjusted: all.adjusted,
        redeemed: all.redeemed,
        lapsed: all.lapsed,
        settled: all.settled,
        left: all.left(),
        redeemed_by_age: vintage.redeemed.clone(),
        expected: expected.map(|it| it.redeemed),
        standard_error: error,
        low,
        high,
    }
}

/// Says what became of points by the month in which they were earned, how many of each are expected to be redeemed, and how well the same estimate would have done before.
#[utoipa::path(get, path = "/api/v1/loyalty/liability/vintages", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_vintages", params(VintagesQuery), responses((status = 200, body = PointsVintages), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_vintages(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<VintagesQuery>,
) -> Result<Json<PointsVintages>, Problem> {
    caller.require(Permission::ViewReports)?;
    let basis = basis(query.basis.as_deref(), Basis::Effective)?;
    let mut db = app.installation.store.snapshot().await?;
    let read = Read::of(&app, &mut db, &caller, (query.wallet.as_deref(), basis)).await?;
    let stand = books::vintages(&read.cells, read.now);
    let only: Vec<Vintage> = stand.iter().map(|(_, vintage, _)| vintage.clone()).collect();
    let outlook: Option<Outlook> = ladder::outlook(&only);
    let expected = |at: usize| outlook.as_ref().map(|it| &it.vintages[at]);
    let rows = stand.iter().enumerate().map(|(at, row)| vintage(row, expected(at))).collect();
    let issued: i64 = only.iter().map(|vintage| vintage.issued).sum();
    let (mut breakage_low, mut breakage_high) = (None, None);
    if let Some(outlook) = outlook.as_ref().filter(|_| issued > 0) {
        let error = outlook.error.map(|error| error / issued as f64);
        (breakage_low, breakage_high) = within(outlook.breakage, error, 0.0, 1.0);
    }
    let tried = TRIED.into_iter().filter_map(|months| ladder::tried(&only, months));
    let tried = tried.map(|it| TriedEstimate {
        months: it.months,
        vintages: it.vintages,
        foreseen: it.foreseen,
        came: it.came,
    });
    Ok(Json(PointsVintages {
        wallet: read.plan.key,
        basis: basis_word(basis).to_owned(),
        rows,
        breakage: outlook.as_ref().map(|it| it.breakage),
        breakage_low,
        breakage_high,
        factors: outlook.map(|it| it.factors).unwrap_or_default(),
        enough: only.first().is_some_and(|oldest| oldest.redeemed.len() > EVIDENCE_MONTHS),
        tried: tried.collect(),
    }))
}
