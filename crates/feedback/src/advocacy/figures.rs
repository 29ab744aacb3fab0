//! What acts amount to: how many, whose, of which quality, how far they reach, and what changed against the time before.
//!
//! Shares have Wilson's interval, means Student's t, changes that of `models::survey`, all of them judged at once (q). The customers of two times are for the
//! most part the same people, who do again what they did before; their shares are compared as if they were others, so the interval of that change is too wide
//! rather than too narrow.
//!
//! Always holds: the figures follow from the acts, in any order.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{PersonId, Timestamp};
use rapport_models::experiments::Better;
use rapport_models::survey::{Confidence, Difference, Judged, Measure, Scale, Score, Shares, Tally, judged};

use super::{Act, Kind};

/// Whom acts can be of, and what they bought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Customers {
    /// How many people had bought by the end of the time.
    pub now: u64,
    /// How many by its beginning.
    pub before: u64,
    /// Of those who acted or came: when they bought first and last.
    pub bought: BTreeMap<PersonId, (Timestamp, Timestamp)>,
}

/// A share or a mean with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The share, 0 to 1, or the mean.
    pub score: Score,
    /// Of a share: so many.
    pub hits: Option<u64>,
}

/// A figure beside that of the time before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compared {
    /// `None` of nothing.
    pub now: Option<Figure>,
    /// The same of the time before.
    pub before: Option<Figure>,
    /// What changed.
    pub change: Option<Judged>,
}

/// What the acts of one kind amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct KindFigures {
    /// Which kind.
    pub kind: Kind,
    /// How many acts.
    pub acts: u64,
    /// In the time before.
    pub acts_before: u64,
    /// Acts in favour.
    pub for_us: u64,
    /// In the time before.
    pub for_us_before: u64,
    /// People with an act of this kind in favour.
    pub people: u64,
    /// The share in favour; of referrals, which all are, none.
    pub in_favour: Compared,
    /// What else is said of their quality, by name.
    pub quality: Vec<(&'static str, Compared)>,
    /// How many the acts in favour reached; `None` where a kind has no reach.
    pub reach: Option<u64>,
    /// In the time before.
    pub reach_before: Option<u64>,
    /// How many acts against the company reached.
    pub reach_against: Option<u64>,
}

/// What all acts amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// People with an act in favour.
    pub advocates: u64,
    /// In the time before.
    pub advocates_before: u64,
    /// The share of those who had bought.
    pub share: Compared,
    /// By kind.
    pub kinds: Vec<KindFigures>,
}

