//! Fraud that was planted: rings of every kind among honest people. Every ring must be found; how many honest people are looked at is said.

use rapport_domain::{Rng, SeededRng, Timestamp};
use rapport_server::records::workspaces::FIRST;
use rapport_server::referring;
use rapport_store::Slice;
use serde_json::{Value, json};

use crate::loyalty_referrals::{REFERRALS, Shop, program, stands, track_of};

/// Somebody as the shop sees them.
struct Person {
    user: String,
    email: String,
    device: String,
    card: String,
    ip: String,
    address: String,
}

impl Person {
    fn honest(number: u64) -> Self {
        Self {
            user: format!("p{number:04}"),
            email: format!("p{number:04}@example.com"),
            device: format!("device-{number}"),
            card: format!("card-{number}"),
            ip: format!("198.{}.{}.7", number / 200, number % 200),
            address: format!("Main street {number}, Springfield"),
        }
    }

    fn context(&self) -> Value {
        json!({"anonymousId": self.device, "context": {"ip": self.ip}})
    }

    fn identify(&self) -> Value {
        json!({"type": "identify", "userId": self.user, "anonymousId": self.device, "context": {"ip": self.ip}, "traits": {"email": self.email}})
    }

    fn signs_up(&self, code: &str) -> Value {
        track_of(&self.user, self.context(), None, "Signed Up", json!({"referral_code": code}))
    }

    fn orders(&self) -> Value {
        let properties = json!({"order_id": format!("order-{}", self.user), "revenue": 40, "currency": "EUR",
            "payment_fingerprint": self.card, "shipping_address": self.address});
        track_of(&self.user, self.context(), None, "Order Completed", properties)
    }
}

struct Town {
    shop: Shop,
    rng: SeededRng,
    people: u64,
}

impl Town {
    fn person(&mut self) -> Person {
        self.people += 1;
        Person::honest(self.people)
    }

    /// A member who ordered as everybody does.
    async fn member(&mut self) -> (Person, String, String) {
        let person = self.person();
        self.shop.tell(vec![person.identify(), person.orders()]).await;
        let (_, member, code) = self.shop.member(&person.user).await;
        // Seen as a member, so that what they leave behind is kept.
        let again = track_of(
            &person.user,
            person.context(),
            None,
            "Order Completed",
            json!({"order_id": format!("again-{}", person.user),
            "revenue": 10, "currency": "EUR", "payment_fingerprint": person.card, "shipping_address": person.address}),
        );
        self.shop.tell(vec![again]).await;
        (person, member, code)
    }

