//! The endpoints that are there: all of an address, the one that is live.

use super::wire::{Endpoint, Page};
use super::{ALL, Webhooks, one};
use crate::http::Call;
use crate::issuers::pages;
use crate::model::{Fault, Instant, Key};

impl Webhooks {
    pub(super) fn dressed(&self, call: Call) -> Result<Call, Fault> {
        Ok(call.bearer(self.account.needed("api_key")?.value()?))
    }

    /// Every endpoint with the address of the configuration.
    pub(super) fn list(&self) -> Result<Vec<Endpoint>, Fault> {
        let mut found = pages::all("webhook endpoints", |after: Option<String>| {
            let mut call = self.api.get(ALL).query("limit", "100");
            if let Some(after) = after {
                call = call.query("starting_after", after);
            }
            let page: Page = self.dressed(call)?.read()?.parse()?;
            let last = pages::after(&page.data, page.has_more, |last| last.id.clone())?;
            Ok((page.data, last))
        })?;
        found.retain(|endpoint| endpoint.url == self.config.url);
        Ok(found)
    }

    /// The one endpoint of the address.
    fn only(&self) -> Result<Endpoint, Fault> {
        let mut all = self.list()?;
        match (all.pop(), all.is_empty()) {
            (Some(endpoint), true) => Ok(endpoint),
            (None, _) => Err(Fault::missing("no webhook endpoint has this address")
                .hint("make the first one in the dashboard, or correct `url:`")),
            (Some(_), false) => Err(
                Fault::refused("several webhook endpoints have this address")
                    .hint("name the one whose secret is live: rotakey adopt NAME --key-id we_…"),
            ),
        }
    }

    pub(super) fn get(&self, id: &str) -> Result<(Option<Endpoint>, Option<Instant>), Fault> {
        let call = self.api.get(one(id)).accept(&[404]);
        let reply = self.dressed(call)?.read()?;
        match reply.status {
            404 if reply.json()?["error"].is_object() => Ok((None, reply.date)),
            404 => Err(Fault::passing(
                "the answer is not one of Stripe's (HTTP 404)",
            )),
            _ => Ok((Some(reply.parse()?), reply.date)),
        }
    }

    /// The endpoint that the new one is made like.
    pub(super) fn model(&self, current: Option<&Key>) -> Result<Endpoint, Fault> {
        let Some(id) = current.and_then(|key| key.id.as_ref()) else {
            return self.only();
        };
        let (found, _) = self.get(id.as_str())?;
        found.ok_or_else(|| Fault::missing("the live webhook endpoint is gone from Stripe"))
    }
}
