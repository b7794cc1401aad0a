"""The decoder: the llama architecture, small; what llama.cpp computes from the GGUF file."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5
"""Of the root mean square norms."""
ROPE_BASE = 10_000.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the network is; widths are multiples of 32, as Q8_0 wants them."""

    vocabulary: int
    """Tokens."""
    width: int = 192
    """Of the residual stream."""
    layers: int = 4
    """Blocks of attention and feed-forward."""
    heads: int = 6
    """Of attention; each has width / heads channels, an even number."""
    feed: int = 512
    """Width inside the feed-forward part."""
    context: int = 768
    """Tokens of prompt and answer that it is meant for."""


class Norm(nn.Module):
    """Root mean square norm with a gain."""

    def __init__(self, width: int) -> None:
        """Make a norm of `width` channels that changes nothing yet but the scale."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last dimension of `x`, in float32."""
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + EPSILON)
        return (wide * scale * self.weight).to(x.dtype)


class Block(nn.Module):
    """Attention, then a gated feed-forward part, each added to what came in."""

    def __init__(self, shape: Shape) -> None:
        """Make a block of random weights."""
        super().__init__()
        width, feed = shape.width, shape.feed
        self.heads = shape.heads
        self.attention_norm, self.feed_norm = Norm(width), Norm(width)
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.output = nn.Linear(width, width, bias=False)
        self.gate, self.up = (nn.Linear(width, feed, bias=False) for _ in range(2))
        self.down = nn.Linear(feed, width, bias=False)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        """Map float [B, T, width] to the same shape; `turns` are cosines and sines of positions."""
        normed = self.attention_norm(x)
        query, key, value = (
            part(normed).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        seen = functional.scaled_dot_product_attention(
            rotate(query, turns), rotate(key, turns), value, is_causal=True
        )
        x = x + self.output(seen.transpose(1, 2).flatten(2))
        normed = self.feed_norm(x)
        fed: Tensor = x + self.down(functional.silu(self.gate(normed)) * self.up(normed))
        return fed


class Decoder(nn.Module):
    """Tokens → logits of the next token; the output weights are the embedding's."""

    def __init__(self, shape: Shape) -> None:
        """Make a network of random weights."""
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width)
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.normal_(weight, std=0.02)
        for name, weight in self.named_parameters():
            if name.endswith(("output.weight", "down.weight")):
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5)

    def hidden(self, tokens: Tensor) -> Tensor:
        """Map int64 [B, T] to normed float [B, T, width]."""
        x = self.embedding(tokens)
        turns = positions(tokens.shape[1], self.shape.width // self.shape.heads)
        for block in self.blocks:
            x = block(x, turns)
        normed: Tensor = self.norm(x)
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """Map float [..., width] to float [..., vocabulary]."""
        return functional.linear(hidden, self.embedding.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map int64 [B, T] to the logits of what follows each token, float [B, T, vocabulary]."""
        return self.logits(self.hidden(tokens))


def positions(length: int, channels: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary embedding (Su et al. 2021), float [length, channels / 2]."""
    rates = ROPE_BASE ** (-torch.arange(0, channels, 2, dtype=torch.float32) / channels)
    angles = torch.outer(torch.arange(length, dtype=torch.float32), rates)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """Turn neighbouring channels of float [B, H, T, C] by the angles of their positions."""
    cosine, sine = (part.to(x.dtype) for part in turns)
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1)
    return turned.flatten(-2)
