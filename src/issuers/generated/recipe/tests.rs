//! What is made is as long, as varied and as written as it was asked for.

use super::*;
use crate::issuers::generated::make::drawn;
use crate::model::Fault;
use serde_json::{Value, json};

fn made(config: Value) -> String {
    let config: Config = serde_json::from_value(config).unwrap();
    let made = config.recipe.make().unwrap();
    made.fields[0].1.expose().to_owned()
}

fn refused(config: Value) -> String {
    serde_json::from_value::<Config>(config)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_value_has_the_length_and_the_characters_that_were_asked_for() {
    let plain = made(json!({}));
    assert_eq!(plain.len(), 48);
    assert!(plain.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let hex = made(json!({"length": 32, "alphabet": "hex", "prefix": "k_"}));
    assert_eq!(hex.len(), 34);
    assert!(hex.starts_with("k_"));
    assert!(
        hex[2..]
            .bytes()
            .all(|byte| b"0123456789abcdef".contains(&byte))
    );
    let own = made(json!({"length": 128, "characters": "!~"}));
    assert_eq!(own.len(), 128);
    assert!(own.contains('!') && own.contains('~'));
    let safe = made(json!({"alphabet": "base64url", "length": 4096}));
    assert!(safe.contains('-') && safe.contains('_'));
}

#[test]
fn bytes_are_written_as_asked() {
    assert_eq!(made(json!({"bytes": 32, "prefix": "whsec_"})).len(), 6 + 44);
    assert_eq!(
        made(json!({"bytes": 32, "encoding": "base64url"})).len(),
        43
    );
    assert_eq!(made(json!({"bytes": 32, "encoding": "hex"})).len(), 64);
    let bytes = [0, 1, 0xfb, 0xff];
    let written = |encoding: Encoding| encoding.written("x_", &bytes).as_str().to_owned();
    assert_eq!(written(Encoding::Base64), "x_AAH7/w==");
    assert_eq!(written(Encoding::Base64url), "x_AAH7_w");
    assert_eq!(written(Encoding::Hex), "x_0001fbff");
}

#[test]
fn too_little_chance_is_refused() {
    assert_eq!(
        refused(json!({"length": 21})),
        "125 bits of chance are too few; take a `length` of at least 22"
    );
    assert_eq!(made(json!({"length": 22})).len(), 22);
    assert_eq!(made(json!({"length": 32, "alphabet": "hex"})).len(), 32);
    assert_eq!(
        refused(json!({"length": 31, "alphabet": "hex"})),
        "124 bits of chance are too few; take a `length` of at least 32"
    );
    assert_eq!(
        refused(json!({"bytes": 15})),
        "120 bits of chance are too few; take at least 16 `bytes`"
    );
    assert_eq!(
        refused(json!({"length": 127, "characters": "01"})),
        "127 bits of chance are too few; take a `length` of at least 128"
    );
}

#[test]
fn contradictions_are_refused() {
    assert_eq!(
        refused(json!({"alphabet": "hex", "characters": "ab"})),
        "say `alphabet` or `characters`, not both"
    );
    assert_eq!(
        refused(json!({"encoding": "hex"})),
        "`encoding` belongs to `bytes`"
    );
    assert_eq!(
        refused(json!({"bytes": 32, "length": 48})),
        "`bytes` goes with `encoding` only, not with characters"
    );
    assert_eq!(
        refused(json!({"jwk": "p256", "length": 48})),
        "`jwk` says all there is to say of the value"
    );
    assert_eq!(
        refused(json!({"characters": "abca", "length": 100})),
        "`characters` names one twice, which would make it likelier"
    );
    assert_eq!(
        refused(json!({"characters": "a b", "length": 100})),
        "`characters` takes printable ASCII without spaces"
    );
    assert_eq!(
        refused(json!({"length": 5000})),
        "more than 4096 characters help nobody"
    );
}

#[test]
fn a_byte_that_would_favour_some_characters_is_thrown_away() {
    // 256 = 4 * 62 + 8: the bytes from 248 on would make the first eight characters likelier.
    let count = std::cell::Cell::new(0);
    let chance = |bytes: &mut [u8]| {
        bytes.fill(if count.replace(count.get() + 1) == 0 {
            248
        } else {
            247
        });
        Ok(())
    };
    let characters = Alphabet::Base62.characters();
    let text = drawn("p-", 70, &characters, chance).unwrap();
    assert_eq!(text.as_str(), format!("p-{}", "z".repeat(70)));
    assert_eq!(count.get(), 3);
}

#[test]
fn no_random_bytes_means_no_value() {
    let dry = |_: &mut [u8]| Err(Fault::passing("dry"));
    assert_eq!(
        drawn("", 48, b"ab", dry).unwrap_err(),
        Fault::passing("dry")
    );
}
