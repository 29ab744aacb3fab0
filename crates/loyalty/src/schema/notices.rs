//! Who was told when points were about to lapse.

pub(super) const NOTICES: &str = "
CREATE TABLE loyalty_notices (
    workspace {int} NOT NULL,
    member {int} NOT NULL,
    wallet {int} NOT NULL,
    expires_at {int} NOT NULL,
    points {int} NOT NULL,
    noticed_at {int} NOT NULL,
    PRIMARY KEY (member, wallet, expires_at, workspace)
) {clustered};

CREATE TABLE loyalty_notice_marks (
    workspace {int} NOT NULL PRIMARY KEY,
    day {int} NOT NULL,
    due_at {int} NOT NULL,
    member {int} NOT NULL,
    wallet {int} NOT NULL
) {clustered};
";
