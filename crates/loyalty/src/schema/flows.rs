//! Sums of what moved, by hours: so that a year's figures read a few thousand rows, and not every posting.

/// The table, and what was posted before there was one. The hour before all hours holds the sums of all.
pub(super) const FLOWS: &str = "
CREATE TABLE loyalty_flows (
    workspace {int} NOT NULL,
    wallet {int} NOT NULL,
    hour {int} NOT NULL,
    from_place TEXT NOT NULL,
    to_place TEXT NOT NULL,
    amount {int} NOT NULL,
    PRIMARY KEY (workspace, wallet, hour, from_place, to_place)
) {clustered};
INSERT INTO loyalty_flows (workspace, wallet, hour, from_place, to_place, amount)
    SELECT workspace, wallet, effective_at / 3600000000, from_place, to_place, CAST(SUM(amount) AS BIGINT) FROM loyalty_postings
    GROUP BY workspace, wallet, effective_at / 3600000000, from_place, to_place;
INSERT INTO loyalty_flows (workspace, wallet, hour, from_place, to_place, amount)
    SELECT workspace, wallet, -9223372036854775807 - 1, from_place, to_place, CAST(SUM(amount) AS BIGINT) FROM loyalty_postings
    GROUP BY workspace, wallet, from_place, to_place;
";
