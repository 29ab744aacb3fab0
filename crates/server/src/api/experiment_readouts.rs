//! `/api/v1/experiments/{key}/readout`: what an experiment says, in numbers and in words; the people behind a variant; exposures by day.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::{Handle, PersonId, Timestamp};
use rapport_experiments::design::{Direction, Form, Metric};
use rapport_experiments::readout::{Comparison, Param, Params, Part, Progress, Ratio, Sentence, Side, Tone, Verdict};
use rapport_experiments::records::{counts, exposures};
use rapport_models::experiments::{Answer, Estimand, Undecidable, Verdict as Call};
use rapport_profiles::records::persons;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::experiments::find;
use super::questions::context;
use super::shapes::CustomerRow;
use super::wire::{optional_time, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::experimenting::reading::{self, Read};
use crate::http::extract::{Json, Path, Query};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(readout)).routes(routes!(people)).routes(routes!(days))
}

/// People on a page.
const PAGE: i64 = 50;

/// Something that can or cannot be said.
#[derive(Debug, Serialize, ToSchema)]
pub struct Said {
    /// A stable word for it.
    code: String,
    /// `can`, `cannot`, `do` or `note`.
    tone: String,
    /// What it is filled with, by name, so that it can be said in any language.
    params: BTreeMap<String, SaidParam>,
    /// The sentence in English.
    text: String,
}

/// What a place of a sentence is filled with.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct SaidParam {
    /// `text`, `metric`, `count`, `share` (0 to 1), `shares`, `mean`, `effect`, `size`, `total`, `reason` or `items`.
    kind: String,
    /// The name, of a text or a metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The key, of a metric; the word, of a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The number.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// The numbers, of shares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<f64>,
    /// `share`, `number` or `money`: what the number is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<String>,
    /// Of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// `relative` or `absolute`, of an effect or a size.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<String>,
    /// Several things, each with places of its own.
    #[schema(no_recursion)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<BTreeMap<String, SaidParam>>,
}

/// What to make of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictShape {
    /// `too_early`, `untrustworthy`, `not_yet`, `better`, `harmful`, `worse`, `no_difference` or `unclear`.
    word: String,
    /// Of which variant.
    variant: Option<String>,
}

/// Whether units arrived as meant.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatioShape {
    /// How likely counts like these are if they did.
    p: f64,
    /// Whether it is too unlikely: then nothing can be believed.
    broken: bool,
    /// The share of each open variant that was meant.
    meant: Vec<f64>,
    /// The share that came.
    came: Vec<f64>,
}

/// A metric.
#[derive(Debug, Serialize, ToSchema)]
pub struct MetricShape {
    key: String,
    name: String,
    /// `higher` or `lower` is better.
    direction: String,
    /// `share`, `number` or `money`.
    form: String,
    /// Of money.
    currency: Option<String>,
}

/// A metric in one variant.
#[derive(Debug, Serialize, ToSchema)]
pub struct SideShape {
    units: u64,
    mean: f64,
}

/// An effect with its interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectShape {
    /// `relative` or `absolute`.
    scale: String,
    estimate: f64,
    low: f64,
    high: f64,
    p: f64,
    /// The false discovery rate at which it would just be called.
    q: Option<f64>,
    /// `better`, `worse`, `safe`, `breached` or `unclear`.
    call: String,
}

/// A metric of a variant against the control.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparisonShape {
    metric: MetricShape,
    /// `primary`, `guardrail` or `secondary`.
    part: String,
    /// Of a guardrail, how much worse is still good enough.
    margin: Option<f64>,
    /// Among whom; none: everybody.
    segment: Option<String>,
    variant: String,
    variant_name: String,
    control: Option<SideShape>,
    treatment: Option<SideShape>,
    /// The effect on the scale that decides; none where it cannot be said.
    effect: Option<EffectShape>,
    /// Why it cannot be said: `too_few`, `no_variance`, `nothing_to_relate_to`, `no_denominator` or `impossible`.
    reason: Option<String>,
    /// The effect on the other scale.
    other: Option<EffectShape>,
    /// The share of the noise that was taken out by what was known before.
    noise_taken_out: Option<f64>,
}

