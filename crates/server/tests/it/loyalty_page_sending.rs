//! A member's own page: points sent to another's number, gifts by code, looked at before they are made, claimed and called back; and what hostile forms come to.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use serde_json::{Value, json};

use crate::engaging::{call, get, world};
use crate::loyalty_member_page::{FORM, available, earn, link, member, put, send};
use crate::loyalty_page_choices::forms;
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

struct Club {
    world: World,
    owner: Browser,
    /// Members and the paths of their pages.
    ann: (String, String),
    bob: (String, String),
}

impl Club {
    async fn found(sink: &Sink) -> Self {
        let (world, owner, key) = world(sink).await;
        let transfers = json!({"wallets": ["points"], "least": 100, "most": 1000, "out_per_year": 1500, "times_per_year": 4, "claim_days": 14});
        let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "transfers": transfers,
            "wallets": [{"key": "points", "name": "Points"}]});
        put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
        world.clock.advance(Timestamp::HOUR);
        let ann = member(&world, &owner, &key, 1, "ann@example.com").await;
        let bob = member(&world, &owner, &key, 2, "bob@example.com").await;
        earn(&world, &owner, "e1", &ann, 2000).await;
        let ann = (ann.clone(), link(&world, &owner, &ann).await);
        let bob = (bob.clone(), link(&world, &owner, &bob).await);
        Self { world, owner, ann, bob }
    }

    async fn has(&self) -> (i64, i64) {
        let of = async |id: &str| {
            let member = get(&self.world, &self.owner, &format!("/api/v1/loyalty/members/{id}")).await;
            member["wallets"][0]["available"].as_i64().unwrap_or(0)
        };
        (of(&self.ann.0).await, of(&self.bob.0).await)
    }

    /// Sends a form that asks first, and gives the form of the page that asks.
    async fn look(&self, path: &str, form: &str) -> (String, String) {
        let asked = send(&self.world, path, form).await;
        assert_eq!(asked.status, StatusCode::OK, "{form}: {}", asked.text());
        let html = asked.text();
        let sure = forms(&html, "sure", "yes").pop().unwrap_or_else(|| panic!("{html}"));
        (html, sure)
    }

    async fn transfers(&self) -> Vec<Value> {
        get(&self.world, &self.owner, "/api/v1/loyalty/transfers").await["rows"].as_array().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_are_sent_to_a_number_after_a_look() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = Club::found(&sink).await;
    let path = &club.ann.1;
    let html = club.world.get(path, &[]).await.text();
    for said in
        [club.ann.0.as_str(), "From 100 to 1,000 at once.", "send 1,500 more this year", "4 more times this year"]
    {
        assert!(html.contains(said), "{said}: {html}");
    }
    let chinese = club.world.get(&format!("{path}?lang=zh"), &[]).await.text();
    assert!(chinese.contains("今年还可赠送 1,500。"), "{chinese}");

    let (html, sure) = club.look(path, &format!("act=send&how=number&to={}&points=400", club.bob.0)).await;
    assert!(html.contains(&format!("Send 400 Points to the member with the number {}?", club.bob.0)), "{html}");
    assert!(html.contains("You have 2,000, and 1,600 are left."), "{html}");
    // Looking moved nothing and wrote nothing.
    assert_eq!((club.has().await, club.transfers().await), ((2000, 0), Vec::new()));
    for _ in 0..2 {
        let sent = send(&club.world, path, &sure).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
        assert!(sent.header("location").ends_with("done=sent#sending"), "{}", sent.header("location"));
        assert_eq!(club.has().await, (1600, 400));
    }
    let rows = club.transfers().await;
    assert_eq!((rows.len(), &rows[0]["made_by"], &rows[0]["state"]), (1, &json!("member"), &json!("done")));
    let html = club.world.get(&format!("{path}?done=sent"), &[]).await.text();
    assert!(html.contains("The points have arrived.") && html.contains("send 1,100 more this year"), "{html}");
    // The same question with other words is none.
    let other = sure.replace("points=400", "points=500");
    assert_eq!(send(&club.world, path, &other).await.status, StatusCode::CONFLICT);
    assert_eq!(club.has().await, (1600, 400));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gift_waits_for_whoever_has_its_code() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = Club::found(&sink).await;
    let (ann, bob) = (&club.ann.1, &club.bob.1);
    let (html, sure) = club.look(ann, "act=send&how=gift&points=300").await;
    assert!(html.contains("Make a gift of 300 Points?") && html.contains("you can call it back"), "{html}");
    assert_eq!(send(&club.world, ann, &sure).await.status, StatusCode::SEE_OTHER);
    assert_eq!(club.has().await, (1700, 0));
    let html = club.world.get(ann, &[]).await.text();
    // Behind the card, whose code looks the same.
    let section = html.split(r#"id="sending""#).nth(1).unwrap();
    let code = section.split(r#"<p class="code">"#).find_map(|it| {
        let code = it.split('<').next()?;
        (code.len() == 14 && code.matches('-').count() == 2).then(|| code.to_owned())
    });
    let code = code.unwrap_or_else(|| panic!("{html}"));
    // Others do not see it.
    assert!(!club.world.get(bob, &[]).await.text().contains(&code));

    let (html, sure) = club.look(bob, &format!("act=claim&code={code}")).await;
    assert!(html.contains("Claim this gift of 300 Points?"), "{html}");
    assert_eq!(club.has().await, (1700, 0), "it was looked at only");
    for _ in 0..2 {
        assert_eq!(send(&club.world, bob, &sure).await.status, StatusCode::SEE_OTHER);
        assert_eq!(club.has().await, (1700, 300));
    }
    let late = send(&club.world, ann, &format!("act=claim&code={code}&sure=yes")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text().contains("Somebody has claimed this gift already"), "{}", late.text());

    // Another one is called back: by whoever made it, and by nobody else.
    let (_, sure) = club.look(ann, "act=send&how=gift&points=200").await;
    assert_eq!(send(&club.world, ann, &sure).await.status, StatusCode::SEE_OTHER);
    let html = club.world.get(ann, &[]).await.text();
    let back = forms(&html, "act", "call_back").pop().unwrap_or_else(|| panic!("{html}"));
    assert_eq!(send(&club.world, bob, &back).await.status, StatusCode::CONFLICT);
    assert_eq!(club.has().await, (1500, 300));
    for _ in 0..2 {
        assert_eq!(send(&club.world, ann, &back).await.status, StatusCode::SEE_OTHER);
        assert_eq!(club.has().await, (1700, 300));
    }
    // What nobody claims is not there any more when its time is over.
    let (_, sure) = club.look(ann, "act=send&how=gift&points=100").await;
    assert_eq!(send(&club.world, ann, &sure).await.status, StatusCode::SEE_OTHER);
    club.world.clock.advance(15 * Timestamp::DAY);
    let path = link(&club.world, &club.owner, &club.ann.0).await;
    let html = club.world.get(&path, &[]).await.text();
    assert!(forms(&html, "act", "call_back").is_empty(), "{html}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_sent_is_refused_before_it_is_asked_and_when_it_is_done() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let club = Club::found(&sink).await;
    let path = &club.ann.1;
    let to_bob = |points: &str| format!("act=send&how=number&to={}&points={points}", club.bob.0);
    let to = |number: &str| format!("act=send&how=number&to={number}&points=200");
    let refused = [
        (to_bob("99"), "fewer than can be sent"),
        (to_bob("0"), "fewer than can be sent"),
        (to_bob("-200"), "fewer than can be sent"),
        (to_bob("abc"), "fewer than can be sent"),
        (to_bob("99999999999999999999"), "more than can be sent at once"),
        (to_bob("1001"), "more than can be sent at once"),
        (to(""), "No member has this number"),
        (to("1"), "No member has this number"),
        (to("-1"), "No member has this number"),
        (to("%3Cscript%3E"), "No member has this number"),
        (to(&club.ann.0), "your own number"),
        ("act=send&how=gift&points=200&wallet=miles".to_owned(), "cannot be sent at the moment"),
        ("act=claim&code=".to_owned(), "a character is wrong"),
        (format!("{}&sure=yes", to_bob("200")), "cannot be done now"),
        (format!("{}&sure=yes&id=x", to_bob("200")), "cannot be done now"),
        ("act=call_back&transfer=trf_1".to_owned(), "cannot be done now"),
    ];
    for (form, words) in refused {
        let sent = send(&club.world, path, &form).await;
        assert!(
            sent.status.is_client_error() && sent.text().contains(words),
            "{form}: {} {}",
            sent.status,
            sent.text()
        );
    }
    let foreign = [FORM, ("sec-fetch-site", "cross-site")];
    let sent = club.world.request(Method::POST, path, &foreign, to_bob("200")).await;
    assert_eq!((sent.status, sent.json()["code"].as_str()), (StatusCode::FORBIDDEN, Some("foreign_form")));
    assert_eq!((club.has().await, club.transfers().await), ((2000, 0), Vec::new()));

    // The limit of the year, met between the question and the answer.
    let (_, first) = club.look(path, &to_bob("1000")).await;
    let (_, second) = club.look(path, &to_bob("1000")).await;
    assert_eq!(send(&club.world, path, &first).await.status, StatusCode::SEE_OTHER);
    let over = send(&club.world, path, &second).await;
    assert!(
        over.status == StatusCode::CONFLICT && over.text().contains("more than you can send this year"),
        "{}",
        over.text()
    );
    assert_eq!(club.has().await, (1000, 1000));

    // Wrong codes are counted, looked at or not; then nobody tries a right one for a while.
    for at in 0..20 {
        let wrong = send(&club.world, &club.bob.1, "act=claim&code=RRRR-RRRR-RRRR").await;
        assert_eq!(wrong.status, StatusCode::NOT_FOUND, "{at}: {}", wrong.text());
    }
    let wrong = send(&club.world, &club.bob.1, "act=claim&code=RRRR-RRRR-RRRR").await;
    assert_eq!(wrong.status, StatusCode::TOO_MANY_REQUESTS, "{}", wrong.text());

    // Who is blocked sends nothing, and the page does not offer it.
    let blocked = json!({"standing": "blocked"});
    let path_of = format!("/api/v1/loyalty/members/{}", club.ann.0);
    let saved = call(&club.world, &club.owner, Method::PATCH, &path_of, blocked).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let html = club.world.get(path, &[]).await.text();
    assert!(html.contains("You cannot send or get points") && forms(&html, "act", "send").is_empty(), "{html}");
    let sent = send(&club.world, path, "act=send&how=gift&points=100").await;
    assert_eq!(sent.status, StatusCode::CONFLICT);
    assert_eq!(available(&club.world, &club.owner, &club.ann.0).await, 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_programme_without_transfers_says_nothing_of_them() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let program = json!({"name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "wallets": [{"key": "points", "name": "Points"}]});
    put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    world.clock.advance(Timestamp::HOUR);
    let ann = member(&world, &owner, &key, 1, "ann@example.com").await;
    let path = link(&world, &owner, &ann).await;
    let html = world.get(&path, &[]).await.text();
    assert!(!html.contains("Send points") && !html.contains(&ann), "{html}");
    let sent = send(&world, &path, "act=send&how=number&to=5&points=100").await;
    assert!(
        sent.status == StatusCode::CONFLICT && sent.text().contains("cannot be sent at the moment"),
        "{}",
        sent.text()
    );
}
