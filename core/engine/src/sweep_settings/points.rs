//! The settings to try.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Search, Sweep};

/// A setting's key and value, for each setting.
pub(crate) type Point = Vec<(String, Value)>;

/// The values of one setting.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    List(Vec<Value>),
    Range(Range),
}

/// Numbers between two.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: f64,
    to: f64,
    steps: Option<u32>,
    #[serde(default)]
    scale: Scale,
    /// True if both ends are written as whole numbers, as all values then are.
    #[serde(skip)]
    whole: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scale {
    #[default]
    Linear,
    Log,
}

/// The most combinations of a grid.
const MOST: usize = 10_000;

/// The number of random settings by default.
const RANDOM_TRIALS: u32 = 20;

/// The settings to try first.
pub(crate) fn points(sweep: &Sweep) -> Result<Vec<Point>, String> {
    let mut parameters = Vec::new();
    flatten("", &sweep.parameters, &mut parameters)?;
    let trials = match sweep.search {
        Search::Random => Some(sweep.trials.unwrap_or(RANDOM_TRIALS)),
        Search::Grid | Search::Halving => sweep.trials,
    };
    match trials {
        Some(trials) => {
            let has_steps =
                |values: &Values| matches!(values, Values::Range(range) if range.steps.is_some());
            match parameters.iter().find(|(_, values)| has_steps(values)) {
                Some((key, _)) => Err(format!(
                    "`{key}`: `steps` is for a grid, not for settings at random"
                )),
                None => Ok(random(&parameters, trials, sweep.seed)),
            }
        }
        None => grid(&parameters),
    }
}

/// The parameters of a table, whose keys may be written as tables of tables.
fn flatten(
    above: &str,
    table: &Map<String, Value>,
    found: &mut Vec<(String, Values)>,
) -> Result<(), String> {
    for (name, value) in table {
        let key = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        match value {
            Value::Array(list) if list.is_empty() => return Err(format!("`{key}` has no values")),
            Value::Array(list) => found.push((key, Values::List(list.clone()))),
            Value::Object(range) if range.contains_key("from") || range.contains_key("to") => {
                found.push((key.clone(), Values::Range(self::range(&key, value)?)));
            }
            Value::Object(inner) => flatten(&key, inner, found)?,
            other => {
                return Err(format!(
                    "`{key}` is {other}; expected a list, or a table with `from` and `to`"
                ));
            }
        }
    }
    Ok(())
}

fn range(key: &str, value: &Value) -> Result<Range, String> {
    let mut range: Range =
        serde_json::from_value(value.clone()).map_err(|error| format!("`{key}`: {error}"))?;
    range.whole = ["from", "to"].iter().all(|end| value[end].is_i64());
    if range.from >= range.to {
        return Err(format!("`{key}`: `from` must be below `to`"));
    }
    if range.scale == Scale::Log && range.from <= 0.0 {
        return Err(format!(
            "`{key}`: `from` must be above 0 on a logarithmic scale"
        ));
    }
    Ok(range)
}

impl Range {
    /// The number at a share of the way.
    fn at(&self, share: f64) -> Value {
        let number = match self.scale {
            Scale::Linear => self.from + share * (self.to - self.from),
            Scale::Log => self.from * (self.to / self.from).powf(share),
        };
        // Six digits are enough for a setting, and can be typed.
        if self.whole {
            return Value::from(number.round() as i64);
        }
        let rounded = format!("{number:.5e}").parse().unwrap_or(number);
        Value::from(rounded)
    }

    fn steps(&self, key: &str) -> Result<Vec<Value>, String> {
        match self.steps {
            Some(steps) if steps >= 2 => {
                let share = |step| f64::from(step) / f64::from(steps - 1);
                let mut values: Vec<Value> = (0..steps).map(|step| self.at(share(step))).collect();
                values.dedup();
                Ok(values)
            }
            Some(_) => Err(format!("`{key}`: `steps` must be at least 2")),
            None => Err(format!("`{key}` needs `steps` for a grid")),
        }
    }
}

fn grid(parameters: &[(String, Values)]) -> Result<Vec<Point>, String> {
    let mut points: Vec<Point> = vec![Vec::new()];
    for (key, values) in parameters {
        let values = match values {
            Values::List(list) => list.clone(),
            Values::Range(range) => range.steps(key)?,
        };
        let all = points.len().saturating_mul(values.len());
        if all > MOST {
            return Err(format!(
                "has {all} combinations or more, at most {MOST} are tried; search at random"
            ));
        }
        let extended = points.iter().flat_map(|point| {
            let with = |value: &Value| [&point[..], &[(key.clone(), value.clone())]].concat();
            values.iter().map(with)
        });
        points = extended.collect();
    }
    Ok(points)
}

