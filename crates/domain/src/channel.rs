//! The ways to reach a person.

use serde::{Deserialize, Serialize};

/// A way to reach a person. Consent is given by channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text messages to a telephone.
    Sms,
    /// WhatsApp and messengers like it.
    Whatsapp,
    /// Notifications of a browser or an app.
    Push,
    /// Messages and blocks on the company's own site or in its app.
    InApp,
    /// Calls.
    Phone,
    /// Letters.
    Post,
    /// Advertising on other companies' platforms.
    Ads,
}

impl Channel {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] =
        [Self::Email, Self::Sms, Self::Whatsapp, Self::Push, Self::InApp, Self::Phone, Self::Post, Self::Ads];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
            Self::Push => "push",
            Self::InApp => "in_app",
            Self::Phone => "phone",
            Self::Post => "post",
            Self::Ads => "ads",
        }
    }

    /// The channel of a stable word, in any case; `None` for others.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim();
        Self::ALL.into_iter().find(|channel| channel.as_str().eq_ignore_ascii_case(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for channel in Channel::ALL {
            assert_eq!(Channel::parse(channel.as_str()), Some(channel));
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.as_str());
        }
        assert_eq!(Channel::parse(" Email "), Some(Channel::Email));
        assert_eq!(Channel::parse("pigeon"), None);
    }
}
