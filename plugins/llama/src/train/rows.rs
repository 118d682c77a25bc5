//! The rows of new tokens in training, in tables that are not trained otherwise.

use gloss_training::{Parameter, Parameters};
use tch::{Device, Kind, TchError, Tensor};

use super::plan::{Plan, RowPlan};
use crate::model::Model;

/// The places of the trained rows.
pub(crate) struct Rows {
    /// Their tokens, `[rows]`.
    tokens: Tensor,
    /// The row of every token, `[vocabulary]`; the number of rows for a token that has none.
    of_tokens: Tensor,
}

impl Rows {
    pub(crate) fn new(plan: &RowPlan, vocabulary: i64, device: Device) -> Result<Self, TchError> {
        let count = plan.tokens.len() as i64;
        let mut of_tokens = vec![count; vocabulary as usize];
        for (row, token) in (0..).zip(&plan.tokens) {
            of_tokens[*token as usize] = row;
        }
        let put = |values: &[i64]| Tensor::f_from_slice(values)?.f_to_device(device);
        Ok(Rows {
            tokens: put(&plan.tokens)?,
            of_tokens: put(&of_tokens)?,
        })
    }

    /// Puts the rows as they are among the parameters into the model's tables.
    pub(crate) fn put(
        &self,
        plan: &Plan,
        parameters: &Parameters,
        model: &Model,
    ) -> Result<(), TchError> {
        let put = |of: &Parameter, table: &Tensor| {
            let rows = of.of(&parameters.values)?.f_to_kind(table.kind())?;
            let mut table = table.f_detach()?;
            table.f_index_copy_(0, &self.tokens, &rows).map(drop)
        };
        let Some(rows) = &plan.rows else {
            return Ok(());
        };
        put(&rows.embedding, &model.embedding)?;
        match &rows.head {
            Some(head) => put(head, &model.head),
            None => Ok(()),
        }
    }

    /// The tokens of the rows.
    pub(crate) fn tokens(&self) -> &Tensor {
        &self.tokens
    }

    /// The gradient by the rows of the embedding, from that by the vectors of `tokens` `[n]`.
    pub(crate) fn gradient(
        &self,
        by_vectors: &Tensor,
        tokens: &Tensor,
    ) -> Result<Tensor, TchError> {
        let count = self.tokens.size1()?;
        let places = self.of_tokens.f_index_select(0, tokens)?;
        let wide = by_vectors.f_to_kind(Kind::Float)?;
        Tensor::f_embedding_dense_backward(&wide, &places, count + 1, count, false)?
            .f_narrow(0, 0, count)
    }
}
