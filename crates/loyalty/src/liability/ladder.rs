//! How many points of a month will be redeemed in all: chain ladder over vintages, with Mack's standard error (T. Mack, Distribution-free calculation of the standard
//! error of chain ladder reserve estimates, ASTIN Bulletin 23, 1993), and how well the same estimate would have done in the past.
//!
//! A vintage of which nothing was redeemed yet has nothing that could grow. It is expected to do as all of them do at that age (Cape Cod), and has no standard error.
//!
//! Always holds: nobody redeems more than there is; a vintage is only carried on as far as the oldest has come.

/// Points issued in one month, and how many of them had been redeemed by the end of that month, of the next, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vintage {
    /// How many were issued, less those that were taken back.
    pub issued: i64,
    /// Redeemed so far by age in months; the first is the month of issue.
    pub redeemed: Vec<i64>,
    /// How many can still be redeemed.
    pub left: i64,
}

impl Vintage {
    fn latest(&self) -> i64 {
        self.redeemed.last().copied().unwrap_or(0)
    }

    /// Its age in months; 0 in its own.
    const fn age(&self) -> usize {
        self.redeemed.len().saturating_sub(1)
    }
}

/// What is expected of one vintage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// How many are redeemed in all.
    pub redeemed: f64,
    /// Mack's standard error of it; `None` where too few older vintages say how much they differ.
    pub error: Option<f64>,
}

/// What will become of the points of some vintages.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Of each vintage.
    pub vintages: Vec<Expected>,
    /// How many of all points will be redeemed.
    pub redeemed: f64,
    /// Its standard error, with what vintages have in common, as far as vintages have one.
    pub error: Option<f64>,
    /// What share of all issued points is expected never to be redeemed.
    pub breakage: f64,
    /// By what the redeemed points grow from one month of age to the next; `None` where no vintage had any before.
    pub factors: Vec<Option<f64>>,
}

/// One step of age.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    factor: Option<f64>,
    /// What the vintages that took it had before.
    before: f64,
    /// Mack's variance parameter.
    variance: Option<f64>,
}

/// The steps that vintages took, from each age to the next.
fn steps(vintages: &[Vintage]) -> Vec<Step> {
    let ages = vintages.iter().map(|vintage| vintage.redeemed.len()).max().unwrap_or(0);
    let mut steps: Vec<Step> = Vec::with_capacity(ages);
    for age in 1..ages {
        let took = vintages.iter().filter(|vintage| vintage.redeemed.len() > age);
        let pairs: Vec<(f64, f64)> = took.map(|it| (it.redeemed[age - 1] as f64, it.redeemed[age] as f64)).collect();
        let (before, after) = pairs.iter().fold((0.0, 0.0), |(before, after), pair| (before + pair.0, after + pair.1));
        let factor = (before > 0.0).then(|| after / before);
        let apart = pairs.iter().filter(|pair| pair.0 > 0.0);
        let (count, squares) = apart.fold((0_i32, 0.0), |(count, sum), (before, after)| {
            (count + 1, sum + before * (after / before - factor.unwrap_or(1.0)).powi(2))
        });
        let variance = match (count, steps.as_slice()) {
            (2.., _) => Some(squares / f64::from(count - 1)),
            // Mack's rule for the last step, which only one vintage took.
            (1, [.., one, two]) => one.variance.zip(two.variance).map(|(one, two)| {
                let falling = if one > 0.0 { two * two / one } else { 0.0 };
                falling.min(one.min(two))
            }),
            _ => None,
        };
        steps.push(Step { factor, before, variance });
    }
    steps
}

