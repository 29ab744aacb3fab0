//! Households from the API to the timelines: who founds, invites, answers and leaves, what is redeemed with others' points and comes back, hostile wishes, who may, what people see of it and what is left of them.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::{Role, Scope};
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, settle, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const HOUSEHOLDS: &str = "/api/v1/loyalty/households";
const REDEMPTIONS: &str = "/api/v1/loyalty/redemptions";

async fn post(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::POST, path, body).await
}

async fn ok(world: &World, who: &Browser, path: &str, body: Value) -> Value {
    let answer = post(world, who, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

struct Club {
    world: World,
    owner: Browser,
    people: Vec<String>,
    members: Vec<String>,
}

/// Ann has ten points, Bob fifty, Cid none; a coffee costs forty.
async fn founded(sink: &Sink, households: Value) -> Club {
    let (world, owner, key) = world(sink).await;
    let mut program = json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR",
        "wallets": [{"key": "points", "name": "Points"}]});
    if !households.is_null() {
        program["households"] = households;
    }
    let body = json!({"version": 0, "program": program});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let coffee = json!({"version": 0, "state": "live", "reward": {"name": "Coffee", "gives": {"kind": "code", "uses": 1}, "prices": [{"points": 40}]}});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/loyalty/rewards/coffee", coffee).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    world.clock.advance(Timestamp::HOUR);
    let (mut people, mut members) = (Vec::new(), Vec::new());
    for (number, name) in [(1, "ann"), (2, "bob"), (3, "cid")] {
        happen(&world, &key, person(number, &format!("{name}@example.com"))).await;
        let who = only_person(&world, &owner, name).await;
        let member = ok(&world, &owner, "/api/v1/loyalty/members", json!({"person_id": who})).await;
        members.push(member["member_id"].as_str().unwrap().to_owned());
        people.push(who);
    }
    let earn = |id: &str, who: usize, amount: i64| json!({"id": id, "member_id": members[who], "act": {"kind": "earn", "amount": amount}});
    let earn = json!({"operations": [earn("e1", 0, 10), earn("e2", 1, 50)]});
    ok(&world, &owner, "/api/v1/loyalty/operations", earn).await;
    Club { world, owner, people, members }
}

impl Club {
    async fn has(&self, who: usize) -> i64 {
        let found = get(&self.world, &self.owner, &format!("/api/v1/loyalty/members/{}", self.members[who])).await;
        found["wallets"][0]["available"].as_i64().unwrap_or(0)
    }

    async fn timeline(&self, who: usize) -> String {
        let path = format!("/api/v1/customers/{}/timeline?limit=50", self.people[who]);
        get(&self.world, &self.owner, &path).await.to_string()
    }

    /// Ann leads, Bob belongs to it; its path.
    async fn home(&self) -> String {
        let (world, owner) = (&self.world, &self.owner);
        let founded = json!({"id": "h1", "member_id": self.members[0], "name": "The Zebrafish", "member_name": "Mum"});
        let home = ok(world, owner, HOUSEHOLDS, founded).await;
        let path = format!("{HOUSEHOLDS}/{}", home["household_id"].as_str().unwrap());
        let invited = json!({"id": "i1", "member_id": self.members[1], "by_member_id": self.members[0]});
        let invited = ok(world, owner, &format!("{path}/invitations"), invited).await;
        let answer = json!({"name": "Dadfish", "member_id": self.members[1]});
        ok(
            world,
            owner,
            &format!("{HOUSEHOLDS}/invitations/{}/accepted", invited["invitation_id"].as_str().unwrap()),
            answer,
        )
        .await;
        path
    }

