// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/affine.h"

#include "core/base/rng.h"
#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/parameter_docs.h"
#include "core/quant/rounding.h"
#include "core/quant/scale_layout.h"
#include "core/quant/value.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::quant {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Range {
    double low = 0.0;
    double high = 0.0;
};

/// value = scale · (code − zeroPoint), code = lowCode … highCode.
struct AffineScale {
    float scale = 1.0F;
    float zeroPoint = 0.0F;
    float lowCode = 0.0F;
    float highCode = 0.0F;

    /// The grid around 0: clipping code − zeroPoint is clipping code.
    [[nodiscard]] kernels::AffineGrid grid() const
    {
        return {scale, lowCode - zeroPoint, highCode - zeroPoint};
    }
};

class Affine final : public Quantizer {
public:
    Affine(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)),
          m_bits(static_cast<int>(quant::numberOf(parameters(), "bits"))),
          m_symmetric(flagOf(parameters(), "symmetric")), m_narrow(flagOf(parameters(), "narrow")),
          m_signed(flagOf(parameters(), "signed")),
          m_perChannel(flagOf(parameters(), "per_channel"))
    {
        m_rule.rounding = *roundingByName(*textOf(parameter("rounding")));
        m_rule.overflow = *overflowByName(*textOf(parameter("overflow")));
        const auto low = quant::numberOf(parameter("low"));
        const auto high = quant::numberOf(parameter("high"));
        if (low && high) {
            m_fixed = scaleFor({*low, *high}, true);
        }
        if (!isNone(parameter("scale"))) {
            takeGiven();
        }
    }

    [[nodiscard]] std::string toString() const override { return keywordForm(*this); }

    void apply(TensorView x, MutableTensorView y, const CallContext& call) const override
    {
        if (!m_rule.at(call.training).isPlain()) {
            forEachCode(x, call, [&](Index i, float code, const AffineScale& scale) {
                y.data[i] = scale.scale * (code - scale.zeroPoint);
            });
            return;
        }
        forEachScale(x, [&](Index at, Index count, const AffineScale& scale) {
            kernels::quantizeAffine(x.data + at, y.data + at, count, scale.grid());
        });
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        if (m_rule.overflow == Overflow::Wrap) {
            passGradient(upstream, dx, 1.0F); // the slope is 1 on every branch of the saw
            return;
        }
        forEachScale(x, [&](Index at, Index count, const AffineScale& scale) {
            gradientRun(x.data + at, upstream.data + at, dx.data + at, count, scale);
        });
    }

    [[nodiscard]] Result<void> accepts(const Shape& shape) const override
    {
        if (!m_given || ScaleLayout::broadcasting(shape, m_given->shape)) {
            return {};
        }
        return badParameter(info(), "scale", parameter("scale"),
                            "it does not fit a tensor of the shape " + shape.toString());
    }

    [[nodiscard]] Fit fit(TensorView x, const CallContext&) const override
    {
        const std::vector<AffineScale> scales = m_fixed   ? std::vector{*m_fixed}
                                                : m_given ? m_given->scales
                                                          : scalesOf(x);
        const Shape shape = m_fixed ? Shape{1} : layoutOf(x.shape).scaleShape();
        Fit out{Tensor(shape), Tensor(shape), Tensor(shape)};
        for (std::size_t i = 0; i < scales.size(); ++i) {
            out.scale.values()[i] = out.step.values()[i] = scales[i].scale;
            out.zeroPoint.values()[i] = scales[i].zeroPoint;
        }
        return out;
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext& call) const override
    {
        Tensor out(x.shape);
        forEachCode(x, call,
                    [&](Index i, float code, const AffineScale&) { out.data()[i] = code; });
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double min() const override
    {
        return m_fixed ? m_fixed->scale *
                             (lowestCode(m_rule.overflow, codesOf(*m_fixed)) - m_fixed->zeroPoint)
                       : -kInfinity;
    }
    [[nodiscard]] double max() const override
    {
        return m_fixed ? m_fixed->scale * m_fixed->grid().high : kInfinity;
    }
    [[nodiscard]] bool isSigned() const override { return min() < 0.0; }
    [[nodiscard]] bool isElementwise() const override { return m_fixed.has_value(); }
    [[nodiscard]] bool needsRange() const override { return !m_fixed && !m_given; }
    [[nodiscard]] QuantizerPtr withRange(double low, double high) const override
    {
        Parameters ranged = parameters();
        ranged["low"] = low;
        ranged["high"] = high;
        ranged["per_channel"] = false; // one range is one scale
        ranged["scale"] = ranged["zero_point"] = std::monostate{};
        return info().make(info(), std::move(ranged)).value_or(nullptr);
    }
    /// A given scale keeps its range: fewer bits are coarser steps, not a smaller reach.
    [[nodiscard]] Result<QuantizerPtr> withBits(int bits) const override
    {
        Parameters resized = parameters();
        resized["bits"] = std::int64_t{bits};
        auto made = makeQuantizer(info(), resized);
        if (!made || isNone(parameter("scale"))) {
            return made;
        }
        const auto& other = static_cast<const Affine&>(**made);
        NestedList scale = *listOf(parameter("scale"));
        NestedList zero{{}, scale.shape};
        const std::vector<AffineScale> old = m_fixed ? std::vector{*m_fixed} : m_given->scales;
        const CodeSpan codes = other.codeSpan();
        for (std::size_t i = 0; i < old.size(); ++i) {
            const double low = old[i].scale * (old[i].lowCode - old[i].zeroPoint);
            const double span =
                static_cast<double>(old[i].scale) * (old[i].highCode - old[i].lowCode);
            scale.values[i] = static_cast<float>(span / (codes.high - codes.low));
            zero.values.push_back(
                old[i].zeroPoint == 0.0F ? 0.0 : std::nearbyint(codes.low - low / scale.values[i]));
        }
        const auto value = [&](NestedList list) {
            return m_fixed ? Value(list.values.front()) : Value(std::move(list));
        };
        resized["scale"] = value(scale);
        resized["zero_point"] = value(zero);
        return makeQuantizer(info(), std::move(resized));
    }

private:
    /// Lowest and highest code.
    struct CodeSpan {
        double low = 0.0, high = 0.0;
    };
    [[nodiscard]] CodeSpan codeSpan() const
    {
        if (!m_signed) {
            return {0.0, std::exp2(m_bits) - (m_narrow ? 2.0 : 1.0)};
        }
        const double half = std::exp2(m_bits - 1);
        return {-half + (m_narrow ? 1.0 : 0.0), half - 1.0};
    }

    /// Scale and zero point as another tool chose them.
    void takeGiven()
    {
        const NestedList scale = *listOf(parameter("scale"));
        const auto zero = listOf(parameter("zero_point"));
        const CodeSpan codes = codeSpan();
        std::vector<AffineScale> scales;
        for (std::size_t i = 0; i < scale.values.size(); ++i) {
            const double shift = zero ? zero->values[zero->values.size() == 1 ? 0 : i] : 0.0;
            scales.push_back({static_cast<float>(scale.values[i]), static_cast<float>(shift),
                              static_cast<float>(codes.low), static_cast<float>(codes.high)});
        }
        if (scales.size() == 1) {
            m_fixed = scales.front();
        } else {
            m_given = Given{std::move(scales), scale.shape};
        }
    }

    /// The range is widened to hold 0, so that 0 has a code of its own. A given symmetric range
    /// without negative values has unsigned codes: half of them would never occur, and a quantizer
    /// that stands for a rectifier must clip at 0.
    [[nodiscard]] AffineScale scaleFor(Range range, bool given = false) const
    {
        AffineScale out;
        if (given && m_symmetric && range.low >= 0.0) {
            out.highCode = static_cast<float>(std::exp2(m_bits) - 1.0);
            const auto scale = static_cast<float>(range.high / static_cast<double>(out.highCode));
            out.scale = scale >= std::numeric_limits<float>::min() ? scale : 1.0F;
            return out;
        }
        const auto [lowCode, highCode] = codeSpan();
        out.lowCode = static_cast<float>(lowCode);
        out.highCode = static_cast<float>(highCode);
        double low = std::min(range.low, 0.0);
        double high = std::max(range.high, 0.0);
        if (m_symmetric) {
            high = std::max(high, -low);
            low = -high;
        }
        const auto scale = static_cast<float>((high - low) / (highCode - lowCode));
        if (!(scale >= std::numeric_limits<float>::min())) {
            return out; // all values are (all but) 0: any scale will do
        }
        out.scale = scale;
        if (!m_symmetric) {
            const double shift = std::nearbyint(lowCode - low / static_cast<double>(scale));
            out.zeroPoint = static_cast<float>(std::clamp(shift, lowCode, highCode));
        }
        return out;
    }

    [[nodiscard]] ScaleLayout layoutOf(const Shape& shape) const
    {
        if (m_given) {
            const auto layout = ScaleLayout::broadcasting(shape, m_given->shape);
            ensure(layout.has_value(), "affine: a tensor that accepts() refuses");
            return *layout;
        }
        return m_perChannel && shape.rank() > 1 ? ScaleLayout::ofAxes(shape, {})
                                                : ScaleLayout::single(shape);
    }

    /// From the finite values themselves.
    [[nodiscard]] std::vector<AffineScale> scalesOf(TensorView x) const
    {
        const ScaleLayout layout = layoutOf(x.shape);
        std::vector<Range> ranges(static_cast<std::size_t>(layout.scaleCount()));
        layout.forEachTile([&](const ScaleLayout::Tile& tile) {
            for (Index i = 0; i < tile.rows * tile.channels; ++i) {
                const double value = x.data[tile.offset + i];
                Range& range =
                    ranges[static_cast<std::size_t>(tile.firstScale + i % tile.channels)];
                if (std::isfinite(value)) {
                    range.low = std::min(range.low, value);
                    range.high = std::max(range.high, value);
                }
            }
        });
        std::vector<AffineScale> scales;
        scales.reserve(ranges.size());
        for (const Range& range : ranges) {
            scales.push_back(scaleFor(range));
        }
        return scales;
    }

    /// Calls visit(first element, count, scale) for neighbors that share a scale; scales are taken
    /// before the first call.
    template <class Visit>
    void forEachScale(TensorView x, Visit visit) const
    {
        if (m_fixed) {
            visit(0, x.size(), *m_fixed);
            return;
        }
        const std::vector<AffineScale> scales = m_given ? m_given->scales : scalesOf(x);
        layoutOf(x.shape).forEachTile([&](const ScaleLayout::Tile& tile) {
            const Index length = tile.channels == 1 ? tile.rows : 1;
            for (Index i = 0; i < tile.rows * tile.channels; i += length) {
                const Index scale = tile.firstScale + i % tile.channels;
                visit(tile.offset + i, length, scales[static_cast<std::size_t>(scale)]);
            }
        });
    }

    [[nodiscard]] CodeRange codesOf(const AffineScale& scale) const
    {
        return {scale.lowCode, scale.highCode, m_bits};
    }

    /// Calls visit(element, its code, its scale); scales are taken before the first call.
    template <class Visit>
    void forEachCode(TensorView x, const CallContext& call, Visit visit) const
    {
        const CodeRule rule = m_rule.at(call.training);
        forEachScale(x, [&](Index first, Index count, const AffineScale& scale) {
            for (Index i = first; i < first + count; ++i) {
                const float value = std::fpclassify(x.data[i]) == FP_SUBNORMAL ? 0.0F : x.data[i];
                const float draw = rule.rounding == Rounding::Stochastic
                                       ? uniformAt(call.seed, static_cast<std::uint64_t>(i))
                                       : 0.0F;
                const float code =
                    roundBy(rule.rounding, value / scale.scale, draw) + scale.zeroPoint;
                visit(i, confine(rule.overflow, code, codesOf(scale)) + 0.0F, scale);
            }
        });
    }

    /// Gradients pass where rounding does not clip: up to half a step beyond the ends.
    void gradientRun(const float* x, const float* g, float* dx, Index count,
                     const AffineScale& scale) const
    {
        const kernels::AffineGrid grid = scale.grid();
        const float lowest = lowestCode(m_rule.overflow, codesOf(scale));
        kernels::clipGradient(x, g, dx, count, (lowest - scale.zeroPoint - 0.5F) * grid.scale,
                              (grid.high + 0.5F) * grid.scale);
    }

    int m_bits;
    bool m_symmetric;
    bool m_narrow;
    bool m_signed;
    bool m_perChannel;
    CodeRule m_rule;
    std::optional<AffineScale> m_fixed; ///< one for all tensors
    /// Several, which broadcast against the tensor.
    struct Given {
        std::vector<AffineScale> scales;
        std::vector<std::int64_t> shape;
    };
    std::optional<Given> m_given;
};

