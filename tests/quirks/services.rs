//! What the customer's services notice.

use serde_json::json;

use crate::client::{health, openai, render, seconds, still_world, vercel};
use crate::support::world::{ApiKey, Failure, Sick, Tally, World, last4};

const KEY: &str = "OPENAI_API_KEY";

fn delete(world: &World, key: &ApiKey) {
    let path = format!(
        "/organization/projects/{}/api_keys/{}",
        world.openai_project(),
        key.id
    );
    assert_eq!(openai(world).delete(&path).status, 200);
}

#[test]
fn every_service_calls_after_every_request_and_every_advance() {
    let (calendar, world, key) = still_world();
    world.add_projects(["web"], &[(KEY, &key.value)]);
    world.add_services(["api"], &[(KEY, &key.value)]);
    vercel(&world).get("/v2/user");
    calendar.advance(seconds(1));
    world.tick();
    let tally = Tally {
        served: 3,
        failed: 0,
    };
    assert_eq!(
        world.tallies().into_iter().collect::<Vec<_>>(),
        [
            ("render/api".to_owned(), tally),
            ("vercel/web".to_owned(), tally),
        ]
    );
}

#[test]
fn a_key_deleted_under_a_service_is_noticed_at_once_and_blamed() {
    let (calendar, world, key) = still_world();
    world.add_projects(["web"], &[(KEY, &key.value)]);
    vercel(&world).get("/v2/user");
    delete(&world, &key);
    let failure = Failure {
        service: "vercel/web".into(),
        variable: KEY.into(),
        last4: last4(&key.value),
        at: calendar.now(),
        after_request: 2,
    };
    assert_eq!(world.failures(), [failure]);
    assert_eq!(world.violations()[0].n, 2);
    assert_eq!(world.violations()[0].rule, "deletes a key in use");
    assert_eq!(
        world.uses_dead_key(),
        [
            "vercel/web:production stores OPENAI_API_KEY",
            "vercel/web runs OPENAI_API_KEY",
        ]
    );
    assert_eq!(world.live_keys().len(), 0);
}

#[test]
fn a_key_deleted_during_the_drain_fails_the_old_instances_only() {
    let (calendar, world, key) = still_world();
    let new = world.seed_key("second", "2024-01-19T08:00:00Z");
    world.add_services(["api"], &[(KEY, &key.value)]);
    let id = render(&world).get("/services").json()[0]["service"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    render(&world).put(
        &format!("/services/{id}/env-vars/{KEY}"),
        &json!({"value": new.value}),
    );
    render(&world).post(
        &format!("/services/{id}/deploys"),
        &json!({"deployMode": "deploy_only"}),
    );
    calendar.advance(seconds(31));
    delete(&world, &key);
    assert_eq!(world.failures().len(), 1);
    assert_eq!(world.uses_dead_key(), ["render/api drains OPENAI_API_KEY"]);
    assert_eq!(health(&world, "render/api"), 200);
    calendar.advance(seconds(90));
    let noticed = world.failures().len();
    calendar.advance(seconds(3600));
    assert_eq!(world.failures().len(), noticed);
    assert_eq!(world.uses_dead_key(), Vec::<String>::new());
}

#[test]
fn an_expiry_between_two_looks_is_dated_by_itself() {
    let (calendar, world, key) = still_world();
    world.add_projects(["web"], &[(KEY, &key.value)]);
    let path = format!(
        "/organization/projects/{}/api_keys/{}",
        world.openai_project(),
        key.id
    );
    openai(&world).post(&path, &json!({"expires_in_seconds": 600}));
    calendar.advance(seconds(3600));
    assert_eq!(
        world.failures()[0].at.to_rfc3339(),
        "2024-01-19T09:10:00+00:00"
    );
}

#[test]
fn health_is_the_services_own_call() {
    let (_, world, key) = still_world();
    world.add_projects(["web"], &[(KEY, &key.value)]);
    assert_eq!(health(&world, "vercel/web"), 200);
    assert_eq!(health(&world, "vercel/none"), 503);
    delete(&world, &key);
    assert_eq!(health(&world, "vercel/web"), 500);
    assert_eq!(world.requests().len(), 1);
}

#[test]
fn a_service_can_be_sick_always_or_only_with_the_new_key() {
    let (calendar, world, key) = still_world();
    let new = world.seed_key("second", "2024-01-19T08:00:00Z");
    world.add_projects(["web", "docs"], &[(KEY, &key.value)]);
    world.make_unhealthy("vercel/docs", Sick::Always);
    world.make_unhealthy("vercel/web", Sick::OnlyWithNewKey);
    assert_eq!(
        [health(&world, "vercel/docs"), health(&world, "vercel/web")],
        [503, 200]
    );
    world.heal("vercel/docs");
    assert_eq!(health(&world, "vercel/docs"), 200);
    let row = vercel(&world).get("/v10/projects/web/env").json()["envs"][0]["id"].clone();
    let path = format!("/v9/projects/web/env/{}", row.as_str().expect("an id"));
    vercel(&world).patch(&path, &json!({"value": new.value}));
    let live = vercel(&world).get("/v9/projects/web").json()["targets"]["production"]["id"].clone();
    let wish = json!({"deploymentId": live, "name": "web", "target": "production"});
    vercel(&world).post("/v13/deployments?forceNew=1", &wish);
    calendar.advance(seconds(41));
    assert_eq!(health(&world, "vercel/web"), 200);
    calendar.advance(seconds(1));
    assert_eq!(health(&world, "vercel/web"), 503);
    assert_eq!(world.failures(), []);
}

#[test]
fn a_variable_may_have_a_validator_of_its_own_and_others_are_not_called() {
    let (_, world, key) = still_world();
    let variables = [
        (KEY, key.value.as_str()),
        ("DB_PASSWORD", "correct horse"),
        ("MODE", "production"),
    ];
    world.add_projects(["web"], &variables);
    world.validate("DB_PASSWORD", |value| value == "battery staple");
    world.tick();
    assert_eq!(
        world.tallies()["vercel/web"],
        Tally {
            served: 1,
            failed: 1
        }
    );
    assert_eq!(world.failures()[0].variable, "DB_PASSWORD");
    assert_eq!(health(&world, "vercel/web"), 500);
}

#[test]
fn the_usual_company_is_set_up_in_two_lines() {
    let (_, world, key) = still_world();
    let stripe = world.seed_secret("sk_live_", 99);
    let variables = [
        (KEY, key.value.as_str()),
        ("STRIPE_API_KEY", stripe.as_str()),
    ];
    let (projects, services): (Vec<_>, Vec<_>) = (
        (1..=12).map(|n| format!("p{n}")).collect(),
        (1..=8).map(|n| format!("s{n}")).collect(),
    );
    world.add_projects(projects.iter().map(String::as_str), &variables);
    world.add_services(services.iter().map(String::as_str), &variables);
    assert_eq!((world.stored().len(), world.running().len()), (40, 40));
    assert_eq!(world.stored_last4(KEY).len(), 1);
    assert_eq!(
        world
            .running_last4("STRIPE_API_KEY")
            .into_iter()
            .collect::<Vec<_>>(),
        [last4(&stripe)]
    );
}
