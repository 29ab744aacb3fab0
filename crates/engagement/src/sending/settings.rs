//! How much and when a workspace sends: caps, quiet hours, where messages come from.

use rapport_domain::{Channel, PersonId, assignment};
use rapport_segments::Duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::timing::{Hours, time_of_day};

/// Quiet hours, where the person is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// From, e.g. `21:00`.
    pub from: String,
    /// Until before, e.g. `08:00`.
    pub until: String,
    /// What was held back goes out within so many minutes after it, so that not everything goes out in the same second.
    #[serde(default = "half_an_hour")]
    pub jitter_minutes: u32,
}

const fn half_an_hour() -> u32 {
    30
}

impl Quiet {
    /// The hours; `None` when their texts are no times of day.
    pub fn hours(&self) -> Option<Hours> {
        Some(Hours { from: time_of_day(&self.from)?, until: time_of_day(&self.until)? })
    }
}

/// In which window messages are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// The time up to now.
    Last(Duration),
    /// The calendar day where the person is.
    Day,
    /// The calendar week (from Monday) where the person is.
    Week,
    /// The calendar month where the person is.
    Month,
}

/// At most so many messages of marketing a person in a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// How many.
    pub most: u32,
    /// In which window.
    pub window: Window,
    /// By this channel; over all channels if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// About this topic; about everything if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// Who messages come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    /// The name that is shown.
    #[serde(default)]
    pub name: String,
    /// The address.
    #[serde(default)]
    pub address: String,
    /// Where answers go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// A workspace's settings of sending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Who messages come from.
    pub from: From,
    /// When nobody is disturbed with marketing.
    pub quiet: Option<Quiet>,
    /// How many messages of marketing a person gets at most.
    pub caps: Vec<Cap>,
    /// A journey of lower priority lets one of higher priority go first that is to write to the same person within this time.
    pub yield_within: Duration,
    /// Nobody who is in trouble gets marketing.
    pub spare_the_troubled: bool,
    /// So many per cent of all people get no marketing at all, to show what all of it is worth; to a hundredth of a per cent.
    pub holdout_percent: f64,
    /// All sending is paused.
    pub paused: bool,
    /// At most so many mails a second to one domain.
    pub most_per_domain_and_second: u32,
    /// Whoever asks for a topic that is to be confirmed gets the mail for it from Rapport. Off for companies that send their own.
    pub confirmation_mails: bool,
    /// Addresses of the company's own people: each gets a copy of what each run of a campaign sends, with examples for values.
    pub seed_list: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let last = |text: &str| Duration::parse(text).expect("a length of time");
        Self {
            from: From::default(),
            quiet: Some(Quiet { from: "21:00".to_owned(), until: "08:00".to_owned(), jitter_minutes: 30 }),
            caps: vec![
                Cap { most: 1, window: Window::Day, channel: None, topic: None },
                Cap { most: 4, window: Window::Last(last("7d")), channel: None, topic: None },
            ],
            yield_within: last("1d"),
            spare_the_troubled: true,
            holdout_percent: 0.0,
            paused: false,
            most_per_domain_and_second: 20,
            confirmation_mails: true,
            seed_list: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads settings; what is not said is as by default.
    ///
    /// # Errors
    /// The field that is unknown or impossible.
    pub fn from_json(form: &Value) -> Result<Self, Error> {
        let mut settings: Self = serde_path_to_error::deserialize(form)
            .map_err(|error| Error::invalid(error.path().to_string(), error.inner().to_string()))?;
        settings.check()?;
        settings.holdout_percent = f64::from(settings.holdout_places()) / 100.0;
        Ok(settings)
    }

    /// How many are held out of all marketing, in hundredths of a per cent.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 5,000")]
    pub fn holdout_places(&self) -> u32 {
        (self.holdout_percent * 100.0).round() as u32
    }

    /// Whether a person is held out of all marketing.
    pub fn holds_out(&self, person: PersonId) -> bool {
        assignment::is_held_out(person, self.holdout_places())
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(quiet) = &self.quiet {
            if quiet.jitter_minutes > MOST_JITTER {
                return Err(Error::invalid("quiet.jitter_minutes", format!("at most {MOST_JITTER} minutes")));
            }
            let Some(hours) = quiet.hours() else {
                return Err(Error::invalid("quiet", "give `from` and `until` as times of day such as 21:00 and 08:00"));
            };
            if hours.from == hours.until {
                return Err(Error::invalid("quiet", "`from` and `until` are the same; leave `quiet` out for none"));
            }
        }
        for (place, cap) in self.caps.iter().enumerate() {
            if matches!(cap.window, Window::Last(length) if length.micros() > Self::LONGEST_WINDOW) {
                return Err(Error::invalid(format!("caps[{place}].window"), "at most 92 days are counted"));
            }
        }
        if self.seed_list.len() > MOST_SEEDS {
            return Err(Error::invalid("seed_list", format!("at most {MOST_SEEDS} addresses")));
        }
        if !(0.0..=50.0).contains(&self.holdout_percent) {
            return Err(Error::invalid("holdout_percent", "between 0 and 50"));
        }
        for (place, text, most) in [("from.name", &self.from.name, 200), ("from.address", &self.from.address, 254)] {
            if text.chars().count() > most || text.chars().any(char::is_control) {
                return Err(Error::invalid(place, format!("at most {most} letters, in one line")));
            }
        }
        Ok(())
    }

    /// How long ago a message may have been sent and still count: a cap's longest window, in microseconds. A calendar month and a personal wish of one a
    /// month fit well into it.
    pub const LONGEST_WINDOW: i64 = 92 * rapport_domain::Timestamp::DAY;
}

/// So many addresses a seed list has at most.
pub const MOST_SEEDS: usize = 20;

/// The longest time after quiet hours in which what was held back goes out: more would put it off into the next ones.
pub const MOST_JITTER: u32 = 240;
