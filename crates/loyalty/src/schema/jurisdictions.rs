//! Which law concerns whom, when somebody was last active, and which notices were proved.

/// Of accounts that there are nobody knows any more what was activity: the last thing written down is no earlier.
pub(super) const JURISDICTIONS: &str = "
ALTER TABLE loyalty_members ADD COLUMN jurisdiction TEXT;
ALTER TABLE loyalty_members ADD COLUMN judged {int} NOT NULL DEFAULT 0;
CREATE INDEX loyalty_members_judged ON loyalty_members (workspace, judged, member);
CREATE INDEX loyalty_members_jurisdiction ON loyalty_members (workspace, jurisdiction, member) WHERE jurisdiction IS NOT NULL;
ALTER TABLE loyalty_wallets ADD COLUMN laws {json};
ALTER TABLE loyalty_balances ADD COLUMN active_at {int};
UPDATE loyalty_balances SET active_at = (SELECT o.recorded_at FROM loyalty_operations o
    WHERE o.operation = loyalty_balances.operation AND o.workspace = loyalty_balances.workspace);
ALTER TABLE loyalty_notices ADD COLUMN proof TEXT;
ALTER TABLE loyalty_notices ADD COLUMN proved_at {int};
";
