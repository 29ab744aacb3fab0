//! Models of buying on customers who behave as a model says, and on input that nobody should give: what went in is found again, intervals hold as often as
//! they say, and there is a settled fit or a reason why not.

use proptest::prelude::*;
use rapport_models::Fault;
use rapport_models::buying::{
    BgBb, BgNbd, Buying, Chains, Chances, Choice, Contest, Contract, Explained, Factors, Fit, GGompertzNbd, GammaGamma,
    Histories, History, Known, Learnt, Likelihood, MbgNbd, ParetoGgg, ParetoNbd, Plain, Purchase, Rhythm, Sampling,
    Sbg, Spending, Summary, Way, simulated_bg_nbd, simulated_chances, simulated_contracts, simulated_ggompertz_nbd,
    simulated_mbg_nbd, simulated_pareto_ggg, simulated_pareto_nbd, simulated_spending,
};

/// Data sets a model.
const SETS: u64 = 200;
/// And in the long run.
const LONG: u64 = 2_000;

/// How many of `n` intervals of 95 % may hold, if they are right: but for a probability of 0.1 %, by the binomial distribution.
fn possible(n: usize, held: usize) -> bool {
    let ln_choose = |k: usize| (1..=k).map(|i| (((n - k + i) as f64) / i as f64).ln()).sum::<f64>();
    let of = |k: usize| (ln_choose(k) + k as f64 * 0.95f64.ln() + (n - k) as f64 * 0.05f64.ln()).exp();
    let (below, above) = ((0..=held).map(of).sum::<f64>(), (held..=n).map(of).sum::<f64>());
    below > 0.000_5 && above > 0.000_5
}

fn sane<M: Likelihood>(fit: &Fit<M>) {
    let numbers = fit.estimates.iter().flat_map(|it| [it.value, it.low, it.high, it.standard_error.unwrap()]);
    assert!(numbers.chain([fit.log_likelihood]).all(f64::is_finite));
    assert!(fit.estimates.iter().all(|it| it.low <= it.value && it.value <= it.high && it.low >= 0.0));
}

/// Fits `sets` sets of data. All that are fitted are finite, most are, and of each parameter the intervals hold the truth as often as they should: as exact
/// binomial bounds of 99.9 % have it, and in the long run, where an interval that is a little too narrow would be found out, 93 to 97 % of the time.
fn covers<M: Likelihood>(truth: &M, sets: u64, fit: impl Fn(u64) -> Result<Fit<M>, Fault>) {
    let truth = truth.parameters();
    let fits: Vec<Fit<M>> = (0..sets).filter_map(|seed| fit(seed).ok()).collect();
    assert!(fits.len() as u64 * 10 >= sets * 9, "{} of {sets} settled", fits.len());
    for (at, truth) in truth.iter().enumerate() {
        fits.iter().for_each(sane);
        let held = fits.iter().filter(|it| it.estimates[at].interval().holds(*truth)).count();
        println!("{} {}: {held} of {}", std::any::type_name::<M>(), named::<M>(at), fits.len());
        let share = held as f64 / fits.len() as f64;
        let right = if sets < LONG { possible(fits.len(), held) } else { (0.93..=0.97).contains(&share) };
        assert!(right, "{} of {}: {held} of {}", named::<M>(at), truth, fits.len());
    }
}

fn named<M: Likelihood>(at: usize) -> &'static str {
    M::NAMES.get(at).unwrap_or(&"a factor")
}

/// Customers a data set.
const CUSTOMERS: usize = 1_500;

fn bg_nbd(sets: u64) {
    let truth = BgNbd { r: 0.8, alpha: 6.0, a: 0.8, b: 2.4 };
    let people = |seed| simulated_bg_nbd(&truth, CUSTOMERS, (30.0, 60.0), seed);
    covers(&truth, sets, |seed| BgNbd::fit(&Histories::new(&people(seed))?));
}

fn mbg_nbd(sets: u64) {
    let truth = MbgNbd { r: 0.9, alpha: 6.0, a: 0.9, b: 2.0 };
    let people = |seed| simulated_mbg_nbd(&truth, CUSTOMERS, (30.0, 60.0), seed);
    covers(&truth, sets, |seed| MbgNbd::fit(&Histories::new(&people(seed))?));
}

