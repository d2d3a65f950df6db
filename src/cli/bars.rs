//! A sweep's progress as people see it: bars on a terminal, lines elsewhere; always on standard
//! error, so that standard output is the answer's.

use super::{print, progress::Progress, stage::StageBar};
use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

// Wide messages are cut where the terminal ends: a line that wraps is drawn twice.
const STAGE: &str = "{prefix:>12}  {bar:16.cyan/dim}  {pos:>5} of {len:5}  {wide_msg}";
const WAITS: &str = "{prefix:>12}  {wide_msg:.dim}";
const LIVE: &str = "{prefix:>12}  {spinner:.cyan} {wide_msg}";
const TICK: Duration = Duration::from_millis(120);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// One bar for each rung or phase, and a line that tells how far it has got.
pub struct Bars {
    all: MultiProgress,
    stages: Vec<ProgressBar>,
    live: ProgressBar,
    on_terminal: bool,
    /// When a line was last written where there is no terminal.
    last_line: Instant,
}

impl Bars {
    /// Bars for a sweep that is about to be followed.
    pub fn new(progress: &Progress) -> Self {
        let all = MultiProgress::new();
        let bar = |stage: StageBar| {
            let bar = all.add(ProgressBar::new(0).with_style(style_of(WAITS)));
            bar.with_prefix(stage.name)
        };
        let stages = progress.bars().into_iter().map(bar).collect();
        let live = all.add(ProgressBar::new_spinner().with_style(style_of(LIVE)));
        live.set_prefix("now");
        live.set_message("waits for a worker");
        live.enable_steady_tick(TICK);
        Self {
            all,
            stages,
            live,
            on_terminal: io::stderr().is_terminal(),
            last_line: Instant::now(),
        }
    }

    /// Draws how far the sweep has got.
    pub fn draw(&self, progress: &Progress) {
        for (bar, stage) in self.stages.iter().zip(progress.bars()) {
            // Levels that turn out never to be reached take back what was to do.
            if (bar.length() == Some(0)) != (stage.total == 0) {
                bar.set_style(style_of(if stage.total == 0 { WAITS } else { STAGE }));
            }
            bar.set_length(stage.total);
            bar.set_position(stage.done);
            bar.set_message(if stage.total == 0 { stage.waits } else { stage.words });
        }
        if progress.testing {
            self.live.set_prefix("testing");
        }
    }

    /// Shows how far it has got; without a terminal, in a line every now and then.
    pub fn so_far(&mut self, words: &str) {
        if !self.on_terminal && self.last_line.elapsed() >= LINE_EVERY {
            print::note(words);
            self.last_line = Instant::now();
        }
        self.live.set_message(words.to_owned());
    }

    /// Says why nobody works on the sweep, and the command that helps, if one does.
    pub fn waits(&self, why: &str, command: Option<&str>) {
        self.live.set_message(why.to_owned());
        self.note(why);
        if let Some(command) = command {
            self.note(command);
        }
    }

    /// Writes a line above the bars.
    pub fn note(&self, news: &str) {
        if self.on_terminal {
            // The terminal may have gone; the sweep hasn't.
            let _ = self.all.println(format!("{:>12}  {news}", style("·").for_stderr().dim()));
        } else {
            print::note(news);
        }
    }

    /// Leaves the bars as they stand, without the live line.
    pub fn finish(self) {
        self.live.finish_and_clear();
        self.stages.iter().for_each(ProgressBar::abandon);
        if self.on_terminal {
            print::note("");
        }
    }
}

/// The templates are constants, and a test reads them; a style that doesn't read is plain.
fn style_of(template: &str) -> ProgressStyle {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("━╸ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_read() {
        for template in [STAGE, WAITS, LIVE] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
