//! Which connections there may be, and which of them have had their time.
//!
//! A connection *asks* from the head of a request to the end of its answer; else it *waits*. One that
//! waits costs nobody anything but its place, so it makes room where there is none, and waits only so
//! long. One that asks has the bounds of its route (`bounds.rs`), and ends here only where its client
//! takes too little of what is sent; before that it makes room too, where none waits.

use super::{
    ConnectionBounds,
    patience::{Patience, Wait},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Connections beyond the bound, on which health probes are answered and all else is refused.
const RESERVE: usize = 64;

/// How long the head of a request may take there at most.
const HEAD_IN_RESERVE: Duration = Duration::from_secs(2);

/// What a head may have before it takes one of [`LARGE_HEADS`], in bytes: more than any without the
/// cookies of other programs.
const LARGE_HEAD_BYTES: usize = 32 * 1024;

/// Heads beyond [`LARGE_HEAD_BYTES`] that may be on their way at once, so that not every connection can
/// take the memory of the longest. Chosen, not measured.
const LARGE_HEADS: usize = 64;

/// What of an answer may be on its way before more of it is made, in bytes.
const AHEAD_BYTES: usize = 64 * 1024;

/// How long a client takes nothing until its connection makes room.
const SLOW: Duration = Duration::from_secs(1);

/// Marks a request that came on a connection beyond the bound.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct InReserve;

/// The connections of a server.
pub struct Connections {
    bounds: ConnectionBounds,
    open: Mutex<Open>,
    large_heads: Arc<Semaphore>,
}

#[derive(Default)]
struct Open {
    /// Those within the bound, by number.
    taken: HashMap<u64, Arc<Seen>>,
    /// Those beyond it.
    reserve: HashMap<u64, Arc<Seen>>,
    next: u64,
}

impl Connections {
    /// No connections yet.
    pub fn new(bounds: ConnectionBounds) -> Self {
        let large_heads = Arc::new(Semaphore::new(LARGE_HEADS));
        Self { bounds, open: Mutex::default(), large_heads }
    }

    /// A place for one more connection; none where even the reserve is full of such that ask.
    pub fn admit(self: &Arc<Self>) -> Option<Admitted> {
        let mut open = lock(&self.open);
        let fits = open.taken.len() < self.bounds.connections || make_room(&mut open.taken);
        let in_reserve = !fits;
        if in_reserve && open.reserve.len() >= RESERVE && !make_room(&mut open.reserve) {
            return None;
        }
        let number = open.next;
        open.next += 1;
        let patience = self.bounds.for_answers();
        let seen = Arc::new(Seen::new(patience, self.large_heads.clone()));
        let of = if in_reserve { &mut open.reserve } else { &mut open.taken };
        of.insert(number, seen.clone());
        Some(Admitted { connections: self.clone(), number, seen, in_reserve })
    }

    /// Ends all of them.
    pub fn cut_all(&self) {
        let open = lock(&self.open);
        open.taken.values().chain(open.reserve.values()).for_each(|seen| seen.cut.cancel());
    }
}

/// Ends a connection that waits: of those that never asked anything the oldest, or else the one that
/// has waited longest since; or else the one whose client has taken nothing for longest. False where
/// all of them are being answered.
fn make_room(taken: &mut HashMap<u64, Arc<Seen>>) -> bool {
    let waits = taken.iter().filter_map(|(number, seen)| {
        let (rank, since) = lock(&seen.state).rank()?;
        Some((rank, since, *number))
    });
    let Some((.., number)) = waits.min() else { return false };
    if let Some(seen) = taken.remove(&number) {
        seen.cut.cancel();
    }
    true
}

/// A connection that has a place until this is dropped.
pub struct Admitted {
    connections: Arc<Connections>,
    number: u64,
    seen: Arc<Seen>,
    in_reserve: bool,
}

impl Admitted {
    /// Where to note what is seen of it.
    pub fn seen(&self) -> Arc<Seen> {
        self.seen.clone()
    }

    /// Whether it is one beyond the bound.
    pub fn in_reserve(&self) -> bool {
        self.in_reserve
    }

    /// Resolves once the connection has to end, and says why.
    pub async fn over(self) -> &'static str {
        let cut = self.seen.cut.clone();
        tokio::select! {
            () = cut.cancelled() => "others needed its place",
            why = self.due() => why,
        }
    }

    async fn due(&self) -> &'static str {
        let mut bounds = self.connections.bounds;
        if self.in_reserve {
            bounds.head = bounds.head.min(HEAD_IN_RESERVE);
        }
        // What begins after a look takes at least so long until it is due.
        let soon = bounds.head.min(bounds.idle).min(bounds.write);
        loop {
            let now = Instant::now();
            let next = match self.seen.due(&bounds) {
                Some((at, why)) if at <= now => return why,
                Some((at, _)) => at.min(now + soon),
                None => now + soon,
            };
            sleep_until(next).await;
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = lock(&self.connections.open);
        open.taken.remove(&self.number);
        open.reserve.remove(&self.number);
    }
}

