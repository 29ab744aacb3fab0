//! How results look in JSON.

use rapport_feedback::results::{
    Behaviour, Cell, DriverSet, Funnel, Reweighted, Series, Share, Spending, Wished, Wishes,
};
use rapport_models::experiments::Better;
use rapport_models::survey::drivers::{Division, Driver, Quadrant};
use rapport_models::survey::kano::{Category, Coefficient, Spread};
use rapport_models::survey::{Judged, Score};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::wire::time;

/// Scores of a survey.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultsShape {
    /// From when answers are counted, if that was asked for.
    pub(super) from: Option<String>,
    /// Until before when.
    pub(super) to: String,
    /// A row for each question, part of it and scale.
    pub(super) rows: Vec<SeriesShape>,
}

/// The scores of one question on one scale.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesShape {
    question: String,
    /// Which part; empty where there is only one. Of a `choice` what was chosen; of a matrix the row and the choice, with a slash between.
    part: String,
    /// `nps`, `csat`, `ces` or `scale`; `choice` is the share of those who chose it, of a ranking of those who put it first.
    kind: String,
    /// The least of the scale.
    low: i32,
    /// The most of it.
    high: i32,
    /// `up`: much is good; `down`: little is. Scores are always such that more is better.
    direction: &'static str,
    total: CellShape,
    /// The largest first.
    groups: Vec<GroupShape>,
    /// How many groups are left out, because they are the smallest of too many.
    more_groups: usize,
    periods: Vec<PeriodShape>,
}

/// Answers and what they amount to.
#[derive(Debug, Serialize, ToSchema)]
pub struct CellShape {
    /// Answers on the scale.
    answers: u64,
    /// By value.
    values: Vec<ValueShape>,
    /// What was no value of the scale, by what stood there: counted in no score.
    blank: Vec<BlankShape>,
    /// The one that stands for the question first; none without answers.
    scores: Vec<ScoreShape>,
}

/// How many gave a value.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValueShape {
    value: i32,
    answers: u64,
}

/// How many gave no value.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlankShape {
    /// What stood there; none where nothing did.
    value: Option<i64>,
    answers: u64,
}

/// A score with its interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreShape {
    /// `nps` (points), `mean` (on the scale, turned so that more is better), `top_two`, `easy` or `share` (shares).
    measure: &'static str,
    estimate: f64,
    low: f64,
    high: f64,
    /// Fewer than 30 answers: the interval is to be shown before the score.
    few: bool,
}

/// A difference, among others like it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceShape {
    estimate: f64,
    low: f64,
    high: f64,
    /// How likely so great a difference is by chance.
    p: f64,
    /// The share of false findings if this one is called a finding.
    q: f64,
    /// One of the two has fewer than 30 answers.
    few: bool,
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupShape {
    /// Which; none for those of whom it is not known.
    key: Option<String>,
    #[serde(flatten)]
    cell: CellShape,
    /// By the first score, against everybody who is not in it.
    against_others: Option<DifferenceShape>,
}

/// A period.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodShape {
    from: String,
    to: String,
    #[serde(flatten)]
    cell: CellShape,
    /// By the first score, against the period before.
    change: Option<DifferenceShape>,
}

pub(super) fn series(question: &str, it: Series) -> SeriesShape {
    let group = |it: rapport_feedback::results::Group| GroupShape {
        key: it.key,
        cell: CellShape::of(&it.cell),
        against_others: it.against_others.map(DifferenceShape::of),
    };
    let period = |it: rapport_feedback::results::Period| PeriodShape {
        from: time(it.from),
        to: time(it.to),
        cell: CellShape::of(&it.cell),
        change: it.change.map(DifferenceShape::of),
    };
    SeriesShape {
        question: question.to_owned(),
        part: it.part,
        kind: it.kind,
        low: *it.scale.values().start(),
        high: *it.scale.values().end(),
        direction: if it.scale.better() == Better::Lower { "down" } else { "up" },
        total: CellShape::of(&it.total),
        groups: it.groups.into_iter().map(group).collect(),
        more_groups: it.more_groups,
        periods: it.periods.into_iter().map(period).collect(),
    }
}

