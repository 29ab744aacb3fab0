//! Partners' months: what is owed to whom, line by line, as a file, beside the partner's own list, and closed.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rapport_domain::Timestamp;
use rapport_domain::money::{format_micros, parse_micros};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::liability::books::Month;
use rapport_loyalty::partners::Partner;
use rapport_loyalty::partners::statement::{Compared, Kind, Side, Statement, compare};
use rapport_loyalty::records::partners::{self, Closed, Line};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::liability::{month, month_word};
use super::members::names_of;
use super::named;
use super::partners::{PartnerLine, partner, refused};
use super::redemptions::{Present, short};
use crate::api::members::instant_of;
use crate::api::segments::user_names;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::exporting::{as_it_was, plain};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(partner_months))
        .routes(routes!(partner_month))
        .routes(routes!(partner_lines))
        .routes(routes!(partner_lines_csv))
        .routes(routes!(compare_partner_month))
        .routes(routes!(close_partner_month))
        .routes(routes!(note_partner_payment))
}

/// Lines read at a time.
const STEP: u32 = 2_000;
/// Lines of a partner's list at once.
const MOST: usize = 100_000;
/// Lines of a comparison that are listed of each sort.
const SHOWN: usize = 1_000;

/// Lines of one kind at one price.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerPrice {
    /// `given`, `given_back`, `burned`, `burned_back` or `payment`.
    kind: String,
    /// What a point cost; nothing of a payment.
    price: Option<String>,
    lines: i64,
    points: i64,
    money: String,
}

/// A month that was closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerClosed {
    closed_at: String,
    closed_by: String,
    /// Where the ledger ended then: its last operation, and the hash of its chain there, to which `rapport verify` comes too.
    operation: i64,
    chain: String,
}

/// Points that went each way in all: as the partner told it, and as its account in the ledger has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerProof {
    given_told: i64,
    given_posted: i64,
    burned_told: i64,
    burned_posted: i64,
    /// Whether they are the same.
    holds: bool,
}

/// A partner's month.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerMonth {
    partner: String,
    /// `2026-05`, in the programme's zone.
    month: String,
    currency: String,
    wallet: String,
    /// What the partner owed before; below 0 it is owed that.
    opening: String,
    /// Points earned there.
    given: i64,
    /// Of those, and of earlier ones, what came back.
    given_back: i64,
    /// Points burned there.
    burned: i64,
    /// Of those, and of earlier ones, what came back.
    burned_back: i64,
    /// By how much the month changes what the partner owes.
    movement: String,
    /// What was paid: above 0 by the partner, below 0 to it.
    paid: String,
    /// What the partner owes after it; below 0 it is owed that.
    closing: String,
    /// `partner` owes, `programme` owes, or `nobody`.
    owes: String,
    /// Lines that happened in an earlier month, which was closed when they were told.
    late: i64,
    /// By kind and by the price that was in force.
    by_price: Vec<PartnerPrice>,
    /// Null while lines can still come.
    closed: Option<PartnerClosed>,
    /// Over all months, up to now.
    proof: PartnerProof,
}

fn owes(closing: i64) -> &'static str {
    match closing {
        0 => "nobody",
        1.. => "partner",
        _ => "programme",
    }
}

fn by_price(found: &Statement) -> Vec<PartnerPrice> {
    let row = |((kind, price), sum): (&(Kind, i64), &rapport_loyalty::partners::statement::Sum)| PartnerPrice {
        kind: kind.key().to_owned(),
        price: (*kind != Kind::Payment).then(|| format_micros(*price)),
        lines: sum.lines,
        points: sum.points,
        money: format_micros(sum.money),
    };
    found.by_price.iter().map(row).collect()
}

async fn shape(app: &App, caller: &Caller, of: &Partner, which: Month) -> Result<PartnerMonth, Problem> {
    let present = Present::read(app, caller.workspace).await?;
    let users = user_names(app, caller.workspace).await?;
    let mut db = app.installation.store.snapshot().await?;
    let found = partners::statement(&mut db, caller.workspace, &of.key, which).await?;
    let closed = partners::closed(&mut db, caller.workspace, &of.key, which).await?;
    let proof = partners::proof(&mut db, caller.workspace, &of.key).await?;
    let points = |kind| found.of(kind).points;
    Ok(PartnerMonth {
        partner: of.key.clone(),
        month: month_word(which),
        currency: of.currency.as_str().to_owned(),
        wallet: of.wallet(present.program()?).to_owned(),
        opening: format_micros(found.opening),
        given: points(Kind::Given),
        given_back: points(Kind::GivenBack),
        burned: points(Kind::Burned),
        burned_back: points(Kind::BurnedBack),
        movement: format_micros(found.movement()),
        paid: format_micros(found.of(Kind::Payment).money),
        closing: format_micros(found.closing()),
        owes: owes(found.closing()).to_owned(),
        late: found.late,
        by_price: by_price(&found),
        closed: closed.map(|it: Closed| PartnerClosed {
            closed_at: time(it.closed_at),
            closed_by: named(&users, &it.closed_by),
            operation: it.operation,
            chain: it.chain.iter().map(|byte| format!("{byte:02x}")).collect(),
        }),
        proof: PartnerProof {
            given_told: proof.given.0,
            given_posted: proof.given.1,
            burned_told: proof.burned.0,
            burned_posted: proof.burned.1,
            holds: proof.holds(),
        },
    })
}

