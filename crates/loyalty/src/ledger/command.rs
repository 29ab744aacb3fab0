//! What can be asked for.

use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MemberId, Refusal, WalletId};

/// Ids, references and reasons are not longer than this, in bytes.
pub const REFERENCE_MAX: usize = 255;

/// What the ids of operations begin with that happen by themselves.
pub const OWN_IDS: &str = "auto:";

/// One thing to be done, whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Chosen by whoever asks: sent again with the same content it is answered the same, for ever. No personal data.
    pub id: String,
    /// Whose account.
    pub member: MemberId,
    /// Which wallet.
    pub wallet: WalletId,
    /// What.
    pub act: Act,
    /// Where it comes from.
    #[serde(default)]
    pub source: Source,
}

/// Where an operation comes from, for whoever asks later why a balance is what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What kind of thing caused it: `order`, `rule`, `reward`, `staff`, `import`.
    #[serde(default)]
    pub kind: String,
    /// Which one: an order's number, a rule's key, an import's id.
    #[serde(default)]
    pub reference: String,
    /// Who asked, if a person of the staff did.
    #[serde(default)]
    pub by: String,
    /// Why, in their words.
    #[serde(default)]
    pub reason: String,
    /// What was asked for, where whoever passed it on filled in the rest by the clock (when points lapse): the same words are the same request a day later too.
    #[serde(skip)]
    pub asked: Option<[u8; 16]>,
}

/// What a command does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Act {
    /// Gives points as a new lot.
    Earn {
        /// How many.
        amount: i64,
        /// When they were earned, if it is known only now; never in the future.
        #[serde(default)]
        earned_at: Option<Timestamp>,
        /// Until when they are pending.
        #[serde(default)]
        active_from: Option<Timestamp>,
        /// When they lapse: at this instant they are not to be spent any more.
        #[serde(default)]
        expires_at: Option<Timestamp>,
    },
    /// Takes points for good: those that lapse first, then the oldest.
    Spend {
        /// How many.
        amount: i64,
    },
    /// Sets points aside.
    Hold {
        /// How many.
        amount: i64,
        /// When they come back by themselves, exactly.
        until: Timestamp,
    },
    /// Takes points that were set aside; the rest of the hold comes back.
    Capture {
        /// The id of the hold.
        hold: String,
        /// How many; all without it.
        #[serde(default)]
        amount: Option<i64>,
    },
    /// Gives back what was set aside.
    Release {
        /// The id of the hold.
        hold: String,
    },
    /// Puts a balance right, up or down.
    Adjust {
        /// How many: above 0 they are given, below 0 taken.
        amount: i64,
        /// When given ones lapse.
        #[serde(default)]
        expires_at: Option<Timestamp>,
        /// Whether more may be taken than there is, so that the member owes the rest.
        #[serde(default)]
        into_arrears: bool,
    },
    /// Gives points to another member. Pending points stay.
    Transfer {
        /// Who gets them.
        to: MemberId,
        /// How many.
        amount: i64,
        /// When they lapse there.
        #[serde(default)]
        expiry: Expiry,
    },
    /// Gives points that were set aside to another member, out of the lots they were set aside from. What lapsed meanwhile is not given: it goes back and lapses.
    HandOver {
        /// The id of the hold.
        hold: String,
        /// Who gets them.
        to: MemberId,
        /// When they lapse there.
        #[serde(default)]
        expiry: Expiry,
    },
    /// Undoes an earlier operation of this account: what it took goes back into the lots it came from, what it gave is taken back.
    Reverse {
        /// Its id.
        of: String,
        /// How much of it.
        #[serde(default)]
        portion: Portion,
        /// What is done when points that are to be taken back were spent.
        #[serde(default)]
        shortage: Shortage,
        /// Until when points may be spent whose lot has lapsed meanwhile; without it they lapse at once.
        #[serde(default)]
        grace_until: Option<Timestamp>,
    },
    /// Lets every lot of which something is left last until then, if it would lapse earlier; what comes back into it later too.
    Extend {
        /// The new end.
        expires_at: Timestamp,
    },
    /// Closes the account: holds come back, points lapse, debts are written off.
    Forfeit {},
}

