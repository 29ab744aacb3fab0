//! `/api/v1/policies/{key}/readout`: how often each arm was chosen, what it brings, and what other policies would have brought.

use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_experiments::policies::decisions;
use rapport_experiments::policies::design::Policy;
use rapport_experiments::policies::effects::Way;
use rapport_experiments::policies::judging::{self, Asked};
use rapport_experiments::policies::learner::{LEAST, Learner, Learnt};
use rapport_experiments::policies::settling;
use rapport_models::Estimate;
use serde::Serialize;
use utoipa::ToSchema;

use super::{counted, find};
use crate::api::questions::context;
use crate::api::wire::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;

/// Over so many of the latest decisions it is averaged with which chance a policy by facts takes an arm now.
const LATEST: usize = 300;

/// A number with its interval, with 95 %.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyEstimate {
    value: f64,
    low: f64,
    high: f64,
}

/// What an arm came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyArmReadout {
    key: String,
    name: String,
    decisions: i64,
    /// Of them, those whose reward was learnt.
    learnt: i64,
    /// With which chance it is chosen now; a mean over people, where they differ. None where nobody is known yet.
    chance: Option<f64>,
}

/// How many decisions took an arm on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyDay {
    /// When the day began, in UTC.
    day: String,
    arm: String,
    decisions: i64,
}

/// What a policy would have brought a decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyJudged {
    /// `always`, `even` or `now`.
    policy: String,
    /// The arm that `always` takes.
    arm: Option<String>,
    /// Self-normalised inverse propensity: the number to look at. None where too few decisions say something.
    value: Option<PolicyEstimate>,
    /// Inverse propensity.
    inverse: Option<PolicyEstimate>,
    /// Doubly robust.
    robust: Option<PolicyEstimate>,
    /// As many decisions of that policy itself would say as much.
    effective: f64,
    /// Decisions whose weight was cut.
    cut: usize,
}

/// What a way to act brings a person of the experiment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyWay {
    /// `nobody`, `everybody`, `response` or `effects`.
    way: String,
    value: PolicyEstimate,
    /// The share of people who get the other arm.
    share: f64,
}

/// What was learnt of an experiment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyEffects {
    /// The way that the policy takes.
    way: String,
    /// What each brings on people that nothing was learnt from, less what arms cost.
    ways: Vec<PolicyWay>,
    /// By how much expected effects are ahead of the best other way.
    ahead: PolicyEstimate,
    /// The average effect of the other arm.
    average: PolicyEstimate,
    /// How many people it was learnt from.
    people: usize,
}

/// What a policy came to since it began anew.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyReadout {
    key: String,
    arms: Vec<PolicyArmReadout>,
    days: Vec<PolicyDay>,
    judged: Vec<PolicyJudged>,
    /// So many rewards each arm needs before the policy prefers any.
    least: usize,
    /// So many decisions with a reward it takes before anything is said of other policies.
    least_judged: usize,
    /// Decisions whose reward was learnt, the latest 20,000: what is judged by.
    rewards: usize,
    /// Decisions whose time is not over.
    waiting: i64,
    /// `share`, `number` or `money`: what rewards are.
    form: String,
    /// In which currency, of money.
    currency: String,
    /// Of a policy of effects, what was learnt.
    effects: Option<PolicyEffects>,
    /// Why effects could not be learnt, in a sentence.
    refused: Option<String>,
}

