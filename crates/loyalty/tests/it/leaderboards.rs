//! Leaderboards on both engines: who is where by a slow look at everything, names of which one gets each, winners that are found once, members who become one.

use rapport_domain::{Handle, PersonId, Rng, SeededRng, Timestamp};
use rapport_loyalty::challenges::Challenge;
use rapport_loyalty::document::State;
use rapport_loyalty::leaderboards::Leaderboard;
use rapport_loyalty::ledger::{Act, Command, MemberId, Portion, Shortage, Source};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::badges;
use rapport_loyalty::records::challenges::{self, CountRow};
use rapport_loyalty::records::documents::{self, Saved, Version};
use rapport_loyalty::records::leaderboards::{self, Joined, Scene, Turn};
use rapport_loyalty::records::members::Member;
use rapport_loyalty::records::{Memory, members, merging, personal, post, wallets};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{Document, MIGRATIONS};
use rapport_store::testing::TestDatabase;
use rapport_store::{db_test, outbox};
use serde_json::{Value, json};

use crate::world::{NOW, W, World};

const DAY: i64 = Timestamp::DAY;

struct Club {
    world: World,
    boards: Vec<Version<Leaderboard>>,
    challenges: Vec<Version<Challenge>>,
}

fn units(more: Value) -> Value {
    let mut form = json!({"key": "board", "name": "Board", "ranks": {"kind": "challenge", "challenge": "card"}, "period": {"kind": "week"},
        "prizes": [{"to_place": 1, "points": 100, "badge": "first"}, {"to_place": 3, "points": 10}]});
    for (key, value) in more.as_object().unwrap() {
        form[key] = value.clone();
    }
    form
}

impl Club {
    async fn found(db: &TestDatabase, form: Value) -> Self {
        let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
        let mut world = World::with(db, Program::from_json(program).unwrap()).await;
        world.now = NOW;
        let card = json!({"key": "card", "name": "Card", "event": "Order Completed", "counts": {"kind": "units"}, "steps": [{"target": 1000}]});
        let (card, board) = (Challenge::from_json(card).unwrap(), Leaderboard::from_json(form).unwrap());
        let mut tx = world.begin().await;
        let saved = Saved { in_force_from: Timestamp(0), at: NOW, by: "usr_1" };
        documents::save(&mut tx, W, (&card, State::Live), 0, saved).await.unwrap();
        documents::save(&mut tx, W, (&board, State::Live), 0, saved).await.unwrap();
        tx.commit().await.unwrap();
        let boards = documents::versions(&mut world.store.read(), W).await.unwrap();
        let challenges = documents::versions(&mut world.store.read(), W).await.unwrap();
        Self { world, boards, challenges }
    }

