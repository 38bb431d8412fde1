//! The first `rotations.yaml`: one secret of each kind that was chosen, going to each place that was chosen, commented
//! like the file that rotakey ships with. A kind without a row here is not offered; it still has its example.

use crate::{issuers, notify, targets};

/// The schedule that rotakey ships with, for whoever chooses nothing.
pub(super) const WHOLE: &str = include_str!("../../rotations.yaml");

/// A kind of issuer as a beginner meets it.
pub(super) struct Issuer {
    kind: &'static str,
    /// What is rotated, in a question.
    pub(super) about: &'static str,
    secret: &'static str,
    title: &'static str,
    every: &'static str,
    /// The rest of the issuer, after its kind.
    keys: &'static str,
    variable: &'static str,
    /// The text that a place holds, where it is not the value itself.
    value: Option<&'static str>,
    account: Option<&'static str>,
    note: &'static str,
}

/// A kind of target as a beginner meets it. `NAME`, `TITLE` and `VARIABLE` stand for those of the secret.
pub(super) struct Target {
    kind: &'static str,
    pub(super) about: &'static str,
    keys: &'static str,
    account: Option<&'static str>,
}

/// A kind of channel as a beginner meets it.
pub(super) struct Channel {
    kind: &'static str,
    pub(super) about: &'static str,
    keys: &'static str,
}

const GITHUB: &str = "github: { token: { env: ROTAKEY_GITHUB_TOKEN } }";

const ISSUERS: &[Issuer] = &[
    Issuer {
        kind: "openai",
        about: "OpenAI API key",
        secret: "openai",
        title: "OpenAI API",
        every: "30d",
        keys: ", project: proj_123",
        variable: "OPENAI_API_KEY",
        value: None,
        account: Some(
            "openai: { admin_key: { env: OPENAI_ADMIN_KEY } }    # platform.openai.com, Settings, Admin keys",
        ),
        note: "Fully automatic. The project is in its settings at platform.openai.com.",
    },
    Issuer {
        kind: "stripe",
        about: "Stripe secret key (a person makes it, rotakey does the rest)",
        secret: "stripe",
        title: "Stripe API",
        every: "60d",
        keys: ", mode: live",
        variable: "STRIPE_SECRET_KEY",
        value: None,
        account: None,
        note: "Stripe has no call that makes a key: `rotakey rotate stripe` takes it at a hidden prompt and does the rest.",
    },
    Issuer {
        kind: "stripe-webhook",
        about: "Stripe webhook signing secret",
        secret: "stripe-webhook",
        title: "Stripe webhook",
        every: "90d",
        keys: ", url: \"https://shop.example.com/hooks/stripe\"",
        variable: "STRIPE_WEBHOOK_SECRETS",
        value: Some("{value},{previous}"),
        account: Some(
            "stripe: { api_key: { env: ROTAKEY_STRIPE_KEY } }    # a restricted key that may write webhook endpoints",
        ),
        note: "Fully automatic. The receiver takes both secrets, separated by a comma, while the endpoints overlap.",
    },
    Issuer {
        kind: "github",
        about: "GitHub personal token (a person makes it, rotakey does the rest)",
        secret: "github",
        title: "GitHub token",
        every: "180d",
        keys: "",
        variable: "GH_TOKEN",
        value: None,
        account: None,
        note: "GitHub has no call that makes a personal token, but one that revokes it: `rotakey rotate github` takes the new one.",
    },
    Issuer {
        kind: "github-deploy-key",
        about: "GitHub deploy key of a repository",
        secret: "deploy-key",
        title: "Deploy key",
        every: "90d",
        keys: ", repository: acme/web, read_only: true",
        variable: "DEPLOY_KEY",
        value: None,
        account: Some(GITHUB),
        note: "Fully automatic. Only the public half ever leaves for GitHub.",
    },
    Issuer {
        kind: "generated",
        about: "a value that rotakey makes up: a session key, an internal token",
        secret: "session",
        title: "Session key",
        every: "30d",
        keys: "",
        variable: "SESSION_KEY",
        value: None,
        account: None,
        note: "Fully automatic.",
    },
    Issuer {
        kind: "postgres",
        about: "PostgreSQL password",
        secret: "database",
        title: "Database password",
        every: "90d",
        keys: ", database: app, owner: app_owner, roles: [app_a, app_b]",
        variable: "DATABASE_URL",
        value: Some("postgres://{user}:{password}@db.internal/app"),
        account: Some(
            "postgres: { host: db.internal, user: rotakey, password: { env: ROTAKEY_POSTGRES_PASSWORD } }",
        ),
        note: "Fully automatic once two login roles and their owner are set up: see examples/postgres-password.yaml.",
    },
    Issuer {
        kind: "mysql",
        about: "MySQL or MariaDB password",
        secret: "mysql",
        title: "MySQL password",
        every: "90d",
        keys: ", user: app, host: \"%\"",
        variable: "MYSQL_URL",
        value: Some("mysql://{user}:{password}@mysql.internal/app"),
        account: Some(
            "mysql: { host: mysql.internal, user: rotakey, password: { env: ROTAKEY_MYSQL_PASSWORD } }",
        ),
        note: "Fully automatic once rotakey has an account of its own: see examples/mysql-password.yaml.",
    },
    Issuer {
        kind: "redis",
        about: "Redis password",
        secret: "cache",
        title: "Cache password",
        every: "90d",
        keys: ", user: app, nodes: [redis.internal]",
        variable: "REDIS_URL",
        value: Some("rediss://{user}:{password}@redis.internal"),
        account: Some("redis: { user: rotakey, password: { env: ROTAKEY_REDIS_PASSWORD } }"),
        note: "Fully automatic once the ACL user is there: see examples/redis-password.yaml.",
    },
    Issuer {
        kind: "command",
        about: "a key that a program of yours makes and kills",
        secret: "partner",
        title: "Partner API",
        every: "quarterly",
        keys: ", run: [/usr/local/bin/partner-keys]",
        variable: "PARTNER_KEY",
        value: None,
        account: None,
        note: "As automatic as your program is: see examples/issuer.py.",
    },
];

