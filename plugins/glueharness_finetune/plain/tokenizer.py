"""A tokenizer of BERT's kind, as its ``tokenizer.json`` has it.

transformers makes a tokenizer from several files, which may contradict each other, and knows what
each of its classes does about that. Here they must agree, or :class:`NotPlain` is raised.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness_finetune.plain import NotPlain
from glueharness_finetune.tokens.vocabulary import SPECIAL, learn_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tokenizers import Tokenizer

    from glueharness_finetune.tokens.cache import TokenCache

WHOLE, SETTINGS = "tokenizer.json", "tokenizer_config.json"
_FILES = (WHOLE, SETTINGS, "special_tokens_map.json", "vocab.txt")
_MEANINGS = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
_NO_LIMIT = int(1e30)
_LIMIT = 512

# By model type: the classes that transformers may name, and what it gives the model.
_BOTH = ("input_ids", "token_type_ids", "attention_mask")
_INPUTS = {"bert": _BOTH, "electra": _BOTH, "distilbert": ("input_ids", "attention_mask")}
_CLASSES = {"bert": "Bert", "electra": "Electra", "distilbert": "DistilBert"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTokenizer:
    """A tokenizer, with those attributes of transformers' that are used here.

    Attributes:
        backend_tokenizer: The tokenizer itself.
        folder: Where it was read.
        model_input_names: What it gives the model.
        model_max_length: Longest input in tokens; 10^30 if nothing limits it.
        settings: The content of ``tokenizer_config.json``.
    """

    backend_tokenizer: Tokenizer
    folder: Path | None
    model_input_names: tuple[str, ...]
    model_max_length: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    pad_token_id: int = 0
    pad_token_type_id: int = 0
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
        settings = dict(self.settings)
        if settings.get("model_max_length", _NO_LIMIT) > _LIMIT:
            # Without a limit, a pipeline that is asked to truncate does not.
            settings["model_max_length"] = min(self.model_max_length, _LIMIT)
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
    _check_settings(settings, whole, model_type)
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
    if any(token.get("content") not in SPECIAL for token in whole.get("added_tokens") or ()):
        raise NotPlain("there are added tokens")
    template = whole["post_processor"]
    if template.get("single") != _template("A") or template.get("pair") != _template("A", "B"):
        raise NotPlain("the tokenizer joins texts in another way than BERT's")


def _template(*texts: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}]
    for number, text in enumerate(texts):
        parts.append({"Sequence": {"id": text, "type_id": number}})
        parts.append({"SpecialToken": {"id": "[SEP]", "type_id": number}})
    return parts


def _check_settings(settings: Mapping[str, Any], whole: Mapping[str, Any], model_type: str) -> None:
    """Refuse settings that say another thing than the tokenizer itself does."""
    normalizer = whole["normalizer"]
    same = {
        "do_lower_case": normalizer.get("lowercase"),
        "tokenize_chinese_chars": normalizer.get("handle_chinese_chars"),
        "strip_accents": normalizer.get("strip_accents"),
        "padding_side": "right",
        "truncation_side": "right",
        "model_input_names": list(_INPUTS[model_type]),
        **dict(zip(_MEANINGS, SPECIAL, strict=True)),
    }
    for name, wanted in same.items():
        if name in settings and settings[name] != wanted:
            raise NotPlain(f"{SETTINGS} says {name} is {settings[name]!r}")
    # Where nothing is said, transformers takes its own defaults and not the tokenizer's.
    if "do_lower_case" not in settings and not normalizer.get("lowercase"):
        raise NotPlain(f"{SETTINGS} does not say whether case matters")
    kind = settings.get("tokenizer_class")
    if kind is not None and str(kind).removesuffix("Fast") not in {
        f"{_CLASSES[model_type]}Tokenizer", "BertTokenizer",
    }:  # fmt: skip
        raise NotPlain(f"the tokenizer is a {kind}")
    limit = settings.get("model_max_length")
    if limit is not None and (not isinstance(limit, int | float) or limit < 1):
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
