//! What the process does before anything else, so that no key can leave it by accident.

use std::io::Write;
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::model::RunId;

/// The id of the run, for the panic hook.
static RUN: OnceLock<RunId> = OnceLock::new();

/// Turns core dumps and debuggers off, makes panics silent about what they held, and chooses the TLS library.
pub fn harden() {
    panic::set_hook(Box::new(hook));
    // A sandbox may forbid either call. There is nothing to be done about that, and keys are not safer if we stop.
    let _forbidden = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    undumpable();
    // An error says that one was chosen before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// No core dump, no `ptrace`, and no reading of `/proc/PID/environ` and `/proc/PID/mem` by other processes of the same
/// user (prctl(2)). It also closes `/dev/stdin` and `/dev/stdout` as paths to anybody but root.
#[cfg(target_os = "linux")]
fn undumpable() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    let _forbidden = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(not(target_os = "linux"))]
fn undumpable() {}

pub(super) fn name_run(run: &RunId) {
    // The first run of a process names it; in tests there are more.
    drop(RUN.set(run.clone()));
}

/// Says where and in which run, never what: the payload of a panic may hold anything, a key included.
fn hook(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or("an unknown place".to_owned(), |at| {
        format!("{}:{}", at.file(), at.line())
    });
    // Not `eprintln!`, which panics itself when stderr is closed.
    drop(std::io::stderr().write_all(report(&place, RUN.get()).as_bytes()));
}

fn report(place: &str, run: Option<&RunId>) -> String {
    let run = run.map_or("before the run began", RunId::as_str);
    format!(
        "error: rotakey has a fault of its own at {place} ({run})\n  \
         state: what was done is in the ledger; the next run goes on from there\n  \
         hint: report the place; what it held is left out here on purpose\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_tells_the_place_and_the_run_and_nothing_else() {
        assert_eq!(
            report(
                "src/run/process.rs:1",
                Some(&RunId::from("run_00000000002a"))
            ),
            "error: rotakey has a fault of its own at src/run/process.rs:1 (run_00000000002a)\n  \
             state: what was done is in the ledger; the next run goes on from there\n  \
             hint: report the place; what it held is left out here on purpose\n"
        );
    }
}
