//! `rapport serve`: opens the installation, listens, and stops in order.
//!
//! Always holds: the address is printed once requests are answered there; on SIGTERM or SIGINT running requests are finished, accepted
//! events stay in the log, the audit log is written, and only then the data folder is let go. A second signal ends at once.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result};
use rapport_store::Priority;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tracing_subscriber::EnvFilter;

use super::flags::Flags;
use crate::app::App;
use crate::audiences;
use crate::auth::Role;
use crate::auth::issue::{self, Doors};
use crate::complaining;
use crate::engaging;
use crate::erasing;
use crate::exporting;
use crate::grouping;
use crate::housekeeping;
use crate::http::{self, listen};
use crate::installation::Installation;
use crate::keeper;
use crate::modelling;
use crate::pipeline::{Pipeline, caretaker};
use crate::points;
use crate::policies;
use crate::recommending;
use crate::records::users;
use crate::records::workspaces::FIRST;
use crate::reviewing;
use crate::searching;
use crate::sending;
use crate::settings::{Log, Settings};
use crate::simulating;
use crate::slots::counting;
use crate::surveying;
use crate::understanding;
use crate::webhooks;

/// Serves the console, the API and the intake.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    #[command(flatten)]
    flags: Flags,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long)]
    listen: Option<String>,
    /// The address people use, e.g. https://crm.example.com.
    #[arg(long)]
    public_url: Option<String>,
}

/// Who looks at the sample shop.
const DEMO_EMAIL: &str = "owner@example.com";

/// Runs the command.
pub async fn run(args: ServeArgs) -> Result<()> {
    let mut flags = Vec::new();
    flags.extend(args.listen.map(|listen| ("listen", listen)));
    flags.extend(args.public_url.map(|url| ("public_url", url)));
    let settings = args.flags.settings(flags)?;
    log_to_stderr(&settings.log)?;
    let installation = Arc::new(Installation::open(&settings.places()).await?);
    if users::all(&mut installation.store.read(), FIRST).await?.is_empty() {
        eprintln!(
            "Nobody can sign in yet: stop, and run `rapport user create --email ... --name ... --role owner` first."
        );
    }
    let server = Server::start(installation, settings).await?;
    println!("Rapport is ready at {}", server.url);
    server.until_stopped().await
}

/// Serves a sample shop with a user and a link that signs them in.
pub async fn demo(installation: Arc<Installation>, listen: SocketAddr, open: bool) -> Result<()> {
    let settings = Settings::load(None, vec![("listen", listen.to_string())])?;
    log_to_stderr(&settings.log)?;
    let server = Server::start(Arc::clone(&installation), settings).await?;
    let link = format!("{}{}", server.url, demo_link(&installation).await?);
    println!("Rapport is ready at {}\nSign in (this link works once): {link}", server.url);
    if open {
        open_browser(&link);
    }
    drop(installation);
    server.until_stopped().await
}

/// A running server.
pub struct Server {
    /// Where it listens: `http://127.0.0.1:8480`.
    pub url: String,
    /// Its state.
    pub app: App,
    stop: watch::Sender<bool>,
    listener: JoinHandle<()>,
    workers: JoinSet<()>,
    audit: JoinHandle<()>,
}

