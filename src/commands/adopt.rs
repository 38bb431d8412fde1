//! `rotakey adopt`: takes over a key that is live today.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::issuers::{Ability, ValueBy, Verdict};
use crate::ledger::{NewVersion, SecretState, Version, What};
use crate::model::{
    Fault, FaultKind, FieldName, Fields, Hint, Instant, Key, KeyId, Making, SecretName, SecretValue,
};
use crate::rotation::{self, Secret};
use crate::run::Run;
use crate::targets::{Pass, Stored};

use super::joined::{Joined, join, record, refused};
use super::typed;

/// Take over the key that is live today
///
/// rotakey rotates on its own only what it knows: without the old value nothing could be rolled back. The value is
/// asked for at a hidden prompt, or read from stdin until its end; never from the command line, which every user of
/// the machine can see. It is proven at the issuer before it is recorded, and nothing is sent to any target.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The secret, as `rotations.yaml` names it
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub name: SecretName,

    /// The issuer's own public id of the key, where rotakey cannot find it out; never the key
    #[arg(long, value_name = "ID", value_parser = |text: &str| Ok::<_, String>(KeyId::from(text)))]
    pub key_id: Option<KeyId>,

    /// When the key was made; the first rotation is due from then on, and else from now on
    #[arg(long, value_name = "DATE", value_parser = typed::instant)]
    pub created: Option<Instant>,

    /// Read the value from a site that shows it, such as a `.env` file, by the label `plan` prints
    #[arg(long, value_name = "LABEL")]
    pub from_site: Option<String>,
}

/// Takes over the key that is live today: proven at the issuer, recorded, and nothing sent to any target.
pub fn adopt(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let secret = joined.secret(&args.name)?;
    let known = joined.read(run)?;
    free(known.state().secret(&args.name), &args.name)?;
    let fields = match &args.from_site {
        Some(label) => Fields::single(from_site(secret, label)?),
        None => asked(run, &joined, secret)?,
    };
    let (key, created_at) = proven(run, secret, args, fields)?;
    let mut ledger = joined.lock(run)?;
    let state = ledger.state().secret(&args.name);
    free(state, &args.name)?;
    let fingerprint = ledger.fingerprint(&key.fields);
    let current = state.and_then(SecretState::current);
    if current.is_some_and(|current| current.fingerprint == fingerprint && current.key_id == key.id)
    {
        run.ui
            .say(&format!("{}: this key is known already", args.name));
        return Ok(Exit::Done);
    }
    if let Some(other) = current.filter(|current| current.fingerprint != fingerprint) {
        superseded(secret, other)?;
    }
    let making = match secret.issuer.capabilities().value {
        ValueBy::Issuer | ValueBy::Person => Making::Machine,
        // What stands in a file may have been made up by a person.
        ValueBy::Rotakey => Making::Unknown,
    };
    let hint = key.fields.primary().map(|value| Hint::of(value, making));
    let hint = hint
        .ok_or_else(|| Error::says(Exit::Usage, "the key has no field that could be its value"))?;
    let said = format!("{}: adopted key {hint}", args.name);
    let what = What::Adopted(NewVersion {
        key,
        hint,
        fingerprint,
        created_at,
    });
    record(run, &mut ledger, args.name.clone(), what)?;
    ledger.commit().map_err(refused)?;
    run.ui.say(&said);
    Ok(Exit::Done)
}

/// While a rotation is open, rotakey knows which key is live; a key from outside would contradict it.
fn free(state: Option<&SecretState>, name: &SecretName) -> Result<()> {
    if state.is_none_or(|state| state.rotation.is_none()) {
        return Ok(());
    }
    let error = Error::says(Exit::Usage, format!("secret `{name}`: a rotation is open"));
    Err(error
        .state(rotation::sentence(state))
        .hint("let `rotakey rotate` and `rotakey revoke` finish it first"))
}

/// A key that was replaced by hand may only be forgotten once it is dead.
fn superseded(secret: &Secret, other: &Version) -> Result<()> {
    let alive = other.key().map(|key| secret.issuer.verify(&key).verdict);
    let shows_death = secret.issuer.capabilities().shows_death == Ability::Yes;
    match alive {
        Some(Verdict::Works | Verdict::Denied) if shows_death => {
            let name = &secret.name;
            let error = Error::says(
                Exit::Usage,
                format!("secret `{name}`: key {} still works", other.hint),
            );
            Err(error.hint(format!(
                "rotate it with `rotakey rotate {name}`, or revoke it at the issuer first"
            )))
        }
        Some(Verdict::Unknown(fault)) => {
            Err(Error::from(fault).context(format!("key {}", other.hint)))
        }
        _ => Ok(()),
    }
}

