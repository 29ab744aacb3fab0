//! How many mails a second are made, signed and handed to a server on this machine. It prints figures and judges none:
//! `cargo test --release -p rapport-channels throughput -- --nocapture`.

use std::time::Instant;

use rapport_channels::Outcome;
use rapport_channels::dkim::{Algorithm, PrivateKey, Signer};
use rapport_channels::smtp::{Security, Settings, Smtp};
use rapport_domain::SeededRng;

use crate::sending::mail;
use crate::sink::{Manner, Sink};

const MAILS: usize = 600;

#[tokio::test]
async fn throughput() {
    let key = PrivateKey::generate(Algorithm::Rsa, &SeededRng::new(3)).unwrap();
    let signer = Signer::new("example.org", "r", key).unwrap();
    let mut mail = mail("jane@example.com");
    mail.html = Some(format!(
        "<p>Guten Tag</p>{}",
        "<p>Ein Absatz von gewöhnlicher Länge, wie er in Mails steht.</p>\n".repeat(180)
    ));
    let start = Instant::now();
    for _ in 0..MAILS {
        mail.prepare(&[&signer]).unwrap();
    }
    let making = start.elapsed();
    let sink = Sink::start(Manner::default(), &[]).await;
    let smtp = Smtp::new(Settings::new("localhost", sink.port, Security::Plain)).unwrap();
    let start = Instant::now();
    // One thread for our side and the server's.
    let each = (0..MAILS).map(async |_| smtp.send(&mail.prepare(&[&signer]).unwrap()).await);
    let outcomes = futures::future::join_all(each).await;
    let all = start.elapsed();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted { .. })));
    assert_eq!(sink.kept().len(), MAILS);
    let rate = |time: std::time::Duration| MAILS as f64 / time.as_secs_f64();
    println!(
        "{} bytes a mail; made and signed: {:.0} mails/s; made, signed, sent and received on one thread: {:.0} mails/s",
        sink.kept()[0].bytes.len(),
        rate(making),
        rate(all)
    );
}
