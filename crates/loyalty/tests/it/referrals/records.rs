//! On both engines: codes, what is given and to whom, limits that several want the last of, what is taken back, who is suspended, what is forgotten.

use futures::future::join_all;
use rapport_domain::{Handle, PersonId, SystemRng, Timestamp};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::records::referrals::giving::{self, Both, Scene};
use rapport_loyalty::records::referrals::tellings::{self, ActRow, ClaimRow};
use rapport_loyalty::records::referrals::{self as referrals, Filter, Row, codes, suspensions, traces};
use rapport_loyalty::records::{members, merging, read};
use rapport_loyalty::referrals::Referral;
use rapport_loyalty::referrals::signals::{Signal, Trace};
use rapport_loyalty::verify::verify;
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Store, db_test};
use serde_json::{Value, json};

use super::{form, program};
use crate::world::{NOW, W, World};

async fn found(db: &TestDatabase) -> World {
    World::with(db, program()).await
}

async fn member(world: &World, person: i64) -> MemberId {
    let mut tx = world.begin().await;
    let member = members::enrol(&mut tx, W, PersonId(person), Timestamp(person), &SystemRng).await.unwrap();
    tx.commit().await.unwrap();
    member
}

fn terms(caps: Value) -> Referral {
    use rapport_loyalty::Document;
    let mut form = form();
    form["caps"] = caps;
    Referral::from_json(form).unwrap()
}

/// A friend by a handle, who came by `member`.
async fn came(store: &Store, handle: i64, member: MemberId) -> Row {
    let new = Row::new(Handle(handle), "RCODE", ("friends", member), NOW.plus(handle));
    let row = Row { is_bound: true, ..new };
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    referrals::save(&mut tx, W, vec![row.clone()]).await.unwrap();
    tx.commit().await.unwrap();
    row
}

/// Gives it as the review of a friend does.
async fn give(store: &Store, world: &World, terms: &Referral, row: &Row, both: Both) -> Row {
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    referrals::lock(&mut tx, W).await.unwrap();
    let mut row = referrals::find(&mut tx, W, &row.referral_id).await.unwrap().unwrap();
    if !row.is_given() {
        giving::give(&mut tx, scene(world), terms, &mut row, both).await.unwrap();
        referrals::save(&mut tx, W, vec![row.clone()]).await.unwrap();
    }
    tx.commit().await.unwrap();
    row
}

async fn take_back(store: &Store, world: &World, row: &Row) -> Row {
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    referrals::lock(&mut tx, W).await.unwrap();
    let mut row = referrals::find(&mut tx, W, &row.referral_id).await.unwrap().unwrap();
    if row.is_given() {
        giving::take_back(&mut tx, scene(world), &mut row).await.unwrap();
        referrals::save(&mut tx, W, vec![row.clone()]).await.unwrap();
    }
    tx.commit().await.unwrap();
    row
}

fn scene(world: &World) -> Scene<'_> {
    let scene = world.scene();
    Scene { workspace: scene.workspace, program: scene.program, calendar: scene.calendar, now: scene.now }
}

async fn available(world: &World, member: MemberId) -> i64 {
    let accounts = read::accounts(&mut world.store.read(), W, &[member], world.now).await.unwrap();
    accounts.values().map(|account| account.balance().available).sum()
}

const fn both(referrer: MemberId, friend: Option<MemberId>) -> Both {
    Both { referrer: Some(referrer), friend }
}