/// Random settings, each once; fewer than `trials` if all were drawn.
fn random(parameters: &[(String, Values)], trials: u32, seed: u64) -> Vec<Point> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut points: Vec<Point> = Vec::new();
    // Draws that were there before are drawn again, but not for ever.
    for _ in 0..u64::from(trials) * 20 {
        let draw = |(key, values): &(String, Values)| {
            let value = match values {
                Values::List(list) => list[random.random_range(0..list.len())].clone(),
                Values::Range(range) => range.at(random.random()),
            };
            (key.clone(), value)
        };
        let point: Point = parameters.iter().map(draw).collect();
        if !points.contains(&point) {
            points.push(point);
        }
        if points.len() == trials as usize {
            break;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sweep(value: Value) -> Sweep {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_grid_has_all_combinations_of_lists_and_ranges() {
        let sweep = sweep(json!({"parameters": {
            "retriever": {"k1": [1, 2], "b": {"from": 0.0, "to": 1.0, "steps": 3}},
        }}));
        let points = points(&sweep).unwrap();
        assert_eq!(points.len(), 6);
        assert_eq!(
            points[1],
            [
                ("retriever.k1".into(), json!(1)),
                ("retriever.b".into(), json!(0.5))
            ]
        );
    }

    #[test]
    fn a_logarithmic_range_has_equal_ratios() {
        let range = json!({"from": 1e-4, "to": 1e-2, "steps": 3, "scale": "log"});
        let points = points(&sweep(json!({"parameters": {"rate": range}}))).unwrap();
        let values: Vec<&Value> = points.iter().map(|point| &point[0].1).collect();
        assert_eq!(values, [&json!(1e-4), &json!(1e-3), &json!(1e-2)]);
    }

    #[test]
    fn random_settings_are_distinct_within_their_range_and_depend_on_the_seed() {
        let of_seed = |seed: u64| {
            let parameters = json!({"a": [1, 2, 3], "b": {"from": 2.0, "to": 3.0}});
            points(&sweep(
                json!({"search": "random", "trials": 30, "seed": seed, "parameters": parameters}),
            ))
            .unwrap()
        };
        let drawn = of_seed(1);
        assert_eq!((drawn.len(), &drawn), (30, &of_seed(1)));
        assert_ne!(drawn, of_seed(2));
        let within = |point: &Point| (2.0..=3.0).contains(&point[1].1.as_f64().unwrap());
        assert!(drawn.iter().all(within));
        let few = json!({"search": "random", "trials": 30, "parameters": {"a": [1, 2, 3]}});
        assert_eq!(points(&sweep(few)).unwrap().len(), 3);
    }

    #[test]
    fn ranges_between_whole_numbers_have_whole_numbers() {
        let range = json!({"from": 1, "to": 4, "steps": 7});
        let drawn = points(&sweep(json!({"parameters": {"k": range}}))).unwrap();
        let values: Vec<&Value> = drawn.iter().map(|point| &point[0].1).collect();
        assert_eq!(values, [&json!(1), &json!(2), &json!(3), &json!(4)]);
        let range = json!({"from": 1, "to": 9});
        let random = json!({"search": "random", "trials": 5, "parameters": {"k": range}});
        let drawn = points(&sweep(random)).unwrap();
        assert!(drawn.iter().all(|point| point[0].1.is_i64()), "{drawn:?}");
    }

    #[test]
    fn settings_of_another_search_are_refused() {
        let keys = |value: Value| {
            let faults = sweep(value).check().into_iter();
            faults.map(|(key, _)| key).collect::<Vec<_>>()
        };
        let parameters = json!({"a": [1, 2]});
        let grid = json!({"factor": 2, "first_epochs": 2, "seed": 3, "trials": 4, "epochs": "e", "parameters": parameters});
        assert_eq!(keys(grid), ["epochs", "trials", "first_epochs", "factor"]);
        assert_eq!(keys(json!({"seed": 3, "parameters": parameters})), ["seed"]);
        assert_eq!(
            keys(json!({"search": "halving", "parameters": parameters})),
            ["epochs"]
        );
        let steps = json!({"a": {"from": 0.0, "to": 1.0, "steps": 3}});
        assert_eq!(
            keys(json!({"search": "random", "parameters": steps})),
            ["parameters"]
        );
    }

    #[test]
    fn faults_name_the_setting() {
        let fault = |value: Value| points(&sweep(json!({"parameters": value}))).unwrap_err();
        assert!(fault(json!({"a": {"b": []}})).contains("`a.b` has no values"));
        assert!(fault(json!({"a": 1})).contains("`a` is 1; expected a list"));
        assert!(fault(json!({"a": {"from": 2.0, "to": 1.0}})).contains("must be below"));
        assert!(fault(json!({"a": {"from": 0.0, "to": 1.0, "scale": "log"}})).contains("above 0"));
        assert!(fault(json!({"a": {"from": 0.0, "to": 1.0}})).contains("needs `steps`"));
        assert!(
            fault(json!({"a": {"from": 0.0, "to": 1.0, "step": 3}}))
                .contains("unknown field `step`")
        );
        let many: Vec<u32> = (0..200).collect();
        assert!(fault(json!({"a": many, "b": many})).contains("40000 combinations"));
    }
}
