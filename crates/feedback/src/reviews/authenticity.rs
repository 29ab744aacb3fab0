//! How far a review looks like one that somebody wrote of a product that they had.
//!
//! A sign that is there adds a doubt between 0 and 1. Doubts are put together as if they were independent (1 minus the product of what is left of each),
//! so two strong signs weigh more than one, and none can make less of another. The signs are those of Mukherjee et al. (ICWSM 2013) and Jindal and Liu
//! (WSDM 2008); what each weighs is our own choice, as no honest labels exist to learn them from.
//!
//! Always holds: more of a sign is never less doubt; a bad rating by itself is no sign; whoever had the product and shows one weak sign is not kept
//! waiting.

use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of a review and of whoever wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Behaviour {
    /// Stars, 1 to 5.
    pub rating: f64,
    /// How many others reviewed the product, and the mean of their stars.
    pub others: (u64, f64),
    /// Reviews by other people whose words are nearly the same.
    pub copies_by_others: u64,
    /// Reviews of other products by the same person whose words are nearly the same.
    pub own_copies: u64,
    /// Reviews by the same person within a day of it, itself among them.
    pub own_in_a_day: u64,
    /// All reviews by the same person, itself among them, and how many have one star or five.
    pub own: (u64, u64),
    /// Reviews of the product within a day of it, itself among them, and how many a day are usual for the product.
    pub in_a_day: (u64, f64),
    /// Other people who reviewed the product and share a device or an address with the writer.
    pub shared_with: u64,
    /// How long the writer had been known by then, in microseconds.
    pub known_for: i64,
    /// Whether they had the product.
    pub purchase: Purchase,
}

/// Whether somebody had the product when they reviewed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purchase {
    /// They ordered it, and it was delivered, or nobody says when things are delivered.
    Verified,
    /// They ordered it, and it had not been delivered yet.
    Undelivered,
    /// No order of theirs has it.
    None,
    /// Orders are not known here, or not by product.
    Unknown,
}

impl Purchase {
    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Undelivered => "undelivered",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// What makes one doubt a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Others wrote nearly the same.
    CopiedFromOthers,
    /// The same person wrote nearly the same of other products.
    RepeatsThemselves,
    /// Far more reviews of the product on that day than usual.
    Burst,
    /// Many reviews by the same person on that day.
    ManyInADay,
    /// All but all of many reviews by the same person have one star or five.
    AlwaysExtreme,
    /// Far from what many others say.
    FarFromOthers,
    /// Others who reviewed the product share a device or an address with the writer.
    SharedDevice,
    /// Nothing was known of the writer a day before.
    JustCame,
    /// They have not bought it.
    NotBought,
    /// It had not been delivered yet.
    NotDelivered,
}

/// What is thought of a review.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// 0: nothing speaks against it; 100: everything does.
    pub doubt: u8,
    /// What speaks against it and how much by itself (0 to 1), the strongest first.
    pub signs: Vec<(Sign, f64)>,
}

/// From this doubt on a review waits until somebody has looked, where a workspace says nothing else.
pub const USUAL_LIMIT: u8 = 60;

/// What is left of all doubt when somebody had the product.
const BOUGHT: f64 = 0.7;
/// A day on which so few reviews came is no burst.
const FEW: u64 = 5;
/// Others that are too few to be far from.
const FEW_OTHERS: u64 = 10;

/// Judges a review by what is known of it.
pub fn judge(of: &Behaviour) -> Verdict {
    let mut signs: Vec<(Sign, f64)> =
        ALL.into_iter().map(|sign| (sign, doubt(sign, of))).filter(|(_, doubt)| *doubt > 0.0).collect();
    signs.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    let none: f64 = signs.iter().map(|(_, doubt)| 1.0 - doubt).product();
    let share = if of.purchase == Purchase::Verified { BOUGHT } else { 1.0 };
    // In 0 to 100 by construction.
    let doubt = (100.0 * share * (1.0 - none)).round() as u8;
    Verdict { doubt, signs }
}

