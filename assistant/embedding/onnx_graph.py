"""Builds the embedded encoder as an ONNX graph, in float32 or in 8 bits.

The graph takes the sums of word, position and type embeddings, (texts, tokens, hidden),
and gives the last hidden states, of the same shape. The lookup of words stays outside,
so the 96 million numbers of the word embedding are never loaded; so does the mean over
tokens. There is no mask: texts of one run have the same length, mostly there is one.

In 8 bits, each matrix has one scale a column and each token's activations one scale of
their own, found as it is computed. So a vector does not depend on what else is in the
batch, and a few tokens with huge activations do not coarsen all others, which is what
costs plain dynamic quantisation its quality. More things keep the error low, each where
measurements showed it; all but the first two are free:
- Matrices that carry much of the error for little of the time stay in float32: all value
  matrices, the attention of the last layers, and a few first matrices of feed-forwards.
- The inputs of query, key and the feed-forward's first matrix have a few channels far
  larger than the rest. Each channel's mean is subtracted and the rest divided by a power
  of two, by which the matrix's row is multiplied (Xiao et al., "SmoothQuant", 2023,
  migration strength 1/2).
- Matrices are rounded for the activations of a sample (`onnx_rounding`).
- What rounding does to the product of the mean activation goes into the bias.
- GELU is never below -0.17, so its output gets nearly all of the unsigned range.

`SkipLayerNormalization` is not used: its processor kernel takes three times as long as
an addition and a plain `LayerNormalization`. The engine must keep ONNX Runtime from
putting it back (`DISABLED_OPTIMIZERS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.onnx_rounding import round_matrix
from assistant.embedding.weights_file import Weights

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

Activations = dict[str, NDArray[np.float32]]  # name -> values of a sample, (tokens, channels)

INPUT, OUTPUT = "embeddings", "hidden"
DISABLED_OPTIMIZERS = ["SkipLayerNormFusion"]

_CONTRIB = "com.microsoft"
_OPSETS = {"": 17, _CONTRIB: 1}
_IR_VERSION = 8
_FLOAT_ATTENTION = 2  # last layers whose attention stays in float32
_FLOAT_FEED = (-4, -3, -2)  # layers, from the end, whose first feed-forward matrix does
_LEAST_GELU = -0.17  # GELU's minimum is -0.16997
_GELU_ZERO = 24  # the byte that stands for 0 in the output of GELU
_TINY = np.float32(1e-9)  # least scale of a token, so that zeros do not divide by zero


def build_graph(weights: Weights, activations: Activations | None) -> ModelProto:
    """Build the encoder: in 8 bits with the activations of a sample, else in float32.

    The float32 graph also outputs every activation that the other one needs.
    """
    return _Builder(weights, activations).build()


def observed_activations(layers: int) -> list[str]:
    """Names of the activations that matrices are multiplied with, in their order."""
    parts = ("input", "context", "attended", "inner")
    return [f"layer{layer}.{part}" for layer in range(layers) for part in parts]


def smoothing_of(
    values: NDArray[np.float32], matrices: list[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Choose each channel's divisor from a sample and the matrices, (input, output), it meets.

    It is sqrt(largest activation / largest weight) over its geometric mean, rounded to a
    power of two so that multiplying with it is exact.
    """
    maximum = np.abs(values).max(axis=0)
    largest = np.max([np.abs(matrix).max(axis=1) for matrix in matrices], axis=0)
    exponents = np.log2(np.maximum(maximum, 1e-3) / np.maximum(largest, 1e-4)) / 2
    return np.asarray(np.exp2(np.round(exponents - exponents.mean())), np.float32)


@dataclass(frozen=True, slots=True)
class _Smoothing:
    """What is done to an activation before it is quantised, and its values in the sample."""

    sample: NDArray[np.float32]  # (tokens, channels), before
    mean: NDArray[np.float32]  # of the sample, (channels,)
    shift: NDArray[np.float32]  # subtracted
    divisor: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Quantised:
    """An activation as bytes, with what turns products of it back into numbers."""

    name: str
    token_scale: str  # name of the factor of each token
    scale: float  # of one step, before the token's factor
    zero: int


