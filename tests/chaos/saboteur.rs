//! Who does harm, each time after a few entries of the sweeps' logs.

use super::{
    faults::{self, Fault, Planned},
    proxy::Mischief,
    world::{LEASE_TTL, World},
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
    task::block_in_place,
    time::{Instant, timeout, timeout_at},
};

/// Sweeps that tell nothing for so long, with all processes alive, have been lost.
const STUCK: Duration = Duration::from_secs(120);

/// How long workers may take to send something, or to upload.
const SENT: Duration = Duration::from_secs(10);

/// What follows from a sweep's event stream.
enum News {
    Entry { lost: bool },
    Ended(SweepId),
    Broken(String),
}

pub struct Saboteur {
    planned: Box<dyn Iterator<Item = Planned> + Send>,
    next: Option<Planned>,
    /// Faults that are still to be done.
    left: usize,
    /// Entries that were heard since the last of them.
    entries_since: usize,
    postgres: bool,
    done: BTreeMap<Fault, usize>,
    news: mpsc::UnboundedReceiver<News>,
    sender: mpsc::UnboundedSender<News>,
    followed: usize,
}

impl Saboteur {
    /// One that does the first `count` faults of a seed.
    pub fn new(seed: u64, count: usize, postgres: bool) -> Self {
        let (sender, news) = mpsc::unbounded_channel();
        let planned = Box::new(faults::drawn(seed, postgres));
        let done = BTreeMap::new();
        Self {
            planned,
            next: None,
            left: count,
            entries_since: 0,
            postgres,
            done,
            news,
            sender,
            followed: 0,
        }
    }

    /// Whether all was done; the rest of the sweeps may end in peace.
    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// What was done, in words.
    pub fn summary(&self) -> String {
        let each = self.done.iter().map(|(fault, count)| format!("{count} {fault:?}"));
        let count: usize = self.done.values().sum();
        format!("{count} faults ({})", each.collect::<Vec<_>>().join(", "))
    }

    /// Whether each kind was done, if as many faults were asked for.
    pub fn did_each_kind(&self) -> bool {
        let kinds = faults::kinds(self.postgres);
        let count: usize = self.done.values().sum();
        count < kinds.len() || kinds.iter().all(|kind| self.done.contains_key(kind))
    }

    /// Follows a sweep, whose entries must come each once and in order, to its end; by one server
    /// and by the next in turn.
    pub fn watch(&mut self, world: &World, sweep: SweepId) {
        self.followed += 1;
        let entries = world.client(self.followed).events_as::<Event, Decision>(sweep, 0);
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let mut entries = std::pin::pin!(entries);
            let mut seq = 0;
            while let Some(entry) = entries.next().await {
                let news = match entry {
                    Ok(Answer { value: entry, .. }) if entry.seq == seq + 1 => {
                        seq = entry.seq;
                        News::Entry { lost: matches!(entry.event, Event::Lost { .. }) }
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
        let mut ended = Vec::new();
        while ended.is_empty() {
            if self.left > 0 {
                let planned = self.next.take().or_else(|| self.planned.next()).unwrap();
                if self.entries_since >= planned.after {
                    self.entries_since = 0;
                    self.left -= 1;
                    self.harm(world, planned, &mut ended).await;
                    world.check();
                    world.collect().await;
                    continue;
                }
                self.next = Some(planned);
            }
            self.hear(&mut ended).await;
        }
        ended
    }

    /// Waits for news of a sweep; whether they tell of a lost lease.
    async fn hear(&mut self, ended: &mut Vec<SweepId>) -> bool {
        let news = timeout(STUCK, self.news.recv()).await;
        match news.unwrap_or_else(|_| panic!("nothing happens, after {}", self.summary())) {
            Some(News::Entry { lost }) => {
                self.entries_since += 1;
                lost
            }
            Some(News::Ended(sweep)) => {
                ended.push(sweep);
                false
            }
            Some(News::Broken(how)) => panic!("{how}, after {}", self.summary()),
            None => unreachable!("a sender is at hand"),
        }
    }

    /// Does a fault. One that nobody was there for (no worker sent anything, say) is tried again.
    async fn harm(&mut self, world: &mut World, planned: Planned, ended: &mut Vec<SweepId>) {
        let Planned { fault, whom, times, .. } = planned;
        let did = match fault {
            Fault::KillWorker => block_in_place(|| world.replace_worker(whom)),
            Fault::KillServer => block_in_place(|| world.replace_server(whom)),
            Fault::StopDatabase => block_in_place(|| world.restart_database("fast")),
            Fault::CrashDatabase => block_in_place(|| world.restart_database("immediate")),
            Fault::PauseWorker => {
                world.worker(whom).signal("STOP");
                self.until_lost(2 * LEASE_TTL, ended).await;
                world.worker(whom).signal("CONT");
                true
            }
            Fault::PauseServer => {
                world.server(whom).signal("STOP");
                self.until_lost(LEASE_TTL + Duration::from_millis(500), ended).await;
                world.server(whom).signal("CONT");
                true
            }
            Fault::CutRequests => world.proxy(whom).harm(Mischief::Cut, times, SENT).await,
            Fault::RefuseRequests => world.proxy(whom).harm(Mischief::Refuse, times, SENT).await,
            Fault::GarbleAnswers => world.proxy(whom).harm(Mischief::Garble, times, SENT).await,
            Fault::TruncateAnswers => world.proxy(whom).harm(Mischief::Truncate, times, SENT).await,
            Fault::FillDisk => world.fill_disk(times as u64, SENT).await,
        };
        if did {
            *self.done.entry(fault).or_default() += 1;
        } else {
            self.left += 1;
            self.next = Some(planned);
        }
    }

    /// Waits until a lease was lost, at most so long.
    async fn until_lost(&mut self, bound: Duration, ended: &mut Vec<SweepId>) {
        let until = Instant::now() + bound;
        while let Ok(lost) = timeout_at(until, self.hear(ended)).await {
            if lost {
                return;
            }
        }
    }
}