impl CellShape {
    fn of(cell: &Cell) -> Self {
        let tally = &cell.tally;
        let values = tally.scale().values().map(|value| ValueShape { value, answers: tally.count(value) });
        let blank = tally.blank().iter().map(|(value, answers)| BlankShape { value: *value, answers: *answers });
        Self {
            answers: tally.answers(),
            values: values.filter(|it| it.answers > 0).collect(),
            blank: blank.collect(),
            scores: cell.scores.iter().map(ScoreShape::of).collect(),
        }
    }
}

impl DifferenceShape {
    fn of(Judged { difference: it, q }: Judged) -> Self {
        Self { estimate: it.estimate, low: it.low, high: it.high, p: it.p, q, few: it.few }
    }
}

/// Scores of a question, as they are and weighted for who did not answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct WeightedShape {
    /// As they are, with the groups that weights are made of.
    plain: SeriesShape,
    /// Weighted; the one that stands for the question first.
    scores: Vec<ScoreShape>,
    /// How many of each group were reached.
    reached: Vec<ReachedShape>,
    /// The share of those reached in groups of which anybody answered; of the others nothing is known.
    covered: f64,
    /// As many answers, counted alike, would say as much.
    effective: f64,
    /// How many times as many answers this takes as answers counted alike.
    design_effect: f64,
    /// How much one answer of the group that counts most counts, in mean answers.
    heaviest: f64,
}

/// How many of a group were reached.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReachedShape {
    key: Option<String>,
    people: u64,
}

pub(super) fn weighted(question: &str, it: Reweighted) -> WeightedShape {
    let reached = it.reached.into_iter().map(|(key, people)| ReachedShape { key, people });
    WeightedShape {
        scores: it.scores.iter().map(ScoreShape::of).collect(),
        reached: reached.collect(),
        covered: it.weights.covered,
        effective: it.weights.shares.effective(),
        design_effect: it.weights.design_effect,
        heaviest: it.weights.heaviest,
        plain: series(question, it.plain),
    }
}

impl ScoreShape {
    fn of((measure, it): &(&'static str, Score)) -> Self {
        Self { measure, estimate: it.estimate, low: it.low, high: it.high, few: it.few }
    }
}

/// From everybody who could have been asked to those who answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelShape {
    occasions: u64,
    waiting: u64,
    sampled_out: u64,
    suppressed: Vec<SuppressedShape>,
    invited: u64,
    undelivered: u64,
    /// Asked, and not lost on the way as far as is known.
    delivered: u64,
    opened: u64,
    answered: u64,
    /// Opened it themselves beside a page of the company's own, and none of the others: nobody asked them.
    unasked: u64,
    /// Answered of those.
    unasked_answered: u64,
    /// Answered of delivered.
    response_rate: Option<EstimateShape>,
}

/// How many were not asked for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuppressedShape {
    reason: String,
    people: u64,
}

/// An estimate with its interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct EstimateShape {
    estimate: f64,
    low: f64,
    high: f64,
}

impl FunnelShape {
    pub(super) fn of(it: Funnel) -> Self {
        let rate = |it: Share| EstimateShape { estimate: it.estimate, low: it.low, high: it.high };
        let suppressed = it.suppressed.into_iter().map(|(reason, people)| SuppressedShape { reason, people });
        Self {
            occasions: it.occasions,
            waiting: it.waiting,
            sampled_out: it.sampled_out,
            suppressed: suppressed.collect(),
            invited: it.invited,
            undelivered: it.undelivered,
            delivered: it.delivered,
            opened: it.opened,
            answered: it.answered,
            unasked: it.unasked,
            unasked_answered: it.unasked_answered,
            response_rate: it.response_rate.map(rate),
        }
    }
}

