//! `GET /docs`: the interface's reference as a page, made from the OpenAPI document itself: every operation with its
//! parameters, fields and answers, and a command to copy. No script draws it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value};

use super::frame::{Page, open_page};
use super::visitor::Visitor;
use crate::openapi;
use crate::state::HttpState;

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

/// The operations of one tag. Descriptions and summaries, here and below, are HTML by [`prose`].
struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

struct Operation {
    anchor: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    parameters: Vec<Field>,
    form: Vec<Field>,
    answers: Vec<Answer>,
    curl: String,
}

/// A parameter, form field or member.
struct Field {
    name: String,
    /// Where it goes, or its type.
    kind: String,
    required: bool,
    description: String,
}

struct Answer {
    status: String,
    description: String,
    media: String,
    /// Name of the schema, when it has one.
    schema: Option<String>,
}

struct Schema {
    name: String,
    description: String,
    members: Vec<Field>,
}

/// The interface's reference for people.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "pages",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "Unchanged since the given ETag"),
    )
)]
pub(crate) async fn docs(State(state): State<HttpState>, visitor: Visitor, headers: HeaderMap) -> Response {
    let page = Page {
        title: "Interface reference",
        lead: "Every path of this server, with its parameters, its answers, and a command to try it.",
        body_html: state.docs_body(|| body(&state.config().public_url())),
        path: "/docs",
        parents: &[("Certificates", "/")],
        ..Page::default()
    };
    open_page(&headers, &visitor, &page)
}

/// The page's content; made once a process.
fn body(public_url: &str) -> String {
    let document = serde_json::to_value(openapi::document()).expect("texts and numbers serialise to JSON");
    let docs = Docs { groups: groups(&document, public_url), schemas: schemas(&document) };
    docs.render().expect("writing to a string cannot fail")
}

/// Operations by tag, in the order of the document's tags.
fn groups(document: &Value, public_url: &str) -> Vec<Group> {
    let mut by_tag: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item) {
            let tag = text(&operation["tags"][0]);
            by_tag.entry(tag).or_default().push(Operation::read(document, path, method, operation, public_url));
        }
    }
    let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let group = |tag: &Value| {
        let name = text(&tag["name"]);
        let operations = by_tag.remove(&name).unwrap_or_default();
        Group { name, description: prose(&tag["description"]), operations }
    };
    tags.iter().map(group).collect()
}

impl Operation {
    fn read(document: &Value, path: &str, method: &str, operation: &Value, public_url: &str) -> Self {
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let form = resolved(document, &operation["requestBody"]["content"]["multipart/form-data"]["schema"]);
        let form = fields(form);
        let method = method.to_uppercase();
        Self {
            anchor: text(&operation["operationId"]),
            curl: curl(public_url, &method, path, parameters, &form),
            path: path.to_owned(),
            summary: prose(&operation["summary"]),
            description: prose(&operation["description"]),
            parameters: parameters.iter().map(parameter).collect(),
            form,
            answers: members(&operation["responses"]).map(|(status, answer)| Answer::read(status, answer)).collect(),
            method,
        }
    }
}

impl Answer {
    fn read(status: &str, answer: &Value) -> Self {
        let media: Vec<&str> = members(&answer["content"]).map(|(media, _)| media.as_str()).collect();
        let schema = members(&answer["content"]).find_map(|(_, content)| schema_name(&content["schema"]));
        Self { status: status.to_owned(), description: prose(&answer["description"]), media: media.join(", "), schema }
    }
}

fn schemas(document: &Value) -> Vec<Schema> {
    let schema = |(name, schema): (&String, &Value)| Schema {
        name: name.clone(),
        description: prose(&schema["description"]),
        members: fields(schema),
    };
    members(&document["components"]["schemas"]).map(schema).collect()
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: text(&parameter["name"]),
        kind: format!("{}, {}", text(&parameter["in"]), type_name(&parameter["schema"])),
        required: parameter["required"] == true,
        description: prose(&parameter["description"]),
    }
}

/// The members of an object schema.
fn fields(schema: &Value) -> Vec<Field> {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let field = |(name, member): (&String, &Value)| Field {
        name: name.clone(),
        kind: type_name(member),
        required: required.iter().any(|other| other == name),
        description: prose(&member["description"]),
    };
    let mut fields: Vec<Field> = members(&schema["properties"]).map(field).collect();
    // What must be there first; among them the document's own order.
    fields.sort_by_key(|field| !field.required);
    fields
}

/// A command that asks the operation, with the examples of its parameters.
fn curl(public_url: &str, method: &str, path: &str, parameters: &[Value], form: &[Field]) -> String {
    let mut path = path.to_owned();
    let mut query = Vec::new();
    for parameter in parameters {
        let name = text(&parameter["name"]);
        let example = match &parameter["example"] {
            Value::Null => name.to_uppercase(),
            example => text(example),
        };
        match (parameter["in"].as_str(), parameter["required"] == true) {
            (Some("path"), _) => path = path.replace(&format!("{{{name}}}"), &example),
            (Some("query"), true) => query.push(format!("{name}={example}")),
            _ => {}
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let method = if method == "GET" { String::new() } else { format!(" -X {method}") };
    let form: String = form.iter().filter(|field| field.required).map(form_argument).collect();
    format!("curl{method} '{public_url}{path}{query}'{form}")
}

fn form_argument(field: &Field) -> String {
    let value = match field.name.as_str() {
        "dataset_file" => "@adult.csv",
        "model_name" => "IncomeClassifier v1.0",
        "organization" => "Research Institute",
        "domain" => "employment",
        "target_column" => "income",
        "protected_attributes" => "race,sex,age",
        other => other,
    };
    format!(" \\\n  -F '{}={value}'", field.name)
}

/// What a schema is, in a word or two.
fn type_name(schema: &Value) -> String {
    if let Some(name) = schema_name(schema) {
        return name;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => Vec::new(),
    };
    let kind = match (kinds.first().copied().unwrap_or("object"), schema["format"].as_str()) {
        ("string", Some("binary")) => "file".to_owned(),
        ("array", _) => format!("list of {}", type_name(&schema["items"])),
        (kind, _) => kind.to_owned(),
    };
    match schema["enum"].as_array() {
        Some(values) => values.iter().map(text).collect::<Vec<_>>().join(" or "),
        None => kind,
    }
}

/// The name behind a reference.
fn schema_name(schema: &Value) -> Option<String> {
    let reference = schema["$ref"].as_str()?;
    reference.strip_prefix("#/components/schemas/").map(str::to_owned)
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema_name(schema) {
        Some(name) => &document["components"]["schemas"][name],
        None => schema,
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// A description as HTML: escaped, with what stands in backticks set as code.
fn prose(value: &Value) -> String {
    let text = text(value);
    let mut html = String::with_capacity(text.len());
    for (index, part) in text.split('`').enumerate() {
        let escaped = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        if index % 2 == 1 {
            html.push_str("<code>");
            html.push_str(&escaped);
            html.push_str("</code>");
        } else {
            html.push_str(&escaped);
        }
    }
    html
}

/// A text as it is, any other value as JSON, nothing for null.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_escaped_and_code_is_set_as_code() {
        let described = prose(&Value::from("`a < b` & <i>, `open"));
        assert_eq!(described, "<code>a &lt; b</code> &amp; &lt;i&gt;, <code>open</code>");
    }
}
