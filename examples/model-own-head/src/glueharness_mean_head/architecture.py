"""BERT with another head: the mean over the tokens, then two layers.

Notation: b = rows, s = tokens, h = hidden size, k = labels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    BertModel,
    BertPreTrainedModel,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from glueharness_mean_head import MODEL_TYPE


class MeanHeadConfig(BertConfig):
    """BERT's configuration under another name, so that a saved model finds its class."""

    model_type = MODEL_TYPE


class MeanHead(nn.Module):
    """Mean over the tokens, one hidden layer, one output per label."""

    def __init__(self, config: MeanHeadConfig) -> None:
        super().__init__()
        rate = config.classifier_dropout
        self.dropout = nn.Dropout(config.hidden_dropout_prob if rate is None else rate)
        self.hidden = nn.Linear(config.hidden_size, config.hidden_size)
        self.outputs = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Scores ``[b, k]`` from token states ``[b, s, h]`` and their mask ``[b, s]``."""
        weights = mask.to(states.dtype)[:, :, None]  # [b, s, 1]
        mean = (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)  # [b, h]
        scores: torch.Tensor = self.outputs(self.dropout(torch.tanh(self.hidden(mean))))
        return scores


class BertWithMeanHead(BertPreTrainedModel):
    """The classifier. Its encoder uses BERT's names, so that BERT's checkpoints fit."""

    config_class = MeanHeadConfig

    def __init__(self, config: MeanHeadConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = BertModel(config, add_pooling_layer=False)
        self.head = MeanHead(config)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        **more: Any,
    ) -> SequenceClassifierOutput:
        """Scores ``[b, k]`` for token ids ``[b, s]``."""
        more.pop("labels", None)
        states = self.bert(
            input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, **more
        ).last_hidden_state  # [b, s, h]
        mask = torch.ones(states.shape[:2]) if attention_mask is None else attention_mask
        return SequenceClassifierOutput(logits=self.head(states, mask.to(states.device)))


AutoConfig.register(MODEL_TYPE, MeanHeadConfig)
AutoModelForSequenceClassification.register(MeanHeadConfig, BertWithMeanHead)
