//! What other thresholds would do: who stood where if a ladder had always been as it is tried.

use std::collections::{BTreeMap, HashMap};

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{PersonId, Timestamp};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::earning::Every;
use rapport_loyalty::records::programs::{ProgramVersion, Programs};
use rapport_loyalty::records::{benefits, members};
use rapport_loyalty::tiers::{Benefit, Ladder};
use rapport_profiles::records::persons;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::missing;
use crate::api::shapes::display_name;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::problem::Problem;
use crate::tiers::{Ladders, Lives};

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(what_if_tiers))
}

/// So many members are looked at; their numbers are drawn by chance, so that the first are as good as any.
const SAMPLE: usize = 20_000;
const STEP: u32 = 500;
/// So many people are named.
const NAMED: usize = 100;
const YEAR: i64 = 365 * Timestamp::DAY;

/// A ladder to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfBody {
    /// As it would be saved in the programme: the one with the same key is replaced by it.
    #[schema(value_type = Object)]
    ladder: Value,
}

/// A tier now and then.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhatIfTier {
    /// Null below the first.
    tier: Option<String>,
    now: usize,
    then: usize,
}

/// How many would move.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhatIfMove {
    from: Option<String>,
    to: Option<String>,
    members: usize,
}

/// Somebody who would move.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhatIfMember {
    member_id: String,
    person_id: Option<String>,
    person_name: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// What benefits cost a year, in the programme's currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhatIfCost {
    /// If every member used all that they may; null when something can be used without end.
    #[schema(value_type = Option<String>)]
    at_most_now: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    at_most_then: Option<Decimal>,
    /// What was used in the last year.
    #[schema(value_type = String)]
    used_now: Decimal,
    /// The same for each member who would have it; null when nobody has it now, so that nobody knows.
    #[schema(value_type = Option<String>)]
    used_then: Option<Decimal>,
}

/// What another ladder would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhatIf {
    /// How many members were looked at: all, or as many as were drawn by chance.
    looked_at: usize,
    /// Whether there are more members than were looked at.
    is_sample: bool,
    /// From the lowest to the highest.
    tiers: Vec<WhatIfTier>,
    /// Those that concern most members first.
    moves: Vec<WhatIfMove>,
    /// Up to 100 of those who would move.
    movers: Vec<WhatIfMember>,
    cost: WhatIfCost,
}

struct Mover {
    member: i64,
    person: Option<PersonId>,
    from: Option<String>,
    to: Option<String>,
}

/// Says who would stand where if a ladder had always been as it is tried, who would move, and what benefits would cost. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/loyalty/tiers/what-if", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "what_if_tiers", request_body = WhatIfBody, responses((status = 200, body = WhatIf), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn what_if_tiers(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<WhatIfBody>,
) -> Result<Json<WhatIf>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let workspace = caller.workspace;
    let mut db = app.installation.store.read();
    let programs = app.installation.programs.get(&mut db, workspace).await?;
    let (tried, key) = try_on(&programs, body.ladder)?;
    let then = Ladders::of(&tried).map_err(Problem::internal)?.ok_or_else(missing)?;
    let today = Ladders::of(&programs).map_err(Problem::internal)?;
    let now = app.now();
    let mut tally: BTreeMap<(Option<String>, Option<String>), usize> = BTreeMap::new();
    let mut movers: Vec<Mover> = Vec::new();
    let (mut looked_at, mut after, mut is_sample) = (0, None, false);
    loop {
        let found = members::by_number(&mut db, workspace, after, STEP).await?;
        let Some(last) = found.last() else { break };
        if looked_at >= SAMPLE {
            is_sample = true;
            break;
        }
        after = Some(last.member);
        looked_at += found.len();
        let lives = Lives::read(&then, &mut db, workspace, found.clone()).await.map_err(Problem::internal)?;
        let present = match &today {
            Some(today) => Lives::read(today, &mut db, workspace, found).await.map_err(Problem::internal)?.list,
            None => Vec::new(),
        };
        for (place, life) in lives.list.iter().enumerate() {
            let stands = |ladders: &Ladders<'_>, life| ladders.course(&key, life).and_then(|it| it.standing(now).tier);
            let from = today.as_ref().zip(present.get(place)).and_then(|(today, life)| stands(today, life));
            let to = stands(&then, life);
            if from != to && movers.len() < NAMED {
                let (member, person) = (life.member.member.0, life.member.person);
                movers.push(Mover { member, person, from: from.clone(), to: to.clone() });
            }
            *tally.entry((from, to)).or_default() += 1;
        }
    }
    let ladder = then.program.ladder(&key).ok_or_else(missing)?;
    let old = today.as_ref().and_then(|it| it.program.ladder(&key));
    let used = benefits::totals(&mut db, workspace, &key, (now.plus(-YEAR), now.plus(1))).await?;
    let cost = cost((old, ladder), &tally, &used);
    let movers = name(&app, &caller, movers).await?;
    Ok(Json(WhatIf { looked_at, is_sample, tiers: tiers((old, ladder), &tally), moves: moves(&tally), movers, cost }))
}

