//! One look at somebody, worked out slowly: everything is asked of the lists of what happened, and nothing was prepared.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rapport_domain::{Channel, PersonId, Purpose, Timestamp};
use rapport_engagement::journey::definition::{Awaited, Next, Otherwise, Step, Wait};
use rapport_engagement::journey::{Class, Definition, When};
use rapport_engagement::sending::Window;
use rapport_engagement::timing::civil;
use rapport_privacy::{Scope, Verdict, consent};
use rapport_segments::condition::Bucket;

use super::{Known, Way};
use crate::simulation::world::World;

/// What was done for somebody: by node and visit.
pub(super) type Done = Vec<(String, i64, String)>;

/// What is asked of one look.
pub(super) struct Look<'a> {
    pub(super) world: &'a World,
    /// The identifiers of each person, ascending.
    pub(super) people: &'a BTreeMap<i64, Vec<i64>>,
    pub(super) plan: &'a Definition,
    pub(super) now: Timestamp,
    /// Messages that this transaction decided before: (person, channel, topic).
    pub(super) before: &'a mut Vec<(i64, Channel, Option<String>)>,
    /// Other journeys about to write to the person: (priority, when).
    pub(super) others: Vec<(i32, Timestamp)>,
    pub(super) id: &'a str,
    /// When the turn of a limited node is: taken from the engine, whose counters are no rule of a person.
    pub(super) turns: &'a BTreeMap<String, i64>,
    pub(super) done: Done,
}

fn lot(salt: &str, person: i64) -> f64 {
    f64::from(Bucket { salt: salt.to_owned(), from: 0, to: 0 }.place(PersonId(person))) / 100.0
}

