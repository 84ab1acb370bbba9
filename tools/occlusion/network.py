"""What lies in front of a face: a small hourglass with shortcuts, 128 pixels in and out."""

import torch
from torch import nn


def block(from_channels, to_channels, stride=1):
    return nn.Sequential(
        nn.Conv2d(from_channels, to_channels, 3, stride, 1, bias=False),
        nn.BatchNorm2d(to_channels),
        nn.ReLU(inplace=True),
    )


class Occlusion(nn.Module):
    """`[n, 3, 128, 128]` faces and `[n, 3, 128, 128]` what they usually look like to `[n, 1, 128, 128]` of logits."""

    CHANNELS = (12, 24, 48, 72, 96)

    def __init__(self):
        super().__init__()
        channels = self.CHANNELS
        self.first = block(6, channels[0])
        self.down = nn.ModuleList(
            nn.Sequential(block(fine, coarse, 2), block(coarse, coarse)) for fine, coarse in zip(channels, channels[1:])
        )
        self.reduce = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in zip(channels, channels[1:]))
        self.up = nn.ModuleList(block(fine, fine) for fine in channels[:-1])
        self.last = nn.Conv2d(channels[0], 1, 3, 1, 1)

    def forward(self, face, usual):
        # differences of colours are what tells: -1 to 1, and half of it from the usual one
        x = self.first(torch.cat([face - 0.5, face - usual], 1))
        kept = [x]
        for down in self.down:
            x = down(x)
            kept.append(x)
        for level in reversed(range(len(self.up))):
            x = nn.functional.interpolate(self.reduce[level](x), scale_factor=2, mode="nearest")
            x = self.up[level](x + kept[level])
        return self.last(x)


class Deployed(nn.Module):
    """As it is run: the share of each pixel that is covered, 0 to 1."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, face, usual):
        return torch.sigmoid(self.network(face, usual))
