//! Texts laid out for the network.

use tch::{Device, TchError, Tensor};

use crate::config::Batching;

/// A text to train on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text {
    pub(crate) tokens: Vec<i64>,
    /// The first token that the loss is about; at least 1.
    pub(crate) from: usize,
}

impl Text {
    /// Returns the number of tokens that contribute to the loss.
    pub(crate) fn predicted(&self) -> usize {
        self.tokens.len().saturating_sub(self.from)
    }
}

/// Texts as one sequence of rows, a row a token.
pub(crate) struct Batch {
    /// [rows]
    pub(crate) tokens: Tensor,
    /// The position of each token in its text: [rows].
    pub(crate) positions: Tensor,
    pub(crate) layout: Layout,
    /// The rows after which a token is predicted, and those tokens: [predicted] each.
    pub(crate) rows: Tensor,
    pub(crate) targets: Tensor,
}

/// The layout of texts in the rows.
pub(crate) struct Layout {
    pub(crate) texts: i64,
    /// The tokens of the longest text.
    pub(crate) longest: i64,
    /// The slot of each row when texts are padded to the longest; `None` if they are padded already.
    pub(crate) slots: Option<Tensor>,
}

/// Packed rows are padded to a multiple of this on a GPU, so that matrices have few shapes: kernels
/// are chosen and loaded for each shape that is new.
const ROWS_ON_GPU: usize = 256;

impl Batch {
    pub(crate) fn new(
        texts: &[&Text],
        batching: Batching,
        device: Device,
    ) -> Result<Self, TchError> {
        let tokens: usize = texts.iter().map(|text| text.tokens.len()).sum();
        let filler = match batching {
            Batching::Packed if device.is_cuda() => filler(tokens, ROWS_ON_GPU),
            _ => None,
        };
        let texts: Vec<&Text> = texts.iter().copied().chain(&filler).collect();
        Batch::of(&texts, batching, device)
    }

    fn of(texts: &[&Text], batching: Batching, device: Device) -> Result<Self, TchError> {
        let longest = texts.iter().map(|text| text.tokens.len()).max();
        let longest = longest.unwrap_or(0);
        let even = texts.iter().all(|text| text.tokens.len() == longest);
        let padded = batching == Batching::Padded || even;
        let (mut tokens, mut positions, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for (number, text) in texts.iter().enumerate() {
            let start = tokens.len();
            tokens.extend_from_slice(&text.tokens);
            rows.extend((text.from.max(1)..text.tokens.len()).map(|at| (start + at - 1) as i64));
            targets.extend_from_slice(text.tokens.get(text.from.max(1)..).unwrap_or_default());
            if padded {
                tokens.resize((number + 1) * longest, 0);
            }
            let length = tokens.len() - start;
            positions.extend(0..length as i64);
            slots.extend((0..length).map(|at| (number * longest + at) as i64));
        }
        let place = |numbers: &[i64]| Tensor::f_from_slice(numbers)?.f_to_device(device);
        Ok(Batch {
            tokens: place(&tokens)?,
            positions: place(&positions)?,
            layout: Layout {
                texts: texts.len() as i64,
                longest: longest as i64,
                slots: (!padded).then(|| place(&slots)).transpose()?,
            },
            rows: place(&rows)?,
            targets: place(&targets)?,
        })
    }
}

/// A text without predictions that pads the tokens to a multiple.
fn filler(tokens: usize, multiple: usize) -> Option<Text> {
    let missing = tokens.next_multiple_of(multiple) - tokens;
    (missing > 0).then(|| Text {
        tokens: vec![0; missing],
        from: missing,
    })
}

impl Layout {
    /// From [rows, heads, size] to [texts, longest, heads, size].
    pub(crate) fn spread(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        let (_, heads, size) = rows.size3()?;
        let full = [self.texts, self.longest, heads, size];
        match &self.slots {
            None => rows.f_view(full),
            Some(slots) => {
                let all = [self.texts * self.longest, heads, size];
                Tensor::f_zeros(all, (rows.f_kind()?, rows.device()))?
                    .f_index_copy(0, slots, rows)?
                    .f_view(full)
            }
        }
    }

