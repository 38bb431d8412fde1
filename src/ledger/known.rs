//! The sites that are kept in mind between two rotations.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::SiteId;

/// Sites by their ids, and what people call them. Written once, at the end of a rotation, and read at the next one: it
/// takes no more memory than its texts, where a map would take six times as much for the two sites that most secrets have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownSites(Box<[(SiteId, Box<str>)]>);

impl KnownSites {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them in the order of their ids, each with its label.
    pub fn iter(&self) -> impl Iterator<Item = (&SiteId, &str)> {
        self.0.iter().map(|(id, label)| (id, &**label))
    }
}

impl FromIterator<(SiteId, Box<str>)> for KnownSites {
    fn from_iter<I: IntoIterator<Item = (SiteId, Box<str>)>>(sites: I) -> Self {
        let sorted: BTreeMap<SiteId, Box<str>> = sites.into_iter().collect();
        Self(sorted.into_iter().collect())
    }
}

impl Serialize for KnownSites {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for KnownSites {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::deserialize(from)?.into_iter().collect())
    }
}
