"""A tiny checkpoint with random weights of every architecture that has a text classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.finetune_tools import colour_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from transformers import PretrainedConfig

POSITIONS = 66
# By the names that configurations have for them; each takes those that it knows.
_SIZES: dict[str, Any] = {
    **dict.fromkeys(
        ("hidden_size", "d_model", "dim", "n_embd", "emb_dim", "embed_dim", "word_embed_proj_dim"),
        32,
    ),
    **dict.fromkeys(
        (
            "num_hidden_layers", "n_layers", "n_layer", "num_layers", "encoder_layers",
            "decoder_layers", "num_decoder_layers",
        ),
        2,
    ),
    **dict.fromkeys(
        (
            "num_attention_heads", "n_heads", "n_head", "num_heads", "encoder_attention_heads",
            "decoder_attention_heads", "num_key_value_heads",
        ),
        4,
    ),
    **dict.fromkeys(
        (
            "intermediate_size", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim", "n_inner", "dff",
            "ffn_dim", "hidden_dim", "moe_intermediate_size", "shared_expert_intermediate_size",
            "d_inner", "feed_forward_size",
        ),
        64,
    ),
    **dict.fromkeys(
        ("head_dim", "d_kv", "d_head", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"), 8
    ),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank"), 16),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_seq_len"), POSITIONS),
    **dict.fromkeys(("num_local_experts", "num_experts", "n_routed_experts"), 4),
    "embedding_size": 32,
    "num_experts_per_tok": 2,
    "initializer_range": 0.1,
}  # fmt: skip
_ZAMBA = [("hybrid" if layer in {2, 4} else "linear_attention") for layer in range(6)]
# Of whose layers only some are attention.
_MIXED = ("jamba", "qwen3_5_text", "qwen3_next", "cohere_compass_text")
# What one architecture needs otherwise.
_CHANGES: dict[str, dict[str, Any]] = {
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "reformer": {
        "axial_pos_embds_dim": [16, 16], "axial_pos_shape": [8, 8], "attn_layers": ["local"] * 2,
        "is_decoder": False, "max_position_embeddings": 64,
    },
    **{name: {"eos_token_id": 3} for name in ("mt5", "umt5", "bigbird_pegasus", "t5")},
    **{name: {"num_hidden_layers": 5} for name in _MIXED},
    "axk1": {"n_group": 2, "topk_group": 1},
    "mistral4": {"head_dim": 16},
    "xmod": {"default_language": "en_XX"},
    "gptj": {"rotary_dim": 4},
    "layoutlmv3": {"coordinate_size": 4, "shape_size": 8},
    "lilt": {"hidden_size": 96},
    "mpt": {"max_seq_len": 512},
    "luke": {"entity_vocab_size": 8, "entity_emb_size": 8},
    "roc_bert": {"pronunciation_vocab_size": 8, "shape_vocab_size": 8},
    "perceiver": {"num_latents": 8, "d_latents": 32, "num_self_attends_per_block": 2,
                  "num_self_attention_heads": 4, "num_cross_attention_heads": 4,
                  "qk_channels": 32, "v_channels": 32},
    "zamba": {"num_hidden_layers": 6, "layers_block_type": _ZAMBA},
    "zamba2": {"num_hidden_layers": 6, "layers_block_type": _ZAMBA, "hybrid_layer_ids": [2, 4]},
}  # fmt: skip
# Those that cannot be made small by their configuration's usual names, or not here.
LEFT_OUT: dict[str, str] = {
    "cohere_compass_text": "has no configuration without a checkpoint's own",
    "layoutlmv2": "needs the package detectron2",
}


def configuration(model_type: str, vocabulary: int, padding: int) -> PretrainedConfig:
    """A small configuration of an architecture."""
    from transformers import AutoConfig

    known = AutoConfig.for_model(model_type).to_dict()
    sizes = _small(known, {"vocab_size": vocabulary, "pad_token_id": padding})
    sizes |= {"vocab_size": vocabulary, "pad_token_id": padding}
    if known.get("is_encoder_decoder"):
        sizes |= {"eos_token_id": 3, "decoder_start_token_id": padding}
    return AutoConfig.for_model(model_type, **{**sizes, **_CHANGES.get(model_type, {})})


def _small(known: dict[str, Any], words: dict[str, int]) -> dict[str, Any]:
    """The sizes that a configuration knows, in the configurations inside of it too."""
    sizes: dict[str, Any] = {}
    for name, value in known.items():
        if name in _SIZES:
            sizes[name] = _SIZES[name]
        elif name in words:
            sizes[name] = words[name]
        elif isinstance(value, dict) and "model_type" in value:
            kind = value["model_type"]
            sizes[name] = {"model_type": kind, **_small(value, words), **_CHANGES.get(kind, {})}
    return sizes


def tokenizer_for(model_type: str, texts: Sequence[str] = ()) -> Any:
    """A tokenizer of a checkpoint of that architecture, whose small vocabulary is that of texts."""
    import transformers

    from glueharness_finetune.pretrained.tokenizer import learn_vocabulary

    ready: Any = transformers  # which leaves its tokenizers without annotations
    if model_type == "canine":
        return ready.CanineTokenizer()
    if model_type == "perceiver":
        return ready.PerceiverTokenizer()
    rows = colour_rows(200)
    learnt: Any = learn_vocabulary(texts or [*rows["question"], *rows["sentence"]], 200)
    named = {name: f"[{name.upper()}]" for name in ("unk", "pad", "cls", "sep", "mask")}
    return ready.TokenizersBackend(
        tokenizer_object=learnt.backend_tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in named.items()},
    )


def write_tiny(model_type: str, folder: Path, texts: Sequence[str] = ()) -> Path:
    """Write a tiny checkpoint of an architecture, with random weights and a tokenizer.

    Args:
        model_type: The architecture, by the name that transformers has for it.
        folder: Where to write it.
        texts: What the tokenizer's vocabulary is learnt from; none: the rows of the colour task.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    tokenizer = tokenizer_for(model_type, texts)
    config = configuration(model_type, len(tokenizer), int(tokenizer.pad_token_id or 0))
    torch.manual_seed(3)
    from_config: Any = AutoModelForSequenceClassification.from_config
    from_config(config).float().save_pretrained(folder)
    tokenizer.save_pretrained(str(folder))
    return folder
