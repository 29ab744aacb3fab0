//! Each finding of the check: it is there where it should be, and only there.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rapport_engagement::content::{Finding, Language, Limits, Prepared, Recipient, Severity, Template, Token, check};
use serde_json::{Value, json};

fn tokens() -> Vec<Token> {
    let token = |path: &str, always| Token { path: path.into(), always };
    vec![
        token("profile.first_name", false),
        token("company", true),
        token("cart.items", false),
        token("vip", false),
        token("points", true),
    ]
}

fn found_in(purpose: &str, content: Value) -> Vec<Finding> {
    let json = json!({"name": "t", "purpose": purpose, "default_language": "en", "content": content});
    check(&Template::from_json(json).unwrap(), &tokens(), Limits::default())
}

fn good() -> Value {
    json!({"subject": "News for you", "preheader": "Three things", "blocks": [
        {"heading": {"text": "Hello {{ profile.first_name|default('there') }}"}},
        {"image": {"url": "https://a.example/i.png", "alt": "A lamp", "bytes": 40_000}},
        {"products": {"each": "cart.items|default([])", "title": "{{ product.name|default('?') }}", "url": "{{ product.url|default(company.url) }}"}},
        {"text": {"text": "{% if profile.first_name %}{{ profile.first_name }}{% endif %} {{ company.name }} [Out]({{ unsubscribe_url }})"}},
    ]})
}

/// The findings of the good e-mail after one change.
fn changed(pointer: &str, value: Value) -> Vec<Finding> {
    let mut email = good();
    *email.pointer_mut(pointer).unwrap() = value;
    found_in("marketing", json!({"email": {"en": email}}))
}

fn with_text(text: &str) -> Vec<Finding> {
    changed("/blocks/0", json!({"text": {"text": text}}))
}

#[test]
fn a_good_email_has_no_findings() {
    assert_eq!(found_in("marketing", json!({"email": {"en": good()}})), []);
}

#[test]
fn each_rule_finds_its_fault() {
    // Six rows at most.
    let big = "x".repeat(20_000);
    for (pointer, value, code, severity, place) in [
        ("/subject", json!(""), "subject_empty", Severity::Error, "subject"),
        ("/subject", json!("x".repeat(61)), "subject_long", Severity::Hint, "subject"),
        ("/subject", json!("x".repeat(201)), "subject_cut", Severity::Warning, "subject"),
        ("/subject", json!("BUY THIS LAMP"), "subject_capitals", Severity::Hint, "subject"),
        ("/subject", json!("Look! Here!"), "subject_exclamation", Severity::Hint, "subject"),
        ("/subject", json!("看！这里！"), "subject_exclamation", Severity::Hint, "subject"),
        ("/subject", json!("Act now, friend"), "subject_words", Severity::Hint, "subject"),
        ("/preheader", json!(""), "no_preheader", Severity::Hint, "preheader"),
        ("/subject", json!("{{ profile.frist_name|default('x') }}"), "unknown_token", Severity::Error, "subject"),
        ("/subject", json!("{{ profile.first_name }}"), "no_fallback", Severity::Error, "subject"),
        ("/subject", json!("Hi {{ profile.first_name|upper }}"), "no_fallback", Severity::Error, "subject"),
        ("/subject", json!("Hi {{ x }"), "template_syntax", Severity::Error, "subject"),
        ("/subject", json!("{{ 9**9**9 }}"), "template_value_unfit", Severity::Error, "subject"),
        ("/blocks/1/image/alt", json!(" "), "image_without_alt", Severity::Warning, "blocks[1].image"),
        ("/blocks/1/image/bytes", json!(200_001), "image_too_large", Severity::Warning, "blocks[1].image"),
        (
            "/blocks/1/image/url",
            json!("http://a.example/i.png"),
            "url_not_secure",
            Severity::Warning,
            "blocks[1].image.url",
        ),
        ("/blocks/1/image/url", json!("cid:logo"), "url_not_allowed", Severity::Error, "blocks[1].image.url"),
        (
            "/blocks/2/products/url",
            json!("/p/{{ points }}"),
            "url_not_allowed",
            Severity::Error,
            "blocks[2].products.url",
        ),
        (
            "/blocks/2/products/url",
            json!("https://a.example{{ points }}"),
            "url_not_allowed",
            Severity::Error,
            "blocks[2].products.url",
        ),
        ("/blocks/2/products/url", json!("javascript:x"), "url_not_allowed", Severity::Error, "blocks[2].products.url"),
        ("/blocks/2/products/url", json!(""), "url_not_allowed", Severity::Error, "blocks[2].products.url"),
        ("/blocks/2/products/each", json!("cart.items"), "no_fallback", Severity::Error, "blocks[2].products.each"),
        (
            "/blocks/2/products/title",
            json!("{{ product.name }}"),
            "no_fallback",
            Severity::Error,
            "blocks[2].products.title",
        ),
        ("/blocks/2/products/title", json!(big), "html_too_large", Severity::Warning, ""),
        ("/blocks/3", json!({"text": {"text": "no way out"}}), "no_unsubscribe_link", Severity::Error, ""),
        // Named, but no link.
        ("/blocks/3", json!({"text": {"text": "{{ unsubscribe_url }}"}}), "no_unsubscribe_link", Severity::Error, ""),
    ] {
        let found = changed(pointer, value.clone());
        let place = format!("content.email.en{}{place}", if place.is_empty() { "" } else { "." });
        let serious: Vec<_> = found.iter().map(|f| (f.code, f.severity, f.place.as_str())).collect();
        assert_eq!(serious, [(code, severity, &*place)], "{pointer} = {value:.80}");
    }
}

