//! Whole days out of an iCalendar file (RFC 5545), such as the public holidays that a state or an office publishes.
//!
//! Read are events of whole days (`DTSTART;VALUE=DATE`, with `DTEND` or `DURATION`), once or each year: `RRULE` with `FREQ=YEARLY`, `INTERVAL`, `COUNT`, `UNTIL`,
//! `BYMONTH`, `BYMONTHDAY` and `BYDAY` (such as `4TH` or `-1MO`), without `EXDATE`, with `RDATE`. What is in a file and not read is named, never left out silently.
//!
//! Always holds: any text ends in an answer, in time that grows with its length and the years asked for; nothing is looked up outside.
//!
//! Does not do: hours of a day, zones, other components of a calendar. A parser of all of the format was looked at: it goes down into components within components by
//! recursion, so a small hostile file ends the program.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
pub use jiff::civil::Date;
use jiff::civil::Weekday;

/// The longest event that is taken for a holiday, in days.
const LONGEST: i32 = 31;
/// The longest name, in characters.
const LONGEST_NAME: usize = 100;
/// Years that are asked for, at most.
const MOST_YEARS: i16 = 20;
/// What is repeated so many times is counted from its beginning, for at most so many years.
const FARTHEST: i16 = 100;
/// Events of a file, at most.
const MOST_EVENTS: usize = 5_000;

const SERIES: &str = "changes one date of a series; say it as an event of its own";
const NO_DAY: &str = "is no whole day";
const NO_RULE: &str = "repeats by a rule that is not read: only yearly ones are, by month, day of the month or weekday";
const TOO_LONG: &str = "is longer than 31 days";

/// What was read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    /// The days with their names.
    pub days: BTreeMap<Date, String>,
    /// What was not read: the line on which it begins, its name, and why.
    pub skipped: Vec<(usize, String, &'static str)>,
}

/// Reads the days from `from` to `to`, both included.
///
/// # Errors
/// Why it is no such file, or no such time.
pub fn read(text: &str, (from, to): (Date, Date)) -> Result<Holidays, &'static str> {
    if from > to || to.year() - from.year() >= MOST_YEARS {
        return Err("from one day to a later one, of at most 20 years");
    }
    let mut found = Holidays::default();
    let mut event: Option<Event> = None;
    // Components that are open, and how deep the event is.
    let (mut depth, mut is_calendar, mut events) = (0_usize, false, 0);
    for (line, content) in unfolded(text) {
        let Some(property) = Property::read(&content) else { continue };
        match property.name.as_str() {
            "BEGIN" => {
                depth += 1;
                is_calendar |= depth == 1 && property.value.eq_ignore_ascii_case("VCALENDAR");
                if depth == 2 && property.value.eq_ignore_ascii_case("VEVENT") {
                    events += 1;
                    if events > MOST_EVENTS {
                        return Err("a file has at most 5000 events");
                    }
                    event = Some(Event { line, ..Event::default() });
                }
            }
            "END" => {
                if depth == 2
                    && let Some(event) = event.take()
                {
                    event.add(&mut found, (from, to));
                }
                depth = depth.saturating_sub(1);
            }
            _ if depth == 2 => {
                if let Some(event) = &mut event {
                    event.note(property);
                }
            }
            _ => {}
        }
    }
    if is_calendar { Ok(found) } else { Err("this is no iCalendar file: it has to begin with BEGIN:VCALENDAR") }
}

/// Lines with the number on which they begin; what begins with a blank goes on with the line before.
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.trim_start_matches('\u{FEFF}').split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ => lines.push((number + 1, line.to_owned())),
        }
    }
    lines
}

/// A line: `NAME;PARAMETER=value:value`.
struct Property {
    name: String,
    value: String,
}

impl Property {
    fn read(line: &str) -> Option<Self> {
        let mut is_quoted = false;
        let at = line.char_indices().find(|(_, c)| {
            is_quoted ^= *c == '"';
            *c == ':' && !is_quoted
        })?;
        let (head, value) = (&line[..at.0], line[at.0 + 1..].trim());
        let name = head.split(';').next()?.trim().to_ascii_uppercase();
        Some(Self { name, value: value.to_owned() })
    }
}

#[derive(Default)]
struct Event {
    line: usize,
    start: Option<String>,
    end: Option<String>,
    duration: Option<String>,
    name: String,
    rule: Option<String>,
    without: Vec<String>,
    also: Vec<String>,
    is_cancelled: bool,
    is_change: bool,
}

