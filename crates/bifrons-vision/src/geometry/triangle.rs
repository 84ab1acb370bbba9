//! Resampling pictures triangle by triangle.

use super::Point;

/// Twice the area of a triangle, positive when it turns clockwise on the picture.
pub(crate) fn twice_area([a, b, c]: [Point; 3]) -> f64 {
    let (u, v) = (b - a, c - a);
    u.x * v.y - u.y * v.x
}

/// Calls `put(pixel, place in the source)` for the pixels whose centre lies in the triangle `target` of a picture of this
/// width and height, if it turns clockwise. Pixels on an edge come for both neighbours.
pub(crate) fn each_pixel(
    source: [Point; 3],
    target: [Point; 3],
    (width, height): (usize, usize),
    mut put: impl FnMut(usize, Point),
) {
    let [a, b, c] = target;
    let twice = twice_area(target);
    if twice < 1e-9 {
        return;
    }
    let bounds = |values: [f64; 3], side: usize| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min) - 0.5;
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - 0.5;
        // pixel centres; `as` ends negative numbers at 0
        (low.ceil() as usize, ((high.floor() + 1.0) as usize).min(side))
    };
    let (x_start, x_end) = bounds([a.x, b.x, c.x], width);
    let (y_start, y_end) = bounds([a.y, b.y, c.y], height);
    for y in y_start..y_end {
        for x in x_start..x_end {
            let p = Point::new(x as f64 + 0.5, y as f64 + 0.5);
            let (of_a, of_b) = (twice_area([p, b, c]) / twice, twice_area([p, c, a]) / twice);
            let of_c = 1.0 - of_a - of_b;
            if of_a >= -1e-9 && of_b >= -1e-9 && of_c >= -1e-9 {
                put(y * width + x, source[0] * of_a + source[1] * of_b + source[2] * of_c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_square_has_its_pixels_and_shows_the_source() {
        let target = [Point::new(0.0, 0.0), Point::new(4.0, 0.0), Point::new(0.0, 4.0)];
        let source = target.map(|p| Point::new(10.0 + 2.0 * p.x, p.y - p.x));
        let mut found = Vec::new();
        each_pixel(source, target, (3, 8), |at, from| found.push((at, from)));
        // centres with x + y <= 4, cut off at three columns
        let expected = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (0, 3)];
        assert_eq!(found.iter().map(|(at, _)| (at % 3, at / 3)).collect::<Vec<_>>(), expected);
        for (at, from) in found {
            let (x, y) = ((at % 3) as f64 + 0.5, (at / 3) as f64 + 0.5);
            assert!(from.distance(Point::new(10.0 + 2.0 * x, y - x)) < 1e-9);
        }
        // the back is not seen
        each_pixel(source, [target[0], target[2], target[1]], (8, 8), |at, _| panic!("{at}"));
    }
}
