//! Leaderboards: who did most in a week, a month, a year, among members who asked to be on them. Pure.
//!
//! Always holds: whoever has the same amount has the same place, and the place behind them counts all of them (1, 2, 2, 4), so that nobody wins by their number or the order of
//! arrival.
//!
//! Does not: know who is on it; [`records::leaderboards`](crate::records::leaderboards) does.

use rapport_domain::{Calendar, Timestamp};
use rapport_segments::Instant;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::challenges::{Period, Span};
use crate::document::{Document, check_shown};
use crate::program::{Program, check_key, check_name};

const PRIZES_MAX: usize = 20;
/// The last place that can get a prize.
const PLACE_MAX: u32 = 1_000;
const SHOWN_MAX: u16 = 100;
const SETTLES_MAX: u16 = 60;
const ALIAS_MAX: usize = 40;

/// A leaderboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaderboard {
    /// Its name in addresses, for ever.
    pub key: String,
    /// What members call it: "Walkers of the month".
    pub name: String,
    /// What it is about, in a few words.
    #[serde(default)]
    pub words: String,
    /// The address of a picture.
    #[serde(default)]
    pub picture: Option<String>,
    /// Leaderboards are listed in this order; those of one place by their keys.
    #[serde(default)]
    pub place: u32,
    /// By what members are ranked.
    pub ranks: Ranks,
    /// In which time.
    pub period: Period,
    /// Nothing before counts.
    #[serde(default)]
    pub from: Option<Instant>,
    /// Nothing behind counts.
    #[serde(default)]
    pub until: Option<Instant>,
    /// So many of the first are shown to members.
    #[serde(default = "ten")]
    pub shown: u16,
    /// So many days after the end of a period its winners stand, so that what goes back meanwhile counts.
    #[serde(default)]
    pub settles_after_days: u16,
    /// What the first get; places rising.
    #[serde(default)]
    pub prizes: Vec<Prize>,
}

const fn ten() -> u16 {
    10
}

/// By what members are ranked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Ranks {
    /// Points that they earned, less what was taken back. Points that leaderboards gave do not count.
    Points {
        /// Of which wallet; the programme's first, unless said.
        #[serde(default)]
        wallet: Option<String>,
    },
    /// What counts for a challenge: times, units, an amount, different values.
    Challenge {
        /// Which.
        challenge: String,
    },
}

/// What whoever is on a place gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    /// From the place behind the prize before it to this place.
    pub to_place: u32,
    /// How many points each gets.
    #[serde(default)]
    pub points: Option<i64>,
    /// Into which wallet; the programme's first, unless said.
    #[serde(default)]
    pub wallet: Option<String>,
    /// The badge that each gets.
    #[serde(default)]
    pub badge: Option<String>,
}

impl Document for Leaderboard {
    const KIND: &'static str = "leaderboard";
    const MOST: usize = 50;

    fn key(&self) -> &str {
        &self.key
    }

    fn place(&self) -> u32 {
        self.place
    }

    fn check(&self, program: &Program) -> Result<(), Error> {
        check_key("key", &self.key)?;
        check_name("name", &self.name)?;
        check_shown(&self.words, self.picture.as_deref())?;
        match &self.ranks {
            Ranks::Points { wallet } => program.check_wallet("ranks.wallet", wallet.as_deref())?,
            Ranks::Challenge { challenge } => check_key("ranks.challenge", challenge)?,
        }
        let calendar = program.calendar()?;
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until.until(&calendar) <= from.start(&calendar)
        {
            return Err(Error::invalid("until", "must be later than `from`"));
        }
        if matches!(self.period, Period::Rolling { .. }) {
            return Err(Error::invalid(
                "period",
                "days that begin with each member cannot be compared; take day, week, month, quarter, year or ever",
            ));
        }
        if self.period == Period::Ever && self.until.is_none() && !self.prizes.is_empty() {
            return Err(Error::invalid("prizes", "what never ends has no winners; give it a period, or say `until`"));
        }
        if self.shown == 0 || self.shown > SHOWN_MAX {
            return Err(Error::invalid("shown", format!("1 to {SHOWN_MAX}")));
        }
        if self.settles_after_days > SETTLES_MAX {
            return Err(Error::invalid("settles_after_days", format!("0 to {SETTLES_MAX}")));
        }
        self.check_prizes(program)
    }
}

impl Leaderboard {
    fn check_prizes(&self, program: &Program) -> Result<(), Error> {
        if self.prizes.len() > PRIZES_MAX {
            return Err(Error::invalid("prizes", format!("at most {PRIZES_MAX}")));
        }
        let mut before = 0;
        for (at, prize) in self.prizes.iter().enumerate() {
            let place = format!("prizes[{at}]");
            if prize.to_place <= before || prize.to_place > PLACE_MAX {
                let problem = format!("above that of the prize before, at most {PLACE_MAX}");
                return Err(Error::invalid(format!("{place}.to_place"), problem));
            }
            before = prize.to_place;
            if prize.points.is_none() && prize.badge.is_none() {
                return Err(Error::invalid(place, "gives `points`, a `badge` or both"));
            }
            program.check_given(&place, prize.points, prize.wallet.as_deref(), prize.badge.as_deref())?;
        }
        Ok(())
    }

