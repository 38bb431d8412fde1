//! What Vercel's error codes mean for a person. Nothing of the body itself is ever shown: it may repeat the value.

use serde_json::Value;

use crate::http::Known;
use crate::model::FaultKind;

/// Recognises `{"error": {"code": …}}`.
pub(super) fn known(body: &Value) -> Option<Known> {
    let error = &body["error"];
    if error["invalidToken"] == true {
        return Some(Known {
            what: "token is not valid",
            hint: Some("make a new token at vercel.com/account/settings/tokens"),
            kind: Some(FaultKind::Refused),
        });
    }
    by_code(error["code"].as_str()?)
}

/// The same for the entries of a `failed` list, which come with a status of success.
pub(super) fn failed(body: &Value) -> Option<Known> {
    let first = body["failed"].as_array()?.first()?;
    let code = first["error"]["code"].as_str().unwrap_or_default();
    Some(by_code(code).unwrap_or(Known {
        what: "the variable was not stored",
        hint: None,
        kind: None,
    }))
}

fn by_code(code: &str) -> Option<Known> {
    use FaultKind::{Missing, Passing, Refused};
    let (what, hint, kind) = match code.to_ascii_lowercase().as_str() {
        "forbidden" => (
            "token refused",
            Some("give the token access to this team and name the team as `team:` of the account"),
            Refused,
        ),
        "challenge_required" | "user_auth_required" => (
            "a fresh sign-in is demanded",
            Some("use a token made for automation at vercel.com/account/settings/tokens"),
            Refused,
        ),
        // No wait within a run helps: the limit is a number of builds a day or an hour.
        "builds_rate_limited" | "api-deployments-free-per-day" => {
            ("no builds left for now", None, Passing)
        }
        "payment_required" | "account_blocked" | "team_blocked" => {
            ("the account is blocked", None, Refused)
        }
        "env_conflict" | "env_already_exists" | "existing_key_and_target" => (
            "another variable of this name covers the same environment",
            Some("remove one of the two in the project's settings"),
            Refused,
        ),
        "env_not_found" | "id_not_found" => ("the variable is gone", None, Missing),
        "invalid_key" | "key_reserved" => ("Vercel does not allow this name", None, Refused),
        "value_invalid_length" => ("the value is too long for Vercel", None, Refused),
        "max_envs_exceeded" => ("the project has too many variables", None, Refused),
        "missing_target" => ("the variable needs an environment", None, Refused),
        _ => return None,
    };
    Some(Known {
        what,
        hint,
        kind: Some(kind),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{failed, known};
    use crate::model::FaultKind;

    #[test]
    fn codes_are_known_in_both_spellings() {
        for code in ["ENV_CONFLICT", "env_conflict"] {
            let found = known(&json!({"error": {"code": code, "message": "sk-live"}}));
            assert_eq!(
                found.map(|known| known.what),
                Some("another variable of this name covers the same environment")
            );
        }
        assert_eq!(known(&json!({"error": {"code": "brand_new"}})), None);
    }

    #[test]
    fn an_invalid_token_beats_its_code() {
        let found = known(&json!({"error": {"code": "forbidden", "invalidToken": true}}));
        assert_eq!(found.map(|known| known.what), Some("token is not valid"));
    }

    #[test]
    fn builds_run_out_for_a_while_only() {
        let found = known(&json!({"error": {"code": "builds_rate_limited"}}));
        assert_eq!(found.and_then(|known| known.kind), Some(FaultKind::Passing));
    }

    #[test]
    fn an_empty_failed_list_is_no_failure() {
        assert_eq!(failed(&json!({"created": {}, "failed": []})), None);
        assert_eq!(failed(&json!({"created": {}})), None);
        let found = failed(&json!({"failed": [{"error": {"code": "UNKNOWN_ERROR"}}]}));
        assert_eq!(
            found.map(|known| known.what),
            Some("the variable was not stored")
        );
    }
}
