//! Rotates API keys and passwords on schedule, without downtime.
//!
//! One process is one run: it reads `rotations.yaml` and the ledger, does what is due, records it, and ends.
//!
//! | storey | folders | |
//! | --- | --- | --- |
//! | 7 | `main`, `lib`, [`cli`] | the door |
//! | 6 | [`commands`] | a file per verb; the only place that joins things |
//! | 5 | [`run`] | this invocation |
//! | 4 | [`config`], [`ui`], [`audit`] | what is meant, what is seen, what is shown as evidence |
//! | 3 | [`rotation`] | the heart |
//! | 2 | [`issuers`], [`targets`], [`notify`], [`ledger`] | neighbours that do not know each other |
//! | 1 | [`http`], [`exec`] | the ways out |
//! | 0 | [`model`], [`error`], [`exit`] | the words |
//!
//! A file imports from its own folder and from storeys strictly below, nothing else.

pub mod audit;
pub mod cli;
pub mod commands;
pub mod config;
pub mod error;
pub mod exec;
pub mod exit;
pub mod http;
pub mod issuers;
pub mod ledger;
pub mod model;
pub mod notify;
pub mod rotation;
pub mod run;
pub mod targets;
pub mod ui;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cli::{Cli, Verb};
use error::{Error, Result};
use exit::Exit;
use run::{Host, Run};
use ui::Printer;

/// The whole program: this process, its command line, its exit code.
pub fn main() -> Exit {
    run::harden();
    match Host::system() {
        // A panic has spoken already. Its exit code would be 101, which the documentation does not know.
        Ok(host) => catch_unwind(AssertUnwindSafe(|| invoke(host, std::env::args_os())))
            .unwrap_or(Exit::PersonNeeded),
        Err(error) => {
            let error = Error::new(Exit::TryLater, error).context("listen to signals");
            Printer::bare().error(&error);
            error.exit()
        }
    }
}

/// One run on that host. Nothing outside of `host` is read or written, except files.
pub fn invoke(host: Host, words: impl IntoIterator<Item = OsString>) -> Exit {
    let width = host.stdout.size().map(|size| size.columns.into());
    match cli::parse(words, width) {
        Err(answer) => cli::answer(host, &answer),
        Ok(Cli { verb, options }) => {
            let mut run = Run::begin(host, options);
            let exit = carry_out(&mut run, verb).unwrap_or_else(|error| {
                run.ui.error(&error);
                error.exit()
            });
            run.end(exit)
        }
    }
}

fn carry_out(run: &mut Run, verb: Verb) -> Result<Exit> {
    match verb {
        Verb::Init(args) => commands::init::init(run, args),
        Verb::Check(args) => commands::check::check(run, &args),
        Verb::Adopt(args) => commands::adopt::adopt(run, &args),
        Verb::Plan(args) => commands::plan::plan(run, &args),
        Verb::Rotate(args) => commands::rotate::rotate(run, &args),
        Verb::Revoke(args) => commands::revoke::revoke(run, &args),
        Verb::Rollback(args) => commands::rollback::rollback(run, &args),
        Verb::Skip(args) => commands::skip::skip(run, &args),
        Verb::Audit(commands::audit::Audit::Export(args)) => {
            commands::audit::export::export(run, &args)
        }
        Verb::Audit(commands::audit::Audit::Verify(args)) => {
            commands::audit::verify::verify(run, &args)
        }
        Verb::Audit(commands::audit::Audit::Anchor(args)) => {
            commands::audit::anchor::anchor(run, &args)
        }
        Verb::Audit(commands::audit::Audit::Reconcile(args)) => {
            commands::audit::reconcile::reconcile(run, &args)
        }
        Verb::Recipients(args) => commands::recipients::recipients(run, &args),
        Verb::Schema(args) => Ok(commands::schema::schema(run, &args)),
        Verb::Completions(args) => Ok(commands::completions::completions(
            run,
            &args,
            cli::definition(),
        )),
        Verb::Man(args) => commands::man::man(run, &args, cli::definition()),
    }
}
