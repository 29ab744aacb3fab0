//! Random commands: few members, few points, few ids and short times, so that everything meets everything.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::{Act, Command, Expiry, Kind, MemberId, Operation, Portion, Shortage, Source, WalletId};

/// Two who may do everything, one who is blocked, one whose account is closed, one whom nobody knows, and a third who may do everything.
pub const MEMBERS: [MemberId; 6] = [MemberId(1), MemberId(2), MemberId(3), MemberId(4), MemberId(5), MemberId(6)];
pub const WALLETS: [WalletId; 2] = [WalletId(1), WalletId(2)];

/// Who may do what.
pub fn standings() -> BTreeMap<MemberId, &'static str> {
    let known = [MEMBERS[0], MEMBERS[1], MEMBERS[2], MEMBERS[3], MEMBERS[5]];
    known.into_iter().zip(["active", "active", "blocked", "closed", "active"]).collect()
}

/// Up to `most` commands, each with the time that passes before it.
pub fn story(most: usize) -> impl Strategy<Value = Vec<(i64, Command)>> {
    let wait = prop_oneof![4 => Just(0_i64), 4 => Just(1), 2 => 2_i64..9];
    prop::collection::vec((wait, seed()), 1..most).prop_map(|steps| {
        let (mut now, mut earlier) = (0, Vec::new());
        for (wait, seed) in &steps {
            now += wait;
            let command = made(*seed, &earlier, now);
            earlier.push(command);
        }
        steps.into_iter().map(|(wait, _)| wait).zip(earlier).collect()
    })
}

/// What happens next.
#[derive(Clone, Debug)]
pub enum Step {
    Do(Box<Command>),
    /// Everything of the first goes to the second.
    Merge(MemberId, MemberId),
}

/// A [`story`] in which members turn out to be the same person now and then. Nobody is merged twice.
pub fn life(most: usize) -> impl Strategy<Value = Vec<(i64, Step)>> {
    let pair = |of: &[usize]| prop::sample::subsequence(of.to_vec(), 2).prop_shuffle();
    let pair = prop_oneof![4 => pair(&[0, 1, 5]), 1 => pair(&[0, 1, 2, 5])];
    let merges = prop::collection::vec(prop::option::weighted(0.04, pair), most);
    (story(most), merges).prop_map(|(story, merges)| {
        let (mut steps, mut gone) = (Vec::new(), Vec::new());
        for ((wait, command), merge) in story.into_iter().zip(merges) {
            let merge = merge.filter(|pair| !pair.iter().any(|it| gone.contains(it)));
            if let Some([from, to]) = merge.as_deref() {
                gone.push(*from);
                steps.push((0, Step::Merge(MEMBERS[*from], MEMBERS[*to])));
            }
            steps.push((wait, Step::Do(Box::new(command))));
        }
        steps
    })
}

/// A lapse that was posted: its id, and in whose account.
pub type Lapse = (String, (MemberId, WalletId));

/// What undoes a lapse says this and how many lapses ago it was, until [`aimed`] says which: ids of what happens by itself are known when it did.
const LAPSE: &str = "lapse ";

/// The lapse that an operation is, if it is one, and how many points lapsed.
pub fn lapse(operation: &Operation) -> Option<(Lapse, i64)> {
    let key = (operation.member, operation.wallet);
    (operation.kind == Kind::Expire).then(|| ((operation.id.clone(), key), operation.amount))
}

/// The command, with the lapse that it undoes out of those that were posted.
pub fn aimed(mut command: Command, lapses: &[Lapse]) -> Command {
    let Act::Reverse { of, .. } = &mut command.act else { return command };
    let Some(ago) = of.strip_prefix(LAPSE).and_then(|ago| ago.parse::<usize>().ok()) else { return command };
    if !lapses.is_empty() {
        let (id, key) = &lapses[lapses.len() - 1 - ago % lapses.len().min(4)];
        *of = id.clone();
        (command.member, command.wallet) = *key;
    }
    command
}

type Seed = (u8, u8, u8, i64, (u16, u16), (Option<i64>, Option<i64>), u8);