fn pareto_nbd(sets: u64) {
    let truth = ParetoNbd { r: 0.9, alpha: 5.0, s: 0.8, beta: 12.0 };
    let people = |seed| simulated_pareto_nbd(&truth, CUSTOMERS, (30.0, 60.0), seed);
    covers(&truth, sets, |seed| ParetoNbd::fit(&Histories::new(&people(seed))?));
}

/// Fewer customers: its likelihood has an integral.
fn ggompertz_nbd(sets: u64) {
    let truth = GGompertzNbd { r: 1.5, alpha: 3.0, b: 0.1, s: 1.0, beta: 6.0 };
    let people = |seed| simulated_ggompertz_nbd(&truth, 2 * CUSTOMERS / 5, (60.0, 60.0), seed);
    covers(&truth, sets, |seed| GGompertzNbd::fit(&Histories::new(&people(seed))?));
}

fn gamma_gamma(sets: u64) {
    let truth = GammaGamma { p: 6.25, q: 3.74, gamma: 15.44 };
    let purchases: Vec<u32> = (0..CUSTOMERS as u32).map(|it| 1 + it % 7).collect();
    covers(&truth, sets, |seed| GammaGamma::fit(&simulated_spending(&truth, &purchases, seed)));
}

fn bg_bb(sets: u64) {
    let truth = BgBb { alpha: 1.2, beta: 0.75, gamma: 0.66, delta: 2.8 };
    covers(&truth, sets, |seed| BgBb::fit(&simulated_chances(&truth, CUSTOMERS, 8, seed)));
}

fn sbg(sets: u64) {
    let truth = Sbg { alpha: 0.7, beta: 1.2 };
    covers(&truth, sets, |seed| Sbg::fit(&simulated_contracts(&truth, CUSTOMERS, 8, seed)));
}

#[test]
fn intervals_hold_as_often_as_they_say() {
    for model in [bg_nbd, mbg_nbd, pareto_nbd, ggompertz_nbd, gamma_gamma, bg_bb, sbg] {
        model(SETS);
    }
}

/// A test each, so that they can be run beside each other, or alone.
mod long_run {
    use super::LONG;

    #[test]
    #[ignore = "the long run"]
    fn bg_nbd() {
        super::bg_nbd(LONG);
    }

    #[test]
    #[ignore = "the long run"]
    fn mbg_nbd() {
        super::mbg_nbd(LONG);
    }

    #[test]
    #[ignore = "the long run"]
    fn pareto_nbd() {
        super::pareto_nbd(LONG);
    }

    #[test]
    #[ignore = "the long run"]
    fn ggompertz_nbd() {
        super::ggompertz_nbd(LONG);
    }

    #[test]
    #[ignore = "the long run"]
    fn gamma_gamma() {
        super::gamma_gamma(LONG);
    }

    #[test]
    #[ignore = "the long run"]
    fn bg_bb() {
        super::bg_bb(LONG);
    }

    #[test]
    #[ignore = "the long run"]
    fn sbg() {
        super::sbg(LONG);
    }

    /// Hours: a fit takes a second or two.
    #[test]
    #[ignore = "the long run"]
    fn pareto_ggg() {
        super::regular(LONG, 250);
    }

    #[test]
    #[ignore = "the long run"]
    fn covariates() {
        super::explained(LONG);
    }

    #[test]
    #[ignore = "the long run"]
    fn chains() {
        super::chains(200, 40);
        super::chains(200, 200);
    }
}

/// Regularity of people who differ in it: fewer sets of fewer people than of the other models, as a fit takes a second.
fn regular(sets: u64, people: usize) {
    let truth = ParetoGgg { t: 4.0, gamma: 1.3, r: 1.5, alpha: 6.0, s: 0.8, beta: 20.0 };
    covers(&truth, sets, |seed| ParetoGgg::fit(&simulated_pareto_ggg(&truth, people, (60.0, 60.0), seed)));
}

#[test]
fn intervals_of_regularity_hold_as_often_as_they_say() {
    regular(12, 250);
}

