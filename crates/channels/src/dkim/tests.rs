//! Keys and signatures; a signature's truth is tested with dkimpy (`tests/it/signatures.rs`).

use super::*;
use rapport_domain::SeededRng;

#[test]
fn a_key_is_written_and_read_back() {
    for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm, &SeededRng::new(7)).unwrap();
        let again = PrivateKey::parse(key.to_pem()).unwrap();
        assert_eq!((again.algorithm(), again.to_pem()), (algorithm, key.to_pem()));
        assert_eq!(again.sign(b"x").unwrap(), key.sign(b"x").unwrap());
        assert!(!format!("{key:?}").contains("MII"));
    }
}

/// The key and record of RFC 8463, appendix A.
#[test]
fn an_ed25519_record_is_that_of_the_rfc() {
    let seed = BASE64_STANDARD.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap();
    let der = [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &seed].concat();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", BASE64_STANDARD.encode(der));
    let signer = Signer::new("football.example.com", "brisbane", PrivateKey::parse(&pem).unwrap()).unwrap();
    assert_eq!(signer.dns_record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    assert_eq!(signer.dns_name(), "brisbane._domainkey.football.example.com");
}

#[test]
fn weak_damaged_and_foreign_keys_are_refused() {
    for text in [
        "",
        "-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ] {
        assert!(PrivateKey::parse(text).is_err(), "{text}");
    }
    let key = || PrivateKey::generate(Algorithm::Ed25519, &SeededRng::new(1)).unwrap();
    for (domain, selector) in [("exa mple.org", "s"), ("example.org;", "s"), ("example.org", ""), ("a..b", "s")] {
        assert!(Signer::new(domain, selector, key()).is_err(), "{domain} {selector}");
    }
}

#[test]
fn headers_that_matter_are_named_once_more_than_they_are_there() {
    let fields =
        canonical::fields(b"From: a@b.org\r\nTo: c@d.org\r\nSubject: x\r\nList-Unsubscribe: <https://b.org>\r\n");
    let (names, signed) = selected(&fields);
    let times = |name: &str| names.iter().filter(|each| **each == name).count();
    assert_eq!(["from", "to", "subject", "list-unsubscribe", "cc", "date"].map(times), [2, 2, 2, 2, 1, 0]);
    assert_eq!(signed, "from:a@b.org\r\nsubject:x\r\nto:c@d.org\r\nlist-unsubscribe:<https://b.org>\r\n");
}

#[test]
fn a_long_record_is_cut_for_the_zone_file() {
    let text = dns_strings(&"x".repeat(600));
    assert_eq!(text.split(' ').map(str::len).collect::<Vec<_>>(), [257, 257, 92]);
}
