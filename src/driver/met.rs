//! A trouble of what a server stands on, as far as anybody has met it: it counts as there until a look finds
//! nothing of it any more. What is known isn't stored.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Between the end of a look at what is in trouble and the next: a server is ready again soon after it is
/// over. Chosen, not measured.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A trouble that was met, or none.
#[derive(Debug)]
pub(super) struct Met<T> {
    /// For how long nobody must have met it before it counts as over.
    quiet: Duration,
    known: Mutex<Known<T>>,
}

#[derive(Debug)]
struct Known<T> {
    trouble: Option<T>,
    /// A look is going on.
    looking: bool,
    /// When the last one ended.
    looked: Option<Instant>,
    /// How often trouble was met, and when last; what was met during a look isn't over with its end.
    times: u64,
    last: Option<Instant>,
}

/// A look that is going on.
#[derive(Debug)]
pub(super) struct Look {
    /// Whether any trouble was known as it began.
    pub was_well: bool,
    times: u64,
}

/// What a look has seen.
#[derive(Debug)]
pub(super) enum Seen<T> {
    /// All is well.
    Well,
    /// There is this trouble.
    Trouble(T),
    /// Nothing that tells.
    Nothing,
}

/// What a look has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change<T> {
    /// Trouble, where none was known.
    Began,
    /// What was known is over: this.
    Over(T),
    /// Nothing.
    None,
}

impl<T: Clone> Met<T> {
    /// None so far; one counts as over once it was met by nobody for so long.
    pub fn none(quiet: Duration) -> Self {
        let known = Known { trouble: None, looking: false, looked: None, times: 0, last: None };
        Self { quiet, known: Mutex::new(known) }
    }

    fn lock(&self) -> MutexGuard<'_, Known<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes one; answers whether none was known before. The first one is told: where there are several, words
    /// would change with each request.
    pub fn note(&self, trouble: T) -> bool {
        self.lock().note(trouble)
    }

    /// The trouble, if it may still be there, and whether it is time to look again.
    pub fn known(&self) -> Option<(T, bool)> {
        let known = self.lock();
        let trouble = known.trouble.clone()?;
        let is_due = known.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        Some((trouble, is_due && !known.looking))
    }

    /// Begins to look; none while somebody else does.
    pub fn begin(&self) -> Option<Look> {
        let mut known = self.lock();
        match mem::replace(&mut known.looking, true) {
            true => None,
            false => Some(Look { was_well: known.trouble.is_none(), times: known.times }),
        }
    }

    /// Ends a look.
    pub fn end(&self, look: &Look, seen: Seen<T>) -> Change<T> {
        let mut known = self.lock();
        (known.looking, known.looked) = (false, Some(Instant::now()));
        match seen {
            Seen::Trouble(trouble) => {
                let is_new = known.note(trouble.clone());
                known.trouble = Some(trouble);
                if is_new { Change::Began } else { Change::None }
            }
            Seen::Well if known.times == look.times && known.is_quiet(self.quiet) => {
                known.trouble.take().map_or(Change::None, Change::Over)
            }
            Seen::Well | Seen::Nothing => Change::None,
        }
    }
}

impl<T> Known<T> {
    fn note(&mut self, trouble: T) -> bool {
        self.times += 1;
        self.last = Some(Instant::now());
        let is_new = self.trouble.is_none();
        self.trouble.get_or_insert(trouble);
        is_new
    }

    fn is_quiet(&self, quiet: Duration) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const QUIET: Duration = Duration::from_secs(20);

    fn look(met: &Met<&'static str>, seen: Seen<&'static str>) -> Change<&'static str> {
        let look = met.begin().unwrap();
        met.end(&look, seen)
    }

    fn words(met: &Met<&'static str>) -> Option<&'static str> {
        met.known().map(|(words, _)| words)
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_and_goes_is_over_only_after_a_quiet_time() {
        let met = Met::none(QUIET);
        assert!(met.note("full"));
        // Room at every other look: about the limit.
        for _ in 0..10 {
            advance(QUIET / 2).await;
            assert_eq!(look(&met, Seen::Well), Change::None);
            assert!(words(&met).is_some());
            assert_eq!(look(&met, Seen::Trouble("full")), Change::None);
        }
        advance(QUIET - Duration::from_secs(1)).await;
        assert_eq!(look(&met, Seen::Well), Change::None);
        advance(Duration::from_secs(1)).await;
        assert!(words(&met).is_some(), "not before somebody has looked");
        assert_eq!(look(&met, Seen::Well), Change::Over("full"));
        assert_eq!(words(&met), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_met_during_a_look_is_not_over_with_its_end() {
        let met = Met::none(Duration::ZERO);
        met.note("damaged");
        let begun = met.begin().unwrap();
        assert!(met.begin().is_none(), "one looks at a time");
        assert!(!met.note("damaged elsewhere"));
        assert_eq!(met.end(&begun, Seen::Well), Change::None);
        assert_eq!(words(&met), Some("damaged"), "the first one is told");
        assert_eq!(look(&met, Seen::Nothing), Change::None);
        assert_eq!(look(&met, Seen::Well), Change::Over("damaged"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_may_find_it_first_and_is_due_again_after_a_while() {
        let met = Met::none(QUIET);
        assert_eq!(look(&met, Seen::Well), Change::None);
        assert_eq!(met.known(), None, "nobody looks while all is well");
        assert_eq!(look(&met, Seen::Trouble("full")), Change::Began);
        assert_eq!(met.known(), Some(("full", false)));
        advance(LOOK_EVERY).await;
        assert_eq!(met.known(), Some(("full", true)));
        let _begun = met.begin().unwrap();
        assert_eq!(met.known(), Some(("full", false)), "somebody does");
    }
}
