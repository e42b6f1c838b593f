// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/matmul.h"

#include "core/graph/functions/convolution.h"
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

// Products of matrices.
namespace bitscape::graph {

namespace {

std::int64_t matmulMacs(std::span<const ArrayValue* const> inputs,
                        std::span<const ArrayValue> outputs)
{
    const Sizes& a = inputs[0]->sizes;
    return a.empty() ? 0 : outputs[0].count() * a.back();
}

std::int64_t gemmMacs(std::span<const ArrayValue* const> inputs,
                      std::span<const ArrayValue> outputs)
{
    const Index rows = outputs[0].sizes[0];
    return rows == 0 ? 0 : outputs[0].count() * (inputs[0]->count() / rows);
}

void matmul(Evaluation& e)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(1);
    const MatrixStacks stacks = matrixStacks(e, a.sizes, b.sizes);
    ArrayValue y = e.make(a.type, stacks.sizes);
    if (e.computes()) {
        const auto ofA = withoutZeroPoint(e, a, nullptr, false);
        const auto sums = multiply(stacks, ofA, withoutZeroPoint(e, b, nullptr, false));
        for (Index i = 0; i < y.count(); ++i) {
            y.set(i, sums[static_cast<std::size_t>(i)]);
        }
    }
    e.give(std::move(y));
}

/// Zero points: one number, or one per row of a and per column of b.
std::vector<double> shifted(Evaluation& e, const ArrayValue& x, const ArrayValue* zero, bool perRow)
{
    std::vector<double> values = withoutZeroPoint(e, x, nullptr, false);
    if (zero == nullptr) {
        return values;
    }
    const Index columns = x.sizes.empty() ? 1 : x.sizes.back();
    const Index rows = x.sizes.size() < 2 ? 1 : x.sizes[x.sizes.size() - 2];
    const Index count = zero->count();
    const Index wanted = perRow ? rows : columns;
    if (count != 1 && count != wanted && count * (perRow ? columns : rows) != x.count()) {
        e.refuse("A zero point does not fit.");
        return values;
    }
    for (Index i = 0; i < x.count(); ++i) {
        const Index matrix = columns * rows == 0 ? 0 : i / (columns * rows);
        const Index within = perRow ? i / columns % rows : i % columns;
        const Index at = count == 1 ? 0 : count == wanted ? within : matrix * wanted + within;
        values[static_cast<std::size_t>(i)] -= zero->real(at);
    }
    return values;
}

void matmulInteger(Evaluation& e)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(1);
    const MatrixStacks stacks = matrixStacks(e, a.sizes, b.sizes);
    ArrayValue y = e.make(ElementType::Int32, stacks.sizes);
    if (e.computes()) {
        const auto sums = multiply(stacks, shifted(e, a, e.optional(2), true),
                                   shifted(e, b, e.optional(3), false));
        for (Index i = 0; i < y.count(); ++i) {
            y.set(i, sums[static_cast<std::size_t>(i)]);
        }
    }
    e.give(std::move(y));
}

std::vector<double> turned(const ArrayValue& x, bool isTransposed)
{
    std::vector<double> values(static_cast<std::size_t>(x.count()));
    const Index rows = x.sizes[0];
    const Index columns = x.sizes[1];
    for (Index i = 0; i < x.count(); ++i) {
        const Index to = isTransposed ? i % columns * rows + i / columns : i;
        values[static_cast<std::size_t>(to)] = x.real(i);
    }
    return values;
}

void gemm(Evaluation& e)
{
    const ArrayValue& a = e.input(0);
    const ArrayValue& b = e.input(1);
    const ArrayValue* c = e.optional(2);
    const double alpha = e.real("alpha", 1.0);
    const double beta = e.real("beta", 1.0);
    const bool turnsA = e.flag("transA");
    const bool turnsB = e.flag("transB");
    if (!e.ok() || a.rank() != 2 || b.rank() != 2) {
        return e.refuse("Its inputs are no matrices.");
    }
    const Sizes sa{a.sizes[turnsA ? 1 : 0], a.sizes[turnsA ? 0 : 1]};
    const Sizes sb{b.sizes[turnsB ? 1 : 0], b.sizes[turnsB ? 0 : 1]};
    const MatrixStacks stacks = matrixStacks(e, sa, sb);
    if (c != nullptr && e.ok() && e.broadcast(stacks.sizes, c->sizes) != stacks.sizes) {
        return e.refuse("Its C does not fit.");
    }
    ArrayValue y = e.make(a.type, stacks.sizes);
    if (e.computes()) {
        const auto sums = multiply(stacks, turned(a, turnsA), turned(b, turnsB));
        const auto ofC = c == nullptr ? std::vector<Index>() : broadcastElements(c->sizes, y.sizes);
        for (Index i = 0; i < y.count(); ++i) {
            const auto at = static_cast<std::size_t>(i);
            y.set(i, alpha * sums[at] + (c == nullptr ? 0.0 : beta * c->real(ofC[at])));
        }
    }
    e.give(std::move(y));
}

