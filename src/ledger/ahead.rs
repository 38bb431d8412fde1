//! Opens the next segment on another thread while this one is being read: decrypting is a third of the work.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::LedgerError;
use super::seal::{Form, Identities};
use super::segment::SegmentName;
use super::store::Store;

/// A segment in plain text.
pub(super) struct Segment {
    /// Its name.
    pub(super) name: String,
    /// Its lines. Events hold no secrets.
    pub(super) text: String,
}

/// The segments in order, one of them waiting ready.
pub(super) struct Ahead(Receiver<Result<Segment, LedgerError>>);

impl Ahead {
    pub(super) fn of(
        names: Vec<SegmentName>,
        store: Arc<dyn Store>,
        identities: Arc<Identities>,
    ) -> Result<Self, LedgerError> {
        let (ready, segments) = sync_channel(1);
        let place = store.place().to_owned();
        // Ends after the last segment, or when nobody waits for the next one any more.
        let work = move || {
            for name in names {
                let segment = open(&name.text(), store.as_ref(), &identities);
                if ready.send(segment).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .spawn(work)
            .map_err(|error| LedgerError::io("start a thread for", place.as_ref(), error))?;
        Ok(Self(segments))
    }

    /// The next one; `None` after the last.
    pub(super) fn next(&self) -> Result<Option<Segment>, LedgerError> {
        self.0.recv().ok().transpose()
    }
}

fn open(name: &str, store: &dyn Store, identities: &Identities) -> Result<Segment, LedgerError> {
    let sealed = store.segment(name)?;
    let mut opened = identities.open(name, &sealed, Form::Binary)?;
    // Taken out of its wiping wrapper, and checked once for all the texts in it: both take longer than decrypting.
    let text = String::from_utf8(std::mem::take(&mut *opened.plain));
    Ok(Segment {
        name: name.to_owned(),
        text: text.map_err(|_| LedgerError::Tampered {
            place: name.to_owned(),
            why: "it is not text".to_owned(),
        })?,
    })
}
