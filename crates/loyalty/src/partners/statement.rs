//! A partner's month: what went which way, what it costs, and who owes whom; and how it compares with the partner's own list.
//!
//! Always holds: the closing balance is the opening one with every line of the month, so that the closing of a month is the opening of the next.

use std::collections::BTreeMap;

use super::Way;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Points that a member earned there.
    Given,
    /// Of those, what came back.
    GivenBack,
    /// Points that a member burned there.
    Burned,
    /// Of those, what came back.
    BurnedBack,
    /// Money that was paid; below 0 it was paid to the partner.
    Payment,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Given, Self::GivenBack, Self::Burned, Self::BurnedBack, Self::Payment];

    /// Of points that go that way.
    pub const fn of(way: Way) -> Self {
        match way {
            Way::Given => Self::Given,
            Way::Burned => Self::Burned,
        }
    }

    /// Of points that come back.
    pub const fn back(way: Way) -> Self {
        match way {
            Way::Given => Self::GivenBack,
            Way::Burned => Self::BurnedBack,
        }
    }

    /// As it is written in SQL and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Given => Way::Given.key(),
            Self::GivenBack => Way::Given.back(),
            Self::Burned => Way::Burned.key(),
            Self::BurnedBack => Way::Burned.back(),
            Self::Payment => "payment",
        }
    }

    /// Reads [`Kind::key`].
    pub fn read(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// Whether it adds to what the partner owes, or takes from it.
    pub const fn sign(self) -> i64 {
        match self {
            Self::Given | Self::BurnedBack => 1,
            Self::GivenBack | Self::Burned | Self::Payment => -1,
        }
    }
}

/// Lines of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub lines: i64,
    /// How many points.
    pub points: i64,
    /// What they cost, in millionths.
    pub money: i64,
}

/// A partner's month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// What the partner owed before, in millionths; below 0 it was owed that.
    pub opening: i64,
    /// By kind and by the price of a point in force when it happened.
    pub by_price: BTreeMap<(Kind, i64), Sum>,
    /// Lines that happened in a month that was closed before they were told.
    pub late: i64,
}

impl Statement {
    /// All lines of a kind.
    pub fn of(&self, kind: Kind) -> Sum {
        let own = self.by_price.iter().filter(|((it, _), _)| *it == kind);
        own.fold(Sum::default(), |sum, (_, more)| Sum {
            lines: sum.lines + more.lines,
            points: sum.points + more.points,
            money: sum.money + more.money,
        })
    }

    /// By how much the month changes what the partner owes.
    pub fn movement(&self) -> i64 {
        self.by_price.iter().map(|((kind, _), sum)| kind.sign() * sum.money).sum()
    }

    /// What the partner owes after it; below 0 it is owed that.
    pub fn closing(&self) -> i64 {
        self.opening + self.movement()
    }
}

/// A line as one side has it: its reference, and how many points or what money it is, as far as that side says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The partner's reference.
    pub reference: String,
    /// How many points.
    pub points: Option<i64>,
    /// What they cost, in millionths.
    pub money: Option<i64>,
}

/// How a partner's list compares with ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Lines that both have, with the same numbers.
    pub matched: i64,
    /// Lines that both have, with other numbers: theirs and ours.
    pub differing: Vec<(Side, Side)>,
    /// Lines that only the partner has.
    pub missing_here: Vec<Side>,
    /// Lines that only we have.
    pub missing_there: Vec<Side>,
    /// References that stand more than once in the partner's list: only the first is compared.
    pub twice: Vec<String>,
}

/// Amounts of money are the same when they are the same to the hundredth: partners round lines.
const SAME: i64 = 5_000;

/// Compares the partner's list with ours. What comes back may stand below 0 in theirs.
pub fn compare(theirs: &[Side], ours: &[Side]) -> Compared {
    let mut left: BTreeMap<&str, &Side> = ours.iter().map(|side| (side.reference.as_str(), side)).collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut found = Compared::default();
    for side in theirs {
        if !seen.insert(side.reference.as_str()) {
            found.twice.push(side.reference.clone());
            continue;
        }
        match left.remove(side.reference.as_str()) {
            None => found.missing_here.push(side.clone()),
            Some(own) if is_same(side, own) => found.matched += 1,
            Some(own) => found.differing.push((side.clone(), own.clone())),
        }
    }
    found.missing_there = left.into_values().cloned().collect();
    found
}

fn is_same(theirs: &Side, ours: &Side) -> bool {
    let points = theirs.points.zip(ours.points).is_none_or(|(one, other)| one.unsigned_abs() == other.unsigned_abs());
    let money = theirs
        .money
        .zip(ours.money)
        .is_none_or(|(one, other)| one.unsigned_abs().abs_diff(other.unsigned_abs()) <= SAME.unsigned_abs());
    points && money
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(reference: &str, points: Option<i64>, money: Option<i64>) -> Side {
        Side { reference: reference.to_owned(), points, money }
    }

    #[test]
    fn a_month_comes_to_what_its_lines_say() {
        let sum = |lines, points, money| Sum { lines, points, money };
        let statement = Statement {
            opening: 100,
            by_price: BTreeMap::from([
                ((Kind::Given, 10), sum(2, 30, 300)),
                ((Kind::Given, 12), sum(1, 10, 120)),
                ((Kind::GivenBack, 10), sum(1, 5, 50)),
                ((Kind::Burned, 8), sum(1, 20, 160)),
                ((Kind::BurnedBack, 8), sum(1, 10, 80)),
                ((Kind::Payment, 0), sum(1, 0, 90)),
            ]),
            late: 0,
        };
        assert_eq!(statement.of(Kind::Given), sum(3, 40, 420));
        assert_eq!((statement.movement(), statement.closing()), (200, 300));
    }

    #[test]
    fn a_list_is_compared_line_by_line() {
        let ours = [
            side("a", Some(10), Some(100_000)),
            side("b", Some(5), Some(50_000)),
            side("c", Some(1), Some(12_345)),
            side("d", Some(2), Some(20_000)),
        ];
        let theirs = [
            side("a", Some(10), None),
            side("b", Some(-5), Some(-60_000)),
            side("c", None, Some(10_000)),
            side("x", Some(1), None),
            side("a", Some(99), None),
        ];
        let found = compare(&theirs, &ours);
        assert_eq!((found.matched, found.twice), (2, vec!["a".to_owned()]));
        assert_eq!(found.differing, [(theirs[1].clone(), ours[1].clone())]);
        assert_eq!((found.missing_here, found.missing_there), (vec![theirs[3].clone()], vec![ours[3].clone()]));
    }
}
