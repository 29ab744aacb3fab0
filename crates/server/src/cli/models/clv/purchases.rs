//! Purchases, or a row a customer, as histories to a day, and what followed that day.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_models::Fault;
use rapport_models::buying::{Group, History, Purchase, Summary, regularity};

use super::ClvArgs;
use crate::cli::models::input::{Data, Need};
use crate::cli::models::purchases::Purchases;
use crate::cli::models::report::Cell;
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
    /// And histories.
    pub summaries: Vec<Summary>,
    /// Whether amounts are known.
    pub amounts: bool,
    /// The length of a unit of time, in days.
    pub unit: f64,
    /// What followed the last day that is learnt from.
    pub later: Option<Later>,
    /// Models that were compared.
    pub tried: Vec<Vec<Cell>>,
    purchases: Vec<Purchase>,
    until: f64,
    /// The row of each customer, where there is one.
    single: bool,
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

/// Histories before a time, counts after it, and for how long.
type Split = (Vec<History>, Vec<u32>, f64);

pub fn history(group: &Group) -> History {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a whole number of purchases")]
    let frequency = group.x as u32;
    History { frequency, recency: group.t_x, age: group.t }
}

/// Reads what the flags name.
pub fn read(args: &ClvArgs) -> Result<Known> {
    let mut data = Data::open(&args.input)?;
    if args.frequency.is_some() {
        return summarised(args, data);
    }
    let bought = Purchases::read(&mut data, (args.customer.as_ref(), args.date.as_ref()), |data| {
        match data.find("amount", args.amount.as_ref(), Some(Field::LineTotal), &[])? {
            None => data.find("amount", None, Some(Field::OrderTotal), &["dollar_value"]),
            found => Ok(found),
        }
    })?;
    let last = bought.end();
    let until = match &args.until {
        Some(text) => bought.until(text)?,
        None => {
            data.notes.push(
                "All days are learnt from; --until DAY keeps the later ones to judge the forecast by.".to_owned(),
            );
            last
        }
    };
    let Purchases { all: purchases, names, columns, amounts, .. } = bought;
    let all = Summary::of(&purchases, 1.0, WEEK, until).map_err(|fault| data.fault(&fault, &[]))?;
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
    let later = (last > until).then(|| followed(&purchases, names.len(), &kept, (until, last)));
    Ok(Known {
        columns,
        customers: kept.iter().map(|at| names[*at].clone()).collect(),
        summaries: all.into_iter().flatten().collect(),
        amounts,
        unit: WEEK,
        later,
        tried: Vec::new(),
        purchases,
        until,
        single: false,
        data,
    })
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
fn summarised(args: &ClvArgs, mut data: Data) -> Result<Known> {
    let frequency = data.column("frequency", args.frequency.as_ref(), None, &[])?;
    let recency = data.column("recency", args.recency.as_ref(), None, &[])?;
    let age = data.column("age", args.age.as_ref(), None, &[])?;
    let customer = data.find("customer", args.customer.as_ref(), Some(Field::CustomerId), &["id"])?;
    let amount = args.amount.as_ref().map(|it| data.named("amount", it)).transpose()?;
    let mut needs = vec![(frequency, Need::NotNegative), (recency, Need::NotNegative), (age, Need::NotNegative)];
    needs.extend(customer.map(|it| (it, Need::Unique)));
    needs.extend(amount.map(|it| (it, Need::Number)));
    data.require(&needs)?;
    let (x, t_x, t) = (data.numbers(frequency), data.numbers(recency), data.numbers(age));
    let broken: Vec<usize> = (0..x.len()).filter(|row| x[*row] != x[*row].trunc() || x[*row] > 1e9).collect();
    if !broken.is_empty() {
        bail!("{}: {} is no whole number of purchases", data.lines(&broken), data.name(frequency));
    }
    let amounts = amount.map(|it| data.numbers(it));
    let summary = |row: usize| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "looked at just above")]
        let history = History { frequency: x[row] as u32, recency: t_x[row], age: t[row] };
        let mean = amounts.as_ref().map_or(0.0, |it| it[row]);
        Summary { history, first: mean, again: mean, mean }
    };
    let customers = match customer {
        Some(place) => data.texts(place),
        None => data.table.lines.iter().map(|line| format!("line {line}")).collect(),
    };
    data.notes.push("Times are taken for weeks.".to_owned());
    let columns = [Some(frequency), Some(recency), Some(age), amount];
    Ok(Known {
        columns: columns.into_iter().flatten().map(|it| data.name(it).to_owned()).collect(),
        customers,
        summaries: (0..x.len()).map(summary).collect(),
        amounts: amount.is_some(),
        unit: WEEK,
        later: None,
        tried: Vec::new(),
        purchases: Vec::new(),
        until: 0.0,
        single: true,
        data,
    })
}

impl Known {
    /// Histories of the first two thirds of the time, and how often each bought in the last; `None` without single purchases.
    pub fn split(&self) -> Result<Option<Split>> {
        if self.single {
            return Ok(None);
        }
        let first = self.purchases.iter().map(|it| it.time.floor()).fold(f64::INFINITY, f64::min);
        let cut = (first + (self.until - first) * 2.0 / 3.0).floor();
        let customers = self.purchases.iter().map(|it| it.customer as usize + 1).max().unwrap_or(0);
        let all = Summary::of(&self.purchases, 1.0, WEEK, cut).map_err(|fault| self.fault(&fault))?;
        let kept: Vec<usize> = (0..all.len()).filter(|at| all[*at].is_some()).collect();
        let seen: Vec<Purchase> = self.purchases.iter().filter(|it| it.time < self.until).copied().collect();
        let later = followed(&seen, customers, &kept, (cut, self.until));
        let enough = !kept.is_empty() && later.length > 0.0;
        let histories: Vec<History> = all.into_iter().flatten().map(|it| it.history).collect();
        Ok(enough.then_some((histories, later.counts, later.length)))
    }

    /// Tells where purchases are so regular that the models take late customers too easily for present.
    pub fn regularity(&mut self) {
        if let Ok(found) = regularity(&self.purchases, 1.0)
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
        if self.single {
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
