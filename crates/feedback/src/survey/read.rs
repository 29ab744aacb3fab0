//! Takes an answer from outside: what comes out is one that its question has.
//!
//! The form by kind of question: a number for scales; `"key"` for one choice, or `{"choice": "other", "text": "..."}`; a list of those for several;
//! `{"row": "column"}` for a matrix; the keys in order, or `{"item": rank}`, for a ranking; `{"functional": "like", "dysfunctional": "dislike"}`;
//! `"2026-01-31"` for a day; `true` or `"yes"` for consent. A number may come as a text, as forms send it. Nothing, an empty text and an empty list are no
//! answer.
//!
//! Always holds: a text has no control characters and no direction marks; no answer is longer than its question allows; a choice or row that the
//! question does not have is refused, never kept.

use std::collections::BTreeSet;

use rapport_domain::plain::clean;
use serde_json::Value;

use super::answer::Given;
use super::question::{Answer, Choice, HALVES, KANO, NO_OPINION, OTHER, Question};

/// Letters of what somebody writes for a choice that is in no list.
pub const OTHER_LETTERS: usize = 500;
/// Letters of what a link brings along.
pub const HIDDEN_LETTERS: usize = 200;

/// Why an answer is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The question.
    pub question: String,
    /// A stable word.
    pub code: &'static str,
    /// What it is filled with: a limit.
    pub limit: Option<i64>,
}

/// All that can be wrong with an answer, with what is said of it.
pub const REFUSALS: &[(&str, &str)] = &[
    ("required", "this question needs an answer"),
    ("not_a_number", "the answer must be a whole number"),
    ("too_low", "the least is {limit}"),
    ("too_high", "the most is {limit}"),
    ("unknown_choice", "there is no such choice"),
    ("unknown_row", "there is no such row"),
    ("too_many", "choose {limit} at most"),
    ("exclusive", "one of these answers goes with no other"),
    ("twice", "each can have one place only"),
    ("unfinished", "all of them need an answer"),
    ("too_long", "at most {limit} letters"),
    ("file", "a file is no answer to this question; write it in words"),
    ("not_a_day", "write the day as 2026-01-31"),
    ("wrong_form", "the answer does not have the form that the question asks for"),
];

impl Refusal {
    fn new(question: &Question, code: &'static str) -> Self {
        Self { question: question.key.clone(), code, limit: None }
    }

    /// That a question needs an answer.
    pub fn required(question: &Question) -> Self {
        Self::new(question, "required")
    }

    /// In English, without the question.
    pub fn text(&self) -> String {
        let text = REFUSALS.iter().find(|(code, _)| *code == self.code).map_or(self.code, |(_, text)| text);
        text.replace("{limit}", &self.limit.map_or_else(String::new, |limit| limit.to_string()))
    }
}

/// Reads an answer; empty where there is none.
///
/// # Errors
/// What is wrong with it.
pub fn read(question: &Question, value: &Value) -> Result<Vec<Given>, Refusal> {
    let it = Reader { question };
    if is_nothing(value) {
        return Ok(Vec::new());
    }
    match &question.answer {
        Answer::Scale { no_opinion: true, .. } if value.as_str() == Some(NO_OPINION) => {
            Ok(vec![chosen("", NO_OPINION)])
        }
        Answer::Nps { .. } | Answer::Csat { .. } | Answer::Ces { .. } | Answer::Scale { .. } => {
            let (scale, _) = question.answer.scale().unwrap_or((0..=0, super::Direction::Up));
            it.number(value, i64::from(*scale.start()), i64::from(*scale.end())).map(|number| vec![numbered(number)])
        }
        Answer::Number { from, to } => it.number(value, *from, *to).map(|number| vec![numbered(number)]),
        Answer::Kano { .. } => it.kano(value),
        Answer::Single { choices, other, .. } => {
            Ok(vec![Given { part: String::new(), ..it.choice(value, choices, *other)? }])
        }
        Answer::Multiple { choices, other, most, .. } => it.several(value, choices, *other, *most),
        Answer::Matrix { rows, columns, .. } => it.matrix(value, rows, columns),
        Answer::Ranking { choices, .. } => it.ranking(value, choices),
        Answer::Text { letters, .. } => it.text(value, *letters as usize).map(written),
        Answer::Hidden {} => it.text(value, HIDDEN_LETTERS).map(written),
        Answer::Date { from, to } => it.day(value, from.as_deref(), to.as_deref()),
        Answer::Consent {} => match value {
            Value::Bool(true) => Ok(vec![chosen("", "yes")]),
            Value::Bool(false) => Ok(vec![chosen("", "no")]),
            Value::String(word) if word == "yes" || word == "no" => Ok(vec![chosen("", word)]),
            Value::String(_) => Err(it.refused("unknown_choice")),
            _ => Err(it.refused("wrong_form")),
        },
    }
}

