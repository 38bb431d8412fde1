//! Whole files: what a good one means, and exactly what is said about a bad one.

mod accounts;
mod hearing;
mod hostile;
mod policy;
mod probe;
mod schema;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;

use crate::error::Error;
use crate::exit::Exit;
use crate::model::{AccountName, Fault, SecretName, Span};

use super::{Config, GraceFrom, Mark, Surroundings, resolve};

const DOTENV: &str = "{ kind: dotenv, path: .env, variable: APP_KEY }";

fn around() -> Surroundings {
    Surroundings {
        dir: PathBuf::from("/etc/rotakey"),
        env: Arc::new(|name| panic!("{name} was asked for")),
        secret: Arc::new(|_| Err(Fault::refused("is not in the ledger"))),
    }
}

fn read(text: &str) -> Config {
    resolve(text, "rotations.yaml", &around()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What a person reads about a bad file, without the state, which is the same for all.
#[track_caller]
fn refused(text: &str) -> String {
    let errors = resolve(text, "rotations.yaml", &around()).expect_err("it is bad");
    let error = Error::from(errors);
    assert_eq!(error.exit(), Exit::Usage);
    let said = error.render();
    let state = "  state: nothing was sent; every key is as it was\n";
    assert_eq!(said.matches(state).count(), 1, "{said}");
    said.replace(state, "")
}

/// A secret `app` that is fine but for these lines.
#[track_caller]
fn app(lines: &[&str]) -> String {
    refused(&app_text(lines))
}

fn app_text(lines: &[&str]) -> String {
    let mut keys = vec!["every: 30d", "issuer: { kind: generated }"];
    let targets = format!("targets: [ {DOTENV} ]");
    keys.push(&targets);
    let named = |key: &str| key.split(':').next().map(str::to_owned);
    keys.retain(|key| !lines.iter().any(|line| named(line) == named(key)));
    keys.splice(0..0, lines.iter().copied());
    format!("secrets:\n  app:\n    {}\n", keys.join("\n    "))
}

#[test]
fn a_whole_file_is_understood() {
    let config = read(
        "defaults: { warn: 3d, grace: 12h, skip: 14d, max_age: 120d, max_per_run: 5 }\n\
         accounts:\n\
         \x20 vercel: { token: { env: VERCEL_TOKEN }, team: acme, base_url: \"https://gateway.example/vercel/\" }\n\
         \x20 prod: { kind: vercel, token: { secret: deploy } }\n\
         ledger: { path: state/ledger.age, identity: { file: identity.txt }, recipients: [age1k8zznwhecfczg4aa9fj0v9e5pr0277va3hudwd3atefqqy3nkypscywva6] }\n\
         secrets:\n\
         \x20 deploy:\n\
         \x20   title: Deploy token\n\
         \x20   every: monthly\n\
         \x20   grace: 2d\n\
         \x20   owner: platform@example.com\n\
         \x20   purpose: deploys\n\
         \x20   stages: [staging, production]\n\
         \x20   soak: 1h\n\
         \x20   confirm_timeout: 20m\n\
         \x20   issuer: { kind: generated }\n\
         \x20   targets:\n\
         \x20     - { kind: vercel, projects: all, variable: A, stage: staging, value: \"x={value}\" }\n\
         \x20     - { kind: vercel, account: prod, projects: [web], variable: A, stage: production }\n\
         \x20 plain: { every: \"0 3 * * 1\", issuer: { kind: generated }, targets: [ { kind: dotenv, path: a, variable: A } ] }\n",
    );
    assert_eq!(config.max_per_run, 5);
    assert_eq!(
        config.ledger.path,
        Path::new("/etc/rotakey/state/ledger.age")
    );
    assert_eq!(
        config.ledger.recipients,
        ["age1k8zznwhecfczg4aa9fj0v9e5pr0277va3hudwd3atefqqy3nkypscywva6"]
    );
    let identity = config.ledger.identity.expect("it is given");
    assert_eq!(identity.source(), "file identity.txt");
    let vercel = &config.accounts[&AccountName::new("vercel")];
    assert_eq!(vercel.base_url(), Some("https://gateway.example/vercel"));
    assert_eq!(vercel.setting("team"), Some("acme"));
    assert_eq!(vercel.needed("token").unwrap().source(), "env VERCEL_TOKEN");

    let deploy = &config.secrets[&SecretName::new("deploy")];
    let policy = &deploy.policy;
    assert_eq!(policy.title, "Deploy token");
    assert_eq!(policy.every.to_string(), "monthly");
    assert_eq!(
        [policy.warn, policy.grace, policy.skip],
        [Span::days(3), Span::days(2), Span::days(14)]
    );
    assert_eq!(
        [policy.soak, policy.confirm_timeout],
        [Span::hours(1), Span::minutes(20)]
    );
    assert_eq!(policy.max_age, Some(Span::days(120)));
    assert_eq!(policy.stages, ["staging".into(), "production".into()]);
    assert_eq!(deploy.about.owner.as_deref(), Some("platform@example.com"));
    assert_eq!(deploy.about.purpose.as_deref(), Some("deploys"));
    assert_eq!(deploy.at, Mark { line: 7, column: 3 });
    assert!(matches!(
        deploy.grace_from,
        GraceFrom::Secret(Mark { line: 10, .. })
    ));
    // What rotakey itself uses is a fact that the rotation can look at.
    assert_eq!(deploy.used_by, [AccountName::new("prod")]);
    let accounts: Vec<_> = deploy
        .targets
        .iter()
        .map(|it| it.account.as_ref().unwrap().name().as_str())
        .collect();
    assert_eq!(accounts, ["vercel", "prod"]);
    assert_eq!(deploy.targets[1].stage, Some("production".into()));

    let plain = &config.secrets[&SecretName::new("plain")];
    assert_eq!(plain.policy.title, "plain");
    assert_eq!(plain.grace_from, GraceFrom::Defaults(None));
    assert_eq!(plain.policy.grace, Span::hours(12));
}

#[test]
fn a_usual_notice_that_does_not_fit_is_shortened() {
    let text = app_text(&["every: 12h", "grace: 1h"]);
    let warn = read(&text).secrets[&SecretName::new("app")].policy.warn;
    assert_eq!(warn.delta(), TimeDelta::hours(6));
}

#[test]
fn the_shipped_file_and_every_example_can_be_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = std::fs::read_dir(root.join("examples")).unwrap();
    let examples = examples.map(|entry| entry.unwrap().path());
    let yaml = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml");
    let files: Vec<PathBuf> = examples
        .filter(yaml)
        .chain([root.join("rotations.yaml")])
        .collect();
    assert!(files.len() >= 6, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let config = read(&text);
        assert!(!config.secrets.is_empty(), "{}", path.display());
    }
}