/// How far it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExperimentProgress {
    units: u64,
    a_day: Option<f64>,
    ran_days: i64,
    needed: Option<u64>,
    days_left: Option<u64>,
    detectable: Option<f64>,
}

/// What a variant has.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArmShape {
    key: String,
    name: String,
    weight: u32,
    is_control: bool,
    exposed: u64,
}

/// What an experiment says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readout {
    key: String,
    verdict: VerdictShape,
    /// What can and cannot be said, the most important first.
    sentences: Vec<Said>,
    arms: Vec<ArmShape>,
    ratio: Option<RatioShape>,
    /// Every metric of every variant: the main one, guardrails, the others.
    comparisons: Vec<ComparisonShape>,
    /// The main metric among the people of each value of the trait that was asked for.
    segments: Vec<ComparisonShape>,
    progress: ExperimentProgress,
    /// The chance of an interval that misses the truth.
    alpha: f64,
    /// How long after exposure something counts, in hours.
    conversion_hours: u32,
    /// Of those measured, how many have not had all that time.
    immature: u64,
    /// People who had several variants; they are in no number.
    mixed: u64,
    /// People exposed before chances were as they are; they are in no number.
    earlier: u64,
    /// Amounts in other currencies; they are in no sum.
    foreign: u64,
    /// Since when chances are as they are.
    since: Option<String>,
    data_until: String,
    computed_ms: u64,
}

/// How it is to be read.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReadQuery {
    /// A trait by which the main metric is also shown, such as `country`.
    by: Option<String>,
}

/// Reads an experiment out.
#[utoipa::path(get, path = "/api/v1/experiments/{key}/readout", security(("caller" = ["view_reports"])), tag = "experiments", params(("key" = String, Path), ("by" = Option<String>, Query)),
    responses((status = 200, body = Readout), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn readout(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<ReadQuery>,
) -> Result<Json<Readout>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, caller.workspace, &key).await?;
    let context = context(&app.installation, caller.workspace).await?;
    let by = query.by.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if by.is_some_and(|name| name.len() > 200) {
        return Err(Problem::invalid("by", "is the name of a trait"));
    }
    let read = reading::read(&app.installation, caller.workspace, &row, by, &context).await?;
    Ok(Json(shape(read)))
}

fn shape(read: Read) -> Readout {
    let Read { experiment, counts, readout, immature, foreign, since, data_until, computed_ms } = read;
    let arm = |(at, it): (usize, &rapport_experiments::Variant)| ArmShape {
        key: it.key.clone(),
        name: it.shown().to_owned(),
        weight: it.weight,
        is_control: it.is_control,
        exposed: counts.exposed.get(at).copied().unwrap_or(0),
    };
    Readout {
        arms: experiment.design.variants.iter().enumerate().map(arm).collect(),
        key: experiment.key,
        verdict: verdict(&readout.verdict),
        sentences: readout.sentences.iter().map(said).collect(),
        ratio: readout.ratio.map(|Ratio { p, meant, came, broken }| RatioShape { p, broken, meant, came }),
        comparisons: readout.comparisons.iter().map(comparison).collect(),
        segments: readout.segments.iter().map(comparison).collect(),
        progress: progress(readout.progress),
        alpha: experiment.design.reading.alpha,
        conversion_hours: experiment.design.conversion_hours,
        immature,
        mixed: counts.mixed,
        earlier: counts.earlier,
        foreign,
        since: optional_time(since),
        data_until: time(data_until),
        computed_ms,
    }
}

fn verdict(verdict: &Verdict) -> VerdictShape {
    let (word, variant) = match verdict {
        Verdict::TooEarly => ("too_early", None),
        Verdict::Untrustworthy => ("untrustworthy", None),
        Verdict::NotYet => ("not_yet", None),
        Verdict::Better(variant) => ("better", Some(variant.clone())),
        Verdict::Harmful(variant) => ("harmful", Some(variant.clone())),
        Verdict::Worse => ("worse", None),
        Verdict::NoDifference => ("no_difference", None),
        Verdict::Unclear => ("unclear", None),
    };
    VerdictShape { word: word.to_owned(), variant }
}

