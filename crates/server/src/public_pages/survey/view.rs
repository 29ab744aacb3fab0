//! A survey's page as it is shown.
//!
//! Always holds: every text of the survey, of its reader and of what was answered is escaped where it stands; what was entered and refused is shown again.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use rapport_domain::Rng;
use rapport_domain::assignment::point;
use rapport_feedback::links::Mode;
use rapport_feedback::survey::question::{CONSENT, HALVES, KANO, NO_OPINION, OTHER};
use rapport_feedback::survey::shown::{end, on_page, page_before};
use rapport_feedback::survey::{Answer, Answers, Choice, Question, Refusal, Words as Own};

use super::form::Form;
use super::reader::Reader;
use super::with_headers;
use super::words::Words;
use crate::public_pages::words::prefers_chinese;

/// After so many seconds a device that stands somewhere begins anew: on a page that nobody answers, and at the end.
const IDLE: [u32; 2] = [120, 12];

/// Which page, and how it comes to be shown.
#[derive(Default)]
pub struct Shown {
    /// Which.
    pub page: usize,
    /// What was refused.
    pub refusals: Vec<Refusal>,
    /// Whether it was sent already, and is shown once more.
    pub is_again: bool,
    /// What was entered.
    pub entered: Option<Form>,
    /// What tells this beginning from another.
    pub start: String,
}

impl Shown {
    /// A page of what has begun.
    pub fn of(page: usize) -> Self {
        Self { page, ..Self::default() }
    }

    /// The first page of what has not begun.
    pub fn fresh(page: usize, rng: &dyn Rng) -> Self {
        Self { start: fresh_start(rng), ..Self::of(page) }
    }
}

/// What tells one beginning from all others.
pub fn fresh_start(rng: &dyn Rng) -> String {
    format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64())
}

struct Opt {
    value: String,
    label: String,
    is_on: bool,
}

struct Row {
    name: String,
    label: String,
    options: Vec<Opt>,
}

/// How a question is answered on the page.
enum Body {
    Points { points: Vec<Opt>, low: String, high: String, no_opinion: Option<Opt> },
    Options { kind: &'static str, options: Vec<Opt>, other: Option<String>, note: Option<String> },
    Rows { rows: Vec<Row>, is_short: bool },
    Ranks { rows: Vec<Row>, note: &'static str },
    Text { value: String, long: bool, letters: u32 },
    Field { kind: &'static str, value: String, from: String, to: String },
}

struct Item {
    key: String,
    text: String,
    hint: Option<String>,
    required: bool,
    error: Option<String>,
    is_new: bool,
    body: Body,
}

struct LanguageLink {
    tag: String,
    name: String,
    is_on: bool,
}

/// What all pages have.
struct Frame<'a> {
    words: &'static Words,
    tag: &'a str,
    is_right_to_left: bool,
    company: &'a str,
    title: String,
    is_widget: bool,
    refresh: Option<String>,
}

#[derive(Template)]
#[template(path = "survey.html")]
struct Page<'a> {
    frame: Frame<'a>,
    introduction: Option<String>,
    heading: Option<String>,
    message: Option<&'static str>,
    is_refused: bool,
    items: Vec<Item>,
    action: String,
    page: usize,
    start: &'a str,
    progress: Option<(usize, usize, String)>,
    can_go_back: bool,
    is_last: bool,
    languages: Vec<LanguageLink>,
}

#[derive(Template)]
#[template(path = "survey_end.html")]
struct End<'a> {
    frame: Frame<'a>,
    heading: String,
    text: Option<String>,
    link: Option<(String, String)>,
    again: Option<&'a str>,
}

fn frame<'a>(reader: &'a Reader, idle: u32) -> Frame<'a> {
    Frame {
        words: Words::of(&reader.language),
        tag: reader.language.as_str(),
        is_right_to_left: reader.language.is_right_to_left(),
        company: &reader.company,
        title: reader.text(&reader.definition.title),
        is_widget: reader.mode == Some(Mode::Widget),
        refresh: reader.again.as_ref().filter(|_| idle > 0).map(|link| format!("{idle};url=/s/{link}")),
    }
}

/// A page with questions.
pub fn page(reader: &Reader, link: &str, shown: &Shown) -> Response {
    let is_refused = !shown.refusals.is_empty();
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    with_headers(page_html(reader, link, shown), status, reader.mode == Some(Mode::Widget))
}

