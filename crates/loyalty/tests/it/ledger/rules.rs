//! The ledger's rules against a second implementation in which every point is a thing of its own, over random commands, and the promises that hold after
//! each of them.

use std::collections::{BTreeMap, HashMap};

use super::oracle::commands::{self, MEMBERS, Step, WALLETS};
use super::oracle::points::Points;
use proptest::prelude::*;
use rapport_domain::Timestamp;
use rapport_loyalty::ledger::{
    Account, Act, Answer, Balance, Chain, Command, Expiry, Kind, Ledger, MemberId, Operation, Place, Portion, Refusal,
    Shortage, Source, Standing, Terms, Wallet, WalletId, checksum,
};

fn wallet() -> Wallet {
    Wallet { amount_max: 1_000, balance_max: Some(60), arrears_max: 7 }
}

/// A ledger that knows everything that was ever done, as if a database had been asked.
#[derive(Default)]
struct Whole {
    ledger: Ledger,
    operations: Vec<Operation>,
}

impl Whole {
    fn new() -> Self {
        let mut ledger = Ledger::default();
        ledger.wallets = WALLETS.into_iter().map(|id| (id, wallet())).collect();
        ledger.standings = HashMap::from([
            (MEMBERS[0], Standing::Active),
            (MEMBERS[1], Standing::Active),
            (MEMBERS[2], Standing::Blocked),
            (MEMBERS[3], Standing::Closed),
            (MEMBERS[5], Standing::Active),
        ]);
        Self { ledger, operations: Vec::new() }
    }

    fn apply_all(&mut self, commands: &[Command], now: i64) -> Vec<Answer> {
        self.ledger.known = self.operations.iter().map(|operation| (operation.id.clone(), operation.clone())).collect();
        let answers = self.ledger.apply_all(commands, Timestamp(now));
        let done = self.ledger.take();
        for (number, reversed) in done.reversed {
            self.operations[usize::try_from(number).unwrap() - 1].reversed = reversed;
        }
        self.operations.extend(done.operations);
        answers
    }

    fn apply(&mut self, command: &Command, now: i64) -> Answer {
        self.apply_all(std::slice::from_ref(command), now).pop().unwrap()
    }

    fn merge(&mut self, from: MemberId, to: MemberId, now: i64) {
        if self.ledger.standings[&from] == Standing::Blocked {
            self.ledger.standings.insert(to, Standing::Blocked);
        }
        self.ledger.merge(from, to, Timestamp(now));
        self.operations.extend(self.ledger.take().operations);
    }

    /// What was posted by itself and can be undone.
    fn lapses(&self) -> Vec<(commands::Lapse, i64)> {
        self.operations.iter().filter_map(commands::lapse).collect()
    }

    /// The command, with the lapse that it undoes.
    fn aimed(&self, command: Command) -> Command {
        let lapses: Vec<commands::Lapse> = self.lapses().into_iter().map(|(lapse, _)| lapse).collect();
        commands::aimed(command, &lapses)
    }

    fn account(&self, key: (MemberId, WalletId)) -> Account {
        self.ledger.accounts.get(&key).cloned().unwrap_or_default()
    }

    /// What every place has, by the postings alone.
    fn places(&self, of: impl Fn(&(MemberId, WalletId)) -> bool) -> BTreeMap<Place, i64> {
        let mut places = BTreeMap::new();
        for posting in self.operations.iter().flat_map(|operation| &operation.postings) {
            if of(&(posting.member, posting.wallet)) {
                *places.entry(posting.from).or_default() -= posting.amount;
                *places.entry(posting.to).or_default() += posting.amount;
            }
        }
        places
    }

