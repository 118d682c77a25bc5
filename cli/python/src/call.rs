//! Commands of the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use gloss_cli::{Host, Outcome};
use gloss_core::{Error, Progress, ProgressTask, RunningProgram, Unit};
use gloss_engine::FinishedRun;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors::raised;

/// The time between looks at progress and signals.
const TICK: Duration = Duration::from_millis(100);
/// The stack of the thread that works, as large as that of a program's own.
const STACK: usize = 8 << 20;

/// Runs the command line in this process, which it takes over; returns the exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| gloss_cli::main_from(arguments))
}

/// Tells where gloss is: the file of this module, and the command line that starts `gloss`.
#[pyfunction]
pub(crate) fn set_program(file: PathBuf, command: Vec<String>) {
    RunningProgram { file, command }.set();
}

/// The methods of a finished run, each with the folder of its files, whose content is verified.
#[pyfunction]
pub(crate) fn open_run(py: Python<'_>, run: PathBuf) -> PyResult<Vec<(String, PathBuf)>> {
    let open = || match &FinishedRun::open(&run)?[..] {
        [run] => {
            let methods = run.results.methods.iter();
            Ok(methods
                .map(|method| (method.method.clone(), run.method_folder(&method.method)))
                .collect())
        }
        _ => Err(Error::input(
            &run,
            "has a folder for each seed; name one of them",
        )),
    };
    py.detach(open).map_err(raised)
}

/// Executes a command, and returns its exit code, its output and its error, both as JSON.
///
/// `progress` is called with the number of a task, its label, the units done, all of them or None, True
/// if they are bytes, a note, and True once it has ended; `log` with lines of the log. Both are called
/// by the thread that calls this, which also looks for Ctrl-C.
#[pyfunction]
pub(crate) fn call(
    py: Python<'_>,
    arguments: Vec<OsString>,
    progress: &Bound<'_, PyAny>,
    log: &Bound<'_, PyAny>,
    interrupt: &Bound<'_, PyAny>,
) -> PyResult<(u8, String, Option<String>)> {
    let (lines, logged) = mpsc::channel();
    // Looked at by this thread alone, which PyO3 does not know.
    let logged = Mutex::new(logged);
    let tasks = Tasks::default();
    let cancelled = Arc::new(AtomicBool::new(false));
    let host = host(&tasks, lines.clone(), &cancelled);
    let work = thread::Builder::new()
        .name("gloss".into())
        .stack_size(STACK)
        .spawn(move || {
            let outcome = gloss_cli::call(arguments, &host);
            let _ = lines.send(None);
            outcome
        })?;
    let mut raised = None;
    loop {
        let line = py.detach(|| receive(&logged));
        let reported = match &line {
            Ok(Some(line)) => log.call1((line,)).map(drop),
            Ok(None) | Err(_) => tasks.report(progress),
        };
        let looked = reported.and_then(|()| py.check_signals());
        if let Err(error) = looked {
            cancelled.store(true, Ordering::Relaxed);
            raised.get_or_insert(error);
            interrupt.call0()?;
        }
        // The second is for a panic.
        if line == Ok(None) || (line.is_err() && work.is_finished()) {
            break;
        }
    }
    let ended = py.detach(|| work.join());
    if let Some(error) = raised {
        return Err(error);
    }
    let Ok(Outcome {
        code,
        output,
        error,
    }) = ended
    else {
        return Err(PyRuntimeError::new_err("the work ended in a panic"));
    };
    Ok((code, output, error))
}

/// The next line of the log, or `None` at the end.
fn receive(lines: &Mutex<Receiver<Option<String>>>) -> Result<Option<String>, RecvTimeoutError> {
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    lines.recv_timeout(TICK)
}

fn host(tasks: &Tasks, lines: Sender<Option<String>>, cancelled: &Arc<AtomicBool>) -> Host {
    let lines = Mutex::new(lines);
    Host {
        progress: Arc::new(tasks.clone()),
        log: Arc::new(move |line| {
            let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = lines.send(Some(line.trim_end().to_string()));
        }),
        cancelled: Arc::clone(cancelled),
    }
}

/// The tasks of a command, to be looked at now and then.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<Arc<Task>>>>);

struct Task {
    number: u64,
    label: String,
    total: Option<u64>,
    unit: Unit,
    position: AtomicU64,
    note: Mutex<String>,
    ended: AtomicBool,
}

/// Ends its task when it is dropped.
struct Handle(Arc<Task>);

impl Tasks {
    /// Calls `progress` with each task, the last time after its end.
    fn report(&self, progress: &Bound<'_, PyAny>) -> PyResult<()> {
        let tasks = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for task in &tasks {
            let ended = task.ended.load(Ordering::Acquire);
            let note = task
                .note
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let position = task.position.load(Ordering::Relaxed);
            let bytes = task.unit == Unit::Bytes;
            progress.call1((
                task.number,
                &task.label,
                position,
                task.total,
                bytes,
                note,
                ended,
            ))?;
            if ended {
                let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                all.retain(|other| other.number != task.number);
            }
        }
        Ok(())
    }
}

impl Progress for Tasks {
    fn begin(&self, label: &str, total: Option<u64>, unit: Unit) -> Box<dyn ProgressTask> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let task = Arc::new(Task {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            label: label.to_string(),
            total,
            unit,
            position: AtomicU64::new(0),
            note: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::clone(&task));
        Box::new(Handle(task))
    }
}

impl ProgressTask for Handle {
    fn set(&self, position: u64) {
        self.0.position.store(position, Ordering::Relaxed);
    }

    fn note(&self, text: &str) {
        let mut note = self.0.note.lock().unwrap_or_else(PoisonError::into_inner);
        *note = text.to_string();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}
