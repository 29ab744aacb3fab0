//! Advocacy on both engines: every figure beside everything that was said, counted one by one; referrals in any order; and what erasure leaves.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{EventId, Handle, PersonId, Rng, SeededRng, SourceId, Timestamp, WorkspaceId};
use rapport_feedback::advocacy::records::{self, CONVERTED, MADE};
use rapport_feedback::advocacy::{Act, Customers, DATA_MAP, Kind, MIGRATIONS, advocates, figures, over_time};
use rapport_feedback::complaints::records::{self as complaints, NewComplaint, Sorted};
use rapport_feedback::complaints::{Channel, Kind as Said, MIGRATIONS as COMPLAINTS};
use rapport_feedback::records::responses::{COMPLETED, PARTIAL, ResponseRow};
use rapport_feedback::records::{answers, responses};
use rapport_feedback::reviews::authenticity::{Purchase, Verdict};
use rapport_feedback::reviews::records::{self as reviews, NewReview};
use rapport_feedback::reviews::{MIGRATIONS as REVIEWS, State};
use rapport_feedback::survey::{Answers, Given};
use rapport_feedback::verbatims::records::{self as verbatims, VerbatimRow};
use rapport_feedback::{DATA_MAP as FEEDBACK_MAP, Definition, MIGRATIONS as FEEDBACK};
use rapport_models::survey::{Confidence, share};
use rapport_privacy::{Subject, Tables};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, Tx, db_test};
use serde_json::json;

const W: WorkspaceId = WorkspaceId(1);
const OTHER: WorkspaceId = WorkspaceId(2);
const DAY: i64 = Timestamp::DAY;
const START: Timestamp = Timestamp(1_780_000_000_000_000);
const PEOPLE: i64 = 25;

/// Everybody has two identifiers.
fn owner(handle: Handle) -> Option<PersonId> {
    (handle.0 > 0).then_some(PersonId(1 + (handle.0 - 1) / 2))
}

struct Chance(SeededRng);

impl Chance {
    fn below(&self, n: i64) -> i64 {
        i64::try_from(self.0.next_u64() % u64::try_from(n).unwrap()).unwrap()
    }

    fn is_one_of(&self, n: i64) -> bool {
        self.below(n) == 0
    }

    fn at(&self) -> Timestamp {
        START.plus(self.below(60) * DAY + self.below(1_000))
    }

    /// Somebody's identifier, or nobody's.
    fn handle(&self) -> Handle {
        Handle(if self.is_one_of(6) { 0 } else { 1 + self.below(2 * PEOPLE) })
    }
}

/// What somebody said, as the oracle sees it.
#[derive(Clone, Debug)]
struct Thing {
    kind: Kind,
    at: Timestamp,
    person: Option<PersonId>,
    for_us: bool,
    reach: u64,
    verified: bool,
    detailed: bool,
    authenticity: i64,
    came: BTreeSet<PersonId>,
}

fn thing(kind: Kind, at: Timestamp, handle: Handle, for_us: bool) -> Thing {
    let person = owner(handle);
    Thing {
        kind,
        at,
        person,
        for_us,
        reach: 0,
        verified: false,
        detailed: false,
        authenticity: 0,
        came: BTreeSet::new(),
    }
}

fn definition() -> Definition {
    let question = |key: &str, answer| json!({"key": key, "text": {"en": key}, "answer": answer});
    let form = json!({"title": {"en": "A survey"}, "default_language": "en", "pages": [{"questions": [
        question("likely", json!({"kind": "nps"})),
        question("recommend", json!({"kind": "scale", "from": 1, "to": 5, "direction": "down"})),
        question("happy", json!({"kind": "csat"})),
    ]}]});
    Definition::from_json(&form).unwrap()
}

