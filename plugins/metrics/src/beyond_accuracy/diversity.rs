//! The diversity of the items of a list.

use gloss_core::{Catalogue, Evaluation, Ragged, Result, Scores};
use hashbrown::HashMap;
use rayon::prelude::*;

use super::{SHARE, catalogue};
use crate::cutoff::top;

metric! {
    /// The dissimilarity of the texts of a user's top k: 1 if no two have a word in common.
    ///
    /// One less the mean Jaccard similarity `|A ∩ B| / |A ∪ B|` over all pairs of items, each taken as
    /// the set of the words of its text. Words are lower-cased runs of letters and digits; one that
    /// every item of the catalogue has, such as the label in `Title: Lip balm`, has no information and is
    /// left out. Two items without words are alike. 0 for fewer than two items. The time it takes
    /// grows with the square of k. C.-N. Ziegler et al.: Improving Recommendation Lists Through
    /// Topic Diversification, WWW 2005, whose intra-list similarity this is, averaged and turned
    /// over.
    IntraListDiversity, "intra_list_diversity",
    "1 - mean Jaccard similarity of the words of all pairs in the top k", SHARE, diversity
}

fn diversity(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    let words = words(catalogue(evaluation, "intra_list_diversity")?);
    let rankings: Vec<&[u32]> = evaluation.rankings().iter().collect();
    let values = rankings
        .into_par_iter()
        .map(|ranking| mean_distance(top(ranking, k), &words))
        .collect();
    Ok(Scores::PerUser(values))
}

fn mean_distance(items: &[u32], words: &Ragged<u32>) -> f64 {
    let mut pairs = 0u64;
    let mut similarity = 0.0;
    for (position, first) in items.iter().enumerate() {
        for second in &items[position + 1..] {
            similarity += jaccard(words.get(*first as usize), words.get(*second as usize));
            pairs += 1;
        }
    }
    if pairs == 0 {
        0.0
    } else {
        (1.0 - similarity / pairs as f64).clamp(0.0, 1.0)
    }
}

/// The similarity of two ascending lists.
fn jaccard(first: &[u32], second: &[u32]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while let (Some(a), Some(b)) = (first.get(i), second.get(j)) {
        common += usize::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    match first.len() + second.len() - common {
        0 => 1.0,
        union => common as f64 / union as f64,
    }
}

/// The words of each item as ascending numbers, without those that all items have.
fn words(catalogue: &Catalogue) -> Ragged<u32> {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut frequencies: Vec<usize> = Vec::new();
    let mut all = Ragged::default();
    for item in catalogue.items() {
        let text = item.text.to_lowercase();
        let mut list: Vec<u32> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| {
                let next = numbers.len() as u32;
                *numbers.entry_ref(word).or_insert(next)
            })
            .collect();
        list.sort_unstable();
        list.dedup();
        frequencies.resize(numbers.len(), 0);
        for word in &list {
            frequencies[*word as usize] += 1;
        }
        all.push(list);
    }
    let telling = |word: &&u32| frequencies[**word as usize] < catalogue.len();
    let mut kept = Ragged::with_capacity(all.len(), all.values().len());
    for list in all.iter() {
        kept.push(list.iter().filter(telling).copied());
    }
    kept
}

#[cfg(test)]
mod tests {
    use gloss_core::{Item, Metric};

    use super::*;

    #[test]
    fn similarities_by_hand() {
        let texts = [
            "Title: red LIP balm",
            "Title: lip-balm; balm",
            "Title: comb",
            "Title:",
        ];
        let items = (0..).zip(texts).map(|(id, text): (u32, _)| Item {
            id: id.to_string(),
            text: text.into(),
            ..Item::default()
        });
        let catalogue = Catalogue::new(items.collect(), vec![]).unwrap();
        let counts = [0; 4];
        let rankings: Ragged<u32> = [vec![0, 1, 2], vec![3], vec![], vec![2, 3]]
            .into_iter()
            .collect();
        let relevant = rankings.iter().map(|_| Vec::new()).collect();
        let evaluation = Evaluation::new(&rankings, &relevant)
            .unwrap()
            .with_catalogue(&catalogue, &counts);
        let score = |k| IntraListDiversity { k }.score(&evaluation).unwrap();
        // {red, lip, balm} and {lip, balm} share 2 of 3 words; other pairs share none.
        let all = 1.0 - (2.0 / 3.0) / 3.0;
        assert_eq!(score(None), Scores::PerUser(vec![all, 0.0, 0.0, 1.0]));
        let pair = 1.0 - 2.0 / 3.0;
        assert_eq!(score(Some(2)), Scores::PerUser(vec![pair, 0.0, 0.0, 1.0]));
    }

    #[test]
    fn equal_texts_are_no_diversity() {
        assert_eq!(jaccard(&[], &[]), 1.0);
        assert_eq!(jaccard(&[1, 4], &[1, 4]), 1.0);
        assert_eq!(jaccard(&[1, 4], &[2, 4, 5]), 0.25);
    }
}
