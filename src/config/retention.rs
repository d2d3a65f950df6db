//! How long what ended sweeps leave behind is kept.

use super::{
    numbers::{ANY, whole},
    time,
};
use clap::Args;
use std::time::Duration;

/// How long what ended sweeps leave behind is kept; for ever unless told otherwise.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Retention")]
pub struct Retention {
    /// How long the checkpoints of an ended sweep are kept, such as 30d or 12h, at least 1h; then it can't
    /// be extended any more, and its model is gone
    #[arg(long, env = "FLOODGAUGE_KEEP_CHECKPOINTS", value_name = "TIME", value_parser = time_to_keep)]
    pub keep_checkpoints: Option<Duration>,
    /// How long an ended sweep is kept at all, with its log and its curves, such as 365d, at least 1h
    #[arg(long, env = "FLOODGAUGE_KEEP_SWEEPS", value_name = "TIME", value_parser = time_to_keep)]
    pub keep_sweeps: Option<Duration>,
    /// Seconds after its start in which a server drops and deletes nothing, so that one with a slip in the two
    /// settings above can be stopped
    #[arg(long, env = "FLOODGAUGE_RETENTION_DELAY", value_name = "SECONDS", default_value_t = DEFAULT_RETENTION_DELAY_S, value_parser = whole::<u32>(ANY))]
    pub retention_delay: u32,
}

/// Long enough to read what the log says will go. Chosen, not measured.
const DEFAULT_RETENTION_DELAY_S: u32 = 60;

impl Retention {
    /// All is kept for ever.
    pub fn for_ever() -> Self {
        Self {
            keep_checkpoints: None,
            keep_sweeps: None,
            retention_delay: DEFAULT_RETENTION_DELAY_S,
        }
    }

    /// How long nothing goes after a start.
    pub fn delay(&self) -> Duration {
        Duration::from_secs(self.retention_delay.into())
    }
}

/// The shortest time that what ended sweeps leave behind is kept: nothing goes while people still look at it,
/// nor since somebody took `0d` for no bound. Chosen, not measured.
const MIN_KEPT: Duration = Duration::from_secs(3_600);

/// Reads for how long something is kept.
fn time_to_keep(text: &str) -> Result<Duration, String> {
    match time(text)? {
        time if time >= MIN_KEPT => Ok(time),
        _ => Err(format!(
            "`{text}` is too short: at least 1h is needed, so that nobody loses what has just ended; to keep it \
             for ever, leave the option out"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_just_ended_is_not_deleted() {
        assert_eq!(time_to_keep("1h"), Ok(MIN_KEPT));
        for short in ["0d", "0s", "59m"] {
            let refusal = time_to_keep(short).unwrap_err();
            assert!(refusal.contains("at least 1h") && refusal.contains(short), "{refusal}");
        }
    }
}
