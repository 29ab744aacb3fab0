//! What the points ledger says of somebody, as they are shown it: what came and went, when and why, and what is left until when.

use rapport_domain::money::format_micros;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::{MemberId, Operation, Refusal, WalletId};
use rapport_loyalty::records::gift_cards::Card;
use rapport_loyalty::records::payments as records;
use rapport_loyalty::records::personal::{self, Kept};
use rapport_loyalty::records::transfers::Transfer;
use rapport_loyalty::records::{
    badges, benefits, challenges, households, leaderboards, members, notices, referrals, tiers, tills, wallets,
};
use rapport_store::{Queries, Result};
use serde_json::{Map, Value, json};

/// Uses read at a time.
const STEP: u32 = 500;

/// Adds it to the tables of what is kept of a person; nothing of somebody who is no member.
///
/// # Errors
/// The store's.
pub async fn show(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    person: PersonId,
    tables: &mut Map<String, Value>,
) -> Result<()> {
    let Some(kept) = personal::of(db, workspace, person).await? else { return Ok(()) };
    let keys = wallets::keys(db, workspace).await?;
    let operations: Vec<Value> = kept
        .operations
        .iter()
        .map(|it| operation(&kept, it, keys.get(&it.wallet).map_or("", String::as_str)))
        .collect();
    let lots = kept.lots.iter().map(|(wallet, lot)| {
        json!({
            "wallet": keys.get(wallet), "points": lot.remaining().to_string(), "pending": lot.pending.to_string(), "held": lot.held.to_string(),
            "earned_at": instant(lot.earned_at), "active_from_at": instant(lot.active_from), "expires_at": lot.expires_at.map(instant),
        })
    });
    let lots: Vec<Value> = lots.collect();
    let vouchers = kept.vouchers.iter().map(|it| {
        json!({
            "code": it.code, "of": it.owner, "state": it.state, "uses_left": it.uses_left.map(|left| left.to_string()),
            "valid_until_at": it.valid_until.map(instant), "added_at": instant(it.added_at),
        })
    });
    let vouchers: Vec<Value> = vouchers.collect();
    let cards = kept.cards.iter().map(
        |it| json!({ "code": it.shown(), "issued_at": instant(it.issued_at), "voided_at": it.voided_at.map(instant) }),
    );
    let cards: Vec<Value> = cards.collect();
    let told = match kept.numbers.first() {
        // A member finds those of all their numbers.
        Some(member) => {
            let heir = members::now(db, workspace, *member).await?;
            notices::of_member(db, workspace, heir, u32::MAX).await?
        }
        None => Vec::new(),
    };
    let told = told.into_iter().map(|it| {
        json!({
            "wallet": keys.get(&WalletId(it.wallet)), "points": it.points.to_string(), "expires_at": instant(it.expires_at),
            "noticed_at": instant(it.noticed_at), "proof": it.proof, "proved_at": it.proved_at.map(instant),
        })
    });
    let told: Vec<Value> = told.collect();
    let [standings, moves, matches, uses] = ladders(db, workspace, &kept).await?;
    let [joins, progress, completions, own_badges] = doings(db, workspace, &kept).await?;
    let receipts = receipts(db, workspace, &kept).await?;
    let payments = payments(db, workspace, &kept).await?;
    let [boards, won] = ranked(db, workspace, &kept).await?;
    let [lived, invited, shared, served] = together(db, workspace, &kept).await?;
    let at_partners = kept.partner_lines.iter().map(|it| {
        json!({
            "partner": it.partner, "kind": it.kind, "wallet": it.wallet, "points": it.points.to_string(), "reference": it.reference,
            "amount": it.amount.map(|amount| amount.to_string()), "refused": it.refused, "occurred_at": instant(it.occurred_at),
            "recorded_at": instant(it.recorded_at),
        })
    });
    let at_partners: Vec<Value> = at_partners.collect();
    let gift_cards: Vec<Value> = kept.gift_cards.iter().map(|it| gift_card(&kept, it)).collect();
    let redemptions = kept.redemptions.iter().map(|it| {
        json!({
            "reward": it.reward, "kind": it.kind, "state": it.state, "refused": it.refused, "wallet": it.wallet, "points": it.points.to_string(),
            "money": it.money.map(|money| money.to_string()), "requested_at": instant(it.requested_at), "reference": it.reference, "reason": it.reason,
        })
    });
    let redemptions: Vec<Value> = redemptions.collect();
    let sent = kept.transfers.iter().map(|it| transfer(&kept, it)).collect();
    let changes = kept.changes.iter().map(|it| {
        json!({
            "wallet": it.wallet, "points": it.amount.to_string(), "state": it.state, "reason": it.reason, "asked_at": instant(it.asked_at),
            "decided_at": it.decided_at.map(instant), "answer": it.answer,
        })
    });
    let changes: Vec<Value> = changes.collect();
    let [codes, friends, suspensions] = brought(db, workspace, &kept).await?;
    for (name, rows) in [
        ("loyalty_referral_codes", codes),
        ("loyalty_referrals", friends),
        ("loyalty_referral_suspensions", suspensions),
        ("loyalty_operations", operations),
        ("loyalty_lots", lots),
        ("loyalty_changes", changes),
        ("loyalty_redemptions", redemptions),
        ("loyalty_transfers", sent),
        ("loyalty_household_members", lived),
        ("loyalty_household_invitations", invited),
        ("loyalty_household_uses", shared),
        ("loyalty_household_acts", served),
        ("loyalty_notices", told),
        ("loyalty_tiers", standings),
        ("loyalty_tier_moves", moves),
        ("loyalty_tier_matches", matches),
        ("loyalty_benefit_uses", uses),
        ("loyalty_vouchers", vouchers),
        ("loyalty_challenge_joins", joins),
        ("loyalty_challenge_progress", progress),
        ("loyalty_challenge_completions", completions),
        ("loyalty_badges", own_badges),
        ("loyalty_leaderboard_joins", boards),
        ("loyalty_leaderboard_winners", won),
        ("loyalty_receipts", receipts),
        ("loyalty_payments", payments),
        ("loyalty_cards", cards),
        ("loyalty_partner_lines", at_partners),
        ("loyalty_gift_cards", gift_cards),
    ] {
        if rows.is_empty() {
            continue;
        }
        // Whoever was brought by somebody may have brought others.
        match tables.get_mut(name) {
            Some(Value::Array(there)) => there.extend(rows),
            _ => drop(tables.insert(name.to_owned(), Value::Array(rows))),
        }
    }
    Ok(())
}

