//! States of 8 bits (Dettmers et al., 8-bit Optimizers via Block-wise Quantization, 2022).

use tch::{Device, Kind, TchError, Tensor};

use super::{Rates, decay, step};

/// Numbers that share the scale of their states.
const BLOCK: i64 = 256;
/// Tensors with fewer numbers keep states of 32 bits.
pub(super) const LEAST_NUMBERS: i64 = 4096;

/// The states of tensors that lie one after another, each filled up to whole blocks.
pub(super) struct EightBit {
    mean: State,
    square: State,
    /// The place of each number among the padded blocks; `None` without padding.
    slots: Option<Tensor>,
    numbers: i64,
}

/// Numbers as codes of a map, times the greatest magnitude of their block.
struct State {
    /// [blocks, 256], 8 bits each.
    codes: Tensor,
    /// [blocks, 1]
    scales: Tensor,
    /// The values of the 256 codes, rising.
    map: Tensor,
    /// The middles between neighbours of the map.
    middles: Tensor,
    /// The code of 0.
    zero: i64,
}

impl EightBit {
    pub(super) fn new(
        lengths: impl Iterator<Item = i64>,
        device: Device,
    ) -> Result<Self, TchError> {
        let (mut slots, mut filled, mut numbers) = (Vec::new(), 0, 0);
        for length in lengths {
            slots.push(Tensor::f_arange_start(
                filled,
                filled + length,
                (Kind::Int64, device),
            )?);
            numbers += length;
            filled += (length + BLOCK - 1) / BLOCK * BLOCK;
        }
        let slots = match filled == numbers {
            true => None,
            false => Some(Tensor::f_cat(&slots, 0)?),
        };
        let blocks = filled / BLOCK;
        Ok(EightBit {
            mean: State::zeros(&gloss_torch::dynamic_map(true)?, blocks, device)?,
            square: State::zeros(&gloss_torch::dynamic_map(false)?, blocks, device)?,
            slots,
            numbers,
        })
    }

    pub(super) fn states(&self) -> [(&'static str, &Tensor); 4] {
        [
            ("mean_codes", &self.mean.codes),
            ("mean_scales", &self.mean.scales),
            ("square_codes", &self.square.codes),
            ("square_scales", &self.square.scales),
        ]
    }

    /// The values change by the states in 32 bits; only what is kept for the next step is rounded.
    pub(super) fn step(
        &mut self,
        values: &Tensor,
        gradient: &Tensor,
        decays: Option<&Tensor>,
        rates: Rates,
    ) -> Result<(), TchError> {
        decay(values, decays, rates)?;
        let betas = rates.adam.betas;
        let gradient = self.in_blocks(gradient)?;
        let mean = self
            .mean
            .numbers()?
            .f_mul_scalar_(betas.0)?
            .f_add_(&gradient.f_mul_scalar(1.0 - betas.0)?)?;
        let square = self
            .square
            .numbers()?
            .f_mul_scalar_(betas.1)?
            .f_add_(&gradient.f_square()?.f_mul_scalar_(1.0 - betas.1)?)?;
        let step = step(&mean, &square, rates)?;
        let _ = values.shallow_clone().f_add_(&self.in_a_row(&step)?)?;
        self.mean.keep(&mean)?;
        self.square.keep(&square)
    }

    /// From [numbers] to [blocks, 256].
    fn in_blocks(&self, numbers: &Tensor) -> Result<Tensor, TchError> {
        let Some(slots) = &self.slots else {
            return numbers.f_view([-1, BLOCK]);
        };
        let filled = self.mean.codes.numel() as i64;
        Tensor::f_zeros([filled], (Kind::Float, numbers.device()))?
            .f_index_copy(0, slots, numbers)?
            .f_view([-1, BLOCK])
    }

    /// From [blocks, 256] to [numbers].
    fn in_a_row(&self, blocks: &Tensor) -> Result<Tensor, TchError> {
        let all = blocks.f_view([-1])?;
        match &self.slots {
            None => all.f_narrow(0, 0, self.numbers),
            Some(slots) => all.f_index_select(0, slots),
        }
    }
}

impl State {
    fn zeros(map: &[f32], blocks: i64, device: Device) -> Result<Self, TchError> {
        let place = |numbers: &[f32]| Tensor::f_from_slice(numbers)?.f_to_device(device);
        let middles: Vec<f32> = map.windows(2).map(|p| (p[0] + p[1]) * 0.5).collect();
        let zero = map.iter().position(|number| *number == 0.0);
        let zero = zero.unwrap_or_default() as i64;
        Ok(State {
            codes: Tensor::f_full([blocks, BLOCK], zero, (Kind::Uint8, device))?,
            scales: Tensor::f_zeros([blocks, 1], (Kind::Float, device))?,
            map: place(map)?,
            middles: place(&middles)?,
            zero,
        })
    }

