//! The crate from outside: every kind of question beside a second, obvious implementation, and what is learnt of customers beside a known truth.

mod chance;
mod churn;
mod churn_by_contract;
mod groups;
mod oracle;
mod propensity;
mod triggers;
mod value;
