//! Which keys seal and open, and which are refused.

use std::io::Write;

use crate::ledger::LedgerError;
use crate::model::{Credential, SecretValue};

use super::testing::{fresh_identity, recipient};
use super::{Form, Identities, Recipients};

const SSH: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

fn identities(text: &str) -> Result<Identities, LedgerError> {
    let text = text.to_owned();
    Identities::load(&Credential::new("a test", move || {
        Ok(SecretValue::new(text.clone()))
    }))
}

fn refusal(texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
    Recipients::parse(&texts)
        .err()
        .expect("refused")
        .to_string()
}

#[test]
fn each_of_several_recipients_opens_it_in_both_forms() {
    let (daily, break_glass) = (fresh_identity(), fresh_identity());
    let texts = [recipient(&daily), recipient(&break_glass), SSH.to_owned()];
    let recipients = Recipients::parse(&texts).unwrap();
    for form in [Form::Armored, Form::Binary] {
        let sealed = recipients.seal(b"text", form).unwrap();
        for identity in [&daily, &break_glass] {
            let file = format!("# a comment\n\n{}\n{identity}\n", fresh_identity());
            let opened = identities(&file)
                .unwrap()
                .open("here", &sealed, form)
                .unwrap();
            assert_eq!(opened.plain.as_slice(), b"text");
            assert!(opened.is_sealed_to(&recipients));
            let fewer = Recipients::parse(&texts[..2]).unwrap();
            assert!(!opened.is_sealed_to(&fewer));
        }
    }
}

#[test]
fn recipients_that_cannot_be_used_are_refused() {
    assert_eq!(
        refusal(&[]),
        "recipient ``: a ledger without a recipient could never be opened again"
    );
    assert_eq!(
        refusal(&["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDE"]),
        "recipient `ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDE`: of the SSH keys only ssh-ed25519 is taken"
    );
    assert_eq!(
        refusal(&["age1nothing"]),
        "recipient `age1nothing`: it is neither `age1…`, `ssh-ed25519 …` nor a plugin's `age1name1…`"
    );
}

#[test]
fn a_file_behind_a_passphrase_is_refused_before_the_work_it_asks_for() {
    let mut work = age::scrypt::Recipient::new("guess".to_owned().into());
    work.set_work_factor(2);
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&work as &dyn age::Recipient)).unwrap();
    let out = age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor);
    let mut writer = encryptor.wrap_output(out.unwrap()).unwrap();
    writer.write_all(b"text").unwrap();
    let sealed = writer.finish().unwrap().finish().unwrap();
    let identity = identities(&fresh_identity()).unwrap();
    let error = identity.open("here", &sealed, Form::Armored).err().unwrap();
    assert_eq!(
        error.to_string(),
        "here is damaged: it is sealed with a passphrase, not to a key"
    );
}

#[test]
fn messages_never_quote_the_identity() {
    let secret = fresh_identity();
    let broken = secret.replace("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-2");
    let error = identities(&broken).err().unwrap();
    assert!(!format!("{error} {error:?}").contains(&broken[16..40]));
}