/// Chains of few customers, of the length that options name, agree or say that they did not; they hold the truth as often as they say; and they are there
/// where no fit is.
fn chains(sets: u64, customers: usize) {
    let truth = MbgNbd { r: 0.9, alpha: 6.0, a: 0.9, b: 2.0 };
    let (mut settled, mut fits, mut held, mut least, mut apart) = (0, 0, [0; 4], f64::INFINITY, 1f64);
    for seed in 0..sets {
        let histories = Histories::new(&simulated_mbg_nbd(&truth, customers, (30.0, 60.0), seed)).unwrap();
        fits += usize::from(MbgNbd::fit(&histories).is_ok());
        let Ok(chains) = Chains::<MbgNbd>::of(&histories, &Sampling { seed, ..Sampling::default() }) else { continue };
        settled += 1;
        least = f64::min(least, chains.posterior.worth);
        apart = chains.disagreement.iter().copied().fold(apart, f64::max);
        for (at, wanted) in truth.parameters().into_iter().enumerate() {
            let interval = chains.posterior.interval(|it| it.parameters()[at]);
            assert!(interval.low > 0.0 && interval.high.is_finite());
            held[at] += usize::from(interval.holds(wanted));
        }
    }
    println!(
        "{settled} of {sets} settled ({fits} fits), {held:?} held; worth {least:.0} at least, {apart:.4} apart at most"
    );
    assert!(settled as u64 * 10 >= sets * 9 && least >= 400.0 && apart <= 1.01, "{settled} {least} {apart}");
    assert!(held.iter().all(|it| possible(settled, *it)), "{held:?} of {settled}");
}

#[test]
fn chains_hold_as_often_as_they_say() {
    chains(20, 100);
}

/// Few and many customers, heavy buyers, ages that are mostly short (lifetimes' issue 405), and people of another model than the one that is fitted.
#[test]
fn odd_data_have_a_finite_fit_or_a_reason() {
    let (mut settled, mut faults) = (0, 0);
    for seed in 0..SETS {
        let part = |by: u64| (seed * by % 97) as f64 / 97.0;
        let customers = [50, 120, 400, 1_500][seed as usize % 4];
        let (r, alpha) = (0.1 + 3.0 * part(31), 0.02 + 20.0 * part(57) * part(13));
        let model = BgNbd { r, alpha, a: 0.05 + 2.0 * part(71), b: 0.3 + 8.0 * part(43) };
        let mut people = simulated_bg_nbd(&model, customers, (0.0, 60.0), seed);
        people.retain(|it| it.age > 60.0 * part(29) || it.frequency > 0);
        people.iter_mut().for_each(|it| it.frequency = it.frequency.min(500));
        let histories = Histories::new(&people).unwrap();
        let some = people[people.len() / 2];
        let mut tried = |outcome: Result<[f64; 5], Fault>| match outcome {
            Ok(numbers) => {
                assert!(numbers.iter().all(|it| it.is_finite() && *it >= 0.0), "{seed} {numbers:?}");
                settled += 1;
            }
            Err(fault) => {
                assert!(matches!(fault, Fault::TooFew { .. } | Fault::NotIdentified { .. } | Fault::DidNotSettle));
                faults += 1;
            }
        };
        tried(BgNbd::fit(&histories).map(|it| said(&it, &some)));
        tried(MbgNbd::fit(&histories).map(|it| said(&it, &some)));
        tried(ParetoNbd::fit(&histories).map(|it| said(&it, &some)));
        if seed % 8 == 0 {
            tried(GGompertzNbd::fit(&histories).map(|it| said(&it, &some)));
        }
    }
    println!("{settled} settled, {faults} with a reason");
    assert!(settled > faults, "{settled} {faults}");
}

fn said<M: Likelihood + Buying>(fit: &Fit<M>, history: &History) -> [f64; 5] {
    sane(fit);
    let model = &fit.model;
    let chances = model.probabilities(history, 30.0, 3);
    [
        model.alive(history),
        model.expected(history, 30.0),
        model.expected_new(30.0),
        chances.iter().sum(),
        model.discounted(history, 1.0, 12, 0.01),
    ]
}

