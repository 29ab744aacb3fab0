//! The letterhead and some templates of the sample shop, so that a demo has something to look at.

use anyhow::Result;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_engagement::content::{Template, gallery};
use rapport_engagement::records::letterheads::{self, LetterheadRow};
use rapport_engagement::records::templates::{self, TemplateRow};
use rapport_sample::OFFER;
use rapport_store::{Priority, Store};
use serde_json::{Value, json};

use crate::engaging::sample::lived;

/// Ready templates that the shop uses.
const READY: [&str; 4] = ["welcome", "abandoned_cart", "win_back", "birthday"];

/// Saves them. `by` is who is said to have done it.
///
/// # Errors
/// The store's.
pub async fn save(store: &Store, workspace: WorkspaceId, company: &str, now: Timestamp, by: &str) -> Result<()> {
    let mut tx = store.begin(Priority::Interactive).await?;
    let letterhead = LetterheadRow {
        name: company.to_owned(),
        address: "Speicherstraße 8, 20457 Hamburg".to_owned(),
        url: "https://shop.example".to_owned(),
        logo_url: String::new(),
    };
    letterheads::save(&mut tx, workspace, &letterhead, now, by).await?;
    let text = json!({
        "name": "Parcel is on its way", "purpose": "service", "default_language": "en",
        "content": {"text": {
            "en": {"body": "Hello {{ profile.first_name|default(\"there\") }}, your order {{ order.number }} is on its way.", "url": "{{ order.url }}"},
            "zh": {"body": "{{ profile.first_name|default(\"您\") }}好，您的订单 {{ order.number }} 已发货。", "url": "{{ order.url }}"}
        }}
    });
    let mut all = vec![("parcel-is-on-its-way".to_owned(), Template::from_json(text)?)];
    let [title, body, label] = lived::ORDER_NOTE;
    let note = json!({
        "name": "Order news", "purpose": "service", "default_language": "en",
        "content": {"slot": {"en": {"title": title, "body": body, "url": "https://shop.example/orders", "label": label}}}
    });
    all.push((lived::ORDER_NEWS.to_owned(), Template::from_json(note)?));
    all.push((OFFER.key.to_owned(), Template::from_json(offer())?));
    for key in READY {
        all.push((key.replace('_', "-"), gallery::ready(key)?.template));
    }
    for (key, template) in all {
        let row = TemplateRow {
            key,
            name: template.name.clone(),
            form: template.content.word().to_owned(),
            version: 1,
            created_at: now,
            created_by: by.to_owned(),
            updated_at: now,
            updated_by: by.to_owned(),
            archived_at: None,
        };
        templates::save(&mut tx, workspace, &row, &template.to_json().to_string(), None).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What the campaign that ran wrote.
fn offer() -> Value {
    let legal = "You get this e-mail because you asked for news from {{ company.name }}.\n[Unsubscribe]({{ unsubscribe_url }}) · \
        [Choose what you get]({{ preferences_url }}) · [View in browser]({{ view_url }})\n\n{{ company.name }}, {{ company.address }}";
    json!({
        "name": OFFER.name, "purpose": "marketing", "default_language": "en",
        "content": {"email": {"en": {
            "subject": "Free shipping this week, {{ profile.first_name|default(\"there\") }}",
            "preheader": "For everything, until Sunday",
            "blocks": [
                {"heading": {"text": "We pay the shipping"}},
                {"text": {"text": "For one week every order comes to you without shipping costs, however small it is. There is nothing to enter."}},
                {"button": {"label": "Look around", "url": "{{ company.url }}"}},
                {"divider": {}},
                {"text": {"text": legal}}
            ]
        }}}
    })
}
