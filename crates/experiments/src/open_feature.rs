//! Flags for the company's own site and apps, as the OpenFeature Remote Evaluation Protocol has them (OFREP 0.1 to 0.3).
//!
//! Two calls: `POST /ofrep/v1/evaluate/flags/{key}` gives one flag, `POST /ofrep/v1/evaluate/flags` all of them with an `ETag`. This module has what they
//! say and with which status; their JSON is the server's. A request's `context.targetingKey` is the unit's text: the server looks up whose it is, and
//! hands in the person if there is one.
//!
//! Always holds: an answer has a value and no fault, or a fault and no value, so that the site's own default takes its place; the same answers have the
//! same tag.
//!
//! Does not do: note exposures. One flag that is asked for is about to be shown, so the server notes it before it answers. All flags at once are
//! fetched in advance, so those exposures are noted when the site says `Experiment Viewed`.

use serde_json::Value;

use crate::design::Experiment;
use crate::evaluate::{Exposure, Fault, Reason, Situation, evaluate};

/// The answer for one flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The flag's key.
    pub key: String,
    /// What it came to.
    pub outcome: Result<Resolved, Failure>,
    /// What is to be noted before it is shown.
    pub exposures: Vec<Exposure>,
}

/// A value: the protocol's `evaluationSuccess`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// `value`.
    pub value: Value,
    /// `variant`.
    pub variant: String,
    /// `reason`.
    pub reason: &'static str,
    /// `metadata.experiment`: the experiment's version, so that the site can send it back with `Experiment Viewed`.
    pub version: i64,
}

/// No value: the protocol's `evaluationFailure`, `flagNotFound` or `bulkEvaluationFailure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such flag.
    FlagNotFound,
    /// The request names no unit.
    TargetingKeyMissing,
    /// The request's context is no object, or its targeting key no text.
    InvalidContext,
    /// The request is no JSON.
    Parse,
    /// The flag has nothing to give.
    General,
}

/// The longest targeting key, in bytes.
pub const TARGETING_KEY_MAX: usize = 512;

impl Failure {
    /// `errorCode`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            Self::InvalidContext => "INVALID_CONTEXT",
            Self::Parse => "PARSE_ERROR",
            Self::General => "GENERAL",
        }
    }

    /// `errorDetails`: what to do.
    pub const fn details(self) -> &'static str {
        match self {
            Self::FlagNotFound => {
                "there is no running flag or experiment of this key; look at its spelling and whether it was started"
            }
            Self::TargetingKeyMissing => {
                "give context.targetingKey: the user id or anonymous id of somebody who was seen before; what is for devices (unit anonymous) takes any device's anonymous id"
            }
            Self::InvalidContext => "context is an object, and its targetingKey a text of at most 512 bytes",
            Self::Parse => "the body is no JSON",
            Self::General => "the flag has no variants",
        }
    }

    /// The status of the answer to a call for one flag. For all flags a failure of one stands in the list, with 200.
    pub const fn status(self) -> u16 {
        match self {
            Self::FlagNotFound => 404,
            _ => 400,
        }
    }
}

/// The unit that a request's body names: its `context.targetingKey`.
///
/// # Errors
/// What is wrong with it.
pub fn targeting_key(body: &Value) -> Result<&str, Failure> {
    let context = match body.get("context") {
        None | Some(Value::Null) => return Err(Failure::TargetingKeyMissing),
        Some(context) => context.as_object().ok_or(Failure::InvalidContext)?,
    };
    match context.get("targetingKey") {
        None | Some(Value::Null) => Err(Failure::TargetingKeyMissing),
        Some(Value::String(key)) if key.is_empty() => Err(Failure::TargetingKeyMissing),
        Some(Value::String(key)) if key.len() <= TARGETING_KEY_MAX && !key.contains('\0') => Ok(key),
        Some(_) => Err(Failure::InvalidContext),
    }
}

/// One flag.
pub fn one(flag: &Experiment, situation: &Situation<'_>) -> Evaluation {
    let decision = evaluate(flag, situation);
    let outcome = match (decision.reason, decision.variant) {
        (Reason::Error(Fault::UnitMissing), _) => Err(Failure::TargetingKeyMissing),
        (Reason::Error(Fault::NothingToGive), _) | (_, None) => Err(Failure::General),
        (reason, Some(variant)) => Ok(Resolved {
            value: variant.value.clone(),
            variant: variant.key.clone(),
            reason: reason.open_feature(),
            version: flag.allocation,
        }),
    };
    Evaluation { key: flag.key.clone(), outcome, exposures: decision.exposures }
}

/// All flags that are not drafts, in the order of their keys.
pub fn all<'e>(flags: impl IntoIterator<Item = &'e Experiment>, situation: &Situation<'_>) -> Vec<Evaluation> {
    let shown = |flag: &&Experiment| {
        flag.state != crate::design::State::Draft && flag.design.kind != crate::design::Kind::Holdout
    };
    let mut found: Vec<Evaluation> = flags.into_iter().filter(shown).map(|flag| one(flag, situation)).collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

/// The `ETag` of the answer to a call for all flags, in quotes; 304 where `If-None-Match` has it.
pub fn etag(evaluations: &[Evaluation]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(bytes);
    };
    for evaluation in evaluations {
        part(evaluation.key.as_bytes());
        match &evaluation.outcome {
            Ok(it) => {
                part(it.value.to_string().as_bytes());
                part(it.variant.as_bytes());
                part(it.reason.as_bytes());
                part(&it.version.to_le_bytes());
            }
            Err(failure) => part(failure.code().as_bytes()),
        }
    }
    format!("\"{}\"", &hasher.finalize().to_hex()[..32])
}

/// Whether a request's `If-None-Match` has this tag.
pub fn not_modified(if_none_match: &str, tag: &str) -> bool {
    let weak = |it: &str| it.trim().trim_start_matches("W/").to_owned();
    if_none_match.split(',').map(weak).any(|it| it == tag || it == "*")
}
