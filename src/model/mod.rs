//! The words of the program as types: names, secret values, keys, what an outside call came to, and time.
//!
//! Nothing here does anything. Every other storey may import it; it imports nothing of ours.

mod account;
mod clock;
mod credential;
mod effect;
mod freeze;
mod hint;
mod key;
mod kind;
mod names;
mod policy;
mod schedule;
mod span;
mod template;
mod untrusted;
mod value;
pub mod when;

pub use account::Account;
pub use clock::Clock;
pub use credential::Credential;
pub use effect::{Effect, Fault, FaultKind, Finding};
pub use freeze::Freeze;
pub use hint::{Hint, Making};
pub use key::Key;
pub use kind::{AccountShape, IssuerKind, IssuerStarter, TargetKind, TargetStarter};
pub use names::{
    AccountName, DeploymentId, FieldName, KeyId, RotationId, RunId, SecretName, ServiceId, SiteId,
    StageName, Tag, VersionNumber,
};
pub use policy::{Canary, Policy};
pub use schedule::Schedule;
pub use span::{Span, SpanError};
pub use template::{Template, TemplateError};
pub use untrusted::sanitise;
pub use value::{Fields, SecretValue};

/// An instant. Everything rotakey stores, compares and prints is UTC.
pub type Instant = chrono::DateTime<chrono::Utc>;