#[db_test(MIGRATIONS)]
async fn both_get_theirs_once_and_it_is_taken_back_once(db: TestDatabase) {
    let world = found(&db).await;
    let (ann, bob) = (member(&world, 1).await, member(&world, 2).await);
    let (terms, store) = (terms(json!([])), &world.store);
    let row = came(store, 1, ann).await;
    for _ in 0..2 {
        let given = give(store, &world, &terms, &row, both(ann, Some(bob))).await;
        assert_eq!((given.revision, given.place, given.referrer_points, given.friend_points), (1, 1, 200, 100));
        assert_eq!((available(&world, ann).await, available(&world, bob).await), (200, 100));
    }
    for _ in 0..2 {
        assert!(!take_back(store, &world, &row).await.is_given());
        assert_eq!((available(&world, ann).await, available(&world, bob).await), (0, 0));
    }
    // What turns out to stand after all is given anew.
    let again = give(store, &world, &terms, &row, both(ann, Some(bob))).await;
    assert_eq!((again.revision, available(&world, ann).await, available(&world, bob).await), (2, 200, 100));
    take_back(store, &world, &row).await;
    assert_eq!((available(&world, ann).await, available(&world, bob).await), (0, 0));
    assert_eq!(verify(&mut world.store.read(), W).await.unwrap().findings, []);
}

#[db_test(MIGRATIONS)]
async fn rewards_grow_and_one_gets_theirs_when_the_other_cannot(db: TestDatabase) {
    let world = found(&db).await;
    let ann = member(&world, 1).await;
    let (terms, store) = (terms(json!([])), &world.store);
    let mut points = Vec::new();
    for handle in 1..=4 {
        let row = came(store, handle, ann).await;
        let given = give(store, &world, &terms, &row, both(ann, None)).await;
        points.push((given.place, given.referrer_points, given.friend_outcome));
    }
    let no_member = || "friend_no_member".to_owned();
    let places = [(1, 200), (2, 200), (3, 300), (4, 300)];
    assert_eq!(points, places.map(|(place, points)| (place, points, no_member())));
    // One that is taken back makes room: the next is the fourth again.
    let first = referrals::of_members(&mut store.read(), W, &[ann], None, 10).await.unwrap().pop().unwrap();
    take_back(store, &world, &first).await;
    let next = came(store, 9, ann).await;
    assert_eq!(give(store, &world, &terms, &next, both(ann, None)).await.place, 4);
    // Whoever has left gets nothing; the friend does.
    let (cid, dan) = (member(&world, 3).await, member(&world, 4).await);
    let mut tx = world.begin().await;
    members::set_standing(&mut tx, W, cid, Standing::Closed).await.unwrap();
    tx.commit().await.unwrap();
    let row = came(store, 20, cid).await;
    let given = give(store, &world, &terms, &row, both(cid, Some(dan))).await;
    assert_eq!((given.referrer_outcome.as_str(), given.friend_outcome.as_str()), ("member_closed", "given"));
    assert_eq!((given.place, given.referrer_points, available(&world, dan).await), (0, 0, 100));
    let alone = Referral { friend: None, ..terms.clone() };
    let row = came(store, 21, cid).await;
    let refused = give(store, &world, &alone, &row, both(cid, Some(dan))).await;
    assert_eq!((refused.is_given(), refused.closed.as_str()), (false, "not_posted"));
    assert_eq!(verify(&mut world.store.read(), W).await.unwrap().findings, []);
}

#[db_test(MIGRATIONS)]
async fn limits_hold_for_one_and_for_all_and_have_room_again(db: TestDatabase) {
    let mut world = found(&db).await;
    let (ann, bob) = (member(&world, 1).await, member(&world, 2).await);
    let caps = json!([{"most": 1, "of": "times", "per": "member", "every": "month"},
        {"most": 900, "of": "points", "per": "everybody", "every": "ever"}]);
    let terms = terms(caps);
    let mut friends = Vec::new();
    for person in 10..20 {
        friends.push(member(&world, person).await);
    }
    let store = world.store.clone();
    let mut outcomes = Vec::new();
    let mut rows = Vec::new();
    for (handle, (who, friend)) in (1..).zip([ann, ann, bob, bob, ann].into_iter().zip(&friends)) {
        if handle == 5 {
            world.now = world.now.plus(31 * Timestamp::DAY);
        }
        let row = came(&store, handle, who).await;
        let given = give(&store, &world, &terms, &row, both(who, Some(*friend))).await;
        outcomes.push((given.referrer_outcome.clone(), given.friend_outcome.clone(), given.closed.clone()));
        rows.push(given);
    }
    let of = |one: &str, other: &str, closed: &str| (one.to_owned(), other.to_owned(), closed.to_owned());
    // 300, 100, 300, 100 come to 800: the fifth would go past the 900.
    assert_eq!(
        outcomes,
        [
            of("given", "given", ""),
            of("limit_reached", "given", ""),
            of("given", "given", ""),
            of("limit_reached", "given", ""),
            of("budget_used", "budget_used", "budget_used"),
        ]
    );
    take_back(&store, &world, &rows[0]).await;
    let row = came(&store, 6, ann).await;
    assert_eq!(give(&store, &world, &terms, &row, both(ann, Some(friends[6]))).await.referrer_outcome, "given");
}

