//! Accounts, where their credentials come from, and secrets that rotakey itself uses.

use crate::model::SecretName;

use super::{app_text, read, refused};

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
