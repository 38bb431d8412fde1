//! A token of a time-stamping authority (RFC 3161): somebody else's word that the checkpoint existed at that time.
//!
//! What is written and read of it is a few lines of DER. Of an answer we look at what only the sender of the request can
//! compare: that it was granted, and that the token is over this checkpoint and this nonce. Whether the authority's
//! signature and certificates are good is for `openssl ts -verify` to say, which an auditor runs with a certificate of
//! their own choice; the README of a bundle says how.

use chrono::NaiveDateTime;

use crate::model::{Fault, Instant};

use super::super::checkpoint::Checkpoint;

/// What a request and its answer are called over HTTP.
pub const QUERY: &str = "application/timestamp-query";

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const TIME: u8 = 0x18;
/// The first field that is marked by a number of its own.
const TAGGED: u8 = 0xa0;

/// `SEQUENCE { OBJECT 2.16.840.1.101.3.4.2.1 (SHA-256), NULL }`.
const SHA256: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];
/// 2.16.840.1.101.3.4.2.1 alone: some authorities leave out the NULL.
const SHA256_ID: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.2.840.113549.1.9.16.1.4: what is signed is a time stamp.
const TIME_STAMP_INFO: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];

/// The request: version 1, the digest, a nonce, and the wish for the certificate.
pub fn request(checkpoint: &Checkpoint, nonce: u64) -> Vec<u8> {
    let imprint = value(
        SEQUENCE,
        &[&SHA256[..], &value(OCTETS, &checkpoint.digest())].concat(),
    );
    let parts = [
        value(INTEGER, &[1]),
        imprint,
        value(INTEGER, &number(nonce)),
        vec![0x01, 0x01, 0xff],
    ];
    value(SEQUENCE, &parts.concat())
}

/// Reads an answer and says what time it states. The answer as it came is what is kept.
pub fn granted(answer: &[u8], checkpoint: &Checkpoint, nonce: u64) -> Result<Instant, Fault> {
    let (status, info) = opened(answer)
        .ok_or_else(|| Fault::refused("the authority's answer is not a time stamp"))?;
    if status > 1 {
        return Err(Fault::refused(format!(
            "the authority refused the request (status {status})"
        )));
    }
    let info = info
        .and_then(Info::read)
        .ok_or_else(|| Fault::refused("the authority's token cannot be understood"))?;
    if info.imprint != checkpoint.digest() {
        return Err(Fault::refused(
            "the authority's token is over something else",
        ));
    }
    if info.nonce.is_some_and(|stated| stated != number(nonce)) {
        return Err(Fault::refused(
            "the authority's token answers another request",
        ));
    }
    Ok(info.at)
}

/// What a token says.
struct Info<'a> {
    imprint: &'a [u8],
    at: Instant,
    nonce: Option<&'a [u8]>,
}

impl<'a> Info<'a> {
    /// `TSTInfo ::= SEQUENCE { version, policy, messageImprint, serialNumber, genTime, …, nonce OPTIONAL, … }`.
    fn read(der: &'a [u8]) -> Option<Self> {
        let mut fields = Der(Der(der).take(SEQUENCE)?);
        fields.take(INTEGER)?;
        fields.take(OBJECT)?;
        let mut imprint = Der(fields.take(SEQUENCE)?);
        let algorithm = Der(imprint.take(SEQUENCE)?).take(OBJECT)?;
        let imprint = imprint.take(OCTETS).filter(|_| algorithm == SHA256_ID)?;
        fields.take(INTEGER)?;
        let at = instant(fields.take(TIME)?)?;
        let mut nonce = None;
        while let Some((kind, content)) = fields.next() {
            if kind == INTEGER {
                nonce = Some(content);
            }
        }
        Some(Self { imprint, at, nonce })
    }
}

/// The status of an answer, and what its token signs.
fn opened(answer: &[u8]) -> Option<(u64, Option<&[u8]>)> {
    let mut response = Der(Der(answer).take(SEQUENCE)?);
    let status = Der(response.take(SEQUENCE)?).take(INTEGER)?;
    let status = status
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    Some((status, signed(&mut response)))
}

