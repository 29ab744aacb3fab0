//! Settings: the documented defaults, then one TOML file, then `RAPPORT_...` variables, then flags.
//!
//! Always holds: the defaults are read from the very file that `rapport config` prints, so document and program cannot disagree; an
//! unknown name in the user's file is an error that names it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::{Table, Value};

use crate::installation::Places;

/// The documented defaults, as a TOML file.
pub const DOCUMENTED: &str = include_str!("settings/default.toml");

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// Address and port to listen on.
    pub listen: String,
    /// The address people use, without a path; empty when it is the one listened on.
    pub public_url: String,
    /// PostgreSQL's URL; empty is SQLite in the data folder.
    pub database: String,
    /// The lake's URL; empty is a folder in the data folder.
    pub lake: String,
    /// Logging.
    pub log: Log,
    /// Limits of one connection and one request.
    pub limits: Limits,
    /// Sessions of the console.
    pub session: Session,
    /// Webhooks.
    pub webhooks: Webhooks,
    /// Mail.
    pub mail: Mail,
    /// SMS and WhatsApp.
    pub text_messages: TextMessages,
    /// Advertising platforms.
    pub advertising: Advertising,
}

/// Where the interfaces of advertising platforms are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advertising {
    /// Meta's, with its version.
    pub meta_url: String,
    /// LinkedIn's.
    pub linkedin_url: String,
    /// Its version.
    pub linkedin_version: String,
}

/// Who carries text messages.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextMessages {
    /// twilio, bridge, or empty for nobody.
    pub provider: String,
    /// Where; empty for Twilio's own address.
    pub url: String,
    /// Twilio's account.
    pub account: String,
    /// Its token.
    pub token: String,
    /// What the bridge's requests are signed with.
    pub secret: String,
    /// Who SMS come from.
    pub sms_from: String,
    /// Who WhatsApp messages come from.
    pub whatsapp_from: String,
    /// The country of numbers without one.
    pub country_code: String,
    /// Messages a second.
    pub most_per_second: u32,
}

/// How mail goes out, and where it comes back.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The mail server; empty for none.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// implicit, starttls or plain.
    pub security: String,
    /// The name to sign in with; empty for none.
    pub name: String,
    /// The password.
    pub password: String,
    /// How this server introduces itself.
    pub hello: String,
    /// Connections at once.
    pub connections: usize,
    /// Seconds that a step may take.
    pub timeout_seconds: u64,
    /// Where bounces go.
    pub return_path: String,
    /// Signatures.
    pub dkim: Dkim,
    /// Where bounces are read.
    pub mailbox: Mailbox,
    /// Where complaints are read.
    pub complaints: Mailbox,
    /// Who else reports them.
    pub callbacks: MailCallbacks,
}

/// Carriers of mail that report by HTTP, each when it is set up.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailCallbacks {
    /// Amazon SES: the topic's ARN.
    pub ses_topic: String,
    /// Another service in the place of Amazon SNS.
    pub ses_service: String,
    /// Mailgun's webhook signing key.
    pub mailgun_key: String,
    /// SendGrid's verification key.
    pub sendgrid_key: String,
    /// The password in the address that Postmark is told.
    pub postmark_password: String,
    /// What a bridge's requests are signed with.
    pub bridge_secret: String,
}

/// Signatures of mail (DKIM, RFC 6376).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The domain that signs.
    pub domain: String,
    /// The key's name in the DNS.
    pub selector: String,
    /// The file with the private key; empty for no signatures.
    pub key: String,
}

/// A mailbox that is read by IMAP.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// The server; empty for none.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// implicit or plain.
    pub security: String,
    /// Whose.
    pub name: String,
    /// The password.
    pub password: String,
    /// The folder.
    pub folder: String,
    /// Where letters go that were read; empty to leave them.
    pub done_folder: String,
}

// Passwords are in no log.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mail({}:{})", self.host, self.port)
    }
}

impl std::fmt::Debug for TextMessages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TextMessages({})", self.provider)
    }
}

