"""A language model of random weights in half a megabyte: real enough for llama.cpp to load and run.

It knows single bytes and nothing else, so that whatever words come out of it were put there by the
grammar. Made with the `gguf` package; the same seed gives the same file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from gguf import GGUFWriter, TokenType

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<s>{{ message['role'] }}: {{ message['content'] }}</s>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
WIDTH = 128
FEED = 256
HEADS = 4
LAYERS = 1
CONTEXT = 4096
SPECIAL = ("<unk>", "<s>", "</s>")


def write_tiny_gguf(path: Path, seed: int = 0, template: str = CHAT_TEMPLATE) -> Path:
    """Write the model to `path`.

    Args:
        path: of the file.
        seed: of the weights.
        template: the chat template in its metadata; "" leaves it out.
    """
    writer = GGUFWriter(path, "llama")
    _hyperparameters(writer)
    _vocabulary(writer, template)
    rng = np.random.default_rng(seed)
    for name, shape in _tensors(len(SPECIAL) + 256).items():
        writer.add_tensor(name, _weights(rng, name, shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _hyperparameters(writer: GGUFWriter) -> None:
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(SPECIAL) + 256)


def _vocabulary(writer: GGUFWriter, template: str) -> None:
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if template:
        writer.add_chat_template(template)


def _tensors(vocabulary: int) -> dict[str, tuple[int, ...]]:
    square = (WIDTH, WIDTH)
    layer = {
        "attn_norm.weight": (WIDTH,),
        "attn_q.weight": square,
        "attn_k.weight": square,
        "attn_v.weight": square,
        "attn_output.weight": square,
        "ffn_norm.weight": (WIDTH,),
        "ffn_gate.weight": (FEED, WIDTH),
        "ffn_up.weight": (FEED, WIDTH),
        "ffn_down.weight": (WIDTH, FEED),
    }
    return {
        "token_embd.weight": (vocabulary, WIDTH),
        **{f"blk.{i}.{name}": shape for i in range(LAYERS) for name, shape in layer.items()},
        "output_norm.weight": (WIDTH,),
        "output.weight": (vocabulary, WIDTH),
    }


def _weights(
    rng: np.random.Generator, name: str, shape: tuple[int, ...]
) -> NDArray[np.float32] | NDArray[np.float16]:
    """Float32 for norms (llama.cpp wants them so), float16 for the rest."""
    if len(shape) == 1:
        return np.ones(shape, dtype=np.float32)
    spread = 3.0 if name == "output.weight" else 1.0
    weights: NDArray[np.float16]
    weights = (rng.standard_normal(shape) * spread / np.sqrt(shape[-1])).astype(np.float16)
    return weights