/// Rules of a given scale and zero point.
Result<void> checkGiven(const QuantizerInfo& info, const Parameters& parameters)
{
    const Value& scale = valueOf(parameters, "scale");
    const Value& zero = valueOf(parameters, "zero_point");
    if (isNone(scale)) {
        return isNone(zero) ? Result<void>{}
                            : badParameter(info, "zero_point", zero,
                                           "it belongs to a scale, which is not given");
    }
    if (!isNone(valueOf(parameters, "low"))) {
        return badParameter(info, "scale", scale, "either a scale or a range is given");
    }
    const auto steps = listOf(scale);
    if (!steps || steps->values.empty() || !std::ranges::all_of(steps->values, [](double step) {
            return step > 0.0 && std::isfinite(static_cast<float>(step));
        })) {
        return badParameter(info, "scale", scale, "scales are finite and above 0");
    }
    const auto shifts = listOf(zero);
    if (!shifts) {
        return {};
    }
    if (shifts->values.size() != 1 && shifts->shape != steps->shape) {
        return badParameter(info, "zero_point", zero, "it is one number or has the shape of scale");
    }
    constexpr double kExact = 1 << 24; // whole numbers of float32
    if (!std::ranges::all_of(shifts->values, [](double shift) {
            return shift == std::nearbyint(shift) && std::abs(shift) <= kExact;
        })) {
        return badParameter(info, "zero_point", zero, "zero points are whole numbers");
    }
    return {};
}

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    constexpr std::int64_t kFewestBits = 2;
    constexpr std::int64_t kMostBits = 32;
    const std::int64_t fewest = flagOf(parameters, "signed") ? kFewestBits : 1;
    if (auto ok = checkRange(info, parameters, "bits", fewest, kMostBits); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = checkGiven(info, parameters); !ok) {
        return fail(std::move(ok).error());
    }
    const Value& low = valueOf(parameters, "low");
    const Value& high = valueOf(parameters, "high");
    if (isNone(low) != isNone(high)) {
        return badParameter(info, isNone(low) ? "low" : "high", {},
                            "low and high are given together");
    }
    if (!isNone(low)) {
        const double from = numberOf(parameters, "low");
        const double to = numberOf(parameters, "high");
        if (!std::isfinite(from) || !std::isfinite(to) || from > to) {
            return badParameter(info, "low", low, "it must not exceed high, and both be finite");
        }
        if (flagOf(parameters, "per_channel")) {
            return badParameter(info, "per_channel", valueOf(parameters, "per_channel"),
                                "a given range is one for the tensor");
        }
    }
    return std::make_shared<Affine>(info, std::move(parameters));
}

} // namespace

