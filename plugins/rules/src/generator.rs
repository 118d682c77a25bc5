//! From histories to what their items lead to.

use gloss_core::{Context, Data, Generator, History, Query, QueryGenerator, QueryKind, Result};
use rayon::prelude::*;

use crate::SequentialRules;
use crate::rules::Rules;

impl QueryGenerator for SequentialRules {
    fn produces(&self) -> QueryKind {
        QueryKind::Items
    }

    fn open<'a>(&'a self, data: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let counts = data.training_counts();
        let worth = |item: u32| (counts[item as usize] as f64).powf(-self.popularity_exponent);
        let rules = Rules::count(data, self.distance, worth);
        Ok(Box::new(move |histories: &[History<'_>]| {
            Ok(histories
                .par_iter()
                .map(|history| self.queries(history, &rules))
                .collect())
        }))
    }
}

impl SequentialRules {
    fn queries(&self, history: &History<'_>, rules: &Rules) -> Vec<Query> {
        let newest_first = history.items.iter().rev().take(self.items).copied();
        let scores = rules.scores(newest_first);
        let mut ranked: Vec<(u32, f64)> = scores.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let total: f64 = ranked.iter().map(|(_, score)| score).sum();
        ranked.truncate(self.count.saturating_add(history.distinct_items().len()));
        if ranked.is_empty() {
            return Vec::new();
        }
        let scored = ranked
            .into_iter()
            .map(|(item, score)| (item, (score / total).ln() as f32));
        vec![Query::items(scored.collect())]
    }
}
