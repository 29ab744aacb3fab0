//! How much one request may cost. Holds no state; the server may tighten or widen it.

/// Limits of one request. Everything is enforced while reading, before memory for it is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a body as sent. RudderStack's SDKs send up to 4,000 KB.
    pub body_bytes: usize,
    /// Bytes of a body after decompression.
    pub text_bytes: usize,
    /// Events of a batch; those beyond are rejected one and all, the first ones are kept (as Segment does).
    pub events: usize,
    /// Bytes of one event's JSON. Segment's SDKs stop at 32 KB, RudderStack's do not.
    pub event_bytes: usize,
    /// Nesting of objects and arrays in one event; its own braces count as 1. At most 127.
    pub depth: usize,
    /// Values (numbers, texts, objects, ...) in one event.
    pub event_values: usize,
    /// Values in all events of a body together: this bounds the memory a body can cost to about 50 MB.
    pub body_values: usize,
    /// Characters of an identifier.
    pub identifier_chars: usize,
    /// Characters of a message id.
    pub message_id_chars: usize,
    /// Characters of an event's name.
    pub name_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            text_bytes: 8 << 20,
            events: 2_500,
            event_bytes: 512 << 10,
            depth: 64,
            event_values: 20_000,
            body_values: 500_000,
            identifier_chars: 500,
            message_id_chars: 255,
            name_chars: 255,
        }
    }
}
