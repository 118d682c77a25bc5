//! The trained parts of a Llama: the parameters, and the leaves of each layer.

use gloss_core::Result;
use gloss_torch::{Adapter, Checkpoint, TokenRows, torch_error};
use gloss_training::{Parameter, ParameterList, Parameters};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::leaves::{Block, Leaf};
use crate::architecture::Architecture;
use crate::config::{Method, Training};
use crate::model::Model;
use crate::rows;

/// All that is trained.
pub(crate) struct Plan {
    pub(crate) list: Vec<Parameter>,
    pub(crate) embedding: Option<Parameter>,
    /// The trained parts of the first layer; all others have the same.
    pub(crate) layer: LayerPlan,
    pub(crate) norm: Option<Parameter>,
    /// The output's weight, if it is not the embedding.
    pub(crate) head: Option<Parameter>,
    /// The rows of new tokens, if the tables themselves are not trained.
    pub(crate) rows: Option<RowPlan>,
}

/// The trained rows of the embedding and of the head.
pub(crate) struct RowPlan {
    /// Their tokens.
    pub(crate) tokens: Vec<i64>,
    pub(crate) embedding: Parameter,
    /// Of the head, if it is not the embedding.
    pub(crate) head: Option<Parameter>,
}

/// The trained parts of a layer. Numbers are indices into `leaves`.
pub(crate) struct LayerPlan {
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) attention_norm: Option<usize>,
    pub(crate) qkv: Trained,
    pub(crate) output: Trained,
    pub(crate) perceptron_norm: Option<usize>,
    pub(crate) gate_up: Trained,
    pub(crate) down: Trained,
}

/// The trained parts of projections that lie side by side.
pub(crate) enum Trained {
    Nothing,
    /// Low-rank matrices: `down` [ranks, in] and `up` [out, ranks]; each projection that is adapted
    /// has `rank` of the ranks.
    LowRank {
        down: usize,
        up: usize,
        rank: i64,
    },
    /// The matrix [out, in] and the bias.
    Full {
        weight: usize,
        bias: Option<usize>,
    },
}

/// Projections that share their input: each one's name and its outputs.
struct Group<'a> {
    modules: &'a [(&'a str, i64)],
    inputs: i64,
    bias: bool,
}

impl Plan {
    /// The plan for a model to which `tokens` were added.
    pub(crate) fn new(architecture: &Architecture, training: &Training, tokens: &[i64]) -> Self {
        let full = training.method == Method::Full;
        let mut list = ParameterList::default();
        let shape = architecture;
        let table = [shape.vocabulary, shape.hidden];
        let embedding = full.then(|| list.add("model.embed_tokens.weight".into(), &table));
        let layer = LayerPlan::new(0, shape, training, &mut list);
        for other in 1..shape.layers {
            // Its parameters are new, all else is as in the first.
            LayerPlan::new(other, shape, training, &mut list);
        }
        let norm = full.then(|| list.add("model.norm.weight".into(), &[shape.hidden]));
        let head = (full && !shape.tied).then(|| list.add("lm_head.weight".into(), &table));
        let mut rows = |module: &str| {
            let shape = [tokens.len() as i64, shape.hidden];
            list.add(TokenRows::tensor_name(module), &shape)
        };
        let rows = (!full && !tokens.is_empty()).then(|| RowPlan {
            tokens: tokens.to_vec(),
            embedding: rows(rows::EMBEDDING),
            head: (!shape.tied).then(|| rows(rows::HEAD)),
        });
        Plan {
            list: list.list,
            embedding,
            layer,
            norm,
            head,
            rows,
        }
    }

