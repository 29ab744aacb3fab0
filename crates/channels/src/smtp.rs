//! Sends mails to a mail server (SMTP, RFC 5321): a few connections, kept and used again.
//!
//! Always holds: a mail's bytes are handed over at most once a call. A kept connection that turns out to be dead before the server asked for the mail is
//! replaced once; after that nothing is repeated here. A break before the final dot is a refusal that passes, because a server takes only what it got whole
//! (4.1.1.4); a break between the final dot and the answer is [`Outcome::Unsure`] (RFC 1047 tells of the duplicates that come of guessing). Passwords travel
//! over TLS only, except on this machine. Which mail goes when, and how often, is the caller's.

mod connection;
mod reply;

pub(crate) use reply::is_enhanced;

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::mail::Prepared;
pub use crate::tls::Security;
use crate::{Error, Outcome, Refusal, RefusalKind, tls};
use connection::{Connection, Failure};

/// A connection that waited longer is not used again; servers close theirs after 5 minutes (RFC 5321, 4.5.3.2.7) and sooner when they are busy.
const LONGEST_IDLE: Duration = Duration::from_secs(60);

/// Which server, and how it is spoken to.
#[derive(Clone)]
pub struct Settings {
    /// Name or address.
    pub host: String,
    /// 465, 587 or 25.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Name and password, if the server wants them.
    pub credentials: Option<(String, String)>,
    /// How this machine introduces itself (RFC 5321, 4.1.1.1): its name in the DNS.
    pub hello: String,
    /// PEM certificates of an authority of the company's own.
    pub authority: Option<String>,
    /// At most so many connections at a time.
    pub connections: usize,
    /// After so many mails a connection is closed; many servers count.
    pub mails_per_connection: u32,
    /// The longest that connecting, and each step up to the mail's end, may take (RFC 5321, 4.5.3.2 asks for up to 5 minutes).
    pub timeout: Duration,
    /// The longest wait for the answer after the final dot. RFC 5321, 4.5.3.2.6: 10 minutes; giving up sooner makes duplicates.
    pub answer_timeout: Duration,
}

impl Settings {
    /// The usual settings for a server.
    pub fn new(host: impl Into<String>, port: u16, security: Security) -> Self {
        Self {
            host: host.into(),
            port,
            security,
            credentials: None,
            hello: "localhost".to_owned(),
            authority: None,
            connections: 8,
            mails_per_connection: 100,
            timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(600),
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} {:?}", self.host, self.port, self.security)
    }
}

/// Sends mails through one server.
pub struct Smtp {
    settings: Settings,
    tls: Option<TlsConnector>,
    slots: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({:?})", self.settings)
    }
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Smtp {
    /// A transport; connects when it is needed.
    ///
    /// # Errors
    /// [`Error::Settings`] when the settings cannot work.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain(&settings.host) {
            return Err(Error::settings("host", "it is no name of a mail server such as mail.example.org"));
        }
        if !plain(&settings.hello) {
            return Err(Error::settings("hello", "it is no name of a machine such as crm.example.org"));
        }
        if settings.connections == 0 || settings.mails_per_connection == 0 {
            return Err(Error::settings("connections", "at least one is needed"));
        }
        if settings.credentials.is_some()
            && settings.security == Security::Plain
            && !tls::is_this_machine(&settings.host)
        {
            return Err(Error::settings("security", "a password needs TLS; choose starttls or implicit"));
        }
        let tls = match settings.security {
            Security::Plain => None,
            Security::Implicit | Security::StartTls => Some(tls::connector(settings.authority.as_deref())?),
        };
        let slots = Semaphore::new(settings.connections);
        Ok(Self { settings, tls, slots, idle: Mutex::default() })
    }

    /// How many mails can be handed over at a time.
    pub const fn connections(&self) -> usize {
        self.settings.connections
    }

    /// Hands a mail over. Dropping the future before it ends may leave it half done: then nobody knows, as with [`Outcome::Unsure`].
    pub async fn send(&self, mail: &Prepared) -> Outcome {
        let Ok(_slot) = self.slots.acquire().await else {
            return Outcome::refused(RefusalKind::Temporary, "the transport is closed");
        };
        if let Some(mut kept) = self.take() {
            match kept.send(mail, &self.settings).await {
                // It was dead already: nothing of the mail was written, a new one may be asked.
                Err(Failure::Lost(_)) => {}
                result => return self.done(kept, result, mail).await,
            }
        }
        let mut fresh = match Connection::open(&self.settings, self.tls.as_ref()).await {
            Ok(fresh) => fresh,
            Err(failure) => return failure.into_outcome(&mail.recipient),
        };
        let result = fresh.send(mail, &self.settings).await;
        self.done(fresh, result, mail).await
    }

    /// Connects, signs in and leaves again, so that wrong settings are found before a launch.
    ///
    /// # Errors
    /// What the server said, or why it was not reached.
    pub async fn check(&self) -> Result<(), Refusal> {
        match Connection::open(&self.settings, self.tls.as_ref()).await {
            Ok(connection) => {
                connection.quit().await;
                Ok(())
            }
            Err(failure) => match failure.into_outcome("") {
                Outcome::Refused(refusal) => Err(refusal),
                Outcome::Accepted { .. } | Outcome::Unsure { .. } => {
                    Err(Refusal::new(RefusalKind::Temporary, "the connection broke"))
                }
            },
        }
    }

    /// Says goodbye on all connections that wait. The transport can be used again.
    pub async fn rest(&self) {
        while let Some(connection) = self.take() {
            connection.quit().await;
        }
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().expect("no holder of this lock can panic");
        // The one that waited least: the others may grow old and go.
        while let Some(last) = idle.pop() {
            if last.since.elapsed() < LONGEST_IDLE {
                return Some(last.connection);
            }
        }
        None
    }

    async fn done(&self, mut connection: Connection, result: Result<String, Failure>, mail: &Prepared) -> Outcome {
        match result {
            Ok(response) => {
                self.keep(connection).await;
                let response = crate::redaction::redacted(&response, &mail.recipient);
                Outcome::Accepted { id: None, response }
            }
            Err(failure) => {
                // After a refusal the server is ready for the next mail; after anything else nobody knows where it stands.
                if failure.leaves_it_usable() && connection.reset().await {
                    self.keep(connection).await;
                }
                failure.into_outcome(&mail.recipient)
            }
        }
    }

    async fn keep(&self, connection: Connection) {
        if connection.sent() >= self.settings.mails_per_connection {
            connection.quit().await;
            return;
        }
        let since = Instant::now();
        self.idle.lock().expect("no holder of this lock can panic").push(Idle { connection, since });
    }
}
