// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/numpy_text.h"
#include "core/io/run_network.h"
#include "core/io/table_export.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

// The two files of qkeras-mod: what its notebook extracts from a calibrated network.
namespace bitscape::io {

namespace {

using graph::Slot;

/// A weight as qkeras-mod holds it.
struct Extracted {
    std::vector<double> scale, codes;
    Shape shape;
};

/// Pandas puts cells that hold line ends or commas in quotes.
std::string cell(const std::string& text)
{
    return text.find_first_of(",\n") == std::string::npos ? text : "\"" + text + "\"";
}

std::string listCell(double value)
{
    return "[" + pythonRepr(value) + "]";
}

/// qkeras-mod computes 2^integer in 32 bits, where the 31st power is negative: scale and codes
/// change their signs together.
bool turnsNegative(const quant::Quantizer& quantizer)
{
    constexpr int kSignBit = 31;
    return quantizer.info().name == "quantized_bits" && quantizer.number("integer") == kSignBit;
}

/// Codes are rounded half away from zero; a zero keeps the sign of its value.
Extracted extract(const RunWeight& weight, const UniformGrid& grid)
{
    Extracted out;
    out.shape = weight.value->shape();
    const double sign = turnsNegative(*weight.quantizer) ? -1.0 : 1.0;
    for (const float step : grid.steps) {
        out.scale.push_back(sign * static_cast<double>(step));
    }
    const auto values = weight.value->values();
    const std::size_t inner = grid.steps.size();
    const bool isLastAxis = grid.shape.channels() == static_cast<Index>(inner);
    const std::size_t block = isLastAxis ? 1 : values.size() / inner;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double t = static_cast<double>(values[i]) / out.scale[i / block % inner];
        const double code = std::trunc(t + std::copysign(t == 0 ? 0.0 : 0.5, t));
        out.codes.push_back(
            std::clamp(code, sign > 0 ? grid.low : -grid.high, sign > 0 ? grid.high : -grid.low));
    }
    return out;
}

struct ActivationRow {
    std::string layer;
    double alpha = 0, beta = 0, scale = 0, zeroPoint = 0;
};

double finiteOr0(double value)
{
    return std::isfinite(value) ? value : 0.0;
}

/// The range of an output in codes −(2^(b−1)−1) … 2^(b−1)−1.
ActivationRow rowOf(const std::string& layer, std::pair<double, double> range, int bits,
                    ModConvention convention)
{
    ActivationRow row{layer, range.first, range.second};
    if (convention == ModConvention::MaxAbs) {
        row.alpha = std::abs(row.alpha);
        row.beta = std::abs(row.beta);
    }
    const double high = std::ldexp(1.0, bits - 1) - 1;
    const double width = row.beta - row.alpha;
    row.scale = finiteOr0(width / (2 * high));
    row.zeroPoint = finiteOr0(std::nearbyint((-row.beta * high - row.alpha * high) / width));
    return row;
}

class ModWriter {
public:
    ModWriter(const RunNetwork& run, const SeenRange& seen, ModConvention convention)
        : m_run(run), m_seen(seen), m_convention(convention)
    {
    }

    [[nodiscard]] ExportContent write()
    {
        for (int i = 0; i < static_cast<int>(m_run.graph->layers().size()); ++i) {
            addWeights(i);
            addOutput(m_run.graph->layer(i));
        }
        const bool minMax = m_convention == ModConvention::MinMax;
        ExportContent content;
        content.files = {
            {"extracted_weights.csv", std::string(minMax ? ",w_scale,b_scale,subq,wq,bq\n"
                                                         : ",w_scale,b_scale,subq1,wq,bq\n") +
                                          m_weights},
            {"extracted_activations.csv",
             std::string(minMax ? ",alpha_of_min,beta_of_max,in_scale,in_zeropoint\n"
                                : ",alpha_of_max_abs,beta_of_max_abs,in_scale,in_zeropoint\n") +
                 m_activations}};
        content.notes = std::move(m_notes);
        return content;
    }

private:
    void missing(const std::string& subject, const quant::Quantizer& quantizer)
    {
        m_notes.push_back({ImportKind::Missing, subject,
                           "qkeras-mod has no scale for " + quantizer.toString() + "."});
    }

