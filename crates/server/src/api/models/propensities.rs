//! Propensities: how likely people are to do something. Staff make as many as they need; each is a model with versions, cards and people like any other.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use rapport_analytics::propensity::{Definition, Label, MOST, Overview, Settings};
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::{PROPENSITY, Sure};
use rapport_domain::plain;
use rapport_segments::records::segments;
use rapport_segments::{Condition, Limits};
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::find;
use super::shapes::ScoringModel;
use crate::api::segments::{Names, fits as fits_segments, user_names};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::modelling;
use crate::problem::Problem;

/// The longest key.
const KEY: usize = 40;

/// A propensity.
#[derive(Debug, Serialize, ToSchema)]
pub struct Propensity {
    key: String,
    /// The fact that is told of everybody who is asked about: what conditions use. The model is called so too, e.g. `/api/v1/models/propensity.upgrade/people`.
    fact: String,
    name: String,
    /// What is foretold in words, after "Who": `buys in the next 4 weeks`.
    said: String,
    /// The condition that people come to fulfil, or the filter of the event, as a text.
    label_text: Option<String>,
    /// Who is asked about, as a text.
    audience_text: Option<String>,
    settings: Settings,
    model: ScoringModel,
    /// The last run of scores in short; null before the first.
    figures: Option<PropensityFigures>,
}

/// A run of scores in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct PropensityFigures {
    /// The day that they are of.
    as_of: String,
    /// Of how many people it speaks.
    people: u64,
    /// How many of them are expected to do it.
    expected: Sure,
    /// Of how many the chance is high.
    high: u64,
    /// The share that did it where the version was judged.
    base: f64,
}

impl From<Overview> for PropensityFigures {
    fn from(it: Overview) -> Self {
        let high = it.levels.iter().find(|level| level.level == "high").map_or(0, |level| level.people);
        Self { as_of: it.as_of, people: it.people, expected: it.expected, high, base: it.base }
    }
}

/// What a model is called of this key.
fn model_of(key: &str) -> String {
    format!("{PROPENSITY}.{key}")
}

impl Propensity {
    async fn of(app: &App, caller: &Caller, row: ModelRow, users: &Names) -> Result<Self, Problem> {
        let settings: Settings = serde_json::from_value(row.settings.clone()).map_err(Problem::internal)?;
        let condition = match &settings.label {
            Label::Event { filter, .. } => filter.as_ref(),
            label => label.condition(),
        };
        let overview: Option<Overview> =
            row.overview.clone().map(serde_json::from_value).transpose().map_err(Problem::internal)?;
        Ok(Self {
            key: row.model.trim_start_matches(PROPENSITY).trim_start_matches('.').to_owned(),
            fact: row.model.clone(),
            name: settings.name.clone(),
            said: Definition::of(&settings).said(),
            label_text: condition.map(Condition::to_text),
            audience_text: settings.audience.as_ref().map(Condition::to_text),
            figures: overview.map(Into::into),
            settings,
            model: ScoringModel::of(app, caller, row, users).await?,
        })
    }
}

/// The propensity of a key.
async fn found(db: &mut impl Queries, caller: &Caller, key: &str) -> Result<ModelRow, Problem> {
    let row = models::find(db, caller.workspace, &model_of(key)).await?;
    row.ok_or_else(|| Problem::not_found("propensity"))
}

async fn shown(app: &App, caller: &Caller, key: &str) -> Result<Json<Propensity>, Problem> {
    let row = found(&mut app.installation.store.read(), caller, key).await?;
    let users = user_names(app, caller.workspace).await?;
    Propensity::of(app, caller, row, &users).await.map(Json)
}

/// Lists the propensities, by their keys.
#[utoipa::path(get, path = "/api/v1/models/propensities", security(("caller" = ["view_reports"])), tag = "models", operation_id = "list_propensities", responses((status = 200, body = Rows<Propensity>)))]
pub async fn list_propensities(State(app): State<App>, caller: Caller) -> Result<Json<Rows<Propensity>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let all = models::all(&mut app.installation.store.read(), caller.workspace).await?;
    let mut rows = Vec::new();
    for row in all.into_iter().filter(|row| row.kind == PROPENSITY) {
        rows.push(Propensity::of(&app, &caller, row, &users).await?);
    }
    Ok(Json(Rows { rows }))
}

/// Shows a propensity: what is foretold of whom, which version scores, and the figures of its page.
#[utoipa::path(get, path = "/api/v1/models/propensities/{key}", security(("caller" = ["view_reports"])), tag = "models", operation_id = "propensity", params(("key" = String, Path)), responses((status = 200, body = Propensity), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn propensity(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Propensity>, Problem> {
    caller.require(Permission::ViewReports)?;
    shown(&app, &caller, &key).await
}

