//! Who may be handed over now: so many at a time by a way out, so many of them to one domain, and so many a second.
//!
//! Always holds: one domain that is slow never has more than half of a way's places, and one that was never quick has one; some places are for
//! transactional messages only. A domain's share grows with each quick answer and is halved by a bad one, as Postfix's queue manager does it. It knows
//! neither clocks nor messages: times are told, counted from any fixed instant.

use std::collections::HashMap;
use std::time::Duration;

/// Whoever would have to wait longer than this for the turn of their domain gives the place to others.
const SHORT_WAIT: Duration = Duration::from_millis(500);
/// The same for transactional messages.
const URGENT_WAIT: Duration = Duration::from_secs(2);
/// A domain that has somebody wait longer than this for an answer is slow: nobody else is sent there meanwhile.
const SLOW: Duration = Duration::from_secs(5);
/// Of those whom a slow domain keeps away nobody comes back later than this: it may have come to itself.
const LONGEST_AWAY: Duration = Duration::from_secs(600);
/// Domains about which nothing is to be remembered are forgotten when there are so many.
const REMEMBERED: usize = 10_000;

/// A way out.
#[derive(Debug)]
pub struct Gate {
    most: usize,
    under_way: usize,
    lines: HashMap<String, Line>,
}

/// How an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// The other side did its work, whatever it said about this one message.
    Well,
    /// It could not, or nobody knows.
    Badly,
}

/// A domain.
#[derive(Debug)]
struct Line {
    /// Before this nobody goes, because of the pace.
    next: Duration,
    /// So many may be under way at a time.
    share: usize,
    /// When those that are under way set out.
    under_way: Vec<Duration>,
    /// How long the last answer took.
    took: Duration,
    /// How many wait with a place: marketing, transactional.
    waiting: [usize; 2],
    /// When the next one that is sent away comes back.
    back: [Duration; 2],
}

impl Line {
    fn is_slow(&self, now: Duration) -> bool {
        self.slowest(now) > SLOW
    }

    fn slowest(&self, now: Duration) -> Duration {
        self.under_way.iter().map(|began| now.saturating_sub(*began)).max().unwrap_or_default()
    }

    /// How long it takes between two that go there.
    fn apart(&self, pace: Duration, now: Duration) -> Duration {
        let takes = self.took.max(self.slowest(now)) / u32::try_from(self.share).unwrap_or(1);
        pace.max(takes)
    }

    fn is_forgettable(&self, now: Duration) -> bool {
        let is_past = self.next <= now && self.back.iter().all(|back| *back <= now);
        is_past && self.under_way.is_empty() && self.waiting == [0, 0]
    }
}

/// The time between two at so many a second.
pub fn pace(per_second: u32) -> Duration {
    Duration::from_secs(1) / per_second.max(1)
}

impl Gate {
    /// A way out that takes so many at a time.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), under_way: 0, lines: HashMap::new() }
    }

    /// Somebody wants to go there: `None`, and they wait with a place until [`Gate::may_go`] or [`Gate::leave`], or when to come back and ask again. An
    /// empty domain is a way out that has only one: it has no share of its own.
    pub fn arrive(&mut self, to: &str, pace: Duration, is_urgent: bool, now: Duration) -> Option<Duration> {
        if self.lines.len() > REMEMBERED {
            self.lines.retain(|_, line| !line.is_forgettable(now));
        }
        let whole = self.most;
        let line = self.lines.entry(to.to_owned()).or_insert_with(|| Line {
            next: now,
            share: if to.is_empty() { whole } else { 1 },
            under_way: Vec::new(),
            took: Duration::ZERO,
            waiting: [0, 0],
            back: [now, now],
        });
        let class = usize::from(is_urgent);
        let apart = line.apart(pace, now);
        let ahead = u32::try_from(line.waiting[class]).unwrap_or(u32::MAX);
        let wait = line.next.saturating_sub(now).saturating_add(apart.saturating_mul(ahead));
        let longest = if is_urgent { URGENT_WAIT } else { SHORT_WAIT };
        if wait <= longest && (is_urgent || !line.is_slow(now)) && line.waiting[class] < whole {
            line.waiting[class] += 1;
            return None;
        }
        let soonest = now.saturating_add(wait.max(SHORT_WAIT));
        let mut at = line.back[class].max(now.saturating_add(wait));
        if apart > pace && at > now + LONGEST_AWAY {
            at = soonest;
        }
        line.back[class] = at + apart;
        Some(at)
    }

    /// Whether somebody who waits may go now. If so they are under way.
    pub fn may_go(&mut self, to: &str, pace: Duration, is_urgent: bool, now: Duration) -> bool {
        let kept = if is_urgent || self.most == 1 { 0 } else { (self.most / 4).max(1) };
        let Some(line) = self.lines.get_mut(to).filter(|_| self.under_way < self.most - kept) else { return false };
        let has_share = line.under_way.len() < line.share + usize::from(is_urgent);
        let may = line.next <= now && (to.is_empty() || (has_share && (is_urgent || !line.is_slow(now))));
        if may {
            line.next = now + pace;
            line.under_way.push(now);
            let waiting = &mut line.waiting[usize::from(is_urgent)];
            *waiting = waiting.saturating_sub(1);
            self.under_way += 1;
        }
        may
    }

    /// Somebody waits no longer.
    pub fn leave(&mut self, to: &str, is_urgent: bool) {
        if let Some(line) = self.lines.get_mut(to) {
            let waiting = &mut line.waiting[usize::from(is_urgent)];
            *waiting = waiting.saturating_sub(1);
        }
    }

    /// Somebody who set out then is back.
    pub fn back(&mut self, to: &str, began: Duration, went: Went, now: Duration) {
        let whole = self.most;
        self.under_way = self.under_way.saturating_sub(1);
        let Some(line) = self.lines.get_mut(to) else { return };
        if let Some(place) = line.under_way.iter().position(|one| *one == began) {
            line.under_way.swap_remove(place);
        }
        line.took = now.saturating_sub(began);
        if to.is_empty() {
            return;
        }
        line.share = match went {
            Went::Well if line.took <= SLOW => (line.share + 1).min((whole / 2).max(1)),
            _ => (line.share / 2).max(1),
        };
    }

    /// When the next domain that somebody waits for has its turn by its pace.
    pub fn next_turn(&self, now: Duration) -> Option<Duration> {
        let awaited = self.lines.values().filter(|line| line.waiting != [0, 0] && line.next > now);
        awaited.map(|line| line.next).min()
    }
}

#[cfg(test)]
mod tests;
