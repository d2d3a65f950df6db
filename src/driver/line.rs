//! Claims that wait for work, in line. When there is some, only as many look as there may be work
//! for; one that gets some has the next one look.
//!
//! Claims of one kind, that is of one fingerprint and version of the wire, would be given the same. So
//! where one finds nothing, the others of its kind needn't look.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, futures::Notified},
    time::{Instant, sleep_until},
};

/// How soon one of each kind looks again without being told: leases expire, and other servers queue
/// work, in silence.
const POLL: Duration = Duration::from_secs(1);

/// Those who wait, by kind.
#[derive(Debug, Default)]
pub(super) struct Line(Mutex<HashMap<Kind, Waiting>>);

/// What decides what a claim may be given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    fingerprint: String,
    spoken: u32,
}

/// Those of one kind.
#[derive(Debug)]
struct Waiting {
    count: usize,
    signal: Arc<Signal>,
}

#[derive(Debug)]
struct Signal {
    /// Wakes them one by one, those first that wait longest. Who is woken and gives up, or is woken
    /// for nothing, passes it on.
    notify: Notify,
    /// When one of them last looked.
    looked: Mutex<Instant>,
}

impl Line {
    /// A place in line, until it is dropped.
    pub fn join(&self, fingerprint: &str, spoken: u32) -> Place<'_> {
        let kind = Kind { fingerprint: fingerprint.into(), spoken };
        let signal = {
            let mut kinds = self.lock();
            let waiting = kinds.entry(kind.clone()).or_insert_with(|| Waiting {
                count: 0,
                signal: Arc::new(Signal {
                    notify: Notify::new(),
                    looked: Mutex::new(Instant::now()),
                }),
            });
            waiting.count += 1;
            waiting.signal.clone()
        };
        Place { line: self, kind, signal }
    }

    /// Has so many of each kind look.
    pub fn wake(&self, segments: usize) {
        for waiting in self.lock().values() {
            for _ in 0..segments.min(waiting.count) {
                waiting.signal.notify.notify_one();
            }
        }
    }

    /// Has all of them look.
    pub fn wake_all(&self) {
        for waiting in self.lock().values() {
            waiting.signal.notify.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A claim's place in line.
#[derive(Debug)]
pub(super) struct Place<'a> {
    line: &'a Line,
    kind: Kind,
    signal: Arc<Signal>,
}

impl Place<'_> {
    /// Being told to look. It counts from when it is enabled, which should be before looking, so that
    /// what comes meanwhile isn't missed; dropped after it was told, it tells the next one.
    pub fn notified(&self) -> Notified<'_> {
        self.signal.notify.notified()
    }

    /// Notes that this one looks now. Unless it finds nothing ([`Attempt::found_nothing`]), the next one looks
    /// when it has.
    pub fn attempt(&self) -> Attempt<'_> {
        *self.looked() = Instant::now();
        Attempt(Some(&self.signal.notify))
    }

    /// Waits until it is this one's turn to look, or until the deadline; false then.
    pub async fn turn(
        &self,
        mut notified: std::pin::Pin<&mut Notified<'_>>,
        deadline: Instant,
    ) -> bool {
        loop {
            let due = *self.looked() + POLL;
            tokio::select! {
                biased;
                () = &mut notified => return true,
                () = sleep_until(due.min(deadline)) => {}
            }
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            if self.is_due(now) {
                return true;
            }
        }
    }

    /// Whether it is time that one of the kind looks, which is this one then.
    fn is_due(&self, now: Instant) -> bool {
        let mut looked = self.looked();
        let is_due = *looked + POLL <= now;
        if is_due {
            *looked = now;
        }
        is_due
    }

    fn looked(&self) -> MutexGuard<'_, Instant> {
        self.signal.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut kinds = self.line.lock();
        if let Some(waiting) = kinds.get_mut(&self.kind) {
            waiting.count -= 1;
            if waiting.count == 0 {
                kinds.remove(&self.kind);
            }
        }
    }
}

/// A look at the queue. However it ends, a claim that goes away in the middle of it too, another of
/// its kind looks after it; but for one in vain.
#[derive(Debug)]
pub(super) struct Attempt<'a>(Option<&'a Notify>);

impl Attempt<'_> {
    /// It found nothing: the others wouldn't either.
    pub fn found_nothing(mut self) {
        self.0 = None;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(notify) = self.0 {
            notify.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use std::pin::pin;

    /// How many of those in line have been told.
    fn count_notified(waiting: &mut [std::pin::Pin<&mut Notified<'_>>]) -> usize {
        waiting.iter_mut().filter_map(|each| each.as_mut().now_or_never()).count()
    }

    #[tokio::test]
    async fn as_many_are_told_as_there_is_work_for_and_of_each_kind() {
        let line = Line::default();
        let places: Vec<_> = (0..4).map(|i| line.join(["a", "b"][i % 2], 1)).collect();
        let [mut a, mut b, mut c, mut d] =
            [0, 1, 2, 3].map(|i: usize| Box::pin(places[i].notified()));
        let mut all = [a.as_mut(), b.as_mut(), c.as_mut(), d.as_mut()];
        assert_eq!(count_notified(&mut all), 0);
        line.wake(1);
        assert_eq!(count_notified(&mut all), 2, "one of each kind");
    }

    #[tokio::test]
    async fn who_gets_work_tells_the_next_one_and_who_finds_none_does_not() {
        let line = Line::default();
        let (first, second) = (line.join("a", 1), line.join("a", 1));
        let mut next = pin!(second.notified());
        next.as_mut().enable();
        first.attempt().found_nothing();
        assert!(next.as_mut().now_or_never().is_none());
        drop(first.attempt());
        assert!(next.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_was_told_and_goes_away_tells_the_next_one() {
        let line = Line::default();
        let (first, second) = (line.join("a", 1), line.join("a", 1));
        let mut next = pin!(second.notified());
        {
            let mut gone = pin!(first.notified());
            gone.as_mut().enable();
            next.as_mut().enable();
            line.wake(1);
            assert!(next.as_mut().now_or_never().is_none(), "the first in line is told");
        }
        assert!(next.as_mut().now_or_never().is_some());
    }

    #[test]
    fn of_a_kind_one_looks_every_second_and_the_others_wait() {
        let line = Line::default();
        let places: Vec<_> = (0..100).map(|_| line.join("a", 1)).collect();
        let other = line.join("b", 1);
        let began = Instant::now();
        for second in 1..=3 {
            let now = began + POLL * second;
            assert_eq!(places.iter().filter(|place| place.is_due(now)).count(), 1);
            assert!(other.is_due(now));
        }
        assert!(!other.is_due(began + POLL * 3 + POLL / 2));
    }

    #[test]
    fn nothing_is_left_of_those_who_have_gone() {
        let line = Line::default();
        drop((line.join("a", 1), line.join("a", 1), line.join("b", 1)));
        assert!(line.lock().is_empty());
    }
}
