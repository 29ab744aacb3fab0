//! A survey as staff write it, and what follows from that alone: who is shown which question, and what an answer may be.

pub mod answer;
pub mod check;
pub mod definition;
pub mod piping;
pub mod question;
pub mod read;
pub mod show;
pub mod shown;
pub mod trigger;
pub mod words;

pub use answer::{Answers, Given};
pub use check::{Finding, Severity, check};
pub use definition::{Asking, Definition, Kind, Letters, Page, Review};
pub use question::{Answer, Choice, Direction, Question};
pub use read::{Refusal, read, read_told};
pub use show::Show;
pub use trigger::{Basis, Trigger};
pub use words::Words;
