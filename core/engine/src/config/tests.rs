//! Faults of experiments, as people see them.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ExperimentConfig;
use gloss_core::*;

/// Nobody and nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nobody {
    /// Which nobody.
    category: String,
}

impl Dataset for Nobody {
    fn inputs(&self) -> Result<Vec<std::path::PathBuf>> {
        Ok(vec![])
    }
    fn load(&self, _: &Context) -> Result<Data> {
        Ok(Data::default())
    }
}

/// Says nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mute {}

impl QueryGenerator for Mute {
    fn open<'a>(&'a self, _: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        Ok(Box::new(|histories: &[History<'_>]| {
            Ok(vec![vec![]; histories.len()])
        }))
    }
}

/// Finds nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Blind {
    /// Saturation.
    #[schemars(range(min = 0.0))]
    k1: f64,
    /// Normalisation.
    #[schemars(range(min = 0.0, max = 1.0))]
    b: f64,
}

impl Default for Blind {
    fn default() -> Self {
        Blind { k1: 1.5, b: 0.75 }
    }
}

impl Retriever for Blind {
    fn build(&self, _: &Catalogue, _: &Path, _: &Context) -> Result<()> {
        Ok(())
    }
    fn open<'a>(&'a self, _: &'a Catalogue, _: &Path, _: &Context) -> Result<Box<dyn Index + 'a>> {
        Ok(Box::new(|requests: &[Request<'_>]| {
            Ok(vec![vec![]; requests.len()])
        }))
    }
}

/// Counts nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Zero {
    /// Cut-off.
    #[schemars(range(min = 1))]
    k: Option<u32>,
}

impl Metric for Zero {
    fn label(&self) -> String {
        self.k.map_or("zero".into(), |k| format!("zero@{k}"))
    }
    fn formula(&self) -> &'static str {
        "0"
    }
    fn cutoff(&self) -> Option<usize> {
        self.k.map(|k| k as usize)
    }
    fn invariants(&self) -> Invariants {
        Invariants {
            range: 0.0..=0.0,
            higher_is_better: true,
            monotone_in_cutoff: true,
            measures_relevance: true,
        }
    }
    fn score(&self, _: &Evaluation<'_>) -> Result<Scores> {
        Ok(Scores::Overall(0.0))
    }
}

mod components {
    use super::*;
    gloss_core::plugin! {
        dataset "nobody" => Nobody,
        generator "mute" => Mute,
        retriever "blind" => Blind,
        metric "zero" => Zero,
    }
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    components::register(&mut registry).unwrap();
    registry
}

fn diagnostics(text: &str, assignments: &[&str]) -> String {
    let mut config = ExperimentConfig::from_text(Path::new("e.toml"), text).unwrap();
    assignments.iter().for_each(|a| config.set(a));
    config.resolve(&registry()).unwrap_err().to_string()
}

const SOUND: &str = "metrics = ['zero@5', 'zero']\ngenerator = 'mute'\n\
    [dataset]\ntype = 'nobody'\ncategory = 'x'\n[retriever]\ntype = 'blind'\n";

#[test]
fn a_sound_experiment_resolves_with_its_defaults() {
    let config = ExperimentConfig::from_text(Path::new("e.toml"), SOUND).unwrap();
    let experiment = config.resolve(&registry()).unwrap();
    assert_eq!(
        experiment.describe().unwrap(),
        serde_json::json!({
            "name": "mute+blind",
            "split": "test",
            "segments": [],
            "bootstrap": null,
            "dataset": {"type": "nobody", "category": "x"},
            "metrics": [{"type": "zero", "k": 5}, {"type": "zero", "k": null}],
            "methods": [{
                "name": "mute+blind",
                "generator": {"type": "mute"},
                "retriever": {"type": "blind", "k1": 1.5, "b": 0.75},
                "ranking": {"depth": 5, "cutoff": 5, "fusion": "max",
                    "reciprocal_rank_constant": 60.0, "seen": "keep"},
            }],
            "fusions": [],
        })
    );
}

#[test]
fn all_faults_are_told_at_once_with_place_and_nearest_name() {
    let text = "metrics = ['zer@5', 'zero@0', 'zero@x']\nsplitt = 'test'\nsplit = 'tset'\n\
        generator = 'mute'\n[dataset]\ntype = 'nobdy'\n[retriever]\ntype = 'blind'\nk = 1\nb = 7\n\
        k1 = 'high'\n[ranking]\nseen = 'excluded'\ndepth = 0\n";
    let told = diagnostics(text, &[]);
    let expected = [
        "11 errors in the experiment",
        "e.toml:1:12: metrics.0.type: there is no metric `zer`; did you mean `zero`? Available: zero.",
        "e.toml:1:21: metrics.1.k: is 0, expected integer ≥ 1",
        "e.toml:1:31: metrics.2.k: is \"x\", expected integer ≥ 1",
        "e.toml:2:1: splitt: unknown option; did you mean `split`? Available: name, output, plugins, seeds, split, \
         segments, bootstrap, metrics, dataset, generator, retriever, ranking, method, sweep, fusion.",
        "e.toml:3:9: split: unknown value `tset`; did you mean `test`? Available: test, validation.",
        "e.toml:6:8: dataset.type: there is no dataset `nobdy`; did you mean `nobody`? Available: nobody.",
        "e.toml:9:1: retriever.k: unknown option; did you mean `k1`? Available: k1, b.",
        "e.toml:10:5: retriever.b: is 7, expected number ≥ 0 ≤ 1",
        "e.toml:11:6: retriever.k1: is \"high\", expected number ≥ 0",
        "e.toml:13:8: ranking.seen: unknown value `excluded`; did you mean `exclude`? Available: keep, exclude.",
        "e.toml:14:9: ranking.depth: is 0, expected integer ≥ 1",
    ];
    assert_eq!(told, expected.join("\n  "));
}

