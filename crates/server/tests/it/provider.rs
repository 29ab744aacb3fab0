//! Somebody else's HTTP server: it keeps what was posted to it, and answers as it was told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Posted {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

type Answers = dyn Fn(&Posted, usize) -> (u16, String) + Send + Sync;

/// A server on this machine.
pub struct Provider {
    pub url: String,
    kept: Arc<Mutex<Vec<Posted>>>,
}

impl Provider {
    /// `answer` gives status and body of the answer to a request, and to how many came before it; of a redirect the body is where it leads.
    pub async fn start(answer: impl Fn(&Posted, usize) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept: Arc<Mutex<Vec<Posted>>> = Arc::default();
        let (all, answer): (_, Arc<Answers>) = (Arc::clone(&kept), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&all), Arc::clone(&answer)));
            }
        });
        Self { url, kept }
    }

    pub fn kept(&self) -> Vec<Posted> {
        self.kept.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Vec<Posted>>>, answer: Arc<Answers>) {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.lines();
            let mut first = lines.next().unwrap().split(' ');
            let (method, path) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, value)| value);
            let whole = end + 4 + length.parse::<usize>().unwrap();
            if bytes.len() >= whole {
                let posted = Posted { method, path, headers, body: bytes[end + 4..whole].to_vec() };
                let before = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(posted.clone());
                    kept.len() - 1
                };
                let (status, body) = answer(&posted, before);
                let more = if (300..400).contains(&status) { format!("location: {body}\r\n") } else { String::new() };
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                return;
            }
        }
        let mut more = [0; 8192];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
    }
}