pub(super) fn said(it: &Sentence) -> Said {
    let tone = match it.tone {
        Tone::Can => "can",
        Tone::Cannot => "cannot",
        Tone::Do => "do",
        Tone::Note => "note",
    };
    Said { code: it.code.to_owned(), tone: tone.to_owned(), params: params(&it.params), text: it.text.clone() }
}

fn params(all: &Params) -> BTreeMap<String, SaidParam> {
    all.iter().map(|(name, it)| ((*name).to_owned(), param(it))).collect()
}

fn param(it: &Param) -> SaidParam {
    let of = |kind: &str| SaidParam { kind: kind.to_owned(), ..SaidParam::default() };
    let number = |kind, value| SaidParam { value: Some(value), ..of(kind) };
    let formed = |kind, form: &Form, value| SaidParam {
        form: Some(form_word(form).to_owned()),
        currency: if let Form::Money(currency) = form { Some(currency.clone()) } else { None },
        ..number(kind, value)
    };
    let scaled = |kind, form, scale: Estimand, value| SaidParam {
        scale: Some(scale_word(scale).to_owned()),
        ..formed(kind, form, value)
    };
    match it {
        Param::Text(name) => SaidParam { name: Some(name.clone()), ..of("text") },
        Param::Metric { key, name } => SaidParam { name: Some(name.clone()), key: Some(key.clone()), ..of("metric") },
        Param::Count(count) => number("count", *count as f64),
        Param::Share(share) => number("share", *share),
        Param::Shares(shares) => SaidParam { values: shares.clone(), ..of("shares") },
        Param::Mean(form, value) => formed("mean", form, *value),
        Param::Effect(form, scale, value) => scaled("effect", form, *scale, *value),
        Param::Size(form, scale, value) => scaled("size", form, *scale, *value),
        Param::Total(form, value) => formed("total", form, *value),
        Param::Reason(reason) => SaidParam { key: Some(reason_word(*reason).to_owned()), ..of("reason") },
        Param::Items(items) => SaidParam { items: items.iter().map(params).collect(), ..of("items") },
    }
}

/// A stable word for why something cannot be said.
pub(super) const fn reason_word(reason: Undecidable) -> &'static str {
    match reason {
        Undecidable::TooFew => "too_few",
        Undecidable::NoVariance => "no_variance",
        Undecidable::NothingToRelateTo => "nothing_to_relate_to",
        Undecidable::NoDenominator => "no_denominator",
        Undecidable::Impossible => "impossible",
    }
}

const fn scale_word(scale: Estimand) -> &'static str {
    match scale {
        Estimand::Relative => "relative",
        Estimand::Absolute => "absolute",
    }
}

/// What the numbers of a metric are, as a word.
pub(super) const fn form_word(form: &Form) -> &'static str {
    match form {
        Form::Share => "share",
        Form::Number => "number",
        Form::Money(_) => "money",
    }
}

pub(super) fn metric(it: &Metric) -> MetricShape {
    let direction = if it.direction == Direction::Higher { "higher" } else { "lower" };
    MetricShape {
        key: it.key.clone(),
        name: it.name.clone(),
        direction: direction.to_owned(),
        form: form_word(&it.form).to_owned(),
        currency: if let Form::Money(currency) = &it.form { Some(currency.clone()) } else { None },
    }
}

fn comparison(it: &Comparison) -> ComparisonShape {
    let (part, margin) = match it.part {
        Part::Primary => ("primary", None),
        Part::Guardrail(margin) => ("guardrail", Some(margin)),
        Part::Secondary => ("secondary", None),
    };
    let side = |it: Side| SideShape { units: it.units, mean: it.mean };
    let other = if it.decides == Estimand::Relative { Estimand::Absolute } else { Estimand::Relative };
    ComparisonShape {
        metric: metric(&it.metric),
        part: part.to_owned(),
        margin,
        segment: it.segment.clone(),
        variant: it.variant.clone(),
        variant_name: it.variant_name.clone(),
        control: it.control.map(side),
        treatment: it.treatment.map(side),
        effect: effect(it.decides, &it.answer),
        reason: it.answer.as_ref().err().map(|it| reason_word(*it).to_owned()),
        other: effect(other, &it.other),
        noise_taken_out: it.noise_taken_out,
    }
}

