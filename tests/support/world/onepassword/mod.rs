//! A 1Password Connect server: vaults, and items whose fields are patched one by one.
//!
//! Sources: 1Password's Connect OpenAPI description 1.8 (1Password/connect), November 2026. Every change raises the
//! item's version, and the former one stays in its history. Not published: what becomes of a `PUT` that names an older
//! version; here it is a conflict.

mod items;
mod routes;

use serde_json::json;

use super::World;
use super::message::{Reply, Request};
use super::mint::Mint;
use super::state::State;

use items::Item;
pub(super) use routes::ROUTES;

/// The one vault there is.
const VAULT: &str = "Infra";

pub(super) struct OnePassword {
    token: String,
    vault: String,
    pub(super) items: Vec<Item>,
}

impl OnePassword {
    pub(super) fn new(mint: &mut Mint) -> Self {
        Self {
            token: mint.named_secret(
                "the token of the Connect server",
                "eyJhbGciOiJFUzI1NiJ9.",
                60,
            ),
            vault: "infra0vault0of0this0world0".to_owned(),
            items: Vec::new(),
        }
    }
}

/// Lets in whoever has the token of the server.
pub(super) fn admit(state: &mut State, request: &Request) -> Result<(), Reply> {
    match request.bearer() == Some(&state.onepassword.token) {
        true => Ok(()),
        false => Err(refuse(401, "Invalid token signature")),
    }
}

pub(super) fn refuse(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"status": status, "message": message}))
}

impl World {
    pub(crate) fn onepassword_token(&self) -> String {
        self.state().onepassword.token.clone()
    }

    /// Adds an item of the category API Credential to the vault `Infra`, with the value in its field `credential`.
    pub(crate) fn add_item(&self, title: &str, value: &str) {
        let mut state = self.state();
        state.mint.remember(value);
        let number = state.onepassword.items.len();
        let item = Item::new(number, title, value, state.now);
        state.onepassword.items.push(item);
    }

    /// How often an item was changed, and how many former values its history holds.
    pub(crate) fn item_changes(&self, title: &str) -> (u64, usize) {
        let state = self.state();
        let mut items = state.onepassword.items.iter();
        let item = items.find(|item| item.title == title);
        let item = item.expect("an item of this world");
        (item.version, item.history.len())
    }
}
