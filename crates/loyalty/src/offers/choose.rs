//! Which offers count together, and what comes of each.

use rapport_domain::PersonId;
use rapport_segments::{Moment, Subject, holds};
use serde::{Deserialize, Serialize};

use super::Cart;
use super::apply::{Applied, Running};
use super::effect::{Effect, EffectKind, rolled_back};
use super::offer::{Choice, Gives, Offer, Stacking};
use crate::decimal::Decimal;
use crate::document::Holdout;
use crate::earning::{CapPer, Period, holds_out};
use crate::program::{Mode, Program};

/// So many ways are looked through for the best one; past that the best of them counts, and the answer says so.
const WAYS_MAX: usize = 20_000;
/// And of carts with very many lines fewer, so that nobody waits for one of them: each way looks at each line once or twice.
const LINES_MAX: usize = 250_000;

/// What was used of an offer's budgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// In millionths of the programme's currency.
    pub amount: i64,
    /// How often.
    pub times: i64,
}

/// What offers see.
pub struct Looks<'a> {
    /// The programme in force.
    pub program: &'a Program,
    /// Whose cart it is, with what is known of them; the cart's event must be there.
    pub subject: &'a Subject<'a>,
    /// When, and the calendar of the programme's zone.
    pub moment: Moment<'a>,
    /// The cart.
    pub cart: &'a Cart,
    /// Whether they can be given points.
    pub may_earn: bool,
    /// Which offers a code unlocked.
    pub unlocked: &'a dyn Fn(&str) -> bool,
    /// The percentage that an offer goes on giving this person, whatever is known of them now, because it changed often enough.
    pub settled: &'a dyn Fn(&str) -> Option<Decimal>,
    /// What was used of an offer by this person, or by everybody, in a period.
    pub used: &'a dyn Fn(&str, CapPer, Period) -> Spent,
}

/// What came of a cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// A line for each offer, in their order.
    pub lines: Vec<Line>,
    /// What is done, in the order in which it is.
    pub effects: Vec<Effect>,
    /// What is taken off the goods, in millionths of the cart's currency.
    pub goods_off: i64,
    /// What is taken off shipping.
    pub shipping_off: i64,
    /// What is left to pay.
    pub to_pay: i64,
    /// What is earned by it after what the goods cost, in the cart's currency; `None` where a line does not say its cost.
    pub margin: Option<i64>,
    /// Whether every way to combine the offers was looked at.
    pub is_exact: bool,
}

/// What came of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its key.
    pub offer: String,
    /// Its version.
    pub version: i64,
    /// What it is worth to the customer, in millionths of the programme's currency.
    pub benefit: i64,
    /// Why.
    pub outcome: Outcome,
}

/// Why an offer does what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It does what it says.
    Given,
    /// A budget cut it, or left nothing: which of its budgets, from 0.
    Budget(usize),
    /// A line would have been sold below the margin that the programme keeps.
    MarginFloor,
    /// All discounts together may not be more.
    MostDiscount,
    /// It does not hold at that time.
    OutsideWindow,
    /// Its condition does not hold.
    Condition,
    /// It takes a code.
    NeedsCode,
    /// It gives points, and the customer is no member.
    NoMember,
    /// The lines do not come to what it asks for.
    TooLittle,
    /// There is nothing in the cart that it is for.
    Nothing,
    /// The cart's currency has no rate.
    NoRate,
    /// It does not count together with another one that does.
    Instead(String),
    /// Without it the customer is better off, or it costs the shop less.
    Better,
    /// The customer is one of those who do not have it, so that its effect can be seen.
    HeldOut,
}

impl Outcome {
    /// A stable word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Budget(_) => "budget",
            Self::MarginFloor => "margin_floor",
            Self::MostDiscount => "most_discount",
            Self::OutsideWindow => "outside_window",
            Self::Condition => "condition",
            Self::NeedsCode => "needs_code",
            Self::NoMember => "no_member",
            Self::TooLittle => "too_little",
            Self::Nothing => "nothing",
            Self::NoRate => "no_rate",
            Self::Instead(_) => "instead",
            Self::Better => "better",
            Self::HeldOut => "held_out",
        }
    }
}

/// A way to combine offers.
#[derive(Clone)]
struct Way {
    running: Running,
    /// Which offers, by their place in the list, with what came of each.
    taken: Vec<(usize, Applied)>,
}

