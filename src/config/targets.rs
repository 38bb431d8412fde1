//! `targets:` of a secret: what every kind of target has in common.

use std::sync::Arc;

use crate::model::{Account, FieldName, SecretName, StageName, TargetKind, Template};
use crate::targets::{HealthConfig, KINDS, TargetConfig};

use super::accounts::Accounts;
use super::complaint::{Complaints, Mark};
use super::crossing::Claim;
use super::fields::Fields;
use super::file::Node;
use super::say::{list, meant, quoted};
use super::secrets::{account_of, kind_of, read_rest};
use super::typed::read_node;

/// A target as configured.
#[derive(Debug)]
pub struct TargetSetup {
    /// The keys of its kind.
    pub config: TargetConfig,
    /// The account it talks through.
    pub account: Option<Arc<Account>>,
    /// What of a version goes there.
    pub content: Template,
    /// How its services are probed.
    pub health: Option<HealthConfig>,
    /// When it gets its turn.
    pub stage: Option<StageName>,
}

/// Reads the targets of one secret.
pub(super) struct Targets<'n> {
    pub(super) of: &'n str,
    pub(super) secret: &'n SecretName,
    pub(super) accounts: &'n Accounts,
    pub(super) stages: &'n [StageName],
    /// The fields a version has; `None` where the issuer cannot be read.
    pub(super) version: Option<Vec<FieldName>>,
    pub(super) complaints: &'n Complaints<'n>,
}

impl<'n> Targets<'n> {
    /// All of them, or `None` if one cannot be read.
    pub(super) fn all(
        &self,
        nodes: &[Node<'_>],
        at: Mark,
        claims: &mut Vec<Claim>,
    ) -> Option<Vec<TargetSetup>> {
        if nodes.is_empty() {
            let what = format!("{}: `targets` is empty", self.of);
            let hint = "write where the secret goes: a list of targets, each with a `kind`";
            self.complaints.advise(at, what, hint);
        }
        let targets: Vec<_> = nodes
            .iter()
            .enumerate()
            .map(|(number, node)| self.one(number + 1, node, claims))
            .collect();
        targets.into_iter().collect()
    }

    fn one(&self, number: usize, node: &Node<'_>, claims: &mut Vec<Claim>) -> Option<TargetSetup> {
        let mut fields = Fields::of(
            format!("target {number} of {}", self.of),
            node,
            self.complaints,
        )?;
        let kind = kind_of(&mut fields, KINDS, |kind| kind.name)?;
        let account = account_of(&mut fields, kind.account, self.accounts);
        let content = self.content(kind, &mut fields);
        let health = fields.take("health").map(|node| {
            let of = format!("{}: `health`", fields.of);
            read_node(node, &of, self.complaints)
        });
        let stage = self.stage(&mut fields);
        let config = read_rest(kind.name, fields)?;
        let account = account.ok()?;
        let name = account.as_ref().map(|account| account.name().clone());
        claims.push(Claim::of(kind, name, node, self.secret));
        Some(TargetSetup {
            config,
            account,
            content: content?,
            // Inner `None`: it was typed and could not be read.
            health: health.map_or(Some(None), |health| health.map(Some))?,
            stage,
        })
    }

    fn content(&self, kind: &TargetKind, fields: &mut Fields<'_, '_>) -> Option<Template> {
        let field = match kind.address.contains(&"field") {
            // There it is a field of the place; `value: "{password}"` picks one of the version.
            true => None,
            false => fields.parsed("field", |text| Ok(Template::field(FieldName::new(text)))),
        };
        let typed_value = fields.has("value");
        let value = fields.parsed("value", |text| {
            Template::parse(text).map_err(|why| why.to_string())
        });
        match (field, value) {
            (Some(_), Some((_, at))) => {
                let what = format!("{}: `field` and `value` are both given", fields.of);
                let hint =
                    "keep `field` for one field as it is, or `value` for a text made of fields";
                self.complaints.advise(at, what, hint);
                None
            }
            (Some((content, at)), None) | (None, Some((content, at))) => {
                self.check_fields(&content, at, fields);
                Some(content)
            }
            (None, None) if typed_value => None,
            (None, None) => Some(Template::primary()),
        }
    }

    fn check_fields(&self, content: &Template, at: Mark, fields: &Fields<'_, '_>) {
        let Some(version) = &self.version else {
            return;
        };
        for name in content.names().filter(|name| !version.contains(name)) {
            let gives: Vec<&str> = version.iter().map(FieldName::as_str).collect();
            let what = format!(
                "{}: the issuer gives no field {}",
                fields.of,
                quoted(name.as_str())
            );
            let hint = format!("it gives {}", list(&gives));
            self.complaints.advise(at, what, hint);
        }
    }

    fn stage(&self, fields: &mut Fields<'_, '_>) -> Option<StageName> {
        let (stage, at) = fields.parsed("stage", |text| Ok(StageName::new(text)))?;
        if !self.stages.contains(&stage) {
            let known: Vec<&str> = self.stages.iter().map(StageName::as_str).collect();
            let what = format!("{}: unknown stage {}", fields.of, quoted(stage.as_str()));
            let hint = match known[..] {
                [] => "name the order of delivery in the secret, such as `stages: [staging, production]`".to_owned(),
                _ => meant(stage.as_str(), &known),
            };
            self.complaints.advise(at, what, hint);
        }
        Some(stage)
    }
}
