//! An opened data folder: the product database, the intake log, the lake, and what works on them.
//!
//! Always holds: one process at a time; whatever cannot be opened is refused before anything is changed.
//!
//! Does not do: HTTP, the pipeline's loop (see `pipeline`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rapport_analytics::Analytics;
use rapport_analytics::recommend::{self, Recommender};
use rapport_domain::{Clock, Rng, SystemClock, SystemRng};
use rapport_intake::log::FolderKeys;
use rapport_intake::{IntakeLog, LogOptions};
use rapport_lake::{Lake, Location};
use rapport_privacy::Suppressions;
use rapport_profiles::Profiles;
use rapport_profiles::identity::partition::Limits;
use rapport_segments::live::Live;
use rapport_store::data_map::Declaration;
use rapport_store::{Migrations, Store, StoreConfig};

use crate::engaging::LivePlans;
use crate::experimenting::lots::JourneyLots;
use crate::experimenting::{LiveExperiments, global};
use crate::noting::Noting;
use crate::policies::LivePolicies;
use crate::records;
use crate::searching::Indices;
use crate::surveying::LiveSurveys;
use crate::understanding::Readers;
use crate::{importing, intending, schema, topics};

/// Where things are: a folder, and for scale-out a database and an object store elsewhere.
#[derive(Clone, Debug)]
pub struct Places {
    /// The data folder.
    pub data: PathBuf,
    /// PostgreSQL's URL; `None` is SQLite in the data folder.
    pub database: Option<String>,
    /// The lake's URL (`s3://bucket/prefix`); `None` is a folder in the data folder.
    pub lake: Option<String>,
}

impl Places {
    /// Everything in one folder.
    pub fn folder(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), database: None, lake: None }
    }
}

/// What every column of every table holds, whose it is, and what erasure does to it.
pub const DATA_MAPS: &[&[Declaration]] = &[
    rapport_store::DATA_MAP,
    rapport_profiles::DATA_MAP,
    rapport_lake::DATA_MAP,
    rapport_segments::DATA_MAP,
    rapport_analytics::scores::schema::DATA_MAP,
    rapport_privacy::DATA_MAP,
    rapport_engagement::DATA_MAP,
    rapport_experiments::DATA_MAP,
    rapport_feedback::DATA_MAP,
    rapport_feedback::reviews::DATA_MAP,
    rapport_feedback::follow_ups::DATA_MAP,
    rapport_feedback::improvements::DATA_MAP,
    rapport_feedback::digest::DATA_MAP,
    rapport_feedback::complaints::DATA_MAP,
    rapport_feedback::topics::DATA_MAP,
    rapport_feedback::ideas::DATA_MAP,
    rapport_feedback::intents::DATA_MAP,
    rapport_feedback::notes::DATA_MAP,
    rapport_feedback::advocacy::DATA_MAP,
    rapport_loyalty::DATA_MAP,
    schema::DATA_MAP,
    importing::DATA_MAP,
    records::questions::DATA_MAP,
];

/// An opened data folder.
pub struct Installation {
    /// The product database.
    pub store: Store,
    /// Accepted events.
    pub log: IntakeLog,
    /// Applied events.
    pub lake: Lake,
    /// Who the customers are.
    pub profiles: Profiles,
    /// Questions and answers.
    pub analytics: Analytics,
    /// What to offer to whom.
    pub recommender: Recommender,
    /// Who is in which segment.
    pub memberships: Live,
    /// Who must not come back.
    pub suppressions: Suppressions,
    /// Which surveys people answer.
    pub surveys: LiveSurveys,
    /// Which experiments there are.
    pub experiments: Arc<LiveExperiments>,
    /// Which policies there are, with what they know.
    pub policies: Arc<LivePolicies>,
    /// What is kept before an answer leaves.
    pub noting: Noting,
    /// What understands what customers write.
    pub readers: Readers,
    /// What finds texts by their words.
    pub indices: Indices,
    /// What it is about: topics that people edit.
    pub topics: topics::Known,
    /// What it wants: intents learnt from examples.
    pub intents: intending::Known,
    /// The door to the points ledger.
    pub points: rapport_loyalty::Poster,
    /// Which programmes there are, and their rules.
    pub programs: rapport_loyalty::records::live::LivePrograms,
    /// Which journeys are live.
    pub plans: LivePlans,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// The data folder.
    pub folder: PathBuf,
}

