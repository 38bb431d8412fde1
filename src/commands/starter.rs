//! The first `rotations.yaml`: one secret of each kind that was chosen, going to each place that was chosen, commented
//! like the file that rotakey ships with. What a kind looks like there stands with the kind.

use crate::issuers;
use crate::model::{IssuerKind, IssuerStarter, TargetKind};
use crate::notify::{self, ChannelKind};
use crate::targets;

/// The schedule that rotakey ships with, for whoever chooses nothing.
pub(super) const WHOLE: &str = include_str!("../../rotations.yaml");

/// Something that can be chosen by its kind.
pub(super) trait Choice: Sized + 'static {
    /// Every one that this build knows.
    const ALL: &'static [Self];
    /// As it is typed.
    fn kind(&self) -> &'static str;
    /// What it is, in a question.
    fn about(&self) -> &'static str;
}

impl Choice for IssuerKind {
    const ALL: &'static [Self] = issuers::KINDS;
    fn kind(&self) -> &'static str {
        self.name
    }
    fn about(&self) -> &'static str {
        self.starter.about
    }
}

impl Choice for TargetKind {
    const ALL: &'static [Self] = targets::KINDS;
    fn kind(&self) -> &'static str {
        self.name
    }
    fn about(&self) -> &'static str {
        self.starter.about
    }
}

impl Choice for ChannelKind {
    const ALL: &'static [Self] = notify::KINDS;
    fn kind(&self) -> &'static str {
        self.name
    }
    fn about(&self) -> &'static str {
        self.starter.about
    }
}

/// What was chosen.
#[derive(Default)]
pub(super) struct Chosen {
    pub(super) issuers: Vec<&'static IssuerKind>,
    pub(super) targets: Vec<&'static TargetKind>,
    pub(super) channels: Vec<&'static ChannelKind>,
}

const HEAD: &str = "\
# yaml-language-server: $schema=rotations.schema.json
# What rotakey rotates, how often, and where each new key goes. `rotakey init` wrote this from what was chosen; the names
# in it are made up: put yours in their place.
#
# No secret ever stands in this file. Where rotakey needs a credential of its own, the file says where to find it:
#
#   { env: NAME }               a variable of the environment
#   { file: PATH }              a file that only its owner can read
#   { command: [pass, show, rotakey/token]  }     a program and its arguments; no shell
#   { secret: NAME }            a secret of this file

# What holds for every secret that says nothing else.
defaults:
  warn: 7d          # people are told this long before a rotation
  grace: 24h        # the old key works on for this long after every service was seen on the new one
  skip: 30d         # what one SKIP postpones a rotation by
";

const ACCOUNTS: &str = "
# What rotakey itself uses to talk to a vendor. `rotakey check` asks each whether it may do what is asked of it here.
accounts:
";

const NOTIFY: &str = "
# Who hears of it, besides the terminal and the mail that cron sends.
notify:
";

const SECRETS: &str = "
# `all` means every project and service that has the variable already. Nothing is added anywhere.
secrets:
";

