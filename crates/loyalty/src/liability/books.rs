//! The books of a wallet month by month, in points and in money, from what moved.
//!
//! Points: opening + issued − redeemed − lapsed − taken back ± adjusted = closing, where closing is what members have less what they owe. Money: each vintage puts off
//! what its points are worth alone, and earns it as they are redeemed of those that are expected to be; what is earned beyond the redeemed points' own worth is breakage.
//!
//! Always holds: each month begins with what the one before it ended with; the sums are those of the postings, to the unit; what is put off is earned or taken back to the
//! millionth when nothing of a vintage is left. No estimate looks ahead: a month uses what was known at its end.
//!
//! Does not: say which account of the general ledger anything goes to.

use std::collections::BTreeMap;

use super::ladder::{self, Outlook, Vintage};
use crate::ledger::Place;

/// A month, counted from the year 0: twelve times the year, and 0 for January.
pub type Month = i64;

/// Points that moved from one place to another in a month, of those that were earned in one; without `vintage` a debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The month in which they were earned.
    pub vintage: Option<Month>,
    /// The month in which they moved.
    pub month: Month,
    /// Where they were.
    pub from: Place,
    /// Where they are now.
    pub to: Place,
    /// How many.
    pub amount: i64,
}

/// What came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Issued.
    pub issued: i64,
    /// Redeemed, less what came back.
    pub redeemed: i64,
    /// Lapsed, less what was given again.
    pub lapsed: i64,
    /// Taken back, because what they were given for went back.
    pub taken_back: i64,
    /// Put right, up or down.
    pub adjusted: i64,
    /// Points that went to pay what was owed: the member has neither the points nor the debt any more.
    pub settled: i64,
    /// By how much more is owed.
    pub owed: i64,
}

impl Moves {
    /// Adds what a cell says.
    pub fn add(&mut self, cell: &Cell) {
        let amount = cell.amount;
        match (cell.from.is_members(), cell.to.is_members()) {
            (true, true) if cell.to == Place::Owed => self.settled += amount,
            (false, true) => self.outside(cell.from, amount),
            (true, false) => self.outside(cell.to, -amount),
            _ => {}
        }
        let owed = i64::from(cell.from == Place::Owed) - i64::from(cell.to == Place::Owed);
        self.owed += amount * owed;
    }

    /// Points that came from a place of the programme's, or went there (below 0).
    fn outside(&mut self, place: Place, amount: i64) {
        match place {
            Place::Issued if amount > 0 => self.issued += amount,
            Place::Issued => self.taken_back -= amount,
            Place::Spent => self.redeemed -= amount,
            Place::Expired => self.lapsed -= amount,
            Place::Adjusted => self.adjusted += amount,
            // On the way to another member: what leaves here comes there in the same operation.
            _ => {}
        }
    }

    /// By how much members have more, less what they owe.
    pub const fn net(&self) -> i64 {
        self.issued - self.redeemed - self.lapsed - self.taken_back + self.adjusted
    }

    /// What is left of the points of a vintage.
    pub const fn left(&self) -> i64 {
        self.net() - self.settled
    }

    /// The points of a vintage that are or were there to be redeemed.
    const fn kept(&self) -> i64 {
        self.redeemed + self.lapsed + self.left()
    }
}

/// What the company says of a wallet's points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pricing {
    /// What one is worth when it is redeemed, in millionths of the programme's currency.
    pub worth: i64,
    /// Which share of them is expected to be redeemed; estimated from the vintages without it.
    pub redemption: Option<f64>,
    /// What goods that bring one point cost alone, in millionths: the sale is divided by both prices (IFRS 15.76); without it points are put off at their own price.
    pub goods: Option<i64>,
}

/// A month of the books in money, in millionths of the programme's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// Put off at its beginning.
    pub opening: i64,
    /// Put off for points issued in it.
    pub deferred: i64,
    /// Not put off any more, because points were taken back.
    pub taken_back: i64,
    /// Put right, up or down.
    pub adjusted: i64,
    /// Revenue: what the redeemed points had put off.
    pub redeemed: i64,
    /// Revenue: of points that are expected never to be redeemed.
    pub breakage: i64,
    /// Put off at its end.
    pub closing: i64,
}

