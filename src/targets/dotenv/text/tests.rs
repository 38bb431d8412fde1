//! Every way a value is written in such a file, and that nothing else of it moves.

use super::*;

fn held(text: &str) -> Result<Option<String>, String> {
    let bytes = text.as_bytes();
    let place = find(bytes, "KEY").map_err(|fault| fault.what)?;
    let value = place.map(|place| read(bytes, &place)).transpose();
    value
        .map(|value| value.map(|value| value.expose().to_owned()))
        .map_err(|fault| fault.what)
}

fn with(text: &str, value: &str) -> String {
    let place = find(text.as_bytes(), "KEY").unwrap().unwrap();
    let text = replaced(text.as_bytes(), &place, &SecretValue::new(value)).unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

#[test]
fn a_value_is_found_however_it_is_written() {
    for text in [
        "KEY=old",
        "KEY=old\n",
        "A=1\r\nKEY=old\r\nB=2\r\n",
        "  export\tKEY = old  # the old one\n",
        "KEY='old'",
        "KEY=\"old\" # quoted\n",
        "\u{feff}KEY=old\n",
        "# KEY=no\n#KEY=no\nMY_KEY=no\nKEY2=no\nKEY.B=no\nKEY=old\n",
        "A='it is\nKEY=no\n'\nKEY=old",
        "A=\"it \\\" is\nKEY=no\n\"\nKEY=old",
        "A=don't\nKEY=old\nB=won't\n",
    ] {
        assert_eq!(held(text), Ok(Some("old".into())), "{text:?}");
    }
    assert_eq!(held("KEY=\n"), Ok(Some(String::new())));
    assert_eq!(held("KEY= # none\n"), Ok(Some(String::new())));
    assert_eq!(held("KEY=''"), Ok(Some(String::new())));
    assert_eq!(
        held("KEY='a#b \"c\" = d '"),
        Ok(Some("a#b \"c\" = d ".into()))
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    for text in ["", "\n", "KEY", "KEY: old\n", "A=1\nB=KEY=2\n", "#KEY=1"] {
        assert_eq!(held(text), Ok(None), "{text:?}");
    }
}

#[test]
fn only_the_value_changes() {
    assert_eq!(
        with("A=1\r\nKEY=old\r\nB=2", "new"),
        "A=1\r\nKEY=new\r\nB=2"
    );
    assert_eq!(with("KEY=old", "new"), "KEY=new");
    assert_eq!(with("KEY='old' # x\n", "new"), "KEY='new' # x\n");
    assert_eq!(
        with(" export KEY = \"old\"\t\n", "new"),
        " export KEY = \"new\"\t\n"
    );
    assert_eq!(with("KEY=old # x\n", "a b"), "KEY='a b' # x\n");
    assert_eq!(with("KEY= # x\n", "new"), "KEY=new # x\n");
    assert_eq!(with("KEY='old'\n", "it's"), "KEY=\"it's\"\n");
    assert_eq!(with("KEY=old\n", ""), "KEY=\n");
}

#[test]
fn what_readers_take_differently_is_refused() {
    let twice = held("KEY=a\nB='x\ny'\nexport KEY=b\n");
    assert_eq!(twice, Err("`KEY` stands on line 1 and on line 4".into()));
    let refused = |text: &str, why: &str| assert_eq!(held(text), Err(why.into()), "{text:?}");
    refused(
        "A=1\\\nKEY=old",
        "line 2: the line before ends in a backslash",
    );
    refused("KEY='old", "line 1: the quote does not close");
    refused(
        "KEY='a'b",
        "line 1: something stands behind the closing quote",
    );
    refused(
        "KEY='a'#b",
        "line 1: something stands behind the closing quote",
    );
    refused(
        "KEY=`date`",
        "line 1: a shell would run what stands in backticks",
    );
    let style = "the value is not quoted in a way that all readers take alike";
    refused("KEY=a#b", style);
    refused("KEY=a b", style);
    refused("KEY=~a", style);
    let hidden = |what: &str| {
        format!("a value with {what} is not read the same way by all who read such files")
    };
    refused("KEY=a$b", &hidden("a `$`"));
    refused("KEY=\"a\\nb\"", &hidden("a backslash"));
    refused("KEY='a\nb'", &hidden("a line break"));
}

#[test]
fn an_assignment_is_added_in_the_line_ends_that_are_there() {
    let added = |text: &str| {
        let text = appended(text.as_bytes(), "KEY", &SecretValue::new("a b")).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    };
    assert_eq!(added(""), "KEY='a b'\n");
    assert_eq!(added("A=1"), "A=1\nKEY='a b'\n");
    assert_eq!(added("A=1\nB=2\n"), "A=1\nB=2\nKEY='a b'\n");
    assert_eq!(added("A=1\r\n"), "A=1\r\nKEY='a b'\r\n");
}

/// Every value between every pair of surroundings: it reads back, and everything else stays.
#[test]
fn whatever_is_written_reads_back_and_nothing_else_moves() {
    let before = [
        "",
        "\u{feff}",
        "A=1\n",
        "A=1\r\n\r\n",
        "# $(KEY)\n",
        "A='x\nKEY=y\n'\n",
        "junk \"\n",
        "A=\"\\\"\"\n",
        "export B=don't\n",
        "\t \n",
        "É=\u{2028}\n",
    ];
    let lines = [
        ("KEY=", "old", ""),
        ("KEY=", "'old'", " # c 'd"),
        ("export KEY = ", "\"old\"", "\t"),
        ("  KEY=", "o_l-d", " #"),
    ];
    let after = [
        "",
        "\n",
        "\r\n",
        "\nB=2",
        "\nKEY_2='x'\r\n\n",
        "\nB='open\n",
        "\n\\\n",
    ];
    let values = [
        "new",
        "",
        "a b",
        " a ",
        "a#b",
        "#",
        "a%b",
        "a@b",
        "a\"b",
        "it's",
        "a=b==",
        "a`b",
        "!",
        "~",
        "ü東",
        "a&b;c|d<e>f(g)",
        "*?[x]{1,2}^",
        "sk-proj-abc_DEF.019/:+,",
    ];
    let mut tried = 0;
    for before in before {
        for (start, old, end) in lines {
            for after in after {
                for value in values {
                    let text = format!("{before}{start}{old}{end}{after}");
                    let changed = with(&text, value);
                    assert_eq!(held(&changed), Ok(Some(value.into())), "{text:?}");
                    let head = format!("{before}{start}");
                    let tail = format!("{end}{after}");
                    assert!(changed.starts_with(&head), "{text:?} {changed:?}");
                    assert!(changed.ends_with(&tail), "{text:?} {changed:?}");
                    let middle = &changed[head.len()..changed.len() - tail.len()];
                    assert!(middle.contains(value) && middle.len() <= value.len() + 2);
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 11 * 4 * 7 * 18);
}
