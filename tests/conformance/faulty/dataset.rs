use std::path::PathBuf;

use gloss_core::*;

super::faulty!();

impl Dataset for Faulty {
    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let file = match self.breaks("inputs") {
            true => PathBuf::from("/there/is/no/such/file"),
            false => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"),
        };
        Ok(vec![file])
    }

    fn load(&self, context: &Context) -> Result<Data> {
        if self.breaks("cancelling") && context.check().is_err() {
            return Err(Error::Internal("somebody cancelled".into()));
        }
        let price = match self.breaks("determinism") {
            true => super::now(),
            false => 1.0,
        };
        let item = |id: u32| Item {
            id: id.to_string(),
            text: format!("soap for {price}"),
            fields: Vec::new(),
        };
        let mut data = Data {
            catalogue: Catalogue::new((0..4).map(item).collect(), Vec::new())?,
            ..Data::default()
        };
        let time = |at: i64| if self.breaks("times") { -at } else { at };
        let strange = u32::from(self.breaks("items")) * 9;
        for user in 0..3 {
            let events = (0..4).map(|at| (at as u32 + strange, time(at), 5.0));
            data.histories.push(format!("user {user}"), events);
        }
        data.splits.test = self.test_cases();
        Ok(data)
    }
}

impl Faulty {
    fn test_cases(&self) -> Vec<Example> {
        let example = |user| Example {
            user,
            history: 3 + u32::from(self.breaks("within")),
            targets: 1 - u32::from(self.breaks("targets")),
        };
        let mut examples: Vec<Example> = (0..3).map(example).collect();
        if self.breaks("order") {
            examples.reverse();
        }
        if self.breaks("no cases") {
            examples.clear();
        }
        examples
    }
}
