//! The key by which a push service knows us (VAPID, RFC 8292).
//!
//! Always holds: subscriptions are bound to the key that was there when they were made (section 4); a new key makes all of them dead. `Debug` does not show it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use rapport_domain::{Rng, Timestamp};

use crate::Error;

/// A signature may be valid for 24 hours at most (section 2); half of it leaves room for clocks that are wrong.
const VALID: i64 = 12 * Timestamp::HOUR;

/// A key, and whom to ask when something is wrong with what it signs.
pub struct VapidKey {
    secret: SecretKey,
    signing: SigningKey,
    contact: String,
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VapidKey({})", self.public_key())
    }
}

impl VapidKey {
    /// A new key; `contact` is `mailto:...` or an `https:` address (section 2.1).
    ///
    /// # Errors
    /// [`Error::Settings`] when the contact is neither.
    pub fn generate(contact: &str, rng: &dyn Rng) -> Result<Self, Error> {
        Self::with(new_key(rng), contact)
    }

    /// Reads a key, as [`VapidKey::private_key`] writes it.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::Settings`].
    pub fn parse(private_key: &str, contact: &str) -> Result<Self, Error> {
        let damaged = || Error::Key("a private key of web push is 32 bytes in base64url");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(private_key.trim().trim_end_matches('=')).map_err(|_| damaged())?;
        Self::with(SecretKey::from_slice(&bytes).map_err(|_| damaged())?, contact)
    }

    fn with(secret: SecretKey, contact: &str) -> Result<Self, Error> {
        if !contact.starts_with("mailto:") && !contact.starts_with("https://") {
            return Err(Error::settings("push.contact", "it begins with mailto: or https://"));
        }
        let signing = SigningKey::from(&secret);
        Ok(Self { secret, signing, contact: contact.to_owned() })
    }

    /// The private key in base64url. It is a secret.
    pub fn private_key(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.secret.to_bytes())
    }

    /// What a page gives to `pushManager.subscribe` as `applicationServerKey`.
    pub fn public_key(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.secret.public_key().to_sec1_bytes())
    }

    /// The value of `Authorization` for a push service (sections 2 and 3).
    pub(super) fn authorization(&self, origin: &str, now: Timestamp) -> String {
        let expires = now.plus(VALID).0.div_euclid(Timestamp::SECOND);
        let claims = serde_json::json!({"aud": origin, "exp": expires, "sub": self.contact}).to_string();
        let encoded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}", encoded(r#"{"typ":"JWT","alg":"ES256"}"#), encoded(&claims));
        let signature: Signature = self.signing.sign(token.as_bytes());
        format!("vapid t={token}.{}, k={}", BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes()), self.public_key())
    }
}

/// A key of chance. Almost every 32 bytes are one.
pub(super) fn new_key(rng: &dyn Rng) -> SecretKey {
    loop {
        let mut bytes = [0; 32];
        rng.fill(&mut bytes);
        if let Ok(key) = SecretKey::from_slice(&bytes) {
            return key;
        }
    }
}