    /// The promises that hold after every operation.
    fn check(&self) -> Result<(), TestCaseError> {
        let everything = self.places(|_| true);
        prop_assert_eq!(everything.values().sum::<i64>(), 0);
        prop_assert_eq!(everything.get(&Place::Transit).copied().unwrap_or(0), 0);
        for key in MEMBERS.into_iter().flat_map(|member| WALLETS.map(|wallet| (member, wallet))) {
            let account = self.account(key);
            prop_assert_eq!(account.fault(), None);
            let places = self.places(|other| *other == key);
            let place = |place| places.get(&place).copied().unwrap_or(0);
            let balance = Balance {
                pending: place(Place::Pending),
                available: place(Place::Available),
                held: place(Place::Held),
                owed: -place(Place::Owed),
            };
            prop_assert_eq!(account.balance(), balance);
        }
        for (index, operation) in self.operations.iter().enumerate() {
            prop_assert_eq!(operation.number, index as i64 + 1);
            prop_assert!(operation.reversed <= operation.amount.abs());
            prop_assert!(operation.refused.is_none() || operation.postings.is_empty());
            prop_assert!(operation.postings.iter().all(|posting| posting.amount > 0));
        }
        let numbers: Vec<i64> =
            self.operations.iter().flat_map(|operation| &operation.postings).map(|posting| posting.number).collect();
        prop_assert_eq!(numbers, (1..=self.ledger.postings).collect::<Vec<i64>>());
        prop_assert!(self.operations.iter().map(|operation| operation.recorded_at).is_sorted());
        Ok(())
    }

    /// At no instant, as it is known now, was anything below 0.
    fn check_past(&self) -> Result<(), TestCaseError> {
        let mut postings: Vec<_> = self.operations.iter().flat_map(|operation| &operation.postings).collect();
        postings.sort_by_key(|posting| (posting.effective_at, posting.number));
        for wallet in WALLETS {
            for member in MEMBERS {
                let mut places: BTreeMap<Place, i64> = BTreeMap::new();
                let own = postings.iter().filter(|posting| (posting.member, posting.wallet) == (member, wallet));
                for group in own.collect::<Vec<_>>().chunk_by(|a, b| a.effective_at == b.effective_at) {
                    for posting in group {
                        *places.entry(posting.from).or_default() -= posting.amount;
                        *places.entry(posting.to).or_default() += posting.amount;
                    }
                    for place in [Place::Pending, Place::Available, Place::Held] {
                        prop_assert!(places.get(&place).is_none_or(|count| *count >= 0), "{:?} {:?}", place, places);
                    }
                }
            }
        }
        Ok(())
    }
}

fn oracle() -> Points {
    Points::new(wallet(), commands::standings())
}

/// Tells the points under which ids their lapses were posted.
fn tell(whole: &Whole, points: &mut Points) {
    for ((id, key), amount) in whole.lapses() {
        points.lapsed(&id, key, amount);
    }
}

