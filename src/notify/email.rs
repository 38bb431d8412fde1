//! Notices by e-mail: plain text and HTML in one message, over TLS.
//!
//! ```yaml
//! mail:
//!   kind: email
//!   server: smtps://smtp.example.com        # or smtp:// with STARTTLS; a port may follow
//!   user: rotakey
//!   password: { env: SMTP_PASSWORD }
//!   from: rotakey <rotakey@example.com>
//!   to: [ops@example.com]
//! ```
//!
//! TLS is not an option: `smtps://` speaks it from the first byte, `smtp://` insists on STARTTLS. Only a server on this
//! machine may go without, unless `ca_file` names who signed its certificate. `Message-ID` is the notice's id, the same at
//! every try, so that a mail program can show one copy; the notices of one rotation refer to the first. Replies are not
//! read: a sender's address proves nothing. `Auto-Submitted` (RFC 3834) keeps other machines from answering.
//!
//! An error of the server is never repeated: it may quote the message.

mod page;
mod server;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::{Error, SmtpTransport};
use lettre::{Message as Mail, Transport};
use serde::Deserialize;

use crate::model::{Clock, Credential, Effect, Fault, Finding};

use super::{Channel, ChannelKind, ChannelStarter, Letter, Loudness, Sources, needed};
use page::page;
use server::Server;

pub(super) const KIND: ChannelKind = ChannelKind {
    name: "email",
    needs: &[],
    takes: &["password"],
    starter: ChannelStarter {
        about: "e-mail",
        keys: ", server: \"smtps://smtp.example.com\", user: rotakey, password: { env: SMTP_PASSWORD }, from: rotakey <rotakey@example.com>, to: [ops@example.com]",
    },
};

/// Shorter than a run should take; a mail server that needs longer is tried by the next run.
const PATIENCE: Duration = Duration::from_secs(15);

/// The keys that are not secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    server: String,
    #[serde(default)]
    user: Option<String>,
    from: String,
    to: Vec<String>,
    #[serde(default)]
    ca_file: Option<String>,
}

pub(super) struct Email {
    server: Server,
    user: Option<(String, Credential)>,
    from: Mailbox,
    to: Vec<Mailbox>,
    clock: Arc<dyn Clock>,
}

impl Email {
    pub(super) fn open(
        config: &Config,
        sources: &Sources,
        clock: &Arc<dyn Clock>,
        beside: &Path,
    ) -> Result<Self, Fault> {
        let ca_file = config.ca_file.as_ref().map(|path| beside.join(path));
        let server = Server::parse(&config.server, ca_file)?;
        let user = match (&config.user, sources.contains_key("password")) {
            (Some(user), true) => Some((user.clone(), needed(sources, "password")?)),
            (None, false) => None,
            _ => {
                return Err(Fault::refused("`user` and `password` go together")
                    .hint("write both, or none for a server that asks for none"));
            }
        };
        let mailbox = |text: &String| {
            text.parse::<Mailbox>()
                .map_err(|_| Fault::refused("`from` or `to` holds what is no mail address"))
        };
        if config.to.is_empty() {
            return Err(Fault::refused("`to` is empty"));
        }
        Ok(Self {
            server,
            user,
            from: mailbox(&config.from)?,
            to: config.to.iter().map(mailbox).collect::<Result<_, _>>()?,
            clock: Arc::clone(clock),
        })
    }

    fn transport(&self) -> Result<SmtpTransport, Fault> {
        let mut builder = SmtpTransport::builder_dangerous(&self.server.host)
            .port(self.server.port)
            .tls(self.server.tls()?)
            .timeout(Some(PATIENCE));
        if let Some((user, password)) = &self.user {
            let password = password.value()?.expose().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder.build())
    }

    fn mail(&self, letter: &Letter<'_>) -> Result<Mail, Fault> {
        let id = |notice: &str| format!("<{notice}@{}>", self.from.email.domain());
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(letter.subject())
            .message_id(Some(id(letter.id)))
            .date(self.clock.now().into())
            .raw_header(plain_header("Auto-Submitted", "auto-generated"));
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        if let Some(root) = letter.under {
            mail = mail.in_reply_to(id(root)).references(id(root));
        }
        if letter.loud == Loudness::Loud {
            mail = mail
                .raw_header(plain_header("Importance", "high"))
                .raw_header(plain_header("X-Priority", "1 (Highest)"));
        }
        let text = letter.text() + "\n";
        mail.multipart(MultiPart::alternative_plain_html(text, page(letter)))
            .map_err(|_| Fault::refused("the mail cannot be put together"))
    }
}

impl Channel for Email {
    fn send(&self, letter: &Letter<'_>) -> Effect<Option<String>> {
        let ready = || Ok((self.transport()?, self.mail(letter)?));
        let (transport, mail) = match ready() {
            Ok(ready) => ready,
            Err(fault) => return Effect::NotDone(fault),
        };
        match transport.send(&mail) {
            Ok(_) => Effect::Done(Some(letter.id.to_owned())),
            Err(error) => failed(&error),
        }
    }

    fn check(&self) -> Vec<Finding> {
        let looked = || -> Result<String, Fault> {
            match self.transport()?.test_connection() {
                Ok(true) => Ok(format!(
                    "{} takes mail of {}",
                    self.server.host, self.from.email
                )),
                Ok(false) => Err(Fault::passing("the mail server is not ready")),
                Err(error) => match failed::<()>(&error) {
                    Effect::NotDone(fault) | Effect::Uncertain(fault) => Err(fault),
                    Effect::Done(_) => Err(Fault::passing("the mail server is not ready")),
                },
            }
        };
        vec![Finding {
            what: "mail server".to_owned(),
            result: looked(),
        }]
    }
}

/// What an error comes to. Its text is never passed on.
fn failed<T>(error: &Error) -> Effect<T> {
    let code = error
        .status()
        .map_or(String::new(), |code| format!(" (SMTP {code})"));
    // The one kind that has no test of its own: no connection came about, so nothing was sent.
    let unconnected = error.to_string().starts_with("Connection error");
    if error.is_permanent() {
        return Effect::NotDone(
            Fault::refused(format!("the mail server refuses it{code}"))
                .hint("look at `user`, `password`, `from` and `to`"),
        );
    }
    if error.is_transient() {
        return Effect::NotDone(Fault::passing(format!("the mail server is busy{code}")));
    }
    if error.is_tls() {
        return Effect::NotDone(
            Fault::refused(
                "no TLS with the mail server: its certificate is not accepted, or it has none",
            )
            .hint("let `ca_file` name the certificate of who signed it"),
        );
    }
    if error.is_client() {
        // Before the message: STARTTLS is missing, or no way of logging in is known to both.
        return Effect::NotDone(Fault::refused(
            "the mail server offers no STARTTLS, or no way to log in",
        ));
    }
    match unconnected {
        true => Effect::NotDone(Fault::passing("the mail server cannot be reached")),
        false => Effect::Uncertain(Fault::passing("the mail server did not answer")),
    }
}

fn plain_header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