const TARGETS: &[Target] = &[
    Target {
        kind: "vercel",
        about: "environment variables of Vercel projects",
        keys: ", projects: all, variable: VARIABLE",
        account: Some(
            "vercel: { token: { env: VERCEL_TOKEN } }    # add `team: your-team` unless the account is personal",
        ),
    },
    Target {
        kind: "render",
        about: "environment variables of Render services",
        keys: ", services: all, variable: VARIABLE",
        account: Some("render: { api_key: { env: RENDER_API_KEY } }"),
    },
    Target {
        kind: "github-actions",
        about: "a secret of GitHub Actions",
        keys: ", repository: acme/web, secret: VARIABLE",
        account: Some(GITHUB),
    },
    Target {
        kind: "onepassword",
        about: "an item in 1Password",
        keys: ", vault: Infra, item: TITLE, field: credential",
        account: Some(
            "onepassword: { base_url: \"https://connect.internal.example.com\", token: { env: OP_CONNECT_TOKEN } }",
        ),
    },
    Target {
        kind: "bitwarden",
        about: "an item in Bitwarden",
        keys: ", item: TITLE, field: password",
        account: Some("bitwarden: { session: { env: BW_SESSION } }"),
    },
    Target {
        kind: "pass",
        about: "an entry of pass, the Unix password manager",
        keys: ", entry: rotakey/NAME",
        account: None,
    },
    Target {
        kind: "vault",
        about: "a key in HashiCorp Vault or OpenBao",
        keys: ", mount: secret, path: NAME, field: value",
        account: Some(
            "vault: { base_url: \"https://vault.internal.example.com:8200\", token: { env: VAULT_TOKEN } }",
        ),
    },
    Target {
        kind: "dotenv",
        about: "a .env file on this machine",
        keys: ", path: .env, variable: VARIABLE",
        account: None,
    },
    Target {
        kind: "command",
        about: "a place that a program of yours writes",
        keys: ", name: NAME, run: [/usr/local/bin/deliver]",
        account: None,
    },
];

const CHANNELS: &[Channel] = &[
    Channel {
        kind: "slack",
        about: "Slack, with replies (SKIP)",
        keys: ", token: { env: SLACK_BOT_TOKEN }, channel: C0123456789, approvers: [T0123456789/U0123456789]",
    },
    Channel {
        kind: "slack-webhook",
        about: "Slack, posts only",
        keys: ", url: { env: SLACK_WEBHOOK_URL }",
    },
    Channel {
        kind: "email",
        about: "e-mail",
        keys: ", server: \"smtps://smtp.example.com\", user: rotakey, password: { env: SMTP_PASSWORD }, from: rotakey <rotakey@example.com>, to: [ops@example.com]",
    },
    Channel {
        kind: "telegram",
        about: "Telegram, with replies (SKIP)",
        keys: ", token: { env: TELEGRAM_BOT_TOKEN }, chat: -1001234567890, approvers: [\"123456789\"]",
    },
    Channel {
        kind: "webhook",
        about: "signed JSON to an address of yours",
        keys: ", url: { env: NOTIFY_URL }, secret: { env: NOTIFY_SECRET }",
    },
];

