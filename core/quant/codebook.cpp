// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/codebook.h"

#include "core/quant/canonical.h"
#include "core/quant/common.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::quant {

namespace {

/// k-means of sorted numbers. Clusters of numbers are neighbors in order, so that a sweep of
/// Lloyd's algorithm needs their bounds and the running sums alone.
class KMeans {
public:
    explicit KMeans(std::vector<float> sorted) : m_sorted(std::move(sorted))
    {
        m_sums.reserve(m_sorted.size() + 1);
        m_squares.reserve(m_sorted.size() + 1);
        m_sums.push_back(0.0);
        m_squares.push_back(0.0);
        for (const float value : m_sorted) {
            const auto number = static_cast<double>(value);
            m_sums.push_back(m_sums.back() + number);
            m_squares.push_back(m_squares.back() + number * number);
        }
    }

    /// At most `count` centers, ascending: the better of the fixed points reached from equal shares
    /// of the numbers and from equal parts of their range.
    [[nodiscard]] std::vector<double> centers(std::size_t count) const
    {
        std::vector<double> distinct(m_sorted.begin(), m_sorted.end());
        distinct.erase(std::ranges::unique(distinct).begin(), distinct.end());
        if (distinct.size() <= count) {
            return distinct;
        }
        std::vector<double> shares;
        std::vector<double> parts;
        const double low = distinct.front();
        const double width = (distinct.back() - low) / static_cast<double>(count);
        for (std::size_t i = 0; i < count; ++i) {
            shares.push_back(m_sorted[(2 * i + 1) * m_sorted.size() / (2 * count)]);
            parts.push_back(low + (static_cast<double>(i) + 0.5) * width);
        }
        shares.erase(std::ranges::unique(shares).begin(), shares.end());
        const std::vector<double> first = settled(std::move(shares));
        const std::vector<double> second = settled(std::move(parts));
        return error(second) < error(first) ? second : first;
    }

private:
    /// First element of every cluster, and the end.
    [[nodiscard]] std::vector<std::size_t> bounds(const std::vector<double>& centers) const
    {
        std::vector<std::size_t> out{0};
        for (std::size_t i = 0; i + 1 < centers.size(); ++i) {
            const double middle = 0.5 * (centers[i] + centers[i + 1]);
            const auto end = std::ranges::upper_bound(
                m_sorted, middle, {}, [](float value) { return static_cast<double>(value); });
            out.push_back(static_cast<std::size_t>(end - m_sorted.begin()));
        }
        out.push_back(m_sorted.size());
        return out;
    }

    [[nodiscard]] std::vector<double> settled(std::vector<double> centers) const
    {
        constexpr int kMostSweeps = 300; // as scikit-learn's default
        for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
            const std::vector<std::size_t> from = bounds(centers);
            std::vector<double> moved;
            for (std::size_t i = 0; i < centers.size(); ++i) {
                if (from[i + 1] > from[i]) { // an empty cluster is dropped
                    moved.push_back((m_sums[from[i + 1]] - m_sums[from[i]]) /
                                    static_cast<double>(from[i + 1] - from[i]));
                }
            }
            if (moved == centers) {
                break;
            }
            centers = std::move(moved);
        }
        return centers;
    }

    [[nodiscard]] double error(const std::vector<double>& centers) const
    {
        const std::vector<std::size_t> from = bounds(centers);
        double sum = 0.0;
        for (std::size_t i = 0; i < centers.size(); ++i) {
            const double total = m_sums[from[i + 1]] - m_sums[from[i]];
            const double squares = m_squares[from[i + 1]] - m_squares[from[i]];
            const auto count = static_cast<double>(from[i + 1] - from[i]);
            sum += squares - 2.0 * centers[i] * total + count * centers[i] * centers[i];
        }
        return sum;
    }

    std::vector<float> m_sorted;
    std::vector<double> m_sums, m_squares; ///< of the first i numbers
};

int bitsFor(std::size_t count)
{
    int bits = 1;
    while ((std::size_t{1} << bits) < count) {
        ++bits;
    }
    return bits;
}

std::vector<float> sortedValues(const Value& value)
{
    std::vector<float> values;
    if (const auto list = givenScale(value)) {
        values = list->values;
        std::ranges::sort(values);
        values.erase(std::ranges::unique(values).begin(), values.end());
    }
    return values;
}

class Codebook final : public Quantizer {
public:
    Codebook(const QuantizerInfo& info, Parameters given)
        : Quantizer(info, std::move(given)), m_given(sortedValues(parameter("values"))),
          m_bits(static_cast<int>(
              quant::numberOf(parameter("bits"))
                  .value_or(m_given.empty() ? kUsualBits : bitsFor(m_given.size()))))
    {
    }

    [[nodiscard]] std::string toString() const override { return keywordForm(*this); }

