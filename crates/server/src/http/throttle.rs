//! How often one network address may do what anybody may do on a public page.
//!
//! Always holds: addresses are in memory only, and forgotten with their hour; of IPv6 a whole /64 is one, because whoever has one address has all of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;
use rapport_domain::Timestamp;

use crate::problem::{Problem, Result};

/// What was done is counted for this long.
const WINDOW: i64 = Timestamp::HOUR;
/// So many addresses are remembered; beyond them those of past hours are forgotten, and if that is not enough all.
const MOST_ADDRESSES: usize = 50_000;

/// Counts by what is done and who does it.
#[derive(Default)]
pub struct Throttle(Mutex<Counted>);

/// By what is done and from where: since when, and how often.
type Counted = HashMap<(&'static str, IpAddr), (Timestamp, u32)>;

impl Throttle {
    /// Counts one more; refuses it when there were `most` in the hour.
    ///
    /// # Errors
    /// 429.
    pub fn count(&self, what: &'static str, from: IpAddr, most: u32, now: Timestamp) -> Result<()> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MOST_ADDRESSES {
            counted.retain(|_, it| now < it.0.plus(WINDOW));
            if counted.len() >= MOST_ADDRESSES {
                counted.clear();
            }
        }
        let entry = counted.entry((what, network(from))).or_insert((now, 0));
        if now >= entry.0.plus(WINDOW) {
            *entry = (now, 0);
        }
        if entry.1 >= most {
            let seconds = u32::try_from((entry.0.plus(WINDOW).0 - now.0) / Timestamp::SECOND + 1).unwrap_or(3_600);
            let detail = "This was sent too often from here.";
            return Err(Problem::later(StatusCode::TOO_MANY_REQUESTS, "too_often", detail, seconds));
        }
        entry.1 += 1;
        Ok(())
    }
}

fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_does_it_too_often_waits_and_others_do_not() {
        let throttle = Throttle::default();
        let at = |minutes: i64| Timestamp(minutes * Timestamp::MINUTE);
        let may = |from: &str, minutes: i64| throttle.count("complain", from.parse().unwrap(), 2, at(minutes)).is_ok();
        assert!(may("192.0.2.1", 0) && may("192.0.2.1", 1) && !may("192.0.2.1", 2));
        assert!(may("192.0.2.2", 2) && !may("::ffff:192.0.2.1", 3));
        assert!(may("192.0.2.1", 60), "an hour later it begins anew");
        assert!(may("2001:db8::1", 0) && may("2001:db8::2", 0) && !may("2001:db8::3", 0) && may("2001:db8:0:1::3", 0));
        assert!(throttle.count("vote", "192.0.2.1".parse().unwrap(), 2, at(0)).is_ok());
    }
}