impl Event {
    fn note(&mut self, property: Property) {
        let list = || property.value.split(',').map(str::to_owned).collect::<Vec<_>>();
        match property.name.as_str() {
            "DTSTART" => self.start = Some(property.value),
            "DTEND" => self.end = Some(property.value),
            "DURATION" => self.duration = Some(property.value),
            "SUMMARY" => self.name = crate::plain::one_line(&unescaped(&property.value), LONGEST_NAME),
            "RRULE" => self.rule = Some(property.value),
            "EXDATE" => self.without.extend(list()),
            "RDATE" => self.also.extend(list()),
            "STATUS" => self.is_cancelled = property.value.eq_ignore_ascii_case("CANCELLED"),
            "RECURRENCE-ID" => self.is_change = true,
            _ => {}
        }
    }

    fn add(self, found: &mut Holidays, (from, to): (Date, Date)) {
        if self.is_cancelled {
            return;
        }
        match self.days((from, to)) {
            Ok(days) => {
                for day in days.into_iter().filter(|day| (from..=to).contains(day)) {
                    let name = found.days.entry(day).or_default();
                    if name.is_empty() {
                        name.clone_from(&self.name);
                    }
                }
            }
            Err(why) => found.skipped.push((self.line, self.name, why)),
        }
    }

    fn days(&self, (from, to): (Date, Date)) -> Result<BTreeSet<Date>, &'static str> {
        if self.is_change {
            return Err(SERIES);
        }
        let whole_days =
            |texts: &[String]| texts.iter().map(|text| day(text).ok_or(NO_DAY)).collect::<Result<BTreeSet<_>, _>>();
        let start = self.start.as_deref().and_then(day).ok_or(NO_DAY)?;
        let long = self.length(start)?;
        let mut starts = match &self.rule {
            Some(text) => {
                let rule = Rule::read(text).ok_or(NO_RULE)?;
                if rule.count.is_some() && to.year() - start.year() > FARTHEST {
                    return Err(NO_RULE);
                }
                rule.starts(start, (from, to))
            }
            None => BTreeSet::from([start]),
        };
        starts.extend(whole_days(&self.also)?);
        let without = whole_days(&self.without)?;
        let mut days = BTreeSet::new();
        // What begins so long before still reaches into the time.
        let earliest = from.saturating_sub(LONGEST.days());
        for start in starts.difference(&without).filter(|start| (earliest..=to).contains(*start)) {
            days.extend((0..long).filter_map(|number| start.checked_add(number.days()).ok()));
        }
        Ok(days)
    }

    /// How many days it has.
    fn length(&self, start: Date) -> Result<i32, &'static str> {
        let long = match (&self.end, &self.duration) {
            (Some(end), _) => {
                let end = day(end).ok_or(NO_DAY)?;
                // The day of the end is not part of it; some write the same day twice.
                start.until(end).map_err(|_| NO_DAY)?.get_days().max(1)
            }
            (None, Some(text)) => {
                let number = |unit| text.strip_prefix('P')?.strip_suffix(unit)?.parse::<i32>().ok();
                number('D').or_else(|| number('W')?.checked_mul(7)).filter(|long| *long > 0).ok_or(NO_DAY)?
            }
            (None, None) => 1,
        };
        if long > LONGEST { Err(TOO_LONG) } else { Ok(long) }
    }
}

/// `20261225`, or midnight of it.
fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    let digits = text.strip_suffix("T000000").unwrap_or(text);
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| digits[range].parse::<i16>().ok();
    Date::new(part(0..4)?, i8::try_from(part(4..6)?).ok()?, i8::try_from(part(6..8)?).ok()?).ok()
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => plain.push(' '),
                Some(c) => plain.push(c),
                None => {}
            },
            _ => plain.push(c),
        }
    }
    plain
}

/// A yearly rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    interval: i16,
    count: Option<usize>,
    until: Option<Date>,
    months: Vec<i8>,
    /// From the end where negative.
    month_days: Vec<i8>,
    /// Which one of its month, or of the year where no month is said (0: each), and the weekday.
    weekdays: Vec<(i8, Weekday)>,
}

