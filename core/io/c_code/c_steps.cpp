// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/c_code/c_steps.h"

#include "core/io/c_code/c_arrays.h"
#include "core/io/c_code/c_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bitscape::io {

namespace {

using graph::CodeTensor;
using graph::IntegerStep;

/// Writes one step.
class StepWriter {
public:
    StepWriter(const graph::IntegerProgram& program, std::size_t number, const std::string& net)
        : m_step(program.steps[number]), m_net(net), m_output(tensorOf(program, m_step.output)),
          m_name(fmt::format("{}_{}_{}", net, number,
                             identifier(program.graph->layer(m_step.layer).name)))
    {
        for (const int t : m_step.inputs) {
            m_inputs.push_back(&tensorOf(program, t));
        }
    }

    [[nodiscard]] std::optional<CStep> write()
    {
        const auto body = std::visit([this](const auto& work) { return code(work); }, m_step.work);
        if (!body) {
            return std::nullopt;
        }
        std::string parameters;
        for (std::size_t i = 0; i < m_inputs.size(); ++i) {
            parameters += fmt::format("const {} *x{}, ", cType(m_inputs[i]->storage), i);
        }
        return CStep{m_name,
                     m_constants + fmt::format("static inline void {}({}{} *y)\n{{\n{}}}\n", m_name,
                                               parameters, cType(m_output.storage), *body)};
    }

private:
    using Text = std::optional<std::string>;

    static const CodeTensor& tensorOf(const graph::IntegerProgram& program, int t)
    {
        return program.tensors[static_cast<std::size_t>(t)];
    }

    [[nodiscard]] std::string constant(std::string_view part) const
    {
        return fmt::format("{}_{}", m_name, part);
    }
    template <class Number>
    std::string numbers(std::string_view type, std::string_view part,
                        const std::vector<Number>& values)
    {
        const std::string name = constant(part);
        m_constants += cNumbers(type, name, std::span<const Number>(values));
        return name;
    }
    /// "name[index]", or the number itself if it is one for all.
    template <class Number>
    std::string oneOf(std::string_view type, std::string_view part,
                      const std::vector<Number>& values, const std::string& index)
    {
        if (values.size() == 1) {
            if constexpr (std::is_floating_point_v<Number>) {
                return cNumber(values.front());
            } else {
                return cNumber(static_cast<std::int64_t>(values.front()));
            }
        }
        return fmt::format("{}[({}) % {}]", numbers(type, part, values), index, values.size());
    }

    std::string scaledText(const graph::Scaling& scaling, std::string_view part,
                           const std::string& value, const std::string& channel)
    {
        if (scaling.rule == graph::ScaleRule::Float) {
            return fmt::format(
                "{}_scale_float({}, {})", m_net, value,
                oneOf("float", fmt::format("{}factors", part), scaling.factors, channel));
        }
        const std::string multiplier =
            oneOf("int32_t", fmt::format("{}multipliers", part), scaling.multipliers, channel);
        const std::string exponent =
            oneOf("int8_t", fmt::format("{}exponents", part), scaling.exponents, channel);
        return fmt::format("{}_scale({}, {}, {}, {})", m_net, value, multiplier, exponent,
                           cRule(m_net, scaling.rule));
    }

    /// The statement that keeps the exact number `sum` as y[index].
    std::string keep(const std::string& index, const std::string& channel)
    {
        const std::string type(cType(m_output.storage));
        if (!m_step.requantization) {
            return fmt::format("y[{}] = ({})sum;\n", index, type);
        }
        const graph::Requantization& rule = *m_step.requantization;
        if (!rule.thresholds.empty()) {
            const std::string thresholds = numbers("int64_t", "thresholds", rule.thresholds);
            const std::string levels = numbers("int32_t", "levels", rule.levels);
            return fmt::format("y[{}] = ({}){}[{}_level(sum, {}, {})];\n", index, type, levels,
                               m_net, thresholds, rule.thresholds.size());
        }
        return fmt::format("y[{}] = ({}){}_clip({} + {}, {}, {});\n", index, type, m_net,
                           scaledText(rule.scaling, "", "sum", channel), cNumber(rule.zero),
                           cNumber(rule.low), cNumber(rule.high));
    }

