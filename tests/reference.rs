//! `core/docs/protocol.md` is generated from the code. `GLOSS_WRITE_REFERENCE=1` writes it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use gloss_command::{Answer, Call, Facts, Hello, HistoryView, PROTOCOL, UserView};
use gloss_core::schema_of;
use serde_json::Value;

/// Compares a committed file with what it should hold, or writes it.
fn check(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("core/docs")
        .join(name);
    if std::env::var_os("GLOSS_WRITE_REFERENCE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "core/docs/{name} is out of date; regenerate it by\n  \
         GLOSS_WRITE_REFERENCE=1 cargo test --test reference"
    );
}

#[test]
fn the_reference_of_the_protocol_is_that_of_the_code() {
    let mut text = format!(
        "# The plugin protocol, version {PROTOCOL}\n\n\
         Generated from `plugins/command/src/protocol.rs` by `tests/reference.rs`.\n\n\
         A program is a component of gloss if it reads questions from standard input and writes \
         answers to standard output, one JSON object per line, one answer per question, in order. \
         Standard error goes to gloss's log. The program exits when its input ends. It ignores \
         unknown fields. A conversation with a retriever:\n\n\
         ```text\n{CONVERSATION}```\n\n\
         `examples/python/gloss.py` implements the protocol for components in Python.\n\n## Questions\n\n\
         Each has a number, `id`, and a name, `call`.\n"
    );
    let calls = schema_of::<Call<'_>>();
    for call in calls["oneOf"].as_array().unwrap() {
        let name = call["properties"]["call"]["const"].as_str().unwrap();
        section(&mut text, &format!("### `{name}`"), call);
    }
    for (name, schema) in [
        ("Answer", schema_of::<Answer>()),
        ("Hello", schema_of::<Hello>()),
        ("Facts", schema_of::<Facts>()),
        ("A user's history", schema_of::<HistoryView<'_>>()),
        ("A user's ranking", schema_of::<UserView<'_>>()),
    ] {
        section(&mut text, &format!("## {name}"), &schema);
    }
    check("protocol.md", &text);
}

const CONVERSATION: &str = r#"< {"id": 1, "call": "hello", "protocol": 2, "gloss": "0.1.0"}
> {"id": 1, "ok": {"protocol": 2, "name": "first", "version": "1", "kind": "retriever",
     "options": {"type": "object", "description": "Always the first item.", "additionalProperties": false}}}
< {"id": 2, "call": "configure", "options": {}}
> {"id": 2, "ok": {}}
< {"id": 3, "call": "catalogue", "fields": [], "items": [["B01", "Title: Rose soap", []]], "first": true, "last": true}
> {"id": 3, "ok": null}
< {"id": 4, "call": "build", "folder": "/somewhere"}
> {"id": 4, "ok": null}
< {"id": 5, "call": "open", "folder": "/somewhere"}
> {"id": 5, "ok": null}
< {"id": 6, "call": "search", "requests": [[{"text": "Title: Lily soap"}, 10]]}
> {"id": 6, "ok": [[[0, 1.0]]]}
"#;

/// A type: its description, and its fields.
fn section(text: &mut String, title: &str, schema: &Value) {
    let doc = schema["description"].as_str().unwrap_or_default();
    let _ = write!(text, "\n{title}\n\n{}\n", on_one_line(doc));
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields: Vec<_> = fields.filter(|(name, _)| *name != "call").collect();
    if !fields.is_empty() {
        text.push_str("\n| field | type | meaning |\n|---|---|---|\n");
    }
    for (name, field) in fields {
        let doc = on_one_line(field["description"].as_str().unwrap_or_default());
        let _ = writeln!(text, "| `{name}` | {} | {doc} |", type_of(field));
    }
}

fn on_one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A field's type in words.
fn type_of(schema: &Value) -> String {
    if let Some(items) = schema["prefixItems"].as_array() {
        let items: Vec<String> = items.iter().map(type_of).collect();
        return format!("[{}]", items.join(", "));
    }
    for alternatives in ["oneOf", "anyOf"] {
        if let Some(all) = schema[alternatives].as_array() {
            let all: Vec<String> = all.iter().map(type_of).collect();
            return all.join(" or ");
        }
    }
    if let Some(choice) = schema["const"].as_str() {
        return format!("`\"{choice}\"`");
    }
    if let Some(choices) = schema["enum"].as_array() {
        let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        return choices.join(" or ");
    }
    let names = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any"],
    };
    let name = |name: &&str| match *name {
        "array" => format!("list of {}", type_of(&schema["items"])),
        "object" => match schema["properties"].as_object() {
            Some(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, field)| format!("`{name}`: {}", type_of(field)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            None => "object".to_string(),
        },
        "string" => "text".to_string(),
        other => other.to_string(),
    };
    names.iter().map(name).collect::<Vec<_>>().join(" or ")
}
