//! Referrals: members bring friends, and both get something when the friend has become a customer who stays one.
//!
//! A [`Referral`] is what staff write: what both get, what the friend must do and within which time, how often, and which signs of fraud are looked at. [`courses`] says what becomes of a friend's codes,
//! [`signals`] what two people share.
//!
//! Always holds: how a referral stands follows from what happened and what people decided, whatever the order in which it was told; of several codes that a friend used, the first valid one counts;
//! of several reasons to refuse, the same one is given.
//!
//! Does not: count, read or post; see [`records::referrals`](crate::records::referrals).

mod course;
mod reason;
mod referral;
pub mod signals;

pub use course::{Act, Claim, Code, Course, Decision, Friend, Kept, Known, Place, Referrer, Terms, courses};
pub use reason::{Reason, State};
pub use referral::{Fraud, FriendGets, Level, Newcomer, Page, Qualifies, Referral, ReferrerGets, Step};
