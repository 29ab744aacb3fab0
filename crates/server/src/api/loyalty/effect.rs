//! Whether rules and offers work, and who is only there for the discount.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::money::format_micros;
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::document::Holdout;
use rapport_loyalty::earning::Rule;
use rapport_loyalty::offers::Offer;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::awards;
use rapport_loyalty::records::documents::{self, Version};
use rapport_models::survey::{self, Confidence};
use rapport_profiles::records::persons;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::missing;
use crate::api::effects::{HoldoutEffect, shape};
use crate::api::members::instant;
use crate::api::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::earning::buying::{self, Buyer, Manner};
use crate::earning::{effect, offered};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::points::worth::redemption;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_rule_effect))
        .routes(routes!(loyalty_offer_effect))
        .routes(routes!(loyalty_buying))
        .routes(routes!(loyalty_buying_people))
}

/// The verdict where nobody is held out.
const NOBODY: &str = "nobody_held_out";

/// Over which time.
#[derive(Debug, Deserialize, IntoParams)]
pub struct EffectQuery {
    /// From when on; since those are held out who are now, unless said, and never earlier.
    from: Option<String>,
    /// Until before when; now, unless said.
    until: Option<String>,
    /// What share of revenue is margin, in per cent: then it is said whether the rule or the offer earns what it costs.
    margin_percent: Option<f64>,
}

/// A number of which it is said between what it lies.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectRange {
    estimate: f64,
    low: f64,
    high: f64,
}

/// What a member came to on average.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectMeans {
    /// `conversion`, `orders` or `revenue`.
    metric: String,
    held_out: f64,
    treated: f64,
}

/// What something brought in, by the members who are held out of it by chance, beside what it cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncrementalEffect {
    /// `nobody_held_out`, `too_few`, `unclear`, `brings_in` or `harms` (revenue, as far as the interval says so); with a margin: `pays`, `does_not_pay` or `unclear`.
    verdict: String,
    /// Null where nobody is held out: then it cannot be said what it brings in.
    holdout: Option<HoldoutEffect>,
    until: String,
    means: Vec<EffectMeans>,
    /// Members who joined since: they are not counted, since it may be why.
    newcomers: u64,
    currency: String,
    /// What it cost: of a rule points × worth × expected redemption; of an offer what it took off, and what points and gifts are worth, less what went back. Null when it is not said what a
    /// point or a gift is worth.
    cost: Option<String>,
    /// What it brought in of margin, of the prices before what an offer took off goods.
    margin: Option<EffectRange>,
    /// Margin brought in less the cost.
    net: Option<EffectRange>,
    /// Revenue brought in for each unit of cost.
    revenue_per_cost: Option<EffectRange>,
}

impl IncrementalEffect {
    /// As long as nobody is held out.
    fn of_nobody(program: &Program, until: Timestamp) -> Self {
        Self {
            verdict: NOBODY.to_owned(),
            holdout: None,
            until: time(until),
            means: Vec::new(),
            newcomers: 0,
            currency: program.currency.to_string(),
            cost: None,
            margin: None,
            net: None,
            revenue_per_cost: None,
        }
    }

    /// By those who were compared; what it cost and what it took off goods are in millionths.
    fn compared(self, read: effect::Compared, (cost, off_goods): (Option<f64>, f64), margin: Option<f64>) -> Self {
        let judged = judge(&read, (cost, off_goods), margin);
        Self {
            verdict: judged.verdict.to_owned(),
            means: means(&read),
            newcomers: read.newcomers,
            cost: cost.map(|cost| format_micros(cost.round() as i64)),
            margin: judged.margin,
            net: judged.net,
            revenue_per_cost: judged.revenue_per_cost,
            holdout: Some(shape(read.effect)),
            ..self
        }
    }
}

/// Whether a rule works.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyRuleEffect {
    rule: String,
    /// Points that the rule gave to those who are counted, less those that were taken back.
    points: i64,
    #[serde(flatten)]
    effect: IncrementalEffect,
}

/// Whether an offer works.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyOfferEffect {
    offer: String,
    /// How often those who are counted used it in carts that were paid and did not go back whole.
    times: i64,
    #[serde(flatten)]
    effect: IncrementalEffect,
}

