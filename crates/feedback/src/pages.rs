//! Addresses of a workspace's own public pages: where people complain, propose ideas, or read reviews.
//!
//! Always holds: an address cannot be guessed from another workspace's; it says which page it is, and gives no other right.

use rapport_domain::WorkspaceId;
use rapport_privacy::sealing::{Kind, Sealer};

const KIND: Kind =
    Kind { seal: "rapport 2026-11 seal of public pages", hide: "rapport 2026-11 content of public pages" };

/// A public page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Where people complain.
    Complaint,
    /// Where they propose and vote.
    Ideas,
    /// Where reviews are read.
    Reviews,
}

impl Page {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Complaint, "complaint"), (Self::Ideas, "ideas"), (Self::Reviews, "reviews")];
}

/// Makes and opens the addresses of one workspace.
pub struct PageLinks(Sealer);

impl PageLinks {
    /// With the workspace's secret.
    pub fn new(workspace: WorkspaceId, secret: &[u8; 32]) -> Self {
        Self(Sealer::new(workspace, secret, KIND))
    }

    /// The workspace that a link belongs to, so that its secret can be looked up; it proves nothing.
    pub fn workspace_of(text: &str) -> Option<WorkspaceId> {
        Sealer::workspace_of(text)
    }

    /// The text of a page, for the path of an address.
    pub fn make(&self, page: Page) -> String {
        let word = Page::ALL.iter().find(|it| it.0 == page).map_or("", |it| it.1);
        self.0.close(word.as_bytes().to_vec())
    }

    /// Whether a text stands for a page.
    pub fn opens(&self, text: &str, page: Page) -> bool {
        let content = self.0.open(text);
        Page::ALL.iter().any(|it| it.0 == page && content.as_deref() == Some(it.1.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_its_own_page_only() {
        let links = |secret: u8| PageLinks::new(WorkspaceId(3), &[secret; 32]);
        let text = links(1).make(Page::Complaint);
        assert_eq!(PageLinks::workspace_of(&text), Some(WorkspaceId(3)));
        assert!(links(1).opens(&text, Page::Complaint));
        assert!(!links(1).opens(&text, Page::Ideas) && !links(2).opens(&text, Page::Complaint));
        for other in ["", "complaint", "AAAAAAAAAAM", &text[1..]] {
            assert!(!links(1).opens(other, Page::Complaint), "{other}");
        }
    }
}
