//! dlib's lists of boxes (XML).

use std::collections::BTreeMap;
use std::path::Path;

use bifrons_vision::BoundingBox;

use super::read_label;
use crate::MeasureError;

/// Reads `<image file='…'>` with their `<box top='…' left='…' width='…' height='…'/>`, in pixels; boxes marked
/// `ignore='1'` are left out. Everything else in the file is passed over.
///
/// # Errors
/// [`MeasureError::Io`]; [`MeasureError::Label`] when a box lacks a number.
pub fn read_boxes(path: &Path) -> Result<BTreeMap<String, Vec<BoundingBox>>, MeasureError> {
    let bytes = read_label(path)?;
    parse(&String::from_utf8_lossy(&bytes)).map_err(|found| MeasureError::Label {
        path: path.to_owned(),
        expected: "a box with top, left, width and height",
        found,
    })
}

fn parse(text: &str) -> Result<BTreeMap<String, Vec<BoundingBox>>, String> {
    let mut images: BTreeMap<String, Vec<BoundingBox>> = BTreeMap::new();
    let mut current = None;
    for tag in text.split('<').filter_map(|part| part.split_once('>').map(|(tag, _)| tag)) {
        if tag.starts_with("image ") {
            current = attribute(tag, "file").map(str::to_owned);
            if let Some(file) = &current {
                images.entry(file.clone()).or_default();
            }
        } else if tag.starts_with("box ") && attribute(tag, "ignore") != Some("1") {
            let number = |name| attribute(tag, name).and_then(|value| value.parse::<f32>().ok());
            let (Some(top), Some(left), Some(width), Some(height)) =
                (number("top"), number("left"), number("width"), number("height"))
            else {
                return Err(format!("<{tag}>"));
            };
            if let Some(boxes) = current.as_ref().and_then(|file| images.get_mut(file)) {
                boxes.push(BoundingBox { left, top, right: left + width, bottom: top + height });
            }
        }
    }
    Ok(images)
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = tag.split_once(&format!(" {name}="))?;
    let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    after[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_belong_to_their_image() {
        let text = "<?xml version='1.0'?><dataset><images><image file='a.jpg' width='500'>\
            <box top='181' left='274' width='52' height='53'/><box top='1' left='2' width='3' height='4' ignore='1'/>\
            </image><image file=\"b.jpg\"></image></images></dataset>";
        let boxes = parse(text).unwrap();
        assert_eq!(boxes["a.jpg"], [BoundingBox { left: 274.0, top: 181.0, right: 326.0, bottom: 234.0 }]);
        assert!(boxes["b.jpg"].is_empty());
    }

    #[test]
    fn a_box_without_width_is_refused() {
        assert!(parse("<image file='a'><box top='1' left='2' height='3'/></image>").is_err());
    }
}
