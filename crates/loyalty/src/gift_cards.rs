//! Gift cards: value in money or points that a code stands for, for nobody in particular.
//!
//! Always holds: of a code only a hash under the workspace's key is kept; whoever reads the database cannot spend.
//!
//! Does not: keep the value. That is in the ledger, each card in an account of its own ([`crate::records::gift_cards`]).

mod refusal;

use rapport_domain::Rng;

pub use refusal::Refusal;

use crate::codes;

/// The workspace's key for codes of gift cards.
#[derive(Clone, Copy)]
pub struct CodeKey(pub [u8; 32]);

impl std::fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeKey(..)")
    }
}

/// What is kept of a code.
pub type Digest = [u8; 32];

/// A new code, which is shown once.
pub struct NewCode {
    /// In groups, as people read it.
    pub shown: String,
    /// What is kept of it.
    pub digest: Digest,
    /// Its last characters, by which people tell one card from another.
    pub tail: String,
}

impl CodeKey {
    /// Makes a code.
    pub fn make(&self, rng: &dyn Rng) -> NewCode {
        let lookup = codes::generate(rng);
        NewCode { shown: codes::shown(&lookup), digest: self.digest(&lookup), tail: codes::masked(&lookup) }
    }

    /// What is kept of a code as somebody typed it.
    ///
    /// # Errors
    /// That it cannot be one: a character is wrong, or two changed places.
    pub fn read(&self, text: &str) -> Result<Digest, Refusal> {
        let lookup = codes::lookup(text).filter(|it| codes::is_own(it)).ok_or(Refusal::Mistyped)?;
        Ok(self.digest(&lookup))
    }

    fn digest(&self, lookup: &str) -> Digest {
        *blake3::keyed_hash(&self.0, lookup.as_bytes()).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::SeededRng;

    #[test]
    fn a_code_is_known_again_however_it_is_typed() {
        let key = CodeKey([7; 32]);
        let code = key.make(&SeededRng::new(1));
        for typed in [code.shown.clone(), code.shown.to_lowercase(), code.shown.replace('-', " ")] {
            assert_eq!(key.read(&typed), Ok(code.digest), "{typed}");
        }
        assert_ne!(CodeKey([8; 32]).read(&code.shown), Ok(code.digest), "another workspace's key");
        for wrong in ["", "R", "SOMMER10", "a\0b", "' OR 1=1", &code.shown[..13], &format!("{}2", code.shown)] {
            assert_eq!(key.read(wrong), Err(Refusal::Mistyped), "{wrong}");
        }
        assert!(!format!("{key:?}").contains('7'), "no log line has the key");
    }
}
