//! How a receiver knows that a request is ours, and we that one is theirs: Standard Webhooks (standardwebhooks.com).
//!
//! Always holds: a signature covers id, time and body; what is checked is compared in constant time, and is refused when it is old.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rapport_domain::{Rng, Timestamp};
use sha2::Sha256;

use crate::Error;

/// What begins a secret.
const MARK: &str = "whsec_";
/// How far the clocks of both sides may differ, as the specification's libraries have it.
const TOLERANCE: i64 = 5 * Timestamp::MINUTE;

/// A new secret: 24 random bytes.
pub fn new_secret(rng: &dyn Rng) -> String {
    let mut bytes = [0; 24];
    rng.fill(&mut bytes);
    format!("{MARK}{}", BASE64_STANDARD.encode(bytes))
}

/// `v1,` and the HMAC-SHA256 of id, time and body.
///
/// # Errors
/// [`Error::Key`] when the secret is damaged.
pub fn standard_webhooks(secret: &str, id: &str, seconds: i64, body: &str) -> Result<String, Error> {
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac(secret, id, seconds, body.as_bytes())?.finalize().into_bytes())))
}

/// Checks the three headers of a request that came in: `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature` (one or several, by spaces).
///
/// # Errors
/// [`Error::Signature`] when none fits or the time is more than five minutes away; [`Error::Key`].
pub fn check(
    secret: &str,
    id: &str,
    seconds: &str,
    signatures: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    let at: i64 = seconds.trim().parse().map_err(|_| Error::Signature)?;
    if at.saturating_mul(Timestamp::SECOND).abs_diff(now.0) > TOLERANCE.unsigned_abs() {
        return Err(Error::Signature);
    }
    let mac = mac(secret, id, at, body)?;
    for signature in signatures.split_ascii_whitespace().filter_map(|each| each.strip_prefix("v1,")).take(8) {
        if let Ok(bytes) = BASE64_STANDARD.decode(signature)
            && mac.clone().verify_slice(&bytes).is_ok()
        {
            return Ok(());
        }
    }
    Err(Error::Signature)
}

fn mac(secret: &str, id: &str, seconds: i64, body: &[u8]) -> Result<Hmac<Sha256>, Error> {
    let damaged = "the secret of a webhook is damaged";
    let key = BASE64_STANDARD.decode(secret.strip_prefix(MARK).unwrap_or(secret)).map_err(|_| Error::Key(damaged))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| Error::Key(damaged))?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (standard-webhooks, `spec/standard-webhooks.md`, "Signature scheme").
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let found = standard_webhooks(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#)
            .unwrap();
        assert_eq!(found, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_was_signed_is_checked() {
        let secret = new_secret(&rapport_domain::SeededRng::new(1));
        let signature = format!("v1,AAAA {}", standard_webhooks(&secret, "m", 1_000, "{}").unwrap());
        let now = Timestamp::from_seconds(1_200);
        assert!(check(&secret, "m", "1000", &signature, b"{}", now).is_ok());
        for (id, seconds, body, now) in [
            ("n", "1000", "{}", now),
            ("m", "1001", "{}", now),
            ("m", "1000", "[]", now),
            ("m", "1000", "{}", Timestamp::from_seconds(1_301)),
            ("m", "9223372036854775807", "{}", now),
            ("m", "soon", "{}", now),
        ] {
            assert!(check(&secret, id, seconds, &signature, body.as_bytes(), now).is_err(), "{id} {seconds} {body}");
        }
    }
}