fn lots_of(whole: &Whole, key: (MemberId, WalletId)) -> Vec<(i64, i64, i64, Option<i64>)> {
    let account = whole.account(key);
    let left = account.lots().filter(|lot| lot.remaining() > 0);
    left.map(|lot| (lot.pending, lot.available, lot.held, lot.expires_at.map(|at| at.0))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Every answer is the one that the points themselves give, and what is left of every lot too, whoever turns out to be whom.
    #[test]
    fn every_answer_is_the_one_of_single_points(life in commands::life(70)) {
        let (mut whole, mut points) = (Whole::new(), oracle());
        let mut now = 0;
        for (wait, step) in life {
            now += wait;
            let command = match step {
                Step::Do(command) => whole.aimed(*command),
                Step::Merge(from, to) => {
                    whole.merge(from, to, now);
                    points.merge(from, to, now);
                    tell(&whole, &mut points);
                    whole.check()?;
                    // Where the one had nothing, the other's account is not looked at.
                    for wallet in WALLETS.into_iter().filter(|it| whole.ledger.accounts.contains_key(&(from, *it))) {
                        prop_assert_eq!(lots_of(&whole, (from, wallet)), vec![]);
                        prop_assert_eq!(lots_of(&whole, (to, wallet)), points.lots((to, wallet)));
                        prop_assert_eq!(whole.account((to, wallet)).balance(), points.balance((to, wallet)));
                    }
                    continue;
                }
            };
            let before = whole.ledger.accounts.clone();
            let answer = whole.apply(&command, now);
            let said = points.apply(&command, now);
            tell(&whole, &mut points);
            prop_assert_eq!((answer.refused, answer.amount, answer.short, answer.after), said, "{:?} at {}", command, now);
            if answer.refused.is_some() || answer.replayed {
                for (key, account) in &before {
                    prop_assert_eq!(&whole.account(*key), account, "a refused command changes nothing");
                }
            }
            whole.check()?;
            let key = (whole.ledger.heir(command.member), command.wallet);
            if answer.refused.is_none() && !answer.replayed {
                prop_assert_eq!(lots_of(&whole, key), points.lots(key), "{:?} at {}", command, now);
            }
        }
        whole.check_past()?;
    }

    /// A list is done whole or not at all, and sent again it is answered the same.
    #[test]
    fn a_list_is_done_whole_or_not_at_all(story in commands::story(40), size in 2_usize..5) {
        let mut whole = Whole::new();
        let mut now = 0;
        for part in story.chunks(size) {
            now += part.iter().map(|(wait, _)| wait).sum::<i64>();
            let list: Vec<Command> = part.iter().map(|(_, command)| command.clone()).collect();
            let before = whole.ledger.accounts.clone();
            let answers = whole.apply_all(&list, now);
            let refused = answers.iter().filter(|answer| answer.refused.is_some()).count();
            prop_assert!(refused == 0 || refused == list.len(), "{:?}", answers);
            if refused > 0 {
                for (key, account) in &before {
                    prop_assert_eq!(&whole.account(*key), account);
                }
            }
            whole.check()?;
            let again = whole.apply_all(&list, now + 1);
            let is_kept = answers.iter().all(|answer| answer.operation.is_some());
            for (first, second) in answers.iter().zip(&again) {
                if is_kept {
                    prop_assert_eq!(&Answer { replayed: true, ..first.clone() }, second);
                } else {
                    prop_assert_eq!(first.refused, second.refused);
                }
            }
        }
    }

    /// Undoing a part leaves the account as if only the rest had been taken.
    #[test]
    fn a_part_undone_is_a_part_not_taken(lots in prop::collection::vec((1_i64..6, prop::option::of(5_i64..30)), 1..6), spent in 0_i64..100, back in 0_i64..100) {
        let all: i64 = lots.iter().map(|lot| lot.0).sum();
        let spent = 1 + spent % all;
        let back = 1 + back % spent;
        let earned = || {
            let mut whole = Whole::new();
            for (number, (amount, expires)) in lots.iter().enumerate() {
                let act = Act::Earn { amount: *amount, earned_at: None, active_from: None, expires_at: expires.map(Timestamp) };
                whole.apply(&command(&format!("e{number}"), act), 0);
            }
            whole
        };
        let (mut undone, mut less) = (earned(), earned());
        undone.apply(&command("s", Act::Spend { amount: spent }), 1);
        undone.apply(&command("r", reverse("s", Portion::Points { amount: back })), 1);
        if spent > back {
            less.apply(&command("s", Act::Spend { amount: spent - back }), 1);
        }
        let key = (MEMBERS[0], WALLETS[0]);
        prop_assert_eq!(lots_of(&undone, key), lots_of(&less, key));
    }

    /// Earned, then refunded in any parts: nothing is left, and nothing of it was ever taken twice.
    #[test]
    fn a_refund_in_parts_takes_what_was_earned(amount in 1_i64..40, mut parts in prop::collection::vec(0_i64..100, 0..6), spent in 0_i64..40) {
        parts.sort();
        parts.push(100);
        let mut whole = Whole::new();
        whole.apply(&command("e", Act::Earn { amount, earned_at: None, active_from: None, expires_at: None }), 0);
        let spent = spent.min(amount).min(7);
        if spent > 0 {
            whole.apply(&command("s", Act::Spend { amount: spent }), 1);
        }
        let mut taken = 0;
        for (number, refunded) in parts.iter().enumerate() {
            let portion = Portion::Refunded { refunded: *refunded, total: 100 };
            let answer = whole.apply(&command(&format!("r{number}"), reverse("e", portion)), 2);
            prop_assert_eq!(answer.refused, None);
            taken += answer.amount;
        }
        prop_assert_eq!(taken, amount);
        let balance = whole.account((MEMBERS[0], WALLETS[0])).balance();
        prop_assert_eq!(balance, Balance { owed: spent, ..Balance::default() });
        let again = whole.apply(&command("again", reverse("e", Portion::Rest)), 3);
        prop_assert_eq!(again.refused, Some(Refusal::AlreadyReversed));
    }
}

/// The random stories reach every kind of operation and every refusal that depends on the state, so that agreeing on them says something.
#[test]
fn stories_reach_everything() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut kinds, mut refusals, mut short, mut came_back) = (BTreeMap::new(), BTreeMap::new(), 0, 0);
    for _ in 0..300 {
        let mut whole = Whole::new();
        let mut now = 0;
        for (wait, step) in commands::life(70).new_tree(&mut runner).unwrap().current() {
            now += wait;
            match step {
                Step::Do(command) => {
                    let command = whole.aimed(*command);
                    short += i64::from(whole.apply(&command, now).short > 0);
                }
                Step::Merge(from, to) => whole.merge(from, to, now),
            }
        }
        came_back += whole.operations.iter().filter(|it| it.kind == Kind::Expire && it.reversed > 0).count();
        for operation in whole.operations {
            match operation.refused {
                Some(refusal) => *refusals.entry(refusal).or_insert(0) += 1,
                None => *kinds.entry(operation.kind).or_insert(0) += 1,
            }
        }
    }
    let missing: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| kinds.get(kind).is_none_or(|count| *count < 20)).collect();
    assert_eq!(missing, [], "{kinds:?}");
    let depends = |refusal: &Refusal| refusal.uses_up_the_id() && *refusal != Refusal::LinkedRefused;
    let missing: Vec<Refusal> =
        Refusal::ALL.into_iter().filter(|refusal| depends(refusal) && !refusals.contains_key(refusal)).collect();
    assert_eq!(missing, [], "{refusals:?}");
    assert!(short > 20 && came_back > 20, "{short} {came_back}");
}

