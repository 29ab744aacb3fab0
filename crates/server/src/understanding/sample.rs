//! What the sample shop's people taught it of its customers' words: topics that it keeps, clauses that somebody put where they belong, and what texts want, by
//! examples.
//!
//! Always holds: examples are the shop's own, not its customers'; what customers wrote is put into topics only where it says so itself.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Language, WorkspaceId};
use rapport_feedback::intents::records as intents;
use rapport_feedback::survey::Words;
use rapport_feedback::topics::records::{self as topics, ExampleRow};
use rapport_feedback::topics::{Node, Tree};
use rapport_feedback::verbatims::records::{self as verbatims, Filter};
use rapport_store::{Priority, Tx};

use crate::installation::Installation;

/// The newest texts that somebody looked at.
const LOOKED_AT: i64 = 2_000;
/// Of the same clause at most so many were put where they belong.
const EACH: usize = 2;

/// A topic of its own: key, parent, name in English and Chinese, words.
const OWN: [(&str, &str, &str, &str, &str); 2] = [
    (
        "durability",
        "quality",
        "How long it lasts",
        "耐用",
        "lasts, wears out, survived, every day, jeden Tag, 每天都在用",
    ),
    (
        "honesty",
        "service",
        "As it was described",
        "与描述相符",
        "as described, honest descriptions, wie beschrieben, 和描述一样",
    ),
];

/// What somebody put where: the beginning of a clause, and the topic.
const PUT: [(&str, &str); 7] = [
    ("The parcel came far too late", "delivery_time"),
    ("nobody told me", "service"),
    ("Nobody answered my question", "service"),
    ("Paying on my phone failed", "payment"),
    ("Die Lieferung kam viel zu spät", "delivery_time"),
    ("Auf meine Frage kam tagelang keine Antwort", "service"),
    ("Smaller than in the picture", "fit"),
];

/// Intents with their examples.
#[rustfmt::skip]
const INTENTS: [(&str, &[&str]); 5] = [
    ("where_is_my_order", &[
        "Where is my order?", "Where is my parcel?", "My parcel has not arrived yet", "My order has not arrived",
        "My package still has not come", "When will my order be delivered?", "When does my parcel arrive?", "When will the delivery arrive?",
        "The tracking has not moved for three days", "The tracking of my parcel shows nothing", "I am still waiting for my order", "I am still waiting for my parcel",
        "Still waiting for the delivery", "Has my order been shipped?", "Was my parcel sent already?", "How long does delivery take?",
        "Wo ist meine Bestellung?", "Wo ist mein Paket?", "Wann kommt mein Paket?", "Wann kommt meine Bestellung an?",
    ]),
    ("return_or_refund", &[
        "I want to send it back", "I want to return my order", "How do I return the lamp?", "How do I send it back?",
        "Can I return it?", "Please refund my money", "I want my money back", "Please give me my money back",
        "When do I get my refund?", "When do I get my money back?", "I have not got my refund yet", "The refund has not come",
        "Can I exchange it for another size?", "I want to exchange it for a larger size", "Please send me a return label", "I need a return label",
        "Ich möchte es zurückschicken", "Ich möchte die Lampe zurückschicken", "Wann bekomme ich mein Geld zurück?", "Ich will mein Geld zurück",
    ]),
    ("broken_item", &[
        "It arrived broken", "The lamp arrived broken", "The cup arrived broken", "It broke after a week",
        "The handle broke after a week", "It broke after two days", "One of the cups is cracked", "The bowl is cracked",
        "The plate has a crack", "The lamp does not switch on any more", "It does not work any more", "It does not switch on",
        "The seam came apart", "The seam came apart after a week", "The item is damaged", "It was damaged in the box",
        "Die Lampe ist kaputt", "Es ist nach zwei Wochen kaputt", "Die Tasse kam kaputt an", "Die Tasse ist kaputt",
    ]),
    ("payment_problem", &[
        "You charged me twice", "I was charged twice", "My card was charged twice", "My card is refused",
        "My card was declined", "The card payment is refused", "The payment failed", "The payment failed again",
        "My payment fails every time", "I cannot pay", "I cannot pay with my card", "I cannot pay with PayPal",
        "PayPal does not work on my phone", "Paying with PayPal fails", "The discount code does not work", "The code is refused at the checkout",
        "Die Zahlung klappt nicht", "Die Zahlung mit PayPal klappt nicht", "Ich kann nicht bezahlen", "Bezahlen mit PayPal klappt nicht",
    ]),
    ("cancel_subscription", &[
        "I want to cancel my subscription", "Please cancel my subscription", "How do I cancel the subscription?", "Cancel the subscription, please",
        "Please stop the monthly box", "Stop my monthly box", "I do not want the monthly box any more", "How can I end the subscription?",
        "I want to end my subscription", "Please end the subscription", "Do not renew my subscription", "Please do not renew it",
        "Pause my subscription", "Pause the monthly box for now", "Can I pause the subscription?", "Please pause my subscription",
        "Ich möchte mein Abo kündigen", "Bitte das Abo kündigen", "Wie kündige ich das Abo?", "Ich will das Abo pausieren",
    ]),
];

/// Saves all of it. `by` is who is said to have taught it.
///
/// # Errors
/// The store's.
pub async fn save(installation: &Installation, workspace: WorkspaceId, by: &str) -> Result<()> {
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Background).await?;
    topics::save(&mut tx, workspace, (&tree(), 0), (by, now)).await?;
    put(installation, &mut tx, workspace, by).await?;
    let reader = installation.readers.of(workspace);
    for (intent, examples) in INTENTS {
        let shown: Vec<String> = examples.iter().map(|text| reader.read(text, []).shown).collect();
        intents::replace(&mut tx, workspace, (intent, &shown), (by, now)).await?;
    }
    Ok(tx.commit().await?)
}

fn tree() -> Tree {
    let mut tree = Tree::default();
    for (key, parent, en, zh, words) in OWN {
        let name = |language: &str, text: &str| Some((Language::parse(language)?, text.to_owned()));
        tree.0.push(Node {
            key: key.to_owned(),
            parent: Some(parent.to_owned()),
            name: Words([name("en", en), name("zh", zh)].into_iter().flatten().collect::<BTreeMap<_, _>>()),
            words: words.split(", ").map(str::to_owned).collect(),
            is_retired: false,
            merged: Vec::new(),
        });
    }
    tree
}

async fn put(installation: &Installation, tx: &mut Tx, workspace: WorkspaceId, by: &str) -> Result<()> {
    let texts = verbatims::list(tx, workspace, &Filter::default(), LOOKED_AT).await?;
    let mut seen = [0_usize; PUT.len()];
    for row in texts.iter().filter(|row| row.subject.is_empty()) {
        for clause in rapport_text::themes::clauses(&row.shown) {
            let text = &row.shown[clause.clone()];
            let Some(known) = PUT.iter().position(|(begins, _)| text.starts_with(begins)) else { continue };
            if seen[known] == EACH {
                continue;
            }
            seen[known] += 1;
            let example = ExampleRow {
                event_id: row.event_id,
                begins: i64::try_from(clause.start).unwrap_or(0),
                handle: row.handle,
                clause: text.to_owned(),
                topic: PUT[known].1.to_owned(),
                noted_at: installation.clock.now(),
                noted_by: by.to_owned(),
            };
            topics::note(tx, workspace, &example).await?;
        }
    }
    Ok(())
}