/// Many at once: the last of a budget goes to exactly one, and the same referral is given once.
#[db_test(MIGRATIONS)]
async fn the_last_of_a_budget_goes_to_one(db: TestDatabase) {
    let world = found(&db).await;
    let caps = json!([{"most": 1, "of": "times", "per": "everybody", "every": "ever"}]);
    let terms = terms(caps);
    let mut rows = Vec::new();
    for number in 0..12 {
        let (who, friend) = (member(&world, number + 1).await, member(&world, number + 101).await);
        rows.push((came(&world.store, number + 1, who).await, both(who, Some(friend))));
    }
    let given = join_all(rows.iter().map(|(row, both)| give(&world.store, &world, &terms, row, *both))).await;
    assert_eq!(given.iter().filter(|row| row.is_given()).count(), 1);
    assert_eq!(given.iter().filter(|row| row.closed == "budget_used").count(), 11);
    let (row, pair) = &rows[given.iter().position(Row::is_given).unwrap()];
    let again = join_all((0..8).map(|_| give(&world.store, &world, &terms, row, *pair))).await;
    assert!(again.iter().all(|row| row.revision == 1));
    assert_eq!(available(&world, pair.friend.unwrap()).await, 100);
    assert_eq!(verify(&mut world.store.read(), W).await.unwrap().findings, []);
}

#[db_test(MIGRATIONS)]
async fn a_member_has_one_code_for_a_programme_for_ever(db: TestDatabase) {
    let world = found(&db).await;
    let (ann, bob) = (member(&world, 1).await, member(&world, 2).await);
    let ask = async |who: MemberId, referral: &str| {
        let mut tx = world.begin().await;
        let numbers = members::numbers(&mut tx, W, who).await.unwrap();
        let code = codes::ensure(&mut tx, W, &numbers, referral, (NOW, &SystemRng)).await.unwrap();
        tx.commit().await.unwrap();
        code
    };
    let all = join_all((0..8).map(|_| ask(ann, "friends"))).await;
    assert!(all.iter().all(|code| code.lookup == all[0].lookup), "{all:?}");
    let (other, theirs) = (ask(ann, "summer").await, ask(bob, "friends").await);
    assert!(other.lookup != all[0].lookup && theirs.lookup != all[0].lookup);
    let mut db = world.store.read();
    assert_eq!(codes::workspace_of(&mut db, &all[0].lookup).await.unwrap(), Some(W));
    assert_eq!(codes::workspace_of(&mut db, "R2222").await.unwrap(), None);
    assert_eq!(
        codes::count(&mut db, W, &["friends".to_owned(), "summer".to_owned()]).await.unwrap(),
        [("friends".to_owned(), 2), ("summer".to_owned(), 1)]
    );
    // Whoever becomes one with another keeps both codes, and is asked for the older one.
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask(ann, "friends").await.lookup, all[0].lookup.clone().min(theirs.lookup.clone()));
    let numbers = members::numbers(&mut world.store.read(), W, ann).await.unwrap();
    assert_eq!(codes::of_members(&mut world.store.read(), W, &numbers).await.unwrap().len(), 3);
    // Whoever left and comes back has it again.
    let mut tx = world.begin().await;
    assert_eq!(codes::void(&mut tx, W, &numbers, NOW).await.unwrap(), 3);
    tx.commit().await.unwrap();
    let back = ask(ann, "friends").await;
    assert_eq!(back.voided_at, None);
}

