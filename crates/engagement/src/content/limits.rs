//! How large a template may be, and how much work and output one message may take.

/// The limits of [`super::Prepared::new`], of rendering, and of [`super::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one field of a template.
    pub field_bytes: usize,
    /// Bytes of one expression, between its braces.
    pub expression_bytes: usize,
    /// Blocks of one variant.
    pub blocks: usize,
    /// Loops, conditions and groups in one another.
    pub depth: usize,
    /// Texts, values and rounds of loops that are written for one part of a message.
    pub steps: usize,
    /// Bytes of one part of a message (its HTML, its plain text).
    pub output_bytes: usize,
    /// Letters of a subject or title; a longer one is cut.
    pub subject_letters: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            field_bytes: 100_000,
            expression_bytes: 500,
            blocks: 200,
            depth: 8,
            steps: 20_000,
            output_bytes: 1_000_000,
            subject_letters: 200,
        }
    }
}
