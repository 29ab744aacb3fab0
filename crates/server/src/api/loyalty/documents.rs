//! What is the same of rules and of whatever else staff write in versions: reading the body, saving, listing.

use rapport_loyalty::Document;
use rapport_loyalty::document::{Holdout, State};
use rapport_loyalty::records::documents::{self, Saved, Version};
use rapport_segments::{Condition, Limits};
use rapport_store::Priority;
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::problem::Problem;

/// Puts the key of the address into a form, and the condition that was sent beside it as text into it as `when`.
///
/// # Errors
/// What is wrong, with its place in `name`.
pub(super) fn complete(name: &str, key: &str, mut form: Value, text: Option<&str>) -> Result<Value, Problem> {
    let fields = form.as_object_mut().ok_or_else(|| Problem::invalid(name, "is an object"))?;
    if fields.get("key").is_some_and(|other| other != key) {
        return Err(Problem::invalid(&format!("{name}.key"), "is another one than in the address"));
    }
    fields.insert("key".to_owned(), json!(key));
    match text {
        Some(text) => complete_when(name, form, text),
        None => Ok(form),
    }
}

/// Puts a condition that was sent as text into a part of a form as its `when`.
///
/// # Errors
/// What is wrong, with its place in `name`.
pub(super) fn complete_when(name: &str, mut form: Value, text: &str) -> Result<Value, Problem> {
    let fields = form.as_object_mut().ok_or_else(|| Problem::invalid(name, "is an object"))?;
    if fields.contains_key("when") {
        return Err(Problem::invalid("text", "give the condition as `when` or as `text`"));
    }
    fields.insert("when".to_owned(), Condition::from_text(text, Limits::DEFAULT)?.to_json());
    Ok(form)
}

/// Says how many are held out where nobody did (`is_said`): of a new one what is usual of its kind; of another version what the one before it says, so that nothing that holds changes
/// unless somebody says so.
///
/// # Errors
/// The store's.
pub(super) async fn complete_holdout<D: Holdout>(
    app: &App,
    caller: &Caller,
    mut document: D,
    is_said: bool,
) -> Result<D, Problem> {
    if !is_said {
        let mut db = app.installation.store.read();
        let versions = documents::versions_of::<D>(&mut db, caller.workspace, document.key()).await?;
        let percent = versions.last().map_or_else(|| document.usual_percent(), |it| it.document.percent());
        document.hold_out(percent);
    }
    Ok(document)
}

/// The latest version of each, in the order in which they are looked at; ended ones only if asked for.
///
/// # Errors
/// That the caller may not; the store's.
pub(super) async fn list<D: Document>(app: &App, caller: &Caller, ended: bool) -> Result<Vec<Version<D>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let all = documents::versions::<D>(&mut app.installation.store.read(), caller.workspace).await?;
    let latest = documents::latest_of_each(all).into_iter();
    Ok(latest.filter(|it| ended || it.state != State::Ended).collect())
}

/// Every version of one, the latest first.
///
/// # Errors
/// That the caller may not, or that there is none; the store's.
pub(super) async fn versions<D: Document>(app: &App, caller: &Caller, key: &str) -> Result<Vec<Version<D>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let mut db = app.installation.store.read();
    let mut all = documents::versions_of::<D>(&mut db, caller.workspace, key).await?;
    if all.is_empty() {
        return Err(Problem::not_found(D::KIND));
    }
    all.reverse();
    Ok(all)
}

/// Saves one as the version behind `seen`, in force from now on.
///
/// # Errors
/// That the caller may not; what [`documents::save`] refuses.
pub(super) async fn save<D: Document>(
    app: &App,
    caller: &Caller,
    (document, state): (D, &str),
    seen: i64,
) -> Result<Version<D>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let wrong = || Problem::invalid("state", "is one of draft, live, paused, ended");
    let state = State::read(state).ok_or_else(wrong)?;
    let now = app.now();
    let by = caller.id().as_str();
    let saved = Saved { in_force_from: now, at: now, by };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    documents::save(&mut tx, caller.workspace, (&document, state), seen, saved).await?;
    tx.commit().await?;
    Ok(Version { version: seen + 1, state, document, in_force_from: now, saved_at: now, saved_by: by.to_owned() })
}
