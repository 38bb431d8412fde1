//! `rotakey revoke`: ends old keys.

use crate::error::Result;
use crate::exit::Exit;
use crate::model::SecretName;
use crate::rotation::{self, Ask, Grace, Manner, Standing, plan};
use crate::run::Run;

use super::drive::Purpose;
use super::joined::{Joined, join};
use super::{post, report, vital};

/// Revoke old keys whose grace is over and that nothing uses
///
/// Looks at every site first, at what it stores and at what it runs. If one still uses the old key, nothing is
/// revoked and the site is named. A revoked key is called with until it is refused.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Only these secrets
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub names: Vec<SecretName>,

    /// Do not wait for the end of the grace of the named secrets; every other check stays
    #[arg(long, requires = "names")]
    pub now: bool,
}

/// Kills what is over, and cleans up what was taken back.
pub fn revoke(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    joined.known(&args.names)?;
    vital::around(run, &joined, "revoke", |run| end(run, &joined, args))
}

fn end(run: &mut Run, joined: &Joined, args: &Args) -> Result<Exit> {
    let grace = if args.now { Grace::Waived } else { Grace::Kept };
    let manner = if args.names.is_empty() {
        Manner::Unattended
    } else {
        Manner::ByHand
    };
    let ask = Ask {
        names: &args.names,
        now: run.now,
        manner,
        grace,
        frozen: None,
        most: usize::MAX,
    };
    let known = joined.read(run)?;
    let items = plan(&joined.secrets, known.state(), &ask);
    // Errands of rotations that have not begun are `rotate`'s to tell.
    let open: Vec<_> = items
        .iter()
        .filter(|item| matches!(item.standing, Standing::Open(_)))
        .cloned()
        .collect();
    let errands = report::errands(run, &open, known.state());
    let errands = match args.names.is_empty() {
        true => errands.merge(report::forgotten(run, joined, known.state())),
        false => errands,
    };
    if items.iter().all(|item| item.revoke.is_none()) {
        post::leftovers(run, joined, known.state());
        return Ok(errands.merge(report::idle(run, &items, manner)));
    }
    let mut ledger = joined.lock(run)?;
    let items = plan(&joined.secrets, ledger.state(), &ask);
    let outcomes = super::drive::with(run, joined, &mut ledger, Purpose::default(), |tools| {
        rotation::revoke(tools, &items, grace)
    })?;
    let said = super::drive::say(run, &mut ledger, &outcomes)?;
    Ok(said.merge(errands))
}
