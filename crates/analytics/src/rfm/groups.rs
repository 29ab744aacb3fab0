//! The named groups: a table of recency against value, where value is the mean of frequency and monetary score, rounded up.
//!
//! Always holds: each of the 125 combinations of scores belongs to exactly one group, and each group has some.

/// A named group of buyers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Bought lately, often and much.
    Champions,
    /// Buy often or much, and are still here.
    Loyal,
    /// Bought lately, and more than once or for more than most.
    PotentialLoyalists,
    /// Bought for the first time just now.
    NewCustomers,
    /// Bought not long ago, little so far.
    Promising,
    /// In the middle of everything, and no longer fresh.
    NeedAttention,
    /// Below the middle, and going.
    AboutToSleep,
    /// Bought often or much, but not lately.
    AtRisk,
    /// Were among the best, and are gone for long.
    CannotLoseThem,
    /// Bought little, long ago.
    Hibernating,
}

use Group::{
    AboutToSleep, AtRisk, CannotLoseThem, Champions, Hibernating, Loyal, NeedAttention, NewCustomers,
    PotentialLoyalists, Promising,
};

/// By recency (rows, from 1) and value (columns, from 1).
const TABLE: [[Group; 5]; 5] = [
    [Hibernating, Hibernating, AtRisk, CannotLoseThem, CannotLoseThem],
    [Hibernating, AboutToSleep, AtRisk, AtRisk, AtRisk],
    [AboutToSleep, AboutToSleep, NeedAttention, Loyal, Loyal],
    [Promising, PotentialLoyalists, PotentialLoyalists, Loyal, Champions],
    [NewCustomers, PotentialLoyalists, PotentialLoyalists, Champions, Champions],
];

/// The group of three scores, each 1 to 5; what lies outside is taken as the nearest.
pub fn group_of(recency: u8, frequency: u8, monetary: u8) -> Group {
    let value = (frequency.clamp(1, 5) + monetary.clamp(1, 5)).div_ceil(2);
    TABLE[usize::from(recency.clamp(1, 5)) - 1][usize::from(value) - 1]
}

impl Group {
    /// All groups, from the best to the lost.
    pub const ALL: [Self; 10] = [
        Champions,
        Loyal,
        PotentialLoyalists,
        NewCustomers,
        Promising,
        NeedAttention,
        AboutToSleep,
        AtRisk,
        CannotLoseThem,
        Hibernating,
    ];

    /// The stable name.
    pub const fn key(self) -> &'static str {
        match self {
            Champions => "champions",
            Loyal => "loyal",
            PotentialLoyalists => "potential_loyalists",
            NewCustomers => "new_customers",
            Promising => "promising",
            NeedAttention => "need_attention",
            AboutToSleep => "about_to_sleep",
            AtRisk => "at_risk",
            CannotLoseThem => "cannot_lose_them",
            Hibernating => "hibernating",
        }
    }

    /// The group with a stable name.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.key() == key)
    }

    /// What it is called on screen.
    pub const fn label(self) -> &'static str {
        match self {
            Champions => "Champions",
            Loyal => "Loyal",
            PotentialLoyalists => "Potential loyalists",
            NewCustomers => "New customers",
            Promising => "Promising",
            NeedAttention => "Need attention",
            AboutToSleep => "About to sleep",
            AtRisk => "At risk",
            CannotLoseThem => "Cannot lose them",
            Hibernating => "Hibernating",
        }
    }

    /// What to do.
    pub const fn action(self) -> &'static str {
        match self {
            Champions => "Thank them, show them new things first, ask for reviews and referrals.",
            Loyal => "Offer more of what they buy and a reason to stay, such as a loyalty program.",
            PotentialLoyalists => "Recommend what fits their orders and invite them to the loyalty program.",
            NewCustomers => "Welcome them, help them to use what they bought, suggest a second order.",
            Promising => "Remind them of the shop and make a second order easy.",
            NeedAttention => "Bring them back with an offer that fits what they bought, for a limited time.",
            AboutToSleep => "Remind them with popular products or a small discount before they forget you.",
            AtRisk => "Write personally, ask what was missing, offer something worth coming back for.",
            CannotLoseThem => "Win them back by hand: call or write, listen, renew what they liked.",
            Hibernating => "Send only what is cheap to send; do not spend on them.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_combination_belongs_to_one_group_and_every_group_has_some() {
        let mut cells: BTreeMap<&str, usize> = BTreeMap::new();
        for recency in 1..=5 {
            for frequency in 1..=5 {
                for monetary in 1..=5 {
                    let group = group_of(recency, frequency, monetary);
                    assert_eq!(Group::of_key(group.key()), Some(group));
                    *cells.entry(group.key()).or_default() += 1;
                }
            }
        }
        assert_eq!(cells.len(), Group::ALL.len());
        assert_eq!(cells.values().sum::<usize>(), 125);
        for (place, group) in Group::ALL.into_iter().enumerate() {
            assert_eq!(group as usize, place, "tallies are kept by place");
        }
    }

    #[test]
    fn more_value_or_a_later_order_never_leads_from_champions_to_the_lost() {
        assert_eq!(group_of(5, 5, 5), Group::Champions);
        assert_eq!(group_of(5, 1, 1), Group::NewCustomers);
        assert_eq!(group_of(1, 5, 5), Group::CannotLoseThem);
        assert_eq!(group_of(1, 1, 1), Group::Hibernating);
        assert_eq!(group_of(3, 3, 3), Group::NeedAttention);
        assert_eq!(group_of(9, 0, 0), Group::NewCustomers);
    }
}
