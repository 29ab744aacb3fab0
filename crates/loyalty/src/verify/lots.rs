//! Lots: what is left of each by the postings, what came in and when by its own posting and its terms, and in whose account it stands.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, args, sql};

use super::{Found, STEP};
use crate::Error;
use crate::ledger::{Lot, LotId, LotTerms, MemberId, Operation, Place, WalletId};
use crate::records::{open_lots, read::LotRow};

/// Lots as the operations say.
#[derive(Default)]
pub(super) struct Lots {
    /// What is left: pending, available, held.
    parts: HashMap<LotId, [i64; 3]>,
    /// In whose account the last point of each was put.
    holders: HashMap<LotId, MemberId>,
    made: HashMap<LotId, Made>,
    terms: HashMap<LotId, LotTerms>,
}

/// How a lot came in.
struct Made {
    operation: i64,
    wallet: WalletId,
    amount: i64,
    at: Timestamp,
}

impl Lots {
    /// Adds an operation.
    pub(super) fn add(&mut self, operation: &Operation) {
        for posting in &operation.postings {
            let Some(lot) = posting.lot else { continue };
            if lot.0 == posting.number {
                let (wallet, amount, at) = (posting.wallet, posting.amount, posting.effective_at);
                self.made.insert(lot, Made { operation: operation.number, wallet, amount, at });
            }
            let parts = self.parts.entry(lot).or_default();
            for (place, by) in [(posting.from, -posting.amount), (posting.to, posting.amount)] {
                let at = [Place::Pending, Place::Available, Place::Held].iter().position(|other| *other == place);
                if let Some(at) = at {
                    parts[at] += by;
                }
            }
            if posting.to.is_members() {
                self.holders.insert(lot, posting.member);
            }
        }
        let terms = operation.terms.iter().flat_map(|terms| &terms.lots);
        self.terms.extend(terms.map(|terms| (terms.lot, *terms)));
    }

    /// Whether a lot is as it was made, and its terms are those that it got last.
    fn is_as_made(&self, made: &Made, wallet: WalletId, lot: &Lot) -> bool {
        let dates = match self.terms.get(&lot.id) {
            Some(terms) => *terms == LotTerms::of(lot),
            // From before terms were kept: what nobody had before was earned when it came.
            None => lot.origin.is_some() || lot.earned_at == made.at,
        };
        dates && (lot.operation, lot.amount, wallet) == (made.operation, made.amount, made.wallet)
    }
}

/// Compares the lots that are stored.
pub(super) async fn compare(db: &mut impl Queries, workspace: WorkspaceId, found: &mut Found) -> Result<(), Error> {
    let next = sql!(
        "SELECT lot, operation, amount, pending, available, held, earned_at, active_from, expires_at, origin, member, wallet
         FROM loyalty_lots WHERE lot > $2 AND workspace = $1 ORDER BY lot LIMIT $3"
    );
    let mut open = open_lots::all(db, workspace).await?;
    let mut known = std::mem::take(&mut found.lots);
    let last = found.report.operations;
    let mut after = 0_i64;
    loop {
        let rows: Vec<LotRow> = db.fetch_all(next.clone(), args![workspace, after, i64::from(STEP)]).await?;
        let Some(end) = rows.last().map(|row| row.lot.id.0) else { break };
        after = end;
        for LotRow { key: (member, wallet), lot } in rows {
            let id = lot.id.0;
            // An empty lot changes hands only when something comes back into it.
            let left = lot.remaining() > 0;
            let stands = open.remove(&lot.id).unwrap_or_default();
            if left && stands != [(member, wallet)] {
                found.finding(
                    last,
                    format!("lot {id} does not stand once among those of its account of which something is left"),
                );
            }
            if left && known.holders.get(&lot.id).is_some_and(|holder| *holder != member) {
                found.finding(last, format!("lot {id} is not in the account that its postings say"));
            }
            if known.parts.remove(&lot.id).unwrap_or_default() != [lot.pending, lot.available, lot.held] {
                found.finding(last, format!("what is left of lot {id} is not what its postings come to"));
            }
            match known.made.remove(&lot.id) {
                Some(made) if known.is_as_made(&made, wallet, &lot) => {}
                Some(made) => found.finding(
                    made.operation,
                    format!("what came into lot {id}, or when it was earned, can be spent or lapses, is not what its operations say"),
                ),
                None => found.finding(last, format!("no posting brought in lot {id}")),
            }
        }
    }
    let has_points = known.parts.iter().filter(|(_, parts)| **parts != [0; 3]).map(|(lot, _)| *lot);
    // An empty one too: what is undone goes back into it.
    let missing: BTreeSet<LotId> = has_points.chain(known.made.keys().copied()).collect();
    for lot in missing {
        found.finding(last, format!("lot {} is missing", lot.0));
    }
    Ok(())
}
