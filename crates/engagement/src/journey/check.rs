//! What is wrong with a plan, said before launch: what would stop somebody for ever, send them round in circles, or do nothing at all.
//!
//! Always holds: a plan without findings of [`Severity::Error`] has an end from every node, and nobody waits without a limit.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::Channel;
use serde_json::Value;

use super::definition::{
    Arm, Awaited, Class, Definition, Entry, Every, Next, Node, Path, Reentry, Schedule, Step, Wait,
};
use super::rules::weekday;
use crate::content::Severity;
use crate::content::known::{self, Group};
use crate::sending::settings::MOST_JITTER;
use crate::timing::time_of_day;

/// The longest wait that is not asked about.
const LONG: i64 = 366 * rapport_domain::Timestamp::DAY;

/// Days are counted so far from a date.
const MOST_DAYS: u32 = 366;

/// Something that is wrong, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it cannot be launched so.
    pub severity: Severity,
    /// A stable word.
    pub code: &'static str,
    /// The node, or the part of the plan.
    pub place: String,
    /// What is wrong and what to do.
    pub text: String,
}

/// What the rest of the workspace has, as far as a plan names it.
pub trait Known {
    /// The channel of a template; `None` when there is none of that key.
    fn template(&self, key: &str) -> Option<Channel>;
    /// What whoever starts messages of a template must give, or nobody gets one.
    fn needs(&self, key: &str) -> BTreeSet<Group>;
    /// Whether a text template has, in one of its languages, no approved text that WhatsApp would take.
    fn lacks_approved(&self, _: &str) -> bool {
        false
    }
    /// Whether there is a segment.
    fn has_segment(&self, key: &str) -> bool;
    /// Whether there is a topic of consent.
    fn has_topic(&self, key: &str) -> bool;
    /// The ways that a policy can choose among; `None` when there is none of that key that chooses ways.
    fn policy(&self, _key: &str) -> Option<Vec<String>> {
        None
    }
    /// Whether there is a list.
    fn has_list(&self, key: &str) -> bool;
    /// Whether a part of Rapport has an action of that name.
    fn has_action(&self, name: &str) -> bool;
    /// What is wrong with what an action is given, if anything.
    fn wrong_act(&self, _action: &str, _with: &BTreeMap<String, Value>) -> Option<String> {
        None
    }
    /// How a plan would bring itself about again and again, together with what else is in force.
    fn circle(&self, _plan: &Definition) -> Option<String> {
        None
    }
    /// Whether a channel has a way out.
    fn can_send(&self, channel: Channel) -> bool;
    /// What is wrong with an address for webhooks, if anything: how much it weighs, a stable word for it, and what to do.
    fn webhook_problem(&self, url: &str) -> Option<(Severity, &'static str, String)>;
    /// Whether the workspace's sending is paused, so that nothing goes out.
    fn is_paused(&self) -> bool {
        false
    }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, code: &'static str, place: &str, text: impl Into<String>) {
        self.add(Severity::Error, code, place, text);
    }

    fn warning(&mut self, code: &'static str, place: &str, text: impl Into<String>) {
        self.add(Severity::Warning, code, place, text);
    }

    fn add(&mut self, severity: Severity, code: &'static str, place: &str, text: impl Into<String>) {
        self.0.push(Finding { severity, code, place: place.to_owned(), text: text.into() });
    }
}

/// All that is wrong with a plan.
pub fn check(plan: &Definition, known: &dyn Known) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    names(plan, &mut findings);
    entry(plan, &mut findings);
    for node in &plan.nodes {
        step(node, plan, known, &mut findings);
    }
    for (place, when) in plan.conditions() {
        for key in when.0.segment_keys() {
            if !known.has_segment(key) {
                findings.error("segment_unknown", &place, format!("there is no segment `{key}`"));
            }
        }
    }
    whole(plan, known, &mut findings);
    if let Some(text) = known.circle(plan) {
        findings.error("causes_itself", "entry", text);
    }
    ways(plan, &mut findings);
    findings.0
}

