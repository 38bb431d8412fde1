//! A service's own variables. Writing one changes what is stored, and nothing that runs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::message::{Reply, Request};
use super::super::state::State;
use super::{find_service, page, refuse};

/// Own variables only, with their values in clear; those of linked groups are not here.
pub(super) fn list(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let service = &state.render.services[find_service(state, &arguments[0])?];
    let items = service
        .variables
        .iter()
        .map(|(key, value)| (key.clone(), json!({"key": key, "value": value})));
    page(request, "envVar", items.collect())
}

pub(super) fn read(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let service = &state.render.services[find_service(state, &arguments[0])?];
    match service.variables.get(&arguments[1]) {
        Some(value) => Ok(Reply::json(
            200,
            &json!({"key": arguments[1], "value": value}),
        )),
        None => Err(refuse(404, "environment variable not found")),
    }
}

/// Sets one variable, or makes it.
pub(super) fn put(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = find_service(state, &arguments[0])?;
    let value = wished_value(state, &request.json())?;
    let (name, key) = (
        state.render.services[index].name.clone(),
        arguments[1].clone(),
    );
    let in_group = state.render.groups.iter().any(|group| {
        state.render.services[index].groups.contains(&group.id)
            && group.variables.contains_key(&key)
    });
    let variables = &mut state.render.services[index].variables;
    if variables.insert(key.clone(), value.clone()).is_none() && in_group {
        state
            .log
            .blame("hides a group's variable", format!("{name} {key}"));
    }
    Ok(Reply::json(200, &json!({"key": key, "value": value})))
}

/// Replaces all variables: whatever is not in the list is gone.
pub(super) fn replace_all(
    state: &mut State,
    request: &Request,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let index = find_service(state, &arguments[0])?;
    let wish = request.json();
    let Some(items) = wish.as_array() else {
        return Err(refuse(400, "the body is a list of variables"));
    };
    let mut variables = BTreeMap::new();
    for item in items {
        let key = item["key"]
            .as_str()
            .ok_or_else(|| refuse(400, "a variable needs a key"))?;
        variables.insert(key.to_owned(), wished_value(state, item)?);
    }
    let name = state.render.services[index].name.clone();
    state.log.blame("replaces all variables of a service", name);
    state.render.services[index].variables = variables;
    list(state, request, arguments)
}

pub(super) fn delete(state: &mut State, _: &Request, arguments: &[String]) -> Result<Reply, Reply> {
    let index = find_service(state, &arguments[0])?;
    match state.render.services[index].variables.remove(&arguments[1]) {
        Some(_) => Ok(Reply::empty(204)),
        None => Err(refuse(404, "environment variable not found")),
    }
}

/// The value that a body gives, or one made up here.
pub(super) fn wished_value(state: &mut State, wish: &Value) -> Result<String, Reply> {
    if wish["generateValue"] == true {
        return Ok(state.mint.secret("", 44));
    }
    let value = wish["value"].as_str();
    let value = value.ok_or_else(|| refuse(400, "value or generateValue is required"))?;
    state.mint.remember(value);
    Ok(value.to_owned())
}
