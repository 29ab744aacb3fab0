//! The rules that open follow-ups.

use axum::extract::State;
use axum::http::StatusCode;
use rapport_feedback::Error;
use rapport_feedback::follow_ups::deadline::Deadline;
use rapport_feedback::follow_ups::records::rules::{self, Kept};
use rapport_feedback::follow_ups::rules::{MOST, Owner, Rule, is_ready};
use rapport_segments::{Condition, Limits};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{DONE, named};
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::following_up::who_works;
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::Problem;

/// Who is to work on what a rule opens.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpOwner {
    /// `nobody`; `one`: the first of `users`; `round_robin`: one after the other; `account_manager`: who looks after the customer's account, otherwise one after
    /// the other.
    by: String,
    /// Ids of users. Without any one after the other are all agents, or owners and admins where there are no agents.
    #[serde(default)]
    users: Vec<String>,
}

/// By when customers are to be spoken with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpDeadline {
    /// After so many hours: 1 to 2,160.
    hours: u32,
    /// Only working hours count: Monday to Friday, 9 to 17 by the workspace's clock.
    #[serde(default)]
    working: bool,
}

/// A rule that opens follow-ups.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpRule {
    key: String,
    name: String,
    /// Rules are tried in this order; the first that holds for an event opens a follow-up.
    place: u32,
    /// The event that it looks at; none is whatever carries a text of a customer.
    event: Option<String>,
    /// What must hold, as a tree of tests.
    #[schema(value_type = Object)]
    when: Value,
    /// The same as text.
    text: String,
    owner: FollowUpOwner,
    deadline: FollowUpDeadline,
    /// What happened longer ago opens nothing.
    not_older_than_days: u32,
    enabled: bool,
    /// Every workspace begins with it: it can be switched off, and is as it was when it is deleted.
    ready: bool,
    /// 0 where it is as every workspace begins with it.
    revision: i64,
    updated_at: Option<String>,
    updated_by: Option<String>,
}

impl FollowUpRule {
    fn of(kept: Kept, users: &Names) -> Self {
        let Kept { rule, revision, updated } = kept;
        let by = serde_json::to_value(rule.owner.by).ok().and_then(|it| it.as_str().map(str::to_owned));
        Self {
            ready: is_ready(&rule.key),
            when: rule.when.to_json(),
            text: rule.when.to_text(),
            owner: FollowUpOwner { by: by.unwrap_or_default(), users: rule.owner.users },
            deadline: FollowUpDeadline { hours: rule.deadline.hours, working: rule.deadline.working },
            key: rule.key,
            name: rule.name,
            place: rule.place,
            event: rule.event,
            not_older_than_days: rule.not_older_than_days,
            enabled: rule.enabled,
            revision,
            updated_by: named(users, updated.as_ref().map(|it| &it.1)),
            updated_at: updated.map(|it| time(it.0)),
        }
    }
}

/// A rule to save. The condition is given in one of its two forms.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUpRuleBody {
    /// The revision that was looked at; 0 of a new one, and of a ready one that nobody changed.
    revision: i64,
    name: String,
    place: u32,
    #[serde(default)]
    event: Option<String>,
    /// What must hold. Tests of the event's properties (also `feeling.anger` and its like, of what was understood of its text), of facts and of segments.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    when: Option<Value>,
    /// The condition as text.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    owner: Option<FollowUpOwner>,
    #[serde(default)]
    deadline: Option<FollowUpDeadline>,
    #[serde(default)]
    not_older_than_days: Option<u32>,
    #[serde(default = "yes")]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

impl FollowUpRuleBody {
    fn rule(self, key: String) -> Result<Rule, Problem> {
        let when = match (&self.when, &self.text) {
            (Some(form), None) => Condition::from_json(form, Limits::DEFAULT)?,
            (None, Some(text)) => Condition::from_text(text, Limits::DEFAULT)?,
            _ => return Err(Problem::invalid("when", "give the condition as `when` or as `text`")),
        };
        let owner = match self.owner {
            None => Owner::default(),
            Some(FollowUpOwner { by, users }) => {
                let by = serde_json::from_value(Value::String(by));
                let wrong = |_| Problem::invalid("owner.by", "is one of nobody, one, round_robin, account_manager");
                Owner { by: by.map_err(wrong)?, users }
            }
        };
        let deadline = self.deadline.map(|it| Deadline { hours: it.hours, working: it.working });
        let rule = Rule {
            key,
            name: self.name,
            place: self.place,
            event: self.event.filter(|it| !it.is_empty()),
            when,
            owner,
            deadline: deadline.unwrap_or_default(),
            not_older_than_days: self.not_older_than_days.unwrap_or(7),
            enabled: self.enabled,
        };
        rule.check()?;
        Ok(rule)
    }
}

/// Lists the rules that open follow-ups, in the order in which they are tried.
#[utoipa::path(get, path = "/api/v1/follow-up-rules", security(("caller" = ["view_reports"])), tag = "follow_ups", operation_id = "follow_up_rules", responses((status = 200, body = Rows<FollowUpRule>)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Rows<FollowUpRule>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let users = user_names(&app, caller.workspace).await?;
    let rows = rules::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(|it| FollowUpRule::of(it, &users)).collect() }))
}

/// Saves a rule, new or changed. It counts from the next event on.
#[utoipa::path(put, path = "/api/v1/follow-up-rules/{key}", security(("caller" = ["edit_questions"])), tag = "follow_ups", operation_id = "save_follow_up_rule", params(("key" = String, Path)), request_body = FollowUpRuleBody, responses((status = 200, body = FollowUpRule), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<FollowUpRuleBody>,
) -> Result<Json<FollowUpRule>, Problem> {
    caller.require(Permission::EditQuestions)?;
    let seen = body.revision;
    let rule = body.rule(key)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let works = who_works(&mut tx, caller.workspace).await?.0.all;
    if rule.owner.users.iter().any(|user| !works.contains(user)) {
        return Err(Problem::invalid("owner.users", "has somebody who may not work on follow-ups"));
    }
    let all = rules::all(&mut tx, caller.workspace).await?;
    let found = all.iter().find(|it| it.rule.key == rule.key).map_or(0, |it| it.revision);
    if all.len() >= MOST && all.iter().all(|it| it.rule.key != rule.key) {
        return Err(Problem::invalid("key", format_args!("of at most {MOST} rules; delete some")));
    }
    let by = (app.now(), caller.id().as_str());
    if seen != found || !rules::save(&mut tx, caller.workspace, &rule, seen, by).await? {
        return Err(Error::Stale { key: rule.key, found }.into());
    }
    tx.commit().await?;
    let users = user_names(&app, caller.workspace).await?;
    let updated = Some((by.0, by.1.to_owned()));
    Ok(Json(FollowUpRule::of(Kept { rule, revision: seen + 1, updated }, &users)))
}

/// Deletes a rule; a ready one is then as every workspace begins with it. What it opened stays.
#[utoipa::path(delete, path = "/api/v1/follow-up-rules/{key}", security(("caller" = ["edit_questions"])), tag = "follow_ups", operation_id = "delete_follow_up_rule", params(("key" = String, Path)), responses((status = 204), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn delete(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<StatusCode, Problem> {
    caller.require(Permission::EditQuestions)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !rules::delete(&mut tx, caller.workspace, &key).await? {
        return Err(Problem::not_found("rule"));
    }
    tx.commit().await?;
    Ok(DONE)
}
