//! Where the law says when points may lapse: the rule against a second implementation that goes from end to end, and the records on both engines.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use rapport_domain::{PersonId, SeededRng, Timestamp, WorkspaceId};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::jurisdictions::{Guard, Law, Verdict};
use rapport_loyalty::ledger::{
    Act, Answer, Command, Kind, Ledger, MemberId, Operation, Source, Standing, Wallet, WalletId,
};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Saved;
use rapport_loyalty::records::jurisdictions::{self, Asked};
use rapport_loyalty::records::notices::{self, OpenNotice};
use rapport_loyalty::records::{self, Memory, members, programs, read, wallets};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use serde_json::{Value, json};

const W: WorkspaceId = WorkspaceId(1);
const DAY: i64 = Timestamp::DAY;
const ANN: MemberId = MemberId(7);
const POINTS: WalletId = WalletId(1);

fn lives_in(region: &str) -> Value {
    json!({"fact": {"key": "trait.region", "op": "equals", "value": region}})
}

fn form(expiry: &Value, change: Value) -> Value {
    let mut jurisdiction = json!({"key": "here", "name": "Here", "when": lives_in("QC")});
    for (name, value) in change.as_object().unwrap() {
        jurisdiction[name] = value.clone();
    }
    let wallets = json!([
        {"key": "points", "name": "Points", "expiry": expiry}, {"key": "stamps", "name": "Stamps", "unit": {"kind": "stamps"}, "expiry": expiry},
    ]);
    json!({"name": "Club", "zone": "UTC", "currency": "CAD", "wallets": wallets, "jurisdictions": [jurisdiction]})
}

fn program(expiry: &Value, change: Value) -> Program {
    let program = Program::from_json(form(expiry, change)).unwrap();
    program.check().unwrap();
    program
}

fn by_time() -> Value {
    json!({"kind": "after", "count": 90, "unit": "days"})
}

fn law(program: &Program, wallet: &str) -> Option<Law> {
    Law::of(program, program.wallet(wallet).unwrap()).remove("here")
}

fn at(day: i64) -> Timestamp {
    Timestamp(20_000 * DAY + day * DAY)
}

#[test]
fn what_cannot_be_a_law_is_refused_with_its_place() {
    let history = json!({"performed": {"event": "Order Completed"}});
    for (change, place) in [
        (json!({}), "jurisdictions[0]"),
        (json!({"key": "No Key", "no_expiry_by_time": true}), "jurisdictions[0].key"),
        (json!({"name": "", "no_expiry_by_time": true}), "jurisdictions[0].name"),
        (json!({"when": history, "no_expiry_by_time": true}), "jurisdictions[0].when"),
        (json!({"when": {"segment": "vip"}, "no_expiry_by_time": true}), "jurisdictions[0].when"),
        (json!({"inactivity_at_least": {"count": 0, "unit": "years"}}), "jurisdictions[0].inactivity_at_least"),
        (json!({"notice_between": [60, 30]}), "jurisdictions[0].notice_between"),
        (json!({"notice_between": [0, 30]}), "jurisdictions[0].notice_between"),
        (json!({"notice_between": [30, 400]}), "jurisdictions[0].notice_between"),
        (json!({"no_expiry_by_time": true, "excepted_wallets": ["miles"]}), "jurisdictions[0].excepted_wallets[0]"),
        (
            json!({"no_expiry_by_time": true, "excepted_wallets": ["stamps", "stamps"]}),
            "jurisdictions[0].excepted_wallets[1]",
        ),
    ] {
        let said =
            Program::from_json(form(&by_time(), change.clone())).and_then(|it| it.check()).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{place}: ")), "{change}: {said}");
    }
    let mut twice = form(&by_time(), json!({"no_expiry_by_time": true}));
    let one = twice["jurisdictions"][0].clone();
    twice["jurisdictions"].as_array_mut().unwrap().push(one);
    let said = Program::from_json(twice).unwrap().check().unwrap_err().to_string();
    assert!(said.starts_with("jurisdictions[1].key: "), "{said}");
}

