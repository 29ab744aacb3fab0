//! Going on: looks at the instances that are due, and writes what the rules decide.
//!
//! Always holds: an instance, its messages, its acts and its counts are written in one transaction; one that was written is not decided again; of those
//! who look at one workspace at the same time, each sees what the one before it decided.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Channel, Id, PersonId, Timestamp};
use rapport_store::outbox::Event;
use rapport_store::{Priority, Store, Tx};
use serde_json::json;

use super::entering::With;
use super::{ENTERED, EXITED, EXPOSED, GOAL};
use crate::Error;
use crate::journey::rules::{self, Begun, Effect, What};
use crate::journey::situation::Other;
use crate::journey::turns::Counters;
use crate::journey::{Entry, Instance, Situation};
use crate::lots::{self, Chosen, Lot};
use crate::plans::Launched;
use crate::records::acts::{self, ActRow};
use crate::records::copies::{self, CopyRow};
use crate::records::instances::{self, InstanceRow, Left};
use crate::records::journeys;
use crate::records::messages::{self, MessageRow};
use crate::sending::Reason;
use crate::situations;

/// So many are looked at in one transaction at most.
const BATCH: i64 = 100;

/// The node under which it is counted who came in and how they came out.
pub const WHOLE: &str = "";

/// What was done in one go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Instances that were looked at.
    pub looked_at: usize,
    /// Messages that are to be sent.
    pub messages: usize,
    /// Acts that are to be done.
    pub acts: usize,
    /// Instances of journeys or versions that are not among the plans: whoever runs this has older ones than the database, and makes them again.
    pub unplanned: usize,
}

/// Whoever is of no known plan is asked again after this, and is in nobody's way meanwhile.
const UNPLANNED: i64 = 10 * Timestamp::SECOND;

/// Looks at some of what is due, as far as memberships have heard of the log.
///
/// # Errors
/// The store's: nothing was done then.
pub async fn run_due(store: &Store, with: With<'_>, log_position: i64) -> Result<Ran, Error> {
    let now = with.clock.now();
    // Looked for without the writer, which is asked for only when there is something to do.
    if instances::due(&mut store.read(), with.workspace, now, log_position, 1).await?.is_empty() {
        return Ok(Ran::default());
    }
    let mut tx = store.begin(Priority::Background).await?;
    journeys::hold(&mut tx, with.workspace).await?;
    let rows = instances::due(&mut tx, with.workspace, now, log_position, BATCH).await?;
    let ran = run(&mut tx, with, rows, now).await?;
    tx.commit().await?;
    Ok(ran)
}

/// Looks at some instances.
///
/// # Errors
/// The store's.
pub async fn run(tx: &mut Tx, with: With<'_>, mut rows: Vec<InstanceRow>, now: Timestamp) -> Result<Ran, Error> {
    let mut persons: Vec<PersonId> = rows.iter().map(|row| row.person).collect();
    persons.sort_unstable();
    persons.dedup();
    let mut people = situations::load(tx, with.workspace, with.plans, &persons, now).await?;
    let mut others = situations::read_others(tx, with.workspace, with.plans, &persons).await?;
    lots::ask(tx, with.workspace, with.plans, &rows, &mut people, now).await?;
    lots::ask_policies(tx, with.workspace, with.plans, &rows, &mut people, now).await?;
    lots::ask_paces(tx, with.workspace, with.plans, &mut people, now).await?;
    // Of what is due together, what matters more goes first: there may be room for one message only.
    let priority = |row: &InstanceRow| with.plans.get(&row.journey, row.version).map_or(0, |it| it.definition.priority);
    rows.sort_by_key(|row| (std::cmp::Reverse(priority(row)), row.wake_at, row.id.clone()));
    let mut writing = Writing::new(with, now);
    for mut row in rows {
        let Some(one) = with.plans.get(&row.journey, row.version).filter(|one| one.goes_on) else {
            row.wake_at = Some(now.plus(UNPLANNED));
            instances::update(tx, &row).await?;
            writing.ran.unplanned += 1;
            continue;
        };
        let Some(person) = people.get_mut(&row.person) else { continue };
        person.others = others_of(&others, &row);
        writing.load_turns(tx, &one.key).await?;
        let is_in = writing.look(tx, one, &mut row, person).await?;
        writing.ran.looked_at += 1;
        // What it was about to do is done: who comes after it sees what it is about to do now, if it was let in at all.
        if let Some(own) = others.get_mut(&row.person) {
            own.retain(|(id, _)| *id != row.id);
            let other = situations::other_of(with.plans, &row).filter(|_| is_in);
            own.extend(other.map(|other| (row.id.clone(), other)));
        }
    }
    writing.write(tx).await
}

