//! Purchases, or a row a customer, as histories to a day, and what followed that day.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_models::Fault;
use rapport_models::buying::{self, History, Purchase, Rhythm, Summary, regularity};

use super::ClvArgs;
use super::kept::Kept;
use crate::cli::models::factors::{self, Factors};
use crate::cli::models::input::{Data, Need};
use crate::cli::models::purchases::Purchases;
use crate::cli::models::wording;

/// Weeks are what times are told in.
const WEEK: f64 = 7.0;

/// What is known of customers.
pub struct Known {
    pub data: Data,
    /// The columns that were used.
    pub columns: Vec<String>,
    /// The customers' ids.
    pub customers: Vec<String>,
    /// What they did, with amounts.
    pub summaries: Vec<Summary>,
    /// And without.
    pub histories: Vec<History>,
    /// What is known of them from the start.
    pub described: Option<Described>,
    /// Whether amounts are known.
    pub amounts: bool,
    /// The length of a unit of time, in days.
    pub unit: f64,
    /// What followed the last day that is learnt from.
    pub later: Option<Later>,
    /// Single purchases, and what they tell; nothing of a row a customer.
    single: Option<Single>,
}

/// Single purchases.
struct Single {
    purchases: Vec<Purchase>,
    until: f64,
    /// The sum of the logarithms of the gaps of each customer.
    logs: Vec<f64>,
}

/// What is known of customers from the start.
pub struct Described {
    /// Which columns it comes from.
    pub factors: Factors,
    /// Of all customers of the file, in the order of their places.
    all: Vec<Vec<f64>>,
    /// Of those who are known already.
    of: Vec<Vec<f64>>,
}

/// What followed.
pub struct Later {
    /// On how many days each bought.
    pub counts: Vec<u32>,
    /// For how much.
    pub amounts: Vec<f64>,
    /// In how many units of time.
    pub length: f64,
}

/// What was known at two thirds of the time, and what followed it.
pub struct Split {
    histories: Vec<History>,
    logs: Vec<f64>,
    covariates: Option<Vec<Vec<f64>>>,
    /// How often each bought in what followed.
    pub later: Vec<u32>,
    /// How long that was.
    pub length: f64,
    /// How regularly people bought before, where that can be told.
    pub regularity: Result<rapport_models::Estimate, Fault>,
}

impl Split {
    /// What models may know.
    pub fn facts(&self) -> buying::Known<'_> {
        let covariates = self.covariates.as_deref();
        buying::Known { logs: Some(&self.logs), covariates, ..buying::Known::of(&self.histories) }
    }
}

/// Reads what the flags name.
pub fn read(args: &ClvArgs, mut data: Data, kept: Option<&Kept>) -> Result<Known> {
    let own = kept.and_then(|it| it.covariates.as_ref());
    let factors = match own {
        Some((factors, _)) => Some(factors.placed(&mut data)?),
        None if args.covariates.is_empty() => None,
        // Every other column would be one of the flags' as well.
        None if args.covariates == ["all"] => bail!("say which columns are covariates with --covariates"),
        None => Some(factors::choose(&mut data, "covariates", &args.covariates, &[])?),
    };
    let mut known =
        if args.frequency.is_some() { summarised(args, data, factors)? } else { single(args, data, factors)? };
    if let Some(described) = &known.described {
        known.columns.extend(described.factors.names());
        if own.is_none() {
            described.differs()?;
        }
    }
    Ok(known)
}

impl Described {
    /// Of rows with the places of their customers; every customer has one value of each.
    fn read(data: &Data, factors: Factors, who: &[usize], customers: usize) -> Result<Self> {
        let columns = factors.columns(data)?;
        let mut first = vec![None; customers];
        for (row, at) in who.iter().enumerate() {
            first[*at].get_or_insert(row);
        }
        let before = |row: usize| first[who[row]].unwrap_or(row);
        for (label, column) in factors.labels().iter().zip(&columns) {
            let odd: Vec<usize> = (0..who.len()).filter(|row| column[*row] != column[before(*row)]).collect();
            if !odd.is_empty() {
                bail!(
                    "{}: {label} is another than in an earlier row of the same customer, and a covariate has one value a customer",
                    data.lines(&odd)
                );
            }
        }
        let row = |at: &Option<usize>| columns.iter().map(|it| at.map_or(0.0, |at| it[at])).collect();
        let all: Vec<Vec<f64>> = first.iter().map(row).collect();
        Ok(Self { factors, of: all.clone(), all })
    }

