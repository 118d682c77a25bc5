use gloss_core::*;

super::faulty!();

/// The cut-off.
const TOP: usize = 2;

impl Faulty {
    /// Whether a relevant item is among the first two.
    fn value(&self, judged: &UserGains<'_>, users: usize) -> f64 {
        let top = match self.breaks("cutoff") {
            true => judged.gains.len(),
            false => TOP.min(judged.gains.len()),
        };
        let hit = judged.gains[..top].iter().any(|gain| *gain > 0.0);
        match () {
            () if self.breaks("determinism") => f64::from(super::now() % 1000.0) / 1000.0,
            () if self.breaks("range") => 2.0 * f64::from(hit),
            () if self.breaks("empty") && judged.gains.is_empty() => f64::NAN,
            () if self.breaks("independence") => f64::from(hit) / users as f64,
            () if self.breaks("worst") => f64::from(hit).max(0.1),
            () if self.breaks("ideal") && judged.gains.first().is_some_and(|gain| *gain > 0.0) => {
                0.5
            }
            () => f64::from(hit),
        }
    }
}

impl Metric for Faulty {
    fn label(&self) -> String {
        match self.breaks("label") {
            true => String::new(),
            false => "faulty".to_string(),
        }
    }

    fn formula(&self) -> &str {
        if self.breaks("formula") { "" } else { "hit" }
    }

    fn cutoff(&self) -> Option<usize> {
        Some(TOP)
    }

    fn invariants(&self) -> Invariants {
        Invariants {
            range: 0.0..=1.0,
            higher_is_better: true,
            monotone_in_cutoff: true,
            measures_relevance: true,
        }
    }

    fn score(&self, evaluation: &Evaluation<'_>) -> Result<Scores> {
        let users = evaluation.users();
        Ok(evaluation.per_user(|judged| self.value(&judged, users)))
    }
}
