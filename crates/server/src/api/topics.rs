//! `/api/v1/topics`: themes that a workspace keeps and edits, what is said of each, theirs and ours, and where clauses of texts belong.
//!
//! Always holds: only what is shown of a text leaves here; every version of the tree is kept; a correction is learnt from at the next question.

mod merging;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{EventId, Timestamp, WorkspaceId};
use rapport_feedback::complaints::figures::Share;
use rapport_feedback::topics::aspects::{Aspect, Text, aspects};
use rapport_feedback::topics::records::{self, ExampleRow};
use rapport_feedback::topics::sorter::Clause;
use rapport_feedback::topics::{Node, Tree};
use rapport_feedback::verbatims::records::{self as verbatims, About, Filter, VerbatimRow};
use rapport_feedback::verbatims::{CLEAR, Reader};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

pub(crate) use self::shapes::AspectShape;
use self::shapes::{ComparedTopic, SubjectShape, SubjectTopic, TopicShape};
use super::complaints::ShareShape;
use super::members::{given, instant};
use super::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::problem::Problem;
use crate::topics::{self, Topics};

/// So many of the newest texts are counted.
const MOST_TEXTS: i64 = 20_000;
/// Reviews of a product that are looked at.
const MOST_REVIEWS: i64 = 500;
/// Versions that are listed.
const VERSIONS: i64 = 100;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(topic_tree, save_topics))
        .routes(routes!(topic_versions))
        .routes(routes!(topic_aspects))
        .routes(routes!(compare_subjects))
        .routes(routes!(text_topics, put_into_topic))
        .routes(routes!(product_aspects))
        .merge(merging::router())
}

/// The topics of the workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopicTree {
    /// The version that this is; 0 while none was saved.
    version: i64,
    topics: Vec<TopicShape>,
    /// How many clauses people put somewhere.
    examples: usize,
    /// How many of these were held back to measure it.
    held_back: usize,
    /// How many of those were put into a topic.
    put: usize,
    /// How many of those into the right one.
    right: usize,
}

fn tree_shape(topics: &Topics) -> Result<TopicTree, Problem> {
    let quality = topics.sorter.taxonomy.quality();
    Ok(TopicTree {
        version: topics.version,
        topics: topics.sorter.tree.0.iter().map(TopicShape::of).collect::<Result<_, _>>()?,
        examples: topics.examples,
        held_back: quality.held_back,
        put: quality.put,
        right: quality.right,
    })
}

/// Shows the topics, and how well clauses are put into them.
#[utoipa::path(get, path = "/api/v1/topics", security(("caller" = ["view_reports"])), tag = "texts", operation_id = "topic_tree", responses((status = 200, body = TopicTree)))]
pub async fn topic_tree(State(app): State<App>, caller: Caller) -> Result<Json<TopicTree>, Problem> {
    caller.require(Permission::ViewReports)?;
    let topics = topics::of(&app.installation, caller.workspace).await?;
    tree_shape(&topics).map(Json)
}

/// A changed tree.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicsBody {
    /// All of them: `{key, parent, name: {en, zh}, words, is_retired, merged}`. Of one without `merged` what was merged into it stays.
    #[schema(value_type = Vec<Object>)]
    topics: serde_json::Value,
    /// The version that was looked at.
    version: i64,
}

/// Saves the topics as a new version.
#[utoipa::path(put, path = "/api/v1/topics", security(("caller" = ["edit_questions"])), tag = "texts", operation_id = "save_topics", request_body = TopicsBody,
    responses((status = 200, body = TopicTree), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_topics(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TopicsBody>,
) -> Result<Json<TopicTree>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let mut body = body;
    let before = topics::of(&app.installation, caller.workspace).await?;
    keep_merged(&mut body.topics, &before.sorter.tree);
    let nodes: Vec<Node> = serde_path_to_error::deserialize(body.topics).map_err(|error| {
        let place = error.path().to_string();
        Problem::invalid(&format!("topics{place}"), error.into_inner())
    })?;
    let tree = Tree(nodes);
    tree.check().map_err(|(place, why)| Problem::invalid(&place, why))?;
    save(&app, &caller, (&tree, body.version)).await.map(Json)
}