/// `ContentInfo { signedData, [0] SignedData { version, digests, EncapsulatedContentInfo { TSTInfo, [0] OCTETS } … } }`.
fn signed<'a>(response: &mut Der<'a>) -> Option<&'a [u8]> {
    let mut token = Der(response.take(SEQUENCE)?);
    token.take(OBJECT)?;
    let mut data = Der(Der(token.take(TAGGED)?).take(SEQUENCE)?);
    data.take(INTEGER)?;
    data.take(SET)?;
    let mut content = Der(data.take(SEQUENCE)?);
    let kind = content.take(OBJECT)?;
    let octets = Der(content.take(TAGGED)?).take(OCTETS);
    octets.filter(|_| kind == TIME_STAMP_INFO)
}

/// Values one after the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value, if it is of that kind.
    fn take(&mut self, kind: u8) -> Option<&'a [u8]> {
        let (found, content) = self.next()?;
        (found == kind).then_some(content)
    }

    /// The kind and the content of the next value. Lengths are definite and of at most four bytes.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[kind, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                (
                    digits
                        .iter()
                        .fold(0, |number, byte| number << 8 | usize::from(*byte)),
                    rest,
                )
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((kind, content))
    }
}

/// A value of that kind. Nothing we write is longer than 127 bytes.
fn value(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len())
        .ok()
        .filter(|length| *length < 0x80);
    let length = length.expect("a request has a few fields of fixed length");
    [&[kind, length], content].concat()
}

/// A number as the content of an INTEGER: no needless zeros, and one where it would read as negative.
fn number(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let start = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len() - 1);
    let mut digits = bytes[start..].to_vec();
    if digits[0] >= 0x80 {
        digits.insert(0, 0);
    }
    digits
}

/// `20240218090000Z`, or with a fraction of the second.
fn instant(time: &[u8]) -> Option<Instant> {
    let text = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let read = NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S%.f");
    read.ok().map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use crate::ledger::testing::Sandbox;

    use super::*;

    fn checkpoint() -> Checkpoint {
        let sandbox = Sandbox::with_ledger();
        let ledger = sandbox.open().unwrap();
        Checkpoint {
            ledger: ledger.id(),
            size: 1,
            head: ledger.head(),
        }
    }

    fn long(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind, 0x82], &length[..], &content].concat()
    }

    /// What an authority answers, without the certificates and the signature that follow.
    fn answer(status: u8, digest: &[u8], nonce: u64) -> Vec<u8> {
        let imprint = value(SEQUENCE, &[&SHA256[..], &value(OCTETS, digest)].concat());
        let info = long(
            SEQUENCE,
            &[
                &value(INTEGER, &[1]),
                &value(OBJECT, &[0x2a, 3]),
                &imprint,
                &value(INTEGER, &[9]),
                &value(TIME, b"20240218090000.25Z"),
                &value(INTEGER, &number(nonce)),
            ],
        );
        let content = long(TAGGED, &[&long(OCTETS, &[&info])]);
        let content = long(SEQUENCE, &[&value(OBJECT, TIME_STAMP_INFO), &content]);
        let data = long(
            SEQUENCE,
            &[&value(INTEGER, &[3]), &value(SET, &[]), &content],
        );
        let token = long(
            SEQUENCE,
            &[&value(OBJECT, &[0x2a]), &long(TAGGED, &[&data])],
        );
        let status = value(SEQUENCE, &value(INTEGER, &[status]));
        long(SEQUENCE, &[&status, &token])
    }

    #[test]
    fn a_token_over_this_checkpoint_states_a_time() {
        let checkpoint = checkpoint();
        let answer = answer(0, &checkpoint.digest(), u64::MAX);
        let at = granted(&answer, &checkpoint, u64::MAX).unwrap();
        assert_eq!(at.to_rfc3339(), "2024-02-18T09:00:00.250+00:00");
    }

    #[test]
    fn a_token_over_anything_else_is_refused() {
        let checkpoint = checkpoint();
        let refused = |answer: &[u8]| granted(answer, &checkpoint, 7).unwrap_err().what;
        assert_eq!(
            refused(&answer(0, &[0; 32], 7)),
            "the authority's token is over something else"
        );
        let digest = checkpoint.digest();
        assert_eq!(
            refused(&answer(0, &digest, 8)),
            "the authority's token answers another request"
        );
        assert_eq!(
            refused(&answer(2, &digest, 7)),
            "the authority refused the request (status 2)"
        );
    }

    #[test]
    fn an_answer_that_was_cut_off_anywhere_is_refused() {
        let checkpoint = checkpoint();
        let whole = answer(0, &checkpoint.digest(), 7);
        for length in 0..whole.len() {
            assert!(
                granted(&whole[..length], &checkpoint, 7).is_err(),
                "{length}"
            );
        }
    }
}
