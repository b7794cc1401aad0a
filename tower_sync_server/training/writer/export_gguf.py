"""A trained decoder and its vocabulary ↔ a GGUF file that llama.cpp runs; matrices in Q8_0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, TokenType
from gguf.quants import dequantize, quantize

from tower_sync_server.training.writer.network import EPSILON, ROPE_BASE, Decoder, Shape
from tower_sync_server.training.writer.tokenizer import (
    BEGIN,
    BYTES,
    END,
    GLUE,
    SPECIAL,
    UNKNOWN,
    Tokenizer,
)

if TYPE_CHECKING:
    from pathlib import Path

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] != 'system' or not message['content'] %}"
    "<s>{{ message['content'] }}</s>"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<s>{% endif %}"
)
"""The system's turn is left out, as it was in training: it is the same for every text. That its
content is asked for keeps engines from putting it into the user's turn."""
_LAYER = {
    "attention_norm": "attn_norm", "query": "attn_q", "key": "attn_k", "value": "attn_v",
    "output": "attn_output", "feed_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down",
}  # fmt: skip
"""Part of a block → its name in the file."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds."""

    decoder: Decoder
    """With the weights as llama.cpp sees them."""
    tokenizer: Tokenizer
    """Its vocabulary."""


def export_gguf(decoder: Decoder, tokenizer: Tokenizer, path: Path, name: str) -> None:
    """Write the file: norms in float32, everything else in Q8_0."""
    writer = GGUFWriter(path, "llama")
    _hyperparameters(writer, decoder.shape, name)
    _vocabulary(writer, tokenizer)
    for part, weight in decoder.state_dict().items():
        values = weight.float().numpy()
        if values.ndim == 1:
            writer.add_tensor(_name_of(part), values)
        else:
            kind = GGMLQuantizationType.Q8_0
            writer.add_tensor(_name_of(part), quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def load_gguf(path: Path) -> Loaded:
    """Read a file that `export_gguf` wrote."""
    reader = GGUFReader(path)

    def number(key: str) -> int:
        return int(reader.fields[f"llama.{key}"].contents())

    tokens = [str(token) for token in reader.fields["tokenizer.ggml.tokens"].contents()]
    pieces = tuple(tokens[len(SPECIAL) + len(BYTES) + len(GLUE) :])
    shape = Shape(
        len(tokens), number("embedding_length"), number("block_count"),
        number("attention.head_count"), number("feed_forward_length"), number("context_length"),
    )  # fmt: skip
    decoder = Decoder(shape)
    found = {t.name: dequantize(t.data, t.tensor_type) for t in reader.tensors}
    state = {
        part: torch.from_numpy(np.array(found[_name_of(part)], np.float32))
        for part in decoder.state_dict()
    }
    decoder.load_state_dict(state)
    return Loaded(decoder.eval(), Tokenizer(pieces))


def _hyperparameters(writer: GGUFWriter, shape: Shape, name: str) -> None:
    writer.add_name(name)
    writer.add_license("Apache-2.0")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_vocab_size(shape.vocabulary)


def _vocabulary(writer: GGUFWriter, tokenizer: Tokenizer) -> None:
    kinds = [
        TokenType.UNKNOWN,
        *[TokenType.CONTROL] * (len(SPECIAL) - 1),
        *[TokenType.BYTE] * len(BYTES),
        *[TokenType.USER_DEFINED] * len(GLUE),
        *[TokenType.NORMAL] * len(tokenizer.pieces),
    ]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(tokenizer.tokens))
    writer.add_token_scores(list(tokenizer.scores))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _name_of(part: str) -> str:
    """The name in the file of a part of the decoder."""
    if part == "embedding.weight":
        return "token_embd.weight"
    if part == "norm.weight":
        return "output_norm.weight"
    _, layer, name, kind = part.split(".")
    return f"blk.{layer}.{_LAYER[name]}.{kind}"
