//! The customer most tests are about: an OpenAI key at three Vercel projects and two Render services, and a session
//! secret in a `.env` file. Everything is due.

use chrono::TimeDelta;
use rotakey::exit::Exit;

use super::sandbox::Sandbox;
use super::world::{ApiKey, Kind, Project, Row, last4};

pub(crate) const VARIABLE: &str = "OPENAI_API_KEY";

pub(crate) const SECRETS: &str = "
secrets:
  openai:
    title: OpenAI API
    every: 30d
    issuer: { kind: openai, project: PROJECT, service_account: ACCOUNT }
    targets:
      - { kind: vercel, projects: all, variable: OPENAI_API_KEY }
      - { kind: render, services: all, variable: OPENAI_API_KEY }
";

pub(crate) const SESSION: &str = "
  session:
    title: Session secret
    every: 30d
    issuer: { kind: generated }
    targets:
      - { kind: dotenv, path: shop.env, variable: SESSION_SECRET }
";

/// A second OpenAI key at the same services.
pub(crate) const SEARCH: &str = "
  search:
    every: 30d
    issuer: { kind: openai, project: PROJECT, service_account: ACCOUNT }
    targets:
      - { kind: vercel, projects: all, variable: SEARCH_KEY }
      - { kind: render, services: all, variable: SEARCH_KEY }
";

/// The value that `shop.env` begins with.
pub(crate) const OLD_SESSION: &str = "Kq7vR2mXw9LtB4nYc8ZsD1fGh5JpA3eU";

/// The shop's world: three projects, one of them with a row that nobody can read again, and two services.
pub(crate) fn scene(sandbox: &Sandbox) -> ApiKey {
    let world = &sandbox.world;
    let key = world.seed_key("by hand", "2024-01-19T09:00:00Z");
    world.add_projects(["web", "admin"], &[(VARIABLE, &key.value)]);
    let sensitive = Row::new(VARIABLE, &key.value).kind(Kind::Sensitive);
    world.add_project(Project::named("legacy").row(sensitive));
    world.add_services(["api", "worker"], &[(VARIABLE, &key.value)]);
    key
}

/// Fills in what only this world knows.
pub(crate) fn secrets(sandbox: &Sandbox, text: &str) -> String {
    text.replace("PROJECT", &sandbox.world.openai_project())
        .replace("ACCOUNT", &sandbox.world.openai_account())
}

/// The OpenAI key alone, adopted and due.
pub(crate) fn openai() -> (Sandbox, ApiKey) {
    let sandbox = Sandbox::new();
    let key = scene(&sandbox);
    sandbox.configure(&secrets(&sandbox, SECRETS));
    adopt_openai(&sandbox, &key);
    (sandbox, key)
}

/// Both secrets, adopted and due.
pub(crate) fn both() -> (Sandbox, ApiKey) {
    let sandbox = Sandbox::new();
    let key = scene(&sandbox);
    with_session(&sandbox, &key);
    (sandbox, key)
}

pub(crate) fn adopt_openai(sandbox: &Sandbox, key: &ApiKey) {
    sandbox
        .pipe("adopt openai --created 2024-01-19T09:00:00Z", &key.value)
        .exits(Exit::Done);
}

/// What must hold at every moment of every test.
#[track_caller]
pub(crate) fn nothing_is_broken(sandbox: &Sandbox) {
    let world = &sandbox.world;
    assert_eq!(world.failures(), [], "a service was refused");
    assert_eq!(world.violations(), [], "a careful client never does that");
    assert_eq!(world.uses_dead_key(), Vec::<String>::new());
    assert_eq!(world.trap_hits(), 0, "a redirect was followed");
}

/// Everything stores and runs this key.
#[track_caller]
pub(crate) fn everything_is_on(sandbox: &Sandbox, key: &str) {
    // Render's old instances serve on for a while.
    sandbox.advance(TimeDelta::minutes(2));
    let tail = [last4(key)];
    assert_eq!(
        Vec::from_iter(sandbox.world.stored_last4(VARIABLE)),
        tail,
        "stored"
    );
    assert_eq!(
        Vec::from_iter(sandbox.world.running_last4(VARIABLE)),
        tail,
        "running"
    );
}

/// The values of the keys that OpenAI still accepts, oldest first.
pub(crate) fn live_keys(sandbox: &Sandbox) -> Vec<String> {
    let keys = sandbox.world.live_keys().into_iter();
    keys.map(|key| key.value).collect()
}

/// Makes deployments quick, so that little time is spent on asking how they are.
pub(crate) fn hasten(sandbox: &Sandbox) {
    sandbox.world.set(|settings| {
        settings.vercel_build = TimeDelta::milliseconds(900);
        settings.vercel_alias = TimeDelta::milliseconds(100);
        settings.render_deploy = TimeDelta::milliseconds(900);
        settings.render_build = TimeDelta::zero();
        settings.render_drain = TimeDelta::milliseconds(100);
    });
}

/// A smaller shop for tests that live through it a thousand times: two projects, one service, the session secret.
pub(crate) fn corner() -> (Sandbox, ApiKey) {
    let sandbox = Sandbox::new();
    hasten(&sandbox);
    let world = &sandbox.world;
    let key = world.seed_key("by hand", "2024-01-19T09:00:00Z");
    world.add_projects(["web"], &[(VARIABLE, &key.value)]);
    let sensitive = Row::new(VARIABLE, &key.value).kind(Kind::Sensitive);
    world.add_project(Project::named("legacy").row(sensitive));
    world.add_services(["api"], &[(VARIABLE, &key.value)]);
    with_session(&sandbox, &key);
    (sandbox, key)
}

fn with_session(sandbox: &Sandbox, key: &ApiKey) {
    sandbox.write(
        SESSION_FILE,
        &format!("PORT=3000\nSESSION_SECRET={OLD_SESSION}\n"),
    );
    sandbox.configure(&secrets(sandbox, &format!("{SECRETS}{SESSION}")));
    adopt_openai(sandbox, key);
    sandbox
        .pipe("adopt session --created 2024-01-19T09:00:00Z", OLD_SESSION)
        .exits(Exit::Done);
}

/// The file of the session secret.
pub(crate) const SESSION_FILE: &str = "shop.env";

/// The session secret as it stands in its file.
#[track_caller]
pub(crate) fn session(sandbox: &Sandbox) -> String {
    let text = sandbox.read(SESSION_FILE);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("SESSION_SECRET="));
    line.expect("the variable").to_owned()
}

/// The value of the newest key that OpenAI still accepts.
#[track_caller]
pub(crate) fn last(sandbox: &Sandbox) -> String {
    live_keys(sandbox).pop().expect("a live key")
}
