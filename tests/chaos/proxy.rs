//! A TCP proxy between workers and a server, which can be told to misbehave.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    time::timeout,
};

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
}

/// Mischief that waits for somebody to send something, and whom to tell once it is done.
struct Waiting {
    what: Mischief,
    done: oneshot::Sender<()>,
}

/// A proxy; it ends with the test's runtime.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    to: SocketAddr,
    waiting: Mutex<Vec<Waiting>>,
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
        let (waiting, unavailable, faults) = Default::default();
        let proxy = Self(Arc::new(Inner { address, to, waiting, unavailable, faults }));
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

    /// Does something to the next `times` things that clients send within `bound`; whether all of it
    /// came to be done.
    pub async fn harm(&self, what: Mischief, times: usize, bound: Duration) -> bool {
        let (waiting, done): (Vec<_>, Vec<_>) = (0..times)
            .map(|_| {
                let (done_sender, done) = oneshot::channel();
                (Waiting { what, done: done_sender }, done)
            })
            .unzip();
        self.0.waiting.lock().unwrap().extend(waiting);
        let all = timeout(bound, futures::future::try_join_all(done)).await;
        self.0.waiting.lock().unwrap().clear();
        matches!(all, Ok(Ok(_)))
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
                    let mut passed = count;
                    let mut said: &[u8] = b"";
                    let mut over = None;
                    let waiting = self.0.waiting.lock().unwrap().pop();
                    if let Some(Waiting { what, done }) = waiting {
                        match what {
                            Mischief::Truncate => truncating = Some(done),
                            Mischief::Cut => (passed, over) = (count / 2, Some(done)),
                            Mischief::Refuse => {
                                said = b"HTTP/1.1 503 Service Unavailable\r\n\
                                         content-length: 0\r\nconnection: close\r\n\r\n";
                                (passed, over) = (0, Some(done));
                            }
                            Mischief::Garble => {
                                said = b"HTTP/1.1 500 Internal Server Error\r\n\
                                         content-length: 99\r\n\r\n{\"type\"";
                                (passed, over) = (0, Some(done));
                            }
                        }
                    }
                    let sent = to_server.write_all(&asked[..passed]).await;
                    if let Some(done) = over {
                        let _ = to_client.write_all(said).await;
                        let _ = done.send(());
                        return;
                    }
                    if sent.is_err() {
                        return;
                    }
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
