//! A slow household: every point is a thing of its own, and everybody is looked at each time.

use std::collections::BTreeMap;

use rapport_domain::{Calendar, Interval, Timestamp};

/// Where a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Available,
    /// For which redemption.
    Held(usize),
    Spent(usize),
    Gone,
}

/// One point.
#[derive(Clone, Debug)]
pub struct Point {
    pub owner: usize,
    pub ends: Timestamp,
    pub came: usize,
    pub place: Place,
}

/// What was redeemed.
#[derive(Clone, Debug)]
pub struct Redeemed {
    pub at: Timestamp,
    /// Until when it waits for delivery.
    pub due: Option<Timestamp>,
    pub state: &'static str,
    /// Who else paid how much.
    pub others: BTreeMap<usize, i64>,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Who else paid how much.
    Paid(BTreeMap<usize, i64>),
    No(&'static str, i64),
}

/// The rules, and everything there is.
pub struct Model {
    pub calendar: Calendar,
    pub most_members: usize,
    pub joins_per_year: usize,
    pub used_per_month: i64,
    pub head_only: bool,
    pub points: Vec<Point>,
    pub redeemed: Vec<Redeemed>,
    /// Who belongs to which household, in the order in which they joined it.
    pub homes: Vec<Vec<usize>>,
    pub heads: Vec<usize>,
    pub limits: BTreeMap<usize, i64>,
    pub joined: Vec<(usize, Timestamp)>,
    pub blocked: Vec<bool>,
}

impl Model {
    /// What happens by itself until then.
    pub fn pass(&mut self, now: Timestamp) {
        for at in 0..self.redeemed.len() {
            if self.redeemed[at].state == "requested" && self.redeemed[at].due.is_some_and(|due| due <= now) {
                self.back(at, now, "expired");
            }
        }
        for point in &mut self.points {
            if point.place == Place::Available && point.ends <= now {
                point.place = Place::Gone;
            }
        }
    }

    fn back(&mut self, at: usize, now: Timestamp, state: &'static str) {
        self.redeemed[at].state = state;
        for point in &mut self.points {
            if point.place == Place::Held(at) || point.place == Place::Spent(at) {
                point.place = if point.ends <= now { Place::Gone } else { Place::Available };
            }
        }
    }

    pub fn has(&self, who: usize) -> i64 {
        self.points.iter().filter(|it| it.owner == who && it.place == Place::Available).count() as i64
    }

    pub fn held(&self, who: usize) -> i64 {
        self.points.iter().filter(|it| it.owner == who && matches!(it.place, Place::Held(_))).count() as i64
    }

    pub fn home(&self, who: usize) -> Option<usize> {
        self.homes.iter().position(|home| home.contains(&who))
    }

    fn is_same(&self, one: Timestamp, other: Timestamp, interval: Interval) -> bool {
        self.calendar.floor(one, interval) == self.calendar.floor(other, interval)
    }

    pub fn may_join(&self, who: usize, now: Timestamp) -> Option<&'static str> {
        let times = self.joined.iter().filter(|(of, at)| *of == who && self.is_same(*at, now, Interval::Year)).count();
        match () {
            () if self.blocked[who] => Some("member_blocked"),
            () if self.home(who).is_some() => Some("household_already_in"),
            () if times >= self.joins_per_year => Some("household_joined_too_often"),
            () => None,
        }
    }

