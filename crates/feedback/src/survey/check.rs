//! What is wrong with a survey, said before it is opened: what cannot be answered, is never shown, or says nothing.
//!
//! Always holds: a survey without findings of [`Severity::Error`] can be answered to its end by everybody, in its default language.

use rapport_domain::plain::{KEY_MAX, is_key};
use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Channel, Language};

use super::definition::{Definition, MOST_PAGES, MOST_QUESTIONS};
use super::piping::{Piece, pieces};
use super::question::{Answer, Choice, Question};
use super::show::{Show, Test};
use super::trigger::Trigger;
use super::words::Words;

/// The longest text, in letters.
pub const MOST_LETTERS: usize = 4_000;
/// The most choices of a question, and rows of a matrix.
pub const MOST_CHOICES: usize = 100;
/// The most points of a scale.
pub const MOST_POINTS: i32 = 11;
/// The deepest test of earlier answers, and the most parts of one.
pub const MOST_TESTS: (usize, usize) = (8, 50);
/// The longest name of an event, and path of a property.
const MOST_NAME: usize = 200;
/// The longest time after an occasion, in days.
const MOST_DELAY_DAYS: i64 = 365;
/// The ways by which people can be asked.
const CHANNELS: [Channel; 4] = [Channel::Email, Channel::Sms, Channel::Whatsapp, Channel::Push];

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot be opened so.
    Error,
    /// It may be meant so.
    Warning,
}

/// Something that is wrong, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it cannot be opened so.
    pub severity: Severity,
    /// A stable word.
    pub code: &'static str,
    /// The question (with its part), or the part of the survey.
    pub place: String,
    /// What is wrong and what to do.
    pub text: String,
}

struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, code: &'static str, place: &str, text: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Error, code, place: place.to_owned(), text: text.into() });
    }

    fn warning(&mut self, code: &'static str, place: &str, text: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Warning, code, place: place.to_owned(), text: text.into() });
    }
}

/// All that is wrong with a survey.
pub fn check(survey: &Definition) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    size(survey, &mut findings);
    // What came before: only that can be tested and quoted.
    let mut before: BTreeMap<&str, &Question> = BTreeMap::new();
    for question in survey.questions() {
        self::question(question, &before, &mut findings);
        quoted(&question.words(), &before, &mut findings);
        if before.insert(&question.key, question).is_some() {
            findings.error("key_twice", &question.key, "two questions have this key; give one of them another");
        }
    }
    for (at, quota) in survey.quotas.iter().enumerate() {
        let place = format!("quotas[{at}]");
        if !is_key(&quota.key) || survey.quotas[..at].iter().any(|it| it.key == quota.key) {
            findings.error(
                "quota_key",
                &place,
                "each quota needs a key of its own of small letters, digits, `-` and `_`",
            );
        }
        if quota.most == 0 {
            findings.error("quota_none", &place, "nobody could answer; allow at least one");
        }
        tests(quota.when.as_ref(), &place, &before, &mut findings);
    }
    ends(survey, &before, &mut findings);
    words(survey, &mut findings);
    asking(survey, &mut findings);
    review(survey, &before, &mut findings);
    findings.0
}

fn review(survey: &Definition, asked: &BTreeMap<&str, &Question>, findings: &mut Findings) {
    let Some(review) = &survey.review else { return };
    let has_stars = match asked.get(review.stars.as_str()).map(|it| &it.answer) {
        Some(Answer::Csat { points, .. }) => *points == 5,
        Some(Answer::Scale { from, to, .. }) => (*from, *to) == (1, 5),
        _ => false,
    };
    if !has_stars {
        findings.error("review_stars", "review.stars", "name a question with a scale from 1 to 5");
    }
    let is_text = |key: &String| matches!(asked.get(key.as_str()).map(|it| &it.answer), Some(Answer::Text { .. }));
    if review.text.as_ref().is_some_and(|key| !is_text(key)) {
        findings.error("review_text", "review.text", "name a question that is answered in words");
    }
}

