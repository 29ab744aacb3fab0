//! A member's challenges: how far they are, what they completed, joining and leaving.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_loyalty::challenges::{Challenge, Joins, Progress};
use rapport_loyalty::document::State::Live;
use rapport_loyalty::ledger::Standing;
use rapport_loyalty::records::challenges::{self, Kept, Own, Scene};
use rapport_loyalty::records::documents::Version;
use rapport_loyalty::records::members::Member;
use rapport_segments::Moment;
use rapport_store::Priority;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::find;
use super::redemptions::Present;
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::knowing::Known;
use crate::problem::Problem;
use crate::tiers::facts::number;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(member_challenges))
        .routes(routes!(join_challenge))
        .routes(routes!(leave_challenge))
}

/// A challenge as a member has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberChallenge {
    challenge: String,
    name: String,
    words: String,
    picture: Option<String>,
    /// `live`, `paused` or `ended`.
    state: String,
    /// `by_doing` or `opt_in`.
    joins: String,
    /// When they joined, of one that members join.
    joined_at: Option<String>,
    /// Whether what they do counts now.
    takes_part: bool,
    /// How much there is in this round.
    #[schema(value_type = f64)]
    have: Value,
    /// How often it was completed in this period.
    rounds: u32,
    /// Whether it cannot be completed again in this period.
    is_finished: bool,
    /// When the period ends, and it begins anew.
    period_end: Option<String>,
    steps: Vec<MemberChallengeStep>,
    /// How the streak stands, where it is one.
    streak: Option<MemberStreak>,
    /// How often it was completed since ever.
    completed: usize,
    /// When something last counted.
    last_at: Option<String>,
    /// What was completed, the latest first, at most twenty.
    completions: Vec<ChallengeCompletion>,
}

/// A step, as a member sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberChallengeStep {
    name: String,
    /// How much is needed in a round.
    #[schema(value_type = f64)]
    target: Value,
    points: Option<i64>,
    wallet: Option<String>,
    badge: Option<String>,
    /// Whether it is completed in this round.
    is_completed: bool,
}

/// A streak.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberStreak {
    /// How long it is.
    current: i64,
    /// How long the longest was.
    longest: i64,
    /// When it is lost unless something more is done.
    ends_at: Option<String>,
    /// How many may still be missed.
    freezes_left: i64,
}

/// A step that was completed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeCompletion {
    /// From 1.
    step: i64,
    /// In which period: `month 2026-05-01`, `ever`.
    period: String,
    /// In which round of it, from 1.
    round: i64,
    points: i64,
    wallet: String,
    badge: Option<String>,
    /// `given`, or why the ledger refused the points.
    outcome: String,
    completed_at: String,
    /// When it turned out not to be so, and was taken back.
    taken_back_at: Option<String>,
}

const COMPLETIONS_SHOWN: usize = 20;

fn shape(version: &Version<Challenge>, own: Option<&Own<'_>>, progress: Option<Progress>) -> MemberChallenge {
    let challenge = &version.document;
    let join = own.and_then(|own| own.join);
    let reached = progress.as_ref().map_or(0, |it| if it.is_finished { challenge.steps.len() } else { it.steps });
    let step = |(at, step): (usize, &rapport_loyalty::challenges::Step)| MemberChallengeStep {
        name: step.name.clone(),
        target: number(step.target.micros()),
        points: step.points,
        wallet: step.wallet.clone(),
        badge: step.badge.clone(),
        is_completed: at < reached,
    };
    let completion = |row: &&challenges::CompletionRow| ChallengeCompletion {
        step: row.step + 1,
        period: row.period.clone(),
        round: row.round + 1,
        points: row.points,
        wallet: row.wallet.clone(),
        badge: row.badge.clone(),
        outcome: row.outcome.clone(),
        completed_at: time(row.completed_at),
        taken_back_at: optional_time(row.taken_back_at),
    };
    let completions = own.map_or(&[][..], |own| own.completions.as_slice());
    let is_in = challenge.joins == Joins::ByDoing || join.is_some_and(|join| join.left_at.is_none());
    let streak = progress.as_ref().and_then(|it| it.streak).map(|it| MemberStreak {
        current: it.current,
        longest: it.longest,
        ends_at: optional_time(it.ends_at),
        freezes_left: it.freezes_left,
    });
    MemberChallenge {
        challenge: challenge.key.clone(),
        name: challenge.name.clone(),
        words: challenge.words.clone(),
        picture: challenge.picture.clone(),
        state: version.state.key().to_owned(),
        joins: if challenge.joins == Joins::OptIn { "opt_in" } else { "by_doing" }.to_owned(),
        joined_at: optional_time(join.map(|join| join.joined_at)),
        takes_part: version.state == Live && is_in,
        have: number(progress.as_ref().map_or(0, |it| it.have)),
        rounds: progress.as_ref().map_or(0, |it| it.rounds),
        is_finished: progress.as_ref().is_some_and(|it| it.is_finished),
        period_end: optional_time(progress.as_ref().and_then(|it| it.period_end)),
        steps: challenge.steps.iter().enumerate().map(step).collect(),
        streak,
        completed: progress.as_ref().map_or(0, |it| it.done.iter().filter(|done| done.is_last).count()),
        last_at: optional_time(progress.as_ref().and_then(|it| it.last_at)),
        completions: completions.iter().rev().take(COMPLETIONS_SHOWN).map(completion).collect(),
    }
}

