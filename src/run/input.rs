//! Where a secret is typed or piped in. Never the command line: every user of the machine can read that.

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

use crate::model::SecretValue;

/// More than any key, and less than a file that was piped in by mistake.
const LONGEST: u64 = 64 * 1024;

/// stdin, or what a test puts in its place.
pub struct Input(Source);

enum Source {
    Terminal,
    Typed(Box<dyn BufRead + Send>),
    Pipe(Box<dyn Read + Send>),
}

impl Input {
    /// The real stdin.
    pub fn system() -> Self {
        if io::stdin().is_terminal() {
            Self(Source::Terminal)
        } else {
            Self::piped(io::stdin())
        }
    }

    /// A stream that holds one secret and nothing else.
    pub fn piped(stream: impl Read + Send + 'static) -> Self {
        Self(Source::Pipe(Box::new(stream)))
    }

    /// A terminal at which these lines are typed.
    pub fn typed(lines: impl BufRead + Send + 'static) -> Self {
        Self(Source::Typed(Box::new(lines)))
    }

    /// Whether a person could be asked.
    pub fn is_terminal(&self) -> bool {
        matches!(self.0, Source::Terminal | Source::Typed(_))
    }

    /// Takes one line that may be seen, where a person is there to type it.
    pub fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        match &mut self.0 {
            Source::Terminal => io::stdin().read_line(&mut line)?,
            Source::Typed(lines) => lines.read_line(&mut line)?,
            Source::Pipe(_) => return Ok(None),
        };
        Ok(Some(line))
    }

    /// Asks for a secret: on a terminal one line that is not shown while it is typed; else all of stdin, so that a
    /// private key of many lines can be piped in, without the one line break at its end.
    pub fn secret(&mut self, question: &str) -> io::Result<SecretValue> {
        let value = match &mut self.0 {
            Source::Terminal => SecretValue::new(rpassword::prompt_password(question)?),
            Source::Typed(lines) => {
                let mut line = Zeroizing::new(String::new());
                lines.read_line(&mut line)?;
                SecretValue::new(line.trim_end_matches(['\r', '\n']))
            }
            Source::Pipe(stream) => piped(stream.as_mut())?,
        };
        match value.is_empty() {
            true => Err(invalid("no key was given")),
            false => Ok(value),
        }
    }
}

fn piped(stream: &mut dyn Read) -> io::Result<SecretValue> {
    // Allocated once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
    stream.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(invalid(
            "what was piped in is longer than 64 KiB, so it is no key",
        ));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("the key is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(SecretValue::new(text.strip_suffix('\r').unwrap_or(text)))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl fmt::Debug for Input {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.0 {
            Source::Terminal | Source::Typed(_) => "Input(terminal)",
            Source::Pipe(_) => "Input(pipe)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(piped: impl AsRef<[u8]>) -> Result<String, String> {
        let mut input = Input::piped(io::Cursor::new(piped.as_ref().to_vec()));
        input
            .secret("? ")
            .map(|value| value.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_a_key() {
        assert_eq!(asked("sk-1\n"), Ok("sk-1".into()));
        assert_eq!(asked("sk-1\r\n"), Ok("sk-1".into()));
        assert_eq!(asked("sk-1"), Ok("sk-1".into()));
        assert_eq!(asked("sk-1\n\n"), Ok("sk-1\n".into()));
    }

    #[test]
    fn a_key_of_many_lines_is_taken_whole() {
        let key = "-----BEGIN KEY-----\nabc\n-----END KEY-----";
        assert_eq!(asked(format!("{key}\n")), Ok(key.into()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(asked("\n"), Err("no key was given".into()));
        assert_eq!(asked(""), Err("no key was given".into()));
        assert_eq!(asked([0xff, 0xfe]), Err("the key is not UTF-8 text".into()));
        let longest = "x".repeat(64 * 1024);
        assert_eq!(asked(&longest), Ok(longest.clone()));
        assert!(asked(longest + "x").is_err());
    }
}
