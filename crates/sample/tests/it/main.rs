//! The sample shop from outside: its messages, its truth, and the surprises planted in it.

mod messages;
mod surprises;
mod truth;
