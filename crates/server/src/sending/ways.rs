//! The ways out: which channels have one, and through whom.
//!
//! Always holds: made once from the settings; what cannot work is refused at the start, not at the first message.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rapport_channels::dkim::{PrivateKey, Signer};
use rapport_channels::mail_reports::{Bridge as MailBridge, Mailgun, Postmark, Reporter, SendGrid, Ses};
use rapport_channels::mailbox;
use rapport_channels::smtp::{self, Security, Smtp};
use rapport_channels::text_messages::{Bridge, Provider, Twilio};
use rapport_domain::Channel;

use crate::settings::{Mail, MailCallbacks, Mailbox, Settings, TextMessages};

/// The ways out.
#[derive(Default)]
pub struct Ways {
    smtp: Option<Smtp>,
    signers: Vec<Signer>,
    mailbox: Option<mailbox::Settings>,
    complaints: Option<mailbox::Settings>,
    mail_reporters: Vec<Reporter>,
    return_path: Option<String>,
    sms: Option<Provider>,
    whatsapp: Option<Provider>,
    country_code: String,
    texts_per_second: u32,
}

/// Where Twilio is.
const TWILIO: &str = "https://api.twilio.com";

impl Ways {
    /// Those that are set up.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(settings: &Settings) -> Result<Self> {
        let mut ways = Self::default();
        ways.set_mail(&settings.mail)?;
        ways.set_text_messages(&settings.text_messages).context("text_messages")?;
        Ok(ways)
    }

    fn set_mail(&mut self, mail: &Mail) -> Result<()> {
        let ways = self;
        if !mail.host.is_empty() {
            let mut settings = smtp::Settings::new(&mail.host, mail.port, security(&mail.security)?);
            if !mail.name.is_empty() {
                settings.credentials = Some((mail.name.clone(), mail.password.clone()));
            }
            if !mail.hello.is_empty() {
                settings.hello.clone_from(&mail.hello);
            }
            settings.connections = mail.connections;
            settings.timeout = Duration::from_secs(mail.timeout_seconds);
            ways.smtp = Some(Smtp::new(settings).context("mail")?);
        }
        if !mail.dkim.key.is_empty() {
            let text = std::fs::read_to_string(&mail.dkim.key)
                .with_context(|| format!("mail.dkim.key: cannot read {}", mail.dkim.key))?;
            let key = PrivateKey::parse(&text).context("mail.dkim.key")?;
            ways.signers.push(Signer::new(&mail.dkim.domain, &mail.dkim.selector, key).context("mail.dkim")?);
        }
        ways.return_path = Some(mail.return_path.clone()).filter(|path| !path.is_empty());
        ways.mailbox = returned(&mail.mailbox)?;
        ways.complaints = returned(&mail.complaints)?;
        ways.mail_reporters = reporters(&mail.callbacks).context("mail.callbacks")?;
        Ok(())
    }

    fn set_text_messages(&mut self, texts: &TextMessages) -> Result<()> {
        let url = if texts.url.is_empty() { TWILIO } else { &texts.url };
        match texts.provider.as_str() {
            "" => return Ok(()),
            "twilio" => {
                for (place, from) in [(&mut self.sms, &texts.sms_from), (&mut self.whatsapp, &texts.whatsapp_from)] {
                    if !from.is_empty() {
                        *place = Some(Provider::Twilio(Twilio::new(url, &texts.account, &texts.token, from)?));
                    }
                }
                if self.sms.is_none() && self.whatsapp.is_none() {
                    bail!("sms_from or whatsapp_from says who messages come from");
                }
            }
            "bridge" if texts.url.is_empty() => bail!("url says where the bridge is"),
            // The bridge knows its senders itself.
            "bridge" => {
                self.sms = Some(Provider::Bridge(Bridge::new(url, &texts.secret)?));
                self.whatsapp = Some(Provider::Bridge(Bridge::new(url, &texts.secret)?));
            }
            other => bail!("provider is twilio, bridge or empty, not {other:?}"),
        }
        if !texts.country_code.bytes().all(|byte| byte.is_ascii_digit()) || texts.country_code.len() > 3 {
            bail!("country_code is up to three digits such as \"49\"");
        }
        self.country_code.clone_from(&texts.country_code);
        self.texts_per_second = texts.most_per_second;
        Ok(())
    }

    /// Whether a channel has a way out.
    pub fn can_send(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.smtp.is_some(),
            Channel::Sms | Channel::Whatsapp => self.texts(channel).is_some(),
            // A workspace's key is made when it is needed.
            Channel::Push | Channel::InApp => true,
            _ => false,
        }
    }

    /// Who carries text messages of a channel.
    pub const fn texts(&self, channel: Channel) -> Option<&Provider> {
        match channel {
            Channel::Sms => self.sms.as_ref(),
            Channel::Whatsapp => self.whatsapp.as_ref(),
            _ => None,
        }
    }

    /// Whoever may report on text messages: both channels have the same one.
    pub fn reporter(&self) -> Option<&Provider> {
        self.sms.as_ref().or(self.whatsapp.as_ref())
    }

    /// How many text messages go out in a second.
    pub const fn texts_per_second(&self) -> u32 {
        self.texts_per_second
    }

    /// A telephone number as providers want it (E.164); `None` for what is none, or of an unknown country.
    pub fn number(&self, written: &str) -> Option<String> {
        number(written, &self.country_code)
    }

    /// The mail server.
    pub const fn smtp(&self) -> Option<&Smtp> {
        self.smtp.as_ref()
    }

    /// Who signs mails.
    pub fn signers(&self) -> Vec<&Signer> {
        self.signers.iter().collect()
    }

    /// Where bounces go.
    pub fn return_path(&self) -> Option<&str> {
        self.return_path.as_deref()
    }

    /// Who reports on mails under this word, if it is set up.
    pub fn mail_reporter(&self, word: &str) -> Option<&Reporter> {
        self.mail_reporters.iter().find(|reporter| reporter.as_str() == word)
    }

    /// Whether mails go through Postmark, which gives them names of its own.
    pub fn has_postmark(&self) -> bool {
        self.mail_reporter("postmark").is_some()
    }

    /// Where complaints are read.
    pub const fn complaints(&self) -> Option<&mailbox::Settings> {
        self.complaints.as_ref()
    }

    /// Where bounces are read.
    pub const fn mailbox(&self) -> Option<&mailbox::Settings> {
        self.mailbox.as_ref()
    }
}