    fn scene(&self) -> Scene<'_> {
        let at = self.world.scene();
        let (leaderboards, challenges) = (&self.boards[..], &self.challenges[..]);
        Scene { workspace: W, program: at.program, calendar: at.calendar, leaderboards, challenges, now: at.now }
    }

    async fn member(&self, person: i64) -> Member {
        let mut tx = self.world.begin().await;
        let rng = SeededRng::new(u64::try_from(person).unwrap());
        let member = members::enrol(&mut tx, W, PersonId(person), NOW.plus(-90 * DAY), &rng).await.unwrap();
        tx.commit().await.unwrap();
        members::find(&mut self.world.store.read(), W, member).await.unwrap().unwrap()
    }

    async fn join(&self, member: &Member, name: &str) -> Joined {
        let mut tx = self.world.begin().await;
        let joined = leaderboards::join(&mut tx, self.scene(), member, ("board", name)).await.unwrap();
        tx.commit().await.unwrap();
        joined
    }

    async fn leave(&self, member: &Member) -> bool {
        let mut tx = self.world.begin().await;
        let left = leaderboards::leave(&mut tx, self.scene(), member, "board").await.unwrap();
        tx.commit().await.unwrap();
        left
    }

    async fn bought(&self, member: &Member, order: &str, (units, at): (i64, Timestamp)) {
        let mut tx = self.world.begin().await;
        let row = CountRow {
            occasion: format!("order:{order}"),
            challenge: "card".to_owned(),
            value: String::new(),
            member: member.member.0,
            amount: units * 1_000_000,
            remaining: units * 1_000_000,
            occurred_at: at,
            handle: Handle(member.member.0),
        };
        let rows = if units > 0 { vec![row] } else { Vec::new() };
        challenges::replace(&mut tx, W, &[format!("order:{order}")], &rows).await.unwrap();
        leaderboards::reckon(&mut tx, self.scene(), &[member.member]).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn post(&self, member: &Member, id: &str, act: Act, kind: &str) {
        let wallet = wallets::numbers(&mut self.world.store.read(), W).await.unwrap()["points"];
        let source = Source { kind: kind.to_owned(), ..Source::default() };
        let command = Command { id: id.to_owned(), member: member.member, wallet, act, source };
        let mut tx = self.world.begin().await;
        let answers = post(&mut tx, &mut Memory::default(), W, &[vec![command]], self.world.now).await.unwrap();
        assert_eq!(answers[0][0].refused, None);
        leaderboards::reckon(&mut tx, self.scene(), &[member.member]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A turn for each period that ended, which finds so many winners at most; one that is cut short writes nothing down.
    async fn turns(&self, most: u32, is_cut_short: bool) -> Vec<Turn> {
        let ended = leaderboards::ended(&mut self.world.store.read(), W, self.world.now).await.unwrap();
        let mut done = Vec::new();
        for row in ended {
            let place = (row.leaderboard.as_str(), row.period.as_str());
            let members = leaderboards::above(&mut self.world.store.read(), W, place, 0).await.unwrap();
            let mut tx = self.world.begin().await;
            done.push(leaderboards::settle(&mut tx, self.scene(), &row, (members, most)).await.unwrap());
            if is_cut_short {
                tx.rollback().await.unwrap();
            } else {
                tx.commit().await.unwrap();
            }
        }
        done
    }

    async fn settle(&self) -> Vec<Turn> {
        self.turns(100, false).await
    }

    fn period(&self) -> String {
        self.boards[0].document.span(self.world.now, &self.world.calendar).unwrap().key
    }

    async fn ranking(&self, period: &str) -> Vec<(String, i64)> {
        let rows = leaderboards::first(&mut self.world.store.read(), W, ("board", period), 1_000).await.unwrap();
        rows.into_iter().map(|row| (row.alias, row.score / 1_000_000)).collect()
    }

    async fn told(&self, name: &str) -> usize {
        let batch = outbox::batch(&mut self.world.store.read(), W, "test", 500).await.unwrap();
        batch.events.iter().filter(|it| it.name == name).count()
    }
}

fn earn(amount: i64) -> Act {
    Act::Earn { amount, earned_at: None, active_from: None, expires_at: None }
}

/// Everything is looked at from the beginning, and compared with what is kept, place by place.
#[db_test(MIGRATIONS)]
async fn who_is_where_is_what_a_slow_look_says(db: TestDatabase) {
    let mut club = Club::found(&db, units(json!({"settles_after_days": 3}))).await;
    let rng = SeededRng::new(11);
    let mut people = Vec::new();
    for person in 1..=12 {
        let member = club.member(person).await;
        club.join(&member, &format!("Member {person}")).await;
        people.push(member);
    }
    let mut orders: std::collections::BTreeMap<String, (usize, i64, Timestamp)> = std::collections::BTreeMap::new();
    for _ in 0..120 {
        club.world.now = club.world.now.plus((rng.next_u64() % 12) as i64 * Timestamp::HOUR);
        let (who, order) = ((rng.next_u64() % 12) as usize, format!("o{}", rng.next_u64() % 40));
        // An order stays whose it is, and when it was; what is left of it changes.
        let known = orders.get(&order).copied();
        let at = known.map_or(club.world.now.plus(-((rng.next_u64() % 96) as i64) * Timestamp::HOUR), |it| it.2);
        let row = (known.map_or(who, |it| it.0), (rng.next_u64() % 5) as i64, at);
        orders.insert(order.clone(), row);
        club.bought(&people[row.0], &order, (row.1, row.2)).await;
        let scene = club.scene();
        for span in scene.leaderboards[0].document.open(scene.now, scene.calendar) {
            for (number, member) in people.iter().enumerate() {
                let sum = |it: usize| {
                    let own = orders.values().filter(|row| row.0 == it && span.from <= row.2 && row.2 < span.end);
                    own.map(|row| row.1).sum::<i64>()
                };
                let all: Vec<i64> = (0..people.len()).map(sum).collect();
                let place =
                    (all[number] > 0).then(|| 1 + all.iter().filter(|other| **other > all[number]).count() as i64);
                let found =
                    leaderboards::standing(&mut db.read(), W, ("board", &span.key), member.member).await.unwrap();
                let of = all.iter().filter(|it| **it > 0).count() as i64;
                assert_eq!((found.score / 1_000_000, found.place, found.of), (all[number], place, of), "{}", span.key);
            }
        }
    }
    assert!(orders.values().filter(|row| row.1 > 0).count() > 20);
}

#[db_test(MIGRATIONS)]
async fn winners_are_found_once_when_what_goes_back_is_known(db: TestDatabase) {
    let mut club = Club::found(&db, units(json!({"settles_after_days": 3}))).await;
    let mut people = Vec::new();
    for (person, name) in ["Ann", "Bea", "Cem", "Dan", "Eve"].into_iter().enumerate() {
        let member = club.member(person as i64 + 1).await;
        assert_eq!(club.join(&member, name).await, Joined::Yes);
        people.push(member);
    }
    let (week, first) = (club.period(), NOW);
    for (number, units) in [9, 7, 4, 4, 4].into_iter().enumerate() {
        club.bought(&people[number], &format!("o{number}"), (units, first)).await;
    }
    let end = club.boards[0].document.span(first, &club.world.calendar).unwrap().end;
    club.world.now = end.plus(2 * DAY);
    assert_eq!(club.settle().await, [Turn::Nothing], "what goes back in these days counts");
    club.bought(&people[0], "o0", (5, first)).await;
    club.world.now = end.plus(3 * DAY);
    assert_eq!(club.settle().await, [Turn::Closed]);
    assert_eq!(club.settle().await, [Turn::Stands(5)], "three share the last place that gets something");
    assert_eq!(club.settle().await, Vec::<Turn>::new());
    let won = leaderboards::winners(&mut db.read(), W, ("board", &week)).await.unwrap();
    let short: Vec<(&str, i64, i64)> = won.iter().map(|it| (it.alias.as_str(), it.place, it.points)).collect();
    let mut expected = vec![("Bea", 1, 100), ("Ann", 2, 10), ("Cem", 3, 10), ("Dan", 3, 10), ("Eve", 3, 10)];
    expected.sort_by_key(|it| (it.1, it.0));
    let mut sorted = short.clone();
    sorted.sort_by_key(|it| (it.1, it.0));
    assert_eq!(sorted, expected);
    let held = badges::of_members(&mut db.read(), W, &[people[1].member]).await.unwrap();
    assert_eq!((held.len(), held[0].badge.as_str()), (1, "first"));
    assert_eq!(club.told(leaderboards::WON).await, 5);
    // What turns out later changes nothing any more.
    club.bought(&people[0], "o0", (90, first)).await;
    assert_eq!(club.ranking(&week).await[0], ("Bea".to_owned(), 7));
    assert!(verify(&mut db.read(), W).await.unwrap().findings.is_empty());
}

/// The work is cut short in each turn before it goes on, and what members do meanwhile changes nothing: each gets what they won, once.
#[db_test(MIGRATIONS)]
async fn winners_are_found_a_few_in_each_turn(db: TestDatabase) {
    let prizes = json!([{"to_place": 1, "points": 100, "badge": "first"}, {"to_place": 5, "points": 10}]);
    let mut club = Club::found(&db, units(json!({"prizes": prizes}))).await;
    let week = club.period();
    let mut people = Vec::new();
    for (number, units) in [9, 7, 7, 5, 4, 4, 4, 2].into_iter().enumerate() {
        let member = club.member(number as i64 + 1).await;
        club.join(&member, &format!("Member {number}")).await;
        club.bought(&member, &format!("o{number}"), (units, NOW)).await;
        people.push(member);
    }
    let first = NOW;
    club.world.now = first.plus(8 * DAY);
    let mut turns = Vec::new();
    loop {
        club.turns(2, true).await;
        let Some(turn) = club.turns(2, false).await.pop() else { break };
        turns.push(turn);
        // Whoever was found, and some who were not yet, leave; and somebody bought more then, as is heard now.
        for member in [&people[0], &people[4]] {
            club.leave(member).await;
        }
        club.bought(&people[7], "late", (50, first)).await;
    }
    assert_eq!(turns, [Turn::Closed, Turn::Found(2), Turn::Found(2), Turn::Found(2), Turn::Stands(1)]);
    let won = leaderboards::winners(&mut db.read(), W, ("board", &week)).await.unwrap();
    let short: Vec<(i64, i64, i64)> = won.iter().map(|it| (it.place, it.score / 1_000_000, it.points)).collect();
    assert_eq!(short, [(1, 9, 100), (2, 7, 10), (2, 7, 10), (4, 5, 10), (5, 4, 10), (5, 4, 10), (5, 4, 10)]);
    for (member, points) in people.iter().zip([100, 10, 10, 10, 10, 10, 10, 0]) {
        assert_eq!(club.world.available(member.member).await, points, "{member:?}");
    }
    assert_eq!(club.told(leaderboards::WON).await, 7);
    let all = leaderboards::periods(&mut db.read(), W, "board", 10).await.unwrap();
    let settled = all.iter().find(|it| it.period == week).unwrap();
    assert_eq!((settled.members, settled.settled_at), (8, Some(club.world.now)));
    assert!(verify(&mut db.read(), W).await.unwrap().findings.is_empty());
}

/// One of two who become one was found already: both have what was won, once.
#[db_test(MIGRATIONS)]
async fn whoever_won_and_becomes_one_with_another_wins_once(db: TestDatabase) {
    let mut club = Club::found(&db, units(json!({"prizes": [{"to_place": 3, "points": 10}]}))).await;
    let week = club.period();
    for (number, units) in [9, 7, 5].into_iter().enumerate() {
        let member = club.member(number as i64 + 1).await;
        club.join(&member, &format!("Member {number}")).await;
        club.bought(&member, &format!("o{number}"), (units, NOW)).await;
    }
    club.world.now = NOW.plus(8 * DAY);
    assert_eq!(club.turns(1, false).await, [Turn::Closed]);
    assert_eq!(club.turns(1, false).await, [Turn::Found(1)]);
    let mut tx = club.world.begin().await;
    merging::follow(&mut tx, W, PersonId(1), PersonId(3), club.world.now).await.unwrap();
    tx.commit().await.unwrap();
    while !club.turns(1, false).await.is_empty() {}
    let won = leaderboards::winners(&mut db.read(), W, ("board", &week)).await.unwrap();
    assert_eq!(won.iter().map(|it| it.place).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(club.told(leaderboards::WON).await, 2);
    assert!(verify(&mut db.read(), W).await.unwrap().findings.is_empty());
}

#[db_test(MIGRATIONS)]
async fn eight_who_settle_at_once_give_it_once(db: TestDatabase) {
    let mut club = Club::found(&db, units(json!({}))).await;
    let ann = club.member(1).await;
    club.join(&ann, "Ann").await;
    club.bought(&ann, "1", (3, NOW)).await;
    club.world.now = NOW.plus(8 * DAY);
    let club = std::sync::Arc::new(club);
    let all = (0..8).map(|_| {
        let club = club.clone();
        tokio::spawn(async move {
            club.settle().await;
            club.settle().await
        })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    let won = leaderboards::won(&mut db.read(), W, &[ann.member]).await.unwrap();
    assert_eq!((won.len(), won[0].points), (1, 100));
    assert_eq!(club.told(leaderboards::WON).await, 1);
}

#[db_test(MIGRATIONS)]
async fn a_name_is_had_by_one_and_leaving_takes_everything_off(db: TestDatabase) {
    let club = Club::found(&db, units(json!({}))).await;
    let (ann, bea) = (club.member(1).await, club.member(2).await);
    club.bought(&ann, "1", (3, NOW)).await;
    let week = club.period();
    assert_eq!(club.ranking(&week).await, [], "who did not ask is on none");
    assert_eq!(club.join(&ann, "Swift").await, Joined::Yes);
    assert_eq!(club.ranking(&week).await, [("Swift".to_owned(), 3)], "what was done in this period counts");
    assert_eq!(club.join(&ann, "Swift").await, Joined::Already);
    assert_eq!(club.join(&bea, "sWIFT").await, Joined::NameTaken);
    assert_eq!(club.join(&ann, "Swifter").await, Joined::Yes);
    assert_eq!(club.join(&bea, "swift").await, Joined::Yes);
    assert_eq!(club.told(leaderboards::JOINED).await, 2, "another name is no other joining");
    assert!(club.leave(&ann).await && !club.leave(&ann).await);
    assert_eq!(club.ranking(&week).await, []);
    let standing = leaderboards::standing(&mut db.read(), W, ("board", &week), ann.member).await.unwrap();
    assert_eq!((standing.score, standing.place, standing.of), (0, None, 0));
    assert_eq!(club.join(&ann, "Ann").await, Joined::Yes);
    assert_eq!(club.ranking(&week).await, [("Ann".to_owned(), 3)]);
    assert_eq!(leaderboards::joined(&mut db.read(), W, "board").await.unwrap(), 2);
}

#[db_test(MIGRATIONS)]
async fn points_count_without_what_was_taken_back_and_without_prizes(db: TestDatabase) {
    let ranks = json!({"ranks": {"kind": "points"}, "period": {"kind": "month"}});
    let club = Club::found(&db, units(ranks)).await;
    let (ann, bea) = (club.member(1).await, club.member(2).await);
    club.join(&ann, "Ann").await;
    club.join(&bea, "Bea").await;
    club.post(&ann, "a", earn(100), "rule").await;
    club.post(&ann, "b", earn(1_000), "leaderboard").await;
    club.post(&bea, "c", earn(70), "rule").await;
    let month = club.period();
    assert_eq!(club.ranking(&month).await, [("Ann".to_owned(), 100), ("Bea".to_owned(), 70)]);
    let back =
        Act::Reverse { of: "a".to_owned(), portion: Portion::Rest, shortage: Shortage::IntoArrears, grace_until: None };
    club.post(&ann, "d", back, "rule").await;
    assert_eq!(club.ranking(&month).await, [("Bea".to_owned(), 70)]);

    club.post(&ann, "e", earn(30), "rule").await;
    let mut tx = club.world.begin().await;
    merging::follow(&mut tx, W, PersonId(2), PersonId(1), NOW).await.unwrap();
    let stays = members::of(&mut tx, W, PersonId(1)).await.unwrap().unwrap();
    leaderboards::reckon(&mut tx, club.scene(), &[stays]).await.unwrap();
    tx.commit().await.unwrap();
    let ranking = club.ranking(&month).await;
    assert_eq!((ranking.len(), ranking[0].1), (1, 100), "two who become one have together what both had");

    let mut tx = club.world.begin().await;
    personal::forget(&mut tx, W, PersonId(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(club.ranking(&month).await, []);
    assert!(leaderboards::joins(&mut db.read(), W, &[stays, MemberId(0)]).await.unwrap().is_empty());
}

#[test]
fn what_cannot_be_ranked_is_refused() {
    let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
    let program = Program::from_json(program).unwrap();
    let refused = |more: Value, place: &str| {
        let error = Leaderboard::from_json(units(more)).and_then(|it| it.check(&program)).unwrap_err().to_string();
        assert!(error.starts_with(place), "{error}");
    };
    Leaderboard::from_json(units(json!({}))).unwrap().check(&program).unwrap();
    refused(json!({"period": {"kind": "rolling", "days": 7}}), "period");
    refused(json!({"period": {"kind": "ever"}}), "prizes");
    refused(json!({"ranks": {"kind": "points", "wallet": "none"}}), "ranks.wallet");
    refused(json!({"prizes": [{"to_place": 2, "points": 1}, {"to_place": 2, "points": 1}]}), "prizes[1].to_place");
    refused(json!({"prizes": [{"to_place": 1}]}), "prizes[0]");
    refused(json!({"prizes": [{"to_place": 1, "points": 0}]}), "prizes[0].points");
    refused(json!({"shown": 0}), "shown");
    refused(json!({"settles_after_days": 61}), "settles_after_days");
    refused(json!({"picture": "http://x.example/a.png"}), "picture");
    refused(json!({"from": "2026-05-01", "until": "2026-04-01"}), "until");
}