/// Whoever does not know of merges undoes none.
fn keep_merged(topics: &mut serde_json::Value, before: &Tree) {
    let keys = topics.as_array().into_iter().flatten().filter_map(|topic| topic["key"].as_str());
    let keys: BTreeSet<String> = keys.map(str::to_owned).collect();
    for topic in topics.as_array_mut().into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
        let known = before.0.iter().find(|node| topic.get("key").is_some_and(|key| *key == node.key.as_str()));
        // What is a topic again was taken out on purpose.
        let merged = known.into_iter().flat_map(|node| &node.merged).filter(|key| !keys.contains(*key));
        let merged: Vec<String> = merged.cloned().collect();
        topic.entry("merged").or_insert_with(|| merged.into());
    }
}

/// Saves a tree in place of a version that was looked at.
async fn save(app: &App, caller: &Caller, tree: (&Tree, i64)) -> Result<TopicTree, Problem> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let by = (caller.id().as_str(), app.now());
    if !records::save(&mut tx, caller.workspace, tree, by).await? {
        return Err(stale());
    }
    tx.commit().await?;
    let topics = topics::of(&app.installation, caller.workspace).await?;
    tree_shape(&topics)
}

fn stale() -> Problem {
    Problem::conflict("stale", "The topics were saved by somebody else meanwhile.", "Read it again, then save again.")
}

/// A version of the tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct TopicVersion {
    version: i64,
    saved_at: String,
    saved_by: String,
    topics: Vec<TopicShape>,
}

/// Lists the versions of the tree, the latest first.
#[utoipa::path(get, path = "/api/v1/topics/versions", security(("caller" = ["view_reports"])), tag = "texts", operation_id = "topic_versions", responses((status = 200, body = Rows<TopicVersion>)))]
pub async fn topic_versions(State(app): State<App>, caller: Caller) -> Result<Json<Rows<TopicVersion>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = records::versions(&mut app.installation.store.read(), caller.workspace, VERSIONS).await?;
    let names = super::segments::user_names(&app, caller.workspace).await?;
    let shape = |row: records::TreeRow| {
        Ok::<_, Problem>(TopicVersion {
            version: row.version,
            saved_at: time(row.saved_at),
            saved_by: names.get(&row.saved_by).cloned().unwrap_or(row.saved_by),
            topics: row.tree.0.0.iter().map(TopicShape::of).collect::<Result<_, _>>()?,
        })
    };
    Ok(Json(Rows { rows: rows.into_iter().map(shape).collect::<Result<_, _>>()? }))
}

/// Of which time, and about whom.
#[derive(Debug, Deserialize, IntoParams)]
pub struct AspectsQuery {
    /// From this time on (RFC 3339); 30 days ago unless said. What was written in as long a time before is compared with.
    from: Option<String>,
    /// Before this time; now unless said.
    to: Option<String>,
    /// About this competitor; unless said, about the company itself.
    subject: Option<String>,
    /// Of events of this name.
    event_name: Option<String>,
}

/// What is said of topics.
#[derive(Debug, Serialize, ToSchema)]
pub struct AspectsAnswer {
    /// Texts of the period.
    texts: usize,
    /// Texts of the period before.
    texts_before: usize,
    /// Texts of the period that are in no topic.
    without: usize,
    /// Whether only the newest were looked at.
    is_cut: bool,
    /// Most texts first.
    rows: Vec<AspectShape>,
}

fn period(app: &App, from: &Option<String>, to: &Option<String>) -> Result<(Timestamp, Timestamp), Problem> {
    let to = instant("to", given(to))?.unwrap_or_else(|| app.now().plus(1));
    let from = instant("from", given(from))?.unwrap_or_else(|| to.plus(-30 * Timestamp::DAY));
    if from >= to {
        return Err(Problem::invalid("to", "it is after `from`"));
    }
    Ok((from, to))
}

