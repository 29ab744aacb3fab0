//! What a wallet's points are expected to cost: their worth, and the share of them that is redeemed in the end.

use anyhow::Result;
use rapport_domain::WorkspaceId;
use rapport_loyalty::liability::books;
use rapport_loyalty::program::Program;
use rapport_loyalty::records::books::{Basis, Months, read};
use rapport_loyalty::records::wallets;

use crate::installation::Installation;

/// Which share of a wallet's points is expected to be redeemed: as the programme says, else as its vintages say.
///
/// # Errors
/// The store's.
pub async fn redemption(
    installation: &Installation,
    workspace: WorkspaceId,
    program: &Program,
    wallet: &str,
) -> Result<f64> {
    let Some(plan) = program.wallet(wallet) else { return Ok(1.0) };
    let pricing = plan.pricing();
    if let Some(share) = pricing.redemption {
        return Ok(share);
    }
    let mut db = installation.store.snapshot().await?;
    let Some(number) = wallets::numbers(&mut db, workspace).await?.get(wallet).copied() else { return Ok(1.0) };
    let months = Months::of(&program.calendar()?, &program.zone);
    let sums = read(&mut db, workspace, &months).await?;
    let now = months.month(installation.clock.now());
    let stand = books::vintages(&sums.cells(number, Basis::Effective)?, now);
    let only: Vec<_> = stand.into_iter().map(|(_, vintage, _)| vintage).collect();
    Ok(books::expected(&only, &pricing).1)
}
