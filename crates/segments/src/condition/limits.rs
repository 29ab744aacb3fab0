//! How large a condition may be. Everything that later walks the tree, and the planner of the query engine, recurses over
//! it; these limits are what keeps both from running out of stack.
//!
//! Always holds: the nesting of a text is measured before it is decoded, without recursion, in one pass over its bytes.

use super::given::Parameters;
use crate::Error;

/// The largest size of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Conditions in the tree, combinations and `performed` filters included.
    pub nodes: usize,
    /// Levels of conditions inside conditions; a single test has one.
    pub depth: usize,
    /// Values to compare with, those of all lists together.
    pub values: usize,
    /// Characters of one name, path, key or text.
    pub characters: usize,
}

impl Limits {
    /// What the product allows.
    pub const DEFAULT: Self = Self { nodes: 500, depth: 20, values: 5_000, characters: 1_000 };

    /// Refuses a JSON text whose brackets nest deeper than a condition within the limits can.
    pub(super) fn check_nesting(&self, text: &str) -> Result<(), Error> {
        // A `performed` inside a `performed` costs two brackets a level, as does `all`; the innermost test a few more.
        let deepest = 2 * self.depth + 4;
        let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
        for byte in text.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => {
                    depth += 1;
                    if depth > deepest {
                        return Err(Error::TooDeep { limit: self.depth });
                    }
                }
                b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is left of the limits while a condition is decoded.
pub(super) struct Budget {
    limits: Limits,
    nodes: usize,
    values: usize,
    pub(super) parameters: Parameters,
}

impl Budget {
    /// All of `limits`.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, nodes: 0, values: 0, parameters: Parameters::default() }
    }

    /// Takes one condition at `depth` (1 for the root).
    pub(super) fn take_node(&mut self, depth: usize) -> Result<(), Error> {
        self.nodes += 1;
        if depth > self.limits.depth {
            return Err(Error::TooDeep { limit: self.limits.depth });
        }
        if self.nodes > self.limits.nodes {
            return Err(Error::TooLarge { what: "conditions", limit: self.limits.nodes });
        }
        Ok(())
    }

    /// Takes `count` values.
    pub(super) fn take_values(&mut self, count: usize) -> Result<(), Error> {
        self.values = self.values.saturating_add(count);
        if self.values > self.limits.values {
            return Err(Error::TooLarge { what: "values to compare with", limit: self.limits.values });
        }
        Ok(())
    }

    /// The longest text.
    pub(super) fn characters(&self) -> usize {
        self.limits.characters
    }
}
