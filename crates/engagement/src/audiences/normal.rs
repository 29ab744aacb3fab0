//! Values in the one spelling that platforms hash.
//!
//! Always holds: a value that is none gives nothing, so that no platform is told the hash of a blank.

/// A mail address: no white space, small letters.
pub fn email(written: &str) -> Option<String> {
    let plain: String = written.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let (local, domain) = plain.rsplit_once('@')?;
    (!local.is_empty() && domain.contains('.') && plain.len() <= 254).then_some(plain)
}

/// Digits of a number in E.164, without the plus sign.
pub fn phone(e164: &str) -> Option<String> {
    let digits = e164.strip_prefix('+')?;
    let is_one = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| digits.to_owned())
}

/// A name: small letters, no punctuation, no white space around it.
pub fn name(written: &str) -> Option<String> {
    let kept = |c: &char| c.is_alphanumeric() || c.is_whitespace();
    let plain: String = written.to_lowercase().chars().filter(kept).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    (!plain.is_empty() && plain.len() <= 200).then_some(plain)
}

/// Two small letters.
pub fn country(written: &str) -> Option<String> {
    let plain = written.trim().to_ascii_lowercase();
    (plain.len() == 2 && plain.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(plain)
}

/// A postal code: small letters and digits only.
pub fn zip(written: &str) -> Option<String> {
    let plain: String = written.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    ((3..=12).contains(&plain.chars().count())).then_some(plain)
}
