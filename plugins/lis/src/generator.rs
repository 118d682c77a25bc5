//! From histories to the texts of their last items.

use gloss_core::{Context, Data, Generator, History, Query, QueryGenerator, Result};

use crate::LastItemSearch;

impl QueryGenerator for LastItemSearch {
    fn open<'a>(&'a self, data: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        Ok(Box::new(|histories: &[History<'_>]| {
            Ok(histories
                .iter()
                .map(|history| self.queries(history, data))
                .collect())
        }))
    }
}

impl LastItemSearch {
    fn queries(&self, history: &History<'_>, data: &Data) -> Vec<Query> {
        let newest_first = history.items.iter().rev().take(self.items);
        newest_first
            .zip(1_u32..)
            .map(|(&item, position)| Query {
                log_probability: f64::from(position).recip().ln() as f32,
                ..Query::text(data.catalogue.item(item).text.as_str())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::{Catalogue, Item, QueryContent};

    fn queries(items: usize, history: &[u32]) -> Vec<(String, f32)> {
        let catalogue = (0..4)
            .map(|position| Item {
                id: format!("id{position}"),
                text: format!("Title: {position}"),
                fields: vec![],
            })
            .collect();
        let data = Data {
            catalogue: Catalogue::new(catalogue, vec![]).unwrap(),
            ..Data::default()
        };
        let history = History {
            user: "u",
            items: history,
            times: &vec![0; history.len()],
            ratings: &vec![f32::NAN; history.len()],
        };
        let component = LastItemSearch { items };
        let context = Context::default();
        let mut generator = component.open(&data, &context).unwrap();
        let mut queries = generator.generate(&[history]).unwrap();
        assert_eq!(queries.len(), 1);
        queries
            .remove(0)
            .into_iter()
            .map(|query| match query.content {
                QueryContent::Text(text) => (text, query.log_probability),
                other => panic!("{other:?} is not a text"),
            })
            .collect()
    }

    #[test]
    fn the_last_item_is_the_query() {
        let default = LastItemSearch::default().items;
        assert_eq!(queries(default, &[1, 3, 2]), [("Title: 2".into(), 0.0)]);
    }

    #[test]
    fn an_empty_history_gets_no_query() {
        assert_eq!(queries(1, &[]), []);
    }

    #[test]
    fn several_items_come_newest_first_with_falling_weights() {
        let told = queries(3, &[0, 1, 3, 2]);
        let expected = [(2, 1.0), (3, 0.5), (1, 1.0 / 3.0_f32)];
        assert_eq!(told.len(), expected.len());
        for ((text, log_probability), (item, weight)) in told.iter().zip(expected) {
            assert_eq!(*text, format!("Title: {item}"));
            assert!((log_probability.exp() - weight).abs() < 1e-6);
        }
    }

    #[test]
    fn a_short_history_gets_as_many_queries_as_it_has_items() {
        assert_eq!(queries(9, &[0, 1]).len(), 2);
    }
}
