//! Conditions about consent, beside what sending decides: on random histories of people who speak late, for a time, on devices that turn out to be theirs
//! or not, of topics that must be confirmed, and are forgotten.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use rapport_domain::{Handle, Identifier, IdentifierKind, PersonId, Rng, SeededRng, Timestamp};
use rapport_privacy::records::consents::{self, ConsentRow};
use rapport_privacy::{Scope, Statement, Verdict, consent, told};
use rapport_profiles::records::{facts, identifiers};
use rapport_segments::records::{memberships, segments};
use rapport_server::auth::Scope as Allowed;
use rapport_server::installation::MIGRATIONS;
use rapport_server::records::workspaces::FIRST;
use rapport_server::{erasing, keeper, own_events};
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use super::world::World;

/// Segments and what they ask: a fact's key, and the word that it must be.
const ASKED: [(&str, &str, Verdict); 8] = [
    ("mail", "consent.email", Verdict::Granted),
    ("mail-refused", "consent.email", Verdict::Denied),
    ("mail-over", "consent.email", Verdict::Expired),
    ("news", "consent.email.news", Verdict::Granted),
    ("news-waits", "consent.email.news", Verdict::Pending),
    ("offers", "consent.sms.offers", Verdict::Granted),
    ("sharing-refused", "consent.sharing", Verdict::Denied),
    ("ads", "consent.sharing.ads", Verdict::Granted),
];
/// The one that is made while others run already.
const LATER: &str = "offers";

struct Town {
    world: World,
    /// An API key's header: sessions end while days pass.
    key_header: String,
    key: String,
    rng: SeededRng,
    number: u64,
}

impl Town {
    fn of(&self, most: u64) -> u64 {
        self.rng.next_u64() % most
    }

