//! Processes that train one model together, on one machine or several, each on a part of every step's
//! examples.
//!
//! They are started by torchrun, or by srun with the same environment variables: `RANK`, `WORLD_SIZE`,
//! `MASTER_ADDR` and `MASTER_PORT`. The process of rank 0 listens at the port after `MASTER_PORT`, which
//! is torchrun's own, and adds up what all others send in the order of their ranks, so that the same
//! processes get the same bytes.

use std::env;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gloss_core::{Context, Error, Result};

/// The first bytes that a process sends, before its rank and their number.
const HELLO: &[u8; 8] = b"gloss-w1";
/// The longest wait for all processes.
const PATIENCE: Duration = Duration::from_secs(300);
/// The time between looks at whether the work was cancelled.
const LOOK: Duration = Duration::from_millis(200);
/// The default of `MASTER_PORT`, as torchrun has it.
const PORT: u16 = 29_500;

/// A process among those that train together.
pub struct World {
    rank: usize,
    size: usize,
    /// Of rank 0: the connections to all others, by rank. Of others: that to rank 0.
    peers: Vec<TcpStream>,
    context: Context,
}

impl World {
    /// Joins the `size` processes that train together; `None` for one.
    ///
    /// # Errors
    /// If the environment has another number of processes, or they do not come together in time.
    pub fn join(size: usize, context: &Context) -> Result<Option<Self>> {
        let started = variable("WORLD_SIZE", 1)?;
        if started != size {
            return Err(Error::Usage(format!(
                "`training.world_size` is {size}, and {started} processes were started (WORLD_SIZE); start \
                 {size} by `torchrun --no-python --nproc-per-node {size} gloss train EXPERIMENT.toml`, or set \
                 `training.world_size` to {started}"
            )));
        }
        if size == 1 {
            return Ok(None);
        }
        let rank = variable("RANK", 0)?;
        let host = env::var("MASTER_ADDR").unwrap_or_else(|_| "127.0.0.1".to_string());
        let master: usize = variable("MASTER_PORT", usize::from(PORT))?;
        let port =
            u16::try_from(master + 1).map_err(|_| wrong("MASTER_PORT", &master.to_string()))?;
        let mut world = World {
            rank,
            size,
            peers: Vec::new(),
            context: context.clone(),
        };
        match rank {
            0 => world.listen(port)?,
            _ if rank < size => world.connect(&host, port)?,
            _ => return Err(wrong("RANK", &rank.to_string())),
        }
        tracing::info!(rank, size, "all processes of the training are there");
        Ok(Some(world))
    }

    /// The number of this process, from 0; the first one writes.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of processes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Replaces `values` by their sum over all processes, which is the same in all.
    ///
    /// # Errors
    /// If another process has ended.
    pub fn sum(&mut self, values: &mut [f32]) -> Result<()> {
        if self.rank > 0 {
            self.send(0, &bytes(values))?;
            return self.receive_into(0, values);
        }
        let mut others = vec![0.0; values.len()];
        for peer in 0..self.peers.len() {
            self.receive_into(peer, &mut others)?;
            values
                .iter_mut()
                .zip(&others)
                .for_each(|(sum, other)| *sum += other);
        }
        self.send_all(&bytes(values))
    }

    /// Replaces `values` by those of the process of rank 0.
    ///
    /// # Errors
    /// If another process has ended.
    pub fn broadcast(&mut self, values: &mut [f32]) -> Result<()> {
        match self.rank {
            0 => self.send_all(&bytes(values)),
            _ => self.receive_into(0, values),
        }
    }

