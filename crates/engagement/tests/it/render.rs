//! Messages as they come out: links and their hook, languages, the other channels, MJML.

use std::cell::RefCell;

use jiff::tz::TimeZone;
use rapport_engagement::content::message::{EmailMessage, LinkKind, LinkPlace, NoteMessage};
use rapport_engagement::content::{Language, Limits, Message, Prepared, Recipient, Template, with_parameters};
use serde_json::{Value, json};

fn prepared(content: Value) -> Prepared {
    let json = json!({"name": "t", "purpose": "service", "default_language": "en", "content": content});
    Prepared::new(&Template::from_json(json).unwrap(), Limits::default()).unwrap()
}

fn email(content: Value, data: &Value, recipient: &Recipient<'_>) -> EmailMessage {
    match prepared(json!({"email": content})).render(data, recipient).unwrap() {
        Message::Email(email) => email,
        Message::Note(note) => panic!("{note:?}"),
    }
}

fn note(content: Value, data: &Value, language: &str) -> NoteMessage {
    let language = Language::parse(language).unwrap();
    match prepared(content).render(data, &Recipient::new(&language, TimeZone::UTC)).unwrap() {
        Message::Note(note) => note,
        Message::Email(email) => panic!("{email:?}"),
    }
}

#[test]
fn each_link_is_asked_about_once_and_sent_in_both_parts() {
    let asked = RefCell::new(Vec::new());
    let hook = |link: LinkPlace<'_>| {
        asked.borrow_mut().push((link.number, link.url.to_owned()));
        Some(format!(
            "https://click.example/{}?\"u={}",
            link.number,
            with_parameters(link.url, &[("utm_source", "rapport")])
        ))
    };
    let english = Language::parse("en").unwrap();
    let recipient = Recipient {
        unsubscribe_url: Some("https://mail.example/u"),
        rewrite: Some(&hook),
        ..Recipient::new(&english, TimeZone::UTC)
    };
    let content = json!({"en": {"subject": "s", "blocks": [
        {"text": {"text": "[a](https://a.example/?x=1) [out]({{ unsubscribe_url }}) [mail](mailto:a@a.example)"}},
        {"button": {"label": "b", "url": "https://a.example/?x=1"}},
    ]}});
    let email = email(content, &json!({"unsubscribe_url": "https://evil.example/"}), &recipient);
    let links: Vec<_> = email.links.iter().map(|link| (link.number, link.kind, link.url.as_str())).collect();
    assert_eq!(
        links,
        [
            (0, LinkKind::Content, "https://a.example/?x=1"),
            (1, LinkKind::Unsubscribe, "https://mail.example/u"),
            (2, LinkKind::Contact, "mailto:a@a.example"),
            (3, LinkKind::Content, "https://a.example/?x=1"),
        ]
    );
    assert_eq!(*asked.borrow(), [(0, "https://a.example/?x=1".to_owned()), (3, "https://a.example/?x=1".to_owned())]);
    let sent = "https://click.example/3?%22u=https://a.example/?x=1&utm_source=rapport";
    assert_eq!(email.links[3].sent_url, sent);
    assert!(email.text.unwrap().contains(&format!("b: {sent}\n")));
    assert!(email.html.contains("href=\"https://click.example/3?%22u=https://a.example/?x=1&amp;utm_source=rapport\""));
    assert!(email.html.contains("href=\"https://mail.example/u\"") && !email.html.contains("evil"));
}

#[test]
fn each_reads_their_own_language_and_numbers() {
    let text = |word: &str| json!({"body": format!("{word} {{{{ n|number }}}} {{{{ at|date('long') }}}}")});
    let content = json!({"text": {"en": text("en"), "de": text("de"), "zh-Hans": text("zh")}});
    let data = json!({"n": 1234.5, "at": "2026-02-28T23:30:00Z"});
    for (language, expected) in [
        ("en-US", "en 1,234.5 February 28, 2026"),
        ("en-GB", "en 1,234.5 28 February 2026"),
        ("de-AT", "de 1.234,5 28. Februar 2026"),
        ("zh-CN", "zh 1,234.5 2026年2月28日"),
        ("fr", "en 1,234.5 February 28, 2026"),
    ] {
        assert_eq!(note(content.clone(), &data, language).body, expected, "{language}");
    }
    // The day is the person's.
    let language = Language::parse("zh-CN").unwrap();
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let Message::Note(note) = prepared(content).render(&data, &Recipient::new(&language, zone)).unwrap() else {
        panic!()
    };
    assert_eq!(note.body, "zh 1,234.5 2026年3月1日");
}

