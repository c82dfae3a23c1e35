"""A tokenizer of BERT's kind, as its ``tokenizer.json`` has it.

transformers makes a tokenizer from several files, which may contradict each other, and knows what
each of its classes does about that. Here they must agree, or :class:`NotPlain` is raised.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness_finetune.plain import NotPlain
from glueharness_finetune.tokens.vocabulary import SPECIAL, learn_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tokenizers import Tokenizer

    from glueharness_finetune.tokens.cache import TokenCache

WHOLE, SETTINGS, _MAP = "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"
_FILES = (WHOLE, SETTINGS, _MAP, "vocab.txt")
_MEANINGS = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
_NO_LIMIT = int(1e30)
_LIMIT = 512
_LONGEST_WORD = 100

# By model type: the classes that transformers may name, and what it gives the model.
_BOTH = ("input_ids", "token_type_ids", "attention_mask")
_INPUTS = {"bert": _BOTH, "electra": _BOTH, "distilbert": ("input_ids", "attention_mask")}
_CLASSES = {"bert": "Bert", "electra": "Electra", "distilbert": "DistilBert"}

# What else may stand in the settings, for it says nothing of how a text becomes tokens here. Other
# names may: a token more, for instance, under any name that ends in "_token".
_NO_MATTER = frozenset({
    "tokenizer_class", "model_max_length", "added_tokens_decoder", "backend", "name_or_path",
    "is_local", "local_files_only", "processor_class", "transformers_version", "do_basic_tokenize",
    "never_split", "clean_up_tokenization_spaces", "special_tokens_map_file", "tokenizer_file",
    "max_length", "max_len", "stride", "truncation_strategy", "pad_to_multiple_of",
    "pad_token_type_id", "padding", "_commit_hash",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTokenizer:
    """A tokenizer, with those attributes of transformers' that are used here.

    Attributes:
        backend_tokenizer: The tokenizer itself.
        folder: Where it was read.
        model_input_names: What it gives the model.
        model_max_length: Longest input in tokens, which is written when it is saved; 10^30 if
            nothing limits it.
        settings: The content of ``tokenizer_config.json``.
    """

    backend_tokenizer: Tokenizer
    folder: Path | None
    model_input_names: tuple[str, ...]
    model_max_length: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    pad_token_id: int = 0
    pad_token_type_id: int = 0
    unk_token: str = "[UNK]"  # noqa: S105 - no password
    unk_token_id: int = 1
    padding_side: str = "right"
    truncation_side: str = "right"

    @property
    def name_or_path(self) -> str:
        """Where it was read, for messages."""
        return str(self.folder or "a vocabulary learnt from the training texts")

    def __len__(self) -> int:
        """Number of tokens."""
        return int(self.backend_tokenizer.get_vocab_size(with_added_tokens=True))

    @property
    def all_special_ids(self) -> list[int]:
        """The numbers of BERT's special tokens."""
        return [_number(self.backend_tokenizer, name) for name in SPECIAL]

    def convert_ids_to_tokens(self, number: int) -> str:
        """A token by its number."""
        return str(self.backend_tokenizer.id_to_token(number))

    def limited(self, longest: int) -> PlainTokenizer:
        """The same for a model that takes inputs of so many tokens at most."""
        return replace(self, model_max_length=min(self.model_max_length, longest))

    def save_pretrained(self, folder: str) -> None:
        """Write the files from which transformers makes the same tokenizer."""
        target = Path(folder)
        for name in _FILES:
            if self.folder is not None and (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, target / name)
        if self.folder is None:
            self.backend_tokenizer.no_padding()
            self.backend_tokenizer.no_truncation()
            (target / WHOLE).write_text(self.backend_tokenizer.to_str(), encoding="utf-8")
        # Without the limit, a pipeline that is asked to truncate does not.
        settings = {**self.settings, "model_max_length": self.model_max_length}
        text = json.dumps(settings, indent=2, ensure_ascii=False)
        (target / SETTINGS).write_text(text + "\n", encoding="utf-8")


