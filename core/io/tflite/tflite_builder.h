// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/io/import_note.h"
#include "core/io/tflite/tflite_model.h"
#include "core/io/tflite/tflite_schema.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bitscape::io {

using TfliteSizes = std::vector<std::int64_t>;

/// Name of the layer that gives a tensor. Converters string the names of all that they merged
/// together by semicolons; the first one is the last to run.
[[nodiscard]] std::string layerName(const TfliteTensor& tensor);

/// A tensor of the file as a layer of the graph gives it.
struct TfliteSource {
    int layer = -1;
    TfliteSizes sizes;    ///< all axes, as the file counts them
    bool hasBatch = true; ///< the first axis counts samples; else every sample has them all

    /// Shape without batch.
    [[nodiscard]] Shape sample() const;
    /// An axis of the file (from the end if negative) as an axis of sample(): −1 is the batch;
    /// nothing if it is not there.
    [[nodiscard]] std::optional<int> axis(std::int64_t axisOfFile) const;
};

/// An image that the file cuts into a batch of phases, every block-th pixel in both directions.
struct TfliteCut {
    TfliteSource source; ///< whole
    int block = 1;
};

/// Numbers of a constant that operators are set up with: shapes, axes, indices.
using TfliteIntegers = std::vector<std::int64_t>;

/// Builds a graph from a subgraph, operator by operator. What an operator computes of constants
/// alone is computed while reading; what cannot be mapped becomes layers that are named and cannot
/// be run.
class TfliteBuilder {
public:
    TfliteBuilder(const TfliteSubgraph& subgraph, std::string where);

    [[nodiscard]] Result<void> build();

    std::vector<graph::Layer> layers;
    std::vector<int> inputs, outputs;
    graph::Configuration configuration;
    graph::BatchAxis batchAxis = graph::BatchAxis::Samples;
    ImportNotes notes;
    Warnings warnings;

private:
    friend class OperatorReading;

    [[nodiscard]] Result<void> addInputs();
    /// Something has given the tensor already.
    [[nodiscard]] bool isKnown(int tensor) const;
    [[nodiscard]] Result<void> addOperator(const TfliteOperator& one);
    [[nodiscard]] Result<void> addOutputs();
    /// Layers that stand for an operator that cannot be run.
    void refuse(const TfliteOperator& one, std::size_t firstLayer, const std::string& reason);
    [[nodiscard]] std::string unique(const std::string& name) const;
    [[nodiscard]] const TfliteTensor& tensor(int number) const
    {
        return m_subgraph.tensors[static_cast<std::size_t>(number)];
    }
    void setQuantizer(int layer, graph::Slot slot, quant::QuantizerPtr quantizer);

    const TfliteSubgraph& m_subgraph;
    std::string m_where;
    std::int64_t m_samples = 1; ///< size of the file's first axis
    std::map<int, TfliteSource> m_sources;
    std::map<int, TfliteCut> m_cuts;
    std::map<int, TfliteIntegers> m_integers; ///< folded, by tensor
    std::map<int, std::vector<float>> m_reals;
    std::vector<graph::LayerQuantizers> m_quantizers; ///< by layer, until all names are known
    std::map<std::string, int, std::less<>> m_names;
};

/// An operator while it is read. A row's `convert` asks for what it needs and gives a layer for
/// every output; the first reason why that cannot be is kept by lacks() and undoes all of it.
class OperatorReading {
public:
    OperatorReading(TfliteBuilder& builder, const TfliteOperator& one)
        : op(one), m_builder(builder), m_firstLayer(builder.layers.size())
    {
    }

    const TfliteOperator& op;

    void lacks(std::string reason);
    [[nodiscard]] bool isOk() const { return m_reason.empty() && !m_error; }
    [[nodiscard]] const std::string& reason() const { return m_reason; }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    [[nodiscard]] std::size_t firstLayer() const { return m_firstLayer; }

    // ---- options
    [[nodiscard]] int option(const char* name) const;
    [[nodiscard]] bool flag(const char* name) const;
    [[nodiscard]] float real(const char* name) const;
    /// The fused function; one that is not covered is lacking.
    [[nodiscard]] graph::Function fused();

