//! `rotakey rotate`: issues, delivers, redeploys, proves, promotes.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::issuers::ValueBy;
use crate::ledger::{Alarm, Facts, Order, State};
use crate::model::{Fields, Instant, Key, SecretName, sanitise};
use crate::rotation::{Ask, Grace, Item, Leak, Manner, Move, plan};
use crate::run::Run;

use super::drive::Purpose;
use super::joined::{Joined, join};
use super::replies::{self, Unheard};
use super::{emergency, post, report, told, using, vital};

/// Rotate what is due, or what is named
///
/// First finishes what an earlier run left open. Then every secret that is due gets a new key: issued, proven at the
/// issuer, delivered to every site, redeployed, observed to work there. Only then it becomes current, and the old key
/// lives on for its grace. What fails is taken back by itself. Run twice, the second run finds nothing due and does
/// nothing; a secret that is named is rotated again each time, once the rotation before is over.
#[derive(clap::Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("which").args(["names", "using"]))]
pub struct Args {
    /// Only these secrets, due or not
    #[arg(value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(SecretName::from(text)))]
    pub names: Vec<SecretName>,

    /// Print what would be done and do nothing
    #[arg(long)]
    pub dry_run: bool,

    /// A key has leaked: no grace; the old key is revoked in this run and then proven dead
    #[arg(long, requires = "reason", requires = "which")]
    pub emergency: bool,

    /// Every secret that this kind, account or site has seen, for the day a platform is breached
    #[arg(long, value_name = "KIND|ACCOUNT|SITE", requires = "emergency")]
    pub using: Option<String>,

    /// Kill the leaked key before the new one is delivered: whoever uses it is refused until then
    #[arg(long, requires = "emergency")]
    pub revoke_first: bool,

    /// Do not ask whether an outage is meant
    #[arg(long, requires = "revoke_first")]
    pub yes: bool,

    /// Why, for the audit log
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub reason: Option<String>,

    /// The change request this belongs to, for the audit log
    #[arg(long, value_name = "ID", requires = "names", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub ticket: Option<String>,

    /// Who approved it, for the audit log; not the one who runs this
    #[arg(long, value_name = "WHO", requires = "names", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub approved_by: Option<String>,
}

/// Finishes what is open, then rotates what is due or named.
pub fn rotate(run: &mut Run, args: &Args) -> Result<Exit> {
    let joined = join(run)?;
    joined.known(&args.names)?;
    if args.dry_run {
        return forward(run, &joined, args);
    }
    vital::around(run, &joined, "rotate", |run| forward(run, &joined, args))
}

fn forward(run: &mut Run, joined: &Joined, args: &Args) -> Result<Exit> {
    let facts = approval(run, args)?;
    if let Some(place) = &args.using {
        let exposed = using::exposed(run, joined, place)?;
        return Ok(these(run, joined, args, facts, exposed.names)?.merge(exposed.exit));
    }
    these(run, joined, args, facts, args.names.clone())
}