fn command(id: &str, act: Act) -> Command {
    Command { id: id.into(), member: MEMBERS[0], wallet: WALLETS[0], act, source: Source::default() }
}

fn reverse(of: &str, portion: Portion) -> Act {
    Act::Reverse { of: of.into(), portion, shortage: Shortage::IntoArrears, grace_until: None }
}

fn earn(amount: i64) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at: None }
}

/// Every refusal is reached, and where two apply the one that stands first is given.
#[test]
fn refusals_have_a_fixed_order() {
    let mut whole = Whole::new();
    whole.apply(&command("old", earn(5)), 10 * Timestamp::SECOND);
    let mut ask = |change: &dyn Fn(&mut Command), act: Act, now: i64| {
        let mut asked = command("new", act);
        change(&mut asked);
        whole.apply(&asked, now * Timestamp::SECOND).refused
    };
    let nobody = |command: &mut Command| command.member = MemberId(99);
    let no_wallet = |command: &mut Command| command.wallet = WalletId(99);
    assert_eq!(ask(&|c| (c.id = String::new(), c.wallet = WalletId(99)).1, earn(0), 10), Some(Refusal::IdMalformed));
    assert_eq!(ask(&|c| c.id = "auto:1".into(), earn(1), 10), Some(Refusal::IdMalformed));
    assert_eq!(ask(&|c| c.source.reason = "x".repeat(256), earn(1), 10), Some(Refusal::IdMalformed));
    assert_eq!(ask(&no_wallet, earn(0), 10), Some(Refusal::WalletUnknown));
    assert_eq!(ask(&nobody, earn(0), 10), Some(Refusal::AmountZero));
    assert_eq!(ask(&nobody, earn(-1), 10), Some(Refusal::AmountNegative));
    assert_eq!(ask(&nobody, earn(1_001), 10), Some(Refusal::AmountTooLarge));
    assert_eq!(
        ask(&nobody, Act::Adjust { amount: i64::MIN, expires_at: None, into_arrears: true }, 10),
        Some(Refusal::AmountTooLarge)
    );
    let to_self = Act::Transfer { to: MEMBERS[0], amount: 0, expiry: Default::default() };
    assert_eq!(ask(&|_| (), to_self, 10), Some(Refusal::TransferToSelf));
    let refund = |refunded, total| reverse("old", Portion::Refunded { refunded, total });
    assert_eq!(ask(&nobody, refund(2, 1), 10), Some(Refusal::RefundMalformed));
    assert_eq!(ask(&nobody, refund(0, 0), 10), Some(Refusal::RefundMalformed));
    assert_eq!(ask(&|c| c.id = "old".into(), earn(6), 1), Some(Refusal::IdReused));
    assert_eq!(ask(&nobody, earn(6), 4), Some(Refusal::ClockBehind));
    // A clock that is a little behind is taken as standing still.
    assert_eq!(ask(&|c| c.id = "a little behind".into(), earn(1), 6), None);
    assert_eq!(
        ask(&|c| (nobody(c), c.id = "a".into()).1, Act::Spend { amount: 100 }, 10),
        Some(Refusal::MemberUnknown)
    );
    assert_eq!(
        ask(&|c| (c.member = MEMBERS[3], c.id = "b".into()).1, Act::Spend { amount: 100 }, 10),
        Some(Refusal::MemberClosed)
    );
    assert_eq!(
        ask(&|c| (c.member = MEMBERS[2], c.id = "c".into()).1, Act::Spend { amount: 100 }, 10),
        Some(Refusal::MemberBlocked)
    );
    let spend = ask(&|c| c.id = "d".into(), Act::Spend { amount: 100 }, 10);
    assert_eq!(spend, Some(Refusal::InsufficientPoints));
}

