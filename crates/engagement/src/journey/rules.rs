//! What happens to an instance at an instant.
//!
//! [`look`] may be called at any time: when it is woken, when something was heard, when a membership changed. It does what is due, and says what has
//! to be done outside as [`Effect`]s; nothing of it depends on how often it was called before.
//!
//! Always holds: what takes somebody out is asked before every node; an effect names instance, node and visit, which together happen once; for whoever is
//! restricted nothing is done.

use rapport_domain::assignment::bucket;
use rapport_domain::{Channel, PersonId, Purpose, Timestamp};
use rapport_privacy::{Scope, Verdict, consent};
use serde_json::Value;

use super::definition::{Arm, Awaited, Class, Definition, GOAL, Next, Node, OneEvent, Otherwise, Step, Wait, heard_at};
use super::instance::{End, Instance};
use super::situation::{Sent, Situation};
use crate::lots::{self, Chances};
use crate::sending::{self, Ask, Decision, Reason, Settings, policy};
use crate::timing::{self, WEEKDAYS};

/// So many nodes are passed in one look; the rest is for the next.
const MOST_STEPS: usize = 50;
/// How long until a message is tried again that could not be sent.
const RETRY: i64 = Timestamp::HOUR;

/// What has to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// At which node.
    pub node: String,
    /// Which time at it.
    pub visit: u32,
    /// What.
    pub what: What,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A message goes out.
    Send {
        /// By which channel.
        channel: Channel,
        /// Of which template.
        template: String,
    },
    /// A message does not go out.
    Skip {
        /// By which channel.
        channel: Channel,
        /// Of which template.
        template: String,
        /// Why.
        reason: Reason,
    },
    /// A trait is noted.
    Trait(String, Value),
    /// On a list, or off it.
    List(String, bool),
    /// Another program is told.
    Webhook(String, Value),
    /// Another part of Rapport acts.
    Act(String, Value),
    /// An arm was drawn.
    Exposed {
        /// The experiment, or the journey's own name for the lot.
        experiment: String,
        /// The arm.
        arm: String,
        /// Whether it is an experiment of its own.
        is_experiment: bool,
    },
    /// A policy chose.
    Chosen {
        /// Its key.
        policy: String,
        /// The way.
        arm: String,
        /// The chances by which it was drawn.
        chances: Chances,
    },
    /// Whether the person is held out of all marketing decided over a message.
    Holdout,
    /// How often they are written to, as a policy says, decided over a message.
    Paced,
    /// The goal was reached.
    Goal,
    /// The node was left, by this way.
    Left(String),
}

/// A journey as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The journey's key.
    pub key: &'a str,
    /// The version's plan.
    pub definition: &'a Definition,
    /// The workspace's settings of sending.
    pub settings: &'a Settings,
}

/// Gives out turns where only so many pass in so much time.
pub trait Turns {
    /// When whoever comes now may pass a node: now, or later.
    fn take(&mut self, node: &str, most: u32, per: i64, now: Timestamp) -> Timestamp;
}

/// Where somebody is after a node.
enum Passed {
    On(Next, String),
    Stay(Timestamp),
    Out(End),
}

/// Whether somebody comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// They are in, and go on from here.
    In,
    /// They are held out: it is over, and was noted.
    HeldOut,
    /// They are not of the audience, or there is nobody: nothing is noted.
    Refused,
}

/// Lets somebody in who wants to come in.
pub fn begin(
    plan: Plan<'_>,
    instance: &mut Instance,
    person: &Situation,
    now: Timestamp,
    effects: &mut Vec<Effect>,
) -> Begun {
    let definition = plan.definition;
    let out = |when: &super::When| !person.members.contains(&when.segment());
    if person.is_gone || definition.audience.as_ref().is_some_and(out) {
        return Begun::Refused;
    }
    // Whoever was moved to another version before they came in begins at its start.
    let node = definition.start.clone();
    instance.arrive(Some(node.clone()), now);
    if definition.holdout_percent <= 0.0 {
        return Begun::In;
    }
    let experiment = holdout_of(plan.key);
    let held = place(&experiment, person.person) < definition.holdout_percent;
    if !person.is_restricted {
        let arm = if held { HELD_OUT } else { TREATED };
        let what = What::Exposed { experiment, arm: arm.to_owned(), is_experiment: false };
        effects.push(Effect { node, visit: 0, what });
    }
    if held {
        instance.end(End::HeldOut, now);
        return Begun::HeldOut;
    }
    Begun::In
}

/// The arm of those who get nothing.
pub const HELD_OUT: &str = "holdout";
/// The arm of those who come in.
pub const TREATED: &str = "treated";

/// The way on of those for whom nothing was done, because what is known of them is not to be used.
pub const RESTRICTED: &str = "restricted";