QuantizerInfo affineInfo()
{
    using Type = ParameterType;
    return {
        .name = "affine",
        .origin = "Bitscape",
        .doc = "Integers with a scale and a zero point, as ONNX and TFLite execute them: "
               "value = scale · (code − zero point). The range comes from calibration for "
               "activations and from the values for weights; 0 is always exact.",
        .grid = "scale · (code − zero point), code = −2^(bits−1) … 2^(bits−1) − 1, scale = (high − "
                "low) / (number of codes − 1)",
        .parameters =
            {{"bits", Type::Integer, std::int64_t{8}, "Width of a code."},
             {"symmetric", Type::Boolean, false,
              "Zero point 0: cheaper arithmetic, right for weights. The range is the same on both "
              "sides, or from 0 on with unsigned codes where a given range starts there."},
             {"narrow", Type::Boolean, false,
              "Leave the most negative code out (8 bits: −127 … 127), as TFLite does for weights."},
             {"per_channel", Type::Boolean, false,
              "A scale per output channel (last axis) instead of one for the tensor; weights "
              "only."},
             {"low", Type::OptionalNumber, {}, "Lower end of the calibrated range."},
             {"high", Type::OptionalNumber, {}, "Upper end of the calibrated range."},
             {"scale",
              Type::FrozenScale,
              {},
              "Value of one step, as another tool chose it, instead of a range: one number, or a "
              "list that broadcasts against the tensor (one per output channel)."},
             {"zero_point",
              Type::FrozenScale,
              {},
              "Code of the value 0 that goes with a given scale; 0 if left out."},
             {"signed",
              Type::Boolean,
              true,
              "Codes of two's complement; else from 0 on.",
              {},
              true},
             roundingParameter(),
             overflowParameter()},
        .leadingParameters = 1,
        .dictionaryKeys = {"bits", "symmetric", "narrow", "per_channel", "low", "high"},
        .make = make};
}

} // namespace bitscape::quant