impl Look<'_> {
    fn is_in(&self, way: &Way, when: &When) -> bool {
        self.world.members.contains(&(when.segment(), way.person))
    }

    fn handles(&self, way: &Way) -> impl DoubleEndedIterator<Item = i64> {
        self.people.get(&way.person).into_iter().flatten().copied()
    }

    fn zone(&self, way: &Way) -> TimeZone {
        let own = self.handles(way).rev().find_map(|handle| self.world.zones.get(&handle));
        own.unwrap_or(&self.world.town.plans.calendar.zone).clone()
    }

    fn verdict(&self, way: &Way, channel: Channel) -> Verdict {
        let said: Vec<_> =
            self.handles(way).filter_map(|handle| self.world.said.get(&handle)).flatten().cloned().collect();
        let scope = Scope { purpose: Purpose::Marketing, channel: Some(channel), topic: self.plan.topic.clone() };
        consent::standing(&said, &scope, self.now).verdict
    }

    fn is_restricted(&self, way: &Way) -> bool {
        self.handles(way).any(|handle| self.world.restricted.contains(&handle))
    }

    fn happened(way: &Way, name: &str, since: Timestamp) -> bool {
        way.did.iter().any(|(event, at)| event == name && *at >= since)
    }

    fn visit(way: &Way) -> u32 {
        way.node.as_ref().and_then(|node| way.visits.get(node)).copied().unwrap_or(0)
    }

    fn arrive(&self, way: &mut Way, next: Next) {
        if let Some(node) = &next {
            *way.visits.entry(node.clone()).or_default() += 1;
        }
        way.node = next;
        way.arrived = self.now;
        way.scanned = None;
    }

    fn tell(&mut self, way: &Way, what: String) {
        self.done.push((way.node.clone().unwrap_or_default(), i64::from(Self::visit(way)), what));
    }

    /// All that is to be done now; whether they are, or may be, in.
    pub(super) fn all(&mut self, known: &Known, way: &mut Way) -> bool {
        let is_gone = self.handles(way).next().is_none();
        if !way.begun {
            if way.entered_at > self.now {
                return true;
            }
            if is_gone || self.plan.audience.as_ref().is_some_and(|when| !self.is_in(way, when)) {
                return false;
            }
            way.begun = true;
            self.arrive(way, Some(self.plan.start.clone()));
            let lot = lot(&format!("holdout/journey/{}", way.journey), way.person);
            if self.plan.holdout_percent > 0.0 && lot < self.plan.holdout_percent {
                way.ended = Some("held_out".to_owned());
            }
        }
        while way.ended.is_none() && self.step(known, way) {}
        self.done.sort();
        true
    }

    /// One node; whether to go on.
    fn step(&mut self, known: &Known, way: &mut Way) -> bool {
        way.goal |= match &self.plan.goal {
            None => false,
            Some(Awaited::Event(event)) => Self::happened(way, &event.name, way.since),
            Some(Awaited::Condition(when)) => self.is_in(way, when),
        };
        let is_out = self.plan.audience.as_ref().is_some_and(|when| !self.is_in(way, when));
        let why = if way.goal && self.plan.exits.at_goal {
            Some("goal")
        } else if is_out && self.plan.exits.out_of_audience {
            Some("out_of_audience")
        } else if self.refuses_all(way) {
            Some("consent_gone")
        } else if way.node.is_none() {
            Some("completed")
        } else if Self::visit(way) > self.plan.most_visits {
            Some("circle")
        } else {
            None
        };
        if why.is_some() {
            way.ended = why.map(str::to_owned);
            return false;
        }
        let id = way.node.clone().unwrap();
        let plan = self.plan;
        let step = &plan.nodes.iter().find(|node| node.id == id).unwrap().step;
        let Some((next, word)) = self.pass(known, way, step, is_out) else { return false };
        way.left.push((id, self.now.0, word.clone()));
        match next {
            Some(next) => self.arrive(way, next),
            None => way.ended = Some(word),
        }
        true
    }

    fn refuses_all(&self, way: &Way) -> bool {
        let channels: Vec<Channel> = self
            .plan
            .nodes
            .iter()
            .filter_map(|node| if let Step::Message { channel, .. } = node.step { Some(channel) } else { None })
            .collect();
        self.plan.class == Class::Marketing
            && !channels.is_empty()
            && channels.iter().all(|channel| self.verdict(way, *channel) == Verdict::Denied)
    }

    /// Where somebody goes from here now, if they do (`None` inside: out), and by which way.
    fn pass(&mut self, known: &Known, way: &mut Way, step: &Step, is_out: bool) -> Option<(Option<Next>, String)> {
        let go = |next: &Next, word: &str| Some((Some(next.clone()), word.to_owned()));
        let waited = self.now.0 - way.arrived.0;
        match step {
            Step::Message { channel, otherwise, drop_after, next, .. } => {
                let reason = if is_out {
                    Some("out_of_audience")
                } else {
                    self.decide(known, way, *channel, drop_after.micros())?
                };
                let may_pass =
                    ["unreachable", "no_consent", "consent_pending", "trouble", "too_often", "capped", "yielded"];
                let in_an_hour = waited + Timestamp::HOUR <= drop_after.micros();
                match reason {
                    None => {
                        self.tell(way, format!("{} sent", channel.as_str()));
                        if self.plan.class == Class::Marketing && *channel != Channel::InApp {
                            self.before.push((way.person, *channel, self.plan.topic.clone()));
                        }
                        go(next, "sent")
                    }
                    Some(reason) if *otherwise == Otherwise::Retry && may_pass.contains(&reason) && in_an_hour => None,
                    Some(reason) => {
                        self.tell(way, format!("{} {reason}", channel.as_str()));
                        match otherwise {
                            Otherwise::Exit => Some((None, format!("skipped:{reason}"))),
                            _ => go(next, "skipped"),
                        }
                    }
                }
            }
            Step::Wait { how, next } => {
                if self.has_waited(known, way, how) {
                    go(next, "waited")
                } else {
                    None
                }
            }
            Step::WaitUntil { paths, timeout, timed_out } => {
                let since = if Self::visit(way) == 1 { way.since } else { way.arrived };
                for (place, path) in paths.iter().enumerate() {
                    let came = match &path.until {
                        Awaited::Event(event) => Self::happened(way, &event.name, since),
                        Awaited::Condition(when) => self.is_in(way, when),
                    };
                    if came {
                        return go(&path.next, &format!("path:{place}"));
                    }
                }
                if waited >= timeout.micros() { go(timed_out, "timed_out") } else { None }
            }
            Step::Branch { paths, otherwise } => {
                let place = paths.iter().position(|path| self.is_in(way, &path.when));
                place.map_or_else(|| go(otherwise, "otherwise"), |at| go(&paths[at].next, &format!("path:{at}")))
            }
            Step::Split { arms, .. } => {
                let salt = format!("journey/{}/{}", way.journey, way.node.as_ref().unwrap());
                let (place, mut end) = (lot(&salt, way.person), 0.0);
                let arm = arms.iter().find(|arm| {
                    end += arm.percent;
                    place < end
                });
                let arm = arm.unwrap();
                go(&arm.next, &format!("arm:{}", arm.name))
            }
            Step::SetTrait { name, next, .. } => self.act(way, "trait", name, next),
            Step::List { list, on, next } => self.act(way, if *on { "list_on" } else { "list_off" }, list, next),
            Step::Webhook { url, next, .. } => self.act(way, "webhook", url, next),
            Step::Act { action, next, .. } => self.act(way, "act", action, next),
            Step::RateLimit { next, .. } => {
                let turn = format!("turn:{}:{}", way.node.as_ref().unwrap(), Self::visit(way));
                let at = self.turns[&turn];
                assert!(at >= way.arrived.0, "seed {}: a turn before they came", self.world.seed);
                if self.now.0 >= at { go(next, "passed") } else { None }
            }
            Step::Goal { next } => {
                way.goal = true;
                go(next, "reached")
            }
            Step::Exit {} => Some((None, "completed".to_owned())),
        }
    }

    fn act(&mut self, way: &Way, kind: &str, target: &str, next: &Next) -> Option<(Option<Next>, String)> {
        if self.is_restricted(way) {
            return Some((Some(next.clone()), "restricted".to_owned()));
        }
        self.tell(way, format!("{kind} {target}"));
        Some((Some(next.clone()), "done".to_owned()))
    }

    /// `None` while it is held back; else why it does not go out, if it does not.
    fn decide(&self, known: &Known, way: &Way, channel: Channel, drop_after: i64) -> Option<Option<&'static str>> {
        let has = |of: &BTreeSet<i64>| self.handles(way).any(|handle| of.contains(&handle));
        let reached = match channel {
            Channel::Email => has(&known.mails),
            Channel::Sms => has(&known.phones),
            _ => true,
        };
        if self.is_restricted(way) {
            return Some(Some("restricted"));
        }
        if !reached {
            return Some(Some("unreachable"));
        }
        if self.plan.class == Class::Transactional {
            return Some(None);
        }
        match self.verdict(way, channel) {
            Verdict::Granted => {}
            Verdict::Unknown => return Some(Some("no_consent")),
            Verdict::Denied => return Some(Some("consent_denied")),
            Verdict::Pending => return Some(Some("consent_pending")),
            Verdict::Expired => return Some(Some("consent_expired")),
        }
        let settings = &self.world.town.plans.settings;
        if settings.spare_the_troubled && has(&known.troubled) {
            return Some(Some("trouble"));
        }
        if lot("holdout/global", way.person) < settings.holdout_percent {
            return Some(Some("held_out"));
        }
        let waited = self.now.0 - way.arrived.0;
        if waited > drop_after {
            return Some(Some("too_late"));
        }
        if channel == Channel::InApp {
            return Some(None);
        }
        if let Some(until) = self.quiet_until(way) {
            return if until.0 - way.arrived.0 > drop_after { Some(Some("too_late")) } else { None };
        }
        let room = self.room(way, channel);
        if room == Some(0) {
            return Some(Some("capped"));
        }
        let soon = self.now.plus(settings.yield_within.micros());
        let matters_more = |(priority, due): &(i32, Timestamp)| *priority > self.plan.priority && *due <= soon;
        if room == Some(1) && self.others.iter().any(matters_more) {
            return Some(Some("yielded"));
        }
        Some(None)
    }

    /// Until when it is held back: the first full minute that is not quiet, and some minutes more by chance.
    fn quiet_until(&self, way: &Way) -> Option<Timestamp> {
        let quiet = self.plan.quiet.as_ref().or(self.world.town.plans.settings.quiet.as_ref())?;
        let zone = self.zone(way);
        let is_quiet = |at: Timestamp| {
            let shown = civil(&zone, at).strftime("%H:%M").to_string();
            if quiet.from < quiet.until {
                quiet.from <= shown && shown < quiet.until
            } else {
                shown >= quiet.from || shown < quiet.until
            }
        };
        if !is_quiet(self.now) {
            return None;
        }
        let minute = Timestamp::MINUTE;
        let mut at = Timestamp(self.now.0.div_euclid(minute) * minute);
        while is_quiet(at) {
            at = at.plus(minute);
        }
        let name = format!("{}/{}/{}", self.id, way.node.as_ref().unwrap(), Self::visit(way));
        let chance = u64::from_le_bytes(blake3::hash(name.as_bytes()).as_bytes()[..8].try_into().unwrap());
        let most = u64::from(quiet.jitter_minutes) * 60_000_000;
        let late = if most == 0 { 0 } else { chance % most };
        Some(at.plus(i64::try_from(late).unwrap()))
    }

    /// For how many more messages there is room.
    fn room(&self, way: &Way, channel: Channel) -> Option<usize> {
        let zone = self.zone(way);
        let day = |at: Timestamp| civil(&zone, at).date();
        let first_of_week = |date: Date| date.iso_week_date().weekday().to_monday_zero_offset();
        let is_in = |window: Window, at: Timestamp| match window {
            Window::Last(length) => at.0 > self.now.0 - length.micros(),
            Window::Day => day(at) >= day(self.now),
            Window::Week => {
                let today = day(self.now);
                let monday = today.checked_sub(jiff::Span::new().days(first_of_week(today))).unwrap();
                day(at) >= monday
            }
            Window::Month => day(at) >= day(self.now).first_of_month(),
        };
        let topic = &self.plan.topic;
        let caps =
            self.world.town.plans.settings.caps.iter().filter(|cap| {
                cap.channel.is_none_or(|of| of == channel) && (cap.topic.is_none() || cap.topic == *topic)
            });
        let rooms = caps.map(|cap| {
            let fits = |of: Channel, about: &Option<String>| {
                cap.channel.is_none_or(|wanted| wanted == of) && (cap.topic.is_none() || cap.topic == *about)
            };
            let decided = self.world.decided.values().filter(|it| {
                it.counts
                    && self.world.owner.get(&it.handle) == Some(&way.person)
                    && fits(it.channel, &it.topic)
                    && is_in(cap.window, it.sent_at.unwrap_or(self.now))
            });
            let before = self.before.iter().filter(|(person, of, about)| *person == way.person && fits(*of, about));
            (cap.most as usize).saturating_sub(decided.count() + before.count())
        });
        rooms.min()
    }

    /// Whether a wait is over: it is looked at each quarter of an hour since they came, because all clocks show full and half hours then.
    fn has_waited(&self, known: &Known, way: &mut Way, how: &Wait) -> bool {
        let zone = self.zone(way);
        let quarter = 15 * Timestamp::MINUTE;
        let (days, at, weekdays) = match how {
            Wait::For(length) => return self.now.0 - way.arrived.0 >= length.micros(),
            Wait::Day { days, at, weekdays } => (i32::try_from(*days).unwrap(), at.clone(), weekdays.as_slice()),
            Wait::UsualHour { fallback } => {
                let hour = self.handles(way).rev().find_map(|handle| known.hours.get(&handle));
                (0, hour.map_or(fallback.clone(), |hour| format!("{hour:02}:00")), &[][..])
            }
        };
        let arrived_on = civil(&zone, way.arrived).date();
        let clock = |at: Timestamp| civil(&zone, at).strftime("%H:%M").to_string();
        let name = zone.iana_name().unwrap_or_default().to_owned();
        let scanned = way.scanned.take().filter(|(of, until, _)| *of == name && *until == at);
        let first = Timestamp(way.arrived.0.div_euclid(quarter) * quarter);
        let mut instant = scanned.map_or(first, |(.., instant)| instant);
        while instant.plus(quarter) <= self.now {
            instant = instant.plus(quarter);
            let (before, shown) = (clock(instant.plus(-quarter)), clock(instant));
            // A time that the clock shows twice is the first one; one that it passes over is when it was put forward.
            let is_second = clock(instant.plus(-Timestamp::HOUR)) == shown;
            let is_it = (shown == at && !is_second) || (before < at && at < shown);
            let today = civil(&zone, instant).date();
            let weekday = today.strftime("%A").to_string().to_lowercase();
            let is_day = weekdays.is_empty() || weekdays.contains(&weekday);
            if is_it && is_day && (today - arrived_on).get_days() >= days && instant > way.arrived {
                return true;
            }
        }
        way.scanned = Some((name, at, instant));
        false
    }
}
