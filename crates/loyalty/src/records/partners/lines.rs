//! Lines of partners as they are kept.

use rapport_domain::{Calendar, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

use super::super::redemptions::Scene;
use crate::ledger::MemberId;
use crate::liability::books::Month;
use crate::partners::statement::Kind;

/// What a partner told, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Line {
    /// Its own id.
    pub line: String,
    /// The partner's key.
    pub partner: String,
    /// The partner's own reference.
    pub reference: String,
    /// What was asked for, in 128 bits.
    pub fingerprint: [u8; 16],
    /// What it is: a [`Kind`].
    pub kind: String,
    /// The line of which it comes back; empty of any other.
    pub of_reference: String,
    /// Whose; nobody's of a payment.
    pub member: Option<i64>,
    /// Which wallet.
    pub wallet: String,
    /// The partner's version that was in force.
    pub version: i64,
    /// How many points moved.
    pub points: i64,
    /// How many that were to come back could not be taken back.
    pub short: i64,
    /// What was told in money, in millionths.
    pub amount: Option<i64>,
    /// What a point costs, in millionths.
    pub price: i64,
    /// What the points cost, in millionths; of a payment what was paid, below 0 to the partner.
    pub money: i64,
    /// How many of its points are back or forgiven.
    pub returned: i64,
    /// Of how much of its money they are.
    pub returned_amount: i64,
    /// Why it was refused.
    pub refused: Option<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was told.
    pub recorded_at: Timestamp,
    /// The month in which it happened.
    pub own_month: Month,
    /// The month of whose statement it is: a later one, where its own was closed.
    pub month: Month,
    /// The first operation of the ledger that belongs to it.
    pub operation: Option<i64>,
    /// Who told it.
    pub told_by: String,
}

impl Line {
    /// A line in which nothing is yet.
    pub(super) fn asked(
        scene: Scene<'_>,
        (partner, reference, by): (&str, &str, &str),
        kind: Kind,
        occurred_at: Timestamp,
    ) -> Self {
        let own_month = month_of(occurred_at, scene.calendar);
        Self {
            line: format!("ptl_{:016x}{:016x}", scene.rng.next_u64(), scene.rng.next_u64()),
            partner: partner.to_owned(),
            reference: reference.to_owned(),
            fingerprint: [0; 16],
            kind: kind.key().to_owned(),
            of_reference: String::new(),
            member: None,
            wallet: String::new(),
            version: 0,
            points: 0,
            short: 0,
            amount: None,
            price: 0,
            money: 0,
            returned: 0,
            returned_amount: 0,
            refused: None,
            occurred_at,
            recorded_at: scene.now,
            own_month,
            month: own_month,
            operation: None,
            told_by: by.to_owned(),
        }
    }

    /// Whose.
    pub fn member(&self) -> Option<MemberId> {
        self.member.map(MemberId)
    }

    /// Writes it down: a new one into the first month that is not closed, one that is there with what came back of it.
    pub(super) async fn write(&self, tx: &mut Tx, workspace: WorkspaceId) -> Result<()> {
        let save = sql!(
            "INSERT INTO loyalty_partner_lines (workspace, line, partner, reference, fingerprint, kind, of_reference, member, wallet, version, points, short, amount,
                 price, money, returned, returned_amount, refused, occurred_at, recorded_at, own_month, month, operation, told_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
             ON CONFLICT (partner, reference, workspace) DO UPDATE SET returned = EXCLUDED.returned, returned_amount = EXCLUDED.returned_amount"
        );
        let values = args![
            workspace,
            &self.line,
            &self.partner,
            &self.reference,
            self.fingerprint,
            &self.kind,
            &self.of_reference,
            self.member,
            &self.wallet,
            self.version,
            self.points,
            self.short,
            self.amount,
            self.price,
            self.money,
            self.returned,
            self.returned_amount,
            self.refused.clone(),
            self.occurred_at,
            self.recorded_at,
            self.own_month,
            self.month,
            self.operation,
            &self.told_by,
        ];
        tx.execute(save, values).await.map(drop)
    }
}

/// The month that an instant lies in, in the programme's zone.
pub(super) fn month_of(at: Timestamp, calendar: &Calendar) -> Month {
    let day = calendar.date(at);
    Month::from(day.year()) * 12 + Month::from(day.month()) - 1
}

/// A partner's line by its reference.
///
/// # Errors
/// The store's.
pub async fn by_reference(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    partner: &str,
    reference: &str,
) -> Result<Option<Line>> {
    let find = sql!("SELECT * FROM loyalty_partner_lines WHERE partner = $2 AND reference = $3 AND workspace = $1");
    db.fetch_optional(find, args![workspace, partner, reference]).await
}

/// The lines of a month's statement in the order in which they were told, from behind one of them on: (told at, reference).
///
/// # Errors
/// The store's.
pub async fn of_month(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (partner, month): (&str, Month),
    after: Option<(Timestamp, String)>,
    limit: u32,
) -> Result<Vec<Line>> {
    let (at, reference) = after.unwrap_or((Timestamp(i64::MIN), String::new()));
    let list = sql!(
        "SELECT * FROM loyalty_partner_lines WHERE workspace = $1 AND partner = $2 AND month = $3 AND refused IS NULL AND (recorded_at, reference) > ($4, $5)
         ORDER BY recorded_at, reference LIMIT $6"
    );
    db.fetch_all(list, args![workspace, partner, month, at, reference, limit]).await
}

/// All lines of some members, the newest first; refused ones too.
///
/// # Errors
/// The store's.
pub async fn of_members(db: &mut impl Queries, workspace: WorkspaceId, members: &[MemberId]) -> Result<Vec<Line>> {
    let numbers: Vec<i64> = members.iter().map(|member| member.0).collect();
    let list = sql!(
        "SELECT * FROM loyalty_partner_lines WHERE member IN ($2) AND workspace = $1 ORDER BY recorded_at DESC, partner, reference"
    );
    db.fetch_all(list, args![workspace, &numbers]).await
}

/// What the one did at partners, the other did, who goes on for both.
pub(in crate::records) async fn merge(tx: &mut Tx, workspace: WorkspaceId, from: MemberId, to: MemberId) -> Result<()> {
    let give = sql!("UPDATE loyalty_partner_lines SET member = $3 WHERE member = $2 AND workspace = $1");
    tx.execute(give, args![workspace, from.0, to.0]).await.map(drop)
}
