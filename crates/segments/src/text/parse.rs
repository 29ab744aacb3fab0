//! Reads a text into a condition.

use std::collections::BTreeMap;

use super::print::KEYWORDS;
use super::words::{Kind, Word, refuse};
use crate::Error;
use crate::condition::{Condition, Given, Name, Number, Operand, Performed, Test, Times, Which, Within};
use crate::duration::{Duration, Unit};
use crate::instant::Instant;

mod parameters;
mod person;

/// Parentheses and `not` may be nested so deep: beyond the limits of any condition, within those of a thread's stack.
const DEEPEST: usize = 64;

pub(super) fn condition(text: &str) -> Result<Condition, Error> {
    let mut reader = Reader::new(text)?;
    let condition = reader.either(Level::Any)?;
    if !matches!(reader.peek(), Kind::End) && reader.at != reader.end {
        return Err(reader.expected("`and`, `or`, or the end"));
    }
    reader.all_used()?;
    Ok(condition)
}

/// Whether tests of the person may stand here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Any,
    /// In a `where`: tests of the event only.
    Event,
}

struct Reader<'t> {
    text: &'t str,
    words: Vec<Word>,
    at: usize,
    depth: usize,
    /// Where parameters are given their values.
    end: usize,
    /// Where the value of each parameter begins, and whether something uses it.
    parameters: BTreeMap<Name, (usize, bool)>,
}

