//! Log entries in words: what the server makes of each, for whoever shows a log.

use floodgauge_protocol::ArmIx;
use serde::{Deserialize, Serialize};

/// Something worth telling of a log entry. Words may be put otherwise with any release; what was
/// decided is in the entry's event and decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// What kind of thing happened, in a word or two, with spaces.
    #[cfg_attr(feature = "openapi", schema(example = "queued"))]
    pub kind: String,
    /// What it happened to, in words.
    #[cfg_attr(feature = "openapi", schema(example = "segment 3: 7 arms, epochs 11–33"))]
    pub text: String,
    /// Why; empty where that needs no word.
    pub reason: String,
    /// How it strikes people.
    pub tone: Tone,
    /// Whether it is worth a word to somebody who only follows how far the sweep has got.
    pub news: bool,
    /// The arms that it concerns; none where it concerns the sweep.
    pub arms: Vec<ArmIx>,
}

/// How a line strikes people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// As things go.
    Plain,
    /// Something was gained.
    Good,
    /// Something went wrong.
    Bad,
}

impl LogLine {
    /// A line as things go: about no arm, without a reason, and no news.
    pub fn new(kind: &str, text: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            text: text.into(),
            reason: String::new(),
            tone: Tone::Plain,
            news: false,
            arms: vec![],
        }
    }

    /// The same for a reason.
    pub fn because(self, reason: &str) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// The same in another tone.
    pub fn in_tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// The same as news, if it is.
    pub fn as_news(self, news: bool) -> Self {
        Self { news, ..self }
    }

    /// The same about arms; each is named once.
    pub fn about(self, arms: impl IntoIterator<Item = ArmIx>) -> Self {
        let mut arms: Vec<_> = arms.into_iter().collect();
        arms.sort_unstable();
        arms.dedup();
        Self { arms, ..self }
    }
}
