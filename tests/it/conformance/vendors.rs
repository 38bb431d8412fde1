//! The kinds that talk to simulated vendors.

use std::sync::{Mutex, PoisonError};

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::shop::hasten;
use crate::support::world::{World, last4};

use super::scene::{Conforms, Scene, due, field_beside};

/// The `.env` file that issuers deliver to here.
pub(super) const FILE: &str = "shop.env";

/// What `FILE` holds.
pub(super) fn in_file(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.read(FILE);
    let line = text.lines().find_map(|line| line.strip_prefix("KEY="));
    vec![line.expect("the variable").trim_matches('"').to_owned()]
}

/// A sandbox with a `.env` file that holds this.
pub(super) fn with_file(value: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    fill(&sandbox, value);
    sandbox
}

pub(super) fn fill(sandbox: &Sandbox, value: &str) {
    sandbox.write(FILE, &format!("PORT=3000\nKEY={value}\n"));
}

/// A secret that is due, of that issuer, with these accounts and targets.
pub(super) fn config(accounts: &str, issuer: &str, target: &str) -> String {
    format!(
        "defaults: {{ grace: 24h }}\naccounts:\n{accounts}\nsecrets:\n  it:\n    every: 30d\n    \
         issuer: {issuer}\n    targets:\n      - {target}\n"
    )
}

const DOTENV: &str = "{ kind: dotenv, path: shop.env, variable: KEY }";

pub(super) fn values_of_openai(sandbox: &Sandbox) -> Vec<String> {
    let keys = sandbox.world.live_keys().into_iter();
    keys.map(|key| key.id).collect()
}

pub(super) fn openai_works(sandbox: &Sandbox, value: &str) -> bool {
    let mut keys = sandbox.world.live_keys().into_iter();
    keys.any(|key| key.value == value)
}

/// The account and the issuer of an OpenAI key.
pub(super) fn of_openai(sandbox: &Sandbox) -> (String, String) {
    let world = &sandbox.world;
    let account = format!(
        "  openai: {{ admin_key: {{ env: OPENAI_ADMIN_KEY }}, base_url: \"{}\" }}\n",
        world.openai_url()
    );
    let (project, service) = (world.openai_project(), world.openai_account());
    let issuer = format!("{{ kind: openai, project: {project}, service_account: {service} }}");
    (account, issuer)
}

/// An OpenAI key at one target of the world; `place` puts the first key there.
fn openai_at(
    account: impl Fn(&World) -> (String, String),
    target: &str,
    place: impl Fn(&World, &str),
) -> Scene {
    let mut sandbox = Sandbox::new();
    hasten(&sandbox);
    let key = sandbox
        .world
        .seed_key("by hand", "2023-01-01T00:00:00Z")
        .value;
    place(&sandbox.world, &key);
    let (accounts, issuer) = of_openai(&sandbox);
    let (own, token) = account(&sandbox.world);
    sandbox.environment.insert("TOKEN".to_owned(), token);
    due(&sandbox, &config(&(accounts + &own), &issuer, target), &key);
    Scene {
        used: Box::new(in_world),
        works: Box::new(openai_works),
        live: Box::new(values_of_openai),
        ..Scene::new(sandbox)
    }
}

/// Every value of the secret that is stored or runs in the world.
fn in_world(sandbox: &Sandbox) -> Vec<String> {
    let secret = |variable: &str| matches!(variable, "OPENAI_API_KEY" | "credential" | "KEY");
    let stored = sandbox.world.stored().into_iter();
    let stored = stored
        .filter(|one| secret(&one.variable))
        .map(|one| one.value);
    let running = sandbox.world.running().into_iter();
    let running = running
        .filter(|one| secret(&one.variable))
        .map(|one| one.value);
    stored.chain(running).collect()
}

pub(super) fn openai(suite: &mut dyn Conforms) {
    suite.all(&|| {
        let sandbox = Sandbox::new();
        let key = sandbox
            .world
            .seed_key("by hand", "2023-01-01T00:00:00Z")
            .value;
        fill(&sandbox, &key);
        let (accounts, issuer) = of_openai(&sandbox);
        due(&sandbox, &config(&accounts, &issuer, DOTENV), &key);
        Scene {
            used: Box::new(in_file),
            works: Box::new(openai_works),
            live: Box::new(values_of_openai),
            ..Scene::new(sandbox)
        }
    });
}