/// Carries each vintage on to the age of the oldest, by how older ones grew at that age. `None` when no vintage has two months, or nothing was ever redeemed.
pub fn outlook(vintages: &[Vintage]) -> Option<Outlook> {
    let steps = steps(vintages);
    if steps.is_empty() || vintages.iter().all(|vintage| vintage.latest() <= 0) {
        return None;
    }
    let grown: Vec<Option<f64>> = vintages.iter().map(|vintage| grown(vintage, &steps)).collect();
    let share = portfolio(vintages, &steps);
    let one = |(vintage, grown): (&Vintage, &Option<f64>)| {
        let most = (vintage.latest() + vintage.left.max(0)) as f64;
        let redeemed = match grown {
            Some(grown) => *grown,
            None => vintage.latest() as f64 + vintage.issued as f64 * share * (1.0 - developed(vintage.age(), &steps)),
        };
        let variance = grown.and_then(|grown| variance(vintage, grown, &steps));
        Expected { redeemed: redeemed.clamp(vintage.latest() as f64, most), error: variance.map(f64::sqrt) }
    };
    let found: Vec<Expected> = vintages.iter().zip(&grown).map(one).collect();
    let issued: i64 = vintages.iter().map(|vintage| vintage.issued).sum();
    let redeemed: f64 = found.iter().map(|it| it.redeemed).sum();
    let breakage = if issued == 0 { 0.0 } else { 1.0 - redeemed / issued as f64 };
    let error = in_all(vintages, &grown, &found, &steps);
    let factors = steps.iter().map(|step| step.factor).collect();
    Some(Outlook { vintages: found, redeemed, error, breakage, factors })
}

/// What a vintage comes to by how others grew; `None` when it has nothing to grow from.
fn grown(vintage: &Vintage, steps: &[Step]) -> Option<f64> {
    let ahead = &steps[vintage.age()..];
    if ahead.is_empty() {
        return Some(vintage.latest() as f64);
    }
    if vintage.latest() <= 0 {
        return None;
    }
    ahead.iter().try_fold(vintage.latest() as f64, |redeemed, step| Some(redeemed * step.factor?))
}

/// What part of what is redeemed in the end is redeemed by an age.
fn developed(age: usize, steps: &[Step]) -> f64 {
    let ahead = &steps[age..];
    let growth = ahead.iter().try_fold(1.0, |growth, step| step.factor.map(|factor| growth * factor));
    growth.filter(|growth| *growth > 0.0).map_or(0.0, |growth| 1.0 / growth)
}

/// What share of issued points all vintages together redeem in the end.
fn portfolio(vintages: &[Vintage], steps: &[Step]) -> f64 {
    let sums = vintages.iter().fold((0.0, 0.0), |(redeemed, used), it| {
        (redeemed + it.latest() as f64, used + it.issued as f64 * developed(it.age(), steps))
    });
    if sums.1 > 0.0 { (sums.0 / sums.1).clamp(0.0, 1.0) } else { 0.0 }
}

/// Mack's mean squared error of one vintage; `None` where a step that is ahead has no variance.
fn variance(vintage: &Vintage, grown: f64, steps: &[Step]) -> Option<f64> {
    let mut at = vintage.latest() as f64;
    let mut sum = 0.0;
    for step in &steps[vintage.age()..] {
        let factor = step.factor.filter(|factor| *factor > 0.0)?;
        sum += step.variance? / (factor * factor) * (1.0 / at + 1.0 / step.before);
        at *= factor;
    }
    Some(grown * grown * sum)
}

/// The standard error of the sum: vintages share the factors by which they grow.
fn in_all(vintages: &[Vintage], grown: &[Option<f64>], found: &[Expected], steps: &[Step]) -> Option<f64> {
    // The oldest first: of two vintages the steps that both have ahead are those of the older one.
    let mut order: Vec<usize> = (0..vintages.len()).filter(|at| found[*at].error.is_some()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(vintages[*at].age()));
    if order.iter().all(|at| vintages[*at].age() == steps.len()) {
        return None;
    }
    let mut sum = 0.0;
    for (place, at) in order.iter().enumerate() {
        let younger: f64 = order[place + 1..].iter().filter_map(|other| grown[*other]).sum();
        let shared = steps[vintages[*at].age()..].iter().filter_map(|step| {
            let factor = step.factor.filter(|factor| *factor > 0.0)?;
            Some(2.0 * step.variance? / (factor * factor) / step.before)
        });
        sum += found[*at].error?.powi(2) + grown[*at]? * younger * shared.sum::<f64>();
    }
    Some(sum.sqrt())
}

