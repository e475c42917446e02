//! The JSON schema of sweep files: their own fields, and the keys of configs where these are set or varied.

use super::departure_fields::DEPARTURE_TABLES;
use super::docs::{field_schema, kind_schema, schema, table_schema};
use super::fields::TABLES;
use super::registry::{Field, Kind, fields_of};
use super::sweep_fields::SWEEP_TABLES;
use serde_json::{Map, Value as Json, json};

/// The root of a sweep file among the tables.
const ROOT: &str = "sweep";
/// Some keys of a config, each with a value; and each with its values or a range.
const SETTINGS: &str = "settings";
const VARIED: &str = "varied";

/// The JSON schema of a sweep file, for editors.
pub fn sweep_schema() -> Json {
    let mut config = schema();
    demand_nothing(&mut config);
    let mut definitions = config["$defs"].as_object().cloned().unwrap_or_default();
    definitions.insert(SETTINGS.to_owned(), of_keys(&config["properties"]));
    for table in TABLES.iter().chain(DEPARTURE_TABLES) {
        let varied = fields_of(table.name).map(|f| (f.key.to_owned(), varied(f))).collect::<Map<_, _>>();
        definitions.insert(varied_name(table.name), of_keys(&Json::Object(varied)));
    }
    for table in SWEEP_TABLES.iter().filter(|table| table.name != ROOT) {
        definitions.insert(table.name.to_owned(), table_schema(table.name));
    }
    let mut root = table_schema(ROOT);
    let each = |name| json!({"type": "object", "additionalProperties": reference(name)});
    let keys =
        [("set", reference(SETTINGS)), ("variant", each(SETTINGS)), ("vary", reference(VARIED)), ("zip", each(VARIED))];
    for (key, schema) in keys {
        root["properties"][key]["allOf"] = json!([schema]);
    }
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("apical sweep");
    root["$defs"] = Json::Object(definitions);
    root
}

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn varied_name(table: &str) -> String {
    if table.is_empty() { VARIED.to_owned() } else { format!("{VARIED}.{table}") }
}

/// A table of keys of a config, which may also be written as one word, `"time.dt"`.
fn of_keys(properties: &Json) -> Json {
    json!({"type": "object", "properties": properties, "patternProperties": {"\\.": {}}, "additionalProperties": false})
}

/// The values of a key, or a range of them, or a table with keys that are varied in turn.
fn varied(f: &Field) -> Json {
    let mut value = field_schema(f);
    demand_nothing(&mut value);
    let mut any = vec![json!({"type": "array", "minItems": 1, "items": value}), reference("sweep.range")];
    match f.kind {
        Kind::Table(table) => any.push(reference(&varied_name(table))),
        // `phase.0.eta_pi`, and tables whose names are the user's.
        Kind::Tables(table) | Kind::Map(table) => {
            any.push(json!({"type": "object", "additionalProperties": reference(&varied_name(table))}));
        }
        Kind::Changes => any.push(kind_schema(f.kind)),
        _ => {}
    }
    json!({"description": f.doc, "anyOf": any})
}

/// Some keys of a config are no whole config: nothing is required.
fn demand_nothing(schema: &mut Json) {
    match schema {
        Json::Object(map) => {
            map.remove("required");
            map.values_mut().for_each(demand_nothing);
        }
        Json::Array(list) => list.iter_mut().for_each(demand_nothing),
        _ => {}
    }
}