async fn answer(tx: &mut Tx, workspace: WorkspaceId, at: usize, chance: &Chance) -> Vec<Thing> {
    let (handle, when) = (chance.handle(), chance.at());
    let is_whole = !chance.is_one_of(5);
    let row = ResponseRow {
        id: format!("rsp_{at:03}"),
        survey: 1,
        version: 1,
        wave: 1,
        invitation: None,
        origin: Some(format!("o{at}")),
        source: "api".to_owned(),
        state: if is_whole { COMPLETED } else { PARTIAL }.to_owned(),
        handle: (handle.0 > 0).then_some(handle),
        person: owner(handle),
        language: "en".to_owned(),
        channel: None,
        touchpoint: None,
        product: None,
        agent: None,
        subject: None,
        page: 0,
        started_at: when,
        updated_at: when,
        completed_at: is_whole.then_some(when),
    };
    responses::insert(tx, workspace, &row).await.unwrap();
    let number = |number: i64| vec![Given { number: Some(number), ..Given::default() }];
    // 11 is a blank.
    let (likely, recommend) = (chance.below(12), 1 + chance.below(5));
    let mut given = Answers::new();
    given.insert("likely".to_owned(), number(likely));
    given.insert("recommend".to_owned(), number(recommend));
    given.insert("happy".to_owned(), number(5));
    answers::write(tx, workspace, &row, &definition(), &given, when).await.unwrap();
    let mut things = Vec::new();
    if is_whole && likely <= 10 {
        things.push(thing(Kind::Recommendation, when, handle, likely >= 9));
    }
    if is_whole {
        // On this scale little is good.
        things.push(thing(Kind::Recommendation, when, handle, recommend <= 2));
    }
    things
}

async fn review(tx: &mut Tx, workspace: WorkspaceId, at: u8, chance: &Chance) -> Option<Thing> {
    let (handle, written_at) = (chance.handle(), chance.at());
    let rating = 1 + chance.below(5);
    let event_id = [at; 16];
    let new = NewReview {
        event_id,
        source: SourceId(1),
        review_key: None,
        handle,
        product_id: "p".to_owned(),
        product_name: None,
        rating,
        language: None,
        written_at,
    };
    reviews::tell(tx, workspace, &[new], START).await.unwrap();
    let (is_dense, length) = (chance.is_one_of(3), chance.below(160) as usize);
    let has_words = !chance.is_one_of(4);
    if has_words {
        let letter = if is_dense { "好" } else { "a" };
        let language = if is_dense { "zh" } else { "en" };
        verbatims::insert(tx, workspace, &[verbatim(event_id, handle, (language, &letter.repeat(length)), 0)])
            .await
            .unwrap();
    }
    let (doubt, verified) = (chance.below(80), !chance.is_one_of(3));
    let told = reviews::find(tx, workspace, event_id).await.unwrap().unwrap();
    let verdict = Verdict { doubt: u8::try_from(doubt).unwrap(), signs: Vec::new() };
    let purchase = if verified { Purchase::Verified } else { Purchase::None };
    assert!(reviews::judged(tx, workspace, &told, &verdict, (purchase, 60)).await.unwrap());
    let mut is_shown = doubt < 60;
    if chance.is_one_of(4) {
        let state = if chance.is_one_of(2) { State::Hidden } else { State::Shown };
        reviews::decide(tx, workspace, event_id, (state, "seen"), ("usr_1", START)).await.unwrap();
        is_shown = state == State::Shown;
    }
    let detailed = has_words && length >= if is_dense { 33 } else { 100 };
    let found = Thing { detailed, verified, ..thing(Kind::Review, written_at, handle, rating >= 4) };
    is_shown.then_some(Thing { authenticity: 100 - doubt, ..found })
}

fn verbatim(event_id: [u8; 16], handle: Handle, (language, shown): (&str, &str), sentiment: i64) -> VerbatimRow {
    VerbatimRow {
        event_id,
        handle,
        person: owner(handle).unwrap_or(PersonId(0)),
        occurred_at: START,
        event_name: "x".to_owned(),
        language: language.to_owned(),
        shown: shown.to_owned(),
        rating: None,
        sentiment,
        anger: 0,
        disappointment: 0,
        anxiety: 0,
        joy: 0,
        gratitude: 0,
        trust: 0,
        urgency: 0,
        corrected_at: None,
        subject: String::new(),
    }
}

