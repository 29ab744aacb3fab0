//! The voice of the customer by mail: once a week, to whom of the company's own people wants it.
//!
//! Always holds: of a period everybody gets one mail at most; switched on, it does not send what is past; a period ends when its mail goes out.
//!
//! Does not do: write the mail, or send it.

pub mod records;
pub mod schema;

use rapport_domain::{Calendar, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Error;

pub use schema::{DATA_MAP, MIGRATIONS};

/// A mail that could not go out for so long does not go out any more.
pub const LATEST: i64 = Timestamp::DAY;
const MOST_USERS: usize = 200;
const DAYS: u8 = 7;
const HOURS: u8 = 24;

/// Whether it is sent, when, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether it is sent.
    pub enabled: bool,
    /// On which day: 0 is Monday.
    pub weekday: u8,
    /// At which hour of the workspace's clock.
    pub hour: u8,
    /// To whom: ids of users.
    pub users: Vec<String>,
}

impl Default for Settings {
    /// Off; Monday at eight when it is switched on.
    fn default() -> Self {
        Self { enabled: false, weekday: 0, hour: 8, users: Vec::new() }
    }
}

impl Settings {
    /// Refuses what cannot be.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    pub fn check(&self) -> Result<(), Error> {
        if self.weekday >= DAYS {
            return Err(Error::invalid("weekday", "0 (Monday) to 6"));
        }
        if self.hour >= HOURS {
            return Err(Error::invalid("hour", "0 to 23"));
        }
        if self.users.len() > MOST_USERS || (self.enabled && self.users.is_empty()) {
            return Err(Error::invalid("users", format!("1 to {MOST_USERS}")));
        }
        Ok(())
    }

    /// When it was due last, by now.
    pub fn last_due(&self, calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
        let mut date = calendar.date(now);
        // Eight days, as today's hour may not have come.
        for _ in 0..=DAYS {
            if date.weekday().to_monday_zero_offset() == i8::try_from(self.weekday).ok()? {
                let at = date.at(i8::try_from(self.hour).ok()?, 0, 0, 0).to_zoned(calendar.zone.clone()).ok()?;
                let at: Timestamp = at.timestamp().into();
                if at <= now {
                    return Some(at);
                }
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// The end of the period whose mail is to go out now, if there is one: `enabled_at` is when it was switched on.
    pub fn due(&self, calendar: &Calendar, enabled_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let due = self.last_due(calendar, now).filter(|_| self.enabled)?;
        (due >= enabled_at && now.0 - due.0 <= LATEST).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::calendar::WeekStart;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn on() -> Settings {
        Settings { enabled: true, users: vec!["usr_a".to_owned()], ..Settings::default() }
    }

    #[test]
    fn it_is_due_on_mondays_at_eight() {
        let berlin = Calendar::new("Europe/Berlin", WeekStart::Monday).unwrap();
        let long_ago = Timestamp(0);
        // The 23rd of November 2026 is a Monday.
        assert_eq!(on().due(&berlin, long_ago, at("2026-11-23T06:59:59Z")), None);
        assert_eq!(on().due(&berlin, long_ago, at("2026-11-23T07:00:00Z")), Some(at("2026-11-23T07:00:00Z")));
        assert_eq!(on().due(&berlin, long_ago, at("2026-11-24T07:00:00Z")), Some(at("2026-11-23T07:00:00Z")));
        assert_eq!(on().due(&berlin, long_ago, at("2026-11-24T07:00:01Z")), None);
        assert_eq!(
            on().due(&berlin, at("2026-11-23T07:30:00Z"), at("2026-11-23T08:00:00Z")),
            None,
            "switched on later"
        );
        let off = Settings { enabled: false, ..on() };
        assert_eq!(off.due(&berlin, long_ago, at("2026-11-23T07:00:00Z")), None);
        for bad in [Settings { weekday: 7, ..on() }, Settings { hour: 24, ..on() }, Settings { users: vec![], ..on() }]
        {
            assert!(bad.check().is_err());
        }
        assert!(on().check().is_ok() && Settings::default().check().is_ok());
    }

    proptest! {
        /// Hour by hour, also over the days on which clocks are changed.
        #[test]
        fn as_hour_by_hour(weekday in 0_u8..7, hour in 4_u8..24, past in 0_i64..(24 * 400)) {
            let berlin = Calendar::new("Europe/Berlin", WeekStart::Monday).unwrap();
            let now = at("2026-01-01T00:00:00Z").plus(past * Timestamp::HOUR);
            let mut slow = now;
            while berlin.weekday(slow) != weekday || berlin.hour(slow) != hour {
                slow = slow.plus(-Timestamp::HOUR);
            }
            let settings = Settings { weekday, hour, ..on() };
            prop_assert_eq!(settings.last_due(&berlin, now), Some(slow));
        }
    }
}