    fn coffee(&self, id: &str, who: usize) -> Value {
        json!({"id": id, "member_id": self.members[who], "reward": "coffee", "points": 40, "household": true})
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_household_pays_together_and_gets_back_what_was_whose() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!({"wallets": ["points"], "used_per_month": 35})).await;
    let (world, owner, members) = (&club.world, &club.owner, &club.members);
    let home = club.home().await;
    let shown = get(world, owner, &home).await;
    assert_eq!(shown["sums"], json!([{"wallet": "points", "available": 60}]));
    let names: Vec<&str> = shown["members"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!((names, &shown["members"][0]["is_head"]), (vec!["Mum", "Dadfish"], &json!(true)));

    // Thirty are missing: Bob has them, and lets 35 be used. Alone nobody else pays.
    let mut alone = club.coffee("r0", 0);
    alone["household"] = json!(false);
    refused(&post(world, owner, REDEMPTIONS, alone).await, StatusCode::CONFLICT, "insufficient_points");
    let limit = |limit: Value| json!({"limit": limit});
    let own = format!("{home}/members/{}", members[1]);
    assert_eq!(call(world, owner, Method::PUT, &own, limit(json!(20))).await.status, StatusCode::OK);
    let short = post(world, owner, REDEMPTIONS, club.coffee("r1", 0)).await;
    refused(&short, StatusCode::CONFLICT, "household_too_few_points");
    assert!(short.text().contains("; 10 are missing"), "{}", short.text());
    let again = post(world, owner, REDEMPTIONS, club.coffee("r1", 0)).await;
    assert_eq!(again.json()["detail"], short.json()["detail"], "an id answers for ever");
    assert_eq!(call(world, owner, Method::PUT, &own, limit(json!(null))).await.status, StatusCode::OK);
    let done = ok(world, owner, REDEMPTIONS, club.coffee("r2", 0)).await;
    assert_eq!(ok(world, owner, REDEMPTIONS, club.coffee("r2", 0)).await, done, "told again it is the same");
    assert_eq!(done["paid_by_others"], json!([{"member_id": members[1], "points": 30, "returned": 0}]));
    assert_eq!((club.has(0).await, club.has(1).await), (0, 20));
    let uses = get(world, owner, &format!("{home}/uses?limit=1")).await;
    assert_eq!((&uses["rows"][0]["points"], &uses["rows"][0]["by_member_id"]), (&json!(30), &json!(members[0])));

    // Bob left meanwhile, and gets back what was his.
    let left = json!({"by_member_id": members[1]});
    let after = ok(world, owner, &format!("{own}/left"), left.clone()).await;
    assert_eq!(after["members"].as_array().unwrap().len(), 1);
    assert_eq!(ok(world, owner, &format!("{own}/left"), left).await, after, "told again it is the same");
    let cancel = format!("{REDEMPTIONS}/{}/cancelled", done["redemption_id"].as_str().unwrap());
    let off = ok(world, owner, &cancel, json!({})).await;
    assert_eq!((&off["state"], &off["paid_by_others"][0]["returned"]), (&json!("cancelled"), &json!(30)));
    assert_eq!((club.has(0).await, club.has(1).await), (10, 50));

    settle(world).await;
    let (hers, his) = (club.timeline(0).await, club.timeline(1).await);
    assert!(hers.contains("Household Joined") && hers.contains("Reward Redeemed"), "{hers}");
    for name in ["Household Invited", "Household Joined", "Points Shared", "Household Left"] {
        assert!(his.contains(name), "{name}: {his}");
    }
    assert!(!his.contains("Mum") && !his.contains("coffee"), "{his}");
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_wishes_do_nothing_and_not_everybody_may() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!({"wallets": ["points"], "most_members": 2, "joins_per_year": 1})).await;
    let (world, owner, members) = (&club.world, &club.owner, &club.members);
    let home = club.home().await;
    let found = |id: &str, who: &str, name: &str| json!({"id": id, "member_id": who, "name": name, "member_name": "X"});
    let (invitations, own) = (format!("{home}/invitations"), format!("{home}/members/{}", members[2]));
    let by = |who: usize| json!({"by_member_id": members[who]});
    let hostile = [
        (HOUSEHOLDS.to_owned(), found("h1", &members[2], "Home"), StatusCode::CONFLICT, "id_reused"),
        (HOUSEHOLDS.to_owned(), found("", &members[2], "Home"), StatusCode::UNPROCESSABLE_ENTITY, "id_malformed"),
        (HOUSEHOLDS.to_owned(), found("h2", &members[0], "Home"), StatusCode::CONFLICT, "household_already_in"),
        (HOUSEHOLDS.to_owned(), found("h2", "77", "Home"), StatusCode::NOT_FOUND, "member_unknown"),
        (HOUSEHOLDS.to_owned(), found("h2", "nobody", "Home"), StatusCode::NOT_FOUND, "member_unknown"),
        (invitations.clone(), json!({"id": "i2", "member_id": members[2]}), StatusCode::CONFLICT, "household_full"),
        (
            invitations.clone(),
            json!({"id": "i2", "member_id": members[0]}),
            StatusCode::CONFLICT,
            "household_already_in",
        ),
        (
            invitations.clone(),
            json!({"id": "i2", "member_id": members[2], "by_member_id": members[1]}),
            StatusCode::CONFLICT,
            "household_not_head",
        ),
        (
            format!("{HOUSEHOLDS}/hsh_none/invitations"),
            json!({"id": "i2", "member_id": members[2]}),
            StatusCode::NOT_FOUND,
            "household_unknown",
        ),
        (format!("{own}/left"), json!({}), StatusCode::CONFLICT, "household_not_in"),
        (format!("{home}/members/{}/left", members[0]), by(1), StatusCode::CONFLICT, "household_not_head"),
        (REDEMPTIONS.to_owned(), club.coffee("r1", 2), StatusCode::CONFLICT, "household_not_in"),
    ];
    for (path, body, status, code) in hostile {
        refused(&post(world, owner, &path, body).await, status, code);
    }
    for name in ["", "ann@example.com", "https://x.example", &"x".repeat(41)] {
        let answer = post(world, owner, HOUSEHOLDS, found("h3", &members[2], name)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", answer.text());
    }
    for limit in [json!(-1), json!(i64::MAX), json!("all")] {
        let own = format!("{home}/members/{}", members[1]);
        let answer = call(world, owner, Method::PUT, &own, json!({"limit": limit})).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    }
    let taken =
        call(world, owner, Method::PUT, &format!("{home}/members/{}", members[1]), json!({"name": "MUM"})).await;
    refused(&taken, StatusCode::CONFLICT, "household_name_taken");
    for answer in ["accepted", "declined", "withdrawn"] {
        let body = if answer == "accepted" { json!({"name": "Kid"}) } else { json!({}) };
        let none = post(world, owner, &format!("{HOUSEHOLDS}/invitations/hsi_none/{answer}"), body).await;
        refused(&none, StatusCode::NOT_FOUND, "household_invitation_unknown");
    }
    assert_eq!((club.has(0).await, club.has(1).await), (10, 50), "nothing was posted");

    // Agents serve, viewers look on.
    let (agent, viewer) = (world.browser(Role::Agent).await, world.browser(Role::Viewer).await);
    let renamed = call(world, &agent, Method::PATCH, &home, json!({"name": "Home"})).await;
    assert_eq!((renamed.status, renamed.json()["name"].as_str()), (StatusCode::OK, Some("Home")), "{}", renamed.text());
    assert_eq!(get(world, &viewer, HOUSEHOLDS).await["rows"].as_array().unwrap().len(), 1);
    let denied = post(world, &viewer, &format!("{home}/members/{}/left", members[1]), json!({})).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);