fn seed() -> impl Strategy<Value = Seed> {
    let time = || prop::option::weighted(0.6, 1_i64..14);
    (any::<u8>(), any::<u8>(), any::<u8>(), 1_i64..9, (any::<u16>(), any::<u16>()), (time(), time()), any::<u8>())
}

/// The id of an earlier command that can be meant, and the account it was for; now and then of any command.
fn meant(earlier: &[Command], pick: u16, fits: fn(&Act) -> bool) -> Option<&Command> {
    let fitting: Vec<&Command> =
        earlier.iter().filter(|command| fits(&command.act) || pick.is_multiple_of(16)).collect();
    (!fitting.is_empty()).then(|| fitting[fitting.len() - 1 - usize::from(pick / 16) % fitting.len().min(6)])
}

fn made((act, who, wallet, amount, (id, of), (one, other), choice): Seed, earlier: &[Command], now: i64) -> Command {
    let mut member = MEMBERS[[0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 5][usize::from(who) % 13]];
    let mut wallet = WALLETS[usize::from(wallet % 5 == 0)];
    let mut reference = |fits| {
        let Some(command) = meant(earlier, of, fits) else { return "nothing".to_owned() };
        if choice % 8 != 0 {
            (member, wallet) = (command.member, command.wallet);
        }
        command.id.clone()
    };
    let holds = |act: &Act| matches!(act, Act::Hold { .. });
    let moves =
        |act: &Act| !matches!(act, Act::Hold { .. } | Act::Release { .. } | Act::Extend { .. } | Act::Forfeit {});
    let later = |by: i64| Timestamp(now + by);
    let shortage = [Shortage::IntoArrears, Shortage::WithinBalance, Shortage::PendingOnly][usize::from(choice) % 3];
    let portion = match choice % 4 {
        0 | 1 => Portion::Rest,
        2 => Portion::Points { amount },
        _ => Portion::Refunded { refunded: amount.min(7), total: 7 },
    };
    let act = match act % 30 {
        0..7 => Act::Earn {
            amount: amount * 2,
            earned_at: (choice % 5 == 0).then(|| Timestamp(now - 6 + (id % 7 == 0) as i64 * 8)),
            active_from: one.filter(|_| choice % 2 == 0).map(|by| Timestamp(now - 3 + by)),
            expires_at: other.map(|by| later(3 * by)),
        },
        7..10 => Act::Spend { amount: 1 + amount / 2 },
        10..12 => Act::Hold { amount: 1 + amount / 2, until: later(one.map_or(20, |by| 3 * by)) },
        12..14 | 23 => Act::Capture { hold: reference(holds), amount: (choice % 3 > 0).then_some(1 + amount / 3) },
        14 | 24 | 25 => Act::Release { hold: reference(holds) },
        15 => {
            let amount = if choice % 2 == 0 { amount } else { -amount };
            Act::Adjust { amount, expires_at: one.map(later), into_arrears: choice % 4 > 1 }
        }
        16 | 17 | 26..30 => {
            let hold = (act % 30 > 17).then(|| reference(holds));
            let to = MEMBERS[[0, 0, 1, 1, 2, 3, 4, 5][usize::from(choice) % 8]];
            let to = if to == member { MEMBERS[usize::from(member == MEMBERS[0])] } else { to };
            let expiry = if choice % 2 == 0 { Expiry::Keep } else { Expiry::Reset { expires_at: one.map(later) } };
            match hold {
                Some(hold) => Act::HandOver { hold, to, expiry },
                None => Act::Transfer { to, amount, expiry },
            }
        }
        18..22 => {
            // A third of them undo what lapsed, which needs another end.
            let is_lapse = of.is_multiple_of(3);
            let of = if is_lapse { format!("{LAPSE}{}", of / 3 % 4) } else { reference(moves) };
            Act::Reverse { of, portion, shortage, grace_until: one.filter(|_| is_lapse || choice % 3 == 1).map(later) }
        }
        22 if choice % 4 == 0 => Act::Forfeit {},
        _ => Act::Extend { expires_at: later(amount - 1) },
    };
    let again = || meant(earlier, of, |_| true).map(|command| command.id.clone());
    let id = again().filter(|_| id % 12 == 0).unwrap_or_else(|| format!("c{}", earlier.len()));
    Command { id, member, wallet, act, source: Source::default() }
}
