// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/recurrent_cell.h"

#include "core/base/rng.h"

#include <algorithm>
#include <utility>

namespace bitscape::graph {

namespace {

/// h' = act(x·W + b + h·U).
class SimpleCell final : public RecurrentCell {
public:
    explicit SimpleCell(CellSetup setup)
        : RecurrentCell(std::move(setup)), m_kernel(units(), units(), units(), 0)
    {
        m_fields = 0;
        m_gate = addGate(0, true, m_fields); // its result, the state, is field 0
        m_fields = addStateFields(m_fields);
    }

    Index fields() const override { return m_fields; }
    void prepareTraining() override { m_kernel.prepareTraining(); }
    void setKernel(const float* recurrent, const float* /*innerBias*/) override
    {
        m_kernel.pack(recurrent);
    }

    void forward(const CellStep& step) const override
    {
        enter(step);
        m_kernel.apply({masked(step), step.samples, units()}, columns(step, step.projected, 0),
                       nullptr, true);
        activate(step, m_gate);
    }

    void backward(const CellBackStep& back) const override
    {
        const CellStep& step = back.step;
        float* gradient = step.work;
        float* before = gradient + size(step);
        std::copy_n(back.states, size(step), gradient);
        deactivate(back, m_gate, gradient);
        m_kernel.applyBack({gradient, step.samples, units()}, {before, step.samples, units()},
                           false);
        std::fill_n(back.states, size(step), 0.0F);
        leave(back, before);
    }

    void gradient(const CellSpan& span, float* recurrent, bool adds,
                  float* /*scratch*/) const override
    {
        m_kernel.gradient(maskedRows(span),
                          {span.projected, span.samples, units(), span.projections, span.steps},
                          recurrent, adds);
    }

private:
    Index m_fields = 0;
    Gate m_gate;
    RowMap m_kernel;
};

/// c' = f·c + i·g, h' = o·act(c').
class LstmCell final : public RecurrentCell {
public:
    LstmCell(CellSetup setup, std::unique_ptr<StepMap> recurrent)
        : RecurrentCell(std::move(setup)), m_kernel(std::move(recurrent))
    {
        m_fields = 2; // h, c
        m_input = addGate(0, false, m_fields);
        m_forget = addGate(1, false, m_fields);
        m_candidate = addGate(2, true, m_fields);
        m_output = addGate(3, false, m_fields);
        m_shown = m_fields++;
        m_fields = addStateFields(m_fields);
    }

    Index fields() const override { return m_fields; }
    Index kernelSize() const override { return m_kernel->kernelSize(); }
    void prepareTraining() override { m_kernel->prepareTraining(); }
    void setKernel(const float* recurrent, const float* /*innerBias*/) override
    {
        m_kernel->pack(recurrent);
    }

    void forward(const CellStep& step) const override
    {
        enter(step);
        m_kernel->apply({masked(step), step.samples, stateSize()},
                        {step.projected, step.samples, 4 * stateSize()}, nullptr, true, step.work);
        for (const Gate& gate : {m_input, m_forget, m_candidate, m_output}) {
            activate(step, gate);
        }
        const Index n = size(step);
        const float* i = step.record + m_input.after * n;
        const float* f = step.record + m_forget.after * n;
        const float* g = step.record + m_candidate.after * n;
        const float* o = step.record + m_output.after * n;
        const float* before = entered(step, 1);
        float* h = step.record;
        float* c = step.record + n;
        float* shown = step.record + m_shown * n;
        for (Index k = 0; k < n; ++k) {
            c[k] = f[k] * before[k] + i[k] * g[k];
        }
        setup().activation.apply(c, shapeOf(step), shown, callOf(step, m_shown));
        for (Index k = 0; k < n; ++k) {
            h[k] = o[k] * shown[k];
        }
    }

