//! What a condition would find, and why somebody is in a segment or not: answers beside what is live, from the same histories.

use std::sync::Arc;

use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};

use super::{Live, view};
use crate::batch::{self, CANDIDATE, Whom, asked_for};
use crate::condition::{Condition, Sequence};
use crate::error::Error;
use crate::evaluate::figure;
pub use crate::evaluate::figure::Figure;
use crate::evaluate::{EventView, FactView, Subject};
use crate::instant::Moment;
use crate::person::{Change, Person};
use crate::program::Program;

/// Whom a condition finds now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// How many; when only a sample was looked at, the best guess.
    pub people: u64,
    /// Between how many, with a confidence of 95 %; the number itself when everybody was looked at.
    pub between: (u64, u64),
    /// Of how many.
    pub of: u64,
    /// How many of them were looked at.
    pub looked_at: u64,
    /// Who came in last, of those looked at, with since when.
    pub latest: Vec<(PersonId, Timestamp)>,
}

/// How a condition is made of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All of them must hold.
    All,
    /// One is enough.
    Any,
    /// It must not hold.
    Not,
    /// It is one test.
    Test,
}

/// A part of a condition, and whether it holds for somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// The part, as text.
    pub text: String,
    /// What it is made of.
    pub kind: Kind,
    /// Whether it holds now.
    pub holds: bool,
    /// Since when it holds, or does not.
    pub since: Option<Timestamp>,
    /// What a test looks at, as it is now.
    pub figure: Option<Figure>,
    /// How far a test is from changing, from 0 to 1.
    pub distance: f64,
    /// The parts that it is made of.
    pub parts: Vec<Reason>,
}

impl Reason {
    /// The fewest tests that would have to change for the whole to hold, of several choices the nearest; nothing when it holds.
    pub fn nearest_miss(&self) -> Vec<&Self> {
        self.to_become(true)
    }

    fn to_become(&self, wanted: bool) -> Vec<&Self> {
        if self.holds == wanted {
            return Vec::new();
        }
        let each = |wanted: bool| self.parts.iter().map(move |part| part.to_become(wanted));
        match (self.kind, wanted) {
            (Kind::Test, _) => vec![self],
            (Kind::Not, wanted) => each(!wanted).flatten().collect(),
            (Kind::All, true) | (Kind::Any, false) => each(wanted).flatten().collect(),
            (Kind::Any, true) | (Kind::All, false) => {
                let far = |tests: &Vec<&Self>| tests.iter().map(|test| test.distance).sum::<f64>();
                let choices = each(wanted).filter(|tests| !tests.is_empty());
                choices.min_by(|a, b| a.len().cmp(&b.len()).then(far(a).total_cmp(&far(b)))).unwrap_or_default()
            }
        }
    }
}

/// Events and people of which a sample has about so many.
const SAMPLE_ROWS: i64 = 80_000;
const SAMPLE_PEOPLE: u64 = 8_000;

/// The greatest number of a person in a sample; `None` when there are few enough to look at all.
fn share(rows: i64, people: u64) -> Option<PersonId> {
    let of_rows = SAMPLE_ROWS as f64 / rows.max(1) as f64;
    let of_people = SAMPLE_PEOPLE as f64 / people.max(1) as f64;
    let share = of_rows.min(of_people);
    #[expect(clippy::cast_possible_truncation, reason = "below 2^63, because the share is below 1")]
    (share < 1.0).then_some(PersonId((share * i64::MAX as f64) as i64))
}

impl Estimate {
    /// From the sample to all, by Wilson's score interval (1927), which also holds for few or none; with the correction for a sample that is a
    /// good part of all.
    fn scaled(mut self) -> Self {
        if self.looked_at >= self.of || self.looked_at == 0 {
            self.between = (self.people, self.people);
            return self;
        }
        let (n, all) = (self.looked_at as f64, self.of as f64);
        let share = self.people as f64 / n;
        let z = 1.959_964 * ((all - n) / (all - 1.0).max(1.0)).sqrt();
        let middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a number of people")]
        let scale = |share: f64| (share.clamp(0.0, 1.0) * all).round() as u64;
        self.between = (scale(middle - half).max(self.people), scale(middle + half));
        self.people = scale(share);
        self
    }
}

