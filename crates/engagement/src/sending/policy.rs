//! The one rule of whether a message goes to a person now.
//!
//! Everything it asks for is in the [`Situation`]; it is pure. The order of its questions is the order of how final their answers are, so that the
//! reason that is shown is the one that matters: who is gone is not "capped".
//!
//! Always holds: marketing needs consent that stands at that instant; what is of service needs none, but goes to nobody who refused it or messages by that
//! channel; both are held back by caps and quiet hours. Transactional messages need no consent and are not held back, but go to nobody who is restricted,
//! gone or whose address is dead.

use jiff::ToSpan;
use rapport_domain::{Channel, Purpose, Timestamp};
use rapport_privacy::{Scope, Verdict, consent};

use super::Reason;
use super::settings::{Cap, Quiet, Settings, Window};
use crate::journey::Class;
use crate::journey::situation::Other;
use crate::journey::{Situation, Suppressed};
use crate::lots::Chosen;
use crate::timing;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// By which channel.
    pub channel: Channel,
    /// About what.
    pub topic: Option<&'a str>,
    /// What kind of message.
    pub class: Class,
    /// The priority of whoever asks.
    pub priority: i32,
    /// Quiet hours of its own.
    pub quiet: Option<&'a Quiet>,
    /// Of what chance within the jitter depends, so that it is the same when asked again.
    pub chance: u64,
    /// When it was to go out first.
    pub since: Timestamp,
    /// Held back for so long, it is of no use any more.
    pub drop_after: i64,
}

/// How often somebody is written to at most, as a policy says: messages that count, in the time up to now.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// How many; 0 is none at all.
    pub most: u32,
    /// In how much time, in microseconds.
    pub within: i64,
    /// What is to be noted once a message depends on it; none where it was noted before.
    pub chosen: Option<Chosen>,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes out now.
    Send,
    /// These are quiet hours: it is asked again then.
    Hold(Timestamp),
    /// It does not go out.
    Skip(Reason),
}

