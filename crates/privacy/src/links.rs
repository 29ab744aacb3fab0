//! Opaque links to somebody's own preferences, or to confirm what they asked for: whoever has one may do that, and nothing else, without signing in.
//!
//! Always holds: a link says nothing to whoever cannot open it, and cannot be made or changed without the workspace's secret; it works again and
//! again, because mail is opened years later; of somebody who was forgotten it opens to nobody.

use rapport_domain::{Channel, Handle, WorkspaceId};

use crate::sealing::{Kind, Sealer};

/// What a link lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// See and change what they hear about, and leave.
    Preferences,
    /// Confirm that they asked for it (double opt-in): only whoever reads the mail to an address has it.
    Confirmation,
}

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Where.
    pub workspace: WorkspaceId,
    /// Whose.
    pub handle: Handle,
    /// The channel of the message that it is in; `None` for a link of no message.
    pub channel: Option<Channel>,
    /// The topic of that message.
    pub topic: Option<String>,
    /// That message, so that it is known by which one somebody left.
    pub message: Option<String>,
}

/// Makes and opens the links of one workspace.
pub struct Links {
    workspace: WorkspaceId,
    sealer: Sealer,
}

const KIND: Kind =
    Kind { seal: "rapport 2026-11 seal of preference links", hide: "rapport 2026-11 content of preference links" };
const FIXED: usize = 1 + 8 + 1;
/// Stands between a topic and a message; no key of a topic has it.
const BETWEEN: u8 = 0;

impl Links {
    /// With the workspace's secret.
    pub fn new(workspace: WorkspaceId, secret: &[u8; 32]) -> Self {
        Self { workspace, sealer: Sealer::new(workspace, secret, KIND) }
    }

    /// The workspace that a link belongs to, so that its secret can be looked up; it proves nothing.
    pub fn workspace_of(text: &str) -> Option<WorkspaceId> {
        Sealer::workspace_of(text)
    }

    /// The text of a link, for the path of an address.
    pub fn make(&self, purpose: Purpose, handle: Handle, channel: Option<Channel>, topic: Option<&str>) -> String {
        self.close(purpose, handle, channel, topic, None)
    }

    /// The text of a link to the preferences of whoever gets a message.
    pub fn in_message(&self, message: &str, handle: Handle, channel: Channel, topic: Option<&str>) -> String {
        self.close(Purpose::Preferences, handle, Some(channel), topic, Some(message))
    }

    fn close(
        &self,
        purpose: Purpose,
        handle: Handle,
        channel: Option<Channel>,
        topic: Option<&str>,
        message: Option<&str>,
    ) -> String {
        let place = channel.and_then(|channel| Channel::ALL.iter().position(|other| *other == channel));
        let place = place.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or(0);
        let mut content = Vec::with_capacity(FIXED);
        content.push(purpose as u8);
        content.extend_from_slice(&handle.0.to_be_bytes());
        content.push(place);
        content.extend_from_slice(topic.unwrap_or_default().as_bytes());
        if let Some(message) = message {
            content.push(BETWEEN);
            content.extend_from_slice(message.as_bytes());
        }
        self.sealer.close(content)
    }

    /// What a text stands for; `None` when it is none of ours.
    pub fn open(&self, text: &str) -> Option<Link> {
        let content = self.sealer.open(text)?;
        let (purpose, rest) = content.split_first()?;
        let purpose = [Purpose::Preferences, Purpose::Confirmation].into_iter().find(|it| *it as u8 == *purpose)?;
        let (handle, rest) = rest.split_at_checked(8)?;
        let (place, topic) = rest.split_first()?;
        let channel = usize::from(*place).checked_sub(1).map(|place| Channel::ALL.get(place).copied());
        let topic = std::str::from_utf8(topic).ok()?;
        let (topic, message) =
            topic.split_once(char::from(BETWEEN)).map_or((topic, None), |(topic, message)| (topic, Some(message)));
        Some(Link {
            purpose,
            workspace: self.workspace,
            handle: Handle(i64::from_be_bytes(handle.try_into().ok()?)),
            channel: channel.flatten(),
            topic: Some(topic.to_owned()).filter(|topic| !topic.is_empty()),
            message: message.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    fn links(secret: u8) -> Links {
        Links::new(WorkspaceId(3), &[secret; 32])
    }

    proptest! {
        #[test]
        fn a_link_opens_to_what_it_was_made_of(
            confirms in any::<bool>(), handle in any::<i64>(), place in 0usize..9, topic in "[a-z]{0,20}"
        ) {
            let purpose = if confirms { Purpose::Confirmation } else { Purpose::Preferences };
            let channel = place.checked_sub(1).map(|place| Channel::ALL[place]);
            let topic = Some(topic).filter(|topic| !topic.is_empty());
            let text = links(1).make(purpose, Handle(handle), channel, topic.as_deref());
            prop_assert_eq!(Links::workspace_of(&text), Some(WorkspaceId(3)));
            let link = Link { purpose, workspace: WorkspaceId(3), handle: Handle(handle), channel, topic, message: None };
            prop_assert_eq!(links(1).open(&text), Some(link.clone()));
            if let (Some(channel), Purpose::Preferences) = (channel, purpose) {
                let text = links(1).in_message("msg_7", Handle(handle), channel, link.topic.as_deref());
                prop_assert_eq!(links(1).open(&text), Some(Link { message: Some("msg_7".to_owned()), ..link }));
            }
            prop_assert_eq!(links(2).open(&text), None);
            prop_assert_eq!(Links::new(WorkspaceId(4), &[1; 32]).open(&text), None);
        }

        #[test]
        fn no_bit_of_it_can_be_changed(bit in 0usize..200) {
            let text = links(1).make(Purpose::Preferences, Handle(77), Some(Channel::Email), None);
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).unwrap();
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(links(1).open(&BASE64_URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn what_is_no_link_opens_to_nothing(text in ".{0,80}") {
            prop_assert_eq!(links(1).open(&text), None);
        }
    }

    #[test]
    fn it_does_not_show_whose_it_is() {
        let of = |handle| links(1).make(Purpose::Preferences, Handle(handle), None, None);
        let (one, other) = (of(1), of(2));
        let different = one.bytes().zip(other.bytes()).skip(11).filter(|(a, b)| a != b).count();
        assert!(different > 20, "{one} {other}");
    }
}