impl Live {
    /// Whom `candidate` finds now, with the `latest` of them. `segments` are those that it may ask for. Where there is much to read, it looks at a
    /// sample of the people, unless it is to be `exact`.
    ///
    /// # Errors
    /// The store's and the lake's, and when the condition does not fit.
    pub async fn estimate(
        &self,
        workspace: WorkspaceId,
        (segments, candidate): (&[(String, Condition)], &Condition),
        calendar: &Calendar,
        latest: usize,
        exact: bool,
    ) -> Result<Estimate, Error> {
        let mut all = asked_for(segments, candidate);
        all.push((CANDIDATE, candidate));
        let program = Arc::new(Program::new(&all, calendar.clone())?);
        let tree = program.keys().position(|key| key == CANDIDATE).unwrap_or_default();
        let snapshot = self.lake.snapshot(workspace).await?;
        let now = self.store.clock().now();
        let sources =
            batch::Sources { store: &self.store, lake: &self.lake, snapshot: &snapshot, workspace, now, until: now };
        let people = self.people(workspace).await?;
        let people = u64::try_from(people).unwrap_or_default();
        let whom = match share(batch::rows_of(&program, &snapshot)?, people) {
            Some(share) if !exact => Whom::UpTo(share),
            _ => Whom::Everybody,
        };
        let mut found = Estimate::default();
        let mut play = batch::Play::begin(&program, sources, whom)?;
        while let Some(chunk) = play.next().await? {
            for (person, _) in chunk {
                found.looked_at += 1;
                let Some(since) = person.member_since(tree) else { continue };
                found.people += 1;
                let place = found.latest.partition_point(|(_, other)| *other >= since);
                if place < latest {
                    found.latest.insert(place, (person.id(), since));
                    found.latest.truncate(latest);
                }
            }
        }
        found.of = if matches!(whom, Whom::Everybody) { found.looked_at } else { people.max(found.looked_at) };
        Ok(found.scaled())
    }

    /// Which parts of a condition hold for somebody now, and by what; `None` when nothing is known of them.
    ///
    /// # Errors
    /// As [`Live::estimate`].
    pub async fn explain(
        &self,
        workspace: WorkspaceId,
        segments: &[(String, Condition)],
        condition: &Condition,
        calendar: &Calendar,
        person: PersonId,
    ) -> Result<Option<Reason>, Error> {
        let parts = parts(condition);
        // No segment's key begins with a blank. Of a sequence its beginnings are played too: how far somebody came.
        let mut named: Vec<(String, Condition)> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            named.push((format!("{CANDIDATE}{number}"), Condition::clone(part)));
            if let Condition::Sequence(sequence) = part {
                for steps in 1..=sequence.steps.len() {
                    let beginning = Sequence {
                        steps: sequence.steps[..steps].to_vec(),
                        spanning: sequence.spanning.filter(|_| steps > 1),
                        without: None,
                        ..sequence.clone()
                    };
                    named.push((format!("{CANDIDATE}{number}.{steps}"), Condition::Sequence(beginning)));
                }
            }
        }
        let mut all = asked_for(segments, condition);
        all.extend(named.iter().map(|(name, condition)| (name.as_str(), condition)));
        let program = Arc::new(Program::new(&all, calendar.clone())?);
        let now = self.store.clock().now();
        let played = self.play_again(workspace, &program, &[person], (now, now)).await?;
        let Some((played, changes)) = played.first() else { return Ok(None) };
        let snapshot = self.lake.snapshot(workspace).await?;
        let rows = self.lake.person_events_at(&snapshot, person, None, Some(now.plus(1)), usize::MAX).await?;
        let events: Vec<EventView<'_>> = rows.iter().map(view).collect();
        let told =
            batch::told_of(&program, &self.store, workspace, &[person]).await?.remove(&person).unwrap_or_default();
        let facts = told.iter().map(|(at, told)| FactView { key: &told.key, valid_from: *at, value: &told.value });
        let facts: Vec<FactView<'_>> = facts.collect();
        let subject =
            Subject { person, born: Some(played.born()), event: None, facts: &facts, events: &events, segments: &[] };
        let moment = Moment { now, calendar };
        let asking = Asking { program: &program, played, changes, subject, moment };
        Ok(Some(asking.reason(condition, &mut 0)))
    }
}

/// The condition and all conditions of the person in it, parents first.
fn parts(condition: &Condition) -> Vec<&Condition> {
    let mut all = vec![condition];
    all.extend(children(condition).1.iter().flat_map(parts));
    all
}

fn children(condition: &Condition) -> (Kind, &[Condition]) {
    match condition {
        Condition::All(children) => (Kind::All, children),
        Condition::Any(children) => (Kind::Any, children),
        Condition::Not(child) => (Kind::Not, std::slice::from_ref(&**child)),
        _ => (Kind::Test, &[]),
    }
}