/// A month of the books.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BookMonth {
    /// Which.
    pub month: Month,
    /// What members had at its beginning, less what they owed.
    pub opening: i64,
    /// What came and went.
    pub moves: Moves,
    /// What members have at its end, less what they owe.
    pub closing: i64,
    /// What they owe at its end.
    pub owed: i64,
    /// What share of all points is expected to be redeemed, as it was estimated at its end.
    pub redemption: f64,
    /// In money.
    pub money: Money,
}

/// For so many months a vintage must have been watched before fewer than all points are expected to be redeemed.
pub const EVIDENCE_MONTHS: usize = 12;

/// The vintages as they stood at the end of a month, the oldest first.
pub fn vintages(cells: &[Cell], end: Month) -> Vec<(Month, Vintage, Moves)> {
    let mut by_vintage: BTreeMap<Month, BTreeMap<Month, Moves>> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.month <= end) {
        let Some(vintage) = cell.vintage else { continue };
        // What is put right with the day on which it was earned never moved before that day.
        by_vintage.entry(vintage).or_default().entry(cell.month.max(vintage)).or_default().add(cell);
    }
    let one = |(vintage, months): (Month, BTreeMap<Month, Moves>)| {
        let mut all = Moves::default();
        let mut redeemed = Vec::new();
        for month in vintage..=end {
            if let Some(moves) = months.get(&month) {
                all = all.and(moves);
            }
            redeemed.push(all.redeemed);
        }
        (vintage, Vintage { issued: all.kept(), redeemed, left: all.left() }, all)
    };
    by_vintage.into_iter().map(one).collect()
}

impl Moves {
    const fn and(self, other: &Self) -> Self {
        Self {
            issued: self.issued + other.issued,
            redeemed: self.redeemed + other.redeemed,
            lapsed: self.lapsed + other.lapsed,
            taken_back: self.taken_back + other.taken_back,
            adjusted: self.adjusted + other.adjusted,
            settled: self.settled + other.settled,
            owed: self.owed + other.owed,
        }
    }
}

/// How many points of each vintage are expected to be redeemed in all, and of all together which share. What is left of the oldest vintage counts as if it would be: nothing says
/// that it will not.
pub fn expected(vintages: &[Vintage], pricing: &Pricing) -> (Vec<i64>, f64) {
    let told = |share: f64| vintages.iter().map(|it| it.issued as f64 * share).collect::<Vec<f64>>();
    let watched = vintages.first().is_some_and(|oldest| oldest.redeemed.len() > EVIDENCE_MONTHS);
    let outlook: Option<Outlook> = if watched { ladder::outlook(vintages) } else { None };
    let whole: Vec<f64> = match (pricing.redemption, outlook) {
        (Some(share), _) => told(share),
        (None, Some(outlook)) => {
            let oldest = &vintages[0];
            let tail = if oldest.issued > 0 { oldest.left as f64 / oldest.issued as f64 } else { 0.0 };
            let with_tail = vintages.iter().zip(&outlook.vintages);
            with_tail.map(|(vintage, found)| found.redeemed + tail * vintage.issued as f64).collect()
        }
        (None, None) => told(1.0),
    };
    let each = |(vintage, whole): (&Vintage, f64)| {
        let redeemed = vintage.redeemed.last().copied().unwrap_or(0);
        (whole.round() as i64).clamp(redeemed.min(redeemed + vintage.left), redeemed + vintage.left.max(0))
    };
    let each: Vec<i64> = vintages.iter().zip(whole).map(each).collect();
    let (all, issued) = (each.iter().sum::<i64>(), vintages.iter().map(|it| it.issued).sum::<i64>());
    let share = pricing.redemption.unwrap_or(if issued > 0 { all as f64 / issued as f64 } else { 1.0 });
    (each, share.clamp(0.0, 1.0))
}

/// What a vintage came to in money by the end of a month.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    deferred: i64,
    taken_back: i64,
    adjusted: i64,
    redeemed: i64,
    earned: i64,
}

/// Millionths of a millionth in a millionth: what one point puts off is kept that finely.
const FINE: i128 = 1_000_000;

