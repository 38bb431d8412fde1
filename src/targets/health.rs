//! `health:` of a target: the address a service answers at when it is well.
//!
//! ```yaml
//! health: https://web.acme.com/healthz
//! health: { url: https://web.acme.com/healthz, status: 204, good: 3, within: 2m }
//! ```
//!
//! The probe sends no secret and follows no redirect. A deployment that serves may take a moment until it is well, so
//! bad answers are forgiven until `within` is over; good ones count only in a row.

use std::fmt;

use chrono::TimeDelta;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::http;
use crate::model::{Clock, Fault, FaultKind, Span};

const PAUSE: TimeDelta = TimeDelta::seconds(2);
const DEADLINE: TimeDelta = TimeDelta::seconds(10);

/// How a service is asked whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthConfig {
    url: String,
    status: u16,
    good: u32,
    within: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    url: String,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default = "one")]
    good: u32,
    #[serde(default = "half_a_minute")]
    within: Span,
}

fn ok() -> u16 {
    200
}

fn one() -> u32 {
    1
}

fn half_a_minute() -> Span {
    Span::seconds(30)
}

impl HealthConfig {
    /// Asks until so many good answers came in a row, or the time is over.
    pub fn probe(&self, clock: &dyn Clock) -> Result<(), Fault> {
        let start = clock.now();
        let mut good = 0;
        loop {
            let fault = match http::probe(&self.url, DEADLINE) {
                Ok(status) if status == self.status => {
                    good += 1;
                    if good >= self.good {
                        return Ok(());
                    }
                    None
                }
                Ok(status) => Some(Fault::refused(format!(
                    "its health check answers HTTP {status} instead of {}",
                    self.status
                ))),
                Err(fault) if fault.kind == FaultKind::Refused => return Err(fault),
                Err(fault) => Some(fault.at("its health check")),
            };
            if let Some(fault) = fault {
                good = 0;
                if clock.now() - start >= self.within.delta() {
                    return Err(fault);
                }
            }
            if clock.stopping() {
                return Err(Fault::passing("stopped before its health check was good"));
            }
            clock.wait(PAUSE);
        }
    }
}

impl<'de> Deserialize<'de> for HealthConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HealthVisitor)
    }
}

struct HealthVisitor;

impl<'de> Visitor<'de> for HealthVisitor {
    type Value = HealthConfig;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an address, or a map with `url`")
    }

    fn visit_str<E: Error>(self, url: &str) -> Result<HealthConfig, E> {
        checked(Long {
            url: url.to_owned(),
            status: ok(),
            good: one(),
            within: half_a_minute(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HealthConfig, A::Error> {
        checked(Long::deserialize(MapAccessDeserializer::new(map))?)
    }
}

fn checked<E: Error>(typed: Long) -> Result<HealthConfig, E> {
    let Long {
        url,
        status,
        good,
        within,
    } = typed;
    http::check_probe(&url).map_err(E::custom)?;
    if !(100..600).contains(&status) {
        return Err(E::custom("`status` is an HTTP status such as 200"));
    }
    if !(1..=100).contains(&good) {
        return Err(E::custom("`good` is a number from 1 to 100"));
    }
    Ok(HealthConfig {
        url,
        status,
        good,
        within,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::HealthConfig;
    use crate::http::testing::{Answer, JumpingClock, Server};
    use crate::model::Fault;

    fn config(typed: Value) -> Result<HealthConfig, String> {
        serde_json::from_value(typed).map_err(|error| error.to_string())
    }

    fn answers(statuses: &[u16]) -> Server {
        let script = statuses
            .iter()
            .map(|status| Answer::Json(*status, json!({})));
        Server::start(script.collect())
    }

    #[test]
    fn good_answers_count_only_in_a_row() {
        let server = answers(&[200, 503, 200, 200]);
        let url = format!("{}/healthz?deep=1", server.base);
        let health = config(json!({"url": url, "good": 2})).expect("a health check");
        assert_eq!(health.probe(&*JumpingClock::new()), Ok(()));
        assert_eq!(server.lines(), ["GET /healthz?deep=1"; 4]);
    }

    #[test]
    fn bad_answers_are_forgiven_until_the_time_is_over() {
        let server = answers(&[503, 503, 503]);
        let health = config(json!({"url": server.base, "within": "4s"})).expect("a health check");
        assert_eq!(
            health.probe(&*JumpingClock::new()),
            Err(Fault::refused(
                "its health check answers HTTP 503 instead of 200"
            ))
        );
        assert_eq!(server.lines().len(), 3);
    }

    #[test]
    fn a_redirect_is_a_bad_answer_unless_it_is_the_expected_one() {
        let other = answers(&[200]);
        let location: &'static str =
            Box::leak(format!("location: {}\r\n", other.base).into_boxed_str());
        let server = Server::start(vec![Answer::With(302, location, json!({}))]);
        let health = config(json!({"url": server.base, "within": "0s"})).expect("a health check");
        assert_eq!(
            health.probe(&*JumpingClock::new()),
            Err(Fault::refused(
                "its health check answers HTTP 302 instead of 200"
            ))
        );
        assert!(other.lines().is_empty());
    }

    #[test]
    fn what_is_typed_is_checked() {
        assert!(config(json!("https://web.acme.com/healthz")).is_ok());
        assert!(
            config(json!("http://web.acme.com")).is_err_and(|why| why.contains("must be https"))
        );
        assert!(
            config(json!("https://169.254.169.254/")).is_err_and(|why| why.contains("link-local"))
        );
        assert!(config(json!({"url": "https://a.b", "good": 0})).is_err());
        assert!(
            config(json!({"url": "https://a.b", "goood": 1}))
                .is_err_and(|why| why.contains("goood"))
        );
    }
}
