//! One connection to a mail server: opening, one mail after the other, goodbye.
//!
//! Always holds: it is known whether the final dot was on its way when something failed. What the server said before TLS counts for nothing after it
//! (RFC 3207, 4.2), and bytes that it sent ahead end the connection.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::reply::{Reply, Step};
use super::{Security, Settings};
use crate::mail::Prepared;
use crate::tls::{self, Stream};
use crate::{Outcome, Refusal, RefusalKind};

/// A connection that is ready for a mail.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    can: Extensions,
    sent: u32,
}

/// What the server can do beyond the minimum (RFC 5321, 4.1.1.1).
#[derive(Clone, Debug, Default)]
struct Extensions {
    /// Commands without waiting (RFC 2920).
    pipelining: bool,
    /// RFC 3207.
    starttls: bool,
    /// Addresses in any script (RFC 6531).
    utf8: bool,
    /// The declared size (RFC 1870); 0 for no limit.
    size: Option<u64>,
    /// Ways to sign in (RFC 4954).
    auth: Vec<String>,
}

/// Why a mail was not taken.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection broke before the server asked for the mail.
    Lost(String),
    /// It broke while the mail was written, before its end: the server does not have it (RFC 5321, 4.1.1.4).
    Interrupted(String),
    /// The connection broke after the final dot was on its way.
    Unsure(String),
    /// The server said no.
    Refused(Step, Reply),
    /// We say no, for the server.
    Unfit(RefusalKind, &'static str),
}

impl Failure {
    pub(super) fn leaves_it_usable(&self) -> bool {
        match self {
            Self::Refused(_, reply) => reply.code != 421,
            Self::Unfit(..) => true,
            Self::Lost(_) | Self::Interrupted(_) | Self::Unsure(_) => false,
        }
    }

    pub(super) fn into_outcome(self, recipient: &str) -> Outcome {
        match self {
            Self::Lost(why) | Self::Interrupted(why) => Outcome::refused(RefusalKind::Temporary, why),
            Self::Unsure(why) => Outcome::Unsure { why },
            Self::Refused(step, reply) => Outcome::Refused(reply.refusal(step, recipient)),
            Self::Unfit(kind, text) => Outcome::Refused(Refusal::new(kind, text)),
        }
    }
}

impl Connection {
    /// Connects, changes to TLS and signs in, as the settings say.
    pub(super) async fn open(settings: &Settings, tls: Option<&TlsConnector>) -> Result<Self, Failure> {
        let opening = async {
            let tcp = TcpStream::connect((settings.host.as_str(), settings.port)).await.map_err(unreached)?;
            // Commands are small and waited for.
            let _ = tcp.set_nodelay(true);
            let stream: Box<dyn Stream> = match (settings.security, tls) {
                (Security::Implicit, Some(tls)) => tls::over(tls, &settings.host, tcp).await.map_err(no_tls)?,
                _ => Box::new(tcp),
            };
            let mut connection = Self { stream: BufReader::new(stream), can: Extensions::default(), sent: 0 };
            connection.expect(Step::Opening, 220).await?;
            connection.hello(settings).await?;
            if let (Security::StartTls, Some(tls)) = (settings.security, tls) {
                connection = connection.start_tls(settings, tls).await?;
            }
            if let Some((name, password)) = &settings.credentials {
                connection.sign_in(name, password).await?;
            }
            Ok(connection)
        };
        timeout(settings.timeout, opening).await.unwrap_or_else(|_| Err(lost("the server did not answer in time")))
    }

    /// How many mails went over it.
    pub(super) fn sent(&self) -> u32 {
        self.sent
    }

