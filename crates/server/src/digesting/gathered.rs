//! What customers said in a period, beside the one before.

use anyhow::Result;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_feedback::digest::records;
use rapport_feedback::follow_ups::figures::{Case, Figures, figures};
use rapport_feedback::follow_ups::records as follow_ups;
use rapport_feedback::records::counts::Which;
use rapport_feedback::records::surveys::{self, DRAFT};
use rapport_feedback::results::{Wanted, scores};
use rapport_feedback::reviews::records as reviews;
use rapport_models::experiments::Better;
use rapport_models::survey::{Confidence, Difference, Measure, Scale, Score, Tally};

use super::PERIOD;
use crate::api::texts::{ThemeShape, themes_between};
use crate::installation::Installation;

const MOST_SCORES: usize = 12;
const MOST_THEMES: usize = 5;
const MOST_FOLLOW_UPS: i64 = 20_000;

/// A survey's score.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The survey's name.
    pub survey: String,
    /// `nps`, `top_two`, `mean` or `easy`.
    pub measure: &'static str,
    /// The score of the period.
    pub score: Score,
    /// Against the period before.
    pub change: Option<Difference>,
}

/// What customers said in a period.
pub struct Gathered {
    /// From when.
    pub from: Timestamp,
    /// Until before when.
    pub to: Timestamp,
    /// Scores of surveys that were answered.
    pub scores: Vec<Scored>,
    /// Who was invited, and answered.
    pub responses: (i64, i64),
    /// Themes that are new, grow, or feel worse.
    pub themes: Vec<ThemeShape>,
    /// Texts of the period.
    pub texts: usize,
    /// Follow-ups that were opened.
    pub loops: Figures,
    /// Open now, and of these late.
    pub open: (i64, i64),
    /// Done in the period, by outcome.
    pub closed: Vec<(String, i64)>,
    /// Reviews of the period.
    pub reviews: i64,
    /// What they say on average.
    pub stars: Option<Score>,
    /// Reviews that wait for somebody to look.
    pub waiting: i64,
}

impl Gathered {
    /// Reads what was said in the period that ends at `to`.
    ///
    /// # Errors
    /// The store's.
    pub async fn read(installation: &Installation, workspace: WorkspaceId, to: Timestamp) -> Result<Self> {
        let from = to.plus(-PERIOD);
        let now = installation.clock.now();
        let mut db = installation.store.read();
        let opened = follow_ups::opened_between(&mut db, workspace, (from, to), MOST_FOLLOW_UPS).await?;
        let cases: Vec<Case> = opened.iter().map(Case::of).collect();
        let open = follow_ups::counts(&mut db, workspace, now).await?;
        let stars = records::stars(&mut db, workspace, (from, to)).await?;
        let count = |stars: &[(i64, i64)]| stars.iter().map(|it| it.1).sum();
        let waiting = reviews::states(&mut db, workspace).await?;
        let found = themes_between(installation, workspace, (from, to)).await?;
        let is_news =
            |it: &ThemeShape| ["new", "growing"].contains(&it.volume.as_str()) || it.feeling.as_str() == "worse";
        let texts = found.texts;
        let mut themes: Vec<ThemeShape> = found.rows.into_iter().filter(|it| it.texts > 0 && is_news(it)).collect();
        themes.truncate(MOST_THEMES);
        Ok(Self {
            from,
            to,
            scores: scored(installation, workspace, (from, to)).await?,
            responses: records::responses(&mut db, workspace, (from, to)).await?,
            themes,
            texts,
            loops: figures(&cases, now, Confidence::default()),
            open: open.iter().fold((0, 0), |sums, it| (sums.0 + it.2, sums.1 + it.3)),
            closed: records::closed(&mut db, workspace, (from, to)).await?,
            reviews: count(&stars),
            stars: mean(&stars),
            waiting: waiting.iter().filter(|it| it.0 == "waiting").map(|it| it.1).sum(),
        })
    }

    /// Whether nothing was said and nothing is to be done.
    pub fn is_quiet(&self) -> bool {
        self.scores.is_empty() && self.texts == 0 && self.reviews == 0 && self.open.0 == 0 && self.loops.opened == 0
    }
}

fn mean(stars: &[(i64, i64)]) -> Option<Score> {
    let scale = Scale::new(1, 5, Better::Higher)?;
    let counted = stars.iter().map(|(value, count)| (Some(*value), count.unsigned_abs()));
    Measure::Mean.score(&Tally::new(scale, counted).shares()?, Confidence::default())
}

/// Of each survey that was answered the score of the first question on a scale.
async fn scored(
    installation: &Installation,
    workspace: WorkspaceId,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Scored>> {
    let mut db = installation.store.read();
    let mut found = Vec::new();
    for survey in surveys::all(&mut db, workspace).await?.into_iter().filter(|it| it.state != DRAFT) {
        let version = survey.published.unwrap_or(survey.version);
        let Some(asked) = surveys::version(&mut db, workspace, survey.survey, version).await? else { continue };
        let Some(question) = asked.questions().find(|it| it.answer.scale().is_some()) else { continue };
        let before = from.plus(-PERIOD);
        let which =
            Which { survey: survey.survey, question: &question.key, from: before, to, partial: false, invited: false };
        let confidence = Confidence::default();
        let wanted = Wanted { which, by: None, periods: vec![before, from, to], confidence };
        let mut series = scores(&mut db, workspace, &wanted).await?;
        series.sort_by_key(|it| std::cmp::Reverse(it.total.tally.answers()));
        let Some(period) = series.into_iter().next().and_then(|it| it.periods.into_iter().nth(1)) else { continue };
        let Some((measure, score)) = period.cell.scores.first().copied() else { continue };
        let change = period.change.map(|it| it.difference);
        found.push(Scored { survey: survey.name, measure, score, change });
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.score.answers));
    found.truncate(MOST_SCORES);
    Ok(found)
}