/// Decides.
pub fn decide(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Decision {
    if let Some(reason) = forbidden(ask, person, settings, now) {
        return Decision::Skip(reason);
    }
    if ask.class == Class::Transactional {
        return Decision::Send;
    }
    if is_too_late(ask, now) {
        return Decision::Skip(Reason::TooLate);
    }
    if let Some(until) = quiet_until(ask, person, settings, now) {
        return if until.0 - ask.since.0 > ask.drop_after {
            Decision::Skip(Reason::TooLate)
        } else {
            Decision::Hold(until)
        };
    }
    if let Some(reason) = full(ask, person, settings, now) {
        return Decision::Skip(reason);
    }
    let soon = now.plus(settings.yield_within.micros());
    // A wish to hear less often leaves room for one message as a cap does.
    let is_last = is_last(ask, person, settings, now);
    let takes_from = |other: &Other| is_last || person.wished_gap.is_some_and(|gap| other.due.0 - now.0 < gap);
    let comes_first = |other: &Other| other.priority > ask.priority && other.due <= soon && takes_from(other);
    if counts(ask.channel) && person.others.iter().any(comes_first) {
        return Decision::Skip(Reason::Yielded);
    }
    Decision::Send
}

/// Decides again about a message that was decided and is handed over only now: what was queued for long is asked again for consent, quiet hours and
/// whether it is of use. Caps are not, for it has its place in them: while it was on its way it counted as if it were sent at every instant
/// ([`crate::records::messages::counted`]), so whatever was decided since left room for it.
pub fn decide_again(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Decision {
    let own = Situation { sent: Vec::new(), others: Vec::new(), pace: None, ..person.clone() };
    let uncapped = Settings { caps: Vec::new(), ..settings.clone() };
    decide(ask, &own, &uncapped, now)
}

/// Decides about a message that may have arrived already, whether it goes out once more: if nothing forbids it, and it is still of use.
pub fn still(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Decision {
    if let Some(reason) = forbidden(ask, person, settings, now) {
        return Decision::Skip(reason);
    }
    if ask.class.is_optional() && is_too_late(ask, now) {
        return Decision::Skip(Reason::TooLate);
    }
    Decision::Send
}

/// Whether it was held back so long that it is of no use any more.
const fn is_too_late(ask: &Ask<'_>, now: Timestamp) -> bool {
    now.0 - ask.since.0 > ask.drop_after
}

/// What forbids it altogether.
pub fn forbidden(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Option<Reason> {
    if person.is_gone {
        return Some(Reason::Gone);
    }
    if person.is_restricted {
        return Some(Reason::Restricted);
    }
    if !person.reach.contains_key(&ask.channel) {
        return Some(Reason::Unreachable);
    }
    let concerns = |what: &Suppressed| match what {
        Suppressed::Everything => true,
        Suppressed::Marketing => ask.class.is_optional(),
        Suppressed::Topic(topic) => ask.class.is_optional() && Some(topic.as_str()) == ask.topic,
    };
    if person.suppressed.iter().any(|(channel, what)| *channel == ask.channel && concerns(what)) {
        return Some(Reason::Suppressed);
    }
    if ask.class == Class::Transactional {
        return None;
    }
    let scope = |purpose| Scope { purpose, channel: Some(ask.channel), topic: ask.topic.map(str::to_owned) };
    if ask.class == Class::Service {
        let refused = |purpose| consent::standing(&person.said, &scope(purpose), now).verdict == Verdict::Denied;
        if refused(Purpose::Service) || refused(Purpose::Marketing) {
            return Some(Reason::ConsentDenied);
        }
        return (settings.spare_the_troubled && person.is_troubled).then_some(Reason::Trouble);
    }
    match consent::standing(&person.said, &scope(Purpose::Marketing), now).verdict {
        Verdict::Granted => {}
        Verdict::Unknown => return Some(Reason::NoConsent),
        Verdict::Denied => return Some(Reason::ConsentDenied),
        Verdict::Pending => return Some(Reason::ConsentPending),
        Verdict::Expired => return Some(Reason::ConsentExpired),
    }
    if settings.spare_the_troubled && person.is_troubled {
        return Some(Reason::Trouble);
    }
    person.is_held_out.then_some(Reason::HeldOut)
}

/// Whether it depends on the global holdout alone if anything forbids it: those who are held out and those who are not are alike then, so that both can
/// be noted and compared.
pub fn asks_the_holdout(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> bool {
    ask.class == Class::Marketing
        && settings.holdout_percent > 0.0
        && matches!(forbidden(ask, person, settings, now), None | Some(Reason::HeldOut))
}

/// Whether how often somebody is written to has a part in whether it goes out, as a policy says: nothing else forbids it altogether.
pub fn asks_the_pace(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> bool {
    ask.class == Class::Marketing
        && counts(ask.channel)
        && person.pace.is_some()
        && forbidden(ask, person, settings, now).is_none()
}

/// Until when quiet hours hold it back, with its share of the jitter.
fn quiet_until(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Option<Timestamp> {
    if !counts(ask.channel) {
        return None;
    }
    let quiet = ask.quiet.or(settings.quiet.as_ref())?;
    let end = quiet.hours()?.end_of(&person.zone, now)?;
    let jitter = u64::from(quiet.jitter_minutes) * 60_000_000;
    let late = if jitter == 0 { 0 } else { ask.chance % jitter };
    Some(end.plus(i64::try_from(late).unwrap_or(0)))
}

/// Whether what was sent leaves no room.
fn full(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Option<Reason> {
    if !counts(ask.channel) {
        return None;
    }
    let last = person.sent.iter().map(|sent| sent.at).max();
    if person.wished_gap.zip(last).is_some_and(|(gap, last)| now.0 - last.0 < gap) {
        return Some(Reason::TooOften);
    }
    if ask.class == Class::Marketing && person.pace.as_ref().is_some_and(|pace| is_paced(pace, person, now)) {
        return Some(Reason::Paced);
    }
    room(ask, person, settings, now).is_some_and(|room| room == 0).then_some(Reason::Capped)
}

fn is_paced(pace: &Pace, person: &Situation, now: Timestamp) -> bool {
    let from = now.plus(1 - pace.within);
    person.sent.iter().filter(|sent| sent.at >= from).count() as u64 >= u64::from(pace.most)
}

/// For how many more messages there is room; `None` when no cap concerns it.
fn room(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> Option<u64> {
    let caps = settings.caps.iter().filter(|cap| concerns(cap, ask));
    caps.map(|cap| u64::from(cap.most).saturating_sub(count(cap, person, window_start(cap.window, person, now)))).min()
}

/// Whether this would be the last message for which there is room, so that whoever matters more would find none.
fn is_last(ask: &Ask<'_>, person: &Situation, settings: &Settings, now: Timestamp) -> bool {
    room(ask, person, settings, now) == Some(1)
}

fn concerns(cap: &Cap, ask: &Ask<'_>) -> bool {
    cap.channel.is_none_or(|channel| channel == ask.channel)
        && cap.topic.as_deref().is_none_or(|topic| Some(topic) == ask.topic)
}

/// A message counts from the start of the window on; of a rolling window the start itself lies outside.
fn count(cap: &Cap, person: &Situation, from: Timestamp) -> u64 {
    let counts = person.sent.iter().filter(|sent| {
        sent.at >= from
            && cap.channel.is_none_or(|channel| channel == sent.channel)
            && cap.topic.as_ref().is_none_or(|topic| Some(topic) == sent.topic.as_ref())
    });
    counts.count() as u64
}

/// When the window of a cap begins.
pub fn window_start(window: Window, person: &Situation, now: Timestamp) -> Timestamp {
    let today = timing::civil(&person.zone, now).date();
    let date = match window {
        Window::Last(length) => return now.plus(1 - length.micros()),
        Window::Day => Some(today),
        Window::Week => today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok(),
        Window::Month => Some(today.first_of_month()),
    };
    date.and_then(|date| date.to_zoned(person.zone.clone()).ok()?.start_of_day().ok())
        .map_or(Timestamp(i64::MIN), |zoned| zoned.timestamp().into())
}

/// Whether messages of a channel count for caps: blocks on the company's own site wake nobody.
pub const fn counts(channel: Channel) -> bool {
    !matches!(channel, Channel::InApp)
}
