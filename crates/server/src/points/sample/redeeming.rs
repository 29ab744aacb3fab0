//! What members of the sample club redeemed: with an order now and then, delivered three days later, some called off, most codes used with a later order.
//!
//! Always holds: rewards are given by the same step as everywhere (`records::redemptions`), at prices for everybody; chance is the same each time.
//!
//! Does not: ask for conditions, so nobody gets the price of a tier.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Calendar, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::redemptions::{self, Asked, Scene};
use rapport_loyalty::records::vouchers::{self, Use};
use rapport_loyalty::rewards::Wish;
use rapport_segments::Condition;
use rapport_store::Tx;

use super::{Paying, club};
use crate::surveying::sample::chance::Chance;

/// Reward, what it costs, since how many days it was there, how likely somebody who could have it takes it with an order.
const WANTED: [(&str, i64, i64, f64); 4] = [
    (club::VOUCHER, 1_000, 548, 0.10),
    (club::MUG, 800, 420, 0.05),
    (club::COFFEE, 600, 400, 0.04),
    (club::TREES, 500, 200, 0.02),
];
/// A parcel is on its way so long.
const DELIVERY: i64 = 3 * Timestamp::DAY;
/// So many redemptions whose time is over are ended in a day; there are fewer.
const ENDED: u32 = 1_000;

/// What is remembered from day to day.
pub(super) struct Redeeming {
    program: Program,
    calendar: Calendar,
    rng: SeededRng,
    end: Timestamp,
    /// What is not delivered yet.
    waiting: Vec<(Timestamp, String)>,
    /// Codes that members hold.
    codes: BTreeMap<MemberId, Vec<String>>,
}

impl Redeeming {
    pub(super) fn new(end: Timestamp) -> Result<Self> {
        let program = club::program()?;
        let (calendar, rng) = (program.calendar()?, SeededRng::new(2_026));
        Ok(Self { program, calendar, rng, end, waiting: Vec::new(), codes: BTreeMap::new() })
    }

    /// The programme on a day.
    pub(super) const fn scene(&self, workspace: WorkspaceId, now: Timestamp) -> Scene<'_> {
        Scene { workspace, program: &self.program, calendar: &self.calendar, now, rng: &self.rng }
    }

    /// A day's deliveries, then what is redeemed and used with its orders: by whom, and the order's number.
    pub(super) async fn day(
        &mut self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        paying: &Paying<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let Self { program, calendar, rng, end, waiting, codes } = self;
        let scene = Scene { workspace, program, calendar, now, rng };
        redemptions::expire(tx, scene, ENDED).await?;
        let arrived = waiting.partition_point(|(since, _)| since.plus(DELIVERY) <= now);
        for (_, redemption) in waiting.drain(..arrived) {
            redemptions::fulfil(tx, scene, &redemption, "").await?.ok();
        }
        for (member, order) in paying.orders {
            let mut chance = Chance::of(&format!("redeems/{order}"));
            if let Some(code) = codes.get_mut(member).and_then(Vec::pop)
                && chance.happens(0.8)
            {
                let used = Use { id: &format!("order-{order}"), by: "demo", reference: order, holder: Some(*member) };
                if let Ok(voucher) = vouchers::use_up(tx, workspace, &code, used, now).await? {
                    redemptions::used(tx, scene, &voucher).await?;
                }
            }
            let has = paying.available(*member);
            let is_there = |days: i64| end.plus(-days * Timestamp::DAY) < now;
            let mut able = WANTED.into_iter().filter(|(_, points, days, _)| *points <= has && is_there(*days));
            let Some((reward, points, ..)) = able.find(|(.., likely)| chance.happens(*likely)) else { continue };
            let asked = Asked {
                id: &format!("redeem-{order}"),
                member: *member,
                reward,
                wish: Wish { wallet: None, points: Some(points), money: None },
                is_surprise: false,
                with_household: false,
                by: "demo",
                reason: "",
            };
            let Ok(redeemed) = redemptions::redeem(tx, scene, asked, is_for_all).await? else { continue };
            if chance.happens(0.06) {
                redemptions::cancel(tx, scene, &redeemed.redemption, true, "Pressed by mistake").await?.ok();
                continue;
            }
            if reward == club::MUG {
                waiting.push((now, redeemed.redemption.clone()));
            }
            let given = vouchers::given_for(tx, workspace, &redeemed.redemption).await?;
            codes.entry(*member).or_default().extend(given.into_iter().map(|it| it.code));
        }
        Ok(())
    }
}

/// Whether a condition is none; chance asks for no others.
pub(super) fn is_for_all(condition: &Condition) -> bool {
    matches!(condition, Condition::All(of) if of.is_empty())
}
