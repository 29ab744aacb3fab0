//! Histories from another programme become lots of this one.
//!
//! Always holds: a member's history comes in whole or not at all; the same history again adds nothing, also in another order of lines and after the person's number changed; a history that says
//! something else than the one that came in before is refused.

use std::collections::HashMap;

use rapport_store::Tx;

use super::redemptions::Scene;
use super::{Memory, wallets};
use crate::Error;
use crate::ledger::{Command, MemberId, Refusal, Source, Wallet, WalletId};
use crate::opening::{Left, Line, opening};

/// What the ids of operations begin with that are made here.
pub const OWN_IDS: &str = "import:";

/// A history to be brought in.
#[derive(Clone, Debug)]
pub struct History<'a> {
    /// Which other programme it is from; the same name again means the same lines.
    pub source: &'a str,
    /// Who it is there: only a hash of it is kept.
    pub who: &'a str,
    /// Who it is here.
    pub member: MemberId,
    /// Into which wallet.
    pub wallet: &'a str,
    /// What happened there.
    pub lines: Vec<Line>,
}

/// What came of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Lots that came in.
    pub lots: i64,
    /// Points in them.
    pub points: i64,
    /// Whether it was here before.
    pub is_known: bool,
}

/// A line that is wrong, and why.
pub type Wrong = (usize, Refusal);

/// Brings histories in, each whole or not at all; what came of each, in order.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn bring_in(
    tx: &mut Tx,
    scene: Scene<'_>,
    histories: &[History<'_>],
    by: &str,
) -> Result<Vec<Result<Opened, Wrong>>, Error> {
    let numbers = wallets::numbers(tx, scene.workspace).await?;
    let limits = wallets::settings(tx, scene.workspace).await?.limits;
    let known = |history: &History<'_>| -> Option<(WalletId, Wallet)> {
        let wallet = *numbers.get(history.wallet)?;
        Some((wallet, limits.get(&wallet)?.clone()))
    };
    let mut outcomes: Vec<Result<Opened, Wrong>> = Vec::new();
    let mut lists: Vec<Vec<Command>> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    for history in histories {
        let first = history.lines.first().map_or(0, |line| line.row);
        let played = match known(history) {
            None => Err((first, Refusal::WalletUnknown)),
            Some((wallet, limits)) => opening(&history.lines, &limits, scene.now).map(|left| (wallet, left)),
        };
        outcomes.push(played.as_ref().map(|_| Opened::default()).map_err(|wrong| *wrong));
        if let Ok((wallet, left)) = played
            && !left.is_empty()
        {
            places.push(outcomes.len() - 1);
            lists.push(commands(history, wallet, left, by));
        }
    }
    if lists.is_empty() {
        return Ok(outcomes);
    }
    let answers = super::post(tx, &mut Memory::default(), scene.workspace, &lists, scene.now).await?;
    for (place, answers) in places.into_iter().zip(answers) {
        let first = histories[place].lines.first().map_or(0, |line| line.row);
        let mut refusals = answers.iter().filter_map(|answer| answer.refused);
        // The others of a list say only that they are linked to it.
        outcomes[place] = match refusals.clone().find(|it| *it != Refusal::LinkedRefused).or_else(|| refusals.next()) {
            Some(refusal) => Err((first, refusal)),
            None => Ok(Opened {
                lots: answers.len() as i64,
                points: answers.iter().map(|answer| answer.amount).sum(),
                is_known: answers.iter().all(|answer| answer.replayed),
            }),
        };
    }
    Ok(outcomes)
}

/// What is posted; lines that say the same are told apart by how many of them came before.
fn commands(history: &History<'_>, wallet: WalletId, left: Vec<Left>, by: &str) -> Vec<Command> {
    let mut before: HashMap<Vec<u8>, u32> = HashMap::new();
    let names: Vec<String> = history
        .lines
        .iter()
        .map(|line| {
            let Line { row: _, at, points, active_from, expires_at, reference } = line;
            let said = (history.source, history.who, history.wallet, at, points, active_from, expires_at, reference);
            let said = serde_json::to_vec(&said).expect("plain values become JSON");
            let count = before.entry(said.clone()).or_insert(0);
            *count += 1;
            let hash = blake3::Hasher::new().update(&said).update(&count.to_be_bytes()).finalize();
            format!("{OWN_IDS}{}", &hash.to_hex()[..32])
        })
        .collect();
    let command = |left: Left| {
        let source = Source {
            kind: "import".to_owned(),
            reference: history.lines[left.line].reference.clone(),
            by: by.to_owned(),
            reason: history.source.to_owned(),
            // The same line is the same request, whoever sends it and under whichever number.
            asked: left_hash(&left),
        };
        Command { id: names[left.line].clone(), member: history.member, wallet, act: left.act, source }
    };
    left.into_iter().map(command).collect()
}

fn left_hash(left: &Left) -> Option<[u8; 16]> {
    let content = serde_json::to_vec(&left.act).expect("plain values become JSON");
    blake3::hash(&content).as_bytes().first_chunk().copied()
}
