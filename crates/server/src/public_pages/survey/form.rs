//! What a form of a survey's page says.

use rapport_feedback::survey::question::OTHER;
use rapport_feedback::survey::{Answer, Question};
use serde_json::{Map, Value, json};

use crate::http::form::parameters;

/// A form that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Of which page.
    pub page: usize,
    /// Whether its reader goes back.
    pub goes_back: bool,
    /// What tells one beginning from another.
    pub start: String,
    shown: Vec<String>,
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads the fields of a form.
    pub fn read(text: &str) -> Self {
        let mut form = Self::default();
        for (name, value) in parameters(text) {
            match name.as_str() {
                "page" => form.page = value.parse().unwrap_or(0),
                "act" => form.goes_back = value == "back",
                "start" => form.start = value.chars().filter(char::is_ascii_alphanumeric).take(40).collect(),
                "shown" => form.shown.push(value),
                _ => form.fields.push((name, value)),
            }
        }
        form
    }

    /// Whether a question was on the page.
    pub fn shows(&self, question: &str) -> bool {
        self.shown.iter().any(|it| it == question)
    }

    /// The values of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a field; empty where there is none.
    pub fn one(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// What was answered to a question, in the form that answers have everywhere.
    pub fn value(&self, question: &Question) -> Value {
        let name = format!("q.{}", question.key);
        let own_words = self.one(&format!("t.{}", question.key));
        let choice = |key: &str| {
            if key == OTHER { json!({"choice": OTHER, "text": own_words}) } else { Value::from(key) }
        };
        match &question.answer {
            Answer::Multiple { .. } => self.all(&name).into_iter().map(choice).collect(),
            Answer::Single { .. } => match self.one(&name) {
                "" => Value::Null,
                key => choice(key),
            },
            Answer::Matrix { .. } | Answer::Ranking { .. } | Answer::Kano { .. } => {
                let prefix = format!("{name}.");
                let part = |(own, value): &(String, String)| {
                    Some((own.strip_prefix(&prefix)?.to_owned(), Value::from(value.as_str())))
                };
                Value::Object(self.fields.iter().filter_map(part).collect::<Map<_, _>>())
            }
            _ => Value::from(self.one(&name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(answer: Value) -> Question {
        serde_json::from_value(json!({"key": "a", "text": {"en": "?"}, "answer": answer})).unwrap()
    }

    #[test]
    fn fields_become_answers() {
        let form = Form::read(
            "page=3&act=next&start=ab%3Cc&shown=a&q.a=x&q.a=other&t.a=my+own&q.a.row=col&q.ab.row=no&q.b=9&page2=1",
        );
        assert_eq!((form.page, form.goes_back, form.start.as_str()), (3, false, "abc"));
        assert!(form.shows("a") && !form.shows("b"));
        let choices = json!([{"key": "x", "text": {}}]);
        let multiple = question(json!({"kind": "multiple", "choices": choices, "other": true}));
        assert_eq!(form.value(&multiple), json!(["x", {"choice": "other", "text": "my own"}]));
        let single = question(json!({"kind": "single", "choices": choices}));
        assert_eq!(form.value(&single), json!("x"));
        let matrix = question(json!({"kind": "matrix", "rows": choices, "columns": choices}));
        assert_eq!(form.value(&matrix), json!({"row": "col"}));
        assert_eq!(form.value(&question(json!({"kind": "nps"}))), json!("x"));
        assert_eq!(Form::read("page=-1&page=x").page, 0);
    }
}
