//! Runs and qrels of TREC and ranx: the first byte chooses the format, the rest is the file.

#![no_main]

use gloss_engine::trec::{Qrels, Run};
use gloss_fuzz::{check, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((choice, content)) = input.split_first() else {
        return;
    };
    let path = write(["run.txt", "run.json"][usize::from(choice % 2)], content);
    match choice / 2 % 2 {
        0 => check(Run::read(&path)),
        _ => check(Qrels::read(&path)),
    }
});
