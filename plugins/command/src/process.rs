//! A running program: lines in, lines out, and what it says on standard error.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gloss_core::{Context, Error, Result};

use crate::family;
use crate::protocol::PROTOCOL;

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 1 << 28;

/// The number of lines of a program's standard error that are logged; longer lines are split.
const LOGGED_LINES: usize = 10_000;
const LOGGED_BYTES: u64 = 4_096;

/// The number of them that an error shows.
const LAST_LINES: usize = 5;

/// The time between checks for an interruption.
const PATIENCE: Duration = Duration::from_millis(50);

/// The time for a program to exit after its input ends.
const FAREWELL: Duration = Duration::from_millis(500);

/// A running program. It is ended when this is dropped, and so is whatever it started.
pub(crate) struct Process {
    child: Child,
    /// None once the input is closed.
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<std::io::Result<Vec<u8>>>,
    last_words: Arc<Mutex<VecDeque<String>>>,
}

/// Why a program gave no line.
pub(crate) enum Silence {
    /// It did not within the limit.
    Late(Duration),
    /// It ended, or closed its standard output; how.
    Ended(String),
    /// The person asked to stop.
    Interrupted,
}

impl Process {
    /// Starts `program`, a name or path and its arguments.
    pub(crate) fn start(program: &[String]) -> Result<Self> {
        let (name, arguments) = program
            .split_first()
            .ok_or_else(|| Error::Usage("a program must be named".into()))?;
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env("GLOSS_PROTOCOL", PROTOCOL.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C is for gloss, which ends the program when it is at a good place.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        family::begin();
        let mut child = command
            .spawn()
            .map_err(Error::io("start the program", name))?;
        family::add(&child);
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::Internal(
                "a program was started without pipes".into(),
            ));
        };
        let last_words = Arc::default();
        let (input, lines) = mpsc::channel();
        thread::spawn(move || write_all(stdin, &lines));
        let (lines, output) = mpsc::sync_channel(1);
        thread::spawn(move || read_all(stdout, &lines));
        let (told, heard) = (name.clone(), Arc::clone(&last_words));
        thread::spawn(move || log_all(stderr, &told, &heard));
        Ok(Process {
            child,
            input: Some(input),
            output,
            last_words,
        })
    }

    /// Writes a line; if the program does not read it, the answer to it will be missing.
    pub(crate) fn write(&self, mut line: Vec<u8>) {
        line.push(b'\n');
        if let Some(input) = &self.input {
            let _ = input.send(line);
        }
    }

    /// The next line that the program writes.
    pub(crate) fn read(&mut self, limit: Duration, context: &Context) -> Result<Vec<u8>, Silence> {
        let start = Instant::now();
        loop {
            context.check().map_err(|_| Silence::Interrupted)?;
            match self.output.recv_timeout(PATIENCE) {
                Ok(Ok(line)) => return Ok(line),
                Ok(Err(error)) => return Err(Silence::Ended(error.to_string())),
                Err(RecvTimeoutError::Disconnected) => return Err(Silence::Ended(self.end())),
                Err(RecvTimeoutError::Timeout) if start.elapsed() >= limit => {
                    return Err(Silence::Late(limit));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The last lines of the program's standard error, if there are any.
    pub(crate) fn last_words(&self) -> Option<String> {
        let lines = self
            .last_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("\n  "))
    }

    /// Returns how the program exited after it closed its standard output.
    fn end(&mut self) -> String {
        self.input = None;
        match self.wait() {
            Some(status) => {
                thread::sleep(FAREWELL / 20); // Its last words are on their way.
                format!("ended ({status})")
            }
            None => "closed its standard output, but went on".to_string(),
        }
    }

    /// Waits a little for the program to end by itself.
    fn wait(&mut self) -> Option<std::process::ExitStatus> {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if start.elapsed() < FAREWELL => thread::sleep(FAREWELL / 50),
                _ => return None,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input = None;
        self.wait();
        family::end(&mut self.child);
    }
}

fn write_all(mut stdin: ChildStdin, lines: &Receiver<Vec<u8>>) {
    for line in lines {
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            break; // The program reads no more; its answer will be missing.
        }
    }
}

fn read_all(stdout: ChildStdout, lines: &mpsc::SyncSender<std::io::Result<Vec<u8>>>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = stdout
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line);
        let failed = read.is_err();
        let sent = match read {
            Ok(0) => break,
            Ok(_) => lines.send(Ok(line)),
            Err(error) => lines.send(Err(error)),
        };
        if failed || sent.is_err() {
            break;
        }
    }
}

/// Logs the lines of standard error, all of which are read, so that the program never waits.
fn log_all(stderr: ChildStderr, program: &str, last_words: &Mutex<VecDeque<String>>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    let mut count = 0_usize;
    while let Ok(1..) = stderr
        .by_ref()
        .take(LOGGED_BYTES)
        .read_until(b'\n', &mut line)
    {
        let text = String::from_utf8_lossy(&line).trim_end().to_string();
        line.clear();
        match count {
            0..LOGGED_LINES => tracing::info!(program, "{text}"),
            LOGGED_LINES => tracing::warn!(program, "writes too much; the rest is not logged"),
            _ => {}
        }
        count = count.saturating_add(1);
        let mut lines = last_words.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}
