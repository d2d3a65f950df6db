//! How long a client is waited for.
//!
//! A client owes what it sends or takes, and pays in bytes: while it is waited for its debt grows as time
//! goes by, and each byte takes off what it may take at the least rate. So one that is silent is waited
//! for as long as may be, one that is as fast as it must be, for ever, and one that gives a byte
//! now and then, little longer than the silent one.

use std::time::Duration;
use tokio::time::Instant;

/// How long a client is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// In silence.
    pub silence: Duration,
    /// The least rate, in bytes a second; with 0 any byte is enough.
    pub rate: u64,
}

/// What is waited for of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wait {
    owed: Duration,
    since: Option<Instant>,
}

impl Wait {
    /// Notes that the client is waited for.
    pub fn begin(&mut self) {
        self.begin_at(Instant::now());
    }

    /// Notes that it isn't any more.
    pub fn end(&mut self) {
        self.end_at(Instant::now());
    }

    fn begin_at(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    fn end_at(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.owed += now.saturating_duration_since(since);
        }
    }

    /// Notes that it sent or took so many bytes.
    pub fn pay(&mut self, bytes: usize, patience: Patience) {
        self.owed = match patience.rate {
            _ if bytes == 0 => self.owed,
            0 => Duration::ZERO,
            rate => {
                let paid = Duration::from_secs_f64(bytes as f64 / rate as f64);
                self.owed.saturating_sub(paid)
            }
        };
    }

    /// Since when it is waited for without a pause; none if it isn't.
    pub fn since(&self) -> Option<Instant> {
        self.since
    }

    /// When it has been waited for long enough, if nothing comes until then; none if it isn't waited
    /// for.
    pub fn over_at(&self, patience: Patience) -> Option<Instant> {
        Some(self.since? + patience.silence.saturating_sub(self.owed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { silence: Duration::from_secs(60), rate: 1_000 };
    const SECOND: Duration = Duration::from_secs(1);

    /// How long a client is waited for that gives so many bytes each second; at most an hour.
    fn lasts(bytes: usize, patience: Patience) -> Duration {
        let (began, mut wait) = (Instant::now(), Wait::default());
        let mut now = began;
        for _ in 0..3_600 {
            wait.begin_at(now);
            if wait.over_at(patience).unwrap() < now + SECOND {
                break;
            }
            now += SECOND;
            wait.end_at(now);
            wait.pay(bytes, patience);
        }
        now - began
    }

    #[test]
    fn who_gives_little_is_waited_for_little_longer_than_who_gives_nothing() {
        let seconds = Duration::from_secs;
        assert_eq!(lasts(0, PATIENCE), seconds(60));
        assert_eq!(lasts(1, PATIENCE), seconds(60));
        assert_eq!(lasts(500, PATIENCE), seconds(119));
        assert_eq!(lasts(1_000, PATIENCE), seconds(3_600));
        assert_eq!(lasts(1, Patience { rate: 0, ..PATIENCE }), seconds(3_600));
    }

    #[test]
    fn what_was_given_before_is_not_saved_up_for_a_silence() {
        let (mut wait, now) = (Wait::default(), Instant::now());
        wait.begin_at(now);
        wait.end_at(now);
        wait.pay(1 << 30, PATIENCE);
        wait.begin_at(now);
        assert_eq!(wait.over_at(PATIENCE).unwrap() - now, PATIENCE.silence);
    }
}
