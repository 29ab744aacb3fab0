//! Scores of a question: in all, by group, and over time.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_models::experiments::Better;
use rapport_models::survey::{Confidence, Judged, Measure, Scale, Score, Tally, judged};
use rapport_store::{Queries, Result};

use crate::records::counts::{self, CountRow, Dimension, Which};

/// Groups are the largest so many.
pub const MOST_GROUPS: usize = 50;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Which answers.
    pub which: Which<'a>,
    /// Groups.
    pub by: Option<Dimension>,
    /// Where periods begin, and as the last where the last one ends; none where no trend is wanted.
    pub periods: Vec<Timestamp>,
    /// How often intervals are to hold the truth.
    pub confidence: Confidence,
}

/// The scores of one part of a question on one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Which part; empty where there is only one.
    pub part: String,
    /// The kind of question.
    pub kind: String,
    /// The scale.
    pub scale: Scale,
    /// In all.
    pub total: Cell,
    /// By group, the largest first.
    pub groups: Vec<Group>,
    /// How many groups are left out, because they are the smallest of too many.
    pub more_groups: usize,
    /// Over time.
    pub periods: Vec<Period>,
}

/// Answers and what they amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The answers by value.
    pub tally: Tally,
    /// The scores by name, the one that stands for the question first; none without answers.
    pub scores: Vec<(&'static str, Score)>,
}

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Which; none for those of whom it is not known.
    pub key: Option<String>,
    /// Its answers.
    pub cell: Cell,
    /// By the first score, against everybody who is not in it.
    pub against_others: Option<Judged>,
}

/// A period.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// From when.
    pub from: Timestamp,
    /// Until before when.
    pub to: Timestamp,
    /// Its answers.
    pub cell: Cell,
    /// By the first score, against the period before.
    pub change: Option<Judged>,
}

/// The scores of a kind of question, the one that stands for it first.
pub fn measures(kind: &str, scale: Scale) -> Vec<(&'static str, Measure)> {
    let steps = scale.values().end() - scale.values().start();
    // Of seven values the best three say that it was easy (CES 2.0); of fewer the best two, and of two the better one.
    let easy = Measure::Top(if steps >= 6 { 3 } else { 2 });
    let top_two = Measure::Top(2);
    let (easy, top_two) = if steps < 2 { (Measure::Top(1), Measure::Top(1)) } else { (easy, top_two) };
    match kind {
        "nps" => vec![("nps", Measure::Nps), ("mean", Measure::Mean)],
        "csat" => vec![("top_two", top_two), ("mean", Measure::Mean)],
        "ces" => vec![("mean", Measure::Mean), ("easy", easy)],
        super::choices::CHOICE => vec![("share", Measure::Top(1))],
        _ => vec![("mean", Measure::Mean), ("top_two", top_two)],
    }
}

impl Cell {
    fn of(kind: &str, tally: Tally, confidence: Confidence) -> Self {
        let shares = tally.shares();
        let scored =
            |(name, measure): (&'static str, Measure)| Some((name, measure.score(shares.as_ref()?, confidence)?));
        Self { scores: measures(kind, tally.scale()).into_iter().filter_map(scored).collect(), tally }
    }
}

/// The scores of a question. Empty where nothing was answered on a scale.
pub async fn scores(db: &mut impl Queries, workspace: WorkspaceId, wanted: &Wanted<'_>) -> Result<Vec<Series>> {
    let grouped = counts::by_value(db, workspace, wanted.which, wanted.by).await?;
    let periods = by_period(db, workspace, wanted).await?;
    Ok(series_of(&grouped, wanted.by.map(|_| &grouped[..]), &periods, wanted.confidence))
}

/// The answers of each period wanted, counted by value.
pub async fn by_period(db: &mut impl Queries, workspace: WorkspaceId, wanted: &Wanted<'_>) -> Result<Vec<Counted>> {
    let mut periods = Vec::new();
    for ends in wanted.periods.windows(2) {
        let (from, to) = (ends[0].max(wanted.which.from), ends[1].min(wanted.which.to));
        let which = Which { from, to, ..wanted.which };
        periods.push(((ends[0], ends[1]), counts::by_value(db, workspace, which, None).await?));
    }
    Ok(periods)
}

/// Scores of counted answers: of all of them, of groups of them that may have people in common, and of periods.
pub fn series_of(
    all: &[CountRow],
    groups: Option<&[CountRow]>,
    periods: &[Counted],
    confidence: Confidence,
) -> Vec<Series> {
    keys(all).iter().map(|key| key.series(all, groups, periods, confidence)).collect()
}

/// A part of a question on one scale.
#[derive(Clone, PartialEq)]
struct Key {
    part: String,
    kind: String,
    scale: Scale,
}

/// The rows of a period, and when it is.
pub type Counted = ((Timestamp, Timestamp), Vec<CountRow>);

/// The parts and scales there are, in the order of the rows.
fn keys(rows: &[CountRow]) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for key in rows.iter().filter_map(Key::of) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn tally<'a>(scale: Scale, rows: impl IntoIterator<Item = &'a CountRow>) -> Tally {
    let counted = |row: &CountRow| (row.number, u64::try_from(row.answers).unwrap_or_default());
    Tally::new(scale, rows.into_iter().map(counted))
}

