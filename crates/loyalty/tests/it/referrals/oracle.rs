//! The obvious second implementation: plays the friend's days one after the other.

use rapport_loyalty::ledger::{MemberId, Standing};
use rapport_loyalty::referrals::{Act, Claim, Code, Friend, Kept, Known, Reason, Referral, Referrer, State, Terms};

use super::{REFERRER, day};

/// A code that was used: whose (0 and 1 are members, 2 the friend, 3 nobody, 4 member 0's under another number), on which day.
#[derive(Clone, Debug)]
pub struct Told {
    pub who: usize,
    pub at: i64,
    pub order: i64,
    pub event: u8,
}

/// An order: on which day, its number, what it came to, what was kept (0 nothing, 1 a half, else all).
#[derive(Clone, Debug)]
pub struct Did {
    pub at: i64,
    pub name: u8,
    pub euros: i64,
    pub kept: u8,
    pub holds: bool,
}

const IDS: [&str; 5] = ["0", "1", "2", "3", "4"];

/// As the implementation is asked.
pub fn friend<'a>(told: &[Told], did: &[Did], occasions: &'a [String], terms: &'a Referral) -> Friend<'a> {
    let referrer = |who: usize| Referrer {
        member: MemberId([7, 8, 9, 0, 7][who]),
        is_friend: who == 2,
        standing: Standing::Active,
        ..REFERRER
    };
    let claim = |it: &Told| {
        let code = match it.who {
            3 => Code::Unknown,
            who => Code::Of { referrer: referrer(who), voided_at: None, terms: Terms::Live(terms) },
        };
        Claim { id: IDS[it.who], place: (day(it.at), it.order, [it.event; 16]), code, known: Known::default() }
    };
    let act = |(it, occasion): (&Did, &'a String)| Act {
        at: day(it.at),
        occasion,
        referral: "friends",
        holds: it.holds,
        amount: Some(it.euros * 1_000_000),
        kept: match it.kept {
            0 => Kept::Nothing,
            1 => Kept::Part(1, 2),
            _ => Kept::All,
        },
    };
    let acts = did.iter().zip(occasions).map(act).collect();
    Friend { claims: told.iter().map(claim).collect(), acts, ..Friend::default() }
}

/// How each code stands on a day, by the code.
pub fn stand(
    told: &[Told],
    did: &[Did],
    first_order: Option<i64>,
    today: i64,
) -> Vec<(String, State, Option<Reason>, bool)> {
    let mut queue: Vec<&Told> = told.iter().collect();
    queue.sort_by_key(|it| (it.at, it.order, it.event, it.who));
    let mut bound: Option<usize> = None;
    let mut answers: Vec<(String, State, Option<Reason>, bool)> = Vec::new();
    for it in queue {
        let id = IDS[it.who].to_owned();
        if answers.iter().any(|answer| answer.0 == id) {
            continue;
        }
        let answer = match (it.who, bound) {
            (3, _) => (State::Refused, Some(Reason::CodeUnknown), false),
            (2, _) => (State::Refused, Some(Reason::SelfReferral), false),
            (who, Some(by)) if who % 4 == by % 4 => (State::Refused, Some(Reason::ToldBefore), false),
            (_, Some(_)) => (State::Refused, Some(Reason::AlreadyReferred), false),
            (who, None) => {
                bound = Some(who);
                let (state, reason) = life(it.at, did, first_order, today);
                (state, reason, true)
            }
        };
        answers.push((id, answer.0, answer.1, answer.2));
    }
    answers.sort_by(|one, other| one.0.cmp(&other.0));
    answers
}

/// Plays the days from the one on which the friend came.
fn life(came: i64, did: &[Did], first_order: Option<i64>, today: i64) -> (State, Option<Reason>) {
    if first_order.is_some_and(|first| first < came) {
        return (State::Refused, Some(Reason::AlreadyCustomer));
    }
    let mut why = None;
    // Thirty days in which the friend may order, and the day on which they came.
    for now in came..=came + 30 {
        let mut of_day: Vec<&Did> = did.iter().filter(|it| it.at == now).collect();
        of_day.sort_by_key(|it| it.name);
        for order in of_day {
            let kept = if order.kept == 1 { order.euros as f64 / 2.0 } else { order.euros as f64 };
            why = Some(match order {
                Did { holds: false, .. } => Reason::Condition,
                Did { kept: 0, .. } => Reason::WentBack,
                _ if order.euros < 20 => Reason::BelowMinimum,
                _ if kept < 20.0 => Reason::WentBack,
                // It must stand fourteen days after the day of the order.
                _ if today <= now + 14 => return (State::Pending, None),
                _ => return (State::Rewarded, None),
            });
        }
    }
    if today <= came + 30 { (State::Joined, why) } else { (State::Refused, Some(why.unwrap_or(Reason::TooLate))) }
}
