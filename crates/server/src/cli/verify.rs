//! `rapport verify`: whether the database and the points ledger are what was written, and if not, the first record that does not fit.
//!
//! Does not: mend anything. Restore a backup from before the record that is named.

use anyhow::{Result, bail};
use rapport_loyalty::verify::verify;

use super::flags::Flags;
use super::open_store;
use crate::records::workspaces;

/// Checks every page of the database, and every record of every workspace's ledger against its checksum, the chain of hashes and the postings.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    flags: Flags,
}

/// As many findings of one workspace are printed.
const SHOWN: usize = 20;

/// Runs the command; fails when something does not fit.
pub async fn run(args: VerifyArgs) -> Result<()> {
    let store = open_store(&args.flags.settings(Vec::new())?.places()).await?;
    store.verify().await?;
    println!("ok      database: whole ({:?})", store.engine());
    let mut findings = 0;
    let mut seen = store.snapshot().await?;
    for workspace in workspaces::ids(&mut seen).await? {
        let report = verify(&mut seen, workspace).await?;
        let (operations, postings) = (report.operations, report.postings);
        if report.findings.is_empty() {
            println!("ok      ledger of workspace {workspace}: {operations} operations, {postings} postings");
        }
        for finding in report.findings.iter().take(SHOWN) {
            println!("FAILED  ledger of workspace {workspace}, operation {}: {}", finding.operation, finding.what);
        }
        findings += report.findings.len();
    }
    drop(seen);
    store.close().await;
    if findings > 0 {
        bail!("{findings} records do not fit; what stands before the first one named is sound");
    }
    Ok(())
}