fn these(
    run: &mut Run,
    joined: &Joined,
    args: &Args,
    facts: Facts,
    names: Vec<SecretName>,
) -> Result<Exit> {
    let manner = match (args.emergency, names.is_empty()) {
        (true, _) => Manner::Emergency,
        (false, false) => Manner::ByHand,
        (false, true) => Manner::Unattended,
    };
    let most = if names.is_empty() {
        joined.max_per_run
    } else {
        usize::MAX
    };
    let ask = Ask {
        names: &names,
        now: run.now,
        manner,
        grace: Grace::Kept,
        frozen: joined.frozen(run.now),
        most,
    };
    // What people answered comes first. Who rotates by hand has decided, and a leak waits for nobody.
    let unheard = match (manner, args.dry_run) {
        (Manner::Unattended, false) => replies::collect(run, joined)?,
        _ => Unheard::default(),
    };
    // Looked at without the lock first: a quiet night takes no lock, sends nothing and writes nothing.
    let known = joined.read(run)?;
    let mut items = plan(&joined.secrets, known.state(), &ask);
    unheard.hold(&mut items, run.now);
    if args.dry_run {
        super::plan::show(run, joined, known.state(), &items, run.now);
        return Ok(Exit::Done);
    }
    let errands = report::errands(run, &items, known.state());
    let errands = match names.is_empty() {
        true => errands.merge(report::forgotten(run, joined, known.state())),
        false => errands,
    };
    if manner == Manner::Unattended {
        told::errands(run, joined, &items, known.state())?;
    }
    let errands = match unheard.holds(&items) {
        true => errands.merge(Exit::TryLater),
        false => errands,
    };
    let supplied = supplied(run, joined, &items, known.state(), manner)?;
    if items.iter().all(|item| item.rotate.is_none()) {
        post::leftovers(run, joined, known.state());
        return Ok(errands.merge(report::idle(run, &items, manner)));
    }
    if args.revoke_first {
        emergency::meant(run, joined, &items, args.yes)?;
    }
    let mut ledger = joined.lock(run)?;
    let mut items = plan(&joined.secrets, ledger.state(), &ask);
    unheard.hold(&mut items, run.now);
    unheard.note(&items, &mut ledger, run.now);
    let purpose = Purpose {
        supplied,
        facts,
        reason: args.reason.clone(),
        leak: args.leak(run.now),
    };
    let outcomes = match purpose.leak {
        Some(_) => emergency::fight(run, joined, &mut ledger, purpose, &items)?,
        None => emergency::to_the_end(run, joined, &mut ledger, purpose, &items)?,
    };
    let said = super::drive::say(run, &mut ledger, &outcomes)?;
    Ok(said.merge(errands))
}

impl Args {
    fn leak(&self, raised_at: Instant) -> Option<Leak> {
        let reason = self.reason.clone().filter(|_| self.emergency)?;
        let order = match self.revoke_first {
            true => Order::RevokeFirst,
            false => Order::DeliverFirst,
        };
        Some(Leak {
            reason,
            alarm: Alarm { raised_at, order },
        })
    }
}

/// What the log is to say of who allowed it. It is the word of whoever runs this; nobody approves their own request.
fn approval(run: &Run, args: &Args) -> Result<Facts> {
    let mut facts = Facts::new();
    if let Some(approver) = &args.approved_by {
        let requester = run.actor.id.as_str();
        let user = requester.split('@').next().unwrap_or_default();
        let is_own = |name: &str| name.eq_ignore_ascii_case(approver);
        if [requester, user].into_iter().any(is_own) {
            let error = Error::says(Exit::Usage, "who asks for a rotation cannot approve it");
            return Err(error.hint("name somebody else with `--approved-by`, or leave it out"));
        }
        facts.insert("approved_by".to_owned(), sanitise(approver));
    }
    if let Some(ticket) = &args.ticket {
        facts.insert("ticket".to_owned(), sanitise(ticket));
    }
    Ok(facts)
}

/// Keys that only a person can make are taken before anything is locked: a person may take a while.
fn supplied(
    run: &mut Run,
    joined: &Joined,
    items: &[Item],
    state: &State,
    manner: Manner,
) -> Result<BTreeMap<SecretName, Key>> {
    let mut supplied = BTreeMap::new();
    for item in items {
        let secret = joined.secret(&item.secret)?;
        // A leak in the middle of a rotation asks for another key after it; one that answers a leak already does not.
        let open = state
            .secret(&item.secret)
            .and_then(|known| known.rotation.as_ref());
        let again = manner == Manner::Emergency && open.is_some_and(|open| open.alarm.is_none());
        let begins = matches!(item.rotate, Some(Move::Begin(_))) || again;
        if !begins || secret.issuer.capabilities().value != ValueBy::Person {
            continue;
        }
        for step in secret.issuer.instructions() {
            run.ui.insist(&step);
        }
        let value = run
            .input
            .secret(&format!("New key for {} (hidden): ", item.title))
            .map_err(|error| Error::new(Exit::Usage, error).context("read the key"))?;
        supplied.insert(item.secret.clone(), Key::of(Fields::single(value)));
    }
    Ok(supplied)
}