/// When transferred points lapse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Expiry {
    /// When they would have lapsed anyway, so that giving points to and fro does not make them last.
    #[default]
    Keep,
    /// At this instant, or never.
    Reset {
        /// The instant.
        expires_at: Option<Timestamp>,
    },
}

/// How much of an operation is undone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Portion {
    /// What is left of it.
    #[default]
    Rest,
    /// So many points more.
    Points {
        /// How many.
        amount: i64,
    },
    /// As much as belongs to the part of an order that was refunded *so far*: what was undone before counts, and the last refund takes what is left.
    Refunded {
        /// What was refunded of the order so far, in any unit.
        refunded: i64,
        /// What the order came to, in the same unit.
        total: i64,
    },
}

/// Where points come from that are to be taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// Only those still pending.
    PendingOnly,
    /// Those of the same lot, then whatever is available.
    WithinBalance,
    /// The same, and the rest is owed.
    #[default]
    IntoArrears,
}

impl Command {
    /// Says what was asked for, in 128 bits.
    pub fn fingerprint(&self) -> [u8; 16] {
        let Self { id: _, member, wallet, act, source } = self;
        if let Some(asked) = source.asked {
            return asked;
        }
        let content = serde_json::to_vec(&(member, wallet, act, source)).expect("plain values become JSON");
        let hash = blake3::hash(&content);
        hash.as_bytes()[..16].try_into().expect("a hash has 32 bytes")
    }

    /// Whether its texts can be kept. Ids that begin with `auto:` are the ledger's own.
    pub(super) fn is_readable(&self) -> bool {
        let Source { kind, reference, by, reason, asked: _ } = &self.source;
        let is_short = |text: &String| text.len() <= REFERENCE_MAX && !text.contains('\0');
        !self.id.is_empty()
            && !self.id.starts_with(OWN_IDS)
            && [&self.id, kind, reference, by, reason].into_iter().all(is_short)
    }

    /// What is wrong with its numbers whatever the state of the ledger.
    pub(super) fn malformed(&self, amount_max: i64) -> Result<(), Refusal> {
        let positive = |amount: i64| match amount {
            0 => Err(Refusal::AmountZero),
            ..0 => Err(Refusal::AmountNegative),
            _ if amount > amount_max => Err(Refusal::AmountTooLarge),
            _ => Ok(()),
        };
        match &self.act {
            Act::Earn { amount, .. } | Act::Spend { amount } | Act::Hold { amount, .. } => positive(*amount),
            Act::Capture { amount, .. } => amount.map_or(Ok(()), positive),
            Act::Adjust { amount, .. } if *amount == i64::MIN => Err(Refusal::AmountTooLarge),
            Act::Adjust { amount, .. } => positive(amount.abs()),
            Act::Transfer { to, .. } | Act::HandOver { to, .. } if *to == self.member => Err(Refusal::TransferToSelf),
            Act::Transfer { amount, .. } => positive(*amount),
            Act::Reverse { portion: Portion::Points { amount }, .. } => positive(*amount),
            Act::Reverse { portion: Portion::Refunded { refunded, total }, .. } => {
                if *total <= 0 || *refunded < 0 || refunded > total {
                    return Err(Refusal::RefundMalformed);
                }
                Ok(())
            }
            Act::Reverse { .. } | Act::Release { .. } | Act::HandOver { .. } | Act::Extend { .. } | Act::Forfeit {} => {
                Ok(())
            }
        }
    }

    /// Who else gets points by it.
    pub(crate) const fn receiver(&self) -> Option<MemberId> {
        match self.act {
            Act::Transfer { to, .. } | Act::HandOver { to, .. } => Some(to),
            _ => None,
        }
    }
}
