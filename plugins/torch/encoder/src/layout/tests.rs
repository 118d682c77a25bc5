use super::*;
use serde_json::json;
use tempfile::TempDir;

/// A folder of files as sentence-transformers writes them.
fn folder(files: &[(&str, Value)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content.to_string()).unwrap();
    }
    folder
}

fn config() -> (&'static str, Value) {
    let config = json!({
        "model_type": "bert", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 100, "max_position_embeddings": 512,
    });
    ("config.json", config)
}

fn modules(classes: &[(&str, &str)]) -> (&'static str, Value) {
    let modules = classes
        .iter()
        .map(|(path, class)| json!({"idx": 0, "name": "0", "path": path, "type": class}));
    ("modules.json", modules.collect())
}

#[test]
fn the_old_layout_is_read() {
    let folder = folder(&[
        config(),
        modules(&[
            ("", "sentence_transformers.models.Transformer"),
            ("1_Pooling", "sentence_transformers.models.Pooling"),
        ]),
        (
            "1_Pooling/config.json",
            json!({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}),
        ),
        ("sentence_bert_config.json", json!({"max_seq_length": 256})),
    ]);
    let expected = Given {
        prefix: None,
        pooling: Some(Pooling::Cls),
        normalise: Some(false),
        max_length: Some(256),
    };
    assert_eq!(read(folder.path()).unwrap(), expected);
    assert_eq!(weights(folder.path()).unwrap(), folder.path());
}

#[test]
fn the_new_layout_is_read() {
    let base = "sentence_transformers.base.modules";
    let folder = folder(&[
        config(),
        modules(&[
            ("", &format!("{base}.transformer.Transformer")),
            (
                "1_Pooling",
                "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
            ),
            ("2_Normalize", &format!("{base}.normalize.Normalize")),
        ]),
        (
            "1_Pooling/config.json",
            json!({"embedding_dimension": 64, "pooling_mode": "max", "include_prompt": true}),
        ),
        (
            "sentence_bert_config.json",
            json!({"transformer_task": "feature-extraction"}),
        ),
        ("tokenizer_config.json", json!({"model_max_length": 1e30})),
        (
            "config_sentence_transformers.json",
            json!({"prompts": {"query": "find: ", "document": ""}}),
        ),
    ]);
    let expected = Given {
        prefix: Some(Prefix {
            query: "find: ".to_string(),
            passage: String::new(),
        }),
        pooling: Some(Pooling::Max),
        normalise: Some(true),
        max_length: Some(512),
    };
    assert_eq!(read(folder.path()).unwrap(), expected);
}

#[test]
fn weights_may_be_in_a_folder_of_their_own() {
    let class = "sentence_transformers.models.Transformer";
    let folder = folder(&[modules(&[("0_Transformer", class)])]);
    let expected = folder.path().join("0_Transformer");
    assert_eq!(weights(folder.path()).unwrap(), expected);
}

#[test]
fn a_folder_of_something_else_says_nothing() {
    let folder = folder(&[config()]);
    assert_eq!(read(folder.path()).unwrap(), Given::default());
}

#[test]
fn what_is_not_supported_is_told() {
    let pooling = ("1_Pooling", "sentence_transformers.models.Pooling");
    let dense = ("2_Dense", "sentence_transformers.models.Dense");
    let told = |class, content: Value| {
        let files = [
            config(),
            modules(&[class]),
            ("1_Pooling/config.json", content.clone()),
            ("sentence_bert_config.json", content),
        ];
        read(folder(&files).path()).unwrap_err().to_string()
    };
    for (class, content, expected) in [
        (
            dense,
            json!({}),
            "module `sentence_transformers.models.Dense`",
        ),
        (
            pooling,
            json!({"pooling_mode": ["mean", "max"]}),
            "`mean + max`",
        ),
        (
            pooling,
            json!({"pooling_mode_lasttoken": true}),
            "`lasttoken`",
        ),
        (
            pooling,
            json!({"include_prompt": false}),
            "`include_prompt` is false",
        ),
        (
            pooling,
            json!({"do_lower_case": true}),
            "`do_lower_case` is true",
        ),
        (pooling, json!([]), "not a JSON object"),
    ] {
        let text = told(class, content);
        assert!(text.contains(expected), "{text}");
    }
}
