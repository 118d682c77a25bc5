//! Programs that judge rankings.

use gloss_core::{Context, Diagnostic, Error, Evaluation, Invariants, Metric, Result, Scores};
use serde_json::Value;

use crate::external::External;
use crate::program::Work;
use crate::protocol::{Call, Facts, UserView};
use crate::told;

impl External {
    /// Returns the program's properties, or defaults after an error that `check` has reported.
    fn known(&self) -> Facts {
        self.facts().cloned().unwrap_or_default()
    }
}

impl Metric for External {
    fn check(&self) -> Vec<Diagnostic> {
        self.diagnostics()
    }

    fn label(&self) -> String {
        let hello = || {
            self.hello()
                .map_or(self.name.clone(), |hello| hello.name.clone())
        };
        self.known().label.unwrap_or_else(hello)
    }

    fn formula(&self) -> &str {
        self.facts().map_or("", |facts| facts.formula.as_str())
    }

    fn cutoff(&self) -> Option<usize> {
        self.known().cutoff
    }

    fn invariants(&self) -> Invariants {
        let facts = self.known();
        let (least, greatest) = facts.range.unwrap_or((0.0, 1.0));
        Invariants {
            range: least..=greatest,
            higher_is_better: !facts.lower_is_better,
            monotone_in_cutoff: facts.monotone_in_cutoff,
            measures_relevance: facts.measures_relevance,
        }
    }

    fn score(&self, evaluation: &Evaluation<'_>) -> Result<Scores> {
        let facts = self.facts()?;
        let catalogue = evaluation.catalogue().filter(|_| facts.needs_catalogue);
        if facts.needs_catalogue && catalogue.is_none() {
            let message = "needs the catalogue, which there is in a run alone";
            return Err(Error::Usage(format!("metric {}: {message}", self.label())));
        }
        let work = Work::new(|teller| match catalogue {
            Some(catalogue) => told::catalogue(teller, catalogue),
            None => Ok(()),
        });
        let judged = evaluation.user_gains().zip(evaluation.rankings().iter());
        let users: Vec<UserView<'_>> = judged
            .map(|(judged, ranking)| UserView {
                ranking,
                gains: judged.gains,
                ideal: judged.ideal,
            })
            .collect();
        self.values(users, &work, facts)
    }
}

impl External {
    fn values(&self, users: Vec<UserView<'_>>, work: &Work<'_>, facts: &Facts) -> Result<Scores> {
        let context = Context::default();
        let ask = |call: Call<'_>| self.program.ask::<Value>(work, &context, &call);
        let batch_size = self.batch_size()?;
        let count = users.len();
        let mut users = users.into_iter();
        let mut values = Vec::with_capacity(count);
        loop {
            let first = users.len() == count;
            let batch: Vec<_> = users.by_ref().take(batch_size).collect();
            if batch.is_empty() && !first {
                break;
            }
            let expected = batch.len();
            let answer = ask(Call::Score {
                users: batch,
                first,
            })?;
            if !facts.overall {
                values.extend(self.numbers(&answer, expected)?);
            }
            if first && count == 0 {
                break;
            }
        }
        match facts.overall {
            false => Ok(Scores::PerUser(values)),
            true => {
                let overall = ask(Call::Overall)?;
                let overall = Value::Array(vec![overall]);
                Ok(Scores::Overall(self.numbers(&overall, 1)?.iter().sum()))
            }
        }
    }

    fn numbers(&self, answer: &Value, expected: usize) -> Result<Vec<f64>> {
        let numbers = answer.as_array().into_iter().flatten().map(Value::as_f64);
        let numbers: Option<Vec<f64>> = numbers.collect();
        let numbers = numbers.filter(|numbers| numbers.len() == expected);
        numbers.ok_or_else(|| {
            let message = format!("gave {answer} where {expected} numbers were asked for");
            Error::component(self.program.label(), message)
        })
    }
}