/// Codes that they have, and what became of friends who came by them. Who those are is the friends' to say.
async fn brought(db: &mut impl Queries, workspace: WorkspaceId, kept: &Kept) -> Result<[Vec<Value>; 3]> {
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    let codes = referrals::codes::of_members(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "lookup": it.lookup, "referral": it.referral, "made_at": instant(it.made_at), "voided_at": it.voided_at.map(instant),
        })
    });
    let codes = codes.collect();
    let (mut friends, mut after) = (Vec::new(), None);
    loop {
        let step = referrals::of_members(db, workspace, &numbers, after, STEP).await?;
        let Some(last) = step.last() else { break };
        after = Some((last.joined_at, last.referral_id.clone()));
        friends.extend(step.into_iter().map(|it| {
            json!({
                "referral": it.referral, "state": it.state, "reason": it.reason, "joined_at": instant(it.joined_at),
                "qualified_at": it.qualified_at.map(instant), "given_at": it.given_at.map(instant),
                "taken_back_at": it.taken_back_at.map(instant), "points": it.referrer_points.to_string(),
            })
        }));
    }
    let suspensions = referrals::suspensions::of_members(db, workspace, &numbers)
        .await?
        .into_iter()
        .map(|it| json!({ "suspended_at": instant(it.suspended_at), "reason": it.reason }));
    Ok([codes, friends, suspensions.collect()])
}