/// Something that can be chosen by its kind.
pub(super) trait Choice: Sized + 'static {
    /// Every one that this build knows.
    fn all() -> Vec<&'static Self>;
    /// As it is typed.
    fn kind(&self) -> &'static str;
    /// What it is, in a question.
    fn about(&self) -> &'static str;
}

impl Choice for Issuer {
    fn all() -> Vec<&'static Self> {
        let built = |row: &&Self| issuers::KINDS.iter().any(|kind| kind.name == row.kind);
        ISSUERS.iter().filter(built).collect()
    }
    fn kind(&self) -> &'static str {
        self.kind
    }
    fn about(&self) -> &'static str {
        self.about
    }
}

impl Choice for Target {
    fn all() -> Vec<&'static Self> {
        let built = |row: &&Self| targets::KINDS.iter().any(|kind| kind.name == row.kind);
        TARGETS.iter().filter(built).collect()
    }
    fn kind(&self) -> &'static str {
        self.kind
    }
    fn about(&self) -> &'static str {
        self.about
    }
}

impl Choice for Channel {
    fn all() -> Vec<&'static Self> {
        let built = |row: &&Self| notify::KINDS.iter().any(|kind| kind.name == row.kind);
        CHANNELS.iter().filter(built).collect()
    }
    fn kind(&self) -> &'static str {
        self.kind
    }
    fn about(&self) -> &'static str {
        self.about
    }
}

/// What was chosen.
#[derive(Default)]
pub(super) struct Chosen {
    pub(super) issuers: Vec<&'static Issuer>,
    pub(super) targets: Vec<&'static Target>,
    pub(super) channels: Vec<&'static Channel>,
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
#   { command: [pass, show, vercel/rotakey] }     a program and its arguments; no shell
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
        self.issuers.iter().map(|issuer| issuer.secret).collect()
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
            for Channel { kind, keys, .. } in &self.channels {
                text += &format!("  {kind}: {{ kind: {kind}{keys} }}\n");
            }
        }
        text += SECRETS;
        let secrets: Vec<String> = self.issuers.iter().map(|it| self.secret(it)).collect();
        text + &secrets.join("\n")
    }

    /// Each once, however many kinds share it.
    fn accounts(&self) -> Vec<&'static str> {
        let issuers = self.issuers.iter().filter_map(|issuer| issuer.account);
        let targets = self.targets.iter().filter_map(|target| target.account);
        let mut all: Vec<&str> = Vec::new();
        for account in issuers.chain(targets) {
            if !all.contains(&account) {
                all.push(account);
            }
        }
        all
    }

    fn secret(&self, issuer: &Issuer) -> String {
        let Issuer {
            kind,
            secret,
            title,
            every,
            keys,
            note,
            ..
        } = issuer;
        let mut text = format!(
            "  # {note}\n  {secret}:\n    title: {title}\n    every: {every}\n    issuer: {{ kind: {kind}{keys} }}\n    targets:\n"
        );
        for target in &self.targets {
            let keys = target
                .keys
                .replace("NAME", secret)
                .replace("TITLE", title)
                .replace("VARIABLE", issuer.variable);
            let value = issuer.value.map(|value| format!(", value: \"{value}\""));
            let (kind, value) = (target.kind, value.unwrap_or_default());
            text += &format!("      - {{ kind: {kind}{keys}{value} }}\n");
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
        for issuer in Issuer::all() {
            for target in Target::all() {
                for channel in Channel::all().into_iter().map(Some).chain([None]) {
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
            issuers: Issuer::all(),
            targets: Target::all(),
            channels: Channel::all(),
        };
        assert_eq!(resolved(&chosen), Issuer::all().len());
        assert_eq!(resolved(&Chosen::default()), 4);
    }

    #[test]
    fn every_kind_is_offered() {
        let kinds = |all: Vec<&'static str>| {
            let mut all = all;
            all.sort_unstable();
            all
        };
        let offered = kinds(Issuer::all().iter().map(|row| row.kind).collect());
        assert_eq!(
            offered,
            kinds(issuers::KINDS.iter().map(|kind| kind.name).collect())
        );
        let offered = kinds(Target::all().iter().map(|row| row.kind).collect());
        assert_eq!(
            offered,
            kinds(targets::KINDS.iter().map(|kind| kind.name).collect())
        );
        let offered = kinds(Channel::all().iter().map(|row| row.kind).collect());
        assert_eq!(
            offered,
            kinds(notify::KINDS.iter().map(|kind| kind.name).collect())
        );
    }

    #[test]
    fn what_is_chosen_is_commented_and_shares_its_accounts() {
        let of = |kind| Target::all().into_iter().find(|row| row.kind == kind);
        let chosen = Chosen {
            issuers: Issuer::all()
                .into_iter()
                .filter(|row| matches!(row.kind, "openai" | "github-deploy-key"))
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