    // ---- tensors of the operator
    [[nodiscard]] std::size_t inputCount() const { return op.inputs.size(); }
    [[nodiscard]] bool has(std::size_t input) const
    {
        return input < op.inputs.size() && op.inputs[input] >= 0;
    }
    /// Present (ensured by has()).
    [[nodiscard]] const TfliteTensor& input(std::size_t number) const;
    [[nodiscard]] const TfliteTensor& output(std::size_t number = 0) const;
    /// Sizes of an input that layers give.
    [[nodiscard]] std::optional<TfliteSizes> sizes(std::size_t input) const;
    /// A constant, in the file or computed while reading.
    [[nodiscard]] bool isConstant(std::size_t input) const;
    /// Numbers of an integer constant; one that is none is lacking.
    [[nodiscard]] TfliteIntegers integers(std::size_t input);
    /// Values of a constant, scaled if it is quantized; one that is none is lacking.
    [[nodiscard]] std::vector<float> reals(std::size_t input);
    /// Codes of a quantized constant of the file.
    [[nodiscard]] TfliteIntegers codes(std::size_t input);
    /// The layer that gives an input, or a constant's values to every sample (aligned to `like` at
    /// the last axis). A missing one is lacking.
    [[nodiscard]] TfliteSource source(std::size_t input);
    [[nodiscard]] TfliteSource constantSource(std::size_t input, int rank);

    // ---- layers
    struct LayerParts {
        std::vector<graph::Weight> weights;
        graph::LayerQuantizers quantizers;
        /// Read beside the first.
        std::vector<int> further;
        std::string role; ///< end of the name of a helping layer: "flatten"
    };
    /// A layer behind `input`; its sizes are what the op's rule says.
    TfliteSource layer(graph::Op op, const TfliteSource& input, LayerParts parts);
    TfliteSource layer(graph::Op op, const TfliteSource& input);
    /// A layer of Keras by class and config.
    TfliteSource layer(const char* className, const Json& config, const TfliteSource& input,
                       LayerParts parts);
    /// The same values with the given sizes; `hasBatch` as they are to be read.
    TfliteSource reshaped(const TfliteSource& input, const TfliteSizes& sizes, bool hasBatch,
                          const std::string& role = "reshape");
    /// With the first axis as batch; lacking where it counts more than a sample.
    TfliteSource batched(const TfliteSource& input);
    /// With all axes within the sample.
    TfliteSource whole(const TfliteSource& input);

    /// Makes `source` the output: function and quantizer of the tensor follow, its name goes to the
    /// last layer. The sizes must be the file's.
    void give(TfliteSource source, std::size_t output = 0);
    /// An output that is an image cut into phases; what reads it works on the whole image.
    void giveCut(TfliteSource source, int block);
    /// Nothing where the input is no such image.
    [[nodiscard]] std::optional<TfliteCut> cutSource(std::size_t input) const;
    /// An output that was computed while reading.
    void giveIntegers(TfliteIntegers values, std::size_t output = 0);
    void giveReals(std::vector<float> values, std::size_t output = 0);
    void note(ImportKind kind, std::string text);

    [[nodiscard]] TfliteBuilder& builder() { return m_builder; }

private:
    void quantizeOutput(TfliteSource& source, const TfliteTensor& tensor);
    /// A layer of this operator that has no name yet.
    [[nodiscard]] bool isOwn(const TfliteSource& source) const;
    void nameLayer(int layer, const std::string& name);

    TfliteBuilder& m_builder;
    std::size_t m_firstLayer;
    std::string m_reason;
    std::optional<Error> m_error;
};

/// A row: how an operator is mapped.
struct TfliteConverter {
    int code = 0;
    void (*convert)(OperatorReading& reading) = nullptr;
};
[[nodiscard]] const TfliteConverter* findConverter(int code);

// The families, one file each.
[[nodiscard]] std::span<const TfliteConverter> tfliteWindowConverters();
[[nodiscard]] std::span<const TfliteConverter> tfliteElementConverters();
[[nodiscard]] std::span<const TfliteConverter> tfliteShapeConverters();
[[nodiscard]] std::span<const TfliteConverter> tfliteImageConverters();
[[nodiscard]] std::span<const TfliteConverter> tfliteSequenceConverters();
[[nodiscard]] std::span<const TfliteConverter> tfliteFunctionConverters();

/// Computes an operator whose inputs are all constant integers; false: it is not covered.
[[nodiscard]] bool foldIntegers(OperatorReading& reading);

} // namespace bitscape::io
