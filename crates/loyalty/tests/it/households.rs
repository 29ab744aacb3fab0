//! Households on both engines: who belongs to one, whose points pay what somebody redeems, what comes back; random ones beside a slow model; members who leave, are closed, become one, are forgotten.

mod model;

use std::collections::BTreeMap;

use futures::future::join_all;
use rapport_domain::{PersonId, Rng, SeededRng, SystemRng, Timestamp};
use rapport_loyalty::document::State;
use rapport_loyalty::households::Refusal;
use rapport_loyalty::ledger::{self, Act, LotId, MemberId, Standing};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::{self, Saved};
use rapport_loyalty::records::households::{
    self, Asker, Founded, Household, Invitation, Invited, Membership, Outcome, Own,
};
use rapport_loyalty::records::redemptions::{self, Asked, Redemption, Scene};
use rapport_loyalty::records::{merging, personal, read};
use rapport_loyalty::rewards::{self, Reward, Wish};
use rapport_loyalty::verify::verify;
use rapport_loyalty::{Document, MIGRATIONS};
use rapport_store::testing::TestDatabase;
use rapport_store::{Tx, db_test, outbox};
use serde_json::{Value, json};

use model::{Model, Said};

use crate::world::{NOW, W, WorldOf};

type World = WorldOf<Household>;

/// Somebody behind a counter.
const STAFF: Asker<'_> = Asker::Staff { by: "usr_1", reason: "asked at the till" };

/// What the coffee and the tent cost, which are had at once, and the mug, which is delivered within ten days.
const PRICES: [(&str, i64); 3] = [("coffee", 5), ("mug", 9), ("tent", 16)];

fn form(households: &Value) -> Value {
    json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "households": households,
        "wallets": [{"key": "points", "name": "Points"}, {"key": "stars", "name": "Stars"},
            {"key": "cash", "name": "Cash", "unit": {"kind": "money", "currency": "EUR"}}]})
}

fn program(households: &Value) -> Program {
    let program = Program::from_json(form(households)).unwrap();
    program.check().unwrap();
    program
}

fn shared() -> Value {
    json!({"wallets": ["points"]})
}

impl World {
    async fn found(db: &TestDatabase, households: &Value) -> Self {
        let world = Self::with(db, program(households)).await;
        for (key, points) in PRICES {
            let gives = if key == "mug" { json!({"kind": "delivered"}) } else { json!({"kind": "code", "uses": 1}) };
            let reward = json!({"key": key, "name": key, "gives": gives, "fulfil_within_days": 10,
                "prices": [{"points": points}, {"points": points, "wallet": "stars"}]});
            let reward = Reward::from_json(reward).unwrap();
            let mut tx = world.begin().await;
            let saved = Saved { in_force_from: Timestamp(0), at: Timestamp(0), by: "usr_1" };
            documents::save(&mut tx, W, (&reward, State::Live), 0, saved).await.unwrap();
            tx.commit().await.unwrap();
        }
        world
    }

