"""Builds the embedded encoder as an ONNX graph, in float32 or in 8 bits.

The graph takes the sums of word, position and type embeddings, (texts, tokens, hidden),
and gives the last hidden states, of the same shape. The lookup of words stays outside,
so the 96 million numbers of the word embedding are never loaded; so does the mean over
tokens. There is no mask: texts of one run have the same length, mostly there is one.

In 8 bits, each matrix has one scale a column and each token's activations one scale of
their own, found as it is computed. So a vector does not depend on what else is in the
batch, and a few tokens with huge activations do not coarsen all others, which is what
costs plain dynamic quantisation its quality. Three more things keep the error low, each
where measurements showed it:
- The inputs of query, key and value and of the feed-forward's first matrix have a few
  channels far larger than the rest. Each channel is divided by a power of two and the
  matrix's row multiplied by it (Xiao et al., "SmoothQuant", 2023, migration strength 1/2).
- The values of the last layers stay in float32: they carry most of the error there is.
- GELU is never below -0.17, so its output gets nearly all of the unsigned range.

`SkipLayerNormalization` is not used: its processor kernel takes three times as long as
an addition and a plain `LayerNormalization`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.weights_file import Weights

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

Smoothing = dict[str, NDArray[np.float32]]  # activations' name -> divisor of each channel

INPUT, OUTPUT = "embeddings", "hidden"

_CONTRIB = "com.microsoft"
_OPSETS = {"": 17, _CONTRIB: 1}
_IR_VERSION = 8
_FLOAT_VALUES = 5  # last layers whose value matrices stay in float32
_LEAST_GELU = -0.17  # GELU's minimum is -0.16997
_GELU_ZERO = 24  # the byte that stands for 0 in the output of GELU
_TINY = np.float32(1e-9)  # least scale of a token, so that zeros do not divide by zero


def build_graph(weights: Weights, smoothing: Smoothing | None) -> ModelProto:
    """Build the encoder: in 8 bits with a smoothing, in float32 without one.

    The float32 graph also outputs every activation that `smoothing` must name.
    """
    return _Builder(weights, smoothing).build()


def smoothed_activations(layers: int) -> list[str]:
    """Names of the activations that are smoothed: inputs of attention and feed-forward."""
    return [f"layer{layer}.{part}" for layer in range(layers) for part in ("input", "attended")]


def smoothing_of(weights: Weights, maxima: dict[str, NDArray[np.float32]]) -> Smoothing:
    """Choose each channel's divisor from the largest absolute activation seen in it.

    It is sqrt(activation / weight) over its geometric mean, rounded to a power of two so
    that it does not depend on the last bits of the machine that measured the maxima.
    """
    smoothing = {}
    for name, maximum in maxima.items():
        layer, _, part = name.removeprefix("layer").partition(".")
        readers = "qkv" if part == "input" else ("fi",)
        largest = np.max(
            [np.abs(weights.tensor(f"l{layer}.{reader}.w")).max(axis=0) for reader in readers],
            axis=0,
        )
        exponents = np.log2(np.maximum(maximum, 1e-3) / np.maximum(largest, 1e-4)) / 2
        smoothing[name] = np.exp2(np.round(exponents - exponents.mean())).astype(np.float32)
    return smoothing


class _Quantised:
    """An activation as bytes, with what turns products of it back into numbers."""

    def __init__(self, name: str, token_scale: str, scale: float, zero: int) -> None:
        self.name = name
        self.token_scale = token_scale  # name of the factor of each token
        self.scale = scale  # of one step, before the token's factor
        self.zero = zero


class _Builder:
    """Collects nodes and constants; every method returns the name of what it computes."""

    def __init__(self, weights: Weights, smoothing: Smoothing | None) -> None:
        self._weights = weights
        self._sizes = weights.architecture
        self._smoothing = smoothing
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._observed: list[str] = []

    def build(self) -> ModelProto:
        from onnx import TensorProto, helper

        x = self._norm(INPUT, "emb.ln", "layer0.input")
        for layer in range(self._sizes.layers):
            x = self._layer(x, layer)
        shape: list[str | int | None] = ["texts", "tokens", self._sizes.hidden]
        observed = self._observed if self._smoothing is None else []
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name in (OUTPUT, *observed)
            ],
            self._constants,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def _layer(self, x: str, layer: int) -> str:
        own = f"l{layer}."
        query, key, value = self._linears(
            x,
            [own + "q", own + "k", own + "v"],
            in_float={own + "v"} if layer >= self._sizes.layers - _FLOAT_VALUES else set(),
        )
        biases = np.concatenate([self._weights.tensor(f"{own}{part}.b") for part in "qkv"])
        attended = self._node(
            "MultiHeadAttention",
            [query, key, value, self._constant(biases)],
            domain=_CONTRIB,
            num_heads=self._sizes.heads,
        )
        (attended,) = self._linears(attended, [own + "ao"])
        x = self._residual_norm(x, attended, own + "ao.b", own + "aln", f"layer{layer}.attended")
        (inner,) = self._linears(x, [own + "fi"])
        inner = self._node("BiasGelu", [inner, self._tensor(own + "fi.b")], domain=_CONTRIB)
        (fed,) = self._linears(inner, [own + "fo"], follows_gelu=True)
        is_last = layer == self._sizes.layers - 1
        name = OUTPUT if is_last else f"layer{layer + 1}.input"
        return self._residual_norm(x, fed, own + "fo.b", own + "oln", name)

    def _residual_norm(self, x: str, added: str, bias: str, norm: str, name: str) -> str:
        added = self._node("Add", [added, self._tensor(bias)])
        return self._norm(self._node("Add", [added, x]), norm, name)

    def _norm(self, x: str, norm: str, name: str) -> str:
        if name != OUTPUT:
            self._observed.append(name)
        return self._node(
            "LayerNormalization",
            [x, self._tensor(norm + ".w"), self._tensor(norm + ".b")],
            name=name,
            epsilon=self._sizes.epsilon,
        )

    def _linears(
        self,
        x: str,
        names: list[str],
        *,
        in_float: set[str] | None = None,
        follows_gelu: bool = False,
    ) -> list[str]:
        """Products of `x` with matrices, which share its quantised form; no biases."""
        if self._smoothing is None:
            in_float = set(names)
        in_float = in_float or set()
        divisor = (self._smoothing or {}).get(x)
        quantised = None
        if len(in_float) < len(names):
            quantised = self._quantise_gelu(x) if follows_gelu else self._quantise(x, divisor)
        products = []
        for name in names:
            matrix = self._weights.tensor(name + ".w").T
            if name in in_float or quantised is None:
                products.append(self._node("MatMul", [x, self._constant(matrix)]))
            else:
                if divisor is not None:
                    matrix = matrix * divisor[:, np.newaxis]
                products.append(self._product(quantised, matrix))
        return products

    def _quantise(self, x: str, divisor: NDArray[np.float32] | None) -> _Quantised:
        """Bytes around 128; each token's largest absolute value becomes 127 steps."""
        if divisor is not None:
            x = self._node("Mul", [x, self._constant(1 / divisor)])
        absolute = self._node("Abs", [x])
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

    def _product(self, x: _Quantised, matrix: NDArray[np.float32]) -> str:
        """Product with a matrix, (input, output), in signed bytes of one scale a column."""
        scales = np.maximum(np.abs(matrix).max(axis=0) / 127, _TINY).astype(np.float32)
        product = self._node(
            "MatMulIntegerToFloat",
            [
                x.name,
                self._constant(np.round(matrix / scales).astype(np.int8)),
                self._constant(np.float32(x.scale)),
                self._constant(scales),
                self._constant(np.uint8(x.zero)),
            ],
            domain=_CONTRIB,
        )
        return self._node("Mul", [product, x.token_scale])

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
