//! A dry run: people go through a plan by the very rules that the engine asks ([`rules`]), over what is known of their time. Nothing is written, nothing
//! is sent, and no lot that falls is noted.
//!
//! What is known of somebody's time is their [`Life`]: when conditions came true of them and ceased to be, what they did, what was sent to them. Where that
//! ends nothing more happens but that time passes: whoever waits for something waits until the timeout. Steps after it are assumed ([`Trip::steps`] have
//! their time), and whoever shows them says so.
//!
//! Always holds: of one person every instance sees what the others sent, in the order of time; of all people together turns are given in that order, too.
//!
//! Does not do: write messages, so a template that cannot be written for somebody is found by whoever can read their values.

pub mod tally;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rapport_domain::{Channel, Timestamp};
use serde_json::Value;

use crate::journey::instance::ENTRY;
use crate::journey::rules::{self, Begun, Effect, Plan, Turns, What};
use crate::journey::situation::{Other, Sent};
use crate::journey::turns::Counters;
use crate::journey::{End, Instance, Situation};
use crate::records::instances::Entered;
use crate::sending::Reason;
use crate::service::entering::may_enter;

/// So often one instance is looked at, at most.
const MOST_LOOKS: usize = 2_000;

/// What is known of somebody's time.
#[derive(Clone, Debug)]
pub struct Life {
    /// As they are now. The segments in it are those that held before the first of `turns`.
    pub situation: Situation,
    /// When they came into the segments that the plan asks for (true), or left them, in the order of time.
    pub turns: Vec<(Timestamp, String, bool)>,
    /// When what the plan waits for was heard, under which name, in the order of time.
    pub heard: Vec<(Timestamp, String)>,
    /// What brings them in, in the order of time.
    pub comings: Vec<Coming>,
    /// How they came in before: the occasion, when, and until when.
    pub before: Vec<(String, Timestamp, Option<Timestamp>)>,
}

/// What brings somebody in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coming {
    /// When they come in.
    pub at: Timestamp,
    /// The occasion.
    pub key: String,
    /// When the event happened that brings them in.
    pub since: Option<Timestamp>,
    /// What was heard before this place of [`Life::heard`] was so before them, and does not count.
    pub after: usize,
    /// The event, as messages see it.
    pub payload: Value,
}

/// What came of coming in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// They are in.
    In,
    /// They are held out of the journey.
    HeldOut,
    /// They are not of the audience, or there is nobody.
    Refused,
    /// They are in already, or may not come in again.
    NotAgain,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::In, Self::HeldOut, Self::Refused, Self::NotAgain];

    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::HeldOut => "held_out",
            Self::Refused => "refused",
            Self::NotAgain => "not_again",
        }
    }
}

/// Somebody's way through the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Trip {
    /// What brought them in: the place in [`Life::comings`].
    pub coming: usize,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// How often they came to each node.
    pub visits: BTreeMap<String, u32>,
    /// Whether it goes on longer than is played.
    pub is_cut: bool,
}

/// Something that happens on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// At which node; empty for the journey as a whole.
    pub node: String,
    /// Which time at it.
    pub visit: u32,
    /// What.
    pub what: Did,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    /// What the engine would do.
    Effect(What),
    /// Time passes until then.
    Waits(Timestamp),
    /// The template cannot be written, and why in words: nothing is sent, and they go on as if it were.
    Unwritten {
        /// By which channel.
        channel: Channel,
        /// Of which template.
        template: String,
        /// Why.
        reason: Reason,
        /// What is missing, in words that name no value of the person.
        problem: String,
    },
    /// It is over.
    Ends(End),
}

