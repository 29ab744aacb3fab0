//! What happens at an instant: every node, every exit, and the rules as a whole beside a slow model that walks through the plan in one-minute ticks.

mod dry_run;
mod exits;
mod nodes;
mod plans;
mod ready;
mod slow;

use jiff::tz::TimeZone;
use rapport_domain::{Channel, Handle, PersonId, Purpose, Timestamp};
use rapport_engagement::journey::rules::{Effect, Plan, Turns, What, begin, look};
use rapport_engagement::journey::{Definition, Instance, Situation};
use rapport_engagement::sending::Settings;
use rapport_privacy::consent::State;
use rapport_privacy::{Scope, Statement};
use serde_json::{Value, json};

fn ts(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A Wednesday, noon in Berlin.
const NOON: &str = "2026-06-10T10:00:00Z";

fn plan_of(nodes: Value) -> Definition {
    plan_with(nodes, json!({}))
}

/// A plan that begins with the first node; `more` adds to it.
fn plan_with(nodes: Value, more: Value) -> Definition {
    let mut form = json!({"entry": {"api": {}}, "start": nodes[0]["id"], "nodes": nodes});
    for (key, value) in more.as_object().unwrap() {
        form[key] = value.clone();
    }
    Definition::from_json(&form).unwrap()
}

fn segment(key: &str) -> Value {
    json!({"segment": {"key": key}})
}

fn message(id: &str, next: Value) -> Value {
    json!({"id": id, "step": {"message": {"channel": "email", "template": "t", "next": next}}})
}

/// Everybody passes at once.
struct Free;

impl Turns for Free {
    fn take(&mut self, _: &str, _: u32, _: i64, now: Timestamp) -> Timestamp {
        now
    }
}

/// One person on the way, with all that is needed to go on.
struct Walk {
    definition: Definition,
    settings: Settings,
    person: Situation,
    instance: Instance,
    effects: Vec<Effect>,
}

impl Walk {
    fn begin(definition: Definition, at: &str) -> Self {
        Self::begin_as(definition, willing(7), at)
    }

    fn begin_as(definition: Definition, person: Situation, at: &str) -> Self {
        let settings = Settings { quiet: None, caps: Vec::new(), ..Settings::default() };
        Self::enter(definition, settings, person, ts(at))
    }

    /// Comes in, though they may not be of the audience: then they are out at the first look.
    fn enter(definition: Definition, settings: Settings, person: Situation, now: Timestamp) -> Self {
        Self::enter_by(definition, settings, person, "ins_1".into(), now)
    }

    /// The same as a passage of this name.
    fn enter_as(definition: Definition, person: Situation, id: String, now: Timestamp) -> Self {
        let settings = Settings { quiet: None, caps: Vec::new(), ..Settings::default() };
        Self::enter_by(definition, settings, person, id, now)
    }

    fn enter_by(definition: Definition, settings: Settings, person: Situation, id: String, now: Timestamp) -> Self {
        let instance = Instance::new(id, ("j", 1), person.person, String::new(), &definition.start, now);
        let mut walk = Self { definition, settings, person, instance, effects: Vec::new() };
        let plan = Plan { key: "j", definition: &walk.definition, settings: &walk.settings };
        let mut all = walk.person.clone();
        all.members.extend(walk.definition.audience.iter().map(rapport_engagement::journey::When::segment));
        begin(plan, &mut walk.instance, &all, now, &mut walk.effects);
        walk.look_at(now, &mut Free);
        walk
    }

    fn look(&mut self, at: &str) -> &mut Self {
        self.look_at(ts(at), &mut Free)
    }

    fn look_at(&mut self, now: Timestamp, turns: &mut dyn Turns) -> &mut Self {
        let plan = Plan { key: "j", definition: &self.definition, settings: &self.settings };
        self.effects.extend(look(plan, &mut self.instance, &mut self.person, turns, now));
        self
    }

    /// What was done, without the ways that were taken.
    fn done(&self) -> Vec<(String, u32, What)> {
        let acts = self.effects.iter().filter(|effect| !matches!(effect.what, What::Left(_)));
        acts.map(|effect| (effect.node.clone(), effect.visit, effect.what.clone())).collect()
    }

    /// The ways that were taken: `node>way`.
    fn ways(&self) -> Vec<String> {
        let ways = self.effects.iter().filter_map(|effect| match &effect.what {
            What::Left(way) => Some(format!("{}>{way}", effect.node)),
            _ => None,
        });
        ways.collect()
    }

    fn end(&self) -> Option<String> {
        self.instance.ended.map(|(_, why)| why.word())
    }
}

/// Somebody in Berlin who agreed to everything.
fn willing(person: i64) -> Situation {
    let mut it = Situation::of(PersonId(person), TimeZone::get("Europe/Berlin").unwrap());
    it.reach = [Channel::Email, Channel::InApp].map(|channel| (channel, Handle(person))).into();
    it.said = vec![said(State::Granted, "2026-01-01")];
    it
}

fn said(state: State, at: &str) -> Statement {
    let scope = Scope { purpose: Purpose::Marketing, channel: None, topic: None };
    Statement { handle: Handle(1), scope, state, at: ts(at), until: None }
}
