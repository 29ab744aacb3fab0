//! Holds: what was set aside and until when by the operation that did it, and what became of it by those that name it.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, args, sql};

use super::{Found, STEP};
use crate::Error;
use crate::ledger::{AccountKey, Hold, HoldState, Kind, Operation};
use crate::records::read::HoldRow;

/// Holds as the operations say, by their number.
#[derive(Default)]
pub(super) struct Holds(BTreeMap<i64, Held>);

struct Held {
    key: AccountKey,
    amount: i64,
    /// `None` of what was set aside before terms were kept.
    until: Option<Timestamp>,
    state: HoldState,
}

impl Held {
    /// Whether the record says the same. One that is over does not change hands.
    fn is(&self, key: AccountKey, hold: &Hold) -> bool {
        (self.amount, self.state) == (hold.amount, hold.state)
            && self.until.is_none_or(|until| until == hold.until)
            && (self.key == key || self.state != HoldState::Open)
    }
}

impl Holds {
    /// Adds an operation.
    pub(super) fn add(&mut self, operation: &Operation) {
        if operation.refused.is_some() {
            return;
        }
        let key = (operation.member, operation.wallet);
        let ended = match operation.kind {
            Kind::Hold => {
                let until = operation.terms.as_ref().and_then(|terms| terms.until);
                let held = Held { key, amount: operation.amount, until, state: HoldState::Open };
                self.0.insert(operation.number, held);
                return;
            }
            // Only open ones have points, and only points are merged.
            Kind::Merge => {
                let from = |held: &&mut Held| {
                    held.key.1 == key.1 && operation.postings.iter().any(|posting| posting.member == held.key.0)
                };
                self.open().filter(from).for_each(|held| held.key = key);
                return;
            }
            Kind::Forfeit => {
                self.open().filter(|held| held.key == key).for_each(|held| held.state = HoldState::Released);
                return;
            }
            // A transfer that names one gave what was set aside.
            Kind::Capture | Kind::Transfer => HoldState::Captured,
            Kind::Release => HoldState::Released,
            Kind::TimeOut => HoldState::TimedOut,
            _ => return,
        };
        if let Some(held) = operation.reference.and_then(|hold| self.0.get_mut(&hold)) {
            held.state = ended;
        }
    }

    fn open(&mut self) -> impl Iterator<Item = &mut Held> {
        self.0.values_mut().filter(|held| held.state == HoldState::Open)
    }
}

/// Compares the holds that are stored.
pub(super) async fn compare(db: &mut impl Queries, workspace: WorkspaceId, found: &mut Found) -> Result<(), Error> {
    let next = sql!("SELECT * FROM loyalty_holds WHERE hold > $2 AND workspace = $1 ORDER BY hold LIMIT $3");
    let mut known = std::mem::take(&mut found.holds).0;
    let mut after = 0_i64;
    loop {
        let rows: Vec<HoldRow> = db.fetch_all(next.clone(), args![workspace, after, i64::from(STEP)]).await?;
        let Some(end) = rows.last().map(|row| row.hold.operation) else { break };
        after = end;
        for HoldRow { key, hold } in rows {
            let is_so = known.remove(&hold.operation).is_some_and(|held| held.is(key, &hold));
            if !is_so {
                let number = hold.operation;
                found.finding(number, format!("hold {number} is not what its operations say"));
            }
        }
    }
    for number in known.into_keys() {
        found.finding(number, format!("hold {number} is missing"));
    }
    Ok(())
}
