"""Things that get in front of faces, made up: hands, objects, hair, glasses, cloth.

Everything is drawn by formulas; no picture of anybody's hand is needed. A sprite is `[size, size, 5]` of float32:
alpha, shade (1 is neutral), and three colours; colours of skin are ratios to the colour of the face that it will
cover, for hands are mostly that person's own.
"""

import numpy as np

SIZE = 160
# how much finer sprites are drawn than they are kept, so that their edges are smooth
FINE = 2


def grid(size):
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    return (x + 0.5) / size, (y + 0.5) / size


def smooth_noise(rng, size, cells, octaves=3):
    """Noise of mean 0 and deviation 1 whose largest blobs are 1/cells of the side."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        n = min(cells << octave, size) + 2
        coarse = rng.standard_normal((n, n)).astype(np.float32)
        at = np.linspace(0, n - 2, size, dtype=np.float32)
        i, t = at.astype(int), at - at.astype(int)
        t = t * t * (3 - 2 * t)
        rows = coarse[i] * (1 - t)[:, None] + coarse[i + 1] * t[:, None]
        total += (rows[:, i] * (1 - t) + rows[:, i + 1] * t) * 0.5**octave
    return (total - total.mean()) / (total.std() + 1e-6)


def shrink(a):
    h, w = a.shape[:2]
    return a.reshape(h // FINE, FINE, w // FINE, FINE, *a.shape[2:]).mean(axis=(1, 3))


def capsule(x, y, a, b, ra, rb):
    """Height above the plane of a rod from a to b with radii ra and rb, and how far along it each place is."""
    d = b - a
    along = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1]) / max(float(d @ d), 1e-9), 0, 1)
    radius = ra + (rb - ra) * along
    distance2 = (x - a[0] - along * d[0]) ** 2 + (y - a[1] - along * d[1]) ** 2
    return radius * radius - distance2, along


def lit(height, rng):
    """Shade of a relief: light from somewhere in front."""
    gy, gx = np.gradient(height * height.shape[0])
    gx, gy = np.clip(gx, -4, 4), np.clip(gy, -4, 4)
    angle, slant = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.9)
    light = np.array([np.cos(angle) * slant, np.sin(angle) * slant, 1.0])
    light /= np.linalg.norm(light)
    norm = np.sqrt(gx * gx + gy * gy + 1)
    shade = np.clip((-gx * light[0] - gy * light[1] + light[2]) / norm, 0, None)
    ambient = rng.uniform(0.35, 0.75)
    return ambient + (1 - ambient) * shade / light[2]


def hand(rng):
    size = SIZE * FINE
    x, y = grid(size)
    scale = rng.uniform(0.75, 1.25)
    # the hand points up (to smaller y) here; it is turned when it is laid on
    wrist = np.array([0.5, 0.9], np.float32)
    palm_top = 0.9 - 0.34 * scale
    spread = rng.uniform(0.0, 0.5)
    curl = rng.choice([rng.uniform(0, 0.25), rng.uniform(0.3, 1.0)])
    back = rng.random() < 0.5
    height = np.full((size, size), -1.0, np.float32)
    tint = np.ones((size, size, 3), np.float32)
    dark = np.ones((size, size), np.float32)

    def add(a, b, ra, rb, lift=0.0, crease=True, nail=False):
        nonlocal height
        inside, along = capsule(x, y, np.asarray(a, np.float32), np.asarray(b, np.float32), ra, rb)
        own = np.sqrt(np.clip(inside, 0, None)) + lift
        own[inside <= 0] = -1
        over = own > height
        if crease:
            for at in (0.03, 0.97):
                line = np.exp(-(((along - at) / 0.05) ** 2)) * rng.uniform(0.05, 0.3)
                dark[over] *= (1 - line)[over]
        if nail:
            middle = (inside > 0.35 * rb * rb) & (along > 0.62) & over
            tint[middle] *= np.array([1.08, 0.98, 1.0], np.float32)
            dark[middle] *= 1.1
        # tips and knuckles are redder
        red = np.exp(-(((along - 1) / 0.3) ** 2))[..., None] * np.array([0.05, -0.03, -0.03], np.float32)
        tint[over] *= (1 + red)[over]
        height = np.maximum(height, own)

    width = 0.30 * scale
    bases = [0.5 - width / 2 + width * k / 3 for k in range(4)]
    for base in bases:
        add([0.5 + 0.6 * (base - 0.5), 0.86], [base, palm_top + 0.03], 0.075 * scale, 0.062 * scale, crease=False)
    add([0.5, 0.66], [0.5, 0.8], 0.125 * scale, 0.12 * scale, lift=-0.05, crease=False)
    # forearm, out of the sprite
    add(wrist, [0.5 + rng.uniform(-0.1, 0.1), 1.25], 0.10 * scale, 0.12 * scale, lift=-0.02, crease=False)
    lengths = [0.26, 0.30, 0.28, 0.21]
    folded = rng.random(4) < rng.choice([0.0, 0.15, 0.9], p=[0.5, 0.3, 0.2])
    for k, base in enumerate(bases):
        lean = (k - 1.5) * 0.18 * spread + rng.normal(0, 0.04)
        length = lengths[k] * scale * (0.35 if folded[k] else 1 - 0.45 * curl)
        radius = 0.038 * scale * (0.85 if k == 3 else 1.0)
        at, direction = np.array([base, palm_top], np.float32), lean
        for bone, share in enumerate((0.45, 0.3, 0.25)):
            step = np.array([np.sin(direction), -np.cos(direction)], np.float32) * length * share
            add(at, at + step, radius * (1 - 0.08 * bone), radius * (0.93 - 0.08 * bone), lift=0.01 * bone,
                nail=back and bone == 2 and not folded[k])
            at = at + step
            direction += rng.normal(0, 0.06) + 0.15 * curl * np.sign(lean)
    if rng.random() < 0.8:
        side = rng.choice([-1, 1])
        start = np.array([0.5 + side * width * 0.45, 0.78], np.float32)
        lean = side * rng.uniform(0.1, 1.1)
        step = np.array([np.sin(lean), -np.cos(lean)], np.float32) * 0.13 * scale
        add(start, start + step, 0.052 * scale, 0.042 * scale)
        bend = np.array([np.sin(lean * 0.6), -np.cos(lean * 0.6)], np.float32) * 0.11 * scale
        add(start + step, start + step + bend, 0.042 * scale, 0.034 * scale, lift=0.01, nail=back)
    alpha = (height > -0.5).astype(np.float32)
    shade = lit(np.clip(height, 0, None), rng) * dark
    shade *= 1 + 0.06 * smooth_noise(rng, size, 6) * rng.uniform(0, 1.5)
    return shrink(np.dstack([alpha, shade, tint]))


def texture(rng, size):
    """Any surface: `[size, size, 3]` of values in [0, 1]."""
    kind = rng.integers(5)
    base = rng.uniform(0.02, 0.95, 3)
    if rng.random() < 0.4:
        base[:] = base.mean()
    other = np.clip(base + rng.normal(0, 0.25, 3), 0, 1)
    x, y = grid(size)
    if kind == 0:
        t = np.full((size, size), 0.0)
    elif kind == 1:
        t = 0.5 + 0.3 * smooth_noise(rng, size, int(rng.integers(2, 20)))
    elif kind == 2:
        angle = rng.uniform(0, np.pi)
        t = 0.5 + 0.5 * np.sign(np.sin((x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(15, 150)))
    elif kind == 3:
        t = x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1) + 0.5
    else:
        n = rng.uniform(10, 80)
        t = 0.5 + 0.5 * np.sign(np.sin(x * n) * np.sin(y * n))
    t = np.clip(t, 0, 1)[..., None].astype(np.float32)
    return (base * (1 - t) + other * t).astype(np.float32)


def thing(rng):
    """An object: a microphone, a cup, a telephone, cloth, paper, anything."""
    size = SIZE * FINE
    x, y = grid(size)
    kind = rng.integers(6)
    relief = None
    if kind == 0:  # a ball on a stick
        radius = rng.uniform(0.08, 0.2)
        ball, _ = capsule(x, y, np.array([0.5, 0.4]), np.array([0.5, 0.4 + rng.uniform(0, 0.1)]), radius, radius)
        thick = radius * rng.uniform(0.25, 0.8)
        stick, _ = capsule(x, y, np.array([0.5, 0.4]), np.array([0.5 + rng.uniform(-0.2, 0.2), 1.3]), thick, thick)
        relief = np.sqrt(np.clip(np.maximum(ball, stick), 0, None))
        inside = np.maximum(ball, stick) > 0
    elif kind == 1:  # an ellipse
        a, b = rng.uniform(0.1, 0.45, 2)
        inside = ((x - 0.5) / a) ** 2 + ((y - 0.5) / b) ** 2 < 1
    elif kind == 2:  # a box with round corners
        a, b, r = rng.uniform(0.08, 0.45), rng.uniform(0.08, 0.45), rng.uniform(0, 0.1)
        dx, dy = np.maximum(abs(x - 0.5) - a, 0), np.maximum(abs(y - 0.5) - b, 0)
        inside = dx * dx + dy * dy <= r * r + 1e-6
    elif kind == 3:  # a blob
        n = smooth_noise(rng, size, int(rng.integers(2, 5)), 2)
        inside = n - 4 * ((x - 0.5) ** 2 + (y - 0.5) ** 2) * rng.uniform(1, 4) > rng.uniform(-0.6, 0.2)
    elif kind == 4:  # rods: pens, cables, straws, spoons
        field = np.full((size, size), -1.0, np.float32)
        for _ in range(rng.integers(1, 4)):
            a, b = rng.uniform(-0.2, 1.2, (2, 2))
            r = rng.uniform(0.008, 0.05)
            field = np.maximum(field, capsule(x, y, a, b, r, r * rng.uniform(0.5, 1.0))[0])
        inside, relief = field > 0, np.sqrt(np.clip(field, 0, None))
    else:  # cloth over one half
        edge = 0.5 + 0.06 * smooth_noise(rng, size, 2, 2)[0]
        inside = y > edge[None, :]
    colours = texture(rng, size)
    shade = np.ones((size, size), np.float32)
    if relief is not None and rng.random() < 0.8:
        shade = lit(relief, rng).astype(np.float32)
    elif rng.random() < 0.6:
        shade = 1 + 0.15 * smooth_noise(rng, size, int(rng.integers(2, 6)), 2)
    return shrink(np.dstack([inside.astype(np.float32), shade, colours]))


def hair(rng):
    """Strands that hang into the face."""
    size = SIZE * FINE
    x, y = grid(size)
    alpha = np.zeros((size, size), np.float32)
    shade = np.ones((size, size), np.float32)
    at, spread = rng.uniform(0.2, 0.8), rng.uniform(0.02, 0.3)
    lean, bend = rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.6)
    for _ in range(rng.integers(6, 50)):
        start = at + rng.normal(0, spread)
        end = rng.uniform(0.3, 1.1)
        width = rng.uniform(0.002, 0.006)
        path = start + lean * y + (bend + rng.normal(0, 0.08)) * y * y
        strand = np.clip(1.5 - abs(x - path) / width, 0, 1) * (y < end)
        alpha = np.maximum(alpha, strand)
        tone = rng.uniform(0.6, 1.5)
        shade = np.where(strand > 0.5, tone, shade)
    dark = rng.uniform(0.02, 0.35)
    colour = np.array([dark, dark * rng.uniform(0.6, 1.0), dark * rng.uniform(0.4, 1.0)], np.float32)
    colours = np.broadcast_to(colour, (size, size, 3))
    return shrink(np.dstack([alpha, shade, colours]))


def glasses(rng, eyes, size):
    """Rims, bridge and temples about the eyes of a flattened face of `size`: alpha, shade, colours of that size."""
    fine = size * FINE
    y, x = np.mgrid[0:fine, 0:fine].astype(np.float32)
    x, y = (x + 0.5) / FINE, (y + 0.5) / FINE
    (ax, ay), (bx, by) = eyes
    apart = bx - ax
    drop = rng.uniform(-0.05, 0.12) * apart
    half_w, half_h = rng.uniform(0.27, 0.42) * apart, rng.uniform(0.12, 0.36) * apart
    power = rng.choice([2.0, 3.0, 5.0])
    # half of them of wire
    thick = rng.choice([rng.uniform(0.6, 1.6), rng.uniform(1.6, 4.0)]) * size / 128
    alpha = np.zeros((fine, fine), np.float32)
    lens = np.zeros((fine, fine), bool)
    half = rng.random() < 0.2
    for ex, ey in eyes:
        r = (abs((x - ex) / half_w) ** power + abs((y - ey - drop) / half_h) ** power) ** (1 / power)
        near = min(half_w, half_h)
        rim = abs(r - 1) * near < thick / 2
        alpha = np.maximum(alpha, (rim & (y < ey + drop) if half else rim).astype(np.float32))
        lens |= r < 1
    bridge, _ = capsule(x, y, np.array([ax + half_w, ay + drop - 0.3 * half_h]),
                        np.array([bx - half_w, by + drop - 0.3 * half_h]), thick / 2, thick / 2)
    alpha[bridge > 0] = 1
    for ex, side in ((ax, -1), (bx, 1)):
        start = np.array([ex + side * half_w, ay + drop - 0.4 * half_h])
        temple, _ = capsule(x, y, start, start + np.array([side * apart, rng.uniform(-0.1, 0.1) * apart]),
                            thick / 2, thick / 2)
        alpha[temple > 0] = 1
    colour = rng.uniform(0.0, 0.35, 3) if rng.random() < 0.8 else rng.uniform(0.3, 0.95, 3)
    if rng.random() < 0.6:
        colour[:] = colour.mean()
    shade = 1 + 0.3 * smooth_noise(rng, fine, 5, 2) * rng.uniform(0, 1)
    if rng.random() < 0.15:  # dark glasses hide the eyes: the lenses are in front as well
        alpha[lens] = rng.uniform(0.75, 1.0)
    colours = np.broadcast_to(colour.astype(np.float32), (fine, fine, 3))
    return shrink(np.dstack([alpha, shade.astype(np.float32), colours]))