fn size(survey: &Definition, findings: &mut Findings) {
    let questions = survey.questions().count();
    if survey.questions().all(|it| matches!(it.answer, Answer::Hidden {})) {
        findings.error("empty", "pages", "nothing is asked; add a question");
    }
    if questions > MOST_QUESTIONS || survey.pages.len() > MOST_PAGES {
        let text = format!("at most {MOST_QUESTIONS} questions on {MOST_PAGES} pages; few people answer more than ten");
        findings.error("too_many", "pages", text);
    }
    let is_empty = |page: &super::definition::Page| page.questions.is_empty();
    if let Some(at) = survey.pages.iter().position(is_empty) {
        let text = "the page has no questions; add one or take the page away";
        findings.error("page_empty", &format!("pages[{at}]"), text);
    }
}

fn question(question: &Question, before: &BTreeMap<&str, &Question>, findings: &mut Findings) {
    let place = question.key.as_str();
    if !is_key(place) {
        findings.error("key_form", place, format!("a key has 1 to {KEY_MAX} small letters, digits, `-` and `_`"));
    }
    tests(question.show_if.as_ref(), place, before, findings);
    match &question.answer {
        Answer::Csat { points, .. } | Answer::Ces { points, .. } if !(2..=11).contains(points) => {
            findings.error("scale", place, "a scale has 2 to 11 points");
        }
        Answer::Scale { from, to, .. } if from >= to || i64::from(*to) - i64::from(*from) >= i64::from(MOST_POINTS) => {
            findings.error("scale", place, format!("a scale goes up, in 2 to {MOST_POINTS} points"));
        }
        Answer::Number { from, to } if from > to => findings.error("scale", place, "the least is more than the most"),
        Answer::Kano { labels, .. } if !labels.is_empty() && labels.len() != 5 => {
            findings.error(
                "kano_labels",
                place,
                "a Kano question has five answers: give words for all of them, or for none",
            );
        }
        Answer::Text { letters, .. } if !(1..=20_000).contains(letters) => {
            findings.error("letters", place, "a text has 1 to 20000 letters");
        }
        Answer::Date { from, to } => {
            for day in [from, to].into_iter().flatten() {
                if day.parse::<jiff::civil::Date>().is_err() {
                    findings.error("day", place, format!("`{day}` is no day; write it as 2026-01-31"));
                }
            }
        }
        Answer::Multiple { choices, most: Some(most), .. } if *most == 0 || *most as usize > choices.len() + 1 => {
            findings.error("most", place, "let people choose at least one, and not more than there are");
        }
        _ => {}
    }
    for choices in [question.answer.rows(), question.answer.choices()] {
        keys(choices, place, findings);
    }
    let needs = match &question.answer {
        Answer::Single { other, .. } | Answer::Multiple { other, .. } => 2 - usize::from(*other),
        Answer::Ranking { .. } | Answer::Matrix { .. } => 2,
        _ => 0,
    };
    if question.answer.choices().len() < needs {
        findings.error("choices_few", place, "a question needs at least two answers to choose from");
    }
    if matches!(&question.answer, Answer::Matrix { rows, .. } if rows.is_empty()) {
        findings.error("rows_missing", place, "a matrix needs at least one row");
    }
}

fn keys(choices: &[Choice], place: &str, findings: &mut Findings) {
    if choices.len() > MOST_CHOICES {
        findings.error("choices_many", place, format!("at most {MOST_CHOICES} choices"));
    }
    let mut seen = BTreeSet::new();
    for choice in choices {
        let place = format!("{place}.{}", choice.key);
        if !is_key(&choice.key) || [super::question::OTHER, super::question::NO_OPINION].contains(&choice.key.as_str())
        {
            let text = "a key has small letters, digits, `-` and `_`; `other` and `no_opinion` are taken: switch them on instead";
            findings.error("choice_key", &place, text);
        }
        if !seen.insert(&choice.key) {
            findings.error("choice_twice", &place, "two choices have this key; give one of them another");
        }
    }
}

fn tests(show: Option<&Show>, place: &str, before: &BTreeMap<&str, &Question>, findings: &mut Findings) {
    let Some(show) = show else { return };
    let (depth, size, is_hollow) = show.measure();
    if depth > MOST_TESTS.0 || size > MOST_TESTS.1 {
        findings.error("tests_many", place, format!("at most {} tests, {} deep", MOST_TESTS.1, MOST_TESTS.0));
    }
    if is_hollow {
        findings.error("tests_none", place, "a list of tests has none in it; add one or take the list away");
    }
    for it in show.tests() {
        let Some(asked) = before.get(it.question.as_str()) else {
            let text = format!("it depends on `{}`, which is not asked before it", it.question);
            findings.error("test_unknown", place, text);
            continue;
        };
        test(it, asked, place, findings);
    }
}