    /// From [texts, longest, heads, size] to [rows, heads × size].
    pub(crate) fn gather(&self, spread: &Tensor) -> Result<Tensor, TchError> {
        let (_, _, heads, size) = spread.size4()?;
        let all = spread.f_reshape([self.texts * self.longest, heads * size])?;
        match &self.slots {
            None => Ok(all),
            Some(slots) => all.f_index_select(0, slots),
        }
    }
}

/// Splits texts into the batches that are computed at once.
pub(crate) fn split<'a>(
    texts: &[&'a Text],
    batching: Batching,
    batch_size: usize,
    packed_tokens: usize,
) -> Vec<Vec<&'a Text>> {
    if batching == Batching::Padded {
        return texts.chunks(batch_size).map(<[_]>::to_vec).collect();
    }
    // Texts of like lengths together: attention works on texts filled up to the longest.
    let mut sorted = texts.to_vec();
    sorted.sort_by_key(|text| text.tokens.len());
    let mut batches: Vec<Vec<&Text>> = Vec::new();
    let mut tokens = 0;
    for text in sorted {
        tokens += text.tokens.len();
        match batches.last_mut() {
            Some(batch) if tokens <= packed_tokens => batch.push(text),
            _ => {
                batches.push(vec![text]);
                tokens = text.tokens.len();
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    fn text(length: i64, from: usize) -> Text {
        Text {
            tokens: (10..10 + length).collect(),
            from,
        }
    }

    fn numbers(tensor: &Tensor) -> Vec<i64> {
        Vec::try_from(tensor).unwrap()
    }

    #[test]
    fn packed_texts_follow_each_other() {
        let (a, b) = (text(2, 1), text(3, 2));
        let batch = Batch::new(&[&a, &b], Batching::Packed, Device::Cpu).unwrap();
        assert_eq!(numbers(&batch.tokens), [10, 11, 10, 11, 12]);
        assert_eq!(numbers(&batch.positions), [0, 1, 0, 1, 2]);
        assert_eq!(numbers(&batch.rows), [0, 3]);
        assert_eq!(numbers(&batch.targets), [11, 12]);
        let rows = Tensor::arange(5, (Kind::Float, Device::Cpu)).view([5, 1, 1]);
        let spread = batch.layout.spread(&rows).unwrap();
        let expected = [0_f32, 1., 0., 2., 3., 4.];
        assert_eq!(spread.reshape([-1]), Tensor::from_slice(&expected));
        assert_eq!(batch.layout.gather(&spread).unwrap(), rows.view([5, 1]));
    }

    #[test]
    fn padded_texts_are_filled_up() {
        let (a, b) = (text(2, 1), text(3, 2));
        let batch = Batch::new(&[&a, &b], Batching::Padded, Device::Cpu).unwrap();
        assert_eq!(numbers(&batch.tokens), [10, 11, 0, 10, 11, 12]);
        assert_eq!(numbers(&batch.positions), [0, 1, 2, 0, 1, 2]);
        assert_eq!(numbers(&batch.rows), [0, 4]);
        assert_eq!(numbers(&batch.targets), [11, 12]);
        assert!(batch.layout.slots.is_none());
    }

    #[test]
    fn what_fills_a_pack_up_foretells_nothing() {
        let (a, b) = (text(2, 1), text(3, 2));
        let filler = filler(5, 4).unwrap();
        let batch = Batch::of(&[&a, &b, &filler], Batching::Packed, Device::Cpu).unwrap();
        assert_eq!(numbers(&batch.tokens), [10, 11, 10, 11, 12, 0, 0, 0]);
        assert_eq!(numbers(&batch.positions), [0, 1, 0, 1, 2, 0, 1, 2]);
        assert_eq!(numbers(&batch.rows), [0, 3]);
        assert_eq!(numbers(&batch.targets), [11, 12]);
        assert!(super::filler(8, 4).is_none());
    }

    #[test]
    fn packs_are_as_full_as_they_may_be_and_hold_every_text_once() {
        let texts: Vec<Text> = [5, 1, 9, 3, 2, 12].map(|length| text(length, 1)).into();
        let all: Vec<&Text> = texts.iter().collect();
        let lengths = |batches: Vec<Vec<&Text>>| -> Vec<Vec<usize>> {
            let lengths = |batch: Vec<&Text>| batch.iter().map(|t| t.tokens.len()).collect();
            batches.into_iter().map(lengths).collect()
        };
        let packed = lengths(split(&all, Batching::Packed, 1, 10));
        assert_eq!(packed, [vec![1, 2, 3], vec![5], vec![9], vec![12]]);
        let padded = lengths(split(&all, Batching::Padded, 4, 10));
        assert_eq!(padded, [vec![5, 1, 9, 3], vec![2, 12]]);
    }
}
