//! What stands around the sample shop's journeys: topics to choose from, the text that people agreed to, and a place on its site.
//!
//! Always holds: nothing here says that anybody did anything: nobody chose a topic yet, and no page asked for the slot.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_engagement::records::slots::{self, SlotRow};
use rapport_engagement::slots::Definition;
use rapport_privacy::records::notices::{self, NoticeRow};
use rapport_privacy::records::topics::{self, Texts, TopicRow};
use rapport_store::{Json, Tx};
use serde_json::json;

/// A text in English and Chinese.
type Both = [&'static str; 2];
/// Key, name, what one gets, whether an agreement must be confirmed.
const TOPICS: [(&str, Both, Both, bool); 3] = [
    ("news", ["News", "新闻"], ["What is new in the shop, once a month.", "店里的新鲜事，每月一次。"], true),
    ("offers", ["Offers", "优惠"], ["When something costs less.", "有优惠时告诉您。"], true),
    (
        "reminders",
        ["Reminders", "提醒"],
        ["What is still in your cart, and what you may need again.", "购物车里还有什么，以及您可能需要补充的商品。"],
        false,
    ),
];
/// The text beside the sign-up form.
const NOTICE: (&str, Both) = (
    "newsletter",
    [
        "I would like to hear from Nordlicht Shop by e-mail about news and offers. I can take this back at any time, with the link in every mail.",
        "我愿意通过电子邮件接收 Nordlicht Shop 的新闻和优惠。我可以随时通过每封邮件中的链接撤回同意。",
    ],
);

fn texts([english, chinese]: Both) -> Json<Texts> {
    Json(BTreeMap::from([("en".to_owned(), english.to_owned()), ("zh".to_owned(), chinese.to_owned())]))
}

/// Saves them, as made then by somebody.
///
/// # Errors
/// The store's.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, (at, by): (Timestamp, &str)) -> Result<()> {
    for (place, (key, names, descriptions, double_opt_in)) in (0..).zip(TOPICS) {
        let row = TopicRow {
            key: key.to_owned(),
            names: texts(names),
            descriptions: texts(descriptions),
            channels: Json(vec!["email".to_owned()]),
            double_opt_in,
            shown: true,
            place,
            created_at: at,
            archived_at: None,
        };
        topics::save(tx, workspace, &row).await?;
    }
    let (key, contents) = NOTICE;
    for (locale, content) in ["en", "zh"].into_iter().zip(contents) {
        let row = NoticeRow {
            key: key.to_owned(),
            version: 1,
            locale: locale.to_owned(),
            content: content.to_owned(),
            digest: [0; 32],
            created_at: at,
            created_by: by.to_owned(),
        };
        notices::insert(tx, workspace, &row).await?;
    }
    slot(tx, workspace, (at, by)).await
}

/// Whoever buys often sees what fits them, everybody else what most buy; a tenth is held out, so that it can be said what the choice is worth.
async fn slot(tx: &mut Tx, workspace: WorkspaceId, (at, by): (Timestamp, &str)) -> Result<()> {
    let products = |method: &str| json!({"products": {"method": method, "limit": 4}});
    let definition = json!({
        "variants": [{"segment": "frequent", "show": products("for_person")}, {"show": products("popular")}],
        "holdout_percent": 10.0
    });
    let row = SlotRow {
        key: "home-banner".to_owned(),
        name: "Banner on the home page".to_owned(),
        definition: serde_json::to_value(Definition::from_json(&definition)?)?,
        version: 1,
        updated_at: at,
        updated_by: by.to_owned(),
        archived_at: None,
        held_since: at,
    };
    Ok(slots::save(tx, workspace, &row).await?)
}
