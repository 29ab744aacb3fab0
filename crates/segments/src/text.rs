//! The text form of conditions, for people: read, written, and written out anew in one canonical way.
//!
//! ```text
//! performed "Order Completed" at least 3 times in the last 90 days where revenue >= 50
//!   and trait country in (DE, AT) and not trait employee is true
//!
//! sum revenue of "Order Completed" >= 500 in the last 365 days
//! distinct product_id of "Product Viewed" >= 3 in the last 7 days
//! days of * >= 5 in the last 14 days
//! first performed "Order Completed" in the last 30 days having revenue >= 100
//! sequence ("Checkout Started") same checkout_id without "Order Completed" within 1 hour in the last 7 days
//! overdue "Order Completed" by 1.5 after 3 gaps
//! streak "Signed In" at least 3 days
//! trait plan = pro for 30 days
//! trait plan changed from free to pro during in the last 7 days
//! trait trial_ends in the next 3 days
//! in segment loyal for 30 days and in bucket 0 to 10 of "spring"
//! performed "Order Completed" at least $least times in the last $window with $least = 3, $window = 90d
//! ```
//!
//! `not` binds closest, then `and`, then `or`; parentheses group. What follows `where` belongs to it as long as it tests properties of the event, or is what stands in parentheses right after
//! it. Tests of the person begin with `trait`, `fact`, `performed`, `never performed`,
//! `first performed`, `last performed`, `sum` (`average`, `smallest`, `largest`, `distinct`, `days`), `sequence`, `overdue`, `streak`, `in segment`, `in list` or `in bucket`. Words that are no keywords need no quotes; `"true"` and `"5"` are texts, `true` and `5` are not.
//!
//! Always holds: what is printed reads back as the same condition; an error names the line, the column, what stands there and what was expected.
//!
//! Does not do: say what a condition means ([`crate::condition`] does), or where it may stand ([`Condition::validate`]).

mod parse;
mod print;
mod words;

use crate::Error;
use crate::condition::{Condition, Limits};

impl Condition {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`Error::Text`] with the place and what was expected; [`Error::TooDeep`], [`Error::TooLarge`] as for the JSON form.
    pub fn from_text(text: &str, limits: Limits) -> Result<Self, Error> {
        let tree = parse::condition(text)?;
        // The JSON form's limits are the tree's limits: they are checked in one place.
        Self::from_json(&tree.to_json(), limits)
    }

    /// The text form, in its one canonical way of writing.
    pub fn to_text(&self) -> String {
        print::condition(self)
    }
}