// ---- Einstein's sums

struct Equation {
    std::vector<std::string> inputs; ///< letters per axis
    std::string output;
};

/// Axes behind "..." get letters of their own: upper-case ones that the equation does not use are
/// too few, so control characters stand for them, aligned at the last.
std::string expandDots(const std::string& term, std::size_t rank, std::size_t most)
{
    const std::size_t dots = term.find("...");
    if (dots == std::string::npos) {
        return term;
    }
    const std::size_t hidden = rank + 3 - term.size();
    std::string letters;
    for (std::size_t i = most - std::min(hidden, most); i < most; ++i) {
        letters += static_cast<char>(i + 1);
    }
    return term.substr(0, dots) + letters + term.substr(dots + 3);
}

std::optional<Equation> parseEquation(Evaluation& e, const std::string& text)
{
    std::string plain;
    std::ranges::copy_if(text, std::back_inserter(plain), [](char c) { return c != ' '; });
    const std::size_t arrow = plain.find("->");
    std::string left = plain.substr(0, arrow);
    Equation equation;
    for (std::size_t at = 0; at <= left.size();) {
        const std::size_t comma = std::min(left.find(',', at), left.size());
        equation.inputs.push_back(left.substr(at, comma - at));
        at = comma + 1;
    }
    if (equation.inputs.size() != e.inputCount()) {
        e.refuse("Its equation has another number of terms than there are inputs.");
        return std::nullopt;
    }
    std::size_t most = 0;
    std::map<char, int> uses;
    for (std::size_t i = 0; i < equation.inputs.size(); ++i) {
        const std::string& term = equation.inputs[i];
        const auto rank = static_cast<std::size_t>(e.input(i).rank());
        if (term.find("...") != std::string::npos && rank + 3 >= term.size()) {
            most = std::max(most, rank + 3 - term.size());
        }
        for (const char c : term) {
            uses[c] += c == '.' ? 0 : 1;
        }
    }
    for (std::size_t i = 0; i < equation.inputs.size(); ++i) {
        const auto rank = static_cast<std::size_t>(e.input(i).rank());
        std::string& term = equation.inputs[i];
        term = expandDots(term, rank, most);
        if (term.size() != rank) {
            e.refuse(fmt::format("The term {} of its equation does not fit {} axes.", i, rank));
            return std::nullopt;
        }
    }
    if (arrow != std::string::npos) {
        const std::string right = plain.substr(arrow + 2);
        equation.output =
            expandDots(right, right.size() - std::min<std::size_t>(right.size(), 3) + most, most);
    } else {
        for (std::size_t i = 0; i < most; ++i) {
            equation.output += static_cast<char>(i + 1);
        }
        for (const auto& [letter, count] : uses) {
            equation.output += count == 1 && letter != '.' ? std::string(1, letter) : "";
        }
    }
    return equation;
}