/// Somebody of whom it is asked why.
struct Asking<'a> {
    program: &'a Program,
    played: &'a Person,
    changes: &'a [Change],
    subject: Subject<'a>,
    moment: Moment<'a>,
}

impl Asking<'_> {
    fn tree(&self, key: &str) -> Option<usize> {
        self.program.keys().position(|other| other == key)
    }

    /// `number` counts the parts.
    fn reason(&self, condition: &Condition, number: &mut usize) -> Reason {
        let own = *number;
        *number += 1;
        let tree = self.tree(&format!("{CANDIDATE}{own}"));
        let (kind, children) = children(condition);
        let parts = children.iter().map(|child| self.reason(child, number)).collect();
        let holds = tree.and_then(|tree| self.played.member_since(tree)).is_some();
        let changed = self.changes.iter().rev().find(|change| Some(change.tree) == tree).map(|change| change.at);
        let figure = self.figure(condition, own);
        let distance = figure.as_ref().map_or(1.0, |figure| figure::distance(condition, figure));
        let since = changed.or(Some(self.played.born()));
        // What is outermost can be told from its text to be the condition as it is stored; a part has no parameters of its own.
        let text = if own == 0 { condition.to_text() } else { condition.bound().to_text() };
        Reason { text, kind, holds, since, figure, distance, parts }
    }

    fn figure(&self, condition: &Condition, own: usize) -> Option<Figure> {
        let since = |key: &str| self.tree(key).and_then(|tree| self.played.member_since(tree));
        match condition {
            Condition::Segment { key, length: Some(length) } => Some(Figure::Passed {
                so_far: since(key).map_or(0, |since| self.moment.now.0.saturating_sub(since.0)),
                needed: length.micros(),
            }),
            Condition::Segment { key, length: None } => Some(Figure::At(since(key))),
            Condition::Sequence(sequence) => {
                let came_to = |steps: &usize| since(&format!("{CANDIDATE}{own}.{steps}")).is_some();
                Some(Figure::Count((1..=sequence.steps.len()).rev().find(came_to).unwrap_or(0) as u64))
            }
            other => figure::figure(other, &self.subject, self.moment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    #[test]
    fn an_interval_is_that_of_wilson() {
        const ALL: u64 = 1_000_000_000_000;
        for (people, looked_at, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = Estimate { people, looked_at, of: ALL, ..Estimate::default() }.scaled();
            let (from, to) = (found.between.0 as f64 / ALL as f64, found.between.1 as f64 / ALL as f64);
            assert!((from - low).abs() < 5e-5 && (to - high).abs() < 5e-5, "{people} of {looked_at}: {from} to {to}");
        }
    }

    #[test]
    fn who_looks_at_all_knows() {
        let found = Estimate { people: 3, looked_at: 7, of: 7, ..Estimate::default() }.scaled();
        assert_eq!((found.people, found.between), (3, (3, 3)));
        assert_eq!(share(100, 100), None);
        assert_eq!(share(2 * SAMPLE_ROWS, 10), Some(PersonId(i64::MAX / 2 + 1)));
        assert!(share(0, 4 * SAMPLE_PEOPLE).is_some());
    }

    fn test(text: &str, holds: bool, distance: f64) -> Reason {
        Reason {
            text: text.to_owned(),
            kind: Kind::Test,
            holds,
            since: None,
            figure: None,
            distance,
            parts: Vec::new(),
        }
    }

    fn of(kind: Kind, holds: bool, parts: Vec<Reason>) -> Reason {
        Reason { kind, parts, ..test("", holds, 1.0) }
    }

    #[test]
    fn the_nearest_miss_has_the_fewest_tests_then_the_nearest() {
        let texts = |reason: &Reason| -> Vec<String> {
            reason.nearest_miss().into_iter().map(|part| part.text.clone()).collect()
        };
        let either = of(Kind::Any, false, vec![test("a", false, 0.9), test("b", false, 0.2)]);
        assert_eq!(texts(&either), ["b"]);
        let both = of(Kind::All, false, vec![test("a", false, 0.1), test("b", true, 0.0), either.clone()]);
        assert_eq!(texts(&both), ["a", "b"]);
        let neither = of(Kind::Not, false, vec![of(Kind::All, true, vec![test("a", true, 0.5), test("b", true, 0.4)])]);
        assert_eq!(texts(&neither), ["b"]);
        let two_or_one = of(Kind::Any, false, vec![both, test("far", false, 1.0)]);
        assert_eq!(texts(&two_or_one), ["far"]);
        assert!(of(Kind::Any, true, Vec::new()).nearest_miss().is_empty());
    }
}
