//! Responses as lines of a file: one column for each question, or for each part of one, as [`super::files`] reads them.
//!
//! Always holds: columns are named by what they mean there (`:id`, `recommend`, `parts.time`), so that the same survey always has the same ones and no question can
//! pass for something else; what was written is no formula to a spreadsheet, and comes back as it was.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{IdentifierKind, PersonId, WorkspaceId};
use rapport_feedback::records::answers::{self, AnswerRow};
use rapport_feedback::records::responses::ResponseRow;
use rapport_feedback::survey::question::OTHER;
use rapport_feedback::survey::{Answer, Definition};
use rapport_profiles::records::{identifiers, persons};
use rapport_store::Queries;

use crate::exporting::plain;

/// What is said of a response beside its answers.
const KNOWN: [&str; 16] = [
    ":id",
    ":person_id",
    ":user_id",
    ":email",
    ":started_at",
    ":answered_at",
    ":state",
    ":source",
    ":version",
    ":wave",
    ":language",
    ":channel",
    ":touchpoint",
    ":product_id",
    ":agent_id",
    ":subject_id",
];
/// What stands between several choices; no key of a choice has it.
const BETWEEN: &str = "|";

/// The columns of answers: a question, and which part of it; whole without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(Vec<(String, Option<String>)>);

impl Columns {
    /// Those of some versions: first of the first what it asks, then what only others ask.
    pub fn of<'d>(versions: impl IntoIterator<Item = &'d Definition>) -> Self {
        let mut all: Vec<(String, Option<String>)> = Vec::new();
        for question in versions.into_iter().flat_map(Definition::questions) {
            let parts: Vec<Option<&str>> = match &question.answer {
                Answer::Matrix { .. } | Answer::Kano { .. } => question.answer.parts().into_iter().map(Some).collect(),
                Answer::Single { other: true, .. } | Answer::Multiple { other: true, .. } => vec![None, Some(OTHER)],
                _ => vec![None],
            };
            for part in parts {
                let column = (question.key.clone(), part.map(str::to_owned));
                if !all.contains(&column) {
                    all.push(column);
                }
            }
        }
        Self(all)
    }

    /// The first line.
    pub fn head(&self) -> Vec<String> {
        let of = |(question, part): &(String, Option<String>)| match part {
            None => question.clone(),
            Some(part) => format!("{question}.{part}"),
        };
        KNOWN.iter().map(|name| (*name).to_owned()).chain(self.0.iter().map(of)).collect()
    }

    fn cells(&self, given: &[AnswerRow]) -> Vec<String> {
        self.0
            .iter()
            .map(|(question, part)| cell(given.iter().filter(|it| it.question == *question), part.as_deref()))
            .collect()
    }
}

/// A cell: of one question's answers the whole, or one part.
fn cell<'a>(given: impl Iterator<Item = &'a AnswerRow>, part: Option<&str>) -> String {
    let mut given: Vec<&AnswerRow> = given.collect();
    match part {
        None if given.iter().any(|it| it.kind == "multiple" || it.kind == "ranking") => {
            given.sort_by_key(|it| if it.kind == "ranking" { it.number } else { None });
            let keys: Vec<&str> = given.iter().filter_map(|it| it.choice.as_deref()).collect();
            plain(&keys.join(BETWEEN))
        }
        None => given.iter().find(|it| it.part.is_empty()).map_or_else(String::new, |it| value(it)),
        // What somebody wrote for a choice that is in no list.
        Some(OTHER) if given.iter().any(|it| it.kind == "single" || it.kind == "multiple") => {
            let other = given.iter().find(|it| it.choice.as_deref() == Some(OTHER));
            other.and_then(|it| it.text.as_deref()).map_or_else(String::new, plain)
        }
        Some(part) => given.iter().find(|it| it.part == part).map_or_else(String::new, |it| value(it)),
    }
}

/// A number is none to a spreadsheet but a number.
fn value(row: &AnswerRow) -> String {
    match (&row.choice, row.number, &row.text) {
        (Some(choice), ..) => plain(choice),
        (None, Some(number), _) => number.to_string(),
        (None, None, text) => text.as_deref().map_or_else(String::new, plain),
    }
}

/// Lines of some responses, in their order, each with as many cells as [`Columns::head`] has.
///
/// # Errors
/// The store's.
pub async fn lines(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    columns: &Columns,
    rows: &[ResponseRow],
) -> Result<Vec<Vec<String>>> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let people: Vec<PersonId> = rows.iter().filter_map(|row| row.person).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut given: BTreeMap<String, Vec<AnswerRow>> = BTreeMap::new();
    for row in answers::of_responses(db, workspace, &ids).await? {
        given.entry(row.response.clone()).or_default().push(row);
    }
    let mut emails: BTreeMap<PersonId, String> = BTreeMap::new();
    let mut numbers: BTreeMap<PersonId, String> = BTreeMap::new();
    if !people.is_empty() {
        let known = persons::by_ids(db, workspace, &people).await?;
        emails.extend(known.into_iter().filter_map(|row| Some((row.person, row.email?))));
        for row in identifiers::by_persons(db, workspace, &people).await? {
            if row.kind == IdentifierKind::UserId.as_str() {
                numbers.entry(row.person).or_insert(row.value);
            }
        }
    }
    let line = |row: &ResponseRow| {
        let of = |known: &BTreeMap<PersonId, String>| {
            row.person.and_then(|it| known.get(&it)).map_or_else(String::new, |it| plain(it))
        };
        let said = |text: &Option<String>| text.as_deref().map_or_else(String::new, plain);
        let answered_at = row.completed_at.unwrap_or(row.updated_at);
        let mut cells = vec![
            row.id.clone(),
            row.person.map_or_else(String::new, |it| it.to_string()),
            of(&numbers),
            of(&emails),
            row.started_at.to_rfc3339(),
            answered_at.to_rfc3339(),
            row.state.clone(),
            row.source.clone(),
            row.version.to_string(),
            row.wave.to_string(),
            plain(&row.language),
            said(&row.channel),
            said(&row.touchpoint),
            said(&row.product),
            said(&row.agent),
            said(&row.subject),
        ];
        cells.extend(columns.cells(given.get(&row.id).map_or(&[], Vec::as_slice)));
        cells
    };
    Ok(rows.iter().map(line).collect())
}
