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

/// k-means of sorted numbers. Clusters of numbers are neighbors in order: the best cuts between
/// them are found by dynamic programming (exact up to kMostPieces numbers, between pieces of equal
/// size beyond) and then settled by Lloyd's algorithm.
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

    /// At most `count` centers, ascending.
    [[nodiscard]] std::vector<double> centers(std::size_t count) const
    {
        std::vector<double> distinct(m_sorted.begin(), m_sorted.end());
        distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
        return distinct.size() <= count ? distinct : settled(means(bestCuts(count)));
    }

private:
    static constexpr std::size_t kMostPieces = 2048;
    using Cuts = std::vector<std::size_t>; ///< first element of every cluster, and the end

    /// Squared error of the elements from … to − 1 around their mean.
    [[nodiscard]] double error(std::size_t from, std::size_t to) const
    {
        const double sum = m_sums[to] - m_sums[from];
        const double squares = m_squares[to] - m_squares[from];
        return std::max(squares - sum * sum / static_cast<double>(to - from), 0.0);
    }

    /// One layer of the dynamic program: with one cluster more, the least error of the first b
    /// pieces, and the piece where the last cluster starts.
    struct Layer {
        std::vector<double> errors;
        std::vector<std::size_t> starts;
    };

    /// The start of the best last cluster never moves back when pieces are added, so that the
    /// middle one narrows the search for both halves.
    void fill(const Cuts& pieces, const std::vector<double>& before, Layer& layer, std::size_t low,
              std::size_t high, std::size_t least, std::size_t most) const
    {
        if (low > high) {
            return;
        }
        const std::size_t middle = low + (high - low) / 2;
        double best = std::numeric_limits<double>::infinity();
        std::size_t start = least;
        for (std::size_t at = least; at <= std::min(most, middle - 1); ++at) {
            const double total = before[at] + error(pieces[at], pieces[middle]);
            if (total < best) {
                best = total;
                start = at;
            }
        }
        layer.errors[middle] = best;
        layer.starts[middle] = start;
        fill(pieces, before, layer, low, middle - 1, least, start);
        fill(pieces, before, layer, middle + 1, high, start, most);
    }

    [[nodiscard]] Cuts bestCuts(std::size_t count) const
    {
        const std::size_t size = m_sorted.size();
        const std::size_t pieceCount = std::min(size, kMostPieces);
        Cuts pieces;
        for (std::size_t i = 0; i <= pieceCount; ++i) {
            pieces.push_back(i * size / pieceCount);
        }
        const std::size_t clusters = std::min(count, pieceCount);
        std::vector<double> before(pieceCount + 1, std::numeric_limits<double>::infinity());
        before[0] = 0.0;
        std::vector<Layer> layers;
        for (std::size_t i = 0; i < clusters; ++i) {
            Layer layer{
                std::vector<double>(pieceCount + 1, std::numeric_limits<double>::infinity()),
                std::vector<std::size_t>(pieceCount + 1, 0)};
            fill(pieces, before, layer, i + 1, pieceCount, i, pieceCount - 1);
            before = layer.errors;
            layers.push_back(std::move(layer));
        }
        Cuts cuts{size};
        std::size_t end = pieceCount;
        for (std::size_t i = clusters; i-- > 0;) {
            end = layers[i].starts[end];
            cuts.push_back(pieces[end]);
        }
        std::ranges::reverse(cuts);
        return cuts;
    }

    /// Of the clusters that are not empty.
    [[nodiscard]] std::vector<double> means(const Cuts& cuts) const
    {
        std::vector<double> out;
        for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
            if (cuts[i + 1] > cuts[i]) {
                out.push_back((m_sums[cuts[i + 1]] - m_sums[cuts[i]]) /
                              static_cast<double>(cuts[i + 1] - cuts[i]));
            }
        }
        return out;
    }

    [[nodiscard]] Cuts cutsOf(const std::vector<double>& centers) const
    {
        Cuts cuts{0};
        for (std::size_t i = 0; i + 1 < centers.size(); ++i) {
            const double middle = 0.5 * (centers[i] + centers[i + 1]);
            const auto end = std::ranges::upper_bound(
                m_sorted, middle, {}, [](float value) { return static_cast<double>(value); });
            cuts.push_back(static_cast<std::size_t>(end - m_sorted.begin()));
        }
        cuts.push_back(m_sorted.size());
        return cuts;
    }

    [[nodiscard]] std::vector<double> settled(std::vector<double> centers) const
    {
        constexpr int kMostSweeps = 300; // as scikit-learn's default
        for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
            std::vector<double> moved = means(cutsOf(centers));
            if (moved == centers) {
                break;
            }
            centers = std::move(moved);
        }
        return centers;
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
        values.erase(std::unique(values.begin(), values.end()), values.end());
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
        values.reserve(centers.size());
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
        middles.reserve(values.size());
        for (std::size_t i = 0; i + 1 < values.size(); ++i) {
            middles.push_back(
                0.5 * (static_cast<double>(values[i]) + static_cast<double>(values[i + 1])));
        }
        for (Index i = 0, end = x.size(); i < end; ++i) {
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
