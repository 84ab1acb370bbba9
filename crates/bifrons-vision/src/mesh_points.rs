//! Which mesh point is where. "Left" and "right" are those of the filmed person, so the right eye
//! is on the left of the picture. Numbers follow MediaPipe's topology (Apache-2.0).

/// Points of the skin; the irises follow.
pub const FACE_POINTS: usize = 468;

/// Outer corner of the person's right eye.
pub const EYE_OUTER_RIGHT: usize = 33;
/// Inner corner of the person's right eye.
pub const EYE_INNER_RIGHT: usize = 133;
/// Outer corner of the person's left eye.
pub const EYE_OUTER_LEFT: usize = 263;
/// Inner corner of the person's left eye.
pub const EYE_INNER_LEFT: usize = 362;
/// Tip of the nose.
pub const NOSE_TIP: usize = 1;
/// On the ridge of the nose, between the brows.
pub const BETWEEN_BROWS: usize = 168;
/// Where nose and upper lip meet.
pub const BELOW_NOSE: usize = 2;
/// Corner of the mouth on the person's right.
pub const MOUTH_RIGHT: usize = 61;
/// Corner of the mouth on the person's left.
pub const MOUTH_LEFT: usize = 291;
/// Middle of the upper lip's inner edge.
pub const LIP_INNER_TOP: usize = 13;
/// Middle of the lower lip's inner edge.
pub const LIP_INNER_BOTTOM: usize = 14;

/// Outline of the face, clockwise on the picture from the middle of the forehead.
pub const FACE_OVAL: [usize; 36] = [
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176,
    149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
];

/// Lids of the person's right eye, round the opening.
pub const EYE_RIGHT: [usize; 16] =
    [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246];

/// Lids of the person's left eye, round the opening.
pub const EYE_LEFT: [usize; 16] =
    [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466];

/// Outer edge of the lips, round.
pub const LIPS_OUTER: [usize; 20] =
    [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185];

/// Inner edge of the lips, round.
pub const LIPS_INNER: [usize; 20] =
    [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191];

/// Ridge of the nose, between the eyes to below the tip.
pub const NOSE_RIDGE: [usize; 8] = [168, 6, 197, 195, 5, 4, 1, 2];

/// Pairs (upper lid, lower lid) across the person's right eye.
pub const LIDS_RIGHT: [(usize, usize); 3] = [(160, 144), (159, 145), (158, 153)];
/// Pairs (upper lid, lower lid) across the person's left eye.
pub const LIDS_LEFT: [(usize, usize); 3] = [(387, 373), (386, 374), (385, 380)];