/// A propensity to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPropensityBody {
    /// 1 to 40 small letters, digits and `_`, a letter first; made from the name where it is left out. It cannot be changed, because conditions name it.
    key: Option<String>,
    /// What staff choose. A condition is one as JSON, or its text.
    #[schema(value_type = Settings)]
    settings: Value,
}

/// Makes a propensity, and fits it at once, in the background. A workspace has up to 20.
#[utoipa::path(post, path = "/api/v1/models/propensities", security(("caller" = ["edit_models"])), tag = "models", operation_id = "create_propensity", request_body = NewPropensityBody, responses((status = 200, body = Propensity), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn create_propensity(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<NewPropensityBody>,
) -> Result<Json<Propensity>, Problem> {
    caller.require(Permission::EditModels)?;
    let settings = read(body.settings)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let all = models::all(&mut tx, caller.workspace).await?;
    let taken: BTreeSet<&str> = all.iter().map(|it| it.model.as_str()).collect();
    if all.iter().filter(|it| it.kind == PROPENSITY).count() >= MOST {
        return Err(Problem::conflict(
            "too_many_propensities",
            format!("There are {MOST} propensities, which is as many as a workspace has."),
            "Delete one that nobody uses any more.",
        ));
    }
    let key = match body.key {
        Some(key) => key,
        None => free_key(&settings.name, |key| taken.contains(model_of(key).as_str())),
    };
    if !is_key(&key) {
        return Err(Problem::invalid("key", "1 to 40 small letters, digits and underscores, a letter first"));
    }
    let model = model_of(&key);
    if taken.contains(model.as_str()) {
        return Err(Problem::conflict(
            "propensity_key_taken",
            format!("There is a propensity with the key {key} already."),
            "Give another key.",
        ));
    }
    fits(&mut tx, &caller, &model, &settings).await?;
    let settings = serde_json::to_value(settings).map_err(Problem::internal)?;
    models::ensure(&mut tx, caller.workspace, &model, PROPENSITY, settings).await?;
    let row = found(&mut tx, &caller, &key).await?;
    let by = caller.id();
    let asked = modelling::ask_fit(&app.installation, &mut tx, caller.workspace, &row, by.as_str()).await;
    asked.map_err(Problem::internal)?;
    tx.commit().await?;
    shown(&app, &caller, &key).await
}

/// What staff choose of a propensity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PropensityBody {
    /// All of the settings; what is left out is as usual. A condition is one as JSON, or its text.
    #[schema(value_type = Settings)]
    settings: Value,
    /// Whether nothing is fitted or scored by itself.
    is_paused: bool,
}

/// Changes a propensity. If something else is foretold from now on, it is fitted anew at once; until then people keep what was said of them.
#[utoipa::path(put, path = "/api/v1/models/propensities/{key}", security(("caller" = ["edit_models"])), tag = "models", operation_id = "change_propensity", params(("key" = String, Path)), request_body = PropensityBody, responses((status = 200, body = Propensity), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn change_propensity(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<PropensityBody>,
) -> Result<Json<Propensity>, Problem> {
    caller.require(Permission::EditModels)?;
    change(&app, &caller, &model_of(&key), body.settings, body.is_paused).await?;
    shown(&app, &caller, &key).await
}

/// Keeps what somebody chose of a propensity.
pub(super) async fn change(
    app: &App,
    caller: &Caller,
    model: &str,
    settings: Value,
    is_paused: bool,
) -> Result<(), Problem> {
    let row = find(app, caller, model).await?;
    let settings = read(settings)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    fits(&mut tx, caller, model, &settings).await?;
    let before: Option<Settings> = serde_json::from_value(row.settings.clone()).ok();
    let is_other = before.is_none_or(|it| Definition::of(&it) != Definition::of(&settings));
    let settings = serde_json::to_value(settings).map_err(Problem::internal)?;
    models::set(&mut tx, caller.workspace, model, settings, is_paused).await?;
    if is_other {
        let by = caller.id();
        let asked = modelling::ask_fit(&app.installation, &mut tx, caller.workspace, &row, by.as_str()).await;
        asked.map_err(Problem::internal)?;
    }
    Ok(tx.commit().await?)
}

/// Deletes a propensity with its versions. What it said of people is taken back in the background: its fact is told to be nothing.
#[utoipa::path(delete, path = "/api/v1/models/propensities/{key}", security(("caller" = ["edit_models"])), tag = "models", operation_id = "delete_propensity", params(("key" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete_propensity(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditModels)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = found(&mut tx, &caller, &key).await?;
    modelling::remove(&app.installation, &mut tx, caller.workspace, &row).await.map_err(Problem::internal)?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows who will probably do it, why, whom one would reach, and what goes with a chance.