/// Ontario's law since 2018, and Québec's regulation 79.6.3.
#[test]
fn laws_say_when_points_lapse() {
    let guard = |program: &Program, proved: &[(i64, i64)]| {
        let proved = proved.iter().map(|(end, sent)| (at(*end), at(*sent))).collect();
        Guard::new(&law(program, "points").unwrap(), proved).unwrap()
    };
    let ontario = json!({"no_expiry_by_time": true, "excepted_wallets": ["stamps"]});
    let by_age = program(&by_time(), ontario.clone());
    assert_eq!(guard(&by_age, &[]).verdict(at(90), at(0), at(90)), Verdict::Never);
    assert_eq!(law(&by_age, "stamps"), None, "cards for one thing are left out");
    let inactive = program(&json!({"kind": "inactivity", "count": 100, "unit": "days"}), ontario);
    // Somebody was given points that lapse after ten days: that is time alone.
    assert_eq!(guard(&inactive, &[]).verdict(at(10), at(0), at(10)), Verdict::Until(at(101)));
    assert_eq!(guard(&inactive, &[]).verdict(at(101), at(0), at(101)), Verdict::Lapse);

    let quebec = json!({"inactivity_at_least": {"count": 1, "unit": "years"}, "notice_between": [30, 60]});
    let quebec = program(&by_time(), quebec);
    let year = |active| Timestamp(at(active).0 + 366 * DAY);
    assert_eq!(guard(&quebec, &[]).verdict(at(90), at(0), at(90)), Verdict::Until(year(0)));
    for (sent, lapses) in [(339, false), (340, true), (355, true), (370, true), (371, false)] {
        let verdict = guard(&quebec, &[(400, sent)]).verdict(at(400), at(0), at(400));
        assert_eq!(verdict == Verdict::Lapse, lapses, "sent {} days before", 400 - sent);
        if !lapses {
            assert_eq!(verdict, Verdict::Until(at(460)), "there is time for another notice");
        }
    }
    // A notice of other points proves nothing.
    assert_eq!(guard(&quebec, &[(401, 355)]).verdict(at(400), at(0), at(400)), Verdict::Until(at(460)));
}

fn ledger(guard: Option<Guard>) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.wallets = HashMap::from([(POINTS, Wallet { amount_max: 1_000, balance_max: None, arrears_max: 0 })]);
    ledger.standings = HashMap::from([(ANN, Standing::Active)]);
    ledger.guards = guard.map(|guard| ((ANN, POINTS), guard)).into_iter().collect();
    ledger
}

/// When a lot lapses, end after end; what it was put off to.
fn oracle(mut end: i64, sent: &BTreeMap<i64, i64>, until: i64) -> (Option<i64>, Vec<i64>) {
    let mut ends = Vec::new();
    while end <= until {
        if sent.get(&end).is_some_and(|sent| end - 60 <= *sent && *sent <= end - 30) {
            return (Some(end), ends);
        }
        end += 60;
        ends.push(end);
    }
    (None, ends)
}

proptest! {
    /// Whenever somebody looks, points lapse exactly at the end that a proved notice spoke of, and at no other.
    #[test]
    fn nothing_lapses_without_a_proved_notice_and_everything_with_one_does(
        lots in prop::collection::vec((1_i64..100, 1_i64..300), 1..6),
        notices in prop::collection::btree_map(0_i64..600, 1_i64..90, 0..40),
        looks in prop::collection::btree_set(0_i64..700, 0..20),
    ) {
        let program = program(&by_time(), json!({"notice_between": [30, 60]}));
        let sent: BTreeMap<i64, i64> = notices.iter().map(|(end, before)| (*end, end - before)).collect();
        let proved = sent.iter().map(|(end, sent)| (at(*end), at(*sent))).collect();
        let mut ledger = ledger(Guard::new(&law(&program, "points").unwrap(), proved));
        let mut done: Vec<Operation> = Vec::new();
        for (number, (amount, end)) in lots.iter().enumerate() {
            let act = Act::Earn { amount: *amount, earned_at: None, active_from: None, expires_at: Some(at(*end)) };
            let id = format!("lot {number}");
            let answer = ledger.apply(&Command { id, member: ANN, wallet: POINTS, act, source: Source::default() }, at(0));
            prop_assert_eq!(answer.refused, None);
        }
        done.extend(ledger.take().operations);
        let last = looks.last().copied().unwrap_or(0).max(650);
        for look in looks.into_iter().chain([last]) {
            let seen = ledger.balance_at((ANN, POINTS), at(look));
            ledger.settle((ANN, POINTS), at(look), Timestamp(i64::MIN));
            done.extend(ledger.take().operations);
            let left = lots.iter().filter(|(_, end)| oracle(*end, &sent, look).0.is_none()).map(|(amount, _)| amount).sum::<i64>();
            prop_assert_eq!(seen.available, left);
        }
        let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
        let mut put_off: BTreeMap<i64, i64> = BTreeMap::new();
        for (amount, end) in &lots {
            let (lapsed, ends) = oracle(*end, &sent, last);
            if let Some(at) = lapsed {
                *expected.entry(at).or_default() += amount;
            }
            for next in ends {
                *put_off.entry(next - 60).or_default() += amount;
            }
        }
        let of = |kind: Kind| -> BTreeMap<i64, i64> {
            let of = done.iter().filter(|it| it.kind == kind);
            of.map(|it| ((it.effective_at.0 - at(0).0) / DAY, it.amount)).collect()
        };
        prop_assert_eq!(of(Kind::Expire), expected);
        prop_assert_eq!(of(Kind::Extend), put_off);
        let by_law = |it: &&Operation| it.kind == Kind::Extend;
        prop_assert!(done.iter().filter(by_law).all(|it| it.source.kind == "jurisdiction" && it.postings.is_empty()));
    }
}

