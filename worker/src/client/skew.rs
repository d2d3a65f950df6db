//! Whether this machine's clock is near the server's. No result depends on it; people who lay two logs
//! side by side do.

use reqwest::header::HeaderValue;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

/// How far two clocks may be apart before that is worth a word. Chosen, not measured.
const MAX_SKEW: Duration = Duration::from_secs(300);

/// What was last seen of the server's clock.
#[derive(Debug, Default)]
pub(super) struct ClockSkew {
    is_off: AtomicBool,
}

impl ClockSkew {
    /// Compares with the date of an answer, and says so once when they come apart.
    pub fn compare(&self, date: Option<&HeaderValue>) {
        let Some(apart) = apart(date, SystemTime::now()) else { return };
        let is_off = apart > MAX_SKEW;
        if is_off && !self.is_off.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                minutes = apart.as_secs() / 60,
                "the clocks of this machine and of the server are apart; times in their logs differ by that"
            );
        } else if !is_off {
            self.is_off.store(false, Ordering::Relaxed);
        }
    }
}

/// How far a time is from what a `Date` header says; none where it says none.
fn apart(date: Option<&HeaderValue>, now: SystemTime) -> Option<Duration> {
    let theirs = httpdate::parse_http_date(date?.to_str().ok()?).ok()?;
    let apart = now.duration_since(theirs);
    Some(apart.unwrap_or_else(|earlier| earlier.duration()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clocks_are_as_far_apart_whichever_is_ahead() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let date = |time| HeaderValue::try_from(httpdate::fmt_http_date(time)).unwrap();
        let hour = Duration::from_secs(3_600);
        for theirs in [now - hour, now + hour] {
            assert_eq!(apart(Some(&date(theirs)), now), Some(hour));
        }
        assert_eq!(apart(None, now), None);
        assert_eq!(apart(Some(&HeaderValue::from_static("soon")), now), None);
    }

    #[test]
    fn clocks_that_come_apart_are_told_of_once() {
        let skew = ClockSkew::default();
        let date = |time| HeaderValue::try_from(httpdate::fmt_http_date(time)).unwrap();
        skew.compare(Some(&date(SystemTime::now() - 2 * MAX_SKEW)));
        assert!(skew.is_off.load(Ordering::Relaxed));
        skew.compare(Some(&date(SystemTime::now())));
        assert!(!skew.is_off.load(Ordering::Relaxed));
    }
}
