//! The crate from outside: what a unit gets, what is stored on both engines, what readouts say, of real experiments too, and policies that learn.

mod evaluation;
mod policies;
mod readout;
mod real_experiments;
mod records;
