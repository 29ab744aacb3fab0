//! Our signatures, verified by dkimpy, which has nothing of ours.
//!
//! Needs the Python of `RAPPORT_TEST_PYTHON`, with `tests/requirements.txt` (`cargo xtask test` makes it).

use std::path::PathBuf;
use std::process::Command;

use rapport_channels::dkim::{Algorithm, PrivateKey, Signer};
use rapport_channels::mail::{ListUnsubscribe, Mail, Mailbox};
use rapport_domain::SeededRng;

use crate::sending::mail;

/// The tests' Python; `None` when there is none and nobody requires it.
pub fn python() -> Option<PathBuf> {
    let python = std::env::var_os("RAPPORT_TEST_PYTHON").map(PathBuf::from);
    if python.is_none() {
        assert!(std::env::var_os("RAPPORT_REQUIRE_PYTHON").is_none(), "RAPPORT_TEST_PYTHON is required");
        eprintln!("SKIPPED: RAPPORT_TEST_PYTHON names no Python with crates/channels/tests/requirements.txt");
    }
    python
}

fn signer(algorithm: Algorithm, selector: &str) -> Signer {
    Signer::new("example.org", selector, PrivateKey::generate(algorithm, &SeededRng::new(3)).unwrap()).unwrap()
}

fn rich(name: &str, text: &str) -> Mail {
    Mail {
        to: Mailbox::new(name, "jane@example.com"),
        subject: format!("{name}  您的订单 \t already on its way, with a subject that is longer than a line may be"),
        text: text.to_owned(),
        html: Some(format!("<p>{text}</p>   <b>  x </b>\n\n\n")),
        list_unsubscribe: Some(ListUnsubscribe {
            https_url: "https://example.org/u/abc".to_owned(),
            mailto: Some("stop@example.org".to_owned()),
        }),
        headers: vec![("Feedback-ID".to_owned(), "campaign:7".to_owned()), ("List-Id".to_owned(), "<a.b>".to_owned())],
        ..mail("jane@example.com")
    }
}

#[test]
fn dkimpy_verifies_what_we_sign_and_nothing_that_was_changed() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (rsa, ed) = (signer(Algorithm::Rsa, "r"), signer(Algorithm::Ed25519, "e"));
    let records = serde_json::json!({rsa.dns_name(): rsa.dns_record(), ed.dns_name(): ed.dns_record()});
    let records_file = folder.path().join("records");
    std::fs::write(&records_file, records.to_string()).unwrap();
    let verify = |bytes: &[u8]| {
        let file = folder.path().join("mail");
        std::fs::write(&file, bytes).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify.py");
        let run = Command::new(&python).arg(script).arg(&file).arg(&records_file).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap().lines().map(|line| line == "ok").collect::<Vec<bool>>()
    };
    let mails = [
        mail("jane@example.com"),
        rich("Jane", "plain text"),
        rich("王小明", "多行\n\n  文本 \t \n\n\n\n"),
        rich("Ärger & \"Co\"", &"very long line ".repeat(200)),
    ];
    for mail in &mails {
        let bytes = mail.prepare(&[&rsa, &ed]).unwrap().bytes;
        assert_eq!(verify(&bytes), [true, true], "{}", String::from_utf8_lossy(&bytes));
    }
    let bytes = mails[1].prepare(&[&rsa, &ed]).unwrap().bytes;
    let text = String::from_utf8(bytes).unwrap();
    for (from, to) in [
        ("plain text", "other text"),
        ("https://example.org/u/abc", "https://evil.example/u/abc"),
        ("List-Unsubscribe=One-Click", "List-Unsubscribe=Two-Click"),
        ("Message-ID:", "Subject: a second one\r\nMessage-ID:"),
        ("Message-ID:", "Reply-To: evil@example.net\r\nMessage-ID:"),
        ("Message-ID:", "Cc: evil@example.net\r\nMessage-ID:"),
        ("Message-ID:", "Content-Type: text/html\r\nMessage-ID:"),
        ("Message-ID:", "List-Unsubscribe: <https://evil.example>\r\nMessage-ID:"),
        ("05:00:00", "06:00:00"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert_eq!(verify(changed.as_bytes()), [false, false], "{from} -> {to}");
    }
}
