//! Kill: sends the delete of a key and watches the key die.

use chrono::TimeDelta;

use crate::issuers::{Ability, Verdict};
use crate::ledger::{LedgerError, Phase, Progress as Inside, Rotation, Step};
use crate::model::{Effect, Fault, Key, SecretName};

use super::drive::Drive;
use super::outcome::Ending;

/// How long the old key may go on being accepted after the delete: the waits between the looks. Stripe was seen to
/// take several minutes, OpenAI and SendGrid announce a delay.
const DYING: [i64; 8] = [1, 2, 4, 8, 15, 30, 60, 60];

impl Drive<'_> {
    /// Kills a key and watches it die. `None`: it is not dead yet, and the ending says why.
    pub(super) fn kill(
        &mut self,
        name: &SecretName,
        key: &Key,
    ) -> Result<Option<String>, LedgerError> {
        let secret = self.secret(name);
        let place = secret.issuer.place();
        let capabilities = secret.issuer.capabilities();
        if capabilities.revokes == Ability::Yes {
            if let Err(fault) = self.send_revoke(name, key)?
                && !self.is_dead(name, key)
            {
                self.dead_end_fault(name, &fault)?;
                return Ok(None);
            }
        } else if self
            .open(name)
            .and_then(|open| open.sending.as_ref())
            .is_some_and(|sending| sending.run == self.run)
        {
            // Nothing is sent where a person does it, so that nothing has to land.
            self.inside(name, Inside::Settled)?;
        }
        if capabilities.shows_death == Ability::No {
            return Ok(Some(self.known_of_its_end(name, key)));
        }
        for seconds in DYING {
            if self.is_dead(name, key) {
                return Ok(Some(format!("{place} refuses it")));
            }
            if self.clock.stopping() || capabilities.revokes == Ability::No {
                break;
            }
            self.clock.wait(TimeDelta::seconds(seconds));
        }
        if capabilities.revokes == Ability::No {
            self.ask_person_to_end(name, key)?;
        } else {
            let (step, why) = (Step::Revoke, "it was answered, and the key still works");
            let not_done = Inside::NotDone {
                step,
                place: place.clone(),
                why: why.to_owned(),
            };
            self.inside(name, not_done)?;
            let doomed = self.doomed(name);
            self.later(
                name,
                format!("{place} still accepts {doomed} after the delete"),
                None,
            );
        }
        Ok(None)
    }

    /// What is known of the end of a version which nobody refuses: where it stands, as the guards have just seen it.
    fn known_of_its_end(&self, name: &SecretName, key: &Key) -> String {
        let live = self.state(name).and_then(|state| state.current()?.key());
        let carried = live.is_some_and(|live| {
            let value = key.fields.primary();
            live.fields.iter().any(|(_, field)| Some(field) == value)
        });
        match carried {
            true => "dropped here; the new version carries it, and who is given that accepts it until the next rotation",
            false => "no site holds it any more",
        }
        .to_owned()
    }

    /// Sends the delete. `Err`: it was clearly not done.
    pub(super) fn send_revoke(
        &mut self,
        name: &SecretName,
        key: &Key,
    ) -> Result<Result<(), Fault>, LedgerError> {
        let secret = self.secret(name);
        let place = secret.issuer.place();
        let (step, run) = (Step::Revoke, self.run.clone());
        let places = vec![place.clone()];
        self.inside(
            name,
            Inside::Sent {
                step,
                places,
                run: run.clone(),
            },
        )?;
        self.ledger.commit()?;
        self.ledger.claim().check()?;
        let killed = match self.is_emergency(name) {
            true => secret.issuer.revoke_leaked(key),
            false => secret.issuer.revoke(key),
        };
        let refused = match killed {
            Effect::Done(()) => {
                self.inside(name, Inside::Settled)?;
                Ok(())
            }
            Effect::NotDone(fault) => {
                self.inside(name, Inside::Settled)?;
                let (place, why) = (place.clone(), fault.what.clone());
                self.inside(name, Inside::NotDone { step, place, why })?;
                Err(fault)
            }
            Effect::Uncertain(Fault { what: why, .. }) => {
                let place = place.clone();
                self.inside(
                    name,
                    Inside::Doubted {
                        step,
                        place,
                        why,
                        run,
                    },
                )?;
                Ok(())
            }
        };
        self.ledger.commit()?;
        Ok(refused.map_err(|fault| fault.at(format!("revoke at {place}"))))
    }

    /// Says what a person has to do until some run has lived to say it; then every run looks whether it was done.
    fn ask_person_to_end(&mut self, name: &SecretName, key: &Key) -> Result<(), LedgerError> {
        let doomed = self.doomed(name);
        let why = format!("{doomed} is to be ended by a person; rotakey looks until it is refused");
        let said = |open: &Rotation| open.heard && open.stuck.as_ref() == Some(&why);
        if self.open(name).is_some_and(said) {
            self.end(name, Ending::Watching { why });
            return Ok(());
        }
        let steps = self.secret(name).issuer.removal(key).join("; ");
        self.stick(name, &why, steps)
    }

    /// What is to be ended, for people.
    pub(super) fn doomed(&self, name: &SecretName) -> &'static str {
        match self.phase(name) {
            Some(Phase::Discarding) => "the key that was taken back",
            _ => "the old key",
        }
    }

    pub(super) fn is_dead(&self, name: &SecretName, key: &Key) -> bool {
        self.secret(name).issuer.verify(key).verdict == Verdict::Refused
    }
}
