//! A decimal number of a rule: a rate, a price, a multiplier. Written as a text, so that no reader makes a binary fraction of it.

use rapport_domain::money::{MICROS_PER_UNIT, format_micros, micros_from_json};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Millionths of one. Digits past the sixth decimal are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i64);

impl Decimal {
    /// Of so many millionths.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// In millionths.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// So much of an amount, to the nearest unit of the amount, halves away from 0; `None` past the end of 64 bits.
    pub fn of(self, amount: i64) -> Option<i64> {
        let product = i128::from(amount) * i128::from(self.0);
        let unit = i128::from(MICROS_PER_UNIT);
        let half = unit / 2 * product.signum();
        i64::try_from((product + half) / unit).ok()
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_micros(self.0))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        micros_from_json(&value)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("is no decimal number; write it as a text, e.g. \"1.5\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rounded_to_the_nearest() {
        let half = Decimal::from_micros(500_000);
        assert_eq!([3, 4, -3, 0].map(|amount| half.of(amount)), [Some(2), Some(2), Some(-2), Some(0)]);
        assert_eq!(Decimal::from_micros(i64::MAX).of(i64::MAX), None);
        assert_eq!(serde_json::to_string(&half).unwrap(), "\"0.50\"");
        assert_eq!(serde_json::from_str::<Decimal>("1.25").unwrap(), Decimal::from_micros(1_250_000));
        assert!(serde_json::from_str::<Decimal>("\"much\"").is_err());
    }
}