/// Half of the customers buy twice as often: by √2 a standard deviation, which is a half. Pareto/NBD and MBG/NBD say so, and nothing of leaving.
fn explained(sets: u64) {
    let slow = ParetoNbd { r: 1.2, alpha: 6.0, s: 0.9, beta: 12.0 };
    let people = |alpha, seed| simulated_pareto_nbd(&ParetoNbd { alpha, ..slow }, 350, (30.0, 60.0), seed);
    explained_by_half(&slow, sets, people);
    let slow_too = MbgNbd { r: 1.2, alpha: 6.0, a: 0.9, b: 2.0 };
    let people = |alpha, seed| simulated_mbg_nbd(&MbgNbd { alpha, ..slow_too }, 350, (30.0, 60.0), seed);
    explained_by_half(&slow_too, sets, people);
}

#[test]
fn what_covariates_explain_is_found_again() {
    explained(SETS);
    let slow = ParetoNbd { r: 1.2, alpha: 6.0, s: 0.9, beta: 12.0 };
    let people = simulated_pareto_nbd(&slow, 100, (30.0, 60.0), 1);
    let refused = |rows: Vec<Vec<f64>>| Explained::<ParetoNbd>::fit(&people, &rows).unwrap_err();
    assert_eq!(refused(vec![vec![2.0]; 100]), Fault::Constant { column: 0 });
    assert!(matches!(refused(vec![vec![f64::NAN]; 100]), Fault::NotFinite { .. }));
    assert!(matches!(refused(vec![vec![1.0]; 3]), Fault::Shape { .. }));
}

fn explained_by_half<M: Plain>(slow: &M, sets: u64, people: impl Fn(f64, u64) -> Vec<History>) {
    let half = 2f64.sqrt();
    let mut middle = slow.parameters();
    let alpha = middle[1];
    middle[1] = alpha / half;
    let truth = Factors { middle: M::with(&middle), buying: vec![half], leaving: vec![1.0] };
    covers(&truth, sets, |seed| {
        let people = [people(alpha, 2 * seed), people(alpha / 2.0, 2 * seed + 1)].concat();
        let described: Vec<Vec<f64>> = (0..700).map(|at| vec![f64::from(at / 350)]).collect();
        Explained::<M>::fit(&people, &described).map(|it| it.fit)
    });
}

/// The expected number is the mean of the probabilities of counts, by all three models; and it is what simulated customers do.
#[test]
fn what_is_expected_is_what_happens() {
    let history = History { frequency: 3, recency: 20.0, age: 30.0 };
    let pareto = ParetoNbd { r: 0.9, alpha: 5.0, s: 0.8, beta: 12.0 };
    let bg = BgNbd { r: 0.8, alpha: 6.0, a: 0.8, b: 2.4 };
    let mbg = MbgNbd { r: 0.9, alpha: 6.0, a: 0.9, b: 2.0 };
    let models: [&dyn Buying; 3] = [&pareto, &bg, &mbg];
    for model in models {
        for (chances, wanted) in [
            (model.probabilities(&history, 26.0, 200), model.expected(&history, 26.0)),
            (model.probabilities_new(26.0, 300), model.expected_new(26.0)),
        ] {
            assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-8, "{}", chances.iter().sum::<f64>());
            let mean: f64 = chances.iter().enumerate().map(|(n, it)| n as f64 * it).sum();
            assert!((mean - wanted).abs() < 1e-6, "{mean} {wanted}");
        }
    }
    let mean = |people: &[History]| people.iter().map(|it| f64::from(it.frequency)).sum::<f64>() / people.len() as f64;
    let many = 40_000;
    for (found, wanted) in [
        (mean(&simulated_pareto_nbd(&pareto, many, (26.0, 26.0), 1)), pareto.expected_new(26.0)),
        (mean(&simulated_bg_nbd(&bg, many, (26.0, 26.0), 2)), bg.expected_new(26.0)),
        (mean(&simulated_mbg_nbd(&mbg, many, (26.0, 26.0), 3)), mbg.expected_new(26.0)),
    ] {
        assert!((found / wanted - 1.0).abs() < 0.05, "{found} {wanted}");
    }
}

/// Any number that a file can hold.
fn absurd() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-1.0),
        Just(0.0),
        Just(-0.0),
        Just(1e-300),
        Just(1e300),
        Just(1e15),
        0.0..100.0,
        any::<f64>()
    ]
}