fn others_of(others: &BTreeMap<PersonId, Vec<(String, Other)>>, row: &InstanceRow) -> Vec<Other> {
    let own = others.get(&row.person).into_iter().flatten();
    own.filter(|(id, _)| *id != row.id).map(|(_, other)| *other).collect()
}

/// What is to be written in the end.
struct Writing<'a> {
    with: With<'a>,
    now: Timestamp,
    ran: Ran,
    messages: Vec<MessageRow>,
    acts: Vec<ActRow>,
    flows: BTreeMap<(String, i64, String, String, i64), i64>,
    turns: BTreeMap<String, Counters>,
    events: Vec<Event>,
    lots: Vec<(Lot, String)>,
    chosen: Vec<Chosen>,
    paced: BTreeMap<PersonId, Chosen>,
    /// What went out by a campaign: the journey, the run, the node, the template.
    seeded: BTreeSet<(String, String, String, String)>,
    /// Of whom the global holdout decided, and whether they are held out.
    held_out: BTreeMap<PersonId, bool>,
}

impl<'a> Writing<'a> {
    fn new(with: With<'a>, now: Timestamp) -> Self {
        Self {
            with,
            now,
            ran: Ran::default(),
            messages: Vec::new(),
            acts: Vec::new(),
            flows: BTreeMap::new(),
            turns: BTreeMap::new(),
            events: Vec::new(),
            lots: Vec::new(),
            chosen: Vec::new(),
            paced: BTreeMap::new(),
            seeded: BTreeSet::new(),
            held_out: BTreeMap::new(),
        }
    }

    async fn load_turns(&mut self, tx: &mut Tx, journey: &str) -> Result<(), Error> {
        if self.turns.contains_key(journey) {
            return Ok(());
        }
        let rows = journeys::turns(tx, self.with.workspace, journey).await?;
        let nodes = rows.into_iter().map(|(node, began, used)| (node, (began, used))).collect();
        self.turns.insert(journey.to_owned(), Counters { nodes, is_changed: false });
        Ok(())
    }

    /// Looks at one instance; whether they are in, or may be later.
    async fn look(
        &mut self,
        tx: &mut Tx,
        one: &Launched,
        row: &mut InstanceRow,
        person: &mut Situation,
    ) -> Result<bool, Error> {
        let plan = self.with.plans.plan(one);
        let mut instance = row.instance();
        let visited = instance.visits.clone();
        let mut effects = Vec::new();
        if !instance.has_begun() {
            if instance.entered_at > self.now {
                // Woken by something else before their time has come.
                row.wake_at = Some(instance.entered_at);
                instances::update(tx, row).await?;
                return Ok(true);
            }
            match rules::begin(plan, &mut instance, person, self.now, &mut effects) {
                Begun::Refused => {
                    instances::delete(tx, &row.id).await?;
                    return Ok(false);
                }
                Begun::HeldOut => self.count(one, WHOLE, "held_out"),
                Begun::In => {
                    self.count(one, WHOLE, journeys::CAME);
                    self.tell(ENTERED, &instance, json!({"journey": one.key, "version": one.version}));
                }
            }
        }
        let turns = self.turns.entry(one.key.clone()).or_default();
        effects.extend(rules::look(plan, &mut instance, person, turns, self.now));
        for effect in effects {
            self.take(one, row, &instance, person, effect);
        }
        for (node, times) in &instance.visits {
            self.count_times(one, node, journeys::CAME, times - visited.get(node).copied().unwrap_or(0));
        }
        if let Some((_, why)) = instance.ended {
            self.count(one, WHOLE, &format!("out:{}", why.word()));
            self.tell(EXITED, &instance, json!({"journey": one.key, "version": one.version, "why": why.word()}));
            if why.is_leaving() {
                let reason = Reason::LeftJourney.as_str();
                messages::drop_of_instance(tx, self.with.workspace, &row.id, reason).await?;
            }
        }
        row.take(&instance);
        instances::update(tx, row).await?;
        Ok(true)
    }