/// What is seen of a connection.
pub struct Seen {
    state: Mutex<State>,
    cut: CancellationToken,
    patience: Patience,
    large_heads: Arc<Semaphore>,
}

struct State {
    /// Requests that are being answered: over HTTP/2 there may be several.
    asking: usize,
    /// Of those with an answer, how long the client is waited for, by number.
    answers: HashMap<u64, Wait>,
    /// The number of the next request.
    next: u64,
    /// Whether there ever was one.
    asked_before: bool,
    /// Since when none is.
    waits_since: Instant,
    /// Whether requests come in frames of HTTP/2, between which there are others that begin none.
    is_framed: bool,
    /// When the first byte came since then.
    head_since: Option<Instant>,
    /// How many came.
    head_bytes: usize,
    /// The place of a head that is large.
    large_head: Option<OwnedSemaphorePermit>,
    /// How long the client is waited for to take what was sent of all answers.
    stuck: Wait,
    /// How much of a body was given to be sent and isn't yet, in bytes.
    ahead: usize,
    /// Whom to tell once that is less.
    wake: Option<Waker>,
}

impl State {
    /// When the connection makes room: those of the least rank do first, of these the one that has waited
    /// longest. None while it is being answered.
    fn rank(&self) -> Option<(u8, Instant)> {
        if self.asking == 0 {
            return Some((u8::from(self.asked_before), self.waits_since));
        }
        let since = self.waits().filter_map(Wait::since).min()?;
        (since.elapsed() > SLOW).then_some((2, since))
    }

    /// What its client is waited for.
    fn waits(&self) -> impl Iterator<Item = &Wait> {
        self.answers.values().chain([&self.stuck])
    }
}

impl Seen {
    fn new(patience: Patience, large_heads: Arc<Semaphore>) -> Self {
        let state = State {
            asking: 0,
            answers: HashMap::new(),
            next: 0,
            asked_before: false,
            waits_since: Instant::now(),
            is_framed: false,
            head_since: None,
            head_bytes: 0,
            large_head: None,
            stuck: Wait::default(),
            ahead: 0,
            wake: None,
        };
        Self { state: Mutex::new(state), cut: CancellationToken::new(), patience, large_heads }
    }

    /// Notes that so many bytes came.
    pub fn note_bytes(&self, bytes: usize) {
        let mut state = lock(&self.state);
        if state.asking > 0 || state.is_framed {
            return;
        }
        state.head_since.get_or_insert_with(Instant::now);
        state.head_bytes += bytes;
        if state.head_bytes > LARGE_HEAD_BYTES && state.large_head.is_none() {
            match self.large_heads.clone().try_acquire_owned() {
                Ok(place) => state.large_head = Some(place),
                Err(_) => self.cut.cancel(),
            }
        }
    }

