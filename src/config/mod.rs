//! The configuration: what is typed in `rotations.yaml`, and what is meant by it.
//!
//! Nothing here knows a kind of issuer or target. What it needs of them:
//!
//! | from | what |
//! | --- | --- |
//! | `issuers::KINDS`, `targets::KINDS` | rows of data: the name, the account, the fields or the address ([`IssuerKind`](crate::model::IssuerKind), [`TargetKind`](crate::model::TargetKind)) |
//! | `issuers::IssuerConfig`, `targets::TargetConfig` | enums with one variant per kind, `#[derive(Deserialize)]` with `rename_all = "kebab-case"` and **no** `tag`: the value of `kind:` is the variant, the keys that are left are its content. The structs say `deny_unknown_fields`. Errors keep line and column that way |
//!
//! The keys `kind`, `account`, `field`, `value`, `health` and `stage` of a target, and `kind` and `account` of an
//! issuer, are read here and never reach the kind.
//!
//! | file | reads |
//! | --- | --- |
//! | `file` | text to a tree with positions; aliases, anchors, tags, duplicate keys, size and depth |
//! | `fields`, `typed`, `wrong` | a map key by key; the part of a map that belongs to a kind, through serde |
//! | `say`, `complaint` | how things are put, and where they are collected |
//! | `source`, `accounts`, `anchors`, `defaults`, `about`, `secrets`, `targets`, `freezes`, `notify` | the sections |
//! | `crossing` | what only shows when everything is read |
//! | `resolve` | all of it |

mod about;
mod accounts;
mod anchors;
mod complaint;
mod crossing;
mod defaults;
mod fields;
mod file;
mod freezes;
mod names;
mod notify;
mod resolve;
mod say;
mod secrets;
mod source;
mod targets;
mod typed;
mod wrong;

#[cfg(test)]
mod tests;

pub use about::About;
pub use anchors::{Anchors, Authority, GitAnchor};
pub use complaint::{ConfigError, ConfigErrors, Mark};
pub use notify::{ChannelSetup, Hearing, Names};
pub use resolve::{Config, LedgerConfig, resolve};
pub use say::meant;
pub use secrets::{Crowded, GraceFrom, IssuerSetup, SecretConfig};
pub use source::{Environment, Lookup, Surroundings, private_file};
pub use targets::TargetSetup;
