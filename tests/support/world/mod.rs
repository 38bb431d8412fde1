//! The simulated world: the vendors on loopback, and the customer's services that run there and call OpenAI, Stripe and
//! GitHub with whatever key their live deployment was created with.
//!
//! Time is the [`Calendar`]'s, so the same requests at the same times give the same world. A test sets the scene
//! (`setup`), lets things go wrong (`faults`), runs the client against the three URLs, and then looks at what the vendors
//! saw (`log`), what is stored and running (`inspect`), and whether any service was ever refused (`services`).
#![allow(dead_code, reason = "each user takes a part")]

mod agenda;
mod calendar;
mod control;
mod faults;
mod gate;
mod github;
mod inspect;
mod log;
mod message;
mod mint;
mod onepassword;
mod openai;
mod render;
mod report;
mod router;
mod server;
mod services;
mod settings;
mod setup;
mod state;
mod stripe;
mod vault;
mod vercel;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, MutexGuard, Weak};

#[allow(unused_imports, reason = "each user takes a part")]
pub(crate) use self::{
    calendar::Calendar,
    faults::{At, Fault, Moment, RetryAfter},
    github::Token,
    inspect::{Running, Stored},
    log::{Entry, Vendor, Violation},
    mint::last4,
    openai::{Access, ApiKey},
    render::{Service, Trouble},
    services::{Failure, Sick, Tally},
    settings::{DeployReply, GroupWrite, OpenAiEra, Overlap, Paging, Settings},
    stripe::StripeKey,
    vercel::{EnvShape, Kind, Project, Row, Targets, Verdict},
};

use gate::Core;
use server::{Answer, Server};
use state::State;

/// The vendors, their customer's services, and a trap for whoever follows redirects. Clones are the same world; the
/// ports close with the last one.
#[derive(Clone)]
pub(crate) struct World {
    core: Arc<Core>,
    servers: Arc<Servers>,
}

struct Servers {
    openai: Server,
    vercel: Server,
    render: Server,
    stripe: Server,
    github: Server,
    onepassword: Server,
    vault: Server,
    health: Server,
    _trap: Server,
}

impl World {
    /// Opens a world with accounts and nothing in them.
    pub(crate) fn new(calendar: &Calendar) -> Self {
        let hits = Arc::new(AtomicU64::new(0));
        let for_trap = Arc::clone(&hits);
        let trap = Server::start(move |_| Core::trap(&for_trap));
        let core = Arc::new(Core::new(calendar, trap.url(), hits));
        let watcher: Weak<Core> = Arc::downgrade(&core);
        calendar.watch(watcher);
        let listen = |vendor| {
            let core = Arc::clone(&core);
            Server::start(move |request| core.handle(vendor, &request))
        };
        let for_health = Arc::clone(&core);
        let servers = Servers {
            openai: listen(Vendor::OpenAi),
            vercel: listen(Vendor::Vercel),
            render: listen(Vendor::Render),
            stripe: listen(Vendor::Stripe),
            github: listen(Vendor::GitHub),
            onepassword: listen(Vendor::OnePassword),
            vault: listen(Vendor::Vault),
            health: Server::start(move |request| {
                Answer::Whole(for_health.state().health(&request))
            }),
            _trap: trap,
        };
        Self {
            core,
            servers: Arc::new(servers),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.core.state()
    }
}

/// Addresses and credentials.
impl World {
    pub(crate) fn calendar(&self) -> Calendar {
        self.core.calendar.clone()
    }

    pub(crate) fn openai_url(&self) -> String {
        format!("{}/v1", self.servers.openai.url())
    }

    pub(crate) fn vercel_url(&self) -> String {
        self.servers.vercel.url()
    }

    pub(crate) fn render_url(&self) -> String {
        format!("{}/v1", self.servers.render.url())
    }

    pub(crate) fn stripe_url(&self) -> String {
        self.servers.stripe.url()
    }

    pub(crate) fn github_url(&self) -> String {
        self.servers.github.url()
    }

    /// The address of the 1Password Connect server.
    pub(crate) fn onepassword_url(&self) -> String {
        self.servers.onepassword.url()
    }

    pub(crate) fn vault_url(&self) -> String {
        self.servers.vault.url()
    }

    /// The health URL of a running service: `vercel/web`, `vercel/web/staging`, `render/api`.
    pub(crate) fn health_url(&self, service: &str) -> String {
        format!("{}/{service}", self.servers.health.url())
    }

    /// From now on the organisation is run with this admin key.
    pub(crate) fn openai_admin_key_becomes(&self, key: &str) {
        key.clone_into(&mut self.state().openai.admin_key);
    }

    pub(crate) fn openai_admin_key(&self) -> String {
        self.state().openai.admin_key.clone()
    }

    pub(crate) fn openai_project(&self) -> String {
        self.state().openai.project.clone()
    }

    /// The service account named `production`, which is there from the start.
    pub(crate) fn openai_account(&self) -> String {
        self.state().openai.accounts[0].id.clone()
    }

    pub(crate) fn vercel_token(&self) -> String {
        self.state().vercel.token.clone()
    }

    /// The slug of the team that owns the projects; empty for a personal account.
    pub(crate) fn vercel_team(&self) -> String {
        let state = self.state();
        state
            .vercel
            .team
            .as_ref()
            .map(|team| team.slug.clone())
            .unwrap_or_default()
    }

    pub(crate) fn render_api_key(&self) -> String {
        self.state().render.api_key.clone()
    }
}