impl std::fmt::Debug for MailCallbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MailCallbacks")
    }
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mailbox({}:{})", self.host, self.port)
    }
}

/// Webhooks.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Whether they may go to addresses that are not public.
    pub private_addresses: bool,
}

/// Logging.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// error, warn, info, debug, or a filter.
    pub level: String,
    /// text or json.
    pub format: String,
}

/// Limits of one connection and one request.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address; 0 is no limit.
    pub connections_per_address: usize,
    /// Seconds until a new connection's first byte.
    pub first_byte_seconds: u64,
    /// Seconds for the head of a request.
    pub head_seconds: u64,
    /// Seconds for its body.
    pub body_seconds: u64,
    /// Bytes of its head.
    pub head_bytes: usize,
    /// Header lines.
    pub headers: usize,
    /// Bytes of events as sent.
    pub intake_body_bytes: usize,
    /// Bytes of events after decompression.
    pub intake_text_bytes: usize,
    /// Events of a batch.
    pub intake_events: usize,
    /// Bytes of any other JSON.
    pub json_bytes: usize,
    /// Seconds that running requests get when the server stops.
    pub shutdown_seconds: u64,
}

/// Sessions of the console.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Hours without a request after which a session ends.
    pub idle_hours: u32,
    /// Days after which it ends in any case.
    pub days: u32,
    /// Whether cookies are sent over https only.
    pub secure: Secure,
    /// Minutes in which a sign-in link works.
    pub link_minutes: u32,
}

/// Whether cookies are sent over https only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secure {
    /// When `public_url` begins with https.
    Auto,
    /// Always: a proxy speaks https.
    Always,
}

/// Where settings come from, before they are read.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// The user's file, as text, with its name for messages.
    pub file: Option<(String, String)>,
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// Flags: dotted name and value.
    pub flags: Vec<(&'static str, String)>,
}

impl Settings {
    /// Reads all origins in order of precedence.
    pub fn read(origins: &Origins) -> Result<Self> {
        let mut table: Table = DOCUMENTED.parse().context("the built-in defaults")?;
        if let Some((name, text)) = &origins.file {
            let file: Table = text.parse().with_context(|| format!("{name} is no TOML"))?;
            merge(&mut table, file, "").with_context(|| name.clone())?;
        }
        for (name, value) in &origins.variables {
            if let Some(path) = path_of_variable(&table, name) {
                set(&mut table, &path, value).with_context(|| format!("the variable {name}"))?;
            }
        }
        for (path, value) in &origins.flags {
            set(&mut table, path, value).with_context(|| format!("the flag for {path}"))?;
        }
        table.try_into().context("the settings")
    }

