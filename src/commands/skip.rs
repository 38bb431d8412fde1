//! `rotakey skip`: not now.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ledger::{Phase, SecretState, What};
use crate::model::{Hint, Instant, SecretName, Span, sanitise, when};
use crate::rotation::Secret;
use crate::run::Run;

use super::joined::{join, record, refused};

/// Postpone a rotation
///
/// Leaves an exception in the audit log. While an old key waits out its grace, it stays alive until the new date as well. A secret whose policy has a `max_age` cannot be postponed beyond it.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// The secret, as `rotations.yaml` names it
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub name: SecretName,

    /// For how long; the policy's `skip` (30d unless configured) if not said
    #[arg(long = "for", value_name = "TIME", value_parser = Span::parse)]
    pub span: Option<Span>,

    /// Why, for the audit log
    #[arg(long, value_name = "TEXT", required = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: String,
}

/// Moves the due date.
pub fn skip(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    let secret = joined.secret(&args.name)?;
    let mut ledger = joined.lock(run)?;
    let state = ledger.state().secret(&args.name);
    let until = until(secret, state, args.span, None, run.now)?;
    let known = ledger
        .state()
        .secret(&args.name)
        .and_then(|state| state.skip.as_ref());
    let said = format!("{}: postponed to {}", args.name, when::date(until));
    let old = in_grace(state).map(|old| {
        format!(
            "{name}: the old key {old} stays alive until then as well; `rotakey revoke {name} --now` ends it",
            name = args.name
        )
    });
    if known.is_some_and(|skip| skip.until == until) {
        run.ui.say(&format!("{said} already"));
        return Ok(Exit::Done);
    }
    let what = What::Skipped {
        until,
        reason: sanitise(&args.reason),
    };
    record(run, &mut ledger, args.name.clone(), what)?;
    ledger.commit().map_err(refused)?;
    run.ui.say(&said);
    if let Some(old) = old {
        run.ui.say(&old);
    }
    Ok(Exit::Done)
}

/// The old key of a rotation that waits out its grace: what is postponed revokes nothing either.
fn in_grace(state: Option<&SecretState>) -> Option<&Hint> {
    let state = state?;
    let open = state.rotation.as_ref()?;
    if open.phase() != Ok(Phase::Grace) {
        return None;
    }
    Some(&state.version(open.from?)?.hint)
}

/// Counted from the due date as the schedule has it, or from the one that is named, so that saying it twice postpones
/// once. What is overdue is counted from today.
pub(super) fn until(
    secret: &Secret,
    state: Option<&SecretState>,
    span: Option<Span>,
    named: Option<Instant>,
    now: Instant,
) -> Result<Instant> {
    let name = &secret.name;
    let since = state.and_then(|state| state.rotated_at);
    let due = since.and_then(|since| secret.policy.every.due_after(since));
    let (Some(since), Some(due)) = (since, due) else {
        let error = Error::says(
            Exit::Usage,
            format!("secret `{name}` is not due at any time: it was never adopted"),
        );
        return Err(error.hint(format!("rotakey adopt {name}")));
    };
    let today = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let from = named.unwrap_or(due.max(today));
    let span = span.unwrap_or(secret.policy.skip);
    if span == Span::ZERO {
        let what = format!("secret `{name}`: no time at all postpones nothing");
        return Err(Error::says(Exit::Usage, what).hint("say how long: `--for 14d`"));
    }
    let until = from + span.delta();
    let Some(most) = secret.policy.max_age else {
        return Ok(until);
    };
    let latest = since + most.delta();
    if latest <= now.max(due) {
        let why =
            format!("secret `{name}` may not become older than {most} and cannot be postponed");
        return Err(Error::says(Exit::Usage, why).hint(format!("rotakey rotate {name}")));
    }
    Ok(until.min(latest))
}
