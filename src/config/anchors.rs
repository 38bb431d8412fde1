//! `anchors:` — where the head of the audit log is held by others.
//!
//! ```yaml
//! anchors:
//!   git: { repository: ., sign: true, push: origin }       # a tag; `push` sends it to that remote
//!   timestamp: { url: "https://freetsa.org/tsr" }          # a time-stamping authority (RFC 3161)
//! ```

use std::path::PathBuf;

use crate::http::{Endpoint, check_address};

use super::complaint::Complaints;
use super::fields::Fields;
use super::file::Node;
use super::source::Surroundings;

/// Where the head of the audit log is held by others.
#[derive(Debug, Default)]
pub struct Anchors {
    /// A repository that takes tags.
    pub git: Option<GitAnchor>,
    /// A time-stamping authority.
    pub timestamp: Option<Authority>,
}

/// A repository that takes tags.
#[derive(Debug)]
pub struct GitAnchor {
    /// Where it is.
    pub repository: PathBuf,
    /// Whether git signs them.
    pub sign: bool,
    /// The remote they are pushed to.
    pub push: Option<String>,
}

/// A time-stamping authority: its address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// `https://freetsa.org`.
    pub base: String,
    /// `/tsr`.
    pub path: String,
}

impl Anchors {
    pub(super) fn read(
        node: &Node<'_>,
        around: &Surroundings,
        complaints: &Complaints<'_>,
    ) -> Self {
        let Some(mut fields) = Fields::of("`anchors`", node, complaints) else {
            return Self::default();
        };
        let git = fields
            .take("git")
            .and_then(|node| git(node, around, complaints));
        let timestamp = fields.take("timestamp").and_then(|node| {
            let mut fields = Fields::of("`timestamp` of `anchors`", node, complaints)?;
            let authority = fields.parsed("url", Authority::parse);
            if node.get("url").is_none() {
                fields.missing("url", "write the address of a time-stamping authority");
            }
            fields.close();
            authority.map(|(authority, _)| authority)
        });
        fields.close();
        Self { git, timestamp }
    }
}

fn git(node: &Node<'_>, around: &Surroundings, complaints: &Complaints<'_>) -> Option<GitAnchor> {
    let mut fields = Fields::of("`git` of `anchors`", node, complaints)?;
    let repository = fields.text("repository").map(|path| around.dir.join(path));
    if node.get("repository").is_none() {
        fields.missing(
            "repository",
            "write where the repository is, such as `repository: .`",
        );
    }
    let sign = fields.parsed("sign", truth).is_none_or(|(sign, _)| sign);
    let push = fields.parsed("push", remote).map(|(remote, _)| remote);
    fields.close();
    Some(GitAnchor {
        repository: repository?,
        sign,
        push,
    })
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ => Err("write `true` or `false`".to_owned()),
    }
}

/// The name of a remote. An address could hold a password, and git knows protocols that run programs.
fn remote(text: &str) -> Result<String, String> {
    match super::names::is_plain(text) {
        true => Ok(text.to_owned()),
        false => Err("write the name of a remote, such as `origin`".to_owned()),
    }
}

impl Authority {
    fn parse(text: &str) -> Result<Self, String> {
        check_address(text)?;
        let host = text.find("://").map_or(0, |at| at + 3);
        let path = text[host..].find('/').map_or(text.len(), |at| host + at);
        let (base, path) = text.split_at(path);
        Ok(Self {
            base: base.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
        })
    }

    /// How the client and messages call it. Its path is nobody's business.
    pub fn endpoint(&self) -> Endpoint {
        let host = self.base.split("://").nth(1).unwrap_or_default();
        Endpoint {
            base: self.base.clone(),
            name: host.to_owned(),
            in_flight: 1,
        }
    }
}
