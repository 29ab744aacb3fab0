//! The card of a version of a propensity.

use super::{Label, Learned};
use crate::foretelling::Written;
use crate::scores::card::Card;
use crate::value::Bought;

/// What a propensity never says.
const LIMITS: [&str; 6] = [
    "It says who will probably do it, not why, nor what would make anybody do it: reasons are what goes with a chance. For that there are experiments.",
    "Whom to write to is a question of what writing changes: whoever does it anyway has a high chance too. That takes an experiment with people who are left alone.",
    "It knows no competitor, price, season or campaign to come: what is to come is taken to be like what was.",
    "A person's interval is how it turned out for people of about the same chance; of one person alone it is a bet.",
    "What came with the history of a new source, or by a file, is taken as known when it happened. Who was asked about, and who fulfilled a condition already, is told by what is known today.",
    "Of what people wrote only how they felt is read, as a machine understood it; complaints, stars and answers are counted.",
];

impl Learned {
    /// Its card.
    pub fn card(&self, bought: &Bought) -> Card {
        let definition = &self.content.definition;
        let mut left_out = vec![format!("Of whom nothing was heard for {} weeks.", definition.active_weeks)];
        if let Some(audience) = &definition.audience {
            left_out.push(format!("Who was not of those asked about: {}.", audience.to_text()));
        }
        if matches!(definition.label, Label::Condition { .. }) {
            left_out.push("Whoever fulfilled the condition already.".to_owned());
        }
        self.written(
            bought,
            Written { title: format!("Who {}", definition.said()), left_out, came: "did it", limits: &LIMITS },
        )
    }
}