/// Reads a policy out.
#[utoipa::path(get, path = "/api/v1/policies/{key}/readout", security(("caller" = ["view_reports"])), tag = "policies", operation_id = "policy_readout", params(("key" = String, Path)), responses((status = 200, body = PolicyReadout), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn policy_readout(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<PolicyReadout>, Problem> {
    caller.require(Permission::ViewReports)?;
    let workspace = caller.workspace;
    let row = find(&app, workspace, &key).await?;
    let policy = row.policy();
    let currency = context(&app.installation, workspace).await?.currency;
    let mut db = app.installation.store.read();
    let days = decisions::days(&mut db, workspace, (policy.number, policy.epoch)).await?;
    let past = settling::past(&mut db, workspace, &policy).await?;
    let void = decisions::void(&mut db, workspace, (policy.number, policy.epoch)).await?;
    let counts = counted(&days);
    let chances = chances(&policy, &past);
    let arm = |(at, arm): (usize, &rapport_experiments::policies::Arm)| {
        let (decisions, learnt) = counts.get(&arm.key).copied().unwrap_or_default();
        let chance = chances.as_ref().map(|all| all[at]);
        PolicyArmReadout { key: arm.key.clone(), name: arm.shown().to_owned(), decisions, learnt, chance }
    };
    let arms = policy.design.arms.iter().enumerate().map(arm).collect();
    let (decided, learnt) = counts.values().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    let asked = policy.clone();
    let rewards = past.len();
    let judged = tokio::task::spawn_blocking(move || judging::judge(&asked, &past)).await.map_err(Problem::internal)?;
    let effects = match &policy.learner {
        Some(Learner::Effects(it)) => Some(PolicyEffects {
            way: way(it.way).to_owned(),
            ways: it
                .judged
                .iter()
                .map(|it| PolicyWay {
                    way: way(it.way).to_owned(),
                    value: ends(it.value, it.low, it.high),
                    share: it.share,
                })
                .collect(),
            ahead: ends(it.ahead.0, it.ahead.1, it.ahead.2),
            average: ends(it.average.0, it.average.1, it.average.2),
            people: it.people,
        }),
        _ => None,
    };
    let form = match crate::experimenting::metrics::form(&policy.design.reward.metric, currency.as_str()) {
        rapport_experiments::design::Form::Money(_) => "money",
        _ if policy.design.is_share() => "share",
        _ => "number",
    };
    Ok(Json(PolicyReadout {
        key: row.key.clone(),
        arms,
        days: days
            .into_iter()
            .map(|it| PolicyDay { day: time(Timestamp(it.day * Timestamp::DAY)), arm: it.arm, decisions: it.decisions })
            .collect(),
        judged: judged.into_iter().map(|it| shown(&policy, it)).collect(),
        least: LEAST,
        least_judged: judging::LEAST,
        rewards,
        waiting: decided - learnt - void,
        form: form.to_owned(),
        currency: currency.as_str().to_owned(),
        effects,
        refused: row.basis["refused"].as_str().map(str::to_owned),
    }))
}

/// With which chance each arm is chosen now: where people differ, over those of whom something was decided last.
fn chances(policy: &Policy, past: &[Learnt]) -> Option<Vec<f64>> {
    let all: Vec<usize> = (0..policy.design.arms.len()).collect();
    if policy.design.features.is_empty() || policy.learner.is_none() {
        return Some(policy.chances_of(&[], &all));
    }
    let rows: Vec<&Learnt> = past.iter().rev().take(LATEST).collect();
    let mut sum = vec![0.0; all.len()];
    for row in &rows {
        sum.iter_mut().zip(policy.chances_of(&row.features, &all)).for_each(|(sum, it)| *sum += it);
    }
    (!rows.is_empty()).then(|| sum.into_iter().map(|it| it / rows.len() as f64).collect())
}

fn shown(policy: &Policy, (asked, found): (Asked, Option<judging::Judged>)) -> PolicyJudged {
    let (word, arm) = match asked {
        Asked::Always(at) => ("always", Some(policy.design.arms[at].key.clone())),
        Asked::Even => ("even", None),
        Asked::Now => ("now", None),
    };
    let estimate = |it: &Estimate| ends(it.value, it.low, it.high);
    PolicyJudged {
        policy: word.to_owned(),
        arm,
        value: found.as_ref().map(|it| estimate(&it.snips.reward)),
        inverse: found.as_ref().map(|it| estimate(&it.ips.reward)),
        robust: found.as_ref().map(|it| estimate(&it.robust.reward)),
        effective: found.as_ref().map_or(0.0, |it| it.snips.effective),
        cut: found.as_ref().map_or(0, |it| it.snips.cut),
    }
}

const fn ends(value: f64, low: f64, high: f64) -> PolicyEstimate {
    PolicyEstimate { value, low, high }
}

const fn way(it: Way) -> &'static str {
    match it {
        Way::Nobody => "nobody",
        Way::Everybody => "everybody",
        Way::Response => "response",
        Way::Effects => "effects",
    }
}