#[test]
fn other_channels_are_plain() {
    let content = json!({"push": {"en": {"title": "Hi {{ x }}", "body": "{{ x }}", "url": "https://a.example/{{ x }}", "image_url": "{{ i }}", "label": "Go"}}});
    let note = note(content, &json!({"x": "<b>\r\nü", "i": "ftp://a.example"}), "en");
    assert_eq!(note.title.as_deref(), Some("Hi <b> ü"));
    assert_eq!(note.body, "<b>\nü");
    assert_eq!(note.url.as_deref(), Some("https://a.example/%3Cb%3E%0A%C3%BC"));
    assert_eq!((note.image_url, note.label.as_deref(), note.dropped.len()), (None, Some("Go"), 1));
}

#[test]
fn a_missing_value_stops_the_message_and_names_its_place() {
    let content = json!({"push": {"en": {"title": "t", "body": "a\n {{ profile.name }}"}}});
    let language = Language::parse("en").unwrap();
    for data in [json!({}), json!({"profile": null}), json!({"profile": {"name": null}}), json!(null), json!([1])] {
        let error = prepared(content.clone()).render(&data, &Recipient::new(&language, TimeZone::UTC)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "content.push.en.body, line 2, column 5: `profile.name` has no value; give a fallback: `|default(\"...\")`"
        );
    }
}