    /// The text of the process of rank 0, which gives it.
    ///
    /// # Errors
    /// If another process has ended.
    pub fn broadcast_text(&mut self, text: &str) -> Result<String> {
        if self.rank == 0 {
            self.send_all(&(text.len() as u64).to_le_bytes())?;
            self.send_all(text.as_bytes())?;
            return Ok(text.to_string());
        }
        let mut length = [0; 8];
        self.receive(0, &mut length)?;
        let mut bytes = vec![0; usize::try_from(u64::from_le_bytes(length)).unwrap_or(0)];
        self.receive(0, &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn listen(&mut self, port: u16) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::Network(format!(
                "cannot listen at port {port}, the one after MASTER_PORT: {error}; set MASTER_PORT to another"
            ))
        };
        let listener = TcpListener::bind(("0.0.0.0", port)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let mut peers: Vec<Option<TcpStream>> = (1..self.size).map(|_| None).collect();
        let begun = Instant::now();
        while let Some(missing) = peers.iter().position(Option::is_none) {
            match listener.accept() {
                Ok((stream, _)) => {
                    if let Some((rank, stream)) = greeted(stream, self.size) {
                        peers[rank - 1] = Some(stream);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(begun, || {
                        format!("the process of rank {} did not come", missing + 1)
                    })?;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        self.peers = peers.into_iter().flatten().collect();
        Ok(())
    }

    fn connect(&mut self, host: &str, port: u16) -> Result<()> {
        let begun = Instant::now();
        let stream = loop {
            match TcpStream::connect((host, port)).and_then(not_to_itself) {
                Ok(stream) => break stream,
                Err(error) => self.wait(begun, || {
                    format!("the process of rank 0 does not listen at {host}:{port} ({error})")
                })?,
            }
        };
        let hello = [
            HELLO,
            &(self.rank as u64).to_le_bytes()[..],
            &(self.size as u64).to_le_bytes(),
        ];
        let ready = prepared(&stream);
        self.peers.push(stream);
        ready.map_err(|error| self.lost(0, &error))?;
        self.send(0, &hello.concat())
    }

    fn wait(&self, begun: Instant, what: impl Fn() -> String) -> Result<()> {
        self.context.check()?;
        if begun.elapsed() > PATIENCE {
            return Err(Error::Network(format!(
                "{} within {} s",
                what(),
                PATIENCE.as_secs()
            )));
        }
        sleep(LOOK);
        Ok(())
    }

    fn send(&mut self, peer: usize, bytes: &[u8]) -> Result<()> {
        let mut sent = 0;
        while sent < bytes.len() {
            self.context.check()?;
            match self.peers[peer].write(&bytes[sent..]) {
                Ok(count) if count > 0 => sent += count,
                Err(error) if passes(&error) => {}
                Ok(_) => return Err(self.lost(peer, &ErrorKind::WriteZero.into())),
                Err(error) => return Err(self.lost(peer, &error)),
            }
        }
        Ok(())
    }

    fn send_all(&mut self, bytes: &[u8]) -> Result<()> {
        (0..self.peers.len()).try_for_each(|peer| self.send(peer, bytes))
    }

    fn receive(&mut self, peer: usize, bytes: &mut [u8]) -> Result<()> {
        let mut received = 0;
        while received < bytes.len() {
            self.context.check()?;
            match self.peers[peer].read(&mut bytes[received..]) {
                Ok(count) if count > 0 => received += count,
                Err(error) if passes(&error) => {}
                Ok(_) => return Err(self.lost(peer, &ErrorKind::UnexpectedEof.into())),
                Err(error) => return Err(self.lost(peer, &error)),
            }
        }
        Ok(())
    }

    fn receive_into(&mut self, peer: usize, values: &mut [f32]) -> Result<()> {
        let mut bytes = vec![0; 4 * values.len()];
        self.receive(peer, &mut bytes)?;
        let (numbers, _) = bytes.as_chunks::<4>();
        for (value, bytes) in values.iter_mut().zip(numbers) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    fn lost(&self, peer: usize, error: &std::io::Error) -> Error {
        let rank = if self.rank == 0 { peer + 1 } else { 0 };
        Error::Network(format!(
            "the process of rank {rank} of this training has ended ({error}); start all again, which resumes \
             at the last checkpoint"
        ))
    }
}

fn passes(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// Refuses the connection of a port to itself, which a system makes if it happens to choose the port
/// that is looked for as that of the caller.
fn not_to_itself(stream: TcpStream) -> std::io::Result<TcpStream> {
    match stream.local_addr()? == stream.peer_addr()? {
        true => Err(ErrorKind::ConnectionRefused.into()),
        false => Ok(stream),
    }
}

fn prepared(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(LOOK))
}

/// The rank that a connection belongs to; `None` for that of a stranger.
fn greeted(mut stream: TcpStream, size: usize) -> Option<(usize, TcpStream)> {
    prepared(&stream).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut hello = [0; 24];
    stream.read_exact(&mut hello).ok()?;
    stream.set_read_timeout(Some(LOOK)).ok()?;
    let number = |at: usize| {
        let bytes = hello[at..at + 8].try_into().unwrap_or_default();
        usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX)
    };
    let (rank, of) = (number(8), number(16));
    (hello[..8] == *HELLO && of == size && (1..size).contains(&rank)).then_some((rank, stream))
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn variable(name: &str, default: usize) -> Result<usize> {
    match env::var(name) {
        Ok(value) => value.parse().map_err(|_| wrong(name, &value)),
        Err(_) => Ok(default),
    }
}

fn wrong(name: &str, value: &str) -> Error {
    Error::Usage(format!(
        "the environment variable {name} is `{value}`, which torchrun would not set"
    ))
}
