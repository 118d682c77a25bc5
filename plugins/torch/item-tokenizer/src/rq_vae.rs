//! RQ-VAE: an autoencoder whose latent vectors are quantised level by level.

use std::fs;
use std::path::Path;

use gloss_core::{Context, Error, Result};
use gloss_dense::Matrix;
use gloss_torch::{torch_error, torch_error_with};
use gloss_training::{
    Adam, Builder, Gradient, Init, LearningRate, Leaves, Optimizer, OptimizerName, Parameters,
    Schedule, Session, Settings, Trainee, Weight, World, remove_folder, write_weights,
};
use tch::{Device, Kind, TchError, Tensor};

use crate::kmeans::{Capacity, clusters};
use crate::options::{ItemTokenizer, RqVae};
use crate::residual::Level;

const ADVICE: &str = "A smaller `tokenizer.rq_vae.per_device_train_batch_size` needs less";
/// Items whose codes are computed at once.
const AT_ONCE: i64 = 8192;
/// One bit of the seed differs, so that no weights are drawn like the order of items.
const OF_WEIGHTS: u64 = 1 << 63;

/// The levels of the items' latent vectors, after a training that `folder` keeps the state of.
pub(crate) fn levels(
    vectors: &Matrix,
    options: &ItemTokenizer,
    folder: &Path,
    context: &Context,
) -> Result<Vec<Level>> {
    let device = options.encoder.device.open()?;
    let folder = folder.join("rq-vae");
    fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
    let trainee = VaeTrainee::new(vectors, options, device, context)?;
    let adam = Adam {
        weight_decay: options.rq_vae.weight_decay,
        betas: (0.9, 0.999),
    };
    let optimizer = Optimizer::new(trainee.parameters(), OptimizerName::Adamw, adam)
        .map_err(torch_error_with("make room for training", ADVICE))?;
    let mut session = Session {
        trainee,
        optimizer,
        settings: settings(&options.rq_vae),
        folder: &folder,
        metric: None,
        world: World::join(1, context)?,
        context,
    };
    session.run()?;
    let trainee = &session.trainee;
    let levels = tch::no_grad(|| trainee.levels());
    remove_folder(&folder)?;
    levels.map_err(torch_error("compute the codes of items"))
}

fn settings(options: &RqVae) -> Settings {
    Settings {
        epochs: options.num_train_epochs,
        max_steps: None,
        examples_per_step: options.per_device_train_batch_size,
        learning_rate: LearningRate {
            highest: options.learning_rate,
            warmup_steps: 0,
            schedule: Schedule::Constant,
        },
        max_grad_norm: 0.0,
        seed: options.seed,
        eval_steps: None,
        save_steps: 1000,
        early_stopping_patience: 0,
        keeps_last: true,
        weights: "model",
        advice: ADVICE,
    }
}

/// A matrix with a bias.
struct Layer {
    weight: Weight,
    bias: Weight,
}

/// The network: hidden layers with ReLU between them.
pub(crate) struct Autoencoder {
    encoder: Vec<Layer>,
    decoder: Vec<Layer>,
    codebooks: Vec<Weight>,
    commitment: f64,
}

/// Latent vectors, level by level.
struct Quantized {
    /// Of each level: the codes, `[items]`, and the vectors before it, `[items, width]`.
    levels: Vec<(Tensor, Tensor)>,
    /// The sum of the vectors of the codes, `[items, width]`.
    sum: Tensor,
    /// The loss of codebooks and commitment.
    loss: Tensor,
}

impl Autoencoder {
    pub(crate) fn new(builder: &mut Builder, width: i64, options: &ItemTokenizer) -> Self {
        let vae = &options.rq_vae;
        let mut widths = vec![width];
        widths.extend(&vae.hidden_sizes);
        widths.push(vae.latent_size);
        let mut layers = |name: &str, widths: &[i64]| -> Vec<Layer> {
            let pairs = widths.windows(2).enumerate();
            let layer = |(number, pair): (usize, &[i64])| Layer {
                weight: builder.add(
                    format!("{name}.{number}.weight"),
                    &[pair[1], pair[0]],
                    Init::xavier_normal(pair[1], pair[0]),
                ),
                bias: builder.add(
                    format!("{name}.{number}.bias"),
                    &[pair[1]],
                    Init::Constant(0.0),
                ),
            };
            pairs.map(layer).collect()
        };
        let encoder = layers("encoder", &widths);
        widths.reverse();
        let decoder = layers("decoder", &widths);
        let shape = [options.codebook_size as i64, vae.latent_size];
        let codebook =
            |level: usize| builder.add(format!("codebooks.{level}"), &shape, Init::Constant(0.0));
        Autoencoder {
            encoder,
            decoder,
            codebooks: (0..options.levels).map(codebook).collect(),
            commitment: vae.commitment,
        }
    }

