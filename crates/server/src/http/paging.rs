//! Lists page by page: `?limit=50&cursor=...` in, `{rows, next}` out.
//!
//! Always holds: a cursor is opaque and says where the last page ended, so that new rows neither repeat nor hide old ones.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Problem, Result};

/// Rows of a page unless said.
const USUAL: u32 = 50;
/// Rows of a page at most.
const MOST: u32 = 500;

/// Which page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows of a page: 1 to 500, 50 unless said.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; null on the last.
    pub next: Option<String>,
    /// How many rows all pages have together, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

/// A list that is always whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Rows<T> {
    /// The rows.
    pub rows: Vec<T>,
}

impl PageQuery {
    /// How many rows to answer.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }

    /// Where the page begins, as [`write_cursor`] wrote it.
    pub fn position<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.cursor.as_deref().filter(|cursor| !cursor.is_empty()).map(read_cursor).transpose()
    }
}

impl<T> Page<T> {
    /// The page of `rows`, which were asked for with one row more than `limit`; `position` says where a row stands.
    pub fn cut<P: Serialize>(mut rows: Vec<T>, limit: u32, position: impl Fn(&T) -> P) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| write_cursor(&position(row)));
        Self { rows, next, total: None }
    }

    /// The same with the number of all rows.
    #[must_use]
    pub fn of_total(mut self, total: i64) -> Self {
        self.total = Some(total);
        self
    }

    /// The same with other rows.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(change).collect(), next: self.next, total: self.total }
    }
}

/// A position as an opaque text.
pub fn write_cursor(position: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

/// The position in a text of [`write_cursor`].
pub fn read_cursor<T: DeserializeOwned>(cursor: &str) -> Result<T> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    let wrong = || Problem::bad_request("bad_cursor", "The cursor is none that a page of this list gave.");
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_without_gap() {
        let all: Vec<i64> = (0..7).collect();
        let mut seen = Vec::new();
        let mut query = PageQuery { limit: Some(3), cursor: None };
        loop {
            let from = query.position::<i64>().unwrap().map_or(0, |last| last + 1);
            let rows: Vec<i64> = all.iter().copied().filter(|n| *n >= from).take(query.limit() as usize + 1).collect();
            let page = Page::cut(rows, query.limit(), |row| *row);
            seen.extend(page.rows);
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all);
        assert_eq!(read_cursor::<i64>("nonsense").unwrap_err().code(), "bad_cursor");
    }
}