/// The same as text.
pub fn page_html(reader: &Reader, link: &str, shown: &Shown) -> askama::Result<String> {
    let definition = &reader.definition;
    let asked = on_page(definition, shown.page, &reader.answers);
    let items: Vec<Item> = asked.iter().map(|question| item(reader, question, shown)).collect();
    let words = Words::of(&reader.language);
    let pages = definition.pages.len();
    let has_begun = reader.response.is_some();
    let message = match (shown.refusals.is_empty(), shown.is_again) {
        (false, _) => Some(words.look_again),
        (true, true) => Some(words.one_more),
        (true, false) => None,
    };
    let label = words.progress.replace("{page}", &(shown.page + 1).to_string()).replace("{pages}", &pages.to_string());
    let own = definition.pages.get(shown.page);
    let is_refused = !shown.refusals.is_empty();
    let template = Page {
        frame: frame(reader, if has_begun || shown.is_again { IDLE[0] } else { 0 }),
        introduction: definition.introduction.as_ref().filter(|_| !has_begun).map(|text| reader.text(text)),
        heading: own.and_then(|page| page.title.as_ref()).map(|text| reader.text(text)),
        message,
        is_refused,
        items,
        action: format!("/s/{link}{}", reader.carried()),
        page: shown.page,
        start: &shown.start,
        progress: (pages > 1).then_some((shown.page + 1, pages, label)),
        can_go_back: page_before(definition, shown.page, &reader.answers).is_some(),
        is_last: shown.page + 1 >= pages,
        languages: languages(reader),
    };
    template.render()
}

fn languages(reader: &Reader) -> Vec<LanguageLink> {
    let all = reader.definition.languages();
    if all.len() < 2 {
        return Vec::new();
    }
    let link = |it: &&rapport_domain::Language| LanguageLink {
        tag: it.as_str().to_owned(),
        name: own_name(it.as_str()),
        is_on: **it == reader.language,
    };
    all.iter().map(link).collect()
}

/// What a language is called by those who read it.
fn own_name(tag: &str) -> String {
    let names = [
        ("en", "English"),
        ("zh", "中文"),
        ("zh-Hans", "简体中文"),
        ("zh-Hant", "繁體中文"),
        ("de", "Deutsch"),
        ("es", "Español"),
        ("fr", "Français"),
        ("pt", "Português"),
        ("it", "Italiano"),
        ("ja", "日本語"),
        ("ko", "한국어"),
        ("ru", "Русский"),
        ("ar", "العربية"),
    ];
    names.iter().find(|(own, _)| *own == tag).map_or_else(|| tag.to_owned(), |(_, name)| (*name).to_owned())
}

fn item(reader: &Reader, question: &Question, shown: &Shown) -> Item {
    let words = Words::of(&reader.language);
    let refusal = shown.refusals.iter().find(|it| it.question == question.key);
    let is_new = shown.is_again && shown.entered.as_ref().is_some_and(|form| !form.shows(&question.key));
    Item {
        key: question.key.clone(),
        text: reader.text(&question.text),
        hint: question.hint.as_ref().map(|hint| reader.text(hint)),
        required: question.required,
        error: refusal.map(|it| words.refusal(it)),
        is_new,
        body: Entered { reader, question, form: shown.entered.as_ref(), words, start: &shown.start }.body(),
    }
}

/// A question with what was entered or answered to it.
struct Entered<'a> {
    reader: &'a Reader,
    question: &'a Question,
    form: Option<&'a Form>,
    words: &'static Words,
    start: &'a str,
}

