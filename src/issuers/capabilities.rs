//! What an issuer can do, as data.

use std::fmt;

/// What an issuer can do: `plan` reads it and refuses what cannot work before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How many versions may live at once.
    pub overlap: Overlap,
    /// Who makes the value up.
    pub value: ValueBy,
    /// Whether `find` can list keys by tag.
    pub finds: Ability,
    /// Whether `expire` can set an end on a key.
    pub expires: Ability,
    /// Whether `last_used` can tell.
    pub reports_use: Ability,
    /// Whether `revoke` kills the key, or a person has to and rotakey only watches it die.
    pub revokes: Ability,
    /// Whether `verify` refuses a version once it is revoked. Where it cannot tell, because the value exists nowhere
    /// but at its sites, a version is dead when `revoke` is done: the guard before it (G3) found it at no site.
    pub shows_death: Ability,
}

/// How many versions an issuer lets live at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Any number in practice.
    Many,
    /// Two: the version before last must be gone before the next is issued.
    Two,
    /// One: the old version dies when the new one is made, so no grace is possible.
    None,
}

/// Who makes the value up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueBy {
    /// The vendor. A lost reply loses the value: the key is found by its tag and removed.
    Issuer,
    /// rotakey. The value is durable before the issuer sees it, so asking again with the same one is harmless.
    Rotakey,
    /// A person makes the key at the vendor and hands it over (assisted).
    Person,
}

/// Whether something can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// It can.
    Yes,
    /// It cannot.
    No,
}

/// Whether the current version may go on being accepted for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It may: an ordinary rotation.
    Kept,
    /// It may not: it leaked.
    Lost,
}

impl fmt::Display for Overlap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Overlap::Many => "many",
            Overlap::Two => "two",
            Overlap::None => "none",
        })
    }
}
