//! SQL texts: written once, with `$n` binds, for both engines.
//!
//! Always holds: a text is a literal in our source (through [`sql!`](crate::sql)), so that a test finds and prepares every
//! one of them; the few assembled ones say so by [`Sql::assembled`]. User input only ever goes in through binds.
//!
//! Tokens: `{skip_locked}` is `FOR UPDATE SKIP LOCKED` on PostgreSQL and nothing on SQLite; `{rows}` is where
//! [`crate::Tx::execute_many`] writes its rows. A list bound to `$n` may stand only as `IN ($n)` or `NOT IN ($n)`.

use std::borrow::Cow;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::{Arg, Engine};

/// One statement's text.
#[derive(Clone, Debug)]
pub struct Sql(pub(crate) Cow<'static, str>);

/// A statement written in the source: `sql!("SELECT name FROM source WHERE workspace = $1")`.
/// A test collects these literals and prepares each on both engines.
#[macro_export]
macro_rules! sql {
    ($text:literal) => {
        $crate::Sql::literal($text)
    };
}

impl Sql {
    /// What [`sql!`](crate::sql) makes; use the macro, so that the text is found and prepared by the test.
    pub const fn literal(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// A text put together at run time from parts of our own source (an `ORDER BY` chosen by the user from a list, say).
    /// Never from user input. Tests must run each form.
    pub const fn assembled(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// The text as this engine takes it.
    pub(crate) fn prepare(self, engine: Engine, args: &[Arg]) -> SqlStr {
        let mut text = self.0;
        if text.contains("{skip_locked}") {
            text = Cow::Owned(text.replace("{skip_locked}", engine.skip_locked()));
        }
        for (index, arg) in args.iter().enumerate() {
            let value = match arg {
                Arg::Ints(_) | Arg::Texts(_) => "value",
                Arg::Blobs(_) => "unhex(value)",
                _ => continue,
            };
            text = Cow::Owned(expand_list(&text, index + 1, value, engine));
        }
        match text {
            Cow::Borrowed(text) => text.into_sql_str(),
            Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }

    /// Writes `rows` rows of `width` binds where `{rows}` stands; these are the text's only binds. `None` when the text has
    /// no such place. SQLite gets them unnamed: it looks each named one up among all before it, which costs the square of
    /// their number (docs/decisions/0004).
    pub(crate) fn with_rows(&self, engine: Engine, width: usize, rows: usize) -> Option<String> {
        let (before, after) = self.0.split_once("{rows}")?;
        let mut text = String::with_capacity(before.len() + after.len() + rows * (width * 7 + 4));
        text.push_str(before);
        let mut number = 0;
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..width {
                number += 1;
                text.push_str(if column == 0 { "" } else { ", " });
                match engine {
                    Engine::Sqlite => text.push('?'),
                    Engine::Postgres => text.push_str(&format!("${number}")),
                }
            }
            text.push(')');
        }
        text.push_str(after);
        Some(text)
    }
}

/// Replaces `($n)` by a sub-select over the one bound list, so that a list of any length is one bind and one prepared text; `value` is what SQLite makes
/// of an item of its JSON.
pub(crate) fn expand_list(text: &str, number: usize, value: &str, engine: Engine) -> String {
    let place = format!("(${number})");
    let select = match engine {
        Engine::Sqlite => format!("(SELECT {value} FROM json_each(${number}))"),
        Engine::Postgres => format!("(SELECT unnest(${number}))"),
    };
    text.replace(&place, &select)
}

/// Escapes `%`, `_` and `\` of user input for `LIKE $n ESCAPE '\'`.
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_through() {
        let sql = Sql::literal("INSERT INTO t (a, b) VALUES {rows} ON CONFLICT DO NOTHING");
        assert_eq!(
            sql.with_rows(Engine::Postgres, 2, 2).as_deref(),
            Some("INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING")
        );
        assert_eq!(
            sql.with_rows(Engine::Sqlite, 2, 2).as_deref(),
            Some("INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING")
        );
        assert_eq!(Sql::literal("SELECT a FROM t").with_rows(Engine::Sqlite, 2, 2), None);
    }

    #[test]
    fn lists_become_one_bind() {
        let sql = Sql::literal("SELECT a FROM t WHERE b IN ($1) AND c = $11 AND d NOT IN ($2)");
        let args = crate::args![&vec![1_i64], &vec!["x"]];
        assert_eq!(
            sql.prepare(Engine::Postgres, &args.0).as_str(),
            "SELECT a FROM t WHERE b IN (SELECT unnest($1)) AND c = $11 AND d NOT IN (SELECT unnest($2))"
        );
    }

    #[test]
    fn like_is_escaped() {
        assert_eq!(escape_like(r"50%_\"), r"50\%\_\\");
    }
}