/// What people make of wishes.
#[derive(Debug, Serialize, ToSchema)]
pub struct WishesShape {
    pub(super) rows: Vec<WishShape>,
}

/// What people make of one wish.
#[derive(Debug, Serialize, ToSchema)]
pub struct WishShape {
    question: String,
    all: WishedShape,
    /// The largest first.
    groups: Vec<WishedShape>,
    /// How likely groups that differ so much are by chance.
    p: Option<f64>,
}

/// A wish, as some people see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WishedShape {
    /// Which group.
    key: Option<String>,
    answers: u64,
    /// `must_be`, `one_dimensional`, `attractive`, `indifferent`, `reverse` or `questionable`.
    category: &'static str,
    /// The category next to it.
    next: &'static str,
    /// It is given significantly more often than the next one (Fong's test).
    significant: bool,
    /// From 0.06 on it is one category.
    category_strength: f64,
    /// The share of people who have the wish at all.
    total_strength: f64,
    counts: Vec<CategoryShape>,
    /// How far satisfaction rises with it, 0 to 1.
    better: Option<EstimateShape>,
    /// How far it falls without it, −1 to 0.
    worse: Option<EstimateShape>,
    /// If it is there, −2 to 4.
    functional: SpreadShape,
    /// If it is not, −2 to 4.
    dysfunctional: SpreadShape,
    /// The category of the mean.
    mean_category: &'static str,
    /// The share of people whose own category that is: small where two camps have a mean that is nobody's.
    agreeing: f64,
}

/// How many answers are of a category.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryShape {
    category: &'static str,
    answers: u64,
}

/// A mean, its interval and the spread of persons.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpreadShape {
    mean: f64,
    low: Option<f64>,
    high: Option<f64>,
    deviation: Option<f64>,
}

const fn word(it: Category) -> &'static str {
    match it {
        Category::MustBe => "must_be",
        Category::OneDimensional => "one_dimensional",
        Category::Attractive => "attractive",
        Category::Indifferent => "indifferent",
        Category::Reverse => "reverse",
        Category::Questionable => "questionable",
    }
}

pub(super) fn wish(question: &str, it: Wishes) -> WishShape {
    let groups = it.groups.iter().map(WishedShape::of).collect();
    WishShape { question: question.to_owned(), all: WishedShape::of(&it.all), groups, p: it.p }
}

impl WishedShape {
    fn of(it: &Wished) -> Self {
        let coefficient = |it: Coefficient| EstimateShape { estimate: it.estimate, low: it.low, high: it.high };
        let spread = |it: Spread| SpreadShape {
            mean: it.mean,
            low: it.between.map(|it| it.0),
            high: it.between.map(|it| it.1),
            deviation: it.deviation,
        };
        let count = |(category, answers)| CategoryShape { category: word(category), answers };
        Self {
            key: it.key.clone(),
            answers: it.answers,
            category: word(it.wish.category),
            next: word(it.wish.next),
            significant: it.wish.significant,
            category_strength: it.wish.category_strength,
            total_strength: it.wish.total_strength,
            counts: Category::ALL.into_iter().zip(it.wish.counts).map(count).collect(),
            better: it.wish.better.map(coefficient),
            worse: it.wish.worse.map(coefficient),
            functional: spread(it.point.functional),
            dysfunctional: spread(it.point.dysfunctional),
            mean_category: word(it.point.category),
            agreeing: it.point.agreeing,
        }
    }
}

/// What a score goes with.
#[derive(Debug, Serialize, ToSchema)]
pub struct DriversShape {
    /// The question that is explained.
    score: String,
    /// The people who answered everything; none of the rest without enough of them.
    answers: u64,
    /// The people left out, because they did not.
    incomplete: u64,
    /// `shapley` or `relative_weights`.
    division: Option<&'static str>,
    /// The share of the score's variance that goes with all of them together.
    r_squared: Option<f64>,
    adjusted_r_squared: Option<f64>,
    /// Older answers were not read, because there are too many.
    latest_only: bool,
    /// In the order of the survey.
    drivers: Vec<DriverShape>,
}

