// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"
#include "core/quant/scale_layout.h"

#include <functional>
#include <string>
#include <vector>

// What QKeras' two experimental quantizers with a power-of-two step have in common
// (arXiv 2210.03671). Used inside core/quant only.
namespace bitscape::quant {

/// y = s · clip(rne(x / s), −qn, qp) with s = 2^e; without negative values x is rectified first.
class Po2Scaled : public Quantizer {
public:
    Po2Scaled(const QuantizerInfo& info, Parameters given);

    [[nodiscard]] std::string toString() const override;
    [[nodiscard]] Result<void> accepts(const Shape& shape) const override;
    [[nodiscard]] Warnings notes(const Shape& shape) const override;
    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override;
    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext& call) const override;
    [[nodiscard]] Fit fit(TensorView x, const CallContext& call) const override;
    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override;
    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double min() const override { return m_lowCode < 0.0F ? -max() : 0.0; }
    /// As QKeras' before the first call.
    [[nodiscard]] double max() const override { return 1.0; }
    [[nodiscard]] bool isSigned() const override { return m_lowCode < 0.0F; }
    [[nodiscard]] bool isElementwise() const override { return false; }

protected:
    /// s for every scale of the layout; x is rectified already.
    [[nodiscard]] virtual std::vector<float> scalesFor(TensorView x,
                                                       const ScaleLayout& layout) const = 0;

    [[nodiscard]] ScaleLayout layoutOf(const Shape& shape) const;
    [[nodiscard]] float lowCode() const { return m_lowCode; }   ///< −qn
    [[nodiscard]] float highCode() const { return m_highCode; } ///< qp
    /// x where negative values are kept, else max(x, 0).
    [[nodiscard]] float rectified(float x) const;
    [[nodiscard]] Tensor rectified(TensorView x) const;
    [[nodiscard]] float codeOf(float x, float scale) const;
    /// Whether rounding does not clip: gradients pass.
    [[nodiscard]] bool isInside(float x, float scale) const;

    /// Standard deviation of the finite elements that share a scale.
    [[nodiscard]] static std::vector<float> deviations(TensorView x, const ScaleLayout& layout);
    /// Σ (x − Q(x))² over the finite elements that share a scale and are no larger than its limit;
    /// no limits: all.
    [[nodiscard]] std::vector<double> errors(TensorView x, const ScaleLayout& layout,
                                             const std::vector<float>& scales,
                                             const std::vector<float>& limits) const;

private:
    int m_bits;
    float m_lowCode, m_highCode;
};

/// InvalidArgument for widths without levels, bad starts, and what would need memory between calls.
[[nodiscard]] Result<void> checkPo2Scaled(const QuantizerInfo& info, const Parameters& parameters);
/// The parameters of both, in QKeras' order.
[[nodiscard]] std::vector<ParameterInfo> po2ScaledParameters();

} // namespace bitscape::quant
