//! A mail server for tests: takes everything, unless the script of a recipient (what is before the @) or of a domain says otherwise; keeps what it took.
//!
//! Always holds: it counts connections and every mail that came whole, also those whose answer it swallows, so that a second copy would be seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The authority that signed the sink's certificate.
pub const AUTHORITY: &str = include_str!("../samples/tls/authority.pem");

/// What happens to a mail.
#[derive(Clone, Debug)]
pub enum Act {
    /// An answer instead of the usual one at `MAIL`, `RCPT`, `DATA` or `.`.
    Say(&'static str, &'static str),
    /// The connection is closed instead of an answer.
    Cut(&'static str),
    /// The connection is closed in the middle of the mail.
    CutInBody,
    /// The answer to the final dot waits.
    Slow(Duration),
    /// The connection is closed after the answer, as servers do that have had enough.
    Leave,
}

/// How the server begins.
#[derive(Clone, Debug)]
pub struct Manner {
    pub greeting: &'static str,
    pub extensions: Vec<&'static str>,
    pub implicit_tls: bool,
    /// What is said in plain text together with the answer to STARTTLS.
    pub ahead: &'static str,
}

impl Default for Manner {
    fn default() -> Self {
        let extensions = vec!["PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN"];
        Self { greeting: "220 sink ESMTP", extensions, implicit_tls: false, ahead: "" }
    }
}

/// A mail that came whole.
#[derive(Clone, Debug)]
pub struct Kept {
    pub envelope: String,
    pub recipient: String,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    kept: Vec<Kept>,
    connections: usize,
    commands: Vec<String>,
}

/// The server.
#[derive(Clone)]
pub struct Sink {
    pub port: u16,
    manner: Manner,
    script: Arc<HashMap<&'static str, Act>>,
    state: Arc<Mutex<State>>,
}

impl Sink {
    pub async fn start(manner: Manner, script: &[(&'static str, Act)]) -> Self {
        // Small, so that a client sees early that the server has gone.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1_024).unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(script.iter().cloned().collect());
        let sink = Self { port, manner, script, state: Arc::default() };
        let served = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                served.state.lock().unwrap().connections += 1;
                let one = served.clone();
                tokio::spawn(async move { one.serve(stream).await });
            }
        });
        sink
    }

    pub fn kept(&self) -> Vec<Kept> {
        self.state.lock().unwrap().kept.clone()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub fn commands(&self) -> Vec<String> {
        self.state.lock().unwrap().commands.clone()
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        if self.manner.implicit_tls {
            return self.talk(acceptor().accept(stream).await.ok()?, true).await.map(|_| ());
        }
        let plain = self.talk(stream, true).await?;
        self.talk(acceptor().accept(plain).await.ok()?, false).await.map(|_| ())
    }

    /// Talks until the end, or until TLS begins: then the stream comes back.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, greet: bool) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greet {
            say(&mut stream, self.manner.greeting).await?;
        }
        let (mut envelope, mut recipient, mut act) = (String::new(), String::new(), None);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            self.state.lock().unwrap().commands.push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            if verb == "RCPT" {
                recipient = line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                let (local, domain) = recipient.split_once('@').unwrap_or((&recipient, ""));
                act = self.script.get(local).or_else(|| self.script.get(domain)).cloned();
            }
            match (&act, &*verb) {
                (Some(Act::Say(at, answer)), verb) if *at == verb => {
                    say(&mut stream, answer).await?;
                    continue;
                }
                (Some(Act::Cut(at)), verb) if *at == verb => return None,
                _ => {}
            }
            match &*verb {
                "EHLO" => {
                    let more: String = self.manner.extensions.iter().map(|name| format!("250-{name}\r\n")).collect();
                    say(&mut stream, &format!("250-sink\r\n{more}250 HELP")).await?;
                }
                "STARTTLS" => {
                    say(&mut stream, &format!("220 go ahead{}", self.manner.ahead)).await?;
                    return Some(stream.into_inner());
                }
                "AUTH" => self.sign_in(&mut stream, &line).await?,
                "MAIL" => {
                    envelope = line.clone();
                    act = None;
                    let from = line.trim_start_matches("MAIL FROM:<").split(['@', '>']).next().unwrap_or_default();
                    if let Some(Act::Say("MAIL", answer)) = self.script.get(from) {
                        say(&mut stream, answer).await?;
                        continue;
                    }
                    say(&mut stream, "250 2.1.0 ok").await?;
                }
                "RCPT" => say(&mut stream, "250 2.1.5 ok").await?,
                "DATA" if matches!(act, Some(Act::Say("RCPT", _))) => {
                    say(&mut stream, "503 5.5.1 no recipients").await?
                }
                "DATA" => {
                    say(&mut stream, "354 go ahead").await?;
                    let bytes = self.body(&mut stream, &act).await?;
                    let kept = Kept { envelope: envelope.clone(), recipient: recipient.clone(), bytes };
                    match act.take() {
                        // It says that it does not take the mail.
                        Some(Act::Say(".", answer)) => {
                            say(&mut stream, answer).await?;
                            continue;
                        }
                        other => {
                            self.state.lock().unwrap().kept.push(kept);
                            match other {
                                Some(Act::Cut(".")) => return None,
                                Some(Act::Slow(pause)) => tokio::time::sleep(pause).await,
                                Some(Act::Leave) => {
                                    say(&mut stream, "250 2.0.0 queued").await?;
                                    return None;
                                }
                                _ => {}
                            }
                        }
                    }
                    say(&mut stream, "250 2.0.0 queued as 4XyZ").await?;
                }
                "RSET" | "NOOP" => say(&mut stream, "250 2.0.0 ok").await?,
                "QUIT" => {
                    say(&mut stream, "221 2.0.0 bye").await?;
                    return None;
                }
                _ => say(&mut stream, "500 5.5.2 what?").await?,
            }
        }
    }

    async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufReader<S>, line: &str) -> Option<()> {
        // "\0shop\0secret", or "shop" and "secret" one after the other.
        if line == "AUTH LOGIN" {
            for (ask, expected) in [("334 VXNlcm5hbWU6", "c2hvcA=="), ("334 UGFzc3dvcmQ6", "c2VjcmV0")] {
                say(stream, ask).await?;
                let mut answer = String::new();
                stream.read_line(&mut answer).await.ok()?;
                if answer.trim_end() != expected {
                    return say(stream, "535 5.7.8 no").await;
                }
            }
            return say(stream, "235 2.7.0 welcome").await;
        }
        let good = line == "AUTH PLAIN AHNob3AAc2VjcmV0";
        say(stream, if good { "235 2.7.0 welcome" } else { "535 5.7.8 no" }).await
    }

    async fn body<S: AsyncRead + Unpin>(&self, stream: &mut BufReader<S>, act: &Option<Act>) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
                return None;
            }
            if line == b".\r\n" {
                return Some(bytes);
            }
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if matches!(act, Some(Act::CutInBody)) && bytes.len() > 200 {
                return None;
            }
        }
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, text: &str) -> Option<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

pub fn acceptor() -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("../samples/tls/localhost.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../samples/tls/localhost.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
