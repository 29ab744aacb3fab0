//! Answers from a file of another program: what its columns mean, and each row as a response.
//!
//! Always holds: a row is taken whole or refused with a reason; the same row again adds nothing (a row is named by its own id, else by what it says, and which
//! of equal rows it is); looking at a file first changes nothing.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use rapport_domain::language::Language;
use rapport_domain::plain::is_key;
use rapport_domain::{Handle, IdentifierKind, PersonId, Timestamp, WorkspaceId, plain};
use rapport_feedback::Error;
use rapport_feedback::records::responses::{self, Source};
use rapport_feedback::service::answering::{self, Beginning};
use rapport_feedback::service::asking::About;
use rapport_feedback::survey::question::{KANO, OTHER};
use rapport_feedback::survey::{Answer, Answers, Choice, Question, read_told};
use rapport_profiles::records::identifiers;
use rapport_store::{Priority, Queries};
use serde_json::{Map, Value, json};

use super::known::Published;
use crate::exporting::as_it_was;
use crate::installation::Installation;

/// The most rows of a file.
pub const MOST_ROWS: usize = 10_000;
/// Rows that are written at once.
const SLICE: usize = 100;
/// The longest name that others gave to something, in letters.
const LONGEST: usize = 200;
/// What a column can be beside an answer, with how others call it, folded.
const ROLES: [(&str, &[&str]); 9] = [
    ("id", &["id", "responseid", "respondentid", "response", "nr", "no"]),
    ("email", &["email", "emailaddress", "mail"]),
    ("user_id", &["userid", "customerid", "customer", "customernumber", "externalid"]),
    (
        "answered_at",
        &["answeredat", "date", "time", "timestamp", "submittedat", "submitdate", "completedat", "created", "enddate"],
    ),
    ("language", &["language", "lang", "locale"]),
    ("touchpoint", &["touchpoint"]),
    ("product_id", &["productid", "product", "sku"]),
    ("agent_id", &["agentid", "agent"]),
    ("subject_id", &["subjectid", "orderid", "order", "ticketid", "ticket"]),
];

/// What a column is: `question` (of a part: `question.part`), or one of [`ROLES`] with a colon before it; nothing where it is left out.
pub type Mapping = BTreeMap<String, String>;

/// A row that was read.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line at which it begins, the header's being 1.
    pub line: u64,
    /// What tells it from others.
    pub origin: String,
    /// What was answered.
    pub given: Answers,
    /// By which identifier its person is found.
    pub who: Option<(IdentifierKind, String)>,
    at: Option<Timestamp>,
    language: Option<Language>,
    about: About,
}

/// Why a row is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The line at which it begins.
    pub line: u64,
    /// The column.
    pub column: String,
    /// What is wrong with it.
    pub why: String,
}

/// A file as it was read.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Its columns, as the header names them.
    pub columns: Vec<String>,
    /// Its rows: the line at which each begins, and its fields.
    rows: Vec<(u64, Vec<String>)>,
}