    fn numbers(&self) -> Result<Tensor, TchError> {
        let codes = self.codes.f_view([-1])?.f_to_kind(Kind::Int)?;
        self.map
            .f_index_select(0, &codes)?
            .f_view([-1, BLOCK])?
            .f_mul_(&self.scales)
    }

    /// Rounds each number to the nearest of the map; one that is negative stays so.
    fn keep(&mut self, numbers: &Tensor) -> Result<(), TchError> {
        let scales = numbers.f_abs()?.f_amax([1], true)?;
        let shares = numbers.f_div(&scales.f_clamp_min(f64::from(f32::MIN_POSITIVE))?)?;
        let codes = shares.f_bucketize(&self.middles, true, false)?;
        let codes = match self.zero {
            0 => codes,
            zero => codes
                .f_clamp_max(zero - 1)?
                .f_where_self(&shares.f_lt(0.0)?, &codes)?,
        };
        self.codes.f_copy_(&codes)?;
        self.scales.f_copy_(&scales)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Adam, Optimizer, OptimizerName};
    use crate::parameters::{ParameterList, Parameters};
    use gloss_torch::Checkpoint;
    use tch::{Device, Kind, Tensor};

    const SIZES: [i64; 3] = [8192, 4500, 1000];

    /// As in `tests/golden/eight_bit.py`.
    fn gradient(tensor: i64, step: i64, size: i64) -> Tensor {
        let number = |place: i64| {
            let number = (place * 7919 + step * 104_729 + tensor * 31) % 2003 - 1001;
            let power = (place + step) % 5 * 3;
            number as f32 / 1024.0 * 2_f32.powi(-power as i32)
        };
        Tensor::from_slice(&(0..size).map(number).collect::<Vec<_>>())
    }

    fn all(step: i64) -> Tensor {
        let parts = (0..).zip(SIZES).map(|(n, size)| gradient(n, step, size));
        Tensor::cat(&parts.collect::<Vec<_>>(), 0)
    }

    #[test]
    fn twenty_steps_are_those_of_bitsandbytes() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/golden/eight_bit.safetensors"
        );
        let golden = Checkpoint::open_file(path).unwrap();
        let mut list = ParameterList::default();
        for (number, size) in SIZES.iter().enumerate() {
            list.add(number.to_string(), &[*size, 1]);
        }
        let mut parameters = Parameters::zeros(list.list, Device::Cpu).unwrap();
        parameters.values.copy_(&(all(99) / 8));
        let name = OptimizerName::Adamw8bit;
        let mut optimizer = Optimizer::new(&parameters, name, Adam::new(0.1)).unwrap();
        for step in 0..20 {
            parameters.gradient.copy_(&all(step));
            optimizer.step(&parameters, 1e-2, step as u64 + 1).unwrap();
        }
        for (parameter, size) in parameters.list.iter().zip(SIZES) {
            let name = format!("value.{}", parameter.name);
            let expected = golden.tensor(&name, &[size], Device::Cpu).unwrap();
            let ours = parameter.of(&parameters.values).unwrap().reshape([-1]);
            // Decay comes before the step here, and after it on bitsandbytes' GPUs.
            let far = (ours - expected).abs().gt(1e-4).to_kind(Kind::Float);
            let share = far.mean(Kind::Float).double_value(&[]);
            assert!(share < 1e-3, "{name}: {share}");
        }
        for (theirs, ours) in [("state1.0", "mean_codes"), ("state2.0", "square_codes")] {
            let expected = golden.tensor(theirs, &[8192], Device::Cpu).unwrap();
            let states = optimizer.states();
            let (_, codes) = states.iter().find(|(name, _)| *name == ours).unwrap();
            assert_eq!(codes.reshape([-1]).narrow(0, 0, 8192), expected, "{ours}");
        }
    }
}
