//! Private keys for signing mails: made, read, written, and their public side as the DNS has it.
//!
//! Always holds: a key's text is PEM (PKCS#8), as openssl writes it; it is a secret, and no `Debug` shows it. ring signs, in constant time; `rsa` only makes keys.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::Rng;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::EncodePrivateKey;
use sha2::{Digest, Sha256};

use crate::Error;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA, 2,048 bits: every receiver knows it.
    Rsa,
    /// Ed25519 (RFC 8463): small and fast; some large receivers do not check it yet, so that it stands beside an RSA signature.
    Ed25519,
}

impl Algorithm {
    /// As `a=` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }
}

/// A private key.
pub struct PrivateKey {
    pair: Pair,
    pem: String,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({})", self.algorithm().as_str())
    }
}

/// A PKCS#8 Ed25519 key (RFC 8410, section 7) up to its 32 bytes.
const ED25519: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// The algorithm of an RSA public key (RFC 8017, A.1), as SubjectPublicKeyInfo has it.
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

impl PrivateKey {
    /// A new key. An RSA key takes a second or so of computing; do it outside of async tasks.
    ///
    /// # Errors
    /// [`Error::Key`] when no key could be made.
    pub fn generate(algorithm: Algorithm, rng: &dyn Rng) -> Result<Self, Error> {
        let failed = |_| Error::Key("no key could be made");
        let der = match algorithm {
            Algorithm::Rsa => {
                let key =
                    rsa::PrivateKey::new(&mut Bits(rng), 2_048).map_err(|_| Error::Key("no key could be made"))?;
                key.to_pkcs8_der().map_err(failed)?.as_bytes().to_vec()
            }
            Algorithm::Ed25519 => {
                let mut der = ED25519.to_vec();
                let mut seed = [0; 32];
                rng.fill(&mut seed);
                der.extend_from_slice(&seed);
                der
            }
        };
        Self::parse(&pem("PRIVATE KEY", &der))
    }

    /// Reads PEM: `PRIVATE KEY` (RSA or Ed25519) or `RSA PRIVATE KEY`.
    ///
    /// # Errors
    /// [`Error::Key`] when it is damaged, locked by a password, of another kind, or weak.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (label, der) = unpem(text)?;
        let rsa = match label {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok(),
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der).ok(),
            _ => return Err(Error::Key("it is no private key without a password; `openssl genrsa` makes one")),
        };
        let pair = match rsa {
            Some(pair) => Pair::Rsa(Box::new(pair)),
            None => Pair::Ed25519(
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
                    .map_err(|_| Error::Key("it is neither an RSA key of 2,048 bits or more nor an Ed25519 key"))?,
            ),
        };
        Ok(Self { pair, pem: pem(label, &der) })
    }

    /// The key as PEM. It is a secret.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rsa,
            Pair::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The TXT record for the DNS (RFC 6376, 3.6.1; RFC 8463, section 4).
    pub(super) fn dns_record(&self) -> String {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut bits = vec![0];
                bits.extend_from_slice(pair.public().as_ref());
                let key = der(0x30, &[RSA, &der(0x03, &bits)].concat());
                format!("v=DKIM1; k=rsa; p={}", BASE64_STANDARD.encode(key))
            }
            Pair::Ed25519(pair) => {
                format!("v=DKIM1; k=ed25519; p={}", BASE64_STANDARD.encode(pair.public_key().as_ref()))
            }
        }
    }

    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                // Blinding only: the signature itself is the same each time.
                let random = ring::rand::SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
                    .map_err(|_| Error::Key("it cannot sign"))?;
                Ok(signature)
            }
            // RFC 8463, section 3: what is signed is the hash, not the text.
            Pair::Ed25519(pair) => Ok(pair.sign(&Sha256::digest(text)).as_ref().to_vec()),
        }
    }
}

/// Our door to randomness, as `rsa` wants it.
struct Bits<'a>(&'a dyn Rng);

impl rand::TryRng for Bits<'_> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl rand::TryCryptoRng for Bits<'_> {}

/// A value of DER: tag, length, content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    if content.len() >= 128 {
        out.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
    }
    out.extend_from_slice(length);
    out.extend_from_slice(content);
    out
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn unpem(text: &str) -> Result<(&'static str, Vec<u8>), Error> {
    let damaged = Error::Key("it is no PEM text; paste the file from -----BEGIN to END-----");
    let Some((_, rest)) = text.split_once("-----BEGIN ") else { return Err(damaged) };
    let Some((label, rest)) = rest.split_once("-----") else { return Err(damaged) };
    let Some((body, _)) = rest.split_once("-----END ") else { return Err(damaged) };
    let letters: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let known = ["PRIVATE KEY", "RSA PRIVATE KEY"].into_iter().find(|known| *known == label).unwrap_or("");
    Ok((known, BASE64_STANDARD.decode(letters).map_err(|_| damaged)?))
}
