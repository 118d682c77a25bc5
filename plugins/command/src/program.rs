//! A program or an object of this process, as a component sees it: started when it is first asked,
//! started again when it dies.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use gloss_core::{Context, Error, InputFile, Kind, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::Command;
use crate::exchange::{Asked, Trouble};
use crate::peer::{Factory, Peer};
use crate::process::Process;
use crate::protocol::{Call, Facts, Hello, PROTOCOL};

/// A program, or an object in its place, that need not run yet.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) command: Command,
    /// Makes the object that answers, in place of a program.
    factory: Option<Factory>,
    /// The number of restarts left.
    restarts: u32,
    hello: OnceLock<Hello>,
    configured: OnceLock<Configured>,
    state: Mutex<State>,
}

/// A program that knows its options.
#[derive(Debug)]
struct Configured {
    /// Defaults filled in.
    options: Map<String, Value>,
    /// The properties of the program with these options.
    facts: Facts,
    /// The files of its code as they were then, for that is the code that answers.
    code: Vec<InputFile>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    restarts: u32,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.live.is_some() {
            "running"
        } else {
            "not running"
        })
    }
}

/// A running program that has said hello.
pub(crate) struct Live {
    peer: Box<dyn Peer>,
    questions: u64,
    configured: bool,
    /// The work that it is ready for.
    ready: Option<u64>,
}

/// The data that a program needs before a question: a catalogue, an index. It is sent again
/// after the program was started again, or has done other work.
pub(crate) struct Work<'a> {
    number: u64,
    prepare: Box<Prepare<'a>>,
}

/// A program that said hello and waits for its component.
type Waiting = (Vec<String>, Live, Hello);

fn waiting() -> MutexGuard<'static, Vec<Waiting>> {
    static WAITING: Mutex<Vec<Waiting>> = Mutex::new(Vec::new());
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

type Prepare<'a> = dyn Fn(&mut Teller<'_>) -> Result<(), Trouble> + Send + Sync + 'a;

impl<'a> Work<'a> {
    pub(crate) fn new(
        prepare: impl Fn(&mut Teller<'_>) -> Result<(), Trouble> + Send + Sync + 'a,
    ) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Work {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            prepare: Box::new(prepare),
        }
    }
}

/// Asks a running program.
pub(crate) struct Teller<'a> {
    live: &'a mut Live,
    limit: Duration,
    context: &'a Context,
}

impl Teller<'_> {
    /// Asks, and waits for the answer.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, call: &Call<'_>) -> Result<T, Trouble> {
        self.live.questions += 1;
        let asked = Asked::new(self.live.questions, call)?;
        asked.exchange(self.live.peer.as_mut(), self.limit, self.context)
    }
}