    void apply(TensorView x, MutableTensorView y, const CallContext&) const override
    {
        const std::vector<float> values = valuesFor(x);
        forEachIndex(
            x, values, [&](Index i, std::size_t index) { y.data[i] = values[index]; },
            [&](Index i, float value) { y.data[i] = value; });
    }

    void gradient(TensorView, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        passGradient(upstream, dx, 1.0F);
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(0.0F)); // codes are places in the list
    }

    [[nodiscard]] Result<Tensor> codes(TensorView x, const CallContext&) const override
    {
        Tensor out(x.shape);
        forEachIndex(
            x, valuesFor(x),
            [&](Index i, std::size_t index) { out.data()[i] = static_cast<float>(index); },
            [&](Index i, float value) { out.data()[i] = value; });
        return out;
    }

    [[nodiscard]] int bits() const override { return m_bits; }
    [[nodiscard]] double min() const override
    {
        return m_given.empty() ? -std::numeric_limits<double>::infinity()
                               : static_cast<double>(m_given.front());
    }
    [[nodiscard]] double max() const override
    {
        return m_given.empty() ? std::numeric_limits<double>::infinity()
                               : static_cast<double>(m_given.back());
    }
    [[nodiscard]] bool isSigned() const override { return min() < 0.0; }
    [[nodiscard]] bool isElementwise() const override { return !m_given.empty(); }

private:
    static constexpr int kUsualBits = 4;

    /// Ascending; {0} for a tensor without finite values.
    [[nodiscard]] std::vector<float> valuesFor(TensorView x) const
    {
        if (!m_given.empty()) {
            return m_given;
        }
        std::vector<float> sorted;
        sorted.reserve(static_cast<std::size_t>(x.size()));
        std::ranges::copy_if(x.values(), std::back_inserter(sorted),
                             [](float value) { return std::isfinite(value); });
        std::ranges::sort(sorted);
        const std::vector<double> centers =
            KMeans(std::move(sorted)).centers(std::size_t{1} << m_bits);
        std::vector<float> values;
        for (const double center : centers) {
            values.push_back(static_cast<float>(center) + 0.0F);
        }
        return values.empty() ? std::vector<float>{0.0F} : values;
    }

    /// Calls visit(element, place of the nearest value); a tie goes to the lower one. NaN has no
    /// place: other(element, NaN).
    template <class Visit, class Other>
    static void forEachIndex(TensorView x, const std::vector<float>& values, Visit visit,
                             Other other)
    {
        std::vector<double> middles;
        for (std::size_t i = 0; i + 1 < values.size(); ++i) {
            middles.push_back(
                0.5 * (static_cast<double>(values[i]) + static_cast<double>(values[i + 1])));
        }
        for (Index i = 0; i < x.size(); ++i) {
            if (std::isnan(x.data[i])) {
                other(i, x.data[i]);
                continue;
            }
            const auto above = std::ranges::lower_bound(middles, static_cast<double>(x.data[i]));
            visit(i, static_cast<std::size_t>(above - middles.begin()));
        }
    }

    std::vector<float> m_given; ///< ascending; empty: fitted
    int m_bits;
};

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    constexpr std::int64_t kMostBits = 8;
    const Value& bits = valueOf(parameters, "bits");
    if (!isNone(bits)) {
        if (auto ok = checkRange(info, parameters, "bits", 1, kMostBits); !ok) {
            return fail(std::move(ok).error());
        }
    }
    const Value& list = valueOf(parameters, "values");
    if (isNone(list)) {
        return std::make_shared<Codebook>(info, std::move(parameters));
    }
    const std::vector<float> values = sortedValues(list);
    const bool finite =
        std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
    if (values.empty() || !finite) {
        return badParameter(info, "values", list, "it must list finite numbers");
    }
    const auto most =
        static_cast<std::int64_t>(std::exp2(quant::numberOf(bits).value_or(kMostBits)));
    if (static_cast<std::int64_t>(values.size()) > most) {
        return badParameter(info, "values", list,
                            fmt::format("{} values do not fit into the bits", values.size()));
    }
    return std::make_shared<Codebook>(info, std::move(parameters));
}

} // namespace

QuantizerInfo codebookInfo()
{
    using Type = ParameterType;
    return {.name = "codebook",
            .origin = "Bitscape",
            .doc = "The nearest of a list of values; codes are places in the list, which hardware "
                   "looks up. Without a list k-means finds one for every tensor: the least squared "
                   "error at a given width, for weights that are stored compressed. Gradients pass "
                   "in full.",
            .grid = "values[code], code = 0 … 2^bits − 1",
            .parameters =
                {{"values",
                  Type::FrozenScale,
                  {},
                  "The levels, in any order; None: found by k-means in the values at hand, always "
                  "the same for the same values."},
                 {"bits",
                  Type::OptionalInteger,
                  {},
                  "Width of a code, 1 to 8; None: what the list needs, or 4 without a list."}},
            .leadingParameters = 0,
            .dictionaryKeys = {"values", "bits"},
            .make = make};
}

} // namespace bitscape::quant
