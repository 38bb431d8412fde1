//! The few questions of `rotakey init`: which of these? By name or number, several at once.

use crate::config::meant;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::run::Run;

use super::starter::Choice;

/// Asks until every word of the answer is one of the choices. `otherwise` is what an answer of nothing means; without
/// it there has to be one.
pub(super) fn which<T: Choice>(
    run: &mut Run,
    question: &str,
    otherwise: Option<&str>,
) -> Result<Vec<&'static T>> {
    let all = T::ALL;
    let mut text = format!("{question}\n");
    for (number, choice) in all.iter().enumerate() {
        text += &format!(
            "  {:>2}  {:<19}{}\n",
            number + 1,
            choice.kind(),
            choice.about()
        );
    }
    text += "Names or numbers, as many as you like";
    if let Some(otherwise) = otherwise {
        text += &format!("; Enter: {otherwise}");
    }
    text += ":";
    loop {
        run.ui.insist(&text);
        let answer = run
            .input
            .line()
            .map_err(|error| Error::new(Exit::Usage, error).context("read the answer"))?
            .filter(|answer| !answer.is_empty())
            .ok_or_else(|| Error::says(Exit::Usage, "nothing was written: there was no answer"))?;
        match chosen(&answer) {
            Ok(chosen) if chosen.is_empty() && otherwise.is_none() => {
                text = "At least one:".to_owned();
            }
            Ok(chosen) => return Ok(chosen),
            Err(why) => text = format!("{why}\nOnce more:"),
        }
    }
}

/// The choices of those kinds, as they were given on the command line.
pub(super) fn named<T: Choice>(words: &[String]) -> Result<Vec<&'static T>> {
    chosen(&words.join(",")).map_err(|why| Error::says(Exit::Usage, why))
}

fn chosen<T: Choice>(answer: &str) -> Result<Vec<&'static T>, String> {
    let all = T::ALL;
    let mut chosen: Vec<&'static T> = Vec::new();
    let words = answer.split(|c: char| c.is_whitespace() || c == ',');
    for word in words.filter(|word| !word.is_empty()) {
        let by_number = word
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1))
            .and_then(|index| all.get(index));
        let Some(choice) = by_number.or_else(|| all.iter().find(|it| it.kind() == word)) else {
            let kinds: Vec<&str> = all.iter().map(|it| it.kind()).collect();
            // What was typed here by mistake may be a key.
            return Err(format!(
                "that is none of these; {}",
                meant(&word.chars().take(24).collect::<String>(), &kinds)
            ));
        };
        if !chosen.iter().any(|it| it.kind() == choice.kind()) {
            chosen.push(choice);
        }
    }
    Ok(chosen)
}
