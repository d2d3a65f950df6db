//! What a server's process knows of access: to whom it is open, its own workers' token, and how
//! fast each token asks.

use crate::{
    access::{DEFAULT_RATE, Kind, OpenTo, Secret, TokenId},
    store::{DynStore, StoreError, TokenRow},
};
use floodgauge_protocol::Digest;
use governor::{
    DefaultDirectRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// How many seconds' worth of requests may come at once.
const BURST_S: u32 = 10;

/// How often a token's last use is noted.
const NOTE_EVERY: Duration = Duration::from_secs(3600);

/// How soon the streams of a revoked token end.
const RECHECK: Duration = Duration::from_secs(30);

/// The most tokens whose rates are kept; beyond that all begin anew.
const MAX_TOKENS_SEEN: usize = 10_000;

/// Decides which requests come in, by what they show and how often they come.
#[derive(Debug)]
pub struct Gate {
    open_to: OpenTo,
    /// Whether there is a token, once one was seen: then there is one for ever.
    closed: AtomicBool,
    internal: Option<Digest>,
    rate: Option<NonZeroU32>,
    recheck: Duration,
    seen: Mutex<HashMap<TokenId, Seen>>,
}

/// What is kept of a token that was used.
#[derive(Debug)]
struct Seen {
    rate: Option<NonZeroU32>,
    limiter: Option<DefaultDirectRateLimiter>,
    noted: Option<Instant>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(OpenTo::ThisMachine)
    }
}

impl Gate {
    /// A gate that is open as told while there is no token.
    pub fn new(open_to: OpenTo) -> Self {
        Self {
            open_to,
            closed: AtomicBool::new(false),
            internal: None,
            rate: NonZeroU32::new(DEFAULT_RATE),
            recheck: RECHECK,
            seen: Mutex::default(),
        }
    }

    /// The same for other rates: requests a second of a token that has no bound of its own; 0
    /// for none.
    pub fn with_rate(self, rate: u32) -> Self {
        Self { rate: NonZeroU32::new(rate), ..self }
    }

    /// The same, which also lets workers in that show this token.
    pub fn with_internal(self, token: &Secret) -> Self {
        Self { internal: Some(token.digest()), ..self }
    }

    /// The same, where the streams of a revoked token end within this time.
    pub fn with_recheck(self, recheck: Duration) -> Self {
        Self { recheck, ..self }
    }

    /// A secret for workers inside this process, which no database knows.
    ///
    /// # Errors
    /// As of [`Secret::new`].
    pub fn internal_secret() -> anyhow::Result<Secret> {
        Secret::new(Kind::Token)
    }

    pub(in crate::http) fn open_to(&self) -> OpenTo {
        self.open_to
    }

    pub(in crate::http) fn recheck(&self) -> Duration {
        self.recheck
    }

    /// Whether requests need no token.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn is_open(&self, store: &DynStore) -> Result<bool, StoreError> {
        if self.open_to == OpenTo::Nobody || self.closed.load(Relaxed) {
            return Ok(false);
        }
        let closed = store.any_token().await?;
        self.closed.store(closed, Relaxed);
        Ok(!closed)
    }

    pub(super) fn is_internal(&self, sha256: Digest) -> bool {
        self.internal == Some(sha256)
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait, if the token asks too fast.
    pub(in crate::http) fn pass(&self, row: &TokenRow) -> Result<(), Duration> {
        let rate = row.limits.rate.map_or(self.rate, NonZeroU32::new);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let token = seen_of(&mut seen, row.token);
        if token.rate != rate {
            token.rate = rate;
            token.limiter = rate.map(|rate| {
                let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_S - 1));
                DefaultDirectRateLimiter::direct(Quota::per_second(rate).allow_burst(burst))
            });
        }
        let Some(limiter) = &token.limiter else { return Ok(()) };
        limiter.check().map_err(|early| early.wait_time_from(DefaultClock::default().now()))
    }

    /// Notes in the store that a token was used, once an hour.
    pub(super) fn note_use(&self, token: TokenId, store: &DynStore) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen_of(&mut seen, token);
        if known.noted.is_some_and(|noted| noted.elapsed() < NOTE_EVERY) {
            return;
        }
        known.noted = Some(Instant::now());
        let store = store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.token_used(token).await {
                tracing::warn!(%error, "the use of a token can't be noted");
            }
        });
    }
}

fn seen_of(seen: &mut HashMap<TokenId, Seen>, token: TokenId) -> &mut Seen {
    if seen.len() >= MAX_TOKENS_SEEN && !seen.contains_key(&token) {
        seen.clear();
    }
    seen.entry(token).or_insert(Seen { rate: None, limiter: None, noted: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Limits, Scope};

    fn row(rate: Option<u32>) -> TokenRow {
        TokenRow {
            token: TokenId(uuid::Uuid::now_v7()),
            name: "busy".into(),
            scopes: Scope::Read.into(),
            limits: Limits { rate, ..Limits::default() },
            created_ms: 0,
            expires_ms: None,
            revoked_ms: None,
            used_ms: None,
            live: true,
        }
    }

    fn passed(gate: &Gate, row: &TokenRow) -> usize {
        (0..1_000).take_while(|_| gate.pass(row).is_ok()).count()
    }

    #[test]
    fn a_token_that_asks_too_fast_is_told_how_long_to_wait() {
        let gate = Gate::default().with_rate(1);
        let (first, second) = (row(None), row(None));
        assert!((10..20).contains(&passed(&gate, &first)), "a burst of ten, one a second");
        let wait = gate.pass(&first).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(gate.pass(&second).is_ok(), "each has its own");
    }

    #[test]
    fn a_bound_of_its_own_goes_before_that_of_the_server() {
        let gate = Gate::default().with_rate(1);
        assert_eq!(passed(&gate, &row(Some(1_000))), 1_000);
        assert_eq!(passed(&Gate::default().with_rate(0), &row(None)), 1_000);
    }
}