fn effect(scale: Estimand, answer: &Result<Answer, Undecidable>) -> Option<EffectShape> {
    let Answer { reading, q, verdict, .. } = answer.as_ref().ok()?;
    let call = match verdict {
        Call::Better => "better",
        Call::Worse => "worse",
        Call::Safe => "safe",
        Call::Breached => "breached",
        Call::Unclear => "unclear",
    };
    Some(EffectShape {
        scale: scale_word(scale).to_owned(),
        estimate: reading.estimate,
        low: reading.low,
        high: reading.high,
        p: reading.p,
        q: *q,
        call: call.to_owned(),
    })
}

fn progress(it: Progress) -> ExperimentProgress {
    let Progress { units, a_day, ran_days, needed, days_left, detectable } = it;
    ExperimentProgress { units, a_day, ran_days, needed, days_left, detectable }
}

/// Somebody who was exposed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExposedPerson {
    customer: CustomerRow,
    /// When first.
    exposed_at: String,
    /// The version since which chances were as they were.
    allocation: i64,
    /// What it was part of; may be empty.
    subject: String,
}

/// A page of the people behind a variant.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExposedPeople {
    rows: Vec<ExposedPerson>,
    next: Option<String>,
}

/// Of which variant, and where the page begins.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PeopleQuery {
    /// The variant's key.
    variant: String,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Lists the people who have a variant, without those who had several.
#[utoipa::path(get, path = "/api/v1/experiments/{key}/people", security(("caller" = ["view_people"])), tag = "experiments",
    params(("key" = String, Path), ("variant" = String, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = ExposedPeople)))]
pub async fn people(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<ExposedPeople>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let row = find(&app, caller.workspace, &key).await?;
    if row.design.0.variant(&query.variant).is_none() {
        return Err(Problem::not_found("variant"));
    }
    let after = match query.cursor.as_deref() {
        None => i64::MIN,
        Some(cursor) => cursor.parse().map_err(|_| Problem::invalid("cursor", "is `next` of the page before"))?,
    };
    let mut db = app.installation.store.read();
    let of = (row.experiment, query.variant.as_str());
    let mut found = exposures::page_of_variant(&mut db, caller.workspace, of, Handle(after), PAGE + 1).await?;
    let is_more = found.len() > 50;
    found.truncate(50);
    let next = found.last().filter(|_| is_more).map(|row| row.handle.0.to_string());
    let ids: Vec<PersonId> = found.iter().map(|row| row.person).collect();
    let known: BTreeMap<PersonId, _> = if ids.is_empty() {
        BTreeMap::new()
    } else {
        persons::by_ids(&mut db, caller.workspace, &ids).await?.into_iter().map(|row| (row.person, row)).collect()
    };
    let person = |row: exposures::ExposureRow| {
        Some(ExposedPerson {
            customer: CustomerRow::of(known.get(&row.person)?),
            exposed_at: time(row.exposed_at),
            allocation: row.allocation,
            subject: row.subject,
        })
    };
    Ok(Json(ExposedPeople { rows: found.into_iter().filter_map(person).collect(), next }))
}

/// How many were first exposed on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExposureDay {
    /// The day (UTC), such as `2026-11-27`.
    day: String,
    variant: String,
    allocation: i64,
    /// Without those who had several variants.
    exposed: i64,
    /// Those who had.
    mixed: i64,
}

/// Exposures by day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExposureDays {
    rows: Vec<ExposureDay>,
}

/// Lists how many were first exposed, by day and variant, of all allocations.
#[utoipa::path(get, path = "/api/v1/experiments/{key}/days", security(("caller" = ["view_reports"])), tag = "experiments", params(("key" = String, Path)), responses((status = 200, body = ExposureDays)))]
pub async fn days(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<ExposureDays>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, caller.workspace, &key).await?;
    let mut db = app.installation.store.read();
    let day = |row: counts::DayRow| ExposureDay {
        day: time(Timestamp(row.day * Timestamp::DAY)).chars().take(10).collect(),
        variant: row.variant,
        allocation: row.allocation,
        exposed: row.units,
        mixed: row.mixed,
    };
    let rows = counts::of(&mut db, caller.workspace, row.experiment).await?;
    Ok(Json(ExposureDays { rows: rows.into_iter().filter(|it| it.units + it.mixed > 0).map(day).collect() }))
}
