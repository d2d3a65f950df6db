//! Feeds: however many watch a log, one task reads what is added to it.
//!
//! A watcher subscribes to the feed of its log, then reads the store up to the end, then
//! hears the feed, passing over what it has read already. A watcher too slow for the feed
//! goes back to the store. So nobody misses an entry, and nobody sees one twice.

use super::{
    lines,
    log::{Batch, Log},
    shares,
    time::timestamp,
};
use crate::{driver::Driver, metrics::Watching, store::Entry};
use axum::response::sse;
use floodgauge_api::{LogEntry, LogLine};
use futures::{Stream, stream};
use serde::Deserialize as _;
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Entries that a watcher may be behind before it goes back to the store.
const CAPACITY: usize = 128;
/// The longest message that a feed hands on: what it keeps for the slowest of its watchers is at most
/// [`CAPACITY`] of these, 4 MiB. What is longer each watcher reads from the store.
const MAX_FED_BYTES: usize = 32 << 10;
/// Between two looks at a log for what other processes committed.
const POLL: Duration = Duration::from_secs(1);
/// Between two looks at a log that is being written to, so that a thousand commits a second
/// don't become a thousand reads.
const PACE: Duration = Duration::from_millis(25);

/// An entry as a message, and where it is in its log.
struct Message<Place> {
    place: Place,
    /// Whether the stream is over after it.
    last: bool,
    /// How long it is.
    bytes: usize,
    event: sse::Event,
}

/// What a feed tells its watchers.
enum News<Place> {
    /// An entry.
    Message(Arc<Message<Place>>),
    /// That there is one at this place, too long to be handed on.
    Long(Place),
}

impl<Place: Copy> Clone for News<Place> {
    fn clone(&self) -> Self {
        match self {
            Self::Message(message) => Self::Message(message.clone()),
            Self::Long(place) => Self::Long(*place),
        }
    }
}

impl<Place: Copy> News<Place> {
    /// Of a message.
    fn of(message: Arc<Message<Place>>) -> Self {
        match message.bytes > MAX_FED_BYTES {
            true => Self::Long(message.place),
            false => Self::Message(message),
        }
    }
}

type Sender<L> = broadcast::Sender<News<<L as Log>::Place>>;
type Receiver<L> = broadcast::Receiver<News<<L as Log>::Place>>;

/// The feeds of all logs of a kind that are being watched.
#[derive(Clone)]
pub struct Feeds<L: Log> {
    driver: Driver,
    closing: CancellationToken,
    open: Arc<Mutex<HashMap<L, Sender<L>>>>,
}

impl<L: Log> Feeds<L> {
    /// No feed yet; all end once `closing` is cancelled.
    pub fn new(driver: Driver, closing: CancellationToken) -> Self {
        Self { driver, closing, open: Arc::default() }
    }

    /// A log's entries after a place, as they come, until the log ends, the server closes or
    /// the database fails: then a client comes back by itself, and with its place.
    /// `head` is the newest place of the log, or an earlier one. The place is kept until then.
    pub fn follow(
        &self,
        place: shares::Place,
        log: L,
        after: L::Place,
        head: L::Place,
    ) -> impl Stream<Item = Result<sse::Event, Infallible>> + use<L> {
        let watcher = Watcher {
            driver: self.driver.clone(),
            closing: self.closing.clone(),
            news: self.subscribe(log, head),
            log,
            after,
            ready: VecDeque::new(),
            must_read_store: true,
            fed: true,
            _counted: self.driver.metrics().watches(L::NAME),
            _place: place,
        };
        stream::unfold(Some(watcher), |watcher| async move {
            let mut watcher = watcher?;
            let message = watcher.next().await?;
            Some((Ok(message.event.clone()), (!message.last).then_some(watcher)))
        })
    }

