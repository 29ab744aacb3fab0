//! The card of a version of churn.

use super::Learned;
use crate::foretelling::Written;
use crate::scores::card::Card;
use crate::value::Bought;

/// What a model of churn never says.
const LIMITS: [&str; 6] = [
    "It says who will probably be lost, not why, nor what would keep anybody: reasons are what goes with a risk. For that there are experiments.",
    "Whom to act on is a question of what acting changes, which takes an experiment with people who are left alone; a high risk by itself is none.",
    "It knows no competitor, price or season to come: what is to come is taken to be like what was.",
    "A person's interval is how it turned out for people of about the same risk; of one person alone it is a bet.",
    "What came with the history of a new source, or by a file, is taken as known when it happened.",
    "Of what people wrote only how they felt counts for a risk, as a machine understood it; complaints, stars and answers do. Beside it is told which topics come before a loss.",
];

impl Learned {
    /// Its card.
    pub fn card(&self, bought: &Bought) -> Card {
        let definition = &self.content.definition;
        let weeks = definition.horizon_weeks;
        let (title, left_out) = match &definition.contract {
            None => (
                format!("Who buys nothing in the next {weeks} weeks"),
                format!("Whoever had bought nothing for {} weeks: they are lost already.", definition.active_weeks),
            ),
            Some(contract) => (
                format!("Whose subscription ends in the next {weeks} weeks"),
                format!(
                    "Whoever had no subscription: none by {}, or it had ended by {}.",
                    contract.has.join(", "),
                    contract.ends.join(", ")
                ),
            ),
        };
        self.written(bought, Written { title, left_out: vec![left_out], came: "were lost", limits: &LIMITS })
    }
}