/// A rule or an offer of which it is asked what it brought in, and in which time.
struct Asked<D> {
    program: Program,
    versions: Vec<Version<D>>,
    until: Timestamp,
    /// From when on, and how many of a hundred are held out; none where nobody is.
    held: Option<(Timestamp, u8)>,
}

/// Reads what was asked for.
async fn asked<D: Holdout>(app: &App, caller: &Caller, key: &str, query: &EffectQuery) -> Result<Asked<D>, Problem> {
    caller.require(Permission::ViewReports)?;
    if query.margin_percent.is_some_and(|margin| !(0.0..=100.0).contains(&margin)) {
        return Err(Problem::invalid("margin_percent", "0 to 100"));
    }
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, caller.workspace).await?;
    let program = programs.latest().ok_or_else(missing)?.program.clone();
    let versions = documents::versions_of::<D>(&mut db, caller.workspace, key).await?;
    if versions.is_empty() {
        return Err(Problem::not_found(D::KIND));
    }
    let until = instant("until", query.until.as_deref())?.unwrap_or_else(|| app.now()).min(app.now());
    let from = instant("from", query.from.as_deref())?;
    let held = effect::since(&versions).map(|(since, percent)| (from.unwrap_or(since).max(since), percent));
    if held.is_some_and(|(from, _)| from >= until) {
        return Err(Problem::invalid("from", "must be before `until` and the present"));
    }
    Ok(Asked { program, versions, until, held })
}

/// Says what a rule brought in, by the members who are held out of it by chance: orders and revenue, not points.
#[utoipa::path(get, path = "/api/v1/loyalty/rules/{key}/effect", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_rule_effect", params(("key" = String, Path), EffectQuery), responses((status = 200, body = LoyaltyRuleEffect), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_rule_effect(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<EffectQuery>,
) -> Result<Json<LoyaltyRuleEffect>, Problem> {
    let Asked { program, versions, until, held } = asked::<Rule>(&app, &caller, &key, &query).await?;
    let effect = IncrementalEffect::of_nobody(&program, until);
    let mut found = LoyaltyRuleEffect { rule: key.clone(), points: 0, effect };
    let (Some(latest), Some((from, percent))) = (versions.last(), held) else { return Ok(Json(found)) };
    let rule = &latest.document;
    let wallet = rule.wallet(&program);
    let lot = rule.salt();
    let read =
        effect::read(&app.installation, caller.workspace, (&program, lot.as_str(), percent), (from, until)).await;
    let read = read.map_err(Problem::internal)?;
    let mut db = app.installation.store.read();
    found.points = awards::given_between(&mut db, caller.workspace, &key, (from, until)).await?;
    let share = redemption(&app.installation, caller.workspace, &program, wallet).await.map_err(Problem::internal)?;
    let worth = program.wallet(wallet).and_then(|plan| plan.worth).map(|worth| worth.micros() as f64 * share);
    let cost = worth.map(|worth| worth * found.points as f64);
    found.effect = found.effect.compared(read, (cost, 0.0), query.margin_percent);
    Ok(Json(found))
}

/// Says what an offer brought in, by the members who are held out of it by chance: orders and revenue, and what it took off for that.
#[utoipa::path(get, path = "/api/v1/loyalty/offers/{key}/effect", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_offer_effect", params(("key" = String, Path), EffectQuery), responses((status = 200, body = LoyaltyOfferEffect), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_offer_effect(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<EffectQuery>,
) -> Result<Json<LoyaltyOfferEffect>, Problem> {
    let Asked { program, versions, until, held } = asked::<Offer>(&app, &caller, &key, &query).await?;
    let effect = IncrementalEffect::of_nobody(&program, until);
    let mut found = LoyaltyOfferEffect { offer: key.clone(), times: 0, effect };
    let (Some(latest), Some((from, percent))) = (versions.last(), held) else { return Ok(Json(found)) };
    let lot = latest.document.salt();
    let read =
        effect::read(&app.installation, caller.workspace, (&program, lot.as_str(), percent), (from, until)).await;
    let read = read.map_err(Problem::internal)?;
    let offer = (key.as_str(), versions.as_slice());
    let used = offered::used(&app.installation, caller.workspace, &program, offer, (from, until)).await;
    let used = used.map_err(Problem::internal)?;
    found.times = used.times;
    found.effect = found.effect.compared(read, (used.cost, used.off_goods), query.margin_percent);
    Ok(Json(found))
}

