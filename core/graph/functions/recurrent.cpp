// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>

// ONNX' RNN, GRU and LSTM. Per direction W: gates·hidden × input, R: gates·hidden × hidden,
// B: W's bias, then R's.
namespace bitscape::graph {

namespace {

using Vector = std::vector<double>;
using Scalar = std::function<double(double)>;

double sigmoid(double x)
{
    return x >= 0.0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x));
}

/// A name as ONNX writes it, in any case; alpha and beta where the file gives them.
std::optional<Scalar> activationOf(std::string name, std::optional<double> alpha,
                                   std::optional<double> beta)
{
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name == "sigmoid") {
        return sigmoid;
    }
    if (name == "tanh") {
        return [](double x) { return std::tanh(x); };
    }
    if (name == "relu") {
        return [](double x) { return std::max(x, 0.0); };
    }
    if (name == "affine") {
        return [a = alpha.value_or(1.0), b = beta.value_or(0.0)](double x) { return a * x + b; };
    }
    if (name == "leakyrelu") {
        return [a = alpha.value_or(0.01)](double x) { return x < 0.0 ? a * x : x; };
    }
    if (name == "thresholdedrelu") {
        return [a = alpha.value_or(1.0)](double x) { return x > a ? x : 0.0; };
    }
    if (name == "scaledtanh") {
        return [a = alpha.value_or(1.0), b = beta.value_or(1.0)](double x) {
            return a * std::tanh(b * x);
        };
    }
    if (name == "hardsigmoid") {
        return [a = alpha.value_or(0.2), b = beta.value_or(0.5)](double x) {
            return std::clamp(a * x + b, 0.0, 1.0);
        };
    }
    if (name == "elu") {
        return [a = alpha.value_or(1.0)](double x) { return x < 0.0 ? a * std::expm1(x) : x; };
    }
    if (name == "softsign") {
        return [](double x) { return x / (1.0 + std::fabs(x)); };
    }
    if (name == "softplus") {
        return [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); };
    }
    return std::nullopt;
}

/// One direction of one layer: what a step needs.
struct Cell {
    Index inputs = 0, hidden = 0, gates = 1;
    const ArrayValue* w = nullptr;
    const ArrayValue* r = nullptr;
    const ArrayValue* b = nullptr; ///< null: no bias
    const ArrayValue* p = nullptr; ///< peepholes of an LSTM; null: none
    Index direction = 0;
    std::vector<Scalar> functions;
    double clip = 0.0;    ///< 0: none
    bool hasFlag = false; ///< linear_before_reset of a GRU, input_forget of an LSTM

    [[nodiscard]] double clipped(double x) const
    {
        return clip > 0.0 ? std::clamp(x, -clip, clip) : x;
    }
    /// Row of a gate: W·x + its bias.
    [[nodiscard]] double fromInput(Index gate, Index unit, std::span<const double> x) const
    {
        const Index row = (direction * gates + gate) * hidden + unit;
        double sum = bias(gate, unit);
        for (Index k = 0; k < inputs; ++k) {
            sum += w->reals[static_cast<std::size_t>(row * inputs + k)] *
                   x[static_cast<std::size_t>(k)];
        }
        return sum;
    }
    /// R·h + its bias.
    [[nodiscard]] double fromState(Index gate, Index unit, const Vector& h) const
    {
        const Index row = (direction * gates + gate) * hidden + unit;
        double sum = bias(gates + gate, unit);
        for (Index k = 0; k < hidden; ++k) {
            sum += r->reals[static_cast<std::size_t>(row * hidden + k)] *
                   h[static_cast<std::size_t>(k)];
        }
        return sum;
    }
    [[nodiscard]] double peephole(Index gate, Index unit, const Vector& c) const
    {
        return p == nullptr
                   ? 0.0
                   : p->reals[static_cast<std::size_t>((direction * 3 + gate) * hidden + unit)] *
                         c[static_cast<std::size_t>(unit)];
    }
    [[nodiscard]] double apply(std::size_t function, double x) const
    {
        return functions[function](clipped(x));
    }

private:
    [[nodiscard]] double bias(Index gate, Index unit) const
    {
        return b == nullptr ? 0.0
                            : b->reals[static_cast<std::size_t>(
                                  (direction * 2 * gates + gate) * hidden + unit)];
    }
};

