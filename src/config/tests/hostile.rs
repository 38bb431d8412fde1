//! Files that are broken, meant to do harm, or hold a secret that somebody pasted.

use crate::config::resolve;

use super::{app, app_text, around, read, refused};

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
        "error: rotations.yaml:4:5: `title` stands twice; it was given in line 3 already\n"
    );
    assert_eq!(
        refused("secrets: {}\nsecrets: {}\n"),
        "error: rotations.yaml:2:1: `secrets` stands twice; it was given in line 1 already\n"
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
        app_text(&[&format!(
            "issuer: {{ kind: command, run: [a], settings: {{ {secret}: [a] }} }}"
        )]),
        app_text(&[&format!(
            "issuer: {{ kind: command, run: [a], {secret}: [a] }}"
        )]),
        app_text(&[&format!(
            "issuer: {{ kind: command, run: [a], overlap: {secret} }}"
        )]),
        app_text(&[&format!("issuer: {{ kind: generated, length: {secret} }}")]),
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
fn a_file_that_was_cut_off_anywhere_is_read_or_refused() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("examples/staged-rollout.yaml")).unwrap();
    let lines = u32::try_from(text.lines().count()).unwrap();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let Err(errors) = resolve(&text[..end], "rotations.yaml", &around()) else {
            continue;
        };
        for error in errors.iter() {
            assert!((1..=lines).contains(&error.at.line), "{error}");
            assert!(error.at.column >= 1, "{error}");
        }
    }
}

#[test]
fn a_file_of_nothing_but_mistakes_is_told_quickly() {
    let mistakes: String = (0..20_000)
        .map(|number| format!("key{number}: 1\n"))
        .collect();
    assert!(refused(&mistakes).ends_with("error: and 980 more\n"));
    let twice = "secrets: {}\n".repeat(20_000);
    assert!(refused(&twice).ends_with("error: and 980 more\n"));
}
