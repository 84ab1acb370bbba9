"""How well the network tells what is in front of people it has never seen, by kind.

    python evaluate.py FLAT WEIGHTS.pt

Prints for each kind and for all of them: intersection over union at a half of all pixels together, its mean and median
over pictures, and the share of clear pixels that are taken for covered. Clips count by the root of their length.
"""

import sys

import torch

import faces
import train

KINDS = ("hands", "objects", "hair", "glasses")


def main():
    flat, weights = sys.argv[1:]
    network = train.Occlusion()
    network.load_state_dict(torch.load(weights))
    held, sprites = faces.tracks(flat, train.HELD), train.sprites(101, 60)
    print("of", ", ".join(f"{track.name} ({len(track.faces)})" for track in held))
    for at, kind in enumerate(KINDS):
        only = tuple(float(at == other) for other in range(4))
        examples = iter(faces.Examples(held, sprites, 7, plain=0, kinds=only))
        print(kind, *(f"{v:.3f}" for v in train.overlap(network, [e for e, _ in zip(examples, range(200))])))
    examples = iter(faces.Examples(held, sprites, 7))
    print("all", *(f"{v:.3f}" for v in train.overlap(network, [e for e, _ in zip(examples, range(300))])))


if __name__ == "__main__":
    main()
