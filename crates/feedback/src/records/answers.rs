//! Answers: one row for each part, with the scale and direction under which it was given.
//!
//! Always holds: the rows of a response are what is known of its answers; writing a question's answer takes away what was there of that question.

use std::collections::BTreeMap;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::responses::ResponseRow;
use crate::survey::{Answers, Definition, Given};

/// A stored part of an answer.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct AnswerRow {
    /// The response.
    pub response: String,
    /// The question.
    pub question: String,
    /// Which part of it.
    pub part: String,
    /// The kind of question.
    pub kind: String,
    /// The point on the scale, the rank, the value of what was chosen.
    pub number: Option<i64>,
    /// The key of what was chosen.
    pub choice: Option<String>,
    /// In their own words.
    pub text: Option<String>,
    /// The least of the scale.
    pub low: Option<i64>,
    /// The most of the scale.
    pub high: Option<i64>,
    /// Which end is the good one: `up` or `down`.
    pub direction: Option<String>,
    /// When.
    pub answered_at: Timestamp,
}

impl AnswerRow {
    /// As questions see it.
    pub fn given(&self) -> Given {
        Given { part: self.part.clone(), number: self.number, choice: self.choice.clone(), text: self.text.clone() }
    }
}

/// The rows of some responses, by response and question.
pub async fn of_responses(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    responses: &[String],
) -> Result<Vec<AnswerRow>> {
    let text = sql!(
        "SELECT response, question, part, kind, number, choice, text, low, high, direction, answered_at FROM answers
         WHERE response IN ($2) AND +workspace = $1 ORDER BY response, question, part"
    );
    db.fetch_all(text, args![workspace, responses]).await
}

/// What was answered so far.
pub async fn of(db: &mut impl Queries, workspace: WorkspaceId, response: &str) -> Result<Answers> {
    let mut answers: BTreeMap<String, Vec<Given>> = BTreeMap::new();
    for row in of_responses(db, workspace, &[response.to_owned()]).await? {
        answers.entry(row.question.clone()).or_default().push(row.given());
    }
    Ok(answers)
}

/// Writes what was given to these questions, in place of what was there of them.
pub async fn write(
    tx: &mut Tx,
    workspace: WorkspaceId,
    response: &ResponseRow,
    definition: &Definition,
    answers: &Answers,
    at: Timestamp,
) -> Result<()> {
    let questions: Vec<String> = answers.keys().cloned().collect();
    remove(tx, workspace, &response.id, &questions).await?;
    let text = sql!(
        "INSERT INTO answers (response, workspace, survey, question, part, kind, number, choice, text, low, high, direction, handle, person, answered_at)
         VALUES {rows}"
    );
    let mut rows = Vec::new();
    for (key, given) in answers {
        let Some(question) = definition.question(key) else { continue };
        let (low, high, direction) = match question.answer.scale() {
            Some((scale, direction)) => {
                (Some(i64::from(*scale.start())), Some(i64::from(*scale.end())), Some(direction.as_str()))
            }
            None => (None, None, None),
        };
        rows.extend(given.iter().map(|it| {
            args![
                &response.id,
                workspace,
                response.survey,
                key,
                &it.part,
                question.answer.kind(),
                it.number,
                it.choice.as_deref(),
                it.text.as_deref(),
                low,
                high,
                direction,
                response.handle,
                response.person,
                at
            ]
        }));
    }
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Takes away what was given to these questions.
pub async fn remove(tx: &mut Tx, workspace: WorkspaceId, response: &str, questions: &[String]) -> Result<()> {
    let text = sql!("DELETE FROM answers WHERE response = $2 AND question IN ($3) AND +workspace = $1");
    tx.execute(text, args![workspace, response, questions]).await?;
    Ok(())
}