/// So have those that depend on the state, also within a list.
#[test]
fn refusals_by_the_state_have_a_fixed_order() {
    let mut whole = Whole::new();
    let lapses = Act::Earn { amount: 7, earned_at: None, active_from: None, expires_at: Some(Timestamp(5)) };
    let hold = |amount, until| Act::Hold { amount, until: Timestamp(until) };
    let capture = |amount| Act::Capture { hold: "taken".into(), amount };
    for (id, act) in [("old", lapses), ("lapsed", hold(4, 20)), ("timed out", hold(3, 4))] {
        assert_eq!(whole.apply(&command(id, act), 1).refused, None, "{id}");
    }
    let half = Portion::Refunded { refunded: 50, total: 100 };
    for (id, act) in [
        ("five", earn(5)),
        ("taken", hold(2, 20)),
        ("capture", capture(None)),
        ("half", reverse("five", half)),
        ("more", earn(5)),
    ] {
        assert_eq!(whole.apply(&command(id, act), 10).refused, None, "{id}");
    }
    assert_eq!(whole.apply(&command("refused", hold(100, 20)), 10).refused, Some(Refusal::InsufficientPoints));
    assert_eq!(whole.apply(&Command { member: MEMBERS[1], ..command("full", earn(60)) }, 10).refused, None);

    let too_early = || Expiry::Reset { expires_at: Some(Timestamp(10)) };
    let transfer = |to, amount, expiry| Act::Transfer { to, amount, expiry };
    let hand_over = |hold: &str, expiry| Act::HandOver { hold: hold.into(), to: MEMBERS[1], expiry };
    let adjust = |into_arrears| Act::Adjust { amount: -100, expires_at: None, into_arrears };
    let earn_until = |earned_at: i64| {
        let (earned_at, expires_at) = (Some(Timestamp(earned_at)), Some(Timestamp(10)));
        Act::Earn { amount: 1, earned_at, active_from: None, expires_at }
    };
    // More than there is, with a time to spend it in that is over.
    let undo = |of: &str| Act::Reverse {
        of: of.into(),
        portion: Portion::Points { amount: 100 },
        shortage: Shortage::IntoArrears,
        grace_until: Some(Timestamp(10)),
    };
    let (own, full, blocked, closed, nobody) = (MEMBERS[0], MEMBERS[1], MEMBERS[2], MEMBERS[3], MemberId(99));
    let cases = [
        (own, transfer(own, 1_001, Expiry::Keep), Refusal::TransferToSelf),
        (blocked, transfer(nobody, 1, Expiry::Keep), Refusal::MemberBlocked),
        (own, transfer(closed, 50, Expiry::Keep), Refusal::MemberClosed),
        (own, earn_until(11), Refusal::InTheFuture),
        (full, earn_until(10), Refusal::EndsTooEarly),
        (own, transfer(full, 50, too_early()), Refusal::EndsTooEarly),
        (own, hand_over("lapsed", too_early()), Refusal::EndsTooEarly),
        (own, hand_over("unknown", too_early()), Refusal::HoldUnknown),
        (own, capture(Some(3)), Refusal::HoldCaptured),
        (own, hand_over("timed out", Expiry::Keep), Refusal::HoldTimedOut),
        (own, hand_over("lapsed", Expiry::Keep), Refusal::HoldLapsed),
        (own, undo("unknown"), Refusal::OperationUnknown),
        (own, undo("refused"), Refusal::OperationWasRefused),
        (own, undo("taken"), Refusal::NotReversible),
        (own, undo("five"), Refusal::EndsTooEarly),
        (own, reverse("five", Portion::Points { amount: 100 }), Refusal::AlreadyReversed),
        (own, reverse("five", Portion::Refunded { refunded: 0, total: 100 }), Refusal::RefundWentDown),
        (own, transfer(full, 50, Expiry::Keep), Refusal::InsufficientPoints),
        (own, transfer(full, 1, Expiry::Keep), Refusal::BalanceLimit),
        (own, adjust(false), Refusal::InsufficientPoints),
        (own, adjust(true), Refusal::ArrearsLimit),
    ];
    for (number, (member, act, refusal)) in cases.into_iter().enumerate() {
        let asked = Command { member, ..command(&format!("ask {number}"), act) };
        assert_eq!(whole.apply(&asked, 10).refused, Some(refusal), "{asked:?}");
    }
    // An id that was used is looked at behind what is wrong with the numbers.
    assert_eq!(
        whole.apply(&command("old", reverse("five", Portion::Refunded { refunded: 2, total: 1 })), 10).refused,
        Some(Refusal::RefundMalformed)
    );

    // Of a list the first that is refused says why, whatever could be said of the others.
    let spend = |id: &str| Command { member: blocked, ..command(id, Act::Spend { amount: 1 }) };
    let mut list = [spend("blocked"), command("future", earn_until(11))];
    let why = |answers: Vec<Answer>| -> Vec<Option<Refusal>> { answers.iter().map(|answer| answer.refused).collect() };
    assert_eq!(why(whole.apply_all(&list, 10)), [Some(Refusal::MemberBlocked), Some(Refusal::LinkedRefused)]);
    list = [command("future again", earn_until(11)), spend("blocked again")];
    assert_eq!(why(whole.apply_all(&list, 10)), [Some(Refusal::InTheFuture), Some(Refusal::LinkedRefused)]);
}

