//! Changing `bifrons.toml` without touching what did not change: comments, order and spelling
//! stay as people wrote them.

use toml_edit::{Array, ArrayOfTables, Item, TableLike, Value};

/// Makes `old` say what `new` says.
pub(super) fn merge_table(old: &mut dyn TableLike, new: &dyn TableLike) {
    let gone: Vec<String> =
        old.iter().map(|(key, _)| key.to_owned()).filter(|key| !new.contains_key(key)).collect();
    for key in gone {
        old.remove(&key);
    }
    for (key, new_item) in new.iter() {
        match old.get_mut(key) {
            Some(old_item) => merge_item(old_item, new_item),
            None => {
                old.insert(key, new_item.clone());
            }
        }
    }
}

fn merge_item(old: &mut Item, new: &Item) {
    match (&mut *old, new) {
        (Item::Value(Value::Array(old)), Item::Value(Value::Array(new))) => merge_array(old, new),
        (Item::Value(old), Item::Value(new)) => merge_value(old, new),
        (Item::ArrayOfTables(old), Item::ArrayOfTables(new)) => merge_tables(old, new),
        (old_item, new_item) => match (old_item.as_table_like_mut(), new_item.as_table_like()) {
            (Some(old), Some(new)) => merge_table(old, new),
            _ => *old = new.clone(),
        },
    }
}

fn merge_value(old: &mut Value, new: &Value) {
    if !same(old, new) {
        let decor = old.decor().clone();
        *old = new.clone();
        *old.decor_mut() = decor;
    }
}

fn merge_array(old: &mut Array, new: &Array) {
    while old.len() > new.len() {
        old.remove(old.len() - 1);
    }
    for (place, new) in new.iter().enumerate() {
        match old.get_mut(place) {
            Some(old) => merge_value(old, new),
            None => push_on_own_line(old, new.clone()),
        }
    }
}

/// Adds a value; where each value stands on a line of its own, so does the new one, after the
/// comment on the last line.
fn push_on_own_line(array: &mut Array, value: Value) {
    let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
    let first_prefix = array.get(0).and_then(|first| first.decor().prefix()?.as_str()).unwrap_or_default();
    let indent = first_prefix.rsplit('\n').next().unwrap_or_default().to_owned();
    if !array.trailing_comma() || !trailing.contains('\n') {
        array.push(value);
        return;
    }
    let line_end = trailing.rfind('\n').map_or(0, |newline| newline + 1);
    array.push_formatted(value.decorated(format!("{}{indent}", &trailing[..line_end]), ""));
    array.set_trailing(format!("\n{}", &trailing[line_end..]));
    array.set_trailing_comma(true);
}

fn merge_tables(old: &mut ArrayOfTables, new: &ArrayOfTables) {
    while old.len() > new.len() {
        old.remove(old.len() - 1);
    }
    for (place, new) in new.iter().enumerate() {
        match old.get_mut(place) {
            Some(old) => merge_table(old, new),
            None => old.push(new.clone()),
        }
    }
}

/// Whether two values mean the same, however they are spelt.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.value() == other.value(),
        (Value::Integer(one), Value::Integer(other)) => one.value() == other.value(),
        (Value::Float(one), Value::Float(other)) => one.value().to_bits() == other.value().to_bits(),
        (Value::Boolean(one), Value::Boolean(other)) => one.value() == other.value(),
        _ => false,
    }
}