    /// Reads the file named by the flag, else by `RAPPORT_CONFIG`, and the process's variables.
    pub fn load(file: Option<&Path>, flags: Vec<(&'static str, String)>) -> Result<Self> {
        let variables: Vec<(String, String)> =
            std::env::vars().filter(|(name, _)| name.starts_with("RAPPORT_")).collect();
        let named = variables.iter().find(|(name, _)| name == "RAPPORT_CONFIG").map(|(_, path)| PathBuf::from(path));
        let file = match file.map(Path::to_owned).or(named) {
            Some(path) => {
                let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                Some((path.display().to_string(), text))
            }
            None => None,
        };
        Self::read(&Origins { file, variables, flags })
    }

    /// Where the installation's parts are.
    pub fn places(&self) -> Places {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        Places { data: self.data.clone(), database: some(&self.database), lake: some(&self.lake) }
    }

    /// Whether cookies get the `Secure` attribute.
    pub fn cookies_are_secure(&self) -> bool {
        self.session.secure == Secure::Always || self.public_url.starts_with("https://")
    }

    /// Limits of the intake.
    pub fn intake_limits(&self) -> rapport_intake::Limits {
        rapport_intake::Limits {
            body_bytes: self.limits.intake_body_bytes,
            text_bytes: self.limits.intake_text_bytes,
            events: self.limits.intake_events,
            ..rapport_intake::Limits::default()
        }
    }
}

/// Lays `over` on `table`; every name must be known there.
fn merge(table: &mut Table, over: Table, prefix: &str) -> Result<()> {
    for (name, value) in over {
        match (table.get_mut(&name), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => merge(inner, over, &format!("{prefix}{name}."))?,
            (Some(known), value) if known.same_type(&value) => *known = value,
            (Some(known), value) => {
                bail!("{prefix}{name} is {}, expected {}", value.type_str(), known.type_str())
            }
            (None, _) => bail!("there is no setting {prefix}{name}; `rapport config` prints all of them"),
        }
    }
    Ok(())
}

/// `RAPPORT_LIMITS_JSON_BYTES` is `limits.json_bytes`; `None` for variables that are no setting.
fn path_of_variable(table: &Table, variable: &str) -> Option<String> {
    path_within(table, &variable.strip_prefix("RAPPORT_")?.to_lowercase())
}

/// Tables lie in tables: `mail_dkim_key` is `mail.dkim.key`.
fn path_within(table: &Table, name: &str) -> Option<String> {
    table.iter().find_map(|(key, value)| match value {
        Value::Table(inner) => {
            let rest = name.strip_prefix(key.as_str())?.strip_prefix('_')?;
            Some(format!("{key}.{}", path_within(inner, rest)?))
        }
        _ => (key == name).then(|| key.clone()),
    })
}

/// Sets one value from text, in the type the default has.
fn set(table: &mut Table, path: &str, text: &str) -> Result<()> {
    let (outer, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut parts = outer.split('.').filter(|part| !part.is_empty());
    let known = parts.try_fold(table, |table, part| table.get_mut(part)?.as_table_mut());
    let Some(known) = known.and_then(|table| table.get_mut(name)) else { bail!("there is no setting {path}") };
    *known = match known {
        Value::Integer(_) => Value::Integer(text.parse().with_context(|| format!("{path} is a whole number"))?),
        Value::Boolean(_) => Value::Boolean(text.parse().with_context(|| format!("{path} is true or false"))?),
        _ => Value::String(text.to_owned()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn flags_beat_variables_beat_the_file_beat_defaults() {
        let mut origins = Origins::default();
        assert_eq!(Settings::read(&origins).unwrap().listen, "127.0.0.1:8480");
        origins.file = Some(pair("r.toml", "listen = \"a:1\"\n[limits]\njson_bytes = 5\nheaders = 7"));
        let from_file = Settings::read(&origins).unwrap();
        assert_eq!((from_file.listen.as_str(), from_file.limits.json_bytes), ("a:1", 5));
        origins.variables = vec![
            pair("RAPPORT_LISTEN", "b:2"),
            pair("RAPPORT_LIMITS_JSON_BYTES", "6"),
            pair("RAPPORT_TEST_POSTGRES", "not ours"),
            pair("RAPPORT_MAIL_DKIM_SELECTOR", "autumn"),
        ];
        origins.flags = vec![("listen", "c:3".to_owned())];
        let all = Settings::read(&origins).unwrap();
        assert_eq!((all.listen.as_str(), all.limits.json_bytes, all.limits.headers), ("c:3", 6, 7));
        assert_eq!(all.mail.dkim.selector, "autumn");
    }

    #[test]
    fn mistakes_are_named() {
        let fails = |text: &str| {
            let origins = Origins { file: Some(pair("r.toml", text)), ..Origins::default() };
            format!("{:#}", Settings::read(&origins).unwrap_err())
        };
        assert!(fails("listn = \"x\"").contains("no setting listn"));
        assert!(fails("[limits]\njson_bytes = \"5\"").contains("limits.json_bytes is string, expected integer"));
        assert!(fails("listen").contains("r.toml is no TOML"));
        let origins = Origins { variables: vec![pair("RAPPORT_LIMITS_HEADERS", "many")], ..Origins::default() };
        assert!(format!("{:#}", Settings::read(&origins).unwrap_err()).contains("RAPPORT_LIMITS_HEADERS"));
    }
}
