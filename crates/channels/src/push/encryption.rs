//! Encryption for one browser: `aes128gcm` (RFC 8188) with keys agreed as RFC 8291 says.
//!
//! Always holds: one record; a new key pair and salt each time, which is what makes the nonce safe to use.

use p256::{PublicKey, SecretKey};
use rapport_domain::Rng;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use super::Subscription;
use crate::Error;

/// The record size that is written into the header. Services take 4,096 bytes at least (RFC 8030, section 7.2) and often no more.
const RECORD: u32 = 4_096;
/// Salt, record size, length of the key, key.
const HEADER: usize = 16 + 4 + 1 + 65;
/// The largest payload, in bytes (RFC 8291, section 4): 4,096 without header, delimiter and tag.
pub const LARGEST_MESSAGE: usize = RECORD as usize - HEADER - 1 - 16;

/// The body of the request.
pub(super) fn encrypt(to: &Subscription, payload: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, Error> {
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    sealed(to, payload, &super::vapid::new_key(rng), salt)
}

fn sealed(to: &Subscription, payload: &[u8], key: &SecretKey, salt: [u8; 16]) -> Result<Vec<u8>, Error> {
    if payload.len() > LARGEST_MESSAGE {
        return Err(Error::message("payload", format!("it is larger than {LARGEST_MESSAGE} bytes; shorten it")));
    }
    let unfit = || Error::Key("a subscription's key is no point of P-256");
    let theirs = PublicKey::from_sec1_bytes(&to.key).map_err(|_| unfit())?;
    let ours = key.public_key().to_sec1_bytes();
    let shared = key.diffie_hellman(&theirs);
    // RFC 8291, 3.4.
    let agreed = Salt::new(HKDF_SHA256, &to.auth).extract(shared.raw_secret_bytes());
    let secret: [u8; 32] = expanded(&agreed, &[b"WebPush: info\0", &to.key, &ours])?;
    // RFC 8188, 2.2 and 2.3.
    let random = Salt::new(HKDF_SHA256, &salt).extract(&secret);
    let content_key: [u8; 16] = expanded(&random, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expanded(&random, &[b"Content-Encoding: nonce\0"])?;
    let content_key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content_key).map_err(|_| unfit())?);
    let mut text = payload.to_vec();
    // The delimiter of the last record, without padding.
    text.push(2);
    let nonce = Nonce::assume_unique_for_key(nonce);
    content_key.seal_in_place_append_tag(nonce, Aad::empty(), &mut text).map_err(|_| unfit())?;
    let mut body = Vec::with_capacity(HEADER + text.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&RECORD.to_be_bytes());
    body.push(65);
    body.extend_from_slice(&ours);
    body.extend_from_slice(&text);
    Ok(body)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expanded<const N: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; N], Error> {
    let mut out = [0; N];
    let failed = |_| Error::Key("no key could be derived");
    key.expand(info, Length(N)).and_then(|okm| okm.fill(&mut out)).map_err(failed)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    /// The example of RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_rfc() {
        let to = Subscription::new(
            "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
        )
        .unwrap();
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let key = SecretKey::from_slice(&decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt: [u8; 16] = decoded("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let body = sealed(&to, b"When I grow up, I want to be a watermelon", &key, salt).unwrap();
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y\
             l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let key = super::super::vapid::new_key(&rapport_domain::SeededRng::new(1));
        let point = BASE64_URL_SAFE_NO_PAD.encode(key.public_key().to_sec1_bytes());
        let to = Subscription::new("https://push.example.net/a", &point, "BTBZMqHH6r4Tts7J_aSIgg").unwrap();
        let rng = rapport_domain::SeededRng::new(2);
        assert_eq!(encrypt(&to, &[0; LARGEST_MESSAGE], &rng).unwrap().len(), 4_096);
        assert!(encrypt(&to, &[0; LARGEST_MESSAGE + 1], &rng).is_err());
    }
}
