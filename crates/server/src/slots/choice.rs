//! What a slot would show to somebody and why; and noting that it was shown.
//!
//! Always holds: what is known of somebody is used only where they agreed to marketing by `in_app` and nothing restricts it: whoever said nothing did not
//! agree. A browser that asks not to be told about (Global Privacy Control) is shown what everybody gets, whatever was agreed before. Looking changes
//! nothing; what is noted is committed before it is shown.

use std::collections::BTreeSet;

use anyhow::Result;
use rapport_domain::{Channel, Timestamp, assignment};
use rapport_engagement::records::slots::{self, ViewsRow};
use rapport_engagement::service::EXPOSED;
use rapport_engagement::slots::Why;
use rapport_experiments::policies::decisions::{self, DecisionRow};
use rapport_privacy::records::{consents, restrictions};
use rapport_privacy::{Scope, consent};
use rapport_segments::records::memberships;
use rapport_store::outbox::Event;
use rapport_store::{Priority, Queries};
use serde_json::json;

use super::{HELD_OUT, SHOWN, Slot, holdout_of};
use crate::experimenting::global;
use crate::installation::Installation;
use crate::noting::View;
use crate::policies::choosing;
use crate::visitors::who::Visitor;

/// What is shown, and why.
#[derive(Debug)]
pub struct Choice {
    /// The place of the variant that was chosen for them; `None` for what everybody gets.
    pub place: Option<usize>,
    /// Why.
    pub why: Why,
    /// The segments of the slot that they are in.
    pub members: BTreeSet<String>,
    /// The place of what fits them, whether they see it or not.
    pub fits: Option<usize>,
    /// Whether the global holdout holds them out, where it was asked.
    asked: Option<bool>,
    /// What is to be noted of it when it is shown.
    note: Option<Note>,
    /// What a policy chose just now.
    decision: Option<DecisionRow>,
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
        Self { place: None, why, members: BTreeSet::new(), fits: None, asked: None, note: None, decision: None }
    }
}

/// What a slot would show to somebody.
///
/// # Errors
/// The store's.
pub async fn look(installation: &Installation, slot: &Slot, visitor: &Visitor) -> Result<Choice> {
    let Slot { key, definition, .. } = slot;
    let workspace = visitor.workspace;
    let now = installation.clock.now();
    let mut db = installation.store.read();
    let members = memberships::of_keys(&mut db, workspace, &[visitor.person], &definition.segments()).await?;
    let members: BTreeSet<String> = members.into_iter().map(|(_, key)| key).collect();
    let fits = definition.chosen(&members);
    let found = |place: Option<usize>, why: Why| Choice {
        place,
        why,
        members: members.clone(),
        fits,
        asked: None,
        note: None,
        decision: None,
    };
    if fits.is_none() {
        return Ok(found(None, Why::NoMember));
    }
    if let Some(why) = forbids(&mut db, visitor, now).await? {
        return Ok(found(None, why));
    }
    let plans = installation.plans.get(installation, workspace).await?;
    let is_out = plans.settings.holds_out(visitor.person);
    let asked = (plans.settings.holdout_percent > 0.0).then_some(is_out);
    if is_out {
        return Ok(Choice { asked, ..found(None, Why::HeldOut) });
    }
    let is_held =
        f64::from(assignment::bucket(&format!("slot/{key}"), visitor.person)) / 100.0 < definition.holdout_percent;
    let mut choice = if is_held { found(None, Why::HeldOut) } else { found(fits, Why::Chosen) };
    choice.asked = asked;
    if !is_held && let Some(policy) = &definition.policy {
        (choice.place, choice.decision) = decided(installation, slot, policy, visitor, &members).await?;
    }
    let is_measured = definition.holdout_percent > 0.0;
    if !is_measured && definition.cap.is_none() {
        return Ok(choice);
    }
    let before = slots::views(&mut db, workspace, key, visitor.handle).await?;
    // Whoever saw it under another share is in another lot now, and meets it anew.
    let is_first = before.as_ref().is_none_or(|row| is_measured && row.first_at < slot.held_since);
    let mut row = before.unwrap_or(ViewsRow { first_at: now, window_began_at: now, views: 0 });
    if is_first {
        row.first_at = now;
    }
    if let Some(cap) = definition.cap.filter(|_| !is_held) {
        if now.0 - row.window_began_at.0 >= cap.within.micros() {
            (row.window_began_at, row.views) = (now, 0);
        }
        if row.views >= i64::from(cap.most) {
            (choice.place, choice.why, choice.decision) = (None, Why::SeenEnough, None);
            return Ok(choice);
        }
    }
    if is_first || definition.cap.is_some_and(|_| !is_held) {
        row.views += 1;
        let arm = if is_held { HELD_OUT } else { SHOWN };
        choice.note = Some(Note { row, met: (is_first && is_measured).then_some(arm) });
    }
    Ok(choice)
}

