//! `/api/v1/surveys/{key}/model/people`: from a block of a model to the people, e.g. who is satisfied and not loyal.
//!
//! Always holds: whoever answered without being known is counted, and nobody; people whose data are restricted, or who refused to be understood in numbers, are left out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::extract::State;
use rapport_domain::PersonId;
use rapport_feedback::records::responses;
use rapport_feedback::results;
use rapport_feedback::results::loyalty::people::{Answered, Bound, within};
use rapport_feedback::results::loyalty::{Block, Drawn};
use rapport_models::survey::paths::{Scheme, Unfit};
use rapport_profiles::records::persons;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::survey_results::found;
use super::{Model, ModelBody, asked, scheme, span, unfit};
use crate::api::shapes::CustomerRow;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::modelling;
use crate::problem::Problem;

/// The most people of a page.
const MOST: usize = 200;
/// The most bounds.
const BOUNDS: usize = 20;
/// Above every index.
const ABOVE: f64 = 100.1;

/// Whose indices are within bounds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelPeopleBody {
    /// The model, as it is fitted; `by` and `group` are not used.
    #[serde(default)]
    model: ModelBody,
    /// All of these hold: 1 to 20.
    bounds: Vec<BoundBody>,
    /// How many are skipped.
    #[serde(default)]
    offset: usize,
    /// How many at most, up to 200; 50 unless said.
    limit: Option<usize>,
}

/// A bound.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoundBody {
    /// The key of a block of the model.
    block: String,
    /// Its index is at least this: 0 to 100.
    from: Option<f64>,
    /// And less than this.
    to: Option<f64>,
}

/// People whose indices are within the bounds, those who answered last first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelPeople {
    rows: Vec<ModelPerson>,
    /// How many people are known.
    total: usize,
    /// How many answered so without being known.
    anonymous: usize,
    /// How many answered all of the model.
    answers: usize,
}

/// Somebody who answered, by their last response.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelPerson {
    customer: CustomerRow,
    /// The response.
    response: String,
    /// The index of each block.
    indices: Vec<BlockIndex>,
}

/// An index of somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockIndex {
    block: String,
    /// From 0 to 100.
    index: Option<f64>,
}

/// Lists the people behind a part of a model: whose indices of some blocks are within bounds, e.g. satisfaction from 70 on and loyalty below 50.
#[utoipa::path(post, path = "/api/v1/surveys/{key}/model/people", security(("caller" = ["view_people"])), tag = "surveys", operation_id = "survey_model_people", params(("key" = String, Path)), request_body = ModelPeopleBody, responses((status = 200, body = ModelPeople), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn survey_model_people(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ModelPeopleBody>,
) -> Result<Json<ModelPeople>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let (row, definition) = found(&mut db, caller.workspace, &key).await?;
    let model = asked(&body.model, &definition)?;
    let scheme = scheme(&body.model)?;
    let span = span(body.model.from.as_deref(), body.model.to.as_deref(), app.now())?;
    let numbers = results::numbers(&mut db, caller.workspace, (row.survey, model.questions()), span, None).await?;
    let work = tokio::task::spawn_blocking(move || answered(&model, &numbers, scheme));
    let (drawn, people) = work.await.map_err(Problem::internal)?.map_err(|why| Problem::invalid("model", why))?;
    let bounds = bounds(&body.bounds, &drawn)?;
    let own: BTreeMap<&str, &Answered> = within(&people, &bounds).map(|it| (it.response.as_str(), it)).collect();
    let mut owners = responses::owners(&mut db, caller.workspace, row.survey, span).await?;
    owners.retain(|it| own.contains_key(it.0.as_str()));
    let without = modelling::without(&app.installation, caller.workspace).await.map_err(Problem::internal)?;
    // The last response of each counts, and is the first here.
    let mut seen: BTreeSet<PersonId> = BTreeSet::new();
    let listed: Vec<&(String, PersonId)> =
        owners.iter().filter(|(_, person)| !without.contains(person) && seen.insert(*person)).collect();
    let limit = body.limit.unwrap_or(50).clamp(1, MOST);
    let page: Vec<&&(String, PersonId)> = listed.iter().skip(body.offset).take(limit).collect();
    let ids: Vec<PersonId> = page.iter().map(|it| it.1).collect();
    let mut known: HashMap<PersonId, CustomerRow> = persons::by_ids(&mut db, caller.workspace, &ids)
        .await?
        .iter()
        .map(|row| (row.person, CustomerRow::of(row)))
        .collect();
    let person = |it: &&&(String, PersonId)| {
        let customer = known.remove(&it.1)?;
        let of = own.get(it.0.as_str())?;
        let index = |(block, index): (&Block, &Option<f64>)| BlockIndex { block: block.key.clone(), index: *index };
        let indices = drawn.blocks.iter().zip(&of.indices).map(index).collect();
        Some(ModelPerson { customer, response: it.0.clone(), indices })
    };
    let rows = page.iter().filter_map(person).collect();
    let anonymous = own.len().saturating_sub(owners.len());
    Ok(Json(ModelPeople { rows, total: listed.len(), anonymous, answers: people.len() }))
}

/// The model as it can be fitted, and the indices of everybody who answered all of it.
fn answered(model: &Model, numbers: &results::Numbers, scheme: Scheme) -> Result<(Drawn, Vec<Answered>), String> {
    let drawn = match model {
        Model::Usual(usual) => numbers.usual_drawn(usual, scheme).map_err(|why| unfit(why, &[], &usual.questions()))?,
        Model::Drawn(drawn) => drawn.clone(),
    };
    let said = |why: Unfit| unfit(why, &drawn.blocks, &drawn.questions());
    let people = numbers.indices(&drawn, scheme).map_err(said)?;
    Ok((drawn, people))
}

fn bounds(asked: &[BoundBody], drawn: &Drawn) -> Result<Vec<Bound>, Problem> {
    if asked.is_empty() || asked.len() > BOUNDS {
        return Err(Problem::invalid("bounds", "1 to 20 of them"));
    }
    let one = |it: &BoundBody| {
        let block = drawn.blocks.iter().position(|own| own.key == it.block);
        let block =
            block.ok_or_else(|| Problem::invalid("bounds", format!("has `{}`, which is no block", it.block)))?;
        let is_index = |value: Option<f64>| value.is_none_or(|value| (0.0..=100.0).contains(&value));
        if !is_index(it.from) || !is_index(it.to) {
            return Err(Problem::invalid("bounds", "indices are from 0 to 100"));
        }
        Ok(Bound { block, from: it.from.unwrap_or(0.0), to: it.to.unwrap_or(ABOVE) })
    };
    asked.iter().map(one).collect()
}
