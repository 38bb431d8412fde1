//! Revoke: the point of no return. Every condition is looked at here, in this run, right before the delete is sent.

use chrono::TimeDelta;

use crate::ledger::{LedgerError, Phase, Rotation, What};
use crate::model::{Instant, SecretName};

use super::clearance::Clearance;
use super::deliver::is_everywhere;
use super::drive::{Drive, Grace};
use super::due;
use super::outcome::Ending;
use super::progress::Happening;

impl Drive<'_> {
    pub(super) fn revoke(&mut self, grace: Grace) -> Result<(), LedgerError> {
        let names = self.at(&[Phase::Grace, Phase::Revoking]);
        self.revoke_those(names, grace)
    }

    pub(super) fn revoke_those(
        &mut self,
        names: Vec<SecretName>,
        grace: Grace,
    ) -> Result<(), LedgerError> {
        for name in names {
            if self.clock.stopping() {
                break;
            }
            let grace = if self.is_emergency(&name) {
                Grace::Waived
            } else {
                grace
            };
            if let Some(died) = self.died_first(&name) {
                self.gone(&name, None, died)?;
                continue;
            }
            // It replaced nothing, and a run died before it could say so.
            let first = |open: &Rotation| open.from.is_none() && is_everywhere(open);
            if self.open(&name).is_some_and(first) {
                self.record(&name, What::Finished { observed: None })?;
                continue;
            }
            if self.may_destroy(&name, grace)? == Clearance::Withheld
                || self.reap_twins(&name)? == Clearance::Withheld
            {
                self.put_off_end(&name)?;
                continue;
            }
            // One that had to die first has no value any more, and its rotation goes on until every site has the new one.
            let Some(key) = self.old(&name).and_then(|old| old.key()) else {
                self.later(&name, "not every site has the new key yet", None);
                continue;
            };
            if self.phase(&name) == Some(Phase::Grace) {
                self.record(
                    &name,
                    What::RevokeIntended {
                        run: self.run.clone(),
                    },
                )?;
            }
            let Some(observed) = self.kill(&name, &key)? else {
                continue;
            };
            let now = self.clock.now();
            self.gone(&name, Some(observed), now)?;
        }
        self.ledger.commit()
    }

    /// The old key is dead, and with it the rotation is over.
    fn gone(
        &mut self,
        name: &SecretName,
        observed: Option<String>,
        died: Instant,
    ) -> Result<(), LedgerError> {
        let old = self.old(name).map(|old| old.hint.clone());
        let services = self.open(name).map_or(0, |open| open.services.len());
        let exposed = self.exposed(name, died);
        let secret = self.secret(name);
        let observed = observed.map(|observed| counted(observed, exposed));
        let seen = observed.clone();
        let seen = seen.unwrap_or_else(|| counted("it died before the delivery".into(), exposed));
        self.record(name, What::Finished { observed })?;
        self.ledger.commit()?;
        let next = self.state(name).and_then(|state| due::due(secret, state));
        self.tell(
            name,
            Happening::Revoked {
                old: old.as_ref(),
                services,
                observed: &seen,
                next,
            },
        );
        self.end(name, Ending::Revoked { old, exposed });
        Ok(())
    }

    /// When the old key died, where it had to die first.
    fn died_first(&self, name: &SecretName) -> Option<Instant> {
        let everywhere = self.open(name).is_some_and(is_everywhere);
        self.old(name)?.revoked_at.filter(|_| everywhere)
    }
}

/// What was observed, and how long after somebody had said that the key leaked.
pub(super) fn counted(observed: String, exposed: Option<TimeDelta>) -> String {
    match exposed {
        Some(exposed) => format!("{observed}, {} s after the command", exposed.num_seconds()),
        None => observed,
    }
}
