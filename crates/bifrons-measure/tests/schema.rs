//! The JSON of `bifrons measure swap` is what `schema/swap.v1.json` says, no more and no less.

use std::collections::BTreeMap;

use bifrons_measure::film::{
    BlinkCount, Channel, Check, Coverage, Figure, FilmInfo, FrameRow, Ideal, IdentityInfo, SCHEMA,
    SwapReport, VERSION,
};
use bifrons_measure::statistics::Interval;
use serde_json::{Value, json};

/// A report with something in every place.
fn sample() -> SwapReport {
    let film =
        FilmInfo { name: "film.mp4".into(), frames: 1, width_px: 64, height_px: 48, frames_per_sec: 25.0 };
    let figure = |ideal, value: Option<f64>| Figure {
        name: "sharpness".into(),
        title: "Sharpness".into(),
        unit: "×".into(),
        ideal,
        value,
        interval: value.map(|v| Interval { low: v, high: v }),
        worst_twentieth: value,
        frames: 1,
        meaning: "detail".into(),
    };
    SwapReport {
        schema: SCHEMA.into(),
        version: VERSION,
        footage: film.clone(),
        result: film,
        identity: IdentityInfo {
            name: "alice".into(),
            faces_mean: 2,
            faces_held_out: 1,
            likeness_to_itself: Some(0.9),
        },
        figures: [Ideal::Zero, Ideal::Low, Ideal::One, Ideal::High]
            .into_iter()
            .flat_map(|ideal| [figure(ideal, Some(0.5)), figure(ideal, None)])
            .collect(),
        channels: vec![Channel { name: "mouth_open".into(), correlation: Some(1.0), amplitude: None }],
        blinks: BlinkCount { filmed: 1, kept: 1 },
        integrity: vec![Check {
            name: "frames".into(),
            passed: true,
            expected: "1".into(),
            found: "1".into(),
        }],
        coverage: Coverage {
            frames: 1,
            frames_with_person: 1,
            not_replaced: vec![0],
            changed_elsewhere: vec![0],
            face_lost: vec![0],
        },
        frames: vec![FrameRow {
            frame: 0,
            time_secs: 0.0,
            cut: true,
            person: true,
            replaced: false,
            values: BTreeMap::from([("sharpness".to_owned(), 0.5)]),
        }],
    }
}

/// Where a value is not what a schema says; the part of JSON Schema that `swap.v1.json` uses.
fn differences(value: &Value, schema: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        found.push(format!("{place} is {value}, not {constant}"));
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        found.push(format!("{place}: {value} is none of {choices:?}"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![kind],
    };
    let fits = allowed.contains(&kind) || (kind == "integer" && allowed.contains(&"number"));
    if !fits {
        found.push(format!("{place} is {kind}, not {allowed:?}"));
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(differences(item, &schema["items"], &format!("{place}[{i}]")));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.is_object() && value.get(name).is_none() {
            found.push(format!("{place} has no {name}"));
        }
    }
    for (name, item) in value.as_object().into_iter().flatten() {
        let inside = format!("{place}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(schema), _) => found.extend(differences(item, schema, &inside)),
            (None, schema @ Value::Object(_)) => found.extend(differences(item, schema, &inside)),
            (None, _) => found.push(format!("{inside} is not in the schema")),
        }
    }
    found
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../schema/swap.v1.json")).unwrap()
}

#[test]
fn a_report_is_what_the_schema_says() {
    let value = serde_json::to_value(sample()).unwrap();
    assert_eq!(differences(&value, &schema(), "report"), Vec::<String>::new());
    assert_eq!(serde_json::from_value::<SwapReport>(value).unwrap(), sample());
}

#[test]
fn another_shape_is_caught() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::to_value(sample()).unwrap();
        change(&mut value);
        differences(&value, &schema(), "report").len()
    };
    assert_eq!(changed(&|value| value["version"] = json!(2)), 1);
    assert_eq!(changed(&|value| value["figures"][0]["value"] = json!("0.5")), 1);
    assert_eq!(changed(&|value| value["frames"][0]["values"]["new"] = json!(null)), 1);
    assert_eq!(changed(&|value| value["extra"] = json!(1)), 1);
    assert_eq!(
        changed(&|value| {
            value.as_object_mut().unwrap().remove("coverage");
        }),
        1
    );
}
