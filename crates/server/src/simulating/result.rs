//! What came of a simulation, reckoned person by person (or all at once, where a cap counts what everybody gets) in bounded memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result};
use rapport_domain::assignment::bucket;
use rapport_domain::money::format_micros;
use rapport_domain::{Calendar, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::earning::{Count, Period, Used};
use rapport_loyalty::ledger::{MemberId, WalletId};
use rapport_loyalty::program::{Enrolment, Program};
use rapport_loyalty::records::programs::Programs;
use rapport_loyalty::records::{awards, members};
use rapport_loyalty::simulation::replay::{self, Replay};
use rapport_loyalty::simulation::tally::{Change, Difference, People, Side as Sums};
use rapport_profiles::records::persons;
use rapport_segments::Condition;
use rapport_segments::records::{memberships, segments};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::plan::{Plan, Side, Today, Who, part_of};
use super::told::{Somebody, Story};
use crate::beat::Beat;
use crate::installation::Installation;
use crate::knowing::Known;
use crate::points::worth::redemption;

/// People whose facts are read together.
const TOGETHER: usize = 200;
/// Where a cap counts what everybody gets, all are kept in memory, and no more than this.
const BUDGET_PEOPLE: usize = 5_000;
/// Rows read at a time.
const PAGE: u32 = 5_000;
/// By what it is chosen who is looked at.
const SALT: &str = "loyalty/simulation";

/// A difference: the others less today's, and between what it lies with 95 %.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SimulatedDifference {
    value: f64,
    low: f64,
    high: f64,
}

impl SimulatedDifference {
    const fn of(it: Difference) -> Self {
        Self { value: it.value, low: it.low, high: it.high }
    }

    fn times(&self, factor: f64) -> Self {
        Self { value: self.value * factor, low: self.low * factor, high: self.high * factor }
    }
}

/// A tenth of the people, by how much changes for them; those who lose most come first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SimulatedDecile {
    people: usize,
    least: i64,
    most: i64,
    mean: f64,
}

/// What comes of a wallet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SimulatedWallet {
    wallet: String,
    /// Points under today's rules, less those that were taken back; for all people, where only some were looked at.
    before: i64,
    /// And under the others.
    after: i64,
    difference: SimulatedDifference,
    /// Points that lapsed nowhere by the end of the time, as if none had been redeemed.
    outstanding_before: i64,
    outstanding_after: i64,
    /// What share of points is expected to be redeemed, for the cost.
    expected_redemption: f64,
    /// Points × worth × expected redemption, in the programme's currency; null when the programme does not say what a point is worth.
    cost_before: Option<String>,
    cost_after: Option<String>,
    cost_difference: Option<SimulatedDifference>,
    /// The same of what is outstanding.
    liability_before: Option<String>,
    liability_after: Option<String>,
    liability_difference: Option<SimulatedDifference>,
    /// How many of those who were looked at gain, lose, and have the same.
    gain: usize,
    lose: usize,
    same: usize,
    deciles: Vec<SimulatedDecile>,
}

/// What a rule gives, under both.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SimulatedRule {
    rule: String,
    wallet: String,
    points_before: i64,
    points_after: i64,
    /// For how many things.
    times_before: i64,
    times_after: i64,
    /// To how many people.
    people_before: i64,
    people_after: i64,
}

/// What a month brings.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SimulatedMonth {
    wallet: String,
    /// `2026-05`.
    month: String,
    points_before: i64,
    points_after: i64,
}

/// What came of a simulation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SimulationResult {
    /// Of whom it speaks.
    people: usize,
    /// How many of them were looked at, chosen by a hash. Sums are for all; so they are estimates where these are fewer.
    looked_at: usize,
    /// How many earn anything.
    earning_before: i64,
    earning_after: i64,
    earning_difference: SimulatedDifference,
    currency: String,
    wallets: Vec<SimulatedWallet>,
    rules: Vec<SimulatedRule>,
    months: Vec<SimulatedMonth>,
}

/// The result, and who gains and loses most in which wallet.
pub(super) type Came = (SimulationResult, Vec<(String, Change)>);