impl Entered<'_> {
    fn body(&self) -> Body {
        match &self.question.answer {
            Answer::Nps { .. } | Answer::Csat { .. } | Answer::Ces { .. } | Answer::Scale { .. } => self.points(),
            Answer::Single { choices, other, shuffle } => self.options("radio", choices, *other, *shuffle, None),
            Answer::Multiple { choices, other, shuffle, most } => {
                let note = most.map(|most| self.words.at_most.replace("{most}", &most.to_string()));
                self.options("checkbox", choices, *other, *shuffle, note)
            }
            Answer::Matrix { rows, columns, shuffle } => {
                let label = |it: &Choice| self.text(&it.text);
                let is_short = columns.iter().all(|it| label(it).chars().count() <= 3);
                let columns: Vec<(String, String)> = columns.iter().map(|it| (it.key.clone(), label(it))).collect();
                let row = |it: &Choice| self.row(&it.key, label(it), &columns);
                Body::Rows { rows: self.ordered(rows, *shuffle).into_iter().map(row).collect(), is_short }
            }
            Answer::Kano { functional, dysfunctional, labels } => {
                let label = |at: usize| labels.get(at).map_or(self.words.kano[at].to_owned(), |own| self.text(own));
                let columns: Vec<(String, String)> =
                    KANO.iter().enumerate().map(|(at, key)| ((*key).to_owned(), label(at))).collect();
                let row = |(half, words): (&str, &Own)| self.row(half, self.text(words), &columns);
                let rows = HALVES.into_iter().zip([functional, dysfunctional]).map(row).collect();
                Body::Rows { rows, is_short: false }
            }
            Answer::Ranking { choices, shuffle } => {
                let places: Vec<(String, String)> =
                    (1..=choices.len()).map(|place| (place.to_string(), place.to_string())).collect();
                let row = |it: &Choice| self.row(&it.key, self.text(&it.text), &places);
                let rows = self.ordered(choices, *shuffle).into_iter().map(row).collect();
                Body::Ranks { rows, note: self.words.rank_hint }
            }
            Answer::Text { long, letters } => {
                let value = self.entered("").unwrap_or_else(|| self.given(|it| it.text.clone()));
                Body::Text { value, long: *long, letters: *letters }
            }
            Answer::Number { from, to } => {
                let number = |it: &rapport_feedback::survey::Given| it.number.map(|number| number.to_string());
                self.field("number", number, (from.to_string(), to.to_string()))
            }
            Answer::Date { from, to } => {
                let bounds = (from.clone().unwrap_or_default(), to.clone().unwrap_or_default());
                self.field("date", |it| it.choice.clone(), bounds)
            }
            Answer::Consent {} => {
                let option = |(key, label): (&str, &str)| self.option(key, label.to_owned());
                let options = CONSENT.into_iter().zip(self.words.yes_no).map(option).collect();
                Body::Options { kind: "radio", options, other: None, note: None }
            }
            // Hidden ones are not on pages.
            Answer::Hidden {} => self.field("text", |_| None, Default::default()),
        }
    }

    fn field(
        &self,
        kind: &'static str,
        of: impl Fn(&rapport_feedback::survey::Given) -> Option<String>,
        (from, to): (String, String),
    ) -> Body {
        Body::Field { kind, value: self.entered("").unwrap_or_else(|| self.given(of)), from, to }
    }

    fn points(&self) -> Body {
        let (scale, _) = self.question.answer.scale().unwrap_or((0..=0, rapport_feedback::survey::Direction::Up));
        let (low, high) = self.question.answer.ends();
        let text = |words: Option<&Own>| words.map(|it| self.text(it)).unwrap_or_default();
        let no_opinion = matches!(self.question.answer, Answer::Scale { no_opinion: true, .. });
        Body::Points {
            points: scale.map(|point| self.option(&point.to_string(), point.to_string())).collect(),
            low: text(low),
            high: text(high),
            no_opinion: no_opinion.then(|| self.option(NO_OPINION, self.words.no_opinion.to_owned())),
        }
    }

    fn options(
        &self,
        kind: &'static str,
        choices: &[Choice],
        other: bool,
        shuffle: bool,
        note: Option<String>,
    ) -> Body {
        let option = |it: &Choice| self.option(&it.key, self.text(&it.text));
        let mut options: Vec<Opt> = self.ordered(choices, shuffle).into_iter().map(option).collect();
        if other {
            options.push(self.option(OTHER, self.words.other.to_owned()));
        }
        let own = self.form.map(|form| form.one(&format!("t.{}", self.question.key)).to_owned());
        let own = own.unwrap_or_else(|| self.given(|it| it.text.clone()));
        Body::Options { kind, options, other: other.then_some(own), note }
    }

    fn row(&self, part: &str, label: String, columns: &[(String, String)]) -> Row {
        let name = format!("q.{}.{part}", self.question.key);
        let on = match self.form.filter(|form| form.shows(&self.question.key)) {
            Some(form) => Some(form.one(&name).to_owned()),
            None => self.answers().iter().find(|it| it.part == part).and_then(|it| match self.question.answer {
                Answer::Ranking { .. } => it.number.map(|number| number.to_string()),
                _ => it.choice.clone(),
            }),
        };
        let option = |(value, label): &(String, String)| Opt {
            value: value.clone(),
            label: label.clone(),
            is_on: on.as_deref() == Some(value),
        };
        Row { name, label, options: columns.iter().map(option).collect() }
    }

    fn option(&self, value: &str, label: String) -> Opt {
        let is_on = match self.form.filter(|form| form.shows(&self.question.key)) {
            Some(form) => form.all(&format!("q.{}", self.question.key)).contains(&value),
            None => self.answers().iter().any(|it| {
                it.choice.as_deref() == Some(value)
                    || (it.choice.is_none() && it.number.is_some_and(|number| number.to_string() == value))
            }),
        };
        Opt { value: value.to_owned(), label, is_on }
    }

    fn answers(&self) -> &[rapport_feedback::survey::Given] {
        self.reader.answers.get(&self.question.key).map_or(&[], Vec::as_slice)
    }

    fn given(&self, of: impl Fn(&rapport_feedback::survey::Given) -> Option<String>) -> String {
        self.answers().iter().find_map(of).unwrap_or_default()
    }

    /// What was entered, where the question was on the form.
    fn entered(&self, part: &str) -> Option<String> {
        let form = self.form.filter(|form| form.shows(&self.question.key))?;
        Some(form.one(&format!("q.{}{part}", self.question.key)).to_owned())
    }

    fn text(&self, words: &Own) -> String {
        self.reader.text(words)
    }

    /// In an order of each reader's own where that is wished, so that what stands first is not favoured; the same one however often it is shown.
    fn ordered<'c>(&self, choices: &'c [Choice], shuffle: bool) -> Vec<&'c Choice> {
        let mut ordered: Vec<&Choice> = choices.iter().collect();
        if shuffle {
            let seed = self.reader.seed().unwrap_or(self.start);
            ordered.sort_by_key(|it| (it.exclusive, point(seed, it.key.as_str())));
        }
        ordered
    }
}

