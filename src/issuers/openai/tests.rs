//! What the tests of keys at OpenAI are made of.

mod kill;
mod look;
mod make;

use super::*;
use crate::http::testing::{Answer, JumpingClock, Server};
use crate::model::Credential;
use serde_json::Value;

const ACCOUNTS: &str = "/organization/projects/proj_1/service_accounts";

const KEYS: &str = "/organization/projects/proj_1/api_keys";

fn issuer(server: &Server, more: Value) -> OpenAi {
    let mut config = json!({"project": "proj_1"});
    let map = config.as_object_mut().unwrap();
    map.extend(more.as_object().unwrap().clone());
    let admin = Credential::new("test", || Ok(SecretValue::new("sk-admin-x")));
    let account = Account::new("openai".into(), "openai")
        .at(&server.base)
        .with("admin_key", admin);
    let clock: Arc<dyn Clock> = JumpingClock::new();
    OpenAi::new(
        serde_json::from_value(config).unwrap(),
        &Arc::new(account),
        &clock,
    )
    .unwrap()
}

fn ok(body: Value) -> Answer {
    Answer::Json(200, body)
}

fn no(status: u16) -> Answer {
    let error =
        json!({"message": "no", "type": "invalid_request_error", "param": null, "code": null});
    Answer::Json(status, json!({"error": error}))
}

fn page(data: Value) -> Answer {
    ok(json!({"object": "list", "data": data, "has_more": false}))
}

fn listed(id: &str, name: &str, owner: &str) -> Value {
    let owner = json!({"type": "service_account", "service_account": {"id": owner, "name": "x"}});
    json!({"id": id, "name": name, "redacted_value": "sk-svc...7K2", "created_at": 1_700_000_000,
        "last_used_at": null, "owner": owner})
}

fn made(id: &str, value: &str) -> Value {
    json!({"object": "organization.project.service_account.api_key", "id": id, "value": value,
        "name": "rk-1", "created_at": 1_700_000_000})
}

fn live(id: &str, owner: &str) -> Key {
    Key {
        id: Some(id.into()),
        ..key(
            MadeKey {
                id: id.into(),
                value: "sk-old".into(),
            },
            owner,
        )
    }
}

fn issue(issuer: &OpenAi, current: Option<&Key>) -> Effect<Key> {
    let tag = Tag::new("rk-1");
    issuer.issue(&Request {
        tag: &tag,
        proposal: None,
        current,
    })
}

fn new_key(owner: &str) -> Effect<Key> {
    let made = MadeKey {
        id: "key_2".into(),
        value: "sk-new".into(),
    };
    Effect::Done(key(made, owner))
}
