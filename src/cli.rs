//! The command line: the verbs and the flags they share. It lists, and decides nothing.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{adopt, audit, check, init, plan, revoke, rollback, rotate, skip};
use crate::exit::Exit;
use crate::run::{Host, Options};
use crate::ui::{Manner, Printer};

/// Rotates API keys and passwords on schedule, without downtime
#[derive(Parser, Clone, Debug)]
#[command(name = "rotakey", version, after_help = AFTER, after_long_help = AFTER_LONG)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// The flags that every verb takes.
    #[command(flatten)]
    pub options: Options,
}

/// What to do.
#[derive(Subcommand, Clone, Debug)]
pub enum Verb {
    /// Sets up a directory.
    Init(init::Args),
    /// Looks whether everything would work.
    Check(check::Args),
    /// Takes over a live key.
    Adopt(adopt::Args),
    /// Shows what is due.
    Plan(plan::Args),
    /// Rotates.
    Rotate(rotate::Args),
    /// Ends old keys.
    Revoke(revoke::Args),
    /// Goes back to the key before.
    Rollback(rollback::Args),
    /// Postpones.
    Skip(skip::Args),
    /// Evidence for an auditor
    #[command(subcommand)]
    Audit(audit::Audit),
}

const AFTER: &str = "\
A crontab for all of it:
  0 9 * * *  rotakey plan --warn  &&  rotakey rotate  &&  rotakey revoke
  0 7 1 * *  rotakey audit export --csv --last-month

`rotakey --help` tells the exit codes, `rotakey VERB --help` tells more of a verb.";

const AFTER_LONG: &str = "\
A crontab for all of it:
  0 9 * * *  rotakey plan --warn  &&  rotakey rotate  &&  rotakey revoke
  0 7 1 * *  rotakey audit export --csv --last-month

Exit codes; the most urgent wins:
    0  done, or nothing was due
    1  a rotation failed; production is safe on the old key
    2  the command line or the configuration is wrong; nothing was sent
    3  a person is needed: stuck, a key that a person makes is due, or a secret was never adopted
    4  the ledger was refused: missing, corrupt, tampered with, rolled back, wrong identity, newer format
   10  something is due (only `plan --exit-code`)
   75  try again later: another run holds the ledger, the network is down, a vendor asked for patience
  130  stopped by SIGINT after a safe point
  143  stopped by SIGTERM or SIGHUP after a safe point

stdout is data, stderr is everything else; all times are UTC. NO_COLOR is honoured.
A key is never taken from the command line: it is typed at a hidden prompt, or read from stdin.";

/// Reads the command line. `width` is the width of the terminal, for help texts. Help is an `Err` too.
pub fn parse(
    words: impl IntoIterator<Item = OsString>,
    width: Option<usize>,
) -> Result<Cli, clap::Error> {
    let command = Cli::command().term_width(width.unwrap_or(100).clamp(40, 100));
    let mut matches = command.try_get_matches_from(words)?;
    Cli::from_arg_matches_mut(&mut matches)
}

/// Gives the help or the version that was asked for, or says what is wrong with the command line.
pub fn answer(host: Host, answer: &clap::Error) -> Exit {
    let mut ui = Printer::new(host.stdout, host.stderr, Manner::People, &*host.environment);
    let exit = match answer.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            ui.data(&answer.to_string());
            Exit::Done
        }
        _ => {
            ui.insist(&without_keys(answer));
            Exit::Usage
        }
    };
    match ui.finish() {
        Ok(()) => exit,
        Err(_) => exit.merge(Exit::Failed),
    }
}

/// What is wrong, without repeating anything that might be a key which was given as an argument by mistake: the text
/// ends in logs that more people read than the command line.
fn without_keys(error: &clap::Error) -> String {
    let told = [
        ContextKind::InvalidArg,
        ContextKind::InvalidValue,
        ContextKind::InvalidSubcommand,
    ];
    let mut text = error.to_string();
    for kind in told {
        if let Some(ContextValue::String(given)) = error.get(kind)
            && may_be_a_key(given)
        {
            text = text.replace(given.as_str(), "[not shown]");
        }
    }
    text
}

fn may_be_a_key(given: &str) -> bool {
    given.chars().count() >= 16 && !given.starts_with("--")
}
