//! Where somebody is, from what is known of them: the zone they named, else the one zone of their country.
//!
//! Always holds: a country with several zones has none here, because a guess would wake people at night.

use jiff::tz::TimeZone;

/// The facts that are asked, the first that says something counts.
pub const ZONE_FACTS: [&str; 4] = ["trait.timezone", "trait.time_zone", "trait.address.timezone", "trait.zone"];
/// The same for the country, as two letters (ISO 3166-1).
pub const COUNTRY_FACTS: [&str; 3] = ["trait.country", "trait.address.country", "trait.country_code"];

/// Countries with one zone in use by all of it (IANA's zone1970.tab, which is in the public domain).
const COUNTRIES: &[(&str, &str)] = &[
    ("AE", "Asia/Dubai"),
    ("AT", "Europe/Vienna"),
    ("BD", "Asia/Dhaka"),
    ("BE", "Europe/Brussels"),
    ("BG", "Europe/Sofia"),
    ("CH", "Europe/Zurich"),
    ("CN", "Asia/Shanghai"),
    ("CO", "America/Bogota"),
    ("CZ", "Europe/Prague"),
    ("DE", "Europe/Berlin"),
    ("DK", "Europe/Copenhagen"),
    ("EE", "Europe/Tallinn"),
    ("EG", "Africa/Cairo"),
    ("FI", "Europe/Helsinki"),
    ("FR", "Europe/Paris"),
    ("GB", "Europe/London"),
    ("GR", "Europe/Athens"),
    ("HK", "Asia/Hong_Kong"),
    ("HR", "Europe/Zagreb"),
    ("HU", "Europe/Budapest"),
    ("IE", "Europe/Dublin"),
    ("IL", "Asia/Jerusalem"),
    ("IN", "Asia/Kolkata"),
    ("IS", "Atlantic/Reykjavik"),
    ("IT", "Europe/Rome"),
    ("JP", "Asia/Tokyo"),
    ("KE", "Africa/Nairobi"),
    ("KR", "Asia/Seoul"),
    ("LT", "Europe/Vilnius"),
    ("LU", "Europe/Luxembourg"),
    ("LV", "Europe/Riga"),
    ("MA", "Africa/Casablanca"),
    ("MO", "Asia/Macau"),
    ("MT", "Europe/Malta"),
    ("NG", "Africa/Lagos"),
    ("NL", "Europe/Amsterdam"),
    ("NO", "Europe/Oslo"),
    ("PE", "America/Lima"),
    ("PH", "Asia/Manila"),
    ("PK", "Asia/Karachi"),
    ("PL", "Europe/Warsaw"),
    ("RO", "Europe/Bucharest"),
    ("RS", "Europe/Belgrade"),
    ("SA", "Asia/Riyadh"),
    ("SE", "Europe/Stockholm"),
    ("SG", "Asia/Singapore"),
    ("SI", "Europe/Ljubljana"),
    ("SK", "Europe/Bratislava"),
    ("TH", "Asia/Bangkok"),
    ("TR", "Europe/Istanbul"),
    ("TW", "Asia/Taipei"),
    ("VN", "Asia/Ho_Chi_Minh"),
    ("ZA", "Africa/Johannesburg"),
];

/// The zone of somebody, from what `fact` says; `None` when nothing does.
pub fn zone_of<'a>(fact: impl Fn(&str) -> Option<&'a str>) -> Option<TimeZone> {
    let named = ZONE_FACTS.iter().filter_map(|key| fact(key)).find_map(|name| TimeZone::get(name.trim()).ok());
    named.or_else(|| {
        let country = COUNTRY_FACTS.iter().find_map(|key| fact(key))?.trim();
        let (_, zone) = COUNTRIES.iter().find(|(code, _)| code.eq_ignore_ascii_case(country))?;
        TimeZone::get(zone).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(facts: &[(&str, &'static str)]) -> Option<String> {
        let zone = zone_of(|key| facts.iter().find(|(known, _)| *known == key).map(|(_, value)| *value));
        zone.and_then(|zone| zone.iana_name().map(str::to_owned))
    }

    #[test]
    fn a_named_zone_comes_first_then_the_country() {
        assert_eq!(of(&[("trait.timezone", "Asia/Tokyo"), ("trait.country", "DE")]).as_deref(), Some("Asia/Tokyo"));
        assert_eq!(of(&[("trait.timezone", "nowhere"), ("trait.country", "de")]).as_deref(), Some("Europe/Berlin"));
        assert_eq!(of(&[("trait.country", "US")]), None, "it has several");
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn every_zone_exists() {
        for (country, zone) in COUNTRIES {
            assert!(TimeZone::get(zone).is_ok(), "{country} {zone}");
        }
        assert!(COUNTRIES.is_sorted_by_key(|(country, _)| *country));
    }
}
