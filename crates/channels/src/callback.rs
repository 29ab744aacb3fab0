//! A request that a provider made to us, before anything of it is believed.

use rapport_domain::Timestamp;

use crate::Error;

/// Older requests are refused. Providers try again for hours, some with the first signature; what they say twice changes nothing, so that this bounds only
/// what somebody can do who once saw a request.
const OLDEST: i64 = Timestamp::DAY;
/// So far may a provider's clock be ahead.
const AHEAD: i64 = 5 * Timestamp::MINUTE;

/// A request that a provider made to us.
#[derive(Clone, Copy, Debug)]
pub struct Callback<'a> {
    /// The whole address that the provider was told, with its query, as it is seen from outside.
    pub url: &'a str,
    /// Names in any case.
    pub headers: &'a [(String, String)],
    /// The raw body.
    pub body: &'a [u8],
}

impl Callback<'_> {
    /// A header that a signature needs.
    ///
    /// # Errors
    /// [`Error::Signature`] without it.
    pub(crate) fn header(&self, name: &str) -> Result<&str, Error> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).ok_or(Error::Signature)
    }
}

/// Whether a request was made lately.
///
/// # Errors
/// [`Error::Signature`] when it was not.
pub(crate) fn lately(at: Timestamp, now: Timestamp) -> Result<(), Error> {
    let age = now.0.saturating_sub(at.0);
    if (-AHEAD..=OLDEST).contains(&age) { Ok(()) } else { Err(Error::Signature) }
}

/// The same of a time in seconds.
pub(crate) fn lately_seconds(seconds: &str, now: Timestamp) -> Result<(), Error> {
    let seconds: i64 = seconds.trim().parse().map_err(|_| Error::Signature)?;
    lately(Timestamp(seconds.saturating_mul(Timestamp::SECOND)), now)
}
