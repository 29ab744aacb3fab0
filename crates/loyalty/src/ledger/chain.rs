//! The chain of hashes over everything that was ever posted: whoever changes, drops or slips in a record later breaks it from there on.
//!
//! Always holds: what goes in is never erased (whose account, how many points, from where to where, when, until when, and of the id and what was asked for a
//! hash), so no reference and no reason: when a person is erased, the chain stays whole. What changes later (how much was undone, what is left of a lot) is
//! derived from it (`verify`).

use super::{Operation, Refusal};

/// The end of the chain: a hash of everything before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The chain with `operations` at its end.
    #[must_use]
    pub fn with<'o>(self, operations: impl IntoIterator<Item = &'o Operation>) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.0);
        for operation in operations {
            hash.update(&operation.number.to_le_bytes());
            hash.update(&checksum(operation).to_le_bytes());
        }
        Self(*hash.finalize().as_bytes())
    }
}

/// 64 bits that say what an operation was: kept beside it, so that the first record that was changed can be named.
pub fn checksum(operation: &Operation) -> i64 {
    let mut hash = blake3::Hasher::new();
    let mut add = |value: i64| {
        hash.update(&value.to_le_bytes());
    };
    for value in [
        operation.number,
        word(operation.kind.key()),
        word(operation.refused.map_or("", Refusal::code)),
        operation.wallet.0,
        operation.member.0,
        operation.amount,
        operation.short,
        operation.reference.unwrap_or(0),
        operation.effective_at.0,
        operation.recorded_at.0,
        operation.after.pending,
        operation.after.available,
        operation.after.held,
        operation.after.owed,
    ] {
        add(value);
    }
    for posting in &operation.postings {
        for value in [
            posting.number,
            posting.member.0,
            posting.wallet.0,
            word(posting.from.key()),
            word(posting.to.key()),
            posting.amount,
            posting.lot.map_or(0, |lot| lot.0),
            posting.effective_at.0,
        ] {
            add(value);
        }
    }
    // Operations from before terms were kept have none, and the checksum that they had.
    if let Some(terms) = &operation.terms {
        for value in [word("terms"), word(&operation.id), word(&terms.text())] {
            add(value);
        }
        hash.update(&operation.fingerprint);
    }
    let bytes = hash.finalize();
    i64::from_le_bytes(bytes.as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}

/// A word of ours as a number, so that it takes part.
fn word(text: &str) -> i64 {
    i64::from_le_bytes(blake3::hash(text.as_bytes()).as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}