/// Points that come back after their end, because what was bought with them went back, do not lapse by that either.
#[test]
fn what_comes_back_late_has_time_for_a_notice_too() {
    let program = program(&by_time(), json!({"notice_between": [30, 60]}));
    let mut ledger = ledger(Guard::new(&law(&program, "points").unwrap(), BTreeMap::new()));
    let mut post = |id: &str, act: Act, now: i64| {
        let command = Command { id: id.to_owned(), member: ANN, wallet: POINTS, act, source: Source::default() };
        ledger.apply(&command, at(now))
    };
    post("earn", Act::Earn { amount: 10, earned_at: None, active_from: None, expires_at: Some(at(20)) }, 0);
    post("hold", Act::Hold { amount: 10, until: at(30) }, 10);
    let after = post("look", Act::Spend { amount: 1 }, 40);
    assert_eq!((after.refused, after.after.available), (None, 9));
    let lots: Vec<_> = ledger.accounts[&(ANN, POINTS)].lots().map(|lot| lot.expires_at).collect();
    assert_eq!(lots, [Some(at(90))], "sixty days from when they came back");
}

struct World {
    db: TestDatabase,
    memory: Memory,
    member: MemberId,
    wallet: WalletId,
}

impl World {
    async fn new(db: TestDatabase, program: &Program) -> Self {
        let mut tx = db.begin(Priority::Interactive).await.unwrap();
        let saved = Saved { in_force_from: at(0), at: at(0), by: "usr_1" };
        programs::save(&mut tx, W, program, 0, saved).await.unwrap();
        let member = members::enrol(&mut tx, W, PersonId(1), at(0), &SeededRng::new(3)).await.unwrap();
        tx.commit().await.unwrap();
        let wallet = wallets::numbers(&mut db.read(), W).await.unwrap()["points"];
        Self { db, memory: Memory::default(), member, wallet }
    }

    async fn post(&mut self, id: &str, act: Act, now: i64) -> Answer {
        let command =
            Command { id: id.to_owned(), member: self.member, wallet: self.wallet, act, source: Source::default() };
        let mut tx = self.db.begin(Priority::Interactive).await.unwrap();
        let answers = records::post(&mut tx, &mut self.memory, W, &[vec![command]], at(now)).await.unwrap();
        tx.commit().await.unwrap();
        answers[0][0].clone()
    }