fn names(plan: &Definition, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for node in &plan.nodes {
        if node.id.is_empty()
            || node.id.len() > 60
            || !node.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            let text = "a node's id has 1 to 60 letters, digits, hyphens and underscores";
            findings.error("node_id", &node.id, text);
        }
        if !seen.insert(&node.id) {
            findings.error("node_twice", &node.id, "two nodes have this id; give one of them another");
        }
    }
    if plan.nodes.is_empty() {
        findings.error("empty", "nodes", "the journey has no nodes; add a message");
    } else if plan.node(&plan.start).is_none() {
        findings.error("start_unknown", "start", format!("there is no node `{}` to start with", plan.start));
    }
}

fn entry(plan: &Definition, findings: &mut Findings) {
    match &plan.entry {
        Entry::Event { name, .. } if name.trim().is_empty() => {
            findings.error("event_missing", "entry", "name the event that brings people in");
        }
        Entry::Date { fact, at, yearly, days } => {
            if *yearly && plan.reentry == Reentry::Never {
                let text = "the day comes each year, but people come in once only; allow them to come in again";
                findings.error("date_reentry", "reentry", text);
            }
            if days.unsigned_abs() > MOST_DAYS {
                findings.error("date_days", "entry", format!("at most {MOST_DAYS} days before or after the day"));
            }
            if fact.trim().is_empty() {
                findings.error("fact_missing", "entry", "name the fact that holds the date, e.g. trait.birthday");
            }
            time(at, "entry", findings);
        }
        Entry::Schedule(plan_of) => schedule(plan, plan_of, findings),
        _ => {}
    }
    if !(0.0..=90.0).contains(&plan.holdout_percent) {
        findings.error("holdout", "holdout_percent", "hold out between 0 and 90 per cent");
    }
    if plan.most_visits == 0 || plan.most_visits > 1_000 {
        findings.error("visits", "most_visits", "a node may be passed 1 to 1000 times");
    }
    if plan.reentry == Reentry::AtMost(0) {
        findings.error("reentry", "reentry", "nobody could come in; say at most 1 or more");
    }
    if plan.reentry == Reentry::AfterExit && matches!(plan.entry, Entry::Event { ref name, .. } if name == "*") {
        findings.warning(
            "reentry_any",
            "entry",
            "any event brings people in again and again; name one, or set a cool-down",
        );
    }
    if plan.quiet.as_ref().is_some_and(|quiet| quiet.jitter_minutes > MOST_JITTER) {
        findings.error("quiet", "quiet", format!("what is held back goes out within {MOST_JITTER} minutes at most"));
    }
    if plan.quiet.as_ref().is_some_and(|quiet| quiet.hours().is_none()) {
        findings.error("quiet", "quiet", "give quiet hours as times of day such as 21:00 and 08:00");
    }
}

fn schedule(plan: &Definition, schedule: &Schedule, findings: &mut Findings) {
    if schedule.at.parse::<jiff::civil::DateTime>().is_err() {
        findings.error("schedule_time", "entry", "give the time by the wall clock, e.g. 2026-12-01T09:00");
    }
    if schedule.until.as_ref().is_some_and(|day| day.parse::<jiff::civil::Date>().is_err()) {
        findings.error("schedule_until", "entry", "give the last day as a date, e.g. 2027-01-31");
    }
    if schedule.ramp_up_percent.is_some_and(|percent| !(0.1..=100.0).contains(&percent)) {
        findings.error("schedule_ramp", "entry", "begin with 0.1 to 100 per cent on the first day");
    }
    if schedule.most_per_hour == Some(0) {
        findings.error("schedule_pace", "entry", "nobody would come in; let in at least one an hour");
    }
    if plan.audience.is_none() {
        findings.error("audience_missing", "audience", "say who gets it: a segment or a condition");
    }
    if schedule.every.is_some() && plan.reentry == Reentry::Never {
        let every = match schedule.every {
            Some(Every::Week) => "each week",
            Some(Every::Month) => "each month",
            _ => "each day",
        };
        let text = format!("it goes out {every}, but people come in once only; allow them to come in again");
        findings.error("schedule_reentry", "reentry", text);
    }
}