/// The name under which a journey's holdout is measured.
pub fn holdout_of(journey: &str) -> String {
    format!("holdout/journey/{journey}")
}

/// Does what is due, and says what has to be done outside, in order.
pub fn look(
    plan: Plan<'_>,
    instance: &mut Instance,
    person: &mut Situation,
    turns: &mut dyn Turns,
    now: Timestamp,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    if instance.ended.is_some() {
        return effects;
    }
    instance.wake_at = None;
    for _ in 0..MOST_STEPS {
        note_goal(plan.definition, instance, person, now, &mut effects);
        if let Some(why) = way_out(plan.definition, instance, person, now) {
            instance.end(why, now);
            return effects;
        }
        let Some(id) = instance.node.clone() else {
            instance.end(End::Completed, now);
            return effects;
        };
        let Some(node) = plan.definition.node(&id) else {
            instance.end(End::NoNode, now);
            return effects;
        };
        if instance.visit() > plan.definition.most_visits {
            instance.end(End::Circle, now);
            return effects;
        }
        match pass(plan, node, instance, person, turns, now, &mut effects) {
            Passed::On(next, way) => {
                effects.push(Effect { node: id, visit: instance.visit(), what: What::Left(way) });
                instance.arrive(next, now);
            }
            Passed::Stay(until) => {
                instance.wake_at = Some(until);
                return effects;
            }
            Passed::Out(why) => {
                effects.push(Effect { node: id, visit: instance.visit(), what: What::Left(why.word()) });
                instance.end(why, now);
                return effects;
            }
        }
    }
    instance.wake_at = Some(now);
    effects
}

/// Notes that the goal is reached.
fn note_goal(
    definition: &Definition,
    instance: &mut Instance,
    person: &Situation,
    now: Timestamp,
    effects: &mut Vec<Effect>,
) {
    if instance.goal_at.is_some() {
        return;
    }
    let reached = match &definition.goal {
        None => None,
        Some(Awaited::Event(_)) => instance.heard.get(GOAL).copied().filter(|at| *at >= instance.since()),
        Some(Awaited::Condition(when)) => person.members.contains(&when.segment()).then_some(now),
    };
    if let Some(at) = reached {
        reach_goal(instance, at, effects);
    }
}

fn reach_goal(instance: &mut Instance, at: Timestamp, effects: &mut Vec<Effect>) {
    if instance.goal_at.replace(at).is_none() {
        let node = instance.node.clone().unwrap_or_default();
        effects.push(Effect { node, visit: instance.visit(), what: What::Goal });
    }
}

/// What takes somebody out here.
fn way_out(definition: &Definition, instance: &Instance, person: &Situation, now: Timestamp) -> Option<End> {
    if person.is_gone {
        return Some(End::Gone);
    }
    if definition.exits.at_goal && instance.goal_at.is_some() {
        return Some(End::Goal);
    }
    let out = |when: &super::When| !person.members.contains(&when.segment());
    if definition.exits.out_of_audience && definition.audience.as_ref().is_some_and(out) {
        return Some(End::OutOfAudience);
    }
    wants_nothing(definition, person, now).then_some(End::ConsentGone)
}

/// Whether somebody refuses all messages that a journey of marketing has.
fn wants_nothing(definition: &Definition, person: &Situation, now: Timestamp) -> bool {
    if definition.class == Class::Transactional {
        return false;
    }
    let mut channels = definition.nodes.iter().filter_map(|node| match node.step {
        Step::Message { channel, .. } => Some(channel),
        _ => None,
    });
    let topic = definition.topic.clone();
    let refused = |channel| {
        let scope = Scope { purpose: Purpose::Marketing, channel: Some(channel), topic: topic.clone() };
        consent::standing(&person.said, &scope, now).verdict == Verdict::Denied
    };
    // One that has none has nothing to refuse.
    channels.next().is_some_and(refused) && channels.all(refused)
}

