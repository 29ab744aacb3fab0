//! What we encrypt, decrypted by http_ece (Python), as a browser would.
//!
//! Needs the Python of `RAPPORT_TEST_PYTHON`. The message is caught by a push service on this machine.

use std::process::Command;
use std::time::Duration;

use rapport_channels::Outcome;
use rapport_channels::outbound::Client;
use rapport_channels::push::{PushMessage, Subscription, Urgency, VapidKey, send};
use rapport_domain::{SystemRng, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::signatures::python;

/// Makes a browser's key: its private key in hexadecimal, and the point in base64url.
const KEY: &str = "import base64\nfrom cryptography.hazmat.primitives.asymmetric import ec\n\
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat\n\
k = ec.generate_private_key(ec.SECP256R1())\n\
p = k.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)\n\
print('%064x' % k.private_numbers().private_value, base64.urlsafe_b64encode(p).decode().rstrip('='))";

const DECRYPT: &str = "import sys, http_ece\nfrom cryptography.hazmat.primitives.asymmetric import ec\n\
k = ec.derive_private_key(int(sys.argv[1], 16), ec.SECP256R1())\n\
sys.stdout.buffer.write(http_ece.decrypt(open(sys.argv[2], 'rb').read(), private_key=k, auth_secret=b'0123456789abcdef', version='aes128gcm'))";

#[tokio::test]
async fn a_browser_reads_what_we_send() {
    let Some(python) = python() else { return };
    let run = |arguments: &[&str]| {
        let run = Command::new(&python).arg("-c").args(arguments).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    let keys = run(&[KEY]);
    let (private, point) = keys.trim().split_once(' ').unwrap();
    let folder = tempfile::tempdir().unwrap();
    for payload in ["", "{\"title\":\"您好\"}", &"x".repeat(rapport_channels::push::LARGEST_MESSAGE)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://127.0.0.1:{}/push/abc", listener.local_addr().unwrap().port());
        let service = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            loop {
                let mut some = [0; 8_192];
                let read = stream.read(&mut some).await.unwrap();
                request.extend_from_slice(&some[..read]);
                let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned)).unwrap();
                if request.len() - end - 4 == length.parse::<usize>().unwrap() {
                    stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                    return request.split_off(end + 4);
                }
            }
        });
        // 16 bytes of the browser: b"0123456789abcdef".
        let to = Subscription::new(&endpoint, point, "MDEyMzQ1Njc4OWFiY2RlZg").unwrap();
        let key = VapidKey::generate("mailto:crm@example.org", &SystemRng).unwrap();
        let message = PushMessage {
            payload: payload.into(),
            keep: Duration::from_secs(60),
            urgency: Urgency::Normal,
            topic: None,
        };
        let client = Client::new(true).unwrap();
        let outcome = send(&client, &key, &to, &message, Timestamp::from_seconds(1_764_219_602), &SystemRng).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        let file = folder.path().join("body");
        std::fs::write(&file, service.await.unwrap()).unwrap();
        assert_eq!(run(&[DECRYPT, private, file.to_str().unwrap()]), payload);
    }
}
