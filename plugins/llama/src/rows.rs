//! The rows of the embedding and of the head: more of them for new tokens, others in place of those that are there.

use gloss_core::{Error, Result};
use gloss_torch::{Adapter, torch_error};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{Kind, TchError, Tensor};

use crate::model::Model;

/// The module of the embedding.
pub(crate) const EMBEDDING: &str = "model.embed_tokens";
/// The module of the head.
pub(crate) const HEAD: &str = "lm_head";

impl Model {
    /// Makes room for `vocabulary` tokens. New rows are drawn with the mean and the deviation that the others have in
    /// each column.
    pub(crate) fn grow(&mut self, vocabulary: i64, seed: u64) -> Result<()> {
        let failed = || torch_error("make room for new tokens");
        let new = vocabulary - self.architecture.vocabulary;
        if new <= 0 {
            return Ok(());
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut grown = |table: &Tensor| grown(table, new, &mut random).map_err(failed());
        let embedding = grown(&self.embedding)?;
        self.head = match self.architecture.tied {
            true => embedding.shallow_clone(),
            false => grown(&self.head)?,
        };
        self.embedding = embedding;
        self.architecture.vocabulary = vocabulary;
        Ok(())
    }

    /// Puts the rows of an adapter's tokens into the tables, which grow by those that are new.
    pub(crate) fn put_rows(&mut self, adapter: &Adapter) -> Result<()> {
        let width = self.architecture.hidden;
        if let Some(rows) = adapter.token_rows(EMBEDDING, width, self.device)? {
            self.embedding = rows.put_into(&self.embedding)?;
        }
        if self.architecture.tied {
            self.head = self.embedding.shallow_clone();
        } else if let Some(rows) = adapter.token_rows(HEAD, width, self.device)? {
            self.head = rows.put_into(&self.head)?;
        }
        let count = |table: &Tensor| table.size().first().copied().unwrap_or(0);
        let (embedding, head) = (count(&self.embedding), count(&self.head));
        self.architecture.vocabulary = embedding;
        match embedding == head {
            true => Ok(()),
            false => Err(Error::component(
                "the adapter",
                format!(
                    "with it the embedding has {embedding} rows, and the head {head}; save it with \
                     `trainable_token_indices` of both"
                ),
            )),
        }
    }
}

fn grown(table: &Tensor, new: i64, random: &mut ChaCha8Rng) -> Result<Tensor, TchError> {
    let (_, width) = table.size2()?;
    let noise = StandardNormal.sample_iter(random);
    let noise: Vec<f32> = noise.take((new * width) as usize).collect();
    let wide = table.f_to_kind(Kind::Float)?;
    let mean = wide.f_mean_dim([0i64].as_slice(), true, Kind::Float)?;
    let deviation = wide.f_std_dim([0i64].as_slice(), false, true)?;
    let rows = Tensor::f_from_slice(&noise)?
        .f_view([new, width])?
        .f_to_device(table.device())?
        .f_mul(&deviation)?
        .f_add(&mean)?;
    Tensor::f_cat(&[table, &rows.f_to_kind(table.kind())?], 0)
}
