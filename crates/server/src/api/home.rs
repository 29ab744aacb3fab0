//! `/api/v1/home`: who are my customers, what changed, what should I do now.

mod changes;
mod next;

use axum::extract::State;
use rapport_analytics::answer::{KpiFigure, RetentionDetail, RevenueSplit, Topic};
use rapport_analytics::{Answer, Context, Detail, Question};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_profiles::records::{orders, persons};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::questions::context;
use super::shapes::{display_name, time};
use super::timeline::{TimelineItem, order_item};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Query};
use crate::http::route::routes;
use crate::problem::Problem;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

pub use changes::Change;
pub use next::NextStep;

/// How many orders the latest activity shows.
const LATEST: i64 = 8;
/// Data that ended longer ago than this is looked at from its own end.
const STALE: i64 = 2 * Timestamp::DAY;

/// Which period.
#[derive(Debug, Deserialize, IntoParams)]
pub struct HomeQuery {
    /// 7d, 30d, 90d or 365d; 30d unless told.
    period: Option<String>,
}

/// The period shown, and the one before it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HomePeriod {
    from: String,
    to: String,
    compare_from: String,
    compare_to: String,
    /// The data ended a while ago, so the period ends with it instead of today.
    ends_at_last_event: bool,
}

/// Something that happened lately, and with whom.
#[derive(Debug, Serialize, ToSchema)]
pub struct Latest {
    person_id: String,
    person_name: String,
    #[serde(flatten)]
    item: TimelineItem,
}

/// Revenue of new and returning customers by week, with its sentence and question.
#[derive(Debug, Serialize, ToSchema)]
pub struct HomeRevenue {
    #[serde(flatten)]
    split: RevenueSplit,
    sentence: String,
    #[schema(value_type = Question)]
    question: Value,
}

/// Who comes back, with its sentence and question.
#[derive(Debug, Serialize, ToSchema)]
pub struct HomeRetention {
    #[serde(flatten)]
    table: RetentionDetail,
    sentence: String,
    #[schema(value_type = Question)]
    question: Value,
}

/// The page.
#[derive(Debug, Serialize, ToSchema)]
pub struct Home {
    period: HomePeriod,
    /// Key figures of customers and orders, with change and sparkline.
    figures: Vec<KpiFigure>,
    /// The same of subscriptions, where there are any.
    subscriptions: Vec<KpiFigure>,
    /// The largest movements.
    changes: Vec<Change>,
    /// What to do now, by value at stake.
    next: Vec<NextStep>,
    /// Revenue of new and returning customers by week.
    revenue: HomeRevenue,
    /// Who comes back, by month of the first order.
    retention: HomeRetention,
    latest: Vec<Latest>,
}

/// Shows the first page of the day.
#[utoipa::path(get, path = "/api/v1/home", security(("caller" = ["view_reports"])), tag = "home", params(HomeQuery), responses((status = 200, body = Home)))]
pub async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<HomeQuery>,
) -> Result<Json<Home>, Problem> {
    caller.require(Permission::ViewReports)?;
    let workspace = caller.workspace;
    let days = match query.period.as_deref() {
        Some("7d") => 7,
        None | Some("30d") => 30,
        Some("90d") => 90,
        Some("365d") => 365,
        Some(_) => return Err(Problem::bad_request("unknown_period", "period is 7d, 30d, 90d or 365d")),
    };
    let context = at_last_event(context(&app.installation, workspace).await?);
    let stale = context.stale;
    let context = context.context;
    let last = json!({"last": format!("{days}d")});
    let kpis = ask(&app, workspace, &context, json!({"kind": "kpis", "period": last, "compare": true})).await?;
    let Detail::Kpis(figures) = &kpis.detail else { return Err(Problem::internal("kpis gave another answer")) };
    let who_comes_back = json!({
        "kind": "retention", "start": {"event": "Order Completed"}, "back": {"event": "Order Completed"},
        "interval": "month", "first_time": true, "intervals": 6, "period": {"last": "210d"},
    });
    let retention = ask(&app, workspace, &context, who_comes_back.clone()).await?;
    let weekly = json!({
        "kind": "trend", "series": [{"event": "Order Completed", "measure": "sum", "property": "revenue"}],
        "interval": "week", "period": {"last": "84d"},
    });
    let Detail::Retention(table) = retention.detail else {
        return Err(Problem::internal("retention gave another answer"));
    };
    let of = |topic: Topic| figures.figures.iter().filter(|figure| figure.topic == topic).cloned().collect();
    let span = figures.period;
    let before = |at: Option<Timestamp>| at.map(time).unwrap_or_default();
    Ok(Json(Home {
        period: HomePeriod {
            from: time(span.from),
            to: time(span.to),
            compare_from: before(span.compare_from),
            compare_to: before(span.compare_to),
            ends_at_last_event: stale,
        },
        changes: changes::find(&app, workspace, &context, figures, days).await?,
        next: next::find(&app, workspace, &context).await?,
        figures: of(Topic::Shop),
        subscriptions: of(Topic::Subscriptions),
        revenue: HomeRevenue { split: figures.revenue.clone(), sentence: kpis.sentence.clone(), question: weekly },
        retention: HomeRetention { table, sentence: retention.sentence, question: who_comes_back },
        latest: latest(&app, workspace).await?,
    }))
}

struct Standing {
    context: Context,
    stale: bool,
}

/// A historical import is looked at from its own end, so that its page is not empty.
fn at_last_event(mut context: Context) -> Standing {
    let stale = context.now.0 - context.data_until.0 > STALE;
    if stale {
        context.now = context.data_until.plus(1);
    }
    Standing { context, stale }
}

/// Asks a question of ours.
async fn ask(app: &App, workspace: WorkspaceId, context: &Context, question: Value) -> Result<Answer, Problem> {
    let question = Question::from_json(question)?;
    Ok(app.installation.analytics.ask(workspace, &question, context).await?)
}

async fn latest(app: &App, workspace: WorkspaceId) -> Result<Vec<Latest>, Problem> {
    let mut db = app.installation.store.read();
    let rows = orders::latest(&mut db, workspace, LATEST).await?;
    let ids: Vec<_> = rows.iter().map(|(person, _)| *person).collect();
    let people = persons::by_ids(&mut db, workspace, &ids).await?;
    let shown = rows.into_iter().filter_map(|(person, order)| {
        let row = people.iter().find(|row| row.person == person)?;
        Some(Latest { person_id: person.to_string(), person_name: display_name(row), item: order_item(&order) })
    });
    Ok(shown.collect())
}