/// Programs tell refusals apart by these words, for ever.
#[test]
fn codes_of_refusals_do_not_change() {
    let codes = [
        "id_malformed",
        "wallet_unknown",
        "amount_zero",
        "amount_negative",
        "amount_too_large",
        "transfer_to_self",
        "refund_malformed",
        "id_reused",
        "clock_behind",
        "member_unknown",
        "member_closed",
        "member_blocked",
        "linked_refused",
        "in_the_future",
        "ends_too_early",
        "hold_unknown",
        "hold_captured",
        "hold_released",
        "hold_timed_out",
        "hold_lapsed",
        "hold_too_small",
        "operation_unknown",
        "operation_was_refused",
        "not_reversible",
        "already_reversed",
        "refund_went_down",
        "insufficient_points",
        "balance_limit",
        "arrears_limit",
    ];
    assert_eq!(Refusal::ALL.map(Refusal::code), codes);
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::read(refusal.code()), Some(refusal));
    }
}

/// What depends on the moment uses up its id; what is wrong anyway does not.
#[test]
fn a_failed_id_stays_failed() {
    let mut whole = Whole::new();
    let spend = command("s", Act::Spend { amount: 3 });
    let first = whole.apply(&spend, 1);
    assert_eq!(first.refused, Some(Refusal::InsufficientPoints));
    whole.apply(&command("e", earn(5)), 2);
    let again = whole.apply(&spend, 3);
    assert_eq!(again, Answer { replayed: true, ..first });
    assert_eq!(whole.apply(&command("z", earn(0)), 4).operation, None);
    assert_eq!(whole.apply(&command("z", earn(2)), 5).refused, None);
    assert_eq!(whole.account((MEMBERS[0], WALLETS[0])).balance().available, 7);
}

/// Nobody can spend a point at or after the instant at which it lapses, nor before the one at which it becomes available, however late the job is.
#[test]
fn instants_are_exact() {
    let mut whole = Whole::new();
    let act =
        Act::Earn { amount: 4, earned_at: None, active_from: Some(Timestamp(10)), expires_at: Some(Timestamp(20)) };
    whole.apply(&command("e", act), 0);
    let mut spend = |id: &str, now| whole.apply(&command(id, Act::Spend { amount: 1 }), now).refused;
    assert_eq!(spend("at 9", 9), Some(Refusal::InsufficientPoints));
    assert_eq!(spend("at 10", 10), None);
    assert_eq!(spend("at 19", 19), None);
    assert_eq!(spend("at 20", 20), Some(Refusal::InsufficientPoints));
    whole.apply(&command("x", earn(1)), 25);
    let lapsed = whole.operations.iter().find(|operation| operation.kind == Kind::Expire).unwrap();
    assert_eq!((lapsed.amount, lapsed.effective_at, lapsed.recorded_at), (2, Timestamp(20), Timestamp(25)));
    assert_eq!(whole.operations.iter().filter(|operation| operation.kind == Kind::Expire).count(), 1);
}

