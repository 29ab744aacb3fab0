//! Rounds over the members of a segment: how far each has come.
//!
//! Always holds: a wave of a survey has one round; who was noted in it is behind its cursor, in the order of persons' numbers.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored round.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct RoundRow {
    /// The survey's number.
    pub survey: i64,
    /// Which round of asking.
    pub wave: i64,
    /// When it began.
    pub began_at: Timestamp,
    /// Up to whom members were noted.
    pub after_person: PersonId,
    /// How many of the sample were noted: the next one's place.
    pub placed: i64,
    /// When everybody was noted.
    pub finished_at: Option<Timestamp>,
}

/// Begins a round, if the wave has none yet.
pub async fn begin(tx: &mut Tx, workspace: WorkspaceId, (survey, wave): (i64, i64), at: Timestamp) -> Result<()> {
    let text = sql!(
        "INSERT INTO survey_rounds (workspace, survey, wave, began_at, after_person, placed) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING"
    );
    tx.execute(text, args![workspace, survey, wave, at, PersonId(i64::MIN), 0_i64]).await?;
    Ok(())
}

/// The one of a wave, if not everybody in it was noted yet.
pub async fn open(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (survey, wave): (i64, i64),
) -> Result<Option<RoundRow>> {
    let text = sql!(
        "SELECT survey, wave, began_at, after_person, placed, finished_at FROM survey_rounds
         WHERE survey = $2 AND wave = $3 AND workspace = $1 AND finished_at IS NULL"
    );
    db.fetch_optional(text, args![workspace, survey, wave]).await
}

/// Goes on from where a round stood; whether it still stood there.
pub async fn go_on(tx: &mut Tx, workspace: WorkspaceId, from: &RoundRow, to: &RoundRow) -> Result<bool> {
    let text = sql!(
        "UPDATE survey_rounds SET after_person = $5, placed = $6, finished_at = $7
         WHERE survey = $2 AND wave = $3 AND workspace = $1 AND after_person = $4 AND finished_at IS NULL"
    );
    let args = args![workspace, from.survey, from.wave, from.after_person, to.after_person, to.placed, to.finished_at];
    Ok(tx.execute(text, args).await? == 1)
}
