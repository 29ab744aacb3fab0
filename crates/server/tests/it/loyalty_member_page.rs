//! A member's own page from outside: let in by a link of the shop's server, read in both languages, redeeming and calling off without JavaScript.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::{Role, Scope};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person, person, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

pub(crate) async fn put(world: &World, owner: &Browser, path: &str, body: Value) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

pub(crate) async fn earn(world: &World, owner: &Browser, id: &str, member: &str, amount: i64) {
    let act = json!({"kind": "earn", "amount": amount, "expires_at": "2031-03-31T22:00:00Z"});
    let body = json!({"operations": [{"id": id, "member_id": member, "act": act}]});
    let earned = call(world, owner, Method::POST, "/api/v1/loyalty/operations", body).await;
    assert_eq!(earned.status, StatusCode::OK, "{}", earned.text());
}

pub(crate) async fn member(world: &World, owner: &Browser, key: &str, number: u32, email: &str) -> String {
    happen(world, key, person(number, email)).await;
    let id = only_person(world, owner, email.split('@').next().unwrap()).await;
    let made = call(world, owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": id})).await.json();
    made["member_id"].as_str().unwrap().to_owned()
}

/// A programme whose staff write hostile names, and a member with 1,500 points.
async fn founded(sink: &Sink) -> (World, Browser, String, String) {
    let (world, owner, key) = world(sink).await;
    let program = json!({"name": "Trail <i>club", "zone": "Europe/Berlin", "currency": "EUR",
        "wallets": [{"key": "points", "name": "Points"}]});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    let mug = json!({"name": "A <script>mug</script>", "words": "Show it at the <b>till", "gives": {"kind": "code"},
        "prices": [{"points": 700}], "cancel_within_hours": 1, "limits": [{"most": 1, "per": "member", "every": "ever"}]});
    put(&world, &owner, "/api/v1/loyalty/rewards/mug", json!({"version": 0, "state": "live", "reward": mug})).await;
    let tent = json!({"name": "A tent", "gives": {"kind": "delivered"}, "prices": [{"points": 2000}]});
    put(&world, &owner, "/api/v1/loyalty/rewards/tent", json!({"version": 0, "state": "live", "reward": tent})).await;
    let film = json!({"name": "A film", "gives": {"kind": "code"}, "prices": [{"points": 1}]});
    let body = json!({"version": 0, "state": "live", "reward": film, "text": "fact plan = gold"});
    put(&world, &owner, "/api/v1/loyalty/rewards/film", body).await;
    world.clock.advance(Timestamp::HOUR);
    let ann = member(&world, &owner, &key, 1, "ann@example.com").await;
    earn(&world, &owner, "e1", &ann, 1500).await;
    (world, owner, key, ann)
}

pub(crate) async fn link(world: &World, owner: &Browser, member: &str) -> String {
    let path = format!("/api/v1/loyalty/members/{member}/page-link");
    let made = call(world, owner, Method::POST, &path, json!(null)).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let url = made.json()["url"].as_str().unwrap().to_owned();
    url.strip_prefix("https://shop.example").unwrap().to_owned()
}

/// The form of a reward as the page holds it.
pub(crate) fn form_of(html: &str, reward: &str) -> String {
    let form = html.split("<form").find(|form| form.contains(&format!(r#"name="reward" value="{reward}""#))).unwrap();
    let fields = form.split(r#"<input type="hidden" name=""#).skip(1).map(|field| {
        let (name, rest) = field.split_once(r#"" value=""#).unwrap();
        format!("{name}={}", rest.split('"').next().unwrap())
    });
    fields.collect::<Vec<_>>().join("&")
}

pub(crate) async fn send(world: &World, path: &str, form: &str) -> Answer {
    world.request(Method::POST, path, &[FORM], form.to_owned()).await
}

pub(crate) async fn available(world: &World, owner: &Browser, member: &str) -> i64 {
    get(world, owner, &format!("/api/v1/loyalty/members/{member}")).await["wallets"][0]["available"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_sees_redeems_and_calls_off() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, ann) = founded(&sink).await;
    let path = link(&world, &owner, &ann).await;
    let page = world.get(&path, &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    let html = page.text();
    // The row of what lapses and the sum of all rows; the end is midnight in Berlin, so that the last day is the 31st.
    assert!(html.contains("31 March 2031") && html.matches(r#"<td class="number">1,500</td>"#).count() == 2, "{html}");
    assert!(html.contains("700 Points") && html.contains("2,000 Points · 500 more needed"), "{html}");
    assert!(!html.contains("A film"), "not for her: {html}");
    assert!(!html.contains("<script>mug") && !html.contains("<b>till") && !html.contains("<i>club"), "{html}");
    assert!(!html.contains("ann@example.com") && !html.contains(&ann), "{html}");
    let chinese = world.get(&format!("{path}?lang=zh"), &[]).await.text();
    assert!(chinese.contains("2031年3月31日") && chinese.contains("还差 500"), "{chinese}");

    let form = form_of(&html, "mug");
    for _ in 0..2 {
        // Sent twice it is done once.
        let sent = send(&world, &path, &form).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
        assert!(sent.header("location").ends_with("done=redeemed#redeemed"), "{}", sent.header("location"));
        assert_eq!(available(&world, &owner, &ann).await, 800);
    }
    let html = world.get(&format!("{path}?done=redeemed"), &[]).await.text();
    let given = get(&world, &owner, &format!("/api/v1/loyalty/members/{ann}/redemptions")).await;
    assert_eq!((given["rows"].as_array().unwrap().len(), &given["rows"][0]["redeemed_by"]), (1, &json!("member")));
    let own = given["rows"][0]["redemption_id"].as_str().unwrap();
    let full = get(&world, &owner, &format!("/api/v1/loyalty/redemptions/{own}")).await;
    assert!(html.contains(full["codes"][0].as_str().unwrap()) && html.contains("It is yours."), "{html}");
    assert!(html.contains("700 Points · You have had as many"), "her limit is used up: {html}");
    assert!(html.contains("Redeemed · A &#60;script&#62;mug") && html.contains("−700"), "{html}");

    let cancel = format!("act=cancel&redemption={own}");
    for _ in 0..2 {
        assert_eq!(send(&world, &path, &cancel).await.status, StatusCode::SEE_OTHER);
        assert_eq!(available(&world, &owner, &ann).await, 1500);
    }
    let html = world.get(&path, &[]).await.text();
    assert!(html.contains("Called off") && html.contains("Given back"), "{html}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_let_in_changes_and_learns_nothing() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, ann) = founded(&sink).await;
    let bob = member(&world, &owner, &key, 2, "bob@example.com").await;
    let path = link(&world, &owner, &ann).await;
    let html = world.get(&path, &[]).await.text();
    let form = form_of(&html, "mug");

    // Another site, another price, no price, a word that is none of ours, nothing at all.
    let foreign = [FORM, ("sec-fetch-site", "cross-site")];
    let sent = world.request(Method::POST, &path, &foreign, form.clone()).await;
    assert_eq!((sent.status, sent.json()["code"].as_str()), (StatusCode::FORBIDDEN, Some("foreign_form")));
    let cheaper = form.replace("points=700", "points=1");
    for bad in [cheaper.as_str(), "act=redeem&reward=mug&id=x", "act=redeem&reward=film&points=1&wallet=points"] {
        let sent = send(&world, &path, bad).await;
        assert_eq!(sent.status, StatusCode::CONFLICT, "{bad}: {}", sent.text());
        assert!(sent.text().contains("The price has changed"), "{bad}");
    }
    assert_eq!(send(&world, &path, "act=<script>").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(available(&world, &owner, &ann).await, 1500);

    // What somebody else redeemed is unknown to her.
    earn(&world, &owner, "e2", &bob, 700).await;
    let body = json!({"id": "b1", "member_id": bob, "reward": "mug"});
    let his = call(&world, &owner, Method::POST, "/api/v1/loyalty/redemptions", body).await.json();
    let cancel = format!("act=cancel&redemption={}", his["redemption_id"].as_str().unwrap());
    assert_eq!(send(&world, &path, &cancel).await.status, StatusCode::CONFLICT);
    assert_eq!(available(&world, &owner, &bob).await, 0);

    // Of the same reward at once, only as many as a member may have.
    let other = form_of(&world.get(&path, &[]).await.text(), "mug");
    let (one, two) = tokio::join!(send(&world, &path, &form), send(&world, &path, &other));
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    assert_eq!(available(&world, &owner, &ann).await, 800);

    // Links that are cut, of another kind, too old, or of somebody who was forgotten.
    for none in [&path[..path.len() - 2], "/member/x", "/member/AAAAAAAAAAM"] {
        let page = world.get(none, &[]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{none}");
        assert!(page.text().contains("does not work"), "{none}");
    }
    world.clock.advance(Timestamp::HOUR);
    assert_eq!(world.get(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(send(&world, &path, &form).await.status, StatusCode::NOT_FOUND);
    let path = link(&world, &owner, &ann).await;
    let id = only_person(&world, &owner, "ann").await;
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{id}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    assert_eq!(world.get(&path, &[]).await.status, StatusCode::NOT_FOUND);
    let again = format!("/api/v1/loyalty/members/{ann}/page-link");
    assert_eq!(call(&world, &owner, Method::POST, &again, json!(null)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_leads_to_its_member_until_there_is_a_newer_one() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, ann) = founded(&sink).await;
    let card = format!("/api/v1/loyalty/members/{ann}/card");
    assert_eq!(world.get(&card, &owner.reads()).await.status, StatusCode::NOT_FOUND, "she has none");
    // Whoever is sent to her page has one; two at once have the same.
    let (path, other) = tokio::join!(link(&world, &owner, &ann), link(&world, &owner, &ann));
    let first = get(&world, &owner, &card).await;
    let code = first["code"].as_str().unwrap();
    for path in [path, other] {
        let html = world.get(&path, &[]).await.text();
        assert!(html.contains(code) && html.contains(first["svg"].as_str().unwrap()), "{html}");
    }
    let look_up = async |code: &str| {
        call(&world, &owner, Method::POST, "/api/v1/loyalty/cards/lookup", json!({"code": code})).await
    };
    let found = look_up(&format!(" {} ", code.to_lowercase())).await.json();
    assert_eq!((&found["member_id"], &found["wallets"][0]["available"]), (&json!(ann), &json!(1500)));

    let second = call(&world, &owner, Method::POST, &card, json!(null)).await.json();
    let void = look_up(code).await;
    assert_eq!((void.status, &void.json()["code"]), (StatusCode::CONFLICT, &json!("card_void")));
    let code = second["code"].as_str().unwrap();
    assert_eq!(look_up(code).await.status, StatusCode::OK);
    for (bad, refusal) in [("", "card_mistyped"), ("R222-2222-2223", "card_mistyped"), ("SOMMER", "card_unknown")] {
        assert_eq!(look_up(bad).await.json()["code"], refusal, "{bad}");
    }
    let viewer = world.browser(Role::Viewer).await;
    for method in [Method::GET, Method::POST] {
        assert_eq!(call(&world, &viewer, method, &card, json!(null)).await.status, StatusCode::FORBIDDEN);
    }

    let id = only_person(&world, &owner, "ann").await;
    let shown = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{id}/access"), json!(null)).await.json();
    assert_eq!(shown["tables"]["loyalty_cards"].as_array().unwrap().len(), 2, "{shown}");
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{id}/erasure"), json!({})).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    assert_eq!(look_up(code).await.json()["code"], "card_unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_made_by_who_serves_members() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, _, _, ann) = founded(&sink).await;
    let path = format!("/api/v1/loyalty/members/{ann}/page-link");
    let analyst = world.browser(Role::Analyst).await;
    assert_eq!(call(&world, &analyst, Method::POST, &path, json!(null)).await.status, StatusCode::FORBIDDEN);
    for (scope, status) in [(Scope::Read, StatusCode::FORBIDDEN), (Scope::Write, StatusCode::OK)] {
        let key = format!("Bearer {}", world.api_key(&[scope], None).await);
        let made = world.request(Method::POST, &path, &[("authorization", key.as_str())], "").await;
        assert_eq!(made.status, status, "{}", made.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_shown_in_the_frame_of_the_site_that_asked_and_in_no_other() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _, ann) = founded(&sink).await;
    let asked = async |frame: &str| {
        let path = format!("/api/v1/loyalty/members/{ann}/page-link?frame={frame}");
        call(&world, &owner, Method::POST, &path, json!(null)).await
    };
    for bad in [
        "*",
        "https://*",
        "http://shop.example",
        "https://shop.example/account",
        "https://a.example%20https://b.example",
    ] {
        let refused = asked(bad).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", refused.text());
        assert_eq!(refused.json()["code"], "invalid_value");
    }
    let made = asked("https://Shop.example:8443/").await;
    let url = made.json()["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("https://shop.example").unwrap();
    let page = world.get(path, &[]).await;
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.ends_with("frame-ancestors https://shop.example:8443"), "{policy}");
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    // What is done in the frame is shown in it again, refusals too.
    let refused =
        send(&world, path, "act=redeem&id=00000000000000000000000000000000&reward=none&wallet=points&points=1").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.header("content-security-policy"), policy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_see_what_they_do_go_on_leaderboards_and_get_their_link_for_friends() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key, ann) = founded(&sink).await;
    let badge = json!({"version": 0, "state": "live", "badge": {"name": "Regular <b>", "words": "Five times"}});
    put(&world, &owner, "/api/v1/loyalty/badges/regular", badge).await;
    let walk = json!({"name": "Five <i>walks", "event": "Walk Uploaded", "counts": {"kind": "times"}, "steps": [{"target": 2, "badge": "regular"}, {"target": 5, "points": 70}]});
    put(&world, &owner, "/api/v1/loyalty/challenges/walk", json!({"version": 0, "state": "live", "challenge": walk}))
        .await;
    let vip = json!({"name": "Not for her", "event": "Walk Uploaded", "counts": {"kind": "times"}, "steps": [{"target": 1}],
        "who": {"fact": {"key": "trait.plan", "op": "equals", "value": "gold"}}});
    put(&world, &owner, "/api/v1/loyalty/challenges/vip", json!({"version": 0, "state": "live", "challenge": vip}))
        .await;
    let board = json!({"name": "Walkers <u>", "ranks": {"kind": "challenge", "challenge": "walk"}, "period": {"kind": "month"}});
    put(
        &world,
        &owner,
        "/api/v1/loyalty/leaderboards/walkers",
        json!({"version": 0, "state": "live", "leaderboard": board}),
    )
    .await;
    let friends = json!({"name": "Friends <s>", "page": {"address": "https://shop.example/hello", "words": "Ten percent off"},
        "referrer": {"steps": [{"from": 1, "points": 100}]}, "qualifies": {}});
    let body = json!({"version": 0, "state": "live", "program": friends});
    put(&world, &owner, "/api/v1/loyalty/referrals/programs/friends", body).await;
    let bea = member(&world, &owner, &key, 2, "bea@example.com").await;
    world.clock.advance(Timestamp::HOUR);
    let walk = |id: &str, who: &str| crate::engaging::track(id, who, "Walk Uploaded", json!({}));
    happen(&world, &key, vec![walk("w1", "u1"), walk("w2", "u1"), walk("w3", "u1"), walk("w4", "u2")]).await;

    let path = link(&world, &owner, &ann).await;
    let html = world.get(&path, &[]).await.text();
    assert!(
        html.contains("Five &#60;i&#62;walks") && html.contains("3 of 5") && html.contains("Gives 70 Points."),
        "{html}"
    );
    assert!(html.contains("Regular &#60;b&#62;") && !html.contains("Not for her"), "{html}");
    assert!(html.contains("Nobody is on it yet."), "nobody asked: {html}");
    assert!(
        !html.contains("<i>walks") && !html.contains("<b>") && !html.contains("<u>") && !html.contains("<s>"),
        "{html}"
    );
    for bad in ["", "ann%40example.com"] {
        let refused = send(&world, &path, &format!("act=join&key=walkers&name={bad}")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.text().contains("others read it"), "{}", refused.text());
    }
    let joined = send(&world, &path, "act=join&key=walkers&name=Swift+%3Cb%3EAnn").await;
    assert_eq!((joined.status, joined.header("location").ends_with("#join")), (StatusCode::SEE_OTHER, true));
    let other = link(&world, &owner, &bea).await;
    let taken = send(&world, &other, "act=join&key=walkers&name=swift+%3Cb%3Eann").await;
    assert!(taken.status == StatusCode::CONFLICT && taken.text().contains("has that name"), "{}", taken.text());
    assert_eq!(send(&world, &other, "act=join&key=walkers&name=Bea").await.status, StatusCode::SEE_OTHER);
    assert_eq!(send(&world, &other, "act=join&key=none&name=Bea").await.status, StatusCode::CONFLICT);
    let html = world.get(&other, &[]).await.text();
    assert!(html.contains("You are on place 2 of 2.") && html.contains("1. Swift &#60;b&#62;Ann"), "{html}");
    assert!(!html.contains("<b>Ann") && html.contains("<strong>(you)</strong>"), "{html}");
    let chinese = world.get(&format!("{other}?lang=zh"), &[]).await.text();
    assert!(chinese.contains("您排第 2 名，共 2 人。"), "{chinese}");
    assert_eq!(send(&world, &path, "act=leave&key=walkers").await.status, StatusCode::SEE_OTHER);
    assert!(!world.get(&other, &[]).await.text().contains("Swift"));

    assert_eq!(send(&world, &path, "act=friends&key=none").await.status, StatusCode::CONFLICT);
    for _ in 0..2 {
        assert_eq!(send(&world, &path, "act=friends&key=friends").await.status, StatusCode::SEE_OTHER);
    }
    let codes = get(&world, &owner, &format!("/api/v1/loyalty/members/{ann}/referral-codes")).await;
    let rows = codes["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{codes}");
    let html = world.get(&path, &[]).await.text();
    assert!(html.contains(rows[0]["code"].as_str().unwrap()) && html.contains("Ten percent off"), "{html}");
    let foreign = world
        .request(Method::POST, &path, &[FORM, ("sec-fetch-site", "cross-site")], "act=leave&key=walkers".to_owned())
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}
