// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/io/import_note.h"
#include "core/io/onnx/affine_grid.h"
#include "core/io/onnx/graph_writer.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitscape::io {

/// How quantizers are written.
enum class OnnxForm {
    Float, ///< left out
    Qdq,   ///< QuantizeLinear, Clip where codes are narrower than their type, DequantizeLinear
    Qonnx  ///< Quant and BipolarQuant of qonnx.custom_op.general
};

/// An axis order of a kernel and the sizes it has in ONNX.
struct WeightForm {
    std::vector<int> order;         ///< empty: as it is
    std::vector<std::int64_t> dims; ///< empty: those of the order
};

/// A graph on its way out. Tensors of ours lie channels last, or as the layer says (stored); ONNX'
/// convolutions want them channels first (turned). Either is made of the other where it is missing,
/// once.
class ExportContext {
public:
    ExportContext(const graph::Graph& graph, const graph::Configuration& configuration,
                  OnnxForm form, OnnxModel& model);

    [[nodiscard]] const graph::Graph& graph() const { return m_graph; }
    [[nodiscard]] GraphWriter& out() { return m_writer; }
    [[nodiscard]] OnnxForm form() const { return m_form; }
    /// 1: tensors have the batch before the layer's shape; 0: they have none.
    [[nodiscard]] int batchAxes() const
    {
        return m_graph.batchAxis() == graph::BatchAxis::Samples ? 1 : 0;
    }

    /// The output of a layer; the name of the tensor.
    [[nodiscard]] std::string stored(int layer);
    [[nodiscard]] std::string turned(int layer);
    /// Whether the turned form is there and the stored one is not.
    [[nodiscard]] bool isTurned(int layer) const;
    [[nodiscard]] bool isGiven(int layer) const;

    /// Says what a layer gives, after its function or output quantizer.
    void finish(int layer, std::string tensor, bool isTurned);
    /// The same for a tensor that is final.
    void give(int layer, const std::string& tensor, bool isTurned);
    /// The same for an input of the network, whose name stays.
    void giveInput(int layer, const std::string& tensor)
    {
        m_names[static_cast<std::size_t>(layer)].stored = tensor;
    }

    /// A stored weight as a constant, quantized as the configuration says. Empty: the layer has no
    /// such weight.
    [[nodiscard]] std::string weight(const graph::Layer& layer, std::string_view name,
                                     const WeightForm& form = {});
    /// The same for numbers that stand in for a weight and what quantizes them (may be null).
    [[nodiscard]] std::string weight(const std::string& wish, const Tensor& value,
                                     const quant::QuantizerPtr& quantizer,
                                     const WeightForm& form = {});
    /// What execution uses in a slot; may be null.
    [[nodiscard]] quant::QuantizerPtr quantizer(const graph::Layer& layer, graph::Slot slot) const;
    /// The numbers of a weight as execution uses them, as they lie.
    [[nodiscard]] Tensor quantizedValue(const graph::Layer& layer, std::string_view name) const;

    /// y = f(x). `channelAxis`: of the tensor in ONNX.
    [[nodiscard]] std::string apply(const graph::Function& function, const std::string& x,
                                    const std::string& wish, int channelAxis);
    /// y = Q(x); refuses the layer where that cannot be said.
    [[nodiscard]] std::string apply(const quant::Quantizer& quantizer, const std::string& x,
                                    const graph::Layer& layer);

    /// The layer has no meaning in ONNX; all of them are told at once.
    void refuse(const graph::Layer& layer, const std::string& why);
    [[nodiscard]] const std::vector<std::string>& refusals() const { return m_refusals; }
    /// The operator set grows with what is used.
    void needOpset(int version) { m_opset = std::max(m_opset, version); }
    [[nodiscard]] int opset() const { return m_opset; }
    void needDomain(const std::string& domain, int version)
    {
        m_domains[domain] = std::max(m_domains[domain], version);
    }
    /// A node of an operator set that was imported; it must mean the same in the one written.
    void addImported(const graph::Layer& layer, std::string_view type, int version);
    /// Refuses imported nodes that the operator set written has changed.
    void checkImported();
    /// Operator sets besides ONNX' own.
    [[nodiscard]] const std::map<std::string, int>& domains() const { return m_domains; }

    ImportNotes notes;

private:
    struct Names {
        std::string stored, turned;
    };
    [[nodiscard]] std::string transposed(const std::string& x, const graph::Layer& layer,
                                         bool toTurned, const std::string& wish);
    [[nodiscard]] std::string dequantized(const std::string& wish, const QuantizedTensor& tensor,
                                          const WeightForm& form);
    [[nodiscard]] std::string qonnxWeight(const std::string& wish, const QuantizedTensor& tensor,
                                          const WeightForm& form);
    [[nodiscard]] std::string quantizeLinear(const AffineGrid& grid, const std::string& x,
                                             const std::string& wish);
    [[nodiscard]] std::string quantNode(const AffineGrid& grid, const std::string& x,
                                        const std::string& wish);
    [[nodiscard]] bool isOutput(int layer) const;

    const graph::Graph& m_graph;
    const graph::Configuration& m_configuration;
    OnnxForm m_form;
    GraphWriter m_writer;
    std::vector<Names> m_names; ///< per layer
    std::vector<std::string> m_refusals;
    int m_opset = 13;
    std::map<std::string, int> m_domains;
    struct Imported {
        const graph::Layer* layer;
        std::string type;
        int version;
    };
    std::vector<Imported> m_imported;
};

/// Writes one layer of the graph; what it reads is written already.
void exportLayer(ExportContext& context, int layer);
/// The layers of the registry; false: it has no meaning in ONNX.
[[nodiscard]] bool exportRule(ExportContext& context, int layer, const graph::RuleOp& op);

} // namespace bitscape::io