fn time(text: &str, place: &str, findings: &mut Findings) {
    if time_of_day(text).is_none() {
        findings.error("time_of_day", place, format!("`{text}` is no time of day; write it as 09:00"));
    }
}

fn step(node: &Node, plan: &Definition, known: &dyn Known, findings: &mut Findings) {
    let place = node.id.as_str();
    for next in node.step.ways().into_iter().flatten() {
        if plan.node(next).is_none() {
            findings.error("next_unknown", place, format!("it leads to `{next}`, which is no node"));
        }
    }
    match &node.step {
        Step::Message { channel, template, .. } => {
            message(place, *channel, template, known, findings);
            needs(place, plan, template, known, findings);
        }
        Step::Wait { how, .. } => wait(place, how, findings),
        Step::WaitUntil { paths, timeout, .. } => {
            if paths.is_empty() {
                findings.error("nothing_awaited", place, "say what is waited for, or use a plain wait");
            }
            for path in &paths[..] {
                if matches!(&path.until, Awaited::Event(event) if event.name.trim().is_empty()) {
                    findings.error("event_missing", place, "name the event that is waited for");
                }
            }
            if timeout.micros() > LONG {
                findings.error("waits_for_ever", place, "it waits for more than a year; set a shorter timeout");
            }
        }
        Step::Branch { paths, .. } if paths.is_empty() => {
            findings.error(
                "branch_empty",
                place,
                "a branch needs a condition; without one everybody goes on the same way",
            );
        }
        Step::Split { experiment, policy, arms } => {
            split(place, arms, findings);
            if let Some(policy) = policy {
                if experiment.is_some() {
                    let text = "either an experiment decides or a policy; take one of them away";
                    findings.error("split_both", place, text);
                }
                decided(place, policy, arms, known, findings);
            }
        }
        Step::SetTrait { name, .. } if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) => {
            findings.error("trait_name", place, "name the trait with 1 to 100 letters");
        }
        Step::List { list, .. } if !known.has_list(list) => {
            findings.error("list_unknown", place, format!("there is no list `{list}`"));
        }
        Step::Webhook { url, .. } => {
            if let Some((severity, code, problem)) = known.webhook_problem(url) {
                findings.add(severity, code, place, problem);
            }
        }
        Step::Act { action, .. } if !known.has_action(action) => {
            findings.error("action_unknown", place, format!("no part of Rapport has an action `{action}`"));
        }
        Step::Act { action, with, .. } => {
            if let Some(text) = known.wrong_act(action, with) {
                findings.error("act", place, text);
            }
        }
        Step::RateLimit { most, per, .. } => {
            if *most == 0 {
                findings.error("rate", place, "nobody could pass; let at least one through");
            }
            if per.micros() > LONG {
                findings.error("rate", place, "count in a year or less");
            }
        }
        _ => {}
    }
}

fn message(place: &str, channel: Channel, template: &str, known: &dyn Known, findings: &mut Findings) {
    match known.template(template) {
        None if template.is_empty() => findings.error("template_missing", place, "choose a template"),
        None => findings.error("template_unknown", place, format!("there is no template `{template}`")),
        // Both are texts to a telephone.
        Some(Channel::Sms) if channel == Channel::Whatsapp => {
            if known.lacks_approved(template) {
                let text = format!(
                    "the template `{template}` names no approved text in one of its languages: WhatsApp takes it only within 24 hours after somebody's \
                     last message, all others are not sent to"
                );
                findings.warning("not_approved", place, text);
            }
        }
        Some(of) if of != channel => {
            let text =
                format!("the template `{template}` is for {}, the message for {}", of.as_str(), channel.as_str());
            findings.error("template_channel", place, text);
        }
        Some(_) => {}
    }
    if !known.can_send(channel) {
        let by = channel.as_str();
        if known.is_paused() {
            let text = format!("sending is paused, so nothing goes out; before you resume it, set up sending by {by}");
            findings.warning("no_channel", place, text);
        } else {
            findings.error("no_channel", place, format!("nothing is set up to send by {by}: see Settings, Sending"));
        }
    }
}

