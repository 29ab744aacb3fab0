//! What a mail server answers (RFC 5321, 4.2; RFC 2034 and RFC 3463 for enhanced codes), and what follows from it.
//!
//! Always holds: an answer is bounded in lines and length. A code that is not understood is judged by its first digit (4.3.2).

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use crate::redaction::redacted;
use crate::{Refusal, RefusalKind};

/// RFC 5321, 4.5.3.1.5 allows 512 bytes a line; some servers write more.
const LONGEST_LINE: u64 = 4_096;
const MOST_LINES: usize = 128;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// 200 to 599.
    pub code: u16,
    /// The lines without their codes.
    pub lines: Vec<String>,
}

/// In which step something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Greeting, EHLO, STARTTLS, AUTH.
    Opening,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA, and what comes after the mail.
    Data,
}

impl Reply {
    /// Reads one answer; an error when the connection ends, or when it is no SMTP that comes.
    pub(super) async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            (&mut *stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
            if !line.ends_with(b"\n") {
                let kind = std::io::ErrorKind::UnexpectedEof;
                return Err(std::io::Error::new(kind, "the server closed the connection"));
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            let (code, more) = begin(text).filter(|_| lines.len() < MOST_LINES).ok_or_else(odd)?;
            lines.push(text.get(4..).unwrap_or_default().to_owned());
            if !more {
                return Ok(Self { code, lines });
            }
        }
    }

    /// The whole text, its lines joined.
    pub(super) fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The enhanced code that the text begins with, e.g. `5.1.1`.
    pub(super) fn enhanced(&self) -> Option<String> {
        let word = self.lines.first()?.split_whitespace().next()?;
        is_enhanced(word).then(|| word.to_owned())
    }

    pub(super) fn refusal(&self, step: Step, recipient: &str) -> Refusal {
        let enhanced = self.enhanced();
        Refusal {
            kind: kind(self.code, enhanced.as_deref(), step),
            code: Some(self.code.into()),
            enhanced,
            text: redacted(&self.text(), recipient),
            retry_after: None,
        }
    }
}

fn odd() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, "what answers is no mail server")
}

/// The code of a line, and whether another follows.
fn begin(line: &str) -> Option<(u16, bool)> {
    let code: u16 = line.get(..3)?.parse().ok().filter(|code| (200..600).contains(code))?;
    match line.as_bytes().get(3) {
        None | Some(b' ') => Some((code, false)),
        Some(b'-') => Some((code, true)),
        Some(_) => None,
    }
}

/// Three numbers, the first 2, 4 or 5, the others of at most three digits (RFC 3463, section 2).
pub(crate) fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && ["2", "4", "5"].contains(&parts[0]) && number(parts[1]) && number(parts[2])
}

fn kind(code: u16, enhanced: Option<&str>, step: Step) -> RefusalKind {
    // An enhanced code that contradicts the reply code counts less (RFC 2034, section 4: the first digits are the same).
    if code < 500 {
        return RefusalKind::Temporary;
    }
    if step == Step::Opening {
        return RefusalKind::Sender;
    }
    let detail = enhanced.filter(|text| text.starts_with("5.")).map_or("", |text| &text[2..]);
    match detail {
        // 5.1.7, 5.1.8: the sender's address; 5.5.X: how we speak the protocol.
        "1.7" | "1.8" => RefusalKind::Sender,
        _ if detail.starts_with("5.") => RefusalKind::Sender,
        // A line for the message is too long or it is too large; its form or content does not fit.
        "2.3" | "3.4" => RefusalKind::Message,
        _ if detail.starts_with("6.") => RefusalKind::Message,
        _ if detail.starts_with("7.") => RefusalKind::Policy,
        _ => by_step(code, step),
    }
}

fn by_step(code: u16, step: Step) -> RefusalKind {
    match (step, code) {
        (_, 552) => RefusalKind::Message,
        (_, 530 | 535 | 538 | 500..=504) => RefusalKind::Sender,
        (Step::Sender, _) => RefusalKind::Sender,
        (Step::Recipient, _) => RefusalKind::Recipient,
        // After the text was seen: most of these are judgements of it, and none says that the address is wrong.
        (_, 550) => RefusalKind::Policy,
        _ => RefusalKind::Message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn read(text: &[u8]) -> Option<Reply> {
        Reply::read(&mut &*text).await.ok()
    }

    #[tokio::test]
    async fn answers_are_read() {
        let reply = read(b"250-mx.example.org hello\r\n250-PIPELINING\r\n250 SIZE 100\r\n").await.unwrap();
        assert_eq!((reply.code, reply.lines.len(), &*reply.lines[2]), (250, 3, "SIZE 100"));
        assert_eq!(read(b"354\r\n").await.unwrap().code, 354);
        for text in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"25", b"250-only\r\n", b"999 x\r\n", b"250x\r\n", b""] {
            assert_eq!(read(text).await, None, "{text:?}");
        }
        assert_eq!(read(&b"250-x\r\n".repeat(10_000)).await, None);
        assert_eq!(read(&b"x".repeat(100_000)).await, None);
    }

    #[test]
    fn what_follows_from_a_refusal() {
        use RefusalKind::{Message, Policy, Recipient, Sender, Temporary};
        for (code, text, step, kind) in [
            (450, "4.2.1 greylisted", Step::Recipient, Temporary),
            (452, "4.2.2 over quota", Step::Recipient, Temporary),
            (421, "closing", Step::Opening, Temporary),
            (550, "5.1.1 <x>: unknown", Step::Recipient, Recipient),
            (550, "No such user", Step::Recipient, Recipient),
            (550, "5.4.1 Recipient address rejected: Access denied", Step::Recipient, Recipient),
            (554, "5.7.1 Relay access denied", Step::Recipient, Policy),
            (550, "5.1.8 bad sender's domain", Step::Recipient, Sender),
            (553, "sorry, that domain isn't allowed", Step::Sender, Sender),
            (552, "5.3.4 Message too big", Step::Data, Message),
            (552, "too big", Step::Sender, Message),
            (554, "Transaction failed", Step::Data, Message),
            (550, "5.7.26 unauthenticated mail", Step::Data, Policy),
            (535, "5.7.8 bad password", Step::Opening, Sender),
            (503, "5.5.1 bad sequence", Step::Recipient, Sender),
        ] {
            let reply = Reply { code, lines: vec![text.to_owned()] };
            assert_eq!(reply.refusal(step, "x@example.org").kind, kind, "{code} {text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(read(&text));
        }
    }
}
