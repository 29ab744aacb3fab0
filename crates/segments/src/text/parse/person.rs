//! Reads the tests of a person.

use rapport_domain::Interval;

use super::Reader;
use crate::Error;
use crate::condition::{
    Bucket, Changed, Condition, Events, Measure, Measured, Overdue, Sequence, Streak, Test, Which, Within,
};
use crate::records::lists::fact_key;

impl Reader<'_> {
    /// A test that begins with one of its words.
    pub(super) fn person(&mut self) -> Result<Condition, Error> {
        if self.take("never") {
            return self.performed(Which::Every, true);
        }
        if self.take("first") {
            return self.performed(Which::First, false);
        }
        if self.take("last") {
            return self.performed(Which::Last, false);
        }
        if self.is(0, "performed") {
            return self.performed(Which::Every, false);
        }
        if self.take("trait") {
            let key = format!("trait.{}", self.name("the trait's name")?);
            return self.fact(key);
        }
        if self.take("fact") {
            let key = self.name("the fact's key")?;
            return self.fact(key);
        }
        if self.take("sequence") {
            return self.sequence();
        }
        if self.take("overdue") {
            return self.overdue();
        }
        if self.take("streak") {
            return self.streak();
        }
        if self.take("in") {
            return self.membership();
        }
        match Measure::ALL.into_iter().find(|measure| self.take(measure.word())) {
            Some(measure) => self.measured(measure),
            None => Err(self.expected(super::BEGINNING)),
        }
    }

    /// What follows the key of a fact.
    fn fact(&mut self, key: String) -> Result<Condition, Error> {
        if self.take("changed") {
            let from = if self.take("from") { Some(self.given(Self::operand)?) } else { None };
            let to = if self.take("to") { Some(self.given(Self::operand)?) } else { None };
            let within = if self.take("during") { self.within()? } else { Within::Ever };
            return Ok(Condition::Changed(Changed { key, from, to, within }));
        }
        let test = self.test()?;
        if self.take("for") {
            return Ok(Condition::Held { key, test, length: self.given(Self::duration)? });
        }
        Ok(Condition::Fact { key, test })
    }

    /// `in segment loyal for 30 days`, `in list vip`, `in bucket 0 to 10 of "salt"`.
    fn membership(&mut self) -> Result<Condition, Error> {
        if self.take("segment") {
            let key = self.name("the segment's key")?;
            let length = if self.take("for") { Some(self.given(Self::duration)?) } else { None };
            return Ok(Condition::Segment { key, length });
        }
        if self.take("list") {
            let key = fact_key(&self.name("the list's key")?);
            return Ok(Condition::Fact { key, test: Test::IsTrue });
        }
        if !self.take("bucket") {
            return Err(self.expected("`segment`, `list` or `bucket`"));
        }
        let from = self.per_cent()?;
        self.need("to")?;
        let to = self.per_cent()?;
        self.need("of")?;
        Ok(Condition::Bucket(Bucket { salt: self.name("the salt")?, from, to }))
    }

    fn per_cent(&mut self) -> Result<u32, Error> {
        const PER_CENT: &str = "per cent from 0 to 100, with at most two decimals";
        let place = self.at;
        let micros = self.number()?.micros();
        let hundredths = u32::try_from(micros / 10_000).ok().filter(|h| micros % 10_000 == 0 && *h <= 10_000);
        hundredths.ok_or_else(|| {
            self.at = place;
            self.expected(PER_CENT)
        })
    }

    fn measured(&mut self, measure: Measure) -> Result<Condition, Error> {
        let path = if measure.has_path() { self.name("the property's path")? } else { String::new() };
        self.need("of")?;
        let event = self.name("the event's name")?;
        let test = self.test()?;
        let within = self.within()?;
        let of = Events { event, filter: self.clause("where")? };
        Ok(Condition::Measured(Measured { measure, path, of, within, test }))
    }

    fn sequence(&mut self) -> Result<Condition, Error> {
        self.need_mark("(")?;
        let mut steps = Vec::new();
        loop {
            let event = self.name("the event's name")?;
            steps.push(Events { event, filter: self.clause("where")? });
            if self.is_mark(0, ")") {
                self.next();
                break;
            }
            self.need_mark(",")?;
        }
        let spanning = if self.take("spanning") { Some(self.given(Self::duration)?) } else { None };
        let same = if self.take("same") { Some(self.name("the property's path")?) } else { None };
        let without = if self.take("without") {
            let event = self.name("the event's name")?;
            let events = Events { event, filter: self.clause("where")? };
            self.need("within")?;
            Some((events, self.given(Self::duration)?))
        } else {
            None
        };
        Ok(Condition::Sequence(Sequence { steps, spanning, same, without, within: self.within()? }))
    }

    fn overdue(&mut self) -> Result<Condition, Error> {
        let event = self.name("the event's name")?;
        self.need("by")?;
        let factor = self.given(Self::number)?;
        let mut gaps = 3.into();
        if self.take("after") {
            gaps = self.given(Self::count)?;
            self.need("gaps")?;
        }
        Ok(Condition::Overdue(Overdue { of: Events { event, filter: self.clause("where")? }, factor, gaps }))
    }

    fn streak(&mut self) -> Result<Condition, Error> {
        let event = self.name("the event's name")?;
        self.need("at")?;
        self.need("least")?;
        let least = self.given(Self::count)?;
        let units = [("day", Interval::Day), ("week", Interval::Week), ("month", Interval::Month)];
        let found = units.into_iter().find(|(word, _)| self.is(0, word) || self.is(0, &format!("{word}s")));
        let (_, interval) = found.ok_or_else(|| self.expected("days, weeks or months"))?;
        self.next();
        Ok(Condition::Streak(Streak { of: Events { event, filter: self.clause("where")? }, interval, least }))
    }
}
