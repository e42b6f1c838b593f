// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/activation.h"
#include "core/graph/layers/row_map.h"

#include <memory>
#include <span>

namespace bitscape::graph {

enum class CellKind { Simple, Lstm, Gru };

struct CellSetup {
    CellKind kind = CellKind::Simple;
    Index units = 1;           ///< channels of a state
    Index pixels = 1;          ///< of a state that is an image
    bool resetAfter = false;   ///< of a GRU: the reset gate multiplies the product
    Activation activation;     ///< of the candidate, and of an LSTM's state on its way out
    Activation gateActivation; ///< "recurrent activation"
    quant::QuantizerPtr state; ///< applied to each state as it enters a step; may be null
    bool dropsState = false;   ///< steps come with a mask for the state
    quant::CallContext call;   ///< training and sigmoid; seeds come with the steps
};

/// One time step of some samples. Tensors of a step lie one after another, each samples × pixels ×
/// units.
struct CellStep {
    Index samples = 0;
    float* projected = nullptr;      ///< samples × pixels × gates·units: x·W + b; is worked on
    const float* previous = nullptr; ///< record of the step before, which begins with the states
    float* record = nullptr;         ///< states after the step, and what backward() reads
    const float* mask = nullptr;     ///< dropout of the state; or null
    std::uint64_t seed = 0;          ///< of stochastic quantizers, for the first sample
    float* work = nullptr;           ///< workFloats() of all samples
};

/// The way back through a step.
struct CellBackStep {
    CellStep step;
    float* states = nullptr;    ///< in: gradient of the states after the step; out: before it
    float* projected = nullptr; ///< out: gradient of x·W + b
    float* inner = nullptr; ///< out, if hasInner(): of the candidate's product, samples × units
};

/// Steps whose records lie at a constant distance, for the gradient of the recurrent kernel.
struct CellSpan {
    Index samples = 0, steps = 0;
    const float* previous = nullptr; ///< record before the first step
    const float* record = nullptr;
    const Index* records = nullptr;   ///< per step: floats from the first record
    const float* projected = nullptr; ///< gradients, step by step
    const Index* projections = nullptr;
    const float* inner = nullptr;
    const Index* inners = nullptr;
};

/// The arithmetic of a recurrent cell. Gates are columns of the kernels in Keras' order: i f c o,
/// z r h. Thread: any for the const functions.
class RecurrentCell {
public:
    explicit RecurrentCell(CellSetup setup) : m_setup(std::move(setup)) {}
    virtual ~RecurrentCell() = default;
    RecurrentCell(const RecurrentCell&) = delete;
    RecurrentCell& operator=(const RecurrentCell&) = delete;
    RecurrentCell(RecurrentCell&&) = delete;
    RecurrentCell& operator=(RecurrentCell&&) = delete;

    [[nodiscard]] Index gates() const { return gateCount(m_setup.kind); }
    [[nodiscard]] Index states() const { return stateCount(m_setup.kind); }
    [[nodiscard]] static Index gateCount(CellKind kind);
    [[nodiscard]] static Index stateCount(CellKind kind);
    /// Tensors of a record.
    [[nodiscard]] virtual Index fields() const = 0;
    /// A GRU whose bias has a second row, for the recurrent product.
    [[nodiscard]] virtual bool hasInner() const { return false; }
    /// Floats of CellStep::work; forward() needs workFloats(0).
    [[nodiscard]] Index workFloats(Index samples) const
    {
        return (gates() + 2) * samples * stateSize() + scratchFloats();
    }
    /// Floats of a state of one sample.
    [[nodiscard]] Index stateSize() const { return m_setup.pixels * m_setup.units; }
    [[nodiscard]] virtual Index kernelSize() const { return stateSize() * gates() * m_setup.units; }
    /// Every quantizer inside may be given any run of samples.
    [[nodiscard]] bool worksOnSamples() const;

    virtual void prepareTraining() = 0;
    /// `innerBias`: of the candidate's recurrent product, if hasInner(); may be null.
    virtual void setKernel(const float* recurrent, const float* innerBias) = 0;
    virtual void forward(const CellStep& step) const = 0;
    virtual void backward(const CellBackStep& back) const = 0;
    /// `scratch`: workFloats(0).
    virtual void gradient(const CellSpan& span, float* recurrent, bool adds,
                          float* scratch) const = 0;

protected:
    [[nodiscard]] virtual Index scratchFloats() const { return 0; }
    [[nodiscard]] const CellSetup& setup() const { return m_setup; }
    [[nodiscard]] Index units() const { return m_setup.units; }
    [[nodiscard]] Index rows(const CellStep& step) const { return step.samples * m_setup.pixels; }
    [[nodiscard]] Index size(const CellStep& step) const { return step.samples * stateSize(); }

    // Where the states that a step works with lie: as they were, quantized, quantized and masked.
    // Fields are given out in the constructors.
    [[nodiscard]] Index addStateFields(Index first);
    void enter(const CellStep& step) const;
    [[nodiscard]] const float* entered(const CellStep& step, Index state) const;
    [[nodiscard]] const float* masked(const CellStep& step) const;
    /// dstate of what enter() did, in place; `maskedGradient` is added to that of state 0.
    void leave(const CellBackStep& back, float* maskedGradient) const;
    /// Rows of the masked state over a span.
    [[nodiscard]] Rows maskedRows(const CellSpan& span) const;

    /// Activates a gate: fields `before` (only if its gradient reads it) and `after`.
    struct Gate {
        Index column = 0; ///< first column in units
        Index before = -1, after = 0;
        bool isCandidate = false;
    };
    [[nodiscard]] Gate addGate(Index column, bool isCandidate, Index& fields) const;
    void activate(const CellStep& step, const Gate& gate) const;
    /// dz of a gate from dy, in place, and into the gate's columns of `projected`.
    void deactivate(const CellBackStep& back, const Gate& gate, float* gradient) const;
    [[nodiscard]] quant::CallContext callOf(const CellStep& step, Index purpose) const;
    [[nodiscard]] const Activation& activationOf(const Gate& gate) const
    {
        return gate.isCandidate ? m_setup.activation : m_setup.gateActivation;
    }
    [[nodiscard]] Shape shapeOf(const CellStep& step) const { return {rows(step), m_setup.units}; }
    /// Rows of pixels that hold the gate's columns and those after it.
    [[nodiscard]] MutableRows columns(const CellStep& step, float* projected, Index gate) const;

private:
    CellSetup m_setup;
    Index m_entered = -1; ///< first field of the quantized states; −1: as they were
    Index m_masked = -1;
};

/// `recurrent`: the product of the state where it is an image (LSTM only); null: a matrix.
[[nodiscard]] std::unique_ptr<RecurrentCell> makeCell(CellSetup setup,
                                                      std::unique_ptr<StepMap> recurrent = nullptr);

} // namespace bitscape::graph