impl Rule {
    fn read(text: &str) -> Option<Self> {
        let mut rule = Self {
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
        };
        let mut is_yearly = false;
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => is_yearly = value.eq_ignore_ascii_case("YEARLY"),
                "INTERVAL" => rule.interval = value.parse().ok().filter(|it| *it > 0)?,
                "COUNT" => rule.count = Some(value.parse().ok()?),
                "UNTIL" => rule.until = Some(day(value.split('T').next()?)?),
                "BYMONTH" => rule.months = numbers(value, 1..=12)?,
                "BYMONTHDAY" => rule.month_days = numbers(value, -31..=31)?,
                "BYDAY" => rule.weekdays = value.split(',').map(weekday).collect::<Option<_>>()?,
                // Weeks do not matter to what is read.
                "WKST" => {}
                _ => return None,
            }
        }
        // Of a weekday in a year without its month, `4TH` would count through the year.
        let is_read = rule.weekdays.is_empty() || !rule.months.is_empty();
        (is_yearly && is_read).then_some(rule)
    }

    /// The days on which it begins, from its first one on; of those without a count only what can reach into the time that is asked for.
    fn starts(&self, first: Date, (from, to): (Date, Date)) -> BTreeSet<Date> {
        let mut starts = BTreeSet::new();
        let mut year = first.year();
        if self.count.is_none() {
            year += (from.year() - 1 - year).max(0) / self.interval * self.interval;
        }
        while year <= to.year() {
            for day in self.of_year(year, first) {
                let is_over = self.count.is_some_and(|count| starts.len() >= count);
                if is_over || self.until.is_some_and(|until| day > until) || day > to {
                    return starts;
                }
                if day >= first {
                    starts.insert(day);
                }
            }
            let Some(next) = year.checked_add(self.interval) else { break };
            year = next;
        }
        starts
    }

    fn of_year(&self, year: i16, first: Date) -> BTreeSet<Date> {
        let own = [first.month()];
        let all: Vec<i8> = (1..=12).collect();
        let months = match (self.months.is_empty(), self.month_days.is_empty()) {
            (false, _) => self.months.as_slice(),
            // A day of the month without months is one of each.
            (true, false) => all.as_slice(),
            (true, true) => own.as_slice(),
        };
        let mut days = BTreeSet::new();
        for month in months {
            let Ok(begin) = Date::new(year, *month, 1) else { continue };
            let length = begin.days_in_month();
            for number in 1..=length {
                let Ok(day) = Date::new(year, *month, number) else { continue };
                if self.holds(day, length, first) {
                    days.insert(day);
                }
            }
        }
        days
    }

    fn holds(&self, day: Date, length: i8, first: Date) -> bool {
        if self.month_days.is_empty() && self.weekdays.is_empty() {
            return day.day() == first.day();
        }
        let is_day = |number: &i8| *number == day.day() || *number == day.day() - length - 1;
        let is_weekday = |(which, weekday): &(i8, Weekday)| {
            let (from_begin, from_end) = ((day.day() - 1) / 7 + 1, -((length - day.day()) / 7 + 1));
            day.weekday() == *weekday && (*which == 0 || *which == from_begin || *which == from_end)
        };
        (self.month_days.is_empty() || self.month_days.iter().any(is_day))
            && (self.weekdays.is_empty() || self.weekdays.iter().any(is_weekday))
    }
}

fn numbers(text: &str, within: std::ops::RangeInclusive<i8>) -> Option<Vec<i8>> {
    text.split(',').map(|it| it.trim().parse().ok().filter(|it| *it != 0 && within.contains(it))).collect()
}

