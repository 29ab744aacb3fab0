//! The command line.
//!
//! Always holds: what a program reads goes to standard output, everything else to standard error; an error says what to do.

pub mod ask;
pub mod demo;
pub mod doctor;
pub mod flags;
pub mod import;
pub mod key;
pub mod models;
pub mod profile_view;
pub mod remote;
pub mod segment;
pub mod serve;
pub mod user;
pub mod verify;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use rapport_store::{Store, StoreConfig};

use crate::installation::{MIGRATIONS, Places};
use crate::{openapi, settings};

/// Know your customers: collects what they do, makes one profile a person, and answers questions about them.
#[derive(Debug, Parser)]
#[command(name = "rapport", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the console, the API and the intake.
    Serve(serve::ServeArgs),
    /// Make a sample shop and serve it.
    Demo(demo::DemoArgs),
    /// Import files: orders, customers, events.
    Import(import::ImportArgs),
    /// Ask a question.
    Ask(ask::AskArgs),
    /// Models of customers on a file of your own: value, churn, groups, baskets, experiments and more, without a server.
    Models(Box<models::ModelsArgs>),
    /// Make, list, fill and print segments.
    Segment(segment::SegmentArgs),
    /// Make, list and revoke write keys and API keys.
    Key(key::KeyArgs),
    /// Make and list users, and let them in.
    User(user::UserArgs),
    /// Check settings and data folder.
    Doctor(doctor::DoctorArgs),
    /// Check that the database and the points ledger are what was written.
    Verify(verify::VerifyArgs),
    /// Print the documented settings with their defaults.
    Config,
    /// Print the OpenAPI document.
    Openapi,
}

/// The program. It is here and not in the binary's own crate because the compiler makes what a future needs in the crate that runs it, and everything
/// there is would be made a second time (docs/decisions/0005).
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.context("starting the runtime").and_then(|runtime| runtime.block_on(cli.run()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    /// Does what was asked.
    async fn run(self) -> Result<()> {
        match self.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Import(args) => import::run(args).await,
            Command::Ask(args) => ask::run(args).await,
            Command::Models(args) => models::run(*args),
            Command::Segment(args) => segment::run(args).await,
            Command::Key(args) => key::run(args).await,
            Command::User(args) => user::run(args).await,
            Command::Doctor(args) => doctor::run(args).await,
            Command::Verify(args) => verify::run(args).await,
            Command::Config => {
                print!("{}", settings::DOCUMENTED);
                Ok(())
            }
            Command::Openapi => {
                println!("{}", openapi::document());
                Ok(())
            }
        }
    }
}

/// Only the product database of an installation, for commands that need no more.
async fn open_store(places: &Places) -> Result<Store> {
    let config = match &places.database {
        Some(url) => StoreConfig::postgres(url),
        None => StoreConfig::folder(&places.data),
    };
    Ok(Store::open(config, MIGRATIONS).await?)
}
