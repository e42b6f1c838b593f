// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/program.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// How makeIntegerProgram() works; used inside core/graph/integer only.
namespace bitscape::graph {

/// Makes the steps of a program, layer by layer. A function that says "nullopt: no whole-number
/// meaning" leaves the reason in `reason` and no steps that anything reads.
class ProgramBuilder {
public:
    /// `graph` holds the weights and is folded; the configuration outlives the builder.
    ProgramBuilder(GraphPtr graph, const Configuration& configuration,
                   const IntegerOptions& options);
    [[nodiscard]] IntegerProgram build();

private:
    // ---- builder.cpp
    void takeWeights();
    void findNeeded();
    void addLayer(int l);
    [[nodiscard]] int layerFloats(int l);
    [[nodiscard]] int nextActivation(int l) const;
    [[nodiscard]] int activate(int l, int t, const Activation& activation);
    [[nodiscard]] int activateFloats(int l, int t, const Activation& activation);
    [[nodiscard]] int asFloats(int t);
    void removeUnread();
    void warnOfFloats(int l, std::string why);

    // ---- codes.cpp: from numbers to codes
    [[nodiscard]] std::optional<int> quantizeFloats(int l, int t, const quant::QuantizerPtr& q);
    [[nodiscard]] std::optional<int> tabulate(int l, int t, const UniformGrid& to,
                                              const quant::QuantizerPtr& q);
    [[nodiscard]] std::optional<int> requantizeCodes(int l, int t, const quant::QuantizerPtr& q);
    [[nodiscard]] std::optional<int> clampCodes(int l, int t, std::pair<float, float> ends);
    /// What lets LiteRT's arithmetic count for numbers with `steps` that go to the quantizer's
    /// grid.
    [[nodiscard]] bool followsLiteRt(const quant::Quantizer& q, const std::vector<double>& steps,
                                     const CodeGrid& to) const;
    /// The rule on the numbers of tensor t: joined to the step that makes them where it can be.
    [[nodiscard]] int attach(int l, int t, Requantization rule, CodeGrid grid);
    [[nodiscard]] IntegerStep* canJoin(int l, int t);
    [[nodiscard]] bool isSoleReader(int l, int t) const;

    // ---- windows.cpp
    [[nodiscard]] std::optional<int> convolve(int l, const ConvolutionGeometry& geometry,
                                              bool isDepthwise, int weight, int bias,
                                              const std::vector<float>& mask, int x);
    [[nodiscard]] std::optional<int> convolution(int l, const ConvOp& op);
    [[nodiscard]] std::optional<int> convolution(int l, const DenseOp& op);
    [[nodiscard]] std::optional<int> convolution(int l, const DepthwiseOp& op);
    [[nodiscard]] std::optional<int> convolution(int l, const SeparableOp& op);
    [[nodiscard]] std::optional<int> pool(int l, PoolKind kind, const kernels::Pool& pool,
                                          bool isGlobal);
    [[nodiscard]] std::optional<int> pool(int l, const PoolOp& op);
    [[nodiscard]] std::optional<int> pool(int l, const GlobalPoolOp& op);
    /// The layer's input as channels last, and the output back if the op is channels first.
    template <class Make>
    [[nodiscard]] std::optional<int> channelsLast(int l, bool isChannelsFirst, const Make& make);

    // ---- joins.cpp: several inputs, and moving
    [[nodiscard]] std::optional<int> sum(int l, const std::vector<char>& isNegative);
    [[nodiscard]] std::optional<int> sumOnFinerGrid(int l, const std::vector<char>& isNegative,
                                                    const std::vector<int>& inputs,
                                                    const UniformGrid& to);
    [[nodiscard]] std::optional<int> liteRtSum(int l, const std::vector<char>& isNegative,
                                               const std::vector<int>& inputs,
                                               const UniformGrid& to);
    [[nodiscard]] std::optional<int> product(int l);
    /// Input `number` of layer l as large as the layer's output: itself, or its codes repeated.
    [[nodiscard]] std::optional<int> repeated(int l, std::size_t number);
    /// A layer that gives its one weight.
    [[nodiscard]] std::optional<int> constant(int l);
    /// A layer that only moves values: found by looking at what it does to numbers.
    [[nodiscard]] std::optional<int> moved(int l);
    /// The inputs of layer l on one grid.
    [[nodiscard]] std::optional<std::vector<int>> aligned(int l);

    // ---- steps and tensors
    [[nodiscard]] int addCodes(int l, const Shape& shape, CodeGrid grid);
    [[nodiscard]] int addFloats(int l, const Shape& shape);
    int addStep(int l, std::vector<int> inputs, int output, Work work,
                std::optional<Requantization> rule = std::nullopt);
    [[nodiscard]] CodeTensor& tensor(int t)
    {
        return m_program.tensors[static_cast<std::size_t>(t)];
    }
    [[nodiscard]] const CodeTensor& tensor(int t) const
    {
        return m_program.tensors[static_cast<std::size_t>(t)];
    }
    [[nodiscard]] IntegerStep* producer(int t);
    [[nodiscard]] const Layer& layer(int l) const { return m_graph->layer(l); }
    [[nodiscard]] const LayerQuantizers& quantizers(int l) const;
    [[nodiscard]] int input(int l, std::size_t number = 0) const
    {
        return m_tensorOf[static_cast<std::size_t>(layer(l).inputs[number])];
    }
    [[nodiscard]] Shape inputShape(int l, std::size_t number = 0) const
    {
        return layer(layer(l).inputs[number]).outputShape;
    }
    [[nodiscard]] std::size_t slotOf(int l, int weight) const
    {
        return m_firstSlot[static_cast<std::size_t>(l)] + static_cast<std::size_t>(weight);
    }
    std::nullopt_t refuse(std::string why)
    {
        m_reason = std::move(why);
        return std::nullopt;
    }
    [[nodiscard]] bool isResult(int l) const;
    [[nodiscard]] std::shared_ptr<LayerKernel> kernel(int l) const
    {
        return m_kernels[static_cast<std::size_t>(l)];
    }

    GraphPtr m_graph;
    const Configuration& m_configuration;
    IntegerOptions m_options;
    quant::CallContext m_call;
    IntegerProgram m_program;
    std::vector<std::shared_ptr<LayerKernel>> m_kernels;
    std::vector<quant::QuantizerPtr> m_weightQuantizers;
    WeightSet m_stored;
    std::vector<std::size_t> m_firstSlot;
    std::vector<char> m_needed;
    std::vector<int> m_tensorOf; ///< per layer
    std::map<int, int> m_floats; ///< tensor of codes → the same as floats
    std::string m_reason;
    // Of the layer at hand: what quantizes its numbers, it or the next layer; and whether its codes
    // are already those.
    quant::QuantizerPtr m_quantizer;
    bool m_isActivated = false;
    std::vector<char> m_isDone; ///< layers whose activation the layer before took over

    friend struct LayerCodes;
};

[[nodiscard]] Storage storageFor(std::int64_t low, std::int64_t high);

/// The scale was given with the quantizer, as files of other tools do.
[[nodiscard]] bool hasGivenScale(const quant::Quantizer& quantizer);
[[nodiscard]] bool isAffine(const quant::Quantizer& quantizer);

} // namespace bitscape::graph
