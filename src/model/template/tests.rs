//! What a template takes, renders and refuses.

use super::*;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs
        .iter()
        .map(|(name, value)| (FieldName::new(*name), SecretValue::new(*value)))
        .collect()
}

fn rendered(template: &str, pairs: &[(&str, &str)]) -> String {
    let template = Template::parse(template).unwrap();
    template.render(&fields(pairs)).unwrap().expose().to_owned()
}

fn refused(template: &str) -> String {
    Template::parse(template).unwrap_err().to_string()
}

#[test]
fn fields_are_put_in_as_they_are() {
    let pair = [("value", "new"), ("previous", "o%l d")];
    assert_eq!(rendered("{value},{previous}", &pair), "new,o%l d");
    assert_eq!(rendered("key={value}", &pair), "key=new");
}

#[test]
fn what_lands_in_an_address_is_percent_encoded() {
    let role = [("user", "app-2"), ("password", "p@ss:/?#[]%$ ü'\"")];
    assert_eq!(
        rendered(
            "postgres://{user}:{password}@db.internal/app?x={user}",
            &role
        ),
        "postgres://app-2:p%40ss%3A%2F%3F%23%5B%5D%25%24%20%C3%BC%27%22@db.internal/app?x=app-2"
    );
}

#[test]
fn only_a_scheme_makes_an_address() {
    let value = [("value", "a/b")];
    assert_eq!(rendered("{value}://x", &value), "a/b://x");
    assert_eq!(
        rendered("see https://x/{value}", &value),
        "see https://x/a/b"
    );
    assert_eq!(rendered("git+ssh://x/{value}", &value), "git+ssh://x/a%2Fb");
    assert_eq!(rendered("1a://{value}", &value), "1a://a/b");
}

#[test]
fn doubled_braces_stand_for_themselves() {
    let pair = [("public", "{\"kty\":\"EC\"}"), ("value", "x}y")];
    assert_eq!(
        rendered("{{\"keys\":[{public}]}}", &pair),
        "{\"keys\":[{\"kty\":\"EC\"}]}"
    );
    assert_eq!(rendered("{{{value}}}", &pair), "{x}y}");
    assert_eq!(rendered("{{value}}{value}", &pair), "{value}x}y");
}

#[test]
fn a_mistake_is_told_before_anything_runs() {
    assert_eq!(
        refused("a{b"),
        "a `{` stands alone; write `{{` for the brace itself"
    );
    assert_eq!(
        refused("{value}}"),
        "a `}` stands alone; write `}}` for the brace itself"
    );
    assert_eq!(refused("{a b}"), "`{a b}` is not the name of a field");
    assert_eq!(refused("{}"), "`{}` is not the name of a field");
    assert_eq!(
        refused("plain {{text}}"),
        "no field stands in it; write `{value}` where the secret goes"
    );
}

#[test]
fn the_names_it_uses_can_be_checked() {
    let template = Template::parse("x://{user}:{password}@{user}").unwrap();
    let names: Vec<&str> = template.names().map(FieldName::as_str).collect();
    assert_eq!(names, ["user", "password", "user"]);
    assert_eq!(Template::primary().names().count(), 0);
    let one = Template::field("password".into());
    assert_eq!(
        one.names().map(FieldName::as_str).collect::<Vec<_>>(),
        ["password"]
    );
}

#[test]
fn one_field_is_picked_and_a_missing_one_is_named() {
    let role = fields(&[("user", "app"), ("token", "t")]);
    let picked = Template::field("token".into()).render(&role).unwrap();
    assert_eq!(picked.expose(), "t");
    let gone = Template::field("password".into()).render(&role);
    assert_eq!(
        gone.unwrap_err().what,
        "the version has no field `password`"
    );
    let vague = Template::primary().render(&role).unwrap_err();
    assert_eq!(
        vague.what,
        "the version has several fields and the target names none"
    );
}