    /// Whether each is different for some customers: the same of all explains nothing.
    fn differs(&self) -> Result<()> {
        for (at, label) in self.factors.labels().iter().enumerate() {
            if self.of.iter().all(|it| it[at] == self.of[0][at]) {
                bail!("the covariate {label} is the same for all customers");
            }
        }
        Ok(())
    }
}

/// A row a purchase.
fn single(args: &ClvArgs, mut data: Data, factors: Option<Factors>) -> Result<Known> {
    let bought = Purchases::read(&mut data, (args.customer.as_ref(), args.date.as_ref()), |data| {
        match data.find("amount", args.amount.as_ref(), Some(Field::LineTotal), &[])? {
            None => data.find("amount", None, Some(Field::OrderTotal), &["dollar_value"]),
            found => Ok(found),
        }
    })?;
    let (until, last) = until(args, &mut data, &bought)?;
    let Purchases { all: purchases, names, columns, amounts, .. } = bought;
    let fault = |fault: Fault| data.fault(&fault, &[]);
    let all = Summary::of(&purchases, 1.0, WEEK, until).map_err(fault)?;
    let rhythms = Rhythm::of(&purchases, 1.0, WEEK, until).map_err(fault)?;
    let kept: Vec<usize> = (0..all.len()).filter(|at| all[*at].is_some()).collect();
    if kept.is_empty() {
        bail!(
            "nobody bought before the end of {}; choose a later day with --until",
            args.until.as_deref().unwrap_or("")
        );
    }
    if kept.len() < names.len() {
        data.notes.push(format!("{} customers came after --until and are not known yet.", names.len() - kept.len()));
    }
    let who: Vec<usize> = purchases.iter().map(|it| it.customer as usize).collect();
    let described = factors.map(|it| Described::read(&data, it, &who, names.len())).transpose()?;
    let described = described.map(|it| Described { of: kept.iter().map(|at| it.all[*at].clone()).collect(), ..it });
    let later = (last > until).then(|| followed(&purchases, names.len(), &kept, (until, last)));
    let summaries: Vec<Summary> = all.into_iter().flatten().collect();
    let logs = rhythms.into_iter().flatten().map(|it| it.logs).collect();
    Ok(Known {
        columns,
        customers: kept.iter().map(|at| names[*at].clone()).collect(),
        histories: summaries.iter().map(|it| it.history).collect(),
        summaries,
        described,
        amounts,
        unit: WEEK,
        later,
        single: Some(Single { purchases, until, logs }),
        data,
    })
}

/// The end of what is learnt from, and that of the last day.
pub fn until(args: &ClvArgs, data: &mut Data, bought: &Purchases) -> Result<(f64, f64)> {
    let last = bought.end();
    match &args.until {
        Some(text) => Ok((bought.until(text)?, last)),
        None => {
            data.notes.push(
                "All days are learnt from; --until DAY keeps the later ones to judge the forecast by.".to_owned(),
            );
            Ok((last, last))
        }
    }
}

fn followed(purchases: &[Purchase], customers: usize, kept: &[usize], (from, to): (f64, f64)) -> Later {
    let mut days = vec![BTreeSet::new(); customers];
    let mut amounts = vec![0.0; customers];
    for it in purchases.iter().filter(|it| it.time >= from) {
        days[it.customer as usize].insert(it.time.floor().to_bits());
        amounts[it.customer as usize] += it.amount;
    }
    Later {
        counts: kept.iter().map(|at| days[*at].len() as u32).collect(),
        amounts: kept.iter().map(|at| amounts[*at]).collect(),
        length: (to - from) / WEEK,
    }
}

/// A row a customer.
fn summarised(args: &ClvArgs, mut data: Data, factors: Option<Factors>) -> Result<Known> {
    let frequency = data.column("frequency", args.frequency.as_ref(), None, &[])?;
    let recency = data.column("recency", args.recency.as_ref(), None, &[])?;
    let Some(age) = &args.age else {
        bail!("say how long customers are known with --age, or how many chances they had with --chances (for BG/BB)");
    };
    let age = data.named("age", age)?;
    let customer = data.find("customer", args.customer.as_ref(), Some(Field::CustomerId), &["id"])?;
    let amount = data.optional("amount", args.amount.as_ref())?;
    let mut needs = vec![(frequency, Need::NotNegative), (recency, Need::NotNegative), (age, Need::NotNegative)];
    needs.extend(customer.map(|it| (it, Need::Unique)));
    needs.extend(amount.map(|it| (it, Need::Number)));
    data.require(&needs)?;
    let (x, t_x, t) = (data.counts(frequency, 1e9)?, data.numbers(recency), data.numbers(age));
    let amounts = amount.map(|it| data.numbers(it));
    let summary = |row: usize| {
        let history = History { frequency: x[row] as u32, recency: t_x[row], age: t[row] };
        let mean = amounts.as_ref().map_or(0.0, |it| it[row]);
        Summary { history, first: mean, again: mean, mean }
    };
    let customers = data.called(customer);
    data.notes.push("Times are taken for weeks.".to_owned());
    let who: Vec<usize> = (0..x.len()).collect();
    let described = factors.map(|it| Described::read(&data, it, &who, x.len())).transpose()?;
    let columns = [Some(frequency), Some(recency), Some(age), amount];
    let summaries: Vec<Summary> = (0..x.len()).map(summary).collect();
    Ok(Known {
        columns: columns.into_iter().flatten().map(|it| data.name(it).to_owned()).collect(),
        customers,
        histories: summaries.iter().map(|it| it.history).collect(),
        summaries,
        described,
        amounts: amount.is_some(),
        unit: WEEK,
        later: None,
        single: None,
        data,
    })
}