/// `4TH`, `-1MO`, `SU`.
fn weekday(text: &str) -> Option<(i8, Weekday)> {
    let text = text.trim().to_ascii_uppercase();
    let at = text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at))?;
    let weekday = match &text[at..] {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let which =
        if at == 0 { 0 } else { text[..at].parse().ok().filter(|it: &i8| *it != 0 && (-5..=5).contains(it))? };
    Some((which, weekday))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn file(events: &str) -> String {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
    }

    fn event(lines: &[&str]) -> String {
        format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", lines.join("\r\n"))
    }

    fn days(lines: &[&str]) -> Vec<String> {
        let found = read(&file(&event(lines)), (date(2026, 1, 1), date(2028, 12, 31))).unwrap();
        assert_eq!(found.skipped, [], "{lines:?}");
        found.days.keys().map(ToString::to_string).collect()
    }

    fn refused(lines: &[&str]) -> &'static str {
        let found = read(&file(&event(lines)), (date(2026, 1, 1), date(2028, 12, 31))).unwrap();
        assert!(found.days.is_empty(), "{lines:?}");
        found.skipped[0].2
    }

    #[test]
    fn whole_days_once_and_each_year() {
        assert_eq!(days(&["DTSTART;VALUE=DATE:20261225"]), ["2026-12-25"]);
        assert_eq!(days(&["DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227"]), ["2026-12-25", "2026-12-26"]);
        assert_eq!(days(&["DTSTART:20261225T000000", "DURATION:P2D"]), ["2026-12-25", "2026-12-26"]);
        // It begins before the time that is asked for, and reaches into it.
        assert_eq!(days(&["DTSTART:20251231", "DTEND:20260102"]), ["2026-01-01"]);
        assert_eq!(
            days(&["DTSTART;VALUE=DATE:19491003", "RRULE:FREQ=YEARLY"]),
            ["2026-10-03", "2027-10-03", "2028-10-03"]
        );
        // The fourth Thursday of November, the last Monday of May, the 29th of February.
        let by = |rule: &str| days(&["DTSTART:20000101", rule]);
        assert_eq!(by("RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"), ["2026-11-26", "2027-11-25", "2028-11-23"]);
        assert_eq!(by("RRULE:FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5"), ["2026-05-25", "2027-05-31", "2028-05-29"]);
        assert_eq!(days(&["DTSTART:20240229", "RRULE:FREQ=YEARLY"]), ["2028-02-29"]);
        assert_eq!(days(&["DTSTART:20260101", "RRULE:FREQ=YEARLY;COUNT=2"]), ["2026-01-01", "2027-01-01"]);
        assert_eq!(days(&["DTSTART:20260101", "RRULE:FREQ=YEARLY;INTERVAL=2"]), ["2026-01-01", "2028-01-01"]);
        assert_eq!(
            days(&["DTSTART:20260101", "RRULE:FREQ=YEARLY;UNTIL=20270101T000000Z"]),
            ["2026-01-01", "2027-01-01"]
        );
        assert_eq!(
            days(&["DTSTART:20260101", "RRULE:FREQ=YEARLY", "EXDATE:20270101", "RDATE;VALUE=DATE:20260601,20260602"]),
            ["2026-01-01", "2026-06-01", "2026-06-02", "2028-01-01"]
        );
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let text = file(&event(&[
            "DTSTART;X=\"a:b\";VALUE=DATE:20261225",
            "SUMMARY;LANGUAGE=en:Christ",
            " mas\\, first\\nday",
            "BEGIN:VALARM",
            "SUMMARY:Wake up",
            "DTSTART:20260101",
            "END:VALARM",
        ]));
        let found = read(&format!("\u{FEFF}{text}"), (date(2026, 1, 1), date(2026, 12, 31))).unwrap();
        assert_eq!(found.days, BTreeMap::from([(date(2026, 12, 25), "Christmas, first day".to_owned())]));
    }

    #[test]
    fn what_is_not_read_is_said() {
        assert_eq!(refused(&["DTSTART:20261225T100000Z"]), NO_DAY);
        assert_eq!(refused(&["SUMMARY:No day"]), NO_DAY);
        assert_eq!(refused(&["DTSTART:20260230"]), NO_DAY);
        assert_eq!(refused(&["DTSTART:20260101", "DTEND:20260301"]), TOO_LONG);
        assert_eq!(refused(&["DTSTART:20260101", "RECURRENCE-ID:20260102"]), SERIES);
        for rule in [
            "FREQ=MONTHLY",
            "FREQ=YEARLY;BYDAY=4TH",
            "FREQ=YEARLY;BYEASTER=1",
            "FREQ=YEARLY;INTERVAL=0",
            "é",
            "FREQ=YEARLY;BYMONTH=13",
        ] {
            assert_eq!(refused(&["DTSTART:20260101", &format!("RRULE:{rule}")]), NO_RULE, "{rule}");
        }
        assert_eq!(days(&["DTSTART:20260101", "STATUS:CANCELLED"]), [""; 0]);
        let year = (date(2026, 1, 1), date(2026, 12, 31));
        assert!(read("day,name\n2026-12-25,Christmas\n", year).is_err() && read("", year).is_err());
        assert!(read(&file(""), (date(2026, 1, 2), date(2026, 1, 1))).is_err());
        // Components within components end.
        assert_eq!(read(&"BEGIN:VCALENDAR\n".repeat(60_000), year).unwrap(), Holidays::default());
    }

    proptest! {
        /// Any text ends.
        #[test]
        fn any_text_ends(text in "(BEGIN|END|DTSTART|RRULE|:|;|=|VEVENT|VCALENDAR|YEARLY|FREQ|[0-9]{1,9}|\\\\|\"|\n| |é){0,60}") {
            let _ = read(&text, (date(2020, 1, 1), date(2039, 12, 31)));
        }

        /// Against looking at each day of the years whether it is the one that is meant.
        #[test]
        fn yearly_weekdays_are_those_that_counting_gives(month in 1i8..13, which in prop::sample::select(vec![-2i8, -1, 1, 2, 3, 4, 5]), weekday in 0usize..7) {
            let names = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
            let rule = format!("RRULE:FREQ=YEARLY;BYMONTH={month};BYDAY={which}{}", names[weekday]);
            let mut expected = Vec::new();
            for year in 2026..=2028 {
                let mut of_month = Vec::new();
                let mut day = date(year, month, 1);
                while day.month() == month {
                    if day.weekday().to_monday_zero_offset() == weekday as i8 {
                        of_month.push(day.to_string());
                    }
                    day = day.tomorrow().unwrap();
                }
                let at = if which > 0 { usize::try_from(which - 1).ok() } else { of_month.len().checked_sub(usize::from(which.unsigned_abs())) };
                expected.extend(at.and_then(|at| of_month.get(at)).cloned());
            }
            prop_assert_eq!(days(&["DTSTART:20100101", &rule]), expected);
        }
    }
}
