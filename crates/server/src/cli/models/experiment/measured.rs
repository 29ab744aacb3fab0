//! Outcomes in each group: as they are, less what a covariate explains, or within strata.

use anyhow::{Result, bail};
use rapport_models::experiments::{
    Arm, Baseline, Better, Cuped, Effect, Estimand, LEAST_UNITS, Moments, Paired, PostStratified, Stratum, Undecidable,
};

use super::{Arms, is_boolean};
use crate::cli::models::input::Data;
use crate::cli::models::report::percent;

/// What takes noise out: one covariate an outcome, or the column of strata.
pub struct Adjusted {
    pub covariates: Vec<usize>,
    pub strata: Option<usize>,
}

/// An outcome against the control.
pub struct Outcome {
    pub name: String,
    pub better: Better,
    /// What a plan begins with: the control.
    pub baseline: Baseline,
    /// Each group but the control.
    pub against: Vec<Against>,
}

/// A group against the control.
pub struct Against {
    pub arm: usize,
    /// The group's mean and the control's.
    pub means: (f64, f64),
    pub effect: Result<Effect, Undecidable>,
    /// The share of the effect's variance that strata take out.
    pub taken_out: Option<f64>,
}

/// Who is in which stratum.
struct Strata {
    column: String,
    names: Vec<String>,
    codes: Vec<u32>,
}

impl Strata {
    fn of(data: &Data, place: usize) -> Result<Self> {
        let (codes, names) = data.codes(place);
        let column = data.name(place).to_owned();
        if names.len() < 2 {
            bail!("{column} is the same in all rows, so it makes no strata");
        }
        Ok(Self { column, names, codes })
    }
}

/// All outcomes; `less` are those of which less is better.
pub fn all(
    data: &mut Data,
    arms: &Arms,
    (outcomes, less): (&[usize], &[usize]),
    adjusted: &Adjusted,
    estimand: Estimand,
) -> Result<Vec<Outcome>> {
    let strata = match adjusted.strata {
        Some(place) => Some(Strata::of(data, place)?),
        None => None,
    };
    let mut found = Vec::new();
    let mut notes = Vec::new();
    for (at, place) in outcomes.iter().enumerate() {
        let (baseline, against) = match &strata {
            Some(strata) => stratified(data, arms, *place, strata, estimand, &mut notes)?,
            None => plain(data, arms, *place, adjusted.covariates.get(at).copied(), estimand)?,
        };
        let better = if less.contains(place) { Better::Lower } else { Better::Higher };
        found.push(Outcome { name: data.name(*place).to_owned(), better, baseline, against });
    }
    data.notes.extend(notes);
    Ok(found)
}

/// The values of an outcome: numbers, or yes and no as 1 and 0.
fn values(data: &Data, place: usize) -> Vec<f64> {
    if is_boolean(data, place) {
        let one = |it: Option<&str>| f64::from(u8::from(it.and_then(rapport_imports::values::boolean) == Some(true)));
        return data.table.column(place).ids().into_iter().map(one).collect();
    }
    data.numbers(place)
}

fn told(data: &Data, arms: &Arms, place: usize, arm: usize, why: Undecidable) -> anyhow::Error {
    anyhow::anyhow!("{} in the group {}: {why}", data.name(place), arms.names[arm])
}

fn plain(
    data: &mut Data,
    arms: &Arms,
    place: usize,
    covariate: Option<usize>,
    estimand: Estimand,
) -> Result<(Baseline, Vec<Against>)> {
    let y = values(data, place);
    let shares = covariate.is_none() && y.iter().all(|it| *it == 0.0 || *it == 1.0);
    let own = match covariate {
        Some(covariate) => adjusted(data, arms, (place, &y), covariate)?,
        None => means(data, arms, (place, &y), shares)?,
    };
    let control = own[arms.control];
    let against = |(arm, treatment): (usize, &Arm)| Against {
        arm,
        means: (treatment.mean(), control.mean()),
        effect: Effect::between(treatment, &control, estimand),
        taken_out: None,
    };
    let baseline = match shares {
        true => Baseline::Proportion(control.mean()),
        false => Baseline::Mean { mean: control.mean(), variance: control.variance() },
    };
    Ok((baseline, own.iter().enumerate().filter(|it| it.0 != arms.control).map(against).collect()))
}

