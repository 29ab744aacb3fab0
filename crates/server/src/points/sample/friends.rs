//! The sample club's programme for friends: members who have their code, and newcomers who came by one.
//!
//! Always holds: a friend tells the code by an event, as shops send it; who came has not ordered yet, so that nothing is due.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::shop_events::ORDER_COMPLETED;
use rapport_domain::{Event, EventId, Identifier, SourceId, Timestamp, WorkspaceId};
use rapport_loyalty::document::State;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::referrals::codes;
use rapport_store::Priority;
use serde_json::{Map, json};

use super::club::Version;
use super::user;
use crate::installation::Installation;
use crate::own_events;

const FRIENDS: &str = "friends";
/// Members who have a code.
const REFERRERS: usize = 8;
/// Newcomers who came by one.
const CAME: usize = 6;
/// They signed up in so many days.
const DAYS: i64 = 120;
/// What friends do first: they read the page that the link led to.
const INVITED: &str = "Invitation Opened";

/// What there is for bringing somebody.
pub(super) fn programs() -> Vec<Version> {
    let friends = json!({"name": "Bring a friend", "place": 10,
        "page": {"address": "https://nordlicht.example/welcome", "words": "You get 100 points with your first order of 20 euros or more.",
            "words_zh": "首单满 20 欧元即可获得 100 积分。"},
        "referrer": {"steps": [{"from": 1, "points": 200}, {"from": 5, "points": 300}]}, "friend": {"points": 100},
        "qualifies": {"event": "Order Completed", "minimum": "20", "within_days": 90}, "stands_days": 14, "newcomer": {"seen_within_days": 365},
        "caps": [{"most": 10, "of": "times", "per": "member", "every": "year"}]});
    vec![(FRIENDS, DAYS, State::Live, friends)]
}

/// Gives some members their codes, and lets newcomers tell them.
pub(super) async fn come(
    installation: &Installation,
    (workspace, source): (WorkspaceId, SourceId),
    (referrers, events): (&[MemberId], &[Event]),
    end: Timestamp,
) -> Result<()> {
    let mut tx = installation.store.begin(Priority::Background).await?;
    let mut own = Vec::new();
    for member in referrers.iter().take(REFERRERS) {
        let at = (end.plus(-DAYS * Timestamp::DAY), &*installation.rng);
        own.push(codes::ensure(&mut tx, workspace, &[*member], FRIENDS, at).await?.lookup);
    }
    tx.commit().await?;
    let told: Vec<Event> = newcomers(events, end)
        .into_iter()
        .zip(own.iter().cycle())
        .map(|((who, at), code)| {
            let id = EventId::of_message(workspace, source, &format!("sample-friend-{}", who.value));
            let properties = Map::from_iter([("referral_code".to_owned(), json!(code))]);
            own_events::event((workspace, source), id, at, who, INVITED, properties)
        })
        .collect();
    if !told.is_empty() {
        installation.log.append(&told).await?;
    }
    Ok(())
}

/// Who signed up lately and has ordered nothing, and when they did.
fn newcomers(events: &[Event], end: Timestamp) -> Vec<(Identifier, Timestamp)> {
    let ordered: BTreeSet<&str> =
        events.iter().filter(|it| it.name == ORDER_COMPLETED).filter_map(user).map(|it| it.value.as_str()).collect();
    let lately =
        events.iter().filter(|it| it.name == "Signed Up" && it.occurred_at >= end.plus(-DAYS * Timestamp::DAY));
    let came: BTreeMap<&str, (&Identifier, Timestamp)> =
        lately.filter_map(|it| user(it).map(|who| (who.value.as_str(), (who, it.occurred_at)))).collect();
    let came = came.into_iter().filter(|(name, _)| !ordered.contains(name));
    came.map(|(_, (who, at))| (who.clone(), at)).take(CAME).collect()
}