fn means(read: &effect::Compared) -> Vec<EffectMeans> {
    let metrics = read.effect.metrics.iter().zip(&read.means);
    metrics
        .map(|((metric, _), [held_out, treated])| EffectMeans {
            metric: metric.key.clone(),
            held_out: *held_out,
            treated: *treated,
        })
        .collect()
}

/// What to make of it.
#[derive(Default)]
struct Judged {
    verdict: &'static str,
    margin: Option<EffectRange>,
    net: Option<EffectRange>,
    revenue_per_cost: Option<EffectRange>,
}

/// What to make of it, by revenue. `cost` and `off_goods` are in millionths: revenue is less by what was taken off goods, so margin is reckoned of both together, and the whole cost comes
/// off it once.
fn judge(read: &effect::Compared, (cost, off_goods): (Option<f64>, f64), margin: Option<f64>) -> Judged {
    let revenue = read.effect.metrics.iter().find(|(metric, _)| metric.key == "revenue").map(|(_, it)| it);
    let believed = revenue.filter(|it| !it.ratio_broken && !read.too_few);
    let Some(brought) = believed.and_then(|it| it.brought_in.as_ref().ok()) else {
        return Judged { verdict: if read.too_few { "too_few" } else { "unclear" }, ..Judged::default() };
    };
    let range = |of: &dyn Fn(f64) -> f64| EffectRange {
        estimate: of(brought.estimate),
        low: of(brought.low),
        high: of(brought.high),
    };
    let (cost, off_goods) = (cost.map(|cost| cost / 1_000_000.0), off_goods / 1_000_000.0);
    let mut judged = Judged {
        revenue_per_cost: cost.filter(|cost| *cost > 0.0).map(|cost| range(&|revenue| revenue / cost)),
        ..Judged::default()
    };
    let mut decides = (brought.low, brought.high);
    let mut words = ("brings_in", "harms");
    if let Some(margin) = margin {
        let of = |revenue: f64| (revenue + off_goods) * margin / 100.0;
        judged.margin = Some(range(&of));
        if let Some(cost) = cost {
            let net = range(&|revenue| of(revenue) - cost);
            (decides, words) = ((net.low, net.high), ("pays", "does_not_pay"));
            judged.net = Some(net);
        }
    }
    judged.verdict = if decides.0 > 0.0 {
        words.0
    } else if decides.1 < 0.0 {
        words.1
    } else {
        "unclear"
    };
    judged
}

/// Over which time.
#[derive(Debug, Deserialize, IntoParams)]
pub struct BuyingQuery {
    /// From when on; a year before `until`, unless said.
    from: Option<String>,
    /// Until before when; now, unless said.
    until: Option<String>,
}

/// Members who buy in one manner.
#[derive(Debug, Serialize, ToSchema)]
pub struct BuyingGroup {
    /// `full_price`: up to a quarter of their orders have an offer; `only_offers`: three quarters or more; `mixed`; `too_few`: fewer than three orders.
    group: String,
    /// Of those who were looked at.
    members: usize,
    share: f64,
    /// With 95 % between here and `high`, for all members.
    low: f64,
    high: f64,
    /// Orders a member in the time, at full price and with an offer.
    full_price: f64,
    with_offer: f64,
    /// The same in as long a time before.
    full_price_before: f64,
    with_offer_before: f64,
}

/// How members buy.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyBuying {
    from: String,
    until: String,
    members: usize,
    /// How many of them were looked at, always the same ones.
    looked_at: usize,
    groups: Vec<BuyingGroup>,
}

/// A year.
const YEAR: i64 = 365 * Timestamp::DAY;
const LONGEST: i64 = 3 * YEAR;
/// People who are listed of a group.
const LISTED: usize = 100;

async fn buyers(
    app: &App,
    caller: &Caller,
    (from, until): (Option<&str>, Option<&str>),
) -> Result<((Timestamp, Timestamp), usize, Vec<Buyer>), Problem> {
    let until = instant("until", until)?.unwrap_or_else(|| app.now()).min(app.now());
    let from = instant("from", from)?.unwrap_or_else(|| until.plus(-YEAR));
    if from >= until || until.0 - from.0 > LONGEST {
        return Err(Problem::invalid("from", "must be before `until` and the present, by at most three years"));
    }
    let programs = app.installation.programs.get(&mut app.installation.store.read(), caller.workspace).await?;
    programs.latest().ok_or_else(missing)?;
    let rules: Vec<&Rule> = programs.rules.iter().map(|version| &version.document).collect();
    let read = buying::read(&app.installation, caller.workspace, &rules, (from, until)).await;
    let (members, buyers) = read.map_err(Problem::internal)?;
    Ok(((from, until), members, buyers))
}