    /// Hands one mail over; what the server said at the end.
    pub(super) async fn send(&mut self, mail: &Prepared, settings: &Settings) -> Result<String, Failure> {
        let within = settings.timeout;
        let too_late = |_| Err(lost("the server did not answer in time"));
        timeout(within, self.envelope(mail)).await.unwrap_or_else(too_late)?;
        let text = stuffed(&mail.bytes);
        let (body, dot) = text.split_at(text.len() - 3);
        let written = timeout(within, self.write(body)).await.unwrap_or_else(too_late);
        if let Err(Failure::Lost(why)) = written {
            // A server that has seen enough says so and hangs up.
            return match timeout(Duration::from_secs(1), Reply::read(&mut self.stream)).await {
                Ok(Ok(reply)) if reply.code >= 400 => Err(Failure::Refused(Step::Data, reply)),
                _ => Err(Failure::Interrupted(why)),
            };
        }
        // From here on it cannot be known whether the server has it, unless it says so.
        self.sent += 1;
        let end = async {
            self.write(dot).await.map_err(|failure| format!("{failure:?}"))?;
            Reply::read(&mut self.stream).await.map_err(|error| broken(&error).to_owned())
        };
        match timeout(settings.answer_timeout, end).await {
            Ok(Ok(reply)) if (200..300).contains(&reply.code) => Ok(reply.text()),
            Ok(Ok(reply)) if reply.code >= 400 => Err(Failure::Refused(Step::Data, reply)),
            Ok(Ok(_)) => {
                Err(Failure::Unsure("after the mail's end the server gave an answer without meaning".to_owned()))
            }
            Ok(Err(_)) => {
                Err(Failure::Unsure("the connection broke after the mail's end, before the answer".to_owned()))
            }
            Err(_) => Err(Failure::Unsure("the server did not answer in time after the mail's end".to_owned())),
        }
    }

    /// Takes back what was said of a mail that was refused; whether the connection can be used again.
    pub(super) async fn reset(&mut self) -> bool {
        let reset = async {
            self.write(b"RSET\r\n").await?;
            self.expect(Step::Opening, 250).await
        };
        matches!(timeout(Duration::from_secs(10), reset).await, Ok(Ok(_)))
    }

    /// Says goodbye (RFC 5321, 4.1.1.10), without waiting long for the answer.
    pub(super) async fn quit(mut self) {
        let goodbye = async {
            self.write(b"QUIT\r\n").await?;
            self.expect(Step::Opening, 221).await
        };
        let _ = timeout(Duration::from_secs(2), goodbye).await;
    }

    async fn hello(&mut self, settings: &Settings) -> Result<(), Failure> {
        self.write(format!("EHLO {}\r\n", settings.hello).as_bytes()).await?;
        let reply = self.expect(Step::Opening, 250).await?;
        self.can = Extensions::of(&reply);
        Ok(())
    }

    async fn start_tls(mut self, settings: &Settings, tls: &TlsConnector) -> Result<Self, Failure> {
        if !self.can.starttls {
            return Err(Failure::Unfit(
                RefusalKind::Sender,
                "the server offers no STARTTLS; choose another port or security",
            ));
        }
        self.write(b"STARTTLS\r\n").await?;
        self.expect(Step::Opening, 220).await?;
        if !self.stream.buffer().is_empty() {
            return Err(Failure::Unfit(RefusalKind::Sender, "somebody on the way spoke before TLS began"));
        }
        let stream = tls::over(tls, &settings.host, self.stream.into_inner()).await.map_err(no_tls)?;
        let mut connection = Self { stream: BufReader::new(stream), can: Extensions::default(), sent: 0 };
        connection.hello(settings).await?;
        Ok(connection)
    }

    /// PLAIN (RFC 4616), or the older LOGIN, which Exchange asks for.
    async fn sign_in(&mut self, name: &str, password: &str) -> Result<(), Failure> {
        let encoded = |text: String| BASE64_STANDARD.encode(text);
        if self.can.auth.iter().any(|way| way == "PLAIN") {
            self.write(format!("AUTH PLAIN {}\r\n", encoded(format!("\0{name}\0{password}"))).as_bytes()).await?;
        } else if self.can.auth.iter().any(|way| way == "LOGIN") {
            self.write(b"AUTH LOGIN\r\n").await?;
            self.expect(Step::Opening, 334).await?;
            self.write(format!("{}\r\n", encoded(name.to_owned())).as_bytes()).await?;
            self.expect(Step::Opening, 334).await?;
            self.write(format!("{}\r\n", encoded(password.to_owned())).as_bytes()).await?;
        } else {
            return Err(Failure::Unfit(RefusalKind::Sender, "the server offers neither AUTH PLAIN nor AUTH LOGIN"));
        }
        self.expect(Step::Opening, 235).await.map(|_| ())
    }