/// A history that is possible, of any size.
fn possible_history() -> impl Strategy<Value = History> {
    let time = prop_oneof![Just(1e-80), Just(1e-9), Just(1e9), Just(1e80), 0.001..100.0];
    (prop_oneof![Just(0u32), Just(1), Just(u32::MAX), 0..500u32], time, 0.0..=1.0f64).prop_map(
        |(frequency, age, part)| {
            let recency = if frequency > 0 { age * f64::max(part, 1e-9) } else { 0.0 };
            History { frequency, recency, age }
        },
    )
}

fn finite(numbers: &[f64]) -> bool {
    numbers.iter().all(|it| it.is_finite())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn absurd_histories_are_fitted_or_refused(rows in prop::collection::vec((any::<u32>(), absurd(), absurd()), 0..30)) {
        let people: Vec<History> =
            rows.iter().map(|it| History { frequency: it.0 % 5, recency: it.1, age: it.2 }).collect();
        if let Ok(histories) = Histories::new(&people) {
            BgNbd::fit(&histories).iter().for_each(sane);
            MbgNbd::fit(&histories).iter().for_each(sane);
            ParetoNbd::fit(&histories).iter().for_each(sane);
        }
    }

    #[test]
    fn histories_of_any_size_are_fitted_or_refused(people in prop::collection::vec(possible_history(), 10..40)) {
        let histories = Histories::new(&people).unwrap();
        if let Ok(fit) = BgNbd::fit(&histories) { prop_assert!(finite(&said(&fit, &people[0]))); }
        if let Ok(fit) = MbgNbd::fit(&histories) { prop_assert!(finite(&said(&fit, &people[0]))); }
        if let Ok(fit) = ParetoNbd::fit(&histories) { prop_assert!(finite(&said(&fit, &people[0]))); }
        let later: Vec<u32> = people.iter().map(|it| it.frequency % 4).collect();
        let _ = Choice::between(&people, &later, 10.0);
    }

    #[test]
    fn absurd_lives_that_end_are_fitted_or_refused(people in prop::collection::vec(possible_history(), 10..16)) {
        GGompertzNbd::fit(&Histories::new(&people).unwrap()).iter().for_each(sane);
    }

    #[test]
    fn what_a_sound_model_says_is_finite(history in possible_history(), horizon in prop_oneof![Just(0.0), Just(1e-9), Just(1e9), 0.0..500.0]) {
        let models: [&dyn Buying; 4] = [
            &GGompertzNbd { r: 0.553, alpha: 10.578, b: 0.05, s: 0.606, beta: 0.6 },
            &ParetoNbd { r: 0.553, alpha: 10.578, s: 0.606, beta: 11.669 },
            &BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 },
            &MbgNbd { r: 0.525, alpha: 6.183, a: 1.0, b: 1.614 },
        ];
        for model in models {
            let alive = model.alive(&history);
            prop_assert!((0.0..=1.0).contains(&alive), "{}", alive);
            let expected = model.expected(&history, horizon);
            prop_assert!(expected.is_finite() && expected >= 0.0, "{}", expected);
            prop_assert!(model.probabilities(&history, horizon, 3).iter().all(|it| (0.0..=1.0).contains(it)));
        }
    }

    #[test]
    fn absurd_spending_and_contracts_are_fitted_or_refused(rows in prop::collection::vec((absurd(), absurd(), 0u32..12, any::<bool>()), 0..30)) {
        let spending: Vec<Spending> =
            rows.iter().map(|it| Spending { purchases: it.0, mean: it.1, weight: 1.0 }).collect();
        GammaGamma::fit(&spending).iter().for_each(sane);
        let contracts: Vec<Contract> =
            rows.iter().map(|it| Contract { renewals: it.2, cancelled: it.3, weight: it.0 }).collect();
        Sbg::fit(&contracts).iter().for_each(sane);
        let _ = Contract::of_survivors(&rows.iter().map(|it| it.0).collect::<Vec<_>>());
        let chances: Vec<Chances> = rows
            .iter()
            .map(|it| Chances { frequency: it.2 / 2, recency: it.2, chances: 12, weight: it.1 })
            .collect();
        BgBb::fit(&chances).iter().for_each(sane);
        let purchases: Vec<Purchase> =
            rows.iter().map(|it| Purchase { customer: it.2, time: it.0, amount: it.1 }).collect();
        let _ = Summary::of(&purchases, 1.0, 7.0, 50.0);
    }
}

