//! What staff do with a follow-up, and where it stands then.
//!
//! Always holds: what is done is only taken up again, noted on or taken back; whether somebody is content again is said only of those who were spoken with;
//! what is taken back is as it was before.

use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::records::FollowUpRow;
use super::records::log::LogRow;
use super::{Outcome, State};
use crate::Error;

/// It was opened.
pub const OPENED: &str = "opened";
/// One more reason came.
pub const REASON: &str = "reason";
/// The customer said something after they were spoken with.
pub const HEARD: &str = "heard";
/// What opened it is not so any more.
pub const TAKEN_BACK: &str = "taken_back";
/// Another one of the same customer and rule was put together with it, as two people turned out to be one.
pub const UNITED: &str = "united";
/// Something was taken back.
pub const UNDONE: &str = "undone";
/// Who does what the program does by itself.
pub const ITSELF: &str = "rapport";
/// The longest text of a line, in characters.
pub const MOST_TEXT: usize = 4_000;
/// It is put aside for at most so long.
const LONGEST_SNOOZE: i64 = 90 * Timestamp::DAY;
/// How somebody can be spoken with.
pub const CHANNELS: [&str; 6] = ["phone", "email", "sms", "chat", "in_person", "letter"];

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Somebody begins.
    Start,
    /// It is given to somebody, or to nobody.
    Assign(Option<String>),
    /// The customer was spoken or written with.
    Contact {
        /// One of [`CHANNELS`].
        channel: String,
        /// What was said.
        text: String,
    },
    /// The customer is to say something.
    Wait,
    /// Something to remember.
    Note(String),
    /// It is put aside until then, or not any more.
    Snooze(Option<Timestamp>),
    /// It is over.
    Close(Outcome, String),
    /// It is taken up again.
    Reopen,
    /// What was done last is taken back.
    Undo,
}

impl Act {
    /// Its word in the log.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Assign(_) => "assigned",
            Self::Contact { .. } => "contacted",
            Self::Wait => "waiting",
            Self::Note(_) => "noted",
            Self::Snooze(_) => "snoozed",
            Self::Close(..) => "closed",
            Self::Reopen => "reopened",
            Self::Undo => UNDONE,
        }
    }
}

/// What taking something back restores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    state: String,
    outcome: Option<String>,
    owner: Option<String>,
    assigned_at: Option<i64>,
    contacted_at: Option<i64>,
    snoozed_until: Option<i64>,
    closed_at: Option<i64>,
}

/// Where it stands after something was done, and the line of the log that says so.
///
/// # Errors
/// [`Error::Work`], or [`Error::Invalid`] for what is missing.
pub fn after(
    row: &FollowUpRow,
    log: &[LogRow],
    act: &Act,
    (by, now): (&str, Timestamp),
) -> Result<(FollowUpRow, LogRow), Error> {
    let mut next = FollowUpRow { updated_at: now, revision: row.revision + 1, ..row.clone() };
    let mut line = LogRow {
        follow_up: row.id.clone(),
        number: 0,
        person: row.person,
        at: now,
        by: by.to_owned(),
        act: act.as_str().to_owned(),
        channel: None,
        text: None,
        detail: None,
        undoes: None,
        before: Some(before(row)),
    };
    let is_done = row.stands() == State::Done;
    if is_done && !matches!(act, Act::Reopen | Act::Note(_) | Act::Undo) {
        return Err(Error::Work("it is done; reopen it first"));
    }
    match act {
        Act::Start => begin(&mut next, by, now),
        Act::Assign(owner) => {
            line.detail.clone_from(owner);
            assign(&mut next, owner.clone(), now);
        }
        Act::Contact { channel, text } => {
            if !CHANNELS.contains(&channel.as_str()) {
                return Err(Error::invalid("channel", format!("one of {}", CHANNELS.join(", "))));
            }
            (line.channel, line.text) = (Some(channel.clone()), said(text, false)?);
            next.contacted_at = next.contacted_at.or(Some(now));
            begin(&mut next, by, now);
        }
        Act::Wait => {
            begin(&mut next, by, now);
            next.state = State::Waiting.as_str().to_owned();
        }
        Act::Note(text) => line.text = said(text, true)?,
        Act::Snooze(until) => {
            if until.is_some_and(|it| it <= now || it.0 - now.0 > LONGEST_SNOOZE) {
                return Err(Error::invalid("until", "a time within the next 90 days, or none"));
            }
            line.detail = until.map(Timestamp::to_rfc3339);
            next.snoozed_until = *until;
        }
        Act::Close(outcome, text) => {
            if outcome.needs_contact() && row.contacted_at.is_none() {
                return Err(Error::invalid("outcome", "note first how they were spoken with"));
            }
            (line.detail, line.text) = (Some(outcome.as_str().to_owned()), said(text, false)?);
            (next.outcome, next.closed_at) = (line.detail.clone(), Some(now));
            next.snoozed_until = None;
            next.state = State::Done.as_str().to_owned();
        }
        Act::Reopen if !is_done => return Err(Error::Work("it is open already")),
        Act::Reopen => {
            (next.outcome, next.closed_at) = (None, None);
            let state = if row.contacted_at.is_some() { State::InProgress } else { State::Open };
            next.state = state.as_str().to_owned();
        }
        Act::Undo => {
            let last = last_undoable(log).ok_or(Error::Work("there is nothing to take back"))?;
            (line.undoes, line.before) = (Some(last.number), None);
            restore(&mut next, last);
        }
    }
    Ok((next, line))
}