/// Plays lives through a plan until `until`; of each its trips.
pub fn play(plan: Plan<'_>, lives: &[Life], until: Timestamp) -> Vec<Vec<Trip>> {
    let mut turns = Counters::default();
    let mut players: Vec<Player<'_>> = lives.iter().map(|life| Player::new(plan, life)).collect();
    let mut due: BinaryHeap<Reverse<(Timestamp, usize)>> = BinaryHeap::new();
    let next = |players: &[Player<'_>], one: usize| players[one].next().filter(|at| *at <= until);
    for one in 0..players.len() {
        due.extend(next(&players, one).map(|at| Reverse((at, one))));
    }
    while let Some(Reverse((at, one))) = due.pop() {
        players[one].step(&mut turns, at);
        due.extend(next(&players, one).map(|at| Reverse((at, one))));
    }
    players.into_iter().map(|player| player.done(until)).collect()
}

/// An instance, with what was noted of it.
struct Playing {
    trip: Trip,
    instance: Option<Instance>,
    looked_at: Timestamp,
    looks: usize,
}

impl Playing {
    fn under_way(&self) -> Option<&Instance> {
        self.instance.as_ref().filter(|it| it.ended.is_none() && !self.trip.is_cut)
    }
}

/// One person.
struct Player<'a> {
    plan: Plan<'a>,
    life: &'a Life,
    person: Situation,
    /// What was sent to them in truth, and what is about to be by other journeys.
    sent: Vec<Sent>,
    others: Vec<Other>,
    /// What this dry run would have sent.
    own: Vec<Sent>,
    trips: Vec<Playing>,
    turned: usize,
    heard: usize,
    came: usize,
}

impl<'a> Player<'a> {
    fn new(plan: Plan<'a>, life: &'a Life) -> Self {
        let mut person = life.situation.clone();
        let (sent, others) = (std::mem::take(&mut person.sent), std::mem::take(&mut person.others));
        Self { plan, life, person, sent, others, own: Vec::new(), trips: Vec::new(), turned: 0, heard: 0, came: 0 }
    }

    /// When there is something to do next.
    fn next(&self) -> Option<Timestamp> {
        let coming = self.life.comings.get(self.came).map(|coming| coming.at);
        let under_way: Vec<&Instance> = self.trips.iter().filter_map(Playing::under_way).collect();
        let wakes = under_way.iter().filter_map(|it| it.wake_at).min();
        let turn = self.life.turns.get(self.turned).map(|it| it.0);
        let heard = self.life.heard.get(self.heard).map(|it| it.0);
        let news = turn.into_iter().chain(heard).min().filter(|_| !under_way.is_empty());
        coming.into_iter().chain(wakes).chain(news).min()
    }

    fn step(&mut self, turns: &mut dyn Turns, at: Timestamp) {
        let is_news = self.hear(at);
        self.person.sent = self.sent.iter().filter(|sent| sent.at <= at).chain(&self.own).cloned().collect();
        // What was about to be sent before has been sent, or not: neither is in the way any more.
        self.person.others = self.others.iter().filter(|other| other.due >= at).copied().collect();
        for one in 0..self.trips.len() {
            if self.trips[one].under_way().is_some_and(|it| is_news || it.wake_at.is_some_and(|wakes| wakes <= at)) {
                self.look(one, turns, at);
            }
        }
        while self.life.comings.get(self.came).is_some_and(|coming| coming.at <= at) {
            self.come_in(turns, at);
            self.came += 1;
        }
    }

    /// Takes in what happened up to an instant; whether anything did.
    fn hear(&mut self, at: Timestamp) -> bool {
        let mut is_news = false;
        while let Some((_, key, entered)) = self.life.turns.get(self.turned).filter(|it| it.0 <= at) {
            if *entered {
                self.person.members.insert(key.clone());
            } else {
                self.person.members.remove(key);
            }
            self.turned += 1;
            is_news = true;
        }
        while let Some((when, what)) = self.life.heard.get(self.heard).filter(|it| it.0 <= at) {
            for playing in &mut self.trips {
                let counts = self.heard >= self.life.comings[playing.trip.coming].after;
                if let Some(instance) = playing.instance.as_mut().filter(|it| counts && *when >= it.since()) {
                    instance.hear(what, *when);
                }
            }
            self.heard += 1;
            is_news = true;
        }
        is_news
    }