/// Does a simulation; `None` when `beat` says that somebody asked it to stop.
pub(super) async fn reckon(
    installation: &Installation,
    workspace: WorkspaceId,
    plan: &Plan,
    beat: &Beat<'_>,
) -> Result<Option<Came>> {
    let programs = installation.programs.get(&mut installation.store.read(), workspace).await?;
    let mut everybody = people(installation, workspace, plan).await?;
    let all = everybody.len();
    let (today, others) = (&plan.today, &plan.others);
    let has_budget = side(today, &programs).has_budget() || Side::Always(others).has_budget();
    let most = if has_budget { plan.people_max.min(BUDGET_PEOPLE) } else { plan.people_max };
    if all > most {
        everybody.sort_by_key(|it| (bucket(SALT, it.person), it.person));
        everybody.truncate(most);
    }
    everybody.sort_by_key(|it| it.person);
    let part = if all == 0 { 1.0 } else { everybody.len() as f64 / all as f64 };
    // Of a part of the people a budget is a part of the budget.
    let others = others.clone().for_part(part);
    let today = match today {
        Today::Now(rules) => Today::Now(Box::new(rules.as_ref().clone().for_part(part))),
        Today::AsItWas => Today::AsItWas,
    };
    let programs = part_of(&programs, part);
    let sides = [side(&today, &programs), Side::Always(&others)];
    let mut run = Run::new(installation, workspace, plan, sides)?;
    if beat.at(0, everybody.len()).await? {
        return Ok(None);
    }
    let size = if has_budget { everybody.len().max(1) } else { TOGETHER };
    for (number, some) in everybody.chunks(size).enumerate() {
        let known = run.known(some).await?;
        let used = run.used(some, has_budget, part).await?;
        let mut story = Story::default();
        for (place, whose) in some.iter().enumerate() {
            run.read(&mut story, *whose).await?;
            if !has_budget {
                run.tell(&std::mem::take(&mut story), &known, std::slice::from_ref(whose), &used)?;
            }
            let done = number * size + place + 1;
            if done.is_multiple_of(50) && beat.at(done, everybody.len()).await? {
                return Ok(None);
            }
        }
        if has_budget {
            story.in_order();
            run.tell(&story, &known, some, &used)?;
        }
    }
    if beat.at(everybody.len(), everybody.len()).await? {
        return Ok(None);
    }
    run.result(all, everybody.len()).await.map(Some)
}

/// Today's side.
fn side<'a>(today: &'a Today, programs: &'a Programs) -> Side<'a> {
    match today {
        Today::AsItWas => Side::Versions(programs),
        Today::Now(rules) => Side::Always(rules),
    }
}

