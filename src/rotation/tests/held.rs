//! A platform that has the new deployment ready, holds it back, and loses the answer to the request to give it traffic.

use super::*;
use crate::model::{DeploymentId, Effect, Finding, ServiceId};
use crate::targets::{Activation, Confirmation, Pass, Service, Since, Site, Target, Written};

struct Held(Platform);

impl Target for Held {
    fn label(&self) -> String {
        self.0.label()
    }

    fn check(&self) -> Vec<Finding> {
        self.0.check()
    }

    fn sites(&self, pass: Pass) -> Result<Vec<Site>, Fault> {
        self.0.sites(pass)
    }

    fn write(&self, site: &Site, value: &SecretValue) -> Effect<Written> {
        self.0.write(site, value)
    }

    fn activate(&self, service: &Service) -> Effect<Activation> {
        self.0.activate(service)
    }

    fn confirm(&self, service: &Service, since: Since<'_>) -> Result<Confirmation, Fault> {
        let asked = since.activation.and_then(|asked| asked.deployment.clone());
        match (self.0.confirm(service, since)?, asked) {
            (Confirmation::Serving { .. }, Some(deployment))
                if service.id == ServiceId::new("web") =>
            {
                Ok(Confirmation::Held { deployment })
            }
            (seen, _) => Ok(seen),
        }
    }

    fn release(&self, _service: &Service, _deployment: &DeploymentId) -> Effect<()> {
        Effect::Uncertain(Fault::passing("no answer"))
    }
}

#[test]
fn traffic_that_may_still_be_given_is_waited_for_before_anything_is_put_back() {
    let mut life = Life::new(ValueBy::Issuer);
    let target = Arc::new(Held(Platform {
        outside: life.outside.clone(),
    }));
    let secret = life.secrets.get_mut(&name()).expect("the secret");
    secret.destinations[0].target = target;
    drop(life.night(Manner::Unattended).expect("no death"));
    let open = life.state().rotation.expect("it is open");
    assert_eq!(open.phase(), Ok(Phase::Undoing));
    assert!(open.unsettled.is_some());
    let story = life.outside.world().story();
    let back = format!("value: {FIRST:?}");
    assert!(!story.contains(&back), "{story}");
}