    fn forward(layers: &[Layer], leaves: &Leaves, input: &Tensor) -> Result<Tensor, TchError> {
        let mut hidden = input.shallow_clone();
        for (number, layer) in layers.iter().enumerate() {
            hidden = hidden.f_linear(&leaves[layer.weight], Some(&leaves[layer.bias]))?;
            if number + 1 < layers.len() {
                hidden = hidden.f_relu()?;
            }
        }
        Ok(hidden)
    }

    fn encode(&self, leaves: &Leaves, input: &Tensor) -> Result<Tensor, TchError> {
        Autoencoder::forward(&self.encoder, leaves, input)
    }

    fn quantize(&self, leaves: &Leaves, latents: &Tensor) -> Result<Quantized, TchError> {
        let mut residual = latents.shallow_clone();
        let mut sum = latents.f_zeros_like()?;
        let mut loss = Tensor::f_zeros([], (Kind::Float, latents.device()))?;
        let mut levels = Vec::new();
        for codebook in &self.codebooks {
            let vectors = &leaves[*codebook];
            let codes = nearest(&residual, vectors)?;
            let chosen = vectors.f_index_select(0, &codes)?;
            let (still, fixed) = (residual.f_detach()?, chosen.f_detach()?);
            let to_codes = chosen.f_sub(&still)?.f_square()?.f_mean(Kind::Float)?;
            let to_latents = residual.f_sub(&fixed)?.f_square()?.f_mean(Kind::Float)?;
            loss = loss
                .f_add(&to_codes)?
                .f_add(&to_latents.f_mul_scalar(self.commitment)?)?;
            sum = sum.f_add(&chosen)?;
            let left = residual.f_sub(&fixed)?;
            levels.push((codes, std::mem::replace(&mut residual, left)));
        }
        Ok(Quantized { levels, sum, loss })
    }

    /// The mean squared error of reconstructed vectors, and the loss of codes: that of codebooks, by which
    /// codes move to latent vectors, and `commitment` times that by which latent vectors move to codes, each the
    /// mean over items and dimensions, added up over levels.
    fn loss(&self, leaves: &Leaves, input: &Tensor) -> Result<Tensor, TchError> {
        let latents = self.encode(leaves, input)?;
        let quantized = self.quantize(leaves, &latents)?;
        // The gradient by the codes' vectors is taken for that by the latent ones.
        let through = latents.f_add(&quantized.sum.f_sub(&latents)?.f_detach()?)?;
        let output = Autoencoder::forward(&self.decoder, leaves, &through)?;
        let error = output.f_sub(input)?.f_square()?.f_mean(Kind::Float)?;
        error.f_add(&quantized.loss)
    }
}

/// The nearest row of `vectors` to each of `points`, the first of equally near ones.
fn nearest(points: &Tensor, vectors: &Tensor) -> Result<Tensor, TchError> {
    let (points, vectors) = (points.f_detach()?, vectors.f_detach()?);
    let squares = vectors
        .f_square()?
        .f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?;
    let distances = squares.f_sub(&points.f_mm(&vectors.f_tr()?)?.f_mul_scalar(2.0)?)?;
    distances.f_argmin(-1, false)
}

/// The autoencoder in training.
pub(crate) struct VaeTrainee {
    network: Autoencoder,
    parameters: Parameters,
    /// `[items, width]`
    vectors: Tensor,
    items: usize,
}

impl VaeTrainee {
    /// The network before its first step: its codebooks are the clusters of the latent vectors.
    pub(crate) fn new(
        vectors: &Matrix,
        options: &ItemTokenizer,
        device: Device,
        context: &Context,
    ) -> Result<Self> {
        let mut builder = Builder::default();
        let width = vectors.dimensions() as i64;
        let network = Autoencoder::new(&mut builder, width, options);
        let failed = || torch_error_with("make room for training", ADVICE);
        let parameters = builder
            .draw(options.rq_vae.seed ^ OF_WEIGHTS, device)
            .map_err(failed())?;
        let read = || {
            Tensor::f_from_slice(vectors.values())?
                .f_view([-1, width])?
                .f_to_device(device)
        };
        let trainee = VaeTrainee {
            network,
            parameters,
            vectors: read().map_err(failed())?,
            items: vectors.len(),
        };
        trainee.start_codebooks(options, context)?;
        Ok(trainee)
    }