/// The programme as if a ladder had always been in it.
fn try_on(programs: &Programs, form: Value) -> Result<(Programs, String), Problem> {
    let latest = programs.latest().ok_or_else(missing)?;
    let mut program = serde_json::to_value(&latest.program).map_err(Problem::internal)?;
    let key = form.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(all) = program["ladders"].as_array_mut() {
        match all.iter_mut().find(|it| it["key"] == key.as_str()) {
            Some(own) => *own = form,
            None => all.push(form),
        }
    }
    let program = rapport_loyalty::program::Program::from_json(program)?;
    program.check()?;
    let first = programs.programs.first().map_or(latest.in_force_from, |it| it.in_force_from);
    let version = ProgramVersion {
        version: latest.version,
        program,
        in_force_from: first,
        saved_at: latest.saved_at,
        saved_by: String::new(),
    };
    Ok((Programs { programs: vec![version], ..Programs::default() }, key))
}

type Tally = BTreeMap<(Option<String>, Option<String>), usize>;

fn on(tally: &Tally, tier: Option<&str>, then: bool) -> usize {
    let of = |(from, to): &(Option<String>, Option<String>)| {
        if then { to.as_deref() == tier } else { from.as_deref() == tier }
    };
    tally.iter().filter(|(key, _)| of(key)).map(|(_, count)| count).sum()
}

fn tiers((old, new): (Option<&Ladder>, &Ladder), tally: &Tally) -> Vec<WhatIfTier> {
    let gone = old.into_iter().flat_map(|old| &old.tiers).filter(|tier| new.place(&tier.key).is_none());
    let keys = gone.chain(&new.tiers).map(|tier| Some(tier.key.clone()));
    std::iter::once(None)
        .chain(keys)
        .map(|tier| WhatIfTier { now: on(tally, tier.as_deref(), false), then: on(tally, tier.as_deref(), true), tier })
        .filter(|it| it.tier.is_some() || it.now + it.then > 0)
        .collect()
}

fn moves(tally: &Tally) -> Vec<WhatIfMove> {
    let moved = tally.iter().filter(|((from, to), _)| from != to);
    let mut moves: Vec<WhatIfMove> = moved
        .map(|((from, to), members)| WhatIfMove { from: from.clone(), to: to.clone(), members: *members })
        .collect();
    moves.sort_by_key(|it| std::cmp::Reverse(it.members));
    moves
}

/// How many of those who were looked at would have a benefit.
fn have(benefit: &Benefit, tally: &Tally, then: bool) -> i64 {
    let count: usize = benefit.tiers.iter().map(|tier| on(tally, Some(tier), then)).sum();
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn at_most(ladder: &Ladder, tally: &Tally, then: bool) -> Option<Decimal> {
    let mut sum = 0_i64;
    for benefit in &ladder.benefits {
        let cost = benefit.cost.map_or(0, Decimal::micros);
        let members = have(benefit, tally, then);
        if cost == 0 || members == 0 {
            continue;
        }
        let times = benefit.times?;
        let a_year = match times.every {
            Every::Day => 365,
            Every::Week => 52,
            Every::Month => 12,
            Every::Year | Every::Ever => 1,
        };
        let each = cost.saturating_mul(i64::from(times.most)).saturating_mul(a_year);
        sum = sum.saturating_add(each.saturating_mul(members));
    }
    Some(Decimal::from_micros(sum))
}

fn cost((old, new): (Option<&Ladder>, &Ladder), tally: &Tally, used: &[(String, String, i64, i64)]) -> WhatIfCost {
    let now: i64 = used.iter().map(|it| it.3).fold(0, i64::saturating_add);
    let mut then = Some(0_i64);
    for benefit in &new.benefits {
        let own: i64 = used.iter().filter(|it| it.0 == benefit.key).map(|it| it.3).fold(0, i64::saturating_add);
        let was = old.and_then(|old| old.benefit(&benefit.key));
        let before = was.map_or(0, |was| have(was, tally, false));
        let after = have(benefit, tally, true);
        let is_free = benefit.cost.is_none_or(|cost| cost.micros() == 0);
        then = match (before, after) {
            (_, 0) => then,
            (0, _) if is_free => then,
            (0, _) => None,
            (before, after) => {
                let part = i128::from(own) * i128::from(after) / i128::from(before);
                then.map(|sum| sum.saturating_add(i64::try_from(part).unwrap_or(i64::MAX)))
            }
        };
    }
    WhatIfCost {
        at_most_now: old.map_or(Some(Decimal::from_micros(0)), |old| at_most(old, tally, false)),
        at_most_then: at_most(new, tally, true),
        used_now: Decimal::from_micros(now),
        used_then: then.map(Decimal::from_micros),
    }
}

async fn name(app: &App, caller: &Caller, movers: Vec<Mover>) -> Result<Vec<WhatIfMember>, Problem> {
    let people: Vec<PersonId> = movers.iter().filter_map(|it| it.person).collect();
    let people = persons::by_ids(&mut app.installation.store.read(), caller.workspace, &people).await?;
    let names: HashMap<PersonId, String> = people.iter().map(|row| (row.person, display_name(row))).collect();
    let shape = |it: Mover| WhatIfMember {
        member_id: it.member.to_string(),
        person_id: it.person.map(|person| person.to_string()),
        person_name: it.person.and_then(|person| names.get(&person).cloned()),
        from: it.from,
        to: it.to,
    };
    Ok(movers.into_iter().map(shape).collect())
}