    [[nodiscard]] std::string loop(const std::string& sum)
    {
        return fmt::format("    for (int i = 0; i < {}; ++i) {{\n        const int64_t sum = {};\n"
                           "        {}    }}\n",
                           m_output.shape.elementCount(), sum, keep("i", "i"));
    }
    [[nodiscard]] std::string difference(std::size_t input, const std::string& index) const
    {
        const std::int64_t zero = m_inputs[input]->grid.zero;
        const std::string code = fmt::format("(int64_t)x{}[{}]", input, index);
        return zero == 0 ? code : fmt::format("({} - {})", code, cNumber(zero));
    }

    Text code(const graph::ConvolveWork& work)
    {
        const ConvolutionGeometry& g = work.geometry;
        const PackedArray weights = packedArray(m_net, constant("weights"), work.weights);
        m_constants += weights.declaration;
        std::string finish;
        if (!work.shifts.empty()) {
            finish += fmt::format("                sum *= (int64_t)1 << {}[f];\n",
                                  numbers("int8_t", "shifts", work.shifts));
        }
        if (!work.bias.codes.empty()) {
            const PackedArray bias = packedArray(m_net, constant("bias"), work.bias);
            m_constants += bias.declaration;
            const std::string shift =
                work.biasShifts.empty()
                    ? std::string()
                    : fmt::format(" * ((int64_t)1 << {})",
                                  oneOf("int8_t", "bias_shifts", work.biasShifts, "f"));
            finish += fmt::format("                sum += (int64_t){}f{}{};\n", bias.prefix,
                                  bias.suffix, shift);
        }
        const std::string kept =
            keep(fmt::format("(h * {} + w) * {} + f", g.outWidth, g.filters), "f");
        return fmt::format("    for (int h = 0; h < {outHeight}; ++h) {{\n"
                           "        for (int w = 0; w < {outWidth}; ++w) {{\n"
                           "            for (int f = 0; f < {filters}; ++f) {{\n"
                           "                int64_t sum = 0;\n"
                           "{taps}{finish}                {kept}"
                           "            }}\n        }}\n    }}\n",
                           fmt::arg("outHeight", g.outHeight), fmt::arg("outWidth", g.outWidth),
                           fmt::arg("filters", g.filters), fmt::arg("taps", taps(work, weights)),
                           fmt::arg("finish", finish), fmt::arg("kept", kept));
    }

    [[nodiscard]] std::string taps(const graph::ConvolveWork& work,
                                   const PackedArray& weights) const
    {
        const ConvolutionGeometry& g = work.geometry;
        const Index perGroup = g.channels / g.groups;
        const std::string product =
            work.isDepthwise
                ? fmt::format("                        sum += {} * {}(p * {} + q) * {} + f{};\n",
                              difference(0, fmt::format("(i * {} + j) * {} + f / {}", g.width,
                                                        g.channels, g.filters / g.channels)),
                              weights.prefix, g.kernelWidth, g.filters, weights.suffix)
                : fmt::format(
                      "                        for (int c = 0; c < {}; ++c) {{\n"
                      "                            sum += {} * {}((f * {} + p) * {} + q) * {} + "
                      "c{};\n"
                      "                        }}\n",
                      perGroup,
                      difference(0, fmt::format("(i * {} + j) * {} + f / {} * {} + c", g.width,
                                                g.channels, g.filters / g.groups, perGroup)),
                      weights.prefix, g.kernelHeight, g.kernelWidth, perGroup, weights.suffix);
        return fmt::format(
            "                for (int p = 0; p < {}; ++p) {{\n"
            "                    const int i = h * {} + p * {} - {};\n"
            "                    for (int q = 0; i >= 0 && i < {} && q < {}; ++q) {{\n"
            "                        const int j = w * {} + q * {} - {};\n"
            "                        if (j < 0 || j >= {}) {{\n"
            "                            continue;\n"
            "                        }}\n"
            "{}                    }}\n                }}\n",
            g.kernelHeight, g.strideHeight, g.dilationHeight, g.padTop, g.height, g.kernelWidth,
            g.strideWidth, g.dilationWidth, g.padLeft, g.width, product);
    }