    fn one<'a>(&self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.of(words.len() as u64)).unwrap()]
    }

    async fn send(&mut self, mut call: Value) {
        self.number += 1;
        call["messageId"] = json!(format!("m{}", self.number));
        let answer = self.world.collect("/v1/batch", &self.key, json!({ "batch": [call] }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }

    async fn api(&self, method: Method, path: &str, body: Value) {
        let answer = self.world.request(method, path, &self.headers(), body.to_string()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
    }

    fn headers(&self) -> [(&str, &str); 2] {
        [("authorization", &self.key_header), ("content-type", "application/json")]
    }

    async fn segment(&self, (key, fact, verdict): (&str, &str, Verdict)) {
        let text = format!("fact {fact} = {}", verdict.as_str());
        self.api(Method::POST, "/api/v1/segments", json!({"key": key, "name": key, "text": text})).await;
        keeper::fill_workspace(&self.world.app.installation, FIRST).await.unwrap();
    }

    async fn topic(&self, key: &str, is_archived: bool) {
        let body = json!({"names": {"en": key}, "channels": ["email", "sms"], "double_opt_in": key == "news", "archived": is_archived});
        self.api(Method::PUT, &format!("/api/v1/privacy/topics/{key}"), body).await;
    }

    /// Somebody says something, now, earlier, or for a time.
    fn statement(&self) -> Value {
        let now = self.world.clock_now();
        let late = if self.of(3) == 0 { self.of(72) } else { 0 };
        let at = now.plus(-Timestamp::HOUR * i64::try_from(late).unwrap());
        let mut said = json!({"purpose": self.one(&["marketing", "marketing", "marketing", "sharing"]), "channel": self.one(&["email", "email", "sms", "ads", "any"])});
        if self.of(2) == 0 {
            said["topic"] = json!(self.one(&["news", "offers"]));
        }
        if self.of(3) == 0 {
            said["until"] = json!(at.plus(Timestamp::HOUR * i64::try_from(1 + self.of(60)).unwrap()).to_rfc3339());
        }
        let event = self.one(&[told::GRANTED, told::GRANTED, told::GRANTED, told::DENIED, told::WITHDRAWN]);
        json!({"type": "track", "event": event, "timestamp": at.to_rfc3339(), "properties": said})
    }

    /// One thing happens.
    async fn step(&mut self) {
        let (user, device) = (format!("u{}", self.of(5)), format!("d{}", self.of(5)));
        match self.of(16) {
            0..=6 => {
                let mut call = self.statement();
                let who = if self.of(2) == 0 { ("userId", user) } else { ("anonymousId", device) };
                call[who.0] = json!(who.1);
                self.send(call).await;
            }
            // A device turns out to be somebody's, or a piece of evidence to be wrong, or right after all.
            7 | 8 => self.send(json!({"type": "identify", "userId": user, "anonymousId": device, "traits": {}})).await,
            9 | 10 => self.undo_or_redo().await,
            11 => self.confirm(user).await,
            12 => self.topic("offers", self.of(2) == 0).await,
            13 if self.of(3) == 0 => self.erase(user).await,
            _ => {
                self.world.clock.advance(Timestamp::HOUR * i64::try_from(1 + self.of(20)).unwrap());
                // What came in the meantime: somebody is only seen.
                self.send(json!({"type": "track", "event": "Page Viewed", "userId": user})).await;
            }
        }
        self.world.clock.advance(Timestamp::SECOND);
        self.world.app.pipeline.drain().await.unwrap();
        while self.world.app.installation.memberships.wake(FIRST, || None).await.unwrap() {}
    }

    async fn undo_or_redo(&self) {
        let text =
            sql!("SELECT id, undone_at FROM evidence WHERE workspace = $1 ORDER BY left_handle, right_handle, rule");
        let store = &self.world.app.installation.store;
        let rows: Vec<(String, Option<Timestamp>)> = store.read().fetch_all(text, args![FIRST]).await.unwrap();
        if rows.is_empty() {
            return;
        }
        let (id, undone) = &rows[usize::try_from(self.of(rows.len() as u64)).unwrap()];
        let word = if undone.is_some() { "redo" } else { "undo" };
        let path = format!("/api/v1/identity/evidence/{id}/{word}");
        self.api(Method::POST, &path, json!({"reason": "a test"})).await;
    }

    /// Somebody opens the mail that asks them to confirm.
    async fn confirm(&self, user: String) {
        let who = Identifier { kind: IdentifierKind::UserId, value: user };
        let said = json!({"channel": "email", "topic": "news", "method": told::CONFIRMED});
        let said = said.as_object().unwrap().clone();
        own_events::tell(&self.world.app.installation, FIRST, who, told::GRANTED, said).await.unwrap();
    }

    async fn erase(&self, user: String) {
        let installation = &self.world.app.installation;
        let db = &mut installation.store.read();
        let found = identifiers::by_values(db, FIRST, IdentifierKind::UserId, &[user]).await.unwrap();
        if let Some(row) = found.first() {
            let wanted = erasing::Wanted { workspace: FIRST, person: row.person, actor: "test", suppress: false };
            erasing::erase(installation, &self.world.app.pipeline, wanted).await.unwrap();
        }
    }

    /// What sending decides about everybody, from what is kept of what they said.
    async fn decided(&self) -> BTreeMap<PersonId, BTreeMap<&'static str, Verdict>> {
        let db = &mut self.world.app.installation.store.read();
        let mut handles: BTreeMap<PersonId, Vec<Handle>> = BTreeMap::new();
        for (person,) in identifiers::some_persons(db, FIRST, 1_000).await.unwrap() {
            let rows = identifiers::by_persons(db, FIRST, &[person]).await.unwrap();
            handles.insert(person, rows.iter().map(|row| row.handle).collect());
        }
        let mut decided = BTreeMap::new();
        for (person, handles) in handles {
            let rows = consents::of_handles(db, FIRST, &handles).await.unwrap();
            let said: Vec<Statement> = rows.iter().filter_map(ConsentRow::statement).collect();
            let verdict = |key: &str| {
                let scope = Scope::of_fact(key).expect("a fact about consent");
                consent::standing(&said, &scope, self.world.clock_now()).verdict
            };
            decided.insert(person, ASKED.iter().map(|(_, key, _)| (*key, verdict(key))).collect());
        }
        decided
    }

    /// Segments and questions find those of whom sending would say so.
    async fn check(&self, is_complete: bool, place: &str) {
        let decided = self.decided().await;
        let installation = &self.world.app.installation;
        let now = self.world.clock_now();
        let everybody: Vec<PersonId> = decided.keys().copied().collect();
        for segment in segments::all(&mut installation.store.read(), FIRST).await.unwrap() {
            let (_, key, wanted) = ASKED.iter().find(|(name, ..)| *name == segment.key).unwrap();
            let expected: BTreeSet<PersonId> =
                decided.iter().filter(|(_, held)| held[key] == *wanted).map(|(person, _)| *person).collect();
            let found = memberships::of_persons(&mut installation.store.read(), FIRST, &everybody).await.unwrap();
            let inside = found.iter().filter(|row| row.segment == segment.segment && row.exited_at.is_none());
            assert_eq!(
                inside.map(|row| row.person).collect::<BTreeSet<_>>(),
                expected,
                "{place}: segment {}",
                segment.key
            );
        }
        let keys: Vec<String> = ASKED.iter().map(|(_, key, _)| (*key).to_owned()).collect();
        let mut expected: Vec<(PersonId, String, String)> = Vec::new();
        for (person, held) in &decided {
            let known = held.iter().filter(|(_, verdict)| **verdict != Verdict::Unknown);
            expected
                .extend(known.map(|(key, verdict)| (*person, (*key).to_owned(), json!(verdict.as_str()).to_string())));
        }
        expected.sort_unstable();
        expected.dedup();
        let db = &mut installation.store.read();
        let sorted = |mut rows: Vec<(PersonId, String, String)>| {
            rows.sort_unstable();
            rows.dedup();
            rows
        };
        assert_eq!(sorted(facts::current_by_person(db, FIRST, &keys, now).await.unwrap()), expected, "{place}");
        let named = facts::current_keys_of(db, FIRST, &everybody, &keys, now).await.unwrap();
        assert_eq!(sorted(named), expected, "{place}");
        let (first, last) = (PersonId(0), PersonId(i64::MAX));
        let all = facts::histories(db, FIRST, &keys, first, last).await.unwrap();
        assert_eq!(facts::histories_of(db, FIRST, &keys, &everybody).await.unwrap(), all, "{place}");
        let half = PersonId(i64::MAX / 2);
        let mut parts = facts::histories(db, FIRST, &keys, first, half).await.unwrap();
        parts.extend(facts::histories(db, FIRST, &keys, PersonId(half.0 + 1), last).await.unwrap());
        assert_eq!(parts, all, "{place}");
        if is_complete {
            self.ask(&decided).await;
        }
    }

    async fn ask(&self, decided: &BTreeMap<PersonId, BTreeMap<&'static str, Verdict>>) {
        for (_, key, wanted) in ASKED {
            let expected = decided.values().filter(|held| held[key] == wanted).count();
            let body = json!({"text": format!("fact {key} = {}", wanted.as_str()), "exact": true}).to_string();
            let answer = self.world.request(Method::POST, "/api/v1/conditions/estimate", &self.headers(), body).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            assert_eq!(answer.json()["people"], json!(expected), "{key} {wanted:?}: {}", answer.text());
        }
    }
}

async fn town(world: World, seed: u64) -> Town {
    let key_header = format!("Bearer {}", world.api_key(&[Allowed::Read, Allowed::Write, Allowed::Admin], None).await);
    let (key, _) = world.write_key("Web", None).await;
    let town = Town { world, key_header, key, rng: SeededRng::new(seed), number: 0 };
    town.topic("news", false).await;
    town.topic("offers", false).await;
    for asked in ASKED.into_iter().filter(|(key, ..)| *key != LATER) {
        town.segment(asked).await;
    }
    town
}

#[test]
fn conditions_know_what_sending_decides_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), long);
}

#[test]
fn conditions_know_what_sending_decides_postgres() {
    on_postgres(MIGRATIONS.to_vec(), long);
}

async fn long(db: TestDatabase) {
    let mut town = town(World::over(&db).await, 11).await;
    for step in 0..140 {
        town.step().await;
        if step == 60 {
            town.segment(*ASKED.iter().find(|(key, ..)| *key == LATER).unwrap()).await;
        }
        town.check(step % 35 == 34, &format!("step {step}")).await;
    }
}

/// More of the same on the engine that is always there: `RAPPORT_SEEDS` for more histories.
#[tokio::test]
async fn conditions_know_what_sending_decides_whatever_happens() {
    let seeds = std::env::var("RAPPORT_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    for seed in 100..100 + seeds {
        let mut town = town(World::new().await, seed).await;
        for step in 0..60 {
            town.step().await;
            town.check(false, &format!("seed {seed}, step {step}")).await;
        }
    }
}
