//! What of segments is stored.

pub mod memberships;
pub mod segments;