/// The books from the first month in which anything moved to `end`.
pub fn books(cells: &[Cell], pricing: &Pricing, end: Month) -> Vec<BookMonth> {
    let Some(first) = cells.iter().map(|cell| cell.month).min() else { return Vec::new() };
    let mut units: BTreeMap<Month, i128> = BTreeMap::new();
    let mut before: Option<(BookMonth, Sums)> = None;
    let mut found = Vec::new();
    for month in first..=end {
        let mut moves = Moves::default();
        cells.iter().filter(|cell| cell.month == month).for_each(|cell| moves.add(cell));
        let stand = vintages(cells, month);
        let only: Vec<Vintage> = stand.iter().map(|(_, vintage, _)| vintage.clone()).collect();
        let (expected, redemption) = expected(&only, pricing);
        let mut sums = Sums::default();
        for ((vintage, _, all), expected) in stand.iter().zip(expected) {
            // What a point puts off is what was expected when its vintage was first seen.
            let unit = *units.entry(*vintage).or_insert_with(|| unit(pricing, redemption));
            sums.add(all, unit, expected);
        }
        let (opening, owed, was) = before.map_or((0, 0, Sums::default()), |(it, was)| (it.closing, it.owed, was));
        let money_opening = before.map_or(0, |(it, _)| it.money.closing);
        let money = sums.since(&was, money_opening);
        let (closing, owed) = (opening + moves.net(), owed + moves.owed);
        let row = BookMonth { month, opening, moves, closing, owed, redemption, money };
        before = Some((row, sums));
        found.push(row);
    }
    found
}

/// What one point puts off, in millionths of a millionth.
fn unit(pricing: &Pricing, redemption: f64) -> i128 {
    let alone = pricing.worth as f64 * redemption;
    let part = match pricing.goods {
        Some(goods) if goods as f64 + alone > 0.0 => goods as f64 * alone / (goods as f64 + alone),
        _ => alone,
    };
    (part * FINE as f64).round() as i128
}

/// So many points at `unit`, in millionths, to the nearest.
fn worth(points: i64, unit: i128) -> i64 {
    let product = i128::from(points) * unit;
    let half = FINE / 2 * product.signum();
    i64::try_from((product + half) / FINE).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX })
}

impl Sums {
    fn add(&mut self, all: &Moves, unit: i128, expected: i64) {
        let (deferred, taken_back) = (worth(all.issued, unit), worth(all.taken_back + all.settled, unit));
        let adjusted = worth(all.adjusted, unit);
        let put_off = deferred - taken_back + adjusted;
        self.deferred += deferred;
        self.taken_back += taken_back;
        self.adjusted += adjusted;
        self.redeemed += worth(all.redeemed, unit);
        self.earned += if all.left() <= 0 { put_off } else { super::earned(put_off, all.redeemed, expected) };
    }

