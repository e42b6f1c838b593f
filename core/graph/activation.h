// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/op.h"
#include "core/quant/quantizer.h"
#include "core/tensor/byte_convolution.h"
#include "core/tensor/tensor.h"

#include <optional>
#include <utility>

namespace bitscape::graph {

/// y = f(x) over rows × channels (softmax runs along the channels). y may be x.
void applyFunction(const Function& f, const float* x, Index rows, Index channels, float* y);

/// Which values a gradient is computed from.
enum class GradientReads { Nothing, Input, Output };
[[nodiscard]] GradientReads gradientReads(const Function& f);
/// dx = dy · f'. `values` are x or y, as gradientReads() says. dx may be dy.
void functionGradient(const Function& f, const float* values, const float* dy, Index rows,
                      Index channels, float* dx);

/// The range a function clamps to, if that is all it does (relu, capped relu).
[[nodiscard]] std::optional<std::pair<float, float>> clampOf(const Function& f);

/// What happens to a layer's output: its function, or the quantizer that replaces it.
struct Activation {
    Function function;
    quant::QuantizerPtr quantizer; ///< may be null

    [[nodiscard]] bool isNothing() const { return !quantizer && function.isLinear(); }
    /// Training learns parameters of the quantizer.
    [[nodiscard]] bool isLearned() const { return quantizer && !quantizer->learned().empty(); }
    /// It may be applied to any run of whole pixels.
    [[nodiscard]] bool worksInBlocks() const { return !quantizer || quantizer->isElementwise(); }
    [[nodiscard]] GradientReads reads() const
    {
        return quantizer ? GradientReads::Input : gradientReads(function);
    }
    /// x and y have `shape`; y may be x.
    void apply(const float* x, const Shape& shape, float* y, const quant::CallContext& call) const;
    void gradient(const float* values, const float* dy, const Shape& shape, float* dx,
                  const quant::CallContext& call) const;
};

/// The levels of a quantizer whose values are 0, step … n·step for a power of two as step and n ≤
/// 255; nothing for others.
[[nodiscard]] std::optional<ByteConvolution::InputGrid>
byteLevels(const quant::Quantizer& quantizer);

/// The activation function an op carries; linear for most.
[[nodiscard]] Function functionOf(const Op& op);

} // namespace bitscape::graph
