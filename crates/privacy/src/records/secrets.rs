//! One secret a workspace, of which the keys for links and digests are derived.

use rapport_domain::{Rng, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

/// The secret, if there is one.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Option<[u8; 32]>> {
    let text = sql!("SELECT secret FROM privacy_secrets WHERE workspace = $1");
    let found: Option<([u8; 32],)> = db.fetch_optional(text, args![workspace]).await?;
    Ok(found.map(|(secret,)| secret))
}

/// The secret, made when there is none.
pub async fn ensure(tx: &mut Tx, workspace: WorkspaceId, rng: &dyn Rng) -> Result<[u8; 32]> {
    let mut fresh = [0; 32];
    rng.fill(&mut fresh);
    let text =
        sql!("INSERT INTO privacy_secrets (workspace, secret) VALUES ($1, $2) ON CONFLICT (workspace) DO NOTHING");
    tx.execute(text, args![workspace, fresh]).await?;
    Ok(find(tx, workspace).await?.unwrap_or(fresh))
}