    fn subscribe(&self, log: L, head: L::Place) -> Receiver<L> {
        let mut open = self.lock();
        if let Some(sender) = open.get(&log) {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(CAPACITY);
        open.insert(log, sender.clone());
        let feeder = Feeder { feeds: self.clone(), log, after: head, sender };
        tokio::spawn(feeder.run());
        receiver
    }

    /// Ends a feed that nobody hears; false if somebody does.
    fn close_if_idle(&self, log: L, sender: &Sender<L>) -> bool {
        let mut open = self.lock();
        let idle = sender.receiver_count() == 0;
        if idle {
            open.remove(&log);
        }
        idle
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<L, Sender<L>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that reads what is added to a log.
struct Feeder<L: Log> {
    feeds: Feeds<L>,
    log: L,
    after: L::Place,
    sender: Sender<L>,
}

impl<L: Log> Feeder<L> {
    async fn run(mut self) {
        let closing = self.feeds.closing.clone();
        tokio::select! {
            () = closing.cancelled() => {}
            () = self.feed() => {}
        }
        let mut open = self.feeds.lock();
        // By now the log may have another feed, which stays.
        if open.get(&self.log).is_some_and(|sender| sender.same_channel(&self.sender)) {
            open.remove(&self.log);
        }
    }

    /// Feeds until the log ends, nobody hears any more, or the database fails.
    async fn feed(&mut self) {
        let mut commits = self.feeds.driver.subscribe();
        while !self.feeds.close_if_idle(self.log, &self.sender) {
            let looked_at = Instant::now();
            // Marked before reading: what is committed meanwhile ends the next wait.
            commits.borrow_and_update();
            let Some(entries) = read_or_end(&self.feeds.driver, self.log, self.after).await else {
                return;
            };
            for message in entries {
                self.after = message.place;
                let last = message.last;
                // Nobody may hear it: then the loop ends.
                let _ = self.sender.send(News::of(message));
                if last {
                    return;
                }
            }
            sleep_until(looked_at + PACE).await;
            // Whether it was told or time passed, it looks again.
            let _ = timeout_at(looked_at + POLL, commits.changed()).await;
        }
    }
}

/// One client's place in a log.
struct Watcher<L: Log> {
    driver: Driver,
    closing: CancellationToken,
    news: Receiver<L>,
    log: L,
    after: L::Place,
    ready: VecDeque<Arc<Message<L::Place>>>,
    /// Whether the store may hold entries that the feed won't tell.
    must_read_store: bool,
    /// Whether the feed goes on.
    fed: bool,
    _counted: Watching,
    _place: shares::Place,
}

impl<L: Log> Watcher<L> {
    async fn next(&mut self) -> Option<Arc<Message<L::Place>>> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                self.after = message.place;
                return Some(message);
            }
            if self.must_read_store {
                self.ready.extend(read_or_end(&self.driver, self.log, self.after).await?);
                self.must_read_store = !self.ready.is_empty();
                continue;
            }
            if !self.fed {
                return None;
            }
            let news = tokio::select! {
                // What was committed until then is still sent.
                () = self.closing.cancelled() => {
                    (self.must_read_store, self.fed) = (true, false);
                    continue;
                }
                news = self.news.recv() => news,
            };
            match news {
                Ok(News::Message(message)) if message.place > self.after => {
                    self.ready.push_back(message);
                }
                Ok(News::Long(place)) if place > self.after => self.must_read_store = true,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.must_read_store = true,
                Err(RecvError::Closed) => (self.must_read_store, self.fed) = (true, false),
            }
        }
    }
}

/// An entry as a message, and how long it is.
fn message(id: &str, entry: Entry, lines: Vec<LogLine>) -> anyhow::Result<(sse::Event, usize)> {
    let data = LogEntry {
        sweep: entry.sweep,
        seq: entry.seq,
        at: timestamp(entry.at_ms)?,
        event: entry.event,
        decisions: Vec::<Value>::deserialize(entry.decisions)?,
        lines,
    };
    let json = serde_json::to_string(&data)?;
    let bytes = json.len();
    Ok((sse::Event::default().id(id).event(data.name()).data(json), bytes))
}

