//! What members of the sample club sent each other in the last months: by number, as a gift that was claimed, and one that waits for somebody.
//!
//! Always holds: points move by the steps that members' own page takes.
//!
//! Does not: say what may be sent; the programme does.

use anyhow::Result;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::redemptions::Scene;
use rapport_loyalty::records::transfers::{self, Asked, Desk};
use rapport_store::Tx;

use super::Paying;
use crate::installation::Installation;
use crate::points::gifts;
use crate::surveying::sample::chance::Chance;

/// From so many days ago on.
const SINCE: i64 = 80;
/// So many are enough to look at.
const MOST: usize = 9;
/// Whoever has fewer sends nothing.
const RICH: i64 = 600;
/// The ways of saying it.
const WORDS: [&str; 4] = ["Happy birthday", "For your new tent", "Thanks for the lift", "You need them more than I do"];

/// What is remembered from day to day.
#[derive(Default)]
pub(super) struct Sending {
    made: usize,
    /// Somebody else who ordered lately.
    other: Option<MemberId>,
}

impl Sending {
    /// What members send on a day.
    pub(super) async fn day(
        &mut self,
        installation: &Installation,
        tx: &mut Tx,
        scene: Scene<'_>,
        paying: &Paying<'_>,
        end: Timestamp,
    ) -> Result<()> {
        if self.made >= MOST || scene.now < end.plus(-SINCE * Timestamp::DAY) {
            return Ok(());
        }
        let key = gifts::key(installation, tx, scene.workspace).await?;
        let desk = Desk { scene, key: &key };
        for (member, order) in paying.orders {
            let Some(to) = self.other.replace(*member).filter(|to| to != member) else { continue };
            let mut chance = Chance::of(&format!("sends/{order}"));
            if self.made >= MOST || paying.available(*member) < RICH || !chance.happens(0.4) {
                continue;
            }
            // Each third is a gift by code, which the other claims at once.
            let is_gift = self.made % 3 == 2;
            let points = 100 + 50 * i64::try_from(chance.next() % 7)?;
            let receiver = Some(to).filter(|_| !is_gift);
            let made = send(tx, desk, (&format!("sample-{order}"), *member, receiver), points, &mut chance).await?;
            if is_gift && let Some(code) = &made {
                transfers::claim(tx, desk, code, to).await?.ok();
            }
            self.made += usize::from(made.is_some());
        }
        Ok(())
    }

    /// A gift that nobody has claimed yet.
    pub(super) async fn today(
        installation: &Installation,
        tx: &mut Tx,
        scene: Scene<'_>,
        member: Option<MemberId>,
    ) -> Result<()> {
        let Some(member) = member else { return Ok(()) };
        let key = gifts::key(installation, tx, scene.workspace).await?;
        let mut chance = Chance::of("sends/last");
        send(tx, Desk { scene, key: &key }, ("sample-last", member, None), 250, &mut chance).await.map(drop)
    }
}

/// Sends points; the code by which they are claimed, if they are a gift and not refused.
async fn send(
    tx: &mut Tx,
    desk: Desk<'_>,
    (id, sender, receiver): (&str, MemberId, Option<MemberId>),
    points: i64,
    chance: &mut Chance,
) -> Result<Option<String>> {
    let reason = chance.pick(&WORDS).copied().unwrap_or_default();
    let asked = Asked { id, sender, receiver, wallet: None, points, by: "member", reason };
    Ok(transfers::make(tx, desk, asked).await?.ok().map(|row| row.code(desk.key)))
}
