//! The ways out: which channels have one, and through whom.
//!
//! Always holds: made once from the settings; what cannot work is refused at the start, not at the first message.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rapport_channels::dkim::{PrivateKey, Signer};
use rapport_channels::mailbox;
use rapport_channels::smtp::{self, Security, Smtp};
use rapport_domain::Channel;

use crate::settings::{Mail, Mailbox};

/// The ways out.
#[derive(Default)]
pub struct Ways {
    smtp: Option<Smtp>,
    signers: Vec<Signer>,
    mailbox: Option<mailbox::Settings>,
    return_path: Option<String>,
}

impl Ways {
    /// Those that are set up.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(mail: &Mail) -> Result<Self> {
        let mut ways = Self::default();
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
        Ok(ways)
    }

    /// Whether a channel has a way out.
    pub fn can_send(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.smtp.is_some(),
            Channel::InApp => true,
            _ => false,
        }
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

    /// Where bounces are read.
    pub const fn mailbox(&self) -> Option<&mailbox::Settings> {
        self.mailbox.as_ref()
    }
}

fn security(word: &str) -> Result<Security> {
    Ok(match word {
        "implicit" => Security::Implicit,
        "starttls" => Security::StartTls,
        "plain" => Security::Plain,
        other => bail!("security is implicit, starttls or plain, not {other:?}"),
    })
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
