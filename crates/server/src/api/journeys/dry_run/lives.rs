//! What is known of the time of people who play a journey through: when its conditions came true of them, what they did, what was sent to them.
//!
//! Always holds: what this journey itself did to them in the time that is played counts for nothing, because the dry run stands for it.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use rapport_domain::{Channel, PersonId, Timestamp};
use rapport_engagement::dry_run::{Coming, Life};
use rapport_engagement::journey::situation::Sent;
use rapport_engagement::journey::{Definition, Entry, Situation};
use rapport_engagement::lots::{self, Asked, Lot};
use rapport_engagement::records::{instances, messages};
use rapport_engagement::situations;
use rapport_lake::EventRow;
use rapport_segments::Condition;
use rapport_store::Queries;

use super::super::refused;
use super::comings::{self, Comings, Ground};
use crate::experimenting::lots::JourneyLots;
use crate::policies::choosing;
use crate::problem::Problem;

/// So many people's rows are read at once.
const CHUNK: usize = 500;
/// So many histories are read side by side.
const SIDE_BY_SIDE: usize = 4;

impl Ground<'_> {
    /// The lives of those who would have come in from an instant until before another, in the order of persons. From now until `until` nothing more
    /// happens to them.
    pub async fn lives(
        &self,
        key: &str,
        plan: &Definition,
        comings: &Comings,
        within: (Timestamp, Timestamp),
        until: Timestamp,
    ) -> Result<Vec<Life>, Problem> {
        let persons: Vec<PersonId> = comings.of.keys().copied().collect();
        let mut people: BTreeMap<PersonId, Situation> = BTreeMap::new();
        let mut before: BTreeMap<PersonId, Vec<(String, Timestamp, Option<Timestamp>)>> = BTreeMap::new();
        for chunk in persons.chunks(CHUNK) {
            let mut db = self.installation.store.snapshot().await?;
            people.extend(self.situations(&mut db, key, plan, chunk, within.0).await?);
            for (person, occasion, from, until) in
                instances::entered_before(&mut db, self.workspace, key, chunk, within.0).await?
            {
                before.entry(person).or_default().push((occasion, from, until));
            }
        }
        let mut turns = self.turns(plan, &persons, until).await?;
        let mut deeds = self.deeds_of(plan, comings, within).await?;
        let life = |person: PersonId| {
            let (heard, mut own) = deeds.remove(&person).unwrap_or_default();
            if !matches!(plan.entry, Entry::Event { .. }) {
                own = comings.of.get(&person).cloned().unwrap_or_default();
                for coming in &mut own {
                    // What brought them in has happened before they are in.
                    coming.after = heard.partition_point(|(at, _)| *at <= coming.at);
                }
                own.sort_by_key(|coming| coming.at);
            }
            Some(Life {
                situation: people.remove(&person)?,
                turns: turns.remove(&person).unwrap_or_default(),
                heard,
                comings: own,
                before: before.remove(&person).unwrap_or_default(),
            })
        };
        Ok(persons.into_iter().filter_map(life).collect())
    }

    /// As they are now, without segments, and without what this journey sent them since.
    async fn situations(
        &self,
        db: &mut impl Queries,
        key: &str,
        plan: &Definition,
        persons: &[PersonId],
        since: Timestamp,
    ) -> Result<BTreeMap<PersonId, Situation>, Problem> {
        let workspace = self.workspace;
        let mut people = situations::load(db, workspace, self.plans, persons, self.now).await.map_err(refused)?;
        let mut others = situations::read_others(db, workspace, self.plans, persons).await.map_err(refused)?;
        let own = messages::counted_of(db, workspace, key, persons, since).await?;
        let own: BTreeSet<(PersonId, Timestamp, Channel)> =
            own.into_iter().filter_map(|(person, at, channel)| Some((person, at, Channel::parse(&channel)?))).collect();
        for (person, it) in &mut people {
            it.members.clear();
            it.sent.retain(|Sent { at, channel, .. }| !own.contains(&(*person, *at, *channel)));
            it.others = others.remove(person).into_iter().flatten().map(|(_, other)| other).collect();
        }
        let subject = lots::subject_of(key);
        let named: Vec<&str> = lots::named(plan).collect();
        let lot = |(person, name): (&PersonId, &&str)| Lot {
            person: *person,
            experiment: (*name).to_owned(),
            subject: subject.clone(),
        };
        let all: Vec<Lot> =
            persons.iter().flat_map(|person| named.iter().map(move |name| lot((person, name)))).collect();
        if !all.is_empty() {
            let port = JourneyLots::of(self.installation);
            let arms = port.arms_of(db, workspace, &all, self.now).await?;
            for (lot, arm) in all.into_iter().zip(arms) {
                if let (Some(it), Some(arm)) = (people.get_mut(&lot.person), arm) {
                    it.arms.insert((lot.experiment, lot.subject), arm);
                }
            }
        }
        let named: Vec<(&str, Vec<String>)> = lots::policies(plan).collect();
        let asked = |person: &PersonId, (policy, arms): &(&str, Vec<String>)| Asked {
            person: *person,
            policy: (*policy).to_owned(),
            arms: arms.clone(),
        };
        let all: Vec<Asked> = persons.iter().flat_map(|person| named.iter().map(move |it| asked(person, it))).collect();
        let found = choosing::chances_of(db, workspace, &self.installation.policies, &all, self.now).await?;
        for (Asked { person, policy, arms }, chances) in all.into_iter().zip(found) {
            if let (Some(it), Some(chances)) = (people.get_mut(&person), chances) {
                it.chances.insert((policy, arms), chances);
            }
        }
        Ok(people)
    }

    /// When they came into the segments that the plan asks for, and left them.
    async fn turns(
        &self,
        plan: &Definition,
        persons: &[PersonId],
        until: Timestamp,
    ) -> Result<BTreeMap<PersonId, Vec<(Timestamp, String, bool)>>, Problem> {
        let asked: BTreeMap<String, Condition> =
            plan.conditions().into_iter().map(|(_, when)| (when.segment(), when.0.clone())).collect();
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (keys, conditions): (Vec<String>, Vec<Condition>) = asked.into_iter().unzip();
        let live = &self.installation.memberships;
        let asked = (self.segments, conditions.as_slice());
        let found = live.turns(self.workspace, asked, self.calendar, persons, until).await?;
        let named = found.into_iter().map(|(person, turns)| {
            let turn = |it: rapport_segments::live::Turn| (it.at, keys[it.condition].clone(), it.entered);
            (person, turns.into_iter().map(turn).collect())
        });
        Ok(named.collect())
    }

    /// What they did that the plan waits for, and by which events they come in.
    pub async fn deeds_of(
        &self,
        plan: &Definition,
        comings: &Comings,
        within: (Timestamp, Timestamp),
    ) -> Result<BTreeMap<PersonId, (Vec<(Timestamp, String)>, Vec<Coming>)>, Problem> {
        if plan.listens().is_empty() && !matches!(plan.entry, Entry::Event { .. }) {
            return Ok(BTreeMap::new());
        }
        let doors = self.doors().await?;
        let lake = &self.installation.lake;
        let snapshot = lake.snapshot(self.workspace).await?;
        let read = async |person: PersonId| {
            let until = Some(self.now.plus(1));
            let mut rows = lake.person_events_at(&snapshot, person, Some(within.0), until, usize::MAX).await?;
            rows.sort_by_key(|row: &EventRow| (row.occurred_at, row.order_key, row.event_id));
            Ok::<_, Problem>((person, comings::heard(plan, self.plans, &doors, &rows, within)))
        };
        stream::iter(comings.of.keys().copied()).map(read).buffer_unordered(SIDE_BY_SIDE).try_collect().await
    }
}
