//! Segments that are kept for conditions of others: a journey's branch, an experiment's rule. Whoever has such a condition asks whether somebody is in
//! its segment, so that it is judged once, as events come, and not at each question.
//!
//! Always holds: equal conditions are one segment, whoever asks; one that anybody asks for, another segment included, is not let go.
//!
//! Does not do: know who asks. They say so ([`let_go`]).

use std::collections::BTreeSet;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Priority, Result, Store, Tx};

use crate::Condition;
use crate::records::memberships;
use crate::records::segments::{self, SegmentRow};

/// What the keys of such segments begin with.
pub const KEPT: &str = "auto-";

/// The key of the segment of a condition. Whoever asks for a segment as such asks for that one.
pub fn key_of(condition: &Condition) -> String {
    if let Condition::Segment { key, length: None } = condition {
        return key.clone();
    }
    let digest = blake3::hash(condition.to_json().to_string().as_bytes()).to_hex();
    format!("{KEPT}{}", &digest[..20])
}

/// Whether a key is of such a segment, and not of one that people made.
pub fn is_kept(key: &str) -> bool {
    key.starts_with(KEPT)
}

/// Keeps a segment for a condition, unless there is one; its key, and whether it is new: then the keeper of
/// segments is to be told.
pub async fn keep(
    tx: &mut Tx,
    workspace: WorkspaceId,
    condition: &Condition,
    name: &str,
    (now, by): (Timestamp, &str),
) -> Result<(String, bool)> {
    let key = key_of(condition);
    if !is_kept(&key) || segments::by_key(tx, workspace, &key).await?.is_some() {
        return Ok((key, false));
    }
    let number = segments::next_number(tx, workspace).await?;
    let words = (name.to_owned(), "Kept for what asks for it.".to_owned());
    let row = SegmentRow::new(number, key.clone(), words, condition, now, by);
    segments::save(tx, workspace, &row).await?;
    Ok((key, true))
}

/// Deletes those of before `before` that nobody asks for: not by `asked`, and no other segment. Their members go first, in slices. Whether there were
/// any. Younger ones stay, because whoever asks for them may be about to say so.
pub async fn let_go(
    store: &Store,
    workspace: WorkspaceId,
    asked: &BTreeSet<String>,
    before: Timestamp,
) -> Result<bool> {
    let known = segments::all(&mut store.read(), workspace).await?;
    let by_segments: BTreeSet<String> = segments::conditions(&known)
        .iter()
        .flat_map(|(_, condition)| condition.segment_keys().into_iter().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let is_asked = |key: &String| asked.contains(key) || by_segments.contains(key);
    let is_gone = |row: &&SegmentRow| is_kept(&row.key) && row.updated_at < before && !is_asked(&row.key);
    let gone: Vec<&SegmentRow> = known.iter().filter(is_gone).collect();
    for row in &gone {
        memberships::delete_all(store, workspace, row.segment).await?;
        let mut tx = store.begin(Priority::Background).await?;
        segments::delete(&mut tx, workspace, row.segment).await?;
        tx.commit().await?;
    }
    Ok(!gone.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn equal_conditions_are_one_segment_and_a_segment_is_itself() {
        let of = |text: &str| key_of(&Condition::from_text(text, Limits::DEFAULT).unwrap());
        let one = of("trait country = DE");
        assert!(is_kept(&one) && one.len() == KEPT.len() + 20, "{one}");
        assert_eq!(one, of("trait   country = DE"));
        assert_ne!(one, of("trait country = FR"));
        assert_eq!(of("in segment regulars"), "regulars");
    }
}
