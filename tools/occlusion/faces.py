"""Flattened faces as `flattened` wrote them, and training examples with occluders laid over them."""

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import grid_sample

import occluders

SIZE = 128
# middle of the eyes of a flattened face of 128 pixels
EYES = ((45.0, 40.5), (82.5, 40.5))
NEAREST = 15


class Track:
    """The faces of one person in one clip."""

    def __init__(self, path):
        self.name = path.stem
        self.faces = np.fromfile(path, np.uint8).reshape(-1, SIZE, SIZE, 4)
        table = np.loadtxt(path.with_suffix(".tsv"), ndmin=2)
        self.frames, self.pose = table[:, 0], table[:, 1:3]

    def usual(self, at, rng=None, most=60):
        """What the face usually looks like turned like face `at`: the median of those nearest to it in pose, and where
        it was seen in any."""
        known = np.arange(len(self.faces))
        if rng is not None and len(known) > most:
            known = rng.choice(known, most, replace=False)
        apart = ((self.pose[known] - self.pose[at]) ** 2).sum(1)
        near = self.faces[np.sort(known[np.argsort(apart, kind="stable")[:NEAREST]])]
        seen = near[..., 3:] > 127
        # those where it was not seen come last; of an even number the lower of the two in the middle
        values = np.sort(np.where(seen, near[..., :3].astype(np.int16), 999), axis=0)
        middle = np.maximum(seen.sum(0) - 1, 0) // 2
        median = np.take_along_axis(values, middle[None], 0)[0]
        return np.where(median == 999, 0, median).astype(np.uint8)


def tracks(folder, names):
    found = [Track(path) for path in sorted(Path(folder).glob("*.rgbs"))]
    return [track for track in found if any(track.name.startswith(name) for name in names)]


def laid(sprite, rng, about=(0.5, 0.55), spread=0.28, scales=(0.6, 1.7), turn=np.pi):
    """A sprite somewhere over the face, turned and scaled: `[128, 128, 5]`."""
    angle, scale = rng.uniform(-turn, turn), rng.uniform(*scales)
    x, y = rng.normal(about[0], spread), rng.normal(about[1], spread)
    # from face to sprite, both from -1 to 1
    c, s = np.cos(angle) / scale, np.sin(angle) / scale
    if rng.random() < 0.5:
        flip = -1.0
    else:
        flip = 1.0
    tx, ty = 2 * x - 1, 2 * y - 1
    matrix = torch.tensor([[[flip * c, flip * s, -flip * (c * tx + s * ty)], [-s, c, s * tx - c * ty]]], dtype=torch.float32)
    field = torch.nn.functional.affine_grid(matrix, (1, 1, SIZE, SIZE), align_corners=False)
    picture = torch.from_numpy(np.ascontiguousarray(sprite.transpose(2, 0, 1)))[None].float()
    out = grid_sample(picture, field, align_corners=False, padding_mode="zeros")[0].numpy()
    return out.transpose(1, 2, 0)


def box(a, n):
    """Mean over 2 n + 1 pixels each way, twice."""
    if n <= 0:
        return a
    t = torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1)))[None]
    for _ in range(2):
        t = torch.nn.functional.avg_pool2d(t, 2 * n + 1, 1, n, count_include_pad=False)
    return t[0].numpy().transpose(1, 2, 0)


