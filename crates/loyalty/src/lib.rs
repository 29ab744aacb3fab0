//! Loyalty: a programme of points on a ledger that cannot be wrong.
//!
//! [`ledger`] is the pure part: what a command does to accounts, lots and holds. [`records`] keeps it in the product database, [`poster`] is the one
//! door through which commands come in, many to a commit. [`program`] says what the programme is and [`earning`] what somebody earns by it; what staff write is a [`document`]. [`dates`] says when points become available and lapse, [`activity`] what keeps them alive, [`jurisdictions`] when the law lets them, [`liability`] what they are worth in the books. [`partners`] say what members earn and burn elsewhere, [`gift_cards`] hold money for whoever has the code, [`paying`] says what points pay at a till. [`challenges`] say what members do for points and [`badges`], [`leaderboards`] who of those who asked did most. [`households`] let members use each other's points.
//!
//! Always holds: every point that came in is in exactly one place, and which lots a debit used up is written down; what was posted is never changed,
//! only answered by a later posting; the same command sent twice is done once and answered the same.
//!
//! Does not do: send anything, or know who a member is: it counts for a member's number, and another table says whose it is.

pub mod activity;
pub mod badges;
pub mod challenges;
pub mod codes;
pub mod dates;
pub mod decimal;
pub mod document;
pub mod earning;
pub mod error;
pub mod gift_cards;
pub mod households;
pub mod jurisdictions;
pub mod leaderboards;
pub mod ledger;
pub mod liability;
pub mod offers;
pub mod opening;
pub mod partners;
pub mod paying;
pub mod poster;
pub mod program;
pub mod records;
pub mod referrals;
pub mod rewards;
pub mod schema;
pub mod simulation;
pub mod staff;
pub mod tiers;
pub mod transfers;
pub mod verify;

pub use document::Document;
pub use error::Error;
pub use poster::Poster;
pub use schema::{DATA_MAP, MIGRATIONS};
