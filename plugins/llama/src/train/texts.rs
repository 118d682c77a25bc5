//! The texts to train on.

use gloss_core::{Data, Example, Result};
use rayon::prelude::*;

use super::batch::Text;
use crate::config::{Histories, LossScope};
use crate::prompt::Prompts;

/// Returns the texts of examples, in their order.
pub(crate) fn texts(
    prompts: &Prompts<'_>,
    data: &Data,
    examples: &[Example],
    histories: Histories,
    loss: LossScope,
) -> Result<Vec<Text>> {
    let examples: Vec<(&[u32], u32)> = examples
        .iter()
        .flat_map(|example| texts_of(data, *example, histories))
        .collect();
    examples
        .into_par_iter()
        .map(|(history, target)| text(prompts, history, target, loss))
        .collect()
}

/// Returns the texts of an example: histories, each with the item that follows.
fn texts_of(data: &Data, example: Example, histories: Histories) -> Vec<(&[u32], u32)> {
    let all = data.histories.history(example.user).items;
    let (seen, end) = (
        example.history as usize,
        (example.history + example.targets) as usize,
    );
    let first = match histories {
        Histories::Last => seen,
        Histories::AllPrefixes => seen.min(1),
    };
    (first..end).map(|at| (&all[..at], all[at])).collect()
}

fn text(prompts: &Prompts<'_>, history: &[u32], target: u32, loss: LossScope) -> Result<Text> {
    let tokens = prompts.training(history, target)?;
    let from = match loss {
        LossScope::All => 1,
        LossScope::Target => {
            let predicted = prompts.next(target)?.len();
            tokens.len().saturating_sub(predicted).max(1)
        }
    };
    Ok(Text { tokens, from })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::Histories as Users;

    #[test]
    fn a_case_becomes_one_text_or_one_for_each_item_but_the_first() {
        let mut histories = Users::new();
        histories.push("u".into(), [7, 3, 9, 4].map(|item| (item, 0, 1.0)));
        let data = Data {
            histories,
            ..Data::default()
        };
        let example = Example {
            user: 0,
            history: 2,
            targets: 1,
        };
        let examples = |histories| texts_of(&data, example, histories);
        assert_eq!(examples(Histories::Last), [(&[7, 3][..], 9)]);
        assert_eq!(
            examples(Histories::AllPrefixes),
            [(&[7][..], 3), (&[7, 3][..], 9)]
        );
    }
}
