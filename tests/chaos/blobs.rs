//! Files of checkpoints that are damaged where they lie.

use super::world::World;
use floodgauge_protocol::{Digest, Segment, Start};
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use std::{fs, path::PathBuf};

/// Of the segments that nobody has claimed, a checkpoint that one of them goes on from.
pub async fn next_needed(world: &World, which: usize) -> Option<Digest> {
    let sql = "select body from segments where state = 'queued' order by sweep, segment";
    let mut needed = Vec::new();
    for body in texts(&world.url, sql).await {
        let segment: Segment = serde_json::from_str(&body).unwrap();
        needed.extend(segment.branches.iter().filter_map(|branch| match branch.start {
            Start::Checkpoint { digest } => Some(digest),
            Start::Init => None,
        }));
    }
    (!needed.is_empty()).then(|| needed[which % needed.len()])
}

/// The one column of a query's rows.
pub async fn texts(url: &str, sql: &'static str) -> Vec<String> {
    if url.starts_with("sqlite:") {
        let mut database = SqliteConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap()
    } else {
        let mut database = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap()
    }
}

/// A checkpoint whose file was damaged, and what it was before.
pub struct Damaged {
    file: PathBuf,
    before: Vec<u8>,
}

impl Damaged {
    /// Alters a byte, cuts the file, or deletes it.
    pub fn new(world: &World, digest: Digest, how: usize) -> Self {
        let name = digest.to_string();
        let file = world.blobs.join(&name[..2]).join(&name);
        let before = fs::read(&file).unwrap();
        let mut bytes = before.clone();
        let half = bytes.len() / 2;
        match how % 3 {
            0 => fs::remove_file(&file).unwrap(),
            1 => {
                bytes[half] ^= 1;
                fs::write(&file, bytes).unwrap();
            }
            _ => fs::write(&file, &bytes[..half]).unwrap(),
        }
        Self { file, before }
    }

    /// Makes it whole again.
    pub fn mend(self) {
        fs::write(self.file, self.before).unwrap();
    }
}