    fn take(&mut self, one: &Launched, row: &mut InstanceRow, instance: &Instance, person: &Situation, effect: Effect) {
        let Effect { node, visit, what } = effect;
        match what {
            What::Left(way) => {
                self.count(one, &node, &way);
                row.trail.0.push(Left { node, at: self.now.0, way });
            }
            What::Goal => {
                self.count(one, WHOLE, "goal");
                self.tell(GOAL, instance, json!({"journey": one.key, "version": one.version}));
            }
            What::Exposed { experiment, arm, is_experiment } => {
                let subject = lots::subject_of(&one.key);
                if let Some(given) = person.arms.get(&(experiment.clone(), subject.clone())) {
                    // Experiments tell it themselves. Whoever goes another way than theirs, for want of it, was not exposed.
                    if *given == arm {
                        self.lots.push((Lot { person: row.person, experiment, subject }, arm));
                    }
                    return;
                }
                let payload = json!({"experiment": experiment, "variant": arm, "declared": is_experiment, "subject": subject,
                    "instance": instance.id, "node": node, "visit": visit});
                self.tell(EXPOSED, instance, payload);
            }
            What::Chosen { policy, arm, chances } => {
                let subject = format!("{}/{node}", lots::subject_of(&one.key));
                let turn = format!("{}:{visit}", instance.id);
                self.chosen.push(Chosen { person: row.person, policy, subject, turn, arm, chances });
            }
            What::Paced => {
                let chosen = person.pace.as_ref().and_then(|pace| pace.chosen.clone());
                self.paced.extend(chosen.filter(|it| it.chances.decides).map(|it| (row.person, it)));
            }
            What::Holdout => {
                self.held_out.insert(row.person, person.is_held_out);
            }
            What::Send { channel, template } => {
                self.count(one, &node, "message:sent");
                let handle = person.reach.get(&channel).copied();
                let state = (messages::QUEUED, None);
                self.message(one, row, (node, visit), (channel, template), state, handle);
                self.ran.messages += 1;
            }
            What::Skip { channel, template, reason } => {
                self.count(one, &node, &format!("message:{}", reason.as_str()));
                let handle = person.reach.get(&channel).copied().or(row.handle);
                let state = (messages::SKIPPED, Some(reason));
                self.message(one, row, (node, visit), (channel, template), state, handle);
            }
            What::Trait(name, value) => self.act(row, (node, visit), "trait", name, value),
            What::List(list, on) => {
                let kind = if on { "list_on" } else { "list_off" };
                self.act(row, (node, visit), kind, list, serde_json::Value::Null);
            }
            What::Webhook(url, fields) => self.act(row, (node, visit), "webhook", url, fields),
            What::Act(action, with) => self.act(row, (node, visit), "act", action, with),
        }
    }

    fn message(
        &mut self,
        one: &Launched,
        row: &InstanceRow,
        (node, visit): (String, u32),
        (channel, template): (Channel, String),
        (state, reason): (&str, Option<Reason>),
        handle: Option<rapport_domain::Handle>,
    ) {
        let is_queued = state == messages::QUEUED;
        let is_campaign = matches!(one.definition.entry, Entry::Schedule(_)) && one.definition.seed_list;
        if is_queued && is_campaign && channel == Channel::Email && !self.with.plans.settings.seed_list.is_empty() {
            self.seeded.insert((one.key.clone(), row.entry_key.clone(), node.clone(), template.clone()));
        }
        let id = Id::new("msg", self.with.clock, self.with.rng).0;
        let message = MessageRow::queued(id, row.person, channel, one.definition.class, self.now);
        self.messages.push(MessageRow {
            handle,
            topic: one.definition.topic.clone(),
            journey: Some(one.key.clone()),
            version: one.version,
            instance: Some(row.id.clone()),
            node,
            visit: i64::from(visit),
            template,
            state: state.to_owned(),
            reason: reason.map(|reason| reason.as_str().to_owned()),
            capped: is_queued && message.capped,
            payload: if is_queued { row.payload.clone() } else { json!({}) },
            due_at: is_queued.then_some(self.now),
            ..message
        });
    }

