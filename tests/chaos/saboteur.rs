//! Who decides what harm comes next, each time after a few entries of the sweeps' logs, and counts what
//! met work that was going on.

use super::{
    faults::{self, Fault, Plan},
    proxy::Hold,
    world::World,
};
use floodgauge::{
    client::Answer,
    scheduler::{Decision, Event},
};
use floodgauge_protocol::SweepId;
use futures::StreamExt as _;
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

/// Sweeps that tell nothing for so long, with all processes alive, have been lost.
const STUCK: Duration = Duration::from_secs(120);

/// How long a worker may take to send something of a segment.
const SENT: Duration = Duration::from_secs(10);

/// Of a hundred faults that were tried, at least so many must have met work that was going on.
const MIN_MET: usize = 80;

/// What follows from a sweep's event stream.
enum News {
    Entry(Event),
    Ended(SweepId),
    Broken(String),
}

pub struct Saboteur {
    plan: Plan,
    /// Faults that are still to be done.
    left: usize,
    /// How many were tried; those that met no work are tried again.
    tried: usize,
    /// Entries that were heard since the last of them.
    entries_since: usize,
    postgres: bool,
    done: BTreeMap<Fault, usize>,
    news: mpsc::UnboundedReceiver<News>,
    sender: mpsc::UnboundedSender<News>,
    followed: usize,
    /// Sweeps that haven't ended, as far as was heard.
    open: usize,
    /// Sweeps that ended, and nobody was told.
    ended: Vec<SweepId>,
}

impl Saboteur {
    /// One that does the first `count` faults of a seed.
    pub fn new(seed: u64, count: usize, postgres: bool) -> Self {
        let (sender, news) = mpsc::unbounded_channel();
        Self {
            plan: Plan::new(seed, postgres),
            left: count,
            tried: 0,
            entries_since: 0,
            postgres,
            done: BTreeMap::new(),
            news,
            sender,
            followed: 0,
            open: 0,
            ended: Vec::new(),
        }
    }

    /// Whether all was done; the rest of the sweeps may end in peace.
    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// What was done, in words.
    pub fn summary(&self) -> String {
        let each = self.done.iter().map(|(fault, count)| format!("{count} {fault:?}"));
        let (done, tried) = (self.count(), self.tried);
        let met = 100 * done / tried.max(1);
        let each = each.collect::<Vec<_>>().join(", ");
        format!("{done} of {tried} faults met running work ({met} %): {each}")
    }

    /// Faults must meet work that is going on, and each kind must, if as many faults were asked for.
    pub fn check(&self) {
        let kinds = faults::kinds(self.postgres);
        let summary = self.summary();
        assert!(100 * self.count() >= MIN_MET * self.tried, "too few: {summary}");
        let each = kinds.iter().all(|kind| self.done.contains_key(kind));
        assert!(self.count() < kinds.len() || each, "a kind never happened: {summary}");
    }

    fn count(&self) -> usize {
        self.done.values().sum()
    }

    /// Follows a sweep, whose entries must come each once and in order, to its end; by one server
    /// and by the next in turn.
    pub fn watch(&mut self, world: &World, sweep: SweepId) {
        self.followed += 1;
        self.open += 1;
        let entries = world.client(self.followed).events_as::<Event, Decision>(sweep, 0);
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let mut entries = std::pin::pin!(entries);
            let mut seq = 0;
            while let Some(entry) = entries.next().await {
                let news = match entry {
                    Ok(Answer { value: entry, .. }) if entry.seq == seq + 1 => {
                        seq = entry.seq;
                        News::Entry(entry.event)
                    }
                    Ok(Answer { value: entry, .. }) => {
                        News::Broken(format!("{sweep}: entry {} follows {seq}", entry.seq))
                    }
                    Err(error) => News::Broken(format!("{sweep}: {error}")),
                };
                let _ = sender.send(news);
            }
            let _ = sender.send(News::Ended(sweep));
        });
    }

    /// Waits for a few entries, then does what is next; answers the sweeps that ended meanwhile.
    pub async fn next(&mut self, world: &mut World) -> Vec<SweepId> {
        let mut planned = None;
        loop {
            // What was heard already tells nothing of what is going on now.
            while let Ok(news) = self.news.try_recv() {
                self.take(news);
            }
            if !self.ended.is_empty() {
                if let Some(planned) = planned {
                    self.plan.put_first(planned);
                }
                return std::mem::take(&mut self.ended);
            }
            if self.left > 0 {
                let next = *planned.get_or_insert_with(|| self.plan.draw());
                if self.entries_since >= next.after {
                    planned = None;
                    self.tried += 1;
                    if self.harm(world, next).await {
                        self.left -= 1;
                        *self.done.entry(next.fault).or_default() += 1;
                    } else {
                        println!("{next:?} met no work");
                        self.plan.put_off(next);
                    }
                    self.entries_since = 0;
                    world.check();
                    world.collect().await;
                    continue;
                }
            }
            self.hear().await;
        }
    }

    /// Holds a worker in the midst of a segment; none if it has none to send anything of.
    pub async fn hold(&mut self, world: &World, whom: usize) -> Option<Hold> {
        let mut hold = world.proxy(whom).hold();
        let until = Instant::now() + SENT;
        while self.open > 0 {
            tokio::select! {
                biased;
                () = hold.met() => return Some(hold),
                heard = timeout_at(until, self.hear()) => if heard.is_err() { break },
            }
        }
        None
    }

    /// Waits until so many entries of a kind were heard; false if there are none in time, or no sweep is
    /// left.
    pub async fn heard(
        &mut self,
        count: usize,
        bound: Duration,
        kind: impl Fn(&Event) -> bool,
    ) -> bool {
        let until = Instant::now() + bound;
        let mut heard = 0;
        while heard < count && self.open > 0 {
            match timeout_at(until, self.hear()).await {
                Ok(event) => heard += usize::from(event.is_some_and(|event| kind(&event))),
                Err(_) => return false,
            }
        }
        heard >= count
    }

    /// Waits for news of a sweep; answers an event.
    async fn hear(&mut self) -> Option<Event> {
        let news = timeout(STUCK, self.news.recv()).await;
        let news = news.unwrap_or_else(|_| panic!("nothing happens, after {}", self.summary()));
        self.take(news.unwrap())
    }

    fn take(&mut self, news: News) -> Option<Event> {
        match news {
            News::Entry(event) => {
                self.entries_since += 1;
                Some(event)
            }
            News::Ended(sweep) => {
                self.open -= 1;
                self.ended.push(sweep);
                None
            }
            News::Broken(how) => panic!("{how}, after {}", self.summary()),
        }
    }
}