/// Whose events are told again.
async fn people(installation: &Installation, workspace: WorkspaceId, plan: &Plan) -> Result<Vec<Somebody>> {
    let mut db = installation.store.read();
    let mut found = Vec::new();
    match plan.who {
        Who::Members => {
            let programs = installation.programs.get(&mut db, workspace).await?;
            let by_hand = programs.latest().is_some_and(|it| it.program.enrolment == Enrolment::Hand);
            let as_it_was = plan.today == Today::AsItWas && by_hand;
            let mut after = PersonId(i64::MIN);
            loop {
                let page = members::persons_after(&mut db, workspace, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.0;
                found.extend(page.into_iter().map(|(person, member, since)| Somebody {
                    person,
                    member,
                    since: Some(since).filter(|_| as_it_was),
                }));
            }
        }
        Who::Customers => {
            for range in persons::ranges(64) {
                let some = persons::lives(&mut db, workspace, range).await?;
                found.extend(some.into_iter().map(|it| Somebody {
                    person: it.person,
                    member: MemberId(it.person.0),
                    since: None,
                }));
            }
        }
    }
    if let Some(key) = &plan.segment {
        let row = segments::by_key(&mut db, workspace, key).await?.context("the segment was deleted")?;
        let inside = memberships::some(&mut db, workspace, row.segment, i64::MAX).await?;
        let inside: BTreeSet<PersonId> = inside.into_iter().map(|(person,)| person).collect();
        found.retain(|it| inside.contains(&it.person));
    }
    Ok(found)
}

/// A simulation under way.
struct Run<'a> {
    installation: &'a Installation,
    workspace: WorkspaceId,
    plan: &'a Plan,
    sides: [Side<'a>; 2],
    programs: [&'a Program; 2],
    calendars: [Calendar; 2],
    numbers: [HashMap<String, WalletId>; 2],
    sums: [Sums; 2],
    people: People,
    wallets: Vec<String>,
}

impl<'a> Run<'a> {
    fn new(
        installation: &'a Installation,
        workspace: WorkspaceId,
        plan: &'a Plan,
        sides: [Side<'a>; 2],
    ) -> Result<Self> {
        let [one, other] = sides.map(|side| side.program().context("there is no programme"));
        let programs = [one?, other?];
        let calendars = [programs[0].calendar()?, programs[1].calendar()?];
        let numbers = programs.map(replay::wallets);
        let keys: BTreeSet<&String> = programs.iter().flat_map(|it| &it.wallets).map(|plan| &plan.key).collect();
        let wallets = keys.into_iter().cloned().collect();
        let (sums, people) = (Default::default(), People::default());
        Ok(Self { installation, workspace, plan, sides, programs, calendars, numbers, sums, people, wallets })
    }

    /// What conditions of either side ask of some people.
    async fn known(&self, some: &[Somebody]) -> Result<Known> {
        let conditions: Vec<&Condition> =
            self.sides.iter().flat_map(|side| side.rules()).map(|rule| &rule.when).collect();
        let people: Vec<PersonId> = some.iter().map(|it| it.person).collect();
        let mut known = Known::default();
        for people in people.chunks(TOGETHER) {
            let more = Known::read(&mut self.installation.store.read(), self.workspace, &conditions, people).await?;
            known.join(more);
        }
        Ok(known)
    }

    /// What was given before, as far as caps ask for it: the same for both sides.
    async fn used(&self, some: &[Somebody], has_budget: bool, part: f64) -> Result<HashMap<Count, Used>> {
        let capped: BTreeSet<String> = self.sides.iter().flat_map(|side| side.capped()).collect();
        let capped: Vec<String> = capped.into_iter().collect();
        let mut used: HashMap<Count, Used> = HashMap::new();
        if capped.is_empty() || self.plan.who == Who::Customers {
            return Ok(used);
        }
        let mut db = self.installation.store.read();
        let mut add = |(rule, _, at, points): (String, MemberId, Timestamp, i64), whose: Option<MemberId>| {
            for period in Period::all(at, &self.calendars[0]).map(Period::key) {
                let used = used.entry((rule.clone(), whose, period)).or_default();
                (used.points, used.times) = (used.points + points, used.times + 1);
            }
        };
        for some in some.chunks(TOGETHER) {
            let numbers: Vec<MemberId> = some.iter().map(|it| it.member).collect();
            let rows = awards::given_before(&mut db, self.workspace, &capped, Some(&numbers), self.plan.from).await?;
            for row in rows {
                let whose = row.1;
                add(row, Some(whose));
            }
        }
        if has_budget {
            let rows = awards::given_before(&mut db, self.workspace, &capped, None, self.plan.from).await?;
            rows.into_iter().for_each(|row| add(row, None));
            for (_, used) in used.iter_mut().filter(|((_, whose, _), _)| whose.is_none()) {
                let scaled = |count: i64| (count as f64 * part).round() as i64;
                (used.points, used.times) = (scaled(used.points), scaled(used.times));
            }
        }
        Ok(used)
    }

    async fn read(&self, story: &mut Story, whose: Somebody) -> Result<()> {
        let names: BTreeSet<&str> = self.sides.iter().flat_map(|side| side.events()).collect();
        let (times, currency) = ((self.plan.from, self.plan.until), self.programs[0].currency);
        story.read(self.installation, self.workspace, whose, times, (&names, currency)).await
    }

    /// Tells a story under both sides and adds what comes of it.
    fn tell(&mut self, story: &Story, known: &Known, whose: &[Somebody], used: &HashMap<Count, Used>) -> Result<()> {
        let mut own = Vec::with_capacity(2);
        let alone = if let [one] = whose { Some(one.member) } else { None };
        for at in 0..2 {
            let (program, calendar, numbers) = (self.programs[at], &self.calendars[at], &self.numbers[at]);
            let counts = |whose: &Option<MemberId>| alone.is_none_or(|alone| whose.is_none_or(|whose| whose == alone));
            let own_used = used.iter().filter(|((_, whose, _), _)| counts(whose));
            let own_used = own_used.map(|(count, used)| (count.clone(), *used)).collect();
            let mut replay = Replay::new(program, calendar, numbers, own_used);
            story.tell(self.sides[at], known, &mut replay);
            let replayed = replay.finish(self.plan.until);
            let keys: BTreeMap<WalletId, String> = numbers.iter().map(|(key, number)| (*number, key.clone())).collect();
            own.push(self.sums[at].add(&replayed, calendar, &keys));
        }
        let nothing = Default::default();
        for it in whose {
            let of = |at: usize| own[at].get(&it.member).unwrap_or(&nothing);
            self.people.add(it.person, &self.wallets, of(0), of(1));
        }
        Ok(())
    }

    async fn result(self, all: usize, looked_at: usize) -> Result<Came> {
        let scale = if looked_at == 0 { 1.0 } else { all as f64 / looked_at as f64 };
        let scaled = |count: i64| (count as f64 * scale).round() as i64;
        let mut wallets = Vec::new();
        let mut named = Vec::new();
        for wallet in &self.wallets {
            wallets.push(self.wallet(
                wallet,
                scale,
                redemption(self.installation, self.workspace, self.programs[1], wallet).await?,
            ));
            let (gaining, losing) = self.people.named(wallet);
            named.extend(gaining.into_iter().chain(losing).map(|change| (wallet.clone(), change)));
        }
        let [before, after] = &self.sums;
        let keys: BTreeSet<&(String, String)> = before.rules.keys().chain(after.rules.keys()).collect();
        let rule = |key: &(String, String)| {
            let of = |side: &Sums| side.rules.get(key).cloned().unwrap_or_default();
            let (before, after) = (of(before), of(after));
            SimulatedRule {
                rule: key.0.clone(),
                wallet: key.1.clone(),
                points_before: scaled(before.points),
                points_after: scaled(after.points),
                times_before: scaled(before.times),
                times_after: scaled(after.times),
                people_before: scaled(before.people),
                people_after: scaled(after.people),
            }
        };
        let rules = keys.into_iter().map(rule).collect();
        let keys: BTreeSet<&(String, String)> = before.months.keys().chain(after.months.keys()).collect();
        let month = |key: &(String, String)| {
            let of = |side: &Sums| scaled(side.months.get(key).copied().unwrap_or(0));
            SimulatedMonth {
                wallet: key.0.clone(),
                month: key.1.clone(),
                points_before: of(before),
                points_after: of(after),
            }
        };
        let months = keys.into_iter().map(month).collect();
        let result = SimulationResult {
            people: all,
            looked_at,
            earning_before: scaled(before.earning),
            earning_after: scaled(after.earning),
            earning_difference: SimulatedDifference::of(self.people.earning(scale)),
            currency: self.programs[1].currency.to_string(),
            wallets,
            rules,
            months,
        };
        Ok((result, named))
    }

    fn wallet(&self, wallet: &str, scale: f64, redemption: f64) -> SimulatedWallet {
        let [before, after] = &self.sums;
        let sum = |of: &BTreeMap<String, i64>| (of.get(wallet).copied().unwrap_or(0) as f64 * scale).round() as i64;
        let (difference, left) = self.people.points(wallet, scale);
        let (difference, left) = (SimulatedDifference::of(difference), SimulatedDifference::of(left));
        // What a point is worth is not what is tried: both sides are valued alike, so that the difference is that of the rules.
        let worth = self.programs[1].wallet(wallet).and_then(|plan| plan.worth).map(|worth| worth.micros() as f64);
        let value = |points: i64| worth.map(|worth| format_micros((points as f64 * worth * redemption).round() as i64));
        let unit = worth.map(|worth| worth / 1_000_000.0 * redemption);
        let (gain, lose, same) = self.people.moved(wallet);
        let deciles = self.people.deciles(wallet).into_iter();
        SimulatedWallet {
            wallet: wallet.to_owned(),
            before: sum(&before.points),
            after: sum(&after.points),
            outstanding_before: sum(&before.outstanding),
            outstanding_after: sum(&after.outstanding),
            expected_redemption: redemption,
            cost_before: value(sum(&before.points)),
            cost_after: value(sum(&after.points)),
            cost_difference: unit.map(|unit| difference.times(unit)),
            liability_before: value(sum(&before.outstanding)),
            liability_after: value(sum(&after.outstanding)),
            liability_difference: unit.map(|unit| left.times(unit)),
            difference,
            gain,
            lose,
            same,
            deciles: deciles
                .map(|it| SimulatedDecile { people: it.people, least: it.least, most: it.most, mean: it.mean })
                .collect(),
        }
    }
}