def read_tokenizer(folder: Path, model_type: str) -> PlainTokenizer:
    """The tokenizer in a checkpoint's folder.

    Args:
        folder: The folder.
        model_type: The checkpoint's, in the terms of transformers.

    Raises:
        NotPlain: It is of another kind, or its files do not agree.
    """
    from tokenizers import Tokenizer

    if model_type not in _INPUTS:
        raise NotPlain(f"the tokenizer is that of {model_type}")
    whole, settings = read_object(folder / WHOLE), read_object(folder / SETTINGS)
    if (folder / "added_tokens.json").exists():
        raise NotPlain("there are added tokens")
    _check_pipeline(whole)
    _check_settings(settings, model_type)
    _check_normalizer(whole["normalizer"], settings)
    _check_special(folder, whole["model"]["vocab"], settings)
    try:
        backend = Tokenizer.from_file(str(folder / WHOLE))
    except Exception as error:
        raise NotPlain(f"{WHOLE} cannot be read") from error
    backend.no_padding()
    backend.no_truncation()
    limit = settings.get("model_max_length") or _NO_LIMIT
    return PlainTokenizer(
        backend_tokenizer=backend,
        folder=folder,
        model_input_names=_INPUTS[model_type],
        model_max_length=int(limit),
        settings=settings,
        pad_token_id=_number(backend, "[PAD]"),
        unk_token_id=_number(backend, "[UNK]"),
    )


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        NotPlain: There is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NotPlain(f"{path.name} cannot be read") from error
    if not isinstance(found, dict):
        raise NotPlain(f"{path.name} is no object")
    return found


def _check_pipeline(whole: Mapping[str, Any]) -> None:
    """Refuse a tokenizer that is not built as BERT's."""
    kinds = {
        part: (whole.get(part) or {}).get("type")
        for part in ("normalizer", "pre_tokenizer", "post_processor", "model")
    }
    expected = {
        "normalizer": "BertNormalizer",
        "pre_tokenizer": "BertPreTokenizer",
        "post_processor": "TemplateProcessing",
        "model": "WordPiece",
    }
    if kinds != expected:
        raise NotPlain("the tokenizer is not built as BERT's")
    model, vocabulary = whole["model"], whole["model"].get("vocab")
    if not isinstance(vocabulary, dict) or any(name not in vocabulary for name in SPECIAL):
        raise NotPlain("the tokenizer lacks one of BERT's special tokens")
    if model.get("unk_token") != "[UNK]" or model.get("continuing_subword_prefix") != "##":
        raise NotPlain("the tokenizer marks words in another way than BERT's")
    if model.get("max_input_chars_per_word") != _LONGEST_WORD:
        raise NotPlain("the tokenizer knows words of another length than BERT's")
    added = {token.get("content"): token.get("id") for token in whole.get("added_tokens") or ()}
    if added != {name: vocabulary[name] for name in SPECIAL}:
        raise NotPlain("there are added tokens, or not all of BERT's special ones")
    template = whole["post_processor"]
    if template.get("single") != _template("A") or template.get("pair") != _template("A", "B"):
        raise NotPlain("the tokenizer joins texts in another way than BERT's")
    joints = {name: each.get("ids") for name, each in template.get("special_tokens", {}).items()}
    if joints != {name: [vocabulary[name]] for name in ("[CLS]", "[SEP]")}:
        raise NotPlain("the tokenizer joins texts in another way than BERT's")


def _template(*texts: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}]
    for number, text in enumerate(texts):
        parts.append({"Sequence": {"id": text, "type_id": number}})
        parts.append({"SpecialToken": {"id": "[SEP]", "type_id": number}})
    return parts