pub(super) fn vercel(suite: &mut dyn Conforms) {
    let account = |world: &World| {
        let (url, team) = (world.vercel_url(), world.vercel_team());
        let account =
            format!("  vercel: {{ token: {{ env: TOKEN }}, base_url: \"{url}\", team: {team} }}");
        (account, world.vercel_token())
    };
    let target = "{ kind: vercel, projects: all, variable: OPENAI_API_KEY }";
    let place = |world: &World, key: &str| world.add_projects(["web"], &[("OPENAI_API_KEY", key)]);
    suite.all(&|| openai_at(account, target, place));
}

pub(super) fn render(suite: &mut dyn Conforms) {
    let account = |world: &World| {
        let account = format!(
            "  render: {{ api_key: {{ env: TOKEN }}, base_url: \"{}\" }}",
            world.render_url()
        );
        (account, world.render_api_key())
    };
    let target = "{ kind: render, services: all, variable: OPENAI_API_KEY }";
    let place = |world: &World, key: &str| world.add_services(["api"], &[("OPENAI_API_KEY", key)]);
    suite.all(&|| openai_at(account, target, place));
}

pub(super) fn onepassword(suite: &mut dyn Conforms) {
    let account = |world: &World| {
        let url = world.onepassword_url();
        let account = format!("  onepassword: {{ token: {{ env: TOKEN }}, base_url: \"{url}\" }}");
        (account, world.onepassword_token())
    };
    let target = "{ kind: onepassword, vault: Infra, item: OpenAI, field: credential }";
    let place = |world: &World, key: &str| world.add_item("OpenAI", key);
    suite.all(&|| openai_at(account, target, place));
}

pub(super) fn vault(suite: &mut dyn Conforms) {
    let account = |world: &World| {
        let account = format!(
            "  vault: {{ token: {{ env: TOKEN }}, base_url: \"{}\" }}",
            world.vault_url()
        );
        (account, world.vault_token())
    };
    let target = "{ kind: vault, path: web, field: KEY }";
    let place = |world: &World, key: &str| world.add_vault_secret("KEY", key);
    suite.all(&|| openai_at(account, target, place));
}

/// A key that a person made and holds in hand until rotakey has taken it; a dead one is thrown away.
struct Hand(Mutex<Option<String>>);

impl Hand {
    fn key(&self, alive: &[String], make: impl FnOnce() -> String) -> String {
        let mut hand = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = hand.take().filter(|key| alive.contains(key));
        hand.insert(held.unwrap_or_else(make)).clone()
    }
}

/// What the person is told to run, if that is what they are told.
fn is_asked(ran: &Ran) -> bool {
    ran.exit == Some(3) && ran.stderr.contains("rotakey rotate it")
}

pub(super) fn stripe(suite: &mut dyn Conforms) {
    suite.all(&|| {
        let sandbox = Sandbox::new();
        let key = sandbox.world.stripe_create("rk_live_").value;
        fill(&sandbox, &key);
        let account = format!(
            "  stripe: {{ base_url: \"{}\" }}",
            sandbox.world.stripe_url()
        );
        due(
            &sandbox,
            &config(&account, "{ kind: stripe }", DOTENV),
            &key,
        );
        let hand = Hand(Mutex::default());
        Scene {
            used: Box::new(in_file),
            works: Box::new(|sandbox, value| {
                sandbox.world.stripe_live().iter().any(|live| live == value)
            }),
            live: Box::new(|sandbox| sandbox.world.stripe_live()),
            person: Box::new(move |sandbox, ran| {
                let world = &sandbox.world;
                for key in world.stripe_live() {
                    // Keys are named by their last four characters.
                    if ran
                        .stderr
                        .contains(&format!("expire key rk_...{} now", last4(&key)))
                    {
                        world.stripe_expire(&key);
                    }
                }
                let make = || world.stripe_create("rk_live_").value;
                is_asked(ran)
                    .then(|| ("rotate it".to_owned(), hand.key(&world.stripe_live(), make)))
            }),
            ..Scene::new(sandbox)
        }
    });
}

