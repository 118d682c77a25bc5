use std::fs;

use super::*;
use gloss_core::Evaluation;

fn run(text: &str) -> Result<Run> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.trec");
    fs::write(&path, text).unwrap();
    Run::read(&path)
}

fn qrels(text: &str) -> Result<Qrels> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qrels.trec");
    fs::write(&path, text).unwrap();
    Qrels::read(&path)
}

/// The error, from the line number on.
fn diagnostic<T>(result: Result<T>) -> String {
    let Err(error) = result else {
        panic!("it was read");
    };
    let text = error.to_string();
    text.split_once(".trec").unwrap().1.to_string()
}

/// The ids in each user's ranking.
fn ids(run: &Run, ties: Ties) -> Vec<String> {
    let list = |ranking: &[u32]| {
        let ids: Vec<_> = ranking.iter().map(|item| run.items().get(*item)).collect();
        ids.join(" ")
    };
    run.rankings(ties).iter().map(list).collect()
}

#[test]
fn rows_of_a_user_need_not_stand_together() {
    let run = run("u Q0 a 1 2.5 t\r\nv\tQ0  a 1 1e3 t\n\nu Q0 b 2 -0.5 t").unwrap();
    assert_eq!(run.users().iter().collect::<Vec<_>>(), ["u", "v"]);
    assert_eq!(run.scores().get(0), [(0, 2.5), (1, -0.5)]);
    assert_eq!(run.scores().get(1), [(0, 1000.0)]);
}

#[test]
fn equal_scores_are_ranked_by_the_file_or_by_the_id() {
    let run = run("u 0 b 1 1 t\nu 0 a 2 1 t\nu 0 c 3 1 t\nu 0 d 9 2 t\nv 0 x 1 0 t\nv 0 y 2 -0 t");
    let run = run.unwrap();
    assert_eq!(ids(&run, Ties::File), ["d b a c", "x y"]);
    assert_eq!(ids(&run, Ties::TrecEval), ["d c b a", "y x"]);
}

#[test]
fn trec_eval_compares_in_single_precision() {
    let run = run("u Q0 a 1 1.00000000002 t\nu Q0 b 2 1.00000000001 t").unwrap();
    assert_eq!(ids(&run, Ties::File), ["a b"]);
    assert_eq!(ids(&run, Ties::TrecEval), ["b a"]);
}

#[test]
fn users_are_those_of_the_qrels() {
    let run = run("x Q0 a 1 9 t\nu Q0 z 1 9 t\nu Q0 b 2 8 t\n").unwrap();
    let qrels = qrels("missing 0 a 1\nu 0 a 0\nu 0 b 2\n").unwrap();
    let aligned = run.align(&qrels, Ties::File);
    assert_eq!((aligned.missing.as_slice(), aligned.ignored), (&[0][..], 1));
    let evaluation = Evaluation::new(&aligned.rankings, qrels.grades()).unwrap();
    let judged: Vec<_> = evaluation.user_gains().collect();
    assert_eq!((judged[0].gains, judged[0].ideal), (&[][..], &[1.0][..]));
    assert_eq!(judged[1].gains, [0.0, 2.0]);
    assert_eq!(judged[1].ideal, [2.0]);
}

#[test]
fn faults_of_a_run_name_the_line() {
    assert_eq!(
        diagnostic(run("u Q0 a 1 2 t\nu Q0 b 2 1\n")),
        ":2: expected 6 columns, `user Q0 item rank score tag`, found 5: `u Q0 b 2 1`"
    );
    for score in ["NaN", "inf", "1e999", "high"] {
        assert_eq!(
            diagnostic(run(&format!("u Q0 a 1 {score} t\n"))),
            format!(":1: a score is a finite number, found `{score}`")
        );
    }
    assert_eq!(
        diagnostic(run("u Q0 a 1 2 t\nv Q0 a 1 2 t\n\nu Q0 a 2 1 t\n")),
        ":4: user u has item a a second time, first on line 1; keep one of them"
    );
    assert_eq!(
        diagnostic(run("\n\n")),
        ": the file is empty; expected lines `user Q0 item rank score tag`"
    );
    assert_eq!(
        diagnostic(run("u Q0 a 1 2 t\nu Q0 \0 1 2 t\n")),
        ":2: a NUL byte; expected text, not a binary file"
    );
    let long = diagnostic(run(&"ö".repeat(10_000)));
    assert!(long.chars().count() < 200, "{long}");
}

#[test]
fn a_run_is_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.trec");
    fs::write(&path, b"u Q0 a 1 2 t\nu Q0 \xff 1 2 t\n").unwrap();
    assert_eq!(
        diagnostic(Run::read(&path)),
        ":2: not UTF-8; convert the file to UTF-8"
    );
}

#[test]
fn faults_of_qrels_name_the_line() {
    for grade in ["0.5", "yes", "16777217", "99999999999"] {
        assert_eq!(
            diagnostic(qrels(&format!("u 0 a -1\nu 0 b {grade}\n"))),
            format!(
                ":2: a grade is a whole number of at most 2^24, relevant if above 0, found `{grade}`"
            )
        );
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (runs, judgements) = (folder.path().join("run"), folder.path().join("qrels"));
    let rows = [("u", "a b", 0.1f32), ("u", "c", 0.1), ("", "100%", -2e-10)];
    write_run(&runs, "my method", rows).unwrap();
    write_qrels(&judgements, [("u", "c", 1), ("", "100%", -1)]).unwrap();
    assert_eq!(
        fs::read_to_string(&runs).unwrap(),
        "u Q0 a%20b 1 0.1 my%20method\nu Q0 c 2 0.1 my%20method\n\
         % Q0 100%25 1 -0.0000000002 my%20method\n"
    );
    let run = Run::read(&runs).unwrap();
    assert_eq!(ids(&run, Ties::File), ["a%20b c", "100%25"]);
    let aligned = run.align(&Qrels::read(&judgements).unwrap(), Ties::File);
    assert_eq!(aligned.rankings.get(0), [2, 0]);
    assert_eq!(aligned.rankings.get(1), [1]);
}
