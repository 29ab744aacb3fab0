//! A mail server for `cargo xtask bench`: takes every mail, keeps none, and counts.
//!
//! `mail_sink` prints its port, then each second one JSON line with what it has taken since it began: mails, how many of them were signed and had the
//! reader's name, bytes, and connections. It speaks only what a well-behaved client asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What stands in each mail of the bench that was written for its reader.
const GREETING: &[u8] = b"Reader";

#[derive(Default)]
struct Taken {
    mails: AtomicU64,
    signed: AtomicU64,
    greeted: AtomicU64,
    bytes: AtomicU64,
    connections: AtomicU64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let taken: Arc<Taken> = Arc::default();
    let counted = Arc::clone(&taken);
    tokio::spawn(async move {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        loop {
            seconds.tick().await;
            let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
            let Taken { mails, signed, greeted, bytes, connections } = &*counted;
            println!(
                "{}",
                json!({"mails": of(mails), "signed": of(signed), "greeted": of(greeted), "bytes": of(bytes), "connections": of(connections)})
            );
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        taken.connections.fetch_add(1, Ordering::Relaxed);
        let taken = Arc::clone(&taken);
        tokio::spawn(async move { talk(stream, &taken).await });
    }
}

async fn talk(stream: TcpStream, taken: &Taken) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink ESMTP\r\n").await?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            b"EHLO" => b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            b"DATA" => {
                stream.write_all(b"354 go ahead\r\n").await?;
                if !mail(&mut stream, taken).await? {
                    return Ok(());
                }
                b"250 2.0.0 taken\r\n"
            }
            b"QUIT" => {
                stream.write_all(b"221 2.0.0 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 2.0.0 ok\r\n",
        };
        stream.write_all(answer).await?;
    }
}

/// Reads a mail up to its end; whether it came whole.
async fn mail(stream: &mut BufReader<TcpStream>, taken: &Taken) -> std::io::Result<bool> {
    let (mut signed, mut greeted, mut bytes) = (false, false, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = stream.read_until(b'\n', &mut line).await?;
        if read == 0 {
            return Ok(false);
        }
        if line == b".\r\n" {
            break;
        }
        bytes += read as u64;
        signed |= line.starts_with(b"DKIM-Signature:");
        greeted |= line.windows(GREETING.len()).any(|part| part == GREETING);
    }
    taken.mails.fetch_add(1, Ordering::Relaxed);
    taken.signed.fetch_add(u64::from(signed), Ordering::Relaxed);
    taken.greeted.fetch_add(u64::from(greeted), Ordering::Relaxed);
    taken.bytes.fetch_add(bytes, Ordering::Relaxed);
    Ok(true)
}