impl Sheet {
    /// Reads a text of lines with fields between commas, semicolons or tabs, whichever its first line has most of.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{FEFF}');
        let first = text.lines().next().unwrap_or_default();
        let count = |mark: char| first.matches(mark).count();
        let mark = [',', ';', '\t'].into_iter().max_by_key(|mark| (count(*mark), *mark == ',')).unwrap_or(',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(u8::try_from(mark).unwrap_or(b','))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(|_| "the first line cannot be read".to_owned())?;
        let columns: Vec<String> = header.iter().map(|name| plain::one_line(name, LONGEST)).collect();
        if columns.iter().all(String::is_empty) {
            return Err("the first line names the columns".to_owned());
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                format!("line {line} cannot be read")
            })?;
            if rows.len() == MOST_ROWS {
                return Err(format!("at most {MOST_ROWS} rows at a time; split the file"));
            }
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, record.iter().map(str::to_owned).collect()));
        }
        Ok(Self { columns, rows })
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What its columns seem to be, by their names: questions by key or text in any language, the rest by what others call it.
    pub fn propose(&self, survey: &Published) -> Mapping {
        let mut mapping = Mapping::new();
        // Our own names say it exactly.
        let exact = self.columns.iter().filter(|column| meaning(survey, column, column).is_ok());
        mapping.extend(exact.map(|column| (column.clone(), column.clone())));
        for column in &self.columns {
            if mapping.contains_key(column) || column.starts_with(':') {
                continue;
            }
            let name = folded(column);
            let is_it = |question: &&Question| {
                folded(&question.key) == name || question.text.0.values().any(|text| folded(text) == name)
            };
            let of_part = || {
                survey.definition.questions().find_map(|question| {
                    let part = parts(&question.answer).into_iter().find(|part| {
                        let label =
                            |it: &Choice| it.key == *part && it.text.0.values().any(|text| folded(text) == name);
                        folded(&format!("{}{part}", question.key)) == name || question.answer.rows().iter().any(label)
                    })?;
                    Some(format!("{}.{part}", question.key))
                })
            };
            let role = || {
                let found = ROLES.iter().find(|(_, names)| names.contains(&name.as_str()))?;
                Some(format!(":{}", found.0))
            };
            let question = survey.definition.questions().find(is_it).map(|it| it.key.clone());
            let found = question.or_else(of_part).or_else(role);
            // Two columns of one name cannot both be it.
            if let Some(found) = found.filter(|it| !mapping.values().any(|known| known == it)) {
                mapping.insert(column.clone(), found);
            }
        }
        mapping
    }

    /// Reads the rows; and which are refused, and why.
    ///
    /// # Errors
    /// What is wrong with the mapping.
    pub fn rows(
        &self,
        survey: &Published,
        mapping: &Mapping,
        now: Timestamp,
    ) -> Result<(Vec<Row>, Vec<Refused>), String> {
        let columns = self.meanings(survey, mapping)?;
        let (mut rows, mut refused) = (Vec::with_capacity(self.rows.len()), Vec::new());
        let mut seen: HashMap<String, u32> = HashMap::new();
        for (line, fields) in &self.rows {
            let line = *line;
            match row(&columns, fields, (survey, now), line) {
                Ok(mut row) => {
                    let times = seen.entry(row.origin.clone()).or_default();
                    *times += 1;
                    if *times > 1 {
                        row.origin = format!("{}#{times}", row.origin);
                    }
                    rows.push(row);
                }
                Err((column, why)) => refused.push(Refused { line, column, why }),
            }
        }
        Ok((rows, refused))
    }

    /// What each column is, in their order.
    fn meanings<'a>(&self, survey: &'a Published, mapping: &Mapping) -> Result<Vec<(String, Meaning<'a>)>, String> {
        if let Some(unknown) = mapping.keys().find(|column| !self.columns.contains(column)) {
            return Err(format!("the file has no column `{unknown}`"));
        }
        let of = |column: &String| match mapping.get(column).map(String::as_str) {
            None | Some("") => Ok(Meaning::None),
            Some(word) => meaning(survey, column, word),
        };
        let all: Result<Vec<(String, Meaning<'_>)>, String> =
            self.columns.iter().map(|column| Ok((column.clone(), of(column)?))).collect();
        let all = all?;
        if !all.iter().any(|it| matches!(it.1, Meaning::Answer(..))) {
            return Err("say which column answers which question".to_owned());
        }
        Ok(all)
    }
}

/// What a column is.
enum Meaning<'a> {
    None,
    Role(&'static str),
    Answer(&'a Question, Option<&'a str>),
}

/// What a word of a mapping says that a column is.
fn meaning<'a>(survey: &'a Published, column: &str, word: &str) -> Result<Meaning<'a>, String> {
    if let Some(role) = word.strip_prefix(':') {
        let known = ROLES.iter().find(|(known, _)| *known == role);
        return known.map(|(role, _)| Meaning::Role(role)).ok_or_else(|| format!("`{column}`: there is no `:{role}`"));
    }
    let (key, part) = word.split_once('.').map_or((word, None), |(key, part)| (key, Some(part)));
    let question = survey.definition.question(key);
    let question = question.ok_or_else(|| format!("`{column}`: there is no question `{key}`"))?;
    match part.map(|part| parts(&question.answer).into_iter().find(|known| *known == part)) {
        Some(None) => Err(format!("`{column}`: `{key}` has no part of that name")),
        part => Ok(Meaning::Answer(question, part.flatten())),
    }
}

/// The parts that can have a column of their own: where something can be chosen that is in no list, `other` is what was written for it.
fn parts(answer: &Answer) -> Vec<&str> {
    match answer {
        Answer::Single { other: true, .. } => vec![OTHER],
        answer => answer.parts(),
    }
}

