//! An address that is a secret: incoming webhooks and heartbeats carry their key in the path.

use std::fmt;

use reqwest::Url;

use super::address::{Address, Reach};

/// A whole address that may be called and never shown.
#[derive(Clone)]
pub struct HiddenUrl {
    url: Url,
    base: String,
    reach: Reach,
}

impl HiddenUrl {
    /// Checks it by the rules for hosts of [`Endpoint`](super::Endpoint). The error is fixed words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|_| "not an address".to_owned())?;
        let mut base = url.clone();
        base.set_path("/");
        base.set_query(None);
        base.set_fragment(None);
        let reach = Address::parse(base.as_str())?.reach();
        Ok(Self {
            url,
            base: base.into(),
            reach,
        })
    }

    /// The same address with one more part at the end of its path.
    #[must_use]
    pub fn child(&self, part: &str) -> Self {
        let mut url = self.url.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().push(part);
        }
        Self {
            url,
            ..self.clone()
        }
    }

    /// What of it may be known: scheme, host and port.
    pub fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn whole(&self) -> &Url {
        &self.url
    }

    pub(super) fn reach(&self) -> Reach {
        self.reach
    }
}

impl fmt::Debug for HiddenUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("HiddenUrl([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::HiddenUrl;

    #[test]
    fn neither_an_error_nor_debug_shows_it() {
        let hidden = HiddenUrl::parse("https://hc.example/canary-path?key=canary").expect("good");
        assert_eq!(format!("{hidden:?}"), "HiddenUrl([redacted])");
        assert_eq!(hidden.base(), "https://hc.example/");
        for (bad, why) in [
            ("canary", "not an address"),
            (
                "http://hc.example/canary",
                "must be https; plain http is for loopback",
            ),
            (
                "https://user:canary@hc.example/x",
                "credentials do not belong in an address",
            ),
        ] {
            assert_eq!(HiddenUrl::parse(bad).expect_err("bad"), why);
        }
    }

    #[test]
    fn a_part_is_added_before_the_query() {
        let child = |text| {
            let hidden = HiddenUrl::parse(text).expect("good");
            hidden.child("start").whole().to_string()
        };
        assert_eq!(
            child("https://hc.example/id"),
            "https://hc.example/id/start"
        );
        assert_eq!(
            child("https://hc.example/id/?a=b"),
            "https://hc.example/id/start?a=b"
        );
    }
}
