//! What all gift cards together come to: what the programme still owes to whoever has one.

use std::collections::BTreeMap;

use rapport_domain::WorkspaceId;
use rapport_store::{Queries, args, sql};

use super::super::{trail, wallets};
use super::HOUSE;

/// The cards of a wallet, in the smallest units of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// How many cards were issued.
    pub cards: i64,
    /// How much was put on them.
    pub issued: i64,
    /// How much was spent, less what came back.
    pub spent: i64,
    /// How much members took into their wallets.
    pub claimed: i64,
    /// How much staff took back.
    pub voided: i64,
    /// How much lapsed.
    pub lapsed: i64,
    /// What all cards have.
    pub outstanding: i64,
}

impl Outstanding {
    /// Whether what the accounts have is what their postings come to.
    pub const fn holds(&self) -> bool {
        self.outstanding == self.issued - self.spent - self.claimed - self.voided - self.lapsed
    }

    fn add(&mut self, from: &str, to: &str, amount: i64) {
        for (place, signed) in [(from, -amount), (to, amount)] {
            match place {
                "issued" => self.issued -= signed,
                "spent" => self.spent += signed,
                "transit" => self.claimed += signed,
                "adjusted" => self.voided += signed,
                "expired" => self.lapsed += signed,
                _ => {}
            }
        }
    }
}

/// What is outstanding, by wallet. Read it of a snapshot. What lapsed and is not posted yet is outstanding still.
///
/// # Errors
/// The store's.
pub async fn outstanding(
    db: &mut impl Queries,
    workspace: WorkspaceId,
) -> rapport_store::Result<BTreeMap<String, Outstanding>> {
    let keys = wallets::keys(db, workspace).await?;
    let mut found: BTreeMap<i64, Outstanding> = BTreeMap::new();
    let cards = sql!("SELECT member FROM loyalty_houses WHERE workspace = $1 AND kind = $2");
    let cards: Vec<(i64,)> = db.fetch_all(cards, args![workspace, HOUSE]).await?;
    let cards: Vec<i64> = cards.into_iter().map(|(card,)| card).collect();
    for (wallet, from, to, amount) in trail::sums(db, workspace, &cards).await? {
        found.entry(wallet).or_default().add(&from, &to, amount);
    }
    let has = sql!(
        "SELECT b.wallet, COUNT(*), CAST(SUM(b.pending + b.available + b.held) AS BIGINT) FROM loyalty_houses h
         JOIN loyalty_balances b ON b.member = h.member AND b.workspace = h.workspace
         WHERE h.workspace = $1 AND h.kind = $2 GROUP BY b.wallet"
    );
    let has: Vec<(i64, i64, i64)> = db.fetch_all(has, args![workspace, HOUSE]).await?;
    for (wallet, cards, outstanding) in has {
        let sum = found.entry(wallet).or_default();
        (sum.cards, sum.outstanding) = (cards, outstanding);
    }
    let named =
        found.into_iter().filter_map(|(wallet, sum)| Some((keys.get(&crate::ledger::WalletId(wallet))?.clone(), sum)));
    Ok(named.collect())
}
