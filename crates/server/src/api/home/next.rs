//! What to do next: groups of customers worth an action now, by what is at stake; the console puts them into words.

use std::collections::BTreeSet;

use rapport_analytics::Context;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_feedback::follow_ups::records::{self as follow_ups, Filter};
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
/// Those who have to be answered are counted so far.
const MOST_WAITING: i64 = 5_000;

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
    /// The RFM group it is about; or `follow_ups_late` and `follow_ups_open`: who said that they are unhappy and was not spoken with.
    group: String,
    urgency: Urgency,
    /// How many customers.
    count: i64,
    /// What they have spent so far.
    value: Amount,
    /// The list of them in the console.
    people_url: String,
}

/// Finds what to do: first whoever waits for an answer, then the most valuable groups.
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
    let mut found = waiting(app, workspace, context).await?;
    found.extend(steps.into_iter().take(MOST).map(|(_, step)| step));
    Ok(found)
}

/// Whoever said that they are unhappy and was not spoken with: those past the time first.
async fn waiting(app: &App, workspace: WorkspaceId, context: &Context) -> Result<Vec<NextStep>, Problem> {
    let mut db = app.installation.store.read();
    let now: Timestamp = app.now();
    let filter = Filter { awake_at: Some(now), ..Filter::default() };
    let rows = follow_ups::list(&mut db, workspace, &filter, MOST_WAITING).await?;
    let mut steps = Vec::new();
    for (group, urgency, is_late, query) in
        [("follow_ups_late", Urgency::Risk, true, "?late=1"), ("follow_ups_open", Urgency::Soon, false, "")]
    {
        let waits = rows.iter().filter(|row| row.contacted_at.is_none() && row.is_late(now) == is_late);
        let people: BTreeSet<PersonId> = waits.map(|row| row.person).collect();
        if people.is_empty() {
            continue;
        }
        let people: Vec<PersonId> = people.into_iter().collect();
        let known = persons::by_ids(&mut db, workspace, &people).await?;
        let spent = known.iter().map(|row| row.spent_micros).sum();
        steps.push(NextStep {
            group: group.to_owned(),
            urgency,
            count: people.len() as i64,
            value: Amount::of(spent, context.currency.as_str()),
            people_url: format!("/feedback/follow-ups{query}"),
        });
    }
    Ok(steps)
}
