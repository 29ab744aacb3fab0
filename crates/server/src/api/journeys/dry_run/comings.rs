//! Who would have come into a journey in a time that is over: by the exact times of memberships, by what people did, by their dates, by the schedule.
//!
//! Always holds: of more people than are looked at, those are taken whose numbers are the smallest: numbers are drawn by chance, so they are as good as any.
//! What nobody can know, who a program brings in, is said to be unknown.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Calendar, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_engagement::dry_run::Coming;
use rapport_engagement::journey::definition::{Definition, Entry, Filter, Schedule, When, WhoseClock};
use rapport_engagement::plans::Plans;
use rapport_engagement::service::{entering, scheduling};
use rapport_engagement::situations;
use rapport_lake::EventRow;
use rapport_segments::live::Turn;
use rapport_segments::records::memberships::{self, Moved};
use rapport_segments::records::segments;
use rapport_segments::{Condition, EventView};
use serde_json::{Map, Value, json};

use super::super::refused;
use crate::installation::Installation;
use crate::problem::Problem;
use crate::records::sources;

/// So many rows of the people who are looked at, at most.
const MOST_ROWS: i64 = 20_000;

/// Where it is looked.
pub struct Ground<'a> {
    pub installation: &'a Installation,
    pub workspace: WorkspaceId,
    pub plans: &'a Plans,
    /// The segments that there are.
    pub segments: &'a [(String, Condition)],
    pub calendar: &'a Calendar,
    pub now: Timestamp,
    /// So many people are looked at.
    pub most: usize,
}

/// Who would have come in.
#[derive(Default)]
pub struct Comings {
    /// How many people.
    pub people: i64,
    /// How often.
    pub times: i64,
    /// Whether these are estimates.
    pub is_estimate: bool,
    /// Of those who are looked at: when, and on which occasion. What they did belongs to it.
    pub of: BTreeMap<PersonId, Vec<Coming>>,
    /// What has to be said about it: a stable word, with a number or an instant.
    pub notes: Vec<Note>,
}

/// Something that has to be said.
#[derive(Clone, Debug)]
pub struct Note {
    pub code: &'static str,
    pub number: Option<i64>,
    pub at: Option<Timestamp>,
}

impl Note {
    pub const fn plain(code: &'static str) -> Self {
        Self { code, number: None, at: None }
    }

    pub const fn number(code: &'static str, number: i64) -> Self {
        Self { code, number: Some(number), at: None }
    }
}