#[db_test(MIGRATIONS)]
async fn what_is_told_is_kept_once_and_can_be_taken_back(db: TestDatabase) {
    let world = found(&db).await;
    let claim = |event: u8, handle: i64| ClaimRow {
        event_id: [event; 16],
        handle: Handle(handle),
        lookup: "RA".to_owned(),
        claimed_at: NOW,
        order_key: 3,
    };
    let act = |holds: bool| ActRow {
        occasion: "order:1".to_owned(),
        referral: "friends".to_owned(),
        handle: Handle(1),
        order_id: Some("1".to_owned()),
        acted_at: NOW,
        amount: Some(5),
        holds,
        is_void: false,
    };
    let mut tx = world.begin().await;
    for _ in 0..2 {
        tellings::tell_claims(&mut tx, W, &[claim(1, 1), claim(2, 1)]).await.unwrap();
        tellings::tell_acts(&mut tx, W, &[act(false)]).await.unwrap();
    }
    tellings::tell_acts(&mut tx, W, &[act(true)]).await.unwrap();
    assert_eq!(tellings::claims_of(&mut tx, W, &[Handle(1)]).await.unwrap(), [claim(1, 1), claim(2, 1)]);
    assert_eq!(tellings::acts_of(&mut tx, W, &[Handle(1)]).await.unwrap(), [act(true)]);
    // What was called off before it was told stays so.
    tellings::void_acts(&mut tx, W, &[act(false)]).await.unwrap();
    tellings::tell_acts(&mut tx, W, &[act(true)]).await.unwrap();
    let void = ActRow { is_void: true, ..act(true) };
    assert_eq!(tellings::acts_of(&mut tx, W, &[Handle(1)]).await.unwrap(), [void]);
    assert_eq!(tellings::actors(&mut tx, W, &["order:1".to_owned()]).await.unwrap(), [Handle(1)]);
    let gone = tellings::forget(&mut tx, W, &[[1; 16], [9; 16]], &["order:1".to_owned()]).await.unwrap();
    assert_eq!(gone, [Handle(1), Handle(1)]);
    assert_eq!(tellings::claims_of(&mut tx, W, &[Handle(1)]).await.unwrap(), [claim(2, 1)]);
    assert_eq!(tellings::acts_of(&mut tx, W, &[Handle(1)]).await.unwrap(), []);
    tx.commit().await.unwrap();
}

#[db_test(MIGRATIONS)]
async fn traces_are_shared_by_few_and_forgotten(db: TestDatabase) {
    let world = found(&db).await;
    let trace = |signal, value: &str| Trace::new(&[1; 32], signal, value);
    let card = trace(Signal::SamePayment, "card");
    let airport = trace(Signal::SameNetwork, "203.0.113");
    let mut tx = world.begin().await;
    traces::keep(&mut tx, W, &[(card, Handle(1), NOW), (card, Handle(2), NOW)]).await.unwrap();
    traces::keep(&mut tx, W, &[(card, Handle(1), NOW.plus(-5))]).await.unwrap();
    let crowd: Vec<_> = (0..60).map(|handle| (airport, Handle(handle), NOW)).collect();
    traces::keep(&mut tx, W, &crowd).await.unwrap();
    assert_eq!(traces::sharing(&mut tx, W, &[card, airport]).await.unwrap(), [Handle(1), Handle(2)]);
    let own = traces::of_handles(&mut tx, W, &[Handle(1)], NOW).await.unwrap();
    assert_eq!(own.len(), 2, "seen last, not first: {own:?}");
    assert_eq!(traces::of_handles(&mut tx, W, &[Handle(1)], NOW.plus(1)).await.unwrap(), []);
    assert!(
        !traces::are_old(&mut tx, W, NOW).await.unwrap() && traces::are_old(&mut tx, W, NOW.plus(1)).await.unwrap()
    );
    assert_eq!(traces::purge(&mut tx, W, NOW, 100).await.unwrap(), 0);
    let mut parts = Vec::new();
    while traces::are_old(&mut tx, W, NOW.plus(1)).await.unwrap() {
        parts.push(traces::purge(&mut tx, W, NOW.plus(1), 25).await.unwrap());
    }
    assert_eq!(parts, [25, 25, 12], "a part at a time, whose instants are the same");
    tx.commit().await.unwrap();
}