/// A redemption that is cancelled after its points would have lapsed does not save them, unless the programme grants time.
#[test]
fn redeeming_and_cancelling_does_not_make_points_last() {
    let act =
        |expires| Act::Earn { amount: 4, earned_at: None, active_from: None, expires_at: Some(Timestamp(expires)) };
    let story = |grace_until: Option<Timestamp>| {
        let mut whole = Whole::new();
        whole.apply(&command("e", act(20)), 0);
        whole.apply(&command("s", Act::Spend { amount: 3 }), 19);
        let back =
            Act::Reverse { of: "s".into(), portion: Portion::Rest, shortage: Shortage::IntoArrears, grace_until };
        let answer = whole.apply(&command("r", back), 30);
        assert_eq!((answer.refused, answer.amount), (None, 3));
        (answer.after.available, whole)
    };
    assert_eq!(story(None).0, 0);
    let (available, mut whole) = story(Some(Timestamp(35)));
    assert_eq!(available, 3);
    assert_eq!(whole.apply(&command("late", Act::Spend { amount: 1 }), 35).refused, Some(Refusal::InsufficientPoints));
}

/// History that is entered later comes to the same as if it had been entered when it happened.
#[test]
fn what_is_entered_later_comes_to_the_same() {
    let (mut live, mut later) = (Whole::new(), Whole::new());
    let lots = [(0, 5, 12), (2, 7, 40), (4, 3, 90)];
    for (at, amount, expires) in lots {
        let act = |earned_at| Act::Earn {
            amount,
            earned_at,
            active_from: Some(Timestamp(at + 3)),
            expires_at: Some(Timestamp(expires)),
        };
        live.apply(&command(&format!("e{at}"), act(None)), at);
        later.apply(&command(&format!("e{at}"), act(Some(Timestamp(at)))), 50);
    }
    live.apply(&command("x", earn(1)), 50);
    later.apply(&command("x", earn(1)), 50);
    let key = (MEMBERS[0], WALLETS[0]);
    assert_eq!(lots_of(&live, key), lots_of(&later, key));
    for at in 0..60 {
        let known = |whole: &Whole| {
            let mut available = 0;
            for posting in whole
                .operations
                .iter()
                .flat_map(|operation| &operation.postings)
                .filter(|posting| posting.effective_at.0 <= at)
            {
                available += i64::from(posting.to == Place::Available) * posting.amount;
                available -= i64::from(posting.from == Place::Available) * posting.amount;
            }
            available
        };
        assert_eq!(known(&live), known(&later), "at {at}");
    }
}

/// Any change of a record shows, in the record's own checksum and in the chain.
#[test]
fn every_change_breaks_the_chain() {
    let mut whole = Whole::new();
    whole.apply(&command("s", earn(2)), 1);
    let lasting = Act::Earn { amount: 5, earned_at: None, active_from: None, expires_at: Some(Timestamp(9)) };
    whole.apply(&command("e", lasting), 2);
    let terms = whole.operations[1].terms.clone().unwrap();
    assert_eq!(Terms::read(&terms.text()), Some(terms));
    let chain = Chain::default().with(&whole.operations);
    assert_eq!(chain, Chain::default().with(&whole.operations.clone()));
    let changes: [fn(&mut Operation); 15] = [
        |operation| operation.amount += 1,
        |operation| operation.member = MemberId(77),
        |operation| operation.kind = Kind::Adjust,
        |operation| operation.refused = Some(Refusal::MemberClosed),
        |operation| operation.recorded_at.0 += 1,
        |operation| operation.postings[0].amount += 1,
        |operation| operation.postings[0].to = Place::Expired,
        |operation| operation.postings.clear(),
        |operation| operation.after.available += 1,
        |operation| operation.id = "another".into(),
        |operation| operation.fingerprint[15] ^= 1,
        |operation| operation.terms = None,
        |operation| operation.terms.as_mut().unwrap().until = Some(Timestamp(3)),
        |operation| operation.terms.as_mut().unwrap().lots[0].expires_at.as_mut().unwrap().0 += 1,
        |operation| operation.terms.as_mut().unwrap().lots[0].active_from.0 += 1,
    ];
    for change in changes {
        let mut changed = whole.operations.clone();
        change(&mut changed[1]);
        assert_ne!(checksum(&changed[1]), checksum(&whole.operations[1]));
        assert_ne!(Chain::default().with(&changed), chain);
    }
    let mut erased = whole.operations.clone();
    (erased[1].source.reference, erased[1].source.reason) = ("erased".into(), "erased".into());
    assert_eq!(Chain::default().with(&erased), chain);
    let mut swapped = whole.operations.clone();
    swapped.swap(0, 1);
    assert_ne!(Chain::default().with(&swapped), chain);
}

