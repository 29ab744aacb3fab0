//! The people behind the figures of a model, and what all models say of one of them.

use std::collections::{HashMap, HashSet};

use axum::extract::State;
use rapport_analytics::scores::records::scores::{self, ScoreRow, Wanted};
use rapport_analytics::scores::records::{models, personas};
use rapport_analytics::scores::{GROUPS, PROPENSITY};
use rapport_analytics::{churn, groups, loyalty_index, propensity, value};
use rapport_domain::{Handle, PersonId, money};
use rapport_profiles::records::{identifiers, persons};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{find, grouped};
use crate::api::customers;
use crate::api::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::grouping;
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery, Rows, write_cursor};
use crate::problem::Problem;
use crate::records::workspaces;

/// What a model says of somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonScore {
    model: String,
    /// What a propensity, or the group that somebody is in, is called; null of other models.
    name: Option<String>,
    version: i64,
    /// As of when.
    scored_at: String,
    /// What it says: of value an amount in `currency`, of churn and of a propensity a probability, of the loyalty index 0 to 100; exact decimal.
    score: String,
    /// The lower end of its interval of 95 %; of the loyalty index what it would be if all that is not known were the worst.
    low: String,
    /// The upper end, or the best.
    high: String,
    currency: String,
    /// 10 for the tenth with the highest scores; 0 of whoever is lost already.
    tenth: i64,
    /// Of value the cell of the page's matrix, of churn and of a propensity the level, of the loyalty index in which way they are loyal.
    part: String,
    /// Of value with whom they came, of churn and of a propensity the feature that raises it most, of the loyalty index the facet that pulls it down most.
    cohort: String,
    /// Of value the rest, and the reasons.
    detail: Option<value::Detail>,
    /// Of churn the rest, and the reasons.
    risk: Option<churn::Detail>,
    /// Of a propensity the rest, and the reasons.
    chance: Option<propensity::Detail>,
    /// Of groups which one they are in, how surely, and by what.
    group: Option<groups::Detail>,
    /// Of the loyalty index its facets, and what people say beside what they do.
    index: Option<loyalty_index::Detail>,
}

impl PersonScore {
    fn of(row: ScoreRow, currency: &str, name: Option<String>) -> Self {
        Self {
            name,
            version: row.version,
            scored_at: time(row.scored_at),
            score: money::format_micros(row.score),
            low: money::format_micros(row.low),
            high: money::format_micros(row.high),
            currency: currency.to_owned(),
            tenth: row.tenth,
            part: row.part,
            cohort: row.cohort,
            risk: serde_json::from_value(row.detail.clone()).ok(),
            chance: serde_json::from_value(row.detail.clone()).ok(),
            group: serde_json::from_value(row.detail.clone()).ok().filter(|_| row.model == GROUPS),
            index: serde_json::from_value(row.detail.clone()).ok(),
            detail: serde_json::from_value(row.detail).ok(),
            model: row.model,
        }
    }
}

/// Somebody with a score.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoredPerson {
    customer: CustomerRow,
    score: PersonScore,
}

/// Whose scores are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ModelPeopleQuery {
    /// With at least this score, e.g. an amount.
    from: Option<f64>,
    /// With a lower score than this.
    to: Option<f64>,
    /// Only of this tenth: 1 to 10.
    tenth: Option<i64>,
    /// Only of this cell of the matrix, of this level (`high`, `medium`, `low`, `lost`), or loyal in this way (`loyal`, `said_only`, `done_only`, `neither`).
    part: Option<String>,
    /// Only of this cohort, whose risk this feature raises most, or whose index this facet pulls down most.
    cohort: Option<String>,
    /// Only of a group by `source`, `market`, `segment`, or `fact:` with a key; not together with a tenth, a cell, a cohort, a trigger or a lapse.
    of: Option<String>,
    /// Which group.
    group: Option<String>,
    /// Only to whom this happened lately: the key of a trigger of churn.
    trigger: Option<String>,
    /// Of churn: only who has waited so long that hardly anybody still buys again (`lapsed`), or soon will have (`lapsing`); not together with a trigger.
    lapse: Option<String>,
    /// `highest` (unless said) or `lowest` first.
    order: Option<String>,
}