    fn start_codebooks(&self, options: &ItemTokenizer, context: &Context) -> Result<()> {
        let failed = || torch_error("cluster latent vectors");
        let latents = tch::no_grad(|| {
            let leaves = Leaves::fixed(&self.parameters)?;
            matrix(&self.network.encode(&leaves, &self.vectors)?)
        });
        let mut residuals = latents.map_err(failed())?;
        for number in 0..options.levels {
            let found = clusters(
                &residuals,
                options.codebook_size,
                options.niter,
                Capacity::Any,
                context,
            )?;
            residuals = crate::residual::minus(&residuals, &found.centroids, &found.nearest);
            let name = format!("codebooks.{number}");
            let parameter = self
                .parameters
                .list
                .iter()
                .find(|parameter| parameter.name == name);
            let parameter =
                parameter.ok_or_else(|| Error::Internal("a codebook is gone".into()))?;
            let rows = found.centroids.len() as i64;
            let put = || {
                let values = Tensor::f_from_slice(found.centroids.values())?
                    .f_view([rows, residuals.dimensions() as i64])?;
                parameter
                    .of(&self.parameters.values)?
                    .f_narrow(0, 0, rows)?
                    .f_copy_(&values)
            };
            tch::no_grad(put).map_err(failed())?;
        }
        Ok(())
    }

    /// The codes of all items by the present weights.
    pub(crate) fn levels(&self) -> Result<Vec<Level>, TchError> {
        let leaves = Leaves::fixed(&self.parameters)?;
        let mut levels: Vec<(Vec<u16>, Vec<f32>)> = self
            .network
            .codebooks
            .iter()
            .map(|_| Default::default())
            .collect();
        let mut start = 0;
        while start < self.items as i64 {
            let count = AT_ONCE.min(self.items as i64 - start);
            let part = self.vectors.f_narrow(0, start, count)?;
            let quantized = self
                .network
                .quantize(&leaves, &self.network.encode(&leaves, &part)?)?;
            for ((codes, residuals), (own, before)) in levels.iter_mut().zip(&quantized.levels) {
                let own: Vec<i64> = Vec::try_from(own.f_to_device(Device::Cpu)?)?;
                codes.extend(own.into_iter().map(|code| code as u16));
                residuals.extend_from_slice(matrix(before)?.values());
            }
            start += count;
        }
        let books = self.network.codebooks.iter();
        levels
            .into_iter()
            .zip(books)
            .map(|((codes, residuals), book)| {
                let centroids = matrix(&leaves[*book])?;
                Ok(Level {
                    codes,
                    residuals: Matrix::new(residuals, centroids.dimensions()),
                    centroids,
                })
            })
            .collect()
    }
}

fn matrix(tensor: &Tensor) -> Result<Matrix, TchError> {
    let (_, width) = tensor.size2()?;
    let tensor = tensor
        .f_to_device(Device::Cpu)?
        .f_contiguous()?
        .f_view([-1])?;
    Ok(Matrix::new(Vec::try_from(tensor)?, width as usize))
}

impl Trainee for VaeTrainee {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn examples(&self) -> usize {
        self.items
    }

    fn gradient(&self, examples: &[usize], _: u64) -> Result<Gradient, TchError> {
        let _ = self.parameters.gradient.shallow_clone().f_zero_()?;
        let leaves = Leaves::trained(&self.parameters)?;
        let rows: Vec<i64> = examples.iter().map(|item| *item as i64).collect();
        let rows = Tensor::f_from_slice(&rows)?.f_to_device(self.vectors.device())?;
        let loss = self
            .network
            .loss(&leaves, &self.vectors.f_index_select(0, &rows)?)?;
        leaves.backward(&loss, &self.parameters)?;
        Ok(Gradient {
            loss: loss.f_double_value(&[])?,
            predictions: examples.len(),
            tokens: examples.len(),
        })
    }

    fn validation_loss(&self) -> Result<Option<f64>, TchError> {
        Ok(None)
    }

    fn loss_of_guessing(&self) -> f64 {
        f64::INFINITY // An error of vectors has no such measure; only lost numbers end the training.
    }

    fn write(&self, folder: &Path) -> Result<()> {
        write_weights(folder, &self.parameters)
    }
}
