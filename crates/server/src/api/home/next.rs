//! What to do next: groups of customers worth an action now, by what is at stake; the console puts them into words.

use rapport_analytics::Context;
use rapport_domain::WorkspaceId;
use rapport_profiles::records::persons;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::shapes::Amount;
use crate::app::App;
use crate::problem::Problem;

/// RFM groups that call for action, with how pressing it is.
const CALLS: &[(&str, Urgency)] = &[
    ("cannot_lose_them", Urgency::Risk),
    ("at_risk", Urgency::Risk),
    ("need_attention", Urgency::Soon),
    ("about_to_sleep", Urgency::Soon),
    ("new_customers", Urgency::Welcome),
];
const MOST: usize = 4;

/// How pressing it is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Value is about to be lost.
    Risk,
    /// Look at it soon.
    Soon,
    /// A good beginning to be made.
    Welcome,
}

/// Something to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextStep {
    /// The RFM group it is about.
    group: String,
    urgency: Urgency,
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
        .filter_map(|(group, count, spent)| {
            let (_, urgency) = CALLS.iter().find(|(call, _)| *call == group)?;
            let value = Amount::of(spent, context.currency.as_str());
            let people_url = format!("/customers?rfm_group={group}");
            Some((spent, NextStep { group, urgency: *urgency, count, value, people_url }))
        })
        .collect();
    steps.sort_by_key(|(spent, _)| std::cmp::Reverse(*spent));
    Ok(steps.into_iter().take(MOST).map(|(_, step)| step).collect())
}
