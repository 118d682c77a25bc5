use super::*;
use gloss_core::Item;
use std::path::Path;

fn tokenizer() -> Tokenizer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer");
    Tokenizer::open(&folder, 768).unwrap()
}

fn catalogue(texts: &[&str]) -> Catalogue {
    let item = |(index, text): (usize, &&str)| Item {
        id: index.to_string(),
        text: text.to_string(),
        fields: Vec::new(),
    };
    Catalogue::new(texts.iter().enumerate().map(item).collect(), Vec::new()).unwrap()
}

const TEXTS: [&str; 4] = [
    "Title: Rose Soap",
    "Title: Lily Candle, Large Jar",
    "Title: Green Tea",
    "Title: The longest title of them all, in twenty words or so, which says nothing at all",
];

#[test]
fn the_text_is_the_papers() {
    let (tokenizer, catalogue) = (tokenizer(), catalogue(&TEXTS));
    let prompts = Prompts::new(&tokenizer, &catalogue, Truncation::Left, 974).unwrap();
    let expected = "Below is a customer's purchase history on Amazon, listed in \
        chronological order (earliest to latest). \nEach item is represented by the following \
        format: Title: <item title> \nBased on this history, predict **only one** item the \
        customer is most likely to purchase next in the same format.\n\n### Purchase history:\n\
        Title: Green Tea\nTitle: Rose Soap\n\n### Next item:\n";
    assert_eq!(prompts.text(&[2, 0]), expected);
    assert!(
        prompts
            .text(&[])
            .ends_with("### Purchase history:\n\n\n### Next item:\n")
    );
}

#[test]
fn whole_oldest_purchases_go_and_the_instruction_stays() {
    let (tokenizer, catalogue) = (tokenizer(), catalogue(&TEXTS));
    let prompts = |most| Prompts::new(&tokenizer, &catalogue, Truncation::OldestItems, most);
    let unlimited = prompts(10_000).unwrap();
    let history = [0, 1, 2, 1, 0, 2, 3, 1, 2];
    let whole = |newest: usize| {
        unlimited
            .tokens(&history[history.len() - newest..])
            .unwrap()
    };
    let (one, all) = (whole(1).len(), whole(history.len()).len());
    for most in one..=all + 1 {
        let prompts = prompts(most).unwrap();
        let fitting = (1..=history.len())
            .rev()
            .map(whole)
            .find(|t| t.len() <= most);
        assert_eq!(
            prompts.tokens(&history).unwrap(),
            fitting.unwrap(),
            "{most}"
        );
        assert_eq!(prompts.truncated(), usize::from(most < all));
    }
    assert_eq!(unlimited.truncated(), 0);
}

#[test]
fn an_item_that_does_not_fit_loses_its_beginning() {
    let (tokenizer, catalogue) = (tokenizer(), catalogue(&TEXTS));
    let prompts = |most| Prompts::new(&tokenizer, &catalogue, Truncation::OldestItems, most);
    let unlimited = prompts(10_000).unwrap();
    let least = 1 + unlimited.instruction.len() + unlimited.next_item.len();
    let one = unlimited.tokens(&[3]).unwrap();
    for most in least..one.len() {
        let prompts = prompts(most).unwrap();
        let tokens = prompts.tokens(&[0, 3]).unwrap();
        assert_eq!(tokens.len(), most);
        let (start, end) = tokens.split_at(1 + prompts.instruction.len());
        assert!(one.starts_with(start) && one.ends_with(end));
        let text = tokenizer.decode(&tokens).unwrap();
        assert!(text.ends_with("\n\n### Next item:\n"), "{text}");
        assert!(text.contains("### Purchase history:\n"), "{text}");
    }
    let Err(error) = prompts(least - 1) else {
        panic!("there is no room for the instruction");
    };
    assert_eq!(
        error.to_string(),
        format!(
            "a prompt may have {} tokens, but the instruction alone has {least}; allow more tokens",
            least - 1
        )
    );
    assert!(Prompts::new(&tokenizer, &catalogue, Truncation::Left, 1).is_err());
}

#[test]
fn training_texts_hold_the_target_and_the_end() {
    let (tokenizer, catalogue) = (tokenizer(), catalogue(&TEXTS));
    for truncation in [Truncation::Left, Truncation::OldestItems] {
        let prompts = Prompts::new(&tokenizer, &catalogue, truncation, 140).unwrap();
        for (history, target) in [(&[0_u32, 1][..], 2_u32), (&[0, 1, 3, 3, 3], 2), (&[], 3)] {
            let tokens = prompts.training(history, target).unwrap();
            assert!(tokens.len() <= 140);
            assert_eq!((tokens[0], tokens[tokens.len() - 1]), (1, 2));
            let text = tokenizer.decode(&tokens).unwrap();
            let end = format!("\n\n### Next item:\n{}", TEXTS[target as usize]);
            assert!(text.ends_with(&end), "{text}");
        }
    }
}

