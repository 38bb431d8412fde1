//! The command line: the verbs and the flags they share. It lists, and decides nothing.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    adopt, audit, check, completions, init, man, plan, recipients, revoke, rollback, rotate,
    schema, skip,
};
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
#[expect(missing_docs, reason = "the help of a verb stands with its arguments")]
pub enum Verb {
    Init(init::Args),
    Check(check::Args),
    Adopt(adopt::Args),
    Plan(plan::Args),
    Rotate(rotate::Args),
    Revoke(revoke::Args),
    Rollback(rollback::Args),
    Skip(skip::Args),
    #[command(subcommand)]
    Audit(audit::Audit),
    Recipients(recipients::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The whole definition, for what is made of it: completions and man pages.
pub fn definition() -> clap::Command {
    Cli::command()
}

const AFTER: &str = "\
A crontab for all of it:
  0 9 * * *  rotakey plan --warn; rotakey rotate; rotakey revoke
  0 7 1 * *  rotakey audit export --csv --last-month

`rotakey --help` tells the exit codes; `rotakey VERB --help` explains a verb.";

const AFTER_LONG: &str = "\
A crontab for all of it:
  0 9 * * *  rotakey plan --warn; rotakey rotate; rotakey revoke
  0 7 1 * *  rotakey audit export --csv --last-month

Exit codes; the most urgent wins:
    0  done, or nothing was due
    1  a rotation failed; production is on the old key, as before; after a
       leak that is the leaked one
    2  wrong command line or configuration; nothing was sent
    3  a person is needed: stuck, an assisted key is due, or never adopted
    4  the ledger was refused: missing, damaged, tampered with, rolled back,
       wrong identity, or a newer format
   10  something is due (`plan --exit-code` only)
   75  try again later: lock held, network down, rate limit, disk full; or
       all was done and its output was lost
  130  stopped by SIGINT after a safe point
  143  stopped by SIGTERM or SIGHUP after a safe point

stdout is data, stderr is everything else. All times are UTC. NO_COLOR is
honoured. A key is never taken from the command line: it is typed at a hidden
prompt, or read from stdin.";

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
    ui.end(exit)
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

/// Long, and no flag that somebody has mistyped: flags have no digits.
fn may_be_a_key(given: &str) -> bool {
    let is_flag = given.starts_with("--") && !given.contains(|c: char| c.is_ascii_digit());
    given.chars().count() >= 16 && !is_flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SecretName, Span};

    fn parsed(line: &str) -> Result<Cli, String> {
        let words = line.split_whitespace().map(OsString::from);
        parse(words, Some(80)).map_err(|error| without_keys(&error))
    }

    fn verb(line: &str) -> Verb {
        parsed(line).expect("a good command line").verb
    }

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_verb() {
        for line in [
            "rotakey --json --lock-wait 90s plan",
            "rotakey plan --json --lock-wait 90s",
            "rotakey audit --json export --lock-wait 90s",
        ] {
            let options = parsed(line).expect(line).options;
            assert!(options.json, "{line}");
            assert_eq!(options.lock_wait, Span::seconds(90), "{line}");
        }
    }

    #[test]
    fn an_emergency_needs_a_reason_and_a_scope() {
        let refused = |line| parsed(line).expect_err("it is refused");
        assert!(refused("rotakey rotate --emergency openai").contains("--reason <TEXT>"));
        assert!(refused("rotakey rotate --emergency --reason leak").contains("--using"));
        assert!(refused("rotakey rotate --using vercel").contains("--emergency"));
        let Verb::Rotate(args) = verb("rotakey rotate --emergency --using vercel --reason leak")
        else {
            panic!("it is another verb");
        };
        assert_eq!(args.using.as_deref(), Some("vercel"));
        let Verb::Rotate(args) = verb("rotakey rotate --emergency a b --reason leak") else {
            panic!("it is another verb");
        };
        assert_eq!(args.names, [SecretName::from("a"), SecretName::from("b")]);
    }

    #[test]
    fn a_reason_is_not_empty() {
        let words = ["rotakey", "skip", "a", "--reason", ""].map(OsString::from);
        assert!(parse(words, None).is_err());
        assert!(parsed("rotakey skip a").is_err());
    }

    #[test]
    fn grace_is_cut_short_only_for_named_secrets() {
        assert!(parsed("rotakey revoke --now").is_err());
        assert!(parsed("rotakey revoke openai --now").is_ok());
    }

    #[test]
    fn a_period_is_said_in_one_way() {
        assert!(parsed("rotakey audit export --csv --last-month").is_ok());
        assert!(parsed("rotakey audit export --from 2024-01-01 --to 2024-02-01").is_ok());
        assert!(parsed("rotakey audit export --to 2024-02-01").is_ok());
        assert!(parsed("rotakey audit export --month 2024-01 --last-month").is_err());
        assert!(parsed("rotakey audit export --month 2024-01 --to 2024-02-01").is_err());
    }

    #[test]
    fn what_may_be_a_key_is_not_repeated() {
        let key = "sk_live_0123456789abcdef";
        for line in [
            format!("rotakey adopt stripe {key}"),
            format!("rotakey {key}"),
            format!("rotakey skip a --reason r --for {key}"),
            format!("rotakey plan --at {key}"),
            format!("rotakey adopt stripe --{key}"),
            format!("rotakey plan --lock-wait={key}"),
        ] {
            let said = parsed(&line).expect_err(&line);
            assert!(said.contains("[not shown]"), "{said}");
            assert!(!said.contains("0123456789"), "{said}");
        }
    }

    #[test]
    fn every_help_text_fits_into_eighty_columns() {
        let mut command = Cli::command().term_width(80);
        command.build();
        let texts = AFTER_LONG.lines().chain(AFTER.lines());
        assert_eq!(texts.filter(|line| line.chars().count() > 80).count(), 0);
        for verb in command.get_subcommands() {
            let about = verb
                .get_about()
                .expect("a verb says what it does")
                .to_string();
            assert!(about.chars().count() <= 68, "{about}");
            assert!(!about.ends_with('.'), "{about}");
        }
    }
}
