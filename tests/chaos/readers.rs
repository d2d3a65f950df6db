//! Clients that ask for much, and read none of it.

use super::world::World;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
};

/// How many there are for each path.
const READERS: usize = 6;

const PATHS: [&str; 2] = ["/v1/events", "/v1/sweeps?limit=100"];

/// Their connections, until this is dropped.
pub struct Readers {
    _open: Vec<TcpStream>,
}

impl Readers {
    /// At each of the servers in turn.
    pub async fn start(world: &World) -> Self {
        let mut open = Vec::new();
        for (which, path) in PATHS.iter().cycle().take(PATHS.len() * READERS).enumerate() {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4_096).unwrap();
            let mut stream = socket.connect(world.address(which)).await.unwrap();
            let token = world.client_token();
            let head = format!(
                "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
            );
            // Some ask for more than they are told.
            stream.write_all(head.repeat(1 + which % 3).as_bytes()).await.unwrap();
            open.push(stream);
        }
        Self { _open: open }
    }
}
