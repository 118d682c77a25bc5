//! Losses and their gradients; layer by layer, if the inside of layers is computed again.

use std::ops::Range;

use gloss_training::{Parameter, Parameters};
use tch::{Kind, TchError, Tensor};

use super::{ForwardContext, Leaves, Network};
use crate::train::batch::Batch;
use crate::train::loss::{self, HeadGradient};

/// The state of successive layers kept for the backward pass.
struct Kept {
    layers: Range<usize>,
    input: Tensor,
    /// None if it is computed again.
    output: Option<Tensor>,
}

impl Network {
    /// The sum of a batch's losses, as a 32-bit number on the device. Adds the gradient of that
    /// sum by the leaves, times `share`, to that of the parameters.
    pub(crate) fn forward_backward(
        &self,
        batch: &Batch,
        leaves: &Leaves,
        parameters: &Parameters,
        share: f64,
        seed: i64,
    ) -> Result<Tensor, TchError> {
        let place = self.place(batch, (self.dropout > 0.0).then_some(seed))?;
        let mut hidden = tch::no_grad(|| self.embed(batch, leaves))?;
        let mut kept = Vec::new();
        for layers in self.spans() {
            let learns =
                layers.start > 0 || self.plan.embedding.is_some() || self.plan.rows.is_some();
            let input = hidden.f_detach()?.f_set_requires_grad(learns)?;
            let run = || self.layers(layers.clone(), &input, leaves, &place);
            let output = match self.checkpointing {
                true => tch::no_grad(run)?,
                false => run()?,
            };
            hidden = output.f_detach()?;
            kept.push(Kept {
                layers,
                input,
                output: (!self.checkpointing).then_some(output),
            });
        }
        let (sum, mut gradient) = self.learn_end(&hidden, batch, leaves, parameters, share)?;
        for kept in kept.into_iter().rev() {
            gradient = self.learn_layers(kept, &gradient, leaves, &place, parameters)?;
        }
        if let Some(embedding) = &self.plan.embedding {
            let rows = gradient.f_to_kind(Kind::Float)?;
            let count = self.model.architecture.vocabulary;
            let by_token =
                Tensor::f_embedding_dense_backward(&rows, &batch.tokens, count, -1, false)?;
            embedding.add(&by_token, &parameters.gradient)?;
        }
        if let (Some(plan), Some(rows)) = (&self.plan.rows, &self.rows) {
            // The gradient as a whole is multiplied by the factor of the leaves later.
            let by_row = rows.gradient(&gradient, &batch.tokens)?;
            let by_row = by_row.f_div_scalar(self.factor())?;
            plan.embedding.add(&by_row, &parameters.gradient)?;
        }
        Ok(sum)
    }

    /// Loss and the last norm, forward and backward; gives the sum and the gradient by `hidden`.
    fn learn_end(
        &self,
        hidden: &Tensor,
        batch: &Batch,
        leaves: &Leaves,
        parameters: &Parameters,
        share: f64,
    ) -> Result<(Tensor, Tensor), TchError> {
        let hidden = hidden.f_set_requires_grad(true)?;
        let output = self.end(&hidden, batch, leaves)?;
        let trained_head = self.trained_head();
        let (sum, gradient) = tch::no_grad(|| {
            let head = self.head(leaves).f_detach()?;
            let by_head = trained_head
                .map(|trained| HeadGradient::new(trained, self.rows.as_ref(), head.device()))
                .transpose()?;
            let (sum, gradient) = loss::cross_entropy(
                &self.model,
                &head,
                &output.f_detach()?,
                &batch.targets,
                by_head.as_ref(),
            )?;
            if let (Some(trained), Some(by_head)) = (trained_head, by_head) {
                // As above: the factor is 1 where whole tables are trained.
                let by_head = by_head.sum.f_mul_scalar(share / self.factor())?;
                trained.add(&by_head, &parameters.gradient)?;
            }
            Ok::<_, TchError>((sum, gradient.f_mul_scalar(share)?))
        })?;
        let mut inputs = vec![&hidden];
        inputs.extend(&leaves.norm);
        let gradients = self.backward(&output, &gradient, &inputs)?;
        if let (Some(norm), Some(gradient)) = (&self.plan.norm, gradients.get(1)) {
            norm.add(gradient, &parameters.gradient)?;
        }
        Ok((sum, first(gradients)?))
    }

    /// The parameter that is the head, or some of its rows.
    fn trained_head(&self) -> Option<&Parameter> {
        let table = self.plan.head.as_ref().or(self.plan.embedding.as_ref());
        let rows = self.plan.rows.as_ref();
        table.or_else(|| rows.map(|rows| rows.head.as_ref().unwrap_or(&rows.embedding)))
    }

    /// The layers that a backward pass goes through at once: one if it computes them again, else all.
    fn spans(&self) -> impl Iterator<Item = Range<usize>> {
        let count = self.model.layers.len();
        let each = if self.checkpointing { 1 } else { count.max(1) };
        (0..count)
            .step_by(each)
            .map(move |start| start..(start + each).min(count))
    }

    /// Backward through layers; gives the gradient by their input.
    fn learn_layers(
        &self,
        kept: Kept,
        gradient: &Tensor,
        leaves: &Leaves,
        place: &ForwardContext<'_>,
        parameters: &Parameters,
    ) -> Result<Tensor, TchError> {
        let output = match kept.output {
            Some(output) => output,
            None => self.layers(kept.layers.clone(), &kept.input, leaves, place)?,
        };
        let learns = kept.input.requires_grad();
        let inputs: Vec<&Tensor> = learns
            .then_some(&kept.input)
            .into_iter()
            .chain(leaves.layers[kept.layers.clone()].iter().flatten())
            .collect();
        if inputs.is_empty() {
            return gradient.f_detach();
        }
        let mut gradients = self.backward(&output, gradient, &inputs)?;
        let own = gradients.split_off(usize::from(learns));
        if !own.is_empty() {
            tch::no_grad(|| self.leaves.add(kept.layers, &own, &parameters.gradient))?;
        }
        match learns {
            true => first(gradients),
            false => gradient.f_detach(),
        }
    }

    /// The gradients by `inputs` of `output` · `gradient`.
    fn backward(
        &self,
        output: &Tensor,
        gradient: &Tensor,
        inputs: &[&Tensor],
    ) -> Result<Vec<Tensor>, TchError> {
        let product = output.f_mul(gradient)?.f_sum(output.f_kind()?)?;
        let run = || Tensor::f_run_backward(&[product], inputs, false, false);
        match self.deterministic {
            true => gloss_torch::deterministic(output.device(), run),
            false => run(),
        }
    }
}

fn first(gradients: Vec<Tensor>) -> Result<Tensor, TchError> {
    let missing = || TchError::Torch("no gradient came back".to_string());
    gradients.into_iter().next().ok_or_else(missing)
}