#[test]
fn the_html_is_accessible_and_knows_dark_mode() {
    let arabic = Language::parse("ar").unwrap();
    let content = json!({"en": {"subject": "s", "blocks": [{"divider": {}}]}, "ar": {"subject": "s", "blocks": [
        {"image": {"url": "https://a.example/i.png", "alt": "\u{64a} \"q\""}}, {"heading": {"text": "h", "level": 2}}]}});
    let html = email(content, &json!({}), &Recipient::new(&arabic, TimeZone::UTC)).html;
    for expected in [
        "<html lang=\"ar\" dir=\"rtl\"",
        "role=\"article\"",
        "name=\"color-scheme\" content=\"light dark\"",
        "prefers-color-scheme:dark",
        "alt=\"\u{64a} &quot;q&quot;\"",
        "<h2 ",
        "name=\"viewport\"",
        "<title>s</title>",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
    let document = scraper::Html::parse_document(&html);
    let table = scraper::Selector::parse("table:not([role=presentation])").unwrap();
    assert_eq!(document.select(&table).count(), 0);
    // Nothing is loaded from another host but the author's own picture.
    assert_eq!(
        html.matches("http").count(),
        1 + html.matches("http-equiv").count() + html.matches("www.w3.org").count()
    );
}

#[test]
fn mjml_of_the_author() {
    let english = Language::parse("en").unwrap();
    let source = "<mjml><mj-head><mj-title>t</mj-title></mj-head><mj-body><mj-section><mj-column><mj-text>\
        {% for item in items %}<b>{{ item }}</b>{% if not loop.last %}, {% endif %}{% else %}none{% endfor %} \
        <a href=\"https://a.example/?a=1&amp;b={{ x }}\">go</a></mj-text></mj-column></mj-section></mj-body></mjml>";
    let content =
        json!({"en": {"subject": "s", "preheader": "p {{ x }}", "text": "{{ items|join(', ') }}", "mjml": source}});
    let recipient = Recipient::new(&english, TimeZone::UTC);
    let full = email(content.clone(), &json!({"items": ["a", "<b>"], "x": "y&z"}), &recipient);
    assert!(full.html.contains("<b>a</b>, <b>&lt;b&gt;</b>"), "{}", full.html);
    assert!(full.html.contains("<html lang=\"en\" dir=\"ltr\"") && full.html.contains(">p y&amp;z</div>"));
    assert!(full.html.contains("href=\"https://a.example/?a=1&amp;b=y%26z\""));
    assert_eq!(
        (full.text.as_deref(), full.links[0].url.as_str()),
        (Some("a, <b>\n"), "https://a.example/?a=1&b=y%26z")
    );
    assert!(email(content, &json!({"items": [], "x": "y"}), &recipient).html.contains("none"));
}

/// htmlparser 0.2.1, below mrml, panics at a `>` that follows such letters.
#[test]
fn mjml_may_hold_any_letters() {
    let english = Language::parse("en").unwrap();
    for text in ["价格>100", "é\">", "a>b", "é>é>", "{{ x }}é>"] {
        let source = format!(
            "<mjml><mj-head><mj-style>.a>.b{{}}</mj-style></mj-head><mj-body><mj-section><mj-column><mj-text>\
            <i title=\"é>\">é</i>{text}</mj-text></mj-column></mj-section></mj-body></mjml>"
        );
        let content = json!({"en": {"subject": "s", "mjml": source}});
        let html = email(content, &json!({"x": "中>"}), &Recipient::new(&english, TimeZone::UTC)).html;
        let shown = scraper::Html::parse_document(&html).root_element().text().collect::<String>();
        assert!(shown.contains(&text.replace("{{ x }}", "中>")) && html.contains(".a>.b{}"), "{text}: {html}");
    }
}

#[test]
fn groups_are_for_some() {
    let english = Language::parse("en").unwrap();
    let recipient = Recipient::new(&english, TimeZone::UTC);
    let content = json!({"en": {"subject": "s", "blocks": [
        {"group": {"when": "points >= 100", "blocks": [{"text": {"text": "rich"}}]}}, {"text": {"text": "all\n\n{% if vip %}\n\nvip\n\n{% endif %}"}}]}});
    for (data, expected) in
        [(json!({"points": 100, "vip": true}), "rich\n\nall\n\nvip\n"), (json!({"points": 99}), "all\n")]
    {
        let email = email(content.clone(), &data, &recipient);
        assert_eq!(email.text.as_deref(), Some(expected));
        assert_eq!(
            (email.html.contains("rich"), email.html.contains("vip")),
            (expected.contains("rich"), expected.contains("vip"))
        );
    }
}

/// What fills an approved text for a reader; or why it cannot be filled.
fn filled(approved: Value, data: &Value, language: &str) -> Result<Option<(String, Vec<String>)>, String> {
    let content = json!({"text": {"en": {"body": "Hello", "approved": approved}, "zh": {"body": "您好"}}});
    let template = json!({"name": "n", "purpose": "service", "default_language": "en", "content": content});
    let prepared = Prepared::new(&Template::from_json(template).unwrap(), Limits::default()).unwrap();
    let language = Language::parse(language).unwrap();
    let filled = prepared.approved(data, &Recipient::new(&language, TimeZone::UTC)).map_err(|it| it.to_string())?;
    Ok(filled.map(|it| {
        let gaps: Vec<String> = (1..=it.variables.len()).map(|gap| it.variables[&gap.to_string()].clone()).collect();
        (it.id, gaps)
    }))
}

#[test]
fn an_approved_text_is_filled_in_order_and_each_value_is_one_line() {
    let data = json!({"name": "Ann\r\n\tBee     Cee", "price": "1234.5"});
    let variables: Vec<String> = (0..11).map(|at| format!("{at} {{{{ name }}}}")).collect();
    let (id, gaps) = filled(json!({"id": "shipped", "variables": variables}), &data, "en").unwrap().unwrap();
    assert_eq!((id.as_str(), gaps.len()), ("shipped", 11));
    assert_eq!((gaps[0].as_str(), gaps[10].as_str()), ("0 Ann Bee Cee", "10 Ann Bee Cee"));
    // What data hold is never run.
    let (_, gaps) =
        filled(json!({"id": "x", "variables": ["{{ name }}"]}), &json!({"name": "{{1}}"}), "en").unwrap().unwrap();
    assert_eq!(gaps, ["{{1}}"]);
    let long = json!({"name": "x".repeat(5_000)});
    let (_, gaps) = filled(json!({"id": "x", "variables": ["{{ name }}"]}), &long, "en").unwrap().unwrap();
    assert_eq!(gaps[0].chars().count(), 1_024);
    assert_eq!(filled(json!({"id": "x"}), &data, "zh"), Ok(None), "each language has its own");
}

#[test]
fn what_whatsapp_would_refuse_is_not_handed_over() {
    for (approved, data, problem) in [
        (
            json!({"id": "x", "variables": ["{{ name }}"]}),
            json!({"name": " \n "}),
            "variables[0]: it is empty for this reader",
        ),
        (json!({"id": "x", "variables": ["{{ nothing }}"]}), json!({}), "has no value"),
        (json!({"id": "x y"}), json!({}), "content.text.en.approved.id"),
        (json!({"id": "x", "variables": ["a\nb"]}), json!({}), "WhatsApp takes no line breaks"),
    ] {
        let refused = filled(approved.clone(), &data, "en").unwrap_err();
        assert!(refused.contains(problem), "{approved}: {refused}");
    }
}
