//! A household of the sample club: three members who ordered within some weeks, and a voucher that one of them redeemed partly with the others' points.
//!
//! Always holds: they join and redeem by the steps that members' own page takes.

use anyhow::Result;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::households::{self, Asker, Founded, Invited};
use rapport_loyalty::records::redemptions::{self, Asked, Scene};
use rapport_loyalty::rewards::Wish;
use rapport_store::Tx;

use super::redeeming::is_for_all;
use super::{Paying, club};

/// From so many days ago on.
const SINCE: i64 = 80;
/// Whoever has fewer does not join: the others would have nothing of it.
const LEAST: i64 = 300;
/// As what they know each other; the first one leads.
const NAMES: [&str; 3] = ["Fox", "Heron", "Otter"];
/// What the voucher costs.
const PRICE: i64 = 1_000;

/// What is remembered from day to day.
#[derive(Default)]
pub(super) struct Home {
    household: String,
    members: Vec<MemberId>,
    has_redeemed: bool,
}

impl Home {
    /// Who joins on a day, and what they redeem together.
    pub(super) async fn day(
        &mut self,
        tx: &mut Tx,
        scene: Scene<'_>,
        paying: &Paying<'_>,
        end: Timestamp,
    ) -> Result<()> {
        if self.has_redeemed || scene.now < end.plus(-SINCE * Timestamp::DAY) {
            return Ok(());
        }
        for (member, order) in paying.orders {
            let has = paying.available(*member);
            if self.members.len() < NAMES.len() {
                if (LEAST..PRICE).contains(&has) && !self.members.contains(member) {
                    self.join(tx, scene, *member).await?;
                }
            } else if self.members.contains(member) && has < PRICE && !self.has_redeemed {
                self.has_redeemed = redeem(tx, scene, (*member, order)).await?;
            }
        }
        Ok(())
    }

    async fn join(&mut self, tx: &mut Tx, scene: Scene<'_>, member: MemberId) -> Result<()> {
        let name = NAMES[self.members.len()];
        let Some(head) = self.members.first() else {
            let asked =
                Founded { id: "sample-home", member, name: "Hillside 7", own_name: name, by: "member", reason: None };
            if let Ok(founded) = households::found(tx, scene, asked).await? {
                self.household = founded.household;
                self.members.push(member);
            }
            return Ok(());
        };
        let id = format!("sample-home-{}", self.members.len());
        let asked =
            Invited { id: &id, household: &self.household, member, by_member: Some(*head), by: "member", reason: "" };
        if let Ok(invitation) = households::invite(tx, scene, asked).await?
            && households::accept(tx, scene, &invitation.invitation, (name, Asker::Member(member))).await?.is_ok()
        {
            self.members.push(member);
        }
        Ok(())
    }
}

/// Whether the member got the voucher, with what the others let them use.
async fn redeem(tx: &mut Tx, scene: Scene<'_>, (member, order): (MemberId, &str)) -> Result<bool> {
    let asked = Asked {
        id: &format!("home-{order}"),
        member,
        reward: club::VOUCHER,
        wish: Wish { wallet: None, points: Some(PRICE), money: None },
        is_surprise: false,
        with_household: true,
        by: "member",
        reason: "",
    };
    Ok(redemptions::redeem(tx, scene, asked, is_for_all).await?.is_ok())
}
