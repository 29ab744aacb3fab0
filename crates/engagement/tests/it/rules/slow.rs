//! The rules written again from their description, for a model that looks each minute, remembers everything and plans nothing ahead.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rapport_domain::{Channel, PersonId, Purpose, Timestamp};
use rapport_engagement::journey::definition::{Arm, Awaited, Next, Otherwise, Step, Wait};
use rapport_engagement::journey::rules::What;
use rapport_engagement::journey::situation::Sent;
use rapport_engagement::journey::{Class, Definition, Situation};
use rapport_engagement::sending::{Ask, Decision, Reason, Settings, decide};
use rapport_engagement::timing::civil;
use rapport_privacy::consent::State;
use rapport_privacy::{Scope, Statement, Verdict, consent};
use rapport_segments::condition::Bucket;

use super::{NOON, said};

/// Something that happens to somebody.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Event(&'static str),
    In(&'static str),
    Out(&'static str),
    Refuses,
    Agrees,
}

pub struct Slow<'a> {
    plan: &'a Definition,
    settings: &'a Settings,
    person: Situation,
    now: Timestamp,
    began: Timestamp,
    node: Next,
    arrived: Timestamp,
    arrived_on: Date,
    visits: BTreeMap<String, u32>,
    events: Vec<(Timestamp, &'static str)>,
    tried: Option<Timestamp>,
    changed: bool,
    goal: bool,
    done: Vec<String>,
    over: bool,
}

fn lot(salt: &str, person: PersonId) -> f64 {
    f64::from(Bucket { salt: salt.to_owned(), from: 0, to: 0 }.place(person)) / 100.0
}

impl<'a> Slow<'a> {
    pub fn run(
        plan: &'a Definition,
        settings: &'a Settings,
        person: Situation,
        began: Timestamp,
        changes: &[(Timestamp, Change)],
        until: Timestamp,
    ) -> Vec<String> {
        let arrived_on = civil(&person.zone, began).date();
        let mut it = Self {
            plan,
            settings,
            person,
            now: began,
            began,
            node: None,
            arrived: began,
            arrived_on,
            visits: BTreeMap::new(),
            events: Vec::new(),
            tried: None,
            changed: false,
            goal: false,
            done: Vec::new(),
            over: false,
        };
        it.come_in();
        while !it.over && it.now <= until {
            it.changed = false;
            let now = it.now;
            for (at, change) in changes.iter().filter(|(at, _)| *at == now) {
                it.changed = true;
                it.take(*at, *change);
            }
            it.minute();
            it.now = it.now.plus(Timestamp::MINUTE);
        }
        it.done
    }

    fn come_in(&mut self) {
        self.go_to(Some(self.plan.start.clone()));
        if self.plan.holdout_percent > 0.0 {
            let is_held = lot("holdout/journey/j", self.person.person) < self.plan.holdout_percent;
            let arm = if is_held { "holdout" } else { "treated" };
            let what = What::Exposed { experiment: "holdout/journey/j".into(), arm: arm.into(), is_experiment: false };
            self.done.push(format!("{:?} {} 0 {what:?}", self.now, self.plan.start));
            if is_held {
                self.out("held_out");
            }
        }
    }

    fn take(&mut self, at: Timestamp, change: Change) {
        let statement = |state| Statement { at, ..said(state, NOON) };
        match change {
            Change::Event(name) => self.events.push((at, name)),
            Change::In(key) => _ = self.person.members.insert(key.to_owned()),
            Change::Out(key) => _ = self.person.members.remove(key),
            Change::Refuses => self.person.said.push(statement(State::Denied)),
            Change::Agrees => self.person.said.push(statement(State::Granted)),
        }
    }

    fn go_to(&mut self, next: Next) {
        self.node = next;
        self.arrived = self.now;
        self.arrived_on = civil(&self.person.zone, self.now).date();
        self.tried = None;
        if let Some(node) = &self.node {
            *self.visits.entry(node.clone()).or_insert(0) += 1;
        }
    }

    fn tell(&mut self, what: &What) {
        let node = self.node.clone().unwrap_or_default();
        self.done.push(format!("{:?} {node} {} {what:?}", self.now, self.visits[&node]));
    }

    fn out(&mut self, why: &str) {
        self.done.push(format!("{:?} ended {why}", self.now));
        self.over = true;
    }

    fn is_in(&self, when: &rapport_engagement::journey::When) -> bool {
        self.person.members.contains(&when.segment())
    }

    fn happened(&self, name: &str, since: Timestamp) -> bool {
        self.events.iter().any(|(at, event)| *event == name && *at >= since)
    }

    fn refuses_all(&self) -> bool {
        let channels: Vec<Channel> = self
            .plan
            .nodes
            .iter()
            .filter_map(|node| match node.step {
                Step::Message { channel, .. } => Some(channel),
                _ => None,
            })
            .collect();
        let refused = |channel: &Channel| {
            let scope = Scope { purpose: Purpose::Marketing, channel: Some(*channel), topic: self.plan.topic.clone() };
            consent::standing(&self.person.said, &scope, self.now).verdict == Verdict::Denied
        };
        self.plan.class == Class::Marketing && !channels.is_empty() && channels.iter().all(refused)
    }

    /// All that happens in this minute.
    fn minute(&mut self) {
        while !self.over {
            let reached = match &self.plan.goal {
                None => false,
                Some(Awaited::Event(event)) => self.happened(&event.name, self.began),
                Some(Awaited::Condition(when)) => self.is_in(when),
            };
            if reached && !self.goal {
                self.reach();
            }
            let is_out = self.plan.audience.as_ref().is_some_and(|when| !self.is_in(when));
            if self.goal && self.plan.exits.at_goal {
                return self.out("goal");
            }
            if is_out && self.plan.exits.out_of_audience {
                return self.out("out_of_audience");
            }
            if self.refuses_all() {
                return self.out("consent_gone");
            }
            let Some(id) = self.node.clone() else { return self.out("completed") };
            if self.visits[&id] > self.plan.most_visits {
                return self.out("circle");
            }
            let plan = self.plan;
            let step = &plan.nodes.iter().find(|node| node.id == id).unwrap().step;
            let Some((next, way)) = self.pass(step, is_out) else { return };
            self.tell(&What::Left(way.clone()));
            match next {
                Err(()) => return self.out(&way),
                Ok(next) => self.go_to(next),
            }
        }
    }

    fn reach(&mut self) {
        self.goal = true;
        if self.node.is_some() {
            self.tell(&What::Goal);
        } else {
            self.done.push(format!("{:?}  0 {:?}", self.now, What::Goal));
        }
    }

    /// Where somebody goes from here in this minute, if they do; `Err` for out of the journey.
    fn pass(&mut self, step: &Step, is_out: bool) -> Option<(Result<Next, ()>, String)> {
        let go = |next: &Next, way: &str| Some((Ok(next.clone()), way.to_owned()));
        match step {
            Step::Message { channel, template, otherwise, drop_after, next } => {
                let (channel, template) = (*channel, template.clone());
                match self.try_message(channel, drop_after.micros(), *otherwise, is_out)? {
                    None => {
                        self.tell(&What::Send { channel, template });
                        if self.plan.class == Class::Marketing && channel != Channel::InApp {
                            let topic = self.plan.topic.clone();
                            self.person.sent.push(Sent { at: self.now, channel, topic });
                        }
                        go(next, "sent")
                    }
                    Some(reason) => {
                        self.tell(&What::Skip { channel, template, reason });
                        match otherwise {
                            Otherwise::Exit => Some((Err(()), format!("skipped:{}", reason.as_str()))),
                            _ => go(next, "skipped"),
                        }
                    }
                }
            }
            Step::Wait { how, next } => {
                if self.has_waited(how) {
                    go(next, "waited")
                } else {
                    None
                }
            }
            Step::WaitUntil { paths, timeout, timed_out } => {
                let is_first = self.visits[self.node.as_ref().unwrap()] == 1;
                let since = if is_first { self.began } else { self.arrived };
                for (place, path) in paths.iter().enumerate() {
                    let came = match &path.until {
                        Awaited::Event(event) => self.happened(&event.name, since),
                        Awaited::Condition(when) => self.is_in(when),
                    };
                    if came {
                        return go(&path.next, &format!("path:{place}"));
                    }
                }
                if self.now.0 - self.arrived.0 >= timeout.micros() { go(timed_out, "timed_out") } else { None }
            }
            Step::Branch { paths, otherwise } => {
                for (place, path) in paths.iter().enumerate() {
                    if self.is_in(&path.when) {
                        return go(&path.next, &format!("path:{place}"));
                    }
                }
                go(otherwise, "otherwise")
            }
            Step::Split { arms, .. } => {
                let salt = format!("journey/j/{}", self.node.as_ref().unwrap());
                let place = lot(&salt, self.person.person);
                let bounds = |count: usize| arms[..count].iter().map(|arm| arm.percent).sum::<f64>();
                let at = (0..arms.len()).find(|at| bounds(*at) <= place && place < bounds(*at + 1)).unwrap();
                let Arm { name, next, .. } = &arms[at];
                self.tell(&What::Exposed { experiment: salt, arm: name.clone(), is_experiment: false });
                go(next, &format!("arm:{name}"))
            }
            Step::SetTrait { name, value, next } => {
                self.tell(&What::Trait(name.clone(), value.clone()));
                go(next, "done")
            }
            Step::List { list, on, next } => {
                self.tell(&What::List(list.clone(), *on));
                go(next, "done")
            }
            Step::Webhook { url, next, .. } => {
                self.tell(&What::Webhook(url.clone(), serde_json::json!({})));
                go(next, "done")
            }
            Step::Act { action, with, next } => {
                self.tell(&What::Act(action.clone(), serde_json::to_value(with).unwrap()));
                go(next, "done")
            }
            Step::RateLimit { next, .. } => go(next, "passed"),
            Step::Goal { next } => {
                if !self.goal {
                    self.reach();
                }
                go(next, "reached")
            }
            Step::Exit {} => Some((Err(()), "completed".to_owned())),
        }
    }

    /// `None` while it is held back or to be tried again; inside, the reason why it is not sent, if it is not.
    fn try_message(
        &mut self,
        channel: Channel,
        drop_after: i64,
        otherwise: Otherwise,
        is_out: bool,
    ) -> Option<Option<Reason>> {
        let is_time = self.tried.is_none_or(|at| self.now.0 - at.0 >= Timestamp::HOUR);
        if !is_time && !self.changed {
            return None;
        }
        self.tried = None;
        let ask = Ask {
            channel,
            topic: self.plan.topic.as_deref(),
            class: self.plan.class,
            priority: self.plan.priority,
            quiet: self.plan.quiet.as_ref(),
            chance: 0,
            since: self.arrived,
            drop_after,
        };
        let decision = if is_out {
            Decision::Skip(Reason::OutOfAudience)
        } else {
            decide(&ask, &self.person, self.settings, self.now)
        };
        match decision {
            Decision::Send => Some(None),
            Decision::Hold(_) => None,
            Decision::Skip(reason) => {
                use Reason::{Capped, ConsentPending, NoConsent, TooOften, Trouble, Unreachable, Yielded};
                let may_pass =
                    [Unreachable, NoConsent, ConsentPending, Trouble, TooOften, Capped, Yielded].contains(&reason);
                let in_an_hour = self.now.0 + Timestamp::HOUR - self.arrived.0;
                if otherwise == Otherwise::Retry && may_pass && in_an_hour <= drop_after {
                    self.tried = Some(self.now);
                    return None;
                }
                Some(Some(reason))
            }
        }
    }

    fn has_waited(&self, how: &Wait) -> bool {
        let here = civil(&self.person.zone, self.now);
        let clock = |now: Timestamp| civil(&self.person.zone, now).strftime("%H:%M").to_string();
        let (before, shown) = (clock(self.now.plus(-Timestamp::MINUTE)), clock(self.now));
        // A time that the clock shows twice is the first one; one that it passes over is when it was put forward.
        let is_second = clock(self.now.plus(-Timestamp::HOUR)) == shown;
        let shows = |at: &str| (shown == at && !is_second) || (before.as_str() < at && at < shown.as_str());
        match how {
            Wait::For(length) => self.now.0 - self.arrived.0 >= length.micros(),
            Wait::Day { days, at, weekdays } => {
                let today = here.date();
                let days_on = (today - self.arrived_on).get_days();
                let weekday = today.strftime("%A").to_string().to_lowercase();
                let is_day = weekdays.is_empty() || weekdays.contains(&weekday);
                self.now > self.arrived && shows(at) && days_on >= i32::try_from(*days).unwrap() && is_day
            }
            Wait::UsualHour { fallback } => {
                let at = self.person.usual_hour.map_or(fallback.clone(), |hour| format!("{hour:02}:00"));
                self.now > self.arrived && shows(&at)
            }
        }
    }
}