    const fn since(&self, was: &Self, opening: i64) -> Money {
        let redeemed = self.redeemed - was.redeemed;
        let earned = self.earned - was.earned;
        let (deferred, taken_back) = (self.deferred - was.deferred, self.taken_back - was.taken_back);
        let adjusted = self.adjusted - was.adjusted;
        let closing = opening + deferred - taken_back + adjusted - earned;
        Money { opening, deferred, taken_back, adjusted, redeemed, breakage: earned - redeemed, closing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(vintage: Month, month: Month, from: Place, to: Place, amount: i64) -> Cell {
        Cell { vintage: Some(vintage), month, from, to, amount }
    }

    /// IFRS 15, Example 52 in points of 1: 10,000 of them with goods of 100,000, 95 % to be redeemed; 4,500 in the first year.
    #[test]
    fn a_sale_is_divided_and_earned_as_the_standard_says() {
        let pricing = Pricing { worth: 1_000_000, redemption: Some(0.95), goods: Some(10_000_000) };
        let cells = [
            cell(0, 0, Place::Issued, Place::Available, 10_000),
            cell(0, 12, Place::Available, Place::Spent, 4_500),
            cell(0, 30, Place::Available, Place::Expired, 5_500),
        ];
        let months = books(&cells, &pricing, 30);
        let whole = |micros: i64| (micros as f64 / 1_000_000.0).round();
        assert_eq!(whole(months[0].money.closing), 8_676.0);
        let first = months[12].money;
        assert_eq!(whole(first.redeemed + first.breakage), 4_110.0);
        assert_eq!((first.opening, whole(first.closing)), (months[11].money.closing, 4_566.0));
        let last = months[30];
        assert_eq!(
            (last.closing, last.money.closing, last.money.redeemed),
            (0, 0, 0),
            "what lapsed is earned: {last:?}"
        );
        assert_eq!(whole(last.money.breakage), 4_566.0);
    }

    /// Two years in which each month issues 1,000, of which 100 are redeemed a month for five months, and the rest lapses after eight.
    #[test]
    fn no_breakage_is_foreseen_before_it_was_seen_and_then_what_was_seen() {
        let mut cells = Vec::new();
        for vintage in 0..24 {
            cells.push(cell(vintage, vintage, Place::Issued, Place::Available, 1_000));
            cells.extend((0..5).map(|age| cell(vintage, vintage + age, Place::Available, Place::Spent, 100)));
            cells.push(cell(vintage, vintage + 8, Place::Available, Place::Expired, 500));
        }
        let pricing = Pricing { worth: 10_000, ..Pricing::default() };
        let months = books(&cells, &pricing, 23);
        assert_eq!(months[5].redemption, 1.0, "too little was seen");
        assert!((months[23].redemption - 0.5).abs() < 1e-9, "{:?}", months[23]);
        let steady = months[22];
        assert_eq!((steady.moves.issued, steady.moves.redeemed, steady.moves.lapsed), (1_000, 500, 500));
        let after: Vec<Cell> = cells.iter().filter(|it| it.month <= 23).copied().collect();
        assert_eq!(books(&after, &pricing, 23), months, "no month looks ahead");
        // Before anything lapsed the books say what all is worth; the first lapse is breakage as it happens.
        assert_eq!(months[7].money.breakage, 0);
        assert_eq!(months[8].money.breakage, 500 * 10_000);
    }

    #[test]
    fn a_debt_is_a_debt_until_points_pay_it() {
        let mut owed = cell(0, 1, Place::Owed, Place::Issued, 30);
        owed.vintage = None;
        let cells = [
            cell(0, 0, Place::Issued, Place::Available, 30),
            cell(0, 0, Place::Available, Place::Spent, 30),
            owed,
            cell(2, 2, Place::Issued, Place::Available, 50),
            cell(2, 2, Place::Available, Place::Owed, 30),
        ];
        let months = books(&cells, &Pricing { worth: 10_000, ..Pricing::default() }, 2);
        assert_eq!((months[1].closing, months[1].owed, months[1].moves.taken_back), (-30, 30, 30));
        assert_eq!((months[2].opening, months[2].closing, months[2].owed, months[2].moves.settled), (-30, 20, 0, 30));
        assert_eq!(months[2].money.closing, 20 * 10_000);
    }

    const PLACES: [(Place, Place); 9] = [
        (Place::Issued, Place::Available),
        (Place::Issued, Place::Pending),
        (Place::Pending, Place::Available),
        (Place::Available, Place::Spent),
        (Place::Spent, Place::Available),
        (Place::Available, Place::Expired),
        (Place::Available, Place::Issued),
        (Place::Adjusted, Place::Available),
        (Place::Available, Place::Adjusted),
    ];

    proptest! {
        /// Whatever moves: months follow each other, and each sum is that of what moved by then, counted one by one.
        #[test]
        fn months_come_to_what_moved(moved in prop::collection::vec((0_i64..8, 0_i64..12, 0_usize..PLACES.len(), 1_i64..500), 1..60), goods in any::<bool>()) {
            let of = |(vintage, age, place, amount): &(i64, i64, usize, i64)| {
                let (from, to) = PLACES[*place];
                cell(*vintage, vintage + age, from, to, *amount)
            };
            let cells: Vec<Cell> = moved.iter().map(of).collect();
            let pricing = Pricing { worth: 12_345, redemption: None, goods: goods.then_some(1_000_000) };
            let months = books(&cells, &pricing, 20);
            for pair in months.windows(2) {
                prop_assert_eq!(pair[0].closing, pair[1].opening);
                prop_assert_eq!(pair[0].money.closing, pair[1].money.opening);
            }
            for row in &months {
                let mut has = 0;
                for cell in cells.iter().filter(|cell| cell.month <= row.month) {
                    has += cell.amount * (i64::from(cell.to.is_members()) - i64::from(cell.from.is_members()));
                }
                prop_assert_eq!(row.closing, has);
                let money = row.money;
                prop_assert_eq!(money.closing, money.opening + money.deferred - money.taken_back + money.adjusted - money.redeemed - money.breakage);
            }
        }
    }
}
