//! The mailbox that bounces and answers come to, over IMAP (RFC 3501; MOVE: RFC 6851).
//!
//! Always holds: letters are fetched without marking them (`BODY.PEEK`), and marked only by [`Visit::done`], after the caller has committed what they say. A
//! crash in between brings them again, under the same [`LetterId`]. A letter is read up to [`LARGEST`] bytes, a visit up to 64 MB, and everything ends in
//! time. Passwords travel over TLS only, except on this machine. Nothing is ever deleted.

mod bounded;

use std::time::Duration;

use async_imap::error::Error as Imap;
use async_imap::imap_proto::{Response, Status};
use futures::TryStreamExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Error;
use crate::redaction::redacted;
use crate::returned::LARGEST;
pub use crate::tls::Security;
use crate::tls::{self, Stream};
use bounded::Bounded;

/// As much as a server may send in one visit, in bytes; a mailbox with more is read in several.
const MOST_A_VISIT: usize = 64 * 1024 * 1024;

/// Where the mailbox is.
#[derive(Clone)]
pub struct Settings {
    /// Name or address.
    pub host: String,
    /// 993, or 143 on this machine.
    pub port: u16,
    /// [`Security::Implicit`]; [`Security::Plain`] on this machine only.
    pub security: Security,
    /// Whose mailbox.
    pub name: String,
    /// Its password.
    pub password: String,
    /// Usually `INBOX`.
    pub folder: String,
    /// Where letters go that were read; without one they stay, marked as seen.
    pub done_folder: Option<String>,
    /// PEM certificates of an authority of the company's own.
    pub authority: Option<String>,
    /// The longest that each step may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} {:?}", self.host, self.port, self.security)
    }
}

/// A letter's name in its mailbox, for ever (RFC 3501, 2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    /// Changes when the server counts anew.
    pub validity: u32,
    /// Grows with each letter.
    pub uid: u32,
}

/// A letter.
#[derive(Clone, Debug)]
pub struct Letter {
    /// By which it is known again.
    pub id: LetterId,
    /// Its first [`LARGEST`] bytes, for [`crate::returned::read`].
    pub bytes: Vec<u8>,
}

type Session = async_imap::Session<Bounded<Box<dyn Stream>>>;

/// A signed-in connection to a mailbox.
pub struct Visit {
    session: Session,
    validity: u32,
    can_move: bool,
    settings: Settings,
}

impl Visit {
    /// Connects, signs in and opens the folder.
    ///
    /// # Errors
    /// [`Error::Settings`]; [`Error::Mailbox`] with what the server said.
    pub async fn begin(settings: &Settings) -> Result<Self, Error> {
        match settings.security {
            Security::StartTls => return Err(Error::settings("security", "choose implicit, port 993 (RFC 8314)")),
            Security::Plain if !tls::is_this_machine(&settings.host) => {
                return Err(Error::settings("security", "a password needs TLS; choose implicit"));
            }
            Security::Plain | Security::Implicit => {}
        }
        within(settings, Self::open(settings)).await
    }

    async fn open(settings: &Settings) -> Result<Self, Error> {
        let tcp = TcpStream::connect((settings.host.as_str(), settings.port))
            .await
            .map_err(|_| later("it could not be reached"))?;
        let stream: Box<dyn Stream> = match settings.security {
            Security::Plain => Box::new(tcp),
            Security::Implicit | Security::StartTls => {
                let connector = tls::connector(settings.authority.as_deref())?;
                tls::over(&connector, &settings.host, tcp).await.map_err(|error| Error::Mailbox {
                    retryable: !tls::is_misfit(&error),
                    problem: "TLS could not begin; look at the server's certificate".to_owned(),
                })?
            }
        };
        let mut client = async_imap::Client::new(Bounded::new(stream, MOST_A_VISIT));
        let greeting = client.read_response().await.ok().flatten();
        let greeting = greeting.ok_or_else(|| later("what answers is no IMAP server"))?;
        if !matches!(greeting.parsed(), Response::Data { status: Status::Ok, .. }) {
            return Err(later("the server takes no visitors now"));
        }
        let signed_in = client.login(&settings.name, &settings.password).await;
        let mut session = signed_in.map_err(|(error, _)| said(&error, settings))?;
        let can_move = session.capabilities().await.map_err(|error| said(&error, settings))?.has_str("MOVE");
        if let Some(folder) = &settings.done_folder {
            // It is there already, most of the time.
            match session.create(folder).await {
                Ok(()) | Err(Imap::No(_)) => {}
                Err(error) => return Err(said(&error, settings)),
            }
        }
        let folder = session.select(&settings.folder).await.map_err(|error| said(&error, settings))?;
        let validity = folder.uid_validity.ok_or_else(|| later("the server names no UIDVALIDITY"))?;
        Ok(Self { session, validity, can_move, settings: settings.clone() })
    }