async fn mention(tx: &mut Tx, workspace: WorkspaceId, at: u8, chance: &Chance) -> Option<Thing> {
    let (handle, opened_at) = (chance.handle(), chance.at());
    let event_id = [at; 16];
    let rating = (!chance.is_one_of(2)).then(|| 1 + chance.below(5));
    let reach = (!chance.is_one_of(4)).then(|| chance.below(5_000));
    let (is_rivals, is_complaint) = (chance.is_one_of(5), chance.is_one_of(5));
    let new = NewComplaint {
        event_id,
        source: SourceId(1),
        complaint_key: format!("c{at}"),
        who: (handle, owner(handle).unwrap_or(PersonId(0))),
        kind: if is_complaint { Said::Complaint } else { Said::Mention },
        subject: if is_rivals { "Rival".to_owned() } else { String::new() },
        channel: Channel::Social,
        is_public: true,
        url: None,
        author: None,
        reach,
        rating,
        sorted: Sorted { severity: 2, ..Sorted::default() },
        product_id: None,
        order_id: None,
        opened_at,
    };
    complaints::tell(tx, workspace, &new, START).await.unwrap();
    let sentiment = chance.below(2_000) - 1_000;
    verbatims::insert(tx, workspace, &[verbatim(event_id, handle, ("en", "words"), sentiment)]).await.unwrap();
    let for_us = rating.map_or(sentiment >= rapport_feedback::verbatims::CLEAR, |stars| stars >= 4);
    let found = Thing { reach: reach.unwrap_or_default() as u64, ..thing(Kind::Mention, opened_at, handle, for_us) };
    (!is_rivals && !is_complaint).then_some(found)
}

/// Referrals with few names, so that some are made twice, and some convert before they are made or without being made.
async fn refer(tx: &mut Tx, workspace: WorkspaceId, first: u8, chance: &Chance) -> Vec<Thing> {
    let mut told: Vec<(u8, String, bool, Handle, Timestamp)> = Vec::new();
    for number in 0..60 {
        let handle = Handle(1 + chance.below(2 * PEOPLE));
        told.push((first + number, format!("ref-{}", chance.below(20)), chance.is_one_of(2), handle, chance.at()));
    }
    for (event, key, is_made, handle, at) in told.iter().chain(&told) {
        let step = if *is_made { MADE } else { CONVERTED };
        records::tell(tx, workspace, [*event; 16], (key, step), (*handle, *at)).await.unwrap();
    }
    let mut things = Vec::new();
    for (event, key, _, handle, at) in told.iter().filter(|it| it.2) {
        let others = told.iter().filter(|it| it.2 && it.1 == *key);
        let is_first = others.into_iter().all(|it| (it.4, it.0) >= (*at, *event));
        let converted = told.iter().filter(|it| !it.2 && it.1 == *key && is_first);
        let came: BTreeSet<PersonId> =
            converted.filter_map(|it| owner(it.3)).filter(|it| Some(*it) != owner(*handle)).collect();
        things.push(Thing { reach: came.len() as u64, came, ..thing(Kind::Referral, *at, *handle, true) });
    }
    things
}

/// What was said in one workspace.
async fn say(db: &TestDatabase, workspace: WorkspaceId, seed: u64) -> Vec<Thing> {
    let chance = Chance(SeededRng::new(seed));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let mut things = Vec::new();
    for at in 0..60 {
        things.extend(answer(&mut tx, workspace, at, &chance).await);
    }
    for at in 0..60 {
        things.extend(review(&mut tx, workspace, at, &chance).await);
        things.extend(mention(&mut tx, workspace, 70 + at, &chance).await);
    }
    things.extend(refer(&mut tx, workspace, 140, &chance).await);
    tx.commit().await.unwrap();
    things
}

fn bought(seed: u64) -> Customers {
    let chance = Chance(SeededRng::new(seed));
    let mut bought = BTreeMap::new();
    for person in 1..=PEOPLE {
        if !chance.is_one_of(3) {
            let (a, b) = (chance.at(), chance.at());
            bought.insert(PersonId(person), (a.min(b), a.max(b)));
        }
    }
    Customers { now: 40, before: 35, bought }
}

