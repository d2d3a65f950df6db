//! A proxy to the world: it hands requests on to one place, whatever they name, by tunnels too, or refuses them.

use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// What a proxy does with a request.
#[derive(Clone)]
pub enum Does {
    /// Hands it on to this address and port.
    HandsOn(String),
    /// Answers this, head and all.
    Answers(&'static str),
}

/// A proxy, until the runtime of its test ends.
pub struct ForwardProxy {
    /// `http://127.0.0.1:` and its port.
    pub address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ForwardProxy {
    pub async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = asked.clone();
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                // A connection that breaks off is one that its client has given up.
                tokio::spawn(serve(near, does.clone(), seen.clone()));
            }
        });
        Self { address, asked }
    }

    /// The first lines of what it was asked for, a connection each.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut near: TcpStream,
    does: Does,
    seen: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if near.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    let is_tunnel = line.starts_with("CONNECT ");
    seen.lock().unwrap().push(line);
    match does {
        Does::Answers(answer) => near.write_all(answer.as_bytes()).await,
        Does::HandsOn(place) => {
            let mut far = TcpStream::connect(place).await?;
            match is_tunnel {
                true => near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?,
                false => far.write_all(&head).await?,
            }
            copy_bidirectional(&mut near, &mut far).await.map(drop)
        }
    }
}
