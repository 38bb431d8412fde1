//! Stripe's keys of one account, in memory.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::http::testing::{Answer, Received, Server};
use crate::issuers::stripe::jwe::testing::seal;
use crate::issuers::stripe::prefix::Mode;

/// Stripe's keys of one account, in memory.
pub(super) struct Vendor {
    pub(super) keys: Vec<Value>,
    mode: Mode,
    /// What becomes of the next create besides.
    trouble: Option<Trouble>,
    pub(super) page: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Trouble {
    LostReply,
    NotGated,
    OtherMode,
    Garbled,
    WithoutSecret,
}

pub(super) type Shared = Arc<Mutex<Vendor>>;

fn listed(id: &str, name: &str, token: &str) -> Value {
    let redacted = format!("{}...{}", &token[..8], &token[token.len() - 4..]);
    json!({
        "id": id, "object": "v2.iam.api_key", "created": "2026-01-01T00:00:00Z", "ip_allowlist": [],
        "livemode": token.contains("_live_"), "name": name, "status": "active", "type": "secret_key",
        "permissions": ["charge_read", "customer_write"], "connect_permissions": ["account_read"],
        "last_used": "2026-02-28T10:00:00Z", "token": token,
        "secret_key": {"secret_token_redacted": redacted},
    })
}

pub(super) fn vendor(mode: Mode, trouble: Option<Trouble>) -> Shared {
    Arc::new(Mutex::new(Vendor {
        keys: vec![
            listed(
                "mk_0",
                "dashboard",
                &format!("rk_{mode}_0000000000000other"),
            ),
            listed("mk_1", "rk-0", &format!("rk_{mode}_1111111111111x7K2")),
        ],
        mode,
        trouble,
        page: 100,
    }))
}

impl Vendor {
    fn answer(&mut self, received: &Received) -> Option<(u16, Value)> {
        let error = |status: u16, code: &str| {
            let error = json!({"error": {"type": "invalid_request_error", "code": code, "message": "rk_live_leak"}});
            Some((status, error))
        };
        if !received
            .headers
            .contains("stripe-version: 2026-10-14.preview")
        {
            return match received.line.as_str() {
                "GET /v1/balance" => Some(self.balance(&received.headers)),
                _ => error(404, "resource_missing"),
            };
        }
        let (method, path) = received.line.split_once(' ').unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let rest = path.strip_prefix("/v2/iam/api_keys").unwrap();
        match (method, rest) {
            ("GET", "") => Some((200, self.list(query))),
            ("POST", "") => self.create(received),
            ("GET", id) => match self.keys.iter().find(|key| key["id"] == id[1..]) {
                Some(key) => Some((200, self.shown(key))),
                None => error(404, "resource_missing"),
            },
            ("POST", rest) => {
                let id = rest
                    .strip_prefix('/')
                    .and_then(|rest| rest.strip_suffix("/expire"));
                let key = self
                    .keys
                    .iter_mut()
                    .find(|key| Some(key["id"].as_str().unwrap()) == id);
                match key {
                    Some(key) if key["status"] == "active" => {
                        key["status"] = json!("expired");
                        Some((200, key.clone()))
                    }
                    _ => error(404, "resource_missing"),
                }
            }
            _ => error(404, "resource_missing"),
        }
    }

    fn balance(&self, headers: &str) -> (u16, Value) {
        let mine = |key: &&Value| headers.contains(&key["token"].as_str().unwrap().to_lowercase());
        match self.keys.iter().find(mine) {
            Some(key) if key["status"] == "active" => (200, json!({"object": "balance"})),
            _ => (401, json!({"error": {"code": "api_key_expired"}})),
        }
    }

    /// In test mode whole keys are listed, as was measured.
    fn shown(&self, key: &Value) -> Value {
        let mut key = key.clone();
        let token = key.as_object_mut().unwrap().remove("token");
        if self.mode == Mode::Test {
            key["secret_key"]["token"] = token.unwrap();
        }
        key
    }

    fn list(&self, query: &str) -> Value {
        let from = query.split('&').find_map(|pair| pair.strip_prefix("page="));
        let from: usize = from.map_or(0, |page| page.parse().unwrap());
        let active: Vec<&Value> = self
            .keys
            .iter()
            .filter(|key| key["status"] == "active")
            .collect();
        let page = active.iter().skip(from).take(self.page);
        let data: Vec<Value> = page.map(|key| self.shown(key)).collect();
        let next = from + self.page;
        let next = (next < active.len()).then(|| format!("/v2/iam/api_keys?limit=100&page={next}"));
        json!({"data": data, "next_page_url": next, "previous_page_url": null})
    }

    fn create(&mut self, received: &Received) -> Option<(u16, Value)> {
        let trouble = self.trouble.take();
        if trouble == Some(Trouble::NotGated) {
            let error =
                json!({"error": {"code": "merchant_not_gated", "message": "no, rk_live_leak"}});
            return Some((403, error));
        }
        let mode = match (self.mode, trouble) {
            (Mode::Live, Some(Trouble::OtherMode)) => Mode::Test,
            (Mode::Test, Some(Trouble::OtherMode)) => Mode::Live,
            (mode, _) => mode,
        };
        let token = format!("rk_{mode}_2222222222222j9M1");
        let mut key = listed("mk_2", received.body["name"].as_str().unwrap(), &token);
        key["permissions"] = received.body["permissions"].clone();
        key["livemode"] = json!(mode == Mode::Live);
        self.keys.push(key.clone());
        let pem = received.body["public_key"]["pem_key"]["data"]
            .as_str()
            .unwrap();
        let mut answer = self.shown(&key);
        match trouble {
            Some(Trouble::LostReply) => return None,
            Some(Trouble::WithoutSecret) => answer["secret_key"] = json!({}),
            _ if self.mode == Mode::Live => {
                let text = match trouble {
                    Some(Trouble::Garbled) => "no key at all",
                    _ => &token,
                };
                let sealed = seal("RSA-OAEP-256", pem, text);
                answer["secret_key"]["encrypted_secret"] =
                    json!({"ciphertext": sealed, "format": "jwe_compact", "recipient_key_id": "k"});
            }
            _ => {}
        }
        Some((200, answer))
    }
}

pub(super) fn serve(vendor: &Shared) -> Server {
    let answer = || {
        let vendor = Arc::clone(vendor);
        Answer::By(Box::new(move |received: &Received| {
            vendor.lock().unwrap().answer(received)
        }))
    };
    Server::start((0..24).map(|_| answer()).collect())
}