async fn read(db: &TestDatabase, span: (Timestamp, Timestamp)) -> Vec<Act> {
    let (told, is_cut) = records::between(&mut db.read(), W, span).await.unwrap();
    assert!(!is_cut && told.is_sorted_by_key(|it| it.at));
    told.into_iter().map(|it| Act::by(it, owner)).collect()
}

fn within(things: &[Thing], span: (Timestamp, Timestamp)) -> Vec<&Thing> {
    things.iter().filter(|it| it.at >= span.0 && it.at < span.1).collect()
}

fn of(things: &[&Thing], is: impl Fn(&Thing) -> bool) -> u64 {
    things.iter().filter(|it| is(it)).count() as u64
}

fn people(things: &[&Thing], is: impl Fn(&Thing) -> bool) -> BTreeSet<PersonId> {
    things.iter().filter(|it| it.for_us && is(it)).filter_map(|it| it.person).collect()
}

/// A share with Wilson's interval, and how far it is from the one before.
fn same_share(found: &rapport_feedback::advocacy::Compared, now: (u64, u64), before: (u64, u64)) {
    let one = |found: Option<rapport_feedback::advocacy::Figure>, (hits, of): (u64, u64)| {
        let wanted = share(hits, of, Confidence::default());
        assert_eq!(found.map(|it| (it.score.estimate, (it.score.low, it.score.high))), wanted);
        assert!(found.is_none_or(|it| it.hits == Some(hits) && it.score.answers == of));
        wanted.map(|it| it.0)
    };
    let change = one(found.now, now).zip(one(found.before, before)).map(|(now, before)| now - before);
    match (change, found.change) {
        (Some(wanted), Some(found)) => {
            assert!((found.difference.estimate - wanted).abs() < 1e-12);
            assert!(found.difference.low <= wanted && wanted <= found.difference.high);
            assert!(found.q >= found.difference.p - 1e-12);
        }
        (None, None) => {}
        other => panic!("{other:?}"),
    }
}

#[db_test(FEEDBACK, REVIEWS, COMPLAINTS, MIGRATIONS)]
async fn every_figure_is_that_of_everything_that_was_said(db: TestDatabase) {
    let things = say(&db, W, 11).await;
    say(&db, OTHER, 12).await;
    let customers = bought(13);
    let (middle, end) = (START.plus(30 * DAY), START.plus(60 * DAY));
    let (now, before) = (read(&db, (middle, end)).await, read(&db, (START, middle)).await);
    let (these, those) = (within(&things, (middle, end)), within(&things, (START, middle)));
    let found = figures(&now, &before, &customers, (middle, end));
    assert_eq!(found.advocates, people(&these, |_| true).len() as u64);
    assert_eq!(found.advocates_before, people(&those, |_| true).len() as u64);
    let buyers = |things: &[&Thing], until: Timestamp| {
        let first = |it: &PersonId| customers.bought.get(it).is_some_and(|it| it.0 < until);
        people(things, |_| true).iter().filter(|it| first(it)).count() as u64
    };
    same_share(&found.share, (buyers(&these, end), 40), (buyers(&those, middle), 35));
    assert_eq!(found.kinds.len(), 4);
    for it in &found.kinds {
        let kind = it.kind;
        let own = |things: &[&Thing]| of(things, |it| it.kind == kind);
        let hits =
            |things: &[&Thing], is: &dyn Fn(&Thing) -> bool| (of(things, |it| it.kind == kind && is(it)), own(things));
        let both = |is: &dyn Fn(&Thing) -> bool| (hits(&these, is), hits(&those, is));
        assert!(it.acts > 0 && it.acts_before > 0, "{kind:?} has some");
        assert_eq!((it.acts, it.acts_before), (own(&these), own(&those)), "{kind:?}");
        assert_eq!((it.for_us, it.for_us_before), (both(&|it| it.for_us).0.0, both(&|it| it.for_us).1.0));
        assert_eq!(it.people, people(&these, |it| it.kind == kind).len() as u64);
        let reach = |things: &[&Thing], for_us: bool| {
            things.iter().filter(|it| it.kind == kind && it.for_us == for_us).map(|it| it.reach).sum::<u64>()
        };
        let has_reach = [Kind::Mention, Kind::Referral].contains(&kind);
        assert_eq!(
            (it.reach, it.reach_before),
            (has_reach.then(|| reach(&these, true)), has_reach.then(|| reach(&those, true)))
        );
        assert_eq!(it.reach_against, (kind == Kind::Mention).then(|| reach(&these, false)));
        if kind != Kind::Referral {
            let (now, before) = both(&|it| it.for_us);
            same_share(&it.in_favour, now, before);
        }
        for (name, compared) in &it.quality {
            let (now, before) = match *name {
                "verified" => both(&|it| it.verified),
                "detailed" => both(&|it| it.detailed),
                "came" => both(&|it| !it.came.is_empty()),
                "bought" => (came_and_bought(&these, &customers), came_and_bought(&those, &customers)),
                "authenticity" => {
                    let mean = compared.now.unwrap();
                    let own: Vec<&&Thing> = these.iter().filter(|it| it.kind == kind).collect();
                    let wanted = own.iter().map(|it| it.authenticity as f64).sum::<f64>() / own.len() as f64;
                    assert!((mean.score.estimate - wanted).abs() < 1e-9, "{} {wanted}", mean.score.estimate);
                    assert!(mean.score.low < wanted && wanted < mean.score.high);
                    assert_eq!((mean.score.answers, mean.hits), (own.len() as u64, None));
                    continue;
                }
                other => panic!("{other}"),
            };
            same_share(compared, now, before);
        }
        let names: Vec<&str> = it.quality.iter().map(|it| it.0).collect();
        let wanted: &[&str] = match kind {
            Kind::Review => &["verified", "detailed", "authenticity"],
            Kind::Referral => &["came", "bought"],
            _ => &[],
        };
        assert_eq!(names, wanted);
    }
}