    // Once a year is once a year; whoever closes their account leaves, and with the last one it ends.
    ok(world, owner, &format!("{home}/members/{}/left", members[1]), json!({})).await;
    let back = ok(world, owner, &invitations, json!({"id": "i3", "member_id": members[1]})).await;
    let back = format!("{HOUSEHOLDS}/invitations/{}/accepted", back["invitation_id"].as_str().unwrap());
    let often = post(world, owner, &back, json!({"name": "Dad"})).await;
    refused(&often, StatusCode::CONFLICT, "household_joined_too_often");
    let theirs = get(world, owner, &format!("/api/v1/loyalty/members/{}/household", members[1])).await;
    assert_eq!((&theirs["household"], theirs["invitations"].as_array().unwrap().len()), (&json!(null), 1));
    let forfeit = json!({"operations": [{"id": "f1", "member_id": members[0], "act": {"kind": "forfeit"}}]});
    ok(world, owner, "/api/v1/loyalty/operations", forfeit).await;
    let path = format!("/api/v1/loyalty/members/{}", members[0]);
    let closed = call(world, owner, Method::PATCH, &path, json!({"standing": "closed"})).await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.text());
    let ended = get(world, owner, &home).await;
    assert!(ended["household"]["ended_at"].is_string() && ended["members"] == json!([]), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_see_their_side_and_are_forgotten() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!({"wallets": ["points"]})).await;
    let (world, owner) = (&club.world, &club.owner);
    let home = club.home().await;
    let done = ok(world, owner, REDEMPTIONS, club.coffee("r1", 0)).await;
    let access = |who: usize| format!("/api/v1/customers/{}/access", club.people[who]);
    let his = ok(world, owner, &access(1), json!(null)).await["tables"].clone();
    assert_eq!(his["loyalty_household_members"][0]["name"], "Dadfish");
    assert_eq!(his["loyalty_household_invitations"][0]["state"], "accepted");
    assert_eq!(
        (&his["loyalty_household_uses"][0]["role"], &his["loyalty_household_uses"][0]["points"]),
        (&json!("giver"), &json!("30"))
    );
    assert!(!his.to_string().contains("Mum") && !his.to_string().contains("coffee"), "{his}");

    ok(world, owner, &format!("/api/v1/customers/{}/erasure", club.people[1]), json!({})).await;
    let shown = get(world, owner, &home).await;
    assert_eq!((shown["members"].as_array().unwrap().len(), &shown["household"]["name"]), (1, &json!("The Zebrafish")));
    ok(world, owner, &format!("/api/v1/customers/{}/erasure", club.people[0]), json!({})).await;
    let shown = get(world, owner, &home).await;
    assert_eq!((&shown["household"]["name"], shown["household"]["ended_at"].is_string()), (&json!(""), true));
    let uses = get(world, owner, &format!("{home}/uses")).await;
    assert_eq!(uses["rows"][0]["points"], 30, "numbers stay");
    // Whoever called it off gives back what was whose, also to somebody nobody knows any more.
    let cancel = format!("{REDEMPTIONS}/{}/cancelled", done["redemption_id"].as_str().unwrap());
    assert_eq!(ok(world, owner, &cancel, json!({})).await["paid_by_others"][0]["returned"], 30);
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_no_households_unless_the_programme_says_so() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!(null)).await;
    let (world, owner) = (&club.world, &club.owner);
    let founded = json!({"id": "h1", "member_id": club.members[0], "name": "Home", "member_name": "Mum"});
    refused(&post(world, owner, HOUSEHOLDS, founded.clone()).await, StatusCode::CONFLICT, "households_off");
    refused(&post(world, owner, REDEMPTIONS, club.coffee("r1", 0)).await, StatusCode::CONFLICT, "households_off");
    let mut program = get(world, owner, "/api/v1/loyalty/program").await["program"].clone();
    for (households, place) in [
        (json!({"wallets": ["gold"]}), "households.wallets[0]"),
        (json!({"wallets": ["points"], "most_members": 1}), "households.most_members"),
    ] {
        program["households"] = households;
        let wrong = json!({"version": 1, "program": program});
        let answer = call(world, owner, Method::PUT, "/api/v1/loyalty/program", wrong).await;
        assert!(answer.text().contains(place), "{}", answer.text());
    }
    program["households"] = json!({"wallets": ["points"]});
    let right = json!({"version": 1, "program": program});
    assert_eq!(call(world, owner, Method::PUT, "/api/v1/loyalty/program", right).await.status, StatusCode::OK);
    ok(world, owner, HOUSEHOLDS, founded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_pass_a_household_on_and_close_it_and_say_why() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!({"wallets": ["points"]})).await;
    let (world, owner, members) = (&club.world, &club.owner, &club.members);
    let home = club.home().await;
    let (head, closed) = (format!("{home}/head"), format!("{home}/closed"));
    let put = async |who: &Browser, body: Value| call(world, who, Method::PUT, &head, body).await;
    let moved = json!({"member_id": members[1], "reason": "Zebrafish moved out"});
    let (agent, viewer) = (world.browser(Role::Agent).await, world.browser(Role::Viewer).await);
    for (who, body, status, code) in [
        (owner, json!({"member_id": members[1]}), StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        (
            owner,
            json!({"member_id": members[1], "reason": "x".repeat(256)}),
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
        ),
        (owner, json!({"member_id": members[2], "reason": "x"}), StatusCode::CONFLICT, "household_not_in"),
        (owner, json!({"member_id": "77", "reason": "x"}), StatusCode::NOT_FOUND, "member_unknown"),
        (
            owner,
            json!({"member_id": members[1], "by_member_id": members[1]}),
            StatusCode::CONFLICT,
            "household_not_head",
        ),
    ] {
        let answer = put(who, body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.json()["code"].as_str().is_some_and(|it| it.contains(code)), "{}", answer.text());
    }
    assert_eq!(put(&viewer, moved.clone()).await.status, StatusCode::FORBIDDEN);
    let none = post(world, owner, &closed, json!({})).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", none.text());
    for _ in 0..2 {
        let passed = put(&agent, moved.clone()).await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.text());
        assert_eq!(passed.json()["household"]["head_member_id"], json!(members[1]));
        assert_eq!(passed.json()["members"][1]["is_head"], json!(true));
    }
    let acts = get(world, &viewer, &format!("{home}/acts")).await["rows"].clone();
    let rows = acts.as_array().unwrap();
    // Bob's invitation and his answer are members'; what staff founded and passed on is not.
    assert_eq!(rows.iter().map(|it| it["what"].as_str().unwrap()).collect::<Vec<_>>(), ["handed_over", "founded"]);
    assert_eq!((&rows[0]["reason"], &rows[0]["member_id"]), (&json!("Zebrafish moved out"), &json!(members[1])));
    assert!(!rows[0]["done_by"].as_str().unwrap().starts_with("usr_"), "a name: {acts}");
    let first = get(world, owner, &format!("{home}/acts?limit=1")).await;
    let second = format!("{home}/acts?limit=1&cursor={}", first["next"].as_str().unwrap());
    assert_eq!(get(world, owner, &second).await["rows"][0]["what"], "founded");
    let his = ok(world, owner, &format!("/api/v1/customers/{}/access", club.people[1]), json!(null)).await;
    assert_eq!(his["tables"]["loyalty_household_acts"][0]["reason"], "Zebrafish moved out");

    let shut = json!({"reason": "They asked by mail"});
    let ended = ok(world, owner, &closed, shut.clone()).await;
    assert!(ended["household"]["ended_at"].is_string() && ended["members"] == json!([]), "{ended}");
    assert_eq!(ok(world, owner, &closed, shut).await, ended, "told again it is the same");
    assert_eq!((club.has(0).await, club.has(1).await), (10, 50));
    refused(&put(owner, moved).await, StatusCode::NOT_FOUND, "household_unknown");
    settle(world).await;
    assert!(club.timeline(1).await.contains("Household Left"));
    ok(world, owner, &format!("/api/v1/customers/{}/erasure", club.people[1]), json!({})).await;
    let acts = get(world, owner, &format!("{home}/acts")).await;
    assert!(!acts.to_string().contains("Zebrafish moved out"), "{acts}");
}

