//! A fit: what people did becomes a version, which is judged and scores, or is held, or a verdict says why there is none.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;

use anyhow::Result;
use rapport_analytics::scores::judged::Hold;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_analytics::scores::records::versions::{self, VersionRow};
use rapport_analytics::scores::{Verdict, card::Card};
use rapport_analytics::value::day_of;
use rapport_domain::PersonId;
use serde_json::Value;

use super::job::{self, Made};
use super::{SCHEDULE, Settings, churn, loyalty_index, propensity, value, without};
use crate::api::questions;
use crate::beat::Beat;

/// So many earlier versions are compared with what then happened.
const LOOKED_BACK: i64 = 12;

/// What came of a fit, whatever its kind.
pub(super) struct Fitted {
    /// The model, as its kind keeps it.
    pub(super) content: Value,
    /// Why it is held, beside the version before.
    pub(super) held: Vec<Hold>,
    /// How many people it was learnt from.
    pub(super) people: usize,
    pub(super) card: Card,
    /// What happened since earlier versions were fitted.
    pub(super) came: Vec<(i64, Value)>,
}

/// What a fit is given.
pub(super) struct Asked<'a> {
    pub(super) beat: &'a Beat<'a>,
    pub(super) row: &'a ModelRow,
    pub(super) context: rapport_analytics::Context,
    /// The first day that is not known.
    pub(super) end: i32,
    /// The number of the version.
    pub(super) version: i64,
    /// The versions before, the newest first.
    pub(super) earlier: Vec<VersionRow>,
    /// Of whom nothing may be learnt.
    pub(super) without: BTreeSet<PersonId>,
}

/// What is learnt on a thread of its own, from all that was read before; it counts the steps that are done.
pub(super) type Learning = Box<dyn FnOnce(&AtomicUsize) -> Result<Fitted, Verdict> + Send>;

pub(super) async fn fit(beat: &Beat<'_>, model: &str) -> Result<()> {
    let (installation, workspace) = (beat.installation, beat.claim.workspace);
    let Some(row) = models::find(&mut installation.store.read(), workspace, model).await? else {
        return beat.stopped().await;
    };
    let context = questions::context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    let as_of = context.now.min(context.data_until);
    let by = beat.claim.payload["by"].as_str().unwrap_or(SCHEDULE).to_owned();
    let earlier = versions::latest(&mut installation.store.read(), workspace, model, LOOKED_BACK).await?;
    let settings = Settings::of(&row);
    let is_known = |it: &VersionRow| it.as_of == as_of && !settings.is_changed(&it.content);
    if by == SCHEDULE && earlier.first().is_some_and(is_known) {
        // Nothing happened since.
        return job::complete(beat, model, None).await;
    }
    let steps = settings.steps();
    if beat.at(0, steps + 2).await? {
        return beat.stopped().await;
    }
    let without = without(installation, workspace).await?;
    let version = versions::next(&mut installation.store.read(), workspace, model).await?;
    let end = day_of(as_of, &context.calendar) + 1;
    let asked = Asked { beat, row: &row, context, end, version, earlier, without };
    let learning = match settings {
        Settings::Value(settings) => value::learn(&asked, settings).await?.map(Some),
        Settings::Churn(settings) => churn::learn(&asked, settings).await?.map(Some),
        Settings::Propensity(settings) => propensity::learn(&asked, &settings).await?.map(Some),
        Settings::LoyaltyIndex(settings) => loyalty_index::learn(&asked, settings).await?,
    };
    let learn = match learning {
        Ok(Some(learn)) => learn,
        // It would be the version before.
        Ok(None) => return job::complete(beat, model, None).await,
        Err(verdict) => return job::complete(beat, model, Some(verdict)).await,
    };
    match job::learnt(beat, steps, learn).await? {
        None => beat.stopped().await,
        Some(Err(verdict)) => job::complete(beat, model, Some(verdict)).await,
        Some(Ok(Fitted { content, held, people, card, came })) => {
            let (people, card) = (i64::try_from(people)?, serde_json::to_value(&card)?);
            job::keep(beat, model, Made { version, as_of, by: &by, people, content, card, held, came }).await
        }
    }
}