/// Says of each topic how many texts are about it, how they feel about it, what changed, and in whose words.
#[utoipa::path(get, path = "/api/v1/topics/aspects", security(("caller" = ["view_people"])), tag = "texts", operation_id = "topic_aspects", params(AspectsQuery), responses((status = 200, body = AspectsAnswer), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn topic_aspects(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AspectsQuery>,
) -> Result<Json<AspectsAnswer>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let (from, to) = period(&app, &query.from, &query.to)?;
    let filter = Filter {
        from: from.plus(from.0.saturating_sub(to.0)),
        before: Some(to),
        event_name: query.event_name.unwrap_or_default(),
        about: query.subject.filter(|it| !it.is_empty()).map_or(About::Us, About::Them),
        ..Filter::default()
    };
    let rows = verbatims::list(&mut app.installation.store.read(), caller.workspace, &filter, MOST_TEXTS).await?;
    let known = Known::read(&app, caller.workspace).await?;
    let answer = tokio::task::spawn_blocking(move || known.answer(&rows, from)).await.map_err(Problem::internal)?;
    answer.map(Json)
}

/// What a look needs besides texts.
struct Known {
    topics: Arc<Topics>,
    reader: Arc<Reader>,
}

impl Known {
    async fn read(app: &App, workspace: WorkspaceId) -> Result<Self, Problem> {
        let topics = topics::of(&app.installation, workspace).await?;
        Ok(Self { topics, reader: app.installation.readers.of(workspace) })
    }

    fn aspects(&self, rows: &[VerbatimRow], from: Timestamp) -> Vec<Aspect> {
        let texts: Vec<Text<'_>> = rows
            .iter()
            .map(|row| Text { event_id: row.event_id, shown: &row.shown, is_now: row.occurred_at >= from })
            .collect();
        aspects(&texts, &self.topics.sorter, &self.reader)
    }

    fn answer(&self, rows: &[VerbatimRow], from: Timestamp) -> Result<AspectsAnswer, Problem> {
        let now = rows.iter().filter(|row| row.occurred_at >= from);
        let without = now.clone().filter(|row| self.topics.sorter.assign(row.event_id, &row.shown).is_empty()).count();
        let texts = now.count();
        let shapes =
            self.aspects(rows, from).into_iter().map(|aspect| AspectShape::of(aspect, &self.topics.sorter.tree, rows));
        Ok(AspectsAnswer {
            texts,
            texts_before: rows.len() - texts,
            without,
            is_cut: rows.len() as i64 == MOST_TEXTS,
            rows: shapes.collect::<Result<_, _>>()?,
        })
    }
}

/// Of which time.
#[derive(Debug, Deserialize, IntoParams)]
pub struct CompareQuery {
    /// From this time on (RFC 3339); 30 days ago unless said.
    from: Option<String>,
    /// Before this time; now unless said.
    to: Option<String>,
}

/// The company and its competitors side by side.
#[derive(Debug, Serialize, ToSchema)]
pub struct Compared {
    /// The company itself first, then competitors by number of texts.
    subjects: Vec<SubjectShape>,
    /// Topics that anybody speaks of, most texts first.
    topics: Vec<ComparedTopic>,
    /// Whether only the newest were looked at.
    is_cut: bool,
}

/// Shows how texts about the company and about competitors feel, in all and by topic.
#[utoipa::path(get, path = "/api/v1/topics/compare", security(("caller" = ["view_people"])), tag = "texts", operation_id = "compare_subjects", params(CompareQuery), responses((status = 200, body = Compared), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn compare_subjects(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<CompareQuery>,
) -> Result<Json<Compared>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let (from, to) = period(&app, &query.from, &query.to)?;
    let filter = Filter { from, before: Some(to), about: About::All, ..Filter::default() };
    let rows = verbatims::list(&mut app.installation.store.read(), caller.workspace, &filter, MOST_TEXTS).await?;
    let known = Known::read(&app, caller.workspace).await?;
    let answer = tokio::task::spawn_blocking(move || compared(&known, rows, from)).await.map_err(Problem::internal)?;
    answer.map(Json)
}