using Step = void (*)(const Cell& cell, std::span<const double> x, Vector& h, Vector& c);

void stepRnn(const Cell& cell, std::span<const double> x, Vector& h, Vector& /*c*/)
{
    Vector next(h.size());
    for (Index u = 0; u < cell.hidden; ++u) {
        next[static_cast<std::size_t>(u)] =
            cell.apply(0, cell.fromInput(0, u, x) + cell.fromState(0, u, h));
    }
    h = std::move(next);
}

/// Gates z, r, h.
void stepGru(const Cell& cell, std::span<const double> x, Vector& h, Vector& /*c*/)
{
    Vector update(h.size());
    Vector reset(h.size());
    Vector scaled(h.size());
    for (Index u = 0; u < cell.hidden; ++u) {
        const auto at = static_cast<std::size_t>(u);
        update[at] = cell.apply(0, cell.fromInput(0, u, x) + cell.fromState(0, u, h));
        reset[at] = cell.apply(0, cell.fromInput(1, u, x) + cell.fromState(1, u, h));
        scaled[at] = reset[at] * h[at];
    }
    Vector next(h.size());
    for (Index u = 0; u < cell.hidden; ++u) {
        const auto at = static_cast<std::size_t>(u);
        const double fromState =
            cell.hasFlag ? reset[at] * cell.fromState(2, u, h) : cell.fromState(2, u, scaled);
        const double candidate = cell.apply(1, cell.fromInput(2, u, x) + fromState);
        next[at] = (1.0 - update[at]) * candidate + update[at] * h[at];
    }
    h = std::move(next);
}

/// Gates i, o, f, c; peepholes i, o, f.
void stepLstm(const Cell& cell, std::span<const double> x, Vector& h, Vector& c)
{
    Vector nextH(h.size());
    Vector nextC(h.size());
    for (Index u = 0; u < cell.hidden; ++u) {
        const auto at = static_cast<std::size_t>(u);
        const auto sum = [&](Index gate) {
            return cell.fromInput(gate, u, x) + cell.fromState(gate, u, h);
        };
        const double input = cell.apply(0, sum(0) + cell.peephole(0, u, c));
        const double forget =
            cell.hasFlag ? 1.0 - input : cell.apply(0, sum(2) + cell.peephole(2, u, c));
        nextC[at] = forget * c[at] + input * cell.apply(1, sum(3));
        const double output = cell.apply(0, sum(1) + cell.peephole(1, u, nextC));
        nextH[at] = output * cell.functions[2](cell.clipped(nextC[at]));
    }
    h = std::move(nextH);
    c = std::move(nextC);
}

struct Kind {
    Index gates;
    Step step;
    std::vector<std::string> functions; ///< of one direction
    std::string flag;                   ///< attribute behind Cell::hasFlag; empty: none
    bool hasCell;                       ///< a second state
};

/// Sizes of one call.
struct Call {
    Index steps = 0, batch = 0, inputs = 0, hidden = 0, directions = 1;
    bool isBatchFirst = false; ///< layout 1
    bool startsBackwards = false;
};