fn pass(
    plan: Plan<'_>,
    node: &Node,
    instance: &mut Instance,
    person: &mut Situation,
    turns: &mut dyn Turns,
    now: Timestamp,
    effects: &mut Vec<Effect>,
) -> Passed {
    let visit = instance.visit();
    // For whoever is restricted nothing is done, nor are they counted in an experiment: they go on, in case it is lifted.
    let is_used = !person.is_restricted;
    let done = if is_used { "done" } else { RESTRICTED };
    let mut tell = |what| {
        if is_used {
            effects.push(Effect { node: node.id.clone(), visit, what });
        }
    };
    let on = |next: &Next, way: &str| Passed::On(next.clone(), way.to_owned());
    match &node.step {
        Step::Message { next, .. } => {
            message(plan, node, instance, person, now, effects).unwrap_or_else(|sent| on(next, sent))
        }
        Step::Wait { how, next } => {
            let until = wait_until(how, person, instance.arrived_at);
            if now >= until { on(next, "waited") } else { Passed::Stay(until) }
        }
        Step::WaitUntil { paths, timeout, timed_out } => {
            // In a circle only what came since the person came here again counts.
            let since = if visit <= 1 { instance.since() } else { instance.arrived_at };
            let met = |(place, path): (usize, &super::definition::Path)| match &path.until {
                Awaited::Event(OneEvent { .. }) => {
                    instance.heard.get(&heard_at(&node.id, place)).is_some_and(|at| *at >= since)
                }
                Awaited::Condition(when) => person.members.contains(&when.segment()),
            };
            let until = instance.arrived_at.plus(timeout.micros());
            match paths.iter().enumerate().position(met) {
                Some(place) => on(&paths[place].next, &format!("path:{place}")),
                None if now >= until => on(timed_out, "timed_out"),
                None => Passed::Stay(until),
            }
        }
        Step::Branch { paths, otherwise } => {
            match paths.iter().position(|path| person.members.contains(&path.when.segment())) {
                Some(place) => on(&paths[place].next, &format!("path:{place}")),
                None => on(otherwise, "otherwise"),
            }
        }
        Step::Split { policy: Some(policy), arms, .. } if chances_of(policy, arms, person).is_some() => {
            let found = chosen(policy, (node, visit), plan, instance, arms, person);
            let (arm, decided) = found.unwrap_or((&arms[0], None));
            if let Some(chances) = decided {
                tell(What::Chosen { policy: policy.clone(), arm: arm.name.clone(), chances });
            }
            on(&arm.next, &format!("arm:{}", arm.name))
        }
        Step::Split { experiment, arms, .. } => {
            let salt = experiment.clone().unwrap_or_else(|| Definition::salt(plan.key, &node.id));
            let arm = given(experiment.as_deref(), plan.key, arms, person).unwrap_or_else(|| draw(&salt, arms, person));
            let is_experiment = experiment.is_some();
            tell(What::Exposed { experiment: salt, arm: arm.name.clone(), is_experiment });
            on(&arm.next, &format!("arm:{}", arm.name))
        }
        Step::SetTrait { name, value, next } => {
            tell(What::Trait(name.clone(), value.clone()));
            on(next, done)
        }
        Step::List { list, on: put, next } => {
            tell(What::List(list.clone(), *put));
            on(next, done)
        }
        Step::Webhook { url, fields, next } => {
            tell(What::Webhook(url.clone(), fields.clone().into_iter().collect()));
            on(next, done)
        }
        Step::Act { action, with, next } => {
            tell(What::Act(action.clone(), with.clone().into_iter().collect()));
            on(next, done)
        }
        Step::RateLimit { most, per, next } => {
            // The turn is taken once, on arrival, and remembered.
            let turn = format!("turn:{}:{visit}", node.id);
            let at = match instance.heard.get(&turn) {
                Some(at) => *at,
                None => turns.take(&node.id, *most, per.micros(), now),
            };
            instance.heard.insert(turn, at);
            if now >= at { on(next, "passed") } else { Passed::Stay(at) }
        }
        Step::Goal { next } => {
            reach_goal(instance, now, effects);
            on(next, "reached")
        }
        Step::Exit {} => Passed::Out(End::Completed),
    }
}

/// Sends, holds back or leaves out a message. `Err` is the way in which somebody goes on.
fn message(
    plan: Plan<'_>,
    node: &Node,
    instance: &Instance,
    person: &mut Situation,
    now: Timestamp,
    effects: &mut Vec<Effect>,
) -> Result<Passed, &'static str> {
    let Step::Message { channel, template, otherwise, drop_after, .. } = &node.step else { return Err("none") };
    let definition = plan.definition;
    let visit = instance.visit();
    let ask = Ask {
        channel: *channel,
        topic: definition.topic.as_deref(),
        class: definition.class,
        priority: definition.priority,
        quiet: definition.quiet.as_ref(),
        chance: chance(&instance.id, &node.id, visit),
        since: instance.arrived_at,
        drop_after: drop_after.micros(),
    };
    let mut tell = |what| effects.push(Effect { node: node.id.clone(), visit, what });
    // Whoever stays in although they left the audience gets no messages of it.
    let is_out = definition.audience.as_ref().is_some_and(|when| !person.members.contains(&when.segment()));
    if !is_out && policy::asks_the_holdout(&ask, person, plan.settings, now) {
        tell(What::Holdout);
    }
    if !is_out && policy::asks_the_pace(&ask, person, plan.settings, now) {
        tell(What::Paced);
    }
    let decision =
        if is_out { Decision::Skip(Reason::OutOfAudience) } else { sending::decide(&ask, person, plan.settings, now) };
    match decision {
        Decision::Send => {
            tell(What::Send { channel: *channel, template: template.clone() });
            if definition.class.is_optional() && policy::counts(*channel) {
                person.sent.push(Sent { at: now, channel: *channel, topic: definition.topic.clone() });
            }
            Err("sent")
        }
        Decision::Hold(until) => Ok(Passed::Stay(until)),
        Decision::Skip(reason) => {
            let again = now.plus(RETRY);
            let still_useful = again.0 - ask.since.0 <= ask.drop_after && reason.may_pass();
            if *otherwise == Otherwise::Retry && still_useful {
                return Ok(Passed::Stay(again));
            }
            tell(What::Skip { channel: *channel, template: template.clone(), reason });
            match otherwise {
                Otherwise::Exit => Ok(Passed::Out(End::Skipped(reason))),
                Otherwise::Advance | Otherwise::Retry => Err("skipped"),
            }
        }
    }
}

