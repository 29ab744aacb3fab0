//! The tables of simulations: what was asked, what came of it, and who gains and loses most.

use rapport_domain::Purpose;
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};

pub(super) const SIMULATIONS: &str = "
CREATE TABLE loyalty_simulations (
    workspace {int} NOT NULL,
    id TEXT NOT NULL,
    job TEXT NOT NULL,
    name TEXT NOT NULL,
    plan {json} NOT NULL,
    result {json},
    failure TEXT,
    asked_at {int} NOT NULL,
    asked_by TEXT NOT NULL,
    began_at {int},
    ended_at {int},
    PRIMARY KEY (id, workspace)
) {clustered};
CREATE INDEX loyalty_simulations_asked ON loyalty_simulations (workspace, asked_at);

CREATE TABLE loyalty_simulation_people (
    workspace {int} NOT NULL,
    simulation TEXT NOT NULL,
    wallet TEXT NOT NULL,
    person {int} NOT NULL,
    points_before {int} NOT NULL,
    points_after {int} NOT NULL,
    PRIMARY KEY (simulation, wallet, person, workspace)
) {clustered};
CREATE INDEX loyalty_simulation_people_person ON loyalty_simulation_people (person, workspace);
";

pub(super) const ASKED: Declaration = Declaration::technical(
    "loyalty_simulations",
    &["workspace", "id", "job", "name", "plan", "result", "failure", "asked_at", "asked_by", "began_at", "ended_at"],
);
pub(super) const PLACES: Declaration = Declaration::technical("loyalty_simulation_people", &["workspace"]);
pub(super) const PERSONS: Declaration = people(&["person"], Category::Identifier);
pub(super) const CHANGES: Declaration =
    people(&["simulation", "wallet", "points_before", "points_after"], Category::Derived);

const fn people(columns: &'static [&'static str], category: Category) -> Declaration {
    Declaration {
        table: "loyalty_simulation_people",
        columns,
        category,
        purposes: &[Purpose::Analytics],
        retention: Retention::Person,
        person: Way::Person("person"),
        erasure: Erasure::Delete,
    }
}