impl Reader<'_> {
    fn peek(&self) -> &Kind {
        &self.words[self.at].kind
    }

    fn next(&mut self) -> Kind {
        let kind = self.words[self.at].kind.clone();
        if self.at + 1 < self.words.len() {
            self.at += 1;
        }
        kind
    }

    fn expected(&self, expected: &str) -> Error {
        let found = match self.peek() {
            Kind::Bare(word) => format!("`{word}`"),
            Kind::Quoted(_) => "a text in quotes".to_owned(),
            Kind::Mark(mark) => format!("`{mark}`"),
            Kind::End => "the end".to_owned(),
        };
        refuse(self.text, self.words[self.at].at, &found, expected)
    }

    /// Whether the word at `ahead` is this keyword, in any case.
    fn is(&self, ahead: usize, keyword: &str) -> bool {
        match self.words.get(self.at + ahead).map(|word| &word.kind) {
            Some(Kind::Bare(word)) => word.eq_ignore_ascii_case(keyword),
            _ => false,
        }
    }

    fn is_mark(&self, ahead: usize, mark: &str) -> bool {
        matches!(self.words.get(self.at + ahead).map(|word| &word.kind), Some(Kind::Mark(other)) if *other == mark)
    }

    fn take(&mut self, keyword: &str) -> bool {
        let found = self.is(0, keyword);
        if found {
            self.next();
        }
        found
    }

    fn need(&mut self, keyword: &str) -> Result<(), Error> {
        if self.take(keyword) { Ok(()) } else { Err(self.expected(&format!("`{keyword}`"))) }
    }

    fn need_mark(&mut self, mark: &'static str) -> Result<(), Error> {
        if self.is_mark(0, mark) {
            self.next();
            return Ok(());
        }
        Err(self.expected(&format!("`{mark}`")))
    }

    fn either(&mut self, level: Level) -> Result<Condition, Error> {
        self.joined("or", level, Self::both, Condition::Any)
    }

    fn both(&mut self, level: Level) -> Result<Condition, Error> {
        self.joined("and", level, Self::one, Condition::All)
    }

    /// Parts with `word` between them, as a `group`; one part alone is itself.
    fn joined(
        &mut self,
        word: &str,
        level: Level,
        part: fn(&mut Self, Level) -> Result<Condition, Error>,
        group: fn(Vec<Condition>) -> Condition,
    ) -> Result<Condition, Error> {
        let first = part(self, level)?;
        if !self.goes_on(word, level) {
            return Ok(first);
        }
        let mut children = vec![first];
        while self.goes_on(word, level) {
            self.next();
            children.push(part(self, level)?);
        }
        Ok(group(children))
    }

    /// Whether `word` joins what follows to this: in a bare `where` not if that tests the person.
    fn goes_on(&self, word: &str, level: Level) -> bool {
        self.is(0, word) && (level == Level::Any || !self.is_about_the_person(1))
    }

    /// Whether the test that begins `ahead` words from here is about the person, whatever stands around it.
    fn is_about_the_person(&self, mut ahead: usize) -> bool {
        while self.is(ahead, "not") || self.is_mark(ahead, "(") {
            ahead += 1;
        }
        PERSON.iter().any(|word| self.is(ahead, word))
    }

    fn one(&mut self, level: Level) -> Result<Condition, Error> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Error::TooDeep { limit: DEEPEST });
        }
        let condition = self.one_at_depth(level);
        self.depth -= 1;
        condition
    }

    fn one_at_depth(&mut self, level: Level) -> Result<Condition, Error> {
        if self.take("not") {
            return Ok(Condition::Not(Box::new(self.one(level)?)));
        }
        if self.is_mark(0, "(") {
            self.next();
            let inner = self.either(level)?;
            self.need_mark(")")?;
            return Ok(inner);
        }
        for (word, group) in
            [("everyone", Condition::All as fn(Vec<Condition>) -> Condition), ("nobody", Condition::Any)]
        {
            if self.is(0, word) && self.is_mark(1, "(") {
                self.next();
                self.next();
                let children = if self.is_mark(0, ")") { Vec::new() } else { vec![self.either(level)?] };
                self.need_mark(")")?;
                return Ok(group(children));
            }
        }
        if level == Level::Event && self.is_about_the_person(0) {
            return Err(self.expected("a test of the event's properties"));
        }
        if self.is_about_the_person(0) {
            return self.person();
        }
        let path = self.name(BEGINNING)?;
        Ok(Condition::Property { path, test: self.test()? })
    }

    /// A name: quoted, or a word that is no keyword.
    fn name(&mut self, expected: &str) -> Result<String, Error> {
        match self.peek() {
            Kind::Quoted(_) => {}
            Kind::Bare(word) if !KEYWORDS.contains(&word.to_lowercase().as_str()) => {}
            _ => return Err(self.expected(expected)),
        }
        match self.next() {
            Kind::Quoted(text) | Kind::Bare(text) => Ok(text),
            Kind::Mark(_) | Kind::End => Err(self.expected(expected)),
        }
    }

    fn performed(&mut self, which: Which, never: bool) -> Result<Condition, Error> {
        self.need("performed")?;
        let event = self.name("the event's name")?;
        let mut times = if never { Times::never() } else { Times::once() };
        if !never && which == Which::Every {
            times = self.times()?.unwrap_or(times);
        }
        let within = self.within()?;
        let filter = self.clause("where")?;
        let having = if which == Which::Every { None } else { self.clause("having")? };
        Ok(Condition::Performed(Performed { event, filter, times, within, which, having }))
    }

    /// A filter after its word, if the word is there.
    fn clause(&mut self, word: &str) -> Result<Option<Box<Condition>>, Error> {
        if self.take(word) { Ok(Some(Box::new(self.filter()?))) } else { Ok(None) }
    }

    /// A filter in parentheses ends with them; a bare one goes on as long as it tests the event.
    fn filter(&mut self) -> Result<Condition, Error> {
        if !self.is_mark(0, "(") {
            return self.either(Level::Event);
        }
        self.next();
        let filter = self.either(Level::Event)?;
        self.need_mark(")")?;
        Ok(filter)
    }

    fn times(&mut self) -> Result<Option<Times>, Error> {
        let times = if self.is(0, "at") && self.is(1, "least") {
            self.at += 2;
            Times::AtLeast(self.given(Self::count)?)
        } else if self.is(0, "at") && self.is(1, "most") {
            self.at += 2;
            Times::AtMost(self.given(Self::count)?)
        } else if self.take("exactly") {
            Times::Exactly(self.given(Self::count)?)
        } else if self.take("between") {
            let least = self.given(Self::count)?;
            self.need("and")?;
            Times::Between(least, self.given(Self::count)?)
        } else {
            return Ok(None);
        };
        if !self.take("times") && !self.take("time") {
            return Err(self.expected("`times`"));
        }
        Ok(Some(times))
    }

    fn count(&mut self) -> Result<u32, Error> {
        let found = match self.peek() {
            Kind::Bare(word) => word.parse().ok(),
            _ => None,
        };
        let count = found.ok_or_else(|| self.expected("a whole number"))?;
        self.next();
        Ok(count)
    }

    fn within(&mut self) -> Result<Within, Error> {
        if self.is(0, "in") && self.is(1, "the") && self.is(2, "last") {
            self.at += 3;
            return Ok(Within::Last(self.given(Self::duration)?));
        }
        if self.is(0, "in") && self.is(1, "the") && self.is(2, "first") {
            self.at += 3;
            return Ok(Within::First(self.given(Self::duration)?));
        }
        if self.take("since") {
            return Ok(Within::Dates { from: Some(self.given(Self::instant)?), to: None });
        }
        if self.take("before") {
            return Ok(Within::Dates { from: None, to: Some(self.given(Self::instant)?) });
        }
        if self.take("from") {
            let any = self.take("any");
            let from = if any { None } else { Some(self.given(Self::instant)?) };
            self.need("to")?;
            let to = if self.take("any") { None } else { Some(self.given(Self::instant)?) };
            return Ok(Within::Dates { from, to });
        }
        Ok(Within::Ever)
    }

    /// `90 days`, or `90d`.
    fn duration(&mut self) -> Result<Duration, Error> {
        const LENGTH: &str = "a length of time, such as `90 days` or `12h`";
        let Kind::Bare(word) = self.peek().clone() else { return Err(self.expected(LENGTH)) };
        let place = self.at;
        let wrong =
            |reader: &Self, reason: String| refuse(reader.text, reader.words[place].at, &format!("`{word}`"), &reason);
        self.next();
        let Ok(amount) = word.parse::<u32>() else {
            return Duration::parse(&word).map_err(|error| wrong(self, error.to_string()));
        };
        let Kind::Bare(unit) = self.peek().clone() else {
            return Err(self.expected("seconds, minutes, hours, days or weeks"));
        };
        let unit = match unit.to_lowercase().trim_end_matches('s') {
            "second" => Unit::Second,
            "minute" => Unit::Minute,
            "hour" => Unit::Hour,
            "day" => Unit::Day,
            "week" => Unit::Week,
            _ => return Err(self.expected("seconds, minutes, hours, days or weeks")),
        };
        self.next();
        Duration::new(amount, unit).map_err(|error| wrong(self, error.to_string()))
    }

    fn instant(&mut self) -> Result<Instant, Error> {
        let found = match self.peek() {
            Kind::Bare(word) | Kind::Quoted(word) => Instant::parse(word),
            Kind::Mark(_) | Kind::End => None,
        };
        let instant = found
            .ok_or_else(|| self.expected("a day (`2026-03-01`) or a time with its zone (`2026-03-01T10:00:00Z`)"))?;
        self.next();
        Ok(instant)
    }

    fn test(&mut self) -> Result<Test, Error> {
        if let Kind::Mark(mark) = *self.peek() {
            if !matches!(mark, "=" | "!=" | ">=" | "<=" | ">" | "<") {
                return Err(self.expected(TESTS));
            }
            self.next();
            return Ok(match mark {
                "=" => Test::Equals(self.given(Self::operand)?),
                "!=" => Test::NotEquals(self.given(Self::operand)?),
                ">=" => Test::AtLeast(self.given(Self::number)?),
                "<=" => Test::AtMost(self.given(Self::number)?),
                ">" => Test::MoreThan(self.given(Self::number)?),
                _ => Test::LessThan(self.given(Self::number)?),
            });
        }
        if self.take("exists") {
            return Ok(Test::Exists);
        }
        if self.take("is") {
            return match (self.take("true"), self.is(0, "false")) {
                (true, _) => Ok(Test::IsTrue),
                (_, true) => {
                    self.next();
                    Ok(Test::IsFalse)
                }
                _ => Err(self.expected("`true` or `false`; a value is compared with `=`")),
            };
        }
        if self.take("in") {
            if !self.take("the") {
                return Ok(Test::In(self.operands()?));
            }
            return if self.take("next") {
                Ok(Test::InNext(self.given(Self::duration)?))
            } else if self.take("last") {
                Ok(Test::InLast(self.given(Self::duration)?))
            } else {
                Err(self.expected("`last` or `next`"))
            };
        }
        if self.is(0, "not") && self.is(1, "in") {
            self.at += 2;
            return Ok(Test::NotIn(self.operands()?));
        }
        if self.take("does") {
            self.need("not")?;
            if self.take("exist") {
                return Ok(Test::NotExists);
            }
            self.need("contain")?;
            return Ok(Test::NotContains(self.given(Self::part)?));
        }
        if self.take("contains") {
            return Ok(Test::Contains(self.given(Self::part)?));
        }
        if self.take("starts") {
            self.need("with")?;
            return Ok(Test::StartsWith(self.given(Self::part)?));
        }
        if self.take("ends") {
            self.need("with")?;
            return Ok(Test::EndsWith(self.given(Self::part)?));
        }
        if self.take("before") {
            return Ok(Test::Before(self.given(Self::instant)?));
        }
        if self.take("after") {
            return Ok(Test::After(self.given(Self::instant)?));
        }
        if self.take("between") {
            return self.between();
        }
        Err(self.expected(TESTS))
    }

    fn between(&mut self) -> Result<Test, Error> {
        let at = self.parameter().and_then(|name| self.parameters.get(&name)).map_or(self.at, |(at, _)| *at);
        let is_time =
            matches!(&self.words[at].kind, Kind::Bare(word) | Kind::Quoted(word) if Instant::parse(word).is_some());
        if is_time {
            let from = self.given(Self::instant)?;
            self.need("and")?;
            return Ok(Test::BetweenTimes(from, self.given(Self::instant)?));
        }
        let from = self.given(Self::number)?;
        self.need("and")?;
        Ok(Test::Between(from, self.given(Self::number)?))
    }

    /// What a text contains or begins with.
    fn part(&mut self) -> Result<String, Error> {
        match self.next_if_text() {
            Some(text) => Ok(text),
            None => Err(self.expected("a text")),
        }
    }

    fn next_if_text(&mut self) -> Option<String> {
        match self.peek().clone() {
            Kind::Quoted(text) | Kind::Bare(text) => {
                self.next();
                Some(text)
            }
            Kind::Mark(_) | Kind::End => None,
        }
    }

    fn operands(&mut self) -> Result<Vec<Given<Operand>>, Error> {
        self.need_mark("(")?;
        let mut operands = Vec::new();
        while !self.is_mark(0, ")") {
            if !operands.is_empty() {
                self.need_mark(",")?;
            }
            operands.push(self.given(Self::operand)?);
        }
        self.next();
        Ok(operands)
    }

    /// `true` and `5` are what they look like; all else is a text.
    fn operand(&mut self) -> Result<Operand, Error> {
        let operand = match self.peek().clone() {
            Kind::Quoted(text) => Operand::Text(text),
            Kind::Bare(word) if word.eq_ignore_ascii_case("true") => Operand::Boolean(true),
            Kind::Bare(word) if word.eq_ignore_ascii_case("false") => Operand::Boolean(false),
            Kind::Bare(word) => match number(&word) {
                Some(number) => Operand::Number(number),
                None if looks_like_a_number(&word) => return Err(self.expected(NUMBER)),
                None => Operand::Text(word),
            },
            Kind::Mark(_) | Kind::End => return Err(self.expected("a value")),
        };
        self.next();
        Ok(operand)
    }

    fn number(&mut self) -> Result<Number, Error> {
        let found = match self.peek() {
            Kind::Bare(word) => number(word),
            _ => None,
        };
        let number = found.ok_or_else(|| self.expected(NUMBER))?;
        self.next();
        Ok(number)
    }
}

/// With these begins what is about the person.
const PERSON: &[&str] = &[
    "trait",
    "fact",
    "performed",
    "never",
    "first",
    "last",
    "sum",
    "average",
    "smallest",
    "largest",
    "distinct",
    "days",
    "sequence",
    "overdue",
    "streak",
    "in",
];
const BEGINNING: &str = "`performed`, `never performed`, `first performed`, `last performed`, `trait`, `fact`, `sum`, `average`, `smallest`, `largest`, \
                         `distinct`, `days`, `sequence`, `overdue`, `streak`, `in segment`, `in list`, `in bucket`, `not`, `(`, or a property of the event";
const NUMBER: &str = "a number with at most six decimals";
const TESTS: &str = "`=`, `!=`, `>=`, `<=`, `>`, `<`, `in`, `not in`, `between`, `contains`, `starts with`, `ends with`, `before`, `after`, `exists`, `does not exist` or `is`";

fn number(word: &str) -> Option<Number> {
    looks_like_a_number(word).then(|| Number::from_json(&serde_json::Value::String(word.to_owned()))).flatten()
}

fn looks_like_a_number(word: &str) -> bool {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.parse::<f64>().is_ok()
}
