//! The one door: a question goes in, an answer comes out.

use rapport_domain::{Calendar, Currency, PersonId, Timestamp, WorkspaceId};
use rapport_lake::{Budget, Lake};
use rapport_store::Store;

use crate::answer::{Answer, Column, Detail};
use crate::asking::Asking;
use crate::catalog::{self, EventUse, PropertyInfo, PropertyValue};
use crate::error::Result;
use crate::people::Part;
use crate::question::Question;
use crate::{funnel, kpis, people, retention, rfm, trend};

/// The circumstances in which a question is asked.
#[derive(Clone, Debug)]
pub struct Context {
    /// The workspace's zone and first day of the week.
    pub calendar: Calendar,
    /// The workspace's currency: sums of money are of it alone.
    pub currency: Currency,
    /// The present, from which `last` counts back. What is dated later has not happened. For data of the past the caller
    /// may say an earlier present, e.g. the last event's time.
    pub now: Timestamp,
    /// Up to when there is data: now for live sources, the last event for an import of the past. What ends later is incomplete.
    pub data_until: Timestamp,
}

impl Context {
    /// The instant up to which intervals can be complete.
    pub(crate) fn complete_until(&self) -> Timestamp {
        self.now.min(self.data_until)
    }
}

/// What the functions of each kind give; the rest of an answer is the same for all.
pub(crate) struct Found {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<crate::answer::Cell>>,
    pub(crate) sentence: String,
    pub(crate) notes: Vec<String>,
    pub(crate) detail: Detail,
}

/// Answers questions over the lake and the product database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Analytics {
    pub(crate) store: Store,
    pub(crate) lake: Lake,
    pub(crate) budget: Budget,
}

impl Analytics {
    /// Over these two, with the usual budget.
    pub fn new(store: Store, lake: Lake) -> Self {
        // Rows of a person each come together for RFM only; all other answers are small.
        Self { store, lake, budget: Budget { rows: 5_000_000, ..Budget::default() } }
    }

    /// With another budget of time, memory and rows for every plan of a question.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The answer to a question. Dropping the future cancels it.
    pub async fn ask(&self, workspace: WorkspaceId, question: &Question, context: &Context) -> Result<Answer> {
        let began = self.store.clock().now();
        question.validate()?;
        let asking = self.begin(workspace, question, context).await?;
        let found = match question {
            Question::Trend(trend) => trend::answer(&asking, trend).await?,
            Question::Funnel(funnel) => funnel::answer(&asking, funnel).await?,
            Question::Retention(retention) => retention::answer(&asking, retention).await?,
            Question::Rfm(rfm) => rfm::answer(&asking, rfm).await?,
            Question::Kpis(kpis) => kpis::answer(&asking, kpis).await?,
        };
        let took = self.store.clock().now().0.saturating_sub(began.0);
        Ok(Answer {
            kind: question.kind(),
            columns: found.columns,
            rows: found.rows,
            sentence: found.sentence,
            notes: found.notes,
            computed_ms: u64::try_from(took / 1_000).unwrap_or(0),
            data_until: context.data_until,
            rows_read: u64::try_from(asking.snapshot.rows()).unwrap_or(0),
            detail: found.detail,
        })
    }

    /// The people behind a part of the answer to a question, at most `limit`, ascending by id.
    pub async fn people(
        &self,
        workspace: WorkspaceId,
        question: &Question,
        part: &Part,
        context: &Context,
        limit: usize,
    ) -> Result<Vec<PersonId>> {
        question.validate()?;
        let asking = self.begin(workspace, question, context).await?;
        people::behind(&asking, question, part, limit).await
    }

    /// The event names in use.
    pub async fn events(&self, workspace: WorkspaceId) -> Result<Vec<EventUse>> {
        catalog::events(&self.lake, self.budget, workspace).await
    }

    /// The property paths in use, of any event or of those of one name.
    pub async fn properties(&self, workspace: WorkspaceId, event: Option<&str>) -> Result<Vec<PropertyInfo>> {
        catalog::properties(&self.lake, self.budget, workspace, event).await
    }

    /// The most frequent values at a property path.
    pub async fn values(
        &self,
        workspace: WorkspaceId,
        event: Option<&str>,
        path: &str,
        limit: usize,
    ) -> Result<Vec<PropertyValue>> {
        catalog::values(&self.lake, self.budget, workspace, event, path, limit).await
    }

    async fn begin<'a>(
        &'a self,
        workspace: WorkspaceId,
        question: &Question,
        context: &'a Context,
    ) -> Result<Asking<'a>> {
        Asking::begin(&self.store, &self.lake, self.budget, workspace, question.who(), context).await
    }
}
