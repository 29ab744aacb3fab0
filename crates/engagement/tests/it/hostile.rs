//! Values from outside that try to become markup, code, headers, links or templates; and templates that try to never end.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rapport_engagement::Error;
use rapport_engagement::content::message::EmailMessage;
use rapport_engagement::content::{Language, Limits, Message, Prepared, Recipient, Template, UrlProblem};
use scraper::{Html, Node};
use serde_json::{Value, json};

fn template(variant: Value) -> Template {
    let content = json!({"email": {"en": variant}});
    let json = json!({"name": "t", "purpose": "service", "default_language": "en", "content": content});
    Template::from_json(json).unwrap()
}

/// A value in every place where one may stand.
fn blocks() -> Template {
    template(json!({
        "subject": "For {{ x }}", "preheader": "{{ x }}",
        "blocks": [
            {"heading": {"text": "{{ x }}"}},
            {"text": {"text": "Hi **{{ x }}**, *{{ x|upper }}* {{ x|truncate(9) }} {{ [x, x]|join('<br>') }} [{{ x }}](https://a.example/{{ x }}?q={{ x }}#{{ x }})\n\n- {{ x }}\n- [whole]({{ x }})"}},
            {"button": {"label": "{{ x }}", "url": "{{ x }}"}},
            {"image": {"url": "{{ x }}", "alt": "{{ x }}", "link": "https://a.example/?{{ x }}"}},
            {"products": {"each": "list", "image": "{{ product }}", "title": "{{ product }}", "text": "{{ product }}", "url": "{{ product }}"}},
            {"columns": {"columns": [[{"text": {"text": "{{ x|default('y') }}"}}], []]}},
        ]
    }))
}

fn mjml() -> Template {
    template(json!({
        "subject": "For {{ x }}", "preheader": "{{ x }}", "text": "{{ x }}",
        "mjml": "<mjml><mj-body><mj-section><mj-column><mj-text>{{ x }} <a href=\"{{ x }}\" title='{{ x }}'>{{ x }}</a> \
            <a href=\"https://a.example/{% if x %}{{ x }}{% endif %}\">z</a>{% for p in list %}<b>{{ p }}</b>{% endfor %}</mj-text>\
            <mj-image src=\"{{ x }}\" alt=\"{{ x }}\" href=\"{{ x }}\" /><mj-button href=\"{{ x }}\">{{ x }}</mj-button>\
            </mj-column></mj-section></mj-body></mjml>"
    }))
}

fn render(prepared: &Prepared, x: &str) -> Result<EmailMessage, Error> {
    let language = Language::parse("en").unwrap();
    let recipient = Recipient::new(&language, TimeZone::UTC);
    match prepared.render(&json!({"x": x, "list": [x, x]}), &recipient)? {
        Message::Email(email) => Ok(email),
        Message::Note(note) => panic!("{note:?}"),
    }
}

fn prepared(template: &Template) -> Prepared {
    Prepared::new(template, Limits::default()).unwrap()
}

/// What a browser makes of the HTML: its elements with the names of their attributes, its comments, and all URLs.
fn structure(html: &str) -> (Vec<String>, Vec<String>) {
    let document = Html::parse_document(html);
    let (mut shape, mut urls) = (Vec::new(), Vec::new());
    for node in document.tree.nodes() {
        match node.value() {
            Node::Element(element) => {
                let mut names: Vec<&str> = element.attrs().map(|(name, _)| name).collect();
                names.sort_unstable();
                shape.push(format!("{} {}", element.name(), names.join(" ")));
                urls.extend(
                    element.attrs().filter(|(n, _)| ["href", "src"].contains(n)).map(|(_, url)| url.to_owned()),
                );
            }
            Node::Comment(comment) => shape.push(format!("comment {}", &**comment)),
            _ => {}
        }
    }
    (shape, urls)
}

fn assert_harmless(prepared: &Prepared, expected: &[String], value: &str) {
    let email = render(prepared, value).unwrap();
    let (shape, urls) = structure(&email.html);
    assert_eq!(shape, expected, "{value:?} changed the structure");
    for url in urls {
        let is_harmless =
            ["https://", "http://", "mailto:", "tel:", "#"].iter().any(|s| url.to_ascii_lowercase().starts_with(s));
        assert!(
            is_harmless && !url.contains(|c: char| c.is_whitespace() || c.is_control()),
            "{value:?} became {url:?}"
        );
    }
    for header in [&email.subject, &email.preheader] {
        assert!(
            !header.contains(|c: char| c.is_control() || ('\u{202A}'..='\u{202E}').contains(&c)),
            "{value:?}: {header:?}"
        );
    }
    assert!(email.subject.chars().count() <= 200);
}

