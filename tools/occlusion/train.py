"""Trains the network that tells what lies in front of a face, and writes it as ONNX.

    python train.py FLAT OCCLUSION.onnx --minutes 30

FLAT is a folder that `cargo run --release -p bifrons-swap --example flattened` filled. Clips that are named in HELD are
never learned from; the figures printed are of those.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import torch

import faces
import occluders
from network import Deployed, Occlusion

sys.path.insert(0, str(Path(__file__).parent.parent / "models"))
from bifrons_models.half import store_as_half

# whoever is seen in these is known to the network
LEARNED = (
    "pair_A_demo2", "pair_B_demo3", "same_person_2", "single_face", "face_noface", "grid_pwij3p", "grid_id2_vcd_swwp2s",
    "grid_swiz3n", "head-pose-face-detection-female-", "head-pose-face-detection-female-and-male",
    # the two others in it wear glasses, which would be taught to be skin
    "face-demographics-walking-and-pause-1", "pair1_train",
)
HELD = ("grid_sbia1a", "grid_lbbc2a", "long_franck")


def sprites(seed, count):
    rng = np.random.default_rng(seed)
    made = {"hand": occluders.hand, "thing": occluders.thing, "hair": occluders.hair}
    return {name: [make(rng).astype(np.float16) for _ in range(count)] for name, make in made.items()}


def overlap(network, examples):
    """Intersection over union at a half, of all examples together and of each; share of clear pixels called covered."""
    both = either = wrong = clear = 0.0
    each = []
    network.eval()
    with torch.no_grad():
        for face, usual, cover, seen in examples:
            said = torch.sigmoid(network(face[None], usual[None]))[0] > 0.5
            counts = seen > 0.5
            truth = cover > 0.5
            b, e = (said & truth & counts).sum().item(), ((said | truth) & counts).sum().item()
            both, either = both + b, either + e
            if (truth & counts).sum() > 60:
                each.append(b / e)
            wrong += (said & (cover < 0.05) & counts).sum().item()
            clear += ((cover < 0.05) & counts).sum().item()
    network.train()
    return both / max(either, 1), float(np.mean(each)), float(np.median(each)), wrong / clear


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flat")
    parser.add_argument("onnx")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--start-from", help="weights (.pt) of an earlier training")
    parser.add_argument("--rate", type=float, default=2e-3, help="largest learning rate")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sprites", type=int, default=1000, help="of each kind")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    held = faces.Examples(faces.tracks(options.flat, HELD), sprites(options.seed + 100, 60), options.seed + 100)
    held = [example for example, _ in zip(iter(held), range(300))]
    learned = faces.tracks(options.flat, LEARNED)
    print(len(learned), "tracks,", sum(len(track.faces) for track in learned), "faces", flush=True)
    examples = faces.Examples(learned, sprites(options.seed, options.sprites), options.seed)
    loader = iter(torch.utils.data.DataLoader(examples, options.batch, num_workers=1, prefetch_factor=4))
    network = Occlusion()
    if options.start_from:
        network.load_state_dict(torch.load(options.start_from))
    network = network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), options.rate, weight_decay=1e-4)
    started, step, shown, losses = time.time(), 0, 0.0, []
    while True:
        done = (time.time() - started) / (60 * options.minutes)
        if done >= 1:
            break
        rate = options.rate * min(1, (step + 1) / 200) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = rate
        face, usual, cover, seen = next(loader)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(face.to(memory_format=torch.channels_last), usual)
        logits = logits.float()
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, cover, reduction="none")
        entropy = (entropy * seen).sum() / seen.sum()
        said = torch.sigmoid(logits)
        sums = lambda t: (t * seen).sum((1, 2, 3))
        dice = 1 - (2 * sums(said * cover) + 40) / (sums(said) + sums(cover) + 40)
        loss = entropy + 0.5 * dice.mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        losses.append(loss.item())
        if time.time() - shown > 60:
            shown = time.time()
            figures = " ".join(f"{v:.4f}" for v in overlap(network, held[:100]))
            print(f"{step} steps, {100 * done:.0f} %: loss {np.mean(losses):.4f}, held {figures}", flush=True)
            losses.clear()
            torch.save(network.state_dict(), options.onnx + ".pt")
    network = network.to(memory_format=torch.contiguous_format).eval()
    print("held, all:", *(f"{v:.4f}" for v in overlap(network, held)))
    torch.save(network.state_dict(), options.onnx + ".pt")
    export(network, options.onnx)


def export(network, path):
    """Weights as 16-bit floats, like those of all networks in models/."""
    blank = torch.zeros(1, 3, faces.SIZE, faces.SIZE)
    torch.onnx.export(Deployed(network).eval(), (blank, blank), path, input_names=["face", "usual"], output_names=["cover"],
                      opset_version=13, dynamo=False)
    model = onnx.load(path)
    store_as_half(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, path)


if __name__ == "__main__":
    main()