/// How well the estimate would have done: so many months ago, for the months since.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// How many months were forgotten and foreseen.
    pub months: usize,
    /// Of how many vintages.
    pub vintages: usize,
    /// How many points were expected to be redeemed in them.
    pub foreseen: f64,
    /// How many were.
    pub came: f64,
}

/// Tries the estimate on the past: forgets the last `months`, foresees them, and compares, over all vintages of which something was known then and as far as older ones could
/// say. `None` where that is nothing.
pub fn tried(vintages: &[Vintage], months: usize) -> Option<Tried> {
    let known: Vec<Vintage> = vintages.iter().filter_map(|vintage| forgetting(vintage, months)).collect();
    let then = steps(&known);
    let mut tried = Tried { months, vintages: 0, foreseen: 0.0, came: 0.0 };
    for vintage in vintages {
        let Some(known) = forgetting(vintage, months) else { continue };
        let ahead = then.iter().skip(known.age()).take(months);
        let reach = ahead.len();
        let Some(growth) = ahead.map(|step| step.factor).try_fold(1.0, |growth, factor| Some(growth * factor?)) else {
            continue;
        };
        if reach == 0 || known.latest() <= 0 {
            continue;
        }
        tried.vintages += 1;
        tried.foreseen += known.latest() as f64 * (growth - 1.0);
        tried.came += (vintage.redeemed[known.age() + reach] - known.latest()) as f64;
    }
    (tried.vintages > 0).then_some(tried)
}

