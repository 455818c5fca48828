"""Adapters per language or per script, trained together: which of them each token goes through
(MAD-X, arXiv 2005.00052; X-MOD, arXiv 2205.06266).

The adapters are low-rank ones in peft's layers. peft chooses among several for whole rows, and only
at inference; here the rows of a batch lie in one row without padding, and are trained.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from transliconet.errors import ConfigError, Option
from transliconet.language_codes import romanized_tag
from transliconet.language_tag import LanguageTag

log = logging.getLogger(__name__)

LANGUAGE, SCRIPT = "language", "script"
PER = (LANGUAGE, SCRIPT)
MEAN = -1
"""Number of the mean of all trained adapters, which text of any other language goes through."""


def adapter_name(tag: str, per: str) -> str:
    """The name of the adapter of a tag: the code of its language or of its script.

    >>> adapter_name("hin_Deva", "language"), adapter_name("hin_Deva", "script")
    ('hin', 'Deva')
    """
    language, _, script = tag.partition("_")
    return language if per == LANGUAGE else script


def adapter_names(tags: Sequence[str], per: str) -> list[str]:
    """The names of the adapters that are trained on text of these languages and on its
    romanization, each once.

    >>> adapter_names(["hin_Deva", "rus_Cyrl", "ukr_Cyrl"], "script")
    ['Cyrl', 'Deva', 'Latn']
    """
    names = {adapter_name(tag, per) for tag in tags}
    names |= {adapter_name(romanized_tag(tag), per) for tag in tags}
    return sorted(names)


def adapter_number(name: str, names: Sequence[str]) -> int:
    """The place of an adapter among those that there are; :data:`MEAN` if it is none of them."""
    return names.index(name) if name in names else MEAN


def adapted_layers(model: nn.Module) -> dict[str, Any]:
    """Path → layer, of the layers with an adapter."""
    return {path: layer for path, layer in model.named_modules() if hasattr(layer, "lora_A")}


def inject(config: Any, body: nn.Module, name: str) -> None:
    """Put one more adapter of peft into a base model."""
    import peft

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config`")  # several are meant
        peft.inject_adapter_in_model(config, body, adapter_name=name)


class AdapterChoice:
    """The adapters of an encoder by name, and which of them the tokens of a forward pass go
    through.

    Args:
        per: ``language`` or ``script``.
        names: of the adapters, in the order of their numbers.
    """

    def __init__(self, per: str, names: Sequence[str]) -> None:
        self.per, self.names = per, tuple(names)
        self.missing: set[str] = set()  # what a warning has been given of
        self._layers: list[Any] = []
        self._tokens: _SortedTokens | None = None

    def number(self, tag: str | None) -> int:
        """The number of the adapter of a text; :data:`MEAN`, and a warning, where its language or
        script has none.

        Args:
            tag: such as ``hin_Deva``, or ``hin_Latn`` of romanized text.

        Raises:
            ConfigError: no tag is given.
            DataError: it is not a language tag.
        """
        if tag is None:
            raise self.no_tag()
        parsed = LanguageTag.parse(tag, Option("language", tag), likely=True)
        name = adapter_name(str(parsed), self.per)
        number = adapter_number(name, self.names)
        if number == MEAN and name not in self.missing:
            log.warning("no adapter for %s: its text goes through the mean of all", name)
            self.missing.add(name)
        return number

    def no_tag(self) -> ConfigError:
        """The error of texts that are encoded without saying what they are."""
        return ConfigError(
            Option("language", None),
            f"the encoder has adapters per {self.per}",
            "Give the tag of the texts, language=hin_Deva, or merge the adapters",
            code="TLN-CONFIG-413",
        )

    @contextmanager
    def for_tokens(self, numbers: Tensor) -> Iterator[None]:
        """Within the block, token i of a forward pass goes through adapter ``numbers[i]``.

        Args:
            numbers: (T,) int64 numbers of adapters, or :data:`MEAN`.
        """
        tokens = _SortedTokens.from_numbers(numbers, self.names, self.trained)
        before, self._tokens = self._tokens, tokens
        try:
            yield
        finally:
            self._tokens = before

    def attach(self, masked_lm: nn.Module) -> None:
        """Let the layers of peft in a model add the chosen adapters to what they compute.

        Args:
            masked_lm: has all of the adapters.
        """
        self._layers = list(adapted_layers(masked_lm).values())
        for layer in self._layers:
            layer.set_adapter([])  # peft's own choice: none
            layer.register_forward_hook(self._add_chosen)

    def trained(self) -> list[str]:
        """The names of the adapters that change anything. One that no text was trained on is as it
        started, a change of zero.
        """
        names = []
        for name in self.names:
            if any(bool(layer.lora_B[name].weight.any()) for layer in self._layers):
                names.append(name)
        return names

    def _add_chosen(self, layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """A forward hook: (1, T, H) output of the adapted layer, and of each token its adapter's
        :math:`s B A x` beside it.
        """
        tokens = self._tokens
        if tokens is None or not tokens.groups or layer.disable_adapters:
            return output
        # (T', in), adapter after adapter; indexing would add gradients up one by one
        states = inputs[0].flatten(0, -2).index_select(0, tokens.order)
        changes = []
        for (names, _), part in zip(tokens.groups, states.split(tokens.sizes), strict=True):
            of_group = [_change(layer, name, part) for name in names]  # (t, out) each
            changes.append(of_group[0] if len(names) == 1 else torch.stack(of_group).mean(0))
        change = torch.cat(changes).to(output.dtype)  # (T', out)
        sums = output.flatten(0, -2).index_add(0, tokens.order, change)
        return sums.view_as(output)


def _change(layer: Any, name: str, states: Tensor) -> Tensor:
    """(t, in) states → (t, out), what an adapter adds to the output of its layer."""
    low = layer.lora_A[name](layer.lora_dropout[name](states))  # (t, r)
    change: Tensor = layer.lora_B[name](low) * layer.scaling[name]
    return change


class _SortedTokens:
    """The tokens of a forward pass, adapter after adapter.

    Args:
        order: (T,) places of the tokens; (T',) without those that no adapter changes.
        groups: names of adapters, whose mean the next tokens of ``order`` go through, and the
            number of these tokens.
    """

    def __init__(self, order: Tensor, groups: Sequence[tuple[Sequence[str], int]]) -> None:
        self.order, self.groups = order, groups
        self.sizes = [size for _, size in groups]

    @classmethod
    def from_numbers(
        cls, numbers: Tensor, names: Sequence[str], trained: Callable[[], Sequence[str]]
    ) -> "_SortedTokens":
        """From the number of the adapter of each token, (T,) int64.

        Args:
            numbers: of adapters, or :data:`MEAN`.
            names: of adapters by number.
            trained: gives those that the mean is of.
        """
        order = numbers.argsort(stable=True)  # (T,), those of MEAN first
        found, counts = (values.tolist() for values in numbers.unique(return_counts=True))
        groups: list[tuple[Sequence[str], int]] = []
        for number, size in zip(found, counts, strict=True):
            of_group = trained() if number == MEAN else [names[number]]
            if not of_group:  # nothing has been trained yet
                order = order[size:]
            else:
                groups.append((of_group, size))
        return cls(order, groups)
