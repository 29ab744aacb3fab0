//! How languages write numbers, amounts and days: English, German and Chinese, and one neutral form that nobody can misread for the
//! others (`1234.50 EUR`, `2026-01-31`).
//!
//! The forms are those of Unicode's CLDR 46 (`common/main/en.xml`, `en_GB.xml`, `de.xml`, `zh.xml`), written by hand because CLDR's data
//! and its crates would be larger than everything else here.

use jiff::civil::Date;
use rapport_domain::Currency;
use rapport_domain::money::MICROS_PER_UNIT;

use super::language::Language;

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// CLDR 46 abbreviates all months of American English to three letters; September is `Sept` in British English.
const SHORT_MONTH_LETTERS: usize = 3;
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
/// Currencies whose smallest unit is not a hundredth (ISO 4217, list one).
const NO_DECIMALS: &[&str] = &["CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"];
const THREE_DECIMALS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    American,
    British,
    German,
    Chinese,
    #[default]
    Neutral,
}

/// How one language writes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Locale(Form);

/// How much of a day is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateStyle {
    Short,
    Medium,
    Long,
}

impl DateStyle {
    pub fn parse(text: &str) -> Option<Self> {
        [("short", Self::Short), ("medium", Self::Medium), ("long", Self::Long)]
            .into_iter()
            .find_map(|(name, style)| (name == text).then_some(style))
    }
}

impl Locale {
    pub fn of(language: &Language) -> Self {
        Self(match (language.primary(), language.as_str()) {
            ("en", "en" | "en-US") => Form::American,
            ("en", _) => Form::British,
            ("de", _) => Form::German,
            ("zh", _) => Form::Chinese,
            _ => Form::Neutral,
        })
    }

    /// A number in millionths, rounded half away from zero to so many decimals, or with those that it has.
    pub fn number(self, micros: i64, decimals: Option<u32>) -> String {
        let (group, point) = match self.0 {
            Form::American | Form::British | Form::Chinese => (",", "."),
            Form::German => (".", ","),
            Form::Neutral => ("", "."),
        };
        let places = decimals.unwrap_or(6).min(6);
        let unit = 10_u64.pow(6 - places);
        let scaled = (micros.unsigned_abs() + unit / 2) / unit;
        let per_whole = MICROS_PER_UNIT.unsigned_abs() / unit;
        let mut text = grouped(scaled / per_whole, group);
        let mut fraction =
            if places == 0 { String::new() } else { format!("{:0w$}", scaled % per_whole, w = places as usize) };
        if decimals.is_none() {
            fraction.truncate(fraction.trim_end_matches('0').len());
        }
        if !fraction.is_empty() {
            text = text + point + &fraction;
        }
        if micros < 0 && scaled > 0 { format!("-{text}") } else { text }
    }

    /// An amount with the decimals of its currency.
    pub fn money(self, micros: i64, currency: Currency) -> String {
        let code = currency.as_str();
        let decimals = match code {
            _ if NO_DECIMALS.contains(&code) => 0,
            _ if THREE_DECIMALS.contains(&code) => 3,
            _ => 2,
        };
        let number = self.number(micros, Some(decimals));
        let (sign, number) = number.strip_prefix('-').map_or(("", number.as_str()), |rest| ("-", rest));
        let symbol = self.symbol(code);
        match self.0 {
            Form::German | Form::Neutral => format!("{sign}{number}\u{a0}{symbol}"),
            _ if symbol == code => format!("{sign}{symbol}\u{a0}{number}"),
            _ => format!("{sign}{symbol}{number}"),
        }
    }

    fn symbol(self, code: &str) -> &str {
        match (self.0, code) {
            (Form::Neutral, _) => code,
            (_, "EUR") => "€",
            (_, "GBP") => "£",
            (Form::American | Form::German, "USD") => "$",
            (_, "USD") => "US$",
            (Form::Chinese, "CNY") => "¥",
            (_, "CNY") => "CN¥",
            (Form::American | Form::German, "JPY") => "¥",
            (_, "JPY") => "JP¥",
            _ => code,
        }
    }

