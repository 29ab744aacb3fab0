//! The sample shop's club, played through in the order of time: its customers earned by the rules that held then, goods went back, points lapsed, the till took some; lately there are challenges, a leaderboard,
//! partners, a counter, points that members send each other, a household and gift cards.
//!
//! Always holds: points come about the way they do for everybody (`earning`, the ledger's commands), only that the clock shows the days of the past; chance says who pays with points,
//! the same each time. What is told of these customers later adds nothing, since its occasions are known.
//!
//! Does not: decide what a rule gives.

mod cards;
mod club;
mod counter;
mod doing;
mod elsewhere;
mod friends;
mod home;
mod redeeming;
mod sending;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result};
use rapport_domain::shop_events::{ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED};
use rapport_domain::{
    Currency, Event, EventId, Handle, Identifier, IdentifierKind, PersonId, SourceId, Timestamp, WorkspaceId,
};
use rapport_intake::Origin;
use rapport_loyalty::ledger::{Account, AccountKey, Act, Command, MemberId, Refusal, Source, Standing, WalletId};
use rapport_loyalty::records::{self, Memory, members, read, wallets};
use rapport_profiles::orders::{OrderChange, Status, change};
use rapport_profiles::records::identifiers;
use rapport_profiles::{AppliedEvent, classify};
use rapport_sample::{Message, SampleShop};
use rapport_store::{Priority, Tx};
use serde_json::Map;

use cards::Cards;
pub use club::begins;
use doing::{Day, Doing};
use home::Home;
use redeeming::Redeeming;
use sending::Sending;

use crate::earning::{self, Told};
use crate::installation::Installation;
use crate::own_events;
use crate::sample_shop;
use crate::surveying::sample::chance::Chance;

const DAY: i64 = Timestamp::DAY;
/// What is told in memory, beside the birthdays.
const HEARD: [&str; 4] = [ORDER_COMPLETED, ORDER_REFUNDED, ORDER_CANCELLED, "Signed Up"];
/// People who are looked up at once.
const SLICE: usize = 500;
/// Accounts in which what is due is posted at once.
const DUE: u32 = 10_000;
/// Of so many customers one has told the shop when their birthday is.
const BIRTHDAYS: u64 = 8;
/// Nobody pays with fewer.
const LEAST: i64 = 500;
/// A full card of stamps.
const CARD: i64 = 10;
/// Points by hand: how many, and why.
const BY_HAND: [(i64, &str); 6] = [
    (200, "Parcel came a week late"),
    (500, "Complaint settled by telephone"),
    (150, "Receipt of the fair in Hamburg shown"),
    (-120, "Entered twice at the till"),
    (300, "Points of the paper card"),
    (100, "Goodwill: wrong size sent"),
];

/// What of a customer's messages the club rewards, since it began.
pub fn rewarded(messages: &[Message], end: Timestamp) -> impl Iterator<Item = Message> {
    let began = begins(end);
    let is_heard = move |message: &&Message| {
        message.timestamp >= began
            && message.user_id.is_some()
            && message.event.is_some_and(|event| HEARD.contains(&event))
    };
    messages.iter().filter(is_heard).cloned()
}

/// Founds the club as if long ago, and plays through what its members did since. `by` is who is said to have written the rules.
///
/// # Errors
/// The store's and the log's.
pub async fn run(
    installation: &Installation,
    (workspace, source): (WorkspaceId, SourceId),
    rewarded: &[Message],
    end: Timestamp,
    by: &str,
) -> Result<()> {
    club::found(installation, workspace, end, by).await?;
    let mut events = Vec::new();
    for messages in rewarded.chunks(sample_shop::BATCH) {
        events.extend(sample_shop::decode(installation, Origin { workspace, source }, messages)?);
    }
    let own_source = own_events::source(installation, workspace).await?;
    let told =
        [birthdays((workspace, own_source), &events, end), counter::receipts((workspace, own_source), &events, end)];
    for told in told.iter().flat_map(|told| told.chunks(sample_shop::BATCH)) {
        installation.log.append(told).await?;
    }
    events.extend(told.into_iter().flatten());
    events.sort_by_key(|event| (event.occurred_at, event.id.0));
    let people = people(installation, workspace, &events).await?;
    let wallets = wallets::numbers(&mut installation.store.read(), workspace).await?;
    let currency = Currency::parse(SampleShop::CURRENCY).context("the shop has a currency")?;
    let (stood, refused) = (HashMap::new(), BTreeMap::new());
    let (redeeming, doing, sending) = (Redeeming::new(end)?, Doing::new(end), Sending::default());
    let (home, cards) = (Home::default(), Cards::default());
    let mut past = Past {
        installation,
        workspace,
        by,
        end,
        currency,
        people,
        wallets,
        stood,
        refused,
        redeeming,
        doing,
        sending,
        home,
        cards,
    };
    for day in events.chunk_by(|one, other| one.occurred_at.0.div_euclid(DAY) == other.occurred_at.0.div_euclid(DAY)) {
        past.day(day).await?;
    }
    let rich = past.today(end).await?;
    friends::come(installation, (workspace, own_source), (&rich, &events), end).await
}

