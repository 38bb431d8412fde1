use super::*;
use serde_json::{Value, json};

fn sh(script: &str) -> Program {
    Program::new(vec!["sh".into(), "-c".into(), script.into()])
}

fn exited(ending: Ending) -> (i32, String) {
    match ending {
        Ending::Exited(code, output) => (code, output.text().unwrap().to_owned()),
        other => panic!("{other:?}"),
    }
}

fn lost(ending: Ending) -> String {
    match ending {
        Ending::Lost(fault) => fault.what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_goes_in_comes_out_even_when_it_is_larger_than_a_pipe() {
    let input = "0123456789abcdef".repeat(40_000);
    assert_eq!(exited(sh("cat").run(input.as_bytes())), (0, input));
}

#[test]
fn a_child_that_reads_nothing_is_no_failure() {
    let input = vec![b'x'; 300_000];
    let script = "exec <&-; sleep 0.05; printf done";
    assert_eq!(exited(sh(script).run(&input)), (0, "done".into()));
}

#[test]
fn a_child_sees_four_variables_and_those_that_are_named() {
    let mut program = Program::new(vec!["env".into()]);
    program.env = vec!["KUBECONFIG".into(), "ABSENT".into()];
    let parent = |name: &str| match name {
        "PATH" => std::env::var_os("PATH"),
        "ABSENT" | "TZ" => None,
        name => Some(format!("our-{name}").into()),
    };
    let (code, text) = exited(program.start(b"", Stdio::piped(), parent));
    let seen: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("PATH="))
        .collect();
    assert_eq!(code, 0);
    assert_eq!(
        seen,
        [
            "HOME=our-HOME",
            "KUBECONFIG=our-KUBECONFIG",
            "LANG=our-LANG"
        ]
    );
}

#[test]
fn what_is_confided_stands_in_the_environment_of_the_child_and_nowhere_else() {
    let mut program = Program::new(vec!["env".into()]);
    program.confided = BTreeMap::from([("BW_SESSION", SecretValue::new("canary"))]);
    let (code, text) = exited(program.start(b"", Stdio::piped(), |_| None));
    assert_eq!((code, text.as_str()), (0, "BW_SESSION=canary\n"));
    assert!(!format!("{program:?}").contains("canary"));
}

#[test]
fn a_timeout_kills_the_child_and_what_it_started() {
    let mut program = sh("sleep 30 & echo $!; wait");
    program.timeout = Duration::from_millis(300);
    let marker = tempfile::NamedTempFile::new().unwrap();
    program.argv[2] = format!("sleep 30 & echo $! > {}; wait", marker.path().display());
    let begun = Instant::now();
    assert_eq!(
        lost(program.run(b"")),
        "`sh` took longer than 300ms and was killed"
    );
    assert!(begun.elapsed() < Duration::from_secs(5));
    let grandchild = std::fs::read_to_string(marker.path()).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{}/stat", grandchild.trim()));
    // Gone, or a zombie that waits for whoever collects orphans here.
    assert!(
        state.as_ref().map_or(true, |stat| stat.contains(") Z ")),
        "{state:?}"
    );
}

#[test]
fn a_child_that_leaves_something_running_is_done_when_it_ends_itself() {
    let begun = Instant::now();
    assert_eq!(
        exited(sh("sleep 3 & printf started").run(b"")),
        (0, "started".into())
    );
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn an_answer_without_end_is_cut_short() {
    assert_eq!(
        lost(sh("exec yes").run(b"")),
        "`sh` answered more than 1 MiB and was killed"
    );
}

#[test]
fn a_child_that_is_told_may_print_as_much_as_it_likes() {
    let script = "head -c 2097152 /dev/zero && head -c 2097152 /dev/zero >&2 && exit 3";
    assert_eq!(exited(sh(script).tell(b"")), (3, String::new()));
    let marker = tempfile::NamedTempFile::new().unwrap();
    let script = format!(
        "read word; echo heard; echo $word > {}",
        marker.path().display()
    );
    assert_eq!(exited(sh(&script).tell(b"now\n")), (0, String::new()));
    assert_eq!(std::fs::read_to_string(marker.path()).unwrap(), "now\n");
}

#[test]
fn what_does_not_start_is_not_done() {
    let fault = match Program::new(vec!["/nowhere/at-all".into()]).run(b"") {
        Ending::NotStarted(fault) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        fault.what,
        "`/nowhere/at-all` cannot be started: entity not found"
    );
    assert!(fault.hint.unwrap().contains("whole path"));
}

#[test]
fn exit_codes_say_what_became_of_the_work() {
    let of = |script: &str| match sh(script).run(b"").effect("sh") {
        Effect::Done(_) => "done".to_owned(),
        Effect::NotDone(fault) => format!("not done, {:?}: {fault}", fault.kind),
        Effect::Uncertain(fault) => format!("uncertain: {fault}"),
    };
    assert_eq!(of("exit 0"), "done");
    assert_eq!(of("exit 1"), "uncertain: `sh` failed (exit 1)");
    assert_eq!(of("exit 2"), "uncertain: `sh` failed (exit 2)");
    assert_eq!(
        of("exit 75"),
        "not done, Passing: `sh` asks to be tried later (exit 75)"
    );
    assert_eq!(
        of("exit 66"),
        "not done, Missing: `sh` says that something is missing (exit 66)"
    );
    assert_eq!(of("exit 64"), "not done, Refused: `sh` refused (exit 64)");
    assert_eq!(of("exit 127"), "uncertain: `sh` failed (exit 127)");
    assert_eq!(of("kill -9 $$"), "uncertain: `sh` was killed by a signal");
}

#[test]
fn an_answer_that_cannot_be_read_is_uncertain_and_not_quoted() {
    let answer: Effect<Value> = sh("printf '{\"value\": sk-live}'").ask(&json!({}));
    let what = "`sh`: the answer is not what was asked for, at line 1 column 11";
    assert_eq!(answer, Effect::Uncertain(Fault::refused(what)));
}

#[test]
fn standard_error_and_answers_are_never_shown() {
    let ending = sh("echo sk-live >&2; echo sk-live; exit 3").run(b"");
    assert_eq!(format!("{ending:?}"), "Exited(3, [redacted])");
}

#[test]
fn a_question_in_json_is_answered_in_json() {
    let answer: Effect<Value> = sh("cat").ask(&json!({"operation": "check"}));
    assert_eq!(answer, Effect::Done(json!({"operation": "check"})));
}
