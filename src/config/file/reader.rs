//! Reading the text into the tree.
//!
//! The tree is made from the events of `serde_yaml`'s own parser instead of through serde, because only the events
//! tell where a key stands, whether a text was quoted, and that an alias, an anchor or a tag is there at all. All
//! three are refused: they are what YAML attacks are made of, and a file that decides where secrets go should say
//! everything where it stands.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_yaml::granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, options};

use super::{Entry, Node, Value};
use crate::config::complaint::{Complaints, Mark};
use crate::config::say::quoted;

/// The largest file that is read. 10,000 secrets take 2 to 4 MiB.
const LARGEST: usize = 8 * 1024 * 1024;
/// How deep lists and maps may be nested. Nothing in the configuration goes beyond 6.
const DEEPEST: usize = 16;
/// How many values and keys a file may hold.
const MOST_NODES: usize = 2_000_000;

/// Reads the text. `None` when something is wrong that makes the rest unreadable; that and all else that is wrong has
/// then been complained of.
pub(in crate::config) fn read<'t>(text: &'t str, complaints: &Complaints<'_>) -> Option<Node<'t>> {
    if text.len() > LARGEST {
        let (size, most) = (text.len().div_ceil(1024), LARGEST / 1024);
        complaints.add(
            Mark::START,
            format!("the file is {size} KiB long; at most {most} KiB are read"),
        );
        return None;
    }
    let options = options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
        disallow_directives: true,
    };
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        complaints,
        nodes: 0,
        aliases: 0,
    };
    let root = reader.document().ok()?;
    // What an alias stood for is not known, so nothing sensible can be said about the rest.
    (reader.aliases == 0).then_some(root)
}

/// The complaint has been made; reading cannot go on.
struct Unreadable;

struct Reader<'t, 'c> {
    events: Parser<'t, serde_yaml::granit_parser::StrInput<'t>>,
    complaints: &'c Complaints<'c>,
    nodes: usize,
    aliases: usize,
}

impl<'t> Reader<'t, '_> {
    fn document(&mut self) -> Result<Node<'t>, Unreadable> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    let what = "a second document begins; the file holds one";
                    self.complaints.add(mark(span), what);
                    return Err(Unreadable);
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0)?);
                }
                Event::StreamEnd => break,
                _ => return Err(self.unreadable(mark(span), "YAML cannot be read from here on")),
            }
        }
        let nothing = || Node {
            at: Mark::START,
            value: Value::Plain(Cow::Borrowed("")),
        };
        Ok(root.unwrap_or_else(nothing))
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node<'t>, Unreadable> {
        let at = mark(span);
        self.nodes += 1;
        // The parser limits each style of nesting by itself; mixed styles would add up.
        if depth > DEEPEST {
            return Err(self.unreadable(at, &too_deep()));
        }
        if self.nodes > MOST_NODES {
            return Err(self.unreadable(at, &format!("more than {MOST_NODES} values")));
        }
        self.refuse_properties(&event, at);
        let value = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => Value::Plain(text),
            Event::Scalar(text, ..) => Value::Quoted(text),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.aliases += 1;
                let what = "an alias stands here; aliases and anchors are not read";
                self.complaints
                    .advise(at, what, "write the value out where it is used");
                Value::Plain(Cow::Borrowed(""))
            }
            _ => return Err(self.unreadable(at, "YAML cannot be read from here on")),
        };
        Ok(Node { at, value })
    }

    fn list(&mut self, depth: usize) -> Result<Value<'t>, Unreadable> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value<'t>, Unreadable> {
        let mut entries: Vec<Entry<'t>> = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => break,
                (event, span) => self.node(event, span, depth + 1)?,
            };
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            match key.value {
                Value::Plain(text) | Value::Quoted(text) => entries.push(Entry {
                    key: text,
                    at: key.at,
                    node,
                }),
                Value::List(_) | Value::Map(_) => {
                    self.complaints
                        .add(key.at, "a key is one word, not a list or a map");
                }
            }
        }
        Ok(Value::Map(self.without_duplicates(entries)))
    }

    fn refuse_properties(&self, event: &Event<'t>, at: Mark) {
        if event.tag().is_some() {
            let hint = "remove the `!…`; values are read as what their key expects";
            self.complaints
                .advise(at, "a tag stands here; tags are not read", hint);
        }
        if event.anchor_id().is_some() {
            let hint = "remove the `&…` and write the value out where it is used";
            self.complaints.advise(
                at,
                "an anchor stands here; aliases and anchors are not read",
                hint,
            );
        }
    }

    /// The first of two stays, so that the second is complained of once.
    fn without_duplicates(&self, entries: Vec<Entry<'t>>) -> Vec<Entry<'t>> {
        let mut seen: HashMap<&str, u32> = HashMap::with_capacity(entries.len());
        let first: Vec<bool> = entries
            .iter()
            .map(|entry| match seen.insert(&entry.key, entry.at.line) {
                None => true,
                Some(line) => {
                    let key = quoted(&entry.key);
                    let what = format!("{key} stands twice; it was given in line {line} already");
                    self.complaints.add(entry.at, what);
                    false
                }
            })
            .collect();
        if first.iter().all(|first| *first) {
            return entries;
        }
        let entries = entries.into_iter().zip(first);
        entries
            .filter_map(|(entry, first)| first.then_some(entry))
            .collect()
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Unreadable> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let at = mark(Span::empty(*error.marker()));
                let (what, hint) = said(&error);
                match hint {
                    Some(hint) => self.complaints.advise(at, what, hint),
                    None => self.complaints.add(at, what),
                }
                Err(Unreadable)
            }
            None => Err(self.unreadable(Mark::START, "the file ends too early")),
        }
    }

    fn unreadable(&self, at: Mark, what: &str) -> Unreadable {
        self.complaints.add(at, what);
        Unreadable
    }
}

fn mark(span: Span) -> Mark {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Mark {
        line: count(span.start.line()),
        column: count(span.start.col()).saturating_add(1),
    }
}

fn too_deep() -> String {
    format!("lists and maps are nested more than {DEEPEST} deep")
}

/// The parser's complaint in our words. Its own texts are fixed phrases and single characters, never text of the file.
fn said(error: &ScanError) -> (String, Option<&'static str>) {
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => (
            "a tab stands where YAML takes spaces only".to_owned(),
            Some("indent with spaces"),
        ),
        ErrorKind::RecursionLimitExceeded => (too_deep(), None),
        ErrorKind::DirectiveDisallowed => (
            "a directive stands here; `%` lines are not read".to_owned(),
            None,
        ),
        ErrorKind::UnclosedFlowCollection { open } => (format!("`{open}` is never closed"), None),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            (format!("`{open}` is closed by `{close}`"), None)
        }
        ErrorKind::UnclosedQuotedScalar => ("a quote is never closed".to_owned(), None),
        ErrorKind::MappingValueNotAllowed => (
            "`:` stands where no value can begin".to_owned(),
            Some("put a text that contains `: ` in quotes"),
        ),
        ErrorKind::InvalidIndentation | ErrorKind::ExpectedBlockMappingKey => (
            "the indentation fits nothing above it".to_owned(),
            Some("begin the line under its neighbours"),
        ),
        kind => (format!("this is not YAML: {kind}"), None),
    }
}
