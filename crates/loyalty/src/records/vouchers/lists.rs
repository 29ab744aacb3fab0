//! Codes of an owner in their order, and codes that are taken back before anybody used them.
//!
//! Always holds: a code is used or taken back, whichever came first; what somebody has for a reward is not taken back here, since what they paid for it would be lost.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

use super::{Owner, TOGETHER, Voucher};

impl Voucher {
    /// How it stands at a moment: `free` in a pool, `live`, `used` up, `expired` or `void`.
    pub fn stands(&self, now: Timestamp) -> &str {
        match self.state.as_str() {
            "live" if self.uses_left == Some(0) => "used",
            "void" => "void",
            _ if self.valid_until.is_some_and(|until| until <= now) => "expired",
            state => state,
        }
    }

    /// Whether as many as like may use it: such a code is printed for everybody to read.
    pub const fn is_public(&self) -> bool {
        self.uses_left.is_none()
    }

    /// Why it is not taken back, if it is not.
    fn kept(&self) -> Option<NotVoided> {
        match self.state.as_str() {
            "void" => Some(NotVoided::Void),
            "live" if self.uses_left == Some(0) => Some(NotVoided::Used),
            "live" if !self.given_for.is_empty() => Some(NotVoided::Given),
            _ => None,
        }
    }
}

/// Codes of an owner in their order, from behind one of them on; all that stand so at a moment, or all where `stands` is empty.
///
/// # Errors
/// The store's.
pub async fn list(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    owner: Owner<'_>,
    (stands, now): (&str, Timestamp),
    (after, limit): (i64, u32),
) -> Result<Vec<Voucher>> {
    let list = sql!(
        "SELECT * FROM loyalty_vouchers WHERE workspace = $1 AND owner_kind = $2 AND owner = $3 AND place > $4 AND ($6 = '' OR $6 =
             CASE WHEN state = 'live' AND uses_left = 0 THEN 'used' WHEN state <> 'void' AND valid_until <= $7 THEN 'expired' ELSE state END)
         ORDER BY place LIMIT $5"
    );
    db.fetch_all(list, args![workspace, owner.kind, owner.key, after, limit, stands, now]).await
}

/// Why a code was not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotVoided {
    /// The owner has no such code.
    Unknown,
    /// It was before.
    Void,
    /// It is used up.
    Used,
    /// A member has it for a reward; what is called off there takes it back, and gives back what was paid.
    Given,
}

impl NotVoided {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "code_unknown",
            Self::Void => "code_void",
            Self::Used => "code_used",
            Self::Given => "code_given",
        }
    }
}

/// Takes codes of an owner back, named by their places: how many, and which were not, by their place in the list. Whoever set a use aside may still use it until then.
///
/// # Errors
/// The store's.
pub async fn void(
    tx: &mut Tx,
    workspace: WorkspaceId,
    owner: Owner<'_>,
    places: &[i64],
) -> Result<(u64, Vec<(usize, NotVoided)>)> {
    let (mut voided, mut kept) = (0, Vec::new());
    for (part, at) in places.chunks(TOGETHER).zip((0..).step_by(TOGETHER)) {
        // From here on whoever uses one of them waits.
        let take = sql!(
            "UPDATE loyalty_vouchers SET state = state WHERE workspace = $1 AND owner_kind = $2 AND owner = $3 AND place IN ($4)"
        );
        tx.execute(take, args![workspace, owner.kind, owner.key, part]).await?;
        let find = sql!(
            "SELECT * FROM loyalty_vouchers WHERE workspace = $1 AND owner_kind = $2 AND owner = $3 AND place IN ($4)"
        );
        let found: Vec<Voucher> = tx.fetch_all(find, args![workspace, owner.kind, owner.key, part]).await?;
        let mut lookups = Vec::new();
        for (place, at) in part.iter().zip(at..) {
            let Some(voucher) = found.iter().find(|it| it.place == *place) else {
                kept.push((at, NotVoided::Unknown));
                continue;
            };
            match voucher.kept() {
                Some(why) => kept.push((at, why)),
                None => lookups.push(voucher.lookup.clone()),
            }
        }
        let void = sql!("UPDATE loyalty_vouchers SET state = 'void' WHERE lookup IN ($2) AND workspace = $1");
        voided += tx.execute(void, args![workspace, &lookups]).await?;
    }
    Ok((voided, kept))
}

/// Takes all codes of an owner back that [`void`] would; how many.
///
/// # Errors
/// The store's.
pub async fn void_all(tx: &mut Tx, workspace: WorkspaceId, owner: Owner<'_>) -> Result<u64> {
    let void = sql!(
        "UPDATE loyalty_vouchers SET state = 'void' WHERE workspace = $1 AND owner_kind = $2 AND owner = $3
             AND (state = 'free' OR (state = 'live' AND given_for = '' AND (uses_left IS NULL OR uses_left > 0)))"
    );
    tx.execute(void, args![workspace, owner.kind, owner.key]).await
}

/// The places of an owner's codes as people type them; `None` of what is no code of theirs.
///
/// # Errors
/// The store's.
pub async fn places(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    owner: Owner<'_>,
    list: &[String],
) -> Result<Vec<Option<i64>>> {
    let lookups: Vec<Option<String>> = list.iter().map(|text| crate::codes::lookup(text)).collect();
    let known: Vec<String> = lookups.iter().flatten().cloned().collect();
    let mut found: Vec<(String, i64)> = Vec::new();
    for part in known.chunks(TOGETHER) {
        let find = sql!(
            "SELECT lookup, place FROM loyalty_vouchers WHERE lookup IN ($4) AND workspace = $1 AND owner_kind = $2 AND owner = $3"
        );
        found.extend(db.fetch_all::<(String, i64)>(find, args![workspace, owner.kind, owner.key, part]).await?);
    }
    let place = |lookup: &Option<String>| found.iter().find(|(it, _)| Some(it) == lookup.as_ref()).map(|(_, at)| *at);
    Ok(lookups.iter().map(place).collect())
}
