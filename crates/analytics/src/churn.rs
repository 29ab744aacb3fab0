//! Who will be lost: of everybody who still buys, the probability that they buy nothing within a horizon; or, where customers are held by a contract, of everybody who has
//! a subscription, the probability that it ends within one.
//!
//! Always holds: whether somebody was lost is seen in the orders, or the events of subscriptions, as they stand now; whoever has bought nothing for too long is lost by
//! definition, and not foretold, nor is whoever has no subscription.
//!
//! Does not do: how it is learnt ([`foretelling`](crate::foretelling)), writing scores anywhere, or saying what would keep anybody: reasons and what goes with a risk
//! are associations.

mod cards;
mod contract;
mod definition;
mod overview;
mod run;
mod triggers;
mod when;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scores::within;

pub use crate::foretelling::{
    Associated, Band, Cause, Deed, Did, FEATURES, Heard, Known, Level, Levels, Looks, Point, Reason, Rows, STEPS,
    Warned,
};
pub use contract::{Contract, Sign, Subscriptions};
pub use definition::{Before, Content, Definition, Learned, came, learn};
pub use overview::{Costed, Overview};
pub use run::{Detail, Run, Scored};
pub use triggers::{Happened, Happenings, Told, Trigger, Triggers, Vocabulary, Written, mine};
pub use when::{ByWeek, Difference, Half, LAPSED, LAPSING, Lapse, Point as WaitsPoint, Waits, When};

/// What staff choose of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ChurnSettings)]
pub struct Settings {
    /// Who buys nothing for so many weeks is lost: 2 to 52. Null: the time within which nine of ten purchases follow the one before. With a contract: whose subscription ends
    /// within so many weeks; null is 4.
    pub horizon_weeks: Option<u32>,
    /// Who has bought nothing for so many weeks is lost already and is not foretold: 2 to 156. Null: twice the horizon. With a contract it must be null.
    pub active_weeks: Option<u32>,
    /// Where customers have a subscription: the events by which they have one, and those that end it, which is the loss. Null: a loss is that somebody buys nothing.
    pub contract: Option<Contract>,
    /// What a lost customer costs, in the workspace's currency: above 0. Null: what one who stays spends within the horizon.
    pub loss: Option<f64>,
    /// What an action on one customer costs: above 0. Null: nobody knows; levels then go by how many are usually lost.
    pub action: Option<f64>,
    /// Of those who would be lost, the part that an action is hoped to keep: above 0, up to 1. An experiment tells the true one.
    pub keeps: f64,
    /// After how many days it is fitted anew: 1 to 90.
    pub fit_days: u32,
    /// After how many hours people are scored anew: 1 to 168.
    pub score_hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            horizon_weeks: None,
            active_weeks: None,
            contract: None,
            loss: None,
            action: None,
            keeps: 0.3,
            fit_days: 7,
            score_hours: 24,
        }
    }
}

/// What acting costs and brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// What a lost customer costs.
    pub loss: f64,
    /// What an action on one costs, where somebody said so.
    pub action: Option<f64>,
    /// The part of those who would be lost that it keeps.
    pub keeps: f64,
}

impl Costs {
    /// Where levels begin. `high` is where acting pays (Elkan 2001: what is hoped to be saved outweighs what is spent), `medium` half of that. Where nobody said what acting costs,
    /// nothing can be said of that: `high` is whoever's odds of being lost are twice those of all (of whom `base` were lost), `medium` whoever's are above them.
    pub fn levels(&self, base: f64) -> Levels {
        let Some(action) = self.action else { return Levels::beside(base) };
        let pays = action / (self.keeps * self.loss);
        Levels { high: (pays < 1.0).then_some(pays), medium: pays.min(1.0) / 2.0 }
    }
}

impl Settings {
    /// What is wrong with them: the field, and what is expected.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let is_price = |it: Option<f64>| it.is_none_or(|it| it > 0.0 && it <= 1e9);
        within(self.horizon_weeks.is_none_or(|it| (2..=52).contains(&it)), "horizon_weeks", "2 to 52 weeks, or null")?;
        within(self.active_weeks.is_none_or(|it| (2..=156).contains(&it)), "active_weeks", "2 to 156 weeks, or null")?;
        if let Some(contract) = &self.contract {
            contract.check()?;
            let expected = "null where there is a contract: whoever has a subscription is foretold";
            within(self.active_weeks.is_none(), "active_weeks", expected)?;
        }
        within(is_price(self.loss), "loss", "above 0, up to a billion, or null")?;
        within(is_price(self.action), "action", "above 0, up to a billion, or null")?;
        within(
            self.keeps > 0.0 && self.keeps <= 1.0,
            "keeps",
            "above 0, up to 1: 0.3 is 30 % of those who would be lost",
        )?;
        within((1..=90).contains(&self.fit_days), "fit_days", "1 to 90 days")?;
        within((1..=168).contains(&self.score_hours), "score_hours", "1 to 168 hours")
    }

    /// What acting costs, with what a loss is proposed to cost where nobody said: `worth` is what a customer who stays spends within the horizon.
    pub fn costs(&self, worth: f64) -> Costs {
        Costs { loss: self.loss.unwrap_or(worth).max(1e-6), action: self.action, keeps: self.keeps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_their_bounds_are_refused_by_field() {
        assert_eq!(Settings::default().check(), Ok(()));
        for (json, field) in [
            (serde_json::json!({"horizon_weeks": 1}), "horizon_weeks"),
            (serde_json::json!({"active_weeks": 157}), "active_weeks"),
            (serde_json::json!({"contract": {"has": []}}), "contract.has"),
            (serde_json::json!({"contract": {"ends": ["Subscription Started"]}}), "contract.ends"),
            (serde_json::json!({"contract": {}, "active_weeks": 8}), "active_weeks"),
            (serde_json::json!({"loss": 0}), "loss"),
            (serde_json::json!({"action": -3}), "action"),
            (serde_json::json!({"keeps": 0}), "keeps"),
            (serde_json::json!({"keeps": 1.01}), "keeps"),
            (serde_json::json!({"fit_days": 0}), "fit_days"),
            (serde_json::json!({"score_hours": 169}), "score_hours"),
        ] {
            let settings: Settings = serde_json::from_value(json).unwrap();
            assert_eq!(settings.check().unwrap_err().0, field);
        }
        for json in [serde_json::json!({"horizon": 3}), serde_json::json!({"contract": {"sql": "x"}})] {
            assert!(serde_json::from_value::<Settings>(json.clone()).is_err(), "{json}");
        }
        let usual: Settings = serde_json::from_value(serde_json::json!({"contract": {}})).unwrap();
        assert_eq!((usual.check(), usual.contract), (Ok(()), Some(Contract::default())));
    }

    #[test]
    fn acting_pays_from_where_what_is_saved_outweighs_what_is_spent() {
        let settings = Settings { loss: Some(100.0), action: Some(6.0), keeps: 0.3, ..Settings::default() };
        let levels = settings.costs(1.0).levels(0.4);
        assert!((levels.high.unwrap() - 0.2).abs() < 1e-12 && (levels.medium - 0.1).abs() < 1e-12);
        assert_eq!(Settings { action: Some(30.0), ..settings }.costs(1.0).levels(0.4).high, None, "it never pays");
    }

    #[test]
    fn without_costs_levels_go_by_how_many_are_usually_lost() {
        let usual = Settings::default().costs(80.0);
        assert_eq!((usual.loss, usual.action, usual.levels(0.4)), (80.0, None, Levels::beside(0.4)));
    }
}