    async fn did<T>(&self, act: impl AsyncFnOnce(&mut Tx, Scene<'_>) -> Outcome<T>) -> Result<T, Refusal> {
        let mut tx = self.begin().await;
        let outcome = act(&mut tx, self.scene()).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn close(&self, member: MemberId) {
        assert_eq!(self.post(member, Act::Forfeit {}).await, None);
        self.standing(member, Standing::Closed).await;
        let mut tx = self.begin().await;
        households::closed(&mut tx, W, member, self.now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Available and held.
    async fn has(&self, member: MemberId) -> (i64, i64) {
        let accounts = read::accounts(&mut self.store.read(), W, &[member], self.now).await.unwrap();
        let balances = accounts.values().map(|account| account.balance());
        balances.fold((0, 0), |sum, it| (sum.0 + it.available, sum.1 + it.held))
    }

    async fn lots(&self, member: MemberId) -> Vec<(LotId, i64, Option<Timestamp>)> {
        let accounts = read::accounts(&mut self.store.read(), W, &[member], self.now).await.unwrap();
        let lots = accounts.values().flat_map(|account| account.turns());
        lots.map(|lot| (lot.id, lot.available, lot.expires_at)).collect()
    }

    async fn home(&self, id: &str, member: MemberId, own_name: &str) -> Result<Household, Refusal> {
        let asked = Founded { id, member, name: "Home", own_name, by: "usr_1", reason: Some("asked at the till") };
        self.did(async |tx, scene| households::found(tx, scene, asked).await).await
    }

    async fn invite(&self, id: &str, household: &str, member: MemberId) -> Result<Invitation, Refusal> {
        let asked = Invited { id, household, member, by_member: None, by: "usr_1", reason: "asked at the till" };
        self.did(async |tx, scene| households::invite(tx, scene, asked).await).await
    }

    async fn accept(&self, invitation: &str, name: &str) -> Result<Membership, Refusal> {
        self.did(async |tx, scene| households::accept(tx, scene, invitation, (name, STAFF)).await).await
    }

    async fn bring(&self, household: &str, member: MemberId, name: &str) -> Result<Membership, Refusal> {
        let id = format!("invite {}", SystemRng.next_u64());
        let invitation = self.invite(&id, household, member).await?;
        let joined = self.accept(&invitation.invitation, name).await;
        if joined.is_err() {
            let end = async |tx: &mut Tx, scene: Scene<'_>| {
                households::withdraw(tx, scene, &invitation.invitation, STAFF).await
            };
            self.did(end).await.unwrap();
        }
        joined
    }

    async fn leave(&self, household: &str, member: MemberId, by: Option<MemberId>) -> Result<Household, Refusal> {
        self.did(async |tx, scene| {
            households::leave(tx, scene, household, member, by.map_or(STAFF, Asker::Member)).await
        })
        .await
    }

    async fn limit(&self, household: &str, member: MemberId, limit: Option<i64>) {
        let own = Own { name: None, limit };
        self.did(async |tx, scene| households::set_own(tx, scene, household, member, (own, STAFF)).await)
            .await
            .unwrap();
    }

    async fn head(&self, household: &str) -> MemberId {
        households::find(&mut self.store.read(), W, household).await.unwrap().unwrap().head()
    }

    async fn ask(&self, asked: Asked<'_>) -> Result<Redemption, rewards::Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::redeem(&mut tx, self.scene(), asked, |_| true).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn redeem(&self, id: &str, member: MemberId, reward: &str) -> Result<Redemption, rewards::Refusal> {
        self.ask(asked(id, member, reward)).await
    }

    async fn cancel(&self, redemption: &str) -> Result<Redemption, rewards::Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::cancel(&mut tx, self.scene(), redemption, false, "").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn fulfil(&self, redemption: &str) -> Result<Redemption, rewards::Refusal> {
        let mut tx = self.begin().await;
        let outcome = redemptions::fulfil(&mut tx, self.scene(), redemption, "").await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn expire(&self) {
        let mut tx = self.begin().await;
        redemptions::expire(&mut tx, self.scene(), 100).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Who else paid, how much, and how much of it came back.
    async fn paid(&self, redemption: &str) -> BTreeMap<MemberId, (i64, i64)> {
        let uses = households::uses_of(&mut self.store.read(), W, redemption).await.unwrap();
        uses.into_iter().map(|it| (it.giver(), (it.points, it.returned))).collect()
    }

    async fn told(&self, name: &str) -> usize {
        let events = outbox::batch(&mut self.store.read(), W, "test", 1_000).await.unwrap().events;
        events.iter().filter(|it| it.name == name).count()
    }

    async fn proved(&self) {
        assert_eq!(verify(&mut self.store.read(), W).await.unwrap().findings, []);
    }
}

fn asked<'a>(id: &'a str, member: MemberId, reward: &'a str) -> Asked<'a> {
    let wish = Wish { wallet: Some("points"), ..Wish::default() };
    Asked { id, member, reward, wish, is_surprise: false, with_household: true, by: "key_1", reason: "for Zebrafish" }
}

const fn days(days: i64) -> Timestamp {
    NOW.plus(days * Timestamp::DAY)
}

const fn short(missing: i64) -> rewards::Refusal {
    rewards::Refusal::Household(Refusal::Short { missing })
}

#[db_test(MIGRATIONS)]
async fn ones_own_points_pay_first_then_what_lapses_soonest(db: TestDatabase) {
    let mut world = World::found(&db, &shared()).await;
    let (ann, bob, cid) = (world.member(1, 2).await, world.member(2, 0).await, world.member(3, 0).await);
    world.earn(bob, 3, Some(days(20))).await;
    world.earn(bob, 10, None).await;
    world.earn(cid, 2, Some(days(10))).await;
    world.earn(cid, 9, Some(days(30))).await;
    world.now = days(1);
    let home = world.home("h1", ann, "Mum").await.unwrap().household;
    assert_eq!(world.redeem("r0", ann, "mug").await, Err(short(7)), "alone she has too few");
    world.bring(&home, bob, "Dad").await.unwrap();
    world.bring(&home, cid, "Kid").await.unwrap();
    let before = (world.lots(ann).await, world.lots(bob).await, world.lots(cid).await);

    assert_eq!(world.redeem("r0", ann, "mug").await, Err(short(7)), "an id answers for ever");
    let alone = Asked { with_household: false, ..asked("r1", ann, "mug") };
    let refused = Err(rewards::Refusal::Ledger(ledger::Refusal::InsufficientPoints));
    assert_eq!(world.ask(alone).await, refused, "unless it is asked for, nobody else pays");
    assert_eq!(world.redeem("r1", ann, "mug").await, Err(rewards::Refusal::IdReused));
    let mug = world.redeem("r2", ann, "mug").await.unwrap();
    assert_eq!(world.redeem("r2", ann, "mug").await.as_ref(), Ok(&mug), "told again it is the same");
    // Two of her own, two of Cid's that end first, three of Bob's, and two of Cid's next.
    assert_eq!(world.paid(&mug.redemption).await, BTreeMap::from([(bob, (3, 0)), (cid, (4, 0))]));
    assert_eq!((world.has(ann).await, world.has(bob).await, world.has(cid).await), ((0, 2), (10, 3), (7, 4)));
    assert_eq!(world.told(households::SHARED).await, 2);
    let off = world.cancel(&mug.redemption).await.unwrap();
    assert_eq!(world.cancel(&mug.redemption).await, Ok(off));
    assert_eq!((world.lots(ann).await, world.lots(bob).await, world.lots(cid).await), before);

    // Delivered and called off after all; also once somebody left.
    let mug = world.redeem("r3", ann, "mug").await.unwrap();
    world.fulfil(&mug.redemption).await.unwrap();
    assert_eq!((world.has(ann).await, world.has(bob).await, world.has(cid).await), ((0, 0), (10, 0), (7, 0)));
    world.leave(&home, bob, Some(bob)).await.unwrap();
    world.cancel(&mug.redemption).await.unwrap();
    assert_eq!((world.lots(ann).await, world.lots(bob).await, world.lots(cid).await), before, "whoever left meanwhile");
    assert_eq!(world.paid(&mug.redemption).await, BTreeMap::from([(bob, (3, 3)), (cid, (4, 4))]));

    // What was set aside comes back by itself.
    let mug = world.redeem("r4", ann, "mug").await.unwrap();
    assert_eq!(world.paid(&mug.redemption).await, BTreeMap::from([(cid, (7, 0))]), "Bob is not asked any more");
    world.now = days(11);
    world.expire().await;
    assert_eq!(world.paid(&mug.redemption).await, BTreeMap::from([(cid, (7, 7))]));
    assert_eq!((world.has(ann).await, world.has(cid).await), ((2, 0), (9, 0)), "what ends by now has ended");
    // Giving is no activity of whoever gives, and what they learn is in which household, not for what.
    let active = read::accounts(&mut db.read(), W, &[bob], world.now).await.unwrap();
    let earned = active.values().filter_map(|account| account.active_at()).max();
    assert!(earned.is_none_or(|at| at <= NOW), "{earned:?}");
    let kept = personal::of(&mut db.read(), W, PersonId(3)).await.unwrap().unwrap();
    assert!(kept.operations.iter().any(|it| it.source.kind == "household" && it.source.reference == home));
    assert!(kept.operations.iter().all(|it| it.source.reason.is_empty()));
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn nobody_gives_more_than_they_let(db: TestDatabase) {
    let mut rules = shared();
    rules["used_per_month"] = json!(8);
    let mut world = World::found(&db, &rules).await;
    let (ann, bob, cid) = (world.member(1, 0).await, world.member(2, 100).await, world.member(3, 100).await);
    let home = world.home("h1", ann, "Mum").await.unwrap().household;
    world.bring(&home, bob, "Dad").await.unwrap();
    assert_eq!(world.redeem("a1", ann, "mug").await, Err(short(1)), "eight of Bob's");
    world.bring(&home, cid, "Kid").await.unwrap();
    world.limit(&home, cid, Some(0)).await;
    assert_eq!(world.redeem("a2", ann, "mug").await, Err(short(1)), "Cid gives nothing");
    world.limit(&home, cid, Some(90)).await;
    let mug = world.redeem("a3", ann, "mug").await.unwrap();
    assert_eq!(world.paid(&mug.redemption).await, BTreeMap::from([(bob, (8, 0)), (cid, (1, 0))]));
    // Eight are the most, whatever Cid says; what came back makes room.
    assert_eq!(world.redeem("a4", ann, "mug").await, Err(short(2)));
    world.cancel(&mug.redemption).await.unwrap();
    assert!(world.redeem("a5", ann, "mug").await.is_ok());
    // Leaving and coming again makes none.
    world.leave(&home, bob, None).await.unwrap();
    world.bring(&home, bob, "Dad").await.unwrap();
    assert_eq!(world.redeem("a6", ann, "mug").await, Err(short(2)));
    world.now = NOW.plus(31 * Timestamp::DAY);
    assert!(world.redeem("a7", ann, "mug").await.is_ok(), "a month later");
    // Whoever is blocked neither gives nor takes; one's own points have no limit.
    world.now = NOW.plus(62 * Timestamp::DAY);
    world.standing(bob, Standing::Blocked).await;
    assert_eq!(world.redeem("a8", ann, "mug").await, Err(short(1)));
    assert_eq!(world.redeem("a9", bob, "mug").await, Err(rewards::Refusal::MemberBlocked));
    assert!(world.redeem("b1", cid, "mug").await.is_ok());
    let stars = Asked { wish: Wish { wallet: Some("stars"), ..Wish::default() }, ..asked("b2", ann, "mug") };
    let not_shared = Err(rewards::Refusal::Household(Refusal::WalletNotShared));
    assert_eq!(world.ask(stars).await, not_shared);
    let dan = world.member(4, 1).await;
    assert_eq!(world.redeem("b3", dan, "mug").await, Err(rewards::Refusal::Household(Refusal::NotIn)));
    let off = World { program: Program { households: None, ..world.program.clone() }, ..world };
    assert_eq!(off.redeem("b4", ann, "mug").await, Err(rewards::Refusal::Household(Refusal::Off)));
    assert!(off.redeem("b5", cid, "mug").await.is_ok(), "what is one's own is one's own");
    off.proved().await;
}

#[db_test(MIGRATIONS)]
async fn who_leads_may_spend_where_the_programme_says_so(db: TestDatabase) {
    let world = World::found(&db, &json!({"wallets": ["points"], "who_spends": "head"})).await;
    let (ann, bob) = (world.member(1, 0).await, world.member(2, 20).await);
    let home = world.home("h1", bob, "Dad").await.unwrap().household;
    world.bring(&home, ann, "Mum").await.unwrap();
    assert_eq!(world.redeem("r1", ann, "mug").await, Err(rewards::Refusal::Household(Refusal::NotHead)));
    world.leave(&home, bob, Some(bob)).await.unwrap();
    assert_eq!(world.head(&home).await, ann);
    world.bring(&home, bob, "Dad").await.unwrap();
    assert!(world.redeem("r2", ann, "mug").await.is_ok());
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn who_belongs_to_one_and_what_is_refused(db: TestDatabase) {
    let rules = json!({"wallets": ["points"], "most_members": 3, "joins_per_year": 2, "invitation_days": 7});
    let mut world = World::found(&db, &rules).await;
    let (ann, bob, cid) = (world.member(1, 0).await, world.member(2, 0).await, world.member(3, 0).await);
    let home = world.home("h1", ann, "Mum").await.unwrap();
    assert_eq!(world.home("h1", ann, "Mum").await.as_ref(), Ok(&home), "told again it is the same");
    assert_eq!(world.home("h1", ann, "Mother").await, Err(Refusal::IdReused));
    assert_eq!(world.home("h2", ann, "Mum").await, Err(Refusal::AlreadyIn));
    assert_eq!(world.home("h2", MemberId(9), "X").await, Err(Refusal::MemberUnknown));
    assert_eq!(world.home("", bob, "X").await, Err(Refusal::IdMalformed));
    assert_eq!(world.home("a\0b", bob, "X").await, Err(Refusal::IdMalformed));
    let home = home.household;
    let by = |id, member, by_member| Invited {
        id,
        household: &home,
        member,
        by_member: Some(by_member),
        by: "member",
        reason: "",
    };
    let invited = async |asked| world.did(async |tx, scene| households::invite(tx, scene, asked).await).await;
    assert_eq!(invited(by("i0", cid, bob)).await, Err(Refusal::NotHead));
    let first = invited(by("i1", bob, ann)).await.unwrap();
    assert_eq!(invited(by("i1", bob, ann)).await.as_ref(), Ok(&first));
    assert_eq!(world.invite("i1", &home, cid).await, Err(Refusal::IdReused));
    assert_eq!(world.invite("i2", &home, bob).await, Err(Refusal::Invited));
    assert_eq!(world.invite("i2", &home, ann).await, Err(Refusal::AlreadyIn));
    assert_eq!(world.invite("i2", &home, MemberId(9)).await, Err(Refusal::MemberUnknown));
    assert_eq!(world.invite("i2", "hsh_none", cid).await, Err(Refusal::Unknown));
    let second = world.invite("i2", &home, cid).await.unwrap();
    let dan = world.member(4, 0).await;
    assert_eq!(world.invite("i3", &home, dan).await, Err(Refusal::Full), "one that is invited has a place");
    let theirs = async |invitation: &str, who| {
        world.did(async |tx, scene| households::accept(tx, scene, invitation, ("Kid", Asker::Member(who))).await).await
    };
    assert_eq!(theirs(&first.invitation, cid).await, Err(Refusal::InvitationUnknown), "it is none of Cid's");
    assert_eq!(world.accept(&first.invitation, "mum").await, Err(Refusal::NameTaken));
    let joined = world.accept(&first.invitation, "Dad").await.unwrap();
    assert_eq!(world.accept(&first.invitation, "Dad").await, Ok(joined), "told again it is the same");
    let decline = async |invitation: &str| {
        world.did(async |tx, scene| households::decline(tx, scene, invitation, Asker::Member(cid)).await).await
    };
    let declined = decline(&second.invitation).await.unwrap();
    assert_eq!(decline(&second.invitation).await, Ok(declined));
    assert_eq!(theirs(&second.invitation, cid).await, Err(Refusal::InvitationOver));
    let third = world.invite("i4", &home, cid).await.unwrap();
    let end = async |by| {
        world.did(async |tx, scene| households::withdraw(tx, scene, &third.invitation, Asker::Member(by)).await).await
    };
    assert_eq!(end(bob).await, Err(Refusal::NotHead));
    assert_eq!(end(ann).await.unwrap().state, "withdrawn");
    let late = world.invite("i5", &home, cid).await.unwrap();
    assert_eq!(world.leave(&home, bob, Some(cid)).await, Err(Refusal::NotHead));
    assert_eq!(world.leave(&home, cid, None).await, Err(Refusal::NotIn));
    world.leave(&home, bob, Some(ann)).await.unwrap();
    assert!(world.leave(&home, bob, Some(ann)).await.is_ok(), "told again it is the same");
    world.bring(&home, bob, "Dad").await.unwrap();
    world.leave(&home, bob, Some(bob)).await.unwrap();
    assert_eq!(world.bring(&home, bob, "Dad").await, Err(Refusal::TooOften), "twice a year");
    assert_eq!(world.home("h3", bob, "Dad").await, Err(Refusal::TooOften));
    world.now = days(7);
    assert_eq!(world.accept(&late.invitation, "Kid").await, Err(Refusal::InvitationOver), "its time is over");
    world.standing(cid, Standing::Blocked).await;
    let blocked = world.invite("i6", &home, cid).await.unwrap();
    assert_eq!(world.accept(&blocked.invitation, "Kid").await, Err(Refusal::MemberBlocked));
    world.close(dan).await;
    assert_eq!(world.invite("i7", &home, dan).await, Err(Refusal::MemberClosed));
    assert_eq!(world.home("h4", dan, "Dan").await, Err(Refusal::MemberClosed));

    // With the last one it ends, and nobody is invited to it any more.
    let ended = world.leave(&home, ann, Some(ann)).await.unwrap();
    assert_eq!(ended.ended_at, Some(days(7)));
    world.standing(cid, Standing::Active).await;
    assert_eq!(world.accept(&blocked.invitation, "Kid").await, Err(Refusal::InvitationOver));
    assert_eq!(world.invite("i8", &home, cid).await, Err(Refusal::Unknown));
    let rename = async |by| {
        world.did(async |tx, scene| households::rename(tx, scene, &home, ("Us", Asker::Member(by))).await).await
    };
    assert_eq!(rename(ann).await, Err(Refusal::Unknown));
    // The new year of the programme's zone begins.
    world.now = Timestamp(1_798_761_600_000_000).plus(-Timestamp::HOUR);
    assert!(world.home("h5", bob, "Dad").await.is_ok());
    assert_eq!((world.told(households::JOINED).await, world.told(households::LEFT).await), (4, 3));
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::read(refusal.code()), Some(refusal));
    }
    world.proved().await;
}

#[db_test(MIGRATIONS)]
async fn of_thirty_who_take_the_last_place_or_the_last_points_one_has_them(db: TestDatabase) {
    let world = World::found(&db, &json!({"wallets": ["points"], "most_members": 20})).await;
    let (ann, bob) = (world.member(1, 0).await, world.member(2, 9).await);
    let home = world.home("h1", ann, "Mum").await.unwrap().household;
    world.bring(&home, bob, "Dad").await.unwrap();
    let mut invitations = Vec::new();
    for person in 3..21 {
        let member = world.member(person, 0).await;
        invitations.push(world.invite(&format!("i{person}"), &home, member).await.unwrap().invitation);
    }
    let three = World { program: program(&json!({"wallets": ["points"], "most_members": 3})), ..world };
    let names: Vec<String> = (0..18).map(|at| format!("Kid {at}")).collect();
    let all = join_all(invitations.iter().zip(&names).map(|(it, name)| three.accept(it, name))).await;
    assert_eq!(all.iter().filter(|it| it.is_ok()).count(), 1, "{all:?}");
    assert!(all.iter().flat_map(|it| it.as_ref().err()).all(|it| *it == Refusal::Full));

    let there = households::members_of(&mut db.read(), W, &home).await.unwrap();
    let kid = there[2].member();
    let ids: Vec<String> = (0..30).map(|at| format!("r{at}")).collect();
    let ask = |at: usize| three.redeem(&ids[at], if at.is_multiple_of(2) { ann } else { kid }, "mug");
    let all = join_all((0..30).map(ask)).await;
    assert_eq!(all.iter().filter(|it| it.is_ok()).count(), 1, "{all:?}");
    assert!(all.iter().flat_map(|it| it.as_ref().err()).all(|it| *it == short(9)), "{all:?}");
    assert_eq!(three.has(bob).await, (0, 9));
    three.proved().await;
}

#[db_test(MIGRATIONS)]
async fn members_who_are_closed_become_one_or_are_forgotten(db: TestDatabase) {
    let world = World::found(&db, &shared()).await;
    let (ann, bob, cid) = (world.member(1, 0).await, world.member(2, 4).await, world.member(3, 20).await);
    let home = world.home("h1", bob, "Dad").await.unwrap().household;
    world.bring(&home, ann, "Mum").await.unwrap();
    world.bring(&home, cid, "Zebrafish").await.unwrap();
    let coffee = world.redeem("r1", ann, "coffee").await.unwrap();
    assert_eq!(world.paid(&coffee.redemption).await, BTreeMap::from([(bob, (4, 0)), (cid, (1, 0))]));
    // Bob closes his account: the household goes on, and what others gave comes back to them.
    world.close(bob).await;
    assert_eq!(world.head(&home).await, ann, "who belongs to it for longest leads it");
    world.cancel(&coffee.redemption).await.unwrap();
    assert_eq!(world.paid(&coffee.redemption).await, BTreeMap::from([(bob, (4, 0)), (cid, (1, 1))]));
    assert_eq!((world.has(bob).await, world.has(cid).await), ((0, 0), (20, 0)));

    // Cid turns out to be Dan, who lives elsewhere with Eve: Cid was a member for longer and stays where he is.
    let (dan, eve) = (world.member(4, 30).await, world.member(5, 0).await);
    let other = world.home("h2", dan, "Dan").await.unwrap().household;
    world.bring(&other, eve, "Eve").await.unwrap();
    let shared = world.redeem("r2", eve, "mug").await.unwrap();
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(4), PersonId(3), world.now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((world.head(&other).await, world.head(&home).await), (eve, ann));
    let own = households::open_of(&mut db.read(), W, cid).await.unwrap().unwrap();
    assert_eq!((own.household.as_str(), own.name.as_str()), (home.as_str(), "Zebrafish"));
    assert_eq!(world.paid(&shared.redemption).await, BTreeMap::from([(cid, (9, 0))]), "what Dan gave, Cid did");
    world.cancel(&shared.redemption).await.unwrap();
    assert_eq!((world.has(cid).await, world.has(eve).await), ((50, 0), (0, 0)));
    // Both of one household.
    let fay = world.member(6, 7).await;
    world.bring(&home, fay, "Fay").await.unwrap();
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(1), PersonId(6), world.now).await.unwrap();
    tx.commit().await.unwrap();
    let there = households::members_of(&mut db.read(), W, &home).await.unwrap();
    let there: Vec<MemberId> = there.iter().filter(|it| it.left_at.is_none()).map(Membership::member).collect();
    assert_eq!((there, world.head(&home).await), (vec![ann, cid], ann));

    // Cid is forgotten: names go, numbers stay, and what he gave is not lost for whoever gets it back.
    let mug = world.redeem("r3", ann, "mug").await.unwrap();
    let rename = async |tx: &mut Tx, scene: Scene<'_>| {
        households::rename(tx, scene, &home, ("The Zebrafish", Asker::Member(ann))).await
    };
    world.did(rename).await.unwrap();
    let open = world.invite("i9", &other, cid).await.unwrap();
    let mut tx = world.begin().await;
    assert!(households::forget(&mut tx, W, PersonId(3), world.now).await.unwrap() >= 2);
    personal::forget(&mut tx, W, PersonId(3)).await.unwrap();
    tx.commit().await.unwrap();
    let left = households::members_of(&mut db.read(), W, &home).await.unwrap();
    assert!(left.iter().filter(|it| it.member() == cid).all(|it| it.name.is_empty() && it.left_at.is_some()));
    assert_eq!(world.accept(&open.invitation, "X").await, Err(Refusal::InvitationOver));
    assert_eq!(world.paid(&mug.redemption).await, BTreeMap::from([(cid, (2, 0))]));
    world.cancel(&mug.redemption).await.unwrap();
    assert_eq!((world.has(ann).await, world.has(cid).await), ((7, 0), (50, 0)));
    let mut tx = world.begin().await;
    households::forget(&mut tx, W, PersonId(6), world.now).await.unwrap();
    tx.commit().await.unwrap();
    let gone = households::find(&mut db.read(), W, &home).await.unwrap().unwrap();
    assert_eq!((gone.name.as_str(), gone.ended_at), ("", Some(NOW)));
    world.proved().await;
}

/// What staff did, the newest first.
async fn acts(world: &World, home: &str) -> Vec<(String, Option<i64>, String)> {
    let acts = households::acts(&mut world.store.read(), W, home, None, 100).await.unwrap();
    acts.into_iter().map(|it| (it.what, it.member, it.reason)).collect()
}

#[db_test(MIGRATIONS)]
async fn it_is_handed_over_and_closed_and_what_staff_did_is_there_once(db: TestDatabase) {
    let mut world = World::found(&db, &shared()).await;
    let (ann, bob, cid, dan) =
        (world.member(1, 3).await, world.member(2, 9).await, world.member(3, 0).await, world.member(4, 0).await);
    let home = world.home("h1", ann, "Mum").await.unwrap().household;
    world.bring(&home, bob, "Dad").await.unwrap();
    world.bring(&home, cid, "Kid").await.unwrap();
    let pass = async |world: &World, to, asker| {
        world.did(async |tx, scene| households::hand_over(tx, scene, &home, to, asker).await).await.map(|it| it.head())
    };
    let close = async |world: &World, home: &str, asker| {
        world.did(async |tx, scene| households::close(tx, scene, home, asker).await).await.map(|it| it.ended_at)
    };
    let was = acts(&world, &home).await.len();
    assert_eq!(was, 5, "founded, and two invited who joined");
    // Who may, and to whom.
    assert_eq!(pass(&world, bob, Asker::Member(bob)).await, Err(Refusal::NotHead));
    assert_eq!(pass(&world, dan, STAFF).await, Err(Refusal::NotIn));
    assert_eq!(pass(&world, MemberId(9), STAFF).await, Err(Refusal::MemberUnknown));
    assert_eq!(close(&world, &home, Asker::Member(bob)).await, Err(Refusal::NotHead));
    assert_eq!(close(&world, "hsh_none", STAFF).await, Err(Refusal::Unknown));
    world.standing(cid, Standing::Blocked).await;
    assert_eq!(pass(&world, cid, STAFF).await, Err(Refusal::MemberBlocked));
    world.standing(cid, Standing::Active).await;
    assert_eq!((world.head(&home).await, acts(&world, &home).await.len()), (ann, was), "nothing was done");

    // A member who does it themselves is not staff; the same again is the same.
    for _ in 0..2 {
        assert_eq!(pass(&world, bob, Asker::Member(ann)).await, Ok(bob));
    }
    assert_eq!(acts(&world, &home).await.len(), was);
    assert_eq!(pass(&world, cid, Asker::Member(ann)).await, Err(Refusal::NotHead), "she does not lead it any more");
    world.now = days(1);
    let moved = Asker::Staff { by: "usr_2", reason: "Bob moved out" };
    for _ in 0..2 {
        assert_eq!(pass(&world, cid, moved).await, Ok(cid));
    }
    world.limit(&home, ann, Some(2)).await;
    world.limit(&home, ann, Some(2)).await;
    let latest = acts(&world, &home).await;
    assert_eq!(latest.len(), was + 2, "told again it is there once");
    assert!(latest.contains(&("handed_over".to_owned(), Some(cid.0), "Bob moved out".to_owned())), "{latest:?}");
    assert!(latest.contains(&("set".to_owned(), Some(ann.0), "asked at the till".to_owned())), "{latest:?}");

    // Closed: everybody leaves with what is theirs, and nobody answers any more.
    let open = world.invite("i9", &home, dan).await.unwrap();
    let left = world.told(households::LEFT).await;
    for _ in 0..2 {
        assert_eq!(close(&world, &home, STAFF).await, Ok(Some(days(1))));
    }
    assert_eq!(world.told(households::LEFT).await, left + 3);
    assert_eq!((world.has(ann).await, world.has(bob).await), ((3, 0), (9, 0)));
    let members = households::members_of(&mut db.read(), W, &home).await.unwrap();
    assert!(members.iter().all(|it| it.left_how == "ended" && it.left_at == Some(days(1))), "{members:?}");
    assert_eq!(world.head(&home).await, cid, "who led it last");
    assert_eq!(world.accept(&open.invitation, "Dan").await, Err(Refusal::InvitationOver));
    assert_eq!(pass(&world, bob, STAFF).await, Err(Refusal::Unknown));
    let closed = acts(&world, &home).await.into_iter().filter(|it| it.0 == "closed").collect::<Vec<_>>();
    assert_eq!(closed, [("closed".to_owned(), None, "asked at the till".to_owned())]);

    // A member who leads closes their own; nothing of staff is there. Reasons go with whoever is forgotten, and follow whoever becomes one.
    let own = world.home("h2", ann, "Mum").await.unwrap().household;
    assert_eq!(close(&world, &own, Asker::Member(ann)).await, Ok(Some(days(1))));
    assert_eq!(acts(&world, &own).await.len(), 1);
    let mut tx = world.begin().await;
    merging::follow(&mut tx, W, PersonId(3), PersonId(2), world.now).await.unwrap();
    assert!(households::forget(&mut tx, W, PersonId(2), world.now).await.unwrap() >= 1);
    tx.commit().await.unwrap();
    let after = acts(&world, &home).await;
    assert!(after.iter().all(|it| it.2.is_empty() && it.1 != Some(cid.0)), "{after:?}");
    assert_eq!(acts(&world, &own).await[0].2, "asked at the till", "hers stays");
    world.proved().await;
}

/// Random households beside the slow model: each answer, who paid how much, and what everybody has.
#[db_test(MIGRATIONS)]
async fn random_households_do_what_the_slow_model_says(db: TestDatabase) {
    let mut world = World::found(&db, &shared()).await;
    let (mut person, mut shared_by_many) = (0, 0);
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..6_u64 {
        let rng = SeededRng::new(seed);
        let below = |most: i64| i64::try_from(rng.next_u64() % u64::try_from(most).unwrap()).unwrap();
        let head_only = seed % 3 == 2;
        let rules = json!({"wallets": ["points"], "most_members": 3, "joins_per_year": 4, "used_per_month": 30,
            "who_spends": if head_only { "head" } else { "everyone" }});
        world.program = program(&rules);
        let mut who = Vec::new();
        for _ in 0..6 {
            person += 1;
            who.push(world.member(person, 0).await);
        }
        let mut model = Model {
            calendar: world.program.calendar().unwrap(),
            most_members: 3,
            joins_per_year: 4,
            used_per_month: 30,
            head_only,
            points: Vec::new(),
            redeemed: Vec::new(),
            homes: Vec::new(),
            heads: Vec::new(),
            limits: BTreeMap::new(),
            joined: Vec::new(),
            blocked: vec![false; 6],
        };
        // Three live together and have something to begin with.
        let mut homes = vec![world.home(&format!("{seed}"), who[0], "N0").await.unwrap().household];
        model.found(0, world.now).unwrap();
        for at in 0..3 {
            let ends = world.now.plus((20 + 10 * at) * Timestamp::DAY);
            let place = usize::try_from(at).unwrap();
            world.earn(who[place], 9 + 2 * at, Some(ends)).await;
            let point = model::Point { owner: place, ends, came: 0, place: model::Place::Available };
            model.points.extend((0..9 + 2 * at).map(|_| point.clone()));
            if at > 0 {
                world.bring(&homes[0], who[place], &format!("N{at}")).await.unwrap();
                model.bring(0, place, world.now).unwrap();
            }
        }
        let mut redeemed: Vec<String> = Vec::new();
        for step in 1..160 {
            let at = usize::try_from(below(6)).unwrap();
            let id = format!("{seed} {step}");
            match below(19) {
                0..3 => {
                    let at = if below(3) > 0 { at % 4 } else { at };
                    let (amount, ends) = (4 + below(9), world.now.plus((4 + below(60)) * Timestamp::DAY));
                    world.earn(who[at], amount, Some(ends)).await;
                    let point = model::Point { owner: at, ends, came: step, place: model::Place::Available };
                    model.points.extend((0..amount).map(|_| point.clone()));
                }
                3 => {
                    let said = world.home(&id, who[at], &format!("N{at}")).await;
                    assert_eq!(said.as_ref().map(|_| ()).map_err(|it| it.code()), model.found(at, world.now), "{id}");
                    homes.extend(said.ok().map(|it| it.household));
                }
                4 | 5 if !homes.is_empty() => {
                    let home = usize::try_from(below(homes.len() as i64)).unwrap();
                    let said = world.bring(&homes[home], who[at], &format!("N{at}")).await;
                    let expected = model.bring(home, at, world.now);
                    assert_eq!(said.map(drop).map_err(Refusal::code), expected, "{id}");
                }
                6 if below(3) == 0 => {
                    if let Some(home) = model.home(at) {
                        world.leave(&homes[home], who[at], None).await.unwrap();
                        model.leave(at);
                        let now = world.head(&homes[home]).await;
                        assert_eq!(now, who[model.heads[home]], "{id}");
                    }
                }
                7 => {
                    if let Some(home) = model.home(at) {
                        let limit = Some(below(40)).filter(|it| *it < 32);
                        world.limit(&homes[home], who[at], limit).await;
                        model.limits.remove(&at);
                        model.limits.extend(limit.map(|limit| (at, limit)));
                    }
                }
                8..11 | 15..19 => {
                    let at = if below(3) > 0 { at % 3 } else { at };
                    let (reward, price) = PRICES[usize::try_from(below(3)).unwrap()];
                    let shared = below(5) > 0;
                    let asked = Asked { with_household: shared, ..asked(&id, who[at], reward) };
                    let said = world.ask(asked).await;
                    let waits = (reward == "mug").then_some(10);
                    let expected = model.redeem(at, (price, waits, shared), world.now);
                    let found = match &said {
                        Ok(row) => {
                            let paid = world.paid(&row.redemption).await;
                            let place = |member: &MemberId| who.iter().position(|it| it == member).unwrap();
                            Said::Paid(paid.iter().map(|(member, (points, _))| (place(member), *points)).collect())
                        }
                        Err(rewards::Refusal::Household(Refusal::Short { missing })) => {
                            Said::No("household_too_few_points", *missing)
                        }
                        Err(refusal) => Said::No(refusal.code(), 0),
                    };
                    assert_eq!(found, expected, "{id}");
                    if let Said::No(why, _) = found {
                        *answers.entry(why).or_default() += 1;
                    }
                    assert_eq!(world.ask(asked).await, said, "{id}: told again it is the same");
                    redeemed.extend(said.ok().map(|it| it.redemption));
                }
                11 if !redeemed.is_empty() => {
                    let it = usize::try_from(below(redeemed.len() as i64)).unwrap();
                    let said = world.cancel(&redeemed[it]).await.map(drop).map_err(rewards::Refusal::code);
                    assert_eq!(said, model.cancel(it, world.now), "{id}");
                }
                12 if !redeemed.is_empty() => {
                    let it = usize::try_from(below(redeemed.len() as i64)).unwrap();
                    let said = world.fulfil(&redeemed[it]).await.map(drop).map_err(rewards::Refusal::code);
                    assert_eq!(said, model.fulfil(it), "{id}");
                }
                13 => {
                    world.now = world.now.plus((1 + below(9)) * Timestamp::DAY);
                    world.expire().await;
                    model.pass(world.now);
                }
                14 if model.blocked[at] || below(3) == 0 => {
                    model.blocked[at] = !model.blocked[at];
                    let standing = if model.blocked[at] { Standing::Blocked } else { Standing::Active };
                    world.standing(who[at], standing).await;
                }
                _ => {}
            }
            for (at, member) in who.iter().enumerate() {
                assert_eq!(world.has(*member).await, (model.has(at), model.held(at)), "{id}: {at}");
            }
        }
        shared_by_many += model.redeemed.iter().filter(|it| !it.others.is_empty()).count();
        world.proved().await;
    }
    // Everything that can be answered was.
    let all =
        ["household_not_head", "household_not_in", "household_too_few_points", "insufficient_points", "member_blocked"];
    assert_eq!(answers.keys().copied().collect::<Vec<_>>(), all, "{answers:?}");
    assert!(shared_by_many >= 12, "{shared_by_many} were shared");
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    let refused =
        |households: Value| Program::from_json(form(&households)).and_then(|it| it.check()).unwrap_err().to_string();
    for (households, place) in [
        (json!({"wallets": []}), "households.wallets"),
        (json!({"wallets": ["gold"]}), "households.wallets[0]"),
        (json!({"wallets": ["points", "points"]}), "households.wallets[1]"),
        (json!({"wallets": ["points", "cash"]}), "households.wallets[1]"),
        (json!({"wallets": ["points"], "most_members": 1}), "households.most_members"),
        (json!({"wallets": ["points"], "most_members": 21}), "households.most_members"),
        (json!({"wallets": ["points"], "joins_per_year": 0}), "households.joins_per_year"),
        (json!({"wallets": ["points"], "used_per_month": 0}), "households.used_per_month"),
        (json!({"wallets": ["points"], "invitation_days": 0}), "households.invitation_days"),
        (json!({"wallets": ["points"], "who_spends": "nobody"}), "households.who_spends"),
    ] {
        let error = refused(households);
        assert!(error.contains(place), "{place}: {error}");
    }
    assert!(rapport_loyalty::households::name("name", "ann@example.com").is_err());
    assert!(rapport_loyalty::households::own_limit(Some(-1)).is_err());
}
