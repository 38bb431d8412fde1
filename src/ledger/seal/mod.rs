//! The seal: the only road from a secret value to disk, and age around the whole document.
//!
//! Nothing outside this folder knows age. What goes in is plaintext, what comes out is a file that stock `age` opens.

mod generate;
mod identities;
mod recipients;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod values;

pub use generate::{new_identity, recipient_of};
pub(super) use identities::Identities;
pub(super) use recipients::Recipients;
pub(super) use values::{sealed_fields, sealed_key, sealed_value};

/// How a sealed file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text between `BEGIN` and `END` lines, fit for a clipboard at night.
    Armored,
    /// The bytes themselves: a third smaller and twice as fast.
    Binary,
}

const ARMOR_BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----\n";
const ARMOR_END: &[u8] = b"\n-----END AGE ENCRYPTED FILE-----\n";

/// Which recipients a file was sealed to, as far as its header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    native: usize,
    ssh: usize,
    plugin: usize,
}
