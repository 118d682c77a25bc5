//! `gloss doctor`: what this build and this machine can do, as a report of a fault needs it.

use std::collections::BTreeMap;
use std::env::{self, consts};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::thread;

use anyhow::Result;
use gloss_core::{Error, Kind, NativeLibrary, Registry};
use indicatif::BinaryBytes;
use serde::Serialize;
use serde_json::{Map, Value};
use sysinfo::{Disks, System};

use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// The report.
#[derive(Serialize)]
struct Report {
    gloss: Build,
    machine: Machine,
    folder: Folder,
    terminal: Terminal,
    libraries: BTreeMap<&'static str, Map<String, Value>>,
    components: BTreeMap<&'static str, usize>,
    plugins: BTreeMap<String, String>,
}

/// The build.
#[derive(Serialize)]
struct Build {
    version: &'static str,
    target: String,
    optimized: bool,
}

/// The machine.
#[derive(Serialize)]
struct Machine {
    system: Option<String>,
    kernel: Option<String>,
    processor: Option<String>,
    features: Vec<&'static str>,
    physical_cores: Option<usize>,
    usable_cores: Option<usize>,
    memory_bytes: u64,
    available_memory_bytes: u64,
}

/// The current folder, in which caches and results are written.
#[derive(Serialize)]
struct Folder {
    path: String,
    free_bytes: Option<u64>,
}

/// Standard output and standard error.
#[derive(Serialize)]
struct Terminal {
    stdout: bool,
    stderr: bool,
}

pub(crate) fn execute(session: &Session) -> Result<()> {
    session.output.show(&examine()?, table)
}

fn examine() -> Result<Report> {
    let registry = Registry::known()?;
    let count = |kind: Kind| (kind.name(), registry.names(kind).len());
    let origins = registry.entries().map(|entry| &entry.origin);
    let folder = env::current_dir().map_err(Error::io("open", "."))?;
    Ok(Report {
        gloss: Build {
            version: env!("CARGO_PKG_VERSION"),
            target: format!("{}-{}", consts::ARCH, consts::OS),
            optimized: !cfg!(debug_assertions),
        },
        machine: machine(),
        folder: Folder {
            free_bytes: free_bytes(&folder),
            path: folder.display().to_string(),
        },
        terminal: Terminal {
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        },
        libraries: NativeLibrary::all()
            .map(|library| (library.name, (library.report)()))
            .collect(),
        components: Kind::ALL.into_iter().map(count).collect(),
        plugins: origins
            .map(|o| (o.name.clone(), o.version.clone()))
            .collect(),
    })
}

fn machine() -> Machine {
    let mut system = System::new();
    system.refresh_memory();
    system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
    let brand = system
        .cpus()
        .first()
        .map(|cpu| cpu.brand().trim().to_string());
    Machine {
        system: System::long_os_version(),
        kernel: System::kernel_version(),
        processor: brand.filter(|brand| !brand.is_empty()),
        features: features(),
        physical_cores: System::physical_core_count(),
        usable_cores: thread::available_parallelism().ok().map(Into::into),
        memory_bytes: system.total_memory(),
        available_memory_bytes: system.available_memory(),
    }
}

/// The instruction sets that make a difference here and that this processor has.
fn features() -> Vec<&'static str> {
    macro_rules! detected {
        ($detect:ident: $($name:tt)+) => {
            [$(($name, std::arch::$detect!($name))),+]
        };
    }
    #[cfg(target_arch = "x86_64")]
    let known = detected!(is_x86_feature_detected: "sse4.2" "popcnt" "avx" "avx2" "fma" "bmi2" "avx512f" "avx512bw");
    #[cfg(target_arch = "aarch64")]
    let known = detected!(is_aarch64_feature_detected: "neon" "dotprod" "fp16" "sve");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known: [(&'static str, bool); 0] = [];
    known
        .iter()
        .filter(|(_, has)| *has)
        .map(|(name, _)| *name)
        .collect()
}

/// Returns the free space of the disk that holds `folder`.
fn free_bytes(folder: &Path) -> Option<u64> {
    Disks::new_with_refreshed_list()
        .iter()
        .filter(|disk| folder.starts_with(disk.mount_point()))
        .max_by_key(|disk| disk.mount_point().as_os_str().len())
        .map(|disk| disk.available_space())
}

fn table(report: &Report, look: Look) -> String {
    let mut table = Table::new(["", ""]);
    let mut row = |name: &str, value: String| table.row([Cell::from(name).strong(), value.into()]);
    let Report {
        gloss,
        machine,
        folder,
        terminal,
        ..
    } = report;
    let unknown = || "unknown".to_string();
    let cores = |cores: Option<usize>| cores.map_or_else(unknown, |n| n.to_string());
    let yes = |yes| if yes { "a terminal" } else { "no terminal" };
    let build = if gloss.optimized {
        "optimized"
    } else {
        "not optimized: slow"
    };
    row(
        "gloss",
        format!("{} for {}, {build}", gloss.version, gloss.target),
    );
    row(
        "system",
        [&machine.system, &machine.kernel]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
    );
    row(
        "processor",
        machine.processor.clone().unwrap_or_else(unknown),
    );
    row("instructions", machine.features.join(" "));
    row(
        "cores",
        format!(
            "{} usable, {} physical",
            cores(machine.usable_cores),
            cores(machine.physical_cores)
        ),
    );
    row(
        "memory",
        format!(
            "{} available of {}",
            BinaryBytes(machine.available_memory_bytes),
            BinaryBytes(machine.memory_bytes)
        ),
    );
    row("folder", folder.path.clone());
    row(
        "free disk",
        folder
            .free_bytes
            .map_or_else(unknown, |bytes| BinaryBytes(bytes).to_string()),
    );
    row("standard output", yes(terminal.stdout).to_string());
    row("standard error", yes(terminal.stderr).to_string());
    for (name, properties) in &report.libraries {
        for (property, value) in properties {
            let value = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            row(&format!("{name} {}", property.replace('_', " ")), value);
        }
    }
    if report.libraries.is_empty() {
        row("libtorch", "this gloss was built without it".to_string());
    }
    for kind in Kind::ALL {
        row(
            &format!("{kind} components"),
            report.components[kind.name()].to_string(),
        );
    }
    let plugins = report
        .plugins
        .iter()
        .map(|(name, version)| format!("{name} {version}"));
    row("plugins", plugins.collect::<Vec<_>>().join(", "));
    table.render(look)
}
