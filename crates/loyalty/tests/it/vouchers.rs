//! Vouchers in the database, on both engines: what is added, given, set aside and used, also when many want the last one at the same moment, beside a list of plain codes as oracle.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Rng, SeededRng, SystemRng, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::tries::{self, MOST_AT_PLACE, WINDOW};
use rapport_loyalty::records::vouchers::{self, Given, NotAdded, NotVoided, Owner, Refusal, Terms, Use, Voucher};
use rapport_loyalty::records::{members, merging, personal};
use rapport_loyalty::{MIGRATIONS, codes};
use rapport_store::testing::TestDatabase;
use rapport_store::{Engine, Priority, Store, Tx, db_test};

const W: WorkspaceId = WorkspaceId(1);
const POOL: Owner<'static> = Owner { kind: "pool", key: "cinema" };
const FREE: Terms = Terms { is_live: false, uses: Some(1), valid_until: None };
const LIVE: Terms = Terms { is_live: true, ..FREE };
const NOW: Timestamp = Timestamp(1_000);

async fn begin(db: &Store) -> Tx {
    db.begin(Priority::Interactive).await.unwrap()
}

async fn add(db: &Store, owner: Owner<'_>, list: &[&str], terms: Terms) -> Vec<(usize, NotAdded)> {
    let list: Vec<String> = list.iter().map(|it| (*it).to_owned()).collect();
    let mut tx = begin(db).await;
    let refused = vouchers::add(&mut tx, W, owner, &list, terms, NOW).await.unwrap();
    tx.commit().await.unwrap();
    refused
}

fn to(member: i64, given_for: &str) -> Given<'_> {
    Given { holder: MemberId(member), given_for, valid_until: None }
}

async fn draw(db: &Store, given: Given<'_>) -> Option<String> {
    let mut tx = begin(db).await;
    let drawn = vouchers::draw(&mut tx, W, POOL, given, NOW).await.unwrap();
    tx.commit().await.unwrap();
    drawn.map(|it| it.code)
}

async fn take_back(db: &Store, given_for: &str, was_seen: bool) {
    let mut tx = begin(db).await;
    vouchers::take_back(&mut tx, W, given_for, was_seen).await.unwrap();
    tx.commit().await.unwrap();
}

fn used(id: &str) -> Use<'_> {
    Use { id, by: "key_1", reference: "order 1", holder: None }
}