    /// The parameters with the values that the checkpoint of `model` has; rows that were added to it are the model's.
    pub(crate) fn read_checkpoint(
        &self,
        checkpoint: &Checkpoint,
        model: &Model,
    ) -> Result<Parameters> {
        let is = |parameter: &Parameter, of: &Option<Parameter>| {
            of.as_ref().is_some_and(|of| of.name == parameter.name)
        };
        self.filled(model.device, |parameter| {
            let table = match parameter {
                own if is(own, &self.embedding) => Some(&model.embedding),
                own if is(own, &self.head) => Some(&model.head),
                _ => None,
            };
            let mut shape = parameter.shape.clone();
            if let (Some(_), Some(stored)) = (table, checkpoint.shape(&parameter.name)) {
                // Rows that are missing are seen below.
                shape[0] = stored.first().map_or(shape[0], |rows| shape[0].min(*rows));
            }
            let tensor = checkpoint.tensor(&parameter.name, &shape, model.device)?;
            let Some(table) = table else {
                return Ok(tensor);
            };
            let joined = || {
                let added = table.f_narrow(0, shape[0], parameter.shape[0] - shape[0])?;
                let wide = |tensor: &Tensor| tensor.f_to_kind(Kind::Float);
                Tensor::f_cat(&[wide(&tensor)?, wide(&added)?], 0)
            };
            joined().map_err(torch_error("read the tables of tokens"))
        })
    }

    /// The parameters with the values of an adapter that was trained before.
    pub(crate) fn read_adapter(&self, adapter: &Adapter, device: Device) -> Result<Parameters> {
        let parameters = self.filled(device, |parameter| {
            adapter.tensor(&parameter.name, &parameter.shape, device)
        })?;
        adapter.finish()?;
        Ok(parameters)
    }

    /// The parameters of a new adapter, which changes nothing yet: second factors are 0, first ones
    /// are drawn evenly from ±1/√inputs, as in PEFT; rows of new tokens are those that the model has.
    pub(crate) fn drawn(&self, seed: u64, model: &Model) -> Result<Parameters> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        self.filled(model.device, |parameter| {
            if let Some(table) = self
                .rows
                .as_ref()
                .and_then(|rows| rows.table(parameter, model))
            {
                let of_tokens = || {
                    let tokens = self.rows.as_ref().map_or(&[][..], |rows| &rows.tokens);
                    let tokens = Tensor::f_from_slice(tokens)?.f_to_device(table.device())?;
                    table.f_index_select(0, &tokens)
                };
                return of_tokens().map_err(torch_error("read the rows of new tokens"));
            }
            let mut values = vec![0_f32; parameter.numel() as usize];
            if parameter.name.contains(".lora_A.") {
                let inputs = parameter.shape.last().copied().unwrap_or(1);
                let bound = 1.0 / (inputs as f32).sqrt();
                values.fill_with(|| random.random_range(-bound..bound));
            }
            Tensor::f_from_slice(&values)
                .and_then(|values| values.f_view(&*parameter.shape))
                .map_err(torch_error("draw an adapter"))
        })
    }

    fn filled(
        &self,
        device: Device,
        mut value: impl FnMut(&Parameter) -> Result<Tensor>,
    ) -> Result<Parameters> {
        let failed = || torch_error("make room for training");
        let parameters = Parameters::zeros(self.list.clone(), device).map_err(failed())?;
        for parameter in &parameters.list {
            let value = value(parameter)?;
            let place = parameter.of(&parameters.values).map_err(failed())?;
            place
                .shallow_clone()
                .f_copy_(&value)
                .map(drop)
                .map_err(failed())?;
        }
        Ok(parameters)
    }
}

impl RowPlan {
    /// The table of whose rows a parameter is.
    fn table<'a>(&self, parameter: &Parameter, model: &'a Model) -> Option<&'a Tensor> {
        let is = |of: &Parameter| of.name == parameter.name;
        match is(&self.embedding) {
            true => Some(&model.embedding),
            false => self.head.as_ref().is_some_and(is).then_some(&model.head),
        }
    }
}