fn test(test: &Test, asked: &Question, place: &str, findings: &mut Findings) {
    if test.is.is_none() && test.at_least.is_none() && test.at_most.is_none() && test.answered.is_none() {
        findings.error("test_empty", place, format!("say what the answer to `{}` must be", asked.key));
    }
    if let Some(part) = test.part.as_deref().filter(|part| !asked.answer.parts().contains(part)) {
        findings.error("test_part", place, format!("`{}` has no part `{part}`", asked.key));
    }
    for choice in test.is.iter().flatten().filter(|choice| !asked.answer.can_be(choice)) {
        findings.error("test_choice", place, format!("nobody can answer `{choice}` to `{}`", asked.key));
    }
    let bounds = [test.at_least, test.at_most].into_iter().flatten().next();
    if bounds.is_some() && !asked.answer.has_numbers() {
        findings.error("test_number", place, format!("the answers to `{}` are no numbers", asked.key));
    }
    if let Some((scale, _)) = asked.answer.scale() {
        let (from, to) = (i64::from(*scale.start()), i64::from(*scale.end()));
        if test.at_least.is_some_and(|least| least > to) || test.at_most.is_some_and(|most| most < from) {
            findings.error(
                "test_never",
                place,
                format!("no answer to `{}` passes: it goes from {from} to {to}", asked.key),
            );
        }
    }
}

/// Values in texts: of earlier answers, with fallbacks.
fn quoted(words: &[(String, &Words)], before: &BTreeMap<&str, &Question>, findings: &mut Findings) {
    for (place, words) in words {
        for (language, text) in &words.0 {
            match pieces(text) {
                Err(found) => findings.error(
                    "value_form",
                    place,
                    format!(
                        "{language}: `{found}` cannot be read; write {{{{ profile.first_name|default(\"there\") }}}}"
                    ),
                ),
                Ok(pieces) => {
                    for piece in pieces {
                        value(&piece, (place, language), before, findings);
                    }
                }
            }
        }
    }
}

fn value(
    piece: &Piece<'_>,
    (place, language): (&str, &Language),
    before: &BTreeMap<&str, &Question>,
    findings: &mut Findings,
) {
    let Piece::Value { of, key, fallback } = piece else { return };
    if fallback.is_none() {
        let text = format!(
            "{language}: `{of}.{key}` needs a fallback, because a link can be opened by anybody: |default(\"...\")"
        );
        findings.error("value_fallback", place, text);
    }
    if *of == "answers" && !before.contains_key(key) {
        let text = format!("{language}: it quotes the answer to `{key}`, which is not asked before it");
        findings.error("value_unknown", place, text);
    }
}

fn ends(survey: &Definition, before: &BTreeMap<&str, &Question>, findings: &mut Findings) {
    for (at, end) in survey.ends.iter().enumerate() {
        let place = format!("ends[{at}]");
        tests(end.when.as_ref(), &place, before, findings);
        quoted(&[(format!("{place}.text"), &end.text)], before, findings);
        if end.when.is_none() && at + 1 < survey.ends.len() {
            findings.warning("end_never", &place, "everybody gets this one, so those after it are never shown");
        }
        if let Some(link) = &end.link {
            let is_plain =
                link.url.starts_with("https://") && link.url.len() <= 2_000 && !link.url.contains(char::is_whitespace);
            if !is_plain || link.url.chars().any(|c| c.is_control() || "\"'<>\\".contains(c)) {
                findings.error("link", &place, "a link begins with https:// and has no spaces or quotes");
            }
        }
    }
}