/// Digits, and what people put between them (ITU-T E.123), with `+` or `00` before the country's code, or `0` in the place of it.
pub fn number(written: &str, country_code: &str) -> Option<String> {
    let written = written.trim().replace("(0)", "");
    let plain = |c: &char| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{2011}');
    let plain: String = written.chars().filter(plain).collect();
    let digits = match (plain.strip_prefix('+'), plain.strip_prefix("00"), plain.strip_prefix('0')) {
        (Some(rest), ..) | (None, Some(rest), _) => rest.to_owned(),
        (None, None, rest) if !country_code.is_empty() => format!("{country_code}{}", rest.unwrap_or(&plain)),
        _ => return None,
    };
    let is_one = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    is_one.then(|| format!("+{digits}"))
}

fn security(word: &str) -> Result<Security> {
    Ok(match word {
        "implicit" => Security::Implicit,
        "starttls" => Security::StartTls,
        "plain" => Security::Plain,
        other => bail!("security is implicit, starttls or plain, not {other:?}"),
    })
}

fn reporters(settings: &MailCallbacks) -> Result<Vec<Reporter>> {
    let mut found = Vec::new();
    let MailCallbacks { ses_topic, ses_service, mailgun_key, sendgrid_key, postmark_password, bridge_secret } =
        settings;
    if !ses_topic.is_empty() {
        found.push(Reporter::Ses(Ses::new(ses_topic, ses_service)?));
    }
    if !mailgun_key.is_empty() {
        found.push(Reporter::Mailgun(Mailgun::new(mailgun_key)?));
    }
    if !sendgrid_key.is_empty() {
        found.push(Reporter::SendGrid(SendGrid::new(sendgrid_key)?));
    }
    if !postmark_password.is_empty() {
        found.push(Reporter::Postmark(Postmark::new(postmark_password)?));
    }
    if !bridge_secret.is_empty() {
        found.push(Reporter::Bridge(MailBridge::new(bridge_secret)?));
    }
    Ok(found)
}

fn returned(settings: &Mailbox) -> Result<Option<mailbox::Settings>> {
    if settings.host.is_empty() {
        return Ok(None);
    }
    Ok(Some(mailbox::Settings {
        host: settings.host.clone(),
        port: settings.port,
        security: security(&settings.security).context("mail.mailbox")?,
        name: settings.name.clone(),
        password: settings.password.clone(),
        folder: settings.folder.clone(),
        done_folder: Some(settings.done_folder.clone()).filter(|folder| !folder.is_empty()),
        authority: None,
        timeout: Duration::from_secs(60),
    }))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_as_providers_want_them() {
        for (written, code, wanted) in [
            ("+46 70-555 01 23", "", Some("+46705550123")),
            ("0046705550123", "49", Some("+46705550123")),
            ("+49 (0) 151 12345678", "", Some("+4915112345678")),
            ("070/555.01.23", "46", Some("+46705550123")),
            ("0705550123", "", None),
            ("(555) 010-1234", "1", Some("+15550101234")),
            ("call me", "46", None),
            ("+0123456789", "", None),
            ("+1234567890123456", "", None),
            ("", "46", None),
        ] {
            assert_eq!(number(written, code).as_deref(), wanted, "{written}");
        }
    }
}
