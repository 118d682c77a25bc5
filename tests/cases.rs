//! Inputs after public bug reports of this field's tools, through the binary: what is in a file is
//! honoured, or named.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{Place, Ran};

/// A file or folder of the cases, which lie beside the Amazon data.
fn case(name: &str) -> String {
    let data = std::env::var_os("GLOSS_TEST_DATA").map(PathBuf::from);
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let path = data.unwrap_or(shared).join("../cases").join(name);
    assert!(path.exists(), "there is no {}", path.display());
    path.to_str().unwrap().to_string()
}

/// A run of a small experiment with a tabular dataset, its tables and settings.
fn tabular(kind: &str, interactions: &str, items: &str, settings: &[&str]) -> Ran {
    let place = Place::new();
    place.write(
        "e.toml",
        format!(
            "metrics = [\"recall@5\"]\ngenerator = \"lis\"\nretriever = \"bm25\"\n[dataset]\n\
             type = \"{kind}\"\ninteractions = {:?}\nitems = {:?}\n",
            case(interactions),
            case(items)
        ),
    );
    let mut args = vec!["run", "e.toml"];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    place.gloss(&args)
}

#[track_caller]
fn works(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[track_caller]
fn shows(text: &str, parts: &[&str]) {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(flat.contains(part), "no `{part}` in:\n{text}");
    }
}

const INTER: &str = "common/inter.csv";
const ITEMS: &str = "common/items.csv";

#[test]
#[ignore = "needs the cases after bug reports"]
fn cases_of_json_lines() {
    let id = "column `item_id`: found 4.0, expected an id, which is a text or a whole number";
    let half = ("11-jsonl/inter-half.jsonl", "11-jsonl/items-intid.jsonl");
    tabular("jsonl", half.0, half.1, &[]).fails(2, &["inter-half.jsonl:1:", id]);
    let skipped = tabular("jsonl", half.0, half.1, &["dataset.on_bad_line=skip"]);
    works(&skipped);
    shows(
        &skipped.stdout,
        &["dropped: 17 of 50 rows of interactions skipped as unreadable, such as"],
    );
    let half = half.0;
    tabular("jsonl", half, "11-jsonl/items-nan-other.jsonl", &[]).fails(
        2,
        &["items-nan-other.jsonl:5: key `price`: NaN is not JSON; write null"],
    );
    tabular("jsonl", half, "11-jsonl/items-array.json", &[])
        .fails(2, &["the file is one JSON array", "jq -c"]);
    let surrogate = "22-odd-titles/surrogate.jsonl";
    tabular("jsonl", half, surrogate, &[]).fails(2, &["surrogate.jsonl:4:", "title"]);
}

#[test]
#[ignore = "needs the cases after bug reports"]
fn cases_of_separated_values() {
    let columns = [
        "dataset.delimiter=\"\\t\"",
        "dataset.user=user_id:token",
        "dataset.item=item_id:token",
        "dataset.item_id=item_id:token",
        "dataset.time=timestamp:float",
        "dataset.text=Title: {title:token_seq}",
    ];
    let (inter, items) = ("12-csv-tsv/shop.inter", "12-csv-tsv/pair.item");
    let quoted = tabular("csv", inter, items, &columns);
    works(&quoted);
    shows(
        &quoted.stderr,
        &[
            "pair.item:5: a cell goes over several lines",
            "quote = \"none\"",
        ],
    );
    shows(
        &quoted.stdout,
        &["interactions of items that are not in the items file, such as `i05`"],
    );
    let plain = [&columns[..], &["dataset.quote=none"]].concat();
    let plain = tabular("csv", inter, items, &plain);
    works(&plain);
    assert!(!plain.stdout.contains("dropped"), "{}", plain.stdout);

    let spaces = "12-csv-tsv/inter-spaces.csv";
    let named = ["dataset.item=\" item_id\"", "dataset.time=\" timestamp\""];
    tabular("csv", spaces, ITEMS, &named).fails(
        2,
        &[
            "not one interaction with a known item is left",
            "Dropped: 50 of 50 interactions",
            "such as ` i04`",
            "The first item is `i01`",
        ],
    );
}

