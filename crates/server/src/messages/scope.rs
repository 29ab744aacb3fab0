//! What a template sees of one person, and for whom it is rendered.
//!
//! Always holds: everything is read in one snapshot of the database; consents, identifiers other than the addresses to write to, and
//! what looks like a key are left out.
//!
//! Does not do: judge whether the person may be written to.

use rapport_domain::{Calendar, Channel, Handle, IdentifierKind, PersonId, WeekStart, WorkspaceId, money};
use rapport_engagement::content::{Language, Recipient};
use rapport_privacy::links::Purpose;
use rapport_privacy::records::wishes;
use rapport_profiles::classify::{self, Category};
use rapport_profiles::records::identifiers::IdentifierRow;
use rapport_profiles::records::persons::PersonRow;
use rapport_profiles::records::{facts, identifiers, persons};
use rapport_store::Result;
use serde_json::{Map, Value, json};

use super::company::Company;
use super::given;
use crate::api::shapes::{mask, mask_email};
use crate::installation::Installation;

/// A message that is about to be rendered.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where.
    pub workspace: WorkspaceId,
    /// Whose.
    pub person: PersonId,
    /// By which way; its links say so.
    pub channel: Channel,
    /// About what, by a topic's key.
    pub topic: Option<&'a str>,
    /// The message that it is written for; none where it is only looked at.
    pub message: Option<&'a str>,
    /// What started it: `{"name", "occurred_at", "properties"}`.
    pub event: Option<&'a Value>,
    /// Tokens of other domains, by their names: `points`, `offer`, `recommended` ...
    pub given: Option<&'a Map<String, Value>>,
    /// The address that people use, without a slash at its end.
    pub public_url: &'a str,
}

/// What a template sees, and for whom.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The data of [`rapport_engagement::content::Prepared::render`].
    pub data: Value,
    /// What they read: what they chose, else what is known of them, else the company's own.
    pub language: Language,
    /// In which their days begin: their own zone, else the company's.
    pub calendar: Calendar,
    /// Where e-mail reaches them.
    pub email: Option<String>,
    /// Where texts reach them.
    pub phone: Option<String>,
    /// Ends messages of this kind.
    pub unsubscribe_url: String,
    /// Choice of messages.
    pub preferences_url: String,
}

/// Traits that are told by several names: the token, and the folded names.
const NAMES: &[(&str, &[&str])] = &[
    ("first_name", &["firstname", "givenname"]),
    ("last_name", &["lastname", "surname", "familyname"]),
    ("name", &["name", "fullname"]),
    ("email", &["email", "emailaddress"]),
    ("phone", &["phone", "phonenumber", "mobile", "mobilephone", "telephone"]),
    ("city", &["city", "town", "addresscity"]),
    ("country", &["country", "countrycode", "addresscountry"]),
    ("birthday", &["birthday", "birthdate", "dateofbirth", "dob"]),
    ("language", &["language", "locale", "lang"]),
    ("time_zone", &["timezone", "tz", "zone"]),
];

impl Scope {
    /// For whom it is rendered. The address of the message as a page is the sender's to add.
    pub fn recipient(&self) -> Recipient<'_> {
        Recipient {
            unsubscribe_url: Some(&self.unsubscribe_url),
            preferences_url: Some(&self.preferences_url),
            ..Recipient::new(&self.language, self.calendar.zone.clone())
        }
    }

    /// Hides the middle of addresses and numbers, as lists of customers do.
    pub fn mask(&mut self) {
        for value in [self.email.as_mut(), self.phone.as_mut()].into_iter().flatten() {
            *value = if value.contains('@') { mask_email(value) } else { mask(value) };
        }
        if let Some(profile) = self.data.get_mut("profile") {
            mask_all("", profile);
        }
    }
}