/// What was done last of what can be taken back and was not yet.
pub fn last_undoable(log: &[LogRow]) -> Option<&LogRow> {
    let undone: Vec<i64> = log.iter().filter_map(|line| line.undoes).collect();
    log.iter().rev().find(|line| line.before.is_some() && !undone.contains(&line.number))
}

/// Whoever begins owns what nobody does.
fn begin(row: &mut FollowUpRow, by: &str, now: Timestamp) {
    row.state = State::InProgress.as_str().to_owned();
    row.snoozed_until = None;
    if row.owner.is_none() && by.starts_with("usr_") {
        // They know.
        row.told_owner = Some(by.to_owned());
        assign(row, Some(by.to_owned()), now);
    }
}

fn assign(row: &mut FollowUpRow, owner: Option<String>, now: Timestamp) {
    row.assigned_at = owner.as_ref().map(|_| now);
    row.owner = owner;
}

fn said(text: &str, is_needed: bool) -> Result<Option<String>, Error> {
    let mut clean = String::new();
    rapport_domain::plain::clean(text.trim(), &mut clean);
    if clean.chars().count() > MOST_TEXT || (is_needed && clean.is_empty()) {
        return Err(Error::invalid("text", format!("1 to {MOST_TEXT} characters")));
    }
    Ok(Some(clean).filter(|it| !it.is_empty()))
}

fn before(row: &FollowUpRow) -> Value {
    let micros = |it: Option<Timestamp>| it.map(|at| at.0);
    let before = Before {
        state: row.state.clone(),
        outcome: row.outcome.clone(),
        owner: row.owner.clone(),
        assigned_at: micros(row.assigned_at),
        contacted_at: micros(row.contacted_at),
        snoozed_until: micros(row.snoozed_until),
        closed_at: micros(row.closed_at),
    };
    serde_json::to_value(before).unwrap_or_default()
}