/// A template whose values nobody gives is written to nobody.
fn needs(place: &str, plan: &Definition, template: &str, known: &dyn Known, findings: &mut Findings) {
    let given = match &plan.entry {
        Entry::Event { name, .. } if name == "*" => return,
        Entry::Event { name, .. } => known::given_by(name),
        Entry::Api {} => BTreeSet::from([Group::Event]),
        _ => BTreeSet::new(),
    };
    // Products to recommend are chosen for everybody when the message is written.
    let is_missing = |group: &Group| *group != Group::Recommendations && !given.contains(group);
    let missing: Vec<&str> = known.needs(template).iter().filter(|it| is_missing(it)).map(|it| it.as_str()).collect();
    if !missing.is_empty() {
        let text = format!(
            "the template `{template}` needs values that nothing here gives ({}): nobody would get it. Let an event that brings them start the \
             journey, or give fallbacks in the template",
            missing.join(", ")
        );
        findings.error("template_needs", place, text);
    }
}

fn wait(place: &str, how: &Wait, findings: &mut Findings) {
    match how {
        Wait::For(length) if length.micros() > LONG => {
            findings.error("waits_for_ever", place, "it waits for more than a year; people forget by then");
        }
        Wait::Day { days, at, weekdays } => {
            time(at, place, findings);
            if i64::from(*days) * rapport_domain::Timestamp::DAY > LONG {
                findings.error("waits_for_ever", place, "it waits for more than a year; people forget by then");
            }
            for word in weekdays.iter().filter(|word| weekday(word).is_none()) {
                findings.error("weekday", place, format!("`{word}` is no day of the week; write monday ... sunday"));
            }
        }
        Wait::UsualHour { fallback } => time(fallback, place, findings),
        Wait::For(_) => {}
    }
}

fn split(place: &str, arms: &[Arm], findings: &mut Findings) {
    let sum: f64 = arms.iter().map(|arm| arm.percent).sum();
    if arms.is_empty() || (sum - 100.0).abs() > 1e-6 || arms.iter().any(|arm| !(0.0..=100.0).contains(&arm.percent)) {
        findings.error("split_shares", place, format!("the shares add up to {sum} per cent; make them 100"));
    }
    let names: BTreeSet<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
    if names.len() < arms.len() || names.contains("") {
        findings.error("split_names", place, "give each arm a name of its own");
    }
}

/// A split that a policy decides: its ways are arms of the policy.
fn decided(place: &str, policy: &str, arms: &[Arm], known: &dyn Known, findings: &mut Findings) {
    let Some(can) = known.policy(policy) else {
        findings.error("policy_unknown", place, format!("there is no policy `{policy}` that chooses ways"));
        return;
    };
    let ways: Vec<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
    let list = |names: Vec<&str>| names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    let strange: Vec<&str> = ways.iter().copied().filter(|it| !can.iter().any(|arm| arm == it)).collect();
    if !strange.is_empty() {
        let all = list(can.iter().map(String::as_str).collect());
        let text = format!("the policy `{policy}` has no {}; its arms are {all}", list(strange));
        findings.error("policy_arms", place, text);
        return;
    }
    let missing: Vec<&str> = can.iter().map(String::as_str).filter(|it| !ways.contains(it)).collect();
    if !missing.is_empty() {
        let text = format!("the policy `{policy}` can also choose {}, for which there is no way here", list(missing));
        findings.warning("policy_ways", place, text);
    }
}

