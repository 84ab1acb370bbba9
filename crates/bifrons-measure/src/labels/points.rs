//! `.pts`: 68 points as text.

use std::path::Path;

use bifrons_vision::geometry::Point;

use super::read_label;
use crate::MeasureError;
use crate::face::LANDMARKS;

/// Reads 68 points in pixels, "x y" a line; iBUG's header (`version`, `n_points`, braces) may be there or not.
///
/// iBUG counts pixels from 1 and puts points on their centres, we count from 0 and put the first centre at 0.5: so half
/// a pixel is taken off.
///
/// # Errors
/// [`MeasureError::Io`]; [`MeasureError::Label`] when there are not 68 points.
pub fn read_points(path: &Path) -> Result<Vec<Point>, MeasureError> {
    let bytes = read_label(path)?;
    let points = parse(&String::from_utf8_lossy(&bytes));
    if points.len() == LANDMARKS {
        return Ok(points);
    }
    let found = points.len().to_string();
    Err(MeasureError::Label { path: path.to_owned(), expected: "68 lines with two numbers", found })
}

fn parse(text: &str) -> Vec<Point> {
    let numbers =
        |line: &str| line.split_whitespace().map(|word| word.parse().ok()).collect::<Option<Vec<f64>>>();
    text.lines()
        .filter_map(numbers)
        .filter_map(|pair| match pair[..] {
            [x, y] if x.is_finite() && y.is_finite() => Some(Point::new(x - 0.5, y - 0.5)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_and_without_header() {
        let plain = parse("1.5 2.5\n136.6 319.0\n");
        assert_eq!(plain, [Point::new(1.0, 2.0), Point::new(136.1, 318.5)]);
        assert_eq!(parse("version: 1\nn_points: 68\n{\n1.5 2.5\n136.6 319.0\n}\n"), plain);
    }
}
