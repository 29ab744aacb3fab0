//! What a slot would show to somebody and why; and noting that it was shown.
//!
//! Always holds: what is known of somebody is used only where they agreed to marketing by `in_app` and nothing restricts it: whoever said nothing did not
//! agree. A browser that asks not to be told about (Global Privacy Control) is shown what everybody gets, whatever was agreed before. Looking changes
//! nothing; what is noted is committed before it is shown.

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_domain::{Channel, Timestamp};
use rapport_engagement::records::slots::{self, ViewsRow};
use rapport_engagement::service::EXPOSED;
use rapport_engagement::situations::GLOBAL_HOLDOUT;
use rapport_engagement::slots::{Definition, Why};
use rapport_privacy::records::{consents, restrictions};
use rapport_privacy::{Scope, consent};
use rapport_segments::condition::Bucket;
use rapport_segments::records::memberships;
use rapport_store::outbox::Event;
use rapport_store::{Priority, Queries};
use serde_json::json;

use crate::installation::Installation;
use crate::visitors::who::Visitor;

/// What is shown, and why.
#[derive(Debug)]
pub struct Choice {
    /// The place of the variant that was chosen for them; `None` for what everybody gets.
    pub place: Option<usize>,
    /// Why.
    pub why: Why,
    /// What is to be noted of it when it is shown.
    note: Option<Note>,
}

#[derive(Debug)]
struct Note {
    row: ViewsRow,
    /// The arm of the holdout that they meet for the first time.
    met: Option<&'static str>,
}

impl Choice {
    /// What everybody gets.
    pub const fn usual(why: Why) -> Self {
        Self { place: None, why, note: None }
    }
}

/// What a slot would show to somebody.
///
/// # Errors
/// The store's.
pub async fn look(installation: &Installation, key: &str, slot: &Definition, visitor: &Visitor) -> Result<Choice> {
    let workspace = visitor.workspace;
    let now = installation.clock.now();
    let mut db = installation.store.read();
    let members = memberships::of_keys(&mut db, workspace, &[visitor.person], &slot.segments()).await?;
    let members: BTreeSet<String> = members.into_iter().map(|(_, key)| key).collect();
    let Some(place) = slot.chosen(&members) else { return Ok(Choice::usual(Why::NoMember)) };
    if let Some(why) = forbids(&mut db, visitor, now).await? {
        return Ok(Choice::usual(why));
    }
    let lot = |salt: &str| Bucket { salt: salt.to_owned(), from: 0, to: 0 }.place(visitor.person);
    let plans = installation.plans.get(installation, workspace).await?;
    if f64::from(lot(GLOBAL_HOLDOUT)) / 100.0 < plans.settings.holdout_percent {
        return Ok(Choice::usual(Why::HeldOut));
    }
    let is_held = f64::from(lot(&format!("slot/{key}"))) / 100.0 < slot.holdout_percent;
    let mut choice = Choice { place: Some(place), why: Why::Chosen, note: None };
    if is_held {
        choice = Choice::usual(Why::HeldOut);
    }
    if slot.holdout_percent <= 0.0 && slot.cap.is_none() {
        return Ok(choice);
    }
    let before = slots::views(&mut db, workspace, key, visitor.handle).await?;
    let is_first = before.is_none();
    let mut row = before.unwrap_or(ViewsRow { first_at: now, window_began_at: now, views: 0 });
    if let Some(cap) = slot.cap.filter(|_| !is_held) {
        if now.0 - row.window_began_at.0 >= cap.within.micros() {
            (row.window_began_at, row.views) = (now, 0);
        }
        if row.views >= i64::from(cap.most) {
            return Ok(Choice::usual(Why::SeenEnough));
        }
    }
    if is_first || slot.cap.is_some_and(|_| !is_held) {
        row.views += 1;
        let arm = if is_held { "held_out" } else { "shown" };
        choice.note = Some(Note { row, met: (is_first && slot.holdout_percent > 0.0).then_some(arm) });
    }
    Ok(choice)
}

/// Why somebody is not to be treated by what is known of them, if they are not.
async fn forbids(db: &mut impl Queries, visitor: &Visitor, now: Timestamp) -> Result<Option<Why>> {
    let (workspace, handles) = (visitor.workspace, &visitor.handles);
    if !restrictions::restricted(db, workspace, handles).await?.is_empty() {
        return Ok(Some(Why::Restricted));
    }
    let rows = consents::of_handles(db, workspace, handles).await?;
    let said: Vec<_> = rows.iter().filter_map(consents::ConsentRow::statement).collect();
    let agreed = consent::standing(&said, &Scope::marketing(Channel::InApp), now).is_granted();
    Ok((!agreed).then_some(Why::NotAgreed))
}

/// Notes that it is shown now.
///
/// # Errors
/// The store's: it must not be shown then.
pub async fn note(installation: &Installation, key: &str, visitor: &Visitor, choice: &Choice) -> Result<()> {
    let Some(note) = &choice.note else { return Ok(()) };
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    slots::note(&mut tx, visitor.workspace, key, visitor.handle, &note.row).await?;
    if let Some(arm) = note.met {
        let subject = format!("slot:{key}");
        let payload = json!({"experiment": subject, "arm": arm, "declared": false, "subject": subject});
        tx.emit(Event::new(visitor.workspace, EXPOSED, payload).about(visitor.person));
    }
    Ok(tx.commit().await?)
}
