//! `rapport user`: users of a data folder that no server holds. In a running server they are made in its console.

use std::io::BufRead;

use anyhow::{Result, anyhow, bail};
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use rapport_domain::Timestamp;
use rapport_store::{Priority, Store};

use super::flags::Flags;
use super::open_store;
use crate::api::users::check_email;
use crate::auth::issue::{self, Doors};
use crate::auth::{Role, passwords};
use crate::problem::Problem;
use crate::records::workspaces::FIRST;
use crate::records::{sessions, sign_in_links, users};
use crate::settings::Settings;

/// Users.
#[derive(Debug, clap::Args)]
pub struct UserArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a user. Without a password, prints a link that signs them in once.
    Create {
        /// The address they sign in with.
        #[arg(long)]
        email: String,
        /// What people call them.
        #[arg(long)]
        name: String,
        /// owner, admin, analyst, agent or viewer.
        #[arg(long, value_parser = role)]
        role: Role,
        /// Read the password from standard input: its first line.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Print a new link that signs a user in once.
    Link {
        /// The user's address.
        #[arg(long)]
        email: String,
        #[command(flatten)]
        flags: Flags,
    },
    /// Set a user's password from standard input, and end their sessions.
    Password {
        /// The user's address.
        #[arg(long)]
        email: String,
        #[command(flatten)]
        flags: Flags,
    },
    /// List all users.
    List {
        #[command(flatten)]
        flags: Flags,
    },
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "a role is owner, admin, analyst, agent or viewer".to_owned())
}

/// Runs the command.
pub async fn run(args: UserArgs) -> Result<()> {
    let (Action::Create { flags, .. }
    | Action::Link { flags, .. }
    | Action::Password { flags, .. }
    | Action::List { flags }) = &args.action;
    let settings = flags.settings(Vec::new())?;
    let store = open_store(&settings.places()).await?;
    match &args.action {
        Action::Create { email, name, role, password_stdin, .. } => {
            create(&store, &settings, email, name, *role, *password_stdin).await?;
        }
        Action::Link { email, .. } => println!("{}", link(&store, &settings, email).await?),
        Action::Password { email, .. } => set_password(&store, email).await?,
        Action::List { .. } => println!("{}", list(&store).await?),
    }
    store.close().await;
    Ok(())
}

async fn create(
    store: &Store,
    settings: &Settings,
    email: &str,
    name: &str,
    role: Role,
    with_password: bool,
) -> Result<()> {
    let email = check_email(email).map_err(plain)?;
    if name.trim().is_empty() {
        bail!("--name is empty");
    }
    let hash = if with_password { Some(read_password(store, &email).await?) } else { None };
    let has_password = hash.is_some();
    let mut tx = store.begin(Priority::Interactive).await?;
    let made = issue::user(&mut tx, Doors::of(store), FIRST, &email, name, role, hash).await;
    made.map_err(
        |error| if error.is_unique_violation() { anyhow!("a user {email} exists already") } else { error.into() },
    )?;
    tx.commit().await?;
    if !has_password {
        println!("{}", link(store, settings, &email).await?);
    }
    Ok(())
}

async fn link(store: &Store, settings: &Settings, email: &str) -> Result<String> {
    let mut tx = store.begin(Priority::Interactive).await?;
    let user = users::by_email(&mut tx, email).await?.ok_or_else(|| anyhow!("there is no user {email}"))?;
    let path = issue::sign_in_link(&mut tx, Doors::of(store), &user.id, settings.session.link_minutes).await?;
    tx.commit().await?;
    let address = match settings.public_url.trim_end_matches('/') {
        "" => format!("http://{}", settings.listen),
        url => url.to_owned(),
    };
    Ok(format!("{address}{path}&next=/password"))
}

async fn set_password(store: &Store, email: &str) -> Result<()> {
    let user = users::by_email(&mut store.read(), email).await?.ok_or_else(|| anyhow!("there is no user {email}"))?;
    let hash = read_password(store, &user.email).await?;
    let mut tx = store.begin(Priority::Interactive).await?;
    users::set_password(&mut tx, &user.id, &hash).await?;
    sessions::delete_of_user(&mut tx, &user.id).await?;
    sign_in_links::delete_of_user(&mut tx, &user.id).await?;
    Ok(tx.commit().await?)
}

/// The hash of the password on standard input.
async fn read_password(store: &Store, email: &str) -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    passwords::check(&password, email).map_err(plain)?;
    passwords::hash(password, store.rng()).await.map_err(plain)
}

async fn list(store: &Store) -> Result<Table> {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["E-mail", "Name", "Role", "Signs in by", "Last seen"]);
    for user in users::all(&mut store.read(), FIRST).await? {
        let way = match (user.disabled, user.password_hash) {
            (true, _) => "disabled",
            (false, Some(_)) => "password",
            (false, None) => "link",
        };
        let seen = user.last_seen_at.map_or_else(String::new, Timestamp::to_rfc3339);
        table.add_row([user.email, user.name, user.role, way.to_owned(), seen]);
    }
    Ok(table)
}

fn plain(problem: Problem) -> anyhow::Error {
    anyhow!("{}", problem.detail().to_owned())
}