fn mask_all(key: &str, value: &mut Value) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(key, value)| mask_all(key, value)),
        Value::Array(items) => items.iter_mut().for_each(|value| mask_all(key, value)),
        Value::String(text) if classify::category(key, text) == Category::Contact => {
            let is_number = ["phone", "mobile", "tel", "fax"].iter().any(|word| key.to_lowercase().contains(word));
            if text.contains('@') {
                *text = mask_email(text);
            } else if is_number {
                *text = mask(text);
            }
        }
        _ => {}
    }
}

/// Reads what a template sees of a person; `None` when there is no such person.
///
/// # Errors
/// The store's.
pub async fn scope(installation: &Installation, wanted: &Wanted<'_>) -> Result<Option<Scope>> {
    let links = super::links(installation, wanted.workspace).await?;
    let mut db = installation.store.snapshot().await?;
    let names = identifiers::by_persons(&mut db, wanted.workspace, &[wanted.person]).await?;
    let row = persons::find(&mut db, wanted.workspace, wanted.person).await?;
    // Summaries are written a moment after the events they are derived from; the first message may be sooner.
    let Some(row) = row.or_else(|| newcomer(&names)) else { return Ok(None) };
    let company = Company::read(&mut db, wanted.workspace).await?;
    let handles: Vec<Handle> = names.iter().map(|name| name.handle).collect();
    let now = installation.clock.now();
    let known = facts::current_of(&mut db, wanted.workspace, &[row.person], now).await?;
    let wished = wishes::of_handles(&mut db, wanted.workspace, &handles).await?;
    let address =
        names.iter().filter(|name| name.kind == IdentifierKind::Email.as_str()).max_by_key(|name| name.last_seen_at);
    let Some(holder) = address.or_else(|| names.first()) else { return Ok(None) };
    let link = match wanted.message {
        Some(message) => links.in_message(message, holder.handle, wanted.channel, wanted.topic),
        None => links.make(Purpose::Preferences, holder.handle, Some(wanted.channel), wanted.topic),
    };

    let mut traits = traits(&known);
    let text = |traits: &Map<String, Value>, key: &str| traits.get(key).and_then(Value::as_str).map(str::to_owned);
    let wish = wished.iter().find(|(key, ..)| key == wishes::LANGUAGE).map(|(_, value, _)| value.clone());
    let language = [wish, text(&traits, "language")].into_iter().flatten().find_map(|tag| Language::parse(&tag));
    let language = language.unwrap_or_else(|| company.language.clone());
    let own_zone = text(&traits, "time_zone").and_then(|zone| Some((Calendar::new(&zone, WeekStart::Monday)?, zone)));
    let (calendar, zone) = own_zone.unwrap_or_else(|| (company.calendar.clone(), company.time_zone.clone()));
    let email = address.map(|name| name.value.clone()).or_else(|| row.email.clone()).or_else(|| text(&traits, "email"));
    let phone = text(&traits, "phone");
    traits.extend(figures(&row, &company));
    traits.insert("language".to_owned(), json!(language));
    traits.insert("time_zone".to_owned(), json!(zone));
    if let Some(email) = &email {
        traits.insert("email".to_owned(), json!(email));
    }
    let token = company.token();
    let mut data = wanted.event.map(|event| given::tokens(event, &token)).unwrap_or_default();
    if let Some(given) = wanted.given {
        data.extend(given.clone());
    }
    // Last, so that nothing an event or another domain brings takes their place.
    data.insert("company".to_owned(), token);
    data.insert("profile".to_owned(), Value::Object(traits));
    data.insert("scores".to_owned(), scores(&row, &known));
    Ok(Some(Scope {
        data: Value::Object(data),
        language,
        calendar,
        email,
        phone,
        unsubscribe_url: format!("{}/unsubscribe/{link}", wanted.public_url),
        preferences_url: format!("{}/preferences/{link}", wanted.public_url),
    }))
}

