//! What the compiler must know of a table of events.
//!
//! Always holds: readings follow the rules of [`crate::value`]; a value without the reading is null.

use datafusion::logical_expr::{Expr, ident};
use rapport_lake::{PropertyType, Snapshot, columns};

use crate::value::Reading;

/// The columns of a table of events, as expressions over it.
pub trait EventColumns {
    /// The person; `Int64`, never null.
    fn person(&self) -> Expr;

    /// The event's standard name; a text or a dictionary of texts, never null.
    fn name(&self) -> Expr;

    /// When it happened; `Timestamp(µs, "UTC")`, never null.
    fn occurred_at(&self) -> Expr;

    /// The property at `path` read as `reading`: `Utf8`, `Float64`, `Int64` millionths or `Boolean`; null where it is missing or
    /// cannot be read so.
    fn property(&self, path: &str, reading: Reading) -> Expr;
}

impl EventColumns for Snapshot {
    fn person(&self) -> Expr {
        ident(columns::PERSON)
    }

    fn name(&self) -> Expr {
        ident(columns::NAME)
    }

    fn occurred_at(&self) -> Expr {
        ident(columns::OCCURRED_AT)
    }

    fn property(&self, path: &str, reading: Reading) -> Expr {
        let kind = match reading {
            Reading::Text => PropertyType::Text,
            Reading::Number => PropertyType::Number,
            Reading::Amount => PropertyType::Money,
            Reading::Boolean => PropertyType::Boolean,
        };
        Snapshot::property(self, path, kind)
    }
}
