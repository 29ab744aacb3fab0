//! A server without a socket: its router over a fresh data folder.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt;
use rapport_channels::outbound::Client;
use rapport_channels::outbound::names::Names;
use rapport_domain::{ManualClock, SeededRng, SourceId, Timestamp};
use rapport_server::app::App;
use rapport_server::auth::issue::{self, Doors};
use rapport_server::auth::{Role, Scope, passwords, secrets};
use rapport_server::http;
use rapport_server::installation::{Installation, Places};
use rapport_server::pipeline::Pipeline;
use rapport_server::records::{sources, workspaces::FIRST};
use rapport_server::sample_shop::{self, Filled};
use rapport_server::settings::{Origins, Settings};
use rapport_store::testing::{TestDatabase, lay_tables};
use rapport_store::{Priority, Store};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// The password of all users made here.
pub const PASSWORD: &str = "correct horse battery";

/// A server without a socket.
pub struct World {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub router: Router,
    audit: tokio::task::JoinHandle<()>,
    folder: TempDir,
}

/// What a request was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A signed-in browser.
pub struct Browser {
    pub cookie: String,
    pub csrf_token: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With settings of its own: dotted name and value.
    pub async fn with(flags: &[(&'static str, &str)]) -> Self {
        Self::made(flags, None, None).await
    }

    /// Over a product database that a test has, which has all tables.
    pub async fn over(database: &TestDatabase) -> Self {
        Self::made(&[], Some(database), None).await
    }

    /// The same with settings.
    pub async fn over_with(database: &TestDatabase, flags: &[(&'static str, &str)]) -> Self {
        Self::made(flags, Some(database), None).await
    }

    /// With what knows the addresses of names.
    pub async fn with_names(flags: &[(&'static str, &str)], names: Arc<dyn Names>) -> Self {
        Self::made(flags, None, Some(names)).await
    }

    async fn made(
        flags: &[(&'static str, &str)],
        database: Option<&TestDatabase>,
        names: Option<Arc<dyn Names>>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut flags: Vec<_> = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        flags.push(("data", folder.path().display().to_string()));
        let settings = Settings::read(&Origins { flags, ..Origins::default() }).unwrap();
        // Of one clock with the database.
        let clock = database.map_or_else(|| Arc::new(ManualClock::at(Timestamp(0))), |it| Arc::clone(&it.clock));
        clock.set(Timestamp::parse("2026-11-21T12:00:00Z").unwrap());
        let rng = Arc::new(SeededRng::new(7));
        let places = Places::folder(folder.path());
        let installation = match database {
            Some(database) => Installation::over(database.store.clone(), &places, clock.clone(), rng).await,
            None => {
                lay_tables(folder.path(), rapport_server::installation::MIGRATIONS).await;
                Installation::open_with(&places, clock.clone(), rng).await
            }
        };
        let installation = Arc::new(installation.unwrap());
        let pipeline = Arc::new(Pipeline::open(Arc::clone(&installation)).await.unwrap());
        let (app, audit) = match names {
            None => App::new(installation, pipeline, settings),
            Some(names) => {
                let client = Client::with_names(settings.webhooks.private_addresses, names).unwrap();
                App::with_client(installation, pipeline, settings, client)
            }
        }
        .unwrap();
        Self { router: http::router(app.clone()), app, clock, audit, folder }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request(Method::GET, path, headers, Body::empty()).await
    }

    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Posts events with a write key as Basic authentication.
    pub async fn collect(&self, path: &str, key: &str, body: impl Into<Body>) -> Answer {
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{key}:")));
        self.request(Method::POST, path, &[("authorization", &basic)], body).await
    }

    /// A write key and its source.
    pub async fn write_key(&self, source: &str, expires_at: Option<Timestamp>) -> (String, SourceId) {
        let store = &self.app.installation.store;
        let mut tx = store.begin(Priority::Interactive).await.unwrap();
        let source = sources::ensure(&mut tx, FIRST, source, "http", self.clock_now()).await.unwrap();
        let (_, key) = issue::write_key(&mut tx, Doors::of(store), FIRST, source, expires_at).await.unwrap();
        tx.commit().await.unwrap();
        (key, source)
    }

    /// Fills the workspace with a sample shop of so many customers, up to now; its source, and what its people lived through.
    pub async fn fill(&self, customers: u32, seed: u64) -> (SourceId, Filled) {
        let installation = Arc::clone(&self.app.installation);
        let now = self.clock_now();
        let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
        let source = sources::ensure(&mut tx, FIRST, "Sample shop", "sample", now).await.unwrap();
        tx.commit().await.unwrap();
        let filling = move || sample_shop::fill(&installation, FIRST, source, customers, seed, now, |_| ()).unwrap();
        let filled = tokio::task::spawn_blocking(filling).await.unwrap();
        self.app.pipeline.drain().await.unwrap();
        (source, filled)
    }

    pub async fn api_key(&self, scopes: &[Scope], expires_at: Option<Timestamp>) -> String {
        let store = &self.app.installation.store;
        let mut tx = store.begin(Priority::Interactive).await.unwrap();
        let (_, key) = issue::api_key(&mut tx, Doors::of(store), FIRST, "test", scopes, expires_at).await.unwrap();
        tx.commit().await.unwrap();
        key
    }

    /// Makes a user whose password is [`PASSWORD`]; its id.
    pub async fn user(&self, email: &str, role: Role) -> String {
        let store = &self.app.installation.store;
        let hash = passwords::hash(PASSWORD.to_owned(), store.rng()).await.unwrap();
        let mut tx = store.begin(Priority::Interactive).await.unwrap();
        let user = issue::user(&mut tx, Doors::of(store), FIRST, email, "Test", role, Some(hash)).await.unwrap();
        tx.commit().await.unwrap();
        user.id.0
    }

    /// A browser in which a new user of this role has signed in.
    pub async fn browser(&self, role: Role) -> Browser {
        let email = format!("{}@example.org", role.as_str());
        self.user(&email, role).await;
        let answer = self.sign_in(&email, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        Browser::of(&answer)
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        let form = format!("email={}&password={}", email.replace('@', "%40"), password.replace(' ', "+"));
        self.request(Method::POST, "/sign-in", &[], form).await
    }

    pub fn clock_now(&self) -> Timestamp {
        self.app.now()
    }

    /// How many events the log holds.
    pub fn events(&self) -> u64 {
        self.app.installation.log.head()
    }

    /// Lets go of everything and returns when the audit log is written; the folder stays.
    pub async fn close(self) -> (TempDir, Store) {
        let Self { app, router, audit, folder, .. } = self;
        let store = app.installation.store.clone();
        drop((app, router));
        audit.await.unwrap();
        (folder, store)
    }
}

impl Browser {
    pub fn of(answer: &Answer) -> Self {
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let token = cookie.strip_prefix("rapport_session=").unwrap();
        Self { csrf_token: secrets::csrf_token(token), cookie }
    }

    /// Headers of a read.
    pub fn reads(&self) -> [(&str, &str); 1] {
        [(header::COOKIE.as_str(), &self.cookie)]
    }

    /// Headers of a write.
    pub fn writes(&self) -> [(&str, &str); 2] {
        [(header::COOKIE.as_str(), &self.cookie), ("x-csrf-token", &self.csrf_token)]
    }
}