proptest! {
    // Few: a fit that is refused at last may cost a second.
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn absurd_rhythms_are_fitted_or_refused(people in prop::collection::vec(possible_history(), 10..12), logs in absurd(), odd: bool) {
        let rhythm = |history: &History| {
            let x = f64::from(history.frequency);
            let even = if x > 0.0 { x * (history.recency / x).ln() - x * 0.3 } else { 0.0 };
            Rhythm { history: *history, logs: if odd { logs } else { even }, weight: 1.0 }
        };
        let rhythms: Vec<Rhythm> = people.iter().map(rhythm).collect();
        if odd {
            ParetoGgg::fit(&rhythms).iter().for_each(sane);
        } else {
            let model = ParetoGgg { t: 3.0, gamma: 1.2, r: 1.2, alpha: 6.0, s: 0.8, beta: 20.0 };
            prop_assert!(model.regularity(&rhythms[0]).is_finite());
            let outlook = model.outlook(&rhythms[0], 10.0, 3);
            let chances = outlook.probabilities.iter().chain([&outlook.alive, &model.alive(&rhythms[0])]).all(|it| (0.0..=1.0).contains(it));
            prop_assert!(outlook.expected.is_finite() && chances, "{:?}", outlook);
        }
        let few = Sampling { draws: 10, warm_up: 10, seed: 1 };
        if let Ok(chains) = Chains::<MbgNbd>::of(&Histories::new(&people).unwrap(), &few) {
            prop_assert!(chains.posterior.models.iter().all(|it| it.0.parameters().iter().all(|it| it.is_finite())));
        }
    }
}

/// Numbers between 0 and 1, one after another.
fn chances_by_turns() -> impl FnMut() -> f64 {
    let mut last = 0.37f64;
    move || {
        last = (last * 9_301.0 + 0.492_97).fract();
        last
    }
}

/// The count at which the sum of these probabilities passes `at`.
fn counted(probabilities: &[f64], at: f64) -> u32 {
    let mut sum = 0.0;
    let passes = |it: &f64| {
        sum += it;
        sum > at
    };
    probabilities.iter().position(passes).unwrap_or(probabilities.len()) as u32
}

/// Who buys by a clock and who leaves sooner with time is found out by what followed; the plain models are judged as by `Choice`.
#[test]
fn the_contest_finds_the_way_people_are() {
    // Weekly buyers who are late are gone: by their gaps this is known, and by histories it is not.
    let clock = ParetoGgg { t: 5.0, gamma: 0.6, r: 3.0, alpha: 4.0, s: 1.5, beta: 25.0 };
    let all = simulated_pareto_ggg(&clock, 400, (60.0, 60.0), 5);
    let histories: Vec<History> = all.iter().map(|it| it.history).collect();
    let logs: Vec<f64> = all.iter().map(|it| it.logs).collect();
    // What follows, drawn by the model that they behave by, for the same people.
    let mut next = chances_by_turns();
    let later: Vec<u32> = all.iter().map(|it| counted(&clock.outlook(it, 12.0, 60).probabilities, next())).collect();
    let known = Known { logs: Some(&logs), ..Known::of(&histories) };
    let ways = known.ways();
    assert_eq!(ways.len(), 5, "three plain ones, one that leaves sooner, one by a clock");
    let contest = Contest::among(&ways, &known, &later, 12.0).unwrap();
    assert_eq!(contest.way(), Way::ParetoGgg, "{:?}", contest.entries);
    // Oracle: the choice among plain models has the same scores.
    let choice = Choice::between(&histories, &later, 12.0).unwrap();
    for (entry, candidate) in contest.entries.iter().zip(&choice.candidates) {
        assert_eq!(entry.way, Way::Plain(candidate.kind));
        assert_eq!(entry.outcome.as_ref().map(|it| it.1), candidate.outcome.as_ref().map(|it| it.1));
    }
    // One number of everybody says no more than what the model itself says of them.
    let Learnt::ParetoGgg(model) = contest.entries[contest.best].outcome.as_ref().unwrap().0 else { unreachable!() };
    let (learnt, person) = (Learnt::ParetoGgg(model), known.person(3));
    let outlook = model.outlook(&all[3], 12.0, 4);
    assert_eq!(learnt.alive(&person), model.alive(&all[3]));
    assert_eq!(learnt.expected(&person, 12.0), outlook.expected);
    assert_eq!(learnt.probabilities(&person, 12.0, 4), outlook.probabilities);
    let worth = learnt.discounted(&person, 3.0, 4, 0.0);
    assert!((worth - outlook.expected).abs() < 1e-9 * (1.0 + worth), "without a discount it is what is expected");
}