/// A number that is the same for the same message.
fn chance(instance: &str, node: &str, visit: u32) -> u64 {
    let hash = blake3::hash(format!("{instance}/{node}/{visit}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// The arm that the experiment gives a person. Whoever gets one that the split has no way for goes the first.
fn given<'a>(experiment: Option<&str>, journey: &str, arms: &'a [Arm], person: &Situation) -> Option<&'a Arm> {
    let wanted = person.arms.get(&(experiment?.to_owned(), lots::subject_of(journey)))?;
    arms.iter().find(|arm| arm.name == *wanted).or(arms.first())
}

fn chances_of<'a>(policy: &str, arms: &[Arm], person: &'a Situation) -> Option<&'a Chances> {
    person.chances.get(&(policy.to_owned(), arms.iter().map(|arm| arm.name.clone()).collect()))
}

/// The way that a policy takes, and its chances where that is a decision. Whoever gets no marketing at all goes the usual way of a journey of marketing, as
/// does whoever is restricted, and teaches nothing.
fn chosen<'a>(
    policy: &str,
    (node, visit): (&Node, u32),
    plan: Plan<'_>,
    instance: &Instance,
    arms: &'a [Arm],
    person: &Situation,
) -> Option<(&'a Arm, Option<Chances>)> {
    let chances = chances_of(policy, arms, person)?;
    let is_out = person.is_restricted || (plan.definition.class == Class::Marketing && person.is_held_out);
    let place = chance(&format!("{policy}/{}", instance.id), &node.id, visit) as f64 / (u64::MAX as f64 + 1.0);
    let name = if is_out { chances.arms.first().map(|(arm, _)| arm.as_str()) } else { chances.drawn(place) };
    let arm = arms.iter().find(|arm| Some(arm.name.as_str()) == name)?;
    Some((arm, (chances.decides && !is_out).then(|| chances.clone())))
}

/// The arm that falls to a person.
fn draw<'a>(salt: &str, arms: &'a [Arm], person: &Situation) -> &'a Arm {
    let place = place(salt, person.person);
    let mut end = 0.0;
    for arm in arms {
        end += arm.percent;
        if place < end {
            return arm;
        }
    }
    // A plan without arms is refused; shares add up to 100 but for rounding.
    &arms[arms.len() - 1]
}

/// A person's place in a lot, from 0 to 100.
pub fn place(salt: &str, person: PersonId) -> f64 {
    f64::from(bucket(salt, person)) / 100.0
}

/// Until when somebody waits who arrived at an instant.
fn wait_until(how: &Wait, person: &Situation, arrived: Timestamp) -> Timestamp {
    let at = |days, text: &str, weekdays: &[u8]| {
        let time = timing::time_of_day(text)?;
        timing::next_time(&person.zone, arrived, days, time, weekdays)
    };
    match how {
        Wait::For(length) => arrived.plus(length.micros()),
        Wait::Day { days, at: text, weekdays } => {
            let days_of_week: Vec<u8> = weekdays.iter().filter_map(|word| weekday(word)).collect();
            at(*days, text, &days_of_week).unwrap_or(arrived)
        }
        Wait::UsualHour { fallback } => {
            let usual = person.usual_hour.map(|hour| format!("{hour:02}:00"));
            at(0, usual.as_deref().unwrap_or(fallback), &[]).unwrap_or(arrived)
        }
    }
}

/// The number of a weekday, from Monday.
pub fn weekday(word: &str) -> Option<u8> {
    WEEKDAYS.iter().position(|known| *known == word).and_then(|place| u8::try_from(place).ok())
}
