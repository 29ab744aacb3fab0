//! Gift cards of the sample shop: sold with orders in the last months, spent in parts, some taken into members' wallets.
//!
//! Always holds: they are issued and spent by the steps that tills and staff take.

use anyhow::{Context, Result};
use rapport_domain::Timestamp;
use rapport_domain::money::Currency;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::gift_cards::{self, Asked, Issue, Wanted};
use rapport_loyalty::records::redemptions::Scene;
use rapport_sample::SampleShop;
use rapport_store::Tx;

use super::{Paying, club};
use crate::installation::Installation;
use crate::points::gifts;
use crate::surveying::sample::chance::Chance;

/// From so many days ago on.
const SINCE: i64 = 80;
/// So many are enough to look at.
const MOST: usize = 14;
/// What they are sold for, in cents.
const VALUES: [i64; 4] = [2_500, 5_000, 5_000, 10_000];

/// What is remembered from day to day.
#[derive(Default)]
pub(super) struct Cards {
    sold: usize,
    /// Codes of which something is left, and how much.
    codes: Vec<(String, i64)>,
}

impl Cards {
    /// What is sold and spent on a day.
    pub(super) async fn day(
        &mut self,
        installation: &Installation,
        tx: &mut Tx,
        scene: Scene<'_>,
        paying: &Paying<'_>,
        (end, by): (Timestamp, &str),
    ) -> Result<()> {
        if scene.now < end.plus(-SINCE * Timestamp::DAY) {
            return Ok(());
        }
        for (member, order) in paying.orders {
            let mut chance = Chance::of(&format!("cards/{order}"));
            if self.sold < MOST && chance.happens(0.05) {
                self.sell(installation, tx, scene, (*member, order, by), &mut chance).await?;
            } else if chance.happens(0.05) {
                self.spend(installation, tx, scene, (*member, order, by), &mut chance).await?;
            }
        }
        Ok(())
    }

    async fn sell(
        &mut self,
        installation: &Installation,
        tx: &mut Tx,
        scene: Scene<'_>,
        (member, order, by): (MemberId, &str, &str),
        chance: &mut Chance,
    ) -> Result<()> {
        let key = gifts::card_key(installation, tx, scene.workspace).await?;
        let wallet = scene.program.wallet(club::CREDIT).context("the club has a credit")?;
        let amount = chance.pick(&VALUES).copied().unwrap_or(VALUES[0]);
        let issue = Issue {
            id: &format!("sample-{order}"),
            count: 1,
            wallet,
            amount,
            expires_at: Some(scene.now.plus(3 * 365 * Timestamp::DAY)),
            reference: order,
            reason: "Sold with an order",
            bought_by: Some(member),
            by,
        };
        let issued = gift_cards::issue(tx, scene, key, issue).await?.unwrap_or_default();
        self.sold += issued.len();
        self.codes.extend(issued.into_iter().filter_map(|(_, code)| Some((code?, amount))));
        Ok(())
    }

    /// Each fourth time somebody takes all into their wallet; else half is spent, and then the rest.
    async fn spend(
        &mut self,
        installation: &Installation,
        tx: &mut Tx,
        scene: Scene<'_>,
        (member, order, by): (MemberId, &str, &str),
        chance: &mut Chance,
    ) -> Result<()> {
        if self.codes.len() < 3 {
            return Ok(());
        }
        let (code, left) = self.codes.remove(0);
        let key = gifts::card_key(installation, tx, scene.workspace).await?;
        let asked = Asked { id: &format!("sample-{order}"), reference: order, by };
        if chance.next().is_multiple_of(4) {
            gift_cards::claim(tx, scene, (key, &code), member, asked).await?.ok();
            return Ok(());
        }
        let amount = if left > 2_500 { left / 2 } else { left };
        let wanted = Wanted { amount, is_part: false, currency: Currency::parse(SampleShop::CURRENCY) };
        if gift_cards::spend(tx, scene, (key, &code), wanted, asked).await?.is_ok() && amount < left {
            self.codes.push((code, left - amount));
        }
        Ok(())
    }
}
