//! Paths out of a file: as they are, or made of single touches.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_models::attribution::Path;

use super::AttributionArgs;
use crate::cli::models::input::{Data, Need};

/// The largest number that is read.
const WHOLE: f64 = 1e15;

/// Paths, and the names of channels.
pub fn read(args: &AttributionArgs, data: &mut Data) -> Result<(Vec<Path>, Vec<String>)> {
    if args.channel.is_some() || args.converted.is_some() {
        return touches(args, data);
    }
    let words = ["path", "channels", "journey"];
    match data.find("path", args.path.as_ref(), None, &words)? {
        Some(path) => whole(args, data, path),
        None => bail!(
            "say which column holds paths with --path, or give touches with --customer, --date, --channel and --converted"
        ),
    }
}

fn whole(args: &AttributionArgs, data: &mut Data, path: usize) -> Result<(Vec<Path>, Vec<String>)> {
    let words = ["total_conversions", "conversions", "converted"];
    let conversions = data.column("conversions", args.conversions.as_ref(), None, &words)?;
    let value =
        data.find("value", args.value.as_ref(), None, &["total_conversion_value", "conversion_value", "value"])?;
    let nulls = data.find("nulls", args.nulls.as_ref(), None, &["total_null", "nulls", "null"])?;
    let mut needs = vec![(path, Need::Text), (conversions, Need::NotNegative)];
    needs.extend([value, nulls].into_iter().flatten().map(|it| (it, Need::NotNegative)));
    data.require(&needs)?;
    if nulls.is_none() {
        data.notes.push("Warning: no column says how often paths ended in nothing; without them every channel seems to convert always.".to_owned());
    }
    let ended = data.counts(conversions, WHOLE)?;
    let nothing = nulls.map(|it| data.counts(it, WHOLE)).transpose()?;
    let values = value.map(|it| data.numbers(it));
    let separator = args.separator.trim();
    if separator.is_empty() {
        bail!("--separator must not be blank");
    }
    let (mut known, mut names, mut paths, mut odd) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
    for (row, text) in data.texts(path).iter().enumerate() {
        let mut channels = Vec::new();
        for name in text.split(separator).map(str::trim) {
            if name.is_empty() {
                odd.push(row);
                continue;
            }
            let code = *known.entry(name.to_owned()).or_insert_with(|| {
                names.push(name.to_owned());
                names.len() as u32 - 1
            });
            channels.push(code);
        }
        let value = values.as_ref().map_or(0.0, |it| it[row]);
        paths.push(Path { channels, conversions: ended[row], value, nulls: nothing.as_ref().map_or(0, |it| it[row]) });
    }
    if !odd.is_empty() {
        odd.dedup();
        bail!("{}: a path has a channel without a name", data.lines(&odd));
    }
    Ok((paths, names))
}

/// A path ends with a conversion; what a customer touches afterwards begins the next one, and what is left at the end came to nothing.
fn touches(args: &AttributionArgs, data: &mut Data) -> Result<(Vec<Path>, Vec<String>)> {
    let customer = data.column("customer", args.customer.as_ref(), Some(Field::CustomerId), &["user_id"])?;
    let date = data.column("date", args.date.as_ref(), Some(Field::Date), &["timestamp"])?;
    let channel = data.column("channel", args.channel.as_ref(), None, &["channel", "source", "medium"])?;
    let converted = data.column("converted", args.converted.as_ref(), None, &["converted", "conversion"])?;
    let value = data.optional("value", args.value.as_ref())?;
    let mut needs = vec![(customer, Need::Text), (date, Need::Time), (channel, Need::Text), (converted, Need::Text)];
    needs.extend(value.map(|it| (it, Need::NotNegative)));
    data.require(&needs)?;
    let (who, customers) = data.codes(customer);
    let (codes, names) = data.codes(channel);
    let times = data.times(date).days;
    let values = value.map(|it| data.numbers(it));
    let yes = data.yes_or_no(converted)?;
    let mut rows: Vec<usize> = (0..who.len()).collect();
    // Touches at the same time stay in the file's order.
    rows.sort_by(|a, b| who[*a].cmp(&who[*b]).then(times[*a].total_cmp(&times[*b])).then(a.cmp(b)));
    let mut found: BTreeMap<Vec<u32>, (u64, f64, u64)> = BTreeMap::new();
    let mut add = |own: &[usize], ended: Option<f64>| {
        let Some(last) = own.last() else { return };
        let seen = |row: &&usize| args.lookback.is_none_or(|back| times[**row] >= times[*last] - back);
        let path = own.iter().filter(seen).map(|row| codes[*row]).collect();
        let entry = found.entry(path).or_default();
        match ended {
            Some(value) => {
                entry.0 += 1;
                entry.1 += value;
            }
            None => entry.2 += 1,
        }
    };
    for own in rows.chunk_by(|a, b| who[*a] == who[*b]) {
        let mut from = 0;
        for (at, row) in own.iter().enumerate() {
            if yes[*row] {
                add(&own[from..=at], Some(values.as_ref().map_or(0.0, |it| it[*row])));
                from = at + 1;
            }
        }
        add(&own[from..], None);
    }
    data.notes.push(format!(
        "Paths of {} customers: a conversion ends one, and what is left at the end came to nothing.",
        customers.len()
    ));
    let path = |(channels, (conversions, value, nulls))| Path { channels, conversions, value, nulls };
    Ok((found.into_iter().map(path).collect(), names))
}