    void backward(const CellBackStep& back) const override
    {
        const CellStep& step = back.step;
        const Index n = size(step);
        const float* i = step.record + m_input.after * n;
        const float* f = step.record + m_forget.after * n;
        const float* g = step.record + m_candidate.after * n;
        const float* o = step.record + m_output.after * n;
        const float* c = step.record + n;
        const float* shown = step.record + m_shown * n;
        const float* before = entered(step, 1);
        float* dh = back.states;
        float* dc = back.states + n;
        float* gates = step.work; // i, f, c, o
        float* through = gates + 4 * n;
        for (Index k = 0; k < n; ++k) {
            gates[3 * n + k] = dh[k] * shown[k];
            through[k] = dh[k] * o[k];
        }
        const Activation& activation = setup().activation;
        const bool readsInput = activation.reads() == GradientReads::Input;
        activation.gradient(readsInput ? c : shown, through, shapeOf(step), through,
                            callOf(step, m_shown));
        for (Index k = 0; k < n; ++k) {
            const float sum = dc[k] + through[k];
            gates[k] = sum * g[k];
            gates[n + k] = sum * before[k];
            gates[2 * n + k] = sum * i[k];
            dc[k] = sum * f[k];
        }
        deactivate(back, m_input, gates);
        deactivate(back, m_forget, gates + n);
        deactivate(back, m_candidate, gates + 2 * n);
        deactivate(back, m_output, gates + 3 * n);
        m_kernel->applyBack({back.projected, step.samples, 4 * stateSize()},
                            {through, step.samples, stateSize()}, false, through + 2 * n);
        std::fill_n(dh, n, 0.0F);
        leave(back, through);
    }

    void gradient(const CellSpan& span, float* recurrent, bool adds, float* scratch) const override
    {
        m_kernel->gradient(
            maskedRows(span),
            {span.projected, span.samples, 4 * stateSize(), span.projections, span.steps},
            recurrent, adds, scratch);
    }

private:
    Index scratchFloats() const override { return m_kernel->scratchFloats(); }

    Index m_fields = 0;
    Gate m_input, m_forget, m_candidate, m_output;
    Index m_shown = 0; ///< act(c')
    std::unique_ptr<StepMap> m_kernel;
};

/// h' = z·h + (1−z)·act(x·W + b + …), where … is (r·h)·U, or r·(h·U + b') with the reset after.
class GruCell final : public RecurrentCell {
public:
    explicit GruCell(CellSetup given)
        : RecurrentCell(std::move(given)), m_resetAfter(setup().resetAfter),
          m_gates(units(), 2 * units(), 3 * units(), 0),
          m_product(units(), units(), 3 * units(), 2 * units())
    {
        m_fields = 1; // h
        m_update = addGate(0, false, m_fields);
        m_reset = addGate(1, false, m_fields);
        m_candidate = addGate(2, true, m_fields);
        m_inner = m_fields++;
        m_fields = addStateFields(m_fields);
    }

    Index fields() const override { return m_fields; }
    bool hasInner() const override { return m_resetAfter; }
    void prepareTraining() override
    {
        m_gates.prepareTraining();
        m_product.prepareTraining();
    }
    void setKernel(const float* recurrent, const float* innerBias) override
    {
        m_gates.pack(recurrent);
        m_product.pack(recurrent);
        m_innerBias = innerBias;
    }

    void forward(const CellStep& step) const override
    {
        enter(step);
        const Index n = size(step);
        const Rows h{masked(step), step.samples, units()};
        m_gates.apply(h, columns(step, step.projected, 0), nullptr, true);
        activate(step, m_update);
        activate(step, m_reset);
        const float* r = step.record + m_reset.after * n;
        float* inner = step.record + m_inner * n;
        const MutableRows candidate = columns(step, step.projected, 2);
        if (m_resetAfter) {
            m_product.apply(h, {inner, step.samples, units()}, m_innerBias, false);
            for (Index s = 0; s < step.samples; ++s) {
                float* row = candidate.data + s * candidate.samplePitch;
                for (Index u = 0; u < units(); ++u) {
                    row[u] += r[s * units() + u] * inner[s * units() + u];
                }
            }
        } else {
            for (Index k = 0; k < n; ++k) {
                inner[k] = r[k] * h.data[k];
            }
            m_product.apply({inner, step.samples, units()}, candidate, nullptr, true);
        }
        activate(step, m_candidate);
        const float* z = step.record + m_update.after * n;
        const float* g = step.record + m_candidate.after * n;
        const float* before = entered(step, 0);
        for (Index k = 0; k < n; ++k) {
            step.record[k] = z[k] * before[k] + (1.0F - z[k]) * g[k];
        }
    }