    [[nodiscard]] std::optional<Extracted> extracted(const RunWeight* weight)
    {
        if (weight == nullptr || !weight->quantizer) {
            return std::nullopt;
        }
        const auto grid = uniformGrid(*weight->quantizer, weight->value->view());
        if (!grid) {
            missing(m_run.layerOf(*weight).name + "/" + m_run.nameOf(*weight), *weight->quantizer);
            return std::nullopt;
        }
        return extract(*weight, *grid);
    }

    [[nodiscard]] const RunWeight* find(int layer, Slot slot) const
    {
        const auto found = std::ranges::find_if(m_run.weights, [&](const RunWeight& weight) {
            return weight.layer == layer && weight.slot != nullptr && *weight.slot == slot;
        });
        return found == m_run.weights.end() ? nullptr : &*found;
    }

    void addWeights(int index)
    {
        const RunWeight* kernel = find(index, Slot::Kernel);
        kernel = kernel == nullptr ? find(index, Slot::Depthwise) : kernel;
        const auto weight = extracted(kernel);
        if (!weight) {
            return;
        }
        const auto bias = extracted(find(index, Slot::Bias));
        m_weights += m_run.graph->layer(index).name + "," + cell(flat(weight->scale)) + "," +
                     cell(bias ? flat(bias->scale) : "[]") + "," + cell(correction(*weight)) + "," +
                     cell(numpyText(weight->codes, weight->shape)) + "," +
                     cell(bias ? numpyText(bias->codes, bias->shape) : "[]") + "\n";
    }

    static std::string flat(const std::vector<double>& values)
    {
        return numpyText(values, Shape{static_cast<Index>(values.size())});
    }

    /// Zero point of the input times the sum of the codes per output; only for the first layer
    /// behind an activation.
    std::string correction(const Extracted& weight)
    {
        if (!m_zeroPoint) {
            return "[]";
        }
        // Depth-wise kernels keep both of their last axes.
        const auto outputs = static_cast<std::size_t>(weight.shape.channels());
        std::vector<double> sums(outputs, 0.0);
        for (std::size_t i = 0; i < weight.codes.size(); ++i) {
            sums[i % outputs] += weight.codes[i];
        }
        for (double& sum : sums) {
            sum *= *m_zeroPoint;
        }
        m_zeroPoint.reset();
        return flat(sums);
    }

    void addOutput(const graph::Layer& layer)
    {
        auto quantizer = m_run.configuration.find(layer.name, Slot::Activation);
        if (!quantizer && std::holds_alternative<graph::InputOp>(layer.op)) {
            quantizer = m_run.configuration.input;
        }
        if (!quantizer) {
            return;
        }
        auto range = m_seen(layer.name);
        if (!range) {
            const auto grid = uniformGrid(*quantizer);
            if (!grid) {
                missing(layer.name + "/activation", *quantizer);
                return;
            }
            const double step = static_cast<double>(grid->steps.front());
            const double zero = static_cast<double>(grid->zeroPoints.front());
            range = {(grid->low - zero) * step, (grid->high - zero) * step};
            m_notes.push_back({ImportKind::Converted, layer.name + "/activation",
                               "No data were looked at; the range is that of its quantizer."});
        }
        const ActivationRow row = rowOf(layer.name, *range, quantizer->bits(), m_convention);
        m_zeroPoint = row.zeroPoint;
        m_activations += row.layer + "," + listCell(row.alpha) + "," + listCell(row.beta) + "," +
                         listCell(row.scale) + "," + listCell(row.zeroPoint) + "\n";
    }

    const RunNetwork& m_run;
    const SeenRange& m_seen;
    ModConvention m_convention;
    std::string m_weights, m_activations;
    std::optional<double> m_zeroPoint; ///< of the activation before, until a layer used it
    ImportNotes m_notes;
};

} // namespace

Result<ExportContent> exportQkerasMod(const ExportInput& input, const SeenRange& seen,
                                      ModConvention convention)
{
    auto run = runNetwork(input);
    if (!run) {
        return fail(std::move(run).error());
    }
    return ModWriter(*run, seen, convention).write();
}

} // namespace bitscape::io