std::vector<Scalar> functionsOf(Evaluation& e, const Kind& kind, Index directions)
{
    const auto count = kind.functions.size() * static_cast<std::size_t>(directions);
    std::vector<std::string> fallback;
    for (Index d = 0; d < directions; ++d) {
        fallback.insert(fallback.end(), kind.functions.begin(), kind.functions.end());
    }
    const auto names = e.texts("activations", fallback);
    const auto alphas = e.reals("activation_alpha");
    const auto betas = e.reals("activation_beta");
    std::vector<Scalar> functions;
    if (names.size() != count) {
        e.refuse(fmt::format("It names {} activations, {} are wanted.", names.size(), count));
        return functions;
    }
    const auto given = [](const std::vector<double>& values, std::size_t i) {
        return i < values.size() ? std::optional(values[i]) : std::nullopt;
    };
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto function = activationOf(names[i], given(alphas, i), given(betas, i));
        if (!function) {
            e.refuseSetting(fmt::format("the activation '{}' is not known", names[i]));
            return {};
        }
        functions.push_back(std::move(*function));
    }
    return functions;
}

bool requireSizes(Evaluation& e, std::size_t input, const Sizes& wanted)
{
    if (e.has(input) && e.input(input).sizes != wanted) {
        e.refuse(fmt::format("Its input {} has the sizes {}, {} are wanted.", input,
                             describeSizes(e.input(input).sizes), describeSizes(wanted)));
    }
    return e.ok();
}

Call callOf(Evaluation& e, const Kind& kind)
{
    Call call;
    const ArrayValue& x = e.input(0);
    const ArrayValue& r = e.input(2);
    const std::string direction = e.text("direction", "forward");
    if (!e.ok() || x.rank() != 3 || r.rank() != 3) {
        e.refuse("Its input or its weights have no three axes.");
        return call;
    }
    call.isBatchFirst = e.flag("layout");
    call.steps = x.sizes[call.isBatchFirst ? 1 : 0];
    call.batch = x.sizes[call.isBatchFirst ? 0 : 1];
    call.inputs = x.sizes[2];
    call.hidden = r.sizes[2];
    call.directions = direction == "bidirectional" ? 2 : 1;
    call.startsBackwards = direction == "reverse";
    const Index rows = kind.gates * call.hidden;
    const Sizes state = call.isBatchFirst ? Sizes{call.batch, call.directions, call.hidden}
                                          : Sizes{call.directions, call.batch, call.hidden};
    static_cast<void>(requireSizes(e, 1, {call.directions, rows, call.inputs}) &&
                      requireSizes(e, 2, {call.directions, rows, call.hidden}) &&
                      requireSizes(e, 3, {call.directions, 2 * rows}) &&
                      requireSizes(e, 4, {call.batch}) && requireSizes(e, 5, state) &&
                      (!kind.hasCell || (requireSizes(e, 6, state) &&
                                         requireSizes(e, 7, {call.directions, 3 * call.hidden}))));
    return call;
}

Index placeOfState(const Call& call, Index direction, Index sample)
{
    return (call.isBatchFirst ? sample * call.directions + direction
                              : direction * call.batch + sample) *
           call.hidden;
}

Index placeOfOutput(const Call& call, Index step, Index direction, Index sample)
{
    return (call.isBatchFirst ? (sample * call.steps + step) * call.directions + direction
                              : (step * call.directions + direction) * call.batch + sample) *
           call.hidden;
}

struct Outputs {
    ArrayValue& y;
    ArrayValue& lastH;
    ArrayValue& lastC;
};