/// Reads an answer that was given elsewhere, which nobody can be asked to change: a number beside the question's scale is kept as it came, so that it is
/// counted as blank, visibly.
///
/// # Errors
/// What is wrong with it otherwise.
pub fn read_told(question: &Question, value: &Value) -> Result<Vec<Given>, Refusal> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match (read(question, value), number(value)) {
        (Err(refusal), Some(number)) if ["too_low", "too_high"].contains(&refusal.code) => {
            if question.answer.scale().is_some() { Ok(vec![numbered(number)]) } else { Err(refusal) }
        }
        (read, _) => read,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_nothing),
        Value::Object(members) => members.values().all(is_nothing),
        _ => false,
    }
}

fn numbered(number: i64) -> Given {
    Given { number: Some(number), ..Given::default() }
}

fn chosen(part: &str, choice: &str) -> Given {
    Given { part: part.to_owned(), choice: Some(choice.to_owned()), ..Given::default() }
}

fn written(text: String) -> Vec<Given> {
    if text.is_empty() { Vec::new() } else { vec![Given { text: Some(text), ..Given::default() }] }
}

struct Reader<'a> {
    question: &'a Question,
}

impl Reader<'_> {
    fn refused(&self, code: &'static str) -> Refusal {
        Refusal::new(self.question, code)
    }

    fn beyond(&self, code: &'static str, limit: i64) -> Refusal {
        Refusal { limit: Some(limit), ..self.refused(code) }
    }

    fn number(&self, value: &Value, from: i64, to: i64) -> Result<i64, Refusal> {
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => return Err(self.refused("wrong_form")),
        };
        let number = number.ok_or_else(|| self.refused("not_a_number"))?;
        match number {
            _ if number < from => Err(self.beyond("too_low", from)),
            _ if number > to => Err(self.beyond("too_high", to)),
            _ => Ok(number),
        }
    }

    fn text(&self, value: &Value, letters: usize) -> Result<String, Refusal> {
        let Value::String(text) = value else { return Err(self.refused("wrong_form")) };
        // Before it is looked at letter by letter.
        let too_long = || self.beyond("too_long", i64::try_from(letters).unwrap_or(i64::MAX));
        if text.len() > letters.saturating_mul(4).saturating_add(4_096) {
            return Err(too_long());
        }
        let mut plain = String::with_capacity(text.len());
        clean(text, &mut plain);
        let plain = plain.trim();
        if is_file(plain) {
            return Err(self.refused("file"));
        }
        if plain.chars().nth(letters).is_some() { Err(too_long()) } else { Ok(plain.to_owned()) }
    }

    /// One choice; its key is the part too.
    fn choice(&self, value: &Value, choices: &[Choice], other: bool) -> Result<Given, Refusal> {
        let (key, text) = match value {
            Value::String(key) => (key.as_str(), None),
            Value::Object(members) => match (members.get("choice").and_then(Value::as_str), members.get("text")) {
                (Some(key), text) if members.keys().all(|it| it == "choice" || it == "text") => (key, text),
                _ => return Err(self.refused("wrong_form")),
            },
            _ => return Err(self.refused("wrong_form")),
        };
        if let Some(choice) = choices.iter().find(|it| it.key == key) {
            return Ok(Given { number: choice.value.map(i64::from), ..chosen(key, key) });
        }
        if !other || key != OTHER {
            return Err(self.refused("unknown_choice"));
        }
        let text = text.filter(|text| !is_nothing(text)).map(|text| self.text(text, OTHER_LETTERS)).transpose()?;
        Ok(Given { text: text.filter(|text| !text.is_empty()), ..chosen(OTHER, OTHER) })
    }

    fn several(
        &self,
        value: &Value,
        choices: &[Choice],
        other: bool,
        most: Option<u32>,
    ) -> Result<Vec<Given>, Refusal> {
        let one = std::slice::from_ref(value);
        let items = if let Value::Array(items) = value { items.as_slice() } else { one };
        if items.len() > choices.len() + 1 {
            return Err(self.refused("unknown_choice"));
        }
        let mut given: Vec<Given> = Vec::new();
        for item in items.iter().filter(|item| !is_nothing(item)) {
            let choice = self.choice(item, choices, other)?;
            if given.iter().all(|it| it.part != choice.part) {
                given.push(choice);
            }
        }
        let excludes = |given: &Given| choices.iter().any(|it| it.exclusive && it.key == given.part);
        if given.len() > 1 && given.iter().any(excludes) {
            return Err(self.refused("exclusive"));
        }
        match most {
            Some(most) if given.len() > most as usize => Err(self.beyond("too_many", i64::from(most))),
            _ => Ok(given),
        }
    }

    fn members<'v>(&self, value: &'v Value) -> Result<impl Iterator<Item = (&'v str, &'v Value)>, Refusal> {
        let Value::Object(members) = value else { return Err(self.refused("wrong_form")) };
        Ok(members.iter().filter(|(_, value)| !is_nothing(value)).map(|(key, value)| (key.as_str(), value)))
    }

    fn kano(&self, value: &Value) -> Result<Vec<Given>, Refusal> {
        let mut given = Vec::new();
        for (half, value) in self.members(value)? {
            if !HALVES.contains(&half) {
                return Err(self.refused("unknown_row"));
            }
            let at = value.as_str().and_then(|word| KANO.iter().position(|it| *it == word));
            let at = at.ok_or_else(|| self.refused("unknown_choice"))?;
            given.push(Given { number: i64::try_from(at + 1).ok(), ..chosen(half, KANO[at]) });
        }
        Ok(given)
    }

    fn matrix(&self, value: &Value, rows: &[Choice], columns: &[Choice]) -> Result<Vec<Given>, Refusal> {
        let mut given = Vec::new();
        for (row, value) in self.members(value)? {
            if rows.iter().all(|it| it.key != row) {
                return Err(self.refused("unknown_row"));
            }
            given.push(Given { part: row.to_owned(), ..self.choice(value, columns, false)? });
        }
        Ok(given)
    }

    fn ranking(&self, value: &Value, choices: &[Choice]) -> Result<Vec<Given>, Refusal> {
        let count = i64::try_from(choices.len()).unwrap_or(i64::MAX);
        let ranked: Vec<(&str, i64)> = match value {
            Value::Array(items) => {
                let keys: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                keys.ok_or_else(|| self.refused("wrong_form"))?.into_iter().zip(1..).collect()
            }
            _ => {
                let of = |(key, value)| Ok((key, self.number(value, 1, count)?));
                self.members(value)?.map(of).collect::<Result<_, Refusal>>()?
            }
        };
        if ranked.iter().any(|(key, _)| choices.iter().all(|it| it.key != *key)) {
            return Err(self.refused("unknown_choice"));
        }
        let (keys, ranks): (BTreeSet<&str>, BTreeSet<i64>) = ranked.iter().copied().unzip();
        if keys.len() < ranked.len() || ranks.len() < ranked.len() {
            return Err(self.refused("twice"));
        }
        if ranked.len() < choices.len() {
            return Err(self.refused("unfinished"));
        }
        Ok(ranked.into_iter().map(|(key, rank)| Given { number: Some(rank), ..chosen(key, key) }).collect())
    }

    fn day(&self, value: &Value, from: Option<&str>, to: Option<&str>) -> Result<Vec<Given>, Refusal> {
        let Value::String(text) = value else { return Err(self.refused("wrong_form")) };
        let text = text.trim();
        let day = Some(text).filter(|text| text.len() == 10).and_then(|text| text.parse::<jiff::civil::Date>().ok());
        let day = day.ok_or_else(|| self.refused("not_a_day"))?;
        let bound = |text: Option<&str>| text.and_then(|text| text.parse::<jiff::civil::Date>().ok());
        // The limit of a day is said by the field itself.
        if bound(from).is_some_and(|from| day < from) || bound(to).is_some_and(|to| day > to) {
            return Err(self.refused("not_a_day"));
        }
        Ok(vec![chosen("", &day.to_string())])
    }
}

/// A file that was put into a text, as browsers and mail write them.
fn is_file(text: &str) -> bool {
    let head: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
    head.starts_with("data:") && head.contains(";base64,")
}
