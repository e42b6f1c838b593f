// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/c_header.h"

#include "core/graph/memory_plan.h"
#include "core/io/c_code/c_arrays.h"
#include "core/io/c_code/c_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace bitscape::io {

namespace {

using graph::CodeTensor;
using graph::IntegerProgram;
using graph::Storage;

constexpr std::array kStorages{Storage::Int8, Storage::Int16, Storage::Int32, Storage::Int64,
                               Storage::Float};

/// Where the tensors between the steps lie: one block per type.
class Scratch {
public:
    explicit Scratch(const IntegerProgram& program) : m_program(program)
    {
        for (const Storage storage : kStorages) {
            place(storage);
        }
    }

    [[nodiscard]] std::string declarations() const
    {
        std::string out;
        for (const Storage storage : kStorages) {
            const auto found = m_sizes.find(storage);
            if (found != m_sizes.end()) {
                out += fmt::format("    static {} {}[{}];\n", cType(storage), block(storage),
                                   found->second);
            }
        }
        return out;
    }
    /// The pointer to a tensor.
    [[nodiscard]] const std::string& of(int t) const { return m_places.at(t); }
    [[nodiscard]] std::int64_t bytes() const
    {
        std::int64_t total = 0;
        for (const auto& [storage, size] : m_sizes) {
            constexpr std::array<std::int64_t, 5> kBytes{1, 2, 4, 8, 4};
            total += size * kBytes[static_cast<std::size_t>(storage)];
        }
        return total;
    }

private:
    static std::string block(Storage storage)
    {
        return storage == Storage::Float ? "floats"
                                         : fmt::format("codes_{}", static_cast<int>(storage));
    }

    void place(Storage storage)
    {
        std::map<int, graph::Lifetime> lives;
        const auto touch = [&](int t, int now) {
            const CodeTensor& tensor = m_program.tensors[static_cast<std::size_t>(t)];
            if (tensor.storage == storage && !isInput(t)) {
                auto& life =
                    lives.try_emplace(t, graph::Lifetime{tensor.shape.elementCount(), now, now})
                        .first->second;
                life.last = std::max(life.last, now);
            }
        };
        for (std::size_t s = 0; s < m_program.steps.size(); ++s) {
            const int now = static_cast<int>(s);
            touch(m_program.steps[s].output, now);
            for (const int t : m_program.steps[s].inputs) {
                touch(t, now);
            }
        }
        for (const int t : m_program.results) {
            touch(t, static_cast<int>(m_program.steps.size()));
        }
        std::vector<graph::Lifetime> pieces;
        for (const auto& [t, life] : lives) {
            pieces.push_back(life);
        }
        if (pieces.empty()) {
            return;
        }
        const graph::MemoryPlan plan = graph::planMemory(pieces);
        std::size_t at = 0;
        for (const auto& [t, life] : lives) {
            m_places[t] = fmt::format("{} + {}", block(storage), plan.offsets[at++]);
        }
        m_sizes[storage] = plan.floats;
    }

    [[nodiscard]] bool isInput(int t)
    {
        Index first = 0;
        for (const int input : m_program.inputs) {
            if (input == t) {
                m_places[t] = fmt::format("input + {}", first);
                return true;
            }
            first += input < 0
                         ? 0
                         : m_program.tensors[static_cast<std::size_t>(input)].shape.elementCount();
        }
        return false;
    }