async fn page_of(club: &Club, who: usize) -> String {
    let path = format!("/api/v1/loyalty/members/{}/page-link", club.members[who]);
    let made = ok(&club.world, &club.owner, &path, json!(null)).await;
    made["url"].as_str().unwrap().strip_prefix("https://shop.example").unwrap().to_owned()
}

async fn send(club: &Club, page: &str, form: &str) -> Answer {
    let kind = ("content-type", "application/x-www-form-urlencoded");
    club.world.request(Method::POST, page, &[kind], form.to_owned()).await
}

/// The value of a field of a form that does something.
fn field(html: &str, act: &str, name: &str) -> String {
    let form = html.split("<form").find(|form| form.contains(&format!(r#"value="{act}""#))).unwrap();
    form.split(&format!(r#"name="{name}" value=""#)).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_on_their_own_pages() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!({"wallets": ["points"]})).await;
    let (ann, bob) = (page_of(&club, 0).await, page_of(&club, 1).await);
    let look = async |page: &str| club.world.get(page, &[]).await.text();
    let done = async |page: &str, form: &str| {
        let answer = send(&club, page, form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{form}: {}", answer.text());
    };
    let html = look(&ann).await;
    assert!(html.contains("Found a household") && html.contains(&club.members[0]), "{html}");
    assert!(html.contains("40 Points · 30 more needed"), "{html}");
    let chinese = look(&format!("{ann}?lang=zh")).await;
    assert!(chinese.contains("创建家庭"), "{chinese}");
    let id = field(&html, "home-found", "id");
    let named = send(&club, &ann, &format!("act=home-found&id={id}&name=a%40b.example&own_name=Mum")).await;
    assert_eq!(named.status, StatusCode::CONFLICT);
    assert!(named.text().contains("others read it"), "{}", named.text());
    for _ in 0..2 {
        done(&ann, &format!("act=home-found&id={id}&name=Our+%3Ci%3Ehome&own_name=Mum")).await;
    }
    let html = look(&ann).await;
    assert!(html.contains("Our &#60;i&#62;home") && html.contains("Together: 10 Points"), "{html}");
    let wrong = send(&club, &ann, "act=home-invite&id=x&number=77").await;
    assert!(
        wrong.status == StatusCode::CONFLICT && wrong.text().contains("Nobody has that number"),
        "{}",
        wrong.text()
    );
    let id = field(&html, "home-invite", "id");
    done(&ann, &format!("act=home-invite&id={id}&number={}", club.members[1])).await;
    assert!(look(&ann).await.contains("Somebody is invited until"));

    let html = look(&bob).await;
    assert!(html.contains("Mum invites you to “Our &#60;i&#62;home”"), "{html}");
    let invitation = field(&html, "home-accept", "invitation");
    let theirs = send(&club, &ann, &format!("act=home-decline&invitation={invitation}")).await;
    assert_eq!(theirs.status, StatusCode::CONFLICT, "it is none of hers to answer");
    done(&bob, &format!("act=home-accept&invitation={invitation}&own_name=Dad")).await;
    done(&bob, "act=home-limit&limit=29&own_name=Dad").await;
    assert!(look(&ann).await.contains("40 Points · 30 more needed"), "Bob lets 29 be used");
    let wrong = send(&club, &bob, "act=home-limit&limit=-3&own_name=Dad").await;
    assert!(wrong.text().contains("Say a whole number"), "{}", wrong.text());
    done(&bob, "act=home-limit&limit=&own_name=Dad").await;

    let html = look(&ann).await;
    assert!(html.contains("40 Points · 30 of it from your household"), "{html}");
    assert!(!html.contains(&club.members[1]), "numbers of others are not there: {html}");
    let id = field(&html, "redeem", "id");
    let redeem = format!("act=redeem&id={id}&reward=coffee&wallet=points&points=40&money=");
    let alone = send(&club, &ann, &redeem).await;
    assert_eq!(alone.status, StatusCode::CONFLICT, "{}", alone.text());
    let id = field(&look(&ann).await, "redeem", "id");
    let redeem = format!("act=redeem&id={id}&reward=coffee&wallet=points&points=40&money=&household=1");
    for _ in 0..2 {
        done(&ann, &redeem).await;
        assert_eq!((club.has(0).await, club.has(1).await), (0, 20));
    }
    assert!(look(&ann).await.contains("You used 30 Points of Dad"));
    let his = look(&bob).await;
    assert!(
        his.contains("Mum used 30 Points of yours") && his.contains("Household") && !his.contains("Coffee ·"),
        "{his}"
    );
    // Only the head removes; anybody leaves.
    let who = field(&look(&ann).await, "home-remove", "who");
    let not_his = send(&club, &bob, "act=home-remove&who=hsm_none").await;
    assert_eq!(not_his.status, StatusCode::CONFLICT);
    done(&ann, &format!("act=home-remove&who={who}")).await;
    done(&ann, "act=home-leave").await;
    assert!(look(&ann).await.contains("Found a household"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_till_redeems_with_the_household() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = founded(&sink, json!({"wallets": ["points"]})).await;
    club.home().await;
    let token = format!("Bearer {}", club.world.api_key(&[Scope::Till], None).await);
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let path = "/api/v1/loyalty/till/redemptions";
    let mut body = json!({"id": "t1", "member_id": club.members[0], "reward": "coffee", "points": 40, "store": "mitte", "receipt": "1"});
    let alone = club.world.request(Method::POST, path, &headers, body.to_string()).await;
    refused(&alone, StatusCode::CONFLICT, "insufficient_points");
    (body["id"], body["household"]) = (json!("t2"), json!(true));
    let done = club.world.request(Method::POST, path, &headers, body.to_string()).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(done.json()["paid_by_others"][0]["points"], 30);
    let cancel = format!("{path}/{}/cancelled", done.json()["redemption_id"].as_str().unwrap());
    let off = club.world.request(Method::POST, &cancel, &headers, String::new()).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text());
    assert_eq!((club.has(0).await, club.has(1).await), (10, 50));
}
