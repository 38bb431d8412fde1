//! Everything the world knows, behind one lock, and the one way in which time moves it on.

use chrono::{DateTime, Utc};

use super::agenda::{Agenda, Event};
use super::calendar::http_date;
use super::faults::Faults;
use super::github::GitHub;
use super::log::{Log, Vendor};
use super::message::{Reply, Request};
use super::mint::Mint;
use super::onepassword::OnePassword;
use super::openai::OpenAi;
use super::render::Render;
use super::router::{self, Found};
use super::services::Fleet;
use super::settings::Settings;
use super::stripe::Stripe;
use super::vault::Vault;
use super::vercel::Vercel;
use super::{github, onepassword, openai, render, stripe, vault, vercel};

pub(super) struct State {
    /// The time up to which everything has happened. Handlers use this, never the calendar itself.
    pub(super) now: DateTime<Utc>,
    pub(super) settings: Settings,
    pub(super) mint: Mint,
    pub(super) agenda: Agenda,
    pub(super) openai: OpenAi,
    pub(super) vercel: Vercel,
    pub(super) render: Render,
    pub(super) stripe: Stripe,
    pub(super) github: GitHub,
    pub(super) onepassword: OnePassword,
    pub(super) vault: Vault,
    pub(super) fleet: Fleet,
    pub(super) log: Log,
    pub(super) faults: Faults,
}

impl State {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        let mut mint = Mint::default();
        Self {
            now,
            settings: Settings::default(),
            agenda: Agenda::default(),
            openai: OpenAi::new(&mut mint, now),
            vercel: Vercel::new(&mut mint),
            render: Render::new(&mut mint),
            stripe: Stripe::default(),
            github: GitHub::new(&mut mint, now),
            onepassword: OnePassword::new(&mut mint),
            vault: Vault::new(&mut mint),
            fleet: Fleet::default(),
            log: Log::default(),
            faults: Faults::default(),
            mint,
        }
    }

    /// Lets everything happen that is due by `now`, in order of time; after each event the services call their vendors.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) {
        while let Some((at, event)) = self.agenda.due(now) {
            self.now = self.now.max(at);
            match event {
                Event::Vercel(event) => vercel::happen(self, &event),
                Event::Render(event) => render::happen(self, &event),
                Event::Late { n, vendor, request } => {
                    self.act(n, vendor, &request);
                }
                Event::Look => {}
            }
            self.call_vendors();
        }
        self.now = now;
    }

    /// Does what a request asks for.
    pub(super) fn act(&mut self, n: u64, vendor: Vendor, request: &Request) -> Reply {
        self.log.current = n;
        let Some(found) = find(vendor, request) else {
            let what = format!("{} {}", request.method, request.path);
            self.log
                .blame("calls an endpoint that is not simulated", what);
            return refuse(vendor, 404, "not_found", "no such endpoint");
        };
        let admitted = match vendor {
            Vendor::OpenAi => openai::admit(self, request),
            Vendor::Vercel => vercel::admit(self, request),
            Vendor::Render => render::admit(self, request),
            Vendor::Stripe => stripe::admit(self, request),
            Vendor::GitHub => github::admit(self, request),
            Vendor::OnePassword => onepassword::admit(self, request),
            Vendor::Vault => vault::admit(self, request),
        };
        let answer = admitted.and_then(|()| (found.handler)(self, request, &found.arguments));
        self.log.entry(n).acted |= answer.is_ok();
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// `vercel.patch_env web`: the endpoint, and the project or service it is about.
    pub(super) fn label(&self, vendor: Vendor, request: &Request) -> String {
        let Some(found) = find(vendor, request) else {
            return format!("{vendor:?}.unknown").to_lowercase();
        };
        let subject = match vendor {
            Vendor::OpenAi
            | Vendor::Stripe
            | Vendor::GitHub
            | Vendor::OnePassword
            | Vendor::Vault => None,
            Vendor::Vercel => vercel::subject(self, request, &found.arguments),
            Vendor::Render => render::subject(self, &found.arguments),
        };
        match subject {
            Some(subject) => format!("{} {subject}", found.label),
            None => found.label.to_owned(),
        }
    }
}

impl State {
    /// Adds what every reply of the vendor carries. The date is the calendar's.
    pub(super) fn headed(&mut self, vendor: Vendor, request: &Request, reply: Reply) -> Reply {
        let reply = reply.with("Date", http_date(self.now));
        match vendor {
            Vendor::Render => render::headers(self, reply, &request.method),
            Vendor::Stripe => reply.with("Request-Id", "req_simulated"),
            Vendor::GitHub => github::headers(reply),
            Vendor::OpenAi | Vendor::Vercel | Vendor::OnePassword | Vendor::Vault => reply,
        }
    }

    /// Blames a client that puts a secret into a URL, where every proxy logs it.
    pub(super) fn note_leaks(&mut self, n: u64, request: &Request) {
        self.log.current = n;
        let target = format!("{}?{}", request.path, request.raw_query);
        let leaked = self
            .mint
            .secrets()
            .iter()
            .any(|secret| target.contains(secret));
        if leaked {
            self.log.entry(n).path = "[a secret]".into();
            self.log
                .blame("puts a secret into a URL", request.method.clone());
        }
    }
}

fn find(vendor: Vendor, request: &Request) -> Option<Found> {
    let routes = match vendor {
        Vendor::OpenAi => openai::ROUTES,
        Vendor::Vercel => vercel::ROUTES,
        Vendor::Render => render::ROUTES,
        Vendor::Stripe => stripe::ROUTES,
        Vendor::GitHub => github::ROUTES,
        Vendor::OnePassword => onepassword::ROUTES,
        Vendor::Vault => vault::ROUTES,
    };
    router::find(routes, request)
}

/// An error in the vendor's own shape.
pub(super) fn refuse(vendor: Vendor, status: u16, code: &str, message: &str) -> Reply {
    match vendor {
        Vendor::OpenAi => openai::refuse(status, code, message),
        Vendor::Vercel => vercel::refuse(status, code, message),
        Vendor::Render => render::refuse(status, message),
        Vendor::Stripe => stripe::refuse(status, code, message),
        Vendor::GitHub => github::refuse(status, message),
        Vendor::OnePassword => onepassword::refuse(status, message),
        Vendor::Vault => vault::refuse(status, message),
    }
}