/// A month in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerMonthRow {
    month: String,
    lines: i64,
    is_closed: bool,
}

/// Lists the months of a partner in which there is something, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/partners/{key}/months", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "partner_months", params(("key" = String, Path)), responses((status = 200, body = Rows<PartnerMonthRow>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn partner_months(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<PartnerMonthRow>>, Problem> {
    caller.require(Permission::ViewReports)?;
    partner(&app, &caller, &key).await?;
    let mut db = app.installation.store.read();
    let mut rows = Vec::new();
    for (which, lines) in partners::months(&mut db, caller.workspace, &key).await? {
        let is_closed = partners::closed(&mut db, caller.workspace, &key, which).await?.is_some();
        rows.push(PartnerMonthRow { month: month_word(which), lines, is_closed });
    }
    Ok(Json(Rows { rows }))
}

/// Reads a month: points and money each way, by the prices that were in force, and who owes whom.
#[utoipa::path(get, path = "/api/v1/loyalty/partners/{key}/months/{month}", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "partner_month", params(("key" = String, Path), ("month" = String, Path)), responses((status = 200, body = PartnerMonth), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn partner_month(
    State(app): State<App>,
    caller: Caller,
    Path((key, word)): Path<(String, String)>,
) -> Result<Json<PartnerMonth>, Problem> {
    caller.require(Permission::ViewReports)?;
    let of = partner(&app, &caller, &key).await?;
    Ok(Json(shape(&app, &caller, &of, month("month", &word)?).await?))
}

/// Lists the lines of a month in the order in which they were told.
#[utoipa::path(get, path = "/api/v1/loyalty/partners/{key}/months/{month}/lines", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "partner_lines", params(("key" = String, Path), ("month" = String, Path), PageQuery), responses((status = 200, body = Page<PartnerLine>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn partner_lines(
    State(app): State<App>,
    caller: Caller,
    Path((key, word)): Path<(String, String)>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PartnerLine>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let of = partner(&app, &caller, &key).await?;
    let which = month("month", &word)?;
    let after: Option<(i64, String)> = page.position()?;
    let after = after.map(|(at, reference)| (Timestamp(at), reference));
    let mut db = app.installation.store.read();
    let rows = partners::of_month(&mut db, caller.workspace, (&key, which), after, page.limit() + 1).await?;
    let page = Page::cut(rows, page.limit(), |it| (it.recorded_at.0, it.reference.clone()));
    let numbers: Vec<MemberId> = page.rows.iter().filter_map(Line::member).collect();
    let names = names_of(&mut db, caller.workspace, &numbers).await?;
    Ok(Json(page.map(|it| {
        let name = it.member.and_then(|member| names.get(&member).cloned());
        PartnerLine::of(it, of.currency.as_str()).named(name)
    })))
}

/// All lines of a month.
async fn all(app: &App, caller: &Caller, key: &str, which: Month) -> Result<Vec<Line>, Problem> {
    let mut db = app.installation.store.snapshot().await?;
    let mut rows: Vec<Line> = Vec::new();
    loop {
        let after = rows.last().map(|it| (it.recorded_at, it.reference.clone()));
        let step = partners::of_month(&mut db, caller.workspace, (key, which), after, STEP).await?;
        if step.is_empty() {
            return Ok(rows);
        }
        rows.extend(step);
    }
}

const COLUMNS: [&str; 14] = [
    "reference",
    "kind",
    "of_reference",
    "member_id",
    "wallet",
    "points",
    "price",
    "money",
    "owed",
    "currency",
    "occurred_at",
    "recorded_at",
    "late",
    "operation",
];

fn record(it: &Line, currency: &str) -> [String; 14] {
    let sign = Kind::read(&it.kind).map_or(0, Kind::sign);
    [
        plain(&it.reference),
        it.kind.clone(),
        plain(&it.of_reference),
        it.member.map(|member| member.to_string()).unwrap_or_default(),
        it.wallet.clone(),
        it.points.to_string(),
        format_micros(it.price),
        format_micros(it.money),
        format_micros(sign * it.money),
        currency.to_owned(),
        time(it.occurred_at),
        time(it.recorded_at),
        if it.own_month < it.month { month_word(it.own_month) } else { String::new() },
        it.operation.map(|operation| operation.to_string()).unwrap_or_default(),
    ]
}

