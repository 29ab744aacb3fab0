//! What is bought together, in sets of any size, and the rules that follow: who has these also has that.
//!
//! * [`ItemSets::mine`]: every set of items that at least so many baskets hold (Agrawal and Srikant 1994, "Fast algorithms for mining association rules"),
//!   with how many do.
//! * [`ItemSets::rules`]: the rules of a named class ([`Consequents`]) with at least so much confidence, with their measures, intervals and false discovery.
//!
//! Always holds: thresholds are fractions of whole numbers and are compared as such ([`Share`]), so that a rule of exactly four in five is one of 80 %,
//! which in floating point it may not be; results do not depend on the order of baskets or of items in them.
//!
//! Does not do: say that buying one causes buying the other; pairs for offers by the million ([`crate::recommend::Baskets`]).

mod itemsets;
mod measures;
mod rules;

pub use itemsets::{ItemSets, Limits};
pub use measures::Counts;
pub use rules::{Consequents, Rule, Rules};

/// A fraction of whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    part: u64,
    of: u64,
}

impl Share {
    /// `part` of `of`; `None` if that is more than all, or of nothing.
    pub fn new(part: u64, of: u64) -> Option<Self> {
        (of > 0 && part <= of).then_some(Self { part, of })
    }

    /// The exact value of a decimal such as `0.001`, `.8` or `80%`. `None` for anything else, above 1, or of more than 15 digits.
    pub fn decimal(text: &str) -> Option<Self> {
        let (number, percent) = text.trim().strip_suffix('%').map_or((text.trim(), 0), |it| (it.trim(), 2));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > 15 || !digits.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        Self::new(digits.parse().ok()?, 10u64.checked_pow(fraction.len() as u32 + percent)?)
    }

    /// The least whole number that is at least this share of `all`.
    pub fn least(self, all: u64) -> u64 {
        (u128::from(self.part) * u128::from(all)).div_ceil(u128::from(self.of)) as u64
    }

    /// Whether `part` of `of` is at least this share.
    fn reached(self, part: u64, of: u64) -> bool {
        u128::from(part) * u128::from(self.of) >= u128::from(self.part) * u128::from(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact() {
        assert_eq!(Share::decimal("0.001").unwrap().least(9_835), 10);
        assert_eq!(Share::decimal(".01").unwrap().least(9_800), 98);
        assert_eq!(Share::decimal("80 %"), Share::new(80, 100));
        assert!(Share::decimal("0.8").unwrap().reached(4, 5) && !Share::decimal("0.8").unwrap().reached(3, 4));
        for wrong in ["", ".", "1.1", "-0.5", "1e-3", "nan", "0,5", "0.00000000000000000001"] {
            assert_eq!(Share::decimal(wrong), None, "{wrong}");
        }
        assert_eq!(Share::new(u64::MAX, u64::MAX).unwrap().least(u64::MAX), u64::MAX);
    }
}