    /// MAIL, RCPT and DATA, at once where the server allows it.
    async fn envelope(&mut self, mail: &Prepared) -> Result<(), Failure> {
        let commands = self.commands(mail)?;
        let steps = [(Step::Sender, 250), (Step::Recipient, 250), (Step::Data, 354)];
        if !self.can.pipelining {
            for (command, (step, code)) in commands.iter().zip(steps) {
                self.write(command.as_bytes()).await?;
                self.expect(step, code).await?;
            }
            return Ok(());
        }
        self.write(commands.concat().as_bytes()).await?;
        let mut first = None;
        for (step, code) in steps {
            match self.expect(step, code).await {
                Ok(_) if first.is_some() && step == Step::Data => {
                    // It waits for a mail without recipients (RFC 2920, 3.1); leaving is the answer that nobody can misunderstand.
                    self.stream.shutdown().await.ok();
                }
                Ok(_) => {}
                Err(Failure::Refused(step, reply)) => {
                    first.get_or_insert((step, reply));
                }
                Err(other) => return first.map_or(Err(other), |(step, reply)| Err(Failure::Refused(step, reply))),
            }
        }
        first.map_or(Ok(()), |(step, reply)| Err(Failure::Refused(step, reply)))
    }

    fn commands(&self, mail: &Prepared) -> Result<[String; 3], Failure> {
        let mut parameters = String::new();
        if let Some(limit) = self.can.size {
            let size = mail.bytes.len() as u64;
            if limit > 0 && size > limit {
                return Err(Failure::Unfit(RefusalKind::Message, "the mail is larger than the server takes"));
            }
            parameters.push_str(&format!(" SIZE={size}"));
        }
        if !mail.recipient.is_ascii() || !mail.sender.is_ascii() || !mail.bytes.is_ascii() {
            if !self.can.utf8 {
                return Err(Failure::Unfit(RefusalKind::Recipient, "the server takes no addresses in this script"));
            }
            parameters.push_str(" SMTPUTF8 BODY=8BITMIME");
        }
        Ok([
            format!("MAIL FROM:<{}>{parameters}\r\n", mail.sender),
            format!("RCPT TO:<{}>\r\n", mail.recipient),
            "DATA\r\n".to_owned(),
        ])
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes).await.map_err(|error| lost(broken(&error)))?;
        stream.flush().await.map_err(|error| lost(broken(&error)))
    }

    /// The next answer, if it is of the same hundred as `code`.
    async fn expect(&mut self, step: Step, code: u16) -> Result<Reply, Failure> {
        let reply = Reply::read(&mut self.stream).await.map_err(|error| lost(broken(&error)))?;
        if reply.code / 100 == code / 100 {
            return Ok(reply);
        }
        if reply.code >= 400 {
            return Err(Failure::Refused(step, reply));
        }
        Err(lost("the server gave an answer out of turn"))
    }
}

impl Extensions {
    fn of(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("PIPELINING") => found.pipelining = true,
                Some("STARTTLS") => found.starttls = true,
                Some("SMTPUTF8") => found.utf8 = true,
                Some("SIZE") => found.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
                Some("AUTH") => found.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        found
    }
}

/// The mail as it is sent: a dot at a line's beginning is doubled (RFC 5321, 4.5.2), and the last three bytes are the final dot's line.
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 8);
    let mut begins = true;
    for &byte in bytes {
        if begins && byte == b'.' {
            out.push(b'.');
        }
        out.push(byte);
        begins = byte == b'\n';
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

fn lost(why: &str) -> Failure {
    Failure::Lost(why.to_owned())
}

fn broken(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::InvalidData => "what answers is no mail server",
        _ => "the server closed the connection",
    }
}

fn unreached(error: std::io::Error) -> Failure {
    lost(match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "the server refused the connection",
        _ => "the server could not be reached",
    })
}

fn no_tls(error: std::io::Error) -> Failure {
    if tls::is_misfit(&error) {
        return Failure::Unfit(RefusalKind::Sender, "the server's certificate or its TLS does not fit");
    }
    lost("the connection broke while TLS began")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dots_are_doubled() {
        assert_eq!(stuffed(b"a\r\n.\r\n..b"), b"a\r\n..\r\n...b\r\n.\r\n");
        assert_eq!(stuffed(b""), b"\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn no_mail_ends_before_its_end(text in "([.x]|\r\n){0,60}") {
            let sent = stuffed(text.as_bytes());
            let whole = [b"\r\n", &*sent].concat();
            let end = whole.windows(5).position(|window| window == b"\r\n.\r\n");
            prop_assert_eq!(end, Some(whole.len() - 5));
        }
    }
}