/// Lists a member's challenges as of now: those that are live, and others in which they did something.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/challenges", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "member_challenges", params(("member_id" = String, Path)), responses((status = 200, body = Rows<MemberChallenge>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_challenges(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<Rows<MemberChallenge>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let member = find(&app, &caller, &member_id).await?;
    let present = Present::read(&app, caller.workspace).await?;
    Ok(Json(Rows { rows: shown(&app, &caller, present.challenges(caller.workspace)?, &member).await? }))
}

async fn shown(app: &App, caller: &Caller, scene: Scene<'_>, member: &Member) -> Result<Vec<MemberChallenge>, Problem> {
    let mut db = app.installation.store.read();
    let kept = Kept::read(&mut db, caller.workspace, &[member.member]).await?;
    let all: BTreeMap<(i64, &str), Own<'_>> = kept.by_challenge();
    let nothing = Own::default();
    let mut rows: Vec<(u32, MemberChallenge)> = Vec::new();
    for versions in scene.each() {
        let Some(latest) = versions.last() else { continue };
        let own = all.get(&(member.member.0, latest.document.key.as_str()));
        if latest.state != Live && own.is_none() {
            continue;
        }
        let progress = scene.progress(versions, member, own.unwrap_or(&nothing));
        rows.push((latest.document.place, shape(latest, own, progress)));
    }
    rows.sort_by_key(|(place, _)| *place);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Lets a member take part in a challenge that members join: what they do from now on counts. Asked again it is answered the same.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/challenges/{key}/joined", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "join_challenge", params(("member_id" = String, Path), ("key" = String, Path)), responses((status = 200, body = MemberChallenge), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn join_challenge(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, key)): Path<(String, String)>,
) -> Result<Json<MemberChallenge>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let member = find(&app, &caller, &member_id).await?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.challenges(caller.workspace)?;
    let latest = latest(scene, &key)?;
    may_join(&app, &caller, scene, latest, &member).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    challenges::join(&mut tx, scene, &member, &key).await?;
    tx.commit().await?;
    one(&app, &caller, scene, &member, &key).await
}

/// Lets a member leave a challenge that they joined. What they completed stays theirs; who joins again goes on where they were.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/challenges/{key}/left", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "leave_challenge", params(("member_id" = String, Path), ("key" = String, Path)), responses((status = 200, body = MemberChallenge), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn leave_challenge(
    State(app): State<App>,
    caller: Caller,
    Path((member_id, key)): Path<(String, String)>,
) -> Result<Json<MemberChallenge>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let member = find(&app, &caller, &member_id).await?;
    let present = Present::read(&app, caller.workspace).await?;
    let scene = present.challenges(caller.workspace)?;
    latest(scene, &key)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let was_in = challenges::leave(&mut tx, scene, &member, &key).await?;
    tx.commit().await?;
    if !was_in {
        let text = "The member does not take part in this challenge.";
        return Err(Problem::conflict("challenge_not_joined", text, "See what the member joined."));
    }
    one(&app, &caller, scene, &member, &key).await
}

fn latest<'a>(scene: Scene<'a>, key: &str) -> Result<&'a Version<Challenge>, Problem> {
    let found = scene.challenges.iter().rfind(|it| it.document.key == key);
    found.ok_or_else(|| Problem::not_found("challenge"))
}

async fn one(
    app: &App,
    caller: &Caller,
    scene: Scene<'_>,
    member: &Member,
    key: &str,
) -> Result<Json<MemberChallenge>, Problem> {
    let rows = shown(app, caller, scene, member).await?;
    rows.into_iter().find(|row| row.challenge == key).map(Json).ok_or_else(|| Problem::not_found("challenge"))
}

async fn may_join(
    app: &App,
    caller: &Caller,
    scene: Scene<'_>,
    version: &Version<Challenge>,
    member: &Member,
) -> Result<(), Problem> {
    let challenge = &version.document;
    match member.standing {
        Standing::Active => {}
        Standing::Blocked => {
            return Err(Problem::conflict("member_blocked", "The member is blocked.", "Lift the block first."));
        }
        _ => return Err(Problem::conflict("member_closed", "The member's account is closed.", "Nothing can be done.")),
    }
    if challenge.joins != Joins::OptIn {
        let text = "Nobody joins this challenge: whoever does what counts takes part.";
        return Err(Problem::conflict("challenge_not_opt_in", text, "There is nothing to do."));
    }
    if version.state != Live || !challenge.window.holds(scene.now, scene.calendar) {
        let text = "The challenge is a draft, paused or ended, or it is outside its window.";
        return Err(Problem::conflict("challenge_not_open", text, "See when it can be joined."));
    }
    let Some(person) = member.person else { return Err(Problem::not_found("member")) };
    let mut db = app.installation.store.read();
    let known = Known::read(&mut db, caller.workspace, &[&challenge.who], &[person]).await?;
    let moment = Moment { now: scene.now, calendar: scene.calendar };
    if !known.about(person, |subject| rapport_segments::holds(&challenge.who, subject, moment)) {
        let text = "The challenge is not for this member.";
        return Err(Problem::conflict("challenge_not_entitled", text, "See whom it is for."));
    }
    Ok(())
}