/// A day a year of whoever told theirs, as the shop's own system tells of it.
fn birthdays((workspace, source): (WorkspaceId, SourceId), events: &[Event], end: Timestamp) -> Vec<Event> {
    let names: BTreeSet<&Identifier> = events.iter().filter_map(user).collect();
    let mut found = Vec::new();
    for name in names {
        let mut chance = Chance::of(&format!("birthday/{}", name.value));
        if !chance.next().is_multiple_of(BIRTHDAYS) {
            continue;
        }
        let first = begins(end).0.div_euclid(DAY) * DAY + (chance.next() % 365) as i64 * DAY + 7 * Timestamp::HOUR;
        for year in 0..2 {
            let at = Timestamp(first + year * 365 * DAY);
            if at >= end {
                continue;
            }
            let id = EventId::of_message(workspace, source, &format!("sample-birthday-{}-{year}", name.value));
            found.push(own_events::event((workspace, source), id, at, name.clone(), club::BIRTHDAY, Map::new()));
        }
    }
    found
}

fn user(event: &Event) -> Option<&Identifier> {
    event.identifiers.iter().find(|it| it.kind == IdentifierKind::UserId)
}

/// Who the customers are.
async fn people(
    installation: &Installation,
    workspace: WorkspaceId,
    events: &[Event],
) -> Result<HashMap<String, (Handle, PersonId)>> {
    let names: BTreeSet<&str> = events.iter().filter_map(user).map(|it| it.value.as_str()).collect();
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let mut people = HashMap::new();
    for slice in names.chunks(SLICE) {
        let mut db = installation.store.read();
        let rows = identifiers::by_values(&mut db, workspace, IdentifierKind::UserId, slice).await?;
        people.extend(rows.into_iter().map(|row| (row.value, (row.handle, row.person))));
    }
    Ok(people)
}

struct Past<'a> {
    installation: &'a Installation,
    workspace: WorkspaceId,
    by: &'a str,
    end: Timestamp,
    currency: Currency,
    people: HashMap<String, (Handle, PersonId)>,
    wallets: HashMap<String, WalletId>,
    /// How each order stands by what was told so far.
    stood: earning::Standing,
    /// Who tried to pay with more than they have, how often.
    refused: BTreeMap<MemberId, u32>,
    redeeming: Redeeming,
    doing: Doing,
    sending: Sending,
    home: Home,
    cards: Cards,
}

/// Who ordered on a day, and what they can spend.
struct Paying<'a> {
    orders: &'a [(MemberId, &'a str)],
    has: HashMap<MemberId, i64>,
}

impl Paying<'_> {
    fn available(&self, member: MemberId) -> i64 {
        self.has.get(&member).copied().unwrap_or_default()
    }
}