#[test]
#[ignore = "needs the cases after bug reports"]
fn cases_of_times() {
    let milliseconds = "13-times/ms.csv";
    tabular("csv", milliseconds, ITEMS, &[]).fails(
        2,
        &[
            "found `1600001000000`",
            "did you mean `time_unit = \"milliseconds\"`?",
        ],
    );
    works(&tabular(
        "csv",
        milliseconds,
        ITEMS,
        &["dataset.time_unit=milliseconds"],
    ));
    let iso = "13-times/iso.csv";
    tabular("csv", iso, ITEMS, &[]).fails(2, &["`time_format = \"iso\"` reads this"]);
    let read = tabular("csv", iso, ITEMS, &["dataset.time_format=iso"]);
    works(&read);
    let seconds = tabular("csv", INTER, ITEMS, &[]);
    let table = |ran: &Ran| {
        ran.stdout
            .lines()
            .take(3)
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(table(&read), table(&seconds));
}

#[test]
#[ignore = "needs the cases after bug reports"]
fn cases_of_parquet() {
    let items = "14-parquet/items.parquet";
    tabular("parquet", "14-parquet/inter-dup.parquet", items, &[]).fails(
        2,
        &["there are two columns `timestamp`; rename one of them"],
    );
    works(&tabular("parquet", "14-parquet/parts", items, &[]));
}

#[cfg(feature = "libtorch")]
mod models {
    use super::*;

    /// A run with the Llama of a case, or that of all cases, and the texts that it wrote.
    fn llama(model: &str, settings: &[String]) -> (Ran, String) {
        let place = Place::new();
        place.write(
            "e.toml",
            format!(
                "metrics = [\"recall@5\"]\nretriever = \"bm25\"\n[dataset]\ntype = \"csv\"\n\
                 interactions = {:?}\nitems = {:?}\n[generator]\ntype = \"llama\"\nmodel = {:?}\n\
                 device = \"cpu\"\nnum_beams = 3\nmax_new_tokens = 8\n",
                case(INTER),
                case(ITEMS),
                case(model)
            ),
        );
        let mut args = vec!["run", "e.toml", "--output", "run"];
        for setting in settings {
            args.extend(["--set", setting]);
        }
        let ran = place.gloss(&args);
        let texts = match ran.code {
            Some(0) => place.read("run/generated.json"),
            _ => String::new(),
        };
        (ran, texts)
    }

    fn adapter(name: &str) -> (Ran, String) {
        llama(
            "common/model",
            &[format!("generator.adapter={}", case(name))],
        )
    }

    #[test]
    #[ignore = "needs the cases after bug reports"]
    fn cases_of_adapters() {
        const MERGE: &str = "`merge_and_unload()` and `save_pretrained` make";
        let (pissa, _) = adapter("01-pissa-adapter/adapter");
        let convert = "path_initial_model_for_weight_conversion";
        pissa.fails(2, &["`init_lora_weights` is \"pissa\"", convert]);
        let (half, _) = adapter("02-empty-adapter/half");
        half.fails(
            2,
            &[
                "the tensors of 5 of 7 modules are missing",
                "model.layers.0.mlp.gate_proj",
            ],
        );
        let (empty, _) = adapter("02-empty-adapter/zero3");
        empty.fails(2, &["is empty, as DeepSpeed ZeRO-3 leaves it"]);
        let (bare, texts) = adapter("03-adapter-keys/no-prefix");
        works(&bare);
        let (named, same) = adapter("03-adapter-keys/default-name");
        works(&named);
        assert_eq!(texts, same, "the same adapter by other names");
        assert_ne!(
            texts,
            llama("common/model", &[]).1,
            "the adapter changes the texts"
        );
        let (dora, _) = adapter("03-adapter-keys/dora");
        dora.fails(2, &["`use_dora` is true", MERGE]);
        let (head, _) = adapter("03-adapter-keys/lm-head");
        head.fails(2, &["it changes the head", MERGE]);
    }

    #[test]
    #[ignore = "needs the cases after bug reports"]
    fn cases_of_checkpoints() {
        let (_, base) = llama("common/model", &[]);
        let (own_head, texts) = llama("04-tied-with-own-head/model", &[]);
        works(&own_head);
        assert_ne!(texts, base, "the head of its own is used");
        let (left, _) = llama("05-weights-left-over/bias-untold", &[]);
        works(&left);
        shows(
            &left.stderr,
            &["has no place for 3 of", "model.layers.0.mlp.down_proj.bias"],
        );
        let (told, _) = llama("05-weights-left-over/bias-told", &[]);
        assert!(told.stderr.is_empty(), "{}", told.stderr);
        works(&llama("06-nf4-variants/skip-modules", &[]).0);
        let (penalty, _) = llama("07-generation-config/penalty-alone", &[]);
        works(&penalty);
        shows(&penalty.stderr, &["`repetition_penalty` = 1.3"]);
        for scaling in ["both", "linear"] {
            works(&llama(&format!("08-rope/{scaling}"), &[]).0);
        }
        let (pointer, _) = llama("09-weights-files/lfs", &[]);
        pointer.fails(2, &["this is a pointer of git-lfs", "git lfs pull"]);
        let (lost, _) = llama("09-weights-files/no-shard", &[]);
        lost.fails(
            2,
            &[
                "model-00002-of-00002.safetensors: there is no such file",
                "model.safetensors.index.json names it",
            ],
        );
    }

    /// A run with Last Item Search and the encoder of a case.
    fn encoder(name: &str, settings: &[&str]) -> Ran {
        let retriever = format!(
            "retriever={{type=\"e5\",device=\"cpu\",model={:?}}}",
            case(name)
        );
        tabular(
            "csv",
            INTER,
            ITEMS,
            &[&[retriever.as_str()], settings].concat(),
        )
    }

    #[test]
    #[ignore = "needs the cases after bug reports"]
    fn cases_of_encoders() {
        let dot = encoder("10-encoder/dot", &[]);
        works(&dot);
        shows(
            &dot.stdout,
            &["similarity inner-product", "prefix \"q: \" and \"d: \""],
        );
        let cosine = encoder("10-encoder/cosine", &[]);
        shows(&cosine.stdout, &["similarity cosine"]);
        encoder("10-encoder/named-tasks", &[]).fails(
            2,
            &[
                "search_query = \"search_query: \"",
                "search_document = \"search_document: \"",
            ],
        );
    }
}
