//! What has to fit together: intervals, stages, fields and places.

use crate::error::Error;
use crate::issuers::Overlap;
use crate::model::{Canary, SecretName, Span};

use super::{DOTENV, app, app_text, around, read, refused};
use crate::config::resolve;

#[test]
fn what_does_not_fit_between_two_rotations_is_refused() {
    for (lines, said) in [
        (
            &["every: 7d", "grace: 7d"][..],
            "4:12: secret `app`: `grace` of 7d is not shorter than the 7d between rotations\n  \
             hint: give it a `grace` that ends before the next rotation begins",
        ),
        (
            &["every: 0 3 * * *", "grace: 25h"],
            "4:12: secret `app`: `grace` of 25h is not shorter than the 1d between rotations\n  \
             hint: give it a `grace` that ends before the next rotation begins",
        ),
        (
            &["every: 0 3 31 2 *"],
            "3:12: secret `app`: `every`: `cron 0 3 31 2 *` never comes round",
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
fn an_issuer_without_overlap_leaves_no_grace() {
    let name = SecretName::new("app");
    let settled = |lines: &[&str], overlap| {
        let mut config = read(&app_text(lines));
        let secret = config.secrets.get_mut(&name).expect("it is there");
        let policy = &mut secret.policy;
        let settled = secret
            .grace_from
            .settle(policy, overlap, (&name, "rotations.yaml"));
        settled.map(|()| secret.policy.grace)
    };
    assert_eq!(settled(&[], Overlap::Many), Ok(Span::hours(24)));
    assert_eq!(settled(&["grace: 2d"], Overlap::Two), Ok(Span::days(2)));
    assert_eq!(settled(&[], Overlap::None), Ok(Span::ZERO));
    assert_eq!(settled(&["grace: 0s"], Overlap::None), Ok(Span::ZERO));
    // The usual grace has to fit between two rotations only where there is one.
    assert_eq!(settled(&["every: 30m"], Overlap::None), Ok(Span::ZERO));
    let crowded = settled(&["every: 12h"], Overlap::Two).unwrap_err();
    assert_eq!(
        Error::from(crowded).render(),
        "error: rotations.yaml:3:12: secret `app`: the default grace of 1d is not shorter than the 12h between \
         rotations\n  state: nothing was sent; every key is as it was\n  \
         hint: give it a `grace` that ends before the next rotation begins\n"
    );
    let refused = settled(&["grace: 2d"], Overlap::None).unwrap_err();
    assert_eq!(
        Error::from(refused).render(),
        "error: rotations.yaml:3:12: secret `app`: `grace` of 2d cannot be kept: with this issuer the old version ends \
         when the new one is made\n  state: nothing was sent; every key is as it was\n  \
         hint: remove the line, or write `grace: 0s`\n"
    );
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
        "error: rotations.yaml:3:11: secret `app`: `soak` without `stages` or `canary` has nothing to wait between\n  \
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
        target("field: password"),
        "error: rotations.yaml:3:64: target 1 of secret `app`: the issuer gives no field `password`\n  \
         hint: it gives `value`\n"
    );
    assert_eq!(
        target("value: \"{value},{previous}\""),
        "error: rotations.yaml:3:64: target 1 of secret `app`: the issuer gives no field `previous`\n  \
         hint: it gives `value`\n"
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
fn a_freeze_is_once_or_comes_again() {
    let text = |entry: &str| format!("freeze:\n  - {entry}\n{}", app_text(&[]));
    for good in [
        "{ from: 2024-12-20, to: 2025-01-02, reason: holidays }",
        "{ begins: \"0 16 * * 5\", lasts: 64h }",
    ] {
        assert_eq!(read(&text(good)).freezes.len(), 1, "{good}");
    }
    for (bad, said) in [
        (
            "{ from: 2024-12-20 }",
            "2:5: freeze 1: `to` is missing\n  \
             hint: write both ends, such as `{ from: 2024-12-20, to: 2025-01-02 }`",
        ),
        (
            "{ from: 2025-01-02, to: 2024-12-20 }",
            "2:29: freeze 1: `to` is not after `from`",
        ),
        (
            "{ from: friday, to: 2025-01-02 }",
            "2:13: freeze 1: `from`: `friday` is not a time; write `2024-12-20` or `2024-12-20T16:00:00Z`",
        ),
        (
            "{ begins: 7d, lasts: 2d }",
            "2:15: freeze 1: `begins` is no cron expression\n  \
             hint: write when it begins and how long it lasts, such as `{ begins: \"0 16 * * 5\", lasts: 64h }`",
        ),
        (
            "{ begins: \"0 0 * * *\", lasts: 24h }",
            "2:15: freeze 1: it never ends: `lasts` reaches the next one",
        ),
        (
            "{ from: 2024-12-20, to: 2025-01-02, until: 2025-01-03 }",
            "2:41: freeze 1: unknown key `until`\n  hint: known here: `from`, `reason`, `to`",
        ),
    ] {
        assert_eq!(
            refused(&text(bad)),
            format!("error: rotations.yaml:{said}\n")
        );
    }
}

#[test]
fn canaries_are_a_share_or_a_number() {
    let canary = |text: &str| {
        read(&app_text(&[text])).secrets[&SecretName::new("app")]
            .policy
            .canary
    };
    assert_eq!(canary("canary: 10%"), Some(Canary::Percent(10)));
    assert_eq!(canary("canary: 2"), Some(Canary::Services(2)));
    assert_eq!(canary("title: app"), None);
    assert_eq!(
        app(&["canary: 0%"]),
        "error: rotations.yaml:3:13: secret `app`: `canary`: expected a share such as `10%`, or a number of services \
         such as `1`\n"
    );
    assert_eq!(
        app(&["stages: [canary, production]", "canary: 1"]),
        "error: rotations.yaml:4:13: secret `app`: a stage is called `canary`, and `canary` makes one\n  \
         hint: call the stage otherwise, or remove `canary`\n"
    );
}