/// From the usual collections of cross-site scripting, template injection and header injection.
const CORPUS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "<![endif]--><b>",
    "]]><b>",
    "<a href=javascript:alert(1)>x",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\u{1}javascript:alert(1)",
    " javascript:alert(1)",
    "javascript&colon;alert(1)",
    "&#106;avascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "//evil.example/x",
    "/\\evil.example",
    "https:evil.example",
    "https://a.example@evil.example",
    "https://a.example\" onclick=\"alert(1)",
    "https://a.example/' onclick='x",
    "\" style=\"background:url(x)",
    "` onmouseover=alert(1)",
    "<iframe srcdoc='<script>x</script>'>",
    "<math><mi//xlink:href=\"data:x,<script>\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<plaintext>",
    "<xmp>",
    "<!doctype html>",
    "&lt;script&gt;",
    "&quot; onclick=&quot;x",
    "{{7*7}}",
    "{{ x }}",
    "{% for i in x %}",
    "{# x",
    "${7*7}",
    "<%= 7*7 %>",
    "{{''.__class__}}",
    "zqslotx0z",
    "zqslotx1z zqslotqx0z",
    "x\r\nBcc: all@evil.example",
    "x\nContent-Type: text/html\n\n<b>",
    "x\u{2028}Bcc: y",
    "x\u{85}y",
    "gpj.\u{202E}exe",
    "\u{2066}x\u{2069}",
    "\0x",
    "\u{FEFF}",
    "**bold**",
    "[x](javascript:alert(1))",
    "<https://evil.example>",
    "1. x",
    "- x",
    "> x",
    "```x",
    "    x",
    "\\",
    "$1",
    "%00",
    "%0d%0a",
    "%{x}",
    "\u{200D}",
];

#[test]
fn nothing_in_the_corpus_does_anything() {
    for prepared in [prepared(&blocks()), prepared(&mjml())] {
        let (expected, _) = structure(&render(&prepared, "Ann").unwrap().html);
        assert!(expected.len() > 30);
        for value in CORPUS {
            assert_harmless(&prepared, &expected, value);
        }
    }
}

#[test]
fn a_value_is_never_a_template() {
    let email = render(&prepared(&blocks()), "{{7*7}}{% if x %}").unwrap();
    assert_eq!(email.subject, "For {{7*7}}{% if x %}");
    assert!(email.html.contains("{{7*7}}{% if x %}") && !email.html.contains("49"));
}

#[test]
fn links_that_are_not_allowed_are_dropped_and_told() {
    let email = render(&prepared(&blocks()), "javascript:alert(1)").unwrap();
    let told: Vec<_> = email.dropped.iter().map(|dropped| (dropped.place.as_str(), dropped.problem)).collect();
    let place = |rest: &str| format!("content.email.en.blocks{rest}");
    for rest in ["[1].text.text", "[2].button.url", "[3].image.url", "[4].products.url", "[4].products.image"] {
        assert!(told.contains(&(&*place(rest), UrlProblem::Scheme)), "{rest}: {told:?}");
    }
    assert!(
        !email.html.contains("href=\"javascript")
            && email.html.contains("href=\"https://a.example/javascript%3Aalert%281%29?q=")
    );
}

#[test]
fn a_value_cannot_choose_the_host() {
    let host =
        template(json!({"subject": "s", "blocks": [{"button": {"label": "l", "url": "https://a.example{{ x }}/x"}}]}));
    for value in [".evil.example", "@evil.example", ":80@evil.example"] {
        assert_eq!(render(&prepared(&host), value).unwrap().dropped[0].problem, UrlProblem::Host, "{value}");
    }
}

#[test]
fn values_stand_only_where_they_can_be_escaped() {
    let refused = |inner: &str| {
        let source = format!(
            "<mjml><mj-body><mj-section><mj-column><mj-text>{inner}</mj-text></mj-column></mj-section></mj-body></mjml>"
        );
        Prepared::new(&template(json!({"subject": "s", "mjml": source})), Limits::default()).unwrap_err().to_string()
    };
    for (inner, expected) in [
        ("<p style=\"color:{{ x }}\">a</p>", "`style` of <p>"),
        ("<p onclick=\"{{ x }}\">a</p>", "`onclick` of <p>"),
        ("<style>{{ x }}</style>", "<style>"),
        ("<script>{{ x }}</script>", "<script>"),
        ("{% if x %}<b>{% endif %}a</b>", "begins in one element and ends in another"),
        ("<b>{% if x %}a</b><b>{% endif %}c</b>", "begins in one element and ends in another"),
        ("<a href=\"{% if x %}https://a.example\">{% endif %}c</a>", "attribute"),
    ] {
        assert!(refused(inner).contains(expected), "{inner}: {}", refused(inner));
    }
}

/// htmlparser 0.2.1, below mrml, panics here.
#[test]
fn an_unfinished_comment_is_an_error() {
    let source =
        "<mjml><mj-body><mj-section><mj-column><mj-text><!--[if</mj-text></mj-column></mj-section></mj-body></mjml>";
    let error = Prepared::new(&template(json!({"subject": "s", "mjml": source})), Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "content.email.en.mjml: this is not MJML: a comment or tag has no end");
}