/// The figures of a time beside those of the time before.
pub fn figures(now: &[Act], before: &[Act], customers: &Customers, at: (Timestamp, Timestamp)) -> Figures {
    let mut open: Vec<Comparing> = Vec::new();
    let buyers = |acts: &[Act], until: Timestamp| {
        let bought = |it: &PersonId| customers.bought.get(it).is_some_and(|(first, _)| *first < until);
        advocating(acts).iter().filter(|it| bought(it)).count() as u64
    };
    open.push(Comparing::shares((buyers(now, at.1), customers.now), (buyers(before, at.0), customers.before)));
    let mut kinds = Vec::new();
    for kind in Kind::ALL {
        let (these, those) = (of_kind(now, kind), of_kind(before, kind));
        let first = open.len();
        open.extend(qualities(kind, &these, &those, customers).into_iter().map(|it| it.1));
        kinds.push((kind, these, those, first));
    }
    let changes = judged(&open.iter().map(Comparing::difference).collect::<Vec<_>>());
    let compared: Vec<Compared> = open.iter().zip(changes).map(|(it, change)| it.compared(change)).collect();
    let shape = |(kind, these, those, first): (Kind, Vec<&Act>, Vec<&Act>, usize)| {
        let names = qualities(kind, &these, &those, customers).into_iter().map(|it| it.0);
        let mut said: Vec<(&'static str, Compared)> = names.zip(compared.iter().skip(first).copied()).collect();
        let in_favour = if kind == Kind::Referral { Compared::default() } else { said.remove(0).1 };
        let reach = |acts: &[&Act], is_for: bool| {
            has_reach(kind).then(|| acts.iter().filter(|it| it.told.in_favour == is_for).map(|it| it.reach()).sum())
        };
        let count = |acts: &[&Act]| acts.iter().filter(|it| it.told.in_favour).count() as u64;
        KindFigures {
            kind,
            acts: these.len() as u64,
            acts_before: those.len() as u64,
            for_us: count(&these),
            for_us_before: count(&those),
            people: advocating(these.iter().copied()).len() as u64,
            in_favour,
            quality: said,
            reach: reach(&these, true),
            reach_before: reach(&those, true),
            reach_against: reach(&these, false).filter(|_| kind == Kind::Mention),
        }
    };
    Figures {
        advocates: advocating(now).len() as u64,
        advocates_before: advocating(before).len() as u64,
        share: compared[0],
        kinds: kinds.into_iter().map(shape).collect(),
    }
}

const fn has_reach(kind: Kind) -> bool {
    matches!(kind, Kind::Mention | Kind::Referral)
}

fn of_kind(acts: &[Act], kind: Kind) -> Vec<&Act> {
    acts.iter().filter(|it| it.told.kind == kind).collect()
}

/// Who acted in favour.
fn advocating<'a>(acts: impl IntoIterator<Item = &'a Act>) -> BTreeSet<PersonId> {
    acts.into_iter().filter(|it| it.told.in_favour).filter_map(|it| it.person).collect()
}

/// What is compared of a kind, by name; the share in favour first where there is one.
fn qualities(kind: Kind, these: &[&Act], those: &[&Act], customers: &Customers) -> Vec<(&'static str, Comparing)> {
    let share = |is: &dyn Fn(&Act) -> bool| {
        let of = |acts: &[&Act]| (acts.iter().filter(|it| is(it)).count() as u64, acts.len() as u64);
        Comparing::shares(of(these), of(those))
    };
    let in_favour = ("in_favour", share(&|it| it.told.in_favour));
    let of_review = |is: fn(&super::Reviewed) -> bool| share(&move |it| it.told.review.as_ref().is_some_and(is));
    match kind {
        Kind::Recommendation | Kind::Mention => vec![in_favour],
        Kind::Review => vec![
            in_favour,
            ("verified", of_review(|it| it.is_verified)),
            ("detailed", of_review(|it| it.is_detailed)),
            ("authenticity", Comparing::means(&authenticity(these), &authenticity(those))),
        ],
        Kind::Referral => vec![
            ("came", share(&|it| !it.came.is_empty())),
            ("bought", Comparing::shares(bought(these, customers), bought(those, customers))),
        ],
    }
}

fn authenticity(acts: &[&Act]) -> Vec<i64> {
    acts.iter().filter_map(|it| Some(it.told.review?.authenticity)).collect()
}

/// Of the people who came by these referrals, how many ordered after the referral was made. Who came by several counts with each.
fn bought(acts: &[&Act], customers: &Customers) -> (u64, u64) {
    let ordered = |act: &Act, who: &PersonId| customers.bought.get(who).is_some_and(|(_, last)| *last >= act.told.at);
    let of = |act: &&Act| act.came.iter().filter(|who| ordered(act, who)).count() as u64;
    (acts.iter().map(of).sum(), acts.iter().map(|it| it.came.len() as u64).sum())
}

/// Two counts of which something is said.
struct Comparing {
    now: Option<Shares>,
    before: Option<Shares>,
    measure: Measure,
    hits: Option<(u64, u64)>,
}

impl Comparing {
    fn shares(now: (u64, u64), before: (u64, u64)) -> Self {
        let of = |(hits, of): (u64, u64)| {
            let scale = Scale::new(0, 1, Better::Higher)?;
            Tally::new(scale, [(Some(1), hits), (Some(0), of.saturating_sub(hits))]).shares()
        };
        Self { now: of(now), before: of(before), measure: Measure::Top(1), hits: Some((now.0, before.0)) }
    }

