//! The ledger's rules, without storage: accounts, lots and holds in memory, and what a [`Command`] does to them.
//!
//! An account is one member's part of one wallet. Its points are *pending* (earned, not yet to be spent), *available* or *held* (set aside for an
//! order that is not paid yet), each of them in a [`Lot`], and there may be points *owed*. Every change is a list of [`Posting`]s: a positive number of
//! points moves from one [`Place`] to another, so that what is taken somewhere is always put elsewhere.
//!
//! Always holds (and [`Account::fault`] says where it does not): all components are at least 0; what lies in the lots is what the account has; nothing
//! is available while something is owed; a refused command changes nothing, not even what was due anyway.
//!
//! What falls due (points become available, a hold times out, points expire) takes effect at its very instant: before a command looks at an account,
//! everything due is posted in the order of its instants, so that a background job only tidies up and nobody can spend an expired point because it was late.
//!
//! Does not do: read a clock or a database. [`Ledger`] must be given the accounts, lots and earlier operations that a command touches.

mod account;
mod acts;
mod chain;
mod command;
mod due;
mod merging;
mod moves;
mod operation;
mod refusal;
mod restore;
mod rules;
mod terms;
mod work;

pub use account::{Account, Balance, Hold, HoldState, Lot};
pub use chain::{Chain, checksum};
pub use command::{Act, Command, Expiry, OWN_IDS, Portion, REFERENCE_MAX, Shortage, Source};
pub use operation::{Kind, Operation, Place, Posting};
pub use refusal::Refusal;
pub use rules::{clawed, shares};
pub use terms::{LotTerms, Terms};
pub use work::{AccountKey, Answer, Done, Ledger, Standing, Wallet};

/// A member's number: random, and says nothing about who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub i64);

/// A wallet's number within its workspace: from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct WalletId(pub i64);

/// A lot's number: that of the posting which brought its points in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct LotId(pub i64);