/// Where they stand on ladders and how they came there, what staff gave and what they used.
async fn ladders(db: &mut impl Queries, workspace: WorkspaceId, kept: &Kept) -> Result<[Vec<Value>; 4]> {
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    let end = |at: Option<Timestamp>| at.map(instant);
    let mut standings = Vec::new();
    let (mut moves, mut uses) = (Vec::new(), Vec::new());
    for row in tiers::standings(db, workspace, &numbers).await? {
        standings.push(json!({
            "ladder": row.ladder, "tier": row.tier, "since": instant(row.since), "until": end(row.until), "next_tier": row.next_tier,
            "missing": row.missing.map(|missing| missing.to_string()), "missing_of": row.missing_of,
        }));
    }
    for ((_, ladder), rows) in tiers::moves_of(db, workspace, &numbers).await? {
        moves.extend(rows.into_iter().map(|it| {
            json!({
                "ladder": ladder, "kind": it.kind, "why": it.why, "from_tier": it.from_tier, "to_tier": it.to_tier,
                "moved_at": instant(it.moved_at), "recorded_at": instant(it.recorded_at), "restated_at": end(it.restated_at),
            })
        }));
    }
    let matches = tiers::matches(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "ladder": it.ladder, "tier": it.tier, "given_at": instant(it.given_at), "until": instant(it.until), "reason": it.reason,
        })
    });
    let matches = matches.collect();
    for number in numbers {
        let mut after = None;
        loop {
            let step = benefits::of_member(db, workspace, number, after, STEP).await?;
            let Some(last) = step.last() else { break };
            after = Some((last.used_at, last.id.clone()));
            uses.extend(step.into_iter().map(|it| {
                json!({
                    "id": it.id, "ladder": it.ladder, "benefit": it.benefit, "tier": it.tier, "reference": it.reference,
                    "cost": it.cost.to_string(), "used_at": instant(it.used_at),
                })
            }));
        }
    }
    Ok([standings, moves, matches, uses])
}

/// Which challenges they joined, how far they are, what they completed, and their badges.
async fn doings(db: &mut impl Queries, workspace: WorkspaceId, kept: &Kept) -> Result<[Vec<Value>; 4]> {
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    let end = |at: Option<Timestamp>| at.map(instant);
    let joins = challenges::joins(db, workspace, &numbers)
        .await?
        .into_iter()
        .map(|it| json!({ "challenge": it.challenge, "joined_at": instant(it.joined_at), "left_at": end(it.left_at) }));
    let progress = challenges::progress_of(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "challenge": it.challenge, "period": it.period, "rounds": it.rounds.to_string(), "have": it.have.to_string(),
            "target": it.target.to_string(), "completed": it.completed.to_string(), "streak": it.streak.to_string(),
            "longest": it.longest.to_string(), "ends_at": end(it.ends_at), "last_at": end(it.last_at),
        })
    });
    let completions = challenges::completions_of(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "challenge": it.challenge, "period": it.period, "round": it.round.to_string(), "step": it.step.to_string(), "wallet": it.wallet,
            "points": it.points.to_string(), "badge": it.badge, "outcome": it.outcome, "completed_at": instant(it.completed_at),
            "taken_back_at": end(it.taken_back_at),
        })
    });
    let badges = badges::of_members(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "badge": it.badge, "cause": it.cause, "given_at": instant(it.given_at), "reason": it.reason, "taken_at": end(it.taken_at),
            "taken_reason": it.taken_reason,
        })
    });
    Ok([joins.collect(), progress.collect(), completions.collect(), badges.collect()])
}

/// Receipts that tills told of them.
async fn receipts(db: &mut impl Queries, workspace: WorkspaceId, kept: &Kept) -> Result<Vec<Value>> {
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    let rows = tills::of_members(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "store": it.store, "receipt": it.receipt, "occurred_at": instant(it.occurred_at), "recorded_at": instant(it.recorded_at),
            "cancelled_at": it.cancelled_at.map(instant),
        })
    });
    Ok(rows.collect())
}

/// Parts of receipts that they paid with points.
async fn payments(db: &mut impl Queries, workspace: WorkspaceId, kept: &Kept) -> Result<Vec<Value>> {
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    let rows = records::of_members(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "store": it.store, "receipt": it.receipt, "wallet": it.wallet, "points": it.points.to_string(), "money": format_micros(it.money),
            "returned": it.returned.to_string(), "refused": it.refused, "paid_at": instant(it.paid_at),
            "cancelled_at": it.cancelled_at.map(instant),
        })
    });
    Ok(rows.collect())
}

/// On which leaderboards they were, under which name, and what they won.
async fn ranked(db: &mut impl Queries, workspace: WorkspaceId, kept: &Kept) -> Result<[Vec<Value>; 2]> {
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    let joins = leaderboards::joins(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "leaderboard": it.leaderboard, "alias": it.alias, "joined_at": instant(it.joined_at), "left_at": it.left_at.map(instant),
        })
    });
    let won = leaderboards::won(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "leaderboard": it.leaderboard, "period": it.period, "place": it.place.to_string(), "score": it.score.to_string(),
            "alias": it.alias, "wallet": it.wallet, "points": it.points.to_string(), "badge": it.badge, "outcome": it.outcome,
            "won_at": instant(it.won_at),
        })
    });
    Ok([joins.collect(), won.collect()])
}

