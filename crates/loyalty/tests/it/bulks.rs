//! Adjustments of many accounts on both engines: what is foreseen comes, each account once wherever the work is cut short, and undone it is as before.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::MIGRATIONS;
use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::bulks::{self, Asked, Bulk, Drafting, Foreseen};
use rapport_loyalty::records::{members, merging};
use rapport_loyalty::rewards::Refusal;
use rapport_loyalty::verify::verify;
use rapport_store::db_test;
use rapport_store::testing::TestDatabase;
use serde_json::json;

use crate::world::{W, WorldOf};

type World = WorldOf<Bulk>;

impl World {
    async fn found(db: &TestDatabase) -> Self {
        let form = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR",
            "wallets": [{"key": "points", "name": "Points", "balance_max": 1000, "expiry": {"kind": "after", "count": 1, "unit": "months"}}],
            "staff": {"alone": [{"role": "admin", "most": 50}]}});
        let program = Program::from_json(form).unwrap();
        Self::with(db, program).await
    }

    async fn draft(&self, id: &str, amount: i64, whose: &[MemberId]) -> Result<Bulk, Refusal> {
        let wallet = &self.program.wallets[0];
        let asked = Asked { id, wallet, amount, reason: "a late parcel", of_segment: "", by: "usr_1" };
        let mut drafting = Drafting::prepare(&mut self.store.read(), self.scene(), asked, whose).await.unwrap()?;
        let mut tx = self.begin().await;
        let earlier = drafting.begin(&mut tx, W).await.unwrap();
        tx.commit().await.unwrap();
        if let Some(row) = earlier? {
            return Ok(row);
        }
        for part in whose.chunks(4) {
            self.add(&mut drafting, part).await;
        }
        self.finish(drafting).await
    }

    async fn add(&self, drafting: &mut Drafting<'_>, part: &[MemberId]) {
        let looked_at = drafting.look(&mut self.store.read(), self.scene(), part).await.unwrap();
        let mut tx = self.begin().await;
        drafting.add(&mut tx, W, looked_at).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn finish(&self, drafting: Drafting<'_>) -> Result<Bulk, Refusal> {
        let mut tx = self.begin().await;
        let outcome = drafting.finish(&mut tx, W).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    async fn start(&self, bulk: &str, by: &str, undoes: bool) -> Result<Bulk, Refusal> {
        let mut tx = self.begin().await;
        let outcome = bulks::start(&mut tx, self.scene(), bulk, (by, "admin", undoes)).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    /// Works until nothing waits; every third step is cut short before it commits.
    async fn work(&self, most: u32) {
        let mut turn = 0;
        while let Some(bulk) = bulks::open(&mut self.store.read(), W).await.unwrap() {
            turn += 1;
            let mut tx = self.begin().await;
            bulks::step(&mut tx, self.scene(), &bulk, most).await.unwrap();
            if turn % 3 == 1 {
                tx.rollback().await.unwrap();
            } else {
                tx.commit().await.unwrap();
            }
        }
    }

    async fn find(&self, bulk: &str) -> Bulk {
        bulks::find(&mut self.store.read(), W, bulk).await.unwrap().unwrap()
    }
}

#[db_test(MIGRATIONS)]
async fn what_is_foreseen_comes_once_and_is_undone(db: TestDatabase) {
    let mut world = World::found(&db).await;
    let mut all = Vec::new();
    for person in 1..=20 {
        all.push(world.member(person, 10 * person).await);
    }
    let full = world.member(21, 995).await;
    let closed = world.member(22, 0).await;
    let mut tx = world.begin().await;
    members::set_standing(&mut tx, W, closed, Standing::Closed).await.unwrap();
    // One of them goes on for another: both numbers are one account.
    merging::follow(&mut tx, W, PersonId(20), PersonId(19), world.now).await.unwrap();
    tx.commit().await.unwrap();
    let mut whose = all.clone();
    whose.extend([full, closed, MemberId(404), all[0]]);
    let draft = world.draft("b1", 7, &whose).await.unwrap();
    let refused = [("balance_limit", 1), ("member_closed", 1), ("member_unknown", 1)];
    let refused = refused.map(|(code, count)| (code.to_owned(), count)).into();
    assert_eq!((draft.members, draft.foreseen()), (22, Foreseen { members: 19, points: 133, refused }));
    assert_eq!(world.draft("b1", 7, &whose).await.unwrap(), draft);
    assert_eq!(world.draft("b1", 8, &whose).await, Err(Refusal::IdReused));
    world.work(5).await;
    assert_eq!(world.available(all[0]).await, 10, "it is only looked at");

    assert_eq!(world.start(&draft.bulk, "usr_1", false).await, Err(Refusal::NeedsApproval), "154 are more than 50");
    assert_eq!(world.start(&draft.bulk, "usr_2", true).await, Err(Refusal::ChangeDecided), "nothing is there to undo");
    assert_eq!(world.start(&draft.bulk, "usr_2", false).await.unwrap().state, "running");
    assert_eq!(world.start(&draft.bulk, "usr_2", false).await.unwrap().state, "running", "pressed twice");
    world.work(4).await;
    let done = world.find(&draft.bulk).await;
    assert_eq!((done.state.as_str(), done.posted, done.refused, done.started_by.as_str()), ("done", 19, 3, "usr_2"));
    for (place, member) in all.iter().enumerate().take(18) {
        assert_eq!(world.available(*member).await, 10 * (place as i64 + 1) + 7);
    }
    assert_eq!((world.available(all[18]).await, world.available(full).await), (190 + 200 + 7, 995));

    world.now = world.now.plus(Timestamp::DAY);
    assert_eq!(world.start(&draft.bulk, "usr_1", true).await, Err(Refusal::NeedsApproval));
    world.start(&draft.bulk, "usr_2", true).await.unwrap();
    world.work(6).await;
    let undone = world.find(&draft.bulk).await;
    assert_eq!((undone.state.as_str(), undone.undone), ("undone", 19));
    for (place, member) in all.iter().enumerate().take(18) {
        assert_eq!(world.available(*member).await, 10 * (place as i64 + 1));
    }
    let rows = bulks::accounts(&mut world.store.read(), W, &draft.bulk, 0, 100).await.unwrap();
    let mut states: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &rows {
        *states.entry(&row.state).or_default() += 1;
    }
    assert_eq!(states, BTreeMap::from([("refused", 3), ("undone", 19)]));
    assert_eq!(verify(&mut world.store.read(), W).await.unwrap().findings, []);
}

#[db_test(MIGRATIONS)]
async fn one_that_is_stopped_in_the_midst_undoes_what_was_posted(db: TestDatabase) {
    let world = World::found(&db).await;
    let mut all = Vec::new();
    for person in 1..=6 {
        all.push(world.member(person, if person == 2 { 0 } else { 5 }).await);
    }
    let draft = world.draft("b1", -5, &all).await.unwrap();
    assert_eq!(draft.foreseen().refused, [("insufficient_points".to_owned(), 1)].into());
    assert_eq!(world.start(&draft.bulk, "usr_1", false).await.unwrap().state, "running", "30 may be changed alone");
    let mut tx = world.begin().await;
    assert_eq!(bulks::step(&mut tx, world.scene(), &draft.bulk, 4).await.unwrap(), 4);
    tx.commit().await.unwrap();
    world.start(&draft.bulk, "usr_1", true).await.unwrap();
    world.work(2).await;
    let row = world.find(&draft.bulk).await;
    assert_eq!((row.state.as_str(), row.posted, row.refused, row.undone), ("undone", 3, 1, 3));
    for (place, member) in all.iter().enumerate() {
        assert_eq!(world.available(*member).await, if place == 1 { 0 } else { 5 });
    }
    assert_eq!(verify(&mut world.store.read(), W).await.unwrap().findings, []);
}

/// Whoever drafts is cut short behind some accounts: nobody sees that, it can be drafted again, and what was written down is forgotten a part at a time.
#[db_test(MIGRATIONS)]
async fn a_draft_is_seen_once_it_is_whole(db: TestDatabase) {
    let world = World::found(&db).await;
    let mut all = Vec::new();
    for person in 1..=6 {
        all.push(world.member(person, 5).await);
    }
    let wallet = &world.program.wallets[0];
    let asked = Asked { id: "b1", wallet, amount: 7, reason: "a late parcel", of_segment: "", by: "usr_1" };
    let mut cut = Drafting::prepare(&mut db.read(), world.scene(), asked, &all).await.unwrap().unwrap();
    let mut tx = world.begin().await;
    assert_eq!(cut.begin(&mut tx, W).await.unwrap(), Ok(None));
    tx.commit().await.unwrap();
    world.add(&mut cut, &all[..5]).await;
    assert_eq!(bulks::list(&mut db.read(), W, 10).await.unwrap(), []);
    assert_eq!(bulks::abandoned(&mut db.read(), W, world.now).await.unwrap(), None, "it was begun just now");
    let later = world.now.plus(1);
    let bulk = bulks::abandoned(&mut db.read(), W, later).await.unwrap().unwrap();
    assert_eq!(bulks::find(&mut db.read(), W, &bulk).await.unwrap(), None);
    assert_eq!(world.start(&bulk, "usr_2", false).await, Err(Refusal::ChangeUnknown));

    let whole = world.draft("b1", 7, &all).await.unwrap();
    assert_eq!((whole.members, whole.foreseen().members, whole.foreseen().points), (6, 6, 42));
    world.add(&mut cut, &all[5..]).await;
    assert_eq!(world.finish(cut).await, Ok(whole.clone()), "the first that is whole is it");
    let mut turns = Vec::new();
    while let Some(bulk) = bulks::abandoned(&mut db.read(), W, later).await.unwrap() {
        let mut tx = world.begin().await;
        turns.push(bulks::forget_draft(&mut tx, W, &bulk, 4).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(turns, [4, 2]);
    assert_eq!(bulks::accounts(&mut db.read(), W, &bulk, 0, 100).await.unwrap(), []);
    assert_eq!(bulks::accounts(&mut db.read(), W, &whole.bulk, 0, 100).await.unwrap().len(), 6);
    let mut tx = world.begin().await;
    assert_eq!(bulks::forget_draft(&mut tx, W, &whole.bulk, 4).await.unwrap(), 0, "a draft that is whole stays");
    tx.commit().await.unwrap();
    assert_eq!(bulks::list(&mut db.read(), W, 10).await.unwrap(), [whole]);
}