fn words(survey: &Definition, findings: &mut Findings) {
    let languages = survey.languages();
    for (place, words) in survey.words() {
        for language in &languages {
            if words.has(language) {
                continue;
            }
            if **language == survey.default_language {
                findings.error(
                    "text_missing",
                    &place,
                    format!("it says nothing in {language}, the survey's own language"),
                );
            } else {
                let text = format!("it is not translated into {language}; its readers see the survey's own language");
                findings.warning("language_missing", &place, text);
            }
        }
        if words.0.values().any(|text| text.chars().nth(MOST_LETTERS).is_some()) {
            findings.error("text_long", &place, format!("at most {MOST_LETTERS} letters"));
        }
    }
    let mut outside: Vec<(String, &Words)> = vec![("title".to_owned(), &survey.title)];
    outside.extend(survey.introduction.iter().map(|it| ("introduction".to_owned(), it)));
    quoted(&outside, &BTreeMap::new(), findings);
    let mut before = BTreeMap::new();
    for (at, page) in survey.pages.iter().enumerate() {
        let title: Vec<(String, &Words)> = page.title.iter().map(|it| (format!("pages[{at}].title"), it)).collect();
        quoted(&title, &before, findings);
        before.extend(page.questions.iter().map(|question| (question.key.as_str(), question)));
    }
}

fn asking(survey: &Definition, findings: &mut Findings) {
    let asking = &survey.asking;
    if !(asking.sample_percent > 0.0 && asking.sample_percent <= 100.0) {
        findings.error("sample", "asking.sample_percent", "ask more than 0 and at most 100 per cent");
    }
    if asking.floor_days.is_some_and(|days| days > 3_650) {
        findings.error("floor", "asking.floor_days", "at most 3650 days");
    }
    triggers(survey, findings);
    if asking.channels.is_empty() || asking.channels.iter().any(|it| !CHANNELS.contains(it)) {
        findings.error(
            "channels",
            "asking.channels",
            "people are asked by email, sms, whatsapp or push: name at least one",
        );
    }
    for channel in asking.letters.keys().filter(|channel| !asking.channels.contains(channel)) {
        let text = "nobody is asked by this channel; add the channel or take the letter away";
        findings.warning("letter_unused", &format!("asking.letters.{}", channel.as_str()), text);
    }
    for (channel, letters) in &asking.letters {
        if letters.reminder.is_some() && asking.remind_after_days.is_none() {
            let place = format!("asking.letters.{}.reminder", channel.as_str());
            findings.warning(
                "letter_unused",
                &place,
                "nobody is reminded; say after how many days, or take the letter away",
            );
        }
    }
    if asking.topic.as_ref().is_some_and(|topic| !is_key(topic)) {
        findings.error("topic", "asking.topic", "a topic is named by small letters, digits, `-` and `_`");
    }
    if asking.remind_after_days.is_some_and(|days| days == 0 || days >= asking.valid_days) {
        let text = "people are reminded after at least a day, while they can still answer";
        findings.error("reminder", "asking.remind_after_days", text);
    }
    if !(1..=365).contains(&asking.valid_days) {
        findings.error("valid", "asking.valid_days", "an invitation can be answered for 1 to 365 days");
    }
    if asking.touchpoint.as_ref().is_some_and(|touchpoint| !is_key(touchpoint)) {
        findings.error(
            "touchpoint",
            "asking.touchpoint",
            "a touchpoint is named by small letters, digits, `-` and `_`",
        );
    }
}

/// What people are asked after.
fn triggers(survey: &Definition, findings: &mut Findings) {
    let Some(trigger) = &survey.asking.when else { return };
    let is_text =
        |text: &str| !text.trim().is_empty() && text.len() <= MOST_NAME && !text.chars().any(char::is_control);
    match trigger {
        Trigger::Event { name, key, .. }
            if !is_text(name) || name == "*" || key.as_ref().is_some_and(|it| !is_text(it)) =>
        {
            let text =
                "name the event, such as `Order Delivered`, and the property that tells one occasion from another";
            findings.error("when_event", "asking.when", text);
        }
        Trigger::Members { per_day: 0, .. } => {
            findings.error("when_none", "asking.when", "nobody would be asked; allow at least one a day");
        }
        _ => {}
    }
    if trigger.segment().is_some_and(|segment| !is_text(segment)) {
        findings.error("when_segment", "asking.when", "name the segment by its key");
    }
    if trigger.delay() > MOST_DELAY_DAYS * rapport_domain::Timestamp::DAY {
        findings.error("when_late", "asking.when", format!("ask within {MOST_DELAY_DAYS} days"));
    }
}