/// The end of what was answered.
pub fn over(reader: &Reader, is_screened: bool, answers: &Answers) -> Response {
    with_headers(over_html(reader, is_screened, answers), StatusCode::OK, reader.mode == Some(Mode::Widget))
}

/// The same as text.
pub fn over_html(reader: &Reader, is_screened: bool, answers: &Answers) -> askama::Result<String> {
    let words = Words::of(&reader.language);
    let own = end(&reader.definition, answers).filter(|_| !is_screened);
    let heading = match own {
        Some(end) => reader.text(&end.text),
        None if is_screened => words.screened.to_owned(),
        None => words.thanks.to_owned(),
    };
    let link = own.and_then(|end| end.link.as_ref());
    let template = End {
        frame: frame(reader, IDLE[1]),
        heading,
        text: reader.again.as_ref().map(|_| words.begins_anew.to_owned()),
        link: link.map(|link| (link.url.clone(), reader.text(&link.text))),
        again: reader.again.as_deref(),
    };
    template.render()
}

/// A survey that takes no answers.
pub fn shut(reader: &Reader, why: &str) -> Response {
    let (heading, text) = Words::of(&reader.language).shut(why);
    let template = End {
        frame: frame(reader, 0),
        heading: heading.to_owned(),
        text: Some(text.to_owned()),
        link: None,
        again: None,
    };
    with_headers(template.render(), StatusCode::GONE, reader.mode == Some(Mode::Widget))
}

/// A link that is none of ours, or of what is gone.
pub fn gone(headers: &HeaderMap) -> Response {
    let words = if prefers_chinese(headers) { &super::words::CHINESE } else { &super::words::ENGLISH };
    let (heading, text) = words.shut("gone");
    let frame = Frame {
        words,
        tag: words.tag,
        is_right_to_left: false,
        company: "",
        title: heading.to_owned(),
        is_widget: false,
        refresh: None,
    };
    let template = End { frame, heading: heading.to_owned(), text: Some(text.to_owned()), link: None, again: None };
    with_headers(template.render(), StatusCode::NOT_FOUND, false)
}