void einsum(Evaluation& e)
{
    const auto equation = parseEquation(e, e.text("equation", ""));
    if (!equation || !e.ok()) {
        return;
    }
    std::map<char, Index> sizes;
    for (std::size_t i = 0; i < equation->inputs.size(); ++i) {
        for (std::size_t axis = 0; axis < equation->inputs[i].size(); ++axis) {
            Index& size = sizes.try_emplace(equation->inputs[i][axis], 1).first->second;
            const Index here = e.input(i).sizes[axis];
            if (size != 1 && here != 1 && size != here) {
                return e.refuse("Its inputs do not fit its equation.");
            }
            size = size == 1 ? here : size;
        }
    }
    // Axes of the output first, then those that are summed.
    std::string letters = equation->output;
    Sizes outer;
    for (const char letter : letters) {
        if (!sizes.contains(letter)) {
            return e.refuse("Its equation gives an axis that no input has.");
        }
        outer.push_back(sizes[letter]);
    }
    Sizes all = outer;
    for (const auto& [letter, size] : sizes) {
        if (letters.find(letter) == std::string::npos) {
            letters += letter;
            all.push_back(size);
        }
    }
    ArrayValue y = e.make(e.input(0).type, outer);
    if (e.computes()) {
        std::vector<Sizes> steps;
        for (std::size_t i = 0; i < equation->inputs.size(); ++i) {
            const Sizes own = stepsOf(e.input(i).sizes);
            Sizes byLetter(letters.size(), 0);
            for (std::size_t axis = 0; axis < own.size(); ++axis) {
                const bool moves = e.input(i).sizes[axis] != 1;
                byLetter[letters.find(equation->inputs[i][axis])] += moves ? own[axis] : 0;
            }
            steps.push_back(std::move(byLetter));
        }
        const Sizes allSteps = stepsOf(all);
        const Index terms = y.count() == 0 ? 0 : countOf(all) / y.count();
        for (Index i = 0; i < y.count(); ++i) {
            double sum = 0.0;
            for (Index t = 0; t < terms; ++t) {
                const Index flat = i * terms + t;
                double product = 1.0;
                for (std::size_t n = 0; n < steps.size(); ++n) {
                    Index place = 0;
                    for (std::size_t a = 0; a < all.size(); ++a) {
                        place += flat / allSteps[a] % all[a] * steps[n][a];
                    }
                    product *= e.input(n).real(place);
                }
                sum += product;
            }
            y.set(i, sum);
        }
    }
    e.give(std::move(y));
}

} // namespace

MatrixStacks matrixStacks(Evaluation& e, const Sizes& a, const Sizes& b)
{
    if (a.empty() || b.empty()) {
        e.refuse("A scalar is no matrix.");
        return {.sizes = {0}};
    }
    const Sizes wideA = a.size() == 1 ? Sizes{1, a[0]} : a;
    const Sizes wideB = b.size() == 1 ? Sizes{b[0], 1} : b;
    MatrixStacks stacks{
        .rows = wideA[wideA.size() - 2], .inner = wideA.back(), .columns = wideB.back()};
    if (stacks.inner != wideB[wideB.size() - 2]) {
        e.refuse(fmt::format("Matrices of the sizes {} and {} cannot be multiplied.",
                             describeSizes(a), describeSizes(b)));
        return {.sizes = {0}};
    }
    const Sizes stackA(wideA.begin(), wideA.end() - 2);
    const Sizes stackB(wideB.begin(), wideB.end() - 2);
    stacks.sizes = e.broadcast(stackA, stackB);
    if (e.computes()) {
        stacks.a = broadcastElements(stackA, stacks.sizes);
        stacks.b = broadcastElements(stackB, stacks.sizes);
    }
    if (a.size() > 1) {
        stacks.sizes.push_back(stacks.rows);
    }
    if (b.size() > 1) {
        stacks.sizes.push_back(stacks.columns);
    }
    return stacks;
}

std::vector<double> multiply(const MatrixStacks& stacks, std::span<const double> a,
                             std::span<const double> b)
{
    const Index size = stacks.rows * stacks.columns;
    std::vector<double> y(stacks.a.size() * static_cast<std::size_t>(size), 0.0);
    for (std::size_t m = 0; m < stacks.a.size(); ++m) {
        const double* left = a.data() + stacks.a[m] * stacks.rows * stacks.inner;
        const double* right = b.data() + stacks.b[m] * stacks.inner * stacks.columns;
        double* result = y.data() + static_cast<Index>(m) * size;
        for (Index row = 0; row < stacks.rows; ++row) {
            for (Index k = 0; k < stacks.inner; ++k) {
                const double factor = left[row * stacks.inner + k];
                for (Index column = 0; column < stacks.columns; ++column) {
                    result[row * stacks.columns + column] +=
                        factor * right[k * stacks.columns + column];
                }
            }
        }
    }
    return y;
}

std::span<const FunctionInfo> matmulFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "MatMul", 1, "product of stacks of matrices", matmul, matmulMacs},
        FunctionInfo{"", "MatMulInteger", 10, "product of integers", matmulInteger, matmulMacs},
        FunctionInfo{"", "Gemm", 1, "alpha·A·B + beta·C", gemm, gemmMacs},
        FunctionInfo{"", "Einsum", 12, "sum of products by an equation", einsum},
    };
    return rows;
}

} // namespace bitscape::graph
