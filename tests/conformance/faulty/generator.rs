use gloss_core::*;

super::faulty!();

impl Faulty {
    /// A ranking of the history's last two items.
    fn queries(&self, data: &Data, histories: &[History<'_>], at: usize) -> Result<Vec<Query>> {
        let items = histories[at].items;
        if self.breaks("empty") && items.is_empty() {
            return Err(Error::Internal("nothing was bought".into()));
        }
        if self.breaks("long") && items.len() > data.catalogue.len() {
            return Err(Error::Internal("too much was bought".into()));
        }
        let weight = match () {
            () if self.breaks("determinism") => super::now(),
            () if self.breaks("batches") => histories.len() as f32,
            () if self.breaks("order") => at as f32,
            () if self.breaks("finite") => f32::NAN,
            () => 0.5,
        };
        let outside = data.catalogue.len() as u32 * u32::from(self.breaks("catalogue"));
        if self.breaks("kinds") {
            return Ok(vec![Query::text("soap")]);
        }
        let newest = items.iter().rev().take(2);
        let ranking: Vec<(u32, f32)> = newest.map(|item| (item + outside, -weight)).collect();
        let count = 1 + usize::from(self.breaks("rankings"));
        Ok(vec![Query::items(ranking); count])
    }
}

impl QueryGenerator for Faulty {
    fn produces(&self) -> QueryKind {
        QueryKind::Items
    }

    fn open<'a>(&'a self, data: &'a Data, context: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        if self.breaks("untrained") && data.splits.train.is_empty() {
            return Err(Error::Internal("division by zero".into()));
        }
        if self.breaks("cancelling") && context.check().is_err() {
            return Err(Error::Internal("somebody cancelled".into()));
        }
        Ok(Box::new(|histories: &[History<'_>]| {
            let given = histories.len() - usize::from(self.breaks("few") && histories.len() > 1);
            let all = (0..given).map(|at| self.queries(data, histories, at));
            all.collect()
        }))
    }
}