class _Builder:
    """Collects nodes and constants; every method returns the name of what it computes."""

    def __init__(self, weights: Weights, activations: Activations | None) -> None:
        self._weights = weights
        self._sizes = weights.architecture
        self._activations = activations
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def build(self) -> ModelProto:
        from onnx import helper

        x = self._norm(INPUT, "emb.ln", "layer0.input")
        for layer in range(self._sizes.layers):
            x = self._layer(x, layer)
        outputs = {OUTPUT: self._sizes.hidden}
        if self._activations is None:
            for name in observed_activations(self._sizes.layers):
                is_inner = name.endswith(".inner")
                outputs[name] = self._sizes.feed_forward if is_inner else self._sizes.hidden
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [self._tokens_of(INPUT, self._sizes.hidden)],
            [self._tokens_of(name, width) for name, width in outputs.items()],
            self._constants,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def _layer(self, x: str, layer: int) -> str:
        own, name = f"l{layer}.", f"layer{layer}."
        products, biases = zip(*self._linears(x, [own + part for part in "qkv"]), strict=True)
        attended = self._node(
            "MultiHeadAttention",
            [*products, self._constant(np.concatenate(biases))],
            name=name + "context",
            domain=_CONTRIB,
            num_heads=self._sizes.heads,
        )
        ((added, bias),) = self._linears(attended, [own + "ao"])
        x = self._residual_norm(x, added, bias, own + "aln", name + "attended")
        ((inner, bias),) = self._linears(x, [own + "fi"])
        inner = self._node(
            "BiasGelu", [inner, self._constant(bias)], name=name + "inner", domain=_CONTRIB
        )
        ((added, bias),) = self._linears(inner, [own + "fo"])
        is_last = layer == self._sizes.layers - 1
        name = OUTPUT if is_last else f"layer{layer + 1}.input"
        return self._residual_norm(x, added, bias, own + "oln", name)

    def _residual_norm(
        self, x: str, added: str, bias: NDArray[np.float32], norm: str, name: str
    ) -> str:
        added = self._node("Add", [added, self._constant(bias)])
        return self._norm(self._node("Add", [added, x]), norm, name)

    def _norm(self, x: str, norm: str, name: str) -> str:
        return self._node(
            "LayerNormalization",
            [x, self._tensor(norm + ".w"), self._tensor(norm + ".b")],
            name=name,
            epsilon=self._sizes.epsilon,
        )

    def _stays_in_float(self, name: str) -> bool:
        if self._activations is None:
            return True
        layer, _, part = name.removeprefix("l").partition(".")
        from_end = int(layer) - self._sizes.layers
        if part == "fi":
            return from_end in _FLOAT_FEED
        return part == "v" or (part in ("q", "k", "ao") and from_end >= -_FLOAT_ATTENTION)

    def _linears(self, x: str, names: list[str]) -> list[tuple[str, NDArray[np.float32]]]:
        """Products of `x` with matrices, each with the bias that is still to be added."""
        matrices = {name: self._weights.tensor(name + ".w").T for name in names}
        in_bytes = [name for name in names if not self._stays_in_float(name)]
        if in_bytes:
            smoothing = self._smoothing(x, [matrices[name] for name in in_bytes])
            quantised = self._quantise(x, smoothing)
        products = []
        for name, matrix in matrices.items():
            bias = self._weights.tensor(name + ".b")
            if name in in_bytes:
                products.append(self._product(quantised, smoothing, matrix, bias))
            else:
                products.append((self._node("MatMul", [x, self._constant(matrix)]), bias))
        return products

    def _smoothing(self, x: str, matrices: list[NDArray[np.float32]]) -> _Smoothing:
        """Inputs of attention and feed-forward are smoothed, others left as they are."""
        assert self._activations is not None
        sample = self._activations[x]
        mean = sample.mean(axis=0)
        if _is_smoothed(x):
            return _Smoothing(sample, mean, mean, smoothing_of(sample - mean, matrices))
        return _Smoothing(sample, mean, np.zeros_like(mean), np.ones_like(mean))

    def _quantise(self, x: str, smoothing: _Smoothing) -> _Quantised:
        if x.endswith(".inner"):
            return self._quantise_gelu(x)
        if _is_smoothed(x):
            x = self._node("Sub", [x, self._constant(smoothing.shift)])
            x = self._node("Mul", [x, self._constant(1 / smoothing.divisor)])
        absolute = self._node("Abs", [x])
        # Bytes around 128; each token's largest absolute value becomes 127 steps.
        return self._quantise_by(x, self._token_maximum(absolute, _TINY), 1 / 127, 128)

    def _quantise_gelu(self, x: str) -> _Quantised:
        """Bytes with room below zero for GELU's least value only."""
        steps = 255 - _GELU_ZERO
        least = np.float32(-_LEAST_GELU * steps / _GELU_ZERO)
        return self._quantise_by(x, self._token_maximum(x, least), 1 / steps, _GELU_ZERO)

    def _token_maximum(self, x: str, least: np.float32) -> str:
        maximum = self._node("ReduceMax", [x], axes=[-1], keepdims=1)
        return self._node("Max", [maximum, self._constant(np.float32(least))])

    def _quantise_by(self, x: str, token_scale: str, scale: float, zero: int) -> _Quantised:
        relative = self._node("Div", [x, token_scale])
        scale_and_zero = [self._constant(np.float32(scale)), self._constant(np.uint8(zero))]
        name = self._node("QuantizeLinear", [relative, *scale_and_zero])
        return _Quantised(name, token_scale, scale, zero)

    def _product(
        self,
        x: _Quantised,
        smoothing: _Smoothing,
        matrix: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> tuple[str, NDArray[np.float32]]:
        """Product with a matrix, (input, output), in signed bytes, and the corrected bias."""
        centred = (smoothing.sample - smoothing.mean) / smoothing.divisor
        rows = smoothing.divisor[:, np.newaxis]
        rounded, scales = round_matrix(matrix * rows, centred)
        product = self._node(
            "MatMulIntegerToFloat",
            [
                x.name,
                self._constant(rounded),
                self._constant(np.float32(x.scale)),
                self._constant(scales),
                self._constant(np.uint8(x.zero)),
            ],
            domain=_CONTRIB,
        )
        # The mean activation gives exactly what it gives in float32.
        found = (smoothing.mean - smoothing.shift) @ (rounded * scales / rows)
        bias = bias + smoothing.mean @ matrix - found
        return self._node("Mul", [product, x.token_scale]), bias.astype(np.float32)

    def _tokens_of(self, name: str, width: int) -> ValueInfoProto:
        from onnx import TensorProto, helper

        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", "tokens", width])

    def _node(
        self, kind: str, inputs: list[str], *, name: str = "", domain: str = "", **options: Any
    ) -> str:
        from onnx import helper

        name = name or f"{kind}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], domain=domain, **options))
        return name

    def _tensor(self, name: str) -> str:
        return self._constant(self._weights.tensor(name))

    def _constant(self, values: np.generic | NDArray[np.generic]) -> str:
        from onnx import numpy_helper

        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name


def _is_smoothed(name: str) -> bool:
    return name.endswith((".input", ".attended"))
