//! An IMAP server that breaks off, says nonsense or too much, and one without MOVE: it always runs, Dovecot or not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rapport_channels::mailbox::{Security, Settings, Visit};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// What the server does at a command, and what it heard.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

async fn serve(at: &'static str, instead: &'static [u8]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.ok()?;
        let mut stream = BufReader::new(stream);
        let greeting: &[u8] = if at == "GREETING" { instead } else { b"* OK ready\r\n" };
        stream.write_all(greeting).await.ok()?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return Some(());
            }
            let (tag, command) = line.trim_end().split_once(' ')?;
            hears.lock().unwrap().push(command.to_owned());
            if !at.is_empty() && command.starts_with(at) {
                stream.write_all(instead).await.ok()?;
                return Some(());
            }
            let answer = match command.split(' ').take(2).collect::<Vec<_>>()[..] {
                ["CAPABILITY", ..] => "* CAPABILITY IMAP4rev1\r\n",
                ["SELECT", ..] => "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
                ["UID", "SEARCH"] => "* SEARCH 12 11\r\n",
                ["UID", "FETCH"] if command.contains("FETCH 11 ") => "* 1 FETCH (UID 11 BODY[]<0> {6}\r\nA: b\r\n)\r\n",
                // Somebody took it away.
                ["UID", "FETCH"] => "",
                _ => "",
            };
            stream.write_all(format!("{answer}{tag} OK done\r\n").as_bytes()).await.ok()?;
        }
    });
    Server { port, heard }
}

fn settings(port: u16) -> Settings {
    Settings {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::Plain,
        name: "bounce".to_owned(),
        password: "a \"b\" \\c".to_owned(),
        folder: "INBOX".to_owned(),
        done_folder: Some("Done".to_owned()),
        authority: None,
        timeout: Duration::from_millis(1_500),
    }
}

#[tokio::test]
async fn letters_are_copied_where_the_server_cannot_move() {
    let server = serve("", b"").await;
    let mut visit = Visit::begin(&settings(server.port)).await.unwrap();
    let letters = visit.unseen(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].id.validity, letters[0].id.uid, &letters[0].bytes[..]), (7, 11, &b"A: b\r\n"[..]));
    visit.done(&[letters[0].id]).await.unwrap();
    visit.end().await;
    let heard = server.heard.lock().unwrap().clone();
    assert_eq!(
        heard,
        [
            "LOGIN \"bounce\" \"a \\\"b\\\" \\\\c\"",
            "CAPABILITY",
            "CREATE \"Done\"",
            "SELECT \"INBOX\"",
            "UID SEARCH UNSEEN UNDELETED",
            "UID FETCH 11 (UID BODY.PEEK[]<0.1048576>)",
            "UID FETCH 12 (UID BODY.PEEK[]<0.1048576>)",
            "UID STORE 11 +FLAGS.SILENT (\\Seen)",
            "UID COPY 11 \"Done\"",
            "LOGOUT",
        ]
    );
}

#[tokio::test]
async fn whatever_the_server_does_it_ends_with_an_error() {
    for (at, instead) in [
        ("GREETING", &b""[..]),
        ("GREETING", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("GREETING", b"* BYE overloaded\r\n"),
        ("LOGIN", b""),
        ("LOGIN", b"A0001 NO [AUTHENTICATIONFAILED] no\r\n"),
        ("LOGIN", b"\xff\xfe\x00\r\n"),
        ("SELECT", b"* OK [UIDVALIDITY"),
        ("UID SEARCH", b"* SEARCH 1 2 3"),
        ("UID FETCH", b"* 1 FETCH (UID 11 BODY[]<0> {4000000000}\r\nabc"),
        ("UID FETCH", b"* 1 FETCH (UID 11 BODY[]<0> {100}\r\nabc"),
        ("UID FETCH", b"((((((((((((((((((((((((((\r\n"),
    ] {
        let server = serve(at, instead).await;
        let visited = async {
            let mut visit = Visit::begin(&settings(server.port)).await?;
            visit.unseen(10).await.map(|letters| letters.len())
        };
        let error = visited.await.expect_err(at);
        assert_eq!(error.code(), "mailbox_unreadable", "{at}: {error:?}");
    }
}
