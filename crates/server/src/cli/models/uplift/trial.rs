//! Who was treated, and what came of it, out of a file.

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_models::Fault;
use rapport_models::learn::Outcome;
use rapport_models::uplift::Comparison;

use super::UpliftArgs;
use crate::cli::models::input::{Data, Need};

/// A trial's rows: of the control and of one treatment.
pub struct Trial {
    treated: Vec<bool>,
    came: Came,
    chances: Option<Vec<f64>>,
    /// The customers' ids.
    pub customers: Vec<String>,
    /// The columns that are no features.
    pub used: Vec<usize>,
}

/// What came of it.
enum Came {
    Class(Vec<bool>),
    Number(Vec<f64>),
}

impl Trial {
    /// Treated rows and controls.
    pub fn comparison(&self) -> Result<Comparison, Fault> {
        let outcome = match &self.came {
            Came::Class(it) => Outcome::Class(it),
            Came::Number(it) => Outcome::Number(it),
        };
        Comparison::new(&self.treated, outcome, self.chances.as_deref())
    }
}

/// Reads what the flags name; rows of other treatments are left out.
pub fn read(args: &UpliftArgs, data: &mut Data) -> Result<Trial> {
    let customer = data.find("customer", args.customer.as_ref(), Some(Field::CustomerId), &["id"])?;
    let words = ["treatment", "treated", "variant", "segment", "group", "arm"];
    let treatment = data.column("treatment", args.treatment.as_ref(), None, &words)?;
    let words = ["outcome", "converted", "conversion", "visit", "response"];
    let outcome = data.column("outcome", args.outcome.as_ref(), None, &words)?;
    let propensity = data.optional("propensity", args.propensity.as_ref())?;
    let mut needs = vec![(treatment, Need::Text)];
    needs.extend(customer.map(|it| (it, Need::Unique)));
    needs.extend(propensity.map(|it| (it, Need::Number)));
    needs.push((outcome, if is_boolean(data, outcome) { Need::Text } else { Need::Number }));
    data.require(&needs)?;
    let treated = arms(args, data, treatment)?;
    let came = came(data, outcome);
    let chances = propensity.map(|it| data.numbers(it));
    if let Some(chances) = &chances {
        let outside: Vec<usize> =
            (0..chances.len()).filter(|row| !(chances[*row] > 0.0 && chances[*row] < 1.0)).collect();
        if !outside.is_empty() {
            bail!("{}: a chance to be treated is above 0 and below 1", data.lines(&outside));
        }
    }
    let alike = match &came {
        Came::Class(it) => it.iter().all(|own| *own == it[0]),
        Came::Number(it) => it.iter().all(|own| *own == it[0]),
    };
    if alike {
        bail!("{} is the same in all rows; nothing can be learnt from it", data.name(outcome));
    }
    let used = [customer, Some(treatment), Some(outcome), propensity].into_iter().flatten().collect();
    Ok(Trial { treated, came, chances, customers: data.called(customer), used })
}

/// The ids of rows of which nothing else is asked.
pub fn customers(args: &UpliftArgs, data: &mut Data) -> Result<Vec<String>> {
    let customer = data.find("customer", args.customer.as_ref(), Some(Field::CustomerId), &["id"])?;
    data.require(&customer.map(|it| (it, Need::Unique)).into_iter().collect::<Vec<_>>())?;
    Ok(data.called(customer))
}

/// Whether a column is yes and no in words.
fn is_boolean(data: &Data, place: usize) -> bool {
    let ids = data.table.column(place).ids();
    let mut given = ids.into_iter().flatten().peekable();
    given.peek().is_some() && given.all(|it| rapport_imports::values::boolean(it).is_some())
}

fn came(data: &Data, place: usize) -> Came {
    if is_boolean(data, place) {
        let one = |it: &String| rapport_imports::values::boolean(it) == Some(true);
        return Came::Class(data.texts(place).iter().map(one).collect());
    }
    let numbers = data.numbers(place);
    if numbers.iter().all(|it| *it == 0.0 || *it == 1.0) {
        return Came::Class(numbers.iter().map(|it| *it == 1.0).collect());
    }
    Came::Number(numbers)
}

/// Who was treated.
fn arms(args: &UpliftArgs, data: &mut Data, place: usize) -> Result<Vec<bool>> {
    let names: Vec<String> = data.counted(place).into_keys().collect();
    let column = data.name(place).to_owned();
    if names.len() < 2 {
        bail!("{column} is the same in all rows; it takes treated rows and a control");
    }
    if names.len() > 20 {
        bail!("{column} has {} different values; choose the column of who was treated with --treatment", names.len());
    }
    let control = control(args, data, &column, &names)?;
    let others: Vec<&String> = names.iter().filter(|it| **it != control).collect();
    let all = || others.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
    let arm = match &args.arm {
        Some(name) if others.contains(&name) => name.clone(),
        Some(name) => bail!("--arm {name}: beside the control {column} is {}", all()),
        None if others.len() == 1 => others[0].clone(),
        None => bail!("say which treatment to look at with --arm: {}", all()),
    };
    let texts = data.texts(place);
    let kept: Vec<usize> = (0..texts.len()).filter(|row| texts[*row] == control || texts[*row] == arm).collect();
    if kept.len() < texts.len() {
        data.notes.push(format!("{} rows of other treatments are left out.", texts.len() - kept.len()));
        data.table = data.table.kept(&kept);
    }
    Ok(kept.iter().map(|row| texts[*row] == arm).collect())
}

fn control(args: &UpliftArgs, data: &mut Data, column: &str, names: &[String]) -> Result<String> {
    if let Some(name) = &args.control {
        if !names.contains(name) {
            bail!("--control {name}: {column} is {}", names.join(", "));
        }
        return Ok(name.clone());
    }
    let known = |it: &&String| {
        let it = it.to_lowercase();
        ["control", "none", "no", "no e-mail", "0", "false", "holdout", "off"].contains(&it.as_str())
            || it.contains("control")
    };
    let Some(found) = names.iter().find(known) else {
        bail!("say which value is the control with --control: {}", names.join(", "));
    };
    data.notes.push(format!("The control is {found}; --control says otherwise."));
    Ok(found.clone())
}
