//! Attention of a sequence to itself.

use tch::{Kind, TchError, Tensor};

use super::Linear;
use gloss_training::Pass;
use gloss_training::{Builder, Leaves};

/// Multi-head attention (Vaswani et al., 2017, arXiv 1706.03762).
pub(crate) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: i64,
    dropout: f64,
}

impl Attention {
    pub(crate) fn new(
        builder: &mut Builder,
        name: &str,
        [width, heads]: [i64; 2],
        dropout: f64,
        init: Option<f64>,
    ) -> Self {
        let mut linear =
            |part: &str| Linear::new(builder, &format!("{name}.{part}"), [width, width], init);
        Attention {
            query: linear("query"),
            key: linear("key"),
            value: linear("value"),
            output: linear("output"),
            heads,
            dropout,
        }
    }

    /// Attends from `queries` to `input`, both [batch, length, width]. `mask`, which is added to
    /// the scores, broadcasts to [batch, heads, length, length].
    pub(crate) fn forward(
        &self,
        leaves: &Leaves,
        (queries, input): (&Tensor, &Tensor),
        mask: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let (batch, length, width) = input.size3()?;
        let head = width / self.heads;
        let split = |linear: &Linear, input: &Tensor| {
            linear
                .forward(leaves, input)?
                .f_view([batch, length, self.heads, head])?
                .f_transpose(1, 2)
        };
        let queries = split(&self.query, queries)?;
        let (keys, values) = (split(&self.key, input)?, split(&self.value, input)?);
        let scores = queries
            .f_matmul(&keys.f_transpose(2, 3)?)?
            .f_div_scalar((head as f64).sqrt())?
            .f_add(mask)?;
        let shares = pass.dropout(&scores.f_softmax(-1, Kind::Float)?, self.dropout)?;
        let attended = shares
            .f_matmul(&values)?
            .f_transpose(1, 2)?
            .f_reshape([batch, length, width])?;
        self.output.forward(leaves, &attended)
    }
}
