//! What opens a follow-up: an event or a text for which a condition holds.
//!
//! Always holds: an event opens one at most, by the first rule in order that holds for it; a rule asks for nothing that has to be looked up in somebody's whole
//! history, so it is judged in the transaction that applies the event. What somebody did is asked for through a segment.
//!
//! Beside its own properties an event with a text has what was understood of it: `feeling.sentiment` (-1 to 1) and `feeling.anger`, `.disappointment`,
//! `.anxiety`, `.joy`, `.gratitude`, `.trust`, `.urgency` (0 where it is not shown, else 0.5 to 1).

use rapport_domain::Timestamp;
use rapport_domain::plain::{KEY_MAX, is_key};
use rapport_segments::{Condition, Moment, Scope, Subject, holds};
use serde::{Deserialize, Serialize};

use super::deadline::{Deadline, LONGEST};
use crate::Error;

const MOST_NAME: usize = 100;
const MOST_OWNERS: usize = 50;
const MOST_DAYS: u32 = 365;
/// A workspace has at most so many rules.
pub const MOST: usize = 100;
/// What is opened by hand has no rule; this stands in its place.
pub const BY_HAND: &str = "by_hand";
/// What follow-ups tell themselves opens none.
const OWN: &str = "Follow-up ";

const READY: &str = include_str!("ready.json");

/// Who is to work on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// How the owner is chosen.
    pub by: Choice,
    /// Of whom, as ids of users: none are all agents of the workspace, or its admins and owners where it has no agents.
    #[serde(default)]
    pub users: Vec<String>,
}

/// How an owner is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Nobody: whoever takes it.
    Nobody,
    /// The first of the users.
    One,
    /// One after the other.
    #[default]
    RoundRobin,
    /// Who looks after the customer's account, as the account says (`manager` or `account_manager`, an address or an id); otherwise one after the other.
    AccountManager,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in addresses.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Rules are tried in this order.
    pub place: u32,
    /// The event it looks at; without one whatever carries a text of a customer.
    #[serde(default)]
    pub event: Option<String>,
    /// What must hold.
    pub when: Condition,
    /// Who is to work on it.
    #[serde(default)]
    pub owner: Owner,
    /// Until when.
    #[serde(default)]
    pub deadline: Deadline,
    /// What happened longer ago opens nothing: the past that is taken in from files is over.
    #[serde(default = "week")]
    pub not_older_than_days: u32,
    /// Whether it opens anything.
    #[serde(default = "yes")]
    pub enabled: bool,
}

const fn week() -> u32 {
    7
}

const fn yes() -> bool {
    true
}

/// The rules that every workspace begins with.
pub fn ready() -> Vec<Rule> {
    serde_json::from_str(READY).unwrap_or_default()
}

/// Whether a rule is one of those that every workspace begins with.
pub fn is_ready(key: &str) -> bool {
    ready().iter().any(|rule| rule.key == key)
}

impl Rule {
    /// Refuses what could not be judged at once, or says nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] with its place.
    pub fn check(&self) -> Result<(), Error> {
        if !is_key(&self.key) || self.key == BY_HAND {
            return Err(Error::invalid("key", format!("1 to {KEY_MAX} small letters, digits, `-` and `_`")));
        }
        if self.name.is_empty() || rapport_domain::plain::one_line(&self.name, MOST_NAME) != self.name {
            return Err(Error::invalid("name", format!("one line of 1 to {MOST_NAME} characters")));
        }
        if self.event.as_deref().is_some_and(|name| name.is_empty() || name.len() > 200 || name.starts_with(OWN)) {
            return Err(Error::invalid("event", "the name of an event, but for those that follow-ups tell themselves"));
        }
        if !(1..=LONGEST).contains(&self.deadline.hours) {
            return Err(Error::invalid("deadline.hours", format!("1 to {LONGEST}")));
        }
        if !(1..=MOST_DAYS).contains(&self.not_older_than_days) {
            return Err(Error::invalid("not_older_than_days", format!("1 to {MOST_DAYS}")));
        }
        if self.owner.users.len() > MOST_OWNERS {
            return Err(Error::invalid("owner.users", format!("at most {MOST_OWNERS}")));
        }
        if self.owner.by == Choice::One && self.owner.users.is_empty() {
            return Err(Error::invalid("owner.users", "say who"));
        }
        self.when.validate(Scope::EventAndPerson).map_err(|error| Error::invalid("when", error.to_string()))?;
        if self.when.asks_history() {
            return Err(Error::invalid(
                "when",
                "what somebody did before is asked for through a segment: make one of it, and test `segment`",
            ));
        }
        Ok(())
    }

    /// Whether it looks at events of this name, or at any with a text.
    pub fn looks_at(&self, event: &str, has_text: bool) -> bool {
        self.enabled && self.event.as_deref().map_or(has_text, |name| name == event)
    }