#[db_test(MIGRATIONS)]
async fn suspensions_hold_until_they_are_lifted_and_words_are_forgotten(db: TestDatabase) {
    let world = found(&db).await;
    let (ann, bob) = (member(&world, 1).await, member(&world, 2).await);
    let row = came(&world.store, 1, ann).await;
    let rewarded = came(&world.store, 2, ann).await;
    let terms = terms(json!([]));
    give(&world.store, &world, &terms, &rewarded, both(ann, Some(bob))).await;
    let mut tx = world.begin().await;
    assert!(suspensions::suspend(&mut tx, W, &[ann], ("usr_1", "Ann Zebrafish plays several"), NOW).await.unwrap());
    assert!(!suspensions::suspend(&mut tx, W, &[ann], ("usr_1", "again"), NOW.plus(1)).await.unwrap());
    assert_eq!(suspensions::list(&mut tx, W, None, 10).await.unwrap().len(), 1);
    assert_eq!(suspensions::list(&mut tx, W, Some((NOW, ann.0)), 10).await.unwrap(), []);
    referrals::look_again(&mut tx, W, &[ann], NOW).await.unwrap();
    assert_eq!(referrals::due(&mut tx, W, NOW, 10).await.unwrap().len(), 2, "the test's rows are both open");
    assert!(suspensions::lift(&mut tx, W, &[ann], ("usr_2", "a family"), NOW.plus(9)).await.unwrap());
    assert!(!suspensions::lift(&mut tx, W, &[ann], ("usr_2", "a family"), NOW.plus(9)).await.unwrap());
    assert_eq!(suspensions::of_members(&mut tx, W, &[ann]).await.unwrap(), []);
    assert_eq!(suspensions::last_of(&mut tx, W, &[ann]).await.unwrap(), Some(NOW.plus(9)));
    let decided = referrals::decide(&mut tx, W, &row.referral_id, false, ("usr_1", "a Zebrafish"), NOW).await.unwrap();
    assert!(decided);
    assert!(!referrals::decide(&mut tx, W, "rfl_none", true, ("usr_1", ""), NOW).await.unwrap());
    let open =
        Row { state: "joined".to_owned(), ..referrals::find(&mut tx, W, &row.referral_id).await.unwrap().unwrap() };
    referrals::save(&mut tx, W, vec![open]).await.unwrap();
    assert_eq!(
        referrals::list(&mut tx, W, Filter { state: "joined", referral: "friends" }, None, 10).await.unwrap().len(),
        2
    );
    assert_eq!(referrals::list(&mut tx, W, Filter { state: "review", referral: "" }, None, 10).await.unwrap(), []);
    // The member is forgotten, and one friend: totals stay.
    let sums = referrals::sums(&mut tx, W, &["friends".to_owned()]).await.unwrap();
    referrals::forget(&mut tx, W, (PersonId(1), &[Handle(1)]), NOW.plus(10)).await.unwrap();
    let after = referrals::sums(&mut tx, W, &["friends".to_owned()]).await.unwrap();
    let count = |sums: &[referrals::Sum]| {
        sums.iter().map(|it| (it.count, it.referrer_points)).fold((0, 0), |all, it| (all.0 + it.0, all.1 + it.1))
    };
    assert_eq!(count(&sums), count(&after));
    let forgotten = referrals::find(&mut tx, W, &row.referral_id).await.unwrap().unwrap();
    assert_eq!((forgotten.state.as_str(), forgotten.reason.as_str()), ("refused", "friend_forgotten"));
    let figures = referrals::figures(&mut tx, W, &[ann]).await.unwrap();
    assert_eq!(figures[&ann], referrals::Figures { joined: 2, qualified: 0, rewarded: 1 });
    tx.commit().await.unwrap();
}
