use super::*;
use crate::issuers::database::{PASSWORD, USER, field};
use serde_json::{Value, json};

fn issuer(config: Value) -> Result<Mysql, String> {
    let account = Arc::new(Account::new("mysql".into(), "mysql").set("user", "rotakey"));
    let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
    Mysql::new(config, &account).map_err(|fault| fault.what)
}

#[test]
fn an_account_is_a_user_and_a_host() {
    let quoted = |config| issuer(config).map(|issuer| issuer.name.quoted());
    assert_eq!(quoted(json!({"user": "app"})), Ok("`app`@`%`".to_owned()));
    assert_eq!(
        quoted(json!({"user": "App", "host": "LocalHost"})),
        Ok("`App`@`localhost`".to_owned())
    );
    let wrong = "`user` and `host` name an account, as in `app` and `10.0.%`";
    for config in [
        json!({"user": ""}),
        json!({"user": "a\u{0}"}),
        json!({"user": "a", "host": ""}),
    ] {
        assert_eq!(quoted(config), Err(wrong.to_owned()));
    }
    assert_eq!(
        quoted(json!({"user": "rotakey"})),
        Err(
            "`rotakey` is the user that rotakey itself logs in as; it cannot rotate that here"
                .to_owned()
        )
    );
    assert!(quoted(json!({"user": "app", "sessions": "some"})).is_err());
}

#[test]
fn passwords_are_long_plain_and_different() {
    let issuer = issuer(json!({"user": "app"})).unwrap();
    let made = || issuer.propose(None, Trust::Kept).unwrap().unwrap();
    let (one, other) = (made(), made());
    let password = |key| field(key, PASSWORD).unwrap().expose().to_owned();
    assert_eq!(field(&one, USER).unwrap().expose(), "app");
    assert_eq!(password(&one).len(), 48);
    assert!(
        password(&one)
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
    );
    assert_ne!(password(&one), password(&other));
}

#[test]
fn a_version_of_another_user_is_not_touched() {
    let issuer = issuer(json!({"user": "app"})).unwrap();
    let other = Key::of(made_up("shop", Trust::Kept).unwrap());
    let Effect::NotDone(fault) = issuer.revoke(&other) else {
        panic!()
    };
    assert_eq!(
        fault.what,
        "the user of this version is not the `user` of the configuration"
    );
}