impl Program {
    pub(crate) fn new(command: Command, kind: Option<Kind>) -> Self {
        // A dataset is read, and rankings are evaluated, in several exchanges that belong together.
        let in_one_go = matches!(kind, Some(Kind::Dataset | Kind::Metric));
        Program {
            restarts: if in_one_go { 0 } else { command.restarts },
            command,
            factory: None,
            hello: OnceLock::new(),
            configured: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// An object of this process in place of a program.
    pub(crate) fn inside(factory: Factory) -> Self {
        Program {
            factory: Some(factory),
            restarts: 0,
            ..Program::new(Command::new(Vec::new(), Map::new()), None)
        }
    }

    /// The program, as it was named.
    pub(crate) fn label(&self) -> String {
        match &self.factory {
            Some(factory) => factory.label().to_string(),
            None => format!("the program `{}`", self.command.program.join(" ")),
        }
    }

    /// Returns the properties of the program, whatever its options.
    pub(crate) fn hello(&self) -> Result<&Hello> {
        if self.hello.get().is_none() {
            self.with_live(&Context::default(), |_| Ok(()))?;
        }
        let unsaid = || Error::Internal("a program runs that has not said hello".into());
        self.hello.get().ok_or_else(unsaid)
    }

    /// Has the program know its options: whatever it may be asked comes after that.
    pub(crate) fn configure(&self, options: Map<String, Value>) -> Result<&Facts> {
        if let Some(configured) = self.configured.get() {
            return Ok(&configured.facts);
        }
        let (facts, code) = self.with_live(&Context::default(), |teller| {
            let facts = teller.ask(&Call::Configure { options: &options })?;
            let code = self.code_now(&facts)?;
            teller.live.configured = true;
            Ok((facts, code))
        })?;
        let configured = Configured {
            options,
            facts,
            code,
        };
        Ok(&self.configured.get_or_init(|| configured).facts)
    }

    /// The files of its code; none if it does not know its options yet.
    pub(crate) fn code(&self) -> &[InputFile] {
        self.configured.get().map_or(&[], |known| &known.code)
    }

    /// The files of its code as they are now: the program itself, those of its arguments that are
    /// files, those that the options name, and those that it names; of a metric also those that it
    /// reads, which nothing else asks a metric for.
    fn code_now(&self, facts: &Facts) -> Result<Vec<InputFile>> {
        let (program, arguments) = match self.command.program.as_slice() {
            [] => (None, &[][..]),
            [program, arguments @ ..] => (find(program), arguments),
        };
        let arguments = arguments.iter().map(PathBuf::from);
        let is_metric = self
            .hello
            .get()
            .is_some_and(|hello| Kind::from(hello.kind) == Kind::Metric);
        let reads = facts.inputs.iter().filter(|_| is_metric);
        let mut files: Vec<PathBuf> = program
            .into_iter()
            .chain(arguments.filter(|path| path.is_file()))
            .chain(self.command.files.iter().cloned())
            .chain(facts.code.iter().chain(reads).cloned())
            .map(|file| file.canonicalize().unwrap_or(file))
            .collect();
        files.sort();
        files.dedup();
        files.iter().map(|file| InputFile::read(file)).collect()
    }

    /// Asks the program, which is made ready for `work` first. It is started if it does not run,
    /// and started again, as often as the options allow, if it ends or does not answer.
    pub(crate) fn ask<T: DeserializeOwned>(
        &self,
        work: &Work<'_>,
        context: &Context,
        call: &Call<'_>,
    ) -> Result<T> {
        self.with_live(context, |teller| {
            if !teller.live.configured {
                if let Some(Configured { options, code, .. }) = self.configured.get() {
                    let facts: Facts = teller.ask(&Call::Configure { options })?;
                    if self.code_now(&facts)? != *code {
                        let message = "its files changed while it was in use; run this again";
                        return Err(Error::Usage(message.into()).into());
                    }
                }
                teller.live.configured = true;
            }
            if teller.live.ready != Some(work.number) {
                (work.prepare)(teller)?;
                teller.live.ready = Some(work.number);
            }
            teller.ask(call)
        })
    }

    /// Ends the program; it is started again when it is asked.
    pub(crate) fn end(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .live = None;
    }

    /// Leaves the running program to the first component that is made of it, so that it is started
    /// once.
    pub(crate) fn hand_over(self) {
        let state = self.state.into_inner();
        let live = state.unwrap_or_else(PoisonError::into_inner).live;
        if let (Some(live), Some(hello)) = (live, self.hello.into_inner()) {
            waiting().push((self.command.program, live, hello));
        }
    }

    fn with_live<T>(
        &self,
        context: &Context,
        ask: impl Fn(&mut Teller<'_>) -> Result<T, Trouble>,
    ) -> Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let attempt = self.start(&mut state, context).and_then(|live| {
                let limit = self.command.answer_limit();
                ask(&mut Teller {
                    live,
                    limit,
                    context,
                })
            });
            let trouble = match attempt {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            if trouble.ends_program() {
                state.live = None;
            }
            if !trouble.may_pass() || state.restarts >= self.restarts {
                return Err(trouble.into_error(&self.label()));
            }
            state.restarts += 1;
            tracing::warn!("{}; it is started again", trouble.into_error(&self.label()));
        }
    }

    /// The running program, which is started if there is none.
    fn start<'s>(&self, state: &'s mut State, context: &Context) -> Result<&'s mut Live, Trouble> {
        let waits = |(program, ..): &Waiting| *program == self.command.program;
        if state.live.is_none() && self.factory.is_none() {
            let mut waiting = waiting();
            if let Some(at) = waiting.iter().position(waits) {
                let (_, live, hello) = waiting.swap_remove(at);
                self.hello.get_or_init(|| hello);
                state.live = Some(live);
            }
        }
        if state.live.is_none() {
            let mut live = Live {
                peer: match &self.factory {
                    Some(factory) => factory.make()?,
                    None => Box::new(Process::start(&self.command.program)?),
                },
                questions: 0,
                configured: false,
                ready: None,
            };
            let limit = self.command.start_limit();
            let hello = say_hello(&mut Teller {
                live: &mut live,
                limit,
                context,
            })?;
            self.hello.get_or_init(|| hello);
            state.live = Some(live);
        }
        let gone = || Error::Internal("a program that was started is gone".into());
        Ok(state.live.as_mut().ok_or_else(gone)?)
    }
}

/// The file of a program: that which is named by a path, or else is in a folder of PATH.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains(std::path::MAIN_SEPARATOR) {
        return Some(PathBuf::from(program));
    }
    let folders = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&folders).map(|folder| folder.join(Path::new(program)));
    files.find(|file| file.is_file())
}

fn say_hello(teller: &mut Teller<'_>) -> Result<Hello, Trouble> {
    let hello: Hello = teller.ask(&Call::Hello {
        protocol: PROTOCOL,
        gloss: env!("CARGO_PKG_VERSION"),
    })?;
    if hello.protocol == PROTOCOL {
        return Ok(hello);
    }
    Err(Trouble::from(Error::Usage(format!(
        "it speaks version {} of the protocol, and this gloss version {PROTOCOL}",
        hello.protocol
    ))))
}