/// All tables, in the order in which they are made.
pub const MIGRATIONS: &[Migrations] = &[
    rapport_profiles::MIGRATIONS,
    rapport_lake::MIGRATIONS,
    rapport_segments::MIGRATIONS,
    rapport_analytics::scores::schema::MIGRATIONS,
    rapport_privacy::MIGRATIONS,
    rapport_engagement::MIGRATIONS,
    rapport_experiments::MIGRATIONS,
    rapport_feedback::MIGRATIONS,
    rapport_feedback::reviews::MIGRATIONS,
    rapport_feedback::follow_ups::MIGRATIONS,
    rapport_feedback::improvements::MIGRATIONS,
    rapport_feedback::digest::MIGRATIONS,
    rapport_feedback::complaints::MIGRATIONS,
    rapport_feedback::topics::MIGRATIONS,
    rapport_feedback::ideas::MIGRATIONS,
    rapport_feedback::intents::MIGRATIONS,
    rapport_feedback::notes::MIGRATIONS,
    rapport_feedback::advocacy::MIGRATIONS,
    rapport_loyalty::MIGRATIONS,
    schema::MIGRATIONS,
    importing::MIGRATIONS,
    records::questions::MIGRATIONS,
];

impl Installation {
    /// Opens a data folder, or founds one.
    ///
    /// # Errors
    /// The folder is in use, of a newer version, or damaged: nothing was changed then.
    pub async fn open(places: &Places) -> Result<Self> {
        Self::open_with(places, Arc::new(SystemClock), Arc::new(SystemRng)).await
    }

    /// As [`Installation::open`], in a time and with a chance of one's own.
    pub async fn open_with(places: &Places, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self> {
        let folder = &places.data;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the data folder {}", folder.display()))?;
        let config = match &places.database {
            Some(url) => StoreConfig::postgres(url),
            None => StoreConfig::folder(folder),
        };
        let store = Store::open(config.clock(Arc::clone(&clock)).rng(Arc::clone(&rng)), MIGRATIONS).await?;
        Self::over(store, places, clock, rng).await
    }

    /// As [`Installation::open_with`], over a product database that is open already.
    pub async fn over(store: Store, places: &Places, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self> {
        let folder = &places.data;
        let log = open_log(folder, &clock, &rng)?;
        let location = match &places.lake {
            Some(url) => Location::Url(url.clone()),
            None => Location::Folder(folder.join("lake")),
        };
        let lake = Lake::open(store.clone(), &location, rapport_lake::Settings::default()).await?;
        let profiles = Profiles::new(Arc::clone(&clock), Arc::clone(&rng), Limits::default());
        let analytics = Analytics::new(store.clone(), lake.clone());
        let recommender = Recommender::new(analytics.clone(), recommend::Settings::default());
        let memberships = Live::new(store.clone(), lake.clone());
        let suppressions = Suppressions::open(&store).await?;
        global::settle(&store, clock.now()).await?;
        let experiments = Arc::new(LiveExperiments::default());
        let policies = Arc::new(LivePolicies::default());
        let lots = JourneyLots { experiments: Arc::clone(&experiments), policies: Arc::clone(&policies) };
        Ok(Self {
            log,
            lake,
            profiles,
            analytics,
            recommender,
            memberships,
            suppressions,
            noting: Noting::new(store.clone(), Arc::clone(&clock)),
            readers: Readers::default(),
            indices: Indices::new(folder),
            surveys: LiveSurveys::default(),
            topics: topics::Known::default(),
            intents: intending::Known::default(),
            points: rapport_loyalty::Poster::start(store.clone()),
            programs: rapport_loyalty::records::live::LivePrograms::default(),
            plans: LivePlans::new(Arc::new(lots)),
            experiments,
            policies,
            store,
            clock,
            rng,
            folder: folder.clone(),
        })
    }
}

fn open_log(folder: &Path, clock: &Arc<dyn Clock>, rng: &Arc<dyn Rng>) -> Result<IntakeLog> {
    let keys = FolderKeys::open(&folder.join("log-keys"), Arc::clone(rng)).context("cannot open the log's day keys")?;
    let options = LogOptions { keys: Some(Arc::new(keys)), ..LogOptions::default() };
    Ok(IntakeLog::open(&folder.join("log"), options, Arc::clone(clock), Arc::clone(rng))?)
}
