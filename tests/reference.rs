//! The references under `core/docs/` are what the code says. `GLOSS_WRITE_REFERENCE=1` writes them.
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
        "core/docs/{name} is not what the code says; write it anew by\n  \
         GLOSS_WRITE_REFERENCE=1 cargo test --test reference"
    );
}

#[test]
fn the_reference_of_the_protocol_is_that_of_the_code() {
    let mut text = format!(
        "# The plugin protocol, version {PROTOCOL}\n\n\
         Made from `plugins/command/src/protocol.rs`; `tests/reference.rs` compares the two.\n\n\
         A program is a component of gloss if it reads questions from its standard input and writes \
         the answers to its standard output, one JSON object a line, one answer to each question, \
         in their order. Standard error goes to gloss's log. The program ends when its input does. \
         Fields that it does not know it ignores. A conversation with a retriever:\n\n\
         ```text\n{CONVERSATION}```\n\n\
         `examples/python/gloss.py` does all of this for components in Python.\n\n## Questions\n\n\
         Each has its number, `id`, and its name, `call`.\n"
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

const CONVERSATION: &str = r#"< {"id": 1, "call": "hello", "protocol": 1, "gloss": "0.1.0"}
> {"id": 1, "ok": {"protocol": 1, "name": "first", "version": "1", "kind": "retriever",
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

#[test]
fn the_reference_of_the_traits_is_that_of_the_code() {
    let mut text = String::from(
        "# The traits of components\n\nMade from the files of `core/src`; `tests/reference.rs` \
         compares the two. `cargo doc -p gloss-core --open` shows the same with links.\n",
    );
    for file in [
        "component",
        "dataset",
        "generator",
        "retriever",
        "metric",
        "trainer",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("core/src/{file}.rs"));
        traits(&fs::read_to_string(path).unwrap(), &mut text);
    }
    check("traits.md", &text);
}

/// The traits of a source file, with all that is said of their methods.
fn traits(source: &str, text: &mut String) {
    let (mut docs, mut inside) = (Vec::new(), false);
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if let Some(doc) = trimmed.strip_prefix("///") {
            docs.push(doc.strip_prefix(' ').unwrap_or(doc));
            continue;
        }
        if let Some(name) = line.strip_prefix("pub trait ") {
            let name = name.split([':', ' ', '{']).next().unwrap_or_default();
            let _ = write!(text, "\n## `{name}`\n\n{}\n", paragraphs(&docs));
            inside = !line.ends_with("{}");
        } else if inside && trimmed.starts_with("fn ") {
            let mut signature = vec![line.strip_prefix("    ").unwrap_or(line)];
            while !signature
                .last()
                .is_some_and(|line| line.ends_with([';', '{']))
            {
                let line = lines.next().unwrap_or(";");
                signature.push(line.strip_prefix("    ").unwrap_or(line));
            }
            let provided = if signature.last().is_some_and(|line| line.ends_with('{')) {
                " Provided."
            } else {
                ""
            };
            let signature = signature.join("\n");
            let signature = signature.trim_end_matches([';', '{', ' ']);
            if !docs.is_empty() {
                let _ = write!(
                    text,
                    "\n```rust\n{signature}\n```\n\n{}{provided}\n",
                    paragraphs(&docs)
                );
            }
        } else if line == "}" {
            inside = false;
        }
        if !trimmed.starts_with("#[") {
            docs.clear();
        }
    }
}

/// Doc comments as Markdown: links to other items as plain code, `# Errors` in the flow.
fn paragraphs(docs: &[&str]) -> String {
    let text = docs.join("\n").replace("# Errors\n", "Errors: ");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("](") {
        let target = after.split_once(')');
        match (before.rsplit_once('['), target) {
            (Some((start, label)), Some((target, end))) if !target.starts_with("http") => {
                plain = plain + start + label;
                rest = end;
            }
            _ => {
                plain = plain + before + "](";
                rest = after;
            }
        }
    }
    plain += rest;
    plain.replace("[`", "`").replace("`]", "`")
}