fn asked(run: &mut Run, joined: &Joined, secret: &Secret) -> Result<Fields> {
    let names = &joined.about[&secret.name].fields;
    let title = &secret.policy.title;
    let read = |run: &mut Run, question: &str| {
        run.input
            .secret(question)
            .map_err(|error| Error::new(Exit::Usage, error).context("read the key"))
    };
    match names.as_slice() {
        [] | [_] => {
            let name = names
                .first()
                .cloned()
                .unwrap_or_else(|| FieldName::from(Fields::VALUE));
            Ok(Fields::from_iter([(
                name,
                read(run, &format!("Live key of {title} (hidden): "))?,
            )]))
        }
        many if run.input.is_terminal() => {
            let ask = |name: &FieldName| {
                Ok((
                    name.clone(),
                    read(run, &format!("{name} of {title} (hidden): "))?,
                ))
            };
            many.iter().map(ask).collect()
        }
        many => {
            let text = read(run, "")?;
            let object: BTreeMap<FieldName, String> =
                serde_json::from_str(text.expose()).map_err(|_| {
                    let listed: Vec<String> = many
                        .iter()
                        .map(|name| format!("\"{name}\": \"…\""))
                        .collect();
                    let error = Error::says(
                        Exit::Usage,
                        "this key has several fields, and stdin holds no JSON object of them",
                    );
                    error.hint(format!("pipe in {{{}}}", listed.join(", ")))
                })?;
            Ok(object
                .into_iter()
                .map(|(name, value)| (name, SecretValue::new(value)))
                .collect())
        }
    }
}

/// Reads the value where it is shown.
fn from_site(secret: &Secret, label: &str) -> Result<SecretValue> {
    let mut labels = Vec::new();
    for destination in &secret.destinations {
        let sites = destination.target.sites(Pass(1));
        for site in sites.map_err(|fault| unreadable(secret, fault))? {
            let named = site.label == label || destination.target.label() == label;
            match site.stored {
                Stored::Value(value) if named => return Ok(value),
                _ => labels.push(site.label),
            }
        }
    }
    let error = Error::says(
        Exit::Usage,
        format!("no site `{}` shows its value", label.escape_debug()),
    );
    Err(error.hint(format!("the sites are: {}", labels.join(", "))))
}

/// Nothing was rotated: what is wrong is the label or the configuration, or it passes.
fn unreadable(secret: &Secret, fault: Fault) -> Error {
    let exit = match fault.kind {
        FaultKind::Passing => Exit::TryLater,
        FaultKind::Refused | FaultKind::Missing => Exit::Usage,
    };
    Error::from(fault)
        .with_exit(exit)
        .context(format!("secret `{}`", secret.name))
        .state("nothing was recorded")
}

fn proven(run: &Run, secret: &Secret, args: &Args, fields: Fields) -> Result<(Key, Instant)> {
    let mut key = Key::of(fields);
    let mut created_at = None;
    if let Some((id, found, made)) = secret.issuer.identify(&key).map_err(Error::from)? {
        key = Key {
            id: Some(id),
            notes: found.notes,
            ..key
        };
        created_at = made;
    }
    if let Some(id) = &args.key_id {
        key.id = Some(id.clone());
    }
    if secret.issuer.capabilities().value == ValueBy::Person {
        key = secret.issuer.take(key, None).map_err(|fault| {
            Error::from(fault)
                .context(format!("secret `{}`", secret.name))
                .state("nothing was recorded")
        })?;
    }
    match secret.issuer.verify(&key).verdict {
        Verdict::Works | Verdict::Denied => {}
        Verdict::Refused => {
            let place = secret.issuer.place();
            let error = Error::says(
                Exit::Failed,
                format!("secret `{}`: {place} refuses this key", secret.name),
            );
            return Err(error
                .state("nothing was recorded")
                .hint("give the key that is live today"));
        }
        Verdict::Unknown(fault) => {
            return Err(Error::from(fault)
                .context(format!("secret `{}`: verify", secret.name))
                .state("nothing was recorded"));
        }
    }
    Ok((
        key,
        args.created.or(created_at).unwrap_or(run.now).min(run.now),
    ))
}