impl Ground<'_> {
    /// Who would have come in from an instant until before another.
    pub async fn comings(&self, plan: &Definition, (from, to): (Timestamp, Timestamp)) -> Result<Comings, Problem> {
        match &plan.entry {
            Entry::SegmentEntered { when, .. } => self.moved(when, true, (from, to)).await,
            Entry::SegmentLeft { when } => self.moved(when, false, (from, to)).await,
            Entry::Event { name, filter, not_older_than, .. } => {
                self.deeds(name, filter.as_ref(), not_older_than.micros(), (from, to)).await
            }
            Entry::Date { fact, yearly, days, at } => self.dates((fact, *yearly, *days, at), (from, to)).await,
            Entry::Schedule(schedule) => self.runs(plan, schedule, (from, to)).await,
            Entry::Api {} => Ok(Comings { notes: vec![Note::plain("api_unknown")], ..Comings::default() }),
        }
    }

    /// The segment that is kept for a condition, once it is filled.
    async fn kept(&self, when: &When) -> Result<Option<i64>, Problem> {
        let row = segments::by_key(&mut self.installation.store.read(), self.workspace, &when.segment()).await?;
        Ok(row.filter(|row| row.filled_version == row.version).map(|row| row.segment))
    }

    async fn moved(&self, when: &When, entered: bool, (from, to): (Timestamp, Timestamp)) -> Result<Comings, Problem> {
        let mut comings = Comings::default();
        let rows = if let Some(segment) = self.kept(when).await? {
            let moved = if entered { Moved::Entered } else { Moved::Left };
            let mut db = self.installation.store.snapshot().await?;
            let within = (from, to);
            (comings.people, comings.times) =
                memberships::count_moved(&mut db, self.workspace, segment, moved, within).await?;
            memberships::moved_between(&mut db, self.workspace, segment, moved, within, MOST_ROWS).await?
        } else {
            let wanted = |turns: &[Turn]| {
                let within = turns.iter().filter(|it| it.entered == entered && it.at >= from && it.at < to);
                within.map(|it| it.at).collect()
            };
            let condition = (self.segments, &when.0);
            let live = &self.installation.memberships;
            let rows = live.turns_of_all(self.workspace, condition, self.calendar, wanted).await?;
            let people: BTreeSet<PersonId> = rows.iter().map(|(person, _)| *person).collect();
            (comings.people, comings.times) = (length(people.len()), length(rows.len()));
            rows
        };
        for (person, at) in rows {
            if !self.takes(&mut comings.of, person) {
                break;
            }
            comings.of.entry(person).or_default().push(coming(at, String::new()));
        }
        Ok(comings)
    }

    /// Whether somebody is one of those who are looked at.
    fn takes(&self, of: &mut BTreeMap<PersonId, Vec<Coming>>, person: PersonId) -> bool {
        of.contains_key(&person) || of.len() < self.most
    }

    /// Who did it: when exactly, and what it says, is read with all that they did.
    async fn deeds(
        &self,
        name: &str,
        filter: Option<&Filter>,
        not_older_than: i64,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Comings, Problem> {
        let live = &self.installation.memberships;
        let filter = filter.map(|filter| &filter.0);
        let (share, deeds) = live.deeds(self.workspace, (name, filter), self.calendar, (from, to)).await?;
        let doors = self.doors().await?;
        let mut comings = Comings { is_estimate: share < 1.0, ..Comings::default() };
        let (mut late, mut imported, mut times) = (0, 0, 0);
        let mut people: BTreeSet<PersonId> = BTreeSet::new();
        for deed in deeds {
            if doors.files.contains(&deed.source) {
                imported += 1;
                continue;
            }
            if doors.is_late(deed.source, (deed.occurred_at, deed.received_at), not_older_than) {
                late += 1;
                continue;
            }
            times += 1;
            people.insert(deed.person);
            if self.takes(&mut comings.of, deed.person) {
                comings.of.entry(deed.person).or_default();
            }
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a number of people")]
        let scaled = |number: usize| (number as f64 / share).round() as i64;
        (comings.people, comings.times) = (scaled(people.len()), scaled(times));
        for (code, number) in [("late", late), ("imported", imported)] {
            if number > 0 {
                comings.notes.push(Note::number(code, number));
            }
        }
        Ok(comings)
    }

    /// Where events come from, as far as it decides whether they bring anybody in.
    pub async fn doors(&self) -> Result<Doors, Problem> {
        let mut db = self.installation.store.read();
        let files = sources::of_kind(&mut db, self.workspace, "file").await?;
        let samples = sources::of_kind(&mut db, self.workspace, "sample").await?;
        Ok(Doors { files: files.into_iter().collect(), samples: samples.into_iter().collect() })
    }

    async fn dates(&self, date: (&str, bool, i32, &str), within: (Timestamp, Timestamp)) -> Result<Comings, Problem> {
        let mut db = self.installation.store.snapshot().await?;
        let zone = &self.calendar.zone;
        let found = scheduling::dated(&mut db, self.workspace, zone, date, within, self.now).await;
        let (_, mut days) = found.map_err(refused)?;
        days.sort_unstable();
        days.dedup();
        let mut comings = Comings { times: length(days.len()), ..Comings::default() };
        comings.people = length(days.iter().map(|(person, ..)| *person).collect::<BTreeSet<_>>().len());
        for (person, day, due) in days {
            if self.takes(&mut comings.of, person) {
                comings.of.entry(person).or_default().push(coming(due, day.to_string()));
            }
        }
        Ok(comings)
    }

    /// Everybody of the audience, as if it had gone out on that day at its time.
    async fn runs(
        &self,
        plan: &Definition,
        schedule: &Schedule,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Comings, Problem> {
        let mut comings = Comings::default();
        let Some(audience) = &plan.audience else { return Ok(comings) };
        let until = to.min(self.now);
        let Some((run, at)) = scheduling::as_if(schedule, &self.calendar.zone, (from, until)) else {
            comings.notes.push(Note::plain("not_yet"));
            return Ok(comings);
        };
        comings.notes.push(Note { code: "as_if_scheduled", number: None, at: Some(at) });
        if schedule.most_per_hour.is_some() || schedule.ramp_up_percent.is_some() {
            comings.notes.push(Note::plain("pace_not_played"));
        }
        let (all, some) = self.members_at(audience, at).await?;
        (comings.people, comings.times) = (all, all);
        let mut own: BTreeMap<PersonId, Timestamp> = BTreeMap::new();
        if schedule.clock == WhoseClock::Person {
            let mut db = self.installation.store.snapshot().await?;
            let people = situations::load(&mut db, self.workspace, self.plans, &some, self.now).await;
            let people = people.map_err(refused)?;
            own.extend(people.iter().filter_map(|(person, it)| Some((*person, scheduling::of_run(&run, &it.zone)?))));
        }
        for person in some {
            let at = own.get(&person).copied().unwrap_or(at);
            comings.of.insert(person, vec![coming(at, run.clone())]);
        }
        Ok(comings)
    }

    /// How many a condition held for at an instant, and some of them.
    pub async fn members_at(&self, when: &When, at: Timestamp) -> Result<(i64, Vec<PersonId>), Problem> {
        if let Some(segment) = self.kept(when).await? {
            let mut db = self.installation.store.snapshot().await?;
            let all = memberships::count_at(&mut db, self.workspace, segment, at).await?;
            let some = memberships::some_at(&mut db, self.workspace, segment, at, length(self.most)).await?;
            return Ok((all, some.into_iter().map(|(person,)| person).collect()));
        }
        let wanted = |turns: &[Turn]| {
            let last = turns.iter().rev().find(|turn| turn.at <= at);
            last.filter(|turn| turn.entered).map(|turn| turn.at).into_iter().collect()
        };
        let live = &self.installation.memberships;
        let condition = (self.segments, &when.0);
        let found = live.turns_of_all(self.workspace, condition, self.calendar, wanted).await?;
        let all = length(found.len());
        Ok((all, found.into_iter().map(|(person, _)| person).take(self.most).collect()))
    }
}

/// Where events come from.
pub struct Doors {
    files: BTreeSet<SourceId>,
    samples: BTreeSet<SourceId>,
}

impl Doors {
    /// Whether an event was heard of too late to bring anybody in. The sample shop's past was heard of at once.
    fn is_late(
        &self,
        source: SourceId,
        (occurred_at, received_at): (Timestamp, Timestamp),
        not_older_than: i64,
    ) -> bool {
        !self.samples.contains(&source) && received_at.0 - occurred_at.0 > not_older_than
    }
}

fn coming(at: Timestamp, key: String) -> Coming {
    Coming { at, key, payload: json!({}), ..Coming::default() }
}

/// What somebody did, in order: what the plan waits for, and what brings them in.
pub fn heard(
    plan: &Definition,
    plans: &Plans,
    doors: &Doors,
    rows: &[EventRow],
    (from, to): (Timestamp, Timestamp),
) -> (Vec<(Timestamp, String)>, Vec<Coming>) {
    let (mut heard, mut comings) = (Vec::new(), Vec::new());
    let listens = plan.listens();
    for row in rows {
        let view = EventView {
            name: &row.name,
            occurred_at: row.occurred_at,
            order_key: row.order_key,
            properties: row.properties(),
        };
        let meant = listens.iter().filter(|(_, event)| plans.is_meant(view, &event.name, event.filter.as_ref()));
        heard.extend(meant.map(|(what, _)| (row.occurred_at, what.clone())));
        let Entry::Event { name, filter, key, not_older_than } = &plan.entry else { continue };
        let is_within = from <= row.occurred_at && row.occurred_at < to && !doors.files.contains(&row.source);
        let is_late = doors.is_late(row.source, (row.occurred_at, row.received_at), not_older_than.micros());
        if !is_within || is_late || !plans.is_meant(view, name, filter.as_ref()) {
            continue;
        }
        // Without its key an event says nothing about the occasion.
        let Some(key) = entering::occasion_key(view, key.as_deref()) else { continue };
        let at = row.occurred_at;
        comings.push(Coming {
            at,
            key,
            since: Some(at),
            after: heard.len(),
            payload: json!({"name": row.name, "occurred_at": at.to_rfc3339(), "properties": nested(row.properties())}),
        });
    }
    (heard, comings)
}

/// Properties as they were sent: `cart.total` is a member of `cart`. What goes with an event is not part of it.
fn nested(flat: &[(String, Value)]) -> Map<String, Value> {
    let mut all = Map::new();
    for (path, value) in flat.iter().filter(|(path, _)| !path.starts_with("context.")) {
        let mut place = &mut all;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                place.insert(part.to_owned(), value.clone());
                break;
            }
            let inner = place.entry(part).or_insert_with(|| json!({}));
            let Some(inner) = inner.as_object_mut() else { break };
            place = inner;
        }
    }
    all
}

pub fn length(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_become_what_was_sent() {
        let flat = [
            ("cart.items".to_owned(), json!([{"name": "Mug"}])),
            ("cart.total".to_owned(), json!(20)),
            ("context.page".to_owned(), json!("/")),
            ("order_id".to_owned(), json!("o-1")),
            ("order_id.more".to_owned(), json!("x")),
        ];
        let all = Value::Object(nested(&flat));
        assert_eq!(all, json!({"cart": {"items": [{"name": "Mug"}], "total": 20}, "order_id": "o-1"}));
    }
}