def _check_normalizer(normalizer: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse a tokenizer that cleans texts in another way than the settings say.

    transformers goes by the settings, and where they are silent by its own defaults.
    """
    said = {
        "clean_text": ("clean_text", True),
        "lowercase": ("do_lower_case", True),
        "handle_chinese_chars": ("tokenize_chinese_chars", True),
        "strip_accents": ("strip_accents", None),
    }
    for own, (name, default) in said.items():
        wanted = default if own == name == "clean_text" else settings.get(name, default)
        if normalizer.get(own) != wanted:
            raise NotPlain(f"by {SETTINGS}, {name} is {wanted!r}, and by {WHOLE} it is not")


def _check_special(
    folder: Path, vocabulary: Mapping[str, int], settings: Mapping[str, Any]
) -> None:
    """Refuse other special tokens than BERT's, wherever they are told of.

    transformers adds them to the vocabulary, or gives them the place of BERT's.
    """
    for number, token in (settings.get("added_tokens_decoder") or {}).items():
        name = _content(token)
        if name not in SPECIAL or str(vocabulary[name]) != number:
            raise NotPlain(f"{SETTINGS} adds the token {name!r}")
    if (folder / _MAP).exists():
        own = dict(zip(_MEANINGS, SPECIAL, strict=True))
        for name, token in read_object(folder / _MAP).items():
            if _content(token) != own.get(name):
                raise NotPlain(f"{_MAP} says {name} is {_content(token)!r}")


def _content(token: Any) -> Any:
    """A token's text, which may stand alone or with how it is looked for."""
    return token.get("content") if isinstance(token, dict) else token


def _check_settings(settings: Mapping[str, Any], model_type: str) -> None:
    """Refuse settings that say another thing than the tokenizer itself does."""
    same = {
        "padding_side": "right",
        "truncation_side": "right",
        "split_special_tokens": False,
        "additional_special_tokens": [],
        "extra_special_tokens": [],
        "model_input_names": list(_INPUTS[model_type]),
        **dict(zip(_MEANINGS, SPECIAL, strict=True)),
    }
    cleaning = {"do_lower_case", "tokenize_chinese_chars", "strip_accents"}
    for name, value in settings.items():
        if name in same:
            # An empty table and an empty list of tokens are the same: none.
            if (value or same[name]) != same[name] and value != same[name]:
                raise NotPlain(f"{SETTINGS} says {name} is {value!r}")
        elif value is not None and name not in _NO_MATTER and name not in cleaning:
            raise NotPlain(f"{SETTINGS} says {name} is {value!r}")
    kind = settings.get("tokenizer_class")
    if kind is not None and str(kind).removesuffix("Fast") not in {
        f"{_CLASSES[model_type]}Tokenizer", "BertTokenizer",
    }:  # fmt: skip
        raise NotPlain(f"the tokenizer is a {kind}")
    limit = settings.get("model_max_length")
    if limit is not None and (
        not isinstance(limit, int | float)
        or isinstance(limit, bool)
        or not (1 <= limit < math.inf and int(limit) == limit)
    ):
        raise NotPlain(f"{SETTINGS} says model_max_length is {limit!r}")


def learn_tokenizer(
    texts: Iterable[str], size: int, cache: TokenCache | None = None
) -> PlainTokenizer:
    """A lower-casing WordPiece tokenizer, as BERT's, whose pieces come from ``texts``.

    The same texts in the same order give the same vocabulary.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    backend = Tokenizer(models.WordPiece(learn_pieces(texts, size, cache), unk_token="[UNK]"))  # noqa: S106
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    numbers = [(name, _number(backend, name)) for name in ("[CLS]", "[SEP]")]
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=numbers,
    )  # fmt: skip
    backend.add_special_tokens(list(SPECIAL))
    return PlainTokenizer(
        backend_tokenizer=backend,
        folder=None,
        model_input_names=_BOTH,
        model_max_length=_LIMIT,
        settings={
            "tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": None,
            "tokenize_chinese_chars": True, "model_max_length": _LIMIT,
            **dict(zip(_MEANINGS, SPECIAL, strict=True)),
        },
        pad_token_id=_number(backend, "[PAD]"),
        unk_token_id=_number(backend, "[UNK]"),
    )  # fmt: skip


def _number(backend: Tokenizer, token: str) -> int:
    number = backend.token_to_id(token)
    if number is None:
        raise NotPlain(f"the tokenizer has no {token}")
    return number