    fn means(now: &[i64], before: &[i64]) -> Self {
        let of = |values: &[i64]| {
            let scale = Scale::new(0, 100, Better::Higher)?;
            Tally::new(scale, values.iter().map(|it| (Some(*it), 1))).shares()
        };
        Self { now: of(now), before: of(before), measure: Measure::Mean, hits: None }
    }

    fn difference(&self) -> Option<Difference> {
        self.measure.difference(self.now.as_ref()?, self.before.as_ref()?, Confidence::default())
    }

    fn compared(&self, change: Option<Judged>) -> Compared {
        let figure = |shares: &Option<Shares>, hits: Option<u64>| {
            let score = self.measure.score(shares.as_ref()?, Confidence::default())?;
            Some(Figure { score, hits })
        };
        Compared {
            now: figure(&self.now, self.hits.map(|it| it.0)),
            before: figure(&self.before, self.hits.map(|it| it.1)),
            change,
        }
    }
}

/// Whoever acted in favour.
#[derive(Clone, Debug, PartialEq)]
pub struct Advocate {
    /// Who.
    pub person: PersonId,
    /// Acts in favour, by kind as in [`Kind::ALL`].
    pub acts: [u64; 4],
    /// What they said that is not in favour.
    pub others: u64,
    /// How many their acts in favour reached: readers, and people who came.
    pub reach: u64,
    /// The people who came by them.
    pub came: u64,
    /// Those of them who then bought.
    pub bought: u64,
    /// The last act in favour.
    pub last_at: Timestamp,
}

impl Advocate {
    fn count(&self) -> u64 {
        self.acts.iter().sum()
    }
}

/// Advocates of a time: by whose word most people then bought, then with most acts, the furthest reach, the latest.
pub fn advocates(acts: &[Act], customers: &Customers) -> Vec<Advocate> {
    let mut by: BTreeMap<PersonId, Vec<&Act>> = BTreeMap::new();
    for act in acts {
        if let Some(person) = act.person {
            by.entry(person).or_default().push(act);
        }
    }
    let mut found: Vec<Advocate> =
        by.into_iter().filter_map(|(person, acts)| advocate(person, &acts, customers)).collect();
    let rank = |it: &Advocate| std::cmp::Reverse((it.bought, it.count(), it.reach, it.last_at));
    found.sort_by(|a, b| rank(a).cmp(&rank(b)).then(a.person.cmp(&b.person)));
    found
}

fn advocate(person: PersonId, acts: &[&Act], customers: &Customers) -> Option<Advocate> {
    let (for_us, others): (Vec<&Act>, Vec<&Act>) = acts.iter().copied().partition(|it| it.told.in_favour);
    let last_at = for_us.iter().map(|it| it.told.at).max()?;
    let (bought, came) = bought(&for_us, customers);
    Some(Advocate {
        person,
        acts: Kind::ALL.map(|kind| for_us.iter().filter(|it| it.told.kind == kind).count() as u64),
        others: others.len() as u64,
        reach: for_us.iter().map(|it| it.reach()).sum(),
        came,
        bought,
        last_at,
    })
}

/// The acts in favour of each period, by kind, and how many people acted. `starts` are where periods begin, and as the last where the last one ends.
pub fn over_time(acts: &[Act], starts: &[Timestamp]) -> Vec<([u64; 4], u64)> {
    let within = |ends: &[Timestamp]| {
        let own: Vec<&Act> = acts.iter().filter(|it| (ends[0]..ends[1]).contains(&it.told.at)).collect();
        let count = |kind| own.iter().filter(|it| it.told.in_favour && it.told.kind == kind).count() as u64;
        (Kind::ALL.map(count), advocating(own.iter().copied()).len() as u64)
    };
    starts.windows(2).map(within).collect()
}
