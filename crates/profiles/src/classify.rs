//! Which properties of an event may go to the lake, and which stay in the product database.
//!
//! Always holds: what is an identifier, a contact datum or free text, by its name or by how its value looks, is withheld from the
//! lake; addresses of pages lose their query and fragment there. Detectors look at values too, because senders put an e-mail
//! address under any name.
//!
//! Does not do: erasure and retention (the data map says those).

use serde_json::{Map, Value};

/// What a property says about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// What was done, with what, for how much.
    Behavioural,
    /// Names a person or a device.
    Identifier,
    /// A way to reach a person, or where they live.
    Contact,
    /// Written by a person.
    FreeText,
}

impl Category {
    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Behavioural => "behavioural",
            Self::Identifier => "identifier",
            Self::Contact => "contact",
            Self::FreeText => "free_text",
        }
    }
}

/// Last parts of paths that name a person or device (folded: letters and digits only, lower case).
const IDENTIFIERS: &[&str] = &[
    "userid",
    "anonymousid",
    "customerid",
    "clientid",
    "memberid",
    "deviceid",
    "advertisingid",
    "idfa",
    "idfv",
    "gaid",
    "ip",
    "ipaddress",
    "ssn",
    "passport",
    "taxid",
    "vatid",
    "iban",
    "accountnumber",
    "cardnumber",
    "token",
    "password",
    "useragent",
    "distinctid",
    "sessionid",
    "cookie",
    "macaddress",
    "licenseplate",
];
const CONTACTS: &[&str] = &[
    "email",
    "mail",
    "emailaddress",
    "phone",
    "phonenumber",
    "mobile",
    "tel",
    "telephone",
    "fax",
    "firstname",
    "lastname",
    "fullname",
    "middlename",
    "surname",
    "givenname",
    "familyname",
    "username",
    "nickname",
    "customername",
    "contactname",
    "address",
    "street",
    "addressline1",
    "addressline2",
    "address1",
    "address2",
    "zip",
    "zipcode",
    "postalcode",
    "postcode",
    "birthday",
    "birthdate",
    "dateofbirth",
    "dob",
    "lat",
    "lng",
    "latitude",
    "longitude",
    "avatar",
    "twitter",
    "facebook",
    "instagram",
    "linkedin",
];
const FREE_TEXTS: &[&str] = &[
    "text",
    "comment",
    "comments",
    "body",
    "message",
    "reviewbody",
    "reviewtext",
    "reviewcomment",
    "reviewtitle",
    "reviewcommentmessage",
    "reviewcommenttitle",
    "feedback",
    "subject",
    "note",
    "notes",
    "query",
    "searchquery",
    "search",
    "answer",
    "answertext",
    "giftmessage",
    "instructions",
    "remark",
    "remarks",
    "content",
];
/// Page addresses: kept without query and fragment.
const ADDRESSES: &[&str] = &["url", "href", "referrer", "referer", "pageurl", "link", "imageurl"];

/// Texts longer than this are taken for somebody's writing.
const LONGEST_LABEL: usize = 120;
const MOST_WORDS: usize = 14;

/// The category of a property by its path and value.
pub fn category(path: &str, value: &str) -> Category {
    let name = fold(path.rsplit('.').next().unwrap_or(path));
    let listed = |list: &[&str]| list.contains(&name.as_str());
    if listed(IDENTIFIERS) {
        Category::Identifier
    } else if listed(CONTACTS) || looks_like_email(value) || looks_like_phone(value) {
        Category::Contact
    } else if looks_like_ip(value) || looks_like_card(value) {
        Category::Identifier
    } else if listed(FREE_TEXTS) || looks_like_prose(value) {
        Category::FreeText
    } else {
        Category::Behavioural
    }
}

/// A page address without what follows `?` or `#`, which often carries names and tokens; other values as they are.
pub fn without_query<'a>(path: &str, value: &'a str) -> &'a str {
    let name = fold(path.rsplit('.').next().unwrap_or(path));
    if ADDRESSES.contains(&name.as_str()) || value.starts_with("http://") || value.starts_with("https://") {
        return value.split(['?', '#']).next().unwrap_or("");
    }
    value
}

/// Splits properties into what the lake may hold and what is withheld from it. Both keep their nesting.
pub fn split(properties: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut kept, mut withheld) = (Map::new(), Map::new());
    for (key, value) in properties {
        let (k, w) = split_value(key, value);
        if let Some(k) = k {
            kept.insert(key.clone(), k);
        }
        if let Some(w) = w {
            withheld.insert(key.clone(), w);
        }
    }
    (kept, withheld)
}

