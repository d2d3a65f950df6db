//! A TCP proxy between a worker and a server, which can be told to misbehave, and to hold a worker where it is.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, sink},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    sync::{oneshot, watch},
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What is done to something that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// Half of it is passed on, then the connection ends.
    Cut,
    /// The server never sees it: 503, with an empty body.
    Refuse,
    /// The server never sees it: 500, with a body that breaks off.
    Garble,
    /// The server answers, and half of its answer is passed on.
    Truncate,
    /// The server never sees an upload, which is too large for the proxy.
    RefuseBody,
}

impl Mischief {
    /// Whether it can be done to this.
    fn suits(self, sent: &[u8]) -> bool {
        self != Self::RefuseBody || sent.starts_with(b"PUT /v1/work/")
    }

    /// What the proxy says itself, where it does.
    fn words(self) -> String {
        let answer = |head: &str, length: usize, body: &str| {
            format!(
                "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
        };
        match self {
            Self::Cut | Self::Truncate => String::new(),
            Self::Refuse => answer("503 Service Unavailable", 0, ""),
            Self::Garble => answer("500 Internal Server Error", 99, "{\"type\""),
            Self::RefuseBody => {
                let body = "<html><h1>413 Request Entity Too Large</h1></html>";
                let head =
                    "413 Request Entity Too Large\r\nserver: nginx\r\ncontent-type: text/html";
                answer(head, body.len(), body)
            }
        }
    }
}

/// Mischief that waits for somebody to send something, and whom to tell once it is done.
struct Waiting {
    what: Mischief,
    done: oneshot::Sender<()>,
}

/// Holds back what a worker sends of the segment that it trains, until this is dropped.
pub struct Hold {
    held: watch::Receiver<bool>,
    _until: DropGuard,
}

impl Hold {
    /// Waits until there is something that is held: from now on a worker is in the midst of a segment.
    pub async fn met(&mut self) {
        self.held.wait_for(|held| *held).await.unwrap();
    }
}

/// What a connection needs to be held.
#[derive(Clone)]
struct Held {
    held: Arc<watch::Sender<bool>>,
    until: CancellationToken,
}

/// A proxy; it ends with the test's runtime.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    to: SocketAddr,
    waiting: Mutex<Vec<Waiting>>,
    hold: Mutex<Option<Held>>,
    /// How often the server itself said that it is unavailable.
    unavailable: watch::Sender<u64>,
    /// How often it said that it made a mistake.
    faults: AtomicU64,
}

impl Proxy {
    /// A proxy for the server at `to`.
    pub async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (waiting, hold, unavailable, faults) = Default::default();
        let proxy = Self(Arc::new(Inner { address, to, waiting, hold, unavailable, faults }));
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move { proxy.carry(client).await });
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Does something to what was held and what is sent next, `times` in all; whether all of it came to be
    /// done within `bound`.
    pub async fn harm(&self, what: Mischief, times: usize, bound: Duration, held: Hold) -> bool {
        let (waiting, done): (Vec<_>, Vec<_>) = (0..times)
            .map(|_| {
                let (done_sender, done) = oneshot::channel();
                (Waiting { what, done: done_sender }, done)
            })
            .unzip();
        self.0.waiting.lock().unwrap().extend(waiting);
        drop(held);
        let all = timeout(bound, futures::future::try_join_all(done)).await;
        self.0.waiting.lock().unwrap().clear();
        matches!(all, Ok(Ok(_)))
    }

    /// Holds the worker at the next thing that it sends of a segment.
    pub fn hold(&self) -> Hold {
        let (held, until) = (watch::Sender::new(false), CancellationToken::new());
        let hold = Hold { held: held.subscribe(), _until: until.clone().drop_guard() };
        *self.0.hold.lock().unwrap() = Some(Held { held: Arc::new(held), until });
        hold
    }

    /// Waits for as long as somebody holds what is sent.
    async fn pass(&self, sent: &[u8]) {
        let hold = self.0.hold.lock().unwrap().clone();
        if let Some(hold) = hold.filter(|_| is_of_a_segment(sent)) {
            hold.held.send_replace(true);
            hold.until.cancelled().await;
        }
    }

    /// The mischief that waits for this, if any does.
    fn mischief(&self, sent: &[u8]) -> Option<Waiting> {
        let mut waiting = self.0.waiting.lock().unwrap();
        let at = waiting.iter().rposition(|waiting| waiting.what.suits(sent))?;
        Some(waiting.remove(at))
    }

    /// How often the server itself said that it is unavailable.
    pub fn unavailable(&self) -> watch::Receiver<u64> {
        self.0.unavailable.subscribe()
    }

    /// How often the server itself said that it made a mistake.
    pub fn faults(&self) -> u64 {
        self.0.faults.load(Ordering::Relaxed)
    }

    /// Both ways of a connection, until one side ends it or mischief does.
    async fn carry(&self, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.0.to).await else { return };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut truncating = None;
        loop {
            tokio::select! {
                read = from_client.read(&mut asked) => {
                    let Ok(count @ 1..) = read else { return };
                    self.pass(&asked[..count]).await;
                    let mischief = self.mischief(&asked[..count]);
                    let Some(Waiting { what, done }) = mischief else {
                        if to_server.write_all(&asked[..count]).await.is_err() {
                            return;
                        }
                        continue;
                    };
                    let passed = match what {
                        Mischief::Truncate => count,
                        Mischief::Cut => count / 2,
                        Mischief::Refuse | Mischief::Garble | Mischief::RefuseBody => 0,
                    };
                    let _ = to_server.write_all(&asked[..passed]).await;
                    if what == Mischief::Truncate {
                        truncating = Some(done);
                        continue;
                    }
                    let _ = to_client.write_all(what.words().as_bytes()).await;
                    let _ = done.send(());
                    if what == Mischief::RefuseBody {
                        linger(&mut from_client).await;
                    }
                    return;
                }
                read = from_server.read(&mut answered) => {
                    let Ok(count @ 1..) = read else { return };
                    if answered[..count].starts_with(b"HTTP/1.1 503") {
                        self.0.unavailable.send_modify(|count| *count += 1);
                    }
                    if answered[..count].starts_with(b"HTTP/1.1 500") {
                        self.0.faults.fetch_add(1, Ordering::Relaxed);
                    }
                    let passed = if truncating.is_some() { count / 2 } else { count };
                    let sent = to_client.write_all(&answered[..passed]).await;
                    if let Some(done) = truncating {
                        let _ = done.send(());
                        return;
                    }
                    if sent.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Whether something is sent under a lease.
fn is_of_a_segment(sent: &[u8]) -> bool {
    let path = [&b"POST /v1/work/"[..], b"PUT /v1/work/", b"GET /v1/work/"]
        .into_iter()
        .find_map(|begin| sent.strip_prefix(begin));
    path.is_some_and(|path| !path.starts_with(b"claim") && !path.starts_with(b"trouble"))
}

/// Takes what is still coming, since a connection that is closed before loses its answer.
async fn linger(from: &mut OwnedReadHalf) {
    let _ = timeout(Duration::from_secs(2), tokio::io::copy(from, &mut sink())).await;
}
