//! Secrets made of 256 random bits: write keys, API keys, session tokens, sign-in links.
//!
//! Always holds: a secret's text is given out once; what is stored is its BLAKE3 hash. A plain hash suffices, because nobody can
//! guess 256 random bits.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rapport_domain::Rng;
use subtle::ConstantTimeEq;

/// How write keys begin.
pub const WRITE_KEY: &str = "rw_";
/// How API keys begin.
pub const API_KEY: &str = "rk_";
/// Sessions and links are never shown to people and need no mark.
pub const UNMARKED: &str = "";

/// Characters of a key that are kept to recognise it by.
const SHOWN: usize = 9;

/// A new secret.
pub struct Secret {
    /// What its owner gets.
    pub text: String,
    /// What is stored.
    pub hash: [u8; 32],
}

impl Secret {
    /// A new one that begins with `mark`.
    pub fn new(mark: &str, rng: &dyn Rng) -> Self {
        let mut random = [0; 32];
        rng.fill(&mut random);
        let text = format!("{mark}{}", BASE64_URL_SAFE_NO_PAD.encode(random));
        Self { hash: hash(&text), text }
    }

    /// The first characters, to recognise it by.
    pub fn prefix(&self) -> String {
        self.text.chars().take(SHOWN).collect()
    }
}

/// What is stored of a secret.
pub fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// The CSRF token that belongs to a session's token. Derived, so that it needs no storage; it says nothing about the token.
pub fn csrf_token(session_token: &str) -> String {
    let derived = blake3::derive_key("rapport 2026-11 csrf token of a session", session_token.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(derived)
}

/// Whether two texts are equal, in a time that does not depend on where they differ.
pub fn equal(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::SeededRng;

    #[test]
    fn a_secret_is_long_marked_and_found_by_its_hash() {
        let rng = SeededRng::new(1);
        let (first, second) = (Secret::new(WRITE_KEY, &rng), Secret::new(WRITE_KEY, &rng));
        assert!(first.text.starts_with("rw_") && first.text.len() == 3 + 43, "{}", first.text);
        assert_ne!(first.text, second.text);
        assert_eq!(first.hash, hash(&first.text));
        assert!(first.text.starts_with(&first.prefix()) && first.prefix().len() == SHOWN);
        assert_ne!(csrf_token(&first.text), csrf_token(&second.text));
        assert!(equal("a", "a") && !equal("a", "b") && !equal("a", "ab"));
    }
}
