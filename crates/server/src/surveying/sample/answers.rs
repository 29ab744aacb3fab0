//! What a customer of the sample shop answers.
//!
//! Always holds: an answer is one that its question has, read as from outside; what is asked about the same thing goes together, more or less, so that
//! drivers and models have something to find.

use rapport_domain::Language;
use rapport_feedback::Definition;
use rapport_feedback::results::brand::{OWN, USUAL_STEPS};
use rapport_feedback::survey::shown::shown;
use rapport_feedback::survey::{Answer, Answers, Choice, Direction, Question, read};
use serde_json::{Map, Value, json};

use super::chance::Chance;

/// How strongly the first, second ... of several things goes with the whole.
const LOADS: [f64; 5] = [0.9, 0.55, 0.35, 0.75, 0.6];
/// For English, German and Chinese: what unhappy, undecided and happy people write.
#[rustfmt::skip]
const WORDS: [[&[&str]; 3]; 3] = [
    [&["Tell me when the parcel is late, I waited at home for two days.", "The parcel came a week late and nobody said a word.", "I had to explain my problem three times."],
     &["Shipping could be a day faster.", "Fine, but a smaller delivery window would help.", "Please show the costs of shipping earlier."],
     &["Nothing, it went very well.", "Quick, friendly and well packed.", "I like that you repair things."]],
    [&["Sagt Bescheid, wenn das Paket später kommt.", "Ich musste mein Problem dreimal erklären.", "Eine Woche zu spät, das geht nicht."],
     &["Der Versand könnte einen Tag schneller sein.", "Die Versandkosten bitte früher zeigen."],
     &["Alles bestens, weiter so.", "Schnell, freundlich und gut verpackt."]],
    [&["包裹迟到了也没有通知，等了两天。", "同一个问题解释了三遍。"],
     &["发货可以再快一点。", "希望早点看到运费。"],
     &["非常满意，没有什么要改的。", "包装很好，客服也很友好。"]],
];

/// Answers everything that they are shown. `mood` is how they feel about the shop, `luck` what happened to them just then.
pub fn of(definition: &Definition, (mood, luck): (f64, f64), language: &str, chance: &mut Chance) -> Answers {
    let mut given = Answers::new();
    // An answer can lead to more questions, which are later ones.
    for (place, question) in definition.questions().enumerate() {
        if !shown(definition, &given).iter().any(|it| it.key == question.key) {
            continue;
        }
        let who = Person { feeling: mood + luck, luck, tone: tone(mood + luck), language };
        let value = who.answer(question, place, chance);
        if let Some(read) = value.and_then(|value| read(question, &value).ok()).filter(|read| !read.is_empty()) {
            given.insert(question.key.clone(), read);
        }
    }
    given
}

fn tone(feeling: f64) -> usize {
    if feeling < -0.8 { 0 } else { usize::from(feeling > 0.4) + 1 }
}

struct Person<'a> {
    feeling: f64,
    luck: f64,
    tone: usize,
    language: &'a str,
}

