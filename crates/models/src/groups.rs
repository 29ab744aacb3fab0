//! Groups of customers: who is like whom, how many groups there are, how sure that is, and what sets each apart.
//!
//! * [`KMeans`]: groups around means, quick for any number of rows; [`Prototypes`]: the same with categories among the columns.
//! * [`Mixture`]: groups as overlapping clouds of normal distributions, with how sure each row's group is, and a criterion (BIC) for how many there are.
//! * [`Density`]: groups of any shape as dense places, and rows that belong to none (HDBSCAN).
//! * [`stability`] and [`choice`]: whether the groups come again in samples drawn again, and which number of groups to take.
//! * [`chance()`]: whether they are more than what is found where there are none.
//! * [`profiles`]: what is more common in a group than elsewhere, with false discovery, and who is typical of it.
//!
//! Always holds: the same data and the same seed give the same groups; a group is numbered by its size, the largest first.
//!
//! Does not do: say that there are groups at all where every number of them is as good as the next: read stability and silhouette first.

mod agreement;
mod chance;
mod choice;
mod density;
mod kmeans;
mod mixture;
mod neighbours;
mod points;
mod profile;
mod prototypes;

pub use agreement::{adjusted_rand, silhouette};
pub use chance::{Chance, chance};
pub use choice::{Candidate, STABLE, choice, stability};
pub use density::Density;
pub use kmeans::{KMeans, Options};
pub use mixture::{Covariance, Mixture};
pub use points::Points;
pub use profile::{Attribute, Profile, Values, profiles};
pub use prototypes::Prototypes;
