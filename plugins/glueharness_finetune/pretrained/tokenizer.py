"""A checkpoint's tokenizer: loaded whole or not at all; or one that is learnt from texts.

From a folder without its files transformers makes a tokenizer that knows no word, and says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glueharness import ModelError
from glueharness_finetune.pretrained.files import read_object

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from glueharness_finetune.tokens.cache import TokenCache
    from glueharness_finetune.tokens.tokenize import Encoded

_WHOLE, _WORDS, _MERGED = "tokenizer.json", "vocab.json", ("merges.txt", "tokenizer.json")
_REMEDY = (
    "Copy them from the checkpoint that the model was made from: "
    "AutoTokenizer.from_pretrained(THAT).save_pretrained(FOLDER)."
)
_MANY_UNKNOWN, _SOME_UNKNOWN = 0.5, 0.2
_FEW_TOKENS = 4


def load_tokenizer(
    folder: Path, config: PretrainedConfig | None = None, **options: Any
) -> PreTrainedTokenizerBase:
    """The tokenizer whose files lie in a folder.

    Args:
        folder: The checkpoint.
        config: Its configuration, which names the kind of tokenizer; None: as the folder says.
        options: For ``AutoTokenizer.from_pretrained``.

    Raises:
        ModelError: Its files are not there, or need a package that is not installed.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, config=config, **options
        )
    except Exception as error:
        if not any(_looks_like_vocabulary(path.name) for path in folder.iterdir()):
            raise _without_files(folder, _WHOLE) from error
        if (folder / _WORDS).is_file() and not any((folder / n).is_file() for n in _MERGED):
            raise _without_files(folder, _MERGED[0]) from error
        for path in sorted(folder.glob("*token*.json")):
            read_object(path)  # which names the file that is damaged
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        if isinstance(error, KeyError):
            reason = f"there is no {reason}"
        raise ModelError(
            f"the model cannot be loaded: its tokenizer is damaged, or of a kind that needs "
            f"another package: {reason}",
            where=str(folder),
        ) from error
    wanted = {
        file
        for kind, file in type(tokenizer).vocab_files_names.items()
        if kind in {"vocab_file", "merges_file", "tokenizer_file"}
    }
    missing = sorted(name for name in wanted - {_WHOLE} if not (folder / name).is_file())
    if wanted and not (folder / _WHOLE).is_file() and (missing or wanted == {_WHOLE}):
        # Another form of the same, from which transformers has made it: those have no fixed names.
        converted = any(path.suffix in {".model", ".tiktoken"} for path in folder.iterdir())
        if not converted:
            raise _without_files(folder, missing[0] if missing else _WHOLE)
    return tokenizer


def _looks_like_vocabulary(name: str) -> bool:
    return name.startswith(("tokenizer.", "vocab", "merges", "bpe", "dict")) or name.endswith(
        (".model", ".tiktoken")
    )


def _without_files(folder: Path, missing: str) -> ModelError:
    return ModelError(
        f"the tokenizer's files are not in the folder ({missing}): without them every word would "
        "be unknown",
        where=str(folder),
        remedy=_REMEDY,
    )


def check_size(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, where: Path) -> None:
    """Refuse a tokenizer whose vocabulary is far smaller than the model's.

    Raises:
        ModelError: It has less than a quarter as many tokens as the embedding has rows.
    """
    from torch import nn

    try:
        words = model.get_input_embeddings()
    except NotImplementedError:
        return
    if isinstance(words, nn.Embedding) and _FEW_TOKENS * len(tokenizer) < words.num_embeddings:
        raise ModelError(
            f"the tokenizer has {len(tokenizer)} tokens and the model's embedding has "
            f"{words.num_embeddings} rows: they do not belong together",
            where=str(where),
            remedy=_REMEDY,
        )


def require_room(longest: int, taken: int, texts: int, where: str) -> None:
    """Refuse a longest input that leaves no room for the texts.

    Args:
        longest: Tokens of an input at most.
        taken: Special tokens of an input.
        texts: Texts of an input, each of which has at least a token.
        where: The checkpoint.

    Raises:
        ModelError: There is not a token for each text.
    """
    if longest < taken + texts:
        raise ModelError(
            f"inputs have at most {longest} tokens, of which {taken} are special ones: no room is "
            "left for the texts",
            where=where,
            remedy="Look at model_max_length in tokenizer_config.json and at the model's "
            "positions.",
        )


def check_known(encoded: Encoded, tokenizer: PreTrainedTokenizerBase, where: str) -> str:
    """Refuse a tokenizer to which most of the texts are unknown.

    Args:
        encoded: The training texts.
        tokenizer: The tokenizer.
        where: The checkpoint.

    Returns:
        A warning if a good part is unknown; else nothing.

    Raises:
        ModelError: Half of the tokens or more are unknown, or there are none.
    """
    unknown = tokenizer.unk_token_id
    special = [each for each in tokenizer.all_special_ids if each != unknown]
    ordinary = encoded.ids[~np.isin(encoded.ids, special)]
    if len(encoded) and not len(ordinary):
        raise ModelError(
            "the tokenizer makes no tokens of the training texts but the special ones: "
            "it has no vocabulary",
            where=where,
            remedy=_REMEDY,
        )
    count = int((ordinary == unknown).sum()) if isinstance(unknown, int) else 0
    if count >= _MANY_UNKNOWN * max(1, len(ordinary)):
        raise ModelError(
            f"{count:,} of the {len(ordinary):,} tokens of the training texts are unknown to the "
            f"tokenizer ({tokenizer.unk_token}): it is for other texts, or has lost its vocabulary",
            where=where,
            remedy=_REMEDY,
        )
    if count >= _SOME_UNKNOWN * max(1, len(ordinary)):
        return (
            f"{count / len(ordinary):.0%} of the tokens of the training texts are unknown to the "
            "tokenizer: it may be for another language."
        )
    return ""


def learn_vocabulary(
    texts: Iterable[str], size: int, cache: TokenCache | None = None
) -> PreTrainedTokenizerBase:
    """A lower-casing WordPiece tokenizer, as BERT's, whose pieces come from ``texts``.

    The same texts in the same order give the same vocabulary.
    """
    from transformers import BertTokenizer

    from glueharness_finetune.tokens.vocabulary import learn_pieces

    return BertTokenizer(vocab=learn_pieces(texts, size, cache), model_max_length=512)
