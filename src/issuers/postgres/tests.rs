use super::*;
use crate::model::FieldName;
use serde_json::{Value, json};

fn config(more: Value) -> Config {
    let mut config = json!({"database": "app", "owner": "app_owner", "roles": ["app_a", "app_b"]});
    let map = config.as_object_mut().unwrap();
    map.extend(more.as_object().unwrap().clone());
    serde_json::from_value(config).unwrap()
}

fn issuer() -> Postgres {
    let account = Arc::new(Account::new("postgres".into(), "postgres"));
    Postgres::new(config(json!({})), &account).unwrap()
}

fn of(user: &str) -> Key {
    let fields = [(USER, user), (PASSWORD, "p")];
    let fields = fields.map(|(name, text)| (FieldName::new(name), SecretValue::new(text)));
    Key::of(fields.into_iter().collect())
}

fn proposed(current: Option<&Key>) -> (String, String) {
    let key = issuer()
        .propose(current, crate::issuers::Trust::Kept)
        .unwrap()
        .unwrap();
    let [user, password] =
        [USER, PASSWORD].map(|name| field(&key, name).unwrap().expose().to_owned());
    (user, password)
}

#[test]
fn the_role_that_rests_gets_the_next_password() {
    assert_eq!(proposed(None).0, "app_a");
    assert_eq!(proposed(Some(&of("app_a"))).0, "app_b");
    assert_eq!(proposed(Some(&of("app_b"))).0, "app_a");
    assert_eq!(proposed(Some(&of("legacy"))).0, "app_a");
}

#[test]
fn passwords_are_long_plain_and_different() {
    let (one, other) = (proposed(None).1, proposed(None).1);
    assert_eq!(one.len(), 48);
    assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_ne!(one, other);
}

#[test]
fn one_role_is_refused_with_the_reason_unless_downtime_is_accepted() {
    let refused = |more| config(more).overlap().unwrap_err();
    let fault = refused(json!({"roles": ["app"]}));
    assert_eq!(
        fault.what,
        "with one role the old password ends as the new one is set, and services fail until they have it"
    );
    assert_eq!(
        fault.hint.unwrap(),
        "name a second one, as in `roles: [app_a, app_b]`, or say `downtime: accepted`"
    );
    let accepted = config(json!({"roles": ["app"], "downtime": "accepted"}));
    assert_eq!(accepted.overlap(), Ok(Overlap::None));
    assert_eq!(config(json!({})).overlap(), Ok(Overlap::Two));
    for wrong in [
        json!({"downtime": "accepted"}),
        json!({"roles": []}),
        json!({"roles": ["app_a", "app_a"]}),
        json!({"roles": ["a", "b", "c"]}),
        json!({"roles": ["app_owner", "app_b"]}),
        json!({"roles": ["app_a", "x".repeat(64)]}),
        json!({"owner": ""}),
        json!({"database": "a\u{0}b"}),
    ] {
        refused(wrong);
    }
}

#[test]
fn the_role_of_the_account_is_not_rotated() {
    let account = Arc::new(Account::new("postgres".into(), "postgres").set("user", "app_b"));
    let fault = Postgres::new(config(json!({})), &account).err().unwrap();
    assert_eq!(
        fault.what,
        "`app_b` is the role that rotakey itself logs in as; it cannot rotate that here"
    );
}
