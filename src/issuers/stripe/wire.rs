//! What `/v2/iam/api_keys` answers, as far as it is used. In test mode a list shows whole keys, so that nothing here can
//! be printed.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::model::{Instant, SecretValue};

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) data: Vec<Listed>,
    next_page_url: Option<String>,
}

/// A key.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) created: Option<Instant>,
    pub(super) last_used: Option<Instant>,
    pub(super) livemode: bool,
    pub(super) permissions: Option<Vec<String>>,
    pub(super) connect_permissions: Option<Vec<String>>,
    status: String,
    secret_key: Option<Secret>,
}

#[derive(Default, Deserialize)]
struct Secret {
    #[serde(default, deserialize_with = "secret")]
    token: Option<SecretValue>,
    secret_token_redacted: Option<String>,
    encrypted_secret: Option<Sealed>,
}

#[derive(Deserialize)]
struct Sealed {
    ciphertext: String,
    format: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretValue>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.map(SecretValue::new))
}

impl Page {
    /// What the next page is asked for with.
    pub(super) fn next(&self) -> Option<String> {
        let (_, query) = self.next_page_url.as_deref()?.split_once('?')?;
        let page = query.split('&').find_map(|pair| pair.strip_prefix("page="));
        page.map(plain)
    }
}

impl Listed {
    pub(super) fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// The whole key, where it is shown as it is.
    pub(super) fn token(&self) -> Option<&SecretValue> {
        self.secret_key.as_ref()?.token.as_ref()
    }

    /// What is shown of the key.
    pub(super) fn redacted(&self) -> Option<&str> {
        self.secret_key.as_ref()?.secret_token_redacted.as_deref()
    }

    /// The whole key, where it is sealed in the form that is known.
    pub(super) fn sealed(&self) -> Option<&str> {
        let sealed = self.secret_key.as_ref()?.encrypted_secret.as_ref()?;
        let known = sealed
            .format
            .as_deref()
            .is_none_or(|it| it == "jwe_compact");
        known.then_some(sealed.ciphertext.as_str())
    }
}

/// A text of a query without its percent signs.
fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_from_its_address() {
        let next = |url: &str| {
            let page = format!(r#"{{"data": [], "next_page_url": {url}}}"#);
            serde_json::from_str::<Page>(&page).unwrap().next()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(next("null"), None);
        assert_eq!(
            next(r#""/v2/iam/api_keys?limit=100&page=abc%3D%3D""#),
            some("abc==")
        );
        assert_eq!(next(r#""https://x/y?page=a%zb%4""#), some("a%zb%4"));
    }
}
