//! Progress of long work: bars on a terminal, and lines in the log.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gloss_core::{Progress, ProgressTask, Unit};
use indicatif::{
    BinaryBytes, HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget,
    ProgressStyle,
};

/// The time after which the bar of a task is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time between two redrawings of a bar.
const TICK: Duration = Duration::from_millis(120);
/// The time between two lines of a task.
const LINE: Duration = Duration::from_secs(30);

/// The module name of progress lines in the log.
pub(crate) const TARGET: &str = "gloss::progress";

/// All progress bars of the process; clones are the same bars.
#[derive(Clone)]
pub(crate) struct Bars {
    multi: MultiProgress,
    visible: bool,
}

impl Bars {
    /// Bars on standard error; none if it is no terminal or `quiet` is set.
    pub(crate) fn new(quiet: bool) -> Self {
        Bars {
            multi: MultiProgress::new(),
            visible: !quiet && std::io::stderr().is_terminal(),
        }
    }

    /// Returns `true` if bars are shown.
    pub(crate) fn visible(&self) -> bool {
        self.visible
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
        let multi = self.visible.then(|| self.multi.clone());
        Box::new(Bar::begin(multi, label, total, unit, LINE))
    }
}

/// A task, and the thread that shows its bar and writes its lines.
struct Bar {
    bar: ProgressBar,
    ended: Option<Sender<()>>,
    watcher: Option<JoinHandle<()>>,
}

impl Bar {
    fn begin(
        multi: Option<MultiProgress>,
        label: &str,
        total: Option<u64>,
        unit: Unit,
        between_lines: Duration,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden())
            .with_message(label.to_string());
        if let Ok(style) = ProgressStyle::with_template(template(total, unit)) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        let (ended, end) = mpsc::channel();
        let watched = bar.clone();
        let watcher = thread::spawn(move || {
            let lasts = |time| end.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            let mut wait = between_lines;
            if let Some(multi) = multi {
                if !lasts(PATIENCE) {
                    return;
                }
                multi.add(watched.clone()).enable_steady_tick(TICK);
                wait = between_lines.saturating_sub(PATIENCE);
            }
            while lasts(wait) {
                tracing::info!(target: TARGET, "{}", line(&watched, unit));
                wait = between_lines;
            }
        });
        Bar {
            bar,
            ended: Some(ended),
            watcher: Some(watcher),
        }
    }
}

impl ProgressTask for Bar {
    fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    fn note(&self, text: &str) {
        self.bar.set_prefix(text.to_string());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        drop(self.ended.take());
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
        self.bar.finish_and_clear();
    }
}

/// A line about a task: its label, units done of all, rate, time left, and its note.
fn line(bar: &ProgressBar, unit: Unit) -> String {
    let units = |count: u64| match unit {
        Unit::Count => HumanCount(count).to_string(),
        Unit::Bytes => BinaryBytes(count).to_string(),
    };
    let rate = bar.per_sec();
    let rate = match unit {
        Unit::Count => format!("{rate:.1}/s"),
        Unit::Bytes => format!("{}/s", BinaryBytes(rate as u64)),
    };
    let mut line = format!("{}: {}", bar.message(), units(bar.position()));
    if let Some(total) = bar.length() {
        line += &format!(" of {}, {rate}", units(total));
        if bar.position() > 0 {
            line += &format!(", {} left", HumanDuration(bar.eta()));
        }
    } else {
        line += &format!(", {rate}");
    }
    match bar.prefix().as_str() {
        "" => line,
        note => format!("{line}, {note}"),
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
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    #[test]
    fn templates_are_well_formed() {
        for total in [None, Some(1)] {
            for unit in [Unit::Bytes, Unit::Count] {
                assert!(ProgressStyle::with_template(template(total, unit)).is_ok());
            }
        }
    }

    /// A terminal that keeps what is on it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<(Vec<String>, usize)>>);

    impl Screen {
        fn contents(&self) -> String {
            self.0.lock().unwrap().0.join("\n").trim_end().to_string()
        }

        /// Changes the line at the cursor, after having moved the cursor by so many lines.
        fn change(&self, lines: isize, change: impl FnOnce(&mut String)) -> io::Result<()> {
            let mut screen = self.0.lock().unwrap();
            let (rows, at) = &mut *screen;
            *at = at.saturating_add_signed(lines);
            rows.resize(rows.len().max(*at + 1), String::new());
            change(&mut rows[*at]);
            Ok(())
        }
    }

    impl indicatif::TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }

        fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
            self.change(-(lines as isize), |_| ())
        }

        fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
            self.change(lines as isize, |_| ())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)?;
            self.change(1, |_| ())
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.change(0, |row| row.push_str(text))
        }

        fn clear_line(&self) -> io::Result<()> {
            self.change(0, String::clear)
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_short_task_shows_nothing_and_ends_at_once() {
        let started = Instant::now();
        let terminal = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let bar = Bar::begin(
            Some(MultiProgress::with_draw_target(target)),
            "x",
            Some(9),
            Unit::Count,
            LINE,
        );
        bar.set(5);
        drop(bar);
        assert!(started.elapsed() < PATIENCE);
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn a_long_task_is_shown_and_then_cleared() {
        let terminal = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let multi = MultiProgress::with_draw_target(target);
        let bar = Bar::begin(Some(multi), "Reading", Some(2048), Unit::Bytes, LINE);
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

    #[test]
    fn a_line_has_label_progress_rate_and_note() {
        let bar = ProgressBar::hidden().with_message("Searching");
        bar.set_length(22_363);
        bar.set_position(5000);
        let text = line(&bar, Unit::Count);
        assert!(text.starts_with("Searching: 5,000 of 22,363, "), "{text}");
        assert!(text.contains("/s, ") && text.ends_with(" left"), "{text}");
        bar.set_prefix("loss 1.5");
        assert!(line(&bar, Unit::Count).ends_with(", loss 1.5"));
    }
}
