//! Whole files: what a good one means, and exactly what is said about a bad one.

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
         ledger: { path: state/ledger.age, identity: { file: identity.txt }, recipients: [age1xyz] }\n\
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
    assert_eq!(config.ledger.recipients, ["age1xyz"]);
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
    assert_eq!(deploy.owner.as_deref(), Some("platform@example.com"));
    assert_eq!(deploy.purpose.as_deref(), Some("deploys"));
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
    assert_eq!(plain.grace_from, GraceFrom::Defaults);
    assert_eq!(plain.policy.grace, Span::hours(12));
}

#[test]
fn a_usual_notice_that_does_not_fit_is_shortened() {
    let text = app_text(&["every: 12h", "grace: 1h"]);
    let warn = read(&text).secrets[&SecretName::new("app")].policy.warn;
    assert_eq!(warn.delta(), TimeDelta::hours(6));
}

#[test]
fn unknown_words_find_the_known_one() {
    assert_eq!(
        app(&["evry: 30d", "every: 60d"]),
        "error: rotations.yaml:3:5: secret `app`: unknown key `evry`\n  hint: did you mean `every`?\n"
    );
    assert_eq!(
        app(&["note: x"]),
        "error: rotations.yaml:3:5: secret `app`: unknown key `note`\n  hint: known here: `confirm_timeout`, `every`, \
         `grace`, `issuer`, `max_age`, `owner`, `purpose`, `skip`, `soak`, `stages`, `targets`, `title`, `warn`\n"
    );
    assert_eq!(
        app(&["issuer: { kind: genrated }"]),
        "error: rotations.yaml:3:21: issuer of secret `app`: unknown kind `genrated`\n  hint: did you mean `generated`?\n"
    );
    assert_eq!(
        app(&["targets: [ { kind: dotenv, path: .env, variabl: A } ]"]),
        "error: rotations.yaml:3:44: target 1 of secret `app`: unknown key `variabl`\n  hint: did you mean `variable`?\n"
    );
    assert_eq!(
        app(&["targets: [ { kind: dotenv, path: .env, variable: A, feild: b } ]"]),
        "error: rotations.yaml:3:57: target 1 of secret `app`: unknown key `feild`\n  hint: did you mean `field`?\n"
    );
    assert_eq!(
        refused("secret: {}\n"),
        "error: rotations.yaml:1:1: the file: unknown key `secret`\n  hint: did you mean `secrets`?\n"
    );
    assert_eq!(
        refused("defaults: { max_per_rum: 3 }\nsecrets: {}\n"),
        "error: rotations.yaml:1:13: `defaults`: unknown key `max_per_rum`\n  hint: did you mean `max_per_run`?\n"
    );
}

#[test]
fn what_is_missing_is_asked_for() {
    assert_eq!(
        refused("secrets:\n  app: {}\n"),
        "error: rotations.yaml:2:3: secret `app`: `every` is missing\n  \
         hint: write how often it is rotated, such as `every: 30d`\n\
         error: rotations.yaml:2:3: secret `app`: `issuer` is missing\n  \
         hint: write who makes it, such as `issuer: { kind: generated }`\n\
         error: rotations.yaml:2:3: secret `app`: `targets` is missing\n  \
         hint: write where it goes: a list of targets, each with a `kind`\n"
    );
    assert_eq!(
        app(&["title:"]),
        "error: rotations.yaml:3:5: secret `app`: `title` has no value\n  hint: give it a value or remove the line\n"
    );
    assert_eq!(
        app(&["targets: []"]),
        "error: rotations.yaml:2:3: secret `app`: `targets` is empty\n  \
         hint: write where the secret goes: a list of targets, each with a `kind`\n"
    );
    assert_eq!(
        app(&["targets: [ { kind: dotenv, path: .env } ]"]),
        "error: rotations.yaml:3:16: target 1 of secret `app`: `variable` is missing\n"
    );
    assert_eq!(
        refused("accounts: { vercel: { team: acme } }\nsecrets: {}\n"),
        "error: rotations.yaml:1:21: account `vercel`: `token` is missing\n  \
         hint: write `token: { env: VERCEL_TOKEN }`\n"
    );
    assert_eq!(
        refused(""),
        "error: rotations.yaml:1:1: the file: expected a map, found nothing\n"
    );
}