fn restore(row: &mut FollowUpRow, line: &LogRow) {
    let Some(Ok(old)) = line.before.clone().map(serde_json::from_value::<Before>) else { return };
    (row.state, row.outcome, row.owner) = (old.state, old.outcome, old.owner);
    row.assigned_at = old.assigned_at.map(Timestamp);
    row.contacted_at = old.contacted_at.map(Timestamp);
    row.snoozed_until = old.snoozed_until.map(Timestamp);
    row.closed_at = old.closed_at.map(Timestamp);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::{Handle, PersonId};

    use super::*;

    const NOW: Timestamp = Timestamp(1_780_000_000_000_000);

    fn open() -> FollowUpRow {
        FollowUpRow {
            id: "fup_1".to_owned(),
            handle: Handle(1),
            person: PersonId(1),
            rule: "detractor".to_owned(),
            state: "open".to_owned(),
            outcome: None,
            owner: None,
            given_to: None,
            told_owner: None,
            assigned_at: None,
            opened_at: NOW,
            due_at: NOW.plus(Timestamp::DAY),
            contacted_at: None,
            snoozed_until: None,
            closed_at: None,
            updated_at: NOW,
            revision: 1,
        }
    }

    fn contact() -> Act {
        Act::Contact { channel: "phone".to_owned(), text: "We talked".to_owned() }
    }

    fn go(row: FollowUpRow, log: &mut Vec<LogRow>, act: &Act) -> Result<FollowUpRow, Error> {
        let (next, line) = after(&row, log, act, ("usr_1", NOW.plus(log.len() as i64)))?;
        log.push(LogRow { number: log.len() as i64 + 1, ..line });
        Ok(next)
    }

    #[test]
    fn from_open_to_recovered_and_back() {
        let mut log = Vec::new();
        let early = go(open(), &mut log, &Act::Close(Outcome::Recovered, String::new()));
        assert!(matches!(early, Err(Error::Invalid { place, .. }) if place == "outcome"));
        let row = go(open(), &mut log, &contact()).unwrap();
        assert_eq!(
            (row.state.as_str(), row.owner.as_deref(), row.contacted_at),
            ("in_progress", Some("usr_1"), Some(NOW))
        );
        let row = go(row, &mut log, &Act::Wait).unwrap();
        assert_eq!(row.stands(), State::Waiting);
        let row = go(row, &mut log, &Act::Close(Outcome::Recovered, "Sent a new one".to_owned())).unwrap();
        assert_eq!((row.state.as_str(), row.outcome.as_deref()), ("done", Some("recovered")));
        assert!(go(row.clone(), &mut log, &Act::Start).is_err() && go(row.clone(), &mut log, &Act::Wait).is_err());
        let row = go(row, &mut log, &Act::Note("They wrote".to_owned())).unwrap();
        // Taken back are the note, which changed nothing, then the end.
        let row = go(row, &mut log, &Act::Undo).unwrap();
        assert_eq!(row.stands(), State::Done);
        let row = go(row, &mut log, &Act::Undo).unwrap();
        assert_eq!((row.state.as_str(), row.outcome.as_deref(), row.closed_at), ("waiting", None, None));
        assert_eq!(log.iter().filter_map(|line| line.undoes).collect::<Vec<_>>(), [4, 3]);
        let row = go(row, &mut log, &Act::Close(Outcome::NotReached, String::new())).unwrap();
        let row = go(row, &mut log, &Act::Reopen).unwrap();
        assert_eq!((row.state.as_str(), row.outcome), ("in_progress", None));
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let mut log = Vec::new();
        for act in [
            Act::Note(" \u{202e} ".to_owned()),
            Act::Note("x".repeat(MOST_TEXT + 1)),
            Act::Contact { channel: "pigeon".to_owned(), text: String::new() },
            Act::Snooze(Some(NOW.plus(-1))),
            Act::Snooze(Some(NOW.plus(91 * Timestamp::DAY))),
            Act::Reopen,
            Act::Undo,
        ] {
            assert!(go(open(), &mut log, &act).is_err(), "{act:?}");
        }
        let late = FollowUpRow { due_at: NOW, ..open() };
        assert!(late.is_late(NOW) && !open().is_late(NOW));
        assert!(!go(late, &mut log, &contact()).unwrap().is_late(NOW));
    }

    fn any_act() -> impl Strategy<Value = Act> {
        prop_oneof![
            Just(Act::Start),
            Just(Act::Wait),
            Just(contact()),
            Just(Act::Reopen),
            Just(Act::Note("seen".to_owned())),
            Just(Act::Assign(None)),
            Just(Act::Assign(Some("usr_2".to_owned()))),
            Just(Act::Snooze(Some(NOW.plus(Timestamp::DAY)))),
            Just(Act::Close(Outcome::NoActionNeeded, String::new())),
            Just(Act::Close(Outcome::Recovered, String::new())),
        ]
    }

    proptest! {
        /// All that was done, taken back one by one, leaves what there was: the slow way keeps every row that ever was.
        #[test]
        fn everything_can_be_taken_back(acts in proptest::collection::vec(any_act(), 0..12)) {
            let plain = |row: &FollowUpRow| FollowUpRow { revision: 0, updated_at: NOW, told_owner: None, ..row.clone() };
            let mut log = Vec::new();
            let mut rows = vec![open()];
            for act in &acts {
                if let Ok(next) = go(rows[rows.len() - 1].clone(), &mut log, act) {
                    rows.push(next);
                }
            }
            let mut row = rows[rows.len() - 1].clone();
            while let Some(last) = rows.pop() {
                prop_assert_eq!(plain(&row), plain(&last));
                if rows.is_empty() {
                    prop_assert!(go(row.clone(), &mut log, &Act::Undo).is_err());
                } else {
                    row = go(row, &mut log, &Act::Undo).unwrap();
                }
            }
        }
    }
}
