//! Double quantisation: the magnitudes of blocks in 8 bits.

use tch::{Device, Kind, TchError, Tensor};

use crate::dynamic_map::{dynamic_map, numbers};

/// The number of magnitudes are a block.
const BLOCK: usize = 256;
/// Into how many steps a number in [-1, 1] is rounded before its code is looked up.
const STEPS: usize = 65_536;

/// Magnitudes less their mean, each in 8 bits, which number an entry of a map, times the greatest
/// magnitude of its block of 256.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Double {
    pub(super) codes: Vec<u8>,
    /// The greatest magnitude of each block.
    pub(super) scales: Vec<f32>,
    /// The values of the 256 codes.
    pub(super) map: Vec<f32>,
    /// The mean.
    pub(super) offset: f32,
    /// The number of codes are a block.
    pub(super) block: usize,
}

impl Double {
    /// Quantises magnitudes; always on the CPU, so that the bytes depend on no GPU.
    pub(super) fn quantize(absmax: &Tensor) -> Result<Self, TchError> {
        let absmax = absmax.f_to_device(Device::Cpu)?;
        let mean = absmax.f_mean(Kind::Float)?;
        let offset = mean.f_double_value(&[])? as f32;
        let centred = numbers(&absmax.f_sub(&mean)?)?;
        let map = dynamic_map(true)?;
        let table = table(&map);
        let mut codes = Vec::with_capacity(centred.len());
        let mut scales = Vec::with_capacity(centred.len().div_ceil(BLOCK));
        for block in centred.chunks(BLOCK) {
            let scale = block
                .iter()
                .fold(0.0_f32, |max, number| max.max(number.abs()));
            let factor = 1.0 / scale;
            codes.extend(block.iter().map(|number| match scale {
                0.0 => 0,
                _ => table[step(number * factor)],
            }));
            scales.push(scale);
        }
        Ok(Double {
            codes,
            scales,
            map,
            offset,
            block: BLOCK,
        })
    }

    /// The magnitudes as 32-bit numbers, on the CPU.
    pub(super) fn absmax(&self) -> Result<Tensor, TchError> {
        let blocks = self.codes.chunks(self.block).zip(&self.scales);
        let absmax: Vec<f32> = blocks
            .flat_map(|(codes, scale)| {
                let number = move |code: &u8| self.map[usize::from(*code)] * scale + self.offset;
                codes.iter().map(number)
            })
            .collect();
        Tensor::f_from_slice(&absmax)
    }
}

/// The code of each step: that of the entry of the map which is nearest to it.
fn table(map: &[f32]) -> Vec<u8> {
    let middles: Vec<f32> = map
        .windows(2)
        .map(|pair| 0.5 * (pair[0] + pair[1]))
        .collect();
    let mut code = 0;
    let nearest = |step: usize| {
        let number = -1.0 + (2.0 * step as f32) / (STEPS - 1) as f32;
        while middles
            .get(usize::from(code))
            .is_some_and(|middle| *middle < number)
        {
            code += 1;
        }
        code
    };
    (0..STEPS).map(nearest).collect()
}

/// The step of a number.
fn step(number: f32) -> usize {
    // Rounded once, as by the fused instruction that bitsandbytes' kernel is compiled to.
    let half = (number.clamp(-1.0, 1.0) + 1.0) * 0.5;
    half.mul_add((STEPS - 1) as f32, 0.5) as usize
}