fn forgetting(vintage: &Vintage, months: usize) -> Option<Vintage> {
    let kept = vintage.redeemed.len().checked_sub(months).filter(|kept| *kept > 0)?;
    Some(Vintage { redeemed: vintage.redeemed[..kept].to_vec(), ..vintage.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Taylor and Ashe (1983), the triangle of Mack's paper, and what he found (its Table 3; to the unit as in the R package ChainLadder, `GenIns` with `est.sigma = "Mack"`).
    #[test]
    fn the_papers_own_triangle() {
        let rows: [&[i64]; 10] = [
            &[357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463],
            &[352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085],
            &[290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315],
            &[310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268],
            &[443160, 1136350, 2128333, 2897821, 3402672, 3873311],
            &[396132, 1333217, 2180715, 2985752, 3691712],
            &[440832, 1288463, 2419861, 3483130],
            &[359480, 1421128, 2864498],
            &[376686, 1363294],
            &[344014],
        ];
        let many = 100_000_000;
        let of = |row: &&[i64]| Vintage { issued: many, redeemed: row.to_vec(), left: many };
        let vintages: Vec<Vintage> = rows.iter().map(of).collect();
        let found = outlook(&vintages).unwrap();
        let rest = |at: usize| found.vintages[at].redeemed - vintages[at].latest() as f64;
        let published = [
            (94_634, 75_535),
            (469_511, 121_699),
            (709_638, 133_549),
            (984_889, 261_406),
            (1_419_459, 411_010),
            (2_177_641, 558_317),
            (3_920_301, 875_328),
            (4_278_972, 971_258),
            (4_625_811, 1_363_155),
        ];
        for (at, (reserve, error)) in published.into_iter().enumerate() {
            assert!((rest(at + 1) - f64::from(reserve)).abs() <= 0.5, "{at}: {}", rest(at + 1));
            let own = found.vintages[at + 1].error.unwrap();
            assert!((own - f64::from(error)).abs() <= 0.5, "{at}: {own}");
        }
        assert_eq!(found.vintages[0].error, Some(0.0), "nothing is ahead of the oldest");
        let all: f64 = (0..10).map(rest).sum();
        assert!((all - 18_680_856.0).abs() <= 0.5, "{all}");
        assert!((found.error.unwrap() - 2_447_095.0).abs() <= 0.5, "{:?}", found.error);
    }

    #[test]
    fn vintages_that_grow_alike_are_foreseen() {
        // Each redeems a tenth in its month, then a half more of what it had, then a third more.
        let of = |issued: i64, months: usize| {
            let all = [issued / 10, issued * 3 / 20, issued / 5];
            Vintage { issued, redeemed: all[..months].to_vec(), left: issued - all[months - 1] }
        };
        let vintages = [of(1_000, 3), of(2_000, 3), of(4_000, 2), of(8_000, 1)];
        let found = outlook(&vintages).unwrap();
        assert!((found.breakage - 0.8).abs() < 1e-12, "{found:?}");
        assert!(found.error.unwrap() < 1e-6, "they do not differ: {found:?}");
        let tried = tried(&vintages[..3], 1).unwrap();
        assert!((tried.foreseen - tried.came).abs() < 1e-9 && tried.came > 0.0, "{tried:?}");
        assert_eq!(outlook(&[of(10, 1)]), None);
        assert_eq!(outlook(&[Vintage { issued: 10, redeemed: vec![0, 0], left: 10 }]), None);
    }

    #[test]
    fn what_has_nothing_to_grow_from_does_as_the_others_do() {
        let old = |redeemed: [i64; 3]| Vintage { issued: 1_000, redeemed: redeemed.to_vec(), left: 700 };
        let young = Vintage { issued: 2_000, redeemed: vec![0], left: 2_000 };
        let found = outlook(&[old([100, 200, 300]), old([100, 200, 300]), young]).unwrap();
        let last = found.vintages[2];
        // Of 2,000 and what is used of the young one (a third of it) 600 were redeemed: 22.5 %, of which two thirds are still to come.
        assert!((last.redeemed - 2_000.0 * (600.0 / (2_000.0 + 2_000.0 / 3.0)) * (2.0 / 3.0)).abs() < 1e-9, "{last:?}");
        assert_eq!(last.error, None);
        // Points that nobody could redeem in their own month: the first step has no factor, and nothing of a fresh month is used yet.
        let late = |months: usize| Vintage { issued: 100, redeemed: [0, 20, 40][..months].to_vec(), left: 60 };
        let found = outlook(&[late(3), late(3), late(2), late(1)]).unwrap();
        assert_eq!(found.factors, [None, Some(2.0)]);
        assert_eq!(found.vintages.iter().map(|it| it.redeemed.round()).collect::<Vec<_>>(), [40.0, 40.0, 40.0, 40.0]);
    }

    proptest! {
        #[test]
        fn nobody_redeems_more_than_there_is(rows in prop::collection::vec((1_i64..1_000, prop::collection::vec(0_i64..300, 1..6), 0_i64..300), 1..8)) {
            let of = |(left, steps, _): &(i64, Vec<i64>, i64)| {
                let redeemed: Vec<i64> = steps.iter().scan(0, |sum, step| { *sum += step; Some(*sum) }).collect();
                Vintage { issued: redeemed.last().unwrap() + left, redeemed, left: *left }
            };
            let vintages: Vec<Vintage> = rows.iter().map(of).collect();
            if let Some(found) = outlook(&vintages) {
                for (vintage, expected) in vintages.iter().zip(&found.vintages) {
                    prop_assert!(expected.redeemed >= vintage.latest() as f64 && expected.redeemed <= vintage.issued as f64);
                    prop_assert!(expected.error.is_none_or(|error| error >= 0.0 && error.is_finite()));
                }
                prop_assert!((0.0..=1.0).contains(&found.breakage));
                prop_assert!(found.error.is_none_or(f64::is_finite));
            }
        }
    }
}
