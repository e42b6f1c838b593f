// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/io/import_note.h"
#include "core/io/tflite/tflite_model.h"
#include "core/io/tflite/tflite_schema.h"

#include <deque>
#include <optional>
#include <string>
#include <vector>

// How exportTflite() works; used by its files only.
namespace bitscape::io {

/// value = scale · (code − zero), code = −128 … 127
struct TfliteGrid {
    float scale = 1.0F;
    std::int64_t zero = 0;
    bool operator==(const TfliteGrid&) const = default;
};

/// Writes a graph layer by layer. A function that cannot express its layer says why with lacks()
/// and gives −1.
class TfliteExporter {
public:
    /// `graph` holds the weights and is folded; both outlive it.
    TfliteExporter(const graph::Graph& graph, const graph::Configuration& configuration);

    /// Unsupported: names every layer that cannot be expressed.
    [[nodiscard]] Result<void> run();

    TfliteModel model; ///< its constants are kept by this object
    std::string runtime = "1.14.0";
    ImportNotes notes;

private:
    friend struct LayerWriter;

    // ---- what a layer's output is quantized to
    struct Target {
        std::optional<TfliteGrid> grid; ///< absent: nothing says it
        int last = 0;                   ///< the layer whose output it is
        bool isOwn = false;             ///< the layer's own quantizer, which replaces its function
    };
    [[nodiscard]] Target targetOf(int l);
    [[nodiscard]] std::optional<TfliteGrid> gridOf(const quant::Quantizer& quantizer);
    /// As targetOf(); a missing one is lacking.
    [[nodiscard]] std::optional<Target> requireTarget(int l);

    // ---- kinds of layers
    [[nodiscard]] int input(int l);
    [[nodiscard]] int convolution(int l, const graph::ConvOp& op);
    [[nodiscard]] int depthwise(int l, const graph::DepthwiseOp& op);
    [[nodiscard]] int dense(int l, const graph::DenseOp& op);
    [[nodiscard]] int transposed(int l, const Json& config);
    [[nodiscard]] int activation(int l, const graph::Function& function);
    [[nodiscard]] int pool(int l, const graph::PoolOp& op);
    [[nodiscard]] int globalPool(int l, const graph::GlobalPoolOp& op);
    [[nodiscard]] int pad(int l, const graph::ZeroPaddingOp& op);
    [[nodiscard]] int reshaped(int l);
    [[nodiscard]] int join(int l, const graph::ConcatenateOp& op);
    [[nodiscard]] int combine(int l, schema::Builtin code, int version);
    [[nodiscard]] int transpose(int l, const Json& config);
    [[nodiscard]] int enlarge(int l, const Json& config);
    [[nodiscard]] int constant(int l);

    // ---- tensors and operators
    [[nodiscard]] int addTensor(const std::string& name, TfliteType type,
                                const std::vector<std::int64_t>& shape);
    [[nodiscard]] int codesTensor(const std::string& name, const Shape& sample, TfliteGrid grid);
    [[nodiscard]] int integersTensor(const std::string& name, const std::vector<std::int32_t>& v,
                                     const std::vector<std::int64_t>& shape);
    void addOperator(schema::Builtin code, int version, std::vector<int> inputs, int output,
                     Json options = Json::object());
    /// Tensor t on another grid.
    [[nodiscard]] int requantized(int t, TfliteGrid to, const std::string& name);

    /// Codes of a kernel by output channel, and its bias.
    struct Kernel {
        int weights = -1, bias = -1; ///< tensors
    };
    struct KernelLayout {
        std::string name; ///< of the weight
        graph::Slot slot;
        std::vector<std::int64_t> shape; ///< of the file's kernel
        std::vector<std::size_t> order;  ///< axes of our weight that become its axes
        int channelAxis = 0;             ///< in the file's kernel
    };
    [[nodiscard]] std::optional<Kernel> kernel(int l, const KernelLayout& layout, int input);
    [[nodiscard]] std::optional<int> fusedOf(const graph::Function& function);

    void lacks(std::string why);
    [[nodiscard]] const graph::Layer& layer(int l) const { return m_graph.layer(l); }
    [[nodiscard]] int inputTensor(int l, std::size_t number = 0) const
    {
        return m_tensors[static_cast<std::size_t>(layer(l).inputs[number])];
    }
    [[nodiscard]] const TfliteGrid& grid(int t) const
    {
        return m_grids[static_cast<std::size_t>(t)];
    }

    const graph::Graph& m_graph;
    const graph::Configuration& m_configuration;
    std::deque<std::string> m_data;
    std::vector<TfliteGrid> m_grids; ///< by tensor
    std::vector<int> m_tensors;      ///< by layer; −1: none
    std::vector<char> m_isDone;      ///< layers whose quantizer the layer before took over
    std::string m_reason;            ///< of the layer at hand
    std::vector<std::string> m_problems;
};

} // namespace bitscape::io