/// Reads on in a log; none when it ended, or couldn't be read.
async fn read_or_end<L: Log>(
    driver: &Driver,
    log: L,
    after: L::Place,
) -> Option<Vec<Arc<Message<L::Place>>>> {
    let messages = read(driver, log, after).await.transpose()?;
    messages
        .inspect_err(|error| tracing::warn!(error = format!("{error:#}"), "an event stream broke"))
        .ok()
}

/// The same, with what went wrong.
async fn read<L: Log>(
    driver: &Driver,
    log: L,
    after: L::Place,
) -> anyhow::Result<Option<Vec<Arc<Message<L::Place>>>>> {
    let Batch::Entries { entries, grown } = log.read(driver, after).await? else { return Ok(None) };
    let lines = lines::of(driver.store(), entries.iter().map(|(_, entry)| entry)).await?;
    let of_entry = |((place, entry), lines): ((L::Place, Entry), _)| -> anyhow::Result<_> {
        let last = L::ends_with(&entry, grown);
        let (event, bytes) = message(&place.to_string(), entry, lines)?;
        Ok(Arc::new(Message { place, last, bytes, event }))
    };
    entries.into_iter().zip(lines).map(of_entry).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::shares::Pool;
    use crate::{
        blobs::Blobs,
        driver::DriverConfig,
        http::log::OfAll,
        store::{GlobalCursor, SqliteStore},
    };

    const SPIRAL: &str = r#"{"name": "x", "recipe": {"dataset": {"name": "spiral"}}}"#;

    async fn submit(driver: &Driver) {
        driver.submit(serde_json::from_str(SPIRAL).unwrap(), None).await.unwrap();
    }

    async fn messages(driver: &Driver) -> Vec<Arc<Message<GlobalCursor>>> {
        read_or_end(driver, OfAll, OfAll::START).await.unwrap()
    }

    #[tokio::test]
    async fn a_watcher_too_slow_for_its_feed_reads_what_it_missed_from_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("test.db")).await.unwrap();
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        let config = DriverConfig {
            lease_ttl: Duration::from_secs(60),
            data: folder.path().join("data"),
            start_over_after: None,
            data_dir: None,
        };
        let driver = Driver::new(Arc::new(store), blobs, config);
        // A feed that holds two entries, of which it is told six before its watcher listens.
        let (feed, news) = broadcast::channel(2);
        let mut watcher = Watcher {
            driver: driver.clone(),
            closing: CancellationToken::new(),
            news,
            log: OfAll,
            after: OfAll::START,
            ready: VecDeque::new(),
            must_read_store: false,
            fed: true,
            _counted: driver.metrics().watches("all"),
            _place: Pool::new("event stream", 1, 1).try_take(None).unwrap(),
        };
        for _ in 0..6 {
            submit(&driver).await;
        }
        let all = messages(&driver).await;
        for message in &all {
            assert!(feed.send(News::of(message.clone())).is_ok());
        }
        assert_eq!((watcher.news.len(), feed.len()), (6, 2), "four are lost to the watcher");
        for expected in &all {
            assert_eq!(watcher.next().await.unwrap().place, expected.place);
        }
        submit(&driver).await;
        let seventh = messages(&driver).await.pop().unwrap();
        assert!(feed.send(News::of(seventh.clone())).is_ok());
        assert_eq!(watcher.next().await.unwrap().place, seventh.place);
        submit(&driver).await;
        let eighth = messages(&driver).await.pop().unwrap();
        let long = Message { bytes: MAX_FED_BYTES + 1, event: eighth.event.clone(), ..*eighth };
        assert!(feed.send(News::of(Arc::new(long))).is_ok());
        assert_eq!(watcher.next().await.unwrap().place, eighth.place);
        // The feed still holds entries that it read from the store: it passes over them.
        drop(feed);
        assert!(watcher.next().await.is_none());
    }
}