impl Server {
    /// Begins to listen and to work.
    pub async fn start(installation: Arc<Installation>, settings: Settings) -> Result<Self> {
        let listener = TcpListener::bind(&settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}; choose another address with --listen", settings.listen))?;
        let url = format!("http://{}", listener.local_addr()?);
        let pipeline = Arc::new(Pipeline::open(Arc::clone(&installation)).await?);
        let (limits, session) = (settings.limits, settings.session);
        let (app, audit) = App::new(Arc::clone(&installation), Arc::clone(&pipeline), settings)?;
        let stop = watch::Sender::new(false);
        let mut workers = JoinSet::new();
        let applying = stop.subscribe();
        let settling = (Arc::clone(&pipeline), stop.subscribe());
        let waking = keeper::wake(Arc::clone(&installation), Arc::clone(&pipeline), stop.subscribe());
        workers.spawn(waking);
        workers.spawn(async move { pipeline.run(applying).await });
        workers.spawn(async move { settling.0.settle_regularly(settling.1).await });
        workers.spawn(caretaker::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(keeper::fill(Arc::clone(&installation), Arc::clone(&app.segments_changed), stop.subscribe()));
        let private = app.settings.webhooks.private_addresses;
        workers.spawn(webhooks::run(Arc::clone(&installation), private, stop.subscribe()));
        workers.spawn(engaging::run(Arc::clone(&installation), Arc::clone(&app.pipeline), stop.subscribe()));
        app.sender.take_over().await?;
        workers.spawn(sending::run(Arc::clone(&app.sender), stop.subscribe()));
        let ways = Arc::clone(&app.sender.ways);
        workers.spawn(sending::read_mailbox(Arc::clone(&installation), ways, stop.subscribe()));
        let ways = Arc::clone(&app.sender.ways);
        workers.spawn(complaining::mail::run(Arc::clone(&installation), ways, stop.subscribe()));
        workers.spawn(counting::run(Arc::clone(&app.slots), Arc::clone(&installation), stop.subscribe()));
        workers.spawn(audiences::run(Arc::clone(&installation), Arc::clone(&app.advertising), stop.subscribe()));
        workers.spawn(understanding::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(searching::run(Arc::clone(&installation), stop.subscribe()));
        let ways = Arc::clone(&app.sender.ways);
        workers.spawn(surveying::run(Arc::clone(&installation), ways, stop.subscribe()));
        workers.spawn(reviewing::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(points::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(simulating::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(modelling::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(recommending::learning::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(grouping::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(policies::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(exporting::run(Arc::clone(&installation), stop.subscribe()));
        workers.spawn(erasing::finish_what_was_cut_short(Arc::clone(&installation)));
        let changed = Arc::clone(&app.segments_changed);
        workers.spawn(housekeeping::run(installation, session, changed, stop.subscribe()));
        app.imports.resume().await?;
        let router = http::router(app.clone());
        let listener = tokio::spawn(listen::serve(listener, router, limits, stop.subscribe()));
        Ok(Self { url, app, stop, listener, workers, audit })
    }

    /// Works until a signal, then stops.
    async fn until_stopped(self) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        tokio::select! {
            () = self.stop() => {}
            _ = terminate.recv() => tracing::warn!("stopped at once"),
            _ = interrupt.recv() => tracing::warn!("stopped at once"),
        }
        Ok(())
    }

    /// Stops in order: no new requests, running ones finished, workers done, the audit log written, the database closed.
    pub async fn stop(self) {
        let Self { app, stop, listener, mut workers, audit, .. } = self;
        stop.send_replace(true);
        app.imports.interrupt();
        // A panic in a task was logged when it happened; stopping goes on.
        let _ = listener.await;
        while workers.join_next().await.is_some() {}
        if let Err(error) = app.slots.write(&app.installation).await {
            tracing::warn!(code = error.code(), "what slots showed last could not be counted");
        }
        let store = app.installation.store.clone();
        drop(app);
        let _ = audit.await;
        store.close().await;
    }
}

fn log_to_stderr(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.level).with_context(|| format!("log.level {:?} is no filter", log.level))?;
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let started = match log.format.as_str() {
        "text" => builder.try_init(),
        "json" => builder.json().try_init(),
        other => anyhow::bail!("log.format is text or json, not {other:?}"),
    };
    started.map_err(|error| anyhow::anyhow!("logging could not begin: {error}"))
}

/// The path of a link for the sample shop's owner, who is made if need be.
async fn demo_link(installation: &Installation) -> Result<String> {
    let doors = Doors::of(&installation.store);
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let user = match users::by_email(&mut tx, DEMO_EMAIL).await? {
        Some(user) => user,
        None => issue::user(&mut tx, doors, FIRST, DEMO_EMAIL, "Shop owner", Role::Owner, None).await?,
    };
    let path = issue::sign_in_link(&mut tx, doors, &user.id, 7 * 24 * 60).await?;
    tx.commit().await?;
    Ok(path)
}

/// Opens the link where there is a desktop; elsewhere nothing happens.
fn open_browser(link: &str) {
    let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if has_desktop {
        "xdg-open"
    } else {
        return;
    };
    let mut command = tokio::process::Command::new(program);
    // The address is printed too, so a missing program is no loss.
    let _ = command.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}
