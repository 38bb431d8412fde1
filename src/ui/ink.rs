//! Colour, where it is wanted: only from the sixteen that a terminal maps to its own theme, dark or light.

use super::Size;

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As it comes.
    Plain,
    /// A heading.
    Heading,
    /// Good news.
    Good,
    /// Needs attention soon.
    Warning,
    /// Bad news.
    Bad,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Heading => "1",
            Ink::Good => "32",
            // Yellow cannot be read on white; bold magenta can be read on both.
            Ink::Warning => "1;35",
            Ink::Bad => "1;31",
        }
    }
}

/// Whether escape codes may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    On,
    Off,
}

impl Colour {
    /// `NO_COLOR` (no-color.org) wins, then `CLICOLOR_FORCE`, then `CLICOLOR=0` and `TERM=dumb`, then what it is.
    pub(super) fn wanted(terminal: Option<Size>, lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let is_set = |name: &str| lookup(name).is_some_and(|value| !value.is_empty());
        let is = |name: &str, value: &str| lookup(name).as_deref() == Some(value);
        let on = if is_set("NO_COLOR") {
            false
        } else if is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") {
            true
        } else {
            terminal.is_some() && !is("CLICOLOR", "0") && !is("TERM", "dumb")
        };
        if on { Self::On } else { Self::Off }
    }

    pub(super) fn paint(self, ink: Ink, text: &str) -> String {
        match (self, ink) {
            (Self::Off, _) | (_, Ink::Plain) => text.to_owned(),
            (Self::On, ink) => format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Option<Size> = Some(Size {
        columns: 80,
        rows: 24,
    });
    const PIPE: Option<Size> = None;

    fn wanted(terminal: Option<Size>, set: &[(&str, &str)]) -> Colour {
        Colour::wanted(terminal, &|name| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_terminal_is_coloured_and_a_pipe_is_not() {
        assert_eq!(wanted(TERMINAL, &[]), Colour::On);
        assert_eq!(wanted(PIPE, &[]), Colour::Off);
    }

    #[test]
    fn the_usual_variables_are_honoured_in_their_order() {
        assert_eq!(
            wanted(TERMINAL, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]),
            Colour::Off
        );
        assert_eq!(wanted(TERMINAL, &[("NO_COLOR", "")]), Colour::On);
        assert_eq!(wanted(PIPE, &[("CLICOLOR_FORCE", "1")]), Colour::On);
        assert_eq!(wanted(PIPE, &[("CLICOLOR_FORCE", "0")]), Colour::Off);
        assert_eq!(wanted(TERMINAL, &[("CLICOLOR", "0")]), Colour::Off);
        assert_eq!(wanted(TERMINAL, &[("TERM", "dumb")]), Colour::Off);
    }

    #[test]
    fn paint_leaves_text_alone_when_colour_is_off() {
        assert_eq!(Colour::Off.paint(Ink::Bad, "error"), "error");
        assert_eq!(Colour::On.paint(Ink::Plain, "text"), "text");
        assert_eq!(
            Colour::On.paint(Ink::Bad, "error"),
            "\u{1b}[1;31merror\u{1b}[0m"
        );
    }
}
