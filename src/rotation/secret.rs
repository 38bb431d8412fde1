//! A secret with everything it needs to be rotated: its policy, its issuer and its destinations.

use std::sync::Arc;

use crate::issuers::Issuer;
use crate::model::{Clock, Fault, Fields, Policy, SecretName, SecretValue, StageName};
use crate::targets::Target;

/// An entry of `rotations.yaml`, joined with what it names.
pub struct Secret {
    /// Its name.
    pub name: SecretName,
    /// When and how patiently.
    pub policy: Policy,
    /// Who makes and kills its versions.
    pub issuer: Arc<dyn Issuer>,
    /// Where its versions go.
    pub destinations: Vec<Destination>,
    /// Where the secret is a credential of rotakey's own: what must succeed with a version before the one before it
    /// may go.
    pub proof: Option<Proof>,
}

/// One target of a secret, and what of a version it takes.
pub struct Destination {
    /// Where to.
    pub target: Arc<dyn Target>,
    /// Which text of a version it takes: a field, or a template over several.
    pub render: Render,
    /// In which stage.
    pub stage: Option<StageName>,
    /// Probes that must pass before a service counts as healthy.
    pub probes: Vec<Probe>,
}

/// Turns the fields of a version into the one text a site holds.
pub type Render = Box<dyn Fn(&Fields) -> Result<SecretValue, Fault> + Send + Sync>;

/// Makes one privileged call with these fields at every account of rotakey's own that uses the secret.
pub type Proof = Box<dyn Fn(&Fields) -> Result<(), Fault> + Send + Sync>;

/// Asks a running service whether it is well.
pub type Probe = Box<dyn Fn(&dyn Clock) -> Result<(), Fault> + Send + Sync>;
