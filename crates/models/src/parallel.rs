//! Work that is divided among threads where that pays: samples drawn again, folds, trees, splits, rows of a turn.
//!
//! Always holds: what comes out is the same in every bit however many threads there are. Tasks have their own chance, by their number, and come back in
//! their order; sums over them are taken afterwards, one after the other.

use rayon::prelude::*;

/// The steps (a row of one column that is looked at, about a nanosecond) from which on threads pay: waking them takes some tens of microseconds, and this is
/// about a millisecond (docs/decisions/0061).
pub(crate) const PAYS: usize = 1_000_000;

/// What each task gives, in their order; a task takes about so many `steps`.
pub(crate) fn mapped<T: Send>(tasks: usize, steps: usize, of: impl Fn(usize) -> T + Send + Sync) -> Vec<T> {
    if pays(tasks, steps) { (0..tasks).into_par_iter().map(of).collect() } else { (0..tasks).map(of).collect() }
}

/// The same for parts of `values` of `size` each, the last maybe smaller, which a task may change; it is told which part it has.
pub(crate) fn over_parts<V: Send, T: Send>(
    values: &mut [V],
    size: usize,
    steps: usize,
    of: impl Fn(usize, &mut [V]) -> T + Send + Sync,
) -> Vec<T> {
    let size = size.max(1);
    if pays(values.len().div_ceil(size), steps) {
        values.par_chunks_mut(size).enumerate().map(|(at, part)| of(at, part)).collect()
    } else {
        values.chunks_mut(size).enumerate().map(|(at, part)| of(at, part)).collect()
    }
}

fn pays(tasks: usize, steps: usize) -> bool {
    tasks > 1 && tasks.saturating_mul(steps) >= PAYS && rayon::current_num_threads() > 1
}

/// What something gives on so many threads: for tests that it is the same.
#[cfg(test)]
pub(crate) fn on_threads<T: Send>(threads: usize, of: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buying::{BgNbd, Histories, simulated_bg_nbd};
    use crate::recommend::{self, Als, AlsOptions, Interaction};
    use crate::survey::Confidence;
    use crate::survey::drivers::Answers;

    /// Models of samples drawn again, and turns of ALS.
    #[test]
    fn one_thread_and_two_find_the_same_in_every_bit() {
        let truth = BgNbd { r: 0.8, alpha: 6.0, a: 0.8, b: 2.4 };
        let histories = Histories::new(&simulated_bg_nbd(&truth, 400, (30.0, 60.0), 3)).unwrap();
        let fit = BgNbd::fit(&histories).unwrap();
        let row = |at: usize| vec![(at % 7) as f64, (at * at % 11) as f64, (at % 7 + at % 3 + at % 5) as f64];
        let person = |at: usize| (Some(row(at)[2]), row(at)[..2].iter().map(|it| Some(*it)).collect());
        let answers = Answers::new((0..2_000).map(person));
        let pair = |at: u32| Interaction { person: at / 4, item: at * at % 23, weight: f64::from(1 + at % 3) };
        let taken = recommend::Histories::of(&(0..4_000).map(pair).collect::<Vec<_>>(), 1_000, 23).unwrap();
        let options = AlsOptions { turns: 3, ..AlsOptions::default() };
        let all = || {
            let again = fit.bootstrap(histories.groups(), 8, 5);
            let drivers = answers.drivers(Confidence::default(), 300, 5).unwrap();
            (again, drivers, Als::fit(&taken, &options).unwrap())
        };
        let (one, two) = (on_threads(1, all), on_threads(2, all));
        assert!(one.0.len() > 4 && one == two);
    }

    #[test]
    fn tasks_come_back_in_their_order_on_any_number_of_threads() {
        let who = |at: usize| (at, rayon::current_thread_index().is_some());
        for threads in [1, 2, 3] {
            let found = on_threads(threads, || mapped(1_000, PAYS, who));
            assert!(found.iter().enumerate().all(|(at, it)| it.0 == at));
            let mut values: Vec<usize> = (0..1_001).collect();
            let sums = on_threads(threads, || {
                over_parts(&mut values, 10, PAYS, |at, part| {
                    part.iter_mut().for_each(|it| *it += at);
                    part.iter().sum::<usize>()
                })
            });
            assert_eq!((sums.len(), values[1_000], values[999]), (101, 1_100, 1_098));
            assert_eq!(sums.iter().sum::<usize>(), values.iter().sum());
        }
        // Too little work stays where it is.
        assert_eq!(mapped(10, 1, |_| rayon::current_thread_index()), [None; 10]);
    }
}