    async fn settle(&mut self, now: i64) {
        let mut tx = self.db.begin(Priority::Background).await.unwrap();
        records::settle(&mut tx, &mut self.memory, W, 10, at(now)).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn judge(&self, jurisdiction: Option<&str>, now: i64) {
        let mut tx = self.db.begin(Priority::Background).await.unwrap();
        jurisdictions::judge(&mut tx, W, &[(self.member, jurisdiction)], (1, at(now))).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn prove(&self, end: i64, proof: Option<(&str, Timestamp)>) {
        let notice = OpenNotice {
            member: self.member.0,
            wallet: self.wallet.0,
            expires_at: at(end),
            noticed_at: at(end - 60),
            proof: None,
        };
        let mut tx = self.db.begin(Priority::Background).await.unwrap();
        notices::prove(&mut tx, W, &notice, proof).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn notice(&self, end: i64) {
        let mut tx = self.db.begin(Priority::Background).await.unwrap();
        let key = ((self.member, self.wallet), PersonId(1));
        assert!(notices::give(&mut tx, W, key, (at(end), 10), at(end - 60)).await.unwrap());
        tx.commit().await.unwrap();
    }

    async fn ends(&self) -> Vec<Option<Timestamp>> {
        let lots = read::lots(&mut self.db.read(), W, (self.member, self.wallet)).await.unwrap();
        lots.into_iter().map(|lot| lot.expires_at).collect()
    }

    /// What is there by a read, which posts nothing.
    async fn seen(&self, now: i64) -> i64 {
        let all = read::accounts(&mut self.db.read(), W, &[self.member], at(now)).await.unwrap();
        all[&(self.member, self.wallet)].balance().available
    }
}

const fn earn(amount: i64, expires_at: Timestamp) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at: Some(expires_at) }
}

#[db_test(MIGRATIONS)]
async fn whom_the_law_concerns_loses_points_only_after_a_proved_notice(db: TestDatabase) {
    let mut world = World::new(db, &program(&by_time(), json!({"notice_between": [30, 60]}))).await;
    let unjudged = jurisdictions::unjudged(&mut world.db.read(), W, 1, 10).await.unwrap();
    assert_eq!(unjudged, [world.member]);
    world.judge(Some("here"), 0).await;
    assert_eq!(jurisdictions::unjudged(&mut world.db.read(), W, 1, 10).await.unwrap(), []);
    world.post("one", earn(10, at(90)), 0).await;
    assert_eq!(world.seen(90).await, 10, "a read sees what the ledger would do");
    world.settle(90).await;
    assert_eq!(world.ends().await, [Some(at(150))]);
    // Told, but nobody knows whether it arrived.
    world.notice(150).await;
    assert_eq!(world.seen(150).await, 10);
    // It did, and came back after all.
    world.prove(150, Some(("msg_1", at(95)))).await;
    assert_eq!(world.seen(150).await, 0);
    world.prove(150, None).await;
    world.settle(151).await;
    assert_eq!(world.ends().await, [Some(at(210))], "at its instant, however late somebody looks");
    // Proved in its window, it lapses at the instant that it spoke of.
    world.notice(210).await;
    world.prove(210, Some(("msg_2", at(180)))).await;
    assert_eq!(world.seen(209).await, 10);
    world.settle(230).await;
    assert_eq!(world.ends().await, []);
    let history = read::history(&mut world.db.read(), W, world.member, None, 100).await.unwrap();
    let done: Vec<(Kind, Timestamp)> = history.iter().rev().map(|it| (it.kind, it.effective_at)).collect();
    let expected = [(Kind::Earn, at(0)), (Kind::Extend, at(90)), (Kind::Extend, at(150)), (Kind::Expire, at(210))];
    assert_eq!(done, expected);
    let listed = notices::of_member(&mut world.db.read(), W, world.member, 10).await.unwrap();
    let proofs: Vec<Option<&str>> = listed.iter().map(|it| it.proof.as_deref()).collect();
    assert_eq!(proofs, [Some("msg_2"), None]);
    assert_eq!(verify(&mut world.db.read(), W).await.unwrap().findings, []);
}

#[db_test(MIGRATIONS)]
async fn activity_counts_from_when_it_was_and_outlives_memory(db: TestDatabase) {
    let law = json!({"inactivity_at_least": {"count": 100, "unit": "days"}});
    let mut world = World::new(db, &program(&by_time(), law)).await;
    world.judge(Some("here"), 0).await;
    world.post("award:1", earn(10, at(90)), 0).await;
    world.post("buy", Act::Spend { amount: 1 }, 50).await;
    // What staff give is no activity.
    world.post("gift", earn(1, at(140)), 60).await;
    world.memory = Memory::default();
    world.settle(90).await;
    assert_eq!(world.ends().await, [Some(at(140)), Some(at(151))]);
    world.settle(140).await;
    assert_eq!(world.ends().await, [Some(at(151)); 2]);
    world.settle(151).await;
    assert_eq!(world.ends().await, []);
}

#[db_test(MIGRATIONS)]
async fn what_lapsed_before_the_law_was_known_comes_back_once(db: TestDatabase) {
    let mut world = World::new(db, &program(&by_time(), json!({"no_expiry_by_time": true}))).await;
    for (id, amount, end) in [("one", 10, 90), ("two", 5, 100), ("three", 2, 200)] {
        world.post(id, earn(amount, at(end)), 0).await;
    }
    world.settle(120).await;
    assert_eq!(world.seen(120).await, 2);
    let asked = |since| Asked { jurisdiction: "here", since: at(since), after: MemberId(i64::MIN), most: 10 };
    let none = jurisdictions::lapsed(&mut world.db.read(), W, asked(0)).await.unwrap();
    assert_eq!((none.members, none.lapsed.len()), (0, 0), "they live elsewhere");
    world.judge(Some("here"), 120).await;
    let found = jurisdictions::lapsed(&mut world.db.read(), W, asked(0)).await.unwrap();
    assert_eq!(found.lapsed.iter().map(|it| (it.points, it.at)).collect::<Vec<_>>(), [(10, at(90)), (5, at(100))]);
    assert_eq!(jurisdictions::lapsed(&mut world.db.read(), W, asked(95)).await.unwrap().lapsed.len(), 1);
    assert_eq!(world.seen(120).await, 2, "looking gives nothing");
    for (day, given) in [(130, 2), (131, 0)] {
        let mut tx = world.db.begin(Priority::Interactive).await.unwrap();
        let back = jurisdictions::give_back(&mut tx, W, asked(0), ("usr_1", at(day))).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((back.lapsed.len(), back.next), (given, None));
        assert_eq!(world.seen(131).await, 17);
    }
    world.memory = Memory::default();
    world.settle(1_000).await;
    assert_eq!(world.ends().await, [None; 3], "in the lots that they came from, without an end");
    let next = Asked { most: 1, ..asked(0) };
    assert_eq!(jurisdictions::lapsed(&mut world.db.read(), W, next).await.unwrap().next, Some(world.member));
    assert_eq!(verify(&mut world.db.read(), W).await.unwrap().findings, []);
}

/// What was due is due by the law that held then, whether anybody had looked or not.
#[db_test(MIGRATIONS)]
async fn who_moves_takes_nothing_back_and_loses_nothing_more(db: TestDatabase) {
    let mut world = World::new(db, &program(&by_time(), json!({"no_expiry_by_time": true}))).await;
    for (id, amount, end) in [("one", 10, 90), ("two", 5, 100), ("three", 2, 110)] {
        world.post(id, earn(amount, at(end)), 0).await;
    }
    world.judge(Some("here"), 95).await;
    assert_eq!(world.seen(105).await, 7);
    world.judge(None, 105).await;
    assert_eq!(world.ends().await, [Some(at(110)), None], "what has no end any more keeps none");
    assert_eq!(world.seen(120).await, 5);
    assert_eq!(verify(&mut world.db.read(), W).await.unwrap().findings, []);
}

/// Several at once give back the same, and nothing comes back twice.
#[db_test(MIGRATIONS)]
async fn several_at_once_give_back_once(db: TestDatabase) {
    let mut world = World::new(db, &program(&by_time(), json!({"no_expiry_by_time": true}))).await;
    world.post("one", earn(10, at(90)), 0).await;
    world.judge(Some("here"), 120).await;
    let asked = Asked { jurisdiction: "here", since: at(0), after: MemberId(i64::MIN), most: 10 };
    let one = async || {
        let mut tx = world.db.begin(Priority::Interactive).await.unwrap();
        let back = jurisdictions::give_back(&mut tx, W, asked, ("usr_1", at(130))).await.unwrap();
        tx.commit().await.unwrap();
        back.lapsed.len()
    };
    let given = tokio::join!(one(), one(), one(), one());
    assert_eq!(given.0 + given.1 + given.2 + given.3, 1);
    assert_eq!(world.seen(130).await, 10);
}