/// With what is known from the start the better model is taken; and what it says of somebody is what the model of somebody with these covariates says.
#[test]
fn the_contest_takes_what_is_known_from_the_start() {
    let slow = ParetoNbd { r: 3.0, alpha: 20.0, s: 0.9, beta: 30.0 };
    let people = |alpha, seed| simulated_pareto_nbd(&ParetoNbd { alpha, ..slow }, 300, (20.0, 20.0), seed);
    let histories = [people(20.0, 3), people(2.0, 4)].concat();
    let covariates: Vec<Vec<f64>> = (0..600).map(|at| vec![f64::from(u8::from(at >= 300))]).collect();
    let truth = |at: usize| ParetoNbd { alpha: if at < 300 { 20.0 } else { 2.0 }, ..slow };
    let mut next = chances_by_turns();
    let drawn = |(at, it): (usize, &History)| counted(&truth(at).probabilities(it, 20.0, 300), next());
    let later: Vec<u32> = histories.iter().enumerate().map(drawn).collect();
    let known = Known { covariates: Some(&covariates), ..Known::of(&histories) };
    let contest = Contest::among(&known.ways(), &known, &later, 20.0).unwrap();
    assert!(matches!(contest.way(), Way::Described(_)), "{:?}", contest.entries);
    for entry in &contest.entries {
        let Ok((Learnt::ParetoNbdBy(found), _)) = &entry.outcome else { continue };
        let own = found.of(&[1.0]);
        assert_eq!(found.by(&found.fit.model, &[1.0]), own);
        let posterior = found.posterior(&histories, &covariates, 100, 3).unwrap();
        let between = posterior.interval(|it| found.by(it, &[1.0]).expected_new(9.0));
        assert!(posterior.worth > 20.0 && between.holds(own.expected_new(9.0)), "{between:?}");
        let learnt = Learnt::ParetoNbdBy(found.clone());
        let person = known.person(400);
        assert_eq!(learnt.alive(&person), own.alive(&histories[400]));
        assert_eq!(learnt.expected(&person, 9.0), own.expected(&histories[400], 9.0));
        assert_eq!(learnt.probabilities(&person, 9.0, 3), own.probabilities(&histories[400], 9.0, 3));
        assert_eq!(learnt.discounted(&person, 3.0, 3, 0.01), own.discounted(&histories[400], 3.0, 3, 0.01));
    }
    let refused = |known: Known<'_>, ways: &[Way], later: &[u32], horizon| {
        Contest::among(ways, &known, later, horizon).unwrap_err()
    };
    let plain = Known::of(&histories);
    assert!(matches!(refused(plain, &plain.ways(), &later[1..], 20.0), Fault::Shape { .. }));
    assert!(matches!(refused(plain, &plain.ways(), &later, f64::NAN), Fault::NotIdentified { .. }));
    assert!(matches!(refused(plain, &[], &later, 20.0), Fault::TooFew { .. }));
    assert!(matches!(refused(plain, &[Way::ParetoGgg], &later, 20.0), Fault::NotIdentified { .. }));
    assert!(matches!(refused(Known { logs: Some(&[1.0]), ..plain }, &plain.ways(), &later, 20.0), Fault::Shape { .. }));
    let short = Known { covariates: Some(&covariates[1..]), ..plain };
    assert!(matches!(refused(short, &plain.ways(), &later, 20.0), Fault::Shape { .. }));
}
