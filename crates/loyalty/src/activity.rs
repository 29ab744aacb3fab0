//! What keeps points alive in a wallet whose points lapse by inactivity.
//!
//! Always holds: in the transaction that posts it, so that no instant lies between what somebody did and the new end of their points. What was refused, or was answered before, is no activity.
//!
//! Does not: look at what people do elsewhere. Gifts, corrections and what staff give are none, unless the wallet says so: else a member could keep points alive for ever by passing one to and fro.

use jiff::tz::TimeZone;
use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::dates::{Activity, Expiry, usual};
use crate::earning;
use crate::households;
use crate::ledger::{Act, Answer, Command, Ledger, MemberId};
use crate::program::{Program, WalletPlan};

/// When points of a wallet lapse that nobody touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// By inactivity, with what counts as activity.
    expiry: Expiry,
    /// The programme's zone.
    zone: String,
}

impl Kept {
    /// Of a wallet; `None` where points lapse in another way.
    pub fn of(program: &Program, plan: &WalletPlan) -> Option<Self> {
        let is_so = matches!(plan.expiry, Expiry::Inactivity { .. });
        is_so.then(|| Self { expiry: plan.expiry.clone(), zone: program.zone.clone() })
    }

    /// Whose points a command keeps alive, and as of when they did something.
    fn who(&self, command: &Command, now: Timestamp) -> Vec<(MemberId, Timestamp)> {
        let Expiry::Inactivity { counts, .. } = &self.expiry else { return Vec::new() };
        who(counts, command, now)
    }

    /// Moves the ends of the points of whoever did something that counts.
    fn note(&self, ledger: &mut Ledger, command: &Command, now: Timestamp) {
        let Ok(zone) = TimeZone::get(&self.zone) else { return };
        for (member, at) in self.who(command, now) {
            if let Some(end) = self.expiry.end(at, &zone) {
                ledger.stay_active((member, command.wallet), end, now);
            }
        }
    }
}

/// Notes whom a command shows to be active: by what the wallet counts, or by what they do themselves with the shop where it does not say.
pub(crate) fn note(kept: Option<&Kept>, ledger: &mut Ledger, command: &Command, answer: &Answer, now: Timestamp) {
    if answer.refused.is_some() || answer.replayed {
        return;
    }
    let active = kept.map_or_else(|| who(&usual(), command, now), |kept| kept.who(command, now));
    for (member, at) in active {
        ledger.was_active((member, command.wallet), at);
    }
    if let Some(kept) = kept {
        kept.note(ledger, command, now);
    }
}

/// Who did something that counts by a command, and when.
fn who(counts: &[Activity], command: &Command, now: Timestamp) -> Vec<(MemberId, Timestamp)> {
    let done = match &command.act {
        Act::Earn { earned_at, .. } => {
            let kind = if command.id.starts_with(earning::OWN_IDS) { Activity::Earned } else { Activity::Granted };
            vec![(kind, command.member, earned_at.unwrap_or(now).min(now))]
        }
        // What others of the household redeem is nothing that the member did.
        Act::Spend { .. } | Act::Capture { .. } if command.source.kind == households::SOURCE => Vec::new(),
        Act::Spend { .. } | Act::Capture { .. } => vec![(Activity::Redeemed, command.member, now)],
        Act::Transfer { to, .. } | Act::HandOver { to, .. } => {
            vec![(Activity::Transferred, command.member, now), (Activity::Received, *to, now)]
        }
        Act::Adjust { .. } => vec![(Activity::Adjusted, command.member, now)],
        Act::Hold { .. } | Act::Release { .. } | Act::Reverse { .. } | Act::Extend { .. } | Act::Forfeit {} => {
            Vec::new()
        }
    };
    done.into_iter().filter(|(kind, ..)| counts.contains(kind)).map(|(_, member, at)| (member, at)).collect()
}