const ALL: [Sign; 10] = [
    Sign::CopiedFromOthers,
    Sign::RepeatsThemselves,
    Sign::Burst,
    Sign::ManyInADay,
    Sign::AlwaysExtreme,
    Sign::FarFromOthers,
    Sign::SharedDevice,
    Sign::JustCame,
    Sign::NotBought,
    Sign::NotDelivered,
];

fn doubt(sign: Sign, of: &Behaviour) -> f64 {
    match sign {
        Sign::CopiedFromOthers => step(of.copies_by_others, &[(1, 0.75), (3, 0.9)]),
        Sign::RepeatsThemselves => step(of.own_copies, &[(1, 0.3), (3, 0.5)]),
        Sign::Burst => {
            let (reviews, usual) = of.in_a_day;
            if reviews < FEW {
                return 0.0;
            }
            match chance_of_at_least(reviews, usual) {
                chance if chance < 1e-6 => 0.6,
                chance if chance < 1e-3 => 0.35,
                _ => 0.0,
            }
        }
        Sign::ManyInADay => step(of.own_in_a_day, &[(4, 0.3), (6, 0.5), (15, 0.7)]),
        Sign::AlwaysExtreme => {
            let (all, extreme) = of.own;
            if all >= 5 && extreme * 10 >= all * 9 { 0.15 } else { 0.0 }
        }
        Sign::FarFromOthers => {
            let (others, mean) = of.others;
            if others >= FEW_OTHERS && (of.rating - mean).abs() >= 2.5 { 0.15 } else { 0.0 }
        }
        Sign::SharedDevice => step(of.shared_with, &[(1, 0.45), (3, 0.7)]),
        Sign::JustCame => {
            let is_stranger = matches!(of.purchase, Purchase::None | Purchase::Unknown);
            if is_stranger && of.known_for < Timestamp::DAY { 0.2 } else { 0.0 }
        }
        Sign::NotBought => {
            if of.purchase == Purchase::None {
                0.3
            } else {
                0.0
            }
        }
        Sign::NotDelivered => {
            if of.purchase == Purchase::Undelivered {
                0.45
            } else {
                0.0
            }
        }
    }
}

/// What the highest step that is reached weighs.
fn step(number: u64, steps: &[(u64, f64)]) -> f64 {
    steps.iter().rev().find(|(from, _)| number >= *from).map_or(0.0, |(_, doubt)| *doubt)
}