fn came_and_bought(things: &[&Thing], customers: &Customers) -> (u64, u64) {
    let (mut bought, mut came) = (0, 0);
    for it in things {
        for who in &it.came {
            came += 1;
            bought += u64::from(customers.bought.get(who).is_some_and(|(_, last)| *last >= it.at));
        }
    }
    (bought, came)
}

#[db_test(FEEDBACK, REVIEWS, COMPLAINTS, MIGRATIONS)]
async fn advocates_and_their_periods_are_those_who_spoke(db: TestDatabase) {
    let things = say(&db, W, 21).await;
    let customers = bought(22);
    let span = (START, START.plus(60 * DAY));
    let (acts, all) = (read(&db, span).await, within(&things, span));
    let found = advocates(&acts, &customers);
    let spoke: BTreeSet<PersonId> = people(&all, |_| true);
    assert_eq!(found.iter().map(|it| it.person).collect::<BTreeSet<_>>(), spoke);
    assert_eq!(found.len(), spoke.len());
    for it in &found {
        let own: Vec<&Thing> = all.iter().copied().filter(|thing| thing.person == Some(it.person)).collect();
        let for_us: Vec<&Thing> = own.iter().copied().filter(|it| it.for_us).collect();
        assert_eq!(it.acts, Kind::ALL.map(|kind| of(&for_us, |it| it.kind == kind)));
        assert_eq!((it.bought, it.came), came_and_bought(&for_us, &customers));
        assert_eq!(it.reach, for_us.iter().map(|it| it.reach).sum::<u64>());
        assert_eq!(
            (it.others, Some(it.last_at)),
            ((own.len() - for_us.len()) as u64, for_us.iter().map(|it| it.at).max())
        );
        // What is read of one person is what is read of everybody.
        let handles = [Handle(2 * it.person.0 - 1), Handle(2 * it.person.0)];
        let theirs = records::of_persons(&mut db.read(), W, (&[it.person], &handles)).await.unwrap();
        let among: Vec<&Act> = acts.iter().filter(|act| act.person == Some(it.person)).collect();
        assert_eq!(theirs.iter().collect::<Vec<_>>(), among.iter().map(|it| &it.told).collect::<Vec<_>>());
    }
    let rank: Vec<_> = found.iter().map(|it| (it.bought, it.acts.iter().sum::<u64>(), it.reach, it.last_at)).collect();
    assert!(rank.is_sorted_by(|a, b| a >= b), "{rank:?}");
    let starts = [START, START.plus(9 * DAY), START.plus(40 * DAY)];
    for (ends, (counts, advocates)) in starts.windows(2).zip(over_time(&acts, &starts)) {
        let own = within(&things, (ends[0], ends[1]));
        assert_eq!(counts, Kind::ALL.map(|kind| of(&own, |it| it.kind == kind && it.for_us)));
        assert_eq!(advocates, people(&own, |_| true).len() as u64);
    }
}