    /// Letters that nobody has seen, the oldest first, at most `most`.
    ///
    /// # Errors
    /// [`Error::Mailbox`].
    pub async fn unseen(&mut self, most: usize) -> Result<Vec<Letter>, Error> {
        let settings = self.settings.clone();
        let found = within(&settings, async {
            self.session.uid_search("UNSEEN UNDELETED").await.map_err(|e| said(&e, &settings))
        });
        let mut uids: Vec<u32> = found.await?.into_iter().collect();
        uids.sort_unstable();
        let mut letters = Vec::new();
        for uid in uids.into_iter().take(most) {
            // One by one: a large one is cut by the server, and memory holds what is asked for.
            let what = format!("(UID BODY.PEEK[]<0.{LARGEST}>)");
            let fetched = within(&settings, async {
                let stream = self.session.uid_fetch(uid.to_string(), what).await.map_err(|e| said(&e, &settings))?;
                stream.try_collect::<Vec<_>>().await.map_err(|e| said(&e, &settings))
            });
            // Others may have taken it away meanwhile.
            let body =
                fetched.await?.iter().find(|one| one.uid == Some(uid)).and_then(|one| one.body().map(<[u8]>::to_vec));
            if let Some(mut bytes) = body {
                bytes.truncate(LARGEST);
                letters.push(Letter { id: LetterId { validity: self.validity, uid }, bytes });
            }
        }
        Ok(letters)
    }

    /// Marks letters as seen and moves them to the folder for that, if there is one. Those of another count of the server are left alone.
    ///
    /// # Errors
    /// [`Error::Mailbox`]; the letters then come again.
    pub async fn done(&mut self, letters: &[LetterId]) -> Result<(), Error> {
        let uids: Vec<String> =
            letters.iter().filter(|id| id.validity == self.validity).map(|id| id.uid.to_string()).collect();
        let settings = self.settings.clone();
        for some in uids.chunks(200) {
            within(&settings, self.mark(&some.join(","))).await?;
        }
        Ok(())
    }

    async fn mark(&mut self, uids: &str) -> Result<(), Error> {
        let settings = self.settings.clone();
        let failed = |error: Imap| said(&error, &settings);
        let stored = self.session.uid_store(uids, "+FLAGS.SILENT (\\Seen)").await.map_err(failed)?;
        stored.try_collect::<Vec<_>>().await.map_err(failed)?;
        if let Some(folder) = &settings.done_folder {
            if self.can_move {
                self.session.uid_mv(uids, folder).await.map_err(failed)?;
            } else {
                // Without MOVE the letter stays in both places, seen: expunging could take away what others marked.
                self.session.uid_copy(uids, folder).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Says goodbye.
    pub async fn end(mut self) {
        let _ = timeout(Duration::from_secs(2), self.session.logout()).await;
    }
}

async fn within<T>(settings: &Settings, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(settings.timeout, step).await.unwrap_or_else(|_| Err(later("the server did not answer in time")))
}

fn later(problem: &str) -> Error {
    Error::Mailbox { problem: problem.to_owned(), retryable: true }
}

fn said(error: &Imap, settings: &Settings) -> Error {
    let (problem, retryable) = match error {
        Imap::No(text) | Imap::Bad(text) => (redacted(text, &settings.name), false),
        Imap::Io(_) | Imap::ConnectionLost => ("the connection broke".to_owned(), true),
        Imap::Validate(_) => ("a name, password or folder holds a letter that IMAP cannot send".to_owned(), false),
        _ => ("the server answered what nobody understands".to_owned(), true),
    };
    Error::Mailbox { problem, retryable }
}