    /// Refuses a version that would rank by something else than the one before it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    pub fn refuse_change(&self, before: &Self) -> Result<(), Error> {
        let why = "stays as it was begun, since members are ranked by it; end this leaderboard and begin another";
        if self.ranks != before.ranks {
            return Err(Error::invalid("ranks", why));
        }
        if self.period != before.period {
            return Err(Error::invalid("period", why));
        }
        Ok(())
    }

    /// The prize for a place, from 1.
    pub fn prize(&self, place: i64) -> Option<&Prize> {
        self.prizes.iter().find(|prize| place <= i64::from(prize.to_place))
    }

    /// The last place that gets a prize; 0 where none does.
    pub fn last_prize(&self) -> i64 {
        self.prizes.last().map_or(0, |prize| i64::from(prize.to_place))
    }

    /// The period in which an instant lies, as far as it counts; `None` outside of what counts.
    pub fn span(&self, at: Timestamp, calendar: &Calendar) -> Option<Span> {
        let Span { key, from, end } = self.period.span(at, calendar);
        let from = self.from.map_or(from, |begins| from.max(begins.start(calendar)));
        let end = self.until.map_or(end, |ends| end.min(ends.until(calendar)));
        (from <= at && at < end).then_some(Span { key, from, end })
    }

    /// When the winners of a period stand.
    pub fn settles_at(&self, end: Timestamp) -> Timestamp {
        Timestamp(end.0.saturating_add(i64::from(self.settles_after_days) * Timestamp::DAY))
    }

    /// The periods whose winners do not stand yet, the latest first: the present one, and those that ended a short time ago.
    pub fn open(&self, now: Timestamp, calendar: &Calendar) -> Vec<Span> {
        let mut spans = Vec::new();
        let last = self.until.map_or(now, |ends| now.min(ends.until(calendar).plus(-1)));
        let mut at = last;
        while let Some(span) = self.span(at, calendar) {
            if self.settles_at(span.end) <= now {
                break;
            }
            at = Timestamp(span.from.0.saturating_sub(1));
            let is_first = span.from.0 == i64::MIN;
            spans.push(span);
            if is_first {
                break;
            }
        }
        spans
    }
}

/// The places of amounts that are sorted, the largest first.
pub fn places(amounts: &[i64]) -> Vec<i64> {
    let mut places: Vec<i64> = Vec::with_capacity(amounts.len());
    for (at, amount) in amounts.iter().enumerate() {
        let same = at.checked_sub(1).filter(|before| amounts[*before] == *amount).map(|before| places[before]);
        places.push(same.unwrap_or_else(|| i64::try_from(at).map_or(i64::MAX, |at| at + 1)));
    }
    places
}

/// Cleans the name under which a member wants to be shown to others.
///
/// # Errors
/// [`Error::Invalid`] of what is none: empty, too long, with signs that cannot be seen, or an address, since others read it.
pub fn alias(name: &str) -> Result<String, Error> {
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_hidden = |sign: char| {
        sign.is_control()
            || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if name.is_empty() || name.chars().count() > ALIAS_MAX || name.chars().any(is_hidden) {
        let problem = format!("a name of 1 to {ALIAS_MAX} characters, as others will read it");
        return Err(Error::invalid("name", problem));
    }
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if name.contains('@') || name.contains("://") || name.to_lowercase().contains("www.") || digits > 6 {
        return Err(Error::invalid("name", "a name, not an address or a number: others read it"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_the_same_has_the_same_place() {
        assert_eq!(places(&[9, 7, 7, 3, 3, 3, 1]), [1, 2, 2, 4, 4, 4, 7]);
        assert_eq!(places(&[]), Vec::<i64>::new());
        // The slow way: one more than have more.
        let amounts = [50, 50, 41, 40, 40, 40, 2, 1, 1];
        let slow: Vec<i64> =
            amounts.iter().map(|own| 1 + amounts.iter().filter(|it| *it > own).count() as i64).collect();
        assert_eq!(places(&amounts), slow);
    }

    #[test]
    fn names_are_names() {
        assert_eq!(alias("  Ann \n the  Swift ").unwrap(), "Ann the Swift");
        assert_eq!(alias("安娜").unwrap(), "安娜");
        for bad in [
            "",
            " ",
            "ann@example.com",
            "https://x.example",
            "www.x.example",
            "+49 151 1234567",
            "a\u{202e}b",
            "\u{200b}",
        ] {
            assert!(alias(bad).is_err(), "{bad:?}");
        }
        assert!(alias(&"x".repeat(41)).is_err());
    }
}