impl LayerPlan {
    fn new(
        layer: usize,
        shape: &Architecture,
        training: &Training,
        list: &mut ParameterList,
    ) -> Self {
        let full = training.method == Method::Full;
        let mut leaves = Vec::new();
        let keys = shape.key_value_heads * shape.head_size;
        let queries = shape.heads * shape.head_size;
        let (hidden, inner) = (shape.hidden, shape.intermediate);
        let path = |name: &str| format!("model.layers.{layer}.{name}");
        let norm = |name: &str, leaves: &mut Vec<Leaf>, list: &mut ParameterList| {
            full.then(|| {
                let norm = list.add(path(&format!("{name}.weight")), &[hidden]);
                leaves.push(Leaf::whole(norm.offset, &norm.shape));
                leaves.len() - 1
            })
        };
        let group = |part: &str,
                     modules: &[(&str, i64)],
                     inputs: i64,
                     bias: bool,
                     leaves: &mut Vec<Leaf>,
                     list: &mut ParameterList| {
            let group = Group {
                modules,
                inputs,
                bias,
            };
            let prefix = path(part);
            match full {
                true => group.full(&prefix, leaves, list),
                false => group.low_rank(&prefix, training, leaves, list),
            }
        };
        let (biased, inner_biased) = (shape.attention_bias, shape.perceptron_bias);
        let qkv = [("q_proj", queries), ("k_proj", keys), ("v_proj", keys)];
        let gate_up = [("gate_proj", inner), ("up_proj", inner)];
        LayerPlan {
            attention_norm: norm("input_layernorm", &mut leaves, list),
            qkv: group("self_attn", &qkv, hidden, biased, &mut leaves, list),
            output: group(
                "self_attn",
                &[("o_proj", hidden)],
                queries,
                biased,
                &mut leaves,
                list,
            ),
            perceptron_norm: norm("post_attention_layernorm", &mut leaves, list),
            gate_up: group("mlp", &gate_up, hidden, inner_biased, &mut leaves, list),
            down: group(
                "mlp",
                &[("down_proj", hidden)],
                inner,
                inner_biased,
                &mut leaves,
                list,
            ),
            leaves,
        }
    }
}

impl Group<'_> {
    fn full(&self, prefix: &str, leaves: &mut Vec<Leaf>, list: &mut ParameterList) -> Trained {
        let outputs: i64 = self.modules.iter().map(|(_, outputs)| outputs).sum();
        let mut stacked = |kind: &str, columns: Option<i64>| {
            let shape = |rows: i64| [Some(rows), columns].into_iter().flatten().collect();
            let offsets: Vec<i64> = self
                .modules
                .iter()
                .map(|(module, rows)| {
                    let shape: Vec<i64> = shape(*rows);
                    list.add(format!("{prefix}.{module}.{kind}"), &shape).offset
                })
                .collect();
            let shape: Vec<i64> = shape(outputs);
            leaves.push(Leaf::whole(offsets.first().copied().unwrap_or(0), &shape));
            leaves.len() - 1
        };
        Trained::Full {
            weight: stacked("weight", Some(self.inputs)),
            bias: self.bias.then(|| stacked("bias", None)),
        }
    }

    fn low_rank(
        &self,
        prefix: &str,
        training: &Training,
        leaves: &mut Vec<Leaf>,
        list: &mut ParameterList,
    ) -> Trained {
        let rank = training.r;
        let is_target = |name: &str| {
            training
                .target_modules
                .iter()
                .any(|target| target.name() == name)
        };
        let name = |module: &str, factor| {
            format!("base_model.model.{prefix}.{module}.lora_{factor}.weight")
        };
        let mut rows = 0;
        let mut adapted = Vec::new();
        for (module, outputs) in self.modules {
            if is_target(module) {
                adapted.push((*module, (rows, rows + outputs)));
            }
            rows += outputs;
        }
        let firsts: Vec<i64> = adapted
            .iter()
            .map(|(module, _)| list.add(name(module, "A"), &[rank, self.inputs]).offset)
            .collect();
        let Some(&first) = firsts.first() else {
            return Trained::Nothing;
        };
        let ranks = rank * adapted.len() as i64;
        let blocks = adapted.iter().zip((0..).step_by(rank as usize)).map(
            |((module, (start, end)), column)| Block {
                offset: list.add(name(module, "B"), &[end - start, rank]).offset,
                rows: (*start, *end),
                columns: (column, column + rank),
            },
        );
        let blocks = blocks.collect();
        leaves.push(Leaf::whole(first, &[ranks, self.inputs]));
        leaves.push(Leaf {
            shape: vec![rows, ranks],
            blocks,
        });
        Trained::LowRank {
            down: leaves.len() - 2,
            up: leaves.len() - 1,
            rank,
        }
    }
}