impl Chosen {
    /// The secrets' names, for what is to be typed next.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let issuers = self.issuers.iter();
        issuers.map(|issuer| issuer.starter.secret).collect()
    }

    /// The whole file.
    pub(super) fn text(&self) -> String {
        if self.issuers.is_empty() {
            return WHOLE.to_owned();
        }
        let mut text = HEAD.to_owned();
        let accounts = self.accounts();
        if !accounts.is_empty() {
            text += ACCOUNTS;
            for account in accounts {
                text += &format!("  {account}\n");
            }
        }
        if !self.channels.is_empty() {
            text += NOTIFY;
            for ChannelKind { name, starter, .. } in &self.channels {
                let keys = starter.keys;
                text += &format!("  {name}: {{ kind: {name}{keys} }}\n");
            }
        }
        text += SECRETS;
        let secrets: Vec<String> = self.issuers.iter().map(|it| self.secret(it)).collect();
        text + &secrets.join("\n")
    }

    /// Each once, however many kinds share it.
    fn accounts(&self) -> Vec<&'static str> {
        let issuers = self
            .issuers
            .iter()
            .filter_map(|issuer| issuer.starter.account);
        let targets = self
            .targets
            .iter()
            .filter_map(|target| target.starter.account);
        let mut all: Vec<&str> = Vec::new();
        for account in issuers.chain(targets) {
            if !all.contains(&account) {
                all.push(account);
            }
        }
        all
    }

    fn secret(&self, issuer: &IssuerKind) -> String {
        let IssuerStarter {
            secret,
            title,
            every,
            keys,
            variable,
            value,
            note,
            ..
        } = issuer.starter;
        let kind = issuer.name;
        let mut text = format!(
            "  # {note}\n  {secret}:\n    title: {title}\n    every: {every}\n    issuer: {{ kind: {kind}{keys} }}\n    targets:\n"
        );
        for TargetKind { name, starter, .. } in &self.targets {
            let keys = starter
                .keys
                .replace("NAME", secret)
                .replace("TITLE", title)
                .replace("VARIABLE", variable);
            let value = value.map_or_else(String::new, |value| format!(", value: \"{value}\""));
            text += &format!("      - {{ kind: {name}{keys}{value} }}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Surroundings, resolve};
    use crate::model::Fault;

    fn resolved(chosen: &Chosen) -> usize {
        let around = Surroundings {
            dir: "/srv".into(),
            env: std::sync::Arc::new(|_| None),
            secret: std::sync::Arc::new(|_| Err(Fault::missing("no ledger"))),
        };
        let text = chosen.text();
        match resolve(&text, "rotations.yaml", &around) {
            Ok(config) => config.secrets.len(),
            Err(errors) => panic!("{errors}\n{text}"),
        }
    }

    #[test]
    fn every_kind_of_issuer_fits_every_kind_of_target_and_channel() {
        for issuer in issuers::KINDS {
            for target in targets::KINDS {
                for channel in notify::KINDS.iter().map(Some).chain([None]) {
                    let chosen = Chosen {
                        issuers: vec![issuer],
                        targets: vec![target],
                        channels: channel.into_iter().collect(),
                    };
                    assert_eq!(resolved(&chosen), 1);
                }
            }
        }
    }

    #[test]
    fn all_of_them_together_fit_too() {
        let chosen = Chosen {
            issuers: issuers::KINDS.iter().collect(),
            targets: targets::KINDS.iter().collect(),
            channels: notify::KINDS.iter().collect(),
        };
        assert_eq!(resolved(&chosen), issuers::KINDS.len());
        assert_eq!(resolved(&Chosen::default()), 4);
    }

    #[test]
    fn what_is_chosen_is_commented_and_shares_its_accounts() {
        let of = |kind| targets::KINDS.iter().find(|row| row.name == kind);
        let chosen = Chosen {
            issuers: issuers::KINDS
                .iter()
                .filter(|row| matches!(row.name, "openai" | "github-deploy-key"))
                .collect(),
            targets: [of("vercel"), of("github-actions")]
                .into_iter()
                .flatten()
                .collect(),
            channels: Vec::new(),
        };
        let text = chosen.text();
        let (head, rest) = text.split_once("\naccounts:\n").expect("accounts");
        assert!(head.starts_with("# yaml-language-server: $schema=rotations.schema.json\n"));
        assert_eq!(
            rest,
            "  openai: { admin_key: { env: OPENAI_ADMIN_KEY } }    # platform.openai.com, Settings, Admin keys
  github: { token: { env: ROTAKEY_GITHUB_TOKEN } }
  vercel: { token: { env: VERCEL_TOKEN } }    # add `team: your-team` unless the account is personal

# `all` means every project and service that has the variable already. Nothing is added anywhere.
secrets:
  # Fully automatic. The project is in its settings at platform.openai.com.
  openai:
    title: OpenAI API
    every: 30d
    issuer: { kind: openai, project: proj_123 }
    targets:
      - { kind: vercel, projects: all, variable: OPENAI_API_KEY }
      - { kind: github-actions, repository: acme/web, secret: OPENAI_API_KEY }

  # Fully automatic. Only the public half ever leaves for GitHub.
  deploy-key:
    title: Deploy key
    every: 90d
    issuer: { kind: github-deploy-key, repository: acme/web, read_only: true }
    targets:
      - { kind: vercel, projects: all, variable: DEPLOY_KEY }
      - { kind: github-actions, repository: acme/web, secret: DEPLOY_KEY }
"
        );
    }
}