/// All steps of one sample in one direction. Steps behind the sample's length give zeros.
void runSample(Evaluation& e, const Call& call, const Kind& kind, const Cell& cell, Index sample,
               Outputs& outputs)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue* lengths = e.optional(4);
    const Index length =
        lengths == nullptr
            ? call.steps
            : std::clamp<Index>(static_cast<Index>(lengths->integer(sample)), 0, call.steps);
    const bool isBackwards = call.startsBackwards || cell.direction == 1;
    Vector h(static_cast<std::size_t>(call.hidden), 0.0);
    Vector c(static_cast<std::size_t>(call.hidden), 0.0);
    const Index state = placeOfState(call, cell.direction, sample);
    for (Index u = 0; u < call.hidden; ++u) {
        const auto at = static_cast<std::size_t>(u);
        h[at] = e.has(5) ? e.input(5).real(state + u) : 0.0;
        c[at] = kind.hasCell && e.has(6) ? e.input(6).real(state + u) : 0.0;
    }
    for (Index t = 0; t < length; ++t) {
        const Index step = isBackwards ? length - 1 - t : t;
        const Index row =
            call.isBatchFirst ? sample * call.steps + step : step * call.batch + sample;
        kind.step(cell,
                  std::span(x.reals).subspan(static_cast<std::size_t>(row * call.inputs),
                                             static_cast<std::size_t>(call.inputs)),
                  h, c);
        const Index place = placeOfOutput(call, step, cell.direction, sample);
        for (Index u = 0; u < call.hidden; ++u) {
            outputs.y.set(place + u, h[static_cast<std::size_t>(u)]);
        }
    }
    for (Index u = 0; u < call.hidden; ++u) {
        outputs.lastH.set(state + u, h[static_cast<std::size_t>(u)]);
        outputs.lastC.set(state + u, c[static_cast<std::size_t>(u)]);
    }
}

void recurrent(Evaluation& e, const Kind& kind)
{
    const Call call = callOf(e, kind);
    const auto functions = functionsOf(e, kind, call.directions);
    if (!e.ok()) {
        return;
    }
    const ElementType type = e.input(0).type;
    const Sizes state = call.isBatchFirst ? Sizes{call.batch, call.directions, call.hidden}
                                          : Sizes{call.directions, call.batch, call.hidden};
    ArrayValue y = e.make(type, call.isBatchFirst
                                    ? Sizes{call.batch, call.steps, call.directions, call.hidden}
                                    : Sizes{call.steps, call.directions, call.batch, call.hidden});
    ArrayValue lastH = e.make(type, state);
    ArrayValue lastC = e.make(type, state);
    if (e.computes()) {
        Outputs outputs{y, lastH, lastC};
        for (Index d = 0; d < call.directions; ++d) {
            const auto first = functions.begin() + d * std::ssize(kind.functions);
            const Cell cell{.inputs = call.inputs,
                            .hidden = call.hidden,
                            .gates = kind.gates,
                            .w = &e.input(1),
                            .r = &e.input(2),
                            .b = e.optional(3),
                            .p = kind.hasCell ? e.optional(7) : nullptr,
                            .direction = d,
                            .functions = {first, first + std::ssize(kind.functions)},
                            .clip = e.real("clip", 0.0),
                            .hasFlag = !kind.flag.empty() && e.flag(kind.flag)};
            for (Index sample = 0; sample < call.batch; ++sample) {
                runSample(e, call, kind, cell, sample, outputs);
            }
        }
    }
    e.give(std::move(y));
    e.give(std::move(lastH));
    if (kind.hasCell) {
        e.give(std::move(lastC));
    }
}

void rnn(Evaluation& e)
{
    recurrent(e, {1, stepRnn, {"Tanh"}, "", false});
}

void gru(Evaluation& e)
{
    recurrent(e, {3, stepGru, {"Sigmoid", "Tanh"}, "linear_before_reset", false});
}

void lstm(Evaluation& e)
{
    recurrent(e, {4, stepLstm, {"Sigmoid", "Tanh", "Tanh"}, "input_forget", true});
}

std::int64_t macs(std::span<const ArrayValue* const> inputs,
                  std::span<const ArrayValue> /*outputs*/)
{
    const ArrayValue& x = *inputs[0];
    return x.sizes[0] * x.sizes[1] * (inputs[1]->count() + inputs[2]->count());
}

} // namespace

std::span<const FunctionInfo> recurrentFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "RNN", 1, "one gate over a sequence", rnn, macs},
        FunctionInfo{"", "GRU", 1, "gates z, r, h over a sequence", gru, macs},
        FunctionInfo{"", "LSTM", 1, "gates i, o, f, c over a sequence", lstm, macs},
    };
    return rows;
}

} // namespace bitscape::graph