/// Two who are one: a hold that was open is captured under the old number, an order from before is refunded under it, and what comes back lies where it did.
#[test]
fn what_names_an_old_number_finds_the_points_where_they_are() {
    let mut whole = Whole::new();
    let old = |id: &str, act| Command { member: MEMBERS[1], ..command(id, act) };
    let until = |at| Act::Earn { amount: 10, earned_at: None, active_from: None, expires_at: Some(Timestamp(at)) };
    whole.apply(&command("mine", until(50)), 1);
    whole.apply(&old("order", until(40)), 1);
    whole.apply(&old("hold", Act::Hold { amount: 6, until: Timestamp(30) }), 2);
    whole.apply(&old("gift", Act::Spend { amount: 1 }), 2);
    whole.merge(MEMBERS[1], MEMBERS[0], 3);
    let merged = whole.operations.last().unwrap();
    assert_eq!(
        (merged.kind, merged.member, merged.amount, merged.effective_at),
        (Kind::Merge, MEMBERS[0], 9, Timestamp(3))
    );
    assert_eq!(merged.after, Balance { available: 13, held: 6, ..Balance::default() });
    let lots = lots_of(&whole, (MEMBERS[0], WALLETS[0]));
    assert_eq!(lots, [(0, 10, 0, Some(50)), (0, 3, 6, Some(40))]);

    let captured = whole.apply(&old("capture", Act::Capture { hold: "hold".into(), amount: Some(4) }), 4);
    assert_eq!((captured.refused, captured.after.available, captured.after.held), (None, 15, 0));
    let back = whole.apply(&old("back", reverse("gift", Portion::Rest)), 5);
    assert_eq!((back.refused, back.amount, back.after.available), (None, 1, 16));
    // Six of the order's ten are left in its lot; the four that were spent come from what else there is.
    let refunded = whole.apply(&command("refund", reverse("order", Portion::Rest)), 6);
    assert_eq!((refunded.refused, refunded.amount, refunded.after.available), (None, 10, 6));
    assert_eq!(lots_of(&whole, (MEMBERS[0], WALLETS[0])), [(0, 6, 0, Some(50))]);
    // Sent again, it is answered as it was.
    assert!(whole.apply(&old("capture", Act::Capture { hold: "hold".into(), amount: Some(4) }), 7).replayed);
    let to_self = Act::Transfer { to: MEMBERS[1], amount: 1, expiry: Default::default() };
    assert_eq!(whole.apply(&command("round", to_self), 7).refused, Some(Refusal::TransferToSelf));
    assert_eq!(
        whole.apply(&command("undo", reverse(&format!("auto:{}", 5), Portion::Rest)), 8).refused,
        Some(Refusal::NotReversible)
    );
}

/// What one owes the other pays, and no limit of the wallet stands in the way.
#[test]
fn a_merge_pays_debts_and_knows_no_limits() {
    let mut whole = Whole::new();
    let old = |id: &str, act| Command { member: MEMBERS[1], ..command(id, act) };
    whole.apply(&command("full", earn(60)), 1);
    whole.apply(&old("debt", Act::Adjust { amount: -7, expires_at: None, into_arrears: true }), 1);
    whole.merge(MEMBERS[1], MEMBERS[0], 2);
    assert_eq!(whole.account((MEMBERS[0], WALLETS[0])).balance(), Balance { available: 53, ..Balance::default() });
    let other = |id: &str, act| Command { member: MEMBERS[5], ..command(id, act) };
    whole.apply(&other("more", earn(60)), 3);
    whole.merge(MEMBERS[0], MEMBERS[5], 4);
    // The first number leads on in one step.
    assert_eq!(whole.ledger.heir(MEMBERS[1]), MEMBERS[5]);
    assert_eq!(whole.apply(&old("one too many", earn(1)), 5).refused, Some(Refusal::BalanceLimit));
    assert_eq!(whole.apply(&old("spent", Act::Spend { amount: 113 }), 5).after, Balance::default());
    whole.check().unwrap();
}
