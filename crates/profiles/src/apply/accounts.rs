//! `group` calls: a person belongs to an organisation, and what is known of it is a fact of each of its members.
//!
//! Always holds: in any order of arrival, a member's facts `account.<trait>` say what is recorded of the account's traits at each time since the member
//! joined. As with facts of persons, what only repeats what holds at its time is not recorded, so a correction of the time before it, if it comes later,
//! holds on past it. Whoever belongs to several accounts has what was told last of any of them.
//! It does not know when somebody leaves: no call says so.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_domain::{AccountId, Event, EventKind, Handle, PersonId, Timestamp};
use rapport_store::{Result, Tx};
use serde_json::Value;

use super::Work;
use super::events::MOST_TRAITS;
use crate::records::accounts::AccountFactRow;
use crate::records::facts::FactRow;
use crate::records::{accounts, facts};

/// An account's facts: key, from when, what was told last of that time.
type Known = BTreeMap<String, BTreeMap<Timestamp, AccountFactRow>>;

impl Work<'_> {
    /// Records memberships and traits of accounts, and tells members of them.
    pub(super) async fn record_accounts(&mut self, tx: &mut Tx) -> Result<()> {
        let events = self.events;
        let workspace = self.settings.workspace;
        let mut named: BTreeMap<AccountId, BTreeMap<Handle, PersonId>> = BTreeMap::new();
        let mut known: BTreeMap<AccountId, Known> = BTreeMap::new();
        let mut changed: BTreeMap<AccountId, BTreeSet<String>> = BTreeMap::new();
        for (index, event) in events.iter().enumerate() {
            let (EventKind::Group, Some(group)) = (event.kind, &event.group_id) else { continue };
            let name = event.traits.get("name").and_then(Value::as_str);
            let fresh = AccountId(self.profiles.rng.next_positive_i64());
            let (at, who) = (self.times[index], self.who(event));
            let account = accounts::ensure(tx, workspace, group, name, fresh, at).await?;
            accounts::add_member(tx, workspace, account, who.handle, at).await?;
            named.entry(account).or_default().insert(who.handle, who.person);
            let known = match known.entry(account) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(by_time(accounts::facts(tx, workspace, account).await?)),
            };
            let news = self.traits_of(event, at, known);
            changed.entry(account).or_default().extend(news.iter().map(|row| row.fact_key.clone()));
            accounts::insert_facts(tx, workspace, account, &news).await?;
        }
        for (account, known) in &known {
            let changed = &changed[account];
            if !changed.is_empty() {
                let members = accounts::members(tx, workspace, *account, self.profiles.most_members).await?;
                let of_changed = known.iter().filter(|(key, _)| changed.contains(*key));
                self.tell(tx, &members, &of_changed.collect()).await?;
            }
            // Whoever joined, and whoever has not heard of everything because there are so many.
            let named = &named[account];
            let handles: Vec<Handle> = named.keys().copied().collect();
            let since = accounts::since(tx, workspace, *account, &handles).await?;
            let named: Vec<_> = since.into_iter().map(|(handle, since)| (handle, named[&handle], since)).collect();
            self.tell(tx, &named, &known.iter().collect()).await?;
        }
        Ok(())
    }

    /// What a call says of an account that was not known of that time; it is known from then on.
    fn traits_of(&self, event: &Event, at: Timestamp, known: &mut Known) -> Vec<AccountFactRow> {
        let mut news = Vec::new();
        for (key, value) in event.traits.iter().take(MOST_TRAITS) {
            let (fact_key, value) = (format!("account.{key}"), value.to_string());
            let history = known.entry(fact_key.clone()).or_default();
            if history.range(..=at).next_back().is_some_and(|(_, held)| held.value == value) {
                continue;
            }
            let (recorded_at, source, event_id) = (self.now, event.source, event.id.0);
            let row = AccountFactRow { fact_key, valid_from: at, recorded_at, value, source, event_id };
            history.insert(at, row.clone());
            news.push(row);
        }
        news
    }

    /// Records of members what the account's history says since each of them joined, where they do not know it.
    async fn tell(
        &mut self,
        tx: &mut Tx,
        members: &[(Handle, PersonId, Timestamp)],
        history: &BTreeMap<&String, &BTreeMap<Timestamp, AccountFactRow>>,
    ) -> Result<()> {
        let workspace = self.settings.workspace;
        let handles: Vec<Handle> = members.iter().map(|(handle, ..)| *handle).collect();
        let mut held: HashMap<(Handle, String, Timestamp), String> = HashMap::new();
        for row in facts::of_handles(tx, workspace, &handles).await? {
            held.insert((row.handle, row.fact_key, row.valid_from), row.value);
        }
        let mut rows = Vec::new();
        for (handle, person, since) in members {
            for (key, history) in history {
                let before = history.range(..*since).next_back().map(|(_, row)| (*since, row));
                let began_then = history.contains_key(since);
                let later = history.range(*since..).map(|(at, row)| (*at, row));
                for (at, row) in before.filter(|_| !began_then).into_iter().chain(later) {
                    if held.get(&(*handle, (*key).clone(), at)) == Some(&row.value) {
                        continue;
                    }
                    let value = serde_json::from_str(&row.value).unwrap_or(Value::Null);
                    self.applied.told.push((*person, at, (*key).clone(), value));
                    rows.push(FactRow {
                        handle: *handle,
                        fact_key: (*key).clone(),
                        valid_from: at,
                        recorded_at: self.now,
                        value: row.value.clone(),
                        source: row.source,
                        event_id: row.event_id,
                    });
                }
            }
        }
        facts::insert(tx, workspace, &rows).await
    }
}

fn by_time(rows: Vec<AccountFactRow>) -> Known {
    let mut known = Known::new();
    for row in rows {
        // The rows come in the order in which the later overrules the earlier.
        known.entry(row.fact_key.clone()).or_default().insert(row.valid_from, row);
    }
    known
}
