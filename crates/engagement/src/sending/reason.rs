//! Why somebody is not sent a message: every reason has a stable word and a sentence.

/// Why somebody is not sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// There is nobody any more.
    Gone,
    /// What is known of them is restricted.
    Restricted,
    /// We know no address of theirs for the channel.
    Unreachable,
    /// Their address bounced, or they complained.
    Suppressed,
    /// They agreed to nothing that covers it.
    NoConsent,
    /// They refused it, or took their consent back.
    ConsentDenied,
    /// They were asked to confirm, and have not yet.
    ConsentPending,
    /// They agreed for a time that is over.
    ConsentExpired,
    /// They have a complaint or a ticket open, or were left with a bad feeling.
    Trouble,
    /// They wish to hear of us less often.
    TooOften,
    /// As many messages as they may get were sent already.
    Capped,
    /// The policy of how often to write gives them fewer messages.
    Paced,
    /// Another journey that matters more is about to write to them.
    Yielded,
    /// It was held back until it was of no use any more.
    TooLate,
    /// They are not of the audience any more.
    OutOfAudience,
    /// They are held out, to show what the journey is worth.
    HeldOut,
    /// The template cannot be written for them.
    Unwritable,
    /// WhatsApp takes approved texts only by now, and the template names none.
    NotApproved,
    /// The template is not there any more.
    NoTemplate,
    /// The channel has no way out: nothing is set up for it.
    NoChannel,
    /// The journey was stopped.
    Stopped,
    /// They are out of the journey: they reached its goal, or do not fit it any more.
    LeftJourney,
    /// It was handed over without an answer, so it may have arrived.
    MaybeSent,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Gone,
        Self::Restricted,
        Self::Unreachable,
        Self::Suppressed,
        Self::NoConsent,
        Self::ConsentDenied,
        Self::ConsentPending,
        Self::ConsentExpired,
        Self::Trouble,
        Self::TooOften,
        Self::Capped,
        Self::Paced,
        Self::Yielded,
        Self::TooLate,
        Self::OutOfAudience,
        Self::HeldOut,
        Self::Unwritable,
        Self::NotApproved,
        Self::NoTemplate,
        Self::NoChannel,
        Self::Stopped,
        Self::LeftJourney,
        Self::MaybeSent,
    ];

    /// The stable word for it, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Restricted => "restricted",
            Self::Unreachable => "unreachable",
            Self::Suppressed => "suppressed",
            Self::NoConsent => "no_consent",
            Self::ConsentDenied => "consent_denied",
            Self::ConsentPending => "consent_pending",
            Self::ConsentExpired => "consent_expired",
            Self::Trouble => "trouble",
            Self::TooOften => "too_often",
            Self::Capped => "capped",
            Self::Paced => "paced",
            Self::Yielded => "yielded",
            Self::TooLate => "too_late",
            Self::OutOfAudience => "out_of_audience",
            Self::HeldOut => "held_out",
            Self::Unwritable => "unwritable",
            Self::NotApproved => "not_approved",
            Self::NoTemplate => "no_template",
            Self::NoChannel => "no_channel",
            Self::Stopped => "stopped",
            Self::LeftJourney => "left_journey",
            Self::MaybeSent => "maybe_sent",
        }
    }

    /// The reason of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// Whether it may not hold any more in an hour, so that trying again is of use.
    pub const fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::NoConsent
                | Self::ConsentPending
                | Self::Trouble
                | Self::TooOften
                | Self::Capped
                | Self::Paced
                | Self::Yielded
        )
    }

    /// In a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Gone => "The person was erased or is part of another one.",
            Self::Restricted => "What is known of this person may be kept but not used (restriction).",
            Self::Unreachable => "No address for this channel is known.",
            Self::Suppressed => "The address bounced or its owner complained, so nothing is sent to it.",
            Self::NoConsent => "The person never agreed to messages of this kind.",
            Self::ConsentDenied => "The person refused messages of this kind, or unsubscribed.",
            Self::ConsentPending => "The person has not confirmed yet that they want messages of this kind.",
            Self::ConsentExpired => "The person agreed for a time that is over.",
            Self::Trouble => "A complaint or ticket of the person is open, or the last feeling was bad.",
            Self::TooOften => "The person wishes to hear from you less often.",
            Self::Capped => "The person already got as many messages as the caps allow.",
            Self::Paced => "The policy of how often to write gives the person fewer messages.",
            Self::Yielded => "A journey of higher priority is about to write to the person.",
            Self::TooLate => "It was held back so long that it was of no use any more.",
            Self::OutOfAudience => "The person is not part of the audience any more.",
            Self::HeldOut => "The person is in the holdout, which shows what the journey is worth.",
            Self::Unwritable => "The template needs a value that is not known of the person.",
            Self::NotApproved => {
                "The person wrote by WhatsApp more than 24 hours ago or never, and the template names no approved text in their language."
            }
            Self::NoTemplate => "The template is gone.",
            Self::NoChannel => "Nothing is set up to send by this channel.",
            Self::Stopped => "The journey was stopped.",
            Self::LeftJourney => {
                "They left the journey before it was sent: they reached its goal, or do not fit it any more."
            }
            Self::MaybeSent => {
                "It was handed over without an answer, so it may have arrived. It is not sent again by itself."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_differ() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
            assert!(reason.sentence().ends_with('.'));
        }
        assert_eq!(Reason::parse("because"), None);
    }
}
