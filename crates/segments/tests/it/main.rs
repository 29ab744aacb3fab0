//! The condition tree from outside: its two forms, what conditions mean, memberships over time, filters over a real lake, and what is stored, on both engines.

mod json_form;
mod lake;
mod meaning;
mod membership;
mod records;
mod text_form;
