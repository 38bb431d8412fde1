//! What a vendor shows of a key in a list, compared with a whole one.

/// Whether a value may be the one that is shown as `sk-abc...def` or `sk-svcacct-****wxyz`. What is shown of it must
/// be enough to tell keys apart: three characters at the end, as in OpenAI's own example.
pub(super) fn may_be(redacted: Option<&str>, value: &str) -> bool {
    const HIDDEN: [char; 3] = ['.', '*', '…'];
    let Some(redacted) = redacted else {
        return false;
    };
    let (Some(first), Some(last)) = (redacted.find(HIDDEN), redacted.rfind(HIDDEN)) else {
        return false;
    };
    let start = &redacted[..first];
    let end = redacted[last..].trim_start_matches(HIDDEN);
    end.len() >= 3
        && value.len() > start.len() + end.len()
        && value.starts_with(start)
        && value.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_compared_with_what_is_shown_of_it() {
        let value = "sk-svcacct-AbCdEfGhIjKlMnOpx7K2";
        for redacted in [
            "sk-svc...7K2",
            "sk-svcacct-********x7K2",
            "sk-…x7K2",
            "***x7K2",
        ] {
            assert!(may_be(Some(redacted), value), "{redacted}");
        }
        for redacted in [
            "sk-proj-****x7K2",
            "sk-svc...7K3",
            "sk-svc...K2",
            "sk-svc",
            "",
            "****",
        ] {
            assert!(!may_be(Some(redacted), value), "{redacted}");
        }
        assert!(!may_be(None, value));
        assert!(!may_be(Some("sk-abc...def"), "sk-abcdef"));
    }
}