/// What was told of the person, by the names it was told by, and the usual things by one name each.
fn traits(known: &[(PersonId, String, String)]) -> Map<String, Value> {
    let told = known.iter().filter_map(|(_, key, value)| {
        let value: Value = serde_json::from_str(value).ok()?;
        let key = key.strip_prefix("trait.")?;
        Some((key, within_reach(key, value)?))
    });
    let told: Vec<(&str, Value)> = told.collect();
    let mut traits = Map::new();
    for (key, value) in &told {
        put(&mut traits, key, value);
    }
    for (token, names) in NAMES {
        let is_it = |name: &&str| told.iter().find(|(key, _)| folded(key) == **name);
        if let Some((_, value)) = names.iter().find_map(is_it) {
            traits.insert((*token).to_owned(), value.clone());
        }
    }
    if !traits.contains_key("name")
        && let (Some(first), Some(last)) = (traits.get("first_name"), traits.get("last_name"))
        && let (Some(first), Some(last)) = (first.as_str(), last.as_str())
    {
        let name = format!("{first} {last}");
        traits.insert("name".to_owned(), json!(name));
    }
    traits
}

/// Whether templates may name a trait, by its name.
pub fn is_within_reach(key: &str) -> bool {
    within_reach(key, json!("")).is_some()
}

/// A value without what names a person to other systems or opens something; nothing for null.
fn within_reach(key: &str, value: Value) -> Option<Value> {
    let name = folded(key.rsplit('.').next().unwrap_or(key));
    let opens =
        ["password", "passwd", "secret", "token", "apikey", "privatekey"].iter().any(|word| name.contains(word));
    match value {
        _ if opens => None,
        Value::Null => None,
        Value::Object(members) => {
            let members =
                members.into_iter().filter_map(|(key, value)| Some((key.clone(), within_reach(&key, value)?)));
            Some(Value::Object(members.collect()))
        }
        Value::Array(items) => {
            Some(Value::Array(items.into_iter().filter_map(|item| within_reach(key, item)).collect()))
        }
        value => {
            let category = classify::category(key, value.as_str().unwrap_or_default());
            (category != Category::Identifier).then_some(value)
        }
    }
}

/// `address.city` is a member of `address`. What is told both as a value and as an object stays as it was told first.
fn put(traits: &mut Map<String, Value>, key: &str, value: &Value) {
    match key.split_once('.') {
        None => {
            traits.entry(key).or_insert_with(|| value.clone());
        }
        Some((first, rest)) => {
            if let Value::Object(inner) = traits.entry(first).or_insert_with(|| json!({})) {
                put(inner, rest, value);
            }
        }
    }
}

