//! Companies that some customers order for. Always holds: an account's id always has the same name and size. Does not change how they buy.

use serde_json::{Map, Value};

use crate::message::map;

/// Name, industry, employees.
const ACCOUNTS: [(&str, &str, i64); 12] = [
    ("Fjordblick Hotel GmbH", "Hospitality", 85),
    ("Kanzlei Lindner & Partner", "Legal", 24),
    ("Waldkindergarten Eichhorn", "Education", 12),
    ("Studio Nordwind", "Design", 9),
    ("Bergsport Verein Allgäu", "Sports", 40),
    ("Café Kaffekopp", "Hospitality", 7),
    ("Havn Logistics ApS", "Logistics", 160),
    ("Skogen Software AB", "Software", 55),
    ("Praxis Dr. Sommer", "Health", 14),
    ("Polar Guides Oy", "Tourism", 18),
    ("Atelier Brise", "Design", 6),
    ("Seebrücke Yoga", "Health", 5),
];

/// An account's id and traits, by any number.
pub(crate) fn account(number: u64) -> (String, Map<String, Value>) {
    let place = (number % ACCOUNTS.len() as u64) as usize;
    let (name, industry, employees) = ACCOUNTS[place];
    let traits =
        map([("name", Value::from(name)), ("industry", Value::from(industry)), ("employees", Value::from(employees))]);
    (format!("account-{:02}", place + 1), traits)
}
