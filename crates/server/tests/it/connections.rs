//! What happens on the wire below requests: deadlines, bounds, and stopping.

use std::sync::Arc;
use std::time::Duration;

use rapport_server::cli::serve::Server;
use rapport_server::installation::{Installation, Places};
use rapport_server::settings::{Origins, Settings};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any deadline set here; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

async fn server(flags: &[(&'static str, &str)]) -> (Server, String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut flags: Vec<_> = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    flags.push(("data", folder.path().display().to_string()));
    flags.push(("listen", "127.0.0.1:0".to_owned()));
    let settings = Settings::read(&Origins { flags, ..Origins::default() }).unwrap();
    let installation = Arc::new(Installation::open(&Places::folder(folder.path())).await.unwrap());
    let server = Server::start(installation, settings).await.unwrap();
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    (server, address, folder)
}

/// Sends `bytes` and reads until the server closes.
async fn talk(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is a close too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_nothing_or_too_slowly_is_let_go() {
    let (server, address, _folder) = server(&[("limits.first_byte_seconds", "1"), ("limits.head_seconds", "1")]).await;
    assert_eq!(talk(&address, b"").await, "", "no first byte");
    assert!(!talk(&address, b"GET /health HTTP/1.1\r\nHost: x\r\n").await.contains("200"), "half a head");
    let kept = talk(&address, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(kept.contains("200 OK") && kept.ends_with("ok\n"), "an idle connection is closed after its answer: {kept}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_are_bounded() {
    let (server, address, _folder) = server(&[("limits.headers", "20"), ("limits.head_bytes", "8192")]).await;
    let many: String = (0..30).map(|n| format!("x-{n}: 1\r\n")).collect();
    let answer = talk(&address, format!("GET /health HTTP/1.1\r\nHost: x\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let long = format!("GET /health HTTP/1.1\r\nHost: x\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    let answer = talk(&address, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(talk(&address, b"hello\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded_and_further_ones_wait() {
    let (server, address, _folder) = server(&[("limits.connections", "1"), ("limits.first_byte_seconds", "2")]).await;
    let silent = TcpStream::connect(&address).await.unwrap();
    let answer = talk(&address, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("200 OK"), "served once the silent one was let go: {answer}");
    drop(silent);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_its_share() {
    let (server, address, _folder) = server(&[("limits.connections_per_address", "1")]).await;
    let first = TcpStream::connect(&address).await.unwrap();
    let request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(talk(&address, request).await, "", "the second is closed");
    drop(first);
    let mut tries = 0;
    while !talk(&address, request).await.contains("200 OK") {
        tries += 1;
        assert!(tries < 500, "the place is given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_finishes_what_runs_and_lets_the_folder_go() {
    let (server, address, folder) = server(&[]).await;
    let mut half = TcpStream::connect(&address).await.unwrap();
    half.write_all(b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nemail=").await.unwrap();
    let idle = TcpStream::connect(&address).await.unwrap();
    // The server has the request when its answer to a later connection is there.
    assert!(talk(&address, b"GET /health HTTP/1.0\r\n\r\n").await.contains("200 OK"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    half.write_all(b"a@b").await.unwrap();
    assert!(rest(&mut half).await.starts_with("HTTP/1.1 401"), "the running request is answered");
    timeout(PATIENCE, stopping).await.expect("it stops").unwrap();
    drop(idle);
    assert!(TcpStream::connect(&address).await.is_err());
    Installation::open(&Places::folder(folder.path())).await.map(drop).expect("the folder is free again");
}