    /// Notes that so many bytes could be sent.
    pub fn wrote(&self, bytes: usize) {
        let mut state = lock(&self.state);
        state.stuck.end();
        state.stuck.pay(bytes, self.patience);
        // Heads count too, so that it may be a little more than this says.
        state.ahead = state.ahead.saturating_sub(bytes);
        let wake = if state.ahead < AHEAD_BYTES { state.wake.take() } else { None };
        drop(state);
        if let Some(waker) = wake {
            waker.wake();
        }
    }

    /// Notes that no byte could be sent, since the client takes none.
    pub fn is_stuck(&self) {
        lock(&self.state).stuck.begin();
    }

    /// Whether the head of a request has begun to come and isn't whole.
    pub fn is_halfway(&self) -> bool {
        let state = lock(&self.state);
        state.asking == 0 && state.head_since.is_some()
    }

    /// Notes that a request's head is whole; its answer has ended once what this gives is dropped.
    pub fn begin(self: &Arc<Self>) -> Asking {
        let mut state = lock(&self.state);
        state.asking += 1;
        state.asked_before = true;
        (state.head_since, state.head_bytes, state.large_head) = (None, 0, None);
        let number = state.next;
        state.next += 1;
        Asking { seen: self.clone(), number }
    }

    /// Notes that requests come in frames: bytes between two of them are no beginning of a head.
    pub fn comes_in_frames(&self) {
        lock(&self.state).is_framed = true;
    }

    /// When the connection has had its time if nothing happens until then, and why; none where it may
    /// take what it takes.
    fn due(&self, bounds: &ConnectionBounds) -> Option<(Instant, &'static str)> {
        let state = lock(&self.state);
        let patience = bounds.for_answers();
        if let Some(at) = state.waits().filter_map(|wait| wait.over_at(patience)).min() {
            return Some((at, "its client took too little of the answer"));
        }
        if state.asking > 0 {
            return None;
        }
        Some(match (state.head_since, state.asked_before) {
            (Some(first), _) => (first + bounds.head, "the head of a request took too long"),
            (None, false) => (state.waits_since + bounds.head, "no request came"),
            (None, true) => (state.waits_since + bounds.idle, "no further request came"),
        })
    }
}

/// A request that is being answered.
pub struct Asking {
    seen: Arc<Seen>,
    number: u64,
}

impl Asking {
    /// Notes that so much of the body was given to be sent: until more is asked for, the client is
    /// waited for.
    pub fn gave(&self, bytes: usize) {
        let mut state = lock(&self.seen.state);
        state.ahead += bytes;
        let wait = state.answers.entry(self.number).or_default();
        wait.pay(bytes, self.seen.patience);
        wait.begin();
    }

    /// Notes that more of the body is asked for: what was given is on its way.
    pub fn taken(&self) {
        if let Some(wait) = lock(&self.seen.state).answers.get_mut(&self.number) {
            wait.end();
        }
    }