impl Person<'_> {
    /// Those who are asked are customers, so nearly all know the shop; fewer go on with each step, and with others yet fewer.
    fn brands(&self, choices: &[Choice], question: &str, chance: &mut Chance) -> Value {
        let step = USUAL_STEPS.iter().position(|it| *it == question).unwrap_or_default();
        let own = [0.97, 0.88, 0.84, 0.93, 0.6, 0.72 + 0.12 * self.feeling][step];
        let others = [0.62, 0.41, 0.48, 0.37, 0.2, 0.3][step];
        let likely = |it: &Choice| if it.key == OWN { own } else { others };
        let listed = choices.iter().filter(|it| !it.exclusive);
        let chosen: Vec<&str> = listed.filter(|it| chance.happens(likely(it))).map(|it| it.key.as_str()).collect();
        match choices.iter().find(|it| it.exclusive).filter(|_| chosen.is_empty()) {
            Some(none) => json!([none.key]),
            None => json!(chosen),
        }
    }

    fn answer(&self, question: &Question, place: usize, chance: &mut Chance) -> Option<Value> {
        let load = LOADS[place % LOADS.len()];
        match &question.answer {
            Answer::Nps { .. } => {
                Some(json!((8.0 + 1.4 * self.feeling + 0.9 * chance.normal()).round().clamp(0.0, 10.0) as i64))
            }
            Answer::Csat { .. } | Answer::Ces { .. } | Answer::Scale { .. } => {
                let (scale, direction) = question.answer.scale()?;
                let part = self.part(0.75 + 0.2 * load, chance);
                let part = if direction == Direction::Up { part } else { 1.0 - part };
                let (low, high) = (f64::from(*scale.start()), f64::from(*scale.end()));
                Some(json!((low + part * (high - low)).round() as i64))
            }
            Answer::Kano { .. } => Some(kano(&question.key, chance)),
            Answer::Single { choices, .. } if question.key == "complained" => {
                let has = self.feeling < -0.5 && chance.happens(0.6);
                Some(json!(choices.get(usize::from(has))?.key))
            }
            Answer::Single { choices, .. } => Some(json!(self.one(choices, chance)?)),
            Answer::Multiple { choices, .. } if choices.iter().any(|it| it.key == OWN) => {
                Some(self.brands(choices, &question.key, chance))
            }
            Answer::Multiple { choices, .. } => Some(several(choices, chance)),
            Answer::Matrix { rows, columns, .. } => Some(self.matrix(rows, columns, chance)),
            Answer::Ranking { choices, .. } => {
                let mut order: Vec<(f64, &str)> = (0..)
                    .zip(choices)
                    .map(|(at, it)| (f64::from(at) + 1.2 * chance.normal(), it.key.as_str()))
                    .collect();
                order.sort_by(|a, b| a.0.total_cmp(&b.0));
                Some(order.into_iter().map(|it| it.1).collect())
            }
            Answer::Text { .. } if question.key == "unaided" => {
                Some(json!(*chance.pick(&["Nordlicht", "Nordlicht Shop", "the big one", "I do not know"])?))
            }
            Answer::Text { .. } if chance.happens(0.45) => {
                let of = Language::parse(self.language);
                let place = match of.as_ref().map(Language::primary) {
                    Some("de") => 1,
                    Some("zh") => 2,
                    _ => 0,
                };
                Some(json!(*chance.pick(WORDS[place][self.tone])?))
            }
            Answer::Number { from, to } => Some(json!((*from).max(40).min(*to))),
            Answer::Consent {} => Some(json!(chance.happens(0.35))),
            Answer::Text { .. } | Answer::Date { .. } | Answer::Hidden {} => None,
        }
    }

    /// How good something is to them, from 0 to 1: as strongly as it goes with the whole.
    fn part(&self, load: f64, chance: &mut Chance) -> f64 {
        let rest = (1.0 - load * load).max(0.0).sqrt();
        (0.72 + 0.17 * (load * self.feeling + rest * chance.normal())).clamp(0.0, 1.0)
    }

    /// The first is what most say who are pleased.
    fn one(&self, choices: &[Choice], chance: &mut Chance) -> Option<String> {
        let worse = if self.tone == 0 { 1.4 } else { 0.55 };
        let place = (chance.exponential() * worse) as usize;
        choices.get(place.min(choices.len().checked_sub(1)?)).map(|it| it.key.clone())
    }

    fn matrix(&self, rows: &[Choice], columns: &[Choice], chance: &mut Chance) -> Value {
        let mut said = Map::new();
        for (place, row) in rows.iter().enumerate() {
            // What went wrong shows most in the first row, and in the one that should have told of it.
            let luck = if [0, 3].contains(&place) { 0.9 * self.luck } else { -0.6 * self.luck };
            let own = Person { feeling: self.feeling + luck, ..*self };
            let part = own.part(LOADS[place % LOADS.len()], chance);
            let column = (part * (columns.len().saturating_sub(1)) as f64).round() as usize;
            if let Some(column) = columns.get(column) {
                said.insert(row.key.clone(), json!(column.key));
            }
        }
        Value::Object(said)
    }
}

/// A wish that delights, one that is taken for granted, and one of which more is better, each for most people.
fn kano(key: &str, chance: &mut Chance) -> Value {
    const ANSWERS: [(&str, &str); 4] =
        [("like", "neutral"), ("must_be", "dislike"), ("like", "dislike"), ("neutral", "neutral")];
    let likely = match key {
        "same_day" => [0.55, 0.05, 0.15, 0.25],
        "free_return" => [0.12, 0.55, 0.23, 0.1],
        _ => [0.2, 0.12, 0.5, 0.18],
    };
    let mut left = chance.part();
    let mut place = 0;
    while place + 1 < likely.len() && left >= likely[place] {
        left -= likely[place];
        place += 1;
    }
    let (functional, dysfunctional) = ANSWERS[place];
    json!({"functional": functional, "dysfunctional": dysfunctional})
}

fn several(choices: &[Choice], chance: &mut Chance) -> Value {
    let common = choices.iter().filter(|it| !it.exclusive).enumerate();
    let chosen: Vec<&str> = common
        .filter(|(place, _)| chance.happens(0.72 / (1.0 + 0.45 * *place as f64)))
        .map(|(_, it)| it.key.as_str())
        .collect();
    match (chosen.is_empty(), choices.iter().find(|it| it.exclusive)) {
        (true, Some(none)) => json!([none.key]),
        _ => json!(chosen),
    }
}
