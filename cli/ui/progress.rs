//! Progress bars on standard error, for work that lasts.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gloss_core::{Progress, ProgressTask, Unit};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long work lasts before its bar is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a shown bar moves by itself.
const TICK: Duration = Duration::from_millis(120);

/// All progress bars of the process; clones are the same bars.
#[derive(Clone)]
pub(crate) struct Bars {
    multi: MultiProgress,
    visible: bool,
}

impl Bars {
    /// Bars on standard error, or none at all if it is no terminal or the person wants quiet.
    pub(crate) fn new(quiet: bool) -> Self {
        Bars {
            multi: MultiProgress::new(),
            visible: !quiet && std::io::stderr().is_terminal(),
        }
    }

    /// Writes something else to the terminal, between clearing the bars and drawing them again.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        if self.visible {
            self.multi.suspend(write)
        } else {
            write()
        }
    }
}

impl Progress for Bars {
    fn begin(&self, label: &str, total: Option<u64>, unit: Unit) -> Box<dyn ProgressTask> {
        if self.visible {
            Box::new(Bar::begin(self.multi.clone(), label, total, unit))
        } else {
            Box::new(Silent)
        }
    }
}

/// Work that nobody watches.
struct Silent;

impl ProgressTask for Silent {
    fn set(&self, _: u64) {}
}

/// A bar, and the thread that shows it when its time has come.
struct Bar {
    bar: ProgressBar,
    ended: Option<Sender<()>>,
    shower: Option<JoinHandle<()>>,
}

impl Bar {
    fn begin(multi: MultiProgress, label: &str, total: Option<u64>, unit: Unit) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden())
            .with_message(label.to_string());
        if let Ok(style) = ProgressStyle::with_template(template(total, unit)) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        let (ended, end) = mpsc::channel();
        let shown = bar.clone();
        let shower = thread::spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                multi.add(shown).enable_steady_tick(TICK);
            }
        });
        Bar {
            bar,
            ended: Some(ended),
            shower: Some(shower),
        }
    }
}

impl ProgressTask for Bar {
    fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    fn note(&self, words: &str) {
        self.bar.set_prefix(words.to_string());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        drop(self.ended.take());
        if let Some(shower) = self.shower.take() {
            let _ = shower.join();
        }
        self.bar.finish_and_clear();
    }
}

fn template(total: Option<u64>, unit: Unit) -> &'static str {
    match (total, unit) {
        (Some(_), Unit::Bytes) => {
            "{msg} {bar:30.cyan/dim} {bytes}/{total_bytes} {bytes_per_sec} {eta} left"
        }
        (Some(_), Unit::Count) => {
            "{msg} {bar:30.cyan/dim} {human_pos}/{human_len} {per_sec} {eta} left {prefix}"
        }
        (None, Unit::Bytes) => "{spinner:.cyan} {msg} {bytes} {bytes_per_sec}",
        (None, Unit::Count) => "{spinner:.cyan} {msg} {human_pos} {per_sec}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn templates_are_well_formed() {
        for total in [None, Some(1)] {
            for unit in [Unit::Bytes, Unit::Count] {
                assert!(ProgressStyle::with_template(template(total, unit)).is_ok());
            }
        }
    }

    #[test]
    fn a_short_task_shows_nothing_and_ends_at_once() {
        let started = Instant::now();
        let terminal = indicatif::InMemoryTerm::new(5, 80);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let bar = Bar::begin(
            MultiProgress::with_draw_target(target),
            "x",
            Some(9),
            Unit::Count,
        );
        bar.set(5);
        drop(bar);
        assert!(started.elapsed() < PATIENCE);
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn a_long_task_is_shown_and_then_cleared() {
        let terminal = indicatif::InMemoryTerm::new(5, 100);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let multi = MultiProgress::with_draw_target(target);
        let bar = Bar::begin(multi, "Reading", Some(2048), Unit::Bytes);
        bar.set(1024);
        thread::sleep(PATIENCE + TICK * 4);
        let shown = terminal.contents();
        assert!(
            shown.starts_with("Reading") && shown.contains("1.00 KiB/2.00 KiB"),
            "{shown}"
        );
        drop(bar);
        assert_eq!(terminal.contents(), "");
    }
}