    fn act(
        &mut self,
        row: &InstanceRow,
        (node, visit): (String, u32),
        kind: &str,
        target: String,
        content: serde_json::Value,
    ) {
        self.ran.acts += 1;
        self.acts.push(ActRow {
            id: Id::new("act", self.with.clock, self.with.rng).0,
            workspace: self.with.workspace,
            person: row.person,
            handle: row.handle,
            instance: row.id.clone(),
            journey: row.journey.clone(),
            node,
            visit: i64::from(visit),
            kind: kind.to_owned(),
            target,
            content,
            state: acts::QUEUED.to_owned(),
            decided_at: self.now,
            due_at: Some(self.now),
            attempts: 0,
            failing_since: None,
            error: None,
        });
    }

    fn count(&mut self, one: &Launched, node: &str, way: &str) {
        self.count_times(one, node, way, 1);
    }

    fn count_times(&mut self, one: &Launched, node: &str, way: &str, times: u32) {
        if times > 0 {
            let key = (one.key.clone(), one.version, node.to_owned(), way.to_owned(), self.now.utc_day());
            *self.flows.entry(key).or_default() += i64::from(times);
        }
    }

    fn tell(&mut self, name: &'static str, instance: &Instance, payload: serde_json::Value) {
        self.events.push(Event::new(self.with.workspace, name, payload).about(instance.person));
    }

    /// The seed list gets a copy of what went out first by a run's node.
    async fn seed(&self, tx: &mut Tx) -> Result<(), Error> {
        let workspace = self.with.workspace;
        for (journey, run, node, template) in &self.seeded {
            if copies::is_seeded(tx, workspace, (journey, run, node)).await? {
                continue;
            }
            let row = |address: &String| CopyRow {
                id: Id::new("copy", self.with.clock, self.with.rng).0,
                workspace,
                kind: copies::SEED.to_owned(),
                address: address.clone(),
                template: template.clone(),
                person: None,
                journey: journey.clone(),
                run: run.clone(),
                node: node.clone(),
                state: messages::QUEUED.to_owned(),
                decided_at: self.now,
                due_at: Some(self.now),
                attempts: 0,
                response: None,
                sent_at: None,
                asked_by: String::new(),
            };
            let rows: Vec<CopyRow> = self.with.plans.settings.seed_list.iter().map(row).collect();
            copies::insert(tx, &rows).await?;
        }
        Ok(())
    }

    async fn write(self, tx: &mut Tx) -> Result<Ran, Error> {
        let workspace = self.with.workspace;
        messages::insert(tx, workspace, &self.messages).await?;
        self.seed(tx).await?;
        acts::insert(tx, &self.acts).await?;
        journeys::add_flows(tx, workspace, self.flows).await?;
        for (journey, counters) in &self.turns {
            for (node, (began, used)) in counters.nodes.iter().filter(|_| counters.is_changed) {
                journeys::save_turns(tx, workspace, journey, (node, *began, *used)).await?;
            }
        }
        for event in self.events {
            tx.emit(event);
        }
        let Some(port) = self.with.plans.lots() else { return Ok(self.ran) };
        if !self.lots.is_empty() && !port.note(tx, workspace, &self.lots, self.now).await? {
            return Err(Error::Overtaken);
        }
        let chosen: Vec<Chosen> = self.chosen.into_iter().chain(self.paced.into_values()).collect();
        if !chosen.is_empty() {
            port.note_chosen(tx, workspace, &chosen, self.now).await?;
        }
        if !self.held_out.is_empty() {
            let held_out: Vec<(PersonId, bool)> = self.held_out.into_iter().collect();
            port.note_holdout(tx, workspace, &held_out, self.now).await?;
        }
        Ok(self.ran)
    }
}
