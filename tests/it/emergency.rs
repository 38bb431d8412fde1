//! The day a key leaks, or a platform is breached.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rotakey::exit::Exit;

use crate::support::sandbox::Sandbox;
use crate::support::shop;
use crate::support::world::{ApiKey, Fault};

const FOUR: [(&str, &str); 4] = [
    ("chat", "CHAT_KEY"),
    ("images", "IMAGES_KEY"),
    ("search", "SEARCH_KEY"),
    ("speech", "SPEECH_KEY"),
];

/// Four keys, each at all of twelve projects and eight services. None is due.
fn company() -> (Sandbox, Vec<ApiKey>) {
    let sandbox = Sandbox::new();
    shop::hasten(&sandbox);
    let world = &sandbox.world;
    let keys: Vec<ApiKey> = FOUR
        .iter()
        .map(|(name, variable)| {
            world.openai_variable(variable);
            world.seed_key(name, "2024-02-10T09:00:00Z")
        })
        .collect();
    let variables: Vec<(&str, &str)> = FOUR
        .iter()
        .zip(&keys)
        .map(|((_, variable), key)| (*variable, key.value.as_str()))
        .collect();
    let projects: Vec<String> = (1..=12).map(|n| format!("site-{n:02}")).collect();
    let services: Vec<String> = (1..=8).map(|n| format!("worker-{n}")).collect();
    world.add_projects(projects.iter().map(String::as_str), &variables);
    world.add_services(services.iter().map(String::as_str), &variables);
    let secret = |(name, variable): &(&str, &str)| {
        format!(
            "  {name}:\n    every: 30d\n    issuer: {{ kind: openai, project: PROJECT, service_account: ACCOUNT }}\n    \
             targets:\n      - {{ kind: vercel, projects: all, variable: {variable} }}\n      \
             - {{ kind: render, services: all, variable: {variable} }}\n"
        )
    };
    let secrets: String = FOUR.iter().map(secret).collect();
    sandbox.configure(&shop::secrets(&sandbox, &format!("secrets:\n{secrets}")));
    for ((name, _), key) in FOUR.iter().zip(&keys) {
        let adopt = format!("adopt {name} --created 2024-02-10T09:00:00Z");
        sandbox.pipe(&adopt, &key.value).exits(Exit::Done);
    }
    (sandbox, keys)
}

