//! The quirks of OpenAI.

use serde_json::{Value, json};

use crate::client::{openai, openai_as, seconds, still_world};
use crate::support::world::{Access, ApiKey, OpenAiEra, World, last4};

fn keys_path(world: &World) -> String {
    format!("/organization/projects/{}/api_keys", world.openai_project())
}

fn account_path(world: &World) -> String {
    let (project, account) = (world.openai_project(), world.openai_account());
    format!("/organization/projects/{project}/service_accounts/{account}")
}

fn create(world: &World, body: &Value) -> Value {
    let reply = openai(world).post(&format!("{}/api_keys", account_path(world)), body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

#[test]
fn a_created_key_is_shown_once_and_works_at_once() {
    let (_, world, _) = still_world();
    let made = create(&world, &json!({"name": "rotakey-1"}));
    let value = made["value"].as_str().expect("a value");
    assert!(
        value.starts_with("sk-svcacct-") && value.len() == 75,
        "{value}"
    );
    assert_eq!(made["name"], "rotakey-1");
    assert_eq!(made["created_at"], 1_705_654_800);
    assert_eq!(openai_as(&world, value).get("/models").status, 200);
    let listed = openai(&world).get(&keys_path(&world));
    assert!(!listed.body.contains(value));
    assert_eq!(
        listed.json()["data"][1]["redacted_value"],
        format!("sk-svcacct-********{}", last4(value))
    );
    assert!(world.all_secret_values().contains(&value.to_owned()));
}

#[test]
fn two_worlds_make_the_same_keys() {
    let values = |_| still_world().2.value;
    let both: Vec<String> = (0..2).map(values).collect();
    assert_eq!(both[0], both[1]);
}

#[test]
fn keys_are_not_each_other_shifted() {
    let (_, world, first) = still_world();
    let second = world.seed_key("second", "2024-01-01T00:00:00Z");
    let letters = |key: &ApiKey| key.value.trim_start_matches("sk-svcacct-").to_owned();
    assert!(!letters(&second).contains(&letters(&first)[5..15]));
}

#[test]
fn a_list_of_keys_goes_on_after_the_last_id() {
    let (_, world, _) = still_world();
    for number in 0..4 {
        create(&world, &json!({"name": format!("k{number}")}));
    }
    let page = openai(&world)
        .get(&format!("{}?limit=2", keys_path(&world)))
        .json();
    assert_eq!(page["has_more"], true);
    assert_eq!(page["data"].as_array().map(Vec::len), Some(2));
    let last = page["last_id"].as_str().expect("an id").to_owned();
    let page = openai(&world)
        .get(&format!("{}?limit=3&after={last}", keys_path(&world)))
        .json();
    assert_eq!(page["has_more"], false);
    assert_eq!(page["data"][2]["name"], "k3");
    assert_eq!(
        openai(&world)
            .get(&format!("{}?limit=101", keys_path(&world)))
            .status,
        400
    );
}

#[test]
fn the_default_list_hides_keys_whose_owner_lost_access() {
    let (_, world, key) = still_world();
    world.set_owner_access(Access::Inactive);
    let seen = |query: &str| {
        openai(&world)
            .get(&format!("{}{query}", keys_path(&world)))
            .json()["data"]
            .clone()
    };
    assert_eq!(seen(""), json!([]));
    assert_eq!(seen("?owner_project_access=any")[0]["id"], key.id);
    assert_eq!(
        seen("?owner_project_access=inactive")[0]["owner_project_access"],
        "inactive"
    );
}

#[test]
fn a_project_key_gets_a_bare_string_error_from_the_organization() {
    let (_, world, key) = still_world();
    let reply = openai_as(&world, &key.value).get(&keys_path(&world));
    assert_eq!(reply.status, 403);
    let error = reply.json()["error"].clone();
    assert!(
        error
            .as_str()
            .is_some_and(|text| text.contains("Missing scopes: api.management.read"))
    );
}

#[test]
fn a_refused_key_is_echoed_in_part() {
    let (_, world, _) = still_world();
    let reply = openai_as(&world, "sk-svcacct-wrongwrongwrongx7K2").get("/models");
    assert_eq!(reply.status, 401);
    let error = reply.json()["error"].clone();
    assert_eq!(error["code"], "invalid_api_key");
    assert_eq!(
        error["message"],
        "Incorrect API key provided: sk-svcacct-********x7K2."
    );
}

#[test]
fn the_admin_key_may_not_see_the_models() {
    let (_, world, _) = still_world();
    assert_eq!(openai(&world).get("/models").status, 403);
}

#[test]
fn a_key_without_the_scope_is_authentic_and_denied_while_no_scopes_mean_all() {
    let (_, world, _) = still_world();
    let narrow = create(&world, &json!({"name": "n", "scopes": ["model.request"]}));
    let value = narrow["value"].as_str().expect("a value");
    let denied = openai_as(&world, value).get("/models");
    assert_eq!(denied.status, 403);
    assert!(denied.body.contains("Missing scopes: api.model.read"));
    let path = format!(
        "{}/{}",
        keys_path(&world),
        narrow["id"].as_str().expect("an id")
    );
    assert_eq!(
        openai(&world).post(&path, &json!({"scopes": []})).status,
        200
    );
    assert_eq!(openai_as(&world, value).get("/models").status, 200);
}

#[test]
fn last_use_is_told_and_null_before() {
    let (calendar, world, _) = still_world();
    let made = create(&world, &json!({"name": "n"}));
    let path = format!(
        "{}/{}",
        keys_path(&world),
        made["id"].as_str().expect("an id")
    );
    assert_eq!(
        openai(&world).get(&path).json()["last_used_at"],
        Value::Null
    );
    calendar.advance(seconds(60));
    openai_as(&world, made["value"].as_str().expect("a value")).get("/models");
    assert_eq!(
        openai(&world).get(&path).json()["last_used_at"],
        1_705_654_860
    );
}

#[test]
fn a_key_expires_by_itself_and_cannot_be_changed_then() {
    let (calendar, world, _) = still_world();
    let made = create(&world, &json!({"name": "n", "expires_in_seconds": 100}));
    assert_eq!(made["expires_at"], 1_705_654_900);
    let value = made["value"].as_str().expect("a value").to_owned();
    calendar.advance(seconds(99));
    assert_eq!(openai_as(&world, &value).get("/models").status, 200);
    calendar.advance(seconds(1));
    assert_eq!(openai_as(&world, &value).get("/models").status, 401);
    let path = format!(
        "{}/{}",
        keys_path(&world),
        made["id"].as_str().expect("an id")
    );
    let change = json!({"expires_in_seconds": 100});
    assert_eq!(openai(&world).post(&path, &change).status, 400);
}

#[test]
fn a_repeated_update_restarts_the_expiry() {
    let (calendar, world, key) = still_world();
    let path = format!("{}/{}", keys_path(&world), key.id);
    let update = || {
        openai(&world)
            .post(&path, &json!({"expires_in_seconds": 100}))
            .json()["expires_at"]
            .clone()
    };
    assert_eq!(update(), 1_705_654_900);
    calendar.advance(seconds(50));
    assert_eq!(update(), 1_705_654_950);
    assert_eq!(openai(&world).post(&path, &json!({})).status, 400);
    assert_eq!(
        openai(&world)
            .post(&path, &json!({"expires_in_seconds": 31_536_001}))
            .status,
        400
    );
}

#[test]
fn a_new_key_is_refused_and_a_deleted_one_accepted_for_a_while() {
    let (calendar, world, _) = still_world();
    world.set(|settings| {
        settings.created_key_lag = seconds(5);
        settings.deleted_key_lag = seconds(30);
    });
    let made = create(&world, &json!({"name": "n"}));
    let value = made["value"].as_str().expect("a value").to_owned();
    let status = || openai_as(&world, &value).get("/models").status;
    assert_eq!(status(), 401);
    calendar.advance(seconds(5));
    assert_eq!(status(), 200);
    let path = format!(
        "{}/{}",
        keys_path(&world),
        made["id"].as_str().expect("an id")
    );
    let gone = openai(&world).delete(&path).json();
    assert_eq!(gone["object"], "organization.project.api_key.deleted");
    calendar.advance(seconds(29));
    assert_eq!(status(), 200);
    calendar.advance(seconds(1));
    assert_eq!(status(), 401);
    assert_eq!(openai(&world).delete(&path).status, 404);
}

#[test]
fn in_the_older_era_an_account_has_one_key_and_dies_with_it() {
    let (_, world, key) = still_world();
    world.set(|settings| settings.openai_era = OpenAiEra::OneKey);
    let project = format!("/organization/projects/{}", world.openai_project());
    assert_eq!(
        openai(&world)
            .delete(&format!("{project}/api_keys/{}", key.id))
            .status,
        400
    );
    let make = format!("{}/api_keys", account_path(&world));
    assert_eq!(
        openai(&world).post(&make, &json!({"name": "n"})).status,
        404
    );
    let accounts = format!("{project}/service_accounts");
    let made = openai(&world)
        .post(&accounts, &json!({"name": "rotakey-2"}))
        .json();
    let value = made["api_key"]["value"]
        .as_str()
        .expect("a value")
        .to_owned();
    assert_eq!(openai_as(&world, &value).get("/models").status, 200);
    let listed = openai(&world).get(&accounts).json();
    assert_eq!(listed["data"][1]["name"], "rotakey-2");
    assert_eq!(listed["data"][1].get("api_key"), None);
    let gone = openai(&world).delete(&format!(
        "{accounts}/{}",
        made["id"].as_str().expect("an id")
    ));
    assert_eq!(gone.json()["deleted"], true);
    assert_eq!(openai_as(&world, &value).get("/models").status, 401);
}

#[test]
fn an_account_can_be_made_without_a_key() {
    let (_, world, _) = still_world();
    let accounts = format!(
        "/organization/projects/{}/service_accounts",
        world.openai_project()
    );
    let made = openai(&world)
        .post(
            &accounts,
            &json!({"name": "bare", "create_service_account_only": true}),
        )
        .json();
    assert_eq!(made["api_key"], Value::Null);
    assert_eq!(world.all_keys().len(), 1);
}

#[test]
fn an_archived_project_refuses_service_accounts() {
    let (_, world, _) = still_world();
    world.archive_openai_project();
    let accounts = format!(
        "/organization/projects/{}/service_accounts",
        world.openai_project()
    );
    assert_eq!(openai(&world).get(&accounts).status, 400);
    assert_eq!(
        openai(&world)
            .get("/organization/projects/proj_other/service_accounts")
            .status,
        404
    );
}

#[test]
fn replies_are_dated_by_the_calendar() {
    let (calendar, world, _) = still_world();
    let date = || {
        openai(&world)
            .get("/models")
            .header("date")
            .map(str::to_owned)
    };
    assert_eq!(date().as_deref(), Some("Fri, 19 Jan 2024 09:00:00 GMT"));
    calendar.set("2024-02-18T23:59:59Z");
    assert_eq!(date().as_deref(), Some("Sun, 18 Feb 2024 23:59:59 GMT"));
}