impl ModelPeopleQuery {
    fn wanted(self, page: &PageQuery) -> Result<Wanted, Problem> {
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a number too large is the largest")]
        let micros = |it: f64| (it * 1e6).round() as i64;
        let within = |it: &i64| (1..=10).contains(it);
        if self.tenth.is_some_and(|it| !within(&it)) {
            return Err(Problem::invalid("tenth", "1 to 10"));
        }
        let ascending = match self.order.as_deref() {
            None | Some("highest") => false,
            Some("lowest") => true,
            Some(_) => return Err(Problem::invalid("order", "expected highest or lowest")),
        };
        if self.lapse.as_deref().is_some_and(|it| ![churn::LAPSED, churn::LAPSING].contains(&it)) {
            return Err(Problem::invalid("lapse", "expected lapsed or lapsing"));
        }
        if self.lapse.is_some() && self.trigger.is_some() {
            return Err(Problem::invalid("lapse", "not together with trigger"));
        }
        let mark = self.trigger.or(self.lapse);
        let is_narrowed = self.tenth.is_some() || self.part.is_some() || self.cohort.is_some() || mark.is_some();
        if self.of.is_some() && is_narrowed {
            return Err(Problem::invalid("of", "not together with tenth, part, cohort, trigger or lapse"));
        }
        Ok(Wanted {
            from: self.from.map_or(i64::MIN, micros),
            to: self.to.map_or(i64::MAX, micros),
            tenths: self.tenth.map_or((0, 10), |it| (it, it)),
            part: self.part.unwrap_or_default(),
            cohort: self.cohort.unwrap_or_default(),
            mark: mark.unwrap_or_default(),
            ascending,
            offset: page.position::<i64>()?.unwrap_or(0).max(0),
            limit: i64::from(page.limit()),
        })
    }
}

/// Lists people with what a model says of them, the highest scores first.
#[utoipa::path(get, path = "/api/v1/models/{model}/people", security(("caller" = ["view_people"])), tag = "models", operation_id = "model_people", params(("model" = String, Path), ModelPeopleQuery, PageQuery), responses((status = 200, body = Page<ScoredPerson>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn model_people(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
    Query(query): Query<ModelPeopleQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ScoredPerson>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    find(&app, &caller, &model).await?;
    let group = query.of.clone().map(|by| (by, query.group.clone().unwrap_or_default()));
    let wanted = query.wanted(&page)?;
    let currency = currency(&app, &caller).await?;
    if let Some((by, key)) = group {
        let people = grouped::of(&app, caller.workspace, &by).await?.remove(&key).unwrap_or_default();
        return of_group(&app, &caller, &model, &wanted, people, &currency).await.map(Json);
    }
    let page = listed(&app, &caller, &model, &wanted, |row, customer| {
        Some(ScoredPerson { customer, score: PersonScore::of(row, &currency, None) })
    });
    page.await.map(Json)
}

/// A page of some people with what a model says of each.
async fn of_group(
    app: &App,
    caller: &Caller,
    model: &str,
    wanted: &Wanted,
    people: Vec<PersonId>,
    currency: &str,
) -> Result<Page<ScoredPerson>, Problem> {
    let mut db = app.installation.store.read();
    let people: HashSet<PersonId> = people.into_iter().collect();
    let mut scored = scores::everybody(&mut db, caller.workspace, model).await?;
    // Of somebody who was two until lately the newest counts, which comes first.
    scored.dedup_by_key(|it| it.0);
    scored.retain(|(person, score)| people.contains(person) && (wanted.from..wanted.to).contains(score));
    scored.sort_by_key(|(person, score)| (if wanted.ascending { *score } else { -score }, *person));
    let place = |it: i64| usize::try_from(it).unwrap_or(usize::MAX);
    let shown = scored.iter().skip(place(wanted.offset)).take(place(wanted.limit));
    let ids: Vec<PersonId> = shown.map(|it| it.0).collect();
    let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let names = identifiers::by_persons(&mut db, caller.workspace, &ids).await?;
    let handles: Vec<Handle> = names.iter().map(|it| it.handle).collect();
    let owners: HashMap<Handle, PersonId> = names.into_iter().map(|it| (it.handle, it.person)).collect();
    let mut own: HashMap<PersonId, ScoreRow> = HashMap::new();
    for row in scores::of_handles(&mut db, caller.workspace, &handles).await?.into_iter().filter(|it| it.model == model)
    {
        if let Some(person) = owners.get(&row.handle) {
            own.entry(*person).or_insert(row);
        }
    }
    let rows = ids.iter().filter_map(|person| {
        let customer = CustomerRow::of(known.iter().find(|it| it.person == *person)?);
        Some(ScoredPerson { customer, score: PersonScore::of(own.remove(person)?, currency, None) })
    });
    let total = i64::try_from(scored.len()).unwrap_or(i64::MAX);
    let end = wanted.offset + wanted.limit;
    Ok(Page { rows: rows.collect(), next: (end < total).then(|| write_cursor(&end)), total: Some(total) })
}