fn group(manner: Manner, buyers: &[Buyer]) -> BuyingGroup {
    let own: Vec<&Buyer> = buyers.iter().filter(|it| it.manner() == manner).collect();
    let (count, all) = (own.len(), buyers.len());
    let found = survey::share(count as u64, all as u64, Confidence::default());
    let (share, (low, high)) = found.unwrap_or((0.0, (0.0, 1.0)));
    let mean = |of: fn(&Buyer) -> usize| {
        if count == 0 { 0.0 } else { own.iter().map(|it| of(it)).sum::<usize>() as f64 / count as f64 }
    };
    BuyingGroup {
        group: manner.word().to_owned(),
        members: count,
        share,
        low,
        high,
        full_price: mean(|it| it.during.full_price),
        with_offer: mean(|it| it.during.with_offer),
        full_price_before: mean(|it| it.before.full_price),
        with_offer_before: mean(|it| it.before.with_offer),
    }
}

/// Says how members buy: at full price, or only when there is an offer.
#[utoipa::path(get, path = "/api/v1/loyalty/buying", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_buying", params(BuyingQuery), responses((status = 200, body = LoyaltyBuying), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_buying(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<BuyingQuery>,
) -> Result<Json<LoyaltyBuying>, Problem> {
    caller.require(Permission::ViewReports)?;
    let ((from, until), members, buyers) =
        buyers(&app, &caller, (query.from.as_deref(), query.until.as_deref())).await?;
    let groups = Manner::ALL.map(|manner| group(manner, &buyers)).into();
    Ok(Json(LoyaltyBuying { from: time(from), until: time(until), members, looked_at: buyers.len(), groups }))
}

/// Which group, over which time.
#[derive(Debug, Deserialize, IntoParams)]
pub struct BuyingPeopleQuery {
    /// `full_price`, `mixed`, `only_offers` or `too_few`.
    group: String,
    /// As of the groups.
    from: Option<String>,
    /// As of the groups.
    until: Option<String>,
}

/// How one member buys.
#[derive(Debug, Serialize, ToSchema)]
pub struct BuyingPerson {
    customer: CustomerRow,
    full_price: usize,
    with_offer: usize,
    full_price_before: usize,
    with_offer_before: usize,
}

/// Lists members of a group, of those who were looked at, who ordered most first; at most a hundred.
#[utoipa::path(get, path = "/api/v1/loyalty/buying/people", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "loyalty_buying_people", params(BuyingPeopleQuery), responses((status = 200, body = Rows<BuyingPerson>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn loyalty_buying_people(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<BuyingPeopleQuery>,
) -> Result<Json<Rows<BuyingPerson>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let manner = Manner::ALL.into_iter().find(|it| it.word() == query.group);
    let manner =
        manner.ok_or_else(|| Problem::invalid("group", "expected full_price, mixed, only_offers or too_few"))?;
    let (_, _, mut buyers) = buyers(&app, &caller, (query.from.as_deref(), query.until.as_deref())).await?;
    buyers.retain(|it| it.manner() == manner);
    buyers.sort_by_key(|it| (std::cmp::Reverse(it.during.full_price + it.during.with_offer), it.person));
    buyers.truncate(LISTED);
    let ids: Vec<PersonId> = buyers.iter().map(|it| it.person).collect();
    let known = persons::by_ids(&mut app.installation.store.read(), caller.workspace, &ids).await?;
    let rows = buyers.into_iter().filter_map(|it| {
        Some(BuyingPerson {
            customer: CustomerRow::of(known.iter().find(|row| row.person == it.person)?),
            full_price: it.during.full_price,
            with_offer: it.during.with_offer,
            full_price_before: it.before.full_price,
            with_offer_before: it.before.with_offer,
        })
    });
    Ok(Json(Rows { rows: rows.collect() }))
}
