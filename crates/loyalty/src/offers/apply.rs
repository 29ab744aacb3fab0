//! One offer on what earlier ones left of a cart.

use rapport_domain::money::{MICROS_PER_UNIT, micros_from_json};
use rapport_segments::{Condition, Subject, holds};

use super::choose::{Looks, Outcome};
use super::effect::{Effect, EffectKind, allot};
use super::offer::{Budget, BudgetOf, Gives, Offer, On, Overrun, Share};
use crate::decimal::Decimal;
use crate::earning::Period;

const HUNDRED: i64 = 100 * MICROS_PER_UNIT;

/// What is left of a cart.
#[derive(Clone, Debug, Default)]
pub(super) struct Running {
    /// Of each line.
    pub lines: Vec<i64>,
    /// Of shipping.
    pub shipping: i64,
    /// What was taken off the goods.
    pub off: i64,
    /// By what.
    pub effects: Vec<Effect>,
    /// What that is worth to the customer, in the programme's currency.
    pub benefit: i64,
}

/// What an offer does to a running cart.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    pub effects: Vec<Effect>,
    /// What it is worth, in the programme's currency.
    pub benefit: i64,
    /// What cut it, if anything did.
    pub outcome: Outcome,
}

impl Running {
    pub fn take(&mut self, applied: &Applied) {
        for effect in &applied.effects {
            match effect.kind {
                EffectKind::Discount { line, .. } => {
                    self.lines[line] -= effect.value;
                    self.off += effect.value;
                }
                EffectKind::ShippingDiscount => self.shipping -= effect.value,
                EffectKind::FreeItem { .. } | EffectKind::Points { .. } => {}
            }
        }
        self.effects.extend(applied.effects.iter().cloned());
        self.benefit = self.benefit.saturating_add(applied.benefit);
    }
}

/// So many hundredths of an amount, rounded down.
fn hundredths(percent: Decimal, of: i64) -> i64 {
    let part = i128::from(percent.micros()) * i128::from(of.max(0)) / i128::from(HUNDRED);
    i64::try_from(part).unwrap_or(i64::MAX)
}

/// `amount` times a quantity in millionths.
fn times(amount: i64, quantity: i64) -> i64 {
    let product = i128::from(amount) * i128::from(quantity) / i128::from(MICROS_PER_UNIT);
    i64::try_from(product).unwrap_or(i64::MAX)
}