    Text code(const graph::SumWork& work)
    {
        std::string sum;
        for (std::size_t i = 0; i < m_inputs.size(); ++i) {
            std::string term = difference(i, "i");
            if (work.lift > 0) {
                term += fmt::format(" * ((int64_t)1 << {})", work.lift);
            }
            sum += work.isNegative[i] != 0 ? " - " : i > 0 ? " + " : "";
            sum += scaledText(work.terms[i], fmt::format("term{}_", i), term, "i");
        }
        return loop(sum);
    }

    Text code(const graph::ProductWork& /*work*/)
    {
        return loop(difference(0, "i") + " * " + difference(1, "i"));
    }
    Text code(const graph::RescaleWork& /*work*/) { return loop(difference(0, "i")); }

    Text code(const graph::TableWork& work)
    {
        const std::string levels = numbers("int32_t", "table", work.levels);
        return loop(fmt::format("{}[(int64_t)x0[i] - {}]", levels, cNumber(work.lowest)));
    }

    Text code(const graph::PoolWork& work)
    {
        const kernels::Pool& p = work.pool;
        const bool isMax = work.kind == graph::PoolKind::Max;
        const std::string at = fmt::format("(i * {} + j) * {} + c", p.width, p.channels);
        const std::string raw = fmt::format("(int64_t)x0[{}]", at);
        std::string finish;
        if (work.divides) {
            finish = fmt::format(
                "                sum = (sum + (sum > 0 ? pixels / 2 : -(pixels / 2))) / pixels;\n"
                "                sum = {}_clip(sum, {}, {});\n",
                m_net, cNumber(m_output.grid.low), cNumber(m_output.grid.high));
        }
        const std::string gather =
            isMax
                ? fmt::format(
                      "                        sum = pixels == 0 || sum < {0} ? {0} : sum;\n", raw)
                : fmt::format("                        sum += {};\n",
                              work.divides ? raw : difference(0, at));
        const bool counts = isMax || work.divides;
        return fmt::format(
            "    for (int h = 0; h < {}; ++h) {{\n        for (int w = 0; w < {}; ++w) {{\n"
            "            for (int c = 0; c < {}; ++c) {{\n"
            "                int64_t sum = 0;\n{}"
            "                for (int p = 0; p < {}; ++p) {{\n"
            "                    const int i = h * {} + p - {};\n"
            "                    for (int q = 0; i >= 0 && i < {} && q < {}; ++q) {{\n"
            "                        const int j = w * {} + q - {};\n"
            "                        if (j < 0 || j >= {}) {{\n"
            "                            continue;\n                        }}\n"
            "{}{}                    }}\n                }}\n{}                {}"
            "            }}\n        }}\n    }}\n",
            p.outHeight, p.outWidth, p.channels, counts ? "                int pixels = 0;\n" : "",
            p.windowHeight, p.strideHeight, p.padTop, p.height, p.windowWidth, p.strideWidth,
            p.padLeft, p.width, gather, counts ? "                        ++pixels;\n" : "", finish,
            keep(fmt::format("(h * {} + w) * {} + c", p.outWidth, p.channels), "c"));
    }