fn compared(known: &Known, rows: Vec<VerbatimRow>, from: Timestamp) -> Result<Compared, Problem> {
    let is_cut = rows.len() as i64 == MOST_TEXTS;
    let mut by: BTreeMap<String, Vec<VerbatimRow>> = BTreeMap::new();
    for row in rows {
        by.entry(row.subject.clone()).or_default().push(row);
    }
    let mut order: Vec<(String, Vec<VerbatimRow>)> = by.into_iter().collect();
    order.sort_by_key(|(subject, rows)| (!subject.is_empty(), std::cmp::Reverse(rows.len())));
    let mut subjects = Vec::new();
    let mut topics: BTreeMap<String, Vec<SubjectTopic>> = BTreeMap::new();
    for (subject, rows) in &order {
        let all = rows.len() as u64;
        let share = |which: fn(i64) -> bool| {
            let hits = rows.iter().filter(|row| which(row.sentiment)).count() as u64;
            Share::of(hits, all).map(ShareShape::of)
        };
        let name = Some(subject.clone()).filter(|subject| !subject.is_empty());
        subjects.push(SubjectShape {
            subject: name.clone(),
            texts: all,
            negative: share(|it| it <= -CLEAR),
            positive: share(|it| it >= CLEAR),
            sentiment: rows.iter().map(|row| row.sentiment).sum::<i64>() as f64 / (1_000.0 * all.max(1) as f64),
        });
        for aspect in known.aspects(rows, from) {
            topics.entry(aspect.key.clone()).or_default().push(SubjectTopic {
                subject: name.clone(),
                texts: aspect.counts.now,
                share: Share::of(aspect.counts.now, all).map(ShareShape::of),
                negative: Share::of(aspect.counts.negative_now, aspect.counts.now).map(ShareShape::of),
                sentiment: aspect.sentiment as f64 / 1_000.0,
            });
        }
    }
    let mut found = Vec::new();
    for (key, of) in topics {
        found.push(ComparedTopic { name: shapes::name(&known.topics.sorter.tree, &key)?, key, of });
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.of.iter().map(|it| it.texts).sum::<u64>()));
    Ok(Compared { subjects, topics: found, is_cut })
}

/// A clause of a text.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClauseShape {
    /// Where it begins in the text, in characters.
    start: usize,
    /// Where it ends.
    end: usize,
    text: String,
    /// The topic's key; null where it is in none.
    topic: Option<String>,
    /// How probable that is; 1 where words of people or a correction decided.
    probability: Option<f64>,
    /// Whether somebody put it there.
    is_corrected: bool,
}

async fn find(app: &App, caller: &Caller, event: &str) -> Result<VerbatimRow, Problem> {
    let missing = || Problem::not_found("text");
    let event = EventId::from_hex(event).ok_or_else(missing)?;
    let mut db = app.installation.store.read();
    verbatims::find(&mut db, caller.workspace, event.0).await?.ok_or_else(missing)
}

async fn clause_shapes(app: &App, caller: &Caller, row: &VerbatimRow) -> Result<Rows<ClauseShape>, Problem> {
    let topics = topics::of(&app.installation, caller.workspace).await?;
    let shape = |clause: Clause<'_>| ClauseShape {
        start: row.shown[..clause.range.start].chars().count(),
        end: row.shown[..clause.range.end].chars().count(),
        text: row.shown[clause.range].to_owned(),
        topic: clause.topic.map(str::to_owned),
        probability: Some(clause.probability).filter(|probability| *probability > 0.0),
        is_corrected: clause.is_by_hand,
    };
    Ok(Rows { rows: topics.sorter.clauses(row.event_id, &row.shown).into_iter().map(shape).collect() })
}

