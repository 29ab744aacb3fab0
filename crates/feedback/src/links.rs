//! Links of surveys: to somebody's own invitation, open to everybody, to a response that has begun, and for the panel beside a page.
//!
//! Always holds: a link says nothing to whoever cannot open it, and cannot be made or changed without the workspace's secret; whoever has one can answer
//! that survey, and nothing else. One for the panel ends soon.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_privacy::sealing::{Kind, Sealer};

const KIND: Kind =
    Kind { seal: "rapport 2026-11 seal of survey links", hide: "rapport 2026-11 content of survey links" };
/// Stands between parts; nothing in a link has it.
const BETWEEN: char = '\u{1F}';

/// How an open link is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By anybody, as often as they like.
    Many,
    /// Once by each browser.
    Once,
    /// On a device that stands somewhere: it begins anew after each answer.
    Kiosk,
    /// In a page of the company's own site.
    Widget,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Many, Self::Once, Self::Kiosk, Self::Widget];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Many => "many",
            Self::Once => "once",
            Self::Kiosk => "kiosk",
            Self::Widget => "widget",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Somebody's invitation.
    Invitation {
        /// Its id.
        id: String,
    },
    /// A survey that everybody with the link can answer.
    Open {
        /// Its number.
        survey: i64,
        /// How it is used.
        mode: Mode,
        /// Where it hangs or stands, for figures by touchpoint.
        touchpoint: Option<String>,
    },
    /// A response that has begun; only whoever began it has it.
    Response {
        /// Its id.
        id: String,
        /// The mode of the link that it was begun by.
        mode: Option<Mode>,
    },
    /// Somebody's invitation in the panel beside a page, for a visit.
    Panel {
        /// Its id.
        invitation: String,
        /// Whether the company's server vouched for who is there: only then is anything shown of what is known of them.
        is_proven: bool,
        /// It opens nothing from then on.
        until: Timestamp,
    },
}

/// Makes and opens the links of one workspace.
pub struct Links(Sealer);

impl Links {
    /// With the workspace's secret.
    pub fn new(workspace: WorkspaceId, secret: &[u8; 32]) -> Self {
        Self(Sealer::new(workspace, secret, KIND))
    }

    /// The workspace that a link belongs to, so that its secret can be looked up; it proves nothing.
    pub fn workspace_of(text: &str) -> Option<WorkspaceId> {
        Sealer::workspace_of(text)
    }

    /// The text of a link, for the path of an address.
    pub fn make(&self, link: &Link) -> String {
        let word = |mode: &Option<Mode>| mode.map_or("", Mode::as_str);
        let parts = match link {
            Link::Invitation { id } => vec!["i".to_owned(), id.clone()],
            Link::Open { survey, mode, touchpoint } => {
                vec![
                    "o".to_owned(),
                    survey.to_string(),
                    mode.as_str().to_owned(),
                    touchpoint.clone().unwrap_or_default(),
                ]
            }
            Link::Response { id, mode } => vec!["r".to_owned(), id.clone(), word(mode).to_owned()],
            Link::Panel { invitation, is_proven, until } => {
                let proof = if *is_proven { "proven" } else { "" };
                vec!["p".to_owned(), invitation.clone(), proof.to_owned(), until.0.to_string()]
            }
        };
        self.0.close(parts.join(&BETWEEN.to_string()).into_bytes())
    }

    /// What a text stands for; `None` when it is none of ours.
    pub fn open(&self, text: &str) -> Option<Link> {
        let content = String::from_utf8(self.0.open(text)?).ok()?;
        let parts: Vec<&str> = content.split(BETWEEN).collect();
        match parts[..] {
            ["i", id] => Some(Link::Invitation { id: id.to_owned() }),
            ["o", survey, mode, touchpoint] => Some(Link::Open {
                survey: survey.parse().ok()?,
                mode: Mode::parse(mode)?,
                touchpoint: Some(touchpoint.to_owned()).filter(|it| !it.is_empty()),
            }),
            ["r", id, mode] => Some(Link::Response { id: id.to_owned(), mode: Mode::parse(mode) }),
            ["p", invitation, proof, until] => Some(Link::Panel {
                invitation: invitation.to_owned(),
                is_proven: proof == "proven",
                until: Timestamp(until.parse().ok()?),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn links(secret: u8) -> Links {
        Links::new(WorkspaceId(3), &[secret; 32])
    }

    proptest! {
        #[test]
        fn a_link_opens_to_what_it_was_made_of(
            which in 0usize..4, id in "[a-z]{3}_[0-9a-f]{32}", survey in any::<i64>(), mode in 0usize..4, touchpoint in "[a-z-]{0,9}", bit in 0usize..400
        ) {
            let mode = Mode::ALL[mode];
            let touchpoint = Some(touchpoint).filter(|it| !it.is_empty());
            let link = match which {
                0 => Link::Invitation { id },
                1 => Link::Open { survey, mode, touchpoint },
                2 => Link::Response { id, mode: touchpoint.map(|_| mode) },
                _ => Link::Panel { invitation: id, is_proven: touchpoint.is_some(), until: Timestamp(survey) },
            };
            let text = links(1).make(&link);
            prop_assert_eq!(Links::workspace_of(&text), Some(WorkspaceId(3)));
            prop_assert_eq!(links(1).open(&text), Some(link));
            prop_assert_eq!(links(2).open(&text), None);
            let mut forged = text.into_bytes();
            let place = bit % forged.len();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            prop_assert_eq!(links(1).open(std::str::from_utf8(&forged).unwrap()), None);
        }

        #[test]
        fn what_is_no_link_opens_to_nothing(text in ".{0,80}") {
            prop_assert_eq!(links(1).open(&text), None);
        }
    }
}