/// The lines of a month as a CSV file. `owed` says by how much a line changes what the partner owes; a reference that a spreadsheet would take for a formula has a `'` before it.
#[utoipa::path(get, path = "/api/v1/loyalty/partners/{key}/months/{month}/lines.csv", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "partner_lines_csv", params(("key" = String, Path), ("month" = String, Path)), responses((status = 200, body = String, content_type = "text/csv"), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn partner_lines_csv(
    State(app): State<App>,
    caller: Caller,
    Path((key, word)): Path<(String, String)>,
) -> Result<Response, Problem> {
    caller.require(Permission::ViewPeople)?;
    let of = partner(&app, &caller, &key).await?;
    let which = month("month", &word)?;
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(COLUMNS).map_err(Problem::internal)?;
    for line in all(&app, &caller, &key, which).await? {
        out.write_record(record(&line, of.currency.as_str())).map_err(Problem::internal)?;
    }
    let body = out.into_inner().map_err(|error| Problem::internal(error.into_error()))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        // A key has letters, digits, hyphens and underscores only.
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"partner-{}-{}.csv\"", of.key, month_word(which))),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, body).into_response())
}

/// Which column of the partner's list is what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareColumns {
    /// The partner's reference.
    reference: String,
    /// How many points.
    #[serde(default)]
    points: Option<String>,
    /// What they cost.
    #[serde(default)]
    money: Option<String>,
}

/// A partner's own list of a month.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparePartnerBody {
    /// The file, as CSV with a line of names.
    text: String,
    columns: CompareColumns,
}

/// A line that does not fit.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparedLine {
    reference: String,
    their_points: Option<i64>,
    our_points: Option<i64>,
    their_money: Option<String>,
    our_money: Option<String>,
    /// Of a line that is missing here: in which month's statement it is, if it is in another one.
    elsewhere: Option<String>,
    /// Or why it was refused.
    refused: Option<String>,
}

/// How a partner's list compares with ours. Of each sort the first thousand are listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerComparison {
    /// Lines that both have, with the same numbers: points exactly, money to the hundredth.
    matched: i64,
    /// How many differ.
    different: usize,
    differing: Vec<ComparedLine>,
    /// How many only the partner has.
    missing_here: usize,
    missing_here_lines: Vec<ComparedLine>,
    /// How many only we have.
    missing_there: usize,
    missing_there_lines: Vec<ComparedLine>,
    /// References that stand more than once in the partner's list.
    twice: Vec<String>,
    /// Lines of the file, from 1 for the names, that could not be read.
    unreadable: Vec<usize>,
}

/// Compares a month with the partner's own list. Nothing is kept of the list.
#[utoipa::path(post, path = "/api/v1/loyalty/partners/{key}/months/{month}/compare", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "compare_partner_month", params(("key" = String, Path), ("month" = String, Path)), request_body = ComparePartnerBody, responses((status = 200, body = PartnerComparison), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn compare_partner_month(
    State(app): State<App>,
    caller: Caller,
    Path((key, word)): Path<(String, String)>,
    Json(body): Json<ComparePartnerBody>,
) -> Result<Json<PartnerComparison>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    partner(&app, &caller, &key).await?;
    let which = month("month", &word)?;
    let (theirs, unreadable) = list(&body)?;
    let ours: Vec<Side> = all(&app, &caller, &key, which).await?.iter().map(side).collect();
    let found = compare(&theirs, &ours);
    let mut answer = comparison(&found, unreadable);
    for row in &mut answer.missing_here_lines {
        let mut db = app.installation.store.read();
        if let Some(line) = partners::by_reference(&mut db, caller.workspace, &key, &row.reference).await? {
            row.elsewhere = Some(month_word(line.month)).filter(|_| line.refused.is_none());
            row.refused = line.refused;
        }
    }
    Ok(Json(answer))
}

fn side(it: &Line) -> Side {
    Side { reference: it.reference.clone(), points: Some(it.points), money: Some(it.money) }
}