/// How likely so many come or more on a day on which `usual` are expected: the upper tail of a Poisson distribution.
fn chance_of_at_least(number: u64, usual: f64) -> f64 {
    // What has hardly ever been reviewed would make a burst of anything.
    let usual = usual.max(0.2);
    let (mut term, mut below) = ((-usual).exp(), 0.0);
    // Past a thousand the answer is as small as it gets for any product for which that is unusual.
    for k in 0..number.min(1_000) {
        below += term;
        term *= usual / (k + 1) as f64;
    }
    (1.0 - below).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An ordinary review of somebody who had the product for a while.
    fn plain() -> Behaviour {
        Behaviour {
            rating: 4.0,
            others: (40, 4.2),
            copies_by_others: 0,
            own_copies: 0,
            own_in_a_day: 1,
            own: (2, 1),
            in_a_day: (1, 0.5),
            shared_with: 0,
            known_for: 200 * Timestamp::DAY,
            purchase: Purchase::Verified,
        }
    }

    #[test]
    fn an_ordinary_review_is_believed() {
        assert_eq!(judge(&plain()), Verdict { doubt: 0, signs: vec![] });
    }

    /// Who is angry and had the product must be heard at once.
    #[test]
    fn a_bad_rating_does_not_wait() {
        for purchase in [Purchase::Verified, Purchase::Undelivered, Purchase::Unknown, Purchase::None] {
            let verdict = judge(&Behaviour { rating: 1.0, purchase, ..plain() });
            assert!(verdict.doubt < USUAL_LIMIT, "{purchase:?}: {verdict:?}");
        }
    }

    #[test]
    fn what_is_bought_by_the_dozen_waits() {
        let fake = Behaviour {
            rating: 5.0,
            copies_by_others: 4,
            own_in_a_day: 8,
            in_a_day: (30, 0.4),
            known_for: Timestamp::HOUR,
            purchase: Purchase::None,
            ..plain()
        };
        let verdict = judge(&fake);
        assert!(verdict.doubt >= 95, "{verdict:?}");
        assert_eq!(verdict.signs[0], (Sign::CopiedFromOthers, 0.9));
        // A copy is enough by itself, unless the writer had the product.
        assert!(judge(&Behaviour { copies_by_others: 1, purchase: Purchase::Unknown, ..plain() }).doubt >= USUAL_LIMIT);
        assert!(judge(&Behaviour { copies_by_others: 1, ..plain() }).doubt < USUAL_LIMIT);
    }

    /// Poisson tails: scipy.stats.poisson.sf(k - 1, mean).
    #[test]
    fn bursts_are_what_chance_does_not_do() {
        for (number, usual, wanted) in [(5, 0.5, 0.000_172_115_6), (3, 2.0, 0.323_323_6), (1, 1.0, 0.632_120_6)] {
            assert!((chance_of_at_least(number, usual) - wanted).abs() < 1e-6, "{number} of {usual}");
        }
        let of = |reviews, usual| judge(&Behaviour { in_a_day: (reviews, usual), ..plain() }).signs;
        assert_eq!(of(4, 0.1), [], "few are no burst");
        assert_eq!(of(5, 0.5), [(Sign::Burst, 0.35)]);
        assert_eq!(of(12, 0.5), [(Sign::Burst, 0.6)]);
        assert_eq!(of(40, 38.0), [], "what sells is reviewed");
    }

    /// Each sign by itself: the last number that is none, where it begins, and where it weighs more.
    #[test]
    fn each_sign_begins_where_it_says_and_weighs_what_it_says() {
        let signs = |change: &dyn Fn(&mut Behaviour)| {
            let mut of = plain();
            change(&mut of);
            judge(&of).signs
        };
        type Counted = (Sign, fn(&mut Behaviour, u64), &'static [(u64, f64)]);
        let counted: [Counted; 7] = [
            (Sign::CopiedFromOthers, |it, n| it.copies_by_others = n, &[(0, 0.0), (1, 0.75), (2, 0.75), (3, 0.9)]),
            (Sign::RepeatsThemselves, |it, n| it.own_copies = n, &[(0, 0.0), (1, 0.3), (2, 0.3), (3, 0.5)]),
            (
                Sign::ManyInADay,
                |it, n| it.own_in_a_day = n,
                &[(3, 0.0), (4, 0.3), (5, 0.3), (6, 0.5), (14, 0.5), (15, 0.7)],
            ),
            (Sign::SharedDevice, |it, n| it.shared_with = n, &[(0, 0.0), (1, 0.45), (2, 0.45), (3, 0.7)]),
            (Sign::AlwaysExtreme, |it, n| it.own = (n, n), &[(4, 0.0), (5, 0.15), (50, 0.15)]),
            (Sign::AlwaysExtreme, |it, n| it.own = (20, n), &[(17, 0.0), (18, 0.15), (20, 0.15)]),
            (
                Sign::FarFromOthers,
                |it, n| (it.rating, it.others) = (1.0, (n, 3.5)),
                &[(9, 0.0), (10, 0.15), (500, 0.15)],
            ),
        ];
        for (sign, set, steps) in counted {
            for (number, weighs) in steps {
                let wanted = if *weighs > 0.0 { vec![(sign, *weighs)] } else { Vec::new() };
                assert_eq!(signs(&|it| set(it, *number)), wanted, "{sign:?} {number}");
            }
        }
        let far = |rating: f64, mean: f64| signs(&|it| (it.rating, it.others) = (rating, (30, mean)));
        assert_eq!((far(1.0, 3.4), far(5.0, 2.6)), (vec![], vec![]));
        assert_eq!(far(5.0, 2.5), [(Sign::FarFromOthers, 0.15)], "praise can be as far as blame");
        let had = |purchase, known_for| signs(&|it| (it.purchase, it.known_for) = (purchase, known_for));
        let (day, hour) = (Timestamp::DAY, Timestamp::HOUR);
        assert_eq!((had(Purchase::Verified, hour), had(Purchase::Unknown, day)), (vec![], vec![]));
        assert_eq!(had(Purchase::None, day), [(Sign::NotBought, 0.3)]);
        assert_eq!(had(Purchase::Undelivered, hour), [(Sign::NotDelivered, 0.45)]);
        assert_eq!(had(Purchase::Unknown, day - 1), [(Sign::JustCame, 0.2)]);
        assert_eq!(had(Purchase::None, hour), [(Sign::NotBought, 0.3), (Sign::JustCame, 0.2)]);
        // Put together as if they were independent, and seven tenths of it for whoever had the product.
        let two = Behaviour { own_copies: 1, shared_with: 1, ..plain() };
        assert_eq!(judge(&two).doubt, (100.0 * 0.7 * (1.0 - 0.7 * 0.55_f64)).round() as u8);
        assert_eq!(judge(&Behaviour { purchase: Purchase::Unknown, ..two }).doubt, 62);
    }

    fn behaviours() -> impl Strategy<Value = Behaviour> {
        let purchases = prop_oneof![
            Just(Purchase::Verified),
            Just(Purchase::Undelivered),
            Just(Purchase::None),
            Just(Purchase::Unknown)
        ];
        let counts = (0u64..20, 0u64..20, 1u64..40, 0u64..20, (1u64..60, 0.0f64..20.0));
        ((1u8..=5, (0u64..50, 1.0f64..5.0)), counts, (1u64..30, 0u64..30), 0i64..10, purchases).prop_map(
            |((rating, others), (copies, own_copies, day, shared, in_a_day), (all, extreme), days, purchase)| {
                Behaviour {
                    rating: f64::from(rating),
                    others,
                    copies_by_others: copies,
                    own_copies,
                    own_in_a_day: day,
                    own: (all, extreme.min(all)),
                    in_a_day,
                    shared_with: shared,
                    known_for: days * Timestamp::DAY / 2,
                    purchase,
                }
            },
        )
    }

    proptest! {
        /// Whatever is known: within bounds, with a reason for every doubt, and never less doubt for more of a sign.
        #[test]
        fn more_of_a_sign_is_never_less_doubt(of in behaviours(), more in 1u64..10) {
            let verdict = judge(&of);
            prop_assert!(verdict.doubt <= 100);
            prop_assert_eq!(verdict.signs.is_empty(), verdict.doubt == 0);
            prop_assert!(verdict.signs.is_sorted_by(|a, b| a.1 >= b.1));
            let worse = [
                Behaviour { copies_by_others: of.copies_by_others + more, ..of.clone() },
                Behaviour { own_copies: of.own_copies + more, ..of.clone() },
                Behaviour { own_in_a_day: of.own_in_a_day + more, ..of.clone() },
                Behaviour { shared_with: of.shared_with + more, ..of.clone() },
                Behaviour { in_a_day: (of.in_a_day.0 + more, of.in_a_day.1), ..of.clone() },
                Behaviour { known_for: 0, ..of.clone() },
            ];
            for one in &worse {
                prop_assert!(judge(one).doubt >= verdict.doubt, "{:?}", one);
            }
            if of.purchase != Purchase::Verified {
                let better = judge(&Behaviour { purchase: Purchase::Verified, ..of.clone() });
                prop_assert!(better.doubt <= verdict.doubt);
            }
        }
    }
}
