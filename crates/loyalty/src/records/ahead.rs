//! Posting by what is in memory alone: as long as nobody else posts, and nobody becomes somebody else, what commands need is known, and nothing is read for them.
//!
//! Always holds: what is written this way is written whole, and only if the ledger still ends where it did when it was worked out (`head::save_from`); an id that was used
//! before refuses it too. Whoever is refused posts in the usual way.
//!
//! Does not: take commands that refer to earlier ones, nor members whom a law concerns or whose number was merged: those read.

use std::collections::{BTreeSet, HashMap};

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Priority, Store, Writes};

use super::head::Head;
use super::{Memory, write};
use crate::Error;
use crate::ledger::{AccountKey, Act, Answer, Command, Standing};

/// How many lists in a row are posted in the usual way after somebody else had posted: where several post, each would only be refused.
const WARY: u32 = 16;

/// What holds while the ledger ends where this program left it.
#[derive(Debug, Default)]
pub(crate) struct Sure {
    head: Option<Head>,
    /// Accounts that are in memory as they are in the database, and whose they are.
    accounts: HashMap<AccountKey, Who>,
    wary: u32,
}

/// Whose an account is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub standing: Standing,
    pub is_person: bool,
}

impl Sure {
    /// Compares with the head as it is now.
    pub(super) fn saw(&mut self, head: &Head) {
        self.wary = self.wary.saturating_sub(1);
        if self.head.as_ref() == Some(head) {
            return;
        }
        if self.head.is_some() {
            self.wary = WARY;
        }
        self.head = Some(head.clone());
        self.accounts.clear();
    }

    /// Notes accounts that were read, or found in memory as they are.
    pub(super) fn learn(&mut self, accounts: impl Iterator<Item = (AccountKey, Who)>) {
        self.accounts.extend(accounts);
    }

    /// The ledger ends there, by what was written last.
    pub(super) fn ends_at(&mut self, head: Head) {
        self.head = Some(head);
    }
}

/// Lists that were worked out, and are to be written.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub answers: Vec<Vec<Answer>>,
    pub writes: Writes,
    /// The accounts that they changed in memory.
    pub touched: BTreeSet<AccountKey>,
}

/// Works lists out by what is in memory, if that is enough.
///
/// # Errors
/// That what is in memory does not fit together.
pub(crate) fn ahead(
    memory: &mut Memory,
    workspace: WorkspaceId,
    lists: &[Vec<Command>],
    now: Timestamp,
) -> Result<Option<Ahead>, Error> {
    let Some(was) = memory.sure.head.clone().filter(|_| memory.sure.wary == 0) else { return Ok(None) };
    let Some(touched) = touched(memory, lists) else { return Ok(None) };
    memory.stands_at(&was);
    memory.ledger.heirs.clear();
    memory.ledger.guards.clear();
    let who = |key: &AccountKey| memory.sure.accounts.get(key).map(|who| (key.0, *who));
    let people: Vec<_> = touched.iter().filter_map(who).collect();
    memory.ledger.standings = people.iter().map(|(member, who)| (*member, who.standing)).collect();
    memory.people = people.iter().filter(|(_, who)| who.is_person).map(|(member, _)| *member).collect();
    let answers = memory.apply(lists, now);
    let writes = write::done_from(memory, workspace, &was)?;
    Ok(Some(Ahead { answers, writes, touched }))
}

/// The accounts that commands touch, when all of them are in memory as they are and no command refers to an earlier one.
fn touched(memory: &Memory, lists: &[Vec<Command>]) -> Option<BTreeSet<AccountKey>> {
    let mut touched = BTreeSet::new();
    for command in lists.iter().flatten() {
        let is_plain = matches!(
            command.act,
            Act::Earn { .. } | Act::Spend { .. } | Act::Hold { .. } | Act::Adjust { .. } | Act::Transfer { .. }
        );
        if !is_plain {
            return None;
        }
        touched.insert((command.member, command.wallet));
        touched.extend(command.receiver().map(|to| (to, command.wallet)));
    }
    touched.iter().all(|key| memory.sure.accounts.contains_key(key)).then_some(touched)
}

/// Writes what was worked out, in a transaction of its own.
///
/// # Errors
/// The store's; that the ledger ends elsewhere by now, or an id was used before.
pub(crate) async fn write_ahead(store: Store, writes: Writes) -> Result<(), Error> {
    let mut tx = store.begin(Priority::Interactive).await?;
    tx.add(writes);
    Ok(tx.commit().await?)
}

impl Memory {
    /// Forgets what lists had changed that were not written.
    pub(crate) fn forget(&mut self, ahead: &BTreeSet<AccountKey>) {
        for key in ahead {
            self.ledger.accounts.remove(key);
            self.written.remove(key);
        }
        self.sure = Sure { wary: WARY, ..Sure::default() };
    }
}
