//! What is stored, table by table.

pub mod answers;
pub mod benchmarks;
pub mod counts;
pub mod invitations;
pub mod picked;
pub mod quotas;
pub mod responses;
pub mod rounds;
pub mod settings;
pub mod surveys;