    pub fn found(&mut self, who: usize, now: Timestamp) -> Result<(), &'static str> {
        if let Some(why) = self.may_join(who, now) {
            return Err(why);
        }
        self.homes.push(vec![who]);
        self.heads.push(who);
        self.joined.push((who, now));
        self.limits.remove(&who);
        Ok(())
    }

    /// Somebody is invited and says yes at once.
    pub fn bring(&mut self, home: usize, who: usize, now: Timestamp) -> Result<(), &'static str> {
        if self.homes[home].is_empty() {
            return Err("household_unknown");
        }
        if self.homes[home].contains(&who) {
            return Err("household_already_in");
        }
        if self.homes[home].len() >= self.most_members {
            return Err("household_full");
        }
        if let Some(why) = self.may_join(who, now) {
            return Err(why);
        }
        self.homes[home].push(who);
        self.joined.push((who, now));
        self.limits.remove(&who);
        Ok(())
    }

    pub fn leave(&mut self, who: usize) {
        let Some(home) = self.home(who) else { return };
        self.homes[home].retain(|it| *it != who);
        if self.heads[home] == who
            && let Some(next) = self.homes[home].first()
        {
            self.heads[home] = *next;
        }
    }

    fn used(&self, who: usize, now: Timestamp) -> i64 {
        let counts =
            |it: &&Redeemed| matches!(it.state, "requested" | "fulfilled") && self.is_same(it.at, now, Interval::Month);
        self.redeemed.iter().filter(counts).filter_map(|it| it.others.get(&who)).sum()
    }

    /// Point by point: one's own first, then whichever of the others' ends soonest and may be used.
    pub fn redeem(&mut self, who: usize, (price, waits, shared): (i64, Option<i64>, bool), now: Timestamp) -> Said {
        if self.blocked[who] {
            return Said::No("member_blocked", 0);
        }
        let number = self.redeemed.len();
        let before = self.points.clone();
        let mut others: BTreeMap<usize, i64> = BTreeMap::new();
        let place = if waits.is_some() { Place::Held(number) } else { Place::Spent(number) };
        for paid in 0..price {
            let able: Vec<usize> = match self.home(who).filter(|_| shared) {
                _ if self.has(who) > 0 => vec![who],
                _ if !shared => return self.undone(before, "insufficient_points", 0),
                None => return self.undone(before, "household_not_in", 0),
                Some(home) if self.head_only && self.heads[home] != who => {
                    return self.undone(before, "household_not_head", 0);
                }
                Some(home) => {
                    let has_room = |it: &usize| {
                        let most = self.limits.get(it).copied().unwrap_or(i64::MAX).min(self.used_per_month);
                        !self.blocked[*it] && self.used(*it, now) + others.get(it).copied().unwrap_or(0) < most
                    };
                    self.homes[home].iter().copied().filter(|it| *it != who).filter(has_room).collect()
                }
            };
            let free = self.points.iter_mut().filter(|it| it.place == Place::Available && able.contains(&it.owner));
            let Some(point) = free.min_by_key(|it| (it.ends, it.came)) else {
                return self.undone(before, "household_too_few_points", price - paid);
            };
            point.place = place;
            if point.owner != who {
                *others.entry(point.owner).or_default() += 1;
            }
        }
        let state = if waits.is_some() { "requested" } else { "fulfilled" };
        let due = waits.map(|days| now.plus(days * Timestamp::DAY));
        self.redeemed.push(Redeemed { at: now, due, state, others: others.clone() });
        Said::Paid(others)
    }

    fn undone(&mut self, before: Vec<Point>, why: &'static str, missing: i64) -> Said {
        self.points = before;
        Said::No(why, missing)
    }

    pub fn cancel(&mut self, at: usize, now: Timestamp) -> Result<(), &'static str> {
        match self.redeemed[at].state {
            "requested" | "fulfilled" => self.back(at, now, "cancelled"),
            "cancelled" => {}
            _ => return Err("redemption_not_now"),
        }
        Ok(())
    }

    pub fn fulfil(&mut self, at: usize) -> Result<(), &'static str> {
        let is_delivered = self.redeemed[at].due.is_some();
        match self.redeemed[at].state {
            "fulfilled" if is_delivered => {}
            "requested" => self.redeemed[at].state = "fulfilled",
            "expired" => return Err("redemption_too_late"),
            _ => return Err("redemption_not_now"),
        }
        for point in &mut self.points {
            if point.place == Place::Held(at) {
                point.place = Place::Spent(at);
            }
        }
        Ok(())
    }
}
