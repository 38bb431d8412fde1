//! Secret values: the type that cannot be printed.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::FieldName;

/// One secret text. Wiped when dropped, as far as Rust can promise that; printed as `[redacted]`.
///
/// It can be neither displayed nor serialised. The only road to disk is the ledger's seal.
///
/// ```compile_fail
/// let value = rotakey::model::SecretValue::new("sk-live");
/// println!("{value}");
/// ```
/// ```compile_fail
/// let value = rotakey::model::SecretValue::new("sk-live");
/// serde_json::to_string(&value);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Shows the text. Each call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[redacted]")
    }
}

/// The fields of one version, in the order of their names. Most secrets have one, named `value`; a map would take ten times
/// the memory for it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Fields(Vec<(FieldName, SecretValue)>);

impl Fields {
    /// The name of the field of a secret that has just one.
    pub const VALUE: &'static str = "value";

    /// A version with the single field `value`.
    pub fn single(value: SecretValue) -> Self {
        Self(vec![(FieldName::new(Self::VALUE), value)])
    }

    /// The field of that name.
    pub fn field(&self, name: &FieldName) -> Option<&SecretValue> {
        self.named(name.as_str())
    }

    fn named(&self, wanted: &str) -> Option<&SecretValue> {
        let mut fields = self.0.iter();
        let found = fields.find(|(name, _)| name.as_str() == wanted);
        found.map(|(_, value)| value)
    }

    /// The field a person means who names none: `value`, else `password`, else the only one.
    pub fn primary(&self) -> Option<&SecretValue> {
        let only = || match self.0.as_slice() {
            [(_, value)] => Some(value),
            _ => None,
        };
        self.named(Self::VALUE)
            .or_else(|| self.named("password"))
            .or_else(only)
    }

    /// All fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &SecretValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(FieldName, SecretValue)> for Fields {
    fn from_iter<I: IntoIterator<Item = (FieldName, SecretValue)>>(fields: I) -> Self {
        // Of two with one name the latter stays, as in a map.
        let sorted: BTreeMap<FieldName, SecretValue> = fields.into_iter().collect();
        let mut exact = Vec::with_capacity(sorted.len());
        exact.extend(sorted);
        Self(exact)
    }
}