#[test]
fn values_of_the_wrong_kind_are_shown_with_what_was_expected() {
    for (line, said) in [
        (
            "every: [30d]",
            "3:12: secret `app`: `every`: expected a text, found a list",
        ),
        (
            "every: 30 days",
            "3:12: secret `app`: `every`: `30 days` is not a schedule; write `30d`, `weekly`, `monthly`, `quarterly` or \
             a cron expression of five fields, such as `0 3 1 * *`",
        ),
        (
            "every: 99 3 * * *",
            "3:12: secret `app`: `every`: `99 3 * * *` is not a cron expression; it takes minute, hour, day, month and \
             weekday, such as `0 3 1 * *`",
        ),
        (
            "grace: 1 day",
            "3:12: secret `app`: `grace`: `1 day` is not a duration; write a number and a unit of s, m, h, d or w, such \
             as `30d`",
        ),
        (
            "targets: 5",
            "3:14: secret `app`: `targets`: expected a list, found `5`",
        ),
        (
            "targets: [ 5 ]",
            "3:16: target 1 of secret `app`: expected a map, found `5`",
        ),
        (
            "issuer: generated",
            "3:13: issuer of secret `app`: expected a map, found `generated`",
        ),
        (
            "issuer: { kind: [a] }",
            "3:21: issuer of secret `app`: `kind`: expected a word, found a list",
        ),
        (
            "title: { a: b }",
            "3:12: secret `app`: `title`: expected a text, found a map",
        ),
        (
            "targets: [ { kind: dotenv, path: [a], variable: A } ]",
            "3:38: target 1 of secret `app`: `path`: expected a text, found a list",
        ),
    ] {
        assert_eq!(app(&[line]), format!("error: rotations.yaml:{said}\n"));
    }
    assert_eq!(
        refused("defaults: { max_per_run: none }\nsecrets: {}\n"),
        "error: rotations.yaml:1:26: `defaults`: `max_per_run`: expected a whole number from 1, found `none`\n"
    );
}

#[test]
fn what_yaml_attacks_are_made_of_is_refused() {
    assert_eq!(
        refused("secrets: &all\n  app: {}\n"),
        "error: rotations.yaml:2:3: an anchor stands here; aliases and anchors are not read\n  \
         hint: remove the `&…` and write the value out where it is used\n\
         error: rotations.yaml:2:3: secret `app`: `every` is missing\n  \
         hint: write how often it is rotated, such as `every: 30d`\n\
         error: rotations.yaml:2:3: secret `app`: `issuer` is missing\n  \
         hint: write who makes it, such as `issuer: { kind: generated }`\n\
         error: rotations.yaml:2:3: secret `app`: `targets` is missing\n  \
         hint: write where it goes: a list of targets, each with a `kind`\n"
    );
    assert_eq!(
        refused("defaults:\n  <<: *usual\nsecrets: {}\n"),
        "error: rotations.yaml:2:7: an alias stands here; aliases and anchors are not read\n  \
         hint: write the value out where it is used\n"
    );
    assert_eq!(
        app(&["title: !env HOME"]),
        "error: rotations.yaml:3:17: a tag stands here; tags are not read\n  \
         hint: remove the `!…`; values are read as what their key expects\n"
    );
    assert_eq!(
        app(&["title: a", "title: b"]),
        "error: rotations.yaml:4:5: `title` stands twice; it was first given in line 3\n"
    );
    assert_eq!(
        refused("secrets: {}\nsecrets: {}\n"),
        "error: rotations.yaml:2:1: `secrets` stands twice; it was first given in line 1\n"
    );
    assert_eq!(
        refused("%YAML 1.1\n---\nsecrets: {}\n"),
        "error: rotations.yaml:1:1: a directive stands here; `%` lines are not read\n"
    );
    assert_eq!(
        refused("secrets: {}\n---\nsecrets: {}\n"),
        "error: rotations.yaml:2:1: a second document begins; the file holds one\n"
    );
    assert_eq!(
        refused("secrets: { [a]: b }\n"),
        "error: rotations.yaml:1:12: a key is one word, not a list or a map\n"
    );
    let deep = format!("secrets: {}1{}\n", "[".repeat(17), "]".repeat(17));
    assert_eq!(
        refused(&deep),
        "error: rotations.yaml:1:26: lists and maps are nested more than 16 deep\n"
    );
    let mixed: String = (0..20).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(refused(&mixed).contains("nested more than 16 deep"));
    let large = " ".repeat(8 * 1024 * 1024 + 1);
    assert_eq!(
        refused(&large),
        "error: rotations.yaml:1:1: the file is 8193 KiB long; at most 8192 KiB are read\n"
    );
}