/// One driver.
#[derive(Debug, Serialize, ToSchema)]
pub struct DriverShape {
    question: String,
    /// Its part of R².
    contribution: f64,
    /// Its part of what all drivers have, 0 to 1.
    importance: f64,
    low: f64,
    high: f64,
    rank: usize,
    /// The ranks between which it is.
    rank_low: usize,
    rank_high: usize,
    /// How often it was the most important in samples drawn again.
    first: f64,
    correlation: f64,
    /// From 10 on it says nearly the same as the others; none where it says the same.
    vif: Option<f64>,
    /// How well it is done, 0 to 100.
    performance: f64,
    missing: u64,
    /// `concentrate`, `keep_up`, `low_priority` or `overkill`.
    quadrant: &'static str,
}

impl DriversShape {
    pub(super) fn of(score: &str, set: DriverSet) -> Self {
        let found = set.drivers.as_ref();
        let division = |it: Division| match it {
            Division::Shapley => "shapley",
            Division::RelativeWeights => "relative_weights",
        };
        let drivers = found.map_or(&[][..], |it| &it.drivers);
        Self {
            score: score.to_owned(),
            answers: found.map_or(0, |it| it.answers),
            incomplete: found.map_or(0, |it| it.incomplete),
            division: found.map(|it| division(it.division)),
            r_squared: found.map(|it| it.r_squared),
            adjusted_r_squared: found.map(|it| it.adjusted_r_squared),
            latest_only: set.latest_only,
            drivers: set
                .questions
                .into_iter()
                .zip(drivers)
                .map(|(question, it)| DriverShape::of(question, it))
                .collect(),
        }
    }
}

impl DriverShape {
    fn of(question: String, it: &Driver) -> Self {
        let quadrant = match it.quadrant {
            Quadrant::Concentrate => "concentrate",
            Quadrant::KeepUp => "keep_up",
            Quadrant::LowPriority => "low_priority",
            Quadrant::Overkill => "overkill",
        };
        Self {
            question,
            contribution: it.contribution,
            importance: it.importance,
            low: it.between.0,
            high: it.between.1,
            rank: it.rank,
            rank_low: it.ranks.0,
            rank_high: it.ranks.1,
            first: it.first,
            correlation: it.correlation,
            vif: it.vif,
            performance: it.performance,
            missing: it.missing,
            quadrant,
        }
    }
}

/// What people spent after they answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct BehaviourShape {
    question: String,
    /// Within so many days of the answer.
    days: u32,
    /// Of all amounts, which are in its main unit.
    currency: String,
    spending: Vec<SpendingShape>,
    /// People whose days are not over yet.
    too_recent: u64,
}

/// What those of one stance spent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpendingShape {
    /// `promoter`, `passive` or `detractor`.
    stance: &'static str,
    people: u64,
    /// The share of those who bought anything.
    bought: Option<EstimateShape>,
    /// What each spent on average.
    mean: Option<f64>,
    /// What each spent less what each of the detractors did.
    more_than_detractors: Option<EstimateShape>,
}

impl BehaviourShape {
    pub(super) fn of(question: &str, days: u32, currency: &str, it: &Behaviour) -> Self {
        const MICROS: f64 = 1_000_000.0;
        let scaled =
            |it: Share, by: f64| EstimateShape { estimate: it.estimate / by, low: it.low / by, high: it.high / by };
        let spending = |it: &Spending| SpendingShape {
            stance: it.stance.as_str(),
            people: it.people,
            bought: it.bought.map(|it| scaled(it, 1.0)),
            mean: it.mean.map(|it| it / MICROS),
            more_than_detractors: it.more_than_detractors.map(|it| scaled(it, MICROS)),
        };
        Self {
            question: question.to_owned(),
            days,
            currency: currency.to_owned(),
            spending: it.spending.iter().map(spending).collect(),
            too_recent: it.too_recent,
        }
    }
}