/// Decides what a cart gets.
pub fn decide(looks: &Looks<'_>, offers: &[(&Offer, i64)]) -> Decision {
    let mut offers = offers.to_vec();
    offers.sort_by(|(one, _), (other, _)| (one.place, &one.key).cmp(&(other.place, &other.key)));
    let outcomes: Vec<Result<(), Outcome>> = offers.iter().map(|(offer, _)| looks.may(offer)).collect();
    let candidates: Vec<usize> = (0..offers.len()).filter(|at| outcomes[*at].is_ok()).collect();
    let lines: Vec<Vec<usize>> = offers.iter().map(|(offer, _)| looks.lines(offer.items.as_ref())).collect();
    let ways_max = (LINES_MAX / looks.cart.lines.len().max(1)).min(WAYS_MAX);
    let search = Search { looks, offers: &offers, candidates: &candidates, lines: &lines, ways_max };
    let (way, is_exact) = match looks.program.offers.choice {
        Choice::InOrder => (search.in_order(), true),
        Choice::BestForCustomer | Choice::BestMargin => search.best(),
    };
    let line = |(at, outcome): (usize, Result<(), Outcome>)| {
        let (offer, version) = offers[at];
        let (benefit, outcome) = match (outcome, way.taken.iter().find(|(taken, _)| *taken == at)) {
            (Err(outcome), _) => (0, outcome),
            (Ok(()), Some((_, applied))) => (applied.benefit, applied.outcome.clone()),
            (Ok(()), None) => (0, search.why_not(at, &way)),
        };
        Line { offer: offer.key.clone(), version, benefit, outcome }
    };
    let lines = outcomes.into_iter().enumerate().map(line).collect();
    let Running { lines: left, shipping, off, effects, .. } = &way.running;
    let goods_left = left.iter().fold(0_i64, |sum, line| sum.saturating_add(*line));
    Decision {
        lines,
        effects: effects.clone(),
        goods_off: *off,
        shipping_off: looks.cart.shipping - shipping,
        to_pay: goods_left.saturating_add(*shipping),
        margin: looks
            .cart
            .lines
            .iter()
            .map(super::CartLine::costs)
            .sum::<Option<i64>>()
            .map(|costs| goods_left - costs),
        is_exact,
    }
}

impl Looks<'_> {
    /// Whether an offer is for this cart at all.
    fn may(&self, offer: &Offer) -> Result<(), Outcome> {
        if !offer.window.holds(self.moment.now, self.moment.calendar) {
            return Err(Outcome::OutsideWindow);
        }
        if !holds(&offer.when, self.subject, self.moment) {
            return Err(Outcome::Condition);
        }
        if offer.needs_code && !(self.unlocked)(&offer.key) {
            return Err(Outcome::NeedsCode);
        }
        if matches!(offer.gives, Gives::Points { .. }) && !self.may_earn {
            return Err(Outcome::NoMember);
        }
        if is_held_out(offer, self.subject.person) { Err(Outcome::HeldOut) } else { Ok(()) }
    }
}

/// Whether somebody is one of those who do not have an offer: always the same, whatever its other versions say. Nobody in particular has them all.
fn is_held_out(offer: &Offer, person: PersonId) -> bool {
    person != Subject::NOBODY.person && holds_out(&offer.salt(), offer.holdout_percent, person)
}

struct Search<'a> {
    looks: &'a Looks<'a>,
    offers: &'a [(&'a Offer, i64)],
    candidates: &'a [usize],
    /// The lines that each offer is for.
    lines: &'a [Vec<usize>],
    ways_max: usize,
}