impl Past<'_> {
    /// A day's events, written down when the last of them happened.
    async fn day(&mut self, events: &[Event]) -> Result<()> {
        let Some(now) = events.last().map(|event| event.occurred_at) else { return Ok(()) };
        let (events, applied) = self.apply(events);
        let workspace = self.workspace;
        let mut tx = self.installation.store.begin(Priority::Background).await?;
        records::settle(&mut tx, &mut Memory::default(), workspace, DUE, now).await?;
        let lists = self.till(&mut tx, &events, &applied, now).await?;
        if !lists.is_empty() {
            let answers = records::post(&mut tx, &mut Memory::default(), workspace, &lists, now).await?;
            for (list, answers) in lists.iter().zip(answers) {
                if answers.iter().any(|answer| answer.refused == Some(Refusal::InsufficientPoints)) {
                    *self.refused.entry(list[0].member).or_default() += 1;
                }
            }
        }
        let told = Told { events: &events, applied: &applied, superseded: &[] };
        earning::hear_at(self.installation, &mut tx, workspace, told, (now, Some(&self.stood))).await?;
        let orders = self.orders(&mut tx, &events, &applied).await?;
        self.redeem(&mut tx, &orders, now).await?;
        counter::day(&mut tx, workspace, &events, (&orders, self.by)).await?;
        let day = Day { workspace, events: &events, applied: &applied, orders: &orders, now };
        self.doing.day(self.installation, &mut tx, day, self.by).await?;
        self.spend_elsewhere(&mut tx, &orders, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What members earn and burn at partners on a day, let each other use, buy as gifts, and send each other.
    async fn spend_elsewhere(&mut self, tx: &mut Tx, orders: &[(MemberId, &str)], now: Timestamp) -> Result<()> {
        if now < self.end.plus(-elsewhere::SINCE * DAY) {
            return Ok(());
        }
        let paying = self.paying(tx, orders, now).await?;
        let scene = self.redeeming.scene(self.workspace, now);
        elsewhere::day(tx, scene, &paying, (self.end, self.by)).await?;
        self.home.day(tx, scene, &paying, self.end).await?;
        self.cards.day(self.installation, tx, scene, &paying, (self.end, self.by)).await?;
        self.sending.day(self.installation, tx, scene, &paying, self.end).await
    }

    async fn paying<'o>(&self, tx: &mut Tx, orders: &'o [(MemberId, &'o str)], now: Timestamp) -> Result<Paying<'o>> {
        let members = distinct(orders);
        let wallet = self.wallets[club::POINTS];
        let has = read::accounts(tx, self.workspace, &members, now).await?;
        let has = members.into_iter().map(|member| (member, available(&has, (member, wallet)))).collect();
        Ok(Paying { orders, has })
    }

    /// Whose the events are, and how orders stand after them.
    fn apply(&mut self, events: &[Event]) -> (Vec<Event>, Vec<AppliedEvent>) {
        let (mut kept, mut applied) = (Vec::new(), Vec::new());
        for event in events {
            match change(event, event.occurred_at, self.currency) {
                Some(OrderChange::Placed { order_id, revenue, .. }) => {
                    self.stood.insert(order_id, (revenue.micros, 0, Status::Completed.as_str().to_owned()));
                }
                Some(OrderChange::Refunded { order_id, amount, .. }) => {
                    if let Some(order) = self.stood.get_mut(&order_id) {
                        order.1 += amount.map_or(order.0, |amount| amount.micros);
                    }
                }
                Some(OrderChange::Cancelled { order_id, .. }) => {
                    if let Some(order) = self.stood.get_mut(&order_id) {
                        Status::Cancelled.as_str().clone_into(&mut order.2);
                    }
                }
                None => {}
            }
            let Some((handle, person)) = user(event).and_then(|name| self.people.get(&name.value)) else { continue };
            kept.push(event.clone());
            applied.push(AppliedEvent {
                handle: *handle,
                person: *person,
                occurred_at: event.occurred_at,
                properties: classify::split(&event.properties).0,
                context: Map::new(),
            });
        }
        (kept, applied)
    }

    /// The orders of members among these events: whose, and their numbers.
    async fn orders<'e>(
        &self,
        tx: &mut Tx,
        events: &'e [Event],
        applied: &[AppliedEvent],
    ) -> Result<Vec<(MemberId, &'e str)>> {
        let orders = events.iter().zip(applied).filter(|(event, _)| event.name == ORDER_COMPLETED);
        let orders: Vec<(PersonId, &str)> =
            orders.filter_map(|(event, it)| Some((it.person, event.properties.get("order_id")?.as_str()?))).collect();
        let people: Vec<PersonId> = orders.iter().map(|(person, _)| *person).collect();
        let numbers = members::of_persons(tx, self.workspace, &people).await?;
        Ok(orders.into_iter().filter_map(|(person, order)| Some((*numbers.get(&person)?, order))).collect())
    }

    /// What the till takes and staff put right that day.
    async fn till(
        &self,
        tx: &mut Tx,
        events: &[Event],
        applied: &[AppliedEvent],
        now: Timestamp,
    ) -> Result<Vec<Vec<Command>>> {
        let orders = self.orders(tx, events, applied).await?;
        let members = distinct(&orders);
        let accounts = read::accounts(tx, self.workspace, &members, now).await?;
        let mut seen = BTreeSet::new();
        let mut lists = Vec::new();
        for (member, order_id) in orders {
            if !seen.insert(member) {
                continue;
            }
            let mut chance = Chance::of(&format!("till/{order_id}"));
            let has = |wallet: &str| available(&accounts, (member, self.wallets[wallet]));
            let mut at_till = |wallet: &str, amount: i64, reason: &str| {
                let source = source("order", order_id, "", reason);
                let id = format!("till-{order_id}-{wallet}");
                lists.push(vec![Command {
                    id,
                    member,
                    wallet: self.wallets[wallet],
                    act: Act::Spend { amount },
                    source,
                }]);
            };
            let half = self.stood.get(order_id).map_or(0, |order| order.0 / 10_000 / 2 / 100 * 100);
            let points = has(club::POINTS);
            if points >= LEAST && chance.happens(0.012) {
                at_till(club::POINTS, points + LEAST, "Wanted to pay all of it with points");
            } else if points >= LEAST && half >= LEAST && chance.happens(0.4) {
                at_till(club::POINTS, (points / 100 * 100).min(half), "Paid with points");
            }
            if has(club::STAMPS) >= CARD && chance.happens(0.7) {
                at_till(club::STAMPS, CARD, "A full card: a bag of coffee");
            }
            if has(club::CREDIT) > 0 && chance.happens(0.8) {
                at_till(club::CREDIT, has(club::CREDIT), "Paid with credit");
            }
            if chance.happens(0.006) {
                let (amount, reason) = chance.pick(&BY_HAND).copied().unwrap_or(BY_HAND[0]);
                let act = Act::Adjust {
                    amount,
                    expires_at: Some(now.plus(365 * DAY)).filter(|_| amount > 0),
                    into_arrears: false,
                };
                let source = source("staff", "", self.by, reason);
                let (id, wallet) = (format!("by-hand-{order_id}"), self.wallets[club::POINTS]);
                lists.push(vec![Command { id, member, wallet, act, source }]);
            }
        }
        Ok(lists)
    }

    /// What members take for their points with that day's orders.
    async fn redeem(&mut self, tx: &mut Tx, orders: &[(MemberId, &str)], now: Timestamp) -> Result<()> {
        let paying = self.paying(tx, orders, now).await?;
        self.redeeming.day(tx, self.workspace, &paying, now).await
    }

    /// What fell due until today; somebody is blocked who tried too often, and a few carts are open with points set aside. Some who have enough to give.
    async fn today(self, end: Timestamp) -> Result<Vec<MemberId>> {
        let (installation, workspace) = (self.installation, self.workspace);
        let mut tx = installation.store.begin(Priority::Background).await?;
        while records::settle(&mut tx, &mut Memory::default(), workspace, DUE, end).await? > 0 {}
        if let Some((member, _)) = self.refused.iter().max_by_key(|(_, times)| **times) {
            members::set_standing(&mut tx, workspace, *member, Standing::Blocked).await?;
        }
        let newest = members::list(&mut tx, workspace, Some(Standing::Active), None, 400).await?;
        let numbers: Vec<MemberId> = newest.iter().map(|it| it.member).collect();
        let accounts = read::accounts(&mut tx, workspace, &numbers, end).await?;
        let wallet = self.wallets[club::POINTS];
        let able: Vec<MemberId> =
            numbers.into_iter().filter(|member| available(&accounts, (*member, wallet)) >= LEAST).collect();
        let lists: Vec<Vec<Command>> = able
            .iter()
            .copied()
            .take(3)
            .enumerate()
            .map(|(number, member)| {
                let act = Act::Hold { amount: LEAST, until: end.plus(DAY) };
                let source = source("cart", &format!("cart-{}", number + 1), "", "Set aside at the checkout");
                vec![Command { id: format!("cart-{}", number + 1), member, wallet, act, source }]
            })
            .collect();
        records::post(&mut tx, &mut Memory::default(), workspace, &lists, end).await?;
        let giver = able.get(3).or(able.first()).copied();
        Sending::today(installation, &mut tx, self.redeeming.scene(workspace, end), giver).await?;
        tx.commit().await?;
        Ok(able)
    }
}

/// Whose orders these are, each once.
fn distinct(orders: &[(MemberId, &str)]) -> Vec<MemberId> {
    orders.iter().map(|(member, _)| *member).collect::<BTreeSet<_>>().into_iter().collect()
}

fn available(accounts: &BTreeMap<AccountKey, Account>, key: AccountKey) -> i64 {
    accounts.get(&key).map_or(0, |account| account.balance().available)
}

fn source(kind: &str, reference: &str, by: &str, reason: &str) -> Source {
    Source {
        kind: kind.to_owned(),
        reference: reference.to_owned(),
        by: by.to_owned(),
        reason: reason.to_owned(),
        asked: None,
    }
}