fn redeploys(sandbox: &Sandbox, before: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for label in sandbox.since(before) {
        let api = label.split(' ').next().unwrap_or_default();
        if ["vercel.redeploy", "render.deploy"].contains(&api) {
            *counts.entry(api.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn a_breached_platform_costs_one_redeploy_a_service_and_no_customer() {
    let (sandbox, old) = company();
    let plan = sandbox.run("plan --using vercel").exits(Exit::Done);
    assert_eq!(
        plan.stdout,
        "SECRET  SITES  SERVICES  LAST TIME  OWN CREDENTIAL OF\n\
         chat    20     20        -          -\n\
         images  20     20        -          -\n\
         search  20     20        -          -\n\
         speech  20     20        -          -\n\n\
         4 secrets, 80 sites, 20 redeploys; no rotation has been timed yet\n"
    );
    let before = sandbox.world.requests().len();
    let ran = sandbox
        .run("rotate --using vercel --emergency --reason breach")
        .exits(Exit::Done);
    let expected = [("render.deploy", 8), ("vercel.redeploy", 12)];
    let expected = expected.map(|(api, count)| (api.to_owned(), count));
    assert_eq!(redeploys(&sandbox, before), BTreeMap::from(expected));
    let live = shop::live_keys(&sandbox);
    assert_eq!(live.len(), 4, "only the new ones");
    assert!(old.iter().all(|key| !live.contains(&key.value)));
    for (name, _) in FOUR {
        let line = ran
            .stderr
            .lines()
            .find(|line| line.starts_with(&format!("{name}: sk-")) && line.contains(" revoked: "));
        let line = line.unwrap_or_else(|| panic!("no exposure of {name} in\n{}", ran.stderr));
        let seconds: i64 = line
            .split(" refuses it, ")
            .nth(1)
            .and_then(|rest| rest.split(" s after the command; ").next())
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("{line}"));
        assert!((1..600).contains(&seconds), "{line}");
    }
    sandbox.advance(TimeDelta::minutes(2));
    shop::nothing_is_broken(&sandbox);
    // And the next look says how long it took.
    let plan = sandbox.run("plan --using vercel").exits(Exit::Done);
    assert!(
        plan.stdout
            .contains(", as long as the slowest took last time"),
        "{}",
        plan.stdout
    );
}

#[test]
fn one_project_is_a_place_too() {
    let (sandbox, _) = company();
    let plan = sandbox.run("plan --using site-03").exits(Exit::Done);
    assert!(
        plan.stdout.contains("4 secrets, 80 sites"),
        "{}",
        plan.stdout
    );
    sandbox
        .run("plan --using nowhere")
        .exits(Exit::Usage)
        .says("error: no secret goes through `nowhere`");
}

/// What was sent to the vendors that changes something.
fn writes(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.world.requests().into_iter();
    requests
        .filter(|request| request.writes())
        .map(|request| request.what)
        .collect()
}

#[test]
fn an_outage_is_caused_on_purpose_or_not_at_all() {
    let (sandbox, key) = shop::openai();
    let before = writes(&sandbox);
    let refused = sandbox
        .run("rotate openai --emergency --revoke-first --reason leak")
        .exits(Exit::Usage);
    assert_eq!(writes(&sandbox), before);
    assert_eq!(
        refused.stderr.lines().next().map(str::to_owned),
        Some(
            "openai: the live key is revoked first. 5 services (render/api, render/worker, vercel/web, \
             vercel/admin, vercel/legacy) will be refused from then until each runs the new key."
                .to_owned()
        ),
        "{}",
        refused.stderr
    );
    let ran = sandbox
        .run("rotate openai --emergency --revoke-first --yes --reason leak")
        .exits(Exit::Done);
    assert!(
        ran.stderr.contains(" s after the command"),
        "{}",
        ran.stderr
    );
    let writes = writes(&sandbox);
    let place = |api: &str| writes.iter().position(|label| label.starts_with(api));
    assert!(
        place("openai.delete_key") < place("vercel.patch_env"),
        "{writes:?}"
    );
    assert!(
        place("openai.create_key") < place("openai.delete_key"),
        "{writes:?}"
    );
    let live = shop::live_keys(&sandbox);
    assert_eq!(live.len(), 1);
    assert_ne!(live[0], key.value);
    shop::everything_is_on(&sandbox, &live[0]);
}

/// rotakey's own admin key is one of its secrets.
const OWN: &str = "
secrets:
  admin:
    every: 30d
    issuer: { kind: generated }
    targets: [ { kind: dotenv, path: admin.env, variable: ADMIN_KEY } ]
  openai:
    every: 30d
    issuer: { kind: openai, project: PROJECT, service_account: ACCOUNT }
    targets:
      - { kind: vercel, projects: all, variable: OPENAI_API_KEY }
";

#[test]
fn the_last_key_to_its_own_account_is_kept_until_the_new_one_may_do_the_work() {
    let sandbox = Sandbox::new();
    let key = shop::scene(&sandbox);
    let admin = sandbox.world.openai_admin_key();
    sandbox.write("admin.env", &format!("ADMIN_KEY={admin}\n"));
    sandbox.configure(&shop::secrets(&sandbox, OWN));
    let text = sandbox.read("rotations.yaml");
    sandbox.write(
        "rotations.yaml",
        &text.replace("{ env: OPENAI_ADMIN_KEY }", "{ secret: admin }"),
    );
    sandbox
        .run("adopt admin --from-site dotenv/admin.env --created 2024-01-19T09:00:00Z")
        .exits(Exit::Done);
    shop::adopt_openai(&sandbox, &key);
    sandbox.run("rotate admin").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    // The vendor knows nothing of the new value.
    sandbox
        .run("revoke admin")
        .exits(Exit::PersonNeeded)
        .says("the old key is kept: rotakey's own account must work with the new key: ");
    let text = sandbox.read("admin.env");
    let new = text
        .trim()
        .strip_prefix("ADMIN_KEY=")
        .expect("the variable");
    sandbox.world.openai_admin_key_becomes(new);
    sandbox.run("revoke admin").exits(Exit::Done);
    sandbox.run("rotate openai").exits(Exit::Done);
    shop::nothing_is_broken(&sandbox);
}

#[test]
fn a_leaked_key_that_the_vendor_ended_by_itself_is_replaced_by_the_command_that_says_so() {
    let (sandbox, key) = shop::openai();
    sandbox.run("rotate openai").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(3));
    let [old, second] = shop::live_keys(&sandbox)
        .try_into()
        .expect("both keys live in the grace");
    assert_eq!(old, key.value);
    sandbox.world.openai_ends(&second);
    sandbox.advance(TimeDelta::hours(22));
    sandbox
        .run("revoke openai")
        .exits(Exit::PersonNeeded)
        .says("hint: rotakey rollback openai   puts the old key back, which works");
    sandbox
        .run("rotate openai --emergency --reason found_on_github")
        .exits(Exit::Done);
    let live = shop::live_keys(&sandbox);
    assert_eq!(live.len(), 1, "{live:?}");
    assert!(!live.contains(&old) && !live.contains(&second));
    shop::everything_is_on(&sandbox, &live[0]);
    let csv = sandbox
        .run("audit export --csv --month 2024-02 --out -")
        .exits(Exit::Done);
    assert!(csv.stdout.contains(r#","lost","#), "{}", csv.stdout);
}

#[test]
fn where_both_keys_were_ended_naming_the_secret_brings_production_back() {
    let (sandbox, key) = shop::openai();
    sandbox.run("rotate openai").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    for value in shop::live_keys(&sandbox) {
        sandbox.world.openai_ends(&value);
    }
    let said = sandbox.run("revoke").exits(Exit::PersonNeeded).stderr;
    assert!(
        said.contains("neither the new key nor the old one is accepted any more")
            && said.contains("  state: neither key ")
            && said.contains(
                "  hint: rotakey rotate openai   closes the rotation and makes another key"
            ),
        "{said}"
    );
    sandbox.run("rotate openai").exits(Exit::Done);
    let live = shop::live_keys(&sandbox);
    assert_eq!(live.len(), 1, "{live:?}");
    assert_ne!(live[0], key.value);
    shop::everything_is_on(&sandbox, &live[0]);
}

#[test]
fn the_breach_of_one_project_is_answered_although_another_platform_is_down() {
    let sandbox = Sandbox::new();
    let leaked = shop::scene(&sandbox);
    let text = "
secrets:
  openai:
    every: 30d
    issuer: { kind: openai, project: PROJECT, service_account: ACCOUNT }
    targets:
      - { kind: vercel, projects: all, variable: OPENAI_API_KEY }
  search:
    every: 30d
    issuer: { kind: generated }
    targets:
      - { kind: render, services: all, variable: SEARCH_KEY }
";
    sandbox.configure(&shop::secrets(&sandbox, text));
    shop::adopt_openai(&sandbox, &leaked);
    let down = Fault::refuse(503).always();
    sandbox.world.fault("render.list_services", down);
    let ran = sandbox
        .run("rotate --emergency --using web --reason breach")
        .exits(Exit::TryLater);
    assert!(
        ran.stderr
            .contains("secret `search`: whether it goes through `web` could not be looked at"),
        "{}",
        ran.stderr
    );
    let nothing = sandbox
        .run("rotate --emergency --using worker --reason breach")
        .exits(Exit::TryLater);
    assert!(
        nothing
            .stderr
            .contains("no secret is known to go through `worker`, and not all could be looked at"),
        "{}",
        nothing.stderr
    );
    assert!(
        !shop::live_keys(&sandbox).contains(&leaked.value),
        "the leaked key lives, because Render is down: {}",
        ran.stderr
    );
}

#[test]
fn an_emergency_that_does_not_know_the_leaked_key_does_not_end_as_if_it_were_dead() {
    let sandbox = Sandbox::new();
    let leaked = shop::scene(&sandbox);
    sandbox.configure(&shop::secrets(&sandbox, shop::SECRETS));
    let ran = sandbox.run("rotate openai --emergency --reason leaked");
    let lives = shop::live_keys(&sandbox).contains(&leaked.value);
    assert!(
        !lives || ran.exit != Some(Exit::Done.code()),
        "the leaked key works, and all that is said is:\n{}",
        ran.stderr
    );
}

#[test]
fn a_leak_that_could_not_be_answered_at_once_is_remembered() {
    let (sandbox, leaked) = shop::openai();
    sandbox.run("rotate").exits(Exit::Done);
    sandbox.advance(TimeDelta::hours(25));
    sandbox.run("revoke").exits(Exit::Done);
    let leaked = [leaked.value, shop::last(&sandbox)];
    // At three in the morning one of the platforms is down.
    sandbox
        .world
        .fault("render.list_services", Fault::refuse(503).always());
    sandbox
        .run("rotate openai --emergency --reason 'in a log'")
        .exits(Exit::TryLater);
    sandbox.world.clear_faults();
    for _ in 0..2 {
        sandbox.advance(TimeDelta::days(1));
        sandbox.run("rotate").exits(Exit::Done);
    }
    let live = shop::live_keys(&sandbox);
    assert!(
        !leaked.iter().any(|leaked| live.contains(leaked)),
        "two nights later the leaked key is the live one, and nobody says so"
    );
}

#[test]
fn a_leak_is_answered_although_the_clock_was_wrong_for_one_night() {
    let (sandbox, old) = shop::openai();
    sandbox
        .run_ahead("rotate", TimeDelta::days(365))
        .exits(Exit::Done);
    sandbox.advance(TimeDelta::days(1));
    // The clock is right again, and now the key leaks. No grace, nothing unanswered: no clock has a part in it.
    let ran = sandbox.run("rotate openai --emergency --reason 'in a log'");
    assert!(
        !shop::live_keys(&sandbox).contains(&old.value),
        "the leaked key lives: {}",
        ran.stderr
    );
}
