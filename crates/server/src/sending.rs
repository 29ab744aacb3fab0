//! Hands messages over to the channels, and takes in what comes back.

/// A message was handed over.
pub const SENT: &str = "message.sent";
/// It arrived.
pub const DELIVERED: &str = "message.delivered";
/// It came back for good.
pub const BOUNCED: &str = "message.bounced";
/// Its reader complained.
pub const COMPLAINED: &str = "message.complained";
/// It was opened, as far as that can be known.
pub const OPENED: &str = "message.opened";
/// A human clicked in it.
pub const CLICKED: &str = "message.clicked";
/// It could not be sent.
pub const FAILED: &str = "message.failed";
