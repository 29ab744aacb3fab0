//! What to do next: groups of customers worth an action now, by what is at stake.

use rapport_analytics::{Context, rfm};
use rapport_domain::WorkspaceId;
use rapport_profiles::records::persons;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::shapes::Amount;
use crate::app::App;
use crate::problem::Problem;

/// Groups that call for action, with the word on the badge.
const CALLS: &[(&str, &str)] = &[
    ("cannot_lose_them", "Risk"),
    ("at_risk", "Risk"),
    ("need_attention", "Soon"),
    ("about_to_sleep", "Soon"),
    ("new_customers", "Welcome"),
];
const MOST: usize = 4;

/// Something to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextStep {
    title: String,
    detail: String,
    badge: String,
    /// How many customers.
    count: i64,
    /// What they have spent so far.
    value: Amount,
    /// The list of them in the console.
    people_url: String,
}

/// Finds what to do, the most valuable first.
pub async fn find(app: &App, workspace: WorkspaceId, context: &Context) -> Result<Vec<NextStep>, Problem> {
    let groups = persons::groups(&mut app.installation.store.read(), workspace).await?;
    let mut steps: Vec<(i64, NextStep)> = groups
        .into_iter()
        .filter_map(|(key, count, spent)| {
            let (_, badge) = CALLS.iter().find(|(group, _)| *group == key)?;
            let group = rfm::Group::of_key(&key)?;
            let step = NextStep {
                title: format!("{count} customers: {}", group.label().to_lowercase()),
                detail: group.action().to_owned(),
                badge: (*badge).to_owned(),
                count,
                value: Amount::of(spent, context.currency.as_str()),
                people_url: format!("/customers?rfm_group={key}"),
            };
            Some((spent, step))
        })
        .collect();
    steps.sort_by_key(|(spent, _)| std::cmp::Reverse(*spent));
    Ok(steps.into_iter().take(MOST).map(|(_, step)| step).collect())
}