#[test]
fn broken_yaml_is_said_in_words() {
    for (text, said) in [
        (
            "secrets:\n\tapp: {}\n",
            "2:2: a tab stands where YAML takes spaces only\n  hint: indent with spaces",
        ),
        ("secrets: [a\n", "1:10: `[` is never closed"),
        ("secrets: {a]\n", "1:10: `{` is closed by `]`"),
        ("secrets: \"a\n", "1:10: a quote is never closed"),
        (
            "title: a: b\n",
            "1:9: `:` stands where no value can begin\n  hint: put a text that contains `: ` in quotes",
        ),
    ] {
        assert_eq!(refused(text), format!("error: rotations.yaml:{said}\n"));
    }
}

#[test]
fn a_pasted_secret_is_told_and_never_repeated() {
    assert_eq!(
        refused("accounts: { vercel: { token: hunter2 } }\nsecrets: {}\n"),
        "error: rotations.yaml:1:30: account `vercel`: `token`: a value stands here; this file never holds a secret\n  \
         hint: write `token: { env: VERCEL_TOKEN }`, and replace the key if others have seen the file\n"
    );
    assert_eq!(
        app(&["title: ghp_0123456789abcdef"]),
        "error: rotations.yaml:3:12: a text of 20 characters (not shown: it may be a secret) that looks like a key; this \
         file never holds a secret\n  hint: take it out, name where it comes from, such as `{ env: NAME }`, and replace \
         the key if others have seen the file\n"
    );
    assert_eq!(
        refused("accounts: { vercel: { token: { env: hunter-2 } } }\nsecrets: {}\n"),
        "error: rotations.yaml:1:37: account `vercel`: `token`: `env`: `hunter-2` is not the name of a variable\n"
    );
    let secret = "hT7kQ2mW9xLp4RzV8bNc5";
    for text in [
        format!("{secret}: 1\n"),
        format!("accounts: {{ vercel: {{ token: {secret} }} }}\nsecrets: {{}}\n"),
        format!("accounts: {{ vercel: {{ token: {{ env: {secret}- }} }} }}\nsecrets: {{}}\n"),
        format!("accounts: {{ vercel: {{ token: {{ {secret}: a }} }} }}\nsecrets: {{}}\n"),
        format!(
            "accounts: {{ vercel: {{ token: {{ env: A }}, base_url: {secret} }} }}\nsecrets: {{}}\n"
        ),
        format!("accounts: {{ {secret}: {{}} }}\nsecrets: {{}}\n"),
        app_text(&[&format!("every: {secret}")]),
        app_text(&[&format!("grace: {secret}")]),
        app_text(&[&format!("issuer: {secret}")]),
        app_text(&[&format!("issuer: {{ kind: {secret} }}")]),
        app_text(&[&format!("stages: {secret}")]),
        app_text(&[&format!(
            "targets: [ {{ kind: dotenv, path: .env, variable: A, {secret}: b }} ]"
        )]),
        app_text(&[&format!(
            "targets: [ {{ kind: dotenv, path: .env, variable: A, field: {secret} }} ]"
        )]),
        app_text(&[&format!(
            "targets: [ {{ kind: dotenv, path: .env, variable: A, stage: {secret} }} ]"
        )]),
        app_text(&[&format!(
            "targets: [ {{ kind: dotenv, path: .env, variable: A, value: \"{{{secret}}}\" }} ]"
        )]),
        app_text(&[&format!(
            "targets: [ {{ kind: dotenv, path: .env, variable: A, health: {secret} }} ]"
        )]),
    ] {
        let said = refused(&text);
        assert!(!said.contains(&secret[..8]), "{text}\n{said}");
    }
}

