//! What causes what: rules and challenges by which events earn points, and journeys that people come into by events and that bring others about. A rule or a journey by which something would
//! bring itself about again and again is found when it is saved.
//!
//! Always holds: what is looked at is what is in force. A journey that somebody comes into once, or so many times, ends whatever it is part of.
//!
//! Does not: look at values. A circle that an amount would end is found too, since the next change of the amount would open it.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::WorkspaceId;
use rapport_engagement::journey::definition::{Definition, Entry, Reentry, Step};
use rapport_engagement::records::journeys;
use rapport_loyalty::challenges::{Challenge, Period, Recurrence};
use rapport_loyalty::document::State;
use rapport_loyalty::earning::Rule;
use rapport_loyalty::records::documents;
use rapport_segments::Condition;
use rapport_segments::records::segments;
use rapport_store::Queries;

const EARNED: &str = "Points Earned";
const ENROLLED: &str = "Member Enrolled";
/// Events of a reward that is given.
const REWARDED: [&str; 2] = ["Reward Redeemed", "Redemption Fulfilled"];
/// Events of challenges.
const CHALLENGES: [&str; 3] = ["Challenge Progressed", "Challenge Completed", "Challenge Progress Lost"];
/// Events that change facts of a kind, by what the facts' keys begin with.
const FACTS: [(&str, &[&str]); 7] = [
    ("badge.", &["Badge Received", "Badge Taken Back"]),
    ("challenge.", &CHALLENGES),
    ("streak.", &CHALLENGES),
    ("points.", &[EARNED]),
    ("loyalty.", &[ENROLLED, "Member Changed"]),
    ("tier.", &["Tier Reached", "Tier Kept", "Tier Lost"]),
    ("referral.", &["Referral Made", "Referral Qualified", "Referral Rewarded", "Referral Taken Back"]),
];

/// Something by which some events bring others about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What it is: "the rule `base`".
    pub what: String,
    /// By which events it acts.
    pub by: BTreeSet<String>,
    /// Which it brings about.
    pub brings: BTreeSet<String>,
}

fn named<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// A rule by which events earn points.
pub fn of_rule(rule: &Rule) -> Cause {
    let what = format!("the rule `{}`", rule.key);
    Cause { what, by: named([rule.event.as_str()]), brings: named([EARNED, ENROLLED]) }
}

/// A challenge; `None` of one that can be completed only so many times.
pub fn of_challenge(challenge: &Challenge) -> Option<Cause> {
    if challenge.period == Period::Ever && challenge.recurrence != Recurrence::Always {
        return None;
    }
    let mut brings = named(CHALLENGES);
    if challenge.steps.iter().any(|step| step.points.is_some()) {
        brings.insert(EARNED.to_owned());
    }
    if challenge.steps.iter().any(|step| step.badge.is_some()) {
        brings.extend(named(["Badge Received", "Badge Taken Back"]));
    }
    let what = format!("the challenge `{}`", challenge.key);
    Some(Cause { what, by: named([challenge.event.as_str()]), brings })
}

/// A journey; `None` of one that nobody comes into for ever. `known` has the conditions of segments.
pub fn of_journey(key: &str, plan: &Definition, known: &BTreeMap<String, Condition>) -> Option<Cause> {
    if matches!(plan.reentry, Reentry::Never | Reentry::AtMost(_)) {
        return None;
    }
    let by = match &plan.entry {
        Entry::Event { name, .. } => named([name.as_str()]),
        Entry::SegmentEntered { when, .. } | Entry::SegmentLeft { when } => events_behind(&when.0, known),
        _ => return None,
    };
    let mut brings = named(["Journey Entered", "Journey Exited", "Journey Goal Reached"]);
    for node in &plan.nodes {
        match &node.step {
            Step::Message { .. } => drop(brings.insert("Message Sent".to_owned())),
            Step::Act { action, .. } if action == "give_points" => brings.extend(named([EARNED, ENROLLED])),
            Step::Act { action, .. } if action == "give_reward" => brings.extend(named(REWARDED)),
            Step::Act { action, with, .. } if action == "tell_event" => {
                brings.extend(with.get("name").and_then(|name| name.as_str()).map(str::to_owned));
            }
            _ => {}
        }
    }
    Some(Cause { what: format!("the journey `{key}`"), by, brings })
}