    /// A day.
    pub fn date(self, day: Date, style: DateStyle) -> String {
        let (y, m, d) = (day.year(), day.month(), day.day());
        let index = usize::from(m.unsigned_abs().saturating_sub(1)).min(11);
        let month = MONTHS_EN[index];
        let short =
            if self.0 == Form::British && month == "September" { "Sept" } else { &month[..SHORT_MONTH_LETTERS] };
        match (self.0, style) {
            (Form::American, DateStyle::Short) => format!("{m}/{d}/{:02}", y.rem_euclid(100)),
            (Form::American, DateStyle::Medium) => format!("{short} {d}, {y}"),
            (Form::American, DateStyle::Long) => format!("{month} {d}, {y}"),
            (Form::British, DateStyle::Short) => format!("{d:02}/{m:02}/{y}"),
            (Form::British, DateStyle::Medium) => format!("{d} {short} {y}"),
            (Form::British, DateStyle::Long) => format!("{d} {month} {y}"),
            (Form::German, DateStyle::Short) => format!("{d:02}.{m:02}.{:02}", y.rem_euclid(100)),
            (Form::German, DateStyle::Medium) => format!("{d:02}.{m:02}.{y}"),
            (Form::German, DateStyle::Long) => format!("{d}. {} {y}", MONTHS_DE[index]),
            (Form::Chinese, DateStyle::Short) => format!("{y}/{m}/{d}"),
            (Form::Chinese, _) => format!("{y}年{m}月{d}日"),
            (Form::Neutral, _) => format!("{y:04}-{m:02}-{d:02}"),
        }
    }

    /// Whether a count takes the first form of a word. Chinese has one form only.
    pub fn is_singular(self, micros: i64) -> bool {
        self.0 == Form::Chinese || micros == MICROS_PER_UNIT
    }
}

fn grouped(whole: u64, group: &str) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(group);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        Locale::of(&Language::parse(tag).unwrap())
    }

    #[test]
    fn numbers() {
        for (tag, micros, decimals, expected) in [
            ("en", 1_234_567_500_000, None, "1,234,567.5"),
            ("de", 1_234_567_500_000, None, "1.234.567,5"),
            ("zh", 1_234_567_500_000, None, "1,234,567.5"),
            ("fr", 1_234_567_500_000, None, "1234567.5"),
            ("en", 2_500_000, Some(0), "3"),
            ("en", -2_500_000, Some(0), "-3"),
            ("en", -400_000, Some(0), "0"),
            ("en", 999_995_000, Some(2), "1,000.00"),
            ("en", 0, None, "0"),
            ("en", i64::MIN, None, "-9,223,372,036,854.775808"),
        ] {
            assert_eq!(locale(tag).number(micros, decimals), expected, "{tag}");
        }
    }

    #[test]
    fn amounts() {
        for (tag, code, expected) in [
            ("en", "EUR", "€1,234.50"),
            ("en", "JPY", "¥1,235"),
            ("en", "CHF", "CHF\u{a0}1,234.50"),
            ("en-GB", "USD", "US$1,234.50"),
            ("de", "EUR", "1.234,50\u{a0}€"),
            ("de-AT", "KWD", "1.234,500\u{a0}KWD"),
            ("zh-CN", "CNY", "¥1,234.50"),
            ("zh", "USD", "US$1,234.50"),
            ("fr", "EUR", "1234.50\u{a0}EUR"),
        ] {
            assert_eq!(locale(tag).money(1_234_500_000, Currency::parse(code).unwrap()), expected, "{tag} {code}");
        }
        assert_eq!(locale("en").money(-5_000_000, Currency::parse("USD").unwrap()), "-$5.00");
    }

    #[test]
    fn days() {
        let day = jiff::civil::date(2026, 9, 5);
        for (tag, short, medium, long) in [
            ("en", "9/5/26", "Sep 5, 2026", "September 5, 2026"),
            ("en-GB", "05/09/2026", "5 Sept 2026", "5 September 2026"),
            ("de", "05.09.26", "05.09.2026", "5. September 2026"),
            ("zh-CN", "2026/9/5", "2026年9月5日", "2026年9月5日"),
            ("fr", "2026-09-05", "2026-09-05", "2026-09-05"),
        ] {
            let written =
                [DateStyle::Short, DateStyle::Medium, DateStyle::Long].map(|style| locale(tag).date(day, style));
            assert_eq!(written, [short, medium, long], "{tag}");
        }
    }
}