    async fn comes(&self, friend: &Person, code: &str) {
        self.shop.tell(vec![friend.identify(), friend.signs_up(code)]).await;
        self.shop.world.clock.advance(2 * Timestamp::HOUR);
        self.shop.tell(vec![friend.orders()]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_ring_is_found_and_few_honest_people_are_looked_at() {
    let fraud = json!({"burst_most": 5, "burst_hours": 24, "suspend_after": 4});
    let shop = Shop::open(program(json!({"fraud": fraud, "stands_days": 0}))).await;
    let mut town = Town { shop, rng: SeededRng::new(11), people: 0 };
    let mut rings: Vec<(&str, String)> = Vec::new();
    for kind in ["same_payment", "alias", "same_device", "same_address"] {
        let (thief, member, code) = town.member().await;
        for number in 0..2 {
            let mut friend = town.person();
            match kind {
                "same_payment" => friend.card.clone_from(&thief.card),
                "alias" => friend.email = format!("{}+{number}@example.com", thief.user),
                "same_device" => friend.device.clone_from(&thief.device),
                _ => friend.address = thief.address.to_uppercase().replace(',', ""),
            }
            town.comes(&friend, &code).await;
        }
        rings.push((kind, member));
    }
    // One person plays several friends of somebody else.
    let (_, member, code) = town.member().await;
    let card = town.person().card;
    for _ in 0..3 {
        let mut friend = town.person();
        friend.card.clone_from(&card);
        town.comes(&friend, &code).await;
    }
    rings.push(("same_payment", member));
    // Many within a day.
    let (_, member, code) = town.member().await;
    let crowd: Vec<Person> = (0..9).map(|_| town.person()).collect();
    let mut calls = Vec::new();
    for friend in &crowd {
        calls.extend([friend.identify(), friend.signs_up(&code)]);
    }
    town.shop.tell(calls).await;
    rings.push(("burst", member.clone()));
    let suspended = town.shop.get(&format!("{REFERRALS}/suspensions")).await;
    assert!(
        suspended["rows"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["member_id"] == json!(member) && row["suspended_by"].is_null()),
        "{suspended}"
    );
    // A circle of three who never ordered before.
    let circle: Vec<Person> = (0..3).map(|_| town.person()).collect();
    let mut codes = Vec::new();
    for person in &circle {
        town.shop.tell(vec![person.identify()]).await;
        let (_, member, code) = town.shop.member(&person.user).await;
        codes.push((member, code));
    }
    for (at, person) in circle.iter().enumerate() {
        town.shop.tell(vec![person.signs_up(&codes[(at + 2) % 3].1)]).await;
    }
    rings.extend(codes.iter().map(|(member, _)| ("closed_loop", member.clone())));
    // Honest people: one in ten lives with whoever brought them.
    let mut honest = Vec::new();
    let mut households = 0;
    for _ in 0..12 {
        let (host, member, code) = town.member().await;
        for _ in 0..2 {
            let mut friend = town.person();
            if town.rng.next_u64().is_multiple_of(10) {
                friend.ip.clone_from(&host.ip);
                households += 1;
            }
            town.comes(&friend, &code).await;
            town.shop.world.clock.advance(Timestamp::HOUR);
        }
        honest.push(member);
    }
    town.shop.rest().await;

    let all = town.shop.all().await;
    for (kind, member) in &rings {
        let own: Vec<&Value> = all.iter().filter(|row| row["referrer"]["member_id"] == json!(member)).collect();
        let is_found = own.iter().any(|row| {
            let signals = row["signals"].as_array().unwrap();
            // Whoever shares a device may turn out to be one person, which says more than a sign.
            let is_one = *kind == "same_device" && row["reason"] == "self_referral";
            (is_one || signals.iter().any(|it| it["code"] == *kind))
                && row["state"] != "rewarded"
                && row["state"] != "pending"
        });
        assert!(is_found, "{kind} of {member} was not found: {own:?}");
    }
    let of_honest = all.iter().filter(|row| honest.iter().any(|it| row["referrer"]["member_id"] == json!(it)));
    let of_honest: Vec<&Value> = of_honest.collect();
    let flagged = of_honest.iter().filter(|row| !row["signals"].as_array().unwrap().is_empty()).count();
    let blocked = of_honest.iter().filter(|row| row["reason"] == "fraud").count();
    println!("rings: {}, all found; honest: {}, flagged {flagged}, blocked {blocked}", rings.len(), of_honest.len());
    assert_eq!((of_honest.len(), flagged, blocked), (24, households, 0), "only those who live together are looked at");
    // What staff decide: a household is approved, a suspension is lifted and what waited goes on.
    let waits = town.shop.get(&format!("{REFERRALS}/review?limit=500")).await["rows"].as_array().unwrap().clone();
    assert!(
        waits
            .iter()
            .all(|row| row["signals"].as_array().is_some_and(|it| !it.is_empty()) || row["reason"] == "suspended"),
        "{waits:?}"
    );
    if let Some(row) = waits.iter().find(|row| row["signals"][0]["code"] == "same_network") {
        let path = format!("{REFERRALS}/{}/approved", row["referral_id"].as_str().unwrap());
        let approved = town.shop.post(&path, json!({"reason": "they live together"})).await;
        stands(&approved.json(), "rewarded", None);
    }
    let lifted = format!("/api/v1/loyalty/members/{member}/referral-suspension/lifted");
    assert_eq!(town.shop.post(&lifted, json!({"reason": "a club"})).await.status, 204);
    town.shop.rest().await;
    let refused = town.shop.all().await.into_iter().filter(|row| row["reason"] == "suspended").count();
    assert_eq!(refused, 0, "lifted, it counts as if it had never been");
    // What was left behind is forgotten after its days, a few traces in each turn of the writer.
    town.shop.world.clock.advance(31 * Timestamp::DAY);
    let mut slice = Slice::up_to(20);
    let mut turns = Vec::new();
    loop {
        match referring::forget_traces(&town.shop.world.app.installation, FIRST, &mut slice).await.unwrap() {
            0 => break,
            gone => turns.push(gone),
        }
    }
    assert!(turns.len() > 1 && turns.iter().all(|gone| *gone <= 20), "{turns:?}");
    let count = rapport_store::sql!("SELECT COUNT(*) FROM loyalty_referral_traces WHERE workspace = $1");
    let left: i64 = {
        use rapport_store::Queries;
        let mut db = town.shop.world.app.installation.store.read();
        db.scalar(count, rapport_store::args![FIRST]).await.unwrap()
    };
    assert_eq!(left, 0);
}
