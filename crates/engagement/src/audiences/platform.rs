//! The platforms: what they match by, how they want it spelled and hashed, and the files that they take.
//!
//! Sources: Google Ads help "Formatting guidelines for uploading hashed data" and "Format your customer data file"; Meta Marketing API "Customer file custom
//! audiences" and "Customer information parameters"; TikTok "List of supported IDs and formats for a customer file" (August 2025); LinkedIn "Requirements for
//! contact targeting lists" and "DMP segment users"; Pinterest API "Create customer lists".
//!
//! Always holds: hashes are SHA-256 in small hexadecimal letters; a row has a value for at least one column that identifies by itself.

use sha2::{Digest, Sha256};

use super::{Known, normal};

/// Values in the order of [`Platform::columns`]; empty where nothing is known.
pub type Row = Vec<String>;

/// So many mail addresses of a person are told.
const MOST_EMAILS: usize = 5;

/// A platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Platform {
    /// Customer Match.
    Google,
    /// Custom audiences.
    Meta,
    /// Customer files.
    TikTok,
    /// Contact lists.
    LinkedIn,
    /// Customer lists.
    Pinterest,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Google, Self::Meta, Self::TikTok, Self::LinkedIn, Self::Pinterest];

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Meta => "meta",
            Self::TikTok => "tiktok",
            Self::LinkedIn => "linkedin",
            Self::Pinterest => "pinterest",
        }
    }

    /// The platform of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == word)
    }

    /// Whether lists can be kept there by its HTTP interface; all take files.
    pub const fn has_interface(self) -> bool {
        matches!(self, Self::Meta | Self::LinkedIn)
    }

    /// The columns of a row, named as in its files.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Google => &["Email", "Phone", "First Name", "Last Name", "Country", "Zip"],
            Self::Meta => &["email", "phone", "fn", "ln", "zip", "country"],
            Self::TikTok => &["Email_SHA256", "Phone_SHA256"],
            Self::LinkedIn | Self::Pinterest => &["email"],
        }
    }

    /// Whether its files begin with the names of the columns.
    pub const fn has_head(self) -> bool {
        !matches!(self, Self::Pinterest)
    }

    /// A person's rows: one for each mail address, the first with all else that is known.
    pub(super) fn rows(self, known: &Known) -> Vec<Row> {
        let mut emails: Vec<String> = Vec::new();
        for email in known.emails.iter().filter_map(|email| self.email(email)) {
            if !emails.contains(&email) && emails.len() < MOST_EMAILS {
                emails.push(email);
            }
        }
        let more = self.more(known);
        let is_alone = emails.is_empty();
        // An address of a house identifies nobody by itself; a number does.
        if is_alone && more.first().is_none_or(String::is_empty) {
            return Vec::new();
        }
        let blank = vec![String::new(); more.len()];
        let emails = if is_alone { vec![String::new()] } else { emails };
        let row = |(place, email): (usize, String)| {
            let hash = if email.is_empty() { email } else { hash(&email) };
            [vec![hash], if place == 0 { more.clone() } else { blank.clone() }].concat()
        };
        emails.into_iter().enumerate().map(row).collect()
    }

    fn email(self, written: &str) -> Option<String> {
        let plain = normal::email(written)?;
        let (local, domain) = plain.rsplit_once('@')?;
        let local = match self {
            Self::Google if ["gmail.com", "googlemail.com"].contains(&domain) => local.replace('.', ""),
            Self::TikTok => local.split('+').next().unwrap_or_default().to_owned(),
            _ => local.to_owned(),
        };
        (!local.is_empty()).then(|| format!("{local}@{domain}"))
    }

    /// All columns behind the mail address.
    fn more(self, known: &Known) -> Row {
        let hashed = |value: Option<String>| value.map(|value| hash(&value)).unwrap_or_default();
        let digits = known.phone.as_deref().and_then(normal::phone);
        let first = known.first_name.as_deref().and_then(normal::name);
        let last = known.last_name.as_deref().and_then(normal::name);
        let country = known.country.as_deref().and_then(normal::country);
        match self {
            Self::Google => {
                let phone = hashed(digits.map(|digits| format!("+{digits}")));
                let zip = known.zip.as_deref().map(str::trim).filter(|zip| !zip.is_empty() && zip.len() <= 12);
                // Names without a place, or a place without names, are refused: all four, or none.
                match (first, last, country, zip) {
                    (Some(first), Some(last), Some(country), Some(zip)) => {
                        let without_space = |name: String| name.split_whitespace().collect::<String>();
                        let (first, last) = (hash(&without_space(first)), hash(&without_space(last)));
                        vec![phone, first, last, country.to_ascii_uppercase(), plain_cell(zip)]
                    }
                    _ => vec![phone, String::new(), String::new(), String::new(), String::new()],
                }
            }
            Self::Meta => {
                let zip = known.zip.as_deref().and_then(normal::zip).map(|zip| meta_zip(zip, country.as_deref()));
                vec![hashed(digits), hashed(first), hashed(last), hashed(zip), hashed(country)]
            }
            Self::TikTok => vec![hashed(digits)],
            Self::LinkedIn | Self::Pinterest => Vec::new(),
        }
    }
}

/// Five digits in the United States; area, district and sector in the United Kingdom.
fn meta_zip(zip: String, country: Option<&str>) -> String {
    let letters = zip.chars().count();
    match country {
        Some("us") => zip.chars().take(5).collect(),
        Some("gb") if letters > 4 => zip.chars().take(letters - 2).collect(),
        _ => zip,
    }
}

/// No spreadsheet takes it for a formula (OWASP, "CSV injection").
fn plain_cell(text: &str) -> String {
    text.trim_start_matches(['=', '+', '-', '@', '\t', '\r']).to_owned()
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
