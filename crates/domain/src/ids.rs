//! Names of rows. Rows that people see have a UUIDv7 with a readable prefix (`imp_0193...`); workspaces, persons and
//! handles, which stand in every row of the largest tables, are 64-bit integers.

use serde::{Deserialize, Serialize};

use crate::{Clock, Rng};

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer_id!(
    /// The tenant. Every row of every table belongs to one.
    WorkspaceId
);
integer_id!(
    /// Where events come from. Small: numbered within the data folder.
    SourceId
);
integer_id!(
    /// One person: a profile. Random and positive.
    PersonId
);
integer_id!(
    /// Stands for one identifier for ever, and says nothing about it. Random and positive.
    Handle
);
integer_id!(
    /// An organisation that profiles belong to. Random and positive.
    AccountId
);

/// A row's name: a prefix of a few letters, an underscore, and a UUIDv7 as 32 hexadecimal digits. Sorts by creation time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub String);

impl Id {
    /// A new id, e.g. `Id::new("imp", ..)` for an import.
    pub fn new(prefix: &str, clock: &dyn Clock, rng: &dyn Rng) -> Self {
        let mut random = [0; 10];
        rng.fill(&mut random);
        let millis = u64::try_from(clock.now().0.max(0) / 1000).unwrap_or(0);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Self(format!("{prefix}_{}", uuid.simple()))
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, SeededRng, Timestamp};

    #[test]
    fn ids_sort_by_time() {
        let rng = SeededRng::new(1);
        let clock = ManualClock::at(Timestamp::from_seconds(1_700_000_000));
        let first = Id::new("imp", &clock, &rng);
        clock.advance(2_000);
        let second = Id::new("imp", &clock, &rng);
        assert!(first.as_str().starts_with("imp_") && first < second);
    }
}
