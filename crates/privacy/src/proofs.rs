//! The link in a mail by which somebody proves that an address is theirs, before they are shown what is kept of them or are erased.
//!
//! Always holds: a link names one row of `privacy_proofs` and nothing else; it cannot be made without the workspace's secret, and whether it still
//! works is written in that row. Only the mail has it: it is made again from the row's name when the mail is written, and kept nowhere.

use rapport_domain::{Timestamp, WorkspaceId};

use crate::records::proofs::{Id, ProofRow};
use crate::sealing::{Kind, Sealer};

const KIND: Kind = Kind { seal: "rapport 2026-11 seal of proof links", hide: "rapport 2026-11 content of proof links" };

/// So long a link works.
pub const WORKS_FOR: i64 = 3 * Timestamp::HOUR;
/// Once it was used it works for so long, for whoever wants to keep a copy, or whose connection broke.
pub const WORKS_AGAIN_FOR: i64 = 15 * Timestamp::MINUTE;
/// Asked for again within this time, no second mail is sent.
pub const ONE_IN: i64 = 10 * Timestamp::MINUTE;
/// So many mails a day are sent to an address.
pub const MOST_A_DAY: i64 = 3;

/// Makes and opens the links of one workspace.
pub struct Proofs(Sealer);

impl Proofs {
    /// With the workspace's secret.
    pub fn new(workspace: WorkspaceId, secret: &[u8; 32]) -> Self {
        Self(Sealer::new(workspace, secret, KIND))
    }

    /// The workspace that a link belongs to, so that its secret can be looked up; it proves nothing.
    pub fn workspace_of(text: &str) -> Option<WorkspaceId> {
        Sealer::workspace_of(text)
    }

    /// The text of a link, for the path of an address.
    pub fn make(&self, id: Id) -> String {
        self.0.close(id.to_vec())
    }

    /// What a text names; `None` when it is none of ours.
    pub fn open(&self, text: &str) -> Option<Id> {
        self.0.open(text)?.try_into().ok()
    }
}

impl ProofRow {
    /// Whether its link works.
    pub fn works(&self, now: Timestamp) -> bool {
        self.handle.is_some()
            && now < self.expires_at
            && self.used_at.is_none_or(|used| now.0 - used.0 < WORKS_AGAIN_FOR)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::Handle;

    use super::*;

    proptest! {
        #[test]
        fn a_link_opens_to_what_it_names_and_no_other(id in any::<[u8; 16]>(), bit in 0usize..320) {
            let of = |secret: u8, workspace| Proofs::new(WorkspaceId(workspace), &[secret; 32]);
            let text = of(1, 3).make(id);
            prop_assert_eq!(of(1, 3).open(&text), Some(id));
            prop_assert_eq!(of(2, 3).open(&text), None);
            prop_assert_eq!(of(1, 4).open(&text), None);
            let mut bytes = text.clone().into_bytes();
            let place = bit % bytes.len();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            prop_assert_eq!(of(1, 3).open(std::str::from_utf8(&bytes).unwrap()), None);
            // A link to preferences, which is in every mail that is passed on, is none.
            let links = crate::Links::new(WorkspaceId(3), &[1; 32]);
            let passed_on = links.make(crate::links::Purpose::Preferences, Handle(7), None, None);
            prop_assert_eq!(of(1, 3).open(&passed_on), None);
        }
    }

    #[test]
    fn it_works_for_a_while_and_once_used_for_a_moment() {
        let at = |minutes: i64| Timestamp(minutes * Timestamp::MINUTE);
        let row = |used_at| ProofRow {
            id: [1; 16],
            handle: Some(Handle(1)),
            kind: "access".into(),
            language: "en".into(),
            made_at: at(0),
            expires_at: at(180),
            due_at: None,
            attempts: 1,
            sent_at: None,
            used_at,
        };
        assert!(row(None).works(at(179)) && !row(None).works(at(180)));
        assert!(row(Some(at(10))).works(at(24)) && !row(Some(at(10))).works(at(25)));
        assert!(!ProofRow { handle: None, ..row(None) }.works(at(1)), "of who was forgotten");
    }
}
