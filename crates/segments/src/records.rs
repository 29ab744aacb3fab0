//! What of segments is stored.

pub mod exports;
pub mod lists;
pub mod memberships;
pub mod segments;
