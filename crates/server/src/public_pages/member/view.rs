//! What a member's page shows, section by section, read as of now.
//!
//! Always holds: the rows of a schedule sum to what the wallet has; a price is the one that redeeming asks for at this moment; what the member cannot have is not offered.
//!
//! Does not: write anything, or name the person.

use std::collections::{BTreeMap, HashMap};

use rapport_domain::money::format_micros;
use rapport_domain::{Calendar, Timestamp, WorkspaceId};
use rapport_loyalty::households::SOURCE;
use rapport_loyalty::ledger::{Account, AccountKey, Kind, MemberId, Operation, WalletId};
use rapport_loyalty::program::{Program, Unit, WalletPlan};
use rapport_loyalty::records::cards;
use rapport_loyalty::records::documents::{self, Version};
use rapport_loyalty::records::gift_cards;
use rapport_loyalty::records::households;
use rapport_loyalty::records::members::{self, Member};
use rapport_loyalty::records::redemptions::{self, Redemption};
use rapport_loyalty::records::vouchers::{self, Voucher};
use rapport_loyalty::records::{read as ledger, wallets};
use rapport_loyalty::rewards::{Price, Reward};
use rapport_store::Queries;

use super::word;
use super::words::Words;
use crate::api::loyalty::offered::{Offered, offered};
use crate::api::loyalty::redemptions::Present;
use crate::app::App;
use crate::problem::{Problem, Result};
use crate::qr;
use crate::tiers::{Ladders, Lives};

/// The most redemptions and movements of a page.
const SHOWN: u32 = 50;

/// The whole page.
pub struct View {
    /// The programme's name.
    pub name: String,
    /// Their card, as a drawing and in letters.
    pub card: Option<(String, String)>,
    pub wallets: Vec<WalletView>,
    pub tiers: Vec<TierView>,
    pub rewards: Vec<RewardView>,
    pub redeemed: Vec<RedeemedView>,
    /// Codes that they were given by something else.
    pub codes: Vec<String>,
    pub history: Vec<MoveView>,
}

/// A wallet and when what is in it lapses.
pub struct WalletView {
    pub name: String,
    pub available: String,
    /// Sentences about what cannot be spent, or is owed.
    pub notes: Vec<String>,
    /// Until when, how many; empty without points.
    pub schedule: Vec<(String, String)>,
    /// What they sum to.
    pub total: String,
}

/// Where they stand on a ladder.
pub struct TierView {
    pub ladder: String,
    pub tier: Option<String>,
    pub until: Option<String>,
    /// What the next is, and how far they are, in hundredths.
    pub next: Option<(String, i64)>,
    /// What is missing, and when it is reached.
    pub outlook: Vec<String>,
}

/// A reward that is for the member.
pub struct RewardView {
    pub key: String,
    pub name: String,
    pub words: String,
    /// Why it cannot be had at any price: none are left, they had as many as one may.
    pub hindrance: Option<&'static str>,
    /// The prices among which they choose.
    pub prices: Vec<PriceView>,
}

/// A price.
pub struct PriceView {
    pub wallet: String,
    pub points: i64,
    pub money: String,
    pub words: String,
    /// What is missing of it.
    pub missing: Option<String>,
    /// What the household pays of it, in words, where their own points do not suffice.
    pub together: Option<String>,
    /// A new word for the form, so that sending it twice redeems once.
    pub id: String,
}

/// Something that was redeemed.
pub struct RedeemedView {
    pub id: String,
    pub name: String,
    pub words: String,
    pub state: &'static str,
    pub at: String,
    pub price: String,
    pub codes: Vec<String>,
    /// The gift card that it is.
    pub card: Option<CardView>,
    /// Until when it must be used.
    pub until: Option<String>,
    /// Until when it can be called off.
    pub cancel_until: Option<String>,
}

/// A gift card that was redeemed.
pub struct CardView {
    /// What is left on it.
    pub left: String,
    /// Whether they can have a code of it.
    pub is_live: bool,
    /// Whether one was told already.
    pub is_told: bool,
}

/// A movement.
pub struct MoveView {
    pub at: String,
    pub what: String,
    pub change: String,
}