/// The events that may change whether a condition holds.
fn events_behind(condition: &Condition, known: &BTreeMap<String, Condition>) -> BTreeSet<String> {
    let mut events = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![condition];
    while let Some(condition) = open.pop() {
        events.extend(condition.event_names().into_iter().map(str::to_owned));
        for key in condition.fact_keys() {
            let of_kind = FACTS.iter().filter(|(begins, _)| key.starts_with(begins));
            events.extend(of_kind.flat_map(|(_, names)| names.iter()).map(|name| (*name).to_owned()));
        }
        let asked = condition.segment_keys().into_iter().filter(|key| seen.insert((*key).to_owned()));
        open.extend(asked.filter_map(|key| known.get(key)));
    }
    events
}

/// Everything in force in a workspace, and the conditions of its segments.
///
/// # Errors
/// The store's.
pub async fn in_force(
    db: &mut impl Queries,
    workspace: WorkspaceId,
) -> rapport_store::Result<(Vec<Cause>, BTreeMap<String, Condition>)> {
    let known: BTreeMap<String, Condition> =
        segments::conditions(&segments::all(db, workspace).await?).into_iter().collect();
    let rules = documents::latest_of_each(documents::versions::<Rule>(db, workspace).await?);
    let live = rules.iter().filter(|it| it.state == State::Live);
    let mut causes: Vec<Cause> = live.map(|it| of_rule(&it.document)).collect();
    let challenges = documents::latest_of_each(documents::versions::<Challenge>(db, workspace).await?);
    let live = challenges.iter().filter(|it| it.state == State::Live);
    causes.extend(live.filter_map(|it| of_challenge(&it.document)));
    let rows = journeys::all(db, workspace).await?;
    // A paused one may go on at any time.
    let open =
        rows.iter().filter(|row| [journeys::STARTING, journeys::LIVE, journeys::PAUSED].contains(&row.state.as_str()));
    let open: BTreeSet<&str> = open.map(|row| row.key.as_str()).collect();
    for row in journeys::live(db, workspace).await?.iter().filter(|row| open.contains(row.journey.as_str())) {
        let plan = Definition::from_json(&row.definition).ok();
        causes.extend(plan.and_then(|plan| of_journey(&row.journey, &plan, &known)));
    }
    Ok((causes, known))
}

/// How something would bring itself about, in a sentence; `None` when it would not. Of `others` one of the same name is what it takes the place of.
pub fn circle(of: &Cause, others: &[Cause]) -> Option<String> {
    let others: Vec<&Cause> = others.iter().filter(|other| other.what != of.what).collect();
    // How each event comes about: by which event before it, and through what.
    let mut reached: BTreeMap<&str, Option<(&str, &str)>> = of.brings.iter().map(|it| (it.as_str(), None)).collect();
    let mut open: Vec<&str> = reached.keys().copied().collect();
    while let Some(event) = open.pop() {
        if of.by.contains(event) {
            return Some(told(of, event, &reached));
        }
        for other in others.iter().filter(|other| other.by.contains(event)) {
            for next in &other.brings {
                if !reached.contains_key(next.as_str()) {
                    reached.insert(next, Some((event, &other.what)));
                    open.push(next);
                }
            }
        }
    }
    None
}

fn told(of: &Cause, last: &str, reached: &BTreeMap<&str, Option<(&str, &str)>>) -> String {
    let mut steps = vec![format!("`{last}`")];
    let mut event = last;
    while let Some(Some((before, through))) = reached.get(event) {
        steps.push((*through).to_owned());
        steps.push(format!("`{before}`"));
        event = before;
    }
    steps.push(of.what.clone());
    steps.reverse();
    format!(
        "it would bring itself about again and again: {}, and so on; let one of them happen once only",
        steps.join(" → ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(what: &str, by: &str, brings: &str) -> Cause {
        Cause { what: what.to_owned(), by: named([by]), brings: named([brings]) }
    }

    #[test]
    fn a_circle_is_found_through_any_number_of_others() {
        let of = cause("a", "E1", "E2");
        let others = [cause("b", "E2", "E3"), cause("c", "E3", "E1"), cause("d", "E9", "E1"), cause("a", "E2", "E1")];
        let text = circle(&of, &others).unwrap();
        assert!(text.contains("a → `E2` → b → `E3` → c → `E1`"), "{text}");
        assert_eq!(circle(&of, &others[..1]), None);
        assert_eq!(circle(&of, &others[3..]), None, "what it takes the place of does not count");
        assert!(circle(&cause("self", "E", "E"), &[]).is_some());
        let among_others = [cause("b", "E3", "E4"), cause("c", "E4", "E3")];
        assert_eq!(circle(&cause("a", "E1", "E3"), &among_others), None, "a circle of others is not its own");
    }
}
