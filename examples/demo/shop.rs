//! The customer: four secrets, in five services and in the password manager, and the shipped schedule with the names and
//! addresses of the simulated vendors in it.

use crate::database::Database;
use crate::world::{Kind, Project, Row, Service, World};

/// The schedule that rotakey ships with.
const SHIPPED: &str = include_str!("../../rotations.yaml");

/// What is live on day one, made by hand.
pub(crate) struct Live {
    pub(crate) openai: String,
    pub(crate) stripe: String,
    pub(crate) github: String,
}

/// What the scopes of the customer's token are, then and later.
pub(crate) const SCOPES: [&str; 2] = ["read:org", "repo"];

/// Four services with keys in them, one without, and an item for each secret.
pub(crate) fn populate(world: &World, database: Option<&Database>) -> Live {
    let openai = world.seed_key("made by hand", "2024-01-19T09:00:00Z").value;
    let stripe = world.stripe_create("rk_live_").value;
    let github = world.github_create(&SCOPES, None).value;
    let url = database.map(Database::live_url);
    let mut api = vec![("OPENAI_API_KEY", &openai), ("GITHUB_TOKEN", &github)];
    let mut worker = vec![("OPENAI_API_KEY", &openai), ("STRIPE_SECRET_KEY", &stripe)];
    let mut web = worker.clone();
    for service in [&mut api, &mut worker, &mut web] {
        service.extend(url.as_ref().map(|url| ("DATABASE_URL", url)));
    }
    let plain = |pairs: &[(&'static str, &String)]| -> Vec<(&'static str, String)> {
        pairs
            .iter()
            .map(|(key, value)| (*key, (*value).clone()))
            .collect()
    };
    let project = Project::named("web");
    let web = plain(&web);
    world.add_project(
        web.iter()
            .fold(project, |it, (key, value)| it.variable(key, value)),
    );
    let sensitive = Row::new("OPENAI_API_KEY", &openai).kind(Kind::Sensitive);
    let shop = Project::named("shop").variable("STRIPE_SECRET_KEY", &stripe);
    world.add_project(shop.row(sensitive));
    world.add_projects(["docs"], &[("THEME", "dark")]);
    for (name, variables) in [("api", plain(&api)), ("worker", plain(&worker))] {
        let service = Service::named(name);
        world.add_service(
            variables
                .iter()
                .fold(service, |it, (key, value)| it.variable(key, value)),
        );
    }
    for (item, value) in [
        ("OpenAI", &openai),
        ("Stripe", &stripe),
        ("GitHub", &github),
    ] {
        world.add_item(item, value);
    }
    if let Some(url) = &url {
        world.add_item("Database", url);
        world.validate("DATABASE_URL", Database::client());
    }
    world.set(|settings| {
        settings.latency = std::time::Duration::from_millis(2);
        // Stripe was seen to accept an expired key for some minutes.
        settings.expired_key_lag = chrono::TimeDelta::minutes(4);
    });
    Live {
        openai,
        stripe,
        github,
    }
}

/// The shipped schedule, with the addresses and the names of this world; without the database where there is none.
pub(crate) fn schedule(world: &World, database: Option<&Database>) -> String {
    let mut text = match database {
        Some(_) => SHIPPED.to_owned(),
        None => without_database(),
    };
    let vercel = format!("{}\", team: \"{}", world.vercel_url(), world.vercel_team());
    for (kind, url) in [
        ("openai", world.openai_url()),
        ("vercel", vercel),
        ("render", world.render_url()),
    ] {
        let from = format!("  {kind}: {{ ");
        text = text.replacen(&from, &format!("{from}base_url: \"{url}\", "), 1);
    }
    let connect = "https://connect.internal.example.com";
    text = text.replace(connect, &world.onepassword_url());
    text = text.replace("proj_123", &world.openai_project());
    if let Some(database) = database {
        let here = format!("host: 127.0.0.1, port: {}", database.port());
        text = text.replace("host: db.internal", &here);
        let template = "postgres://{user}:{password}@db.internal/app";
        text = text.replace(template, &database.template());
    }
    // Accounts that hold nothing are not in the file; here they have an address.
    let mut more = String::from("accounts:\n");
    for (kind, url) in [
        ("stripe", world.stripe_url()),
        ("github", world.github_url()),
    ] {
        more += &format!("  {kind}: {{ base_url: \"{url}\" }}\n");
    }
    text.replacen("accounts:\n", &more, 1)
}

fn without_database() -> String {
    let blocks = SHIPPED
        .split("\n\n")
        .filter(|block| !block.contains("kind: postgres"));
    let text = blocks.collect::<Vec<_>>().join("\n\n");
    let lines = text.lines().filter(|line| !line.starts_with("  postgres:"));
    lines.map(|line| format!("{line}\n")).collect()
}