/// To which households they belonged and were invited, whose points were used there, and what staff did for them; as what the others are known is the others' to say.
async fn together(db: &mut impl Queries, workspace: WorkspaceId, kept: &Kept) -> Result<[Vec<Value>; 4]> {
    let numbers: Vec<MemberId> = kept.numbers.iter().copied().collect();
    let mut lived = Vec::new();
    for it in households::all_of(db, workspace, &numbers).await? {
        let found = households::find(db, workspace, &it.household).await?;
        let named = found.filter(|row| it.left_at.is_none() || kept.numbers.contains(&MemberId(row.named_by)));
        lived.push(json!({
            "household": it.household, "household_name": named.map(|row| row.name), "name": it.name,
            "own_limit": it.own_limit.map(|limit| limit.to_string()), "joined_at": instant(it.joined_at), "left_at": it.left_at.map(instant),
            "left_how": it.left_how,
        }));
    }
    let invited = households::invitations_to(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "household": it.household, "state": it.state, "made_at": instant(it.made_at), "due_at": instant(it.due_at),
            "settled_at": it.settled_at.map(instant),
        })
    });
    let shared = households::uses_by_members(db, workspace, &numbers).await?.into_iter().map(|it| {
        json!({
            "role": if kept.numbers.contains(&it.giver()) { "giver" } else { "taker" }, "household": it.household, "wallet": it.wallet,
            "points": it.points.to_string(), "returned": it.returned.to_string(), "used_at": instant(it.used_at),
            "returned_at": it.returned_at.map(instant),
        })
    });
    let served = households::acts_about(db, workspace, &numbers).await?.into_iter();
    let served = served.map(
        |it| json!({ "household": it.household, "what": it.what, "reason": it.reason, "done_at": instant(it.done_at) }),
    );
    Ok([lived, invited.collect(), shared.collect(), served.collect()])
}

/// What they sent or got; who the other is, and their words, are the other's to say.
fn transfer(kept: &Kept, it: &Transfer) -> Value {
    let is_sender = kept.numbers.contains(&it.sender());
    json!({
        "role": if is_sender { "sender" } else { "receiver" }, "is_gift": it.is_gift, "wallet": it.wallet, "points": it.points.to_string(),
        "arrived": it.arrived.to_string(), "returned": it.returned.to_string(), "state": it.state, "refused": it.refused,
        "made_at": instant(it.made_at), "due_at": it.due_at.map(instant), "settled_at": it.settled_at.map(instant),
        "reason": if is_sender { it.reason.as_str() } else { "" },
    })
}

/// What it was bought for is the buyer's to say.
fn gift_card(kept: &Kept, it: &Card) -> Value {
    let is_own = |member: Option<i64>| member.is_some_and(|it| kept.numbers.contains(&MemberId(it)));
    let is_buyer = is_own(it.bought_by);
    let words = |text: &str| if is_buyer { text.to_owned() } else { String::new() };
    json!({
        "bought": is_buyer, "claimed": is_own(it.claimed_by), "wallet": it.wallet, "amount": it.amount.to_string(), "state": it.state,
        "issued_at": instant(it.issued_at), "settled_at": it.settled_at.map(instant), "reference": words(&it.reference),
        "reason": words(&it.reason),
    })
}

/// Why somebody else gave them points is the other's to say.
fn operation(kept: &Kept, operation: &Operation, wallet: &str) -> Value {
    let own = |text: &str| if kept.is_own(operation) { text.to_owned() } else { String::new() };
    json!({
        "wallet": wallet, "kind": operation.kind.key(), "points": kept.change(operation).to_string(), "asked_for": operation.amount.to_string(),
        "refused": operation.refused.map(Refusal::code), "effective_at": instant(operation.effective_at),
        "recorded_at": instant(operation.recorded_at), "source_kind": operation.source.kind,
        "source_reference": own(&operation.source.reference), "source_reason": own(&operation.source.reason),
    })
}

/// As all tables of what is kept have it.
fn instant(at: Timestamp) -> String {
    at.0.to_string()
}