#[test]
fn a_method_overrides_the_experiment_and_faults_point_to_its_own_table() {
    let text =
        format!("{SOUND}[[method]]\n[[method]]\nname = 'high'\nretriever = {{ k1 = -1.0 }}\n");
    assert_eq!(
        diagnostics(&text, &[]),
        "e.toml:11:20: method.1.retriever.k1: is -1.0, expected number ≥ 0"
    );
    let unknown = format!(
        "{}[[method]]\nretriever = 'blnd'\n",
        SOUND.replace("[retriever]\ntype = 'blind'\n", "")
    );
    assert_eq!(
        diagnostics(&unknown, &[]),
        "e.toml:7:13: method.0.retriever.type: there is no retriever `blnd`; did you mean `blind`? \
         Available: blind."
    );
    let text = format!("{SOUND}[[method]]\n[[method]]\n");
    let told = diagnostics(&text, &[]);
    assert!(told.contains("give each a `name`"), "{told}");
}

#[test]
fn a_setting_that_every_method_replaces_is_told() {
    let text = format!("{SOUND}[[method]]\nretriever = 'none'\n");
    let told = diagnostics(&text, &[]);
    let expected = "e.toml:6:2: retriever: is not used: each method has a retriever of its own";
    assert!(told.contains(expected), "{told}");
    let told = diagnostics(&format!("method = []\n{SOUND}"), &[]);
    assert!(told.starts_with("e.toml:1:10: method: "), "{told}");
}

#[test]
fn a_flag_that_a_method_overrules_is_told_and_can_reach_into_the_method() {
    let text = format!("{SOUND}[[method]]\nranking = {{ cutoff = 7 }}\nretriever = 'blind'\n");
    let resolve = |assignments: &[&str]| {
        let mut config = ExperimentConfig::from_text(Path::new("e.toml"), &text).unwrap();
        assignments.iter().for_each(|a| config.set(a));
        config
            .resolve(&registry())
            .map(|e| e.methods[0].describe().unwrap())
    };
    let told = resolve(&["ranking.cutoff=9"]).unwrap_err().to_string();
    assert_eq!(
        told,
        "--set ranking.cutoff=9: ranking.cutoff: does not reach method 0, which sets it itself; \
         set method.0.ranking.cutoff instead"
    );
    let reached = resolve(&["method.0.ranking.cutoff=9", "retriever.k1=0.3"]).unwrap();
    assert_eq!(reached["ranking"]["cutoff"], 9);
    assert_eq!(
        reached["retriever"]["k1"], 0.3,
        "a name alone keeps what is set for all"
    );
}

#[test]
fn numbers_that_are_no_counts_are_faults_and_huge_ones_are_told() {
    for value in ["5.0", "5000000000"] {
        let told = diagnostics(SOUND, &[&format!("ranking.depth={value}")]);
        assert!(told.contains("ranking: invalid"), "{told}");
    }
}

#[test]
fn what_is_missing_is_told_with_what_there_is() {
    let told = diagnostics("metrics = ['zero']\n", &["dataset.type=nobody"]);
    let expected = [
        "2 errors in the experiment",
        "--set dataset.type=nobody: dataset.category: is required: Which nobody.",
        "generator: is required: the name of a query generator. Available: mute.",
    ];
    assert_eq!(told, expected.join("\n  "));
    let told = diagnostics(
        "metrics = ['zero']\ngenerator='mute'\n",
        &["dataset={type='nobody', category='x'}"],
    );
    assert_eq!(
        told,
        "retriever: is required: generator `mute` makes text queries. Available: blind."
    );
}

#[test]
fn a_metric_deeper_than_the_cutoff_is_a_fault() {
    let told = diagnostics(SOUND, &["ranking.cutoff=3"]);
    assert_eq!(
        told,
        "--set ranking.cutoff=3: ranking.cutoff: is 3, but zero@5 looks deeper; raise it or lower \
         the metric's k"
    );
}

#[test]
fn the_schema_accepts_what_resolves_and_refuses_what_does_not() {
    let schema = super::experiment_schema(&registry());
    let validator = jsonschema::validator_for(&schema).unwrap();
    let sound: toml::Table = SOUND.parse().unwrap();
    let sound = serde_json::to_value(sound).unwrap();
    assert!(validator.is_valid(&sound));
    for (pointer, wrong) in [
        ("/dataset/type", "nobdy"),
        ("/metrics/0", "zero@0"),
        ("/retriever/k9", ""),
    ] {
        let mut faulty = sound.clone();
        match faulty.pointer_mut(pointer) {
            Some(place) => *place = wrong.into(),
            None => faulty["retriever"]["k9"] = wrong.into(),
        }
        assert!(!validator.is_valid(&faulty), "{pointer}");
    }
}

#[test]
fn two_components_of_one_name_are_refused() {
    let mut registry = registry();
    let message = components::register(&mut registry).unwrap_err().to_string();
    assert!(
        message.starts_with("two components are named dataset `nobody`"),
        "{message}"
    );
}