impl Looks<'_> {
    /// What an offer that is for these lines does to what is left of the cart, or why it does nothing.
    pub(super) fn apply(&self, offer: &Offer, lines: &[usize], running: &Running) -> Result<Applied, Outcome> {
        let initial = |line: &usize| self.cart.lines[*line].item.micros;
        if let Some(least) = offer.least {
            let of = |line: &usize| if least.of == On::Running { running.lines[*line] } else { initial(line) };
            let sum = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(of(line)));
            if self.in_program(sum)? < least.amount.micros() {
                return Err(Outcome::TooLittle);
            }
        }
        match &offer.gives {
            Gives::FreeItem { product_id, quantity, cost } => {
                let kind = EffectKind::FreeItem { product_id: product_id.clone() };
                self.on_top(offer, kind, i64::from(*quantity), cost.map_or(0, Decimal::micros))
            }
            Gives::Points { points, wallet } => {
                let plan = self.program.wallet_meant(wallet.as_deref()).ok_or(Outcome::Nothing)?;
                let kind = EffectKind::Points { wallet: plan.key.clone() };
                self.on_top(offer, kind, *points, plan.worth.map_or(0, Decimal::micros))
            }
            Gives::ShippingOff { percent } => {
                let wanted = self.coins(hundredths(*percent, running.shipping));
                self.discount(offer, running, vec![(EffectKind::ShippingDiscount, wanted)], None)
            }
            gives => {
                let wanted = self.wanted(offer, gives, lines, running)?;
                let most = match gives {
                    Gives::PercentOff { most: Some(most), .. } => Some(self.in_cart(most.micros())?),
                    _ => None,
                };
                self.discount(offer, running, wanted, most)
            }
        }
    }

    /// The lines that an offer is for.
    pub(super) fn lines(&self, items: Option<&Condition>) -> Vec<usize> {
        let counts = |line: &usize| {
            let (Some(condition), Some(view)) = (items, self.subject.event) else { return true };
            let view = rapport_segments::EventView { properties: &self.cart.lines[*line].item.properties, ..view };
            holds(condition, &Subject { event: Some(view), ..Subject::NOBODY }, self.moment)
        };
        (0..self.cart.lines.len()).filter(counts).collect()
    }

    /// What is taken off each line before anything cuts it.
    fn wanted(
        &self,
        offer: &Offer,
        gives: &Gives,
        lines: &[usize],
        running: &Running,
    ) -> Result<Vec<(EffectKind, i64)>, Outcome> {
        let whole = |line: usize| EffectKind::Discount { line, units: None };
        let left = |line: usize| running.lines[line];
        let line = |line: usize| &self.cart.lines[line];
        let each = |off: &dyn Fn(usize) -> i64| -> Vec<(EffectKind, i64)> {
            lines.iter().map(|at| (whole(*at), self.coins(off(*at).clamp(0, left(*at))))).collect()
        };
        Ok(match gives {
            Gives::PercentOff { percent, .. } => {
                let percent = (self.settled)(&offer.key).unwrap_or_else(|| self.percent(percent));
                if offer.announced {
                    // What is announced is a part of the lowest price of 30 days: that is what the price comes to.
                    let lowest = |at: usize| line(at).lowest.map_or(line(at).price, |it| it.min(line(at).price));
                    let price = |at: usize| times(lowest(at), line(at).item.quantity);
                    return Ok(each(&|at| left(at) - (price(at) - hundredths(percent, price(at)))));
                }
                let base = |at: usize| if offer.on == On::Initial { line(at).item.micros } else { left(at) };
                let bases: Vec<i64> = lines.iter().map(|at| base(*at)).collect();
                let sum = bases.iter().fold(0_i64, |sum, base| sum.saturating_add(*base));
                self.spread(lines, &bases, hundredths(percent, sum), running)
            }
            Gives::AmountOff { amount } => {
                let bases: Vec<i64> = lines.iter().map(|at| left(*at)).collect();
                let sum = bases.iter().fold(0_i64, |sum, base| sum.saturating_add(*base));
                self.spread(lines, &bases, self.in_cart(amount.micros())?.min(sum), running)
            }
            Gives::EachOff { amount } => {
                let amount = self.in_cart(amount.micros())?;
                each(&|at| times(amount, line(at).item.quantity))
            }
            Gives::Price { price } => {
                let price = self.in_cart(price.micros())?;
                each(&|at| left(at) - times(price, line(at).item.quantity))
            }
            Gives::UnitsOff { buy, free, percent } => self.cheapest(lines, (*buy, *free), *percent, running),
            Gives::ShippingOff { .. } | Gives::FreeItem { .. } | Gives::Points { .. } => Vec::new(),
        })
    }

    /// Off each line its share of `total`, in whole coins.
    fn spread(&self, lines: &[usize], bases: &[i64], total: i64, running: &Running) -> Vec<(EffectKind, i64)> {
        let coin = self.program.offers.coin.micros();
        let shares = allot(total / coin, bases);
        let part = |(at, share): (&usize, i64)| {
            (EffectKind::Discount { line: *at, units: None }, (share * coin).min(running.lines[*at]))
        };
        lines.iter().zip(shares).map(part).collect()
    }

    /// Of each `buy` and `free` units together, `free` of the cheapest.
    fn cheapest(
        &self,
        lines: &[usize],
        (buy, free): (u32, u32),
        percent: Decimal,
        running: &Running,
    ) -> Vec<(EffectKind, i64)> {
        let price = |at: usize| {
            let quantity = self.cart.lines[at].item.quantity.max(1);
            let each = i128::from(running.lines[at]) * i128::from(MICROS_PER_UNIT) / i128::from(quantity);
            i64::try_from(each).unwrap_or(i64::MAX)
        };
        let units: i64 = lines.iter().map(|at| self.cart.lines[*at].units()).sum();
        let mut left = units / (i64::from(buy) + i64::from(free)) * i64::from(free);
        let mut order = lines.to_vec();
        order.sort_by_key(|at| (price(*at), *at));
        let mut wanted = Vec::new();
        for at in order {
            let taken = left.min(self.cart.lines[at].units());
            if taken > 0 {
                left -= taken;
                let off = hundredths(percent, price(at).saturating_mul(taken));
                wanted.push((EffectKind::Discount { line: at, units: Some(taken) }, self.coins(off)));
            }
        }
        wanted
    }

    /// Discounts as far as guardrails and budgets let them go.
    fn discount(
        &self,
        offer: &Offer,
        running: &Running,
        wanted: Vec<(EffectKind, i64)>,
        most: Option<i64>,
    ) -> Result<Applied, Outcome> {
        let mut outcome = Outcome::Given;
        let mut values: Vec<i64> = wanted.iter().map(|(_, wanted)| *wanted).collect();
        for (value, (kind, _)) in values.iter_mut().zip(&wanted) {
            let EffectKind::Discount { line, .. } = kind else { continue };
            let room = running.lines[*line] - self.floor(*line);
            if room < *value {
                (*value, outcome) = (self.coins(room), Outcome::MarginFloor);
            }
        }
        let is_of_goods = |kind: &EffectKind| matches!(kind, EffectKind::Discount { .. });
        if let Some(most) = most {
            self.cut(&mut values, most);
        }
        if wanted.iter().any(|(kind, _)| is_of_goods(kind)) {
            let room = hundredths(self.program.offers.most_percent, self.cart.goods()) - running.off;
            if self.cut(&mut values, room) {
                outcome = Outcome::MostDiscount;
            }
        }
        let total = |values: &[i64]| values.iter().fold(0_i64, |sum, value| sum.saturating_add(*value));
        if total(&values) == 0 {
            return Err(if outcome == Outcome::Given { Outcome::Nothing } else { outcome });
        }
        if let Some((number, left)) = self.budget(offer, self.in_program(total(&values))?)? {
            self.cut(&mut values, self.in_cart(left)?);
            outcome = Outcome::Budget(number);
        }
        let benefit = self.in_program(total(&values))?;
        if benefit == 0 {
            return Err(outcome);
        }
        let effect = |((kind, wanted), value)| Effect { offer: offer.key.clone(), kind, value, wanted };
        let effects = wanted.into_iter().zip(values).map(effect).filter(|it| it.wanted > 0).collect();
        Ok(Applied { effects, benefit, outcome })
    }

    /// Something on top of the cart, each of which is worth so much.
    fn on_top(&self, offer: &Offer, kind: EffectKind, wanted: i64, each: i64) -> Result<Applied, Outcome> {
        let worth = wanted.saturating_mul(each);
        let (mut value, mut outcome) = (wanted, Outcome::Given);
        if let Some((number, left)) = self.budget(offer, worth)? {
            (value, outcome) = (if each > 0 { left / each } else { wanted }, Outcome::Budget(number));
        }
        if value == 0 {
            return Err(outcome);
        }
        let effects = vec![Effect { offer: offer.key.clone(), kind, value, wanted }];
        Ok(Applied { effects, benefit: value.saturating_mul(each), outcome })
    }

    /// Cuts values to `room` together, in whole coins; whether that was needed.
    fn cut(&self, values: &mut Vec<i64>, room: i64) -> bool {
        let total = values.iter().fold(0_i64, |sum, value| sum.saturating_add(*value));
        if total <= room {
            return false;
        }
        let coin = self.program.offers.coin.micros();
        let shares = allot(room.max(0) / coin, values);
        // A share of a coin more, by the rounding, is never more than what was wanted.
        *values = shares.into_iter().zip(values.iter()).map(|(share, value)| (share * coin).min(*value)).collect();
        true
    }

    /// The tightest budget that `amount` (of the programme's currency) would go past, with what is left of it.
    fn budget(&self, offer: &Offer, amount: i64) -> Result<Option<(usize, i64)>, Outcome> {
        let mut tightest: Option<(usize, i64)> = None;
        for (number, budget) in offer.budgets.iter().enumerate() {
            let Budget { most, of, per, every, past } = *budget;
            let used = (self.used)(&offer.key, per, Period::of(every, self.moment.now, self.moment.calendar));
            match of {
                BudgetOf::Times if used.times >= most.micros() / MICROS_PER_UNIT => {
                    return Err(Outcome::Budget(number));
                }
                BudgetOf::Times => {}
                BudgetOf::Amount => {
                    let left = most.micros().saturating_sub(used.amount).max(0);
                    if left >= amount && left > 0 {
                        continue;
                    }
                    if past == Overrun::Refuse || left == 0 {
                        return Err(Outcome::Budget(number));
                    }
                    if tightest.is_none_or(|(_, least)| left < least) {
                        tightest = Some((number, left));
                    }
                }
            }
        }
        Ok(tightest)
    }

    /// The percentage that an offer would give by what is known of the person now.
    pub fn percent(&self, share: &Share) -> Decimal {
        share.of(|key| self.subject.fact(key, self.moment.now).and_then(micros_from_json))
    }

    /// Below this a line is not sold.
    fn floor(&self, line: usize) -> i64 {
        let (Some(floor), Some(costs)) = (self.program.offers.margin_floor_percent, self.cart.lines[line].costs())
        else {
            return 0;
        };
        let costs = i128::from(costs) * (i128::from(HUNDRED) + i128::from(floor.micros())) / i128::from(HUNDRED);
        i64::try_from(costs).unwrap_or(i64::MAX)
    }

    /// In whole coins, rounded down.
    fn coins(&self, amount: i64) -> i64 {
        let coin = self.program.offers.coin.micros();
        amount.max(0) / coin * coin
    }

    pub(super) fn in_program(&self, amount: i64) -> Result<i64, Outcome> {
        self.program.exchanged(amount, self.currency()).ok_or(Outcome::NoRate)
    }

    /// An amount of the programme's currency in the cart's.
    fn in_cart(&self, amount: i64) -> Result<i64, Outcome> {
        let currency = self.currency();
        if currency == self.program.currency {
            return Ok(amount);
        }
        let rate = self.program.rates.iter().find(|rate| rate.currency == currency).ok_or(Outcome::NoRate)?;
        let exchanged = i128::from(amount) * i128::from(MICROS_PER_UNIT) / i128::from(rate.worth.micros().max(1));
        i64::try_from(exchanged).map_err(|_| Outcome::NoRate)
    }

    fn currency(&self) -> rapport_domain::Currency {
        self.cart.currency.unwrap_or(self.program.currency)
    }
}