#[test]
fn accounts_are_found_by_name_and_kind() {
    let vercel = |accounts: &str, more: &str| {
        let target = format!("{{ kind: vercel, projects: all, variable: A{more} }}");
        let app = app_text(&[&format!("targets: [ {target} ]")]);
        refused(&format!("accounts: {{{accounts}}}\n{app}"))
    };
    assert_eq!(
        vercel("", ""),
        "error: rotations.yaml:4:16: target 1 of secret `app`: no account is named, and none is called `vercel`\n  \
         hint: write `vercel: { token: { env: VERCEL_TOKEN } }` under `accounts:`\n"
    );
    assert_eq!(
        vercel(" acme: { kind: vercel, token: { env: A } } ", ""),
        "error: rotations.yaml:4:16: target 1 of secret `app`: no account is named, and none is called `vercel`\n  \
         hint: accounts of this kind: `acme`\n"
    );
    assert_eq!(
        vercel(
            " acme: { kind: vercel, token: { env: A } } ",
            ", account: amce"
        ),
        "error: rotations.yaml:4:69: target 1 of secret `app`: unknown account `amce`\n  \
         hint: accounts of this kind: `acme`\n"
    );
    assert_eq!(
        vercel(" render: { api_key: { env: A } } ", ", account: render"),
        "error: rotations.yaml:4:69: target 1 of secret `app`: account `render` is of kind `render`, not `vercel`\n  \
         hint: write `vercel: { token: { env: VERCEL_TOKEN } }` under `accounts:`\n"
    );
    assert_eq!(
        refused("accounts: { vercal: { token: { env: A } } }\nsecrets: {}\n"),
        "error: rotations.yaml:1:13: account `vercal`: `kind` is missing, and the name is no kind\n  \
         hint: did you mean `vercel`?\n"
    );
    assert_eq!(
        refused("accounts: { acme: { kind: vercal } }\nsecrets: {}\n"),
        "error: rotations.yaml:1:27: account `acme`: unknown kind `vercal`\n  hint: did you mean `vercel`?\n"
    );
    // A broken account is complained of once, not again by everything that uses it.
    assert_eq!(
        vercel(" vercel: 5 ", ""),
        "error: rotations.yaml:1:21: account `vercel`: expected a map, found `5`\n"
    );
}

#[test]
fn credentials_come_from_four_sources_and_no_other() {
    let token = |typed: &str| {
        refused(&format!(
            "accounts: {{ vercel: {{ token: {typed} }} }}\nsecrets: {{}}\n"
        ))
    };
    assert_eq!(
        token("{ enf: A }"),
        "error: rotations.yaml:1:32: account `vercel`: `token`: unknown source `enf`\n  hint: did you mean `env`?\n"
    );
    let one_of = "error: rotations.yaml:1:30: account `vercel`: `token`: expected one of `{ env: NAME }`, `{ file: PATH }`, \
                  `{ command: [PROGRAM, …] }`, `{ secret: NAME }`\n";
    assert_eq!(token("{ env: A, file: b }"), one_of);
    assert_eq!(token("{}"), one_of);
    assert_eq!(
        token("{ command: [] }"),
        "error: rotations.yaml:1:41: account `vercel`: `token`: `command` is empty\n"
    );
    assert_eq!(
        token("{ command: pass vercel }"),
        "error: rotations.yaml:1:41: account `vercel`: `token`: `command`: expected a list, found `pass vercel`\n"
    );
    assert_eq!(
        token("{ secret: gone }"),
        "error: rotations.yaml:1:30: account `vercel`: unknown secret `gone`\n  hint: nothing can be chosen here\n"
    );
    assert_eq!(
        refused("ledger: { identity: { secret: app } }\nsecrets: {}\n"),
        "error: rotations.yaml:1:21: `ledger`: `identity`: a secret of the ledger cannot open the ledger\n  \
         hint: write `identity: { file: PATH }`\n"
    );
    assert_eq!(
        refused("ledger: { recipients: [AGE-SECRET-KEY-1QQ] }\nsecrets: {}\n"),
        "error: rotations.yaml:1:24: `ledger`: `recipients`: an identity stands here, not a recipient\n"
    );
}

#[test]
fn a_token_is_sent_only_where_it_is_safe() {
    for (url, why) in [
        (
            "http://api.example",
            "must be https; plain http is for loopback",
        ),
        (
            "https://169.254.169.254/latest",
            "link-local and metadata addresses are refused",
        ),
        ("\"https://a.example/?x=1\"", "ends before `?` and `#`"),
    ] {
        let said = refused(&format!(
            "accounts: {{ vercel: {{ token: {{ env: A }}, base_url: {url} }} }}\nsecrets: {{}}\n"
        ));
        assert_eq!(
            said,
            format!("error: rotations.yaml:1:52: account `vercel`: `base_url`: {why}\n")
        );
    }
    read(
        "accounts: { vercel: { token: { env: A }, base_url: \"http://127.0.0.1:4000\" } }\nsecrets: {}\n",
    );
}