    void backward(const CellBackStep& back) const override
    {
        const CellStep& step = back.step;
        const Index n = size(step);
        const float* z = step.record + m_update.after * n;
        const float* r = step.record + m_reset.after * n;
        const float* g = step.record + m_candidate.after * n;
        const float* inner = step.record + m_inner * n;
        const float* h = masked(step);
        const float* before = entered(step, 0);
        float* dh = back.states;
        float* update = step.work;
        float* reset = update + n;
        float* candidate = reset + n;
        float* through = candidate + n;
        float* product = through + n;
        for (Index k = 0; k < n; ++k) {
            update[k] = dh[k] * (before[k] - g[k]);
            candidate[k] = dh[k] * (1.0F - z[k]);
            dh[k] *= z[k];
        }
        deactivate(back, m_candidate, candidate);
        if (m_resetAfter) {
            for (Index k = 0; k < n; ++k) {
                reset[k] = candidate[k] * inner[k];
                back.inner[k] = candidate[k] * r[k];
            }
            m_product.applyBack({back.inner, step.samples, units()},
                                {through, step.samples, units()}, false);
        } else {
            m_product.applyBack({candidate, step.samples, units()},
                                {product, step.samples, units()}, false);
            for (Index k = 0; k < n; ++k) {
                reset[k] = product[k] * h[k];
                through[k] = product[k] * r[k];
            }
        }
        deactivate(back, m_update, update);
        deactivate(back, m_reset, reset);
        m_gates.applyBack({back.projected, step.samples, 3 * units()},
                          {through, step.samples, units()}, true);
        leave(back, through);
    }

