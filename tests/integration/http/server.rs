//! A server on a loopback port, with a database and blobs in a folder of its own.

use floodgauge::{
    access::{Kind, Limits, Scope, Secret},
    blobs::Blobs,
    driver::{Driver, DriverConfig},
    http::{
        AppState, BasePath, ConnectionBounds, access::Gate, app, below, bounds::Bounds,
        serve_within,
    },
    store::{self, AddedToken, DynStore, NewToken, SqliteStore, TokenRow},
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::{io, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// A running server; it stops when dropped.
pub struct Server {
    /// `http://127.0.0.1:` and its port.
    pub base: String,
    pub client: reqwest::Client,
    pub driver: Driver,
    pub closing: CancellationToken,
    pub task: JoinHandle<io::Result<()>>,
    /// Holds `test.db`, `blobs/` and, if a test makes it, `data/`.
    pub folder: TempDir,
    /// What requests show, if anything.
    pub token: Option<String>,
}

/// What a server is to be like.
struct Manners {
    lease_ttl: Duration,
    gate: Gate,
    bounds: Bounds,
    base_path: Option<BasePath>,
    connections: ConnectionBounds,
}

impl Default for Manners {
    fn default() -> Self {
        let (gate, bounds, connections) = Default::default();
        let lease_ttl = Duration::from_secs(60);
        Self { lease_ttl, gate, bounds, base_path: None, connections }
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with_leases_of(Duration::from_secs(60)).await
    }

    /// A server whose leases expire that soon.
    pub async fn with_leases_of(lease_ttl: Duration) -> Self {
        Self::over(tempfile::tempdir().unwrap(), lease_ttl, Gate::default()).await
    }

    /// A server behind another gate.
    pub async fn with_gate(gate: Gate) -> Self {
        Self::over(tempfile::tempdir().unwrap(), Duration::from_secs(60), gate).await
    }

    /// Makes a token; from then on the server is open to nobody.
    pub async fn make_token(&self, scope: Scope, limits: Limits) -> (Secret, TokenRow) {
        let secret = Secret::new(Kind::Token).unwrap();
        let name = format!("{scope} {}", uuid::Uuid::new_v4());
        let new = NewToken { limits, ..NewToken::of(&secret, &name, scope.into()) };
        match self.driver.store().add_token(new).await.unwrap() {
            AddedToken::New(row) => (secret, row),
            AddedToken::NameTaken => panic!("{name} is taken"),
        }
    }

    /// The same server as who holds a token of that scope sees it.
    pub async fn with_token(mut self, scope: Scope, limits: Limits) -> Self {
        self.token = Some(self.make_token(scope, limits).await.0.reveal().into());
        self
    }

    /// Another server over the database and the blobs of this one.
    pub async fn beside(&self) -> Self {
        // Only the first one's folder is deleted at the end.
        let folder = TempDir::with_prefix_in("beside", self.folder.path()).unwrap();
        for name in ["test.db", "blobs"] {
            std::os::unix::fs::symlink(self.folder.path().join(name), folder.path().join(name))
                .unwrap();
        }
        Self::over(folder, Duration::from_secs(60), Gate::default()).await
    }

    /// A server below a base path.
    pub async fn below(base: &str) -> Self {
        let manners = Manners { base_path: Some(base.parse().unwrap()), ..Manners::default() };
        Self::on_sqlite(tempfile::tempdir().unwrap(), manners).await
    }

    /// A server within other bounds.
    pub async fn with_bounds(bounds: Bounds) -> Self {
        let manners = Manners { bounds, ..Manners::default() };
        Self::on_sqlite(tempfile::tempdir().unwrap(), manners).await
    }

    /// A server that keeps connections otherwise.
    pub async fn with_connections(connections: ConnectionBounds) -> Self {
        let manners = Manners { connections, ..Manners::default() };
        Self::on_sqlite(tempfile::tempdir().unwrap(), manners).await
    }

    /// A server over a store, which keeps connections otherwise and does as much at once as told.
    pub async fn with_store(
        store: DynStore,
        connections: ConnectionBounds,
        bounds: Bounds,
    ) -> Self {
        let manners = Manners { connections, bounds, ..Manners::default() };
        Self::on(tempfile::tempdir().unwrap(), store, manners).await
    }

    /// A server on a database of Postgres.
    pub async fn on_postgres(url: &str) -> Self {
        let store = store::open(url).await.unwrap();
        Self::on(tempfile::tempdir().unwrap(), store, Manners::default()).await
    }

    /// A server on a folder that has blobs already, and on their database.
    pub async fn on_folder(folder: TempDir, store: DynStore) -> Self {
        Self::on(
            folder,
            store,
            Manners { gate: Gate::default().with_rate(0), ..Manners::default() },
        )
        .await
    }

    async fn over(folder: TempDir, lease_ttl: Duration, gate: Gate) -> Self {
        Self::on_sqlite(folder, Manners { lease_ttl, gate, ..Manners::default() }).await
    }

    async fn on_sqlite(folder: TempDir, manners: Manners) -> Self {
        let store = SqliteStore::open(folder.path().join("test.db")).await.unwrap();
        Self::on(folder, Arc::new(store), manners).await
    }

    async fn on(folder: TempDir, store: DynStore, manners: Manners) -> Self {
        let Manners { lease_ttl, gate, bounds, base_path, connections } = manners;
        // A second install is an error, and as good as the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        let data = folder.path().join("data");
        let config = DriverConfig { lease_ttl, data, start_over_after: None, data_dir: None };
        let driver = Driver::new(store, blobs, config);
        let closing = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state =
            AppState::new(driver.clone(), closing.clone()).with_gate(gate).with_bounds(bounds);
        let app = app(state);
        let app = match base_path {
            Some(base) => below(base, app),
            None => app,
        };
        let closed = closing.clone().cancelled_owned();
        let task = tokio::spawn(serve_within(connections, listener, app, closed));
        let client = reqwest::Client::builder().no_proxy();
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base, client, driver, closing, task, folder, token: None }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Response {
        self.request(Method::DELETE, path).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    /// The JSON of an answer that must be 200.
    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// The log of a sweep that has ended, with its lines.
    pub async fn log(&self, sweep: &str) -> Vec<Value> {
        let stream = self.get(&format!("/v1/sweeps/{sweep}/events")).await.text().await.unwrap();
        let data = stream.lines().filter_map(|line| line.strip_prefix("data:"));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// Submits a sweep; answers its id.
    pub async fn submit(&self, spec: &Value) -> String {
        let response = self.post("/v1/sweeps", spec).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        let sweep: Value = response.json().await.unwrap();
        sweep["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// A small sweep: two steps an epoch, four epochs, plain and two levels.
pub fn small(name: &str) -> Value {
    json!({
        "name": name,
        "recipe": { "dataset": { "name": "spiral" }, "batch_size": 50, "epochs": 4 },
        "search": { "levels": [0.1, 0.2] },
        "scheduler": { "kind": "grid" }
    })
}

/// Asserts that an answer is a problem of a kind; answers its body.
pub async fn problem(response: Response, status: u16, kind: &str) -> Value {
    assert_eq!(response.status().as_u16(), status);
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    assert_eq!(content_type, "application/problem+json", "{body}");
    assert_eq!(body["type"], format!("urn:floodgauge:problem:{kind}"), "{body}");
    assert_eq!(body["status"], status);
    assert!(!body["title"].as_str().unwrap().is_empty());
    assert!(!body["detail"].as_str().unwrap().is_empty());
    assert!(body["errors"].is_array());
    body
}