#[test]
fn mjml_reads_no_files() {
    let source = "<mjml><mj-head><mj-include path=\"/etc/passwd\" /></mj-head><mj-body></mj-body></mjml>";
    let error = Prepared::new(&template(json!({"subject": "s", "mjml": source})), Limits::default()).unwrap_err();
    assert!(error.to_string().contains("this is not MJML"), "{error}");
    let deep = format!("<mjml><mj-body><mj-section><mj-column><mj-text>{}", "<b>".repeat(100_000));
    let limits = Limits { field_bytes: 1_000_000, ..Limits::default() };
    let error = Prepared::new(&template(json!({"subject": "s", "mjml": deep})), limits).unwrap_err();
    assert_eq!(error.code(), "template_too_large");
}

/// The code of what rendering a text ends in.
fn end_of(text: &str, data: &Value) -> &'static str {
    let template = template(json!({"subject": "s", "blocks": [{"text": {"text": text}}]}));
    let language = Language::parse("en").unwrap();
    match Prepared::new(&template, Limits::default()) {
        Err(error) => error.code(),
        Ok(prepared) => match prepared.render(data, &Recipient::new(&language, TimeZone::UTC)) {
            Ok(_) => "rendered",
            Err(error) => error.code(),
        },
    }
}

#[test]
fn what_never_ends_is_stopped() {
    let list = json!({"l": vec![1; 1_000], "long": "x".repeat(100_000)});
    let in_one_another = |n: usize| "{% for a in l %}".repeat(n) + "x" + &"{% endfor %}".repeat(n);
    for (text, expected) in [
        ("{% for i in range(1000000000) %}x{% endfor %}".to_owned(), "template_syntax"),
        ("{% for i in [0] * 1000000000 %}{% endfor %}".to_owned(), "template_value_unfit"),
        ("{% for i in [0] * 20000 %}x{% endfor %}".to_owned(), "template_too_much"),
        ("{% for i in 'a' * 1000000000 %}x{% endfor %}".to_owned(), "template_too_much"),
        (in_one_another(3), "template_too_much"),
        (in_one_another(9), "template_too_large"),
        ("{% for a in l %}{{ long }}{% endfor %}".to_owned(), "template_too_much"),
        (
            "{% for a in [long ~ long] %}{% for b in [a ~ a] %}{{ b }}{% endfor %}{% endfor %}".to_owned(),
            "template_too_much",
        ),
        ("{{ 10 ** 1000 }}".to_owned(), "template_value_unfit"),
        ("{% for a in 5 %}{% endfor %}".to_owned(), "template_value_unfit"),
        ("{% for a in l %}x{% endfor %}".to_owned(), "rendered"),
    ] {
        assert_eq!(end_of(&text, &list), expected, "{text}");
    }
}

#[test]
fn templates_that_are_too_large_are_refused() {
    let many = json!({"subject": "s", "blocks": vec![json!({"divider": {}}); 201]});
    let deep = (0..20).fold(json!({"divider": {}}), |inner, _| json!({"group": {"when": "x", "blocks": [inner]}}));
    let field = json!({"subject": "s".repeat(300_000), "blocks": [{"divider": {}}]});
    for variant in [many, json!({"subject": "s", "blocks": [deep]}), field] {
        assert_eq!(Prepared::new(&template(variant), Limits::default()).unwrap_err().code(), "template_too_large");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Any text, and any mixture of pieces that mean something somewhere.
    #[test]
    fn no_value_changes_the_structure(
        any in "\\PC{0,40}",
        pieces in prop::collection::vec(prop::sample::select(
            &["<", ">", "\"", "'", "`", "&", "=", "/", "\\", "{{", "}}", "{%", "--", "!", "]", "(", ")", "*", "_", "[", "#", "?", ":", "//", "@",
              "javascript", "https", "script", "img", "on", "\r", "\n", "\t", "\0", "\u{202E}", "\u{2028}", " ", "zqslotx", "0z", "é", "中"][..]), 0..14),
    ) {
        let prepared = [prepared(&blocks()), prepared(&mjml())];
        for prepared in &prepared {
            let (expected, _) = structure(&render(prepared, "Ann").unwrap().html);
            assert_harmless(prepared, &expected, &any);
            assert_harmless(prepared, &expected, &pieces.concat());
        }
    }

    /// Whatever an author writes ends, and in an error that has a place rather than a panic.
    #[test]
    fn no_text_of_an_author_panics(pieces in prop::collection::vec(prop::sample::select(
        &["{{", "}}", "{%", "%}", "{#", "#}", "-", "if", "for", "in", "else", "endif", "endfor", " ", "x", "x.y", "|", "default", "(", ")", "'", "\"",
          "\n", "\n\n", "- ", "**", "[", "](", "https://a.example/", "<b>", "</b>", "<a href=\"", "\">", "*", "1", "~", "é", "\\", "<!--", "-->", "]]>", "<![CDATA[", "<mj-raw>", "</mj-text>", "<br>", "<style>", "</style>", "=", "&", "<img src=", "`"][..]), 0..24)) {
        let text = pieces.concat();
        end_of(&text, &json!({"x": {"y": "z"}}));
        let source = format!("<mjml><mj-body><mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section></mj-body></mjml>");
        let _ = Prepared::new(&template(json!({"subject": text, "mjml": source})), Limits::default());
    }
}