    Text code(const graph::GatherWork& work)
    {
        const std::string sources = numbers("int32_t", "sources", work.sources);
        std::string value = cNumber(m_output.grid.zero);
        Index end = 0;
        for (const CodeTensor* input : m_inputs) {
            end += input->shape.elementCount();
        }
        std::string read;
        Index first = 0;
        for (std::size_t i = 0; i < m_inputs.size(); ++i) {
            const Index next = first + m_inputs[i]->shape.elementCount();
            const std::string one = fmt::format("x{}[s - {}]", i, first);
            read += next == end ? one : fmt::format("s < {} ? {} : ", next, one);
            first = next;
        }
        return fmt::format("    for (int i = 0; i < {}; ++i) {{\n"
                           "        const int s = {}[i];\n        y[i] = ({})(s < 0 ? {} : {});\n"
                           "    }}\n",
                           m_output.shape.elementCount(), sources, cType(m_output.storage), value,
                           read);
    }

    Text code(const graph::SoftmaxWork& work)
    {
        const std::string table = numbers("float", "exponentials", work.exponentials);
        const Index channels = m_output.shape.channels();
        return fmt::format(
            "    for (int r = 0; r < {}; ++r) {{\n        int largest = x0[r * {}];\n"
            "        float sum = 0.0F;\n"
            "        for (int c = 1; c < {}; ++c) {{\n"
            "            largest = x0[r * {} + c] > largest ? x0[r * {} + c] : largest;\n"
            "        }}\n"
            "        for (int c = 0; c < {}; ++c) {{\n"
            "            sum += {}[largest - x0[r * {} + c]];\n        }}\n"
            "        const float factor = 1.0F / (sum * {});\n"
            "        for (int c = 0; c < {}; ++c) {{\n"
            "            const float code = {}[largest - x0[r * {} + c]] * factor;\n"
            "            y[r * {} + c] = ({}){}_clip((int64_t)nearbyintf(code) + {}, {}, {});\n"
            "        }}\n    }}\n",
            m_output.shape.elementCount() / channels, channels, channels, channels, channels,
            channels, table, channels, cNumber(work.outputScale), channels, table, channels,
            channels, cType(m_output.storage), m_net, cNumber(m_output.grid.zero),
            cNumber(m_output.grid.low), cNumber(m_output.grid.high));
    }

    Text code(const graph::QuantizeWork& work)
    {
        const graph::CodeGrid& grid = work.uniform.grid;
        return fmt::format("    for (int i = 0; i < {}; ++i) {{\n"
                           "        y[i] = ({}){}_clip({}_round(x0[i] / {}, {}) + {}, {}, {});\n"
                           "    }}\n",
                           m_output.shape.elementCount(), cType(m_output.storage), m_net, m_net,
                           cNumber(static_cast<float>(grid.steps.front())),
                           cRule(m_net, work.uniform.rounding), cNumber(grid.zero),
                           cNumber(grid.low), cNumber(grid.high));
    }

    Text code(const graph::DequantizeWork& /*work*/)
    {
        return fmt::format("    for (int i = 0; i < {}; ++i) {{\n"
                           "        y[i] = (float)({} * (double){});\n    }}\n",
                           m_output.shape.elementCount(),
                           oneOf("double", "steps", m_inputs[0]->grid.steps, "i"),
                           difference(0, "i"));
    }

    Text code(const graph::FloatWork& work)
    {
        if (work.kernel || work.activation.quantizer) {
            return std::nullopt;
        }
        const Index channels = m_output.shape.channels();
        return cFunction(work.activation.function, m_output.shape.elementCount() / channels,
                         channels);
    }

    const IntegerStep& m_step;
    const std::string& m_net;
    const CodeTensor& m_output;
    std::string m_name;
    std::vector<const CodeTensor*> m_inputs;
    std::string m_constants;
};

} // namespace

std::optional<CStep> cStep(const graph::IntegerProgram& program, std::size_t step,
                           const std::string& net)
{
    return StepWriter(program, step, net).write();
}

} // namespace bitscape::io