impl Search<'_> {
    fn start(&self) -> Way {
        let Cart { lines, shipping, .. } = self.looks.cart;
        let lines = lines.iter().map(|line| line.item.micros).collect();
        Way { running: Running { lines, shipping: *shipping, ..Running::default() }, taken: Vec::new() }
    }

    fn apply(&self, at: usize, way: &Way) -> Result<Applied, Outcome> {
        self.looks.apply(self.offers[at].0, &self.lines[at], &way.running)
    }

    fn mode(&self, offer: &Offer) -> Option<(&str, Mode)> {
        let key = offer.group.as_deref()?;
        self.looks.program.groups.iter().find(|group| group.key == key).map(|group| (group.key.as_str(), group.mode))
    }

    /// The offer of a way with which this one does not count together.
    fn against(&self, at: usize, way: &Way) -> Option<usize> {
        let offer = self.offers[at].0;
        let excludes = |other: &Offer| {
            let shares_group = match (self.mode(offer), self.mode(other)) {
                (Some((one, mode)), Some((other, _))) => one == other && mode != Mode::All,
                _ => false,
            };
            let alone = match (offer.stacking, other.stacking) {
                (Stacking::Always, _) | (_, Stacking::Always) => false,
                (one, other) => one == Stacking::Alone || other == Stacking::Alone,
            };
            shares_group || alone
        };
        way.taken.iter().map(|(taken, _)| *taken).find(|taken| excludes(self.offers[*taken].0))
    }

    /// Why an offer that could count is not taken.
    fn why_not(&self, at: usize, way: &Way) -> Outcome {
        if let Some(other) = self.against(at, way) {
            return Outcome::Instead(self.offers[other].0.key.clone());
        }
        self.apply(at, way).map_or_else(|outcome| outcome, |_| Outcome::Better)
    }

    fn take(&self, at: usize, way: &mut Way) {
        if let Ok(applied) = self.apply(at, way) {
            way.running.take(&applied);
            way.taken.push((at, applied));
        }
    }

    /// Each as its turn comes; of a group with mode `best` the one that gives most when the first of them has its turn.
    fn in_order(&self) -> Way {
        let mut way = self.start();
        for at in self.candidates {
            if self.against(*at, &way).is_some() {
                continue;
            }
            let chosen = match self.mode(self.offers[*at].0) {
                Some((group, Mode::Best)) => self.best_of(group, &way).unwrap_or(*at),
                _ => *at,
            };
            self.take(chosen, &mut way);
        }
        way
    }

    /// The one of a group that gives most to what is left; the first of several that give the same.
    fn best_of(&self, group: &str, way: &Way) -> Option<usize> {
        let is_in = |at: &&usize| {
            self.mode(self.offers[**at].0).is_some_and(|(own, _)| own == group) && self.against(**at, way).is_none()
        };
        let gives = |at: &usize| Some((self.apply(*at, way).ok()?.benefit, *at));
        let inside = self.candidates.iter().filter(is_in).filter_map(gives);
        inside.max_by_key(|(benefit, at)| (*benefit, std::cmp::Reverse(*at))).map(|(_, at)| at)
    }

    /// The best of all ways, and whether all were looked at.
    fn best(&self) -> (Way, bool) {
        let mut best: Option<Way> = None;
        let mut ways = 0;
        self.look(0, self.start(), &mut best, &mut ways);
        (best.unwrap_or_else(|| self.start()), ways <= self.ways_max)
    }

    fn look(&self, from: usize, way: Way, best: &mut Option<Way>, ways: &mut usize) {
        *ways += 1;
        if *ways > self.ways_max {
            return;
        }
        let Some(at) = self.candidates.get(from).copied() else {
            if self.is_better(&way, best.as_ref()) {
                *best = Some(way);
            }
            return;
        };
        if self.against(at, &way).is_none()
            && let Ok(applied) = self.apply(at, &way)
        {
            let mut with = way.clone();
            with.running.take(&applied);
            with.taken.push((at, applied));
            self.look(from + 1, with, best, ways);
        }
        self.look(from + 1, way, best, ways);
    }

    /// Whether a way is better than the best so far; of several that are the same the first counts, which takes what comes first.
    fn is_better(&self, way: &Way, best: Option<&Way>) -> bool {
        let gives_more = |best: &Way| way.running.benefit > best.running.benefit;
        match self.looks.program.offers.choice {
            Choice::BestMargin => {
                // What may count beside the others does: nobody is refused what they were promised because it costs something.
                let could_take = |at: &usize| {
                    let is_taken = way.taken.iter().any(|(taken, _)| taken == at);
                    !is_taken && self.against(*at, way).is_none() && self.apply(*at, way).is_ok()
                };
                !self.candidates.iter().any(could_take)
                    && best.is_none_or(|best| way.running.benefit < best.running.benefit)
            }
            Choice::InOrder | Choice::BestForCustomer => best.is_none_or(gives_more),
        }
    }
}

impl Decision {
    /// What is given in points when the cart is paid: the effects, and into which wallet.
    pub fn points(&self) -> impl Iterator<Item = (&Effect, &str)> {
        self.effects.iter().filter_map(|effect| match &effect.kind {
            EffectKind::Points { wallet } => Some((effect, wallet.as_str())),
            _ => None,
        })
    }

    /// The offers that count, each with its version and what it is worth.
    pub fn taken(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| self.effects.iter().any(|effect| effect.offer == line.offer))
    }

    /// What was taken back of an offer's worth when so much of each line was returned in all.
    pub fn worth_back(&self, line: &Line, cart: &Cart, returned: &[i64]) -> i64 {
        let of_offer = self.effects.iter().filter(|effect| effect.offer == line.offer);
        let (mut back, mut all) = (0_i128, 0_i128);
        for effect in of_offer {
            back += i128::from(rolled_back(effect, cart, &self.effects, returned));
            all += i128::from(effect.value);
        }
        if all == 0 { 0 } else { i64::try_from(i128::from(line.benefit) * back / all).unwrap_or(line.benefit) }
    }
}