impl Key {
    /// Of an answer on a scale.
    fn of(row: &CountRow) -> Option<Self> {
        let better = if row.direction.as_deref()? == "down" { Better::Lower } else { Better::Higher };
        let scale = Scale::new(i32::try_from(row.low?).ok()?, i32::try_from(row.high?).ok()?, better)?;
        Some(Self { part: row.part.clone(), kind: row.kind.clone(), scale })
    }

    fn own<'a>(&self, rows: &'a [CountRow]) -> Vec<&'a CountRow> {
        rows.iter().filter(|row| Self::of(row).as_ref() == Some(self)).collect()
    }

    fn series(
        &self,
        all: &[CountRow],
        groups: Option<&[CountRow]>,
        periods: &[Counted],
        confidence: Confidence,
    ) -> Series {
        let total = tally(self.scale, self.own(all));
        let (groups, more_groups) =
            groups.map_or_else(Default::default, |rows| self.groups(&self.own(rows), &total, confidence));
        Series {
            part: self.part.clone(),
            kind: self.kind.clone(),
            scale: self.scale,
            total: Cell::of(&self.kind, total, confidence),
            groups,
            more_groups,
            periods: self.periods(periods, confidence),
        }
    }

    /// The groups, each against everybody who is not in it, all of them judged at once; and how many are left out.
    fn groups(&self, rows: &[&CountRow], total: &Tally, confidence: Confidence) -> (Vec<Group>, usize) {
        let mut by: BTreeMap<Option<String>, Vec<&CountRow>> = BTreeMap::new();
        rows.iter().for_each(|row| by.entry(row.dimension.clone()).or_default().push(row));
        let mut tallies: Vec<(Option<String>, Tally)> =
            by.into_iter().map(|(key, rows)| (key, tally(self.scale, rows))).collect();
        tallies.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.answers()));
        let more = tallies.len().saturating_sub(MOST_GROUPS);
        tallies.truncate(MOST_GROUPS);
        let difference = |(_, own): &(Option<String>, Tally)| {
            let others = total.without(own)?;
            self.first().difference(&own.shares()?, &others.shares()?, confidence)
        };
        let against = judged(&tallies.iter().map(difference).collect::<Vec<_>>());
        let group = |((key, tally), against_others)| Group {
            key,
            cell: Cell::of(&self.kind, tally, confidence),
            against_others,
        };
        (tallies.into_iter().zip(against).map(group).collect(), more)
    }

    /// The periods, each against the one before.
    fn periods(&self, periods: &[Counted], confidence: Confidence) -> Vec<Period> {
        let tallies: Vec<Tally> = periods.iter().map(|(_, rows)| tally(self.scale, self.own(rows))).collect();
        let shares: Vec<_> = tallies.iter().map(Tally::shares).collect();
        let changes = self.first().changes(&shares, confidence);
        let period = |((((from, to), _), tally), change): ((&Counted, Tally), Option<Judged>)| Period {
            from: *from,
            to: *to,
            cell: Cell::of(&self.kind, tally, confidence),
            change,
        };
        periods.iter().zip(tallies).zip(changes).map(period).collect()
    }

    /// The measure that stands for the question.
    fn first(&self) -> Measure {
        measures(&self.kind, self.scale).first().map_or(Measure::Mean, |it| it.1)
    }
}
