"""One check before training: a checkpoint is tried on a few rows, and fits or is refused.

Names and numbers in configurations promise much. What counts is whether a row gets a score, the
same one every time, and the same whatever rows are beside it; so that is tried, with rows of
several lengths, before anything is trained. What can be put right is (another side for the
padding, no token types, a shorter longest input); what cannot is refused in one sentence.

Shapes: b = rows, s = length, k = outputs.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glueharness import ModelError
from glueharness_finetune.pretrained.form import Form
from glueharness_finetune.pretrained.head import telling_outputs
from glueharness_finetune.pretrained.lookups import Lookup, position_limit, watch_lookups
from glueharness_finetune.pretrained.tokenizer import require_room
from glueharness_finetune.pretrained.trial_rows import (
    LONG,
    SHORT,
    in_words,
    joined,
    other_tokens,
    same_scores,
    sample_row,
)
from glueharness_finetune.tokens.batches import Padding, collate
from glueharness_finetune.tokens.tokenize import padding_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.tokenize import Encoded

_NONE = 10**9
"""A limit from which on there is none."""
_FURTHER = 16
"""Tokens by which two rows differ, so that positions are told from other look-ups."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """A model on trial.

    Attributes:
        model: The model, on the processor.
        tokenizer: Its tokenizer.
        columns: Names of a sequence's texts: one, or two for a pair.
        outputs: Values a sequence.
        where: The checkpoint, for messages.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    columns: Sequence[str]
    outputs: int
    where: str

    def find_form(self, settings: FinetuneSettings) -> Form:
        """Try the model on rows of several lengths, on the processor and in fp32.

        What the tokenizer and the configuration say otherwise is put right in both, so that a
        saved model says so too.

        Raises:
            ModelError: There is no form in which the model gives each row a score of its own.
        """
        longest = self.tokenizer.model_max_length
        # Not "less than 1", which NaN is not, either.
        if not isinstance(longest, int | float) or not longest >= 1:
            raise self.misfit(
                f"the tokenizer's model_max_length is {longest!r}",
                "Put the number of tokens that the model takes into tokenizer_config.json.",
            )
        padding = Padding(
            padding_id(self.tokenizer),
            self.tokenizer.pad_token_type_id,
            input_name=self.model.main_input_name,
        )
        self._agree_on_padding()
        known = inspect.signature(self.model.forward).parameters
        # One without either is wrapped, and hands on whatever it is given.
        if "attention_mask" in known and "token_type_ids" not in known:
            self._drop_types()
        form = Form(
            max_length=int(min(settings.max_length, longest)),
            padding=padding,
        )
        with telling_outputs(self.model, self.outputs):
            self._check_lookups(form)
            self._check_room(form)
            short = self.row(SHORT, form.max_length)
            self._check_alone(short, form)
            self._check_longest(form)
            self._choose_padding(short, self.row(LONG, form.max_length), form)
        self._tell_tokenizer(form)
        return form

    def _drop_types(self) -> None:
        """Let the tokenizer make no token types: the model has no use for them."""
        names = [name for name in self.tokenizer.model_input_names if name != "token_type_ids"]
        if len(names) < len(self.tokenizer.model_input_names):
            self.tokenizer.model_input_names = names
            self.tokenizer.init_kwargs["model_input_names"] = names  # saved with the model

    def _agree_on_padding(self) -> None:
        """Let the configuration say what the tokenizer pads with, where it says nothing.

        Models that read a row's last token look for it by that.
        """
        for config in {id(c): c for c in (self.model.config, self._text_config())}.values():
            found = getattr(config, "pad_token_id", None)
            if not isinstance(found, int) or found < 0:
                config.pad_token_id = self.tokenizer.pad_token_id

    def _text_config(self) -> Any:
        finder = getattr(self.model.config, "get_text_config", None)
        return finder() if finder is not None else self.model.config

    def _check_lookups(self, form: Form) -> None:
        """Watch where the model looks tokens, types and positions up, and compare the sizes."""
        highest = max(self._highest_id(), form.padding.id)
        short = self.row(SHORT, form.max_length)
        enough = min(form.max_length, len(short.ids) + _FURTHER)
        seen = []
        for row in (short, self.row(LONG, enough)):
            row.ids[len(row.ids) // 2] = highest
            seen.append((len(row.ids), self._lookups(row, form)))
        everything = [lookup for _, lookups in seen for lookup in lookups]
        if any(each.outside and each.highest == highest for each in everything):
            rows = min(each.rows for each in everything if each.highest == highest)
            raise self.misfit(
                f"the tokenizer numbers its tokens up to {highest}, and the model's embedding has "
                f"{rows} rows",
                "The tokenizer belongs to another checkpoint, or tokens were added to it: "
                "model.resize_token_embeddings(len(tokenizer)) and save_pretrained make them fit.",
            )
        typed = "token_type_ids" in self.tokenizer.model_input_names
        if typed and any(each.outside and each.highest == 1 for each in everything):
            self._drop_types()
            self._check_lookups(form)
            return
        limit = position_limit(*seen)
        if limit is not None and limit < form.max_length:
            # A table of distances may look like one of positions at first, and ends nowhere.
            beyond = self._lookups(self.row(4 * limit, limit + 1), form)
            limit = limit if any(each.outside for each in beyond) else None
        if limit is None:
            positions = getattr(self._text_config(), "max_position_embeddings", None)
            limit = positions if isinstance(positions, int) and positions > 0 else None
        known = int(min(self.tokenizer.model_max_length, limit or _NONE))
        form.limit = known if known < _NONE else None
        form.max_length = min(form.max_length, known)
        form.padding = replace(form.padding, longest=_rounded(form.max_length, known))
        form.rows = min((each.rows for each in everything if each.highest == highest), default=None)

    def _check_room(self, form: Form) -> None:
        """Refuse a longest input that leaves no room for the texts."""
        taken = self.tokenizer.num_special_tokens_to_add(pair=len(self.columns) > 1)
        require_room(form.max_length, taken, len(self.columns), self.where)

    def _highest_id(self) -> int:
        """The highest token id that the tokenizer makes of ordinary text."""
        spared = set(self.tokenizer.all_special_ids)
        ids = self.tokenizer.get_vocab().values()
        return max((number for number in ids if number not in spared), default=0)

    def _lookups(self, row: Encoded, form: Form) -> list[Lookup]:
        with watch_lookups() as seen:
            try:
                self.model(**collate(row, np.arange(1), form.padding.unpadded()))
            except Exception:  # noqa: BLE001 - what was looked up before tells more; see _alone
                return list(seen)
        return list(seen)

    def _check_alone(self, row: Encoded, form: Form) -> None:
        """One row, not padded: it gets as many scores as the task has, the same ones each time."""
        logits = self._alone(row, form)
        if logits.shape != (1, self.outputs):
            raise self.misfit(
                f"{self.kind} gives {list(logits.shape)} numbers for a row, "
                f"and the task needs [1, {self.outputs}]"
            )
        if not np.isfinite(logits).all():
            raise self.misfit(
                f"{self.kind} gives {logits.ravel()[~np.isfinite(logits.ravel())][0]} as a score "
                "before it is trained: its weights are damaged"
            )
        if not same_scores(self._alone(row, form), logits):
            raise self.misfit(
                f"{self.kind} gives the same row another score each time: "
                "it draws random numbers when it predicts"
            )

    def _alone(self, row: Encoded, form: Form) -> npt.NDArray[np.float32]:
        try:
            return self._logits(row, np.arange(1), form.padding.unpadded())
        except Exception as error:
            raise self.misfit(
                f"{self.kind} cannot score a text of {len(row.ids)} tokens: {in_words(error)}"
            ) from error

    def _choose_padding(self, short: Encoded, long: Encoded, form: Form) -> None:
        """Find how rows of several lengths go together without changing each other's scores."""
        alone = np.concatenate([self._alone(row, form) for row in (short, long)])
        both = joined([short, long])
        order = np.arange(2)
        for padding in self._candidates(form.padding):
            try:
                together = self._logits(both, order, padding)
            except Exception:  # noqa: BLE001, S112 - then it is not this one
                continue
            if same_scores(together, alone):
                form.padding = padding
                return
        pair = [short, other_tokens(short, self.tokenizer)]
        twice = joined(pair)
        single = np.concatenate([self._alone(row, form) for row in pair])
        form.padding = form.padding.unpadded()
        try:
            together = self._logits(twice, order, form.padding)
        except Exception as error:
            raise self.misfit(
                f"{self.kind} cannot score two rows at once: {in_words(error)}"
            ) from error
        if not same_scores(together, single):
            raise self.misfit(
                f"{self.kind} gives a row another score when other rows are beside it, "
                "so that no score would be the row's own"
            )
        form.warnings.append(
            f"Padding changes what {self.kind} makes of a row: only rows of the same length go "
            "through it together, which is slower."
        )

    def _candidates(self, padding: Padding) -> Iterator[Padding]:
        """Ways to pad, the usual one first."""
        yield padding
        texts, own = self._text_config(), self.model.config
        before = texts.pad_token_id, own.pad_token_id
        if padding.id not in before:
            texts.pad_token_id = own.pad_token_id = padding.id
            yield padding
            texts.pad_token_id, own.pad_token_id = before
        yield replace(padding, left=True)

    def _check_longest(self, form: Form) -> None:
        """Try the longest row; where the model takes none so long, find how long one may be."""
        if self._takes(form.max_length, form):
            return
        works, fails = 0, form.max_length
        while fails - works > 1:
            middle = (works + fails) // 2
            works, fails = (middle, fails) if self._takes(middle, form) else (works, middle)
        if works < len(self.row(SHORT, form.max_length).ids):
            self._alone(self.row(SHORT, form.max_length), form)  # which may say why
            raise self.misfit(f"{self.kind} takes inputs of at most {works} tokens")
        form.warnings.append(
            f"{self.kind} takes no more than {works} tokens at once: inputs are cut there, "
            f"not at {form.max_length}."
        )
        form.max_length = form.limit = works
        form.padding = replace(form.padding, longest=works)

    def _takes(self, length: int, form: Form) -> bool:
        """Whether the model scores a row of that length, filled up as it would be."""
        try:
            row = self.row(4 * length, length)
            self._logits(row, np.arange(1), form.padding)
        except Exception:  # noqa: BLE001 - whatever it is: not at this length
            return False
        return True

    def _tell_tokenizer(self, form: Form) -> None:
        """Let the tokenizer that is saved with the model say what was found."""
        side = "left" if form.padding.left else "right"
        self.tokenizer.padding_side = self.tokenizer.init_kwargs["padding_side"] = side
        if form.limit is not None:
            self.tokenizer.model_max_length = form.limit

    def row(self, words: int, max_length: int) -> Encoded:
        """A row of about so many words a column, cut at so many tokens."""
        try:
            return sample_row(self.tokenizer, self.columns, words, max_length)
        except Exception as error:
            raise self.misfit(f"its tokenizer cannot encode a text: {in_words(error)}") from error

    def _logits(
        self, encoded: Encoded, rows: npt.NDArray[np.int64], padding: Padding
    ) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            found = self.model(**collate(encoded, rows, padding)).logits
        logits: npt.NDArray[np.float32] = found.float().numpy()
        return logits

    @property
    def kind(self) -> str:
        """The model's class, for messages."""
        return type(self.model).__name__

    def misfit(self, what: str, remedy: str = "") -> ModelError:
        """The error for what does not fit."""
        return ModelError(what, where=self.where, remedy=remedy)


def _rounded(length: int, limit: int) -> int:
    return min(-(-length // 8) * 8, limit)