/// What a policy chooses for somebody among the variants that fit them, and what is to be noted of it: whoever has a choice keeps it until its time is over.
async fn decided(
    installation: &Installation,
    slot: &Slot,
    policy: &str,
    visitor: &Visitor,
    members: &BTreeSet<String>,
) -> Result<(Option<usize>, Option<DecisionRow>)> {
    let (workspace, now) = (visitor.workspace, installation.clock.now());
    let can = slot.definition.arms(members);
    let place_of = |arm: &str| can.iter().find(|(_, own)| own == arm).map(|(at, _)| *at);
    let first = can.first().map(|(at, _)| *at);
    let mut db = installation.store.read();
    let known = installation.policies.get(&mut db, workspace).await?;
    let Some(policy) = known.of_ways(policy) else { return Ok((first, None)) };
    let subject = holdout_of(&slot.key);
    let past = decisions::of_subject(&mut db, workspace, (policy.number, &subject), &[visitor.person]).await?;
    let last = past.first();
    let arms: Vec<String> = can.iter().map(|(_, arm)| arm.clone()).collect();
    let features = choosing::known(&mut db, workspace, &policy.design.features, &[visitor.person], now).await?;
    let features = features.into_values().next().unwrap_or_default();
    let Some(chances) = policy.chances(features, &arms) else { return Ok((first, None)) };
    if chances.decides
        && let Some(kept) = last.filter(|row| row.epoch == policy.epoch && now < row.closes_at)
        && let Some(at) = place_of(&kept.arm)
    {
        return Ok((Some(at), None));
    }
    let turn = choosing::turn(visitor.handle, last);
    let Some((arm, _)) = chances.drawn(choosing::place(policy, &subject, &turn)) else { return Ok((first, None)) };
    let (arm, decides) = (arm.to_owned(), chances.decides);
    let who = (visitor.person, visitor.handle);
    let row = choosing::decision(policy, who, (subject, turn), &arm, chances, now).filter(|_| decides);
    Ok((place_of(&arm), row))
}

/// Keeps what a policy chose; where another request was faster, its choice holds.
async fn keep(installation: &Installation, slot: &Slot, visitor: &Visitor, choice: &mut Choice) -> Result<()> {
    let Some(row) = choice.decision.take() else { return Ok(()) };
    let workspace = visitor.workspace;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let is_new = decisions::insert(&mut tx, workspace, std::slice::from_ref(&row)).await?;
    tx.commit().await?;
    if is_new.first() == Some(&true) {
        return Ok(());
    }
    let of = (row.policy, row.subject.as_str());
    let past = decisions::of_subject(&mut installation.store.read(), workspace, of, &[visitor.person]).await?;
    let kept = past.into_iter().find(|it| it.turn == row.turn);
    let place = |arm: String| slot.definition.arms(&choice.members).into_iter().find(|(_, own)| *own == arm);
    choice.place = kept.and_then(|it| place(it.arm)).map(|(at, _)| at).or(choice.place);
    Ok(())
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
pub async fn note(installation: &Installation, slot: &Slot, visitor: &Visitor, choice: &mut Choice) -> Result<()> {
    keep(installation, slot, visitor, choice).await?;
    if let Some(is_held_out) = choice.asked {
        note_holdout(installation, visitor, is_held_out).await?;
    }
    let Some(note) = &choice.note else { return Ok(()) };
    let event = note.met.map(|arm| {
        let subject = holdout_of(&slot.key);
        let payload = json!({"experiment": subject, "variant": arm, "declared": false, "subject": subject});
        Event::new(visitor.workspace, EXPOSED, payload).about(visitor.person)
    });
    let view = View { slot: slot.key.clone(), handle: visitor.handle, row: note.row.clone(), event };
    Ok(installation.noting.view(visitor.workspace, view).await?)
}

/// Notes on which side of the global holdout they are, once for each share that it had.
async fn note_holdout(installation: &Installation, visitor: &Visitor, is_held_out: bool) -> Result<()> {
    let (workspace, now) = (visitor.workspace, installation.clock.now());
    let mut db = installation.store.read();
    let known = installation.experiments.get(&mut db, workspace).await?;
    let new = global::unnoted(&mut db, workspace, &known, &[(visitor.person, is_held_out)], now).await?;
    installation.noting.exposures(workspace, new).await?;
    Ok(())
}