    fn come_in(&mut self, turns: &mut dyn Turns, at: Timestamp) {
        let coming = &self.life.comings[self.came];
        let mut trip = Trip {
            coming: self.came,
            at,
            outcome: Outcome::In,
            steps: Vec::new(),
            visits: BTreeMap::new(),
            is_cut: false,
        };
        let before = self.entered(at);
        let own: Vec<&Entered> = before.iter().collect();
        if !may_enter(self.plan.definition, &own, &coming.key, at) {
            trip.outcome = Outcome::NotAgain;
            self.trips.push(Playing { trip, instance: None, looked_at: at, looks: 0 });
            return;
        }
        let id = format!("dry/{}/{}", self.person.person, self.came);
        let start = &self.plan.definition.start;
        let mut instance = Instance::new(id, (self.plan.key, 0), self.person.person, coming.key.clone(), start, at);
        if let Some(since) = coming.since {
            instance.hear(ENTRY, since);
        }
        let since = instance.since();
        let known = self.life.heard.get(coming.after..self.heard).unwrap_or_default();
        for (when, what) in known.iter().filter(|(when, _)| *when >= since) {
            instance.hear(what, *when);
        }
        let mut effects = Vec::new();
        trip.outcome = match rules::begin(self.plan, &mut instance, &self.person, at, &mut effects) {
            Begun::In => Outcome::In,
            Begun::HeldOut => Outcome::HeldOut,
            Begun::Refused => Outcome::Refused,
        };
        let is_in = trip.outcome == Outcome::In;
        trip.steps.extend(effects.into_iter().map(|effect| step_of(effect, at)));
        let instance = (trip.outcome != Outcome::Refused).then_some(instance);
        self.trips.push(Playing { trip, instance, looked_at: at, looks: 0 });
        if is_in {
            self.look(self.trips.len() - 1, turns, at);
        }
    }

    /// How often they came in before an instant, by occasion: in truth, and in this dry run.
    fn entered(&self, at: Timestamp) -> Vec<Entered> {
        let truly = self.life.before.iter().map(|(key, from, until)| (key, *from, *until));
        let own = self.trips.iter().filter_map(|playing| {
            let instance = playing.instance.as_ref()?;
            let until = instance.ended.map(|(until, _)| until).or(playing.trip.is_cut.then_some(playing.looked_at));
            Some((&instance.entry_key, playing.trip.at, until))
        });
        let mut all: Vec<Entered> = Vec::new();
        for (key, from, until) in truly.chain(own) {
            let active = i64::from(until.is_none_or(|until| until > at));
            match all.iter_mut().find(|it| it.entry_key == *key) {
                Some(it) => {
                    (it.times, it.active, it.last_at) = (it.times + 1, it.active + active, it.last_at.max(from));
                }
                None => {
                    let person = self.person.person;
                    all.push(Entered { person, entry_key: key.clone(), times: 1, last_at: from, active });
                }
            }
        }
        all
    }

    fn look(&mut self, one: usize, turns: &mut dyn Turns, at: Timestamp) {
        let playing = &mut self.trips[one];
        let Some(instance) = playing.instance.as_mut() else { return };
        if at > playing.looked_at {
            waited(&mut playing.trip, instance, playing.looked_at, at);
        }
        let sent = self.person.sent.len();
        let effects = rules::look(self.plan, instance, &mut self.person, turns, at);
        self.own.extend_from_slice(&self.person.sent[sent..]);
        playing.trip.steps.extend(effects.into_iter().map(|effect| step_of(effect, at)));
        if let Some((_, why)) = instance.ended {
            playing.trip.steps.push(Step { at, node: String::new(), visit: 0, what: Did::Ends(why) });
        }
        playing.looked_at = at;
        playing.looks += 1;
        playing.trip.is_cut = instance.ended.is_none() && playing.looks >= MOST_LOOKS;
    }

    fn done(self, until: Timestamp) -> Vec<Trip> {
        let done = |mut playing: Playing| {
            if let Some(instance) = &playing.instance {
                playing.trip.visits.clone_from(&instance.visits);
                if playing.under_way().is_some() {
                    // It goes on beyond what is played.
                    let wakes = instance.wake_at.unwrap_or(until);
                    waited(&mut playing.trip, instance, playing.looked_at, wakes);
                    playing.trip.is_cut = true;
                }
            }
            playing.trip
        };
        self.trips.into_iter().map(done).collect()
    }
}

/// Notes that time passed where somebody is. Whoever was only looked at meanwhile waits on.
fn waited(trip: &mut Trip, instance: &Instance, from: Timestamp, until: Timestamp) {
    let node = instance.node.clone().unwrap_or_default();
    if let Some(Step { node: last, what: Did::Waits(end), .. }) = trip.steps.last_mut()
        && *last == node
    {
        *end = until;
        return;
    }
    trip.steps.push(Step { at: from, node, visit: instance.visit(), what: Did::Waits(until) });
}

fn step_of(effect: Effect, at: Timestamp) -> Step {
    Step { at, node: effect.node, visit: effect.visit, what: Did::Effect(effect.what) }
}
