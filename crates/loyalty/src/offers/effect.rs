//! Effects: what an offer does to a cart, and how much of it is taken back when a part of the cart is returned.

use serde::{Deserialize, Serialize};

use super::Cart;

/// Something that an offer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Which offer.
    pub offer: String,
    /// What it does.
    #[serde(flatten)]
    pub kind: EffectKind,
    /// How much: millionths of the cart's currency, units of a free item, or points.
    pub value: i64,
    /// How much it would have been if no budget and no guardrail had cut it.
    pub wanted: i64,
}

/// What an effect does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum EffectKind {
    /// Takes something off a line.
    Discount {
        /// Which, from 0.
        line: usize,
        /// Off how many of its units, where it is not all of them.
        units: Option<i64>,
    },
    /// Takes something off shipping.
    ShippingDiscount,
    /// Puts something on top.
    FreeItem {
        /// Which product.
        product_id: String,
    },
    /// Gives points when the cart is paid.
    Points {
        /// Into which wallet.
        wallet: String,
    },
}

/// So much of `total` for each weight: every share rounded down, then one more for the first ones until nothing is left.
pub fn allot(total: i64, weights: &[i64]) -> Vec<i64> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if all <= 0 {
        return vec![0; weights.len()];
    }
    let share = |weight: &i64| i64::try_from(i128::from(total) * i128::from(*weight) / all).unwrap_or(0);
    let mut shares: Vec<i64> = weights.iter().map(share).collect();
    let mut left = total - shares.iter().sum::<i64>();
    for (share, _) in shares.iter_mut().zip(weights).filter(|(_, weight)| **weight > 0) {
        if left == 0 {
            break;
        }
        *share += 1;
        left -= 1;
    }
    shares
}

/// How much of an effect is taken back in all when so much of each line (in millionths of a unit) was returned in all. What is taken off a line goes back with its
/// units; points with the part of the goods that they were given for, as they were paid; shipping and what came on top when nothing is left.
pub fn rolled_back(effect: &Effect, cart: &Cart, effects: &[Effect], returned: &[i64]) -> i64 {
    let back = |line: usize| returned.get(line).copied().unwrap_or(0);
    let part = |of: i64, part: i128, whole: i128| {
        let taken = if whole <= 0 { 0 } else { i128::from(of) * part.clamp(0, whole) / whole };
        i64::try_from(taken).unwrap_or(of)
    };
    let quantity = |line: usize| cart.lines.get(line).map_or(0, |it| it.item.quantity);
    let is_whole = !cart.lines.is_empty() && (0..cart.lines.len()).all(|line| back(line) >= quantity(line));
    match &effect.kind {
        EffectKind::Discount { line, .. } => part(effect.value, i128::from(back(*line)), i128::from(quantity(*line))),
        EffectKind::Points { .. } => {
            let off = |line: usize| -> i64 {
                let of_line = |it: &&Effect| matches!(it.kind, EffectKind::Discount { line: own, .. } if own == line);
                effects.iter().filter(of_line).map(|it| it.value).sum()
            };
            let paid = |line: usize| i128::from(cart.lines[line].item.micros - off(line));
            let (mut gone, mut all) = (0, 0);
            for line in 0..cart.lines.len() {
                let (paid, quantity) = (paid(line), i128::from(quantity(line).max(1)));
                all += paid;
                gone += paid * i128::from(back(line)).clamp(0, quantity) / quantity;
            }
            if is_whole { effect.value } else { part(effect.value, gone, all) }
        }
        EffectKind::ShippingDiscount | EffectKind::FreeItem { .. } => {
            if is_whole {
                effect.value
            } else {
                0
            }
        }
    }
}