/// A page of people with what a model says of each.
pub(super) async fn listed<T>(
    app: &App,
    caller: &Caller,
    model: &str,
    wanted: &Wanted,
    shown: impl Fn(ScoreRow, CustomerRow) -> Option<T>,
) -> Result<Page<T>, Problem> {
    let mut db = app.installation.store.read();
    let total = scores::count(&mut db, caller.workspace, model, wanted).await?;
    let found = scores::page(&mut db, caller.workspace, model, wanted).await?;
    let end = wanted.offset + wanted.limit;
    let next = (end < total).then(|| write_cursor(&end));
    let handles: Vec<Handle> = found.iter().map(|it| it.handle).collect();
    let names = identifiers::by_handles(&mut db, caller.workspace, &handles).await?;
    let owners: HashMap<Handle, PersonId> = names.into_iter().map(|it| (it.handle, it.person)).collect();
    let ids: Vec<PersonId> = owners.values().copied().collect();
    let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let rows = found.into_iter().filter_map(|row| {
        let person = owners.get(&row.handle)?;
        shown(row, CustomerRow::of(known.iter().find(|it| it.person == *person)?))
    });
    Ok(Page { rows: rows.collect(), next, total: Some(total) })
}

/// Shows what all models say of a customer, and why.
#[utoipa::path(get, path = "/api/v1/customers/{person_id}/scores", security(("caller" = ["view_people"])), tag = "models", operation_id = "customer_scores", params(("person_id" = String, Path)), responses((status = 200, body = Rows<PersonScore>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn customer_scores(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
) -> Result<Json<Rows<PersonScore>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = customers::find(&app, caller.workspace, &person).await?;
    let currency = currency(&app, &caller).await?;
    let mut db = app.installation.store.read();
    let names = identifiers::by_persons(&mut db, caller.workspace, &[row.person]).await?;
    let handles: Vec<Handle> = names.iter().map(|it| it.handle).collect();
    let there = models::all(&mut db, caller.workspace).await?;
    let mut found = scores::of_handles(&mut db, caller.workspace, &handles).await?;
    // Of somebody who was two until lately the newest counts.
    found.dedup_by(|later, first| later.model == first.model);
    found.retain(|it| there.iter().any(|model| model.model == it.model));
    let personas = personas::all(&mut db, caller.workspace).await?;
    let name = |row: &ScoreRow| {
        let model = there.iter().find(|model| model.model == row.model)?;
        match model.kind.as_str() {
            PROPENSITY => model.settings["name"].as_str().map(str::to_owned),
            GROUPS => {
                let number: u32 = row.part.parse().ok()?;
                let named = personas.iter().find(|it| it.number == i64::from(number));
                Some(named.map_or_else(|| grouping::unnamed(number), |it| it.name.clone()))
            }
            _ => None,
        }
    };
    let shown = found.into_iter().map(|it| {
        let name = name(&it);
        PersonScore::of(it, &currency, name)
    });
    Ok(Json(Rows { rows: shown.collect() }))
}

async fn currency(app: &App, caller: &Caller) -> Result<String, Problem> {
    let row = workspaces::find(&mut app.installation.store.read(), caller.workspace).await?;
    row.map(|it| it.currency).ok_or_else(|| Problem::not_found("workspace"))
}