#[test]
fn what_does_not_fit_between_two_rotations_is_refused() {
    for (lines, said) in [
        (
            &["every: 7d", "grace: 7d"][..],
            "4:12: secret `app`: `grace` of 7d is not shorter than the 7d between rotations\n  \
             hint: give it a `grace` that ends before the next rotation begins",
        ),
        (
            &["every: 12h"],
            "3:12: secret `app`: the default grace of 1d is not shorter than the 12h between rotations\n  \
             hint: give it a `grace` that ends before the next rotation begins",
        ),
        (
            &["every: 0 3 * * *", "grace: 25h"],
            "4:12: secret `app`: `grace` of 25h is not shorter than the 1d between rotations\n  \
             hint: give it a `grace` that ends before the next rotation begins",
        ),
        (
            &["every: 7d", "warn: 8d"],
            "4:11: secret `app`: `warn` of 8d is not shorter than the 7d between rotations",
        ),
        (
            &["every: 30d", "max_age: 29d"],
            "4:14: secret `app`: `max_age` of 29d is shorter than the 30d between rotations",
        ),
    ] {
        assert_eq!(app(lines), format!("error: rotations.yaml:{said}\n"));
    }
}

#[test]
fn stages_are_named_before_they_are_used() {
    let staged = |stages: &str, stage: &str| {
        let target =
            format!("targets: [ {{ kind: dotenv, path: .env, variable: A, stage: {stage} }} ]");
        app(&[stages, &target])
    };
    assert_eq!(
        staged("stages: [staging, production]", "prodution"),
        "error: rotations.yaml:4:64: target 1 of secret `app`: unknown stage `prodution`\n  \
         hint: did you mean `production`?\n"
    );
    assert_eq!(
        staged("title: a", "production"),
        "error: rotations.yaml:4:64: target 1 of secret `app`: unknown stage `production`\n  \
         hint: name the order of delivery in the secret, such as `stages: [staging, production]`\n"
    );
    assert_eq!(
        app(&["soak: 1h"]),
        "error: rotations.yaml:3:11: secret `app`: `soak` without `stages` has nothing to wait between\n  \
         hint: name the order of delivery, such as `stages: [staging, production]`\n"
    );
    assert_eq!(
        app(&["stages: [a, a]"]),
        "error: rotations.yaml:3:17: secret `app`: stage `a` stands twice\n"
    );
}

#[test]
fn a_target_takes_what_the_version_has() {
    let target = |more: &str| {
        app(&[&format!(
            "targets: [ {{ kind: dotenv, path: .env, variable: A, {more} }} ]"
        )])
    };
    assert_eq!(
        target("field: value, value: \"{value}\""),
        "error: rotations.yaml:3:78: target 1 of secret `app`: `field` and `value` are both given\n  \
         hint: keep `field` for one field as it is, or `value` for a text made of fields\n"
    );
    assert_eq!(
        target("value: \"a{b\""),
        "error: rotations.yaml:3:64: target 1 of secret `app`: `value`: a `{` stands alone; write `{{` for the brace \
         itself\n"
    );
}

#[test]
fn one_place_holds_one_secret() {
    let twice = |first: &str, second: &str| {
        let text = format!(
            "accounts: {{ vercel: {{ token: {{ env: A }} }}, acme: {{ kind: vercel, token: {{ env: B }} }} }}\n\
             secrets:\n  \
             a: {{ every: 30d, issuer: {{ kind: generated }}, targets: [ {{ {first} }} ] }}\n  \
             b: {{ every: 30d, issuer: {{ kind: generated }}, targets: [ {{ {second} }} ] }}\n"
        );
        resolve(&text, "rotations.yaml", &around()).map_err(|errors| errors.to_string())
    };
    let vercel = |more: &str| format!("kind: vercel, variable: A, {more}");
    let shared = "error: rotations.yaml:4:60: secret `b`: this target writes where secret `a` in line 3 writes already\n  \
                  state: nothing was sent; every key is as it was\n  \
                  hint: one place holds one value: name another variable, or narrow one of the two";
    for (first, second) in [
        ("projects: all", "projects: [web]"),
        ("projects: [web, api]", "projects: api"),
        ("projects: \"web-*\"", "projects: web-2"),
    ] {
        let refused = twice(&vercel(first), &vercel(second)).unwrap_err();
        assert_eq!(refused.trim_end(), shared, "{first} {second}");
    }
    for (first, second) in [
        ("projects: web", "projects: api"),
        ("projects: \"web-*\"", "projects: \"api-*\""),
        ("projects: web", "projects: web, account: acme"),
    ] {
        assert!(
            twice(&vercel(first), &vercel(second)).is_ok(),
            "{first} {second}"
        );
    }
    assert_eq!(
        app(&[&format!("targets: [ {DOTENV}, {DOTENV} ]")]),
        "error: rotations.yaml:3:65: secret `app`: this target writes where the target in line 3 writes already\n  \
         hint: one place holds one value: name another variable, or narrow one of the two\n"
    );
}

