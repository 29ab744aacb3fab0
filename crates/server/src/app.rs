//! What every request handler can reach: the installation, the settings, and what the server remembers while it runs.

use std::sync::Arc;

use anyhow::Result;
use rapport_channels::outbound::Client;
use rapport_domain::{Rng, Timestamp};
use rapport_intake::Limits;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::api::consent_overview::Overviews;
use crate::api::data_health::Arrivals;
use crate::audiences::Advertising;
use crate::audit::AuditLog;
use crate::auth::key_cache::KeyCache;
use crate::http::throttle::Throttle;
use crate::importing::runs::Runs;
use crate::installation::Installation;
use crate::link_checks::LinkChecks;
use crate::metrics::Metrics;
use crate::pipeline::Pipeline;
use crate::records::api_keys::ApiKeyRow;
use crate::records::write_keys::WriteKeyUse;
use crate::sending::{Sender, Ways};
use crate::settings::Settings;
use crate::slots::Slots;

/// The state of the HTTP surface. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The opened data folder.
    pub installation: Arc<Installation>,
    /// What brings accepted events into profiles and lake.
    pub pipeline: Arc<Pipeline>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Limits of the intake.
    pub intake_limits: Limits,
    /// Notes who read what.
    pub audit: AuditLog,
    /// API keys seen a moment ago.
    pub api_keys: Arc<KeyCache<ApiKeyRow>>,
    /// Write keys seen a moment ago.
    pub write_keys: Arc<KeyCache<WriteKeyUse>>,
    /// Told when segments were added, changed or deleted.
    pub segments_changed: Arc<Notify>,
    /// Imports under way.
    pub imports: Arc<Runs>,
    /// How fast events came in lately.
    pub arrivals: Arc<Arrivals>,
    /// Counters and timings.
    pub metrics: Metrics,
    /// How many agreed and refused, as it was a moment ago.
    pub overviews: Arc<Overviews>,
    /// What places on the company's own site show.
    pub slots: Arc<Slots>,
    /// What sends messages.
    pub sender: Arc<Sender>,
    /// Addresses in templates that were asked a moment ago.
    pub link_checks: Arc<LinkChecks>,
    /// What keeps lists at advertising platforms.
    pub advertising: Arc<Advertising>,
    /// How often somebody did what anybody may do on a public page.
    pub throttle: Arc<Throttle>,
}

impl App {
    /// The state over an opened installation, and the task that writes the audit log, which ends when the last clone of the state is
    /// gone.
    ///
    /// # Errors
    /// The settings of mail or text messages cannot work.
    pub fn new(
        installation: Arc<Installation>,
        pipeline: Arc<Pipeline>,
        settings: Settings,
    ) -> Result<(Self, JoinHandle<()>)> {
        let client = Client::new(settings.webhooks.private_addresses)?;
        Self::with_client(installation, pipeline, settings, client)
    }

    /// The same, with what reaches addresses that others chose.
    ///
    /// # Errors
    /// As [`App::new`].
    pub fn with_client(
        installation: Arc<Installation>,
        pipeline: Arc<Pipeline>,
        settings: Settings,
        client: Client,
    ) -> Result<(Self, JoinHandle<()>)> {
        let ways = Arc::new(Ways::new(&settings)?);
        let public_url = match settings.public_url.trim_end_matches('/') {
            "" => format!("http://{}", settings.listen),
            url => url.to_owned(),
        };
        let advertising = Arc::new(Advertising::new(&settings, client.clone())?);
        let sender = Arc::new(Sender::new(Arc::clone(&installation), ways, client, public_url));
        let (audit, writer) = AuditLog::start(installation.store.clone());
        let app = Self {
            imports: Runs::new(Arc::clone(&installation)),
            installation,
            pipeline,
            intake_limits: settings.intake_limits(),
            settings: Arc::new(settings),
            audit,
            api_keys: Arc::default(),
            write_keys: Arc::default(),
            segments_changed: Arc::default(),
            arrivals: Arc::default(),
            metrics: Metrics::install(),
            overviews: Arc::default(),
            slots: Arc::default(),
            sender,
            link_checks: Arc::default(),
            advertising,
            throttle: Arc::default(),
        };
        Ok((app, writer))
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.installation.clock.now()
    }

    /// Chance.
    pub fn rng(&self) -> &dyn Rng {
        &*self.installation.rng
    }

    /// The address people use, without a slash at its end; from the request's host when none is set.
    pub fn public_url(&self, host: Option<&str>) -> String {
        match (self.settings.public_url.trim_end_matches('/'), host) {
            ("", Some(host)) => format!("http://{host}"),
            ("", None) => format!("http://{}", self.settings.listen),
            (url, _) => url.to_owned(),
        }
    }
}
