use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// All of a dictionary's entries.
fn read(line: &str) -> Result<Value, String> {
    let mut values = [None];
    read_dictionary(
        &format!("{{'all': {line}}}"),
        |key| (key == "all").then_some(0),
        &mut values,
    )?;
    let [value] = values;
    value.ok_or_else(|| "nothing was kept".into())
}

#[derive(Deserialize)]
struct Golden {
    literal: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    refused: bool,
}

#[test]
fn it_reads_what_python_reads() {
    let text = include_str!("../../tests/golden/literals.json");
    let cases: Vec<Golden> = serde_json::from_str(text).unwrap();
    assert!(cases.iter().filter(|case| case.refused).count() > 20);
    for case in cases {
        let mut values = [None];
        let wanted = |key: &str| (key == "k").then_some(0);
        let result = read_dictionary(&case.literal, wanted, &mut values);
        if case.refused {
            assert!(result.is_err(), "{}", case.literal);
            continue;
        }
        assert_eq!(result, Ok(()), "{}", case.literal);
        assert_eq!(values[0].as_ref(), case.value.get("k"), "{}", case.literal);
        assert_eq!(read(&case.literal), Ok(case.value), "{}", case.literal);
    }
}

#[test]
fn a_fault_says_where_and_what_was_expected() {
    let diagnostic = |line: &str| read_dictionary(line, |_| None, &mut []).unwrap_err();
    assert_eq!(
        diagnostic("{'a': 1 'b'}"),
        "found `'` at column 9, expected `,` or `}`"
    );
    assert_eq!(
        diagnostic("{'a': 'b}"),
        "the text that begins at column 7 has no closing `'`"
    );
    assert_eq!(
        diagnostic("{'a': nan}"),
        "found `n` at column 7, expected a value"
    );
    assert_eq!(
        diagnostic("{'a': 1} é"),
        "found `é` at column 10, expected the end of the line"
    );
}

#[test]
fn deep_nesting_is_refused_before_the_stack_overflows() {
    for open in ["[", "(", "{1: ", "{'a': ["] {
        let line = format!("{{'a': {}", open.repeat(200_000));
        let diagnostic = read_dictionary(&line, |_| None, &mut []).unwrap_err();
        assert!(
            diagnostic.contains("nested more than 100 deep"),
            "{diagnostic}"
        );
    }
    let line = format!("{}1{}", "[".repeat(90), "]".repeat(90));
    assert!(read(&line).is_ok());
}

#[test]
fn only_wanted_entries_are_kept_and_the_last_of_equal_keys_counts() {
    let mut values = [None, None];
    let wanted = |key: &str| ["b", "a"].iter().position(|name| *name == key);
    let line = r#" {'a': 1, u'c': ['\x'], "a": (2,), 3: 4, } "#;
    read_dictionary(line, wanted, &mut values).unwrap();
    assert_eq!(values, [None, Some(json!([2]))]);
}

#[test]
fn a_number_that_is_passed_over_is_not_converted() {
    let skip = |number: &str| read_dictionary(&format!("{{'p': {number}}}"), |_| None, &mut []);
    for number in [
        "1e999",
        "-1e999",
        "0x1F",
        "0o17",
        "0b1",
        "1_0.5",
        "+.5",
        "{0xF: 1e999}",
    ] {
        assert_eq!(skip(number), Ok(()), "{number}");
    }
    for number in ["1e999", "-1e999", "0x1F"] {
        let diagnostic = read(number).unwrap_err();
        let expected = "at column 9, expected a decimal number within a float's range";
        assert!(diagnostic.ends_with(expected), "{diagnostic}");
    }
    for number in ["-", "+", ".", "-x", "--1", "1 2"] {
        assert!(skip(number).is_err(), "{number}");
    }
}

/// Writes a value as Python does; `ascii` as Python 2 does.
fn repr(value: &Value, ascii: bool) -> String {
    let all = |values: &[Value]| {
        let texts: Vec<_> = values.iter().map(|value| repr(value, ascii)).collect();
        texts.join(", ")
    };
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => repr_text(text, ascii),
        Value::Array(values) if values.len() == 1 => format!("({},)", all(values)),
        Value::Array(values) => format!("[{}]", all(values)),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}: {}", repr_text(key, ascii), repr(value, ascii))
            };
            let texts: Vec<_> = entries.iter().map(entry).collect();
            format!("{{{}}}", texts.join(", "))
        }
    }
}

fn repr_text(text: &str, ascii: bool) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut literal = String::from(if ascii && !text.is_ascii() { "u" } else { "" });
    literal.push(quote);
    for c in text.chars() {
        match c {
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '\\' => literal.push_str("\\\\"),
            c if c == quote => literal.extend(['\\', c]),
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                literal.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c if c.is_ascii() || !ascii => literal.push(c),
            c if u32::from(c) < 0x100 => literal.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    literal.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    literal.push(quote);
    literal
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a'\"\\\\\n{}:, ]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_repr_writes_is_read_back(kept in any_value(), other in any_value(), ascii: bool) {
        let line = format!("{{'o': {}, 'k': {}}}", repr(&other, ascii), repr(&kept, ascii));
        let mut values = [None];
        read_dictionary(&line, |key| (key == "k").then_some(0), &mut values).unwrap();
        let [value] = values;
        prop_assert_eq!(value, Some(kept));
    }

    #[test]
    fn no_text_whatever_makes_it_panic(text in any::<String>(), keep: bool) {
        let _ = read_dictionary(&text, |_| keep.then_some(0), &mut [None]);
        let _ = read(&text);
    }

    #[test]
    fn a_line_cut_or_changed_anywhere_does_not_make_it_panic(
        value in any_value(), at: prop::sample::Index, change: char, keep: bool
    ) {
        let line = format!("{{'k': {}}}", repr(&value, keep));
        let at = at.index(line.len());
        let Some((before, after)) = line.split_at_checked(at) else { return Ok(()) };
        prop_assert!(read_dictionary(before, |_| keep.then_some(0), &mut [None]).is_err());
        let changed = format!("{before}{change}{after}");
        let _ = read_dictionary(&changed, |_| keep.then_some(0), &mut [None]);
    }
}