#[test]
fn secrets_that_need_each_other_are_refused_and_one_that_needs_itself_is_not() {
    let file = |deploy: &str, render: &str| {
        format!(
            "accounts:\n  vercel: {{ token: {{ secret: {deploy} }} }}\n  render: {{ api_key: {{ secret: {render} }} }}\n\
             secrets:\n  \
             one: {{ every: 30d, issuer: {{ kind: generated }}, targets: [ {{ kind: vercel, projects: all, variable: A }} ] }}\n  \
             two: {{ every: 30d, issuer: {{ kind: generated }}, targets: [ {{ kind: render, services: all, variable: A }} ] }}\n"
        )
    };
    assert_eq!(
        refused(&file("two", "one")),
        "error: rotations.yaml:5:3: secrets need each other to be rotated: `one` → `two` → `one`\n  \
         hint: take one of the credentials from `{ env: … }` or `{ file: … }`\n"
    );
    let config = read(&file("one", "one"));
    let used_by = &config.secrets[&SecretName::new("one")].used_by;
    assert_eq!(used_by, &["vercel".into(), "render".into()]);
}

#[test]
fn names_are_plain() {
    let hint =
        "  hint: up to 63 of a-z, 0-9, `.`, `_` and `-`, beginning with a letter or a digit\n";
    for name in ["App", "-app", "a b", "ä", "../x"] {
        let said = refused(&format!("secrets: {{ \"{name}\": {{}} }}\n"));
        let what = format!("error: rotations.yaml:1:12: `{name}` is not the name of a secret\n");
        assert_eq!(said, what + hint);
    }
    let said = refused("accounts: { Vercel: {} }\nsecrets: {}\n");
    let what = "error: rotations.yaml:1:13: `Vercel` is not the name of an account\n";
    assert_eq!(said, format!("{what}{hint}"));
}

#[test]
fn at_most_twenty_things_are_said_at_once() {
    let lines: String = (0..25).map(|n| format!("x{n}: 1\n")).collect();
    let said = refused(&format!("secrets: {{}}\n{lines}"));
    assert_eq!(said.matches("unknown key").count(), 20);
    assert!(said.ends_with("error: and 5 more\n"), "{said}");
}

#[test]
#[ignore]
fn big() {
    use std::fmt::Write;
    let count: usize = std::env::var("COUNT")
        .ok()
        .and_then(|c| c.parse().ok())
        .unwrap_or(10_000);
    let every = std::env::var("EVERY").unwrap_or("30d".into());
    let mut text = String::from(
        "defaults: { warn: 7d, grace: 24h }\naccounts:\n  vercel: { token: { env: VERCEL_TOKEN } }\n  openai: { admin_key: { env: OPENAI } }\nsecrets:\n",
    );
    for n in 0..count {
        write!(text, "  service-{n}:\n    title: Service {n}\n    every: \"{every}\"\n    issuer: {{ kind: openai, project: proj_{n} }}\n    targets:\n      - {{ kind: vercel, projects: all, variable: SERVICE_{n}_API_KEY }}\n      - {{ kind: dotenv, path: /srv/app/.env, variable: SERVICE_{n}_API_KEY }}\n").unwrap();
    }
    let rss = || {
        let s = std::fs::read_to_string("/proc/self/status").unwrap();
        s.lines()
            .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    println!("{} bytes {}", text.len(), rss());
    for _ in 0..5 {
        let start = std::time::Instant::now();
        let n = serde_yaml::granit_parser::Parser::new_from_str(&text).count();
        println!("events {n} {:?} {}", start.elapsed(), rss());
        let start = std::time::Instant::now();
        let complaints = super::complaint::Complaints::about("x");
        let tree = super::file::read(&text, &complaints);
        println!("tree {:?} {}", start.elapsed(), rss());
        drop(tree);
        let start = std::time::Instant::now();
        let config = read(&text);
        println!(
            "all {:?} {} secrets {}",
            start.elapsed(),
            config.secrets.len(),
            rss()
        );
    }
}