    const IntegerProgram& m_program;
    std::map<int, std::string> m_places;
    std::map<Storage, Index> m_sizes;
};

/// Statements that write a tensor's values to the output from element `first` on.
std::string resultText(const CodeTensor& tensor, const std::string& place, Index first,
                       const std::string& net, std::size_t number, std::string& constants)
{
    const Index count = tensor.shape.elementCount();
    if (tensor.isFloat()) {
        return fmt::format("    memcpy(output + {}, {}, {} * sizeof(float));\n", first, place,
                           count);
    }
    std::string step = cNumber(tensor.grid.steps.front());
    if (tensor.grid.steps.size() > 1) {
        const std::string name = fmt::format("{}_result_{}_steps", net, number);
        constants += cNumbers("double", name, std::span<const double>(tensor.grid.steps));
        step = fmt::format("{}[i % {}]", name, tensor.grid.steps.size());
    }
    return fmt::format("    for (int i = 0; i < {}; ++i) {{\n"
                       "        output[{} + i] = (float)({} * (double)((int64_t)({})[i] - {}));\n"
                       "    }}\n",
                       count, first, step, place, cNumber(tensor.grid.zero));
}

std::string introduction(const IntegerProgram& program, const std::string& net,
                         const Scratch& scratch)
{
    Index inputs = 0;
    Index outputs = 0;
    for (const int layer : program.graph->inputs()) {
        inputs += program.graph->layer(layer).outputShape.elementCount();
    }
    for (const int layer : program.resultLayers) {
        outputs += program.graph->layer(layer).outputShape.elementCount();
    }
    return fmt::format(
        "/* {0}: a quantized network in C99, written by Bitscape.\n\n"
        "   void {0}_predict(const float *input, float *output) takes {1} floats and gives {2}.\n"
        "   Weights and biases take {3} bytes when packed, tensors between the layers {4} bytes\n"
        "   (static, so that one call may run at a time). Link with -lm. */\n\n",
        net, inputs, outputs, (graph::packedBits(program) + 7) / 8, scratch.bytes());
}

std::string upperCase(std::string text)
{
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
}

} // namespace

Result<std::string> toCHeader(const IntegerProgram& program, std::string_view name)
{
    const std::string net = identifier(name);
    const Scratch scratch(program);
    const std::string guard = upperCase(net) + "_H";
    std::string out = introduction(program, net, scratch);
    out += fmt::format("#ifndef {0}\n#define {0}\n\n#include <math.h>\n#include <stddef.h>\n"
                       "#include <stdint.h>\n#include <string.h>\n\n{1}\n",
                       guard, cHelpers(net));
    std::string calls;
    std::string refused;
    for (std::size_t s = 0; s < program.steps.size(); ++s) {
        const graph::IntegerStep& step = program.steps[s];
        const graph::Layer& layer = program.graph->layer(step.layer);
        const auto text = cStep(program, s, net);
        if (!text) {
            refused +=
                fmt::format("{}{} ({})", refused.empty() ? "" : ", ", layer.name, layer.className);
            continue;
        }
        out += fmt::format("/* {} */\n{}\n", identifier(layer.name), text->text);
        calls += "    " + text->name + "(";
        for (const int t : step.inputs) {
            calls += scratch.of(t) + ", ";
        }
        calls += scratch.of(step.output) + ");\n";
    }
    if (!refused.empty()) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("Layers that run on floats have no C code: {}.", refused),
                    "c-header", "Quantize their inputs and weights.");
    }
    Index first = 0;
    for (std::size_t r = 0; r < program.results.size(); ++r) {
        const CodeTensor& tensor = program.tensors[static_cast<std::size_t>(program.results[r])];
        calls += resultText(tensor, scratch.of(program.results[r]), first, net, r, out);
        first += tensor.shape.elementCount();
    }
    out += fmt::format("static inline void {}_predict(const float *input, float *output)\n{{\n"
                       "{}{}}}\n\n#endif\n",
                       net, scratch.declarations(), calls);
    return out;
}

Result<ExportContent> exportCHeader(const ExportInput& input)
{
    auto program =
        graph::makeIntegerProgram(input.graph, input.configuration, input.graph->weights());
    if (!program) {
        return fail(std::move(program).error());
    }
    auto text = toCHeader(*program, input.graph->name());
    if (!text) {
        return fail(std::move(text).error());
    }
    ExportContent content = singleFile(std::move(*text));
    content.warnings = program->warnings;
    return content;
}

} // namespace bitscape::io
