//! The text form of conditions, for people: read, written, and written out anew in one canonical way.
//!
//! ```text
//! performed "Order Completed" at least 3 times in the last 90 days where revenue >= 50
//!   and trait country in (DE, AT) and not trait employee is true
//! ```
//!
//! `not` binds closest, then `and`, then `or`; parentheses group. What follows `where` belongs to it as long as it tests properties of the event, or is what stands in parentheses right after
//! it; `trait`, `fact`, `performed` and `never` begin a test of the person. Words that are no keywords need no quotes; `"true"` and `"5"` are texts, `true` and `5` are not.
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