    /// Whether it holds for an event (in the subject) that may have a text.
    pub fn opens(&self, subject: &Subject<'_>, has_text: bool, moment: Moment<'_>) -> bool {
        let Some(event) = subject.event else { return false };
        let oldest = moment.now.plus(-i64::from(self.not_older_than_days) * Timestamp::DAY);
        self.looks_at(event.name, has_text) && event.occurred_at >= oldest && holds(&self.when, subject, moment)
    }
}

/// The first of `rules`, in their order, that holds for an event.
pub fn first<'r>(rules: &'r [Rule], subject: &Subject<'_>, has_text: bool, moment: Moment<'_>) -> Option<&'r Rule> {
    rules.iter().find(|rule| rule.opens(subject, has_text, moment))
}

#[cfg(test)]
mod tests {
    use rapport_domain::Calendar;
    use rapport_segments::EventView;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp(1_780_000_000_000_000);

    fn rule(when: Value) -> Result<Rule, Error> {
        let rule: Rule =
            serde_json::from_value(json!({"key": "own", "name": "Own", "place": 1, "event": "A", "when": when}))
                .unwrap();
        rule.check().map(|()| rule)
    }

    fn which(name: &str, age: i64, properties: &[(&str, Value)]) -> Option<String> {
        let properties: Vec<(String, Value)> =
            properties.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        let has_text = properties.iter().any(|(path, _)| path.starts_with("feeling."));
        let event = EventView::new(name, NOW.plus(-age), &properties);
        let subject = Subject { event: Some(event), ..Subject::NOBODY };
        let calendar = Calendar::default();
        let moment = Moment { now: NOW, calendar: &calendar };
        first(&ready(), &subject, has_text, moment).map(|rule| rule.key.clone())
    }

    #[test]
    fn the_ready_ones_find_who_is_unhappy() {
        let rules = ready();
        assert_eq!(rules.len(), 4);
        rules.iter().for_each(|rule| rule.check().unwrap());
        assert!(
            rules.iter().all(|rule| rule.enabled && is_ready(&rule.key)) && rules.is_sorted_by_key(|rule| rule.place)
        );
        assert_eq!(which("Survey Answered", 0, &[("score", json!(6))]).as_deref(), Some("detractor"));
        assert_eq!(which("Survey Answered", 0, &[("score", json!(7))]), None);
        assert_eq!(which("Survey Answered", 0, &[("csat", json!(1))]), None);
        assert_eq!(which("Product Reviewed", 0, &[("rating", json!("2"))]).as_deref(), Some("bad_review"));
        assert_eq!(which("Product Reviewed", 0, &[("rating", json!(3))]), None);
        // What is most pressing comes first, and the past is over.
        let angry = [("rating", json!(1)), ("feeling.anger", json!(0.8))];
        assert_eq!(which("Product Reviewed", 0, &angry).as_deref(), Some("urgent_text"));
        assert_eq!(which("Product Reviewed", 7 * Timestamp::DAY, &angry).as_deref(), Some("urgent_text"));
        assert_eq!(which("Product Reviewed", 7 * Timestamp::DAY + 1, &angry), None);
        assert_eq!(which("Chat Message", 0, &[("feeling.urgency", json!(0.5))]).as_deref(), Some("urgent_text"));
        assert_eq!(which("Chat Message", 0, &[("feeling.urgency", json!(0))]), None);
        assert_eq!(which("Complaint Opened", 0, &[]).as_deref(), Some("complaint"));
    }

    #[test]
    fn what_could_not_be_judged_at_once_is_refused() {
        assert!(rule(json!({"fact": {"key": "loyalty.tier", "op": "equals", "value": "gold"}})).is_ok());
        assert!(rule(json!({"segment": {"key": "vip"}})).is_ok());
        for when in [
            json!({"performed": {"event": "Order Completed"}}),
            json!({"not": {"performed": {"event": "Order Completed"}}}),
            json!({"overdue": {"event": "Order Completed", "factor": 2, "gaps": 3}}),
        ] {
            assert!(matches!(rule(when), Err(Error::Invalid { place, .. }) if place == "when"));
        }
        let good = rule(json!({"all": []})).unwrap();
        for (bad, place) in [
            (Rule { key: "Own".to_owned(), ..good.clone() }, "key"),
            (Rule { key: BY_HAND.to_owned(), ..good.clone() }, "key"),
            (Rule { name: "a\nb".to_owned(), ..good.clone() }, "name"),
            (Rule { event: Some("Follow-up Opened".to_owned()), ..good.clone() }, "event"),
            (Rule { deadline: Deadline { hours: 0, working: true }, ..good.clone() }, "deadline.hours"),
            (Rule { not_older_than_days: 0, ..good.clone() }, "not_older_than_days"),
            (Rule { owner: Owner { by: Choice::One, users: vec![] }, ..good.clone() }, "owner.users"),
        ] {
            assert!(matches!(bad.check(), Err(Error::Invalid { place: at, .. }) if at == place), "{place}");
        }
    }
}
