//! What a test may look at from outside: which value stands where, which one runs, and whether any of them is dead.

use super::services::Instance;
use super::state::State;

/// A value that is kept at a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// `vercel/web:production`, `vercel/web:preview#branch`, `vercel/shared`, `render/api`, `render/group/NAME`.
    pub(crate) site: String,
    pub(crate) variable: String,
    pub(crate) value: String,
    /// The vendor's id of the row, where rows have one.
    pub(crate) id: Option<String>,
}

/// A value that a service runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// `vercel/web`, `vercel/web/staging`, `render/api`.
    pub(crate) service: String,
    pub(crate) variable: String,
    pub(crate) value: String,
    /// Of an instance that was replaced already and still serves.
    pub(crate) draining: bool,
}

impl State {
    pub(super) fn stored(&self) -> Vec<Stored> {
        let rows = self.vercel.projects.iter().flat_map(|project| {
            project.rows.iter().map(|row| Stored {
                site: format!("{}:{}", project.service, row.place(project)),
                variable: row.key.clone(),
                value: row.value.clone(),
                id: Some(row.id.clone()),
            })
        });
        let shared = self.vercel.shared.iter().map(|variable| Stored {
            site: "vercel/shared".into(),
            variable: variable.key.clone(),
            value: variable.value.clone(),
            id: Some(variable.id.clone()),
        });
        let own = self.render.services.iter().flat_map(|service| {
            let site = &service.service;
            service.variables.iter().map(move |pair| plain(site, pair))
        });
        let groups = self.render.groups.iter().flat_map(|group| {
            let site = format!("render/group/{}", group.name);
            group.variables.iter().map(move |pair| plain(&site, pair))
        });
        let items = self.onepassword.items.iter().map(|item| Stored {
            site: format!("1password/Infra/{}", item.title),
            variable: "credential".into(),
            value: item.value.clone(),
            id: None,
        });
        let workflows = self.github.secrets.iter().map(|secret| Stored {
            site: "github/acme/web".into(),
            variable: secret.name.clone(),
            value: secret.value.clone(),
            id: None,
        });
        let vault = self.vault.versions.last();
        let vault = vault
            .into_iter()
            .flat_map(|(data, _)| data)
            .map(|(key, value)| Stored {
                site: "vault/secret/web".into(),
                variable: key.clone(),
                value: value.as_str().unwrap_or_default().to_owned(),
                id: None,
            });
        let stores = items.chain(workflows).chain(vault);
        rows.chain(shared)
            .chain(own)
            .chain(groups)
            .chain(stores)
            .collect()
    }

    pub(super) fn running(&self) -> Vec<Running> {
        self.instances()
            .flat_map(
                |Instance {
                     service,
                     env,
                     draining,
                 }| {
                    env.iter().map(move |(variable, value)| Running {
                        service: service.to_owned(),
                        variable: variable.clone(),
                        value: value.clone(),
                        draining,
                    })
                },
            )
            .collect()
    }

    /// Every site that stores a value and every service that runs it.
    pub(super) fn users_of(&self, value: &str) -> Vec<String> {
        self.users(|found| found == value)
    }

    /// Every site that stores, and every service that runs, a key that its vendor has ended.
    pub(super) fn uses_dead_key(&self) -> Vec<String> {
        let now = self.now;
        self.users(|value| {
            let openai = self.openai.find(value).is_some_and(|key| key.dead(now));
            let stripe = self.stripe.find(value).is_some_and(|key| key.dead(now));
            openai || stripe || self.github.find(value).is_some_and(|key| key.dead(now))
        })
    }

    fn users(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let stored = self
            .stored()
            .into_iter()
            .filter(|stored| wanted(&stored.value))
            .map(|stored| format!("{} stores {}", stored.site, stored.variable));
        let running = self
            .running()
            .into_iter()
            .filter(|running| wanted(&running.value))
            .map(|running| {
                let how = if running.draining { "drains" } else { "runs" };
                format!("{} {how} {}", running.service, running.variable)
            });
        stored.chain(running).collect()
    }
}

fn plain(site: &str, (variable, value): (&String, &String)) -> Stored {
    Stored {
        site: site.to_owned(),
        variable: variable.clone(),
        value: value.clone(),
        id: None,
    }
}
