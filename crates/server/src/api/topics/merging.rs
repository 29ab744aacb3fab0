//! One topic merged into another: looked at first, then done, as a version of the tree like any other.
//!
//! Always holds: what people put into a topic stays as they put it, and is looked for under the topic that it went into; so the version before, saved again, is all
//! that it takes to undo it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_feedback::notes::records as notes;
use rapport_feedback::topics::records;
use rapport_feedback::verbatims::records::{self as verbatims, About, Filter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{MOST_TEXTS, TopicTree, save, stale};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;
use crate::topics;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(merge_topic))
}

/// Into which topic another is merged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// The key of the one that stays.
    into: String,
    /// The version of the tree that was looked at.
    version: i64,
    /// Says what would go with it, and merges nothing.
    #[serde(default)]
    only_look: bool,
}

/// What goes with a topic that is merged into another.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopicMerge {
    /// Texts about it or what stands below it, among the newest 20,000.
    texts: usize,
    /// Those of them that are about the other one besides.
    texts_of_both: usize,
    /// Whether there are more than 20,000 texts.
    is_cut: bool,
    /// Parts of texts that people put into it by hand.
    examples: i64,
    /// Passages of notes that people put into it.
    passages: i64,
    /// The words that the other one gets.
    words: Vec<String>,
    /// The keys of the topics below it, which stand below the other one then.
    below: Vec<String>,
    /// The tree with it; null where it was only looked at.
    tree: Option<TopicTree>,
}

/// Merges a topic into another: its words, the topics below it and whatever people put into it are there from then on. Saving the version before undoes it.
#[utoipa::path(post, path = "/api/v1/topics/{key}/merge", security(("caller" = ["edit_questions"])), tag = "texts", operation_id = "merge_topic", params(("key" = String, Path)), request_body = MergeBody,
    responses((status = 200, body = TopicMerge), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn merge_topic(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<MergeBody>,
) -> Result<Json<TopicMerge>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let topics = topics::of(&app.installation, caller.workspace).await?;
    let tree = &topics.sorter.tree;
    if !tree.has(&key) {
        return Err(Problem::not_found("topic"));
    }
    let merged = tree.merge(&key, &body.into).map_err(|why| Problem::invalid("into", why))?;
    if topics.version != body.version {
        return Err(stale());
    }
    let before = tree.0.iter().find(|node| node.key == body.into).map_or(0, |node| node.words.len());
    let after = merged.0.iter().find(|node| node.key == body.into);
    let own: Vec<String> = tree.ever(&BTreeSet::from([key.clone()])).into_iter().collect();
    let mut db = app.installation.store.read();
    let everything = Filter { from: Timestamp(i64::MIN), about: About::All, ..Filter::default() };
    let rows = verbatims::list(&mut db, caller.workspace, &everything, MOST_TEXTS).await?;
    let is_cut = rows.len() as i64 == MOST_TEXTS;
    let (known, one, other) = (Arc::clone(&topics), tree.below(&key), tree.below(&body.into));
    let looking = move || {
        let is_about = |row: &verbatims::VerbatimRow, keys: &BTreeSet<String>| {
            known.sorter.is_about(row.event_id, &row.shown, keys)
        };
        let about: Vec<&verbatims::VerbatimRow> = rows.iter().filter(|row| is_about(row, &one)).collect();
        let both: BTreeSet<String> = other.difference(&one).cloned().collect();
        (about.len(), about.iter().filter(|row| is_about(row, &both)).count())
    };
    let (texts, texts_of_both) = tokio::task::spawn_blocking(looking).await.map_err(Problem::internal)?;
    let below = tree.0.iter().filter(|node| node.parent.as_deref() == Some(&key)).map(|node| node.key.clone());
    Ok(Json(TopicMerge {
        texts,
        texts_of_both,
        is_cut,
        examples: records::count_of(&mut db, caller.workspace, &own).await?,
        passages: notes::count_of(&mut db, caller.workspace, &own).await?,
        words: after.map_or_else(Vec::new, |node| node.words[before..].to_vec()),
        below: below.collect(),
        tree: if body.only_look { None } else { Some(save(&app, &caller, (&merged, body.version)).await?) },
    }))
}