    void gradient(const CellSpan& span, float* recurrent, bool adds,
                  float* /*scratch*/) const override
    {
        const Rows h = maskedRows(span);
        const Rows gates{span.projected, span.samples, 3 * units(), span.projections, span.steps};
        m_gates.gradient(h, gates, recurrent, adds);
        if (m_resetAfter) {
            m_product.gradient(h, {span.inner, span.samples, units(), span.inners, span.steps},
                               recurrent, adds);
            return;
        }
        Rows candidate = gates;
        candidate.data += 2 * units();
        m_product.gradient({span.record + m_inner * span.samples * units(), span.samples, units(),
                            span.records, span.steps},
                           candidate, recurrent, adds);
    }

private:
    bool m_resetAfter;
    Index m_fields = 0;
    Gate m_update, m_reset, m_candidate;
    Index m_inner = 0; ///< h·U + b', or r·h
    RowMap m_gates, m_product;
    const float* m_innerBias = nullptr;
};

} // namespace

Index RecurrentCell::gateCount(CellKind kind)
{
    switch (kind) {
    case CellKind::Lstm:
        return 4;
    case CellKind::Gru:
        return 3;
    case CellKind::Simple:
        break;
    }
    return 1;
}

Index RecurrentCell::stateCount(CellKind kind)
{
    return kind == CellKind::Lstm ? 2 : 1;
}

bool RecurrentCell::worksOnSamples() const
{
    const bool isElementwise = !m_setup.state || m_setup.state->isElementwise();
    return isElementwise && m_setup.activation.worksInBlocks() &&
           m_setup.gateActivation.worksInBlocks();
}

Index RecurrentCell::addStateFields(Index first)
{
    if (m_setup.state) {
        m_entered = first;
        first += states();
    }
    if (m_setup.dropsState) {
        m_masked = first++;
    }
    return first;
}

void RecurrentCell::enter(const CellStep& step) const
{
    const Index n = size(step);
    for (Index state = 0; m_entered >= 0 && state < states(); ++state) {
        const Index field = m_entered + state;
        m_setup.state->apply({step.previous + state * n, shapeOf(step)},
                             {step.record + field * n, shapeOf(step)}, callOf(step, field));
    }
    if (m_masked >= 0) {
        const float* h = entered(step, 0);
        float* target = step.record + m_masked * n;
        for (Index k = 0; k < n; ++k) {
            target[k] = h[k] * step.mask[k];
        }
    }
}

const float* RecurrentCell::entered(const CellStep& step, Index state) const
{
    const Index n = size(step);
    return m_entered < 0 ? step.previous + state * n : step.record + (m_entered + state) * n;
}

const float* RecurrentCell::masked(const CellStep& step) const
{
    return m_masked < 0 ? entered(step, 0) : step.record + m_masked * size(step);
}

void RecurrentCell::leave(const CellBackStep& back, float* maskedGradient) const
{
    const CellStep& step = back.step;
    const Index n = size(step);
    for (Index k = 0; k < n; ++k) {
        back.states[k] += m_masked < 0 ? maskedGradient[k] : maskedGradient[k] * step.mask[k];
    }
    for (Index state = 0; m_entered >= 0 && state < states(); ++state) {
        float* gradient = back.states + state * n;
        m_setup.state->gradient({step.previous + state * n, shapeOf(step)},
                                {gradient, shapeOf(step)}, {gradient, shapeOf(step)},
                                callOf(step, m_entered + state));
    }
}

Rows RecurrentCell::maskedRows(const CellSpan& span) const
{
    const Index n = span.samples * stateSize();
    const Index field = m_masked >= 0 ? m_masked : m_entered;
    return {field < 0 ? span.previous : span.record + field * n, span.samples, stateSize(),
            span.records, span.steps};
}

RecurrentCell::Gate RecurrentCell::addGate(Index column, bool isCandidate, Index& fields) const
{
    Gate gate{.column = column, .after = fields++, .isCandidate = isCandidate};
    if (activationOf(gate).reads() == GradientReads::Input) {
        gate.before = fields++;
    }
    return gate;
}

void RecurrentCell::activate(const CellStep& step, const Gate& gate) const
{
    const Index n = size(step);
    float* after = step.record + gate.after * n;
    float* before = gate.before < 0 ? after : step.record + gate.before * n;
    const MutableRows z = columns(step, step.projected, gate.column);
    for (Index row = 0; row < rows(step); ++row) {
        std::copy_n(z.data + row * z.samplePitch, units(), before + row * units());
    }
    activationOf(gate).apply(before, shapeOf(step), after, callOf(step, gate.after));
}

void RecurrentCell::deactivate(const CellBackStep& back, const Gate& gate, float* gradient) const
{
    const CellStep& step = back.step;
    const float* values = step.record + (gate.before < 0 ? gate.after : gate.before) * size(step);
    activationOf(gate).gradient(values, gradient, shapeOf(step), gradient,
                                callOf(step, gate.after));
    const MutableRows z = columns(step, back.projected, gate.column);
    for (Index row = 0; row < rows(step); ++row) {
        std::copy_n(gradient + row * units(), units(), z.data + row * z.samplePitch);
    }
}

quant::CallContext RecurrentCell::callOf(const CellStep& step, Index purpose) const
{
    quant::CallContext call = m_setup.call;
    if (call.training) {
        call.seed = Rng(step.seed).split(static_cast<std::uint64_t>(purpose)).next();
    }
    return call;
}

MutableRows RecurrentCell::columns(const CellStep& step, float* projected, Index gate) const
{
    return {projected + gate * units(), rows(step), gates() * units()};
}

std::unique_ptr<RecurrentCell> makeCell(CellSetup setup, std::unique_ptr<StepMap> recurrent)
{
    switch (setup.kind) {
    case CellKind::Lstm:
        if (recurrent == nullptr) {
            recurrent = makeDenseMap(setup.units, 4 * setup.units);
        }
        return std::make_unique<LstmCell>(std::move(setup), std::move(recurrent));
    case CellKind::Gru:
        return std::make_unique<GruCell>(std::move(setup));
    case CellKind::Simple:
        break;
    }
    return std::make_unique<SimpleCell>(std::move(setup));
}

} // namespace bitscape::graph
