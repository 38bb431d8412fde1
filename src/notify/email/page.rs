//! The message as a page of HTML.

use crate::notify::Letter;
use crate::notify::letter::html;

/// The message for mail programs that show HTML: no script, no picture, nothing that is loaded from anywhere.
pub(super) fn page(letter: &Letter<'_>) -> String {
    let heading = html(letter.message.heading());
    let lines: String = letter.lines().iter().map(|line| row(line)).collect();
    let last = html(&letter.last_line());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{heading}</title></head>\n\
         <body style=\"font-family: sans-serif; font-size: 15px; line-height: 1.5\">\n\
         <h2 style=\"font-size: 18px; margin: 0 0 8px\">{heading}</h2>\n{lines}\
         <p style=\"margin: 16px 0 0; font-size: 12px; color: #666666\">{last}</p>\n</body>\n</html>\n"
    )
}

/// One line, with what stands before its colon in bold if that is a label.
fn row(line: &str) -> String {
    let label = line
        .split_once(": ")
        .filter(|(label, _)| label.len() <= 24 && !label.contains(['`', '/', '(']));
    match label {
        Some((label, rest)) => format!("<div><b>{}:</b> {}</div>\n", html(label), html(rest)),
        None => format!("<div>{}</div>\n", html(line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_html_holds_no_markup_from_outside() {
        assert_eq!(
            row("Service: <b onclick=\"x\">&"),
            "<div><b>Service:</b> &lt;b onclick=&quot;x&quot;&gt;&amp;</div>\n"
        );
        assert_eq!(row("<script>: x"), "<div><b>&lt;script&gt;:</b> x</div>\n");
    }
}