/// What the sections are read with.
struct Reading<'a> {
    workspace: WorkspaceId,
    member: &'a Member,
    program: &'a Program,
    calendar: &'a Calendar,
    now: Timestamp,
    words: &'static Words,
    /// Every reward in all its versions.
    rewards: Vec<Version<Reward>>,
    /// What the member has, by the wallet's key.
    accounts: HashMap<String, Account>,
    wallets: HashMap<WalletId, String>,
}

/// Reads the page of a member.
///
/// # Errors
/// The store's, or that there is no programme.
pub async fn read(app: &App, workspace: WorkspaceId, member: &Member, words: &'static Words) -> Result<View> {
    let present = Present::read(app, workspace).await?;
    let scene = present.scene(app, workspace)?;
    let mut db = app.installation.store.read();
    let keys = wallets::keys(&mut db, workspace).await?;
    let accounts = ledger::accounts(&mut db, workspace, &[member.member], scene.now).await?;
    let of_key = |((_, wallet), account): (AccountKey, Account)| Some((keys.get(&wallet)?.clone(), account));
    let accounts = accounts.into_iter().filter_map(of_key).collect();
    let reading = Reading {
        workspace,
        member,
        program: scene.program,
        calendar: scene.calendar,
        now: scene.now,
        words,
        rewards: documents::versions::<Reward>(&mut db, workspace).await?,
        accounts,
        wallets: keys,
    };
    let card = cards::valid(&mut db, workspace, member.member).await?;
    let (redeemed, codes) = reading.redeemed(&mut db).await?;
    Ok(View {
        name: scene.program.name.clone(),
        card: card.and_then(|card| Some((qr::svg(&card.lookup)?, card.shown()))),
        wallets: reading.balances(),
        tiers: reading.tiers(&mut db, &present).await?,
        rewards: reading.offered(app, &present).await?,
        redeemed,
        codes,
        history: reading.history(&mut db).await?,
    })
}