/// Each group as it is.
fn means(data: &Data, arms: &Arms, (place, y): (usize, &[f64]), shares: bool) -> Result<Vec<Arm>> {
    let of = |arm: usize| (0..y.len()).filter(move |row| arms.codes[*row] as usize == arm);
    let one = |arm: usize| {
        let (n, sum) = of(arm).fold((0u64, 0.0), |(n, sum), row| (n + 1, sum + y[row]));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of zeros and ones")]
        let found = match shares {
            true => Arm::proportion(sum as u64, n),
            false => Moments { n, sum, squares: of(arm).map(|row| y[row] * y[row]).sum() }.arm(),
        };
        found.map_err(|why| told(data, arms, place, arm, why))
    };
    (0..arms.names.len()).map(one).collect()
}

/// Each group less what the covariate explains.
fn adjusted(data: &mut Data, arms: &Arms, (place, y): (usize, &[f64]), covariate: usize) -> Result<Vec<Arm>> {
    let x = data.numbers(covariate);
    let mut pairs = vec![Paired::default(); arms.names.len()];
    for (row, (y, x)) in y.iter().zip(&x).enumerate() {
        let own = &mut pairs[arms.codes[row] as usize];
        *own = own.merged(Paired { n: 1, y: *y, yy: y * y, x: *x, xx: x * x, xy: x * y });
    }
    let cuped = Cuped::over(&pairs).map_err(|why| told(data, arms, place, arms.control, why))?;
    let one = |(arm, it): (usize, &Paired)| cuped.arm(it).map_err(|why| told(data, arms, place, arm, why));
    let found = pairs.iter().enumerate().map(one).collect::<Result<Vec<Arm>>>()?;
    let note = format!(
        "{} takes {} of the variance of {} out.",
        data.name(covariate),
        percent(cuped.reduction),
        data.name(place)
    );
    data.notes.push(note);
    Ok(found)
}

/// Each group against the control within strata.
fn stratified(
    data: &Data,
    arms: &Arms,
    place: usize,
    strata: &Strata,
    estimand: Estimand,
    notes: &mut Vec<String>,
) -> Result<(Baseline, Vec<Against>)> {
    let y = values(data, place);
    let mut moments = vec![vec![Moments::default(); strata.names.len()]; arms.names.len()];
    for (row, y) in y.iter().enumerate() {
        let own = &mut moments[arms.codes[row] as usize][strata.codes[row] as usize];
        *own = own.merged(Moments { n: 1, sum: *y, squares: y * y });
    }
    let whole = |arm: usize| {
        let all = moments[arm].iter().copied().fold(Moments::default(), Moments::merged);
        all.arm().map_err(|why| told(data, arms, place, arm, why))
    };
    let control = whole(arms.control)?;
    let mut baseline = Baseline::Mean { mean: control.mean(), variance: control.variance() };
    let mut against = Vec::new();
    for arm in (0..arms.names.len()).filter(|it| *it != arms.control) {
        let treatment = whole(arm)?;
        let parts: Vec<Stratum> = (0..strata.names.len())
            .map(|at| Stratum {
                population: moments.iter().map(|it| it[at].n).sum(),
                treatment: moments[arm][at],
                control: moments[arms.control][at],
            })
            .collect();
        let mut one = Against {
            arm,
            means: (treatment.mean(), control.mean()),
            effect: Err(Undecidable::TooFew),
            taken_out: None,
        };
        match PostStratified::over(&parts, estimand) {
            Ok(found) => {
                baseline = Baseline::Mean { mean: found.control, variance: found.variance };
                one.means = (found.treatment, found.control);
                one.taken_out = Effect::between(&treatment, &control, estimand)
                    .ok()
                    .map(|it| 1.0 - (found.effect.standard_error / it.standard_error).powi(2));
                one.effect = Ok(found.effect);
                let note = noted(&arms.names[arm], strata, &found);
                // Which strata are merged depends on the groups alone, and is the same for all outcomes.
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
            Err(why) => one.effect = Err(why),
        }
        against.push(one);
    }
    Ok((baseline, against))
}

/// Which strata stand for themselves, and which do not.
fn noted(arm: &str, strata: &Strata, found: &PostStratified) -> String {
    /// So many are named; the others are counted.
    const NAMED: usize = 10;
    let column = &strata.column;
    if found.merged.is_empty() {
        return format!("{arm} is compared with the control within {} strata of {column}.", found.strata);
    }
    let named: Vec<&str> = found.merged.iter().take(NAMED).map(|it| strata.names[*it].as_str()).collect();
    let more = match found.merged.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let merged = format!(
        "{}{more}, as {arm} or the control has fewer than {LEAST_UNITS} customers in one of them",
        named.join(", ")
    );
    if found.strata == 1 {
        return format!(
            "Warning: no stratum of {column} stands for itself, so that {arm} has its plain difference. Merged are {merged}."
        );
    }
    format!(
        "{arm} is compared with the control within {} strata of {column}; merged into one are {merged}.",
        found.strata
    )
}