async fn use_up(db: &Store, code: &str, used: Use<'_>) -> Result<Voucher, Refusal> {
    let mut tx = begin(db).await;
    let outcome = vouchers::use_up(&mut tx, W, code, used, NOW).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

async fn lock(db: &Store, code: &str, used: Use<'_>, until: i64, now: i64) -> Result<Voucher, Refusal> {
    let mut tx = begin(db).await;
    let outcome = vouchers::lock(&mut tx, W, code, used, Timestamp(until), Timestamp(now)).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

async fn release(db: &Store, id: &str) -> Result<Voucher, Refusal> {
    let mut tx = begin(db).await;
    let outcome = vouchers::release(&mut tx, W, id).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

#[db_test(MIGRATIONS)]
async fn a_pool_takes_each_code_once_and_gives_it_once(db: TestDatabase) {
    let mine = codes::generate(&SeededRng::new(3));
    let typo = format!("R222{}", &mine[4..]);
    let refused = add(&db, POOL, &["Ab-1", "ab 1", "", "C2", &typo, "D3"], FREE).await;
    let expected = [(1, NotAdded::Twice), (2, NotAdded::Malformed), (4, NotAdded::LooksGenerated)];
    assert_eq!(refused, expected);
    let other = Owner { kind: "offer", key: "summer" };
    assert_eq!(add(&db, other, &["c-2", "E4"], LIVE).await, [(0, NotAdded::Known)], "whosever it is");

    let soon = Given { valid_until: Some(Timestamp(50_000)), ..to(7, "r1") };
    assert_eq!(draw(&db, soon).await.as_deref(), Some("Ab-1"), "in their order, as they were written");
    assert_eq!(draw(&db, to(8, "r2")).await.as_deref(), Some("C2"));
    // A code that nobody saw comes back; one that somebody saw does not.
    take_back(&db, "r1", false).await;
    take_back(&db, "r2", true).await;
    let back = draw(&db, to(9, "r3")).await;
    assert_eq!(back.as_deref(), Some("Ab-1"));
    let voucher = vouchers::given_for(&mut db.read(), W, "r3").await.unwrap().pop().unwrap();
    assert_eq!((voucher.holder(), voucher.valid_until), (Some(MemberId(9)), None), "of the first nothing is left");
    assert_eq!(draw(&db, to(9, "r4")).await.as_deref(), Some("D3"));
    assert_eq!(draw(&db, to(9, "r5")).await, None);
    assert_eq!(use_up(&db, "C2", used("u0")).await, Err(Refusal::Void));

    // What is over is not given away.
    let past = Terms { valid_until: Some(NOW), ..FREE };
    assert_eq!(add(&db, POOL, &["F5"], past).await, []);
    assert_eq!(draw(&db, to(9, "r6")).await, None);
    let counts = vouchers::counts(&mut db.read(), W, POOL, NOW).await.unwrap();
    assert_eq!(counts, [("expired".to_owned(), 1), ("live".to_owned(), 2), ("void".to_owned(), 1)]);
    let page = vouchers::list(&mut db.read(), W, POOL, ("", NOW), (1, 2)).await.unwrap();
    assert_eq!(page.into_iter().map(|it| it.lookup).collect::<Vec<_>>(), ["C2", "D3"]);
}

#[db_test(MIGRATIONS)]
async fn a_code_counts_for_its_holder_in_its_time(db: TestDatabase) {
    let end = Timestamp(2_000);
    let terms = Terms { valid_until: Some(end), ..FREE };
    add(&db, POOL, &["AB1", "CD2"], terms).await;
    let check = async |code: &str, holder: Option<i64>, now: Timestamp| {
        let found = vouchers::check(&mut db.read(), W, code, holder.map(MemberId), now).await.unwrap();
        found.map(|it| it.code)
    };
    assert_eq!(check("AB1", None, NOW).await, Err(Refusal::Unknown), "nobody has it yet");
    draw(&db, to(7, "r1")).await;
    let before = Timestamp(end.0 - 1);
    assert_eq!(check("ab-1", Some(7), before).await, Ok("AB1".to_owned()));
    assert_eq!(check("ab-1", None, before).await, Ok("AB1".to_owned()));
    assert_eq!(check("ab-1", Some(8), before).await, Err(Refusal::OfAnother));
    assert_eq!(check("ab-1", Some(7), end).await, Err(Refusal::Expired));
    let mine = codes::generate(&SeededRng::new(3));
    let (one, two) = (mine.replace(&mine[11..], "2"), mine.replace(&mine[11..], "3"));
    let typo = if one == mine { two } else { one };
    assert_eq!(check(&typo, None, NOW).await, Err(Refusal::Mistyped));
    assert_eq!(check(&mine, None, NOW).await, Err(Refusal::Unknown));
    for refusal in Refusal::ALL {
        assert!(!refusal.code().is_empty() && !refusal.sentence().is_empty());
    }

    let others = Use { holder: Some(MemberId(8)), ..used("u1") };
    assert_eq!(use_up(&db, "AB1", others).await, Err(Refusal::OfAnother));
    let done = use_up(&db, "AB1", used("u1")).await.unwrap();
    assert_eq!(done.uses_left, Some(0));
    assert_eq!(use_up(&db, "ab 1", used("u1")).await.unwrap().uses_left, Some(0), "told again it is the same use");
    assert_eq!(use_up(&db, "AB1", used("u2")).await, Err(Refusal::Used));
    let are_used = async |given_for: &str| {
        let mut tx = begin(&db).await;
        vouchers::are_used(&mut tx, W, given_for, NOW).await.unwrap()
    };
    draw(&db, to(7, "r2")).await;
    assert!(are_used("r1").await && !are_used("r2").await);
    assert!(lock(&db, "CD2", used("basket"), NOW.0 + 1, NOW.0).await.is_ok());
    assert!(are_used("r2").await, "somebody is just using it");
    assert!(release(&db, "basket").await.is_ok() && !are_used("r2").await);
    assert_eq!(use_up(&db, "CD2", used("u1")).await, Err(Refusal::UseReused));
    assert_eq!(use_up(&db, "CD2", used("")).await, Err(Refusal::UseUnknown));
    // What was bought is returned: the use comes back, once.
    for _ in 0..2 {
        assert_eq!(release(&db, "u1").await.unwrap().uses_left, Some(1));
    }
    assert_eq!(use_up(&db, "AB1", used("u1")).await, Err(Refusal::UseReused));
    assert!(use_up(&db, "AB1", used("u3")).await.is_ok());
    assert_eq!(release(&db, "nothing").await, Err(Refusal::UseUnknown));
}

/// Many want the last code, and many use the last use, at the same moment: one wins, every time.
#[db_test(MIGRATIONS)]
async fn the_last_code_and_the_last_use_go_to_one(db: TestDatabase) {
    let rounds = if db.engine() == Engine::Sqlite { 60 } else { 15 };
    for round in 0..rounds {
        let code = format!("LAST{round}");
        add(&db, POOL, &[&code], FREE).await;
        let tries = (0..30).map(|number| {
            let store = db.store.clone();
            tokio::spawn(async move { draw(&store, to(number, &format!("r{round} {number}"))).await })
        });
        let mut won = 0;
        for task in tries.collect::<Vec<_>>() {
            won += i32::from(task.await.unwrap().is_some());
        }
        assert_eq!(won, 1, "round {round}");
        let tries = (0..30).map(|number| {
            let (store, code) = (db.store.clone(), code.clone());
            // A third of them are the same till that tries again and again.
            let id = if number % 3 == 0 { format!("same {round}") } else { format!("u{round} {number}") };
            tokio::spawn(async move { (id.clone(), use_up(&store, &code, used(&id)).await) })
        });
        let mut done = BTreeMap::new();
        for task in tries.collect::<Vec<_>>() {
            match task.await.unwrap() {
                (id, Ok(voucher)) => drop(done.insert(id, voucher.uses_left)),
                (_, Err(refusal)) => assert_eq!(refusal, Refusal::Used),
            }
        }
        assert_eq!(done.len(), 1, "round {round}");
    }
}

/// What a code was used for, as a list that is counted each time.
#[derive(Default)]
struct Plain {
    uses: Option<i64>,
    done: BTreeMap<String, (String, i64)>,
}

impl Plain {
    fn enter(&mut self, id: &str, until: Option<i64>, now: i64) -> Result<(), Refusal> {
        match self.done.get(id) {
            Some((state, _)) if state == "released" => return Err(Refusal::UseReused),
            Some((state, _)) if state == "used" => return Ok(()),
            _ => {}
        }
        let used = self.done.values().filter(|(state, _)| state == "used").count() as i64;
        let others = self.done.iter().filter(|(other, _)| *other != id);
        let locked = others.filter(|(_, (state, until))| state == "locked" && *until > now).count() as i64;
        match self.uses {
            Some(uses) if uses == used => return Err(Refusal::Used),
            Some(uses) if uses - used <= locked => return Err(Refusal::Locked),
            _ => {}
        }
        let state = if until.is_some() { "locked" } else { "used" };
        self.done.insert(id.to_owned(), (state.to_owned(), until.unwrap_or(0)));
        Ok(())
    }

    fn release(&mut self, id: &str) -> Result<(), Refusal> {
        let entry = self.done.get_mut(id).ok_or(Refusal::UseUnknown)?;
        "released".clone_into(&mut entry.0);
        Ok(())
    }
}

#[db_test(MIGRATIONS)]
async fn setting_aside_using_and_giving_back_are_counted(db: TestDatabase) {
    let rng = SeededRng::new(11);
    for story in 0..12 {
        let code = format!("STORY{story}");
        let uses = [Some(1), Some(2), Some(3), None][story % 4];
        add(&db, Owner { kind: "offer", key: "summer" }, &[&code], Terms { uses, ..LIVE }).await;
        let mut plain = Plain { uses, ..Plain::default() };
        let mut now = 1_000;
        for step in 0..60 {
            now += (rng.next_u64() % 4) as i64;
            let id = format!("{story} {}", rng.next_u64() % 7);
            let until = now + 1 + (rng.next_u64() % 8) as i64;
            let (said, expected) = match rng.next_u64() % 4 {
                0 | 1 => (lock(&db, &code, used(&id), until, now).await, plain.enter(&id, Some(until), now)),
                2 => {
                    let mut tx = begin(&db).await;
                    let said = vouchers::use_up(&mut tx, W, &code, used(&id), Timestamp(now)).await.unwrap();
                    tx.commit().await.unwrap();
                    (said, plain.enter(&id, None, now))
                }
                _ => (release(&db, &id).await, plain.release(&id)),
            };
            let left = said.as_ref().ok().map(|it| it.uses_left);
            assert_eq!(said.map(drop), expected, "story {story}, step {step}");
            let done = plain.done.values().filter(|(state, _)| state == "used").count() as i64;
            if let Some(left) = left {
                assert_eq!(left, uses.map(|uses| uses - done), "story {story}, step {step}");
            }
        }
    }
}

async fn void(db: &Store, owner: Owner<'_>, places: &[i64]) -> (u64, Vec<(usize, NotVoided)>) {
    let mut tx = begin(db).await;
    let found = vouchers::void(&mut tx, W, owner, places).await.unwrap();
    tx.commit().await.unwrap();
    found
}

const OFFER: Owner<'static> = Owner { kind: "offer", key: "summer" };

#[db_test(MIGRATIONS)]
async fn codes_are_taken_back_unless_somebody_has_them(db: TestDatabase) {
    add(&db, OFFER, &["A1", "B2", "C3", "D4"], LIVE).await;
    add(&db, OFFER, &["SUMMER"], Terms { uses: None, ..LIVE }).await;
    add(&db, POOL, &["P1", "P2"], FREE).await;
    draw(&db, to(7, "r1")).await;
    use_up(&db, "B2", used("u1")).await.unwrap();
    let (end, before) = (Timestamp(9_000), Timestamp(8_999));
    lock(&db, "C3", used("basket"), end.0, NOW.0).await.unwrap();
    lock(&db, "D4", used("left"), end.0, NOW.0).await.unwrap();
    let (voided, kept) = void(&db, OFFER, &[1, 2, 3, 4, 5, 99]).await;
    assert_eq!((voided, kept), (4, vec![(1, NotVoided::Used), (5, NotVoided::Unknown)]));
    assert_eq!(void(&db, OFFER, &[1]).await, (0, vec![(0, NotVoided::Void)]));
    for code in ["A1", "SUMMER"] {
        assert_eq!(use_up(&db, code, used(code)).await, Err(Refusal::Void));
    }
    let use_at = async |code: &str, id: &str, now: Timestamp| {
        let mut tx = begin(&db).await;
        let outcome = vouchers::use_up(&mut tx, W, code, used(id), now).await.unwrap();
        tx.commit().await.unwrap();
        outcome.map(|it| it.uses_left)
    };
    // What was set aside before is a promise until its time is over, to whom it was made; it is not made longer.
    assert_eq!(use_at("C3", "another", before).await, Err(Refusal::Void));
    assert_eq!(lock(&db, "C3", used("basket"), end.0 + 1, NOW.0).await, Err(Refusal::Void));
    assert_eq!(use_at("C3", "basket", before).await, Ok(Some(0)));
    assert_eq!(use_at("C3", "basket", end).await, Ok(Some(0)), "told again it is the same use");
    assert_eq!(use_at("D4", "left", end).await, Err(Refusal::Void));

    // What a member has for a reward stays theirs; another owner's codes are not there.
    assert_eq!(void(&db, POOL, &[1, 2]).await, (1, vec![(0, NotVoided::Given)]));
    assert_eq!(draw(&db, to(8, "r2")).await, None);
    assert!(use_up(&db, "P1", used("u2")).await.is_ok());
    let typed = ["b-2", "P1", "", "nothing"].map(str::to_owned);
    let places = vouchers::places(&mut db.read(), W, OFFER, &typed).await.unwrap();
    assert_eq!(places, [Some(2), None, None, None]);
    let of = async |owner: Owner<'_>, stands: &str| {
        let rows = vouchers::list(&mut db.read(), W, owner, (stands, NOW), (0, 9)).await.unwrap();
        assert!(stands.is_empty() || rows.iter().all(|it| it.stands(NOW) == stands));
        rows.into_iter().map(|it| it.code).collect::<Vec<_>>()
    };
    assert_eq!(of(OFFER, "used").await, ["B2"]);
    assert_eq!(of(OFFER, "void").await, ["A1", "C3", "D4", "SUMMER"]);
    assert_eq!((of(OFFER, "").await.len(), of(OFFER, "live").await.len()), (5, 0));
    let terms = Terms { valid_until: Some(NOW), ..LIVE };
    add(&db, OFFER, &["OVER"], terms).await;
    assert_eq!(of(OFFER, "expired").await, ["OVER"]);
    add(&db, OFFER, &["E5", "F6"], LIVE).await;
    let mut tx = begin(&db).await;
    assert_eq!(vouchers::void_all(&mut tx, W, OFFER).await.unwrap(), 3, "what was used stays used");
    tx.commit().await.unwrap();
    let counts = vouchers::counts(&mut db.read(), W, OFFER, NOW).await.unwrap();
    assert_eq!(counts, [("used".to_owned(), 1), ("void".to_owned(), 7)]);
}

/// A code is taken back and used at the same moment: one of both wins, every time.
#[db_test(MIGRATIONS)]
async fn a_code_is_used_or_taken_back(db: TestDatabase) {
    let rounds = if db.engine() == Engine::Sqlite { 60 } else { 20 };
    for round in 0..rounds {
        let code = format!("RACE{round}");
        add(&db, OFFER, &[&code], LIVE).await;
        let (store, other) = (db.store.clone(), db.store.clone());
        let using = tokio::spawn(async move { use_up(&store, &code, used(&format!("u{round}"))).await.is_ok() });
        let voiding = tokio::spawn(async move { void(&other, OFFER, &[round + 1]).await.0 });
        let (is_used, voided) = (using.await.unwrap(), voiding.await.unwrap());
        assert_eq!(u64::from(is_used) + voided, 1, "round {round}");
    }
}

#[db_test(MIGRATIONS)]
async fn codes_are_made_and_follow_their_member(db: TestDatabase) {
    let rng = SystemRng;
    let mut tx = begin(&db).await;
    let owner = Owner { kind: "reward", key: "five" };
    let made = vouchers::generate(&mut tx, W, owner, 700, LIVE, (NOW, &rng)).await.unwrap();
    let one = members::enrol(&mut tx, W, PersonId(1), NOW, &rng).await.unwrap();
    let two = members::enrol(&mut tx, W, PersonId(2), Timestamp(NOW.0 + 1), &rng).await.unwrap();
    let given = Given { holder: two, given_for: "r1", valid_until: Some(Timestamp(9_000)) };
    let own = vouchers::make(&mut tx, W, owner, (given, Some(1)), (NOW, &rng)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(made.iter().collect::<std::collections::BTreeSet<_>>().len(), 700);
    assert!(made.iter().all(|code| codes::is_sound(&codes::lookup(code).unwrap())));
    assert!(use_up(&db, &made[0].to_lowercase(), used("u0")).await.is_ok());
    assert!(use_up(&db, &own.code, used("u1")).await.is_ok());

    let mut tx = begin(&db).await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), Timestamp(5_000)).await.unwrap();
    tx.commit().await.unwrap();
    let kept = personal::of(&mut db.read(), W, PersonId(1)).await.unwrap().unwrap();
    let held: Vec<(String, Option<MemberId>)> = kept.vouchers.iter().map(|it| (it.code.clone(), it.holder())).collect();
    assert_eq!(held, [(own.code.clone(), Some(one))]);
    let mut tx = begin(&db).await;
    assert_eq!(personal::forget(&mut tx, W, PersonId(1)).await.unwrap(), 2, "whose it is, and for what it was used");
    tx.commit().await.unwrap();
    let kept = personal::of(&mut db.read(), W, PersonId(1)).await.unwrap().unwrap();
    assert_eq!(kept.vouchers, []);
    assert_eq!(use_up(&db, &own.code, used("u2")).await, Err(Refusal::Used), "what was used stays used");
}

#[db_test(MIGRATIONS)]
async fn whoever_guesses_is_stopped(db: TestDatabase) {
    let wrong = async |place: &str, count: i64, now: Timestamp| {
        let mut tx = begin(&db).await;
        for _ in 0..count {
            tries::note(&mut tx, W, "key_1", place, now).await.unwrap();
        }
        tx.commit().await.unwrap();
    };
    let closed = async |by: &str, place: &str, now: Timestamp| {
        tries::closed_until(&mut db.read(), W, by, place, now).await.unwrap()
    };
    let now = Timestamp(WINDOW + 5);
    wrong("till 1", MOST_AT_PLACE - 1, now).await;
    assert_eq!(closed("key_1", "till 1", now).await, None);
    wrong("till 1", 1, now).await;
    let end = Timestamp(2 * WINDOW);
    assert_eq!(closed("key_1", "till 1", Timestamp(end.0 - 1)).await, Some(end));
    assert_eq!(closed("key_1", "till 1", end).await, None);
    assert_eq!(closed("key_1", "till 2", now).await, None, "other tills go on");
    assert_eq!(closed("key_2", "till 1", now).await, None);
    // Nobody gets more tries by saying that they stand somewhere else each time.
    for place in 0..tries::MOST - MOST_AT_PLACE {
        wrong(&format!("made up {place}"), 1, now).await;
    }
    assert_eq!(closed("key_1", "till 3", now).await, Some(end));
    let rows = tries::list(&mut db.read(), W, Timestamp(0), 2).await.unwrap();
    assert_eq!((rows.len(), rows[0].place.as_str(), rows[0].wrong), (2, "till 1", MOST_AT_PLACE));
}
