"""The Hugging Face hub for the plugins that read from it: is it there, what do its answers mean?

A library, not a plugin: data and weights are asked for through the hub's own client, with its
token, endpoint, proxies and time-outs. What is *absent* (nothing can be connected to) is told
apart from a hub that refuses, fails or is slow; only the former lets anybody fall back.
"""

from glueharness_hub.dataset import (
    HubDataset,
    datasets_cache,
    fetch_dataset,
    prepared_name,
    read_prepared,
    unmistakable,
)
from glueharness_hub.download import DamagedDownload, download
from glueharness_hub.environment import check_environment
from glueharness_hub.explanation import Explanation, explain, in_words
from glueharness_hub.quiet import quiet_client, quiet_datasets
from glueharness_hub.request import (
    Repository,
    Unreachable,
    ask,
    endpoint,
    why_not_asked,
    why_unreachable,
)

__all__ = [
    "DamagedDownload",
    "Explanation",
    "HubDataset",
    "Repository",
    "Unreachable",
    "ask",
    "check_environment",
    "datasets_cache",
    "download",
    "endpoint",
    "explain",
    "fetch_dataset",
    "in_words",
    "prepared_name",
    "quiet_client",
    "quiet_datasets",
    "read_prepared",
    "unmistakable",
    "why_not_asked",
    "why_unreachable",
]
