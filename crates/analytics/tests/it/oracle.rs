//! Every kind of question against a second, obvious implementation over a plain list of events: random small worlds, with ties in
//! time, window edges, zones with daylight saving, events in files, in compacted cells and in memory.

mod baskets;
mod experiments;
mod funnels;
mod invariants;
mod key_figures;
mod recommendations;
mod retentions;
mod rfm;
mod trends;
mod ways;
mod world;
