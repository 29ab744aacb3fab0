//! Where the links of a template lead and its pictures lie.

use rapport_engagement::content::addresses::addresses;
use rapport_engagement::content::{Limits, Template};
use serde_json::json;

fn of(content: serde_json::Value) -> Vec<(bool, String)> {
    let form = json!({"name": "T", "purpose": "service", "default_language": "en", "content": content});
    let template = Template::from_json(form).unwrap();
    addresses(&template, Limits::default()).into_iter().map(|it| (it.is_picture, it.url)).collect()
}

#[test]
fn links_and_pictures_are_found_and_values_left_out() {
    let blocks = json!([
        {"text": {"text": "See [it](https://shop.example/a?x=1&y=2) or [yours](https://shop.example/{{ profile.city | default('x') }})."}},
        {"button": {"label": "Go", "url": "http://shop.example/b"}},
        {"image": {"url": "https://shop.example/c.png", "alt": "C"}},
        {"group": {"when": "profile.first_name", "blocks": [{"button": {"label": "Deep", "url": "https://shop.example/d"}}]}}
    ]);
    let mut found = of(json!({"email": {"en": {"subject": "S", "blocks": blocks}}}));
    found.sort();
    found.dedup();
    let wanted = [
        (false, "http://shop.example/b"),
        (false, "https://shop.example/a?x=1&y=2"),
        (false, "https://shop.example/d"),
        (true, "https://shop.example/c.png"),
    ];
    assert_eq!(found, wanted.map(|(is_picture, url)| (is_picture, url.to_owned())));
    let slot = json!({"slot": {"en": {"body": "B", "url": "https://shop.example/s", "image_url": "https://shop.example/s.png"}}});
    let wanted = [(true, "https://shop.example/s.png"), (false, "https://shop.example/s")];
    let mut found = of(slot);
    found.sort_by_key(|(is_picture, _)| !*is_picture);
    assert_eq!(found, wanted.map(|(is_picture, url)| (is_picture, url.to_owned())));
    assert_eq!(of(json!({"text": {"en": {"body": "mail", "url": "mailto:a@b.example"}}})), []);
}