#[test]
fn texts_and_loops() {
    for (text, code) in [
        ("{% for i in cart.items|default([]) %}{{ i.name|default('') }}{% endfor %}", "loop_unlimited"),
        ("{% for i in [1] * 101 %}x{% endfor %}", "loop_too_large"),
        ("{% if points > 3 and profile.first_name == 'x' %}x{% endif %}", "no_fallback"),
        ("{% if vip %}{{ profile.first_name }}{% endif %}", "no_fallback"),
        ("{{ 'x' if points > 3 else profile.first_name }}", "no_fallback"),
        ("{{ ('x' if points > 3 else profile.first_name)|upper }}", "no_fallback"),
        ("{{ nothing.here|default('x') }}", "unknown_token"),
        ("[x](http://a.example)", "url_not_secure"),
        ("[x](mailto:)", "url_not_allowed"),
        ("{% if vip %}", "template_syntax"),
        ("{% if vip %}\n\n- a\n{% endif %}", "template_invalid"),
    ] {
        let codes: Vec<_> = with_text(text).iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{text}");
    }
    // It needs no data, so that it cannot be written is found by trying.
    let endless = with_text("{% for i in [1] * 1000000000 %}x{% endfor %}");
    let codes: Vec<_> = endless.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["loop_too_large", "template_value_unfit"]);
    let nested = "{% for a in cart.items|default([])|limit(3) %}{% for b in cart.items|default([])|limit(3) %}{% for c in cart.items|default([])|limit(3) %}x{% endfor %}{% endfor %}{% endfor %}";
    assert_eq!(with_text(nested).iter().map(|f| f.code).collect::<Vec<_>>(), ["loops_nested"]);
    for text in [
        "{% for i in [1, 2, 3] %}{{ i }} {{ loop.index }}{% endfor %}",
        "{% if profile.first_name %}Dear {{ profile.first_name|upper }}{% endif %}",
        "{% if not vip %}x{% endif %}{% if vip is defined %}y{% endif %}",
        "{% if vip and points > 3 %}x{% endif %}{{ vip or 'x' }}",
        "{{ ('x' if points > 3 else company.name)|upper }}",
        "{% if points > 3 %}{{ points|number }}{% endif %}",
        "[mail](mailto:{{ company.email }}) [call](tel:+49{{ company.phone }}) [web](https://a.example/{{ points }})",
    ] {
        assert_eq!(with_text(text), [], "{text}");
    }
}

#[test]
fn a_finding_says_where_and_what_to_do() {
    let found = with_text("a\nb {{ profile.first_name|nix }}");
    let Finding { line, column, text, .. } = &found[0];
    assert_eq!((*line, *column), (Some(2), Some(25)));
    assert!(text.starts_with("Found `nix`; expected a filter: default, upper"), "{text}");
    for finding in with_text("{{ profile.first_name }} [x](ftp://a.example)") {
        assert!(
            finding.text.ends_with('.') && finding.text.contains("fallback") | finding.text.contains("https"),
            "{}",
            finding.text
        );
    }
}

#[test]
fn languages_are_compared() {
    let mut other = good();
    *other.pointer_mut("/blocks/2").unwrap() = json!({"divider": {}});
    let found = found_in("marketing", json!({"email": {"en": good(), "zh": other}}));
    let found: Vec<_> = found.iter().map(|f| (f.code, f.severity, f.place.as_str())).collect();
    assert_eq!(found, [("variants_differ", Severity::Warning, "content.email.zh")]);
}

#[test]
fn mjml_has_rules_of_its_own() {
    let with = |inner: &str| {
        let source = format!("<mjml><mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>");
        let found = found_in(
            "service",
            json!({"email": {"en": {"subject": "Hi", "preheader": "p", "text": "t", "mjml": source}}}),
        );
        found.iter().map(|f| f.code).collect::<Vec<_>>()
    };
    assert_eq!(with("<mj-text>a</mj-text>"), [""; 0]);
    assert_eq!(with("<mj-image src=\"https://a.example/i.png\" />"), ["image_without_alt"]);
    assert_eq!(with("<mj-raw><script>x()</script></mj-raw>"), ["code_in_html"]);
    assert_eq!(with("<mj-text><p onclick=\"x\">a</p></mj-text>"), ["code_in_html"]);
    assert_eq!(with("<mj-text><a href=\"/x\">a</a></mj-text>"), ["url_not_allowed"]);
    assert_eq!(with("<mj-nothing>"), ["template_invalid"]);
    let no_text = found_in(
        "service",
        json!({"email": {"en": {"subject": "Hi", "preheader": "p", "mjml": "<mjml><mj-body></mj-body></mjml>"}}}),
    );
    assert_eq!(no_text.iter().map(|f| f.code).collect::<Vec<_>>(), ["no_plain_text"]);
}

