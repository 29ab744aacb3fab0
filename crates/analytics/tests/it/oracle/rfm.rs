//! RFM: the figures of buyers against adding up by hand; their scores have an oracle of their own beside the function.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rapport_analytics::rfm::{Figures, Group, scores};
use rapport_domain::{PersonId, money};
use serde_json::json;

use super::world::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn groups_and_grid_hold_every_buyer_once(world in any_world(), period in any_period(), who in any_who()) {
        let mut question = json!({"kind": "rfm", "period": period});
        if let Some(who) = &who {
            question["who"] = who.clone();
        }
        let settled = world.settle();
        let answer = settled.ask(&question);
        let found = detail(&answer);

        let (from, to) = world.range(&period);
        let as_of = world.now.min(to.plus(-1));
        prop_assert_eq!(&found["as_of"], &json!(as_of.to_rfc3339()));
        let mut buyers: BTreeMap<i64, Figures> = BTreeMap::new();
        for order in world.events.iter().filter(|event| event.name == ORDER && (from..to).contains(&event.at)) {
            if world.is_meant(who.as_ref(), order.person) {
                let buyer = buyers.entry(order.person).or_insert(Figures {
                    person: PersonId(order.person),
                    last_order_at: order.at,
                    orders: 0,
                    spent_micros: 0,
                });
                buyer.last_order_at = buyer.last_order_at.max(order.at);
                buyer.orders += 1;
                buyer.spent_micros += order.euros().unwrap_or(0);
            }
        }
        let buyers: Vec<Figures> = buyers.into_values().collect();
        prop_assert_eq!(&found["customers"], &json!(buyers.len()));
        let scored = scores(&buyers, as_of).map_or(Vec::new(), |(_, scores)| scores);
        for (shown, group) in found["groups"].as_array().unwrap().iter().zip(Group::ALL) {
            let members: Vec<&Figures> =
                buyers.iter().zip(&scored).filter(|(_, score)| score.group == group).map(|(buyer, _)| buyer).collect();
            prop_assert_eq!(&shown["key"], group.key());
            prop_assert_eq!(&shown["people"], &json!(members.len()));
            let revenue: i64 = members.iter().map(|buyer| buyer.spent_micros).sum();
            prop_assert_eq!(&shown["revenue"], &json!(money::format_micros(revenue)));
            let people: Vec<i64> = members.iter().map(|buyer| buyer.person.0).collect();
            if !people.is_empty() {
                prop_assert_eq!(settled.people(&question, json!({"group": group.key()})), people);
            }
        }
        for recency in 1..=5 {
            for frequency in 1..=5 {
                let count = scored.iter().filter(|s| (s.recency, s.frequency) == (recency, frequency)).count();
                prop_assert_eq!(&found["grid"][usize::from(recency) - 1][usize::from(frequency) - 1], &json!(count));
            }
        }
    }
}