    /// Whether more was given than should be on its way; then this is woken once it isn't.
    pub fn is_ahead(&self, waker: &Waker) -> bool {
        let mut state = lock(&self.seen.state);
        let is_ahead = state.ahead >= AHEAD_BYTES;
        if is_ahead {
            state.wake = Some(waker.clone());
        }
        is_ahead
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = lock(&self.seen.state);
        state.answers.remove(&self.number);
        state.asking -= 1;
        if state.asking == 0 {
            state.waits_since = Instant::now();
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(connections: usize) -> Arc<Connections> {
        let bounds = ConnectionBounds { connections, ..ConnectionBounds::default() };
        Arc::new(Connections::new(bounds))
    }

    #[test]
    fn who_never_asked_makes_room_before_who_did() {
        let connections = of(3);
        let places: Vec<_> = (0..3).filter_map(|_| connections.admit()).collect();
        // The oldest has asked, the second asks, the third is a stranger.
        drop(places[0].seen.begin());
        let asking = places[1].seen.begin();
        let fourth = connections.admit().unwrap();
        let cut = |place: &Admitted| place.seen.cut.is_cancelled();
        assert_eq!([0, 1, 2].map(|ix| cut(&places[ix])), [false, false, true]);
        let _fourth_asks = fourth.seen.begin();
        let fifth = connections.admit().unwrap();
        assert!(cut(&places[0]) && !fifth.in_reserve());
        drop(asking);
    }

    #[test]
    fn only_so_many_large_heads_are_on_their_way_at_once() {
        let connections = of(LARGE_HEADS + 1);
        let places: Vec<_> = (0..=LARGE_HEADS).filter_map(|_| connections.admit()).collect();
        places.iter().for_each(|place| place.seen.note_bytes(LARGE_HEAD_BYTES));
        assert!(places.iter().all(|place| !place.seen.cut.is_cancelled()));
        places.iter().for_each(|place| place.seen.note_bytes(1));
        let cut = places.iter().filter(|place| place.seen.cut.is_cancelled()).count();
        assert_eq!(cut, 1);
        drop(places[0].seen.begin());
        let more = connections.admit().unwrap();
        more.seen.note_bytes(LARGE_HEAD_BYTES + 1);
        assert!(!more.seen.cut.is_cancelled(), "a whole head gives its place back");
    }

    #[test]
    fn each_wait_has_its_own_end() {
        let bounds = ConnectionBounds::default();
        let connections = of(1);
        let place = connections.admit().unwrap();
        let seen = &place.seen;
        let why = || seen.due(&bounds).map(|(_, why)| why);
        let left = || seen.due(&bounds).unwrap().0 - Instant::now();
        assert_eq!(why(), Some("no request came"));
        seen.note_bytes(1);
        assert_eq!(why(), Some("the head of a request took too long"));
        let first = seen.due(&bounds);
        seen.note_bytes(1);
        assert_eq!(seen.due(&bounds), first, "the first byte counts");
        let asking = seen.begin();
        seen.note_bytes(1);
        assert_eq!(why(), None, "a body and an answer have bounds of their own");
        seen.is_stuck();
        let stuck = seen.due(&bounds).unwrap();
        assert_eq!(stuck.1, "its client took too little of the answer");
        seen.is_stuck();
        assert_eq!(seen.due(&bounds), Some(stuck));
        assert!(left() <= bounds.write);
        seen.wrote(1 << 20);
        assert_eq!(why(), None);
        asking.gave(1);
        assert_eq!(why(), Some(stuck.1), "what was given isn't asked for");
        asking.taken();
        assert_eq!(why(), None, "what isn't given can't be taken");
        drop(asking);
        assert_eq!(why(), Some("no further request came"));
        assert!(left() > bounds.head);
    }

    #[test]
    fn frames_between_two_requests_begin_no_head() {
        let bounds = ConnectionBounds::default();
        let connections = of(1);
        let place = connections.admit().unwrap();
        let seen = &place.seen;
        drop(seen.begin());
        seen.comes_in_frames();
        seen.note_bytes(LARGE_HEAD_BYTES + 1);
        assert_eq!(seen.due(&bounds).unwrap().1, "no further request came");
        assert!(!seen.is_halfway());
    }

    #[test]
    fn where_all_ask_a_few_more_are_taken_in_reserve() {
        let connections = of(1);
        let first = connections.admit().unwrap();
        let asking = first.seen.begin();
        let more: Vec<_> = (0..RESERVE).filter_map(|_| connections.admit()).collect();
        assert!(more.len() == RESERVE && more.iter().all(Admitted::in_reserve));
        let busy: Vec<_> = more.iter().map(|place| place.seen.begin()).collect();
        assert!(connections.admit().is_none());
        drop(busy);
        assert!(connections.admit().unwrap().in_reserve());
        drop(asking);
        assert!(!connections.admit().unwrap().in_reserve());
        drop(first);
        assert_eq!(lock(&connections.open).taken.len(), 0);
    }
}