/// What concerns the journey as a whole.
fn whole(plan: &Definition, known: &dyn Known, findings: &mut Findings) {
    if plan.topic.as_ref().is_some_and(|topic| !known.has_topic(topic)) {
        findings.error("topic_unknown", "topic", "there is no such topic: see Settings, Privacy");
    }
    let is_message = |node: &Node| matches!(node.step, Step::Message { .. });
    if plan.topic.is_none() && plan.class == Class::Marketing && plan.nodes.iter().any(is_message) {
        let text =
            "its messages have no topic: whoever unsubscribes by one of them leaves all marketing by that channel";
        findings.add(Severity::Hint, "no_topic", "topic", text);
    }
    let acts = |node: &Node| {
        !node.step.waits() && !matches!(node.step, Step::Branch { .. } | Step::Split { .. } | Step::Exit {})
    };
    if !plan.nodes.is_empty() && !plan.nodes.iter().any(acts) {
        findings.warning("does_nothing", "nodes", "the journey does nothing: it has no message and no other act");
    }
    let has_message = plan.nodes.iter().any(|node| matches!(node.step, Step::Message { .. }));
    if has_message && plan.class == Class::Transactional && !matches!(plan.entry, Entry::Event { .. } | Entry::Api {}) {
        let text = "transactional messages answer something the person did; on a schedule or segment they are marketing and need consent";
        findings.warning("transactional", "class", text);
    }
    for node in &plan.nodes {
        if let (Step::SetTrait { name, .. }, Some(when)) = (&node.step, entry_condition(plan))
            && when.0.fact_keys().contains(&format!("trait.{name}").as_str())
            && plan.reentry != Reentry::Never
        {
            let text = format!(
                "it changes `{name}`, which decides who comes in: people may come in because of it again and again"
            );
            findings.warning("causes_itself", &node.id, text);
        }
    }
}

fn entry_condition(plan: &Definition) -> Option<&super::When> {
    match &plan.entry {
        Entry::SegmentEntered { when, .. } | Entry::SegmentLeft { when } => Some(when),
        _ => None,
    }
}

/// Nodes that nobody comes to, that lead nowhere, and circles.
fn ways(plan: &Definition, findings: &mut Findings) {
    let next: BTreeMap<&str, Vec<&str>> = plan
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node.step.ways().into_iter().flatten().map(String::as_str).collect()))
        .collect();
    let at_once: BTreeMap<&str, Vec<&str>> = plan
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), passed_at_once(&node.step).into_iter().flatten().map(String::as_str).collect()))
        .collect();
    let reached = reachable(&plan.start, &next);
    for node in &plan.nodes {
        if !reached.contains(node.id.as_str()) {
            findings.warning("unreachable", &node.id, "nobody comes here: lead to it, or delete it");
        }
    }
    let ends = |id: &str| {
        plan.node(id).is_some_and(|node| {
            // A way to what is no node was found before.
            let leads_out = |next: &&Next| next.as_ref().is_none_or(|next| plan.node(next).is_none());
            matches!(node.step, Step::Exit {}) || node.step.ways().iter().any(leads_out)
        })
    };
    for node in plan.nodes.iter().filter(|node| reached.contains(node.id.as_str())) {
        let onward = reachable(&node.id, &next);
        if !onward.iter().any(|id| ends(id)) {
            findings.error("no_end", &node.id, "nobody gets out from here: let one way lead to the end");
        }
        let comes_back = |next: &BTreeMap<&str, Vec<&str>>| {
            let onward = next.get(node.id.as_str()).into_iter().flatten();
            onward.copied().any(|id| reachable(id, next).contains(node.id.as_str()))
        };
        if comes_back(&at_once) {
            findings.error("circle", &node.id, "people go round in a circle without waiting: add a wait");
        } else if comes_back(&next) && node.step.waits() {
            let text = format!("a circle: it is passed {} times at most", plan.most_visits);
            findings.add(Severity::Hint, "loop", &node.id, text);
        }
    }
}

/// The ways out of a node that somebody may take without any time passing: a condition may hold already, and a rate may have room.
fn passed_at_once(step: &Step) -> Vec<&Next> {
    match step {
        Step::Wait { .. } => Vec::new(),
        Step::WaitUntil { paths, .. } => {
            let holds_already = |path: &&Path| matches!(path.until, Awaited::Condition(_));
            paths.iter().filter(holds_already).map(|path| &path.next).collect()
        }
        _ => step.ways(),
    }
}

/// All nodes that are come to from one, itself included.
fn reachable<'a>(from: &'a str, next: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            waiting.extend(next.get(id).into_iter().flatten());
        }
    }
    reached
}