#[test]
fn the_shared_tokens_begin_every_prompt() {
    let tokenizer = tokenizer();
    let texts = ["Title: a", "*** odd", " spaced", "Ünïcode", "12"];
    let catalogue = catalogue(&texts);
    let prompts = Prompts::new(&tokenizer, &catalogue, Truncation::Left, 974).unwrap();
    let shared = prompts.shared();
    for history in [&[][..], &[0], &[1, 0], &[2], &[3], &[4, 0]] {
        assert!(prompts.tokens(history).unwrap().starts_with(&shared));
    }
    let text = tokenizer.decode(&shared).unwrap();
    assert_eq!(
        Some(text.as_str()),
        Format::Paper.before().strip_suffix(":\n")
    );
}

#[test]
fn a_text_that_melts_into_the_prompt_has_no_continuation() {
    let (tokenizer, catalogue) = (tokenizer(), catalogue(&TEXTS));
    let prompts = Prompts::new(&tokenizer, &catalogue, Truncation::Left, 974).unwrap();
    let error = prompts.continuation("\nTitle: a").unwrap_err();
    assert!(
        error.to_string().contains("joins the beginning of"),
        "{error}"
    );
    assert_eq!(
        prompts.continuation("Title: a").unwrap(),
        tokenizer.encode_bare("Title: a").unwrap()
    );
}

#[test]
fn a_list_has_the_tokens_of_its_text() {
    let (tokenizer, catalogue) = (tokenizer(), catalogue(&TEXTS));
    let prompts =
        Prompts::of_format(Format::List, &tokenizer, &catalogue, Truncation::Left, 974).unwrap();
    for history in [&[][..], &[2], &[2, 0, 1, 3]] {
        let text = prompts.text(history);
        assert_eq!(
            prompts.tokens(history).unwrap(),
            tokenizer.encode(&text).unwrap()
        );
    }
    assert_eq!(prompts.text(&[0]), "Purchases:\nTitle: Rose Soap\n");
    let two = catalogue_of_two_lines();
    let Err(error) = Prompts::of_format(Format::List, &tokenizer, &two, Truncation::Left, 974)
    else {
        panic!("two lines cannot be one item of a list");
    };
    assert!(error.to_string().contains("more than one line"), "{error}");
}

fn catalogue_of_two_lines() -> Catalogue {
    catalogue(&["Title: Lily\nsoap"])
}

/// A tokenizer that splits texts as that of Llama 3 does: what is neither a letter nor a number
/// takes the line breaks after it.
fn like_llama_3(folder: &Path) -> Tokenizer {
    let words = [
        "</s>",
        "?",
        "Purchases",
        ":\n",
        "Title",
        ":",
        " Soap",
        " (",
        "large",
        ")",
        ")\n",
        "\n",
    ];
    let numbered = (0..)
        .zip(words)
        .map(|(at, word): (u64, _)| (word.to_string(), at.into()));
    let vocabulary: serde_json::Map<String, serde_json::Value> = numbered.collect();
    let regex = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+| ?\p{L}+";
    let end = serde_json::json!({"id": 0, "content": "</s>", "special": true,
        "single_word": false, "lstrip": false, "rstrip": false, "normalized": false});
    let tokenizer = serde_json::json!({
        "version": "1.0",
        "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
        "added_tokens": [end],
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false},
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"},
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    std::fs::write(
        folder.join("tokenizer_config.json"),
        r#"{"eos_token": "</s>"}"#,
    )
    .unwrap();
    Tokenizer::open(folder, words.len()).unwrap()
}

#[test]
fn a_line_of_a_list_ends_in_the_same_token_whatever_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = like_llama_3(folder.path());
    let joined = tokenizer.encode("Title: Soap (large)\n").unwrap();
    assert_eq!(joined, [4, 5, 6, 7, 8, 10]);
    let catalogue = catalogue(&["Title: Soap (large)", "Title: Soap"]);
    let prompts =
        Prompts::of_format(Format::List, &tokenizer, &catalogue, Truncation::Left, 100).unwrap();
    let lines = [4, 5, 6, 7, 8, 9, 11, 4, 5, 6, 11];
    assert_eq!(
        prompts.tokens(&[0, 1]).unwrap(),
        [&[2, 3][..], &lines].concat()
    );
    let next = prompts.continuation("Title: Soap (large)").unwrap();
    let text = [&[2, 3][..], &lines[7..], &next, &prompts.ends_of_items()].concat();
    assert_eq!(prompts.training(&[1], 0).unwrap(), text);
}