class Examples(torch.utils.data.IterableDataset):
    """Endless examples: face, what it usually looks like, what covers it, where that counts."""

    def __init__(self, tracks, sprites, seed, plain=0.25, kinds=(0.45, 0.27, 0.08, 0.2)):
        # shares of hands, objects, hair, glasses
        self.tracks, self.sprites, self.seed, self.plain, self.kinds = tracks, sprites, seed, plain, kinds
        # every track counts by the root of its length: few faces of many people are worth more
        weights = np.sqrt([len(track.faces) for track in tracks])
        self.weights = weights / weights.sum()

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        torch.set_num_threads(1)
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        pool = []
        while True:
            # medians are dear: a pair is used some times with other occluders
            if len(pool) < 300 or rng.random() < 0.15:
                track = self.tracks[rng.choice(len(self.tracks), p=self.weights)]
                at = int(rng.integers(len(track.faces)))
                pair = (track.faces[at], track.usual(at, rng))
                if len(pool) < 300:
                    pool.append(pair)
                else:
                    pool[int(rng.integers(len(pool)))] = pair
            yield self.example(pool[int(rng.integers(len(pool)))], pool[int(rng.integers(len(pool)))][0], rng)

    def example(self, pair, stranger, rng):
        raw, usual = pair
        face, seen = raw[..., :3].astype(np.float32) / 255, raw[..., 3:].astype(np.float32) / 255
        usual = usual.astype(np.float32) / 255
        stranger = stranger[..., :3].astype(np.float32) / 255
        if rng.random() < 0.5:
            face, seen, usual = face[:, ::-1], seen[:, ::-1], usual[:, ::-1]
        cover = np.zeros((SIZE, SIZE, 1), np.float32)
        sharp = self.kinds[3] == 1 or rng.random() < 0.6
        if rng.random() >= self.plain:
            for _ in range(1 + (rng.random() < 0.25)):
                face, usual, cover = self.covered(face, usual, cover, stranger, rng, sharp)
        elif rng.random() < 0.15:
            # something was in front in the frames that say what is usual, and is not here
            usual, _, _ = self.covered(usual, face, cover, stranger, rng, sharp, glasses=False)
        face, seen, cover = self.moved(face, seen, cover, rng)
        face = self.filmed(face, rng, sharp)
        if rng.random() < 0.1:
            face, usual = (np.repeat(p.mean(2, keepdims=True), 3, 2) for p in (face, usual))
        usual = self.lit(usual, rng, 0.5)
        seen = np.clip(seen, 0, 1)
        face, usual = np.clip(face, 0, 1) * seen, np.clip(usual, 0, 1) * seen
        planes = [torch.from_numpy(np.ascontiguousarray(p.transpose(2, 0, 1), np.float32)) for p in (face, usual, cover, seen)]
        return tuple(planes)

    def covered(self, face, usual, cover, stranger, rng, sharp, glasses=True):
        kind = rng.choice(4, p=self.kinds)
        if kind == 3 and (not glasses or not sharp):
            # rims that cannot be seen would teach to see some where none are
            kind = 0
        own = face[20:110, 20:110].reshape(-1, 3)
        skin = np.median(own, 0)
        always = False
        if kind == 0:
            sprite = laid(self.sprites["hand"][rng.integers(len(self.sprites["hand"]))], rng, scales=(0.8, 2.4), spread=0.3)
            tone = skin * rng.normal(1, 0.12) * (1 + rng.normal(0, 0.04, 3))
            if rng.random() < 0.2:
                tone = np.array([0.85, 0.62, 0.5]) * rng.uniform(0.25, 1.1)
            gamma = rng.uniform(0.6, 1.3)
            colours = sprite[..., 2:] * tone * np.clip(sprite[..., 1:2], 0, 2) ** gamma
        elif kind == 3:
            sprite = occluders.glasses(rng, EYES, SIZE)
            sprite = np.roll(sprite, tuple(int(v) for v in rng.integers(-3, 4, 2)), (0, 1))
            colours = sprite[..., 2:] * np.clip(sprite[..., 1:2], 0, 2)
            if rng.random() < 0.4:  # wire that shows the skin's colour
                colours = skin * rng.choice([rng.uniform(0.2, 0.7), rng.uniform(1.3, 1.6)]) * np.clip(sprite[..., 1:2], 0, 2) * np.ones(3)
            always = rng.random() < 0.85
        else:
            name = "thing" if kind == 1 else "hair"
            sprite = self.sprites[name][rng.integers(len(self.sprites[name]))]
            if kind == 1 and rng.random() < 0.3:
                # skin, cloth and hair as they were filmed
                rows, columns = rng.integers(0, 40, 2)
                patch = np.kron(stranger[rows:rows + 80, columns:columns + 80], np.ones((2, 2, 1)))[..., :3]
                sprite = np.concatenate([sprite[..., :2], patch.astype(np.float32)], -1)
            if kind == 2:
                sprite = laid(sprite, rng, about=(0.5, 0.35), spread=0.2, scales=(0.8, 1.8), turn=0.5)
            else:
                sprite = laid(sprite, rng)
            light = np.clip(skin.mean() / 0.5, 0.3, 1.5) * rng.uniform(0.6, 1.3)
            colours = sprite[..., 2:] * np.clip(sprite[..., 1:2], 0, 2) * light
        alpha = np.clip(sprite[..., :1], 0, 1)
        if rng.random() < 0.3 and kind != 3:  # moving, or out of focus
            n = int(rng.integers(1, 4))
            premultiplied = box(np.concatenate([alpha, colours * alpha], -1).astype(np.float32), n)
            alpha = premultiplied[..., :1]
            colours = premultiplied[..., 1:] / np.maximum(alpha, 1e-3)
        below = face
        if rng.random() < 0.6:  # it throws a shadow
            shift = tuple(int(v) for v in rng.integers(-8, 9, 2))
            shadow = box(np.roll(alpha, shift, (0, 1)).astype(np.float32), int(rng.integers(1, 6)))
            below = face * (1 - rng.uniform(0.1, 0.6) * shadow)
        if always:
            usual = usual * (1 - alpha) + colours * alpha * rng.uniform(0.8, 1.2)
        face = below * (1 - alpha) + colours * alpha
        return face.astype(np.float32), usual.astype(np.float32), np.maximum(cover, alpha).astype(np.float32)

    def moved(self, face, seen, cover, rng):
        """The mesh is never quite right, least behind something."""
        cells = int(rng.integers(2, 6))
        most = rng.uniform(0, 2.0) if rng.random() < 0.8 else rng.uniform(2.0, 5.0)
        coarse = rng.standard_normal((2, cells + 1, cells + 1)).astype(np.float32)
        field = torch.nn.functional.interpolate(torch.from_numpy(coarse)[None], (SIZE, SIZE), mode="bicubic", align_corners=True)
        at = (torch.arange(SIZE) + 0.5) / SIZE * 2 - 1
        identity = torch.stack(torch.meshgrid(at, at, indexing="ij")[::-1], -1)[None]
        field = identity + field.permute(0, 2, 3, 1) * (2 * most / SIZE)
        stack = np.concatenate([face, seen, cover], -1).transpose(2, 0, 1)
        out = grid_sample(torch.from_numpy(np.ascontiguousarray(stack))[None], field, align_corners=False, padding_mode="border")
        out = out[0].numpy().transpose(1, 2, 0)
        return out[..., :3], out[..., 3:4], out[..., 4:]

    def lit(self, picture, rng, strength=1.0):
        """Other light, exposure and colour."""
        gain = np.exp(rng.normal(0, 0.14 * strength)) * np.exp(rng.normal(0, 0.04 * strength, 3))
        slope = rng.normal(0, 0.15 * strength, 2)
        y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE - 0.5
        field = 1 + slope[0] * x + slope[1] * y
        if rng.random() < 0.5:
            field = field * (1 + 0.06 * strength * occluders.smooth_noise(rng, SIZE, 2, 1))
        gamma = np.exp(rng.normal(0, 0.12 * strength))
        return (np.clip(picture, 1e-4, 1) ** gamma * gain * field[..., None]).astype(np.float32)

    def filmed(self, picture, rng, sharp):
        """A camera and an encoder."""
        picture = self.lit(picture, rng)
        if not sharp and rng.random() < 0.6:
            picture = box(picture.astype(np.float32), int(rng.integers(1, 3)))
        if not sharp and rng.random() < 0.6:
            # small faces: fewer pixels
            n = int(rng.integers(24, 100))
            t = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None]
            t = torch.nn.functional.interpolate(t, (n, n), mode="area")
            picture = torch.nn.functional.interpolate(t, (SIZE, SIZE), mode="bilinear")[0].numpy().transpose(1, 2, 0)
        grain = rng.exponential(0.012)
        noise = rng.standard_normal((SIZE, SIZE, 1 if rng.random() < 0.5 else 3)).astype(np.float32)
        return picture + grain * noise
