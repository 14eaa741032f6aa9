//! JSON Patch, as newer versions of the framework take it: `test`, `add`, `replace`, `remove`, all or nothing.

use serde_json::Value;

/// Why nothing was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// Not an operation, or on something that is not there.
    Malformed,
    /// A `test` found something else.
    Test,
}

/// The document with every operation applied.
pub(super) fn apply(mut document: Value, operations: &[Value]) -> Result<Value, Failed> {
    for operation in operations {
        let text = |name| operation.get(name).and_then(Value::as_str).ok_or(Failed::Malformed);
        let value = || operation.get("value").cloned().ok_or(Failed::Malformed);
        let (kind, path) = (text("op")?, text("path")?);
        match kind {
            "test" if document.pointer(path) == Some(&value()?) => {}
            "test" => return Err(Failed::Test),
            "add" => set(&mut document, path, value()?)?,
            "replace" if document.pointer(path).is_some() => set(&mut document, path, value()?)?,
            "remove" => remove(&mut document, path)?,
            _ => return Err(Failed::Malformed),
        }
    }
    Ok(document)
}

/// The object or array that holds the last part of a path, and that part, unescaped.
fn holder<'a>(document: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Failed> {
    let (above, last) = path.rsplit_once('/').ok_or(Failed::Malformed)?;
    let holder = document.pointer_mut(above).ok_or(Failed::Malformed)?;
    Ok((holder, last.replace("~1", "/").replace("~0", "~")))
}

fn set(document: &mut Value, path: &str, value: Value) -> Result<(), Failed> {
    match holder(document, path)? {
        (Value::Object(object), name) => {
            object.insert(name, value);
        }
        (Value::Array(list), at) if at == "-" => list.push(value),
        (Value::Array(list), at) => {
            *at.parse().ok().and_then(|at: usize| list.get_mut(at)).ok_or(Failed::Malformed)? = value;
        }
        _ => return Err(Failed::Malformed),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<(), Failed> {
    match holder(document, path)? {
        (Value::Object(object), name) => object.shift_remove(&name).map(drop).ok_or(Failed::Malformed),
        (Value::Array(list), at) => {
            let at = at.parse().ok().filter(|at| *at < list.len()).ok_or(Failed::Malformed)?;
            list.remove(at);
            Ok(())
        }
        _ => Err(Failed::Malformed),
    }
}