/// Shows the clauses of a text and where each belongs.
#[utoipa::path(get, path = "/api/v1/texts/{event_id}/topics", security(("caller" = ["view_people"])), tag = "texts", operation_id = "text_topics", params(("event_id" = String, Path)), responses((status = 200, body = Rows<ClauseShape>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn text_topics(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<String>,
) -> Result<Json<Rows<ClauseShape>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, &caller, &event).await?;
    clause_shapes(&app, &caller, &row).await.map(Json)
}

/// Where a clause belongs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutBody {
    /// Where it begins in the text, in characters, as the list of clauses says.
    start: usize,
    /// The topic's key; null where it is in none.
    topic: Option<String>,
}

/// Puts a clause of a text into a topic, or into none. Others like it follow.
#[utoipa::path(post, path = "/api/v1/texts/{event_id}/topics", security(("caller" = ["answer_feedback"])), tag = "texts", operation_id = "put_into_topic", params(("event_id" = String, Path)), request_body = PutBody,
    responses((status = 200, body = Rows<ClauseShape>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn put_into_topic(
    State(app): State<App>,
    caller: Caller,
    Path(event): Path<String>,
    Json(body): Json<PutBody>,
) -> Result<Json<Rows<ClauseShape>>, Problem> {
    caller.require(Permission::AnswerFeedback)?;
    let row = find(&app, &caller, &event).await?;
    let topics = topics::of(&app.installation, caller.workspace).await?;
    if body.topic.as_deref().is_some_and(|topic| !topics.sorter.tree.has(topic)) {
        return Err(Problem::invalid("topic", "there is no such topic"));
    }
    let begins = row.shown.char_indices().nth(body.start).map(|(at, _)| at);
    let clause = rapport_text::themes::clauses(&row.shown).into_iter().find(|range| Some(range.start) == begins);
    let clause = clause.ok_or_else(|| Problem::invalid("start", "no clause of the text begins there"))?;
    let example = ExampleRow {
        event_id: row.event_id,
        begins: i64::try_from(clause.start).unwrap_or(0),
        handle: row.handle,
        clause: row.shown[clause].to_owned(),
        topic: body.topic.unwrap_or_default(),
        noted_at: app.now(),
        noted_by: caller.id().to_string(),
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    records::note(&mut tx, caller.workspace, &example).await?;
    tx.commit().await?;
    clause_shapes(&app, &caller, &row).await.map(Json)
}

/// What the reviews of a product that are shown say of each topic.
pub(crate) async fn of_product(app: &App, workspace: WorkspaceId, product: &str) -> Result<Vec<AspectShape>, Problem> {
    let rows = verbatims::of_reviews(&mut app.installation.store.read(), workspace, product, MOST_REVIEWS).await?;
    let known = Known::read(app, workspace).await?;
    let shaping = move || {
        let found = known.aspects(&rows, Timestamp(i64::MIN)).into_iter();
        found.map(|aspect| AspectShape::of(aspect, &known.topics.sorter.tree, &rows)).collect()
    };
    tokio::task::spawn_blocking(shaping).await.map_err(Problem::internal)?
}

/// Says what the reviews of a product that are shown say of each topic, with quotes.
#[utoipa::path(get, path = "/api/v1/reviews/products/{product_id}/aspects", security(("caller" = ["view_people"])), tag = "feedback", operation_id = "product_aspects", params(("product_id" = String, Path)), responses((status = 200, body = Rows<AspectShape>)))]
pub async fn product_aspects(
    State(app): State<App>,
    caller: Caller,
    Path(product): Path<String>,
) -> Result<Json<Rows<AspectShape>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    Ok(Json(Rows { rows: of_product(&app, caller.workspace, &product).await? }))
}
