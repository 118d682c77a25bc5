//! A cluster of Slurm on this machine: its daemons, with several nodes of one core each.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// One cluster at a time: its ports are those of the process.
static ONE: Mutex<()> = Mutex::new(());

/// The daemons, which end with it.
pub(crate) struct Slurm {
    folder: TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Slurm {
    /// Starts a cluster with so many nodes.
    pub(crate) fn start(nodes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let slurm = Slurm {
            folder,
            _one: ONE.lock().unwrap_or_else(PoisonError::into_inner),
        };
        for name in ["munge", "state", "spool", "log"] {
            fs::create_dir(slurm.path(name)).unwrap();
        }
        slurm.start_munge();
        fs::write(slurm.path("slurm.conf"), slurm.configuration(nodes)).unwrap();
        slurm.run("slurmctld", &[]);
        for node in 1..=nodes {
            slurm.run("slurmd", &["-N", &format!("n{node}")]);
        }
        let idle = nodes.to_string();
        slurm.wait_until("all nodes are idle", || {
            let told = slurm.run("sinfo", &["--noheader", "--states=idle", "--format=%D"]);
            told.trim() == idle
        });
        slurm
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn start_munge(&self) {
        use std::os::unix::fs::PermissionsExt;
        let private = |path: &str, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let key = self.path("munge/key");
        fs::write(&key, [7; 1024]).unwrap();
        private(&key, 0o400);
        private(&self.path("munge"), 0o700);
        let options = [
            ("socket", "socket"),
            ("key-file", "key"),
            ("pid-file", "munged.pid"),
        ];
        let options = options
            .map(|(option, file)| format!("--{option}={}", self.path(&format!("munge/{file}"))));
        let log = format!("--log-file={}", self.path("munge/log"));
        let seed = format!("--seed-file={}", self.path("munge/seed"));
        let [socket, key, pid] = &options;
        self.run("munged", &["--force", socket, key, pid, &log, &seed]);
    }

    fn configuration(&self, nodes: u32) -> String {
        let port = 20_000 + std::process::id() % 20_000;
        let names = (1..=nodes).map(|node| {
            let port = port + node;
            format!("NodeName=n{node} NodeHostname=localhost Port={port} CPUs=1 RealMemory=500\n")
        });
        format!(
            "ClusterName=test\nSlurmctldHost=localhost\nSlurmctldPort={port}\nSlurmUser=root\n\
             AuthType=auth/munge\nAuthInfo=socket={},cred_expire=2\nCredType=cred/munge\n\
             StateSaveLocation={}\nSlurmdSpoolDir={}/%n\n\
             SlurmctldPidFile={}\nSlurmdPidFile={}\nSlurmctldLogFile={}\nSlurmdLogFile={}\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nMpiDefault=none\n\
             SelectType=select/cons_tres\nSelectTypeParameters=CR_Core\n\
             SchedulerParameters=sched_interval=1\nReturnToService=2\n{}\
             PartitionName=main Nodes=n[1-{nodes}] Default=YES MaxTime=INFINITE State=UP\n",
            self.path("munge/socket"),
            self.path("state"),
            self.path("spool"),
            self.path("slurmctld.pid"),
            self.path("slurmd-%n.pid"),
            self.path("log/slurmctld"),
            self.path("log/slurmd-%n"),
            names.collect::<String>(),
        )
    }

    /// The configuration, for commands of Slurm that others start.
    pub(crate) fn environment(&self) -> (&'static str, String) {
        ("SLURM_CONF", self.path("slurm.conf"))
    }

    fn output(&self, program: &str, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(args).envs([self.environment()]);
        command
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"))
    }

    /// Runs a program of Slurm and returns what it prints.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self.output(program, args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            if begin.elapsed() > Duration::from_secs(600) {
                let queue = self.run("squeue", &["--all"]);
                let log = fs::read_to_string(self.path("log/slurmctld")).unwrap_or_default();
                panic!("not within ten minutes: {what}\n{queue}\n{log}");
            }
            sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        let _ = self.output("scancel", &["--user=root"]);
        let pids = ["munge/munged.pid", "slurmctld.pid"]
            .map(str::to_string)
            .into_iter();
        let nodes = fs::read_dir(self.folder.path())
            .into_iter()
            .flatten()
            .flatten();
        let nodes = nodes.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let nodes = nodes.filter(|name| name.starts_with("slurmd-"));
        for pid in nodes.chain(pids) {
            let pid = fs::read_to_string(Path::new(&self.path(&pid))).unwrap_or_default();
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
        sleep(Duration::from_secs(1));
    }
}