#[utoipa::path(get, path = "/api/v1/models/{model}/chances", security(("caller" = ["view_reports"])), tag = "models", operation_id = "propensity_overview", params(("model" = String, Path)), responses((status = 200, body = Overview), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn propensity_overview(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<Overview>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, &model).await?;
    let overview = row.overview.filter(|_| row.kind == PROPENSITY);
    let overview = overview.ok_or_else(|| Problem::not_found("run of scores yet"))?;
    Ok(Json(serde_json::from_value(overview).map_err(Problem::internal)?))
}

/// The settings that somebody sent, once they are read and checked.
fn read(mut json: Value) -> Result<Settings, Problem> {
    if !json.is_object() {
        return Err(Problem::invalid("settings", "expected an object"));
    }
    for place in ["/label/condition", "/label/where", "/audience"] {
        let Some(given) = json.pointer_mut(place) else { continue };
        let field = format!("settings{}", place.replace('/', "."));
        let condition = match &*given {
            Value::String(text) => Condition::from_text(text, Limits::DEFAULT),
            Value::Null => continue,
            form => Condition::from_json(form, Limits::DEFAULT),
        };
        *given = condition.map_err(|error| Problem::invalid(&field, error))?.to_json();
    }
    let settings: Settings = serde_json::from_value(json).map_err(|error| Problem::invalid("settings", error))?;
    settings.check().map_err(|(field, expected)| Problem::invalid(&format!("settings.{field}"), expected))?;
    Ok(Settings { name: plain::one_line(&settings.name, 2 * KEY), ..settings })
}

/// Refuses conditions that ask for segments that are not there, or for what this propensity itself says.
async fn fits(db: &mut impl Queries, caller: &Caller, model: &str, settings: &Settings) -> Result<(), Problem> {
    let known = segments::all(db, caller.workspace).await?;
    let all = segments::conditions(&known);
    for condition in settings.conditions() {
        // No segment's key begins with a blank.
        fits_segments(&known, " ", condition)?;
        let mut wanted = vec![condition];
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        while let Some(condition) = wanted.pop() {
            if condition.fact_keys().contains(&model) {
                let why = "what a propensity says cannot be what it is about; leave its own fact out of the condition";
                return Err(Problem::invalid("settings", why));
            }
            let asked = all.iter().filter(|(key, _)| condition.segment_keys().contains(&key.as_str()));
            wanted.extend(asked.filter(|(key, _)| seen.insert(key)).map(|(_, condition)| condition));
        }
    }
    Ok(())
}

fn is_key(key: &str) -> bool {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (1..=KEY).contains(&key.len()) && key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(letters)
}

/// A key made from a name, the first that is free.
fn free_key(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let words: Vec<&str> = plain.split('_').filter(|word| !word.is_empty()).collect();
    let joined: String = words.join("_").chars().take(KEY - 4).collect();
    let key = if joined.starts_with(|c: char| c.is_ascii_lowercase()) { joined } else { format!("p_{joined}") };
    let key = key.trim_end_matches('_').to_owned();
    let numbered = (2..).map(|number| format!("{key}_{number}"));
    std::iter::once(key.clone()).chain(numbered).find(|key| !is_taken(key)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_names_and_are_free() {
        let free = |name: &str, taken: &[&str]| free_key(name, |key| taken.contains(&key));
        assert_eq!(free("Next purchase!", &[]), "next_purchase");
        assert_eq!(free("Next purchase", &["next_purchase", "next_purchase_2"]), "next_purchase_3");
        assert_eq!(free("买鞋", &[]), "p");
        assert_eq!(free("3 months", &[]), "p_3_months");
        for name in ["a", "____", "x".repeat(90).as_str(), "Ünï", "买鞋"] {
            assert!(is_key(&free(name, &["a"])), "{name}: {}", free(name, &["a"]));
        }
        for key in ["", "3x", "a-b", "Up", "a b", "x".repeat(41).as_str()] {
            assert!(!is_key(key), "{key}");
        }
    }

    #[test]
    fn conditions_are_read_as_text_and_as_json() {
        let of = |condition: Value| {
            read(serde_json::json!({"name": " Upgrade ", "label": {"kind": "condition", "condition": condition}}))
        };
        let form = serde_json::json!({"fact": {"key": "trait.plan", "op": "equals", "value": "pro"}});
        let (text, json) = (of(Value::from("trait plan = pro")).unwrap(), of(form).unwrap());
        assert_eq!((text.name.as_str(), &text), ("Upgrade", &json));
        assert!(of(Value::from("trait plan == ;")).unwrap_err().detail().contains("settings.label.condition"));
    }
}
