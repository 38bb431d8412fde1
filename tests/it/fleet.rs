//! Many services and several secrets: each service is redeployed once, and no call is made twice for nothing.

use std::collections::BTreeMap;

use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop::{self, VARIABLE};

#[test]
fn two_secrets_in_twenty_services_redeploy_each_service_once() {
    let sandbox = Sandbox::new();
    shop::hasten(&sandbox);
    let world = &sandbox.world;
    let (first, second) = (
        world.seed_key("first", "2024-01-19T09:00:00Z"),
        world.seed_key("second", "2024-01-19T09:00:00Z"),
    );
    world.openai_variable("SEARCH_KEY");
    let both = [
        (VARIABLE, first.value.as_str()),
        ("SEARCH_KEY", second.value.as_str()),
    ];
    let projects: Vec<String> = (1..=12).map(|n| format!("site-{n:02}")).collect();
    let services: Vec<String> = (1..=8).map(|n| format!("worker-{n}")).collect();
    world.add_projects(projects.iter().map(String::as_str), &both);
    world.add_services(services.iter().map(String::as_str), &both);
    sandbox.configure(&shop::secrets(
        &sandbox,
        &format!("{}{}", shop::SECRETS, shop::SEARCH),
    ));
    shop::adopt_openai(&sandbox, &first);
    sandbox
        .pipe("adopt search --created 2024-01-19T09:00:00Z", &second.value)
        .exits(Exit::Done);

    let before = world.requests().len();
    sandbox.run("rotate").exits(Exit::Done);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for label in sandbox.since(before) {
        let api = label.split(' ').next().unwrap_or_default();
        *counts.entry(api.to_owned()).or_default() += 1;
    }
    let expected = [
        // For each key: is there room for another, make it, prove it, name it after its rotation.
        ("openai.create_key", 2),
        ("openai.key", 2),
        ("openai.list_accounts", 2),
        ("openai.models", 2),
        ("openai.update_key", 2),
        ("render.deploy", 8),
        // At each service one whether newer code is on its way, and four until the new deploy is live and the old one
        // gone; one more at the service that was asked last, whose old instances stop a second later.
        ("render.list_deploys", 41),
        // Twice, before anything is made and before the promotion: groups, and two kinds of services.
        ("render.list_groups", 1),
        ("render.list_services", 2),
        ("render.put_env", 16),
        ("render.read_env", 16),
        ("vercel.deployment", 26),
        // Whether newer code is on its way anywhere.
        ("vercel.list_deployments", 1),
        ("vercel.list_env", 12),
        ("vercel.list_projects", 2),
        ("vercel.list_shared", 1),
        ("vercel.patch_env", 24),
        ("vercel.project", 1),
        ("vercel.redeploy", 12),
    ];
    let expected = expected.map(|(api, count)| (api.to_owned(), count));
    assert_eq!(counts, BTreeMap::from(expected));
    shop::nothing_is_broken(&sandbox);
}