fn folded(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Reads a row; or which column is wrong, and why.
fn row(
    columns: &[(String, Meaning<'_>)],
    fields: &[String],
    (survey, now): (&Published, Timestamp),
    line: u64,
) -> Result<Row, (String, String)> {
    let mut values: BTreeMap<&str, (Value, &Question, &str)> = BTreeMap::new();
    let mut roles: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for ((column, meaning), field) in columns.iter().zip(fields) {
        let field = as_it_was(field.trim());
        match meaning {
            _ if field.is_empty() => {}
            Meaning::None => {}
            Meaning::Role(role) => drop(roles.insert(role, (column, field))),
            Meaning::Answer(question, None) => {
                let entry = values.entry(&question.key).or_insert((Value::Null, question, column));
                entry.0 = join(value(question, field), entry.0.take());
            }
            Meaning::Answer(question, Some(part)) if is_chosen(question) => {
                let entry = values.entry(&question.key).or_insert((Value::Null, question, column));
                entry.0 = join(entry.0.take(), of_choice(question, part, field));
            }
            Meaning::Answer(question, Some(part)) => {
                let entry = values.entry(&question.key).or_insert((Value::Object(Map::new()), question, column));
                if let Value::Object(parts) = &mut entry.0 {
                    parts.insert((*part).to_owned(), of_part(question, field));
                }
            }
        }
    }
    let mut given = Answers::new();
    for (key, (value, question, column)) in values {
        match read_told(question, &value) {
            Ok(read) if read.is_empty() => {}
            Ok(read) => drop(given.insert(key.to_owned(), read)),
            Err(refusal) => return Err((column.to_owned(), refusal.text())),
        }
    }
    if given.is_empty() {
        return Err((String::new(), "the row answers nothing".to_owned()));
    }
    let role = |name: &str| roles.get(name).copied();
    let at = match role("answered_at") {
        None => None,
        Some((column, text)) => match instant(text) {
            Some(at) if at <= now => Some(at),
            Some(_) => return Err((column.to_owned(), "lies in the future".to_owned())),
            None => return Err((column.to_owned(), "is a time such as 2027-01-31T00:00:00Z".to_owned())),
        },
    };
    let text = |name: &str| role(name).map(|(_, text)| plain::one_line(text, LONGEST)).filter(|text| !text.is_empty());
    let origin = match text("id") {
        Some(id) => format!("file:{id}"),
        None => {
            let hash = blake3::hash(fields.join("\u{1F}").as_bytes()).to_hex();
            format!("file:{}", &hash[..32])
        }
    };
    let who = text("user_id").map(|id| (IdentifierKind::UserId, id));
    let who = who.or_else(|| text("email").map(|address| (IdentifierKind::Email, address.to_lowercase())));
    Ok(Row {
        line,
        origin,
        given,
        who,
        at,
        language: text("language").and_then(|tag| Language::parse(&tag)),
        about: About {
            touchpoint: text("touchpoint")
                .filter(|it| is_key(it))
                .or_else(|| survey.definition.asking.touchpoint.clone()),
            product: text("product_id"),
            agent: text("agent_id"),
            subject: text("subject_id"),
            ..About::default()
        },
    })
}

/// A time as files have it; a day is its beginning.
fn instant(text: &str) -> Option<Timestamp> {
    let iso = text.replacen(' ', "T", 1);
    [iso.clone(), format!("{iso}Z"), format!("{iso}:00Z"), format!("{iso}T00:00:00Z")]
        .iter()
        .find_map(|text| Timestamp::parse(text))
}

/// A field as the question's form of answer. What is no choice stays as it is, and is refused.
fn value(question: &Question, field: &str) -> Value {
    let several = |field: &str| -> Vec<Value> {
        let mark = ['|', ';', ','].into_iter().find(|mark| field.contains(*mark)).unwrap_or('|');
        field.split(mark).map(|it| json!(choice(question.answer.choices(), it.trim()))).collect()
    };
    match &question.answer {
        Answer::Single { choices, other, .. } => {
            let key = choice(choices, field);
            let is_known = choices.iter().any(|it| it.key == key);
            if !is_known && *other && key != OTHER { json!({"choice": OTHER, "text": field}) } else { json!(key) }
        }
        Answer::Multiple { .. } | Answer::Ranking { .. } => Value::Array(several(field)),
        Answer::Consent {} => match folded(field).as_str() {
            "yes" | "true" | "1" | "y" | "是" => json!("yes"),
            "no" | "false" | "0" | "n" | "否" => json!("no"),
            _ => json!(field),
        },
        // Whoever writes a number writes a text.
        Answer::Text { .. } | Answer::Hidden {} | Answer::Date { .. } => json!(field),
        _ => number(field).unwrap_or_else(|| json!(field)),
    }
}

fn is_chosen(question: &Question) -> bool {
    matches!(question.answer, Answer::Single { .. } | Answer::Multiple { .. })
}

/// A choice in a column of its own: whether it was chosen; of the one that is in no list what was written for it.
fn of_choice(question: &Question, part: &str, field: &str) -> Value {
    let written = json!({"choice": OTHER, "text": field});
    if !matches!(question.answer, Answer::Multiple { .. }) {
        return written;
    }
    match (part, folded(field).as_str()) {
        (_, "0") => Value::Null,
        (OTHER, "1") => json!([OTHER]),
        (OTHER, _) => json!([written]),
        (_, "no" | "false" | "n" | "否" | "unchecked") => Value::Null,
        _ => json!([part]),
    }
}

/// What two columns say of one answer: lists are put together, and what was written for the choice that is in no list goes to that.
fn join(one: Value, more: Value) -> Value {
    let is_other = |it: &Value| *it == OTHER || it["choice"] == OTHER;
    match (one, more) {
        (Value::Null, it) | (it, Value::Null) => it,
        (Value::Array(mut items), Value::Array(more)) => {
            for it in more {
                let known = items.iter_mut().find(|known| **known == it || is_other(known) && is_other(&it));
                match known {
                    Some(known) if it.is_object() => *known = it,
                    Some(_) => {}
                    None => items.push(it),
                }
            }
            Value::Array(items)
        }
        // Of one choice what is in the list counts, if it is in it.
        (one, more) => {
            if is_other(&one) && more.is_object() {
                more
            } else {
                one
            }
        }
    }
}

fn of_part(question: &Question, field: &str) -> Value {
    match &question.answer {
        Answer::Matrix { columns, .. } => json!(choice(columns, field)),
        Answer::Kano { .. } => {
            let place = field.parse::<usize>().ok().and_then(|place| KANO.get(place.checked_sub(1)?));
            json!(place.map_or_else(|| field.to_lowercase().replace(' ', "_"), |word| (*word).to_owned()))
        }
        _ => number(field).unwrap_or_else(|| json!(field)),
    }
}

/// `9`, and `9.0` as spreadsheets write it.
fn number(field: &str) -> Option<Value> {
    let whole = field.strip_suffix(".0").unwrap_or(field);
    whole.parse::<i64>().ok().map(Value::from)
}

/// The key of a choice by its key, its words in any language, or its number.
fn choice(choices: &[Choice], field: &str) -> String {
    let name = folded(field);
    let by_words = |it: &&Choice| folded(&it.key) == name || it.text.0.values().any(|text| folded(text) == name);
    let by_number = |it: &&Choice| it.value.is_some_and(|value| field == value.to_string());
    let exact = choices.iter().find(|it| it.key == field);
    let found = exact.or_else(|| choices.iter().find(by_words)).or_else(|| choices.iter().find(by_number));
    found.map_or_else(|| field.to_owned(), |it| it.key.clone())
}

/// What came of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// New responses.
    pub added: u64,
    /// Those that were here before.
    pub known: u64,
    /// Of all of these, those whose person is known here.
    pub people: u64,
}

/// Takes rows, or says what would come of it (`only_look`).
///
/// # Errors
/// The store's; slices that were written before stay, and are known the next time.
pub async fn take(
    installation: &Installation,
    workspace: WorkspaceId,
    survey: &Published,
    rows: &[Row],
    only_look: bool,
) -> Result<Taken> {
    let mut taken = Taken::default();
    for slice in rows.chunks(SLICE) {
        let mut tx = installation.store.begin(Priority::Background).await?;
        let people = people(&mut tx, workspace, slice).await?;
        for row in slice {
            let who = row.who.as_ref().and_then(|who| people.get(who)).copied();
            taken.people += u64::from(who.is_some());
            let known = responses::of_origin(&mut tx, workspace, survey.row.survey, &row.origin).await?;
            if known.is_some() {
                taken.known += 1;
                continue;
            }
            taken.added += 1;
            if only_look {
                continue;
            }
            let beginning = Beginning {
                survey: &survey.row,
                version: survey.version,
                source: Source::Import,
                invitation: None,
                origin: Some(row.origin.clone()),
                who,
                language: row.language.as_ref().unwrap_or(&survey.definition.default_language).as_str(),
                about: row.about.clone(),
                at: row.at,
            };
            let clock = (&*installation.clock, &*installation.rng);
            match answering::take(&mut tx, workspace, &survey.definition, &beginning, &row.given, clock).await {
                Ok(_) => {}
                // Somebody takes the same file at the same time.
                Err(Error::Answered) => (taken.added, taken.known) = (taken.added - 1, taken.known + 1),
                Err(error) => return Err(error.into()),
            }
        }
        if !only_look {
            tx.commit().await?;
        }
    }
    Ok(taken)
}

/// The people of some rows who are known here.
async fn people(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    rows: &[Row],
) -> Result<HashMap<(IdentifierKind, String), (Handle, PersonId)>> {
    let mut found = HashMap::new();
    for kind in [IdentifierKind::UserId, IdentifierKind::Email] {
        let of_kind = rows.iter().filter_map(|row| row.who.as_ref()).filter(|who| who.0 == kind);
        let values: Vec<String> = of_kind.map(|who| who.1.clone()).collect();
        if !values.is_empty() {
            let rows = identifiers::by_values(db, workspace, kind, &values).await?;
            found.extend(rows.into_iter().map(|row| ((kind, row.value), (row.handle, row.person))));
        }
    }
    Ok(found)
}
