//! From baskets to rules: with a support that fits, and within the budget.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rapport_domain::{PersonId, WorkspaceId};
use rapport_models::Fault;
use rapport_models::baskets::{Consequents, ItemSets, Limits, Share};
use tokio::task::spawn_blocking;

use super::gathered::Gathered;
use super::{Answer, Item, LEAST_BASKETS, MOST_ITEMS, MOST_RULES, MOST_SETS, Question, Rule};
use crate::analytics::{Analytics, Context};
use crate::error::{Error, Result};

/// The usual support: one order of a thousand.
const SUPPORT: (u64, u64) = (1, 1_000);
/// For 95 %.
const TAILS: f64 = 0.05;

/// Says to stop when whoever waits for the answer does not any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Analytics {
    /// What is bought together. Dropping the future stops it.
    ///
    /// # Errors
    /// A period that lies wrongly or has too many orders, the lake's budgets, the store's.
    pub async fn baskets(
        &self,
        workspace: WorkspaceId,
        question: &Question,
        context: &Context,
        restricted: &BTreeSet<PersonId>,
    ) -> Result<Answer> {
        let began = self.store.clock().now();
        let (gathered, _) = self.baskets_of(workspace, question, context, restricted, false).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let _stops = Stop(Arc::clone(&stop));
        let own = question.clone();
        let work = spawn_blocking(move || answer(&own, &gathered, &|| !stop.load(Ordering::Relaxed)));
        let found = tokio::time::timeout(self.budget.time, work);
        let too_long = |_| Error::Lake(rapport_lake::Error::TimeBudget { seconds: self.budget.time.as_secs() });
        let mut answer = found.await.map_err(too_long)?.map_err(|error| Error::Plan(error.to_string()))??;
        let took = Duration::from_micros(self.store.clock().now().0.abs_diff(began.0));
        answer.computed_ms = u64::try_from(took.as_millis()).unwrap_or(0);
        Ok(answer)
    }
}

/// The sets with the support that was asked for, or the least more under which there are not too many; and the least number of orders.
fn mined(question: &Question, baskets: &[Vec<u32>], goes_on: &dyn Fn() -> bool) -> Result<(ItemSets, u64, bool)> {
    let all = baskets.len() as u64;
    let asked = question.support()?.or(Share::new(SUPPORT.0, SUPPORT.1)).map_or(0, |it| it.least(all));
    let (mut least, mut is_raised) = (asked.max(LEAST_BASKETS), false);
    loop {
        let share = Share::new(least.min(all), all).ok_or_else(|| Error::Plan("no basket".to_owned()))?;
        let limits = Limits { support: share, longest: question.longest(), most: MOST_SETS };
        match ItemSets::mine_while(baskets, &limits, goes_on) {
            Ok(sets) => return Ok((sets, least, is_raised)),
            Err(fault) if !goes_on() => return Err(Error::Plan(fault.to_string())),
            Err(Fault::NotIdentified { .. }) if least >= all => {
                return Err(Error::invalid(
                    "longest",
                    "even in all orders there are too many sets; ask for shorter ones",
                ));
            }
            Err(Fault::NotIdentified { .. }) => (least, is_raised) = (least.saturating_mul(2).min(all), true),
            Err(fault) => return Err(Error::Plan(fault.to_string())),
        }
    }
}

fn answer(question: &Question, gathered: &Gathered, goes_on: &dyn Fn() -> bool) -> Result<Answer> {
    let baskets = &gathered.baskets;
    let n = baskets.len() as u64;
    let confidence = question.confidence()?;
    let mut answer = Answer {
        from: gathered.from.to_string(),
        until: gathered.until.to_string(),
        baskets: n,
        of_several: baskets.iter().filter(|it| it.len() > 1).count() as u64,
        items_in_all: gathered.items.len() as u64,
        least: LEAST_BASKETS,
        support: 0.0,
        is_raised: false,
        confidence: confidence.least(1_000_000) as f64 / 1e6,
        too_large: gathered.too_large.len() as u64,
        looked_at: 0,
        found: 0,
        rules: Vec::new(),
        items: Vec::new(),
        sentence: String::new(),
        notes: Vec::new(),
        computed_ms: 0,
    };
    if n >= LEAST_BASKETS {
        let (sets, least, is_raised) = mined(question, baskets, goes_on)?;
        (answer.least, answer.support, answer.is_raised) = (least, least as f64 / n as f64, is_raised);
        list(&mut answer, question, gathered, &sets, confidence);
    }
    say(&mut answer, gathered);
    Ok(answer)
}

