//! What the beginning of a Stripe key says of it.

use std::fmt;

use serde::Deserialize;

use crate::model::Fault;

/// Whether a key works on real money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// It does.
    #[default]
    Live,
    /// It does not: test mode and sandboxes.
    Test,
}

/// How much a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    /// Everything.
    Secret,
    /// What was chosen for it.
    Restricted,
}

/// Reads the beginning of a key.
pub(super) fn parse(value: &str) -> Result<(Mode, Type), Fault> {
    let known = [
        ("sk_live_", Mode::Live, Type::Secret),
        ("rk_live_", Mode::Live, Type::Restricted),
        ("sk_test_", Mode::Test, Type::Secret),
        ("rk_test_", Mode::Test, Type::Restricted),
    ];
    if value.starts_with("pk_") {
        return Err(
            Fault::refused("this is a publishable key, which is no secret")
                .hint("give the secret or restricted key: it begins with `sk_` or `rk_`"),
        );
    }
    if value.starts_with("whsec_") {
        return Err(Fault::refused("this is the signing secret of a webhook")
            .hint("give an API key: it begins with `sk_` or `rk_`"));
    }
    let found = known
        .into_iter()
        .find(|(prefix, ..)| value.starts_with(prefix));
    match found {
        Some((prefix, mode, kind)) if is_word(&value[prefix.len()..]) => Ok((mode, kind)),
        _ => Err(Fault::refused("this is not an API key of Stripe")
            .hint("give the whole key: it begins with `sk_` or `rk_` and has no spaces")),
    }
}

/// The mode that the beginning of a key of the account says; keys of an organisation have a word more. `None` where it
/// says nothing.
pub(super) fn mode(value: &str) -> Option<Mode> {
    let mut words = value.split('_').skip(1).take(2);
    words.find_map(|word| match word {
        "live" => Some(Mode::Live),
        "test" => Some(Mode::Test),
        _ => None,
    })
}

/// Refuses a key of another mode or type than what is wanted.
pub(super) fn of_this_account(value: &str, mode: Mode, wanted: Option<Type>) -> Result<(), Fault> {
    let (found, kind) = parse(value)?;
    if found != mode {
        return Err(Fault::refused(format!(
            "this is a {found} mode key, and the secret is of {mode} mode"
        ))
        .hint(format!("make the key in {mode} mode, or correct `mode:`")));
    }
    match wanted {
        Some(wanted) if wanted != kind => {
            let fault = Fault::refused(format!(
                "this is a {kind} key, and the secret is a {wanted} one"
            ));
            Err(fault.hint(format!(
                "make a {wanted} key, or say `type: {kind}` if the change is meant"
            )))
        }
        _ => Ok(()),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Mode::Live => "live",
            Mode::Test => "test",
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Type::Secret => "secret",
            Type::Restricted => "restricted",
        })
    }
}