pub(super) fn github(suite: &mut dyn Conforms) {
    suite.all(&|| {
        let sandbox = Sandbox::new();
        let key = sandbox.world.github_create(&["repo"], None).value;
        fill(&sandbox, &key);
        let account = format!(
            "  github: {{ base_url: \"{}\" }}",
            sandbox.world.github_url()
        );
        due(
            &sandbox,
            &config(&account, "{ kind: github }", DOTENV),
            &key,
        );
        let hand = Hand(Mutex::default());
        Scene {
            used: Box::new(in_file),
            works: Box::new(|sandbox, value| {
                sandbox.world.github_live().iter().any(|live| live == value)
            }),
            live: Box::new(|sandbox| sandbox.world.github_live()),
            person: Box::new(move |sandbox, ran| {
                let world = &sandbox.world;
                let make = || world.github_create(&["repo"], None).value;
                is_asked(ran)
                    .then(|| ("rotate it".to_owned(), hand.key(&world.github_live(), make)))
            }),
            ..Scene::new(sandbox)
        }
    });
}

pub(super) fn stripe_webhook(suite: &mut dyn Conforms) {
    suite.all(&|| {
        let mut sandbox = Sandbox::new();
        let world = &sandbox.world;
        let secret = world.stripe_endpoint("https://shop.example.com/hooks");
        fill(&sandbox, &secret);
        let key = world.stripe_create("rk_live_").value;
        let account = format!(
            "  stripe: {{ api_key: {{ env: KEY }}, base_url: \"{}\" }}",
            world.stripe_url()
        );
        sandbox.environment.insert("KEY".to_owned(), key);
        let issuer = "{ kind: stripe-webhook, url: \"https://shop.example.com/hooks\" }";
        let target =
            "{ kind: dotenv, path: shop.env, variable: KEY, value: \"{value},{previous}\" }";
        let live = format!("{{\"value\": \"{secret}\", \"previous\": \"{secret}\"}}");
        due(&sandbox, &config(&account, issuer, target), &live);
        Scene {
            // The first secret of the list is the one that is delivered; the other is the one before.
            used: Box::new(|sandbox| {
                let lists = in_file(sandbox).into_iter();
                lists
                    .filter_map(|list| Some(list.split(',').next()?.to_owned()))
                    .collect()
            }),
            works: Box::new(|sandbox, value| {
                let mut endpoints = sandbox.world.stripe_endpoints().into_iter();
                endpoints.any(|(_, secret)| secret == value)
            }),
            live: Box::new(|sandbox| {
                let endpoints = sandbox.world.stripe_endpoints().into_iter();
                endpoints.map(|(id, _)| id).collect()
            }),
            ..Scene::new(sandbox)
        }
    });
}

/// The public half of a key pair that a person made, and what stands for its private half.
const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKtj0kzQYbxgHc8Zq2n9vJ3mWf5d7uLw1sXyRpO4eTgB";
const PRIVATE: &str = "-----BEGIN OPENSSH PRIVATE KEY----- made by hand";

pub(super) fn deploy_key(suite: &mut dyn Conforms) {
    suite.all(&|| {
        let mut sandbox = Sandbox::new();
        let world = &sandbox.world;
        world.add_deploy_key("by hand", PUBLIC);
        world.add_actions_secret("KEY", PRIVATE);
        let account = format!(
            "  github: {{ token: {{ env: TOKEN }}, base_url: \"{}\" }}",
            world.github_url()
        );
        let token = world.github_token();
        sandbox.environment.insert("TOKEN".to_owned(), token);
        let issuer = "{ kind: github-deploy-key, repository: acme/web }";
        let target = "{ kind: github-actions, repository: acme/web, secret: KEY, field: value }";
        let live = serde_json::json!({"value": PRIVATE, "public": PUBLIC}).to_string();
        due(&sandbox, &config(&account, issuer, target), &live);
        Scene {
            used: Box::new(in_world),
            works: Box::new(|sandbox, value| {
                let public = field_beside(sandbox, ("value", value), "public").unwrap_or_default();
                let mut keys = sandbox.world.deploy_keys().into_iter();
                keys.any(|(_, key)| public.starts_with(&key))
            }),
            live: Box::new(|sandbox| {
                let keys = sandbox.world.deploy_keys().into_iter();
                keys.map(|(_, key)| key).collect()
            }),
            ..Scene::new(sandbox)
        }
    });
}