/// The partner's list, and which of its lines cannot be read.
fn list(body: &ComparePartnerBody) -> Result<(Vec<Side>, Vec<usize>), Problem> {
    let mut file = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(body.text.as_bytes());
    let names = file.headers().map_err(|_| Problem::invalid("text", "is no CSV file"))?.clone();
    let place = |field: &str, name: &str| {
        let found = names.iter().position(|it| it.trim_start_matches('\u{feff}') == name);
        found.ok_or_else(|| Problem::invalid(&format!("columns.{field}"), "the file has no such column"))
    };
    let reference = place("reference", &body.columns.reference)?;
    let points = body.columns.points.as_deref().map(|name| place("points", name)).transpose()?;
    let money = body.columns.money.as_deref().map(|name| place("money", name)).transpose()?;
    let (mut sides, mut unreadable) = (Vec::new(), Vec::new());
    for (row, record) in file.records().enumerate() {
        if row >= MOST {
            return Err(Problem::invalid("text", format_args!("has more than {MOST} lines; send it in parts")));
        }
        let read = || {
            let record = record.as_ref().ok()?;
            let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).filter(|text| !text.is_empty());
            let reference = as_it_was(cell(Some(reference))?).to_owned();
            let points = cell(points).map(|text| text.parse::<i64>().ok()).map_or(Some(None), |it| it.map(Some))?;
            let money = cell(money).map(|text| parse_micros(text).ok()).map_or(Some(None), |it| it.map(Some))?;
            Some(Side { reference, points, money })
        };
        match read() {
            Some(side) => sides.push(side),
            None => unreadable.push(row + 2),
        }
    }
    Ok((sides, unreadable))
}

fn comparison(found: &Compared, mut unreadable: Vec<usize>) -> PartnerComparison {
    let line = |theirs: Option<&Side>, ours: Option<&Side>| ComparedLine {
        reference: theirs.or(ours).map(|it| it.reference.clone()).unwrap_or_default(),
        their_points: theirs.and_then(|it| it.points),
        our_points: ours.and_then(|it| it.points),
        their_money: theirs.and_then(|it| it.money).map(format_micros),
        our_money: ours.and_then(|it| it.money).map(format_micros),
        elsewhere: None,
        refused: None,
    };
    unreadable.truncate(SHOWN);
    PartnerComparison {
        matched: found.matched,
        different: found.differing.len(),
        differing: found.differing.iter().take(SHOWN).map(|(theirs, ours)| line(Some(theirs), Some(ours))).collect(),
        missing_here: found.missing_here.len(),
        missing_here_lines: found.missing_here.iter().take(SHOWN).map(|it| line(Some(it), None)).collect(),
        missing_there: found.missing_there.len(),
        missing_there_lines: found.missing_there.iter().take(SHOWN).map(|it| line(None, Some(it))).collect(),
        twice: found.twice.iter().take(SHOWN).cloned().collect(),
        unreadable,
    }
}

/// Closes a month that is over: no line comes into it any more, and what is told late goes into the next. Told again it is the same.
#[utoipa::path(post, path = "/api/v1/loyalty/partners/{key}/months/{month}/closed", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "close_partner_month", params(("key" = String, Path), ("month" = String, Path)), responses((status = 200, body = PartnerMonth), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn close_partner_month(
    State(app): State<App>,
    caller: Caller,
    Path((key, word)): Path<(String, String)>,
) -> Result<Json<PartnerMonth>, Problem> {
    caller.require(Permission::PostPoints)?;
    let of = partner(&app, &caller, &key).await?;
    let which = month("month", &word)?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = partners::close(&mut tx, scene, &key, which, caller.id().as_str()).await?;
    tx.commit().await?;
    outcome.map_err(refused)?;
    Ok(Json(shape(&app, &caller, &of, which).await?))
}

/// Money that was paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerPaymentBody {
    /// Your own name for it, or the bank's, without personal data: the same again is the same. It must not be one of the partner's references.
    reference: String,
    /// In the partner's currency: above 0 the partner paid, below 0 the programme did.
    #[schema(value_type = String)]
    amount: Decimal,
    /// When; now, unless said.
    #[serde(default)]
    paid_at: Option<String>,
}

/// Notes that a partner paid, or was paid.
#[utoipa::path(post, path = "/api/v1/loyalty/partners/{key}/payments", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "note_partner_payment", params(("key" = String, Path)), request_body = PartnerPaymentBody, responses((status = 200, body = PartnerLine), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn note_partner_payment(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<PartnerPaymentBody>,
) -> Result<Json<PartnerLine>, Problem> {
    caller.require(Permission::PostPoints)?;
    let of = partner(&app, &caller, &key).await?;
    short("reference", &body.reference)?;
    let paid_at = body.paid_at.as_deref().map(|text| instant_of("paid_at", text)).transpose()?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.scene(&app, caller.workspace)?;
    let who = (key.as_str(), body.reference.as_str(), caller.id().as_str());
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = partners::pay(&mut tx, scene, who, (body.amount.micros(), paid_at)).await?;
    tx.commit().await?;
    Ok(Json(PartnerLine::of(outcome.map_err(refused)?, of.currency.as_str())))
}
