//! `rotakey rollback`: back to the key before.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::{Phase, SecretState, State};
use crate::model::SecretName;
use crate::rotation::{self, Ending, Outcome};
use crate::run::Run;

use super::drive::{self, Purpose};
use super::joined::join;

/// Put the previous key back on every site, and revoke the new one
///
/// Possible until the old key is revoked. The old key is proven at the issuer before it is written anywhere.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The secret, as `rotations.yaml` names it
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub name: SecretName,

    /// Why, for the audit log
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: Option<String>,
}

/// Puts the old key back.
pub fn rollback(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    joined.known(std::slice::from_ref(&args.name))?;
    possible(joined.read(run)?.state(), &args.name)?;
    let mut ledger = joined.lock(run)?;
    possible(ledger.state(), &args.name)?;
    let why = match &args.reason {
        Some(reason) => format!("a person asked for it: {reason}"),
        None => "a person asked for it".to_owned(),
    };
    let purpose = Purpose {
        reason: args.reason.clone(),
        ..Purpose::default()
    };
    let outcomes = drive::with(run, &joined, &mut ledger, purpose, |tools| {
        rotation::rollback(tools, &args.name, &why)
    })?;
    // Asked for and done is not a failure.
    let asked = |outcome: &&Outcome| !matches!(outcome.result, Ending::RolledBack { .. });
    let rest: Vec<Outcome> = outcomes.iter().filter(asked).cloned().collect();
    drive::say(run, &mut ledger, &rest)
}

/// A rollback needs an open rotation whose old key still lives.
fn possible(state: &State, name: &SecretName) -> Result<()> {
    let known = state.secret(name);
    let phase = known
        .and_then(|secret| secret.rotation.as_ref())
        .and_then(|open| open.phase().ok());
    let why = match phase {
        None => "there is nothing to roll back: no rotation is open",
        Some(Phase::Revoking) => "it is too late to roll back: the old key is being revoked",
        Some(_) if known.is_some_and(SecretState::no_way_back) => {
            "it is too late to roll back: the old key was revoked first"
        }
        Some(_) => return Ok(()),
    };
    let way_on = match phase {
        Some(Phase::Revoking) => format!("rotakey revoke {name}   goes on"),
        _ => format!("rotakey rotate {name}   goes on, or makes a new key"),
    };
    let error = Error::says(Exit::Usage, format!("secret `{name}`: {why}"));
    Err(error.state(rotation::sentence(known)).hint(way_on))
}
