//! Who buys: invented people. Always holds: e-mail addresses end in example.com or example.org and are unique by customer number; telephone
//! numbers reach nobody (reserved for fiction in Germany and Britain; elsewhere a digit short, or begun with a digit no subscriber has).
//! Names are common ones, combined by chance.

use serde_json::{Map, Value};

use crate::{chance::Dice, message::map};

/// What people of one country are called and where they live.
struct Country {
    code: &'static str,
    language: &'static str,
    prefix: &'static str,
    share: f64,
    first: &'static [&'static str],
    last: &'static [&'static str],
    cities: &'static [&'static str],
}

#[rustfmt::skip]
const GERMAN_FIRST: &[&str] = &["Anna", "Lukas", "Marie", "Jonas", "Lena", "Felix", "Sophie", "Paul", "Clara", "Jan", "Katrin", "Stefan", "Ines", "Moritz"];
#[rustfmt::skip]
const GERMAN_LAST: &[&str] = &["Becker", "Hoffmann", "Krüger", "Vogel", "Lehmann", "Seidel", "Brandt", "Wolff", "Neumann", "Schuster", "Albrecht", "Reuter"];

#[rustfmt::skip]
const COUNTRIES: [Country; 10] = [
    Country { code: "DE", language: "de", prefix: "+49 30 23125", share: 0.46, first: GERMAN_FIRST, last: GERMAN_LAST,
        cities: &["Berlin", "Hamburg", "München", "Köln", "Leipzig", "Bremen", "Dresden", "Kiel", "Freiburg", "Hannover"] },
    Country { code: "AT", language: "de", prefix: "+43 1 0555", share: 0.08, first: GERMAN_FIRST, last: &["Gruber", "Huber", "Wagner", "Steiner", "Moser", "Leitner"],
        cities: &["Wien", "Graz", "Linz", "Salzburg", "Innsbruck"] },
    Country { code: "CH", language: "de", prefix: "+41 44 555", share: 0.06, first: GERMAN_FIRST, last: &["Keller", "Meier", "Frei", "Baumann", "Graf", "Suter"],
        cities: &["Zürich", "Basel", "Bern", "Luzern"] },
    Country { code: "NL", language: "en", prefix: "+31 20 555", share: 0.08, first: &["Daan", "Emma", "Sem", "Julia", "Bram", "Sanne", "Lotte", "Thijs"],
        last: &["de Vries", "Jansen", "Bakker", "Visser", "Smit", "Mulder"], cities: &["Amsterdam", "Utrecht", "Rotterdam", "Groningen"] },
    Country { code: "SE", language: "en", prefix: "+46 8 465 0", share: 0.08, first: &["Elsa", "Oskar", "Astrid", "Nils", "Maja", "Axel", "Freja", "Viktor"],
        last: &["Lindgren", "Berg", "Holm", "Sandberg", "Nyström", "Ekman"], cities: &["Stockholm", "Göteborg", "Malmö", "Umeå"] },
    Country { code: "DK", language: "en", prefix: "+45 55 55", share: 0.06, first: &["Freja", "Magnus", "Ida", "Emil", "Karla", "Oliver"],
        last: &["Jensen", "Nielsen", "Møller", "Lund", "Holst", "Kjær"], cities: &["København", "Aarhus", "Odense"] },
    Country { code: "FI", language: "en", prefix: "+358 9 0555", share: 0.04, first: &["Aino", "Eero", "Helmi", "Väinö", "Sofia", "Leo"],
        last: &["Virtanen", "Korhonen", "Mäkinen", "Laine", "Salonen"], cities: &["Helsinki", "Tampere", "Turku"] },
    Country { code: "GB", language: "en", prefix: "+44 20 7946 0", share: 0.06, first: &["Oliver", "Amelia", "George", "Isla", "Harry", "Grace", "Emily", "Jack"],
        last: &["Taylor", "Walker", "Hughes", "Green", "Clarke", "Wood"], cities: &["London", "Leeds", "Bristol", "Edinburgh"] },
    Country { code: "FR", language: "en", prefix: "+33 1 99 00", share: 0.04, first: &["Louise", "Jules", "Alice", "Hugo", "Chloé", "Louis"],
        last: &["Martin", "Bernard", "Petit", "Moreau", "Laurent"], cities: &["Paris", "Lyon", "Strasbourg", "Nantes"] },
    Country { code: "CN", language: "zh", prefix: "+86 10 5550", share: 0.04, first: &["伟", "芳", "娜", "敏", "静", "磊", "洋", "婷"],
        last: &["王", "李", "张", "刘", "陈", "杨"], cities: &["上海", "北京", "深圳", "杭州"] },
];

/// An invented person.
pub(crate) struct Person {
    /// "en", "de" or "zh": what the person writes to the shop.
    pub(crate) language: &'static str,
    /// What `identify` says about the person.
    pub(crate) traits: Map<String, Value>,
}

/// Draws the person behind a customer number.
pub(crate) fn draw(dice: &mut Dice, number: u32, channel: &str) -> Person {
    let country = &COUNTRIES[dice.weighted(COUNTRIES.iter().map(|country| country.share))];
    let (first, last) = (*dice.pick(country.first), *dice.pick(country.last));
    let host = if dice.happens(0.7) { "example.com" } else { "example.org" };
    let traits = map([
        ("email", Value::from(format!("{}.{}.{number}@{host}", latin(first), latin(last)))),
        ("firstName", Value::from(first)),
        ("lastName", Value::from(last)),
        ("phone", Value::from(format!("{} {:03}", country.prefix, dice.between(0, 999)))),
        ("country", Value::from(country.code)),
        ("city", Value::from(*dice.pick(country.cities))),
        ("language", Value::from(country.language)),
        ("acquisition_channel", Value::from(channel)),
    ]);
    Person { language: country.language, traits }
}

/// Lower-case ASCII letters of a name; other scripts become "kunde".
fn latin(name: &str) -> String {
    let text: String = name
        .to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            'ä' | 'å' | 'æ' => Some('a'),
            'ö' | 'ø' => Some('o'),
            'ü' => Some('u'),
            'é' => Some('e'),
            'a'..='z' => Some(letter),
            _ => None,
        })
        .collect();
    if text.is_empty() { "kunde".to_owned() } else { text }
}