impl Reading<'_> {
    fn date(&self, at: Timestamp) -> String {
        let date = self.calendar.date(at);
        self.words.date(date.year(), date.month(), date.day())
    }

    /// A day and what the clock shows.
    fn moment(&self, at: Timestamp) -> String {
        let clock = at.to_jiff().to_zoned(self.calendar.zone.clone()).strftime("%H:%M").to_string();
        format!("{} {clock}", self.date(at))
    }

    /// The last day on which something is good that ends at an instant.
    fn last_day(&self, end: Timestamp) -> String {
        self.date(end.plus(-1))
    }

    fn amount(&self, plan: &WalletPlan, amount: i64) -> String {
        shown(plan, amount)
    }

    fn balances(&self) -> Vec<WalletView> {
        let shown = |(place, plan): (usize, &WalletPlan)| {
            let blank = Account::default();
            let account = self.accounts.get(&plan.key).or_else(|| (place == 0).then_some(&blank))?;
            Some(self.balance(plan, account))
        };
        self.program.wallets.iter().enumerate().filter_map(shown).collect()
    }

    fn balance(&self, plan: &WalletPlan, account: &Account) -> WalletView {
        let balance = account.balance();
        let amount = |points| self.amount(plan, points);
        let mut waiting: BTreeMap<Timestamp, i64> = BTreeMap::new();
        let mut ends: BTreeMap<Timestamp, i64> = BTreeMap::new();
        for lot in account.lots().filter(|lot| lot.remaining() > 0) {
            *ends.entry(lot.expires_at.unwrap_or(Timestamp(i64::MAX))).or_default() += lot.remaining();
            if lot.pending > 0 {
                *waiting.entry(lot.active_from).or_default() += lot.pending;
            }
        }
        let pending = |(from, points): (&Timestamp, &i64)| self.words.pending(&amount(*points), &self.date(*from));
        let mut notes: Vec<String> = waiting.iter().map(pending).collect();
        if balance.held > 0 {
            notes.push(Words::filled(self.words.held, &amount(balance.held)));
        }
        if balance.owed > 0 {
            notes.push(Words::filled(self.words.owed, &amount(balance.owed)));
        }
        // Ends of one day are one row.
        let mut schedule: Vec<(String, i64)> = Vec::new();
        for (end, points) in ends {
            let is_never = end == Timestamp(i64::MAX);
            let day = if is_never { self.words.never.to_owned() } else { self.last_day(end) };
            match schedule.last_mut().filter(|last| last.0 == day) {
                Some(last) => last.1 += points,
                None => schedule.push((day, points)),
            }
        }
        WalletView {
            name: plan.name.clone(),
            available: amount(balance.available),
            notes,
            total: amount(schedule.iter().map(|row| row.1).sum()),
            schedule: schedule.into_iter().map(|(day, points)| (day, amount(points))).collect(),
        }
    }

    async fn tiers(&self, db: &mut impl Queries, present: &Present) -> Result<Vec<TierView>> {
        let Some(ladders) = Ladders::of(&present.programs).map_err(Problem::internal)? else { return Ok(Vec::new()) };
        let lives = Lives::read(&ladders, db, self.workspace, vec![self.member.clone()]).await;
        let Some(life) = lives.map_err(Problem::internal)?.list.into_iter().next() else { return Ok(Vec::new()) };
        let mut shown = Vec::new();
        for ladder in &ladders.program.ladders {
            let Some(course) = ladders.course(&ladder.key, &life).filter(|_| !ladder.ended) else { continue };
            let standing = course.standing(self.now);
            let next = course.next(&standing, self.now);
            let name = |tier: &str| ladder.place(tier).map(|place| ladder.tiers[place].name.clone());
            let share = |it: &rapport_loyalty::tiers::Progress| {
                let part = i128::from(it.have.micros()) * 100 / i128::from(it.at_least.micros().max(1));
                i64::try_from(part.clamp(0, 100)).unwrap_or(0)
            };
            let mut outlook = Vec::new();
            if let Some(next) = &next {
                if let Some(missing) = &next.missing {
                    let measure = ladder.measure(&missing.measure).map_or("", |it| it.name.as_str());
                    outlook.push(self.words.missing(&decimal(missing.missing.micros()), measure));
                }
                if let Some(at) = next.forecast.at {
                    outlook.push(Words::filled(self.words.at_this_pace, &self.date(at)));
                }
            }
            shown.push(TierView {
                ladder: ladder.name.clone(),
                tier: standing.tier.as_deref().and_then(name),
                until: standing.until.map(|until| Words::filled(self.words.tier_until, &self.last_day(until))),
                next: next.and_then(|it| Some((name(&it.tier)?, it.missing.as_ref().map_or(0, share)))),
                outlook,
            });
        }
        Ok(shown)
    }

    async fn offered(&self, app: &App, present: &Present) -> Result<Vec<RewardView>> {
        let found = offered(app, (self.workspace, present), self.member, &self.rewards).await?;
        let mut shown: Vec<RewardView> = found.into_iter().map(|it| self.reward(app, it)).collect();
        self.together(app, present, &mut shown).await?;
        Ok(shown)
    }

    fn reward(&self, app: &App, offered: Offered<'_>) -> RewardView {
        let shown = |price: &Price| {
            let key = price.wallet(self.program);
            let plan = self.program.wallet(key)?;
            let available = self.accounts.get(key).map_or(0, |account| account.balance().available);
            let missing = price.points.saturating_sub(available);
            let money = price.money.map(|money| money.micros());
            Some(PriceView {
                wallet: key.to_owned(),
                points: price.points,
                money: money.map(format_micros).unwrap_or_default(),
                words: self.price(plan, price.points, money),
                missing: (missing > 0).then(|| Words::filled(self.words.too_few, &self.amount(plan, missing))),
                together: None,
                id: word(app),
            })
        };
        RewardView {
            key: offered.reward.key.clone(),
            name: offered.reward.name.clone(),
            words: offered.reward.words.clone(),
            hindrance: offered.room.err().map(|refusal| self.words.refusal(refusal)),
            prices: offered.prices.into_iter().filter_map(shown).collect(),
        }
    }

    /// Says of what they cannot pay alone how much their household would pay, where it can.
    async fn together(&self, app: &App, present: &Present, shown: &mut [RewardView]) -> Result<()> {
        if self.program.households.is_none() {
            return Ok(());
        }
        let scene = present.scene(app, self.workspace)?;
        let mut db = app.installation.store.read();
        let open = shown.iter_mut().filter(|it| it.hindrance.is_none()).flat_map(|it| &mut it.prices);
        for price in open.filter(|price| price.missing.is_some()) {
            let wallet = self.wallets.iter().find(|(_, key)| **key == price.wallet).map(|(wallet, _)| *wallet);
            let (Some(wallet), Some(plan)) = (wallet, self.program.wallet(&price.wallet)) else { continue };
            let asked = (price.wallet.as_str(), wallet);
            let paid = households::plan(&mut db, scene, self.member.member, asked, price.points).await?;
            if let Ok(paid) = paid {
                let others = self.amount(plan, price.points - paid.own);
                price.together = Some(Words::filled(self.words.home.pays, &others));
                price.missing = None;
            }
        }
        Ok(())
    }

    fn price(&self, plan: &WalletPlan, points: i64, money: Option<i64>) -> String {
        let points = match plan.unit {
            Unit::Money { .. } => self.amount(plan, points),
            Unit::Points | Unit::Stamps => format!("{} {}", self.amount(plan, points), plan.name),
        };
        let money = money.map(|money| format!(" + {} {}", format_micros(money), self.program.currency.as_str()));
        points + &money.unwrap_or_default()
    }

    /// What they redeemed, and the codes that they have by something else.
    async fn redeemed(&self, db: &mut impl Queries) -> Result<(Vec<RedeemedView>, Vec<String>)> {
        let whose = [self.member.member];
        let rows = redemptions::of_members(db, self.workspace, &whose, None, SHOWN).await?;
        let all = vouchers::of_members(db, self.workspace, &whose).await?;
        let (of_redemptions, others): (Vec<Voucher>, Vec<Voucher>) =
            all.into_iter().partition(|voucher| voucher.given_for.starts_with("rdm_"));
        let is_good = |it: &Voucher| it.state == "live" && it.valid_until.is_none_or(|until| self.now < until);
        let codes = others.into_iter().filter(is_good).map(|voucher| voucher.code).collect();
        let mut shown = Vec::new();
        for row in rows.into_iter().filter(|row| row.state != "refused") {
            let card = self.card(db, &row).await?;
            shown.push(self.one_redeemed(row, (&of_redemptions, card)));
        }
        Ok((shown, codes))
    }

    /// The gift card that a redemption is: when its time is over, and how it is shown.
    async fn card(&self, db: &mut impl Queries, row: &Redemption) -> Result<Option<(Option<Timestamp>, CardView)>> {
        if row.kind != "gift_card" || row.state != "fulfilled" {
            return Ok(None);
        }
        let Some(card) = gift_cards::for_redemption(db, self.workspace, &row.redemption).await? else {
            return Ok(None);
        };
        let left = gift_cards::balance(db, self.workspace, &card, self.now).await?.available;
        let amount = self.program.wallet(&card.wallet).map_or_else(|| left.to_string(), |plan| self.amount(plan, left));
        let is_told = !card.tail.is_empty();
        let is_live = card.state == "live" && card.expires_at.is_none_or(|end| self.now < end);
        let left = self.words.two(self.words.gift.left, &amount, &card.tail).trim().to_owned();
        Ok(Some((card.expires_at, CardView { left, is_live, is_told })))
    }

    fn one_redeemed(
        &self,
        row: Redemption,
        (vouchers, card): (&[Voucher], Option<(Option<Timestamp>, CardView)>),
    ) -> RedeemedView {
        // The words that were in force when it was redeemed; names change.
        let then = self.rewards.iter().find(|it| it.document.key == row.reward && it.version == row.version);
        let is_theirs = row.state == "fulfilled";
        let own: Vec<&Voucher> = vouchers.iter().filter(|it| is_theirs && it.given_for == row.redemption).collect();
        let is_open = matches!(row.state.as_str(), "requested" | "fulfilled");
        let is_unpaid = row.money.is_some() && row.paid_at.is_none();
        // What is not paid yet is not bought yet.
        let cancel_until = if is_unpaid { row.due_at } else { row.cancel_until };
        let cancel_until = cancel_until.filter(|until| is_open && self.now < *until);
        let plan = self.program.wallet(&row.wallet);
        let (ends_at, card) = card.map_or((None, None), |(end, card)| (end, Some(card)));
        RedeemedView {
            name: then.map_or_else(|| row.reward.clone(), |it| it.document.name.clone()),
            words: then.filter(|_| is_open).map(|it| it.document.words.clone()).unwrap_or_default(),
            state: self.words.state(&row.state, is_unpaid),
            at: self.date(row.requested_at),
            price: plan.map(|plan| self.price(plan, row.points, row.money)).unwrap_or_default(),
            until: own.iter().find_map(|it| it.valid_until).or(ends_at).map(|until| self.last_day(until)),
            card,
            codes: own.into_iter().map(|it| it.code.clone()).collect(),
            cancel_until: cancel_until.map(|until| self.moment(until)),
            id: row.redemption,
        }
    }

    async fn history(&self, db: &mut impl Queries) -> Result<Vec<MoveView>> {
        let numbers = members::numbers(db, self.workspace, self.member.member).await?;
        let all = ledger::history(db, self.workspace, self.member.member, None, SHOWN).await?;
        Ok(all.iter().filter_map(|it| self.moved(it, &numbers)).collect())
    }

    /// What a movement changed; nothing where points only went from one of the member's places to another.
    fn moved(&self, it: &Operation, numbers: &[MemberId]) -> Option<MoveView> {
        let own = it.postings.iter().filter(|posting| numbers.contains(&posting.member));
        let signed = |is_in: bool, is_out: bool, amount: i64| i64::from(is_in) * amount - i64::from(is_out) * amount;
        let change: i64 = own.map(|it| signed(it.to.is_members(), it.from.is_members(), it.amount)).sum();
        let plan = self.program.wallet(self.wallets.get(&it.wallet)?)?;
        if change == 0 {
            return None;
        }
        let amount = self.amount(plan, change.saturating_abs());
        Some(MoveView {
            at: self.date(it.effective_at),
            what: self.what(it, change),
            change: format!("{}{amount}", if change < 0 { "−" } else { "+" }),
        })
    }

    fn what(&self, it: &Operation, change: i64) -> String {
        let what = self.words.movement(it.kind, change);
        let reference = it.source.reference.as_str();
        let about = match it.source.kind.as_str() {
            "order" | "offer" if !reference.is_empty() => Some(Words::filled(self.words.order, reference)),
            "reward" if matches!(it.kind, Kind::Spend | Kind::Capture | Kind::Reverse) => self
                .rewards
                .iter()
                .rev()
                .find(|reward| reward.document.key == reference)
                .map(|reward| reward.document.name.clone()),
            SOURCE => Some(self.words.home.title.to_owned()),
            _ => None,
        };
        about.map_or_else(|| what.to_owned(), |about| format!("{what} · {about}"))
    }
}

/// How many of a wallet, as members read it.
pub(super) fn shown(plan: &WalletPlan, amount: i64) -> String {
    match plan.unit {
        Unit::Points | Unit::Stamps => grouped(amount),
        Unit::Money { currency } => format!("{} {}", format_micros(amount.saturating_mul(10_000)), currency.as_str()),
    }
}

/// A whole number with its thousands apart.
pub(super) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let sign = if number < 0 { "−" } else { "" };
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    format!("{sign}{}", groups.join(","))
}

/// A decimal as short as it can be written.
pub(super) fn decimal(micros: i64) -> String {
    if micros % 1_000_000 == 0 { grouped(micros / 1_000_000) } else { format_micros(micros) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        let shown = [0, 7, 999, 1_000, 1_234_567, -45_000].map(grouped);
        assert_eq!(shown, ["0", "7", "999", "1,000", "1,234,567", "−45,000"]);
        assert_eq!((decimal(1_500_000), decimal(12_000_000)), ("1.50".to_owned(), "12".to_owned()));
    }
}
