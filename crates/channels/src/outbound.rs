//! The one door to other people's HTTP servers: webhooks, providers of text messages, push services.
//!
//! Always holds: an address that is not on the public internet is never connected to, unless the installation allows it: names are looked up here, and the
//! very addresses that were looked at are connected to, so that a name cannot lead into the company's own network a moment later. Redirects are not
//! followed, no proxy is asked, an answer is read up to a limit, and everything ends in time. Error texts do not name the address.

pub mod addresses;
pub mod names;
pub mod signing;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use reqwest::{Method, Url};

use crate::Error;
use addresses::is_public;
use names::{Checked, Leads, Names, System};

/// How long a request may take, from looking up the name to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// As much of an answer as is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// An HTTP client that is safe with addresses that others chose. Cheap to clone; keeps connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    private: bool,
    names: Arc<dyn Names>,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body, 64 KiB unless it was asked for otherwise.
    pub body: Vec<u8>,
    headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// A header's value, when it is one of plain letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Retry-After` in seconds (RFC 9110, section 10.2.3); its form as a date is not read.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }
}

impl Client {
    /// A client; `private` allows addresses inside the company's own network.
    ///
    /// # Errors
    /// [`Error::Settings`] when the machine's list of certificate authorities cannot be read.
    pub fn new(private: bool) -> Result<Self, Error> {
        Self::with_names(private, Arc::new(System))
    }

    /// The same, with what knows the addresses of names.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_names(private: bool, names: Arc<dyn Names>) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(Checked { private, names: Arc::clone(&names) }))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .user_agent(concat!("rapport/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| Error::settings("certificates", "the machine's certificate authorities cannot be read"))?;
        Ok(Self { http, private, names })
    }

    /// Whether addresses inside the company's own network are allowed.
    pub fn allows_private(&self) -> bool {
        self.private
    }

    /// Where an address leads as things are now. Nothing is sent there.
    pub async fn leads(&self, url: &Url) -> Leads {
        match (literal(url), url.host_str()) {
            (Some(ip), _) => Leads::of(&[ip]),
            (None, Some(name)) => self.names.addresses(name).await.map_or(Leads::Nowhere, |found| Leads::of(&found)),
            (None, None) => Leads::Nowhere,
        }
    }

    /// Posts `body`; redirects are answers like any other.
    ///
    /// # Errors
    /// [`Error::NotPublic`], [`Error::Unreachable`] when nothing was sent, [`Error::NoAnswer`] when it may have arrived.
    pub async fn post(&self, url: &Url, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Answer, Error> {
        self.ask(Method::POST, url, headers, body, LONGEST_ANSWER).await
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn get(&self, url: &Url) -> Result<Answer, Error> {
        self.ask(Method::GET, url, &[], Vec::new(), LONGEST_ANSWER).await
    }

    /// Any request; of the answer's body the first `most` bytes are read.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn ask(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&str, &str)],
        body: Vec<u8>,
        most: usize,
    ) -> Result<Answer, Error> {
        // A host that is written as an address is not looked up, so that the resolver never sees it.
        if !self.private && literal(url).is_some_and(|ip| !is_public(ip)) {
            return Err(Error::NotPublic);
        }
        let mut request = self.http.request(method, url.clone()).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.build().map_err(|_| Error::message("headers", "a header holds letters that none may"))?;
        let mut answer = self.http.execute(request).await.map_err(|error| kind_of(&error))?;
        let mut body = Vec::new();
        // The status is known; a body that breaks off does not take it back.
        while let Ok(Some(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk[..chunk.len().min(most - body.len())]);
            if body.len() == most {
                break;
            }
        }
        Ok(Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body })
    }
}

/// An address that somebody typed: http or https, with a host, without a name and password.
///
/// # Errors
/// [`Error::Url`] says what is wrong with it.
pub fn checked(url: &str) -> Result<Url, Error> {
    let url: Url = url.parse().map_err(|_| Error::Url("it is no address such as https://example.org/hook"))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(Error::Url("the address begins with https:// or http://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Error::Url("the address has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Url("an address has no name and password; the signature proves who sends"));
    }
    Ok(url)
}

/// The address that a host is written as, if it is one.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Its own text names the whole address, so only the kind is kept.
fn kind_of(error: &reqwest::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(Error::NotPublic)) {
            return Error::NotPublic;
        }
        cause = error.source();
    }
    if error.is_connect() { Error::Unreachable } else { Error::NoAnswer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn addresses_are_checked() {
        for url in
            ["ftp://example.org", "javascript:alert(1)", "https://", "nothing", "https://user:secret@example.org/"]
        {
            assert!(checked(url).is_err(), "{url}");
        }
        assert!(checked("https://example.org/hook?a=1").is_ok());
    }

    /// Answers every connection with `answer`; counts them.
    async fn server(answer: String) -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
        let counted = std::sync::Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4_096]).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        (port, count)
    }

    #[tokio::test]
    async fn a_private_address_is_never_connected_to() {
        let (port, connections) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
        let careful = Client::new(false).unwrap();
        for host in ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
            let url = checked(&format!("http://{host}:{port}/")).unwrap();
            let refused = careful.post(&url, &[], Vec::new()).await;
            assert!(matches!(refused, Err(Error::NotPublic)), "{host}: {refused:?}");
        }
        assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 0);
        let url = checked(&format!("http://localhost:{port}/")).unwrap();
        assert_eq!(Client::new(true).unwrap().post(&url, &[], Vec::new()).await.unwrap().status, 200);
    }

    #[tokio::test]
    async fn redirects_are_not_followed_and_answers_are_cut() {
        let (inside, connections) = server("HTTP/1.1 200 OK\r\n\r\n".to_owned()).await;
        let (port, _) = server(format!(
            "HTTP/1.1 307 No\r\nlocation: http://127.0.0.1:{inside}/\r\nretry-after: 7\r\n\r\n{}",
            "x".repeat(200_000)
        ))
        .await;
        let url = checked(&format!("http://127.0.0.1:{port}/")).unwrap();
        let answer = Client::new(true).unwrap().post(&url, &[], Vec::new()).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (307, LONGEST_ANSWER));
        assert_eq!(answer.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn nobody_reached_is_told_from_no_answer() {
        let client = Client::new(true).unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let url = checked(&format!("http://127.0.0.1:{closed}/")).unwrap();
        assert!(matches!(client.post(&url, &[], Vec::new()).await, Err(Error::Unreachable)));
        let (port, _) = server(String::new()).await;
        let url = checked(&format!("http://127.0.0.1:{port}/")).unwrap();
        assert!(matches!(client.post(&url, &[], Vec::new()).await, Err(Error::NoAnswer)));
    }
}
