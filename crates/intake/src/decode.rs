//! From the bytes of a request to events: [`inflate`] makes text of them, [`Body::parse`] finds the items, and
//! [`Body::decode`] makes an event or a [`Reject`](crate::Reject) of each.
//!
//! Always holds: content decides, never the content type (SDKs send JSON as `text/plain` and gzip as form data); memory is
//! bounded by [`Limits`](crate::Limits) whatever arrives; one bad item never costs a good one. It does not check write keys.

mod body;
mod excerpt;
mod identifiers;
mod inflate;
mod normalise;
mod tree;

pub use body::{Body, Decoded, Origin};
pub use inflate::inflate;