/// What was told of a person under one of these names: a token's own ([`NAMES`]), or folded ones.
pub fn trait_text(known: &[(PersonId, String, String)], names: &[&str]) -> Option<String> {
    let usual = names.iter().find_map(|name| NAMES.iter().find(|(token, _)| token == name));
    let names = usual.map_or(names, |(_, names)| *names);
    let told = |name: &&str| {
        let is_it = |(_, key, _): &&(PersonId, String, String)| {
            key.strip_prefix("trait.").is_some_and(|key| folded(key) == *name)
        };
        let value: Value = serde_json::from_str(&known.iter().find(is_it)?.2).ok()?;
        match value {
            Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    names.iter().find_map(told)
}

/// Whether a trait, by the name that it was told by, is what a token stands for ([`NAMES`]): `Mobile_Phone` is a `phone`.
pub fn is_called(token: &str, key: &str) -> bool {
    let key = folded(key);
    NAMES.iter().any(|(own, names)| *own == token && names.contains(&key.as_str()))
}

fn folded(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The summary of somebody who came a moment ago; `None` for whoever has no identifier, who is nobody.
fn newcomer(names: &[IdentifierRow]) -> Option<PersonRow> {
    let first = names.first()?;
    Some(PersonRow {
        person: first.person,
        first_seen_at: names.iter().map(|name| name.first_seen_at).min()?,
        last_seen_at: names.iter().map(|name| name.last_seen_at).max()?,
        events: names.iter().map(|name| name.events).sum(),
        name: None,
        email: None,
        country: None,
        orders: 0,
        spent_micros: 0,
        refunded_micros: 0,
        currency: None,
        first_order_at: None,
        last_order_at: None,
        search_folded: String::new(),
        recency: None,
        frequency: None,
        monetary: None,
        rfm_group: None,
    })
}

fn figures(row: &PersonRow, company: &Company) -> Map<String, Value> {
    let mut figures = Map::new();
    let mut add = |key: &str, value: Value| figures.insert(key.to_owned(), value);
    add("since", json!(row.first_seen_at.to_rfc3339()));
    add("last_seen_at", json!(row.last_seen_at.to_rfc3339()));
    add("orders", json!(row.orders));
    add("spent", json!(money::format_micros(row.spent_micros)));
    add("currency", json!(row.currency.as_ref().unwrap_or(&company.currency)));
    if row.orders > 0 {
        add("average_order", json!(money::format_micros(row.spent_micros / row.orders)));
    }
    for (key, at) in [("first_order_at", row.first_order_at), ("last_order_at", row.last_order_at)] {
        if let Some(at) = at {
            add(key, json!(at.to_rfc3339()));
        }
    }
    if let Some(country) = &row.country {
        add("country", json!(country));
    }
    figures
}

fn scores(row: &PersonRow, known: &[(PersonId, String, String)]) -> Value {
    let fact = |key: &str| {
        known.iter().find(|(_, known, _)| known == key).and_then(|(_, _, value)| serde_json::from_str(value).ok())
    };
    let scores = [
        ("rfm_group", row.rfm_group.as_ref().map(|group| json!(group))),
        ("recency", row.recency.map(Value::from)),
        ("frequency", row.frequency.map(Value::from)),
        ("monetary", row.monetary.map(Value::from)),
        ("lifecycle_stage", fact("lifecycle.stage")),
        ("engagement_level", fact("engagement.level")),
        ("engagement_index", fact("engagement.index")),
    ];
    scores.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(facts: &[(&str, Value)]) -> Map<String, Value> {
        let rows: Vec<_> =
            facts.iter().map(|(key, value)| (PersonId(1), format!("trait.{key}"), value.to_string())).collect();
        traits(&rows)
    }

    #[test]
    fn usual_things_have_one_name() {
        let traits = told(&[("firstName", json!("Mei")), ("Last_Name", json!("Li")), ("address.city", json!("Malmö"))]);
        assert_eq!(traits["first_name"], "Mei");
        assert_eq!(traits["name"], "Mei Li");
        assert_eq!((&traits["city"], &traits["address"]["city"]), (&json!("Malmö"), &json!("Malmö")));
    }

    #[test]
    fn a_number_is_one_by_whatever_name_it_was_told() {
        assert!(["phone", "Mobile_Phone", "phoneNumber", "Telephone"].iter().all(|key| is_called("phone", key)));
        assert!(!["phones", "fax", "first_name", ""].iter().any(|key| is_called("phone", key)));
        assert!(is_called("first_name", "givenName") && !is_called("anything", "anything"));
    }

    #[test]
    fn keys_and_identifiers_are_out_of_reach() {
        let traits = told(&[
            ("password", json!("hunter2")),
            ("api.token", json!("t")),
            ("iban", json!("DE00")),
            ("user_id", json!("17")),
            ("payment", json!({"iban": "DE00", "api_key": "k", "kind": "invoice"})),
            ("colour", json!("green")),
            ("gone", json!(null)),
        ]);
        assert_eq!(Value::Object(traits), json!({"colour": "green", "payment": {"kind": "invoice"}}));
    }

    #[test]
    fn a_preview_shows_no_whole_address() {
        let mut value = json!({"email": "mei@example.com", "mobile": "0705550123", "first_name": "Mei", "more": {"work_email": "m@firm.example"}});
        mask_all("", &mut value);
        assert_eq!(value["email"], "m•••@example.com");
        assert_eq!(value["mobile"], "07•••23");
        assert_eq!((&value["first_name"], &value["more"]["work_email"]), (&json!("Mei"), &json!("m•••@firm.example")));
    }
}
