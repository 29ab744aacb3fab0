//! Passwords: Argon2id with 19 MiB (the OWASP minimum), hashed on a blocking thread.
//!
//! Always holds: an unknown user costs as much time as a known one; few hashes run at once, so that guessing cannot take all memory.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use rapport_domain::Rng;
use tokio::sync::Semaphore;

use crate::problem::{Problem, Result};

/// Characters of the shortest and longest password.
pub const LENGTH: std::ops::RangeInclusive<usize> = 10..=200;

/// How many hashes are computed at once.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What is compared against when there is no such user: the hash of a random password nobody knows.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let mut bytes = [0; 32];
    rapport_domain::SystemRng.fill(&mut bytes);
    hash_now(&bytes, [0; 16]).unwrap_or_default()
});

/// Refuses passwords that are too short or too long, or are the address itself.
pub fn check(password: &str, email: &str) -> Result<()> {
    if !LENGTH.contains(&password.chars().count()) {
        let why = format!("has {} to {} characters", LENGTH.start(), LENGTH.end());
        return Err(Problem::invalid("password", why));
    }
    if password.eq_ignore_ascii_case(email.trim()) {
        return Err(Problem::invalid("password", "is not the e-mail address"));
    }
    Ok(())
}

/// The PHC text of a password's hash.
pub async fn hash(password: String, rng: &dyn Rng) -> Result<String> {
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    let _turn = TURNS.acquire().await.map_err(Problem::internal)?;
    let work = tokio::task::spawn_blocking(move || hash_now(password.as_bytes(), salt));
    work.await.map_err(Problem::internal)?.ok_or_else(|| Problem::internal("argon2 failed"))
}

/// Whether `password` is the one of `stored`; with `None` it takes the same time and is false.
pub async fn verify(password: String, stored: Option<String>) -> Result<bool> {
    let _turn = TURNS.acquire().await.map_err(Problem::internal)?;
    let work = tokio::task::spawn_blocking(move || {
        let known = stored.is_some();
        let text = stored.unwrap_or_else(|| NOBODY.clone());
        let right = PasswordHash::new(&text)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        right && known
    });
    work.await.map_err(Problem::internal)
}

fn hash_now(password: &[u8], salt: [u8; 16]) -> Option<String> {
    Argon2::default().hash_password_with_salt(password, &salt).ok().map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::SeededRng;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let stored = hash("correct horse".to_owned(), &SeededRng::new(1)).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse".to_owned(), Some(stored.clone())).await.unwrap());
        assert!(!verify("correct horse ".to_owned(), Some(stored)).await.unwrap());
        assert!(!verify("correct horse".to_owned(), None).await.unwrap());
    }

    #[test]
    fn weak_passwords_are_refused() {
        assert!(check("ten letter", "a@b.c").is_ok());
        assert!(check("short", "a@b.c").is_err());
        assert!(check("someone@example.org", "Someone@example.org ").is_err());
    }
}