impl Known {
    /// What is known from the start; nothing where nothing is.
    pub fn covariates(&self) -> &[Vec<f64>] {
        self.described.as_ref().map_or(&[], |it| &it.of)
    }

    /// What models may know.
    pub fn facts(&self) -> buying::Known<'_> {
        let logs = self.single.as_ref().map(|it| &it.logs[..]);
        let covariates = self.described.as_ref().map(|it| &it.of[..]);
        buying::Known { logs, covariates, ..buying::Known::of(&self.histories) }
    }

    /// Every so many customers with how regularly they bought; `None` without single purchases.
    pub fn rhythms(&self, step: usize) -> Option<Vec<Rhythm>> {
        let logs = &self.single.as_ref()?.logs;
        let one = |(history, logs): (&History, &f64)| Rhythm { history: *history, logs: *logs, weight: 1.0 };
        Some(self.histories.iter().zip(logs).step_by(step.max(1)).map(one).collect())
    }

    /// What was known after the first two thirds of the time, and how often each bought in the last; `None` without single purchases.
    pub fn split(&self) -> Result<Option<Split>> {
        let Some(Single { purchases, until, .. }) = &self.single else { return Ok(None) };
        let first = purchases.iter().map(|it| it.time.floor()).fold(f64::INFINITY, f64::min);
        let cut = (first + (until - first) * 2.0 / 3.0).floor();
        let customers = purchases.iter().map(|it| it.customer as usize + 1).max().unwrap_or(0);
        let all = Rhythm::of(purchases, 1.0, WEEK, cut).map_err(|fault| self.fault(&fault))?;
        let kept: Vec<usize> = (0..all.len()).filter(|at| all[*at].is_some()).collect();
        let seen: Vec<Purchase> = purchases.iter().filter(|it| it.time < *until).copied().collect();
        let later = followed(&seen, customers, &kept, (cut, *until));
        let before: Vec<Purchase> = seen.iter().filter(|it| it.time < cut).copied().collect();
        let covariates =
            self.described.as_ref().map(|it| kept.iter().map(|at| it.all[*at].clone()).collect::<Vec<_>>());
        let enough = !kept.is_empty() && later.length > 0.0;
        let rhythms: Vec<Rhythm> = all.into_iter().flatten().collect();
        Ok(enough.then(|| Split {
            histories: rhythms.iter().map(|it| it.history).collect(),
            logs: rhythms.iter().map(|it| it.logs).collect(),
            covariates,
            later: later.counts,
            length: later.length,
            regularity: regularity(&before, 1.0),
        }))
    }

    /// Tells where purchases are so regular that models that take them for random take late customers too easily for present.
    pub fn regularity(&mut self) {
        if let Some(Single { purchases, .. }) = &self.single
            && let Ok(found) = regularity(purchases, 1.0)
            && found.low > 1.0
        {
            self.data.notes.push(format!(
                "Purchases are more regular than chance (k = {:.2}): who is late is gone more surely than P(alive) says.",
                found.value
            ));
        }
    }

    /// A fault of customers, as a sentence.
    pub fn fault(&self, fault: &Fault) -> anyhow::Error {
        if self.single.is_none() {
            return self.data.fault(fault, &[]);
        }
        let rows = match fault {
            Fault::NotFinite { row } | Fault::Negative { row } | Fault::OutOfOrder { row } => row,
            other => return anyhow::anyhow!("{other}"),
        };
        let named: Vec<&str> =
            rows.iter().take(5).filter_map(|at| self.customers.get(*at)).map(String::as_str).collect();
        anyhow::anyhow!("{fault} These are the customers {}.", wording::and(&named))
    }
}