fn split_value(path: &str, value: &Value) -> (Option<Value>, Option<Value>) {
    match value {
        Value::String(text) => match category(path, text) {
            Category::Behavioural => (Some(Value::String(without_query(path, text).to_owned())), None),
            _ => (None, Some(value.clone())),
        },
        Value::Number(number) => match category(path, &number.to_string()) {
            Category::Behavioural => (Some(value.clone()), None),
            _ => (None, Some(value.clone())),
        },
        Value::Object(inner) => {
            let (kept, withheld) = split(inner);
            (not_empty(kept, inner).map(Value::Object), (!withheld.is_empty()).then_some(Value::Object(withheld)))
        }
        Value::Array(items) => {
            let parts: Vec<_> = items.iter().map(|item| split_value(path, item)).collect();
            let withheld: Vec<Value> = parts.iter().filter_map(|(_, w)| w.clone()).collect();
            let kept: Vec<Value> = parts.into_iter().filter_map(|(k, _)| k).collect();
            (Some(Value::Array(kept)), (!withheld.is_empty()).then_some(Value::Array(withheld)))
        }
        Value::Bool(_) | Value::Null => (Some(value.clone()), None),
    }
}

/// An object that held only withheld values disappears; one that was empty stays.
fn not_empty(kept: Map<String, Value>, original: &Map<String, Value>) -> Option<Map<String, Value>> {
    (!kept.is_empty() || original.is_empty()).then_some(kept)
}

fn fold(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// Something@host.tld anywhere in the text.
pub fn looks_like_email(value: &str) -> bool {
    value.match_indices('@').any(|(at, _)| {
        let before = value[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || "._%+-".contains(c));
        let host: &str =
            value[at + 1..].split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')).next().unwrap_or("");
        before && host.split_once('.').is_some_and(|(name, rest)| !name.is_empty() && rest.len() >= 2)
    })
}

/// A leading plus, or a number written in groups, with 8 to 15 digits and nothing else.
fn looks_like_phone(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let only = value.chars().all(|c| c.is_ascii_digit() || " +-()/.".contains(c));
    let grouped = value.contains(['(', ' ', '/']) && !value.contains('.');
    only && (8..=15).contains(&digits)
        && (value.starts_with('+') || (grouped && value.trim_start().starts_with(['0', '('])))
}

fn looks_like_ip(value: &str) -> bool {
    (value.contains('.') || value.matches(':').count() >= 2) && value.parse::<std::net::IpAddr>().is_ok()
}

/// 13 to 19 digits that pass Luhn's check, written in the groups of a payment card.
fn looks_like_card(value: &str) -> bool {
    let compact: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let only = value.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-');
    if !only || !(13..=19).contains(&compact.len()) || !matches!(compact[0], 2..=6) {
        return false;
    }
    let sum: u32 = compact
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| {
            if i % 2 == 0 {
                *d
            } else if *d > 4 {
                d * 2 - 9
            } else {
                d * 2
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn looks_like_prose(value: &str) -> bool {
    let is_address = value.starts_with("http://") || value.starts_with("https://") || value.starts_with('/');
    !is_address && (value.chars().count() > LONGEST_LABEL || value.split_whitespace().count() > MOST_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn by_name_and_by_look() {
        for (path, value, expected) in [
            ("price", "12.50", Category::Behavioural),
            ("order_id", "536365", Category::Behavioural),
            ("category", "Tents & sleeping bags", Category::Behavioural),
            ("shipping.postal_code", "10115", Category::Contact),
            ("coupon", "anna@example.com", Category::Contact),
            ("label", "write to a.b@example.co.uk now", Category::Contact),
            ("label", "@home", Category::Behavioural),
            ("x", "+46 70 123 45 67", Category::Contact),
            ("x", "(030) 1234 5678", Category::Contact),
            ("sku", "23843122", Category::Behavioural),
            ("x", "203.0.113.9", Category::Identifier),
            ("x", "2001:db8::1", Category::Identifier),
            ("version", "1.2.3", Category::Behavioural),
            ("x", "4111 1111 1111 1111", Category::Identifier),
            ("Review Text", "ok", Category::FreeText),
            (
                "label",
                "the parcel came four days late and nobody told me why it had been sent back twice",
                Category::FreeText,
            ),
            ("userId", "7", Category::Identifier),
        ] {
            assert_eq!(category(path, value), expected, "{path}={value}");
        }
    }

    #[test]
    fn splits_and_keeps_nesting() {
        let properties = json!({
            "revenue": 12.5, "email": "a@b.de", "url": "https://shop.example/p/1?token=abc#x",
            "shipping": {"street": "Weg 1", "method": "post"}, "only": {"phone": "1"},
            "products": [{"sku": "A", "note": "for Anna"}], "gift": true
        });
        let (kept, withheld) = split(properties.as_object().unwrap());
        assert_eq!(
            Value::Object(kept),
            json!({"revenue": 12.5, "url": "https://shop.example/p/1", "shipping": {"method": "post"}, "products": [{"sku": "A"}], "gift": true})
        );
        assert_eq!(
            Value::Object(withheld),
            json!({"email": "a@b.de", "shipping": {"street": "Weg 1"}, "only": {"phone": "1"}, "products": [{"note": "for Anna"}]})
        );
    }
}
