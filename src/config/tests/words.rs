//! What is said of a word that is unknown, missing, or of the wrong kind.

use super::{app, refused};

#[test]
fn unknown_words_find_the_known_one() {
    assert_eq!(
        app(&["evry: 30d", "every: 60d"]),
        "error: rotations.yaml:3:5: secret `app`: unknown key `evry`\n  hint: did you mean `every`?\n"
    );
    assert_eq!(
        app(&["note: x"]),
        "error: rotations.yaml:3:5: secret `app`: unknown key `note`\n  hint: known here: `canary`, `confirm_timeout`, \
         `criticality`, `environment`, `every`, `grace`, `issuer`, `max_age`, `owner`, `policy_ref`, `purpose`, \
         `review`, `skip`, `soak`, `stages`, `targets`, `title`, `warn`\n"
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
            "3:38: target 1 of secret `app`: `path`: expected a path, found a list",
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
fn what_a_kind_says_of_its_own_keys_has_a_place() {
    for (line, said) in [
        (
            "issuer: { kind: generated, length: long }",
            "3:40: issuer of secret `app`: `length`: expected a whole number, found `long`",
        ),
        (
            "issuer: { kind: generated, alphabet: base63 }",
            "3:42: issuer of secret `app`: `alphabet`: unknown word `base63`\n  hint: did you mean `base36`?",
        ),
        (
            "issuer: { kind: command, run: [a], generate: { lenght: 4 } }",
            "3:52: issuer of secret `app`: unknown key `lenght`\n  hint: did you mean `length`?",
        ),
    ] {
        assert_eq!(app(&[line]), format!("error: rotations.yaml:{said}\n"));
    }
    for (key, said) in [
        (
            "create: yes",
            "3:65: target 1 of secret `app`: `create`: expected `true` or `false`, found `yes`",
        ),
        (
            "reload: [[a]]",
            "3:66: target 1 of secret `app`: `reload`: expected a text, found a list",
        ),
        (
            "reload_timeout: soon",
            "3:73: target 1 of secret `app`: `reload_timeout`: `soon` is not a duration; write a number and a unit of s, \
             m, h, d or w, such as `30d`",
        ),
        (
            "account: a",
            "3:57: target 1 of secret `app`: unknown key `account`\n  hint: known here: `create`, `field`, `health`, \
             `in_place`, `kind`, `path`, `reload`, `reload_timeout`, `stage`, `value`, `variable`",
        ),
        (
            "health: 5",
            "3:65: target 1 of secret `app`: `health`: expected an address, or a map with `url`, found `5`",
        ),
        (
            "health: http://a.example",
            "3:65: target 1 of secret `app`: `health`: must be https; plain http is for loopback",
        ),
        (
            "health: { ulr: \"https://a.example/\" }",
            "3:67: target 1 of secret `app`: `health`: unknown key `ulr`\n  hint: did you mean `url`?",
        ),
        (
            "health: { url: \"https://a.example/\", good: many }",
            "3:100: target 1 of secret `app`: `health`: `good`: expected a whole number, found `many`",
        ),
    ] {
        let target = format!("targets: [ {{ kind: dotenv, path: .env, variable: A, {key} }} ]");
        assert_eq!(app(&[&target]), format!("error: rotations.yaml:{said}\n"));
    }
}