#[db_test(FEEDBACK, REVIEWS, COMPLAINTS, MIGRATIONS)]
async fn who_brought_themselves_is_nobody_who_came_and_an_event_is_taken_back(db: TestDatabase) {
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let tell = async |tx: &mut Tx, number: u8, step: &str, handle: i64| {
        let at = START.plus(i64::from(number));
        records::tell(tx, W, [number; 16], ("ref", step), (Handle(handle), at)).await.unwrap();
    };
    // Handles 1 and 2 are one person; 5 and 6 another, who came once.
    tell(&mut tx, 1, MADE, 1).await;
    tell(&mut tx, 2, CONVERTED, 2).await;
    tell(&mut tx, 3, CONVERTED, 5).await;
    tell(&mut tx, 4, CONVERTED, 6).await;
    tell(&mut tx, 5, MADE, 9).await;
    tx.commit().await.unwrap();
    let span = (START, START.plus(DAY));
    let came =
        async || read(&db, span).await.iter().map(|it| (it.person, it.came.clone(), it.reach())).collect::<Vec<_>>();
    let first = (Some(PersonId(1)), vec![PersonId(3)], 1);
    assert_eq!(came().await, [first.clone(), (Some(PersonId(5)), vec![], 0)]);
    assert_eq!(records::makers(&mut db.read(), W, &["ref".into()]).await.unwrap(), [Handle(1), Handle(9)]);
    assert_eq!(records::makers(&mut db.read(), OTHER, &["ref".into()]).await.unwrap(), []);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::forget(&mut tx, W, [5; 16]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(came().await, [first]);

    // Whoever came is forgotten: it stays that it was referred, and nobody came.
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let subject = Subject { workspace: W, person: PersonId(3), handles: vec![Handle(5), Handle(6)] };
    Tables::of(&[DATA_MAP]).unwrap().erase(&mut tx, &subject).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(came().await, [(Some(PersonId(1)), vec![], 0)]);
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let subject = Subject { workspace: W, person: PersonId(1), handles: vec![Handle(1), Handle(2)] };
    Tables::of(&[DATA_MAP]).unwrap().erase(&mut tx, &subject).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(came().await, []);
}

#[db_test(FEEDBACK, MIGRATIONS)]
async fn every_column_is_declared(db: TestDatabase) {
    let maps = [rapport_store::DATA_MAP, FEEDBACK_MAP, DATA_MAP];
    assert_eq!(rapport_store::data_map::differences(&db, &maps).await.unwrap(), Vec::<String>::new());
    assert_eq!(rapport_store::data_map::lax_tables(&db).await.unwrap(), Vec::<String>::new());
}

#[test]
fn an_event_is_named_as_events_are() {
    let told = rapport_feedback::advocacy::Told {
        handle: Handle(0),
        id: EventId([1; 16]).to_hex(),
        kind: Kind::Mention,
        at: START,
        in_favour: true,
        score: None,
        reach: Some(-5),
        review: None,
        came: Vec::new(),
    };
    let act = Act::by(told, owner);
    assert_eq!((act.person, act.reach()), (None, 0), "what nobody said reached nobody less than nobody");
    assert_eq!(Kind::ALL.map(|kind| Kind::parse(kind.as_str())), Kind::ALL.map(Some));
}