fn list(answer: &mut Answer, question: &Question, gathered: &Gathered, sets: &ItemSets, confidence: Share) {
    let rules = sets.rules(confidence, Consequents::Single);
    let discovery = rules.false_discovery();
    answer.looked_at = rules.looked_at;
    let about = question.item.as_deref().map(|id| gathered.place(id));
    let id = |item: &u32| gathered.items[*item as usize].id.clone();
    let mut found: Vec<(Rule, Vec<u32>)> = Vec::new();
    for (rule, q) in rules.rules.iter().zip(discovery) {
        let items: Vec<u32> = rule.antecedent.iter().chain(&rule.consequent).copied().collect();
        if about.is_some_and(|about| about.is_none_or(|it| !items.contains(&it))) {
            continue;
        }
        let (counts, [second]) = (rule.counts, &rule.consequent[..]) else { continue };
        let (lift, conviction) = (counts.lift_interval(TAILS), counts.conviction());
        let shown = Rule {
            first: rule.antecedent.iter().map(id).collect(),
            second: id(second),
            both: counts.both,
            with_first: counts.antecedent,
            with_second: counts.consequent,
            support: counts.support(),
            confidence: counts.confidence(),
            lift: counts.lift(),
            lift_low: lift.low,
            lift_high: lift.high,
            leverage: counts.leverage(),
            conviction: conviction.is_finite().then_some(conviction),
            zhang: counts.zhang(),
            kulczynski: counts.kulczynski(),
            p: counts.association().map_or(1.0, |it| it.p),
            q,
        };
        found.push((shown, items));
    }
    answer.found = found.len() as u64;
    found.sort_by(|(a, _), (b, _)| {
        let order = b.lift_low.total_cmp(&a.lift_low).then(b.both.cmp(&a.both));
        order.then_with(|| (&a.first, &a.second).cmp(&(&b.first, &b.second)))
    });
    found.truncate(MOST_RULES);
    let single: BTreeMap<u32, u64> = sets.iter().filter(|it| it.0.len() == 1).map(|it| (it.0[0], it.1)).collect();
    let used: BTreeSet<u32> = found.iter().flat_map(|it| it.1.iter().copied()).collect();
    let item = |place: u32| {
        let it = &gathered.items[place as usize];
        let baskets = single.get(&place).copied().unwrap_or(0);
        Item { id: it.id.clone(), name: it.name.clone(), category: it.category.clone(), baskets }
    };
    answer.items = used.into_iter().map(item).collect();
    answer.rules = found.into_iter().map(|it| it.0).collect();
}

fn say(answer: &mut Answer, gathered: &Gathered) {
    let sure = answer.rules.iter().filter(|it| it.q <= TAILS).count();
    answer.sentence = match (answer.baskets, answer.rules.first()) {
        (0, _) => "There is no order in this period.".to_owned(),
        (n, _) if n < LEAST_BASKETS => {
            format!("There are {n} orders in this period, too few to say what goes together.")
        }
        (n, None) => format!(
            "In {n} orders nothing is bought together in at least {} of them with enough confidence.",
            answer.least
        ),
        (n, Some(_)) => format!(
            "In {n} orders {} rules hold in at least {} of them; {sure} of those listed are more than chance, with one in twenty of them wrong.",
            answer.found, answer.least
        ),
    };
    let mut note = |text: String| answer.notes.push(text);
    if answer.is_raised {
        note(format!(
            "Fewer orders than {} would make more than {MOST_SETS} sets, too many to look at: a set counts here from {} orders on. Ask for a shorter period, categories, or one product to see rarer ones.",
            answer.least, answer.least
        ));
    }
    if answer.too_large > 0 {
        note(format!("{} orders of more than {MOST_ITEMS} different products are left out.", answer.too_large));
    }
    if gathered.empty > 0 {
        note(format!("{} orders name no product.", gathered.empty));
    }
    if answer.found > answer.rules.len() as u64 {
        note(format!("The {MOST_RULES} surest of {} rules are listed.", answer.found));
    }
}
