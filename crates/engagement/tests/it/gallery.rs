//! The ready templates: no errors, and each renders as it should in both languages.

use jiff::tz::TimeZone;
use rapport_engagement::content::message::EmailMessage;
use rapport_engagement::content::{Language, Limits, Message, Prepared, Recipient, Severity, check, gallery};

fn rendered(key: &str, language: &str) -> EmailMessage {
    let ready = gallery::ready(key).unwrap();
    let language = Language::parse(language).unwrap();
    let recipient = Recipient {
        unsubscribe_url: Some("https://mail.example/u/1"),
        preferences_url: Some("https://mail.example/p/1"),
        view_url: Some("https://mail.example/v/1"),
        ..Recipient::new(&language, TimeZone::UTC)
    };
    let prepared = Prepared::new(&ready.template, Limits::default()).unwrap();
    match prepared.render(&ready.example, &recipient).unwrap() {
        Message::Email(email) => email,
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn each_passes_the_check() {
    for key in gallery::keys() {
        let ready = gallery::ready(key).unwrap();
        let findings = check(&ready.template, &ready.tokens, Limits::default());
        let serious: Vec<_> = findings.iter().filter(|finding| finding.severity != Severity::Hint).collect();
        assert!(serious.is_empty(), "{key}: {serious:#?}");
    }
    assert_eq!(gallery::keys().count(), 23);
    assert!(gallery::ready("nothing").unwrap_err().to_string().contains("there are welcome, abandoned_cart"));
}

#[test]
fn each_renders_in_both_languages_and_without_what_is_optional() {
    let is_mail = |key: &&str| gallery::ready(key).unwrap().template.content.word() == "email";
    for key in gallery::keys().filter(is_mail) {
        for language in ["en", "zh-CN"] {
            let email = rendered(key, language);
            assert!(email.dropped.is_empty(), "{key}: {:?}", email.dropped);
            assert!(!email.html.contains("zqslot") && !email.html.contains("{{"), "{key}: something was not put back");
            assert!(email.html.contains("Juniper &amp; Co"), "{key}: the footer names the company");
            assert!(email.html.len() < 102 * 1024, "{key}");
            let text = email.text.unwrap();
            assert!(text.contains("Juniper & Co") && !text.contains("zqslot"), "{key}: {text}");
            for link in &email.links {
                assert!(text.contains(&link.url), "{key}: the plain text lacks {}", link.url);
            }
        }
        let mut ready = gallery::ready(key).unwrap();
        let optional: Vec<_> =
            ready.tokens.iter().filter(|token| !token.always).map(|token| token.path.clone()).collect();
        assert!(!optional.is_empty(), "{key}");
        for path in optional {
            let pointer = format!("/{}", path.replace('.', "/"));
            *ready.example.pointer_mut(&pointer).unwrap() = serde_json::Value::Null;
        }
        let language = Language::parse("en").unwrap();
        let recipient = Recipient {
            unsubscribe_url: Some("https://mail.example/u"),
            preferences_url: Some("https://mail.example/p"),
            view_url: Some("https://mail.example/v"),
            ..Recipient::new(&language, TimeZone::UTC)
        };
        Prepared::new(&ready.template, Limits::default()).unwrap().render(&ready.example, &recipient).unwrap();
    }
}

#[test]
fn what_is_no_mail_leads_to_its_survey_in_both_languages() {
    for key in ["survey_invitation_text", "survey_invitation_push"] {
        let ready = gallery::ready(key).unwrap();
        for (tag, words) in [("en", "about a minute"), ("zh", "大约一分钟")] {
            let language = Language::parse(tag).unwrap();
            let prepared = Prepared::new(&ready.template, Limits::default()).unwrap();
            let message = prepared.render(&ready.example, &Recipient::new(&language, TimeZone::UTC)).unwrap();
            let Message::Note(note) = message else { panic!("{key}: {message:?}") };
            assert!(note.body.contains(words), "{key}: {note:?}");
            assert_eq!(note.url.as_deref(), Some("https://shop.example/s/x1"));
        }
    }
}

#[test]
fn the_cart_says_what_is_in_it() {
    let english = rendered("abandoned_cart", "en");
    assert_eq!(english.subject, "You left 2 things in your cart");
    assert_eq!(
        english.text.unwrap(),
        "Still thinking it over?\n\nHello Mei, your cart is as you left it.\n\n\
         Walnut desk lamp\n1 × €49.90\nhttps://shop.example/p/lamp\n\nWool blanket\n2 × €129.00\nhttps://shop.example/p/blanket\n\n\
         Together: €307.90\n\nBack to your cart: https://shop.example/cart\n\n\
         Is something unclear? Answer this e-mail, we help gladly.\n\n----\n\n\
         You get this e-mail because you asked for news from Juniper & Co.\n\
         Unsubscribe (https://mail.example/u/1) · Choose what you get (https://mail.example/p/1) · View in browser (https://mail.example/v/1)\n\n\
         Juniper & Co, 12 Harbour Lane, Hamburg\n"
    );
    assert_eq!(rendered("abandoned_cart", "zh").subject, "您的购物车里还有 2 件商品");
    assert_eq!(rendered("lapse_warning", "de").subject, "450 points expire on Dec 31, 2026");
}

/// One whole HTML, so that a change of the layout is seen. Written anew with `UPDATE_GOLDEN=1`.
#[test]
fn the_golden_email() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/birthday.html");
    let html = rendered("birthday", "en").html;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &html).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == html,
        "the HTML of birthday.html has changed: look at it, then UPDATE_GOLDEN=1"
    );
}
