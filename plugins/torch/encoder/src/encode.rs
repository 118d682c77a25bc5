//! The encoder as a whole.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use gloss_core::{Error, Result};
use gloss_torch::{Checkpoint, torch_error};
use tch::{Device, Kind, TchError, Tensor};

use super::architecture::{Architecture, Counting};
use super::batches::{Batch, batches};
use super::network::Network;
use super::pooling::unit;
use super::settings::{Role, Settings};
use super::tokens::Tokens;
use super::{layout, workers};

/// Tokens that are computed together on one core: their features stay in its cache.
const CPU_TOKENS: usize = 512;
/// Tokens that are computed together on a GPU.
const GPU_TOKENS: usize = 1 << 16;

/// An encoder on a device. Threads may share it.
pub struct Encoder {
    settings: Settings,
    tokens: Tokens,
    network: Mutex<Network>,
    counting: Counting,
    dimensions: usize,
    device: Device,
}

/// The files that decide, beside the settings, what vectors a text gets: the shape of the model, its
/// tokenizer and its weights, and what sentence-transformers keeps beside them.
///
/// # Errors
/// If the folder holds no checkpoint.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let settings = layout::files(folder)?;
    let folder = layout::weights(folder)?;
    let checkpoint = Checkpoint::open(&folder)?;
    let mut files = vec![Architecture::file(&folder), Tokens::file(&folder)];
    files.extend(checkpoint.files().map(Path::to_path_buf));
    files.extend(settings);
    Ok(files)
}

impl Encoder {
    /// Loads the checkpoint in `folder`, to compute in numbers of `kind`.
    ///
    /// # Errors
    /// If the checkpoint is not whole or not of the BERT family, if its tokenizer is another's, or
    /// if the settings ask for longer texts than it has positions for.
    pub fn open(folder: &Path, settings: Settings, device: Device, kind: Kind) -> Result<Self> {
        let folder = layout::weights(folder)?;
        let architecture = Architecture::read(&folder)?;
        let (longest, asked) = (architecture.longest(), settings.max_length);
        if asked > longest {
            return Err(Error::Usage(format!(
                "`max_length` is {asked}, but the model in {} has positions for {longest} tokens",
                folder.display()
            )));
        }
        let tokens = Tokens::open(&folder, architecture.vocabulary, asked)?;
        let checkpoint = Checkpoint::open(&folder)?;
        Ok(Encoder {
            settings,
            tokens,
            counting: architecture.counting,
            dimensions: usize::try_from(architecture.hidden).unwrap_or(0),
            network: Mutex::new(Network::load(architecture, &checkpoint, device, kind)?),
            device,
        })
    }

    /// Numbers of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Returns the settings that the model was opened with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The vectors of texts, one after the other. Equal texts are computed once, and a text's
    /// vector does not depend on the order of the texts. `progress` receives the number of further texts that are
    /// done; if it fails, so does this.
    ///
    /// # Errors
    /// If memory runs out, or as `progress` does.
    pub fn encode(
        &self,
        texts: &[&str],
        role: Role,
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f32>> {
        let sequences = self.tokens.encode(self.settings.prefix.of(role), texts)?;
        let budget = match self.device {
            Device::Cpu => CPU_TOKENS,
            _ => GPU_TOKENS,
        };
        let batches = batches(&sequences, budget);
        let mut rows = vec![0.0; texts.len() * self.dimensions];
        let done = |at: usize, vectors: Vec<f32>| {
            let batch: &Batch = &batches[at];
            for (places, vector) in batch.texts.iter().zip(vectors.chunks(self.dimensions)) {
                for &place in places {
                    rows[place * self.dimensions..][..self.dimensions].copy_from_slice(vector);
                }
            }
            progress(batch.places())
        };
        self.run(&batches, &sequences, done)?;
        Ok(rows)
    }

    /// Gives the vectors of every batch to `done`.
    fn run(
        &self,
        batches: &[Batch],
        sequences: &[Vec<u32>],
        mut done: impl FnMut(usize, Vec<f32>) -> Result<()>,
    ) -> Result<()> {
        let work = |network: &Network, at: usize| {
            let vectors = tch::no_grad(|| self.vectors(network, &batches[at], sequences));
            vectors.map_err(torch_error("encode texts"))
        };
        if self.device == Device::Cpu {
            return workers::run(batches.len(), || self.network(), work, done);
        }
        let network = self.network();
        (0..batches.len()).try_for_each(|at| done(at, work(&network, at)?))
    }

    /// A handle on the weights, for one thread.
    fn network(&self) -> Network {
        let network = self.network.lock();
        network.unwrap_or_else(PoisonError::into_inner).share()
    }

    /// The vectors of a batch's distinct texts.
    fn vectors(
        &self,
        network: &Network,
        batch: &Batch,
        sequences: &[Vec<u32>],
    ) -> Result<Vec<f32>, TchError> {
        let texts = || batch.texts.iter().map(|places| &sequences[places[0]]);
        let tokens: Vec<i64> = texts().flatten().map(|&token| token.into()).collect();
        let positions = texts().flat_map(|text| self.counting.positions(text));
        let tokens = Tensor::f_from_slice(&tokens)?.f_to_device(self.device)?;
        let positions: Vec<i64> = positions.collect();
        let positions = Tensor::f_from_slice(&positions)?.f_to_device(self.device)?;
        let features = network.forward(&tokens, &positions, batch)?;
        let mut pooled = Vec::with_capacity(batch.groups.len());
        for (group, range) in batch.ranges() {
            let part = features.f_narrow(0, range.start as i64, range.len() as i64)?;
            let part = part.f_view([group.texts as i64, group.length as i64, -1])?;
            pooled.push(self.settings.pooling.pool(&part)?);
        }
        let vectors = Tensor::f_cat(&pooled, 0)?;
        let vectors = match self.settings.normalise {
            true => unit(&vectors)?,
            false => vectors,
        };
        Vec::try_from(vectors.f_to_device(Device::Cpu)?.f_view([-1])?)
    }
}