#[test]
fn other_channels() {
    let push =
        |note: Value| found_in("marketing", json!({"push": {"en": note}})).iter().map(|f| f.code).collect::<Vec<_>>();
    assert_eq!(push(json!({"title": "Hi", "body": "x", "url": "https://a.example/"})), [""; 0]);
    assert_eq!(push(json!({"title": "{{ profile.first_name }}", "body": "x"})), ["no_fallback"]);
    assert_eq!(push(json!({"title": "Hi", "body": " "})), ["body_empty"]);
    assert_eq!(push(json!({"title": "Hi", "body": "x", "image_url": "data:x"})), ["url_not_allowed"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// What the check promises: without errors, nobody who has the tokens that are always there lacks a value.
    #[test]
    fn without_errors_everyone_gets_the_message(
        pieces in prop::collection::vec(prop::sample::select(
            &["{{ profile.first_name }}", "{{ profile.first_name|default('x') }}", "{{ points }}", "{{ points|money('EUR') }}",
              "{{ vip or points }}", "{{ points or vip }}", "{{ points and vip }}", "{{ vip if points > 3 else 'x' }}",
              "{{ 'x' if points > 3 else vip|default('y') }}", "{{ (vip or points)|upper }}", "{{ 'x' if vip is defined else 'y' }}",
              "{% if vip %}{{ vip }}{% endif %}", "{% if profile.first_name %}{{ profile.first_name|upper }}{% endif %}",
              "{% if not profile.first_name %}{{ profile.first_name }}{% endif %}", "{% if points > 3 or profile.first_name == 'x' %}z{% endif %}",
              "{% if vip %}a{% elif points %}b{% else %}{{ company.name }}{% endif %}", "{% for i in cart.items|default([]) %}{{ i }}{% endfor %}",
              "{% for i in cart.items %}z{% endfor %}", "{% for i in [1, 2] %}{{ i }}{{ vip|default(i) }}{% endfor %}", "[z](https://a.example/{{ points }})",
              "[z](https://a.example/{{ vip }})", "{{ company.name ~ vip }}", "{{ vip|default(points) }}", "{{ profile.first_name|default(points) }}"][..]), 1..5),
        points in prop::sample::select(&[0, 1, 4, 1000][..]),
    ) {
        let content = json!({"email": {"en": {"subject": "s", "preheader": "p", "blocks": [{"text": {"text": pieces.join(" ")}}]}}});
        let json = json!({"name": "t", "purpose": "service", "default_language": "en", "content": content});
        let template = Template::from_json(json).unwrap();
        let is_sound = check(&template, &tokens(), Limits::default()).iter().all(|finding| finding.severity != Severity::Error);
        let language = Language::parse("en").unwrap();
        let data = json!({"points": points, "company": {"name": "c"}});
        let rendered = Prepared::new(&template, Limits::default()).unwrap().render(&data, &Recipient::new(&language, TimeZone::UTC));
        prop_assert!(!is_sound || rendered.is_ok(), "{rendered:?}");
    }
}

/// The findings about the approved text of a WhatsApp message: code and place.
fn approved(approved: Value) -> Vec<(&'static str, String)> {
    let content = json!({"text": {"en": {"body": "Hello", "approved": approved}}});
    found_in("service", content).into_iter().map(|it| (it.code, it.place)).collect()
}

#[test]
fn what_whatsapp_would_refuse_is_found() {
    let good = "{{ profile.first_name|default('you') }}";
    assert_eq!(approved(json!({"id": "order_shipped", "variables": [good, "Shop 1"]})), []);
    assert_eq!(approved(json!({"id": "HX0123456789abcdef0123456789abcdef"})), []);
    let at = |field: &str| format!("content.text.en.approved.{field}");
    for (id, variables, code, field) in [
        ("", json!([]), "approved_id", "id"),
        ("two words", json!([]), "approved_id", "id"),
        ("HX0123", json!([]), "approved_id", "id"),
        ("x", json!([" "]), "approved_empty", "variables[0]"),
        ("x", json!(["a", ""]), "approved_empty", "variables[1]"),
        ("x", json!(["two\nlines"]), "approved_line", "variables[0]"),
        ("x", json!(["a\tb"]), "approved_line", "variables[0]"),
        ("x", json!(["far     apart"]), "approved_line", "variables[0]"),
        ("x", json!(vec!["a"; 101]), "approved_too_many", "variables"),
        ("x", json!(["{{ profile.first_name }}"]), "no_fallback", "variables[0]"),
        ("x", json!(["{{ profile.frist_name|default('x') }}"]), "unknown_token", "variables[0]"),
        ("x", json!(["a", "{{ profile.first_name"]), "template_syntax", "variables[1]"),
    ] {
        assert_eq!(approved(json!({"id": id, "variables": variables})), [(code, at(field))], "{id} {variables}");
    }
    assert_eq!(approved(json!({"id": "x", "variables": vec!["a"; 100]})), []);
}
