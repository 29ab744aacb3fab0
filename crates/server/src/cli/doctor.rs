//! `rapport doctor`: checks settings and data folder, one line each, and says what to do.

use anyhow::{Result, bail};

use super::flags::Flags;
use super::open_store;
use crate::auth::Role;
use crate::console;
use crate::records::users;
use crate::records::workspaces::FIRST;

/// Checks settings and data folder.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    flags: Flags,
}

/// Runs the command; fails when a check did.
pub async fn run(args: DoctorArgs) -> Result<()> {
    let mut failed = 0;
    let mut say = |what: &str, outcome: Result<String, String>| match outcome {
        Ok(found) => println!("ok      {what}: {found}"),
        Err(why) => {
            failed += 1;
            println!("FAILED  {what}: {why}");
        }
    };
    let settings = args.flags.settings(Vec::new())?;
    say("settings", Ok(format!("data folder {}, listening on {}", settings.data.display(), settings.listen)));
    let console = if console::is_embedded() {
        Ok("embedded".to_owned())
    } else {
        Err("run `cargo xtask console` and build again".to_owned())
    };
    say("console", console);
    match open_store(&settings.places()).await {
        Err(error) => say("database", Err(format!("{error:#}"))),
        Ok(store) => {
            let whole = store
                .verify()
                .await
                .map(|()| format!("whole ({:?})", store.engine()))
                .map_err(|error| error.to_string());
            say("database", whole);
            let all = users::all(&mut store.read(), FIRST).await?;
            let owners = all.iter().filter(|user| user.role == Role::Owner.as_str() && !user.disabled).count();
            let owners = match owners {
                0 => Err("nobody can sign in: `rapport user create --email ... --name ... --role owner`".to_owned()),
                count => Ok(count.to_string()),
            };
            say("owners", owners);
            store.close().await;
        }
    }
    if failed > 0 {
        bail!("{failed} checks failed");
    }
    Ok(())
}
