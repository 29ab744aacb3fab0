//! People of a model by where they came from, where they are, or in which segment: what each group has is added up elsewhere.

use std::collections::{BTreeMap, HashMap};

use rapport_analytics::scores::records::scores;
use rapport_domain::{PersonId, WorkspaceId};
use rapport_profiles::records::{facts, persons};
use rapport_segments::kept;
use rapport_segments::records::{memberships, segments};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::app::App;
use crate::problem::Problem;

/// More groups than these are not listed: the largest are.
pub(super) const LISTED: usize = 50;
/// Members of a segment that are looked at.
const MEMBERS: i64 = 5_000_000;

/// By what customers are grouped.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GroupsQuery {
    /// `source` (the campaign's source that brought them first), `market` (the country), `segment`, or `fact:` with a key.
    pub(super) by: String,
}

/// Everybody's score, by person.
pub(super) async fn scored(app: &App, workspace: WorkspaceId, model: &str) -> Result<HashMap<PersonId, f64>, Problem> {
    let mut scored: HashMap<PersonId, f64> = HashMap::new();
    for (person, micros) in scores::everybody(&mut app.installation.store.read(), workspace, model).await? {
        // The newest comes first.
        scored.entry(person).or_insert(micros as f64 / 1e6);
    }
    Ok(scored)
}

/// The people of each group, by its key.
pub(super) type Groups = BTreeMap<String, Vec<PersonId>>;

/// What segments are called; other groups are called by their keys.
async fn segment_names(app: &App, workspace: WorkspaceId, by: &str) -> Result<HashMap<String, String>, Problem> {
    if by != "segment" {
        return Ok(HashMap::new());
    }
    let rows = segments::all(&mut app.installation.store.read(), workspace).await?;
    Ok(rows.into_iter().map(|row| (row.key, row.name)).collect())
}

/// A group.
pub(super) struct Group {
    /// Which; of a segment its key.
    pub(super) key: String,
    /// What it is called.
    pub(super) name: String,
    pub(super) people: Vec<PersonId>,
}

/// Groups with what they are called.
pub(super) async fn named(app: &App, workspace: WorkspaceId, by: &str) -> Result<Vec<Group>, Problem> {
    let mut names = segment_names(app, workspace, by).await?;
    let groups = of(app, workspace, by).await?;
    let one = |(key, people): (String, Vec<PersonId>)| {
        let name = names.remove(&key).unwrap_or_else(|| key.clone());
        Group { key, name, people }
    };
    Ok(groups.into_iter().map(one).collect())
}

/// People by source, market, segment or a fact. Of segments somebody may be in several.
pub(super) async fn of(app: &App, workspace: WorkspaceId, by: &str) -> Result<Groups, Problem> {
    match by {
        "segment" => of_segments(app, workspace).await,
        _ => of_names(app, workspace, by).await,
    }
}

async fn of_segments(app: &App, workspace: WorkspaceId) -> Result<Groups, Problem> {
    let mut db = app.installation.store.read();
    let mut groups = Groups::new();
    for row in segments::all(&mut db, workspace).await?.into_iter().filter(|row| !kept::is_kept(&row.key)) {
        let members = memberships::some(&mut db, workspace, row.segment, MEMBERS).await?;
        groups.insert(row.key, members.into_iter().map(|(person,)| person).collect());
    }
    Ok(groups)
}

async fn of_names(app: &App, workspace: WorkspaceId, by: &str) -> Result<Groups, Problem> {
    let mut db = app.installation.store.read();
    let known: Vec<(PersonId, String)> = match by {
        "market" => {
            let mut known = Vec::new();
            for range in persons::ranges(1) {
                known.extend(persons::countries(&mut db, workspace, range).await?);
            }
            known
        }
        "source" => {
            let found = app.installation.analytics.first_sources(workspace, app.now()).await?;
            found.into_iter().collect()
        }
        _ => {
            let key = by
                .strip_prefix("fact:")
                .filter(|key| !key.is_empty() && key.len() <= 200)
                .ok_or_else(|| Problem::invalid("by", "expected source, market, segment, or fact: with a key"))?;
            let told = facts::current_by_person(&mut db, workspace, &[key.to_owned()], app.now()).await?;
            told.into_iter().map(|(person, _, value)| (person, shown(&value))).collect()
        }
    };
    let mut groups = Groups::new();
    for (person, name) in known {
        groups.entry(name).or_default().push(person);
    }
    Ok(groups)
}

/// A fact's value as the name of a group.
fn shown(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) => text.chars().take(100).collect(),
        _ => json.chars().take(100).collect(),
    }
}
